#pragma once
/* After a restart: is what was acknowledged there, once and whole, and nothing of what was refused? */

#include "recovery/workload.h"

typedef struct Verification {
    uint64_t checks;
    uint64_t failures;
    uint64_t unknown_present, unknown_absent; /* operations without an answer, and how they turned out */
} Verification;

/* Writes what is wrong to standard output. Operations whose fate was unknown are settled by it. */
void verify_writer(Writer *writer, MYSQL *mysql, Verification *verification);
