#pragma once
/* Statements as logs and lists show them: without the values of keys. */

#include "base/arena.h"
#include "base/bytes.h"

/* What stands for a key where a definition is shown; logs have three stars. */
#define REDACTED_DEFINITION "******"

/* "aws.s3.secret_key" = "***" and the like; a text without such properties comes back as it is. */
StrView redact_keys(StrView sql, Arena *arena);
StrView redact_definition(StrView sql, Arena *arena); /* with REDACTED_DEFINITION */
void redact_append(StrView sql, const char *stars, ByteBuf *out);
