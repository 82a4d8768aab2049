#include "load/auto_increment.h"

#include <stdio.h>

#include "base/fault.h"
#include "base/thread.h"
#include "types/number_text.h"

enum { BLOCK = 10000 };

typedef struct Counter {
    struct Counter *next;
    uint64_t table_id;
    int64_t value, limit; /* value .. limit - 1 are reserved for us */
} Counter;

struct AutoIncrement {
    MetaStore *store;
    Mutex lock; /* guards counters */
    Counter *counters;
};

typedef struct Reservation {
    uint64_t table_id;
    int64_t at_least, count;
    int64_t first;
} Reservation;

AutoIncrement *auto_increment_open(MetaStore *store)
{
    AutoIncrement *increment = mem_alloc_zero(sizeof(*increment));
    increment->store = store;
    mutex_init(&increment->lock);
    return increment;
}

void auto_increment_close(AutoIncrement *increment)
{
    if (increment == NULL)
        return;
    while (increment->counters != NULL) {
        Counter *counter = increment->counters;
        increment->counters = counter->next;
        mem_free(counter);
    }
    mutex_deinit(&increment->lock);
    mem_free(increment);
}

static Status build_reservation(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Reservation *wanted = context;
    char key[64], value[32];
    (void)diag;
    snprintf(key, sizeof(key), "auto_increment.%llu", (unsigned long long)wanted->table_id);
    StrView text = catalog_setting(catalog, key);
    wanted->first = 1;
    if (text.data != NULL && !int64_parse(text, &wanted->first))
        return RAISE(diag, CORRUPT, "the AUTO_INCREMENT counter of table %llu is damaged", (unsigned long long)wanted->table_id);
    wanted->first = MAX(wanted->first, wanted->at_least);
    if (wanted->first > INT64_MAX - wanted->count)
        return RAISE(diag, OUT_OF_RANGE, "AUTO_INCREMENT values are exhausted");
    snprintf(value, sizeof(value), "%lld", (long long)(wanted->first + wanted->count));
    change_put_setting(change, strview(key), strview(value));
    return OK;
}

/* With the lock held. */
static Status reserve(AutoIncrement *increment, Counter *counter, int64_t at_least, int64_t count, Diag *diag)
{
    Reservation wanted = {.table_id = counter->table_id, .at_least = at_least, .count = MAX(count, (int64_t)BLOCK)};
    FAULT("load.before_increment", diag);
    TRY(meta_commit(increment->store, build_reservation, &wanted, diag));
    /* What is left of the old block is followed by the new one when nobody else took any in between. */
    if (counter->limit != wanted.first || counter->value < at_least)
        counter->value = wanted.first;
    counter->limit = wanted.first + wanted.count;
    return OK;
}

static Counter *find_counter(AutoIncrement *increment, uint64_t table_id)
{
    for (Counter *c = increment->counters; c != NULL; c = c->next) {
        if (c->table_id == table_id)
            return c;
    }
    Counter *fresh = mem_alloc_zero(sizeof(*fresh));
    fresh->table_id = table_id;
    fresh->next = increment->counters;
    increment->counters = fresh;
    return fresh;
}

Status auto_increment_fill(AutoIncrement *increment, uint64_t table_id, Vector *column, uint32_t rows, Diag *diag)
{
    uint32_t count = 0;
    for (uint32_t row = 0; column->nulls != NULL && row < rows; row++)
        count += column->nulls[row] != 0;
    if (count == 0)
        return OK;
    LOCK_GUARD(&increment->lock);
    Counter *counter = find_counter(increment, table_id);
    if (counter->limit - counter->value < count)
        TRY(reserve(increment, counter, 0, count, diag));
    for (uint32_t row = 0; row < rows; row++) {
        if (!column->nulls[row])
            continue;
        ((int64_t *)column->data)[row] = counter->value++;
        column->nulls[row] = 0;
    }
    return OK;
}

Status auto_increment_set(AutoIncrement *increment, uint64_t table_id, int64_t next, Diag *diag)
{
    LOCK_GUARD(&increment->lock);
    Counter *counter = find_counter(increment, table_id);
    if (counter->value >= next)
        return OK;
    if (next < counter->limit) {
        counter->value = next;
        return OK;
    }
    return reserve(increment, counter, next, 1, diag);
}
