#include "session/session_int.h"

/* FILES() for statements: opening its table, which is closed at the statement's end, and DESC FILES(). */

#include "session/show_int.h"

Status session_files(void *opaque, const ConnectorFiles *files, FileTable **out_table)
{
    StatementContext *context = opaque;
    FileProperty *properties = ARENA_NEW_ARRAY(&context->arena, FileProperty, files->count + 1);
    for (uint32_t i = 0; i < files->count; i++)
        properties[i] = (FileProperty){files->keys[i], files->values[i]};
    FileTableRequest request = {.properties = properties, .property_count = files->count, .settings = &context->session->instance->files,
                                .zone = context->func.zone, .memory = &context->memory, .arena = &context->arena};
    TRY(file_table_open(&request, context->diag, out_table));
    (*out_table)->load = context->file_load;
    ARRAY_PUSH(&context->arena, &context->files, *out_table);
    return OK;
}

Status run_describe_files(StatementContext *context, const AstStatement *statement)
{
    static const char *const names[] = {"Field", "Type", "Null"};
    ConnectorFiles files = {statement->properties.keys.items, statement->properties.values.items, statement->properties.keys.count};
    FileTable *table;
    TRY(authorize_file_properties(&context->analyze, &statement->properties.keys, &statement->properties.values));
    TRY(session_files(context, &files, &table));
    uint32_t count = table->table.column_count;
    StrView *values = ARENA_NEW_ARRAY(&context->arena, StrView, (size_t)count * COUNT_OF(names) + 1);
    for (uint32_t i = 0; i < count; i++) {
        values[i * COUNT_OF(names)] = table->columns[i].name;
        values[i * COUNT_OF(names) + 1] = system_type_text(&context->arena, table->columns[i].type);
        values[i * COUNT_OF(names) + 2] = STR_VIEW("YES");
    }
    return send_texts(context, names, COUNT_OF(names), values, count);
}
