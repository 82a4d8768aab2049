#include "analyze/analyze_int.h"

/* Expressions: literals, operators, predicates, CASE, casts, subqueries. Calls are in bind_call.c. */

#include "types/decimal.h"
#include "types/number_text.h"

Status bind_function(AnalyzeContext *context, const char *name, Expr **arguments, uint32_t count, Expr **out_expr)
{
    return expr_call_by_name(context->arena, context->session, name, arguments, count, context->diag, out_expr);
}

static Status bind_wide_decimal(AnalyzeContext *context, StrView text, size_t precision, size_t scale, Expr **out)
{
    Type type = type_decimal((uint8_t)precision, (uint8_t)scale);
    Datum value;
    TRY(datum_parse(type, text, context->arena, context->diag, &value));
    *out = expr_constant(context->arena, type, value);
    return OK;
}

static Status bind_integer(AnalyzeContext *context, StrView text, bool is_negative, Expr **out)
{
    Int128 value;
    if (!int128_parse(text, &value)) {
        double number;
        if (text.length <= DECIMAL_WIDE_PRECISION) { /* digits only */
            TRY(bind_wide_decimal(context, text, MAX(text.length, (size_t)DECIMAL_MAX_PRECISION + 1), 0, out));
            return is_negative ? bind_function(context, "negative", out, 1, out) : OK;
        }
        if (!double_parse(text, &number))
            return RAISE(context->diag, ANALYSIS, "Number out of range[%.*s]", SV_ARGS(text));
        *out = expr_constant(context->arena, type_of(TYPE_DOUBLE), datum_f64(is_negative ? -number : number));
        return OK;
    }
    value = is_negative ? (Int128)(0 - (UInt128)value) : value;
    TypeKind kind = value >= INT8_MIN && value <= INT8_MAX     ? TYPE_TINYINT
                    : value >= INT16_MIN && value <= INT16_MAX ? TYPE_SMALLINT
                    : value >= INT32_MIN && value <= INT32_MAX ? TYPE_INT
                    : value >= INT64_MIN && value <= INT64_MAX ? TYPE_BIGINT
                                                               : TYPE_LARGEINT;
    *out = expr_constant(context->arena, type_of(kind), (Datum){.i128 = value});
    return OK;
}

static Status bind_decimal(AnalyzeContext *context, StrView text, Expr **out)
{
    size_t point = strview_find(text, STR_VIEW("."));
    StrView whole = strview_n(text.data, point);
    while (whole.length > 0 && whole.data[0] == '0') {
        whole.data++;
        whole.length--;
    }
    size_t scale = text.length - point - 1;
    size_t precision = MAX(whole.length + scale, (size_t)1);
    Int128 value;
    if (precision > DECIMAL_MAX_PRECISION && precision <= DECIMAL_WIDE_PRECISION)
        return bind_wide_decimal(context, text, precision, scale, out);
    if (precision > DECIMAL_MAX_PRECISION || !decimal_parse(text, (uint8_t)precision, (uint8_t)scale, &value)) {
        double number;
        if (!double_parse(text, &number))
            return RAISE(context->diag, ANALYSIS, "bad number \"%.*s\"", SV_ARGS(text));
        *out = expr_constant(context->arena, type_of(TYPE_DOUBLE), datum_f64(number));
        return OK;
    }
    *out = expr_constant(context->arena, type_decimal((uint8_t)precision, (uint8_t)scale), (Datum){.i128 = value});
    return OK;
}

static Status bind_typed(AnalyzeContext *context, const AstExpr *ast, Expr **out)
{
    Datum value;
    if (datum_parse(ast->type, ast->text, context->arena, NULL, &value) != OK)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid date literal %.*s.",
                     SV_ARGS(ast->text));
    *out = expr_constant(context->arena, ast->type, value);
    return OK;
}

static Status bind_double(AnalyzeContext *context, const AstExpr *ast, Expr **out)
{
    double number;
    if (!double_parse(ast->text, &number))
        return RAISE(context->diag, ANALYSIS, "bad number \"%.*s\"", SV_ARGS(ast->text));
    *out = expr_constant(context->arena, type_of(TYPE_DOUBLE), datum_f64(number));
    return OK;
}

Status bind_condition(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr)
{
    Expr *expr;
    TRY(bind_expr(context, scope, ast, &expr));
    return expr_cast(context->arena, expr, type_of(TYPE_BOOLEAN), true, context->diag, out_expr);
}

