#include "session/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "types/number_text.h"

enum {
    NATIVE_TEXT_BYTES = 1 + 2 * SHA_DIGEST_LENGTH,
    SALT_BYTES = 16,
    ITERATIONS = 10000,
    MAX_ITERATIONS = 10000000,
    CACHE_SLOTS = 1024,
};
static const char sha2_prefix[] = "$pbkdf2-sha256$";

/* ---- the cache: a slot a hash of the stored form; a collision costs one slow login ---- */

typedef struct CacheSlot {
    uint8_t stored[SHA256_DIGEST_LENGTH]; /* SHA256 of the stored form, which has a salt of its own */
    uint8_t twice[SHA256_DIGEST_LENGTH];  /* SHA256(SHA256(password)) */
    bool is_used;
} CacheSlot;

struct PasswordCache {
    Mutex lock;
    CacheSlot slots[CACHE_SLOTS];
};

PasswordCache *password_cache_new(void)
{
    PasswordCache *cache = mem_alloc_zero(sizeof(*cache));
    mutex_init(&cache->lock);
    return cache;
}

void password_cache_free(PasswordCache *cache)
{
    if (cache == NULL)
        return;
    mutex_deinit(&cache->lock);
    OPENSSL_cleanse(cache->slots, sizeof(cache->slots));
    mem_free(cache);
}

static CacheSlot *slot_of(PasswordCache *cache, StrView stored, uint8_t out_key[SHA256_DIGEST_LENGTH])
{
    SHA256((const uint8_t *)stored.data, stored.length, out_key);
    return &cache->slots[load_u32(out_key) % CACHE_SLOTS];
}

static bool cache_get(PasswordCache *cache, StrView stored, uint8_t out_twice[SHA256_DIGEST_LENGTH])
{
    uint8_t key[SHA256_DIGEST_LENGTH];
    LOCK_GUARD(&cache->lock);
    const CacheSlot *slot = slot_of(cache, stored, key);
    if (!slot->is_used || memcmp(slot->stored, key, sizeof(key)) != 0)
        return false;
    memcpy(out_twice, slot->twice, SHA256_DIGEST_LENGTH);
    return true;
}

static void cache_put(PasswordCache *cache, StrView stored, const uint8_t twice[SHA256_DIGEST_LENGTH])
{
    uint8_t key[SHA256_DIGEST_LENGTH];
    LOCK_GUARD(&cache->lock);
    CacheSlot *slot = slot_of(cache, stored, key);
    memcpy(slot->stored, key, sizeof(key));
    memcpy(slot->twice, twice, SHA256_DIGEST_LENGTH);
    slot->is_used = true;
}

/* ---- stored forms ---- */

