#pragma once
/* The catalog: databases, tables, partitions, tablets, as immutable nodes with reference counts.
 *
 * A CatalogSnapshot is one consistent state; taking one is a reference, and readers never block
 * writers. Changes make new nodes along the path and share the rest. Every node belongs to an arena
 * of its own that goes with its last reference. */

#include "base/thread.h"
#include "types/datum.h"
#include "meta/id_map.h"
#include "meta/partition_groups.h"
#include "meta/prepared.h"
#include "meta/records.h"
#include "meta/table_list.h"
#include "types/segment_ref.h"

typedef enum TableKind { TABLE_BASE, TABLE_VIEW, TABLE_MATERIALIZED_VIEW } TableKind;
typedef enum KeysKind { KEYS_DUPLICATE, KEYS_AGGREGATE, KEYS_UNIQUE, KEYS_PRIMARY } KeysKind;
typedef enum PartitionScheme {
    PARTITION_NONE,
    PARTITION_RANGE,
    PARTITION_LIST,
    PARTITION_EXPRESSION, /* created on load from the value of an expression or of columns */
} PartitionScheme;
typedef enum DefaultKind { DEFAULT_NONE, DEFAULT_LITERAL, DEFAULT_NOW, DEFAULT_EXPRESSION, DEFAULT_NULL } DefaultKind;

typedef struct TableColumn {
    uint32_t unique_id; /* within the table; survives renames */
    StrView name;
    Type type;
    bool is_nullable;
    bool is_key;
    bool is_auto_increment;
    uint8_t default_kind;
    StrView default_text;
    StrView aggregate;
    StrView generated;
    StrView comment;
} TableColumn;

typedef struct Property {
    StrView key;
    StrView value;
} Property;

typedef struct TableIndex {
    StrView name;
    StrView kind;       /* BITMAP, NGRAMBF */
    uint32_t unique_id; /* of its column */
    StrView comment;
    Property *properties;
    uint32_t property_count;
} TableIndex;

typedef struct TabletVersion {
    uint64_t id;
    uint32_t bucket;
    const SegmentRef *segments;
    uint32_t segment_count;
    uint32_t segment_room; /* that segments has, for who builds the partition; may be less than the count: none */
} TabletVersion;

/* A range [low, high) or a set of value rows, of the partition columns or expressions. */
struct CatalogPartition {
    _Atomic uint32_t references;
    Arena arena;
    uint64_t id;
    StrView name;
    bool has_low, has_high;
    Datum *low, *high; /* one a partition column */
    Datum *values;     /* LIST, EXPRESSION: value_rows * columns */
    uint32_t value_rows;
    uint64_t visible_version; /* any publish */
    uint64_t data_version;    /* entry id of the commit that last changed rows */
    int64_t visible_time_us;
    TabletVersion *tablets;
    uint32_t tablet_count;
    uint64_t inline_bytes; /* of its segments that lie in the catalog; see partition_count_inline() */
};

/* What DDL defines; shared by all versions of a table until the next DDL. */
typedef struct TableSchema {
    _Atomic uint32_t references;
    Arena arena;
    uint8_t kind;      /* TableKind */
    uint8_t keys_kind; /* KeysKind */
    TableColumn *columns;
    uint32_t column_count;
    uint32_t next_unique_id;
    uint32_t key_count; /* leading columns */
    uint32_t *sort_columns;
    uint32_t sort_count;
    uint8_t scheme; /* PartitionScheme */
    Type *partition_types;
    StrView *partition_exprs; /* SQL text, one each */
    uint32_t partition_column_count;
    bool is_random;
    uint32_t *bucket_columns;
    uint32_t bucket_column_count;
    uint32_t buckets;
    StrView comment;
    Property *properties;
    uint32_t property_count;
    TableIndex *indexes;
    uint32_t index_count;
    StrView view_sql;
    StrView view_database; /* database that was current at CREATE VIEW */
} TableSchema;

struct CatalogTable {
    _Atomic uint32_t references;
    Arena arena;
    uint64_t id;
    uint64_t database_id;
    StrView name;
    int64_t created_us;
    int64_t updated_us;
    TableSchema *schema;
    CatalogPartition **partitions; /* sorted by id */
    uint32_t partition_count;
    uint32_t partition_room;
    PartitionGroups groups;               /* hold the partitions; none in a table that was made for a plan alone */
    struct PartitionOrder *_Atomic order; /* NULL: not made yet; see partition_order.h */
};

typedef struct CatalogDatabase {
    _Atomic uint32_t references;
    Arena arena;
    uint64_t id;
    StrView name;
    StrView comment;
    TableList tables; /* sorted by name */
} CatalogDatabase;

typedef struct CatalogSnapshot {
    _Atomic uint32_t references;
    Arena arena;
    uint64_t entry_id; /* the state after this journal entry */
    CatalogDatabase **databases; /* sorted by name */
    uint32_t database_count;
    Property *settings; /* SET GLOBAL and ADMIN SET FRONTEND CONFIG: "variable.x", "config.x"; sorted */
    uint32_t setting_count;
    PreparedTransaction **prepared;
    uint32_t prepared_count;
    RecordSet *records; /* records.h */
    IdMap *homes;       /* where each table is, by its id */
    uint64_t next_id;
} CatalogSnapshot;

