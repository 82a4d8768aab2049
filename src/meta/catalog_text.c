#include "meta/catalog_text.h"

#include <ctype.h>

#include "base/redact.h"

void catalog_print_columns(const TableSchema *schema, const uint32_t *positions, uint32_t count, ByteBuf *out)
{
    for (uint32_t i = 0; i < count; i++)
        bytebuf_printf(out, "%s`%.*s`", i > 0 ? ", " : "", SV_ARGS(schema->columns[positions == NULL ? i : positions[i]].name));
}

void catalog_print_partition_key(const TableSchema *schema, ByteBuf *out)
{
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        bool is_column = table_column_index(schema, schema->partition_exprs[i]) >= 0;
        bytebuf_printf(out, is_column ? "%s`%.*s`" : "%s%.*s", i > 0 ? ", " : "", SV_ARGS(schema->partition_exprs[i]));
    }
}

const char *catalog_keys_name(const TableSchema *schema)
{
    static const char *const names[] = {"DUP_KEYS", "AGG_KEYS", "UNIQUE_KEYS", "PRIMARY_KEYS"};
    return names[schema->keys_kind];
}

/* ---- partitions ---- */

static void print_value(Type type, const Datum *value, char quote, ByteBuf *out)
{
    AUTO_BYTEBUF text = {0};
    if (value->is_null) {
        bytebuf_append_text(out, "NULL");
        return;
    }
    datum_print(type, value, &text);
    bytebuf_append_quoted(out, bytebuf_view(&text), quote);
}

/* What stands for "from the beginning" in a range. */
static const char *least_value(Type type)
{
    switch ((TypeKind)type.kind) {
    case TYPE_TINYINT:
        return "-128";
    case TYPE_SMALLINT:
        return "-32768";
    case TYPE_INT:
        return "-2147483648";
    case TYPE_BIGINT:
        return "-9223372036854775808";
    case TYPE_LARGEINT:
        return "-170141183460469231731687303715884105728";
    case TYPE_DATE:
        return "0000-01-01";
    case TYPE_DATETIME:
        return "0000-01-01 00:00:00";
    default:
        return "";
    }
}

static void print_bound(const TableSchema *schema, const Datum *bound, bool has_bound, bool is_low, ByteBuf *out)
{
    bytebuf_append_char(out, '(');
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        if (i > 0)
            bytebuf_append_text(out, ", ");
        if (has_bound && !bound[i].is_null)
            print_value(schema->partition_types[i], &bound[i], '"', out);
        else if (is_low)
            bytebuf_printf(out, "\"%s\"", least_value(schema->partition_types[i]));
        else
            bytebuf_append_text(out, "MAXVALUE");
    }
    bytebuf_append_char(out, ')');
}

static void print_value_rows(const TableSchema *schema, const CatalogPartition *partition, ByteBuf *out)
{
    uint32_t columns = schema->partition_column_count;
    bytebuf_append_char(out, '(');
    for (uint32_t r = 0; r < partition->value_rows; r++) {
        bytebuf_append_text(out, r > 0 ? ", " : "");
        bytebuf_append_text(out, columns > 1 ? "(" : "");
        for (uint32_t i = 0; i < columns; i++) {
            bytebuf_append_text(out, i > 0 ? ", " : "");
            print_value(schema->partition_types[i], &partition->values[r * columns + i], '\'', out);
        }
        bytebuf_append_text(out, columns > 1 ? ")" : "");
    }
    bytebuf_append_char(out, ')');
}

static void print_types(const TableSchema *schema, ByteBuf *out)
{
    bytebuf_append_text(out, "types: [");
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        AUTO_BYTEBUF text = {0};
        type_print_sql(schema->partition_types[i], &text);
        size_t length = 0;
        while (length < text.length && text.data[length] != '(')
            length++;
        bytebuf_append_text(out, i > 0 ? ", " : "");
        for (size_t c = 0; c < length; c++)
            bytebuf_append_char(out, (char)toupper((unsigned char)text.data[c]));
    }
    bytebuf_append_text(out, "]; keys: [");
}

static void print_range_end(const TableSchema *schema, const Datum *bound, bool has_bound, bool is_low, ByteBuf *out)
{
    print_types(schema, out);
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        bytebuf_append_text(out, i > 0 ? ", " : "");
        if (has_bound && !bound[i].is_null)
            datum_print(schema->partition_types[i], &bound[i], out);
        else
            bytebuf_append_text(out, is_low ? least_value(schema->partition_types[i]) : "MAXVALUE");
    }
    bytebuf_append_text(out, "]; ");
}

