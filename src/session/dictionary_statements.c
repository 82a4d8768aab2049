#include "session/show_int.h"

/* CREATE | DROP | REFRESH | CANCEL REFRESH | SHOW DICTIONARY. A refresh has ended when its statement answers; one that fails is told
 * of by SHOW DICTIONARY, and leaves what was loaded before. */

#include <ctype.h>

#include "base/environment.h"
#include "session/dictionaries.h"
#include "sql/parser.h"
#include "types/number_text.h"

enum { MAX_KEYS = 64 };

static MetaStore *store_of(const StatementContext *context)
{
    return context->session->instance->store;
}

/* ---- properties ---- */

static Status bad_property(const StatementContext *context, const char *name, StrView value)
{
    return RAISE(context->diag, INVALID_ARGUMENT, "parse %s failed, given parameter: %.*s", name, SV_ARGS(value));
}

/* 1024, 1024B, 12kb, 3G */
static bool parse_bytes(StrView text, int64_t *out)
{
    size_t digits = 0;
    while (digits < text.length && isdigit((unsigned char)text.data[digits]))
        digits++;
    StrView unit = strview_n(text.data + digits, text.length - digits);
    if (digits == 0 || digits > 12 || !int64_parse(strview_n(text.data, digits), out))
        return false;
    static const struct {
        const char *name;
        int shift;
    } units[] = {{"", 0}, {"B", 0}, {"K", 10}, {"KB", 10}, {"M", 20}, {"MB", 20}, {"G", 30}, {"GB", 30}, {"T", 40}, {"TB", 40}};
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strview_equal_ci(unit, strview(units[i].name))) {
            bool fits = *out <= INT64_MAX >> units[i].shift;
            *out = fits ? *out << units[i].shift : INT64_MAX;
            return true;
        }
    }
    return false;
}

static bool parse_truth(StrView text, bool *out)
{
    *out = strview_equal_ci(text, STR_VIEW("true"));
    return *out || strview_equal_ci(text, STR_VIEW("false"));
}

static Status take_properties(const StatementContext *context, const AstProperties *given, DictionaryRecord *record)
{
    static const char *const names[] = {"dictionary_warm_up", "dictionary_memory_limit", "dictionary_refresh_interval", "dictionary_read_latest",
                                        "dictionary_ignore_failed_refresh"};
    for (uint32_t i = 0; i < given->keys.count; i++) {
        bool is_known = false;
        for (size_t n = 0; n < COUNT_OF(names); n++)
            is_known |= strview_equal_ci(given->keys.items[i], strview(names[n]));
        if (!is_known)
            return RAISE(context->diag, INVALID_ARGUMENT, "unknown property for dictionary: %.*s", SV_ARGS(given->keys.items[i]));
    }
    for (uint32_t i = 0; i < given->keys.count; i++) {
        StrView key = given->keys.items[i];
        StrView value = given->values.items[i];
        bool ignored;
        if (strview_equal_ci(key, strview(names[0])) && !parse_truth(value, &record->warms_up))
            return bad_property(context, names[0], value);
        if (strview_equal_ci(key, strview(names[1])) && !parse_bytes(value, &record->most_bytes))
            return bad_property(context, names[1], value);
        if (strview_equal_ci(key, strview(names[2])) && (!int64_parse(value, &record->refresh_seconds) || record->refresh_seconds < 0))
            return bad_property(context, names[2], value);
        if (strview_equal_ci(key, strview(names[3])) && !parse_truth(value, &record->reads_latest))
            return bad_property(context, names[3], value);
        if (strview_equal_ci(key, strview(names[4])) && !parse_truth(value, &ignored))
            return bad_property(context, names[4], value);
    }
    return OK;
}

/* ---- CREATE ---- */

static bool is_role(const AstCommand *command, uint32_t column, const char *role)
{
    return strview_equal_ci(command->names.items[2 * column + 1], strview(role));
}

static Status check_columns(const StatementContext *context, const AstCommand *command, StrView name)
{
    uint32_t count = command->names.count / 2;
    uint32_t keys = 0;
    for (uint32_t i = 0; i < count; i++) {
        StrView column = command->names.items[2 * i];
        if (!is_role(command, i, "KEY") && !is_role(command, i, "VALUE"))
            return RAISE(context->diag, SYNTAX, "a column of a dictionary is KEY or VALUE: %.*s", SV_ARGS(column));
        keys += is_role(command, i, "KEY");
        for (uint32_t j = 0; j < i; j++) {
            if (strview_equal_ci(column, command->names.items[2 * j]))
                return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: column: %.*s is both in keys and values.",
                             SV_ARGS(column));
        }
    }
    if (keys == 0)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: empty key list for dictionary: %.*s.", SV_ARGS(name));
    if (keys == count)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: empty value list for dictionary: %.*s.", SV_ARGS(name));
    return keys <= MAX_KEYS ? OK : RAISE(context->diag, LIMIT_EXCEEDED, "a dictionary has at most %d keys", MAX_KEYS);
}

