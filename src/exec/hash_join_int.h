#pragma once
/* Inside of hash joins: what hash_join.c and its spilling share. */

#include "exec/exec_int.h"

enum { MAX_KEYS = 32 };

typedef struct JoinWorker {
    Arena scratch;
    ColumnStore *rows;  /* build: columns of the right child, then keys */
    Evaluator *build, *probe, *residual;
    Evaluator *in_value; /* the IN comparisons among the residuals, as a value */
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
    uint64_t *hashes;  /* a build row; NULL with direct addressing */
    uint32_t *heads;   /* directory: row + 1 */
    uint32_t *chain;   /* next row + 1 */
    uint32_t mask;
    bool is_direct; /* the directory has a place for each key value from direct_min on */
    int64_t direct_min;
    uint64_t direct_span;
    bool is_unique;
    bool build_has_null;   /* a NULL key, for NOT IN */
    bool build_has_rows;   /* of the whole build side */
    int64_t index_bytes;   /* charged for hashes, chains and directory */
    struct AsofIndex *asof; /* in the place of the directory; NULL: no ASOF join */
    struct JoinSpill *spill; /* NULL: the build side is in memory */
    Mutex spill_lock;        /* guards spill while it is made */
    _Atomic uint8_t *matched; /* build rows, for kinds that keep the build side */
    JoinWorker *workers;
} HashJoin;

typedef struct BuildSink {
    Consumer consumer;
    HashJoin *join;
} BuildSink;

static inline PhysJoinKind join_kind(const HashJoin *join)
{
    return (PhysJoinKind)join->node->join.kind;
}
/* Stored behind the columns of the build side: the keys, then the right side of an ASOF join's inequality. */
static inline uint32_t join_stored_keys(const HashJoin *join)
{
    return join->node->join.key_count + (join->node->join.asof != PHYS_ASOF_NONE);
}
static inline bool join_keeps_build(const HashJoin *join)
{
    PhysJoinKind kind = join_kind(join);
    return kind == PHYS_JOIN_RIGHT || kind == PHYS_JOIN_FULL || kind == PHYS_JOIN_RIGHT_SEMI || kind == PHYS_JOIN_RIGHT_ANTI;
}
/* Without build rows nothing can come out. */
static inline bool join_needs_build(const HashJoin *join)
{
    PhysJoinKind kind = join_kind(join);
    return kind == PHYS_JOIN_INNER || kind == PHYS_JOIN_LEFT_SEMI || kind == PHYS_JOIN_RIGHT || kind == PHYS_JOIN_RIGHT_SEMI ||
           kind == PHYS_JOIN_RIGHT_ANTI || kind == PHYS_JOIN_ASOF_INNER;
}

/* ---- join_index.c ---- */

/* Makes the directory over join->store. in_parallel: by all workers; only outside of exec_parallel(). */
Status join_index(HashJoin *join, bool in_parallel);
/* Frees store and directory. */
void join_drop_build(HashJoin *join);
/* Bounds of an integer column without NULLs; min > max when there is none. False for other types. */
bool join_key_bounds(const Vector *column, uint32_t rows, int64_t *out_min, int64_t *out_max);
/* Sets bit value - min of every value. */
void join_key_bits(const Vector *column, uint32_t rows, int64_t min, uint64_t *bits);

/* ---- hash_join.c ---- */

typedef struct Probe {
    HashJoin *join;
    JoinWorker *worker;
    uint32_t number;
    const Chunk *chunk;
    const Vector **keys;
    const Vector *stored[MAX_KEYS];
    VectorView view; /* of a single integer key without NULLs */
    uint8_t int_width; /* 0: general comparison */
} Probe;

/* A chunk of the probe side with its keys and their hashes; the worker's scratch memory begins anew. */
Status join_open_probe(HashJoin *join, uint32_t number, const Chunk *chunk, Probe *probe);
/* Leaves those of the worker's pairs (probe_rows, build_rows) that pass the residual conditions. */
Status join_filter_pairs(const Probe *probe, uint32_t *in_out_count);
/* Output columns over (left, right) vectors of an output chunk. */
Status join_emit_columns(HashJoin *join, JoinWorker *worker, uint32_t number, const Vector *left, const Vector *right,
                         const Vector *mark, Chunk *shape);
/* The build side's columns at the rows `codes`. */
Vector *join_build_vectors(HashJoin *join, JoinWorker *worker, const uint32_t *codes, uint8_t *nulls);
Vector *join_null_vectors(HashJoin *join, JoinWorker *worker, bool of_left);

/* Joins a chunk of the probe side as worker `number`. */
Status join_probe(HashJoin *join, uint32_t number, Chunk *chunk);
/* The same in two halves, for a build side that comes in pieces: pairs, with has_match (a row of the chunk)
 * set for rows that found one; then, after the last piece, the rows that depend on having found none or any. */
Status join_probe_piece(HashJoin *join, uint32_t number, Chunk *chunk, uint8_t *has_match);
Status join_probe_finish(HashJoin *join, uint32_t number, Chunk *chunk, const uint8_t *has_match);
/* Build rows that were, or were not, matched; after the probe side is done. */
Status join_emit_build(HashJoin *join, uint32_t number);

/* ---- asof_join.c ---- */

Status asof_index(HashJoin *join, bool in_parallel);
void asof_drop(HashJoin *join);
Status asof_probe(const Probe *probe, Rows rows);

/* ---- join_spill.c ---- */

/* Writes the worker's build rows to disk; all later ones follow. */
Status join_spill_worker(HashJoin *join, uint32_t number);
/* The build side is complete. */
Status join_spill_finish_build(HashJoin *join);
/* Reads the probe side into partitions and joins them one by one. */
Status join_spill_run(HashJoin *join);
void join_spill_close(HashJoin *join);
