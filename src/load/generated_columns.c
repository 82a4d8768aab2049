#include "load/generated_columns.h"

#include "expr/eval.h"

static Status fill_chunk(const GeneratedColumns *generated, Evaluator *evaluator, const Chunk *chunk, Vector *columns, uint32_t first,
                         Arena *arena)
{
    const Vector **results = ARENA_NEW_ARRAY(arena, const Vector *, generated->count);
    TRY(evaluator_run(evaluator, chunk, results));
    for (uint32_t i = 0; i < generated->count; i++) {
        Vector *target = &columns[generated->columns[i]];
        for (uint32_t row = 0; row < chunk->row_count; row++) {
            Datum value = vector_get(results[i], row, arena);
            Datum kept = datum_copy(arena, target->type, &value);
            vector_put(target, arena, first + row, &kept);
        }
    }
    return OK;
}

Status generated_columns_fill(const GeneratedColumns *generated, const TableSchema *schema, Vector *columns, uint32_t row_count, Arena *arena,
                              Diag *diag)
{
    Evaluator *evaluator;
    if (generated == NULL || generated->count == 0)
        return OK;
    TRY(evaluator_open((const Expr *const *)generated->exprs, generated->count, generated->session, NULL, diag, &evaluator));
    Vector *slices = ARENA_NEW_ARRAY(arena, Vector, schema->column_count);
    Status status = OK;
    for (uint32_t first = 0; first < row_count && status == OK; first += CHUNK_ROWS) {
        for (uint32_t c = 0; c < schema->column_count; c++) {
            slices[c] = columns[c];
            vector_advance(&slices[c], first);
        }
        Chunk chunk = {.columns = slices, .column_count = schema->column_count, .row_count = MIN(row_count - first, (uint32_t)CHUNK_ROWS)};
        status = fill_chunk(generated, evaluator, &chunk, columns, first, arena);
    }
    evaluator_close(evaluator);
    return status;
}
