#include "analyze/analyze_int.h"

/* FROM: tables, views, CTEs, derived tables, joins, VALUES and table functions. */

#include "sql/parser.h"

enum { MAX_VIEW_DEPTH = 32 };

static void publish(AnalyzeContext *context, Scope *scope, LogicalNode *node, StrView qualifier, StrView database)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        node->columns[i].table_name = qualifier;
        scope_add(context, scope, &node->columns[i], qualifier, database);
    }
}

Status rename_columns(AnalyzeContext *context, const AstRelation *ast, LogicalNode *node)
{
    if (ast->column_aliases.count == 0)
        return OK;
    if (ast->column_aliases.count > node->column_count)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: table '%.*s' has fewer columns than its alias list.",
                     SV_ARGS(ast->alias));
    for (uint32_t i = 0; i < ast->column_aliases.count; i++)
        node->columns[i].name = ast->column_aliases.items[i];
    return OK;
}

static ScopeCte *find_cte(Scope *scope, StrView name)
{
    for (Scope *s = scope; s != NULL; s = s->outer) {
        for (ScopeCte *c = s->ctes; c != NULL; c = c->next) {
            if (strview_equal(c->name, name))
                return c;
        }
    }
    return NULL;
}

static LogicalNode *cte_reference(AnalyzeContext *context, BoundCte *cte)
{
    LogicalNode *node = new_node(context, LOGICAL_CTE_REF, NULL);
    cte->use_count++;
    node->cte_ref.cte = cte;
    node->column_count = cte->query->column_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count);
    node->cte_ref.inputs = ARENA_NEW_ARRAY(context->arena, ColumnId, node->column_count);
    for (uint32_t i = 0; i < node->column_count; i++) {
        node->columns[i] = cte->query->columns[i];
        node->cte_ref.inputs[i] = node->columns[i].id;
        node->columns[i].id = column_ids_next(&context->ids);
    }
    return node;
}

static LogicalNode *query_node(const BoundQuery *query)
{
    return query->root;
}

/* A view that its reader may not read through is itself what is refused, one inside of another is not. */
static Status refuse_view(AnalyzeContext *context, const CatalogTable *view, Status status)
{
    if (status != ERR_PRIVILEGE_DENIED || context->view_depth != 0 || context->refused_depth != 1)
        return status;
    diag_reset(context->diag);
    return access_refuse(context->rights, OBJECT_VIEW, PRIVILEGE_BIT(SELECT), view->name, context->diag);
}

static Status bind_view(AnalyzeContext *context, const CatalogTable *view, LogicalNode **out)
{
    if (++context->view_depth > MAX_VIEW_DEPTH)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: views are nested more than %d levels deep.", MAX_VIEW_DEPTH);
    AstStatements statements = {0};
    BoundQuery *query;
    TRY(sql_parse(view->schema->view_sql, NULL, context->arena, context->diag, &statements));
    if (statements.count != 1 || statements.items[0]->kind != AST_STATEMENT_QUERY)
        return RAISE(context->diag, INTERNAL, "view \"%.*s\" is not a query", SV_ARGS(view->name));
    StrView saved = context->database;
    const AccessRights *rights = context->rights;
    context->database = view->schema->view_database;
    if (!view_is_invoker(view->schema)) /* whoever may read the view may read what it reads */
        context->rights = NULL;
    Status status = bind_query(context, NULL, statements.items[0]->query, view->schema->view_sql, &query);
    context->database = saved;
    context->rights = rights;
    context->view_depth--;
    if (status != OK)
        return refuse_view(context, view, status);
    *out = query_node(query);
    for (uint32_t i = 0; i < MIN((*out)->column_count, view->schema->column_count); i++)
        (*out)->columns[i].name = view->schema->columns[i].name;
    return OK;
}

