#include "mv/engine_int.h"

/* What came to a base partition, and what went, since a partition of a view was computed from it: the version map keeps its
 * segments then with their delete vectors. As long as all of them are still there, other segments hold the rows that
 * came, and what delete vectors have gained are the rows that went. */

#include <stdlib.h>

#include "storage/delete_vector.h"

static const SegmentRef *find_segment(const CatalogPartition *p, uint64_t id)
{
    for (uint32_t t = 0; t < p->tablet_count; t++) {
        for (uint32_t s = 0; s < p->tablets[t].segment_count; s++) {
            if (p->tablets[t].segments[s].id == id)
                return &p->tablets[t].segments[s];
        }
    }
    return NULL;
}

static bool is_marked(const MvSource *source, uint64_t id)
{
    for (uint32_t i = 0; source != NULL && i < source->mark_count; i++) {
        if (source->marks[i].segment_id == id)
            return true;
    }
    return false;
}

void mv_mark_segments(const CatalogPartition *p, Arena *arena, MvSource *out)
{
    for (uint32_t t = 0; t < p->tablet_count; t++)
        out->mark_count += p->tablets[t].segment_count;
    out->marks = ARENA_NEW_ARRAY(arena, MvSegmentMark, MAX(out->mark_count, 1u));
    uint32_t at = 0;
    for (uint32_t t = 0; t < p->tablet_count; t++) {
        for (uint32_t s = 0; s < p->tablets[t].segment_count; s++) {
            const SegmentRef *segment = &p->tablets[t].segments[s];
            MvSegmentMark *mark = &out->marks[at++];
            *mark = (MvSegmentMark){.segment_id = segment->id};
            if (segment->deletes == NULL)
                continue;
            mark->deletes_id = segment->deletes->id;
            mark->deletes_count = segment->deletes->count;
            mark->deletes_bytes = segment->deletes->bytes;
            mark->deletes_path = segment->deletes->path;
        }
    }
}

static bool is_kept(const MvSegmentMark *mark)
{
    return mark->deletes_id == 0 || mark->deletes_bytes.length > 0 || mark->deletes_path.length > 0;
}

static bool add_deletes(const MvSegmentMark *mark, const SegmentRef *segment, const MvPart *part, Arena *arena, MvChoice *choice)
{
    uint64_t now = segment->deletes == NULL ? 0 : segment->deletes->count;
    if (!is_kept(mark) || now <= mark->deletes_count)
        return false;
    MvPart found = *part;
    found.segment = segment;
    found.since = mark;
    ARRAY_PUSH(arena, &choice->parts, found);
    choice->delta_rows += now - mark->deletes_count;
    choice->has_deletes = true;
    return true;
}

bool mv_add_difference(uint32_t table, const MvSource *source, const CatalogPartition *now, Arena *arena, MvChoice *choice)
{
    MvPart part = {.table = table};
    if (source != NULL && source->mark_count == 0)
        return false; /* not kept then */
    for (uint32_t i = 0; source != NULL && i < source->mark_count; i++) {
        const MvSegmentMark *mark = &source->marks[i];
        const SegmentRef *segment = find_segment(now, mark->segment_id);
        if (segment == NULL)
            return false;
        bool is_same = (segment->deletes == NULL ? 0 : segment->deletes->id) == mark->deletes_id;
        if (!is_same && !add_deletes(mark, segment, &part, arena, choice))
            return false;
    }
    for (uint32_t t = 0; t < now->tablet_count; t++) {
        for (uint32_t s = 0; s < now->tablets[t].segment_count; s++) {
            part.segment = &now->tablets[t].segments[s];
            if (is_marked(source, part.segment->id))
                continue;
            ARRAY_PUSH(arena, &choice->parts, part);
            choice->delta_rows += segment_live_rows(part.segment);
        }
    }
    return true;
}

/* ---- rows that went ---- */

/* A reference to the same segment with other deletes. */
static Status with_deletes(MvEngine *engine, const SegmentRef *segment, const DeleteVector *vector, Arena *arena, Diag *diag, SegmentRef *out)
{
    AUTO_BYTEBUF bytes = {0};
    *out = *segment;
    out->deletes = NULL;
    if (vector->count == 0)
        return OK;
    delete_vector_encode(vector, &bytes);
    DeleteVectorRef *deletes = ARENA_NEW(arena, DeleteVectorRef);
    /* An id that nothing else has: nodes cache delete vectors by it. */
    *deletes = (DeleteVectorRef){.id = meta_new_id(mv_engine_options(engine)->store), .count = vector->count};
    deletes->bytes = strview_n(arena_strndup(arena, bytes.data, bytes.length), bytes.length);
    out->deletes = deletes;
    return deletes->id != 0 ? OK : RAISE(diag, RETRY, "no id can be had now");
}

