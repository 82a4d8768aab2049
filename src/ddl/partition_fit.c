#include "ddl/partition_fit.h"

#include "meta/partition_order.h"

static bool has_same_partitioning(const TableSchema *a, const TableSchema *b)
{
    bool is_same = a->partition_column_count == b->partition_column_count && a->scheme == b->scheme;
    for (uint32_t i = 0; is_same && i < a->partition_column_count; i++)
        is_same = type_equal(a->partition_types[i], b->partition_types[i]) && strview_equal(a->partition_exprs[i], b->partition_exprs[i]);
    return is_same;
}

static bool names_same_columns(const TableSchema *a, const uint32_t *in_a, uint32_t a_count, const TableSchema *b, const uint32_t *in_b,
                               uint32_t b_count)
{
    bool is_same = a_count == b_count;
    for (uint32_t i = 0; is_same && i < a_count; i++)
        is_same = a->columns[in_a[i]].unique_id == b->columns[in_b[i]].unique_id;
    return is_same;
}

/* Texts may have become longer: that rewrites nothing. */
static bool is_same_column(const TableColumn *a, const TableColumn *b)
{
    bool is_text = a->type.kind == TYPE_VARCHAR && b->type.kind == TYPE_VARCHAR && a->type.length <= b->type.length;
    return (is_text || type_equal(a->type, b->type)) && a->is_key == b->is_key && strview_equal(a->generated, b->generated);
}

static bool columns_fit(const TableSchema *held, const TableSchema *now)
{
    for (uint32_t i = 0; i < now->column_count; i++) {
        const TableColumn *column = &now->columns[i], *then = NULL;
        for (uint32_t k = 0; k < held->column_count && then == NULL; k++)
            then = held->columns[k].unique_id == column->unique_id ? &held->columns[k] : NULL;
        if (then == NULL ? column->generated.length > 0 || column->is_key : !is_same_column(then, column))
            return false;
    }
    return true;
}

bool partition_rows_fit(const TableSchema *held, const TableSchema *now)
{
    return held->keys_kind == now->keys_kind && held->key_count == now->key_count && held->is_random == now->is_random &&
           names_same_columns(held, held->sort_columns, held->sort_count, now, now->sort_columns, now->sort_count) &&
           names_same_columns(held, held->bucket_columns, held->bucket_column_count, now, now->bucket_columns, now->bucket_column_count) &&
           has_same_partitioning(held, now) && columns_fit(held, now);
}

const CatalogPartition *partition_conflict(const CatalogTable *table, const CatalogPartition *partition)
{
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *other = table->partitions[p];
        if (!strview_equal_ci(other->name, partition->name) && partitions_overlap(table->schema, other, partition))
            return other;
    }
    return NULL;
}
