#include "session/session_int.h"

/* CREATE, ALTER and DROP RESOURCE GROUP. What a statement says is read before the commit; whether it fits to the groups that are
 * there is decided inside of it, against the newest catalog. */

#include "meta/resource_group.h"
#include "sql/unparse.h"
#include "types/number_text.h"

#define MESSAGE "Getting analyzing error. Detail message: "

typedef struct GroupChange {
    StatementContext *context;
    const AstCommand *command;
    ResourceGroupDef said; /* properties and classifiers of the statement */
    uint32_t property_count;
    uint32_t cores;
} GroupChange;

/* ---- classifiers ---- */

static Status illegal(const AstExpr *expr, const char *specifier, const char *more, Diag *diag)
{
    AUTO_BYTEBUF text = {0};
    sql_print_expr(expr, &text);
    if (specifier == NULL)
        return RAISE(diag, ANALYSIS, MESSAGE "Illegal classifier specifier: '%.*s'.", SV_ARGS(bytebuf_view(&text)));
    return RAISE(diag, ANALYSIS, MESSAGE "Illegal classifier specifier '%s': '%.*s'%s.", specifier, SV_ARGS(bytebuf_view(&text)), more);
}

static bool is_word(StrView name, const char *others)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!is_letter && strchr(others, c) == NULL)
            return false;
    }
    return name.length > 0;
}

static Status read_databases(const GroupChange *change, const AstExpr *expr, StrView names, GroupClassifier *out)
{
    StatementContext *context = change->context;
    uint32_t room = 1;
    for (size_t i = 0; i < names.length; i++)
        room += names.data[i] == ',';
    out->database_ids = ARENA_NEW_ARRAY(&context->arena, uint64_t, room);
    while (out->database_count < room) {
        size_t comma = strview_find(names, STR_VIEW(","));
        StrView name = strview_trim(strview_n(names.data, comma == SIZE_MAX ? names.length : comma));
        const CatalogDatabase *database = catalog_database(context->catalog, name);
        if (name.length == 0)
            return illegal(expr, "db", "", context->diag);
        if (database == NULL)
            return RAISE(context->diag, ANALYSIS, MESSAGE "Specified database not exists: %.*s.", SV_ARGS(name));
        out->database_ids[out->database_count++] = database->id;
        if (comma != SIZE_MAX)
            names = strview_n(names.data + comma + 1, names.length - comma - 1);
    }
    return OK;
}

static Status read_range(const AstExpr *expr, const char *name, StrView value, Diag *diag, CostRange *out)
{
    if (cost_range_parse(value, out))
        return OK;
    return illegal(expr, name,
                   ", and the format must be '[min, max)' where min and max are double (including infinity and -infinity) "
                   "and min must be less than max",
                   diag);
}

static Status read_equality(const GroupChange *change, const AstExpr *expr, GroupClassifier *out)
{
    Diag *diag = change->context->diag;
    const AstExpr *left = expr->arguments.items[0], *right = expr->arguments.items[1];
    if (left->kind != AST_NAME || left->name.count != 1 || right->kind != AST_STRING)
        return illegal(expr, NULL, "", diag);
    StrView key = left->name.parts[0], value = right->text;
    if (strview_equal_ci(key, STR_VIEW("user"))) {
        out->user = value;
        return is_word(value, "/.-") ? OK : illegal(expr, "user", "", diag);
    }
    if (strview_equal_ci(key, STR_VIEW("role"))) {
        out->role = value;
        return is_word(value, "") ? OK : illegal(expr, "role", "", diag);
    }
    if (strview_equal_ci(key, STR_VIEW("source_ip"))) {
        out->source_ip = value;
        return source_ip_parse(value, &out->network, &out->mask) ? OK : illegal(expr, "source_ip", "", diag);
    }
    if (strview_equal_ci(key, STR_VIEW("db")))
        return read_databases(change, expr, value, out);
    if (strview_equal_ci(key, STR_VIEW("plan_cpu_cost_range")))
        return read_range(expr, "plan_cpu_cost_range", value, diag, &out->cpu_cost);
    if (strview_equal_ci(key, STR_VIEW("plan_mem_cost_range")))
        return read_range(expr, "plan_mem_cost_range", value, diag, &out->mem_cost);
    return RAISE(diag, ANALYSIS, MESSAGE "Unsupported classifier specifier: '%.*s'.", SV_ARGS(key));
}

