#include "plan/plan_int.h"

/* Join order: inner joins that touch are taken apart into relations and conjuncts and put together
 * again, always joining the pair with the smallest result next (greedy operator ordering); cross products
 * come last. Quadratic in the number of relations, so 64 tables plan in a blink. */

typedef struct JoinGraph {
    LogicalNode **relations;
    uint32_t count, capacity;
    ConjunctList conjuncts;
} JoinGraph;

static void flatten(PlanContext *context, LogicalNode *node, JoinGraph *graph)
{
    bool is_inner = node->kind == LOGICAL_JOIN && (node->join.kind == JOIN_INNER || node->join.kind == JOIN_CROSS);
    if (is_inner) {
        flatten(context, node->children[0], graph);
        flatten(context, node->children[1], graph);
        for (uint32_t i = 0; i < node->join.count; i++)
            ARRAY_PUSH(context->arena, &graph->conjuncts, node->join.conjuncts[i]);
        return;
    }
    if (graph->count == graph->capacity)
        graph->relations = arena_grow(context->arena, graph->relations, sizeof(LogicalNode *), graph->count, &graph->capacity);
    graph->relations[graph->count++] = node;
}

typedef struct Candidate {
    LogicalNode *node;
    IdSet ids;
} Candidate;

/* Conjuncts that join exactly a and b: covered by both together, by neither alone. */
static void joining(PlanContext *context, const JoinGraph *graph, const bool *used, const Candidate *a, const Candidate *b,
                    ConjunctList *out, uint32_t *out_positions)
{
    IdSet both = idset_new(context);
    for (uint32_t w = 0; w < both.word_count; w++)
        both.words[w] = (w < a->ids.word_count ? a->ids.words[w] : 0) | (w < b->ids.word_count ? b->ids.words[w] : 0);
    for (uint32_t c = 0; c < graph->conjuncts.count; c++) {
        const Expr *conjunct = graph->conjuncts.items[c];
        if (used[c] || !idset_covers(&both, conjunct))
            continue;
        if (out_positions != NULL)
            out_positions[out->count] = c;
        ARRAY_PUSH(context->arena, out, graph->conjuncts.items[c]);
    }
}

static double pair_cost(PlanContext *context, const JoinGraph *graph, const bool *used, const Candidate *a, const Candidate *b,
                        bool *out_connected)
{
    ConjunctList list = {0};
    joining(context, graph, used, a, b, &list, NULL);
    *out_connected = list.count > 0;
    return join_cardinality(context, a->node->estimated_rows, b->node->estimated_rows, list.items, list.count, &a->ids, &b->ids);
}

static LogicalNode *combine(PlanContext *context, const JoinGraph *graph, bool *used, Candidate *a, Candidate *b)
{
    ConjunctList list = {0};
    uint32_t *positions = ARENA_NEW_ARRAY(context->arena, uint32_t, graph->conjuncts.count + 1);
    joining(context, graph, used, a, b, &list, positions);
    for (uint32_t i = 0; i < list.count; i++)
        used[positions[i]] = true;
    LogicalNode *join = make_node(context, LOGICAL_JOIN, a->node, b->node);
    join->join.kind = list.count > 0 ? JOIN_INNER : JOIN_CROSS;
    join->join.conjuncts = list.items;
    join->join.count = list.count;
    join_output(context, join);
    join->estimated_rows =
        join_cardinality(context, a->node->estimated_rows, b->node->estimated_rows, list.items, list.count, &a->ids, &b->ids);
    return join;
}

typedef struct PairCost {
    double rows;
    bool connected;
} PairCost;

static LogicalNode *greedy(PlanContext *context, const JoinGraph *graph)
{
    uint32_t n = graph->count;
    Candidate *parts = ARENA_NEW_ARRAY(context->arena, Candidate, n);
    bool *used = ARENA_NEW_ARRAY(context->arena, bool, graph->conjuncts.count + 1);
    PairCost *costs = ARENA_NEW_ARRAY(context->arena, PairCost, (size_t)n * n);
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = (Candidate){graph->relations[i], idset_new(context)};
        idset_add_columns(context, &parts[i].ids, graph->relations[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = i + 1; j < n; j++)
            costs[i * n + j].rows = pair_cost(context, graph, used, &parts[i], &parts[j], &costs[i * n + j].connected);
    }
    bool *gone = ARENA_NEW_ARRAY(context->arena, bool, n);
    uint32_t last = 0;
    for (uint32_t step = 1; step < n; step++) {
        uint32_t best_i = 0, best_j = 0;
        bool found = false, best_connected = false;
        double best = 0;
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t j = i + 1; j < n; j++) {
                const PairCost *cost = &costs[i * n + j];
                if (gone[i] || gone[j])
                    continue;
                bool better = !found || (cost->connected && !best_connected) ||
                              (cost->connected == best_connected && cost->rows < best);
                if (!better)
                    continue;
                found = true;
                best_i = i;
                best_j = j;
                best = cost->rows;
                best_connected = cost->connected;
            }
        }
        parts[best_i].node = combine(context, graph, used, &parts[best_i], &parts[best_j]);
        idset_add_columns(context, &parts[best_i].ids, parts[best_j].node);
        gone[best_j] = true;
        last = best_i;
        for (uint32_t o = 0; o < n; o++) {
            if (gone[o] || o == best_i)
                continue;
            uint32_t low = MIN(o, best_i), high = MAX(o, best_i);
            costs[low * n + high].rows =
                pair_cost(context, graph, used, &parts[low], &parts[high], &costs[low * n + high].connected);
        }
    }
    return parts[last].node;
}

Status order_joins(PlanContext *context, LogicalNode **in_out)
{
    LogicalNode *node = *in_out;
    bool is_inner = node->kind == LOGICAL_JOIN && (node->join.kind == JOIN_INNER || node->join.kind == JOIN_CROSS);
    if (!is_inner) {
        for (uint32_t i = 0; i < node->child_count; i++)
            TRY(order_joins(context, &node->children[i]));
        return OK;
    }
    JoinGraph graph = {0};
    flatten(context, node, &graph);
    for (uint32_t i = 0; i < graph.count; i++) {
        TRY(order_joins(context, &graph.relations[i]));
        estimate(context, graph.relations[i]);
    }
    LogicalNode *ordered = greedy(context, &graph);
    /* Parents go by id, so the order of columns may change. Conjuncts without columns stay above. */
    ConjunctList rest = {0};
    for (uint32_t c = 0; c < graph.conjuncts.count; c++) {
        IdSet any = idset_new(context);
        idset_add_expr(context, &any, graph.conjuncts.items[c]);
        bool empty = true;
        for (uint32_t w = 0; w < any.word_count; w++)
            empty &= any.words[w] == 0;
        if (empty && graph.count == 1)
            ARRAY_PUSH(context->arena, &rest, graph.conjuncts.items[c]);
    }
    *in_out = make_filter(context, ordered, &rest);
    return OK;
}
