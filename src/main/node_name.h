#pragma once
/* Who a node is to others: its name, kept in data_dir/node_name over restarts, and the address under which it is
 * reached. */

#include "cluster/frontends.h"

/* The advertised address, else the one that is bound, else this machine's name. */
Status node_address(const char *advertised, const char *bound, char out_host[FRONTEND_TEXT_BYTES], Diag *diag);
/* Fills in self->name; host and edit_log_port are there. */
Status node_name(const char *directory, FrontendInfo *self, Diag *diag);
