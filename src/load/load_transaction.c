#include "load/load_transaction.h"

/* Open transactions are a list under one lock, which is not held while one works: it is marked busy then. The
 * labels of those that were rolled back are remembered for a while, so that a repeated rollback hears OK. A
 * thread, started by the first begin, ends what timed out. */

#include "base/environment.h"
#include "base/log.h"
#include "codec/json_text.h"
#include "load/load_hub.h"
#include "types/number_text.h"
#include "meta/load_answer.h"

enum { DEFAULT_TIMEOUT_S = 600, DEFAULT_PREPARED_S = 86400, MOST_TIMEOUT_S = 259200, ROLLED_BACK = 256, SWEEP_US = 1000000 };

typedef enum TransactionState { STATE_PREPARE, STATE_PREPARED } TransactionState;

struct LoadTransaction {
    LoadTransactions *all;
    LoadTransaction *next;
    uint64_t database_id;
    uint64_t id;
    ByteBuf label;
    TransactionState state;
    bool is_busy;
    bool is_multi;
    int64_t begun_us, deadline_us, idle_us, prepared_us, touched_us; /* idle_us 0: no limit */
    int64_t begin_took_us;
    Arena arena;
    ARRAY_OF(TableLoader *) loaders;
    ARRAY_OF(uint64_t) table_ids;
    ARRAY_OF(StreamLoad *) loads;
    TransactionPart sum;
    PreparedTransaction *found; /* prepared before this server started; NULL: loaders has all */
    FuncSession session;        /* of loaders made from found */
};

typedef struct RolledBack {
    uint64_t database_id, id;
    bool is_multi;
    ByteBuf label;
} RolledBack;

struct LoadTransactions {
    LoadTransactionsOptions options;
    Mutex lock; /* guards the rest */
    Condition stop;
    LoadTransaction *open;
    RolledBack rolled_back[ROLLED_BACK]; /* a ring */
    uint32_t next_rolled_back;
    bool is_sweeping, is_stopping;
    Thread sweeper;
};

static int64_t now_us(void)
{
    return env_monotonic_us(environment_real());
}

/* ---- the list; with the lock held ---- */

static LoadTransaction *find(LoadTransactions *all, uint64_t database_id, StrView label)
{
    for (LoadTransaction *t = all->open; t != NULL; t = t->next) {
        if (t->database_id == database_id && strview_equal(bytebuf_view(&t->label), label))
            return t;
    }
    return NULL;
}

static RolledBack *find_rolled_back(LoadTransactions *all, uint64_t database_id, StrView label)
{
    for (uint32_t i = 0; i < ROLLED_BACK; i++) {
        RolledBack *old = &all->rolled_back[i];
        if (old->label.length > 0 && old->database_id == database_id && strview_equal(bytebuf_view(&old->label), label))
            return old;
    }
    return NULL;
}

static void unlink_transaction(LoadTransaction *t)
{
    LoadTransaction **link = &t->all->open;
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
}

static void remember_rolled_back(const LoadTransaction *t)
{
    RolledBack *old = &t->all->rolled_back[t->all->next_rolled_back++ % ROLLED_BACK];
    bytebuf_clear(&old->label);
    bytebuf_append_view(&old->label, bytebuf_view(&t->label));
    old->database_id = t->database_id;
    old->id = t->id;
    old->is_multi = t->is_multi;
}

/* ---- ends; without the lock, the transaction is in no list ---- */

static void free_transaction(LoadTransaction *t)
{
    for (uint32_t i = 0; i < t->loaders.count; i++)
        table_loader_close(t->loaders.items[i]);
    for (uint32_t i = 0; i < t->loads.count; i++)
        stream_load_release(t->loads.items[i]);
    load_hub_leave(t->all->options.hub, t->database_id, bytebuf_view(&t->label));
    prepared_unref(t->found);
    bytebuf_deinit(&t->label);
    arena_deinit(&t->arena);
    mem_free(t);
}

