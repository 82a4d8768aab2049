#include "session/mv_int.h"

/* CREATE MATERIALIZED VIEW: the query, the columns that it makes, how its partitions follow from those of its bases, the
 * refresh scheme and the properties. Everything becomes one entry: table, definition, task. */

#include "base/environment.h"
#include "base/fault.h"
#include "ddl/ddl.h"
#include "ddl/table_volume.h"
#include "load/partition_router.h"
#include "mv/lineage.h"
#include "plan/logical_walk.h"
#include "sql/unparse.h"
#include "types/datetime.h"
#include "types/number_text.h"
#include "types/time_zone.h"

typedef struct Creation {
    StatementContext *context;
    const AstMaterializedView *ast;
    StrView database, name;
    TableSchema *schema;
    const AstColumn **written; /* the column list's, a column; NULL: none */
    CatalogPartition *whole; /* of an unpartitioned view */
    MvDefinition definition;
    int64_t now_us;
    bool is_rollup;
    bool exists;
    uint64_t replaced; /* CREATE OR REPLACE: the view that it takes the place of; 0: none */
} Creation;

/* ---- refresh scheme ---- */

static Status read_start(StatementContext *context, const AstRefresh *ast, MvDefinition *out)
{
    int64_t local_us;
    if (!datetime_parse_us(ast->start, &local_us))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid date literal in START: '%.*s'", SV_ARGS(ast->start));
    out->has_start = true;
    out->start_us = context->func.zone == NULL ? local_us : time_zone_to_utc(context->func.zone, local_us);
    return OK;
}

static Status read_period(StatementContext *context, const AstRefresh *ast, MvDefinition *out)
{
    int64_t number;
    int64_t unit_us = task_unit_us(ast->every->text);
    StrView count = ast->every->left == NULL ? STR_VIEW("") : ast->every->left->text;
    int64_t least_us = config_number(context, "materialized_view_min_refresh_interval", 60) * 1000000;
    if (unit_us == 0 || !int64_parse(count, &number) || number <= 0 || number > INT32_MAX)
        return RAISE(context->diag, ANALYSIS,
                     "Getting analyzing error. Detail message: Unsupported interval of EVERY: it is a positive number of SECOND, MINUTE, HOUR or DAY.");
    out->period_us = number * unit_us;
    if (out->period_us < least_us)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Refresh schedule interval %lld is too small which may cost a "
                     "lot of memory/cpu resources to refresh the asynchronous materialized view, please config an interval larger than "
                                  "materialized_view_min_refresh_interval(%llds).",
                     (long long)(out->period_us / 1000000), (long long)(least_us / 1000000));
    char *text = arena_printf(&context->arena, "%lld %.*s", (long long)number, SV_ARGS(ast->every->text));
    for (char *c = text; *c != '\0'; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    out->period_text = strview(text);
    return OK;
}

static bool config_is_false(StatementContext *context, const char *name)
{
    StrView value = catalog_setting(context->catalog, arena_printf(&context->arena, "config.%s", name));
    return strview_equal_ci(value, STR_VIEW("false"));
}

Status mv_read_refresh(StatementContext *context, const AstRefresh *ast, int64_t now_us, MvDefinition *out)
{
    out->is_deferred = ast->is_deferred || (!ast->is_immediate && config_is_false(context, "default_mv_refresh_immediate"));
    out->scheme = MV_MANUAL;
    out->has_start = false;
    out->start_us = out->period_us = 0;
    out->period_text = STR_VIEW("");
    if (ast->scheme == AST_REFRESH_INCREMENTAL)
        return RAISE(context->diag, NOT_SUPPORTED, "REFRESH INCREMENTAL is not supported: every refresh computes no more than what changed");
    if (ast->has_start)
        TRY(read_start(context, ast, out));
    if (ast->every != NULL) {
        TRY(read_period(context, ast, out));
        out->scheme = MV_PERIODICAL;
        /* The first point of the grid is a period away: IMMEDIATE has its own run. */
        if (!ast->has_start)
            out->start_us = now_us + out->period_us;
        return OK;
    }
    if (ast->scheme == AST_REFRESH_SCHEDULE || ast->has_start)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: START and SCHEDULE need EVERY (INTERVAL n unit).");
    if (ast->scheme == AST_REFRESH_ASYNC)
        out->scheme = MV_EVENT_TRIGGERED;
    return OK;
}

