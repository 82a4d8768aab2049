#include "func/families.h"

/* Functions about the session and the server; constant within a statement, except uuid and sleep. */

#include <stdio.h>

#include "base/environment.h"
#include "func/shape.h"

enum { SESSION_DATABASE, SESSION_USER, SESSION_VERSION, SESSION_CATALOG, SESSION_ROLE, SESSION_HOST, SESSION_LAST_QUERY,
       SESSION_MYSQL_VERSION };

static StrView session_text(const FuncSession *session, int code)
{
    switch (code) {
    case SESSION_DATABASE:
        return session->database;
    case SESSION_USER:
        return session->user;
    case SESSION_VERSION:
        return session->version;
    case SESSION_CATALOG:
        return session->catalog;
    case SESSION_ROLE:
        return session->current_role;
    case SESSION_HOST:
        return session->host;
    case SESSION_LAST_QUERY:
        return session->last_query_id;
    default:
        return STR_VIEW("8.0.33");
    }
}

static Status text_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)arguments;
    (void)count;
    StrView text = session_text(context->session, context->binding->def->code);
    bool is_null = text.length == 0 && context->binding->def->code == SESSION_DATABASE;
    for (FOR_ROWS(rows, i, row)) {
        if (is_null)
            vector_set_null(out, row);
        else
            ((Str *)out->data)[row] = str_make(text.data == NULL ? "" : text.data, text.length);
    }
    return OK;
}

static Status connection_id_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                                   Vector *out)
{
    (void)arguments;
    (void)count;
    for (FOR_ROWS(rows, i, row))
        ((int64_t *)out->data)[row] = (int64_t)context->session->connection_id;
    return OK;
}

static Status uuid_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)arguments;
    (void)count;
    const Environment *env = environment_real();
    for (FOR_ROWS(rows, i, row)) {
        char text[40];
        uint64_t a = env_random(env);
        uint64_t b = env_random(env);
        snprintf(text, sizeof(text), "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xFFFF,
                 (unsigned)a & 0xFFF, (unsigned)((b >> 48 & 0x3FFF) | 0x8000), (unsigned long long)(b & 0xFFFFFFFFFFFF));
        result_text(context, out, row, text, 36);
    }
    return OK;
}

static Status uuid_numeric_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)context;
    (void)arguments;
    (void)count;
    const Environment *env = environment_real();
    for (FOR_ROWS(rows, i, row))
        ((Int128 *)out->data)[row] = (Int128)((UInt128)env_random(env) << 64 | env_random(env));
    return OK;
}

static bool has_role(const FuncSession *session, StrView role)
{
    for (uint32_t r = 0; r < session->role_count; r++) {
        if (strview_equal(session->roles[r], role))
            return true;
    }
    return false;
}

DEFINE_ROWWISE(role_kernel, {
    Str role = ARG(0, Str);
    RESULT(uint8_t) = has_role(context->session, strview_n(str_data(&role), role.length));
})

/* In short naps, so that KILL and time-outs are heard. */
static Status nap(const FuncContext *context, int64_t duration_us)
{
    enum { NAP_US = 10 * 1000 };
    const FuncSession *session = context->session;
    int64_t until = env_monotonic_us(environment_real()) + duration_us;
    for (int64_t now = until - duration_us; now < until; now = env_monotonic_us(environment_real())) {
        if (session->cancelled != NULL && atomic_load_explicit(session->cancelled, memory_order_relaxed))
            return RAISE(context->diag, CANCELLED, "Query execution was interrupted");
        if (session->deadline_us > 0 && now > session->deadline_us)
            return RAISE(context->diag, QUERY_TIMEOUT, FUNC_TIMEOUT_TEXT, FUNC_TIMEOUT_ARGS(session));
        env_sleep_us(environment_real(), MIN(until - now, (int64_t)NAP_US));
    }
    return OK;
}

DEFINE_ROWWISE(sleep_kernel, {
    int64_t seconds = ARG(0, int32_t);
    if (seconds > 0)
        TRY(nap(context, MIN(seconds, 3600) * 1000000));
    RESULT(uint8_t) = 1;
})

DEFINE_ROWWISE(profile_kernel, {
    StrView text;
    const FuncSession *session = context->session;
    if (session->find_profile == NULL || !session->find_profile(session->profile_context, ARG_VIEW(0), context->arena, &text)) {
        RESULT_NULL();
        continue;
    }
    RESULT(Str) = str_make(text.data, text.length);
})

#define TEXT(NAME, CODE)                                                                             \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_SESSION_BOUND, .min_arguments = 0, .max_arguments = 0, \
     .overloads = (const FuncOverload[]){{"", 'S', text_kernel, NULL}}, .overload_count = 1, .code = CODE, .group = "utility"}
static const FuncDef defs[] = {
    TEXT("database", SESSION_DATABASE),
    TEXT("schema", SESSION_DATABASE),
    TEXT("user", SESSION_USER),
    TEXT("current_user", SESSION_USER),
    TEXT("session_user", SESSION_USER),
    TEXT("system_user", SESSION_USER),
    TEXT("version", SESSION_MYSQL_VERSION),
    TEXT("current_version", SESSION_VERSION),
    TEXT("catalog", SESSION_CATALOG),
    TEXT("current_role", SESSION_ROLE),
    TEXT("host_name", SESSION_HOST),
    TEXT("last_query_id", SESSION_LAST_QUERY),
    {.name = "connection_id", .kind = FUNC_SCALAR, .flags = FUNC_SESSION_BOUND, .min_arguments = 0, .max_arguments = 0,
     .overloads = (const FuncOverload[]){{"", 'l', connection_id_kernel, NULL}}, .overload_count = 1, .group = "utility"},
    {.name = "is_role_in_session", .kind = FUNC_SCALAR, .flags = FUNC_SESSION_BOUND | FUNC_NULL_IF_ANY_NULL, .min_arguments = 1,
     .max_arguments = 1, .overloads = (const FuncOverload[]){{"S", 'b', role_kernel, NULL}}, .overload_count = 1, .group = "utility"},
    {.name = "get_query_profile", .kind = FUNC_SCALAR, .flags = FUNC_VOLATILE | FUNC_NULL_IF_ANY_NULL, .min_arguments = 1,
     .max_arguments = 1, .overloads = (const FuncOverload[]){{"S", 'S', profile_kernel, NULL}}, .overload_count = 1, .group = "utility"},
    {.name = "uuid", .kind = FUNC_SCALAR, .flags = FUNC_VOLATILE, .min_arguments = 0, .max_arguments = 0,
     .overloads = (const FuncOverload[]){{"", 'S', uuid_kernel, NULL}}, .overload_count = 1, .group = "utility"},
    {.name = "uuid_numeric", .kind = FUNC_SCALAR, .flags = FUNC_VOLATILE, .min_arguments = 0, .max_arguments = 0,
     .overloads = (const FuncOverload[]){{"", 'L', uuid_numeric_kernel, NULL}}, .overload_count = 1, .group = "utility"},
    {.name = "sleep", .kind = FUNC_SCALAR, .flags = FUNC_VOLATILE | FUNC_NULL_IF_ANY_NULL, .min_arguments = 1,
     .max_arguments = 1, .overloads = (const FuncOverload[]){{"i", 'b', sleep_kernel, NULL}}, .overload_count = 1, .group = "utility"},
};
const FuncTable func_table_session = {defs, COUNT_OF(defs)};
