#include "session/session_int.h"

/* SHOW and DESC, and the information_schema tables. */

#include <stdio.h>

#include "base/environment.h"

typedef ARRAY_OF(StrView) Cells;

static StrView own(StatementContext *context, StrView text)
{
    return strview_n(arena_strndup(&context->arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

static void cell(StatementContext *context, Cells *cells, StrView text)
{
    ARRAY_PUSH(&context->arena, cells, text);
}

/* MySQL pattern with % and _. */
static bool matches_pattern(StrView text, StrView pattern)
{
    if (pattern.length == 0)
        return text.length == 0;
    if (pattern.data[0] == '%') {
        for (size_t skip = 0; skip <= text.length; skip++) {
            if (matches_pattern(strview_n(text.data + skip, text.length - skip), strview_n(pattern.data + 1, pattern.length - 1)))
                return true;
        }
        return false;
    }
    size_t step = pattern.data[0] == '\\' && pattern.length > 1 ? 2 : 1;
    if (text.length == 0)
        return false;
    char a = text.data[0], b = pattern.data[step - 1];
    a = (char)(a >= 'A' && a <= 'Z' ? a + 32 : a);
    b = (char)(b >= 'A' && b <= 'Z' ? b + 32 : b);
    if (a != b && !(step == 1 && pattern.data[0] == '_'))
        return false;
    return matches_pattern(strview_n(text.data + 1, text.length - 1), strview_n(pattern.data + step, pattern.length - step));
}

static bool wanted(const AstShow *show, StrView text)
{
    return !show->has_pattern || matches_pattern(text, show->pattern);
}

static const char *const system_databases[] = {"_statistics_", "information_schema", "sys"};

static Status show_databases(StatementContext *context, const AstShow *show)
{
    static const char *const names[] = {"Database"};
    Cells cells = {0};
    uint32_t system = 0;
    for (uint32_t i = 0; i < context->catalog->database_count || system < COUNT_OF(system_databases);) {
        StrView next = i < context->catalog->database_count ? context->catalog->databases[i]->name : STR_VIEW("\x7f");
        bool takes_system = system < COUNT_OF(system_databases) && strview_compare(strview(system_databases[system]), next) < 0;
        if (takes_system)
            next = strview(system_databases[system]);
        system += takes_system;
        i += !takes_system;
        if (wanted(show, next))
            cell(context, &cells, next);
    }
    return send_texts(context, names, 1, cells.items, cells.count);
}

static Status show_tables(StatementContext *context, const AstShow *show)
{
    const CatalogDatabase *database;
    StrView name = show->database.length > 0 ? show->database : context->analyze.database;
    Cells cells = {0};
    const char *names[] = {arena_printf(&context->arena, "Tables_in_%.*s", SV_ARGS(name)), "Table_type"};
    if (strview_equal_ci(name, STR_VIEW("information_schema")))
        return send_texts(context, names, show->is_full ? 2 : 1, NULL, 0);
    TRY(analyze_find_database(&context->analyze, name, &database));
    for (uint32_t i = 0; i < database->table_count; i++) {
        if (!wanted(show, database->tables[i]->name))
            continue;
        cell(context, &cells, database->tables[i]->name);
        if (show->is_full)
            cell(context, &cells, database->tables[i]->schema->kind == TABLE_VIEW ? STR_VIEW("VIEW") : STR_VIEW("BASE TABLE"));
    }
    uint32_t columns = show->is_full ? 2 : 1;
    return send_texts(context, names, columns, cells.items, cells.count / columns);
}

static StrView type_text(StatementContext *context, Type type)
{
    AUTO_BYTEBUF text = {0};
    type_print(type, &text);
    return own(context, bytebuf_view(&text));
}

static StrView default_text(const TableColumn *column)
{
    return column->default_kind == DEFAULT_LITERAL ? column->default_text
           : column->default_kind == DEFAULT_NOW   ? STR_VIEW("CURRENT_TIMESTAMP")
           : column->default_kind == DEFAULT_EXPRESSION ? column->default_text
                                                   : (StrView){NULL, 0};
}

Status run_describe(StatementContext *context, const AstName *name)
{
    static const char *const names[] = {"Field", "Type", "Null", "Key", "Default", "Extra"};
    const CatalogDatabase *database;
    const CatalogTable *table;
    Cells cells = {0};
    TRY(analyze_find_table(&context->analyze, name, &database, &table));
    for (uint32_t i = 0; i < table->schema->column_count; i++) {
        const TableColumn *column = &table->schema->columns[i];
        cell(context, &cells, column->name);
        cell(context, &cells, type_text(context, column->type));
        cell(context, &cells, column->is_nullable ? STR_VIEW("YES") : STR_VIEW("NO"));
        cell(context, &cells, column->is_key ? STR_VIEW("true") : STR_VIEW("false"));
        cell(context, &cells, default_text(column));
        cell(context, &cells, column->aggregate.length > 0 ? column->aggregate : STR_VIEW(""));
    }
    return send_texts(context, names, 6, cells.items, cells.count / 6);
}

static Status show_columns(StatementContext *context, const AstShow *show)
{
    AstName name = show->name;
    if (name.count == 1 && show->database.length > 0) {
        name.parts[1] = name.parts[0];
        name.parts[0] = show->database;
        name.count = 2;
    }
    if (!show->is_full)
        return run_describe(context, &name);
    static const char *const names[] = {"Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment"};
    const CatalogDatabase *database;
    const CatalogTable *table;
    Cells cells = {0};
    TRY(analyze_find_table(&context->analyze, &name, &database, &table));
    for (uint32_t i = 0; i < table->schema->column_count; i++) {
        const TableColumn *column = &table->schema->columns[i];
        cell(context, &cells, column->name);
        cell(context, &cells, type_text(context, column->type));
        cell(context, &cells, STR_VIEW(""));
        cell(context, &cells, column->is_nullable ? STR_VIEW("YES") : STR_VIEW("NO"));
        cell(context, &cells, column->is_key ? STR_VIEW("YES") : STR_VIEW("NO"));
        cell(context, &cells, default_text(column));
        cell(context, &cells, STR_VIEW(""));
        cell(context, &cells, STR_VIEW(""));
        cell(context, &cells, column->comment);
    }
    return send_texts(context, names, 9, cells.items, cells.count / 9);
}

static void print_columns(const TableSchema *schema, ByteBuf *out)
{
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const TableColumn *column = &schema->columns[i];
        bytebuf_printf(out, "%s  `%.*s` ", i > 0 ? ",\n" : "", SV_ARGS(column->name));
        type_print_sql(column->type, out);
        if (column->aggregate.length > 0)
            bytebuf_printf(out, " %.*s", SV_ARGS(column->aggregate));
        bytebuf_append_text(out, column->is_nullable ? " NULL" : " NOT NULL");
        if (column->default_kind == DEFAULT_LITERAL)
            bytebuf_printf(out, " DEFAULT \"%.*s\"", SV_ARGS(column->default_text));
        if (column->default_kind == DEFAULT_NOW)
            bytebuf_append_text(out, " DEFAULT CURRENT_TIMESTAMP");
        bytebuf_printf(out, " COMMENT \"%.*s\"", SV_ARGS(column->comment));
    }
}

static void print_names(const TableSchema *schema, const uint32_t *positions, uint32_t count, ByteBuf *out)
{
    for (uint32_t i = 0; i < count; i++)
        bytebuf_printf(out, "%s`%.*s`", i > 0 ? ", " : "", SV_ARGS(schema->columns[positions == NULL ? i : positions[i]].name));
}

static void print_table(const CatalogTable *table, ByteBuf *out)
{
    static const char *const keys[] = {"DUPLICATE", "AGGREGATE", "UNIQUE", "PRIMARY"};
    const TableSchema *schema = table->schema;
    bytebuf_printf(out, "CREATE TABLE `%.*s` (\n", SV_ARGS(table->name));
    print_columns(schema, out);
    bytebuf_printf(out, "\n) ENGINE=OLAP \n%s KEY(", keys[schema->keys_kind]);
    print_names(schema, NULL, schema->key_count, out);
    bytebuf_append_text(out, ")\n");
    if (schema->comment.length > 0)
        bytebuf_printf(out, "COMMENT \"%.*s\"\n", SV_ARGS(schema->comment));
    if (schema->is_random) {
        bytebuf_append_text(out, "DISTRIBUTED BY RANDOM");
    } else {
        bytebuf_append_text(out, "DISTRIBUTED BY HASH(");
        print_names(schema, schema->bucket_columns, schema->bucket_column_count, out);
        bytebuf_append_text(out, ")");
    }
    bytebuf_printf(out, " BUCKETS %u \nPROPERTIES (\n", schema->buckets);
    for (uint32_t i = 0; i < schema->property_count; i++)
        bytebuf_printf(out, "\"%.*s\" = \"%.*s\",\n", SV_ARGS(schema->properties[i].key), SV_ARGS(schema->properties[i].value));
    bytebuf_append_text(out, "\"compression\" = \"ZSTD\"\n);");
}

static Status show_create(StatementContext *context, const AstShow *show)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    AUTO_BYTEBUF text = {0};
    TRY(analyze_find_table(&context->analyze, &show->name, &database, &table));
    if (table->schema->kind == TABLE_VIEW) {
        static const char *const names[] = {"View", "Create View", "character_set_client", "collation_connection"};
        bytebuf_printf(&text, "CREATE VIEW `%.*s` (", SV_ARGS(table->name));
        print_names(table->schema, NULL, table->schema->column_count, &text);
        bytebuf_printf(&text, ") AS %.*s;", SV_ARGS(table->schema->view_sql));
        StrView row[] = {table->name, own(context, bytebuf_view(&text)), STR_VIEW("utf8"), STR_VIEW("utf8_general_ci")};
        return send_texts(context, names, 4, row, 1);
    }
    static const char *const names[] = {"Table", "Create Table"};
    print_table(table, &text);
    StrView row[] = {table->name, own(context, bytebuf_view(&text))};
    return send_texts(context, names, 2, row, 1);
}

static Status show_variables(StatementContext *context, const AstShow *show)
{
    static const char *const headers[] = {"Variable_name", "Value"};
    const char *const *names;
    const char *const *values;
    uint32_t count = variable_defaults(&names, &values);
    Cells cells = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (!wanted(show, strview(names[i])))
            continue;
        cell(context, &cells, strview(names[i]));
        cell(context, &cells, strview(variable_text(context->session, names[i])));
    }
    return send_texts(context, headers, 2, cells.items, cells.count / 2);
}

