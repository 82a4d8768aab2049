#include "session/mv_int.h"

/* Synchronous materialized views, which are roll-ups: CREATE MATERIALIZED VIEW without REFRESH, ALTER TABLE .. ADD | DROP ROLLUP,
 * ROLLUP in CREATE TABLE.
 *
 * Such a view is a materialized view of one table that follows every commit, and is brought up to date by the rows that came; its
 * partitions are the table's where it has the column. What a reader sees is always the query's result over the table as it
 * is: a roll-up that is named in FROM is expanded like a view, and queries of the table take rows of the roll-up where these are
 * fresh. So nothing waits for it, loads least of all. Each is made from the text of an ordinary CREATE MATERIALIZED VIEW. */

#include "sql/parser.h"
#include "sql/unparse.h"

typedef struct RollupText {
    StrView database, name, table;
    StrView *columns;
    uint32_t column_count;
    StrView partition; /* column of the view; empty: none */
    StrView query;
    const AstProperties *properties;
} RollupText;

static StrView keep_text(StatementContext *context, const ByteBuf *text)
{
    return strview_n(arena_strndup(&context->arena, text->data, text->length), text->length);
}

static AstStatement *parse_text(StatementContext *context, const RollupText *rollup, Status *out_status)
{
    AUTO_BYTEBUF text = {0};
    AstStatements statements = {0};
    bytebuf_append_text(&text, "CREATE MATERIALIZED VIEW ");
    sql_print_quoted_identifier(rollup->database, &text);
    bytebuf_append_char(&text, '.');
    sql_print_quoted_identifier(rollup->name, &text);
    for (uint32_t i = 0; i < rollup->column_count; i++) {
        bytebuf_append_text(&text, i == 0 ? " (" : ", ");
        sql_print_quoted_identifier(rollup->columns[i], &text);
    }
    bytebuf_append_text(&text, ") REFRESH ASYNC");
    if (rollup->partition.length > 0) {
        bytebuf_append_text(&text, " PARTITION BY ");
        sql_print_quoted_identifier(rollup->partition, &text);
    }
    bytebuf_append_text(&text, " AS ");
    bytebuf_append_view(&text, rollup->query);
    *out_status = sql_parse(keep_text(context, &text), NULL, &context->arena, context->diag, &statements);
    return *out_status == OK ? statements.items[0] : NULL;
}

static Status create_from(StatementContext *context, const RollupText *rollup, bool if_not_exists)
{
    Status status;
    AstStatement *statement = parse_text(context, rollup, &status);
    TRY(status);
    statement->mv->table.if_not_exists = if_not_exists;
    if (rollup->properties != NULL)
        statement->mv->table.properties = *rollup->properties;
    return mv_create(context, statement, true);
}

/* The table's partitions where they can be the view's, else one. */
static Status create(StatementContext *context, RollupText *rollup, bool if_not_exists)
{
    if (rollup->partition.length > 0) {
        Status status = create_from(context, rollup, if_not_exists);
        if (status != ERR_ANALYSIS && status != ERR_NOT_SUPPORTED)
            return status;
        diag_reset(context->diag);
        rollup->partition = STR_VIEW("");
    }
    return create_from(context, rollup, if_not_exists);
}

/* The column of the table that partitions it, when that is one and plain or in an expression; data NULL: none. */
static StrView partition_column(const CatalogTable *table)
{
    bool is_plain;
    if (table->schema->scheme == PARTITION_NONE || table->schema->partition_column_count != 1)
        return (StrView){0};
    int column = table_partition_column(table->schema, 0, &is_plain);
    return column < 0 ? (StrView){0} : table->schema->columns[column].name;
}

static Status find_base(StatementContext *context, const AstName *name, const CatalogDatabase **out_database, const CatalogTable **out)
{
    TRY(analyze_find_table(&context->analyze, name, out_database, out));
    const TableSchema *schema = (*out)->schema;
    if (schema->kind != TABLE_BASE)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view does not support view in from clause.");
    if (schema->keys_kind == KEYS_PRIMARY || schema->keys_kind == KEYS_UNIQUE)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Do not support create synchronous materialized view(rollup) on "
                     "%s key table.",
                     schema->keys_kind == KEYS_PRIMARY ? "primary" : "unique");
    return OK;
}

