#include "plan/plan_int.h"

/* Filters sink as far as they can: through projections (by substitution), into join sides, below
 * aggregates on group keys, into set operations and scans. On the way outer joins that a filter makes
 * inner become inner, and ORs give up what all their branches share. */

static Status push(PlanContext *context, LogicalNode **in_out, ConjunctList *list);

typedef struct Substitution {
    PlanContext *context;
    const LogicalNode *node; /* PROJECT or AGGREGATE */
} Substitution;

static Expr *substitute_one(void *opaque, Expr *expr)
{
    Substitution *s = opaque;
    if (expr->kind != EXPR_COLUMN)
        return expr;
    const LogicalNode *node = s->node;
    if (node->kind == LOGICAL_PROJECT) {
        for (uint32_t i = 0; i < node->column_count; i++) {
            if (node->columns[i].id == expr->column.id)
                return expr_clone(s->context->arena, node->project.exprs[i]);
        }
        return expr;
    }
    for (uint32_t g = 0; g < node->aggregate.group_count; g++) {
        if (node->aggregate.group_ids[g] == expr->column.id)
            return expr_clone(s->context->arena, node->aggregate.groups[g]);
    }
    return expr;
}

static Expr *substitute(PlanContext *context, const LogicalNode *node, const Expr *expr)
{
    Substitution s = {context, node};
    return expr_rewrite(expr_clone(context->arena, expr), substitute_one, &s);
}

static Status filter_above(PlanContext *context, LogicalNode **in_out, ConjunctList *list)
{
    *in_out = make_filter(context, *in_out, list);
    return OK;
}

static Status push_project(PlanContext *context, LogicalNode *node, ConjunctList *list, ConjunctList *stays)
{
    ConjunctList below = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        Expr *moved = substitute(context, node, list->items[i]);
        if (expr_is_deterministic(moved))
            push_conjunct(context, &below, moved);
        else
            ARRAY_PUSH(context->arena, stays, list->items[i]);
    }
    return push(context, &node->children[0], &below);
}

static Status push_aggregate(PlanContext *context, LogicalNode *node, ConjunctList *list, ConjunctList *stays)
{
    ConjunctList below = {0};
    IdSet keys = idset_new(context);
    for (uint32_t g = 0; g < node->aggregate.group_count; g++)
        idset_add(context, &keys, node->aggregate.group_ids[g]);
    for (uint32_t i = 0; i < list->count; i++) {
        bool moves = node->aggregate.sets == NULL && node->aggregate.group_count > 0 &&
                     idset_covers(&keys, list->items[i]) && idset_touches(&keys, list->items[i]);
        if (moves)
            push_conjunct(context, &below, substitute(context, node, list->items[i]));
        else
            ARRAY_PUSH(context->arena, stays, list->items[i]);
    }
    return push(context, &node->children[0], &below);
}

/* (a AND x) OR (a AND y) = a AND (x OR y); then a condition a side: OR of what each branch says of it. */
static void factor_or(PlanContext *context, Expr *expr, ConjunctList *out)
{
    const Expr *first = expr->arguments[0];
    uint32_t terms = first->kind == EXPR_AND ? first->argument_count : 1;
    ConjunctList common = {0};
    for (uint32_t t = 0; t < terms; t++) {
        Expr *candidate = first->kind == EXPR_AND ? first->arguments[t] : expr->arguments[0];
        bool everywhere = true;
        for (uint32_t b = 1; b < expr->argument_count && everywhere; b++) {
            const Expr *branch = expr->arguments[b];
            bool found = expr_equal(branch, candidate);
            for (uint32_t i = 0; branch->kind == EXPR_AND && i < branch->argument_count; i++)
                found |= expr_equal(branch->arguments[i], candidate);
            everywhere = found;
        }
        if (everywhere)
            ARRAY_PUSH(context->arena, &common, candidate);
    }
    for (uint32_t i = 0; i < common.count; i++)
        push_conjunct(context, out, common.items[i]);
    if (common.count == 0) {
        ARRAY_PUSH(context->arena, out, expr);
        return;
    }
    Expr **branches = ARENA_NEW_ARRAY(context->arena, Expr *, expr->argument_count);
    for (uint32_t b = 0; b < expr->argument_count; b++) {
        ConjunctList rest = {0};
        Expr *branch = expr->arguments[b];
        uint32_t count = branch->kind == EXPR_AND ? branch->argument_count : 1;
        for (uint32_t i = 0; i < count; i++) {
            Expr *term = branch->kind == EXPR_AND ? branch->arguments[i] : branch;
            bool is_common = false;
            for (uint32_t c = 0; c < common.count; c++)
                is_common |= expr_equal(common.items[c], term);
            if (!is_common)
                ARRAY_PUSH(context->arena, &rest, term);
        }
        if (rest.count == 0)
            return;
        branches[b] = expr_and(context->arena, rest.items, rest.count);
    }
    ARRAY_PUSH(context->arena, out, expr_or(context->arena, branches, expr->argument_count));
}

