#pragma once
/* Passwords: what is stored of them, and whether what a client answers fits. The text of a password never leaves
 * password.c; what is stored goes into the record of its user.
 *
 * mysql_native_password stores "*" and the hexadecimal SHA1(SHA1(password)). caching_sha2_password stores
 * "$pbkdf2-sha256$iterations$salt$hash", both in hexadecimal: to check a password against it takes milliseconds, so
 * that a cache keeps SHA256(SHA256(password)) of those who logged in, with which the next login takes one exchange. */

#include "base/status.h"
#include "base/thread.h"
#include "meta/access.h"

enum { PASSWORD_NONCE_BYTES = 20, PASSWORD_STORED_BYTES = 160 };

typedef struct PasswordCache PasswordCache;
PasswordCache *password_cache_new(void);
void password_cache_free(PasswordCache *cache);

/* The stored form; empty for an empty password. */
void password_store(AuthPlugin plugin, StrView password, char out_text[PASSWORD_STORED_BYTES]);
/* Is the text a stored form of the plugin? */
bool password_is_stored(AuthPlugin plugin, StrView text);
/* The answer of mysql_native_password to the nonce. */
bool password_answers_native(StrView answer, const uint8_t nonce[PASSWORD_NONCE_BYTES], StrView stored);
/* The answer of caching_sha2_password's first exchange: false as well when the cache does not know the user. */
bool password_answers_cached(PasswordCache *cache, StrView answer, const uint8_t nonce[PASSWORD_NONCE_BYTES], StrView stored);
/* The password itself, which came over TLS, encrypted, or with HTTP; the cache learns it. Slow the first time. */
bool password_is(PasswordCache *cache, AuthPlugin plugin, StrView password, StrView stored);
