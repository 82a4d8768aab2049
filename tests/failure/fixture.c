#include "failure/fixture.h"

/* Wiring as in main/node.c, without ports and without a scheduler. */

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format_level.h"
#include "load/load_transaction.h"
#include "meta/checkpoint.h"
#include "meta/restore.h"
#include "session/dictionaries.h"

enum { SPILL_LIMIT = 1 << 30 };

static int64_t ahead_us; /* of the real time, while a trim runs */

static int64_t wall_us(void *context)
{
    (void)context;
    return env_wall_us(environment_real()) + ahead_us;
}

static int64_t monotonic_us(void *context)
{
    (void)context;
    return env_monotonic_us(environment_real());
}

static uint64_t random_u64(void *context)
{
    (void)context;
    return env_random(environment_real());
}

static void no_sleep(void *context, int64_t us)
{
    (void)context, (void)us;
}

/* Waiting between retries would only cost time. */
static const Environment environment = {NULL, wall_us, monotonic_us, random_u64, no_sleep};

static void forget_object(void *context, Volume *volume, StrView path)
{
    (void)volume;
    segment_cache_forget(context, path);
}

static Status start(Fixture *f, Diag *diag)
{
    Instance *i = &f->instance;
    *i = (Instance){.volume = f->volume, .memory = mem_process_tracker(), .version = "8.0.33"};
    mutex_init(&i->lock);
    char spill[96];
    snprintf(spill, sizeof(spill), "%s/spill", f->directory);
    snprintf(f->files, sizeof(f->files), "%s/files", f->directory);
    if (mkdir(f->files, 0700) != 0 && errno != EEXIST)
        return RAISE(diag, IO, "cannot make the folder %s", f->files);
    i->files.local_directory = f->files;
    TRY(meta_store_open(f->volume, diag, &i->store));
    TRY(exec_pool_open(2, diag, &i->pool));
    TRY(spill_area_open(spill, SPILL_LIMIT, diag, &i->spill));
    i->segments = segment_cache_open(f->volume, mem_process_tracker(), 0);
    i->statistics = statistics_cache_open(i->segments);
    VacuumOptions vacuum = {.store = i->store, .volume = f->volume, .forget_context = i->segments, .forget = forget_object};
    i->vacuum = vacuum_open(&vacuum);
    i->backups = backups_open(i->store, f->volume, &(OtherVolumesOptions){0});
    i->increments = auto_increment_open(i->store);
    access_cache_init(&f->access);
    i->access = &f->access;
    i->passwords = password_cache_new();
    i->tasks = task_manager_open(i->store); /* without threads: nothing runs */
    i->keys = primary_indexes_open(mem_process_tracker(), 1 << 20, NULL);
    i->alters = alter_jobs_open();
    i->compactor = compactor_open(i->store, f->volume, i->keys, mem_process_tracker());
    i->dictionaries = dictionaries_open(i);
    f->hub = load_hub_open();
    i->loads = f->hub;
    return session_open(i, STR_VIEW("root"), STR_VIEW("127.0.0.1"), 1, diag, &f->session);
}

static void stop(Fixture *f)
{
    Instance *i = &f->instance;
    session_close(f->session);
    f->session = NULL;
    if (f->hub != NULL)
        load_hub_close(f->hub);
    f->hub = NULL;
    dictionaries_close(i->dictionaries);
    task_manager_close(i->tasks);
    compactor_close(i->compactor);
    backups_close(i->backups);
    vacuum_close(i->vacuum);
    statistics_cache_close(i->statistics);
    alter_jobs_free(i->alters);
    primary_indexes_close(i->keys);
    auto_increment_close(i->increments);
    segment_cache_close(i->segments);
    if (i->pool != NULL)
        exec_pool_close(i->pool);
    spill_area_close(i->spill);
    if (i->access != NULL) {
        access_cache_deinit(i->access);
        password_cache_free(i->passwords);
    }
    meta_store_close(i->store);
    mutex_deinit(&i->lock);
    *i = (Instance){0};
}

Status fixture_reopen(Fixture *f, Diag *diag)
{
    stop(f);
    Status status = start(f, diag);
    if (status == OK)
        return fixture_run(f, "USE d", NULL, diag);
    stop(f); /* what was made before it failed */
    return status;
}

