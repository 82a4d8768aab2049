#include "connector/system_columns.h"

/* information_schema: databases, tables, columns, views, keys, partitions. */

#include "base/redact.h"
#include "meta/catalog_text.h"

typedef struct TableVisit {
    const SystemSource *source;
    SystemRows *rows;
    const CatalogDatabase *database;
    const CatalogTable *table;
} TableVisit;

static Status each_table(const SystemSource *source, SystemRows *rows, Status (*visit)(const TableVisit *visit))
{
    for (uint32_t d = catalog_visible_from(source->catalog); d < source->catalog->database_count; d++) {
        const CatalogDatabase *database = source->catalog->databases[d];
        for (uint32_t t = 0; t < catalog_table_count(database); t++) {
            TableVisit one = {source, rows, database, catalog_table_at(database, t)};
            TRY(visit(&one));
        }
    }
    return OK;
}

static bool is_view(const TableVisit *visit)
{
    return visit->table->schema->kind == TABLE_VIEW;
}

/* ---- schemata ---- */

static const SystemColumn schemata_columns[] = {TEXT("CATALOG_NAME"), TEXT("SCHEMA_NAME"), TEXT("DEFAULT_CHARACTER_SET_NAME"),
                                                TEXT("DEFAULT_COLLATION_NAME"), TEXT("SQL_PATH")};

static Status put_schema(SystemRows *rows, StrView name)
{
    system_put_word(rows, "def");
    system_put_text(rows, name);
    system_put_word(rows, "utf8");
    system_put_word(rows, "utf8_general_ci");
    return system_end_row(rows);
}

static Status produce_schemata(const SystemSource *source, SystemRows *rows)
{
    for (uint32_t d = catalog_visible_from(source->catalog); d < source->catalog->database_count; d++)
        TRY(put_schema(rows, source->catalog->databases[d]->name));
    for (uint64_t id = ACCESS_ID_INFORMATION_SCHEMA; access_system_database_name(id) != NULL; id++) {
        if (source->rights == NULL || access_sees_database(source->rights, source->catalog, id))
            TRY(put_schema(rows, strview(access_system_database_name(id))));
    }
    return OK;
}

static bool sees_family(const SystemSource *source, const SystemFamily *family)
{
    return source->rights == NULL || access_sees_database(source->rights, source->catalog, access_system_database(strview(family->database)));
}

/* ---- tables ---- */

static const SystemColumn tables_columns[] = {
    TEXT("TABLE_CATALOG"), TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"), TEXT("TABLE_TYPE"), TEXT("ENGINE"), NUMBER("VERSION"), TEXT("ROW_FORMAT"),
    NUMBER("TABLE_ROWS"), NUMBER("AVG_ROW_LENGTH"), NUMBER("DATA_LENGTH"), NUMBER("MAX_DATA_LENGTH"), NUMBER("INDEX_LENGTH"), NUMBER("DATA_FREE"),
    NUMBER("AUTO_INCREMENT"), TIME("CREATE_TIME"), TIME("UPDATE_TIME"), TIME("CHECK_TIME"), TEXT("TABLE_COLLATION"), NUMBER("CHECKSUM"),
    TEXT("CREATE_OPTIONS"), TEXT("TABLE_COMMENT")};

static Status put_table(const TableVisit *visit)
{
    SystemRows *rows = visit->rows;
    const CatalogTable *table = visit->table;
    uint64_t count = table_row_count(table), bytes = table_byte_count(table);
    system_put_word(rows, "def");
    system_put_text(rows, visit->database->name);
    system_put_text(rows, table->name);
    system_put_word(rows, is_view(visit) ? "VIEW" : "BASE TABLE");
    system_put_word(rows, is_view(visit) ? "" : "StarRocks");
    system_put_nulls(rows, 2);
    if (is_view(visit)) {
        system_put_nulls(rows, 3);
    } else {
        system_put_number(rows, (int64_t)count);
        system_put_number(rows, count == 0 ? 0 : (int64_t)(bytes / count));
        system_put_number(rows, (int64_t)bytes);
    }
    system_put_nulls(rows, 4);
    system_put_time(rows, table->created_us);
    system_put_time(rows, is_view(visit) ? 0 : table->updated_us);
    system_put_null(rows);
    system_put_word(rows, "utf8_general_ci");
    system_put_nulls(rows, 2);
    system_put_text(rows, table->schema->comment.data == NULL ? STR_VIEW("") : table->schema->comment);
    return system_end_row(rows);
}

