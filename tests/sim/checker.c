#include "sim/cluster.h"

/* Reading everything of one snapshot, and what must hold of it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/segment.h"
#include "meta/encode.h"
#include "storage/delete_vector.h"

enum { DATABASE = 50 };

Model model;

/* ---- reading ---- */

typedef struct Piece {
    SegmentRef segment;
    uint32_t table, part;
} Piece;

typedef struct Pieces {
    Arena arena;
    ARRAY_OF(Piece) list;
} Pieces;

static StrView copy(Arena *arena, StrView text)
{
    return strview_n(arena_strndup(arena, text.data, text.length), text.length);
}

static void add_piece(Pieces *pieces, const SegmentRef *segment, uint32_t table, uint32_t part)
{
    Piece piece = {*segment, table, part};
    piece.segment.path = copy(&pieces->arena, segment->path);
    if (segment->deletes != NULL) {
        DeleteVectorRef *deletes = ARENA_NEW(&pieces->arena, DeleteVectorRef);
        *deletes = *segment->deletes;
        deletes->bytes = copy(&pieces->arena, segment->deletes->bytes);
        deletes->path = copy(&pieces->arena, segment->deletes->path);
        piece.segment.deletes = deletes;
    }
    ARRAY_PUSH(&pieces->arena, &pieces->list, piece);
}

static void gather_pieces(const CatalogSnapshot *catalog, Pieces *pieces)
{
    static const char *const names[TABLES] = {"t0", "t1", "k0"};
    const CatalogDatabase *database = catalog_database_by_id(catalog, DATABASE);
    for (uint32_t t = 0; t < TABLES && database != NULL; t++) {
        const CatalogTable *table = catalog_table(database, strview(names[t]));
        for (uint32_t p = 0; p < table->partition_count; p++) {
            uint32_t part = strview_is(table->partitions[p]->name, "near") ? 0 : 1;
            const TabletVersion *tablet = &table->partitions[p]->tablets[0];
            for (uint32_t s = 0; s < tablet->segment_count; s++)
                add_piece(pieces, &tablet->segments[s], t, part);
        }
    }
}

static void count_row(Counts *out, const Piece *piece, int64_t key, int64_t load_id)
{
    if (load_id < 1 || load_id > (int64_t)model.load_count) {
        violation("a row of load %lld, which never was", (long long)load_id);
    } else if (piece->table != KEYED) {
        out->rows[load_id][piece->table][piece->part]++;
    } else if (key < 0 || key >= KEYS) {
        violation("key %lld was never loaded", (long long)key);
    } else {
        out->key_rows++;
        out->keys[key] = (uint64_t)load_id;
    }
}

static Status read_page(Segment *segment, const Piece *piece, uint32_t page, const DeleteVector *deletes, Counts *out, Diag *diag)
{
    AUTO_ARENA arena;
    Vector keys, ids;
    arena_init(&arena, NULL);
    TRY(segment_read(segment, page, segment_find_column(segment, 1), type_of(TYPE_INT), &arena, diag, &keys));
    TRY(segment_read(segment, page, segment_find_column(segment, 2), type_of(TYPE_BIGINT), &arena, diag, &ids));
    for (uint32_t row = 0; row < segment_page_rows(segment, page); row++) {
        if (!delete_vector_has(deletes, page * SEGMENT_PAGE_ROWS + row))
            count_row(out, piece, vector_get(&keys, row, &arena).i64, vector_get(&ids, row, &arena).i64);
    }
    return OK;
}

static Status read_piece(Server *server, const Piece *piece, Counts *out, Diag *diag)
{
    AUTO_ARENA arena;
    DeleteVector deletes;
    Segment *segment;
    arena_init(&arena, NULL);
    TRY(delete_vector_load(&server->node.volume, &piece->segment, &arena, diag, &deletes));
    TRY(segment_open(&server->node.volume, &piece->segment, diag, &segment));
    Status status = OK;
    for (uint32_t page = 0; page < segment_page_count(segment) && status == OK; page++)
        status = read_page(segment, piece, page, &deletes, out, diag);
    segment_close(segment);
    return status;
}

