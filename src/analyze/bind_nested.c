#include "analyze/analyze_int.h"

/* Collections in expressions: array and map literals, subscripts, slices, struct fields, lambdas.
 *
 * Lambdas are arguments of array_map() only; the other functions that take one are written as the same
 * function over the array that array_map() yields, and those over maps by way of keys and values. */

static Status bind_items(AnalyzeContext *context, Scope *scope, const AstExprList *list, Expr ***out)
{
    Expr **items = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(list->count, 1u));
    for (uint32_t i = 0; i < list->count; i++)
        TRY(bind_expr(context, scope, list->items[i], &items[i]));
    *out = items;
    return OK;
}

static Expr **expr_list(AnalyzeContext *context, Expr *a, Expr *b)
{
    Expr **list = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
    list[0] = a;
    list[1] = b;
    return list;
}

static Status bind_collection(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    Expr **items;
    TRY(bind_items(context, scope, &ast->arguments, &items));
    TRY(bind_function(context, ast->kind == AST_ARRAY ? "array_literal" : "map_literal", items, ast->arguments.count, out));
    return ast->has_type ? expr_cast(context->arena, *out, ast->type, false, context->diag, out) : OK;
}

static Status bind_subscript(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    Expr *value;
    TRY(bind_expr(context, scope, ast->left, &value));
    if (ast->arguments.count == 2)
        return analyze_error(context, scope->source, ast->begin, "slices of arrays are written array_slice(array, offset, length)");
    Expr *index;
    TRY(bind_expr(context, scope, ast->arguments.items[0], &index));
    if (value->type.kind == TYPE_JSON)
        return analyze_error(context, scope->source, ast->begin, "elements of JSON are read with json_query()");
    const char *name = value->type.kind == TYPE_MAP ? "map_element" : value->type.kind == TYPE_STRUCT ? "struct_field" : "array_element";
    if (value->type.kind != TYPE_MAP && value->type.kind != TYPE_STRUCT && value->type.kind != TYPE_ARRAY)
        return analyze_error(context, scope->source, ast->begin, "Cannot subscript '%.*s' because it is not an array, map or struct",
                             (int)MIN(ast->left->end - ast->left->begin, 80u), scope->source.data + ast->left->begin);
    return bind_function(context, name, expr_list(context, value, index), 2, out);
}

Status bind_field(AnalyzeContext *context, Scope *scope, Expr *value, const AstExpr *ast, StrView name, Expr **out)
{
    if (value->type.kind != TYPE_STRUCT)
        return analyze_error(context, scope->source, ast->begin, "Column '%.*s' cannot be resolved", SV_ARGS(name));
    Expr *field = expr_constant(context->arena, type_varchar(0), datum_str(name));
    return bind_function(context, "struct_field", expr_list(context, value, field), 2, out);
}

Status bind_nested(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out)
{
    Expr *value;
    Expr **items;
    switch ((AstExprKind)ast->kind) {
    case AST_ARRAY:
    case AST_MAP:
        return bind_collection(context, scope, ast, out);
    case AST_SUBSCRIPT:
        return bind_subscript(context, scope, ast, out);
    case AST_FIELD:
        TRY(bind_expr(context, scope, ast->left, &value));
        return bind_field(context, scope, value, ast, ast->text, out);
    case AST_ROW:
        TRY(bind_items(context, scope, &ast->arguments, &items));
        return bind_function(context, "row", items, ast->arguments.count, out);
    default:
        return analyze_error(context, scope->source, ast->begin, "a lambda is only allowed as an argument of a function that takes one");
    }
}

/* ---- lambdas ---- */

static Type function_type(AnalyzeContext *context, Type body)
{
    Type type = type_array(context->arena, body);
    type.kind = TYPE_FUNCTION;
    type.phys = PHYS_BOOL;
    return type;
}

