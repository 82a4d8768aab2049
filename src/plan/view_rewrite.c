#include "plan/view_int.h"

/* The walk over a query's tree: grouping nodes and blocks are compared with the candidates, the cheapest that fits and is
 * fresh takes their place. What is put in is a plain tree again, which the later steps push filters into and order. */

#include <stdlib.h>

typedef struct Rewrite {
    PlanContext *context;
    PlanViews *views;
    LogicalNode *root;
    const PlanView *candidates;
    uint32_t count;
    uint32_t depth;
    const char **reasons; /* by candidate: what came closest */
    bool *is_used;
    bool has_changed;
} Rewrite;

/* A replacement that fits. */
typedef struct Offer {
    uint32_t candidate;
    double rows; /* that it reads */
    LogicalNode *node;
    LogicalNode *scan; /* of the view, inside of node */
    bool is_completed; /* by rows from the tables */
} Offer;

typedef struct Offers {
    Offer *items;
    uint32_t count;
    uint32_t capacity;
} Offers;

/* Views that lack some of the rows must be so much smaller than the tables, which are read as well. */
enum { LACKING_FACTOR = 4 };

static void note(Rewrite *rewrite, uint32_t candidate, const char *reason)
{
    rewrite->reasons[candidate] = reason;
}

static double leaf_rows(const LogicalNode *leaf)
{
    double rows = 0;
    for (uint32_t i = 0; i < leaf->child_count; i++)
        rows += leaf_rows(leaf->children[i]);
    return rows + (leaf->kind == LOGICAL_SCAN ? (double)table_row_count(leaf->scan.table) : 0);
}

static double block_rows(const Block *block, const bool *is_replaced, bool wanted)
{
    double rows = 0;
    for (uint32_t j = 0; j < block->leaves.count; j++)
        rows += is_replaced[j] == wanted ? leaf_rows(block->leaves.items[j]) : 0;
    return rows;
}

static void offer(Rewrite *rewrite, Offers *offers, const ViewMatch *match, uint32_t candidate, LogicalNode *node)
{
    double rows = (double)table_row_count(match->view->table), replaced = block_rows(match->query, match->is_replaced, true);
    bool is_worth_it = match->splits_groups ? rows * LACKING_FACTOR <= replaced : rows <= replaced;
    if (!rewrite->views->is_forced && !is_worth_it) {
        note(rewrite, candidate, match->splits_groups ? match->lacking : "the view has more rows than what it would replace");
        return;
    }
    rows += match->splits_groups ? replaced / 2 : match->missing.count > 0 ? replaced / LACKING_FACTOR : 0;
    Offer made = {candidate, rows + block_rows(match->query, match->is_replaced, false), node,
                  match->rows != NULL ? match->rows : match->scan, match->rows != NULL};
    ARRAY_PUSH(rewrite->context->arena, offers, made);
}

/* ---- views that are fresh in part ---- */

Status query_adopt(PlanContext *statement, PlanContext *own, const BoundQuery *query, BoundQuery **out_query)
{
    LogicalNode *root = query->root;
    IdMap map;
    TRY(normalize_tree(own, &root));
    root = tree_clone(statement, root, &map);
    *out_query = ARENA_NEW(statement->arena, BoundQuery);
    **out_query = (BoundQuery){.root = root, .columns = root->columns, .column_count = root->column_count};
    return OK;
}

/* A scan like the given one, of some partitions, with ids of its own. */
static LogicalNode *fresh_scan(PlanContext *context, const LogicalNode *scan, const PlanViewUse *use)
{
    LogicalNode *fresh = make_node(context, LOGICAL_SCAN, NULL, NULL);
    ColumnId first = context->ids->next;
    *fresh = *scan;
    context->ids->next += scan->scan.table->schema->column_count;
    fresh->scan.first_id = first;
    fresh->scan.partition_ids = use->partition_ids;
    fresh->scan.partition_id_count = use->partition_count;
    fresh->scan.ordinals = ARENA_NEW_ARRAY(context->arena, uint32_t, scan->column_count + 1);
    memcpy(fresh->scan.ordinals, scan->scan.ordinals, scan->column_count * sizeof(uint32_t));
    copy_columns(context, fresh, scan);
    for (uint32_t i = 0; i < scan->column_count; i++)
        fresh->columns[i].id = scan->columns[i].id - scan->scan.first_id + first;
    return fresh;
}

