#include "session/session_int.h"

/* ALTER TABLE that has to write rows again: other types, computed values, another order or distribution.
 *
 * The rows are copied, a partition at a time, into a table that exists in a private view of the catalog only
 * (load/write_transaction.h), while queries and loads go on. Then one entry gives the table its new definition and its
 * partitions the copies in the place of what they held. A partition whose data version has moved since it was copied is
 * copied again; after some rounds loads are held up for the last one. A crash or a cancel leaves the table as it was, and
 * objects that vacuum finds. Partitions keep their ids; they keep their data versions, too, unless values change. */

#include <stdio.h>

#include "base/environment.h"
#include "base/fault.h"
#include "ddl/alter_jobs.h"
#include "load/partition_router.h"
#include "load/write_transaction.h"

enum { FREE_ROUNDS = 3, MOST_ROUNDS = 40, PAUSE_US = 20000 };

/* A partition and its copy. */
typedef struct CopiedPartition {
    uint64_t id, copy_id;
    uint64_t data_version; /* that was copied */
    bool has_rows;
} CopiedPartition;

typedef struct Rewrite {
    StatementContext *context;
    const AlterPlan *plan;
    uint64_t table_id, copy_id;
    const TableSchema *before; /* of the table */
    WriteTransaction *writes;
    CatalogSnapshot *seen; /* that is copied */
    ARRAY_OF(CopiedPartition) partitions;
    AlterJob *job;
    bool looks_again; /* the table has moved on since it was copied */
} Rewrite;

static const CatalogTable *copy_table(const Rewrite *rewrite)
{
    return catalog_table_by_id(write_transaction_view(rewrite->writes), rewrite->copy_id);
}

static Status define_table(Rewrite *rewrite, const CatalogTable *table)
{
    AUTO_CHANGE change = {0};
    char name[40];
    snprintf(name, sizeof(name), "\x02%llu", (unsigned long long)rewrite->copy_id);
    change_put_table(&change, rewrite->copy_id, table->database_id, strview(name), rewrite->plan->schema);
    return write_transaction_define(rewrite->writes, &change, rewrite->context->diag);
}

static CatalogPartition *new_partition(const Rewrite *rewrite, const CatalogPartition *like)
{
    StatementContext *context = rewrite->context;
    CatalogPartition *fresh = partition_new(context->session->instance->store, rewrite->plan->schema, like->name, context->func.now_us, &context->arena);
    fresh->has_low = like->has_low;
    fresh->has_high = like->has_high;
    fresh->low = like->low;
    fresh->high = like->high;
    fresh->values = like->values;
    fresh->value_rows = like->value_rows;
    return fresh;
}

/* An empty copy of the partition, in the place of one that has rows. */
static Status define_partition(Rewrite *rewrite, const CatalogPartition *like, CopiedPartition *copied)
{
    AUTO_CHANGE change = {0};
    if (copied->copy_id != 0)
        change_drop_partition(&change, rewrite->copy_id, copied->copy_id);
    const CatalogPartition *fresh = new_partition(rewrite, like);
    change_put_partition(&change, rewrite->copy_id, rewrite->plan->schema, fresh);
    TRY(write_transaction_define(rewrite->writes, &change, rewrite->context->diag));
    copied->copy_id = fresh->id;
    copied->has_rows = false;
    return OK;
}

/* ---- copying ---- */

static const TableColumn *old_column(const TableSchema *schema, uint32_t unique_id)
{
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (schema->columns[i].unique_id == unique_id)
            return &schema->columns[i];
    }
    return NULL;
}

