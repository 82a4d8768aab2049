#include "plan/view_int.h"

/* Groups and aggregates of a query from those of a view: as they are when the groups are the same, else added up. Where the query joins more
 * tables, each row of the view meets as many of their rows as all the rows that it stands for would: what it has of those is added up all
 * the same. */

typedef struct RollUp {
    ViewMatch *match;
    const LogicalNode *node;
    Expr **groups;           /* over the view's columns */
    Expr **results;          /* by call: over `calls`, or over the view's columns when nothing is added up */
    ARRAY_OF(AggCall) calls; /* over the view's columns */
    Expr *filter;            /* of calls that are added; NULL: none */
    bool is_direct;
} RollUp;

static bool is_named(const AggCall *call, const char *name)
{
    return strcmp(call->binding->def->name, name) == 0;
}

static bool ignores_distinct(const AggCall *call)
{
    return (call->binding->flags & FUNC_IGNORES_DISTINCT) != 0;
}

static Expr *mapped_canonical(const ViewMatch *match, const Expr *expr)
{
    return canonical(match->context, &match->query_classes, idpairs_clone(match->context, &match->pairs, expr));
}

static bool same_value(const ViewMatch *match, const Expr *view, const Expr *query)
{
    if (view == NULL || query == NULL)
        return view == query;
    return expr_equal(mapped_canonical(match, view), canonical(match->context, &match->query_classes, query));
}

static bool same_arguments(const ViewMatch *match, const AggCall *view, const AggCall *query)
{
    bool same = view->argument_count == query->argument_count;
    for (uint32_t i = 0; same && i < view->argument_count; i++)
        same = same_value(match, view->arguments[i], query->arguments[i]);
    return same;
}

static bool is_rewritable(const AggCall *call)
{
    return call->order_count == 0 && (call->binding->flags & (FUNC_ORDER_SENSITIVE | FUNC_VOLATILE)) == 0;
}

/* The output that holds the view's value of a call named so over the same arguments; UINT32_MAX: none. */
static uint32_t find_call(const ViewMatch *match, const AggCall *query, const char *name, bool is_distinct)
{
    const ViewShape *shape = match->shape;
    for (uint32_t i = 0; i < shape->output_count; i++) {
        if (shape->outputs[i].kind != VIEW_OUTPUT_CALL)
            continue;
        const AggCall *view = &shape->calls[shape->outputs[i].at];
        bool same_distinct = view->is_distinct == is_distinct || ignores_distinct(view);
        if (is_named(view, name) && is_rewritable(view) && same_distinct && same_value(match, view->filter, query->filter) &&
            same_arguments(match, view, query))
            return i;
    }
    return UINT32_MAX;
}

/* ---- the same groups ---- */

static bool has_equal_group(const ViewMatch *match, const Expr *view_group, Expr *const *groups, uint32_t count)
{
    Expr *wanted = mapped_canonical(match, view_group);
    if (constant_of(&match->query_conjuncts, wanted) != NULL)
        return true;
    for (uint32_t i = 0; i < count; i++) {
        if (expr_equal(wanted, canonical(match->context, &match->query_classes, groups[i])))
            return true;
    }
    return false;
}

/* Each group of the query is one row of the view. */
static bool has_same_groups(const ViewMatch *match, const LogicalNode *node, Expr *const *groups)
{
    bool same = node->aggregate.sets == NULL && (node->aggregate.group_count > 0) == (match->shape->group_count > 0);
    for (uint32_t i = 0; same && i < match->shape->group_count; i++)
        same = has_equal_group(match, match->shape->groups[i], groups, node->aggregate.group_count);
    return same;
}

static Expr *direct_result(ViewMatch *match, const AggCall *call)
{
    uint32_t output =
        is_rewritable(call) ? find_call(match, call, call->binding->def->name, call->is_distinct && !ignores_distinct(call)) : UINT32_MAX;
    return output == UINT32_MAX ? NULL : view_column(match, output);
}

/* ---- adding up ---- */

