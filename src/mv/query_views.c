#include "mv/query_views.h"

/* The cache is in the order of the catalog's records, so that it is brought up to date by one walk over both; while the
 * records are the same set as last time there is nothing to do. Forms are made when a query first reads all tables of
 * a view. */

#include "base/environment.h"
#include "base/hash.h"
#include "base/thread.h"
#include "mv/decide.h"
#include "mv/engine.h"
#include "mv/fresh_cache.h"
#include "types/number_text.h"

typedef struct FormEntry {
    uint32_t references; /* guarded by the cache's lock, as all that changes */
    Arena arena;
    uint64_t view_id;
    uint64_t record_hash;
    MvDefinition definition;
    const char *refusal; /* why no query uses the view; NULL: some may */
    uint64_t *tables;    /* that it reads, sorted */
    uint32_t table_count;
    uint64_t signature;  /* of their columns and its own, when the form was made; 0: it was not */
    ViewForm *form;
    uint32_t *ordinals;
    const char *problem; /* of the definition; NULL: none */
    uint64_t fresh_at;   /* entry id at which it was found to be fresh in whole; 0: never */
    MvFreshNodes fresh;  /* and with which nodes, where that does not depend on the time */
} FormEntry;

struct MvForms {
    Mutex lock;
    RecordSet *seen; /* that the entries are of */
    FormEntry **entries; /* in the order of the records' keys */
    uint32_t count;
};

MvForms *mv_forms_open(void)
{
    MvForms *forms = mem_alloc_zero(sizeof(*forms));
    mutex_init(&forms->lock);
    return forms;
}

static void entry_unref(FormEntry *entry)
{
    if (--entry->references > 0)
        return;
    mv_nodes_release(&entry->fresh);
    arena_deinit(&entry->arena);
    mem_free(entry);
}

void mv_forms_close(MvForms *forms)
{
    if (forms == NULL)
        return;
    for (uint32_t i = 0; i < forms->count; i++)
        entry_unref(forms->entries[i]);
    mem_free(forms->entries);
    record_set_unref(forms->seen);
    mutex_deinit(&forms->lock);
    mem_free(forms);
}

/* ---- what the records say ---- */

static const char *refusal_of(const MvDefinition *definition)
{
    StrView enabled = mv_property(definition, "enable_query_rewrite");
    if (!definition->is_active)
        return "MV is inactive";
    if (strview_equal_ci(enabled, STR_VIEW("false")))
        return "query rewrite is disabled";
    if (strview_equal_ci(mv_property(definition, "query_rewrite_consistency"), STR_VIEW("disable")))
        return "query_rewrite_consistency of the view is disable";
    return NULL;
}

static void add_table(FormEntry *entry, uint64_t id)
{
    uint32_t at = 0;
    while (at < entry->table_count && entry->tables[at] < id)
        at++;
    if (at < entry->table_count && entry->tables[at] == id)
        return;
    memmove(&entry->tables[at + 1], &entry->tables[at], (entry->table_count - at) * sizeof(uint64_t));
    entry->tables[at] = id;
    entry->table_count++;
}

static FormEntry *entry_new(const CatalogSnapshot *snapshot, StrView key, uint64_t hash)
{
    FormEntry *entry = mem_alloc_zero(sizeof(*entry));
    entry->references = 1;
    arena_init(&entry->arena, NULL);
    entry->record_hash = hash;
    int64_t id;
    if (!int64_parse(key, &id) || !mv_find(snapshot, (uint64_t)id, &entry->arena, &entry->definition)) {
        entry->refusal = "the record of the view can't be read";
        return entry;
    }
    entry->view_id = (uint64_t)id;
    entry->refusal = refusal_of(&entry->definition);
    entry->tables = ARENA_NEW_ARRAY(&entry->arena, uint64_t, entry->definition.base_count + 1);
    for (uint32_t i = 0; i < entry->definition.base_count; i++) {
        if (entry->definition.bases[i].kind != MV_BASE_VIEW)
            add_table(entry, entry->definition.bases[i].id);
    }
    return entry;
}

typedef struct Sync {
    MvForms *forms;
    const CatalogSnapshot *snapshot;
    FormEntry **entries;
    uint32_t count;
} Sync;

static FormEntry *find_hash(const MvForms *forms, uint32_t near, uint64_t hash)
{
    for (uint32_t i = near > 1 ? near - 1 : 0; i < forms->count && i < near + 2; i++) {
        if (forms->entries[i] != NULL && forms->entries[i]->record_hash == hash)
            return forms->entries[i];
    }
    for (uint32_t i = 0; i < forms->count; i++) {
        if (forms->entries[i]->record_hash == hash)
            return forms->entries[i];
    }
    return NULL;
}

