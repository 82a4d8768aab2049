/* N-th failure loops: each scenario is run again and again, and each time the next operation on the volume, the
 * next allocation, or the next pass of a fault point fails, once or from then on, until none is reached any more.
 *
 *     merak-failures [--list-points | --times | --only TEXT]
 *
 * After each run: the scenario has failed with a message, or has succeeded; the data are as before, or as after,
 * and nothing in between, also for a server that starts again; and the next statement works. An unknown outcome may
 * be either. With --list-points, the fault points that were passed are printed, a line each. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "failure/beside.h"

enum { MOST_RUNS = 3000, DENSE_RUNS = 24 };

/* RUN_UNSEEN: what it does is not seen in the data, so that each run has a fresh server. RUN_BESIDE: the same while pk is compacted.
 * RUN_NEWEST: SQL in the newest formats; the others run in those of the first level. */
typedef enum ScenarioKind {
    RUN_SQL,
    RUN_NEWEST,
    RUN_UNSEEN,
    RUN_BESIDE,
    RUN_LOAD,
    RUN_MERGED_LOAD,
    RUN_REOPEN,
    RUN_FIRST_START,
    RUN_RESTORE,
    RUN_TRIM
} ScenarioKind;

typedef struct Scenario {
    ScenarioKind kind;
    const char *text;
} Scenario;

