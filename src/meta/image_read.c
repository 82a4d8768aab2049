#include "meta/image.h"

/* From text to a catalog. The frame (line 1, footer, last line) is checked first, then every block's checksum; then the
 * blocks are read in an order in which each finds what it needs. Tables and partitions are most of an image: their lines
 * are cut into slices that threads take in turn, and are put together in order afterwards. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "codec/base64.h"
#include "codec/json_text.h"
#include "meta/encode.h"
#include "meta/image_int.h"

enum { SLICE_BYTES = 256 * 1024, MAX_THREADS = 16, FIELDS = 12 };

typedef struct Frame {
    StrView image;
    const char *name;
    ImageHead head;
    uint64_t next_id;
    size_t body; /* where the blocks begin and end */
    size_t footer;
    StrView blocks; /* JSON */
} Frame;

typedef struct Slice {
    StrView lines;
    void **items; /* tables or partitions, in order */
    uint64_t *owners; /* of partitions: the table's id */
    uint32_t count, room;
} Slice;

typedef struct Reader {
    const Frame *frame;
    ImageContent *content;
    Diag *diag;
    StrView block_name;
    CatalogTable **by_id; /* all tables */
    uint32_t table_count;
    Slice *slices;
    uint32_t slice_count;
    _Atomic uint32_t next_slice;
    Status (*read_slice)(struct Reader *reader, Slice *slice);
    _Atomic bool has_failed;
} Reader;

static Status damaged(const Frame *frame, Diag *diag, const char *what)
{
    return RAISE(diag, CORRUPT, "image \"%s\" is damaged: %s", frame->name, what);
}

static Status bad_record(const Reader *reader)
{
    return RAISE(reader->diag, CORRUPT, "image \"%s\" is damaged: a record of block \"%.*s\" can't be read", reader->frame->name,
                 SV_ARGS(reader->block_name));
}

/* ---- lines and fields ---- */

static bool next_line(StrView *in_out_text, StrView *out_line)
{
    if (in_out_text->length == 0)
        return false;
    const char *end = memchr(in_out_text->data, '\n', in_out_text->length);
    size_t length = end == NULL ? in_out_text->length : (size_t)(end - in_out_text->data);
    *out_line = strview_n(in_out_text->data, length);
    length += end != NULL;
    *in_out_text = strview_n(in_out_text->data + length, in_out_text->length - length);
    return true;
}

/* The values of the named members; data NULL where there is none. Others are ignored. */
static void read_fields(StrView line, const char *const *names, StrView *out_values, uint32_t count)
{
    StrView key, value;
    size_t at = 0;
    memset(out_values, 0, count * sizeof(*out_values));
    while (json_next_member(line, &at, &key, &value)) {
        for (uint32_t i = 0; i < count; i++) {
            if (strview_is(key, names[i]))
                out_values[i] = value;
        }
    }
}

static bool to_number(StrView text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.length == 0 || text.length > 20)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = value;
    return true;
}

static bool is_string(StrView span)
{
    return span.length >= 2 && span.data[0] == '"' && span.data[span.length - 1] == '"';
}

static bool to_hex(StrView span, uint64_t *out)
{
    char text[17] = "";
    char *end;
    if (!is_string(span) || span.length != 18)
        return false;
    memcpy(text, span.data + 1, 16);
    *out = strtoull(text, &end, 16);
    return *end == '\0';
}

/* Unescaped, in the arena, with a NUL behind. */
static bool to_text(StrView span, Arena *arena, StrView *out)
{
    if (!is_string(span))
        return false;
    StrView inner = strview_n(span.data + 1, span.length - 2);
    AUTO_BYTEBUF plain = {0};
    if (memchr(inner.data, '\\', inner.length) != NULL) {
        if (!json_unescape(inner, &plain))
            return false;
        inner = bytebuf_view(&plain);
    }
    *out = strview_n(arena_strndup(arena, inner.data == NULL ? "" : inner.data, inner.length), inner.length);
    return true;
}

/* Stored forms hold no characters that JSON would escape. */
static bool to_bytes(StrView span, ByteBuf *out)
{
    bytebuf_clear(out);
    return is_string(span) && base64_decode(strview_n(span.data + 1, span.length - 2), out);
}