/* The key is in the hash: an entry is found by what it is made of. */
static void sync_record(void *context, StrView key, StrView value)
{
    Sync *sync = context;
    uint64_t hash = hash_combine(hash_bytes(key.data, key.length), hash_bytes(value.data, value.length));
    FormEntry *known = find_hash(sync->forms, sync->count, hash);
    if (known != NULL)
        known->references++;
    sync->entries[sync->count++] = known != NULL ? known : entry_new(sync->snapshot, key, hash);
}

/* Lock held. */
static void sync_entries(MvForms *forms, const CatalogSnapshot *snapshot)
{
    if (forms->seen == snapshot->records)
        return;
    Sync sync = {forms, snapshot, mem_alloc_zero((catalog_record_count(snapshot, "mv") + 1) * sizeof(FormEntry *)), 0};
    catalog_each_record(snapshot, "mv", sync_record, &sync);
    for (uint32_t i = 0; i < forms->count; i++)
        entry_unref(forms->entries[i]);
    mem_free(forms->entries);
    record_set_unref(forms->seen);
    forms->entries = sync.entries;
    forms->count = sync.count;
    forms->seen = record_set_ref(snapshot->records);
}

/* ---- forms ---- */

static uint64_t hash_table(const CatalogTable *table)
{
    uint64_t hash = hash_u64(table->id);
    for (uint32_t i = 0; i < table->schema->column_count; i++) {
        const TableColumn *c = &table->schema->columns[i];
        uint64_t type = (uint64_t)c->type.kind | (uint64_t)c->type.phys << 8 | (uint64_t)c->type.precision << 16 | (uint64_t)c->type.scale << 24 |
                        (uint64_t)c->is_nullable << 32;
        hash = hash_combine(hash, hash_combine(hash_u64(c->unique_id), hash_u64(type ^ (uint64_t)c->type.length << 33)));
        hash = hash_combine(hash, hash_bytes(c->name.data, c->name.length));
    }
    return hash;
}

/* 0: a table is missing. */
static uint64_t signature_of(const CatalogSnapshot *snapshot, const FormEntry *entry, const CatalogTable *own)
{
    uint64_t hash = hash_table(own);
    for (uint32_t i = 0; i < entry->table_count; i++) {
        const CatalogTable *table = catalog_table_by_id(snapshot, entry->tables[i]);
        if (table == NULL)
            return 0;
        hash = hash_combine(hash, hash_table(table));
    }
    return hash | 1;
}

static Status make_form(FormEntry *entry, const CatalogSnapshot *snapshot, const CatalogTable *own, Diag *diag)
{
    FuncSession *session = ARENA_NEW(&entry->arena, FuncSession);
    MvBoundView bound = {.arena = &entry->arena, .diag = diag, .session = session};
    const TableSchema *schema = own->schema;
    TRY(mv_bind(snapshot, schema->view_sql, schema->view_database, &bound));
    uint32_t outputs = bound.query->column_count;
    entry->ordinals = ARENA_NEW_ARRAY(&entry->arena, uint32_t, outputs + 1);
    for (uint32_t i = 0; i < outputs; i++)
        entry->ordinals[i] = UINT32_MAX;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        uint32_t output;
        TRY(mv_output(&entry->definition, &bound, c, &output));
        if (output < outputs && entry->ordinals[output] == UINT32_MAX)
            entry->ordinals[output] = c;
    }
    for (uint32_t i = 0; i < outputs; i++) {
        if (entry->ordinals[i] == UINT32_MAX)
            return RAISE(diag, ANALYSIS, "column %u of the definition has no column in the view", i);
    }
    PlanContext plan = {.arena = &entry->arena, .diag = diag, .session = session, .ids = &bound.analyze.ids, .next_cte_id = bound.analyze.next_cte_id};
    return view_form_make(&plan, bound.query, &entry->form);
}

/* Lock held. An entry whose tables got other columns is made anew, by itself: statements may still use the old one. */
static FormEntry *with_form(MvForms *forms, uint32_t at, const CatalogSnapshot *snapshot, const CatalogTable *own)
{
    FormEntry *entry = forms->entries[at];
    uint64_t signature = signature_of(snapshot, entry, own);
    Diag diag = {0};
    if (signature == entry->signature && signature != 0)
        return entry;
    if (entry->signature != 0) {
        AUTO_BYTEBUF key = {0};
        bytebuf_printf(&key, "%llu", (unsigned long long)entry->view_id);
        FormEntry *fresh = entry_new(snapshot, bytebuf_view(&key), entry->record_hash);
        entry_unref(entry);
        entry = forms->entries[at] = fresh;
    }
    entry->signature = signature;
    if (signature == 0 || make_form(entry, snapshot, own, &diag) != OK) {
        entry->form = NULL;
        entry->problem = signature == 0 ? "a table that the view reads does not exist" : arena_strdup(&entry->arena, diag.message);
        entry->signature = MAX(signature, (uint64_t)1);
        return entry;
    }
    entry->problem = view_form_unsupported(entry->form);
    return entry;
}

