#include "analyze/analyze_int.h"

/* FILES(..) in FROM. Below INSERT INTO t SELECT, columns of files that become columns of the table as they are have the types of
 * those: they are read as what they will be, not first as what a sample looks like. */

#include "connector/file_table.h"

/* Local files are the server's, so that reading or writing them needs a right; whoever has the keys of a bucket needs no other. */
Status authorize_files(const AnalyzeContext *context, StrView path)
{
    for (size_t at = 0; at < path.length;) {
        StrView rest = strview_n(path.data + at, path.length - at);
        if (file_url_is_local(strview_trim(rest)))
            return authorize_system(context, PRIVILEGE_BIT(FILE) | PRIVILEGE_BIT(OPERATE));
        size_t comma = strview_find(rest, STR_VIEW(","));
        at = comma == SIZE_MAX ? path.length : at + comma + 1;
    }
    return OK;
}

Status authorize_file_properties(const AnalyzeContext *context, const AstStrList *keys, const AstStrList *values)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        if (strview_equal_ci(keys->items[i], STR_VIEW("path")))
            TRY(authorize_files(context, values->items[i]));
    }
    return OK;
}

/* ---- types of the table that is written ---- */

static int file_column(const FileTable *table, const AstExpr *expr)
{
    if (expr->kind != AST_NAME)
        return -1;
    for (uint32_t i = 0; i < table->table.column_count; i++) {
        if (strview_equal_ci(table->columns[i].name, expr->name.parts[expr->name.count - 1]))
            return (int)i;
    }
    return -1;
}

/* The table's column that gets item `position` of the query, called name; NULL: none. */
static const TableColumn *target_of(const FileTargets *targets, uint32_t position, StrView name)
{
    const TableSchema *schema = targets->schema;
    const AstStrList *named = &targets->insert->columns;
    int column = -1;
    if (targets->insert->by_name)
        column = table_column_index(schema, name);
    else if (targets->insert->has_columns)
        column = position < named->count ? table_column_index(schema, named->items[position]) : -1;
    for (uint32_t i = 0, wanted = 0; !targets->insert->by_name && !targets->insert->has_columns && i < schema->column_count; i++) {
        if (schema->columns[i].generated.length == 0 && wanted++ == position)
            column = (int)i;
    }
    return column < 0 ? NULL : &schema->columns[column];
}

static bool can_be_read(Type type)
{
    return type.kind != TYPE_BITMAP && type.kind != TYPE_HLL && type.kind != TYPE_PERCENTILE && !type_is_state(type);
}

static void take_type(const FileTargets *targets, FileTable *table, uint32_t column, uint32_t position, StrView name, bool *is_taken)
{
    const TableColumn *target = target_of(targets, position, name);
    if (target != NULL && !is_taken[column] && can_be_read(target->type))
        file_table_retype(table, column, target->type);
    is_taken[column] = true;
}

static void take_types(AnalyzeContext *context, FileTable *table)
{
    const FileTargets *targets = context->file_targets;
    const AstSelectItems *items = &targets->select->items;
    bool *is_taken = ARENA_NEW_ARRAY(context->arena, bool, table->table.column_count + 1);
    uint32_t position = 0;
    for (uint32_t i = 0; i < items->count; i++) {
        const AstSelectItem *item = &items->items[i];
        int column = file_column(table, item->expr);
        if (item->expr->kind == AST_STAR && item->expr->arguments.count > 0)
            return; /* * EXCEPT (..): positions are not told here */
        for (uint32_t c = 0; item->expr->kind == AST_STAR && c < table->table.column_count; c++)
            take_type(targets, table, c, position++, table->columns[c].name, is_taken);
        if (item->expr->kind == AST_STAR)
            continue;
        if (column >= 0)
            take_type(targets, table, (uint32_t)column, position, item->alias.length > 0 ? item->alias : table->columns[column].name, is_taken);
        position++;
    }
}

/* Only of SELECT .. FROM FILES(..) as it stands: what a join or an aggregate makes of the columns has its own types. */
void bind_file_targets(const AstInsert *insert, const AstQuery *query, const TableSchema *schema, FileTargets *out)
{
    *out = (FileTargets){.insert = insert, .schema = schema};
    if (query->kind == AST_QUERY_SELECT && query->select.from != NULL && query->select.from->kind == AST_TABLE_FUNCTION &&
        query->select.from->call == NULL && !query->select.has_group) {
        out->select = &query->select;
        out->relation = query->select.from;
    }
}

/* ---- binding ---- */

Status bind_files(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode **out)
{
    FileTable *table;
    ConnectorFiles files = {ast->file_keys.items, ast->file_values.items, ast->file_keys.count};
    if (context->connector == NULL || context->connector->files == NULL)
        return analyze_error(context, scope->source, ast->begin, "FILES() is not supported here");
    TRY(authorize_file_properties(context, &ast->file_keys, &ast->file_values));
    TRY(context->connector->files(context->connector->context, &files, &table));
    if (context->file_targets != NULL && context->file_targets->relation == ast && table->options.format == FILE_FORMAT_CSV)
        take_types(context, table);
    return bind_connector_table(context, &table->table, out);
}
