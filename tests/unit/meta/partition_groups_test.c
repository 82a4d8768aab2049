/* Tables of many partitions against plain arrays: puts, removals and exchanges on versions that share their groups; sums; the order by
 * bounds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/environment.h"
#include "meta/partition_order.h"

enum { MOST = 2000, VERSIONS = 4, STEPS = 20000 };

static TableSchema schema = {.scheme = PARTITION_RANGE, .partition_column_count = 1};
static Type types[1];

static CatalogTable *new_table(void)
{
    CatalogTable *table = mem_alloc_zero(sizeof(*table));
    atomic_init(&table->references, 1);
    arena_init(&table->arena, NULL);
    table->schema = &schema;
    atomic_fetch_add(&schema.references, 1);
    return table;
}

/* Takes [id, id + 1); the version tells the copies of one id apart. */
static CatalogPartition *new_partition(uint64_t id, uint64_t version)
{
    CatalogPartition *partition = mem_alloc_zero(sizeof(*partition));
    atomic_init(&partition->references, 1);
    arena_init(&partition->arena, NULL);
    partition->id = id;
    partition->data_version = version;
    partition->has_low = partition->has_high = true;
    partition->low = ARENA_NEW(&partition->arena, Datum);
    partition->high = ARENA_NEW(&partition->arena, Datum);
    partition->low[0] = datum_i64((int64_t)id);
    partition->high[0] = datum_i64((int64_t)id + 1);
    partition->tablet_count = (uint32_t)(version % 3);
    partition->tablets = ARENA_NEW_ARRAY(&partition->arena, TabletVersion, 3);
    return partition;
}

static uint64_t expected[VERSIONS][MOST]; /* the version; 0: not there */

static void check(const CatalogTable *table, const uint64_t *wanted)
{
    uint32_t count = 0;
    uint64_t tablets = 0;
    const PartitionOrder *order = partition_order_of(table);
    for (uint64_t id = 0; id < MOST; id++) {
        const CatalogPartition *found = catalog_partition_by_id(table, id);
        Datum value = datum_i64((int64_t)id);
        uint32_t place = order == NULL ? catalog_partition_place(table, id) : partition_order_find(order, table, &value);
        assert_int_equal(found == NULL ? 0 : found->data_version, wanted[id]);
        if (wanted[id] != 0)
            assert_ptr_equal(table->partitions[place], found);
        else if (order != NULL)
            assert_int_equal(place, PARTITION_NOWHERE);
        count += wanted[id] != 0;
        tablets += wanted[id] % 3;
    }
    assert_int_equal(table->partition_count, count);
    assert_int_equal(table_sums(table).tablets, tablets);
}

static void check_span(const CatalogTable *table, const uint64_t *wanted, int64_t low, int64_t high)
{
    const PartitionOrder *order = partition_order_of(table);
    uint32_t first, end, found = 0, expected_count = 0;
    Datum from = datum_i64(low), to = datum_i64(high);
    if (order == NULL)
        return;
    partition_order_span(order, table, &from, &to, &first, &end);
    for (uint32_t i = first; i < end; i++) {
        int64_t at = (int64_t)table->partitions[partition_order_place(order, i)]->id;
        found += at >= low && at <= high;
        assert_true(at <= high);
    }
    for (int64_t id = low; id <= high; id++)
        expected_count += wanted[id] != 0;
    assert_int_equal(found, expected_count);
    assert_true(end <= first || end - first <= expected_count + 1);
    if (expected_count > 0) {
        CatalogPartition *like = new_partition((uint64_t)low, 1);
        like->high[0] = datum_i64(high + 1);
        assert_int_not_equal(partition_order_overlap(order, table, like), PARTITION_NOWHERE);
        catalog_partition_unref(like);
    }
}

static void change(CatalogTable *table, uint64_t *wanted, Random *random, uint64_t step)
{
    /* Most are put behind the others, as in life. */
    uint64_t last = table->partition_count == 0 ? 0 : table->partitions[table->partition_count - 1]->id + 1;
    uint64_t id = random_next(random) % 4 != 0 && last < MOST ? last : random_next(random) % MOST;
    if (wanted[id] != 0 && random_next(random) % 2 == 0) {
        catalog_remove_partition(table, catalog_partition_place(table, id));
        wanted[id] = 0;
        return;
    }
    catalog_put_partition(table, new_partition(id, step + 1));
    wanted[id] = step + 1;
}

static void versions_of_a_table_do_not_disturb_each_other(void **state)
{
    (void)state;
    Random random = {7};
    CatalogTable *versions[VERSIONS];
    types[0] = type_of(TYPE_BIGINT);
    schema.partition_types = types;
    atomic_init(&schema.references, 1);
    for (uint32_t v = 0; v < VERSIONS; v++)
        versions[v] = new_table();
    for (uint64_t step = 0; step < STEPS; step++) {
        uint32_t v = (uint32_t)(random_next(&random) % VERSIONS);
        change(versions[v], expected[v], &random, step);
        if (step % 499 == 0) {
            uint32_t from = (uint32_t)(random_next(&random) % VERSIONS);
            CatalogTable *next = new_table();
            catalog_share_partitions(next, versions[from], (uint32_t)(step % 2));
            memmove(expected[v], expected[from], sizeof(expected[v]));
            catalog_table_unref(versions[v]);
            versions[v] = next;
        }
        if (step % 251 == 0) {
            int64_t low = (int64_t)(random_next(&random) % (MOST - 100));
            check(versions[v], expected[v]);
            check_span(versions[v], expected[v], low, low + (int64_t)(random_next(&random) % 100));
        }
    }
    for (uint32_t v = 0; v < VERSIONS; v++) {
        check(versions[v], expected[v]);
        catalog_table_unref(versions[v]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(versions_of_a_table_do_not_disturb_each_other)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
