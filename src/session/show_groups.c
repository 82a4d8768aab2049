#include "session/show_int.h"

/* SHOW [VERBOSE] RESOURCE GROUP name, GROUPS [ALL]: a row a classifier. Without ALL, those that are about the user. */

#include "meta/resource_group.h"

static const SystemColumn groups_columns[] = {TEXT("name"),
                                              TEXT("id"),
                                              TEXT("cpu_weight"),
                                              TEXT("exclusive_cpu_cores"),
                                              TEXT("mem_limit"),
                                              TEXT("big_query_cpu_second_limit"),
                                              TEXT("big_query_scan_rows_limit"),
                                              TEXT("big_query_mem_limit"),
                                              TEXT("concurrency_limit"),
                                              TEXT("spill_mem_limit_threshold"),
                                              TEXT("classifiers")};
static const SystemColumn verbose_columns[] = {TEXT("name"),
                                               TEXT("id"),
                                               TEXT("cpu_weight"),
                                               TEXT("exclusive_cpu_cores"),
                                               TEXT("mem_limit"),
                                               TEXT("max_cpu_cores"),
                                               TEXT("big_query_cpu_second_limit"),
                                               TEXT("big_query_scan_rows_limit"),
                                               TEXT("big_query_mem_limit"),
                                               TEXT("concurrency_limit"),
                                               TEXT("spill_mem_limit_threshold"),
                                               TEXT("type"),
                                               TEXT("classifiers"),
                                               TEXT("mem_pool")};

static const SystemColumn usage_columns[] = {
    TEXT("Name"), TEXT("Id"), TEXT("Backend"), TEXT("BEInUseCpuCores"), TEXT("BEInUseMemBytes"), TEXT("BERunningQueries")};

static void print_databases(const CatalogSnapshot *catalog, const GroupClassifier *classifier, ByteBuf *out)
{
    bytebuf_append_text(out, ", db='");
    for (uint32_t i = 0; i < classifier->database_count; i++) {
        const CatalogDatabase *database = catalog_database_by_id(catalog, classifier->database_ids[i]);
        bytebuf_append_text(out, i == 0 ? "" : ",");
        bytebuf_append_view(out, database == NULL ? STR_VIEW("unknown") : database->name);
    }
    bytebuf_append_char(out, '\'');
}

static void print_range(const char *name, const CostRange *range, ByteBuf *out)
{
    if (!range->is_set)
        return;
    bytebuf_printf(out, ", %s=", name);
    cost_range_print(range, out);
}

static void print_classifier(const CatalogSnapshot *catalog, const GroupClassifier *classifier, ByteBuf *out)
{
    static const char *const types[] = {"", "SELECT", "INSERT", "INSERT, SELECT"};
    bytebuf_printf(out, "(id=%llu, weight=", (unsigned long long)classifier->id);
    group_number_print(classifier_weight(classifier), out);
    if (classifier->user.length > 0)
        bytebuf_printf(out, ", user=%.*s", SV_ARGS(classifier->user));
    if (classifier->role.length > 0)
        bytebuf_printf(out, ", role=%.*s", SV_ARGS(classifier->role));
    if (classifier->query_types != 0)
        bytebuf_printf(out, ", query_type in (%s)", types[classifier->query_types & 3]);
    if (classifier->database_count > 0)
        print_databases(catalog, classifier, out);
    if (classifier->source_ip.length > 0)
        bytebuf_printf(out, ", source_ip=%.*s", SV_ARGS(classifier->source_ip));
    print_range("plan_cpu_cost_range", &classifier->cpu_cost, out);
    print_range("plan_mem_cost_range", &classifier->mem_cost, out);
    bytebuf_append_char(out, ')');
}

static StrView kept(const SystemSource *source, ByteBuf *text)
{
    StrView copy = strview_n(arena_strndup(source->arena, text->data, text->length), text->length);
    bytebuf_clear(text);
    return copy;
}

static void put_count(const SystemSource *source, SystemRows *rows, int64_t value, const char *missing)
{
    system_put_text(rows, value < 0 ? strview(missing) : show_text(show_context(source), "%lld", (long long)value));
}

/* As a decimal of at most two digits. */
static StrView percent(const SystemSource *source, double share)
{
    StrView text = show_text(show_context(source), "%.2f", share * 100);
    while (text.data[text.length - 1] == '0')
        text.length--;
    text.length -= text.data[text.length - 1] == '.';
    return show_text(show_context(source), "%.*s%%", SV_ARGS(text));
}

