#pragma once
/* Walks over logical trees: their expressions, free columns, renumbering copies. */

#include "plan/plan_int.h"

/* Calls visit for every expression of this node (not of its children); it may replace *expr. */
void node_each_expr(LogicalNode *node, void (*visit)(void *context, Expr **expr), void *context);
/* The tree, also inside of subqueries and CTEs that it names, uses a column of the set. */
bool tree_uses(LogicalNode *node, const IdSet *set);
/* As tree_uses, but only inside of subqueries that are still expressions. */
bool tree_subqueries_use(LogicalNode *node, const IdSet *set);

/* As tree_uses, but only inside of CTEs that the tree names. */
bool tree_ctes_use(LogicalNode *node, const IdSet *set);
/* The tree reads the working table of a recursion, be it around it or inside. */
bool tree_reads_working_table(const LogicalNode *node);

/* from[i] becomes to[i]. */
typedef struct IdMap {
    const ColumnId *from;
    const ColumnId *to;
    uint32_t count;
} IdMap;
void expr_map(const IdMap *map, Expr *expr); /* in place, also inside of subqueries */
void node_map(const IdMap *map, LogicalNode *node);
/* A deep copy whose columns all have new ids. out_map: old to new. */
LogicalNode *tree_clone(PlanContext *context, const LogicalNode *node, IdMap *out_map);
