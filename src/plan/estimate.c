#include "plan/plan_int.h"

/* Cardinalities. Column bounds and distinct counts come with the scans and travel by column id; a
 * condition that nothing is known about keeps a third. */

#include <math.h>

#include "connector/connector.h"

static bool bounds_of(PlanContext *context, const Expr *expr, ColumnFacts **out)
{
    while (expr->kind == EXPR_CALL && expr->call.is_cast)
        expr = expr->arguments[0];
    if (expr->kind != EXPR_COLUMN)
        return false;
    *out = column_facts(context, expr->column.id);
    return true;
}

static double range_fraction(const ColumnFacts *facts, Int128 value, bool below)
{
    double span = (double)(facts->max - facts->min) + 1;
    double part = ((double)(value - facts->min) + 0.5) / span;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return below ? part : 1 - part;
}

static double comparison_selectivity(PlanContext *context, const Expr *call, const char *name)
{
    for (int side = 0; side < 2; side++) {
        ColumnFacts *facts;
        const Expr *value = call->arguments[1 - side];
        if (!bounds_of(context, call->arguments[side], &facts) || value->kind != EXPR_CONSTANT)
            continue;
        if (strcmp(name, "eq") == 0)
            return facts->distinct > 0 ? 1 / facts->distinct : 0.05;
        if (strcmp(name, "ne") == 0)
            return 0.9;
        bool comparable = facts->has_bounds && value->type.phys <= PHYS_I128 &&
                          type_equal(value->type, call->arguments[side]->type);
        if (!comparable)
            return 0.3;
        bool below = (name[0] == 'l') == (side == 0);
        return range_fraction(facts, value->constant.value.i128, below);
    }
    return strcmp(name, "eq") == 0 ? 0.1 : 0.3;
}

double selectivity(PlanContext *context, const Expr *conjunct)
{
    double kept = 1;
    switch ((ExprKind)conjunct->kind) {
    case EXPR_CONSTANT:
        return conjunct->constant.value.is_null || conjunct->constant.value.i64 == 0 ? 0 : 1;
    case EXPR_AND:
        for (uint32_t i = 0; i < conjunct->argument_count; i++)
            kept *= selectivity(context, conjunct->arguments[i]);
        return kept;
    case EXPR_OR:
        for (uint32_t i = 0; i < conjunct->argument_count; i++)
            kept *= 1 - selectivity(context, conjunct->arguments[i]);
        return 1 - kept;
    case EXPR_IN: {
        ColumnFacts *facts;
        double each = bounds_of(context, conjunct->arguments[0], &facts) && facts->distinct > 0 ? 1 / facts->distinct : 0.05;
        kept = MIN(each * (conjunct->argument_count - 1), 1.0);
        return conjunct->is_negated ? 1 - kept : kept;
    }
    case EXPR_CALL:
        break;
    default:
        return 0.3;
    }
    const char *name = conjunct->call.binding->def->name;
    if (strcmp(name, "not") == 0)
        return 1 - selectivity(context, conjunct->arguments[0]);
    if (strcmp(name, "like") == 0)
        return 0.05;
    if (strcmp(name, "is_null") == 0)
        return 0.05;
    if (strcmp(name, "is_not_null") == 0)
        return 0.95;
    return conjunct->argument_count == 2 ? comparison_selectivity(context, conjunct, name) : 0.3;
}

/* Conjuncts before one that are looked through for the other end of its range. */
enum { PAIR_DISTANCE = 64 };

/* Two ranges over one column are not independent: the pair keeps what lies between. */
static double conjunction(PlanContext *context, Expr *const *conjuncts, uint32_t count)
{
    double kept = 1;
    for (uint32_t i = 0; i < count; i++) {
        double one = selectivity(context, conjuncts[i]);
        double combined = kept * one;
        ColumnFacts *facts;
        for (uint32_t j = i > PAIR_DISTANCE ? i - PAIR_DISTANCE : 0; j < i; j++) {
            const Expr *a = conjuncts[i];
            const Expr *b = conjuncts[j];
            bool both_ranges = a->kind == EXPR_CALL && b->kind == EXPR_CALL && a->argument_count == 2 && b->argument_count == 2 &&
                               expr_equal(a->arguments[0], b->arguments[0]) && bounds_of(context, a->arguments[0], &facts);
            const char *an = a->kind == EXPR_CALL ? a->call.binding->def->name : "";
            const char *bn = b->kind == EXPR_CALL ? b->call.binding->def->name : "";
            if (both_ranges && ((an[0] == 'l' && bn[0] == 'g') || (an[0] == 'g' && bn[0] == 'l')) && an[1] != 'i' && bn[1] != 'i') {
                double other = selectivity(context, b);
                double between = one + other - 1;
                combined = kept / (other > 0 ? other : 1) * (between > 0.0005 ? between : 0.0005);
            }
        }
        kept = combined;
    }
    return kept;
}

