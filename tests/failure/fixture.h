#pragma once
/* A server without sockets: sessions, loads and jobs over a volume in memory, or over a directory. */

#include "base/bytes.h"
#include "load/merge_commit.h"
#include "load/stream_load.h"
#include "session/instance.h"

typedef struct Fixture {
    Instance instance;
    AccessCache access;
    Session *session;
    LoadHub *hub;
    Volume *volume;
    Volume *empty; /* until the first start */
    char directory[64];
    char files[80]; /* ${files} in statements: where FILES() finds local files */
} Fixture;

/* A fresh server with the tables of the scenarios. is_local: in a directory instead of memory. */
void fixture_open(Fixture *fixture, bool is_local);
/* A server on a volume that is there, without a database in use; fixture_close() closes the volume. */
Status fixture_attach(Fixture *fixture, Volume *volume, Diag *diag);
void fixture_close(Fixture *fixture);
/* Stops and starts it again on the same volume. */
Status fixture_reopen(Fixture *fixture, Diag *diag);
Status fixture_restore(Fixture *fixture, Diag *diag);
Status fixture_trim(Fixture *fixture, Diag *diag);
/* The clock that fixture_trim() moves; for volumes that are attached. */
const Environment *fixture_environment(void);
/* The format level that this binary supports, as ADMIN FINALIZE UPGRADE raises it: small loads have no objects from here on. */
Status fixture_finalize(Fixture *fixture, Diag *diag);
/* Starts the metadata on a volume that was empty, as far as committing an id. */
Status fixture_first_start(Fixture *fixture, Diag *diag);
/* Runs SQL; results as text, a row a line. */
Status fixture_run(Fixture *fixture, const char *sql, ByteBuf *out, Diag *diag);
/* A Stream Load into d.dup; not OK: the reply says so, and *diag its message. */
Status fixture_load(Fixture *fixture, const char *body, const char *label, bool is_merged, Diag *diag);
/* A transaction of HTTP: the body twice into d.dup, prepared and committed. */
Status fixture_transaction(Fixture *fixture, const char *body, const char *label, Diag *diag);
/* Everything that can be seen of the data. */
void fixture_fingerprint(Fixture *fixture, ByteBuf *out);
