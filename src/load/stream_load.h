#pragma once
/* Stream Load: a body of CSV or JSON that arrives in pieces, into one table, as one transaction.
 *
 * begin() never fails: what is wrong is kept and told by finish(), as clients expect an answer in any
 * case. feed() cuts the body into blocks at row boundaries and hands them to worker threads over a
 * bounded queue, so that it blocks when the workers are behind. One thread drives a load; loads are
 * independent of each other. A load ends with finish() or abort(), which free it. */

#include "func/function.h"
#include "meta/load_history.h"
#include "meta/store.h"
#include "load/auto_increment.h"
#include "storage/primary_index.h"

/* What the loads of one server share: labels in use, error logs, counters. Thread-safe. */
typedef struct LoadHub LoadHub;

typedef struct LoadCounters {
    uint64_t running, succeeded, failed;
    uint64_t rows, bytes;
} LoadCounters;

LoadHub *load_hub_open(void);
void load_hub_close(LoadHub *hub); /* no load is running */
LoadCounters load_hub_counters(LoadHub *hub);
/* The rejected rows of a load, by the name in its ErrorURL; false: unknown or dropped since. */
bool load_hub_error_log(LoadHub *hub, StrView name, ByteBuf *out);
/* Labels in use in a database: of loads, of merged ones and of transactions over HTTP; texts are in arena. */
typedef struct RunningLoad {
    StrView label;
    uint64_t table_id; /* 0: not known */
} RunningLoad;
uint32_t load_hub_list(LoadHub *hub, uint64_t database_id, Arena *arena, RunningLoad **out_loads);
/* Stops a running load; false: there is none of that label. */
uint64_t load_hub_table(LoadHub *hub, uint64_t database_id, StrView label); /* of a running load; 0: none runs */
bool load_hub_cancel(LoadHub *hub, uint64_t database_id, StrView label);
bool load_hub_is_running(LoadHub *hub, uint64_t database_id, StrView label);

struct LoadTransaction;
struct MergeCommits;

typedef struct StreamLoadOptions {
    MetaStore *store;
    Volume *volume;
    MemTracker *tracker;
    LoadHub *hub;
    AutoIncrement *increments; /* NULL: tables with an AUTO_INCREMENT column can't be loaded */
    struct Compactor *compactor; /* see TableLoaderOptions */
    PrimaryIndexes *keys; /* NULL: tables with unique keys can't be loaded */
    LoadHistory *history; /* NULL: failures are not remembered */
    const struct DictionarySource *dictionaries; /* NULL: dictionary_get() can't be used */
    StrView database, table, user;
    int64_t zone_offset_us;
    StrView error_url; /* what the name of the error log is put behind */
    /* The value of a load property ("label", "format", ...); data NULL: not given. Valid during begin(), with merges
     * also during finish(). */
    StrView (*property)(void *context, const char *name);
    void *property_context;
    struct MergeCommits *merges; /* NULL: every load commits by itself */
    struct LoadTransaction *transaction; /* entered; the load is a part of it. NULL: a transaction of its own */
} StreamLoadOptions;

typedef struct StreamLoad StreamLoad;
StreamLoad *stream_load_begin(const StreamLoadOptions *options);
/* False: the load has failed already and the rest of the body may be dropped. */
bool stream_load_feed(StreamLoad *load, const void *data, size_t length);
/* Commits or gives up, appends the JSON answer. */
void stream_load_finish(StreamLoad *load, ByteBuf *reply);
void stream_load_abort(StreamLoad *load);
/* For load_transaction.c: frees a finished load that was kept. */
void stream_load_release(StreamLoad *load);
bool load_label_is_valid(StrView label); /* an empty one too */
