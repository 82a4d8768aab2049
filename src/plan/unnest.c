#include "plan/dependent.h"
#include "plan/logical_walk.h"

/* Subqueries to joins.
 *
 * EXISTS and IN at the top of a condition become semi and anti joins, elsewhere mark joins; scalar
 * subqueries become left joins of their value. Correlated conjuncts are pulled out of the subquery into the
 * join; on their way through an aggregate, the inner sides of equalities become group keys, and a count
 * that finds no group is put back to 0. What can't be pulled out goes the general way (dependent.h). */

typedef struct Pulled {
    ConjunctList conjuncts;
    IdSet inner; /* every id made inside of the subquery */
    bool has_aggregate;  /* keys went through an aggregate without groups */
    ColumnId marker;     /* a key column: NULL after the join means no group */
    LogicalNode *aggregate;
} Pulled;

static void collect_ids(PlanContext *context, const LogicalNode *node, IdSet *set)
{
    idset_add_columns(context, set, node);
    for (uint32_t i = 0; i < node->child_count; i++)
        collect_ids(context, node->children[i], set);
}

static Status not_supported(PlanContext *context)
{
    return RAISE(context->diag, NOT_SUPPORTED,
                 "Getting analyzing error. Detail message: this kind of correlated subquery is not supported.");
}

static bool expr_is_correlated(const Pulled *pulled, const Expr *expr)
{
    return !idset_covers(&pulled->inner, expr);
}

static Status pull(PlanContext *context, LogicalNode **in_out, Pulled *pulled);

static Status pull_filter(PlanContext *context, LogicalNode **in_out, Pulled *pulled)
{
    LogicalNode *node = *in_out;
    TRY(pull(context, &node->children[0], pulled));
    ConjunctList kept = {0};
    for (uint32_t i = 0; i < node->filter.count; i++) {
        if (expr_is_correlated(pulled, node->filter.conjuncts[i]))
            ARRAY_PUSH(context->arena, &pulled->conjuncts, node->filter.conjuncts[i]);
        else
            ARRAY_PUSH(context->arena, &kept, node->filter.conjuncts[i]);
    }
    *in_out = make_filter(context, node->children[0], &kept);
    return OK;
}

/* Ids that pulled conjuncts use and the child makes: they have to stay visible above. */
static void needed_columns(const Pulled *pulled, const LogicalNode *child, bool *out_needed)
{
    for (uint32_t i = 0; i < child->column_count; i++) {
        IdSet one = {0};
        uint64_t words[1] = {0};
        ColumnId id = child->columns[i].id;
        (void)one;
        (void)words;
        out_needed[i] = false;
        for (uint32_t c = 0; c < pulled->conjuncts.count && !out_needed[i]; c++) {
            const Expr *stack[256];
            uint32_t depth = 0;
            stack[depth++] = pulled->conjuncts.items[c];
            while (depth > 0 && !out_needed[i]) {
                const Expr *expr = stack[--depth];
                out_needed[i] = expr->kind == EXPR_COLUMN && expr->column.id == id;
                for (uint32_t a = 0; a < expr->argument_count && depth < COUNT_OF(stack); a++)
                    stack[depth++] = expr->arguments[a];
            }
        }
    }
}

static Status pull_project(PlanContext *context, LogicalNode *node, Pulled *pulled)
{
    TRY(pull(context, &node->children[0], pulled));
    const LogicalNode *child = node->children[0];
    bool *needed = ARENA_NEW_ARRAY(context->arena, bool, MAX(child->column_count, 1u));
    needed_columns(pulled, child, needed);
    Expr **exprs = ARENA_NEW_ARRAY(context->arena, Expr *, node->column_count + child->column_count);
    LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count + child->column_count);
    memcpy(exprs, node->project.exprs, node->column_count * sizeof(*exprs));
    memcpy(columns, node->columns, node->column_count * sizeof(*columns));
    uint32_t count = node->column_count;
    for (uint32_t i = 0; i < child->column_count; i++) {
        if (!needed[i] || produces(node, child->columns[i].id))
            continue;
        exprs[count] = column_expr(context, &child->columns[i]);
        columns[count++] = child->columns[i];
    }
    node->project.exprs = exprs;
    node->columns = columns;
    node->column_count = count;
    return OK;
}

