#include "meta/meta_dir.h"

/* Keeping a meta directory: the newest images and the journal behind the older of them, copied from the volume. What was
 * appended since the last update goes into one object, so that a busy server does not sync a file an entry. */

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/log.h"
#include "meta/journal_ahead.h"
#include "meta/journal_int.h"
#include "meta/journal_range.h"
#include "meta/meta_dir_int.h"
#include "meta/store_int.h"

enum { IMAGES_KEPT = 2, RANGE_BYTES = 16 << 20, UPDATE_US = 1000000, TEXT_BYTES = 512 };

struct MetaDir {
    Volume *directory;
    MetaStore *store;
    MetaDirNode node;
    Mutex lock; /* guards the rest */
    bool is_ready;
    uint64_t next_sequence; /* of the journal object that is copied next */
    uint64_t entries[IMAGES_KEPT], sequences[IMAGES_KEPT]; /* of the images, the older first */
    uint32_t image_count;
};

MetaDir *meta_dir_open(Volume *directory, MetaStore *store, const MetaDirNode *node)
{
    MetaDir *mirror = mem_alloc_zero(sizeof(*mirror));
    mirror->directory = directory;
    mirror->store = store;
    mirror->node = *node;
    mutex_init(&mirror->lock);
    return mirror;
}

void meta_dir_close(MetaDir *mirror)
{
    if (mirror == NULL)
        return;
    mutex_deinit(&mirror->lock);
    mem_free(mirror);
}

static Status put(MetaDir *mirror, const char *path, StrView bytes, Diag *diag)
{
    Diag trouble = {0};
    Status status = volume_put(mirror->directory, path, bytes, &trouble);
    return status == OK || status == ERR_OBJECT_EXISTS ? OK : diag_raise(diag, status, "%s", trouble.message);
}

static Status replace(MetaDir *mirror, const char *path, StrView bytes, Diag *diag)
{
    AUTO_BYTEBUF there = {0};
    Diag unused = {0};
    if (volume_get(mirror->directory, path, &there, &unused) == OK) {
        if (strview_equal(bytebuf_view(&there), bytes))
            return OK;
        TRY(volume_remove(mirror->directory, path, diag));
    }
    return put(mirror, path, bytes, diag);
}

static void drop(MetaDir *mirror, const char *path)
{
    Diag unused = {0};
    status_ignore(volume_remove(mirror->directory, path, &unused)); /* is looked at again at the next start */
}

/* ---- who this is ---- */

static Status put_identity(MetaDir *mirror, Diag *diag)
{
    const Journal *journal = &mirror->store->journal;
    char text[TEXT_BYTES];
    AUTO_BYTEBUF version = {0};
    snprintf(text, sizeof(text), "role=FOLLOWER\nname=%s_%u_1\nhostType=IP\n", mirror->node.host, mirror->node.edit_log_port);
    TRY(replace(mirror, "image/ROLE", strview(text), diag));
    incarnation_print_version(&journal->record, &version);
    TRY(replace(mirror, "image/VERSION", bytebuf_view(&version), diag));
    for (uint64_t number = 1; number <= journal->incarnation; number++) {
        AUTO_BYTEBUF bytes = {0};
        Incarnation record;
        TRY(incarnation_get(journal->volume, number, diag, &bytes, &record));
        snprintf(text, sizeof(text), "image/incarnation.%" PRIu64, number);
        TRY(replace(mirror, text, bytebuf_view(&bytes), diag));
    }
    return OK;
}

/* ---- what is there already ---- */

static void drop_image(MetaDir *mirror, uint64_t entry_id)
{
    static const char *const NAMES[] = {"v2/image", "v2/checksum", "starmgr/image"};
    for (int i = 0; i < 3; i++) {
        char path[META_DIR_PATH_BYTES];
        snprintf(path, sizeof(path), "image/%s.%" PRIu64, NAMES[i], entry_id);
        drop(mirror, path);
    }
}

/* Keeps the image when it is of this incarnation and sound. */
static Status note_image(MetaDir *mirror, uint64_t entry_id, bool is_kept)
{
    AUTO_BYTEBUF image = {0};
    ImageHead head;
    Diag trouble = {0};
    char path[META_DIR_PATH_BYTES];
    snprintf(path, sizeof(path), "image/v2/image.%" PRIu64, entry_id);
    if (is_kept && volume_get(mirror->directory, path, &image, &trouble) == OK &&
        image_read_head(bytebuf_view(&image), path, &trouble, &head) == OK && head.incarnation == mirror->store->journal.incarnation) {
        mirror->entries[mirror->image_count] = entry_id;
        mirror->sequences[mirror->image_count++] = head.next_sequence;
        return OK;
    }
    drop_image(mirror, entry_id);
    return OK;
}

