#include "ddl/ddl_int.h"

/* ALTER TABLE ADD, DROP, TRUNCATE, RENAME PARTITION; those of temporary partitions are in a file of their own. */

#include "load/partition_router.h"
#include "meta/quota.h"

static Status need_partitioned(DdlContext *context, const CatalogTable *table)
{
    if (table->schema->scheme == PARTITION_NONE)
        return DDL_ERROR(context, "Table [%.*s] is not a partitioned table.", SV_ARGS(table->name));
    return OK;
}

Status ddl_prepare_partitions(DdlContext *context, const AstAlterAction *action, const CatalogSnapshot *catalog, const CatalogTable *table,
                              PartitionList *fresh)
{
    PartitionList all = {0};
    const CatalogTable *holder = action->is_temporary ? catalog_temporary_partitions(catalog, table) : table;
    for (size_t i = 0; action->is_temporary && i < COUNT_OF(context->fresh_ids); i++)
        context->fresh_ids[i] = meta_new_id(context->store);
    if (ddl_is_merge(action))
        return ddl_prepare_merge(context, action, table, fresh);
    if (action->partitions.count == 0)
        return OK;
    TRY(need_partitioned(context, table));
    if (action->layout != NULL && action->layout->buckets > 0 && action->layout->buckets != table->schema->buckets)
        return RAISE(context->diag, NOT_SUPPORTED, "partitions with another number of buckets are not supported");
    bool is_add = strview_is(action->kind, "ADD PARTITION");
    for (uint32_t p = 0; is_add && holder != NULL && p < holder->partition_count; p++)
        AST_PUSH(context->arena, &all, holder->partitions[p]);
    uint32_t first = all.count;
    TRY(ddl_add_partitions(context, table->schema, &action->partitions, &all));
    for (uint32_t p = first; p < all.count; p++)
        AST_PUSH(context->arena, fresh, all.items[p]);
    fresh->checked = is_add ? table : NULL;
    return OK;
}

static bool has_same_partitions(const CatalogTable *a, const CatalogTable *b)
{
    bool is_same = a->schema == b->schema && a->partition_count == b->partition_count;
    for (uint32_t p = 0; is_same && p < a->partition_count; p++)
        is_same = a->partitions[p] == b->partitions[p] || (a->partitions[p]->id == b->partitions[p]->id &&
                                                          strview_equal(a->partitions[p]->name, b->partitions[p]->name));
    return is_same;
}

static Status add_partitions(DdlContext *context, const CatalogTable *table, const PartitionList *fresh, Change *change)
{
    bool is_checked = fresh->checked != NULL && has_same_partitions(fresh->checked, table);
    for (uint32_t i = 0; i < fresh->count; i++) {
        for (uint32_t p = 0; p < table->partition_count && !is_checked; p++) {
            if (strview_equal_ci(table->partitions[p]->name, fresh->items[i]->name) ||
                partitions_overlap(table->schema, table->partitions[p], fresh->items[i]))
                return RAISE(context->diag, RETRY, "table '%.*s' got partition '%.*s' meanwhile", SV_ARGS(table->name),
                             SV_ARGS(table->partitions[p]->name));
        }
        change_put_partition(change, table->id, table->schema, fresh->items[i]);
    }
    return OK;
}

static Status find_partition(DdlContext *context, const CatalogTable *table, StrView name, const CatalogPartition **out)
{
    *out = catalog_partition(table, name);
    if (*out == NULL)
        return DDL_ERROR(context, "Error in list of partitions to %.*s.", SV_ARGS(table->name));
    return OK;
}

static Status drop_one(const PartitionWork *work, const CatalogPartition *partition, uint32_t *in_out_count)
{
    if (work->action->is_force)
        change_drop_partition(work->change, work->table->id, partition->id);
    else
        recycle_partition(work->change, work->catalog, work->table, partition, work->context->recycle, (*in_out_count)++);
    return OK;
}

