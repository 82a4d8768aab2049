#include "analyze/analyze_int.h"
#include "func/agg_state.h"

/* Calls: conditional forms that become CASE, date arithmetic with intervals, aggregates, window
 * functions, grouping(), and plain functions. */

static Status bind_arguments_of(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr ***out)
{
    uint32_t count = ast->arguments.count;
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        TRY(bind_expr(context, scope, ast->arguments.items[i], &arguments[i]));
    *out = arguments;
    return OK;
}

static bool call_is(const AstExpr *ast, const char *name)
{
    return ast->name.count == 1 && strview_equal_ci(ast->name.parts[0], strview(name));
}

static Status is_not_null(AnalyzeContext *context, Expr *value, Expr **out)
{
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, 1);
    arguments[0] = value;
    return bind_function(context, "is_not_null", arguments, 1, out);
}

Status bind_coalesce(AnalyzeContext *context, Expr **values, uint32_t count, Expr **out)
{
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, 2 * count - 1);
    for (uint32_t i = 0; i + 1 < count; i++) {
        TRY(is_not_null(context, values[i], &arguments[2 * i]));
        arguments[2 * i + 1] = values[i];
    }
    arguments[2 * count - 2] = values[count - 1];
    if (count == 1) {
        *out = values[0];
        return OK;
    }
    return bind_case_results(context, arguments, 2 * count - 1, out);
}

/* if, ifnull, nvl, nullif, coalesce */
static Status bind_conditional(AnalyzeContext *context, Scope *scope, const AstExpr *ast, bool *out_done, Expr **out)
{
    bool is_if = call_is(ast, "if") && ast->arguments.count == 3;
    bool is_nullif = call_is(ast, "nullif") && ast->arguments.count == 2;
    bool is_coalesce = (call_is(ast, "coalesce") && ast->arguments.count > 0) ||
                       ((call_is(ast, "ifnull") || call_is(ast, "nvl")) && ast->arguments.count == 2);
    *out_done = is_if || is_nullif || is_coalesce;
    if (!*out_done)
        return OK;
    Expr **values;
    TRY(bind_arguments_of(context, scope, ast, &values));
    if (is_if)
        return bind_case_results(context, values, 3, out);
    if (is_nullif) {
        Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, 3);
        Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        memcpy(sides, values, 2 * sizeof(*sides));
        TRY(bind_function(context, "eq", sides, 2, &arguments[0]));
        arguments[1] = expr_null(context->arena, type_of(TYPE_NULL));
        Type common;
        TRY(bind_in_types(context, values, 2, false, &common));
        TRY(expr_cast(context->arena, values[0], common, true, context->diag, &arguments[2]));
        return bind_case_results(context, arguments, 3, out);
    }
    return bind_coalesce(context, values, ast->arguments.count, out);
}

/* date_add(x, INTERVAL n unit), timestampadd(unit, n, x), timestampdiff(unit, a, b), date_diff */
static Status bind_date_form(AnalyzeContext *context, Scope *scope, const AstExpr *ast, bool *out_done, Expr **out)
{
    uint32_t count = ast->arguments.count;
    const AstExpr *const *items = (const AstExpr *const *)ast->arguments.items;
    bool is_add = call_is(ast, "date_add") || call_is(ast, "adddate") || call_is(ast, "timestamp_add");
    bool is_sub = call_is(ast, "date_sub") || call_is(ast, "subdate");
    *out_done = false;
    if ((is_add || is_sub) && count == 2 && is_interval(items[1])) {
        Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        StrView unit;
        *out_done = true;
        TRY(bind_expr(context, scope, items[0], &arguments[0]));
        TRY(bind_interval_amount(context, scope, items[1], &arguments[1], &unit));
        char *name = arena_printf(context->arena, "%.*ss_%s", SV_ARGS(unit), is_sub ? "sub" : "add");
        return bind_function(context, name, arguments, 2, out);
    }
    bool is_trino_add = is_add && count == 3 && items[0]->kind == AST_STRING && (context->session->flags & FUNC_SESSION_TRINO) != 0;
    if (is_trino_add) { /* date_add('day', n, x) */
        Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        *out_done = true;
        TRY(bind_expr(context, scope, items[2], &arguments[0]));
        TRY(bind_expr(context, scope, items[1], &arguments[1]));
        return bind_function(context, arena_printf(context->arena, "%.*ss_add", SV_ARGS(items[0]->text)), arguments, 2, out);
    }
    bool is_slice = call_is(ast, "time_slice") || call_is(ast, "date_slice");
    if (is_slice && (count == 2 || count == 3) && items[1]->kind == AST_INTERVAL) {
        Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, 4);
        bool is_named = count == 3 && items[2]->kind == AST_NAME && items[2]->name.count == 1;
        *out_done = true;
        TRY(bind_expr(context, scope, items[0], &arguments[0]));
        TRY(bind_expr(context, scope, items[1]->left, &arguments[1]));
        arguments[2] = expr_constant(context->arena, type_varchar(0), datum_str(items[1]->text));
        StrView side = is_named ? items[2]->name.parts[0] : STR_VIEW("floor");
        arguments[3] = expr_constant(context->arena, type_varchar(0), datum_str(side));
        if (count == 3 && !is_named)
            TRY(bind_expr(context, scope, items[2], &arguments[3]));
        return bind_function(context, call_is(ast, "time_slice") ? "time_slice" : "date_slice", arguments, 4, out);
    }
    bool is_stamp_add = call_is(ast, "timestampadd");
    bool is_stamp_diff = call_is(ast, "timestampdiff");
    if ((!is_stamp_add && !is_stamp_diff) || count != 3 || items[0]->kind != AST_NAME)
        return OK;
    *out_done = true;
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
    TRY(bind_expr(context, scope, items[is_stamp_add ? 2 : 2], &arguments[0]));
    TRY(bind_expr(context, scope, items[1], &arguments[1]));
    char *name = arena_printf(context->arena, "%.*ss_%s", SV_ARGS(items[0]->name.parts[0]), is_stamp_add ? "add" : "diff");
    return bind_function(context, name, arguments, 2, out);
}

