#include "load/stream_load.h"

/* One load: the feeding thread cuts blocks and queues them; worker threads, started one by one while
 * blocks wait, take them. A failure anywhere sets has_failed: workers then drop their blocks and the
 * feeder stops. Only finish() commits, after all workers have written their lanes. */

#include <stdio.h>

#include "base/environment.h"
#include "base/fault.h"
#include "base/hash.h"
#include "load/load_input.h"
#include "load/load_reply.h"
#include "load/load_transaction.h"
#include "load/load_worker.h"
#include "meta/load_answer.h"

enum { QUEUE_BLOCKS = 3, MAX_WORKERS = 16 };

struct StreamLoad {
    LoadShared shared;
    StreamLoadOptions options;
    LoadInput input;
    KeyMergeRules merge;
    MergeRows rows; /* of a load that commits with others */
    MergeResult merged;
    ByteBuf answer; /* what its label keeps */
    ByteBuf error_url;
    bool has_label; /* registered at the hub */
    bool label_exists;
    const char *existing_status;
    uint64_t txn_id;
    uint64_t bytes;
    int64_t start_us, planned_us, read_us, written_us;
    ChecksumStream *request; /* of what is asked for: properties and body */
    Mutex lock; /* guards the queue */
    Condition not_empty, not_full;
    ByteBuf queue[QUEUE_BLOCKS];
    uint32_t queue_first, queue_count;
    uint64_t blocks_taken;
    uint32_t idle_workers;
    bool is_closed;
    Thread threads[MAX_WORKERS];
    uint32_t thread_count;
};

static int64_t now_us(void)
{
    return env_monotonic_us(environment_real());
}

static void fail(StreamLoad *load)
{
    atomic_store(&load->shared.has_failed, true);
    LOCK_GUARD(&load->lock);
    condition_broadcast(&load->not_empty);
    condition_broadcast(&load->not_full);
}

static bool take_block(StreamLoad *load, ByteBuf *out, uint64_t *out_number)
{
    LOCK_GUARD(&load->lock);
    load->idle_workers++;
    while (load->queue_count == 0 && !load->is_closed)
        condition_wait(&load->not_empty, &load->lock);
    load->idle_workers--;
    if (load->queue_count == 0)
        return false;
    *out = load->queue[load->queue_first];
    load->queue[load->queue_first] = (ByteBuf){0};
    load->queue_first = (load->queue_first + 1) % QUEUE_BLOCKS;
    load->queue_count--;
    *out_number = load->blocks_taken++;
    condition_signal(&load->not_full);
    return true;
}

static void worker_main(void *argument)
{
    StreamLoad *load = argument;
    LoadWorker *worker = NULL;
    ByteBuf block;
    uint64_t number;
    Status status = OK;
    while (take_block(load, &block, &number)) {
        int64_t bytes = (int64_t)block.capacity;
        if (!atomic_load(&load->shared.has_failed)) {
            if (worker == NULL)
                status = load_worker_open(&load->shared, &worker);
            if (status == OK)
                status = load_worker_block(worker, number, &block);
            if (status != OK)
                fail(load);
        }
        bytebuf_deinit(&block);
        mem_release(&load->shared.memory, bytes);
    }
    if (worker == NULL)
        return;
    if (!atomic_load(&load->shared.has_failed) && load_worker_finish(worker) != OK)
        fail(load);
    load_worker_close(worker);
}

/* Called with the lock held. */
static Status start_worker(StreamLoad *load)
{
    uint32_t processors = cpu_count(), limit = MIN(processors, (uint32_t)MAX_WORKERS);
    if (load->shared.plan.table->schema->keys_kind != KEYS_DUPLICATE || load->shared.rows != NULL)
        limit = 1; /* the order of rows counts */
    if (load->thread_count >= limit || load->idle_workers >= load->queue_count)
        return OK;
    TRY(thread_start(&load->threads[load->thread_count], "load", worker_main, load, &load->shared.diag));
    load->thread_count++;
    return OK;
}

