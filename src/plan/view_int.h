#pragma once
/* Inside of the rewriting with views; only for src/plan/view_*.c.
 *
 * A Block is a select-project-join part of a tree: leaves, which are scans or subtrees of any other kind, and what is
 * said about their columns. Expressions of blocks are over columns of leaves alone. */

#include "plan/logical_walk.h"
#include "plan/view_rewrite.h"

typedef struct Block {
    ARRAY_OF(LogicalNode *) leaves;
    ConjunctList conjuncts;
    ARRAY_OF(ColumnId) defined;   /* columns that projections made .. */
    ARRAY_OF(Expr *) definitions; /* .. and what they are over the leaves */
} Block;

typedef enum ViewOutputKind { VIEW_OUTPUT_EXPR, VIEW_OUTPUT_GROUP, VIEW_OUTPUT_CALL, VIEW_OUTPUT_OTHER } ViewOutputKind;

typedef struct ViewOutput {
    uint8_t kind; /* ViewOutputKind */
    uint32_t at;  /* group or call */
    Expr *expr;   /* over the leaves; of VIEW_OUTPUT_EXPR and _GROUP */
    Type type;
} ViewOutput;

/* One way to see a definition: grouped rows with their aggregates, or rows as they are. */
typedef struct ViewShape {
    Block block;
    bool is_grouped;
    Expr **groups;
    uint32_t group_count;
    AggCall *calls; /* arguments over the leaves */
    uint32_t call_count;
    ViewOutput *outputs;
    uint32_t output_count;
} ViewShape;

struct ViewForm {
    const char *unsupported; /* NULL: the shapes are good */
    ViewShape shapes[2];
    uint32_t shape_count;
    uint64_t *tables;
    uint32_t table_count;
};

/* Columns that conditions make equal, of one type each. */
typedef struct ColumnClasses {
    ARRAY_OF(ColumnId) ids;
    ARRAY_OF(ColumnId) representatives;
} ColumnClasses;

/* ---- view_form.c ---- */
/* Takes in node and what is below it. False: nothing to be compared (volatile expressions). */
bool block_add(PlanContext *context, Block *block, LogicalNode *node);
Expr *block_expr(PlanContext *context, const Block *block, const Expr *expr);
bool block_is_inner(const LogicalNode *node); /* a node that a block sees through */
/* Calls whose arguments are over the leaves; count(x) of what is never NULL is count(*). */
AggCall *block_calls(PlanContext *context, const Block *block, const AggCall *calls, uint32_t count);
void tree_tables(PlanContext *context, const LogicalNode *node, uint64_t **in_out_tables, uint32_t *in_out_count,
                 uint32_t *in_out_capacity);

/* ---- view_predicate.c ---- */
void classes_of(PlanContext *context, const ConjunctList *conjuncts, ColumnClasses *out);
ColumnId class_of(const ColumnClasses *classes, ColumnId id);
/* A copy to be compared: columns stand for their classes, comparisons have their constant on the right. */
Expr *canonical(PlanContext *context, const ColumnClasses *classes, const Expr *expr);
/* Do the conjuncts, which are canonical, allow only rows for which the canonical condition is TRUE? */
bool conjuncts_imply(PlanContext *context, const ConjunctList *conjuncts, const Expr *condition);
/* a = b of two columns. */
bool is_column_equality(const Expr *expr);
/* The one value that the conjuncts leave to a canonical expression; NULL: none. */
const Expr *constant_of(const ConjunctList *conjuncts, const Expr *expr);

/* ---- view_match.c ---- */
typedef struct IdPairs {
    ColumnId *from, *to;
    uint32_t count, capacity;
} IdPairs;

typedef struct ViewMatch {
    PlanContext *context;
    const PlanView *view;
    const ViewShape *shape;
    const Block *query;
    uint32_t *leaf_of; /* by leaf of the shape: the query's */
    bool *is_replaced; /* by leaf of the query */
    IdPairs pairs;     /* columns of the shape to those of the query */
    ColumnClasses view_classes, query_classes;
    ConjunctList view_conjuncts;  /* canonical under view_classes */
    ConjunctList query_conjuncts; /* canonical under query_classes */
    Expr **outputs;               /* by output of the shape: over the query's columns, canonical by the query's classes; NULL: none */
    Expr **view_outputs;          /* the same canonical by the view's classes */
    LogicalNode *scan;            /* of the view */
    ConjunctList compensation;    /* over the scan's columns and leaves that stay */
    ConjunctList kept;    /* over the scan's columns: rows of the view that are read, where some come from the tables; view_union.c */
    ConjunctList missing; /* over the query's columns: those that come from the tables satisfy one of them */
    bool splits_groups;   /* groups of the view may have rows among those .. */
    const char *lacking;  /* .. for this reason */
    LogicalNode *rows;    /* of the view alone, once others are added to the scan */
    const char *reason;           /* why it does not fit */
} ViewMatch;

/* Do the leaves and conditions fit? Leaves of the query that the view does not have stay. */
Status match_block(PlanContext *context, const PlanView *view, const ViewShape *shape, const Block *query, ViewMatch *out, bool *out_fits);
/* Joined with the leaves that stay. */
LogicalNode *match_join_rest(PlanContext *context, const ViewMatch *match, LogicalNode *node);
/* The expression over the view's columns; NULL: it can't be had. by_query: where the query's conditions hold already. */
Expr *match_expr(ViewMatch *match, const Expr *expr, bool by_query);
Expr *view_column(const ViewMatch *match, uint32_t output);
/* ORDER BY .. LIMIT: the first rows of an order, which a view may have the same of. */
bool node_is_top(const LogicalNode *node);
/* Of the view's columns, in every node, the query's. */
bool trees_match(PlanContext *context, const LogicalNode *view, const LogicalNode *query, IdPairs *out_pairs);
void idpairs_add(PlanContext *context, IdPairs *pairs, ColumnId from, ColumnId to);
Expr *idpairs_clone(PlanContext *context, const IdPairs *pairs, const Expr *expr);

/* ---- view_time.c ---- */
/* A canonical expression over a column of the view that holds units of time; NULL: none has it. */
Expr *view_time(ViewMatch *match, const Expr *wanted, bool by_query);

bool is_truncation(const Expr *expr);
bool same_time(const Expr *a, const Expr *b);                          /* but for casts of dates */
Expr *time_call(ViewMatch *match, const char *name, Expr *a, Expr *b); /* NULL: there is no such function */

/* ---- view_union.c ---- */
/* A condition of the query, canonical by the view's classes, that cuts a unit of time of the view's groups in two: the unit comes from the tables. */
bool union_cuts_unit(ViewMatch *match, const Expr *wanted);
/* A condition of the view that the query does not have: rows for which it is not TRUE come from the tables. */
bool union_lacks_condition(ViewMatch *match, Expr *condition);
/* The scan becomes the rows of the view and those that come from the tables, grouped as the view is. */
Status union_complete(ViewMatch *match);

/* ---- view_aggregate.c ---- */
/* What takes the place of a grouping node; NULL: match->reason says why there is none. */
Status match_aggregate(ViewMatch *match, const LogicalNode *node, const AggCall *calls, Expr *const *groups, LogicalNode **out);
