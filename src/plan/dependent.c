#include "plan/dependent.h"

/* The domain is the distinct combinations of the outer columns that the subquery uses. It is computed from
 * the outer input, which becomes a CTE of two uses (or is copied, when it is itself correlated further out or changes with the steps of a recursion).
 * push() carries the domain down to where the subquery stops to depend on it, and replaces outer columns
 * by the domain's on the way up. Every operator then works once for each value of the domain: aggregates
 * group by it, windows partition by it, limits become row numbers. */

#include "plan/logical_walk.h"

typedef struct Domain {
    PlanContext *context;
    BoundCte *cte;              /* NULL: copy `source` each time */
    LogicalNode *source;        /* distinct outer values */
    const LogicalColumn *outer; /* the outer columns */
    uint32_t count;
    IdSet outer_set;
} Domain;

static Status not_supported(PlanContext *context, const char *what)
{
    return RAISE(context->diag, NOT_SUPPORTED,
                 "Getting analyzing error. Detail message: a correlated subquery with %s is not supported.", what);
}

static BoundCte *make_cte(PlanContext *context, LogicalNode *root)
{
    BoundCte *cte = ARENA_NEW(context->arena, BoundCte);
    cte->id = context->next_cte_id++;
    cte->name = STR_VIEW("domain");
    cte->query = ARENA_NEW(context->arena, BoundQuery);
    cte->query->root = root;
    cte->query->columns = root->columns;
    cte->query->column_count = root->column_count;
    return cte;
}

/* keeps_ids: the reference produces the CTE's own ids, so that whatever used them above still can. */
static LogicalNode *cte_reference(PlanContext *context, BoundCte *cte, bool keeps_ids)
{
    LogicalNode *node = make_node(context, LOGICAL_CTE_REF, NULL, NULL);
    const LogicalNode *root = cte->query->root;
    cte->use_count++;
    copy_columns(context, node, root);
    node->cte_ref.cte = cte;
    node->cte_ref.inputs = ARENA_NEW_ARRAY(context->arena, ColumnId, MAX(root->column_count, 1u));
    for (uint32_t i = 0; i < root->column_count; i++) {
        node->cte_ref.inputs[i] = root->columns[i].id;
        if (!keeps_ids)
            node->columns[i].id = column_ids_next(context->ids);
    }
    return node;
}

/* Distinct values of the outer columns over child; column i is new_ids[i]. */
static LogicalNode *distinct_values(Domain *domain, LogicalNode *child, const ColumnId *inputs)
{
    PlanContext *context = domain->context;
    LogicalNode *node = make_node(context, LOGICAL_AGGREGATE, child, NULL);
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, domain->count);
    node->column_count = domain->count;
    node->aggregate.group_count = domain->count;
    node->aggregate.groups = ARENA_NEW_ARRAY(context->arena, Expr *, domain->count);
    node->aggregate.group_ids = ARENA_NEW_ARRAY(context->arena, ColumnId, domain->count);
    for (uint32_t i = 0; i < domain->count; i++) {
        const LogicalColumn *outer = &domain->outer[i];
        node->columns[i] = *outer;
        node->columns[i].id = inputs[i];
        node->aggregate.group_ids[i] = inputs[i];
        node->aggregate.groups[i] = expr_column(context->arena, inputs[i], outer->type, outer->is_nullable, outer->name);
    }
    return node;
}

/* One more use of the domain. out_ids: its columns. */
static LogicalNode *domain_instance(Domain *domain, ColumnId *out_ids)
{
    LogicalNode *node;
    if (domain->cte != NULL) {
        node = cte_reference(domain->context, domain->cte, false);
    } else {
        IdMap ignored;
        node = tree_clone(domain->context, domain->source, &ignored);
    }
    for (uint32_t i = 0; i < domain->count; i++)
        out_ids[i] = node->columns[i].id;
    return node;
}

static LogicalColumn domain_column(const Domain *domain, uint32_t i, ColumnId id)
{
    LogicalColumn column = domain->outer[i];
    column.id = id;
    return column;
}

static Expr *domain_expr(const Domain *domain, uint32_t i, ColumnId id)
{
    const LogicalColumn *outer = &domain->outer[i];
    return expr_column(domain->context->arena, id, outer->type, outer->is_nullable, outer->name);
}

