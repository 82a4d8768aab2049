#include "exec/delete_cache.h"
#include "exec/exec_int.h"
#include "exec/scan_index.h"
#include "format/segment.h"
#include "storage/delete_vector.h"

/* Scans. A morsel is a few pages of one segment. Zone maps drop pages by the predicates' ranges and by
 * the bounds of runtime filters, then the pages' own filters (indexes) those without the values; predicate columns are
 * read first, the others only for pages where rows survive. Of remote volumes, the pages of the next morsels are
 * fetched ahead, few at first: a query with a LIMIT may not need them. */

enum { FEW = 6 }; /* a page of which fewer than one in so many rows are deleted is nearly whole */
enum { MORSEL_PAGES = 8, MAX_RANGES = 32, FIRST_AHEAD = 4, AHEAD_GROWTH = 4, MOST_AHEAD = 64 };

typedef struct ScanMorsel {
    uint32_t segment;
    uint32_t first_page, page_count;
} ScanMorsel;

typedef struct ScanWorker {
    Arena pages;
    Vector *columns;
    uint16_t *sel;
    uint16_t *alive, *dropped; /* rows of a page that are not deleted, and that are */
    Evaluator *filter;
} ScanWorker;

typedef struct Scan {
    ExecContext *exec;
    const PhysNode *node;
    Consumer *consumer;
    Segment **segments;
    int **positions; /* [segment][column]: in the segment, or -1 */
    const DeleteEntry **deletes; /* by segment; NULL: none */
    uint32_t **first_rows;  /* by segment and page, where row numbers matter; else NULL */
    bool wants_location;
    ScanMorsel *morsels;
    uint32_t morsel_count;
    _Atomic uint32_t next_morsel;
    bool is_remote;
    _Atomic uint32_t next_ahead; /* morsels below it are being fetched */
    ReadScope reads;
    ColumnRange ranges[MAX_RANGES];
    uint32_t range_count;
    ScanProbes probes;
    bool *is_predicate; /* a scan column */
    ScanWorker *workers;
} Scan;

static void mark_columns(const Expr *expr, bool *marks)
{
    if (expr->kind == EXPR_COLUMN)
        marks[expr->column.slot] = true;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        mark_columns(expr->arguments[i], marks);
}

/* Delete vectors and row locations count rows from the start of the segment. */
static Status open_rows(Scan *scan, uint32_t s)
{
    Arena *arena = &scan->exec->arena;
    const SegmentRef *ref = &scan->node->scan.segments[s];
    if (ref->deletes == NULL && !scan->wants_location)
        return OK;
    if (segment_row_count(scan->segments[s]) != ref->row_count)
        return RAISE(scan->exec->diag, CORRUPT, "segment in object \"%.*s\" has other rows than metadata says", SV_ARGS(ref->path));
    if (ref->deletes != NULL) {
        SegmentCache *cache = scan->exec->options->segments;
        DeleteEntry *entry;
        TRY(delete_cache_get(segment_cache_deletes(cache), segment_cache_volume(cache), ref, scan->exec->diag, &entry));
        ARRAY_PUSH(&scan->exec->lasting, &scan->exec->deletes, entry);
        scan->deletes[s] = entry;
    }
    uint32_t pages = segment_page_count(scan->segments[s]);
    uint32_t *first_rows = scan->first_rows[s] = ARENA_NEW_ARRAY(arena, uint32_t, pages + 1);
    for (uint32_t p = 0; p < pages; p++)
        first_rows[p + 1] = first_rows[p] + segment_page_rows(scan->segments[s], p);
    return OK;
}