/* Equalities over a correlated key: the inner side is a column of the aggregate's input. */
static bool correlated_key(const Pulled *pulled, const Expr *conjunct, const Expr **out_inner)
{
    if (conjunct->kind != EXPR_CALL || conjunct->argument_count != 2 ||
        strcmp(conjunct->call.binding->def->name, "eq") != 0)
        return false;
    for (int side = 0; side < 2; side++) {
        const Expr *inner = conjunct->arguments[side];
        const Expr *outer = conjunct->arguments[1 - side];
        if (idset_covers(&pulled->inner, inner) && idset_touches(&pulled->inner, inner) &&
            !idset_touches(&pulled->inner, outer)) {
            *out_inner = inner;
            return true;
        }
    }
    return false;
}

static void add_group_columns(PlanContext *context, LogicalNode *node, const Expr *inner, Pulled *pulled)
{
    if (inner->kind == EXPR_COLUMN) {
        pulled->marker = inner->column.id;
        for (uint32_t g = 0; g < node->aggregate.group_count; g++) {
            if (node->aggregate.group_ids[g] == inner->column.id)
                return;
        }
        uint32_t count = node->aggregate.group_count;
        Expr **groups = ARENA_NEW_ARRAY(context->arena, Expr *, count + 1);
        ColumnId *ids = ARENA_NEW_ARRAY(context->arena, ColumnId, count + 1);
        LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count + 1);
        memcpy(groups, node->aggregate.groups, count * sizeof(*groups));
        memcpy(ids, node->aggregate.group_ids, count * sizeof(*ids));
        groups[count] = expr_clone(context->arena, inner);
        ids[count] = inner->column.id;
        memcpy(columns, node->columns, count * sizeof(*columns));
        columns[count] = (LogicalColumn){.id = inner->column.id, .type = inner->type, .is_nullable = inner->is_nullable,
                                         .name = inner->column.name};
        memcpy(columns + count + 1, node->columns + count, (node->column_count - count) * sizeof(*columns));
        node->aggregate.groups = groups;
        node->aggregate.group_ids = ids;
        node->aggregate.group_count = count + 1;
        node->columns = columns;
        node->column_count++;
    }
    for (uint32_t i = 0; i < inner->argument_count; i++)
        add_group_columns(context, node, inner->arguments[i], pulled);
}

static Status pull_aggregate(PlanContext *context, LogicalNode *node, Pulled *pulled)
{
    uint32_t before = pulled->conjuncts.count; /* from the other side of a join above */
    TRY(pull(context, &node->children[0], pulled));
    if (pulled->conjuncts.count == before)
        return OK;
    if (node->aggregate.group_count == 0) {
        pulled->has_aggregate = true;
        pulled->aggregate = node;
    }
    for (uint32_t i = before; i < pulled->conjuncts.count; i++) {
        const Expr *inner;
        if (!correlated_key(pulled, pulled->conjuncts.items[i], &inner))
            return not_supported(context);
        add_group_columns(context, node, inner, pulled);
    }
    return OK;
}

static Status pull_join(PlanContext *context, LogicalNode *node, Pulled *pulled)
{
    JoinKind kind = (JoinKind)node->join.kind;
    TRY(pull(context, &node->children[0], pulled));
    TRY(pull(context, &node->children[1], pulled));
    ConjunctList kept = {0};
    for (uint32_t i = 0; i < node->join.count; i++) {
        bool correlated = kind == JOIN_INNER && expr_is_correlated(pulled, node->join.conjuncts[i]);
        if (correlated)
            ARRAY_PUSH(context->arena, &pulled->conjuncts, node->join.conjuncts[i]);
        else
            ARRAY_PUSH(context->arena, &kept, node->join.conjuncts[i]);
    }
    node->join.conjuncts = kept.items;
    node->join.count = kept.count;
    join_output(context, node);
    return OK;
}

static Status pull(PlanContext *context, LogicalNode **in_out, Pulled *pulled)
{
    LogicalNode *node = *in_out;
    switch ((LogicalKind)node->kind) {
    case LOGICAL_FILTER:
        return pull_filter(context, in_out, pulled);
    case LOGICAL_PROJECT:
        return pull_project(context, node, pulled);
    case LOGICAL_AGGREGATE:
        return pull_aggregate(context, node, pulled);
    case LOGICAL_JOIN:
        return pull_join(context, node, pulled);
    case LOGICAL_SORT:
        if (node->sort.limit >= 0 || node->sort.offset > 0)
            return OK;
        TRY(pull(context, &node->children[0], pulled));
        copy_columns(context, node, node->children[0]);
        return OK;
    default:
        return OK; /* can_pull() has seen that nothing below is correlated */
    }
}