static void map_to(const Domain *domain, LogicalNode *node, const ColumnId *ids)
{
    ColumnId *from = ARENA_NEW_ARRAY(domain->context->arena, ColumnId, domain->count);
    for (uint32_t i = 0; i < domain->count; i++)
        from[i] = domain->outer[i].id;
    IdMap map = {from, ids, domain->count};
    node_map(&map, node);
}

static ColumnId *new_ids(const Domain *domain)
{
    return ARENA_NEW_ARRAY(domain->context->arena, ColumnId, domain->count);
}

/* Appends the domain's columns to what node produces. */
static void append_columns(const Domain *domain, LogicalNode *node, const ColumnId *ids)
{
    LogicalColumn *columns = ARENA_NEW_ARRAY(domain->context->arena, LogicalColumn, node->column_count + domain->count);
    memcpy(columns, node->columns, node->column_count * sizeof(*columns));
    for (uint32_t i = 0; i < domain->count; i++)
        columns[node->column_count + i] = domain_column(domain, i, ids[i]);
    node->columns = columns;
    node->column_count += domain->count;
}

static Status match_domains(const Domain *domain, const ColumnId *a, const ColumnId *b, ConjunctList *out)
{
    PlanContext *context = domain->context;
    for (uint32_t i = 0; i < domain->count; i++) {
        Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        Expr *equal;
        bool is_nullable = domain->outer[i].is_nullable;
        sides[0] = domain_expr(domain, i, a[i]);
        sides[1] = domain_expr(domain, i, b[i]);
        TRY(expr_call_by_name(context->arena, context->session, is_nullable ? "eq_for_null" : "eq", sides, 2,
                              context->diag, &equal));
        ARRAY_PUSH(context->arena, out, equal);
    }
    return OK;
}

static Status push(Domain *domain, LogicalNode **in_out, ColumnId *ids);

static bool depends(const Domain *domain, LogicalNode *node)
{
    return tree_uses(node, &domain->outer_set);
}

static void cross_with_domain(Domain *domain, LogicalNode **in_out, ColumnId *ids)
{
    LogicalNode *instance = domain_instance(domain, ids);
    LogicalNode *join = make_node(domain->context, LOGICAL_JOIN, *in_out, instance);
    join->join.kind = JOIN_CROSS;
    join_output(domain->context, join);
    *in_out = join;
}

static Status push_project(Domain *domain, LogicalNode *node, ColumnId *ids)
{
    PlanContext *context = domain->context;
    TRY(push(domain, &node->children[0], ids));
    map_to(domain, node, ids);
    Expr **exprs = ARENA_NEW_ARRAY(context->arena, Expr *, node->column_count + domain->count);
    memcpy(exprs, node->project.exprs, node->column_count * sizeof(*exprs));
    for (uint32_t i = 0; i < domain->count; i++)
        exprs[node->column_count + i] = domain_expr(domain, i, ids[i]);
    node->project.exprs = exprs;
    append_columns(domain, node, ids);
    return OK;
}

/* An aggregate without groups has a row for every value of the domain, also where nothing came in: the
 * domain keeps its rows in a left join, and counts become 0 there. */