static Status build_drop(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)catalog;
    AUTO_ARENA arena;
    LabelRecord record;
    const LoadTransaction *t = context;
    arena_init(&arena, NULL);
    if (meta_label_find(t->all->options.store, t->database_id, bytebuf_view(&t->label), &arena, &record))
        return RAISE(diag, LABEL_EXISTS, "Transaction already commited"); /* by a commit whose outcome was not known */
    change_drop_prepared(change, t->database_id, bytebuf_view(&t->label));
    return OK;
}

/* Not OK: it stays as it was, busy. */
static Status roll_back(LoadTransaction *t, Diag *diag)
{
    if (t->state == STATE_PREPARED)
        TRY(meta_commit(t->all->options.store, build_drop, t, diag));
    mutex_lock(&t->all->lock);
    unlink_transaction(t);
    remember_rolled_back(t);
    mutex_unlock(&t->all->lock);
    free_transaction(t);
    return OK;
}

static void give_back(LoadTransaction *t)
{
    LOCK_GUARD(&t->all->lock);
    t->is_busy = false;
    t->touched_us = now_us();
}

static bool is_over(const LoadTransaction *t, int64_t now)
{
    if (t->is_busy)
        return false;
    if (t->state == STATE_PREPARED)
        return now - t->touched_us > t->prepared_us;
    return now > t->deadline_us || (t->idle_us > 0 && now - t->touched_us > t->idle_us);
}

static LoadTransaction *take_over(LoadTransactions *all)
{
    int64_t now = now_us();
    for (LoadTransaction *t = all->open; t != NULL; t = t->next) {
        if (is_over(t, now)) {
            t->is_busy = true;
            return t;
        }
    }
    return NULL;
}

static void sweep(void *argument)
{
    LoadTransactions *all = argument;
    mutex_lock(&all->lock);
    while (!all->is_stopping) {
        LoadTransaction *over = take_over(all);
        if (over == NULL) {
            (void)condition_wait_us(&all->stop, &all->lock, SWEEP_US);
            continue;
        }
        mutex_unlock(&all->lock);
        LOG_WARN("load", "transaction timed out label=%s txn=%llu", over->label.data, (unsigned long long)over->id);
        Diag diag = {0};
        if (roll_back(over, &diag) != OK) {
            LOG_WARN("load", "transaction could not be rolled back: %s", diag.message);
            give_back(over);
        }
        mutex_lock(&all->lock);
    }
    mutex_unlock(&all->lock);
}

void load_transactions_close(LoadTransactions *all)
{
    mutex_lock(&all->lock);
    all->is_stopping = true;
    condition_broadcast(&all->stop);
    mutex_unlock(&all->lock);
    if (all->is_sweeping)
        thread_join(&all->sweeper);
    while (all->open != NULL) {
        LoadTransaction *t = all->open;
        all->open = t->next;
        free_transaction(t);
    }
    for (uint32_t i = 0; i < ROLLED_BACK; i++)
        bytebuf_deinit(&all->rolled_back[i].label);
    condition_deinit(&all->stop);
    mutex_deinit(&all->lock);
    mem_free(all);
}

/* ---- answers ---- */

typedef struct Answer {
    const char *status;
    const char *message; /* NULL: diag's */
    const char *existing_status;
    uint64_t txn_id;
    int64_t took_us; /* of begin; < 0: not told */
    bool has_part, has_txn;
    TransactionPart part;
    int64_t load_us, commit_us;
    Diag diag;
} Answer;

static void put_member(ByteBuf *out, const char *name, StrView value)
{
    bytebuf_printf(out, "%s    \"%s\": ", out->length > 2 ? ",\n" : "", name);
    json_quote(value, out);
}

static void put_number(ByteBuf *out, const char *name, uint64_t value)
{
    bytebuf_printf(out, "%s    \"%s\": %llu", out->length > 2 ? ",\n" : "", name, (unsigned long long)value);
}