static Status put_system_table(SystemRows *rows, const SystemFamily *family, const SystemTable *table)
{
    system_put_word(rows, "def");
    system_put_word(rows, family->database);
    system_put_word(rows, table->name);
    system_put_word(rows, "SYSTEM VIEW");
    system_put_word(rows, "MEMORY");
    system_put_nulls(rows, 12);
    system_put_word(rows, "utf8_general_ci");
    system_put_nulls(rows, 2);
    system_put_word(rows, "");
    return system_end_row(rows);
}

static Status produce_tables(const SystemSource *source, SystemRows *rows)
{
    TRY(each_table(source, rows, put_table));
    for (const SystemFamily *family = source->families; family->tables != NULL; family++) {
        for (uint32_t i = 0; sees_family(source, family) && i < family->count; i++)
            TRY(put_system_table(rows, family, &family->tables[i]));
    }
    return OK;
}

/* ---- columns ---- */

static const SystemColumn columns_columns[] = {
    TEXT("TABLE_CATALOG"), TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"), TEXT("COLUMN_NAME"), NUMBER("ORDINAL_POSITION"), TEXT("COLUMN_DEFAULT"),
    TEXT("IS_NULLABLE"), TEXT("DATA_TYPE"), NUMBER("CHARACTER_MAXIMUM_LENGTH"), NUMBER("CHARACTER_OCTET_LENGTH"), NUMBER("NUMERIC_PRECISION"),
    NUMBER("NUMERIC_SCALE"), NUMBER("DATETIME_PRECISION"), TEXT("CHARACTER_SET_NAME"), TEXT("COLLATION_NAME"), TEXT("COLUMN_TYPE"),
    TEXT("COLUMN_KEY"), TEXT("EXTRA"), TEXT("PRIVILEGES"), TEXT("COLUMN_COMMENT"), NUMBER("COLUMN_SIZE"), NUMBER("DECIMAL_DIGITS"),
    TEXT("GENERATION_EXPRESSION"), NUMBER("SRS_ID")};

typedef struct ColumnFacts {
    StrView name;
    Type type;
    bool is_nullable, is_key;
    uint8_t keys_kind;
    const TableColumn *column; /* NULL: of a system table */
} ColumnFacts;

/* Decimal digits of integers and floats, as drivers ask for them. */
static int64_t digits_of(Type type)
{
    static const uint8_t digits[] = {[TYPE_BOOLEAN] = 1, [TYPE_TINYINT] = 3, [TYPE_SMALLINT] = 5, [TYPE_INT] = 10, [TYPE_BIGINT] = 19,
                                     [TYPE_LARGEINT] = 39, [TYPE_FLOAT] = 7, [TYPE_DOUBLE] = 15};
    return type.kind == TYPE_DECIMAL ? type.precision : type.kind < COUNT_OF(digits) ? digits[type.kind] : 0;
}

static void put_sizes(SystemRows *rows, Type type)
{
    bool is_text = type_is_string(type) || type.kind == TYPE_VARBINARY;
    bool is_number = type_is_numeric(type);
    if (is_text) {
        system_put_number(rows, type.length);
        system_put_number(rows, type.length);
    } else {
        system_put_nulls(rows, 2);
    }
    if (is_number) {
        system_put_number(rows, digits_of(type));
        system_put_number(rows, type.kind == TYPE_DECIMAL ? type.scale : 0);
    } else {
        system_put_nulls(rows, 2);
    }
    if (type.kind == TYPE_DATETIME)
        system_put_number(rows, 0);
    else
        system_put_null(rows);
    system_put_text(rows, is_text ? STR_VIEW("utf8") : (StrView){0});
    system_put_text(rows, is_text ? STR_VIEW("utf8_general_ci") : (StrView){0});
}

static StrView key_word(const ColumnFacts *facts)
{
    static const char *const words[] = {"DUP", "AGG", "UNI", "PRI"};
    return facts->is_key ? strview(words[facts->keys_kind]) : STR_VIEW("");
}

