#pragma once
/* Answering queries from materialized views.
 *
 * A ViewForm is the canonical form of a view's definition: relations, conditions, groups and aggregate calls, made once and
 * then compared with parts of many queries. Whoever plans gives the candidates in a PlanViews; which of them are fresh
 * enough is asked only for one that fits. */

#include "plan/plan.h"

typedef struct ViewForm ViewForm; /* immutable; any thread may read it */

/* The form of a bound definition, which is used up. All of it lies in context->arena; of the catalog it keeps ids. */
Status view_form_make(PlanContext *context, BoundQuery *definition, ViewForm **out_form);
/* Ids of the tables that the definition reads, sorted, without duplicates. */
const uint64_t *view_form_tables(const ViewForm *form, uint32_t *out_count);
/* Why no query can be answered from the view; NULL: some can. */
const char *view_form_unsupported(const ViewForm *form);

/* How a view may be used by this statement. */
typedef struct PlanViewUse {
    bool is_usable;
    StrView reason;  /* why it is not */
    bool is_partial; /* only these partitions of the view hold what the definition yields now: */
    const uint64_t *partition_ids;
    uint32_t partition_count;
    BoundQuery *rest; /* what they leave out, as the view's table has its columns, in the statement's ids; NULL: nothing */
} PlanViewUse;

typedef struct PlanView {
    const CatalogDatabase *database;
    const CatalogTable *table; /* the view's own rows, in the statement's snapshot */
    const ViewForm *form;
    const uint32_t *ordinals; /* column of the table behind column i of the definition */
    void *handle;             /* of whoever gave it */
} PlanView;

struct PlanViews {
    void *context;
    /* Views that read no other tables than these, which are sorted. */
    Status (*candidates)(void *context, const uint64_t *tables, uint32_t count, const PlanView **out_views, uint32_t *out_count);
    Status (*use)(void *context, const PlanView *view, PlanViewUse *out_use);
    /* How a view that the query itself reads is to be read: as it is, or partly with the rest from its tables. NULL: as it is. */
    Status (*read)(void *context, const CatalogTable *table, PlanViewUse *out_use);
    uint32_t max_depth;  /* views of views of views ... */
    bool allows_union;   /* with rows from the tables that the view lacks */
    bool is_forced;      /* also where the view has more rows than what it replaces */
    ByteBuf *trace;      /* a line a view that does not fit or was used; NULL: nobody reads it */
    uint32_t used_count; /* out: parts of the query that were answered from views */
    uint64_t *completed; /* views that were completed by rows from the tables, .. */
    uint32_t completed_count, completed_room;
    uint32_t completed_before; /* .. on walks before this one, whose tables are not read through them again */
};

/* A query that was bound in ids of its own becomes part of a statement; its subqueries are joins then. */
Status query_adopt(PlanContext *statement, PlanContext *own, const BoundQuery *query, BoundQuery **out_query);

/* Replaces what can be answered from views; subqueries are joins already. */
Status rewrite_with_views(PlanContext *context, LogicalNode **in_out_root);
