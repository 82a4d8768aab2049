#include "session/session_int.h"

/* CREATE, DROP, TRUNCATE, RENAME of databases, tables and views: syntax tree to validated change. The checks
 * that depend on the catalog run inside of the commit, against the newest state. */

#include <stdio.h>

#include "base/environment.h"
#include "sql/unparse.h"

Status run_create_as(StatementContext *context, const CatalogTable *table, CatalogSnapshot *catalog, BoundQuery *query);

typedef struct DdlState {
    StatementContext *context;
    const AstStatement *statement;
    StrView database, name;
    TableSchema *schema;
    CatalogPartition **partitions;
    uint32_t partition_count;
    uint64_t id;
    bool exists; /* IF [NOT] EXISTS made it a no-op */
} DdlState;

static void split_name(StatementContext *context, const AstName *name, StrView *out_database, StrView *out_name)
{
    *out_name = name->parts[name->count - 1];
    *out_database = name->count >= 2 ? name->parts[name->count - 2] : context->analyze.database;
}

static Status need_database(const CatalogSnapshot *catalog, StrView name, Diag *diag, const CatalogDatabase **out)
{
    if (name.length == 0)
        return RAISE(diag, NO_DATABASE_SELECTED, "No database selected");
    *out = catalog_database(catalog, name);
    return *out != NULL ? OK : RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(name));
}

static Status check_name(StrView name, Diag *diag)
{
    bool bad = name.length == 0 || name.length > 1024;
    for (size_t i = 0; i < name.length; i++)
        bad |= (unsigned char)name.data[i] < 0x20 || name.data[i] == '`' || name.data[i] == '/';
    return bad ? RAISE(diag, BAD_NAME, "Incorrect name '%.*s'", SV_ARGS(name)) : OK;
}

/* ---- databases ---- */

static Status build_create_database(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    if (catalog_database(catalog, state->name) != NULL) {
        if (state->statement->if_not_exists)
            return OK;
        return RAISE(diag, DATABASE_EXISTS, "Can't create database '%.*s'; database exists", SV_ARGS(state->name));
    }
    change_put_database(change, state->id, state->name, state->statement->comment);
    return OK;
}

static Status build_drop_database(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    const CatalogDatabase *database = catalog_database(catalog, state->name);
    if (database == NULL) {
        if (state->statement->if_exists)
            return OK;
        return RAISE(diag, DATABASE_NOT_EXISTS, "Can't drop database '%.*s'; database doesn't exist", SV_ARGS(state->name));
    }
    change_drop_database(change, database->id);
    return OK;
}

/* ---- table schemas ---- */

