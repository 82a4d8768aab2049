#include "ddl/ddl_int.h"

/* Temporary partitions: they hold rows that no query sees until REPLACE PARTITION puts them in the place of others. They
 * belong to a table of their own in a hidden database, which has the definition of the table they are for and is named by
 * its id; it is made with the first and goes with the last. */

#include <stdio.h>

#include "load/partition_router.h"

void ddl_temporary_name(const CatalogTable *table, char out_name[32])
{
    snprintf(out_name, 32, "%llu", (unsigned long long)table->id);
}

/* The table that holds them, made where it is missing. */
static uint64_t put_holder(const PartitionWork *work)
{
    char name[32];
    const CatalogTable *holder = catalog_temporary_partitions(work->catalog, work->table);
    const CatalogDatabase *home = catalog_hidden_database(work->catalog, STR_VIEW(CATALOG_TEMPORARY_PARTITIONS));
    if (holder != NULL)
        return holder->id;
    if (home == NULL)
        change_put_database(work->change, work->context->fresh_ids[0], STR_VIEW(CATALOG_TEMPORARY_PARTITIONS), STR_VIEW(""));
    ddl_temporary_name(work->table, name);
    change_put_table(work->change, work->context->fresh_ids[1], home == NULL ? work->context->fresh_ids[0] : home->id, strview(name),
                     work->table->schema);
    return work->context->fresh_ids[1];
}

Status ddl_add_temporary(const PartitionWork *work)
{
    const CatalogTable *holder = catalog_temporary_partitions(work->catalog, work->table);
    for (uint32_t i = 0; i < work->fresh->count; i++) {
        for (uint32_t p = 0; holder != NULL && p < holder->partition_count; p++) {
            if (strview_equal_ci(holder->partitions[p]->name, work->fresh->items[i]->name) ||
                partitions_overlap(work->table->schema, holder->partitions[p], work->fresh->items[i]))
                return RAISE(work->context->diag, RETRY, "table '%.*s' got temporary partition '%.*s' meanwhile", SV_ARGS(work->table->name),
                             SV_ARGS(holder->partitions[p]->name));
        }
    }
    if (work->fresh->count == 0)
        return OK;
    uint64_t id = put_holder(work);
    for (uint32_t i = 0; i < work->fresh->count; i++)
        change_put_partition(work->change, id, work->table->schema, work->fresh->items[i]);
    return OK;
}

static Status find_temporary(const PartitionWork *work, StrView name, const CatalogTable **out_holder, const CatalogPartition **out)
{
    *out_holder = catalog_temporary_partitions(work->catalog, work->table);
    *out = *out_holder == NULL ? NULL : catalog_partition(*out_holder, name);
    if (*out == NULL)
        return RAISE(work->context->diag, NO_SUCH_PARTITION, "Temporary partition[%.*s] does not exist in table %.*s", SV_ARGS(name),
                     SV_ARGS(work->table->name));
    return OK;
}

static void drop_temporary(const PartitionWork *work, const CatalogTable *holder, const CatalogPartition *partition, uint32_t *in_out_left)
{
    if (--*in_out_left == 0)
        change_drop_table(work->change, holder->id);
    else
        change_drop_partition(work->change, holder->id, partition->id);
}

Status ddl_drop_temporary(const PartitionWork *work)
{
    const CatalogTable *holder = catalog_temporary_partitions(work->catalog, work->table);
    uint32_t left = holder == NULL ? 0 : holder->partition_count;
    for (uint32_t i = 0; i < work->action->names.count; i++) {
        const CatalogPartition *partition = holder == NULL ? NULL : catalog_partition(holder, work->action->names.items[i]);
        if (partition == NULL && work->action->if_exists)
            continue;
        TRY(find_temporary(work, work->action->names.items[i], &holder, &partition));
        drop_temporary(work, holder, partition, &left);
    }
    return OK;
}

/* ---- REPLACE PARTITION ---- */

static bool property_is(const AstProperties *properties, const char *key, bool missing)
{
    for (uint32_t i = 0; i < properties->keys.count; i++) {
        if (strview_equal_ci(properties->keys.items[i], strview(key)))
            return strview_equal_ci(properties->values.items[i], STR_VIEW("true"));
    }
    return missing;
}

static int compare_low(const TableSchema *schema, const CatalogPartition *a, const CatalogPartition *b)
{
    int order = (int)a->has_low - (int)b->has_low;
    for (uint32_t i = 0; i < schema->partition_column_count && order == 0 && a->has_low; i++)
        order = datum_compare(schema->partition_types[i], &a->low[i], &b->low[i]);
    return order;
}

static void sort_by_low(const TableSchema *schema, PartitionList *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        for (uint32_t k = i; k > 0 && compare_low(schema, list->items[k], list->items[k - 1]) < 0; k--) {
            CatalogPartition *held = list->items[k];
            list->items[k] = list->items[k - 1];
            list->items[k - 1] = held;
        }
    }
}

static bool same_values(const TableSchema *schema, bool a_is_set, const Datum *a, bool b_is_set, const Datum *b)
{
    bool is_same = a_is_set == b_is_set;
    for (uint32_t i = 0; i < schema->partition_column_count && is_same && a_is_set; i++)
        is_same = datum_compare(schema->partition_types[i], &a[i], &b[i]) == 0;
    return is_same;
}

/* The end of the gapless run of ranges that begins at *in_out_at, which goes on behind it. */
static const CatalogPartition *end_of_run(const TableSchema *schema, const PartitionList *list, uint32_t *in_out_at)
{
    uint32_t last = *in_out_at;
    while (last + 1 < list->count &&
           same_values(schema, list->items[last]->has_high, list->items[last]->high, list->items[last + 1]->has_low, list->items[last + 1]->low))
        last++;
    *in_out_at = last + 1;
    return list->items[last];
}

