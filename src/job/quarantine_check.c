#include "job/quarantine_check.h"

/* A listing can be stale: what it leaves out is asked for by name before it counts as missing. */

#include "base/log.h"
#include "base/strmap.h"
#include "format/segment.h"
#include "storage/delete_vector.h"

enum { PERIOD_US = 600 * 1000000 };

typedef struct Listing {
    Arena arena;
    StrMap there;
    const QuarantineCheck *check;
} Listing;

static void note_there(void *context, const char *path, uint64_t size)
{
    Listing *listing = context;
    (void)size;
    strmap_set(&listing->there, strview(arena_strdup(&listing->arena, path)), listing);
}

static void ask_for(void *context, const SegmentRef *segment)
{
    Listing *listing = context;
    VolumeObject *object;
    Diag diag = {0};
    if (segment->volume_id != 0 || segment_is_inline(segment) || strmap_get(&listing->there, segment->path) != NULL)
        return;
    char *path = arena_strndup(&listing->arena, segment->path.data, segment->path.length);
    strmap_set(&listing->there, strview(path), listing);
    Status status = volume_open_object(listing->check->volume, path, &diag, &object);
    if (status == OK)
        volume_close_object(object);
    else if (status == ERR_NO_SUCH_OBJECT)
        quarantine_note(listing->check->volume, segment->path, "the object is missing");
}

Status quarantine_find_missing(const QuarantineCheck *check, Diag *diag)
{
    Listing listing = {.check = check};
    arena_init(&listing.arena, NULL);
    strmap_init(&listing.there, &listing.arena, false);
    CatalogSnapshot *catalog = meta_snapshot(check->store);
    Status status = check->volume->ops->list(check->volume, "data", note_there, &listing, diag);
    if (status == OK)
        catalog_each_segment(catalog, ask_for, &listing);
    catalog_unref(catalog);
    arena_deinit(&listing.arena);
    return status;
}

typedef struct Recheck {
    const QuarantineCheck *check;
    StrView path;
    bool is_broken;
} Recheck;

static void verify_segment(Recheck *recheck, const SegmentRef *ref)
{
    Segment *segment;
    Diag diag = {0};
    if (segment_open(recheck->check->volume, ref, &diag, &segment) != OK) {
        recheck->is_broken = true;
        return;
    }
    recheck->is_broken |= segment_verify(segment, &diag) != OK;
    segment_close(segment);
}

static void verify_deletes(Recheck *recheck, const SegmentRef *ref)
{
    AUTO_ARENA arena;
    DeleteVector deletes;
    Diag diag = {0};
    arena_init(&arena, NULL);
    recheck->is_broken |= delete_vector_load(recheck->check->volume, ref, &arena, &diag, &deletes) != OK;
}

static void verify_in_table(Recheck *recheck, const CatalogTable *table)
{
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        for (uint32_t t = 0; t < partition->tablet_count; t++) {
            for (uint32_t s = 0; s < partition->tablets[t].segment_count; s++) {
                const SegmentRef *segment = &partition->tablets[t].segments[s];
                if (strview_equal(segment->path, recheck->path))
                    verify_segment(recheck, segment);
                for (uint32_t o = 0; o < segment->overlay_count; o++) {
                    if (strview_equal(segment->overlays[o].path, recheck->path))
                        verify_segment(recheck, &segment->overlays[o]);
                }
                if (segment->deletes != NULL && strview_equal(segment->deletes->path, recheck->path))
                    verify_deletes(recheck, segment);
            }
        }
    }
}

void quarantine_recheck(const QuarantineCheck *check)
{
    AUTO_ARENA arena;
    QuarantinedObject *objects;
    arena_init(&arena, NULL);
    if (check->volume->quarantine == NULL)
        return;
    uint32_t count = quarantine_list(check->volume->quarantine, &arena, &objects);
    CatalogSnapshot *catalog = meta_snapshot(check->store);
    for (uint32_t i = 0; i < count; i++) {
        Recheck recheck = {check, objects[i].path, false};
        for (uint32_t d = 0; d < catalog->database_count; d++) {
            for (uint32_t t = 0; t < catalog_table_count(catalog->databases[d]); t++)
                verify_in_table(&recheck, catalog_table_at(catalog->databases[d], t));
        }
        if (!recheck.is_broken)
            quarantine_release(check->volume->quarantine, objects[i].path);
    }
    catalog_unref(catalog);
}

int64_t quarantine_job(void *context, const _Atomic bool *stopping)
{
    Diag diag = {0};
    (void)stopping;
    quarantine_recheck(context);
    if (quarantine_find_missing(context, &diag) != OK)
        LOG_WARN("quarantine", "could not look for missing objects: %s", diag.message);
    return PERIOD_US;
}