/* INSERT INTO copy (columns) SELECT columns FROM table PARTITION (p), where values that can't be converted are an error. */
static void print_select(const Rewrite *rewrite, const CatalogDatabase *database, const CatalogTable *table, const CatalogPartition *partition,
                         AstInsert *insert, ByteBuf *sql)
{
    const TableSchema *after = rewrite->plan->schema;
    AUTO_BYTEBUF checks = {0};
    bytebuf_append_text(sql, "SELECT ");
    insert->has_columns = true;
    for (uint32_t i = 0; i < after->column_count; i++) {
        const TableColumn *to = &after->columns[i];
        const TableColumn *from = old_column(table->schema, to->unique_id);
        if (from == NULL || to->generated.length > 0)
            continue;
        AUTO_BYTEBUF name = {0};
        bytebuf_printf(&name, "`%.*s`", SV_ARGS(from->name));
        bytebuf_append_text(sql, insert->columns.count == 0 ? "" : ", ");
        alter_print_fields(from->type, to->type, bytebuf_view(&name), 0, sql);
        AST_PUSH(&rewrite->context->arena, &insert->columns, to->name);
        if (type_equal(from->type, to->type) || (type_is_nested(from->type) && from->type.kind == to->type.kind))
            continue;
        bytebuf_printf(&checks, "%sassert_true(`%.*s` IS NULL OR CAST(`%.*s` AS ", checks.length == 0 ? " WHERE " : " AND ", SV_ARGS(from->name),
                       SV_ARGS(from->name));
        type_print_sql(to->type, &checks);
        bytebuf_printf(&checks, ") IS NOT NULL, 'a value of column %.*s can not be converted to its new type')", SV_ARGS(from->name));
    }
    bytebuf_printf(sql, " FROM `%.*s`.`%.*s`", SV_ARGS(database->name), SV_ARGS(table->name));
    if (table->schema->scheme != PARTITION_NONE)
        bytebuf_printf(sql, " PARTITION (`%.*s`)", SV_ARGS(partition->name));
    bytebuf_append_view(sql, bytebuf_view(&checks));
}

static Status bind_copy(Rewrite *rewrite, const CatalogTable *table, const CatalogPartition *partition, BoundInsert *out)
{
    StatementContext *context = rewrite->context;
    AUTO_BYTEBUF sql = {0};
    AstStatements statements = {0};
    AstInsert insert = {0};
    const CatalogDatabase *database = catalog_database_by_id(rewrite->seen, table->database_id);
    print_select(rewrite, database, table, partition, &insert, &sql);
    StrView text = strview(arena_strndup(&context->arena, sql.data, sql.length));
    TRY(sql_parse(text, NULL, &context->arena, context->diag, &statements));
    insert.query = statements.items[0]->query;
    AnalyzeContext own = context->analyze; /* ALTER was allowed: what it reads for itself is not asked for again */
    own.catalog = rewrite->seen;
    own.rights = NULL;
    out->table = copy_table(rewrite);
    Status status = analyze_rows_for(&own, &insert, text, out);
    context->analyze.ids = own.ids;
    context->analyze.next_cte_id = own.next_cte_id;
    return status;
}

static Status copy_rows(Rewrite *rewrite, const CatalogTable *table, const CatalogPartition *partition, const CopiedPartition *copied)
{
    StatementContext *context = rewrite->context;
    Instance *instance = context->session->instance;
    BoundInsert bound = {0};
    TableLoader *loader;
    TRY(bind_copy(rewrite, table, partition, &bound));
    CatalogSnapshot *view = catalog_ref(write_transaction_view(rewrite->writes));
    LoadQuery load = {.table = bound.table, .catalog = view, .query = bound.query};
    TableLoaderOptions options = {.store = instance->store, .volume = instance->volume, .catalog = view, .table = bound.table,
                                  .session = &context->func, .tracker = &context->memory, .keys = instance->keys,
                                  .partition_ids = &copied->copy_id, .partition_count = 1};
    Status status = table_loader_open(&options, context->diag, &loader);
    if (status == OK) {
        status = insert_rows(context, loader, &load);
        if (status == OK)
            status = write_transaction_add_rows(rewrite->writes, loader, context->diag);
        table_loader_close(loader);
    }
    catalog_unref(view);
    return status;
}

static CopiedPartition *find_copied(Rewrite *rewrite, uint64_t id)
{
    for (uint32_t i = 0; i < rewrite->partitions.count; i++) {
        if (rewrite->partitions.items[i].id == id)
            return &rewrite->partitions.items[i];
    }
    CopiedPartition fresh = {.id = id, .data_version = UINT64_MAX};
    ARRAY_PUSH(&rewrite->context->arena, &rewrite->partitions, fresh);
    return &rewrite->partitions.items[rewrite->partitions.count - 1];
}

