#include "cluster/frontends_int.h"

/* The journaled half: module "frontend" has a JSON object a node under its name (under "host:port" before it joined),
 * "frontend_dropped" an empty one under "host:port", "leader" the name of the leader under "name". */

#include <jansson.h>
#include <stdio.h>

#include "base/format_level.h"
#include "meta/records.h"

enum { FORGOTTEN_US = 300 * 1000000, INTRODUCTION_US = 10 * 1000000 };

static const char frontend_module[] = "frontend";
static const char dropped_module[] = "frontend_dropped";
static const char leader_module[] = "leader";
static const char leader_key[] = "name";

static void copy_text(const json_t *object, const char *key, char out[FRONTEND_TEXT_BYTES])
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, FRONTEND_TEXT_BYTES, "%s", text == NULL ? "" : text);
}

static uint32_t port_of(const json_t *object, const char *key)
{
    json_int_t port = json_integer_value(json_object_get(object, key));
    return port < 0 || port > UINT16_MAX ? 0 : (uint32_t)port;
}

static int append_json(const char *text, size_t length, void *out)
{
    bytebuf_append(out, text, length);
    return 0;
}

void frontend_print(const FrontendInfo *info, FrontendPosition position, ByteBuf *out)
{
    json_t *object =
        json_pack("{s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:i, s:i, s:I, s:I, s:I}", "name", info->name, "host", info->host, "edit_log_port",
                  (int)info->edit_log_port, "query_port", (int)info->query_port, "http_port", (int)info->http_port, "role",
                  info->is_observer ? "OBSERVER" : "FOLLOWER", "version", info->version, "format_level", (int)info->format_level, "number",
                  (int)info->number, "started_us", (json_int_t)info->started_us, "replayed", (json_int_t)position.replayed, "held",
                  (json_int_t)position.oldest_held);
    if (info->is_assigned)
        json_object_set_new(object, "assigned", json_true());
    CHECK(object != NULL && json_dump_callback(object, append_json, out, JSON_COMPACT) == 0); /* all texts are UTF-8 */
    json_decref(object);
}

bool frontend_parse(StrView text, FrontendInfo *out_info, FrontendPosition *out_position)
{
    json_t *object = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    bool is_good = json_is_object(object);
    if (is_good) {
        *out_info = (FrontendInfo){.edit_log_port = port_of(object, "edit_log_port"), .query_port = port_of(object, "query_port"),
                                   .http_port = port_of(object, "http_port"),
                                   .started_us = json_integer_value(json_object_get(object, "started_us"))};
        json_int_t level = json_integer_value(json_object_get(object, "format_level"));
        out_info->format_level = level < 0 ? 0 : (uint32_t)level;
        json_int_t number = json_integer_value(json_object_get(object, "number"));
        out_info->number = number < 0 || number > FRONTENDS_MAX ? 0 : (uint32_t)number;
        copy_text(object, "name", out_info->name);
        copy_text(object, "host", out_info->host);
        copy_text(object, "version", out_info->version);
        const char *role = json_string_value(json_object_get(object, "role"));
        out_info->is_observer = role != NULL && strcmp(role, "OBSERVER") == 0;
        out_info->is_assigned = json_is_true(json_object_get(object, "assigned"));
        *out_position = (FrontendPosition){(uint64_t)json_integer_value(json_object_get(object, "replayed")),
                                           (uint64_t)json_integer_value(json_object_get(object, "held"))};
        is_good = out_info->host[0] != '\0';
    }
    json_decref(object);
    return is_good;
}

bool frontend_leader_record(const CatalogSnapshot *catalog, char out_name[FRONTEND_TEXT_BYTES])
{
    StrView name = catalog_record(catalog, leader_module, strview(leader_key));
    snprintf(out_name, FRONTEND_TEXT_BYTES, "%.*s", SV_ARGS(name));
    return name.length > 0;
}

bool frontend_record(const CatalogSnapshot *catalog, const char *name, FrontendInfo *out_info)
{
    FrontendPosition unused;
    StrView text = catalog_record(catalog, frontend_module, strview(name));
    return text.data != NULL && frontend_parse(text, out_info, &unused);
}

typedef struct RoleSearch {
    const FrontendInfo *info;
    bool is_observer;
} RoleSearch;

/* The node itself, one that was awaited at its address, or the one that it replaces there. */
static void find_role(void *context, StrView key, StrView value)
{
    RoleSearch *search = context;
    const FrontendInfo *info = search->info;
    FrontendInfo other;
    FrontendPosition unused;
    if (!frontend_parse(value, &other, &unused))
        return;
    bool is_same_host = strcmp(other.host, info->host) == 0 && other.edit_log_port == info->edit_log_port;
    bool is_awaited = is_same_host && other.name[0] == '\0' && other.is_observer;
    bool is_itself = strview_is(key, info->name) || is_same_host;
    search->is_observer |= is_awaited || (is_itself && other.is_assigned);
}

