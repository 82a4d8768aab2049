#include "meta/change.h"

/* Building and applying changes. An operation is a kind byte, a length, and a body, so that a reader
 * can step over a kind it does not know when that is marked optional (high bit). */

#include "meta/encode.h"

enum {
    OP_PUT_DATABASE = 1,
    OP_DROP_DATABASE = 2,
    OP_PUT_TABLE = 3,
    OP_DROP_TABLE = 4,
    OP_PUT_PARTITION = 5,
    OP_DROP_PARTITION = 6,
    OP_PUBLISH = 7,
    OP_REPLACE_SEGMENTS = 8,
    OP_PUT_SETTING = 9,
    OP_PUT_LABEL = 10,
    OP_RESERVE_IDS = 11,
    OP_COMPACT_SEGMENTS = 32,
    OP_PUT_DELETES = 33,
    OP_PUT_PREPARED = 34,
    OP_DROP_PREPARED = 35,
    OP_PUT_RECORD = 36,
    OP_DROP_RECORD = 37,
    OP_FORGET_LABELS = 38,
    OP_OPTIONAL_BIT = 0x80,
    OP_NOTE_DELETIONS = OP_OPTIONAL_BIT | 1,
    OP_DROP_LABEL = OP_OPTIONAL_BIT | 2,        /* who steps over it keeps the label in use */
    OP_KEEP_DATA_VERSION = OP_OPTIONAL_BIT | 3, /* who steps over it takes the rows for others: views are refreshed once more */
};

void change_deinit(Change *change)
{
    bytebuf_deinit(&change->bytes);
}

static void add_op(Change *change, uint8_t kind, ByteBuf *body)
{
    bytebuf_put_u8(&change->bytes, kind);
    bytebuf_put_sized(&change->bytes, body->data, body->length);
}

void change_put_database(Change *change, uint64_t id, StrView name, StrView comment)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, id);
    encode_view(&body, name);
    encode_view(&body, comment);
    add_op(change, OP_PUT_DATABASE, &body);
}

static void add_ids(Change *change, uint8_t kind, uint64_t first, uint64_t second)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, first);
    bytebuf_put_varint(&body, second);
    add_op(change, kind, &body);
}

void change_drop_database(Change *change, uint64_t id)
{
    add_ids(change, OP_DROP_DATABASE, id, 0);
}

void change_put_table(Change *change, uint64_t id, uint64_t database_id, StrView name, const TableSchema *schema)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, id);
    bytebuf_put_varint(&body, database_id);
    encode_view(&body, name);
    encode_schema(&body, schema);
    add_op(change, OP_PUT_TABLE, &body);
}

void change_drop_table(Change *change, uint64_t id)
{
    add_ids(change, OP_DROP_TABLE, id, 0);
}

void change_put_partition(Change *change, uint64_t table_id, const TableSchema *schema,
                          const CatalogPartition *partition)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, table_id);
    encode_partition(&body, schema, partition);
    add_op(change, OP_PUT_PARTITION, &body);
}

void change_drop_partition(Change *change, uint64_t table_id, uint64_t partition_id)
{
    add_ids(change, OP_DROP_PARTITION, table_id, partition_id);
}

static void encode_new_segments(ByteBuf *body, const NewSegments *fresh)
{
    bytebuf_put_varint(body, fresh->partition_id);
    bytebuf_put_varint(body, fresh->tablet_id);
    bytebuf_put_varint(body, fresh->count);
    for (uint32_t i = 0; i < fresh->count; i++)
        encode_segment(body, &fresh->segments[i], i == 0 ? NULL : &fresh->segments[i - 1]);
}

void change_publish(Change *change, uint64_t table_id, const NewSegments *segments, uint32_t count)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, table_id);
    bytebuf_put_varint(&body, count);
    for (uint32_t i = 0; i < count; i++)
        encode_new_segments(&body, &segments[i]);
    add_op(change, OP_PUBLISH, &body);
}

static void add_replacement(Change *change, uint8_t kind, uint64_t table_id, const NewSegments *fresh,
                            const uint64_t *old_ids, uint32_t old_count)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, table_id);
    encode_new_segments(&body, fresh);
    bytebuf_put_varint(&body, old_count);
    for (uint32_t i = 0; i < old_count; i++)
        bytebuf_put_varint(&body, old_ids[i]);
    add_op(change, kind, &body);
}

void change_replace_segments(Change *change, uint64_t table_id, const NewSegments *fresh, const uint64_t *old_ids,
                             uint32_t old_count)
{
    add_replacement(change, OP_REPLACE_SEGMENTS, table_id, fresh, old_ids, old_count);
}

void change_compact_segments(Change *change, uint64_t table_id, const NewSegments *fresh, const uint64_t *old_ids,
                             uint32_t old_count)
{
    add_replacement(change, OP_COMPACT_SEGMENTS, table_id, fresh, old_ids, old_count);
}

void change_put_deletes(Change *change, uint64_t table_id, uint64_t partition_id, uint64_t tablet_id, const NewDeletes *deletes,
                        uint32_t count)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, table_id);
    bytebuf_put_varint(&body, partition_id);
    bytebuf_put_varint(&body, tablet_id);
    bytebuf_put_varint(&body, count);
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_put_varint(&body, deletes[i].segment_id);
        encode_deletes(&body, &deletes[i].deletes);
    }
    add_op(change, OP_PUT_DELETES, &body);
}

