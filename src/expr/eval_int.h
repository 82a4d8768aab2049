#pragma once
/* Inside of the evaluator: nodes of a compiled expression list. Only for src/expr.
 *
 * Every distinct sub-expression is one EvalNode. A result is remembered by the epoch (the set of
 * rows) that it was computed for; it is good for that epoch and for every narrower one nested in it,
 * which is what common sub-expressions inside AND, OR and CASE need. */

#include "expr/eval.h"

typedef struct EvalNode EvalNode;

enum { EVAL_MAX_DEPTH = 128, EVAL_DICTIONARY_LIMIT = 65536 };

/* Constants of an IN list, ready for look-up. */
typedef struct InSet InSet;

/* A lambda argument: its body compiled over [parameters..., captured columns...]. */
typedef struct EvalLambda {
    Evaluator *body;
    uint32_t parameter_count;
    uint32_t capture_count;
    EvalNode **captures;           /* of the evaluator that runs the call */
    const Vector **capture_values; /* for its current rows */
} EvalLambda;

struct EvalNode {
    const Expr *expr;
    uint32_t argument_count;
    EvalNode **arguments;
    const Vector **argument_values; /* scratch for kernel calls */
    Vector out;                     /* own buffers, or a reference to the input column */
    uint64_t epoch;                 /* for which rows out is valid; 0 none */
    bool is_constant;               /* out holds the constant for good */
    bool may_use_dictionary;        /* one dictionary argument, rest constant: evaluate on entries */
    FuncContext context;            /* EXPR_CALL */
    const InSet *in_set;
    EvalLambda **lambdas;           /* by argument; NULL when the call has none */
    uint16_t *sel_true;             /* CASE, AND, OR: row sets of this node */
    uint16_t *sel_rest;
    /* Result on a dictionary's entries, kept while the same dictionary comes. */
    uint64_t cached_dict_id;
    Arena dict_arena;
    Vector dict_result;
};

struct Evaluator {
    Arena arena;    /* nodes and buffers: as long as the evaluator */
    Arena results;  /* bytes of results; reset every run */
    const FuncSession *session;
    Diag *diag;
    EvalNode **nodes; /* all, arguments before users */
    uint32_t node_count, node_capacity;
    EvalNode **roots;
    uint32_t root_count;
    bool can_run_whole; /* no root minds rows that were not asked for */
    const Chunk *input; /* of the current run */
    uint64_t next_epoch;
    uint64_t epochs[EVAL_MAX_DEPTH]; /* nested row sets, outermost first */
    uint32_t epoch_depth;
    struct FilterTerm *terms; /* evaluator_filter(): adaptive order */
    uint16_t *filter_sel;
    uint64_t filter_runs;
};

Status eval_node(Evaluator *ev, EvalNode *node, Rows rows, const Vector **out);
/* As eval_node for a subset of the current rows. */
Status eval_narrower(Evaluator *ev, EvalNode *node, Rows rows, const Vector **out);
Status eval_and_or(Evaluator *ev, EvalNode *node, Rows rows);
void eval_reset_out(Evaluator *ev, EvalNode *node);
Status eval_case(Evaluator *ev, EvalNode *node, Rows rows);
void eval_in(EvalNode *node, const Vector *value, Rows rows, Vector *out);
const InSet *in_set_build(Arena *arena, const Expr *in);
/* Splits rows by a BOOLEAN vector: those that are TRUE, and all others (others may be NULL). */
uint32_t eval_split(const Vector *condition, Rows rows, uint16_t *out_true, uint16_t *out_others,
                    uint32_t *out_other_count);
Status eval_compile(Evaluator *ev, const Expr *expr, EvalNode **out_node);
Status eval_lambda_captures(Evaluator *ev, EvalNode *node, Rows rows);
Status eval_lambda_open(Evaluator *ev, const Expr *lambda, EvalLambda **out);
Status eval_call_lambda(FuncContext *context, uint32_t argument, const Vector *const *inputs,
                        uint32_t input_count, const uint32_t *parent_rows, uint32_t row_count,
                        Vector *out);