static void put_counts(const Answer *answer, ByteBuf *out)
{
    put_number(out, "NumberTotalRows", answer->part.total_rows);
    put_number(out, "NumberLoadedRows", answer->part.loaded_rows);
    put_number(out, "NumberFilteredRows", answer->part.filtered_rows);
    put_number(out, "NumberUnselectedRows", answer->part.unselected_rows);
    put_number(out, "LoadBytes", answer->part.bytes);
    put_number(out, "LoadTimeMs", (uint64_t)(answer->load_us / 1000));
    put_number(out, "StreamLoadPutTimeMs", 0);
    put_number(out, "ReceivedDataTimeMs", (uint64_t)(answer->load_us / 1000));
    put_number(out, "WriteDataTimeMs", (uint64_t)(answer->load_us / 1000));
    put_number(out, "CommitAndPublishTimeMs", (uint64_t)(answer->commit_us / 1000));
}

static void put_answer(const TransactionRequest *request, const Answer *answer, ByteBuf *reply)
{
    AUTO_BYTEBUF out = {0};
    bytebuf_append_text(&out, "{\n");
    if (answer->has_txn)
        put_number(&out, "TxnId", answer->txn_id);
    put_member(&out, "Label", request->label);
    put_member(&out, "Status", strview(answer->status));
    if (answer->existing_status != NULL)
        put_member(&out, "ExistingJobStatus", strview(answer->existing_status));
    put_member(&out, "Message", strview(answer->message != NULL ? answer->message : answer->diag.message));
    if (answer->has_part)
        put_counts(answer, &out);
    if (answer->took_us >= 0)
        put_number(&out, "BeginTxnTimeMs", (uint64_t)(answer->took_us / 1000));
    bytebuf_append_text(&out, "\n}\n");
    bytebuf_append_view(reply, bytebuf_view(&out));
}

static void answer_with(Answer *answer, const char *status, const char *message)
{
    answer->status = status;
    answer->message = message;
}

/* ---- requests ---- */

static bool read_seconds(StrView text, const char *name, int64_t seconds, Answer *answer, int64_t *out_us)
{
    bool is_good = text.length == 0 || (int64_parse(strview_trim(text), &seconds) && seconds >= 0 && seconds <= MOST_TIMEOUT_S);
    if (!is_good)
        status_ignore(RAISE(&answer->diag, INVALID_ARGUMENT, "Invalid %s: %.*s", name, SV_ARGS(text)));
    *out_us = seconds * 1000000;
    return is_good;
}

static bool find_database(LoadTransactions *all, const TransactionRequest *request, Answer *answer, uint64_t *out_id)
{
    CatalogSnapshot *catalog = meta_snapshot(all->options.store);
    const CatalogDatabase *database = catalog_database(catalog, request->database);
    const CatalogTable *table = database == NULL || request->table.length == 0 ? NULL : catalog_table(database, request->table);
    *out_id = database == NULL ? 0 : database->id;
    answer->status = "FAILED";
    if (database == NULL)
        status_ignore(RAISE(&answer->diag, NO_SUCH_DATABASE, "unknown database, database=%.*s", SV_ARGS(request->database)));
    else if (request->table.length > 0 && table == NULL)
        status_ignore(RAISE(&answer->diag, NO_SUCH_TABLE, "unknown table, table=%.*s", SV_ARGS(request->table)));
    else if (!load_label_is_valid(request->label) || request->label.length == 0)
        status_ignore(RAISE(&answer->diag, BAD_NAME, "Label format error. regex: ^[-\\w]{1,128}$, label: %.*s", SV_ARGS(request->label)));
    catalog_unref(catalog);
    return answer->diag.message[0] == '\0';
}

static bool label_is_used(LoadTransactions *all, uint64_t database_id, const TransactionRequest *request, Answer *answer)
{
    AUTO_ARENA arena;
    LabelRecord record;
    arena_init(&arena, NULL);
    mutex_lock(&all->lock);
    const RolledBack *old = find_rolled_back(all, database_id, request->label);
    bool is_kept = old != NULL && old->is_multi && request->is_multi; /* those labels are not given out again */
    mutex_unlock(&all->lock);
    if (is_kept)
        answer->existing_status = "CANCELLED";
    else if (meta_label_find(all->options.store, database_id, request->label, &arena, &record))
        answer->existing_status = "FINISHED";
    else if (!load_hub_enter(all->options.hub, database_id, request->label, NULL))
        answer->existing_status = "RUNNING";
    if (answer->existing_status == NULL)
        return false;
    answer->status = "LABEL_ALREADY_EXISTS";
    status_ignore(RAISE(&answer->diag, LABEL_EXISTS, "Label [%.*s] has already been used.", SV_ARGS(request->label)));
    return true;
}