static StrView keep(Arena *arena, StrView text)
{
    return strview_n(arena_strndup(arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

static Status fill_column(StatementContext *context, const AstColumn *ast, TableColumn *out, Arena *arena)
{
    *out = (TableColumn){.name = keep(arena, ast->name), .type = type_copy(arena, ast->type), .is_nullable = ast->is_nullable,
                         .is_key = ast->is_key, .is_auto_increment = ast->is_auto_increment, .default_kind = ast->default_kind,
                         .default_text = keep(arena, ast->default_text), .aggregate = keep(arena, ast->aggregate),
                         .comment = keep(arena, ast->comment)};
    if (!ast->has_type)
        return RAISE(context->diag, SYNTAX, "column '%.*s' has no type", SV_ARGS(ast->name));
    Datum value;
    if (ast->default_kind == DEFAULT_LITERAL && datum_parse(out->type, out->default_text, arena, NULL, &value) != OK)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid default value for '%.*s'.", SV_ARGS(ast->name));
    return OK;
}

static KeysKind keys_kind_of(StrView name)
{
    return strview_equal_ci(name, STR_VIEW("AGGREGATE")) ? KEYS_AGGREGATE
           : strview_equal_ci(name, STR_VIEW("UNIQUE"))  ? KEYS_UNIQUE
           : strview_equal_ci(name, STR_VIEW("PRIMARY")) ? KEYS_PRIMARY
                                                         : KEYS_DUPLICATE;
}

static Status fill_keys(StatementContext *context, const AstCreateTable *ast, TableSchema *schema)
{
    Arena *arena = &schema->arena;
    schema->keys_kind = (uint8_t)keys_kind_of(ast->key_kind);
    schema->key_count = ast->keys.count;
    for (uint32_t i = 0; i < ast->keys.count; i++) {
        int column = table_column_index(schema, ast->keys.items[i]);
        if (column < 0)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Key column(%.*s) doesn't exist.", SV_ARGS(ast->keys.items[i]));
        if (column != (int)i)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Key columns must be the first few columns of the schema and the order of the key columns must be consistent with the order of the schema.");
        schema->columns[i].is_key = true;
        if (schema->keys_kind == KEYS_PRIMARY)
            schema->columns[i].is_nullable = false;
    }
    if (ast->keys.count == 0 && schema->column_count > 0 && ast->sort_columns.count == 0) {
        /* The first columns that fit 36 bytes, at most three, are the key. */
        uint32_t bytes = 0;
        for (uint32_t i = 0; i < schema->column_count && i < 3; i++) {
            Type type = schema->columns[i].type;
            if (type_is_float(type) || type_is_nested(type) || type.kind >= TYPE_JSON)
                break;
            bytes += type_is_string(type) ? 20 : phys_width((PhysKind)type.phys);
            if (bytes > 36 && i > 0)
                break;
            schema->columns[i].is_key = true;
            schema->key_count = i + 1;
            if (type_is_string(type))
                break;
        }
    }
    const AstStrList *sort = ast->sort_columns.count > 0 ? &ast->sort_columns : NULL;
    schema->sort_count = sort != NULL ? sort->count : schema->key_count;
    schema->sort_columns = ARENA_NEW_ARRAY(arena, uint32_t, MAX(schema->sort_count, 1u));
    for (uint32_t i = 0; i < schema->sort_count; i++) {
        int column = sort != NULL ? table_column_index(schema, sort->items[i]) : (int)i;
        if (column < 0)
            return RAISE(context->diag, NO_SUCH_COLUMN, "Unknown column '%.*s' in ORDER BY", SV_ARGS(sort->items[i]));
        schema->sort_columns[i] = (uint32_t)column;
    }
    return OK;
}

static Status fill_distribution(StatementContext *context, const AstCreateTable *ast, TableSchema *schema)
{
    bool is_keyed = schema->keys_kind != KEYS_DUPLICATE; /* rows of one key must meet in one tablet */
    if (is_keyed && ast->has_distribution && ast->is_random)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: %s must use hash distribution.",
                     schema->keys_kind == KEYS_PRIMARY ? "PRIMARY KEY table" : "AGGREGATE KEY and UNIQUE KEY tables");
    schema->is_random = !is_keyed && (!ast->has_distribution || ast->is_random);
    schema->buckets = ast->buckets > 0 ? MIN(ast->buckets, 1024u) : 1;
    schema->bucket_column_count = ast->bucket_columns.count;
    schema->bucket_columns = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(ast->bucket_columns.count, 1u));
    for (uint32_t i = 0; i < ast->bucket_columns.count; i++) {
        int column = table_column_index(schema, ast->bucket_columns.items[i]);
        if (column < 0)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Distribution column(%.*s) doesn't exist.",
                         SV_ARGS(ast->bucket_columns.items[i]));
        schema->bucket_columns[i] = (uint32_t)column;
        if (is_keyed && !schema->columns[column].is_key)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Distribution column[%.*s] is not key column.",
                         SV_ARGS(schema->columns[column].name));
    }
    if (is_keyed && !ast->has_distribution) {
        schema->bucket_column_count = schema->key_count;
        schema->bucket_columns = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(schema->key_count, 1u));
        for (uint32_t i = 0; i < schema->key_count; i++)
            schema->bucket_columns[i] = i;
    }
    return OK;
}

