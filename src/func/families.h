#pragma once
/* The families that registry.c gathers, and what they share. Only for src/func. */

#include "func/function.h"

#define FUNC_FAMILY(name) extern const FuncTable func_table_##name;
#include "func/families.def"
#undef FUNC_FAMILY

/* Helpers of bind(). All arguments get the same type. */
void bind_arguments(const FuncBindRequest *request, Type type, FuncBinding *out);
Type *bind_argument_array(const FuncBindRequest *request, FuncBinding *out); /* copies request types */
Status bind_error(const FuncBindRequest *request);
Type type_of_letter(char letter);
extern const AggKernel func_any_nested_kernel; /* any_value() of ARRAY, MAP, STRUCT */
uint32_t func_murmur3_32(const char *data, size_t length); /* as murmur_hash3_32() of one text */
/* Between UTC and the session's time zone, microseconds. */
int64_t func_to_local(const FuncSession *session, int64_t utc_us);
int64_t func_to_utc(const FuncSession *session, int64_t local_us);
/* Kernel of a comparison (code: CompareOp) for one physical kind. */
typedef enum CompareOp { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE } CompareOp;
ScalarKernel compare_kernel(CompareOp op, PhysKind phys);
ScalarKernel arithmetic_kernel(int code, PhysKind left, PhysKind right, PhysKind result);
enum { ARITHMETIC_ADD, ARITHMETIC_SUBTRACT, ARITHMETIC_MULTIPLY, ARITHMETIC_DIVIDE, ARITHMETIC_INT_DIVIDE,
       ARITHMETIC_MOD };
/* percentile_cont(), percentile_disc() over values of any type. */
Status func_bind_percentile_rows(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out);
/* func_rebind() of aggregates. */
bool aggregate_rebind(const FuncBinding *binding, const Type *argument_types, Type result, Arena *arena, FuncBinding *out_binding);
