#pragma once
/* Inside of hash aggregation: what aggregate.c and its spilling share. */

#include "exec/exec_int.h"

enum { MANY_PARTITIONS = 16, PARTITION_THRESHOLD = 20000 };

typedef struct GroupTable {
    ColumnStore *keys;
    uint64_t *hashes;   /* a group */
    uint32_t *slots;    /* group + 1; 0 empty */
    uint32_t mask;
    uint32_t capacity;  /* of hashes and states */
    uint8_t *states;    /* row_bytes a group */
    uint32_t row_bytes;
    uint32_t count;
} GroupTable;

typedef struct AggWorker {
    GroupTable *tables;    /* [partition] */
    GroupTable **distinct; /* [call][partition]; NULL for others */
    Evaluator *evaluator;
    Arena scratch;
    Arena states;          /* what states point to */
    AggContext *contexts;  /* a call */
    uint64_t *hashes;
    uint8_t **groups;
    uint16_t *sel;
} AggWorker;

typedef struct Aggregate {
    Consumer consumer;
    ExecContext *exec;
    const PhysNode *node;
    MemTracker *memory;
    Consumer *next;
    uint32_t key_count; /* groups, and the set number with grouping sets */
    Type *key_types;
    uint32_t *offsets;  /* of each call's state */
    uint32_t row_bytes;
    const Expr **exprs; /* groups, then arguments, filters, order keys of all calls */
    uint32_t expr_count;
    uint32_t *argument_at; /* first expression of a call */
    uint32_t *filter_at;
    uint32_t partitions;
    AggWorker *workers;
    _Atomic uint32_t next_partition;
} Aggregate;
