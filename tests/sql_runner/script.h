#pragma once
/* A sqllogictest file as a list of records. tests/sql/README.md describes the language.
 *
 * Everything lives in the arena that the caller passes; text is kept as written, variables are put in when a
 * record runs. */

#include "base/arena.h"
#include "base/bytes.h"

typedef enum RecordKind {
    RECORD_STATEMENT,
    RECORD_QUERY,
    RECORD_LET,        /* a variable from the first cell of a query */
    RECORD_LOAD,       /* Stream Load */
    RECORD_HTTP,       /* any other request */
    RECORD_FILE,       /* below ${files}: with a body, a copy of another, or a link */
    RECORD_RESTART,    /* of the server */
    RECORD_CONNECTION, /* goes on as another one */
    RECORD_LOOP,       /* body up to its end runs once for each word */
    RECORD_LOOP_END,
    RECORD_HALT,
} RecordKind;

typedef enum SortMode { SORT_NONE, SORT_ROWS, SORT_VALUES } SortMode;

typedef ARRAY_OF(StrView) Lines;

typedef struct Record {
    RecordKind kind;
    int line;             /* 1-based, of its first line */
    const char *text;     /* SQL, or the body of a load */
    const char *argument; /* name, table, path, types: what the kind needs */
    Lines words;          /* of a loop */
    Lines headers;        /* of a request, "name: value" */
    Lines expected;       /* behind ---- */
    const char *pattern;  /* of the error; empty: any */
    int error_number;     /* 0: any */
    SortMode sort;
    bool expects_error;
    bool retries;  /* until it is as expected, for some seconds */
    bool has_kill; /* restart: without asking */
    uint32_t end;  /* of a loop: the record of its end */
} Record;

typedef ARRAY_OF(Record) Records;

typedef struct Script {
    const char *path;
    Records records;
} Script;

/* configuration is what `skipif` and `onlyif` ask for. */
Status script_read(const char *path, StrView configuration, Arena *arena, Script *out_script, Diag *diag);