static void print_hex(const uint8_t *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(StrView text, size_t count, uint8_t *out)
{
    if (text.length != 2 * count)
        return false;
    for (size_t i = 0; i < count; i++) {
        int high = digit_of(text.data[2 * i]), low = digit_of(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool parse_native(StrView text, uint8_t out[SHA_DIGEST_LENGTH])
{
    return text.length == NATIVE_TEXT_BYTES && text.data[0] == '*' &&
           parse_hex(strview_n(text.data + 1, text.length - 1), SHA_DIGEST_LENGTH, out);
}

typedef struct Sha2Form {
    int iterations;
    uint8_t salt[SALT_BYTES];
    uint8_t hash[SHA256_DIGEST_LENGTH];
} Sha2Form;

/* Cuts off what stands before the next $. */
static StrView next_part(StrView *in_out_text)
{
    size_t at = strview_find(*in_out_text, STR_VIEW("$"));
    StrView part = at == SIZE_MAX ? *in_out_text : strview_n(in_out_text->data, at);
    size_t skipped = at == SIZE_MAX ? in_out_text->length : at + 1;
    *in_out_text = strview_n(in_out_text->data + skipped, in_out_text->length - skipped);
    return part;
}

static bool parse_sha2(StrView text, Sha2Form *out)
{
    int64_t iterations;
    if (!strview_starts_with(text, strview(sha2_prefix)))
        return false;
    text = strview_n(text.data + sizeof(sha2_prefix) - 1, text.length - sizeof(sha2_prefix) + 1);
    if (!int64_parse(next_part(&text), &iterations) || iterations < 1 || iterations > MAX_ITERATIONS)
        return false;
    out->iterations = (int)iterations;
    return parse_hex(next_part(&text), SALT_BYTES, out->salt) && parse_hex(text, SHA256_DIGEST_LENGTH, out->hash);
}

bool password_is_stored(AuthPlugin plugin, StrView text)
{
    uint8_t native[SHA_DIGEST_LENGTH];
    Sha2Form sha2;
    return plugin == AUTH_NATIVE ? parse_native(text, native) : parse_sha2(text, &sha2);
}

static void derive(StrView password, const uint8_t salt[SALT_BYTES], int iterations, uint8_t out[SHA256_DIGEST_LENGTH])
{
    CHECK(PKCS5_PBKDF2_HMAC(password.data, (int)password.length, salt, SALT_BYTES, iterations, EVP_sha256(), SHA256_DIGEST_LENGTH, out) == 1);
}

static void hash_twice_sha1(StrView password, uint8_t out[SHA_DIGEST_LENGTH])
{
    uint8_t once[SHA_DIGEST_LENGTH];
    SHA1((const uint8_t *)password.data, password.length, once);
    SHA1(once, sizeof(once), out);
    OPENSSL_cleanse(once, sizeof(once));
}

static void hash_twice_sha256(StrView password, uint8_t out[SHA256_DIGEST_LENGTH])
{
    uint8_t once[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)password.data, password.length, once);
    SHA256(once, sizeof(once), out);
    OPENSSL_cleanse(once, sizeof(once));
}

void password_store(AuthPlugin plugin, StrView password, char out_text[PASSWORD_STORED_BYTES])
{
    uint8_t native[SHA_DIGEST_LENGTH], salt[SALT_BYTES], hash[SHA256_DIGEST_LENGTH];
    out_text[0] = '\0';
    if (password.length == 0)
        return;
    if (plugin == AUTH_NATIVE) {
        hash_twice_sha1(password, native);
        out_text[0] = '*';
        print_hex(native, sizeof(native), out_text + 1);
        return;
    }
    char salt_text[2 * SALT_BYTES + 1], hash_text[2 * SHA256_DIGEST_LENGTH + 1];
    CHECK(RAND_bytes(salt, sizeof(salt)) == 1);
    derive(password, salt, ITERATIONS, hash);
    print_hex(salt, sizeof(salt), salt_text);
    print_hex(hash, sizeof(hash), hash_text);
    snprintf(out_text, PASSWORD_STORED_BYTES, "%s%d$%s$%s", sha2_prefix, ITERATIONS, salt_text, hash_text);
}

/* ---- answers ---- */

bool password_answers_native(StrView answer, const uint8_t nonce[PASSWORD_NONCE_BYTES], StrView stored)
{
    uint8_t hash[SHA_DIGEST_LENGTH], salted[SHA_DIGEST_LENGTH], check[SHA_DIGEST_LENGTH];
    uint8_t input[PASSWORD_NONCE_BYTES + SHA_DIGEST_LENGTH];
    if (stored.length == 0)
        return answer.length == 0;
    if (answer.length != SHA_DIGEST_LENGTH || !parse_native(stored, hash))
        return false;
    memcpy(input, nonce, PASSWORD_NONCE_BYTES);
    memcpy(input + PASSWORD_NONCE_BYTES, hash, SHA_DIGEST_LENGTH);
    SHA1(input, sizeof(input), salted);
    for (int i = 0; i < SHA_DIGEST_LENGTH; i++)
        salted[i] ^= (uint8_t)answer.data[i];
    SHA1(salted, sizeof(salted), check);
    return CRYPTO_memcmp(check, hash, SHA_DIGEST_LENGTH) == 0;
}

bool password_answers_cached(PasswordCache *cache, StrView answer, const uint8_t nonce[PASSWORD_NONCE_BYTES], StrView stored)
{
    uint8_t twice[SHA256_DIGEST_LENGTH], salted[SHA256_DIGEST_LENGTH], check[SHA256_DIGEST_LENGTH];
    uint8_t input[SHA256_DIGEST_LENGTH + PASSWORD_NONCE_BYTES];
    if (answer.length != SHA256_DIGEST_LENGTH || !cache_get(cache, stored, twice))
        return false;
    memcpy(input, twice, SHA256_DIGEST_LENGTH);
    memcpy(input + SHA256_DIGEST_LENGTH, nonce, PASSWORD_NONCE_BYTES);
    SHA256(input, sizeof(input), salted);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
        salted[i] ^= (uint8_t)answer.data[i];
    SHA256(salted, sizeof(salted), check);
    return CRYPTO_memcmp(check, twice, SHA256_DIGEST_LENGTH) == 0;
}

static bool is_native(StrView password, StrView stored)
{
    uint8_t hash[SHA_DIGEST_LENGTH], given[SHA_DIGEST_LENGTH];
    hash_twice_sha1(password, given);
    return parse_native(stored, hash) && CRYPTO_memcmp(given, hash, SHA_DIGEST_LENGTH) == 0;
}

static bool is_sha2(PasswordCache *cache, StrView password, StrView stored)
{
    uint8_t given[SHA256_DIGEST_LENGTH], known[SHA256_DIGEST_LENGTH], derived[SHA256_DIGEST_LENGTH];
    Sha2Form form;
    hash_twice_sha256(password, given);
    if (cache_get(cache, stored, known) && CRYPTO_memcmp(given, known, sizeof(known)) == 0)
        return true;
    if (!parse_sha2(stored, &form))
        return false;
    derive(password, form.salt, form.iterations, derived);
    if (CRYPTO_memcmp(derived, form.hash, sizeof(derived)) != 0)
        return false;
    cache_put(cache, stored, given);
    return true;
}

bool password_is(PasswordCache *cache, AuthPlugin plugin, StrView password, StrView stored)
{
    if (stored.length == 0)
        return password.length == 0;
    return plugin == AUTH_NATIVE ? is_native(password, stored) : is_sha2(cache, password, stored);
}
