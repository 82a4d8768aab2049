#include "main/node.h"

/* Start order: directories and lock, log, memory limit, volume, metadata (journal replay, and the lead where nobody has
 * it), workers, MySQL port, HTTP port, ready line. Signals are blocked before the first thread starts, so that only
 * sigwait() here sees them. Stop order is the reverse; statements get ten seconds to end. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/format_level.h"
#include "base/log.h"
#include "job/cluster_snapshot.h"
#include "job/memory_trim.h"
#include "job/quarantine_check.h"
#include "ddl/partition_schedule.h"
#include "ddl/recycle.h"
#include "job/scheduler.h"
#include "load/stream_load.h"
#include "main/cluster_restore.h"
#include "main/home_volume.h"
#include "main/node_meta.h"
#include "main/node_name.h"
#include "main/storage_metrics.h"
#include "main/version.h"
#include "meta/other_volume.h"
#include "volume/s3.h"
#include "mv/query_views.h"
#include "server/http_server.h"
#include "session/dictionaries.h"
#include "server/mysql_server.h"
#include "server/peer.h"
#include "session/audit.h"
#include "session/instance.h"

enum { PATH_BYTES = 1024, DRAIN_US = 10 * 1000000 };

typedef struct Node {
    const Config *config;
    char directory[PATH_BYTES - 64];
    char tls_directory[PATH_BYTES]; /* read whenever a client asks for TLS */
    int lock_fd;
    Volume *volume;
    OtherVolumes *others;
    MetaStore *store;
    NodeMeta meta;
    Peers *peers;
    Frontends *frontends;
    ExecPool *pool;
    SegmentCache *segments;
    SpillArea *spill;
    PrimaryIndexes *keys;
    AutoIncrement *increments;
    LoadHistory *history;
    QueryProfiles *profiles;
    StatisticsCache *statistics;
    Compactor *compactor;
    Vacuum *vacuum;
    Backups *backups;
    TaskManager *tasks;
    MemoryTrim memory_trim;
    Scheduler *scheduler;
    QuarantineCheck quarantine_check;
    AccessCache access;
    PasswordCache *passwords;
    Instance instance;
    MysqlServer *mysql;
    HttpServer *http;
} Node;

static void path_in(const Node *node, const char *name, char out[PATH_BYTES])
{
    int length = snprintf(out, PATH_BYTES, "%s/%s", node->directory, name);
    CHECK(length > 0 && length < PATH_BYTES);
}

static Status make_directory(const char *path, Diag *diag)
{
    if (mkdir(path, 0750) != 0 && errno != EEXIST)
        return RAISE(diag, IO, "cannot make the directory %s: %s", path, strerror(errno));
    return OK;
}

static Status make_directories(Node *node, Diag *diag)
{
    const char *directory = config_text(node->config, "data_dir");
    if (strlen(directory) >= sizeof(node->directory) || *directory == '\0')
        return RAISE(diag, BAD_VALUE, "configuration: data_dir is empty or too long");
    memcpy(node->directory, directory, strlen(directory) + 1);
    TRY(make_directory(node->directory, diag));
    static const char *const NAMES[] = {"volume", "log", "cache", "tls"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        char path[PATH_BYTES];
        path_in(node, NAMES[i], path);
        TRY(make_directory(path, diag));
    }
    return OK;
}