static LogicalNode *scan_node(AnalyzeContext *context, const CatalogDatabase *database, const CatalogTable *table, bool has_location)
{
    LogicalNode *node = new_node(context, LOGICAL_SCAN, NULL);
    node->scan.database = database;
    node->scan.table = table;
    node->scan.is_historic = context->is_historic;
    node->column_count = table->schema->column_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count + 1);
    node->scan.ordinals = ARENA_NEW_ARRAY(context->arena, uint32_t, node->column_count + 1);
    node->scan.first_id = context->ids.next;
    for (uint32_t i = 0; i < node->column_count; i++) {
        const TableColumn *column = &table->schema->columns[i];
        node->scan.ordinals[i] = i;
        node->columns[i] = (LogicalColumn){.id = column_ids_next(&context->ids), .type = column->type,
                                           .is_nullable = column->is_nullable, .name = column->name,
                                           .origin_table = table->name, .origin_column = column->name,
                                           .database = database->name};
    }
    if (has_location && context->raw == NULL && table->schema->keys_kind == KEYS_AGGREGATE)
        node->column_count = table->schema->key_count; /* values are not what a reader sees: DELETE goes by keys */
    if (has_location) {
        node->scan.ordinals[node->column_count] = table->schema->column_count;
        node->columns[node->column_count++] = (LogicalColumn){.id = column_ids_next(&context->ids), .type = type_of(TYPE_BIGINT),
                                                              .name = STR_VIEW(ROW_LOCATION_NAME)};
    }
    return node;
}

static Status pick_partitions(AnalyzeContext *context, const AstRelation *ast, LogicalNode *node)
{
    if (ast->partitions.count == 0)
        return OK;
    uint64_t *ids = ARENA_NEW_ARRAY(context->arena, uint64_t, ast->partitions.count);
    for (uint32_t i = 0; i < ast->partitions.count; i++) {
        const CatalogPartition *partition = catalog_partition(node->scan.table, ast->partitions.items[i]);
        if (partition == NULL)
            return RAISE(context->diag, NO_SUCH_PARTITION, "Unknown partition '%.*s' in table '%.*s'",
                         SV_ARGS(ast->partitions.items[i]), SV_ARGS(node->scan.table->name));
        ids[i] = partition->id;
    }
    node->scan.partition_ids = ids;
    node->scan.partition_id_count = ast->partitions.count;
    return OK;
}

Status bind_connector_table(AnalyzeContext *context, const ConnectorTable *table, LogicalNode **out)
{
    LogicalNode *node = new_node(context, LOGICAL_SYSTEM_SCAN, NULL);
    node->system_scan.table = table;
    node->column_count = table->column_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count);
    node->system_scan.ordinals = ARENA_NEW_ARRAY(context->arena, uint32_t, node->column_count);
    for (uint32_t i = 0; i < node->column_count; i++) {
        node->system_scan.ordinals[i] = i;
        node->columns[i] = (LogicalColumn){.id = column_ids_next(&context->ids), .type = table->columns[i].type,
                                           .is_nullable = true, .name = table->columns[i].name,
                                           .origin_table = table->name, .origin_column = table->columns[i].name,
                                           .database = table->database};
    }
    *out = node;
    return OK;
}

static Status bind_as_of(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode **out);

static Status bind_table(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode **out)
{
    if (ast->as_of != NULL)
        return bind_as_of(context, scope, ast, out);
    StrView name = ast->name.parts[ast->name.count - 1];
    StrView alias = ast->alias.length > 0 ? ast->alias : name;
    ScopeCte *cte = ast->name.count == 1 ? find_cte(scope, name) : NULL;
    if (cte != NULL) {
        *out = cte->recursion != NULL ? working_table(context, cte->recursion) : cte_reference(context, cte->cte);
        TRY(rename_columns(context, ast, *out));
        publish(context, scope, *out, alias, STR_VIEW(""));
        return OK;
    }
    StrView database_name = ast->name.count >= 2 ? ast->name.parts[ast->name.count - 2] : context->database;
    const ConnectorTable *system = context->connector == NULL
                                       ? NULL
                                       : context->connector->find(context->connector->context, database_name, name, context->arena);
    if (system != NULL) {
        if (context->rights != NULL)
            TRY(context->connector->authorize(context->connector->context, database_name, name));
        TRY(bind_connector_table(context, system, out));
        publish(context, scope, *out, alias, database_name);
        return OK;
    }
    const CatalogDatabase *database;
    const CatalogTable *table;
    TRY(analyze_find_table(context, &ast->name, &database, &table));
    context->refused_depth = context->view_depth;
    if (ast != context->located && ast != context->raw && ast != context->permitted)
        TRY(authorize_table(context, PRIVILEGE_BIT(SELECT), database, table));
    if (ast->is_temporary_partition)
        TRY(analyze_find_temporary(context, table, &table));
    if (table->schema->kind == TABLE_VIEW || (table_is_rollup(table->schema) && !context->reads_stored)) {
        TRY(bind_view(context, table, out));
    } else if (table->schema->keys_kind == KEYS_AGGREGATE && ast != context->raw && ast != context->located) {
        TRY(bind_merged_table(context, ast, table, scope->source, out));
    } else {
        *out = scan_node(context, database, table, ast == context->located || ast == context->raw);
        (*out)->scan.alias = alias;
        TRY(pick_partitions(context, ast, *out));
    }
    TRY(rename_columns(context, ast, *out));
    publish(context, scope, *out, alias, database->name);
    return OK;
}