Status read_all(Server *server, Counts *out, Diag *diag)
{
    Pieces pieces = {0};
    Status status = OK;
    memset(out, 0, sizeof(*out));
    arena_init(&pieces.arena, NULL);
    CatalogSnapshot *catalog = meta_snapshot(server->store);
    gather_pieces(catalog, &pieces);
    if (world.plant == PLANT_READ_UNHELD) {
        catalog_unref(catalog);
        catalog = NULL;
    }
    for (uint32_t i = 0; i < pieces.list.count && status == OK; i++)
        status = read_piece(server, &pieces.list.items[i], out, diag);
    catalog_unref(catalog);
    arena_deinit(&pieces.arena);
    return status;
}

/* ---- what must hold ---- */

typedef enum Presence { ABSENT, PRESENT, BROKEN } Presence;

static Presence presence(const Load *load, const Counts *counts)
{
    uint32_t wanted = 0;
    uint32_t whole = 0;
    uint32_t none = 0;
    for (uint32_t t = 0; t < TABLES; t++) {
        for (uint32_t p = 0; p < PARTS && t != KEYED; p++) {
            uint32_t there = counts->rows[load->id][t][p];
            wanted++;
            whole += there == load->rows[t][p];
            none += there == 0;
        }
    }
    bool has_rows = false;
    for (uint32_t t = 0; t < TABLES; t++)
        has_rows |= t != KEYED && load->rows[t][0] > 0;
    if (!has_rows)
        return none == wanted ? ABSENT : BROKEN;
    return whole == wanted ? PRESENT : none == wanted ? ABSENT : BROKEN;
}

static void check_load(const Load *load, const Counts *counts, uint64_t began_step)
{
    bool has_rows = load->rows[0][0] + load->rows[1][0] > 0;
    Presence there = presence(load, counts);
    unsigned long long id = (unsigned long long)load->id;
    if (there == BROKEN)
        violation("load %llu is there in part or more than once", id);
    if (there == PRESENT && load->outcome == OUTCOME_FAILED)
        violation("load %llu is there, though it was said to have failed", id);
    if (there == ABSENT && has_rows && load->outcome == OUTCOME_ACKED && load->ended_step < began_step)
        violation("load %llu was acknowledged and is not there", id);
}

/* All keys have the value of one load, and none that was acknowledged began after that one had ended. */
static void check_keys(const Counts *counts, uint64_t began_step)
{
    uint64_t value = counts->keys[0];
    for (uint32_t k = 0; k < KEYS; k++) {
        if (counts->keys[k] != value)
            violation("key 0 is of load %llu, key %u of load %llu", (unsigned long long)value, k, (unsigned long long)counts->keys[k]);
    }
    if (counts->key_rows != 0 && counts->key_rows != KEYS)
        violation("%u rows for %u keys", counts->key_rows, (uint32_t)KEYS);
    const Load *writer = &model.loads[value];
    if (value != 0 && (writer->outcome == OUTCOME_FAILED || writer->rows[KEYED][0] == 0))
        violation("keys are of load %llu, which did not write them", (unsigned long long)value);
    for (uint64_t i = 1; i <= model.load_count; i++) {
        const Load *load = &model.loads[i];
        if (load->rows[KEYED][0] == 0 || load->outcome != OUTCOME_ACKED || load->ended_step >= began_step)
            continue;
        bool is_later = value == 0 || (writer->outcome == OUTCOME_ACKED && writer->ended_step < load->began_step);
        if (is_later)
            violation("keys are of load %llu, but load %llu came after it", (unsigned long long)value, (unsigned long long)i);
    }
}

void check_counts(const Counts *counts, uint64_t began_step)
{
    for (uint64_t i = 1; i <= model.load_count; i++)
        check_load(&model.loads[i], counts, began_step);
    check_keys(counts, began_step);
}

