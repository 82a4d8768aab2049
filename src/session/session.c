#include "session/session_int.h"

/* Life of a session, entry points, result helpers. */

#include <stdio.h>

#include "base/environment.h"
#include "cluster/frontends.h"
#include "ddl/temporary_table.h"
#include "session/audit.h"
#include "session/dictionaries.h"
#include "base/log.h"
#include "base/redact.h"
#include "types/number_text.h"
#include "types/time_zone.h"

Session *session_new(Instance *instance, StrView host, uint64_t connection_id)
{
    Session *session = mem_alloc_zero(sizeof(*session));
    session->instance = instance;
    session->connection_id = connection_id;
    session->host = session_copy(host);
    arena_init(&session->access_arena, NULL);
    session->next_prepared = 1;
    session->opened_us = env_wall_us(environment_real());
    return session;
}

void session_enlist(Session *session)
{
    LOCK_GUARD(&session->instance->lock);
    session->next = session->instance->sessions;
    session->instance->sessions = session;
}

static void drop_temporary_tables(Session *session)
{
    Diag diag = {0};
    if (session->temporary_owner[0] == '\0')
        return;
    if (temporary_tables_drop(session->instance->store, session->temporary_owner, &diag) != OK)
        LOG_WARN("session", "temporary tables could not be dropped: %s", diag.message);
    session->temporary_owner[0] = '\0';
}

static void drop_state(Session *session)
{
    transaction_drop(session);
    drop_temporary_tables(session);
    session_close_forward(session);
    while (session->variables != NULL) {
        Variable *v = session->variables;
        session->variables = v->next;
        mem_free(v->name);
        mem_free(v->value);
        mem_free(v->type);
        mem_free(v);
    }
    while (session->prepared != NULL) {
        Prepared *p = session->prepared;
        session->prepared = p->next;
        mem_free(p->sql);
        mem_free(p->name);
        mem_free(p);
    }
}

uint32_t session_count(Instance *instance)
{
    LOCK_GUARD(&instance->lock);
    uint32_t count = 0;
    for (const Session *s = instance->sessions; s != NULL; s = s->next)
        count++;
    return count;
}

void session_close(Session *session)
{
    if (session == NULL)
        return;
    mutex_lock(&session->instance->lock);
    for (Session **at = &session->instance->sessions; *at != NULL; at = &(*at)->next) {
        if (*at == session) {
            *at = session->next;
            break;
        }
    }
    mutex_unlock(&session->instance->lock);
    drop_state(session);
    bytebuf_deinit(&session->database);
    bytebuf_deinit(&session->statement);
    mem_free(session->user);
    mem_free(session->user_host);
    mem_free(session->host);
    access_rights_unref(session->rights);
    arena_deinit(&session->access_arena);
    mem_free(session);
}

void session_reset(Session *session)
{
    drop_state(session);
    CatalogSnapshot *catalog = meta_snapshot(session->instance->store);
    session_take_globals(session, catalog);
    access_rights_unref(session_rights(session, catalog));
    const AccessUser *user = session_user_record(session);
    if (user != NULL) {
        session_take_user(session, user);
        session_become(session, user, roles_all_at_login(catalog));
    }
    catalog_unref(catalog);
}

void session_kill(Session *session, bool with_connection)
{
    atomic_store(&session->cancelled, true);
    if (with_connection)
        atomic_store(&session->killed, true);
}

bool session_is_killed(const Session *session)
{
    return atomic_load(&session->killed);
}

void session_set_peer(Session *session)
{
    session->is_peer = true;
}

uint64_t session_connection_id(const Session *session)
{
    return session->connection_id;
}