static void start_sweeper(LoadTransactions *all)
{
    Diag diag = {0};
    if (all->is_sweeping)
        return;
    all->is_sweeping = thread_start(&all->sweeper, "transactions", sweep, all, &diag) == OK;
    if (!all->is_sweeping)
        LOG_WARN("load", "transactions can't time out: %s", diag.message);
}

static void begin(LoadTransactions *all, uint64_t database_id, const TransactionRequest *request, Answer *answer)
{
    int64_t start = now_us(), timeout, idle, prepared;
    if (!read_seconds(request->timeout, "timeout", DEFAULT_TIMEOUT_S, answer, &timeout) ||
        !read_seconds(request->idle_timeout, "idle_transaction_timeout", 0, answer, &idle) ||
        !read_seconds(request->prepared_timeout, "prepared_timeout", DEFAULT_PREPARED_S, answer, &prepared) ||
        label_is_used(all, database_id, request, answer))
        return;
    LoadTransaction *t = mem_alloc_zero(sizeof(*t));
    *t = (LoadTransaction){.all = all, .database_id = database_id, .id = meta_new_id(all->options.store), .is_multi = request->is_multi,
                           .begun_us = start, .deadline_us = start + timeout, .idle_us = idle, .prepared_us = prepared, .touched_us = start};
    arena_init(&t->arena, NULL);
    bytebuf_append_view(&t->label, request->label);
    answer->txn_id = t->id;
    answer->has_txn = true;
    answer->took_us = now_us() - start;
    answer_with(answer, "OK", "");
    LOCK_GUARD(&all->lock);
    RolledBack *old = find_rolled_back(all, database_id, request->label);
    if (old != NULL)
        bytebuf_clear(&old->label);
    t->next = all->open;
    all->open = t;
    start_sweeper(all);
}

/* Marks it busy. NULL: answer says why. */
static LoadTransaction *take(LoadTransactions *all, uint64_t database_id, StrView label, Answer *answer)
{
    LOCK_GUARD(&all->lock);
    LoadTransaction *t = find(all, database_id, label);
    if (t == NULL)
        return NULL;
    answer->txn_id = t->id;
    answer->has_txn = true;
    if (t->is_busy) {
        answer_with(answer, "FAILED", "Transaction in processing, please retry later");
        return NULL;
    }
    t->is_busy = true;
    return t;
}

/* Ends a transaction that can't go on. */
static void give_up(LoadTransaction *t)
{
    Diag diag = {0};
    if (roll_back(t, &diag) == OK)
        return;
    LOG_WARN("load", "transaction could not be rolled back: %s", diag.message);
    give_back(t);
}

/* The loaders of a transaction that an earlier server prepared. */
static Status restore_loaders(LoadTransaction *t, Diag *diag)
{
    const LoadTransactionsOptions *options = &t->all->options;
    if (t->found == NULL || t->loaders.count > 0)
        return OK;
    CatalogSnapshot *catalog = meta_snapshot(options->store);
    Status status = OK;
    t->session = (FuncSession){.now_us = env_wall_us(environment_real())};
    for (uint32_t i = 0; i < t->found->table_count && status == OK; i++) {
        const PreparedTable *prepared = &t->found->tables[i];
        TableLoaderOptions wanted = {.store = options->store, .volume = options->volume, .catalog = catalog, .session = &t->session,
                                     .tracker = options->tracker, .keys = options->keys, .compactor = options->compactor,
                                     .table = catalog_table_by_id(catalog, prepared->table_id)};
        TableLoader *loader;
        status = wanted.table == NULL ? RAISE(diag, NO_SUCH_TABLE, "a table of the transaction was dropped meanwhile")
                                      : table_loader_open(&wanted, diag, &loader);
        if (status == OK) {
            load_transaction_add(t, prepared->table_id, loader);
            status = table_loader_adopt(loader, prepared, diag);
        }
    }
    catalog_unref(catalog);
    return status;
}