/* ---- the frame ---- */

static Status read_head(Frame *frame, StrView line, Diag *diag)
{
    static const char *const NAMES[] = {"magic", "format", "reader", "entry", "incarnation", "sequence", "hash", "epoch", "writer", "next_id", "time"};
    StrView values[FIELDS];
    ImageHead *head = &frame->head;
    uint64_t format = 0, reader = 0, time = 0;
    read_fields(line, NAMES, values, 11);
    if (!strview_is(values[0], "\"MRKIMAGE\"") || !to_number(values[1], &format) || !to_number(values[2], &reader))
        return damaged(frame, diag, "its first line can't be read");
    if (reader > format_version_readable(IMAGE_FORMAT))
        return RAISE(diag, FORMAT_TOO_NEW, "image \"%s\" has format %" PRIu64 " for readers of %" PRIu64 ", this version reads up to %u",
                     frame->name, format, reader, format_version_readable(IMAGE_FORMAT));
    if (!to_number(values[3], &head->entry_id) || !to_number(values[4], &head->incarnation) || !to_number(values[5], &head->next_sequence) ||
        !to_hex(values[6], &head->previous_hash) || !to_number(values[7], &head->epoch) || !to_hex(values[8], &head->epoch_writer) ||
        !to_number(values[9], &frame->next_id) || !to_number(values[10], &time))
        return damaged(frame, diag, "its first line can't be read");
    head->time_us = (int64_t)time;
    return OK;
}

static Status read_frame(Frame *frame, Diag *diag)
{
    StrView image = frame->image;
    char last[IMAGE_LAST_LINE_BYTES + 1] = "", expected[IMAGE_LAST_LINE_BYTES + 1];
    if (image.length <= IMAGE_LAST_LINE_BYTES)
        return damaged(frame, diag, "it is cut short");
    size_t end = image.length - IMAGE_LAST_LINE_BYTES;
    memcpy(last, image.data + end, IMAGE_LAST_LINE_BYTES);
    char offset[17] = "";
    memcpy(offset, last + 9, 16);
    frame->footer = strtoull(offset, NULL, 16);
    const char *head_end = memchr(image.data, '\n', end);
    if (head_end == NULL)
        return damaged(frame, diag, "its first line has no end");
    frame->body = (size_t)(head_end - image.data) + 1;
    if (frame->footer < frame->body || frame->footer > end)
        return damaged(frame, diag, "it is cut short, or its last line is damaged");
    snprintf(expected, sizeof(expected), IMAGE_LAST_LINE, frame->footer, image_head_checksum(image, frame->body, frame->footer, end));
    if (memcmp(last, expected, IMAGE_LAST_LINE_BYTES) != 0)
        return damaged(frame, diag, "the checksum of its first line and footer does not match");
    TRY(read_head(frame, strview_n(image.data, frame->body - 1), diag));
    StrView values[1];
    read_fields(strview_n(image.data + frame->footer, end - frame->footer), (const char *const[]){"blocks"}, values, 1);
    frame->blocks = values[0];
    return values[0].data == NULL ? damaged(frame, diag, "its footer can't be read") : OK;
}

Status image_read_head(StrView bytes, const char *name, Diag *diag, ImageHead *out_head)
{
    Frame frame = {.image = bytes, .name = name};
    TRY(read_frame(&frame, diag));
    *out_head = frame.head;
    return OK;
}

/* ---- slices ---- */

static void slice_push(Slice *slice, void *item, uint64_t owner)
{
    if (slice->count == slice->room) {
        slice->room = slice->room * 2 + 64;
        slice->items = mem_realloc(slice->items, slice->room * sizeof(*slice->items));
        slice->owners = mem_realloc(slice->owners, slice->room * sizeof(*slice->owners));
    }
    slice->owners[slice->count] = owner;
    slice->items[slice->count++] = item;
}

static void read_slices(void *argument)
{
    Reader *reader = argument;
    for (;;) {
        uint32_t at = atomic_fetch_add(&reader->next_slice, 1);
        if (at >= reader->slice_count || atomic_load(&reader->has_failed))
            return;
        if (reader->read_slice(reader, &reader->slices[at]) != OK)
            atomic_store(&reader->has_failed, true);
    }
}

