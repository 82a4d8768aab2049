#pragma once
/* Kernels of array_agg() and group_concat() for plain values in the order they come. Only for src/func. */

#include "func/function.h"

const AggKernel *func_plain_array_kernel(Type element); /* NULL: the type has parts */
extern const AggKernel func_plain_concat_kernel;        /* the binding's data: the separator, a StrView */
