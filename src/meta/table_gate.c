#include "meta/table_gate.h"

#include "base/environment.h"
#include "base/memory.h"

static const int64_t MOST_WAIT_US = 30 * 1000000;

TableGates *table_gates_open(void)
{
    TableGates *gates = mem_alloc_zero(sizeof(*gates));
    mutex_init(&gates->lock);
    condition_init(&gates->opened);
    return gates;
}

void table_gates_free(TableGates *gates)
{
    if (gates == NULL)
        return;
    condition_deinit(&gates->opened);
    mutex_deinit(&gates->lock);
    mem_free(gates->closed);
    mem_free(gates);
}

static uint32_t find(const TableGates *gates, uint64_t table_id)
{
    uint32_t at = 0;
    while (at < gates->count && gates->closed[at] != table_id)
        at++;
    return at;
}

void table_gate_close(TableGates *gates, uint64_t table_id)
{
    LOCK_GUARD(&gates->lock);
    if (gates->count == gates->room) {
        gates->room = gates->room * 2 + 8;
        gates->closed = mem_realloc(gates->closed, gates->room * sizeof(*gates->closed));
    }
    gates->closed[gates->count++] = table_id;
}

void table_gate_open(TableGates *gates, uint64_t table_id)
{
    LOCK_GUARD(&gates->lock);
    uint32_t at = find(gates, table_id);
    if (at < gates->count)
        gates->closed[at] = gates->closed[--gates->count];
    condition_broadcast(&gates->opened);
}

void table_gate_pass(TableGates *gates, uint64_t table_id)
{
    if (gates == NULL)
        return;
    int64_t until_us = env_monotonic_us(environment_real()) + MOST_WAIT_US;
    LOCK_GUARD(&gates->lock);
    while (find(gates, table_id) < gates->count) {
        int64_t left_us = until_us - env_monotonic_us(environment_real());
        if (left_us <= 0)
            return;
        (void)condition_wait_us(&gates->opened, &gates->lock, left_us);
    }
}
