#include "plan/plan.h"

/* EXPLAIN in StarRocks' shape: a tree whose first child continues the line of its parent and whose other
 * children hang on |----. Everything of a node but its name line is printed behind a prefix. */

#include <stdio.h>

#include "connector/connector.h"

static const char *const join_names[] = {"INNER JOIN", "LEFT OUTER JOIN", "RIGHT OUTER JOIN", "FULL OUTER JOIN", "LEFT SEMI JOIN",
                                         "LEFT ANTI JOIN", "RIGHT SEMI JOIN", "RIGHT ANTI JOIN", "NULL AWARE LEFT ANTI JOIN",
                                         "LEFT MARK JOIN", "LEFT OUTER JOIN (single)", "ASOF INNER JOIN", "ASOF LEFT OUTER JOIN"};

typedef struct Printer {
    const PlanProfile *profile; /* NULL: not run */
    PlanExplainLevel level;
    uint32_t *numbers; /* by node id: from the bottom, as readers of StarRocks' plans expect */
    ByteBuf *out;
} Printer;

/* Prefixes of a node's lines: of its name, of what is below the name, and of its children. */
typedef struct Prefix {
    StrView detail;
    StrView child;
} Prefix;

static void print_exprs(ByteBuf *out, Expr *const *exprs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_append_text(out, i > 0 ? ", " : "");
        expr_print(exprs[i], out);
    }
}

static void begin(const Printer *p, const Prefix *prefix, const char *title)
{
    bytebuf_append_view(p->out, prefix->detail);
    bytebuf_append_text(p->out, title);
}

static void print_list(const Printer *p, const Prefix *prefix, const char *title, Expr *const *exprs, uint32_t count)
{
    if (count == 0)
        return;
    begin(p, prefix, title);
    print_exprs(p->out, exprs, count);
    bytebuf_append_char(p->out, '\n');
}

static double row_bytes(const PhysNode *node)
{
    enum { TEXT_BYTES = 16 };
    double bytes = 0;
    for (uint32_t i = 0; i < node->column_count; i++) {
        Type type = node->columns[i].type;
        bytes += type.phys <= PHYS_I128 || type_is_float(type) ? phys_width((PhysKind)type.phys) : TEXT_BYTES;
    }
    return bytes;
}

static void print_scan(const Printer *p, const Prefix *prefix, const PhysNode *node)
{
    ByteBuf *out = p->out;
    begin(p, prefix, "");
    bytebuf_printf(out, "TABLE: %.*s\n", SV_ARGS(node->scan.table));
    begin(p, prefix, "PREAGGREGATION: ON\n");
    print_list(p, prefix, "PREDICATES: ", node->scan.conjuncts, node->scan.conjunct_count);
    begin(p, prefix, "");
    bytebuf_printf(out, "partitions=%u/%u\n", node->scan.partitions_selected, node->scan.partitions_total);
    begin(p, prefix, "");
    bytebuf_printf(out, "rollup: %.*s\n", SV_ARGS(node->scan.table));
    begin(p, prefix, "");
    bytebuf_printf(out, "tabletRatio=%u/%u\n", node->scan.tablets_selected, node->scan.tablets_total);
    begin(p, prefix, "");
    bytebuf_printf(out, "cardinality=%.0f\n", node->estimated_rows);
    begin(p, prefix, "");
    bytebuf_printf(out, "avgRowSize=%.1f\n", row_bytes(node));
    if (node->scan.is_view)
        begin(p, prefix, "MaterializedView: true\n");
    for (uint32_t i = 0; i < node->scan.filter_count; i++) {
        begin(p, prefix, "");
        bytebuf_printf(out, "probe runtime filters: filter_id = %u, probe_expr = (%.*s)\n", node->scan.filters[i].id,
                       SV_ARGS(node->columns[node->scan.filters[i].slot].name));
    }
}

static void print_join(const Printer *p, const Prefix *prefix, const PhysNode *node)
{
    bool is_cross = node->kind == PHYS_NODE_NESTED_LOOP_JOIN && node->join.kind == PHYS_JOIN_INNER && node->join.residual_count == 0;
    begin(p, prefix, "join op: ");
    bytebuf_printf(p->out, "%s%s\n", is_cross ? "CROSS JOIN" : join_names[node->join.kind], node->join.key_count > 0 ? " (BROADCAST)" : "");
    begin(p, prefix, "colocate: false, reason: \n");
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        begin(p, prefix, "equal join conjunct: ");
        expr_print(node->join.left_keys[k], p->out);
        bytebuf_append_text(p->out, " = ");
        expr_print(node->join.right_keys[k], p->out);
        bytebuf_append_char(p->out, '\n');
    }
    if (node->join.asof != PHYS_ASOF_NONE) {
        static const char *const symbols[] = {"", " >= ", " > ", " <= ", " < "};
        begin(p, prefix, "asof join conjunct: ");
        expr_print(node->join.left_keys[node->join.key_count], p->out);
        bytebuf_append_text(p->out, symbols[node->join.asof]);
        expr_print(node->join.right_keys[node->join.key_count], p->out);
        bytebuf_append_char(p->out, '\n');
    }
    print_list(p, prefix, "other join predicates: ", node->join.residual, node->join.residual_count);
    for (uint32_t i = 0; i < node->join.filter_count && p->level != PLAN_EXPLAIN_NORMAL; i++) {
        begin(p, prefix, "build runtime filters: ");
        bytebuf_printf(p->out, "filter_id = %u\n", node->join.filters[i].id);
    }
}