/* What an OR over both sides implies for one side alone; NULL: nothing. */
static Expr *one_sided(PlanContext *context, const Expr *expr, const IdSet *side)
{
    Expr **branches = ARENA_NEW_ARRAY(context->arena, Expr *, expr->argument_count);
    for (uint32_t b = 0; b < expr->argument_count; b++) {
        ConjunctList kept = {0};
        Expr *branch = expr->arguments[b];
        uint32_t count = branch->kind == EXPR_AND ? branch->argument_count : 1;
        for (uint32_t i = 0; i < count; i++) {
            Expr *term = branch->kind == EXPR_AND ? branch->arguments[i] : branch;
            if (idset_covers(side, term) && idset_touches(side, term) && !expr_can_raise(term))
                ARRAY_PUSH(context->arena, &kept, expr_clone(context->arena, term));
        }
        if (kept.count == 0)
            return NULL;
        branches[b] = expr_and(context->arena, kept.items, kept.count);
    }
    return expr_or(context->arena, branches, expr->argument_count);
}

/* Is the conjunct never TRUE when all columns of the side are NULL? Comparisons and their likes. */
static bool rejects_nulls(const Expr *expr, const IdSet *side)
{
    if (!idset_touches(side, expr))
        return false;
    if (expr->kind == EXPR_AND || expr->kind == EXPR_OR) {
        bool all = true, any = false;
        for (uint32_t i = 0; i < expr->argument_count; i++) {
            bool one = rejects_nulls(expr->arguments[i], side);
            all &= one;
            any |= one;
        }
        return expr->kind == EXPR_AND ? any : all;
    }
    if (expr->kind == EXPR_IN)
        return expr->arguments[0]->kind == EXPR_COLUMN;
    if (expr->kind != EXPR_CALL)
        return false;
    const char *name = expr->call.binding->def->name;
    if (strcmp(name, "is_not_null") == 0)
        return expr->arguments[0]->kind == EXPR_COLUMN;
    if ((expr->call.binding->flags & FUNC_NULL_IF_ANY_NULL) == 0)
        return false;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        const Expr *argument = expr->arguments[i];
        while (argument->kind == EXPR_CALL && (argument->call.binding->flags & FUNC_NULL_IF_ANY_NULL) != 0 &&
               argument->argument_count > 0)
            argument = argument->arguments[0];
        if (argument->kind == EXPR_COLUMN && idset_has(side, argument->column.id))
            return true;
    }
    return false;
}

static void strengthen(LogicalNode *node, const ConjunctList *list, const IdSet *left, const IdSet *right)
{
    for (uint32_t i = 0; i < list->count; i++) {
        bool kills_right = rejects_nulls(list->items[i], right);
        bool kills_left = rejects_nulls(list->items[i], left);
        if (node->join.kind == JOIN_LEFT && kills_right)
            node->join.kind = JOIN_INNER;
        else if (node->join.kind == JOIN_ASOF_LEFT && kills_right)
            node->join.kind = JOIN_ASOF_INNER;
        else if (node->join.kind == JOIN_RIGHT && kills_left)
            node->join.kind = JOIN_INNER;
        else if (node->join.kind == JOIN_FULL && (kills_left || kills_right))
            node->join.kind = kills_left && kills_right ? JOIN_INNER : kills_left ? JOIN_LEFT : JOIN_RIGHT;
    }
}

