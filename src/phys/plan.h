#pragma once
/* The physical plan: plain read-only data that execution runs.
 *
 * A tree of PhysNode in an arena; nothing in it points to a catalog, an AST or a session, except
 * that expressions carry their function bindings. Expressions use slots: EXPR_COLUMN.slot is the
 * position in the output of the node's child; for joins the left child's columns come first, then
 * the right's. A join's right child is always the build side. A plan names the exact segments that
 * it scans, so it can read any version. Fit for caching: nothing is written while it runs. */

#include "expr/eval.h"
#include "types/segment_ref.h"

typedef struct PhysNode PhysNode;

typedef enum PhysKindOfNode {
    PHYS_NODE_SCAN,
    PHYS_NODE_SYSTEM_SCAN,
    PHYS_NODE_VALUES,
    PHYS_NODE_FILTER,
    PHYS_NODE_PROJECT,
    PHYS_NODE_HASH_JOIN,
    PHYS_NODE_NESTED_LOOP_JOIN,
    PHYS_NODE_AGGREGATE,
    PHYS_NODE_SORT, /* full sort, or top-N with a limit */
    PHYS_NODE_LIMIT,
    PHYS_NODE_WINDOW,
    PHYS_NODE_UNION_ALL,
    PHYS_NODE_TABLE_FUNCTION,
    PHYS_NODE_ASSERT_ONE_ROW,
    PHYS_NODE_CTE_ANCHOR,  /* children[0] uses, children[1..] produce; materialises each once */
    PHYS_NODE_CTE_SCAN,    /* also of the working table of a recursion */
    PHYS_NODE_RECURSIVE,   /* children[0], then children[1] over the rows of the step before until there are none */
    PHYS_NODE_TABLE_SINK,
    PHYS_NODE_EMPTY,
} PhysKindOfNode;

typedef struct PhysColumn {
    Type type; /* phys may be narrower than the default */
    bool is_nullable;
    StrView name;
} PhysColumn;

typedef struct PhysSortKey {
    Expr *expr;
    bool is_descending;
    bool nulls_first;
} PhysSortKey;

/* unique_id of a scan column that is no column of the table: where the row lies, as number of the segment in
 * the scan << 32 | row in the segment. BIGINT. */
#define PHYS_ROW_LOCATION UINT32_MAX

typedef struct PhysScanColumn {
    uint32_t unique_id;    /* of the column in the table: survives renames */
    Type type;             /* phys: what to decode into */
    const Datum *missing;  /* value for segments older than the column; NULL: NULL */
    StrView name;
} PhysScanColumn;

/* What a join publishes to a scan below its probe side once its build side is complete. */
typedef struct PhysRuntimeFilter {
    uint32_t id;     /* unique in the plan */
    uint32_t key;    /* which equi key of the join */
    bool is_null_safe;
} PhysRuntimeFilter;

typedef struct PhysFilterTarget {
    uint32_t id;   /* PhysRuntimeFilter.id */
    uint32_t slot; /* output slot of the scan that the filter tests */
} PhysFilterTarget;

typedef enum PhysJoinKind {
    PHYS_JOIN_INNER,
    PHYS_JOIN_LEFT,
    PHYS_JOIN_RIGHT, /* build side preserved */
    PHYS_JOIN_FULL,
    PHYS_JOIN_LEFT_SEMI,
    PHYS_JOIN_LEFT_ANTI,
    PHYS_JOIN_RIGHT_SEMI, /* yields build rows */
    PHYS_JOIN_RIGHT_ANTI,
    PHYS_JOIN_NULL_AWARE_ANTI,
    PHYS_JOIN_LEFT_MARK,   /* output: left columns, then the mark */
    PHYS_JOIN_LEFT_SINGLE,
    PHYS_JOIN_ASOF_INNER,
    PHYS_JOIN_ASOF_LEFT,
} PhysJoinKind;

/* The inequality of an ASOF join, left side first. */
typedef enum PhysAsof { PHYS_ASOF_NONE, PHYS_ASOF_GE, PHYS_ASOF_GT, PHYS_ASOF_LE, PHYS_ASOF_LT } PhysAsof;

typedef struct PhysAggCall {
    const FuncBinding *binding;
    Expr **arguments;
    uint32_t argument_count;
    bool is_distinct;
    Expr *filter;
    PhysSortKey *order;
    uint32_t order_count;
} PhysAggCall;

typedef struct PhysWindowCall {
    const FuncBinding *binding;
    Expr **arguments;
    uint32_t argument_count;
    bool is_distinct;
    bool ignore_nulls;
    bool frame_is_rows;
    uint8_t frame_start; /* FrameBound values of analyze/logical.h, in the same order: */
    uint8_t frame_end;   /* 0 unbounded preceding .. 4 unbounded following */
    int64_t start_offset;
    int64_t end_offset;
} PhysWindowCall;

/* One tablet to write to. */
typedef struct PhysSinkTablet {
    uint64_t partition_id;
    uint64_t tablet_id;
    uint32_t bucket;
} PhysSinkTablet;