static Status fill_scheme(StatementContext *context, const AstCreateTable *ast, TableSchema *schema)
{
    Arena *arena = &schema->arena;
    uint32_t count = ast->partition_exprs.count;
    schema->scheme = ast->partition_scheme;
    schema->partition_column_count = schema->scheme == PARTITION_NONE ? 0 : count;
    schema->partition_types = ARENA_NEW_ARRAY(arena, Type, MAX(count, 1u));
    schema->partition_exprs = ARENA_NEW_ARRAY(arena, StrView, MAX(count, 1u));
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        const AstExpr *expr = ast->partition_exprs.items[i];
        int column = expr->kind == AST_NAME ? table_column_index(schema, expr->name.parts[expr->name.count - 1]) : -1;
        if (column < 0)
            return RAISE(context->diag, NOT_SUPPORTED, "partitioning by an expression is not supported yet; partition by columns");
        schema->partition_types[i] = schema->columns[column].type;
        schema->partition_exprs[i] = keep(arena, schema->columns[column].name);
    }
    if (schema->scheme == PARTITION_EXPRESSION)
        return RAISE(context->diag, NOT_SUPPORTED, "partitions that are created on load are not supported yet; use RANGE or LIST");
    return OK;
}

static void fill_properties(const AstProperties *ast, TableSchema *schema)
{
    schema->property_count = ast->keys.count;
    schema->properties = ARENA_NEW_ARRAY(&schema->arena, Property, MAX(ast->keys.count, 1u));
    for (uint32_t i = 0; i < ast->keys.count; i++)
        schema->properties[i] = (Property){keep(&schema->arena, ast->keys.items[i]), keep(&schema->arena, ast->values.items[i])};
}

static TableSchema *new_schema(void)
{
    TableSchema *schema = mem_alloc_zero(sizeof(*schema));
    atomic_init(&schema->references, 1);
    arena_init(&schema->arena, NULL);
    return schema;
}

static void free_schema(TableSchema *schema)
{
    if (schema == NULL)
        return;
    arena_deinit(&schema->arena);
    mem_free(schema);
}

static Status fill_schema(StatementContext *context, const AstCreateTable *ast, TableSchema *schema)
{
    schema->column_count = ast->columns.count;
    schema->columns = ARENA_NEW_ARRAY(&schema->arena, TableColumn, MAX(ast->columns.count, 1u));
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        TRY(fill_column(context, &ast->columns.items[i], &schema->columns[i], &schema->arena));
        schema->columns[i].unique_id = i + 1;
        for (uint32_t j = 0; j < i; j++) {
            if (strview_equal_ci(schema->columns[i].name, schema->columns[j].name))
                return RAISE(context->diag, DUPLICATE_COLUMN, "Duplicate column name '%.*s'", SV_ARGS(schema->columns[i].name));
        }
    }
    schema->next_unique_id = ast->columns.count + 1;
    if (schema->column_count == 0)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: A table must have at least 1 column.");
    TRY(fill_keys(context, ast, schema));
    TRY(fill_distribution(context, ast, schema));
    TRY(fill_scheme(context, ast, schema));
    fill_properties(&ast->properties, schema);
    schema->comment = keep(&schema->arena, ast->comment);
    return OK;
}

/* ---- partitions of a new table ---- */

static CatalogPartition *new_partition(StatementContext *context, const TableSchema *schema, StrView name)
{
    CatalogPartition *partition = ARENA_NEW(&context->arena, CatalogPartition);
    MetaStore *store = context->session->instance->store;
    partition->id = meta_new_id(store);
    partition->name = keep(&context->arena, name);
    partition->visible_version = 1;
    partition->visible_time_us = context->func.now_us;
    partition->tablet_count = schema->buckets;
    partition->tablets = ARENA_NEW_ARRAY(&context->arena, TabletVersion, schema->buckets);
    for (uint32_t b = 0; b < schema->buckets; b++)
        partition->tablets[b] = (TabletVersion){.id = meta_new_id(store), .bucket = b};
    uint32_t count = MAX(schema->partition_column_count, 1u);
    partition->low = ARENA_NEW_ARRAY(&context->arena, Datum, count);
    partition->high = ARENA_NEW_ARRAY(&context->arena, Datum, count);
    return partition;
}

