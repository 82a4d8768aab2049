/* Every kind of statement that touches an object asks for a right on it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze/authorize.h"
#include "sql/parser.h"

typedef struct Expectation {
    const char *sql;
    bool needs;
    AuthorizeAction action;
    const char *database, *object;
} Expectation;

static const Expectation expectations[] = {
    {"CREATE DATABASE a", true, AUTHORIZE_CREATE, "a", ""},
    {"DROP DATABASE IF EXISTS a", true, AUTHORIZE_DROP, "a", ""},
    {"CREATE TABLE a.t (k INT) DUPLICATE KEY (k)", true, AUTHORIZE_CREATE, "a", "t"},
    {"CREATE TABLE t2 LIKE t", true, AUTHORIZE_CREATE, "now", "t2"},
    {"CREATE TABLE t3 AS SELECT 1 AS x", true, AUTHORIZE_CREATE, "now", "t3"},
    {"DROP TABLE t", true, AUTHORIZE_DROP, "now", "t"},
    {"TRUNCATE TABLE a.t", true, AUTHORIZE_DELETE, "a", "t"},
    {"ALTER TABLE t ADD COLUMN c INT", true, AUTHORIZE_ALTER, "now", "t"},
    {"CREATE VIEW v AS SELECT 1 AS x", true, AUTHORIZE_CREATE, "now", "v"},
    {"ALTER VIEW a.v AS SELECT 2 AS x", true, AUTHORIZE_ALTER, "a", "v"},
    {"DROP VIEW v", true, AUTHORIZE_DROP, "now", "v"},
    {"DESC a.t", true, AUTHORIZE_SELECT, "a", "t"},
    {"KILL 5", true, AUTHORIZE_OPERATE, "", ""},
    {"SET GLOBAL query_timeout = 1", true, AUTHORIZE_OPERATE, "", ""},
    {"ADMIN SET FRONTEND CONFIG (\"a\" = \"b\")", true, AUTHORIZE_OPERATE, "", ""},
    {"CREATE USER u IDENTIFIED BY 'p'", true, AUTHORIZE_OPERATE, "", ""},
    {"GRANT SELECT ON TABLE a.t TO USER u", true, AUTHORIZE_OPERATE, "", ""},
    {"SET query_timeout = 1", false, AUTHORIZE_OPERATE, "", ""},
    {"SELECT 1", false, AUTHORIZE_OPERATE, "", ""},
    {"BEGIN", false, AUTHORIZE_OPERATE, "", ""},
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
        bool needs = authorize_target(list.items[0], STR_VIEW("now"), &target);
        bool is_right = needs == e->needs && (!needs || (target.action == e->action && strview_equal(target.database, strview(e->database)) &&
                                                         strview_equal(target.object, strview(e->object))));
        if (!is_right)
            fail_msg("%s: action %d on \"%.*s\".\"%.*s\"", e->sql, (int)target.action, SV_ARGS(target.database), SV_ARGS(target.object));
    }
}

static Status refuse(void *context, AuthorizeAction action, StrView database, StrView table, Diag *diag)
{
    (void)context, (void)action;
    return RAISE(diag, ACCESS_DENIED, "no right on %.*s.%.*s", SV_ARGS(database), SV_ARGS(table));
}

static void a_refusal_ends_the_statement(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    AstStatements list = {0};
    Diag diag = {0};
    static const Authorizer authorizer = {NULL, refuse};
    arena_init(&arena, NULL);
    AnalyzeContext context = {.arena = &arena, .diag = &diag, .authorizer = &authorizer, .database = STR_VIEW("now")};
    assert_int_equal(sql_parse(STR_VIEW("DROP TABLE t"), NULL, &arena, &diag, &list), OK);
    assert_int_equal(authorize_statement(&context, list.items[0]), ERR_ACCESS_DENIED);
    assert_string_equal(diag.message, "no right on now.t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(statements_name_their_targets), cmocka_unit_test(a_refusal_ends_the_statement)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