static const Scenario scenarios[] = {
    {RUN_SQL, "SELECT k, v FROM dup WHERE k BETWEEN 10 AND 400 ORDER BY v DESC LIMIT 5"},
    {RUN_SQL, "SELECT p, s, count(*), sum(v), max(k) FROM dup GROUP BY p, s ORDER BY 1, 2"},
    {RUN_SQL, "SELECT count(*), sum(a.v + b.v) FROM dup a JOIN pk b ON a.k = b.k WHERE b.v > 3"},
    {RUN_SQL, "SELECT k, row_number() OVER (PARTITION BY s ORDER BY k), sum(v) OVER (PARTITION BY p ORDER BY k) FROM dup"},
    {RUN_SQL, "SELECT count(DISTINCT k), group_concat(DISTINCT s) FROM dup WHERE k NOT IN (SELECT v FROM pk WHERE v % 2 = 0)"},
    {RUN_SQL, "SELECT /*+ SET_VAR(enable_spill=true, spill_mode='force') */ s, sum(v), count(*) FROM dup GROUP BY s ORDER BY s"},
    {RUN_SQL, "SELECT /*+ SET_VAR(enable_spill=true, spill_mode='force') */ a.k, b.v FROM pk a JOIN pk b ON a.k = b.v ORDER BY 1, 2"},
    {RUN_SQL,
     "SELECT /*+ SET_VAR(enable_spill=true, spill_mode='force') */ md5(g), g FROM TABLE(generate_series(1, 12000)) t(g) ORDER BY 1"},
    {RUN_SQL, "CREATE TABLE fresh (a INT, b STRING) DUPLICATE KEY(a) DISTRIBUTED BY HASH(a) BUCKETS 3"},
    {RUN_SQL, "CREATE TABLE copied AS SELECT k, s FROM dup WHERE k < 50"},
    {RUN_SQL, "CREATE TABLE copied PARTITION BY date_trunc('month', p) AS SELECT p, k, s FROM dup WHERE k < 50"},
    {RUN_SQL, "CREATE VIEW seen AS SELECT k FROM dup"},
    {RUN_SQL, "CREATE DATABASE other"},
    {RUN_SQL, "DROP TABLE pk"},
    {RUN_SQL, "DROP TABLE pk FORCE"},
    {RUN_SQL, "RECOVER TABLE gone"},
    {RUN_SQL, "ALTER TABLE dup ADD COLUMN extra INT DEFAULT '5'"},
    {RUN_SQL, "ALTER TABLE dup REPLACE PARTITION (a) WITH TEMPORARY PARTITION (t)"},
    {RUN_SQL, "ALTER TABLE dup DROP PARTITIONS WHERE p < '2024-01-01'"},
    {RUN_SQL, "ALTER TABLE dup DROP TEMPORARY PARTITION IF EXISTS t; ALTER TABLE dup ORDER BY (v)"},
    {RUN_SQL, "ALTER TABLE pk ADD COLUMN g BIGINT AS (k + v)"},
    {RUN_SQL, "ALTER TABLE dup ADD PARTITION c VALUES LESS THAN ('2026-01-01')"},
    {RUN_SQL, "ALTER TABLE dup DROP PARTITION a"},
    {RUN_SQL, "ALTER TABLE dup DROP COLUMN s"},
    {RUN_SQL, "ALTER TABLE dup RENAME COLUMN s z"},
    {RUN_SQL, "ALTER TABLE dup DROP TEMPORARY PARTITION IF EXISTS t; ALTER TABLE dup MODIFY COLUMN v STRING"},
    {RUN_SQL, "ALTER TABLE dup DROP TEMPORARY PARTITION IF EXISTS t; ALTER TABLE dup DISTRIBUTED BY HASH(v) BUCKETS 3"},
    {RUN_SQL, "ALTER TABLE dup DROP TEMPORARY PARTITION IF EXISTS t; ALTER TABLE dup ADD INDEX words (s) USING BITMAP"},
    {RUN_SQL, "ALTER TABLE dup DROP TEMPORARY PARTITION IF EXISTS t; ALTER TABLE dup SET ('bloom_filter_columns' = 's')"},
    {RUN_SQL, "ALTER TABLE nested MODIFY COLUMN s ADD FIELD b INT"},
    {RUN_SQL, "ALTER TABLE auto_made PARTITION BY date_trunc('year', d)"},
    {RUN_SQL, "ALTER TABLE auto_made PARTITION BY date_trunc('quarter', d) BETWEEN '2022-01-01' AND '2022-12-31'"},
    {RUN_SQL, "ALTER TABLE pk SWAP WITH counted"},
    {RUN_SQL, "ALTER TABLE dup DROP TEMPORARY PARTITION t FORCE"},
    {RUN_SQL, "ALTER TABLE dup ADD TEMPORARY PARTITION IF NOT EXISTS u VALUES [('2024-01-01'), ('2024-06-01')); ALTER TABLE dup TRUNCATE "
              "PARTITION a"},
    {RUN_SQL, "RECOVER PARTITION lost_one FROM dup"},
    {RUN_SQL, "RECOVER DATABASE lost"},
    {RUN_SQL, "DROP DATABASE spare"},
    {RUN_UNSEEN, "ALTER DATABASE d SET DATA QUOTA 100GB; ALTER DATABASE d SET REPLICA QUOTA 5000"},
    {RUN_SQL, "CREATE MATERIALIZED VIEW by_word AS SELECT s, sum(v) FROM dup GROUP BY s"},
    {RUN_SQL, "ALTER TABLE dup ADD ROLLUP words (s, k)"},
    {RUN_SQL, "TRUNCATE TABLE dup"},
    {RUN_SQL, "INSERT OVERWRITE dup PARTITION (b) SELECT k, '2024-05-05', s, v + 1 FROM dup WHERE k % 5 = 0"},
    {RUN_SQL, "INSERT OVERWRITE auto_made SELECT k, date_add('2023-01-01', INTERVAL k MONTH) FROM pk WHERE k < 4"},
    {RUN_SQL, "MERGE INTO pk USING (SELECT k, v FROM dup WHERE k BETWEEN 400 AND 550) d ON pk.k = d.k + 2700 WHEN MATCHED AND d.v > 1400 "
              "THEN DELETE "
              "WHEN MATCHED THEN UPDATE SET v = d.v WHEN NOT MATCHED THEN INSERT (k, v) VALUES (d.k + 2700, 5)"},
    {RUN_SQL, "UPDATE pk SET v = d.v FROM dup d WHERE pk.k = d.k AND d.k < 100"},
    {RUN_SQL, "INSERT INTO dup VALUES (1, '2023-01-01', 'x', 2), (3, '2024-02-02', 'y', 4)"},
    {RUN_SQL, "INSERT INTO dup SELECT k + 1000, p, s, v FROM dup"},
    {RUN_SQL, "INSERT OVERWRITE dup SELECT k, p, s, v + 1 FROM dup WHERE k % 5 = 0"},
    {RUN_SQL, "INSERT INTO pk SELECT k, k * 100 FROM pk WHERE k < 2000"},
    {RUN_SQL, "INSERT INTO auto_made VALUES (1, '2024-01-15'), (2, '2024-02-15'), (3, '2024-03-15')"},
    {RUN_SQL, "INSERT INTO counted (v) SELECT v FROM dup WHERE k < 20"},
    {RUN_SQL, "DELETE FROM pk WHERE k % 7 = 1"},
    {RUN_SQL, "UPDATE pk SET v = v + 1 WHERE k % 5 = 1"},
    {RUN_NEWEST, "ALTER TABLE pk COMPACT; SET partial_update_mode = 'column'; UPDATE pk SET v = v + 2 WHERE k % 5 = 1"},
    {RUN_SQL, "DELETE FROM dup WHERE k > 300"},
    {RUN_SQL, "BEGIN; INSERT INTO dup VALUES (9, '2023-01-01', 'x', 2); INSERT INTO auto_made VALUES (7, '2024-01-15'); COMMIT"},
    {RUN_SQL, "BEGIN; INSERT INTO pk SELECT k, v + 7 FROM pk WHERE k < 40; DELETE FROM pk WHERE k = 12; UPDATE pk SET v = 1 WHERE k = 13; "
              "DELETE FROM dup WHERE k = 5; INSERT INTO dup SELECT k, '2024-01-01', 'z', v FROM pk WHERE k = 13; COMMIT"},
    {RUN_SQL, "INSERT INTO FILES('path' = 'file://${files}/c/', 'format' = 'csv') SELECT k + 5000, v FROM pk WHERE k < 60; "
              "INSERT INTO pk SELECT $1, $2 FROM FILES('path' = 'file://${files}/c/*', 'format' = 'csv')"},
    {RUN_SQL, "INSERT INTO FILES('path' = 'file://${files}/p/', 'format' = 'parquet') SELECT k + 6000 AS k, v FROM pk WHERE k < 60; "
              "INSERT INTO pk SELECT k, v FROM FILES('path' = 'file://${files}/p/*', 'format' = 'parquet')"},
    {RUN_UNSEEN, "ALTER TABLE dup COMPACT"},
    {RUN_UNSEEN, "ALTER TABLE pk COMPACT"},
    {RUN_BESIDE, "INSERT INTO pk SELECT k, v FROM pk WHERE k % 3 = 0"},
    {RUN_BESIDE, "SET partial_update_mode = 'column'; UPDATE pk SET v = v WHERE k % 2 = 0"},
    {RUN_UNSEEN, "ADMIN VACUUM"},
    {RUN_SQL, "ALTER SYSTEM CREATE IMAGE"},
    {RUN_LOAD, "1,2023-01-01,loaded,1\n2,2024-01-01,loaded,2\n3,2024-03-01,loaded,3\n"},
    {RUN_MERGED_LOAD, "1,2023-01-01,merged,1\n2,2024-01-01,merged,2\n"},
    {RUN_REOPEN, "a start"},
    {RUN_FIRST_START, "a first start"},
    {RUN_RESTORE, "a restore"},
    {RUN_TRIM, "a trim of the journal"},
    {RUN_UNSEEN, "CREATE SNAPSHOT kept"},
    {RUN_SQL, "CREATE TABLE copy CLONE dup"},
    {RUN_UNSEEN, "ADMIN SET CLUSTER READ ONLY TIMEOUT 0; ADMIN SET CLUSTER READ WRITE"},
};