/* Binds body with parameters of those types in scope. */
static Status bind_lambda(AnalyzeContext *context, Scope *scope, const AstExpr *ast, const AstExpr *body, const Type *types,
                          uint32_t count, Expr **out)
{
    if (ast->name_count != count)
        return analyze_error(context, scope->source, ast->begin, "Lambda arguments should equal to lambda input arrays");
    Scope inner = {.outer = scope, .source = scope->source, .depth = scope->depth, .select = scope->select, .ctes = scope->ctes};
    ColumnId *ids = ARENA_NEW_ARRAY(context->arena, ColumnId, count);
    Type *parameter_types = ARENA_NEW_ARRAY(context->arena, Type, count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (strview_equal_ci(ast->names[i], ast->names[j]))
                return analyze_error(context, scope->source, ast->begin, "Lambda argument: '%.*s' is duplicated", SV_ARGS(ast->names[i]));
        }
        ids[i] = column_ids_next(&context->ids);
        parameter_types[i] = types[i];
        LogicalColumn column = {.id = ids[i], .type = types[i], .is_nullable = true, .name = ast->names[i]};
        scope_add(context, &inner, &column, STR_VIEW(""), STR_VIEW(""));
    }
    inner.is_lambda = true;
    Expr *bound;
    TRY(bind_expr(context, &inner, body, &bound));
    if (bound->type.kind == TYPE_NULL)
        bound->type = type_of(TYPE_BOOLEAN);
    Expr *lambda = ARENA_NEW(context->arena, Expr);
    lambda->kind = EXPR_LAMBDA;
    lambda->type = function_type(context, bound->type);
    lambda->arguments = expr_list(context, bound, NULL);
    lambda->argument_count = 1;
    lambda->lambda.parameter_count = count;
    lambda->lambda.parameters = ids;
    lambda->lambda.parameter_types = parameter_types;
    *out = lambda;
    return OK;
}

static Type element_of(Type type)
{
    return type.kind == TYPE_ARRAY ? type.nested->types[0] : type_of(TYPE_BOOLEAN);
}

/* array_map(body, arrays...) */
static Status map_over(AnalyzeContext *context, Scope *scope, const AstExpr *lambda, const AstExpr *body, Expr *const *arrays,
                       uint32_t count, Expr **out)
{
    Type *types = ARENA_NEW_ARRAY(context->arena, Type, count);
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (arrays[i]->type.kind != TYPE_ARRAY && arrays[i]->type.kind != TYPE_NULL)
            return analyze_error(context, scope->source, lambda->begin, "Lambda inputs should be arrays");
        types[i] = element_of(arrays[i]->type);
        arguments[i + 1] = arrays[i];
    }
    TRY(bind_lambda(context, scope, lambda, body, types, count, &arguments[0]));
    return bind_function(context, "array_map", arguments, count + 1, out);
}