/* ---- whether pulling is right ---- */

typedef struct PullCheck {
    const Pulled *pulled;
    const LogicalNode *root;
    bool pulls;            /* a correlated conjunct passes here */
    bool has_other;        /* one that is not an equality over a key */
    bool scalar_aggregate; /* it went through an aggregate without groups */
} PullCheck;

static void visit_correlated(void *context, Expr **expr)
{
    PullCheck *check = context;
    check->pulls |= expr_is_correlated(check->pulled, *expr);
}

static bool is_correlated_node(const Pulled *pulled, LogicalNode *node)
{
    PullCheck check = {.pulled = pulled};
    node_each_expr(node, visit_correlated, &check);
    return check.pulls;
}

static bool is_correlated_tree(const Pulled *pulled, LogicalNode *node)
{
    bool found = is_correlated_node(pulled, node);
    for (uint32_t i = 0; i < node->child_count && !found; i++)
        found = is_correlated_tree(pulled, node->children[i]);
    return found;
}

static void note_conjuncts(PullCheck *check, Expr *const *conjuncts, uint32_t count)
{
    const Expr *inner;
    for (uint32_t i = 0; i < count; i++) {
        if (!expr_is_correlated(check->pulled, conjuncts[i]))
            continue;
        check->pulls = true;
        check->has_other |= !correlated_key(check->pulled, conjuncts[i], &inner);
    }
}

static bool can_pull(PullCheck *check, LogicalNode *node);

static bool can_pull_aggregate(PullCheck *check, LogicalNode *node)
{
    if (!can_pull(check, node->children[0]) || is_correlated_node(check->pulled, node))
        return false;
    if (!check->pulls)
        return true;
    if (node->aggregate.sets != NULL || check->has_other || check->scalar_aggregate)
        return false;
    check->scalar_aggregate = node->aggregate.group_count == 0;
    return true;
}

static bool can_pull_join(PullCheck *check, LogicalNode *node)
{
    JoinKind kind = (JoinKind)node->join.kind;
    bool pulls_left = kind == JOIN_INNER || kind == JOIN_CROSS || kind == JOIN_LEFT || kind == JOIN_LEFT_SEMI ||
                      kind == JOIN_LEFT_ANTI || kind == JOIN_LEFT_MARK || kind == JOIN_LEFT_SINGLE;
    bool pulls_right = kind == JOIN_INNER || kind == JOIN_CROSS || kind == JOIN_RIGHT;
    PullCheck sides[2] = {*check, *check};
    for (int i = 0; i < 2; i++) {
        sides[i].pulls = false;
        if (!can_pull(&sides[i], node->children[i]) || sides[i].scalar_aggregate)
            return false;
        if (sides[i].pulls && !(i == 0 ? pulls_left : pulls_right))
            return false;
        check->pulls |= sides[i].pulls;
        check->has_other |= sides[i].has_other;
    }
    if (kind != JOIN_INNER && is_correlated_node(check->pulled, node))
        return false;
    note_conjuncts(check, node->join.conjuncts, node->join.count);
    return true;
}

static bool can_pull(PullCheck *check, LogicalNode *node)
{
    bool is_root = node == check->root;
    switch ((LogicalKind)node->kind) {
    case LOGICAL_FILTER:
        if (!can_pull(check, node->children[0]) || check->scalar_aggregate)
            return false;
        note_conjuncts(check, node->filter.conjuncts, node->filter.count);
        return true;
    case LOGICAL_PROJECT:
        return can_pull(check, node->children[0]) && (!check->scalar_aggregate || is_root) &&
               !is_correlated_node(check->pulled, node);
    case LOGICAL_AGGREGATE:
        return can_pull_aggregate(check, node);
    case LOGICAL_JOIN:
        return can_pull_join(check, node);
    case LOGICAL_SORT:
        if (node->sort.limit >= 0 || node->sort.offset > 0)
            return !is_correlated_tree(check->pulled, node);
        return can_pull(check, node->children[0]) && !check->scalar_aggregate && !is_correlated_node(check->pulled, node);
    default:
        return !is_correlated_tree(check->pulled, node);
    }
}