static void cut_slices(Reader *reader, StrView lines)
{
    reader->slice_count = 0;
    reader->slices = mem_alloc_zero((lines.length / SLICE_BYTES + 1) * sizeof(Slice));
    while (lines.length > 0) {
        size_t length = MIN(lines.length, (size_t)SLICE_BYTES);
        const char *end = memchr(lines.data + length - 1, '\n', lines.length - length + 1);
        length = end == NULL ? lines.length : (size_t)(end - lines.data) + 1;
        reader->slices[reader->slice_count++].lines = strview_n(lines.data, length);
        lines = strview_n(lines.data + length, lines.length - length);
    }
}

static void free_slices(Reader *reader)
{
    for (uint32_t i = 0; i < reader->slice_count; i++) {
        mem_free(reader->slices[i].items);
        mem_free(reader->slices[i].owners);
    }
    mem_free(reader->slices);
    reader->slices = NULL;
    reader->slice_count = 0;
}

/* All slices, on as many threads as there are processors; the simulator has one. */
static Status run_slices(Reader *reader, StrView lines, Status (*read_slice)(Reader *reader, Slice *slice))
{
    Thread threads[MAX_THREADS];
    uint32_t started = 0;
    cut_slices(reader, lines);
    uint32_t processors = cpu_count();
    uint32_t most = MIN(reader->slice_count, (uint32_t)MAX_THREADS);
    uint32_t wanted = thread_ops != NULL ? 1 : MIN(processors, most);
    reader->read_slice = read_slice;
    atomic_store(&reader->next_slice, 0);
    for (; started + 1 < wanted; started++) {
        Diag unused = {0};
        if (thread_start(&threads[started], "image", read_slices, reader, &unused) != OK)
            break;
    }
    read_slices(reader);
    for (uint32_t i = 0; i < started; i++)
        thread_join(&threads[i]);
    return atomic_load(&reader->has_failed) ? reader->diag->code : OK;
}

/* ---- blocks ---- */

static Status read_databases(Reader *reader, StrView lines)
{
    CatalogSnapshot *catalog = reader->content->catalog;
    StrView line, values[3];
    static const char *const NAMES[] = {"id", "name", "comment"};
    ARRAY_OF(CatalogDatabase *) all = {0};
    while (next_line(&lines, &line)) {
        CatalogDatabase *database = mem_alloc_zero(sizeof(*database));
        atomic_init(&database->references, 1);
        arena_init(&database->arena, NULL);
        ARRAY_PUSH(&catalog->arena, &all, database);
        catalog->databases = all.items;
        catalog->database_count = all.count;
        read_fields(line, NAMES, values, 3);
        if (!to_number(values[0], &database->id) || !to_text(values[1], &database->arena, &database->name) ||
            !to_text(values[2], &database->arena, &database->comment) ||
            (all.count > 1 && strview_compare(all.items[all.count - 2]->name, database->name) >= 0))
            return bad_record(reader);
    }
    return OK;
}

static bool read_table_fields(StrView line, ByteBuf *definition, CatalogTable *table)
{
    static const char *const NAMES[] = {"id", "database", "name", "created", "updated", "def"};
    StrView values[6];
    uint64_t created, updated;
    read_fields(line, NAMES, values, 6);
    if (!to_number(values[0], &table->id) || !to_number(values[1], &table->database_id) || !to_text(values[2], &table->arena, &table->name) ||
        !to_number(values[3], &created) || !to_number(values[4], &updated) || !to_bytes(values[5], definition))
        return false;
    table->created_us = (int64_t)created;
    table->updated_us = (int64_t)updated;
    return true;
}

static Status read_table_slice(Reader *reader, Slice *slice)
{
    StrView lines = slice->lines, line;
    AUTO_BYTEBUF definition = {0};
    while (next_line(&lines, &line)) {
        CatalogTable *table = mem_alloc_zero(sizeof(*table));
        atomic_init(&table->references, 1);
        arena_init(&table->arena, NULL);
        table->arena.next_block_bytes = CATALOG_NODE_BYTES;
        slice_push(slice, table, 0);
        if (!read_table_fields(line, &definition, table))
            return bad_record(reader);
        ByteReader bytes = byte_reader(definition.data, definition.length);
        TRY(decode_schema(&bytes, reader->diag, &table->schema));
    }
    return OK;
}

