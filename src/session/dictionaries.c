#include "session/dictionaries.h"

/* A list of loaded dictionaries under a lock; loading runs outside it, in a session of the creator's.
 *
 * Tables of dict_mapping() are loaded in the same way, once for each state of the table that is asked for: their record is made
 * up from the catalog, and the hash of the data versions takes the place of the refresh. */

#include "base/environment.h"
#include "base/hash.h"
#include "session/instance.h"

typedef struct Loaded {
    struct Loaded *next;
    char *name;
    uint64_t id;
    int64_t refresh_us; /* of the record that it was loaded for */
    int64_t loaded_us;
    const Dictionary *dictionary;
} Loaded;

struct Dictionaries {
    Instance *instance;
    DictionarySource source;
    Mutex lock; /* guards the list */
    Loaded *first;
    _Atomic uint64_t connections;
};

/* A dictionary may be read from a view that uses dictionaries. */
enum { MAX_DEPTH = 8, FIRST_CONNECTION = 1 << 29 };
static _Thread_local uint32_t loading_depth;

static void free_loaded(Loaded *loaded)
{
    dictionary_unref(loaded->dictionary);
    mem_free(loaded->name);
    mem_free(loaded);
}

/* Taken out of the list; under the lock. */
static Loaded *take_out(Dictionaries *d, StrView name)
{
    for (Loaded **at = &d->first; *at != NULL; at = &(*at)->next) {
        Loaded *found = *at;
        if (strview_is(name, found->name)) {
            *at = found->next;
            return found;
        }
    }
    return NULL;
}

void dictionaries_forget(Dictionaries *d, StrView name)
{
    mutex_lock(&d->lock);
    Loaded *old = take_out(d, name);
    mutex_unlock(&d->lock);
    if (old != NULL)
        free_loaded(old);
}

/* ---- loading ---- */

static DictionaryShape shape_of(const DictionaryRecord *record, Arena *arena)
{
    Type *keys = ARENA_NEW_ARRAY(arena, Type, MAX(record->column_count, 1u));
    Type *values = ARENA_NEW_ARRAY(arena, Type, MAX(record->column_count, 1u));
    StrView *names = ARENA_NEW_ARRAY(arena, StrView, MAX(record->column_count, 1u));
    DictionaryShape shape = {.keys = keys, .values = values, .value_names = names};
    for (uint32_t i = 0; i < record->column_count; i++) {
        const DictionaryColumn *column = &record->columns[i];
        if (column->is_key) {
            keys[shape.key_count++] = column->type;
            continue;
        }
        names[shape.value_count] = column->name;
        values[shape.value_count++] = column->type;
    }
    return shape;
}

static void put_name(ByteBuf *out, StrView name)
{
    bytebuf_append_quoted(out, name, '`');
}

/* SELECT CAST(key AS type), .., CAST(value AS type), .. FROM the source */
static void print_query(const DictionaryRecord *record, ByteBuf *out)
{
    const char *before = "SELECT CAST(";
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < record->column_count; i++) {
            if (record->columns[i].is_key != (pass == 0))
                continue;
            bytebuf_append_text(out, before);
            put_name(out, record->columns[i].name);
            bytebuf_append_text(out, " AS ");
            type_print_sql(record->columns[i].type, out);
            bytebuf_append_char(out, ')');
            before = ", CAST(";
        }
    }
    bytebuf_append_text(out, " FROM ");
    put_name(out, record->database);
    bytebuf_append_char(out, '.');
    put_name(out, record->object);
}

typedef struct LoadSink {
    Dictionary *dictionary;
    Diag *diag;
} LoadSink;

static Status take_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    (void)context;
    (void)columns;
    (void)count;
    return OK;
}
static Status take_rows(void *context, const Chunk *chunk)
{
    LoadSink *sink = context;
    return dictionary_add(sink->dictionary, chunk->columns, chunk_rows(chunk), sink->diag);
}
static Status take_nothing(void *context, const Chunk *chunk)
{
    (void)context;
    (void)chunk;
    return OK;
}
static Status take_end(void *context, const ResultSummary *summary)
{
    (void)context;
    (void)summary;
    return OK;
}

static Status run_query(Dictionaries *d, StrView user, StrView sql, const ResultSink *sink, Diag *diag)
{
    Session *session;
    TRY(session_open_for(d->instance, user, STR_VIEW("127.0.0.1"), FIRST_CONNECTION + atomic_fetch_add(&d->connections, 1), diag, &session));
    Status status = session_execute(session, sql, sink, diag);
    session_close(session);
    return status;
}