/* ---- attaching a subquery to the node that evaluates it ---- */

static LogicalNode *new_join(PlanContext *context, JoinKind kind, LogicalNode *left, LogicalNode *right,
                             const ConjunctList *conjuncts)
{
    LogicalNode *join = make_node(context, LOGICAL_JOIN, left, right);
    join->join.kind = (uint8_t)kind;
    join->join.conjuncts = conjuncts->items;
    join->join.count = conjuncts->count;
    return join;
}

/* The subquery's tree, made independent of *in_out_outer: what remains of the correlation is in
 * pulled->conjuncts, for the join of the two. */
static Status open_subquery(PlanContext *context, LogicalNode **in_out_outer, BoundQuery *query, bool is_exists,
                            bool is_scalar, Pulled *pulled, LogicalNode **out_root)
{
    LogicalNode *root = query->root;
    if (is_exists && root->kind == LOGICAL_LIMIT && root->limit.offset == 0 && root->limit.limit != 0)
        root = root->children[0];
    if (is_exists && root->kind == LOGICAL_SORT && root->sort.offset <= 0 && root->sort.limit != 0)
        root = root->children[0];
    *out_root = root;
    *pulled = (Pulled){.inner = idset_new(context)};
    IdSet outer = idset_new(context);
    idset_add_columns(context, &outer, *in_out_outer);
    if (tree_subqueries_use(root, &outer) || tree_ctes_use(root, &outer)) {
        TRY(push_dependent(context, in_out_outer, out_root, &pulled->conjuncts));
        return unnest_tree(context, out_root);
    }
    TRY(unnest_tree(context, out_root));
    if (!tree_uses(*out_root, &outer))
        return OK;
    collect_ids(context, *out_root, &pulled->inner);
    PullCheck check = {.pulled = pulled, .root = *out_root};
    if (can_pull(&check, *out_root) && (is_scalar || !check.scalar_aggregate))
        return pull(context, out_root, pulled);
    return push_dependent(context, in_out_outer, out_root, &pulled->conjuncts);
}

static Status in_comparisons(PlanContext *context, const Expr *subquery, const BoundQuery *query, ConjunctList *out)
{
    for (uint32_t i = 0; i < subquery->argument_count; i++) {
        Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        Expr *equal;
        sides[0] = subquery->arguments[i];
        sides[1] = column_expr(context, &query->columns[i]);
        TRY(expr_call_by_name(context->arena, context->session, "eq", sides, 2, context->diag, &equal));
        ARRAY_PUSH(context->arena, out, equal);
    }
    return OK;
}

static bool any_nullable(const ConjunctList *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list->items[i]->arguments[0]->is_nullable || list->items[i]->arguments[1]->is_nullable)
            return true;
    }
    return false;
}

/* EXISTS and IN: as_mark keeps the truth value as a column (*out_mark), else the join filters. */
static Status attach_predicate(PlanContext *context, LogicalNode **in_out_child, const Expr *subquery, bool as_mark,
                               Expr **out_mark)
{
    Pulled pulled;
    LogicalNode *root;
    ConjunctList conjuncts = {0};
    BoundQuery *query = subquery->subquery.query;
    bool is_in = subquery->subquery_kind == SUBQUERY_IN;
    TRY(open_subquery(context, in_out_child, query, !is_in, false, &pulled, &root));
    if (is_in)
        TRY(in_comparisons(context, subquery, query, &conjuncts));
    uint32_t in_count = conjuncts.count;
    for (uint32_t i = 0; i < pulled.conjuncts.count; i++)
        ARRAY_PUSH(context->arena, &conjuncts, pulled.conjuncts.items[i]);
    bool null_aware = is_in && any_nullable(&conjuncts, in_count);
    JoinKind kind = as_mark                      ? JOIN_LEFT_MARK
                    : !subquery->is_negated      ? JOIN_LEFT_SEMI
                    : null_aware                 ? JOIN_NULL_AWARE_LEFT_ANTI
                                                 : JOIN_LEFT_ANTI;
    LogicalNode *join = new_join(context, kind, *in_out_child, root, &conjuncts);
    join->join.in_count = null_aware ? in_count : 0;
    if (as_mark) {
        join->join.mark = column_ids_next(context->ids);
        *out_mark = expr_column(context->arena, join->join.mark, type_of(TYPE_BOOLEAN), is_in, STR_VIEW("mark"));
        if (subquery->is_negated)
            TRY(expr_not(context->arena, context->session, *out_mark, context->diag, out_mark));
    }
    join_output(context, join);
    *in_out_child = join;
    return OK;
}

