#include "plan/view_int.h"

/* Views by a unit of time: a coarser unit is the truncation of the finer one, and a bound that lies between two units
 * cuts no unit in two. */

bool is_truncation(const Expr *expr)
{
    return expr->kind == EXPR_CALL && expr->argument_count == 2 && strcmp(expr->call.binding->def->name, "date_trunc") == 0 &&
           expr->arguments[0]->kind == EXPR_CONSTANT && !expr->arguments[0]->constant.value.is_null;
}

/* Is every unit named by coarse made of whole units named by fine? Weeks are not parts of months. */
static bool is_made_of(StrView coarse, StrView fine)
{
    static const struct {
        const char *name;
        uint32_t rank;
        bool is_week;
    } units[] = {{"second", 1, false}, {"minute", 2, false}, {"hour", 3, false}, {"day", 4, false},
                 {"week", 5, true},    {"month", 5, false},  {"quarter", 6, false}, {"year", 7, false}};
    uint32_t coarse_at = COUNT_OF(units), fine_at = COUNT_OF(units);
    for (uint32_t i = 0; i < COUNT_OF(units); i++) {
        coarse_at = strview_equal_ci(coarse, strview(units[i].name)) ? i : coarse_at;
        fine_at = strview_equal_ci(fine, strview(units[i].name)) ? i : fine_at;
    }
    if (coarse_at == COUNT_OF(units) || fine_at == COUNT_OF(units))
        return false;
    return coarse_at == fine_at || (units[coarse_at].rank > units[fine_at].rank && !units[fine_at].is_week);
}

/* A date that was made a time of day 0 is the same date. */
static const Expr *plain_time(const Expr *expr)
{
    while (expr->kind == EXPR_CALL && expr->call.is_cast && expr->type.kind == TYPE_DATETIME && expr->arguments[0]->type.kind == TYPE_DATE)
        expr = expr->arguments[0];
    return expr;
}

bool same_time(const Expr *a, const Expr *b)
{
    return expr_equal(plain_time(a), plain_time(b));
}

static StrView unit_of(const Expr *truncation)
{
    return str_view(&truncation->arguments[0]->constant.value.str);
}

Expr *time_call(ViewMatch *match, const char *name, Expr *a, Expr *b)
{
    Diag ignored = {0};
    Expr *result, **arguments = ARENA_NEW_ARRAY(match->context->arena, Expr *, 2);
    arguments[0] = a;
    arguments[1] = b;
    return expr_call_by_name(match->context->arena, match->context->session, name, arguments, 2, &ignored, &result) == OK ? result : NULL;
}

static Expr *coarser(ViewMatch *match, Expr *const *outputs, const Expr *wanted)
{
    Diag ignored = {0};
    Expr *result;
    for (uint32_t i = 0; i < match->shape->output_count; i++) {
        const Expr *have = outputs[i];
        if (have == NULL || !is_truncation(have) || !same_time(have->arguments[1], wanted->arguments[1]) ||
            !is_made_of(unit_of(wanted), unit_of(have)))
            continue;
        Expr *truncated = time_call(match, "date_trunc", wanted->arguments[0], view_column(match, i));
        if (truncated != NULL && expr_cast(match->context->arena, truncated, wanted->type, true, &ignored, &result) == OK)
            return result;
    }
    return NULL;
}

/* Is the constant the beginning of a unit? */
static bool is_boundary(ViewMatch *match, Expr *unit, Expr *constant)
{
    Diag ignored = {0};
    Expr *folded, *cast, *truncated = time_call(match, "date_trunc", unit, constant);
    return truncated != NULL && expr_fold(match->context->arena, match->context->session, truncated, &ignored, &folded) == OK &&
           expr_cast(match->context->arena, folded, constant->type, true, &ignored, &cast) == OK &&
           expr_fold(match->context->arena, match->context->session, cast, &ignored, &folded) == OK && expr_equal(folded, constant);
}

/* time >= boundary and time < boundary hold for whole units. */
static Expr *bound(ViewMatch *match, Expr *const *outputs, const Expr *wanted)
{
    const char *name = wanted->call.binding->def->name;
    Expr *constant = wanted->argument_count == 2 ? wanted->arguments[1] : NULL;
    bool fits = constant != NULL && constant->kind == EXPR_CONSTANT && !constant->constant.value.is_null && type_is_date(constant->type) &&
                (strcmp(name, "ge") == 0 || strcmp(name, "lt") == 0);
    for (uint32_t i = 0; fits && i < match->shape->output_count; i++) {
        const Expr *have = outputs[i];
        if (have != NULL && is_truncation(have) && same_time(have->arguments[1], wanted->arguments[0]) &&
            is_boundary(match, have->arguments[0], constant))
            return time_call(match, name, view_column(match, i), constant);
    }
    return NULL;
}

Expr *view_time(ViewMatch *match, const Expr *wanted, bool by_query)
{
    Expr *const *outputs = by_query ? match->outputs : match->view_outputs;
    if (wanted->kind != EXPR_CALL)
        return NULL;
    return is_truncation(wanted) ? coarser(match, outputs, wanted) : bound(match, outputs, wanted);
}
