#include "expr/eval_int.h"
#include "vector/selection.h"

/* Filtering by a conjunction, with the order of the terms learnt from what they cost and keep.
 *
 * Every RELEARN_CHUNKS chunks the terms are sorted by cycles spent per row dropped. Terms that can
 * raise keep their place, and nothing moves across them. */

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

enum { RELEARN_CHUNKS = 64 };

typedef struct FilterTerm {
    EvalNode *node;
    bool is_fixed; /* may raise: a barrier */
    uint64_t cycles;
    uint64_t rows_in;
    uint64_t rows_out;
} FilterTerm;

static uint64_t read_cycles(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#else
    return 0;
#endif
}

static void open_terms(Evaluator *ev)
{
    ev->terms = ARENA_NEW_ARRAY(&ev->arena, FilterTerm, ev->root_count);
    for (uint32_t i = 0; i < ev->root_count; i++) {
        ev->terms[i].node = ev->roots[i];
        ev->terms[i].is_fixed = expr_can_raise(ev->roots[i]->expr);
    }
}

/* Cost of dropping one row; smaller is better first. */
static double rank(const FilterTerm *term)
{
    double dropped = (double)(term->rows_in - term->rows_out) + 0.001 * (double)term->rows_in + 1;
    return (double)term->cycles / dropped;
}

static void reorder_terms(Evaluator *ev)
{
    for (uint32_t i = 1; i < ev->root_count; i++) {
        for (uint32_t j = i; j > 0; j--) {
            FilterTerm *a = &ev->terms[j - 1];
            FilterTerm *b = &ev->terms[j];
            if (a->is_fixed || b->is_fixed || b->rows_in == 0 || rank(a) <= rank(b))
                break;
            FilterTerm swap = *a;
            *a = *b;
            *b = swap;
        }
    }
    for (uint32_t i = 0; i < ev->root_count; i++) {
        ev->terms[i].cycles /= 2;
        ev->terms[i].rows_in /= 2;
        ev->terms[i].rows_out /= 2;
    }
}

/* nulls and dropped (a bit a row) may be NULL. */
static uint32_t keep_dense(const uint8_t *values, const uint8_t *nulls, const uint64_t *dropped, uint32_t count, uint16_t *out)
{
    uint32_t kept = 0;
    uint32_t row = 0;
    for (; row + SELECTION_STEP <= count; row += SELECTION_STEP) {
        uint8_t bits = selection_bits(&values[row]);
        if (nulls != NULL)
            bits = (uint8_t)(bits & ~selection_bits(&nulls[row]));
        if (dropped != NULL)
            bits = (uint8_t)(bits & ~(dropped[row / 64] >> (row % 64)));
        kept += selection_put(&out[kept], row, bits);
    }
    for (; row < count; row++) {
        out[kept] = (uint16_t)row;
        kept += values[row] != 0 && (nulls == NULL || nulls[row] == 0) && (dropped == NULL || (dropped[row / 64] >> (row % 64) & 1) == 0);
    }
    return kept;
}

/* Keeps the rows where a BOOLEAN vector is TRUE; in may be the same memory as out. */
static uint32_t keep_true(const Vector *condition, Rows rows, uint16_t *out)
{
    VectorView view = vector_view(condition);
    const uint8_t *values = view.data;
    bool has_nulls = view.nulls != NULL || view.row_nulls != NULL;
    uint32_t kept = 0;
    if (view.is_constant) {
        if (values[0] == 0 || (view.nulls != NULL && view.nulls[0] != 0))
            return 0;
        for (FOR_ROWS(rows, i, row))
            out[kept++] = (uint16_t)row;
        return kept;
    }
    if (view.codes == NULL && rows.sel == NULL)
        return keep_dense(values, view.nulls, NULL, rows.count, out);
    if (!has_nulls && view.codes != NULL) {
        for (FOR_ROWS(rows, i, row)) {
            out[kept] = (uint16_t)row;
            kept += values[view.codes[row]] != 0;
        }
        return kept;
    }
    for (FOR_ROWS(rows, i, row)) {
        bool holds = values[view_index(&view, row)] != 0 && !view_is_null(&view, row);
        out[kept] = (uint16_t)row;
        kept += holds;
    }
    return kept;
}

/* Both ascend. */
static uint32_t leave_out(uint16_t *rows, uint32_t count, const Chunk *input)
{
    uint32_t kept = 0;
    for (uint32_t i = 0, at = 0; i < count; i++) {
        while (at < input->dropped_count && input->dropped[at] < rows[i])
            at++;
        bool is_dropped = at < input->dropped_count && input->dropped[at] == rows[i];
        rows[kept] = rows[i];
        kept += !is_dropped;
    }
    return kept;
}

/* The condition is there for all rows of a nearly whole chunk, whose selection may be missing. */
static uint32_t keep_nearly_whole(const Vector *condition, const Chunk *input, uint16_t *out)
{
    uint8_t values[CHUNK_ROWS];
    if (condition->form != VECTOR_FLAT && input->sel == NULL)
        return leave_out(out, keep_true(condition, (Rows){NULL, input->row_count}, out), input);
    if (condition->form != VECTOR_FLAT)
        return keep_true(condition, chunk_rows(input), out);
    if (input->dropped_bits != NULL)
        return keep_dense(condition->data, condition->nulls, input->dropped_bits, input->row_count, out);
    memcpy(values, condition->data, input->row_count);
    for (uint32_t i = 0; i < input->dropped_count; i++)
        values[input->dropped[i]] = 0;
    return keep_dense(values, condition->nulls, NULL, input->row_count, out);
}

Status evaluator_filter(Evaluator *ev, const Chunk *input, uint16_t *out_sel, uint32_t *out_selected)
{
    if (ev->terms == NULL)
        open_terms(ev);
    if (++ev->filter_runs % RELEARN_CHUNKS == 0)
        reorder_terms(ev);
    arena_reset(&ev->results);
    ev->input = input;
    ev->epoch_depth = 1;
    ev->epochs[0] = ev->next_epoch++;
    Rows rows = chunk_rows(input);
    bool is_whole = evaluator_runs_whole(ev, input) || (evaluator_can_run_whole(ev) && input->sel == NULL && input->dropped != NULL);
    for (uint32_t t = 0; t < ev->root_count && rows.count > 0; t++) {
        FilterTerm *term = &ev->terms[t];
        uint64_t start = read_cycles();
        const Vector *condition;
        TRY(t == 0 ? eval_node(ev, term->node, is_whole ? (Rows){NULL, input->row_count} : rows, &condition)
                   : eval_narrower(ev, term->node, rows, &condition));
        term->rows_in += rows.count;
        rows.count = is_whole && t == 0 ? keep_nearly_whole(condition, input, out_sel) : keep_true(condition, rows, out_sel);
        rows.sel = out_sel;
        term->rows_out += rows.count;
        term->cycles += read_cycles() - start;
    }
    if (rows.sel == NULL && ev->root_count == 0) {
        for (uint32_t i = 0; i < rows.count; i++)
            out_sel[i] = (uint16_t)i;
    } else if (rows.sel != out_sel && rows.count > 0) {
        memcpy(out_sel, rows.sel, rows.count * sizeof(uint16_t));
    }
    *out_selected = rows.count;
    return OK;
}
