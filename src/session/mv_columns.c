#include "session/mv_int.h"

/* ALTER MATERIALIZED VIEW .. ADD COLUMN c AS expr [DEFAULT '..'] and DROP COLUMN c: the definition with one item of its SELECT more or
 * less. What an added column is in the rows that are there is not known before a refresh: until then it has its default, and every partition
 * is stale. A column that is dropped leaves the rows what they were, so it has to be one that doesn't decide how many there are. */

#include "ddl/ddl.h"
#include "job/table_changes.h"
#include "mv/lineage.h"
#include "sql/parser.h"
#include "sql/unparse.h"
#include "types/number_text.h"

typedef struct Reshape {
    StatementContext *context;
    const AstAlterView *ast;
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    uint64_t record_hash;
    AstQuery *query; /* of the definition, to be changed */
    StrView text;    /* the changed one */
    TableSchema *schema;
    int64_t now_us;
    bool is_add;
} Reshape;

/* ---- the query ---- */

static Status parse_query_text(Reshape *r, StrView text, AstQuery **out)
{
    StatementContext *context = r->context;
    AstStatements statements = {0};
    TRY(sql_parse(text, NULL, &context->arena, context->diag, &statements));
    if (statements.count != 1 || statements.items[0]->query == NULL)
        return RAISE(context->diag, CORRUPT, "the definition of '%.*s' is no query", SV_ARGS(r->table->name));
    *out = statements.items[0]->query;
    return OK;
}

/* As the user, who must be allowed to read what the query reads. */
static Status bind_text(Reshape *r, StrView text, BoundQuery **out)
{
    AstQuery *query;
    AnalyzeContext analyze = r->context->analyze;
    analyze.database = r->table->schema->view_database;
    analyze.temporary_owner = (StrView){0};
    TRY(parse_query_text(r, text, &query));
    return analyze_query(&analyze, query, text, out);
}

static StrView print_query(const Reshape *r)
{
    AUTO_BYTEBUF text = {0};
    sql_print_query(r->query, &text);
    return strview_n(arena_strndup(&r->context->arena, text.data, text.length), text.length);
}

static Status need_select(Reshape *r)
{
    TRY(parse_query_text(r, r->table->schema->view_sql, &r->query));
    if (r->query->kind != AST_QUERY_SELECT)
        return RAISE(r->context->diag, NOT_SUPPORTED, "ALTER MATERIALIZED VIEW %.*s: the definition of '%.*s' is not one SELECT",
                     SV_ARGS(r->ast->action), SV_ARGS(r->table->name));
    return OK;
}

/* Column i of the changed query is behind the columns of the view that outputs say. */
static void name_outputs(Reshape *r, const BoundQuery *query, uint32_t *outputs)
{
    MvDefinition *definition = &r->definition;
    definition->output_count = r->schema->column_count;
    definition->outputs = ARENA_NEW_ARRAY(&r->context->arena, StrView, definition->output_count + 1);
    definition->places = outputs;
    for (uint32_t c = 0; c < definition->output_count; c++)
        definition->outputs[c] = query->root->columns[outputs[c]].name;
}

/* The columns of the query behind those of the view, with room for one more. */
static Status read_outputs(Reshape *r, MvBoundView *view, uint32_t **out)
{
    const TableSchema *schema = r->table->schema;
    *view = (MvBoundView){.arena = &r->context->arena, .diag = r->context->diag, .session = &r->context->func};
    TRY(mv_bind(r->context->catalog, schema->view_sql, schema->view_database, view));
    *out = ARENA_NEW_ARRAY(&r->context->arena, uint32_t, schema->column_count + 1);
    for (uint32_t c = 0; c < schema->column_count; c++)
        TRY(mv_output(&r->definition, view, c, &(*out)[c]));
    return OK;
}

/* ---- ADD COLUMN ---- */

static bool is_output(const BoundQuery *query, StrView name)
{
    for (uint32_t i = 0; i < query->column_count; i++) {
        if (strview_equal_ci(query->root->columns[i].name, name))
            return true;
    }
    return false;
}

/* Where rows are grouped, what is no aggregate is one more key of the groups. */
static Status bind_added(Reshape *r, BoundQuery **out)
{
    AstSelect *select = &r->query->select;
    Diag *diag = r->context->diag;
    r->text = print_query(r);
    Status status = bind_text(r, r->text, out);
    if (status == OK || !select->has_group || select->group_kind != AST_GROUP_PLAIN)
        return status;
    Diag first = *diag;
    diag_reset(diag);
    AST_PUSH(&r->context->arena, &select->group, r->ast->expr);
    r->text = print_query(r);
    if (bind_text(r, r->text, out) == OK)
        return OK;
    *diag = first;
    return status;
}