Status session_use(Session *session, StrView database, Diag *diag)
{
    size_t dot = strview_find(database, STR_VIEW("."));
    if (dot != SIZE_MAX)
        database = strview_n(database.data + dot + 1, database.length - dot - 1);
    CatalogSnapshot *catalog = meta_snapshot(session->instance->store);
    AccessRights *rights = session_rights(session, catalog);
    AnalyzeContext context = {.diag = diag, .catalog = catalog, .rights = rights};
    Status status = catalog_database(catalog, database) != NULL || access_system_database(database) != 0
                        ? authorize_use(&context, database)
                        : RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(database));
    access_rights_unref(rights);
    catalog_unref(catalog);
    TRY(status);
    LOCK_GUARD(&session->instance->lock);
    bytebuf_clear(&session->database);
    bytebuf_append_view(&session->database, database);
    return OK;
}

/* ---- results ---- */

Status send_ok(StatementContext *context, uint64_t affected, StrView info)
{
    ResultSummary summary = {.affected_rows = affected, .info = info, .has_more = context->has_more};
    return context->sink->done(context->sink->context, &summary);
}

Status send_texts(StatementContext *context, const char *const *names, uint32_t columns, const StrView *values, uint32_t rows)
{
    ResultColumn *headers = ARENA_NEW_ARRAY(&context->arena, ResultColumn, MAX(columns, 1u));
    Type *types = ARENA_NEW_ARRAY(&context->arena, Type, MAX(columns, 1u));
    for (uint32_t c = 0; c < columns; c++) {
        types[c] = type_varchar(0);
        headers[c] = (ResultColumn){.name = strview(names[c]), .type = types[c], .is_nullable = true};
    }
    TRY(context->sink->columns(context->sink->context, headers, columns));
    Chunk chunk;
    chunk_init(&chunk, &context->arena, types, columns);
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < columns; c++) {
            StrView value = values[(size_t)r * columns + c];
            Datum datum = value.data == NULL ? datum_null() : datum_str(value);
            vector_put(&chunk.columns[c], &context->arena, chunk.row_count, &datum);
        }
        chunk.row_count++;
        if (chunk.row_count == CHUNK_ROWS || r + 1 == rows) {
            TRY(context->sink->rows(context->sink->context, &chunk));
            chunk_reset(&chunk);
        }
    }
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- running statements ---- */

static int64_t number_variable(Session *session, const char *name, int64_t missing)
{
    int64_t value;
    const char *text = variable_text(session, name);
    return text != NULL && int64_parse(strview(text), &value) ? value : missing;
}

int64_t session_write_timeout_us(Session *session)
{
    return number_variable(session, "insert_timeout", 14400) * 1000000;
}

static const TimeZone *zone_of(Session *session)
{
    const char *name = variable_text(session, "time_zone");
    return name == NULL ? NULL : time_zone_find(strview(name));
}

static bool find_variable(void *context, StrView scope, StrView name, Arena *arena, Type *out_type, Datum *out_value)
{
    return variable_find(context, scope, name, arena, out_type, out_value);
}

static int64_t memory_limit(Session *session)
{
    int64_t limit = number_variable(session, "query_mem_limit", 0);
    int64_t exec_limit = number_variable(session, "exec_mem_limit", 0);
    return exec_limit <= 0 ? limit : limit > 0 ? MIN(limit, exec_limit) : exec_limit;
}

void session_refresh_functions(StatementContext *context)
{
    Session *session = context->session;
    const char *mode = variable_text(session, "sql_mode");
    FuncSession *func = &context->func;
    func->flags = strcmp(variable_text(session, "allow_throw_exception"), "true") == 0 ? FUNC_SESSION_THROW : 0;
    func->flags |= strstr(mode, "ERROR_IF_OVERFLOW") != NULL ? FUNC_SESSION_OVERFLOW_ERROR : 0;
    func->flags |= strstr(mode, "ALLOW_THROW_EXCEPTION") != NULL ? FUNC_SESSION_THROW : 0;
    func->flags |= strcasecmp(variable_text(session, "sql_dialect"), "trino") == 0 ? FUNC_SESSION_TRINO : 0;
    func->flags |= strcmp(variable_text(session, "lower_upper_support_utf8"), "true") == 0 ? FUNC_SESSION_CASE_UTF8 : 0;
    func->flags |= strcmp(variable_text(session, "decimal_overflow_to_double"), "true") == 0 ? FUNC_SESSION_DECIMAL_DOUBLE : 0;
    int64_t longest = number_variable(session, "group_concat_max_len", 1024);
    func->group_concat_max_bytes = (uint32_t)MAX(MIN(longest, INT32_MAX), 4);
    atomic_store(&context->memory.limit_bytes, memory_limit(session));
    func->zone = zone_of(session);
    func->zone_offset_us = func->zone == NULL ? 0 : time_zone_to_local(func->zone, func->now_us) - func->now_us;
}