static Status read_query_types(const AstExpr *expr, Diag *diag, GroupClassifier *out)
{
    if (expr->left == NULL || expr->left->kind != AST_NAME || expr->left->name.count != 1 || expr->is_negated)
        return illegal(expr, NULL, "", diag);
    if (!strview_equal_ci(expr->left->name.parts[0], STR_VIEW("query_type")))
        return RAISE(diag, ANALYSIS, MESSAGE "Unsupported classifier specifier: '%.*s'.", SV_ARGS(expr->left->name.parts[0]));
    for (uint32_t i = 0; i < expr->arguments.count; i++) {
        const AstExpr *value = expr->arguments.items[i];
        if (value->kind != AST_STRING)
            return illegal(expr, NULL, "", diag);
        uint32_t type = strview_equal_ci(value->text, STR_VIEW("select"))   ? GROUP_QUERY_SELECT
                        : strview_equal_ci(value->text, STR_VIEW("insert")) ? GROUP_QUERY_INSERT
                                                                            : GROUP_QUERY_NONE;
        if (type == GROUP_QUERY_NONE)
            return RAISE(diag, ANALYSIS, MESSAGE "Unsupported query_type: '%.*s'.", SV_ARGS(value->text));
        out->query_types |= type;
    }
    return OK;
}

static Status read_classifier(const GroupChange *change, const AstExprList *row, GroupClassifier *out)
{
    for (uint32_t i = 0; i < row->count; i++) {
        const AstExpr *expr = row->items[i];
        if (expr->kind == AST_BINARY_OP && strview_is(expr->op, "="))
            TRY(read_equality(change, expr, out));
        else if (expr->kind == AST_IN_LIST)
            TRY(read_query_types(expr, change->context->diag, out));
        else
            return illegal(expr, NULL, "", change->context->diag);
    }
    return OK;
}

static Status read_classifiers(GroupChange *change)
{
    const AstCommand *command = change->command;
    MetaStore *store = change->context->session->instance->store;
    change->said.classifiers = ARENA_NEW_ARRAY(&change->context->arena, GroupClassifier, MAX(command->rows.count, 1u));
    for (uint32_t i = 0; i < command->rows.count; i++) {
        GroupClassifier *classifier = &change->said.classifiers[i];
        TRY(read_classifier(change, &command->rows.items[i], classifier));
        classifier->id = meta_new_id(store);
        if (classifier->id == 0)
            return RAISE(change->context->diag, IO, "no id can be had for the classifier: the metadata journal can't be written");
        change->said.classifier_count++;
    }
    return OK;
}

/* ---- properties ---- */

static Status read_number(StrView key, StrView value, Diag *diag, int64_t *out)
{
    if (int64_parse(value, out))
        return OK;
    return RAISE(diag, ANALYSIS, MESSAGE "The value type of the property `%.*s` must be a valid numeric type, but it is set to `%.*s`.",
                 SV_ARGS(key), SV_ARGS(value));
}

/* 0.3 or 30% */
static Status read_share(StrView key, StrView value, bool with_all, Diag *diag, double *out)
{
    bool is_percent = value.length > 0 && value.data[value.length - 1] == '%';
    StrView digits = strview_n(value.data, value.length - is_percent);
    if (!double_parse(digits, out))
        return RAISE(diag, ANALYSIS, MESSAGE "The value type of the property `%.*s` must be a valid numeric type, but it is set to `%.*s`.",
                     SV_ARGS(key), SV_ARGS(value));
    *out = is_percent ? *out / 100 : *out;
    if (*out > 0 && (with_all ? *out <= 1 : *out < 1))
        return OK;
    return RAISE(diag, ANALYSIS, MESSAGE "%.*s should range from 0.00(exclude) to 1.00(%s).", SV_ARGS(key),
                 with_all ? "include" : "exclude");
}