/* request: name, count, and what the call says beside its arguments. */
static Status resolve_call(AnalyzeContext *context, FuncBindRequest request, Expr **arguments, FuncBinding **out_binding)
{
    uint32_t count = request.count;
    Type *types = ARENA_NEW_ARRAY(context->arena, Type, MAX(count, 1u));
    const Datum **constants = ARENA_NEW_ARRAY(context->arena, const Datum *, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        types[i] = arguments[i]->type;
        if (arguments[i]->kind == EXPR_CONSTANT)
            constants[i] = &arguments[i]->constant.value;
    }
    request.types = types;
    request.constants = constants;
    request.session = context->session;
    request.arena = context->arena;
    request.diag = context->diag;
    *out_binding = ARENA_NEW(context->arena, FuncBinding);
    TRY(func_resolve(&request, *out_binding));
    for (uint32_t i = 0; i < count; i++)
        TRY(expr_cast(context->arena, arguments[i], (*out_binding)->argument_types[i], true, context->diag, &arguments[i]));
    return OK;
}

static bool same_call(const AggCall *a, const AggCall *b)
{
    if (a->binding->def != b->binding->def || a->is_distinct != b->is_distinct || a->argument_count != b->argument_count ||
        a->order_count != 0 || b->order_count != 0 || a->filter != NULL || b->filter != NULL ||
        a->binding->aggregate != b->binding->aggregate || (a->binding->flags & FUNC_ORDER_SENSITIVE) != 0)
        return false;
    for (uint32_t i = 0; i < a->argument_count; i++) {
        if (!expr_equal(a->arguments[i], b->arguments[i]))
            return false;
    }
    return true;
}

static Expr *call_column(AnalyzeContext *context, const AggCall *call, StrView name)
{
    bool is_nullable = (call->binding->flags & FUNC_NEVER_NULL) == 0;
    return expr_column(context->arena, call->id, call->binding->result, is_nullable, name);
}

static Status bind_separator(AnalyzeContext *context, Scope *scope, const AstExpr *ast, const AstExpr *separator, FuncBindRequest *request)
{
    Expr *value;
    TRY(bind_expr(context, scope, separator, &value));
    TRY(expr_fold(context->arena, context->session, value, context->diag, &value));
    if (value->kind != EXPR_CONSTANT || value->constant.value.is_null || !type_is_string(value->type))
        return analyze_error(context, scope->source, ast->begin, "group_concat requires separator to be of getType() STRING");
    request->has_separator = true;
    request->separator = str_view(&value->constant.value.str);
    return OK;
}

