#include "meta/records.h"

/* Three levels of counted nodes: a set of modules, a module of records, a record. Arrays are sorted by name and key;
 * a put copies the arrays on its path unless they are private, and shares everything beside it. */

#include <stdio.h>

#include "base/memory.h"
#include "meta/catalog.h"
#include "meta/change.h"
#include "meta/store.h"

typedef struct Record {
    _Atomic uint32_t references;
    StrView key, value; /* in the bytes behind */
    char bytes[];
} Record;

typedef struct RecordModule {
    _Atomic uint32_t references;
    Record *name; /* key: the name */
    Record **items;
    uint32_t count, room;
} RecordModule;

struct RecordSet {
    _Atomic uint32_t references;
    RecordModule **modules;
    uint32_t count, room;
};

static bool is_last(_Atomic uint32_t *references)
{
    return atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}

static Record *record_new(StrView key, StrView value)
{
    Record *record = mem_alloc(sizeof(*record) + key.length + value.length + 2);
    atomic_init(&record->references, 1);
    char *at = record->bytes;
    record->key = strview_n(at, key.length);
    record->value = strview_n(at + key.length + 1, value.length);
    memset(at, 0, key.length + value.length + 2);
    if (key.length > 0)
        memcpy(at, key.data, key.length);
    if (value.length > 0)
        memcpy(at + key.length + 1, value.data, value.length);
    return record;
}

static void record_unref(Record *record)
{
    if (is_last(&record->references))
        mem_free(record);
}

static void module_unref(RecordModule *module)
{
    if (!is_last(&module->references))
        return;
    for (uint32_t i = 0; i < module->count; i++)
        record_unref(module->items[i]);
    record_unref(module->name);
    mem_free(module->items);
    mem_free(module);
}

