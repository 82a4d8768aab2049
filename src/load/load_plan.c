#include "load/load_plan.h"

/* Columns of the table that the input does not name get their default, else NULL, else the load is
 * refused. */

#include "base/environment.h"
#include "load/key_merge.h"
#include "sql/parser.h"
#include "types/datetime.h"

static Status find_table(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    plan->database = catalog_database(plan->catalog, options->database);
    if (plan->database == NULL)
        return RAISE(diag, NO_SUCH_DATABASE, "unknown database, database=%.*s", SV_ARGS(options->database));
    plan->table = catalog_table(plan->database, options->table);
    if (plan->table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "unknown table, table=%.*s", SV_ARGS(options->table));
    if (plan->table->schema->kind != TABLE_BASE)
        return RAISE(diag, BAD_TABLE, "table %.*s is a view: rows can't be loaded into it", SV_ARGS(options->table));
    return OK;
}

/* A field __op of a PRIMARY KEY table. */
static void note_op(LoadPlan *plan, LoadSource *source)
{
    if (source->table_column >= 0 || !strview_is(source->name, OP_COLUMN) || plan->table->schema->keys_kind != KEYS_PRIMARY)
        return;
    source->type = type_varchar(OP_BYTES);
    plan->has_op = true;
    plan->op = (LoadTarget){.kind = LOAD_FROM_SOURCE, .index = plan->source_count - 1};
}

static void add_source(LoadPlan *plan, StrView name)
{
    LoadSource *source = &plan->sources[plan->source_count++];
    const TableSchema *schema = plan->table->schema;
    *source = (LoadSource){.name = name, .table_column = table_column_index(schema, name)};
    if (source->table_column >= 0 && schema->columns[source->table_column].generated.length > 0)
        source->table_column = -1; /* what came out of the table once may come in: its value is computed */
    if (source->table_column >= 0)
        source->type = schema->columns[source->table_column].type;
    note_op(plan, source);
}

static Status check_sources(const LoadPlan *plan, Diag *diag)
{
    for (uint32_t i = 0; i < plan->source_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (strview_equal_ci(plan->sources[i].name, plan->sources[k].name))
                return RAISE(diag, DUPLICATE_COLUMN, "Duplicate column: %.*s", SV_ARGS(plan->sources[i].name));
        }
    }
    return OK;
}

/* Inside expressions clients write a comma as "\\,", so that it does not look like one between columns. */
static StrView plain_commas(LoadPlan *plan, StrView text)
{
    char *plain = arena_strndup(&plan->arena, text.data, text.length);
    char quote = 0;
    for (size_t i = 0; i + 1 < text.length; i++) {
        if (quote != 0 && plain[i] == '\\')
            i++;
        else if (quote != 0)
            quote = plain[i] == quote ? 0 : quote;
        else if (plain[i] == '\'' || plain[i] == '"' || plain[i] == '`')
            quote = plain[i];
        else if (plain[i] == '\\' && plain[i + 1] == ',')
            plain[i] = ' ';
    }
    return (StrView){plain, text.length};
}

static void add_debezium_op(LoadPlan *plan)
{
    if (!plan->json.is_debezium)
        return;
    for (plan->json.op_column = 0; plan->json.op_column < plan->source_count; plan->json.op_column++) {
        if (strview_is(plan->sources[plan->json.op_column].name, OP_COLUMN))
            return;
    }
    add_source(plan, STR_VIEW(OP_COLUMN));
}

static AstExpr *negated(LoadPlan *plan, const TableColumn *column, AstExpr *value)
{
    AstExpr *cast = ARENA_NEW(&plan->arena, AstExpr);
    AstExpr *minus = ARENA_NEW(&plan->arena, AstExpr);
    cast->kind = AST_CAST;
    cast->left = value;
    cast->type = column->type;
    cast->has_type = true;
    minus->kind = AST_UNARY;
    minus->op = STR_VIEW("-");
    minus->left = cast;
    return minus;
}

static AstExpr *name_of(LoadPlan *plan, StrView name)
{
    AstExpr *expr = ARENA_NEW(&plan->arena, AstExpr);
    expr->kind = AST_NAME;
    expr->name.parts[0] = name;
    expr->name.count = 1;
    return expr;
}

