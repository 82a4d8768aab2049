#include "session/mv_int.h"

/* PROPERTIES of materialized views: each has an effect, or is of a kind that a cluster without replicas and resource groups has
 * one value of. */

#include "load/partition_step.h"
#include "mv/query_views.h"
#include "mv/retention.h"
#include "types/number_text.h"

typedef enum PropertyKind {
    PROPERTY_ANY,
    PROPERTY_NUMBER,     /* -1 or more than 0 */
    PROPERTY_STALENESS,  /* 0 or more */
    PROPERTY_BASES,      /* a list of bases */
    PROPERTY_BOOLEAN,
    PROPERTY_RANGE_ONLY, /* of views with ranges of partitions */
    PROPERTY_WORD,       /* one of words */
    PROPERTY_SECONDS,    /* -1 or more */
    PROPERTY_CONDITION,  /* over the partition columns */
} PropertyKind;

typedef struct PropertyRule {
    const char *name;
    uint8_t kind; /* PropertyKind */
    const char *words; /* PROPERTY_WORD: " a b " */
    bool is_fixed; /* ALTER does not change it */
} PropertyRule;

static const PropertyRule rules[] = {
    {"partition_refresh_number", PROPERTY_NUMBER, NULL, false},
    {"auto_refresh_partitions_limit", PROPERTY_NUMBER, NULL, false},
    {"partition_ttl_number", PROPERTY_NUMBER, NULL, false},
    {"partition_ttl", PROPERTY_RANGE_ONLY, NULL, false},
    {"partition_retention_condition", PROPERTY_CONDITION, NULL, false},
    {"partition_refresh_strategy", PROPERTY_WORD, " strict adaptive ", false},
    {"excluded_trigger_tables", PROPERTY_BASES, NULL, false},
    {"excluded_refresh_tables", PROPERTY_BASES, NULL, false},
    {"mv_rewrite_staleness_second", PROPERTY_STALENESS, NULL, false},
    {"query_rewrite_consistency", PROPERTY_WORD, " disable checked nocheck loose force_mv ", false},
    {"force_external_table_query_rewrite", PROPERTY_WORD, " true false disable checked nocheck loose force_mv ", false},
    {"enable_query_rewrite", PROPERTY_WORD, " true false default ", false},
    {"transparent_mv_rewrite_mode", PROPERTY_WORD, " true false transparent_or_error transparent_or_default ", false},
    {"unique_constraints", PROPERTY_ANY, NULL, false},
    {"foreign_key_constraints", PROPERTY_ANY, NULL, false},
    {"resource_group", PROPERTY_ANY, NULL, false},
    {"warehouse", PROPERTY_ANY, NULL, false},
    {"mv_randomize_start", PROPERTY_SECONDS, NULL, true},
    {"refresh_mode", PROPERTY_WORD, " pct auto ", false},
    {"bloom_filter_columns", PROPERTY_ANY, NULL, true},
    {"bloom_filter_fpp", PROPERTY_ANY, NULL, true},
    {"colocate_with", PROPERTY_ANY, NULL, false},
    {"mv_sort_keys", PROPERTY_ANY, NULL, false},
    {"replication_num", PROPERTY_NUMBER, NULL, false},
    {"storage_medium", PROPERTY_WORD, " hdd ssd ", false},
    {"storage_cooldown_time", PROPERTY_ANY, NULL, false},
    {"storage_volume", PROPERTY_ANY, NULL, true},
    {"enable_async_write_back", PROPERTY_BOOLEAN, NULL, false},
    {"compression", PROPERTY_ANY, NULL, true},
    {"labels.location", PROPERTY_ANY, NULL, false},
    {"replicated_storage", PROPERTY_BOOLEAN, NULL, true},
    {"analyze_for_mv", PROPERTY_ANY, NULL, false},
};

