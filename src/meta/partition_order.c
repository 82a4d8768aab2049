#include "meta/partition_order.h"

/* Ranges: places sorted by lower bound. Lists: (hash of a row of values, place), sorted. Two that make the same order at once keep
 * the first. */

#include <stdlib.h>

#include "base/hash.h"

enum { LEAST_PARTITIONS = 64 };

typedef struct OrderEntry {
    uint64_t hash; /* of lists */
    uint32_t place;
} OrderEntry;

struct PartitionOrder {
    _Atomic uint32_t references;
    bool has_ranges;
    bool has_unlisted; /* a partition without values, which takes any */
    uint32_t count, room;
    OrderEntry *entries;
};

PartitionOrder *partition_order_ref(PartitionOrder *order)
{
    if (order != NULL)
        atomic_fetch_add_explicit(&order->references, 1, memory_order_relaxed);
    return order;
}

void partition_order_unref(PartitionOrder *order)
{
    if (order == NULL || atomic_fetch_sub_explicit(&order->references, 1, memory_order_acq_rel) != 1)
        return;
    mem_free(order->entries);
    mem_free(order);
}

/* ---- partitions ---- */

int partition_values_compare(const TableSchema *schema, const Datum *a, const Datum *b)
{
    int order = 0;
    for (uint32_t i = 0; i < schema->partition_column_count && order == 0; i++)
        order = datum_compare(schema->partition_types[i], &a[i], &b[i]);
    return order;
}

static bool lists_value(const TableSchema *schema, const CatalogPartition *p, const Datum *values)
{
    for (uint32_t v = 0; v < p->value_rows; v++) {
        if (partition_values_compare(schema, values, &p->values[v * schema->partition_column_count]) == 0)
            return true;
    }
    return false;
}

bool partition_takes(const TableSchema *schema, const CatalogPartition *p, const Datum *values)
{
    if (!table_has_ranges(schema))
        return lists_value(schema, p, values);
    return (!p->has_low || partition_values_compare(schema, values, p->low) >= 0) &&
           (!p->has_high || partition_values_compare(schema, values, p->high) < 0);
}

bool partitions_overlap(const TableSchema *schema, const CatalogPartition *a, const CatalogPartition *b)
{
    if (table_has_ranges(schema))
        return (!a->has_high || !b->has_low || partition_values_compare(schema, b->low, a->high) < 0) &&
               (!b->has_high || !a->has_low || partition_values_compare(schema, a->low, b->high) < 0);
    for (uint32_t v = 0; v < a->value_rows; v++) {
        if (lists_value(schema, b, &a->values[v * schema->partition_column_count]))
            return true;
    }
    return false;
}

/* ---- making ---- */

/* Values that compare as equal have one hash. */
static uint64_t hash_row(const TableSchema *schema, const Datum *values)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        const Datum *value = &values[i];
        PhysKind phys = (PhysKind)schema->partition_types[i].phys;
        uint64_t own = 0;
        if (!value->is_null && phys == PHYS_STR)
            own = hash_bytes(str_data(&value->str), value->str.length);
        else if (!value->is_null && phys <= PHYS_I64)
            own = hash_u64((uint64_t)value->i64);
        hash = hash_combine(hash, own);
    }
    return hash;
}

