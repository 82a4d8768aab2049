#include "plan/view_int.h"

/* Blocks and forms: trees taken apart into relations, conditions and outputs. */

typedef struct Definitions {
    PlanContext *context;
    const Block *block;
} Definitions;

static Expr *substitute_defined(void *opaque, Expr *expr)
{
    const Definitions *all = opaque;
    const Block *block = all->block;
    for (uint32_t i = block->defined.count; i > 0 && expr->kind == EXPR_COLUMN; i--) {
        if (block->defined.items[i - 1] == expr->column.id)
            return expr_clone(all->context->arena, block->definitions.items[i - 1]);
    }
    return expr;
}

Expr *block_expr(PlanContext *context, const Block *block, const Expr *expr)
{
    Definitions all = {context, block};
    return expr_rewrite(expr_clone(context->arena, expr), substitute_defined, &all);
}

static bool has_subquery(const Expr *expr)
{
    bool found = expr->kind == EXPR_SUBQUERY;
    for (uint32_t i = 0; i < expr->argument_count && !found; i++)
        found = has_subquery(expr->arguments[i]);
    return found;
}

bool block_is_inner(const LogicalNode *node)
{
    if (node->kind == LOGICAL_JOIN)
        return (node->join.kind == JOIN_INNER || node->join.kind == JOIN_CROSS) && !node->join.is_straight;
    return node->kind == LOGICAL_PROJECT || node->kind == LOGICAL_FILTER;
}

static bool add_conjuncts(PlanContext *context, Block *block, Expr *const *conjuncts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        Expr *folded, *expr = block_expr(context, block, conjuncts[i]);
        if (!expr_is_deterministic(expr) || has_subquery(expr))
            return false;
        Diag ignored = {0};
        if (expr_fold(context->arena, context->session, expr, &ignored, &folded) != OK)
            folded = expr;
        push_conjunct(context, &block->conjuncts, folded);
    }
    return true;
}

static bool add_project(PlanContext *context, Block *block, const LogicalNode *node)
{
    Expr **exprs = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++) {
        exprs[i] = block_expr(context, block, node->project.exprs[i]);
        if (!expr_is_deterministic(exprs[i]) || has_subquery(exprs[i]))
            return false;
    }
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (exprs[i]->kind == EXPR_COLUMN && exprs[i]->column.id == node->columns[i].id)
            continue;
        ARRAY_PUSH(context->arena, &block->defined, node->columns[i].id);
        ARRAY_PUSH(context->arena, &block->definitions, exprs[i]);
    }
    return true;
}

static bool add_leaf(PlanContext *context, Block *block, LogicalNode *node)
{
    ARRAY_PUSH(context->arena, &block->leaves, node);
    return node->kind != LOGICAL_SCAN || add_conjuncts(context, block, node->scan.conjuncts, node->scan.conjunct_count);
}

static bool keeps_left(const LogicalNode *node)
{
    return node->kind == LOGICAL_JOIN && !node->join.is_straight &&
           (node->join.kind == JOIN_LEFT || node->join.kind == JOIN_LEFT_SEMI || node->join.kind == JOIN_LEFT_ANTI);
}

static bool add_node(PlanContext *context, Block *block, LogicalNode *node, bool through_joins);

/* What is joined inside with other leaves may as well be joined after it: (a LEFT JOIN b) x c is (a x c) LEFT JOIN b. */
static bool add_join(PlanContext *context, Block *block, LogicalNode *node)
{
    if (!add_node(context, block, node->children[0], true))
        return false;
    BlockJoin join = {node, ARENA_NEW_ARRAY(context->arena, Expr *, node->join.count + 1)};
    for (uint32_t i = 0; i < node->join.count; i++) {
        join.conjuncts[i] = block_expr(context, block, node->join.conjuncts[i]);
        if (!expr_is_deterministic(join.conjuncts[i]) || has_subquery(join.conjuncts[i]))
            return false;
    }
    ARRAY_PUSH(context->arena, &block->joins, join);
    return true;
}

