#include "meta/quota.h"

#include <jansson.h>
#include <stdio.h>

#define MODULE "quota"

static StrView key_of(uint64_t database_id, char out[24])
{
    snprintf(out, 24, "%llu", (unsigned long long)database_id);
    return strview(out);
}

static uint64_t number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (uint64_t)json_integer_value(value) : UINT64_MAX;
}

Quota quota_of(const CatalogSnapshot *catalog, uint64_t database_id)
{
    char key[24];
    StrView text = catalog_record(catalog, MODULE, key_of(database_id, key));
    json_t *object = text.data == NULL ? NULL : json_loadb(text.data, text.length, 0, NULL);
    Quota quota = {number_of(object, "data"), number_of(object, "replica")};
    json_decref(object);
    return quota;
}

void quota_put(Change *change, uint64_t database_id, const Quota *quota)
{
    char key[24];
    AUTO_BYTEBUF text = {0};
    bytebuf_append_char(&text, '{');
    if (quota->data_bytes != UINT64_MAX)
        bytebuf_printf(&text, "\"data\":%llu", (unsigned long long)quota->data_bytes);
    if (quota->replicas != UINT64_MAX)
        bytebuf_printf(&text, "%s\"replica\":%llu", text.length > 1 ? "," : "", (unsigned long long)quota->replicas);
    bytebuf_append_char(&text, '}');
    change_put_record(change, MODULE, key_of(database_id, key), bytebuf_view(&text));
}

Status quota_check_data(const CatalogSnapshot *catalog, uint64_t database_id, Diag *diag)
{
    uint64_t held = 0;
    Quota quota = quota_of(catalog, database_id);
    const CatalogDatabase *database = quota.data_bytes == UINT64_MAX ? NULL : catalog_database_by_id(catalog, database_id);
    for (uint32_t t = 0; database != NULL && t < catalog_table_count(database); t++)
        held += table_byte_count(catalog_table_at(database, t));
    if (held < quota.data_bytes)
        return OK;
    return RAISE(diag, LIMIT_EXCEEDED, "Database[%.*s] data size exceeds quota[%llu bytes]", SV_ARGS(database->name),
                 (unsigned long long)quota.data_bytes);
}

Status quota_check_replicas(const CatalogSnapshot *catalog, uint64_t database_id, uint64_t more, Diag *diag)
{
    uint64_t held = more;
    Quota quota = quota_of(catalog, database_id);
    const CatalogDatabase *database = quota.replicas == UINT64_MAX ? NULL : catalog_database_by_id(catalog, database_id);
    for (uint32_t t = 0; database != NULL && t < catalog_table_count(database); t++)
        held += table_sums(catalog_table_at(database, t)).tablets;
    if (held <= quota.replicas)
        return OK;
    return RAISE(diag, LIMIT_EXCEEDED, "Database[%.*s] replica number exceeds quota[%llu]", SV_ARGS(database->name), (unsigned long long)quota.replicas);
}
