#include "connector/file_table_int.h"

/* Scans of Parquet files. Morsels are row groups; a worker that finds none opens the next file, whose row groups then are for all.
 * Row groups whose statistics rule out that a row passes the filter above are left out. Columns are found by name in each file and
 * cast where its type is not the table's. */

#include "base/memory.h"

typedef struct OpenFile {
    const FileEntry *entry;
    ParquetInput input;
    bool is_kept;         /* the table's, not ours to close */
    int *positions;       /* by wanted column: in the file; -1: NULL, or from the path */
    uint32_t left;        /* row groups that are not done */
    uint32_t next;        /* row group to hand out */
    uint32_t group_count;
    struct OpenFile *queue; /* files with row groups left */
} OpenFile;

typedef struct ParquetWorker {
    Arena arena; /* as long as a row group */
    Evaluator *casts;
} ParquetWorker;

typedef struct ParquetScan {
    ConnectorScan scan;
    Arena arena; /* under lock */
    Mutex lock;  /* guards all below */
    Condition changed;
    OpenFile *queue;
    uint32_t next_file;
    uint32_t opening; /* workers that are at it */
    bool has_failed;
    ParquetWorker *workers;
    _Atomic uint64_t groups, skipped;
} ParquetScan;

/* ---- files ---- */

static int find_column(const ParquetFile *file, StrView name)
{
    for (uint32_t i = 0; i < parquet_column_count(file); i++) {
        if (strview_equal_ci(parquet_column_name(file, i), name))
            return (int)i;
    }
    return -1;
}

static Status find_columns(const ParquetScan *scan, OpenFile *file)
{
    const FileTable *table = scan->scan.table;
    const ConnectorRequest *request = scan->scan.request;
    file->positions = mem_alloc_zero(sizeof(int) * (request->column_count + 1));
    for (uint32_t i = 0; i < request->column_count; i++) {
        uint32_t ordinal = request->ordinals[i];
        file->positions[i] = ordinal < table->file_column_count ? find_column(file->input.file, table->columns[ordinal].name) : -1;
        if (file->positions[i] < 0 && ordinal < table->file_column_count && !table->options.fills_missing)
            return RAISE(request->diag, BAD_VALUE, "column '%.*s' is not in file '%s'. Consider setting 'fill_mismatch_column_with' = 'null' property",
                         SV_ARGS(table->columns[ordinal].name), file->entry->url);
    }
    return OK;
}

static void close_file(OpenFile *file)
{
    if (!file->is_kept)
        parquet_input_close(&file->input);
    mem_free(file->positions);
    mem_free(file);
}

static Status open_file(const ParquetScan *scan, uint32_t number, OpenFile **out_file)
{
    const FileTable *table = scan->scan.table;
    OpenFile *file = mem_alloc_zero(sizeof(*file));
    Status status = OK;
    file->entry = &table->files.items[number];
    file->input = table->inputs[number];
    file->is_kept = file->input.file != NULL;
    if (!file->is_kept)
        status = parquet_input_open(table, file->entry, scan->scan.request->memory, scan->scan.request->diag, &file->input);
    if (status == OK)
        status = find_columns(scan, file);
    if (status != OK) {
        close_file(file);
        return status;
    }
    file->group_count = file->left = parquet_row_group_count(file->input.file);
    *out_file = file;
    return OK;
}

/* ---- what is left out ---- */

static bool are_comparable(Type range, Type column)
{
    bool are_integers = type_is_integer(range) && type_is_integer(column) && range.kind != TYPE_LARGEINT && column.kind != TYPE_LARGEINT;
    return are_integers || type_equal(range, column) || (type_is_string(range) && type_is_string(column));
}

static bool may_match(const ParquetScan *scan, const OpenFile *file, uint32_t group)
{
    const ConnectorRequest *request = scan->scan.request;
    for (uint32_t i = 0; i < request->range_count; i++) {
        const ColumnRange *range = &request->ranges[i];
        int position = range->slot < request->column_count ? file->positions[range->slot] : -1;
        PageStats stats;
        if (position < 0 || !are_comparable(range->type, parquet_column_type(file->input.file, (uint32_t)position)))
            continue;
        parquet_row_group_stats(file->input.file, group, (uint32_t)position, &stats);
        bool is_all_null = stats.null_count == stats.row_count;
        if (!stats.has_bounds && !is_all_null)
            continue;
        /* NULLs that are not counted may be there. */
        uint64_t nulls = stats.null_count == UINT32_MAX ? 1 : stats.null_count;
        if (!range_may_match(range, is_all_null ? NULL : &stats.min, is_all_null ? NULL : &stats.max, nulls, stats.row_count))
            return false;
    }
    return true;
}

