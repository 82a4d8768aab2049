#include "meta/image.h"

/* From the nodes of a catalog to text. Tables and their partitions, which are most of it, are written in slices that threads
 * take in turn, and are put together in order. */

#include <inttypes.h>
#include <zlib.h>

#include "base/hash.h"
#include "base/parallel.h"
#include "codec/base64.h"
#include "codec/json_text.h"
#include "meta/encode.h"
#include "meta/image_int.h"

/* A new field of these must be told below and read in image_read.c. */
_Static_assert(sizeof(CatalogSnapshot) == sizeof(Arena) + 88, "an image tells all of a catalog");
_Static_assert(sizeof(CatalogDatabase) == sizeof(Arena) + 48 + sizeof(TableList), "an image tells all of a database");
_Static_assert(sizeof(CatalogTable) == sizeof(Arena) + 88 + sizeof(PartitionGroups), "an image tells all of a table");

enum { SLICE_PARTITIONS = 1024, WAVE_SLICES = 16 };

typedef struct Writer {
    ByteBuf *out;
    ByteBuf footer;
    ByteBuf scratch;
    size_t start; /* of the open block */
    uint64_t records;
} Writer;

static void begin_block(Writer *w)
{
    w->start = w->out->length;
    w->records = 0;
}

static void put_footer(Writer *w, StrView name, uint64_t version, uint64_t reader, bool is_optional)
{
    size_t length = w->out->length - w->start;
    bytebuf_append_text(&w->footer, w->footer.length == 0 ? "{\"name\":" : ",{\"name\":");
    json_quote(name, &w->footer);
    bytebuf_printf(&w->footer,
                   ",\"version\":%" PRIu64 ",\"reader\":%" PRIu64 ",\"optional\":%s,\"offset\":%zu,\"length\":%zu,\"records\":%" PRIu64
                   ",\"checksum\":\"%016" PRIx64 "\"}",
                   version, reader, is_optional ? "true" : "false", w->start, length, w->records,
                   checksum_bytes(w->out->data + w->start, length));
}

static void end_block(Writer *w, StrView name)
{
    put_footer(w, name, format_version_written(IMAGE_BLOCK_VERSION), format_version_written(IMAGE_BLOCK_VERSION), false);
}

static void begin_record(Writer *w, const char *key, uint64_t value)
{
    w->records++;
    bytebuf_printf(w->out, "{\"%s\":%" PRIu64, key, value);
}

static void put_number(Writer *w, const char *key, uint64_t value)
{
    bytebuf_printf(w->out, ",\"%s\":%" PRIu64, key, value);
}

static void put_text(Writer *w, const char *key, StrView value)
{
    bytebuf_append_text(w->out, ",\"");
    bytebuf_append_text(w->out, key);
    bytebuf_append_text(w->out, "\":");
    json_quote(value, w->out);
}

/* The stored form that is in scratch. */
static void put_definition(Writer *w)
{
    bytebuf_append_text(w->out, ",\"def\":\"");
    base64_append(bytebuf_view(&w->scratch), w->out);
    bytebuf_append_text(w->out, "\"");
    bytebuf_clear(&w->scratch);
}

static void end_record(Writer *w)
{
    bytebuf_append_text(w->out, "}\n");
}

static void write_databases(Writer *w, const CatalogSnapshot *catalog)
{
    begin_block(w);
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        const CatalogDatabase *database = catalog->databases[d];
        begin_record(w, "id", database->id);
        put_text(w, "name", database->name);
        put_text(w, "comment", database->comment);
        end_record(w);
    }
    end_block(w, STR_VIEW("databases"));
}

static void write_table(Writer *w, const CatalogTable *table)
{
    begin_record(w, "id", table->id);
    put_number(w, "database", table->database_id);
    put_text(w, "name", table->name);
    put_number(w, "created", (uint64_t)table->created_us);
    put_number(w, "updated", (uint64_t)table->updated_us);
    encode_schema(&w->scratch, table->schema);
    put_definition(w);
    end_record(w);
}

static void write_partitions(Writer *w, const CatalogTable *table)
{
    for (uint32_t p = 0; p < table->partition_count; p++) {
        begin_record(w, "table", table->id);
        put_number(w, "id", table->partitions[p]->id);
        put_text(w, "name", table->partitions[p]->name);
        encode_partition(&w->scratch, table->schema, table->partitions[p]);
        put_definition(w);
        end_record(w);
    }
}

