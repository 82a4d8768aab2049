#pragma once
/* Definitions of tables: syntax trees to checked schemas, partitions and changes. One statement, one thread.
 *
 * What depends on the catalog is checked inside of the commit, against the newest state. Schemas made here
 * belong to the caller: ddl_schema_free(). */

#include "analyze/analyze.h"
#include "meta/store.h"

/* What actions on columns do to what is stored. */
typedef struct AlterEffect {
    bool rewrites;     /* segments have to be written again before the schema holds */
    bool changes_rows; /* and then rows have other values: the data version moves */
} AlterEffect;

typedef struct DdlContext {
    Arena *arena;
    Diag *diag;
    MetaStore *store;
    AnalyzeContext *analyze;
    int64_t now_us;
    int64_t zone_offset_us;
    AlterEffect *effect;
    uint64_t fresh_ids[2];            /* for the first temporary partition */
    const struct RecycleIds *recycle; /* for dropping partitions without FORCE */
    bool is_view;                     /* of a materialized one */
} DdlContext;

#define DDL_ERROR(context, ...) RAISE((context)->diag, ANALYSIS, "Getting analyzing error. Detail message: " __VA_ARGS__)

TableSchema *ddl_schema_new(void);
/* A private copy; texts and types stay those of from, which must live longer. */
TableSchema *ddl_schema_copy(const TableSchema *from);
void ddl_schema_free(TableSchema *schema); /* NULL is nothing */

/* CREATE TABLE; query: of CREATE TABLE ... AS, else NULL. */
Status ddl_fill_schema(DdlContext *context, const AstCreateTable *ast, const BoundQuery *query, TableSchema *schema);
Status ddl_fill_column(DdlContext *context, const AstColumn *ast, Arena *arena, TableColumn *out);
Status ddl_fill_properties(DdlContext *context, const AstProperties *ast, TableSchema *schema);
/* The expressions of generated columns bind and have the columns' types. */
Status ddl_check_generated(DdlContext *context, const TableSchema *schema);
Status ddl_check_name(StrView name, Diag *diag);
StrView ddl_keep(Arena *arena, StrView text);

typedef struct PartitionList {
    CatalogPartition **items;
    uint32_t count;
    uint32_t capacity;
    const CatalogTable *checked; /* with whose partitions these don't meet; NULL: not known */
} PartitionList;

/* The partitions that the items say, added to list, which may hold others already: names and values must not
 * meet. A LESS THAN begins where the one before it ends. */
Status ddl_add_partitions(DdlContext *context, const TableSchema *schema, const AstPartitions *items, PartitionList *list);
/* A bound of a partition: MAXVALUE sets *out_is_max. */
Status ddl_bound(DdlContext *context, const AstExpr *ast, Type type, Datum *out, bool *out_is_max);

/* What the statement makes of the table's definition. schema NULL: it is not about columns, order or distribution.
 * effect.rewrites: the caller writes the rows again, else ddl_alter_table() does all. schema is the caller's. */
typedef struct AlterPlan {
    TableSchema *schema;
    AlterEffect effect;
} AlterPlan;
Status ddl_plan_alter(DdlContext *context, const AstStatement *statement, const CatalogTable *table, AlterPlan *out_plan);
/* ALTER TABLE with any of the actions that change metadata alone. */
Status ddl_alter_table(DdlContext *context, const AstStatement *statement, StrView database, StrView name);
/* Partition actions. prepare takes ids, which can't be had inside of a commit, and fills fresh: what ADD adds and
 * what DROP with a range means. alter goes into the commit. */
Status ddl_prepare_partitions(DdlContext *context, const AstAlterAction *action, const CatalogSnapshot *catalog, const CatalogTable *table,
                              PartitionList *fresh);
struct PartitionWork;
Status ddl_alter_partition(const struct PartitionWork *work);
/* Column actions: change schema, a private copy of the table's. */
Status ddl_alter_columns(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, TableSchema *schema);
Status ddl_alter_fields(DdlContext *context, const AstAlterAction *action, TableSchema *schema);
