#include "load/load_plan.h"

/* Column mappings and where of a load: refused as long as expressions can't be bound here. */

Status load_plan_bind(LoadPlan *plan, StrView mapping, const AstStrList *names, const AstExprList *values, Diag *diag)
{
    (void)plan, (void)names, (void)values;
    return RAISE(diag, NOT_SUPPORTED, "Stream Load with expressions in columns is not supported: %.*s",
                 SV_ARGS(mapping));
}

Status load_plan_bind_where(LoadPlan *plan, StrView text, Diag *diag)
{
    (void)plan;
    return RAISE(diag, NOT_SUPPORTED, "Stream Load with where is not supported: %.*s", SV_ARGS(text));
}