static Status bound_value(StatementContext *context, const AstExpr *ast, Type type, Datum *out, bool *out_is_max)
{
    *out_is_max = ast->kind == AST_NAME && strview_equal_ci(ast->name.parts[0], STR_VIEW("MAXVALUE"));
    if (*out_is_max)
        return OK;
    AUTO_BYTEBUF text = {0};
    if (ast->kind == AST_UNARY && ast->left != NULL)
        bytebuf_printf(&text, "-%.*s", SV_ARGS(ast->left->text));
    else
        bytebuf_append_view(&text, ast->text);
    if (ast->kind == AST_NULL) {
        *out = datum_null();
        return OK;
    }
    return datum_parse(type, bytebuf_view(&text), &context->arena, context->diag, out);
}

static Status fill_range(StatementContext *context, const TableSchema *schema, const AstPartition *ast,
                         const CatalogPartition *previous, CatalogPartition *partition)
{
    bool is_max = false;
    for (uint32_t i = 0; i < ast->high.count && i < schema->partition_column_count; i++) {
        TRY(bound_value(context, ast->high.items[i], schema->partition_types[i], &partition->high[i], &is_max));
        partition->has_high = !is_max;
    }
    for (uint32_t i = 0; i < ast->low.count && i < schema->partition_column_count; i++) {
        TRY(bound_value(context, ast->low.items[i], schema->partition_types[i], &partition->low[i], &is_max));
        partition->has_low = true;
    }
    if (ast->kind == AST_PARTITION_LESS_THAN && previous != NULL && previous->has_high) {
        partition->has_low = true;
        for (uint32_t i = 0; i < schema->partition_column_count; i++)
            partition->low[i] = previous->high[i];
    }
    return OK;
}

static Status fill_list(StatementContext *context, const TableSchema *schema, const AstPartition *ast, CatalogPartition *partition)
{
    uint32_t columns = schema->partition_column_count;
    bool is_max;
    partition->value_rows = ast->rows.count;
    partition->values = ARENA_NEW_ARRAY(&context->arena, Datum, MAX(ast->rows.count * columns, 1u));
    for (uint32_t r = 0; r < ast->rows.count; r++) {
        if (ast->rows.items[r].count != columns)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: partition values do not match the partition columns.");
        for (uint32_t c = 0; c < columns; c++)
            TRY(bound_value(context, ast->rows.items[r].items[c], schema->partition_types[c], &partition->values[r * columns + c], &is_max));
    }
    return OK;
}

static Status fill_partitions(DdlState *state, const AstCreateTable *ast)
{
    StatementContext *context = state->context;
    uint32_t count = state->schema->scheme == PARTITION_NONE ? 1 : ast->partitions.count;
    state->partitions = ARENA_NEW_ARRAY(&context->arena, CatalogPartition *, MAX(count, 1u));
    if (state->schema->scheme == PARTITION_NONE) {
        state->partitions[state->partition_count++] = new_partition(context, state->schema, state->name);
        return OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        const AstPartition *item = &ast->partitions.items[i];
        if (item->kind == AST_PARTITION_RANGE)
            return RAISE(context->diag, NOT_SUPPORTED, "START ... END ... EVERY partitions are not supported yet");
        CatalogPartition *partition = new_partition(context, state->schema, item->name);
        const CatalogPartition *previous = state->partition_count > 0 ? state->partitions[state->partition_count - 1] : NULL;
        TRY(item->kind == AST_PARTITION_LIST ? fill_list(context, state->schema, item, partition)
                                             : fill_range(context, state->schema, item, previous, partition));
        state->partitions[state->partition_count++] = partition;
    }
    return OK;
}