/* Two processes on one local directory would both believe that they lead. */
static Status take_lock(Node *node, Diag *diag)
{
    char path[PATH_BYTES];
    path_in(node, "lock", path);
    node->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (node->lock_fd < 0)
        return RAISE(diag, IO, "cannot open %s: %s", path, strerror(errno));
    if (flock(node->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return RAISE(diag, IO, "another server runs on %s (it holds %s)", node->directory, path);
    return OK;
}

static Status open_log(Node *node, Diag *diag)
{
    static const char *const LEVELS[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    const char *name = config_text(node->config, "sys_log_level");
    for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
        if (strcasecmp(name, LEVELS[level]) != 0)
            continue;
        char path[PATH_BYTES];
        path_in(node, "log/merak.log", path);
        return log_open(path, (LogLevel)level, diag);
    }
    return RAISE(diag, BAD_VALUE, "configuration: sys_log_level must be DEBUG, INFO, WARN or ERROR, not '%s'",
                 name);
}

/* "90%" of the machine's memory, or bytes with K, M, G behind. */
static Status set_memory_limit(const Node *node, Diag *diag)
{
    const char *text = config_text(node->config, "mem_limit");
    char *end;
    errno = 0;
    double number = strtod(text, &end);
    struct sysinfo machine;
    double unit = 1;
    if (*end == '%' && sysinfo(&machine) == 0)
        unit = (double)machine.totalram * machine.mem_unit / 100;
    else if (*end != '\0')
        unit = strchr("kK", *end) ? 1024.0 : strchr("mM", *end) ? 1048576.0 : strchr("gG", *end) ? 1073741824.0 : 0;
    double bytes = number * unit;
    if (end == text || errno != 0 || !(bytes >= 64 * 1048576.0) || bytes > 9e18)
        return RAISE(diag, BAD_VALUE, "configuration: mem_limit '%s' is not a size (like 8G or 90%%) of 64M or more",
                     text);
    atomic_store(&mem_process_tracker()->limit_bytes, (int64_t)bytes);
    return OK;
}

static Status check_address(Node *node, Diag *diag)
{
    const char *address = config_text(node->config, "bind_address");
    bool is_local = strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
    AUTO_ARENA arena;
    SessionLogin root = {0};
    arena_init(&arena, NULL);
    bool has_root = session_find_login(&node->instance, STR_VIEW("root"), STR_VIEW("0.0.0.0"), &arena, &root);
    if (!is_local && has_root && root.stored.length == 0 && strcasecmp(config_text(node->config, "allow_remote_without_password"), "true") != 0)
        return RAISE(diag, BAD_VALUE,
                     "refusing to listen on %s while root has no password; give it one with SET PASSWORD, or set "
                     "allow_remote_without_password=true if the network is trusted",
                     address);
    return OK;
}

static Status open_home_volume(Node *node, Diag *diag)
{
    char path[PATH_BYTES];
    path_in(node, "volume", path);
    TRY(home_volume_open(node->config, path, diag, &node->volume));
    node->volume->quarantine = quarantine_open(environment_real());
    return OK;
}

/* Follows, unless nobody leads. */
static Status join_cluster(Node *node, Diag *diag)
{
    FrontendsOptions options = {.store = node->store, .environment = environment_real()};
    FrontendInfo *self = &options.self;
    const char *role = config_text(node->config, "frontend_role");
    self->edit_log_port = (uint32_t)config_int(node->config, "edit_log_port");
    self->started_us = env_wall_us(environment_real());
    self->format_level = format_level_supported();
    self->is_observer = strcasecmp(role, "OBSERVER") == 0;
    if (!self->is_observer && strcasecmp(role, "FOLLOWER") != 0)
        return RAISE(diag, BAD_VALUE, "configuration: frontend_role must be FOLLOWER or OBSERVER, not '%s'", role);
    snprintf(self->version, sizeof(self->version), "%s", MYSQL_VERSION);
    TRY(node_address(config_text(node->config, "advertise_address"), config_text(node->config, "bind_address"), self->host, diag));
    TRY(node_name(node->directory, self, diag));
    node->peers = peers_open(node->store);
    options.calls = peers_frontend_calls(node->peers);
    node->frontends = frontends_open(&options);
    peers_set_frontends(node->peers, node->frontends);
    return frontends_elect(node->frontends, diag);
}

/* When the first remote volume is opened. */
static Status block_cache(void *context, Diag *diag, BlockCache **out_cache)
{
    Node *node = context;
    char path[PATH_BYTES];
    *out_cache = atomic_load(&node->instance.blocks);
    if (*out_cache != NULL)
        return OK;
    path_in(node, "cache/blocks", path);
    TRY(open_block_cache(node->config, path, diag, out_cache));
    atomic_store(&node->instance.blocks, *out_cache);
    return OK;
}

static Status open_volumes(Node *node, Diag *diag)
{
    OtherVolumesOptions options = config_volumes(node->config);
    options.store = node->store;
    options.home = node->volume;
    options.cache_context = node;
    options.cache = block_cache;
    BlockCache *cache;
    node->others = other_volumes_open(&options);
    if (!volume_is_s3(node->volume))
        return OK;
    TRY(block_cache(node, diag, &cache));
    return home_volume_use_cache(node->volume, meta_incarnation(node->store), cache, diag);
}

static Status open_storage(Node *node, Diag *diag)
{
    TRY(open_home_volume(node, diag));
    TRY(cluster_restore_at_start(node->config, node->volume, diag));
    int64_t start_us = env_monotonic_us(environment_real());
    TRY(node_meta_open(&node->meta, node->config, node->directory, node->volume, diag, &node->store));
    LOG_INFO("meta", "journal replayed entries=%llu incarnation=%llu ms=%lld",
             (unsigned long long)meta_journal_entries(node->store),
             (unsigned long long)meta_incarnation(node->store),
             (long long)(env_monotonic_us(environment_real()) - start_us) / 1000);
    TRY(open_volumes(node, diag));
    return join_cluster(node, diag);
}

static int64_t segment_cache_limit(void)
{
    return atomic_load(&mem_process_tracker()->limit_bytes) / 8;
}

static uint64_t oldest_read(void *frontends)
{
    return frontends_oldest_read(frontends);
}

static void forget_object(void *context, Volume *volume, StrView path)
{
    Node *node = context;
    char name[PATH_BYTES];
    segment_cache_forget(node->segments, path);
    snprintf(name, sizeof(name), "%.*s", SV_ARGS(path));
    volume_forget(volume, name);
}

static bool config_at(const void *config, uint32_t position, const char **out_key, const char **out_value, const char **out_default)
{
    return config_nth(config, position, out_key, out_value, out_default);
}

static Status open_instance(Node *node, Diag *diag)
{
    uint32_t threads = (uint32_t)config_int(node->config, "worker_threads");
    TRY(exec_pool_open(threads != 0 ? threads : cpu_count(), diag, &node->pool));
    char spill_directory[PATH_BYTES];
    path_in(node, "cache/spill", spill_directory);
    TRY(spill_area_open(spill_directory, config_int(node->config, "spill_max_bytes"), diag, &node->spill));
    node->segments = segment_cache_open(node->volume, mem_process_tracker(), segment_cache_limit());
    node->statistics = statistics_cache_open(node->segments);
    VacuumOptions vacuum = {.store = node->store,
                            .volume = node->volume,
                            .forget_context = node,
                            .forget = forget_object,
                            .readers_context = node->frontends,
                            .oldest_read = oldest_read,
                            .grace_minutes = config_int(node->config, "lake_autovacuum_grace_period_minutes")};
    node->vacuum = vacuum_open(&vacuum);
    OtherVolumesOptions volumes = config_volumes(node->config);
    node->backups = backups_open(node->store, node->volume, &volumes);
    node->tasks = task_manager_open(node->store);
    node->increments = auto_increment_open(node->store);
    node->history = load_history_open();
    node->profiles = query_profiles_open();
    access_cache_init(&node->access);
    node->passwords = password_cache_new();
    node->keys = primary_indexes_open(mem_process_tracker(), segment_cache_limit() * 2, spill_directory);
    node->compactor = compactor_open(node->store, node->volume, node->keys, mem_process_tracker());
    node->instance = (Instance){
        .store = node->store,
        .volume = node->volume,
        .blocks = atomic_load(&node->instance.blocks),
        .pool = node->pool,
        .segments = node->segments,
        .statistics = node->statistics,
        .compactor = node->compactor,
        .vacuum = node->vacuum,
        .backups = node->backups,
        .tasks = node->tasks,
        .spill = node->spill,
        .keys = node->keys,
        .alters = alter_jobs_open(),
        .increments = node->increments,
        .history = node->history,
        .loads = load_hub_open(),
        .profiles = node->profiles,
        .access = &node->access,
        .passwords = node->passwords,
        .forward = peers_forward_ops(node->peers),
        .frontends = node->frontends,
        .memory = mem_process_tracker(),
        .version = MYSQL_VERSION,
        .started_us = env_wall_us(environment_real()),
        .address = config_text(node->config, "bind_address"),
        .meta_dir = node->meta.mirror,
        .meta_note = node->meta.note.length == 0 ? "" : node->meta.note.data,
        .edit_log_port = (uint32_t)config_int(node->config, "edit_log_port"),
        .files = {.local_directory = config_text(node->config, "files_local_directory"),
                  .ca_file = config_text(node->config, "aws_s3_ca_file"),
                  .connect_timeout_ms = config_int(node->config, "object_storage_connect_timeout_ms"),
                  .request_timeout_ms = config_int(node->config, "object_storage_request_timeout_ms"),
                  .retry_timeout_ms = config_int(node->config, "object_storage_retry_timeout_ms")},
        .config = node->config,
        .config_at = config_at,
    };
    node->instance.dictionaries = dictionaries_open(&node->instance);
    mutex_init(&node->instance.lock);
    char log_directory[PATH_BYTES];
    path_in(node, "log", log_directory);
    if (strcasecmp(config_text(node->config, "enable_audit_log"), "true") != 0)
        return OK;
    uint64_t limit_mb = (uint64_t)config_int(node->config, "audit_log_roll_size_mb");
    return audit_open(log_directory, limit_mb * 1024 * 1024, diag, &node->instance.audit);
}

static bool leads(void *store)
{
    return meta_is_leading(store) && !meta_is_read_only(store);
}

static Status start_jobs(Node *node, Diag *diag)
{
    node->scheduler = scheduler_open(environment_real());
    scheduler_set_leading(node->scheduler, leads, node->store);
    if (strcasecmp(config_text(node->config, "enable_compaction"), "true") == 0)
        scheduler_add_leading(node->scheduler, "compaction", compactor_run, node->compactor);
    scheduler_add_leading(node->scheduler, "partitions", partition_schedule_job, node->store);
    scheduler_add_leading(node->scheduler, "recycle", recycle_job, node->store);
    scheduler_add_leading(node->scheduler, "vacuum", vacuum_job, node->vacuum);
    node->quarantine_check = (QuarantineCheck){node->store, node->volume};
    scheduler_add(node->scheduler, "quarantine", quarantine_job, &node->quarantine_check);
    scheduler_add(node->scheduler, "journal", meta_settle_job, node->store);
    scheduler_add(node->scheduler, "probe", meta_probe_job, node->store);
    scheduler_add_leading(node->scheduler, "snapshot", cluster_snapshot_job, node->store);
    scheduler_add_leading(node->scheduler, "labels", meta_labels_job, node->store);
    node_meta_start_jobs(&node->meta, node->config, node->store, node->scheduler);
    session_open_views(&node->instance);
    scheduler_add_leading(node->scheduler, "views", mv_upkeep_job, node->instance.views);
    scheduler_add(node->scheduler, "memory", memory_trim_run, &node->memory_trim);
    TRY(scheduler_start(node->scheduler, diag));
    session_add_task_runners(&node->instance);
    node->instance.forms = mv_forms_open();
    return task_manager_start(node->tasks, diag);
}

static Status open_ports(Node *node, Diag *diag)
{
    path_in(node, "tls", node->tls_directory);
    const char *address = config_text(node->config, "bind_address");
    MysqlServerOptions mysql = {.instance = &node->instance,
                                .address = address,
                                .port = (uint16_t)config_int(node->config, "query_port"),
                                .max_connections = (uint32_t)config_int(node->config, "qe_max_connection"),
                                .version = MYSQL_VERSION,
                                .tls_directory = node->tls_directory};
    TRY(mysql_server_start(&mysql, diag, &node->mysql));
    atomic_store(&node->instance.query_port, mysql_server_port(node->mysql));
    HttpServerOptions http = {.instance = &node->instance,
                              .address = address,
                              .port = (uint16_t)config_int(node->config, "http_port"),
                              .store = node->store,
                              .volume = node->volume,
                              .tracker = mem_process_tracker()};
    TRY(http_server_start(&http, diag, &node->http));
    atomic_store(&node->instance.http_port, http_server_port(node->http));
    http_metrics_add(node->http, storage_metrics_write, &node->instance);
    return frontends_start(node->frontends, mysql_server_port(node->mysql), http_server_port(node->http), diag);
}

static Status node_open(Node *node, Diag *diag)
{
    TRY(make_directories(node, diag));
    TRY(take_lock(node, diag));
    TRY(open_log(node, diag));
    TRY(set_memory_limit(node, diag));
    TRY(open_storage(node, diag));
    TRY(open_instance(node, diag));
    TRY(check_address(node, diag));
    TRY(start_jobs(node, diag));
    return open_ports(node, diag);
}

static void node_close(Node *node)
{
    if (node->http != NULL)
        http_server_stop(node->http);
    if (node->mysql != NULL)
        mysql_server_stop(node->mysql, DRAIN_US);
    if (node->frontends != NULL)
        frontends_stop(node->frontends);
    task_manager_close(node->tasks);
    mv_forms_close(node->instance.forms);
    scheduler_close(node->scheduler);
    mv_engine_close(node->instance.views);
    compactor_close(node->compactor);
    backups_close(node->backups);
    vacuum_close(node->vacuum);
    statistics_cache_close(node->statistics);
    alter_jobs_free(node->instance.alters);
    primary_indexes_close(node->keys);
    auto_increment_close(node->increments);
    load_history_close(node->history);
    if (node->instance.loads != NULL)
        load_hub_close(node->instance.loads);
    query_profiles_close(node->profiles);
    dictionaries_close(node->instance.dictionaries);
    if (node->passwords != NULL) {
        access_cache_deinit(&node->access);
        password_cache_free(node->passwords);
    }
    if (node->segments != NULL)
        segment_cache_close(node->segments);
    if (node->pool != NULL)
        exec_pool_close(node->pool);
    audit_close(node->instance.audit);
    spill_area_close(node->spill);
    node_meta_close(&node->meta);
    frontends_close(node->frontends);
    peers_close(node->peers);
    if (node->store != NULL)
        meta_store_close(node->store);
    other_volumes_close(node->others);
    block_cache_close(node->instance.blocks);
    if (node->volume != NULL) {
        quarantine_close(node->volume->quarantine);
        volume_close(node->volume);
    }
    if (node->lock_fd >= 0)
        close(node->lock_fd);
}

static void serve(const Node *node, const sigset_t *signals)
{
    uint16_t query_port = mysql_server_port(node->mysql);
    uint16_t http_port = http_server_port(node->http);
    printf("merak ready query_port=%u http_port=%u pid=%ld\n", query_port, http_port, (long)getpid());
    fflush(stdout);
    LOG_INFO("main", "ready version=%s query_port=%u http_port=%u pid=%ld", MERAK_VERSION, query_port, http_port,
             (long)getpid());
    int signal_number = 0;
    do {
        sigwait(signals, &signal_number);
        if (signal_number == SIGHUP)
            log_reopen();
    } while (signal_number != SIGTERM && signal_number != SIGINT);
    LOG_INFO("main", "stopping signal=%d", signal_number);
}

Status node_run(const Config *config, Diag *diag)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    Node node = {.config = config, .lock_fd = -1};
    Status status = node_open(&node, diag);
    if (status == OK)
        serve(&node, &signals);
    else
        LOG_ERROR("main", "start failed: %s", diag->message);
    node_close(&node);
    return status;
}