/* ---- columns ---- */

static Status check_names(Creation *creation)
{
    const TableSchema *schema = creation->schema;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (table_column_index(schema, schema->columns[i].name) != (int)i)
            return RAISE(creation->context->diag, DUPLICATE_COLUMN, "Getting analyzing error. Detail message: Duplicate column name '%.*s'.",
                         SV_ARGS(schema->columns[i].name));
    }
    return OK;
}

static bool can_be_key(Type type)
{
    return !type_is_float(type) && type_is_comparable(type) && type.kind < TYPE_JSON && !type_is_nested(type);
}

/* Without ORDER BY a view is sorted by its first columns. If none of these can be a key, the first three that can come first. */
static AstStrList chosen_sort_columns(const Creation *creation, const BoundQuery *query)
{
    const AstCreateTable *table = &creation->ast->table;
    AstStrList chosen = table->sort_columns;
    if (chosen.count > 0 || query->column_count == 0 || can_be_key(query->root->columns[0].type))
        return chosen;
    for (uint32_t i = 0; i < query->column_count && chosen.count < 3; i++) {
        if (can_be_key(query->root->columns[i].type))
            AST_PUSH(&creation->context->arena, &chosen, i < table->columns.count ? table->columns.items[i].name : query->root->columns[i].name);
    }
    return chosen;
}

/* The columns that it is sorted by come first. */
static BoundQuery *sort_columns_first(Creation *creation, const BoundQuery *query)
{
    Arena *arena = &creation->context->arena;
    const AstCreateTable *table = &creation->ast->table;
    BoundQuery *sorted = ARENA_NEW(arena, BoundQuery);
    uint8_t *taken = ARENA_NEW_ARRAY(arena, uint8_t, MAX(query->column_count, 1u));
    uint32_t count = 0;
    AstStrList sort_columns = chosen_sort_columns(creation, query);
    *sorted = *query;
    sorted->columns = ARENA_NEW_ARRAY(arena, LogicalColumn, MAX(query->column_count, 1u));
    for (uint32_t pass = 0; pass <= sort_columns.count; pass++) {
        for (uint32_t i = 0; i < query->column_count; i++) {
            LogicalColumn column = query->root->columns[i];
            if (i < table->columns.count)
                column.name = table->columns.items[i].name;
            bool is_next = pass == sort_columns.count || strview_equal_ci(column.name, sort_columns.items[pass]);
            if (taken[i] != 0 || !is_next)
                continue;
            taken[i] = 1;
            creation->definition.outputs[count] = query->root->columns[i].name;
            creation->definition.places[count] = i;
            creation->written[count] = i < table->columns.count ? &table->columns.items[i] : NULL;
            sorted->columns[count++] = column;
        }
    }
    return sorted;
}

/* What a table takes of the properties: how and where its rows lie. */
static AstProperties storage_properties(Creation *creation)
{
    static const char *const keys[] = {"storage_volume", "compression", "bloom_filter_columns", "bloom_filter_fpp"};
    const AstProperties *all = &creation->ast->table.properties;
    AstProperties taken = {0};
    for (uint32_t i = 0; i < all->keys.count; i++) {
        for (size_t k = 0; k < COUNT_OF(keys); k++) {
            if (!strview_equal_ci(all->keys.items[i], strview(keys[k])))
                continue;
            AST_PUSH(&creation->context->arena, &taken.keys, strview(keys[k]));
            AST_PUSH(&creation->context->arena, &taken.values, all->values.items[i]);
        }
    }
    return taken;
}