static Status bind_not(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    Expr *inside;
    TRY(bind_condition(context, scope, ast, &inside));
    if (inside->kind == EXPR_SUBQUERY && inside->subquery_kind != SUBQUERY_SCALAR) {
        inside->is_negated = !inside->is_negated;
        *out = inside;
        return OK;
    }
    return expr_not(context->arena, context->session, inside, context->diag, out);
}

static Status bind_unary(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    if (strview_is(ast->op, "NOT"))
        return bind_not(context, scope, ast->left, out);
    if (strview_is(ast->op, "-") && ast->left->kind == AST_INTEGER)
        return bind_integer(context, ast->left->text, true, out);
    Expr *argument;
    TRY(bind_expr(context, scope, ast->left, &argument));
    if (strview_is(ast->op, "+")) {
        *out = argument;
        return OK;
    }
    if (strview_is(ast->op, "-") && argument->kind == EXPR_CONSTANT && argument->type.kind == TYPE_DECIMAL &&
        !type_is_wide_decimal(argument->type)) {
        Datum value = argument->constant.value;
        value.i128 = -value.i128;
        *out = expr_constant(context->arena, argument->type, value);
        return OK;
    }
    return bind_function(context, strview_is(ast->op, "-") ? "negative" : "bitnot", &argument, 1, out);
}

static const char *operator_function(StrView op)
{
    static const struct {
        const char *op;
        const char *name;
    } names[] = {{"=", "eq"},       {"!=", "ne"},       {"<", "lt"},      {"<=", "le"},     {">", "gt"},
                 {">=", "ge"},      {"<=>", "eq_for_null"}, {"+", "add"}, {"-", "subtract"}, {"*", "multiply"},
                 {"/", "divide"},   {"%", "mod"},       {"DIV", "int_divide"}, {"&", "bitand"}, {"|", "bitor"},
                 {"^", "bitxor"},   {"<<", "bit_shift_left"}, {">>", "bit_shift_right"}, {"||", "concat"}};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strview_is(op, names[i].op))
            return names[i].name;
    }
    return NULL;
}

/* INTERVAL n unit, or one multiplied or divided by a number. */
bool is_interval(const AstExpr *ast)
{
    if (ast->kind == AST_INTERVAL)
        return true;
    if (ast->kind != AST_BINARY_OP || (!strview_is(ast->op, "*") && !strview_is(ast->op, "/")))
        return false;
    return is_interval(ast->arguments.items[0]) || (strview_is(ast->op, "*") && is_interval(ast->arguments.items[1]));
}

Status bind_interval_amount(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_amount, StrView *out_unit)
{
    if (ast->kind == AST_INTERVAL) {
        *out_unit = ast->text;
        return bind_expr(context, scope, ast->left, out_amount);
    }
    bool is_left = is_interval(ast->arguments.items[0]);
    Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
    TRY(bind_interval_amount(context, scope, ast->arguments.items[is_left ? 0 : 1], &sides[0], out_unit));
    TRY(bind_expr(context, scope, ast->arguments.items[is_left ? 1 : 0], &sides[1]));
    return bind_function(context, strview_is(ast->op, "*") ? "multiply" : "divide", sides, 2, out_amount);
}

/* date + INTERVAL n unit: units_add(date, n). */
static Status bind_interval(AnalyzeContext *context, Scope *scope, const AstExpr *date, const AstExpr *interval,
                            bool subtracts, Expr **out)
{
    Expr *arguments[2];
    TRY(bind_expr(context, scope, date, &arguments[0]));
    StrView unit;
    TRY(bind_interval_amount(context, scope, interval, &arguments[1], &unit));
    char *name = arena_printf(context->arena, "%.*ss_%s", SV_ARGS(unit), subtracts ? "sub" : "add");
    Expr **kept = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
    memcpy(kept, arguments, sizeof(arguments));
    return bind_function(context, name, kept, 2, out);
}