static Status read_source(Dictionaries *d, const DictionaryRecord *record, Dictionary *dictionary, Diag *diag)
{
    AUTO_BYTEBUF sql = {0};
    LoadSink context = {dictionary, diag};
    ResultSink sink = {&context, take_columns, take_rows, take_end};
    print_query(record, &sql);
    return run_query(d, record->creator, bytebuf_view(&sql), &sink, diag);
}

Status dictionaries_load(Dictionaries *d, const DictionaryRecord *record, Diag *diag)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    DictionaryShape shape = shape_of(record, &arena);
    if (loading_depth >= MAX_DEPTH)
        return RAISE(diag, LIMIT_EXCEEDED, "dictionary '%.*s' is read from what needs dictionaries more than %d levels deep", SV_ARGS(record->name),
                     MAX_DEPTH);
    Dictionary *dictionary = dictionary_new(&shape, (uint64_t)record->most_bytes);
    loading_depth++;
    Status status = read_source(d, record, dictionary, diag);
    loading_depth--;
    if (status != OK) {
        dictionary_unref(dictionary);
        return status;
    }
    Loaded *loaded = mem_alloc_zero(sizeof(*loaded));
    *loaded = (Loaded){.name = mem_strdup(arena_strndup(&arena, record->name.data, record->name.length)), .id = record->id,
                       .refresh_us = record->refresh_us, .loaded_us = env_wall_us(environment_real()), .dictionary = dictionary};
    mutex_lock(&d->lock);
    Loaded *old = take_out(d, record->name);
    loaded->next = d->first;
    d->first = loaded;
    mutex_unlock(&d->lock);
    if (old != NULL)
        free_loaded(old);
    return OK;
}

/* ---- using ---- */

static bool is_mapping(StrView name)
{
    return name.length > 0 && name.data[0] == DICTIONARY_MAPPING_MARK;
}

static StrView next_part(StrView *rest)
{
    size_t length = 1;
    while (length < rest->length && rest->data[length] != DICTIONARY_MAPPING_MARK)
        length++;
    StrView part = strview_n(rest->data + 1, length - 1);
    *rest = strview_n(rest->data + length, rest->length - length);
    return part;
}

/* The keys of the table and the value column. */
static Status mapping_columns(const TableSchema *schema, StrView value, Arena *arena, Diag *diag, DictionaryRecord *out)
{
    DictionaryColumn *columns = ARENA_NEW_ARRAY(arena, DictionaryColumn, schema->key_count + 1);
    int at = value.length > 0 ? table_column_index(schema, value) : -1;
    for (uint32_t i = 0; i < schema->column_count && value.length == 0 && at < 0; i++)
        at = schema->columns[i].is_auto_increment ? (int)i : -1;
    if (at < 0 || schema->columns[at].is_key)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: dict_mapping function can't find value column %.*s.", SV_ARGS(value));
    for (uint32_t k = 0; k <= schema->key_count; k++) {
        const TableColumn *column = &schema->columns[k < schema->key_count ? k : (uint32_t)at];
        columns[k] = (DictionaryColumn){strview_n(arena_strndup(arena, column->name.data, column->name.length), column->name.length),
                                        type_copy(arena, column->type), k < schema->key_count};
    }
    out->columns = columns;
    out->column_count = schema->key_count + 1;
    return OK;
}

/* user: as whom the table is read. */
static Status mapping_record(const CatalogSnapshot *catalog, StrView user, StrView name, Arena *arena, Diag *diag, DictionaryRecord *out)
{
    StrView rest = strview_n(arena_strndup(arena, name.data, name.length), name.length);
    StrView database_name = next_part(&rest);
    StrView table_name = next_part(&rest);
    StrView value = next_part(&rest);
    const CatalogDatabase *database = catalog_database(catalog, database_name);
    const CatalogTable *table = database == NULL ? NULL : catalog_table(database, table_name);
    if (table == NULL || table->schema->keys_kind != KEYS_PRIMARY)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: dict table %.*s.%.*s is not found or is no PRIMARY KEY table.",
                     SV_ARGS(database_name), SV_ARGS(table_name));
    uint64_t versions = table->id;
    for (uint32_t p = 0; p < table->partition_count; p++)
        versions = hash_combine(hash_combine(versions, table->partitions[p]->id), table->partitions[p]->data_version);
    *out = (DictionaryRecord){.name = name, .id = table->id, .database = database_name, .object = table_name, .creator = user,
                              .most_bytes = INT64_MAX, .state = DICTIONARY_FINISHED, .refresh_us = (int64_t)versions};
    return mapping_columns(table->schema, value, arena, diag, out);
}