/* Batches of the journal one after another; when there are more than a few, they are read ahead. */
typedef struct BatchReader {
    MetaDir *mirror;
    JournalAhead *ahead;
    uint32_t count;
} BatchReader;

static void batch_reader_deinit(BatchReader *reader)
{
    journal_ahead_close(reader->ahead);
}

static Status get_batch(BatchReader *reader, uint64_t sequence, ByteBuf *out_batch, Diag *diag)
{
    enum { AHEAD_FROM = 2 };
    char path[JOURNAL_PATH_BYTES];
    const Journal *journal = &reader->mirror->store->journal;
    if (reader->count++ == AHEAD_FROM)
        reader->ahead = journal_ahead_open(journal->volume, journal->incarnation, sequence);
    if (reader->ahead != NULL && journal_ahead_take(reader->ahead, sequence, out_batch))
        return OK;
    journal_batch_path(path, journal->incarnation, sequence);
    return volume_get(journal->volume, path, out_batch, diag);
}

static Status is_same_batch(void *context, uint64_t sequence, StrView object, Diag *diag)
{
    BatchReader *reader = context;
    MetaDir *mirror = reader->mirror;
    AUTO_BYTEBUF bytes = {0};
    TRY(get_batch(reader, sequence, &bytes, diag));
    if (!strview_equal(bytebuf_view(&bytes), object))
        return RAISE(diag, CORRUPT, "another batch");
    mirror->next_sequence = sequence + 1;
    return OK;
}

/* Ranges follow each other from the older image, or the first one, on; what does not is dropped and copied again. */
static Status note_ranges(MetaDir *mirror, Diag *diag)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    MetaDirNumbers ranges = {.arena = &arena};
    TRY(meta_dir_numbers(mirror->directory, "bdb", &ranges, diag));
    uint64_t begin = mirror->image_count > 0 ? mirror->sequences[0] : 1;
    mirror->next_sequence = begin;
    for (uint32_t i = 0; i < ranges.all.count; i++) {
        uint64_t first = ranges.all.items[i];
        bool is_first = first <= begin && (i + 1 == ranges.all.count || ranges.all.items[i + 1] > begin);
        char path[META_DIR_PATH_BYTES];
        AUTO_BYTEBUF bytes = {0};
        Diag trouble = {0};
        meta_dir_range_path(path, first);
        bool is_next = (is_first || first == mirror->next_sequence) && volume_get(mirror->directory, path, &bytes, &trouble) == OK;
        BatchReader reader CLEANUP(batch_reader_deinit) = {.mirror = mirror};
        if (!is_next || journal_range_read(bytebuf_view(&bytes), path, is_same_batch, &reader, &trouble) != OK)
            drop(mirror, path);
    }
    return OK;
}

static Status get_ready(MetaDir *mirror, Diag *diag)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    MetaDirNumbers images = {.arena = &arena};
    mirror->image_count = 0;
    TRY(put_identity(mirror, diag));
    TRY(meta_dir_numbers(mirror->directory, "image/v2", &images, diag));
    for (uint32_t i = 0; i < images.all.count; i++)
        TRY(note_image(mirror, images.all.items[i], i + IMAGES_KEPT >= images.all.count));
    TRY(note_ranges(mirror, diag));
    mirror->is_ready = true;
    return OK;
}

/* ---- what is new ---- */

void meta_print_star_image(uint64_t entry_id, ByteBuf *out)
{
    bytebuf_printf(out, "{\"entry\":%" PRIu64 ",\"image\":\"v2/image.%" PRIu64 "\"}\n", entry_id, entry_id);
}

static Status put_image(MetaDir *mirror, uint64_t entry_id, StrView image, Diag *diag)
{
    char path[META_DIR_PATH_BYTES], text[TEXT_BYTES];
    snprintf(path, sizeof(path), "image/v2/checksum.%" PRIu64, entry_id);
    snprintf(text, sizeof(text), "%u\n", image_checksum(image));
    TRY(put(mirror, path, strview(text), diag));
    snprintf(path, sizeof(path), "image/starmgr/image.%" PRIu64, entry_id);
    AUTO_BYTEBUF star = {0};
    meta_print_star_image(entry_id, &star);
    TRY(put(mirror, path, bytebuf_view(&star), diag));
    snprintf(path, sizeof(path), "image/v2/image.%" PRIu64, entry_id);
    return put(mirror, path, image, diag);
}