/* A table or view as it was: everything below is bound in the catalog of that moment. */
static Status bind_as_of(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode **out)
{
    const CatalogSnapshot *now = context->catalog;
    bool was_historic = context->is_historic;
    AstRelation *plain = ARENA_NEW(context->arena, AstRelation); /* scans remember their relation */
    memcpy(plain, ast, sizeof(*plain));
    plain->as_of = NULL;
    if (context->moment == NULL)
        return RAISE(context->diag, NOT_SUPPORTED, "AS OF is not supported here");
    TRY(context->moment(context->moment_context, ast->as_of, ast->is_as_of_version, scope->source, &context->catalog));
    context->is_historic = true;
    Status status = bind_table(context, scope, plain, out);
    context->catalog = now;
    context->is_historic = was_historic;
    return status;
}

static Status bind_derived(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode **out)
{
    BoundQuery *query;
    /* A derived table sees the CTEs around it, not its neighbours, unless it is LATERAL. */
    Scope hidden = {.outer = scope->outer, .ctes = scope->ctes, .source = scope->source};
    TRY(bind_query(context, ast->is_lateral ? scope : &hidden, ast->query, scope->source, &query));
    *out = query_node(query);
    TRY(rename_columns(context, ast, *out));
    publish(context, scope, *out, ast->alias, STR_VIEW(""));
    return OK;
}

static bool all_null_literals(Expr *const *column, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (column[i]->kind != EXPR_CONSTANT || column[i]->type.kind != TYPE_NULL)
            return false;
    }
    return true;
}

static Status bind_values(AnalyzeContext *context, Scope *scope, const AstRowList *rows, LogicalNode **out)
{
    LogicalNode *node = new_node(context, LOGICAL_VALUES, NULL);
    uint32_t width = rows->count == 0 ? 0 : rows->items[0].count;
    node->values.row_count = rows->count;
    node->values.rows = ARENA_NEW_ARRAY(context->arena, Expr **, MAX(rows->count, 1u));
    for (uint32_t r = 0; r < rows->count; r++) {
        node->values.rows[r] = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(width, 1u));
        if (rows->items[r].count != width)
            return RAISE(context->diag, WRONG_COLUMN_COUNT, "Column count doesn't match value count at row %u", r + 1);
        for (uint32_t c = 0; c < width; c++)
            TRY(bind_expr(context, scope, rows->items[r].items[c], &node->values.rows[r][c]));
    }
    node->column_count = width;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(width, 1u));
    Expr **column = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(rows->count, 1u));
    for (uint32_t c = 0; c < width; c++) {
        Type common;
        for (uint32_t r = 0; r < rows->count; r++)
            column[r] = node->values.rows[r][c];
        TRY(bind_in_types(context, column, rows->count, false, &common));
        if (all_null_literals(column, rows->count)) /* a target column of any type may take them */
            common = type_of(TYPE_NULL);
        bool is_nullable = false;
        for (uint32_t r = 0; r < rows->count; r++) {
            TRY(expr_cast(context->arena, column[r], common, true, context->diag, &node->values.rows[r][c]));
            is_nullable |= node->values.rows[r][c]->is_nullable;
        }
        node->columns[c] = (LogicalColumn){.id = column_ids_next(&context->ids), .type = common, .is_nullable = is_nullable,
                                           .name = strview(arena_printf(context->arena, "column_%u", c))};
    }
    *out = node;
    return OK;
}

