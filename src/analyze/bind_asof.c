#include "analyze/analyze_int.h"

/* What the condition of an ASOF JOIN must be like: equalities between the sides, and exactly one of <, <=, > and >= between
 * them. Other conditions say which right rows may be the nearest. */

enum { SIDE_LEFT = 1, SIDE_RIGHT = 2 };

/* Which children's columns the expression uses. */
static uint32_t sides_of(const LogicalNode *join, const Expr *expr)
{
    uint32_t sides = 0;
    for (uint32_t s = 0; expr->kind == EXPR_COLUMN && s < 2; s++) {
        const LogicalNode *child = join->children[s];
        for (uint32_t i = 0; i < child->column_count; i++)
            sides |= child->columns[i].id == expr->column.id ? 1u << s : 0;
    }
    for (uint32_t i = 0; i < expr->argument_count; i++)
        sides |= sides_of(join, expr->arguments[i]);
    return sides;
}

static bool is_between_sides(const LogicalNode *join, const Expr *expr)
{
    if (expr->kind != EXPR_CALL || expr->argument_count != 2)
        return false;
    uint32_t a = sides_of(join, expr->arguments[0]), b = sides_of(join, expr->arguments[1]);
    return (a == SIDE_LEFT && b == SIDE_RIGHT) || (a == SIDE_RIGHT && b == SIDE_LEFT);
}

/* Values that have the order of integers of 64 bits. */
static bool may_be_nearest(Type type)
{
    bool is_number = type_is_integer(type) || type_is_float(type) || type.kind == TYPE_DECIMAL;
    return (is_number || type.kind == TYPE_DATE || type.kind == TYPE_DATETIME) && type_default_phys(type) != PHYS_I128;
}

Status check_asof(AnalyzeContext *context, StrView source, const AstRelation *ast, const LogicalNode *join)
{
    uint32_t equalities = 0, inequalities = 0;
    for (uint32_t i = 0; i < join->join.count; i++) {
        const Expr *conjunct = join->join.conjuncts[i];
        if (!is_between_sides(join, conjunct))
            continue;
        const char *name = conjunct->call.binding->def->name;
        if (strcmp(name, "eq") == 0 || strcmp(name, "eq_for_null") == 0) {
            equalities++;
        } else if (strcmp(name, "lt") == 0 || strcmp(name, "le") == 0 || strcmp(name, "gt") == 0 || strcmp(name, "ge") == 0) {
            inequalities++;
            if (!may_be_nearest(conjunct->arguments[0]->type))
                return analyze_error(context, source, ast->on->begin,
                                     "ASOF JOIN compares dates, times and numbers of up to 18 digits");
        }
    }
    uint32_t at = ast->on == NULL ? ast->begin : ast->on->begin;
    if (inequalities != 1)
        return analyze_error(context, source, at, "ASOF JOIN needs exactly one of <, <=, > and >= between its sides, but has %u", inequalities);
    if (equalities == 0)
        return analyze_error(context, source, at, "ASOF JOIN needs an equality between its sides");
    return OK;
}
