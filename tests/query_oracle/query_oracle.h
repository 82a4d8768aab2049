#pragma once
/* Random tables and queries, and oracles that need no second engine: what must be equal is asked in several ways.
 *
 * The text of a query names a table as `@0@`; each *layout* of the table (how its rows are stored) puts its own name there. */

#include "base/environment.h"
#include "sql_runner/client.h"

typedef enum ValueKind {
    KIND_INT,
    KIND_BIGINT,
    KIND_DOUBLE, /* multiples of 1/4, so that sums do not depend on their order */
    KIND_DECIMAL,
    KIND_TEXT,
    KIND_DATE,
    KIND_DATETIME,
    KIND_BOOLEAN,
    VALUE_KINDS,
} ValueKind;

enum { TABLES = 4, COLUMNS_MAX = 8, LAYOUTS = 4, SCOPE_MAX = 40, NAME_MAX_BYTES = 24, CTES_MAX = 2, CTE_COLUMNS = 3 };

typedef struct TableColumn {
    ValueKind kind;
    uint32_t distinct; /* values that the column draws from */
    uint32_t null_percent;
} TableColumn;

typedef struct TestTable {
    uint32_t rows;
    uint32_t column_count; /* column 0 is `id`, unique and not null; the others are c1, c2, ... */
    TableColumn columns[COLUMNS_MAX];
} TestTable;

/* A column that an expression may name. */
typedef struct ScopeColumn {
    char text[NAME_MAX_BYTES];
    ValueKind kind;
} ScopeColumn;

typedef struct Scope {
    uint32_t count;
    ScopeColumn columns[SCOPE_MAX];
} Scope;

typedef struct Generator {
    Random random;
    TestTable tables[TABLES];
    ValueKind ctes[CTES_MAX][CTE_COLUMNS]; /* columns d0, d1, d2 of cte_0, cte_1 */
    uint32_t cte_count;                    /* that may be named */
    uint32_t next_alias;
    bool allows_subqueries;
} Generator;

uint32_t draw(Generator *g, uint32_t count); /* 0 .. count - 1 */
bool lucky(Generator *g, uint32_t percent);

/* ---- tables.c ---- */

void generate_tables(Generator *g);
/* Statements that make and fill all layouts of all tables; each is passed to run(). False: one failed. */
bool make_tables(Generator *g, bool (*run)(void *context, const char *sql), void *context);
void literal_print(Generator *g, ByteBuf *sql, ValueKind kind, uint32_t distinct);
/* `@0@` becomes t0_<layout>. */
void layout_print(ByteBuf *sql, StrView text, int layout);

/* ---- expression.c ---- */

void expression_print(Generator *g, const Scope *scope, ValueKind kind, int depth, ByteBuf *sql);
void predicate_print(Generator *g, const Scope *scope, int depth, ByteBuf *sql);
ValueKind random_kind(Generator *g);
void scope_join(Scope *scope, const Scope *other);

/* ---- query.c ---- */

/* A FROM clause without its keyword; the scope gets what it makes visible. */
void from_print(Generator *g, Scope *out_scope, ByteBuf *sql);
/* A query of any shape whose result is the same set of rows however it is run. */
void query_print(Generator *g, ByteBuf *sql);

/* ---- check.c ---- */

typedef struct Checker {
    Client *client;
    Generator *generator;
    uint64_t passed, failed, refused; /* refused: the server answered with an error that is no defect */
    bool is_verbose;
} Checker;

void check_settings(Checker *checker);
void check_layouts(Checker *checker);
void check_partitions(Checker *checker); /* TLP: P, NOT P, P IS NULL */
void check_count(Checker *checker);      /* NoREC */
void check_forms(Checker *checker);      /* the same question in other words */
void check_table(Checker *checker);      /* CREATE TABLE AS */
/* A planted difference is found. */
bool check_self(void);