/* What the rest yields of the scan's columns. */
static Status project_rest(PlanContext *context, const LogicalNode *scan, const BoundQuery *rest, LogicalNode **out)
{
    LogicalNode *project = *out = make_node(context, LOGICAL_PROJECT, rest->root, NULL);
    copy_columns(context, project, scan);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, scan->column_count + 1);
    for (uint32_t i = 0; i < scan->column_count; i++) {
        const LogicalColumn *from = &rest->columns[scan->scan.ordinals[i]];
        project->columns[i].id = column_ids_next(context->ids);
        project->columns[i].is_nullable = from->is_nullable;
        TRY(expr_cast(context->arena, column_expr(context, from), scan->columns[i].type, true, context->diag, &project->project.exprs[i]));
    }
    return OK;
}

/* The view's partitions that are fresh, and the rest, as one set of rows with the scan's columns. */
static Status complete_scan(Rewrite *rewrite, LogicalNode *scan, const PlanViewUse *use)
{
    PlanContext *context = rewrite->context;
    LogicalNode *project;
    if (use->rest == NULL) {
        scan->scan.partition_ids = use->partition_ids;
        scan->scan.partition_id_count = use->partition_count;
        return OK;
    }
    LogicalNode *fresh = fresh_scan(context, scan, use);
    TRY(project_rest(context, scan, use->rest, &project));
    LogicalNode *set = make_node(context, LOGICAL_SET, fresh, project);
    set->set.kind = SET_UNION_ALL;
    copy_columns(context, set, scan);
    set->set.inputs = ARENA_NEW_ARRAY(context->arena, ColumnId *, 2);
    for (uint32_t child = 0; child < 2; child++)
        set->set.inputs[child] = ARENA_NEW_ARRAY(context->arena, ColumnId, scan->column_count + 1);
    for (uint32_t i = 0; i < scan->column_count; i++) {
        set->set.inputs[0][i] = fresh->columns[i].id;
        set->set.inputs[1][i] = project->columns[i].id;
        set->columns[i].is_nullable |= project->columns[i].is_nullable;
    }
    *scan = *set;
    return OK;
}

static int compare_offers(const void *left, const void *right)
{
    const Offer *a = left, *b = right;
    if (a->rows != b->rows)
        return a->rows < b->rows ? -1 : 1;
    return a->candidate < b->candidate ? -1 : 1;
}

static void note_completed(Rewrite *rewrite, uint64_t table_id)
{
    PlanViews *views = rewrite->views;
    if (views->completed_count == views->completed_room)
        views->completed =
            arena_grow(rewrite->context->arena, views->completed, sizeof(uint64_t), views->completed_count, &views->completed_room);
    views->completed[views->completed_count++] = table_id;
}

/* The cheapest whose view may be used takes the place of *in_out. */
static Status take_best(Rewrite *rewrite, Offers *offers, LogicalNode **in_out, bool *out_taken)
{
    *out_taken = false;
    if (offers->count > 1)
        qsort(offers->items, offers->count, sizeof(*offers->items), compare_offers);
    for (uint32_t i = 0; i < offers->count && !*out_taken; i++) {
        Offer *best = &offers->items[i];
        PlanViewUse use = {0};
        TRY(rewrite->views->use(rewrite->views->context, &rewrite->candidates[best->candidate], &use));
        if (!use.is_usable) {
            note(rewrite, best->candidate, arena_strndup(rewrite->context->arena, use.reason.data, use.reason.length));
            continue;
        }
        if (best->is_completed)
            note_completed(rewrite, rewrite->candidates[best->candidate].table->id);
        if (use.is_partial)
            TRY(complete_scan(rewrite, best->scan, &use));
        *in_out = best->node;
        rewrite->is_used[best->candidate] = rewrite->has_changed = *out_taken = true;
        rewrite->views->used_count++;
    }
    return OK;
}

/* ---- grouping nodes ---- */

static Status offer_aggregate(Rewrite *rewrite, uint32_t candidate, const LogicalNode *node, const Block *block, Offers *offers)
{
    PlanContext *context = rewrite->context;
    const PlanView *view = &rewrite->candidates[candidate];
    const AggCall *calls = block_calls(context, block, node->aggregate.calls, node->aggregate.call_count);
    Expr **groups = ARENA_NEW_ARRAY(context->arena, Expr *, node->aggregate.group_count + 1);
    for (uint32_t g = 0; g < node->aggregate.group_count; g++)
        groups[g] = block_expr(context, block, node->aggregate.groups[g]);
    for (uint32_t s = 0; s < view->form->shape_count; s++) {
        ViewMatch match;
        LogicalNode *replacement = NULL;
        bool fits;
        if (!view->form->shapes[s].is_grouped)
            continue;
        TRY(match_block(context, view, &view->form->shapes[s], block, &match, &fits));
        if (fits)
            TRY(match_aggregate(&match, node, calls, groups, &replacement));
        if (replacement != NULL)
            offer(rewrite, offers, &match, candidate, replacement);
        else
            note(rewrite, candidate, match.reason);
    }
    return OK;
}

