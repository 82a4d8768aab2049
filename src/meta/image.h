#pragma once
/* Images: the whole catalog at one journal entry, as one object of text.
 *
 *   line 1         JSON: format, reader, entry, incarnation, sequence, hash, epoch, writer, time
 *   blocks         JSON records, one a line; a block a kind of thing (databases, tables, partitions, settings, prepared,
 *                  labels, and "record:<module>" for each module of records)
 *   footer         JSON, one line: name, version, reader, optional, offset, length, records, checksum of each block
 *   last line      "MRKIMAGE <offset of the footer> <checksum of line 1 and footer>", both 16 hexadecimal digits
 *
 * Definitions of tables and partitions are, as base64, the bytes that journal entries carry (encode.h), so that what an
 * entry can say an image can. Reading uses several threads, and checks every byte by checksum before it is used.
 * docs/formats.md has the rest. */

#include "base/format_level.h"
#include "meta/store.h"

enum { IMAGE_FORMAT = 1, IMAGE_BLOCK_VERSION = 1 };

/* The state, and where the journal goes on behind it. */
typedef struct ImageHead {
    uint64_t entry_id;
    uint64_t incarnation;
    uint64_t next_sequence;
    uint64_t previous_hash;
    uint64_t epoch, epoch_writer;
    int64_t time_us; /* when it was made */
} ImageHead;

/* A block that this version does not know and need not: kept, and written again. */
typedef struct ImageBlock {
    StrView name;
    uint64_t version, reader;
    uint64_t record_count;
    StrView lines;
} ImageBlock;

typedef struct ImageContent {
    Arena arena; /* of what is below; the catalog has its own */
    ImageHead head;
    CatalogSnapshot *catalog; /* a reference */
    LabelEntry *labels; /* oldest first */
    uint32_t label_count;
    ImageBlock *kept;
    uint32_t kept_count;
} ImageContent;

void image_content_init(ImageContent *content);
void image_content_deinit(ImageContent *content);

/* Deep copies of blocks. */
void image_keep_blocks(Arena *arena, const ImageBlock *blocks, uint32_t count, ImageBlock **out_copies);

void image_write(const ImageContent *content, ByteBuf *out);
/* name: of the object, for messages. CORRUPT: damaged; FORMAT_TOO_NEW: with all that this version can't read.
 * content is initialised, and to be deinitialised in any case. */
Status image_read(StrView bytes, const char *name, Diag *diag, ImageContent *content);
/* The head alone, checked. */
Status image_read_head(StrView bytes, const char *name, Diag *diag, ImageHead *out_head);
/* The whole object's checksum: CRC-32. */
uint32_t image_checksum(StrView bytes);