typedef void (*WriteTable)(Writer *w, const CatalogTable *table);

/* A run of tables that one thread writes. */
typedef struct Slice {
    const CatalogTable *const *tables;
    uint32_t count;
    ByteBuf lines;
    uint64_t records;
} Slice;

/* Some at a time, so that little lies beside the image. */
typedef struct Wave {
    WriteTable write;
    uint32_t count;
    Slice slices[WAVE_SLICES];
} Wave;

static Status write_slice(void *context, uint32_t round, Diag *diag)
{
    Wave *wave = context;
    Slice *slice = &wave->slices[round];
    Writer w = {.out = &slice->lines};
    (void)diag;
    for (uint32_t t = 0; t < slice->count; t++)
        wave->write(&w, slice->tables[t]);
    slice->records = w.records;
    bytebuf_deinit(&w.scratch);
    return OK;
}

static void write_wave(Writer *w, Wave *wave)
{
    Diag unused = {0};
    status_ignore(parallel_for(wave->count, write_slice, wave, &unused)); /* no round fails */
    for (uint32_t s = 0; s < wave->count; s++) {
        bytebuf_append_view(w->out, bytebuf_view(&wave->slices[s].lines));
        bytebuf_deinit(&wave->slices[s].lines);
        w->records += wave->slices[s].records;
    }
    wave->count = 0;
}

static void write_table_block(Writer *w, const CatalogTable *const *tables, uint32_t count, WriteTable write, StrView name)
{
    Wave wave = {.write = write};
    uint64_t partitions = 0;
    begin_block(w);
    for (uint32_t t = 0, first = 0; t < count; t++) {
        partitions += tables[t]->partition_count;
        if (partitions < SLICE_PARTITIONS && t + 1 < count)
            continue;
        wave.slices[wave.count++] = (Slice){.tables = tables + first, .count = t + 1 - first};
        first = t + 1;
        partitions = 0;
        if (wave.count == WAVE_SLICES)
            write_wave(w, &wave);
    }
    write_wave(w, &wave);
    end_block(w, name);
}

static void write_tables(Writer *w, const CatalogSnapshot *catalog)
{
    AUTO_ARENA arena;
    ARRAY_OF(const CatalogTable *) tables = {0};
    arena_init(&arena, NULL);
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        for (uint32_t t = 0; t < catalog_table_count(catalog->databases[d]); t++)
            ARRAY_PUSH(&arena, &tables, catalog_table_at(catalog->databases[d], t));
    }
    write_table_block(w, tables.items, tables.count, write_table, STR_VIEW("tables"));
    write_table_block(w, tables.items, tables.count, write_partitions, STR_VIEW("partitions"));
}

static void put_pair(Writer *w, StrView key, StrView value)
{
    w->records++;
    bytebuf_append_text(w->out, "{\"key\":");
    json_quote(key, w->out);
    put_text(w, "value", value);
    end_record(w);
}

static void write_settings(Writer *w, const CatalogSnapshot *catalog)
{
    begin_block(w);
    for (uint32_t i = 0; i < catalog->setting_count; i++)
        put_pair(w, catalog->settings[i].key, catalog->settings[i].value);
    end_block(w, STR_VIEW("settings"));
}

static void write_prepared(Writer *w, const CatalogSnapshot *catalog)
{
    begin_block(w);
    for (uint32_t i = 0; i < catalog->prepared_count; i++) {
        begin_record(w, "database", catalog->prepared[i]->database_id);
        put_text(w, "label", catalog->prepared[i]->label);
        prepared_encode(catalog->prepared[i], &w->scratch);
        put_definition(w);
        end_record(w);
    }
    end_block(w, STR_VIEW("prepared"));
}

static void write_labels(Writer *w, const ImageContent *content)
{
    begin_block(w);
    for (uint32_t i = 0; i < content->label_count; i++) {
        const LabelEntry *label = &content->labels[i];
        begin_record(w, "database", label->database_id);
        put_text(w, "label", label->label);
        put_number(w, "txn", label->txn_id);
        put_number(w, "time", (uint64_t)label->time_us);
        bytebuf_append_view(&w->scratch, label->answer);
        put_definition(w);
        end_record(w);
    }
    end_block(w, STR_VIEW("labels"));
}

