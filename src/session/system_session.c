#include "session/session_int.h"

/* System tables that need the session or the server: variables, words of the dialect, configuration,
 and the connector that finds all system tables. */

#include "connector/system_columns.h"
#include "sql/keywords.h"

static StatementContext *context_of(const SystemSource *source)
{
    return source->context;
}

/* ---- variables ---- */

static const SystemColumn variables_columns[] = {TEXT("VARIABLE_NAME"), TEXT("VARIABLE_VALUE")};
static const SystemColumn verbose_columns[] = {TEXT("VARIABLE_NAME"), TEXT("VARIABLE_VALUE"), TEXT("DEFAULT_VALUE"), BOOLEAN("IS_CHANGED")};

static Status produce_session(const SystemSource *source, SystemRows *rows)
{
    const char *const *names;
    const char *const *values;
    uint32_t count = variable_defaults(&names, &values);
    for (uint32_t i = 0; i < count; i++) {
        system_put_word(rows, names[i]);
        system_put_word(rows, arena_strdup(source->arena, variable_text(context_of(source)->session, names[i])));
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status produce_global(const SystemSource *source, SystemRows *rows)
{
    const char *const *names;
    const char *const *values;
    uint32_t count = variable_defaults(&names, &values);
    for (uint32_t i = 0; i < count; i++) {
        system_put_word(rows, names[i]);
        system_put_text(rows, global_variable_or(source->catalog, names[i], values[i]));
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status produce_verbose(const SystemSource *source, SystemRows *rows)
{
    const char *const *names;
    const char *const *values;
    uint32_t count = variable_defaults(&names, &values);
    for (uint32_t i = 0; i < count; i++) {
        const char *value = arena_strdup(source->arena, variable_text(context_of(source)->session, names[i]));
        system_put_word(rows, names[i]);
        system_put_word(rows, value);
        system_put_word(rows, values[i]);
        system_put_boolean(rows, strcmp(value, values[i]) != 0);
        TRY(system_end_row(rows));
    }
    return OK;
}

/* ---- words ---- */

static const SystemColumn keywords_columns[] = {TEXT("WORD"), BOOLEAN("RESERVED")};

static Status produce_keywords(const SystemSource *source, SystemRows *rows)
{
    size_t count;
    const SqlKeyword *words = sql_keywords(&count);
    (void)source;
    for (size_t i = 0; i < count; i++) {
        system_put_word(rows, words[i].word);
        system_put_boolean(rows, words[i].is_reserved);
        TRY(system_end_row(rows));
    }
    return OK;
}

/* ---- configuration and counters ---- */

static const SystemColumn configs_columns[] = {NUMBER("BE_ID"), TEXT("NAME"), TEXT("VALUE"), TEXT("TYPE"), TEXT("DEFAULT"), BOOLEAN("MUTABLE")};

static Status produce_configs(const SystemSource *source, SystemRows *rows)
{
    const Instance *instance = context_of(source)->session->instance;
    const char *key, *value, *initial;
    for (uint32_t i = 0; instance->config_at != NULL && instance->config_at(instance->config, i, &key, &value, &initial); i++) {
        system_put_number(rows, SYSTEM_NODE_ID);
        system_put_word(rows, key);
        system_put_word(rows, value);
        system_put_word(rows, "string");
        system_put_word(rows, initial);
        system_put_boolean(rows, false);
        TRY(system_end_row(rows));
    }
    return OK;
}

static const SystemColumn metrics_columns[] = {TEXT("FE_ID"), TEXT("NAME"), TEXT("LABELS"), NUMBER("VALUE")};

static Status put_metric(SystemRows *rows, const char *name, int64_t value)
{
    system_put_number(rows, SYSTEM_NODE_ID);
    system_put_word(rows, name);
    system_put_word(rows, "[]");
    system_put_number(rows, value);
    return system_end_row(rows);
}

static Status produce_metrics(const SystemSource *source, SystemRows *rows)
{
    Instance *instance = context_of(source)->session->instance;
    TRY(put_metric(rows, "connection_total", session_count(instance)));
    TRY(put_metric(rows, "memory_used_bytes", mem_used(instance->memory)));
    TRY(put_metric(rows, "spill_used_bytes", spill_area_used(instance->spill)));
    return put_metric(rows, "meta_log_count", (int64_t)meta_journal_entries(instance->store));
}

static const SystemTable tables[] = {
    {"session_variables", SYSTEM_COLUMNS(variables_columns), produce_session},
    {"global_variables", SYSTEM_COLUMNS(variables_columns), produce_global},
    {"verbose_session_variables", SYSTEM_COLUMNS(verbose_columns), produce_verbose},
    {"keywords", SYSTEM_COLUMNS(keywords_columns), produce_keywords},
    {"be_configs", SYSTEM_COLUMNS(configs_columns), produce_configs},
    {"fe_metrics", SYSTEM_COLUMNS(metrics_columns), produce_metrics},
};

/* ---- all of them ---- */

SystemSource *session_system_source(StatementContext *context)
{
    if (context->system != NULL)
        return context->system;
    const SystemFamily all[] = {system_catalog_family, system_storage_family,    system_jobs_family,  system_nodes_family,
                                {"information_schema", tables, COUNT_OF(tables)}, system_privileges_family, system_sys_family,
                                system_grants_family,  system_statistics_family, system_tasks_family, system_views_family, {0}};
    SystemFamily *families = ARENA_NEW_ARRAY(&context->arena, SystemFamily, COUNT_OF(all));
    memcpy(families, all, sizeof(all));
    context->system = ARENA_NEW(&context->arena, SystemSource);
    *context->system = (SystemSource){.arena = &context->arena, .diag = context->diag, .catalog = session_visible_catalog(context),
                                      .rights = context->rights,
                                      .store = context->session->instance->store, .families = families,
                                      .history = context->session->instance->history,
                                      .zone_offset_us = context->func.zone_offset_us, .context = context};
    return context->system;
}

static const ConnectorTable *find(void *opaque, StrView database, StrView name, Arena *arena)
{
    StatementContext *context = opaque;
    (void)arena; /* the statement's, as ours */
    if (context->show_table != NULL && strview_equal(database, context->show_table->database))
        return context->show_table;
    if (!system_is_database(database))
        return NULL;
    const SystemSource *source = session_system_source(context);
    const SystemTable *table = system_find(source->families, database, name);
    if (table == NULL)
        return NULL;
    const char *kept = arena_strndup(&context->arena, database.data, database.length);
    return system_connector_table(source, kept, table, (SystemLike){0});
}

static Status authorize_found(void *context, StrView database, StrView name)
{
    return system_is_database(database) ? authorize_system_table(context, database, name) : OK; /* else what SHOW answers */
}

const Connector *session_connector(StatementContext *context)
{
    Connector *connector = ARENA_NEW(&context->arena, Connector);
    *connector = (Connector){context, find, authorize_found, session_files};
    return connector;
}