/* A string constant beside a number or a date is read as the other side's type when it can be. */
static Status adapt_constant(AnalyzeContext *context, Expr *constant, Expr *other, Expr **out)
{
    *out = constant;
    bool is_text = constant->kind == EXPR_CONSTANT && type_is_string(constant->type) && !constant->constant.value.is_null;
    bool wants = type_is_numeric(other->type) || type_is_date(other->type);
    if (!is_text || !wants || other->kind == EXPR_CONSTANT)
        return OK;
    Datum value;
    Type target = other->type;
    if (target.kind == TYPE_DATE && constant->constant.value.str.length > 10)
        target = type_of(TYPE_DATETIME);
    if (datum_parse(target, str_view(&constant->constant.value.str), context->arena, NULL, &value) == OK)
        *out = expr_constant(context->arena, target, value);
    return OK;
}

static Status bind_comparison(AnalyzeContext *context, const char *name, Expr **sides, Expr **out)
{
    TRY(adapt_constant(context, sides[0], sides[1], &sides[0]));
    TRY(adapt_constant(context, sides[1], sides[0], &sides[1]));
    return bind_function(context, name, sides, 2, out);
}

/* (a, b) = (c, d) */
static Status bind_row_comparison(AnalyzeContext *context, Scope *scope, const AstExpr *a, const AstExpr *b, Expr **out)
{
    uint32_t count = a->arguments.count;
    if (b->arguments.count != count)
        return analyze_error(context, scope->source, a->begin, "rows of different sizes are compared");
    Expr **terms = ARENA_NEW_ARRAY(context->arena, Expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        TRY(bind_expr(context, scope, a->arguments.items[i], &sides[0]));
        TRY(bind_expr(context, scope, b->arguments.items[i], &sides[1]));
        TRY(bind_comparison(context, "eq", sides, &terms[i]));
    }
    *out = expr_and(context->arena, terms, count);
    return OK;
}

static Status bind_binary(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    const AstExpr *a = ast->arguments.items[0];
    const AstExpr *b = ast->arguments.items[1];
    Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
    if (strview_is(ast->op, "AND") || strview_is(ast->op, "OR")) {
        TRY(bind_condition(context, scope, a, &sides[0]));
        TRY(bind_condition(context, scope, b, &sides[1]));
        *out = strview_is(ast->op, "AND") ? expr_and(context->arena, sides, 2) : expr_or(context->arena, sides, 2);
        return OK;
    }
    bool is_sum = strview_is(ast->op, "+") || strview_is(ast->op, "-");
    if (is_sum && is_interval(b))
        return bind_interval(context, scope, a, b, strview_is(ast->op, "-"), out);
    if (is_sum && is_interval(a))
        return bind_interval(context, scope, b, a, false, out);
    if (a->kind == AST_ROW && b->kind == AST_ROW && strview_is(ast->op, "="))
        return bind_row_comparison(context, scope, a, b, out);
    const char *name = operator_function(ast->op);
    if (name == NULL)
        return analyze_error(context, scope->source, ast->begin, "operator '%.*s' is not supported", SV_ARGS(ast->op));
    TRY(bind_expr(context, scope, a, &sides[0]));
    TRY(bind_expr(context, scope, b, &sides[1]));
    bool compares = strchr("=!<>", ast->op.data[0]) != NULL && !strview_is(ast->op, "<<") && !strview_is(ast->op, ">>");
    return compares ? bind_comparison(context, name, sides, out) : bind_function(context, name, sides, 2, out);
}

Status bind_in_types(AnalyzeContext *context, Expr **items, uint32_t count, bool is_comparison, Type *out_type)
{
    Type common = items[0]->type;
    common.phys = (uint8_t)type_default_phys(common);
    for (uint32_t i = 1; i < count; i++)
        TRY(is_comparison ? type_common_comparison(common, items[i]->type, context->arena, context->diag, &common)
                          : type_common(common, items[i]->type, context->arena, context->diag, &common));
    *out_type = common.kind == TYPE_NULL ? type_of(TYPE_BOOLEAN) : common;
    return OK;
}