static Status open_segments(Scan *scan)
{
    const PhysNode *node = scan->node;
    Arena *arena = &scan->exec->arena;
    uint32_t count = node->scan.segment_count;
    scan->segments = ARENA_NEW_ARRAY(arena, Segment *, MAX(count, 1u));
    scan->positions = ARENA_NEW_ARRAY(arena, int *, MAX(count, 1u));
    scan->deletes = ARENA_NEW_ARRAY(arena, const DeleteEntry *, MAX(count, 1u));
    scan->first_rows = ARENA_NEW_ARRAY(arena, uint32_t *, MAX(count, 1u));
    for (uint32_t c = 0; c < node->scan.scan_column_count; c++)
        scan->wants_location |= node->scan.scan_columns[c].unique_id == PHYS_ROW_LOCATION;
    uint32_t morsels = 0;
    segment_cache_prepare(scan->exec->options->segments, node->scan.segments, count);
    for (uint32_t s = 0; s < count; s++) {
        TRY(exec_open_segment(scan->exec, &node->scan.segments[s], &scan->segments[s]));
        TRY(open_rows(scan, s));
        scan->positions[s] = ARENA_NEW_ARRAY(arena, int, MAX(node->scan.scan_column_count, 1u));
        for (uint32_t c = 0; c < node->scan.scan_column_count; c++)
            scan->positions[s][c] = segment_find_column(scan->segments[s], node->scan.scan_columns[c].unique_id);
        morsels += (segment_page_count(scan->segments[s]) + MORSEL_PAGES - 1) / MORSEL_PAGES;
    }
    scan->morsels = ARENA_NEW_ARRAY(arena, ScanMorsel, MAX(morsels, 1u));
    for (uint32_t s = 0; s < count; s++) {
        uint32_t pages = segment_page_count(scan->segments[s]);
        for (uint32_t p = 0; p < pages; p += MORSEL_PAGES)
            scan->morsels[scan->morsel_count++] = (ScanMorsel){s, p, MIN(pages - p, (uint32_t)MORSEL_PAGES)};
        scan->is_remote |= segment_is_remote(scan->segments[s]);
    }
    return OK;
}

static bool bounds_overlap(const Scan *scan, uint32_t segment, uint32_t page, uint32_t column, int64_t low, int64_t high)
{
    int position = scan->positions[segment][column];
    if (position < 0)
        return true;
    PageStats stats;
    segment_page_stats(scan->segments[segment], page, position, &stats);
    if (!stats.has_bounds)
        return stats.null_count < stats.row_count;
    return stats.max.i64 >= low && stats.min.i64 <= high;
}

static bool page_may_match(const Scan *scan, uint32_t segment, uint32_t page)
{
    for (uint32_t r = 0; r < scan->range_count; r++) {
        const ColumnRange *range = &scan->ranges[r];
        int position = scan->positions[segment][range->slot];
        PageStats stats;
        if (position < 0)
            continue;
        segment_page_stats(scan->segments[segment], page, position, &stats);
        if (!range_may_match(range, stats.has_bounds ? &stats.min : NULL, stats.has_bounds ? &stats.max : NULL,
                             stats.null_count, stats.row_count))
            return false;
    }
    for (uint32_t f = 0; f < scan->node->scan.filter_count; f++) {
        const PhysFilterTarget *target = &scan->node->scan.filters[f];
        const RuntimeFilter *filter = &scan->exec->filters[target->id];
        if (!filter->is_ready)
            continue;
        if (filter->is_empty || !bounds_overlap(scan, segment, page, target->slot, filter->min, filter->max))
            return false;
    }
    return true;
}

static void read_location(Scan *scan, ScanWorker *worker, uint32_t segment, uint32_t page, Vector *out)
{
    uint32_t rows = segment_page_rows(scan->segments[segment], page);
    uint64_t first = (uint64_t)segment << 32 | scan->first_rows[segment][page];
    vector_init(out, &worker->pages, type_of(TYPE_BIGINT), rows);
    for (uint32_t row = 0; row < rows; row++)
        ((int64_t *)out->data)[row] = (int64_t)(first + row);
}

static void select_alive(Scan *scan, ScanWorker *worker, uint32_t segment, uint32_t page, Chunk *chunk)
{
    chunk->selected =
        delete_vector_alive(delete_entry_vector(scan->deletes[segment]), scan->first_rows[segment][page], chunk->row_count, worker->alive);
    chunk->sel = worker->alive;
}

