#pragma once
/* Inside of sessions; only for src/session. */

#include "analyze/authorize.h"
#include "ddl/ddl.h"
#include "connector/file_table.h"
#include "connector/system_table.h"
#include "load/table_loader.h"
#include "plan/plan.h"
#include "session/forward.h"
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
    int64_t opened_us; /* wall clock */
    char *user, *user_host; /* identity: the name and host of the user's record */
    char *host;             /* of the client */
    Arena access_arena;
    NameList roles;         /* active */
    AccessRights *rights;   /* NULL: not asked for since they changed */
    ByteBuf database;
    ByteBuf statement; /* text that runs now; for SHOW PROCESSLIST */
    int64_t statement_started_us;
    Variable *variables;
    Prepared *prepared;
    uint32_t next_prepared;
    _Atomic bool cancelled;
    _Atomic bool killed;
    uint64_t next_query;
    char last_query_id[40];
    Status last_error; /* of the statement before; SHOW WARNINGS */
    char last_message[DIAG_MESSAGE_BYTES];
    char temporary_owner[48];        /* empty: it has made no temporary table */
    struct Transaction *transaction; /* BEGIN without COMMIT yet; NULL: each statement is one */
    ForwardLink *forward_link; /* to the leader, when statements of this session went there */
    bool is_peer;              /* the client is another node */
    bool is_behind;            /* what the leader did for this session may not have been read yet */
    bool is_pinned; /* a transaction is open at the leader, or temporary tables are there: every statement goes there */
    bool has_remote_temporaries;
};

/* One running statement. */
typedef struct StatementContext {
    Session *session;
    const ResultSink *sink;
    Diag *diag;
    Arena arena;
    MemTracker memory;
    ScanTotals scanned;
    FuncSession func;
    CatalogSnapshot *catalog;
    AccessRights *rights; /* of the session, at the start of the statement */
    AnalyzeContext analyze;
    bool has_more;
    bool writes; /* its plans have insert_timeout */
    int64_t timeout_s; /* the statement's own; 0: none */
    const Type *parameter_types;
    const Datum *parameter_values;
    uint32_t parameter_count;
    SystemSource *system;              /* made when a system table is asked for */
    const ConnectorTable *show_table;  /* rows of the SHOW statement that runs; NULL: none does */
    const struct AstShow *show;
    ARRAY_OF(struct FileTable *) files; /* FILES() of the statement, closed at its end */
    struct FileLoad *file_load;         /* of INSERT .. SELECT FROM FILES(); NULL: none */
    ARRAY_OF(CatalogSnapshot *) moments; /* references that the statement holds: AS OF */
} StatementContext;

Status statement_run(StatementContext *context, const AstStatement *statement);
/* run() with the variables that the statement's hints set. */
Status run_with_hints(StatementContext *context, const AstStatement *statement,
                      Status (*run)(StatementContext *context, const AstStatement *statement));