static bool add_node(PlanContext *context, Block *block, LogicalNode *node, bool through_joins)
{
    if (through_joins && keeps_left(node))
        return add_join(context, block, node);
    if (!block_is_inner(node))
        return add_leaf(context, block, node);
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (!add_node(context, block, node->children[i], through_joins))
            return false;
    }
    if (node->kind == LOGICAL_PROJECT)
        return add_project(context, block, node);
    if (node->kind == LOGICAL_FILTER)
        return add_conjuncts(context, block, node->filter.conjuncts, node->filter.count);
    return add_conjuncts(context, block, node->join.conjuncts, node->join.count);
}

bool block_add(PlanContext *context, Block *block, LogicalNode *node)
{
    return add_node(context, block, node, false);
}

bool block_add_joined(PlanContext *context, Block *block, LogicalNode *node)
{
    return add_node(context, block, node, true);
}

AggCall *block_calls(PlanContext *context, const Block *block, const AggCall *calls, uint32_t count)
{
    AggCall *copies = ARENA_NEW_ARRAY(context->arena, AggCall, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        AggCall *copy = &copies[i];
        *copy = calls[i];
        copy->arguments = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(copy->argument_count, 1u));
        for (uint32_t a = 0; a < copy->argument_count; a++)
            copy->arguments[a] = block_expr(context, block, calls[i].arguments[a]);
        if (copy->filter != NULL)
            copy->filter = block_expr(context, block, copy->filter);
        bool counts_all = strcmp(copy->binding->def->name, "count") == 0 && copy->argument_count == 1 && !copy->is_distinct &&
                          !copy->arguments[0]->is_nullable;
        if (counts_all)
            copy->argument_count = 0;
    }
    return copies;
}

/* ---- what a definition may hold ---- */

typedef struct Inspection {
    const char *problem;
} Inspection;

static void inspect_expr(void *opaque, Expr **in_out)
{
    Inspection *found = opaque;
    const Expr *expr = *in_out;
    uint32_t flags = expr->kind == EXPR_CALL ? expr->call.binding->flags : 0;
    if ((flags & FUNC_VOLATILE) != 0)
        found->problem = "the definition has a function whose value is another one each time";
    if ((flags & FUNC_SESSION_BOUND) != 0)
        found->problem = "the definition has a function that depends on the session or the time";
    if (expr->kind == EXPR_SUBQUERY || expr->kind == EXPR_PARAMETER)
        found->problem = "the definition has a subquery that is not a join";
    for (uint32_t i = 0; i < expr->argument_count; i++)
        inspect_expr(opaque, &expr->arguments[i]);
}

static void inspect(LogicalNode *node, Inspection *found)
{
    bool is_picked = node->kind == LOGICAL_SCAN && (node->scan.partition_ids != NULL || node->scan.tablet_ids != NULL || node->scan.is_historic);
    if (node->kind == LOGICAL_CTE_REF)
        found->problem = "the definition uses a common table expression more than once";
    if (node->kind == LOGICAL_RECURSIVE)
        found->problem = "the definition has a recursive common table expression";
    if (is_picked || node->kind == LOGICAL_SYSTEM_SCAN || node->kind == LOGICAL_TABLE_FUNCTION)
        found->problem = "the definition reads something else than whole tables";
    node_each_expr(node, inspect_expr, found);
    for (uint32_t i = 0; i < node->child_count; i++)
        inspect(node->children[i], found);
}

void tree_tables(PlanContext *context, const LogicalNode *node, uint64_t **in_out_tables, uint32_t *in_out_count, uint32_t *in_out_capacity)
{
    for (uint32_t i = 0; i < node->child_count; i++)
        tree_tables(context, node->children[i], in_out_tables, in_out_count, in_out_capacity);
    if (node->kind != LOGICAL_SCAN)
        return;
    uint32_t at = 0, count = *in_out_count;
    while (at < count && (*in_out_tables)[at] < node->scan.table->id)
        at++;
    if (at < count && (*in_out_tables)[at] == node->scan.table->id)
        return;
    if (count == *in_out_capacity)
        *in_out_tables = arena_grow(context->arena, *in_out_tables, sizeof(uint64_t), count, in_out_capacity);
    memmove(&(*in_out_tables)[at + 1], &(*in_out_tables)[at], (count - at) * sizeof(uint64_t));
    (*in_out_tables)[at] = node->scan.table->id;
    (*in_out_count)++;
}