/* ORDER BY of an aggregate: its keys become arguments behind the values. */
static Status bind_aggregate_order(AnalyzeContext *context, Scope *scope, const AstExpr *ast, AggCall *call, FuncBindRequest *request)
{
    uint32_t keys = ast->call->order.count;
    uint32_t values = call->argument_count;
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, values + keys + 1);
    uint8_t *flags = ARENA_NEW_ARRAY(context->arena, uint8_t, keys + 1);
    memcpy(arguments, call->arguments, values * sizeof(*arguments));
    for (uint32_t i = 0; i < keys; i++) {
        const AstOrderItem *item = &ast->call->order.items[i];
        bool nulls_first = item->has_nulls ? item->nulls_first : !item->is_descending;
        flags[i] = (uint8_t)((item->is_descending ? FUNC_ORDER_DESCENDING : 0) | (nulls_first ? FUNC_ORDER_NULLS_FIRST : 0));
        if (item->expr->kind != AST_INTEGER) {
            TRY(bind_expr(context, scope, item->expr, &arguments[values + i]));
            continue;
        }
        uint64_t place = 0;
        for (size_t c = 0; c < item->expr->text.length && place < 100000; c++)
            place = place * 10 + (uint64_t)(item->expr->text.data[c] - '0');
        if (place < 1 || place > values)
            return analyze_error(context, scope->source, item->expr->begin, "ORDER BY position %llu is not in %.*s output list",
                                 (unsigned long long)place, SV_ARGS(request->name));
        arguments[values + i] = call->arguments[place - 1];
    }
    call->arguments = arguments;
    call->argument_count = values + keys;
    request->order_count = keys;
    request->order_flags = flags;
    return OK;
}

static Status bind_aggregate_arguments(AnalyzeContext *context, Scope *scope, const AstExpr *ast, AggCall *call, FuncBindRequest *request)
{
    const FuncDef *def = func_find_form(request->name, context->arena);
    TRY(bind_arguments_of(context, scope, ast, &call->arguments));
    call->argument_count = ast->arguments.count;
    for (uint32_t i = 1; i < call->argument_count; i++) /* parameters may be constant expressions */
        TRY(expr_fold(context->arena, context->session, call->arguments[i], context->diag, &call->arguments[i]));
    if (ast->call->separator != NULL)
        TRY(bind_separator(context, scope, ast, ast->call->separator, request));
    if (strview_equal_ci(request->name, STR_VIEW("string_agg")) && call->argument_count == 2) {
        TRY(bind_separator(context, scope, ast, ast->arguments.items[1], request));
        call->argument_count = 1;
    }
    if (def != NULL && (def->flags & FUNC_ORDER_SENSITIVE) != 0)
        TRY(bind_aggregate_order(context, scope, ast, call, request));
    request->count = call->argument_count;
    return OK;
}

/* array_agg() keeps NULLs, so it has a NULL for each row that its filter leaves out. DISTINCT aggregates leave NULLs out. */
static Status filter_as_null(AnalyzeContext *context, AggCall *call)
{
    Expr **parts = ARENA_NEW_ARRAY(context->arena, Expr *, 3);
    parts[0] = call->filter;
    parts[1] = call->arguments[0];
    parts[2] = expr_null(context->arena, call->arguments[0]->type);
    call->filter = NULL;
    return bind_case_results(context, parts, 3, &call->arguments[0]);
}

static Status bind_aggregate(AnalyzeContext *context, Scope *scope, const AstExpr *ast, const char *name, Expr **out)
{
    bool is_distinct_form = call_is(ast, "multi_distinct_count") || call_is(ast, "multi_distinct_sum");
    SelectState *select = scope->select;
    StrView text = strview_n(scope->source.data + ast->begin, ast->end - ast->begin);
    if (select == NULL || !select->allows_aggregates)
        return analyze_error(context, scope->source, ast->begin, "aggregate function '%.*s' is not allowed here", (int)MIN(text.length, (size_t)100), text.data);
    if (select->in_aggregate)
        return analyze_error(context, scope->source, ast->begin, "Unexpected nested aggregate function '%.*s'", (int)MIN(text.length, (size_t)100), text.data);
    select->in_aggregate = true;
    AggCall call = {.is_distinct = ast->call->is_distinct || is_distinct_form};
    FuncBindRequest request = {.name = strview(name), .is_distinct = call.is_distinct};
    Status status = bind_aggregate_arguments(context, scope, ast, &call, &request);
    if (status == OK && ast->else_value != NULL)
        status = bind_condition(context, scope, ast->else_value, &call.filter);
    bool takes_null = call.is_distinct || call_is(ast, "array_agg") || call_is(ast, "array_agg_distinct");
    if (status == OK && call.filter != NULL && takes_null && call.argument_count > 0)
        status = filter_as_null(context, &call);
    select->in_aggregate = false;
    TRY(status);
    FuncBinding *binding;
    TRY(resolve_call(context, request, call.arguments, &binding));
    call.binding = binding;
    if ((binding->flags & (FUNC_IGNORES_DISTINCT | FUNC_ORDER_SENSITIVE)) != 0)
        call.is_distinct = false;
    for (uint32_t i = 0; i < select->calls.count; i++) {
        if (same_call(&select->calls.items[i], &call)) {
            *out = call_column(context, &select->calls.items[i], text);
            return OK;
        }
    }
    call.id = column_ids_next(&context->ids);
    ARRAY_PUSH(context->arena, &select->calls, call);
    *out = call_column(context, &call, text);
    return OK;
}

