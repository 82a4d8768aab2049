#pragma once
/* Arithmetic and sums of DECIMAL of more than 38 digits (types/decimal256.h). Only for src/func. */

#include "func/function.h"

typedef enum WideUnary { WIDE_NEGATE, WIDE_ABS, WIDE_ROUND, WIDE_TRUNCATE } WideUnary;

/* code: ARITHMETIC_*; a and b are decimals, one of them wide. */
Status bind_wide_arithmetic(const FuncBindRequest *request, int code, Type a, Type b, FuncBinding *out);
/* places: digits behind the point that WIDE_ROUND and WIDE_TRUNCATE keep, negative ones before it. */
Status bind_wide_unary(const FuncBindRequest *request, WideUnary code, int64_t places, FuncBinding *out);
Status bind_wide_sum(const FuncBindRequest *request, bool is_average, FuncBinding *out);
