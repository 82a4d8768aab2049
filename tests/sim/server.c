#include "sim/cluster.h"

/* Starting, stopping and crashing servers. A crashed one runs on without any effect until all its fibers have
 * come back with errors; then its memory is given back. */

#include "base/memory.h"

enum { POLL_US = 1000, RESTART_US = 100000 };

Cluster cluster;

static Status try_start(Server *server, Diag *diag)
{
    fiber_set_node(&server->node);
    Status status = meta_store_open(&server->node.volume, diag, &server->store);
    fiber_set_node(NULL);
    return status;
}

void server_start(Server *server)
{
    for (;;) {
        Diag diag = {0};
        node_begin(&server->node, (uint32_t)(server - cluster.servers) + 1);
        Status status = try_start(server, &diag);
        if (status == OK)
            break;
        trace("node %u does not start: %s", server->node.number, diag.message);
        if (status == ERR_CORRUPT || status == ERR_FORMAT_TOO_NEW)
            violation("the start is refused: %s", diag.message);
        if (world.has_failed)
            return;
        node_end(&server->node);
        fiber_sleep(RESTART_US);
    }
    server->keys = primary_indexes_open(NULL, 1 << 20, NULL);
    server->compactor = compactor_open(server->store, &server->node.volume, server->keys, NULL);
    server->vacuum = vacuum_open(&(VacuumOptions){.store = server->store, .volume = &server->node.volume});
    server->is_up = true;
    server->starts++;
    trace("node %u is up", server->node.number);
}

void server_stop(Server *server, bool crashes)
{
    if (!server->is_up)
        return;
    server->is_up = false;
    if (crashes)
        node_crash(&server->node);
    while (server->users > 0)
        fiber_sleep(POLL_US);
    compactor_close(server->compactor);
    vacuum_close(server->vacuum);
    primary_indexes_close(server->keys);
    meta_store_close(server->store);
    server->store = NULL;
    node_end(&server->node);
    trace("node %u is down", server->node.number);
}

Server *server_any(void)
{
    for (;;) {
        Server *server = &cluster.servers[pick(SERVERS)];
        if (server->is_up)
            return server;
        fiber_sleep(POLL_US);
        if (world.has_failed)
            return NULL;
    }
}

void server_enter(Server *server)
{
    server->users++;
    fiber_set_node(&server->node);
}

void server_leave(Server *server)
{
    server->users--;
    fiber_set_node(NULL);
}
