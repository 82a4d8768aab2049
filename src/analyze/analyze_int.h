#pragma once
/* Inside of the analyzer; only for src/analyze. */

#include "analyze/analyze.h"
#include "analyze/authorize.h"

typedef struct Scope Scope;

typedef struct ScopeColumn {
    LogicalColumn column;
    StrView qualifier; /* table alias or name */
    StrView database;
    bool is_hidden;    /* merged by USING: found only with its qualifier */
} ScopeColumn;

typedef struct ScopeCte {
    struct ScopeCte *next;
    StrView name;
    BoundCte *cte;
    Recursion *recursion; /* the name means the working table; cte is NULL */
} ScopeCte;

/* What an aggregate query collects while its expressions are bound. */
/* A subquery in GROUP BY. The select item that it was written in means the same one, and so becomes the group's column. */
typedef struct GroupQuery {
    const AstQuery *ast;
    BoundQuery *query;
} GroupQuery;

typedef struct SelectState {
    bool allows_aggregates;
    bool in_aggregate; /* inside the arguments of an aggregate */
    bool allows_windows;
    ARRAY_OF(AggCall) calls;
    Expr **groups;
    ColumnId *group_ids;
    uint32_t group_count;
    bool has_groups;
    ARRAY_OF(WindowCall) windows;
    ARRAY_OF(LogicalNode *) window_specs; /* LOGICAL_WINDOW nodes without child, one a window call */
    const uint64_t *sets;
    uint32_t set_count;
    ARRAY_OF(ColumnId) grouping_ids;
    ARRAY_OF(uint64_t) grouping_values; /* set_count a grouping id */
    const AstSelectItems *items;   /* for aliases in GROUP BY and HAVING */
    Expr **item_exprs;
    uint32_t alias_limit; /* items from here on can't be named: UINT32_MAX outside of the select list */
    bool in_group_item;
    ARRAY_OF(GroupQuery) group_queries;
    ARRAY_OF(Expr *) outer_uses; /* columns that subqueries use where only groups may be used */
} SelectState;

struct Scope {
    Scope *outer;
    ARRAY_OF(ScopeColumn) columns;
    ScopeCte *ctes;
    SelectState *select;
    StrView source; /* statement text of the expressions */
    uint32_t depth;
    bool is_lambda; /* the columns are a lambda's parameters */
};

Status scope_resolve(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr);
void scope_add(AnalyzeContext *context, Scope *scope, const LogicalColumn *column, StrView qualifier, StrView database);

Status bind_expr(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr);
Status bind_condition(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr); /* BOOLEAN */
Status bind_call(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr);
/* The first of count >= 1 values that is not NULL. */
Status bind_coalesce(AnalyzeContext *context, Expr **values, uint32_t count, Expr **out);
Status bind_function(AnalyzeContext *context, const char *name, Expr **arguments, uint32_t count, Expr **out_expr);
Status bind_in_types(AnalyzeContext *context, Expr **items, uint32_t count, bool is_comparison, Type *out_type);
bool is_interval(const AstExpr *ast);
Status bind_interval_amount(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_amount, StrView *out_unit);
Status bind_nested(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr);
Status bind_field(AnalyzeContext *context, Scope *scope, Expr *value, const AstExpr *ast, StrView name, Expr **out_expr);
/* A call with a lambda among its arguments; out_done: it is one. */
Status bind_lambda_call(AnalyzeContext *context, Scope *scope, const AstExpr *ast, const char *written, bool *out_done,
                        Expr **out_expr);
