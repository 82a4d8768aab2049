#include "session/show_int.h"

/* SHOW FRONTENDS, BACKENDS, COMPUTE NODES, WAREHOUSES, STORAGE VOLUMES, CATALOGS: one node does
 * everything, and says so. */

#include "base/environment.h"
#include "cluster/frontends.h"

static Instance *instance_of(const SystemSource *source)
{
    return show_context(source)->session->instance;
}

static void put_now(SystemRows *rows)
{
    system_put_time(rows, env_wall_us(environment_real()));
}

static const SystemColumn frontends_columns[] = {
    TEXT("Name"), TEXT("IP"), TEXT("EditLogPort"), TEXT("HttpPort"), TEXT("QueryPort"), TEXT("RpcPort"), TEXT("Role"), TEXT("ClusterId"),
    TEXT("Join"), TEXT("Alive"), TEXT("ReplayedJournalId"), TEXT("LastHeartbeat"), TEXT("IsHelper"), TEXT("ErrMsg"), TEXT("StartTime"),
    TEXT("Version")};

static Status put_frontend(const SystemSource *source, SystemRows *rows, const FrontendState *state)
{
    const Instance *instance = instance_of(source);
    const FrontendInfo *info = &state->info;
    bool is_self = info->query_port == atomic_load(&instance->query_port) && state->error[0] == '\0';
    system_put_word(rows, info->name);
    system_put_word(rows, info->host);
    system_put_number(rows, info->edit_log_port);
    system_put_number(rows, info->http_port);
    system_put_number(rows, info->query_port);
    system_put_number(rows, 0);
    system_put_word(rows, state->is_leader ? "LEADER" : info->is_observer ? "OBSERVER" : "FOLLOWER");
    system_put_number(rows, (int64_t)meta_incarnation(instance->store));
    system_put_word(rows, state->has_joined ? "true" : "false");
    system_put_word(rows, state->is_alive ? "true" : "false");
    system_put_number(rows, (int64_t)state->replayed_entry);
    if (state->last_heartbeat_us != 0)
        system_put_time(rows, state->last_heartbeat_us);
    else
        system_put_word(rows, "NULL");
    system_put_word(rows, "true");
    system_put_word(rows, is_self && instance->meta_note != NULL ? instance->meta_note : state->error);
    if (info->started_us != 0)
        system_put_time(rows, info->started_us);
    else
        system_put_word(rows, "NULL");
    system_put_word(rows, info->version);
    return system_end_row(rows);
}

static Status produce_frontends(const SystemSource *source, SystemRows *rows)
{
    FrontendState *states;
    uint32_t count = frontends_list(instance_of(source)->frontends, &show_context(source)->arena, &states);
    for (uint32_t i = 0; i < count; i++)
        TRY(put_frontend(source, rows, &states[i]));
    return OK;
}

const SystemTable show_frontends_table = {"", SYSTEM_COLUMNS(frontends_columns), produce_frontends};

static uint64_t count_tablets(const CatalogSnapshot *catalog, uint64_t *out_bytes)
{
    uint64_t count = 0;
    *out_bytes = 0;
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        for (uint32_t t = 0; t < catalog_table_count(catalog->databases[d]); t++) {
            const CatalogTable *table = catalog_table_at(catalog->databases[d], t);
            *out_bytes += table_byte_count(table);
            for (uint32_t p = 0; p < table->partition_count; p++)
                count += table->partitions[p]->tablet_count;
        }
    }
    return count;
}

static uint32_t count_running(Instance *instance)
{
    uint32_t count = 0;
    LOCK_GUARD(&instance->lock);
    for (const Session *s = instance->sessions; s != NULL; s = s->next)
        count += s->statement.length > 0;
    return count;
}

static StrView memory_used_percent(const SystemSource *source)
{
    const MemTracker *memory = instance_of(source)->memory;
    double limit = (double)memory->limit_bytes;
    return show_text(show_context(source), "%.2f %%", limit > 0 ? 100.0 * (double)mem_used(memory) / limit : 0.0);
}

static StrView memory_limit(const SystemSource *source)
{
    int64_t limit = instance_of(source)->memory->limit_bytes;
    return show_size(show_context(source), (uint64_t)MAX(limit, 0));
}

