#include "load/partition_router.h"

#include "analyze/analyze.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/thread.h"
#include "expr/eval.h"
#include "meta/partition_order.h"
#include "meta/quota.h"
#include "sql/parser.h"
#include "types/datetime.h"

enum { MOST_NEW_PARTITIONS = 4096, REMEMBERED = 1024 };

struct PartitionRouter {
    MetaStore *store;
    TableDraft *draft; /* with lock; NULL: the table is there */
    const CatalogTable *table;
    Arena arena; /* with lock */
    Mutex lock;  /* guards partitions, count */
    CatalogPartition **partitions;
    uint32_t *by_low; /* of ranges: their numbers in the order of their lower bounds */
    uint32_t count, room;
    const PartitionOrder *order;     /* of the table's partitions, which get numbers when they are met; NULL: they have */
    uint32_t *numbers;               /* by place in the table: the number + 1 */
    uint32_t remembered[REMEMBERED]; /* of lists, by a hash of the values: a partition's number + 1; a guess */
    uint32_t made;
    PartitionStep *steps; /* of the partition columns */
    uint32_t *columns;    /* UINT32_MAX: an expression, the next of evaluator's */
    Evaluator *evaluator; /* with lock; NULL: no expressions */
    const Vector **results; /* a partition column, of the rows that are routed */
    Chunk input;
    bool is_automatic;
    bool is_range;
};

CatalogPartition *partition_new(MetaStore *store, const TableSchema *schema, StrView name, int64_t now_us, Arena *arena)
{
    CatalogPartition *partition = ARENA_NEW(arena, CatalogPartition);
    uint32_t buckets = MAX(schema->buckets, 1u);
    partition->id = meta_new_id(store);
    partition->name = strview_n(arena_strndup(arena, name.data, name.length), name.length);
    partition->visible_version = 1;
    partition->visible_time_us = now_us;
    partition->tablet_count = buckets;
    partition->tablets = ARENA_NEW_ARRAY(arena, TabletVersion, buckets);
    for (uint32_t b = 0; b < buckets; b++)
        partition->tablets[b] = (TabletVersion){.id = meta_new_id(store), .bucket = b};
    uint32_t count = MAX(schema->partition_column_count, 1u);
    partition->low = ARENA_NEW_ARRAY(arena, Datum, count);
    partition->high = ARENA_NEW_ARRAY(arena, Datum, count);
    return partition;
}

/* ---- opening ---- */

