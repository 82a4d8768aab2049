#include "mv/state.h"

#include "base/log.h"
#include "job/table_changes.h"
#include "sql/lexer.h"

/* ---- becoming inactive ---- */

typedef struct Cascade {
    const CatalogSnapshot *catalog;
    Change *change;
    Arena *arena;
    MvDefinition *all;
    uint32_t count;
    uint32_t depth;
} Cascade;

static MvDefinition *definition_of(const Cascade *cascade, uint64_t id)
{
    for (uint32_t i = 0; i < cascade->count; i++) {
        if (cascade->all[i].id == id)
            return &cascade->all[i];
    }
    return NULL;
}

static bool reads(const MvDefinition *definition, uint64_t id)
{
    for (uint32_t b = 0; b < definition->base_count; b++) {
        if (definition->bases[b].id == id)
            return true;
    }
    return false;
}

static void put_definition(const Cascade *cascade, const MvDefinition *definition)
{
    const CatalogTable *table = catalog_table_by_id(cascade->catalog, definition->id);
    const CatalogDatabase *database = table == NULL ? NULL : catalog_database_by_id(cascade->catalog, table->database_id);
    change_put_mv(cascade->change, definition);
    if (database != NULL)
        mv_put_task(cascade->change, cascade->catalog, definition, database->name, table->name, table->schema->view_sql, 0);
}

static void make_inactive(Cascade *cascade, MvDefinition *definition, StrView reason)
{
    const CatalogTable *table = catalog_table_by_id(cascade->catalog, definition->id);
    definition->is_active = false;
    definition->inactive_reason = reason;
    put_definition(cascade, definition);
    if (table == NULL)
        return;
    StrView next = strview(arena_printf(cascade->arena, "base-mv inactive: %.*s", SV_ARGS(table->name)));
    for (uint32_t i = 0; i < cascade->count; i++) {
        if (cascade->all[i].is_active && reads(&cascade->all[i], definition->id))
            make_inactive(cascade, &cascade->all[i], next);
    }
}

void mv_put_inactive(const CatalogSnapshot *catalog, uint64_t view_id, StrView reason, Change *change)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Cascade cascade = {.catalog = catalog, .change = change, .arena = &arena};
    cascade.count = mv_list(catalog, &arena, &cascade.all);
    MvDefinition *definition = definition_of(&cascade, view_id);
    if (definition != NULL)
        make_inactive(&cascade, definition, reason);
}

/* ---- what happens to bases ---- */

typedef struct Differences {
    Arena *arena;
    ARRAY_OF(uint64_t) ids;
} Differences;

static void note_table(void *context, const CatalogTable *before, const CatalogTable *after)
{
    Differences *differences = context;
    if (before != NULL && after != NULL && before->schema == after->schema)
        return;
    if (before != NULL)
        ARRAY_PUSH(differences->arena, &differences->ids, before->id);
}

/* Columns that the view reads and that are not what they were; as a list of names. out_clears: values may have changed, not
 * only a name. */
static StrView changed_columns(const MvBase *base, const TableSchema *before, const TableSchema *after, Arena *arena, bool *out_clears)
{
    AUTO_BYTEBUF names = {0};
    for (uint32_t i = 0; i < base->column_count; i++) {
        const TableColumn *old = NULL, *new = NULL;
        for (uint32_t c = 0; c < before->column_count; c++)
            old = before->columns[c].unique_id == base->column_ids[i] ? &before->columns[c] : old;
        for (uint32_t c = 0; c < after->column_count; c++)
            new = after->columns[c].unique_id == base->column_ids[i] ? &after->columns[c] : new;
        bool is_same = old == NULL || (new != NULL && strview_equal_ci(old->name, new->name) && type_equal(old->type, new->type));
        *out_clears |= old != NULL && (new == NULL || !type_equal(old->type, new->type));
        if (!is_same)
            bytebuf_printf(&names, "%s%.*s", names.length > 0 ? "," : "", SV_ARGS(base->column_names[i]));
    }
    return strview_n(arena_strndup(arena, names.data == NULL ? "" : names.data, names.length), names.length);
}

