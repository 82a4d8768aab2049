/* Rows and columns that change while segments are merged.
 *
 *     merak-compaction-beside [--seed N] [--rounds N]
 *
 * Random statements go to a table and to its twin. The table is merged again and again, and statements run between the moment in which a
 * merge has read its segments and the one in which it ends; the twin is never merged. After each round both hold the same rows, also for
 * a server that starts again and after a vacuum, and the merge has not moved the data version. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "failure/beside.h"
#include "job/vacuum.h"

enum { KEYS = 12007, MOST_OPERATIONS = 4 };

typedef struct Kind {
    const char *definition;
    bool has_updates, has_column_updates;
} Kind;

static const Kind kinds[] = {
    {"k INT NOT NULL, a INT, v BIGINT, s VARCHAR(40)) PRIMARY KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1", true, true},
    {"k INT NOT NULL, a INT, v BIGINT, s VARCHAR(40)) PRIMARY KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 2 ORDER BY(a)", true, true},
    {"k INT NOT NULL, a INT, v BIGINT, s VARCHAR(40)) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1", false, false},
    {"k INT NOT NULL, a INT, v BIGINT, s VARCHAR(40)) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1 ORDER BY(a)", false, false},
};

typedef struct World {
    Fixture fixture;
    Random random;
    const Kind *kind;
    uint32_t number;  /* of the last statement */
    uint64_t version; /* of the data, when the statements between were done */
    uint32_t between; /* rounds in which statements ran between */
} World;

static Status run(World *world, const char *sql, ByteBuf *out)
{
    Diag diag = {0};
    Status status = fixture_run(&world->fixture, sql, out, &diag);
    if (status != OK)
        fprintf(stderr, "%s: %s\n", sql, diag.message);
    return status;
}

static uint64_t pick(World *world, uint64_t bound)
{
    return random_next(&world->random) % bound;
}

/* The same rows for both tables. */
static void add_insert(World *world, ByteBuf *sql)
{
    uint64_t first = pick(world, KEYS), step = 1 + pick(world, KEYS - 1),
             count = pick(world, 4) == 0 ? 1 + pick(world, 3) : 200 + pick(world, 7000);
    uint32_t number = world->number++;
    for (int twin = 0; twin < 2; twin++)
        bytebuf_printf(sql,
                       "INSERT INTO %s SELECT (%llu + g * %llu) %% %d, g %% 97, g + %u, concat('text ', g * g %% 1000003, ' of ', %u) "
                       "FROM TABLE(generate_series(1, %llu)) t(g); ",
                       twin == 0 ? "t" : "u", (unsigned long long)first, (unsigned long long)step, KEYS, number, number,
                       (unsigned long long)count);
}

static void add_operation(World *world, ByteBuf *sql)
{
    uint64_t modulus = 2 + pick(world, 40), rest = pick(world, modulus), choice = pick(world, 10);
    const char *mode = world->kind->has_column_updates && pick(world, 2) == 0 ? "column" : "row";
    const char *column = pick(world, 3) == 0 ? "s = concat(s, '!')" : "v = v + 1000";
    if (choice < 4 || (choice < 7 && !world->kind->has_updates)) {
        add_insert(world, sql);
        return;
    }
    for (int twin = 0; twin < 2; twin++) {
        const char *table = twin == 0 ? "t" : "u";
        if (choice < 7)
            bytebuf_printf(sql, "SET partial_update_mode = '%s'; UPDATE %s SET %s WHERE k %% %llu = %llu; ", mode, table, column,
                           (unsigned long long)modulus, (unsigned long long)rest);
        else
            bytebuf_printf(sql, "DELETE FROM %s WHERE k %% %llu = %llu; ", table, (unsigned long long)modulus, (unsigned long long)rest);
    }
}

static void add_operations(World *world, ByteBuf *sql, uint64_t count)
{
    bytebuf_clear(sql);
    for (uint64_t i = 0; i < count; i++)
        add_operation(world, sql);
}

static uint64_t data_version(World *world)
{
    uint64_t newest = 0;
    CatalogSnapshot *catalog = meta_snapshot(world->fixture.instance.store);
    const CatalogTable *table = catalog_table(catalog_database(catalog, STR_VIEW("d")), STR_VIEW("t"));
    for (uint32_t p = 0; p < table->partition_count; p++)
        newest = MAX(newest, table->partitions[p]->data_version);
    catalog_unref(catalog);
    return newest;
}

static void note_version(void *context)
{
    World *world = context;
    world->version = data_version(world);
}