/* Where among by_low the first range lies that begins above the values. Most are met in their order. */
static uint32_t above(const PartitionRouter *router, const Datum *values)
{
    uint32_t low = 0, high = router->count;
    const CatalogPartition *last = high == 0 ? NULL : router->partitions[router->by_low[high - 1]];
    if (last != NULL && (!last->has_low || partition_values_compare(router->table->schema, last->low, values) <= 0))
        return high;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const CatalogPartition *p = router->partitions[router->by_low[middle]];
        if (!p->has_low || partition_values_compare(router->table->schema, p->low, values) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_partition(PartitionRouter *router, CatalogPartition *partition)
{
    if (router->count == router->room) {
        router->room = MAX(router->room * 2, 16u);
        router->partitions = mem_realloc(router->partitions, router->room * sizeof(*router->partitions));
        router->by_low = mem_realloc(router->by_low, router->room * sizeof(*router->by_low));
    }
    uint32_t at = router->is_range && partition->has_low ? above(router, partition->low) : 0;
    memmove(router->by_low + at + 1, router->by_low + at, (router->count - at) * sizeof(*router->by_low));
    router->by_low[at] = router->count;
    router->partitions[router->count++] = partition;
}

static Expr *set_slot(void *context, Expr *node)
{
    (void)context;
    if (node->kind == EXPR_COLUMN)
        node->column.slot = node->column.id - 1;
    return node;
}

/* Binds the expression over the table's columns: ids 1 .. n, slots 0 .. n-1. */
static Status bind_partition_expr(PartitionRouter *router, const AstExpr *ast, uint32_t i, const FuncSession *session, Diag *diag, Expr **out)
{
    const TableSchema *schema = router->table->schema;
    AnalyzeContext context = {.arena = &router->arena, .diag = diag, .session = session};
    LogicalColumn *columns = ARENA_NEW_ARRAY(&router->arena, LogicalColumn, MAX(schema->column_count, 1u));
    for (uint32_t c = 0; c < schema->column_count; c++)
        columns[c] = (LogicalColumn){.id = c + 1, .name = schema->columns[c].name, .type = schema->columns[c].type, .is_nullable = true};
    TRY(analyze_scalar(&context, ast, schema->partition_exprs[i], columns, schema->column_count, out));
    TRY(expr_cast(&router->arena, *out, schema->partition_types[i], true, diag, out));
    *out = expr_rewrite(*out, set_slot, NULL);
    return OK;
}

static Status open_columns(PartitionRouter *router, const FuncSession *session, Diag *diag)
{
    const TableSchema *schema = router->table->schema;
    uint32_t count = schema->partition_column_count;
    router->steps = ARENA_NEW_ARRAY(&router->arena, PartitionStep, MAX(count, 1u));
    router->columns = ARENA_NEW_ARRAY(&router->arena, uint32_t, MAX(count, 1u));
    router->results = ARENA_NEW_ARRAY(&router->arena, const Vector *, MAX(count, 1u));
    router->input = (Chunk){.columns = ARENA_NEW_ARRAY(&router->arena, Vector, MAX(schema->column_count, 1u)),
                            .column_count = schema->column_count};
    Expr **exprs = ARENA_NEW_ARRAY(&router->arena, Expr *, MAX(count, 1u));
    uint32_t expr_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        AstExpr *ast;
        StrView name;
        int column = table_column_index(schema, schema->partition_exprs[i]);
        if (column < 0) {
            TRY(sql_parse_expression(schema->partition_exprs[i], &router->arena, diag, &ast));
            TRY(partition_expr_parse(ast, diag, &router->steps[i], &name));
            column = table_column_index(schema, name);
            if (name.length == 0) {
                TRY(bind_partition_expr(router, ast, i, session, diag, &exprs[expr_count++]));
                router->columns[i] = UINT32_MAX;
                continue;
            }
        }
        if (column < 0)
            return RAISE(diag, CORRUPT, "the partition column of table '%.*s' does not exist", SV_ARGS(router->table->name));
        router->columns[i] = (uint32_t)column;
    }
    if (expr_count == 0)
        return OK;
    return evaluator_open((const Expr *const *)exprs, expr_count, session, NULL, diag, &router->evaluator);
}

Status partition_router_open(MetaStore *store, const CatalogTable *table, const FuncSession *session, const uint64_t *partition_ids,
                             uint32_t id_count, TableDraft *draft, Diag *diag, PartitionRouter **out_router)
{
    PartitionRouter *router = mem_alloc_zero(sizeof(*router));
    router->store = store;
    router->table = table;
    router->draft = draft;
    arena_init(&router->arena, NULL);
    mutex_init(&router->lock);
    router->is_range = table_has_ranges(table->schema);
    router->is_automatic = table->schema->scheme == PARTITION_EXPRESSION && partition_ids == NULL;
    router->order = partition_ids == NULL ? partition_order_of(table) : NULL;
    if (router->order != NULL)
        router->numbers = mem_alloc_zero(table->partition_count * sizeof(*router->numbers));
    for (uint32_t i = 0; i < id_count && partition_ids != NULL; i++) {
        uint32_t place = catalog_partition_place(table, partition_ids[i]);
        if (place < table->partition_count && table->partitions[place]->id == partition_ids[i])
            add_partition(router, table->partitions[place]);
    }
    for (uint32_t p = 0; p < table->partition_count && partition_ids == NULL && router->order == NULL; p++)
        add_partition(router, table->partitions[p]);
    Status status = open_columns(router, session, diag);
    if (status != OK) {
        partition_router_close(router);
        return status;
    }
    *out_router = router;
    return OK;
}

void partition_router_close(PartitionRouter *router)
{
    if (router == NULL)
        return;
    if (router->evaluator != NULL)
        evaluator_close(router->evaluator);
    mem_free(router->partitions);
    mem_free(router->by_low);
    mem_free(router->numbers);
    arena_deinit(&router->arena);
    mutex_deinit(&router->lock);
    mem_free(router);
}

const CatalogPartition *partition_router_get(PartitionRouter *router, uint32_t number)
{
    LOCK_GUARD(&router->lock);
    return router->partitions[number];
}

/* ---- new partitions ---- */

typedef struct NewPartition {
    PartitionRouter *router;
    CatalogPartition *wanted;
    CatalogPartition *existing; /* another load was first */
} NewPartition;

/* Bounds and tablets copied: the snapshot that holds the partition goes away. */
static CatalogPartition *copy_partition(const TableSchema *schema, const CatalogPartition *from, Arena *arena)
{
    CatalogPartition *copy = ARENA_NEW(arena, CatalogPartition);
    uint32_t columns = schema->partition_column_count;
    copy->id = from->id;
    copy->name = strview_n(arena_strndup(arena, from->name.data, from->name.length), from->name.length);
    copy->has_low = from->has_low;
    copy->has_high = from->has_high;
    copy->low = ARENA_NEW_ARRAY(arena, Datum, columns);
    copy->high = ARENA_NEW_ARRAY(arena, Datum, columns);
    copy->value_rows = from->value_rows;
    copy->values = ARENA_NEW_ARRAY(arena, Datum, MAX(columns * from->value_rows, 1u));
    for (uint32_t i = 0; i < columns && from->has_low; i++)
        copy->low[i] = datum_copy(arena, schema->partition_types[i], &from->low[i]);
    for (uint32_t i = 0; i < columns && from->has_high; i++)
        copy->high[i] = datum_copy(arena, schema->partition_types[i], &from->high[i]);
    for (uint32_t i = 0; i < columns * from->value_rows; i++)
        copy->values[i] = datum_copy(arena, schema->partition_types[i % columns], &from->values[i]);
    copy->tablet_count = from->tablet_count;
    copy->tablets = ARENA_NEW_ARRAY(arena, TabletVersion, from->tablet_count);
    for (uint32_t t = 0; t < from->tablet_count; t++)
        copy->tablets[t] = (TabletVersion){.id = from->tablets[t].id, .bucket = from->tablets[t].bucket};
    return copy;
}

static Status build_partition(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    NewPartition *fresh = context;
    PartitionRouter *router = fresh->router;
    const CatalogTable *now = catalog_table_by_id(catalog, router->table->id);
    const TableSchema *schema = router->table->schema;
    fresh->existing = NULL;
    if (now == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s': it was dropped meanwhile", SV_ARGS(router->table->name));
    const PartitionOrder *order = partition_order_of(now);
    uint32_t old = order == NULL ? 0 : partition_order_overlap(order, now, fresh->wanted);
    while (order == NULL && old < now->partition_count && !partitions_overlap(schema, now->partitions[old], fresh->wanted))
        old++;
    if (old < now->partition_count) {
        fresh->existing = copy_partition(schema, now->partitions[old], &router->arena);
        return OK;
    }
    StrView base = fresh->wanted->name;
    for (uint32_t suffix = 1; catalog_partition(now, fresh->wanted->name) != NULL; suffix++)
        fresh->wanted->name = strview(arena_printf(&router->arena, "%.*s_%x", SV_ARGS(base), suffix));
    TRY(quota_check_replicas(catalog, now->database_id, fresh->wanted->tablet_count, diag));
    change_put_partition(change, now->id, schema, fresh->wanted);
    return OK;
}

/* The range or value list around the values. */
static CatalogPartition *around(PartitionRouter *router, const Datum *values)
{
    const TableSchema *schema = router->table->schema;
    AUTO_BYTEBUF name = {0};
    if (!router->is_range) {
        list_partition_name(schema, values, &name);
        if (name.length > 50)
            name.length = 50;
        CatalogPartition *partition = partition_new(router->store, schema, bytebuf_view(&name), env_wall_us(meta_environment(router->store)), &router->arena);
        partition->value_rows = 1;
        partition->values = ARENA_NEW_ARRAY(&router->arena, Datum, schema->partition_column_count);
        for (uint32_t i = 0; i < schema->partition_column_count; i++)
            partition->values[i] = datum_copy(&router->arena, schema->partition_types[i], &values[i]);
        return partition;
    }
    Type type = schema->partition_types[0];
    Datum low = step_floor(&router->steps[0], type, values[0]);
    step_name(&router->steps[0], type, low, &name);
    CatalogPartition *partition = partition_new(router->store, schema, bytebuf_view(&name), env_wall_us(meta_environment(router->store)), &router->arena);
    partition->has_low = partition->has_high = true;
    partition->low[0] = low;
    partition->high[0] = step_next(&router->steps[0], type, low);
    return partition;
}

/* A range that was made by hand may reach into the one that the rule asks for: then cut it to fit. False: it does not reach there. */
static bool fit_between(const CatalogTable *table, const CatalogPartition *old, const Datum *values, CatalogPartition *fresh)
{
    const TableSchema *schema = table->schema;
    if (!fresh->has_low || !partitions_overlap(schema, old, fresh))
        return false;
    if (old->has_high && partition_values_compare(schema, old->high, values) <= 0)
        fresh->low[0] = old->high[0];
    else if (old->has_low && partition_values_compare(schema, old->low, values) > 0)
        fresh->high[0] = old->low[0];
    else
        return false;
    return true;
}

static uint32_t overlap_in_table(const PartitionRouter *router, const CatalogPartition *fresh)
{
    return router->is_range && router->order != NULL ? partition_order_overlap(router->order, router->table, fresh) : PARTITION_NOWHERE;
}

/* With the lock held. */
static Status make_partition(PartitionRouter *router, const Datum *values, Diag *diag, uint32_t *out_number)
{
    if (router->made >= MOST_NEW_PARTITIONS)
        return RAISE(diag, LIMIT_EXCEEDED, "Table %.*s automatic create partition failed. error:Automatically created partitions exceeded the maximum limit: %d.",
                     SV_ARGS(router->table->name), MOST_NEW_PARTITIONS);
    NewPartition fresh = {.router = router, .wanted = around(router, values)};
    for (uint32_t p = 0; p < router->count && router->is_range; p++)
        (void)fit_between(router->table, router->partitions[p], values, fresh.wanted);
    for (bool cut = true; cut;) {
        uint32_t old = overlap_in_table(router, fresh.wanted);
        cut = old != PARTITION_NOWHERE && fit_between(router->table, router->table->partitions[old], values, fresh.wanted);
    }
    FAULT("load.before_partition", diag);
    TRY(router->draft != NULL ? table_draft_add(router->draft, build_partition, &fresh, diag)
                              : meta_commit(router->store, build_partition, &fresh, diag));
    router->made++;
    add_partition(router, fresh.existing != NULL ? fresh.existing : fresh.wanted);
    *out_number = router->count - 1;
    return OK;
}

/* ---- routing ---- */

/* Points results to the values of the partition columns. With the lock held. */
static Status find_values(PartitionRouter *router, const Vector *const *columns, uint32_t row_count)
{
    const TableSchema *schema = router->table->schema;
    if (router->evaluator != NULL) {
        const Vector **computed = ARENA_NEW_ARRAY(&router->arena, const Vector *, schema->partition_column_count);
        for (uint32_t c = 0; c < schema->column_count; c++)
            router->input.columns[c] = *columns[c];
        router->input.row_count = row_count;
        TRY(evaluator_run(router->evaluator, &router->input, computed));
        uint32_t at = 0;
        for (uint32_t i = 0; i < schema->partition_column_count; i++)
            router->results[i] = router->columns[i] == UINT32_MAX ? computed[at++] : NULL;
    }
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        if (router->columns[i] != UINT32_MAX)
            router->results[i] = columns[router->columns[i]];
    }
    return OK;
}

static void row_values(PartitionRouter *router, uint32_t row, Arena *scratch, Datum *out)
{
    const TableSchema *schema = router->table->schema;
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        out[i] = vector_get(router->results[i], row, scratch);
        bool is_null = out[i].is_null;
        if (is_null && router->is_range && router->is_automatic) /* the first day there is */
            out[i] = datum_i64(schema->partition_types[i].kind == TYPE_DATE ? (int64_t)MIN_DATE : MIN_DATE * US_PER_DAY);
        else if (!is_null && !router->is_range)
            out[i] = step_floor(&router->steps[i], schema->partition_types[i], out[i]);
    }
}