static Status keep_empty_groups(Domain *domain, LogicalNode **in_out, ColumnId *ids)
{
    PlanContext *context = domain->context;
    LogicalNode *aggregate = *in_out;
    ColumnId *all = new_ids(domain);
    LogicalNode *join = make_node(context, LOGICAL_JOIN, domain_instance(domain, all), aggregate);
    ConjunctList match = {0};
    TRY(match_domains(domain, all, ids, &match));
    join->join.kind = JOIN_LEFT;
    join->join.conjuncts = match.items;
    join->join.count = match.count;
    uint32_t calls = aggregate->aggregate.call_count;
    LogicalNode *project = make_node(context, LOGICAL_PROJECT, join, NULL);
    project->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, calls + domain->count);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, calls + domain->count);
    project->column_count = calls;
    for (uint32_t i = 0; i < calls; i++) {
        AggCall *call = &aggregate->aggregate.calls[i];
        LogicalColumn *inner = NULL;
        for (uint32_t c = 0; c < aggregate->column_count; c++) {
            if (aggregate->columns[c].id == call->id)
                inner = &aggregate->columns[c];
        }
        ENSURE(inner != NULL, context->diag);
        project->columns[i] = *inner;
        call->id = inner->id = column_ids_next(context->ids);
        Expr *value = column_expr(context, inner);
        value->is_nullable = true;
        project->project.exprs[i] = value;
        if ((call->binding->flags & FUNC_NEVER_NULL) == 0) {
            project->columns[i].is_nullable = true;
            continue;
        }
        Expr **parts = ARENA_NEW_ARRAY(context->arena, Expr *, 3);
        Expr **tested = ARENA_NEW_ARRAY(context->arena, Expr *, 1);
        tested[0] = value;
        TRY(expr_call_by_name(context->arena, context->session, "is_null", tested, 1, context->diag, &parts[0]));
        parts[1] = expr_constant(context->arena, value->type, datum_i64(0));
        parts[2] = value;
        Expr *chosen = ARENA_NEW(context->arena, Expr);
        chosen->kind = EXPR_CASE;
        chosen->type = value->type;
        chosen->arguments = parts;
        chosen->argument_count = 3;
        project->project.exprs[i] = chosen;
    }
    join_output(context, join);
    for (uint32_t i = 0; i < domain->count; i++)
        project->project.exprs[calls + i] = domain_expr(domain, i, all[i]);
    append_columns(domain, project, all);
    memcpy(ids, all, domain->count * sizeof(*ids));
    *in_out = project;
    return OK;
}

static Status push_aggregate(Domain *domain, LogicalNode **in_out, ColumnId *ids)
{
    PlanContext *context = domain->context;
    LogicalNode *node = *in_out;
    uint32_t before = node->aggregate.group_count;
    bool is_scalar = before == 0 && node->aggregate.sets == NULL;
    TRY(push(domain, &node->children[0], ids));
    map_to(domain, node, ids);
    Expr **groups = ARENA_NEW_ARRAY(context->arena, Expr *, before + domain->count);
    ColumnId *group_ids = ARENA_NEW_ARRAY(context->arena, ColumnId, before + domain->count);
    memcpy(groups, node->aggregate.groups, before * sizeof(*groups));
    memcpy(group_ids, node->aggregate.group_ids, before * sizeof(*group_ids));
    for (uint32_t i = 0; i < domain->count; i++) {
        groups[before + i] = domain_expr(domain, i, ids[i]);
        group_ids[before + i] = ids[i];
    }
    /* Columns are groups first, then calls. */
    LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count + domain->count);
    memcpy(columns, node->columns, before * sizeof(*columns));
    for (uint32_t i = 0; i < domain->count; i++)
        columns[before + i] = domain_column(domain, i, ids[i]);
    memcpy(columns + before + domain->count, node->columns + before, (node->column_count - before) * sizeof(*columns));
    node->aggregate.groups = groups;
    node->aggregate.group_ids = group_ids;
    node->aggregate.group_count = before + domain->count;
    node->columns = columns;
    node->column_count += domain->count;
    if (node->aggregate.sets != NULL) {
        if (node->aggregate.group_count > 64)
            return not_supported(context, "this many grouping columns");
        uint64_t *sets = ARENA_NEW_ARRAY(context->arena, uint64_t, node->aggregate.set_count);
        for (uint32_t s = 0; s < node->aggregate.set_count; s++)
            sets[s] = node->aggregate.sets[s] | ((((uint64_t)1 << domain->count) - 1) << before);
        node->aggregate.sets = sets;
    }
    return is_scalar ? keep_empty_groups(domain, in_out, ids) : OK;
}

