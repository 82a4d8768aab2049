/* The deterministic simulator of metadata, transactions, compaction and vacuum.
 *
 *     merak-sim [--self-check | --all] [--seeds N] [--from N] [--seed N]
 *
 * A seed is a run of a small cluster under faults, and then, with the faults over, a check of everything: what was
 * acknowledged is there exactly once, what was refused is not, labels tell which; a replay of the journal gives
 * the same catalog, byte for byte; every row can be read; after a vacuum nothing is left that nothing names.
 * --seed prints the events of one run. --self-check plants wrong behaviours and sees whether they are found;
 * --all does that first. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "sim/cluster.h"

enum { SETTLED_US = 10000000, PLANT_SEEDS = 400 };

static void start_all(void)
{
    Diag diag = {0};
    cluster.is_shared = chance(3);
    cluster.is_trimmed = chance(2);
    server_start(&cluster.servers[0]);
    while (cluster.servers[0].is_up && !world.has_failed) {
        diag_reset(&diag);
        server_enter(&cluster.servers[0]);
        Status status = make_tables(&cluster.servers[0], &diag);
        server_leave(&cluster.servers[0]);
        if (status == OK)
            break;
    }
    busy_clients = CLIENTS;
    for (uintptr_t c = 0; c < CLIENTS; c++)
        fiber_start(client_main, (void *)c);
    fiber_start(reader_main, NULL);
    fiber_start(maintenance_main, NULL);
    fiber_start(upkeep_main, NULL);
    fiber_start(nemesis_main, NULL);
}

/* The live state and a replay of the journal: the same bytes. */
static void check_replay(Server *server)
{
    AUTO_BYTEBUF live = {0};
    AUTO_BYTEBUF replayed = {0};
    write_catalog(server, &live);
    server_stop(server, false);
    server_start(server);
    if (world.has_failed)
        return;
    write_catalog(server, &replayed);
    if (live.length != replayed.length || memcmp(live.data, replayed.data, live.length) != 0)
        violation("replay gives another catalog: %zu bytes, %zu before", replayed.length, live.length);
}

static void check_all(Server *server)
{
    static Counts counts;
    Diag diag = {0};
    if (read_all(server, &counts, &diag) != OK)
        violation("can't be read: %s", diag.message);
    else
        check_counts(&counts, UINT64_MAX);
    check_definitions(server);
    check_labels(server);
}

/* Without faults: who does not lead comes back as who does. */
static Server *settle_down(void)
{
    Diag diag = {0};
    Server *server = &cluster.servers[0];
    server_stop(&cluster.servers[1], false);
    if (server->is_up && (meta_settle(server->store, &diag) != OK || make_tables(server, &diag) != OK || cluster.is_shared))
        server_stop(server, false);
    if (!server->is_up)
        server_start(server);
    return server;
}

static void director(void *unused)
{
    (void)unused;
    start_all();
    while (busy_clients > 0)
        fiber_sleep(10000);
    is_over = true;
    fiber_sleep(SETTLED_US);
    world.has_faults = false;
    fiber_sleep(SETTLED_US);
    Server *server = settle_down();
    if (!world.has_failed)
        check_all(server);
    if (!world.has_failed)
        check_replay(server);
    for (int round = 0; round < 2 && !world.has_failed; round++) {
        Diag diag = {0};
        VacuumReport report;
        if (vacuum_run(server->vacuum, &diag, &report) != OK)
            violation("vacuum: %s", diag.message);
    }
    if (!world.has_failed) {
        check_leaks(server);
        check_all(server);
    }
    for (uint32_t s = 0; s < SERVERS; s++)
        server_stop(&cluster.servers[s], false);
}

static uint64_t images, trimmed; /* in all runs */

/* False: a violation, told on standard error. */
static bool run_seed(uint64_t seed, Plant plant, bool traces, uint64_t *out_hash)
{
    memset(&model, 0, sizeof(model));
    memset(&cluster, 0, sizeof(cluster));
    is_over = false;
    world_begin(seed, plant, traces);
    fiber_start(director, NULL);
    world_run();
    bool passed = !world.has_failed;
    images += cluster.images;
    trimmed += cluster.trimmed;
    if (!passed && plant == PLANT_NONE)
        fprintf(stderr, "seed %llu: %s\n  repeat it with --seed %llu\n", (unsigned long long)seed, world.failure, (unsigned long long)seed);
    *out_hash = world.trace_hash;
    world_end();
    return passed;
}

static uint32_t self_check(uint32_t *out_failed)
{
    uint32_t passed = 0;
    for (Plant plant = PLANT_NONE + 1; plant < PLANT_COUNT; plant++) {
        uint64_t hash;
        uint64_t seed = 1;
        while (seed <= PLANT_SEEDS && run_seed(seed, plant, false, &hash))
            seed++;
        if (seed <= PLANT_SEEDS)
            passed++;
        else
            ++*out_failed;
        printf("planted %s: %s\n", plant_name(plant), seed <= PLANT_SEEDS ? world.failure : "NOT FOUND");
    }
    return passed;
}

/* The same seed takes the same way. */
static bool repeats(uint64_t seed)
{
    uint64_t first, second;
    bool passed = run_seed(seed, PLANT_NONE, false, &first);
    return run_seed(seed, PLANT_NONE, false, &second) == passed && first == second;
}

static uint64_t option(int argc, char **argv, const char *name, uint64_t missing)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return strtoull(argv[i + 1], NULL, 10);
    }
    return missing;
}

int main(int argc, char **argv)
{
    uint64_t seed = option(argc, argv, "--seed", 0);
    uint64_t seeds = option(argc, argv, "--seeds", 2000);
    uint64_t first = option(argc, argv, "--from", 1);
    uint64_t hash;
    uint32_t passed = 0;
    uint32_t failed = 0;
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 2;
    if (seed != 0)
        return run_seed(seed, (Plant)option(argc, argv, "--plant", PLANT_NONE), true, &hash) ? 0 : 1;
    bool is_all = argc > 1 && strcmp(argv[1], "--all") == 0;
    if (is_all || (argc > 1 && strcmp(argv[1], "--self-check") == 0))
        passed = self_check(&failed);
    if (is_all || passed + failed == 0) {
        for (uint64_t s = first; s < first + seeds && failed < 10; s++) {
            bool is_good = s % 100 == 1 ? repeats(s) && run_seed(s, PLANT_NONE, false, &hash) : run_seed(s, PLANT_NONE, false, &hash);
            passed += is_good;
            failed += !is_good;
        }
    }
    if (seeds >= 100 && is_all && (images == 0 || trimmed == 0))
        failed++;
    printf("%llu images, %llu journal objects trimmed\n", (unsigned long long)images, (unsigned long long)trimmed);
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