/* The active roles: "a, b", or NONE. */
static StrView role_text(StatementContext *context)
{
    const NameList *roles = access_active_roles(context->rights);
    if (roles->count == 0)
        return STR_VIEW("NONE");
    if (roles->count == 1)
        return roles->items[0];
    AUTO_BYTEBUF text = {0};
    for (uint32_t i = 0; i < roles->count; i++)
        bytebuf_printf(&text, "%s%.*s", i == 0 ? "" : ", ", SV_ARGS(roles->items[i]));
    return strview_n(arena_strndup(&context->arena, text.data, text.length), text.length);
}

static void open_context(StatementContext *context, Session *session, const ResultSink *sink, Diag *diag)
{
    const Environment *env = environment_real();
    *context = (StatementContext){.session = session, .sink = sink, .diag = diag};
    mem_tracker_init(&context->memory, session->instance->memory, "query", memory_limit(session));
    arena_init(&context->arena, &context->memory);
    context->catalog = transaction_catalog(session);
    context->func = (FuncSession){
        .now_us = env_wall_us(env),
        .database = bytebuf_view(&session->database),
        .user = access_identity(&context->arena, strview(session->user), strview(session->user_host)),
        .catalog = STR_VIEW("default_catalog"),
        .version = strview(session->instance->version),
        .host = STR_VIEW("127.0.0.1"),
        .connection_id = session->connection_id,
        .random_seed = env_random(env),
        .find_profile = find_profile_text,
        .profile_context = context,
        .dictionaries = dictionaries_source(session->instance->dictionaries),
    };
    context->rights = session_rights(session, context->catalog);
    context->func.current_role = role_text(context);
    context->func.roles = access_all_roles(context->rights, &context->func.role_count);
    session_refresh_functions(context);
    context->analyze = (AnalyzeContext){.arena = &context->arena, .diag = diag, .catalog = context->catalog,
                                        .rights = context->rights, .session = &context->func,
                                        .database = context->func.database, .ids = {1},
                                        .temporary_owner = strview(session->temporary_owner),
                                        .variable = find_variable, .variable_context = session};
    context->analyze.connector = session_connector(context);
    context->analyze.moment = snapshot_moment;
    context->analyze.moment_context = context;
}

static void close_context(StatementContext *context)
{
    for (uint32_t i = 0; i < context->files.count; i++)
        file_table_close(context->files.items[i]);
    for (uint32_t i = 0; i < context->moments.count; i++)
        catalog_unref(context->moments.items[i]);
    access_rights_unref(context->rights);
    catalog_unref(context->catalog);
    arena_deinit(&context->arena);
}

/* Passes results on and counts their rows. */
typedef struct CountingSink {
    const ResultSink *inner;
    uint64_t rows;
} CountingSink;

static Status count_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    const ResultSink *inner = ((CountingSink *)context)->inner;
    return inner->columns(inner->context, columns, count);
}

static Status count_rows(void *context, const Chunk *chunk)
{
    CountingSink *counting = context;
    counting->rows += chunk_alive(chunk);
    return counting->inner->rows(counting->inner->context, chunk);
}

static Status count_done(void *context, const ResultSummary *summary)
{
    const ResultSink *inner = ((CountingSink *)context)->inner;
    return inner->done(inner->context, summary);
}

