#include "session/show_int.h"

#include "job/task_settings.h"
#include "types/number_text.h"

/* ADMIN SET FRONTEND CONFIG and ADMIN SHOW FRONTEND CONFIG: the server's own configuration, which is fixed while it runs, and
 * names that StarRocks' scripts set, which are journaled as "config.NAME". */

/* Settings of StarRocks' front end that tools and scripts set or ask for. Those without effect are kept and shown, so
 * that a script goes on, and say so. */
typedef struct FrontendConfig {
    const char *name;
    const char *initial;
    const char *type;
    const char *comment; /* NULL: without effect */
} FrontendConfig;

static const FrontendConfig configs[] = {
    {"alter_scheduler_interval_millisecond", "10000", "int", NULL},
    {"alter_table_timeout_second", "86400", "int", NULL},
    {"automated_cluster_snapshot_interval_seconds", "600", "long", "time between automated snapshots of the cluster"},
    {"auto_increment_cache_size", "100000", "int", NULL},
    {"catalog_trash_expire_second", "86400", "long", "seconds that dropped objects stay in the recycle bin"},
    {"consistency_tablet_meta_check_interval_ms", "7200000", "long", NULL},
    {"default_mv_partition_refresh_number", "1", "int", "partitions of a run of a refresh, where the view does not say"},
    {"default_mv_partition_refresh_strategy", "strict", "string", "strict: a number of partitions a run; adaptive: by their rows and bytes"},
    {"default_mv_refresh_immediate", "true", "boolean", "a materialized view is refreshed when it is made, unless it says DEFERRED"},
    {"dynamic_partition_check_interval_seconds", "600", "long", "seconds between two looks at partitions that expire"},
    {"dynamic_partition_enable", "true", "boolean", NULL},
    {"empty_load_as_error", "true", "boolean", NULL},
    {"enable_active_materialized_view_schema_strict_check", "true", "boolean", NULL},
    {"enable_colocate_mv_index", "true", "boolean", NULL},
    {"enable_experimental_rowstore", "false", "boolean", NULL},
    {"enable_materialized_view", "true", "boolean", NULL},
    {"enable_mv_automatic_active_check", "true", "boolean", "materialized views become active again by themselves"},
    {"enable_mv_automatic_inactive_by_base_table_changes", "true", "boolean", NULL},
    {"enable_mv_refresh_query_rewrite", "false", "boolean", NULL},
    {"enable_range_distribution", "false", "boolean", NULL},
    {"enable_statistic_collect", "true", "boolean", NULL},
    {"enable_sync_statistics_load", "false", "boolean", NULL},
    {"expr_children_limit", "10000", "int", NULL},
    {"expr_depth_limit", "3000", "int", NULL},
    {"label_keep_max_num", "1000", "int", NULL},
    {"label_keep_max_second", "259200", "int", "how long labels of committed loads are kept; they are not used again until then"},
    {"lake_autovacuum_grace_period_minutes", "30", "long", "minutes that an object without references is kept"},
    {"lake_compaction_max_tasks", "-1", "int", "0: segments are not merged in the background"},
    {"max_automatic_partition_number", "4096", "int", NULL},
    {"max_get_partitions_meta_result_count", "100000", "int", NULL},
    {"max_load_initial_open_partition_number", "32", "int", NULL},
    {"max_load_timeout_second", "259200", "int", NULL},
    {"max_partitions_in_one_batch", "4096", "int", NULL},
    {"materialized_view_min_refresh_interval", "60", "int", "least seconds between two refreshes of a schedule"},
    {"max_stream_load_timeout_second", "259200", "int", NULL},
    {"max_task_consecutive_fail_count", "10", "int", "refreshes that may fail one after the other before the view becomes inactive"},
    {"mv_active_checker_interval_seconds", "60", "long", "seconds between two looks at inactive materialized views"},
    {"mv_fast_schema_change_mode", "strict", "string", NULL},
    {"mv_max_bytes_per_refresh", "21474836480", "long", "bytes of base partitions that a run of an adaptive refresh reads, or one partition"},
    {"mv_max_partitions_num_per_refresh", "64", "int", "most partitions of a run of an adaptive refresh"},
    {"mv_max_rows_per_refresh", "100000000", "long", "rows of base partitions that a run of an adaptive refresh reads, or one partition"},
    {"mv_refresh_fail_on_filter_data", "true", "boolean", NULL},
    {"mv_refresh_force_partition_type", "", "string", NULL},
    {"prepared_transaction_default_timeout_second", "86400", "int", NULL},
    {"recover_with_empty_tablet", "false", "boolean", NULL},
    {"statistic_auto_collect_small_table_size", "5368709120", "long", NULL},
    {"stream_load_default_timeout_second", "600", "int", NULL},
    {"stream_load_profile_collect_interval_second", "0", "int", NULL},
    {"stream_load_profile_collect_threshold_second", "0", "int", NULL},
    {"table_keeper_interval_second", "30", "int", NULL},
    {"tablet_sched_disable_balance", "false", "boolean", NULL},
    {"thrift_server_max_worker_threads", "4096", "int", NULL},
    {"warehouse_idle_check_enable", "false", "boolean", NULL},
};