struct PhysNode {
    uint8_t kind; /* PhysKindOfNode */
    uint32_t id;  /* position in a preorder walk, from 0; names the operator in EXPLAIN and profiles */
    uint32_t child_count;
    PhysNode **children;
    PhysColumn *columns;
    uint32_t column_count;
    double estimated_rows;
    union {
        struct {
            StrView database;
            StrView table;
            StrView alias;
            uint64_t table_id;
            const SegmentRef *segments;
            uint32_t segment_count;
            PhysScanColumn *scan_columns; /* columns[i] of the node, then columns only predicates use */
            uint32_t scan_column_count;   /* >= column_count */
            Expr **conjuncts;             /* slots: scan_columns */
            uint32_t conjunct_count;
            PhysFilterTarget *filters;
            uint32_t filter_count;
            bool is_view; /* of a materialized view */
            uint32_t partitions_selected, partitions_total;
            uint32_t tablets_selected, tablets_total;
            int64_t limit;  /* stop after so many rows; -1: none */
            uint64_t total_rows;
            StrView view;   /* materialized view behind a rewrite; empty */
            bool has_rollup; /* room: reads another index schema */
        } scan;
        struct {
            const struct ConnectorTable *table; /* lives as long as the statement */
            uint32_t *ordinals;
            Expr **conjuncts; /* slots: columns; the connector may use them, the scan applies them */
            uint32_t conjunct_count;
        } system_scan;
        struct {
            Expr ***rows;
            uint32_t row_count;
        } values;
        struct {
            Expr **conjuncts;
            uint32_t count;
        } filter;
        struct {
            Expr **exprs;
        } project;
        struct {
            uint8_t kind; /* PhysJoinKind */
            uint8_t asof; /* PhysAsof; its sides stand behind the keys */
            Expr **left_keys; /* over the left child's slots; types equal pairwise, phys too */
            Expr **right_keys; /* over the right child's own slots (from 0) */
            bool *null_safe;
            uint32_t key_count;
            Expr **residual; /* over left then right slots */
            uint32_t residual_count;
            /* MARK and NULL_AWARE_ANTI: the first residuals that are comparisons of an IN; where one of them
             * is NULL and the others pass, the answer is unknown. */
            uint32_t in_residual_count;
            bool in_is_key; /* the IN comparison is the only key: its NULLs leave the answer open */
            uint32_t *outputs; /* slots (left then right; the mark is the slot after both) of columns[i] */
            PhysRuntimeFilter *filters;
            uint32_t filter_count;
            bool build_is_unique; /* at most one match a probe row: proven */
        } join;
        struct {
            Expr **groups;
            uint32_t group_count;
            PhysAggCall *calls;
            uint32_t call_count;
            const uint64_t *sets; /* see LogicalNode.aggregate */
            uint32_t set_count;
            const uint64_t *grouping_masks;
            uint32_t grouping_count;
            /* Output: groups, calls, grouping results, in this order. */
            double estimated_groups;
        } aggregate;
        struct {
            PhysSortKey *keys;
            uint32_t count;
            int64_t limit; /* -1: full sort */
            int64_t offset;
            uint32_t threshold_filter; /* runtime filter id fed with the worst key; 0 none */
        } sort;
        struct {
            int64_t limit;
            int64_t offset;
        } limit;
        struct {
            Expr **partition;
            uint32_t partition_count;
            PhysSortKey *order;
            uint32_t order_count;
            PhysWindowCall *calls; /* output: child's columns, then one a call */
            uint32_t call_count;
        } window;
        struct {
            const FuncBinding *binding;
            Expr **arguments;
            uint32_t argument_count;
            bool is_outer;
            uint32_t *outputs; /* of the child, which columns pass; then the function's columns */
            uint32_t passed_count;
        } table_function;
        struct {
            uint32_t *cte_ids; /* of children[1..] */
        } cte_anchor;
        struct {
            uint32_t cte_id;
            uint32_t *outputs;
        } cte_scan;
        struct {
            uint32_t cte_id; /* of the working table */
            StrView name;
            bool is_distinct;
            int64_t max_levels; /* steps, the first one included */
            bool raises;        /* where there are more */
        } recursive;
        struct {
            uint64_t table_id;
            StrView table;
            PhysScanColumn *sink_columns; /* table order; the child's columns match them */
            uint32_t *bucket_columns;
            uint32_t bucket_column_count; /* 0: random */
            uint32_t *sort_columns;
            uint32_t sort_column_count;
            const struct PartitionRouter *router; /* interface filled by the caller */
            bool check_not_null;
            const bool *not_null; /* a sink column */
            bool is_strict;       /* a bad row fails the statement, else it is filtered and counted */
        } table_sink;
    };
};

typedef struct PhysPlan {
    PhysNode *root;
    uint32_t node_count;
    uint32_t filter_count; /* runtime filters: ids 1 .. filter_count */
    uint32_t cte_count;
    uint32_t max_cte_id;
    const FuncSession *session;
} PhysPlan;