static Status put_column(const SystemSource *source, SystemRows *rows, StrView database, StrView table, uint32_t ordinal, const ColumnFacts *facts)
{
    StrView full = system_type_text(source->arena, facts->type);
    size_t end = 0;
    while (end < full.length && full.data[end] != '(' && full.data[end] != '<')
        end++;
    AUTO_BYTEBUF text = {0};
    if (facts->column != NULL)
        catalog_print_default(facts->column, &text);
    bool has_default = facts->column != NULL && facts->column->default_kind != DEFAULT_NONE && facts->column->default_kind != DEFAULT_NULL;
    system_put_word(rows, "def");
    system_put_text(rows, database);
    system_put_text(rows, table);
    system_put_text(rows, facts->name);
    system_put_number(rows, ordinal);
    system_put_text(rows, has_default ? system_keep(rows, &text) : (StrView){0});
    system_put_word(rows, facts->is_nullable ? "YES" : "NO");
    system_put_text(rows, strview_n(full.data, end));
    put_sizes(rows, facts->type);
    system_put_text(rows, full);
    system_put_text(rows, key_word(facts));
    system_put_word(rows, facts->column != NULL && facts->column->is_auto_increment ? "auto_increment" : "");
    system_put_word(rows, "");
    system_put_text(rows, facts->column == NULL || facts->column->comment.data == NULL ? STR_VIEW("") : facts->column->comment);
    if (type_is_numeric(facts->type))
        system_put_number(rows, digits_of(facts->type));
    else if (facts->type.length > 0)
        system_put_number(rows, facts->type.length);
    else
        system_put_null(rows);
    if (facts->type.kind == TYPE_DECIMAL)
        system_put_number(rows, facts->type.scale);
    else
        system_put_null(rows);
    system_put_text(rows, facts->column != NULL && facts->column->generated.length > 0 ? facts->column->generated : (StrView){0});
    return system_end_row(rows);
}

static Status put_columns(const TableVisit *visit)
{
    const TableSchema *schema = visit->table->schema;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const TableColumn *column = &schema->columns[i];
        ColumnFacts facts = {column->name, column->type, column->is_nullable, column->is_key && schema->kind != TABLE_VIEW, schema->keys_kind, column};
        TRY(put_column(visit->source, visit->rows, visit->database->name, visit->table->name, i + 1, &facts));
    }
    return OK;
}

static Status produce_columns(const SystemSource *source, SystemRows *rows)
{
    TRY(each_table(source, rows, put_columns));
    for (const SystemFamily *family = source->families; family->tables != NULL; family++) {
        for (uint32_t t = 0; sees_family(source, family) && t < family->count; t++) {
            for (uint32_t c = 0; c < family->tables[t].column_count; c++) {
                const SystemColumn *column = &family->tables[t].columns[c];
                ColumnFacts facts = {.name = strview(column->name), .type = system_column_type(column), .is_nullable = true};
                TRY(put_column(source, rows, strview(family->database), strview(family->tables[t].name), c + 1, &facts));
            }
        }
    }
    return OK;
}

/* ---- views ---- */

static const SystemColumn views_columns[] = {TEXT("TABLE_CATALOG"), TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"), TEXT("VIEW_DEFINITION"),
                                             TEXT("CHECK_OPTION"), TEXT("IS_UPDATABLE"), TEXT("DEFINER"), TEXT("SECURITY_TYPE"),
                                             TEXT("CHARACTER_SET_CLIENT"), TEXT("COLLATION_CONNECTION")};

static Status put_view(const TableVisit *visit)
{
    SystemRows *rows = visit->rows;
    if (!is_view(visit))
        return OK;
    system_put_word(rows, "def");
    system_put_text(rows, visit->database->name);
    system_put_text(rows, visit->table->name);
    system_put_text(rows, redact_definition(visit->table->schema->view_sql, visit->source->arena));
    system_put_word(rows, "NONE");
    system_put_word(rows, "NO");
    system_put_word(rows, "root");
    system_put_word(rows, "NONE");
    system_put_word(rows, "utf8");
    system_put_word(rows, "utf8_general_ci");
    return system_end_row(rows);
}