/* ---- CREATE MATERIALIZED VIEW v AS SELECT .. ---- */

static Status check_query(StatementContext *context, const AstQuery *query)
{
    const AstSelect *select = &query->select;
    const char *problem = NULL;
    if (query->kind != AST_QUERY_SELECT || query->ctes.count > 0)
        problem = "Materialized view query statement only support select";
    else if (select->from == NULL || select->from->kind != AST_TABLE)
        problem = "The materialized view only support the single table in from clause.";
    else if (select->having != NULL)
        problem = "The having clause is not supported in add materialized view clause";
    else if (query->limit != NULL)
        problem = "The limit clause is not supported in add materialized view clause";
    else if (select->is_distinct || select->qualify != NULL || select->group_kind != AST_GROUP_PLAIN)
        problem = "a synchronous materialized view has plain groups, without DISTINCT and QUALIFY";
    return problem == NULL ? OK : RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: %s", problem);
}

static bool is_sum(StrView name)
{
    static const char *const names[] = {"sum", "min", "max", "count", "bitmap_union", "hll_union", "percentile_union", "bitmap_agg"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strview_equal_ci(name, strview(names[i])))
            return true;
    }
    return false;
}

/* An aggregate of a plain column is mv_sum_column, whatever its alias. */
static StrView item_name(StatementContext *context, const AstSelectItem *item, uint32_t place)
{
    const AstExpr *expr = item->expr;
    if (expr->kind == AST_NAME)
        return item->alias.length > 0 ? item->alias : expr->name.parts[expr->name.count - 1];
    const AstExpr *argument = expr->kind == AST_CALL && expr->arguments.count == 1 ? expr->arguments.items[0] : NULL;
    bool is_plain = argument != NULL && argument->kind == AST_NAME && expr->call != NULL && !expr->call->is_distinct && is_sum(expr->name.parts[0]);
    if (!is_plain)
        return item->alias.length > 0 ? item->alias : strview(arena_printf(&context->arena, "mv_column_%u", place));
    StrView column = argument->name.parts[argument->name.count - 1];
    char *name = arena_printf(&context->arena, "mv_%.*s_%.*s", SV_ARGS(expr->name.parts[0]), SV_ARGS(column));
    for (size_t i = 0; i < 3 + expr->name.parts[0].length; i++)
        name[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    return strview(name);
}

Status run_create_rollup_view(StatementContext *context, const AstStatement *statement)
{
    const AstMaterializedView *ast = statement->mv;
    AstQuery query = *ast->table.as_query;
    AUTO_BYTEBUF text = {0};
    const CatalogDatabase *database;
    const CatalogTable *base;
    RollupText rollup = {.properties = &ast->table.properties};
    TRY(check_query(context, &query));
    TRY(mv_split_name(context, &ast->table.name, &rollup.database, &rollup.name));
    TRY(find_base(context, &query.select.from->name, &database, &base));
    query.order = (AstOrder){0}; /* how its rows lie is not what they are */
    sql_print_query(&query, &text);
    rollup.query = keep_text(context, &text);
    rollup.column_count = query.select.items.count;
    rollup.columns = ARENA_NEW_ARRAY(&context->arena, StrView, rollup.column_count + 1);
    StrView partition = partition_column(base);
    for (uint32_t i = 0; i < rollup.column_count; i++) {
        const AstExpr *expr = query.select.items.items[i].expr;
        if (expr->kind == AST_STAR)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: The materialized view currently does not support * in select "
                         "statement");
        rollup.columns[i] = i < ast->table.columns.count ? ast->table.columns.items[i].name : item_name(context, &query.select.items.items[i], i);
        if (expr->kind == AST_NAME && partition.length > 0 && strview_equal_ci(expr->name.parts[expr->name.count - 1], partition))
            rollup.partition = rollup.columns[i];
    }
    TRY(create(context, &rollup, ast->table.if_not_exists));
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- ADD ROLLUP r (a, b) ---- */

/* What rows of the same keys make of the column. NULL: it can't be told without all keys. */
static const char *merge_function(StrView aggregate)
{
    static const struct {
        const char *aggregate, *function;
    } merges[] = {{"SUM", "sum"}, {"MIN", "min"}, {"MAX", "max"}, {"HLL_UNION", "hll_union"}, {"BITMAP_UNION", "bitmap_union"},
                  {"PERCENTILE_UNION", "percentile_union"}};
    for (size_t i = 0; i < COUNT_OF(merges); i++) {
        if (strview_equal_ci(aggregate, strview(merges[i].aggregate)))
            return merges[i].function;
    }
    return NULL;
}

static Status print_rollup_query(StatementContext *context, const CatalogDatabase *database, const CatalogTable *table, const AstStrList *names,
                                 ByteBuf *out)
{
    const TableSchema *schema = table->schema;
    bool is_grouped = schema->keys_kind == KEYS_AGGREGATE;
    AUTO_BYTEBUF groups = {0};
    bytebuf_append_text(out, "SELECT ");
    for (uint32_t i = 0; i < names->count; i++) {
        int at = table_column_index(schema, names->items[i]);
        if (at < 0)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Column[%.*s] does not exist", SV_ARGS(names->items[i]));
        const TableColumn *column = &schema->columns[at];
        const char *merge = is_grouped && !column->is_key ? merge_function(column->aggregate) : NULL;
        if (is_grouped && !column->is_key && merge == NULL)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Rollup should contains all keys if there is a %.*s value",
                         SV_ARGS(column->aggregate));
        bytebuf_append_text(out, i > 0 ? ", " : "");
        if (merge != NULL)
            bytebuf_printf(out, "%s(", merge);
        sql_print_quoted_identifier(column->name, out);
        bytebuf_append_text(out, merge != NULL ? ")" : "");
        if (!is_grouped || merge != NULL)
            continue;
        bytebuf_append_text(&groups, groups.length > 0 ? ", " : " GROUP BY ");
        sql_print_quoted_identifier(column->name, &groups);
    }
    bytebuf_append_text(out, " FROM ");
    sql_print_quoted_identifier(database->name, out);
    bytebuf_append_char(out, '.');
    sql_print_quoted_identifier(table->name, out);
    bytebuf_append_view(out, bytebuf_view(&groups));
    return OK;
}