/* Rows offset+1 .. offset+limit of each value of the domain. */
static Status number_rows(Domain *domain, LogicalNode **in_out, LogicalNode *child, SortKey *keys, uint32_t key_count,
                          int64_t limit, int64_t offset, const ColumnId *ids)
{
    PlanContext *context = domain->context;
    LogicalNode *window = make_node(context, LOGICAL_WINDOW, child, NULL);
    FuncBinding *binding = ARENA_NEW(context->arena, FuncBinding);
    FuncBindRequest request = {.name = STR_VIEW("row_number"), .session = context->session, .arena = context->arena,
                               .diag = context->diag};
    TRY(func_resolve(&request, binding));
    window->window.partition = ARENA_NEW_ARRAY(context->arena, Expr *, domain->count);
    window->window.partition_count = domain->count;
    for (uint32_t i = 0; i < domain->count; i++)
        window->window.partition[i] = domain_expr(domain, i, ids[i]);
    window->window.order = keys;
    window->window.order_count = key_count;
    window->window.calls = ARENA_NEW(context->arena, WindowCall);
    window->window.call_count = 1;
    ColumnId id = column_ids_next(context->ids);
    *window->window.calls = (WindowCall){.id = id, .binding = binding,
                                         .frame = {.start = FRAME_UNBOUNDED_PRECEDING, .end = FRAME_CURRENT_ROW}};
    window->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, child->column_count + 1);
    memcpy(window->columns, child->columns, child->column_count * sizeof(LogicalColumn));
    window->columns[child->column_count] = (LogicalColumn){.id = id, .type = binding->result, .name = STR_VIEW("row_number")};
    window->column_count = child->column_count + 1;
    ConjunctList conjuncts = {0};
    const int64_t bounds[2] = {offset, limit >= 0 ? offset + limit : -1};
    for (int i = 0; i < 2; i++) {
        if (bounds[i] < 0 || (i == 0 && offset == 0))
            continue;
        Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        Expr *test;
        sides[0] = expr_column(context->arena, id, binding->result, false, STR_VIEW("row_number"));
        sides[1] = expr_constant(context->arena, type_of(TYPE_BIGINT), datum_i64(bounds[i]));
        TRY(expr_call_by_name(context->arena, context->session, i == 0 ? "gt" : "le", sides, 2, context->diag, &test));
        ARRAY_PUSH(context->arena, &conjuncts, test);
    }
    *in_out = make_filter(context, window, &conjuncts);
    return OK;
}

static Status push_sort(Domain *domain, LogicalNode **in_out, ColumnId *ids)
{
    LogicalNode *node = *in_out;
    TRY(push(domain, &node->children[0], ids));
    map_to(domain, node, ids);
    copy_columns(domain->context, node, node->children[0]);
    if (node->sort.limit < 0 && node->sort.offset <= 0)
        return OK;
    return number_rows(domain, in_out, node->children[0], node->sort.keys, node->sort.count, node->sort.limit,
                       node->sort.offset, ids);
}

static Status push_limit(Domain *domain, LogicalNode **in_out, ColumnId *ids)
{
    LogicalNode *node = *in_out;
    TRY(push(domain, &node->children[0], ids));
    LogicalNode *child = node->children[0];
    bool is_sorted = child->kind == LOGICAL_SORT && child->sort.limit < 0 && child->sort.offset <= 0;
    return number_rows(domain, in_out, is_sorted ? child->children[0] : child, is_sorted ? child->sort.keys : NULL,
                       is_sorted ? child->sort.count : 0, node->limit.limit, node->limit.offset, ids);
}

static Status push_window(Domain *domain, LogicalNode *node, ColumnId *ids)
{
    PlanContext *context = domain->context;
    TRY(push(domain, &node->children[0], ids));
    map_to(domain, node, ids);
    uint32_t before = node->window.partition_count;
    Expr **partition = ARENA_NEW_ARRAY(context->arena, Expr *, before + domain->count);
    memcpy(partition, node->window.partition, before * sizeof(*partition));
    for (uint32_t i = 0; i < domain->count; i++)
        partition[before + i] = domain_expr(domain, i, ids[i]);
    node->window.partition = partition;
    node->window.partition_count = before + domain->count;
    const LogicalNode *child = node->children[0];
    uint32_t calls = node->window.call_count;
    LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, child->column_count + calls);
    memcpy(columns, child->columns, child->column_count * sizeof(*columns));
    for (uint32_t i = 0; i < calls; i++) {
        const WindowCall *call = &node->window.calls[i];
        columns[child->column_count + i] = (LogicalColumn){.id = call->id, .type = call->binding->result,
                                                           .is_nullable = true, .name = strview(call->binding->def->name)};
    }
    node->columns = columns;
    node->column_count = child->column_count + calls;
    return OK;
}