/* ---- shapes ---- */

/* Output columns as expressions over what the block's top yields. */
static void plain_outputs(PlanContext *context, const BoundQuery *definition, ViewShape *shape)
{
    shape->output_count = definition->column_count;
    shape->outputs = ARENA_NEW_ARRAY(context->arena, ViewOutput, MAX(definition->column_count, 1u));
    for (uint32_t i = 0; i < definition->column_count; i++) {
        const LogicalColumn *column = &definition->columns[i];
        shape->outputs[i] = (ViewOutput){.kind = VIEW_OUTPUT_EXPR, .type = column->type};
        shape->outputs[i].expr = block_expr(context, &shape->block, column_expr(context, column));
    }
}

/* ---- joins that only add columns ---- */

static bool is_key_column(const LogicalNode *scan, const Expr *expr, uint32_t ordinal)
{
    return expr->kind == EXPR_COLUMN && expr->column.id == scan->scan.first_id + ordinal;
}

/* Is a column of the unique key compared with something of the other side? */
static bool fixes_key(PlanContext *context, const LogicalNode *scan, const BlockJoin *join, uint32_t ordinal)
{
    IdSet own = idset_new(context);
    idset_add_columns(context, &own, scan);
    for (uint32_t i = 0; i < join->join->join.count; i++) {
        const Expr *expr = join->conjuncts[i];
        bool is_equality = expr->kind == EXPR_CALL && expr->argument_count == 2 && strcmp(expr->call.binding->def->name, "eq") == 0;
        for (uint32_t side = 0; side < 2 && is_equality; side++) {
            if (is_key_column(scan, expr->arguments[side], ordinal) && !idset_touches(&own, expr->arguments[1 - side]))
                return true;
        }
    }
    return false;
}

/* LEFT JOIN with the whole key of a table whose keys are unique: each row stays, once. */
static bool adds_columns_only(PlanContext *context, const BlockJoin *join)
{
    const LogicalNode *scan = join->join->children[1];
    if (join->join->join.kind != JOIN_LEFT || scan->kind != LOGICAL_SCAN)
        return false;
    const TableSchema *schema = scan->scan.table->schema;
    bool is_unique = (schema->keys_kind == KEYS_PRIMARY || schema->keys_kind == KEYS_UNIQUE) && schema->key_count > 0;
    for (uint32_t k = 0; k < schema->key_count && is_unique; k++)
        is_unique = fixes_key(context, scan, join, k);
    return is_unique;
}

static bool add_block(PlanContext *context, Block *block, LogicalNode *node, bool through_joins)
{
    if (!through_joins)
        return block_add(context, block, node);
    bool is_good = block_add_joined(context, block, node) && block->joins.count > 0;
    for (uint32_t j = 0; j < block->joins.count && is_good; j++)
        is_good = adds_columns_only(context, &block->joins.items[j]);
    return is_good;
}

static bool plain_shape(PlanContext *context, const BoundQuery *definition, LogicalNode *root, bool through_joins, ViewShape *shape)
{
    *shape = (ViewShape){0};
    if (!add_block(context, &shape->block, root, through_joins))
        return false;
    plain_outputs(context, definition, shape);
    return true;
}

/* The grouping node below projections alone; NULL: there is none. */
static LogicalNode *find_grouping(LogicalNode *node)
{
    while (node->kind == LOGICAL_PROJECT)
        node = node->children[0];
    return node->kind == LOGICAL_AGGREGATE && node->aggregate.sets == NULL ? node : NULL;
}

static void classify_output(const LogicalNode *grouping, ViewShape *shape, ViewOutput *output)
{
    const Expr *expr = output->expr;
    output->kind = VIEW_OUTPUT_OTHER;
    for (uint32_t g = 0; g < grouping->aggregate.group_count && expr->kind == EXPR_COLUMN; g++) {
        if (grouping->aggregate.group_ids[g] != expr->column.id)
            continue;
        *output = (ViewOutput){VIEW_OUTPUT_GROUP, g, shape->groups[g], output->type};
        return;
    }
    for (uint32_t c = 0; c < grouping->aggregate.call_count && expr->kind == EXPR_COLUMN; c++) {
        if (grouping->aggregate.calls[c].id == expr->column.id)
            *output = (ViewOutput){VIEW_OUTPUT_CALL, c, NULL, output->type};
    }
}