static Status drop_named(const PartitionWork *work, StrView name, uint32_t *in_out_count)
{
    const CatalogPartition *partition = catalog_partition(work->table, name);
    if (partition == NULL && work->action->if_exists)
        return OK;
    if (partition == NULL)
        return DDL_ERROR(work->context, "Error in list of partitions to %.*s.", SV_ARGS(work->table->name));
    return drop_one(work, partition, in_out_count);
}

static Status drop_where(const PartitionWork *work, uint32_t *in_out_count)
{
    for (uint32_t p = 0; p < work->table->partition_count; p++) {
        bool matches = false;
        TRY(ddl_partition_matches(work->context, work->action->where, work->table, work->table->partitions[p], &matches));
        if (matches)
            TRY(drop_one(work, work->table->partitions[p], in_out_count));
    }
    return OK;
}

static Status drop_partitions(const PartitionWork *work)
{
    uint32_t count = 0;
    TRY(need_partitioned(work->context, work->table));
    if (work->action->where != NULL)
        return drop_where(work, &count);
    for (uint32_t w = 0; w < work->fresh->count && work->action->partitions.count > 0; w++)
        TRY(drop_named(work, work->fresh->items[w]->name, &count));
    for (uint32_t i = 0; i < work->action->names.count && work->action->partitions.count == 0; i++)
        TRY(drop_named(work, work->action->names.items[i], &count));
    return OK;
}

static Status truncate_partitions(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, Change *change)
{
    for (uint32_t i = 0; i < action->names.count; i++) {
        const CatalogPartition *partition;
        TRY(find_partition(context, table, action->names.items[i], &partition));
        for (uint32_t t = 0; t < partition->tablet_count; t++) {
            const TabletVersion *tablet = &partition->tablets[t];
            uint64_t *ids = ARENA_NEW_ARRAY(context->arena, uint64_t, tablet->segment_count + 1);
            for (uint32_t s = 0; s < tablet->segment_count; s++)
                ids[s] = tablet->segments[s].id;
            NewSegments none = {partition->id, tablet->id, NULL, 0};
            change_replace_segments(change, table->id, &none, ids, tablet->segment_count);
        }
    }
    return OK;
}

static Status rename_partition(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, Change *change)
{
    const CatalogPartition *partition;
    TRY(need_partitioned(context, table));
    TRY(find_partition(context, table, action->name, &partition));
    TRY(ddl_check_name(action->new_name, context->diag));
    if (catalog_partition(table, action->new_name) != NULL)
        return DDL_ERROR(context, "Partition name[%.*s] is already used.", SV_ARGS(action->new_name));
    CatalogPartition renamed;
    memcpy(&renamed, partition, sizeof(renamed));
    renamed.name = action->new_name;
    change_put_partition(change, table->id, table->schema, &renamed);
    return OK;
}

Status ddl_alter_partition(const PartitionWork *work)
{
    StrView kind = work->action->kind;
    if (strview_is(kind, "REPLACE PARTITION"))
        return ddl_replace_partitions(work);
    if (strview_is(kind, "ADD PARTITION"))
        TRY(quota_check_replicas(work->catalog, work->table->database_id, (uint64_t)work->fresh->count * MAX(work->table->schema->buckets, 1u),
                                 work->context->diag));
    if (strview_is(kind, "ADD PARTITION"))
        return work->action->is_temporary ? ddl_add_temporary(work) : add_partitions(work->context, work->table, work->fresh, work->change);
    if (strview_is(kind, "DROP PARTITION"))
        return work->action->is_temporary ? ddl_drop_temporary(work) : drop_partitions(work);
    if (work->action->is_temporary)
        return RAISE(work->context->diag, NOT_SUPPORTED, "ALTER TABLE %.*s of temporary partitions is not supported", SV_ARGS(kind));
    if (strview_is(kind, "TRUNCATE PARTITION"))
        return truncate_partitions(work->context, work->action, work->table, work->change);
    if (strview_is(kind, "RENAME PARTITION"))
        return rename_partition(work->context, work->action, work->table, work->change);
    return RAISE(work->context->diag, NOT_SUPPORTED, "ALTER TABLE %.*s is not supported", SV_ARGS(kind));
}