static Status queue_block(void *context, ByteBuf *block, Diag *diag)
{
    StreamLoad *load = context;
    int64_t deadline = load->start_us + load->shared.plan.timeout_us;
    LOCK_GUARD(&load->lock);
    while (load->queue_count == QUEUE_BLOCKS && !atomic_load(&load->shared.has_failed)) {
        int64_t left = deadline - now_us();
        if (left <= 0 || !condition_wait_us(&load->not_full, &load->lock, left))
            break;
    }
    if (load->queue_count == QUEUE_BLOCKS || atomic_load(&load->shared.has_failed)) {
        bytebuf_deinit(block);
        return RAISE(diag, QUERY_TIMEOUT, "Stream Load timed out after %lld seconds",
                     (long long)(load->shared.plan.timeout_us / 1000000));
    }
    mem_charge(&load->shared.memory, (int64_t)block->capacity);
    load->queue[(load->queue_first + load->queue_count++) % QUEUE_BLOCKS] = *block;
    condition_signal(&load->not_empty);
    return start_worker(load);
}

static void cancel_load(void *context)
{
    StreamLoad *load = context;
    status_ignore(RAISE(&load->shared.diag, CANCELLED, "the load was cancelled by a user"));
    fail(load);
}

static Status check_label(StreamLoad *load)
{
    LoadPlan *plan = &load->shared.plan;
    Diag *diag = &load->shared.diag;
    LabelRecord record;
    FAULT("load.accepted", diag);
    load->label_exists = true;
    if (meta_label_find(load->options.store, plan->database->id, plan->label, &plan->arena, &record)) {
        load->existing_status = record.is_durable ? "FINISHED" : "RUNNING";
        return RAISE(diag, LABEL_EXISTS, "Label [%.*s] has already been used.", SV_ARGS(plan->label));
    }
    LoadCancel cancel = {cancel_load, load, plan->table->id};
    if (!load_hub_enter(load->options.hub, plan->database->id, plan->label, &cancel)) {
        load->existing_status = "RUNNING";
        return RAISE(diag, LABEL_EXISTS, "Label [%.*s] has already been used.", SV_ARGS(plan->label));
    }
    load->label_exists = false;
    load->has_label = true;
    FAULT("load.label_reserved", diag);
    return OK;
}

/* The loads of a transaction into one table write through the loader of the first. */
static Status use_loader(StreamLoad *load, TableLoader *loader)
{
    const LoadPlan *plan = &load->shared.plan;
    const KeyMergeRules *rules = table_loader_options(loader)->merge;
    bool has_rules = plan->is_partial || plan->condition_column >= 0;
    if (has_rules || rules != NULL || plan->partition_ids != NULL || table_loader_options(loader)->partition_ids != NULL)
        return RAISE(&load->shared.diag, NOT_SUPPORTED, "in a transaction, only one load into a table may have partitions, partial_update or "
                                                        "merge_condition, and no other may follow or precede it");
    load->shared.loader = loader;
    return OK;
}

static Status open_loader(StreamLoad *load)
{
    LoadShared *shared = &load->shared;
    LoadTransaction *transaction = load->options.transaction;
    TableLoader *loader = transaction == NULL ? NULL : load_transaction_loader(transaction, shared->plan.table->id);
    if (loader != NULL)
        return use_loader(load, loader);
    TableLoaderOptions options = load_plan_loader(&shared->plan, &load->options, &shared->memory, &load->merge);
    TRY(table_loader_open(&options, &shared->diag, &shared->loader));
    if (transaction != NULL)
        load_transaction_add(transaction, shared->plan.table->id, shared->loader);
    return OK;
}

static Status open_load(StreamLoad *load)
{
    LoadShared *shared = &load->shared;
    Diag *diag = &shared->diag;
    TRY(load_plan_make(&shared->plan, &load->options, diag));
    shared->errors.limit = (uint32_t)shared->plan.rejected_rows_kept;
    atomic_store(&shared->memory.limit_bytes, shared->plan.memory_limit);
    if (load->options.transaction == NULL)
        TRY(check_label(load));
    shared->increments = load->options.increments;
    if (shared->plan.is_merged) {
        merge_rows_init(&load->rows, &shared->memory);
        shared->rows = &load->rows;
    }
    TRY(open_loader(load));
    return load_input_open(&load->input, &shared->plan, queue_block, load, diag);
}

StreamLoad *stream_load_begin(const StreamLoadOptions *options)
{
    StreamLoad *load = mem_alloc_zero(sizeof(*load));
    load->options = *options;
    load->start_us = now_us();
    load->shared.tracker = options->tracker != NULL ? options->tracker : mem_process_tracker();
    load->options.tracker = load->shared.tracker;
    bytebuf_append_view(&load->error_url, options->error_url);
    load->request = checksum_stream_open();
    load_plan_sum_request(options, load->request);
    mem_tracker_init(&load->shared.memory, load->shared.tracker, "load", 0);
    load_errors_init(&load->shared.errors, LOAD_ERROR_ROWS);
    mutex_init(&load->lock);
    condition_init(&load->not_empty);
    condition_init(&load->not_full);
    if (open_load(load) != OK)
        fail(load);
    load->planned_us = now_us();
    load->read_us = load->planned_us;
    return load;
}

