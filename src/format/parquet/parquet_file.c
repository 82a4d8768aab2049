#include "format/parquet/parquet.h"

/* Opening a file: its last bytes are the footer, the footer's length, and a magic word. And what the footer says. */

#include "format/parquet/parquet_leaf.h"
#include "types/datetime.h"

enum { TAIL_BYTES = 8, MAGIC_BYTES = 4, FIRST_READ_BYTES = 64 << 10, MOST_FOOTER_BYTES = 256 << 20 };

static const char MAGIC[] = "PAR1", ENCRYPTED_MAGIC[] = "PARE";

static Status check_tail(const ParquetSource *source, const char *tail, uint32_t *out_length, Diag *diag)
{
    if (memcmp(tail + MAGIC_BYTES, ENCRYPTED_MAGIC, MAGIC_BYTES) == 0)
        return RAISE(diag, NOT_SUPPORTED, "%s is encrypted, which is not supported", source->name);
    if (memcmp(tail + MAGIC_BYTES, MAGIC, MAGIC_BYTES) != 0)
        return RAISE(diag, BAD_VALUE, "%s is not a Parquet file: it does not end with PAR1", source->name);
    *out_length = load_u32(tail);
    if (*out_length > source->size - TAIL_BYTES - MAGIC_BYTES)
        return RAISE(diag, CORRUPT, "%s is not a Parquet file that can be read: the footer is longer than the file", source->name);
    if (*out_length > MOST_FOOTER_BYTES)
        return RAISE(diag, LIMIT_EXCEEDED, "%s: the footer is larger than 256 MiB", source->name);
    return OK;
}

/* Most footers come with the first read. */
static Status read_footer_bytes(ParquetFile *file, Diag *diag, StrView *out)
{
    const ParquetSource *source = &file->source;
    if (source->size < TAIL_BYTES + MAGIC_BYTES)
        return RAISE(diag, BAD_VALUE, "%s is not a Parquet file: it is too short", source->name);
    uint64_t first = MIN(source->size, (uint64_t)FIRST_READ_BYTES);
    uint32_t length = 0;
    char *bytes = arena_alloc_bytes(&file->arena, first);
    TRY(source->read(source->context, source->size - first, first, bytes, diag));
    TRY(check_tail(source, bytes + first - TAIL_BYTES, &length, diag));
    if (length + TAIL_BYTES <= first) {
        *out = (StrView){bytes + first - TAIL_BYTES - length, length};
        return OK;
    }
    if (file->arena.tracker != NULL)
        TRY(mem_check_room(file->arena.tracker, length, diag));
    char *whole = arena_alloc_bytes(&file->arena, length);
    TRY(source->read(source->context, source->size - TAIL_BYTES - length, length, whole, diag));
    *out = (StrView){whole, length};
    return OK;
}

static Status open_file(ParquetFile *file, Diag *diag)
{
    StrView footer;
    TRY(read_footer_bytes(file, diag, &footer));
    TRY(parquet_read_footer(file, footer, diag));
    return file->arena.tracker != NULL ? mem_check_room(file->arena.tracker, 0, diag) : OK;
}

Status parquet_open(const ParquetSource *source, const TimeZone *zone, MemTracker *tracker, Diag *diag, ParquetFile **out_file)
{
    ParquetFile *file = mem_alloc_zero(sizeof(*file));
    arena_init(&file->arena, tracker);
    file->source = *source;
    file->zone = zone;
    Status status = open_file(file, diag);
    if (status != OK)
        parquet_close(file);
    else
        *out_file = file;
    return status;
}

void parquet_close(ParquetFile *file)
{
    if (file == NULL)
        return;
    arena_deinit(&file->arena);
    mem_free(file);
}

uint32_t parquet_column_count(const ParquetFile *file)
{
    return file->root.child_count;
}

StrView parquet_column_name(const ParquetFile *file, uint32_t column)
{
    return file->root.children[column].name;
}

Type parquet_column_type(const ParquetFile *file, uint32_t column)
{
    return file->root.children[column].type;
}

uint64_t parquet_row_count(const ParquetFile *file)
{
    return file->row_count;
}

uint32_t parquet_row_group_count(const ParquetFile *file)
{
    return file->group_count;
}

uint64_t parquet_row_group_rows(const ParquetFile *file, uint32_t group)
{
    return file->groups[group].row_count;
}

uint64_t parquet_row_group_bytes(const ParquetFile *file, uint32_t group, const uint32_t *columns, uint32_t count)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const ParquetNode *node = &file->root.children[columns[i]];
        for (uint32_t l = 0; l < node->leaf_count; l++)
            bytes += file->groups[group].columns[node->first_leaf + l].length;
    }
    return bytes;
}
