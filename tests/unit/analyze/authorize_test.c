/* Every kind of statement that touches an object asks for a right on it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze/authorize.h"
#include "sql/parser.h"

#define P(name) PRIVILEGE_BIT(name)

typedef struct Expectation {
    const char *sql;
    AccessScope scope;
    ObjectKind kind;
    PrivilegeSet any_of;
    const char *database, *object; /* NULL: whatever */
} Expectation;

static const Expectation expectations[] = {
    {"CREATE DATABASE a", ACCESS_ON_CATALOG, OBJECT_CATALOG, P(CREATE_DATABASE), NULL, NULL},
    {"DROP DATABASE IF EXISTS a", ACCESS_ON_DATABASE, OBJECT_DATABASE, P(DROP), "a", NULL},
    {"CREATE TABLE a.t (k INT) DUPLICATE KEY (k)", ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_TABLE), "a", "t"},
    {"CREATE TABLE t2 LIKE t", ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_TABLE), "now", "t2"},
    {"CREATE TABLE t3 AS SELECT 1 AS x", ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_TABLE), "now", "t3"},
    {"DROP TABLE t", ACCESS_ON_TABLE, OBJECT_TABLE, P(DROP), "now", "t"},
    {"TRUNCATE TABLE a.t", ACCESS_ON_TABLE, OBJECT_TABLE, P(DELETE), "a", "t"},
    {"ALTER TABLE t ADD COLUMN c INT", ACCESS_ON_TABLE, OBJECT_TABLE, P(ALTER), "now", "t"},
    {"CREATE VIEW v AS SELECT 1 AS x", ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_VIEW), "now", "v"},
    {"ALTER VIEW a.v AS SELECT 2 AS x", ACCESS_ON_TABLE, OBJECT_VIEW, P(ALTER), "a", "v"},
    {"DROP VIEW v", ACCESS_ON_TABLE, OBJECT_VIEW, P(DROP), "now", "v"},
    {"REFRESH MATERIALIZED VIEW a.m", ACCESS_ON_TABLE, OBJECT_MATERIALIZED_VIEW, P(REFRESH), "a", "m"},
    {"DESC a.t", ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY, "a", "t"},
    {"SHOW CREATE TABLE t", ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY, "now", "t"},
    {"SHOW COLUMNS FROM t FROM a", ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY, "a", "t"},
    {"SHOW FRONTENDS", ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE) | P(NODE), NULL, NULL},
    {"SHOW PROC '/dbs'", ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE), NULL, NULL},
    {"SHOW TABLES", ACCESS_FREE, OBJECT_SYSTEM, 0, NULL, NULL},
    {"SET GLOBAL query_timeout = 1", ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE), NULL, NULL},
    {"ADMIN SET FRONTEND CONFIG (\"a\" = \"b\")", ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE), NULL, NULL},
    {"ALTER SYSTEM CREATE IMAGE", ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(NODE), NULL, NULL},
    {"CREATE ROLE r", ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(GRANT), NULL, NULL},
    {"DROP STORAGE VOLUME v", ACCESS_ON_NAMED, OBJECT_STORAGE_VOLUME, P(DROP), NULL, "v"},
    {"SET query_timeout = 1", ACCESS_FREE, OBJECT_SYSTEM, 0, NULL, NULL},
    {"SELECT 1", ACCESS_FREE, OBJECT_SYSTEM, 0, NULL, NULL},
    {"BEGIN", ACCESS_FREE, OBJECT_SYSTEM, 0, NULL, NULL},
    {"ADMIN EXECUTE ON 10001 'x'", ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE), NULL, NULL}, /* no rule */
};

static void statements_name_their_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(expectations); i++) {
        const Expectation *e = &expectations[i];
        AUTO_ARENA arena;
        AstStatements list = {0};
        Diag diag = {0};
        AuthorizeTarget target;
        arena_init(&arena, NULL);
        if (sql_parse(strview(e->sql), NULL, &arena, &diag, &list) != OK)
            fail_msg("%s: %s", e->sql, diag.message);
        authorize_target(list.items[0], STR_VIEW("now"), &target);
        bool is_right = target.rule.scope == e->scope && target.rule.kind == e->kind && target.rule.any_of == e->any_of &&
                        (e->database == NULL || strview_is(target.database, e->database)) &&
                        (e->object == NULL || strview_is(target.object, e->object));
        if (!is_right)
            fail_msg("%s: scope %d, %s %x on \"%.*s\".\"%.*s\"", e->sql, target.rule.scope, object_kind_name((ObjectKind)target.rule.kind),
                     target.rule.any_of, SV_ARGS(target.database), SV_ARGS(target.object));
    }
}

static void a_refusal_ends_the_statement(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    AstStatements list = {0};
    Diag diag = {0};
    NameList none = {0};
    arena_init(&arena, NULL);
    CatalogSnapshot *catalog = catalog_new_empty();
    AccessModel *model = access_model_read(catalog);
    AccessRights *rights = access_rights_new(model, NULL, &none);
    AnalyzeContext context = {.arena = &arena, .diag = &diag, .catalog = catalog, .rights = rights, .database = STR_VIEW("now")};
    assert_int_equal(sql_parse(STR_VIEW("SET GLOBAL query_timeout = 1"), NULL, &arena, &diag, &list), OK);
    assert_int_equal(authorize_statement(&context, list.items[0]), ERR_PRIVILEGE_DENIED);
    assert_string_equal(diag.message,
                        "Access denied; you need (at least one of) the OPERATE privilege(s) on SYSTEM for this operation. Please ask the admin "
                        "to grant permission(s) or try activating existing roles using <set [default] role>. Current role(s): NONE. "
                        "Inactivated role(s): NONE.");
    access_rights_unref(rights);
    access_model_unref(model);
    catalog_unref(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(statements_name_their_targets), cmocka_unit_test(a_refusal_ends_the_statement)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