/* A call over the view's columns; its result as an expression. NULL: there is no such function. */
static Expr *add_call(RollUp *roll, const char *name, Expr *const *arguments, uint32_t count, bool is_distinct)
{
    PlanContext *context = roll->match->context;
    Type *types = ARENA_NEW_ARRAY(context->arena, Type, count + 1);
    const Datum **constants = ARENA_NEW_ARRAY(context->arena, const Datum *, count + 1);
    Diag ignored = {0};
    for (uint32_t i = 0; i < count; i++) {
        types[i] = arguments[i]->type;
        constants[i] = arguments[i]->kind == EXPR_CONSTANT ? &arguments[i]->constant.value : NULL;
    }
    FuncBinding *binding = ARENA_NEW(context->arena, FuncBinding);
    FuncBindRequest request = {.name = strview(name),
                               .types = types,
                               .constants = constants,
                               .count = count,
                               .is_distinct = is_distinct,
                               .session = context->session,
                               .arena = context->arena,
                               .diag = &ignored};
    if (func_resolve(&request, binding) != OK)
        return NULL;
    AggCall call = {.id = column_ids_next(context->ids), .binding = binding, .argument_count = count, .is_distinct = is_distinct};
    call.filter = roll->filter == NULL ? NULL : expr_clone(context->arena, roll->filter);
    call.arguments = ARENA_NEW_ARRAY(context->arena, Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (expr_cast(context->arena, arguments[i], binding->argument_types[i], true, &ignored, &call.arguments[i]) != OK)
            return NULL;
    }
    ARRAY_PUSH(context->arena, &roll->calls, call);
    bool is_nullable = (binding->flags & FUNC_NEVER_NULL) == 0;
    return expr_column(context->arena, call.id, binding->result, is_nullable, strview(name));
}

static Expr *add_over_column(RollUp *roll, const char *name, uint32_t output)
{
    Expr *column = output == UINT32_MAX ? NULL : view_column(roll->match, output);
    return column == NULL ? NULL : add_call(roll, name, &column, 1, false);
}

/* CASE WHEN value IS NOT NULL THEN value ELSE 0 END: counts of no rows at all. */
static Expr *or_zero(PlanContext *context, Expr *value)
{
    Diag ignored = {0};
    Expr *test, *result = ARENA_NEW(context->arena, Expr);
    if (value == NULL || expr_call_by_name(context->arena, context->session, "is_not_null", &value, 1, &ignored, &test) != OK)
        return NULL;
    *result = (Expr){.kind = EXPR_CASE, .type = value->type, .argument_count = 3};
    result->arguments = ARENA_NEW_ARRAY(context->arena, Expr *, 3);
    result->arguments[0] = test;
    result->arguments[1] = value;
    Expr *zero = expr_constant(context->arena, type_of(TYPE_BIGINT), datum_i64(0));
    return expr_cast(context->arena, zero, value->type, true, &ignored, &result->arguments[2]) == OK ? result : NULL;
}

/* A sum of counts. */
static Expr *as_count(const RollUp *roll, Expr *sum)
{
    bool may_be_empty = roll->node->aggregate.sets != NULL || roll->node->aggregate.group_count == 0 || roll->filter != NULL;
    return may_be_empty ? or_zero(roll->match->context, sum) : sum;
}

static Expr *roll_count(RollUp *roll, const AggCall *call)
{
    return as_count(roll, add_over_column(roll, "sum", find_call(roll->match, call, "count", false)));
}

/* ---- CASE over groups ---- */

static bool is_zero(const Expr *constant)
{
    AUTO_BYTEBUF text = {0};
    datum_print(constant->type, &constant->constant.value, &text);
    bool is_zero = text.length > 0;
    for (size_t i = 0; i < text.length; i++)
        is_zero &= text.data[i] == '0' || text.data[i] == '.';
    return is_zero;
}

/* What a value of sum(CASE WHEN g THEN value ..) or count(..) is for all rows of a group. NULL: the view does not have it. */
static Expr *case_value(RollUp *roll, const AggCall *call, bool is_count, const Expr *value)
{
    PlanContext *context = roll->match->context;
    Diag ignored = {0};
    AggCall over = *call;
    Expr *folded, *argument = expr_clone(context->arena, value);
    if (expr_fold(context->arena, context->session, argument, &ignored, &folded) == OK)
        argument = folded;
    over.arguments = &argument;
    if (argument->kind == EXPR_CONSTANT) {
        const Datum *constant = &argument->constant.value;
        if (constant->is_null && is_count)
            return expr_constant(context->arena, type_of(TYPE_BIGINT), datum_i64(0));
        if (constant->is_null || (!is_count && is_zero(argument)))
            return argument;
        if (!is_count && (!type_is_integer(argument->type) || constant->i64 != 1))
            return NULL;
        over.argument_count = 0;
    } else if (is_count && !argument->is_nullable) {
        over.argument_count = 0;
    }
    uint32_t output = find_call(roll->match, &over, is_count || over.argument_count == 0 ? "count" : "sum", false);
    return output == UINT32_MAX ? NULL : view_column(roll->match, output);
}

