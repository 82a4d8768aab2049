#include "session/session_int.h"

/* What outlives sessions and restarts: SET GLOBAL and ADMIN SET FRONTEND CONFIG, as journaled settings
 * "variable.NAME" and "config.NAME". A session takes the global variables over when it opens. */

/* Settings of StarRocks' front end that tools and scripts set or ask for. has_effect: the server obeys it; others are kept
 * and shown, so that a script goes on, and say so. */
typedef struct FrontendConfig {
    const char *name;
    const char *initial;
    const char *type;
    bool has_effect;
} FrontendConfig;

static const FrontendConfig configs[] = {
    {"alter_table_timeout_second", "86400", "int", false},
    {"auto_increment_cache_size", "100000", "int", false},
    {"catalog_trash_expire_second", "86400", "long", false},
    {"consistency_tablet_meta_check_interval_ms", "7200000", "long", false},
    {"default_mv_partition_refresh_number", "1", "int", false},
    {"default_mv_refresh_immediate", "true", "boolean", false},
    {"dynamic_partition_check_interval_seconds", "600", "long", false},
    {"dynamic_partition_enable", "true", "boolean", false},
    {"enable_experimental_rowstore", "false", "boolean", false},
    {"enable_materialized_view", "true", "boolean", false},
    {"enable_mv_automatic_active_check", "true", "boolean", false},
    {"enable_mv_automatic_inactive_by_base_table_changes", "true", "boolean", false},
    {"enable_mv_refresh_query_rewrite", "false", "boolean", false},
    {"enable_range_distribution", "false", "boolean", false},
    {"enable_statistic_collect", "true", "boolean", false},
    {"enable_sync_statistics_load", "false", "boolean", false},
    {"expr_children_limit", "10000", "int", false},
    {"expr_depth_limit", "3000", "int", false},
    {"http_port", "8030", "int", false},
    {"label_keep_max_num", "1000", "int", false},
    {"label_keep_max_second", "259200", "int", false},
    {"lake_autovacuum_grace_period_minutes", "30", "long", false},
    {"lake_compaction_max_tasks", "-1", "int", false},
    {"max_automatic_partition_number", "4096", "int", false},
    {"max_load_initial_open_partition_number", "32", "int", false},
    {"max_load_timeout_second", "259200", "int", false},
    {"max_partitions_in_one_batch", "4096", "int", false},
    {"max_stream_load_timeout_second", "259200", "int", false},
    {"mv_active_checker_interval_seconds", "60", "long", false},
    {"mv_refresh_fail_on_filter_data", "true", "boolean", false},
    {"prepared_transaction_default_timeout_second", "86400", "int", false},
    {"qe_max_connection", "4096", "int", false},
    {"query_port", "9030", "int", false},
    {"recover_with_empty_tablet", "false", "boolean", false},
    {"run_mode", "shared_data", "String", false},
    {"statistic_auto_collect_small_table_size", "5368709120", "long", false},
    {"stream_load_default_timeout_second", "600", "int", false},
    {"sys_log_level", "INFO", "String", false},
    {"table_keeper_interval_second", "30", "int", false},
    {"tablet_sched_disable_balance", "false", "boolean", false},
    {"task_runs_concurrency", "4", "int", false},
    {"task_runs_ttl_second", "604800", "int", false},
    {"task_ttl_second", "86400", "int", false},
    {"thrift_server_max_worker_threads", "4096", "int", false},
};

typedef struct NewSettings {
    const char *const *keys;
    const StrView *values;
    uint32_t count;
} NewSettings;

static Status build_settings(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const NewSettings *settings = opaque;
    (void)catalog;
    (void)diag;
    for (uint32_t i = 0; i < settings->count; i++)
        change_put_setting(change, strview(settings->keys[i]), settings->values[i]);
    return OK;
}

static const char *setting_key(Arena *arena, const char *kind, StrView name)
{
    char *key = arena_printf(arena, "%s.%.*s", kind, SV_ARGS(name));
    for (char *c = key; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    return key;
}

Status global_variable_set(StatementContext *context, StrView name, StrView value)
{
    const char *key = setting_key(&context->arena, "variable", name);
    NewSettings settings = {&key, &value, 1};
    return meta_commit(context->session->instance->store, build_settings, &settings, context->diag);
}

StrView global_variable(const CatalogSnapshot *catalog, StrView name)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    return catalog_setting(catalog, setting_key(&arena, "variable", name));
}

StrView global_variable_or(const CatalogSnapshot *catalog, const char *name, const char *missing)
{
    StrView value = global_variable(catalog, strview(name));
    return value.data == NULL ? strview(missing) : value;
}

void session_take_globals(Session *session, const CatalogSnapshot *catalog)
{
    static const char prefix[] = "variable.";
    for (uint32_t i = 0; i < catalog->setting_count; i++) {
        const Property *setting = &catalog->settings[i];
        if (!strview_starts_with_ci(setting->key, strview(prefix)))
            continue;
        StrView name = strview_n(setting->key.data + sizeof(prefix) - 1, setting->key.length - sizeof(prefix) + 1);
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        variable_set(session, name, false, arena_strndup(&arena, setting->value.data, setting->value.length));
    }
}

static const FrontendConfig *find_config(StrView name)
{
    for (size_t i = 0; i < COUNT_OF(configs); i++) {
        if (strview_equal_ci(name, strview(configs[i].name)))
            return &configs[i];
    }
    return NULL;
}

Status run_set_config(StatementContext *context, const AstStatement *statement)
{
    uint32_t count = statement->properties.keys.count;
    const char **keys = ARENA_NEW_ARRAY(&context->arena, const char *, MAX(count, 1u));
    StrView *values = ARENA_NEW_ARRAY(&context->arena, StrView, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        StrView name = statement->properties.keys.items[i];
        if (find_config(name) == NULL)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Config '%.*s' does not exist or is not mutable.",
                         SV_ARGS(name));
        keys[i] = setting_key(&context->arena, "config", name);
        values[i] = statement->properties.values.items[i];
    }
    NewSettings settings = {keys, values, count};
    TRY(meta_commit(context->session->instance->store, build_settings, &settings, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}

static void put_quoted(ByteBuf *out, StrView text)
{
    bytebuf_append_char(out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\')
            bytebuf_append_char(out, '\\');
        bytebuf_append_char(out, text.data[i]);
    }
    bytebuf_append_char(out, '\'');
}

/* As a query over VALUES, so that LIKE is the LIKE of queries. */
Status show_config(StatementContext *context, const AstShow *show)
{
    AUTO_BYTEBUF sql = {0};
    bytebuf_append_text(&sql, "SELECT * FROM (VALUES ");
    for (size_t i = 0; i < COUNT_OF(configs); i++) {
        const FrontendConfig *config = &configs[i];
        StrView value = catalog_setting(context->catalog, setting_key(&context->arena, "config", strview(config->name)));
        bytebuf_printf(&sql, "%s('%s', '[]', ", i == 0 ? "" : ", ", config->name);
        put_quoted(&sql, value.data != NULL ? value : strview(config->initial));
        bytebuf_printf(&sql, ", '%s', 'true', '%s')", config->type, config->has_effect ? "" : "kept for compatibility, without effect");
    }
    bytebuf_append_text(&sql, ") t(`Key`, `AliasNames`, `Value`, `Type`, `IsMutable`, `Comment`)");
    if (show->has_pattern) {
        bytebuf_append_text(&sql, " WHERE `Key` LIKE ");
        put_quoted(&sql, show->pattern);
    }
    bytebuf_append_char(&sql, '\0');
    return run_query_text(context, (const char *)sql.data);
}