/* ---- candidates ---- */

static bool reads_only(const FormEntry *entry, const uint64_t *tables, uint32_t count)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < entry->table_count; i++) {
        while (at < count && tables[at] < entry->tables[i])
            at++;
        if (at == count || tables[at] != entry->tables[i])
            return false;
    }
    return entry->table_count > 0;
}

static void hold(MvQueryViews *views, FormEntry *entry)
{
    if (views->held_count == views->held_room)
        views->held = arena_grow(views->context->arena, views->held, sizeof(*views->held), views->held_count, &views->held_room);
    entry->references++;
    views->held[views->held_count++] = entry;
}

static void tell(const MvQueryViews *views, const CatalogDatabase *database, const CatalogTable *table, const char *reason)
{
    if (views->options.trace != NULL)
        bytebuf_printf(views->options.trace, "MV %.*s.%.*s: not used: %s\n", SV_ARGS(database->name), SV_ARGS(table->name), reason);
}

static bool is_wanted(const MvQueryViews *views, const CatalogDatabase *database, const CatalogTable *table)
{
    const MvQueryOptions *o = &views->options;
    return (o->including.length == 0 || mv_list_names(o->including, database->name, table->name)) &&
           (o->excluding.length == 0 || !mv_list_names(o->excluding, database->name, table->name));
}

/* Lock held. NULL: no candidate. */
static FormEntry *check_entry(MvQueryViews *views, uint32_t at, const CatalogDatabase **out_database, const CatalogTable **out_table)
{
    FormEntry *entry = views->forms->entries[at];
    const CatalogTable *own = catalog_table_by_id(views->snapshot, entry->view_id);
    if (own == NULL)
        return NULL;
    *out_table = own;
    *out_database = catalog_database_by_id(views->snapshot, own->database_id);
    const char *reason = entry->refusal;
    if (reason == NULL && !is_wanted(views, *out_database, own))
        reason = "query_including_mv_names or query_excluding_mv_names leave it out";
    if (reason == NULL) {
        entry = with_form(views->forms, at, views->snapshot, own);
        reason = entry->problem;
    }
    if (reason == NULL)
        return entry;
    tell(views, *out_database, own, reason);
    return NULL;
}

static Status candidates(void *context, const uint64_t *tables, uint32_t count, const PlanView **out_views, uint32_t *out_count)
{
    MvQueryViews *views = context;
    MvForms *forms = views->forms;
    ARRAY_OF(PlanView) found = {0};
    LOCK_GUARD(&forms->lock);
    sync_entries(forms, views->snapshot);
    for (uint32_t i = 0; i < forms->count; i++) {
        const CatalogDatabase *database;
        const CatalogTable *table;
        if (!reads_only(forms->entries[i], tables, count))
            continue;
        FormEntry *entry = check_entry(views, i, &database, &table);
        if (entry == NULL)
            continue;
        hold(views, entry);
        PlanView view = {database, table, entry->form, entry->ordinals, entry};
        ARRAY_PUSH(views->context->arena, &found, view);
    }
    *out_views = found.items;
    *out_count = found.count;
    return OK;
}

/* ---- freshness ---- */

static int64_t newest_base_us(const MvDecision *decision)
{
    int64_t newest = 0;
    for (uint32_t t = 0; t < decision->cells.table_count; t++) {
        const CatalogTable *table = decision->cells.tables[t].table;
        for (uint32_t p = 0; p < table->partition_count; p++)
            newest = MAX(newest, table->partitions[p]->visible_time_us);
    }
    return newest;
}

/* mv_rewrite_staleness_second: the tables changed no longer after the last refresh than that. */
static bool is_within_staleness(const MvDecision *decision)
{
    int64_t seconds = mv_property_number(&decision->definition, "mv_rewrite_staleness_second", 0), refreshed_us = 0;
    for (uint32_t i = 0; i < decision->cells.count; i++) {
        if (decision->choices[i].has_entry)
            refreshed_us = MAX(refreshed_us, decision->choices[i].entry.refreshed_us);
    }
    return seconds > 0 && refreshed_us > 0 && newest_base_us(decision) - refreshed_us <= seconds * 1000000;
}