static Status read_type(StrView value, Diag *diag, GroupType *out)
{
    static const char *const names[] = {[GROUP_NORMAL] = "normal", [GROUP_SHORT_QUERY] = "short_query", [GROUP_MV] = "mv"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strview_equal_ci(value, strview(names[i]))) {
            *out = (GroupType)i;
            return OK;
        }
    }
    return RAISE(diag, ANALYSIS, MESSAGE "Only support 'normal', 'mv' and 'short_query' type.");
}

/* Those that are numbers: -1 where they are not known by this name. */
static int64_t *number_of(ResourceGroupDef *group, StrView key)
{
    const struct {
        const char *name;
        int64_t *value;
    } all[] = {{"cpu_weight", &group->cpu_weight},
               {"cpu_core_limit", &group->cpu_weight},
               {"exclusive_cpu_cores", &group->exclusive_cpu_cores},
               {"max_cpu_cores", &group->max_cpu_cores},
               {"big_query_mem_limit", &group->big_query_mem_limit},
               {"big_query_scan_rows_limit", &group->big_query_scan_rows_limit},
               {"big_query_cpu_second_limit", &group->big_query_cpu_second_limit},
               {"concurrency_limit", &group->concurrency_limit}};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (strview_equal_ci(key, strview(all[i].name)))
            return all[i].value;
    }
    return NULL;
}

static Status check_numbers(const GroupChange *change, const ResourceGroupDef *said)
{
    enum { NANOSECONDS = 1000000000 };
    Diag *diag = change->context->diag;
    if (said->cpu_weight > GROUP_MOST_WEIGHT)
        return RAISE(diag, ANALYSIS, MESSAGE "cpu_weight should range from 0 to %d.", GROUP_MOST_WEIGHT);
    if (said->exclusive_cpu_cores >= (int64_t)change->cores)
        return RAISE(diag, ANALYSIS,
                     MESSAGE "exclusive_cpu_cores cannot exceed the minimum number of CPU cores available on the backends minus one [%u].",
                     change->cores - 1);
    if (said->max_cpu_cores > (int64_t)change->cores)
        return RAISE(diag, ANALYSIS, MESSAGE "max_cpu_cores should range from 0 to %u.", change->cores);
    if (said->big_query_cpu_second_limit > INT64_MAX / NANOSECONDS)
        return RAISE(diag, ANALYSIS, MESSAGE "The range of `big_query_cpu_second_limit` should be (0, %lld].",
                     (long long)(INT64_MAX / NANOSECONDS));
    return OK;
}

static Status negative(StrView key, Diag *diag)
{
    if (strview_equal_ci(key, STR_VIEW("concurrency_limit")))
        return RAISE(diag, ANALYSIS, MESSAGE "concurrency_limit should be greater than 0.");
    if (strview_equal_ci(key, STR_VIEW("big_query_cpu_second_limit")))
        return RAISE(diag, ANALYSIS, MESSAGE "The range of `big_query_cpu_second_limit` should be (0, %lld].",
                     (long long)(INT64_MAX / 1000000000));
    return RAISE(diag, ANALYSIS, MESSAGE "%.*s should greater than 0 or equal to 0.", SV_ARGS(key));
}