/* CASE of the values that the view has of each group. */
static Expr *case_of_groups(RollUp *roll, const AggCall *call, bool is_count, const Expr *from)
{
    PlanContext *context = roll->match->context;
    Diag ignored = {0};
    Expr *to = ARENA_NEW(context->arena, Expr), none = {.kind = EXPR_CONSTANT, .type = type_of(TYPE_NULL), .constant.value = datum_null()};
    uint32_t count = from->argument_count / 2 * 2 + 1;
    *to = (Expr){.kind = EXPR_CASE, .type = call->binding->result, .is_nullable = true, .argument_count = count};
    to->arguments = ARENA_NEW_ARRAY(context->arena, Expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        bool is_condition = i % 2 == 0 && i + 1 < count;
        const Expr *part = i < from->argument_count ? from->arguments[i] : &none;
        Expr *made = is_condition ? match_expr(roll->match, part, true) : case_value(roll, call, is_count, part);
        if (made == NULL || (!is_condition && expr_cast(context->arena, made, to->type, true, &ignored, &made) != OK))
            return NULL;
        to->arguments[i] = made;
    }
    return to;
}

/* sum and count of CASE .., count_if, whose conditions are the same for all rows of a group. */
static Expr *roll_case(RollUp *roll, const AggCall *call)
{
    PlanContext *context = roll->match->context;
    bool is_count_if = is_named(call, "count_if"), is_count = is_count_if || is_named(call, "count");
    if (call->argument_count != 1 || call->is_distinct || (!is_count && !is_named(call, "sum")))
        return NULL;
    Expr *from = call->arguments[0], test = {.kind = EXPR_CASE, .argument_count = 2};
    Expr *parts[] = {from, expr_constant(context->arena, type_of(TYPE_BIGINT), datum_i64(1))};
    test.arguments = parts;
    if (is_count_if)
        from = &test;
    if (from->kind != EXPR_CASE)
        return NULL;
    Expr *value = case_of_groups(roll, call, is_count, from);
    Expr *sum = value == NULL ? NULL : add_call(roll, "sum", &value, 1, false);
    return is_count ? as_count(roll, sum) : sum;
}

/* sum / count, both added up. */
static Expr *roll_average(RollUp *roll, const AggCall *call)
{
    PlanContext *context = roll->match->context;
    AggCall counted = *call;
    Diag ignored = {0};
    Expr *sides[2], *result;
    if (!call->arguments[0]->is_nullable)
        counted.argument_count = 0;
    sides[0] = add_over_column(roll, "sum", find_call(roll->match, call, "sum", false));
    sides[1] = sides[0] == NULL ? NULL : add_over_column(roll, "sum", find_call(roll->match, &counted, "count", false));
    if (sides[1] == NULL)
        return NULL;
    return expr_call_by_name(context->arena, context->session, "divide", sides, 2, &ignored, &result) == OK ? result : NULL;
}

/* Estimates of the number of texts, which hll_hash() hashes as they do. */
static Expr *roll_estimate(RollUp *roll, const AggCall *call)
{
    PlanContext *context = roll->match->context;
    Diag ignored = {0};
    AggCall over = *call;
    Expr *hashed, *argument;
    if ((!is_named(call, "ndv") && !is_named(call, "approx_count_distinct")) || call->argument_count != 1 ||
        !type_is_string(call->arguments[0]->type))
        return NULL;
    argument = expr_clone(context->arena, call->arguments[0]);
    if (expr_call_by_name(context->arena, context->session, "hll_hash", &argument, 1, &ignored, &hashed) != OK)
        return NULL;
    over.arguments = &hashed;
    return add_over_column(roll, "hll_union_agg", find_call(roll->match, &over, "hll_union", false));
}

/* Sets of values that a view keeps as bitmaps or sketches. */
static Expr *roll_sketch(RollUp *roll, const AggCall *call)
{
    static const char *const forms[][3] = {/* of the query, of the view, over the view's column */
                                           {"bitmap_union", "bitmap_union", "bitmap_union"},
                                           {"bitmap_union_count", "bitmap_union", "bitmap_union_count"},
                                           {"bitmap_agg", "bitmap_agg", "bitmap_union"},
                                           {"hll_union", "hll_union", "hll_union"},
                                           {"hll_raw_agg", "hll_union", "hll_union"},
                                           {"hll_union_agg", "hll_union", "hll_union_agg"},
                                           {"percentile_union", "percentile_union", "percentile_union"}};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        Expr *result =
            is_named(call, forms[i][0]) ? add_over_column(roll, forms[i][2], find_call(roll->match, call, forms[i][1], false)) : NULL;
        if (result != NULL)
            return result;
    }
    return roll_estimate(roll, call);
}