/* BackendId .. ClusterDecommissioned, the same for both kinds. Ports that no node of one process opens are 0. */
static void put_node_head(const SystemSource *source, SystemRows *rows)
{
    Instance *instance = instance_of(source);
    system_put_number(rows, SYSTEM_NODE_ID);
    system_put_word(rows, instance->address);
    system_put_number(rows, 0);
    system_put_number(rows, 0);
    system_put_number(rows, atomic_load(&instance->http_port));
    system_put_number(rows, 0);
    system_put_time(rows, instance->started_us);
    put_now(rows);
    system_put_word(rows, "true");
    system_put_word(rows, "false");
    system_put_word(rows, "false");
}

static const SystemColumn backends_columns[] = {
    TEXT("BackendId"), TEXT("IP"), TEXT("HeartbeatPort"), TEXT("BePort"), TEXT("HttpPort"), TEXT("BrpcPort"), TEXT("LastStartTime"),
    TEXT("LastHeartbeat"), TEXT("Alive"), TEXT("SystemDecommissioned"), TEXT("ClusterDecommissioned"), TEXT("TabletNum"),
    TEXT("DataUsedCapacity"), TEXT("AvailCapacity"), TEXT("TotalCapacity"), TEXT("UsedPct"), TEXT("MaxDiskUsedPct"), TEXT("ErrMsg"),
    TEXT("Version"), TEXT("Status"), TEXT("DataTotalCapacity"), TEXT("DataUsedPct"), TEXT("CpuCores"), TEXT("MemLimit"),
    TEXT("NumRunningQueries"), TEXT("MemUsedPct"), TEXT("CpuUsedPct"), TEXT("DataCacheMetrics"), TEXT("Location"), TEXT("StatusCode"),
    TEXT("StarletPort"), TEXT("WorkerId"), TEXT("WarehouseName")};

static Status produce_backends(const SystemSource *source, SystemRows *rows)
{
    Instance *instance = instance_of(source);
    uint64_t bytes, tablets = count_tablets(source->catalog, &bytes);
    StrView used = show_size(show_context(source), bytes);
    put_node_head(source, rows);
    system_put_number(rows, (int64_t)tablets);
    system_put_text(rows, used);
    system_put_nulls(rows, 2);
    system_put_nulls(rows, 2);
    system_put_word(rows, "");
    system_put_word(rows, instance->version);
    system_put_word(rows, "{\"lastSuccessReportTabletsTime\":\"N/A\"}");
    system_put_text(rows, used);
    system_put_null(rows);
    system_put_number(rows, exec_pool_threads(instance->pool));
    system_put_text(rows, memory_limit(source));
    system_put_number(rows, count_running(instance));
    system_put_text(rows, memory_used_percent(source));
    system_put_nulls(rows, 2);
    system_put_word(rows, "");
    system_put_word(rows, "OK");
    system_put_number(rows, 0);
    system_put_number(rows, SYSTEM_NODE_ID);
    system_put_word(rows, "default_warehouse");
    return system_end_row(rows);
}

const SystemTable show_backends_table = {"", SYSTEM_COLUMNS(backends_columns), produce_backends};

static const SystemColumn compute_columns[] = {
    TEXT("ComputeNodeId"), TEXT("IP"), TEXT("HeartbeatPort"), TEXT("BePort"), TEXT("HttpPort"), TEXT("BrpcPort"), TEXT("LastStartTime"),
    TEXT("LastHeartbeat"), TEXT("Alive"), TEXT("SystemDecommissioned"), TEXT("ClusterDecommissioned"), TEXT("ErrMsg"), TEXT("Version"),
    TEXT("CpuCores"), TEXT("MemLimit"), TEXT("NumRunningQueries"), TEXT("MemUsedPct"), TEXT("CpuUsedPct"), TEXT("DataCacheMetrics"),
    TEXT("HasStoragePath"), TEXT("StatusCode"), TEXT("StarletPort"), TEXT("WorkerId"), TEXT("WarehouseName"), TEXT("TabletNum")};