/* Columns, keys and distribution as those of CREATE TABLE AS; the other properties and partitions are the view's own. */
static Status fill_columns(Creation *creation, BoundQuery *query)
{
    StatementContext *context = creation->context;
    AstCreateTable table = creation->ast->table;
    DdlContext ddl = {.arena = &context->arena,
                      .diag = context->diag,
                      .store = context->session->instance->store,
                      .analyze = &context->analyze,
                      .now_us = context->func.now_us,
                      .zone_offset_us = context->func.zone_offset_us,
                      .is_view = true};
    const AstColumns *written = &creation->ast->table.columns;
    table.partition_scheme = AST_UNPARTITIONED;
    table.partition_exprs = (AstExprList){0};
    table.properties = storage_properties(creation);
    table.columns = (AstColumns){0};
    table.as_columns = (AstStrList){0};
    if (written->count > 0 && written->count != query->column_count)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view's column count %u doesn't match the query's "
                     "%u.", written->count,
                     query->column_count);
    creation->definition.outputs = ARENA_NEW_ARRAY(&context->arena, StrView, MAX(query->column_count, 1u));
    creation->definition.places = ARENA_NEW_ARRAY(&context->arena, uint32_t, MAX(query->column_count, 1u));
    creation->definition.output_count = query->column_count;
    creation->written = ARENA_NEW_ARRAY(&context->arena, const AstColumn *, MAX(query->column_count, 1u));
    TRY(ddl_fill_schema(&ddl, &table, sort_columns_first(creation, query), creation->schema));
    TRY(ddl_bind_volume(&ddl, context->catalog, creation->database, creation->schema));
    TRY(check_names(creation));
    creation->schema->kind = TABLE_MATERIALIZED_VIEW;
    creation->schema->view_sql = ddl_keep(&creation->schema->arena, creation->ast->query_text);
    creation->schema->view_database = ddl_keep(&creation->schema->arena, context->analyze.database);
    for (uint32_t i = 0; i < query->column_count; i++) {
        if (creation->written[i] != NULL)
            creation->schema->columns[i].comment = ddl_keep(&creation->schema->arena, creation->written[i]->comment);
    }
    return OK;
}

/* ---- partitions ---- */

static void find_name(const AstExpr *expr, StrView *out)
{
    if (expr == NULL)
        return;
    if (expr->kind == AST_NAME)
        *out = expr->name.parts[expr->name.count - 1];
    find_name(expr->left, out);
    for (uint32_t i = 0; i < expr->arguments.count; i++)
        find_name(expr->arguments.items[i], out);
}

static bool is_known_function(const AstExpr *expr)
{
    static const char *const names[] = {"date_trunc", "str2date", "time_slice"};
    for (size_t i = 0; i < COUNT_OF(names) && expr->kind == AST_CALL; i++) {
        if (strview_equal_ci(expr->name.parts[expr->name.count - 1], strview(names[i])))
            return true;
    }
    return expr->kind == AST_NAME;
}

static Status read_partitions(Creation *creation)
{
    StatementContext *context = creation->context;
    const AstExprList *exprs = &creation->ast->table.partition_exprs;
    MvDefinition *definition = &creation->definition;
    if (!creation->ast->has_partition)
        return OK;
    definition->partition_count = exprs->count;
    definition->partition_texts = ARENA_NEW_ARRAY(&context->arena, StrView, MAX(exprs->count, 1u));
    definition->partition_columns = ARENA_NEW_ARRAY(&context->arena, uint32_t, MAX(exprs->count, 1u));
    for (uint32_t i = 0; i < exprs->count; i++) {
        StrView name = STR_VIEW("");
        AUTO_BYTEBUF text = {0};
        if (!is_known_function(exprs->items[i]))
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view partition function must be date_trunc, "
                         "str2date or time_slice.");
        sql_print_expr(exprs->items[i], &text);
        find_name(exprs->items[i], &name);
        int column = table_column_index(creation->schema, name);
        if (column < 0)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view partition exp column:%.*s is not found "
                         "in query statement.", SV_ARGS(name));
        definition->partition_texts[i] = strview_n(arena_strndup(&context->arena, text.data, text.length), text.length);
        definition->partition_columns[i] = (uint32_t)column;
    }
    return OK;
}

