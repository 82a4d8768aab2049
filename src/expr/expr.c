#include "expr/expr.h"

/* Construction and walking of bound expressions. Everything is allocated in the statement arena;
 * rewriting replaces child pointers in place, so a shared sub-tree must be cloned first. */

#include "base/hash.h"
#include "func/agg_state.h"

static Expr *new_expr(Arena *arena, ExprKind kind, Type type, bool is_nullable)
{
    Expr *expr = ARENA_NEW(arena, Expr);
    expr->kind = (uint8_t)kind;
    expr->type = type;
    expr->is_nullable = is_nullable;
    return expr;
}

Expr *expr_constant(Arena *arena, Type type, Datum value)
{
    Expr *expr = new_expr(arena, EXPR_CONSTANT, type, value.is_null);
    expr->constant.value = value;
    return expr;
}

Expr *expr_bool(Arena *arena, bool value)
{
    return expr_constant(arena, type_of(TYPE_BOOLEAN), datum_i64(value));
}

Expr *expr_null(Arena *arena, Type type)
{
    return expr_constant(arena, type, datum_null());
}

Expr *expr_column(Arena *arena, ColumnId id, Type type, bool is_nullable, StrView name)
{
    Expr *expr = new_expr(arena, EXPR_COLUMN, type, is_nullable);
    expr->column.id = id;
    expr->column.name = name;
    return expr;
}

static bool any_nullable(Expr *const *arguments, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (arguments[i]->is_nullable)
            return true;
    }
    return false;
}

Expr *expr_call(Arena *arena, const FuncBinding *binding, Expr **arguments, uint32_t count)
{
    bool is_nullable = true;
    if ((binding->flags & FUNC_NEVER_NULL) != 0)
        is_nullable = false;
    Expr *expr = new_expr(arena, EXPR_CALL, binding->result, is_nullable);
    expr->call.binding = binding;
    expr->arguments = arguments;
    expr->argument_count = count;
    return expr;
}

Status expr_call_by_name(Arena *arena, const FuncSession *session, const char *name,
                         Expr **arguments, uint32_t count, Diag *diag, Expr **out_expr)
{
    Type *types = ARENA_NEW_ARRAY(arena, Type, count);
    const Datum **constants = ARENA_NEW_ARRAY(arena, const Datum *, count);
    for (uint32_t i = 0; i < count; i++) {
        types[i] = arguments[i]->type;
        if (arguments[i]->kind == EXPR_CONSTANT)
            constants[i] = &arguments[i]->constant.value;
    }
    FuncBindRequest request = {.name = strview(name),
                               .types = types,
                               .constants = constants,
                               .count = count,
                               .session = session,
                               .arena = arena,
                               .diag = diag};
    FuncBinding *binding = ARENA_NEW(arena, FuncBinding);
    TRY(func_resolve(&request, binding));
    Expr **cast = ARENA_NEW_ARRAY(arena, Expr *, count);
    for (uint32_t i = 0; i < count; i++)
        TRY(expr_cast(arena, arguments[i], binding->argument_types[i], true, diag, &cast[i]));
    *out_expr = expr_call(arena, binding, cast, count);
    if ((binding->flags & FUNC_NULL_IF_ANY_NULL) != 0 && (binding->flags & FUNC_NEVER_NULL) != 0)
        (*out_expr)->is_nullable = any_nullable(cast, count);
    return OK;
}

static Status no_state(Type source, Type target, Diag *diag)
{
    AUTO_BYTEBUF from = {0};
    AUTO_BYTEBUF to = {0};
    if (type_is_state(source))
        type_state_print(source, &from);
    else
        type_print(source, &from);
    type_state_print(target, &to);
    return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: %s is no state of %s.", from.data, to.data);
}