/* Calls for which it does not matter how often a value occurs, over values that the view has as groups. */
static Expr *roll_over_groups(RollUp *roll, const AggCall *call)
{
    PlanContext *context = roll->match->context;
    bool fits = (call->is_distinct || ignores_distinct(call)) && call->argument_count > 0;
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, call->argument_count + 1);
    for (uint32_t i = 0; fits && i < call->argument_count; i++) {
        arguments[i] = match_expr(roll->match, call->arguments[i], true);
        fits = arguments[i] != NULL;
    }
    return fits ? add_call(roll, call->binding->def->name, arguments, call->argument_count, call->is_distinct) : NULL;
}

static Expr *roll_bare(RollUp *roll, const AggCall *call)
{
    static const char *const idempotent[] = {"min", "max", "any_value"};
    const char *name = call->binding->def->name;
    if (!is_rewritable(call) || (call->filter != NULL && call->is_distinct))
        return NULL;
    Expr *over_groups = call->filter == NULL ? roll_over_groups(roll, call) : NULL;
    if (over_groups != NULL)
        return over_groups;
    for (size_t i = 0; i < COUNT_OF(idempotent); i++) {
        if (strcmp(name, idempotent[i]) == 0)
            return add_over_column(roll, name, find_call(roll->match, call, name, false));
    }
    if (call->is_distinct && !ignores_distinct(call))
        return NULL;
    Expr *whole = strcmp(name, "sum") == 0     ? add_over_column(roll, "sum", find_call(roll->match, call, "sum", false))
                  : strcmp(name, "count") == 0 ? roll_count(roll, call)
                                               : NULL;
    if (whole == NULL && call->filter == NULL)
        whole = roll_case(roll, call);
    if (whole != NULL)
        return whole;
    if (strcmp(name, "avg") == 0)
        return roll_average(roll, call);
    return roll_sketch(roll, call);
}

/* FILTER is of the view's call, too, or keeps whole groups. */
static Expr *roll_call(RollUp *roll, const AggCall *call)
{
    Expr *result = roll_bare(roll, call);
    if (result != NULL || call->filter == NULL)
        return result;
    AggCall bare = *call;
    bare.filter = NULL;
    roll->filter = match_expr(roll->match, call->filter, true);
    if (roll->filter != NULL)
        result = roll_bare(roll, &bare);
    roll->filter = NULL;
    return result;
}

/* ---- putting it together ---- */

static const char *call_reason(const ViewMatch *match, const AggCall *call, const char *what)
{
    AUTO_BYTEBUF text = {0};
    bytebuf_printf(&text, "%s%s(%s", what, call->binding->def->name, call->is_distinct ? "DISTINCT " : "");
    for (uint32_t i = 0; i < call->argument_count; i++) {
        bytebuf_append_text(&text, i > 0 ? ", " : "");
        expr_print(call->arguments[i], &text);
    }
    bytebuf_append_text(&text, call->argument_count == 0 ? "*)" : ")");
    return arena_strndup(match->context->arena, text.data, text.length);
}

static bool fill_groups(RollUp *roll, Expr *const *groups)
{
    uint32_t count = roll->node->aggregate.group_count;
    roll->groups = ARENA_NEW_ARRAY(roll->match->context->arena, Expr *, count + 1);
    for (uint32_t g = 0; g < count; g++) {
        roll->groups[g] = match_expr(roll->match, groups[g], true);
        if (roll->groups[g] != NULL)
            continue;
        AUTO_BYTEBUF text = {0};
        bytebuf_append_text(&text, "the view has no column for the group ");
        expr_print(groups[g], &text);
        roll->match->reason = arena_strndup(roll->match->context->arena, text.data, text.length);
        return false;
    }
    return true;
}

static bool fill_results(RollUp *roll, const AggCall *calls)
{
    uint32_t count = roll->node->aggregate.call_count;
    for (uint32_t c = 0; c < count; c++) {
        Diag ignored = {0};
        Expr *result = roll->is_direct ? direct_result(roll->match, &calls[c]) : roll_call(roll, &calls[c]);
        Type wanted = calls[c].binding->result;
        if (result == NULL || expr_cast(roll->match->context->arena, result, wanted, true, &ignored, &roll->results[c]) != OK) {
            roll->match->reason =
                call_reason(roll->match, &calls[c], roll->is_direct ? "the view lacks " : "the view has nothing to add up for ");
            return false;
        }
    }
    return true;
}