static Status add_to_schema(Reshape *r, DdlContext *ddl, Type type)
{
    AstColumn column = {.name = r->ast->text, .has_type = true, .is_nullable = true, .has_nullability = true};
    AstAlterAction action = {.kind = STR_VIEW("ADD COLUMN")};
    if (type.kind == TYPE_NULL)
        type = type_of(TYPE_BOOLEAN);
    if (type_is_string(type))
        type = type_varchar(VARCHAR_MAX_BYTES);
    type.phys = (uint8_t)type_default_phys(type);
    column.type = type;
    column.default_kind = r->ast->default_text.data != NULL;
    column.default_text = r->ast->default_text;
    AST_PUSH(ddl->arena, &action.columns, column);
    return ddl_alter_columns(ddl, &action, r->table, r->schema);
}

static Status add_column(Reshape *r, DdlContext *ddl)
{
    BoundQuery *query;
    MvBoundView view;
    uint32_t *outputs;
    StrView alias = r->ast->text;
    TRY(ddl_check_name(r->ast->text, r->context->diag));
    TRY(read_outputs(r, &view, &outputs));
    for (uint32_t i = 1; is_output(view.query, alias); i++)
        alias = strview(arena_printf(&r->context->arena, "%.*s_%u", SV_ARGS(r->ast->text), i));
    AstSelectItem item = {r->ast->expr, alias};
    AST_PUSH(&r->context->arena, &r->query->select.items, item);
    TRY(bind_added(r, &query));
    TRY(add_to_schema(r, ddl, query->root->columns[query->column_count - 1].type));
    outputs[r->schema->column_count - 1] = query->column_count - 1;
    r->definition.cleared_cause = strview(arena_printf(&r->context->arena, "column added: %.*s", SV_ARGS(r->ast->text)));
    name_outputs(r, query, outputs);
    return OK;
}

/* ---- DROP COLUMN ---- */

/* GROUP BY 2, ORDER BY 2. */
static bool is_number_of(const AstExpr *expr, uint32_t item)
{
    int64_t number;
    return expr->kind == AST_INTEGER && int64_parse(expr->text, &number) && number == (int64_t)item + 1;
}

/* Numbers behind the item that goes are one less. */
static void count_down(Reshape *r, AstExpr *expr, uint32_t item)
{
    int64_t number;
    if (expr->kind == AST_INTEGER && int64_parse(expr->text, &number) && number > (int64_t)item + 1)
        expr->text = strview(arena_printf(&r->context->arena, "%lld", (long long)(number - 1)));
}

static bool is_name_of(const AstExpr *expr, StrView name)
{
    return expr->kind == AST_NAME && name.length > 0 && strview_equal_ci(expr->name.parts[expr->name.count - 1], name);
}

/* Do the groups, or the order, hang on the item? */
static bool is_group(const AstSelect *select, uint32_t item)
{
    const AstSelectItem *dropped = &select->items.items[item];
    AUTO_BYTEBUF own = {0};
    sql_print_expr(dropped->expr, &own);
    for (uint32_t i = 0; i < select->group.count; i++) {
        AUTO_BYTEBUF text = {0};
        sql_print_expr(select->group.items[i], &text);
        if (strview_equal_ci(bytebuf_view(&text), bytebuf_view(&own)) || is_name_of(select->group.items[i], dropped->alias) ||
            is_number_of(select->group.items[i], item))
            return true;
    }
    return false;
}

static Status check_item(Reshape *r, uint32_t item)
{
    const AstSelect *select = &r->query->select;
    Diag *diag = r->context->diag;
    StrView name = r->ast->text;
    for (uint32_t i = 0; i < select->items.count; i++) {
        if (select->items.items[i].expr->kind == AST_STAR)
            return RAISE(diag, NOT_SUPPORTED, "ALTER MATERIALIZED VIEW DROP COLUMN: the definition of '%.*s' selects *", SV_ARGS(r->table->name));
    }
    if (select->items.count == 1)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Can not drop the only column '%.*s'.", SV_ARGS(name));
    if (select->is_distinct || is_group(select, item) || (select->has_group && select->group_kind != AST_GROUP_PLAIN))
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Can not drop column '%.*s': the rows of '%.*s' are grouped by it.",
                     SV_ARGS(name), SV_ARGS(r->table->name));
    return OK;
}

static void take_item(Reshape *r, uint32_t item)
{
    AstSelect *select = &r->query->select;
    for (uint32_t i = 0; i < select->group.count; i++)
        count_down(r, select->group.items[i], item);
    AstOrderItem *order = r->query->order.items;
    uint32_t kept = 0;
    bool has_limit = r->query->limit != NULL || r->query->offset != NULL;
    for (uint32_t i = 0; i < r->query->order.count; i++) {
        bool is_it = is_number_of(order[i].expr, item) || is_name_of(order[i].expr, select->items.items[item].alias);
        if (is_it && !has_limit) /* the order of a view's rows means nothing else */
            continue;
        count_down(r, order[i].expr, item);
        order[kept++] = order[i];
    }
    r->query->order.count = kept;
    AstSelectItem *items = select->items.items;
    memmove(items + item, items + item + 1, (select->items.count - item - 1) * sizeof(*items));
    select->items.count--;
}