/* GROUPING(a, b): bit i is set when the column is not grouped in the set of the row. */
static Status bind_grouping(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    SelectState *select = scope->select;
    if (select == NULL || select->sets == NULL)
        return analyze_error(context, scope->source, ast->begin, "cannot use GROUPING functions without [grouping sets|rollup|cube] clause");
    ColumnId id = column_ids_next(&context->ids);
    uint32_t count = ast->arguments.count;
    uint32_t positions[64];
    for (uint32_t i = 0; i < count && i < 64; i++) {
        Expr *argument;
        TRY(bind_expr(context, scope, ast->arguments.items[i], &argument));
        positions[i] = UINT32_MAX;
        for (uint32_t g = 0; g < select->group_count; g++) {
            if (expr_equal(select->groups[g], argument))
                positions[i] = g;
        }
        if (positions[i] == UINT32_MAX)
            return analyze_error(context, scope->source, ast->begin, "argument of grouping() is not in GROUP BY");
    }
    ARRAY_PUSH(context->arena, &select->grouping_ids, id);
    for (uint32_t s = 0; s < select->set_count; s++) {
        uint64_t value = 0;
        for (uint32_t i = 0; i < count && i < 64; i++)
            value = value << 1 | (((select->sets[s] >> positions[i]) & 1) == 0);
        ARRAY_PUSH(context->arena, &select->grouping_values, value);
    }
    *out = expr_column(context->arena, id, type_of(TYPE_BIGINT), false, STR_VIEW("grouping"));
    return OK;
}

Status bind_window(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **arguments, uint32_t count, Expr **out)
{
    SelectState *select = scope->select;
    const AstWindow *window = ast->call->window;
    if (select == NULL || !select->allows_windows)
        return analyze_error(context, scope->source, ast->begin, "window functions are not allowed here");
    char *name = arena_strndup(context->arena, ast->name.parts[0].data, ast->name.parts[0].length);
    FuncBinding *binding;
    FuncBindRequest request = {.name = strview(name), .count = count, .is_distinct = ast->call->is_distinct};
    TRY(resolve_call(context, request, arguments, &binding));
    bool is_distinct = ast->call->is_distinct && (binding->flags & (FUNC_ORDER_SENSITIVE | FUNC_IGNORES_DISTINCT)) == 0;
    LogicalNode *spec = new_node(context, LOGICAL_WINDOW, NULL);
    spec->window.partition_count = window->partition.count;
    spec->window.partition = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(window->partition.count, 1u));
    for (uint32_t i = 0; i < window->partition.count; i++)
        TRY(bind_expr(context, scope, window->partition.items[i], &spec->window.partition[i]));
    spec->window.order_count = window->order.count;
    spec->window.order = ARENA_NEW_ARRAY(context->arena, SortKey, MAX(window->order.count, 1u));
    for (uint32_t i = 0; i < window->order.count; i++) {
        const AstOrderItem *item = &window->order.items[i];
        SortKey *key = &spec->window.order[i];
        key->is_descending = item->is_descending;
        key->nulls_first = item->has_nulls ? item->nulls_first : !item->is_descending;
        TRY(bind_expr(context, scope, item->expr, &key->expr));
    }
    WindowCall call = {.id = column_ids_next(&context->ids), .binding = binding, .arguments = arguments,
                       .argument_count = count, .is_distinct = is_distinct,
                       .ignore_nulls = ast->call->ignore_nulls};
    call.frame = (WindowFrame){.is_rows = false, .start = FRAME_UNBOUNDED_PRECEDING,
                               .end = window->order.count > 0 ? FRAME_CURRENT_ROW : FRAME_UNBOUNDED_FOLLOWING};
    if (window->has_frame) {
        call.frame.is_rows = window->is_rows;
        call.frame.start = window->start.kind;
        call.frame.end = window->end.kind;
        const AstExpr *offsets[] = {window->start.offset, window->end.offset};
        for (int i = 0; i < 2; i++) {
            Expr *offset;
            if (offsets[i] == NULL)
                continue;
            TRY(bind_expr(context, scope, offsets[i], &offset));
            if (offset->kind != EXPR_CONSTANT || !type_is_integer(offset->type))
                return analyze_error(context, scope->source, ast->begin, "window frame bounds must be integers");
            *(i == 0 ? &call.frame.start_offset : &call.frame.end_offset) = offset->constant.value.i64;
        }
    }
    ARRAY_PUSH(context->arena, &select->windows, call);
    ARRAY_PUSH(context->arena, &select->window_specs, spec);
    bool is_nullable = (binding->flags & FUNC_NEVER_NULL) == 0;
    *out = expr_column(context->arena, call.id, binding->result, is_nullable, strview(name));
    return OK;
}

