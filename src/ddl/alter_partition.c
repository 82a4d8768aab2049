#include "ddl/ddl.h"

/* ALTER TABLE ADD, DROP, TRUNCATE, RENAME PARTITION. */

#include "load/partition_router.h"

static Status need_partitioned(DdlContext *context, const CatalogTable *table)
{
    if (table->schema->scheme == PARTITION_NONE)
        return DDL_ERROR(context, "Table [%.*s] is not a partitioned table.", SV_ARGS(table->name));
    return OK;
}

Status ddl_prepare_partitions(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, PartitionList *fresh)
{
    PartitionList all = {0};
    if (action->partitions.count == 0)
        return OK;
    TRY(need_partitioned(context, table));
    if (action->layout != NULL && action->layout->buckets > 0 && action->layout->buckets != table->schema->buckets)
        return RAISE(context->diag, NOT_SUPPORTED, "partitions with another number of buckets are not supported");
    bool is_add = strview_is(action->kind, "ADD PARTITION");
    for (uint32_t p = 0; is_add && p < table->partition_count; p++)
        AST_PUSH(context->arena, &all, table->partitions[p]);
    uint32_t first = all.count;
    TRY(ddl_add_partitions(context, table->schema, &action->partitions, &all));
    for (uint32_t p = first; p < all.count; p++)
        AST_PUSH(context->arena, fresh, all.items[p]);
    return OK;
}

static Status add_partitions(DdlContext *context, const CatalogTable *table, const PartitionList *fresh, Change *change)
{
    for (uint32_t i = 0; i < fresh->count; i++) {
        for (uint32_t p = 0; p < table->partition_count; p++) {
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

static Status drop_range(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, const PartitionList *wanted,
                         Change *change)
{
    for (uint32_t w = 0; w < wanted->count; w++) {
        const CatalogPartition *old = catalog_partition(table, wanted->items[w]->name);
        if (old == NULL && action->if_exists)
            continue;
        if (old == NULL)
            return DDL_ERROR(context, "Error in list of partitions to %.*s.", SV_ARGS(table->name));
        change_drop_partition(change, table->id, old->id);
    }
    return OK;
}

static Status drop_partitions(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, const PartitionList *wanted,
                              Change *change)
{
    TRY(need_partitioned(context, table));
    if (action->where != NULL)
        return RAISE(context->diag, NOT_SUPPORTED, "DROP PARTITIONS WHERE is not supported");
    if (action->partitions.count > 0)
        return drop_range(context, action, table, wanted, change);
    for (uint32_t i = 0; i < action->names.count; i++) {
        const CatalogPartition *partition = catalog_partition(table, action->names.items[i]);
        if (partition == NULL && action->if_exists)
            continue;
        if (partition == NULL)
            return DDL_ERROR(context, "Error in list of partitions to %.*s.", SV_ARGS(table->name));
        change_drop_partition(change, table->id, partition->id);
    }
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

Status ddl_alter_partition(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, const PartitionList *fresh,
                           Change *change)
{
    if (action->is_temporary)
        return RAISE(context->diag, NOT_SUPPORTED, "temporary partitions are not supported");
    if (strview_is(action->kind, "ADD PARTITION"))
        return add_partitions(context, table, fresh, change);
    if (strview_is(action->kind, "DROP PARTITION"))
        return drop_partitions(context, action, table, fresh, change);
    if (strview_is(action->kind, "TRUNCATE PARTITION"))
        return truncate_partitions(context, action, table, change);
    if (strview_is(action->kind, "RENAME PARTITION"))
        return rename_partition(context, action, table, change);
    return RAISE(context->diag, NOT_SUPPORTED, "ALTER TABLE %.*s is not supported", SV_ARGS(action->kind));
}
