#pragma once
/* SHOW statements: what each answers, as a system table over which one SELECT runs, so that LIKE, WHERE, ORDER
 * BY and LIMIT mean the same everywhere. Producers find the statement in context->show. */

#include "connector/system_columns.h"
#include "session/session_int.h"

enum { SHOW_NO_PATTERN = -1 };

typedef struct ShowForm {
    const char *what; /* AstShow.what */
    SystemTable table;
    int pattern; /* column that LIKE is about, or SHOW_NO_PATTERN */
    /* Set: the columns depend on the statement. */
    Status (*run)(StatementContext *context, const AstStatement *statement);
} ShowForm;

typedef struct ShowForms {
    const ShowForm *items;
    uint32_t count;
} ShowForms;

extern const ShowForms show_backup_forms, show_process_forms, show_table_forms, show_partition_forms, show_node_forms, show_server_forms,
    show_job_forms, show_user_forms, show_config_forms, show_task_forms, show_recycle_forms, show_snapshot_forms, show_view_forms,
    show_help_forms, show_dictionary_forms, show_group_forms;

/* Answers the statement from the table. */
Status show_rows(StatementContext *context, const AstStatement *statement, const SystemTable *table, int pattern);
Status show_proc(StatementContext *context, const AstStatement *statement);
StatementContext *show_context(const SystemSource *source);
Status produce_volume(const SystemSource *source, SystemRows *rows);  /* DESC STORAGE VOLUME */
Status produce_volumes(const SystemSource *source, SystemRows *rows); /* SHOW STORAGE VOLUMES */
/* FROM db, or the current database; RAISEs when there is none. */
Status show_database(StatementContext *context, const CatalogDatabase **out_database);
/* name and FROM db together. */
Status show_find_table(StatementContext *context, const CatalogDatabase **out_database, const CatalogTable **out_table);
StrView show_text(StatementContext *context, const char *format, ...) PRINTF_LIKE(2, 3);
Status show_create_mv(StatementContext *context, const CatalogTable *table);
StrView show_size(StatementContext *context, uint64_t bytes); /* 1.500KB */

/* Tables that several statements answer with. */
extern const SystemTable show_frontends_table, show_backends_table, show_compute_nodes_table, show_warehouses_table,
    show_compactions_table, show_transactions_table, show_queries_table, show_catalogs_table;