static void add_join_conjuncts(PlanContext *context, LogicalNode *node, const ConjunctList *more)
{
    Expr **all = ARENA_NEW_ARRAY(context->arena, Expr *, node->join.count + more->count + 1);
    memcpy(all, node->join.conjuncts, node->join.count * sizeof(*all));
    memcpy(all + node->join.count, more->items, more->count * sizeof(*all));
    node->join.conjuncts = all;
    node->join.count += more->count;
    if (node->join.kind == JOIN_CROSS && node->join.count > 0)
        node->join.kind = JOIN_INNER;
}

/* A full join's domain comes from whichever side has a row. */
static Status coalesce_domain(Domain *domain, LogicalNode **in_out, const ColumnId *left, const ColumnId *right, ColumnId *ids)
{
    PlanContext *context = domain->context;
    LogicalNode *join = *in_out;
    LogicalNode *project = make_node(context, LOGICAL_PROJECT, join, NULL);
    copy_columns(context, project, join);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, join->column_count + domain->count);
    for (uint32_t i = 0; i < join->column_count; i++)
        project->project.exprs[i] = column_expr(context, &join->columns[i]);
    for (uint32_t i = 0; i < domain->count; i++) {
        Expr **parts = ARENA_NEW_ARRAY(context->arena, Expr *, 3);
        Expr **tested = ARENA_NEW_ARRAY(context->arena, Expr *, 1);
        tested[0] = domain_expr(domain, i, left[i]);
        tested[0]->is_nullable = true;
        TRY(expr_call_by_name(context->arena, context->session, "is_null", tested, 1, context->diag, &parts[0]));
        parts[1] = domain_expr(domain, i, right[i]);
        parts[2] = tested[0];
        parts[1]->is_nullable = true;
        Expr *chosen = ARENA_NEW(context->arena, Expr);
        chosen->kind = EXPR_CASE;
        chosen->type = domain->outer[i].type;
        chosen->is_nullable = true;
        chosen->arguments = parts;
        chosen->argument_count = 3;
        ids[i] = column_ids_next(context->ids);
        project->project.exprs[join->column_count + i] = chosen;
    }
    append_columns(domain, project, ids);
    *in_out = project;
    return OK;
}

static Status push_join(Domain *domain, LogicalNode **in_out, ColumnId *ids)
{
    LogicalNode *node = *in_out;
    JoinKind kind = (JoinKind)node->join.kind;
    bool left_depends = depends(domain, node->children[0]), right_depends = depends(domain, node->children[1]);
    bool is_inner = kind == JOIN_INNER || kind == JOIN_CROSS;
    if (kind == JOIN_RIGHT_SEMI || kind == JOIN_RIGHT_ANTI)
        return not_supported(domain->context, "a right semi or anti join");
    bool is_asof = kind == JOIN_ASOF_INNER || kind == JOIN_ASOF_LEFT; /* each value of the domain has a nearest row of its own */
    bool needs_left = kind == JOIN_FULL || is_asof || left_depends || (is_inner ? !right_depends : kind != JOIN_RIGHT);
    bool needs_right = kind == JOIN_FULL || kind == JOIN_RIGHT || is_asof || right_depends;
    ColumnId *left = new_ids(domain), *right = new_ids(domain);
    if (needs_left)
        TRY(push(domain, &node->children[0], left));
    if (needs_right)
        TRY(push(domain, &node->children[1], right));
    bool uses_right = !needs_left || kind == JOIN_RIGHT;
    map_to(domain, node, uses_right ? right : left);
    memcpy(ids, uses_right ? right : left, domain->count * sizeof(*ids));
    if (needs_left && needs_right) {
        ConjunctList match = {0};
        TRY(match_domains(domain, left, right, &match));
        add_join_conjuncts(domain->context, node, &match);
    }
    join_output(domain->context, node);
    return kind == JOIN_FULL ? coalesce_domain(domain, in_out, left, right, ids) : OK;
}