static Status show_processlist(StatementContext *context)
{
    static const char *const names[] = {"Id",   "User",  "Host", "Db",        "Command",  "ConnectionStartTime",
                                        "Time", "State", "Info", "IsPending", "Warehouse"};
    Instance *instance = context->session->instance;
    Cells cells = {0};
    int64_t now = env_monotonic_us(environment_real());
    LOCK_GUARD(&instance->lock);
    for (Session *s = instance->sessions; s != NULL; s = s->next) {
        bool runs = s->statement.length > 0;
        cell(context, &cells, strview(arena_printf(&context->arena, "%llu", (unsigned long long)s->connection_id)));
        cell(context, &cells, own(context, strview(s->user)));
        cell(context, &cells, own(context, strview(s->host)));
        cell(context, &cells, own(context, bytebuf_view(&s->database)));
        cell(context, &cells, runs ? STR_VIEW("Query") : STR_VIEW("Sleep"));
        cell(context, &cells, STR_VIEW(""));
        cell(context, &cells, strview(arena_printf(&context->arena, "%lld", runs ? (long long)((now - s->statement_started_us) / 1000000) : 0LL)));
        cell(context, &cells, runs ? STR_VIEW("OK") : STR_VIEW(""));
        cell(context, &cells, own(context, bytebuf_view(&s->statement)));
        cell(context, &cells, STR_VIEW("false"));
        cell(context, &cells, STR_VIEW("default_warehouse"));
    }
    return send_texts(context, names, 11, cells.items, cells.count / 11);
}

