/* Crash states: merak-crash-states [--seed N] [--states N].
 *
 * A server runs statements, loads, compaction, vacuum, checkpoints and trimming on a local volume whose every change is recorded. After
 * each operation and in each of several ways a power cut may leave the directory in another state; a server is
 * started on it. What had been acknowledged has to be there, the step that was under way is there whole or not at
 * all, labels agree with that, and the server goes on to take writes. At the end the test tests itself: where file
 * or directory syncs are forgotten it has to fail. */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "crash_states/states.h"
#include "failure/fixture.h"

enum { STATES = 1500, REPORTED_MOST = 10 };

typedef enum StepKind { STEP_SQL, STEP_LOAD, STEP_COMPACT, STEP_VACUUM, STEP_RESTART, STEP_TRIM, STEP_FINALIZE } StepKind;

typedef struct Step {
    StepKind kind;
    const char *text; /* SQL, or the label of a load */
} Step;

static const Step steps[] = {
    {STEP_SQL, "CREATE DATABASE d"},
    {STEP_SQL, "CREATE TABLE d.dup (k INT, p DATE, s VARCHAR(40), v BIGINT) DUPLICATE KEY(k) PARTITION BY RANGE(p) "
               "(PARTITION a VALUES LESS THAN ('2024-01-01'), PARTITION b VALUES LESS THAN ('2025-01-01')) "
               "DISTRIBUTED BY HASH(k) BUCKETS 2"},
    {STEP_SQL, "CREATE TABLE d.pk (k INT NOT NULL, v BIGINT) PRIMARY KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1"},
    {STEP_SQL, "CREATE TABLE d.auto_made (k INT, d DATE) DUPLICATE KEY(k) PARTITION BY date_trunc('month', d)"},
    {STEP_SQL, "INSERT INTO d.dup SELECT generate_series, IF(generate_series % 2 = 0, '2023-05-05', '2024-05-05'), "
               "concat('text ', generate_series % 17), generate_series * 3 FROM TABLE(generate_series(1, 500))"},
    {STEP_LOAD, "first"},
    {STEP_SQL, "INSERT INTO d.pk SELECT generate_series, generate_series FROM TABLE(generate_series(1, 1000))"},
    {STEP_SQL, "INSERT INTO d.pk SELECT generate_series * 3, 7 FROM TABLE(generate_series(1, 200))"},
    {STEP_SQL, "INSERT INTO d.auto_made VALUES (1, '2024-01-05'), (2, '2024-02-05'), (3, '2023-12-31')"},
    {STEP_SQL, "DELETE FROM d.pk WHERE k < 50"},
    {STEP_LOAD, "second"},
    {STEP_SQL, "ALTER SYSTEM CREATE IMAGE"},
    {STEP_RESTART, NULL},
    {STEP_TRIM, NULL},
    {STEP_FINALIZE, NULL},
    {STEP_SQL, "INSERT INTO d.dup VALUES (1001, '2024-05-05', 'after the restart', 1)"},
    {STEP_COMPACT, NULL},
    {STEP_VACUUM, NULL},
    {STEP_SQL, "UPDATE d.pk SET v = v + 1 WHERE k % 10 = 0"},
    {STEP_SQL, "INSERT INTO d.pk SELECT generate_series, generate_series * 7919 FROM TABLE(generate_series(1000, 6000))"},
    {STEP_COMPACT, NULL},
    {STEP_SQL, "SET partial_update_mode = 'column'; UPDATE d.pk SET v = v + 5 WHERE k % 2 = 0"},
    {STEP_SQL, "MERGE INTO d.pk USING (SELECT k, max(v) v FROM d.dup WHERE k < 90 GROUP BY k) s ON pk.k = s.k WHEN MATCHED AND s.v > 200 THEN DELETE "
               "WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, 5)"},
    {STEP_SQL, "BEGIN; INSERT INTO d.pk VALUES (9001, 1), (9002, 2); DELETE FROM d.pk WHERE k = 100; "
               "INSERT INTO d.dup VALUES (2002, '2024-02-02', 't', 1); COMMIT"},
    {STEP_SQL, "INSERT OVERWRITE d.dup PARTITION (b) SELECT k, p, s, v + 1 FROM d.dup WHERE p >= '2024-01-01'"},
    {STEP_COMPACT, NULL},
    {STEP_SQL, "TRUNCATE TABLE d.auto_made"},
    {STEP_LOAD, "third"},
    {STEP_TRIM, NULL},
    {STEP_RESTART, NULL},
    {STEP_VACUUM, NULL},
    {STEP_SQL, "DROP TABLE d.auto_made FORCE"},
    {STEP_SQL, "CREATE TABLE d.auto_made (k INT, d DATE) DUPLICATE KEY(k)"},
    {STEP_SQL, "INSERT INTO d.auto_made SELECT k, p FROM d.dup WHERE k < 20"},
    {STEP_COMPACT, NULL},
    {STEP_VACUUM, NULL},
    {STEP_LOAD, "fourth"},
    {STEP_SQL, "ALTER TABLE d.dup ADD COLUMN extra INT DEFAULT '5'"},
};