static Status find_record(Dictionaries *d, StrView user, StrView name, Arena *arena, Diag *diag, DictionaryRecord *out)
{
    CatalogSnapshot *catalog = meta_snapshot(d->instance->store);
    Status status = OK;
    if (is_mapping(name))
        status = mapping_record(catalog, user, name, arena, diag, out);
    else if (!dictionary_find(catalog, name, arena, out))
        status = RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: dictionary: %.*s does not exist.", SV_ARGS(name));
    catalog_unref(catalog);
    return status;
}

static Status describe(void *context, StrView user, StrView name, Arena *arena, Diag *diag, DictionaryShape *out_shape)
{
    DictionaryRecord record;
    TRY(find_record(context, user, name, arena, diag, &record));
    *out_shape = shape_of(&record, arena);
    return OK;
}

/* That the user may read a table of dict_mapping() which another one has loaded. */
static Status check_reader(Dictionaries *d, const DictionaryRecord *record, Diag *diag)
{
    ResultSink sink = {NULL, take_columns, take_nothing, take_end};
    AUTO_BYTEBUF sql = {0};
    print_query(record, &sql);
    bytebuf_append_text(&sql, " LIMIT 0");
    return run_query(d, record->creator, bytebuf_view(&sql), &sink, diag);
}

/* NULL: not loaded, or not what the record speaks of. out_is_old: it should be read again. */
static const Dictionary *find_loaded(Dictionaries *d, const DictionaryRecord *record, bool *out_is_old, DictionaryUse *out_use)
{
    const Dictionary *found = NULL;
    mutex_lock(&d->lock);
    for (const Loaded *at = d->first; at != NULL; at = at->next) {
        if (!strview_is(record->name, at->name) || at->id != record->id || at->refresh_us != record->refresh_us)
            continue;
        found = dictionary_ref(at->dictionary);
        *out_is_old = record->refresh_seconds > 0 && env_wall_us(environment_real()) - at->loaded_us > record->refresh_seconds * 1000000;
        *out_use = (DictionaryUse){true, dictionary_bytes(found), dictionary_rows(found), at->loaded_us};
    }
    mutex_unlock(&d->lock);
    return found;
}

static Status open_dictionary(void *context, StrView user, StrView name, Diag *diag, const Dictionary **out_dictionary)
{
    Dictionaries *d = context;
    DictionaryRecord record;
    DictionaryUse use;
    bool is_old = false;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    TRY(find_record(d, user, name, &arena, diag, &record));
    if (record.state != DICTIONARY_FINISHED)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: dictionary: %.*s is in %s state.", SV_ARGS(name),
                     dictionary_state_name(record.state));
    const Dictionary *found = find_loaded(d, &record, &is_old, &use);
    if (found != NULL && !is_old) {
        Status status = is_mapping(name) ? check_reader(d, &record, diag) : OK;
        if (status != OK)
            dictionary_unref(found);
        *out_dictionary = found;
        return status;
    }
    Diag unheard = {0};
    Status status = dictionaries_load(d, &record, found == NULL ? diag : &unheard);
    if (found != NULL && status != OK) { /* what there is serves on */
        *out_dictionary = found;
        return OK;
    }
    dictionary_unref(found);
    TRY(status);
    *out_dictionary = find_loaded(d, &record, &is_old, &use);
    return *out_dictionary != NULL ? OK : RAISE(diag, RETRY, "dictionary %.*s changed while it was loaded", SV_ARGS(name));
}

DictionaryUse dictionaries_use(Dictionaries *d, const DictionaryRecord *record)
{
    DictionaryUse use = {0};
    bool is_old;
    dictionary_unref(find_loaded(d, record, &is_old, &use));
    return use;
}

Dictionaries *dictionaries_open(Instance *instance)
{
    Dictionaries *d = mem_alloc_zero(sizeof(*d));
    d->instance = instance;
    d->source = (DictionarySource){d, describe, open_dictionary};
    mutex_init(&d->lock);
    return d;
}

void dictionaries_close(Dictionaries *d)
{
    if (d == NULL)
        return;
    while (d->first != NULL) {
        Loaded *next = d->first->next;
        free_loaded(d->first);
        d->first = next;
    }
    mutex_deinit(&d->lock);
    mem_free(d);
}

const DictionarySource *dictionaries_source(Dictionaries *d)
{
    return d == NULL ? NULL : &d->source;
}