/* map_filter, map_apply, transform_keys, transform_values over map_keys() and map_values(). */
static Status bind_map_lambda(AnalyzeContext *context, Scope *scope, const char *name, const AstExpr *lambda, Expr *map, Expr **out)
{
    Expr *parts[2];
    TRY(bind_function(context, "map_keys", expr_list(context, map, NULL), 1, &parts[0]));
    TRY(bind_function(context, "map_values", expr_list(context, map, NULL), 1, &parts[1]));
    Expr *mapped;
    if (strcmp(name, "map_apply") == 0) {
        const AstExpr *body = lambda->left;
        bool is_pair = (body->kind == AST_ROW || body->kind == AST_MAP) && body->arguments.count == 2;
        if (!is_pair)
            return analyze_error(context, scope->source, lambda->begin, "map_apply() takes a lambda whose result is (key, value)");
        Expr *value;
        TRY(map_over(context, scope, lambda, body->arguments.items[0], parts, 2, &mapped));
        TRY(map_over(context, scope, lambda, body->arguments.items[1], parts, 2, &value));
        return bind_function(context, "map_from_arrays", expr_list(context, mapped, value), 2, out);
    }
    TRY(map_over(context, scope, lambda, lambda->left, parts, 2, &mapped));
    if (strcmp(name, "map_filter") == 0)
        return bind_function(context, "map_filter", expr_list(context, map, mapped), 2, out);
    bool is_keys = strcmp(name, "transform_keys") == 0;
    return bind_function(context, "map_from_arrays", is_keys ? expr_list(context, mapped, parts[1]) : expr_list(context, parts[0], mapped), 2, out);
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static Status bind_array_lambda(AnalyzeContext *context, Scope *scope, const char *name, const AstExpr *lambda, Expr **arrays,
                                uint32_t count, Expr **out)
{
    static const char *const over_mapped[] = {"any_match", "all_match", "array_sum", "array_avg", "array_min", "array_max"};
    static const char *const beside_mapped[] = {"array_filter", "array_sortby"};
    Expr *mapped;
    if (count == 0)
        return analyze_error(context, scope->source, lambda->begin, "Lambda functions should have at least one input array");
    bool is_map = strcmp(name, "array_map") == 0 || strcmp(name, "transform") == 0;
    bool takes_lambda = is_map || is_one_of(name, over_mapped, COUNT_OF(over_mapped)) || is_one_of(name, beside_mapped, COUNT_OF(beside_mapped));
    if (!takes_lambda)
        return analyze_error(context, scope->source, lambda->begin, "function '%s' does not take a lambda", name);
    TRY(map_over(context, scope, lambda, lambda->left, arrays, count, &mapped));
    if (is_map) {
        *out = mapped;
        return OK;
    }
    if (is_one_of(name, over_mapped, COUNT_OF(over_mapped)))
        return bind_function(context, name, expr_list(context, mapped, NULL), 1, out);
    return bind_function(context, name, expr_list(context, arrays[0], mapped), 2, out);
}

Status bind_lambda_call(AnalyzeContext *context, Scope *scope, const AstExpr *ast, const char *written, bool *out_done, Expr **out)
{
    static const char *const over_maps[] = {"map_filter", "map_apply", "transform_keys", "transform_values"};
    uint32_t count = ast->arguments.count;
    const AstExpr *lambda = NULL;
    uint32_t others = 0;
    *out_done = false;
    char *name = arena_strdup(context->arena, written);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    for (uint32_t i = 0; i < count; i++) {
        if (ast->arguments.items[i]->kind == AST_LAMBDA)
            lambda = ast->arguments.items[i];
    }
    if (lambda == NULL)
        return OK;
    *out_done = true;
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        if (ast->arguments.items[i] == lambda)
            continue;
        TRY(bind_expr(context, scope, ast->arguments.items[i], &arguments[others]));
        others++;
    }
    if (!is_one_of(name, over_maps, COUNT_OF(over_maps)))
        return bind_array_lambda(context, scope, name, lambda, arguments, others, out);
    if (others != 1 || arguments[0]->type.kind != TYPE_MAP)
        return analyze_error(context, scope->source, ast->begin, "%s() takes a lambda and a map", name);
    return bind_map_lambda(context, scope, name, lambda, arguments[0], out);
}

/* The function that a name means over an array or a map. */
const char *nested_function(const char *name, Type type)
{
    static const struct {
        const char *name;
        const char *over_array;
        const char *over_map;
    } names[] = {{"cardinality", "array_length", "map_size"}, {"element_at", "array_element", "map_element"},
                 {"reverse", "array_reverse", NULL},          {"concat", "array_concat", NULL},
                 {"size", "array_length", "map_size"}};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (!strview_equal_ci(strview(name), strview(names[i].name)))
            continue;
        if (type.kind == TYPE_ARRAY || (type.kind == TYPE_NULL && func_find(strview(name)) == NULL))
            return names[i].over_array;
        return type.kind == TYPE_MAP && names[i].over_map != NULL ? names[i].over_map : name;
    }
    return name;
}
