#pragma once
/* Bytes to a port and back, as no client library would send them; and a relay that keeps what a real one sends. */

#include <pthread.h>

#include "base/bytes.h"
#include "base/memory.h"

typedef enum RawEnding {
    RAW_WAIT,       /* read until nothing comes any more, then close */
    RAW_HALF_CLOSE, /* say that nothing more is sent; the server has to end the connection */
    RAW_CLOSE,      /* close at once, with answers unread */
    RAW_RESET,      /* the same with a reset */
    RAW_ENDINGS
} RawEnding;

typedef struct RawRequest {
    StrView bytes;
    RawEnding ending;
    bool bytewise;   /* a write a byte */
    bool is_greeted; /* the server speaks first, and has time for it */
} RawRequest;

/* False: the server did not take the connection, or did not end it after RAW_HALF_CLOSE. */
bool raw_exchange(int port, const RawRequest *request, ByteBuf *out_reply);

/* Takes one connection, passes bytes both ways and keeps those of the client. */
typedef struct Relay {
    int listener, port, server_port;
    ByteBuf sent;
    pthread_t thread;
} Relay;
bool relay_open(Relay *relay, int server_port);
void relay_finish(Relay *relay); /* the client has closed */

/* Random numbers that a seed repeats. */
uint32_t random_below(uint64_t *state, uint32_t limit);