void change_keep_data_version(Change *change, uint64_t table_id, uint64_t partition_id, uint64_t data_version)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, table_id);
    bytebuf_put_varint(&body, partition_id);
    bytebuf_put_varint(&body, data_version);
    add_op(change, OP_KEEP_DATA_VERSION, &body);
}

void change_put_setting(Change *change, StrView key, StrView value)
{
    AUTO_BYTEBUF body = {0};
    encode_view(&body, key);
    encode_view(&body, value);
    add_op(change, OP_PUT_SETTING, &body);
}

void change_put_label(Change *change, uint64_t database_id, StrView label, uint64_t txn_id, StrView answer,
                      int64_t time_us)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, database_id);
    encode_view(&body, label);
    bytebuf_put_varint(&body, txn_id);
    encode_view(&body, answer);
    bytebuf_put_u64(&body, (uint64_t)time_us);
    add_op(change, OP_PUT_LABEL, &body);
}

void change_forget_labels(Change *change, int64_t before_us)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_u64(&body, (uint64_t)before_us);
    add_op(change, OP_FORGET_LABELS, &body);
}

void change_drop_label(Change *change, uint64_t database_id, StrView label)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, database_id);
    encode_view(&body, label);
    add_op(change, OP_DROP_LABEL, &body);
}

void change_put_prepared(Change *change, const PreparedTransaction *prepared)
{
    AUTO_BYTEBUF body = {0};
    prepared_encode(prepared, &body);
    add_op(change, OP_PUT_PREPARED, &body);
}

void change_drop_prepared(Change *change, uint64_t database_id, StrView label)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, database_id);
    encode_view(&body, label);
    add_op(change, OP_DROP_PREPARED, &body);
}

void change_put_record(Change *change, const char *module, StrView key, StrView value)
{
    AUTO_BYTEBUF body = {0};
    encode_view(&body, strview(module));
    encode_view(&body, key);
    encode_view(&body, value);
    add_op(change, OP_PUT_RECORD, &body);
}

void change_drop_record(Change *change, const char *module, StrView key)
{
    AUTO_BYTEBUF body = {0};
    encode_view(&body, strview(module));
    encode_view(&body, key);
    add_op(change, OP_DROP_RECORD, &body);
}

void change_reserve_ids(Change *change, uint64_t next_id)
{
    add_ids(change, OP_RESERVE_IDS, next_id, 0);
}

void change_note_deletions(Change *change, const StrView *paths, uint32_t count)
{
    AUTO_BYTEBUF body = {0};
    bytebuf_put_varint(&body, count);
    for (uint32_t i = 0; i < count; i++)
        encode_view(&body, paths[i]);
    add_op(change, OP_NOTE_DELETIONS, &body);
}

static bool is_known_op(uint8_t kind)
{
    return (kind >= OP_PUT_DATABASE && kind <= OP_RESERVE_IDS) || kind == OP_COMPACT_SEGMENTS || kind == OP_PUT_DELETES ||
           (kind >= OP_PUT_PREPARED && kind <= OP_FORGET_LABELS) ||
           (kind & OP_OPTIONAL_BIT) != 0;
}

bool change_has_definitions(const Change *change)
{
    ByteReader reader = byte_reader(change->bytes.data, change->bytes.length);
    while (byte_reader_left(&reader) > 0 && !reader.failed) {
        uint8_t kind = byte_reader_u8(&reader);
        byte_reader_sized(&reader);
        if (kind >= OP_PUT_DATABASE && kind <= OP_DROP_TABLE)
            return true;
    }
    return false;
}

void change_list_unknown(StrView bytes, ByteBuf *out_names)
{
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    while (byte_reader_left(&reader) > 0 && !reader.failed) {
        uint8_t kind = byte_reader_u8(&reader);
        byte_reader_sized(&reader);
        if (!reader.failed && !is_known_op(kind))
            bytebuf_printf(out_names, "%soperation %u", out_names->length == 0 ? "" : ", ", kind);
    }
}

/* Records of nodes and snapshots, and of runs that end. */
static bool is_upkeep_module(StrView module)
{
    static const char *const MODULES[] = {"frontend", "frontend_dropped", "leader", "snapshot", "cluster_snapshot_job", "task_run"};
    for (size_t i = 0; i < COUNT_OF(MODULES); i++) {
        if (strview_is(module, MODULES[i]))
            return true;
    }
    return false;
}

bool change_is_upkeep(StrView bytes)
{
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    while (byte_reader_left(&reader) > 0 && !reader.failed) {
        uint8_t kind = byte_reader_u8(&reader);
        StrView body = byte_reader_sized(&reader);
        ByteReader inner = byte_reader(body.data, body.length);
        bool is_record = kind == OP_PUT_RECORD || kind == OP_DROP_RECORD;
        if (is_record && is_upkeep_module(byte_reader_sized(&inner)))
            continue;
        if (kind != OP_PUT_SETTING && kind != OP_RESERVE_IDS && kind != OP_NOTE_DELETIONS && kind != OP_DROP_PREPARED)
            return false;
    }
    return true;
}

/* ---- applying ---- */