/* The types of the columns, as a query of them has; that the user may read them shows, too. */
static Status resolve_columns(StatementContext *context, const AstCommand *command, DictionaryRecord *record)
{
    AUTO_BYTEBUF sql = {0};
    for (uint32_t i = 0; i < record->column_count; i++) {
        bytebuf_append_text(&sql, i == 0 ? "SELECT " : ", ");
        bytebuf_append_quoted(&sql, command->names.items[2 * i], '`');
    }
    bytebuf_append_text(&sql, " FROM ");
    bytebuf_append_quoted(&sql, record->database, '`');
    bytebuf_append_char(&sql, '.');
    bytebuf_append_quoted(&sql, record->object, '`');
    StrView text = strview_n(arena_strndup(&context->arena, sql.data, sql.length), sql.length);
    ParseOptions options = {0};
    AstStatements statements = {0};
    BoundQuery *query;
    TRY(sql_parse(text, &options, &context->arena, context->diag, &statements));
    TRY(analyze_query(&context->analyze, statements.items[0]->query, text, &query));
    DictionaryColumn *columns = ARENA_NEW_ARRAY(&context->arena, DictionaryColumn, record->column_count);
    record->columns = columns;
    for (uint32_t i = 0; i < record->column_count; i++) {
        Type type = query->columns[i].type;
        type.phys = (uint8_t)type_default_phys(type);
        if (type_is_nested(type) || type.kind >= TYPE_JSON || type.kind == TYPE_NULL || type_is_state(type))
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: column: %.*s has a type that dictionaries do not take.",
                         SV_ARGS(command->names.items[2 * i]));
        columns[i] = (DictionaryColumn){.name = command->names.items[2 * i], .type = type, .is_key = is_role(command, i, "KEY")};
    }
    return OK;
}

static Status exists(const DictionaryRecord *record, bool is_expected, Diag *diag)
{
    return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: dictionary: %.*s %s.", SV_ARGS(record->name),
                 is_expected ? "does not exist" : "is exist");
}

typedef struct DictionaryChange {
    DictionaryRecord record;
    Arena *arena;
} DictionaryChange;

static Status build_create(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DictionaryChange *state = context;
    DictionaryRecord there;
    if (dictionary_find(catalog, state->record.name, state->arena, &there))
        return exists(&state->record, false, diag);
    change_put_dictionary(change, &state->record);
    return OK;
}

/* What a refresh came to; the record may have changed meanwhile. */
static Status build_outcome(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const DictionaryChange *state = context;
    DictionaryRecord now;
    if (!dictionary_find(catalog, state->record.name, state->arena, &now) || now.id != state->record.id)
        return exists(&state->record, true, diag);
    now.state = state->record.state;
    now.error = state->record.error;
    now.refresh_us = state->record.refresh_us;
    now.finished_us = state->record.finished_us;
    change_put_dictionary(change, &now);
    return OK;
}

static Status refresh(StatementContext *context, DictionaryRecord *record)
{
    DictionaryChange state = {.record = *record, .arena = &context->arena};
    Diag diag = {0};
    int64_t now_us = env_wall_us(environment_real());
    state.record.refresh_us = MAX(now_us, record->refresh_us + 1);
    Status status = dictionaries_load(context->session->instance->dictionaries, &state.record, &diag);
    if (status == OK) {
        state.record.state = DICTIONARY_FINISHED;
        state.record.error = STR_VIEW("");
        state.record.finished_us = env_wall_us(environment_real());
    } else {
        state.record.refresh_us = record->refresh_us;
        state.record.state = record->state == DICTIONARY_FINISHED ? DICTIONARY_FINISHED : DICTIONARY_CANCELLED;
        state.record.error = strview(arena_strdup(&context->arena, diag.message));
    }
    return meta_commit(store_of(context), build_outcome, &state, context->diag);
}

