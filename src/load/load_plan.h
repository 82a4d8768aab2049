#pragma once
/* What the properties of a load say, checked against the table: which fields come in, where each goes,
 * what the other columns get. Immutable after load_plan_make(); shared by the load's threads. */

#include "base/hash.h"
#include "codec/json_text.h"
#include "codec/stream.h"
#include "expr/expr.h"
#include "format/csv.h"
#include "format/json_rows.h"
#include "load/stream_load.h"
#include "load/table_loader.h"
#include "sql/ast.h"

#define OP_COLUMN "__op"
enum { OP_BYTES = 16 };

/* A field of the input. type kind TYPE_NULL: nobody wants it. */
typedef struct LoadSource {
    StrView name;
    Type type;
    int table_column; /* it becomes this column as it is, or -1 */
} LoadSource;

typedef enum LoadTargetKind { LOAD_FROM_SOURCE, LOAD_FROM_CONSTANT, LOAD_FROM_EXPR } LoadTargetKind;

/* A column of the table. */
typedef struct LoadTarget {
    LoadTargetKind kind;
    uint32_t index; /* of the source or expression */
    Datum constant;
} LoadTarget;

typedef struct LoadPlan {
    Arena arena;
    CatalogSnapshot *catalog; /* a reference */
    const CatalogDatabase *database;
    const CatalogTable *table;
    FuncSession session;
    StrView label;
    bool has_label; /* it is the client's */
    bool is_merged; /* see merge_commit.h */
    bool merge_async;
    int64_t merge_interval_us;
    LoadSource *sources;
    uint32_t source_count;
    LoadTarget *targets; /* one a table column */
    Expr **exprs;        /* over the sources: slot = source */
    uint32_t expr_count;
    bool has_op;         /* __op: text that says whether a row is put or deleted */
    LoadTarget op;
    GeneratedColumns generated;
    Expr *where;         /* over the table's columns: slot = column; NULL: all rows */
    bool is_json;
    CsvOptions csv;
    JsonRowsOptions json;
    uint64_t skip_rows;
    bool strict;
    bool big_json; /* ignore_json_size */
    double max_filter_ratio;
    int64_t timeout_us;
    int64_t memory_limit;       /* 0: none */
    int64_t rejected_rows_kept; /* in the error log */
    StreamCodec compression;
    const uint64_t *partition_ids; /* only into these; NULL: all */
    uint32_t partition_count;
    bool is_negative;     /* SUM columns are taken away */
    bool is_partial;      /* columns that are not given keep what the row's key has */
    const uint8_t *given; /* by table column, when is_partial */
    StrView condition;
    int condition_column; /* merge_condition: only rows with at least the stored value; -1: none */
} LoadPlan;

/* The plan is valid to close in any case. */
Status load_plan_make(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag);
void load_plan_close(LoadPlan *plan);

/* How the plan's rows are written. rules: room that lives as long as the loader. */
TableLoaderOptions load_plan_loader(const LoadPlan *plan, const StreamLoadOptions *options, MemTracker *tracker, KeyMergeRules *rules);

/* The parts of load_plan_make(). A property's text lives as long as the plan; data NULL: not given. */
StrView load_plan_property(LoadPlan *plan, const StreamLoadOptions *options, const char *name);
/* Adds the table and the properties that say what is loaded, and how. */
void load_plan_sum_request(const StreamLoadOptions *options, ChecksumStream *sum);
Status load_plan_read_label(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag);
Status load_plan_read_properties(LoadPlan *plan, const StreamLoadOptions *options, uint32_t *out_paths, Diag *diag);

/* For load_plan_make(): the expressions of mappings (names[i] = values[i], values NULL: plain field) and
 * of where. Sources that an expression uses get a type. */
Status load_plan_bind(LoadPlan *plan, StrView mapping, const AstStrList *names, const AstExprList *values, Diag *diag);
/* The default of a column that is an expression. */
Status load_plan_bind_default(LoadPlan *plan, const TableColumn *column, LoadTarget *target, Diag *diag);
Status load_plan_bind_generated(LoadPlan *plan, Diag *diag);
Status load_plan_bind_where(LoadPlan *plan, StrView text, Diag *diag);