static const PropertyRule *rule_of(StrView key)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        if (strview_equal_ci(key, strview(rules[i].name)))
            return &rules[i];
    }
    return NULL;
}

static Status check_number(StatementContext *context, StrView key, StrView value, bool allows_zero)
{
    int64_t number;
    bool is_number = int64_parse(strview_trim(value), &number);
    if (is_number && (number > 0 || (number == -1 && !allows_zero) || (number == 0 && allows_zero)))
        return OK;
    return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Illegal %.*s: %.*s.", SV_ARGS(key), SV_ARGS(value));
}

/* "2 MONTH" */
static Status check_ttl(StatementContext *context, StrView key, StrView value)
{
    StrView text = strview_trim(value);
    size_t blank = strview_find(text, STR_VIEW(" "));
    int64_t count;
    StepUnit unit;
    if (text.length == 0)
        return OK;
    if (blank != SIZE_MAX && int64_parse(strview_n(text.data, blank), &count) && count > 0 && count <= INT32_MAX &&
        step_unit_parse(strview_trim(strview_n(text.data + blank, text.length - blank)), &unit))
        return OK;
    return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid %.*s: '%.*s' is no number of MINUTE, HOUR, DAY, WEEK, MONTH, "
                 "QUARTER or YEAR.", SV_ARGS(key), SV_ARGS(value));
}

static Status check_seconds(StatementContext *context, StrView key, StrView value)
{
    int64_t number;
    if (int64_parse(strview_trim(value), &number) && number >= -1 && number <= INT32_MAX)
        return OK;
    return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Illegal %.*s: %.*s.", SV_ARGS(key), SV_ARGS(value));
}

static Status check_condition(StatementContext *context, const TableSchema *schema, StrView value)
{
    MvRetention *retention;
    if (value.length == 0)
        return OK;
    return mv_retention_bind(context->catalog, schema, value, &context->arena, &context->func, context->diag, &retention);
}

/* session.NAME: of a refresh, which takes some of them; names that are no variables are mistakes. */
static Status check_variable(StatementContext *context, StrView key, StrView value)
{
    static const char *const numbers[] = {"query_timeout", "insert_timeout", "query_mem_limit"};
    StrView name = strview_n(key.data + strlen("session."), key.length - strlen("session."));
    int64_t number;
    if (!variable_is_known(name))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Unknown system variable '%.*s'.", SV_ARGS(name));
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        if (strview_equal_ci(name, strview(numbers[i])) && (!int64_parse(strview_trim(value), &number) || number < 0))
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Incorrect argument type to variable '%s'.", numbers[i]);
    }
    return variable_check(name, value, context->diag);
}

static bool is_base(const MvDefinition *definition, StrView item)
{
    for (uint32_t b = 0; b < definition->base_count; b++) {
        if (mv_list_names(item, definition->bases[b].database, definition->bases[b].name))
            return true;
    }
    return false;
}

/* An unqualified name is stored with its database where it names one base alone. */
static Status check_bases(StatementContext *context, const MvDefinition *definition, StrView value, StrView view, StrView *out)
{
    AUTO_BYTEBUF stored = {0};
    while (value.length > 0) {
        size_t comma = strview_find(value, STR_VIEW(","));
        size_t length = comma == SIZE_MAX ? value.length : comma;
        StrView item = strview_trim(strview_n(value.data, length));
        const MvBase *only = NULL;
        if (item.length > 0 && !is_base(definition, item))
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: %.*s is not base table of materialized view %.*s.",
                         SV_ARGS(item), SV_ARGS(view));
        for (uint32_t b = 0; b < definition->base_count && strview_find(item, STR_VIEW(".")) == SIZE_MAX; b++) {
            if (strview_equal(definition->bases[b].name, item) && (only == NULL || strview_equal(definition->bases[b].database, context->analyze.database)))
                only = &definition->bases[b];
        }
        if (item.length > 0 && only != NULL)
            bytebuf_printf(&stored, "%s%.*s.%.*s", stored.length > 0 ? "," : "", SV_ARGS(only->database), SV_ARGS(only->name));
        else if (item.length > 0)
            bytebuf_printf(&stored, "%s%.*s", stored.length > 0 ? "," : "", SV_ARGS(item));
        length = MIN(length + 1, value.length);
        value = strview_n(value.data + length, value.length - length);
    }
    *out = strview_n(arena_strndup(&context->arena, stored.data == NULL ? "" : stored.data, stored.length), stored.length);
    return OK;
}