typedef struct Run {
    FileLog log;
    uint32_t acknowledged[COUNT_OF(steps) + 1]; /* operations that were there when step i-1 was answered */
    ByteBuf seen[COUNT_OF(steps) + 1]; /* what the data looked like then */
} Run;

static const char body[] = "1,2023-01-01,x,10\n2,2024-06-01,y,20\n3,2023-02-01,\\N,30\n4,2024-07-01,z,\\N\n";
static uint32_t passed, failed, reported;

static Status run_compaction(Fixture *f, Diag *diag)
{
    CatalogSnapshot *catalog = meta_snapshot(f->instance.store);
    const CatalogDatabase *database = catalog_database(catalog, STR_VIEW("d"));
    uint64_t ids[2] = {catalog_table(database, STR_VIEW("dup"))->id, catalog_table(database, STR_VIEW("pk"))->id};
    catalog_unref(catalog);
    TRY(compactor_compact_table(f->instance.compactor, ids[0], NULL, 0, NULL, diag));
    return compactor_compact_table(f->instance.compactor, ids[1], NULL, 0, NULL, diag);
}

static Status run_vacuum(Fixture *f, Diag *diag)
{
    VacuumReport report;
    TRY(fixture_run(f, "ADMIN SET FRONTEND CONFIG ('lake_autovacuum_grace_period_minutes' = '0')", NULL, diag));
    TRY(vacuum_run(f->instance.vacuum, diag, &report)); /* finds what is dead, */
    return vacuum_run(f->instance.vacuum, diag, &report); /* and deletes it */
}

static Status run_step(Fixture *f, const Step *step, Diag *diag)
{
    switch (step->kind) {
    case STEP_SQL:
        return fixture_run(f, step->text, NULL, diag);
    case STEP_LOAD:
        return fixture_load(f, body, step->text, false, diag);
    case STEP_COMPACT:
        return run_compaction(f, diag);
    case STEP_VACUUM:
        return run_vacuum(f, diag);
    case STEP_RESTART:
        return fixture_reopen(f, diag);
    case STEP_TRIM:
        return fixture_trim(f, diag);
    case STEP_FINALIZE:
        return fixture_finalize(f, diag);
    }
    return OK;
}

static void look(Fixture *f, ByteBuf *out)
{
    Diag diag = {0};
    status_ignore(fixture_run(f, "USE d", NULL, &diag)); /* before the first step there is none */
    fixture_fingerprint(f, out);
}