static Status make_cast(Arena *arena, Expr *expr, Type target, bool is_try, Diag *diag, Expr **out_expr)
{
    *out_expr = expr;
    bool is_null = expr->kind == EXPR_CONSTANT && expr->constant.value.is_null;
    bool needs_state = type_is_state(target) && !is_null && expr->type.kind != TYPE_NULL;
    if (needs_state && !type_same_state(expr->type, target) && !func_state_fits(target, expr->type, arena))
        return no_state(expr->type, target, diag);
    if (type_equal(expr->type, target) && expr->type.phys == target.phys)
        return OK;
    if (is_null) {
        *out_expr = expr_null(arena, target);
        return OK;
    }
    FuncBinding *binding = ARENA_NEW(arena, FuncBinding);
    TRY(cast_resolve(expr->type, target, is_try, arena, diag, binding));
    Expr **arguments = ARENA_NEW_ARRAY(arena, Expr *, 1);
    arguments[0] = expr;
    Expr *cast = expr_call(arena, binding, arguments, 1);
    cast->call.is_cast = true;
    if ((binding->flags & FUNC_NEVER_NULL) != 0)
        cast->is_nullable = expr->is_nullable;
    *out_expr = cast;
    return OK;
}

Status expr_cast(Arena *arena, Expr *expr, Type target, bool is_implicit, Diag *diag,
                 Expr **out_expr)
{
    TRY(make_cast(arena, expr, target, false, diag, out_expr));
    if (*out_expr != expr && (*out_expr)->kind == EXPR_CALL)
        (*out_expr)->call.is_implicit = is_implicit;
    return OK;
}

Status expr_try_cast(Arena *arena, Expr *expr, Type target, Diag *diag, Expr **out_expr)
{
    return make_cast(arena, expr, target, true, diag, out_expr);
}

static Expr *junction(Arena *arena, ExprKind kind, Expr **terms, uint32_t count)
{
    if (count == 1)
        return terms[0];
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += terms[i]->kind == kind ? terms[i]->argument_count : 1;
    Expr **flat = ARENA_NEW_ARRAY(arena, Expr *, total);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (terms[i]->kind != kind) {
            flat[n++] = terms[i];
            continue;
        }
        for (uint32_t j = 0; j < terms[i]->argument_count; j++)
            flat[n++] = terms[i]->arguments[j];
    }
    Expr *expr = new_expr(arena, kind, type_of(TYPE_BOOLEAN), any_nullable(flat, n));
    expr->arguments = flat;
    expr->argument_count = n;
    return expr;
}

Expr *expr_and(Arena *arena, Expr **terms, uint32_t count)
{
    return count == 0 ? expr_bool(arena, true) : junction(arena, EXPR_AND, terms, count);
}

Expr *expr_or(Arena *arena, Expr **terms, uint32_t count)
{
    return count == 0 ? expr_bool(arena, false) : junction(arena, EXPR_OR, terms, count);
}

Status expr_not(Arena *arena, const FuncSession *session, Expr *expr, Diag *diag, Expr **out_expr)
{
    if (expr->kind == EXPR_IN) {
        Expr *negated = expr_clone(arena, expr);
        negated->is_negated = !negated->is_negated;
        *out_expr = negated;
        return OK;
    }
    Expr **arguments = ARENA_NEW_ARRAY(arena, Expr *, 1);
    arguments[0] = expr;
    return expr_call_by_name(arena, session, "not", arguments, 1, diag, out_expr);
}

/* Of calls with equal arguments. A binding's data is made of the definition, the argument types and the
 * constants among the arguments, so it needs no comparison. */
static bool binding_equal(const FuncBinding *a, const FuncBinding *b)
{
    return a == b || (a->def == b->def && a->kernel == b->kernel && a->flags == b->flags &&
                      a->table == b->table && type_equal(a->result, b->result) &&
                      a->result.phys == b->result.phys);
}

/* Lambdas around two expressions that are compared: their parameters correspond by place. */
typedef struct LambdaPair {
    const struct LambdaPair *outer;
    const Expr *a, *b;
} LambdaPair;

static bool same_parameter(const LambdaPair *pair, ColumnId a, ColumnId b)
{
    for (; pair != NULL; pair = pair->outer) {
        for (uint32_t i = 0; i < pair->a->lambda.parameter_count; i++) {
            if (pair->a->lambda.parameters[i] == a)
                return pair->b->lambda.parameters[i] == b;
        }
    }
    return a == b;
}

