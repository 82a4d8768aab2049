#include "cluster/frontends_int.h"

/* One thread a node. Every tick it follows the journal; a follower calls the leader, and who leads sees to it that the
 * records say so. A candidate waits a random moment before it claims, so that of several one is usually alone. */

#include <jansson.h>
#include <stdio.h>

#include "base/log.h"

enum {
    TICK_US = 100000,
    WATCH_US = 1000000,       /* between a leader's looks for another's batch */
    CALL_US = 300000,         /* between calls */
    CALL_TIMEOUT_US = 700000, /* of one */
    SILENCE_US = 500000,      /* without an answer, and .. */
    FAILED_CALLS = 2,         /* .. calls that failed, until a node becomes a candidate */
    JITTER_US = 150000,
    CLAIM_PAUSE_US = 500000,  /* after a claim that failed */
    WARNING_US = 10000000,
};

static int64_t now_us(const Frontends *frontends)
{
    return env_monotonic_us(frontends->options.environment);
}

Frontends *frontends_open(const FrontendsOptions *options)
{
    Frontends *frontends = mem_alloc_zero(sizeof(*frontends));
    frontends->options = *options;
    frontends->self = options->self;
    frontends->seen_epoch = meta_epoch(options->store);
    mutex_init(&frontends->lock);
    condition_init(&frontends->wake);
    return frontends;
}

void frontends_close(Frontends *frontends)
{
    if (frontends == NULL)
        return;
    frontends_stop(frontends);
    mutex_deinit(&frontends->lock);
    condition_deinit(&frontends->wake);
    mem_free(frontends->heartbeats);
    mem_free(frontends);
}

const FrontendInfo *frontends_self(const Frontends *frontends)
{
    return &frontends->self;
}

bool frontends_leader(Frontends *frontends, FrontendInfo *out_leader, bool *out_is_self)
{
    char name[FRONTEND_TEXT_BYTES];
    CatalogSnapshot *catalog = meta_snapshot(frontends->options.store);
    bool is_known = frontend_leader_record(catalog, name) && frontend_record(catalog, name, out_leader);
    catalog_unref(catalog);
    *out_is_self = meta_is_leading(frontends->options.store);
    if (*out_is_self)
        *out_leader = frontends->self;
    else if (is_known && strcmp(out_leader->name, frontends->self.name) == 0)
        is_known = false; /* an earlier life of this node */
    return *out_is_self || is_known;
}

/* ---- calls ---- */

/* OK: the node there leads. */
static Status call_leader(Frontends *frontends, const FrontendInfo *leader, Diag *diag)
{
    AUTO_BYTEBUF request = {0};
    AUTO_BYTEBUF reply = {0};
    const FrontendCalls *calls = &frontends->options.calls;
    CatalogSnapshot *catalog = meta_snapshot(frontends->options.store);
    FrontendPosition position = {catalog->entry_id, 0};
    catalog_unref(catalog);
    position.oldest_held = meta_oldest_held(frontends->options.store);
    frontend_print(&frontends->self, position, &request);
    TRY(calls->call(calls->context, leader->host, leader->query_port, bytebuf_view(&request), CALL_TIMEOUT_US, &reply, diag));
    json_t *answer = json_loadb(reply.data, reply.length, 0, NULL);
    bool leads = json_is_true(json_object_get(answer, "leads"));
    atomic_store(&frontends->is_dropped, json_is_true(json_object_get(answer, "dropped")));
    json_decref(answer);
    return leads ? OK : RAISE(diag, RETRY, "the node at %s:%u does not lead", leader->host, leader->query_port);
}

static void note_heartbeat(Frontends *frontends, const FrontendInfo *info, FrontendPosition position)
{
    LOCK_GUARD(&frontends->lock);
    uint32_t at = 0;
    while (at < frontends->heartbeat_count && strcmp(frontends->heartbeats[at].name, info->name) != 0)
        at++;
    if (at == frontends->heartbeat_room) {
        frontends->heartbeat_room = frontends->heartbeat_room * 2 + 4;
        frontends->heartbeats = mem_realloc(frontends->heartbeats, frontends->heartbeat_room * sizeof(*frontends->heartbeats));
    }
    if (at == frontends->heartbeat_count)
        frontends->heartbeat_count++;
    Heartbeat *beat = &frontends->heartbeats[at];
    *beat = (Heartbeat){.replayed_entry = position.replayed, .oldest_held = position.oldest_held,
                         .wall_us = env_wall_us(frontends->options.environment), .monotonic_us = now_us(frontends)};
    memcpy(beat->name, info->name, sizeof(beat->name));
}