static Status produce_views(const SystemSource *source, SystemRows *rows)
{
    return each_table(source, rows, put_view);
}

/* ---- tables_config ---- */

static const SystemColumn config_columns[] = {TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"), TEXT("TABLE_ENGINE"), TEXT("TABLE_MODEL"),
                                              TEXT("PRIMARY_KEY"), TEXT("PARTITION_KEY"), TEXT("DISTRIBUTE_KEY"), TEXT("DISTRIBUTE_TYPE"),
                                              NUMBER("DISTRIBUTE_BUCKET"), TEXT("SORT_KEY"), TEXT("PROPERTIES"), NUMBER("TABLE_ID")};

static StrView properties_json(const TableVisit *visit)
{
    AUTO_BYTEBUF text = {0};
    Property *properties;
    uint32_t count = catalog_properties(visit->table->schema, visit->source->arena, &properties);
    bytebuf_append_char(&text, '{');
    for (uint32_t i = 0; i < count; i++)
        bytebuf_printf(&text, "%s\"%.*s\":\"%.*s\"", i > 0 ? "," : "", SV_ARGS(properties[i].key), SV_ARGS(properties[i].value));
    bytebuf_append_char(&text, '}');
    return system_keep(visit->rows, &text);
}

static void put_names(SystemRows *rows, const TableSchema *schema, const uint32_t *positions, uint32_t count)
{
    AUTO_BYTEBUF text = {0};
    catalog_print_columns(schema, positions, count, &text);
    system_put_text(rows, system_keep(rows, &text));
}

static Status put_config(const TableVisit *visit)
{
    SystemRows *rows = visit->rows;
    const TableSchema *schema = visit->table->schema;
    AUTO_BYTEBUF key = {0};
    if (is_view(visit))
        return OK;
    catalog_print_partition_key(schema, &key);
    bool has_unique_key = schema->keys_kind == KEYS_PRIMARY || schema->keys_kind == KEYS_UNIQUE;
    system_put_text(rows, visit->database->name);
    system_put_text(rows, visit->table->name);
    system_put_word(rows, "CLOUD_NATIVE");
    system_put_word(rows, catalog_keys_name(schema));
    put_names(rows, schema, NULL, has_unique_key ? schema->key_count : 0);
    system_put_text(rows, system_keep(rows, &key));
    put_names(rows, schema, schema->bucket_columns, schema->is_random ? 0 : schema->bucket_column_count);
    system_put_word(rows, schema->is_random ? "RANDOM" : "HASH");
    system_put_number(rows, schema->buckets);
    put_names(rows, schema, schema->sort_columns, schema->sort_count);
    system_put_text(rows, properties_json(visit));
    system_put_number(rows, (int64_t)visit->table->id);
    return system_end_row(rows);
}

static Status produce_config(const SystemSource *source, SystemRows *rows)
{
    return each_table(source, rows, put_config);
}

/* ---- keys ---- */