static void scan_facts(PlanContext *context, const LogicalNode *node, double rows)
{
    const CatalogTable *table = node->scan.table;
    for (uint32_t i = 0; i < node->column_count; i++) {
        ColumnFacts *facts = column_facts(context, node->columns[i].id);
        ColumnStatistics statistics = {0};
        uint32_t ordinal = node->scan.ordinals[i];
        if (facts->distinct > 0)
            continue;
        if (context->statistics == NULL || ordinal == table->schema->column_count ||
            !context->statistics->column(context->statistics->context, table, ordinal, &statistics)) {
            facts->distinct = MAX(rows / 10, 1.0);
            continue;
        }
        facts->distinct = MAX(statistics.distinct, 1.0);
        facts->has_bounds = statistics.has_bounds && type_default_phys(node->columns[i].type) <= PHYS_I128;
        if (facts->has_bounds) {
            facts->min = statistics.min.i128;
            facts->max = statistics.max.i128;
        }
    }
}

static void estimate_scan(PlanContext *context, LogicalNode *node)
{
    double stored = (double)table_row_count(node->scan.table), rows = MAX(stored, 1.0);
    scan_facts(context, node, rows);
    double kept = rows * conjunction(context, node->scan.conjuncts, node->scan.conjunct_count);
    node->estimated_rows = MAX(kept, 1.0);
}

static double side_distinct(PlanContext *context, const Expr *expr, double rows)
{
    ColumnFacts *facts;
    if (bounds_of(context, expr, &facts) && facts->distinct > 0)
        return MIN(facts->distinct, MAX(rows, 1.0));
    return MAX(rows / 10, 1.0);
}

double join_cardinality(PlanContext *context, double left, double right, Expr *const *conjuncts, uint32_t count,
                        const IdSet *left_ids, const IdSet *right_ids)
{
    double rows = left * right;
    double largest = 1;
    for (uint32_t i = 0; i < count; i++) {
        Expr *a;
        Expr *b;
        bool null_safe;
        if (!is_equi(conjuncts[i], left_ids, right_ids, &a, &b, &null_safe)) {
            rows *= selectivity(context, conjuncts[i]);
            continue;
        }
        ColumnFacts *x;
        ColumnFacts *y;
        /* Base distinct counts: a filter on a key side keeps the others' share of matches. */
        double da = bounds_of(context, a, &x) && x->distinct > 0 ? x->distinct : side_distinct(context, a, left);
        double db = bounds_of(context, b, &y) && y->distinct > 0 ? y->distinct : side_distinct(context, b, right);
        double divisor = MAX(MAX(da, db), 1.0);
        rows /= i == 0 ? divisor : sqrt(divisor);
        largest = MAX(largest, divisor);
    }
    return MAX(rows, 1.0);
}

static void estimate_join(PlanContext *context, LogicalNode *node)
{
    double left = node->children[0]->estimated_rows;
    double right = node->children[1]->estimated_rows;
    IdSet left_ids = idset_new(context);
    IdSet right_ids = idset_new(context);
    idset_add_columns(context, &left_ids, node->children[0]);
    idset_add_columns(context, &right_ids, node->children[1]);
    double inner = join_cardinality(context, left, right, node->join.conjuncts, node->join.count, &left_ids, &right_ids);
    switch ((JoinKind)node->join.kind) {
    case JOIN_INNER:
    case JOIN_CROSS:
        node->estimated_rows = inner;
        return;
    case JOIN_LEFT:
        node->estimated_rows = MAX(inner, left);
        return;
    case JOIN_RIGHT:
        node->estimated_rows = MAX(inner, right);
        return;
    case JOIN_FULL:
        node->estimated_rows = MAX(inner, left + right);
        return;
    case JOIN_LEFT_SEMI:
        node->estimated_rows = MAX(MIN(inner, left) * 0.7, 1.0);
        return;
    case JOIN_RIGHT_SEMI:
        node->estimated_rows = MAX(MIN(inner, right) * 0.7, 1.0);
        return;
    case JOIN_LEFT_ANTI:
    case JOIN_NULL_AWARE_LEFT_ANTI:
        node->estimated_rows = MAX(left * 0.4, 1.0);
        return;
    case JOIN_RIGHT_ANTI:
        node->estimated_rows = MAX(right * 0.4, 1.0);
        return;
    case JOIN_ASOF_INNER:
        node->estimated_rows = MAX(MIN(inner, left), 1.0);
        return;
    case JOIN_ASOF_LEFT:
    case JOIN_LEFT_MARK:
    case JOIN_LEFT_SINGLE:
        node->estimated_rows = left;
        return;
    }
}