static bool takes(const PartitionRouter *router, uint32_t number, const Datum *values)
{
    return partition_takes(router->table->schema, router->partitions[number], values);
}

static uint32_t hash_values(const TableSchema *schema, const Datum *values)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        const Datum *value = &values[i];
        uint64_t own = value->is_null ? 0
                       : schema->partition_types[i].phys == PHYS_STR ? hash_bytes(str_data(&value->str), value->str.length)
                                                                     : hash_u64((uint64_t)value->i64);
        hash = hash_combine(hash, own);
    }
    return (uint32_t)(hash % REMEMBERED);
}

static uint32_t find_list(PartitionRouter *router, const Datum *values)
{
    uint32_t *guess = &router->remembered[hash_values(router->table->schema, values)];
    if (*guess != 0 && takes(router, *guess - 1, values))
        return *guess - 1;
    for (uint32_t p = 0; p < router->count; p++) {
        if (!takes(router, p, values))
            continue;
        *guess = p + 1;
        return p;
    }
    return PARTITION_NOT_FOUND;
}

/* Among those that have numbers. Ranges don't overlap. */
static uint32_t find_known(PartitionRouter *router, const Datum *values)
{
    if (!router->is_range)
        return find_list(router, values);
    uint32_t at = above(router, values);
    if (at == 0)
        return PARTITION_NOT_FOUND;
    uint32_t number = router->by_low[at - 1];
    return takes(router, number, values) ? number : PARTITION_NOT_FOUND;
}

