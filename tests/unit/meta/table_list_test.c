/* The persistent list of tables and the map of ids against plain arrays: random inserts, removals, replacements and swaps of names
 * on several versions that share their chunks. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/environment.h"
#include "meta/catalog.h"

enum { TABLES = 3000, VERSIONS = 4 };

static CatalogTable *new_table(uint64_t id, const char *name)
{
    CatalogTable *table = mem_alloc_zero(sizeof(*table));
    atomic_init(&table->references, 1);
    arena_init(&table->arena, NULL);
    table->id = id;
    table->name = strview(arena_strdup(&table->arena, name));
    return table;
}

static void name_of(uint64_t number, char out[32])
{
    snprintf(out, 32, "t%llu", (unsigned long long)(number * 7919 % TABLES));
}

/* Which tables are in each version. */
static bool expected[VERSIONS][TABLES];

static void check(const TableList *list, const bool *wanted)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < TABLES; i++) {
        char name[32];
        bool is_there;
        uint32_t at;
        name_of(i, name);
        at = table_list_find(list, strview(name), &is_there);
        assert_int_equal(is_there, wanted[i]);
        assert_int_equal(table_list_find_id(list, strview(name), i + 1, &at), wanted[i]);
        if (wanted[i])
            assert_int_equal(table_list_at(list, at)->id, i + 1);
        count += wanted[i];
    }
    assert_int_equal(list->count, count);
    for (uint32_t i = 1; i < list->count; i++)
        assert_true(strview_compare(table_list_at(list, i - 1)->name, table_list_at(list, i)->name) < 0);
}

static void versions_of_a_list_do_not_disturb_each_other(void **state)
{
    (void)state;
    Random random = {7};
    TableList lists[VERSIONS] = {0};
    for (int step = 0; step < 40000; step++) {
        uint32_t v = (uint32_t)(random_next(&random) % VERSIONS);
        uint64_t i = random_next(&random) % TABLES;
        char name[32];
        bool is_there;
        name_of(i, name);
        uint32_t at = table_list_find(&lists[v], strview(name), &is_there);
        assert_int_equal(is_there, expected[v][i]);
        if (!is_there)
            table_list_insert(&lists[v], at, new_table(i + 1, name));
        else if (random_next(&random) % 3 == 0)
            table_list_replace(&lists[v], at, new_table(i + 1, name));
        else
            table_list_remove(&lists[v], at);
        expected[v][i] = !is_there || table_list_find_id(&lists[v], strview(name), i + 1, &at);
        if (step % 5000 == 4999) { /* a version becomes a copy of another */
            uint32_t to = (v + 1) % VERSIONS;
            table_list_deinit(&lists[to]);
            table_list_share(&lists[v], &lists[to]);
            memcpy(expected[to], expected[v], sizeof(expected[v]));
            for (uint32_t k = 0; k < VERSIONS; k++)
                check(&lists[k], expected[k]);
        }
    }
    for (uint32_t v = 0; v < VERSIONS; v++)
        table_list_deinit(&lists[v]);
}

static void two_tables_may_have_one_name_for_a_while(void **state)
{
    (void)state;
    TableList list = {0};
    bool is_there;
    uint32_t at;
    for (uint64_t id = 1; id <= 3; id++)
        table_list_insert(&list, table_list_find(&list, STR_VIEW("a"), &is_there), new_table(id, "a"));
    for (uint64_t id = 1; id <= 3; id++) {
        assert_true(table_list_find_id(&list, STR_VIEW("a"), id, &at));
        assert_int_equal(table_list_at(&list, at)->id, id);
    }
    assert_false(table_list_find_id(&list, STR_VIEW("a"), 4, &at));
    assert_false(table_list_find_id(&list, STR_VIEW("b"), 1, &at));
    table_list_deinit(&list);
}

static void versions_of_a_map_do_not_disturb_each_other(void **state)
{
    (void)state;
    static uint64_t homes[VERSIONS][TABLES]; /* 0: absent */
    Random random = {9};
    IdMap *maps[VERSIONS] = {0};
    for (int step = 0; step < 100000; step++) {
        uint32_t v = (uint32_t)(random_next(&random) % VERSIONS);
        uint64_t i = random_next(&random) % TABLES, id = i % 5 == 0 ? i * 1000003 : i; /* near and far */
        uint64_t home = random_next(&random) % 4;
        if (home == 0)
            id_map_remove(&maps[v], id);
        else
            id_map_put(&maps[v], id, &(IdHome){home, STR_VIEW("name")});
        homes[v][i] = home;
        if (step % 20000 == 19999) {
            uint32_t to = (v + 1) % VERSIONS;
            id_map_unref(maps[to]);
            maps[to] = id_map_ref(maps[v]);
            memcpy(homes[to], homes[v], sizeof(homes[v]));
        }
    }
    for (uint32_t v = 0; v < VERSIONS; v++) {
        for (uint64_t i = 0; i < TABLES; i++) {
            IdHome found;
            uint64_t id = i % 5 == 0 ? i * 1000003 : i;
            assert_int_equal(id_map_find(maps[v], id, &found), homes[v][i] != 0);
            if (homes[v][i] != 0)
                assert_true(found.database_id == homes[v][i] && strview_is(found.name, "name"));
        }
        assert_false(id_map_find(maps[v], UINT64_MAX, &(IdHome){0}));
        id_map_unref(maps[v]);
    }
}

/* Of two versions of a long list with a table more, one less and one replaced, few places are looked at. */
static void what_versions_share_is_stepped_over(void **state)
{
    (void)state;
    TableList before = {0}, after;
    char name[32];
    bool is_there;
    for (uint64_t i = 0; i < TABLES; i++) {
        snprintf(name, sizeof(name), "t%05llu", (unsigned long long)(2 * i));
        table_list_insert(&before, (uint32_t)i, new_table(i + 1, name));
    }
    table_list_share(&before, &after);
    table_list_insert(&after, table_list_find(&after, STR_VIEW("t02001"), &is_there), new_table(9001, "t02001"));
    table_list_remove(&after, table_list_find(&after, STR_VIEW("t04000"), &is_there));
    table_list_replace(&after, TABLES - 1, new_table(9002, "t05998"));
    uint32_t b = 0, a = 0, looked_at = 0, differences = 0;
    while (b < before.count || a < after.count) {
        if (table_list_skip_shared(&before, &b, &after, &a))
            continue;
        const CatalogTable *old = b < before.count ? table_list_at(&before, b) : NULL,
                           *new = a < after.count ? table_list_at(&after, a) : NULL;
        int order = old == NULL ? 1 : new == NULL ? -1 : strview_compare(old->name, new->name);
        b += order <= 0;
        a += order >= 0;
        looked_at++;
        differences += old != new;
    }
    assert_int_equal(differences, 3);
    assert_true(looked_at <= 3 * 257);
    table_list_deinit(&before);
    table_list_deinit(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_of_a_list_do_not_disturb_each_other),
        cmocka_unit_test(what_versions_share_is_stepped_over),
        cmocka_unit_test(two_tables_may_have_one_name_for_a_while),
        cmocka_unit_test(versions_of_a_map_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests_name("meta.table_list", tests, NULL, NULL);
}
