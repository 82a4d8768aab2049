#pragma once
/* States of aggregates as values: names of their functions, and which states fit together. */

#include "func/function.h"

/* The definition of a name, also of f_state, f_union and so on, which is then made in the arena. NULL: unknown. */
const FuncDef *func_find_form(StrView name, Arena *arena);
Status func_bind_form(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out);
/* Whether a state of one type can stand where one of the other is expected. */
bool func_state_fits(Type target, Type source, Arena *arena);