/* Why the base no longer is what the view was defined on; empty: it is. */
static StrView reason_of(const MvBase *base, const CatalogSnapshot *before, const CatalogSnapshot *after, Arena *arena, bool *out_clears)
{
    const CatalogTable *old = catalog_table_by_id(before, base->id), *new = catalog_table_by_id(after, base->id);
    const char *kind = base->kind == MV_BASE_VIEW ? "base-view" : "base-table";
    if (old == NULL)
        return STR_VIEW("");
    if (new == NULL)
        return strview(arena_printf(arena, "base-table dropped: %.*s", SV_ARGS(old->name)));
    if (!strview_equal(old->name, new->name)) {
        const CatalogDatabase *database = catalog_database_by_id(after, new->database_id);
        const CatalogTable *other = database == NULL ? NULL : catalog_table(database, old->name);
        return strview(arena_printf(arena, "base-table %s: %.*s", other != NULL ? "swapped" : "renamed", SV_ARGS(old->name)));
    }
    if (base->kind == MV_BASE_VIEW && !strview_equal(old->schema->view_sql, new->schema->view_sql))
        return strview(arena_printf(arena, "%s changed: %.*s", kind, SV_ARGS(new->name)));
    StrView columns = changed_columns(base, old->schema, new->schema, arena, out_clears);
    return columns.length == 0 ? columns : strview(arena_printf(arena, "base table schema changed for columns: %.*s", SV_ARGS(columns)));
}

static void follow_view(Cascade *cascade, MvDefinition *definition, const Differences *differences, const CatalogSnapshot *before)
{
    bool was_active = definition->is_active;
    for (uint32_t b = 0; b < definition->base_count && was_active; b++) { /* of several reasons the last */
        const MvBase *base = &definition->bases[b];
        bool differs = false, clears = false;
        for (uint32_t i = 0; i < differences->ids.count; i++)
            differs |= differences->ids.items[i] == base->id;
        StrView reason = differs ? reason_of(base, before, cascade->catalog, cascade->arena, &clears) : STR_VIEW("");
        if (clears)
            definition->cleared_cause = reason;
        if (reason.length > 0)
            make_inactive(cascade, definition, reason);
        if (clears)
            change_clear_mv_map(cascade->change, cascade->catalog, definition->id);
    }
}

/* ---- databases that are dropped and come back ---- */

/* In the recycle bin, too. */
static const CatalogDatabase *home_of(const CatalogSnapshot *catalog, uint64_t table_id)
{
    IdHome home;
    return id_map_find(catalog->homes, table_id, &home) ? catalog_database_by_id(catalog, home.database_id) : NULL;
}

static bool is_shelved(const CatalogSnapshot *catalog, uint64_t table_id)
{
    const CatalogDatabase *home = home_of(catalog, table_id);
    return home != NULL && catalog_is_dropped(home);
}

/* Tables that went into the bin, or came out of it, with their database: they are what they were otherwise. */
static void note_shelved(Differences *differences, const CatalogSnapshot *before, const CatalogSnapshot *after)
{
    for (uint32_t d = 0; d < after->database_count; d++) {
        const CatalogDatabase *new = after->databases[d], *old = catalog_database_by_id(before, new->id);
        bool is_other = old != NULL && old != new &&catalog_is_dropped(old) != catalog_is_dropped(new);
        for (uint32_t t = 0; is_other && t < catalog_table_count(new); t++)
            ARRAY_PUSH(differences->arena, &differences->ids, catalog_table_at(new, t)->id);
    }
}

static void shelve(Cascade *cascade, MvDefinition *definition)
{
    change_drop_task(cascade->change, mv_task_name(definition->id, cascade->arena));
    if (!definition->is_active)
        return;
    definition->is_active = false;
    definition->inactive_reason = STR_VIEW(MV_REASON_SHELVED);
    change_put_mv(cascade->change, definition);
}

static bool waits(const MvDefinition *definition)
{
    return !definition->is_active && strview_is(definition->inactive_reason, MV_REASON_SHELVED);
}

/* Bases of its own database are as the view knew them; of others nobody knows: there the view is checked first, as ACTIVE does. */
static bool has_bases_back(const Cascade *cascade, const MvDefinition *definition)
{
    const CatalogDatabase *home = home_of(cascade->catalog, definition->id);
    for (uint32_t b = 0; b < definition->base_count; b++) {
        const MvBase *base = &definition->bases[b];
        const MvDefinition *view = base->kind == MV_BASE_MATERIALIZED_VIEW ? definition_of(cascade, base->id) : NULL;
        if (home_of(cascade->catalog, base->id) != home || (view != NULL && !view->is_active))
            return false;
    }
    return true;
}

