#include "session/session_int.h"

/* FILES() for statements: opening its table, which is closed at the statement's end, DESC FILES(), INSERT INTO FILES() and
 * SELECT .. INTO OUTFILE, which is the same with other names. */

#include "connector/file_sink.h"
#include "session/show_int.h"

_Static_assert((int)FILE_SINK_LANES >= (int)EXEC_MOST_WORKERS, "a worker has a lane");

Status session_files(void *opaque, const ConnectorFiles *files, FileTable **out_table)
{
    StatementContext *context = opaque;
    FileProperty *properties = ARENA_NEW_ARRAY(&context->arena, FileProperty, files->count + 1);
    for (uint32_t i = 0; i < files->count; i++)
        properties[i] = (FileProperty){files->keys[i], files->values[i]};
    FileTableRequest request = {.properties = properties, .property_count = files->count, .settings = &context->session->instance->files,
                                .zone = context->func.zone, .zone_offset_us = context->func.zone_offset_us,
                                .memory = &context->memory, .arena = &context->arena};
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

/* ---- writing ---- */

typedef struct Unload {
    StatementContext *context;
    FileSink *sink;
} Unload;

static Status unload_chunk(void *opaque, uint32_t worker, const Chunk *chunk)
{
    Unload *unload = opaque;
    return file_sink_write(unload->sink, worker, chunk, unload->context->diag);
}

static Status unload_in_order(void *opaque, const Chunk *chunk)
{
    return unload_chunk(opaque, 0, chunk);
}

/* Rows that a query sorts stay sorted. */
static bool is_ordered(const PhysNode *node)
{
    while (node->kind == PHYS_NODE_PROJECT || node->kind == PHYS_NODE_LIMIT || node->kind == PHYS_NODE_FILTER)
        node = node->children[0];
    return node->kind == PHYS_NODE_SORT;
}

static Status run_unload(Unload *unload, BoundQuery *query)
{
    enum { PARALLEL_ROWS = 100 * 1000 };
    StatementContext *context = unload->context;
    PhysPlan *plan;
    ExecResult result = {.context = unload, .rows = unload_in_order};
    TRY(plan_it(context, query, &plan));
    if (!file_sink_is_single(unload->sink) && !is_ordered(plan->root) && plan->root->estimated_rows >= PARALLEL_ROWS)
        result.rows_of_worker = unload_chunk;
    context->writes = true;
    TRY(execute_plan(context, plan, &result, NULL));
    return file_sink_commit(unload->sink, context->diag);
}

static Status unload_query(StatementContext *context, BoundQuery *query, const AstProperties *properties, FileSinkTotals *out_totals)
{
    uint32_t columns = query->column_count, count = properties->keys.count;
    StrView *names = ARENA_NEW_ARRAY(&context->arena, StrView, columns + 1);
    Type *types = ARENA_NEW_ARRAY(&context->arena, Type, columns + 1);
    FileProperty *pairs = ARENA_NEW_ARRAY(&context->arena, FileProperty, count + 1);
    Unload unload = {.context = context};
    for (uint32_t i = 0; i < columns; i++) {
        names[i] = query->columns[i].name;
        types[i] = query->columns[i].type;
    }
    for (uint32_t i = 0; i < count; i++)
        pairs[i] = (FileProperty){properties->keys.items[i], properties->values.items[i]};
    StrView id = new_label(context, "");
    FileSinkRequest request = {.properties = pairs, .property_count = count, .settings = &context->session->instance->files, .names = names,
                               .types = types, .column_count = columns, .id = strview_n(id.data + 1, id.length - 1),
                               .memory = &context->memory, .arena = &context->arena};
    TRY(authorize_file_properties(&context->analyze, &properties->keys, &properties->values));
    TRY(file_sink_open(&request, context->diag, &unload.sink));
    Status status = run_unload(&unload, query);
    *out_totals = file_sink_totals(unload.sink);
    file_sink_close(unload.sink);
    return status;
}

Status run_insert_files(StatementContext *context, const AstStatement *statement)
{
    const AstInsert *insert = statement->insert;
    BoundQuery *query;
    FileSinkTotals totals = {0};
    context->file_load = NULL; /* what is read is not filtered */
    if (insert->has_columns || insert->by_name || insert->is_overwrite)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: INSERT INTO FILES() takes the columns of the query as they are.");
    TRY(analyze_query(&context->analyze, insert->query, statement->source, &query));
    TRY(unload_query(context, query, &insert->files, &totals));
    return send_ok(context, totals.rows, STR_VIEW(""));
}

/* ---- INTO OUTFILE ---- */

static void add_property(StatementContext *context, AstProperties *to, StrView key, StrView value)
{
    AST_PUSH(&context->arena, &to->keys, key);
    AST_PUSH(&context->arena, &to->values, value);
}

static StrView file_property(StrView key)
{
    static const struct {
        const char *outfile, *files;
    } names[] = {{"column_separator", "csv.column_separator"}, {"line_delimiter", "csv.row_delimiter"}, {"row_delimiter", "csv.row_delimiter"},
                 {"max_file_size", "target_max_file_size"}};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strview_equal_ci(key, strview(names[i].outfile)))
            return strview(names[i].files);
    }
    return key;
}

static void outfile_properties(StatementContext *context, const AstOutfile *outfile, AstProperties *out)
{
    bool has_size = false;
    add_property(context, out, STR_VIEW("path"), outfile->path);
    add_property(context, out, STR_VIEW("format"), outfile->format.length == 0 ? STR_VIEW("csv") : outfile->format);
    for (uint32_t i = 0; i < outfile->properties.keys.count; i++) {
        StrView key = file_property(outfile->properties.keys.items[i]);
        has_size |= strview_is(key, "target_max_file_size");
        add_property(context, out, key, outfile->properties.values.items[i]);
    }
    if (!has_size)
        add_property(context, out, STR_VIEW("single"), STR_VIEW("true"));
}

Status run_outfile(StatementContext *context, const AstStatement *statement, BoundQuery *query)
{
    static const char *const names[] = {"FileNumber", "TotalRows", "FileSize", "URL"};
    AstProperties properties = {0};
    FileSinkTotals totals = {0};
    StrView values[COUNT_OF(names)];
    outfile_properties(context, statement->query->outfile, &properties);
    TRY(unload_query(context, query, &properties, &totals));
    values[0] = strview(arena_printf(&context->arena, "%u", totals.files));
    values[1] = strview(arena_printf(&context->arena, "%llu", (unsigned long long)totals.rows));
    values[2] = strview(arena_printf(&context->arena, "%llu", (unsigned long long)totals.bytes));
    values[3] = strview(arena_printf(&context->arena, "%.*s*", SV_ARGS(statement->query->outfile->path)));
    return send_texts(context, names, COUNT_OF(names), values, 1);
}
