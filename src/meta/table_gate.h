#pragma once
/* Gates of tables: while one is closed, commits of rows into the table wait for up to half a minute. An ALTER that
 * writes a table's rows again closes it for its last round, which has little left to do. Thread-safe. */

#include "base/thread.h"

typedef struct TableGates {
    Mutex lock; /* guards the rest */
    Condition opened;
    uint64_t *closed; /* ids of tables */
    uint32_t count, room;
} TableGates;

TableGates *table_gates_open(void);
void table_gates_free(TableGates *gates); /* NULL is nothing */
void table_gate_close(TableGates *gates, uint64_t table_id);
void table_gate_open(TableGates *gates, uint64_t table_id);
/* Waits until the gate is open, or the time is over. gates NULL: there are none. */
void table_gate_pass(TableGates *gates, uint64_t table_id);
