#pragma once
/* The frontends of a cluster: who leads, who follows, who is alive.
 *
 * Nodes know each other by the volume alone. The leader keeps a record of every node (catalog records, module
 * "frontend") and of itself (module "leader"); followers read them in the journal that they follow, and call the leader
 * several times a second with what they have read. Who can't reach the leader for a second becomes a candidate:
 * it takes the lead with an epoch entry, unless another was faster. No clock is compared between nodes, and nothing
 * that is acknowledged depends on these calls; they only say when to try.
 *
 * How a node is called is an interface that the server fills in. Thread-safe. */

#include "meta/store.h"

typedef struct Frontends Frontends;

enum { FRONTEND_TEXT_BYTES = 256, FRONTENDS_MAX = 255 };

typedef struct FrontendInfo {
    char name[FRONTEND_TEXT_BYTES]; /* unique and kept over restarts */
    char host[FRONTEND_TEXT_BYTES];
    char version[FRONTEND_TEXT_BYTES];
    uint32_t edit_log_port, query_port, http_port;
    uint32_t format_level; /* that its binary supports */
    uint32_t number;       /* from 1, for connection ids; 0: it has none yet */
    bool is_observer; /* never leads */
    bool is_assigned; /* an observer by ALTER SYSTEM ADD OBSERVER, whatever its configuration says */
    int64_t started_us;
} FrontendInfo;

/* What the leader says of a node. */
typedef struct FrontendState {
    FrontendInfo info;
    bool is_leader, has_joined, is_alive;
    uint64_t replayed_entry;
    int64_t last_heartbeat_us; /* wall clock; 0: none yet */
    char error[FRONTEND_TEXT_BYTES];
} FrontendState;

typedef struct FrontendCalls {
    void *context;
    /* One call and its answer; NETWORK when nobody of this cluster answers in time. */
    Status (*call)(void *context, const char *host, uint32_t query_port, StrView request, int64_t timeout_us, ByteBuf *reply,
                   Diag *diag);
    void (*close)(void *context); /* drops the kept connection */
} FrontendCalls;

typedef struct FrontendsOptions {
    MetaStore *store;
    const Environment *environment;
    FrontendCalls calls;
    FrontendInfo self; /* ports may be 0 until frontends_start() */
} FrontendsOptions;

Frontends *frontends_open(const FrontendsOptions *options);
/* At the start, before ports are open: leads unless a node that leads answers. */
Status frontends_elect(Frontends *frontends, Diag *diag);
/* Begins to follow, to call, and to watch. */
Status frontends_start(Frontends *frontends, uint32_t query_port, uint32_t http_port, Diag *diag);
/* Stops the thread; the lead is given up. */
void frontends_stop(Frontends *frontends);
void frontends_close(Frontends *frontends);

/* The leader as far as is known; false: nobody leads. is_self: this node does. */
bool frontends_leader(Frontends *frontends, FrontendInfo *out_leader, bool *out_is_self);
/* A call of another node, on the node that was called. */
Status frontends_answer(Frontends *frontends, StrView request, ByteBuf *reply, Diag *diag);
/* Every node, in order of names; *out_states belongs to arena. */
uint32_t frontends_list(Frontends *frontends, Arena *arena, FrontendState **out_states);
/* The oldest entry whose state a statement on another node reads; UINT64_MAX: none that is known. A node that has not been
 * heard for five minutes counts no more. */
uint64_t frontends_oldest_read(Frontends *frontends);
/* Are there other nodes, as far as is known? They may see an append before the leader has heard that it succeeded. */
bool frontends_has_others(Frontends *frontends, const CatalogSnapshot *catalog);
/* This node's number; 0 until it is registered. */
uint32_t frontends_number(Frontends *frontends);
const FrontendInfo *frontends_self(const Frontends *frontends);
/* ADMIN FINALIZE UPGRADE: from now on what is written has the level of this binary. Refused while a node is known whose
 * binary could not read it. *out_level: as it is now. */
Status frontends_finalize(Frontends *frontends, Diag *diag, uint32_t *out_level);
/* A node that may join, and has not yet. */
void change_await_frontend(Change *change, const char *host, uint32_t edit_log_port, bool is_observer);
/* ALTER SYSTEM ADD | DROP FOLLOWER | OBSERVER "host:port". */
Status frontends_add(Frontends *frontends, const char *host, uint32_t edit_log_port, bool is_observer, Diag *diag);
Status frontends_drop(Frontends *frontends, const char *host, uint32_t edit_log_port, bool is_observer, Diag *diag);