/* What SHOW PROCESSLIST shows comes before the parser: a text that may hold a password is not shown. */
static bool may_hold_password(StrView sql, bool with_secrets)
{
    static const StrView words[] = {{"PASSWORD", 8}, {"IDENTIFIED", 10}, {"SECRET", 6}};
    for (size_t i = 0; i + 6 <= sql.length; i++) {
        for (size_t w = 0; w < COUNT_OF(words) - !with_secrets; w++) {
            if (strview_starts_with_ci(strview_n(sql.data + i, sql.length - i), words[w]))
                return true;
        }
    }
    return false;
}

/* Statements that hold passwords or keys are named by their first word only. */
static StrView audited_text(const AstStatement *statement, Arena *arena)
{
    StrView text = strview_n(statement->source.data + statement->begin, statement->end - statement->begin);
    bool sets_password = false;
    for (uint32_t i = 0; i < statement->settings.count; i++)
        sets_password |= strview_is(statement->settings.items[i].scope, "password");
    bool is_secret = sets_password || statement->kind == AST_STATEMENT_USER || statement->kind == AST_STATEMENT_COMMAND ||
                     statement->kind == AST_STATEMENT_LOAD || (statement->kind == AST_STATEMENT_PREPARE && may_hold_password(text, true));
    size_t word = 0;
    while (is_secret && word < text.length && text.data[word] != ' ')
        word++;
    return is_secret ? strview_n(text.data, word) : redact_keys(text, arena);
}

static void audit(StatementContext *context, const AstStatement *statement, Status status, int64_t started_us, uint64_t rows)
{
    Session *session = context->session;
    bool is_query = statement->kind == AST_STATEMENT_QUERY || statement->kind == AST_STATEMENT_SHOW || statement->kind == AST_STATEMENT_EXPLAIN ||
                    statement->kind == AST_STATEMENT_DESCRIBE;
    const char *group = variable_text(session, "resource_group");
    AuditRecord record = {.client = strview(session->host), .user = strview(session->user), .database = context->func.database,
                          .statement = audited_text(statement, &context->arena), .query_id = context->func.query_id, .statement_id = session->next_query,
                          .is_query = is_query, .has_failed = status != OK, .error_name = status == OK ? "" : error_info(status)->name,
                          .time_ms = (env_monotonic_us(environment_real()) - started_us) / 1000, .returned_rows = rows,
                          .peak_bytes = atomic_load(&context->memory.peak_bytes),
                          .scanned_rows = atomic_load(&context->scanned.rows), .scanned_bytes = atomic_load(&context->scanned.bytes),
                          .resource_group = strview(group == NULL || group[0] == '\0' ? "default_wg" : group)};
    audit_write(session->instance->audit, &record);
}

static void name_query(StatementContext *context)
{
    const Environment *env = environment_real();
    uint64_t high = env_random(env), low = env_random(env);
    Session *session = context->session;
    context->func.last_query_id = strview(arena_strdup(&context->arena, session->last_query_id));
    snprintf(session->last_query_id, sizeof(session->last_query_id), "%08x-%04x-%04x-%04x-%012llx", (uint32_t)(high >> 32),
             (uint32_t)(high >> 16) & 0xFFFF, (uint32_t)high & 0xFFFF, (uint32_t)(low >> 48), (unsigned long long)(low & 0xFFFFFFFFFFFF));
    session->next_query++;
    context->func.query_id = strview(arena_strdup(&context->arena, session->last_query_id));
}

/* The lead changed between the look and the statement, which changed nothing yet: RETRY says so. */
static Status run_elsewhere(StatementContext *context, const AstStatement *statement, bool was_forwarded)
{
    diag_reset(context->diag);
    if (!was_forwarded)
        return statement_forward(context, statement);
    catalog_unref(context->catalog);
    context->catalog = meta_snapshot(context->session->instance->store);
    context->analyze.catalog = context->catalog;
    return statement_run(context, statement);
}