static Status show_partitions(StatementContext *context, const AstShow *show)
{
    static const char *const names[] = {"PartitionId", "PartitionName", "VisibleVersion", "State", "PartitionKey", "Range",
                                        "DistributionKey", "Buckets", "DataSize", "RowCount"};
    const CatalogDatabase *database;
    const CatalogTable *table;
    Cells cells = {0};
    TRY(analyze_find_table(&context->analyze, &show->name, &database, &table));
    for (uint32_t i = 0; i < table->partition_count; i++) {
        const CatalogPartition *p = table->partitions[i];
        cell(context, &cells, strview(arena_printf(&context->arena, "%llu", (unsigned long long)p->id)));
        cell(context, &cells, p->name);
        cell(context, &cells, strview(arena_printf(&context->arena, "%llu", (unsigned long long)p->visible_version)));
        cell(context, &cells, STR_VIEW("NORMAL"));
        cell(context, &cells, table->schema->partition_column_count > 0 ? table->schema->partition_exprs[0] : STR_VIEW(""));
        cell(context, &cells, STR_VIEW(""));
        cell(context, &cells, table->schema->bucket_column_count > 0 ? table->schema->columns[table->schema->bucket_columns[0]].name : STR_VIEW("RANDOM"));
        cell(context, &cells, strview(arena_printf(&context->arena, "%u", p->tablet_count)));
        cell(context, &cells, strview(arena_printf(&context->arena, "%llu", (unsigned long long)partition_byte_count(p))));
        cell(context, &cells, strview(arena_printf(&context->arena, "%llu", (unsigned long long)partition_row_count(p))));
    }
    return send_texts(context, names, 10, cells.items, cells.count / 10);
}

