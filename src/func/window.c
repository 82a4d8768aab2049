#include "func/families.h"

/* Functions that only exist with OVER: the executor computes them by name; binding gives their types. */

static Status bind_ranking(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    bind_arguments(request, type_of(TYPE_BIGINT), out);
    out->result = type_of(def->code == 1 ? TYPE_DOUBLE : TYPE_BIGINT);
    return OK;
}

static Status bind_session(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    if (request->constants[1] == NULL)
        return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: The delta parameter of SESSION_NUMBER should be a constant.");
    return bind_ranking(request, def, out);
}

/* A default that is no constant must have the type of the value, or widen to it. */
static Status wrong_default(const FuncBindRequest *request, Type value)
{
    AUTO_BYTEBUF text = {0};
    type_print_sql(value, &text);
    return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: The type of the third parameter of LEAD/LAG not match the type %s.", text.data);
}

/* lead, lag: value, offset, default; first_value, last_value: value. */
static Status bind_value(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    Type value = request->types[0].kind == TYPE_NULL ? type_of(TYPE_BOOLEAN) : request->types[0];
    types[0] = value;
    if (request->count > 1)
        types[1] = type_of(TYPE_BIGINT);
    if (request->count > 2) {
        bool is_known = request->constants[2] != NULL || request->types[2].kind == TYPE_NULL;
        bool fits = is_known || cast_implicit_cost(request->types[2], value) <= 19;
        if (!fits)
            return wrong_default(request, value);
        types[2] = value;
    }
    out->result = value;
    return OK;
}

#define WINDOW(NAME, MIN_ARGS, MAX_ARGS, BIND, CODE)                                                \
    {.name = NAME, .kind = FUNC_WINDOW, .min_arguments = MIN_ARGS, .max_arguments = MAX_ARGS, .bind = BIND, \
     .code = CODE, .group = "window"}
static const FuncDef defs[] = {
    WINDOW("row_number", 0, 0, bind_ranking, 0),   WINDOW("rank", 0, 0, bind_ranking, 0),
    WINDOW("dense_rank", 0, 0, bind_ranking, 0),   WINDOW("percent_rank", 0, 0, bind_ranking, 1),
    WINDOW("cume_dist", 0, 0, bind_ranking, 1),    WINDOW("ntile", 1, 1, bind_ranking, 0),
    WINDOW("session_number", 2, 2, bind_session, 0),
    WINDOW("lead", 1, 3, bind_value, 0),           WINDOW("lag", 1, 3, bind_value, 0),
    WINDOW("first_value", 1, 1, bind_value, 0),    WINDOW("last_value", 1, 1, bind_value, 0),
};
const FuncTable func_table_window = {defs, COUNT_OF(defs)};