static int by_table_id(const void *a, const void *b)
{
    const CatalogTable *const *left = a, *const *right = b;
    return ((*left)->id > (*right)->id) - ((*left)->id < (*right)->id);
}

static CatalogDatabase *database_of(const CatalogSnapshot *catalog, uint64_t id)
{
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        if (catalog->databases[d]->id == id)
            return catalog->databases[d];
    }
    return NULL;
}

static bool comes_next(const CatalogDatabase *database, const CatalogTable *table)
{
    uint32_t count = catalog_table_count(database);
    return count == 0 || strview_compare(catalog_table_at(database, count - 1)->name, table->name) < 0;
}

/* Gives the tables to their databases, all of one after another; by_id for what is attached. */
static bool attach_tables(Reader *reader)
{
    CatalogDatabase *database = NULL;
    bool is_sane = true;
    for (uint32_t s = 0; s < reader->slice_count; s++) {
        for (uint32_t i = 0; i < reader->slices[s].count; i++) {
            CatalogTable *table = reader->slices[s].items[i];
            if (database == NULL || database->id != table->database_id)
                database = database_of(reader->content->catalog, table->database_id);
            is_sane = is_sane && database != NULL && comes_next(database, table);
            if (!is_sane) {
                catalog_table_unref(table);
                continue;
            }
            table_list_insert(&database->tables, catalog_table_count(database), table);
            id_map_put(&reader->content->catalog->homes, table->id, &(IdHome){table->database_id, table->name});
            reader->by_id[reader->table_count++] = table;
        }
    }
    if (reader->table_count > 0)
        qsort(reader->by_id, reader->table_count, sizeof(CatalogTable *), by_table_id);
    return is_sane;
}

static Status read_tables(Reader *reader, StrView lines)
{
    Status status = run_slices(reader, lines, read_table_slice);
    size_t count = 0;
    for (uint32_t s = 0; s < reader->slice_count; s++)
        count += reader->slices[s].count;
    reader->by_id = mem_alloc((count + 1) * sizeof(CatalogTable *));
    bool is_sane = attach_tables(reader);
    free_slices(reader);
    TRY(status);
    return is_sane ? OK : bad_record(reader);
}