static bool has_others(const Instance *instance)
{
    CatalogSnapshot *catalog = meta_snapshot(instance->store);
    bool has = frontends_has_others(instance->frontends, catalog);
    catalog_unref(catalog);
    return has;
}

/* What others have acknowledged by now is seen here too, and who was deposed in its sleep finds out before it answers.
 * Where asking costs a journey through the network, the node's own turn, several times a second, has to do; SYNC asks
 * in any case, and so does who has not seen yet what was done for it on the leader. */
static Status read_latest(Session *session, Diag *diag)
{
    const Instance *instance = session->instance;
    if (instance->frontends == NULL)
        return OK;
    if (!session->is_behind && (strncmp(instance->volume->url, "file:", 5) != 0 || !has_others(instance)))
        return OK;
    TRY(meta_sync(instance->store, diag));
    session->is_behind = false;
    return OK;
}

/* A query is not answered with rows of who knows when. */
static Status check_current(const Session *session, const AstStatement *statement, const Diag *behind, Diag *diag)
{
    if (statement->kind == AST_STATEMENT_SET)
        return OK;
    TRY(meta_check_current(session->instance->store, diag));
    if (behind == NULL || statement->kind != AST_STATEMENT_QUERY)
        return OK;
    return diag_raise(diag, behind->code, "%s", behind->message);
}

static Status run_one(Session *session, const AstStatement *statement, bool has_more, const Type *types, const Datum *values,
                      uint32_t count, const ResultSink *sink, Diag *diag)
{
    StatementContext context;
    CountingSink counting = {.inner = sink};
    ResultSink counted = {&counting, count_columns, count_rows, count_done};
    int64_t started_us = env_monotonic_us(environment_real());
    Diag behind = {0};
    bool is_latest = read_latest(session, &behind) == OK;
    open_context(&context, session, &counted, diag);
    name_query(&context);
    context.has_more = has_more;
    context.analyze.parameter_types = types;
    context.analyze.parameter_values = values;
    context.analyze.parameter_count = count;
    bool is_forwarded = statement_is_forwarded(&context, statement);
    Status status = check_current(session, statement, is_latest ? NULL : &behind, diag);
    if (status == OK)
        status = is_forwarded ? statement_forward(&context, statement) : statement_run(&context, statement);
    if (status == ERR_RETRY && statement_is_forwarded(&context, statement) != is_forwarded)
        status = run_elsewhere(&context, statement, is_forwarded);
    if (status != OK && !diag_has_error(diag))
        status = RAISE(diag, CANCELLED, "Query execution was interrupted");
    audit(&context, statement, status, started_us, counting.rows);
    close_context(&context);
    return status;
}

static void note_statement(Session *session, StrView sql)
{
    AUTO_BYTEBUF shown = {0};
    sql = strview_n(sql.data, MIN(sql.length, (size_t)4096));
    redact_append(sql, "***", &shown);
    bool is_told = !strview_equal(sql, bytebuf_view(&shown)); /* the only secrets are those keys */
    sql = is_told ? bytebuf_view(&shown) : sql;
    if (may_hold_password(sql, !is_told))
        sql = STR_VIEW("(a statement with a password)");
    LOCK_GUARD(&session->instance->lock);
    bytebuf_clear(&session->statement);
    bytebuf_append_view(&session->statement, strview_n(sql.data, MIN(sql.length, (size_t)4096)));
    session->statement_started_us = env_monotonic_us(environment_real());
    atomic_store(&session->cancelled, atomic_load(&session->killed));
}

static void end_statement(Session *session)
{
    LOCK_GUARD(&session->instance->lock);
    bytebuf_clear(&session->statement);
}