/* False: no row of the page is left. */
static bool drop_deleted(Scan *scan, ScanWorker *worker, uint32_t segment, uint32_t page, Chunk *chunk)
{
    const uint16_t *dead;
    if (scan->deletes[segment] == NULL)
        return true;
    uint32_t count = delete_list_slice(delete_entry_list(scan->deletes[segment]), scan->first_rows[segment][page], chunk->row_count,
                                       worker->dropped, &dead);
    if (count == 0 || count == chunk->row_count)
        return count == 0;
    if (count <= chunk->row_count / FEW) {
        chunk->dropped = dead;
        chunk->dropped_count = count;
        chunk->dropped_bits = delete_vector_bits(delete_entry_vector(scan->deletes[segment]), scan->first_rows[segment][page]);
    }
    bool is_filtered = scan->node->scan.conjunct_count > 0;
    bool may_be_whole = is_filtered ? evaluator_can_run_whole(worker->filter) : scan->consumer->takes_whole && scan->node->scan.filter_count == 0;
    if (chunk->dropped == NULL || !may_be_whole)
        select_alive(scan, worker, segment, page, chunk);
    return true;
}

/* rows: those that are looked at. */
static Status read_column(Scan *scan, ScanWorker *worker, uint32_t segment, uint32_t page, uint32_t column, Rows rows)
{
    const PhysScanColumn *spec = &scan->node->scan.scan_columns[column];
    int position = scan->positions[segment][column];
    if (spec->unique_id == PHYS_ROW_LOCATION) {
        read_location(scan, worker, segment, page, &worker->columns[column]);
        return OK;
    }
    if (position >= 0 && scan->exec->options->scanned != NULL)
        atomic_fetch_add_explicit(&scan->exec->options->scanned->bytes, segment_page_bytes(scan->segments[segment], page, position),
                                  memory_order_relaxed);
    if (position >= 0)
        return segment_read_rows(scan->segments[segment],
                                 &(SegmentRead){page, position, spec->type, rows, &worker->pages, scan->exec->diag},
                                 &worker->columns[column]);
    vector_set_constant(&worker->columns[column], &worker->pages, spec->type, spec->missing);
    return OK;
}

static bool filter_has(const RuntimeFilter *filter, int64_t value)
{
    if (value < filter->min || value > filter->max)
        return false;
    uint64_t bit = (uint64_t)(value - filter->min);
    return filter->bits == NULL || ((filter->bits[bit / 64] >> (bit % 64)) & 1) != 0;
}

#define FILTER_LOOP(T)                                                                            \
    for (FOR_ROWS(rows, i, row)) {                                                                \
        out[kept] = (uint16_t)row;                                                                \
        kept += filter_has(filter, (int64_t)((const T *)view.data)[view_index(&view, row)]) &&    \
                !(has_nulls && view_is_null(&view, row));                                         \
    }

static uint32_t apply_runtime_filter(const RuntimeFilter *filter, const Vector *column, Rows rows, uint16_t *out)
{
    VectorView view = vector_view(column);
    bool has_nulls = view.nulls != NULL || view.row_nulls != NULL;
    uint32_t kept = 0;
    switch ((PhysKind)column->type.phys) {
    case PHYS_I8:
        FILTER_LOOP(int8_t)
        break;
    case PHYS_I16:
        FILTER_LOOP(int16_t)
        break;
    case PHYS_I32:
        FILTER_LOOP(int32_t)
        break;
    case PHYS_I64:
        FILTER_LOOP(int64_t)
        break;
    default:
        for (FOR_ROWS(rows, i, row))
            out[kept++] = (uint16_t)row;
        break;
    }
    return kept;
}

