#pragma once
/* Reading one leaf column of a row group: pages, dictionary, levels and values. Of the folder.
 *
 * Values go two steps: the encoding yields raw values (of the physical type), which conversion makes those of a vector. The
 * dictionary is converted once. Bytes that strings refer to stay until the next batch: pages that end within a batch are retired. */

#include "format/parquet/parquet_delta.h"
#include "format/parquet/parquet_hybrid.h"
#include "format/parquet/parquet_int.h"

enum { LEAF_SLACK_BYTES = 64, LEVEL_BLOCK = 1024, MOST_CODED_ENTRIES = 4 * 4096 };

typedef struct LeafReader {
    const ParquetFile *file;
    const ParquetNode *node;
    const ColumnChunk *chunk;
    uint32_t group;
    MemTracker *tracker;
    ByteWindow window;
    Arena batch;        /* what one batch needs */
    uint64_t unread;    /* entries in pages that did not begin */

    /* the page */
    Buffer body, spare;
    ARRAY_OF(Buffer) retired; /* in batch */
    uint32_t page_left; /* entries (values and NULLs) whose levels are not read */
    HybridReader defs, reps;
    uint8_t encoding;
    const uint8_t *values, *values_end;
    uint32_t values_done, value_count; /* of BYTE_STREAM_SPLIT */
    HybridReader codes;                /* dictionary codes, booleans */
    DeltaReader delta, prefixes;
    ByteBuf previous; /* the value before, of DELTA_BYTE_ARRAY */

    /* the dictionary */
    bool has_dictionary;
    Arena kept; /* texts that conversion makes of it */
    Buffer dictionary_body, dictionary_values;
    Vector dictionary;

    uint32_t code_block[CHUNK_ROWS];
    uint8_t level_block[CHUNK_ROWS + LEAF_SLACK_BYTES];

    /* levels that are decoded ahead, of nested columns */
    uint32_t block_at, block_count;
    uint8_t block_defs[LEVEL_BLOCK], block_reps[LEVEL_BLOCK];
} LeafReader;

/* Levels and values of some rows of a nested column. */
typedef struct LeafBatch {
    const uint8_t *defs, *reps;
    uint32_t count;
    const void *values; /* of entries whose definition level is the highest, densely */
} LeafBatch;

void parquet_leaf_init(LeafReader *leaf, const ParquetFile *file, uint32_t group, uint32_t index, MemTracker *tracker);
void parquet_leaf_close(LeafReader *leaf);
/* An error that names file, row group and column; what is a sentence without them. */
Status parquet_leaf_error(const LeafReader *leaf, Status code, Diag *diag, const char *what);
/* Lets go of what the batch before needed. */
void parquet_leaf_begin(LeafReader *leaf);
/* rows values of a column outside of groups. */
Status parquet_leaf_read_flat(LeafReader *leaf, uint32_t rows, Vector *out, Diag *diag);
Status parquet_leaf_read_levels(LeafReader *leaf, uint32_t rows, LeafBatch *out, Diag *diag);

/* parquet_page.c: the next data page, and the dictionary before it. */
Status parquet_next_page(LeafReader *leaf, Diag *diag);
/* parquet_values.c: set up the page's values; decode the next count of them, converted, to out. */
Status parquet_values_open(LeafReader *leaf, Diag *diag);
Status parquet_values_read(LeafReader *leaf, uint32_t count, void *out, Diag *diag);
/* Dictionary codes, checked. */
Status parquet_codes_read(LeafReader *leaf, uint32_t count, uint32_t *codes, Diag *diag);
static inline bool parquet_page_has_codes(const LeafReader *leaf)
{
    return leaf->encoding == PARQUET_PLAIN_DICTIONARY || leaf->encoding == PARQUET_RLE_DICTIONARY;
}
/* Plain values of the dictionary page, which is in dictionary_body. */
Status parquet_dictionary_open(LeafReader *leaf, uint32_t count, size_t length, Diag *diag);
void parquet_gather(void *out, const void *dictionary, const uint32_t *codes, uint32_t count, uint32_t width);

/* parquet_convert.c: raw values, unaligned and with slack, to those of a vector. Texts that are made go to arena. */
uint32_t parquet_raw_width(const ParquetNode *node); /* of fixed-width physical types */
Status parquet_convert(const LeafReader *leaf, const void *raw, uint32_t count, Arena *arena, void *out, Diag *diag);
/* The same without a file: an error text, or NULL. Bounds are converted so. */
const char *parquet_convert_values(const ParquetNode *node, const TimeZone *zone, const void *raw, uint32_t count, Arena *arena, void *out);