void check_definitions(Server *server)
{
    CatalogSnapshot *catalog = meta_snapshot(server->store);
    const CatalogDatabase *database = catalog_database_by_id(catalog, DATABASE);
    for (uint32_t c = 0; c < CLIENTS; c++) {
        char text[32];
        snprintf(text, sizeof(text), "own%u_%u", c, model.own_number[c]);
        bool is_there = catalog_table(database, strview(text)) != NULL;
        if (model.created[c] == OUTCOME_ACKED && model.dropped[c] == OUTCOME_NONE && !is_there)
            violation("table %s was created and is not there", text);
        if ((model.dropped[c] == OUTCOME_ACKED || model.created[c] == OUTCOME_FAILED) && is_there)
            violation("table %s is there, though it was dropped or not created", text);
        snprintf(text, sizeof(text), "config.sim%u", c);
        StrView value = catalog_setting(catalog, text);
        uint64_t number = value.data == NULL ? 0 : strtoull(value.data, NULL, 10);
        if (number < model.setting_acked[c] || number > model.setting_sent[c])
            violation("%s is %llu, %llu was acknowledged", text, (unsigned long long)number, (unsigned long long)model.setting_acked[c]);
    }
    catalog_unref(catalog);
}

/* A label is there exactly when the rows of one of its loads are. */
void check_labels(Server *server)
{
    Counts counts;
    Diag diag = {0};
    if (read_all(server, &counts, &diag) != OK) {
        violation("can't be read: %s", diag.message);
        return;
    }
    for (uint64_t i = 1; i <= model.load_count; i++) {
        const Load *load = &model.loads[i];
        AUTO_ARENA arena;
        LabelRecord record;
        uint32_t present = 0;
        bool has_keyed = false;
        arena_init(&arena, NULL);
        bool is_known = meta_label_find(server->store, DATABASE, strview(load->label), &arena, &record);
        for (uint64_t other = 1; other <= model.load_count; other++) {
            bool is_same = strcmp(model.loads[other].label, load->label) == 0;
            present += is_same && presence(&model.loads[other], &counts) == PRESENT;
            has_keyed |= is_same && model.loads[other].rows[0][0] + model.loads[other].rows[1][0] == 0;
        }
        if (present > 1)
            violation("label %s has loaded %u times", load->label, present);
        if (present == 1 && !is_known)
            violation("label %s is unknown, but its rows are there", load->label);
        if (present == 0 && is_known && !has_keyed)
            violation("label %s is known, but its rows are not there", load->label);
    }
}

/* ---- leaks ---- */

typedef struct Leaks {
    const CatalogSnapshot *catalog;
    uint32_t objects, named;
} Leaks;

typedef struct Named {
    const char *path;
    bool is_found;
} Named;

static void match_segment(void *context, const SegmentRef *segment)
{
    Named *named = context;
    named->is_found |= strview_is(segment->path, named->path);
}

static void check_object(void *context, const char *path)
{
    const Leaks *leaks = context;
    Named named = {path, false};
    catalog_each_segment(leaks->catalog, match_segment, &named);
    if (!named.is_found)
        violation("object %s is left, and nothing names it", path);
}

void check_leaks(Server *server)
{
    CatalogSnapshot *catalog = meta_snapshot(server->store);
    Leaks leaks = {.catalog = catalog};
    store_each("data/", check_object, &leaks);
    catalog_unref(catalog);
}

/* ---- the whole catalog as bytes ---- */

static void write_table(const CatalogTable *table, ByteBuf *out)
{
    bytebuf_put_u64(out, table->id);
    encode_view(out, table->name);
    bytebuf_put_u64(out, (uint64_t)table->created_us);
    bytebuf_put_u64(out, (uint64_t)table->updated_us);
    encode_schema(out, table->schema);
    bytebuf_put_varint(out, table->partition_count);
    for (uint32_t p = 0; p < table->partition_count; p++)
        encode_partition(out, table->schema, table->partitions[p]);
}

void write_catalog(Server *server, ByteBuf *out)
{
    CatalogSnapshot *catalog = meta_snapshot(server->store);
    bytebuf_put_varint(out, catalog->database_count);
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        const CatalogDatabase *database = catalog->databases[d];
        bytebuf_put_u64(out, database->id);
        encode_view(out, database->name);
        encode_view(out, database->comment);
        bytebuf_put_varint(out, catalog_table_count(database));
        for (uint32_t t = 0; t < catalog_table_count(database); t++)
            write_table(catalog_table_at(database, t), out);
    }
    bytebuf_put_varint(out, catalog->setting_count);
    for (uint32_t s = 0; s < catalog->setting_count; s++) {
        encode_view(out, catalog->settings[s].key);
        encode_view(out, catalog->settings[s].value);
    }
    bytebuf_put_u64(out, catalog->next_id);
    catalog_unref(catalog);
}
