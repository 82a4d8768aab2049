#include "job/compaction_hold.h"

#include "base/environment.h"
#include "base/memory.h"

static const int64_t HOLD_US = 600 * 1000000ll;

void compaction_holds_init(CompactionHolds *holds)
{
    *holds = (CompactionHolds){0};
    mutex_init(&holds->lock);
}

void compaction_holds_deinit(CompactionHolds *holds)
{
    mem_free(holds->items);
    mutex_deinit(&holds->lock);
}

void compaction_hold(CompactionHolds *holds, uint64_t table_id)
{
    LOCK_GUARD(&holds->lock);
    if (holds->count == holds->room) {
        holds->room = holds->room * 2 + 8;
        holds->items = mem_realloc(holds->items, holds->room * sizeof(*holds->items));
    }
    holds->items[holds->count++] = (CompactionHold){table_id, env_monotonic_us(environment_real()) + HOLD_US};
}

void compaction_let_go(CompactionHolds *holds, uint64_t table_id)
{
    LOCK_GUARD(&holds->lock);
    for (uint32_t i = 0; i < holds->count; i++) {
        if (holds->items[i].table_id != table_id)
            continue;
        holds->items[i] = holds->items[--holds->count];
        return;
    }
}

bool compaction_is_held(CompactionHolds *holds, uint64_t table_id)
{
    int64_t now = env_monotonic_us(environment_real());
    LOCK_GUARD(&holds->lock);
    for (uint32_t i = 0; i < holds->count; i++) {
        if (holds->items[i].table_id == table_id && holds->items[i].until_us > now)
            return true;
    }
    return false;
}