static Status try_aggregate(Rewrite *rewrite, LogicalNode **in_out, bool *out_taken)
{
    LogicalNode *node = *in_out;
    Block block = {0};
    Offers offers = {0};
    *out_taken = false;
    if (!block_add(rewrite->context, &block, node->children[0]))
        return OK;
    for (uint32_t i = 0; i < rewrite->count; i++)
        TRY(offer_aggregate(rewrite, i, node, &block, &offers));
    return take_best(rewrite, &offers, in_out, out_taken);
}

/* ---- blocks ---- */

static void use_expr(void *opaque, Expr **expr)
{
    IdSet *used = ((void **)opaque)[0];
    idset_add_expr(((void **)opaque)[1], used, *expr);
}

/* Columns that the tree outside of `without` uses. */
static void collect_used(PlanContext *context, LogicalNode *node, const LogicalNode *without, IdSet *used)
{
    void *pair[] = {used, context};
    if (node == without)
        return;
    node_each_expr(node, use_expr, pair);
    for (uint32_t child = 0; child < node->child_count; child++) {
        for (uint32_t i = 0; node->kind == LOGICAL_SET && i < node->column_count; i++)
            idset_add(context, used, node->set.inputs[child][i]);
        for (uint32_t i = 0; node->kind == LOGICAL_RECURSIVE && i < node->column_count; i++)
            idset_add(context, used, node->recursive.inputs[child][i]);
        collect_used(context, node->children[child], without, used);
    }
}

LogicalNode *match_join_rest(PlanContext *context, const ViewMatch *match, LogicalNode *node)
{
    for (uint32_t j = 0; j < match->query->leaves.count; j++) {
        if (match->is_replaced[j])
            continue;
        node = make_node(context, LOGICAL_JOIN, node, match->query->leaves.items[j]);
        node->join.kind = JOIN_CROSS;
        join_output(context, node);
    }
    return node;
}

/* The first rows of something are only compared where they can be put in order again. */
static bool has_top_below(const Block *block, const LogicalNode *node)
{
    for (uint32_t j = 0; j < block->leaves.count; j++) {
        if (node_is_top(block->leaves.items[j]) && block->leaves.items[j] != node)
            return true;
    }
    return false;
}

/* A view has the rows, but not their order. */
static void sort_again(PlanContext *context, const LogicalNode *top, LogicalNode **in_out)
{
    LogicalNode *sorted = make_node(context, LOGICAL_SORT, *in_out, NULL);
    sorted->sort = top->children[0]->sort;
    copy_columns(context, sorted, *in_out);
    *in_out = sorted;
}

/* The block's columns that are used, over the view and the leaves that stay; NULL: the view lacks some. */
static LogicalNode *replace_block(Rewrite *rewrite, ViewMatch *match, const LogicalNode *node, const IdSet *used)
{
    PlanContext *context = rewrite->context;
    LogicalNode *rows = make_filter(context, match_join_rest(context, match, match->scan), &match->compensation);
    LogicalNode *project = make_node(context, LOGICAL_PROJECT, rows, NULL);
    project->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count + 1);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, node->column_count + 1);
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (!idset_has(used, node->columns[i].id))
            continue;
        Expr *expr = match_expr(match, block_expr(context, match->query, column_expr(context, &node->columns[i])), true);
        if (expr == NULL) {
            match->reason = arena_printf(context->arena, "the view lacks a column for %.*s", SV_ARGS(node->columns[i].name));
            return NULL;
        }
        project->project.exprs[project->column_count] = expr;
        project->columns[project->column_count++] = node->columns[i];
    }
    return project;
}

static Status offer_block(Rewrite *rewrite, uint32_t candidate, const LogicalNode *node, const Block *block, const IdSet *used,
                          Offers *offers)
{
    const PlanView *view = &rewrite->candidates[candidate];
    for (uint32_t s = 0; s < view->form->shape_count; s++) {
        ViewMatch match;
        bool fits;
        if (view->form->shapes[s].is_grouped)
            continue;
        TRY(match_block(rewrite->context, view, &view->form->shapes[s], block, &match, &fits));
        LogicalNode *replacement = fits ? replace_block(rewrite, &match, node, used) : NULL;
        if (replacement != NULL)
            offer(rewrite, offers, &match, candidate, replacement);
        else if (rewrite->reasons[candidate] == NULL)
            note(rewrite, candidate, match.reason);
    }
    return OK;
}

