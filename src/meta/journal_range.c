#include "meta/journal_range.h"

#include "base/hash.h"

enum { RANGE_FORMAT = 1, HEADER_BYTES = 24 };

static const char range_magic[8] = {'M', 'R', 'K', 'R', 'A', 'N', 'G', '1'};

void journal_range_add(JournalRange *range, StrView object)
{
    bytebuf_put_sized(&range->objects, object.data, object.length);
    range->count++;
}

void journal_range_write(const JournalRange *range, ByteBuf *out)
{
    bytebuf_clear(out);
    bytebuf_append(out, range_magic, sizeof(range_magic));
    bytebuf_put_u32(out, RANGE_FORMAT);
    bytebuf_put_u32(out, range->count);
    bytebuf_put_u64(out, range->first_sequence);
    bytebuf_append_view(out, bytebuf_view(&range->objects));
    bytebuf_put_u64(out, checksum_bytes(out->data, out->length));
}

void journal_range_deinit(JournalRange *range)
{
    bytebuf_deinit(&range->objects);
}

static Status damaged(const char *name, Diag *diag, const char *what)
{
    return RAISE(diag, CORRUPT, "journal range \"%s\" is damaged: %s", name, what);
}

Status journal_range_read(StrView bytes, const char *name, JournalRangeVisit visit, void *context, Diag *diag)
{
    if (bytes.length < HEADER_BYTES + 8 || memcmp(bytes.data, range_magic, sizeof(range_magic)) != 0)
        return damaged(name, diag, "it is cut short, or no journal range");
    size_t end = bytes.length - 8;
    if (load_u64(bytes.data + end) != checksum_bytes(bytes.data, end))
        return damaged(name, diag, "its checksum does not match");
    if (load_u32(bytes.data + 8) > RANGE_FORMAT)
        return RAISE(diag, FORMAT_TOO_NEW, "journal range \"%s\" has format %u, this version reads up to %d", name, load_u32(bytes.data + 8),
                     RANGE_FORMAT);
    ByteReader reader = byte_reader(bytes.data + HEADER_BYTES, end - HEADER_BYTES);
    uint64_t sequence = load_u64(bytes.data + 16);
    for (uint32_t i = 0; i < load_u32(bytes.data + 12); i++) {
        StrView object = byte_reader_sized(&reader);
        if (reader.failed)
            return damaged(name, diag, "an object in it is cut short");
        TRY(visit(context, sequence + i, object, diag));
    }
    return byte_reader_left(&reader) == 0 ? OK : damaged(name, diag, "bytes follow its last object");
}
