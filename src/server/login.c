#include "server/connection.h"

/* Proving a password, after the client's first packet has said who it is: mysql_native_password and
 * caching_sha2_password. The first answers are cheap and taken on the loop thread. The full exchange of
 * caching_sha2_password, for whom the cache of passwords does not know, costs milliseconds and runs on a statement
 * thread, packet by packet: auth_step says what the next one is. COM_CHANGE_USER does all of it there. */

#include <openssl/crypto.h>

#include "server/server_int.h"
#include "session/instance.h"

enum { MORE_DATA = 0x01, FAST_SUCCESS = 0x03, FULL_EXCHANGE = 0x04, WANTS_KEY = 0x02 };

const char *login_plugin_name(AuthPlugin plugin)
{
    return plugin == AUTH_CACHING_SHA2 ? "caching_sha2_password" : "mysql_native_password";
}

static Instance *instance_of(const Connection *c)
{
    return c->server->options.instance;
}

static LoginResult refuse(Connection *c, bool has_answer)
{
    Diag diag = {0};
    status_ignore(RAISE(&diag, ACCESS_DENIED, "Access denied for user '%.*s'@'%s' (using password: %s)", SV_ARGS(bytebuf_view(&c->user)), c->peer,
                        has_answer ? "YES" : "NO"));
    connection_send_error(c, &diag);
    return LOGIN_REFUSED;
}

static LoginResult accept_login(Connection *c)
{
    Diag diag = {0};
    AUTO_BYTEBUF out = {0};
    c->auth_step = AUTH_NONE;
    if (login_session(c, bytebuf_view(&c->user), bytebuf_view(&c->wanted_database), false, &diag) != OK) {
        connection_send_error(c, &diag);
        return LOGIN_REFUSED;
    }
    mysql_put_ok(&out, 0, &(ResultSummary){0}, c->capabilities);
    status_ignore(connection_send(c, &out, true));
    return LOGIN_DONE;
}

static LoginResult finish(Connection *c, bool is_proved, bool has_answer)
{
    c->auth_step = AUTH_NONE;
    return is_proved ? accept_login(c) : refuse(c, has_answer);
}

static void send_more(Connection *c, uint8_t kind, bool flush)
{
    AUTO_BYTEBUF out = {0};
    bytebuf_put_u8(&out, MORE_DATA);
    bytebuf_put_u8(&out, kind);
    status_ignore(connection_send(c, &out, flush));
}

static LoginResult switch_plugin(Connection *c, AuthPlugin plugin)
{
    AUTO_BYTEBUF out = {0};
    const char *name = login_plugin_name(plugin);
    bytebuf_put_u8(&out, 0xFE);
    bytebuf_append(&out, name, strlen(name) + 1);
    bytebuf_append(&out, c->nonce, NONCE_BYTES);
    bytebuf_put_u8(&out, 0);
    c->auth_step = AUTH_ANSWER;
    status_ignore(connection_send(c, &out, true));
    return LOGIN_MORE;
}

/* Clients send an empty password as nothing, or as its terminating zero. */
static bool is_empty(StrView answer)
{
    return answer.length == 0 || (answer.length == 1 && answer.data[0] == '\0');
}

/* The answer to the nonce that the user's own plugin gives. */
static LoginResult take_answer(Connection *c, const SessionLogin *login, StrView answer)
{
    if (login->stored.length == 0)
        return finish(c, is_empty(answer), true);
    if (login->plugin == AUTH_NATIVE)
        return finish(c, password_answers_native(answer, c->nonce, login->stored), answer.length > 0);
    if (is_empty(answer))
        return refuse(c, false);
    if (password_answers_cached(instance_of(c)->passwords, answer, c->nonce, login->stored)) {
        send_more(c, FAST_SUCCESS, false);
        return accept_login(c);
    }
    send_more(c, FULL_EXCHANGE, true);
    c->auth_step = AUTH_FULL;
    return LOGIN_MORE;
}

static bool find(Connection *c, Arena *arena, SessionLogin *out)
{
    *out = (SessionLogin){0};
    return session_find_login(instance_of(c), bytebuf_view(&c->user), strview(c->peer), arena, out);
}

LoginResult login_start(Connection *c, StrView plugin, StrView answer)
{
    AUTO_ARENA arena;
    SessionLogin login;
    arena_init(&arena, NULL);
    bool is_known = find(c, &arena, &login);
    bool has_other = !strview_is(plugin, login_plugin_name(login.plugin));
    /* An empty answer to a user without a password means the same under every plugin; else it may only mean that the
     * client waits for its own plugin. */
    if (has_other && (!is_empty(answer) || !is_known || login.stored.length > 0))
        return switch_plugin(c, login.plugin);
    return is_known ? take_answer(c, &login, answer) : refuse(c, answer.length > 0);
}

LoginResult login_answer(Connection *c, StrView answer)
{
    AUTO_ARENA arena;
    SessionLogin login;
    arena_init(&arena, NULL);
    return find(c, &arena, &login) ? take_answer(c, &login, answer) : refuse(c, answer.length > 0);
}

/* ---- the full exchange; statement threads ---- */

static LoginResult check_password(Connection *c, StrView password)
{
    AUTO_ARENA arena;
    SessionLogin login;
    arena_init(&arena, NULL);
    if (password.length > 0 && password.data[password.length - 1] == '\0')
        password.length--;
    bool is_proved = find(c, &arena, &login) && password_is(instance_of(c)->passwords, login.plugin, password, login.stored);
    return finish(c, is_proved, true);
}

static LoginResult send_key(Connection *c)
{
    Diag diag = {0};
    AUTO_BYTEBUF out = {0};
    bytebuf_put_u8(&out, MORE_DATA);
    if (auth_key_public(c->server->auth_key, &diag, &out) != OK) {
        connection_send_error(c, &diag);
        return LOGIN_REFUSED;
    }
    c->auth_step = AUTH_KEY;
    status_ignore(connection_send(c, &out, true));
    return LOGIN_MORE;
}

static LoginResult check_encrypted(Connection *c, StrView cipher)
{
    AUTO_BYTEBUF plain = {0};
    if (!auth_key_decrypt(c->server->auth_key, cipher, &plain))
        return refuse(c, true);
    for (size_t i = 0; i < plain.length; i++)
        plain.data[i] = (char)(plain.data[i] ^ (char)c->nonce[i % NONCE_BYTES]);
    LoginResult result = check_password(c, bytebuf_view(&plain));
    OPENSSL_cleanse(plain.data, plain.length);
    return result;
}

LoginResult login_more(Connection *c, StrView packet)
{
    switch ((AuthStep)c->auth_step) {
    case AUTH_ANSWER:
        return login_answer(c, packet);
    case AUTH_KEY:
        return check_encrypted(c, packet);
    case AUTH_FULL:
        if (packet.length == 1 && packet.data[0] == WANTS_KEY && c->tls == NULL)
            return send_key(c);
        return c->tls != NULL ? check_password(c, packet) : refuse(c, true);
    case AUTH_NONE:
        break;
    }
    return refuse(c, true);
}