static Status filter_page(Scan *scan, ScanWorker *worker, Chunk *chunk, bool *out_any)
{
    if (scan->node->scan.conjunct_count > 0) {
        uint32_t selected;
        TRY(evaluator_filter(worker->filter, chunk, worker->sel, &selected));
        chunk->sel = worker->sel;
        chunk->selected = selected;
    }
    for (uint32_t f = 0; f < scan->node->scan.filter_count && chunk_alive(chunk) > 0; f++) {
        const PhysFilterTarget *target = &scan->node->scan.filters[f];
        const RuntimeFilter *filter = &scan->exec->filters[target->id];
        if (!filter->is_ready)
            continue;
        chunk->selected = apply_runtime_filter(filter, &chunk->columns[target->slot], chunk_rows(chunk), worker->sel);
        chunk->sel = worker->sel;
    }
    *out_any = chunk_alive(chunk) > 0;
    return OK;
}

static Status scan_page(Scan *scan, uint32_t number, uint32_t segment, uint32_t page)
{
    ScanWorker *worker = &scan->workers[number];
    const PhysNode *node = scan->node;
    bool any;
    bool is_in_bounds = page_may_match(scan, segment, page);
    if (!is_in_bounds || !scan_probes_may_match(&scan->probes, scan->segments[segment], page, scan->positions[segment])) {
        profile_page(scan->exec, node, is_in_bounds);
        return OK;
    }
    arena_reset(&worker->pages);
    if (scan->exec->options->scanned != NULL)
        atomic_fetch_add_explicit(&scan->exec->options->scanned->rows, segment_page_rows(scan->segments[segment], page), memory_order_relaxed);
    for (uint32_t c = 0; c < node->scan.scan_column_count; c++) {
        if (scan->is_predicate[c])
            TRY(read_column(scan, worker, segment, page, c, (Rows){NULL, segment_page_rows(scan->segments[segment], page)}));
    }
    Chunk chunk = {.columns = worker->columns, .column_count = node->scan.scan_column_count,
                   .row_count = segment_page_rows(scan->segments[segment], page)};
    if (!drop_deleted(scan, worker, segment, page, &chunk))
        return OK;
    TRY(filter_page(scan, worker, &chunk, &any));
    if (!any)
        return OK;
    Rows rows = chunk_is_nearly_whole(&chunk) ? (Rows){NULL, chunk.row_count} : chunk_rows(&chunk);
    for (uint32_t c = 0; c < node->column_count; c++) {
        if (!scan->is_predicate[c])
            TRY(read_column(scan, worker, segment, page, c, rows));
    }
    chunk.column_count = node->column_count;
    profile_rows(scan->exec, node, chunk_alive(&chunk) - (chunk.sel == NULL ? chunk.dropped_count : 0));
    return scan->consumer->push(scan->consumer, number, &chunk);
}

/* Pages of two morsels, when they share a row group: the ranges of a column are one then. */
static void fetch_ahead(const Scan *scan, uint32_t first, uint32_t end)
{
    uint32_t low = UINT32_MAX, high = 0;
    for (uint32_t m = first; m < end; m++) {
        const ScanMorsel *morsel = &scan->morsels[m];
        for (uint32_t p = morsel->first_page; p < morsel->first_page + morsel->page_count; p++) {
            if (!page_may_match(scan, morsel->segment, p))
                continue;
            low = MIN(low, p);
            high = p;
        }
    }
    uint32_t segment = scan->morsels[first].segment;
    if (low != UINT32_MAX)
        segment_prefetch(scan->segments[segment], low, high, scan->positions[segment], scan->node->scan.scan_column_count);
}

static bool share_row_group(const ScanMorsel *a, const ScanMorsel *b)
{
    return a->segment == b->segment && a->first_page / ROW_GROUP_PAGES == b->first_page / ROW_GROUP_PAGES;
}

static void fetch_ahead_of(Scan *scan, uint32_t morsel)
{
    uint32_t ahead = MIN(FIRST_AHEAD + morsel * AHEAD_GROWTH, (uint32_t)MOST_AHEAD);
    uint32_t until = MIN(scan->morsel_count, morsel + ahead);
    uint32_t next = atomic_load(&scan->next_ahead);
    while (next < until) {
        bool is_pair = next + 1 < scan->morsel_count && share_row_group(&scan->morsels[next], &scan->morsels[next + 1]);
        uint32_t end = next + 1 + is_pair;
        if (!atomic_compare_exchange_strong(&scan->next_ahead, &next, end))
            continue;
        fetch_ahead(scan, next, end);
        next = end;
    }
}

