#include "session/show_int.h"

#include "load/stream_load.h"
#include "meta/quota.h"

/* SHOW PROC 'path': paths with an id or a name in them are matched step by step. */

typedef struct ProcPath {
    StrView steps[6];
    uint32_t count;
} ProcPath;

static ProcPath split(StrView text)
{
    ProcPath path = {0};
    size_t at = 0;
    while (at < text.length && path.count < COUNT_OF(path.steps)) {
        while (at < text.length && text.data[at] == '/')
            at++;
        size_t end = at;
        while (end < text.length && text.data[end] != '/')
            end++;
        if (end > at)
            path.steps[path.count++] = strview_n(text.data + at, end - at);
        at = end;
    }
    return path;
}

/* By name or by id. */
static const CatalogDatabase *find_database(const CatalogSnapshot *catalog, StrView step)
{
    uint64_t id = 0;
    for (size_t i = 0; i < step.length && i < 19 && step.data[i] >= '0' && step.data[i] <= '9'; i++)
        id = id * 10 + (uint64_t)(step.data[i] - '0');
    const CatalogDatabase *database = catalog_database(catalog, step);
    return database != NULL ? database : catalog_database_by_id(catalog, id);
}

static const CatalogDatabase *database_of(const SystemSource *source)
{
    ProcPath path = split(show_context(source)->show->text);
    return path.count >= 2 ? find_database(source->catalog, path.steps[1]) : NULL;
}

/* ---- / ---- */

static const char *const roots[] = {"backends", "catalog", "compactions", "compute_nodes", "current_queries", "dbs", "frontends",
                                    "quarantine", "statistic", "transactions", "warehouses"};
static const SystemColumn root_columns[] = {TEXT("name")};

static Status produce_roots(const SystemSource *source, SystemRows *rows)
{
    (void)source;
    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        system_put_word(rows, roots[i]);
        TRY(system_end_row(rows));
    }
    return OK;
}

/* ---- /dbs, /dbs/id ---- */

static const SystemColumn dbs_columns[] = {NUMBER("DbId"), TEXT("DbName"), NUMBER("TableNum"), TEXT("Quota"), TEXT("LastConsistencyCheckTime"),
                                           TEXT("ReplicaQuota")};
static const SystemColumn db_columns[] = {
    NUMBER("TableId"), TEXT("TableName"), NUMBER("IndexNum"), TEXT("PartitionColumnName"), NUMBER("PartitionNum"), TEXT("State"), TEXT("Type"),
    TEXT("LastConsistencyCheckTime"), NUMBER("ReplicaCount"), TEXT("PartitionType"), TEXT("StoragePath")};

static void put_quota(SystemRows *rows, uint64_t amount)
{
    AUTO_BYTEBUF text = {0};
    bytebuf_printf(&text, "%llu", (unsigned long long)amount);
    system_put_text(rows, amount == UINT64_MAX ? STR_VIEW("unlimited") : system_keep(rows, &text));
}

static Status produce_dbs(const SystemSource *source, SystemRows *rows)
{
    for (uint32_t d = catalog_visible_from(source->catalog); d < source->catalog->database_count; d++) {
        const CatalogDatabase *database = source->catalog->databases[d];
        system_put_number(rows, (int64_t)database->id);
        system_put_text(rows, database->name);
        system_put_number(rows, catalog_table_count(database));
        put_quota(rows, quota_of(source->catalog, database->id).data_bytes);
        system_put_null(rows);
        put_quota(rows, quota_of(source->catalog, database->id).replicas);
        TRY(system_end_row(rows));
    }
    return OK;
}

static uint32_t tablet_count(const CatalogTable *table)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < table->partition_count; p++)
        count += table->partitions[p]->tablet_count;
    return count;
}

static Status produce_db(const SystemSource *source, SystemRows *rows)
{
    static const char *const schemes[] = {"UNPARTITIONED", "RANGE", "LIST", "EXPRESSION"};
    const CatalogDatabase *database = database_of(source);
    for (uint32_t t = 0; database != NULL && t < catalog_table_count(database); t++) {
        const CatalogTable *table = catalog_table_at(database, t);
        const TableSchema *schema = table->schema;
        system_put_number(rows, (int64_t)table->id);
        system_put_text(rows, table->name);
        system_put_number(rows, 1);
        system_put_text(rows, schema->partition_column_count > 0 ? schema->partition_exprs[0] : (StrView){0});
        system_put_number(rows, table->partition_count);
        system_put_word(rows, "NORMAL");
        system_put_word(rows, schema->kind == TABLE_VIEW ? "VIEW" : "CLOUD_NATIVE");
        system_put_null(rows);
        system_put_number(rows, tablet_count(table));
        system_put_word(rows, schemes[schema->scheme]);
        TRY(system_end_row(rows));
    }
    return OK;
}

