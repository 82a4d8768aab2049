#pragma once
/* Calls between the frontends of a cluster, over the MySQL port: statements that go to the leader (ForwardOps) and the
 * heartbeats of followers (FrontendCalls). Both log in with the secret of the cluster (mysql_client.h). */

#include "cluster/frontends.h"
#include "session/forward.h"

typedef struct Peers Peers;

Peers *peers_open(MetaStore *store);
void peers_set_frontends(Peers *peers, Frontends *frontends);
void peers_close(Peers *peers);
const ForwardOps *peers_forward_ops(const Peers *peers);
FrontendCalls peers_frontend_calls(Peers *peers);

/* The command of a heartbeat; body: a node as JSON. Only connections that logged in with the secret may send it. */
enum { COM_PEER = 0xF0 };
