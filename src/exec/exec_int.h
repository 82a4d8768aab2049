#pragma once
/* Inside of execution; only for src/exec. */

#include "base/thread.h"
#include "exec/exec.h"

typedef struct ExecContext ExecContext;
typedef struct Consumer Consumer;

/* push() is called with worker numbers below worker_count, each by one thread at a time. */
struct Consumer {
    Status (*push)(Consumer *consumer, uint32_t worker, Chunk *chunk);
    bool (*is_full)(Consumer *consumer); /* needs no more rows; NULL: never */
    bool takes_parts; /* workers may push large parts of one sequence of rows, where a later worker's rows are later ones */
    bool takes_whole; /* nearly whole chunks may come without their selection: it is left to the consumer, which may not need it */
};

typedef struct RuntimeFilter {
    bool is_ready;
    bool is_empty; /* nothing can match */
    int64_t min, max;
    uint64_t *bits; /* from min; NULL: only the bounds */
} RuntimeFilter;

typedef struct ColumnStore ColumnStore;

struct ExecContext {
    const PhysPlan *plan;
    const ExecOptions *options;
    const FuncSession *session;
    Diag *diag;
    uint32_t worker_count;
    Arena arena; /* as long as the query, or the step of a recursion; calling thread only */
    Arena lasting; /* as long as the query: the arrays of segments and deletes */
    RuntimeFilter *filters; /* by id */
    ColumnStore **ctes;     /* by id */
    struct SpillStream **cte_streams; /* by id: rows of a CTE that is on disk; NULL: in ctes */
    MemTracker *memories;   /* of operators, by node id; children of the query's */
    struct SpillFile *spill_file; /* made at the first spill */
    Mutex spill_lock;             /* guards spill_file while it is made */
    _Atomic int64_t *spilled;     /* bytes written, by node id */
    uint32_t *spill_divisors;     /* into how many parts the memory is shared, by node id */
    ARRAY_OF(Segment *) segments; /* in use until the query ends */
    ARRAY_OF(struct DeleteEntry *) deletes; /* the same */
    _Atomic bool failed;
    int64_t started_us;    /* monotonic */
    int64_t cpu_before_us; /* what the calling thread had worked before */
};

/* What the operator holds; all blocking operators account here. */
static inline MemTracker *node_memory(const ExecContext *exec, const PhysNode *node)
{
    return &exec->memories[node->id];
}

/* Runs fn(context, worker) on every worker and waits; the first error wins. */
Status exec_parallel(ExecContext *exec, Status (*fn)(void *context, uint32_t worker), void *context);
/* Long queries let short ones pass: their threads get a lower priority, as the workers have it from the start. */
void exec_give_way(ExecContext *exec);
Status exec_check(ExecContext *exec); /* cancelled, too late, another worker failed, too much memory */
/* Calling thread only. Chunks may point into the segment until the query ends. */
Status exec_open_segment(ExecContext *exec, const SegmentRef *ref, Segment **out_segment);
Status run_node(ExecContext *exec, const PhysNode *node, Consumer *consumer);

Status run_scan(ExecContext *exec, const PhysNode *node, Consumer *consumer);
Status run_connector_scan(ExecContext *exec, const PhysNode *node, Consumer *consumer);
Status run_cte_anchor(ExecContext *exec, const PhysNode *node, Consumer *consumer);
Status run_cte_scan(ExecContext *exec, const PhysNode *node, Consumer *consumer);
Status run_recursive(ExecContext *exec, const PhysNode *node, Consumer *consumer);
Status run_aggregate(ExecContext *exec, const PhysNode *node, Consumer *consumer);
Status run_hash_join(ExecContext *exec, const PhysNode *node, Consumer *consumer);
Status run_nested_loop(ExecContext *exec, const PhysNode *node, Consumer *consumer);
Status run_sort(ExecContext *exec, const PhysNode *node, Consumer *consumer);
Status run_window(ExecContext *exec, const PhysNode *node, Consumer *consumer);
Status run_table_function(ExecContext *exec, const PhysNode *node, Consumer *consumer);