static Status copy_partition(Rewrite *rewrite, const CatalogTable *table, const CatalogPartition *partition)
{
    CopiedPartition *copied = find_copied(rewrite, partition->id);
    if (copied->data_version == partition->data_version)
        return OK;
    if (copied->copy_id == 0 || copied->has_rows)
        TRY(define_partition(rewrite, partition, copied));
    if (partition_row_count(partition) > 0)
        TRY(copy_rows(rewrite, table, partition, copied));
    copied->has_rows = partition_row_count(partition) > 0;
    copied->data_version = partition->data_version;
    return OK;
}

/* All partitions that have changed since they were copied. */
static Status copy_round(Rewrite *rewrite)
{
    StatementContext *context = rewrite->context;
    catalog_unref(rewrite->seen);
    rewrite->seen = meta_snapshot(context->session->instance->store);
    const CatalogTable *table = catalog_table_by_id(rewrite->seen, rewrite->table_id);
    if (table == NULL)
        return RAISE(context->diag, NO_SUCH_TABLE, "the table was dropped meanwhile");
    if (table->schema != rewrite->before)
        return RAISE(context->diag, RETRY, "table '%.*s' was altered meanwhile", SV_ARGS(table->name));
    for (uint32_t p = 0; p < table->partition_count; p++) {
        TRY(copy_partition(rewrite, table, table->partitions[p]));
        alter_job_progress(rewrite->job, (p + 1) * 100 / MAX(table->partition_count, 1u));
        if (atomic_load(&context->session->cancelled))
            return RAISE(context->diag, CANCELLED, "Query execution was interrupted");
    }
    return OK;
}

/* ---- the exchange ---- */

static void put_copy(const Rewrite *rewrite, const CatalogTable *table, const CatalogPartition *partition, const CatalogPartition *copy, Change *change)
{
    CatalogPartition fresh;
    const TableSchema *schema = rewrite->plan->schema;
    memcpy(&fresh, partition, sizeof(fresh));
    fresh.visible_version++;
    fresh.tablets = copy->tablets;
    fresh.tablet_count = copy->tablet_count;
    change_put_partition(change, table->id, schema, &fresh);
    if (!rewrite->plan->effect.changes_rows || partition_row_count(copy) == 0)
        return;
    /* The entry's own data version comes with rows that are published: of those of one segment. */
    for (uint32_t t = 0; t < copy->tablet_count; t++) {
        const TabletVersion *tablet = &copy->tablets[t];
        if (tablet->segment_count == 0)
            continue;
        NewSegments again = {partition->id, tablet->id, tablet->segments, 1};
        change_replace_segments(change, table->id, &again, &tablet->segments[0].id, 1);
        break;
    }
}

static Status build_exchange(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Rewrite *rewrite = opaque;
    const CatalogTable *table = catalog_table_by_id(catalog, rewrite->table_id);
    const CatalogTable *copy = copy_table(rewrite);
    FAULT("alter.before_exchange", diag);
    rewrite->looks_again = true;
    if (table == NULL || table->schema != rewrite->before || catalog_temporary_partitions(catalog, table) != NULL)
        return RAISE(diag, RETRY, "the table was dropped or altered meanwhile");
    change_put_table(change, table->id, table->database_id, table->name, rewrite->plan->schema);
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        const CopiedPartition *copied = NULL;
        for (uint32_t i = 0; i < rewrite->partitions.count; i++) {
            if (rewrite->partitions.items[i].id == partition->id)
                copied = &rewrite->partitions.items[i];
        }
        if (copied == NULL || copied->data_version != partition->data_version)
            return RAISE(diag, RETRY, "table '%.*s' is loaded faster than its rows can be written again: try again later", SV_ARGS(table->name));
        put_copy(rewrite, table, partition, catalog_partition_by_id(copy, copied->copy_id), change);
    }
    rewrite->looks_again = false;
    alter_job_put(rewrite->job, "FINISHED", "", change);
    return OK;
}

