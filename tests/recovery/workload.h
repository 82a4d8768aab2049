#pragma once
/* The writers of the kill loop and what they remember.
 *
 * Each writer is a thread that works until the server stops answering; it notes every operation before it is sent and its
 * outcome after the answer. Between two lives of the server only one thread looks at the notes. */

#include "base/environment.h"
#include "base/thread.h"
#include "recovery/peer.h"

enum { OPERATIONS_MAX = 20000, PK_KEYS = 10 };

typedef struct Operation {
    uint32_t rows;
    Outcome outcome;
    bool is_settled; /* its presence was checked once and can't change any more */
} Operation;

typedef enum WriterKind {
    WRITER_STREAM_LOAD, /* CSV with a label into a table of several partitions */
    WRITER_INSERT,      /* INSERT WITH LABEL */
    WRITER_TRANSACTION, /* BEGIN, an INSERT into each of two tables, COMMIT */
    WRITER_UPSERT,      /* all keys of a primary-key table get one value */
    WRITER_MERGE,       /* MERGE updates ten keys and puts ten others in or takes them out */
    WRITER_COLUMNS,     /* UPDATE in column mode: a hundred keys of a large segment get one value */
    WRITER_MERGED_LOAD, /* CSV without a label, committed with others' */
    WRITER_DDL,         /* CREATE, ALTER, INSERT, DROP of tables of its own */
    WRITER_READER,      /* sees whole loads only */
    WRITER_KINDS,
} WriterKind;

typedef struct Writer {
    WriterKind kind;
    int number; /* in labels and rows */
    int query_port, http_port;
    uint64_t seed;
    Operation operations[OPERATIONS_MAX];
    uint32_t count;
    uint32_t reads;      /* that a reader has done */
    char problem[256];   /* what a reader saw that it must not see; "" none */
    Thread thread;
} Writer;

Status workload_create_tables(int query_port, Diag *diag);
void writer_main(void *writer); /* a ThreadMain */
void writer_label(const Writer *writer, uint32_t operation, char out_label[64]);
/* The body of a stream load: writer, operation, row, rows of the load, day. */
void writer_body(const Writer *writer, uint32_t operation, ByteBuf *out);
