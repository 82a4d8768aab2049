#include "meta/access_records.h"

/* The stored form is one JSON object a user or role; docs/formats.md has the members. Kinds and privileges that this
 * version does not know are left out when a record is read. */

#include <jansson.h>

#include "meta/change.h"
#include "meta/record_json.h"

static void put_text(json_t *object, const char *key, StrView text)
{
    if (text.length > 0)
        json_object_set_new(object, key, record_text_json(text));
}

static void put_id(json_t *object, const char *key, uint64_t id)
{
    if (id != 0)
        json_object_set_new(object, key, json_integer((json_int_t)id));
}

static void put_names(json_t *object, const char *key, const NameList *names)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < names->count; i++)
        json_array_append_new(array, record_text_json(names->items[i]));
    json_object_set_new(object, key, array);
}

static void put_privileges(json_t *object, const char *key, PrivilegeSet set)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < PRIVILEGES_; i++) {
        if ((set & UINT32_C(1) << i) != 0)
            json_array_append_new(array, json_string(privilege_name((Privilege)i)));
    }
    json_object_set_new(object, key, array);
}

static void put_grants(json_t *object, const GrantList *grants)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < grants->count; i++) {
        const Grant *grant = &grants->items[i];
        json_t *one = json_object();
        json_object_set_new(one, "kind", json_string(object_kind_name((ObjectKind)grant->kind)));
        put_id(one, "database_id", grant->database_id);
        put_id(one, "object_id", grant->object_id);
        put_text(one, "name", grant->name);
        put_privileges(one, "privileges", grant->privileges);
        if (grant->grantable != 0)
            put_privileges(one, "grantable", grant->grantable);
        json_array_append_new(array, one);
    }
    json_object_set_new(object, "grants", array);
}

static void put_record(Change *change, const char *module, StrView key, json_t *object)
{
    AUTO_BYTEBUF text = {0};
    record_print(object, &text);
    change_put_record(change, module, key, bytebuf_view(&text));
}

void change_put_user(Change *change, const AccessUser *user)
{
    json_t *object = json_object();
    put_text(object, "name", user->name);
    put_text(object, "host", user->host);
    json_object_set_new(object, "plugin", json_string(auth_plugin_name((AuthPlugin)user->plugin)));
    put_text(object, "password", user->password);
    put_names(object, "roles", &user->roles);
    if (user->default_mode == DEFAULT_ROLES_ALL)
        json_object_set_new(object, "default_roles", json_string("ALL"));
    else
        put_names(object, "default_roles", &user->default_roles);
    put_grants(object, &user->grants);
    json_t *properties = json_object();
    for (uint32_t i = 0; i < user->properties.count; i++)
        json_object_setn_new(properties, user->properties.items[i].key.data, user->properties.items[i].key.length,
                             record_text_json(user->properties.items[i].value));
    json_object_set_new(object, "properties", properties);
    put_text(object, "comment", user->comment);
    put_record(change, "user", user->identity, object);
}

void change_put_role(Change *change, const AccessRole *role)
{
    json_t *object = json_object();
    put_text(object, "name", role->name);
    put_names(object, "roles", &role->roles);
    put_grants(object, &role->grants);
    put_text(object, "comment", role->comment);
    put_record(change, "role", role->name, object);
}

/* ---- reading ---- */

static void get_names(const json_t *object, const char *key, Arena *arena, NameList *out)
{
    const json_t *array = json_object_get(object, key);
    for (size_t i = 0; i < json_array_size(array); i++)
        ARRAY_PUSH(arena, out, record_text_of(json_array_get(array, i), arena));
}

static PrivilegeSet get_privileges(const json_t *object, const char *key)
{
    PrivilegeSet set = 0;
    Privilege privilege;
    const json_t *array = json_object_get(object, key);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *name = json_array_get(array, i);
        if (json_is_string(name) && privilege_parse(strview(json_string_value(name)), &privilege))
            set |= UINT32_C(1) << privilege;
    }
    return set;
}

static void get_grants(const json_t *object, Arena *arena, GrantList *out)
{
    const json_t *array = json_object_get(object, "grants");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *one = json_array_get(array, i);
        const json_t *name = json_object_get(one, "kind");
        ObjectKind kind;
        if (!json_is_string(name) || !object_kind_parse(strview(json_string_value(name)), &kind))
            continue;
        Grant grant = {.kind = (uint8_t)kind,
                       .privileges = get_privileges(one, "privileges"),
                       .database_id = (uint64_t)json_integer_value(json_object_get(one, "database_id")),
                       .object_id = (uint64_t)json_integer_value(json_object_get(one, "object_id")),
                       .name = record_text(one, "name", arena)};
        grant.grantable = get_privileges(one, "grantable") & grant.privileges;
        if (grant.privileges != 0)
            ARRAY_PUSH(arena, out, grant);
    }
}

void access_read_user(StrView key, StrView record, Arena *arena, AccessUser *out)
{
    json_t *object = json_loadb(record.data, record.length, 0, NULL);
    *out = (AccessUser){.identity = strview_n(arena_strndup(arena, key.data, key.length), key.length)};
    out->name = record_text(object, "name", arena);
    out->host = record_text(object, "host", arena);
    StrView plugin = record_text(object, "plugin", arena);
    out->plugin = strview_is(plugin, auth_plugin_name(AUTH_CACHING_SHA2)) ? AUTH_CACHING_SHA2 : AUTH_NATIVE;
    out->password = record_text(object, "password", arena);
    get_names(object, "roles", arena, &out->roles);
    get_names(object, "default_roles", arena, &out->default_roles);
    if (json_is_string(json_object_get(object, "default_roles")))
        out->default_mode = DEFAULT_ROLES_ALL;
    get_grants(object, arena, &out->grants);
    const char *property;
    json_t *properties = json_object_get(object, "properties"), *value;
    json_object_foreach(properties, property, value)
    {
        Property one = {strview(arena_strdup(arena, property)), record_text_of(value, arena)};
        ARRAY_PUSH(arena, &out->properties, one);
    }
    out->comment = record_text(object, "comment", arena);
    json_decref(object);
}

void access_read_role(StrView key, StrView record, Arena *arena, AccessRole *out)
{
    json_t *object = json_loadb(record.data, record.length, 0, NULL);
    *out = (AccessRole){.name = strview_n(arena_strndup(arena, key.data, key.length), key.length)};
    get_names(object, "roles", arena, &out->roles);
    get_grants(object, arena, &out->grants);
    out->comment = record_text(object, "comment", arena);
    json_decref(object);
}