static Status run_create(StatementContext *context, const AstCommand *command)
{
    StrView name = command->name.parts[command->name.count - 1];
    const AstName *source = &command->name2;
    DictionaryChange state = {.arena = &context->arena};
    DictionaryRecord there;
    state.record = (DictionaryRecord){.name = name, .id = meta_new_id(store_of(context)), .creator = context->func.user,
                                      .object = source->parts[source->count - 1],
                                      .database = source->count >= 2 ? source->parts[source->count - 2] : context->analyze.database,
                                      .column_count = command->names.count / 2, .warms_up = true, .most_bytes = INT64_C(2) << 30};
    if (dictionary_find(context->catalog, name, &context->arena, &there))
        return exists(&state.record, false, context->diag);
    if (state.record.database.length == 0)
        return RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
    TRY(check_columns(context, command, name));
    TRY(take_properties(context, &command->properties, &state.record));
    TRY(resolve_columns(context, command, &state.record));
    TRY(meta_commit(store_of(context), build_create, &state, context->diag));
    if (state.record.warms_up)
        TRY(refresh(context, &state.record));
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- the others ---- */

static Status find(StatementContext *context, const AstCommand *command, DictionaryRecord *out)
{
    out->name = command->name.parts[command->name.count - 1];
    return dictionary_find(context->catalog, out->name, &context->arena, out) ? OK : exists(out, true, context->diag);
}

static Status build_drop(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DictionaryChange *state = context;
    DictionaryRecord there;
    if (!dictionary_find(catalog, state->record.name, state->arena, &there))
        return exists(&state->record, true, diag);
    change_drop_dictionary(change, state->record.name);
    return OK;
}

/* DROP DICTIONARY d CACHE drops what is loaded alone. */
static Status run_drop(StatementContext *context, const AstCommand *command)
{
    DictionaryChange state = {.arena = &context->arena};
    Status status = find(context, command, &state.record);
    if (status != OK && command->if_exists) {
        diag_reset(context->diag);
        return send_ok(context, 0, STR_VIEW(""));
    }
    TRY(status);
    state.record.state = DICTIONARY_UNINITIALIZED;
    state.record.error = STR_VIEW("");
    TRY(meta_commit(store_of(context), command->flag ? build_outcome : build_drop, &state, context->diag));
    dictionaries_forget(context->session->instance->dictionaries, state.record.name);
    return send_ok(context, 0, STR_VIEW(""));
}

static Status run_refresh(StatementContext *context, const AstCommand *command)
{
    DictionaryRecord record;
    TRY(find(context, command, &record));
    TRY(refresh(context, &record));
    return send_ok(context, 0, STR_VIEW(""));
}

/* A refresh runs within its statement: KILL QUERY cancels it. */
static Status run_cancel(StatementContext *context, const AstCommand *command)
{
    DictionaryRecord record;
    TRY(find(context, command, &record));
    return send_ok(context, 0, STR_VIEW(""));
}

bool run_dictionary_command(StatementContext *context, const AstCommand *command, Status *out_status)
{
    static const struct {
        const char *what;
        Status (*run)(StatementContext *context, const AstCommand *command);
    } statements[] = {{"CREATE DICTIONARY", run_create}, {"DROP DICTIONARY", run_drop}, {"REFRESH DICTIONARY", run_refresh},
                      {"CANCEL REFRESH DICTIONARY", run_cancel}};
    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        if (!strview_is(command->what, statements[i].what))
            continue;
        *out_status = statements[i].run(context, command);
        return true;
    }
    return false;
}

/* ---- SHOW ---- */

static const SystemColumn columns[] = {
    NUMBER("DictionaryId"), TEXT("DictionaryName"), TEXT("CatalogName"), TEXT("DbName"), TEXT("dictionaryObject"), TEXT("dictionaryKeys"),
    TEXT("dictionaryValues"), TEXT("status"), TIME("lastSuccessRefreshTime"), TIME("lastSuccessFinishedTime"), TEXT("nextSchedulableTime"),
    TEXT("ErrorMessage"), TEXT("approximated dictionaryMemoryUsage (Bytes)")};

static StrView print_columns(const DictionaryRecord *record, bool keys, Arena *arena)
{
    AUTO_BYTEBUF text = {0};
    bytebuf_append_char(&text, '[');
    for (uint32_t i = 0; i < record->column_count; i++) {
        if (record->columns[i].is_key != keys)
            continue;
        bytebuf_append_text(&text, text.length > 1 ? ", " : "");
        bytebuf_append_view(&text, record->columns[i].name);
    }
    bytebuf_append_char(&text, ']');
    return strview_n(arena_strndup(arena, text.data, text.length), text.length);
}

static void put_moment(SystemRows *rows, int64_t time_us)
{
    if (time_us > 0)
        system_put_time(rows, time_us);
    else
        system_put_null(rows);
}

static Status produce_dictionaries(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const AstName *name = &context->show->name;
    DictionaryRecord *all;
    uint32_t count = dictionary_list(context->catalog, source->arena, &all);
    for (uint32_t i = 0; i < count; i++) {
        if (name->count > 0 && !strview_equal(name->parts[name->count - 1], all[i].name))
            continue;
        DictionaryUse use = dictionaries_use(context->session->instance->dictionaries, &all[i]);
        system_put_number(rows, (int64_t)all[i].id);
        system_put_text(rows, all[i].name);
        system_put_word(rows, "default_catalog");
        system_put_text(rows, all[i].database);
        system_put_text(rows, all[i].object);
        system_put_text(rows, print_columns(&all[i], true, source->arena));
        system_put_text(rows, print_columns(&all[i], false, source->arena));
        system_put_word(rows, dictionary_state_name(all[i].state));
        put_moment(rows, all[i].refresh_us);
        put_moment(rows, all[i].finished_us);
        if (all[i].refresh_seconds > 0)
            system_put_text(rows, show_text(context, "%lld seconds after it was loaded", (long long)all[i].refresh_seconds));
        else
            system_put_word(rows, "disable auto schedule for refreshing");
        system_put_text(rows, all[i].error);
        system_put_text(rows, show_text(context, "%llu", (unsigned long long)use.bytes));
        TRY(system_end_row(rows));
    }
    return OK;
}

static const ShowForm forms[] = {{"DICTIONARY", {"", SYSTEM_COLUMNS(columns), produce_dictionaries}, SHOW_NO_PATTERN, NULL}};

const ShowForms show_dictionary_forms = {forms, COUNT_OF(forms)};
