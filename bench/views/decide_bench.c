/* What it costs to find out that nothing changed, and what did; see README.md. */

#include <stdio.h>
#include <stdlib.h>

#include "base/environment.h"
#include "failure/fixture.h"
#include "mv/engine.h"

enum { BASE_PARTITIONS = 10000, VIEWS = 1000, SOME = 20, LIMIT_US = 50000 };

static void must(bool ok, const char *what, const Diag *diag)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, diag->message);
    exit(1);
}

static void run(Fixture *fixture, const char *sql)
{
    Diag diag = {0};
    AUTO_BYTEBUF out = {0};
    must(fixture_run(fixture, sql, &out, &diag) == OK, sql, &diag);
}

/* Refreshes the first views; how many had nothing to do. */
static uint32_t refresh_all(Fixture *fixture, const uint64_t *ids, uint32_t count, int64_t *out_us)
{
    uint32_t idle = 0;
    int64_t start = env_monotonic_us(environment_real());
    for (uint32_t i = 0; i < count; i++) {
        AUTO_ARENA arena;
        Diag diag = {0};
        MvRefreshed done;
        arena_init(&arena, NULL);
        CatalogSnapshot *snapshot = meta_snapshot(fixture->instance.store);
        MvRefresh refresh = {.view_id = ids[i], .most_partitions = -1, .ask = {.now_us = env_wall_us(environment_real())}};
        must(mv_refresh(fixture->instance.views, &refresh, snapshot, &arena, &diag, &done) == OK, "refresh", &diag);
        idle += done.did_nothing;
        catalog_unref(snapshot);
    }
    *out_us = env_monotonic_us(environment_real()) - start;
    return idle;
}

static int report(const char *what, int64_t us, int64_t limit_us)
{
    bool good = limit_us == 0 || us < limit_us;
    printf("%-60s %10.2f ms%s\n", what, (double)us / 1000, limit_us == 0 ? "" : good ? "   (under 50)" : "   TOO SLOW: 50");
    return !good;
}

int main(void)
{
    static Fixture fixture;
    static uint64_t ids[VIEWS];
    int64_t us;
    int failed = 0;
    fixture_open(&fixture, false);
    session_open_views(&fixture.instance);
    run(&fixture, "CREATE DATABASE b");
    run(&fixture, "USE b");
    run(&fixture, "CREATE TABLE base (dt DATE NOT NULL, k INT, v BIGINT) DUPLICATE KEY (dt, k) PARTITION BY date_trunc('day', dt)");
    for (uint32_t first = 0; first < BASE_PARTITIONS; first += 1000) {
        char sql[512];
        snprintf(sql, sizeof(sql), "INSERT INTO base SELECT date_add('1990-01-01', INTERVAL %u + g DAY), g, g FROM TABLE(generate_series(0, 999)) t(g)", first);
        run(&fixture, sql);
    }
    for (uint32_t i = 0; i < VIEWS; i++) {
        char sql[512];
        /* Partitions of a year: the views' own would outnumber the base's by far. */
        snprintf(sql, sizeof(sql), "CREATE MATERIALIZED VIEW v%u PARTITION BY date_trunc('year', dt) REFRESH DEFERRED MANUAL AS SELECT dt, sum(v) AS s, "
                 "count(*) AS n FROM base WHERE dt >= '2016-01-01' AND k <> %u GROUP BY dt", i, i);
        run(&fixture, sql);
    }
    CatalogSnapshot *snapshot = meta_snapshot(fixture.instance.store);
    for (uint32_t i = 0; i < VIEWS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "v%u", i);
        ids[i] = catalog_table(catalog_database(snapshot, STR_VIEW("b")), strview(name))->id;
    }
    catalog_unref(snapshot);
    refresh_all(&fixture, ids, VIEWS, &us);
    failed += report("first refresh of 1000 views of 10000 base partitions", us, 0);
    failed += refresh_all(&fixture, ids, VIEWS, &us) != VIEWS;
    failed += report("nothing changed: all 1000", us, LIMIT_US);
    run(&fixture, "ALTER TABLE base COMPACT");
    failed += refresh_all(&fixture, ids, VIEWS, &us) != VIEWS;
    failed += report("the base was compacted: all 1000", us, LIMIT_US);
    run(&fixture, "INSERT INTO base VALUES ('2017-05-05', 1, 1)");
    failed += refresh_all(&fixture, ids, SOME, &us) != 0;
    failed += report("one row was loaded: one of them is decided and refreshed", us / SOME, 0);
    mv_engine_close(fixture.instance.views);
    fixture_close(&fixture);
    return failed > 0;
}
