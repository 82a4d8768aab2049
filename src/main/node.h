#pragma once
/* A node: everything a running server owns, opened bottom up and closed top down. */

#include "main/config.h"

/* Serves until SIGTERM or SIGINT. Prints the ready line on standard output. */
Status node_run(const Config *config, Diag *diag);