static Status build_create_table(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    const CatalogDatabase *database;
    TRY(need_database(catalog, state->database, diag, &database));
    const CatalogTable *old = catalog_table(database, state->name);
    bool replaces = state->statement->kind == AST_STATEMENT_CREATE_VIEW && state->statement->view->or_replace;
    if (old != NULL && !replaces) {
        state->exists = true;
        bool tolerated = state->statement->kind == AST_STATEMENT_CREATE_TABLE ? state->statement->create_table->if_not_exists
                                                                               : state->statement->view->if_not_exists;
        return tolerated ? OK : RAISE(diag, TABLE_EXISTS, "Table '%.*s' already exists", SV_ARGS(state->name));
    }
    change_put_table(change, old != NULL ? old->id : state->id, database->id, state->name, state->schema);
    for (uint32_t i = 0; i < state->partition_count; i++)
        change_put_partition(change, state->id, state->schema, state->partitions[i]);
    return OK;
}

static Status commit_ddl(StatementContext *context, MetaBuild build, DdlState *state)
{
    return meta_commit(context->session->instance->store, build, state, context->diag);
}

/* CREATE TABLE ... LIKE: the definition of the other table through its stored form. */
static Status copy_schema(StatementContext *context, const AstName *like, TableSchema **out)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    TRY(analyze_find_table(&context->analyze, like, &database, &table));
    TableSchema *copy = new_schema();
    const TableSchema *from = table->schema;
    Arena arena = copy->arena;
    *copy = *from;
    atomic_init(&copy->references, 1);
    copy->arena = arena;
    *out = copy; /* points into the snapshot's table, which outlives the statement */
    return OK;
}

static Status ctas_columns(StatementContext *context, const AstCreateTable *ast, const BoundQuery *query, TableSchema *schema)
{
    schema->column_count = query->column_count;
    schema->columns = ARENA_NEW_ARRAY(&schema->arena, TableColumn, MAX(query->column_count, 1u));
    for (uint32_t i = 0; i < query->column_count; i++) {
        StrView name = i < ast->as_columns.count ? ast->as_columns.items[i] : query->columns[i].name;
        Type type = query->columns[i].type;
        if (type.kind == TYPE_NULL)
            type = type_of(TYPE_BOOLEAN);
        if (type_is_string(type))
            type = type_varchar(type.length == 0 ? VARCHAR_MAX_BYTES : type.length);
        type.phys = (uint8_t)type_default_phys(type);
        schema->columns[i] = (TableColumn){.unique_id = i + 1, .name = keep(&schema->arena, name),
                                           .type = type_copy(&schema->arena, type), .is_nullable = query->columns[i].is_nullable};
    }
    schema->next_unique_id = query->column_count + 1;
    TRY(fill_keys(context, ast, schema));
    TRY(fill_distribution(context, ast, schema));
    TRY(fill_scheme(context, ast, schema));
    fill_properties(&ast->properties, schema);
    return OK;
}

static Status finish_ctas(StatementContext *context, DdlState *state, BoundQuery *query)
{
    CatalogSnapshot *now = meta_snapshot(context->session->instance->store);
    const CatalogDatabase *database = catalog_database(now, state->database);
    const CatalogTable *table = database == NULL ? NULL : catalog_table(database, state->name);
    Status status = OK;
    if (table == NULL)
        status = RAISE(context->diag, NO_SUCH_TABLE, "table '%.*s' was dropped meanwhile", SV_ARGS(state->name));
    LogicalNode *project = ARENA_NEW(&context->arena, LogicalNode);
    *project = *query->root;
    project->kind = LOGICAL_PROJECT;
    project->children = ARENA_NEW_ARRAY(&context->arena, LogicalNode *, 2);
    project->children[0] = query->root;
    project->child_count = 1;
    project->columns = ARENA_NEW_ARRAY(&context->arena, LogicalColumn, MAX(query->column_count, 1u));
    project->project.exprs = ARENA_NEW_ARRAY(&context->arena, Expr *, MAX(query->column_count, 1u));
    for (uint32_t i = 0; status == OK && i < query->column_count; i++) {
        const LogicalColumn *c = &query->root->columns[i];
        Expr *column = expr_column(&context->arena, c->id, c->type, c->is_nullable, c->name);
        status = expr_cast(&context->arena, column, table->schema->columns[i].type, true, context->diag, &project->project.exprs[i]);
        project->columns[i] = *c;
        project->columns[i].id = column_ids_next(&context->analyze.ids);
        project->columns[i].type = table->schema->columns[i].type;
    }
    if (status == OK) {
        query->root = project;
        query->columns = project->columns;
        status = run_create_as(context, table, now, query);
    }
    catalog_unref(now);
    return status;
}

