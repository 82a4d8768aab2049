#pragma once
/* The rejected rows of a load, with the reason and the line of each.
 *
 * Blocks are read by several threads, so a row is noted by its block and its row in it; lines are told
 * once all blocks are read. Bounded in rows and bytes. All functions but the last two are thread-safe. */

#include "base/bytes.h"
#include "base/memory.h"
#include "base/thread.h"

enum { LOAD_ERROR_ROWS = 50, LOAD_ERROR_ROWS_MOST = 10000, LOAD_ERROR_LOG_BYTES = 1 << 20 };

typedef struct LoadReject LoadReject;

typedef struct LoadErrors {
    _Atomic uint32_t noted;
    uint32_t limit;
    Mutex lock; /* guards the rest */
    LoadReject *rejects;
    uint32_t count, room;
    ByteBuf text;
    uint64_t *block_rows; /* by block */
    uint64_t blocks;
} LoadErrors;

void load_errors_init(LoadErrors *errors, uint32_t limit);
void load_errors_deinit(LoadErrors *errors);
/* False: enough rows are noted. True takes a place, which load_errors_add() fills. */
bool load_errors_take(LoadErrors *errors);
void load_errors_add(LoadErrors *errors, uint64_t block, uint32_t row, StrView reason, StrView text);
/* How many rows a block had, blank ones included. */
void load_errors_block(LoadErrors *errors, uint64_t block, uint64_t rows);
/* header_rows: what was skipped before the first block. Nothing is appended when no row was rejected. */
void load_errors_print(LoadErrors *errors, uint64_t header_rows, ByteBuf *out);