static bool is_single_row(const LogicalNode *root)
{
    while (root->kind == LOGICAL_PROJECT || root->kind == LOGICAL_SORT)
        root = root->children[0];
    if (root->kind == LOGICAL_VALUES)
        return root->values.row_count == 1;
    return root->kind == LOGICAL_AGGREGATE && root->aggregate.group_count == 0 && root->aggregate.sets == NULL;
}

typedef struct DefaultContext {
    PlanContext *context;
    const LogicalNode *aggregate;
} DefaultContext;

static Expr *empty_value(void *opaque, Expr *node)
{
    DefaultContext *d = opaque;
    if (node->kind != EXPR_COLUMN)
        return node;
    for (uint32_t i = 0; i < d->aggregate->aggregate.call_count; i++) {
        const AggCall *call = &d->aggregate->aggregate.calls[i];
        if (call->id != node->column.id)
            continue;
        bool is_count = (call->binding->flags & FUNC_NEVER_NULL) != 0;
        return expr_constant(d->context->arena, node->type, is_count ? datum_i64(0) : datum_null());
    }
    return expr_null(d->context->arena, node->type);
}

/* The value over an empty group, when it is not simply NULL. */
static Status fix_count(PlanContext *context, const LogicalNode *root, const Pulled *pulled, ColumnId id, Expr **in_out)
{
    DefaultContext defaults = {context, pulled->aggregate};
    Expr *value = expr_column(context->arena, id, (*in_out)->type, true, (*in_out)->column.name);
    for (uint32_t i = 0; root->kind == LOGICAL_PROJECT && i < root->column_count; i++) {
        if (root->columns[i].id == id)
            value = expr_clone(context->arena, root->project.exprs[i]);
    }
    Expr *empty = expr_rewrite(value, empty_value, &defaults);
    TRY(expr_fold(context->arena, context->session, empty, context->diag, &empty));
    if (empty->kind == EXPR_CONSTANT && empty->constant.value.is_null)
        return OK;
    Expr **marker = ARENA_NEW_ARRAY(context->arena, Expr *, 1);
    Expr **arguments = ARENA_NEW_ARRAY(context->arena, Expr *, 3);
    for (uint32_t i = 0; i < root->column_count; i++) {
        if (root->columns[i].id == pulled->marker)
            marker[0] = column_expr(context, &root->columns[i]);
    }
    if (marker[0] == NULL)
        return not_supported(context);
    marker[0]->is_nullable = true;
    TRY(expr_call_by_name(context->arena, context->session, "is_null", marker, 1, context->diag, &arguments[0]));
    arguments[1] = empty;
    arguments[2] = *in_out;
    Expr *chosen = ARENA_NEW(context->arena, Expr);
    chosen->kind = EXPR_CASE;
    chosen->type = (*in_out)->type;
    chosen->is_nullable = true;
    chosen->arguments = arguments;
    chosen->argument_count = 3;
    *in_out = chosen;
    return OK;
}

static Status attach_scalar(PlanContext *context, LogicalNode **in_out_child, const Expr *subquery, Expr **out_value)
{
    Pulled pulled;
    LogicalNode *root;
    BoundQuery *query = subquery->subquery.query;
    bool single = is_single_row(query->root);
    ColumnId id = query->columns[0].id;
    TRY(open_subquery(context, in_out_child, query, false, true, &pulled, &root));
    JoinKind kind = single ? JOIN_LEFT : JOIN_LEFT_SINGLE;
    if (pulled.conjuncts.count == 0) {
        kind = JOIN_CROSS;
        if (!single) {
            LogicalNode *one = make_node(context, LOGICAL_ASSERT_ONE_ROW, root, NULL);
            copy_columns(context, one, root);
            for (uint32_t i = 0; i < one->column_count; i++)
                one->columns[i].is_nullable = true;
            root = one;
        }
    }
    *out_value = expr_column(context->arena, id, query->columns[0].type, true, query->columns[0].name);
    if (pulled.has_aggregate)
        TRY(fix_count(context, root, &pulled, id, out_value));
    LogicalNode *join = new_join(context, kind, *in_out_child, root, &pulled.conjuncts);
    join_output(context, join);
    *in_out_child = join;
    return OK;
}