const char *nested_function(const char *name, Type type);
/* out->table is set: binds ast's query and fits its columns to the table's. */
/* The table that holds the temporary partitions of a table. */
Status analyze_find_temporary(AnalyzeContext *context, const CatalogTable *table, const CatalogTable **out);
/* The default of a column as syntax. */
Status bind_default_value(AnalyzeContext *context, const TableColumn *column, AstExpr **out);
Status bind_default_words(AnalyzeContext *context, const AstInsert *ast, const TableSchema *schema, const AstQuery **out);
Status bind_partial_insert(AnalyzeContext *context, const AstInsert *ast, StrView source, BoundInsert *out);
Status bind_insert_rows(AnalyzeContext *context, const AstInsert *ast, StrView source, BoundInsert *out);
Status bind_query(AnalyzeContext *context, Scope *outer, const AstQuery *ast, StrView source, BoundQuery **out_query);
Status bind_select(AnalyzeContext *context, Scope *outer, const AstQuery *ast, StrView source, ScopeCte *ctes,
                   LogicalNode **out_node);
/* Rows of an AGGREGATE KEY table. */
Status bind_merged_table(AnalyzeContext *context, const AstRelation *ast, const CatalogTable *table, StrView source, LogicalNode **out);
Status bind_set(AnalyzeContext *context, Scope *outer, ScopeCte *ctes, const AstQuery *ast, StrView source, LogicalNode **out);
/* One side of a set operation. */
Status bind_set_side(AnalyzeContext *context, Scope *outer, ScopeCte *ctes, const AstQuery *ast, StrView source, LogicalNode **out);
/* Side's columns as these types. */
Status cast_side(AnalyzeContext *context, LogicalNode *side, const Type *types, LogicalNode **out);
/* context->recursive_cte, whose query is the set operation `ast`. */
Status bind_recursive(AnalyzeContext *context, Scope *outer, ScopeCte *ctes, const AstQuery *ast, StrView source, LogicalNode **out);
/* One use of the working table of a recursion. */
LogicalNode *working_table(AnalyzeContext *context, Recursion *recursion);
/* How often working tables of recursions that are being bound have been named. */
uint32_t count_working_tables(const AnalyzeContext *context);
/* The condition of an ASOF JOIN: equalities, and one inequality between the sides. */
Status check_asof(AnalyzeContext *context, StrView source, const AstRelation *ast, const LogicalNode *join);
Status bind_pivot(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode **out);
/* The names of `AS alias (name, ...)`. */
Status rename_columns(AnalyzeContext *context, const AstRelation *ast, LogicalNode *node);
Status bind_relation(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode **out_node);
Status bind_order_limit(AnalyzeContext *context, Scope *outer, const AstQuery *ast, StrView source, LogicalNode **in_out_node);
Status bind_window(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **arguments, uint32_t count,
                   Expr **out_expr);
Status bind_case_results(AnalyzeContext *context, Expr **arguments, uint32_t count, Expr **out); /* when, then, ..., [else] */
Status bind_limits(AnalyzeContext *context, const AstQuery *ast, int64_t *out_limit, int64_t *out_offset);

/* ---- bind_files.c ---- */
/* Whose types FILES() takes. */
typedef struct FileTargets {
    const AstInsert *insert;
    const TableSchema *schema;
    const AstSelect *select;     /* NULL: none */
    const AstRelation *relation; /* its FROM */
} FileTargets;
void bind_file_targets(const AstInsert *insert, const AstQuery *query, const TableSchema *schema, FileTargets *out);
Status bind_files(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode **out);
Status bind_connector_table(AnalyzeContext *context, const ConnectorTable *table, LogicalNode **out);
LogicalNode *new_node(AnalyzeContext *context, LogicalKind kind, LogicalNode *child);
void node_columns_like(AnalyzeContext *context, LogicalNode *node, const LogicalNode *child);
/* What the scope's select has collected: groups, then calls, then the results of GROUPING(). */
LogicalNode *aggregate_node(AnalyzeContext *context, Scope *scope, LogicalNode *child);
LogicalNode *project_node(AnalyzeContext *context, LogicalNode *child, Expr **exprs, const StrView *names, uint32_t count);
LogicalNode *filter_node(AnalyzeContext *context, LogicalNode *child, Expr *condition);
LogicalColumn column_of(ColumnId id, const Expr *expr, StrView name);
Status analyze_error(AnalyzeContext *context, StrView source, uint32_t offset, const char *format, ...) PRINTF_LIKE(4, 5);