/* Only a node that is new, or was moved, costs an entry. */
static bool is_registered(Frontends *frontends, const FrontendInfo *info)
{
    FrontendInfo known;
    CatalogSnapshot *catalog = meta_snapshot(frontends->options.store);
    bool is_there = frontend_record(catalog, info->name, &known);
    catalog_unref(catalog);
    AUTO_BYTEBUF left = {0};
    AUTO_BYTEBUF right = {0};
    if (!is_there || known.number == 0)
        return false;
    FrontendInfo numbered = *info;
    numbered.number = known.number;
    numbered.is_assigned = known.is_assigned;
    numbered.is_observer |= known.is_assigned;
    frontend_print(&known, (FrontendPosition){0}, &left);
    frontend_print(&numbered, (FrontendPosition){0}, &right);
    return strview_equal(bytebuf_view(&left), bytebuf_view(&right));
}

Status frontends_answer(Frontends *frontends, StrView request, ByteBuf *reply, Diag *diag)
{
    FrontendInfo info;
    FrontendPosition position;
    bool is_dropped = false;
    if (!frontend_parse(request, &info, &position) || info.name[0] == '\0')
        return RAISE(diag, MALFORMED_PACKET, "the call of another node is malformed");
    bool leads = meta_is_leading(frontends->options.store);
    if (leads && info.query_port != 0 && !is_registered(frontends, &info)) {
        Diag refused = {0};
        is_dropped = frontend_register(frontends, &info, false, &refused) == ERR_ACCESS_DENIED;
    }
    if (leads && !is_dropped)
        note_heartbeat(frontends, &info, position);
    bytebuf_printf(reply, "{\"leads\":%s,\"dropped\":%s}", leads ? "true" : "false", is_dropped ? "true" : "false");
    return OK;
}

/* ---- the lead ---- */

static void warn(Frontends *frontends, const char *what, const Diag *diag)
{
    if (now_us(frontends) < frontends->next_warning_us)
        return;
    frontends->next_warning_us = now_us(frontends) + WARNING_US;
    LOG_WARN("cluster", "%s: %s", what, diag->message);
}

/* The records name this node as the leader. Ports are known once it has started. */
static void announce(Frontends *frontends)
{
    char name[FRONTEND_TEXT_BYTES];
    Diag diag = {0};
    CatalogSnapshot *catalog = meta_snapshot(frontends->options.store);
    bool is_named = frontend_leader_record(catalog, name) && strcmp(name, frontends->self.name) == 0;
    catalog_unref(catalog);
    if (is_named && is_registered(frontends, &frontends->self))
        return;
    if (frontend_register(frontends, &frontends->self, true, &diag) != OK)
        warn(frontends, "the cluster can't be told who leads", &diag);
}

static Status claim(Frontends *frontends, Diag *diag)
{
    Status status = meta_take_lead(frontends->options.store, diag);
    frontends->seen_epoch = meta_epoch(frontends->options.store);
    frontends->last_answer_us = now_us(frontends);
    frontends->failed = 0;
    mutex_lock(&frontends->lock);
    frontends->leads_since_us = now_us(frontends);
    mutex_unlock(&frontends->lock);
    if (status == OK)
        LOG_INFO("cluster", "%s leads in epoch %llu", frontends->self.name, (unsigned long long)frontends->seen_epoch);
    return status;
}

Status frontends_elect(Frontends *frontends, Diag *diag)
{
    FrontendInfo leader;
    bool is_self;
    Diag unheard = {0};
    if (frontends_leader(frontends, &leader, &is_self) && !is_self && call_leader(frontends, &leader, &unheard) == OK) {
        frontends->last_answer_us = now_us(frontends);
        LOG_INFO("cluster", "%s follows %s at %s:%u", frontends->self.name, leader.name, leader.host, leader.query_port);
        return OK;
    }
    if (frontend_is_observer(frontends))
        return OK;
    Diag trouble = {0};
    Status status = claim(frontends, &trouble);
    if (status == OK)
        return OK;
    if (error_info(status)->error_class == ERROR_CLASS_CORRUPT)
        return diag_raise(diag, status, "%s", trouble.message);
    LOG_WARN("cluster", "the lead can't be taken now: %s", trouble.message);
    return OK;
}

