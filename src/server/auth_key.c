#include "server/auth_key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

enum { KEY_BITS = 2048 };

struct AuthKey {
    Mutex lock;
    EVP_PKEY *pair; /* NULL: not made yet; then never changed */
};

AuthKey *auth_key_new(void)
{
    AuthKey *key = mem_alloc_zero(sizeof(*key));
    mutex_init(&key->lock);
    return key;
}

void auth_key_free(AuthKey *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pair);
    mutex_deinit(&key->lock);
    mem_free(key);
}

static EVP_PKEY *pair_of(AuthKey *key)
{
    LOCK_GUARD(&key->lock);
    if (key->pair == NULL)
        key->pair = EVP_RSA_gen(KEY_BITS);
    return key->pair;
}

Status auth_key_public(AuthKey *key, Diag *diag, ByteBuf *out_pem)
{
    EVP_PKEY *pair = pair_of(key);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long length = 0;
    bool is_written = pair != NULL && bio != NULL && PEM_write_bio_PUBKEY(bio, pair) == 1;
    if (is_written)
        length = BIO_get_mem_data(bio, &text);
    if (length > 0)
        bytebuf_append(out_pem, text, (size_t)length);
    BIO_free(bio);
    return length > 0 ? OK : RAISE(diag, INTERNAL, "could not make an RSA key");
}

static bool decrypt(EVP_PKEY_CTX *context, StrView cipher, ByteBuf *out_plain)
{
    uint8_t plain[KEY_BITS / 8];
    size_t length = sizeof(plain);
    if (EVP_PKEY_decrypt_init(context) != 1 || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_decrypt(context, plain, &length, (const uint8_t *)cipher.data, cipher.length) != 1)
        return false;
    bytebuf_append(out_plain, plain, length);
    OPENSSL_cleanse(plain, sizeof(plain));
    return true;
}

bool auth_key_decrypt(AuthKey *key, StrView cipher, ByteBuf *out_plain)
{
    EVP_PKEY *pair = pair_of(key);
    if (pair == NULL || cipher.length != KEY_BITS / 8)
        return false;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
    bool ok = context != NULL && decrypt(context, cipher, out_plain);
    EVP_PKEY_CTX_free(context);
    return ok;
}