static Status bind_in_list(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    uint32_t count = ast->arguments.count + 1;
    Expr **items = ARENA_NEW_ARRAY(context->arena, Expr *, count);
    bool all_constant = true;
    if (ast->left->kind == AST_ROW) {
        Expr **terms = ARENA_NEW_ARRAY(context->arena, Expr *, ast->arguments.count);
        for (uint32_t i = 0; i < ast->arguments.count; i++)
            TRY(bind_row_comparison(context, scope, ast->left, ast->arguments.items[i], &terms[i]));
        *out = expr_or(context->arena, terms, ast->arguments.count);
        return ast->is_negated ? expr_not(context->arena, context->session, *out, context->diag, out) : OK;
    }
    TRY(bind_expr(context, scope, ast->left, &items[0]));
    for (uint32_t i = 1; i < count; i++) {
        TRY(bind_expr(context, scope, ast->arguments.items[i - 1], &items[i]));
        TRY(adapt_constant(context, items[i], items[0], &items[i]));
        TRY(expr_fold(context->arena, context->session, items[i], context->diag, &items[i]));
    }
    Type common;
    TRY(bind_in_types(context, items, count, true, &common));
    for (uint32_t i = 0; i < count; i++) {
        TRY(expr_cast(context->arena, items[i], common, true, context->diag, &items[i]));
        if (i > 0)
            TRY(expr_fold(context->arena, context->session, items[i], context->diag, &items[i]));
        all_constant &= i == 0 || items[i]->kind == EXPR_CONSTANT;
    }
    if (all_constant && !type_is_nested(common)) {
        Expr *in = ARENA_NEW(context->arena, Expr);
        in->kind = EXPR_IN;
        in->type = type_of(TYPE_BOOLEAN);
        in->is_nullable = true;
        in->is_negated = ast->is_negated;
        in->arguments = items;
        in->argument_count = count;
        *out = in;
        return OK;
    }
    Expr **terms = ARENA_NEW_ARRAY(context->arena, Expr *, count - 1);
    for (uint32_t i = 1; i < count; i++) {
        Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        sides[0] = items[0];
        sides[1] = items[i];
        TRY(bind_function(context, "eq", sides, 2, &terms[i - 1]));
    }
    *out = expr_or(context->arena, terms, count - 1);
    return ast->is_negated ? expr_not(context->arena, context->session, *out, context->diag, out) : OK;
}

static Expr *subquery_expr(AnalyzeContext *context, SubqueryKind kind, BoundQuery *query, Type type)
{
    Expr *expr = ARENA_NEW(context->arena, Expr);
    expr->kind = EXPR_SUBQUERY;
    expr->subquery_kind = (uint8_t)kind;
    expr->type = type;
    expr->is_nullable = kind != SUBQUERY_EXISTS;
    expr->subquery.query = query;
    return expr;
}

static Status bind_subquery(AnalyzeContext *context, Scope *scope, const AstExpr *ast, BoundQuery **out)
{
    SelectState *select = scope->select;
    for (uint32_t i = 0; select != NULL && i < select->group_queries.count; i++) {
        *out = select->group_queries.items[i].query;
        if (select->group_queries.items[i].ast == ast->query)
            return OK;
    }
    TRY(bind_query(context, scope, ast->query, scope->source, out));
    if (select != NULL && select->in_group_item) {
        GroupQuery kept = {ast->query, *out};
        ARRAY_PUSH(context->arena, &select->group_queries, kept);
    }
    return OK;
}

/* x [NOT] IN (SELECT ...): arguments are the left sides, cast to common types with the columns. */
static Status bind_in_query(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    BoundQuery *query;
    TRY(bind_subquery(context, scope, ast, &query));
    bool is_row = ast->left->kind == AST_ROW;
    uint32_t count = is_row ? ast->left->arguments.count : 1;
    if (query->column_count != count)
        return analyze_error(context, scope->source, ast->begin, "subquery must return the same number of columns as provided by the IN predicate");
    Expr *expr = subquery_expr(context, SUBQUERY_IN, query, type_of(TYPE_BOOLEAN));
    expr->is_negated = ast->is_negated;
    expr->arguments = ARENA_NEW_ARRAY(context->arena, Expr *, count);
    expr->argument_count = count;
    for (uint32_t i = 0; i < count; i++)
        TRY(bind_expr(context, scope, is_row ? ast->left->arguments.items[i] : ast->left, &expr->arguments[i]));
    *out = expr;
    return OK;
}

static Status bind_between(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    Expr *value;
    Expr **terms = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
    TRY(bind_expr(context, scope, ast->left, &value));
    for (int i = 0; i < 2; i++) {
        Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        sides[0] = value;
        TRY(bind_expr(context, scope, ast->arguments.items[i], &sides[1]));
        TRY(bind_comparison(context, i == 0 ? "ge" : "le", sides, &terms[i]));
    }
    *out = expr_and(context->arena, terms, 2);
    return ast->is_negated ? expr_not(context->arena, context->session, *out, context->diag, out) : OK;
}

