#include "load/merge_commit.h"

/* A batch belongs to its thread and to the loads that wait for it. It is open while it is in the list; adding
 * happens outside the list's lock, and the thread waits for those that add. A batch into which a load could not be
 * added completely fails as a whole: its lane can't tell rows apart any more. */

#include <stdio.h>

#include "base/environment.h"
#include "load/load_hub.h"
#include "load/load_plan.h"
#include "load/table_loader.h"
#include "meta/load_answer.h"

enum { MOST_PART_BYTES = 64 << 20, MOST_BATCHES = 1024, LABEL_BYTES = 64, CANCEL_LOOK_US = 200000 };

typedef struct MergeBatch {
    MergeCommits *all;
    struct MergeBatch *next; /* open or ended */
    StreamLoadOptions options;
    ByteBuf database, table, user; /* what options names */
    uint64_t properties;
    LoadPlan plan;
    KeyMergeRules rules;
    TableLoader *loader;
    LoaderLane *lane;
    char label[LABEL_BYTES];
    uint64_t txn_id;
    int64_t deadline_us;
    Mutex adding;     /* guards the lane and what follows */
    Arena arena;
    ARRAY_OF(LoaderLabel) labels; /* the first is the batch's */
    ARRAY_OF(StrView) left;       /* labels of loads that did not wait */
    uint64_t loaded_rows, filtered_rows;
    /* Guarded by the list's lock. */
    Condition changed;
    uint32_t adders, waiters;
    bool is_done;
    Status status;
    Diag diag; /* of the first failure */
    _Atomic bool is_cancelled; /* set without the lock: the hub's is held then */
    Thread thread;
} MergeBatch;

struct MergeCommits {
    Mutex lock; /* guards the rest */
    Condition idle;
    MergeBatch *open, *ended; /* ended: to be joined and freed */
    uint32_t count;
    bool is_hurrying;
};

void merge_rows_init(MergeRows *rows, MemTracker *tracker)
{
    *rows = (MergeRows){0};
    arena_init(&rows->arena, tracker);
}

Status merge_rows_add(MergeRows *rows, const Vector *const *columns, uint32_t column_count, const uint8_t *deletes, uint32_t row_count,
                      Diag *diag)
{
    Arena *arena = &rows->arena;
    MergeChunk *chunk = ARENA_NEW(arena, MergeChunk);
    Vector *copies = ARENA_NEW_ARRAY(arena, Vector, column_count + 1);
    chunk->columns = ARENA_NEW_ARRAY(arena, const Vector *, column_count + 1);
    chunk->rows = row_count;
    for (uint32_t c = 0; c < column_count; c++) {
        vector_init(&copies[c], arena, columns[c]->type, MAX(row_count, 1u));
        vector_gather(columns[c], (Rows){NULL, row_count}, arena, 0, &copies[c]);
        chunk->columns[c] = &copies[c];
    }
    if (deletes != NULL) {
        chunk->deletes = ARENA_NEW_ARRAY(arena, uint8_t, row_count + 1);
        memcpy(chunk->deletes, deletes, row_count);
    }
    *(rows->last == NULL ? &rows->first : &rows->last->next) = chunk;
    rows->last = chunk;
    if (arena->total_bytes > MOST_PART_BYTES)
        return RAISE(diag, MEMORY_LIMIT, "a load with enable_merge_commit holds at most %d MiB: load this one without", MOST_PART_BYTES >> 20);
    return OK;
}

void merge_rows_deinit(MergeRows *rows)
{
    arena_deinit(&rows->arena);
}

static int64_t now_us(void)
{
    return env_monotonic_us(environment_real());
}

/* ---- the end of a batch; in its thread ---- */

static void print_answer(const MergeBatch *batch, ByteBuf *out)
{
    LoadAnswer told = {.type = STR_VIEW("MERGE_COMMIT"), .table = batch->options.table, .user = batch->options.user,
                       .loaded_rows = (int64_t)batch->loaded_rows, .filtered_rows = (int64_t)batch->filtered_rows};
    load_answer_print(&told, out);
}

static Status commit_rows(MergeBatch *batch, Diag *diag)
{
    AUTO_BYTEBUF answer = {0};
    LOCK_GUARD(&batch->adding);
    TRY(loader_lane_finish(batch->lane, diag));
    print_answer(batch, &answer);
    batch->labels.items[0].answer = bytebuf_view(&answer);
    return table_loader_commit_labels(batch->loader, batch->labels.items, batch->labels.count, batch->txn_id, diag);
}

static void remember_failure(const MergeBatch *batch, const Diag *diag)
{
    FailedLoad failed = {.id = batch->txn_id, .type = STR_VIEW("MERGE_COMMIT"), .database = batch->options.database,
                         .table = batch->options.table, .label = strview(batch->label), .user = batch->options.user,
                         .error = strview(diag->message), .time_us = env_wall_us(environment_real())};
    if (diag->code != ERR_OUTCOME_UNKNOWN)
        load_history_add(batch->options.history, &failed);
}