typedef struct Apply {
    CatalogSnapshot *next; /* private until done: its node arrays may be changed in place */
    uint64_t entry_id;
    int64_t time_us;
    const ChangeListener *listener;
    Diag *diag;
} Apply;

static CatalogSnapshot *copy_snapshot(CatalogSnapshot *base)
{
    CatalogSnapshot *next = mem_alloc_zero(sizeof(*next));
    atomic_init(&next->references, 1);
    arena_init(&next->arena, NULL);
    next->next_id = base->next_id;
    next->database_count = base->database_count;
    next->databases = ARENA_NEW_ARRAY(&next->arena, CatalogDatabase *, base->database_count + 8);
    for (uint32_t i = 0; i < base->database_count; i++) {
        next->databases[i] = base->databases[i];
        atomic_fetch_add(&next->databases[i]->references, 1);
    }
    next->prepared_count = base->prepared_count;
    next->prepared = ARENA_NEW_ARRAY(&next->arena, PreparedTransaction *, base->prepared_count + 1);
    for (uint32_t i = 0; i < base->prepared_count; i++) {
        next->prepared[i] = base->prepared[i];
        atomic_fetch_add(&next->prepared[i]->references, 1);
    }
    next->records = record_set_ref(base->records);
    next->homes = id_map_ref(base->homes);
    next->setting_count = base->setting_count;
    next->settings = ARENA_NEW_ARRAY(&next->arena, Property, base->setting_count + 8);
    for (uint32_t i = 0; i < base->setting_count; i++) {
        const Property *old = &base->settings[i];
        next->settings[i].key = strview_n(arena_strndup(&next->arena, old->key.data, old->key.length), old->key.length);
        next->settings[i].value =
            strview_n(arena_strndup(&next->arena, old->value.data, old->value.length), old->value.length);
    }
    return next;
}

/* 0 is what meta_new_id() gives when it has none. */
static Status check_id(const Apply *apply, uint64_t id)
{
    if (id == 0)
        return RAISE(apply->diag, IO, "no ids can be had for new objects: the metadata journal can't be written");
    return OK;
}

static CatalogDatabase *new_database(uint64_t id, StrView name, StrView comment)
{
    CatalogDatabase *database = mem_alloc_zero(sizeof(*database));
    atomic_init(&database->references, 1);
    arena_init(&database->arena, NULL);
    database->id = id;
    database->name = strview_n(arena_strndup(&database->arena, name.data, name.length), name.length);
    database->comment = strview_n(arena_strndup(&database->arena, comment.data, comment.length), comment.length);
    return database;
}

/* On a path of private nodes, one with a single reference is private too: what the base has was counted again
 * when the node above it was copied. */
static bool is_private(const _Atomic uint32_t *references)
{
    return atomic_load(references) == 1;
}

/* Replaces database number at by a private copy with room for one more table. */
static CatalogDatabase *own_database(Apply *apply, uint32_t at)
{
    CatalogDatabase *old = apply->next->databases[at];
    if (is_private(&old->references))
        return old;
    CatalogDatabase *copy = new_database(old->id, old->name, old->comment);
    table_list_share(&old->tables, &copy->tables);
    apply->next->databases[at] = copy;
    catalog_database_unref(old);
    return copy;
}

static int find_database(const Apply *apply, uint64_t id)
{
    for (uint32_t i = 0; i < apply->next->database_count; i++) {
        if (apply->next->databases[i]->id == id)
            return (int)i;
    }
    return -1;
}

static void insert_database(Apply *apply, CatalogDatabase *database)
{
    CatalogSnapshot *next = apply->next;
    CatalogDatabase **grown = ARENA_NEW_ARRAY(&next->arena, CatalogDatabase *, next->database_count + 1);
    uint32_t at = 0;
    while (at < next->database_count && strview_compare(next->databases[at]->name, database->name) < 0)
        at++;
    memcpy(grown, next->databases, at * sizeof(*grown));
    grown[at] = database;
    memcpy(grown + at + 1, next->databases + at, (next->database_count - at) * sizeof(*grown));
    next->databases = grown;
    next->database_count++;
}

static Status apply_put_database(Apply *apply, ByteReader *body)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    uint64_t id = byte_reader_varint(body);
    StrView name = decode_view(body, &scratch);
    StrView comment = decode_view(body, &scratch);
    int at = find_database(apply, id);
    TRY(check_id(apply, id));
    if (at < 0) {
        insert_database(apply, new_database(id, name, comment));
        return OK;
    }
    CatalogDatabase *old = apply->next->databases[at];
    CatalogDatabase *renamed = new_database(id, name, comment);
    table_list_share(&old->tables, &renamed->tables);
    apply->next->database_count--;
    memmove(apply->next->databases + at, apply->next->databases + at + 1,
            (apply->next->database_count - (uint32_t)at) * sizeof(CatalogDatabase *));
    catalog_database_unref(old);
    insert_database(apply, renamed);
    return OK;
}

static Status apply_drop_database(Apply *apply, ByteReader *body)
{
    uint64_t id = byte_reader_varint(body);
    int at = find_database(apply, id);
    if (at < 0)
        return RAISE(apply->diag, NO_SUCH_DATABASE, "database %llu does not exist", (unsigned long long)id);
    CatalogSnapshot *next = apply->next;
    for (uint32_t t = 0; t < catalog_table_count(next->databases[at]); t++)
        id_map_remove(&next->homes, catalog_table_at(next->databases[at], t)->id);
    catalog_database_unref(next->databases[at]);
    next->database_count--;
    memmove(next->databases + at, next->databases + at + 1,
            (next->database_count - (uint32_t)at) * sizeof(*next->databases));
    return OK;
}

