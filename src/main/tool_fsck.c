#include "main/tools.h"

/* merak fsck: everything that can be checked of a volume without writing to it. Each incarnation's record, images and
 * journal; that an image holds what the journal leads to; every object of data that the newest state refers to, by
 * checksum, in all storage volumes; what snapshots hold; and what nothing refers to. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strmap.h"
#include "format/segment.h"
#include "main/cluster_restore.h"
#include "meta/checkpoint.h"
#include "meta/image_place.h"
#include "meta/incarnation.h"
#include "meta/journal_audit.h"
#include "meta/restore.h"
#include "meta/restore_live.h"
#include "storage/delete_vector.h"

typedef struct Fsck {
    const ToolArguments *arguments;
    Volume *volume;
    Diag *diag;
    uint64_t problems;
    Arena arena;
    StrMap named;   /* objects of data that states refer to */
    StrMap checked; /* segments by id, each with its delete vector */
    ARRAY_OF(uint32_t) lost; /* storage volumes that can't be opened */
    uint64_t objects, unreferenced, unreferenced_bytes;
    ToolProgress progress;
} Fsck;

static void problem(Fsck *fsck, const char *kind, const char *text)
{
    fsck->problems++;
    printf("%-8s %s\n", kind, text);
}

/* ---- metadata ---- */

/* What the store holds, without what differs from image to image of the same state. */
static void print_state(MetaStore *store, ByteBuf *out)
{
    ImageContent content CLEANUP(image_content_deinit);
    image_content_init(&content);
    meta_content(store, &content);
    content.head = (ImageHead){.entry_id = content.head.entry_id};
    image_write(&content, out);
}

static void check_place(Fsck *fsck, const ImageHead *head, StrView image)
{
    char path[IMAGE_PATH_BYTES], text[IMAGE_PATH_BYTES + 64];
    AUTO_BYTEBUF bytes = {0};
    Diag trouble = {0};
    image_path(path, head->incarnation, "checksum", head->entry_id);
    Status status = volume_get(fsck->volume, path, &bytes, &trouble);
    if (status != OK && status != ERR_NO_SUCH_OBJECT)
        problem(fsck, "ERROR", trouble.message);
    if (status != OK || image_place_matches(bytebuf_view(&bytes), &(ImagePlace){image_checksum(image), head->next_sequence, head->time_us}))
        return;
    snprintf(text, sizeof(text), "object \"%s\" does not say what the image does", path);
    problem(fsck, "DAMAGED", text);
}

/* Where the journal goes on behind the image; UINT64_MAX: nobody knows. */
static uint64_t check_image(Fsck *fsck, uint64_t incarnation, uint64_t entry_id)
{
    char path[IMAGE_PATH_BYTES];
    AUTO_BYTEBUF bytes = {0};
    AUTO_BYTEBUF from_image = {0};
    AUTO_BYTEBUF from_journal = {0};
    ImageContent content CLEANUP(image_content_deinit);
    Diag trouble = {0};
    MetaStore *store;
    image_content_init(&content);
    image_path(path, incarnation, "image", entry_id);
    if (volume_get(fsck->volume, path, &bytes, &trouble) != OK || image_read(bytebuf_view(&bytes), path, &trouble, &content) != OK) {
        problem(fsck, "DAMAGED", trouble.message);
        return UINT64_MAX;
    }
    uint64_t next_sequence = content.head.next_sequence;
    check_place(fsck, &content.head, bytebuf_view(&bytes));
    content.head = (ImageHead){.entry_id = content.head.entry_id};
    image_write(&content, &from_image);
    MetaOpen options = {.is_read_only = true, .incarnation = incarnation, .until_entry = entry_id, .from_oldest_image = true};
    if (meta_store_open_as(fsck->volume, &options, &trouble, &store) != OK)
        return next_sequence; /* the journal is checked by itself; it may have been trimmed */
    print_state(store, &from_journal);
    meta_store_close(store);
    char text[512];
    if (!strview_equal(bytebuf_view(&from_image), bytebuf_view(&from_journal))) {
        snprintf(text, sizeof(text), "image \"%s\" does not hold what the journal leads to", path);
        problem(fsck, "DIFFERS", text);
    }
    return next_sequence;
}

/* An image of the state, written and read in memory, is that state: what a checkpoint would lose shows here. */
static void check_passage(Fsck *fsck, MetaStore *store)
{
    AUTO_BYTEBUF first = {0};
    AUTO_BYTEBUF second = {0};
    ImageContent content CLEANUP(image_content_deinit);
    Diag trouble = {0};
    image_content_init(&content);
    print_state(store, &first);
    if (image_read(bytebuf_view(&first), "of the newest state", &trouble, &content) != OK) {
        problem(fsck, "DIFFERS", trouble.message);
        return;
    }
    image_write(&content, &second);
    if (!strview_equal(bytebuf_view(&first), bytebuf_view(&second)))
        problem(fsck, "DIFFERS", "an image of the newest state would not hold all of it");
}