/* What was deleted in the segment when it was marked. */
static Status load_past(MvEngine *engine, const SegmentRef *segment, const MvSegmentMark *mark, Arena *arena, Diag *diag, DeleteVector *out)
{
    DeleteVectorRef old = {.id = mark->deletes_id, .count = mark->deletes_count, .bytes = mark->deletes_bytes, .path = mark->deletes_path};
    SegmentRef old_segment = *segment;
    old_segment.deletes = &old;
    *out = (DeleteVector){.rows = (uint32_t)segment->row_count};
    return mark->deletes_id == 0 ? OK : delete_vector_load_past(mv_engine_options(engine)->volume, &old_segment, arena, diag, out);
}

/* A reference to the same segment in which all other rows count as deleted. */
static Status went_of(MvEngine *engine, const MvPart *part, Arena *arena, Diag *diag, SegmentRef *out)
{
    const MvEngineOptions *options = mv_engine_options(engine);
    AUTO_ARENA scratch;
    DeleteVector now, then = {0}, others = {0};
    arena_init(&scratch, NULL);
    TRY(delete_vector_load(options->volume, part->segment, &scratch, diag, &now));
    TRY(load_past(engine, part->segment, part->since, &scratch, diag, &then));
    others.rows = (uint32_t)part->segment->row_count;
    for (uint32_t row = 0; row < others.rows; row++) {
        bool is_gone = delete_vector_has(&now, row), was_gone = delete_vector_has(&then, row);
        if (was_gone && !is_gone)
            return RAISE(diag, CORRUPT, "the delete vector of segment %llu has lost rows", (unsigned long long)part->segment->id);
        if (was_gone || !is_gone)
            delete_vector_add(&others, &scratch, row);
    }
    return with_deletes(engine, part->segment, &others, arena, diag, out);
}

static int compare_parts(const void *a, const void *b)
{
    const MvPart *x = a, *y = b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    return x->segment->id < y->segment->id ? -1 : x->segment->id > y->segment->id;
}

static void keep_each_once(MvParts *parts)
{
    uint32_t kept = 0;
    if (parts->count > 1)
        qsort(parts->items, parts->count, sizeof(*parts->items), compare_parts);
    for (uint32_t i = 0; i < parts->count; i++) {
        if (kept == 0 || compare_parts(&parts->items[kept - 1], &parts->items[i]) != 0)
            parts->items[kept++] = parts->items[i];
    }
    parts->count = kept;
}

/* Those of the chosen cells, each once. */
static MvParts chosen_parts(const MvDecision *decision, const uint8_t *chosen, bool is_gone)
{
    MvParts all = {0};
    for (uint32_t c = 0; c < decision->cells.count; c++) {
        const MvParts *parts = &decision->choices[c].parts;
        for (uint32_t i = 0; chosen[c] != 0 && i < parts->count; i++) {
            if ((parts->items[i].since != NULL) == is_gone)
                ARRAY_PUSH(decision->bound.arena, &all, parts->items[i]);
        }
    }
    keep_each_once(&all);
    return all;
}

static const CatalogTable *table_of(const MvDecision *decision, uint32_t table)
{
    return decision->cells.tables[table].table;
}

Status mv_restrict_to_difference(MvEngine *engine, MvDecision *decision, const uint8_t *chosen, uint64_t changed, bool is_gone)
{
    MvBoundView *view = &decision->bound;
    MvParts parts = chosen_parts(decision, chosen, is_gone);
    SegmentRef *segments = ARENA_NEW_ARRAY(view->arena, SegmentRef, parts.count + 1);
    for (uint32_t i = 0; i < parts.count; i++) {
        segments[i] = *parts.items[i].segment;
        if (is_gone)
            TRY(went_of(engine, &parts.items[i], view->arena, view->diag, &segments[i]));
    }
    for (uint32_t t = 0; t < decision->cells.table_count; t++) {
        uint32_t first = 0, end;
        if ((changed >> t & 1) == 0)
            continue;
        while (first < parts.count && parts.items[first].table != t)
            first++;
        for (end = first; end < parts.count && parts.items[end].table == t;)
            end++;
        for (uint32_t s = 0; s < view->scan_count; s++) {
            if (view->scans[s].table != table_of(decision, t))
                continue;
            view->scans[s].node->scan.segments = segments + first; /* none: not NULL */
            view->scans[s].node->scan.segment_count = end - first;
        }
    }
    return OK;
}