static Status produce_compute(const SystemSource *source, SystemRows *rows)
{
    Instance *instance = instance_of(source);
    uint64_t bytes, tablets = count_tablets(source->catalog, &bytes);
    put_node_head(source, rows);
    system_put_word(rows, "");
    system_put_word(rows, instance->version);
    system_put_number(rows, exec_pool_threads(instance->pool));
    system_put_text(rows, memory_limit(source));
    system_put_number(rows, count_running(instance));
    system_put_text(rows, memory_used_percent(source));
    system_put_nulls(rows, 2);
    system_put_word(rows, "true");
    system_put_word(rows, "OK");
    system_put_number(rows, 0);
    system_put_number(rows, SYSTEM_NODE_ID);
    system_put_word(rows, "default_warehouse");
    system_put_number(rows, (int64_t)tablets);
    return system_end_row(rows);
}

const SystemTable show_compute_nodes_table = {"", SYSTEM_COLUMNS(compute_columns), produce_compute};

static const SystemColumn warehouses_columns[] = {
    TEXT("Id"), TEXT("Name"), TEXT("State"), TEXT("NodeCount"), TEXT("CurrentClusterCount"), TEXT("MaxClusterCount"), TEXT("StartedClusters"),
    TEXT("RunningSql"), TEXT("QueuedSql"), TEXT("CreatedOn"), TEXT("ResumedOn"), TEXT("UpdatedOn"), TEXT("Property"), TEXT("Comment")};

static Status produce_warehouses(const SystemSource *source, SystemRows *rows)
{
    system_put_number(rows, 0);
    system_put_word(rows, "default_warehouse");
    system_put_word(rows, "AVAILABLE");
    for (int i = 0; i < 4; i++)
        system_put_number(rows, 1);
    system_put_number(rows, count_running(instance_of(source)));
    system_put_number(rows, 0);
    system_put_nulls(rows, 3);
    system_put_word(rows, "");
    system_put_word(rows, "");
    return system_end_row(rows);
}

const SystemTable show_warehouses_table = {"", SYSTEM_COLUMNS(warehouses_columns), produce_warehouses};

static const SystemColumn volumes_columns[] = {TEXT("Storage Volume")};

static const SystemColumn catalogs_columns[] = {TEXT("Catalog"), TEXT("Type"), TEXT("Comment")};

static Status produce_catalogs(const SystemSource *source, SystemRows *rows)
{
    (void)source;
    system_put_word(rows, "default_catalog");
    system_put_word(rows, "Internal");
    system_put_word(rows, "An internal catalog contains this cluster's self-managed tables.");
    return system_end_row(rows);
}

const SystemTable show_catalogs_table = {"", SYSTEM_COLUMNS(catalogs_columns), produce_catalogs};

static const SystemColumn blacklist_columns[] = {TEXT("Index"), TEXT("Forbidden SQL")};
static const SystemColumn node_blacklist_columns[] = {TEXT("BackendId"), TEXT("AddBlackListType"), TEXT("LostConnectionTime"),
                                                      TEXT("LostConnectionNumberInPeriod"), TEXT("CheckTimePeriod(s)")};

static const ShowForm forms[] = {
    {"FRONTENDS", {"", SYSTEM_COLUMNS(frontends_columns), produce_frontends}, SHOW_NO_PATTERN, NULL},
    {"BACKENDS", {"", SYSTEM_COLUMNS(backends_columns), produce_backends}, SHOW_NO_PATTERN, NULL},
    {"COMPUTE NODES", {"", SYSTEM_COLUMNS(compute_columns), produce_compute}, SHOW_NO_PATTERN, NULL},
    {"WAREHOUSES", {"", SYSTEM_COLUMNS(warehouses_columns), produce_warehouses}, 1, NULL},
    {"STORAGE VOLUMES", {"", SYSTEM_COLUMNS(volumes_columns), produce_volumes}, 0, NULL},
    {"CATALOGS", {"", SYSTEM_COLUMNS(catalogs_columns), produce_catalogs}, 0, NULL},
    {"SQLBLACKLIST", {"", SYSTEM_COLUMNS(blacklist_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"BACKEND BLACKLIST", {"", SYSTEM_COLUMNS(node_blacklist_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"COMPUTE NODE BLACKLIST", {"", SYSTEM_COLUMNS(node_blacklist_columns), NULL}, SHOW_NO_PATTERN, NULL},
};

const ShowForms show_node_forms = {forms, COUNT_OF(forms)};