static bool grouped_shape(PlanContext *context, const BoundQuery *definition, LogicalNode *root, bool through_joins, ViewShape *shape)
{
    LogicalNode *grouping = find_grouping(root);
    Block above = {0};
    ViewShape outputs = {0};
    *shape = (ViewShape){.is_grouped = true};
    if (grouping == NULL || !add_block(context, &shape->block, grouping->children[0], through_joins) || !block_add(context, &above, root))
        return false;
    outputs.block = above; /* whose leaf is the grouping node */
    plain_outputs(context, definition, &outputs);
    shape->group_count = grouping->aggregate.group_count;
    shape->groups = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(shape->group_count, 1u));
    for (uint32_t g = 0; g < shape->group_count; g++)
        shape->groups[g] = block_expr(context, &shape->block, grouping->aggregate.groups[g]);
    shape->call_count = grouping->aggregate.call_count;
    shape->calls = block_calls(context, &shape->block, grouping->aggregate.calls, shape->call_count);
    shape->outputs = outputs.outputs;
    shape->output_count = outputs.output_count;
    for (uint32_t i = 0; i < shape->output_count; i++)
        classify_output(grouping, shape, &shape->outputs[i]);
    return true;
}

/* The form outlives the snapshot: of tables it keeps ids. */
static void detach_tables(PlanContext *context, LogicalNode *node)
{
    for (uint32_t i = 0; i < node->child_count; i++)
        detach_tables(context, node->children[i]);
    if (node->kind != LOGICAL_SCAN)
        return;
    CatalogTable *kept = ARENA_NEW(context->arena, CatalogTable);
    kept->id = node->scan.table->id;
    node->scan.table = kept;
    node->scan.database = NULL;
}

/* ORDER BY says nothing about a set of rows. */
static LogicalNode *without_sort(LogicalNode *node)
{
    while (node->kind == LOGICAL_SORT && node->sort.limit < 0 && node->sort.offset == 0)
        node = node->children[0];
    return node;
}

static void needed_tables(PlanContext *context, const ViewShape *shape, ViewForm *form)
{
    uint32_t capacity = 0;
    form->needed = NULL;
    form->needed_count = 0;
    for (uint32_t i = 0; i < shape->block.leaves.count; i++)
        tree_tables(context, shape->block.leaves.items[i], &form->needed, &form->needed_count, &capacity);
}

Status view_form_make(PlanContext *context, BoundQuery *definition, ViewForm **out_form)
{
    ViewForm *form = *out_form = ARENA_NEW(context->arena, ViewForm);
    Inspection found = {0};
    LogicalNode *root = definition->root;
    uint32_t capacity = 0;
    TRY(normalize_tree(context, &root));
    root = without_sort(root);
    tree_tables(context, root, &form->tables, &form->table_count, &capacity);
    inspect(root, &found);
    form->unsupported = found.problem;
    if (form->unsupported != NULL)
        return OK;
    form->needed = form->tables;
    form->needed_count = form->table_count;
    for (uint32_t pass = 0; pass < 2; pass++) {
        uint32_t before = form->shape_count;
        if (grouped_shape(context, definition, root, pass > 0, &form->shapes[form->shape_count]))
            form->shape_count++;
        if (plain_shape(context, definition, root, pass > 0, &form->shapes[form->shape_count]))
            form->shape_count++;
        if (pass > 0 && form->shape_count > before)
            needed_tables(context, &form->shapes[before], form);
    }
    detach_tables(context, root);
    return OK;
}

const uint64_t *view_form_tables(const ViewForm *form, uint32_t *out_count)
{
    *out_count = form->table_count;
    return form->tables;
}

const uint64_t *view_form_needed(const ViewForm *form, uint32_t *out_count)
{
    *out_count = form->needed_count;
    return form->needed;
}

const char *view_form_unsupported(const ViewForm *form)
{
    return form->unsupported;
}