/* What the label keeps: of one table, its name too. */
static void print_answer(const LoadTransaction *t, int64_t load_us, ByteBuf *out)
{
    CatalogSnapshot *catalog = meta_snapshot(t->all->options.store);
    const CatalogTable *table = t->table_ids.count == 1 ? catalog_table_by_id(catalog, t->table_ids.items[0]) : NULL;
    LoadAnswer told = {.type = STR_VIEW("STREAM_LOAD"),
                       .table = table == NULL ? (StrView){0} : table->name,
                       .loaded_rows = (int64_t)t->sum.loaded_rows,
                       .filtered_rows = (int64_t)t->sum.filtered_rows,
                       .reply = {.kind = LOAD_REPLY_COMMIT,
                                 .total_rows = (int64_t)t->sum.total_rows,
                                 .unselected_rows = (int64_t)t->sum.unselected_rows,
                                 .bytes = (int64_t)t->sum.bytes,
                                 .load_us = load_us,
                                 .commit_began_us = env_wall_us(t->all->options.volume->environment)}};
    load_answer_print(&told, out);
    catalog_unref(catalog);
}

static Status commit_rows(LoadTransaction *t, int64_t load_us, Diag *diag)
{
    AUTO_BYTEBUF kept = {0};
    StrView label = bytebuf_view(&t->label);
    if (t->sum.loaded_rows == 0)
        return RAISE(diag, BAD_VALUE, "No rows were imported from upstream");
    TRY(restore_loaders(t, diag));
    print_answer(t, load_us, &kept);
    if (t->state == STATE_PREPARED)
        return table_loaders_commit_prepared(t->loaders.items, t->loaders.count, label, bytebuf_view(&kept), t->id, diag);
    return table_loaders_commit(t->loaders.items, t->loaders.count, label, bytebuf_view(&kept), false, t->id, diag);
}

static void drop_loaders(LoadTransaction *t)
{
    for (uint32_t i = 0; i < t->loaders.count; i++)
        table_loader_close(t->loaders.items[i]);
    t->loaders.count = t->table_ids.count = 0;
}

/* A commit of a prepared transaction that failed may be tried again; any other is over. */
static void commit_failed(LoadTransaction *t, Status status, Answer *answer)
{
    answer->status = t->sum.loaded_rows == 0 ? "INTERNAL_ERROR" : status == ERR_OUTCOME_UNKNOWN ? "PUBLISH_TIMEOUT" : "FAILED";
    if (t->state != STATE_PREPARED || t->sum.loaded_rows == 0) {
        give_up(t);
        return;
    }
    if (t->found != NULL)
        drop_loaders(t);
    give_back(t);
}

/* The answer to the commit that used the label: the first, and whoever repeats it hears the same. False: none did. */
static bool answer_kept(LoadTransactions *all, uint64_t database_id, StrView label, Answer *answer)
{
    AUTO_ARENA arena;
    LabelRecord record;
    LoadAnswer kept;
    arena_init(&arena, NULL);
    if (!meta_label_find(all->options.store, database_id, label, &arena, &record) || !record.is_durable)
        return false;
    load_answer_parse(record.answer, &kept);
    const LoadReplyFacts *facts = &kept.reply;
    if (facts->kind != LOAD_REPLY_COMMIT)
        return false;
    answer->txn_id = record.txn_id;
    answer->has_txn = answer->has_part = true;
    answer->part = (TransactionPart){.total_rows = (uint64_t)facts->total_rows, .loaded_rows = (uint64_t)kept.loaded_rows,
                                     .filtered_rows = (uint64_t)kept.filtered_rows, .unselected_rows = (uint64_t)facts->unselected_rows,
                                     .bytes = (uint64_t)facts->bytes};
    answer->load_us = facts->load_us;
    answer->commit_us = MAX(record.time_us - facts->commit_began_us, (int64_t)0);
    answer_with(answer, "OK", "");
    return true;
}

