#include "ddl/ddl.h"

/* ALTER TABLE ADD, DROP, TRUNCATE, RENAME PARTITION. */

#include "ddl/recycle.h"
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

/* What a DROP PARTITION takes. */
typedef struct PartitionDrop {
    DdlContext *context;
    const AstAlterAction *action;
    const CatalogSnapshot *catalog;
    const CatalogTable *table;
    Change *change;
    uint32_t count;
} PartitionDrop;

static Status drop_one(PartitionDrop *drop, StrView name)
{
    const CatalogPartition *partition = catalog_partition(drop->table, name);
    if (partition == NULL && drop->action->if_exists)
        return OK;
    if (partition == NULL)
        return DDL_ERROR(drop->context, "Error in list of partitions to %.*s.", SV_ARGS(drop->table->name));
    if (drop->action->is_force)
        change_drop_partition(drop->change, drop->table->id, partition->id);
    else
        recycle_partition(drop->change, drop->catalog, drop->table, partition, drop->context->recycle, drop->count++);
    return OK;
}

static Status drop_partitions(PartitionDrop *drop, const PartitionList *wanted)
{
    TRY(need_partitioned(drop->context, drop->table));
    if (drop->action->where != NULL)
        return RAISE(drop->context->diag, NOT_SUPPORTED, "DROP PARTITIONS WHERE is not supported");
    for (uint32_t w = 0; w < wanted->count && drop->action->partitions.count > 0; w++)
        TRY(drop_one(drop, wanted->items[w]->name));
    for (uint32_t i = 0; i < drop->action->names.count && drop->action->partitions.count == 0; i++)
        TRY(drop_one(drop, drop->action->names.items[i]));
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

Status ddl_alter_partition(DdlContext *context, const AstAlterAction *action, const CatalogSnapshot *catalog, const CatalogTable *table,
                           const PartitionList *fresh, Change *change)
{
    PartitionDrop drop = {context, action, catalog, table, change, 0};
    if (action->is_temporary)
        return RAISE(context->diag, NOT_SUPPORTED, "temporary partitions are not supported");
    if (strview_is(action->kind, "ADD PARTITION"))
        return add_partitions(context, table, fresh, change);
    if (strview_is(action->kind, "DROP PARTITION"))
        return drop_partitions(&drop, fresh);
    if (strview_is(action->kind, "TRUNCATE PARTITION"))
        return truncate_partitions(context, action, table, change);
    if (strview_is(action->kind, "RENAME PARTITION"))
        return rename_partition(context, action, table, change);
    return RAISE(context->diag, NOT_SUPPORTED, "ALTER TABLE %.*s is not supported", SV_ARGS(action->kind));
}