static bool is_assigned_observer(const CatalogSnapshot *catalog, const FrontendInfo *info)
{
    RoleSearch search = {.info = info};
    catalog_each_record(catalog, frontend_module, find_role, &search);
    return search.is_observer;
}

bool frontend_is_observer(Frontends *frontends)
{
    if (frontends->self.is_observer)
        return true;
    CatalogSnapshot *catalog = meta_snapshot(frontends->options.store);
    bool is_observer = is_assigned_observer(catalog, &frontends->self);
    catalog_unref(catalog);
    return is_observer;
}

bool frontends_has_others(Frontends *frontends, const CatalogSnapshot *catalog)
{
    if (catalog_record_count(catalog, frontend_module) > 1)
        return true;
    LOCK_GUARD(&frontends->lock);
    return frontends->heartbeat_count > 0;
}

uint64_t frontends_oldest_read(Frontends *frontends)
{
    uint64_t oldest = UINT64_MAX;
    int64_t now_us = env_monotonic_us(frontends->options.environment);
    CatalogSnapshot *catalog = meta_snapshot(frontends->options.store);
    bool is_alone = catalog_record_count(catalog, frontend_module) <= 1;
    catalog_unref(catalog);
    LOCK_GUARD(&frontends->lock);
    if (!is_alone && now_us - frontends->leads_since_us < INTRODUCTION_US)
        return 0; /* a new leader has not heard of all yet */
    for (uint32_t i = 0; i < frontends->heartbeat_count; i++) {
        const Heartbeat *beat = &frontends->heartbeats[i];
        if (now_us - beat->monotonic_us < FORGOTTEN_US)
            oldest = MIN(oldest, beat->oldest_held);
    }
    return oldest;
}

static void address_key(char out[FRONTEND_TEXT_BYTES + 8], const char *host, uint32_t port)
{
    snprintf(out, FRONTEND_TEXT_BYTES + 8, "%s:%u", host, port);
}

/* ---- registering ---- */

typedef struct Registration {
    const FrontendInfo *info;
    FrontendInfo numbered;
    bool is_taken[FRONTENDS_MAX + 1];
    bool leads;
    Change *change;
} Registration;

/* Whoever else claims the address is gone: a node that lost its disk comes back under a new name. */
static void drop_same_address(void *context, StrView key, StrView value)
{
    const Registration *registration = context;
    const FrontendInfo *info = registration->info;
    FrontendInfo other;
    FrontendPosition unused;
    if (strview_is(key, info->name) || !frontend_parse(value, &other, &unused) || strcmp(other.host, info->host) != 0)
        return;
    bool was_awaited = other.name[0] == '\0' && other.edit_log_port == info->edit_log_port;
    if (was_awaited || (other.query_port == info->query_port && other.name[0] != '\0'))
        change_drop_record(registration->change, frontend_module, key);
}

static void note_number(void *context, StrView key, StrView value)
{
    Registration *registration = context;
    FrontendInfo other;
    FrontendPosition unused;
    if (frontend_parse(value, &other, &unused) && !strview_is(key, registration->info->name))
        registration->is_taken[other.number] = true;
}

/* The number that the node has already, or the least that is free; none when all are taken. */
static void number_node(Registration *registration, const CatalogSnapshot *catalog)
{
    FrontendInfo known;
    registration->numbered = *registration->info;
    memset(registration->is_taken, 0, sizeof(registration->is_taken));
    catalog_each_record(catalog, frontend_module, note_number, registration);
    uint32_t number = frontend_record(catalog, registration->info->name, &known) ? known.number : 0;
    if (number == 0 || registration->is_taken[number]) {
        for (number = 1; number <= FRONTENDS_MAX && registration->is_taken[number]; number++) {
        }
    }
    registration->numbered.number = number <= FRONTENDS_MAX ? number : 0;
}