/* negative: the values of SUM columns with the other sign. True: there is an expression now. */
static bool negate_sums(LoadPlan *plan, AstStrList *names, AstExprList *values)
{
    const TableSchema *schema = plan->table->schema;
    uint32_t mapped = names->count;
    bool has_any = false;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const TableColumn *column = &schema->columns[c];
        bool is_computed = false;
        if (!strview_equal_ci(column->aggregate, STR_VIEW("SUM")))
            continue;
        for (uint32_t i = 0; i < mapped; i++) {
            if (values->items[i] == NULL || !strview_equal_ci(names->items[i], column->name))
                continue;
            values->items[i] = negated(plan, column, values->items[i]);
            is_computed = has_any = true;
        }
        for (uint32_t i = 0; i < plan->source_count && !is_computed; i++) {
            if (plan->sources[i].table_column != (int)c)
                continue;
            AST_PUSH(&plan->arena, names, column->name);
            AST_PUSH(&plan->arena, values, negated(plan, column, name_of(plan, plan->sources[i].name)));
            is_computed = has_any = true;
        }
    }
    return has_any;
}

static Status read_columns(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    const TableSchema *schema = plan->table->schema;
    StrView text = plain_commas(plan, load_plan_property(plan, options, "columns"));
    AstStrList names = {0};
    AstExprList values = {0};
    if (strview_trim(text).length > 0)
        TRY(sql_parse_column_mapping(text, &plan->arena, diag, &names, &values));
    plan->sources = ARENA_NEW_ARRAY(&plan->arena, LoadSource, names.count + schema->column_count + 1);
    bool has_mapping = false;
    for (uint32_t i = 0; i < names.count; i++) {
        if (values.items[i] == NULL)
            add_source(plan, names.items[i]);
        else
            has_mapping = true;
    }
    bool takes_all = plan->source_count == 0;
    for (uint32_t i = 0; i < schema->column_count && takes_all; i++) {
        if (schema->columns[i].generated.length == 0)
            add_source(plan, schema->columns[i].name);
    }
    add_debezium_op(plan);
    TRY(check_sources(plan, diag));
    if (plan->is_negative)
        has_mapping |= negate_sums(plan, &names, &values);
    plan->exprs = ARENA_NEW_ARRAY(&plan->arena, Expr *, names.count + schema->column_count);
    return has_mapping ? load_plan_bind(plan, text, &names, &values, diag) : OK;
}

static Status default_value(LoadPlan *plan, const TableColumn *column, Datum *out, Diag *diag)
{
    *out = datum_null();
    if (column->generated.length > 0)
        return OK; /* computed later */
    if (column->is_auto_increment)
        return OK; /* NULLs get values */
    if (column->default_kind == DEFAULT_LITERAL)
        return datum_parse(column->type, column->default_text, &plan->arena, diag, out);
    if (column->default_kind == DEFAULT_NOW) {
        int64_t now = plan->session.now_us + plan->session.zone_offset_us;
        *out = datum_i64(column->type.kind == TYPE_DATE ? datetime_date(now) : now - now % US_PER_SECOND);
        return OK;
    }
    if (!column->is_nullable && plan->is_partial && !type_is_nested(column->type) && column->type.kind != TYPE_JSON)
        *out = (Datum){0}; /* of rows whose key is new */
    else if (!column->is_nullable)
        return RAISE(diag, COLUMN_NOT_NULL, "Column has no default value, column=%.*s", SV_ARGS(column->name));
    return OK;
}

/* Targets that no expression fills: a source of the name, else the default. */
static Status fill_targets(LoadPlan *plan, Diag *diag)
{
    const TableSchema *schema = plan->table->schema;
    uint8_t *given = ARENA_NEW_ARRAY(&plan->arena, uint8_t, schema->column_count);
    memset(given, 1, schema->column_count);
    plan->given = given;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        LoadTarget *target = &plan->targets[c];
        if (target->kind == LOAD_FROM_EXPR)
            continue;
        bool found = false;
        for (uint32_t i = 0; i < plan->source_count && !found; i++) {
            found = plan->sources[i].table_column == (int)c;
            if (found)
                *target = (LoadTarget){.kind = LOAD_FROM_SOURCE, .index = i};
        }
        if (found && type_is_state(schema->columns[c].type)) /* the bytes of a client are no state */
            return RAISE(diag, INVALID_ARGUMENT, "column '%.*s' of aggregate states is loaded by an expression in columns",
                         SV_ARGS(schema->columns[c].name));
        if (found)
            continue;
        given[c] = 0;
        if (schema->columns[c].default_kind == DEFAULT_EXPRESSION && schema->columns[c].generated.length == 0) {
            TRY(load_plan_bind_default(plan, &schema->columns[c], target, diag));
            continue;
        }
        target->kind = LOAD_FROM_CONSTANT;
        TRY(default_value(plan, &schema->columns[c], &target->constant, diag));
    }
    return OK;
}

