#include "ddl/ddl_int.h"

/* ALTER TABLE t PARTITION BY date_trunc('year', dt) [BETWEEN low AND high]: partitions become fewer and wider.
 *
 * A tablet of a merged partition has the segments of the tablets of its bucket in those that it takes the place of:
 * no row is written, the change is one entry. BETWEEN leaves the table's rule as it is: rows of other ranges get partitions
 * by that rule, rows of a merged range go there. Without BETWEEN the rule changes, too. */

#include "ddl/alter_jobs.h"
#include "load/partition_router.h"
#include "sql/parser.h"
#include "sql/unparse.h"

typedef struct MergeRule {
    PartitionStep step;
    const AstExpr *expr; /* the function */
    bool is_between;
    Datum low, high; /* of partitions' starts, both included */
    Type type;
} MergeRule;

bool ddl_is_merge(const AstAlterAction *action)
{
    const AstCreateTable *layout = action->layout;
    return strview_is(action->kind, "OPTIMIZE") && layout != NULL && layout->partition_exprs.count == 1 && !layout->has_distribution &&
           layout->key_kind.length == 0 && layout->sort_columns.count == 0 && action->names.count == 0;
}

static Status read_rule(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, MergeRule *out)
{
    const TableSchema *schema = table->schema;
    const AstExpr *expr = action->layout->partition_exprs.items[0];
    AstExpr *now;
    PartitionStep step;
    StrView column, wanted;
    bool is_max = false;
    *out = (MergeRule){.expr = expr};
    if (schema->scheme == PARTITION_NONE || !table_has_ranges(schema) || schema->partition_column_count != 1)
        return DDL_ERROR(context, "Table [%.*s] is not partitioned by ranges of an expression of one column: its partitions can't be merged.",
                         SV_ARGS(table->name));
    out->type = schema->partition_types[0];
    if (expr->kind == AST_BETWEEN && !expr->is_negated) {
        out->expr = expr->left;
        out->is_between = true;
        TRY(ddl_bound(context, expr->arguments.items[0], out->type, &out->low, &is_max));
        TRY(ddl_bound(context, expr->arguments.items[1], out->type, &out->high, &is_max));
        if (is_max)
            return DDL_ERROR(context, "MAXVALUE is no bound of BETWEEN.");
    }
    TRY(sql_parse_expression(schema->partition_exprs[0], context->arena, context->diag, &now));
    TRY(partition_expr_parse(now, context->diag, &step, &column));
    TRY(partition_expr_parse(out->expr, context->diag, &out->step, &wanted));
    if (out->step.unit == STEP_NONE || !strview_equal_ci(column, wanted))
        return DDL_ERROR(context, "Partitions can be merged by date_trunc or time_slice of column %.*s alone.", SV_ARGS(column));
    return OK;
}

static bool takes_part(const MergeRule *rule, const CatalogPartition *partition)
{
    if (!partition->has_low || !partition->has_high || partition->low[0].is_null)
        return false;
    return !rule->is_between || (datum_compare(rule->type, &partition->low[0], &rule->low) >= 0 &&
                                 datum_compare(rule->type, &partition->low[0], &rule->high) <= 0);
}

static bool lies_in(const MergeRule *rule, const CatalogPartition *partition, const CatalogPartition *in)
{
    return takes_part(rule, partition) && datum_compare(rule->type, &partition->low[0], &in->low[0]) >= 0 &&
           datum_compare(rule->type, &partition->high[0], &in->high[0]) <= 0;
}

static CatalogPartition *merged_partition(DdlContext *context, const TableSchema *schema, const MergeRule *rule, Datum start)
{
    AUTO_BYTEBUF name = {0};
    step_name(&rule->step, rule->type, start, &name);
    CatalogPartition *fresh = partition_new(context->store, schema, bytebuf_view(&name), context->now_us, context->arena);
    fresh->has_low = fresh->has_high = true;
    fresh->low[0] = start;
    fresh->high[0] = step_next(&rule->step, rule->type, start);
    return fresh;
}

/* Without rows: which ones these are is seen inside of the commit. */
Status ddl_prepare_merge(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, PartitionList *fresh)
{
    MergeRule rule;
    TRY(read_rule(context, action, table, &rule));
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        bool is_known = false;
        if (!takes_part(&rule, partition))
            continue;
        Datum start = step_floor(&rule.step, rule.type, partition->low[0]);
        for (uint32_t i = 0; i < fresh->count && !is_known; i++)
            is_known = datum_compare(rule.type, &fresh->items[i]->low[0], &start) == 0;
        if (!is_known)
            AST_PUSH(context->arena, fresh, merged_partition(context, table->schema, &rule, start));
    }
    return OK;
}

/* ---- inside of the commit ---- */

static Status check_overlaps(const PartitionWork *work, const MergeRule *rule, const CatalogPartition *wide)
{
    for (uint32_t p = 0; p < work->table->partition_count; p++) {
        const CatalogPartition *partition = work->table->partitions[p];
        if (!lies_in(rule, partition, wide) && partitions_overlap(work->table->schema, partition, wide))
            return RAISE(work->context->diag, ANALYSIS, "Getting analyzing error. Detail message: Partition %.*s lies only partly in the merged partition "
                         "%.*s.", SV_ARGS(partition->name), SV_ARGS(wide->name));
    }
    return OK;
}