static Status build_registration(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Registration *registration = context;
    const FrontendInfo *info = registration->info;
    char key[FRONTEND_TEXT_BYTES + 8];
    AUTO_BYTEBUF text = {0};
    registration->change = change;
    address_key(key, info->host, info->edit_log_port);
    if (catalog_record(catalog, dropped_module, strview(key)).data != NULL)
        return RAISE(diag, ACCESS_DENIED, "frontend %s was dropped from the cluster", key);
    if (registration->leads && catalog_record_count(catalog, frontend_module) == 0 && catalog_record_count(catalog, leader_module) == 0)
        change_put_format_level(change, format_level_supported()); /* a new cluster: no older binary has seen it */
    number_node(registration, catalog);
    registration->numbered.is_assigned = is_assigned_observer(catalog, info);
    registration->numbered.is_observer |= registration->numbered.is_assigned;
    frontend_print(&registration->numbered, (FrontendPosition){0}, &text);
    if (!strview_equal(catalog_record(catalog, frontend_module, strview(info->name)), bytebuf_view(&text))) {
        change_put_record(change, frontend_module, strview(info->name), bytebuf_view(&text));
        catalog_each_record(catalog, frontend_module, drop_same_address, registration);
    }
    if (registration->leads && !strview_is(catalog_record(catalog, leader_module, strview(leader_key)), info->name))
        change_put_record(change, leader_module, strview(leader_key), strview(info->name));
    return OK;
}

Status frontend_register(Frontends *frontends, const FrontendInfo *info, bool leads, Diag *diag)
{
    Registration registration = {.info = info, .leads = leads};
    return meta_commit(frontends->options.store, build_registration, &registration, diag);
}

/* ---- ALTER SYSTEM ---- */

typedef struct Alteration {
    const char *host;
    uint32_t port;
    bool is_observer;
    bool is_known;
    char leader[FRONTEND_TEXT_BYTES];
    char found[FRONTEND_TEXT_BYTES + 8]; /* key of the record with the address */
} Alteration;

static void find_address(void *context, StrView key, StrView value)
{
    Alteration *alteration = context;
    FrontendInfo info;
    FrontendPosition unused;
    if (!frontend_parse(value, &info, &unused) || strcmp(info.host, alteration->host) != 0 || info.edit_log_port != alteration->port)
        return;
    alteration->is_known = true;
    snprintf(alteration->found, sizeof(alteration->found), "%.*s", SV_ARGS(key));
}

void change_await_frontend(Change *change, const char *host, uint32_t edit_log_port, bool is_observer)
{
    char key[FRONTEND_TEXT_BYTES + 8];
    AUTO_BYTEBUF text = {0};
    FrontendInfo info = {.edit_log_port = edit_log_port, .is_observer = is_observer};
    address_key(key, host, edit_log_port);
    snprintf(info.host, sizeof(info.host), "%s", host);
    frontend_print(&info, (FrontendPosition){0}, &text);
    change_put_record(change, frontend_module, strview(key), bytebuf_view(&text));
    change_drop_record(change, dropped_module, strview(key));
}

static Status build_addition(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Alteration *alteration = context;
    char key[FRONTEND_TEXT_BYTES + 8];
    address_key(key, alteration->host, alteration->port);
    catalog_each_record(catalog, frontend_module, find_address, alteration);
    if (alteration->is_known)
        return RAISE(diag, ANALYSIS, "frontend already exists: %s", key);
    change_await_frontend(change, alteration->host, alteration->port, alteration->is_observer);
    return OK;
}

static Status build_removal(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Alteration *alteration = context;
    FrontendInfo info;
    char key[FRONTEND_TEXT_BYTES + 8];
    address_key(key, alteration->host, alteration->port);
    catalog_each_record(catalog, frontend_module, find_address, alteration);
    if (!alteration->is_known)
        return RAISE(diag, ANALYSIS, "frontend does not exist: %s", key);
    if (frontend_record(catalog, alteration->found, &info) && info.is_observer != alteration->is_observer)
        return RAISE(diag, ANALYSIS, "%s does not exist: %s", alteration->is_observer ? "observer" : "follower", key);
    if (frontend_leader_record(catalog, alteration->leader) && strcmp(alteration->leader, alteration->found) == 0)
        return RAISE(diag, ANALYSIS, "can not drop current master node: %s", key);
    change_drop_record(change, frontend_module, strview(alteration->found));
    change_put_record(change, dropped_module, strview(key), STR_VIEW("{}"));
    return OK;
}

Status frontends_add(Frontends *frontends, const char *host, uint32_t edit_log_port, bool is_observer, Diag *diag)
{
    Alteration alteration = {.host = host, .port = edit_log_port, .is_observer = is_observer};
    return meta_commit(frontends->options.store, build_addition, &alteration, diag);
}

Status frontends_drop(Frontends *frontends, const char *host, uint32_t edit_log_port, bool is_observer, Diag *diag)
{
    Alteration alteration = {.host = host, .port = edit_log_port, .is_observer = is_observer};
    return meta_commit(frontends->options.store, build_removal, &alteration, diag);
}

/* ---- upgrades ---- */

