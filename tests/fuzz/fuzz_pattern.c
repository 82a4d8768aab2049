/* LIKE and regular expressions: text, pattern and replacement, a NUL byte between them. A pattern that is taken
 * apart once (constant) and one that is matched as it is (a column) give the same answer. */

#include <stdint.h>
#include <stdlib.h>

#include "expr/eval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static StrView next_part(const uint8_t **cursor, const uint8_t *end)
{
    const uint8_t *stop = *cursor == end ? NULL : memchr(*cursor, 0, (size_t)(end - *cursor));
    StrView part = strview_n((const char *)*cursor, (size_t)((stop == NULL ? end : stop) - *cursor));
    *cursor = stop == NULL ? end : stop + 1;
    return part;
}

/* -1: an error; else the result, for texts their length. */
static int evaluate(const char *name, const StrView *parts, uint32_t count, bool as_columns, Arena *arena)
{
    static const FuncSession session = {.database = STR_VIEW("")};
    Expr *arguments[3], *call;
    Chunk chunk = {.columns = ARENA_NEW_ARRAY(arena, Vector, 3), .column_count = 3, .row_count = 1};
    Diag diag = {0};
    for (uint32_t i = 0; i < 3; i++) {
        Datum value = datum_str(parts[i]);
        vector_init(&chunk.columns[i], arena, type_varchar(0), 1);
        vector_put(&chunk.columns[i], arena, 0, &value);
        arguments[i] = as_columns || i == 0 ? expr_column(arena, i + 1, type_varchar(0), true, STR_VIEW("c"))
                                            : expr_constant(arena, type_varchar(0), value);
        if (arguments[i]->kind == EXPR_COLUMN)
            arguments[i]->column.slot = i;
    }
    const Vector *out;
    Evaluator *evaluator;
    int result = -1;
    if (expr_call_by_name(arena, &session, name, arguments, count, &diag, &call) != OK)
        return -1;
    const Expr *list[] = {call};
    if (evaluator_open(list, 1, &session, NULL, &diag, &evaluator) != OK)
        return -1;
    if (evaluator_run(evaluator, &chunk, &out) == OK) {
        Datum value = vector_get(out, 0, arena);
        result = value.is_null ? -2 : out->type.phys == PHYS_STR ? (int)value.str.length : (int)value.i64;
    }
    evaluator_close(evaluator);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *name;
        uint32_t count;
    } calls[] = {{"like", 2}, {"regexp", 2}, {"regexp_replace", 3}};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    const uint8_t *cursor = data;
    StrView parts[3];
    for (int i = 0; i < 3; i++)
        parts[i] = next_part(&cursor, data + size);
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        if (evaluate(calls[i].name, parts, calls[i].count, false, &arena) != evaluate(calls[i].name, parts, calls[i].count, true, &arena))
            abort();
    }
    return 0;
}
