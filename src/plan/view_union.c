#include "plan/view_int.h"

/* Grouped views that lack some of the rows that a query wants: those come from the tables in the same statement, grouped as the view is.
 *
 *     (view WHERE kept) UNION ALL (the view's query over the rows that satisfy the query's conditions and one of `missing`)
 *
 * Of a condition that cuts a unit of time of the view in two, the whole units are kept: their groups are the view's alone. Where the view has a
 * condition that the query does not have, rows for which it is not TRUE are missing, and groups may be in both. */

/* ---- units that are cut ---- */

/* The unit behind the one that begins there. */
static Expr *next_unit(ViewMatch *match, const Expr *unit, Expr *begin)
{
    static const struct {
        const char *unit, *function;
        int64_t count;
    } steps[] = {{"second", "seconds_add", 1}, {"minute", "minutes_add", 1}, {"hour", "hours_add", 1},     {"day", "days_add", 1},
                 {"week", "days_add", 7},      {"month", "months_add", 1},   {"quarter", "months_add", 3}, {"year", "years_add", 1}};
    Arena *arena = match->context->arena;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (strview_equal_ci(str_view(&unit->constant.value.str), strview(steps[i].unit)))
            return time_call(match, steps[i].function, begin, expr_constant(arena, type_of(TYPE_INT), datum_i64(steps[i].count)));
    }
    return NULL;
}

static Expr *folded(ViewMatch *match, Expr *expr, Type type)
{
    PlanContext *context = match->context;
    Diag ignored = {0};
    Expr *result;
    bool is_folded = expr != NULL && expr_cast(context->arena, expr, type, true, &ignored, &expr) == OK &&
                     expr_fold(context->arena, context->session, expr, &ignored, &result) == OK && result->kind == EXPR_CONSTANT &&
                     !result->constant.value.is_null;
    return is_folded ? result : NULL;
}

/* Not where all that the query wants is missing, nor for what was taken from the tables for that. */
static bool add_missing(ViewMatch *match, Expr *missing)
{
    PlanContext *context = match->context;
    const PlanViews *views = context->views;
    if (views == NULL || !views->allows_union)
        return false;
    for (uint32_t i = 0; i < views->completed_before; i++) {
        if (views->completed[i] == match->view->table->id)
            return false;
    }
    if (missing == NULL || conjuncts_imply(context, &match->query_conjuncts, canonical(context, &match->query_classes, missing)))
        return false;
    ARRAY_PUSH(context->arena, &match->missing, missing);
    return true;
}

bool union_cuts_unit(ViewMatch *match, const Expr *wanted)
{
    PlanContext *context = match->context;
    const char *name = wanted->kind == EXPR_CALL && wanted->argument_count == 2 ? wanted->call.binding->def->name : "";
    bool is_lower = strcmp(name, "gt") == 0 || strcmp(name, "ge") == 0, is_upper = strcmp(name, "lt") == 0 || strcmp(name, "le") == 0;
    if (!match->shape->is_grouped || (!is_lower && !is_upper))
        return false;
    Expr *time = wanted->arguments[0], *constant = wanted->arguments[1];
    if (constant->kind != EXPR_CONSTANT || constant->constant.value.is_null || !type_is_date(constant->type))
        return false;
    for (uint32_t i = 0; i < match->shape->output_count; i++) {
        const Expr *have = match->view_outputs[i];
        if (have == NULL || !is_truncation(have) || !same_time(have->arguments[1], time))
            continue;
        Expr *begin = folded(match, time_call(match, "date_trunc", have->arguments[0], constant), constant->type);
        Expr *end = begin == NULL ? NULL : folded(match, next_unit(match, have->arguments[0], begin), constant->type);
        Expr *kept = end == NULL ? NULL : time_call(match, is_lower ? "gt" : "lt", view_column(match, i), begin);
        if (kept == NULL ||
            !add_missing(match, time_call(match, is_lower ? "lt" : "ge", expr_clone(context->arena, time), is_lower ? end : begin)))
            continue;
        ARRAY_PUSH(context->arena, &match->kept, kept);
        return true;
    }
    return false;
}

/* ---- conditions that the query does not have ---- */

bool union_lacks_condition(ViewMatch *match, Expr *condition)
{
    PlanContext *context = match->context;
    Diag ignored = {0};
    Expr *is_null, *is_false, *copy = expr_clone(context->arena, condition), *other = expr_clone(context->arena, condition);
    if (!match->shape->is_grouped || match->shape->group_count == 0 ||
        expr_call_by_name(context->arena, context->session, "is_null", &copy, 1, &ignored, &is_null) != OK ||
        expr_call_by_name(context->arena, context->session, "not", &other, 1, &ignored, &is_false) != OK)
        return false;
    Expr *terms[] = {is_false, is_null};
    match->splits_groups = true;
    return add_missing(match, condition->is_nullable ? expr_or(context->arena, terms, 2) : is_false);
}