enum { CATALOG_NODE_BYTES = 256 }; /* first block of a node's arena: there may be very many */
CatalogSnapshot *catalog_new_empty(void);
CatalogSnapshot *catalog_ref(CatalogSnapshot *snapshot);
void catalog_unref(CatalogSnapshot *snapshot);
/* Of nodes: for who makes catalogs. */
void catalog_database_unref(CatalogDatabase *database);
void catalog_table_unref(CatalogTable *table);
/* Takes the reference over; in the place of one with the same id, else in the order of ids. Of a table that nobody else sees. */
void catalog_put_partition(CatalogTable *table, CatalogPartition *partition);
void catalog_remove_partition(CatalogTable *table, uint32_t at);
/* When bounds mean something else now. */
void catalog_forget_order(CatalogTable *table);
/* Of a table without partitions: the partitions of another, and as many places more. */
void catalog_share_partitions(CatalogTable *target, const CatalogTable *source, uint32_t extra);
void catalog_partition_unref(CatalogPartition *partition);
/* Of who builds a partition: it has these segments now (sign 1), or not any more (-1). */
void partition_count_inline(CatalogPartition *partition, const SegmentRef *segments, uint64_t count, int sign);
/* Memory that segments take which lie in the catalog: all versions of all partitions of this process. */
uint64_t catalog_inline_bytes(void);

/* Databases whose names begin with a control character are not the users': what was dropped and may come back
 * (\x01), temporary things (\x02). Lists leave them out, and names don't find them. */
static inline bool catalog_is_hidden(const CatalogDatabase *database)
{
    return database->name.length > 0 && (unsigned char)database->name.data[0] < ' ';
}
static inline bool catalog_is_dropped(const CatalogDatabase *database)
{
    return database->name.length > 0 && database->name.data[0] == '\x01';
}
/* Position of the first database that is the users': hidden names come first. */
static inline uint32_t catalog_visible_from(const CatalogSnapshot *snapshot)
{
    uint32_t first = 0;
    while (first < snapshot->database_count && catalog_is_hidden(snapshot->databases[first]))
        first++;
    return first;
}
/* Where temporary partitions are: tables of this database, named by the ids of the tables that they are for. */
#define CATALOG_TEMPORARY_PARTITIONS "\x02partitions"
#define CATALOG_TEMPORARY_TABLES "\x02tables"
/* A session's temporary table; owner: see ddl/temporary_table.h. NULL: there is none. */
const CatalogTable *catalog_temporary_table(const CatalogSnapshot *snapshot, StrView owner, uint64_t database_id, StrView name);
/* How its owner calls it: without what stands before the name of a temporary table. */
StrView catalog_shown_name(const CatalogTable *table);
static inline bool catalog_table_is_temporary(const CatalogTable *table)
{
    return table->name.length > 0 && table->name.data[0] == '\x02';
}
const CatalogTable *catalog_temporary_partitions(const CatalogSnapshot *snapshot, const CatalogTable *table); /* NULL: none */
const CatalogDatabase *catalog_hidden_database(const CatalogSnapshot *snapshot, StrView name);
const CatalogDatabase *catalog_database(const CatalogSnapshot *snapshot, StrView name);
const CatalogDatabase *catalog_database_by_id(const CatalogSnapshot *snapshot, uint64_t id);
const CatalogTable *catalog_table(const CatalogDatabase *database, StrView name);
static inline const CatalogTable *catalog_table_at(const CatalogDatabase *database, uint32_t at)
{
    return table_list_at(&database->tables, at);
}
static inline uint32_t catalog_table_count(const CatalogDatabase *database)
{
    return database->tables.count;
}
const CatalogTable *catalog_table_by_id(const CatalogSnapshot *snapshot, uint64_t id); /* that is not dropped */
const CatalogPartition *catalog_partition(const CatalogTable *table, StrView name); /* case-insensitive */
/* Where the partition of that id is, or would be. */
uint32_t catalog_partition_place(const CatalogTable *table, uint64_t id);
const CatalogPartition *catalog_partition_by_id(const CatalogTable *table, uint64_t id);
/* Position of a column, or -1. Case-insensitive. */
int table_column_index(const TableSchema *schema, StrView name);
/* Are the partitions ranges of one or more columns, or lists of values? */
bool table_has_ranges(const TableSchema *schema);
/* Column that partition column i is, or is computed from; -1: none. out_is_plain: it is the column itself. */
int table_partition_column(const TableSchema *schema, uint32_t i, bool *out_is_plain);
/* Is the column, or does the expression of, one of the partition columns read it? */
bool table_partitions_use(const TableSchema *schema, uint32_t column);
/* What the column has in rows that are older than it; strings in arena. */
Datum table_column_missing(const TableColumn *column, Arena *arena);
const char *table_property(const TableSchema *schema, const char *key); /* NULL-terminated or NULL */
/* Of a materialized view that is read through its query. */
#define PROPERTY_ROLLUP "rollup"
static inline bool table_is_rollup(const TableSchema *schema)
{
    return schema->kind == TABLE_MATERIALIZED_VIEW && table_property(schema, PROPERTY_ROLLUP) != NULL;
}
/* Does a reader of the view need rights on what the view reads, too? */
bool view_is_invoker(const TableSchema *schema);
StrView catalog_setting(const CatalogSnapshot *snapshot, const char *key); /* data NULL: unset */
uint64_t partition_row_count(const CatalogPartition *partition);
uint64_t partition_byte_count(const CatalogPartition *partition);
/* Sums that are kept with the table: the number of its partitions does not matter. */
uint64_t table_row_count(const CatalogTable *table);
PartitionSums table_sums(const CatalogTable *table);
uint64_t table_byte_count(const CatalogTable *table);
/* Calls visit for every segment that the snapshot refers to, of any kind of thing that can hold segments, and for every object that
 * is a delete vector (segment_is_deletes()): what it leaves out, vacuum deletes. */
void catalog_each_segment(const CatalogSnapshot *snapshot, void (*visit)(void *context, const SegmentRef *segment),
                          void *context);