static Status push_set(Domain *domain, LogicalNode *node, ColumnId *ids)
{
    PlanContext *context = domain->context;
    uint32_t before = node->column_count;
    for (uint32_t i = 0; i < domain->count; i++)
        ids[i] = column_ids_next(context->ids);
    append_columns(domain, node, ids);
    for (uint32_t c = 0; c < node->child_count; c++) {
        ColumnId *inside = new_ids(domain);
        ColumnId *inputs = ARENA_NEW_ARRAY(context->arena, ColumnId, node->column_count);
        TRY(push(domain, &node->children[c], inside));
        memcpy(inputs, node->set.inputs[c], before * sizeof(*inputs));
        memcpy(inputs + before, inside, domain->count * sizeof(*inputs));
        node->set.inputs[c] = inputs;
    }
    return OK;
}

static Status push_table_function(Domain *domain, LogicalNode *node, ColumnId *ids)
{
    PlanContext *context = domain->context;
    TRY(push(domain, &node->children[0], ids));
    map_to(domain, node, ids);
    const LogicalNode *child = node->children[0];
    uint32_t outputs = node->column_count - node->table_function.first_output;
    LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, child->column_count + outputs);
    memcpy(columns, child->columns, child->column_count * sizeof(*columns));
    memcpy(columns + child->column_count, node->columns + node->table_function.first_output, outputs * sizeof(*columns));
    node->columns = columns;
    node->column_count = child->column_count + outputs;
    node->table_function.first_output = child->column_count;
    return OK;
}

/* One row of correlated expressions: a projection of the domain. */
static Status push_values(Domain *domain, LogicalNode **in_out, ColumnId *ids)
{
    PlanContext *context = domain->context;
    LogicalNode *values = *in_out;
    if (values->values.row_count != 1)
        return not_supported(context, "VALUES of several rows");
    LogicalNode *project = make_node(context, LOGICAL_PROJECT, domain_instance(domain, ids), NULL);
    copy_columns(context, project, values);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, values->column_count + domain->count);
    memcpy(project->project.exprs, values->values.rows[0], values->column_count * sizeof(Expr *));
    map_to(domain, project, ids);
    for (uint32_t i = 0; i < domain->count; i++)
        project->project.exprs[values->column_count + i] = domain_expr(domain, i, ids[i]);
    append_columns(domain, project, ids);
    *in_out = project;
    return OK;
}

/* A CTE that depends on the outer row is expanded where it is used. */
static Status push_cte(Domain *domain, LogicalNode **in_out, ColumnId *ids)
{
    PlanContext *context = domain->context;
    LogicalNode *reference = *in_out;
    IdMap map;
    LogicalNode *body = tree_clone(context, reference->cte_ref.cte->query->root, &map);
    LogicalNode *project = make_node(context, LOGICAL_PROJECT, body, NULL);
    copy_columns(context, project, reference);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(reference->column_count, 1u));
    for (uint32_t i = 0; i < reference->column_count; i++) {
        LogicalColumn column = reference->columns[i];
        column.id = reference->cte_ref.inputs[i];
        project->project.exprs[i] = column_expr(context, &column);
    }
    node_map(&map, project);
    reference->cte_ref.cte->use_count--;
    *in_out = project;
    return push(domain, in_out, ids);
}

static Status push(Domain *domain, LogicalNode **in_out, ColumnId *ids)
{
    LogicalNode *node = *in_out;
    if (!depends(domain, node)) {
        cross_with_domain(domain, in_out, ids);
        return OK;
    }
    switch ((LogicalKind)node->kind) {
    case LOGICAL_FILTER:
        TRY(push(domain, &node->children[0], ids));
        map_to(domain, node, ids);
        copy_columns(domain->context, node, node->children[0]);
        return OK;
    case LOGICAL_PROJECT:
        return push_project(domain, node, ids);
    case LOGICAL_AGGREGATE:
        return push_aggregate(domain, in_out, ids);
    case LOGICAL_SORT:
        return push_sort(domain, in_out, ids);
    case LOGICAL_LIMIT:
        return push_limit(domain, in_out, ids);
    case LOGICAL_WINDOW:
        return push_window(domain, node, ids);
    case LOGICAL_JOIN:
        return push_join(domain, in_out, ids);
    case LOGICAL_SET:
        return push_set(domain, node, ids);
    case LOGICAL_TABLE_FUNCTION:
        return push_table_function(domain, node, ids);
    case LOGICAL_VALUES:
        return push_values(domain, in_out, ids);
    case LOGICAL_CTE_REF:
        return push_cte(domain, in_out, ids);
    case LOGICAL_RECURSIVE:
        return not_supported(domain->context, "a recursive CTE that depends on the outer row");
    case LOGICAL_ASSERT_ONE_ROW:
        return not_supported(domain->context, "a nested scalar subquery of unknown size");
    case LOGICAL_SCAN:
    case LOGICAL_SYSTEM_SCAN:
    case LOGICAL_WORKING_TABLE:
    case LOGICAL_EMPTY:
        break;
    }
    return not_supported(domain->context, "correlated scans");
}