/* Forms that have nothing to report on one node of this version: their columns, no rows. */
static Status show_empty(StatementContext *context, const AstShow *show)
{
    static const struct {
        const char *what;
        const char *names[4];
        uint32_t count;
    } forms[] = {{"WARNINGS", {"Level", "Code", "Message"}, 3}, {"ERRORS", {"Level", "Code", "Message"}, 3},
                 {"PLUGINS", {"Name", "Type", "Description", "Status"}, 4}, {"TRIGGERS", {"Trigger", "Event", "Table"}, 3},
                 {"EVENTS", {"Db", "Name"}, 2}, {"PROCEDURE STATUS", {"Db", "Name", "Type"}, 3},
                 {"FUNCTION STATUS", {"Db", "Name", "Type"}, 3}, {"OPEN TABLES", {"Database", "Table"}, 2},
                 {"INDEX", {"Table", "Non_unique", "Key_name", "Seq_in_index"}, 4},
                 {"KEYS", {"Table", "Non_unique", "Key_name", "Seq_in_index"}, 4}, {"STATUS", {"Variable_name", "Value"}, 2}};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (strview_is(show->what, forms[i].what))
            return send_texts(context, forms[i].names, forms[i].count, NULL, 0);
    }
    return RAISE(context->diag, NOT_SUPPORTED, "SHOW %.*s is not supported yet", SV_ARGS(show->what));
}

Status run_show(StatementContext *context, const AstShow *show)
{
    if (strview_is(show->what, "DATABASES") || strview_is(show->what, "SCHEMAS"))
        return show_databases(context, show);
    if (strview_is(show->what, "TABLES"))
        return show_tables(context, show);
    if (strview_is(show->what, "COLUMNS") || strview_is(show->what, "FIELDS"))
        return show_columns(context, show);
    if (strview_is(show->what, "CREATE TABLE") || strview_is(show->what, "CREATE VIEW"))
        return show_create(context, show);
    if (strview_is(show->what, "VARIABLES"))
        return show_variables(context, show);
    if (strview_is(show->what, "PROCESSLIST"))
        return show_processlist(context);
    if (strview_is(show->what, "PARTITIONS"))
        return show_partitions(context, show);
    if (strview_is(show->what, "PROC") && strview_is(show->text, "/quarantine"))
        return show_quarantine(context);
    if (strview_is(show->what, "FAULT POINTS"))
        return show_fault_points(context);
    return show_empty(context, show);
}

/* ---- information_schema ---- */

enum { INFO_SCHEMATA, INFO_TABLES, INFO_COLUMNS };

typedef struct InfoTable {
    const char *name;
    const char *columns[16];
    uint32_t count;
} InfoTable;

static const InfoTable info_tables[] = {
    {"schemata", {"CATALOG_NAME", "SCHEMA_NAME", "DEFAULT_CHARACTER_SET_NAME", "DEFAULT_COLLATION_NAME", "SQL_PATH"}, 5},
    {"tables", {"TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE", "ENGINE", "TABLE_ROWS", "DATA_LENGTH", "TABLE_COMMENT"}, 8},
    {"columns", {"TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "ORDINAL_POSITION", "COLUMN_DEFAULT", "IS_NULLABLE",
                 "DATA_TYPE", "COLUMN_TYPE", "COLUMN_KEY", "EXTRA", "COLUMN_COMMENT"}, 12},
};

typedef struct InfoScan {
    StatementContext *context;
    Chunk chunk;
    Status (*emit)(void *sink, const Chunk *chunk);
    void *sink;
    Status status;
} InfoScan;

static void info_row(InfoScan *scan, const StrView *values, uint32_t count)
{
    for (uint32_t c = 0; c < count; c++) {
        Datum value = values[c].data == NULL ? datum_null() : datum_str(values[c]);
        Type type = scan->chunk.columns[c].type;
        if (type.kind == TYPE_BIGINT && values[c].data != NULL)
            status_ignore(datum_parse(type, values[c], &scan->context->arena, NULL, &value)); /* numbers we printed */
        vector_put(&scan->chunk.columns[c], &scan->context->arena, scan->chunk.row_count, &value);
    }
    if (++scan->chunk.row_count < CHUNK_ROWS || scan->status != OK)
        return;
    scan->status = scan->emit(scan->sink, &scan->chunk);
    chunk_reset(&scan->chunk);
}