/* Finds a table anywhere and makes its database private. */
static CatalogDatabase *own_database_of_table(Apply *apply, uint64_t table_id, uint32_t *out_table)
{
    IdHome home;
    int at = id_map_find(apply->next->homes, table_id, &home) ? find_database(apply, home.database_id) : -1;
    if (at < 0 || !table_list_find_id(&apply->next->databases[at]->tables, home.name, table_id, out_table))
        return NULL;
    return own_database(apply, (uint32_t)at);
}

static void insert_table(Apply *apply, CatalogDatabase *database, CatalogTable *table)
{
    bool is_there; /* one of the same name may be: names are swapped one after the other */
    uint32_t at = table_list_find(&database->tables, table->name, &is_there);
    table_list_insert(&database->tables, at, table);
    id_map_put(&apply->next->homes, table->id, &(IdHome){database->id, table->name});
}

static CatalogTable *new_table(uint64_t id, uint64_t database_id, StrView name, TableSchema *schema)
{
    CatalogTable *table = mem_alloc_zero(sizeof(*table));
    atomic_init(&table->references, 1);
    arena_init(&table->arena, NULL);
    table->arena.next_block_bytes = CATALOG_NODE_BYTES;
    table->id = id;
    table->database_id = database_id;
    table->name = strview_n(arena_strndup(&table->arena, name.data, name.length), name.length);
    table->schema = schema;
    return table;
}

static Status apply_put_table(Apply *apply, ByteReader *body)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    uint64_t id = byte_reader_varint(body);
    uint64_t database_id = byte_reader_varint(body);
    StrView name = decode_view(body, &scratch);
    TableSchema *schema;
    TRY(check_id(apply, id));
    TRY(decode_schema(body, apply->diag, &schema));
    uint32_t at = 0;
    CatalogDatabase *old_home = own_database_of_table(apply, id, &at);
    const CatalogTable *old = old_home == NULL ? NULL : table_list_at(&old_home->tables, at);
    CatalogTable *table = new_table(id, database_id, name, schema);
    table->created_us = apply->time_us;
    if (old != NULL) {
        table->created_us = old->created_us;
        catalog_share_partitions(table, old, 0);
        if (old->schema->scheme != schema->scheme || old->schema->partition_column_count != schema->partition_column_count)
            catalog_forget_order(table);
        table_list_remove(&old_home->tables, at);
    }
    table->updated_us = apply->time_us;
    int home = find_database(apply, database_id);
    if (home < 0) {
        catalog_table_unref(table);
        return RAISE(apply->diag, NO_SUCH_DATABASE, "database %llu does not exist", (unsigned long long)database_id);
    }
    insert_table(apply, own_database(apply, (uint32_t)home), table);
    return OK;
}

static Status apply_drop_table(Apply *apply, ByteReader *body)
{
    uint64_t id = byte_reader_varint(body);
    uint32_t at = 0;
    CatalogDatabase *database = own_database_of_table(apply, id, &at);
    if (database == NULL)
        return RAISE(apply->diag, NO_SUCH_TABLE, "table %llu does not exist", (unsigned long long)id);
    table_list_remove(&database->tables, at);
    id_map_remove(&apply->next->homes, id);
    return OK;
}

/* A private copy of a table with room for more partitions. */
static Status own_table(Apply *apply, uint64_t id, uint32_t extra, CatalogTable **out_table)
{
    uint32_t at = 0;
    CatalogDatabase *database = own_database_of_table(apply, id, &at);
    if (database == NULL)
        return RAISE(apply->diag, NO_SUCH_TABLE, "table %llu does not exist", (unsigned long long)id);
    CatalogTable *old = table_list_at(&database->tables, at);
    if (table_list_owns(&database->tables, at)) {
        old->updated_us = apply->time_us;
        *out_table = old;
        return OK;
    }
    atomic_fetch_add(&old->schema->references, 1);
    CatalogTable *table = new_table(id, old->database_id, old->name, old->schema);
    table->created_us = old->created_us;
    table->updated_us = apply->time_us;
    catalog_share_partitions(table, old, extra);
    table_list_replace(&database->tables, at, table);
    *out_table = table;
    return OK;
}

static Status apply_put_partition(Apply *apply, ByteReader *body)
{
    CatalogTable *table;
    TRY(own_table(apply, byte_reader_varint(body), 1, &table));
    CatalogPartition *partition;
    TRY(decode_partition(body, table->schema, apply->diag, &partition));
    Status has_id = check_id(apply, partition->id);
    for (uint32_t t = 0; t < partition->tablet_count && has_id == OK; t++)
        has_id = check_id(apply, partition->tablets[t].id);
    if (has_id != OK) {
        catalog_partition_unref(partition);
        return has_id;
    }
    catalog_put_partition(table, partition);
    return OK;
}