static void commit(LoadTransaction *t, Answer *answer)
{
    int64_t start = now_us();
    answer->part = t->sum;
    answer->has_part = true;
    answer->load_us = start - t->begun_us;
    if (t->sum.loaded_rows == 0 && t->is_multi) {
        answer_with(answer, "OK", "");
        give_up(t); /* nothing to keep, the label stays free */
        return;
    }
    Status status = commit_rows(t, answer->load_us, &answer->diag);
    if (status == ERR_LABEL_EXISTS && t->state == STATE_PREPARED)
        status = OK; /* an earlier commit, whose outcome was not known, took place */
    answer->commit_us = now_us() - start;
    load_hub_count(t->all->options.hub, status == OK, status == OK ? t->sum.loaded_rows : 0, 0);
    if (status != OK) {
        commit_failed(t, status, answer);
        return;
    }
    if (!answer_kept(t->all, t->database_id, bytebuf_view(&t->label), answer))
        answer_with(answer, "OK", "");
    mutex_lock(&t->all->lock);
    unlink_transaction(t);
    mutex_unlock(&t->all->lock);
    free_transaction(t);
}

static Status build_prepared(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const PreparedTransaction *prepared = context;
    if (catalog_database_by_id(catalog, prepared->database_id) == NULL)
        return RAISE(diag, NO_SUCH_DATABASE, "the database was dropped meanwhile");
    change_put_prepared(change, prepared);
    return OK;
}

static Status journal_prepared(LoadTransaction *t, Diag *diag)
{
    PreparedTransaction *prepared = prepared_new();
    prepared->database_id = t->database_id;
    prepared->id = t->id;
    prepared->label = bytebuf_view(&t->label);
    prepared->is_multi = t->is_multi;
    prepared->time_us = env_wall_us(environment_real());
    prepared->timeout_us = t->prepared_us;
    prepared->total_rows = t->sum.total_rows;
    prepared->loaded_rows = t->sum.loaded_rows;
    prepared->filtered_rows = t->sum.filtered_rows;
    prepared->unselected_rows = t->sum.unselected_rows;
    prepared->bytes = t->sum.bytes;
    prepared->tables = ARENA_NEW_ARRAY(&prepared->arena, PreparedTable, t->loaders.count + 1);
    prepared->table_count = t->loaders.count;
    Status status = OK;
    for (uint32_t i = 0; i < t->loaders.count && status == OK; i++)
        status = table_loader_prepare(t->loaders.items[i], &prepared->arena, diag, &prepared->tables[i]);
    if (status == OK)
        status = meta_commit(t->all->options.store, build_prepared, prepared, diag);
    prepared_unref(prepared);
    return status;
}

/* Once more is fine. */
static void prepare(LoadTransaction *t, Answer *answer)
{
    answer->part = t->sum;
    answer->has_part = true;
    answer->load_us = now_us() - t->begun_us;
    Status status = t->state == STATE_PREPARED ? OK : journal_prepared(t, &answer->diag);
    if (status == OK) {
        answer_with(answer, "OK", "");
        t->state = STATE_PREPARED;
    } else if (status == ERR_OUTCOME_UNKNOWN) {
        answer->status = "PUBLISH_TIMEOUT";
    }
    give_back(t);
}

/* The label of no open transaction: committed, rolled back, or never begun. */
static void answer_ended(LoadTransactions *all, TransactionOp op, uint64_t database_id, StrView label, Answer *answer)
{
    AUTO_ARENA arena;
    LabelRecord record;
    arena_init(&arena, NULL);
    if (op == TRANSACTION_COMMIT && answer_kept(all, database_id, label, answer))
        return;
    if (meta_label_find(all->options.store, database_id, label, &arena, &record)) {
        answer->txn_id = record.txn_id;
        answer->has_txn = true;
        answer_with(answer, op == TRANSACTION_COMMIT ? "OK" : "FAILED", "Transaction already commited");
        return;
    }
    LOCK_GUARD(&all->lock);
    const RolledBack *old = find_rolled_back(all, database_id, label);
    if (old == NULL) {
        status_ignore(RAISE(&answer->diag, INVALID_ARGUMENT, "Transaction with label %.*s not exist", SV_ARGS(label)));
        return;
    }
    answer->txn_id = old->id;
    answer->has_txn = true;
    answer_with(answer, op == TRANSACTION_ROLLBACK ? "OK" : "FAILED", "Transaction already aborted");
}