/* ---- /statistic ---- */

static const SystemColumn statistic_columns[] = {
    TEXT("DbId"), TEXT("DbName"), NUMBER("TableNum"), NUMBER("PartitionNum"), NUMBER("IndexNum"), NUMBER("TabletNum"), NUMBER("ReplicaNum"),
    NUMBER("UnhealthyTabletNum"), NUMBER("InconsistentTabletNum"), NUMBER("CloningTabletNum"), NUMBER("ErrorStateTabletNum")};

static Status put_statistic(SystemRows *rows, int64_t id, StrView name, const uint64_t counts[3])
{
    if (id > 0)
        system_put_number(rows, id);
    else
        system_put_word(rows, "Total");
    system_put_text(rows, name);
    system_put_number(rows, (int64_t)counts[0]);
    system_put_number(rows, (int64_t)counts[1]);
    system_put_number(rows, (int64_t)counts[1]);
    system_put_number(rows, (int64_t)counts[2]);
    system_put_number(rows, (int64_t)counts[2]);
    for (int i = 0; i < 4; i++)
        system_put_number(rows, 0);
    return system_end_row(rows);
}

static Status produce_statistic(const SystemSource *source, SystemRows *rows)
{
    uint64_t all[3] = {0};
    for (uint32_t d = catalog_visible_from(source->catalog); d < source->catalog->database_count; d++) {
        const CatalogDatabase *database = source->catalog->databases[d];
        uint64_t counts[3] = {catalog_table_count(database), 0, 0};
        for (uint32_t t = 0; t < catalog_table_count(database); t++) {
            counts[1] += catalog_table_at(database, t)->partition_count;
            counts[2] += tablet_count(catalog_table_at(database, t));
        }
        for (int i = 0; i < 3; i++)
            all[i] += counts[i];
        TRY(put_statistic(rows, (int64_t)database->id, database->name, counts));
    }
    return put_statistic(rows, 0, show_text(show_context(source), "%u", source->catalog->database_count - catalog_visible_from(source->catalog)), all);
}

/* ---- /transactions, /transactions/db, /transactions/db/state ---- */

static const SystemColumn transactions_columns[] = {NUMBER("DbId"), TEXT("DbName")};
static const SystemColumn states_columns[] = {TEXT("State"), NUMBER("Number")};

static Status produce_transaction_dbs(const SystemSource *source, SystemRows *rows)
{
    for (uint32_t d = catalog_visible_from(source->catalog); d < source->catalog->database_count; d++) {
        system_put_number(rows, (int64_t)source->catalog->databases[d]->id);
        system_put_text(rows, source->catalog->databases[d]->name);
        TRY(system_end_row(rows));
    }
    return OK;
}

static uint32_t prepared_count(const SystemSource *source, const CatalogDatabase *database)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < source->catalog->prepared_count; i++)
        count += source->catalog->prepared[i]->database_id == database->id;
    return count;
}

static Status produce_states(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database = database_of(source);
    LabelEntry *labels;
    uint32_t count = meta_label_list(source->store, source->arena, &labels), finished = 0;
    for (uint32_t i = 0; i < count; i++)
        finished += labels[i].database_id == database->id;
    system_put_word(rows, "running");
    system_put_number(rows, prepared_count(source, database));
    TRY(system_end_row(rows));
    system_put_word(rows, "finished");
    system_put_number(rows, finished);
    return system_end_row(rows);
}

static bool is_prepared(const SystemSource *source, const CatalogDatabase *database, StrView label)
{
    for (uint32_t i = 0; i < source->catalog->prepared_count; i++) {
        const PreparedTransaction *prepared = source->catalog->prepared[i];
        if (prepared->database_id == database->id && strview_equal(prepared->label, label))
            return true;
    }
    return false;
}