static Status apply_drop_partition(Apply *apply, ByteReader *body)
{
    CatalogTable *table;
    TRY(own_table(apply, byte_reader_varint(body), 0, &table));
    uint64_t id = byte_reader_varint(body);
    uint32_t i = catalog_partition_place(table, id);
    if (i < table->partition_count && table->partitions[i]->id == id) {
        catalog_remove_partition(table, i);
        return OK;
    }
    return RAISE(apply->diag, NO_SUCH_PARTITION, "partition %llu does not exist", (unsigned long long)id);
}

static DeleteVectorRef *copy_deletes(Arena *arena, const DeleteVectorRef *old)
{
    DeleteVectorRef *copy = ARENA_NEW(arena, DeleteVectorRef);
    *copy = *old;
    copy->bytes = strview_n(arena_strndup(arena, old->bytes.data, old->bytes.length), old->bytes.length);
    copy->path = strview_n(arena_strndup(arena, old->path.data, old->path.length), old->path.length);
    return copy;
}

/* Segments of one object share its path. */
static StrView copy_path(Arena *arena, const SegmentRef *before, const SegmentRef *before_copy, const SegmentRef *segment)
{
    if (before != NULL && before->path.data == segment->path.data && before->path.length == segment->path.length)
        return before_copy->path;
    return strview_n(arena_strndup(arena, segment->path.data, segment->path.length), segment->path.length);
}

static const SegmentRef *copy_overlays(Arena *arena, const SegmentRef *segment)
{
    if (segment->overlay_count == 0)
        return NULL;
    SegmentRef *copies = ARENA_NEW_ARRAY(arena, SegmentRef, segment->overlay_count);
    for (uint32_t i = 0; i < segment->overlay_count; i++) {
        copies[i] = segment->overlays[i];
        copies[i].path = copy_path(arena, NULL, NULL, &segment->overlays[i]);
    }
    return copies;
}

/* in_out_before: the last segment of the tablet before this one, and its copy. */
static void copy_tablet(Arena *arena, const TabletVersion *old, const SegmentRef *in_out_before[2], TabletVersion *out)
{
    SegmentRef *segments = ARENA_NEW_ARRAY(arena, SegmentRef, old->segment_count + 1);
    *out = *old;
    for (uint32_t s = 0; s < old->segment_count; s++) {
        segments[s] = old->segments[s];
        segments[s].path = copy_path(arena, in_out_before[0], in_out_before[1], &old->segments[s]);
        in_out_before[0] = &old->segments[s];
        in_out_before[1] = &segments[s];
        if (segment_is_inline(&segments[s]))
            segments[s].bytes = strview_n(arena_strndup(arena, segments[s].bytes.data, segments[s].bytes.length), segments[s].bytes.length);
        if (segments[s].deletes != NULL)
            segments[s].deletes = copy_deletes(arena, segments[s].deletes);
        segments[s].overlays = copy_overlays(arena, &segments[s]);
    }
    out->segments = segments;
    out->segment_room = old->segment_count + 1;
}

static Datum *copy_datums(Arena *arena, const TableSchema *schema, const Datum *old, uint32_t count)
{
    Datum *copy = ARENA_NEW_ARRAY(arena, Datum, count);
    for (uint32_t i = 0; i < count; i++)
        copy[i] = datum_copy(arena, schema->partition_types[i % schema->partition_column_count], &old[i]);
    return copy;
}

static CatalogPartition *copy_partition(const TableSchema *schema, const CatalogPartition *old)
{
    CatalogPartition *copy = mem_alloc_zero(sizeof(*copy));
    uint32_t columns = schema->partition_column_count;
    *copy = (CatalogPartition){.id = old->id, .has_low = old->has_low, .has_high = old->has_high, .value_rows = old->value_rows,
                               .visible_version = old->visible_version, .data_version = old->data_version,
                               .visible_time_us = old->visible_time_us, .tablet_count = old->tablet_count};
    Arena *arena = &copy->arena;
    atomic_init(&copy->references, 1);
    arena_init(arena, NULL);
    arena->next_block_bytes = CATALOG_NODE_BYTES;
    copy->name = strview_n(arena_strndup(arena, old->name.data, old->name.length), old->name.length);
    copy->low = old->has_low ? copy_datums(arena, schema, old->low, columns) : ARENA_NEW_ARRAY(arena, Datum, columns);
    copy->high = old->has_high ? copy_datums(arena, schema, old->high, columns) : ARENA_NEW_ARRAY(arena, Datum, columns);
    copy->values = copy_datums(arena, schema, old->values, old->value_rows * columns);
    copy->tablets = ARENA_NEW_ARRAY(arena, TabletVersion, old->tablet_count);
    const SegmentRef *before[2] = {NULL, NULL};
    for (uint32_t t = 0; t < old->tablet_count; t++) {
        copy_tablet(arena, &old->tablets[t], before, &copy->tablets[t]);
        if (old->inline_bytes > 0)
            partition_count_inline(copy, copy->tablets[t].segments, copy->tablets[t].segment_count, 1);
    }
    return copy;
}

/* Most of the arena is what was there once: time for a copy that holds what is there now. */
static bool is_wasteful(const CatalogPartition *partition)
{
    enum { BYTES_A_SEGMENT = 256, WASTE_FROM_BYTES = 256 * 1024 };
    size_t live = 0;
    for (uint32_t t = 0; t < partition->tablet_count; t++)
        live += partition->tablets[t].segment_count;
    return partition->arena.total_bytes > WASTE_FROM_BYTES + 4 * (live * BYTES_A_SEGMENT + partition->inline_bytes);
}