static Status read_property(GroupChange *change, StrView key, StrView value)
{
    Diag *diag = change->context->diag;
    ResourceGroupDef *said = &change->said;
    int64_t *number = number_of(said, key);
    if (number != NULL) {
        bool is_cores = strview_starts_with_ci(key, STR_VIEW("cpu_")) || strview_equal_ci(key, STR_VIEW("exclusive_cpu_cores")) ||
                        strview_equal_ci(key, STR_VIEW("max_cpu_cores"));
        TRY(read_number(key, value, diag, number));
        if (*number < 0 && !is_cores)
            return negative(key, diag);
        *number = MAX(*number, 0);
        return OK;
    }
    if (strview_equal_ci(key, STR_VIEW("mem_limit")))
        return read_share(STR_VIEW("mem_limit"), value, true, diag, &said->mem_limit);
    if (strview_equal_ci(key, STR_VIEW("spill_mem_limit_threshold")))
        return read_share(STR_VIEW("spill_mem_limit_threshold"), value, false, diag, &said->spill_mem_limit_threshold);
    if (strview_equal_ci(key, STR_VIEW("mem_pool"))) {
        said->mem_pool = value;
        return OK;
    }
    if (!strview_equal_ci(key, STR_VIEW("type")))
        return RAISE(diag, ANALYSIS, MESSAGE "Unknown property: %.*s.", SV_ARGS(key));
    if (change->command->text.length > 0)
        return RAISE(diag, ANALYSIS, MESSAGE "type of ResourceGroup is immutable.");
    return read_type(value, diag, &said->type);
}

static Status read_properties(GroupChange *change)
{
    const AstProperties *properties = &change->command->properties;
    for (uint32_t i = 0; i < properties->keys.count; i++)
        TRY(read_property(change, properties->keys.items[i], properties->values.items[i]));
    change->property_count = properties->keys.count;
    return check_numbers(change, &change->said);
}

/* ---- what must hold of a group ---- */

static Status check_cpu(const ResourceGroupDef *group, Diag *diag)
{
    bool has_weight = group->cpu_weight > 0, has_cores = group->exclusive_cpu_cores > 0;
    if (has_weight && has_cores)
        return RAISE(diag, ANALYSIS,
                     MESSAGE "Exactly only one of 'cpu_weight' or 'exclusive_cpu_cores' can be present and positive at the same time.");
    if (group->type == GROUP_SHORT_QUERY && has_cores)
        return RAISE(diag, ANALYSIS, MESSAGE "short query resource group should not set exclusive_cpu_cores.");
    if (!has_weight && !has_cores)
        return RAISE(diag, ANALYSIS, MESSAGE "Exactly one of 'cpu_weight' or 'exclusive_cpu_cores' must be a positive value.");
    return OK;
}

/* Beside the other groups. */
static Status check_beside(const GroupChange *change, const CatalogSnapshot *catalog, const ResourceGroupDef *group, Diag *diag)
{
    ResourceGroupDef *groups;
    uint32_t count = resource_group_all(catalog, change->cores, &change->context->arena, &groups);
    int64_t reserved = resource_group_exclusive(group);
    for (uint32_t i = 0; i < count; i++) {
        const ResourceGroupDef *other = &groups[i];
        if (strview_equal(other->name, group->name))
            continue;
        reserved += resource_group_exclusive(other);
        if (group->type == GROUP_SHORT_QUERY && other->type == GROUP_SHORT_QUERY)
            return RAISE(diag, ANALYSIS, "There can be only one short_query RESOURCE_GROUP (%.*s)", SV_ARGS(other->name));
        if (resource_group_has_pool(group) && strview_equal(group->mem_pool, other->mem_pool) && group->mem_limit != other->mem_limit)
            return RAISE(diag, ANALYSIS, "Property `mem_limit` must be equal for all resource groups using the mem_pool [%.*s].",
                         SV_ARGS(group->mem_pool));
    }
    if (reserved > 0 && resource_group_exclusive(group) > 0 && reserved + 1 > (int64_t)change->cores)
        return RAISE(diag, ANALYSIS,
                     "the sum of all exclusive_cpu_cores cannot exceed the minimum number of CPU cores available on the backends "
                     "minus one [%u]",
                     change->cores - 1);
    return OK;
}

/* ---- CREATE ---- */

static Status check_new(const ResourceGroupDef *group, Diag *diag)
{
    if (group->mem_limit < 0)
        return RAISE(diag, ANALYSIS, MESSAGE "property 'mem_limit' is absent.");
    TRY(check_cpu(group, diag));
    if (group->type == GROUP_MV && group->classifier_count > 0)
        return RAISE(diag, ANALYSIS, "MV Resource Group not support classifiers.");
    if (group->type != GROUP_MV && group->classifier_count == 0 && !resource_group_is_builtin(group->name))
        return RAISE(diag, ANALYSIS, "This type Resource Group need define classifiers.");
    return OK;
}

