#include "mv/engine_int.h"

/* Refresh of the groups alone that rows came to or went from, for aggregates whose values can't be merged (averages without their sum and
 * count, minima that lose rows, DISTINCT, sums of floating point numbers):
 *
 *     view ANTI JOIN keys UNION ALL query over (input SEMI JOIN keys)
 *
 * where the keys are those of the rows that the query yields for what came and what went. NULL is a key like others. */

#include "sql/unparse.h"

bool mv_find_keys(const MvDecision *decision, LogicalNode *aggregate, MvDelta *out)
{
    uint32_t count = aggregate->aggregate.group_count;
    const TableSchema *schema = decision->table->schema;
    out->keys = ARENA_NEW_ARRAY(decision->bound.arena, uint32_t, count + 1);
    for (out->key_count = 0; out->key_count < count; out->key_count++) {
        bool is_found = false;
        uint32_t g = out->key_count;
        for (uint32_t c = 0; c < schema->column_count && !is_found; c++) {
            is_found = mv_aggregate_column(decision, aggregate, c) == aggregate->aggregate.group_ids[g] &&
                       schema->columns[c].type.kind == aggregate->aggregate.groups[g]->type.kind;
            out->keys[g] = c;
        }
        if (!is_found)
            return false;
    }
    return count > 0;
}

/* The rows that the query yields for the differences: only their keys count. */
static Status key_rows(MvEngine *engine, const MvDecision *decision, const uint8_t *chosen, const MvTerm *terms, uint32_t count, bool has_deletes,
                       ColumnIds *ids, LogicalNode **out)
{
    MvDecision own;
    *out = NULL;
    for (uint32_t t = 0; t < count; t++) {
        for (uint32_t gone = 0; gone <= has_deletes; gone++) {
            TRY(mv_bind_again(decision, *ids, &own));
            TRY(mv_difference_query(engine, &own, chosen, &terms[t], gone == 1));
            LogicalNode *rows = own.bound.query->root;
            *out = *out == NULL ? rows : mv_add_up(&own.bound, *out, rows);
            *ids = own.bound.analyze.ids;
        }
    }
    return OK;
}

static Expr *column_of(const MvBoundView *view, const LogicalColumn *column)
{
    return expr_column(view->arena, column->id, column->type, column->is_nullable, column->name);
}

/* lefts: the keys on the left side. */
static Status join_keys(const MvBoundView *view, const MvDelta *delta, JoinKind kind, LogicalNode *left, Expr *const *lefts, LogicalNode *keys,
                        LogicalNode **out)
{
    LogicalNode *join = mv_node_over(view, LOGICAL_JOIN, left);
    join->children[1] = keys;
    join->child_count = 2;
    join->join.kind = (uint8_t)kind;
    join->join.conjuncts = ARENA_NEW_ARRAY(view->arena, Expr *, delta->key_count);
    join->join.count = delta->key_count;
    for (uint32_t k = 0; k < delta->key_count; k++) {
        Expr **sides = ARENA_NEW_ARRAY(view->arena, Expr *, 2);
        sides[0] = expr_clone(view->arena, lefts[k]);
        sides[1] = column_of(view, &keys->columns[delta->keys[k]]);
        TRY(expr_call_by_name(view->arena, view->session, "eq_for_null", sides, 2, view->diag, &join->join.conjuncts[k]));
    }
    *out = join;
    return OK;
}

static void find_scan(void *context, LogicalNode *scan)
{
    *(LogicalNode **)context = scan;
}

/* The rows of the cells that have none of the keys. */
static Status kept_rows(const MvDecision *decision, const uint8_t *chosen, LogicalNode *keys, ColumnIds *ids, LogicalNode **out)
{
    const TableSchema *schema = decision->table->schema;
    const MvDelta *delta = &decision->delta;
    MvBoundView view = {.arena = decision->bound.arena, .diag = decision->bound.diag, .session = decision->bound.session};
    AUTO_BYTEBUF text = {0};
    LogicalNode *scan = NULL;
    uint64_t *partitions = ARENA_NEW_ARRAY(view.arena, uint64_t, decision->cells.count + 1);
    Expr **lefts = ARENA_NEW_ARRAY(view.arena, Expr *, delta->key_count + 1);
    bytebuf_append_text(&text, "SELECT ");
    for (uint32_t c = 0; c < schema->column_count; c++) {
        bytebuf_append_text(&text, c > 0 ? ", " : "");
        sql_print_quoted_identifier(schema->columns[c].name, &text);
    }
    bytebuf_append_text(&text, " FROM ");
    sql_print_quoted_identifier(decision->table->name, &text);
    TRY(mv_bind_more(decision->snapshot, strview(arena_strndup(view.arena, text.data, text.length)), decision->database->name, *ids, &view));
    mv_each_scan(view.query->root, find_scan, &scan);
    for (uint32_t c = 0; c < decision->cells.count; c++) {
        if (chosen[c] != 0)
            partitions[scan->scan.partition_id_count++] = decision->cells.items[c].existing->id;
    }
    scan->scan.partition_ids = partitions;
    for (uint32_t k = 0; k < delta->key_count; k++)
        lefts[k] = column_of(&view, &view.query->root->columns[delta->keys[k]]);
    *ids = view.analyze.ids;
    return join_keys(&view, delta, JOIN_LEFT_ANTI, view.query->root, lefts, keys, out);
}

Status mv_groups_query(MvEngine *engine, const MvDecision *decision, const uint8_t *chosen, const MvTerm *terms, uint32_t count, bool has_deletes,
                       MvDecision *out)
{
    ColumnIds ids = {1};
    LogicalNode *keys, *kept, *other_keys;
    TRY(key_rows(engine, decision, chosen, terms, count, has_deletes, &ids, &keys));
    TRY(kept_rows(decision, chosen, keys, &ids, &kept));
    TRY(key_rows(engine, decision, chosen, terms, count, has_deletes, &ids, &other_keys));
    TRY(mv_bind_again(decision, ids, out));
    LogicalNode *aggregate = mv_top_aggregate(out->bound.query->root);
    TRY(join_keys(&out->bound, &decision->delta, JOIN_LEFT_SEMI, aggregate->children[0], aggregate->aggregate.groups, other_keys,
                  &aggregate->children[0]));
    TRY(mv_query_cells(out, chosen));
    out->bound.query->root = mv_add_up(&out->bound, kept, out->bound.query->root);
    return mv_project_columns(out, true);
}
