#pragma once
/* What the files of casts share: cast.c chooses and goes value by value, cast_number.c and cast_text.c have loops of their own. */

#include "func/function.h"

/* Numbers that fit, and what they are multiplied with or divided by. */
typedef struct CastScale {
    int64_t low, high;    /* of the value, before it is multiplied or after it is divided */
    int64_t factor, half; /* half: a rest of that size or more counts as one */
    Int128 wide_low, wide_high, wide_factor, wide_half;
    double power;
    double limit;
} CastScale;

typedef struct CastData {
    Type source;
    Type target;
    bool is_try;
    CastScale scale;
} CastData;

/* Value by value through a datum; a value that does not fit becomes NULL, or raises. The kernels below fall back on it. */
Status cast_row_by_row(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out);
/* The same for a row. */
Status cast_row(FuncContext *context, const Vector *argument, uint32_t row, Vector *out);

/* ---- cast_number.c ---- */

/* A kernel for numbers of the narrower widths, which fills out_scale; NULL: there is none. */
ScalarKernel cast_number_kernel(Type source, Type target, CastScale *out_scale);

/* ---- cast_text.c ---- */

/* To and from text, for the forms that are common; NULL: there is none. */
ScalarKernel cast_text_kernel(Type source, Type target);
/* Integers as text, which cannot fail. */
Status cast_integer_to_text(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out);
