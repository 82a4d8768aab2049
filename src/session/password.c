#include "session/session_int.h"

/* Passwords of users: SET PASSWORD and ALTER USER ... IDENTIFIED BY. What is journaled, as setting "password.NAME", is
 * "*" and the hexadecimal SHA1(SHA1(password)), as mysql_native_password needs it; the text never leaves this file. */

#include <openssl/crypto.h>
#include <openssl/sha.h>

enum { HASH_TEXT_BYTES = 1 + 2 * SHA_DIGEST_LENGTH };

static void hash_password(StrView password, char out_text[HASH_TEXT_BYTES + 1])
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t once[SHA_DIGEST_LENGTH], twice[SHA_DIGEST_LENGTH];
    SHA1((const uint8_t *)password.data, password.length, once);
    SHA1(once, sizeof(once), twice);
    OPENSSL_cleanse(once, sizeof(once));
    out_text[0] = '*';
    for (int i = 0; i < SHA_DIGEST_LENGTH; i++) {
        out_text[1 + 2 * i] = digits[twice[i] >> 4];
        out_text[2 + 2 * i] = digits[twice[i] & 15];
    }
    out_text[HASH_TEXT_BYTES] = '\0';
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "*" and 40 digits to 20 bytes. */
static bool parse_hash(StrView text, char out_bytes[SHA_DIGEST_LENGTH])
{
    if (text.length != HASH_TEXT_BYTES || text.data[0] != '*')
        return false;
    for (int i = 0; i < SHA_DIGEST_LENGTH; i++) {
        int high = digit_of(text.data[1 + 2 * i]), low = digit_of(text.data[2 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        out_bytes[i] = (char)(high << 4 | low);
    }
    return true;
}

/* What login compares with: 20 bytes, or none for no password. Only root is there until users are. */
bool password_of(const CatalogSnapshot *catalog, StrView user, Arena *arena, StrView *out_stored)
{
    StrView text = catalog_setting(catalog, "password.root");
    char *bytes = ARENA_NEW_ARRAY(arena, char, SHA_DIGEST_LENGTH);
    if (!strview_is(user, "root"))
        return false;
    *out_stored = text.length > 0 && parse_hash(text, bytes) ? strview_n(bytes, SHA_DIGEST_LENGTH) : STR_VIEW("");
    return true;
}

/* is_hash: password is the stored form already. */
Status set_password(StatementContext *context, const AstUserName *user, StrView password, bool is_hash)
{
    char text[HASH_TEXT_BYTES + 1], bytes[SHA_DIGEST_LENGTH];
    bool is_root = user == NULL || user->is_current || strview_is(user->name, "root");
    if (!is_root)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: cannot find user '%.*s'@'%%'.", SV_ARGS(user->name));
    if (is_hash && password.length > 0 && !parse_hash(password, bytes))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Password hash should be a 41-digit hexadecimal number.");
    if (!is_hash && password.length > 0) {
        hash_password(password, text);
        password = strview(text);
    }
    return global_setting_set(context, "password.root", password);
}

Status run_alter_user(StatementContext *context, const AstStatement *statement)
{
    const AstUser *user = statement->user;
    if (!user->is_alter || !user->has_password || user->roles.count > 0 || user->properties.keys.count > 0)
        return RAISE(context->diag, NOT_SUPPORTED, "users are not supported yet: root is the only one, and ALTER USER changes its password");
    if (user->plugin.length > 0 && !strview_equal_ci(user->plugin, STR_VIEW("mysql_native_password")))
        return RAISE(context->diag, NOT_SUPPORTED, "authentication by '%.*s' is not supported", SV_ARGS(user->plugin));
    TRY(set_password(context, &user->user, user->password, user->is_hash));
    return send_ok(context, 0, STR_VIEW(""));
}