static Status feed(StreamLoad *load, const void *data, size_t length, Diag *diag)
{
    FAULT("load.body", diag);
    return load_input_feed(&load->input, data, length, diag);
}

bool stream_load_feed(StreamLoad *load, const void *data, size_t length)
{
    load->bytes += length;
    checksum_stream_add(load->request, data, length);
    if (atomic_load(&load->shared.has_failed))
        return false;
    Diag *diag = &load->shared.diag;
    Status status = OK;
    if (now_us() - load->start_us > load->shared.plan.timeout_us)
        status = RAISE(diag, QUERY_TIMEOUT, "Stream Load timed out after %lld seconds",
                       (long long)(load->shared.plan.timeout_us / 1000000));
    if (status == OK)
        status = feed(load, data, length, diag);
    if (status != OK)
        fail(load);
    load->read_us = now_us();
    return status == OK;
}

static void join_workers(StreamLoad *load)
{
    mutex_lock(&load->lock);
    load->is_closed = true;
    condition_broadcast(&load->not_empty);
    mutex_unlock(&load->lock);
    for (uint32_t i = 0; i < load->thread_count; i++)
        thread_join(&load->threads[i]);
    load->thread_count = 0;
}

static void free_load(StreamLoad *load)
{
    LoadShared *shared = &load->shared;
    if (shared->loader != NULL && load->options.transaction == NULL)
        table_loader_close(shared->loader);
    if (load->has_label)
        load_hub_leave(load->options.hub, shared->plan.database->id, shared->plan.label);
    load_input_close(&load->input);
    for (uint32_t i = 0; i < QUEUE_BLOCKS; i++)
        bytebuf_deinit(&load->queue[i]);
    load_errors_deinit(&shared->errors);
    bytebuf_deinit(&load->error_url);
    checksum_stream_close(load->request);
    if (shared->rows != NULL)
        merge_rows_deinit(&load->rows);
    bytebuf_deinit(&load->merged.label);
    bytebuf_deinit(&load->answer);
    load_plan_close(&shared->plan);
    condition_deinit(&load->not_empty);
    condition_deinit(&load->not_full);
    mutex_deinit(&load->lock);
    mem_free(load);
}

void stream_load_release(StreamLoad *load)
{
    free_load(load);
}

/* A part that succeeded is kept by its transaction; one that failed ends it. */
static void end_part(StreamLoad *load, bool succeeded)
{
    LoadTransaction *transaction = load->options.transaction;
    LoadShared *shared = &load->shared;
    TransactionPart part = {.load = succeeded ? load : NULL, .total_rows = atomic_load(&shared->total_rows),
                            .loaded_rows = atomic_load(&shared->loaded_rows), .filtered_rows = atomic_load(&shared->filtered_rows),
                            .unselected_rows = atomic_load(&shared->unselected_rows), .bytes = load->bytes};
    if (transaction != NULL)
        load_transaction_leave(transaction, &part);
    if (transaction == NULL || !succeeded)
        free_load(load);
}

void stream_load_abort(StreamLoad *load)
{
    status_ignore(RAISE(&load->shared.diag, CANCELLED, "the client went away"));
    fail(load);
    join_workers(load);
    load_hub_count(load->options.hub, false, 0, load->bytes);
    end_part(load, false);
}

static Status check_rows(StreamLoad *load)
{
    LoadShared *shared = &load->shared;
    uint64_t filtered = atomic_load(&shared->filtered_rows);
    uint64_t selected = atomic_load(&shared->total_rows) - atomic_load(&shared->unselected_rows);
    if (filtered > 0 && (double)filtered > shared->plan.max_filter_ratio * (double)selected)
        return RAISE(&shared->diag, TOO_MANY_FILTERED_ROWS, "too many filtered rows");
    if (load->options.transaction == NULL && atomic_load(&shared->loaded_rows) == 0)
        return RAISE(&shared->diag, BAD_VALUE, "No rows were imported from upstream");
    return OK;
}