static void fill_scheme(Creation *creation, const MvBoundView *view)
{
    TableSchema *schema = creation->schema;
    uint32_t count = view->partition_count;
    schema->scheme = count == 0 ? PARTITION_NONE : view->is_range ? PARTITION_RANGE : PARTITION_LIST;
    schema->partition_column_count = count;
    schema->partition_types = ARENA_NEW_ARRAY(&schema->arena, Type, MAX(count, 1u));
    schema->partition_exprs = ARENA_NEW_ARRAY(&schema->arena, StrView, MAX(count, 1u));
    for (uint32_t d = 0; d < count; d++) {
        const TableColumn *column = &schema->columns[creation->definition.partition_columns[d]];
        schema->partition_types[d] = column->type;
        schema->partition_exprs[d] = column->name;
    }
}

/* ---- what it reads ---- */

static Status check_bases(Creation *creation, const CatalogSnapshot *catalog, Diag *diag)
{
    const MvDefinition *definition = &creation->definition;
    for (uint32_t b = 0; b < definition->base_count; b++) {
        MvDefinition base;
        const MvBase *from = &definition->bases[b];
        if (creation->ast->or_replace && strview_equal(from->name, creation->name) && strview_equal(from->database, creation->database))
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: '%.*s' can't read itself.", SV_ARGS(from->name));
        if (catalog_table_by_id(catalog, from->id) == NULL)
            return RAISE(diag, RETRY, "table '%.*s' was dropped meanwhile", SV_ARGS(from->name));
        if (from->kind == MV_BASE_MATERIALIZED_VIEW && (!mv_find(catalog, from->id, &creation->context->arena, &base) || !base.is_active))
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Create/Rebuild materialized view from inactive materialized view: "
                         "%.*s.", SV_ARGS(from->name));
    }
    return OK;
}

static void find_random_below(LogicalNode *node, const char **found);

/* Functions of another value each time: the rows of a view would never be those of its query. */
static void find_random(void *context, Expr **in_out)
{
    static const char *const names[] = {"rand", "random", "uuid", "uuid_numeric"};
    const char **found = context;
    Expr *expr = *in_out;
    for (size_t i = 0; i < COUNT_OF(names) && expr->kind == EXPR_CALL; i++) {
        if (strcmp(expr->call.binding->def->name, names[i]) == 0)
            *found = names[i];
    }
    if (expr->kind == EXPR_SUBQUERY)
        find_random_below(expr->subquery.query->root, found);
    for (uint32_t i = 0; i < expr->argument_count; i++)
        find_random(context, &expr->arguments[i]);
}

static void find_random_below(LogicalNode *node, const char **found)
{
    node_each_expr(node, find_random, (void *)found);
    for (uint32_t i = 0; i < node->child_count; i++)
        find_random_below(node->children[i], found);
}

Status mv_check_functions(StatementContext *context, LogicalNode *root)
{
    const char *found = NULL;
    find_random_below(root, &found);
    if (found == NULL)
        return OK;
    return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view query statement select item %s() not supported "
                 "nondeterministic function.", found);
}

static Status bind_definition(Creation *creation)
{
    StatementContext *context = creation->context;
    MvBoundView view = {.arena = &context->arena, .diag = context->diag, .session = &context->func};
    TRY(mv_bind(context->catalog, creation->schema->view_sql, creation->schema->view_database, &view));
    TRY(mv_check_functions(context, view.query->root));
    TRY(mv_trace(&view, creation->schema, &creation->definition));
    fill_scheme(creation, &view);
    mv_list_bases(&view, context->catalog, creation->schema->view_sql, creation->schema->view_database, &creation->definition);
    if (creation->definition.base_count == 0)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view query statement must contain at least one table.");
    return check_bases(creation, context->catalog, context->diag);
}

/* ---- the entry ---- */

static Status build_create(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Creation *creation = opaque;
    const CatalogDatabase *database = catalog_database(catalog, creation->database);
    if (database == NULL)
        return RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(creation->database));
    const CatalogTable *old = catalog_table(database, creation->name);
    bool replaces = old != NULL && creation->ast->or_replace && old->schema->kind == TABLE_MATERIALIZED_VIEW;
    if (old != NULL && !replaces) {
        creation->exists = true;
        if (creation->ast->table.if_not_exists)
            return OK;
        return RAISE(diag, TABLE_EXISTS, "Table '%.*s' already exists", SV_ARGS(creation->name));
    }
    TRY(check_bases(creation, catalog, diag));
    creation->replaced = replaces ? old->id : 0;
    if (replaces) {
        change_drop_table(change, old->id);
        change_drop_mv(change, catalog, old->id);
    }
    change_put_table(change, creation->definition.id, database->id, creation->name, creation->schema);
    if (creation->whole != NULL)
        change_put_partition(change, creation->definition.id, creation->schema, creation->whole);
    change_put_mv(change, &creation->definition);
    mv_put_task(change, catalog, &creation->definition, creation->database, creation->name, creation->schema->view_sql, creation->now_us);
    return OK;
}