/* Rows lie in the order of the columns before it, of which they are sorted all the same. */
static void sort_without(TableSchema *schema, uint32_t column)
{
    uint32_t kept = 0;
    while (kept < schema->sort_count && schema->sort_columns[kept] != column)
        kept++;
    schema->sort_count = kept;
    for (uint32_t c = column; c < schema->key_count; c++)
        schema->columns[c].is_key = false;
    schema->key_count = MIN(schema->key_count, column);
}

static Status drop_from_schema(Reshape *r, DdlContext *ddl, uint32_t column)
{
    MvDefinition *definition = &r->definition;
    AstAlterAction action = {.kind = STR_VIEW("DROP COLUMN"), .name = r->ast->text};
    sort_without(r->schema, column);
    TRY(ddl_alter_columns(ddl, &action, r->table, r->schema));
    for (uint32_t d = 0; d < definition->partition_count; d++)
        definition->partition_columns[d] -= definition->partition_columns[d] > column;
    return OK;
}

static Status drop_column(Reshape *r, DdlContext *ddl)
{
    BoundQuery *query;
    MvBoundView view;
    uint32_t *outputs;
    int column = table_column_index(r->schema, r->ast->text);
    if (column < 0)
        return RAISE(ddl->diag, ANALYSIS, "Getting analyzing error. Detail message: Column[%.*s] does not exist.", SV_ARGS(r->ast->text));
    TRY(read_outputs(r, &view, &outputs));
    uint32_t item = outputs[column], kept = 0;
    TRY(check_item(r, item));
    take_item(r, item);
    r->text = print_query(r);
    TRY(drop_from_schema(r, ddl, (uint32_t)column));
    TRY(bind_text(r, r->text, &query));
    for (uint32_t c = 0; c < r->table->schema->column_count; c++) {
        if (c != (uint32_t)column)
            outputs[kept++] = outputs[c] - (outputs[c] > item);
    }
    name_outputs(r, query, outputs);
    return OK;
}

/* ---- the entry ---- */

/* What the changed definition reads, and that its partitions still follow from those of its bases. */
static Status bind_changed(Reshape *r)
{
    StatementContext *context = r->context;
    MvBoundView view = {.arena = &context->arena, .diag = context->diag, .session = &context->func};
    TableSchema *schema = r->schema;
    schema->view_sql = ddl_keep(&schema->arena, r->text);
    TRY(mv_bind(context->catalog, schema->view_sql, schema->view_database, &view));
    TRY(mv_check_functions(context, view.query->root));
    TRY(mv_trace(&view, schema, &r->definition));
    mv_list_bases(&view, context->catalog, schema->view_sql, schema->view_database, &r->definition);
    return OK;
}

static Status build_reshape(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Reshape *r = opaque;
    const CatalogTable *now = catalog_table_by_id(catalog, r->table->id);
    if (now == NULL || now->schema != r->table->schema || now->database_id != r->table->database_id ||
        mv_record_hash(catalog, now->id) != r->record_hash)
        return RAISE(diag, RETRY, "the materialized view '%.*s' was altered meanwhile", SV_ARGS(r->table->name));
    change_put_table(change, now->id, now->database_id, now->name, r->schema);
    change_put_mv(change, &r->definition);
    mv_put_task(change, catalog, &r->definition, r->database->name, now->name, r->schema->view_sql, r->now_us);
    if (r->is_add)
        change_clear_mv_map(change, catalog, now->id); /* for the cause that the definition tells */
    else
        change_forget_mv_rows(change, catalog, now->id);
    return OK;
}

Status mv_alter_columns(StatementContext *context, const AstAlterView *ast, const CatalogTable *table, const MvDefinition *definition, int64_t now_us)
{
    AlterEffect effect = {0};
    DdlContext ddl = {.arena = &context->arena, .diag = context->diag, .store = context->session->instance->store, .analyze = &context->analyze,
                      .now_us = context->func.now_us, .zone_offset_us = context->func.zone_offset_us, .effect = &effect};
    Reshape r = {.context = context, .ast = ast, .table = table, .definition = *definition, .now_us = now_us};
    if (table_is_rollup(table->schema))
        return RAISE(context->diag, NOT_SUPPORTED, "ALTER MATERIALIZED VIEW %.*s: '%.*s' is a synchronous materialized view", SV_ARGS(ast->action),
                     SV_ARGS(table->name));
    r.database = catalog_database_by_id(context->catalog, table->database_id);
    r.record_hash = mv_record_hash(context->catalog, table->id);
    r.is_add = strview_is(ast->action, "ADD COLUMN");
    r.schema = ddl_schema_copy(table->schema);
    Status status = need_select(&r);
    if (status == OK)
        status = r.is_add ? add_column(&r, &ddl) : drop_column(&r, &ddl);
    if (status == OK)
        status = bind_changed(&r);
    if (status == OK)
        status = meta_commit(context->session->instance->store, build_reshape, &r, context->diag);
    ddl_schema_free(r.schema);
    TRY(status);
    return r.is_add && definition->scheme != MV_MANUAL && definition->is_active ? mv_submit_automatic(context, table->id) : OK;
}