/* Stopped, restored to the state that it has, and started in the next incarnation. */
Status fixture_restore(Fixture *f, Diag *diag)
{
    ImageContent content CLEANUP(image_content_deinit);
    MetaStore *store;
    RestoreReport report;
    image_content_init(&content);
    stop(f);
    TRY(meta_store_open_as(f->volume, &(MetaOpen){.is_read_only = true}, diag, &store));
    meta_content(store, &content);
    Status status = meta_open_next(f->volume, &content, "", diag, &report);
    meta_store_close(store);
    TRY(status);
    return fixture_reopen(f, diag);
}

/* Two images, hours apart as far as trimming knows, and then the trimming. */
Status fixture_trim(Fixture *f, Diag *diag)
{
    enum { HOURS = 100 };
    ImageReport image;
    TrimReport report;
    Status status = OK;
    for (int i = 0; i < 4 && status == OK; i++) {
        status = fixture_run(f, "SET GLOBAL query_timeout = 300", NULL, diag);
        if (status == OK)
            status = meta_create_image(f->instance.store, diag, &image);
    }
    ahead_us = HOURS * INT64_C(3600) * 1000000;
    if (status == OK)
        status = meta_trim(f->instance.store, INT64_C(3600) * 1000000, diag, &report);
    ahead_us = 0;
    return status;
}

const Environment *fixture_environment(void)
{
    return &environment;
}

static Status build_level(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)context, (void)catalog, (void)diag;
    change_put_format_level(change, format_level_supported());
    return OK;
}

Status fixture_finalize(Fixture *f, Diag *diag)
{
    return meta_commit(f->instance.store, build_level, NULL, diag);
}

Status fixture_first_start(Fixture *f, Diag *diag)
{
    MetaStore *store;
    TRY(meta_store_open(f->empty, diag, &store));
    uint64_t id = meta_new_id(store);
    meta_store_close(store);
    return id > 0 ? OK : RAISE(diag, IO, "no id could be had");
}

static void must(Fixture *f, const char *sql)
{
    Diag diag = {0};
    if (fixture_run(f, sql, NULL, &diag) == OK)
        return;
    fprintf(stderr, "set-up failed: %s: %s\n", sql, diag.message);
    abort();
}

static void make_directory(Fixture *f)
{
    *f = (Fixture){0};
    snprintf(f->directory, sizeof(f->directory), "/tmp/merak-failure.XXXXXX");
    if (mkdtemp(f->directory) == NULL)
        abort();
}

Status fixture_attach(Fixture *f, Volume *volume, Diag *diag)
{
    make_directory(f);
    f->volume = volume;
    return start(f, diag);
}