/* With the list's lock held. */
static void wait_for_the_end(MergeBatch *batch)
{
    MergeCommits *all = batch->all;
    int64_t left;
    while (!atomic_load(&batch->is_cancelled) && !all->is_hurrying && batch->status == OK && (left = batch->deadline_us - now_us()) > 0)
        (void)condition_wait_us(&batch->changed, &all->lock, MIN(left, (int64_t)CANCEL_LOOK_US));
    MergeBatch **at = &all->open;
    while (*at != batch)
        at = &(*at)->next;
    *at = batch->next;
    while (batch->adders > 0)
        condition_wait(&batch->changed, &all->lock);
    if (atomic_load(&batch->is_cancelled) && batch->status == OK)
        batch->status = RAISE(&batch->diag, CANCELLED, "the load was cancelled by a user");
}

static void run_batch(void *argument)
{
    MergeBatch *batch = argument;
    MergeCommits *all = batch->all;
    mutex_lock(&all->lock);
    wait_for_the_end(batch);
    Status status = batch->status;
    Diag diag = batch->diag;
    mutex_unlock(&all->lock);
    if (status == OK)
        status = commit_rows(batch, &diag);
    load_hub_count(batch->options.hub, status == OK, 0, 0);
    if (status != OK)
        remember_failure(batch, &diag);
    load_hub_leave(batch->options.hub, batch->plan.database->id, strview(batch->label));
    for (uint32_t i = 0; i < batch->left.count; i++)
        load_hub_leave(batch->options.hub, batch->plan.database->id, batch->left.items[i]);
    mutex_lock(&all->lock);
    batch->status = status;
    batch->diag = diag;
    batch->is_done = true;
    condition_broadcast(&batch->changed);
    while (batch->waiters > 0)
        condition_wait(&batch->changed, &all->lock);
    batch->next = all->ended;
    all->ended = batch;
    condition_broadcast(&all->idle);
    mutex_unlock(&all->lock);
}

/* A thread that is in no list any more. */
static void free_batch(MergeBatch *batch)
{
    table_loader_close(batch->loader);
    load_plan_close(&batch->plan);
    bytebuf_deinit(&batch->database);
    bytebuf_deinit(&batch->table);
    bytebuf_deinit(&batch->user);
    arena_deinit(&batch->arena);
    condition_deinit(&batch->changed);
    mutex_deinit(&batch->adding);
    mem_free(batch);
}

/* With the list's lock held, which it lets go meanwhile. */
static void reap(MergeCommits *all)
{
    while (all->ended != NULL) {
        MergeBatch *batch = all->ended;
        all->ended = batch->next;
        all->count--;
        mutex_unlock(&all->lock);
        thread_join(&batch->thread);
        free_batch(batch);
        mutex_lock(&all->lock);
    }
}

/* ---- its beginning ---- */

static void cancel_batch(void *context)
{
    MergeBatch *batch = context;
    atomic_store(&batch->is_cancelled, true);
}

static StrView keep_text(ByteBuf *to, StrView text)
{
    bytebuf_append_view(to, text);
    return bytebuf_view(to);
}

static Status fill_batch(MergeBatch *batch, const MergePart *part, Diag *diag)
{
    batch->options = *part->options;
    batch->options.database = keep_text(&batch->database, part->options->database);
    batch->options.table = keep_text(&batch->table, part->options->table);
    batch->options.user = keep_text(&batch->user, part->options->user);
    TRY(load_plan_make(&batch->plan, &batch->options, diag));
    batch->options.property = NULL; /* the first load ends before its batch does */
    if (batch->plan.table->schema != part->plan->table->schema)
        return RAISE(diag, RETRY, "table '%.*s' was altered meanwhile", SV_ARGS(batch->options.table));
    TableLoaderOptions options = load_plan_loader(&batch->plan, &batch->options, batch->options.tracker, &batch->rules);
    TRY(table_loader_open(&options, diag, &batch->loader));
    TRY(table_loader_lane(batch->loader, &batch->diag, &batch->lane));
    batch->deadline_us = now_us() + batch->plan.merge_interval_us;
    batch->txn_id = meta_new_id(batch->options.store);
    const Environment *env = environment_real();
    snprintf(batch->label, sizeof(batch->label), "merge_commit_%016llx%016llx", (unsigned long long)env_random(env),
             (unsigned long long)env_random(env));
    LoaderLabel label = {strview(batch->label), {NULL, 0}};
    ARRAY_PUSH(&batch->arena, &batch->labels, label);
    return OK;
}

