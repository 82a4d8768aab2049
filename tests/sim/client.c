#include "sim/cluster.h"

/* Clients: loads into several tables and partitions under labels, repeated by label until the outcome is
 * certain, or given up; tables and settings of their own. */

#include <stdio.h>

#include "load/table_loader.h"

enum { CLIENT_OPS = 9, ATTEMPTS = 5, THINK_US = 30000, DATABASE = 50, TABLE_IDS = 1 + 2 * PARTS };

uint32_t busy_clients;
bool is_over;

static const char *const table_names[TABLES] = {"t0", "t1", "k0"};

/* ---- tables ---- */

typedef struct NewTable {
    const char *name;
    bool is_keyed;
    uint64_t ids[TABLE_IDS];
} NewTable;

static void take_ids(MetaStore *store, NewTable *table)
{
    for (uint32_t i = 0; i < TABLE_IDS; i++)
        table->ids[i] = meta_new_id(store);
}

static void put_table(Change *change, const NewTable *table)
{
    TableColumn columns[] = {{.unique_id = 1, .name = STR_VIEW("p"), .type = type_of(TYPE_INT), .is_key = true},
                             {.unique_id = 2, .name = STR_VIEW("load_id"), .type = type_of(TYPE_BIGINT)}};
    Type types[] = {type_of(TYPE_INT)};
    StrView exprs[] = {STR_VIEW("p")};
    uint32_t sort[] = {0};
    TableSchema schema = {.keys_kind = table->is_keyed ? KEYS_PRIMARY : KEYS_DUPLICATE, .columns = columns, .column_count = 2,
                          .next_unique_id = 3, .key_count = 1, .sort_columns = sort, .sort_count = 1, .buckets = 1, .is_random = true};
    if (!table->is_keyed) {
        schema.scheme = PARTITION_RANGE;
        schema.partition_types = types;
        schema.partition_exprs = exprs;
        schema.partition_column_count = 1;
    }
    change_put_table(change, table->ids[0], DATABASE, strview(table->name), &schema);
    for (uint32_t p = 0; p < (table->is_keyed ? 1u : (uint32_t)PARTS); p++) {
        Datum low = datum_i64(p * 10);
        Datum high = datum_i64(p * 10 + 10);
        TabletVersion tablet = {.id = table->ids[1 + PARTS + p]};
        CatalogPartition partition = {.id = table->ids[1 + p], .name = strview(p == 0 ? "near" : "far"), .tablets = &tablet,
                                      .tablet_count = 1, .has_low = !table->is_keyed, .has_high = !table->is_keyed, .low = &low, .high = &high};
        change_put_partition(change, table->ids[0], &schema, &partition);
    }
}

static Status build_tables(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const NewTable *tables = context;
    (void)diag;
    if (catalog_database_by_id(catalog, DATABASE) != NULL)
        return OK;
    change_put_database(change, DATABASE, STR_VIEW("d"), STR_VIEW(""));
    for (uint32_t t = 0; t < TABLES; t++)
        put_table(change, &tables[t]);
    return OK;
}

Status make_tables(Server *server, Diag *diag)
{
    NewTable tables[TABLES];
    for (uint32_t t = 0; t < TABLES; t++) {
        tables[t] = (NewTable){.name = table_names[t], .is_keyed = t == KEYED};
        take_ids(server->store, &tables[t]);
    }
    return meta_commit(server->store, build_tables, tables, diag);
}

static Status build_own_table(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const NewTable *table = context;
    if (catalog_table(catalog_database_by_id(catalog, DATABASE), strview(table->name)) != NULL)
        return RAISE(diag, TABLE_EXISTS, "table %s exists", table->name);
    put_table(change, table);
    return OK;
}

static Status build_own_drop(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const CatalogTable *table = catalog_table(catalog_database_by_id(catalog, DATABASE), strview(context));
    if (table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "table %s does not exist", (const char *)context);
    change_drop_table(change, table->id);
    return OK;
}

typedef struct NewSetting {
    const char *key;
    char value[24];
} NewSetting;

static Status build_setting(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const NewSetting *setting = context;
    (void)catalog, (void)diag;
    change_put_setting(change, strview(setting->key), strview(setting->value));
    return OK;
}