static void run(LoadTransactions *all, TransactionOp op, uint64_t database_id, const TransactionRequest *request, Answer *answer)
{
    if (op == TRANSACTION_BEGIN) {
        begin(all, database_id, request, answer);
        return;
    }
    LoadTransaction *t = take(all, database_id, request->label, answer);
    if (t == NULL) {
        if (answer->message == NULL)
            answer_ended(all, op, database_id, request->label, answer);
    } else if (op == TRANSACTION_ROLLBACK) {
        if (roll_back(t, &answer->diag) == OK)
            answer_with(answer, "OK", "");
        else
            give_back(t);
    } else if (op == TRANSACTION_PREPARE) {
        prepare(t, answer);
    } else {
        commit(t, answer);
    }
}

void load_transactions_run(LoadTransactions *all, TransactionOp op, const TransactionRequest *request, ByteBuf *reply)
{
    Answer answer = {.status = "FAILED", .took_us = -1};
    uint64_t database_id;
    if (find_database(all, request, &answer, &database_id))
        run(all, op, database_id, request, &answer);
    put_answer(request, &answer, reply);
}

uint32_t load_transactions_tables(LoadTransactions *all, uint64_t database_id, StrView label, Arena *arena, uint64_t **out_ids)
{
    LOCK_GUARD(&all->lock);
    const LoadTransaction *t = find(all, database_id, label);
    uint32_t prepared = t == NULL || t->found == NULL ? 0 : t->found->table_count;
    uint32_t count = t == NULL ? 0 : t->table_ids.count;
    *out_ids = ARENA_NEW_ARRAY(arena, uint64_t, prepared + count + 1);
    for (uint32_t i = 0; i < prepared; i++)
        (*out_ids)[i] = t->found->tables[i].table_id;
    for (uint32_t i = 0; i < count; i++)
        (*out_ids)[prepared + i] = t->table_ids.items[i];
    return prepared + count;
}

const char *load_transactions_state(LoadTransactions *all, uint64_t database_id, StrView label)
{
    LOCK_GUARD(&all->lock);
    const LoadTransaction *t = find(all, database_id, label);
    return t == NULL ? NULL : t->state == STATE_PREPARED ? "PREPARED" : "PREPARE";
}

bool load_transactions_cancel(LoadTransactions *all, uint64_t database_id, StrView label)
{
    Answer answer = {0};
    LoadTransaction *t = take(all, database_id, label, &answer);
    if (t == NULL)
        return false;
    if (roll_back(t, &answer.diag) == OK)
        return true;
    give_back(t);
    return false;
}

uint32_t load_transactions_open_count(LoadTransactions *all)
{
    LOCK_GUARD(&all->lock);
    uint32_t count = 0;
    for (const LoadTransaction *t = all->open; t != NULL; t = t->next)
        count++;
    return count;
}

/* ---- loads ---- */

LoadTransaction *load_transaction_enter(LoadTransactions *all, const TransactionRequest *request, ByteBuf *reply)
{
    Answer answer = {.status = "FAILED", .took_us = -1};
    uint64_t database_id;
    LoadTransaction *t = NULL;
    if (find_database(all, request, &answer, &database_id)) {
        t = take(all, database_id, request->label, &answer);
        if (t == NULL && answer.message == NULL) {
            answer_ended(all, TRANSACTION_PREPARE, database_id, request->label, &answer);
            if (answer.has_txn && !request->is_multi)
                answer_with(&answer, "TXN_NOT_EXISTS", "TXN_NOT_EXISTS");
        }
        if (t != NULL && t->state == STATE_PREPARED) {
            give_back(t);
            t = NULL;
            answer_with(&answer, "FAILED", "Transaction already prepared");
        }
    }
    if (t == NULL)
        put_answer(request, &answer, reply);
    return t;
}