void catalog_print_bounds(const TableSchema *schema, const CatalogPartition *partition, ByteBuf *out)
{
    if (schema->scheme == PARTITION_NONE)
        return;
    if (!table_has_ranges(schema)) {
        print_value_rows(schema, partition, out);
        return;
    }
    bytebuf_append_char(out, '[');
    print_range_end(schema, partition->low, partition->has_low, true, out);
    bytebuf_append_text(out, "..");
    print_range_end(schema, partition->high, partition->has_high, false, out);
    bytebuf_append_char(out, ')');
}

static bool begins_before(const TableSchema *schema, const CatalogPartition *a, const CatalogPartition *b)
{
    if (!a->has_low || !b->has_low)
        return !a->has_low && b->has_low;
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        int order = datum_compare(schema->partition_types[i], &a->low[i], &b->low[i]);
        if (order != 0)
            return order < 0;
    }
    return false;
}

/* Ranges in their order, lists in that of their making. */
static const CatalogPartition **ordered_partitions(const CatalogTable *table, Arena *arena)
{
    const CatalogPartition **list = ARENA_NEW_ARRAY(arena, const CatalogPartition *, table->partition_count + 1);
    for (uint32_t i = 0; i < table->partition_count; i++) {
        uint32_t at = i;
        for (; table_has_ranges(table->schema) && at > 0 && begins_before(table->schema, table->partitions[i], list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = table->partitions[i];
    }
    return list;
}

static void print_partition_list(const CatalogTable *table, ByteBuf *out)
{
    AUTO_ARENA arena;
    const TableSchema *schema = table->schema;
    arena_init(&arena, NULL);
    const CatalogPartition **partitions = ordered_partitions(table, &arena);
    bytebuf_append_char(out, '(');
    for (uint32_t i = 0; i < table->partition_count; i++) {
        const CatalogPartition *partition = partitions[i];
        bytebuf_printf(out, "%sPARTITION %.*s VALUES ", i > 0 ? ",\n" : "", SV_ARGS(partition->name));
        if (schema->scheme == PARTITION_LIST) {
            bytebuf_append_text(out, "IN ");
            print_value_rows(schema, partition, out);
            continue;
        }
        bytebuf_append_char(out, '[');
        print_bound(schema, partition->low, partition->has_low, true, out);
        bytebuf_append_text(out, ", ");
        print_bound(schema, partition->high, partition->has_high, false, out);
        bytebuf_append_char(out, ')');
    }
    bytebuf_append_char(out, ')');
}

static void print_partitions(const CatalogTable *table, ByteBuf *out)
{
    const TableSchema *schema = table->schema;
    if (schema->scheme == PARTITION_NONE)
        return;
    bool is_expression = schema->partition_column_count == 1 && table_column_index(schema, schema->partition_exprs[0]) < 0;
    bool is_made_on_load = schema->scheme == PARTITION_EXPRESSION;
    static const char *const schemes[] = {"", "PARTITION BY RANGE", "PARTITION BY LIST", "PARTITION BY "};
    bytebuf_append_text(out, schemes[schema->scheme]);
    bytebuf_append_text(out, is_made_on_load && is_expression ? "" : "(");
    catalog_print_partition_key(schema, out);
    bytebuf_append_text(out, is_made_on_load && is_expression ? "\n" : ")\n");
    if (is_made_on_load)
        return;
    print_partition_list(table, out);
    bytebuf_append_char(out, '\n');
}

/* ---- columns and properties ---- */

void catalog_print_default(const TableColumn *column, ByteBuf *out)
{
    if (column->default_kind == DEFAULT_LITERAL || column->default_kind == DEFAULT_EXPRESSION)
        bytebuf_append_view(out, column->default_text);
    if (column->default_kind == DEFAULT_NOW)
        bytebuf_append_text(out, "CURRENT_TIMESTAMP");
}

static void print_upper(StrView text, ByteBuf *out)
{
    bytebuf_append_char(out, ' ');
    for (size_t i = 0; i < text.length; i++)
        bytebuf_append_char(out, (char)toupper((unsigned char)text.data[i]));
}

static void print_column(const TableColumn *column, ByteBuf *out)
{
    bytebuf_printf(out, "  `%.*s` ", SV_ARGS(column->name));
    if (type_is_state(column->type))
        type_state_print(column->type, out);
    else
        type_print_sql(column->type, out);
    if (column->aggregate.length > 0 && !type_is_state(column->type))
        print_upper(column->aggregate, out);
    bytebuf_append_text(out, column->is_nullable ? " NULL" : " NOT NULL");
    if (column->is_auto_increment)
        bytebuf_append_text(out, " AUTO_INCREMENT");
    if (column->default_kind == DEFAULT_LITERAL) {
        bytebuf_append_text(out, " DEFAULT ");
        bytebuf_append_quoted(out, column->default_text, '"');
    } else if (column->default_kind == DEFAULT_EXPRESSION && column->type.kind >= TYPE_BITMAP) {
        bytebuf_append_text(out, " DEFAULT \"\"");
    } else if (column->default_kind == DEFAULT_EXPRESSION) {
        bytebuf_printf(out, " DEFAULT (%.*s)", SV_ARGS(column->default_text));
    } else if (column->default_kind == DEFAULT_NOW) {
        bytebuf_append_text(out, " DEFAULT CURRENT_TIMESTAMP");
    }
    if (column->generated.length > 0)
        bytebuf_printf(out, " AS %.*s", SV_ARGS(column->generated));
    bytebuf_append_text(out, " COMMENT ");
    bytebuf_append_quoted(out, column->comment, '"');
}

static Property upper_codec(Arena *arena, Property property)
{
    char *upper = arena_strndup(arena, property.value.data, property.value.length);
    size_t kept = 0;
    for (size_t i = 0; i < property.value.length; i++) {
        if (upper[i] != ' ')
            upper[kept++] = (char)toupper((unsigned char)upper[i]);
    }
    return (Property){property.key, strview_n(upper, kept)};
}

static void set_property(Property *list, uint32_t *count, Property property, bool replaces)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (!strview_equal_ci(list[i].key, property.key))
            continue;
        if (replaces)
            list[i] = property;
        return;
    }
    uint32_t at = *count;
    for (; at > 0 && strview_compare(list[at - 1].key, property.key) > 0; at--)
        list[at] = list[at - 1];
    list[at] = property;
    ++*count;
}

