#pragma once
/* The RSA key with which a client without TLS sends a password that the server does not know yet (the full exchange of
 * caching_sha2_password). Made when it is first asked for, of this process alone. Any thread. */

#include "base/bytes.h"
#include "base/memory.h"
#include "base/thread.h"

typedef struct AuthKey AuthKey;

AuthKey *auth_key_new(void);
void auth_key_free(AuthKey *key);
/* The public key as PEM. */
Status auth_key_public(AuthKey *key, Diag *diag, ByteBuf *out_pem);
/* RSA-OAEP; false: nothing that this key could have been used for. */
bool auth_key_decrypt(AuthKey *key, StrView cipher, ByteBuf *out_plain);
