#pragma once
/* Malformed input against a running server. Each case is sent, its answer is checked, and a session beside it must
 * go on to be answered. */

#include "malformed/raw_client.h"
#include "recovery/peer.h"
#include "sql_runner/server_process.h"

typedef struct Trial {
    ServerProcess server;
    MYSQL *control; /* asks SELECT 1 after each case */
    MYSQL *client;  /* for statements; connected when needed */
    uint64_t random;
    uint64_t seed;
    uint32_t passed, failed;
    uint32_t refused; /* cases that were answered with an error */
} Trial;

/* Counts a case; what is wrong with it, or NULL. */
void trial_case(Trial *trial, const char *group, uint32_t number, const char *problem, StrView input);
uint32_t trial_below(Trial *trial, uint32_t limit);
/* Changes bytes as transmission or a hostile client would: bits, numbers, pieces cut out, doubled or exchanged. */
void mutate_bytes(Trial *trial, StrView bytes, ByteBuf *out);

/* Runs statements on trial->client, which it connects; what is wrong with the answer, or NULL. */
const char *statement_run(Trial *trial, StrView sql);
void statement_close(Trial *trial);

void packet_cases(Trial *trial, uint32_t count);
void statement_cases(Trial *trial, uint32_t count);
void http_cases(Trial *trial, uint32_t count);
void body_cases(Trial *trial, uint32_t count, bool is_json);
void limit_cases(Trial *trial, bool is_slow);