typedef enum Mode {
    VOLUME_ONCE, VOLUME_STICKY, VOLUME_LANDS, BUFFER_ONCE, BUFFER_STICKY, BLOCK_ONCE, BLOCK_STICKY, MODES
} Mode;
static const char *const mode_names[MODES] = {"volume once", "volume sticky", "volume lands anyway", "buffer once",
                                              "buffer sticky", "block once", "block sticky"};

static uint32_t passed, failed;
static uint64_t runs;

static Status run_beside(Fixture *f, const char *sql, Diag *diag)
{
    beside_watch(f);
    TRY(fixture_finalize(f, diag));
    beside_run(sql, NULL, NULL);
    Status status = fixture_run(f, "ALTER TABLE pk COMPACT", NULL, diag);
    beside_run(NULL, NULL, NULL);
    return status;
}

static Status run_scenario(Fixture *f, const Scenario *scenario, Diag *diag)
{
    switch (scenario->kind) {
    case RUN_LOAD:
        return fixture_load(f, scenario->text, "a_label", false, diag);
    case RUN_MERGED_LOAD:
        return fixture_load(f, scenario->text, "a_label", true, diag);
    case RUN_NEWEST:
        TRY(fixture_finalize(f, diag));
        return fixture_run(f, scenario->text, NULL, diag);
    case RUN_BESIDE:
        return run_beside(f, scenario->text, diag);
    case RUN_REOPEN:
        return fixture_reopen(f, diag);
    case RUN_FIRST_START:
        return fixture_first_start(f, diag);
    case RUN_RESTORE:
        return fixture_restore(f, diag);
    case RUN_TRIM:
        return fixture_trim(f, diag);
    case RUN_SQL:
    case RUN_UNSEEN:
    default:
        return fixture_run(f, scenario->text, NULL, diag);
    }
}

