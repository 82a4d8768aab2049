#pragma once
/* Statements that write run on the leader. A node that follows hands them on with all that they depend on (user,
 * database, variables, parameters) and passes the leader's answer back; then it reads the journal to its end, so that the
 * session sees what it wrote. How the leader is reached is an interface that the server fills in. */

#include "session/session.h"

typedef struct ForwardLink ForwardLink; /* a session's connection to the leader */

typedef struct ForwardRequest {
    StrView user, host, database;
    StrView preparation; /* statements to run first, their answers are not wanted; empty: none */
    StrView sql;         /* one statement */
    bool has_more;       /* for the summary of the answer */
    bool keeps_link;     /* a transaction is open at the leader: a lost link is an error, not a reason for a new one */
    int64_t timeout_us;
    const _Atomic bool *cancelled;
} ForwardRequest;

typedef struct ForwardOps {
    void *context;
    /* RETRY and NETWORK: the statement was not run. OUTCOME_UNKNOWN: the link was lost behind it. */
    Status (*run)(void *context, ForwardLink **in_out_link, const ForwardRequest *request, const ResultSink *sink, Diag *diag);
    void (*close)(void *context, ForwardLink *link);
    /* Runs the statement on that node. After an error nobody knows whether it was run. */
    Status (*run_at)(void *context, const char *host, uint32_t query_port, const ForwardRequest *request, const ResultSink *sink,
                     Diag *diag);
} ForwardOps;
