#pragma once
/* Inside of hash aggregation: what aggregate.c and its spilling share. */

#include "exec/exec_int.h"

enum { MANY_PARTITIONS = 16, PARTITION_THRESHOLD = 20000 };

typedef struct GroupTable {
    ColumnStore *keys;
    uint64_t *hashes;   /* a group */
    uint64_t *slots;    /* high half: that of the hash; low half: group + 1; 0 empty */
    uint32_t mask;
    uint32_t capacity;  /* of hashes and states */
    uint8_t *states;    /* row_bytes a group */
    uint32_t row_bytes;
    uint32_t count;
} GroupTable;

typedef struct GroupLookup GroupLookup;

typedef struct AggWorker {
    GroupTable *tables;    /* [partition] */
    GroupTable **distinct; /* [call][partition]; NULL for others */
    GroupLookup *lookup;
    Evaluator *evaluator;
    Arena scratch;
    Arena states;          /* what states point to */
    AggContext *contexts;  /* a call */
    uint64_t *hashes;
    uint8_t **groups;
    uint32_t code_misses; /* chunks in a row whose keys had too many combinations */
    uint64_t coded_chunks, hashed_chunks;
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
    bool is_plain; /* no DISTINCT, no FILTER */
    bool has_init, has_destroy; /* of any call's states */
    uint32_t partitions;
    AggWorker *workers;
    _Atomic uint32_t next_partition;
    struct AggregateSpill *spill; /* NULL: all in memory */
    Mutex spill_lock;             /* guards spill while it is made */
} Aggregate;

/* ---- group_table.c ---- */

GroupLookup *group_lookup_new(Arena *arena); /* buffers for aggregate_find_groups() */
void group_table_init(Aggregate *agg, GroupTable *table, const Type *types, uint32_t count, uint32_t row_bytes);
void aggregate_destroy_states(const Aggregate *agg, uint8_t *const *rows, uint32_t count);
void group_table_free(const Aggregate *agg, GroupTable *table);
void aggregate_init_states(const Aggregate *agg, AggWorker *worker, uint8_t *row);
/* Finds or makes the group of every row; out_groups[i] belongs to row i of rows. */
Status aggregate_find_groups(Aggregate *agg, AggWorker *worker, GroupTable *table, const Vector *const *keys, uint32_t key_count,
                             Rows rows, const uint64_t *hashes, uint32_t *out_groups);

/* ---- aggregate.c ---- */

Status aggregate_update_call(Aggregate *agg, AggWorker *worker, uint32_t call, const Vector *const *arguments, Rows rows,
                             uint8_t **groups);
/* Puts out the groups of one partition as worker `number`. */
Status aggregate_emit(Aggregate *agg, AggWorker *worker, uint32_t number, uint32_t partition);

/* ---- aggregate_codes.c ---- */

/* Updates the groups of a chunk by small codes of the keys; out_done: false when there may be too many. Only
 * with one partition. */
Status aggregate_update_coded(Aggregate *agg, AggWorker *worker, const Vector *const *keys, const Vector *const *results, Rows rows,
                              bool *out_done);

/* ---- aggregate_spill.c ---- */

/* What the worker's tables and states take. */
int64_t aggregate_worker_bytes(const Aggregate *agg, const AggWorker *worker);
/* Writes the worker's groups to disk and empties its tables. */
Status aggregate_spill_worker(Aggregate *agg, AggWorker *worker);
/* Spills what is left, then merges and puts out partition by partition. */
Status aggregate_spill_finish(Aggregate *agg);
void aggregate_spill_close(Aggregate *agg);