static bool has_subquery(const Expr *expr)
{
    if (expr->kind == EXPR_SUBQUERY)
        return true;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (has_subquery(expr->arguments[i]))
            return true;
    }
    return false;
}

/* A subquery and the column that has its value. What the analyzer makes of one expression may mention a subquery twice: BETWEEN,
 * NULLIF. The mentions are of one node, whose child grows by one join. */
typedef struct Extracted {
    struct Extracted *next;
    const BoundQuery *query;
    Expr *value;
} Extracted;

static Status extract_one(PlanContext *context, LogicalNode **in_out_child, const Expr *subquery, Expr **out_value)
{
    for (const Extracted *e = context->extracted; e != NULL; e = e->next) {
        *out_value = expr_clone(context->arena, e->value);
        if (e->query == subquery->subquery.query)
            return OK;
    }
    if (subquery->subquery_kind == SUBQUERY_SCALAR)
        TRY(attach_scalar(context, in_out_child, subquery, out_value));
    else
        TRY(attach_predicate(context, in_out_child, subquery, true, out_value));
    Extracted *extracted = ARENA_NEW(context->arena, Extracted);
    *extracted = (Extracted){context->extracted, subquery->subquery.query, *out_value};
    context->extracted = extracted;
    return OK;
}

/* Replaces every subquery inside of an expression by a column of the grown child, where it stands. */
static Status extract(PlanContext *context, LogicalNode **in_out_child, Expr *expr)
{
    Expr *value;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        TRY(extract(context, in_out_child, expr->arguments[i]));
    if (expr->kind != EXPR_SUBQUERY)
        return OK;
    TRY(extract_one(context, in_out_child, expr, &value));
    *expr = *value;
    return OK;
}

static bool is_plain_predicate(const Expr *conjunct)
{
    bool is_plain = conjunct->kind == EXPR_SUBQUERY && conjunct->subquery_kind != SUBQUERY_SCALAR;
    for (uint32_t a = 0; is_plain && a < conjunct->argument_count; a++)
        is_plain = !has_subquery(conjunct->arguments[a]);
    return is_plain;
}

static Status unnest_filter(PlanContext *context, LogicalNode **in_out)
{
    LogicalNode *node = *in_out;
    LogicalNode *child = node->children[0];
    ConjunctList kept = {0}, asking = {0}; /* told apart before the first is extracted: they may share a subquery */
    for (uint32_t i = 0; i < node->filter.count; i++)
        ARRAY_PUSH(context->arena, has_subquery(node->filter.conjuncts[i]) ? &asking : &kept, node->filter.conjuncts[i]);
    if (asking.count == 0)
        return OK;
    child = make_filter(context, child, &kept);
    ConjunctList above = {0};
    LogicalNode *original = child;
    for (uint32_t i = 0; i < asking.count; i++) {
        if (is_plain_predicate(asking.items[i])) {
            TRY(attach_predicate(context, &child, asking.items[i], false, NULL));
            continue;
        }
        TRY(extract(context, &child, asking.items[i]));
        ARRAY_PUSH(context->arena, &above, asking.items[i]);
    }
    child = make_filter(context, child, &above);
    if (child->column_count != original->column_count) {
        LogicalNode *project = make_node(context, LOGICAL_PROJECT, child, NULL);
        copy_columns(context, project, original);
        project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(original->column_count, 1u));
        for (uint32_t i = 0; i < original->column_count; i++)
            project->project.exprs[i] = column_expr(context, &original->columns[i]);
        child = project;
    }
    *in_out = child;
    return OK;
}

static Status extract_list(PlanContext *context, LogicalNode **in_out_child, Expr **exprs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (has_subquery(exprs[i]))
            TRY(extract(context, in_out_child, exprs[i]));
    }
    return OK;
}

/* Its own columns, those that it is compared with included. */
static bool subquery_uses(PlanContext *context, Expr *subquery, const IdSet *ids)
{
    LogicalNode *holder = make_node(context, LOGICAL_FILTER, NULL, NULL);
    bool uses = false;
    holder->filter.conjuncts = &subquery;
    holder->filter.count = 1;
    for (uint32_t i = 0; i < subquery->argument_count; i++)
        uses |= idset_touches(ids, subquery->arguments[i]);
    return uses || tree_subqueries_use(holder, ids);
}

