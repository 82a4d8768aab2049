#include "mv/definition.h"

/* SHOW CREATE MATERIALIZED VIEW: a text that makes the same view again. */

#include "base/redact.h"
#include "meta/catalog_text.h"
#include "types/datetime.h"

static void print_name(StrView name, ByteBuf *out)
{
    bytebuf_append_char(out, '`');
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] == '`')
            bytebuf_append_char(out, '`');
        bytebuf_append_char(out, name.data[i]);
    }
    bytebuf_append_char(out, '`');
}

static void print_column(const TableColumn *column, ByteBuf *out)
{
    print_name(column->name, out);
    if (column->comment.length == 0)
        return;
    bytebuf_append_text(out, " COMMENT ");
    bytebuf_append_quoted(out, column->comment, '"');
}

static uint64_t place_of(const MvDefinition *definition, uint32_t column)
{
    bool is_known = definition->places != NULL && column < definition->output_count;
    return (uint64_t)(is_known ? definition->places[column] : column) << 32 | column;
}

/* In the order of the query: ORDER BY says which of them come first. */
static void print_columns(const TableSchema *schema, const MvDefinition *definition, ByteBuf *out)
{
    uint64_t least = 0;
    bytebuf_append_text(out, " (");
    for (uint32_t printed = 0; printed < schema->column_count; printed++) {
        uint64_t next = UINT64_MAX;
        for (uint32_t i = 0; i < schema->column_count; i++) {
            uint64_t place = place_of(definition, i);
            if (place >= least && place < next)
                next = place;
        }
        if (next == UINT64_MAX) /* of a record that says nothing sensible */
            break;
        bytebuf_append_text(out, printed > 0 ? ", " : "");
        print_column(&schema->columns[(uint32_t)next], out);
        least = next + 1;
    }
    catalog_print_indexes(schema, ", ", out);
    bytebuf_append_text(out, ")\n");
}

static void print_distribution(const TableSchema *schema, ByteBuf *out)
{
    if (schema->is_random || schema->bucket_column_count == 0) {
        bytebuf_append_text(out, "DISTRIBUTED BY RANDOM");
    } else {
        bytebuf_append_text(out, "DISTRIBUTED BY HASH(");
        catalog_print_columns(schema, schema->bucket_columns, schema->bucket_column_count, out);
        bytebuf_append_char(out, ')');
    }
    if (schema->buckets > 1)
        bytebuf_printf(out, " BUCKETS %u", schema->buckets);
    bytebuf_append_char(out, '\n');
}

static void print_order(const TableSchema *schema, ByteBuf *out)
{
    bool is_key = schema->sort_count == schema->key_count;
    for (uint32_t i = 0; i < schema->sort_count; i++)
        is_key &= schema->sort_columns[i] == i;
    if (is_key || schema->sort_count == 0)
        return;
    bytebuf_append_text(out, "ORDER BY (");
    catalog_print_columns(schema, schema->sort_columns, schema->sort_count, out);
    bytebuf_append_text(out, ")\n");
}

static void print_refresh(const MvDefinition *definition, int64_t zone_offset_us, ByteBuf *out)
{
    bytebuf_printf(out, "REFRESH%s ", definition->is_deferred ? " DEFERRED" : "");
    bytebuf_append_text(out, definition->scheme == MV_MANUAL ? "MANUAL" : "ASYNC");
    if (definition->scheme == MV_PERIODICAL && definition->has_start) {
        AUTO_BYTEBUF start = {0};
        Datum value = datum_i64(definition->start_us + zone_offset_us);
        datum_print(type_of(TYPE_DATETIME), &value, &start);
        bytebuf_printf(out, " START(\"%s\")", start.data);
    }
    if (definition->scheme == MV_PERIODICAL)
        bytebuf_printf(out, " EVERY(INTERVAL %.*s)", SV_ARGS(definition->period_text));
    bytebuf_append_char(out, '\n');
}

static void print_properties(const MvDefinition *definition, ByteBuf *out)
{
    bool has_replication = mv_property(definition, "replication_num").data != NULL;
    bytebuf_append_text(out, "PROPERTIES (\n");
    if (!has_replication)
        bytebuf_append_text(out, "\"replication_num\" = \"1\"");
    for (uint32_t i = 0; i < definition->property_count; i++) {
        bytebuf_append_text(out, i > 0 || !has_replication ? ",\n" : "");
        bytebuf_append_quoted(out, definition->properties[i].key, '"');
        bytebuf_append_text(out, " = ");
        bytebuf_append_quoted(out, definition->properties[i].value, '"');
    }
    bytebuf_append_text(out, "\n)\n");
}

void mv_print_create(const CatalogTable *table, const MvDefinition *definition, int64_t zone_offset_us, ByteBuf *out)
{
    const TableSchema *schema = table->schema;
    bytebuf_append_text(out, "CREATE MATERIALIZED VIEW ");
    print_name(table->name, out);
    print_columns(schema, definition, out);
    if (table_is_rollup(schema)) {
        bytebuf_append_text(out, "AS ");
        redact_append(schema->view_sql, REDACTED_DEFINITION, out);
        bytebuf_append_char(out, ';');
        return;
    }
    if (schema->comment.length > 0) {
        bytebuf_append_text(out, "COMMENT ");
        bytebuf_append_quoted(out, schema->comment, '"');
        bytebuf_append_char(out, '\n');
    }
    for (uint32_t i = 0; i < definition->partition_count; i++) {
        bytebuf_append_text(out, i > 0 ? ", " : "PARTITION BY (");
        bytebuf_append_view(out, definition->partition_texts[i]);
    }
    bytebuf_append_text(out, definition->partition_count > 0 ? ")\n" : "");
    print_distribution(schema, out);
    print_order(schema, out);
    print_refresh(definition, zone_offset_us, out);
    print_properties(definition, out);
    bytebuf_append_text(out, "AS ");
    redact_append(schema->view_sql, REDACTED_DEFINITION, out);
    bytebuf_append_char(out, ';');
}