/* Accepted and without meaning; StarRocks leaves them out as well. */
static bool is_hidden(StrView key)
{
    static const char *const names[] = {"in_memory", "storage_format", "light_schema_change", "version_info", "tablet_type"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strview_equal_ci(key, strview(names[i])))
            return true;
    }
    return false;
}

uint32_t catalog_properties(const TableSchema *schema, Arena *arena, Property **out_properties)
{
    static const char *const implied[][2] = {
        {"compression", "LZ4"}, {"fast_schema_evolution", "true"}, {"replicated_storage", "true"}, {"replication_num", "1"}};
    Property *list = ARENA_NEW_ARRAY(arena, Property, schema->property_count + COUNT_OF(implied) + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < schema->property_count; i++) {
        bool is_codec = strview_equal_ci(schema->properties[i].key, STR_VIEW("compression"));
        if (!is_hidden(schema->properties[i].key))
            set_property(list, &count, is_codec ? upper_codec(arena, schema->properties[i]) : schema->properties[i], true);
    }
    for (size_t i = 0; i < COUNT_OF(implied); i++)
        set_property(list, &count, (Property){strview(implied[i][0]), strview(implied[i][1])}, false);
    if (schema->keys_kind == KEYS_PRIMARY)
        set_property(list, &count, (Property){STR_VIEW("enable_persistent_index"), STR_VIEW("true")}, false);
    *out_properties = list;
    return count;
}

static void print_properties(const TableSchema *schema, ByteBuf *out)
{
    AUTO_ARENA arena;
    Property *properties;
    arena_init(&arena, NULL);
    uint32_t count = catalog_properties(schema, &arena, &properties);
    bytebuf_append_text(out, "PROPERTIES (\n");
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_append_quoted(out, properties[i].key, '"');
        bytebuf_append_text(out, " = ");
        bytebuf_append_quoted(out, properties[i].value, '"');
        bytebuf_append_text(out, i + 1 < count ? ",\n" : "\n");
    }
    bytebuf_append_text(out, ");");
}

/* Do the sort columns differ from what the key alone implies? */
static bool has_own_order(const TableSchema *schema)
{
    bool differs = schema->sort_count != schema->key_count;
    for (uint32_t i = 0; i < schema->sort_count && !differs; i++)
        differs = schema->sort_columns[i] != i;
    return differs && schema->sort_count > 0;
}