/* A private copy of a partition. */
static Status own_partition(Apply *apply, CatalogTable *table, uint64_t id, CatalogPartition **out_partition)
{
    uint32_t i = catalog_partition_place(table, id);
    if (i < table->partition_count && table->partitions[i]->id == id) {
        CatalogPartition *old = table->partitions[i];
        if (!partition_groups_own(&table->groups, i) || is_wasteful(old)) {
            table->partitions[i] = copy_partition(table->schema, old);
            partition_groups_replace(&table->groups, i, table->partitions[i]);
        }
        *out_partition = table->partitions[i];
        return OK;
    }
    return RAISE(apply->diag, NO_SUCH_PARTITION, "partition %llu does not exist", (unsigned long long)id);
}

/* The segments of a tablet of a private partition, with room for more. */
static SegmentRef *own_segments(CatalogPartition *partition, TabletVersion *tablet, uint64_t more)
{
    uint64_t count = tablet->segment_count + more;
    if (count > tablet->segment_room || tablet->segment_room < tablet->segment_count) {
        uint32_t room = (uint32_t)MAX(count, (uint64_t)tablet->segment_count + tablet->segment_count / 2);
        SegmentRef *grown = ARENA_NEW_ARRAY(&partition->arena, SegmentRef, room);
        if (tablet->segment_count > 0)
            memcpy(grown, tablet->segments, tablet->segment_count * sizeof(*grown));
        tablet->segments = grown;
        tablet->segment_room = room;
    }
    return (SegmentRef *)(uintptr_t)tablet->segments;
}

static TabletVersion *find_tablet(CatalogPartition *partition, uint64_t id)
{
    for (uint32_t t = 0; t < partition->tablet_count; t++) {
        if (partition->tablets[t].id == id)
            return &partition->tablets[t];
    }
    return NULL;
}

/* Reads new segments and appends them to their tablet, after the kept ones. */
static Status apply_segments(Apply *apply, CatalogTable *table, ByteReader *body, CatalogPartition **out_partition,
                             TabletVersion **out_tablet, uint32_t *out_fresh)
{
    CatalogPartition *partition = NULL;
    TRY(own_partition(apply, table, byte_reader_varint(body), &partition));
    TabletVersion *tablet = find_tablet(partition, byte_reader_varint(body));
    uint64_t fresh = byte_reader_varint(body);
    if (tablet == NULL || fresh > byte_reader_left(body))
        return RAISE(apply->diag, CORRUPT, "journal entry %llu names an unknown tablet",
                     (unsigned long long)apply->entry_id);
    SegmentRef *segments = own_segments(partition, tablet, fresh);
    for (uint64_t i = 0; i < fresh && !body->failed; i++) {
        SegmentRef *segment = &segments[tablet->segment_count + i];
        *segment = (SegmentRef){0};
        decode_segment(body, &partition->arena, i == 0 ? NULL : segment - 1, segment);
        TRY(body->failed ? OK : check_id(apply, segment->id));
        for (uint32_t o = 0; o < segment->overlay_count; o++)
            TRY(body->failed ? OK : check_id(apply, segment->overlays[o].id));
    }
    partition_count_inline(partition, segments + tablet->segment_count, fresh, 1);
    tablet->segment_count += (uint32_t)fresh;
    *out_partition = partition;
    *out_tablet = tablet;
    *out_fresh = (uint32_t)fresh;
    return OK;
}

static Status apply_publish(Apply *apply, ByteReader *body)
{
    CatalogTable *table;
    TRY(own_table(apply, byte_reader_varint(body), 0, &table));
    uint64_t count = byte_reader_varint(body);
    for (uint64_t i = 0; i < count && !body->failed; i++) {
        CatalogPartition *partition;
        TabletVersion *tablet;
        uint32_t fresh;
        TRY(apply_segments(apply, table, body, &partition, &tablet, &fresh));
        if (partition->visible_time_us != apply->time_us || partition->data_version != apply->entry_id)
            partition->visible_version++;
        partition->visible_time_us = apply->time_us;
        if (fresh > 0)
            partition->data_version = apply->entry_id;
    }
    return OK;
}

/* Marks the old segments. They mostly come in the order in which the tablet has them. */
static void mark_segments(ByteReader *body, const TabletVersion *tablet, uint8_t *marks)
{
    uint64_t old_count = byte_reader_varint(body);
    uint32_t at = 0;
    for (uint64_t i = 0; i < old_count && !body->failed; i++) {
        uint64_t id = byte_reader_varint(body);
        for (uint32_t tried = 0; tried < tablet->segment_count; tried++) {
            at = at + 1 < tablet->segment_count ? at + 1 : 0;
            if (tablet->segments[at].id != id)
                continue;
            marks[at] = 1;
            break;
        }
    }
}