/* Readers of its name get the query's result, see rollup_statements.c. */
static void mark_rollup(TableSchema *schema)
{
    Property *properties = ARENA_NEW_ARRAY(&schema->arena, Property, schema->property_count + 1);
    for (uint32_t i = 0; i < schema->property_count; i++)
        properties[i] = schema->properties[i];
    properties[schema->property_count++] = (Property){STR_VIEW(PROPERTY_ROLLUP), STR_VIEW("true")};
    schema->properties = properties;
}

/* mv_randomize_start: schedules that were not given a start begin up to so many seconds later; -1, 0: not. */
static void spread_start(MvDefinition *definition)
{
    int64_t most = mv_property_number(definition, "mv_randomize_start", 0);
    if (most > 0 && definition->scheme == MV_PERIODICAL && !definition->has_start)
        definition->start_us += (int64_t)(env_random(environment_real()) % ((uint64_t)most * 1000000));
}

static Status fill_all(Creation *creation, const AstStatement *statement)
{
    StatementContext *context = creation->context;
    MvDefinition *definition = &creation->definition;
    BoundQuery *query;
    TRY(mv_read_refresh(context, &creation->ast->refresh, creation->now_us, definition));
    TRY(analyze_query(&context->analyze, creation->ast->table.as_query, statement->source, &query));
    TRY(fill_columns(creation, query));
    TRY(read_partitions(creation));
    TRY(bind_definition(creation));
    TRY(mv_read_properties(context, &creation->ast->table.properties, creation->schema, true, creation->name, definition));
    if (creation->is_rollup)
        mark_rollup(creation->schema);
    spread_start(definition);
    if (creation->schema->scheme == PARTITION_NONE)
        creation->whole = partition_new(context->session->instance->store, creation->schema, creation->name, context->func.now_us, &context->arena);
    FAULT("ddl.before_commit", context->diag);
    return meta_commit(context->session->instance->store, build_create, creation, context->diag);
}

Status mv_create(StatementContext *context, const AstStatement *statement, bool is_rollup)
{
    const AstMaterializedView *ast = statement->mv;
    Creation creation = {.context = context, .ast = ast, .now_us = env_wall_us(environment_real()), .is_rollup = is_rollup};
    TRY(mv_split_name(context, &ast->table.name, &creation.database, &creation.name));
    TRY(ddl_check_name(creation.name, context->diag));
    creation.definition = (MvDefinition){.id = meta_new_id(context->session->instance->store), .is_active = true,
                                         .creator = strview(context->session->user)};
    const CatalogDatabase *database = catalog_database(context->catalog, creation.database);
    const CatalogTable *old = database == NULL || !ast->or_replace ? NULL : catalog_table(database, creation.name);
    if (old != NULL)
        TRY(authorize_table(&context->analyze, PRIVILEGE_BIT(DROP), database, old));
    creation.schema = ddl_schema_new();
    Status status = fill_all(&creation, statement);
    ddl_schema_free(creation.schema);
    TRY(status);
    if (creation.replaced != 0)
        task_cancel(context->session->instance->tasks, mv_task_name(creation.replaced, &context->arena));
    if (!creation.exists && !creation.definition.is_deferred)
        TRY(mv_submit_automatic(context, creation.definition.id));
    return OK;
}

Status run_create_mv(StatementContext *context, const AstStatement *statement)
{
    if (statement->mv->refresh.scheme == AST_REFRESH_NONE && !statement->mv->table.has_distribution)
        return run_create_rollup_view(context, statement);
    TRY(mv_create(context, statement, false));
    return send_ok(context, 0, STR_VIEW(""));
}