/* Which group of the node a column is; -1: none. */
static int group_position(const LogicalNode *node, ColumnId id)
{
    for (uint32_t g = 0; g < node->aggregate.group_count; g++) {
        if (node->aggregate.group_ids[g] == id)
            return (int)g;
    }
    return -1;
}

static int call_position(const LogicalNode *node, ColumnId id)
{
    for (uint32_t c = 0; c < node->aggregate.call_count; c++) {
        if (node->aggregate.calls[c].id == id)
            return (int)c;
    }
    return -1;
}

/* The grouping of the view's rows: the query's groups, the new calls, the query's results of GROUPING(). */
static LogicalNode *make_grouping(const RollUp *roll, LogicalNode *child)
{
    PlanContext *context = roll->match->context;
    LogicalNode *node = make_node(context, LOGICAL_AGGREGATE, child, NULL);
    uint32_t at = 0;
    node->aggregate = roll->node->aggregate;
    node->aggregate.groups = roll->groups;
    node->aggregate.calls = roll->calls.items;
    node->aggregate.call_count = roll->calls.count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, roll->node->column_count + roll->calls.count + 1);
    for (uint32_t i = 0; i < roll->node->column_count; i++) {
        if (group_position(roll->node, roll->node->columns[i].id) >= 0)
            node->columns[at++] = roll->node->columns[i];
    }
    for (uint32_t i = 0; i < roll->calls.count; i++) {
        const AggCall *call = &roll->calls.items[i];
        node->columns[at++] = (LogicalColumn){.id = call->id,
                                              .type = call->binding->result,
                                              .is_nullable = (call->binding->flags & FUNC_NEVER_NULL) == 0,
                                              .name = strview(call->binding->def->name)};
    }
    for (uint32_t i = 0; i < roll->node->column_count; i++) {
        ColumnId id = roll->node->columns[i].id;
        if (group_position(roll->node, id) < 0 && call_position(roll->node, id) < 0)
            node->columns[at++] = roll->node->columns[i];
    }
    node->column_count = at;
    return node;
}

/* The columns of the query's grouping node. */
static LogicalNode *make_project(const RollUp *roll, LogicalNode *child)
{
    PlanContext *context = roll->match->context;
    const LogicalNode *old = roll->node;
    LogicalNode *node = make_node(context, LOGICAL_PROJECT, child, NULL);
    copy_columns(context, node, old);
    node->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, old->column_count + 1);
    for (uint32_t i = 0; i < old->column_count; i++) {
        int group = group_position(old, old->columns[i].id), call = call_position(old, old->columns[i].id);
        node->project.exprs[i] = call >= 0                       ? roll->results[call]
                                 : group >= 0 && roll->is_direct ? roll->groups[group]
                                                                 : column_expr(context, &old->columns[i]);
    }
    return node;
}

Status match_aggregate(ViewMatch *match, const LogicalNode *node, const AggCall *calls, Expr *const *groups, LogicalNode **out)
{
    PlanContext *context = match->context;
    RollUp roll = {.match = match, .node = node};
    bool view_is_one_row = match->shape->group_count == 0, is_whole = match->shape->block.leaves.count == match->query->leaves.count;
    *out = NULL;
    if (view_is_one_row && (node->aggregate.group_count > 0 || node->aggregate.sets != NULL || match->compensation.count > 0 || !is_whole ||
                            match->missing.count > 0)) {
        match->reason = "the view has one row for all";
        return OK;
    }
    roll.is_direct = is_whole && !match->splits_groups && has_same_groups(match, node, groups);
    roll.results = ARENA_NEW_ARRAY(context->arena, Expr *, node->aggregate.call_count + 1);
    if (!fill_groups(&roll, groups))
        return OK;
    bool is_filled = fill_results(&roll, calls);
    if (!is_filled && roll.is_direct && !view_is_one_row) {
        roll.is_direct = false;
        is_filled = fill_results(&roll, calls);
    }
    if (!is_filled)
        return OK;
    if (match->missing.count > 0)
        TRY(union_complete(match));
    LogicalNode *rows = make_filter(context, match_join_rest(context, match, match->scan), &match->compensation);
    *out = make_project(&roll, roll.is_direct ? rows : make_grouping(&roll, rows));
    return OK;
}
