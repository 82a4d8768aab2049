#include "connector/file_glob.h"

/* Patterns of FILES(). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool matches(const char *path, const char *pattern)
{
    return path_matches(strview(path), strview(pattern));
}

static void names(void **state)
{
    (void)state;
    assert_true(matches("a.csv", "*.csv"));
    assert_true(matches("a.csv", "?.csv"));
    assert_false(matches("ab.csv", "?.csv"));
    assert_true(matches("aXbXc", "a*b*c"));
    assert_false(matches("aXbX", "a*b*c"));
    assert_true(matches("", ""));
    assert_true(matches("b1", "[a-c][0-9]"));
    assert_false(matches("d1", "[a-c][0-9]"));
    assert_true(matches("d1", "[^a-c]1"));
    assert_true(matches("]", "[]]"));
    assert_true(matches("[a", "[a"));
    assert_true(matches("a-", "a[-]"));
}

static void paths(void **state)
{
    (void)state;
    assert_true(matches("x/y/z.csv", "x/*/*.csv"));
    assert_false(matches("x/y/z.csv", "x/*.csv"));
    assert_false(matches("x/.h", "x/*"));
    assert_true(matches("x/.h", "x/.*"));
    assert_true(strview_is(path_plain_prefix(strview("a/b/c*d/e")), "a/b/"));
    assert_true(strview_is(path_plain_prefix(strview("*")), ""));
}

static void expansions(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    PathList list = {0};
    assert_int_equal(path_patterns_expand(strview("a{1,2{x,y}}b, c"), &arena, &list, NULL), OK);
    assert_int_equal(list.count, 4);
    assert_true(strview_is(list.items[0], "a1b"));
    assert_true(strview_is(list.items[1], "a2xb"));
    assert_true(strview_is(list.items[2], "a2yb"));
    assert_true(strview_is(list.items[3], "c"));
    PathList open = {0};
    assert_int_equal(path_patterns_expand(strview("a{b"), &arena, &open, NULL), OK);
    assert_int_equal(open.count, 1);
}

/* Braces multiply: 4^10 paths are too many, and are not made first. */
static void limits(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    Diag diag = {0};
    arena_init(&arena, NULL);
    PathList list = {0};
    const char *text = "{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}";
    assert_int_equal(path_patterns_expand(strview(text), &arena, &list, &diag), ERR_LIMIT_EXCEEDED);
    assert_true(list.count <= MOST_PATH_PATTERNS);
    char stars[2001], name[2001];
    for (int i = 0; i < 2000; i++) {
        stars[i] = i % 2 == 0 ? '*' : 'a';
        name[i] = 'a';
    }
    stars[2000] = name[2000] = '\0';
    stars[1999] = 'b';
    assert_false(matches(name, stars)); /* no exponential search */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(paths),
        cmocka_unit_test(expansions),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