static bool payload_equal(const Expr *a, const Expr *b, const LambdaPair *pair)
{
    switch ((ExprKind)a->kind) {
    case EXPR_CONSTANT:
        if (a->constant.value.is_null || b->constant.value.is_null)
            return a->constant.value.is_null && b->constant.value.is_null;
        return datum_compare(a->type, &a->constant.value, &b->constant.value) == 0;
    case EXPR_COLUMN:
        return a->column.id == b->column.id && a->column.slot == b->column.slot;
    case EXPR_ARGUMENT:
        return same_parameter(pair, a->column.id, b->column.id);
    case EXPR_CALL:
        return binding_equal(a->call.binding, b->call.binding);
    case EXPR_PARAMETER:
        return a->parameter.index == b->parameter.index;
    case EXPR_SUBQUERY:
        return a->subquery.query == b->subquery.query;
    case EXPR_LAMBDA:
        return a->lambda.parameter_count == b->lambda.parameter_count;
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_CASE:
    case EXPR_IN:
        return true;
    }
    UNREACHABLE();
}

static bool equal_inside(const Expr *a, const Expr *b, const LambdaPair *pair)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->is_negated != b->is_negated ||
        a->argument_count != b->argument_count || a->type.phys != b->type.phys ||
        !type_equal(a->type, b->type) || !payload_equal(a, b, pair))
        return false;
    LambdaPair inner = {pair, a, b};
    for (uint32_t i = 0; i < a->argument_count; i++) {
        if (!equal_inside(a->arguments[i], b->arguments[i], a->kind == EXPR_LAMBDA ? &inner : pair))
            return false;
    }
    return true;
}

bool expr_equal(const Expr *a, const Expr *b)
{
    return equal_inside(a, b, NULL);
}

uint64_t expr_hash(const Expr *expr)
{
    uint64_t hash = hash_u64(expr->kind * 31u + expr->type.kind);
    if (expr->kind == EXPR_COLUMN)
        hash = hash_combine(hash, expr->column.id * 4099u + expr->column.slot);
    if (expr->kind == EXPR_CALL)
        hash = hash_combine(hash, (uintptr_t)expr->call.binding->def);
    if (expr->kind == EXPR_CONSTANT && !expr->constant.value.is_null &&
        expr->type.phys != PHYS_STR && !type_is_nested(expr->type))
        hash = hash_combine(hash, (uint64_t)expr->constant.value.i64);
    for (uint32_t i = 0; i < expr->argument_count; i++)
        hash = hash_combine(hash, expr_hash(expr->arguments[i]));
    return hash;
}

Expr *expr_clone(Arena *arena, const Expr *expr)
{
    Expr *copy = ARENA_NEW(arena, Expr);
    *copy = *expr;
    copy->arguments = ARENA_NEW_ARRAY(arena, Expr *, expr->argument_count);
    for (uint32_t i = 0; i < expr->argument_count; i++)
        copy->arguments[i] = expr_clone(arena, expr->arguments[i]);
    return copy;
}

bool expr_is_constant(const Expr *expr, Datum *out_value)
{
    if (expr->kind != EXPR_CONSTANT)
        return false;
    if (out_value != NULL)
        *out_value = expr->constant.value;
    return true;
}

/* True when any call in the tree carries one of the flags. */
static bool has_flag(const Expr *expr, uint32_t flags)
{
    if (expr->kind == EXPR_CALL && (expr->call.binding->flags & flags) != 0)
        return true;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (has_flag(expr->arguments[i], flags))
            return true;
    }
    return false;
}

bool expr_is_deterministic(const Expr *expr)
{
    return !has_flag(expr, FUNC_VOLATILE);
}

bool expr_can_raise(const Expr *expr)
{
    return has_flag(expr, FUNC_CAN_RAISE);
}

void expr_walk(Expr *expr, bool (*visit)(void *context, Expr *node), void *context)
{
    if (!visit(context, expr))
        return;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        expr_walk(expr->arguments[i], visit, context);
}

Expr *expr_rewrite(Expr *expr, Expr *(*replace)(void *context, Expr *node), void *context)
{
    for (uint32_t i = 0; i < expr->argument_count; i++)
        expr->arguments[i] = expr_rewrite(expr->arguments[i], replace, context);
    return replace(context, expr);
}
