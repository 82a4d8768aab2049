#include "meta/access.h"

#include <stdlib.h>

#include "meta/access_records.h"
#include "meta/change.h"

const char *auth_plugin_name(AuthPlugin plugin)
{
    return plugin == AUTH_CACHING_SHA2 ? "CACHING_SHA2_PASSWORD" : "MYSQL_NATIVE_PASSWORD";
}

StrView access_identity(Arena *arena, StrView name, StrView host)
{
    AUTO_BYTEBUF text = {0};
    bytebuf_append_char(&text, '\'');
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] == '\'')
            bytebuf_append_char(&text, '\'');
        bytebuf_append_char(&text, name.data[i]);
    }
    bytebuf_printf(&text, "'@'%.*s'", SV_ARGS(host));
    return strview_n(arena_strndup(arena, text.data, text.length), text.length);
}

static const struct {
    const char *name;
    uint64_t id;
} system_databases[] = {{"information_schema", ACCESS_ID_INFORMATION_SCHEMA}, {"sys", ACCESS_ID_SYS}, {"_statistics_", ACCESS_ID_STATISTICS}};

uint64_t access_system_database(StrView name)
{
    for (size_t i = 0; i < COUNT_OF(system_databases); i++) {
        if (strview_equal_ci(name, strview(system_databases[i].name)))
            return system_databases[i].id;
    }
    return 0;
}

const char *access_system_database_name(uint64_t id)
{
    for (size_t i = 0; i < COUNT_OF(system_databases); i++) {
        if (system_databases[i].id == id)
            return system_databases[i].name;
    }
    return NULL;
}

/* ---- what is built in ---- */

static void add_all(AccessModel *model, AccessRole *role, const uint8_t *kinds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Grant grant = {.kind = kinds[i], .privileges = object_kind_privileges((ObjectKind)kinds[i])};
        ARRAY_PUSH(&model->arena, &role->grants, grant);
    }
}

static AccessRole *add_builtin(AccessModel *model, const char *name, const char *comment, PrivilegeSet on_system)
{
    AccessRole *role = &model->roles[model->role_count++];
    *role = (AccessRole){.name = strview(name), .comment = strview(comment), .is_builtin = true};
    if (on_system != 0) {
        Grant grant = {.kind = OBJECT_SYSTEM, .privileges = on_system};
        ARRAY_PUSH(&model->arena, &role->grants, grant);
    }
    return role;
}

enum { BUILTIN_ROLES = 6 };

static void add_builtin_roles(AccessModel *model)
{
    static const uint8_t all[] = {OBJECT_CATALOG,  OBJECT_DATABASE,        OBJECT_TABLE,          OBJECT_VIEW,           OBJECT_MATERIALIZED_VIEW,
                                  OBJECT_FUNCTION, OBJECT_GLOBAL_FUNCTION, OBJECT_RESOURCE,       OBJECT_RESOURCE_GROUP, OBJECT_STORAGE_VOLUME,
                                  OBJECT_PIPE,     OBJECT_WAREHOUSE,       OBJECT_USER};
    enum { OF_DATABASES = 11 }; /* the leading kinds, which db_admin has too */
    static const uint8_t warehouses[] = {OBJECT_WAREHOUSE}, users[] = {OBJECT_USER};
    AccessRole *role = add_builtin(model, "root", "built-in root role which has all privileges on all objects",
                                   object_kind_privileges(OBJECT_SYSTEM));
    add_all(model, role, all, COUNT_OF(all));
    role = add_builtin(model, "db_admin", "built-in database administration role",
                       PRIVILEGE_BIT(CREATE_RESOURCE) | PRIVILEGE_BIT(PLUGIN) | PRIVILEGE_BIT(FILE) | PRIVILEGE_BIT(BLACKLIST) |
                           PRIVILEGE_BIT(OPERATE) | PRIVILEGE_BIT(CREATE_EXTERNAL_CATALOG) | PRIVILEGE_BIT(REPOSITORY) |
                           PRIVILEGE_BIT(CREATE_RESOURCE_GROUP) | PRIVILEGE_BIT(CREATE_GLOBAL_FUNCTION) | PRIVILEGE_BIT(CREATE_STORAGE_VOLUME));
    add_all(model, role, all, OF_DATABASES);
    role = add_builtin(model, "cluster_admin", "built-in cluster administration role",
                       PRIVILEGE_BIT(NODE) | PRIVILEGE_BIT(CREATE_WAREHOUSE));
    add_all(model, role, warehouses, COUNT_OF(warehouses));
    role = add_builtin(model, "user_admin", "built-in user administration role", PRIVILEGE_BIT(GRANT));
    add_all(model, role, users, COUNT_OF(users));
    add_builtin(model, "security_admin", "built-in security administration role", PRIVILEGE_BIT(SECURITY) | PRIVILEGE_BIT(OPERATE));
    role = add_builtin(model, "public", "built-in public role which is owned by any user", 0);
    Grant grant = {.kind = OBJECT_TABLE, .privileges = PRIVILEGE_BIT(SELECT), .database_id = ACCESS_ID_INFORMATION_SCHEMA};
    ARRAY_PUSH(&model->arena, &role->grants, grant);
    Grant volume = {.kind = OBJECT_STORAGE_VOLUME, .privileges = PRIVILEGE_BIT(USAGE), .name = STR_VIEW("builtin_storage_volume")};
    ARRAY_PUSH(&model->arena, &role->grants, volume);
}

