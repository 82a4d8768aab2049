#include "ddl/ddl_int.h"

/* Indexes in CREATE TABLE, ALTER TABLE ADD | DROP INDEX, CREATE INDEX, DROP INDEX. */

#include <stdio.h>

#include "meta/table_index.h"
#include "types/number_text.h"

static Status check_column(DdlContext *context, const AstIndex *ast, const TableSchema *schema, const TableColumn *column)
{
    bool is_gram = strview_equal_ci(ast->kind, STR_VIEW("NGRAMBF"));
    Type type = column->type;
    bool is_value = schema->keys_kind == KEYS_AGGREGATE && !column->is_key;
    bool is_bad = type_is_nested(type) || type.kind == TYPE_JSON || type.kind == TYPE_VARBINARY || type.kind >= TYPE_BITMAP || type_is_float(type);
    if (is_value)
        return DDL_ERROR(context, "%.*s index only used in columns of DUP_KEYS/PRIMARY_KEYS table or key columns of UNIQUE_KEYS/AGG_KEYS table. "
                         "invalid column: %.*s.", SV_ARGS(ast->kind), SV_ARGS(column->name));
    if (is_bad || (is_gram && !type_is_string(type)))
        return DDL_ERROR(context, "%.*s is not supported in %.*s index: invalid column type.", SV_ARGS(column->name), SV_ARGS(ast->kind));
    if (is_gram && table_has_bloom_filter(schema, column->name))
        return RAISE(context->diag, ANALYSIS, "column %.*s should only have one bloom filter index or ngram bloom filter index",
                     SV_ARGS(column->name));
    for (uint32_t i = 0; i < schema->index_count; i++) {
        if (strview_equal_ci(schema->indexes[i].name, ast->name))
            return DDL_ERROR(context, "Index name[%.*s] is duplicated.", SV_ARGS(ast->name));
        if (schema->indexes[i].unique_id == column->unique_id)
            return DDL_ERROR(context, "column %.*s already has an index: %.*s.", SV_ARGS(column->name), SV_ARGS(schema->indexes[i].name));
    }
    return OK;
}

static StrView given(const AstProperties *properties, const char *key, const char *missing)
{
    for (uint32_t i = 0; i < properties->keys.count; i++) {
        if (strview_equal_ci(properties->keys.items[i], strview(key)))
            return properties->values.items[i];
    }
    return strview(missing);
}

/* NGRAMBF: what was not written is kept with its default, in the order in which SHOW has it. */
static Status fill_properties(DdlContext *context, const AstIndex *ast, Arena *arena, TableIndex *out)
{
    static const char *const keys[] = {"bloom_filter_fpp", "case_sensitive", "gram_num"};
    static const char *const missing[] = {"0.05", "true", "2"};
    int64_t gram;
    bool is_gram = strview_equal_ci(ast->kind, STR_VIEW("NGRAMBF"));
    for (uint32_t i = 0; i < ast->properties.keys.count && is_gram; i++) {
        bool is_known = false;
        for (size_t k = 0; k < COUNT_OF(keys); k++)
            is_known |= strview_equal_ci(ast->properties.keys.items[i], strview(keys[k]));
        if (!is_known)
            return DDL_ERROR(context, "Invalid index property: %.*s.", SV_ARGS(ast->properties.keys.items[i]));
    }
    if (!is_gram)
        return OK;
    if (!int64_parse(given(&ast->properties, "gram_num", "2"), &gram) || gram < 1 || gram > 64)
        return DDL_ERROR(context, "Ngram Bloom filter's gram_num should be between 1 and 64.");
    out->properties = ARENA_NEW_ARRAY(arena, Property, COUNT_OF(keys));
    out->property_count = COUNT_OF(keys);
    for (size_t k = 0; k < COUNT_OF(keys); k++)
        out->properties[k] = (Property){ddl_keep(arena, strview(keys[k])), ddl_keep(arena, given(&ast->properties, keys[k], missing[k]))};
    return OK;
}

Status ddl_add_index(DdlContext *context, const AstIndex *ast, TableSchema *schema)
{
    bool is_gram = strview_equal_ci(ast->kind, STR_VIEW("NGRAMBF"));
    if (!is_gram && !strview_equal_ci(ast->kind, STR_VIEW("BITMAP")))
        return RAISE(context->diag, NOT_SUPPORTED, "%.*s indexes are not supported: only BITMAP and NGRAMBF are", SV_ARGS(ast->kind));
    if (ast->columns.count != 1)
        return DDL_ERROR(context, "%s index can only apply to one column.", is_gram ? "NGRAMBF" : "bitmap");
    int at = table_column_index(schema, ast->columns.items[0]);
    if (at < 0)
        return DDL_ERROR(context, "BITMAP column does not exist in table. invalid column: %.*s.", SV_ARGS(ast->columns.items[0]));
    TRY(check_column(context, ast, schema, &schema->columns[at]));
    TableIndex *grown = ARENA_NEW_ARRAY(&schema->arena, TableIndex, schema->index_count + 1);
    if (schema->index_count > 0)
        memcpy(grown, schema->indexes, schema->index_count * sizeof(*grown));
    TableIndex *fresh = &grown[schema->index_count];
    *fresh = (TableIndex){.name = ddl_keep(&schema->arena, ast->name), .kind = is_gram ? STR_VIEW("NGRAMBF") : STR_VIEW("BITMAP"),
                          .unique_id = schema->columns[at].unique_id, .comment = ddl_keep(&schema->arena, ast->comment)};
    TRY(fill_properties(context, ast, &schema->arena, fresh));
    schema->indexes = grown;
    schema->index_count++;
    return OK;
}

static void remove_at(TableSchema *schema, uint32_t at)
{
    TableIndex *kept = ARENA_NEW_ARRAY(&schema->arena, TableIndex, schema->index_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < schema->index_count; i++) {
        if (i != at)
            kept[count++] = schema->indexes[i];
    }
    schema->indexes = kept;
    schema->index_count = count;
}

Status ddl_drop_index(DdlContext *context, StrView name, bool if_exists, TableSchema *schema)
{
    for (uint32_t i = 0; i < schema->index_count; i++) {
        if (!strview_equal_ci(schema->indexes[i].name, name))
            continue;
        remove_at(schema, i);
        return OK;
    }
    return if_exists ? OK : DDL_ERROR(context, "Index does not exist: %.*s.", SV_ARGS(name));
}

void ddl_drop_indexes_of(TableSchema *schema, uint32_t unique_id)
{
    for (uint32_t i = schema->index_count; i > 0; i--) {
        if (schema->indexes[i - 1].unique_id == unique_id)
            remove_at(schema, i - 1);
    }
}
