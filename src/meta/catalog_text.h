#pragma once
/* Catalog objects as text: what SHOW CREATE TABLE prints (it can be run again), and parts of it. */

#include "meta/catalog.h"

/* "`a`, `b`"; positions NULL: the first columns. */
void catalog_print_columns(const TableSchema *schema, const uint32_t *positions, uint32_t count, ByteBuf *out);
/* Columns or expressions, without parentheses. */
void catalog_print_partition_key(const TableSchema *schema, ByteBuf *out);
/* [types: [DATE]; keys: [2024-01-01]; ..types: [DATE]; keys: [2024-02-01]; ) or the values of a list. */
void catalog_print_bounds(const TableSchema *schema, const CatalogPartition *partition, ByteBuf *out);
void catalog_print_default(const TableColumn *column, ByteBuf *out); /* nothing without a default */
void catalog_print_index_kind(const TableIndex *index, ByteBuf *out); /* NGRAMBF("k" = "v", ..) */
/* INDEX name (`column`) USING .. COMMENT '..', separated before each. */
void catalog_print_indexes(const TableSchema *schema, const char *before, ByteBuf *out);
void catalog_print_create(const CatalogTable *table, ByteBuf *out);
/* Properties with those that hold without having been written, sorted by key. Keys and values are in arena. */
uint32_t catalog_properties(const TableSchema *schema, Arena *arena, Property **out_properties);
const char *catalog_keys_name(const TableSchema *schema); /* DUP_KEYS, ... */