static Status apply_replace_segments(Apply *apply, ByteReader *body, bool is_compaction)
{
    CatalogTable *table;
    CatalogPartition *partition = NULL;
    TabletVersion *tablet = NULL;
    uint32_t fresh;
    TRY(own_table(apply, byte_reader_varint(body), 0, &table));
    TRY(apply_segments(apply, table, body, &partition, &tablet, &fresh));
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    uint8_t *marks = ARENA_NEW_ARRAY(&scratch, uint8_t, tablet->segment_count + 1);
    SegmentRef *kept = ARENA_NEW_ARRAY(&scratch, SegmentRef, tablet->segment_count);
    uint32_t count = 0;
    uint32_t first_fresh = tablet->segment_count - fresh;
    bool has_place = false; /* the new ones take the place of the first old one: order matters to some tables */
    mark_segments(body, tablet, marks);
    for (uint32_t s = 0; s < tablet->segment_count; s++) {
        bool is_fresh = s >= first_fresh;
        for (uint32_t f = 0; f < fresh && marks[s] && !is_fresh && !has_place; f++)
            kept[count++] = tablet->segments[first_fresh + f];
        has_place |= marks[s];
        if (!marks[s] && !(is_fresh && has_place))
            kept[count++] = tablet->segments[s];
    }
    bool has_changed = fresh > 0 || count < tablet->segment_count;
    partition_count_inline(partition, tablet->segments, tablet->segment_count, -1);
    partition_count_inline(partition, kept, count, 1);
    if (count > 0)
        memcpy(own_segments(partition, tablet, 0), kept, count * sizeof(*kept));
    tablet->segment_count = count;
    partition->visible_version++;
    partition->visible_time_us = apply->time_us;
    if (has_changed && !is_compaction)
        partition->data_version = apply->entry_id;
    return OK;
}

static Status apply_put_deletes(Apply *apply, ByteReader *body)
{
    CatalogTable *table;
    CatalogPartition *partition = NULL;
    TRY(own_table(apply, byte_reader_varint(body), 0, &table));
    TRY(own_partition(apply, table, byte_reader_varint(body), &partition));
    TabletVersion *tablet = find_tablet(partition, byte_reader_varint(body));
    uint64_t count = byte_reader_varint(body);
    if (tablet == NULL)
        return RAISE(apply->diag, CORRUPT, "journal entry %llu names an unknown tablet", (unsigned long long)apply->entry_id);
    SegmentRef *segments = own_segments(partition, tablet, 0);
    uint32_t at = 0;
    for (uint64_t i = 0; i < count && !body->failed; i++) {
        uint64_t id = byte_reader_varint(body);
        const DeleteVectorRef *deletes = decode_deletes(body, &partition->arena);
        TRY(body->failed ? OK : check_id(apply, deletes->id));
        for (uint32_t tried = 0; tried < tablet->segment_count; tried++) {
            at = at + 1 < tablet->segment_count ? at + 1 : 0;
            if (segments[at].id != id)
                continue;
            segments[at].deletes = deletes;
            break;
        }
    }
    partition->visible_version += partition->data_version != apply->entry_id;
    partition->visible_time_us = apply->time_us;
    partition->data_version = apply->entry_id;
    return OK;
}

static Status apply_keep_data_version(Apply *apply, ByteReader *body)
{
    CatalogTable *table;
    CatalogPartition *partition = NULL;
    TRY(own_table(apply, byte_reader_varint(body), 0, &table));
    TRY(own_partition(apply, table, byte_reader_varint(body), &partition));
    uint64_t version = byte_reader_varint(body);
    if (!body->failed)
        partition->data_version = MIN(version, apply->entry_id);
    return OK;
}

static Status apply_put_setting(Apply *apply, ByteReader *body)
{
    CatalogSnapshot *next = apply->next;
    StrView key = decode_view(body, &next->arena);
    StrView value = decode_view(body, &next->arena);
    for (uint32_t i = 0; i < next->setting_count; i++) {
        if (strview_equal(next->settings[i].key, key)) {
            next->settings[i].value = value;
            return OK;
        }
    }
    Property *grown = ARENA_NEW_ARRAY(&next->arena, Property, next->setting_count + 1);
    memcpy(grown, next->settings, next->setting_count * sizeof(*grown));
    grown[next->setting_count++] = (Property){key, value};
    next->settings = grown;
    return OK;
}

static Status apply_put_label(Apply *apply, ByteReader *body)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    uint64_t database_id = byte_reader_varint(body);
    StrView label = decode_view(body, &scratch);
    uint64_t txn_id = byte_reader_varint(body);
    StrView answer = decode_view(body, &scratch);
    int64_t time_us = (int64_t)byte_reader_u64(body);
    if (apply->listener != NULL)
        apply->listener->label(apply->listener->context, database_id, label, txn_id, answer, time_us);
    return OK;
}

static Status apply_forget_labels(Apply *apply, ByteReader *body)
{
    int64_t before_us = (int64_t)byte_reader_u64(body);
    if (apply->listener != NULL && !body->failed)
        apply->listener->forget_labels(apply->listener->context, before_us);
    return OK;
}

static Status apply_drop_label(Apply *apply, ByteReader *body)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    uint64_t database_id = byte_reader_varint(body);
    StrView label = decode_view(body, &scratch);
    if (apply->listener != NULL && !body->failed)
        apply->listener->drop_label(apply->listener->context, database_id, label);
    return OK;
}

static void remove_prepared(CatalogSnapshot *next, uint64_t database_id, StrView label)
{
    for (uint32_t i = 0; i < next->prepared_count; i++) {
        PreparedTransaction *prepared = next->prepared[i];
        if (prepared->database_id != database_id || !strview_equal(prepared->label, label))
            continue;
        next->prepared[i] = next->prepared[--next->prepared_count];
        prepared_unref(prepared);
        return;
    }
}

