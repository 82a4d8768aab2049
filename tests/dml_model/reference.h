#pragma once
/* The reference that a server is compared with: tables as plain arrays of rows, changed by the obvious loops.
 *
 * Every value is a number (or NULL) that a column of each kind shows in its own way, in the order of the numbers, so that one
 * arithmetic serves all kinds. */

#include "base/bytes.h"
#include "base/environment.h"
#include "base/memory.h"

enum { COLUMNS_MAX = 12, NAME_BYTES = 32, TEXT_MAX = 9999, PARTS_MAX = 5 };

typedef enum CellKind { CELL_INT, CELL_BIGINT, CELL_DECIMAL, CELL_DATE, CELL_TEXT, CELL_KINDS } CellKind;
typedef enum TableKeys { TABLE_DUPLICATE, TABLE_AGGREGATE, TABLE_UNIQUE, TABLE_PRIMARY } TableKeys;
typedef enum Merging { MERGE_NONE, MERGE_SUM, MERGE_MIN, MERGE_MAX, MERGE_REPLACE, MERGE_REPLACE_IF_NOT_NULL } Merging;
typedef enum Partitioning { PARTS_NONE, PARTS_RANGE, PARTS_MONTH, PARTS_LIST } Partitioning;

typedef struct Cell {
    int64_t value;
    bool is_null;
} Cell;

typedef struct Row {
    Cell cells[COLUMNS_MAX];
} Row;

typedef struct RefColumn {
    char name[NAME_BYTES];
    CellKind kind;
    Merging merging;
    bool is_nullable;
    bool has_default;
    Cell missing; /* DEFAULT, else NULL */
} RefColumn;

typedef struct RefTable {
    char name[NAME_BYTES];
    TableKeys keys;
    Partitioning parts;
    bool has_merged; /* months have become years: their names are not the reference's */
    int64_t bounds[PARTS_MAX]; /* RANGE: of the first column, ascending; behind the last is MAXVALUE */
    uint32_t bound_count;
    RefColumn columns[COLUMNS_MAX];
    uint32_t column_count;
    uint32_t key_count;
    uint32_t next_name;
    Row *rows;
    uint32_t row_count;
    uint32_t row_room;
} RefTable;

RefTable *ref_copy(const RefTable *table);
void ref_free(RefTable *table);

/* Conditions: all of the terms hold. */
typedef enum TermKind { TERM_LESS, TERM_GREATER, TERM_EQUAL, TERM_IN, TERM_NOT_NULL, TERM_IS_NULL, TERM_MODULO, TERM_KINDS } TermKind;
typedef struct Term {
    uint32_t column;
    TermKind kind;
    int64_t values[3];
} Term;
typedef struct Where {
    Term terms[2];
    uint32_t count;
} Where;

void cell_print(ByteBuf *out, CellKind kind, Cell cell);   /* as SELECT shows it */
void cell_literal(ByteBuf *out, CellKind kind, Cell cell); /* as SQL writes it */
void where_print(ByteBuf *out, const RefTable *table, const Where *where);
bool where_holds(const Where *where, const Row *row);

/* Rows as the table takes them: keyed tables merge those of one key. */
void ref_put(RefTable *table, const Row *row);
Row *ref_find(RefTable *table, const Row *row); /* by its key */
void ref_delete(RefTable *table, const Where *where);
void ref_delete_key(RefTable *table, const Row *row);
void ref_clear(RefTable *table);
/* UPDATE column = column + delta. */
void ref_add(RefTable *table, const Where *where, uint32_t column, int64_t delta);
void ref_set(RefTable *table, const Where *where, uint32_t column, Cell value);
void ref_add_column(RefTable *table, uint32_t at, const RefColumn *column);
void ref_drop_column(RefTable *table, uint32_t at);
/* Which partition a row is in: the number of its range, month or value. */
int64_t ref_part_of(const RefTable *table, const Row *row);
void ref_drop_part(RefTable *table, int64_t part);