/* ---- show_help.c ---- */
void session_keep_error(Session *session, const Diag *diag, Status status);
bool statement_keeps_error(const AstStatement *statement); /* SHOW WARNINGS and its like tell of the one before them */
/* ---- forward_statement.c ---- */
bool statement_is_forwarded(const StatementContext *context, const AstStatement *statement);
Status statement_forward(StatementContext *context, const AstStatement *statement);
void session_close_forward(Session *session);
int64_t session_write_timeout_us(Session *session);
/* ---- alter_system.c ---- */
Status run_alter_system(StatementContext *context, const AstCommand *command);
Status run_finalize_upgrade(StatementContext *context);
Status run_no_operation(StatementContext *context, const AstStatement *statement); /* SYNC does something */
Status send_ok(StatementContext *context, uint64_t affected, StrView info);
/* A result of text columns: values[r * columns + c], data NULL is NULL. */
Status send_texts(StatementContext *context, const char *const *names, uint32_t columns, const StrView *values, uint32_t rows);
/* ---- file_statements.c ---- */
Status session_files(void *context, const ConnectorFiles *files, FileTable **out_table);
Status run_describe_files(StatementContext *context, const AstStatement *statement);
Status run_insert_files(StatementContext *context, const AstStatement *statement);
Status run_outfile(StatementContext *context, const AstStatement *statement, BoundQuery *query); /* SELECT .. INTO OUTFILE */
/* ---- field_copy.c ---- */
/* value: the text of an expression of type from. */
void alter_print_fields(Type from, Type to, StrView value, uint32_t depth, ByteBuf *out);
/* ---- rollup_statements.c ---- */
Status run_add_rollups(StatementContext *context, const AstName *table, const AstRollups *rollups);
Status run_drop_rollups(StatementContext *context, const AstName *table, const AstAlterAction *action);
Status run_query(StatementContext *context, BoundQuery *query);
Status run_query_text(StatementContext *context, const char *sql);
Status run_insert(StatementContext *context, const AstStatement *statement);
Status run_transaction(StatementContext *context, const AstStatement *statement); /* BEGIN, COMMIT, ROLLBACK */
void transaction_drop(Session *session); /* what it wrote is given up */
CatalogSnapshot *transaction_catalog(const Session *session); /* that its next statement reads; a reference */
Status transaction_check(StatementContext *context, const AstStatement *statement); /* may the statement run now? */
void transaction_after(Session *session, const AstStatement *statement);
Status run_prepare(StatementContext *context, const AstStatement *statement);
Status run_execute(StatementContext *context, const AstStatement *statement);
Status run_deallocate(StatementContext *context, const AstStatement *statement);
/* Runs the one statement of a text as part of the one that runs now. */
Status session_run_text(StatementContext *context, StrView sql, const Type *types, const Datum *values, uint32_t count);
/* The value of an expression, subqueries included, outside of any query. */
Status evaluate_value(StatementContext *context, const AstExpr *value, StrView source, Type *out_type, Datum *out_value);
/* ---- global_settings.c ---- */
Status global_settings_set(StatementContext *context, const char *const *keys, const StrView *values, uint32_t count); /* journaled */
Status global_setting_set(StatementContext *context, const char *key, StrView value);
const char *setting_key(Arena *arena, const char *kind, StrView name); /* "kind.name", lower case */
Status global_variable_set(StatementContext *context, StrView name, StrView value);
StrView global_variable(const CatalogSnapshot *catalog, StrView name); /* data NULL: not set */
/* Its value, or the default. */
StrView global_variable_or(const CatalogSnapshot *catalog, const char *name, const char *missing);
void session_take_globals(Session *session, const CatalogSnapshot *catalog);
Status run_set_config(StatementContext *context, const AstStatement *statement); /* ADMIN SET FRONTEND CONFIG */
/* ---- session_access.c ---- */
Session *session_new(Instance *instance, StrView host, uint64_t connection_id); /* not yet in the list of sessions, nobody yet */
void session_enlist(Session *session);
char *session_copy(StrView text); /* mem_free() it */
bool roles_all_at_login(const CatalogSnapshot *catalog); /* activate_all_roles_on_login */
void session_become(Session *session, const AccessUser *user, bool activates_all);
void session_set_roles(Session *session, const NameList *roles);
AccessRights *session_rights(Session *session, const CatalogSnapshot *catalog); /* counted */
const AccessUser *session_user_record(const Session *session); /* of its rights; NULL: the user was dropped */
void session_take_user(Session *session, const AccessUser *user);
/* ---- visible_catalog.c ---- */
const CatalogSnapshot *session_visible_catalog(StatementContext *context); /* lives as long as the statement */
bool sees_user(const StatementContext *context, StrView name);       /* what the user of that name runs */
bool sees_creator(const StatementContext *context, StrView creator); /* what who is named so has made: a task */
Status authorize_system_table(StatementContext *context, StrView database, StrView name);
/* ---- view_security.c ---- */
void view_set_security(TableSchema *schema, bool is_invoker);
Status run_view_security(StatementContext *context, const AstCommand *command);
/* ---- user_statements.c, role_statements.c, grant_statements.c ---- */
Status run_user(StatementContext *context, const AstStatement *statement); /* CREATE and ALTER USER */
/* Those of users and roles; false: the command is another one. */
bool run_access_command(StatementContext *context, const AstCommand *command, Status *out_status);
Status run_drop_user(StatementContext *context, const AstCommand *command);
Status set_password(StatementContext *context, const AstSetItem *item);
Status set_user_property(StatementContext *context, const AstSetItem *item);
Status run_role_command(StatementContext *context, const AstCommand *command); /* CREATE, ALTER, DROP ROLE */
Status run_execute_as(StatementContext *context, const AstCommand *command);
Status set_role(StatementContext *context, const AstSetItem *item);
Status set_default_role(StatementContext *context, const AstSetItem *item);
Status run_grant(StatementContext *context, const AstStatement *statement); /* GRANT and REVOKE */
/* The name and host that a statement means; user NULL: the session's own. */
Status resolve_user(StatementContext *context, const AstUserName *user, StrView *out_name, StrView *out_host);
bool is_own_user(const StatementContext *context, const AstUserName *user);
Status run_delete(StatementContext *context, const AstStatement *statement);
Status run_update(StatementContext *context, const AstStatement *statement);
Status run_merge(StatementContext *context, const AstStatement *statement);
typedef struct LoadQuery {
    const CatalogTable *table;
    CatalogSnapshot *catalog;
    BoundQuery *query;
    StrView label;
    bool overwrites;
    bool overwrites_written; /* only partitions that get rows */
    bool is_locked; /* the table's lock is held */
    const uint64_t *partition_ids; /* only into these; NULL: all */
    uint32_t partition_count;
    const KeyMergeRules *merge; /* NULL: none */
    TableDraft *draft; /* the table is made with its rows; NULL: it is there */
    bool has_op; /* the query's last column: 1 takes the row of that key away; a key comes once */
} LoadQuery;
Status run_create_as(StatementContext *context, const CatalogTable *table, TableDraft *draft, BoundQuery *query);
/* Puts the query's rows into the table, as one transaction. */
Status load_query(StatementContext *context, const LoadQuery *load);
/* Runs a statement that reads what it writes: with the table's lock held, against the newest catalog. */
Status run_locked(StatementContext *context, const AstName *name, const AstStatement *statement,
                  Status (*run)(StatementContext *context, const AstStatement *statement, bool is_locked));