/* Loads of this node. Their transactions have no number before they commit. */
static Status put_running_loads(const SystemSource *source, SystemRows *rows, const CatalogDatabase *database)
{
    LoadHub *hub = show_context(source)->session->instance->loads;
    RunningLoad *loads = NULL;
    uint32_t count = hub == NULL ? 0 : load_hub_list(hub, database->id, source->arena, &loads);
    for (uint32_t i = 0; i < count; i++) {
        if (is_prepared(source, database, loads[i].label))
            continue;
        system_put_null(rows);
        system_put_text(rows, loads[i].label);
        system_put_word(rows, "FE");
        system_put_word(rows, "PREPARE");
        system_put_word(rows, "BACKEND_STREAMING");
        TRY(system_end_row(rows));
    }
    return OK;
}

/* Transactions that are prepared, and loads; BEGIN .. COMMIT is known to its connection alone. */
static Status produce_running(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database = database_of(source);
    for (uint32_t i = 0; i < source->catalog->prepared_count; i++) {
        const PreparedTransaction *prepared = source->catalog->prepared[i];
        if (prepared->database_id != database->id)
            continue;
        system_put_number(rows, (int64_t)prepared->id);
        system_put_text(rows, prepared->label);
        system_put_word(rows, "FE");
        system_put_word(rows, "PREPARED");
        system_put_word(rows, "BACKEND_STREAMING");
        TRY(system_end_row(rows));
    }
    return put_running_loads(source, rows, database);
}

static Status run_transactions(StatementContext *context, const AstStatement *statement, const ProcPath *path)
{
    SystemTable dbs = {"rows", SYSTEM_COLUMNS(transactions_columns), produce_transaction_dbs};
    SystemTable states = {"rows", SYSTEM_COLUMNS(states_columns), produce_states};
    SystemTable running = show_transactions_table;
    if (path->count == 1)
        return show_rows(context, statement, &dbs, SHOW_NO_PATTERN);
    const CatalogDatabase *database = find_database(context->catalog, path->steps[1]);
    if (database == NULL)
        return RAISE(context->diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(path->steps[1]));
    if (path->count == 2)
        return show_rows(context, statement, &states, SHOW_NO_PATTERN);
    AstShow show = *statement->show;
    AstStatement of_database = *statement;
    show.database = database->name;
    of_database.show = &show;
    if (strview_is(path->steps[2], "running"))
        running.produce = produce_running;
    else
        context->show = &show;
    return show_rows(context, &of_database, &running, SHOW_NO_PATTERN);
}

/* ---- all ---- */

static const SystemColumn empty_columns[] = {TEXT("Name"), TEXT("Value")};

Status show_proc(StatementContext *context, const AstStatement *statement)
{
    static const SystemTable top = {"", SYSTEM_COLUMNS(root_columns), produce_roots};
    static const SystemTable dbs = {"", SYSTEM_COLUMNS(dbs_columns), produce_dbs};
    static const SystemTable db = {"", SYSTEM_COLUMNS(db_columns), produce_db};
    static const SystemTable statistic = {"", SYSTEM_COLUMNS(statistic_columns), produce_statistic};
    static const SystemTable empty = {"", SYSTEM_COLUMNS(empty_columns), NULL};
    static const struct {
        const char *name;
        const SystemTable *table;
    } plain[] = {{"frontends", &show_frontends_table}, {"backends", &show_backends_table}, {"compute_nodes", &show_compute_nodes_table},
                 {"warehouses", &show_warehouses_table}, {"catalog", &show_catalogs_table}, {"statistic", &statistic},
                 {"compactions", &show_compactions_table}, {"dbs", &dbs}, {"current_queries", &show_queries_table},
                 {"global_current_queries", &show_queries_table}, {"jobs", &empty}, {"tasks", &empty}, {"brokers", &empty},
                 {"resources", &empty}, {"load_error_hub", &empty}, {"monitor", &empty}, {"cluster_balance", &empty},
                 {"routine_loads", &empty}, {"stream_loads", &empty}, {"colocation_group", &empty}};
    ProcPath path = split(statement->show->text);
    if (path.count == 0)
        return show_rows(context, statement, &top, SHOW_NO_PATTERN);
    if (strview_is(path.steps[0], "quarantine"))
        return show_quarantine(context);
    if (strview_is(path.steps[0], "transactions"))
        return run_transactions(context, statement, &path);
    if (strview_is(path.steps[0], "dbs") && path.count == 2)
        return show_rows(context, statement, &db, SHOW_NO_PATTERN);
    for (size_t i = 0; i < COUNT_OF(plain) && path.count == 1; i++) {
        if (strview_is(path.steps[0], plain[i].name))
            return show_rows(context, statement, plain[i].table, SHOW_NO_PATTERN);
    }
    return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Proc path '%.*s' doesn't exist.", SV_ARGS(statement->show->text));
}