/* What a row is looked up and compared by has to come in. */
static Status check_updates(LoadPlan *plan, Diag *diag)
{
    const TableSchema *schema = plan->table->schema;
    for (uint32_t k = 0; k < schema->key_count && plan->is_partial; k++) {
        if (!plan->given[k])
            return RAISE(diag, INVALID_ARGUMENT, "partial update requires all key columns: column %.*s is not given",
                         SV_ARGS(schema->columns[k].name));
    }
    return plan->condition_column < 0 ? OK : key_merge_condition(plan->table, plan->condition, plan->given, diag, &plan->condition_column);
}

static Status finish_json(LoadPlan *plan, uint32_t path_count, Diag *diag)
{
    if (!plan->is_json)
        return OK;
    if (plan->json.paths != NULL && path_count < plan->source_count)
        return RAISE(diag, WRONG_COLUMN_COUNT, "jsonpaths name %u values for %u columns", path_count,
                     plan->source_count);
    StrView *names = ARENA_NEW_ARRAY(&plan->arena, StrView, plan->source_count);
    uint8_t *raw = ARENA_NEW_ARRAY(&plan->arena, uint8_t, plan->source_count);
    for (uint32_t i = 0; i < plan->source_count; i++) {
        names[i] = plan->sources[i].name;
        raw[i] = plan->sources[i].type.kind == TYPE_JSON;
    }
    plan->json.names = names;
    plan->json.raw = raw;
    plan->json.column_count = plan->source_count;
    return OK;
}

Status load_plan_make(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    *plan = (LoadPlan){.catalog = meta_snapshot(options->store)};
    arena_init(&plan->arena, options->tracker);
    plan->session = (FuncSession){.now_us = env_wall_us(environment_real()),
                                  .zone_offset_us = options->zone_offset_us,
                                  .dictionaries = options->dictionaries,
                                  .random_seed = env_random(environment_real())};
    plan->session.database = strview(arena_strndup(&plan->arena, options->database.data, options->database.length));
    plan->session.user = strview(arena_strndup(&plan->arena, options->user.data, options->user.length));
    TRY(load_plan_read_label(plan, options, diag));
    TRY(find_table(plan, options, diag));
    uint32_t path_count = 0;
    TRY(load_plan_read_properties(plan, options, &path_count, diag));
    plan->targets = ARENA_NEW_ARRAY(&plan->arena, LoadTarget, plan->table->schema->column_count);
    TRY(read_columns(plan, options, diag));
    TRY(fill_targets(plan, diag));
    TRY(check_updates(plan, diag));
    TRY(load_plan_bind_generated(plan, diag));
    StrView where = load_plan_property(plan, options, "where");
    if (strview_trim(where).length > 0)
        TRY(load_plan_bind_where(plan, where, diag));
    return finish_json(plan, path_count, diag);
}

TableLoaderOptions load_plan_loader(const LoadPlan *plan, const StreamLoadOptions *options, MemTracker *tracker, KeyMergeRules *rules)
{
    TableLoaderOptions loader = {.store = options->store,
                                 .volume = options->volume,
                                 .catalog = plan->catalog,
                                 .table = plan->table,
                                 .session = &plan->session,
                                 .tracker = tracker,
                                 .keys = options->keys,
                                 .compactor = options->compactor,
                                 .partition_ids = plan->partition_ids,
                                 .partition_count = plan->partition_count};
    if (plan->is_partial || plan->condition_column >= 0) {
        *rules = (KeyMergeRules){plan->is_partial ? plan->given : NULL, plan->condition_column, &plan->generated, options->increments, plan->table->id,
                                 plan->update_mode};
        loader.merge = rules;
    }
    return loader;
}

void load_plan_close(LoadPlan *plan)
{
    if (plan->catalog != NULL)
        catalog_unref(plan->catalog);
    arena_deinit(&plan->arena);
}
