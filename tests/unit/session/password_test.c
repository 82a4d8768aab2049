/* Passwords: what is stored, and which answers fit it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "session/password.h"

static const uint8_t nonce[PASSWORD_NONCE_BYTES] = "abcdefghijklmnopqrs";

static void stored_forms(void **state)
{
    (void)state;
    char native[PASSWORD_STORED_BYTES], one[PASSWORD_STORED_BYTES], two[PASSWORD_STORED_BYTES], none[PASSWORD_STORED_BYTES];
    password_store(AUTH_NATIVE, STR_VIEW("password"), native);
    assert_string_equal(native, "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"); /* as MySQL's PASSWORD() */
    password_store(AUTH_CACHING_SHA2, STR_VIEW("password"), one);
    password_store(AUTH_CACHING_SHA2, STR_VIEW("password"), two);
    password_store(AUTH_CACHING_SHA2, STR_VIEW(""), none);
    assert_string_not_equal(one, two);
    assert_string_equal(none, "");
    assert_true(password_is_stored(AUTH_NATIVE, strview(native)));
    assert_false(password_is_stored(AUTH_NATIVE, strview(one)));
    assert_true(password_is_stored(AUTH_CACHING_SHA2, strview(one)));
    assert_false(password_is_stored(AUTH_CACHING_SHA2, strview(native)));
    assert_false(password_is_stored(AUTH_CACHING_SHA2, STR_VIEW("$pbkdf2-sha256$99999999999$00$00")));
    assert_false(password_is_stored(AUTH_CACHING_SHA2, STR_VIEW("$pbkdf2-sha256$")));
}

/* What a client sends: hash(password) xor hash(nonce and hash(hash(password)), in the order of the plugin. */
static void answer_native(const char *password, char out[SHA_DIGEST_LENGTH])
{
    uint8_t once[SHA_DIGEST_LENGTH], input[PASSWORD_NONCE_BYTES + SHA_DIGEST_LENGTH], mask[SHA_DIGEST_LENGTH];
    SHA1((const uint8_t *)password, strlen(password), once);
    memcpy(input, nonce, PASSWORD_NONCE_BYTES);
    SHA1(once, sizeof(once), input + PASSWORD_NONCE_BYTES);
    SHA1(input, sizeof(input), mask);
    for (int i = 0; i < SHA_DIGEST_LENGTH; i++)
        out[i] = (char)(once[i] ^ mask[i]);
}

static void answer_sha2(const char *password, char out[SHA256_DIGEST_LENGTH])
{
    uint8_t once[SHA256_DIGEST_LENGTH], input[SHA256_DIGEST_LENGTH + PASSWORD_NONCE_BYTES], mask[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)password, strlen(password), once);
    SHA256(once, sizeof(once), input);
    memcpy(input + SHA256_DIGEST_LENGTH, nonce, PASSWORD_NONCE_BYTES);
    SHA256(input, sizeof(input), mask);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
        out[i] = (char)(once[i] ^ mask[i]);
}

static void native_answers(void **state)
{
    (void)state;
    char stored[PASSWORD_STORED_BYTES], right[SHA_DIGEST_LENGTH], wrong[SHA_DIGEST_LENGTH];
    password_store(AUTH_NATIVE, STR_VIEW("secret"), stored);
    answer_native("secret", right);
    answer_native("Secret", wrong);
    assert_true(password_answers_native(strview_n(right, sizeof(right)), nonce, strview(stored)));
    assert_false(password_answers_native(strview_n(wrong, sizeof(wrong)), nonce, strview(stored)));
    assert_false(password_answers_native(strview_n(right, sizeof(right) - 1), nonce, strview(stored)));
    assert_false(password_answers_native(STR_VIEW(""), nonce, strview(stored)));
    assert_true(password_answers_native(STR_VIEW(""), nonce, STR_VIEW("")));
    assert_false(password_answers_native(strview_n(right, sizeof(right)), nonce, STR_VIEW("damaged")));
}

static void the_cache_learns(void **state)
{
    (void)state;
    char stored[PASSWORD_STORED_BYTES], changed[PASSWORD_STORED_BYTES], right[SHA256_DIGEST_LENGTH], wrong[SHA256_DIGEST_LENGTH];
    PasswordCache *cache = password_cache_new();
    password_store(AUTH_CACHING_SHA2, STR_VIEW("secret"), stored);
    password_store(AUTH_CACHING_SHA2, STR_VIEW("secret"), changed);
    answer_sha2("secret", right);
    answer_sha2("Secret", wrong);
    StrView answer = strview_n(right, sizeof(right));
    assert_false(password_answers_cached(cache, answer, nonce, strview(stored)));
    assert_false(password_is(cache, AUTH_CACHING_SHA2, STR_VIEW("Secret"), strview(stored)));
    assert_false(password_answers_cached(cache, answer, nonce, strview(stored)));
    assert_true(password_is(cache, AUTH_CACHING_SHA2, STR_VIEW("secret"), strview(stored)));
    assert_true(password_answers_cached(cache, answer, nonce, strview(stored)));
    assert_true(password_is(cache, AUTH_CACHING_SHA2, STR_VIEW("secret"), strview(stored)));
    assert_false(password_is(cache, AUTH_CACHING_SHA2, STR_VIEW("Secret"), strview(stored)));
    assert_false(password_answers_cached(cache, strview_n(wrong, sizeof(wrong)), nonce, strview(stored)));
    assert_false(password_answers_cached(cache, answer, nonce, strview(changed))); /* the same password, set again */
    assert_true(password_is(cache, AUTH_NATIVE, STR_VIEW(""), STR_VIEW("")));
    assert_false(password_is(cache, AUTH_NATIVE, STR_VIEW("x"), STR_VIEW("")));
    password_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stored_forms), cmocka_unit_test(native_answers), cmocka_unit_test(the_cache_learns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