static void sort_inner(PlanContext *context, ConjunctList *all, const IdSet *left, const IdSet *right, ConjunctList *to_left,
                       ConjunctList *to_right, ConjunctList *stays)
{
    ConjunctList factored = {0};
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->items[i]->kind == EXPR_OR)
            factor_or(context, all->items[i], &factored);
        else
            ARRAY_PUSH(context->arena, &factored, all->items[i]);
    }
    for (uint32_t i = 0; i < factored.count; i++) {
        Expr *conjunct = factored.items[i];
        if (idset_covers(left, conjunct)) {
            ARRAY_PUSH(context->arena, to_left, conjunct);
            continue;
        }
        if (idset_covers(right, conjunct)) {
            ARRAY_PUSH(context->arena, to_right, conjunct);
            continue;
        }
        ARRAY_PUSH(context->arena, stays, conjunct);
        Expr *implied = conjunct->kind == EXPR_OR ? one_sided(context, conjunct, left) : NULL;
        if (implied != NULL)
            ARRAY_PUSH(context->arena, to_left, implied);
        implied = conjunct->kind == EXPR_OR ? one_sided(context, conjunct, right) : NULL;
        if (implied != NULL)
            ARRAY_PUSH(context->arena, to_right, implied);
    }
}

static Status push_inner(PlanContext *context, LogicalNode *node, ConjunctList *list, const IdSet *left, const IdSet *right)
{
    ConjunctList all = *list, to_left = {0}, to_right = {0}, stays = {0};
    for (uint32_t i = 0; i < node->join.count; i++)
        push_conjunct(context, &all, node->join.conjuncts[i]);
    sort_inner(context, &all, left, right, &to_left, &to_right, &stays);
    TRY(push(context, &node->children[0], &to_left));
    TRY(push(context, &node->children[1], &to_right));
    node->join.conjuncts = stays.items;
    node->join.count = stays.count;
    node->join.kind = stays.count == 0 ? JOIN_CROSS : JOIN_INNER;
    list->count = 0;
    join_output(context, node);
    return OK;
}

/* One side is preserved: filters on it go down, ON conditions over the other side go down there. */
static Status push_outer(PlanContext *context, LogicalNode *node, ConjunctList *list, const IdSet *left, const IdSet *right,
                         ConjunctList *above)
{
    JoinKind kind = (JoinKind)node->join.kind;
    bool keeps_left = kind != JOIN_RIGHT && kind != JOIN_FULL && kind != JOIN_RIGHT_SEMI && kind != JOIN_RIGHT_ANTI;
    bool keeps_right = kind == JOIN_RIGHT || kind == JOIN_RIGHT_SEMI || kind == JOIN_RIGHT_ANTI;
    bool is_semi = kind == JOIN_LEFT_SEMI || kind == JOIN_RIGHT_SEMI;
    ConjunctList to_left = {0}, to_right = {0}, on = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        if (keeps_left && idset_covers(left, list->items[i]))
            ARRAY_PUSH(context->arena, &to_left, list->items[i]);
        else if (keeps_right && idset_covers(right, list->items[i]))
            ARRAY_PUSH(context->arena, &to_right, list->items[i]);
        else
            ARRAY_PUSH(context->arena, above, list->items[i]);
    }
    for (uint32_t i = 0; i < node->join.count; i++) {
        Expr *conjunct = node->join.conjuncts[i];
        bool is_in = i < node->join.in_count;
        if (!is_in && (keeps_left || is_semi) && kind != JOIN_FULL && idset_covers(right, conjunct) && !keeps_right)
            ARRAY_PUSH(context->arena, &to_right, conjunct);
        else if (!is_in && keeps_right && idset_covers(left, conjunct))
            ARRAY_PUSH(context->arena, &to_left, conjunct);
        else if (is_semi && idset_covers(left, conjunct))
            ARRAY_PUSH(context->arena, &to_left, conjunct);
        else
            ARRAY_PUSH(context->arena, &on, conjunct);
    }
    TRY(push(context, &node->children[0], &to_left));
    TRY(push(context, &node->children[1], &to_right));
    node->join.conjuncts = on.items;
    node->join.count = on.count;
    join_output(context, node);
    return OK;
}

