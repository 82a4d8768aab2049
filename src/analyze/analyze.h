#pragma once
/* The analyzer: syntax trees to bound logical trees. One context a statement; one thread. */

#include "analyze/logical.h"
#include "connector/connector.h"
#include "meta/access.h"
#include "sql/ast.h"

typedef struct AnalyzeContext {
    Arena *arena;
    Diag *diag;
    const CatalogSnapshot *catalog;
    const Connector *connector;
    const AccessRights *rights; /* of who runs the statement; NULL: one of our own, which may everything */
    const FuncSession *session;
    StrView database; /* current; empty: none */
    bool reads_stored; /* a roll-up in FROM is the rows that it keeps, not its query */
    bool fills_missing; /* INSERT of some columns of a PRIMARY KEY table: the others get their defaults */
    StrView temporary_owner; /* of temporary tables that names find first; empty: none */
    ColumnIds ids;
    uint32_t next_cte_id;
    uint32_t view_depth;
    uint32_t refused_depth; /* view_depth where a table was refused */
    /* @@name and @name; false: unknown. */
    bool (*variable)(void *context, StrView scope, StrView name, Arena *arena, Type *out_type, Datum *out_value);
    void *variable_context;
    const Type *parameter_types; /* values of ? */
    const Datum *parameter_values;
    uint32_t parameter_count;
    /* FOR VERSION | TIMESTAMP AS OF: the catalog of that moment, which stays as long as the statement; NULL: not supported. */
    Status (*moment)(void *context, const AstExpr *value, bool is_version, StrView source, const CatalogSnapshot **out_catalog);
    void *moment_context;
    bool is_historic; /* catalog is of such a moment */
    struct Recursion *recursion; /* whose recursive member is being bound; NULL: none */
    const AstCte *recursive_cte; /* of WITH RECURSIVE: its query may name it */
    const AstRelation *raw; /* the scan of this relation yields rows as they are stored */
    const AstRelation *permitted; /* reading this relation needs no right: it is what UPDATE or INSERT, which were asked, write to */
    const struct FileTargets *file_targets; /* of INSERT .. SELECT FROM FILES(); NULL: none */
    const AstRelation *located; /* DELETE: the scan of this relation tells where its rows lie */
} AnalyzeContext;

Status analyze_query(AnalyzeContext *context, const AstQuery *ast, StrView source, BoundQuery **out_query);

/* An expression over given columns (loads, defaults, partition expressions). */
Status analyze_scalar(AnalyzeContext *context, const AstExpr *ast, StrView source, const LogicalColumn *columns,
                      uint32_t column_count, Expr **out_expr);

typedef struct BoundInsert {
    const CatalogDatabase *database;
    const CatalogTable *table;
    BoundQuery *query; /* its columns are the table's columns, in order, of the table's types */
    uint64_t *partition_ids; /* PARTITION (..): only into these; NULL: all */
    uint32_t partition_count;
    const AstExprList *partition_values; /* PARTITION (column = value, ..): the partition of these values */
    const AstStrList *partition_names;
    bool has_op; /* one more column of the query: 1 where the row is taken away */
} BoundInsert;
/* INSERT of some columns into a PRIMARY KEY table: it reads what the others are, so it runs with the table locked. */
bool insert_is_partial(const AstInsert *ast, const TableSchema *schema);
Status analyze_insert(AnalyzeContext *context, const AstInsert *ast, StrView source, BoundInsert *out_insert);

/* The rows of a query for a table that needs no name: out->table is given. */
Status analyze_rows_for(AnalyzeContext *context, const AstInsert *ast, StrView source, BoundInsert *in_out_insert);

/* The rows that a DELETE takes: one column, where they lie (see ROW_LOCATION_NAME). */
Status analyze_delete(AnalyzeContext *context, const AstStatement *ast, BoundInsert *out_delete);
/* The rows that an UPDATE writes, as for an INSERT. */
Status analyze_update(AnalyzeContext *context, const AstStatement *ast, BoundInsert *out_update);
/* The rows that a MERGE writes and takes away (has_op). */
Status analyze_merge(AnalyzeContext *context, const AstStatement *ast, BoundInsert *out_merge);

/* Resolves [db.]table; errors as StarRocks words them. */
Status analyze_find_table(AnalyzeContext *context, const AstName *name, const CatalogDatabase **out_database,
                          const CatalogTable **out_table);
Status analyze_find_database(AnalyzeContext *context, StrView name, const CatalogDatabase **out_database);
