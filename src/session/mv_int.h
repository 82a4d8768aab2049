#pragma once
/* Statements about materialized views; only for src/session. */

#include "job/task_manager.h"
#include "mv/definition.h"
#include "session/session_int.h"

/* A setting of ADMIN SET FRONTEND CONFIG. */
int64_t config_number(StatementContext *context, const char *name, int64_t missing);
Status mv_split_name(StatementContext *context, const AstName *name, StrView *out_database, StrView *out_name);
/* The view of the name; RAISEs when it is not there or no materialized view. */
Status mv_find_view(StatementContext *context, const AstName *name, const CatalogDatabase **out_database, const CatalogTable **out_table,
                    MvDefinition *out);
/* No function of the tree has another value each time. */
Status mv_check_functions(StatementContext *context, LogicalNode *root);
/* Says that it is quarantined, and what can be done. */
Status mv_refuse_damaged(StatementContext *context, const CatalogTable *table);
Status mv_read_refresh(StatementContext *context, const AstRefresh *ast, int64_t now_us, MvDefinition *out);
/* All are checked, then all are set. */
Status mv_read_properties(StatementContext *context, const AstProperties *ast, TableSchema *schema, bool is_create, StrView view, MvDefinition *out);
/* Makes the view that a CREATE MATERIALIZED VIEW says; a roll-up is one that is read through its query. */
Status mv_create(StatementContext *context, const AstStatement *statement, bool is_rollup);
Status mv_drop(StatementContext *context, StrView database, StrView name, bool if_exists);
/* ---- rollup_statements.c ---- */
Status run_create_rollup_view(StatementContext *context, const AstStatement *statement);
/* ---- mv_columns.c ---- */
/* ADD COLUMN, DROP COLUMN. */
Status mv_alter_columns(StatementContext *context, const AstAlterView *ast, const CatalogTable *table, const MvDefinition *definition, int64_t now_us);
/* A run of the view's task; out_id may be NULL. */
Status mv_submit(StatementContext *context, uint64_t view_id, const Property *properties, uint32_t count, int priority, TaskRunId *out_id);
/* A run that nobody asked for in so many words: of CREATE, ACTIVE, ALTER .. REFRESH ASYNC. */
Status mv_submit_automatic(StatementContext *context, uint64_t view_id);