/* Evaluators, one a worker, opened at first use. */
typedef struct WorkerEvaluators {
    const Expr *const *exprs;
    uint32_t count;
    Evaluator **by_worker;
    Arena *arenas; /* one a worker: results that outlive a run */
} WorkerEvaluators;
void evaluators_init(ExecContext *exec, WorkerEvaluators *evaluators, Expr *const *exprs, uint32_t count);
Status evaluators_get(ExecContext *exec, WorkerEvaluators *evaluators, uint32_t worker, Evaluator **out);
void evaluators_close(ExecContext *exec, WorkerEvaluators *evaluators);

/* ---- materialised rows: big flat vectors ---- */
struct ColumnStore {
    Arena arena;
    Vector *columns; /* FLAT, capacity grows */
    Type *types;
    uint32_t column_count;
    uint64_t row_count;
};
ColumnStore *column_store_new(MemTracker *memory, const Type *types, uint32_t count);
void column_store_free(ColumnStore *store);
/* Appends selected rows; strings and nested values are copied. */
Status column_store_append(ExecContext *exec, ColumnStore *store, const Vector *const *columns, Rows rows);
/* Moves all rows of the others to the end of the first; the others are empty afterwards. */
Status column_store_concat(ExecContext *exec, ColumnStore *target, ColumnStore *const *others, uint32_t count);
/* Chunk over rows first .. first+count-1 without copying. */
void column_store_slice(const ColumnStore *store, uint64_t first, uint32_t count, Vector *columns, Chunk *out);
Status column_store_emit(ExecContext *exec, const ColumnStore *store, Consumer *consumer);
/* Chunk of the given rows, as dictionary vectors over the store. indices must live as long as the chunk. */
void column_store_pick(const ColumnStore *store, const uint32_t *indices, uint32_t count, Vector *columns, Chunk *out);

/* out[i] = source[rows[i]] as a dictionary (or constant) vector; codes from arena. */
void vector_slice(const Vector *source, const uint32_t *rows, uint32_t count, Arena *arena, Vector *out);
/* Hash of the keys of each selected row, at the rows' positions; NULLs hash alike. */
void hash_keys(const Vector *const *keys, uint32_t count, Rows rows, uint64_t *out_hashes);
/* Values equal, NULL equal to NULL. */
bool keys_equal(const Vector *const *a, uint32_t a_row, const Vector *const *b, uint32_t b_row, uint32_t count);
int compare_rows(const Vector *columns, const PhysSortKey *keys, uint32_t count, uint32_t a, uint32_t b);
/* The same for rows of different stores. */
int compare_rows_of(const Vector *a_columns, uint32_t a, const Vector *b_columns, uint32_t b, const PhysSortKey *keys, uint32_t count);
/* All rows of node; holder accounts for them. *stream: those that are on disk, then all; stream NULL: must fit. The
 * store is the caller's, also on an error. */
Status materialise(ExecContext *exec, const PhysNode *holder, const PhysNode *node, const Type *types, struct SpillStream **stream,
                   ColumnStore **out);
Type *node_types(ExecContext *exec, const PhysNode *node); /* of its columns */
/* What materialise() made, as the rows of node: column i is outputs[i] of it; outputs NULL: as they are. */
Status emit_kept(ExecContext *exec, const PhysNode *node, const uint32_t *outputs, const ColumnStore *store, struct SpillStream *stream,
                 Consumer *consumer);
void profile_rows(ExecContext *exec, const PhysNode *node, uint32_t rows);
/* For the profile: a choice that the operator made while it ran. Any thread. */
void profile_choice(ExecContext *exec, const PhysNode *node, const char *format, ...) PRINTF_LIKE(3, 4);
/* A page that the scan does not read. */
void profile_page(ExecContext *exec, const PhysNode *node, bool by_index);
Status profile_node(ExecContext *exec, const PhysNode *node, Consumer *consumer,
                    Status (*run)(ExecContext *exec, const PhysNode *node, Consumer *consumer));
void profile_finish(ExecContext *exec);