static LogicalNode *one_row(AnalyzeContext *context)
{
    LogicalNode *node = new_node(context, LOGICAL_VALUES, NULL);
    node->values.row_count = 1;
    node->values.rows = ARENA_NEW_ARRAY(context->arena, Expr **, 1);
    return node;
}

/* The place of argument i: generate_series(start => 1, end => 3) names its parameters. UINT32_MAX: no such name. */
static uint32_t argument_place(const AstExpr *argument, uint32_t i)
{
    static const char *const parameters[] = {"start", "end", "step"};
    if (argument->kind != AST_NAMED_ARGUMENT)
        return i;
    for (uint32_t p = 0; p < COUNT_OF(parameters); p++) {
        if (strview_equal_ci(argument->text, strview(parameters[p])))
            return p;
    }
    return UINT32_MAX;
}

static Status bind_table_arguments(AnalyzeContext *context, Scope *scope, const AstExpr *call, FuncBindRequest *request, Expr **arguments)
{
    Type *types = ARENA_NEW_ARRAY(context->arena, Type, MAX(request->count, 1u));
    const Datum **constants = ARENA_NEW_ARRAY(context->arena, const Datum *, MAX(request->count, 1u));
    bool are_named = request->count > 0 && call->arguments.items[0]->kind == AST_NAMED_ARGUMENT;
    for (uint32_t i = 0; i < request->count; i++) {
        AstExpr *given = call->arguments.items[i];
        uint32_t place = argument_place(given, i);
        if ((given->kind == AST_NAMED_ARGUMENT) != are_named)
            return analyze_error(context, scope->source, given->begin, "%.*s() takes either all arguments by name or none", SV_ARGS(request->name));
        if (place >= request->count || arguments[place] != NULL)
            return analyze_error(context, scope->source, given->begin, "%.*s() has no such argument, or has it twice", SV_ARGS(request->name));
        TRY(bind_expr(context, scope, given->kind == AST_NAMED_ARGUMENT ? given->left : given, &arguments[place]));
        TRY(expr_fold(context->arena, context->session, arguments[place], context->diag, &arguments[place]));
        types[place] = arguments[place]->type;
        if (arguments[place]->kind == EXPR_CONSTANT)
            constants[place] = &arguments[place]->constant.value;
    }
    request->types = types;
    request->constants = constants;
    return OK;
}

/* unnest(...), generate_series(...) over what stands left of it. */
static Status bind_table_function(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode *left,
                                  bool is_outer, LogicalNode **out)
{
    const AstExpr *call = ast->call;
    if (call->kind != AST_CALL)
        return analyze_error(context, scope->source, call->begin, "a table function is a call");
    uint32_t count = call->arguments.count;
    LogicalNode *node = new_node(context, LOGICAL_TABLE_FUNCTION, left);
    node->table_function.arguments = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(count, 1u));
    node->table_function.argument_count = count;
    node->table_function.is_outer = is_outer;
    FuncBindRequest request = {.name = call->name.parts[call->name.count - 1], .count = count,
                               .session = context->session, .arena = context->arena, .diag = context->diag};
    FuncBinding *binding = ARENA_NEW(context->arena, FuncBinding);
    TRY(bind_table_arguments(context, scope, call, &request, node->table_function.arguments));
    TRY(func_resolve(&request, binding));
    if (binding->table == NULL)
        return analyze_error(context, scope->source, call->begin, "'%.*s' is no table function", SV_ARGS(request.name));
    for (uint32_t i = 0; i < count; i++)
        TRY(expr_cast(context->arena, node->table_function.arguments[i], binding->argument_types[i], true, context->diag,
                      &node->table_function.arguments[i]));
    node->table_function.binding = binding;
    node->table_function.first_output = left->column_count;
    node->column_count = left->column_count + binding->table_column_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count);
    memcpy(node->columns, left->columns, left->column_count * sizeof(LogicalColumn));
    StrView alias = ast->alias.length > 0 ? ast->alias : request.name;
    for (uint32_t i = 0; i < binding->table_column_count; i++) {
        LogicalColumn *column = &node->columns[left->column_count + i];
        *column = (LogicalColumn){.id = column_ids_next(&context->ids), .type = binding->table_columns[i], .is_nullable = true,
                                  .name = binding->table_names[i], .table_name = alias};
        if (i < ast->column_aliases.count)
            column->name = ast->column_aliases.items[i];
        scope_add(context, scope, column, alias, STR_VIEW(""));
    }
    *out = node;
    return OK;
}

