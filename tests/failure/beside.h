#pragma once
/* What comes between the reading of a merge and its end: a volume that runs statements when the next object is committed. */

#include "failure/fixture.h"

/* Once for each volume of a fixture: later ones replace earlier ones. */
void beside_watch(Fixture *fixture);
/* They run in a session of their own right before the next object is committed; done follows them, may be NULL. sql NULL: nothing. */
void beside_run(const char *sql, void (*done)(void *context), void *context);
/* Have the statements that were given last not run yet? */
bool beside_is_waiting(void);
/* How those that ran ended. */
Status beside_status(Diag *diag);