static void unshelve(Cascade *cascade, const CatalogSnapshot *before)
{
    for (bool goes_on = true; goes_on;) {
        goes_on = false;
        for (uint32_t i = 0; i < cascade->count; i++) {
            MvDefinition *view = &cascade->all[i];
            if (!is_shelved(before, view->id) || is_shelved(cascade->catalog, view->id) || !waits(view) || !has_bases_back(cascade, view))
                continue;
            view->is_active = goes_on = true;
            view->inactive_reason = STR_VIEW("");
        }
    }
    for (uint32_t i = 0; i < cascade->count; i++) {
        if (is_shelved(before, cascade->all[i].id) && catalog_table_by_id(cascade->catalog, cascade->all[i].id) != NULL)
            put_definition(cascade, &cascade->all[i]);
    }
}

void mv_follow_definitions(void *context, const CatalogSnapshot *before, const CatalogSnapshot *after, Change *change)
{
    AUTO_ARENA arena;
    (void)context;
    arena_init(&arena, NULL);
    Differences differences = {.arena = &arena};
    catalog_each_changed_table(before, after, note_table, &differences);
    note_shelved(&differences, before, after);
    if (differences.ids.count == 0 || catalog_record_count(before, "mv") == 0)
        return;
    Cascade cascade = {.catalog = after, .change = change, .arena = &arena};
    cascade.count = mv_list(after, &arena, &cascade.all);
    for (uint32_t i = 0; i < cascade.count; i++) {
        uint64_t id = cascade.all[i].id;
        if (home_of(after, id) == NULL)
            change_drop_mv(change, after, id);
        else if (is_shelved(after, id) && !is_shelved(before, id))
            shelve(&cascade, &cascade.all[i]);
        else if (!is_shelved(after, id) && !is_shelved(before, id))
            follow_view(&cascade, &cascade.all[i], &differences, before);
    }
    unshelve(&cascade, before);
}

/* ---- becoming active ---- */

typedef struct Activation {
    MvEngine *engine;
    uint64_t view_id;
    bool validates;
    Arena *arena;
    FuncSession session;
    bool cleared;
} Activation;

/* The same words: case of keywords, blanks and comments don't count. */
static bool same_words(StrView a, StrView b, Arena *arena)
{
    TokenList left = {0}, right = {0};
    Diag unheard = {0};
    if (strview_equal(a, b))
        return true;
    if (sql_tokenize(a, arena, &unheard, &left) != OK || sql_tokenize(b, arena, &unheard, &right) != OK || left.count != right.count)
        return false;
    for (uint32_t i = 0; i < left.count; i++) {
        const Token *x = &left.items[i], *y = &right.items[i];
        bool is_equal = x->kind == TOKEN_WORD ? strview_equal_ci(x->text, y->text) : strview_equal(x->text, y->text);
        if (x->kind != y->kind || !is_equal)
            return false;
    }
    return true;
}

/* Does a base view mean something else than when the map was written? */
static bool meaning_changed(const MvDefinition *old, const MvDefinition *now, Arena *arena)
{
    for (uint32_t n = 0; n < now->base_count; n++) {
        const MvBase *base = &now->bases[n];
        bool is_same = base->kind != MV_BASE_VIEW;
        for (uint32_t o = 0; o < old->base_count && !is_same; o++) {
            const MvBase *was = &old->bases[o];
            is_same = was->kind == MV_BASE_VIEW && strview_equal(was->name, base->name) && strview_equal(was->database, base->database) &&
                      same_words(was->view_sql, base->view_sql, arena);
        }
        if (!is_same)
            return true;
    }
    return false;
}

static bool types_fit(Type old, Type now)
{
    return old.kind == now.kind || (type_is_string(old) && type_is_string(now)) || (old.kind == TYPE_BOOLEAN && now.kind == TYPE_NULL);
}