static Status build_create(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    GroupChange *state = context;
    ResourceGroupDef found;
    bool is_there = resource_group_find(catalog, state->said.name, state->cores, &state->context->arena, &found);
    if (is_there && !state->command->or_replace)
        return state->command->if_not_exists ? OK : RAISE(diag, ANALYSIS, "RESOURCE_GROUP(%.*s) already exists", SV_ARGS(state->said.name));
    TRY(check_beside(state, catalog, &state->said, diag));
    if (resource_group_is_builtin(state->said.name))
        state->said.id = found.id;
    change_put_resource_group(change, &state->said);
    return OK;
}

static Status run_create(GroupChange *change)
{
    StatementContext *context = change->context;
    TRY(read_classifiers(change));
    TRY(read_properties(change));
    TRY(check_new(&change->said, context->diag));
    if (resource_group_is_builtin(change->said.name) && change->said.classifier_count > 0)
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot alter classifiers of builtin resource group [%.*s].",
                     SV_ARGS(change->said.name));
    change->said.id = meta_new_id(context->session->instance->store);
    if (change->said.id == 0)
        return RAISE(context->diag, IO, "no id can be had for the resource group: the metadata journal can't be written");
    return meta_commit(context->session->instance->store, build_create, change, context->diag);
}

/* ---- ALTER, DROP ---- */

static Status unknown_group(StrView name, Diag *diag)
{
    return RAISE(diag, ANALYSIS, "RESOURCE_GROUP(%.*s) does not exist", SV_ARGS(name));
}

static void take_number(int64_t *value, int64_t said)
{
    *value = said >= 0 ? said : *value;
}

static void take_properties(ResourceGroupDef *group, const ResourceGroupDef *said)
{
    take_number(&group->cpu_weight, said->cpu_weight);
    take_number(&group->exclusive_cpu_cores, said->exclusive_cpu_cores);
    take_number(&group->max_cpu_cores, said->max_cpu_cores);
    take_number(&group->big_query_mem_limit, said->big_query_mem_limit);
    take_number(&group->big_query_scan_rows_limit, said->big_query_scan_rows_limit);
    take_number(&group->big_query_cpu_second_limit, said->big_query_cpu_second_limit);
    take_number(&group->concurrency_limit, said->concurrency_limit);
    group->mem_limit = said->mem_limit > 0 ? said->mem_limit : group->mem_limit;
    group->spill_mem_limit_threshold =
        said->spill_mem_limit_threshold > 0 ? said->spill_mem_limit_threshold : group->spill_mem_limit_threshold;
}

static Status alter_properties(const GroupChange *state, const CatalogSnapshot *catalog, ResourceGroupDef *group, Diag *diag)
{
    const ResourceGroupDef *said = &state->said;
    StrView pool = resource_group_has_pool(group) ? group->mem_pool : STR_VIEW(DEFAULT_MEM_POOL);
    if (said->mem_pool.length > 0 && !strview_equal(said->mem_pool, pool))
        return RAISE(diag, ANALYSIS, "Property `mem_pool` cannot be altered [%.*s].", SV_ARGS(pool));
    if (resource_group_has_pool(group) && said->mem_limit > 0 && said->mem_limit != group->mem_limit)
        return RAISE(diag, ANALYSIS, "Property `mem_limit` cannot be altered for resource groups with mem_pool [%.*s].", SV_ARGS(pool));
    take_properties(group, said);
    TRY(check_cpu(group, diag));
    return check_beside(state, catalog, group, diag);
}

static void add_classifiers(const GroupChange *state, ResourceGroupDef *group)
{
    uint32_t count = group->classifier_count + state->said.classifier_count;
    GroupClassifier *all = ARENA_NEW_ARRAY(&state->context->arena, GroupClassifier, MAX(count, 1u));
    for (uint32_t i = 0; i < group->classifier_count; i++)
        all[i] = group->classifiers[i];
    for (uint32_t i = 0; i < state->said.classifier_count; i++)
        all[group->classifier_count + i] = state->said.classifiers[i];
    group->classifiers = all;
    group->classifier_count = count;
}

