#include "load/table_draft.h"

static Status apply(const CatalogSnapshot *base, const Change *change, Diag *diag, CatalogSnapshot **out_next)
{
    /* The base gets a reference of its nodes only. */
    CatalogSnapshot *shared = (CatalogSnapshot *)(uintptr_t)base;
    return change_apply(shared, bytebuf_view(&change->bytes), base->entry_id, 0, NULL, diag, out_next);
}

Status table_draft_open(MetaStore *store, MetaBuild define, void *context, Diag *diag, TableDraft *out_draft, bool *out_is_needed)
{
    AUTO_CHANGE change = {0};
    *out_draft = (TableDraft){.define = define, .context = context};
    CatalogSnapshot *newest = meta_snapshot(store);
    Status status = define(context, newest, &change, diag);
    *out_is_needed = status == OK && change.bytes.length > 0;
    if (*out_is_needed)
        status = apply(newest, &change, diag, &out_draft->catalog);
    catalog_unref(newest);
    return status;
}

void table_draft_close(TableDraft *draft)
{
    catalog_unref(draft->catalog);
    change_deinit(&draft->partitions);
    *draft = (TableDraft){0};
}

Status table_draft_put(const TableDraft *draft, const CatalogSnapshot *catalog, Change *change, Diag *diag, CatalogSnapshot **out_catalog)
{
    TRY(draft->define(draft->context, catalog, change, diag));
    if (change->bytes.length == 0)
        return RAISE(diag, TABLE_EXISTS, "the table was made by another statement meanwhile");
    bytebuf_append_view(&change->bytes, bytebuf_view(&draft->partitions.bytes));
    return apply(catalog, change, diag, out_catalog);
}

Status table_draft_add(TableDraft *draft, MetaBuild build, void *context, Diag *diag)
{
    AUTO_CHANGE change = {0};
    CatalogSnapshot *next;
    TRY(build(context, draft->catalog, &change, diag));
    if (change.bytes.length == 0)
        return OK;
    TRY(apply(draft->catalog, &change, diag, &next));
    bytebuf_append_view(&draft->partitions.bytes, bytebuf_view(&change.bytes));
    catalog_unref(draft->catalog);
    draft->catalog = next;
    return OK;
}