/* The outer columns that the subquery uses, in the outer's order. */
static void find_outer(Domain *domain, const LogicalNode *outer, LogicalNode *root)
{
    PlanContext *context = domain->context;
    LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(outer->column_count, 1u));
    domain->outer_set = idset_new(context);
    for (uint32_t i = 0; i < outer->column_count; i++) {
        IdSet one = idset_new(context);
        idset_add(context, &one, outer->columns[i].id);
        if (!tree_uses(root, &one))
            continue;
        columns[domain->count++] = outer->columns[i];
        idset_add(context, &domain->outer_set, outer->columns[i].id);
    }
    domain->outer = columns;
}

/* Whether the tree uses columns that it does not make. */
static void all_made(PlanContext *context, const LogicalNode *node, IdSet *set)
{
    idset_add_columns(context, set, node);
    if (node->kind == LOGICAL_SCAN)
        for (uint32_t i = 0; i < node->column_count; i++)
            idset_add(context, set, node->scan.first_id + node->scan.ordinals[i]);
    for (uint32_t i = 0; i < node->child_count; i++)
        all_made(context, node->children[i], set);
}

typedef struct FreeSearch {
    const IdSet *made;
    bool found;
} FreeSearch;

static void search_free(void *context, Expr **expr)
{
    FreeSearch *search = context;
    search->found |= !idset_covers(search->made, *expr);
}

static void tree_free(FreeSearch *search, LogicalNode *node)
{
    node_each_expr(node, search_free, search);
    for (uint32_t i = 0; i < node->child_count; i++)
        tree_free(search, node->children[i]);
}

static bool is_correlated_itself(PlanContext *context, LogicalNode *outer)
{
    IdSet made = idset_new(context);
    all_made(context, outer, &made);
    FreeSearch search = {&made, false};
    tree_free(&search, outer);
    return search.found;
}

static void open_domain(Domain *domain, LogicalNode **in_out_outer)
{
    PlanContext *context = domain->context;
    LogicalNode *outer = *in_out_outer;
    ColumnId *inputs = new_ids(domain);
    if (is_correlated_itself(context, outer) || tree_reads_working_table(outer)) {
        IdMap map;
        LogicalNode *copy = tree_clone(context, outer, &map);
        for (uint32_t i = 0; i < domain->count; i++)
            for (uint32_t m = 0; m < map.count; m++)
                if (map.from[m] == domain->outer[i].id)
                    inputs[i] = map.to[m];
        domain->source = distinct_values(domain, copy, inputs);
        return;
    }
    BoundCte *outer_cte = make_cte(context, outer);
    *in_out_outer = cte_reference(context, outer_cte, true);
    LogicalNode *again = cte_reference(context, outer_cte, false);
    for (uint32_t i = 0; i < domain->count; i++)
        for (uint32_t c = 0; c < again->column_count; c++)
            if (outer->columns[c].id == domain->outer[i].id)
                inputs[i] = again->columns[c].id;
    domain->cte = make_cte(context, distinct_values(domain, again, inputs));
}

Status push_dependent(PlanContext *context, LogicalNode **in_out_outer, LogicalNode **in_out_root, ConjunctList *out_match)
{
    Domain domain = {.context = context};
    find_outer(&domain, *in_out_outer, *in_out_root);
    open_domain(&domain, in_out_outer);
    ColumnId *ids = new_ids(&domain);
    ColumnId *outer_ids = new_ids(&domain);
    TRY(push(&domain, in_out_root, ids));
    for (uint32_t i = 0; i < domain.count; i++)
        outer_ids[i] = domain.outer[i].id;
    return match_domains(&domain, outer_ids, ids, out_match);
}