static const FrontendConfig *find_config(StrView name)
{
    for (size_t i = 0; i < COUNT_OF(configs); i++) {
        if (strview_equal_ci(name, strview(configs[i].name)))
            return &configs[i];
    }
    return NULL;
}

static const TaskSettingInfo *find_task_setting(StrView name)
{
    const TaskSettingInfo *setting;
    for (uint32_t i = 0; (setting = task_setting_at(i)) != NULL; i++) {
        if (strview_equal_ci(name, strview(setting->name)))
            return setting;
    }
    return NULL;
}

static Status check_config(StatementContext *context, StrView name, StrView value)
{
    const FrontendConfig *config = find_config(name);
    int64_t number, least = config != NULL && config->initial[0] == '-' ? -1 : 0;
    bool is_number = int64_parse(value, &number) && number >= least && number <= INT32_MAX;
    bool is_boolean = config != NULL && strcmp(config->type, "boolean") == 0;
    bool is_word = strview_equal_ci(value, STR_VIEW("true")) || strview_equal_ci(value, STR_VIEW("false"));
    if (is_boolean && config->comment != NULL && !is_word)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Config '%.*s' must be true or false, not '%.*s'.",
                     SV_ARGS(name), SV_ARGS(value));
    bool is_text = config != NULL && strcmp(config->type, "string") == 0;
    if ((find_task_setting(name) != NULL || (config != NULL && config->comment != NULL)) && !is_boolean && !is_text && !is_number)
        return RAISE(context->diag, ANALYSIS,
                     "Getting analyzing error. Detail message: Config '%.*s' must be a number from %d to %d, not '%.*s'.", SV_ARGS(name),
                     (int)least, INT32_MAX, SV_ARGS(value));
    if (find_task_setting(name) == NULL && config == NULL)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Config '%.*s' does not exist or is not mutable.",
                     SV_ARGS(name));
    return OK;
}

Status run_set_config(StatementContext *context, const AstStatement *statement)
{
    const AstStrList *names = &statement->properties.keys;
    const char **keys = ARENA_NEW_ARRAY(&context->arena, const char *, MAX(names->count, 1u));
    for (uint32_t i = 0; i < names->count; i++) {
        TRY(check_config(context, names->items[i], statement->properties.values.items[i]));
        keys[i] = setting_key(&context->arena, "config", names->items[i]);
    }
    TRY(global_settings_set(context, keys, statement->properties.values.items, names->count));
    return send_ok(context, 0, STR_VIEW(""));
}

static const SystemColumn config_columns[] = {TEXT("Key"), TEXT("AliasNames"), TEXT("Value"), TEXT("Type"), TEXT("IsMutable"), TEXT("Comment")};

static Status put_config(SystemRows *rows, const char *key, StrView value, const char *type, bool is_mutable, const char *comment)
{
    system_put_word(rows, key);
    system_put_word(rows, "[]");
    system_put_text(rows, value);
    system_put_word(rows, type);
    system_put_word(rows, is_mutable ? "true" : "false");
    system_put_word(rows, comment);
    return system_end_row(rows);
}

/* What the server was started with, until it is set. */
static StrView configured(const Instance *instance, const FrontendConfig *config)
{
    const char *key, *value, *initial;
    for (uint32_t i = 0; instance->config_at != NULL && instance->config_at(instance->config, i, &key, &value, &initial); i++) {
        if (strcmp(key, config->name) == 0)
            return strview(value);
    }
    return strview(config->initial);
}

static Status produce_config(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const Instance *instance = context->session->instance;
    const char *key, *value, *initial;
    for (uint32_t i = 0; instance->config_at != NULL && instance->config_at(instance->config, i, &key, &value, &initial); i++) {
        if (find_config(strview(key)) == NULL)
            TRY(put_config(rows, key, strview(value), "string", false, ""));
    }
    const TaskSettingInfo *setting;
    for (uint32_t i = 0; (setting = task_setting_at(i)) != NULL; i++) {
        StrView set = catalog_setting(context->catalog, setting_key(&context->arena, "config", strview(setting->name)));
        TRY(put_config(rows, setting->name, set.data != NULL ? set : strview(setting->initial), "int", true, setting->comment));
    }
    for (size_t i = 0; i < COUNT_OF(configs); i++) {
        StrView set = catalog_setting(context->catalog, setting_key(&context->arena, "config", strview(configs[i].name)));
        TRY(put_config(rows, configs[i].name, set.data != NULL ? set : configured(instance, &configs[i]), configs[i].type, true,
                       configs[i].comment != NULL ? configs[i].comment : "kept for compatibility, without effect"));
    }
    return OK;
}

static const ShowForm forms[] = {
    {"FRONTEND CONFIG", {"", SYSTEM_COLUMNS(config_columns), produce_config}, 0, NULL},
};

const ShowForms show_config_forms = {forms, COUNT_OF(forms)};