/* ---- row groups ---- */

typedef struct GroupRead {
    ParquetScan *scan;
    const OpenFile *file;
    ParquetWorker *worker;
    uint32_t number; /* of the worker */
    uint32_t *columns; /* of the file, each once */
    uint32_t column_count;
    uint32_t *slots; /* by wanted column: in columns */
    Vector *read, *out;
} GroupRead;

static void plan_columns(GroupRead *group)
{
    const ConnectorRequest *request = group->scan->scan.request;
    Arena *arena = &group->worker->arena;
    group->columns = ARENA_NEW_ARRAY(arena, uint32_t, request->column_count + 1);
    group->slots = ARENA_NEW_ARRAY(arena, uint32_t, request->column_count + 1);
    for (uint32_t i = 0; i < request->column_count; i++) {
        int position = group->file->positions[i];
        if (position < 0)
            continue;
        group->slots[i] = group->column_count;
        group->columns[group->column_count++] = (uint32_t)position;
    }
    group->read = ARENA_NEW_ARRAY(arena, Vector, group->column_count + 1);
    group->out = ARENA_NEW_ARRAY(arena, Vector, request->column_count + 1);
}

/* Constants once a row group; casts where the types differ. */
static Status plan_outputs(GroupRead *group)
{
    const FileTable *table = group->scan->scan.table;
    const ConnectorRequest *request = group->scan->scan.request;
    Arena *arena = &group->worker->arena;
    Expr **exprs = ARENA_NEW_ARRAY(arena, Expr *, group->column_count + 1);
    bool has_casts = false;
    for (uint32_t i = 0; i < request->column_count; i++) {
        Type type = table->columns[request->ordinals[i]].type;
        if (group->file->positions[i] < 0) {
            vector_make_constant_null(&group->out[i], arena, type);
            continue;
        }
        uint32_t slot = group->slots[i];
        Type from = parquet_column_type(group->file->input.file, group->columns[slot]);
        exprs[slot] = expr_column(arena, 0, from, true, table->columns[request->ordinals[i]].name);
        exprs[slot]->column.slot = slot;
        if (type_equal(from, type) || from.kind == TYPE_NULL)
            continue;
        has_casts = true;
        TRY(expr_cast(arena, exprs[slot], type, true, request->diag, &exprs[slot]));
    }
    TRY(file_path_columns(table, request, group->file->entry, arena, group->out));
    if (!has_casts)
        return OK;
    return evaluator_open((const Expr *const *)exprs, group->column_count, request->session, request->memory, request->diag, &group->worker->casts);
}

static Status emit_chunk(GroupRead *group, uint32_t rows)
{
    const ConnectorRequest *request = group->scan->scan.request;
    Arena *arena = &group->worker->arena;
    const Vector **results = ARENA_NEW_ARRAY(arena, const Vector *, group->column_count + 1);
    Chunk in = {.columns = group->read, .column_count = group->column_count, .row_count = rows};
    if (group->worker->casts != NULL)
        TRY(evaluator_run(group->worker->casts, &in, results));
    for (uint32_t i = 0; i < request->column_count; i++) {
        if (group->file->positions[i] >= 0)
            vector_reference(&group->out[i], group->worker->casts != NULL ? results[group->slots[i]] : &group->read[group->slots[i]]);
    }
    Chunk out = {.columns = group->out, .column_count = request->column_count, .row_count = rows};
    file_scan_note(request, rows, 0);
    return request->sink.push(request->sink.context, group->number, &out);
}

static Status read_rows(GroupRead *group, ParquetReader *reader, bool *out_is_full)
{
    const ConnectorRequest *request = group->scan->scan.request;
    ArenaMark mark = arena_mark(&group->worker->arena);
    for (;;) {
        uint32_t rows = 0;
        arena_release(&group->worker->arena, mark);
        TRY(request->sink.check(request->sink.context, out_is_full));
        if (*out_is_full)
            return OK;
        TRY(parquet_reader_next(reader, group->read, &rows, request->diag));
        if (rows == 0)
            return OK;
        TRY(emit_chunk(group, rows));
    }
}

