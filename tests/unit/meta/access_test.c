/* Users, roles and rights: records are read as they were written, the most specific host wins, a decision sees grants on the
 * object, on its database and on all, and a model is shared until a user or role changes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "meta/access.h"
#include "meta/change.h"

static CatalogSnapshot *after(CatalogSnapshot *base, Change *change, uint64_t entry_id)
{
    CatalogSnapshot *next = NULL;
    Diag diag = {0};
    assert_int_equal(change_apply(base, bytebuf_view(&change->bytes), entry_id, 0, NULL, &diag, &next), OK);
    catalog_unref(base);
    return next;
}

static AccessUser user_of(Arena *arena, const char *name, const char *host)
{
    return (AccessUser){.identity = access_identity(arena, strview(name), strview(host)), .name = strview(name), .host = strview(host)};
}

static void records_are_read_as_written(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    AUTO_CHANGE change = {0};
    arena_init(&arena, NULL);
    AccessUser user = user_of(&arena, "jo", "10.%");
    user.plugin = AUTH_CACHING_SHA2;
    user.password = STR_VIEW("$pbkdf2-sha256$1$00$00");
    user.default_mode = DEFAULT_ROLES_ALL;
    name_list_add(&user.roles, &arena, STR_VIEW("r"));
    Grant grants[] = {{.kind = OBJECT_TABLE, .privileges = PRIVILEGE_BIT(SELECT) | PRIVILEGE_BIT(INSERT), .grantable = PRIVILEGE_BIT(INSERT),
                       .database_id = 7, .object_id = 9},
                      {.kind = OBJECT_STORAGE_VOLUME, .privileges = PRIVILEGE_BIT(USAGE), .name = STR_VIEW("v")}};
    for (size_t i = 0; i < COUNT_OF(grants); i++)
        grant_list_add(&user.grants, &arena, &grants[i]);
    Property property = {STR_VIEW("max_user_connections"), STR_VIEW("3")};
    ARRAY_PUSH(&arena, &user.properties, property);
    AccessRole role = {.name = STR_VIEW("r"), .comment = STR_VIEW("why \"not\"")};
    change_put_user(&change, &user);
    change_put_role(&change, &role);
    change_put_record(&change, "role", STR_VIEW("damaged"), STR_VIEW("{\"grants\": [{\"kind\": \"MOON\"}, 5], \"roles\": 3"));
    CatalogSnapshot *catalog = after(catalog_new_empty(), &change, 1);
    AccessModel *model = access_model_read(catalog);
    const AccessUser *read = access_user(model, STR_VIEW("jo"), STR_VIEW("10.%"));
    assert_non_null(read);
    assert_int_equal(read->plugin, AUTH_CACHING_SHA2);
    assert_true(strview_equal(read->password, user.password));
    assert_int_equal(read->default_mode, DEFAULT_ROLES_ALL);
    assert_int_equal(read->grants.count, 2);
    assert_int_equal(read->grants.items[0].privileges, grants[0].privileges);
    assert_int_equal(read->grants.items[0].grantable, grants[0].grantable);
    assert_int_equal(read->grants.items[0].object_id, 9);
    assert_true(strview_is(read->grants.items[1].name, "v"));
    assert_true(strview_is(access_property(read, "MAX_USER_CONNECTIONS"), "3"));
    assert_true(strview_is(access_role(model, STR_VIEW("r"))->comment, "why \"not\""));
    assert_int_equal(access_role(model, STR_VIEW("damaged"))->grants.count, 0);
    assert_non_null(access_user(model, STR_VIEW("root"), STR_VIEW("%")));
    access_model_unref(model);
    catalog_unref(catalog);
}

static void the_most_specific_host_wins(void **state)
{
    static const struct {
        const char *host, *expected;
    } cases[] = {{"10.1.2.3", "10.1.2.3"}, {"10.1.9.9", "10.1.%"},  {"10.9.9.9", "10.%"},     {"127.0.0.1", "localhost"},
                 {"::1", "localhost"},     {"::ffff:10.1.2.3", "10.1.2.3"}, {"192.168.0.1", "%"}};
    static const char *const hosts[] = {"%", "10.%", "10.1.%", "10.1.2.3", "localhost"};
    (void)state;
    AUTO_ARENA arena;
    AUTO_CHANGE change = {0};
    arena_init(&arena, NULL);
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        AccessUser user = user_of(&arena, "jo", hosts[i]);
        change_put_user(&change, &user);
    }
    CatalogSnapshot *catalog = after(catalog_new_empty(), &change, 1);
    AccessModel *model = access_model_read(catalog);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const AccessUser *found = access_user_at(model, STR_VIEW("jo"), strview(cases[i].host));
        if (found == NULL || !strview_is(found->host, cases[i].expected))
            fail_msg("%s: %.*s", cases[i].host, found == NULL ? 4 : (int)found->host.length, found == NULL ? "none" : found->host.data);
    }
    assert_null(access_user_at(model, STR_VIEW("Jo"), STR_VIEW("10.1.2.3")));
    access_model_unref(model);
    catalog_unref(catalog);
}

static void decisions_add_up(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    AUTO_CHANGE change = {0};
    arena_init(&arena, NULL);
    AccessUser user = user_of(&arena, "jo", "%");
    AccessRole inner = {.name = STR_VIEW("inner")}, outer = {.name = STR_VIEW("outer")};
    name_list_add(&outer.roles, &arena, inner.name);
    name_list_add(&user.roles, &arena, outer.name);
    Grant on_table = {.kind = OBJECT_TABLE, .privileges = PRIVILEGE_BIT(SELECT), .database_id = 7, .object_id = 9};
    Grant on_all = {.kind = OBJECT_TABLE, .privileges = PRIVILEGE_BIT(INSERT), .database_id = 7};
    Grant everywhere = {.kind = OBJECT_TABLE, .privileges = PRIVILEGE_BIT(ALTER), .grantable = PRIVILEGE_BIT(ALTER)};
    grant_list_add(&user.grants, &arena, &on_table);
    grant_list_add(&inner.grants, &arena, &on_all);
    grant_list_add(&outer.grants, &arena, &everywhere);
    change_put_user(&change, &user);
    change_put_role(&change, &inner);
    change_put_role(&change, &outer);
    CatalogSnapshot *catalog = after(catalog_new_empty(), &change, 1);
    AccessModel *model = access_model_read(catalog);
    const AccessUser *read = access_user(model, user.name, user.host);
    const NameList none = {0};
    const AccessObject table = {.kind = OBJECT_TABLE, .database_id = 7, .object_id = 9}, other = {.kind = OBJECT_TABLE, .database_id = 8, .object_id = 9},
                       view = {.kind = OBJECT_VIEW, .database_id = 7, .object_id = 9};
    AccessRights *alone = access_rights_new(model, read, &none), *active = access_rights_new(model, read, &read->roles);
    assert_true(access_allows(alone, &table, PRIVILEGE_BIT(SELECT)));
    assert_false(access_allows(alone, &table, PRIVILEGE_BIT(INSERT) | PRIVILEGE_BIT(ALTER)));
    assert_true(access_allows(active, &table, PRIVILEGE_BIT(INSERT)));
    assert_true(access_allows(active, &other, PRIVILEGE_BIT(ALTER)));
    assert_false(access_allows(active, &other, PRIVILEGE_BIT(SELECT) | PRIVILEGE_BIT(INSERT)));
    assert_false(access_allows(active, &view, PRIVILEGE_ANY));
    assert_true(access_may_grant(active, &table, PRIVILEGE_BIT(ALTER)));
    assert_false(access_may_grant(active, &table, PRIVILEGE_BIT(ALTER) | PRIVILEGE_BIT(SELECT)));
    assert_true(access_has_role(active, STR_VIEW("inner")));
    assert_false(access_is_root(active));
    access_rights_unref(alone);
    access_rights_unref(active);
    access_model_unref(model);
    catalog_unref(catalog);
}

static void models_are_shared_until_they_change(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    AUTO_CHANGE first = {0}, second = {0}, third = {0};
    AccessCache cache;
    arena_init(&arena, NULL);
    access_cache_init(&cache);
    AccessUser user = user_of(&arena, "jo", "%");
    change_put_user(&first, &user);
    change_put_setting(&second, STR_VIEW("variable.x"), STR_VIEW("1"));
    change_drop_record(&third, "user", user.identity);
    CatalogSnapshot *catalog = after(catalog_new_empty(), &first, 1);
    AccessModel *one = access_cache_get(&cache, catalog);
    catalog = after(catalog, &second, 2);
    AccessModel *two = access_cache_get(&cache, catalog);
    catalog = after(catalog, &third, 3);
    AccessModel *three = access_cache_get(&cache, catalog);
    assert_ptr_equal(one, two);
    assert_ptr_not_equal(two, three);
    assert_non_null(access_user(two, user.name, user.host));
    assert_null(access_user(three, user.name, user.host));
    access_model_unref(one);
    access_model_unref(two);
    access_model_unref(three);
    access_cache_deinit(&cache);
    catalog_unref(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records_are_read_as_written), cmocka_unit_test(the_most_specific_host_wins),
                                       cmocka_unit_test(decisions_add_up), cmocka_unit_test(models_are_shared_until_they_change)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
