#include "session/show_int.h"

/* SHOW DATABASES, TABLES, COLUMNS, CREATE, INDEX, TABLE STATUS; DESC. */

#include <stdlib.h>

#include "meta/catalog_text.h"

/* ---- databases ---- */

static const SystemColumn databases_columns[] = {TEXT("Database")};

static int by_name(const void *a, const void *b)
{
    return strview_compare(*(const StrView *)a, *(const StrView *)b);
}

static Status produce_databases(const SystemSource *source, SystemRows *rows)
{
    enum { SYSTEM_DATABASES = 3 };
    uint32_t first = catalog_visible_from(source->catalog);
    uint32_t count = source->catalog->database_count - first;
    StrView *names = ARENA_NEW_ARRAY(source->arena, StrView, count + SYSTEM_DATABASES);
    for (uint32_t i = 0; i < count; i++)
        names[i] = source->catalog->databases[first + i]->name;
    for (uint64_t id = ACCESS_ID_INFORMATION_SCHEMA; id < ACCESS_ID_INFORMATION_SCHEMA + SYSTEM_DATABASES; id++) {
        if (access_sees_database(source->rights, source->catalog, id))
            names[count++] = strview(access_system_database_name(id));
    }
    qsort(names, count, sizeof(*names), by_name);
    for (uint32_t i = 0; i < count; i++) {
        system_put_text(rows, names[i]);
        TRY(system_end_row(rows));
    }
    return OK;
}

static const SystemColumn create_database_columns[] = {TEXT("Database"), TEXT("Create Database")};

static Status produce_create_database(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const AstName *name = &context->show->name;
    StrView wanted = name->parts[name->count - 1];
    if (!system_is_database(wanted)) {
        const CatalogDatabase *database;
        TRY(analyze_find_database(&context->analyze, wanted, &database));
        wanted = database->name;
    }
    system_put_text(rows, wanted);
    system_put_text(rows, show_text(context, "CREATE DATABASE `%.*s`", SV_ARGS(wanted)));
    return system_end_row(rows);
}

/* ---- tables ---- */

static Status produce_system_tables(const SystemSource *source, SystemRows *rows, StrView database)
{
    for (const SystemFamily *family = source->families; family->tables != NULL; family++) {
        for (uint32_t i = 0; strview_equal_ci(database, strview(family->database)) && i < family->count; i++) {
            system_put_word(rows, family->tables[i].name);
            system_put_word(rows, "SYSTEM VIEW");
            TRY(system_end_row(rows));
        }
    }
    return OK;
}

static StrView tables_database(const StatementContext *context)
{
    return context->show->database.length > 0 ? context->show->database : context->analyze.database;
}