/* ---- reading ---- */

static void add_user(void *context, StrView key, StrView value)
{
    AccessModel *model = context;
    access_read_user(key, value, &model->arena, &model->users[model->user_count++]);
}

static void add_role(void *context, StrView key, StrView value)
{
    AccessModel *model = context;
    for (uint32_t i = 0; i < BUILTIN_ROLES; i++) {
        AccessRole *builtin = &model->roles[i];
        if (!strview_equal(builtin->name, key))
            continue;
        AccessRole recorded; /* what public was granted */
        access_read_role(key, value, &model->arena, &recorded);
        builtin->roles = recorded.roles;
        builtin->grants = recorded.grants;
        return;
    }
    access_read_role(key, value, &model->arena, &model->roles[model->role_count++]);
}

static int by_identity(const void *a, const void *b)
{
    return strview_compare(((const AccessUser *)a)->identity, ((const AccessUser *)b)->identity);
}

/* Root is there even when nothing is recorded about it; its password is a setting then, from before there were records. */
static void add_root(AccessModel *model, const CatalogSnapshot *snapshot)
{
    StrView password = catalog_setting(snapshot, "password.root");
    AccessUser *root = &model->users[model->user_count++];
    *root = (AccessUser){.identity = STR_VIEW("'root'@'%'"), .name = STR_VIEW("root"), .host = STR_VIEW("%")};
    if (password.length > 0)
        root->password = strview_n(arena_strndup(&model->arena, password.data, password.length), password.length);
    ARRAY_PUSH(&model->arena, &root->roles, STR_VIEW("root"));
    qsort(model->users, model->user_count, sizeof(*model->users), by_identity);
}

AccessModel *access_model_read(const CatalogSnapshot *snapshot)
{
    AccessModel *model = mem_alloc_zero(sizeof(*model));
    atomic_init(&model->references, 1);
    arena_init(&model->arena, NULL);
    model->user_node = catalog_records_ref(snapshot, "user");
    model->role_node = catalog_records_ref(snapshot, "role");
    model->users = ARENA_NEW_ARRAY(&model->arena, AccessUser, catalog_record_count(snapshot, "user") + 1);
    model->roles = ARENA_NEW_ARRAY(&model->arena, AccessRole, catalog_record_count(snapshot, "role") + BUILTIN_ROLES);
    add_builtin_roles(model);
    catalog_each_record(snapshot, "role", add_role, model);
    catalog_each_record(snapshot, "user", add_user, model);
    if (access_user(model, STR_VIEW("root"), STR_VIEW("%")) == NULL)
        add_root(model, snapshot);
    return model;
}

AccessModel *access_model_ref(AccessModel *model)
{
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void access_model_unref(AccessModel *model)
{
    if (model == NULL || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) != 1)
        return;
    catalog_records_unref(model->user_node);
    catalog_records_unref(model->role_node);
    arena_deinit(&model->arena);
    mem_free(model);
}

void access_cache_init(AccessCache *cache)
{
    *cache = (AccessCache){0};
    mutex_init(&cache->lock);
}

void access_cache_deinit(AccessCache *cache)
{
    access_model_unref(cache->model);
    mutex_deinit(&cache->lock);
}