/* A subquery in an outer join's condition is evaluated beside the input whose columns it uses. */
static Status extract_beside(PlanContext *context, LogicalNode *join, const IdSet sides[2], Expr *expr)
{
    if (expr->kind != EXPR_SUBQUERY) {
        for (uint32_t i = 0; i < expr->argument_count; i++)
            TRY(extract_beside(context, join, sides, expr->arguments[i]));
        return OK;
    }
    bool is_right = subquery_uses(context, expr, &sides[1]);
    if (is_right && subquery_uses(context, expr, &sides[0]))
        return not_supported(context);
    return extract(context, &join->children[is_right ? 1 : 0], expr);
}

static Status unnest_outer_join(PlanContext *context, LogicalNode *node)
{
    IdSet sides[2];
    for (int s = 0; s < 2; s++) {
        sides[s] = idset_new(context);
        idset_add_columns(context, &sides[s], node->children[s]);
    }
    for (uint32_t i = 0; i < node->join.count; i++) {
        if (has_subquery(node->join.conjuncts[i]))
            TRY(extract_beside(context, node, sides, node->join.conjuncts[i]));
    }
    join_output(context, node);
    return OK;
}

static Status unnest_join(PlanContext *context, LogicalNode **in_out)
{
    LogicalNode *node = *in_out;
    ConjunctList plain = {0}, above = {0};
    for (uint32_t i = 0; i < node->join.count; i++) {
        if (has_subquery(node->join.conjuncts[i]))
            ARRAY_PUSH(context->arena, &above, node->join.conjuncts[i]);
        else
            ARRAY_PUSH(context->arena, &plain, node->join.conjuncts[i]);
    }
    if (above.count == 0)
        return OK;
    if (node->join.kind != JOIN_INNER)
        return unnest_outer_join(context, node);
    node->join.conjuncts = plain.items;
    node->join.count = plain.count;
    if (plain.count == 0)
        node->join.kind = JOIN_CROSS;
    *in_out = make_filter(context, node, &above);
    return unnest_filter(context, in_out);
}

static Status extract_keys(PlanContext *context, LogicalNode **in_out_child, SortKey *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        TRY(extract_list(context, in_out_child, &keys[i].expr, 1));
    return OK;
}

static Status unnest_node(PlanContext *context, LogicalNode **in_out)
{
    LogicalNode *node = *in_out;
    switch ((LogicalKind)node->kind) {
    case LOGICAL_FILTER:
        return unnest_filter(context, in_out);
    case LOGICAL_PROJECT:
        return extract_list(context, &node->children[0], node->project.exprs, node->column_count);
    case LOGICAL_JOIN:
        return unnest_join(context, in_out);
    case LOGICAL_AGGREGATE:
        TRY(extract_list(context, &node->children[0], node->aggregate.groups, node->aggregate.group_count));
        for (uint32_t i = 0; i < node->aggregate.call_count; i++) {
            AggCall *call = &node->aggregate.calls[i];
            TRY(extract_list(context, &node->children[0], call->arguments, call->argument_count));
            TRY(extract_list(context, &node->children[0], &call->filter, call->filter != NULL));
            TRY(extract_keys(context, &node->children[0], call->order, call->order_count));
        }
        return OK;
    case LOGICAL_WINDOW:
        TRY(extract_list(context, &node->children[0], node->window.partition, node->window.partition_count));
        TRY(extract_keys(context, &node->children[0], node->window.order, node->window.order_count));
        for (uint32_t i = 0; i < node->window.call_count; i++)
            TRY(extract_list(context, &node->children[0], node->window.calls[i].arguments,
                             node->window.calls[i].argument_count));
        return OK;
    case LOGICAL_SORT:
        return extract_keys(context, &node->children[0], node->sort.keys, node->sort.count);
    default:
        return OK;
    }
}

Status unnest_tree(PlanContext *context, LogicalNode **in_out)
{
    LogicalNode *node = *in_out;
    for (uint32_t i = 0; i < node->child_count; i++)
        TRY(unnest_tree(context, &node->children[i]));
    if (node->kind == LOGICAL_LIMIT || node->kind == LOGICAL_SORT)
        copy_columns(context, node, node->children[0]);
    return unnest_node(context, in_out);
}