static JoinKind join_kind_of(AstJoinKind kind)
{
    switch (kind) {
    case AST_JOIN_LEFT:
        return JOIN_LEFT;
    case AST_JOIN_RIGHT:
        return JOIN_RIGHT;
    case AST_JOIN_FULL:
        return JOIN_FULL;
    case AST_JOIN_CROSS:
        return JOIN_CROSS;
    case AST_JOIN_LEFT_SEMI:
        return JOIN_LEFT_SEMI;
    case AST_JOIN_RIGHT_SEMI:
        return JOIN_RIGHT_SEMI;
    case AST_JOIN_LEFT_ANTI:
        return JOIN_LEFT_ANTI;
    case AST_JOIN_RIGHT_ANTI:
        return JOIN_RIGHT_ANTI;
    case AST_JOIN_NULL_AWARE_ANTI:
        return JOIN_NULL_AWARE_LEFT_ANTI;
    case AST_JOIN_ASOF_INNER:
        return JOIN_ASOF_INNER;
    case AST_JOIN_ASOF_LEFT:
        return JOIN_ASOF_LEFT;
    default:
        return JOIN_INNER;
    }
}

static void set_nullable(Scope *scope, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        scope->columns.items[i].column.is_nullable = true;
}

/* The columns of a USING name on both sides, as positions in the scope. */
static Status find_using(AnalyzeContext *context, const Scope *scope, const AstRelation *ast, uint32_t u, uint32_t left_begin,
                         uint32_t middle, uint32_t out_sides[2])
{
    out_sides[0] = out_sides[1] = UINT32_MAX;
    for (uint32_t i = left_begin; i < scope->columns.count; i++) {
        const ScopeColumn *column = &scope->columns.items[i];
        uint32_t *side = &out_sides[i >= middle];
        if (*side == UINT32_MAX && strview_equal_ci(column->column.name, ast->using_columns.items[u]) && !column->is_hidden)
            *side = i;
    }
    if (out_sides[0] == UINT32_MAX || out_sides[1] == UINT32_MAX)
        return analyze_error(context, scope->source, ast->begin, "Column '%.*s' of USING cannot be resolved",
                             SV_ARGS(ast->using_columns.items[u]));
    return OK;
}

static Expr *scope_column_expr(AnalyzeContext *context, const Scope *scope, uint32_t at)
{
    const LogicalColumn *column = &scope->columns.items[at].column;
    return expr_column(context->arena, column->id, column->type, column->is_nullable, column->name);
}

static Status bind_using(AnalyzeContext *context, const Scope *scope, const AstRelation *ast, uint32_t left_begin, uint32_t middle,
                         Expr **out)
{
    uint32_t count = ast->using_columns.count;
    Expr **terms = ARENA_NEW_ARRAY(context->arena, Expr *, count);
    for (uint32_t u = 0; u < count; u++) {
        uint32_t sides[2];
        TRY(find_using(context, scope, ast, u, left_begin, middle, sides));
        Expr **pair = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        for (int s = 0; s < 2; s++)
            pair[s] = scope_column_expr(context, scope, sides[s]);
        TRY(bind_function(context, "eq", pair, 2, &terms[u]));
    }
    *out = expr_and(context->arena, terms, count);
    return OK;
}

/* Names of USING mean one column from here on: the preserved side's, or in a full join whichever is there, made by a
 * projection over the join. */