static void print_call(ByteBuf *out, const FuncBinding *binding, bool is_distinct, Expr *const *arguments, uint32_t count)
{
    bytebuf_printf(out, "%s(%s", binding->def->name, is_distinct ? "DISTINCT " : "");
    print_exprs(out, arguments, count);
    bytebuf_append_text(out, count == 0 ? "*)" : ")");
}

static void print_aggregate(const Printer *p, const Prefix *prefix, const PhysNode *node)
{
    begin(p, prefix, "output: ");
    for (uint32_t i = 0; i < node->aggregate.call_count; i++) {
        const PhysAggCall *call = &node->aggregate.calls[i];
        bytebuf_append_text(p->out, i > 0 ? ", " : "");
        print_call(p->out, call->binding, call->is_distinct, call->arguments, call->argument_count);
    }
    bytebuf_append_char(p->out, '\n');
    begin(p, prefix, "group by: ");
    print_exprs(p->out, node->aggregate.groups, node->aggregate.group_count);
    bytebuf_append_char(p->out, '\n');
}

static void print_keys(const Printer *p, const Prefix *prefix, const char *title, const PhysSortKey *keys, uint32_t count)
{
    if (count == 0)
        return;
    begin(p, prefix, title);
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_append_text(p->out, i > 0 ? ", " : "");
        expr_print(keys[i].expr, p->out);
        bytebuf_append_text(p->out, keys[i].is_descending ? " DESC" : " ASC");
    }
    bytebuf_append_char(p->out, '\n');
}

static void print_window(const Printer *p, const Prefix *prefix, const PhysNode *node)
{
    begin(p, prefix, "functions: ");
    for (uint32_t i = 0; i < node->window.call_count; i++) {
        const PhysWindowCall *call = &node->window.calls[i];
        bytebuf_append_text(p->out, i > 0 ? ", [" : "[");
        print_call(p->out, call->binding, call->is_distinct, call->arguments, call->argument_count);
        bytebuf_append_char(p->out, ']');
    }
    bytebuf_append_char(p->out, '\n');
    print_list(p, prefix, "partition by: ", node->window.partition, node->window.partition_count);
    print_keys(p, prefix, "order by: ", node->window.order, node->window.order_count);
}

static void print_limit(const Printer *p, const Prefix *prefix, int64_t limit, int64_t offset)
{
    if (offset > 0) {
        begin(p, prefix, "offset: ");
        bytebuf_printf(p->out, "%lld\n", (long long)offset);
    }
    if (limit >= 0) {
        begin(p, prefix, "limit: ");
        bytebuf_printf(p->out, "%lld\n", (long long)limit);
    }
}

static const char *node_name(const PhysNode *node)
{
    static const char *const names[] = {"OlapScanNode", "SCHEMA SCAN", "UNION", "SELECT", "Project", "HASH JOIN", "NESTLOOP JOIN",
                                        "AGGREGATE (update finalize)", "SORT", "LIMIT", "ANALYTIC", "UNION", "TableValueFunction",
                                        "ASSERT NUMBER OF ROWS", "CTE ANCHOR", "CTE CONSUME", "RECURSIVE CTE", "OLAP TABLE SINK", "EMPTYSET"};
    if (node->kind == PHYS_NODE_SYSTEM_SCAN && node->system_scan.table->kind != NULL)
        return node->system_scan.table->kind;
    return node->kind == PHYS_NODE_SORT && node->sort.limit >= 0 ? "TOP-N" : names[node->kind];
}