static Status push_join(PlanContext *context, LogicalNode *node, ConjunctList *list, ConjunctList *above)
{
    IdSet left = idset_new(context);
    IdSet right = idset_new(context);
    idset_add_columns(context, &left, node->children[0]);
    idset_add_columns(context, &right, node->children[1]);
    strengthen(node, list, &left, &right);
    if (node->join.kind == JOIN_INNER || node->join.kind == JOIN_CROSS)
        return push_inner(context, node, list, &left, &right);
    return push_outer(context, node, list, &left, &right, above);
}

static Status push_set(PlanContext *context, LogicalNode *node, ConjunctList *list)
{
    for (uint32_t c = 0; c < node->child_count; c++) {
        ConjunctList below = {0};
        LogicalNode mapping = {.kind = LOGICAL_PROJECT, .column_count = node->column_count, .columns = node->columns};
        mapping.project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(node->column_count, 1u));
        for (uint32_t i = 0; i < node->column_count; i++)
            mapping.project.exprs[i] = expr_column(context->arena, node->set.inputs[c][i], node->columns[i].type,
                                                   node->columns[i].is_nullable, node->columns[i].name);
        for (uint32_t i = 0; i < list->count; i++)
            push_conjunct(context, &below, substitute(context, &mapping, list->items[i]));
        TRY(push(context, &node->children[c], &below));
    }
    return OK;
}

static void push_scan(PlanContext *context, LogicalNode *node, const ConjunctList *list)
{
    uint32_t count = node->scan.conjunct_count + list->count;
    Expr **all = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(count, 1u));
    memcpy(all, node->scan.conjuncts, node->scan.conjunct_count * sizeof(*all));
    memcpy(all + node->scan.conjunct_count, list->items, list->count * sizeof(*all));
    node->scan.conjuncts = all;
    node->scan.conjunct_count = count;
}

static Status push_children(PlanContext *context, LogicalNode *node)
{
    for (uint32_t i = 0; i < node->child_count; i++) {
        ConjunctList none = {0};
        TRY(push(context, &node->children[i], &none));
    }
    return OK;
}

static Status fold_list(PlanContext *context, ConjunctList *list)
{
    ConjunctList folded = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        Expr *expr;
        TRY(expr_fold(context->arena, context->session, list->items[i], context->diag, &expr));
        push_conjunct(context, &folded, expr);
    }
    *list = folded;
    return OK;
}

static Status push(PlanContext *context, LogicalNode **in_out, ConjunctList *list)
{
    LogicalNode *node = *in_out;
    ConjunctList stays = {0};
    TRY(fold_list(context, list));
    switch ((LogicalKind)node->kind) {
    case LOGICAL_FILTER:
        for (uint32_t i = 0; i < node->filter.count; i++)
            push_conjunct(context, list, node->filter.conjuncts[i]);
        *in_out = node->children[0];
        return push(context, in_out, list);
    case LOGICAL_PROJECT:
        TRY(push_project(context, node, list, &stays));
        return filter_above(context, in_out, &stays);
    case LOGICAL_AGGREGATE:
        TRY(push_aggregate(context, node, list, &stays));
        return filter_above(context, in_out, &stays);
    case LOGICAL_JOIN:
        TRY(push_join(context, node, list, &stays));
        return filter_above(context, in_out, &stays);
    case LOGICAL_SORT:
        if (node->sort.limit < 0) {
            TRY(push(context, &node->children[0], list));
            return OK;
        }
        break;
    case LOGICAL_SET:
        if (node->set.kind == SET_UNION_ALL)
            return push_set(context, node, list);
        break;
    case LOGICAL_SCAN:
        push_scan(context, node, list);
        return OK;
    case LOGICAL_SYSTEM_SCAN: /* it may leave out what the filter above it drops anyway */
        node->system_scan.conjuncts = list->items;
        node->system_scan.conjunct_count = list->count;
        break;
    case LOGICAL_TABLE_FUNCTION:
    case LOGICAL_VALUES:
    case LOGICAL_WINDOW:
    case LOGICAL_LIMIT:
    case LOGICAL_CTE_REF:
    case LOGICAL_RECURSIVE:
    case LOGICAL_WORKING_TABLE:
    case LOGICAL_ASSERT_ONE_ROW:
    case LOGICAL_EMPTY:
        break;
    }
    TRY(push_children(context, node));
    return filter_above(context, in_out, list);
}

Status push_filters(PlanContext *context, LogicalNode **in_out)
{
    ConjunctList none = {0};
    return push(context, in_out, &none);
}