TableLoader *load_transaction_loader(LoadTransaction *t, uint64_t table_id)
{
    for (uint32_t i = 0; i < t->table_ids.count; i++) {
        if (t->table_ids.items[i] == table_id)
            return t->loaders.items[i];
    }
    return NULL;
}

void load_transaction_add(LoadTransaction *t, uint64_t table_id, TableLoader *loader)
{
    LOCK_GUARD(&t->all->lock); /* load_transactions_tables() reads them meanwhile */
    ARRAY_PUSH(&t->arena, &t->table_ids, table_id);
    ARRAY_PUSH(&t->arena, &t->loaders, loader);
}

uint64_t load_transaction_id(const LoadTransaction *t)
{
    return t->id;
}

void load_transaction_leave(LoadTransaction *t, const TransactionPart *part)
{
    if (part->load == NULL) {
        give_up(t);
        return;
    }
    ARRAY_PUSH(&t->arena, &t->loads, part->load);
    t->sum.total_rows += part->total_rows;
    t->sum.loaded_rows += part->loaded_rows;
    t->sum.filtered_rows += part->filtered_rows;
    t->sum.unselected_rows += part->unselected_rows;
    t->sum.bytes += part->bytes;
    give_back(t);
}

/* ---- start ---- */

/* How long ago it was prepared is told by the wall clock, which may have been set back. */
static void take_up(LoadTransactions *all, PreparedTransaction *prepared)
{
    LoadTransaction *t = mem_alloc_zero(sizeof(*t));
    int64_t now = now_us();
    int64_t age = env_wall_us(environment_real()) - prepared->time_us;
    *t = (LoadTransaction){.all = all, .next = all->open, .database_id = prepared->database_id, .id = prepared->id, .state = STATE_PREPARED,
                           .is_multi = prepared->is_multi, .begun_us = now, .deadline_us = now, .prepared_us = prepared->timeout_us,
                           .touched_us = now - MAX(age, (int64_t)0), .found = prepared};
    t->sum = (TransactionPart){.total_rows = prepared->total_rows, .loaded_rows = prepared->loaded_rows,
                               .filtered_rows = prepared->filtered_rows, .unselected_rows = prepared->unselected_rows,
                               .bytes = prepared->bytes};
    atomic_fetch_add(&prepared->references, 1);
    arena_init(&t->arena, NULL);
    bytebuf_append_view(&t->label, prepared->label);
    (void)load_hub_enter(all->options.hub, prepared->database_id, prepared->label, NULL);
    all->open = t;
}

static bool is_prepared(const CatalogSnapshot *catalog, const LoadTransaction *t)
{
    for (uint32_t i = 0; i < catalog->prepared_count; i++) {
        if (catalog->prepared[i]->id == t->id)
            return true;
    }
    return false;
}

/* With the lock held: the first that another leader has ended. */
static LoadTransaction *find_ended(const LoadTransactions *all, const CatalogSnapshot *catalog)
{
    LoadTransaction *t = all->open;
    while (t != NULL && (t->found == NULL || t->is_busy || is_prepared(catalog, t)))
        t = t->next;
    return t;
}

void load_transactions_take_up(LoadTransactions *all)
{
    LoadTransaction *ended;
    CatalogSnapshot *catalog = meta_snapshot(all->options.store);
    mutex_lock(&all->lock);
    while ((ended = find_ended(all, catalog)) != NULL) {
        unlink_transaction(ended);
        mutex_unlock(&all->lock);
        free_transaction(ended);
        mutex_lock(&all->lock);
    }
    for (uint32_t i = 0; i < catalog->prepared_count; i++) {
        if (find(all, catalog->prepared[i]->database_id, catalog->prepared[i]->label) == NULL)
            take_up(all, catalog->prepared[i]);
    }
    if (all->open != NULL)
        start_sweeper(all);
    mutex_unlock(&all->lock);
    catalog_unref(catalog);
}

LoadTransactions *load_transactions_open(const LoadTransactionsOptions *options)
{
    LoadTransactions *all = mem_alloc_zero(sizeof(*all));
    all->options = *options;
    mutex_init(&all->lock);
    condition_init(&all->stop);
    load_transactions_take_up(all);
    return all;
}