/* The rows of a load into a lane, which is finished. */
Status insert_rows(StatementContext *context, TableLoader *loader, const LoadQuery *load);
Status transaction_load(StatementContext *context, const LoadQuery *load);
struct LocatedRows;
Status transaction_delete(StatementContext *context, const CatalogTable *table, const struct LocatedRows *rows);
/* For get_query_profile(); context: the statement. */
bool find_profile_text(void *context, StrView query_id, Arena *arena, StrView *out_text);
StrView new_label(StatementContext *context, const char *prefix);
/* ---- planning.c ---- */
Status plan_it(StatementContext *context, BoundQuery *query, PhysPlan **out_plan);
/* Of what only reads: views may answer parts of it. */
Status plan_read(StatementContext *context, BoundQuery *query, PhysPlan **out_plan);
Status run_trace(StatementContext *context, const AstStatement *statement);
Status send_lines(StatementContext *context, StrView text); /* as one column, "Explain String" */
uint32_t statement_workers(StatementContext *context);      /* that a plan may use */
Status execute_plan(StatementContext *context, const PhysPlan *plan, const ExecResult *result, OperatorProfile *profile);
/* ALTER TABLE that writes the table's rows again; kind as SHOW ALTER TABLE has it. */
Status run_rewrite(StatementContext *context, const CatalogTable *table, const AlterPlan *plan, const char *kind);
Status run_cancel_alter(StatementContext *context, const AstCommand *command);
Status run_recover(StatementContext *context, const AstCommand *command);
Status run_rename_database(StatementContext *context, const AstStatement *statement);
Status run_quota(StatementContext *context, const AstCommand *command);
Status run_index(StatementContext *context, const AstStatement *statement);
Status run_ddl(StatementContext *context, const AstStatement *statement);
extern const SystemFamily system_tasks_family, system_views_family, system_privileges_family, system_grants_family;
/* ---- mv_create.c, mv_statements.c, mv_explain.c: materialized views ---- */
Status run_create_mv(StatementContext *context, const AstStatement *statement);
Status run_alter_mv(StatementContext *context, const AstStatement *statement);
Status run_refresh_mv(StatementContext *context, const AstStatement *statement);
bool run_mv_command(StatementContext *context, const AstCommand *command, Status *out_status); /* false: the command is another one */
Status run_explain_refresh(StatementContext *context, const AstStatement *statement);
Status run_submit_task(StatementContext *context, const AstStatement *statement);
/* DROP, ALTER, SUSPEND and RESUME TASK; false: the command is another one. */
bool run_task_command(StatementContext *context, const AstCommand *command, Status *out_status);
Status run_show(StatementContext *context, const AstStatement *statement);
SystemSource *session_system_source(StatementContext *context);
/* ALTER TABLE ... COMPACT */
Status run_compact(StatementContext *context, const CatalogTable *table, const AstAlterAction *action);
Status show_quarantine(StatementContext *context);
Status show_fault_points(StatementContext *context);
/* snapshot_statements.c; false: it is none of its statements. */
bool run_dictionary_command(StatementContext *context, const AstCommand *command, Status *out_status);
bool run_snapshot_command(StatementContext *context, const AstCommand *command, StrView source, Status *out_status);
/* For AnalyzeContext.moment. */
Status snapshot_moment(void *context, const AstExpr *value, bool is_version, StrView source, const CatalogSnapshot **out_catalog);
/* cluster_statements.c; false: it is none of its statements. */
bool run_cluster_command(StatementContext *context, const AstCommand *command, Status *out_status);
bool run_volume_command(StatementContext *context, const AstCommand *command, Status *out_status);
/* resource_group_statements.c */
bool run_group_command(StatementContext *context, const AstCommand *command, Status *out_status);
bool run_cache_command(StatementContext *context, const AstStatement *statement, Status *out_status);
Status run_kill(StatementContext *context, const AstStatement *statement);
Status run_backup(StatementContext *context, const AstCommand *command);
Status run_admin_vacuum(StatementContext *context, const AstCommand *command);
Status run_explain_vacuum(StatementContext *context);
Status run_describe(StatementContext *context, const AstStatement *statement);
/* As run_query(), and its profile is kept when enable_profile says so. */
Status run_profiled_query(StatementContext *context, const AstStatement *statement, BoundQuery *query);
Status run_analyze_profile(StatementContext *context, const AstCommand *command);
Status send_query_columns(StatementContext *context, const BoundQuery *query);
Status send_query_chunk(void *context, const Chunk *chunk); /* context: StatementContext */
PlanExplainLevel explain_level(StrView word);
Status run_explain(StatementContext *context, const AstStatement *statement);
Status run_analyze(StatementContext *context, const AstStatement *statement);
const Connector *session_connector(StatementContext *context);
bool variable_find(Session *session, StrView scope, StrView name, Arena *arena, Type *out_type, Datum *out_value);
/* Reads again what functions take from session variables. */
void session_refresh_functions(StatementContext *context);
void variable_set(Session *session, StrView name, bool is_user, const char *value);
void variable_unset(Session *session, StrView name, bool is_user);
void variable_set_type(Session *session, StrView name, Type type); /* of a user variable that is set */
bool variable_is_known(StrView name);
/* Is it a value that the variable may have? */
Status variable_check(StrView name, StrView value, Diag *diag);
const char *variable_text(Session *session, const char *name);
const char *variable_default(const char *name); /* NULL: unknown */
uint32_t variable_defaults(const char *const **out_names, const char *const **out_values);