static Status produce_tables(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const CatalogDatabase *database;
    if (system_is_database(tables_database(context)))
        return produce_system_tables(source, rows, tables_database(context));
    TRY(show_database(context, &database));
    for (uint32_t i = 0; i < catalog_table_count(database); i++) {
        bool is_view = catalog_table_at(database, i)->schema->kind != TABLE_BASE;
        if (catalog_table_at(database, i)->schema->kind != TABLE_VIEW && strview_is(context->show->what, "VIEWS"))
            continue;
        system_put_text(rows, catalog_table_at(database, i)->name);
        system_put_word(rows, is_view ? "VIEW" : "BASE TABLE");
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status produce_temporary_tables(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const CatalogDatabase *database;
    TRY(show_database(context, &database));
    const CatalogDatabase *home = catalog_hidden_database(source->catalog, STR_VIEW(CATALOG_TEMPORARY_TABLES));
    for (uint32_t t = 0; home != NULL && t < catalog_table_count(home); t++) {
        StrView name = catalog_shown_name(catalog_table_at(home, t));
        if (catalog_temporary_table(source->catalog, context->analyze.temporary_owner, database->id, name) != catalog_table_at(home, t))
            continue;
        system_put_text(rows, name);
        if (context->show->is_full)
            system_put_word(rows, "BASE TABLE");
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status run_tables(StatementContext *context, const AstStatement *statement)
{
    SystemColumn columns[] = {TEXT(""), TEXT("Table_type")};
    if (tables_database(context).length == 0)
        return RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
    columns[0].name = show_text(context, "Tables_in_%.*s", SV_ARGS(tables_database(context))).data;
    SystemTable table = {"rows", columns, context->show->is_full ? 2 : 1, context->show->is_temporary ? produce_temporary_tables : produce_tables};
    if (!system_is_database(tables_database(context))) {
        const CatalogDatabase *database;
        TRY(show_database(context, &database));
    }
    return show_rows(context, statement, &table, 0);
}

static const SystemColumn status_columns[] = {
    TEXT("Name"), TEXT("Engine"), NUMBER("Version"), TEXT("Row_format"), NUMBER("Rows"), NUMBER("Avg_row_length"), NUMBER("Data_length"),
    NUMBER("Max_data_length"), NUMBER("Index_length"), NUMBER("Data_free"), NUMBER("Auto_increment"), TIME("Create_time"), TIME("Update_time"),
    TIME("Check_time"), TEXT("Collation"), NUMBER("Checksum"), TEXT("Create_options"), TEXT("Comment")};

static Status put_status(SystemRows *rows, const CatalogTable *table)
{
    bool is_view = table->schema->kind == TABLE_VIEW;
    uint64_t count = table_row_count(table), bytes = table_byte_count(table);
    system_put_text(rows, table->name);
    system_put_word(rows, is_view ? NULL : "StarRocks");
    system_put_nulls(rows, 2);
    if (is_view) {
        system_put_nulls(rows, 3);
    } else {
        system_put_number(rows, (int64_t)count);
        system_put_number(rows, count == 0 ? 0 : (int64_t)(bytes / count));
        system_put_number(rows, (int64_t)bytes);
    }
    system_put_nulls(rows, 4);
    system_put_time(rows, table->created_us);
    system_put_time(rows, is_view ? 0 : table->updated_us);
    system_put_null(rows);
    system_put_word(rows, "utf8_general_ci");
    system_put_nulls(rows, 2);
    system_put_text(rows, is_view ? STR_VIEW("VIEW") : table->schema->comment.data == NULL ? STR_VIEW("") : table->schema->comment);
    return system_end_row(rows);
}

static Status produce_status(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database;
    if (system_is_database(tables_database(show_context(source))))
        return OK;
    TRY(show_database(show_context(source), &database));
    for (uint32_t i = 0; i < catalog_table_count(database); i++)
        TRY(put_status(rows, catalog_table_at(database, i)));
    return OK;
}

/* ---- columns ---- */

static const SystemColumn describe_columns[] = {TEXT("Field"), TEXT("Type"), TEXT("Null"), TEXT("Key"), TEXT("Default"), TEXT("Extra")};
static const SystemColumn full_columns[] = {TEXT("Field"), TEXT("Type"), TEXT("Collation"), TEXT("Null"), TEXT("Key"), TEXT("Default"),
                                            TEXT("Extra"), TEXT("Privileges"), TEXT("Comment")};
static const SystemColumn all_columns[] = {TEXT("IndexName"), TEXT("IndexKeysType"), TEXT("Field"), TEXT("Type"), TEXT("Null"), TEXT("Key"),
                                           TEXT("Default"), TEXT("Extra")};

typedef enum ColumnStyle { STYLE_DESCRIBE, STYLE_SHOW, STYLE_FULL, STYLE_FILTERED } ColumnStyle;

static void put_default(SystemRows *rows, const TableColumn *column)
{
    AUTO_BYTEBUF text = {0};
    catalog_print_default(column, &text);
    bool has_default = column->default_kind != DEFAULT_NONE && column->default_kind != DEFAULT_NULL;
    system_put_text(rows, has_default ? system_keep(rows, &text) : (StrView){0});
}

static const char *key_word(const TableSchema *schema, const TableColumn *column, ColumnStyle style)
{
    static const char *const kinds[] = {"DUP", "AGG", "UNI", "PRI"};
    bool is_key = column->is_key && schema->kind != TABLE_VIEW;
    if (style == STYLE_FILTERED)
        return is_key ? kinds[schema->keys_kind] : "";
    return style == STYLE_DESCRIBE ? (is_key ? "true" : "false") : is_key ? "YES" : "NO";
}

/* Columns of materialized views that are no keys say that they are not aggregated. */
static void put_extra(SystemRows *rows, const TableSchema *schema, const TableColumn *column, ColumnStyle style)
{
    bool is_plain = schema->kind == TABLE_MATERIALIZED_VIEW && !table_is_rollup(schema) && !column->is_key && column->aggregate.length == 0;
    if (column->is_auto_increment)
        system_put_word(rows, "AUTO_INCREMENT");
    else if (column->generated.length > 0)
        system_put_word(rows, "VIRTUAL GENERATED");
    else if (is_plain && style == STYLE_DESCRIBE)
        system_put_word(rows, "NONE");
    else
        system_put_text(rows, style == STYLE_FILTERED || column->aggregate.data == NULL ? STR_VIEW("") : column->aggregate);
}

/* DESC prints integers without the widths that SHOW CREATE and SHOW FULL COLUMNS give them: int, array<bigint>. */
static StrView plain_type(const SystemSource *source, StrView full)
{
    char *plain = arena_strndup(source->arena, full.data, full.length);
    size_t kept = 0;
    for (size_t i = 0; i < full.length; i++) {
        plain[kept++] = full.data[i];
        bool is_width = kept >= 4 && memcmp(plain + kept - 4, "int(", 4) == 0;
        if (!is_width)
            continue;
        kept--;
        while (i < full.length && full.data[i] != ')')
            i++;
    }
    return strview_n(plain, kept);
}

static Status put_column(const SystemSource *source, SystemRows *rows, const TableSchema *schema, const TableColumn *column, ColumnStyle style)
{
    StrView type = system_type_text(source->arena, column->type);
    if (style == STYLE_FILTERED) {
        size_t end = strview_find(type, STR_VIEW("("));
        type = strview_n(type.data, end == SIZE_MAX ? type.length : end);
    }
    system_put_text(rows, column->name);
    system_put_text(rows, style == STYLE_DESCRIBE ? plain_type(source, type) : type);
    if (style == STYLE_FULL)
        system_put_word(rows, type_is_string(column->type) ? "utf8_general_ci" : "");
    system_put_word(rows, column->is_nullable ? "YES" : "NO");
    system_put_word(rows, key_word(schema, column, style));
    put_default(rows, column);
    put_extra(rows, schema, column, style);
    if (style == STYLE_FULL) {
        system_put_word(rows, "");
        system_put_text(rows, column->comment.data == NULL ? STR_VIEW("") : column->comment);
    }
    return system_end_row(rows);
}

static Status put_schema(const SystemSource *source, SystemRows *rows, const TableSchema *schema, ColumnStyle style)
{
    for (uint32_t i = 0; i < schema->column_count; i++)
        TRY(put_column(source, rows, schema, &schema->columns[i], style));
    return OK;
}

/* The columns of a connector's table, as if it were a table of ours. */
static TableSchema *system_schema(StatementContext *context, const ConnectorTable *table)
{
    TableSchema *schema = ARENA_NEW(&context->arena, TableSchema);
    schema->columns = ARENA_NEW_ARRAY(&context->arena, TableColumn, MAX(table->column_count, 1u));
    schema->column_count = table->column_count;
    for (uint32_t i = 0; i < table->column_count; i++)
        schema->columns[i] = (TableColumn){.name = table->columns[i].name, .type = table->columns[i].type, .is_nullable = true};
    return schema;
}

static Status find_schema(StatementContext *context, const AstName *name, StrView from, const TableSchema **out)
{
    AstName full = *name;
    const CatalogDatabase *database;
    const CatalogTable *table;
    if (full.count == 1 && from.length > 0)
        full = (AstName){{from, name->parts[0]}, 2};
    if (full.count == 0)
        return RAISE(context->diag, SYNTAX, "the name of a table is missing");
    StrView where = full.count >= 2 ? full.parts[full.count - 2] : context->analyze.database;
    const Connector *connector = context->analyze.connector;
    const ConnectorTable *system = connector->find(connector->context, where, full.parts[full.count - 1], &context->arena);
    if (system != NULL) {
        *out = system_schema(context, system);
        return OK;
    }
    TRY(analyze_find_table(&context->analyze, &full, &database, &table));
    *out = table->schema;
    return OK;
}

static Status produce_columns(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const TableSchema *schema;
    TRY(find_schema(context, &context->show->name, context->show->database, &schema));
    ColumnStyle style = context->show->is_full ? STYLE_FULL : context->show->where != NULL ? STYLE_FILTERED : STYLE_SHOW;
    return put_schema(source, rows, schema, style);
}

static Status run_columns(StatementContext *context, const AstStatement *statement)
{
    SystemTable plain = {"rows", SYSTEM_COLUMNS(describe_columns), produce_columns};
    SystemTable full = {"rows", SYSTEM_COLUMNS(full_columns), produce_columns};
    return show_rows(context, statement, context->show->is_full ? &full : &plain, 0);
}

static Status produce_describe(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const TableSchema *schema;
    TRY(find_schema(context, &context->show->name, STR_VIEW(""), &schema));
    return put_schema(source, rows, schema, STYLE_DESCRIBE);
}

/* DESC t ALL: a block for each index; there is the base index alone. */
static Status produce_describe_all(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const AstName *name = &context->show->name;
    const TableSchema *schema;
    TRY(find_schema(context, name, STR_VIEW(""), &schema));
    for (uint32_t i = 0; i < schema->column_count; i++) {
        system_put_text(rows, i == 0 ? name->parts[name->count - 1] : STR_VIEW(""));
        system_put_word(rows, i == 0 ? catalog_keys_name(schema) : "");
        TRY(put_column(source, rows, schema, &schema->columns[i], STYLE_DESCRIBE));
    }
    return OK;
}

static const SystemColumn volume_columns[] = {TEXT("Name"), TEXT("Type"), TEXT("IsDefault"), TEXT("Location"), TEXT("Params"), TEXT("Enabled"),
                                              TEXT("Comment")};

Status run_describe(StatementContext *context, const AstStatement *statement)
{
    if (strview_is(statement->text, "FILES"))
        return run_describe_files(context, statement);
    SystemTable plain = {"rows", SYSTEM_COLUMNS(describe_columns), produce_describe};
    SystemTable all = {"rows", SYSTEM_COLUMNS(all_columns), produce_describe_all};
    SystemTable volume = {"rows", SYSTEM_COLUMNS(volume_columns), produce_volume};
    AstShow show = {.what = STR_VIEW("COLUMNS"), .name = statement->name, .pattern = statement->comment,
                    .has_pattern = statement->comment.length > 0};
    AstStatement as_show = *statement;
    as_show.show = &show;
    context->show = &show;
    if (strview_is(statement->text, "STORAGE VOLUME"))
        return show_rows(context, &as_show, &volume, SHOW_NO_PATTERN);
    if (statement->text.length > 0)
        return RAISE(context->diag, NOT_SUPPORTED, "DESC %.*s is not supported", SV_ARGS(statement->text));
    return show_rows(context, &as_show, statement->flag ? &all : &plain, statement->flag ? 2 : 0);
}

/* ---- CREATE ---- */

static const SystemColumn create_table_columns[] = {TEXT("Table"), TEXT("Create Table")};
static const SystemColumn create_view_columns[] = {TEXT("View"), TEXT("Create View"), TEXT("character_set_client"), TEXT("collation_connection")};

static Status produce_create(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    AUTO_BYTEBUF text = {0};
    TRY(show_find_table(show_context(source), &database, &table));
    catalog_print_create(table, &text);
    system_put_text(rows, table->name);
    system_put_text(rows, system_keep(rows, &text));
    system_put_word(rows, "utf8");
    system_put_word(rows, "utf8_general_ci");
    return system_end_row(rows);
}

static Status run_create(StatementContext *context, const AstStatement *statement)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    SystemTable of_table = {"rows", SYSTEM_COLUMNS(create_table_columns), produce_create};
    SystemTable of_view = {"rows", SYSTEM_COLUMNS(create_view_columns), produce_create};
    TRY(show_find_table(context, &database, &table));
    bool is_view = table->schema->kind == TABLE_VIEW;
    if (table->schema->kind == TABLE_MATERIALIZED_VIEW)
        return show_create_mv(context, table);
    if (!is_view && strview_is(context->show->what, "CREATE VIEW"))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: '%.*s.%.*s' is not VIEW.", SV_ARGS(database->name),
                     SV_ARGS(table->name));
    return show_rows(context, statement, is_view ? &of_view : &of_table, SHOW_NO_PATTERN);
}

static Status run_create_other(StatementContext *context, const AstStatement *statement)
{
    const AstName *name = &statement->show->name;
    return RAISE(context->diag, NO_SUCH_TABLE, "Table %.*s is not found", SV_ARGS(name->parts[name->count - 1]));
}

static const SystemColumn create_catalog_columns[] = {TEXT("Catalog"), TEXT("Create Catalog")};

static Status produce_create_catalog(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    StrView name = context->show->name.parts[0];
    if (!strview_is(name, "default_catalog"))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Unknown catalog '%.*s'.", SV_ARGS(name));
    system_put_text(rows, name);
    system_put_word(rows, "");
    return system_end_row(rows);
}

/* ---- indexes: key columns are no rows here, as in StarRocks ---- */

static const SystemColumn index_columns[] = {
    TEXT("Table"), TEXT("Non_unique"), TEXT("Key_name"), TEXT("Seq_in_index"), TEXT("Column_name"), TEXT("Collation"), TEXT("Cardinality"),
    TEXT("Sub_part"), TEXT("Packed"), TEXT("Null"), TEXT("Index_type"), TEXT("Comment")};

static Status produce_index(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const CatalogDatabase *database;
    const CatalogTable *table;
    TRY(show_find_table(context, &database, &table));
    const TableSchema *schema = table->schema;
    for (uint32_t i = 0; i < schema->index_count; i++) {
        const TableIndex *index = &schema->indexes[i];
        AUTO_BYTEBUF kind = {0};
        StrView column = {"", 0};
        for (uint32_t c = 0; c < schema->column_count; c++)
            column = schema->columns[c].unique_id == index->unique_id ? schema->columns[c].name : column;
        catalog_print_index_kind(index, &kind);
        system_put_text(rows, show_text(context, "%.*s.%.*s", SV_ARGS(database->name), SV_ARGS(table->name)));
        system_put_word(rows, "");
        system_put_text(rows, index->name);
        system_put_word(rows, "");
        system_put_text(rows, column);
        for (int e = 0; e < 5; e++)
            system_put_word(rows, "");
        system_put_text(rows, system_keep(rows, &kind));
        system_put_text(rows, index->comment);
        TRY(system_end_row(rows));
    }
    return OK;
}

static const ShowForm forms[] = {
    {"DATABASES", {"", SYSTEM_COLUMNS(databases_columns), produce_databases}, 0, NULL},
    {"SCHEMAS", {"", SYSTEM_COLUMNS(databases_columns), produce_databases}, 0, NULL},
    {"CREATE DATABASE", {"", SYSTEM_COLUMNS(create_database_columns), produce_create_database}, SHOW_NO_PATTERN, NULL},
    {"CREATE SCHEMA", {"", SYSTEM_COLUMNS(create_database_columns), produce_create_database}, SHOW_NO_PATTERN, NULL},
    {"TABLES", {0}, 0, run_tables},
    {"VIEWS", {0}, 0, run_tables},
    {"TABLE STATUS", {"", SYSTEM_COLUMNS(status_columns), produce_status}, 0, NULL},
    {"COLUMNS", {0}, 0, run_columns},
    {"FIELDS", {0}, 0, run_columns},
    {"CREATE TABLE", {0}, 0, run_create},
    {"CREATE VIEW", {0}, 0, run_create},
    {"CREATE ROUTINE LOAD", {0}, 0, run_create_other},
    {"CREATE CATALOG", {"", SYSTEM_COLUMNS(create_catalog_columns), produce_create_catalog}, SHOW_NO_PATTERN, NULL},
    {"INDEX", {"", SYSTEM_COLUMNS(index_columns), produce_index}, SHOW_NO_PATTERN, NULL},
    {"INDEXES", {"", SYSTEM_COLUMNS(index_columns), produce_index}, SHOW_NO_PATTERN, NULL},
    {"KEY", {"", SYSTEM_COLUMNS(index_columns), produce_index}, SHOW_NO_PATTERN, NULL},
    {"KEYS", {"", SYSTEM_COLUMNS(index_columns), produce_index}, SHOW_NO_PATTERN, NULL},
};

const ShowForms show_table_forms = {forms, COUNT_OF(forms)};