static Status merge_using(AnalyzeContext *context, Scope *scope, const AstRelation *ast, uint32_t left_begin, uint32_t middle,
                          LogicalNode **in_out_join)
{
    bool keeps_right = ast->join_kind == AST_JOIN_RIGHT || ast->join_kind == AST_JOIN_RIGHT_SEMI || ast->join_kind == AST_JOIN_RIGHT_ANTI;
    bool is_full = ast->join_kind == AST_JOIN_FULL;
    LogicalNode *join = *in_out_join;
    LogicalNode *project = new_node(context, LOGICAL_PROJECT, join);
    uint32_t room = join->column_count + ast->using_columns.count;
    project->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, room);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, room);
    for (; project->column_count < join->column_count; project->column_count++) {
        const LogicalColumn *column = &join->columns[project->column_count];
        project->columns[project->column_count] = *column;
        project->project.exprs[project->column_count] =
            expr_column(context->arena, column->id, column->type, column->is_nullable, column->name);
    }
    for (uint32_t u = 0; u < ast->using_columns.count; u++) {
        uint32_t sides[2];
        TRY(find_using(context, scope, ast, u, left_begin, middle, sides));
        scope->columns.items[sides[keeps_right ? 0 : 1]].is_hidden = true;
        if (!is_full)
            continue;
        Expr *values[2] = {scope_column_expr(context, scope, sides[0]), scope_column_expr(context, scope, sides[1])};
        Expr *merged;
        TRY(bind_coalesce(context, values, 2, &merged));
        LogicalColumn column = column_of(column_ids_next(&context->ids), merged, ast->using_columns.items[u]);
        project->columns[project->column_count] = column;
        project->project.exprs[project->column_count++] = merged;
        scope->columns.items[sides[0]].is_hidden = true;
        scope_add(context, scope, &column, STR_VIEW(""), STR_VIEW(""));
        /* It stands where the left one was. */
        ScopeColumn entry = scope->columns.items[scope->columns.count - 1];
        memmove(scope->columns.items + sides[0] + 1, scope->columns.items + sides[0],
                (scope->columns.count - 1 - sides[0]) * sizeof(entry));
        scope->columns.items[sides[0]] = entry;
        middle++;
    }
    if (is_full)
        *in_out_join = project;
    return OK;
}

static void join_columns(AnalyzeContext *context, LogicalNode *join, JoinKind kind)
{
    const LogicalNode *left = join->children[0];
    const LogicalNode *right = join->children[1];
    bool only_left = kind == JOIN_LEFT_SEMI || kind == JOIN_LEFT_ANTI || kind == JOIN_NULL_AWARE_LEFT_ANTI;
    bool only_right = kind == JOIN_RIGHT_SEMI || kind == JOIN_RIGHT_ANTI;
    join->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, left->column_count + right->column_count + 1);
    for (uint32_t i = 0; !only_right && i < left->column_count; i++) {
        join->columns[join->column_count] = left->columns[i];
        join->columns[join->column_count++].is_nullable |= kind == JOIN_RIGHT || kind == JOIN_FULL;
    }
    for (uint32_t i = 0; !only_left && i < right->column_count; i++) {
        join->columns[join->column_count] = right->columns[i];
        join->columns[join->column_count++].is_nullable |= kind == JOIN_LEFT || kind == JOIN_FULL || kind == JOIN_ASOF_LEFT;
    }
}

/* Takes the columns of a side that a semi or anti join drops out of the scope. */
static void drop_columns(Scope *scope, uint32_t first, uint32_t end)
{
    memmove(scope->columns.items + first, scope->columns.items + end, (scope->columns.count - end) * sizeof(ScopeColumn));
    scope->columns.count -= end - first;
}

/* A table function beside a relation: inner or cross, or left on true. */
static Status check_lateral(AnalyzeContext *context, const AstRelation *ast, JoinKind kind)
{
    bool is_true = ast->on == NULL || (ast->on->kind == AST_BOOL && ast->on->flag);
    StrView name = ast->right->call == NULL ? STR_VIEW("") : ast->right->call->name.parts[0];
    bool is_unnest = strview_equal_ci(name, STR_VIEW("unnest"));
    if (kind == JOIN_LEFT && !is_unnest)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Not support lateral join except inner or cross.");
    if (kind != JOIN_INNER && kind != JOIN_CROSS && kind != JOIN_LEFT)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: unnest support inner join, cross join and left join on true.");
    if (kind == JOIN_LEFT && !is_true)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: left join unnest only support on true.");
    if (!is_true)
        return RAISE(context->diag, NOT_SUPPORTED, "a join with a table function takes no condition but ON TRUE; use WHERE");
    return OK;
}

