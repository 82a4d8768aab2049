#include "meta/store.h"

/* The store's labels: finding, listing, and forgetting them once label_keep_max_second is over. */

#include <stdlib.h>

#include "base/log.h"
#include "meta/store_int.h"
#include "types/number_text.h"

enum { KEEP_SECONDS = 259200, LOOK_US = 2 * 1000 * 1000 };

bool meta_label_find(MetaStore *store, uint64_t database_id, StrView label, Arena *arena, LabelRecord *out_record)
{
    LabelEntry entry;
    bool is_settled;
    if (!label_set_find(store->labels, database_id, label, arena, &entry, &is_settled))
        return false;
    *out_record = (LabelRecord){entry.txn_id, entry.time_us, entry.answer, is_settled && atomic_load(&store->is_confirmed)};
    return true;
}

static int by_newest(const void *a, const void *b)
{
    const LabelEntry *left = a, *right = b;
    return (left->txn_id < right->txn_id) - (left->txn_id > right->txn_id);
}

uint32_t meta_label_list(MetaStore *store, Arena *arena, LabelEntry **out_labels)
{
    uint32_t count = label_set_list(store->labels, UINT64_MAX, arena, out_labels);
    if (count > 1)
        qsort(*out_labels, count, sizeof(**out_labels), by_newest);
    return count;
}

static Status build_forget(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const int64_t *before_us = context;
    (void)catalog;
    (void)diag;
    change_forget_labels(change, *before_us);
    return OK;
}

Status meta_forget_labels(MetaStore *store, int64_t before_us, Diag *diag)
{
    return label_set_has_before(store->labels, before_us) ? meta_commit(store, build_forget, &before_us, diag) : OK;
}

static int64_t keep_us(MetaStore *store)
{
    CatalogSnapshot *catalog = meta_snapshot(store);
    StrView setting = catalog_setting(catalog, "config.label_keep_max_second");
    int64_t seconds;
    if (setting.data == NULL || !int64_parse(setting, &seconds) || seconds < 0)
        seconds = KEEP_SECONDS;
    catalog_unref(catalog);
    return MIN(seconds, (int64_t)INT32_MAX) * 1000000;
}

int64_t meta_labels_job(void *context, const _Atomic bool *stopping)
{
    MetaStore *store = context;
    Diag diag = {0};
    (void)stopping;
    if (meta_is_leading(store) && meta_forget_labels(store, env_wall_us(meta_environment(store)) - keep_us(store), &diag) != OK)
        LOG_WARN("meta", "old labels could not be forgotten: %s", diag.message);
    return LOOK_US;
}
