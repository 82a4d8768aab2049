#include "plan/logical_walk.h"
#include "plan/view_rewrite.h"

/* The order of the steps. CTEs are planned like queries of their own: used once, a CTE is put in its
 * place (a projection renames its columns), and so is one that changes with the steps of a recursion; used more often, it is computed once before the rest. */

/* A projection of the CTE's tree, or of a copy of it, in the place of the reference. */
static void inline_cte(PlanContext *context, LogicalNode *node)
{
    BoundCte *cte = node->cte_ref.cte;
    LogicalNode *root = cte->query->root;
    ColumnId *inputs = node->cte_ref.inputs;
    IdMap map = {0};
    if (cte->use_count > 1)
        root = tree_clone(context, root, &map);
    cte->use_count--;
    node->kind = LOGICAL_PROJECT;
    node->children = ARENA_NEW_ARRAY(context->arena, LogicalNode *, 2);
    node->children[0] = root;
    node->child_count = 1;
    node->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++)
        node->project.exprs[i] = expr_column(context->arena, inputs[i], node->columns[i].type, node->columns[i].is_nullable,
                                             node->columns[i].name);
    node_map(&map, node);
}

static void inline_ctes(PlanContext *context, LogicalNode *node)
{
    if (node->kind == LOGICAL_CTE_REF && (node->cte_ref.cte->use_count == 1 || node->cte_ref.cte->reads_working_table))
        inline_cte(context, node);
    for (uint32_t i = 0; i < node->child_count; i++)
        inline_ctes(context, node->children[i]);
}

/* All rewriting of one tree; its root's columns keep their order. */
static Status rewrite(PlanContext *context, LogicalNode **in_out)
{
    uint32_t count = (*in_out)->column_count;
    LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(count, 1u));
    memcpy(columns, (*in_out)->columns, count * sizeof(*columns));
    TRY(rewrite_with_views(context, in_out));
    TRY(group_windows(context, in_out));
    TRY(push_filters(context, in_out));
    TRY(order_joins(context, in_out));
    IdSet needed = idset_new(context);
    for (uint32_t i = 0; i < count; i++)
        idset_add(context, &needed, columns[i].id);
    prune_columns(context, *in_out, &needed);
    estimate(context, *in_out);
    LogicalNode *root = *in_out;
    bool same = root->column_count == count;
    for (uint32_t i = 0; same && i < count; i++)
        same = root->columns[i].id == columns[i].id;
    if (same)
        return OK;
    LogicalNode *project = make_node(context, LOGICAL_PROJECT, root, NULL);
    project->columns = columns;
    project->column_count = count;
    project->estimated_rows = root->estimated_rows;
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        project->project.exprs[i] = column_expr(context, &columns[i]);
    *in_out = project;
    return OK;
}

static void number_nodes(PhysNode *node, uint32_t *next)
{
    node->id = (*next)++;
    for (uint32_t i = 0; i < node->child_count; i++)
        number_nodes(node->children[i], next);
}

static Status anchor_ctes(PlanContext *context, PhysNode **in_out, BoundCte **ctes, uint32_t count)
{
    if (count == 0)
        return OK;
    PhysNode *anchor = ARENA_NEW(context->arena, PhysNode);
    *anchor = **in_out;
    anchor->kind = PHYS_NODE_CTE_ANCHOR;
    anchor->children = ARENA_NEW_ARRAY(context->arena, PhysNode *, count + 1);
    anchor->children[0] = *in_out;
    anchor->child_count = count + 1;
    anchor->cte_anchor.cte_ids = ARENA_NEW_ARRAY(context->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        anchor->cte_anchor.cte_ids[i] = ctes[i]->id;
        TRY(build_physical(context, ctes[i]->query->root, &anchor->children[i + 1]));
    }
    *in_out = anchor;
    return OK;
}

Status normalize_tree(PlanContext *context, LogicalNode **in_out)
{
    inline_ctes(context, *in_out);
    TRY(unnest_tree(context, in_out));
    inline_ctes(context, *in_out); /* uses inside of subqueries have come into the tree */
    return OK;
}

typedef ARRAY_OF(BoundCte *) CteList;

/* CTEs that stay references, each once and normalized, inner ones first: unnesting makes some of its own. */
static Status collect_ctes(PlanContext *context, const LogicalNode *node, CteList *out)
{
    for (uint32_t i = 0; i < node->child_count; i++)
        TRY(collect_ctes(context, node->children[i], out));
    if (node->kind != LOGICAL_CTE_REF)
        return OK;
    BoundCte *cte = node->cte_ref.cte;
    for (uint32_t i = 0; i < out->count; i++) {
        if (out->items[i] == cte)
            return OK;
    }
    TRY(normalize_tree(context, &cte->query->root));
    TRY(collect_ctes(context, cte->query->root, out));
    ARRAY_PUSH(context->arena, out, cte);
    return OK;
}

Status plan_query(PlanContext *context, BoundQuery *query, PhysPlan **out_plan)
{
    CteList ctes = {0};
    LogicalNode *root = query->root;
    TRY(normalize_tree(context, &root));
    TRY(collect_ctes(context, root, &ctes));
    for (uint32_t i = 0; i < ctes.count; i++)
        TRY(rewrite(context, &ctes.items[i]->query->root));
    TRY(rewrite(context, &root));
    PhysPlan *plan = ARENA_NEW(context->arena, PhysPlan);
    TRY(build_physical(context, root, &plan->root));
    TRY(anchor_ctes(context, &plan->root, ctes.items, ctes.count));
    number_nodes(plan->root, &plan->node_count);
    plan->filter_count = context->next_filter_id;
    plan->cte_count = ctes.count;
    plan->max_cte_id = context->max_recursion_id;
    for (uint32_t i = 0; i < ctes.count; i++)
        plan->max_cte_id = MAX(plan->max_cte_id, ctes.items[i]->id);
    plan->session = context->session;
    *out_plan = plan;
    return OK;
}