/* A partition of the table, by its order. */
static uint32_t find_in_table(PartitionRouter *router, const Datum *values)
{
    uint32_t place = partition_order_find(router->order, router->table, values);
    if (place == PARTITION_NOWHERE)
        return PARTITION_NOT_FOUND;
    if (router->numbers[place] == 0) {
        add_partition(router, router->table->partitions[place]);
        router->numbers[place] = router->count;
    }
    return router->numbers[place] - 1;
}

static uint32_t find_partition(PartitionRouter *router, const Datum *values)
{
    uint32_t found = router->order == NULL ? PARTITION_NOT_FOUND : find_in_table(router, values);
    return found == PARTITION_NOT_FOUND ? find_known(router, values) : found;
}

Status partition_router_route(PartitionRouter *router, const Vector *const *columns, uint32_t row_count, Diag *diag,
                              uint32_t *out_numbers)
{
    const TableSchema *schema = router->table->schema;
    if (schema->scheme == PARTITION_NONE) {
        memset(out_numbers, 0, row_count * sizeof(*out_numbers));
        return OK;
    }
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    Datum *values = ARENA_NEW_ARRAY(&scratch, Datum, MAX(schema->partition_column_count, 1u));
    uint32_t last = PARTITION_NOT_FOUND;
    LOCK_GUARD(&router->lock);
    TRY(find_values(router, columns, row_count));
    for (uint32_t row = 0; row < row_count; row++) {
        ArenaMark mark = arena_mark(&scratch);
        row_values(router, row, &scratch, values);
        if (last == PARTITION_NOT_FOUND || !takes(router, last, values))
            last = find_partition(router, values);
        Status status = OK;
        if (last == PARTITION_NOT_FOUND && router->is_automatic)
            status = make_partition(router, values, diag, &last);
        out_numbers[row] = last;
        arena_release(&scratch, mark);
        TRY(status);
    }
    return OK;
}

Status partition_router_find(PartitionRouter *router, const Datum *values, Diag *diag, uint64_t *out_partition_id)
{
    LOCK_GUARD(&router->lock);
    uint32_t number = find_partition(router, values);
    if (number == PARTITION_NOT_FOUND && router->is_automatic)
        TRY(make_partition(router, values, diag, &number));
    if (number == PARTITION_NOT_FOUND)
        return RAISE(diag, NO_PARTITION_FOR_VALUE, "table '%.*s' has no partition of these values", SV_ARGS(router->table->name));
    *out_partition_id = router->partitions[number]->id;
    return OK;
}

void partition_router_describe(PartitionRouter *router, const Vector *const *columns, uint32_t row, ByteBuf *out)
{
    const TableSchema *schema = router->table->schema;
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    bytebuf_append_text(out, "The row is out of partition ranges. Please add a new partition.: [");
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        bool is_plain;
        int column = table_partition_column(schema, i, &is_plain);
        if (column < 0)
            continue;
        Datum value = vector_get(columns[column], row, &scratch);
        if (i > 0)
            bytebuf_append_text(out, ", ");
        datum_print(schema->columns[column].type, &value, out);
    }
    bytebuf_append_text(out, "]");
}
