/* Catalog records: kept in order, replaced and dropped, and a snapshot that someone holds never changes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meta/change.h"

static CatalogSnapshot *empty_catalog(void)
{
    CatalogSnapshot *catalog = mem_alloc_zero(sizeof(*catalog));
    atomic_init(&catalog->references, 1);
    arena_init(&catalog->arena, NULL);
    return catalog;
}

/* The state after the change; base keeps its reference. */
static CatalogSnapshot *after(CatalogSnapshot *base, Change *change, uint64_t entry_id)
{
    CatalogSnapshot *next = NULL;
    Diag diag = {0};
    assert_int_equal(change_apply(base, bytebuf_view(&change->bytes), entry_id, 0, NULL, &diag, &next), OK);
    return next;
}

static void collect(void *context, StrView key, StrView value)
{
    ByteBuf *out = context;
    bytebuf_printf(out, "%.*s=%.*s;", SV_ARGS(key), SV_ARGS(value));
}

static void assert_module(const CatalogSnapshot *catalog, const char *module, const char *wanted)
{
    AUTO_BYTEBUF out = {0};
    catalog_each_record(catalog, module, collect, &out);
    assert_string_equal(out.data == NULL ? "" : out.data, wanted);
}

static void test_order_and_isolation(void **state)
{
    (void)state;
    CatalogSnapshot *start = empty_catalog();
    AUTO_CHANGE first = {0};
    change_put_record(&first, "user", STR_VIEW("b"), STR_VIEW("2"));
    change_put_record(&first, "user", STR_VIEW("a"), STR_VIEW("1"));
    change_put_record(&first, "role", STR_VIEW("r"), STR_VIEW("{}"));
    change_put_record(&first, "user", STR_VIEW("c"), STR_VIEW("3"));
    CatalogSnapshot *one = after(start, &first, 1);
    AUTO_CHANGE second = {0};
    change_drop_record(&second, "user", STR_VIEW("b"));
    change_put_record(&second, "user", STR_VIEW("a"), STR_VIEW("9"));
    change_drop_record(&second, "role", STR_VIEW("r"));
    change_drop_record(&second, "nothing", STR_VIEW("r"));
    CatalogSnapshot *two = after(one, &second, 2);

    assert_module(start, "user", "");
    assert_module(one, "user", "a=1;b=2;c=3;");
    assert_module(one, "role", "r={};");
    assert_module(two, "user", "a=9;c=3;");
    assert_module(two, "role", "");
    assert_true(strview_is(catalog_record(two, "user", STR_VIEW("a")), "9"));
    assert_null(catalog_record(two, "user", STR_VIEW("b")).data);
    assert_int_equal(catalog_record_count(one, "user"), 3);
    assert_true(strview_is(catalog_record_module(one, 0), "role"));
    assert_true(strview_is(catalog_record_module(two, 0), "user"));
    assert_null(catalog_record_module(two, 1).data);
    catalog_unref(one); /* what the later one shares stays */
    assert_module(two, "user", "a=9;c=3;");
    catalog_unref(two);
    catalog_unref(start);
}

static void test_many(void **state)
{
    (void)state;
    CatalogSnapshot *catalog = empty_catalog();
    Diag diag = {0};
    for (uint32_t i = 0; i < 500; i++) {
        AUTO_CHANGE change = {0};
        char key[16];
        snprintf(key, sizeof(key), "%04u", i * 7 % 500);
        change_put_record(&change, "task", strview(key), strview(key));
        assert_int_equal(change_apply_in_place(catalog, bytebuf_view(&change.bytes), i + 1, 0, NULL, &diag), OK);
    }
    assert_int_equal(catalog_record_count(catalog, "task"), 500);
    assert_true(strview_is(catalog_record(catalog, "task", STR_VIEW("0499")), "0499"));
    AUTO_BYTEBUF all = {0};
    catalog_each_record(catalog, "task", collect, &all);
    assert_memory_equal(all.data, "0000=0000;0001=0001;", 20);
    catalog_unref(catalog);
}

static void test_cut_short(void **state)
{
    (void)state;
    AUTO_CHANGE change = {0};
    change_put_record(&change, "user", STR_VIEW("name"), STR_VIEW("value"));
    CatalogSnapshot *start = empty_catalog();
    for (size_t length = 1; length < change.bytes.length; length++) {
        CatalogSnapshot *next = NULL;
        Diag diag = {0};
        assert_int_not_equal(change_apply(start, strview_n(change.bytes.data, length), 1, 0, NULL, &diag, &next), OK);
    }
    catalog_unref(start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_isolation),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