static Status put_group(const SystemSource *source, SystemRows *rows, const ResourceGroupDef *group, const GroupClassifier *classifier)
{
    static const char *const types[] = {"NORMAL", "SHORT_QUERY", "MV"};
    AUTO_BYTEBUF text = {0};
    bool is_verbose = show_context(source)->show->is_verbose;
    system_put_text(rows, group->name);
    put_count(source, rows, (int64_t)group->id, "");
    put_count(source, rows, resource_group_weight(group), "0");
    put_count(source, rows, resource_group_exclusive(group), "0");
    group_number_print(group->mem_limit * 100, &text);
    bytebuf_append_char(&text, '%');
    system_put_text(rows, kept(source, &text));
    if (is_verbose)
        put_count(source, rows, group->max_cpu_cores, "null");
    put_count(source, rows, group->big_query_cpu_second_limit, "0");
    put_count(source, rows, group->big_query_scan_rows_limit, "0");
    put_count(source, rows, group->big_query_mem_limit, "0");
    put_count(source, rows, group->concurrency_limit, "null");
    system_put_text(rows, percent(source, group->spill_mem_limit_threshold > 0 ? group->spill_mem_limit_threshold : 1));
    if (is_verbose)
        system_put_word(rows, types[group->type % COUNT_OF(types)]);
    print_classifier(source->catalog, classifier, &text);
    system_put_text(rows, kept(source, &text));
    if (is_verbose)
        system_put_text(rows, resource_group_has_pool(group) ? group->mem_pool : STR_VIEW(DEFAULT_MEM_POOL));
    return system_end_row(rows);
}

static Status put_all_of(const SystemSource *source, SystemRows *rows, const ResourceGroupDef *group)
{
    static const GroupClassifier none = {0};
    if (group->classifier_count == 0)
        return put_group(source, rows, group, &none);
    for (uint32_t i = 0; i < group->classifier_count; i++)
        TRY(put_group(source, rows, group, &group->classifiers[i]));
    return OK;
}

static Status produce_group(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    StrView name = context->show->name.parts[0];
    ResourceGroupDef group;
    if (!resource_group_find(context->catalog, name, exec_pool_threads(context->session->instance->pool), &context->arena, &group))
        return RAISE(context->diag, NO_SUCH_RESOURCE_GROUP, "Unknown resource group '%.*s' ", SV_ARGS(name));
    return put_all_of(source, rows, &group);
}

static Status produce_groups(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const Session *session = context->session;
    ResourceGroupDef *groups;
    bool lists_all = strview_find(context->show->what, STR_VIEW("GROUPS ALL")) != SIZE_MAX;
    uint32_t count = resource_group_all(context->catalog, exec_pool_threads(session->instance->pool), &context->arena, &groups);
    GroupSubject user = {.user = strview(session->user), .roles = access_active_roles(context->rights)};
    user.has_address = ip_address_parse(strview(session->host), &user.address);
    for (uint32_t g = 0; g < count; g++) {
        if (lists_all)
            TRY(put_all_of(source, rows, &groups[g]));
        for (uint32_t i = 0; i < groups[g].classifier_count && !lists_all; i++) {
            if (classifier_is_visible(&groups[g].classifiers[i], &user))
                TRY(put_group(source, rows, &groups[g], &groups[g].classifiers[i]));
        }
    }
    return OK;
}

static Status run_groups(StatementContext *context, const AstStatement *statement)
{
    bool is_one = strview_is(context->show->what, "RESOURCE GROUP");
    Status (*produce)(const SystemSource *source, SystemRows *rows) = is_one ? produce_group : produce_groups;
    SystemTable plain = {"rows", SYSTEM_COLUMNS(groups_columns), produce}, verbose = {"rows", SYSTEM_COLUMNS(verbose_columns), produce};
    return show_rows(context, statement, context->show->is_verbose ? &verbose : &plain, is_one ? SHOW_NO_PATTERN : 0);
}

static const ShowForm forms[] = {
    {"RESOURCE GROUP", {0}, 0, run_groups},
    {"RESOURCE GROUPS", {0}, 0, run_groups},
    {"RESOURCE GROUPS ALL", {0}, 0, run_groups},
    {"USAGE RESOURCE GROUPS", {"", SYSTEM_COLUMNS(usage_columns), NULL}, SHOW_NO_PATTERN, NULL},
};

const ShowForms show_group_forms = {forms, COUNT_OF(forms)};