static Status check_word(StatementContext *context, const PropertyRule *rule, StrView value)
{
    char *word = arena_printf(&context->arena, " %.*s ", SV_ARGS(value));
    for (char *c = word; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    if (strview_find(strview(rule->words), strview(word)) != SIZE_MAX)
        return OK;
    return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid %s: %.*s.", rule->name, SV_ARGS(value));
}

static Status check_property(StatementContext *context, const MvDefinition *definition, const TableSchema *schema, StrView key, StrView *value,
                             bool is_create, StrView view)
{
    const PropertyRule *rule = rule_of(key);
    if (strview_starts_with_ci(key, STR_VIEW("session.")))
        return check_variable(context, key, *value);
    if (strview_starts_with_ci(key, STR_VIEW("datacache.")))
        return OK;
    if (rule == NULL)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Analyze materialized properties failed because unknown "
                     "properties: {%.*s=%.*s}. Please add `session.` prefix if you want add session variables for mv(eg, "
                                  "\"session.insert_timeout\"=\"30000000\").",
                     SV_ARGS(key), SV_ARGS(*value));
    if (rule->is_fixed && !is_create)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Modify failed because unsupported properties: %.*s.", SV_ARGS(key));
    bool needs_range = rule->kind == PROPERTY_RANGE_ONLY || strcmp(rule->name, "partition_ttl_number") == 0;
    if (needs_range && schema->scheme != PARTITION_RANGE)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: %s is only supported for range partitioned materialized "
                     "view.", rule->name);
    if (strcmp(rule->name, "auto_refresh_partitions_limit") == 0 && definition->scheme == MV_MANUAL && !is_create)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: The auto_refresh_partitions_limit property does not support "
                     "manual refresh mode.");
    switch ((PropertyKind)rule->kind) {
    case PROPERTY_NUMBER:
        return check_number(context, key, *value, false);
    case PROPERTY_STALENESS:
        return check_number(context, key, *value, true);
    case PROPERTY_SECONDS:
        return check_seconds(context, key, *value);
    case PROPERTY_CONDITION:
        return check_condition(context, schema, *value);
    case PROPERTY_RANGE_ONLY:
        return check_ttl(context, key, *value);
    case PROPERTY_BASES:
        return check_bases(context, definition, *value, view, value);
    case PROPERTY_WORD:
        return check_word(context, rule, *value);
    default:
        return OK;
    }
}

Status mv_read_properties(StatementContext *context, const AstProperties *ast, TableSchema *schema, bool is_create, StrView view, MvDefinition *out)
{
    StrView *values = ARENA_NEW_ARRAY(&context->arena, StrView, MAX(ast->keys.count, 1u));
    for (uint32_t i = 0; i < ast->keys.count; i++) {
        values[i] = ast->values.items[i];
        TRY(check_property(context, out, schema, ast->keys.items[i], &values[i], is_create, view));
    }
    for (uint32_t i = 0; i < ast->keys.count; i++) {
        mv_set_property(out, &context->arena, ast->keys.items[i], values[i]);
        if (strview_equal_ci(ast->keys.items[i], STR_VIEW("enable_query_rewrite")) && strview_equal_ci(values[i], STR_VIEW("true")))
            TRY(mv_need_rewritable(context->catalog, schema, &context->func, &context->arena, context->diag));
    }
    return OK;
}