AccessModel *access_cache_get(AccessCache *cache, const CatalogSnapshot *snapshot)
{
    LOCK_GUARD(&cache->lock);
    AccessModel *model = cache->model;
    if (model != NULL && catalog_records_are(snapshot, "user", model->user_node) && catalog_records_are(snapshot, "role", model->role_node))
        return access_model_ref(model);
    access_model_unref(model);
    cache->model = access_model_read(snapshot);
    return access_model_ref(cache->model);
}

/* ---- finding ---- */

const AccessUser *access_user(const AccessModel *model, StrView name, StrView host)
{
    for (uint32_t i = 0; i < model->user_count; i++) {
        if (strview_equal(model->users[i].name, name) && strview_equal_ci(model->users[i].host, host))
            return &model->users[i];
    }
    return NULL;
}

/* LIKE without escapes: % any text, _ one byte. */
static bool host_matches(StrView host, StrView pattern)
{
    size_t h = 0, p = 0, star = SIZE_MAX, resume = 0;
    while (h < host.length) {
        if (p < pattern.length && pattern.data[p] == '%') {
            star = p++;
            resume = h;
        } else if (p < pattern.length && (pattern.data[p] == '_' || pattern.data[p] == host.data[h])) {
            p++;
            h++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            h = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.data[p] == '%')
        p++;
    return p == pattern.length;
}

/* How many bytes of a host a pattern names; a host without wildcards beats all patterns. */
static size_t host_weight(StrView pattern)
{
    size_t at = 0;
    while (at < pattern.length && pattern.data[at] != '%' && pattern.data[at] != '_')
        at++;
    return at == pattern.length ? SIZE_MAX : at;
}

const AccessUser *access_user_at(const AccessModel *model, StrView name, StrView host)
{
    const AccessUser *best = NULL;
    StrView short_host = strview_starts_with_ci(host, STR_VIEW("::ffff:")) ? strview_n(host.data + 7, host.length - 7) : host;
    bool is_local = strview_is(short_host, "127.0.0.1") || strview_is(short_host, "::1");
    for (uint32_t i = 0; i < model->user_count; i++) {
        const AccessUser *user = &model->users[i];
        bool is_named = strview_equal_ci(user->host, STR_VIEW("localhost"));
        if (!strview_equal(user->name, name) || !(is_named ? is_local : host_matches(short_host, user->host)))
            continue;
        if (best == NULL || host_weight(user->host) > host_weight(best->host))
            best = user;
    }
    return best;
}

const AccessRole *access_role(const AccessModel *model, StrView name)
{
    for (uint32_t i = 0; i < model->role_count; i++) {
        if (strview_equal(model->roles[i].name, name))
            return &model->roles[i];
    }
    return NULL;
}

StrView access_property(const AccessUser *user, const char *key)
{
    for (uint32_t i = 0; i < user->properties.count; i++) {
        if (strview_equal_ci(user->properties.items[i].key, strview(key)))
            return user->properties.items[i].value;
    }
    return (StrView){0};
}

bool name_list_has(const NameList *names, StrView name)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (strview_equal(names->items[i], name))
            return true;
    }
    return false;
}

void name_list_add(NameList *names, Arena *arena, StrView name)
{
    if (!name_list_has(names, name))
        ARRAY_PUSH(arena, names, name);
}

bool name_list_remove(NameList *names, StrView name)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (!strview_equal(names->items[i], name))
            continue;
        names->count--;
        memmove(names->items + i, names->items + i + 1, (names->count - i) * sizeof(StrView));
        return true;
    }
    return false;
}

void change_forget_grants(Change *change, const CatalogSnapshot *catalog, ObjectKind kind, StrView name)
{
    Grant grant = {.kind = (uint8_t)kind, .name = name, .privileges = PRIVILEGE_ANY};
    AccessModel *model = access_model_read(catalog);
    for (uint32_t i = 0; i < model->user_count; i++) {
        if (grant_list_remove(&model->users[i].grants, &grant))
            change_put_user(change, &model->users[i]);
    }
    for (uint32_t i = 0; i < model->role_count; i++) {
        bool is_recorded = !model->roles[i].is_builtin || strview_is(model->roles[i].name, "public");
        if (is_recorded && grant_list_remove(&model->roles[i].grants, &grant))
            change_put_role(change, &model->roles[i]);
    }
    access_model_unref(model);
}