/* What the name of the error log is put behind, and the name; empty: no row was rejected. */
static void keep_error_log(StreamLoad *load, ByteBuf *out_url)
{
    AUTO_BYTEBUF log = {0};
    load_errors_print(&load->shared.errors, load->shared.plan.skip_rows, &log);
    if (log.length == 0)
        return;
    char name[LOAD_LOG_NAME_BYTES];
    load_hub_keep_log(load->options.hub, bytebuf_view(&log), name);
    bytebuf_append_view(out_url, bytebuf_view(&load->error_url));
    bytebuf_append_text(out_url, name);
}

/* What the label keeps. */
static void print_answer(StreamLoad *load, ByteBuf *out)
{
    const LoadShared *shared = &load->shared;
    AUTO_BYTEBUF url = {0};
    keep_error_log(load, &url);
    LoadAnswer told = {.type = STR_VIEW("STREAM_LOAD"),
                       .table = load->options.table,
                       .user = load->options.user,
                       .loaded_rows = (int64_t)atomic_load(&shared->loaded_rows),
                       .filtered_rows = (int64_t)atomic_load(&shared->filtered_rows),
                       .reply = {.kind = LOAD_REPLY_LOAD,
                                 .request = checksum_stream_value(load->request),
                                 .total_rows = (int64_t)atomic_load(&shared->total_rows),
                                 .unselected_rows = (int64_t)atomic_load(&shared->unselected_rows),
                                 .bytes = (int64_t)load->bytes,
                                 .load_us = load->written_us - load->start_us,
                                 .plan_us = load->planned_us - load->start_us,
                                 .read_us = load->read_us - load->planned_us,
                                 .write_us = load->written_us - load->planned_us,
                                 .commit_began_us = shared->plan.merge_async ? INT64_MAX : env_wall_us(load->options.volume->environment),
                                 .error_url = bytebuf_view(&url)}};
    load_answer_print(&told, out);
}

static Status commit_merged(StreamLoad *load)
{
    LoadShared *shared = &load->shared;
    AUTO_CHECKSUM_STREAM *properties = checksum_stream_open();
    load_plan_sum_request(&load->options, properties);
    MergePart part = {.options = &load->options,
                      .plan = &shared->plan,
                      .properties = checksum_stream_value(properties),
                      .rows = shared->rows,
                      .label = shared->plan.has_label ? shared->plan.label : (StrView){0},
                      .answer = bytebuf_view(&load->answer),
                      .loaded_rows = atomic_load(&shared->loaded_rows),
                      .filtered_rows = atomic_load(&shared->filtered_rows)};
    bool leaves_label = shared->plan.merge_async && shared->plan.has_label;
    if (leaves_label)
        load_hub_bind(load->options.hub, shared->plan.database->id, shared->plan.label);
    Status status = merge_commits_add(load->options.merges, &part, &shared->diag, &load->merged);
    if (leaves_label && status == OK)
        load->has_label = false;
    load->txn_id = load->merged.txn_id;
    return status;
}

static Status commit(StreamLoad *load)
{
    LoadShared *shared = &load->shared;
    TRY(check_rows(load));
    if (load->options.transaction != NULL)
        return OK;
    print_answer(load, &load->answer);
    Status status = shared->rows != NULL ? commit_merged(load)
                                         : table_loader_commit(shared->loader, shared->plan.label, bytebuf_view(&load->answer), false,
                                                               &shared->diag, &load->txn_id);
    FAULT_STEP("load.before_answer");
    load->label_exists = status == ERR_LABEL_EXISTS;
    if (load->label_exists)
        load->existing_status = "FINISHED";
    return status;
}

static const char *status_word(const StreamLoad *load, bool succeeded)
{
    if (load->options.transaction != NULL)
        return succeeded ? "OK" : "FAILED";
    if (!succeeded && load->shared.diag.code == ERR_OUTCOME_UNKNOWN)
        return "Publish Timeout"; /* the label will tell */
    return succeeded ? "Success" : load->label_exists ? "Label Already Exists" : "Fail";
}

