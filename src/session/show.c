#include "session/show_int.h"

/* The registry of SHOW statements and how one is answered. */

#include <stdarg.h>

StatementContext *show_context(const SystemSource *source)
{
    return source->context;
}

StrView show_text(StatementContext *context, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *text = arena_vprintf(&context->arena, format, arguments);
    va_end(arguments);
    return strview(text);
}

StrView show_size(StatementContext *context, uint64_t bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double size = (double)bytes;
    uint32_t unit = 0;
    for (; size >= 1024 && unit + 1 < COUNT_OF(units); unit++)
        size /= 1024;
    return unit == 0 ? show_text(context, "%lluB", (unsigned long long)bytes) : show_text(context, "%.3f%s", size, units[unit]);
}

Status show_database(StatementContext *context, const CatalogDatabase **out_database)
{
    StrView name = context->show->database.length > 0 ? context->show->database : context->analyze.database;
    if (name.length == 0)
        return RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
    const CatalogDatabase *visible;
    TRY(analyze_find_database(&context->analyze, name, out_database));
    TRY(authorize_use(&context->analyze, name));
    visible = catalog_database(session_system_source(context)->catalog, name);
    *out_database = visible != NULL ? visible : *out_database;
    return OK;
}

Status show_find_table(StatementContext *context, const CatalogDatabase **out_database, const CatalogTable **out_table)
{
    AstName name = context->show->name;
    if (name.count == 1 && context->show->database.length > 0) {
        name.parts[1] = name.parts[0];
        name.parts[0] = context->show->database;
        name.count = 2;
    }
    if (name.count == 0)
        return RAISE(context->diag, SYNTAX, "SHOW %.*s needs FROM and the name of a table", SV_ARGS(context->show->what));
    TRY(analyze_find_table(&context->analyze, &name, out_database, out_table));
    return authorize_table(&context->analyze, PRIVILEGE_ANY, *out_database, *out_table);
}

/* SELECT * FROM the table, with the clauses of the statement. */
Status show_rows(StatementContext *context, const AstStatement *statement, const SystemTable *table, int pattern)
{
    const AstShow *show = statement->show;
    BoundQuery *bound;
    SystemLike like = {.pattern = show->pattern, .is_set = show->has_pattern && pattern != SHOW_NO_PATTERN,
                       .column = pattern == SHOW_NO_PATTERN ? 0 : (uint32_t)pattern};
    if (show->has_pattern && pattern == SHOW_NO_PATTERN)
        return RAISE(context->diag, SYNTAX, "SHOW %.*s takes no LIKE", SV_ARGS(show->what));
    SystemTable named = *table;
    named.name = "rows";
    SystemTable *kept = ARENA_NEW(&context->arena, SystemTable);
    *kept = named;
    context->show_table = system_connector_table(session_system_source(context), "SHOW", kept, like);
    AstExpr *star = ARENA_NEW(&context->arena, AstExpr);
    AstRelation *from = ARENA_NEW(&context->arena, AstRelation);
    AstQuery query = {.kind = AST_QUERY_SELECT, .order = show->order, .limit = show->limit, .offset = show->offset};
    star->kind = AST_STAR;
    from->kind = AST_TABLE;
    from->name = (AstName){{STR_VIEW("SHOW"), STR_VIEW("rows")}, 2};
    AstSelectItem item = {.expr = star};
    AST_PUSH(&context->arena, &query.select.items, item);
    query.select.from = from;
    query.select.where = show->where;
    TRY(analyze_query(&context->analyze, &query, statement->source, &bound));
    Status status = run_query(context, bound);
    context->show_table = NULL;
    return status;
}

static const ShowForm *find_form(StrView what)
{
    const ShowForms *const all[] = {&show_backup_forms, &show_process_forms, &show_table_forms,      &show_partition_forms,
                                    &show_node_forms,   &show_server_forms,  &show_job_forms,        &show_user_forms,
                                    &show_config_forms, &show_task_forms,    &show_recycle_forms,    &show_snapshot_forms,
                                    &show_view_forms,   &show_help_forms,    &show_dictionary_forms, &show_group_forms};
    for (size_t f = 0; f < COUNT_OF(all); f++) {
        for (uint32_t i = 0; i < all[f]->count; i++) {
            if (strview_is(what, all[f]->items[i].what))
                return &all[f]->items[i];
        }
    }
    return NULL;
}

Status run_show(StatementContext *context, const AstStatement *statement)
{
    const AstShow *show = statement->show;
    context->show = show;
    if (strview_is(show->what, "PROC") && strview_is(show->text, "/quarantine"))
        return show_quarantine(context);
    if (strview_is(show->what, "FAULT POINTS"))
        return show_fault_points(context);
    if (strview_is(show->what, "PROC"))
        return show_proc(context, statement);
    const ShowForm *form = find_form(show->what);
    if (form == NULL)
        return RAISE(context->diag, NOT_SUPPORTED, "SHOW %.*s is not supported", SV_ARGS(show->what));
    return form->run != NULL ? form->run(context, statement) : show_rows(context, statement, &form->table, form->pattern);
}
