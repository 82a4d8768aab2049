#include "plan/plan_int.h"

/* Column sets and small builders of logical nodes. */

IdSet idset_new(PlanContext *context)
{
    uint32_t words = context->ids->next / 64 + 2;
    return (IdSet){ARENA_NEW_ARRAY(context->arena, uint64_t, words), words};
}

void idset_add(PlanContext *context, IdSet *set, ColumnId id)
{
    uint32_t word = id / 64;
    if (word >= set->word_count) {
        uint64_t *grown = ARENA_NEW_ARRAY(context->arena, uint64_t, word * 2 + 2);
        memcpy(grown, set->words, set->word_count * sizeof(*grown));
        set->words = grown;
        set->word_count = word * 2 + 2;
    }
    set->words[word] |= (uint64_t)1 << (id % 64);
}

bool idset_has(const IdSet *set, ColumnId id)
{
    return id / 64 < set->word_count && ((set->words[id / 64] >> (id % 64)) & 1) != 0;
}

void idset_add_columns(PlanContext *context, IdSet *set, const LogicalNode *node)
{
    for (uint32_t i = 0; i < node->column_count; i++)
        idset_add(context, set, node->columns[i].id);
}

void idset_add_expr(PlanContext *context, IdSet *set, const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        idset_add(context, set, expr->column.id);
    for (uint32_t i = 0; i < expr->argument_count; i++)
        idset_add_expr(context, set, expr->arguments[i]);
}

bool idset_covers(const IdSet *set, const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        return idset_has(set, expr->column.id);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (!idset_covers(set, expr->arguments[i]))
            return false;
    }
    return true;
}

bool idset_touches(const IdSet *set, const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        return idset_has(set, expr->column.id);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (idset_touches(set, expr->arguments[i]))
            return true;
    }
    return false;
}

void push_conjunct(PlanContext *context, ConjunctList *list, Expr *expr)
{
    if (expr->kind == EXPR_AND) {
        for (uint32_t i = 0; i < expr->argument_count; i++)
            push_conjunct(context, list, expr->arguments[i]);
        return;
    }
    if (expr->kind == EXPR_CONSTANT && !expr->constant.value.is_null && expr->constant.value.i64 != 0)
        return;
    ARRAY_PUSH(context->arena, list, expr);
}

LogicalNode *make_node(PlanContext *context, LogicalKind kind, LogicalNode *left, LogicalNode *right)
{
    LogicalNode *node = ARENA_NEW(context->arena, LogicalNode);
    node->kind = (uint8_t)kind;
    node->estimated_rows = -1;
    node->children = ARENA_NEW_ARRAY(context->arena, LogicalNode *, 2);
    node->children[0] = left;
    node->children[1] = right;
    node->child_count = (left != NULL) + (right != NULL);
    return node;
}

void copy_columns(PlanContext *context, LogicalNode *node, const LogicalNode *child)
{
    node->column_count = child->column_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(child->column_count, 1u));
    memcpy(node->columns, child->columns, child->column_count * sizeof(LogicalColumn));
}

LogicalNode *make_filter(PlanContext *context, LogicalNode *child, const ConjunctList *conjuncts)
{
    if (conjuncts->count == 0)
        return child;
    LogicalNode *node = make_node(context, LOGICAL_FILTER, child, NULL);
    copy_columns(context, node, child);
    node->filter.conjuncts = ARENA_NEW_ARRAY(context->arena, Expr *, conjuncts->count);
    memcpy(node->filter.conjuncts, conjuncts->items, conjuncts->count * sizeof(Expr *));
    node->filter.count = conjuncts->count;
    return node;
}

