#include "session/show_int.h"

/* SHOW [FULL] PROCESSLIST and KILL, over all nodes of the cluster: an id says which node has the connection (connection.c), and that
 * one is asked, as the user. What another node asks is about this one alone. */

#include "base/environment.h"
#include "base/log.h"
#include "cluster/frontends.h"
#include "session/forward.h"

enum { NODE_BITS = 24, ASK_TIMEOUT_US = 2000000 };

static const SystemColumn processes_columns[] = {
    NUMBER("Id"),   TEXT("User"),  TEXT("Host"), TEXT("Db"),        TEXT("Command"),  TEXT("ConnectionStartTime"),
    NUMBER("Time"), TEXT("State"), TEXT("Info"), TEXT("IsPending"), TEXT("Warehouse")};

static StrView kept(const SystemSource *source, StrView text)
{
    return strview_n(arena_strndup(source->arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

static Status put_process(const SystemSource *source, SystemRows *rows, const Session *s)
{
    enum { SHORT_INFO = 100 };
    bool runs = s->statement.length > 0;
    StrView info = bytebuf_view(&s->statement);
    if (!show_context(source)->show->is_full)
        info.length = MIN(info.length, (size_t)SHORT_INFO);
    system_put_number(rows, (int64_t)s->connection_id);
    system_put_text(rows, kept(source, strview(s->user)));
    system_put_text(rows, kept(source, strview(s->host)));
    system_put_text(rows, kept(source, bytebuf_view(&s->database)));
    system_put_word(rows, runs ? "Query" : "Sleep");
    system_put_time(rows, s->opened_us);
    int64_t now_us = env_monotonic_us(environment_real());
    system_put_number(rows, runs ? (now_us - s->statement_started_us) / 1000000 : 0);
    system_put_word(rows, runs ? "OK" : "");
    system_put_text(rows, kept(source, info));
    system_put_word(rows, "false");
    system_put_word(rows, "default_warehouse");
    return system_end_row(rows);
}

static Status put_own(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    Instance *instance = context->session->instance;
    LOCK_GUARD(&instance->lock);
    for (const Session *s = instance->sessions; s != NULL; s = s->next) {
        bool asks = s == context->session && s->is_peer;
        if (!asks && sees_user(context, strview(s->user)))
            TRY(put_process(source, rows, s));
    }
    return OK;
}

/* ---- other nodes ---- */

static ForwardRequest request_of(StatementContext *context, StrView sql)
{
    const Session *session = context->session;
    return (ForwardRequest){.user = access_identity(&context->arena, strview(session->user), strview(session->user_host)),
                            .host = strview(session->host),
                            .sql = sql,
                            .timeout_us = ASK_TIMEOUT_US,
                            .cancelled = &session->cancelled};
}

/* Those that can be asked; none when another node asks. */
static uint32_t other_nodes(StatementContext *context, FrontendInfo **out)
{
    Instance *instance = context->session->instance;
    FrontendState *states;
    uint32_t found = 0;
    if (instance->frontends == NULL || instance->forward == NULL || context->session->is_peer)
        return 0;
    uint32_t count = frontends_list(instance->frontends, &context->arena, &states);
    const char *self = frontends_self(instance->frontends)->name;
    bool leads = meta_is_leading(instance->store);
    *out = ARENA_NEW_ARRAY(&context->arena, FrontendInfo, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        bool is_there = states[i].has_joined && states[i].info.query_port != 0 && (states[i].is_alive || !leads);
        if (is_there && strcmp(states[i].info.name, self) != 0)
            (*out)[found++] = states[i].info;
    }
    return found;
}

typedef struct Remote {
    const SystemSource *source;
    SystemRows *rows;
    bool fits;
} Remote;

static Status take_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    Remote *remote = context;
    (void)columns;
    remote->fits = count == COUNT_OF(processes_columns);
    return OK;
}

static Status take_rows(void *context, const Chunk *chunk)
{
    const Remote *remote = context;
    Rows all = chunk_rows(chunk);
    for (FOR_ROWS(all, i, row)) {
        for (uint32_t c = 0; c < chunk->column_count && remote->fits; c++) {
            Datum value = vector_get(&chunk->columns[c], row, remote->source->arena);
            if (value.is_null)
                system_put_null(remote->rows);
            else if (type_is_integer(chunk->columns[c].type))
                system_put_number(remote->rows, value.i64);
            else
                system_put_text(remote->rows, kept(remote->source, str_view(&value.str)));
        }
        if (remote->fits)
            TRY(system_end_row(remote->rows));
    }
    return OK;
}

static Status take_end(void *context, const ResultSummary *summary)
{
    (void)context, (void)summary;
    return OK;
}

static Status produce_processes(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    FrontendInfo *nodes;
    TRY(put_own(source, rows));
    uint32_t count = other_nodes(context, &nodes);
    ForwardRequest request = request_of(context, context->show->is_full ? STR_VIEW("SHOW FULL PROCESSLIST") : STR_VIEW("SHOW PROCESSLIST"));
    for (uint32_t i = 0; i < count; i++) {
        Remote remote = {source, rows, false};
        ResultSink sink = {&remote, take_columns, take_rows, take_end};
        const ForwardOps *forward = context->session->instance->forward;
        Diag trouble = {0};
        if (forward->run_at(forward->context, nodes[i].host, nodes[i].query_port, &request, &sink, &trouble) != OK)
            LOG_WARN("session", "the connections of %s are not known: %s", nodes[i].name, trouble.message);
    }
    return OK;
}

static const ShowForm forms[] = {
    {"PROCESSLIST", {"", SYSTEM_COLUMNS(processes_columns), produce_processes}, SHOW_NO_PATTERN, NULL},
};
const ShowForms show_process_forms = {forms, COUNT_OF(forms)};

/* ---- KILL ---- */

/* False: this node has no such connection. */
static bool kill_own(StatementContext *context, const AstStatement *statement, bool *out_is_denied)
{
    Instance *instance = context->session->instance;
    const AccessObject system = {.kind = OBJECT_SYSTEM};
    bool may_kill_all = access_allows(context->rights, &system, PRIVILEGE_BIT(OPERATE));
    bool found = false;
    LOCK_GUARD(&instance->lock);
    for (Session *s = instance->sessions; s != NULL; s = s->next) {
        bool is_query = statement->text.length > 0; /* KILL QUERY 'query id' */
        if (is_query ? s->statement.length == 0 || !strview_is(statement->text, s->last_query_id) : s->connection_id != statement->number)
            continue;
        found = true;
        *out_is_denied = !may_kill_all && strcmp(s->user, context->session->user) != 0;
        if (!*out_is_denied)
            session_kill(s, !statement->flag);
    }
    return found;
}

Status run_kill(StatementContext *context, const AstStatement *statement)
{
    uint64_t id = statement->number;
    bool is_denied = false;
    FrontendInfo *nodes;
    if (kill_own(context, statement, &is_denied))
        return is_denied ? RAISE(context->diag, KILL_DENIED, "You are not owner of thread %llu", (unsigned long long)id)
                         : send_ok(context, 0, STR_VIEW(""));
    uint32_t count = other_nodes(context, &nodes);
    StrView sql = strview(arena_printf(&context->arena, "KILL %s %llu", statement->flag ? "QUERY" : "CONNECTION", (unsigned long long)id));
    ForwardRequest request = request_of(context, sql);
    for (uint32_t i = 0; i < count; i++) {
        const ForwardOps *forward = context->session->instance->forward;
        if (nodes[i].number == (id >> NODE_BITS) + 1)
            return forward->run_at(forward->context, nodes[i].host, nodes[i].query_port, &request, context->sink, context->diag);
    }
    return RAISE(context->diag, UNKNOWN_THREAD, "Unknown thread id: %llu", (unsigned long long)id);
}