static void info_columns(InfoScan *scan, const CatalogDatabase *database, const CatalogTable *table)
{
    StatementContext *context = scan->context;
    for (uint32_t i = 0; i < table->schema->column_count; i++) {
        const TableColumn *column = &table->schema->columns[i];
        StrView full = type_text(context, column->type);
        size_t paren = strview_find(full, STR_VIEW("("));
        StrView row[] = {STR_VIEW("def"), database->name, table->name, column->name,
                         strview(arena_printf(&context->arena, "%u", i + 1)), default_text(column),
                         column->is_nullable ? STR_VIEW("YES") : STR_VIEW("NO"),
                         strview_n(full.data, paren == SIZE_MAX ? full.length : paren), full,
                         column->is_key ? STR_VIEW("DUP") : STR_VIEW(""), STR_VIEW(""), column->comment};
        info_row(scan, row, COUNT_OF(row));
    }
}

static void info_table(InfoScan *scan, int which, const CatalogDatabase *database, const CatalogTable *table)
{
    StatementContext *context = scan->context;
    if (which == INFO_COLUMNS) {
        info_columns(scan, database, table);
        return;
    }
    bool is_view = table->schema->kind == TABLE_VIEW;
    StrView row[] = {STR_VIEW("def"), database->name, table->name, is_view ? STR_VIEW("VIEW") : STR_VIEW("BASE TABLE"),
                     is_view ? STR_VIEW("") : STR_VIEW("StarRocks"),
                     strview(arena_printf(&context->arena, "%llu", (unsigned long long)table_row_count(table))),
                     strview(arena_printf(&context->arena, "%llu", (unsigned long long)table_byte_count(table))),
                     table->schema->comment};
    info_row(scan, row, COUNT_OF(row));
}

static Status info_scan(const ConnectorTable *table, Arena *arena, Diag *diag, Status (*emit)(void *sink, const Chunk *chunk), void *sink)
{
    StatementContext *context = table->context;
    InfoScan scan = {.context = context, .emit = emit, .sink = sink, .status = OK};
    Type types[16];
    int which = 0;
    (void)arena;
    (void)diag;
    while (!strview_equal_ci(table->name, strview(info_tables[which].name)))
        which++;
    for (uint32_t i = 0; i < table->column_count; i++)
        types[i] = table->columns[i].type;
    chunk_init(&scan.chunk, &context->arena, types, table->column_count);
    for (uint32_t d = 0; d < context->catalog->database_count; d++) {
        const CatalogDatabase *database = context->catalog->databases[d];
        if (which == INFO_SCHEMATA) {
            StrView row[] = {STR_VIEW("def"), database->name, STR_VIEW("utf8"), STR_VIEW("utf8_general_ci"), {NULL, 0}};
            info_row(&scan, row, COUNT_OF(row));
        }
        for (uint32_t t = 0; which != INFO_SCHEMATA && t < database->table_count; t++)
            info_table(&scan, which, database, database->tables[t]);
    }
    TRY(scan.status);
    return scan.chunk.row_count > 0 ? emit(sink, &scan.chunk) : OK;
}

static const ConnectorTable *find_info_table(void *opaque, StrView database, StrView name, Arena *arena)
{
    if (!strview_equal_ci(database, STR_VIEW("information_schema")))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(info_tables); i++) {
        if (!strview_equal_ci(name, strview(info_tables[i].name)))
            continue;
        ConnectorTable *table = ARENA_NEW(arena, ConnectorTable);
        ConnectorColumn *columns = ARENA_NEW_ARRAY(arena, ConnectorColumn, info_tables[i].count);
        for (uint32_t c = 0; c < info_tables[i].count; c++) {
            const char *column = info_tables[i].columns[c];
            bool is_number = strcmp(column, "ORDINAL_POSITION") == 0 || strcmp(column, "TABLE_ROWS") == 0 || strcmp(column, "DATA_LENGTH") == 0;
            columns[c] = (ConnectorColumn){strview(column), is_number ? type_of(TYPE_BIGINT) : type_varchar(2048)};
        }
        *table = (ConnectorTable){.database = STR_VIEW("information_schema"), .name = strview(info_tables[i].name), .columns = columns,
                                  .column_count = info_tables[i].count, .context = opaque, .scan = info_scan};
        return table;
    }
    return NULL;
}

const Connector *session_connector(StatementContext *context)
{
    Connector *connector = ARENA_NEW(&context->arena, Connector);
    *connector = (Connector){context, find_info_table};
    return connector;
}
