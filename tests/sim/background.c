#include "sim/cluster.h"

/* What goes on beside the clients: readers, compaction and vacuum, and the nemesis that cuts, crashes and
 * starts servers. */

enum { PAUSE_US = 60000, CUT_US = 2500000, NEMESIS_US = 120000, MOST_SKEW_US = 600 * 1000000 };
static const int64_t SUSPENDED_US = INT64_C(2) * 3600 * 1000000;

static bool goes_on(int64_t pause_us)
{
    fiber_sleep((int64_t)pick((uint64_t)pause_us));
    return !is_over && !world.has_failed;
}

/* Errors of the way there are no answers. Where two servers share the volume, one that lost the lead without
 * knowing it may read what the other has deleted, but hears of it. */
static void read_once(Server *server)
{
    static Counts counts; /* of the one reader at a time */
    static bool is_busy;
    Diag diag = {0};
    if (is_busy)
        return;
    is_busy = true;
    uint64_t starts = server->starts;
    uint64_t began = world.steps;
    server_enter(server);
    Status status = read_all(server, &counts, &diag);
    server_leave(server);
    is_busy = false;
    if (server->node.is_crashed || server->starts != starts)
        return;
    if (status == OK)
        check_counts(&counts, cluster.is_shared ? 0 : began);
    else if (status == ERR_CORRUPT || (status == ERR_NO_SUCH_OBJECT && !cluster.is_shared))
        violation("a reader hears: %s", diag.message);
}

void reader_main(void *unused)
{
    (void)unused;
    while (goes_on(PAUSE_US)) {
        Server *server = server_any();
        if (server != NULL)
            read_once(server);
    }
}

static void compact_one(Server *server)
{
    Diag diag = {0};
    CatalogSnapshot *catalog = meta_snapshot(server->store);
    const CatalogDatabase *database = catalog->database_count == 0 ? NULL : catalog->databases[0];
    uint32_t count = database == NULL ? 0 : catalog_table_count(database);
    uint64_t table_id = count == 0 ? 0 : catalog_table_at(database, (uint32_t)pick(count))->id;
    catalog_unref(catalog);
    Status status = compactor_compact_table(server->compactor, table_id, NULL, 0, NULL, &diag);
    trace("node %u compacts: %s", server->node.number, error_info(status)->name);
    if (status == ERR_CORRUPT || (status == ERR_NO_SUCH_OBJECT && !cluster.is_shared && !server->node.is_crashed))
        violation("compaction hears: %s", diag.message);
}

static void make_image(Server *server)
{
    Diag diag = {0};
    ImageReport report;
    Status status = meta_create_image(server->store, &diag, &report);
    cluster.images += status == OK;
    trace("node %u makes an image: %s", server->node.number, error_info(status)->name);
    if (status == ERR_CORRUPT)
        violation("an image can't be made: %s", diag.message);
}

/* All machines stood still for hours, what was under way is under way yet: the images are old enough for the journal before them to go. */
static void trim(Server *server)
{
    Diag diag = {0};
    TrimReport report;
    if (!cluster.is_trimmed)
        return;
    if (chance(2))
        world.now_us += SUSPENDED_US;
    Status status = meta_trim(server->store, 0, &diag, &report);
    cluster.trimmed += report.objects_deleted;
    trace("node %u trims: %s, %llu deleted", server->node.number, error_info(status)->name, (unsigned long long)report.objects_deleted);
    if (status == ERR_CORRUPT)
        violation("trimming hears: %s", diag.message);
}

void upkeep_main(void *unused)
{
    (void)unused;
    while (goes_on(PAUSE_US * 4)) {
        Server *server = server_any();
        if (server == NULL)
            return;
        server_enter(server);
        if (chance(2))
            make_image(server);
        else
            trim(server);
        server_leave(server);
    }
}

void maintenance_main(void *unused)
{
    (void)unused;
    while (goes_on(PAUSE_US * 2)) {
        Diag diag = {0};
        VacuumReport report;
        Server *server = server_any();
        if (server == NULL)
            return;
        server_enter(server);
        if (chance(2)) {
            Status status = vacuum_run(server->vacuum, &diag, &report);
            trace("node %u vacuums: %s, %llu deleted", server->node.number, error_info(status)->name, (unsigned long long)report.deleted);
        } else {
            compact_one(server);
        }
        server_leave(server);
    }
}

static void hurt(Server *server)
{
    switch (pick(4)) {
    case 0:
        server->node.cut_until_us = world.now_us + (int64_t)pick(CUT_US);
        trace("node %u can't write for %lld ms", server->node.number, (long long)(server->node.cut_until_us - world.now_us) / 1000);
        break;
    case 1: /* all servers of the machine go down together */
        for (uint32_t s = 0; s < SERVERS && world.is_local; s++) {
            if (cluster.servers[s].is_up)
                node_crash(&cluster.servers[s].node);
        }
        if (world.is_local)
            store_power_cut();
        for (uint32_t s = 0; s < SERVERS && world.is_local; s++)
            server_stop(&cluster.servers[s], true);
        break;
    case 2:
        if (cluster.is_trimmed)
            server->node.clock_skew_us = (int64_t)pick(2 * (uint64_t)MOST_SKEW_US) - MOST_SKEW_US;
        else
            server->node.clock_skew_us += (int64_t)pick(7200000000) - 3600000000;
        break;
    default:
        server_stop(server, chance(4) ? false : true);
        break;
    }
}

/* At least one server comes back each time; the second only where the volume is shared. */
void nemesis_main(void *unused)
{
    (void)unused;
    while (goes_on(NEMESIS_US)) {
        hurt(&cluster.servers[cluster.is_shared ? pick(SERVERS) : 0]);
        fiber_sleep((int64_t)pick(PAUSE_US));
        for (uint32_t s = 0; s < (cluster.is_shared ? SERVERS : 1u); s++) {
            Server *server = &cluster.servers[s];
            if (!server->is_up && (s == 0 || chance(2)))
                server_start(server);
        }
        if (cluster.is_shared && cluster.servers[0].is_up && chance(3)) { /* a deposed one comes back to lead */
            server_stop(&cluster.servers[0], chance(2));
            server_start(&cluster.servers[0]);
        }
    }
}
