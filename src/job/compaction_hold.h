#pragma once
/* Tables whose segments must stay where they are for a while, because a transaction that is open has noted rows of
 * them. A hold ends by itself after ten minutes: then the transaction may find that it conflicts. Thread-safe. */

#include "base/thread.h"

typedef struct CompactionHold {
    uint64_t table_id;
    int64_t until_us; /* monotonic */
} CompactionHold;

typedef struct CompactionHolds {
    Mutex lock; /* guards the rest */
    CompactionHold *items;
    uint32_t count, room;
} CompactionHolds;

void compaction_holds_init(CompactionHolds *holds);
void compaction_holds_deinit(CompactionHolds *holds);
/* Each hold is let go once. */
void compaction_hold(CompactionHolds *holds, uint64_t table_id);
void compaction_let_go(CompactionHolds *holds, uint64_t table_id);
bool compaction_is_held(CompactionHolds *holds, uint64_t table_id);