static Status try_block(Rewrite *rewrite, LogicalNode **in_out, bool *out_taken)
{
    PlanContext *context = rewrite->context;
    LogicalNode *node = *in_out;
    Block block = {0};
    Offers offers = {0};
    IdSet used = idset_new(context);
    *out_taken = false;
    if (!block_add(context, &block, node) || has_top_below(&block, node))
        return OK;
    void *pair[] = {&used, context};
    collect_used(context, rewrite->root, node, &used);
    if (node_is_top(node))
        node_each_expr(node->children[0], use_expr, pair);
    for (uint32_t i = 0; i < rewrite->root->column_count; i++)
        idset_add(context, &used, rewrite->root->columns[i].id);
    for (uint32_t i = 0; i < rewrite->count; i++)
        TRY(offer_block(rewrite, i, node, &block, &used, &offers));
    TRY(take_best(rewrite, &offers, in_out, out_taken));
    if (*out_taken && node_is_top(node))
        sort_again(context, node, in_out);
    return OK;
}

/* ---- the walk ---- */

/* Below it blocks are looked at by themselves. */
static bool has_top_leaf(const LogicalNode *node)
{
    bool found = node_is_top(node);
    for (uint32_t i = 0; i < node->child_count && block_is_inner(node); i++)
        found |= has_top_leaf(node->children[i]);
    return found;
}

static Status walk(Rewrite *rewrite, LogicalNode **in_out, bool in_block)
{
    LogicalNode *node = *in_out;
    bool taken = false, is_inner = block_is_inner(node);
    if (node->kind == LOGICAL_AGGREGATE)
        TRY(try_aggregate(rewrite, in_out, &taken));
    if (!taken && !in_block)
        TRY(try_block(rewrite, in_out, &taken));
    for (uint32_t i = 0; !taken && i < node->child_count; i++)
        TRY(walk(rewrite, &node->children[i], is_inner && !has_top_leaf(node)));
    return OK;
}

static void tell(const Rewrite *rewrite)
{
    ByteBuf *trace = rewrite->views->trace;
    for (uint32_t i = 0; trace != NULL && i < rewrite->count; i++) {
        const PlanView *view = &rewrite->candidates[i];
        if (rewrite->depth > 0 && !rewrite->is_used[i])
            continue; /* it was told why */
        bytebuf_printf(trace, "MV %.*s.%.*s: ", SV_ARGS(view->database->name), SV_ARGS(view->table->name));
        if (rewrite->is_used[i])
            bytebuf_append_text(trace, "used\n");
        else
            bytebuf_printf(trace, "not used: %s\n",
                           rewrite->reasons[i] != NULL ? rewrite->reasons[i] : "no part of the query looks like it");
    }
}

/* Views that the query names, where they say that they are read as their queries would be now. */
static Status complete_named(Rewrite *rewrite, LogicalNode *node)
{
    const CatalogTable *table = node->kind == LOGICAL_SCAN ? node->scan.table : NULL;
    for (uint32_t i = 0; i < node->child_count; i++)
        TRY(complete_named(rewrite, node->children[i]));
    if (table == NULL || table->schema->kind != TABLE_MATERIALIZED_VIEW || node->scan.is_historic || node->scan.partition_ids != NULL ||
        node->scan.tablet_ids != NULL)
        return OK;
    PlanViewUse use = {0};
    TRY(rewrite->views->read(rewrite->views->context, table, &use));
    if (!use.is_partial)
        return OK;
    if (rewrite->views->trace != NULL)
        bytebuf_printf(rewrite->views->trace, "MV %.*s.%.*s: completed by rows from its tables\n", SV_ARGS(node->scan.database->name),
                       SV_ARGS(table->name));
    return complete_scan(rewrite, node, &use);
}

Status rewrite_with_views(PlanContext *context, LogicalNode **in_out_root)
{
    PlanViews *views = context->views;
    if (views != NULL && views->read != NULL) {
        Rewrite named = {.context = context, .views = views, .root = *in_out_root};
        TRY(complete_named(&named, *in_out_root));
    }
    for (uint32_t depth = 0; views != NULL && depth < MAX(views->max_depth, 1u); depth++) {
        Rewrite rewrite = {.context = context, .views = views, .root = *in_out_root, .depth = depth};
        uint64_t *tables = NULL;
        uint32_t table_count = 0, capacity = 0;
        tree_tables(context, *in_out_root, &tables, &table_count, &capacity);
        if (table_count > 0)
            TRY(views->candidates(views->context, tables, table_count, &rewrite.candidates, &rewrite.count));
        if (rewrite.count == 0)
            return OK;
        rewrite.reasons = ARENA_NEW_ARRAY(context->arena, const char *, rewrite.count);
        rewrite.is_used = ARENA_NEW_ARRAY(context->arena, bool, rewrite.count);
        TRY(walk(&rewrite, in_out_root, false));
        views->completed_before = views->completed_count;
        tell(&rewrite);
        if (!rewrite.has_changed)
            return OK;
    }
    return OK;
}
