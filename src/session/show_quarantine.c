#include "session/session_int.h"

/* SHOW PROC '/quarantine': objects that can't be read, what depends on them, and why. A row for each table
 * partition that an object belongs to. */

#include "job/quarantine_check.h"

static const char *const names[] = {"Object", "Database", "Table", "Partition", "Since", "Times", "Reason"};

typedef struct QuarantineRows {
    StatementContext *context;
    ARRAY_OF(StrView) cells;
} QuarantineRows;

static void add_row(QuarantineRows *rows, const QuarantinedObject *object, StrView database, StrView table, StrView partition)
{
    Arena *arena = &rows->context->arena;
    AUTO_BYTEBUF since = {0};
    Datum when = datum_i64(object->since_us);
    datum_print(type_of(TYPE_DATETIME), &when, &since);
    StrView cells[] = {object->path, database, table, partition, strview_n(arena_strndup(arena, since.data, since.length), since.length),
                       strview(arena_printf(arena, "%llu", (unsigned long long)object->times)), object->reason};
    for (uint32_t i = 0; i < COUNT_OF(cells); i++)
        ARRAY_PUSH(arena, &rows->cells, cells[i]);
}

static bool names_object(const CatalogPartition *partition, StrView path)
{
    for (uint32_t t = 0; t < partition->tablet_count; t++) {
        for (uint32_t s = 0; s < partition->tablets[t].segment_count; s++) {
            const SegmentRef *segment = &partition->tablets[t].segments[s];
            for (uint32_t o = 0; o < segment->overlay_count; o++) {
                if (strview_equal(segment->overlays[o].path, path))
                    return true;
            }
            if (strview_equal(segment->path, path) || (segment->deletes != NULL && strview_equal(segment->deletes->path, path)))
                return true;
        }
    }
    return false;
}

static void add_object(QuarantineRows *rows, const CatalogSnapshot *catalog, const QuarantinedObject *object)
{
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        const CatalogDatabase *database = catalog->databases[d];
        for (uint32_t t = 0; t < catalog_table_count(database); t++) {
            const CatalogTable *table = catalog_table_at(database, t);
            for (uint32_t p = 0; p < table->partition_count; p++) {
                if (names_object(table->partitions[p], object->path))
                    add_row(rows, object, database->name, table->name, table->partitions[p]->name);
            }
        }
    }
}

Status show_quarantine(StatementContext *context)
{
    const Instance *instance = context->session->instance;
    QuarantineCheck check = {instance->store, instance->volume};
    QuarantineRows rows = {.context = context};
    QuarantinedObject *objects = NULL;
    uint32_t count = 0;
    quarantine_recheck(&check);
    if (instance->volume->quarantine != NULL)
        count = quarantine_list(instance->volume->quarantine, &context->arena, &objects);
    for (uint32_t i = 0; i < count; i++)
        add_object(&rows, context->catalog, &objects[i]);
    return send_texts(context, names, COUNT_OF(names), rows.cells.items, rows.cells.count / COUNT_OF(names));
}