static CatalogTable *table_of(const Reader *reader, uint64_t id)
{
    uint32_t low = 0, high = reader->table_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (reader->by_id[middle]->id == id)
            return reader->by_id[middle];
        if (reader->by_id[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static Status read_partition_slice(Reader *reader, Slice *slice)
{
    static const char *const NAMES[] = {"table", "def"};
    StrView lines = slice->lines, line, values[2];
    AUTO_BYTEBUF definition = {0};
    const CatalogTable *table = NULL;
    while (next_line(&lines, &line)) {
        uint64_t id;
        CatalogPartition *partition;
        read_fields(line, NAMES, values, 2);
        if (!to_number(values[0], &id) || !to_bytes(values[1], &definition))
            return bad_record(reader);
        if (table == NULL || table->id != id)
            table = table_of(reader, id);
        if (table == NULL)
            return bad_record(reader);
        ByteReader bytes = byte_reader(definition.data, definition.length);
        TRY(decode_partition(&bytes, table->schema, reader->diag, &partition));
        slice_push(slice, partition, id);
    }
    return OK;
}

static void attach_partitions(const Reader *reader)
{
    CatalogTable *table = NULL;
    for (uint32_t s = 0; s < reader->slice_count; s++) {
        const Slice *slice = &reader->slices[s];
        for (uint32_t i = 0; i < slice->count; i++) {
            if (table == NULL || table->id != slice->owners[i])
                table = table_of(reader, slice->owners[i]);
            catalog_put_partition(table, slice->items[i]);
        }
    }
}

static Status read_partitions(Reader *reader, StrView lines)
{
    Status status = run_slices(reader, lines, read_partition_slice);
    attach_partitions(reader);
    free_slices(reader);
    return status;
}

static Status read_settings(Reader *reader, StrView lines)
{
    static const char *const NAMES[] = {"key", "value"};
    CatalogSnapshot *catalog = reader->content->catalog;
    StrView line, values[2];
    ARRAY_OF(Property) all = {0};
    while (next_line(&lines, &line)) {
        Property setting;
        read_fields(line, NAMES, values, 2);
        if (!to_text(values[0], &catalog->arena, &setting.key) || !to_text(values[1], &catalog->arena, &setting.value))
            return bad_record(reader);
        ARRAY_PUSH(&catalog->arena, &all, setting);
    }
    catalog->settings = all.items;
    catalog->setting_count = all.count;
    return OK;
}

static Status read_prepared(Reader *reader, StrView lines)
{
    static const char *const NAMES[] = {"def"};
    CatalogSnapshot *catalog = reader->content->catalog;
    StrView line, values[1];
    AUTO_BYTEBUF definition = {0};
    ARRAY_OF(PreparedTransaction *) all = {0};
    while (next_line(&lines, &line)) {
        PreparedTransaction *prepared;
        read_fields(line, NAMES, values, 1);
        if (!to_bytes(values[0], &definition))
            return bad_record(reader);
        ByteReader bytes = byte_reader(definition.data, definition.length);
        TRY(prepared_decode(&bytes, reader->diag, &prepared));
        ARRAY_PUSH(&catalog->arena, &all, prepared);
        catalog->prepared = all.items;
        catalog->prepared_count = all.count;
    }
    return OK;
}

static Status read_labels(Reader *reader, StrView lines)
{
    static const char *const NAMES[] = {"database", "label", "txn", "time", "def"};
    Arena *arena = &reader->content->arena;
    StrView line, values[5];
    AUTO_BYTEBUF answer = {0};
    ARRAY_OF(LabelEntry) all = {0};
    while (next_line(&lines, &line)) {
        LabelEntry label = {0};
        uint64_t time;
        read_fields(line, NAMES, values, 5);
        if (!to_number(values[0], &label.database_id) || !to_text(values[1], arena, &label.label) || !to_number(values[2], &label.txn_id) ||
            !to_number(values[3], &time) || !to_bytes(values[4], &answer))
            return bad_record(reader);
        label.time_us = (int64_t)time;
        label.answer = strview_n(arena_strndup(arena, answer.data, answer.length), answer.length);
        ARRAY_PUSH(arena, &all, label);
    }
    reader->content->labels = all.items;
    reader->content->label_count = all.count;
    return OK;
}

static Status read_module(Reader *reader, StrView module, StrView lines)
{
    static const char *const NAMES[] = {"key", "value"};
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    StrView line, values[2], key, value;
    while (next_line(&lines, &line)) {
        read_fields(line, NAMES, values, 2);
        if (!to_text(values[0], &scratch, &key) || !to_text(values[1], &scratch, &value))
            return bad_record(reader);
        record_set_put(&reader->content->catalog->records, module, key, value);
        arena_reset(&scratch);
    }
    return OK;
}

/* In the order in which they are written, which is the order in which they need each other. */
static const struct {
    const char *name;
    Status (*read)(Reader *reader, StrView lines);
} BLOCKS[] = {
    {"databases", read_databases}, {"tables", read_tables},     {"partitions", read_partitions},
    {"settings", read_settings},   {"prepared", read_prepared}, {"labels", read_labels},
};
enum { BLOCK_COUNT = sizeof(BLOCKS) / sizeof(BLOCKS[0]) };

typedef struct BlockEntry {
    ImageBlock block;
    bool is_optional;
    bool is_known;
} BlockEntry;

static Status read_block_entry(const Frame *frame, StrView entry, size_t *in_out_at, Arena *arena, Diag *diag, BlockEntry *out)
{
    static const char *const NAMES[] = {"name", "version", "reader", "optional", "offset", "length", "records", "checksum"};
    StrView values[8];
    uint64_t offset, length, checksum;
    ImageBlock *block = &out->block;
    read_fields(entry, NAMES, values, 8);
    if (!to_text(values[0], arena, &block->name) || !to_number(values[1], &block->version) || !to_number(values[2], &block->reader) ||
        !to_number(values[4], &offset) || !to_number(values[5], &length) || !to_number(values[6], &block->record_count) ||
        !to_hex(values[7], &checksum) || offset != *in_out_at || length > frame->footer - *in_out_at)
        return damaged(frame, diag, "its footer can't be read");
    out->is_optional = strview_is(values[3], "true");
    block->lines = strview_n(frame->image.data + offset, length);
    *in_out_at += length;
    if (checksum_bytes(block->lines.data, length) != checksum)
        return RAISE(diag, CORRUPT, "image \"%s\" is damaged: the checksum of block \"%.*s\" (offset %" PRIu64 ") does not match", frame->name,
                     SV_ARGS(block->name), offset);
    return OK;
}

static bool is_module(StrView name)
{
    return strview_starts_with(name, STR_VIEW(IMAGE_MODULE_PREFIX));
}

static bool is_known_block(const ImageBlock *block)
{
    bool is_ours = is_module(block->name);
    for (uint32_t i = 0; i < BLOCK_COUNT; i++)
        is_ours |= strview_is(block->name, BLOCKS[i].name);
    return is_ours && block->reader <= format_version_readable(IMAGE_BLOCK_VERSION);
}

typedef ARRAY_OF(BlockEntry) BlockList;

/* All blocks, sums checked, and the list of those that this version can't do without and does not know. */
static Status read_directory(const Frame *frame, Arena *arena, Diag *diag, BlockList *out)
{
    AUTO_BYTEBUF unknown = {0};
    size_t at = frame->body, position = 0;
    StrView entry;
    while (json_next_element(frame->blocks, &position, &entry)) {
        BlockEntry block = {0};
        TRY(read_block_entry(frame, entry, &at, arena, diag, &block));
        block.is_known = is_known_block(&block.block);
        if (!block.is_known && !block.is_optional)
            bytebuf_printf(&unknown, "%s\"%.*s\" (reader version %" PRIu64 ")", unknown.length == 0 ? "" : ", ", SV_ARGS(block.block.name),
                           block.block.reader);
        ARRAY_PUSH(arena, out, block);
    }
    if (at != frame->footer)
        return damaged(frame, diag, "its blocks do not fill it");
    if (unknown.length > 0)
        return RAISE(diag, FORMAT_TOO_NEW, "image \"%s\" holds blocks that this version can't read: %s", frame->name, unknown.data);
    return OK;
}

static Status read_all(Reader *reader, const BlockList *blocks)
{
    for (uint32_t i = 0; i < blocks->count; i++) {
        const ImageBlock *block = &blocks->items[i].block;
        reader->block_name = block->name;
        if (!blocks->items[i].is_known) {
            reader->content->kept[reader->content->kept_count] = *block;
            ImageBlock *kept = &reader->content->kept[reader->content->kept_count++];
            kept->lines = strview_n(arena_strndup(&reader->content->arena, block->lines.data, block->lines.length), block->lines.length);
            continue;
        }
        if (is_module(block->name)) {
            size_t prefix = strlen(IMAGE_MODULE_PREFIX);
            TRY(read_module(reader, strview_n(block->name.data + prefix, block->name.length - prefix), block->lines));
        }
        for (uint32_t k = 0; k < BLOCK_COUNT; k++) {
            if (strview_is(block->name, BLOCKS[k].name))
                TRY(BLOCKS[k].read(reader, block->lines));
        }
    }
    return OK;
}

Status image_read(StrView bytes, const char *name, Diag *diag, ImageContent *content)
{
    Frame frame = {.image = bytes, .name = name};
    BlockList blocks = {0};
    TRY(read_frame(&frame, diag));
    TRY(read_directory(&frame, &content->arena, diag, &blocks));
    content->head = frame.head;
    content->kept = ARENA_NEW_ARRAY(&content->arena, ImageBlock, blocks.count);
    content->catalog = catalog_new_empty();
    content->catalog->next_id = frame.next_id;
    content->catalog->entry_id = frame.head.entry_id;
    Reader reader = {.frame = &frame, .content = content, .diag = diag};
    Status status = read_all(&reader, &blocks);
    mem_free(reader.by_id);
    if (status != OK)
        diag_add_context(diag, "image \"%s\"", name);
    return status;
}