void fixture_open(Fixture *f, bool is_local)
{
    Diag diag = {0};
    char volume[96];
    make_directory(f);
    snprintf(volume, sizeof(volume), "%s/volume", f->directory);
    if (!is_local)
        f->volume = volume_open_memory(&environment);
    else if (volume_open_local(volume, &environment, &diag, &f->volume) != OK)
        abort();
    f->empty = volume_open_memory(&environment);
    if (start(f, &diag) != OK)
        abort();
    must(f, "CREATE DATABASE d");
    must(f, "USE d");
    must(f, "CREATE TABLE dup (k INT, p DATE, s VARCHAR(40), v BIGINT) DUPLICATE KEY(k) PARTITION BY RANGE(p) "
            "(PARTITION a VALUES LESS THAN ('2024-01-01'), PARTITION b VALUES LESS THAN ('2025-01-01')) "
            "DISTRIBUTED BY HASH(k) BUCKETS 2");
    must(f, "CREATE TABLE pk (k INT NOT NULL, v BIGINT) PRIMARY KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1");
    must(f, "CREATE TABLE auto_made (k INT, d DATE) DUPLICATE KEY(k) PARTITION BY date_trunc('month', d)");
    must(f, "CREATE TABLE counted (id BIGINT NOT NULL AUTO_INCREMENT, v BIGINT) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1");
    must(f, "INSERT INTO dup SELECT generate_series, IF(generate_series % 2 = 0, '2023-05-05', '2024-05-05'), "
            "concat('text ', generate_series % 17), generate_series * 3 FROM TABLE(generate_series(1, 500))");
    must(f, "INSERT INTO dup SELECT generate_series, '2023-05-05', 'more', 1 FROM TABLE(generate_series(501, 600))");
    must(f, "INSERT INTO pk SELECT generate_series, generate_series FROM TABLE(generate_series(1, 3000))");
    must(f, "INSERT INTO pk SELECT generate_series * 3, 7 FROM TABLE(generate_series(1, 1000))");
    must(f, "CREATE TABLE dead AS SELECT k FROM dup"); /* leaves an object that vacuum deletes */
    must(f, "DROP TABLE dead FORCE");
    must(f, "CREATE TABLE gone AS SELECT k FROM dup WHERE k < 5");
    must(f, "DROP TABLE gone");
    must(f, "ALTER TABLE dup ADD TEMPORARY PARTITION t VALUES LESS THAN ('2024-01-01')");
    must(f, "CREATE TABLE nested (k INT, s STRUCT<a INT>) DUPLICATE KEY(k)");
    must(f, "INSERT INTO nested VALUES (1, row(1)), (2, NULL)");
    must(f, "INSERT INTO auto_made VALUES (1, '2022-01-15'), (2, '2022-02-15'), (3, '2022-03-15'), (4, '2022-05-15')");
    must(f, "ALTER TABLE dup ADD PARTITION lost_one VALUES LESS THAN ('2025-02-01')");
    must(f, "INSERT INTO dup VALUES (8000, '2025-01-15', 'lost', 1)");
    must(f, "ALTER TABLE dup DROP PARTITION lost_one");
    must(f, "CREATE DATABASE lost");
    must(f, "CREATE TABLE lost.x AS SELECT 1 AS one");
    must(f, "DROP DATABASE lost");
    must(f, "CREATE DATABASE spare");
    must(f, "INSERT INTO dup TEMPORARY PARTITION (t) VALUES (7, '2023-03-03', 'temporary', 70)");
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

void fixture_close(Fixture *f)
{
    stop(f);
    volume_close(f->volume);
    volume_close(f->empty);
    nftw(f->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- running ---- */

static Status take_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    (void)context, (void)columns, (void)count;
    return OK;
}

static Status take_rows(void *context, const Chunk *chunk)
{
    ByteBuf *out = context;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (uint32_t row = 0; row < chunk->row_count && out != NULL; row++) {
        uint32_t at = chunk->sel == NULL ? row : chunk->sel[row];
        for (uint32_t c = 0; c < chunk->column_count; c++) {
            Datum value = vector_get(&chunk->columns[c], at, &arena);
            bytebuf_append_char(out, c == 0 ? '\n' : '\t');
            if (value.is_null)
                bytebuf_append_text(out, "NULL");
            else
                datum_print(chunk->columns[c].type, &value, out);
        }
    }
    return OK;
}

static Status take_done(void *context, const ResultSummary *summary)
{
    (void)context, (void)summary;
    return OK;
}

Status fixture_run(Fixture *f, const char *sql, ByteBuf *out, Diag *diag)
{
    static const char place[] = "${files}";
    ResultSink sink = {out, take_columns, take_rows, take_done};
    AUTO_BYTEBUF text = {0};
    for (const char *at; (at = strstr(sql, place)) != NULL; sql = at + sizeof(place) - 1)
        bytebuf_printf(&text, "%.*s%s", (int)(at - sql), sql, f->files);
    bytebuf_append_text(&text, sql);
    return session_execute(f->session, bytebuf_view(&text), &sink, diag);
}

typedef struct LoadCase {
    const char *label;
    bool is_merged;
} LoadCase;

static StrView load_property(void *context, const char *name)
{
    const LoadCase *load = context;
    if (strcmp(name, "label") == 0)
        return strview(load->label);
    if (strcmp(name, "column_separator") == 0)
        return STR_VIEW(",");
    if (load->is_merged && strcmp(name, "enable_merge_commit") == 0)
        return STR_VIEW("true");
    if (load->is_merged && strcmp(name, "merge_commit_interval_ms") == 0)
        return STR_VIEW("0");
    return (StrView){NULL, 0};
}

Status fixture_load(Fixture *f, const char *body, const char *label, bool is_merged, Diag *diag)
{
    AUTO_BYTEBUF reply = {0};
    LoadCase load = {label, is_merged};
    MergeCommits *merges = merge_commits_open();
    StreamLoadOptions options = {.store = f->instance.store, .volume = f->volume, .tracker = mem_process_tracker(), .hub = f->hub,
                                 .increments = f->instance.increments, .keys = f->instance.keys, .database = STR_VIEW("d"),
                                 .table = STR_VIEW("dup"), .user = STR_VIEW("root"), .error_url = STR_VIEW("http://e/"),
                                 .property = load_property, .property_context = &load, .merges = merges};
    StreamLoad *stream = stream_load_begin(&options);
    (void)stream_load_feed(stream, body, strlen(body));
    stream_load_finish(stream, &reply);
    merge_commits_close(merges);
    if (strstr(reply.data, "\"Status\": \"Success\"") != NULL)
        return OK;
    bool is_unknown = strstr(reply.data, "is unknown") != NULL;
    return diag_raise(diag, is_unknown ? ERR_OUTCOME_UNKNOWN : ERR_IO, "%s", reply.data);
}

static Status answer_status(const ByteBuf *reply, Diag *diag)
{
    if (strstr(reply->data, "\"Status\": \"OK\"") != NULL || strstr(reply->data, "\"Status\": \"Success\"") != NULL)
        return OK;
    bool is_unknown = strstr(reply->data, "is unknown") != NULL;
    return diag_raise(diag, is_unknown ? ERR_OUTCOME_UNKNOWN : ERR_IO, "%s", reply->data);
}

static Status run_part(Fixture *f, LoadTransactions *all, const TransactionRequest *request, const char *body, Diag *diag)
{
    AUTO_BYTEBUF reply = {0};
    LoadCase load = {request->label.data, false};
    LoadTransaction *entered = load_transaction_enter(all, request, &reply);
    if (entered == NULL)
        return answer_status(&reply, diag);
    StreamLoadOptions options = {.store = f->instance.store, .volume = f->volume, .tracker = mem_process_tracker(), .hub = f->hub,
                                 .increments = f->instance.increments, .keys = f->instance.keys, .database = request->database,
                                 .table = request->table, .user = STR_VIEW("root"), .error_url = STR_VIEW("http://e/"),
                                 .property = load_property, .property_context = &load, .transaction = entered};
    StreamLoad *stream = stream_load_begin(&options);
    (void)stream_load_feed(stream, body, strlen(body));
    stream_load_finish(stream, &reply);
    return answer_status(&reply, diag);
}

Status fixture_transaction(Fixture *f, const char *body, const char *label, Diag *diag)
{
    static const TransactionOp ends[] = {TRANSACTION_PREPARE, TRANSACTION_COMMIT};
    LoadTransactionsOptions options = {.store = f->instance.store, .volume = f->volume, .hub = f->hub, .keys = f->instance.keys,
                                       .tracker = mem_process_tracker()};
    LoadTransactions *all = load_transactions_open(&options);
    TransactionRequest request = {.database = STR_VIEW("d"), .table = STR_VIEW("dup"), .label = strview(label)};
    AUTO_BYTEBUF reply = {0};
    load_transactions_run(all, TRANSACTION_BEGIN, &request, &reply);
    Status status = answer_status(&reply, diag);
    for (int part = 0; part < 2 && status == OK; part++)
        status = run_part(f, all, &request, body, diag);
    for (size_t i = 0; i < COUNT_OF(ends) && status == OK; i++) {
        bytebuf_clear(&reply);
        load_transactions_run(all, ends[i], &request, &reply);
        status = answer_status(&reply, diag);
    }
    load_transactions_close(all);
    return status;
}

void fixture_fingerprint(Fixture *f, ByteBuf *out)
{
    static const char *const queries[] = {
        "SELECT count(*), sum(k), sum(v), count(DISTINCT s), min(p), max(p) FROM dup",
        "SELECT count(*), sum(k), sum(v) FROM pk",
        "SELECT count(*), sum(k), min(d) FROM auto_made",
        "SELECT count(*), sum(v) FROM counted",
        "SHOW TABLES",
        "SHOW DATABASES",
        "SHOW CREATE TABLE dup",
        "SHOW CREATE TABLE auto_made",
        "SELECT k, s FROM nested ORDER BY k",
        "SELECT count(*) FROM lost.x",
    };
    bytebuf_clear(out);
    for (size_t q = 0; q < COUNT_OF(queries); q++) {
        Diag diag = {0};
        if (fixture_run(f, queries[q], out, &diag) != OK)
            bytebuf_printf(out, "\n%s: %s", queries[q], diag.message);
    }
}
