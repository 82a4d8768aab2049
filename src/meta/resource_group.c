#include "meta/resource_group.h"

/* Records are JSON objects; what a group does not set is not in it. */

#include <jansson.h>
#include <math.h>

#include "meta/record_json.h"
#include "types/number_text.h"

static const char GROUPS[] = "resource_group";

enum { EXACT_PREFIX = 31 }; /* a network of one or two addresses counts alike */

/* ---- parts ---- */

static bool bound_parse(StrView text, double *out)
{
    text = strview_trim(text);
    if (strview_equal_ci(text, STR_VIEW("infinity")) || strview_equal_ci(text, STR_VIEW("-infinity"))) {
        *out = text.data[0] == '-' ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    return text.length > 0 && double_parse(text, out) && !isnan(*out);
}

bool cost_range_parse(StrView text, CostRange *out)
{
    text = strview_trim(text);
    size_t comma = strview_find(text, STR_VIEW(","));
    if (text.length < 5 || comma == SIZE_MAX || text.data[0] != '[' || text.data[text.length - 1] != ')')
        return false;
    *out = (CostRange){.is_set = true};
    return bound_parse(strview_n(text.data + 1, comma - 1), &out->min) &&
           bound_parse(strview_n(text.data + comma + 1, text.length - comma - 2), &out->max) && out->min < out->max;
}

/* A whole number has one digit behind the point. */
void group_number_print(double value, ByteBuf *out)
{
    if (isinf(value))
        bytebuf_append_text(out, value < 0 ? "-Infinity" : "Infinity");
    else if (value == floor(value) && fabs(value) < 1e7)
        bytebuf_printf(out, "%.1f", value);
    else
        double_print(value, out);
}

void cost_range_print(const CostRange *range, ByteBuf *out)
{
    bytebuf_append_char(out, '[');
    group_number_print(range->min, out);
    bytebuf_append_text(out, ", ");
    group_number_print(range->max, out);
    bytebuf_append_char(out, ')');
}

bool ip_address_parse(StrView text, uint32_t *out)
{
    uint32_t parts = 0, digits = 0, part = 0;
    *out = 0;
    for (size_t i = 0; i < text.length && text.data[i] != ':'; i++) {
        char c = text.data[i];
        if (c == '.' && digits > 0 && parts < 3) {
            *out = *out << 8 | part;
            parts++;
            digits = part = 0;
        } else if (c >= '0' && c <= '9' && digits < 3) {
            part = part * 10 + (uint32_t)(c - '0');
            digits++;
        } else {
            return false;
        }
        if (part > 255)
            return false;
    }
    *out = *out << 8 | part;
    return parts == 3 && digits > 0;
}

bool source_ip_parse(StrView text, uint32_t *out_network, uint32_t *out_mask)
{
    size_t slash = strview_find(text, STR_VIEW("/"));
    int64_t bits;
    uint32_t address;
    if (slash == SIZE_MAX || !int64_parse(strview_n(text.data + slash + 1, text.length - slash - 1), &bits) || bits < 0 || bits > 32)
        return false;
    *out_mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
    if (!ip_address_parse(strview_n(text.data, slash), &address))
        return false;
    *out_network = address & *out_mask;
    return true;
}

/* ---- classification ---- */

static bool has_role(const NameList *roles, StrView role)
{
    for (uint32_t i = 0; roles != NULL && i < roles->count; i++) {
        if (strview_equal(roles->items[i], role))
            return true;
    }
    return false;
}

bool classifier_is_visible(const GroupClassifier *classifier, const GroupSubject *subject)
{
    if (classifier->user.length > 0 && !strview_equal(classifier->user, subject->user))
        return false;
    if (classifier->role.length > 0 && !has_role(subject->roles, classifier->role))
        return false;
    return classifier->source_ip.length == 0 || (subject->has_address && (subject->address & classifier->mask) == classifier->network);
}

double classifier_weight(const GroupClassifier *classifier)
{
    double weight =
        (classifier->user.length > 0) + (classifier->role.length > 0) + classifier->cpu_cost.is_set + classifier->mem_cost.is_set;
    if (classifier->query_types != 0)
        weight += 1 + 0.1 / __builtin_popcount(classifier->query_types);
    int prefix = __builtin_popcount(classifier->mask);
    if (classifier->source_ip.length > 0)
        weight += 1 + (MIN(prefix, (int)EXACT_PREFIX) - 1) / 64.0;
    return weight + 10.0 * classifier->database_count;
}

/* ---- groups ---- */

void resource_group_init(ResourceGroupDef *group, StrView name)
{
    *group = (ResourceGroupDef){.name = name,
                                .cpu_weight = -1,
                                .exclusive_cpu_cores = -1,
                                .max_cpu_cores = -1,
                                .mem_limit = -1,
                                .big_query_mem_limit = -1,
                                .big_query_scan_rows_limit = -1,
                                .big_query_cpu_second_limit = -1,
                                .concurrency_limit = -1,
                                .spill_mem_limit_threshold = -1};
}

bool resource_group_is_builtin(StrView name)
{
    return strview_is(name, DEFAULT_GROUP) || strview_is(name, DEFAULT_MV_GROUP);
}

int64_t resource_group_exclusive(const ResourceGroupDef *group)
{
    if (group->exclusive_cpu_cores > 0)
        return group->exclusive_cpu_cores;
    return group->type == GROUP_SHORT_QUERY ? MAX(group->cpu_weight, 0) : 0;
}

int64_t resource_group_weight(const ResourceGroupDef *group)
{
    return group->exclusive_cpu_cores > 0 ? 0 : MAX(group->cpu_weight, 0);
}

bool resource_group_has_pool(const ResourceGroupDef *group)
{
    return group->mem_pool.length > 0 && !strview_is(group->mem_pool, DEFAULT_MEM_POOL);
}

/* ---- writing ---- */

static void put_number(json_t *object, const char *key, int64_t value)
{
    if (value >= 0)
        json_object_set_new(object, key, json_integer(value));
}

static void put_text(json_t *object, const char *key, StrView value)
{
    if (value.length > 0)
        json_object_set_new(object, key, record_text_json(value));
}

static void put_range(json_t *object, const char *key, const CostRange *range)
{
    AUTO_BYTEBUF text = {0};
    if (!range->is_set)
        return;
    cost_range_print(range, &text);
    put_text(object, key, bytebuf_view(&text));
}

static json_t *classifier_json(const GroupClassifier *classifier)
{
    json_t *object = json_object(), *databases = json_array();
    json_object_set_new(object, "id", json_integer((json_int_t)classifier->id));
    put_text(object, "user", classifier->user);
    put_text(object, "role", classifier->role);
    put_text(object, "source_ip", classifier->source_ip);
    put_number(object, "query_types", classifier->query_types);
    put_range(object, "plan_cpu_cost_range", &classifier->cpu_cost);
    put_range(object, "plan_mem_cost_range", &classifier->mem_cost);
    for (uint32_t i = 0; i < classifier->database_count; i++)
        json_array_append_new(databases, json_integer((json_int_t)classifier->database_ids[i]));
    json_object_set_new(object, "databases", databases);
    return object;
}

void change_put_resource_group(Change *change, const ResourceGroupDef *group)
{
    AUTO_BYTEBUF text = {0};
    json_t *object = json_object(), *classifiers = json_array();
    put_number(object, "id", (int64_t)group->id);
    put_number(object, "type", (int64_t)group->type);
    put_number(object, "cpu_weight", group->cpu_weight);
    put_number(object, "exclusive_cpu_cores", group->exclusive_cpu_cores);
    put_number(object, "max_cpu_cores", group->max_cpu_cores);
    json_object_set_new(object, "mem_limit", json_real(group->mem_limit));
    put_text(object, "mem_pool", group->mem_pool);
    put_number(object, "big_query_mem_limit", group->big_query_mem_limit);
    put_number(object, "big_query_scan_rows_limit", group->big_query_scan_rows_limit);
    put_number(object, "big_query_cpu_second_limit", group->big_query_cpu_second_limit);
    put_number(object, "concurrency_limit", group->concurrency_limit);
    if (group->spill_mem_limit_threshold > 0)
        json_object_set_new(object, "spill_mem_limit_threshold", json_real(group->spill_mem_limit_threshold));
    for (uint32_t i = 0; i < group->classifier_count; i++)
        json_array_append_new(classifiers, classifier_json(&group->classifiers[i]));
    json_object_set_new(object, "classifiers", classifiers);
    record_print(object, &text);
    change_put_record(change, GROUPS, group->name, bytebuf_view(&text));
}

void change_drop_resource_group(Change *change, StrView name)
{
    change_drop_record(change, GROUPS, name);
}

/* ---- reading ---- */

static int64_t get_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static double get_real(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : -1;
}

static uint32_t get_choice(const json_t *object, const char *key)
{
    int64_t value = get_number(object, key);
    return value < 0 || value > UINT32_MAX ? 0 : (uint32_t)value;
}

static void get_classifier(const json_t *object, Arena *arena, GroupClassifier *out)
{
    const json_t *databases = json_object_get(object, "databases");
    uint32_t count = (uint32_t)json_array_size(databases);
    *out = (GroupClassifier){.id = (uint64_t)record_number(object, "id"),
                             .user = record_text(object, "user", arena),
                             .role = record_text(object, "role", arena),
                             .source_ip = record_text(object, "source_ip", arena),
                             .query_types = get_choice(object, "query_types")};
    if (!source_ip_parse(out->source_ip, &out->network, &out->mask))
        out->source_ip = STR_VIEW("");
    (void)cost_range_parse(record_text(object, "plan_cpu_cost_range", arena), &out->cpu_cost);
    (void)cost_range_parse(record_text(object, "plan_mem_cost_range", arena), &out->mem_cost);
    out->database_ids = ARENA_NEW_ARRAY(arena, uint64_t, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        out->database_ids[out->database_count++] = (uint64_t)json_integer_value(json_array_get(databases, i));
}

static bool read_group(StrView name, StrView text, Arena *arena, ResourceGroupDef *out)
{
    json_t *object = text.data == NULL ? NULL : json_loadb(text.data, text.length, 0, NULL);
    resource_group_init(out, strview_n(arena_strndup(arena, name.data, name.length), name.length));
    const json_t *classifiers = json_object_get(object, "classifiers");
    uint32_t count = (uint32_t)json_array_size(classifiers);
    out->id = (uint64_t)record_number(object, "id");
    out->type = (GroupType)get_choice(object, "type");
    out->cpu_weight = get_number(object, "cpu_weight");
    out->exclusive_cpu_cores = get_number(object, "exclusive_cpu_cores");
    out->max_cpu_cores = get_number(object, "max_cpu_cores");
    out->mem_limit = get_real(object, "mem_limit");
    out->mem_pool = record_text(object, "mem_pool", arena);
    out->big_query_mem_limit = get_number(object, "big_query_mem_limit");
    out->big_query_scan_rows_limit = get_number(object, "big_query_scan_rows_limit");
    out->big_query_cpu_second_limit = get_number(object, "big_query_cpu_second_limit");
    out->concurrency_limit = get_number(object, "concurrency_limit");
    out->spill_mem_limit_threshold = get_real(object, "spill_mem_limit_threshold");
    out->classifiers = ARENA_NEW_ARRAY(arena, GroupClassifier, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        get_classifier(json_array_get(classifiers, i), arena, &out->classifiers[out->classifier_count++]);
    json_decref(object);
    return out->id != 0;
}

static void init_builtin(ResourceGroupDef *out, StrView name, uint32_t cores)
{
    resource_group_init(out, name);
    bool is_default = strview_is(name, DEFAULT_GROUP);
    out->id = is_default ? DEFAULT_GROUP_ID : DEFAULT_MV_GROUP_ID;
    out->cpu_weight = is_default ? cores : 1;
    out->mem_limit = is_default ? 1 : 0.8;
    out->spill_mem_limit_threshold = is_default ? -1 : 0.8;
}

bool resource_group_find(const CatalogSnapshot *catalog, StrView name, uint32_t cores, Arena *arena, ResourceGroupDef *out)
{
    StrView record = catalog_record(catalog, GROUPS, name);
    if (record.data != NULL)
        return read_group(name, record, arena, out);
    if (!resource_group_is_builtin(name))
        return false;
    init_builtin(out, strview_is(name, DEFAULT_GROUP) ? STR_VIEW(DEFAULT_GROUP) : STR_VIEW(DEFAULT_MV_GROUP), cores);
    return true;
}

typedef struct AllGroups {
    Arena *arena;
    ResourceGroupDef *items;
    uint32_t count;
} AllGroups;

static void add_group(void *context, StrView key, StrView value)
{
    AllGroups *all = context;
    all->count += read_group(key, value, all->arena, &all->items[all->count]);
}

static int by_name(const void *a, const void *b)
{
    return strview_compare(((const ResourceGroupDef *)a)->name, ((const ResourceGroupDef *)b)->name);
}

uint32_t resource_group_all(const CatalogSnapshot *catalog, uint32_t cores, Arena *arena, ResourceGroupDef **out)
{
    static const StrView builtin[] = {{DEFAULT_GROUP, sizeof(DEFAULT_GROUP) - 1}, {DEFAULT_MV_GROUP, sizeof(DEFAULT_MV_GROUP) - 1}};
    uint32_t room = catalog_record_count(catalog, GROUPS) + COUNT_OF(builtin);
    AllGroups all = {arena, ARENA_NEW_ARRAY(arena, ResourceGroupDef, room), 0};
    catalog_each_record(catalog, GROUPS, add_group, &all);
    for (size_t i = 0; i < COUNT_OF(builtin); i++) {
        if (catalog_record(catalog, GROUPS, builtin[i]).data == NULL)
            init_builtin(&all.items[all.count++], builtin[i], cores);
    }
    qsort(all.items, all.count, sizeof(*all.items), by_name);
    *out = all.items;
    return all.count;
}
