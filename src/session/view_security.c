#include "session/session_int.h"

/* SECURITY of views, a property of their definition: NONE, what a view reads is read by whoever may read the view;
 * INVOKER, its reader needs SELECT on what it reads, too. */

void view_set_security(TableSchema *schema, bool is_invoker)
{
    uint32_t kept = 0;
    Property *properties = ARENA_NEW_ARRAY(&schema->arena, Property, schema->property_count + 1);
    for (uint32_t i = 0; i < schema->property_count; i++) {
        if (!strview_equal_ci(schema->properties[i].key, STR_VIEW("security")))
            properties[kept++] = schema->properties[i];
    }
    if (is_invoker)
        properties[kept++] = (Property){STR_VIEW("security"), STR_VIEW("INVOKER")};
    schema->properties = properties;
    schema->property_count = kept;
}

typedef struct SecurityEdit {
    StrView database, name;
    bool is_invoker;
} SecurityEdit;

static Status build_security(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const SecurityEdit *edit = opaque;
    const CatalogDatabase *database = catalog_database(catalog, edit->database);
    const CatalogTable *view = database == NULL ? NULL : catalog_table(database, edit->name);
    if (view == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s.%.*s'", SV_ARGS(edit->database), SV_ARGS(edit->name));
    if (view->schema->kind != TABLE_VIEW)
        return RAISE(diag, BAD_TABLE, "'%.*s.%.*s' is not a view", SV_ARGS(edit->database), SV_ARGS(edit->name));
    TableSchema *schema = ddl_schema_copy(view->schema);
    view_set_security(schema, edit->is_invoker);
    change_put_table(change, view->id, database->id, view->name, schema);
    ddl_schema_free(schema);
    return OK;
}

/* ALTER VIEW v SET SECURITY {NONE | INVOKER} */
Status run_view_security(StatementContext *context, const AstCommand *command)
{
    const AstName *name = &command->name;
    SecurityEdit edit = {.database = name->count >= 2 ? name->parts[name->count - 2] : context->analyze.database,
                         .name = name->parts[name->count - 1],
                         .is_invoker = strview_equal_ci(command->text, STR_VIEW("INVOKER"))};
    if (edit.database.length == 0)
        return RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
    TRY(meta_commit(context->session->instance->store, build_security, &edit, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}
