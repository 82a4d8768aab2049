#pragma once
/* Which right a statement needs on which object, as far as its words tell; queries, INSERT, UPDATE and DELETE ask for each
 * table that they touch when they are bound. */

#include "analyze/analyze.h"

typedef struct AuthorizeTarget {
    AuthorizeAction action;
    StrView database; /* empty: the server as a whole */
    StrView object;   /* table or view; empty: the database */
} AuthorizeTarget;

/* False: the statement needs no right of its own. current: the session's database. */
bool authorize_target(const AstStatement *statement, StrView current, AuthorizeTarget *out_target);
Status authorize_statement(const AnalyzeContext *context, const AstStatement *statement);
