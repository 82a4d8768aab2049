#include "server/http_int.h"

/* What the user of a request may: the same privileges as in SQL. */

#include "codec/json_text.h"
#include "session/instance.h"

static void refuse(HttpRequest *request, StrView text)
{
    if (request->route->body == NULL) {
        http_refuse(request, MHD_HTTP_FORBIDDEN, text);
        return;
    }
    request->status = MHD_HTTP_FORBIDDEN; /* loads answer in their own form */
    bytebuf_append_text(&request->reply, "{\"Status\":\"FAILED\",\"Message\":");
    json_quote(text, &request->reply);
    bytebuf_append_text(&request->reply, "}\n");
}

bool http_may(HttpRequest *request, PrivilegeSet any_of, StrView database, StrView table)
{
    Diag diag = {0};
    Instance *instance = request->server->options.instance;
    if (session_authorize_table(instance, bytebuf_view(&request->user), strview(request->host), any_of, database, table, &diag) == OK)
        return true;
    refuse(request, strview(diag.message));
    return false;
}

static bool may_insert(HttpRequest *request, const CatalogSnapshot *catalog, StrView database, const uint64_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const CatalogTable *table = catalog_table_by_id(catalog, ids[i]);
        if (table != NULL && !http_may(request, PRIVILEGE_BIT(INSERT), database, table->name))
            return false;
    }
    return true;
}

/* INSERT on every table that the load, or the transaction, is about. */
bool http_may_end(HttpRequest *request, StrView database_name, StrView label)
{
    AUTO_ARENA arena;
    uint64_t *ids;
    bool may = true;
    HttpServer *server = request->server;
    arena_init(&arena, NULL);
    CatalogSnapshot *catalog = meta_snapshot(server->options.store);
    const CatalogDatabase *database = catalog_database(catalog, database_name);
    if (database != NULL) {
        uint64_t running = load_hub_table(server->hub, database->id, label);
        uint32_t count = load_transactions_tables(server->transactions, database->id, label, &arena, &ids);
        may = may_insert(request, catalog, database_name, ids, count) && may_insert(request, catalog, database_name, &running, running != 0 ? 1 : 0);
    }
    catalog_unref(catalog);
    return may;
}