static void print_view(const CatalogTable *table, ByteBuf *out)
{
    bytebuf_printf(out, "CREATE VIEW `%.*s` (", SV_ARGS(table->name));
    catalog_print_columns(table->schema, NULL, table->schema->column_count, out);
    bytebuf_append_char(out, ')');
    if (table->schema->comment.length > 0) {
        bytebuf_append_text(out, " COMMENT ");
        bytebuf_append_quoted(out, table->schema->comment, '"');
    }
    if (view_is_invoker(table->schema))
        bytebuf_append_text(out, " SECURITY INVOKER");
    bytebuf_append_text(out, " AS ");
    redact_append(table->schema->view_sql, REDACTED_DEFINITION, out);
    bytebuf_append_char(out, ';');
}

static void print_distribution(const TableSchema *schema, ByteBuf *out)
{
    if (schema->is_random && schema->buckets <= 1) {
        bytebuf_append_text(out, "DISTRIBUTED BY RANDOM\n");
        return;
    }
    if (schema->is_random) {
        bytebuf_append_text(out, "DISTRIBUTED BY RANDOM");
    } else {
        bytebuf_append_text(out, "DISTRIBUTED BY HASH(");
        catalog_print_columns(schema, schema->bucket_columns, schema->bucket_column_count, out);
        bytebuf_append_char(out, ')');
    }
    bytebuf_printf(out, " BUCKETS %u \n", schema->buckets);
}

void catalog_print_index_kind(const TableIndex *index, ByteBuf *out)
{
    bytebuf_append_view(out, index->kind);
    for (uint32_t i = 0; i < index->property_count; i++)
        bytebuf_printf(out, "%s\"%.*s\" = \"%.*s\"", i == 0 ? "(" : ", ", SV_ARGS(index->properties[i].key), SV_ARGS(index->properties[i].value));
    if (index->property_count > 0)
        bytebuf_append_char(out, ')');
}

void catalog_print_indexes(const TableSchema *schema, const char *before, ByteBuf *out)
{
    for (uint32_t i = 0; i < schema->index_count; i++) {
        const TableIndex *index = &schema->indexes[i];
        for (uint32_t c = 0; c < schema->column_count; c++) {
            if (schema->columns[c].unique_id == index->unique_id)
                bytebuf_printf(out, "%sINDEX %.*s (`%.*s`) USING ", before, SV_ARGS(index->name), SV_ARGS(schema->columns[c].name));
        }
        catalog_print_index_kind(index, out);
        bytebuf_append_text(out, " COMMENT ");
        bytebuf_append_quoted(out, index->comment, '\'');
    }
}

void catalog_print_create(const CatalogTable *table, ByteBuf *out)
{
    static const char *const keys[] = {"DUPLICATE", "AGGREGATE", "UNIQUE", "PRIMARY"};
    const TableSchema *schema = table->schema;
    if (schema->kind == TABLE_VIEW) {
        print_view(table, out);
        return;
    }
    bytebuf_printf(out, "CREATE %sTABLE `%.*s` (\n", catalog_table_is_temporary(table) ? "TEMPORARY " : "", SV_ARGS(catalog_shown_name(table)));
    for (uint32_t i = 0; i < schema->column_count; i++) {
        bytebuf_append_text(out, i > 0 ? ",\n" : "");
        print_column(&schema->columns[i], out);
    }
    catalog_print_indexes(schema, ",\n  ", out);
    bytebuf_append_text(out, "\n) ENGINE=OLAP \n");
    if (schema->key_count > 0) {
        bytebuf_printf(out, "%s KEY(", keys[schema->keys_kind]);
        catalog_print_columns(schema, NULL, schema->key_count, out);
        bytebuf_append_text(out, ")\n");
    }
    if (schema->comment.length > 0) {
        bytebuf_append_text(out, "COMMENT ");
        bytebuf_append_quoted(out, schema->comment, '"');
        bytebuf_append_char(out, '\n');
    }
    print_partitions(table, out);
    print_distribution(schema, out);
    if (has_own_order(schema)) {
        bytebuf_append_text(out, "ORDER BY(");
        catalog_print_columns(schema, schema->sort_columns, schema->sort_count, out);
        bytebuf_append_text(out, ")\n");
    }
    print_properties(schema, out);
}