static Status execute_with(Session *session, StrView sql, const Type *types, const Datum *values, uint32_t count,
                           const ResultSink *sink, Diag *diag)
{
    AUTO_ARENA arena;
    AstStatements statements = {0};
    ParseOptions options = {.pipes_as_concat = strstr(variable_text(session, "sql_mode"), "PIPES_AS_CONCAT") != NULL};
    arena_init(&arena, session->instance->memory);
    TRY(sql_parse(sql, &options, &arena, diag, &statements));
    if (statements.count == 0)
        return RAISE(diag, EMPTY_QUERY, "Query was empty");
    for (uint32_t i = 0; i < statements.count; i++) {
        Status status = run_one(session, statements.items[i], i + 1 < statements.count, types, values, count, sink, diag);
        if (!statement_keeps_error(statements.items[i]))
            session_keep_error(session, diag, status);
        TRY(status);
    }
    return OK;
}

/* An error before the statement is known is kept as well. */
static Status keep_error(Session *session, Status status, const Diag *diag)
{
    if (status != OK)
        session_keep_error(session, diag, status);
    return status;
}

Status session_run_text(StatementContext *context, StrView sql, const Type *types, const Datum *values, uint32_t count)
{
    AUTO_ARENA arena;
    AstStatements statements = {0};
    arena_init(&arena, context->session->instance->memory);
    TRY(sql_parse(sql, NULL, &arena, context->diag, &statements));
    if (statements.count != 1)
        return RAISE(context->diag, SYNTAX, "a prepared statement is exactly one statement");
    return run_one(context->session, statements.items[0], context->has_more, types, values, count, context->sink, context->diag);
}

Status session_execute(Session *session, StrView sql, const ResultSink *sink, Diag *diag)
{
    note_statement(session, sql);
    Status status = keep_error(session, execute_with(session, sql, NULL, NULL, 0, sink, diag), diag);
    end_statement(session);
    return status;
}

/* ---- prepared statements ---- */

Status session_prepare(Session *session, StrView sql, Diag *diag, PreparedInfo *out_info)
{
    AUTO_ARENA arena;
    AstStatements statements = {0};
    arena_init(&arena, NULL);
    TRY(sql_parse(sql, NULL, &arena, diag, &statements));
    if (statements.count != 1)
        return RAISE(diag, SYNTAX, "a prepared statement is exactly one statement");
    Prepared *prepared = mem_alloc_zero(sizeof(*prepared));
    prepared->id = session->next_prepared++;
    prepared->parameter_count = statements.items[0]->parameter_count;
    prepared->sql = mem_alloc_zero(sql.length + 1);
    memcpy(prepared->sql, sql.data, sql.length);
    prepared->next = session->prepared;
    session->prepared = prepared;
    *out_info = (PreparedInfo){.id = prepared->id, .parameter_count = prepared->parameter_count};
    return OK;
}

static Prepared *find_prepared(const Session *session, uint32_t id)
{
    for (Prepared *p = session->prepared; p != NULL; p = p->next) {
        if (p->id == id)
            return p;
    }
    return NULL;
}

uint32_t session_prepared_parameters(const Session *session, uint32_t id)
{
    const Prepared *prepared = find_prepared(session, id);
    return prepared == NULL ? UINT32_MAX : prepared->parameter_count;
}

Status session_execute_prepared(Session *session, uint32_t id, const Type *types, const Datum *values, uint32_t count,
                                const ResultSink *sink, Diag *diag)
{
    const Prepared *prepared = find_prepared(session, id);
    if (prepared == NULL)
        return RAISE(diag, NO_SUCH_PREPARED, "Unknown prepared statement handler (%u) given to EXECUTE", id);
    note_statement(session, strview(prepared->sql));
    Status status = keep_error(session, execute_with(session, strview(prepared->sql), types, values, count, sink, diag), diag);
    end_statement(session);
    return status;
}

void session_close_prepared(Session *session, uint32_t id)
{
    for (Prepared **at = &session->prepared; *at != NULL; at = &(*at)->next) {
        Prepared *p = *at;
        if (p->id != id)
            continue;
        *at = p->next;
        mem_free(p->sql);
        mem_free(p->name);
        mem_free(p);
        return;
    }
}
