#pragma once
/* Materialized views as they are journaled.
 *
 * A view is a table of kind TABLE_MATERIALIZED_VIEW: columns, partitions and rows, its query in view_sql. Beside it
 * lies a catalog record (module "mv", key: the table's id): how it is refreshed, what it reads, its state and its
 * properties. What its partitions were computed from is in version_map.h: a refresh does not rewrite the definition.
 * Everything internal goes by id. Texts that are read lie in the caller's arena. */

#include "meta/catalog.h"
#include "meta/change.h"

typedef enum MvScheme { MV_MANUAL, MV_EVENT_TRIGGERED, MV_PERIODICAL } MvScheme;
typedef enum MvBaseKind { MV_BASE_TABLE, MV_BASE_VIEW, MV_BASE_MATERIALIZED_VIEW } MvBaseKind;

/* What the query reads, also through plain views, which are bases themselves. */
typedef struct MvBase {
    uint64_t id;
    uint8_t kind; /* MvBaseKind */
    StrView database, name;
    StrView view_sql; /* MV_BASE_VIEW: its query when the definition was bound */
    uint32_t *column_ids; /* unique ids of the columns that are used */
    StrView *column_names;
    uint32_t column_count;
} MvBase;

typedef struct MvDefinition {
    uint64_t id;
    uint8_t scheme; /* MvScheme */
    bool is_deferred;
    bool is_active;
    bool has_start; /* START was written */
    int64_t start_us, period_us;
    StrView period_text; /* "10 MINUTE" */
    StrView inactive_reason;
    StrView cleared_cause; /* why partitions that have rows have no entry in the version map; empty: it never was cleared */
    StrView creator;
    StrView *partition_texts; /* PARTITION BY, as SHOW CREATE prints it */
    uint32_t *partition_columns; /* columns of the view that they are */
    uint32_t partition_count;
    StrView *outputs; /* a column: the name of the query's column behind it */
    uint32_t *places; /* and its place in the query when it was bound */
    uint32_t output_count;
    MvBase *bases;
    uint32_t base_count;
    Property *properties;
    uint32_t property_count;
    uint32_t failures; /* runs that failed one after the other */
    bool is_damaged;   /* the record says nothing sensible: nothing but id and inactive_reason is set, and it is not written */
} MvDefinition;

/* Reasons that are more than words: the manual one is not undone automatically. */
#define MV_REASON_MANUAL "user use alter materialized view set status to inactive"

/* Its record is damaged: its rows can be read, and it can be dropped or made anew, nothing else. */
#define MV_REASON_DAMAGED "quarantined: its definition is damaged"

/* In the recycle bin with its database: RECOVER DATABASE makes it active again. */
#define MV_REASON_SHELVED "database dropped"

void change_put_mv(Change *change, const MvDefinition *definition);
/* With its version map and its task. */
void change_drop_mv(Change *change, const CatalogSnapshot *snapshot, uint64_t id);
/* False: there is none, or it is damaged. */
bool mv_find(const CatalogSnapshot *snapshot, uint64_t id, Arena *arena, MvDefinition *out);
uint64_t mv_record_hash(const CatalogSnapshot *snapshot, uint64_t id); /* of the definition's bytes; 0: there is none */
/* Damaged ones, too. */
uint32_t mv_list(const CatalogSnapshot *snapshot, Arena *arena, MvDefinition **out);
StrView mv_property(const MvDefinition *definition, const char *key); /* data NULL: not set */
int64_t mv_property_number(const MvDefinition *definition, const char *key, int64_t missing);
void mv_set_property(MvDefinition *definition, Arena *arena, StrView key, StrView value);
StrView mv_task_name(uint64_t id, Arena *arena); /* "mv-10023" */
uint64_t mv_task_view(StrView task_name);        /* the other way round; 0: of none */
/* Is the table named in a list "[db.]table, .." of a property? A name without database is the table of that name in any. */
bool mv_list_names(StrView list, StrView database, StrView table);
/* The task of the view, as its definition wants it. */
void mv_put_task(Change *change, const CatalogSnapshot *snapshot, const MvDefinition *definition, StrView database, StrView name,
                 StrView query, int64_t now_us);
/* ---- create_text.c ---- */
void mv_print_create(const CatalogTable *table, const MvDefinition *definition, int64_t zone_offset_us, ByteBuf *out);