/* Do both cover the same ranges? */
static bool same_ranges(const TableSchema *schema, PartitionList *a, PartitionList *b)
{
    uint32_t i = 0, k = 0;
    sort_by_low(schema, a);
    sort_by_low(schema, b);
    while (i < a->count && k < b->count) {
        const CatalogPartition *x = a->items[i], *y = b->items[k];
        if (!same_values(schema, x->has_low, x->low, y->has_low, y->low))
            return false;
        x = end_of_run(schema, a, &i);
        y = end_of_run(schema, b, &k);
        if (!same_values(schema, x->has_high, x->high, y->has_high, y->high))
            return false;
    }
    return i == a->count && k == b->count;
}

static uint32_t count_values(const PartitionList *list)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++)
        count += list->items[i]->value_rows;
    return count;
}

static bool same_lists(const TableSchema *schema, const PartitionList *a, const PartitionList *b)
{
    bool is_same = count_values(a) == count_values(b);
    for (uint32_t i = 0; i < a->count && is_same; i++) {
        for (uint32_t v = 0; v < a->items[i]->value_rows && is_same; v++) {
            is_same = false;
            for (uint32_t k = 0; k < b->count && !is_same; k++)
                is_same = partition_takes(schema, b->items[k], &a->items[i]->values[v * schema->partition_column_count]);
        }
    }
    return is_same;
}

static bool is_member(const PartitionList *list, const CatalogPartition *partition)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] == partition)
            return true;
    }
    return false;
}

static Status check_cover(const PartitionWork *work, PartitionList *old, PartitionList *fresh)
{
    const TableSchema *schema = work->table->schema;
    bool is_strict = property_is(&work->action->properties, "strict_range", true);
    bool is_same = !is_strict || (table_has_ranges(schema) ? same_ranges(schema, old, fresh) : same_lists(schema, old, fresh));
    if (!is_same)
        return DDL_ERROR(work->context, "The ranges or values of the temporary partitions are not those of the partitions that they replace.");
    for (uint32_t p = 0; p < work->table->partition_count; p++) {
        for (uint32_t i = 0; i < fresh->count; i++) {
            if (!is_member(old, work->table->partitions[p]) && partitions_overlap(schema, work->table->partitions[p], fresh->items[i]))
                return DDL_ERROR(work->context, "Range conflict: temporary partition %.*s has values of partition %.*s.", SV_ARGS(fresh->items[i]->name),
                                 SV_ARGS(work->table->partitions[p]->name));
        }
    }
    return OK;
}

static Status collect(const PartitionWork *work, PartitionList *old, PartitionList *fresh, const CatalogTable **out_holder)
{
    for (uint32_t i = 0; i < work->action->names.count; i++) {
        CatalogPartition *partition = NULL;
        for (uint32_t p = 0; p < work->table->partition_count; p++) {
            if (strview_equal_ci(work->table->partitions[p]->name, work->action->names.items[i]))
                partition = work->table->partitions[p];
        }
        if (partition == NULL)
            return RAISE(work->context->diag, NO_SUCH_PARTITION, "Partition[%.*s] does not exist in table %.*s", SV_ARGS(work->action->names.items[i]),
                         SV_ARGS(work->table->name));
        AST_PUSH(work->context->arena, old, partition);
    }
    for (uint32_t i = 0; i < work->action->names2.count; i++) {
        const CatalogPartition *partition;
        TRY(find_temporary(work, work->action->names2.items[i], out_holder, &partition));
        for (uint32_t p = 0; p < (*out_holder)->partition_count; p++) {
            if ((*out_holder)->partitions[p] == partition)
                AST_PUSH(work->context->arena, fresh, (*out_holder)->partitions[p]);
        }
    }
    return OK;
}

static Status check_names(const PartitionWork *work, const PartitionList *old, const PartitionList *fresh)
{
    for (uint32_t p = 0; p < work->table->partition_count; p++) {
        for (uint32_t i = 0; i < fresh->count; i++) {
            if (!is_member(old, work->table->partitions[p]) && strview_equal_ci(work->table->partitions[p]->name, fresh->items[i]->name))
                return DDL_ERROR(work->context, "Duplicate partition name %.*s.", SV_ARGS(fresh->items[i]->name));
        }
    }
    return OK;
}

Status ddl_replace_partitions(const PartitionWork *work)
{
    PartitionList old = {0}, fresh = {0};
    const CatalogTable *holder = NULL;
    TRY(collect(work, &old, &fresh, &holder));
    bool keeps_names = old.count == fresh.count && !property_is(&work->action->properties, "use_temp_partition_name", false);
    PartitionList named = {0};
    for (uint32_t i = 0; i < old.count && keeps_names; i++)
        AST_PUSH(work->context->arena, &named, old.items[i]);
    uint32_t left = holder == NULL ? 0 : holder->partition_count;
    CatalogPartition **in_order = ARENA_NEW_ARRAY(work->context->arena, CatalogPartition *, fresh.count + 1);
    for (uint32_t i = 0; i < fresh.count; i++)
        in_order[i] = fresh.items[i];
    TRY(check_cover(work, &old, &fresh));
    if (!keeps_names)
        TRY(check_names(work, &old, &fresh));
    for (uint32_t i = 0; i < old.count; i++)
        change_drop_partition(work->change, work->table->id, old.items[i]->id);
    for (uint32_t i = 0; i < fresh.count; i++) {
        CatalogPartition put;
        memcpy(&put, in_order[i], sizeof(put));
        if (keeps_names)
            put.name = named.items[i]->name;
        drop_temporary(work, holder, in_order[i], &left);
        change_put_partition(work->change, work->table->id, work->table->schema, &put);
    }
    return OK;
}