static int compare_hashes(const void *a, const void *b)
{
    const OrderEntry *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static int compare_lows(const void *a, const void *b, void *context)
{
    const CatalogTable *table = context;
    const CatalogPartition *x = table->partitions[((const OrderEntry *)a)->place], *y = table->partitions[((const OrderEntry *)b)->place];
    if (!x->has_low || !y->has_low)
        return (int)x->has_low - (int)y->has_low;
    return partition_values_compare(table->schema, x->low, y->low);
}

static void push_entry(PartitionOrder *order, uint64_t hash, uint32_t place)
{
    if (order->count == order->room) {
        order->room = order->room + order->room / 2 + 16;
        order->entries = mem_realloc(order->entries, order->room * sizeof(*order->entries));
    }
    order->entries[order->count++] = (OrderEntry){hash, place};
}

static void push_partition(PartitionOrder *order, const CatalogTable *table, uint32_t place)
{
    const CatalogPartition *partition = table->partitions[place];
    if (order->has_ranges)
        push_entry(order, 0, place);
    order->has_unlisted |= !order->has_ranges && partition->value_rows == 0;
    for (uint32_t v = 0; v < partition->value_rows && !order->has_ranges; v++)
        push_entry(order, hash_row(table->schema, &partition->values[v * table->schema->partition_column_count]), place);
}

static PartitionOrder *new_order(bool has_ranges, uint32_t room)
{
    PartitionOrder *order = mem_alloc_zero(sizeof(*order));
    atomic_init(&order->references, 1);
    order->has_ranges = has_ranges;
    order->room = room;
    order->entries = mem_alloc(room * sizeof(*order->entries));
    return order;
}

static PartitionOrder *make_order(const CatalogTable *table)
{
    PartitionOrder *order = new_order(table_has_ranges(table->schema), table->partition_count);
    bool is_sorted = order->has_ranges; /* as ids ascend with time, most are */
    for (uint32_t p = 0; p < table->partition_count; p++) {
        push_partition(order, table, p);
        is_sorted = is_sorted && (p == 0 || compare_lows(&order->entries[p - 1], &order->entries[p], (void *)(uintptr_t)table) <= 0);
    }
    if (!order->has_ranges)
        qsort(order->entries, order->count, sizeof(*order->entries), compare_hashes);
    else if (!is_sorted)
        qsort_r(order->entries, order->count, sizeof(*order->entries), compare_lows, (void *)(uintptr_t)table);
    return order;
}

const PartitionOrder *partition_order_of(const CatalogTable *table)
{
    if (table->groups.count == 0 || table->partition_count < LEAST_PARTITIONS || table->schema->scheme == PARTITION_NONE)
        return NULL;
    PartitionOrder *order = atomic_load_explicit(&table->order, memory_order_acquire);
    if (order != NULL)
        return order;
    PartitionOrder *fresh = make_order(table);
    CatalogTable *cached = (CatalogTable *)(uintptr_t)table; /* nobody sees a difference but in time */
    if (atomic_compare_exchange_strong(&cached->order, &order, fresh))
        return fresh;
    partition_order_unref(fresh);
    return order;
}

/* ---- looking up ---- */

bool partition_order_lists_all(const PartitionOrder *order)
{
    return !order->has_ranges && !order->has_unlisted;
}

/* How many of the ranges begin at the values or below. */
static uint32_t lows_up_to(const PartitionOrder *order, const CatalogTable *table, const Datum *values)
{
    uint32_t low = 0, high = order->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const CatalogPartition *p = table->partitions[order->entries[middle].place];
        if (!p->has_low || partition_values_compare(table->schema, p->low, values) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t first_hash(const PartitionOrder *order, uint64_t hash)
{
    uint32_t low = 0, high = order->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (order->entries[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t partition_order_find(const PartitionOrder *order, const CatalogTable *table, const Datum *values)
{
    if (order->has_ranges) { /* they don't overlap */
        uint32_t at = lows_up_to(order, table, values);
        uint32_t place = at == 0 ? PARTITION_NOWHERE : order->entries[at - 1].place;
        return place != PARTITION_NOWHERE && partition_takes(table->schema, table->partitions[place], values) ? place : PARTITION_NOWHERE;
    }
    uint64_t hash = hash_row(table->schema, values);
    for (uint32_t at = first_hash(order, hash); at < order->count && order->entries[at].hash == hash; at++) {
        if (lists_value(table->schema, table->partitions[order->entries[at].place], values))
            return order->entries[at].place;
    }
    return PARTITION_NOWHERE;
}

uint32_t partition_order_overlap(const PartitionOrder *order, const CatalogTable *table, const CatalogPartition *partition)
{
    if (!order->has_ranges) {
        uint32_t found = PARTITION_NOWHERE;
        for (uint32_t v = 0; v < partition->value_rows && found == PARTITION_NOWHERE; v++)
            found = partition_order_find(order, table, &partition->values[v * table->schema->partition_column_count]);
        return found;
    }
    /* The last that begins below it, or the first that begins within it. */
    uint32_t at = partition->has_low ? lows_up_to(order, table, partition->low) : 0;
    for (uint32_t i = at == 0 ? 0 : at - 1; i <= at && i < order->count; i++) {
        if (partitions_overlap(table->schema, table->partitions[order->entries[i].place], partition))
            return order->entries[i].place;
    }
    return PARTITION_NOWHERE;
}

/* How many of the ranges have a first column below the value, or at it where that counts. */
static uint32_t firsts_below(const PartitionOrder *order, const CatalogTable *table, const Datum *value, bool counts_equal)
{
    uint32_t low = 0, high = order->count;
    Type type = table->schema->partition_types[0];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const CatalogPartition *p = table->partitions[order->entries[middle].place];
        int way = p->has_low ? datum_compare(type, &p->low[0], value) : -1;
        if (way < 0 || (way == 0 && counts_equal))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void partition_order_span(const PartitionOrder *order, const CatalogTable *table, const Datum *low, const Datum *high, uint32_t *out_first,
                          uint32_t *out_end)
{
    uint32_t first = low == NULL ? 0 : firsts_below(order, table, low, false);
    *out_first = first == 0 ? 0 : first - 1; /* which may reach up to the bound */
    *out_end = high == NULL ? order->count : firsts_below(order, table, high, true);
}

uint32_t partition_order_place(const PartitionOrder *order, uint32_t number)
{
    return order->entries[number].place;
}

PartitionOrder *partition_order_with_last(PartitionOrder *order, const CatalogTable *table)
{
    uint32_t place = table->partition_count - 1;
    const CatalogPartition *last = table->partitions[place];
    PartitionOrder *next = new_order(order->has_ranges, order->count + MAX(last->value_rows, 1u));
    memcpy(next->entries, order->entries, order->count * sizeof(*order->entries));
    next->count = order->count;
    next->has_unlisted = order->has_unlisted;
    partition_order_unref(order);
    push_partition(next, table, place);
    for (uint32_t fresh = next->count - (next->has_ranges ? 1 : last->value_rows); fresh < next->count; fresh++) {
        OrderEntry entry = next->entries[fresh];
        uint32_t sorted = next->count;
        next->count = fresh; /* of those before it */
        uint32_t at = next->has_ranges ? (last->has_low ? lows_up_to(next, table, last->low) : 0) : first_hash(next, entry.hash);
        next->count = sorted;
        memmove(next->entries + at + 1, next->entries + at, (fresh - at) * sizeof(entry));
        next->entries[at] = entry;
    }
    return next;
}