static Status bind_like(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    uint32_t count = 1 + ast->arguments.count;
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, count);
    TRY(bind_expr(context, scope, ast->left, &arguments[0]));
    for (uint32_t i = 1; i < count; i++)
        TRY(bind_expr(context, scope, ast->arguments.items[i - 1], &arguments[i]));
    TRY(bind_function(context, strview_is(ast->op, "LIKE") ? "like" : "regexp", arguments, count, out));
    return ast->is_negated ? expr_not(context->arena, context->session, *out, context->diag, out) : OK;
}

static Status bind_is(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    Expr *value;
    if (ast->kind == AST_IS_NULL) {
        TRY(bind_expr(context, scope, ast->left, &value));
        return bind_function(context, ast->is_negated ? "is_not_null" : "is_null", &value, 1, out);
    }
    Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
    TRY(bind_condition(context, scope, ast->left, &sides[0]));
    sides[1] = expr_bool(context->arena, ast->flag);
    TRY(bind_function(context, "eq_for_null", sides, 2, out));
    return ast->is_negated ? expr_not(context->arena, context->session, *out, context->diag, out) : OK;
}

static Expr *new_case(AnalyzeContext *context, Expr **arguments, uint32_t count, Type type)
{
    Expr *expr = ARENA_NEW(context->arena, Expr);
    expr->kind = EXPR_CASE;
    expr->type = type;
    expr->arguments = arguments;
    expr->argument_count = count;
    expr->is_nullable = count % 2 == 0;
    for (uint32_t i = 1; i < count; i += 2)
        expr->is_nullable |= arguments[i]->is_nullable;
    if (count % 2 == 1)
        expr->is_nullable |= arguments[count - 1]->is_nullable;
    return expr;
}

/* arguments: when, then, ..., [else]; unifies the types of the results. */
Status bind_case_results(AnalyzeContext *context, Expr **arguments, uint32_t count, Expr **out)
{
    Expr **results = ARENA_NEW_ARRAY(context->arena, Expr *, count);
    uint32_t n = 0;
    for (uint32_t i = 1; i < count; i += 2)
        results[n++] = arguments[i];
    if (count % 2 == 1)
        results[n++] = arguments[count - 1];
    Type common;
    TRY(bind_in_types(context, results, n, false, &common));
    for (uint32_t i = 0; i < count; i++) {
        bool is_result = i % 2 == 1 || (i == count - 1 && count % 2 == 1);
        TRY(expr_cast(context->arena, arguments[i], is_result ? common : type_of(TYPE_BOOLEAN), true, context->diag,
                      &arguments[i]));
    }
    *out = new_case(context, arguments, count, common);
    return OK;
}

static Status bind_case(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    uint32_t count = ast->arguments.count + (ast->else_value != NULL);
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, count);
    Expr *operand = NULL;
    if (ast->left != NULL)
        TRY(bind_expr(context, scope, ast->left, &operand));
    for (uint32_t i = 0; i < ast->arguments.count; i++) {
        TRY(bind_expr(context, scope, ast->arguments.items[i], &arguments[i]));
        if (i % 2 == 0 && operand != NULL) {
            Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
            sides[0] = operand;
            sides[1] = arguments[i];
            TRY(bind_comparison(context, "eq", sides, &arguments[i]));
        }
    }
    if (ast->else_value != NULL)
        TRY(bind_expr(context, scope, ast->else_value, &arguments[count - 1]));
    return bind_case_results(context, arguments, count, out);
}

static Status bind_variable(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    Type type;
    Datum value;
    bool is_user = ast->kind == AST_USER_VARIABLE;
    StrView kind = is_user ? STR_VIEW("user") : ast->op.length > 0 ? ast->op : STR_VIEW("session");
    if (context->variable == NULL ||
        !context->variable(context->variable_context, kind, ast->text, context->arena, &type, &value)) {
        if (!is_user)
            return RAISE(context->diag, UNKNOWN_VARIABLE, "Unknown system variable '%.*s'", SV_ARGS(ast->text));
        type = type_varchar(0);
        value = datum_null();
    }
    (void)scope;
    *out = expr_constant(context->arena, type, value);
    return OK;
}

