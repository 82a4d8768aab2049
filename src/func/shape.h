#pragma once
/* Loop templates around row functions: one body, three loops (dense flat/flat, dense with a
 * constant side, and any form with any selection). BODY is an expression over x (and y). Macros hold
 * loops only; logic belongs into row functions. */

#include "func/function.h"

#define DEFINE_UNARY(NAME, TA, TR, BODY)                                                       \
    KERNEL_CLONES static Status NAME(FuncContext *context, const Vector *const *arguments,      \
                                     uint32_t count, Rows rows, Vector *out)                   \
    {                                                                                          \
        (void)context;                                                                         \
        (void)count;                                                                           \
        VectorView view = vector_view(arguments[0]);                                           \
        const TA *a = view.data;                                                               \
        TR *restrict r = out->data;                                                            \
        if (rows.sel == NULL && view.codes == NULL && !view.is_constant) {                     \
            for (uint32_t i = 0; i < rows.count; i++) {                                        \
                TA x = a[i];                                                                   \
                r[i] = (TR)(BODY);                                                             \
            }                                                                                  \
            return OK;                                                                         \
        }                                                                                      \
        for (FOR_ROWS(rows, i, row)) {                                                         \
            TA x = a[view_index(&view, row)];                                                  \
            r[row] = (TR)(BODY);                                                               \
        }                                                                                      \
        return OK;                                                                             \
    }

#define DEFINE_BINARY(NAME, TA, TB, TR, BODY)                                                  \
    KERNEL_CLONES static Status NAME(FuncContext *context, const Vector *const *arguments,      \
                                     uint32_t count, Rows rows, Vector *out)                   \
    {                                                                                          \
        (void)context;                                                                         \
        (void)count;                                                                           \
        VectorView left = vector_view(arguments[0]);                                           \
        VectorView right = vector_view(arguments[1]);                                          \
        const TA *a = left.data;                                                               \
        const TB *b = right.data;                                                              \
        TR *restrict r = out->data;                                                            \
        bool is_dense = rows.sel == NULL && left.codes == NULL && right.codes == NULL;         \
        if (is_dense && !left.is_constant && !right.is_constant) {                             \
            for (uint32_t i = 0; i < rows.count; i++) {                                        \
                TA x = a[i];                                                                   \
                TB y = b[i];                                                                   \
                r[i] = (TR)(BODY);                                                             \
            }                                                                                  \
            return OK;                                                                         \
        }                                                                                      \
        if (is_dense && !left.is_constant) {                                                   \
            TB y = b[0];                                                                       \
            for (uint32_t i = 0; i < rows.count; i++) {                                        \
                TA x = a[i];                                                                   \
                r[i] = (TR)(BODY);                                                             \
            }                                                                                  \
            return OK;                                                                         \
        }                                                                                      \
        if (is_dense && !right.is_constant) {                                                  \
            TA x = a[0];                                                                       \
            for (uint32_t i = 0; i < rows.count; i++) {                                        \
                TB y = b[i];                                                                   \
                r[i] = (TR)(BODY);                                                             \
            }                                                                                  \
            return OK;                                                                         \
        }                                                                                      \
        for (FOR_ROWS(rows, i, row)) {                                                         \
            TA x = a[view_index(&left, row)];                                                  \
            TB y = b[view_index(&right, row)];                                                 \
            r[row] = (TR)(BODY);                                                               \
        }                                                                                      \
        return OK;                                                                             \
    }

/* Row by row, for costlier bodies: inside BLOCK, `row` is the position, ARG(i, T) the value of
 * argument i; rows that are NULL already are skipped. */
#define DEFINE_ROWWISE(NAME, ...)                                                              \
    static Status NAME(FuncContext *context, const Vector *const *arguments, uint32_t count,   \
                       Rows rows, Vector *out)                                                 \
    {                                                                                          \
        VectorView views[FUNC_MAX_FIXED_ARGS];                                                 \
        (void)context;                                                                         \
        (void)views;                                                                           \
        for (uint32_t v = 0; v < count && v < FUNC_MAX_FIXED_ARGS; v++)                        \
            views[v] = vector_view(arguments[v]);                                              \
        for (LIST_ROWS(context, out, rows, i, row)) {                                          \
            if (out->nulls != NULL && out->nulls[row] != 0)                                    \
                continue;                                                                      \
            __VA_ARGS__                                                                        \
        }                                                                                      \
        return OK;                                                                             \
    }
#define ARG(i, T) (((const T *)views[i].data)[view_index(&views[i], row)])
#define ARG_STR(i) (&((const Str *)views[i].data)[view_index(&views[i], row)])
#define ARG_VIEW(i) str_view(ARG_STR(i))
#define RESULT(T) (((T *)out->data)[row])
#define RESULT_NULL() vector_set_null(out, row)
static inline void result_text(FuncContext *context, Vector *out, uint32_t row, const char *data,
                               size_t length)
{
    Str value = str_make(data, length);
    ((Str *)out->data)[row] = str_copy(context->arena, &value);
}