/* The ranges that end before the oldest kept image are not needed any more. */
static Status drop_old(MetaDir *mirror, Diag *diag)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    MetaDirNumbers ranges = {.arena = &arena};
    TRY(meta_dir_numbers(mirror->directory, "bdb", &ranges, diag));
    for (uint32_t i = 0; i + 1 < ranges.all.count && ranges.all.items[i + 1] <= mirror->sequences[0]; i++) {
        char path[META_DIR_PATH_BYTES];
        meta_dir_range_path(path, ranges.all.items[i]);
        drop(mirror, path);
    }
    return OK;
}

static Status copy_image(MetaDir *mirror, uint64_t entry_id, Diag *diag)
{
    const Journal *journal = &mirror->store->journal;
    AUTO_BYTEBUF image = {0};
    ImageHead head;
    char path[IMAGE_PATH_BYTES];
    image_path(path, journal->incarnation, "image", entry_id);
    TRY(volume_get(journal->volume, path, &image, diag));
    TRY(image_read_head(bytebuf_view(&image), path, diag, &head));
    TRY(put_image(mirror, entry_id, bytebuf_view(&image), diag));
    if (mirror->image_count == IMAGES_KEPT) {
        drop_image(mirror, mirror->entries[0]);
        mirror->entries[0] = mirror->entries[1];
        mirror->sequences[0] = mirror->sequences[1];
        mirror->image_count--;
    }
    mirror->entries[mirror->image_count] = entry_id;
    mirror->sequences[mirror->image_count++] = head.next_sequence;
    if (mirror->image_count == 1 && mirror->next_sequence < head.next_sequence && mirror->next_sequence == 1)
        mirror->next_sequence = head.next_sequence; /* nothing was copied before */
    return drop_old(mirror, diag);
}

static uint64_t newest_copied(const MetaDir *mirror)
{
    return mirror->image_count == 0 ? 0 : mirror->entries[mirror->image_count - 1];
}

/* Copies up to `end` into one range. The journal may have been trimmed meanwhile: an image covers what is gone. */
static Status copy_range(MetaDir *mirror, uint64_t end, Diag *diag)
{
    BatchReader reader CLEANUP(batch_reader_deinit) = {.mirror = mirror};
    JournalRange range CLEANUP(journal_range_deinit) = {.first_sequence = mirror->next_sequence};
    AUTO_BYTEBUF out = {0};
    while (range.first_sequence + range.count < end && range.objects.length < RANGE_BYTES) {
        AUTO_BYTEBUF batch = {0};
        TRY(get_batch(&reader, range.first_sequence + range.count, &batch, diag));
        journal_range_add(&range, bytebuf_view(&batch));
    }
    char path[META_DIR_PATH_BYTES];
    meta_dir_range_path(path, range.first_sequence);
    journal_range_write(&range, &out);
    TRY(replace(mirror, path, bytebuf_view(&out), diag));
    mirror->next_sequence += range.count;
    return OK;
}

static Status copy_tail(MetaDir *mirror, Diag *diag)
{
    MetaStore *store = mirror->store;
    mutex_lock(&store->lock);
    uint64_t end = store->cut.next_sequence;
    mutex_unlock(&store->lock);
    while (mirror->next_sequence < end) {
        Diag trouble = {0};
        Status status = copy_range(mirror, end, &trouble);
        uint64_t covered = mirror->image_count == 0 ? 0 : mirror->sequences[mirror->image_count - 1];
        if (status == ERR_NO_SUCH_OBJECT && mirror->next_sequence < covered)
            mirror->next_sequence = covered;
        else if (status != OK)
            return diag_raise(diag, status, "%s", trouble.message);
    }
    return OK;
}

Status meta_dir_update(MetaDir *mirror, Diag *diag)
{
    LOCK_GUARD(&mirror->lock);
    if (!mirror->is_ready)
        TRY(get_ready(mirror, diag));
    uint64_t image = meta_image_entry(mirror->store);
    if (image > newest_copied(mirror))
        TRY(copy_image(mirror, image, diag));
    TRY(copy_tail(mirror, diag));
    return volume_flush(mirror->directory, diag);
}

int64_t meta_dir_job(void *context, const _Atomic bool *stopping)
{
    Diag diag = {0};
    (void)stopping;
    if (meta_dir_update(context, &diag) != OK)
        LOG_WARN("meta", "the meta directory could not be brought up to date: %s", diag.message);
    return UPDATE_US;
}
