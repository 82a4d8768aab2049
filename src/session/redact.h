#pragma once
/* Statements as logs and lists show them: without the values of keys. */

#include "base/arena.h"
#include "base/bytes.h"

/* "aws.s3.secret_key" = "***" and the like; a text without such properties comes back as it is. */
StrView redact_keys(StrView sql, Arena *arena);