static void use_reason(PlanViewUse *use, const MvQueryViews *views, const MvDecision *decision, uint32_t stale, const char *more)
{
    use->reason = strview(arena_printf(views->context->arena, "%u of its %u partitions are not fresh%s", stale, decision->cells.count, more));
}

/* The definition over the cells that are stale. */
static Status bind_rest(MvQueryViews *views, MvDecision *decision, const uint8_t *stale, PlanViewUse *use)
{
    MvBoundView *bound = &decision->bound;
    TRY(mv_query_cells(decision, stale));
    PlanContext own = {.arena = bound->arena, .diag = bound->diag, .session = bound->session, .ids = &bound->analyze.ids,
                       .next_cte_id = bound->analyze.next_cte_id};
    return query_adopt(views->context, &own, bound->query, &use->rest);
}

static Status use_partly(MvQueryViews *views, MvDecision *decision, const uint8_t *stale, uint32_t stale_count, PlanViewUse *use)
{
    Arena *arena = views->context->arena;
    uint64_t *ids = ARENA_NEW_ARRAY(arena, uint64_t, decision->cells.count + 1);
    for (uint32_t i = 0; i < decision->cells.count; i++) {
        const CatalogPartition *existing = decision->cells.items[i].existing;
        if (stale[i] == 0 && existing != NULL)
            ids[use->partition_count++] = existing->id;
    }
    use->partition_ids = ids;
    use->is_partial = true;
    if (use->partition_count == 0) {
        use_reason(use, views, decision, stale_count, "");
        return OK;
    }
    if (stale_count > 0 && (!views->options.allows_union || decision->bound.partition_count == 0)) {
        use_reason(use, views, decision, stale_count, views->options.allows_union ? "" : ", and enable_materialized_view_union_rewrite is off");
        return OK;
    }
    use->is_usable = true;
    return stale_count > 0 ? bind_rest(views, decision, stale, use) : OK;
}

/* Marks what has to come from the tables. */
static uint32_t find_stale(const MvDecision *decision, uint8_t *out_stale)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < decision->cells.count; i++) {
        out_stale[i] = decision->choices[i].refreshes || decision->choices[i].is_excluded;
        count += out_stale[i];
    }
    return count;
}

static Status decide(MvQueryViews *views, FormEntry *entry, PlanViewUse *use)
{
    Arena *arena = views->context->arena;
    FuncSession *session = ARENA_NEW(arena, FuncSession);
    MvDecision *decision = ARENA_NEW(arena, MvDecision);
    MvAsk ask = {.now_us = env_wall_us(environment_real())};
    *session = *views->context->session;
    TRY(mv_decide(views->snapshot, entry->view_id, &ask, arena, session, views->context->diag, decision));
    uint8_t *stale = ARENA_NEW_ARRAY(arena, uint8_t, decision->cells.count + 1);
    uint32_t count = find_stale(decision, stale);
    use->is_usable = (count == 0 && decision->cells.vanished_count == 0) || is_within_staleness(decision);
    if (use->is_usable && count == 0) {
        LOCK_GUARD(&views->forms->lock);
        entry->fresh_at = views->snapshot->entry_id;
        if (!mv_depends_on_time(&entry->definition))
            mv_nodes_hold(&entry->fresh, decision, decision->table);
    }
    return use->is_usable ? OK : use_partly(views, decision, stale, count, use);
}

static bool checks_freshness(const FormEntry *entry)
{
    static const char *const unchecked[] = {"loose", "nocheck", "force_mv"};
    StrView consistency = mv_property(&entry->definition, "query_rewrite_consistency");
    for (size_t i = 0; i < COUNT_OF(unchecked); i++) {
        if (strview_equal_ci(consistency, strview(unchecked[i])))
            return false;
    }
    return true;
}

static Status use_view(void *context, const PlanView *view, PlanViewUse *out)
{
    MvQueryViews *views = context;
    FormEntry *entry = view->handle;
    mutex_lock(&views->forms->lock);
    bool is_fresh = entry->fresh_at == views->snapshot->entry_id || mv_nodes_are_fresh(&entry->fresh, views->snapshot);
    mutex_unlock(&views->forms->lock);
    *out = (PlanViewUse){.is_usable = is_fresh || !checks_freshness(entry)};
    return out->is_usable ? OK : decide(views, entry, out);
}

/* ---- views that queries name ---- */