static Status bind_join(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode **out)
{
    JoinKind kind = join_kind_of((AstJoinKind)ast->join_kind);
    uint32_t begin = scope->columns.count;
    LogicalNode *left;
    TRY(bind_relation(context, scope, ast->left, &left));
    uint32_t middle = scope->columns.count;
    if (ast->right->kind == AST_TABLE_FUNCTION && ast->right->call != NULL)
        TRY(check_lateral(context, ast, kind));
    if (ast->right->kind == AST_TABLE_FUNCTION && ast->right->call != NULL)
        return bind_table_function(context, scope, ast->right, left, kind == JOIN_LEFT, out);
    LogicalNode *right;
    TRY(bind_relation(context, scope, ast->right, &right));
    LogicalNode *join = new_node(context, LOGICAL_JOIN, left);
    join->children[1] = right;
    join->child_count = 2;
    Expr *condition = NULL;
    if (ast->on != NULL)
        TRY(bind_condition(context, scope, ast->on, &condition));
    else if (ast->using_columns.count > 0)
        TRY(bind_using(context, scope, ast, begin, middle, &condition));
    if (condition != NULL && kind == JOIN_CROSS)
        kind = JOIN_INNER;
    if (condition == NULL && kind == JOIN_INNER)
        kind = JOIN_CROSS;
    join->join.kind = (uint8_t)kind;
    join->join.hint = ast->join_hint;
    if (condition != NULL) {
        bool is_and = condition->kind == EXPR_AND;
        join->join.count = is_and ? condition->argument_count : 1;
        join->join.conjuncts = ARENA_NEW_ARRAY(context->arena, Expr *, join->join.count);
        for (uint32_t i = 0; i < join->join.count; i++)
            join->join.conjuncts[i] = is_and ? condition->arguments[i] : condition;
    }
    if (kind == JOIN_NULL_AWARE_LEFT_ANTI)
        join->join.in_count = join->join.count;
    if (kind == JOIN_ASOF_INNER || kind == JOIN_ASOF_LEFT)
        TRY(check_asof(context, scope->source, ast, join));
    join_columns(context, join, kind);
    if (kind == JOIN_RIGHT || kind == JOIN_FULL)
        set_nullable(scope, begin, middle);
    if (kind == JOIN_LEFT || kind == JOIN_FULL || kind == JOIN_ASOF_LEFT)
        set_nullable(scope, middle, scope->columns.count);
    if (ast->on == NULL && ast->using_columns.count > 0)
        TRY(merge_using(context, scope, ast, begin, middle, &join));
    if (kind == JOIN_LEFT_SEMI || kind == JOIN_LEFT_ANTI || kind == JOIN_NULL_AWARE_LEFT_ANTI)
        drop_columns(scope, middle, scope->columns.count);
    if (kind == JOIN_RIGHT_SEMI || kind == JOIN_RIGHT_ANTI)
        drop_columns(scope, begin, middle);
    *out = join;
    return OK;
}

Status bind_relation(AnalyzeContext *context, Scope *scope, const AstRelation *ast, LogicalNode **out_node)
{
    switch ((AstRelationKind)ast->kind) {
    case AST_TABLE:
        return bind_table(context, scope, ast, out_node);
    case AST_DERIVED:
        return bind_derived(context, scope, ast, out_node);
    case AST_JOIN:
        return bind_join(context, scope, ast, out_node);
    case AST_TABLE_FUNCTION:
        if (ast->call == NULL) {
            TRY(bind_files(context, scope, ast, out_node));
            TRY(rename_columns(context, ast, *out_node));
            publish(context, scope, *out_node, ast->alias.length > 0 ? ast->alias : STR_VIEW("FILES"), STR_VIEW(""));
            return OK;
        }
        return bind_table_function(context, scope, ast, one_row(context), false, out_node);
    case AST_VALUES:
        TRY(bind_values(context, scope, &ast->rows, out_node));
        TRY(rename_columns(context, ast, *out_node));
        publish(context, scope, *out_node, ast->alias, STR_VIEW(""));
        return OK;
    case AST_PIVOT_TABLE:
        return bind_pivot(context, scope, ast, out_node);
    }
    UNREACHABLE();
}

Status bind_values_query(AnalyzeContext *context, Scope *scope, const AstQuery *ast, LogicalNode **out_node);
Status bind_values_query(AnalyzeContext *context, Scope *scope, const AstQuery *ast, LogicalNode **out_node)
{
    return bind_values(context, scope, &ast->rows, out_node);
}