/* sum_if(x, condition) is sum(x) over the rows where the condition holds, and so on for every aggregate. */
static Status bind_if_form(AnalyzeContext *context, Scope *scope, const AstExpr *ast, bool *out_done, Expr **out)
{
    StrView name = ast->name.parts[ast->name.count - 1];
    *out_done = false;
    if (ast->arguments.count < 2 || name.length < 4 || !strview_equal_ci(strview_n(name.data + name.length - 3, 3), STR_VIEW("_if")))
        return OK;
    AstExpr plain = *ast;
    plain.name.parts[0] = strview_n(name.data, name.length - 3);
    plain.name.count = 1;
    plain.arguments.count--;
    plain.else_value = ast->arguments.items[plain.arguments.count];
    StrView aggregate = plain.name.parts[0];
    if (call_is(&plain, "multi_distinct_count") || call_is(&plain, "multi_distinct_sum"))
        aggregate = strview_n(aggregate.data + strlen("multi_distinct_"), aggregate.length - strlen("multi_distinct_"));
    const FuncDef *def = func_find_form(aggregate, context->arena);
    if (def == NULL || def->kind != FUNC_AGGREGATE)
        return OK;
    *out_done = true;
    return bind_aggregate(context, scope, &plain, def->name, out);
}

Status bind_call(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr)
{
    bool done;
    char *name = arena_strndup(context->arena, ast->name.parts[ast->name.count - 1].data,
                               ast->name.parts[ast->name.count - 1].length);
    TRY(bind_conditional(context, scope, ast, &done, out_expr));
    if (!done)
        TRY(bind_date_form(context, scope, ast, &done, out_expr));
    if (done)
        return OK;
    if (call_is(ast, "grouping") || call_is(ast, "grouping_id"))
        return bind_grouping(context, scope, ast, out_expr);
    if (call_is(ast, "multi_distinct_count"))
        name = arena_strdup(context->arena, "count");
    if (call_is(ast, "multi_distinct_sum"))
        name = arena_strdup(context->arena, "sum");
    const FuncDef *def = func_find_form(strview(name), context->arena);
    if (call_is(ast, "count_if") && ast->arguments.count == 2) /* of count(), not the function of one argument */
        def = NULL;
    if (def == NULL && ast->call->window == NULL && ast->else_value == NULL)
        TRY(bind_if_form(context, scope, ast, &done, out_expr));
    if (done)
        return OK;
    if (ast->call->window != NULL) {
        Expr **arguments;
        TRY(bind_arguments_of(context, scope, ast, &arguments));
        return bind_window(context, scope, ast, arguments, ast->arguments.count, out_expr);
    }
    if (def != NULL && def->kind == FUNC_AGGREGATE)
        return bind_aggregate(context, scope, ast, name, out_expr);
    if (def != NULL && def->kind != FUNC_SCALAR)
        return analyze_error(context, scope->source, ast->begin, "function '%s' is not allowed here", name);
    TRY(bind_lambda_call(context, scope, ast, name, &done, out_expr));
    if (done)
        return OK;
    Expr **arguments;
    TRY(bind_arguments_of(context, scope, ast, &arguments));
    if (ast->arguments.count > 0)
        name = arena_strdup(context->arena, nested_function(name, arguments[0]->type));
    return bind_function(context, name, arguments, ast->arguments.count, out_expr);
}