typedef struct Finalizing {
    uint32_t wanted, now;
    const char *self;
    char behind[FRONTEND_TEXT_BYTES]; /* a node that can't read it */
} Finalizing;

static void find_behind(void *context, StrView key, StrView value)
{
    Finalizing *finalizing = context;
    FrontendInfo info;
    FrontendPosition unused;
    bool is_node = frontend_parse(value, &info, &unused) && info.name[0] != '\0'; /* others have not joined yet */
    if (is_node && info.format_level > finalizing->wanted) /* the leader itself is */
        snprintf(finalizing->behind, sizeof(finalizing->behind), "%s", finalizing->self);
    else if (is_node && info.format_level < finalizing->wanted)
        snprintf(finalizing->behind, sizeof(finalizing->behind), "%.*s", SV_ARGS(key));
}

static Status build_level(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Finalizing *finalizing = context;
    finalizing->behind[0] = '\0';
    finalizing->now = meta_format_level(catalog);
    catalog_each_record(catalog, frontend_module, find_behind, finalizing);
    if (finalizing->behind[0] != '\0')
        return RAISE(diag, ANALYSIS, "frontend %s runs an older version, which could not read what is written then: upgrade it, or drop it with ALTER SYSTEM",
                     finalizing->behind);
    if (finalizing->now < finalizing->wanted)
        change_put_format_level(change, finalizing->wanted);
    finalizing->now = MAX(finalizing->now, finalizing->wanted);
    return OK;
}

Status frontends_finalize(Frontends *frontends, Diag *diag, uint32_t *out_level)
{
    Finalizing finalizing = {.wanted = frontends->self.format_level, .self = frontends->self.name};
    TRY(meta_commit(frontends->options.store, build_level, &finalizing, diag));
    *out_level = finalizing.now;
    return OK;
}

/* ---- listing ---- */

typedef struct Listing {
    Frontends *frontends;
    Arena *arena;
    char leader[FRONTEND_TEXT_BYTES];
    uint64_t entry_id;
    FrontendState *items;
    uint32_t count, room;
} Listing;

enum { ALIVE_US = 3000000 };

static void add_heartbeat(const Listing *listing, FrontendState *state)
{
    Frontends *frontends = listing->frontends;
    const Environment *environment = frontends->options.environment;
    LOCK_GUARD(&frontends->lock);
    for (uint32_t i = 0; i < frontends->heartbeat_count; i++) {
        const Heartbeat *beat = &frontends->heartbeats[i];
        if (strcmp(beat->name, state->info.name) != 0)
            continue;
        state->is_alive = env_monotonic_us(environment) - beat->monotonic_us < ALIVE_US;
        state->replayed_entry = beat->replayed_entry;
        state->last_heartbeat_us = beat->wall_us;
    }
}

static void list_record(void *context, StrView key, StrView value)
{
    Listing *listing = context;
    FrontendPosition unused;
    if (listing->count == listing->room)
        return;
    FrontendState *state = &listing->items[listing->count++];
    *state = (FrontendState){0};
    if (!frontend_parse(value, &state->info, &unused)) {
        snprintf(state->error, sizeof(state->error), "its record can't be read");
        snprintf(state->info.name, sizeof(state->info.name), "%.*s", SV_ARGS(key));
        return;
    }
    state->has_joined = state->info.name[0] != '\0';
    if (!state->has_joined)
        snprintf(state->info.name, sizeof(state->info.name), "%.*s", SV_ARGS(key));
    state->is_leader = strcmp(listing->leader, state->info.name) == 0;
    add_heartbeat(listing, state);
    if (strcmp(state->info.name, listing->frontends->self.name) == 0) {
        state->is_alive = true;
        state->replayed_entry = listing->entry_id;
        state->last_heartbeat_us = env_wall_us(listing->frontends->options.environment);
    } else if (!state->is_alive) {
        snprintf(state->error, sizeof(state->error), state->has_joined ? "no heartbeat" : "has not joined yet");
    }
}

uint32_t frontends_list(Frontends *frontends, Arena *arena, FrontendState **out_states)
{
    CatalogSnapshot *catalog = meta_snapshot(frontends->options.store);
    Listing listing = {.frontends = frontends, .arena = arena, .entry_id = catalog->entry_id,
                       .room = catalog_record_count(catalog, frontend_module)};
    listing.items = ARENA_NEW_ARRAY(arena, FrontendState, MAX(listing.room, 1u));
    frontend_leader_record(catalog, listing.leader);
    catalog_each_record(catalog, frontend_module, list_record, &listing);
    catalog_unref(catalog);
    *out_states = listing.items;
    return listing.count;
}
