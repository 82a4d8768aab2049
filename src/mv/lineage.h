#pragma once
/* Where the partition columns of a view come from.
 *
 * The query is bound as it is run; each partition column is followed from the root down to scans: through projections, group
 * keys, windows that partition by it, all branches of set operations, and the preserved side of joins. A scan that is
 * reached is a *reference scan*: its rows decide alone in which partition of the view they end, so that a partition of
 * the view can be computed from some of the base's partitions. Equalities of joins carry a column over to other scans:
 * rows of those which lie elsewhere can't meet the rows of the partition, unless the join keeps them. Every other
 * scan is read whole for each partition. */

#include "analyze/analyze.h"
#include "load/partition_step.h"
#include "mv/definition.h"

typedef struct MvScan {
    LogicalNode *node;
    const CatalogTable *table;
    bool is_main; /* its partitions make the partitions of the view */
    bool is_ref;  /* exprs of all partition columns are known */
    Expr **exprs; /* a partition column of the view: its value, over one column of the scan; NULL: not followed */
    uint32_t *base_columns; /* the partition column of the base that this is, or is computed from */
} MvScan;

typedef struct MvBoundView {
    Arena *arena;
    Diag *diag;
    FuncSession *session;
    AnalyzeContext analyze;
    BoundQuery *query;
    MvScan *scans;
    uint32_t scan_count;
    uint32_t partition_count;
    uint32_t *partition_outputs; /* columns of the query */
    PartitionStep *steps; /* what one value of the column stands for; STEP_NONE: itself */
    bool *is_plain;       /* the column is the base's own */
    bool is_range;        /* the view's partitions are ranges */
} MvBoundView;

/* Binds the query in the database, and lists its scans. */
Status mv_bind_more(const CatalogSnapshot *snapshot, StrView query, StrView database, ColumnIds ids, MvBoundView *view); /* with ids from there on */
Status mv_bind(const CatalogSnapshot *snapshot, StrView query, StrView database, MvBoundView *view);
/* Follows the partition columns of the definition (outputs, partition_columns and partition_texts are set) over the
 * view's columns; an error in StarRocks' words where a view can't be partitioned by them. */
Status mv_trace(MvBoundView *view, const TableSchema *schema, const MvDefinition *definition);
/* The output of the query behind a column of the view: that of its name, else the one in its place. */
Status mv_output(const MvDefinition *definition, const MvBoundView *view, uint32_t column, uint32_t *out);
/* Value of a traced expression for a value of the base's partition column. */
Status mv_value(const MvBoundView *view, const Expr *expr, Type type, const Datum *value, Datum *out);
/* Calls visit for each scan, also of subqueries and CTEs. */
void mv_each_scan(LogicalNode *node, void (*visit)(void *context, LogicalNode *scan), void *context);
/* Everything that the query reads: tables, views, and which of their columns. */
void mv_list_bases(MvBoundView *view, const CatalogSnapshot *snapshot, StrView query, StrView database, MvDefinition *definition);