RecordSet *record_set_ref(RecordSet *set)
{
    if (set != NULL)
        atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void record_set_unref(RecordSet *set)
{
    if (set == NULL || !is_last(&set->references))
        return;
    for (uint32_t i = 0; i < set->count; i++)
        module_unref(set->modules[i]);
    mem_free(set->modules);
    mem_free(set);
}

/* Position of the key, or where it would go. */
static uint32_t find_record(const RecordModule *module, StrView key, bool *out_is_there)
{
    uint32_t low = 0, high = module->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strview_compare(module->items[middle]->key, key);
        if (order == 0) {
            *out_is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *out_is_there = false;
    return low;
}

static uint32_t find_module(const RecordSet *set, StrView name, bool *out_is_there)
{
    uint32_t low = 0, high = set->count;
    *out_is_there = false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strview_compare(set->modules[middle]->name->key, name);
        *out_is_there = order == 0;
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const RecordModule *module_of(const CatalogSnapshot *snapshot, StrView name)
{
    bool is_there = false;
    if (snapshot->records == NULL)
        return NULL;
    uint32_t at = find_module(snapshot->records, name, &is_there);
    return is_there ? snapshot->records->modules[at] : NULL;
}

StrView catalog_record(const CatalogSnapshot *snapshot, const char *module, StrView key)
{
    bool is_there = false;
    const RecordModule *found = module_of(snapshot, strview(module));
    uint32_t at = found == NULL ? 0 : find_record(found, key, &is_there);
    return is_there ? found->items[at]->value : (StrView){0};
}

void catalog_each_record(const CatalogSnapshot *snapshot, const char *module, RecordVisit visit, void *context)
{
    const RecordModule *found = module_of(snapshot, strview(module));
    for (uint32_t i = 0; found != NULL && i < found->count; i++)
        visit(context, found->items[i]->key, found->items[i]->value);
}

uint32_t catalog_record_count(const CatalogSnapshot *snapshot, const char *module)
{
    const RecordModule *found = module_of(snapshot, strview(module));
    return found == NULL ? 0 : found->count;
}

StrView catalog_record_module(const CatalogSnapshot *snapshot, uint32_t at)
{
    const RecordSet *set = snapshot->records;
    return set == NULL || at >= set->count ? (StrView){0} : set->modules[at]->name->key;
}

/* ---- the format level ---- */

static const char cluster_module[] = "cluster";
static const char level_key[] = "format_level";

uint32_t meta_format_level(const CatalogSnapshot *catalog)
{
    StrView text = catalog_record(catalog, cluster_module, strview(level_key));
    uint32_t level = 0;
    for (size_t i = 0; i < text.length && text.data[i] >= '0' && text.data[i] <= '9' && level < 100000; i++)
        level = level * 10 + (uint32_t)(text.data[i] - '0');
    return MAX(level, 1u);
}

void change_put_format_level(Change *change, uint32_t level)
{
    char text[16];
    int length = snprintf(text, sizeof(text), "%u", level);
    change_put_record(change, cluster_module, strview(level_key), strview_n(text, (size_t)length));
}

/* ---- the records of a module as a whole ---- */

const void *catalog_records_ref(const CatalogSnapshot *snapshot, const char *module)
{
    RecordModule *found = (RecordModule *)(uintptr_t)module_of(snapshot, strview(module));
    if (found != NULL)
        atomic_fetch_add_explicit(&found->references, 1, memory_order_relaxed);
    return found;
}

bool catalog_records_are(const CatalogSnapshot *snapshot, const char *module, const void *records)
{
    return module_of(snapshot, strview(module)) == records;
}

void catalog_records_unref(const void *records)
{
    if (records != NULL)
        module_unref((RecordModule *)(uintptr_t)records);
}

/* ---- changing ---- */

static RecordSet *own_set(RecordSet **in_out_set)
{
    RecordSet *old = *in_out_set;
    if (old != NULL && atomic_load(&old->references) == 1)
        return old;
    RecordSet *copy = mem_alloc_zero(sizeof(*copy));
    atomic_init(&copy->references, 1);
    copy->count = old == NULL ? 0 : old->count;
    copy->room = copy->count + 4;
    copy->modules = mem_alloc_zero(copy->room * sizeof(RecordModule *));
    for (uint32_t i = 0; i < copy->count; i++) {
        copy->modules[i] = old->modules[i];
        atomic_fetch_add(&copy->modules[i]->references, 1);
    }
    record_set_unref(old);
    *in_out_set = copy;
    return copy;
}

/* Makes module number at of a private set private. */
static RecordModule *own_module(RecordSet *set, uint32_t at)
{
    RecordModule *old = set->modules[at];
    if (atomic_load(&old->references) == 1)
        return old;
    RecordModule *copy = mem_alloc_zero(sizeof(*copy));
    atomic_init(&copy->references, 1);
    copy->name = old->name;
    atomic_fetch_add(&copy->name->references, 1);
    copy->count = old->count;
    copy->room = old->count + 8;
    copy->items = mem_alloc(copy->room * sizeof(Record *));
    for (uint32_t i = 0; i < copy->count; i++) {
        copy->items[i] = old->items[i];
        atomic_fetch_add(&copy->items[i]->references, 1);
    }
    set->modules[at] = copy;
    module_unref(old);
    return copy;
}

/* Room for an element at a place of a sorted array. */
static void *open_place(void *items, uint32_t at, uint32_t count, uint32_t *in_out_room)
{
    if (count == *in_out_room) {
        *in_out_room = *in_out_room * 2 + 4;
        items = mem_realloc(items, *in_out_room * sizeof(void *));
    }
    void **slots = items;
    memmove(slots + at + 1, slots + at, (count - at) * sizeof(void *));
    return items;
}

static void add_module(RecordSet *set, uint32_t at, StrView name)
{
    RecordModule *module = mem_alloc_zero(sizeof(*module));
    atomic_init(&module->references, 1);
    module->name = record_new(name, (StrView){0});
    set->modules = open_place(set->modules, at, set->count, &set->room);
    set->modules[at] = module;
    set->count++;
}

void record_set_put(RecordSet **in_out_set, StrView module_name, StrView key, StrView value)
{
    bool is_there;
    RecordSet *set = own_set(in_out_set);
    uint32_t number = find_module(set, module_name, &is_there);
    if (!is_there)
        add_module(set, number, module_name);
    RecordModule *module = own_module(set, number);
    uint32_t at = find_record(module, key, &is_there);
    if (is_there) {
        record_unref(module->items[at]);
    } else {
        module->items = open_place(module->items, at, module->count, &module->room);
        module->count++;
    }
    module->items[at] = record_new(key, value);
}

void record_set_drop(RecordSet **in_out_set, StrView module_name, StrView key)
{
    bool is_there = false;
    if (*in_out_set == NULL)
        return;
    uint32_t number = find_module(*in_out_set, module_name, &is_there);
    if (is_there)
        find_record((*in_out_set)->modules[number], key, &is_there);
    if (!is_there)
        return;
    RecordSet *set = own_set(in_out_set);
    RecordModule *module = own_module(set, number);
    uint32_t at = find_record(module, key, &is_there);
    record_unref(module->items[at]);
    module->count--;
    memmove(module->items + at, module->items + at + 1, (module->count - at) * sizeof(Record *));
    if (module->count > 0)
        return;
    module_unref(module);
    set->count--;
    memmove(set->modules + number, set->modules + number + 1, (set->count - number) * sizeof(RecordModule *));
}