static Status run_rounds(Rewrite *rewrite)
{
    StatementContext *context = rewrite->context;
    MetaStore *store = context->session->instance->store;
    TableGates *gates = meta_gates(store);
    Status status = ERR_RETRY;
    bool is_closed = false;
    for (uint32_t round = 0; round < MOST_ROUNDS && status == ERR_RETRY; round++) {
        if (round == FREE_ROUNDS) {
            table_gate_close(gates, rewrite->table_id);
            is_closed = true;
        }
        diag_reset(context->diag);
        rewrite->looks_again = false;
        status = copy_round(rewrite);
        if (status == OK)
            status = meta_commit(store, build_exchange, rewrite, context->diag);
        if (status == ERR_RETRY && !rewrite->looks_again)
            break;
        if (status == ERR_RETRY) /* what came may be on its way to the journal yet: it is not in the next snapshot before */
            env_sleep_us(meta_environment(store), PAUSE_US);
    }
    if (is_closed)
        table_gate_open(gates, rewrite->table_id);
    return status;
}

static Status rewrite_table(Rewrite *rewrite, const CatalogTable *table)
{
    Instance *instance = rewrite->context->session->instance;
    WriteTransactionOptions options = {instance->store, instance->volume, instance->keys, instance->memory, compactor_holds(instance->compactor),
                                       .has_distinct_keys = true};
    rewrite->writes = write_transaction_open(&options);
    Status status = define_table(rewrite, table);
    if (status == OK)
        status = run_rounds(rewrite);
    write_transaction_close(rewrite->writes);
    catalog_unref(rewrite->seen);
    return status;
}

static Status build_cancelled(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Rewrite *rewrite = opaque;
    (void)catalog;
    (void)diag;
    alter_job_put(rewrite->job, "CANCELLED", rewrite->context->diag->message, change);
    return OK;
}

Status run_rewrite(StatementContext *context, const CatalogTable *table, const AlterPlan *plan, const char *kind)
{
    Diag unheard = {0};
    MetaStore *store = context->session->instance->store;
    AlterJob job = {.id = meta_new_id(store), .table_id = table->id, .database_id = table->database_id, .kind = kind,
                    .created_us = context->func.now_us, .session_id = context->session->connection_id};
    Rewrite rewrite = {.context = context, .plan = plan, .table_id = table->id, .copy_id = meta_new_id(store), .before = table->schema, .job = &job};
    if (catalog_temporary_partitions(context->catalog, table) != NULL)
        return RAISE(context->diag, ANALYSIS, "Table[%.*s] has temporary partitions: replace or drop them before its rows are written again",
                     SV_ARGS(table->name));
    alter_job_name(&job, table->name);
    TRY(alter_jobs_enter(context->session->instance->alters, &job, context->diag));
    Status status = rewrite_table(&rewrite, table);
    alter_jobs_leave(context->session->instance->alters, &job);
    if (status != OK && status != ERR_OUTCOME_UNKNOWN)
        status_ignore(meta_commit(store, build_cancelled, &rewrite, &unheard));
    return status;
}

/* The statement that runs the job ends with an error. */
Status run_cancel_alter(StatementContext *context, const AstCommand *command)
{
    uint64_t sessions[16];
    const CatalogDatabase *database;
    const CatalogTable *table;
    Instance *instance = context->session->instance;
    TRY(analyze_find_table(&context->analyze, &command->name, &database, &table));
    uint32_t count = alter_jobs_sessions(instance->alters, table->id, sessions, COUNT_OF(sessions));
    if (count == 0)
        return RAISE(context->diag, ANALYSIS, "Table[%.*s] is not under %.*s.", SV_ARGS(table->name),
                     SV_ARGS(strview_is(command->text, "ROLLUP") ? STR_VIEW("ROLLUP") : STR_VIEW("SCHEMA CHANGE")));
    mutex_lock(&instance->lock);
    for (Session *s = instance->sessions; s != NULL; s = s->next) {
        for (uint32_t i = 0; i < count; i++) {
            if (s->connection_id == sessions[i])
                session_kill(s, false);
        }
    }
    mutex_unlock(&instance->lock);
    return send_ok(context, 0, STR_VIEW(""));
}