static void print_name(const Printer *p, const PhysNode *node)
{
    bytebuf_printf(p->out, "%u:%s", p->numbers[node->id], node_name(node));
    if (p->profile != NULL) {
        const PlanNodeProfile *actual = &p->profile->nodes[node->id];
        bytebuf_printf(p->out, "  [rows=%llu, estimated=%.0f, time=%.3f ms, memory=%lld, spilled=%lld]", (unsigned long long)actual->rows,
                       node->estimated_rows, (double)actual->time_us / 1000, (long long)actual->peak_bytes,
                       (long long)actual->spilled_bytes);
        if (actual->choices[0] != '\0')
            bytebuf_printf(p->out, " [%s]", actual->choices);
        if (actual->pages_by_bounds + actual->pages_by_index > 0)
            bytebuf_printf(p->out, "  [pages pruned: by zone maps=%llu, by indexes=%llu]", (unsigned long long)actual->pages_by_bounds,
                           (unsigned long long)actual->pages_by_index);
        if (actual->local_count + actual->remote_count > 0)
            bytebuf_printf(p->out, " [CompressedBytesReadLocalDisk=%llu, CompressedBytesReadRemote=%llu, IOCountLocalDisk=%llu, IOCountRemote=%llu]",
                           (unsigned long long)actual->local_bytes, (unsigned long long)actual->remote_bytes,
                           (unsigned long long)actual->local_count, (unsigned long long)actual->remote_count);
    }
    bytebuf_append_char(p->out, '\n');
}

static void print_details(const Printer *p, const Prefix *prefix, const PhysNode *node)
{
    switch ((PhysKindOfNode)node->kind) {
    case PHYS_NODE_SCAN:
        print_scan(p, prefix, node);
        break;
    case PHYS_NODE_SYSTEM_SCAN:
        if (node->system_scan.table->detail == NULL)
            break;
        begin(p, prefix, "PATH: ");
        bytebuf_printf(p->out, "%s\n", node->system_scan.table->detail);
        break;
    case PHYS_NODE_HASH_JOIN:
    case PHYS_NODE_NESTED_LOOP_JOIN:
        print_join(p, prefix, node);
        break;
    case PHYS_NODE_AGGREGATE:
        print_aggregate(p, prefix, node);
        break;
    case PHYS_NODE_FILTER:
        print_list(p, prefix, "predicates: ", node->filter.conjuncts, node->filter.count);
        break;
    case PHYS_NODE_PROJECT:
        print_list(p, prefix, "exprs: ", node->project.exprs, node->column_count);
        break;
    case PHYS_NODE_SORT:
        print_keys(p, prefix, "order by: ", node->sort.keys, node->sort.count);
        print_limit(p, prefix, node->sort.limit, node->sort.offset);
        break;
    case PHYS_NODE_LIMIT:
        print_limit(p, prefix, node->limit.limit, node->limit.offset);
        break;
    case PHYS_NODE_WINDOW:
        print_window(p, prefix, node);
        break;
    case PHYS_NODE_RECURSIVE:
        begin(p, prefix, "");
        bytebuf_printf(p->out, "name: %.*s, union: %s, max levels: %lld\n", SV_ARGS(node->recursive.name),
                       node->recursive.is_distinct ? "DISTINCT" : "ALL", (long long)node->recursive.max_levels);
        break;
    default:
        break;
    }
    if (p->level == PLAN_EXPLAIN_NORMAL || node->kind == PHYS_NODE_SCAN)
        return;
    begin(p, prefix, "cardinality: ");
    bytebuf_printf(p->out, "%.0f\n", node->estimated_rows);
}

static StrView joined(Arena *arena, StrView prefix, const char *more)
{
    return strview(arena_printf(arena, "%.*s%s", SV_ARGS(prefix), more));
}

/* The name line of the node begins with what is in out already. */
static void print_node(const Printer *p, Arena *arena, const PhysNode *node, StrView indent)
{
    Prefix prefix = {joined(arena, indent, node->child_count > 0 ? "|  " : "   "), indent};
    print_name(p, node);
    print_details(p, &prefix, node);
    for (uint32_t i = node->child_count; i > 1; i--) {
        begin(p, &prefix, "\n");
        bytebuf_append_view(p->out, indent);
        bytebuf_append_text(p->out, "|----");
        print_node(p, arena, node->children[i - 1], joined(arena, indent, "|    "));
    }
    if (node->child_count == 0)
        return;
    begin(p, &prefix, "\n");
    bytebuf_append_view(p->out, indent);
    print_node(p, arena, node->children[0], indent);
}