static void arm(const Fixture *f, Mode mode, uint64_t n)
{
    VolumeFailure failure = {.nth = n, .is_sticky = mode == VOLUME_STICKY, .lands_anyway = mode == VOLUME_LANDS};
    if (mode <= VOLUME_LANDS)
        volume_memory_fail(f->volume, &failure);
    else
        mem_fail_nth(mode <= BUFFER_STICKY ? MEM_FAIL_BUFFERS : MEM_FAIL_BLOCKS, n, mode == BUFFER_STICKY || mode == BLOCK_STICKY);
}

/* Returns whether the failure was reached. */
static bool disarm(const Fixture *f, Mode mode, uint64_t n)
{
    uint64_t seen = mode <= VOLUME_LANDS ? volume_memory_fail(f->volume, &(VolumeFailure){0}) : mem_fail_nth(MEM_FAIL_BUFFERS, 0, false);
    return seen >= n;
}

static bool complain(const Scenario *scenario, const char *how, uint64_t n, const char *what, const ByteBuf *got)
{
    failed++;
    fprintf(stderr, "%s, %s %llu: %s\n%.*s\n", scenario->text, how, (unsigned long long)n, what, got == NULL ? 0 : 800,
            got == NULL ? "" : got->data);
    return false;
}

/* What the data look like after the scenario, undisturbed. */
static void learn(const Scenario *scenario, bool is_local, ByteBuf *before, ByteBuf *after)
{
    Fixture f;
    Diag diag = {0};
    fixture_open(&f, is_local);
    fixture_fingerprint(&f, before);
    if (run_scenario(&f, scenario, &diag) != OK)
        complain(scenario, "undisturbed", 0, diag.message, NULL);
    fixture_fingerprint(&f, after);
    fixture_close(&f);
}

