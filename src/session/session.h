#pragma once
/* A client's session: variables, current database, prepared statements, and running statements.
 *
 * One statement at a time, on the thread that calls session_execute(); session_kill() may come from
 * any thread. Results go to a ResultSink as they are made. */

#include "session/password.h"
#include "vector/vector.h"

typedef struct Session Session;
typedef struct Instance Instance; /* the running server: catalog, volume, pools (instance.h) */

typedef struct ResultColumn {
    StrView name;
    StrView table, origin_table, origin_column, database;
    Type type;
    bool is_nullable;
} ResultColumn;

typedef struct ResultSummary {
    uint64_t affected_rows;
    uint64_t last_insert_id;
    uint32_t warning_count;
    StrView info; /* {'label':...} after a load */
    bool has_more; /* another result of a multi-statement follows */
} ResultSummary;

/* Calls come in order columns, rows*, done for a result set; done alone for others. */
typedef struct ResultSink {
    void *context;
    Status (*columns)(void *context, const ResultColumn *columns, uint32_t count);
    Status (*rows)(void *context, const Chunk *chunk);
    Status (*done)(void *context, const ResultSummary *summary);
} ResultSink;

typedef struct PreparedInfo {
    uint32_t id;
    uint32_t parameter_count;
    const ResultColumn *columns;
    uint32_t column_count;
} PreparedInfo;

Status session_open(Instance *instance, StrView user, StrView host, uint64_t connection_id, Diag *diag,
                    Session **out_session);
void session_close(Session *session);
uint32_t session_count(Instance *instance);
Status session_use(Session *session, StrView database, Diag *diag);
/* Runs all statements of the text; stops at the first that fails. */
Status session_execute(Session *session, StrView sql, const ResultSink *sink, Diag *diag);
/* Binary protocol. Parameter values arrive as SQL literals' datums. */
Status session_prepare(Session *session, StrView sql, Diag *diag, PreparedInfo *out_info);
Status session_execute_prepared(Session *session, uint32_t id, const Type *types, const Datum *values,
                                uint32_t count, const ResultSink *sink, Diag *diag);
void session_close_prepared(Session *session, uint32_t id);
uint32_t session_prepared_parameters(const Session *session, uint32_t id); /* UINT32_MAX: unknown id */
/* COM_RESET_CONNECTION, COM_CHANGE_USER: back to the state after connecting. */
void session_reset(Session *session);
/* Sessions execute the tasks of users: called before the instance's task manager starts. */
void session_add_task_runners(Instance *instance);
/* Makes the engine of materialized views, with its task runner, events and commit observer; likewise. */
void session_open_views(Instance *instance);
/* Stops the running statement; with_connection also marks the session for closing. */
void session_kill(Session *session, bool with_connection);
bool session_is_killed(const Session *session);
/* Another node of the cluster is the client. */
void session_set_peer(Session *session);
uint64_t session_connection_id(const Session *session);
/* For who has logged in elsewhere: the creator of a task, the client of another node. identity: 'name'@'host', or a name. */
Status session_open_for(Instance *instance, StrView identity, StrView host, uint64_t connection_id, Diag *diag, Session **out_session);

/* ---- users, without a session ---- */

/* How the user who logs in with the name from the host proves it. */
typedef struct SessionLogin {
    AuthPlugin plugin;
    StrView stored; /* of password.h; empty: no password */
} SessionLogin;
bool session_find_login(Instance *instance, StrView user, StrView host, Arena *arena, SessionLogin *out); /* false: there is none */
/* At least one of the privileges on the table, or on anything in the database when table is empty. The text of a refusal is
 * in diag. */
/* A privilege on the system as a whole. */
Status session_authorize_system(Instance *instance, StrView user, StrView host, PrivilegeSet any_of, Diag *diag);
Status session_authorize_table(Instance *instance, StrView user, StrView host, PrivilegeSet any_of, StrView database, StrView table, Diag *diag);