static void problem_of(void *context, const char *kind, const char *text)
{
    problem(context, kind, text);
}

static void count_object(void *context, const char *path, uint64_t size)
{
    uint64_t *count = context;
    (void)path, (void)size;
    ++*count;
}

/* The history of a cluster that came from another volume may have stayed there. */
static bool is_elsewhere(Fsck *fsck, uint64_t number)
{
    char folder[32];
    uint64_t count = 0;
    Diag unused = {0};
    snprintf(folder, sizeof(folder), "meta/%" PRIu64, number);
    return fsck->volume->ops->list(fsck->volume, folder, count_object, &count, &unused) == OK && count == 0;
}

static void check_incarnation(Fsck *fsck, uint64_t number, bool is_newest)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    uint64_t *entries = NULL;
    uint32_t count = 0;
    Diag trouble = {0};
    MetaStore *store;
    if (!is_newest && is_elsewhere(fsck, number)) {
        printf("incarnation %" PRIu64 ": nothing of it is in this volume\n", number);
        return;
    }
    if (image_list(fsck->volume, number, &arena, &trouble, &entries, &count) != OK)
        problem(fsck, "ERROR", trouble.message);
    uint64_t first_sequence = count == 0 ? 1 : 0;
    for (uint32_t i = 0; i < count; i++) /* the oldest comes last */
        first_sequence = check_image(fsck, number, entries[i]);
    diag_reset(&trouble);
    if (!fsck->arguments->is_quick && journal_audit(fsck->volume, number, first_sequence, problem_of, fsck, &trouble) != OK)
        problem(fsck, "ERROR", trouble.message);
    diag_reset(&trouble);
    MetaOpen options = {.is_read_only = true, .incarnation = number};
    if (meta_store_open_as(fsck->volume, &options, &trouble, &store) != OK) {
        problem(fsck, "DAMAGED", trouble.message);
        return;
    }
    printf("incarnation %" PRIu64 ": %u images, journal to entry %" PRIu64 "\n", number, count, meta_journal_entries(store));
    check_passage(fsck, store);
    meta_store_close(store);
}

/* ---- data ---- */

static StrView keep(Fsck *fsck, StrView text)
{
    return strview_n(arena_strndup(&fsck->arena, text.data, text.length), text.length);
}

static void check_deletes(Fsck *fsck, const SegmentRef *segment)
{
    AUTO_ARENA arena;
    DeleteVector deletes;
    Diag trouble = {0};
    arena_init(&arena, NULL);
    if (segment->deletes->path.length > 0)
        strmap_set(&fsck->named, keep(fsck, segment->deletes->path), fsck);
    if (!fsck->arguments->is_quick && delete_vector_load(fsck->volume, segment, &arena, &trouble, &deletes) != OK)
        problem(fsck, "DAMAGED", trouble.message);
}

/* False: it was said that it can't be opened. */
static bool has_volume(Fsck *fsck, uint32_t id)
{
    Volume *volume;
    Diag trouble = {0};
    for (uint32_t i = 0; i < fsck->lost.count; i++) {
        if (fsck->lost.items[i] == id)
            return false;
    }
    if (volume_by_id(fsck->volume, id, &trouble, &volume) == OK)
        return true;
    ARRAY_PUSH(&fsck->arena, &fsck->lost, id);
    problem(fsck, "MISSING", trouble.message);
    return false;
}

/* States share segments: each is checked once. */
static bool was_checked(Fsck *fsck, const SegmentRef *segment)
{
    unsigned long long deletes = segment->deletes == NULL ? 0 : segment->deletes->id;
    const char *key = arena_printf(&fsck->arena, "%llu %llu", (unsigned long long)segment->id, deletes);
    return strmap_put_if_absent(&fsck->checked, strview(key), fsck) != NULL;
}

static void check_segment(void *context, const SegmentRef *segment)
{
    Fsck *fsck = context;
    Segment *opened;
    Diag trouble = {0};
    if (segment_is_deletes(segment)) /* is checked with its segment */
        return;
    tool_progress(&fsck->progress, ++fsck->progress.done);
    if (was_checked(fsck, segment) || !has_volume(fsck, segment->volume_id))
        return;
    fsck->objects++;
    if (segment->path.length > 0)
        strmap_set(&fsck->named, keep(fsck, segment->path), fsck);
    if (segment->deletes != NULL)
        check_deletes(fsck, segment);
    if (fsck->arguments->is_quick)
        return;
    if (segment_open(fsck->volume, segment, &trouble, &opened) != OK) {
        problem(fsck, trouble.code == ERR_NO_SUCH_OBJECT ? "MISSING" : "DAMAGED", trouble.message);
        return;
    }
    if (segment_verify(opened, &trouble) != OK)
        problem(fsck, "DAMAGED", trouble.message);
    segment_close(opened);
}

static void count_segment(void *context, const SegmentRef *segment)
{
    Fsck *fsck = context;
    fsck->progress.total += !segment_is_deletes(segment);
}

