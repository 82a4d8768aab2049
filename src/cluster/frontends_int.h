#pragma once
/* Inside of the frontends: the thread (frontends.c) and the records (frontend_records.c). */

#include "base/thread.h"
#include "cluster/frontends.h"

/* What the leader heard of a node; not journaled. */
typedef struct Heartbeat {
    char name[FRONTEND_TEXT_BYTES];
    uint64_t replayed_entry, oldest_held;
    int64_t wall_us, monotonic_us;
} Heartbeat;

struct Frontends {
    FrontendsOptions options;
    FrontendInfo self;
    Thread thread;
    bool is_started;
    _Atomic bool stopping;
    _Atomic uint32_t number; /* as the records say; 0: they say nothing yet */
    _Atomic bool is_dropped; /* the leader says that this node is not wanted */
    Mutex lock;              /* guards the rest */
    Condition wake;
    int64_t leads_since_us;
    Heartbeat *heartbeats;
    uint32_t heartbeat_count, heartbeat_room;
    /* of the thread alone */
    uint64_t seen_epoch;
    int64_t last_answer_us, next_call_us, next_claim_us, next_watch_us, next_warning_us;
    uint32_t failed; /* calls in a row */
};

/* The leader's record; false: there is none. */
bool frontend_leader_record(const CatalogSnapshot *catalog, char out_name[FRONTEND_TEXT_BYTES]);
/* By its configuration, or because the cluster expects or knows it as one. */
bool frontend_is_observer(Frontends *frontends);
bool frontend_record(const CatalogSnapshot *catalog, const char *name, FrontendInfo *out_info);
/* A node as JSON text, and back; false: malformed. */
typedef struct FrontendPosition {
    uint64_t replayed, oldest_held; /* entries */
} FrontendPosition;
void frontend_print(const FrontendInfo *info, FrontendPosition position, ByteBuf *out);
bool frontend_parse(StrView text, FrontendInfo *out_info, FrontendPosition *out_position);
/* Journals that the node is there, if the records don't say so yet; leads: and that it leads. DROPPED nodes are refused
 * with ACCESS_DENIED. */
Status frontend_register(Frontends *frontends, const FrontendInfo *info, bool leads, Diag *diag);