/* With the list's lock held. */
static Status open_batch(MergeCommits *all, const MergePart *part, Diag *diag, MergeBatch **out)
{
    if (all->count >= MOST_BATCHES)
        return RAISE(diag, INVALID_ARGUMENT, "too many loads with enable_merge_commit and different properties at once");
    MergeBatch *batch = mem_alloc_zero(sizeof(*batch));
    batch->all = all;
    batch->properties = part->properties;
    arena_init(&batch->arena, part->options->tracker);
    mutex_init(&batch->adding);
    condition_init(&batch->changed);
    Status status = fill_batch(batch, part, diag);
    LoadCancel cancel = {cancel_batch, batch, batch->plan.table == NULL ? 0 : batch->plan.table->id};
    bool is_entered = status == OK && load_hub_enter(batch->options.hub, batch->plan.database->id, strview(batch->label), &cancel);
    if (status == OK)
        status = thread_start(&batch->thread, "merge-commit", run_batch, batch, diag);
    if (status != OK) {
        if (is_entered)
            load_hub_leave(batch->options.hub, batch->plan.database->id, strview(batch->label));
        free_batch(batch);
        return status;
    }
    all->count++;
    batch->next = all->open;
    all->open = batch;
    *out = batch;
    return OK;
}

static MergeBatch *find_batch(const MergeCommits *all, const MergePart *part)
{
    MergeBatch *batch = all->open;
    while (batch != NULL && (batch->properties != part->properties || batch->plan.table->schema != part->plan->table->schema ||
                             batch->plan.table->id != part->plan->table->id || batch->status != OK || atomic_load(&batch->is_cancelled)))
        batch = batch->next;
    return batch;
}

/* ---- a load ---- */

static Status add_rows(MergeBatch *batch, const MergePart *part, Diag *diag)
{
    LOCK_GUARD(&batch->adding);
    for (const MergeChunk *chunk = part->rows->first; chunk != NULL; chunk = chunk->next)
        TRY(loader_lane_append_ops(batch->lane, chunk->columns, chunk->deletes, chunk->rows, diag));
    batch->loaded_rows += part->loaded_rows;
    batch->filtered_rows += part->filtered_rows;
    if (part->label.length == 0)
        return OK;
    Arena *arena = &batch->arena;
    LoaderLabel label = {{arena_strndup(arena, part->label.data, part->label.length), part->label.length},
                         {arena_strndup(arena, part->answer.data, part->answer.length), part->answer.length}};
    ARRAY_PUSH(arena, &batch->labels, label);
    if (part->plan->merge_async)
        ARRAY_PUSH(arena, &batch->left, label.label);
    return OK;
}

/* With the list's lock held, which it lets go meanwhile. */
static void wait_for_commit(MergeBatch *batch, Status *out_status, Diag *diag)
{
    while (!batch->is_done)
        condition_wait(&batch->changed, &batch->all->lock);
    *out_status = batch->status;
    if (batch->status != OK)
        *diag = batch->diag;
}

Status merge_commits_add(MergeCommits *all, const MergePart *part, Diag *diag, MergeResult *out)
{
    Diag failure = {0};
    LOCK_GUARD(&all->lock);
    reap(all);
    MergeBatch *batch = find_batch(all, part);
    if (batch == NULL)
        TRY(open_batch(all, part, diag, &batch));
    out->txn_id = batch->txn_id;
    bytebuf_append_text(&out->label, batch->label);
    batch->adders++;
    batch->waiters++;
    mutex_unlock(&all->lock);
    Status status = add_rows(batch, part, &failure);
    mutex_lock(&all->lock);
    if (status != OK && batch->status == OK) {
        batch->status = status;
        batch->diag = failure;
    }
    batch->adders--;
    condition_broadcast(&batch->changed);
    if (!part->plan->merge_async || status != OK)
        wait_for_commit(batch, &status, diag);
    batch->waiters--;
    condition_broadcast(&batch->changed);
    return status;
}

/* ---- of a server ---- */

MergeCommits *merge_commits_open(void)
{
    MergeCommits *all = mem_alloc_zero(sizeof(*all));
    mutex_init(&all->lock);
    condition_init(&all->idle);
    return all;
}

void merge_commits_hurry(MergeCommits *all)
{
    LOCK_GUARD(&all->lock);
    all->is_hurrying = true;
    for (MergeBatch *batch = all->open; batch != NULL; batch = batch->next)
        condition_broadcast(&batch->changed);
}

void merge_commits_close(MergeCommits *all)
{
    merge_commits_hurry(all);
    mutex_lock(&all->lock);
    reap(all);
    while (all->count > 0) {
        condition_wait(&all->idle, &all->lock);
        reap(all);
    }
    mutex_unlock(&all->lock);
    condition_deinit(&all->idle);
    mutex_deinit(&all->lock);
    mem_free(all);
}
