#include "plan/plan.h"

/* EXPLAIN in StarRocks' shape: nodes numbered from the bottom, the root's fragment first. */

#include <stdio.h>

static const char *const join_names[] = {"INNER JOIN", "LEFT OUTER JOIN", "RIGHT OUTER JOIN", "FULL OUTER JOIN", "LEFT SEMI JOIN",
                                         "LEFT ANTI JOIN", "RIGHT SEMI JOIN", "RIGHT ANTI JOIN", "NULL AWARE LEFT ANTI JOIN",
                                         "LEFT MARK JOIN", "LEFT OUTER JOIN (single)"};

static void indent(ByteBuf *out, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++)
        bytebuf_append_text(out, "  ");
}

static void print_list(ByteBuf *out, uint32_t depth, const char *title, Expr *const *exprs, uint32_t count, const char *separator)
{
    if (count == 0)
        return;
    indent(out, depth);
    bytebuf_printf(out, "  |  %s: ", title);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            bytebuf_append_text(out, separator);
        expr_print(exprs[i], out);
    }
    bytebuf_append_char(out, '\n');
}

static void print_scan(const PhysNode *node, uint32_t depth, ByteBuf *out)
{
    indent(out, depth);
    bytebuf_printf(out, "     TABLE: %.*s\n", SV_ARGS(node->scan.table));
    indent(out, depth);
    bytebuf_append_text(out, "     PREAGGREGATION: ON\n");
    if (node->scan.conjunct_count > 0) {
        indent(out, depth);
        bytebuf_append_text(out, "     PREDICATES: ");
        for (uint32_t i = 0; i < node->scan.conjunct_count; i++) {
            if (i > 0)
                bytebuf_append_text(out, ", ");
            expr_print(node->scan.conjuncts[i], out);
        }
        bytebuf_append_char(out, '\n');
    }
    indent(out, depth);
    bytebuf_printf(out, "     partitions=%u/%u\n", node->scan.partitions_selected, node->scan.partitions_total);
    indent(out, depth);
    bytebuf_printf(out, "     rollup: %.*s\n", SV_ARGS(node->scan.table));
    indent(out, depth);
    bytebuf_printf(out, "     tabletRatio=%u/%u\n", node->scan.tablets_selected, node->scan.tablets_total);
    indent(out, depth);
    bytebuf_printf(out, "     cardinality=%.0f\n", node->estimated_rows);
    for (uint32_t i = 0; i < node->scan.filter_count; i++) {
        indent(out, depth);
        bytebuf_printf(out, "     runtime filter %u on %.*s\n", node->scan.filters[i].id,
                       SV_ARGS(node->columns[node->scan.filters[i].slot].name));
    }
}

static void print_join(const PhysNode *node, uint32_t depth, ByteBuf *out)
{
    indent(out, depth);
    bytebuf_printf(out, "  |  join op: %s\n", node->kind == PHYS_NODE_NESTED_LOOP_JOIN && node->join.kind == PHYS_JOIN_INNER &&
                                                       node->join.residual_count == 0 ? "CROSS JOIN" : join_names[node->join.kind]);
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        indent(out, depth);
        bytebuf_append_text(out, "  |  equal join conjunct: ");
        expr_print(node->join.left_keys[k], out);
        bytebuf_append_text(out, " = ");
        expr_print(node->join.right_keys[k], out);
        bytebuf_append_char(out, '\n');
    }
    print_list(out, depth, "other join predicates", node->join.residual, node->join.residual_count, ", ");
}

static void print_aggregate(const PhysNode *node, uint32_t depth, ByteBuf *out)
{
    indent(out, depth);
    bytebuf_append_text(out, "  |  output: ");
    for (uint32_t i = 0; i < node->aggregate.call_count; i++) {
        const PhysAggCall *call = &node->aggregate.calls[i];
        bytebuf_printf(out, "%s%s(%s", i > 0 ? ", " : "", call->binding->def->name, call->is_distinct ? "DISTINCT " : "");
        for (uint32_t a = 0; a < call->argument_count; a++) {
            if (a > 0)
                bytebuf_append_text(out, ", ");
            expr_print(call->arguments[a], out);
        }
        bytebuf_append_text(out, call->argument_count == 0 ? "*)" : ")");
    }
    bytebuf_append_char(out, '\n');
    print_list(out, depth, "group by", node->aggregate.groups, node->aggregate.group_count, ", ");
}