static const SystemColumn constraints_columns[] = {TEXT("CONSTRAINT_CATALOG"), TEXT("CONSTRAINT_SCHEMA"), TEXT("CONSTRAINT_NAME"),
                                                   TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"), TEXT("CONSTRAINT_TYPE")};
static const SystemColumn usage_columns[] = {
    TEXT("CONSTRAINT_CATALOG"), TEXT("CONSTRAINT_SCHEMA"), TEXT("CONSTRAINT_NAME"), TEXT("TABLE_CATALOG"), TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"),
    TEXT("COLUMN_NAME"), NUMBER("ORDINAL_POSITION"), NUMBER("POSITION_IN_UNIQUE_CONSTRAINT"), TEXT("REFERENCED_TABLE_SCHEMA"),
    TEXT("REFERENCED_TABLE_NAME"), TEXT("REFERENCED_COLUMN_NAME")};

static bool has_constraint(const TableVisit *visit)
{
    return !is_view(visit) && (visit->table->schema->keys_kind == KEYS_PRIMARY || visit->table->schema->keys_kind == KEYS_UNIQUE);
}

static const char *constraint_name(const TableVisit *visit)
{
    return visit->table->schema->keys_kind == KEYS_PRIMARY ? "PRIMARY" : "UNIQUE";
}

static Status put_constraint(const TableVisit *visit)
{
    SystemRows *rows = visit->rows;
    if (!has_constraint(visit))
        return OK;
    system_put_word(rows, "def");
    system_put_text(rows, visit->database->name);
    system_put_word(rows, constraint_name(visit));
    system_put_text(rows, visit->database->name);
    system_put_text(rows, visit->table->name);
    system_put_word(rows, visit->table->schema->keys_kind == KEYS_PRIMARY ? "PRIMARY KEY" : "UNIQUE");
    return system_end_row(rows);
}

static Status put_usage(const TableVisit *visit)
{
    SystemRows *rows = visit->rows;
    for (uint32_t i = 0; has_constraint(visit) && i < visit->table->schema->key_count; i++) {
        system_put_word(rows, "def");
        system_put_text(rows, visit->database->name);
        system_put_word(rows, constraint_name(visit));
        system_put_word(rows, "def");
        system_put_text(rows, visit->database->name);
        system_put_text(rows, visit->table->name);
        system_put_text(rows, visit->table->schema->columns[i].name);
        system_put_number(rows, i + 1);
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status produce_constraints(const SystemSource *source, SystemRows *rows)
{
    return each_table(source, rows, put_constraint);
}

static Status produce_usage(const SystemSource *source, SystemRows *rows)
{
    return each_table(source, rows, put_usage);
}

/* ---- tables that say what is not there ---- */

static const SystemColumn references_columns[] = {
    TEXT("CONSTRAINT_CATALOG"), TEXT("CONSTRAINT_SCHEMA"), TEXT("CONSTRAINT_NAME"), TEXT("UNIQUE_CONSTRAINT_CATALOG"),
    TEXT("UNIQUE_CONSTRAINT_SCHEMA"), TEXT("UNIQUE_CONSTRAINT_NAME"), TEXT("MATCH_OPTION"), TEXT("UPDATE_RULE"), TEXT("DELETE_RULE"),
    TEXT("TABLE_NAME"), TEXT("REFERENCED_TABLE_NAME")};
static const SystemColumn statistics_columns[] = {
    TEXT("TABLE_CATALOG"), TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"), NUMBER("NON_UNIQUE"), TEXT("INDEX_SCHEMA"), TEXT("INDEX_NAME"),
    NUMBER("SEQ_IN_INDEX"), TEXT("COLUMN_NAME"), TEXT("COLLATION"), NUMBER("CARDINALITY"), NUMBER("SUB_PART"), TEXT("PACKED"), TEXT("NULLABLE"),
    TEXT("INDEX_TYPE"), TEXT("COMMENT"), TEXT("INDEX_COMMENT")};
static const SystemColumn routines_columns[] = {
    TEXT("SPECIFIC_NAME"), TEXT("ROUTINE_CATALOG"), TEXT("ROUTINE_SCHEMA"), TEXT("ROUTINE_NAME"), TEXT("ROUTINE_TYPE"), TEXT("DTD_IDENTIFIER"),
    TEXT("ROUTINE_BODY"), TEXT("ROUTINE_DEFINITION"), TEXT("EXTERNAL_NAME"), TEXT("EXTERNAL_LANGUAGE"), TEXT("PARAMETER_STYLE"),
    TEXT("IS_DETERMINISTIC"), TEXT("SQL_DATA_ACCESS"), TEXT("SQL_PATH"), TEXT("SECURITY_TYPE"), TIME("CREATED"), TIME("LAST_ALTERED"),
    TEXT("SQL_MODE"), TEXT("ROUTINE_COMMENT"), TEXT("DEFINER"), TEXT("CHARACTER_SET_CLIENT"), TEXT("COLLATION_CONNECTION"),
    TEXT("DATABASE_COLLATION")};
static const SystemColumn events_columns[] = {
    TEXT("EVENT_CATALOG"), TEXT("EVENT_SCHEMA"), TEXT("EVENT_NAME"), TEXT("DEFINER"), TEXT("TIME_ZONE"), TEXT("EVENT_BODY"), TEXT("EVENT_DEFINITION"),
    TEXT("EVENT_TYPE"), TIME("EXECUTE_AT"), TEXT("INTERVAL_VALUE"), TEXT("INTERVAL_FIELD"), TEXT("SQL_MODE"), TIME("STARTS"), TIME("ENDS"),
    TEXT("STATUS"), TEXT("ON_COMPLETION"), TIME("CREATED"), TIME("LAST_ALTERED"), TIME("LAST_EXECUTED"), TEXT("EVENT_COMMENT"),
    NUMBER("ORIGINATOR"), TEXT("CHARACTER_SET_CLIENT"), TEXT("COLLATION_CONNECTION"), TEXT("DATABASE_COLLATION")};
static const SystemColumn triggers_columns[] = {
    TEXT("TRIGGER_CATALOG"), TEXT("TRIGGER_SCHEMA"), TEXT("TRIGGER_NAME"), TEXT("EVENT_MANIPULATION"), TEXT("EVENT_OBJECT_CATALOG"),
    TEXT("EVENT_OBJECT_SCHEMA"), TEXT("EVENT_OBJECT_TABLE"), NUMBER("ACTION_ORDER"), TEXT("ACTION_CONDITION"), TEXT("ACTION_STATEMENT"),
    TEXT("ACTION_ORIENTATION"), TEXT("ACTION_TIMING"), TEXT("ACTION_REFERENCE_OLD_TABLE"), TEXT("ACTION_REFERENCE_NEW_TABLE"),
    TEXT("ACTION_REFERENCE_OLD_ROW"), TEXT("ACTION_REFERENCE_NEW_ROW"), TIME("CREATED"), TEXT("SQL_MODE"), TEXT("DEFINER"),
    TEXT("CHARACTER_SET_CLIENT"), TEXT("COLLATION_CONNECTION"), TEXT("DATABASE_COLLATION")};
static const SystemColumn temporary_columns[] = {
    TEXT("TABLE_CATALOG"), TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"), TEXT("SESSION"), TEXT("TABLE_TYPE"), TEXT("ENGINE"), NUMBER("VERSION"),
    TEXT("ROW_FORMAT"), NUMBER("TABLE_ROWS"), NUMBER("AVG_ROW_LENGTH"), NUMBER("DATA_LENGTH"), NUMBER("MAX_DATA_LENGTH"), NUMBER("INDEX_LENGTH"),
    NUMBER("DATA_FREE"), NUMBER("AUTO_INCREMENT"), TIME("CREATE_TIME"), TIME("UPDATE_TIME"), TIME("CHECK_TIME"), TEXT("TABLE_COLLATION"),
    NUMBER("CHECKSUM"), TEXT("CREATE_OPTIONS"), TEXT("TABLE_COMMENT"), TEXT("WAREHOUSE")};
static const SystemColumn recyclebin_columns[] = {TEXT("TYPE"), TEXT("NAME"), NUMBER("DB_ID"), NUMBER("TABLE_ID"), NUMBER("PARTITION_ID"),
                                                  TIME("DROP_TIME")};

static const SystemTable tables[] = {
    {"schemata", SYSTEM_COLUMNS(schemata_columns), produce_schemata},
    {"tables", SYSTEM_COLUMNS(tables_columns), produce_tables},
    {"columns", SYSTEM_COLUMNS(columns_columns), produce_columns},
    {"views", SYSTEM_COLUMNS(views_columns), produce_views},
    {"tables_config", SYSTEM_COLUMNS(config_columns), produce_config},
    {"table_constraints", SYSTEM_COLUMNS(constraints_columns), produce_constraints},
    {"key_column_usage", SYSTEM_COLUMNS(usage_columns), produce_usage},
    {"referential_constraints", SYSTEM_COLUMNS(references_columns), NULL},
    {"statistics", SYSTEM_COLUMNS(statistics_columns), NULL},
    {"routines", SYSTEM_COLUMNS(routines_columns), NULL},
    {"events", SYSTEM_COLUMNS(events_columns), NULL},
    {"triggers", SYSTEM_COLUMNS(triggers_columns), NULL},
    {"temp_tables", SYSTEM_COLUMNS(temporary_columns), NULL},
    {"recyclebin_catalogs", SYSTEM_COLUMNS(recyclebin_columns), NULL},
};

const SystemFamily system_catalog_family = {"information_schema", tables, COUNT_OF(tables)};