static void drop_classifiers(const GroupChange *state, ResourceGroupDef *group)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < group->classifier_count; i++) {
        bool goes = strview_is(state->command->text, "DROP ALL");
        for (uint32_t v = 0; v < state->command->values.count && !goes; v++) {
            int64_t id;
            goes = int64_parse(state->command->values.items[v]->text, &id) && (uint64_t)id == group->classifiers[i].id;
        }
        if (!goes)
            group->classifiers[kept++] = group->classifiers[i];
    }
    group->classifier_count = kept;
}

static Status build_alter(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    GroupChange *state = context;
    ResourceGroupDef group;
    bool with_properties = strview_is(state->command->text, "WITH");
    if (!resource_group_find(catalog, state->said.name, state->cores, &state->context->arena, &group))
        return unknown_group(state->said.name, diag);
    if (!with_properties && group.type == GROUP_MV)
        return RAISE(diag, ANALYSIS, "MV Resource Group not support classifiers.");
    if (with_properties)
        TRY(alter_properties(state, catalog, &group, diag));
    else if (strview_is(state->command->text, "ADD"))
        add_classifiers(state, &group);
    else
        drop_classifiers(state, &group);
    change_put_resource_group(change, &group);
    return OK;
}

static Status run_alter(GroupChange *change)
{
    StatementContext *context = change->context;
    bool with_properties = strview_is(change->command->text, "WITH");
    if (resource_group_is_builtin(change->said.name) && !with_properties)
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot alter classifiers of builtin resource group [%.*s].",
                     SV_ARGS(change->said.name));
    for (uint32_t i = 0; i < change->command->values.count; i++) {
        if (change->command->values.items[i]->kind != AST_INTEGER)
            return RAISE(context->diag, SYNTAX, "the ids of classifiers are numbers");
    }
    TRY(read_classifiers(change));
    TRY(read_properties(change));
    if (with_properties && change->property_count == 0)
        return RAISE(context->diag, ANALYSIS,
                     MESSAGE "At least one of ('cpu_weight','exclusive_cpu_cores','mem_limit','max_cpu_cores','concurrency_limit',"
                             "'big_query_mem_limit', 'big_query_scan_rows_limit','big_query_cpu_second_limit',"
                             "'spill_mem_limit_threshold') should be specified.");
    return meta_commit(context->session->instance->store, build_alter, change, context->diag);
}

static Status build_drop(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    GroupChange *state = context;
    ResourceGroupDef group;
    if (!resource_group_find(catalog, state->said.name, state->cores, &state->context->arena, &group))
        return state->command->if_exists ? OK : unknown_group(state->said.name, diag);
    change_drop_resource_group(change, state->said.name);
    change_forget_grants(change, catalog, OBJECT_RESOURCE_GROUP, state->said.name);
    return OK;
}

static Status run_drop(GroupChange *change)
{
    StatementContext *context = change->context;
    if (resource_group_is_builtin(change->said.name))
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot drop builtin resource group [%.*s].", SV_ARGS(change->said.name));
    return meta_commit(context->session->instance->store, build_drop, change, context->diag);
}

bool run_group_command(StatementContext *context, const AstCommand *command, Status *out_status)
{
    static const struct {
        const char *what;
        Status (*run)(GroupChange *change);
    } statements[] = {{"CREATE RESOURCE GROUP", run_create}, {"ALTER RESOURCE GROUP", run_alter}, {"DROP RESOURCE GROUP", run_drop}};
    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        if (!strview_is(command->what, statements[i].what))
            continue;
        GroupChange change = {.context = context, .command = command, .cores = exec_pool_threads(context->session->instance->pool)};
        resource_group_init(&change.said, command->name.parts[command->name.count - 1]);
        *out_status = statements[i].run(&change);
        if (*out_status == OK)
            *out_status = send_ok(context, 0, STR_VIEW(""));
        return true;
    }
    return false;
}