static void write_record(void *context, StrView key, StrView value)
{
    put_pair(context, key, value);
}

static void write_modules(Writer *w, const CatalogSnapshot *catalog)
{
    for (uint32_t i = 0; catalog_record_module(catalog, i).data != NULL; i++) {
        StrView name = catalog_record_module(catalog, i);
        AUTO_BYTEBUF block = {0};
        bytebuf_append_text(&block, IMAGE_MODULE_PREFIX);
        bytebuf_append_view(&block, name);
        begin_block(w);
        catalog_each_record(catalog, block.data + strlen(IMAGE_MODULE_PREFIX), write_record, w);
        end_block(w, bytebuf_view(&block));
    }
}

static void write_kept(Writer *w, const ImageContent *content)
{
    for (uint32_t i = 0; i < content->kept_count; i++) {
        const ImageBlock *block = &content->kept[i];
        begin_block(w);
        w->records = block->record_count;
        bytebuf_append_view(w->out, block->lines);
        put_footer(w, block->name, block->version, block->reader, true);
    }
}

static void write_head(const ImageContent *content, ByteBuf *out)
{
    const ImageHead *head = &content->head;
    uint32_t format = format_version_written(IMAGE_FORMAT);
    bytebuf_printf(out,
                   "{\"magic\":\"MRKIMAGE\",\"format\":%u,\"reader\":%u,\"entry\":%" PRIu64 ",\"incarnation\":%" PRIu64
                   ",\"sequence\":%" PRIu64 ",\"hash\":\"%016" PRIx64 "\",\"epoch\":%" PRIu64 ",\"writer\":\"%016" PRIx64
                   "\",\"next_id\":%" PRIu64 ",\"time\":%" PRIu64 "}\n",
                   format, format, head->entry_id, head->incarnation, head->next_sequence, head->previous_hash, head->epoch,
                   head->epoch_writer, content->catalog->next_id, (uint64_t)head->time_us);
}

void image_write(const ImageContent *content, ByteBuf *out)
{
    Writer w = {.out = out};
    bytebuf_clear(out);
    write_head(content, out);
    size_t head_length = out->length;
    write_databases(&w, content->catalog);
    write_tables(&w, content->catalog);
    write_settings(&w, content->catalog);
    write_prepared(&w, content->catalog);
    write_labels(&w, content);
    write_modules(&w, content->catalog);
    write_kept(&w, content);
    size_t footer = out->length;
    bytebuf_append_text(out, "{\"blocks\":[");
    bytebuf_append_view(out, bytebuf_view(&w.footer));
    bytebuf_append_text(out, "]}\n");
    uint64_t sum = image_head_checksum(bytebuf_view(out), head_length, footer, out->length);
    bytebuf_printf(out, IMAGE_LAST_LINE, footer, sum);
    bytebuf_deinit(&w.footer);
    bytebuf_deinit(&w.scratch);
}

uint64_t image_head_checksum(StrView image, size_t head_length, size_t footer, size_t end)
{
    uint64_t both[2] = {checksum_bytes(image.data, head_length), checksum_bytes(image.data + footer, end - footer)};
    return checksum_bytes(both, sizeof(both));
}

uint32_t image_checksum(StrView bytes)
{
    return (uint32_t)crc32_z(0, (const unsigned char *)bytes.data, bytes.length);
}

void image_keep_blocks(Arena *arena, const ImageBlock *blocks, uint32_t count, ImageBlock **out_copies)
{
    ImageBlock *copies = ARENA_NEW_ARRAY(arena, ImageBlock, count);
    for (uint32_t i = 0; i < count; i++) {
        copies[i] = blocks[i];
        copies[i].name = strview_n(arena_strndup(arena, blocks[i].name.data, blocks[i].name.length), blocks[i].name.length);
        copies[i].lines = strview_n(arena_strndup(arena, blocks[i].lines.data, blocks[i].lines.length), blocks[i].lines.length);
    }
    *out_copies = copies;
}

void image_content_init(ImageContent *content)
{
    *content = (ImageContent){0};
    arena_init(&content->arena, NULL);
}

void image_content_deinit(ImageContent *content)
{
    catalog_unref(content->catalog);
    arena_deinit(&content->arena);
    *content = (ImageContent){0};
}
