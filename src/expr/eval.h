#pragma once
/* Chunk-wise evaluation of bound expressions.
 *
 * An Evaluator is compiled once a driver from a list of expressions (slots set), owns its buffers
 * and function states, and belongs to one thread at a time. Common subexpressions of the list are
 * evaluated once a chunk. Results are valid until the next call. */

#include "expr/expr.h"

typedef struct Evaluator Evaluator;

Status evaluator_open(const Expr *const *exprs, uint32_t count, const FuncSession *session,
                      MemTracker *tracker, Diag *diag, Evaluator **out_evaluator);
void evaluator_close(Evaluator *evaluator);
/* out_columns[i] points to the result of expression i (often the input column itself). */
Status evaluator_run(Evaluator *evaluator, const Chunk *input, const Vector **out_columns);
/* Does a run on this chunk compute all rows, those too that a nearly whole chunk leaves out? */
bool evaluator_runs_whole(const Evaluator *evaluator, const Chunk *input);
/* Could it, on a chunk that is? */
bool evaluator_can_run_whole(const Evaluator *evaluator);
/* Evaluates as conjunction of predicates; a nearly whole chunk may come without its selection when the evaluator can run whole.
 * Writes the surviving positions to out_sel (CHUNK_ROWS
 * entries) and their number. Orders predicates by measured cost and pass rate where that is safe. */
Status evaluator_filter(Evaluator *evaluator, const Chunk *input, uint16_t *out_sel,
                        uint32_t *out_selected);

/* Value ranges for pruning: what a conjunct says about a single column. */
typedef struct ColumnRange {
    uint32_t slot;
    Type type;
    bool has_low, has_high;
    bool low_inclusive, high_inclusive;
    Datum low, high;
    bool excludes_null;  /* IS NOT NULL or any comparison */
    bool only_null;      /* IS NULL */
    const Datum *points; /* sorted values of = or IN; NULL when not of that form */
    uint32_t point_count;
    StrView prefix;      /* LIKE 'abc%': strings in [prefix, next(prefix)) are in low/high too */
} ColumnRange;

/* Collects at most one (intersected) range a column from AND-ed predicates; what can't be said as
 * a range is left out. Pruning by them is safe but not complete. */
void expr_ranges(Arena *arena, const Expr *const *conjuncts, uint32_t count,
                 ColumnRange *out_ranges, uint32_t *in_out_count);
/* Can a block with these bounds hold a row that the range accepts? min/max unset: all null. */
bool range_may_match(const ColumnRange *range, const Datum *min, const Datum *max, uint64_t null_count,
                     uint64_t row_count);
