#pragma once
/* Inside of sessions; only for src/session. */

#include "analyze/analyze.h"
#include "load/table_loader.h"
#include "session/instance.h"
#include "sql/ast_command.h"
#include "sql/parser.h"

typedef struct Prepared {
    struct Prepared *next;
    uint32_t id;
    uint32_t parameter_count;
    char *sql;
    char *name; /* PREPARE name FROM ...; NULL for the binary protocol */
} Prepared;

typedef struct Variable {
    struct Variable *next;
    char *name;
    bool is_user;
    bool is_null;
    char *value;
    char *type; /* of a user variable, as SQL; NULL: by the look of the value */
} Variable;

struct Session {
    Instance *instance;
    Session *next; /* of the instance */
    uint64_t connection_id;
    char *user;
    char *host;
    ByteBuf database;
    ByteBuf statement; /* text that runs now; for SHOW PROCESSLIST */
    int64_t statement_started_us;
    Variable *variables;
    Prepared *prepared;
    uint32_t next_prepared;
    _Atomic bool cancelled;
    _Atomic bool killed;
    uint64_t next_query;
    struct Transaction *transaction; /* BEGIN without COMMIT yet; NULL: each statement is one */
};

/* One running statement. */
typedef struct StatementContext {
    Session *session;
    const ResultSink *sink;
    Diag *diag;
    Arena arena;
    MemTracker memory;
    FuncSession func;
    CatalogSnapshot *catalog;
    AnalyzeContext analyze;
    bool has_more;
    const Type *parameter_types;
    const Datum *parameter_values;
    uint32_t parameter_count;
} StatementContext;

Status statement_run(StatementContext *context, const AstStatement *statement);
Status send_ok(StatementContext *context, uint64_t affected, StrView info);
/* A result of text columns: values[r * columns + c], data NULL is NULL. */
Status send_texts(StatementContext *context, const char *const *names, uint32_t columns, const StrView *values, uint32_t rows);
Status run_query(StatementContext *context, BoundQuery *query);
Status run_query_text(StatementContext *context, const char *sql);
Status run_insert(StatementContext *context, const AstStatement *statement);
Status run_transaction(StatementContext *context, const AstStatement *statement); /* BEGIN, COMMIT, ROLLBACK */
void transaction_drop(Session *session); /* what it wrote is given up */
/* Tables that it wrote to; they can't be read before COMMIT. */
const uint64_t *transaction_tables(const Session *session, uint32_t *out_count);
Status run_delete(StatementContext *context, const AstStatement *statement);
Status run_update(StatementContext *context, const AstStatement *statement);
typedef struct LoadQuery {
    const CatalogTable *table;
    CatalogSnapshot *catalog;
    BoundQuery *query;
    StrView label;
    bool overwrites;
    bool is_locked; /* the table's lock is held */
    const uint64_t *partition_ids; /* only into these; NULL: all */
    uint32_t partition_count;
    const KeyMergeRules *merge; /* NULL: none */
} LoadQuery;
/* Puts the query's rows into the table, as one transaction. */
Status load_query(StatementContext *context, const LoadQuery *load);
/* Runs a statement that reads what it writes: with the table's lock held, against the newest catalog. */
Status run_locked(StatementContext *context, const AstName *name, const AstStatement *statement,
                  Status (*run)(StatementContext *context, const AstStatement *statement, bool is_locked));
/* The rows of a load into a lane, which is finished. */
Status insert_rows(StatementContext *context, TableLoader *loader, const LoadQuery *load);
Status transaction_load(StatementContext *context, const LoadQuery *load);
StrView new_label(StatementContext *context, const char *prefix);
Status plan_it(StatementContext *context, BoundQuery *query, PhysPlan **out_plan);
Status execute_plan(StatementContext *context, const PhysPlan *plan, const ExecResult *result, OperatorProfile *profile);
Status run_ddl(StatementContext *context, const AstStatement *statement);
Status run_show(StatementContext *context, const AstShow *show);
/* ALTER TABLE ... COMPACT */
Status run_compact(StatementContext *context, const CatalogTable *table, const AstAlterAction *action);
Status show_quarantine(StatementContext *context);
Status show_fault_points(StatementContext *context);
Status run_admin_vacuum(StatementContext *context, const AstCommand *command);
Status run_explain_vacuum(StatementContext *context);
Status run_describe(StatementContext *context, const AstName *name);
Status run_explain(StatementContext *context, const AstStatement *statement);
const Connector *session_connector(StatementContext *context);
bool variable_find(Session *session, StrView scope, StrView name, Arena *arena, Type *out_type, Datum *out_value);
/* Reads again what functions take from session variables. */
void session_refresh_functions(StatementContext *context);
void variable_set(Session *session, StrView name, bool is_user, const char *value);
void variable_set_type(Session *session, StrView name, Type type); /* of a user variable that is set */
bool variable_is_known(StrView name);
const char *variable_text(Session *session, const char *name);
uint32_t variable_defaults(const char *const **out_names, const char *const **out_values);