static Status apply_put_prepared(Apply *apply, ByteReader *body)
{
    CatalogSnapshot *next = apply->next;
    PreparedTransaction *prepared;
    TRY(prepared_decode(body, apply->diag, &prepared));
    remove_prepared(next, prepared->database_id, prepared->label);
    PreparedTransaction **grown = ARENA_NEW_ARRAY(&next->arena, PreparedTransaction *, next->prepared_count + 1);
    memcpy(grown, next->prepared, next->prepared_count * sizeof(*grown));
    grown[next->prepared_count++] = prepared;
    next->prepared = grown;
    return OK;
}

static Status apply_drop_prepared(Apply *apply, ByteReader *body)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    uint64_t database_id = byte_reader_varint(body);
    StrView label = decode_view(body, &scratch);
    remove_prepared(apply->next, database_id, label);
    return OK;
}

static Status apply_put_record(Apply *apply, ByteReader *body)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    StrView module = decode_view(body, &scratch);
    StrView key = decode_view(body, &scratch);
    StrView value = decode_view(body, &scratch);
    if (!body->failed)
        record_set_put(&apply->next->records, module, key, value);
    return OK;
}

static Status apply_drop_record(Apply *apply, ByteReader *body)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    StrView module = decode_view(body, &scratch);
    StrView key = decode_view(body, &scratch);
    if (!body->failed)
        record_set_drop(&apply->next->records, module, key);
    return OK;
}

static Status apply_op(Apply *apply, uint8_t kind, ByteReader *body)
{
    switch (kind) {
    case OP_PUT_DATABASE:
        return apply_put_database(apply, body);
    case OP_DROP_DATABASE:
        return apply_drop_database(apply, body);
    case OP_PUT_TABLE:
        return apply_put_table(apply, body);
    case OP_DROP_TABLE:
        return apply_drop_table(apply, body);
    case OP_PUT_PARTITION:
        return apply_put_partition(apply, body);
    case OP_DROP_PARTITION:
        return apply_drop_partition(apply, body);
    case OP_PUBLISH:
        return apply_publish(apply, body);
    case OP_REPLACE_SEGMENTS:
        return apply_replace_segments(apply, body, false);
    case OP_COMPACT_SEGMENTS:
        return apply_replace_segments(apply, body, true);
    case OP_PUT_DELETES:
        return apply_put_deletes(apply, body);
    case OP_PUT_PREPARED:
        return apply_put_prepared(apply, body);
    case OP_DROP_PREPARED:
        return apply_drop_prepared(apply, body);
    case OP_PUT_RECORD:
        return apply_put_record(apply, body);
    case OP_DROP_RECORD:
        return apply_drop_record(apply, body);
    case OP_PUT_SETTING:
        return apply_put_setting(apply, body);
    case OP_PUT_LABEL:
        return apply_put_label(apply, body);
    case OP_FORGET_LABELS:
        return apply_forget_labels(apply, body);
    case OP_DROP_LABEL:
        return apply_drop_label(apply, body);
    case OP_KEEP_DATA_VERSION:
        return apply_keep_data_version(apply, body);
    case OP_RESERVE_IDS: {
        uint64_t limit = byte_reader_varint(body);
        apply->next->next_id = MAX(apply->next->next_id, limit);
        return OK;
    }
    default:
        if ((kind & OP_OPTIONAL_BIT) != 0)
            return OK;
        return RAISE(apply->diag, FORMAT_TOO_NEW, "journal entry %llu holds an operation of kind %u that this version "
                     "does not know", (unsigned long long)apply->entry_id, kind);
    }
}

static Status apply_all(Apply *apply, ByteReader *reader)
{
    while (byte_reader_left(reader) > 0) {
        uint8_t kind = byte_reader_u8(reader);
        StrView bytes = byte_reader_sized(reader);
        ByteReader body = byte_reader(bytes.data, bytes.length);
        if (!reader->failed)
            TRY(apply_op(apply, kind, &body));
        if (reader->failed || body.failed)
            return RAISE(apply->diag, CORRUPT, "journal entry %llu is cut short", (unsigned long long)apply->entry_id);
    }
    return OK;
}

Status change_apply(CatalogSnapshot *base, StrView bytes, uint64_t entry_id, int64_t time_us,
                    const ChangeListener *listener, Diag *diag, CatalogSnapshot **out_next)
{
    Apply apply = {.next = copy_snapshot(base), .entry_id = entry_id, .time_us = time_us, .listener = listener,
                   .diag = diag};
    apply.next->entry_id = entry_id;
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    Status status = apply_all(&apply, &reader);
    if (status != OK) {
        catalog_unref(apply.next);
        return status;
    }
    *out_next = apply.next;
    return OK;
}

Status change_apply_in_place(CatalogSnapshot *catalog, StrView bytes, uint64_t entry_id, int64_t time_us,
                             const ChangeListener *listener, Diag *diag)
{
    Apply apply = {.next = catalog, .entry_id = entry_id, .time_us = time_us, .listener = listener, .diag = diag};
    CHECK(atomic_load(&catalog->references) == 1);
    catalog->entry_id = entry_id;
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    return apply_all(&apply, &reader);
}