static Status run_create_table(StatementContext *context, const AstStatement *statement)
{
    const AstCreateTable *ast = statement->create_table;
    DdlState state = {.context = context, .statement = statement, .id = meta_new_id(context->session->instance->store)};
    BoundQuery *query = NULL;
    Status status;
    split_name(context, &ast->name, &state.database, &state.name);
    TRY(check_name(state.name, context->diag));
    if (ast->is_like) {
        TRY(copy_schema(context, &ast->like, &state.schema));
        AstCreateTable unpartitioned = *ast;
        status = state.schema->scheme == PARTITION_NONE ? fill_partitions(&state, &unpartitioned) : OK;
    } else {
        state.schema = new_schema();
        status = ast->as_query != NULL ? analyze_query(&context->analyze, ast->as_query, statement->source, &query) : OK;
        if (status == OK)
            status = query != NULL ? ctas_columns(context, ast, query, state.schema) : fill_schema(context, ast, state.schema);
        if (status == OK)
            status = fill_partitions(&state, ast);
    }
    if (status == OK)
        status = commit_ddl(context, build_create_table, &state);
    free_schema(state.schema);
    TRY(status);
    if (query != NULL && !state.exists)
        return finish_ctas(context, &state, query);
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- views ---- */

static Status run_create_view(StatementContext *context, const AstStatement *statement)
{
    const AstView *ast = statement->view;
    BoundQuery *query;
    DdlState state = {.context = context, .statement = statement, .id = meta_new_id(context->session->instance->store)};
    split_name(context, &ast->name, &state.database, &state.name);
    TRY(check_name(state.name, context->diag));
    TRY(analyze_query(&context->analyze, ast->query, statement->source, &query));
    if (ast->columns.count > 0 && ast->columns.count != query->column_count)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: View's SELECT and view's field list have different column counts.");
    TableSchema *schema = state.schema = new_schema();
    schema->kind = TABLE_VIEW;
    schema->column_count = query->column_count;
    schema->columns = ARENA_NEW_ARRAY(&schema->arena, TableColumn, MAX(query->column_count, 1u));
    for (uint32_t i = 0; i < query->column_count; i++) {
        StrView name = ast->columns.count > 0 ? ast->columns.items[i] : query->columns[i].name;
        schema->columns[i] = (TableColumn){.unique_id = i + 1, .name = keep(&schema->arena, name),
                                           .type = type_copy(&schema->arena, query->columns[i].type),
                                           .is_nullable = query->columns[i].is_nullable};
    }
    schema->comment = keep(&schema->arena, ast->comment);
    schema->view_sql = keep(&schema->arena, ast->query_text);
    schema->view_database = keep(&schema->arena, context->analyze.database);
    Status status = commit_ddl(context, build_create_table, &state);
    free_schema(schema);
    TRY(status);
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- drop, truncate, rename ---- */

static Status build_drop_table(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    bool wants_view = state->statement->kind == AST_STATEMENT_DROP_VIEW;
    const CatalogDatabase *database;
    TRY(need_database(catalog, state->database, diag, &database));
    const CatalogTable *table = catalog_table(database, state->name);
    if (table == NULL) {
        if (state->statement->if_exists)
            return OK;
        return RAISE(diag, BAD_TABLE, "Unknown table '%.*s.%.*s'", SV_ARGS(state->database), SV_ARGS(state->name));
    }
    if ((table->schema->kind == TABLE_VIEW) != wants_view)
        return RAISE(diag, BAD_TABLE, "'%.*s.%.*s' is %s", SV_ARGS(state->database), SV_ARGS(state->name),
                     wants_view ? "not a view" : "a view: use DROP VIEW");
    change_drop_table(change, table->id);
    return OK;
}

static Status build_truncate(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    const CatalogDatabase *database;
    TRY(need_database(catalog, state->database, diag, &database));
    const CatalogTable *table = catalog_table(database, state->name);
    if (table == NULL || table->schema->kind == TABLE_VIEW)
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s'", SV_ARGS(state->name));
    const AstStrList *wanted = &state->statement->names;
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        bool takes = wanted->count == 0;
        for (uint32_t i = 0; i < wanted->count; i++)
            takes |= strview_equal_ci(partition->name, wanted->items[i]);
        for (uint32_t t = 0; takes && t < partition->tablet_count; t++) {
            const TabletVersion *tablet = &partition->tablets[t];
            uint64_t *ids = ARENA_NEW_ARRAY(&state->context->arena, uint64_t, tablet->segment_count + 1);
            for (uint32_t s = 0; s < tablet->segment_count; s++)
                ids[s] = tablet->segments[s].id;
            NewSegments none = {partition->id, tablet->id, NULL, 0};
            change_replace_segments(change, table->id, &none, ids, tablet->segment_count);
        }
    }
    return OK;
}

static Status build_rename(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    StrView fresh = state->statement->actions.items[0].new_name;
    const CatalogDatabase *database;
    TRY(need_database(catalog, state->database, diag, &database));
    const CatalogTable *table = catalog_table(database, state->name);
    if (table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s'", SV_ARGS(state->name));
    TRY(check_name(fresh, diag));
    if (catalog_table(database, fresh) != NULL)
        return RAISE(diag, TABLE_EXISTS, "Table name[%.*s] is already used", SV_ARGS(fresh));
    change_put_table(change, table->id, database->id, fresh, table->schema);
    return OK;
}

static Status run_alter_table(StatementContext *context, const AstStatement *statement, DdlState *state)
{
    if (statement->actions.count == 1 && strview_is(statement->actions.items[0].kind, "COMPACT")) {
        const CatalogDatabase *database;
        TRY(need_database(context->catalog, state->database, context->diag, &database));
        const CatalogTable *table = catalog_table(database, state->name);
        if (table == NULL || table->schema->kind == TABLE_VIEW)
            return RAISE(context->diag, NO_SUCH_TABLE, "Unknown table '%.*s'", SV_ARGS(state->name));
        return run_compact(context, table, &statement->actions.items[0]);
    }
    bool renames = statement->actions.count == 1 && strview_is(statement->actions.items[0].kind, "RENAME");
    if (!renames)
        return RAISE(context->diag, NOT_SUPPORTED, "ALTER TABLE %.*s is not supported yet",
                     SV_ARGS(statement->actions.count > 0 ? statement->actions.items[0].kind : STR_VIEW("")));
    return commit_ddl(context, build_rename, state);
}

Status run_ddl(StatementContext *context, const AstStatement *statement)
{
    if (statement->kind == AST_STATEMENT_CREATE_TABLE)
        return run_create_table(context, statement);
    if (statement->kind == AST_STATEMENT_CREATE_VIEW)
        return run_create_view(context, statement);
    DdlState state = {.context = context, .statement = statement};
    Status status = OK;
    split_name(context, &statement->name, &state.database, &state.name);
    switch ((AstKind)statement->kind) {
    case AST_STATEMENT_CREATE_DATABASE:
        TRY(check_name(state.name, context->diag));
        state.id = meta_new_id(context->session->instance->store);
        status = commit_ddl(context, build_create_database, &state);
        break;
    case AST_STATEMENT_DROP_DATABASE:
        status = commit_ddl(context, build_drop_database, &state);
        break;
    case AST_STATEMENT_DROP_TABLE:
    case AST_STATEMENT_DROP_VIEW:
        status = commit_ddl(context, build_drop_table, &state);
        break;
    case AST_STATEMENT_TRUNCATE:
        status = commit_ddl(context, build_truncate, &state);
        break;
    case AST_STATEMENT_ALTER_TABLE:
        status = run_alter_table(context, statement, &state);
        break;
    default:
        status = RAISE(context->diag, INTERNAL, "no such DDL statement");
        break;
    }
    TRY(status);
    return send_ok(context, 0, STR_VIEW(""));
}