static Status scan_group(ParquetScan *scan, uint32_t number, const OpenFile *file, uint32_t row_group, bool *out_is_full)
{
    const ConnectorRequest *request = scan->scan.request;
    ParquetWorker *worker = &scan->workers[number];
    GroupRead group = {.scan = scan, .file = file, .worker = worker, .number = number};
    ParquetReader *reader = NULL;
    atomic_fetch_add(&scan->groups, 1);
    if (!may_match(scan, file, row_group)) {
        atomic_fetch_add(&scan->skipped, 1);
        return OK;
    }
    arena_reset(&worker->arena);
    plan_columns(&group);
    file_scan_note(request, 0, parquet_row_group_bytes(file->input.file, row_group, group.columns, group.column_count));
    Status status = plan_outputs(&group);
    if (status == OK)
        status = parquet_reader_open(file->input.file, row_group, group.columns, group.column_count, request->memory, request->diag, &reader);
    if (status == OK)
        status = read_rows(&group, reader, out_is_full);
    parquet_reader_close(reader);
    evaluator_close(worker->casts);
    worker->casts = NULL;
    return status;
}

/* ---- workers ---- */

/* Lock held on entry and exit. */
static Status open_next(ParquetScan *scan)
{
    OpenFile *file = NULL;
    uint32_t number = scan->next_file++;
    scan->opening++;
    mutex_unlock(&scan->lock);
    Status status = open_file(scan, number, &file);
    mutex_lock(&scan->lock);
    scan->opening--;
    if (status == OK && file->group_count == 0) {
        close_file(file);
    } else if (status == OK) {
        file->queue = scan->queue;
        scan->queue = file;
    }
    condition_broadcast(&scan->changed);
    return status;
}

/* *out_file NULL: there are no more. Lock held on entry and exit. */
static Status next_group(ParquetScan *scan, OpenFile **out_file, uint32_t *out_group)
{
    *out_file = NULL;
    while (!scan->has_failed) {
        OpenFile *file = scan->queue;
        if (file != NULL) {
            *out_file = file;
            *out_group = file->next++;
            if (file->next == file->group_count)
                scan->queue = file->queue;
            return OK;
        }
        if (scan->next_file < scan->scan.table->files.count)
            TRY(open_next(scan));
        else if (scan->opening > 0)
            condition_wait(&scan->changed, &scan->lock);
        else
            return OK;
    }
    return OK;
}

static Status work_locked(ParquetScan *scan, uint32_t worker)
{
    bool is_full = false;
    while (!is_full) {
        OpenFile *file;
        uint32_t group = 0;
        TRY(next_group(scan, &file, &group));
        if (file == NULL)
            return OK;
        mutex_unlock(&scan->lock);
        Status status = scan_group(scan, worker, file, group, &is_full);
        mutex_lock(&scan->lock);
        if (--file->left == 0)
            close_file(file);
        TRY(status);
    }
    return OK;
}

Status parquet_work(ConnectorScan *connector_scan, uint32_t worker)
{
    ParquetScan *scan = (ParquetScan *)connector_scan;
    LOCK_GUARD(&scan->lock);
    Status status = work_locked(scan, worker);
    scan->has_failed |= status != OK;
    condition_broadcast(&scan->changed);
    return status;
}

Status parquet_open_scan(const ConnectorTable *table, const ConnectorRequest *request, ConnectorScan **out_scan)
{
    ParquetScan *scan = mem_alloc_zero(sizeof(*scan));
    scan->scan = (ConnectorScan){file_table_of(table), request};
    arena_init(&scan->arena, request->memory);
    mutex_init(&scan->lock);
    condition_init(&scan->changed);
    scan->workers = ARENA_NEW_ARRAY(&scan->arena, ParquetWorker, request->worker_count);
    for (uint32_t i = 0; i < request->worker_count; i++)
        arena_init(&scan->workers[i].arena, request->memory);
    *out_scan = &scan->scan;
    return OK;
}

/* Files whose row groups were not all read: the scan ended before. */
static void close_rest(ParquetScan *scan)
{
    for (OpenFile *file = scan->queue, *next; file != NULL; file = next) {
        next = file->queue;
        close_file(file);
    }
}

void parquet_close_scan(ConnectorScan *connector_scan, ByteBuf *out_note)
{
    ParquetScan *scan = (ParquetScan *)connector_scan;
    bytebuf_printf(out_note, "files %u, row groups %llu, left out by statistics %llu", scan->scan.table->files.count,
                   (unsigned long long)atomic_load(&scan->groups), (unsigned long long)atomic_load(&scan->skipped));
    close_rest(scan);
    for (uint32_t i = 0; i < scan->scan.request->worker_count; i++)
        arena_deinit(&scan->workers[i].arena);
    arena_deinit(&scan->arena);
    condition_deinit(&scan->changed);
    mutex_deinit(&scan->lock);
    mem_free(scan);
}