static Status read_completed(MvQueryViews *views, const CatalogTable *table, const MvDefinition *definition, PlanViewUse *out)
{
    Arena *arena = views->context->arena;
    FuncSession *session = ARENA_NEW(arena, FuncSession);
    MvDecision *decision = ARENA_NEW(arena, MvDecision);
    MvAsk ask = {.now_us = env_wall_us(environment_real())};
    *session = *views->context->session;
    if (!definition->is_active)
        return RAISE(views->context->diag, ANALYSIS, "the materialized view '%.*s' is inactive: %.*s", SV_ARGS(table->name),
                     SV_ARGS(definition->inactive_reason));
    TRY(mv_decide(views->snapshot, table->id, &ask, arena, session, views->context->diag, decision));
    uint8_t *stale = ARENA_NEW_ARRAY(arena, uint8_t, decision->cells.count + 1);
    uint32_t count = find_stale(decision, stale);
    if ((count == 0 && decision->cells.vanished_count == 0) || is_within_staleness(decision))
        return OK;
    uint64_t *ids = ARENA_NEW_ARRAY(arena, uint64_t, decision->cells.count + 1);
    for (uint32_t i = 0; i < decision->cells.count; i++) {
        if (stale[i] == 0 && decision->cells.items[i].existing != NULL)
            ids[out->partition_count++] = decision->cells.items[i].existing->id;
    }
    out->partition_ids = ids;
    out->is_partial = true;
    return count > 0 ? bind_rest(views, decision, stale, out) : OK;
}

/* transparent_mv_rewrite_mode. What can't be completed is read as it is, but for transparent_or_error. */
static Status read_view(void *context, const CatalogTable *table, PlanViewUse *out)
{
    MvQueryViews *views = context;
    MvDefinition definition;
    *out = (PlanViewUse){.is_usable = true};
    if (!mv_find(views->snapshot, table->id, views->context->arena, &definition))
        return OK;
    StrView mode = mv_property(&definition, "transparent_mv_rewrite_mode");
    if (mode.length == 0 || strview_equal_ci(mode, STR_VIEW("false")))
        return OK;
    Status status = read_completed(views, table, &definition, out);
    if (status == OK || strview_equal_ci(mode, STR_VIEW("transparent_or_error")))
        return status;
    diag_reset(views->context->diag);
    *out = (PlanViewUse){.is_usable = true};
    return OK;
}

void mv_query_views_open(MvQueryViews *views, MvForms *forms, CatalogSnapshot *snapshot, PlanContext *context, const MvQueryOptions *options)
{
    *views = (MvQueryViews){.forms = forms, .snapshot = snapshot, .context = context, .options = *options};
    views->plan = (PlanViews){.context = views,
                              .candidates = candidates,
                              .use = use_view,
                              .read = read_view,
                              .max_depth = options->max_depth,
                              .allows_union = options->allows_union,
                              .is_forced = options->is_forced,
                              .trace = options->trace};
}

void mv_query_views_close(MvQueryViews *views)
{
    LOCK_GUARD(&views->forms->lock);
    for (uint32_t i = 0; i < views->held_count; i++)
        entry_unref(views->held[i]);
    views->held_count = 0;
}

StrView mv_rewrite_status(MvForms *forms, CatalogSnapshot *snapshot, uint64_t view_id, Arena *arena)
{
    LOCK_GUARD(&forms->lock);
    sync_entries(forms, snapshot);
    for (uint32_t i = 0; i < forms->count; i++) {
        const CatalogTable *own = catalog_table_by_id(snapshot, view_id);
        if (forms->entries[i]->view_id != view_id || own == NULL)
            continue;
        const FormEntry *entry = forms->entries[i]->refusal == NULL ? with_form(forms, i, snapshot, own) : forms->entries[i];
        const char *reason = entry->refusal != NULL ? entry->refusal : entry->problem;
        return reason == NULL ? STR_VIEW("VALID") : strview(arena_printf(arena, "INVALID: %s", reason));
    }
    return STR_VIEW("UNKNOWN");
}

Status mv_need_rewritable(const CatalogSnapshot *snapshot, const TableSchema *schema, FuncSession *session, Arena *arena, Diag *diag)
{
    MvBoundView bound = {.arena = arena, .diag = diag, .session = session};
    ViewForm *form;
    TRY(mv_bind(snapshot, schema->view_sql, schema->view_database, &bound));
    PlanContext plan = {.arena = arena, .diag = diag, .session = session, .ids = &bound.analyze.ids, .next_cte_id = bound.analyze.next_cte_id};
    TRY(view_form_make(&plan, bound.query, &form));
    const char *reason = view_form_unsupported(form);
    return reason == NULL ? OK
                          : RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: enable_query_rewrite = true, but no query can be answered from "
                                                  "the materialized view: %s.", reason);
}