static const char *node_name(const PhysNode *node)
{
    static const char *const names[] = {"OlapScanNode", "SCHEMA SCAN", "UNION", "SELECT", "Project", "HASH JOIN", "NESTLOOP JOIN",
                                        "AGGREGATE (update finalize)", "SORT", "LIMIT", "ANALYTIC", "UNION", "TableValueFunction",
                                        "ASSERT NUMBER OF ROWS", "CTE ANCHOR", "CTE CONSUME", "OLAP TABLE SINK", "EMPTYSET"};
    return node->kind == PHYS_NODE_SORT && node->sort.limit >= 0 ? "TOP-N" : names[node->kind];
}

static void print_node(const PhysNode *node, uint32_t depth, const PlanProfile *profile, ByteBuf *out)
{
    indent(out, depth);
    bytebuf_printf(out, "  %u:%s", node->id, node_name(node));
    if (profile != NULL) {
        const PlanNodeProfile *actual = &profile->nodes[node->id];
        bytebuf_printf(out, "  [rows=%llu, estimated=%.0f, time=%.3f ms, memory=%lld, spilled=%lld]", (unsigned long long)actual->rows,
                       node->estimated_rows, (double)actual->time_us / 1000, (long long)actual->peak_bytes,
                       (long long)actual->spilled_bytes);
    }
    bytebuf_append_char(out, '\n');
    switch ((PhysKindOfNode)node->kind) {
    case PHYS_NODE_SCAN:
        print_scan(node, depth, out);
        break;
    case PHYS_NODE_HASH_JOIN:
    case PHYS_NODE_NESTED_LOOP_JOIN:
        print_join(node, depth, out);
        break;
    case PHYS_NODE_AGGREGATE:
        print_aggregate(node, depth, out);
        break;
    case PHYS_NODE_FILTER:
        print_list(out, depth, "predicates", node->filter.conjuncts, node->filter.count, ", ");
        break;
    case PHYS_NODE_PROJECT:
        print_list(out, depth, "exprs", node->project.exprs, node->column_count, ", ");
        break;
    case PHYS_NODE_SORT:
        indent(out, depth);
        bytebuf_append_text(out, "  |  order by: ");
        for (uint32_t i = 0; i < node->sort.count; i++) {
            expr_print(node->sort.keys[i].expr, out);
            bytebuf_append_text(out, node->sort.keys[i].is_descending ? " DESC " : " ASC ");
        }
        bytebuf_append_char(out, '\n');
        break;
    case PHYS_NODE_LIMIT:
        indent(out, depth);
        bytebuf_printf(out, "  |  limit: %lld\n", (long long)node->limit.limit);
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < node->child_count; i++)
        print_node(node->children[i], depth + (node->child_count > 1), profile, out);
}

static void print_totals(const PhysPlan *plan, const PlanProfile *profile, ByteBuf *out)
{
    int64_t spilled = 0;
    for (uint32_t i = 0; i < plan->node_count; i++)
        spilled += profile->nodes[i].spilled_bytes;
    bytebuf_printf(out, "TotalTime: %.3f ms\nPeakMemory: %lld bytes\nSpilledBytes: %lld\n\n", (double)profile->total_us / 1000,
                   (long long)profile->peak_bytes, (long long)spilled);
}

void plan_explain(const PhysPlan *plan, const PlanProfile *profile, ByteBuf *out)
{
    if (profile != NULL)
        print_totals(plan, profile, out);
    bytebuf_append_text(out, "PLAN FRAGMENT 0\n OUTPUT EXPRS:");
    for (uint32_t i = 0; i < plan->root->column_count; i++)
        bytebuf_printf(out, "%s%.*s", i > 0 ? " | " : "", SV_ARGS(plan->root->columns[i].name));
    bytebuf_append_text(out, "\n  PARTITION: UNPARTITIONED\n\n  RESULT SINK\n\n");
    print_node(plan->root, 0, profile, out);
}
