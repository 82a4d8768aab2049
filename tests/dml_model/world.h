#pragma once
/* A world: some tables of one database, the reference of each, and one thread that works on them. Worlds share a server and
 * nothing else, so that each knows exactly what its tables hold.
 *
 * An operation is sent together with what it makes of the reference. When its answer never comes, the tables hold what they
 * held before or all of what it makes: the next life of the server tells. */

#include <stdio.h>

#include "base/thread.h"
#include "dml_model/reference.h"
#include "sql_runner/client.h"

enum { WORLD_TABLES = 4, HISTORY_LINES = 12, ROWS_MANY = 2500 };

typedef struct World {
    int number;
    Random random;
    Thread thread;
    int query_port, http_port;
    int64_t end_us; /* of this life; monotonic */
    Client *client;
    RefTable *tables[WORLD_TABLES];
    RefTable *after[WORLD_TABLES]; /* what the operation under way makes of them; NULL: nothing */
    bool is_cut;                   /* no answer: before or after is true */
    uint64_t operations, comparisons, failures;
    uint32_t next_table, next_label;
    uint32_t conflicts;            /* commits refused because compaction took rows away that were deleted */
    FILE *log;                     /* of all statements; NULL: none */
    char *history[HISTORY_LINES];
    uint32_t history_count;
} World;

/* ---- for operations ---- */

uint32_t pick(World *world, uint32_t count);               /* 0 .. count - 1 */
bool chance(World *world, uint32_t percent);
RefTable *world_touch(World *world, uint32_t slot);        /* the copy that the operation changes */
bool world_run(World *world, const char *sql);             /* false: no answer, or a failure that was noted */
bool world_commit(World *world);                           /* the same for COMMIT */
bool world_load(World *world, const RefTable *table, const Lines *headers, const ByteBuf *body, Arena *arena);
void world_settle(World *world, bool is_done);             /* the operation is over: its tables count, or not */
void world_fail(World *world, const char *what, const char *detail);
bool world_compare(World *world, const RefTable *table, const Where *where, bool is_quiet);

RefTable *random_table(World *world, ByteBuf *sql);        /* with the statement that makes it */
Row random_row(World *world, const RefTable *table);
Cell random_cell(World *world, const RefTable *table, uint32_t column);
RefColumn random_column(World *world, RefTable *table, bool is_key);
void column_print(ByteBuf *sql, const RefColumn *column);
/* Of the columns that may be in a condition that deletes or, with any_column, of all. */
Where random_where(World *world, const RefTable *table, bool any_column);

void operation_rows(World *world);  /* INSERT, loads, DELETE, UPDATE, transactions */
void operation_merge(World *world); /* UPDATE FROM, MERGE, partitions as a whole */
void operation_table(World *world); /* ALTER, TRUNCATE, DROP, COMPACT */
void operation_read(World *world);

/* ---- for the lives of the server ---- */

void world_open(World *world, int number, uint64_t seed, const char *log_folder); /* NULL: no log */
void world_close(World *world);
void world_main(void *world); /* a ThreadMain: works until end_us, or until the server is gone */
void world_verify(World *world); /* after a start: everything is compared, and what was under way is found out */