static void estimate_aggregate(PlanContext *context, LogicalNode *node)
{
    double rows = node->children[0]->estimated_rows;
    double groups = 1;
    for (uint32_t i = 0; i < node->aggregate.group_count; i++) {
        double distinct = side_distinct(context, node->aggregate.groups[i], rows);
        groups *= distinct;
        ColumnFacts *facts;
        ColumnFacts *target = column_facts(context, node->aggregate.group_ids[i]);
        if (target->distinct == 0 && bounds_of(context, node->aggregate.groups[i], &facts))
            *target = *facts;
    }
    node->estimated_rows = MAX(MIN(groups, rows), 1.0) * MAX(node->aggregate.set_count, 1u);
}

static void project_facts(PlanContext *context, LogicalNode *node)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        ColumnFacts *facts;
        ColumnFacts *target = column_facts(context, node->columns[i].id);
        if (target->distinct == 0 && bounds_of(context, node->project.exprs[i], &facts))
            *target = *facts;
    }
}

/* Integer constants as vectors of one value. */
static bool constant_integers(PlanContext *context, Expr *const *exprs, uint32_t count, Diag *diag, const Vector **out)
{
    for (uint32_t i = 0; i < count; i++) {
        Expr *folded;
        if (!type_is_integer(exprs[i]->type) || expr_fold(context->arena, context->session, exprs[i], diag, &folded) != OK ||
            folded->kind != EXPR_CONSTANT)
            return false;
        Vector *value = ARENA_NEW(context->arena, Vector);
        vector_set_constant(value, context->arena, folded->type, &folded->constant.value);
        out[i] = value;
    }
    return count > 0;
}

/* Rows that each input row yields: generate_series() of constants tells. */
static double table_function_yield(PlanContext *context, const LogicalNode *node)
{
    uint32_t count = node->table_function.argument_count;
    Diag ignored = {0};
    uint64_t rows = 10;
    const Vector **arguments = ARENA_NEW_ARRAY(context->arena, const Vector *, count + 1);
    FuncContext call = {.binding = node->table_function.binding, .session = context->session, .arena = context->arena, .diag = &ignored};
    bool is_known = constant_integers(context, node->table_function.arguments, count, &ignored, arguments) &&
                    call.binding->table->count(&call, arguments, count, 0, &rows) == OK;
    diag_reset(&ignored);
    return is_known ? MAX((double)rows, 1.0) : 10;
}

void estimate(PlanContext *context, LogicalNode *node)
{
    for (uint32_t i = 0; i < node->child_count; i++) {
        estimate(context, node->children[i]);
        if (node->kind == LOGICAL_RECURSIVE && i == 0)
            node->recursive.recursion->estimated_rows = node->children[0]->estimated_rows;
    }
    double child = node->child_count > 0 ? node->children[0]->estimated_rows : 1;
    switch ((LogicalKind)node->kind) {
    case LOGICAL_SCAN:
        estimate_scan(context, node);
        return;
    case LOGICAL_JOIN:
        estimate_join(context, node);
        return;
    case LOGICAL_AGGREGATE:
        estimate_aggregate(context, node);
        return;
    case LOGICAL_FILTER:
        child *= conjunction(context, node->filter.conjuncts, node->filter.count);
        node->estimated_rows = MAX(child, 1.0);
        return;
    case LOGICAL_PROJECT:
        project_facts(context, node);
        node->estimated_rows = child;
        return;
    case LOGICAL_LIMIT:
        node->estimated_rows = node->limit.limit >= 0 ? MIN(child, (double)node->limit.limit) : child;
        return;
    case LOGICAL_SORT:
        node->estimated_rows = node->sort.limit >= 0 ? MIN(child, (double)node->sort.limit) : child;
        return;
    case LOGICAL_SET:
        node->estimated_rows = child + (node->child_count > 1 ? node->children[1]->estimated_rows : 0);
        return;
    case LOGICAL_RECURSIVE:
        node->estimated_rows = child * 10;
        return;
    case LOGICAL_WORKING_TABLE:
        node->estimated_rows = MAX(node->working_table.recursion->estimated_rows, 1.0);
        return;
    case LOGICAL_VALUES:
        node->estimated_rows = node->values.row_count;
        return;
    case LOGICAL_TABLE_FUNCTION:
        node->estimated_rows = child * table_function_yield(context, node);
        return;
    case LOGICAL_CTE_REF:
        node->estimated_rows = MAX(node->cte_ref.cte->query->root->estimated_rows, 1.0);
        return;
    case LOGICAL_SYSTEM_SCAN:
        node->estimated_rows = node->system_scan.table->estimated_rows > 0 ? node->system_scan.table->estimated_rows : 100;
        return;
    case LOGICAL_WINDOW:
    case LOGICAL_ASSERT_ONE_ROW:
    case LOGICAL_EMPTY:
        node->estimated_rows = child;
        return;
    }
}