/* EXPLAIN LOGICAL: one line an operator, "- NAME => [columns]". */
static void print_logical(const Printer *p, const PhysNode *node, uint32_t depth)
{
    static const char *const names[] = {"SCAN", "SCAN", "VALUES", "FILTER", "PROJECT", "JOIN", "JOIN", "AGGREGATE(GLOBAL)", "SORT", "LIMIT",
                                        "ANALYTIC", "UNION", "TABLE FUNCTION", "ASSERT ROWS", "CTE ANCHOR", "CTE CONSUME", "RECURSIVE CTE", "SINK", "EMPTY"};
    bytebuf_printf(p->out, "%*s- ", (int)(depth * 4), "");
    if (node->kind == PHYS_NODE_HASH_JOIN || node->kind == PHYS_NODE_NESTED_LOOP_JOIN)
        bytebuf_printf(p->out, "%s/%s", node->kind == PHYS_NODE_HASH_JOIN ? "HASH" : "NESTED LOOP", join_names[node->join.kind]);
    else
        bytebuf_append_text(p->out, node->kind == PHYS_NODE_SORT && node->sort.limit >= 0 ? "TOP-N" : names[node->kind]);
    if (node->kind == PHYS_NODE_SCAN)
        bytebuf_printf(p->out, " [%.*s]", SV_ARGS(node->scan.table));
    bytebuf_append_text(p->out, " => [");
    for (uint32_t i = 0; i < node->column_count; i++)
        bytebuf_printf(p->out, "%s%.*s", i > 0 ? ", " : "", SV_ARGS(node->columns[i].name));
    bytebuf_append_text(p->out, "]\n");
    if (node->kind == PHYS_NODE_SCAN) {
        bytebuf_printf(p->out, "%*sEstimates: {row: %.0f}\n", (int)(depth * 4 + 8), "", node->estimated_rows);
        bytebuf_printf(p->out, "%*spartitionRatio: %u/%u, tabletRatio: %u/%u\n", (int)(depth * 4 + 8), "", node->scan.partitions_selected,
                       node->scan.partitions_total, node->scan.tablets_selected, node->scan.tablets_total);
    }
    if (node->kind == PHYS_NODE_SCAN && node->scan.conjunct_count > 0) {
        bytebuf_printf(p->out, "%*spredicate: ", (int)(depth * 4 + 8), "");
        print_exprs(p->out, node->scan.conjuncts, node->scan.conjunct_count);
        bytebuf_append_char(p->out, '\n');
    }
    for (uint32_t i = 0; i < node->child_count; i++)
        print_logical(p, node->children[i], depth + 1);
}

static void print_totals(const PhysPlan *plan, const PlanProfile *profile, ByteBuf *out)
{
    int64_t spilled = 0;
    for (uint32_t i = 0; i < plan->node_count; i++)
        spilled += profile->nodes[i].spilled_bytes;
    bytebuf_printf(out, "TotalTime: %.3f ms\nPeakMemory: %lld bytes\nSpilledBytes: %lld\n\n", (double)profile->total_us / 1000,
                   (long long)profile->peak_bytes, (long long)spilled);
}

static void print_output(const PhysPlan *plan, const char *separator, ByteBuf *out)
{
    for (uint32_t i = 0; i < plan->root->column_count; i++)
        bytebuf_printf(out, "%s%.*s", i > 0 ? separator : "", SV_ARGS(plan->root->columns[i].name));
}

static void number_nodes(const PhysNode *node, uint32_t *numbers, uint32_t *next)
{
    for (uint32_t i = 0; i < node->child_count; i++)
        number_nodes(node->children[i], numbers, next);
    numbers[node->id] = (*next)++;
}

void plan_explain(const PhysPlan *plan, const PlanExplain *what, ByteBuf *out)
{
    AUTO_ARENA arena;
    uint32_t next = 0;
    arena_init(&arena, NULL);
    Printer printer = {what->profile, what->level, ARENA_NEW_ARRAY(&arena, uint32_t, plan->node_count + 1), out};
    number_nodes(plan->root, printer.numbers, &next);
    if (what->profile != NULL)
        print_totals(plan, what->profile, out);
    if (what->level == PLAN_EXPLAIN_LOGICAL) {
        bytebuf_append_text(out, "- Output => [");
        print_output(plan, ", ", out);
        bytebuf_append_text(out, "]\n");
        print_logical(&printer, plan->root, 1);
        return;
    }
    bytebuf_append_text(out, "PLAN FRAGMENT 0\n OUTPUT EXPRS:");
    print_output(plan, " | ", out);
    bytebuf_append_text(out, "\n  PARTITION: UNPARTITIONED\n\n");
    if (what->sink.length > 0)
        bytebuf_printf(out, "  OLAP TABLE SINK\n    TABLE: %.*s\n    TUPLE ID: 0\n    RANDOM\n", SV_ARGS(what->sink));
    else
        bytebuf_append_text(out, "  RESULT SINK\n");
    if (what->update_mode != NULL)
        bytebuf_printf(out, "    PARTIAL UPDATE MODE: %s\n", what->update_mode);
    bytebuf_append_text(out, "\n  ");
    print_node(&printer, &arena, plan->root, STR_VIEW("  "));
}
