#pragma once
/* The running server: what sessions share. Made by main; read-only afterwards, except through its parts. */

#include "base/thread.h"
#include "connector/file_store.h"
#include "ddl/alter_jobs.h"
#include "exec/exec.h"
#include "job/backup.h"
#include "job/compaction.h"
#include "job/task_manager.h"
#include "job/vacuum.h"
#include "load/auto_increment.h"
#include "meta/load_history.h"
#include "meta/access.h"
#include "meta/store.h"
#include "mv/engine.h"
#include "session/password.h"
#include "session/query_profiles.h"
#include "session/session.h"
#include "session/table_statistics.h"
#include "storage/primary_index.h"
#include "volume/block_cache.h"

struct Instance {
    MetaStore *store;
    Volume *volume;
    _Atomic(BlockCache *) blocks; /* of remote volumes; NULL: none is needed yet */
    ExecPool *pool;
    SegmentCache *segments;
    StatisticsCache *statistics;
    Compactor *compactor;
    Vacuum *vacuum;
    Backups *backups;
    TaskManager *tasks;
    MvEngine *views;
    struct MvForms *forms; /* of views that queries may be answered from; NULL: none are */
    SpillArea *spill;
    AlterJobs *alters;
    PrimaryIndexes *keys; /* of tables with unique keys */
    AutoIncrement *increments;
    LoadHistory *history; /* loads that failed */
    struct LoadHub *loads; /* those over HTTP that run; NULL: none does */
    QueryProfiles *profiles;
    struct Dictionaries *dictionaries;
    AccessCache *access;
    PasswordCache *passwords;
    MemTracker *memory;
    FileSettings files;             /* of FILES(); texts live as long as the instance */
    const struct ForwardOps *forward; /* how statements reach the leader; NULL: there is one node only */
    struct Frontends *frontends; /* the nodes of the cluster; NULL: they are not looked after */
    struct AuditLog *audit; /* NULL: none is kept */
    const char *version;
    int64_t started_us;
    const char *address; /* that the ports are bound to */
    _Atomic uint32_t query_port, http_port;
    struct MetaDir *meta_dir;
    const char *meta_note; /* what the start found in it that the operator should know */
    uint32_t edit_log_port;
    const void *config;
    /* The configuration by position; false: there is no more. */
    bool (*config_at)(const void *config, uint32_t position, const char **out_key, const char **out_value, const char **out_default);
    Mutex lock; /* guards sessions */
    Session *sessions;
};