static void note_unreferenced(void *context, const char *path, uint64_t size)
{
    Fsck *fsck = context;
    if (strmap_get(&fsck->named, strview(path)) != NULL)
        return;
    fsck->unreferenced++;
    fsck->unreferenced_bytes += size;
    if (fsck->unreferenced <= 20)
        printf("unreferenced %s (%" PRIu64 " bytes)\n", path, size);
}

static void say_missing(void *context, StrView path)
{
    char text[300];
    snprintf(text, sizeof(text), "object \"%.*s\"", (int)MIN(path.length, (size_t)200), path.data);
    problem(context, "MISSING", text);
}

static Status check_state(Fsck *fsck, const CatalogSnapshot *catalog)
{
    fsck->progress = (ToolProgress){.what = "segments checked"};
    catalog_each_segment(catalog, count_segment, fsck);
    catalog_each_segment(catalog, check_segment, fsck);
    return fsck->arguments->is_quick ? meta_find_missing(fsck->volume, catalog, say_missing, fsck, fsck->diag) : OK;
}

static Status check_snapshots(Fsck *fsck, MetaStore *store, const CatalogSnapshot *catalog)
{
    SnapshotInfo *infos;
    uint32_t count = snapshot_list(catalog, &fsck->arena, &infos);
    for (uint32_t i = 0; i < count; i++) {
        ImageContent content CLEANUP(image_content_deinit);
        Diag trouble = {0};
        image_content_init(&content);
        Status status = meta_snapshot_content(store, &infos[i], &trouble, &content);
        if (status != OK)
            problem(fsck, status == ERR_NO_SUCH_OBJECT ? "MISSING" : "DAMAGED", trouble.message);
        else
            TRY(check_state(fsck, content.catalog));
    }
    if (count > 0)
        printf("%u snapshots\n", count);
    return OK;
}

typedef struct VolumePass {
    Fsck *fsck;
    Status status;
} VolumePass;

static void list_unreferenced(void *context, uint32_t id)
{
    VolumePass *pass = context;
    Volume *volume;
    Diag trouble = {0};
    if (pass->status == OK && volume_by_id(pass->fsck->volume, id, &trouble, &volume) == OK) /* else nothing was ever put there, or it was said */
        pass->status = volume->ops->list(volume, "data", note_unreferenced, pass->fsck, pass->fsck->diag);
}

static Status check_states(Fsck *fsck, MetaStore *store, const CatalogSnapshot *catalog)
{
    VolumePass pass = {fsck, OK};
    TRY(check_state(fsck, catalog));
    TRY(check_snapshots(fsck, store, catalog));
    list_unreferenced(&pass, 0);
    storage_volume_each(catalog, list_unreferenced, &pass);
    return pass.status;
}

/* With storage volumes where --map-volume says. */
static Status check_opened(Fsck *fsck, MetaStore *store, CatalogSnapshot **in_out_catalog)
{
    TRY(tool_move_volumes(fsck->arguments, in_out_catalog, fsck->diag));
    OtherVolumesOptions options = config_volumes(fsck->arguments->config);
    options.store = store;
    options.home = fsck->volume;
    options.catalog = *in_out_catalog;
    options.makes_nothing = true;
    OtherVolumes *others = other_volumes_open(&options);
    Status status = check_states(fsck, store, *in_out_catalog);
    other_volumes_close(others);
    return status;
}

static Status check_data(Fsck *fsck)
{
    MetaStore *store;
    TRY(meta_store_open_as(fsck->volume, &(MetaOpen){.is_read_only = true}, fsck->diag, &store));
    CatalogSnapshot *catalog = meta_snapshot(store);
    Status status = check_opened(fsck, store, &catalog);
    catalog_unref(catalog);
    meta_store_close(store);
    return status;
}

static Status check_all(Fsck *fsck)
{
    Incarnation newest;
    TRY(incarnation_newest(fsck->volume, fsck->diag, &newest));
    if (newest.number == 0)
        return RAISE(fsck->diag, NO_SUCH_OBJECT, "volume '%s' holds no metadata", fsck->arguments->volume_url);
    for (uint64_t number = 1; number <= newest.number; number++)
        check_incarnation(fsck, number, number == newest.number);
    TRY(check_data(fsck));
    printf("%" PRIu64 " segments, %" PRIu64 " unreferenced objects (%" PRIu64 " bytes), %" PRIu64 " problems\n", fsck->objects, fsck->unreferenced,
           fsck->unreferenced_bytes, fsck->problems);
    return OK;
}

int tool_fsck(const ToolArguments *arguments, Diag *diag)
{
    Fsck fsck = {.arguments = arguments, .diag = diag};
    if (tool_open_volume(arguments, arguments->volume_url, false, diag, &fsck.volume) != OK)
        return EXIT_FAILURE;
    arena_init(&fsck.arena, NULL);
    strmap_init(&fsck.named, &fsck.arena, false);
    strmap_init(&fsck.checked, &fsck.arena, false);
    Status status = check_all(&fsck);
    arena_deinit(&fsck.arena);
    volume_close(fsck.volume);
    return status == OK && fsck.problems == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
