#pragma once
/* Inside of hash joins: what hash_join.c and its spilling share. */

#include "exec/exec_int.h"

enum { MAX_KEYS = 32 };

typedef struct JoinWorker {
    Arena scratch;
    ColumnStore *rows;  /* build: columns of the right child, then keys */
    Evaluator *build, *probe, *residual;
    uint64_t *hashes;
    uint16_t *sel;
    uint32_t *probe_rows, *build_rows;
} JoinWorker;

typedef struct HashJoin {
    Consumer consumer; /* probe side */
    ExecContext *exec;
    const PhysNode *node;
    MemTracker *memory;
    Consumer *next;
    uint32_t right_count, left_count;
    ColumnStore *store;
    uint64_t *hashes;  /* a build row */
    uint32_t *heads;   /* directory: row + 1 */
    uint32_t *chain;   /* next row + 1 */
    uint32_t mask;
    bool is_unique;
    bool build_has_null; /* a NULL key, for NOT IN */
    _Atomic uint8_t *matched; /* build rows, for kinds that keep the build side */
    JoinWorker *workers;
} HashJoin;

typedef struct BuildSink {
    Consumer consumer;
    HashJoin *join;
} BuildSink;
