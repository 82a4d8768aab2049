#pragma once
/* The kernel of array_agg() that keeps plain values. Only for src/func. */

#include "func/function.h"

const AggKernel *func_plain_array_kernel(Type element); /* NULL: the type has parts */