static Status bind_parameter(AnalyzeContext *context, const AstExpr *ast, Expr **out)
{
    if (ast->index >= context->parameter_count) {
        *out = expr_null(context->arena, type_of(TYPE_NULL));
        return OK;
    }
    *out = expr_constant(context->arena, context->parameter_types[ast->index], context->parameter_values[ast->index]);
    return OK;
}

static Status bind_scalar_subquery(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    BoundQuery *query;
    TRY(bind_subquery(context, scope, ast, &query));
    if (ast->kind == AST_EXISTS) {
        *out = subquery_expr(context, SUBQUERY_EXISTS, query, type_of(TYPE_BOOLEAN));
        return OK;
    }
    if (query->column_count != 1)
        return analyze_error(context, scope->source, ast->begin, "Getting subquery must return a single column, but got %u columns",
                             query->column_count);
    *out = subquery_expr(context, SUBQUERY_SCALAR, query, query->columns[0].type);
    return OK;
}

static Status bind_cast(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    Expr *value;
    TRY(bind_expr(context, scope, ast->left, &value));
    if (ast->flag)
        return expr_try_cast(context->arena, value, ast->type, context->diag, out);
    return expr_cast(context->arena, value, ast->type, false, context->diag, out);
}

Status bind_expr(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr)
{
    if (++scope->depth > 1000)
        return RAISE(context->diag, LIMIT_EXCEEDED, "expression is nested too deeply");
    Status status = OK;
    switch ((AstExprKind)ast->kind) {
    case AST_NULL:
        *out_expr = expr_null(context->arena, type_of(TYPE_NULL));
        break;
    case AST_BOOL:
        *out_expr = expr_bool(context->arena, ast->flag);
        break;
    case AST_INTEGER:
        status = bind_integer(context, ast->text, false, out_expr);
        break;
    case AST_DECIMAL:
        status = bind_decimal(context, ast->text, out_expr);
        break;
    case AST_DOUBLE:
        status = bind_double(context, ast, out_expr);
        break;
    case AST_STRING:
        *out_expr = expr_constant(context->arena, type_varchar(0), datum_str(ast->text));
        break;
    case AST_BINARY:
        *out_expr = expr_constant(context->arena, type_of(TYPE_VARBINARY), datum_str(ast->text));
        break;
    case AST_TYPED:
        status = bind_typed(context, ast, out_expr);
        break;
    case AST_NAME:
        status = scope_resolve(context, scope, ast, out_expr);
        break;
    case AST_UNARY:
        status = bind_unary(context, scope, ast, out_expr);
        break;
    case AST_BINARY_OP:
        status = bind_binary(context, scope, ast, out_expr);
        break;
    case AST_IS_NULL:
    case AST_IS_BOOL:
        status = bind_is(context, scope, ast, out_expr);
        break;
    case AST_IN_LIST:
        status = bind_in_list(context, scope, ast, out_expr);
        break;
    case AST_IN_QUERY:
        status = bind_in_query(context, scope, ast, out_expr);
        break;
    case AST_EXISTS:
    case AST_SUBQUERY:
        status = bind_scalar_subquery(context, scope, ast, out_expr);
        break;
    case AST_BETWEEN:
        status = bind_between(context, scope, ast, out_expr);
        break;
    case AST_LIKE:
        status = bind_like(context, scope, ast, out_expr);
        break;
    case AST_CASE:
        status = bind_case(context, scope, ast, out_expr);
        break;
    case AST_CAST:
        status = bind_cast(context, scope, ast, out_expr);
        break;
    case AST_CALL:
        status = bind_call(context, scope, ast, out_expr);
        break;
    case AST_PARAMETER:
        status = bind_parameter(context, ast, out_expr);
        break;
    case AST_USER_VARIABLE:
    case AST_SYSTEM_VARIABLE:
        status = bind_variable(context, scope, ast, out_expr);
        break;
    case AST_ARRAY:
    case AST_MAP:
    case AST_ROW:
    case AST_SUBSCRIPT:
    case AST_FIELD:
    case AST_LAMBDA:
        status = bind_nested(context, scope, ast, out_expr);
        break;
    default:
        status = analyze_error(context, scope->source, ast->begin, "expression '%.*s' is not supported here",
                               (int)MIN(ast->end - ast->begin, 80u), scope->source.data + ast->begin);
        break;
    }
    scope->depth--;
    return status;
}
