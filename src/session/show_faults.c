#include "session/session_int.h"

/* SHOW FAULT POINTS: how often each was passed. Empty where faults are not compiled in. */

#include "base/fault.h"

typedef struct PointRows {
    StatementContext *context;
    ARRAY_OF(StrView) cells;
} PointRows;

#ifdef MERAK_FAULTS
static void add_point(void *opaque, const char *name, uint64_t passes)
{
    PointRows *rows = opaque;
    Arena *arena = &rows->context->arena;
    ARRAY_PUSH(arena, &rows->cells, strview(arena_strdup(arena, name)));
    ARRAY_PUSH(arena, &rows->cells, strview(arena_printf(arena, "%llu", (unsigned long long)passes)));
}
#endif

Status show_fault_points(StatementContext *context)
{
    static const char *const names[] = {"Name", "Passes"};
    PointRows rows = {.context = context};
#ifdef MERAK_FAULTS
    fault_point_counts(add_point, &rows);
#endif
    return send_texts(context, names, COUNT_OF(names), rows.cells.items, rows.cells.count / COUNT_OF(names));
}
