#pragma once
/* Inside of the planner; only for src/plan. */

#include "plan/plan.h"

/* What is known about a column of the statement, by ColumnId. */
typedef struct ColumnFacts {
    double distinct; /* 0: unknown */
    bool has_bounds;
    Int128 min, max; /* integer-like columns */
} ColumnFacts;

typedef struct ConjunctList {
    Expr **items;
    uint32_t count;
    uint32_t capacity;
} ConjunctList;

ColumnFacts *column_facts(PlanContext *context, ColumnId id);

/* Sets of column ids as bitmaps. */
typedef struct IdSet {
    uint64_t *words;
    uint32_t word_count;
} IdSet;
IdSet idset_new(PlanContext *context);
void idset_add(PlanContext *context, IdSet *set, ColumnId id);
bool idset_has(const IdSet *set, ColumnId id);
void idset_add_columns(PlanContext *context, IdSet *set, const LogicalNode *node);
void idset_add_expr(PlanContext *context, IdSet *set, const Expr *expr); /* columns that it uses */
bool idset_covers(const IdSet *set, const Expr *expr);    /* uses only these */
bool idset_touches(const IdSet *set, const Expr *expr);   /* uses at least one of these */

void push_conjunct(PlanContext *context, ConjunctList *list, Expr *expr); /* splits ANDs */
LogicalNode *make_node(PlanContext *context, LogicalKind kind, LogicalNode *left, LogicalNode *right);
LogicalNode *make_filter(PlanContext *context, LogicalNode *child, const ConjunctList *conjuncts);
void copy_columns(PlanContext *context, LogicalNode *node, const LogicalNode *child);
void join_output(PlanContext *context, LogicalNode *join);
/* Are there partitions of the scan in which rows may satisfy the conditions? Those over other columns are left out. */
Status scan_selects_any(PlanContext *context, const LogicalNode *scan, const ConjunctList *conjuncts, bool *out);
Expr *column_expr(PlanContext *context, const LogicalColumn *column);
bool produces(const LogicalNode *node, ColumnId id);

/* Steps, in order. */
/* CTEs that are used once in their places, subqueries as joins. */
Status normalize_tree(PlanContext *context, LogicalNode **in_out);
Status unnest_tree(PlanContext *context, LogicalNode **in_out);
/* Aggregates over whole partitions as joins with groups. */
Status group_windows(PlanContext *context, LogicalNode **in_out);
Status push_filters(PlanContext *context, LogicalNode **in_out);
Status order_joins(PlanContext *context, LogicalNode **in_out);
void estimate(PlanContext *context, LogicalNode *node);
double selectivity(PlanContext *context, const Expr *conjunct);
double join_cardinality(PlanContext *context, double left, double right, Expr *const *conjuncts, uint32_t count,
                        const IdSet *left_ids, const IdSet *right_ids);
void prune_columns(PlanContext *context, LogicalNode *node, const IdSet *needed);
/* 64-bit arithmetic where the ranges of values prove that it is enough; slots are set already. */
Status narrow_expr(PlanContext *context, Expr **in_out);
Status narrow_aggregate(PlanContext *context, PhysAggCall *call);
Status build_physical(PlanContext *context, LogicalNode *node, PhysNode **out);
/* left < right and its likes over one side each, with the left side first. */
bool is_inequality(const Expr *conjunct, const IdSet *left, const IdSet *right, Expr **out_left, Expr **out_right, PhysAsof *out);
/* left = right over one side each; false: no equi-condition. */
bool is_equi(const Expr *conjunct, const IdSet *left, const IdSet *right, Expr **out_left, Expr **out_right, bool *out_null_safe);