void join_output(PlanContext *context, LogicalNode *join)
{
    const LogicalNode *left = join->children[0];
    const LogicalNode *right = join->children[1];
    JoinKind kind = (JoinKind)join->join.kind;
    bool has_left = kind != JOIN_RIGHT_SEMI && kind != JOIN_RIGHT_ANTI;
    bool has_right = kind == JOIN_INNER || kind == JOIN_CROSS || kind == JOIN_LEFT || kind == JOIN_RIGHT ||
                     kind == JOIN_FULL || kind == JOIN_LEFT_SINGLE || kind == JOIN_RIGHT_SEMI || kind == JOIN_RIGHT_ANTI ||
                     kind == JOIN_ASOF_INNER || kind == JOIN_ASOF_LEFT;
    join->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, left->column_count + right->column_count + 1);
    join->column_count = 0;
    for (uint32_t i = 0; has_left && i < left->column_count; i++) {
        join->columns[join->column_count] = left->columns[i];
        join->columns[join->column_count++].is_nullable |= kind == JOIN_RIGHT || kind == JOIN_FULL;
    }
    for (uint32_t i = 0; has_right && i < right->column_count; i++) {
        join->columns[join->column_count] = right->columns[i];
        join->columns[join->column_count++].is_nullable |= kind == JOIN_LEFT || kind == JOIN_FULL || kind == JOIN_LEFT_SINGLE ||
                                                          kind == JOIN_ASOF_LEFT;
    }
    if (kind == JOIN_LEFT_MARK)
        join->columns[join->column_count++] = (LogicalColumn){
            .id = join->join.mark, .type = type_of(TYPE_BOOLEAN), .is_nullable = true, .name = STR_VIEW("mark")};
}

Expr *column_expr(PlanContext *context, const LogicalColumn *column)
{
    return expr_column(context->arena, column->id, column->type, column->is_nullable, column->name);
}

bool produces(const LogicalNode *node, ColumnId id)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (node->columns[i].id == id)
            return true;
    }
    return false;
}

ColumnFacts *column_facts(PlanContext *context, ColumnId id)
{
    if (id >= context->fact_count) {
        uint32_t count = MAX(context->ids->next, id) * 2 + 64;
        ColumnFacts *grown = ARENA_NEW_ARRAY(context->arena, ColumnFacts, count);
        if (context->fact_count > 0)
            memcpy(grown, context->facts, context->fact_count * sizeof(*grown));
        context->facts = grown;
        context->fact_count = count;
    }
    return &context->facts[id];
}

/* a on the left side and b on the right, or the other way round. */
static bool is_across(Expr *a, Expr *b, const IdSet *left, const IdSet *right)
{
    return idset_covers(left, a) && idset_touches(left, a) && idset_covers(right, b) && idset_touches(right, b);
}

bool is_inequality(const Expr *conjunct, const IdSet *left, const IdSet *right, Expr **out_left, Expr **out_right, PhysAsof *out)
{
    static const struct {
        const char *name;
        PhysAsof kind, mirrored;
    } kinds[] = {{"ge", PHYS_ASOF_GE, PHYS_ASOF_LE}, {"gt", PHYS_ASOF_GT, PHYS_ASOF_LT},
                 {"le", PHYS_ASOF_LE, PHYS_ASOF_GE}, {"lt", PHYS_ASOF_LT, PHYS_ASOF_GT}};
    for (size_t i = 0; i < COUNT_OF(kinds) && conjunct->kind == EXPR_CALL && conjunct->argument_count == 2; i++) {
        if (strcmp(conjunct->call.binding->def->name, kinds[i].name) != 0)
            continue;
        bool is_mirrored = is_across(conjunct->arguments[1], conjunct->arguments[0], left, right);
        *out_left = conjunct->arguments[is_mirrored];
        *out_right = conjunct->arguments[!is_mirrored];
        *out = is_mirrored ? kinds[i].mirrored : kinds[i].kind;
        return is_mirrored || is_across(conjunct->arguments[0], conjunct->arguments[1], left, right);
    }
    return false;
}

bool is_equi(const Expr *conjunct, const IdSet *left, const IdSet *right, Expr **out_left, Expr **out_right, bool *out_null_safe)
{
    if (conjunct->kind != EXPR_CALL || conjunct->argument_count != 2)
        return false;
    const char *name = conjunct->call.binding->def->name;
    *out_null_safe = strcmp(name, "eq_for_null") == 0;
    if (!*out_null_safe && strcmp(name, "eq") != 0)
        return false;
    Expr *a = conjunct->arguments[0];
    Expr *b = conjunct->arguments[1];
    if (is_across(a, b, left, right)) {
        *out_left = a;
        *out_right = b;
        return true;
    }
    if (is_across(b, a, left, right)) {
        *out_left = b;
        *out_right = a;
        return true;
    }
    return false;
}