/* ---- the rows from the tables ---- */

typedef struct Copies {
    ARRAY_OF(ColumnId) from;
    ARRAY_OF(ColumnId) to;
} Copies;

static Expr *copied(const ViewMatch *match, const Copies *copies, const Expr *expr)
{
    IdMap map = {copies->from.items, copies->to.items, copies->from.count};
    Expr *copy = expr_clone(match->context->arena, expr);
    expr_map(&map, copy);
    return copy;
}

static LogicalNode *copy_leaves(const ViewMatch *match, Copies *copies)
{
    PlanContext *context = match->context;
    LogicalNode *rows = NULL;
    for (uint32_t i = 0; i < match->shape->block.leaves.count; i++) {
        IdMap map;
        LogicalNode *leaf = tree_clone(context, match->query->leaves.items[match->leaf_of[i]], &map);
        for (uint32_t c = 0; c < map.count; c++) {
            ARRAY_PUSH(context->arena, &copies->from, map.from[c]);
            ARRAY_PUSH(context->arena, &copies->to, map.to[c]);
        }
        LogicalNode *join = rows == NULL ? NULL : make_node(context, LOGICAL_JOIN, rows, leaf);
        if (join != NULL) {
            join->join.kind = JOIN_CROSS;
            join_output(context, join);
        }
        rows = join == NULL ? leaf : join;
    }
    return rows;
}

/* Conditions of tables that stay are left to what is above. */
static LogicalNode *missing_rows(const ViewMatch *match, Copies *copies)
{
    PlanContext *context = match->context;
    LogicalNode *rows = copy_leaves(match, copies);
    ConjunctList conjuncts = {0};
    IdSet staying = idset_new(context);
    for (uint32_t j = 0; j < match->query->leaves.count; j++) {
        if (!match->is_replaced[j])
            idset_add_columns(context, &staying, match->query->leaves.items[j]);
    }
    for (uint32_t i = 0; i < match->query->conjuncts.count; i++) {
        if (idset_touches(&staying, match->query->conjuncts.items[i]))
            continue;
        Expr *copy = copied(match, copies, match->query->conjuncts.items[i]);
        ARRAY_PUSH(context->arena, &conjuncts, copy);
    }
    Expr **terms = ARENA_NEW_ARRAY(context->arena, Expr *, match->missing.count + 1);
    for (uint32_t i = 0; i < match->missing.count; i++)
        terms[i] = copied(match, copies, match->missing.items[i]);
    Expr *any = expr_or(context->arena, terms, match->missing.count);
    ARRAY_PUSH(context->arena, &conjuncts, any);
    return make_filter(context, rows, &conjuncts);
}

static Status copy_call(const ViewMatch *match, const Copies *copies, const AggCall *from, AggCall *out)
{
    PlanContext *context = match->context;
    *out = *from;
    out->id = column_ids_next(context->ids);
    out->arguments = ARENA_NEW_ARRAY(context->arena, Expr *, from->argument_count + 1);
    for (uint32_t a = 0; a < from->argument_count; a++)
        out->arguments[a] = copied(match, copies, idpairs_clone(context, &match->pairs, from->arguments[a]));
    if (from->filter != NULL)
        out->filter = copied(match, copies, idpairs_clone(context, &match->pairs, from->filter));
    if (from->argument_count > 0 || strcmp(from->binding->def->name, "count") != 0)
        return OK;
    FuncBinding *binding = ARENA_NEW(context->arena, FuncBinding);
    FuncBindRequest request = {.name = STR_VIEW("count"), .session = context->session, .arena = context->arena, .diag = context->diag};
    TRY(func_resolve(&request, binding));
    out->binding = binding;
    return OK;
}

