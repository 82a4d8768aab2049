#include "job/table_changes.h"

bool table_rows_changed(const CatalogTable *before, const CatalogTable *after)
{
    if (before->partition_count != after->partition_count)
        return true;
    for (uint32_t i = 0; i < after->partition_count; i++) {
        const CatalogPartition *old = before->partitions[i], *new = after->partitions[i];
        if (old != new && (old->id != new->id || old->data_version != new->data_version))
            return true;
    }
    return false;
}

/* Tables are sorted by name: a renamed one is dropped and made. */
static void compare_tables(const CatalogDatabase *before, const CatalogDatabase *after, TableChangeVisit visit, void *context)
{
    uint32_t b = 0, a = 0, b_count = before == NULL ? 0 : catalog_table_count(before), a_count = after == NULL ? 0 : catalog_table_count(after);
    while (b < b_count || a < a_count) {
        if (before != NULL && after != NULL && table_list_skip_shared(&before->tables, &b, &after->tables, &a))
            continue;
        const CatalogTable *old = b < b_count ? catalog_table_at(before, b) : NULL, *new = a < a_count ? catalog_table_at(after, a) : NULL;
        int order = old == NULL ? 1 : new == NULL ? -1 : strview_compare(old->name, new->name);
        b += order <= 0;
        a += order >= 0;
        if (order != 0 || (old != new && old->id != new->id)) {
            if (order <= 0)
                visit(context, old, NULL);
            if (order >= 0)
                visit(context, NULL, new);
        } else if (old != new && (old->schema != new->schema || table_rows_changed(old, new))) {
            visit(context, old, new);
        }
    }
}

void catalog_each_changed_table(const CatalogSnapshot *before, const CatalogSnapshot *after, TableChangeVisit visit, void *context)
{
    for (uint32_t i = 0; before != NULL && i < before->database_count; i++) {
        if (catalog_database_by_id(after, before->databases[i]->id) == NULL)
            compare_tables(before->databases[i], NULL, visit, context);
    }
    for (uint32_t i = 0; i < after->database_count; i++) {
        const CatalogDatabase *old = before == NULL ? NULL : catalog_database_by_id(before, after->databases[i]->id);
        if (old != after->databases[i])
            compare_tables(old, after->databases[i], visit, context);
    }
}