static Status scan_worker(void *context, uint32_t number)
{
    Scan *scan = context;
    Status status = OK;
    const ReadScope *before = read_scope_begin(&scan->reads);
    for (;;) {
        uint32_t m = atomic_fetch_add(&scan->next_morsel, 1);
        if (m >= scan->morsel_count || status != OK)
            break;
        if (scan->consumer->is_full != NULL && scan->consumer->is_full(scan->consumer))
            break;
        if (scan->is_remote)
            fetch_ahead_of(scan, m);
        const ScanMorsel *morsel = &scan->morsels[m];
        status = exec_check(scan->exec);
        for (uint32_t p = 0; p < morsel->page_count && status == OK; p++)
            status = scan_page(scan, number, morsel->segment, morsel->first_page + p);
        if (status != OK)
            atomic_store(&scan->exec->failed, true);
    }
    read_scope_end(before);
    return status;
}

static Status open_workers(Scan *scan)
{
    ExecContext *exec = scan->exec;
    const PhysNode *node = scan->node;
    scan->workers = ARENA_NEW_ARRAY(&exec->arena, ScanWorker, exec->worker_count);
    for (uint32_t w = 0; w < exec->worker_count; w++) {
        ScanWorker *worker = &scan->workers[w];
        arena_init(&worker->pages, exec->options->memory);
        worker->columns = ARENA_NEW_ARRAY(&exec->arena, Vector, MAX(node->scan.scan_column_count, 1u));
        worker->sel = ARENA_NEW_ARRAY(&exec->arena, uint16_t, CHUNK_ROWS);
        worker->alive = ARENA_NEW_ARRAY(&exec->arena, uint16_t, CHUNK_ROWS);
        worker->dropped = ARENA_NEW_ARRAY(&exec->arena, uint16_t, CHUNK_ROWS);
    }
    for (uint32_t w = 0; w < exec->worker_count && node->scan.conjunct_count > 0; w++)
        TRY(evaluator_open((const Expr *const *)node->scan.conjuncts, node->scan.conjunct_count, exec->session,
                           exec->options->memory, exec->diag, &scan->workers[w].filter));
    return OK;
}

Status run_scan(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    Scan scan = {.exec = exec, .node = node, .consumer = consumer};
    scan.is_predicate = ARENA_NEW_ARRAY(&exec->arena, bool, MAX(node->scan.scan_column_count, 1u));
    for (uint32_t i = 0; i < node->scan.conjunct_count; i++)
        mark_columns(node->scan.conjuncts[i], scan.is_predicate);
    for (uint32_t f = 0; f < node->scan.filter_count; f++)
        scan.is_predicate[node->scan.filters[f].slot] = true;
    scan.range_count = MAX_RANGES;
    expr_ranges(&exec->arena, (const Expr *const *)node->scan.conjuncts, node->scan.conjunct_count, scan.ranges,
                &scan.range_count);
    scan_probes_make(&exec->arena, scan.ranges, scan.range_count, (const Expr *const *)node->scan.conjuncts, node->scan.conjunct_count,
                     &scan.probes);
    scan.reads.cancelled = exec->options->cancelled;
    scan.reads.counters = exec->options->profile == NULL ? NULL : &exec->options->profile[node->id].reads;
    const ReadScope *before = read_scope_begin(&scan.reads);
    Status status = open_segments(&scan);
    read_scope_end(before);
    if (status == OK)
        status = open_workers(&scan);
    if (status == OK)
        status = scan.morsel_count <= 1 ? scan_worker(&scan, 0) : exec_parallel(exec, scan_worker, &scan);
    for (uint32_t w = 0; scan.workers != NULL && w < exec->worker_count; w++) {
        evaluator_close(scan.workers[w].filter);
        arena_deinit(&scan.workers[w].pages);
    }
    return status;
}
