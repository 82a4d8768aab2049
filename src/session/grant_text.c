#include "session/grant_text.h"

static bool has_database(ObjectKind kind)
{
    return kind == OBJECT_DATABASE || object_kind_in_database(kind);
}

bool grant_names(const CatalogSnapshot *catalog, const Grant *grant, GrantNames *out)
{
    *out = (GrantNames){.object = grant->name.length > 0 ? grant->name : (StrView){0}};
    if (!has_database((ObjectKind)grant->kind))
        return true;
    if (grant->database_id == 0) {
        out->is_every_database = true;
        return true;
    }
    const char *system = access_system_database_name(grant->database_id);
    const CatalogDatabase *database = catalog_database_by_id(catalog, grant->database_id);
    if (system == NULL && database == NULL)
        return false;
    out->database = database != NULL ? database->name : strview(system);
    if (grant->object_id == 0)
        return true;
    const CatalogTable *table = catalog_table_by_id(catalog, grant->object_id);
    if (table == NULL)
        return false;
    out->object = table->name;
    return true;
}

void grant_print_object(const Grant *grant, const GrantNames *names, ByteBuf *out)
{
    ObjectKind kind = (ObjectKind)grant->kind;
    if (kind == OBJECT_SYSTEM) {
        bytebuf_append_text(out, "SYSTEM");
    } else if (kind == OBJECT_DATABASE) {
        if (names->is_every_database)
            bytebuf_append_text(out, "ALL DATABASES");
        else
            bytebuf_printf(out, "DATABASE %.*s", SV_ARGS(names->database));
    } else if (names->object.data == NULL) {
        bytebuf_printf(out, "ALL %s", object_kind_plural(kind));
        if (names->is_every_database)
            bytebuf_append_text(out, " IN ALL DATABASES");
        else if (names->database.data != NULL)
            bytebuf_printf(out, " IN DATABASE %.*s", SV_ARGS(names->database));
    } else if (names->database.data != NULL) {
        bytebuf_printf(out, "%s %.*s.%.*s", object_kind_name(kind), SV_ARGS(names->database), SV_ARGS(names->object));
    } else {
        bytebuf_printf(out, "%s %.*s", object_kind_name(kind), SV_ARGS(names->object));
    }
}

Status grant_each(const CatalogSnapshot *catalog, const GrantList *grants, void *context,
                  Status (*visit)(void *context, const Grant *grant, const GrantNames *names, PrivilegeSet privileges, bool is_grantable))
{
    for (uint32_t i = 0; i < grants->count; i++) {
        const Grant *grant = &grants->items[i];
        GrantNames names;
        PrivilegeSet plain = grant->privileges & ~grant->grantable;
        if (!grant_names(catalog, grant, &names))
            continue;
        if (plain != 0)
            TRY(visit(context, grant, &names, plain, false));
        if (grant->grantable != 0)
            TRY(visit(context, grant, &names, grant->grantable, true));
    }
    return OK;
}
