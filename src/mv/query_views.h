#pragma once
/* The materialized views that a statement's query may be answered from.
 *
 * MvForms, one a server, keeps the canonical form of each view's definition until the definition or the columns of a table
 * that it reads change. MvQueryViews is one statement's use of it: the planner asks it for candidates and whether one that
 * fits is fresh. Thread-safe; a statement's use belongs to its thread. */

#include "mv/definition.h"
#include "plan/view_rewrite.h"

typedef struct MvForms MvForms;
MvForms *mv_forms_open(void);
void mv_forms_close(MvForms *forms);

typedef struct MvQueryOptions {
    bool allows_union; /* partitions that are not fresh may be computed */
    bool is_forced;    /* materialized_view_rewrite_mode = force: whatever the view's size */
    StrView including; /* names, comma separated; empty: all */
    StrView excluding;
    uint32_t max_depth;
    ByteBuf *trace; /* NULL: nobody reads it */
} MvQueryOptions;

typedef struct MvQueryViews {
    PlanViews plan; /* for PlanContext.views */
    MvForms *forms;
    CatalogSnapshot *snapshot;
    PlanContext *context;
    MvQueryOptions options;
    struct FormEntry **held;
    uint32_t held_count, held_room;
} MvQueryViews;

/* context: of the statement's planning. Everything given must live until the close. */
void mv_query_views_open(MvQueryViews *views, MvForms *forms, CatalogSnapshot *snapshot, PlanContext *context, const MvQueryOptions *options);
void mv_query_views_close(MvQueryViews *views);
/* An error that says why, where no query can be answered from a view of this definition. */
Status mv_need_rewritable(const CatalogSnapshot *snapshot, const TableSchema *schema, FuncSession *session, Arena *arena, Diag *diag);
/* Can queries be answered from the view at all? out_reason: VALID, or why not. For information_schema. */
StrView mv_rewrite_status(MvForms *forms, CatalogSnapshot *snapshot, uint64_t view_id, Arena *arena);