static void take_segments(const PartitionWork *work, const CatalogPartition *from, CatalogPartition *to)
{
    Arena *arena = work->context->arena;
    to->visible_version = MAX(to->visible_version, from->visible_version + 1);
    for (uint32_t t = 0; t < from->tablet_count; t++) {
        const TabletVersion *tablet = &from->tablets[t];
        TabletVersion *target = &to->tablets[t];
        SegmentRef *all = ARENA_NEW_ARRAY(arena, SegmentRef, target->segment_count + tablet->segment_count + 1);
        if (target->segment_count > 0)
            memcpy(all, target->segments, target->segment_count * sizeof(*all));
        if (tablet->segment_count > 0)
            memcpy(all + target->segment_count, tablet->segments, tablet->segment_count * sizeof(*all));
        target->segments = all;
        target->segment_count += tablet->segment_count;
    }
}

/* The entry's data version comes with rows that are published: of those of one segment. */
static void publish_first(const PartitionWork *work, const CatalogPartition *merged)
{
    for (uint32_t t = 0; t < merged->tablet_count; t++) {
        const TabletVersion *tablet = &merged->tablets[t];
        if (tablet->segment_count == 0)
            continue;
        NewSegments again = {merged->id, tablet->id, tablet->segments, 1};
        change_replace_segments(work->change, work->table->id, &again, &tablet->segments[0].id, 1);
        return;
    }
}

static Status free_name(const PartitionWork *work, const MergeRule *rule, CatalogPartition *merged)
{
    StrView base = merged->name;
    for (uint32_t suffix = 0; suffix < 1000; suffix++) {
        if (suffix > 0)
            merged->name = strview(arena_printf(work->context->arena, "%.*s_%x", SV_ARGS(base), suffix));
        const CatalogPartition *other = catalog_partition(work->table, merged->name);
        if (other == NULL || lies_in(rule, other, merged))
            return OK;
    }
    return RAISE(work->context->diag, ANALYSIS, "Getting analyzing error. Detail message: Duplicate partition name %.*s.", SV_ARGS(base));
}

static Status merge_into(const PartitionWork *work, const MergeRule *rule, const TableSchema *schema, const CatalogPartition *prepared)
{
    CatalogPartition *merged = ARENA_NEW(work->context->arena, CatalogPartition);
    memcpy(merged, prepared, sizeof(*merged));
    merged->tablets = ARENA_NEW_ARRAY(work->context->arena, TabletVersion, prepared->tablet_count + 1);
    memcpy(merged->tablets, prepared->tablets, prepared->tablet_count * sizeof(TabletVersion));
    const CatalogPartition *only = NULL;
    uint32_t count = 0;
    for (uint32_t p = 0; p < work->table->partition_count; p++) {
        if (!lies_in(rule, work->table->partitions[p], merged))
            continue;
        only = work->table->partitions[p];
        count++;
    }
    bool is_there = count == 1 && datum_compare(rule->type, &only->low[0], &merged->low[0]) == 0 &&
                    datum_compare(rule->type, &only->high[0], &merged->high[0]) == 0;
    if (count == 0 || is_there)
        return OK;
    TRY(check_overlaps(work, rule, merged));
    TRY(free_name(work, rule, merged));
    for (uint32_t p = 0; p < work->table->partition_count; p++) {
        const CatalogPartition *partition = work->table->partitions[p];
        if (!lies_in(rule, partition, merged))
            continue;
        if (partition->tablet_count != merged->tablet_count)
            return RAISE(work->context->diag, NOT_SUPPORTED, "partition %.*s has another number of buckets: it can't be merged", SV_ARGS(partition->name));
        take_segments(work, partition, merged);
        change_drop_partition(work->change, work->table->id, partition->id);
    }
    change_put_partition(work->change, work->table->id, schema, merged);
    publish_first(work, merged);
    return OK;
}

static void put_rule(const PartitionWork *work, const MergeRule *rule)
{
    TableSchema *schema = ddl_schema_copy(work->table->schema);
    AUTO_BYTEBUF text = {0};
    sql_print_expr(rule->expr, &text);
    StrView *exprs = ARENA_NEW_ARRAY(&schema->arena, StrView, 1);
    exprs[0] = ddl_keep(&schema->arena, bytebuf_view(&text));
    schema->partition_exprs = exprs;
    change_put_table(work->change, work->table->id, work->table->database_id, work->table->name, schema);
    ddl_schema_free(schema);
}

Status ddl_merge_partitions(const PartitionWork *work, uint64_t job_id)
{
    MergeRule rule;
    TRY(read_rule(work->context, work->action, work->table, &rule));
    if (catalog_temporary_partitions(work->catalog, work->table) != NULL)
        return RAISE(work->context->diag, ANALYSIS, "Table[%.*s] has temporary partitions: replace or drop them before its partitions are merged",
                     SV_ARGS(work->table->name));
    for (uint32_t p = 0; p < work->table->partition_count; p++) {
        bool is_prepared = !takes_part(&rule, work->table->partitions[p]);
        for (uint32_t i = 0; i < work->fresh->count && !is_prepared; i++)
            is_prepared = lies_in(&rule, work->table->partitions[p], work->fresh->items[i]);
        if (!is_prepared)
            return RAISE(work->context->diag, ANALYSIS, "Getting analyzing error. Detail message: Partition %.*s is wider than what it would be merged "
                         "into, or has come meanwhile.", SV_ARGS(work->table->partitions[p]->name));
    }
    if (!rule.is_between)
        put_rule(work, &rule);
    for (uint32_t i = 0; i < work->fresh->count; i++)
        TRY(merge_into(work, &rule, work->table->schema, work->fresh->items[i]));
    AlterJob job = {.id = job_id, .table_id = work->table->id, .database_id = work->table->database_id, .kind = "OPTIMIZE",
                    .created_us = work->context->now_us};
    alter_job_name(&job, work->table->name);
    alter_job_put(&job, "FINISHED", "", work->change);
    alter_jobs_trim(work->catalog, work->change);
    return OK;
}