static bool is_same(const ByteBuf *a, const ByteBuf *b)
{
    return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

/* *out_is_fresh: the data are as they were, so that the server can be used again. */
static bool check_run(Fixture *f, const Scenario *scenario, const char *how, uint64_t n, Status status, const Diag *diag,
                      const ByteBuf *before, const ByteBuf *after, bool *out_is_fresh)
{
    AUTO_BYTEBUF now = {0};
    Diag trouble = {0};
    *out_is_fresh = false;
    runs++;
    if (status != OK && diag->message[0] == '\0')
        return complain(scenario, how, n, "failed without a message", NULL);
    if (f->session == NULL && fixture_reopen(f, &trouble) != OK)
        return complain(scenario, how, n, trouble.message, NULL);
    if (fixture_run(f, "ROLLBACK; SET GLOBAL query_timeout = 300", NULL, &trouble) != OK)
        return complain(scenario, how, n, trouble.message, NULL); /* the next statement must work */
    if (scenario->kind == RUN_FIRST_START && fixture_first_start(f, &trouble) != OK)
        return complain(scenario, how, n, trouble.message, NULL);
    fixture_fingerprint(f, &now);
    bool is_before = is_same(&now, before);
    bool is_after = is_same(&now, after);
    if (status == OK ? !is_after : status == ERR_OUTCOME_UNKNOWN ? !is_before && !is_after : !is_before)
        return complain(scenario, how, n, status == OK ? "succeeded, but the data are not there" : diag->message, &now);
    *out_is_fresh = is_before;
    return true;
}

/* And a start gives the same. */
static bool check_restart(Fixture *f, const Scenario *scenario, const char *how, uint64_t n)
{
    AUTO_BYTEBUF live = {0};
    AUTO_BYTEBUF restarted = {0};
    Diag diag = {0};
    fixture_fingerprint(f, &live);
    if (fixture_reopen(f, &diag) != OK)
        return complain(scenario, how, n, diag.message, NULL);
    fixture_fingerprint(f, &restarted);
    return is_same(&live, &restarted) || complain(scenario, how, n, "a start gives other data", &restarted);
}

/* Every one of the first, then wider and wider steps where there are thousands. */
static uint64_t next_n(Mode mode, uint64_t n)
{
    bool is_dense = mode <= VOLUME_LANDS || n < DENSE_RUNS;
    return n + (is_dense ? 1 : 1 + n / (mode <= BUFFER_STICKY ? 24 : 6));
}

/* Each start adds to the journal. */
static bool is_reusable(const Scenario *scenario)
{
    return scenario->kind == RUN_SQL || scenario->kind == RUN_LOAD || scenario->kind == RUN_MERGED_LOAD;
}

static void loop(const Scenario *scenario, Mode mode, const ByteBuf *before, const ByteBuf *after)
{
    Fixture f;
    bool is_good = true;
    bool is_reached = true;
    fixture_open(&f, false);
    for (uint64_t n = 1; n < MOST_RUNS && is_reached && is_good; n = next_n(mode, n)) {
        Diag diag = {0};
        bool is_fresh;
        arm(&f, mode, n);
        Status status = run_scenario(&f, scenario, &diag);
        is_reached = disarm(&f, mode, n);
        is_good = check_run(&f, scenario, mode_names[mode], n, status, &diag, before, after, &is_fresh);
        if (is_good && (!is_fresh || n % 16 == 0))
            is_good = check_restart(&f, scenario, mode_names[mode], n);
        if (is_good && is_fresh && is_reached && is_reusable(scenario))
            continue;
        fixture_close(&f);
        fixture_open(&f, false);
    }
    fixture_close(&f);
    passed += is_good;
}

#ifdef MERAK_FAULTS
typedef struct Points {
    const char *names[512];
    uint32_t count;
    bool prints;
} Points;

static void note_point(void *context, const char *name, uint64_t passes)
{
    Points *points = context;
    (void)passes;
    points->names[points->count++] = name;
}

/* Each point fails at its first pass, its second, ... in each scenario that passes it. */
static void fail_point(const Scenario *scenario, const char *point, const ByteBuf *before, const ByteBuf *after)
{
    bool is_good = true;
    for (uint32_t n = 1; n <= 4 && is_good; n++) {
        Fixture f;
        Diag diag = {0};
        char armed[96];
        bool is_fresh;
        fixture_open(&f, true);
        snprintf(armed, sizeof(armed), "%s:fail@%u", point, n);
        fault_arm(armed);
        Status status = run_scenario(&f, scenario, &diag);
        fault_arm(NULL);
        is_good = check_run(&f, scenario, point, n, status, &diag, before, after, &is_fresh) && check_restart(&f, scenario, point, n);
        fixture_close(&f);
        if (status == OK && is_good)
            break;
    }
    passed += is_good;
}

/* Which points the scenario passes; fault_arm() begins the counts anew. */
static void note_passed(void *context, const char *name, uint64_t passes)
{
    if (passes > 0)
        note_point(context, name, passes);
}

static void fail_points(const Scenario *scenario, bool prints)
{
    AUTO_BYTEBUF before = {0};
    AUTO_BYTEBUF after = {0};
    Fixture f;
    Diag diag = {0};
    Points points = {0};
    fixture_open(&f, true);
    fixture_fingerprint(&f, &before);
    fault_arm(NULL);
    if (run_scenario(&f, scenario, &diag) != OK)
        complain(scenario, "undisturbed", 0, diag.message, NULL);
    fault_point_counts(note_passed, &points);
    fixture_fingerprint(&f, &after);
    fixture_close(&f);
    for (uint32_t p = 0; p < points.count; p++) {
        if (prints)
            printf("point %s\n", points.names[p]);
        fail_point(scenario, points.names[p], &before, &after);
    }
}
#endif

int main(int argc, char **argv)
{
    bool prints = argc > 1 && strcmp(argv[1], "--list-points") == 0;
    bool is_timed = argc > 1 && strcmp(argv[1], "--times") == 0;
    const char *only = argc > 2 && strcmp(argv[1], "--only") == 0 ? argv[2] : "";
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 2;
    for (size_t s = 0; s < COUNT_OF(scenarios); s++) {
        AUTO_BYTEBUF before = {0};
        AUTO_BYTEBUF after = {0};
        if (strstr(scenarios[s].text, only) == NULL)
            continue;
        learn(&scenarios[s], false, &before, &after);
        for (Mode mode = VOLUME_ONCE; mode < MODES; mode++) {
            int64_t start_us = env_monotonic_us(environment_real());
            uint64_t runs_before = runs;
            loop(&scenarios[s], mode, &before, &after);
            if (is_timed)
                printf("%s, %s: %llu runs, %lld ms\n", scenarios[s].text, mode_names[mode], (unsigned long long)(runs - runs_before),
                       (long long)(env_monotonic_us(environment_real()) - start_us) / 1000);
        }
#ifdef MERAK_FAULTS
        fail_points(&scenarios[s], prints);
#endif
    }
    (void)prints;
    printf("%llu runs\n%u passed, %u failed\n", (unsigned long long)runs, passed, failed);
    return failed == 0 ? 0 : 1;
}