static Status check_columns(const MvDefinition *definition, const CatalogTable *table, const MvBoundView *view, Diag *diag)
{
    for (uint32_t i = 0; i < table->schema->column_count; i++) {
        uint32_t output;
        const TableColumn *column = &table->schema->columns[i];
        TRY(mv_output(definition, view, i, &output));
        Type type = view->query->root->columns[output].type;
        if (types_fit(column->type, type))
            continue;
        AUTO_BYTEBUF old = {0}, now = {0};
        type_print(column->type, &old);
        type_print(type, &now);
        return RAISE(diag, ANALYSIS, "column schema not compatible: (`%.*s` %s) and (`%.*s` %s)", SV_ARGS(column->name), old.data,
                     SV_ARGS(column->name), now.data);
    }
    return OK;
}

static Status check_bases(const CatalogSnapshot *catalog, const MvDefinition *definition, StrView view, Diag *diag)
{
    for (uint32_t b = 0; b < definition->base_count; b++) {
        MvDefinition base;
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        if (definition->bases[b].kind == MV_BASE_MATERIALIZED_VIEW && (!mv_find(catalog, definition->bases[b].id, &arena, &base) || !base.is_active))
            return RAISE(diag, ANALYSIS,
                         "Can not active materialized view [%.*s] because analyze materialized view define sql: Create/Rebuild materialized view "
                         "from inactive materialized view: %.*s",
                         SV_ARGS(view), SV_ARGS(definition->bases[b].name));
    }
    return OK;
}

/* The definition bound against the catalog of now. */
static Status bind_again(const Activation *activation, const CatalogSnapshot *catalog, const CatalogTable *table, MvDefinition *definition, Diag *diag)
{
    FuncSession *session = (FuncSession *)(uintptr_t)&activation->session;
    MvBoundView view = {.arena = activation->arena, .diag = diag, .session = session};
    const TableSchema *schema = table->schema;
    Status status = mv_bind(catalog, schema->view_sql, schema->view_database, &view);
    if (status == OK && activation->validates)
        status = check_columns(definition, table, &view, diag);
    if (status == OK)
        status = mv_trace(&view, schema, definition);
    if (status != OK) {
        StrView cause = strview(arena_strdup(activation->arena, diag->message));
        diag_reset(diag);
        return RAISE(diag, ANALYSIS, "Can not active materialized view [%.*s] because analyze materialized view define sql: \n\n%.*s\n\nCause an error: %.*s",
                     SV_ARGS(table->name), SV_ARGS(schema->view_sql), SV_ARGS(cause));
    }
    mv_list_bases(&view, catalog, schema->view_sql, schema->view_database, definition);
    return check_bases(catalog, definition, table->name, diag);
}

static Status build_active(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Activation *activation = context;
    MvDefinition definition;
    const CatalogTable *table = catalog_table_by_id(catalog, activation->view_id);
    if (table == NULL || !mv_find(catalog, activation->view_id, activation->arena, &definition))
        return RAISE(diag, NO_SUCH_TABLE, "materialized view %llu was dropped meanwhile", (unsigned long long)activation->view_id);
    if (definition.is_active)
        return OK;
    MvDefinition before = definition;
    TRY(bind_again(activation, catalog, table, &definition, diag));
    activation->cleared = meaning_changed(&before, &definition, activation->arena);
    if (activation->cleared) {
        change_clear_mv_map(change, catalog, definition.id);
        definition.cleared_cause = STR_VIEW("base view changed");
    }
    definition.is_active = true;
    definition.inactive_reason = STR_VIEW("");
    definition.failures = 0;
    change_put_mv(change, &definition);
    const CatalogDatabase *database = catalog_database_by_id(catalog, table->database_id);
    mv_put_task(change, catalog, &definition, database->name, table->name, table->schema->view_sql, 0);
    return OK;
}

Status mv_activate(MvEngine *engine, uint64_t view_id, bool validates, Diag *diag)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Activation activation = {.engine = engine, .view_id = view_id, .validates = validates, .arena = &arena};
    CatalogSnapshot *snapshot = meta_snapshot(mv_engine_options(engine)->store);
    mv_engine_session(engine, snapshot, &arena, &activation.session);
    Status status = meta_commit(mv_engine_options(engine)->store, build_active, &activation, diag);
    catalog_unref(snapshot);
    if (status == OK && activation.cleared)
        LOG_INFO("mv", "view %llu: its version map is cleared, because a view that it reads means something else", (unsigned long long)view_id);
    return status;
}