/* Whoever asked on a node that crashed meanwhile has no answer. */
static Outcome outcome_of(const Server *server, uint64_t starts, Status status)
{
    if (server->node.is_crashed || server->starts != starts)
        return OUTCOME_MAYBE;
    if (status == ERR_OUTCOME_UNKNOWN)
        return world.plant == PLANT_UNKNOWN_IS_FAILED ? OUTCOME_FAILED : OUTCOME_MAYBE;
    return status == OK ? OUTCOME_ACKED : OUTCOME_FAILED;
}

static void change_definitions(uint32_t client)
{
    char name[32];
    Diag diag = {0};
    Server *server = server_any();
    if (server == NULL)
        return;
    uint64_t starts = server->starts;
    server_enter(server);
    if (chance(3)) {
        char key[32];
        snprintf(key, sizeof(key), "config.sim%u", client);
        NewSetting setting = {.key = key};
        snprintf(setting.value, sizeof(setting.value), "%llu", (unsigned long long)++model.setting_sent[client]);
        Status status = meta_commit(server->store, build_setting, &setting, &diag);
        if (outcome_of(server, starts, status) == OUTCOME_ACKED)
            model.setting_acked[client] = model.setting_sent[client];
    } else if (model.created[client] == OUTCOME_ACKED && model.dropped[client] == OUTCOME_NONE) {
        snprintf(name, sizeof(name), "own%u_%u", client, model.own_number[client]);
        Status status = meta_commit(server->store, build_own_drop, name, &diag);
        Outcome outcome = outcome_of(server, starts, status);
        model.dropped[client] = outcome == OUTCOME_FAILED ? OUTCOME_NONE : outcome;
        trace("client %u drops %s: %s", client, name, error_info(status)->name);
    } else {
        snprintf(name, sizeof(name), "own%u_%u", client, ++model.own_number[client]);
        model.created[client] = model.dropped[client] = OUTCOME_NONE;
        NewTable table = {.name = name};
        take_ids(server->store, &table);
        Status status = meta_commit(server->store, build_own_table, &table, &diag);
        model.created[client] = outcome_of(server, starts, status);
        trace("client %u creates %s: %s", client, name, error_info(status)->name);
    }
    server_leave(server);
}

/* ---- loads ---- */

static Status write_lane(LoaderLane *lane, const Load *load, uint32_t table, Arena *arena, Diag *diag)
{
    Vector columns[2];
    const Vector *pointers[2] = {&columns[0], &columns[1]};
    uint32_t rows = 0;
    vector_init(&columns[0], arena, type_of(TYPE_INT), 64);
    vector_init(&columns[1], arena, type_of(TYPE_BIGINT), 64);
    for (uint32_t p = 0; p < PARTS; p++) {
        uint32_t count = table == KEYED ? (p == 0 ? (uint32_t)KEYS : 0) : load->rows[table][p];
        for (uint32_t r = 0; r < count; r++, rows++) {
            Datum part = datum_i64(table == KEYED ? r : p * 10 + r % 10);
            Datum id = datum_i64((int64_t)load->id);
            vector_put(&columns[0], arena, rows, &part);
            vector_put(&columns[1], arena, rows, &id);
        }
    }
    return loader_lane_append(lane, pointers, rows, diag);
}

static Status fill_loader(TableLoader *loader, const Load *load, uint32_t table, Diag *diag)
{
    AUTO_ARENA arena;
    LoaderLane *lane;
    arena_init(&arena, NULL);
    TRY(table_loader_lane(loader, diag, &lane));
    Status status = write_lane(lane, load, table, &arena, diag);
    if (status == OK)
        return loader_lane_finish(lane, diag);
    loader_lane_abort(lane);
    return status;
}

static Status load_once(Server *server, const Load *load, const char *label, uint64_t txn_id, Diag *diag)
{
    TableLoader *loaders[TABLES];
    FuncSession session = {.now_us = env_wall_us(server->node.volume.environment)};
    uint32_t count = 0;
    Status status = OK;
    CatalogSnapshot *catalog = meta_snapshot(server->store);
    const CatalogDatabase *database = catalog_database_by_id(catalog, DATABASE);
    for (uint32_t t = 0; t < TABLES && status == OK; t++) {
        if (load->rows[t][0] + load->rows[t][1] == 0)
            continue;
        TableLoaderOptions options = {.store = server->store, .volume = &server->node.volume, .catalog = catalog,
                                      .table = catalog_table(database, strview(table_names[t])), .session = &session, .keys = server->keys};
        status = table_loader_open(&options, diag, &loaders[count]);
        count += status == OK;
        if (status == OK)
            status = fill_loader(loaders[count - 1], load, t, diag);
    }
    if (status == OK)
        status = table_loaders_commit(loaders, count, strview(label), STR_VIEW("{}"), false, txn_id, diag);
    for (uint32_t i = 0; i < count; i++)
        table_loader_close(loaders[i]);
    catalog_unref(catalog);
    return status;
}

