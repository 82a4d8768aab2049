#pragma once
/* System tables: information_schema, sys, _statistics_, and what SHOW statements answer.
 *
 * A table is an array of columns and a producer that appends its rows; connector tables are made of it, so that
 * they can be joined, filtered and sorted as any other. Values are put from left to right; what a row leaves
 * out on the right is NULL. Texts must live as long as the source's arena. */

#include "connector/connector.h"
#include "meta/access.h"
#include "meta/load_history.h"
#include "meta/store.h"

/* The one node, where a table asks for a node's id. */
enum { SYSTEM_NODE_ID = 10001 };

typedef enum SystemType { SYSTEM_TEXT, SYSTEM_NUMBER, SYSTEM_DOUBLE, SYSTEM_TIME, SYSTEM_BOOLEAN } SystemType;

typedef struct SystemColumn {
    const char *name;
    uint8_t type; /* SystemType */
} SystemColumn;

typedef struct SystemTable SystemTable;

/* Families of tables, in the order in which they are looked up; ended by a family without tables. */
typedef struct SystemFamily {
    const char *database;
    const SystemTable *tables;
    uint32_t count;
} SystemFamily;

typedef struct SystemSource {
    Arena *arena;
    Diag *diag;
    const CatalogSnapshot *catalog; /* what the user sees of it */
    const AccessRights *rights;
    MetaStore *store;
    LoadHistory *history; /* loads that failed */
    const SystemFamily *families; /* for tables that list the system tables themselves */
    int64_t zone_offset_us;       /* of the session: times are shown in it */
    void *context;                /* of producers of upper layers */
} SystemSource;

typedef struct SystemRows SystemRows;
typedef Status (*SystemProduce)(const SystemSource *source, SystemRows *rows);

struct SystemTable {
    const char *name;
    const SystemColumn *columns;
    uint32_t column_count;
    SystemProduce produce; /* NULL: the table has no rows here */
};

#define SYSTEM_COLUMNS(columns) (columns), COUNT_OF(columns)

/* ---- for producers ---- */

void system_put_text(SystemRows *rows, StrView text); /* data NULL: NULL */
void system_put_word(SystemRows *rows, const char *text);
void system_put_number(SystemRows *rows, int64_t value);
void system_put_double(SystemRows *rows, double value);
void system_put_boolean(SystemRows *rows, bool value);
void system_put_time(SystemRows *rows, int64_t wall_us); /* 0: NULL */
void system_put_null(SystemRows *rows);
void system_put_nulls(SystemRows *rows, uint32_t count);
/* TRY() it: fails when whoever reads the rows wants no more. */
Status system_end_row(SystemRows *rows);
StrView system_keep(const SystemRows *rows, const ByteBuf *text);
StrView system_type_text(Arena *arena, Type type); /* as SHOW prints it */
/* MySQL's LIKE without case, as SHOW uses it. */
bool system_matches(StrView text, StrView pattern);

/* May the user know of the table, say of loads into it? Of dropped ones only who sees everything may. */
bool system_sees_table(const SystemSource *source, StrView database, StrView table);

/* ---- for whoever reads ---- */

/* Only rows whose column matches the pattern. */
typedef struct SystemLike {
    StrView pattern;
    uint32_t column;
    bool is_set;
} SystemLike;

/* All of it must live as long as the table is read. */
const ConnectorTable *system_connector_table(const SystemSource *source, const char *database, const SystemTable *table, SystemLike like);
const SystemTable *system_find(const SystemFamily *families, StrView database, StrView name);
bool system_is_database(StrView name);
Type system_column_type(const SystemColumn *column);

/* Families of this layer. */
extern const SystemFamily system_catalog_family, system_storage_family, system_jobs_family, system_nodes_family, system_sys_family,
    system_statistics_family;
