#include "session/session_int.h"

/* How UPDATE writes (partial_update_mode): whole rows, which take the place of the old ones, or the columns that are set alone, in overlays
 * of the segments (load/column_update.h), where the table allows that. `auto` takes what writes fewer values by the estimate of the
 * plan: an overlay has its columns for all rows of a segment, a row has all its columns and is written again before long. Each
 * segment is looked at once more when the rows are known, and small ones have no overlays. Rows that are held for overlays must
 * find room in memory. */

#include "load/column_update.h"

enum { FEW_ROWS = 4096, REWRITES = 2, VALUE_BYTES = 8, PACKED = 4, MOST_AUTO_BYTES = 512 << 20 };

static bool pays(const CatalogTable *table, const uint8_t *given, double rows)
{
    uint32_t set = 0;
    const TableSchema *schema = table->schema;
    PartitionSums sums = table_sums(table);
    for (uint32_t c = 0; c < schema->column_count; c++)
        set += given[c] && !schema->columns[c].is_key;
    double row_bytes = (double)schema->column_count * VALUE_BYTES + (double)sums.bytes / (double)MAX(sums.rows, 1u) * PACKED;
    return sums.rows >= FEW_ROWS && rows * row_bytes <= (double)MOST_AUTO_BYTES && (double)sums.rows * set < rows * schema->column_count * REWRITES;
}

Status update_mode_choose(StatementContext *context, const AstStatement *statement, const BoundInsert *target, KeyMergeRules *rules, bool *out_uses)
{
    PhysPlan *plan;
    const TableSchema *schema = target->table->schema;
    const char *mode = variable_text(context->session, "partial_update_mode");
    uint8_t *given = ARENA_NEW_ARRAY(&context->arena, uint8_t, schema->column_count + 1);
    *rules = (KeyMergeRules){.given = given, .condition_column = -1};
    *out_uses = false;
    if (context->session->transaction != NULL || mode == NULL || !update_mode_parse(strview(mode), &rules->mode) || rules->mode == UPDATE_ROWS)
        return OK;
    for (uint32_t c = 0; c < schema->column_count; c++)
        given[c] = schema->columns[c].is_key;
    for (uint32_t i = 0; i < statement->set_columns.count; i++)
        given[table_column_index(schema, statement->set_columns.items[i])] = 1;
    if (rules->mode == UPDATE_COLUMNS && column_update_sorts(schema, given))
        return RAISE(context->diag, NOT_SUPPORTED, "column mode partial update on table with sort key cannot update sort key column");
    *out_uses = column_update_is_possible(schema, given);
    if (!*out_uses || rules->mode == UPDATE_COLUMNS)
        return OK;
    TRY(plan_it(context, target->query, &plan));
    *out_uses = pays(target->table, given, plan->root->estimated_rows);
    return OK;
}