static void become_candidate(Frontends *frontends)
{
    Diag diag = {0};
    const Environment *environment = frontends->options.environment;
    if (atomic_load(&frontends->is_dropped) || now_us(frontends) < frontends->next_claim_us || frontend_is_observer(frontends))
        return;
    env_sleep_us(environment, (int64_t)(env_random(environment) % JITTER_US));
    if (meta_follow(frontends->options.store, &diag) != OK || meta_epoch(frontends->options.store) != frontends->seen_epoch)
        return; /* somebody was faster */
    if (claim(frontends, &diag) == OK) {
        announce(frontends);
        return;
    }
    frontends->next_claim_us = now_us(frontends) + CLAIM_PAUSE_US;
    warn(frontends, "the lead could not be taken", &diag);
}

static void follow_leader(Frontends *frontends)
{
    FrontendInfo leader;
    bool is_self;
    Diag diag = {0};
    if (meta_epoch(frontends->options.store) != frontends->seen_epoch) { /* a new leader gets its time */
        frontends->seen_epoch = meta_epoch(frontends->options.store);
        frontends->last_answer_us = now_us(frontends);
        frontends->failed = 0;
    }
    bool is_known = frontends_leader(frontends, &leader, &is_self);
    if (is_self)
        return;
    if (is_known && now_us(frontends) >= frontends->next_call_us) {
        Status status = call_leader(frontends, &leader, &diag);
        frontends->next_call_us = now_us(frontends) + CALL_US;
        frontends->failed = status == OK ? 0 : frontends->failed + 1;
        if (status == OK)
            frontends->last_answer_us = now_us(frontends);
    }
    bool is_silent = now_us(frontends) - frontends->last_answer_us > SILENCE_US;
    if (is_silent && (!is_known || frontends->failed >= FAILED_CALLS))
        become_candidate(frontends);
}

static void look_around(Frontends *frontends)
{
    Diag diag = {0};
    bool leads = meta_is_leading(frontends->options.store);
    if (leads && now_us(frontends) < frontends->next_watch_us)
        return;
    frontends->next_watch_us = now_us(frontends) + WATCH_US;
    if (meta_follow(frontends->options.store, &diag) != OK)
        warn(frontends, "the journal can't be followed", &diag);
}

static void learn_number(Frontends *frontends)
{
    FrontendInfo known;
    if (atomic_load(&frontends->number) != 0)
        return;
    CatalogSnapshot *catalog = meta_snapshot(frontends->options.store);
    if (frontend_record(catalog, frontends->self.name, &known))
        atomic_store(&frontends->number, known.number);
    catalog_unref(catalog);
}

uint32_t frontends_number(Frontends *frontends)
{
    return atomic_load(&frontends->number);
}

static void frontends_main(void *argument)
{
    Frontends *frontends = argument;
    while (!atomic_load(&frontends->stopping)) {
        look_around(frontends);
        learn_number(frontends);
        if (meta_is_leading(frontends->options.store))
            announce(frontends);
        else
            follow_leader(frontends);
        mutex_lock(&frontends->lock);
        if (!atomic_load(&frontends->stopping))
            (void)condition_wait_us(&frontends->wake, &frontends->lock, TICK_US);
        mutex_unlock(&frontends->lock);
    }
}

Status frontends_start(Frontends *frontends, uint32_t query_port, uint32_t http_port, Diag *diag)
{
    frontends->self.query_port = query_port;
    frontends->self.http_port = http_port;
    if (meta_is_leading(frontends->options.store))
        announce(frontends);
    learn_number(frontends);
    TRY(thread_start(&frontends->thread, "frontends", frontends_main, frontends, diag));
    frontends->is_started = true;
    return OK;
}

void frontends_stop(Frontends *frontends)
{
    if (!frontends->is_started)
        return;
    frontends->is_started = false;
    atomic_store(&frontends->stopping, true);
    mutex_lock(&frontends->lock);
    condition_broadcast(&frontends->wake);
    mutex_unlock(&frontends->lock);
    thread_join(&frontends->thread);
    if (frontends->options.calls.close != NULL)
        frontends->options.calls.close(frontends->options.calls.context);
}