/* Directories that an earlier process made and did not come to sync. */
static void make_unsynced_directories(void)
{
    static const char *const names[] = {"meta", "meta/1", "meta/1/journal", "meta/1/journal/000000", "data", "data/1"};
    char path[64];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        record_unsynced_directory(names[i]);
    for (uint32_t i = 0; i < 400; i++) {
        snprintf(path, sizeof(path), "data/1/%03u", i);
        record_unsynced_directory(path);
    }
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static void record_run(Run *run, bool with_old_directories)
{
    char root[64] = "/tmp/merak-crash.XXXXXX", volume_path[96];
    Volume *volume;
    Fixture f;
    Diag diag = {0};
    if (mkdtemp(root) == NULL)
        abort();
    snprintf(volume_path, sizeof(volume_path), "%s/volume", root);
    record_begin(volume_path);
    if (volume_open_local(volume_path, fixture_environment(), &diag, &volume) != OK)
        abort();
    if (with_old_directories)
        make_unsynced_directories();
    if (fixture_attach(&f, volume, &diag) != OK) {
        fprintf(stderr, "the server does not start: %s\n", diag.message);
        abort();
    }
    run->acknowledged[0] = record_count();
    look(&f, &run->seen[0]);
    for (uint32_t i = 0; i < COUNT_OF(steps); i++) {
        if (run_step(&f, &steps[i], &diag) != OK) {
            fprintf(stderr, "step %u failed: %s\n", i, diag.message);
            abort();
        }
        run->acknowledged[i + 1] = record_count();
        look(&f, &run->seen[i + 1]);
    }
    record_take(&run->log);
    record_end();
    fixture_close(&f);
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Steps that were answered before the cut. */
static uint32_t steps_before(const Run *run, uint32_t at)
{
    uint32_t count = 0;
    while (count < COUNT_OF(steps) && run->acknowledged[count + 1] <= at)
        count++;
    return count;
}

static bool label_is_there(Fixture *f, const char *label)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    LabelRecord record;
    CatalogSnapshot *catalog = meta_snapshot(f->instance.store);
    const CatalogDatabase *database = catalog_database(catalog, STR_VIEW("d"));
    bool is_there = database != NULL && meta_label_find(f->instance.store, database->id, strview(label), &arena, &record);
    catalog_unref(catalog);
    return is_there;
}

/* done: steps whose effect the data show. */
static const char *check_labels(Fixture *f, uint32_t done)
{
    for (uint32_t i = 0; i < COUNT_OF(steps); i++) {
        if (steps[i].kind == STEP_LOAD && label_is_there(f, steps[i].text) != (i < done))
            return i < done ? "the label of a load is lost" : "a label is there without its load";
    }
    return NULL;
}

static bool is_same(const ByteBuf *a, const ByteBuf *b)
{
    return strview_equal(bytebuf_view(a), bytebuf_view(b));
}

/* NULL: the state is right. */
static const char *check_state(const Run *run, Fixture *f, uint32_t answered)
{
    AUTO_BYTEBUF now = {0};
    Diag diag = {0};
    look(f, &now);
    uint32_t done = answered;
    if (!is_same(&now, &run->seen[answered])) {
        done = answered + 1;
        if (answered == COUNT_OF(steps) || !is_same(&now, &run->seen[done]))
            return "the data are neither those of before nor those of after the step under way";
    } else if (answered < COUNT_OF(steps) && steps[answered].kind == STEP_LOAD && label_is_there(f, steps[answered].text)) {
        return "a label is there without its load";
    }
    const char *problem = check_labels(f, done);
    if (problem != NULL)
        return problem;
    if (fixture_run(f, "CREATE DATABASE IF NOT EXISTS d; CREATE TABLE d.later (k INT); INSERT INTO d.later VALUES (1)", NULL, &diag) != OK)
        return "the server takes no writes";
    return NULL;
}

static bool try_state(const Run *run, Cut cut, bool is_quiet)
{
    static const char *const modes[] = {"nothing unsynced", "all", "names", "data", "random"};
    Fixture f;
    Diag diag = {0};
    uint32_t answered = steps_before(run, cut.at);
    Volume *volume = state_build(&run->log, cut, fixture_environment());
    const char *problem = fixture_attach(&f, volume, &diag) != OK ? diag.message : check_state(run, &f, answered);
    char text[DIAG_MESSAGE_BYTES];
    snprintf(text, sizeof(text), "%s", problem == NULL ? "" : problem);
    fixture_close(&f);
    if (problem != NULL && !is_quiet && reported++ < REPORTED_MOST)
        printf("FAIL after operation %u of %u (%u steps answered), %s survives, seed %llu: %s\n", cut.at, run->log.count, answered,
               modes[cut.mode], (unsigned long long)cut.seed, text);
    return problem == NULL;
}

/* All ways to cut at about `states` places, spread over the run. Returns how many states were wrong. */
static uint32_t try_states(const Run *run, uint32_t states, uint64_t seed, CutLies lies, bool is_quiet)
{
    uint32_t wrong = 0, first = run->acknowledged[0];
    uint32_t places = states / CUT_MODES + 1, span = run->log.count - first + 1;
    for (uint32_t i = 0; i < MIN(places, span); i++) {
        uint32_t at = first + (uint32_t)((uint64_t)i * span / MIN(places, span));
        for (int mode = 0; mode < CUT_MODES; mode++) {
            Cut cut = {at, (CutMode)mode, seed + i, lies};
            bool is_right = try_state(run, cut, is_quiet);
            wrong += !is_right;
            passed += !is_quiet && is_right;
            failed += !is_quiet && !is_right;
        }
    }
    return wrong;
}

/* The name of the volume's own directory has to be durable before anything is acknowledged. */
static void check_root(const Run *run)
{
    for (uint32_t i = 0; i < run->acknowledged[0]; i++) {
        if (run->log.items[i].kind == DIR_SYNC && strview_is(run->log.items[i].path, "..")) {
            passed++;
            return;
        }
    }
    failed++;
    printf("FAIL: the directory above the volume is not synced\n");
}

static void self_check(const char *what, uint32_t wrong)
{
    if (wrong > 0) {
        passed++;
        return;
    }
    failed++;
    printf("FAIL: %s and nothing was found wrong\n", what);
}

int main(int argc, char **argv)
{
    uint64_t seed = (uint64_t)time(NULL);
    uint32_t states = STATES;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--states") == 0)
            states = (uint32_t)strtoul(argv[i + 1], NULL, 10);
    }
    static Run run, old;
    log_set_level(LOG_LEVEL_ERROR);
    record_run(&run, false);
    check_root(&run);
    (void)try_states(&run, states, seed, (CutLies){0}, false);
    record_run(&old, true);
    (void)try_states(&old, states / 4, seed, (CutLies){0}, false);
    self_check("file syncs were forgotten", try_states(&run, 100, seed, (CutLies){.forgets_file_syncs = true}, true));
    self_check("directory syncs were forgotten", try_states(&run, 100, seed, (CutLies){.forgets_directory_syncs = true}, true));
    printf("seed %llu: %u operations\n%u passed, %u failed\n", (unsigned long long)seed, run.log.count, passed, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