static Status group_rows(const ViewMatch *match, const Copies *copies, LogicalNode *rows, LogicalNode **out)
{
    PlanContext *context = match->context;
    const ViewShape *shape = match->shape;
    LogicalNode *node = *out = make_node(context, LOGICAL_AGGREGATE, rows, NULL);
    node->aggregate.group_count = shape->group_count;
    node->aggregate.call_count = shape->call_count;
    node->aggregate.groups = ARENA_NEW_ARRAY(context->arena, Expr *, shape->group_count + 1);
    node->aggregate.group_ids = ARENA_NEW_ARRAY(context->arena, ColumnId, shape->group_count + 1);
    node->aggregate.calls = ARENA_NEW_ARRAY(context->arena, AggCall, shape->call_count + 1);
    node->column_count = shape->group_count + shape->call_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count + 1);
    for (uint32_t g = 0; g < shape->group_count; g++) {
        Expr *group = node->aggregate.groups[g] = copied(match, copies, idpairs_clone(context, &match->pairs, shape->groups[g]));
        node->aggregate.group_ids[g] = column_ids_next(context->ids);
        node->columns[g] = (LogicalColumn){.id = node->aggregate.group_ids[g], .type = group->type, .is_nullable = group->is_nullable};
    }
    for (uint32_t c = 0; c < shape->call_count; c++) {
        AggCall *call = &node->aggregate.calls[c];
        TRY(copy_call(match, copies, &shape->calls[c], call));
        node->columns[shape->group_count + c] =
            (LogicalColumn){.id = call->id, .type = call->binding->result, .is_nullable = (call->binding->flags & FUNC_NEVER_NULL) == 0};
    }
    return OK;
}

/* What the view's outputs are of them; those that are neither groups nor calls are not used. */
static Status project_outputs(const ViewMatch *match, LogicalNode *grouped, LogicalNode **out)
{
    PlanContext *context = match->context;
    const ViewShape *shape = match->shape;
    LogicalNode *project = *out = make_node(context, LOGICAL_PROJECT, grouped, NULL);
    copy_columns(context, project, match->scan);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, project->column_count + 1);
    for (uint32_t i = 0; i < project->column_count; i++) {
        const ViewOutput *output = &shape->outputs[i];
        uint32_t at = output->kind == VIEW_OUTPUT_GROUP ? output->at : shape->group_count + output->at;
        bool is_there = output->kind == VIEW_OUTPUT_GROUP || output->kind == VIEW_OUTPUT_CALL;
        Expr *expr =
            is_there ? column_expr(context, &grouped->columns[at]) : expr_constant(context->arena, type_of(TYPE_NULL), datum_null());
        TRY(expr_cast(context->arena, expr, project->columns[i].type, true, context->diag, &project->project.exprs[i]));
        project->columns[i].id = column_ids_next(context->ids);
        project->columns[i].is_nullable = !is_there || grouped->columns[at].is_nullable;
    }
    return OK;
}

/* ---- both ---- */

/* The scan again, with columns of its own. */
static LogicalNode *kept_rows(ViewMatch *match)
{
    PlanContext *context = match->context;
    const LogicalNode *scan = match->scan;
    uint32_t count = scan->column_count;
    LogicalNode *rows = match->rows = make_node(context, LOGICAL_SCAN, NULL, NULL);
    ColumnId *from = ARENA_NEW_ARRAY(context->arena, ColumnId, count + 1), *to = ARENA_NEW_ARRAY(context->arena, ColumnId, count + 1);
    *rows = *scan;
    copy_columns(context, rows, scan);
    rows->scan.first_id = context->ids->next;
    context->ids->next += scan->scan.table->schema->column_count;
    for (uint32_t i = 0; i < count; i++) {
        from[i] = scan->columns[i].id;
        to[i] = rows->columns[i].id = from[i] - scan->scan.first_id + rows->scan.first_id;
    }
    IdMap map = {from, to, count};
    for (uint32_t i = 0; i < match->kept.count; i++)
        expr_map(&map, match->kept.items[i]);
    return make_filter(context, rows, &match->kept);
}

Status union_complete(ViewMatch *match)
{
    PlanContext *context = match->context;
    LogicalNode *grouped, *others;
    Copies copies = {0};
    LogicalNode *missing = missing_rows(match, &copies), *kept = kept_rows(match);
    TRY(group_rows(match, &copies, missing, &grouped));
    TRY(project_outputs(match, grouped, &others));
    LogicalNode *set = make_node(context, LOGICAL_SET, kept, others);
    set->set.kind = SET_UNION_ALL;
    copy_columns(context, set, match->scan);
    set->set.inputs = ARENA_NEW_ARRAY(context->arena, ColumnId *, 2);
    for (uint32_t child = 0; child < 2; child++)
        set->set.inputs[child] = ARENA_NEW_ARRAY(context->arena, ColumnId, set->column_count + 1);
    for (uint32_t i = 0; i < set->column_count; i++) {
        set->set.inputs[0][i] = match->rows->columns[i].id;
        set->set.inputs[1][i] = others->columns[i].id;
        set->columns[i].is_nullable |= others->columns[i].is_nullable;
    }
    *match->scan = *set;
    return OK;
}
