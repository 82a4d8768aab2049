#include "load/table_deleter.h"

#include <stdlib.h>

#include "base/fault.h"
#include "load/key_commit.h"
#include "storage/delete_vector.h"
#include "meta/load_answer.h"

typedef struct DeletedSegment {
    uint64_t partition_id, tablet_id;
    NewDeletes deletes;
    uint64_t base_id; /* of the delete vector it builds on; 0: none */
} DeletedSegment;

typedef struct DeleteCommit {
    const TableDeleter *deleter;
    uint64_t txn_id;
    ARRAY_OF(DeletedSegment) segments;
    Arena arena;
} DeleteCommit;

static int compare_rows(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static const SegmentRef *find_segment(const CatalogTable *table, uint64_t id, uint64_t *out_partition, uint64_t *out_tablet)
{
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        for (uint32_t t = 0; t < partition->tablet_count; t++) {
            const TabletVersion *tablet = &partition->tablets[t];
            for (uint32_t s = 0; s < tablet->segment_count; s++) {
                if (tablet->segments[s].id != id)
                    continue;
                *out_partition = partition->id;
                *out_tablet = tablet->id;
                return &tablet->segments[s];
            }
        }
    }
    return NULL;
}

static Status delete_in_segment(DeleteCommit *commit, const CatalogTable *table, const uint64_t *rows, uint64_t count, Diag *diag,
                                uint64_t *in_out_count)
{
    const TableDeleter *deleter = commit->deleter;
    DeletedSegment target = {0};
    DeleteVector vector;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    uint64_t id = deleter->segments[rows[0] >> 32].id;
    const SegmentRef *segment = find_segment(table, id, &target.partition_id, &target.tablet_id);
    if (segment == NULL)
        return RAISE(diag, RETRY, "table '%.*s' changed while rows were deleted from it", SV_ARGS(table->name));
    TRY(delete_vector_load(deleter->volume, segment, &arena, diag, &vector));
    uint32_t before = vector.count;
    for (uint64_t i = 0; i < count; i++)
        (void)delete_vector_add(&vector, &arena, (uint32_t)rows[i]);
    if (vector.count == before)
        return OK;
    *in_out_count += vector.count - before;
    target.base_id = segment->deletes == NULL ? 0 : segment->deletes->id;
    target.deletes.segment_id = id;
    TRY(delete_vector_store(deleter->store, deleter->volume, segment, &vector, &commit->arena, diag, &target.deletes.deletes));
    ARRAY_PUSH(&commit->arena, &commit->segments, target);
    return OK;
}

static Status make_vectors(DeleteCommit *commit, const CatalogTable *table, Diag *diag, uint64_t *out_count)
{
    const TableDeleter *deleter = commit->deleter;
    qsort(deleter->rows, deleter->row_count, sizeof(uint64_t), compare_rows);
    for (uint64_t first = 0; first < deleter->row_count;) {
        uint64_t segment = deleter->rows[first] >> 32;
        uint64_t end = first;
        while (end < deleter->row_count && deleter->rows[end] >> 32 == segment)
            end++;
        if (segment >= deleter->segment_count)
            return RAISE(diag, INTERNAL, "a row to delete lies in a segment that was not scanned");
        TRY(delete_in_segment(commit, table, deleter->rows + first, end - first, diag, out_count));
        first = end;
    }
    return OK;
}

static Status build_delete(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const DeleteCommit *commit = context;
    FAULT("deletes.before_commit", diag);
    const CatalogTable *table = catalog_table_by_id(catalog, commit->deleter->table_id);
    if (table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "the table was dropped meanwhile");
    for (uint32_t i = 0; i < commit->segments.count; i++) {
        const DeletedSegment *target = &commit->segments.items[i];
        uint64_t partition_id, tablet_id;
        const SegmentRef *segment = find_segment(table, target->deletes.segment_id, &partition_id, &tablet_id);
        if (segment == NULL || (segment->deletes == NULL ? 0 : segment->deletes->id) != target->base_id)
            return RAISE(diag, RETRY, "table '%.*s' changed while rows were deleted from it", SV_ARGS(table->name));
        change_put_deletes(change, table->id, partition_id, tablet_id, &target->deletes, 1);
    }
    LoadAnswer told = {.type = STR_VIEW("DELETE"), .table = table->name};
    AUTO_BYTEBUF answer = {0};
    load_answer_print(&told, &answer);
    change_put_label(change, table->database_id, commit->deleter->label, commit->txn_id, bytebuf_view(&answer),
                     env_wall_us(commit->deleter->volume->environment));
    return OK;
}

Status table_delete_rows(TableDeleter *deleter, Diag *diag, uint64_t *out_count, uint64_t *out_txn_id)
{
    TRY(meta_check_writable(deleter->store, diag));
    DeleteCommit commit = {.deleter = deleter, .txn_id = meta_new_id(deleter->store)};
    uint64_t lease = meta_lease_open(deleter->store);
    CatalogSnapshot *catalog = meta_snapshot(deleter->store);
    const CatalogTable *table = catalog_table_by_id(catalog, deleter->table_id);
    arena_init(&commit.arena, NULL);
    *out_count = 0;
    *out_txn_id = commit.txn_id;
    Status status = OK;
    if (table == NULL)
        status = RAISE(diag, NO_SUCH_TABLE, "the table was dropped meanwhile");
    if (status == OK)
        status = make_vectors(&commit, table, diag, out_count);
    table_gate_pass(meta_gates(deleter->store), deleter->table_id);
    if (status == OK)
        status = meta_commit(deleter->store, build_delete, &commit, diag);
    arena_deinit(&commit.arena);
    catalog_unref(catalog);
    meta_lease_close(deleter->store, lease);
    return status;
}