typedef struct Attempts {
    uint64_t txn_ids[ATTEMPTS];
    uint32_t count;
    bool is_open; /* an earlier attempt may yet succeed */
} Attempts;

/* What the server knows of the label. NONE: nothing. */
static Outcome ask_label(Server *server, const Load *load, const Attempts *attempts)
{
    AUTO_ARENA arena;
    LabelRecord record;
    arena_init(&arena, NULL);
    if (!meta_label_find(server->store, DATABASE, strview(load->label), &arena, &record))
        return OUTCOME_NONE;
    if (!record.is_durable)
        return OUTCOME_MAYBE;
    for (uint32_t i = 0; i < attempts->count; i++) {
        if (attempts->txn_ids[i] == record.txn_id)
            return OUTCOME_ACKED;
    }
    return OUTCOME_FAILED; /* another load has it */
}

static Outcome attempt(Server *server, const Load *load, Attempts *attempts)
{
    uint64_t starts = server->starts;
    Diag diag = {0};
    Outcome known = ask_label(server, load, attempts);
    if (known != OUTCOME_NONE)
        return server->node.is_crashed ? OUTCOME_MAYBE : known;
    uint64_t txn_id = meta_new_id(server->store);
    attempts->txn_ids[attempts->count++] = txn_id;
    Status status = txn_id == 0 ? RAISE(&diag, IO, "no id") : load_once(server, load, load->label, txn_id, &diag);
    Outcome outcome = outcome_of(server, starts, status);
    trace("load %llu under %s at node %u: %s %s", (unsigned long long)load->id, load->label, server->node.number,
          error_info(status)->name, diag.message);
    if (outcome == OUTCOME_ACKED && world.plant == PLANT_LOAD_TWICE && chance(4))
        status_ignore(load_once(server, load, "again", txn_id, &diag));
    if (status == ERR_LABEL_EXISTS && outcome == OUTCOME_FAILED)
        outcome = ask_label(server, load, attempts);
    return outcome == OUTCOME_NONE ? OUTCOME_FAILED : outcome;
}

static void choose_rows(Load *load)
{
    bool is_empty = true;
    for (uint32_t t = 0; t < TABLES; t++) {
        bool takes_part = chance(2) || (is_empty && t == TABLES - 1);
        is_empty &= !takes_part;
        for (uint32_t p = 0; p < PARTS && takes_part; p++)
            load->rows[t][p] = t == KEYED ? p == 0 : 1 + (uint32_t)pick(4);
    }
}

static void load_rows(uint32_t client, uint32_t number)
{
    if (model.load_count == MOST_LOADS)
        return;
    Load *load = &model.loads[++model.load_count];
    *load = (Load){.id = model.load_count, .is_contended = chance(8), .outcome = OUTCOME_MAYBE, .began_step = world.steps};
    if (load->is_contended)
        snprintf(load->label, sizeof(load->label), "shared%u", number);
    else
        snprintf(load->label, sizeof(load->label), "c%u_%u", client, number);
    choose_rows(load);
    Attempts attempts = {0};
    Outcome outcome = OUTCOME_MAYBE;
    for (uint32_t a = 0; a < ATTEMPTS; a++) {
        Server *server = server_any();
        if (server == NULL)
            return;
        server_enter(server);
        outcome = attempt(server, load, &attempts);
        server_leave(server);
        attempts.is_open |= outcome == OUTCOME_MAYBE;
        if (outcome == OUTCOME_ACKED || chance(4))
            break;
        fiber_sleep(THINK_US);
    }
    load->outcome = outcome == OUTCOME_FAILED && attempts.is_open ? OUTCOME_MAYBE : outcome;
    load->ended_step = world.steps;
}

void client_main(void *number)
{
    uint32_t client = (uint32_t)(uintptr_t)number;
    for (uint32_t i = 0; i < CLIENT_OPS && !world.has_failed; i++) {
        if (chance(4))
            change_definitions(client);
        else
            load_rows(client, i);
        fiber_sleep((int64_t)pick(THINK_US));
    }
    busy_clients--;
}