/* Success and a label in use have answers that last: the first is made from what the label keeps, the other says nothing of this try. */
static void put_reply(StreamLoad *load, bool succeeded, ByteBuf *reply)
{
    const LoadShared *shared = &load->shared;
    int64_t now = now_us();
    LoadReply told = {.label = shared->plan.label, .status = strview(status_word(load, succeeded)), .is_part = load->options.transaction != NULL};
    told.message = strview(!succeeded ? shared->diag.message : told.is_part ? "" : "OK");
    told.txn_id = load->label_exists ? -1 : (int64_t)load->txn_id;
    if (load->label_exists) {
        told.existing_status = strview(load->existing_status);
        load_reply_print(&told, reply);
        return;
    }
    told.total_rows = (int64_t)atomic_load(&shared->total_rows);
    told.loaded_rows = succeeded ? (int64_t)atomic_load(&shared->loaded_rows) : 0;
    told.filtered_rows = (int64_t)atomic_load(&shared->filtered_rows);
    told.unselected_rows = (int64_t)atomic_load(&shared->unselected_rows);
    told.bytes = (int64_t)load->bytes;
    told.load_us = now - load->start_us;
    told.plan_us = load->planned_us - load->start_us;
    told.read_us = load->read_us - load->planned_us;
    told.write_us = load->written_us - load->planned_us;
    told.commit_us = now - load->written_us;
    AUTO_BYTEBUF url = {0};
    keep_error_log(load, &url);
    told.error_url = bytebuf_view(&url);
    load_reply_print(&told, reply);
}

/* The answer of one that committed with others. Without a label of its own it has theirs. */
static void put_merged_reply(StreamLoad *load, ByteBuf *reply)
{
    const LoadPlan *plan = &load->shared.plan;
    LabelRecord record = {.txn_id = load->txn_id, .time_us = env_wall_us(load->options.volume->environment), .answer = bytebuf_view(&load->answer)};
    LoadReply told;
    uint64_t request;
    (void)load_reply_of(plan->has_label ? plan->label : bytebuf_view(&load->merged.label), &record, &told, &request);
    load_reply_print(&told, reply);
}

/* The answer to the load that used the label. is_repeat: only if this load is the same request again. */
static bool put_kept_reply(StreamLoad *load, bool is_repeat, ByteBuf *reply)
{
    const LoadPlan *plan = &load->shared.plan;
    AUTO_ARENA arena;
    LabelRecord record;
    LoadReply told;
    uint64_t request;
    arena_init(&arena, NULL);
    if (load->options.transaction != NULL || plan->database == NULL ||
        !meta_label_find(load->options.store, plan->database->id, plan->label, &arena, &record) || !record.is_durable ||
        !load_reply_of(plan->label, &record, &told, &request) || (is_repeat && request != checksum_stream_value(load->request)))
        return false;
    load_reply_print(&told, reply);
    return true;
}

/* A label that is in use or whose outcome is open says nothing of a failure. */
static void remember_failure(const StreamLoad *load)
{
    bool is_failure = !load->label_exists && load->shared.diag.code != ERR_OUTCOME_UNKNOWN && load->options.transaction == NULL;
    FailedLoad failed = {.id = load->txn_id,
                         .type = STR_VIEW("STREAM_LOAD"),
                         .database = load->options.database,
                         .table = load->options.table,
                         .label = load->shared.plan.label,
                         .user = load->options.user,
                         .error = strview(load->shared.diag.message),
                         .time_us = env_wall_us(load->options.volume->environment)};
    if (is_failure && load->shared.plan.database != NULL)
        load_history_add(load->options.history, &failed);
}

void stream_load_finish(StreamLoad *load, ByteBuf *reply)
{
    if (!atomic_load(&load->shared.has_failed) && load_input_finish(&load->input, &load->shared.diag) != OK)
        fail(load);
    join_workers(load);
    load->written_us = now_us();
    bool succeeded = !atomic_load(&load->shared.has_failed) && commit(load) == OK;
    if (load->options.transaction != NULL)
        load->txn_id = load_transaction_id(load->options.transaction);
    else if (load->txn_id == 0 && load->shared.plan.database != NULL)
        load->txn_id = meta_new_id(load->options.store);
    bool is_repeat = !succeeded && load->label_exists && put_kept_reply(load, true, reply);
    if (!succeeded)
        remember_failure(load);
    bool is_told = is_repeat || (succeeded && put_kept_reply(load, false, reply));
    if (!is_told && succeeded && load->shared.rows != NULL)
        put_merged_reply(load, reply);
    else if (!is_told)
        put_reply(load, succeeded, reply);
    if ((load->options.transaction == NULL || !succeeded) && !is_repeat)
        load_hub_count(load->options.hub, succeeded, succeeded ? atomic_load(&load->shared.loaded_rows) : 0, load->bytes);
    end_part(load, succeeded);
}
