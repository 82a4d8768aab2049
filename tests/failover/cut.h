#pragma once
/* Where the nodes are, and how one of them is cut off from the rest. */

#include <stdbool.h>

#include "sql_runner/server_process.h"

/* Network namespaces, when with_namespaces.sh has made them; else false, and all nodes are at 127.0.0.1. */
bool cut_has_namespaces(void);
/* Whether this process may cut anything off: in a network of its own (own_network.sh), whose filters die with it; tries it. */
bool cut_is_possible(void);
const char *cut_host(int node);
/* Runs the node where it belongs. */
void cut_place(int node, ServerOptions *options);
/* Packets to and from the node are dropped, or no longer; without namespaces those of the port alone. */
bool cut_set(int node, int port, bool is_cut);