static Status add_rollups(StatementContext *context, const AstName *table, const AstRollups *rollups)
{
    const CatalogDatabase *database;
    const CatalogTable *base;
    TRY(find_base(context, table, &database, &base));
    StrView partition = partition_column(base);
    for (uint32_t i = 0; i < rollups->count; i++) {
        const AstRollup *ast = &rollups->items[i];
        AUTO_BYTEBUF text = {0};
        RollupText rollup = {.database = database->name, .name = ast->name, .columns = ast->columns.items, .column_count = ast->columns.count};
        TRY(print_rollup_query(context, database, base, &ast->columns, &text));
        rollup.query = keep_text(context, &text);
        for (uint32_t c = 0; c < ast->columns.count && partition.length > 0; c++) {
            if (strview_equal_ci(ast->columns.items[c], partition))
                rollup.partition = ast->columns.items[c];
        }
        TRY(create(context, &rollup, false));
    }
    return OK;
}

/* ALTER was allowed: what the roll-up reads is not asked for again. */
Status run_add_rollups(StatementContext *context, const AstName *table, const AstRollups *rollups)
{
    const AccessRights *rights = context->analyze.rights;
    context->analyze.rights = NULL;
    Status status = add_rollups(context, table, rollups);
    context->analyze.rights = rights;
    return status;
}

/* ---- DROP ROLLUP ---- */

Status run_drop_rollups(StatementContext *context, const AstName *table, const AstAlterAction *action)
{
    const CatalogDatabase *database;
    const CatalogTable *base;
    TRY(analyze_find_table(&context->analyze, table, &database, &base));
    for (uint32_t i = 0; i < action->names.count; i++) {
        MvDefinition definition;
        const CatalogTable *view = catalog_table(database, action->names.items[i]);
        bool is_it = view != NULL && table_is_rollup(view->schema) && mv_find(context->catalog, view->id, &context->arena, &definition) &&
                     definition.base_count > 0 && definition.bases[0].id == base->id;
        if (!is_it && action->if_exists)
            continue;
        if (!is_it)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Rollup index[%.*s] does not exist in table[%.*s]",
                         SV_ARGS(action->names.items[i]), SV_ARGS(base->name));
        TRY(mv_drop(context, database->name, view->name, action->if_exists));
    }
    return OK;
}