static bool is_same(World *world, const char *when)
{
    AUTO_BYTEBUF mine = {0};
    AUTO_BYTEBUF other = {0};
    if (run(world, "SELECT k, a, v, s FROM t ORDER BY k, a, v, s", &mine) != OK ||
        run(world, "SELECT k, a, v, s FROM u ORDER BY k, a, v, s", &other) != OK)
        return false;
    if (mine.length == other.length && (mine.length == 0 || memcmp(mine.data, other.data, mine.length) == 0))
        return true;
    fprintf(stderr, "%s the rows of the table are not those of its twin: %zu and %zu bytes\n", when, mine.length, other.length);
    return false;
}

/* Merges with statements between. */
static bool merge(World *world)
{
    AUTO_BYTEBUF sql = {0};
    Diag diag = {0};
    add_operations(world, &sql, pick(world, MOST_OPERATIONS));
    bytebuf_append_char(&sql, '\0');
    world->version = data_version(world);
    beside_run(sql.length > 1 ? sql.data : NULL, note_version, world);
    if (run(world, "ALTER TABLE t COMPACT", NULL) != OK)
        return false;
    bool has_run = sql.length > 1 && !beside_is_waiting();
    beside_run(NULL, NULL, NULL);
    world->between += has_run;
    if (has_run && beside_status(&diag) != OK) {
        fprintf(stderr, "between: %s: %s\n", sql.data, diag.message);
        return false;
    }
    if (data_version(world) != world->version) {
        fprintf(stderr, "a merge has moved the data version from %llu to %llu\n", (unsigned long long)world->version,
                (unsigned long long)data_version(world));
        return false;
    }
    return has_run || sql.length == 1 || run(world, sql.data, NULL) == OK;
}

static bool vacuum_all(World *world)
{
    Diag diag = {0};
    VacuumReport report;
    if (run(world, "ADMIN SET FRONTEND CONFIG ('lake_autovacuum_grace_period_minutes' = '0')", NULL) != OK)
        return false;
    for (int i = 0; i < 2; i++) {
        if (vacuum_run(world->fixture.instance.vacuum, &diag, &report) != OK)
            return false;
    }
    return true;
}

static bool restart(World *world)
{
    Diag diag = {0};
    if (fixture_reopen(&world->fixture, &diag) == OK)
        return true;
    fprintf(stderr, "%s\n", diag.message);
    return false;
}

static bool run_round(World *world)
{
    AUTO_BYTEBUF sql = {0};
    add_operations(world, &sql, 1 + pick(world, MOST_OPERATIONS));
    bytebuf_append_char(&sql, '\0');
    if (run(world, sql.data, NULL) != OK || !is_same(world, "before a merge") || !merge(world) || !is_same(world, "after a merge"))
        return false;
    if (pick(world, 8) == 0 && (!vacuum_all(world) || !is_same(world, "after a vacuum")))
        return false;
    return pick(world, 8) != 0 || (restart(world) && is_same(world, "after a start"));
}

static bool make_tables(World *world)
{
    AUTO_BYTEBUF sql = {0};
    bytebuf_printf(&sql, "DROP TABLE IF EXISTS t FORCE; DROP TABLE IF EXISTS u FORCE; CREATE TABLE t (%s; CREATE TABLE u (%s; ",
                   world->kind->definition, world->kind->definition);
    add_insert(world, &sql);
    bytebuf_append_char(&sql, '\0');
    return run(world, sql.data, NULL) == OK;
}

int main(int argc, char **argv)
{
    World world = {0};
    uint64_t seed = env_random(environment_real()), rounds = 200;
    bool is_good = true;
    Diag diag = {0};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--rounds") == 0)
            rounds = strtoull(argv[i + 1], NULL, 10);
    }
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 2;
    world.random.state = seed;
    fixture_open(&world.fixture, false);
    beside_watch(&world.fixture);
    is_good = fixture_finalize(&world.fixture, &diag) == OK; /* column updates need the newest formats */
    uint64_t round = 0;
    for (; round < rounds && is_good; round++) {
        if (round % 15 == 0) {
            world.kind = &kinds[round / 15 % COUNT_OF(kinds)];
            is_good = make_tables(&world);
        }
        is_good = is_good && run_round(&world);
    }
    fixture_close(&world.fixture);
    printf("seed %llu: %llu rounds, changes between in %u\n", (unsigned long long)seed, (unsigned long long)round, world.between);
    printf("%u passed, %u failed\n", is_good ? 1u : 0u, is_good ? 0u : 1u);
    return is_good && world.between > 0 ? 0 : 1;
}