/* ---- what the cells were computed from ---- */

static Status add_past(uint32_t number, const CatalogTable *table, const MvSource *source, Arena *arena, Diag *diag, MvParts *parts)
{
    const CatalogPartition *now = catalog_partition_by_id(table, source->partition_id);
    for (uint32_t m = 0; m < source->mark_count; m++) {
        MvPart part = {.table = number, .since = &source->marks[m]};
        part.segment = now == NULL ? NULL : find_segment(now, part.since->segment_id);
        if (part.segment == NULL || !is_kept(part.since))
            return RAISE(diag, NOT_SUPPORTED, "partition '%.*s' was merged since", SV_ARGS(source->name));
        ARRAY_PUSH(arena, parts, part);
    }
    return source->mark_count > 0 ? OK : RAISE(diag, NOT_SUPPORTED, "partition '%.*s' has too many segments", SV_ARGS(source->name));
}

static Status restrict_table(MvEngine *engine, MvDecision *decision, const uint8_t *chosen, uint32_t number)
{
    MvBoundView *view = &decision->bound;
    MvParts parts = {0};
    const CatalogTable *table = table_of(decision, number);
    for (uint32_t c = 0; c < decision->cells.count; c++) {
        const MvSourceTable *known = chosen[c] == 0 ? NULL : mv_map_table(&decision->choices[c].entry, table->id);
        for (uint32_t s = 0; known != NULL && s < known->count; s++)
            TRY(add_past(number, table, &known->sources[s], view->arena, view->diag, &parts));
    }
    keep_each_once(&parts);
    SegmentRef *segments = ARENA_NEW_ARRAY(view->arena, SegmentRef, parts.count + 1);
    for (uint32_t i = 0; i < parts.count; i++) {
        AUTO_ARENA scratch;
        DeleteVector then;
        arena_init(&scratch, NULL);
        TRY(load_past(engine, parts.items[i].segment, parts.items[i].since, &scratch, view->diag, &then));
        TRY(with_deletes(engine, parts.items[i].segment, &then, view->arena, view->diag, &segments[i]));
    }
    for (uint32_t s = 0; s < view->scan_count; s++) {
        if (view->scans[s].table != table)
            continue;
        view->scans[s].node->scan.segments = segments; /* none: not NULL */
        view->scans[s].node->scan.segment_count = parts.count;
    }
    return OK;
}

Status mv_restrict_to_past(MvEngine *engine, MvDecision *decision, const uint8_t *chosen, uint64_t tables)
{
    for (uint32_t t = 0; t < decision->cells.table_count; t++) {
        if (tables >> t & 1)
            TRY(restrict_table(engine, decision, chosen, t));
    }
    return OK;
}

/* ---- cells that go together ---- */

typedef struct Seen {
    uint64_t partition_id, version;
} Seen;

static int compare_seen(const void *a, const void *b)
{
    const Seen *x = a, *y = b;
    return x->partition_id < y->partition_id ? -1 : x->partition_id > y->partition_id;
}

bool mv_differences_conflict(const MvDecision *decision, const uint8_t *chosen)
{
    ARRAY_OF(Seen) all = {0};
    const MvCells *cells = &decision->cells;
    for (uint32_t c = 0; c < cells->count; c++) {
        for (uint32_t i = 0; chosen[c] != 0 && i < cells->items[c].inputs.count; i++) {
            const MvInput *input = &cells->items[c].inputs.items[i];
            const MvSourceTable *known = mv_map_table(&decision->choices[c].entry, cells->tables[input->table].table->id);
            Seen seen = {input->partition->id, 0};
            for (uint32_t s = 0; known != NULL && s < known->count; s++) {
                if (known->sources[s].partition_id == seen.partition_id)
                    seen.version = known->sources[s].data_version;
            }
            ARRAY_PUSH(decision->bound.arena, &all, seen);
        }
    }
    if (all.count > 1)
        qsort(all.items, all.count, sizeof(*all.items), compare_seen);
    for (uint32_t i = 1; i < all.count; i++) {
        if (all.items[i].partition_id == all.items[i - 1].partition_id && all.items[i].version != all.items[i - 1].version)
            return true;
    }
    return false;
}
