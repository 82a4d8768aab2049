#include "meta/checkpoint.h"

/* Trimming: what is older than the retention goes, images first. The journal is deleted in ascending order, so that a crash
 * leaves no hole, never its newest object, and never what an image has covered for less than JOURNAL_TRIM_US: journal.h
 * says what relies on that. Images and their places are read from the small checksum objects. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/log.h"
#include "meta/image_place.h"
#include "meta/journal_int.h"
#include "meta/store_int.h"

enum { IMAGES_ALWAYS = 2, TRIM_EVERY_US = 60 * 1000000 };
static const int64_t HOUR_US = INT64_C(3600) * 1000000;

typedef struct KnownImage {
    uint64_t entry_id;
    uint64_t next_sequence; /* 0: not known, and nothing is deleted for it */
    int64_t time_us;
} KnownImage;

typedef struct Trim {
    MetaStore *store;
    Volume *volume;
    uint64_t incarnation;
    KnownImage *images; /* the newest first */
    uint32_t count;
    bool is_confirmed; /* the images are durable */
    TrimReport *report;
    Diag *diag;
} Trim;

void meta_set_retention(MetaStore *store, int64_t retention_us)
{
    LOCK_GUARD(&store->lock);
    store->retention_us = MAX(retention_us, HOUR_US);
}

/* From the image itself, where the checksum object does not tell. A damaged one stays, and so does what is behind it. */
static void read_head_of(const Trim *trim, KnownImage *image)
{
    char path[IMAGE_PATH_BYTES];
    AUTO_BYTEBUF bytes = {0};
    ImageHead head;
    Diag unused = {0};
    image_path(path, trim->incarnation, "image", image->entry_id);
    if (volume_get(trim->volume, path, &bytes, &unused) != OK || image_read_head(bytebuf_view(&bytes), path, &unused, &head) != OK)
        return;
    image->next_sequence = head.next_sequence;
    image->time_us = head.time_us;
}

static Status read_place(const Trim *trim, KnownImage *image)
{
    char path[IMAGE_PATH_BYTES];
    AUTO_BYTEBUF text = {0};
    Diag missing = {0};
    image_path(path, trim->incarnation, "checksum", image->entry_id);
    Status status = volume_get(trim->volume, path, &text, &missing);
    if (status != OK && status != ERR_NO_SUCH_OBJECT)
        return diag_raise(trim->diag, status, "%s", missing.message);
    ImagePlace place;
    if (!image_place_read(bytebuf_view(&text), &place)) {
        read_head_of(trim, image);
        return OK;
    }
    image->next_sequence = place.next_sequence;
    image->time_us = place.time_us;
    return OK;
}

static Status read_images(Trim *trim, Arena *arena)
{
    uint64_t *entries = NULL;
    TRY(image_list(trim->volume, trim->incarnation, arena, trim->diag, &entries, &trim->count));
    trim->images = ARENA_NEW_ARRAY(arena, KnownImage, trim->count);
    for (uint32_t i = 0; i < trim->count; i++) {
        trim->images[i].entry_id = entries[i];
        TRY(read_place(trim, &trim->images[i]));
    }
    return OK;
}

/* The newest two, one an hour of the retention, and the newest beyond it, or the oldest there is: moments of the retention
 * need it. */
static bool is_kept(const Trim *trim, uint32_t at, const KnownImage *last_kept, int64_t cutoff_us)
{
    const KnownImage *image = &trim->images[at];
    bool is_last = at + 1 == trim->count;
    if (at < IMAGES_ALWAYS || image->next_sequence == 0 || (is_last && image->time_us >= cutoff_us))
        return true;
    if (last_kept->time_us < cutoff_us) /* that one was beyond it already */
        return false;
    return image->time_us < cutoff_us || image->time_us / HOUR_US != last_kept->time_us / HOUR_US;
}

static Status put_again(const Trim *trim, const char *path, const ByteBuf *bytes)
{
    Diag trouble = {0};
    Status status = volume_put_if_absent(trim->volume, path, bytebuf_view(bytes), &trouble);
    return status == OK || status == ERR_OBJECT_EXISTS ? OK : diag_raise(trim->diag, status, "%s", trouble.message);
}

/* The images were listed: the one who put them may not have heard that they are durable. Before anything is deleted that they stand for,
 * a small one of them is put again, which makes all names beside it durable. */
static Status confirm_images(Trim *trim)
{
    char path[IMAGE_PATH_BYTES];
    AUTO_BYTEBUF bytes = {0};
    Diag missing = {0};
    if (trim->is_confirmed)
        return OK;
    image_path(path, trim->incarnation, "checksum", trim->images[0].entry_id);
    Status status = volume_get(trim->volume, path, &bytes, &missing);
    if (status == ERR_NO_SUCH_OBJECT) {
        image_path(path, trim->incarnation, "image", trim->images[0].entry_id);
        TRY(volume_get(trim->volume, path, &bytes, trim->diag));
    } else if (status != OK) {
        return diag_raise(trim->diag, status, "%s", missing.message);
    }
    TRY(put_again(trim, path, &bytes));
    trim->is_confirmed = true;
    return OK;
}

static Status delete_image(Trim *trim, uint64_t entry_id)
{
    static const char *const KINDS[] = {"image", "checksum"};
    TRY(confirm_images(trim));
    for (int k = 0; k < 2; k++) {
        char path[IMAGE_PATH_BYTES];
        Diag trouble = {0};
        image_path(path, trim->incarnation, KINDS[k], entry_id);
        Status status = volume_remove(trim->volume, path, &trouble);
        if (status != OK && status != ERR_NO_SUCH_OBJECT)
            return diag_raise(trim->diag, status, "%s", trouble.message);
    }
    trim->report->images_deleted++;
    return OK;
}

/* out_oldest: of those that are kept. */
static Status trim_images(Trim *trim, int64_t cutoff_us, KnownImage *out_oldest)
{
    for (uint32_t i = 0; i < trim->count; i++) {
        if (is_kept(trim, i, out_oldest, cutoff_us)) {
            *out_oldest = trim->images[i];
            trim->report->images_kept++;
        } else {
            FAULT("trim.image", trim->diag);
            TRY(delete_image(trim, trim->images[i].entry_id));
        }
    }
    return OK;
}

typedef struct First {
    uint64_t sequence; /* the least there is; 0: none was listed */
} First;

static void note_first(void *context, const char *path, uint64_t size)
{
    First *first = context;
    const char *name = strrchr(path, '/');
    (void)size;
    if (name == NULL || name[1] < '0' || name[1] > '9')
        return;
    uint64_t sequence = strtoull(name + 1, NULL, 10);
    if (sequence > 0 && (first->sequence == 0 || sequence < first->sequence))
        first->sequence = sequence;
}

static Status trim_journal(Trim *trim, uint64_t end)
{
    char folder[IMAGE_PATH_BYTES];
    First first = {0};
    snprintf(folder, sizeof(folder), "meta/%" PRIu64 "/journal", trim->incarnation);
    TRY(trim->volume->ops->list(trim->volume, folder, note_first, &first, trim->diag));
    for (uint64_t sequence = first.sequence; sequence > 0 && sequence < end; sequence++) {
        char path[JOURNAL_PATH_BYTES];
        Diag trouble = {0};
        TRY(confirm_images(trim));
        FAULT("trim.journal", trim->diag);
        journal_batch_path(path, trim->incarnation, sequence);
        Status status = volume_remove(trim->volume, path, &trouble);
        if (status != OK && status != ERR_NO_SUCH_OBJECT)
            return diag_raise(trim->diag, status, "%s", trouble.message);
        trim->report->objects_deleted += status == OK;
    }
    trim->report->first_sequence = MAX(first.sequence, end);
    return OK;
}

Status meta_trim(MetaStore *store, int64_t retention_us, Diag *diag, TrimReport *out_report)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    *out_report = (TrimReport){0};
    Trim trim = {.store = store, .volume = store->journal.volume, .incarnation = store->journal.incarnation, .report = out_report, .diag = diag};
    LOCK_GUARD(&store->image_lock);
    mutex_lock(&store->lock);
    bool leads = store->journal.is_leading && !store->follows && store->uncertain == NULL;
    uint64_t newest = store->cut.next_sequence;
    mutex_unlock(&store->lock);
    if (!leads)
        return RAISE(diag, RETRY, "this node does not lead: the journal is trimmed by the leader");
    int64_t now_us = env_wall_us(trim.volume->environment);
    KnownImage oldest = {0};
    TRY(read_images(&trim, &arena));
    TRY(trim_images(&trim, now_us - retention_us, &oldest));
    bool is_old_enough = oldest.next_sequence > 0 && oldest.time_us < now_us - JOURNAL_TRIM_US;
    return is_old_enough && newest > 0 ? trim_journal(&trim, MIN(oldest.next_sequence, newest - 1)) : OK;
}

int64_t meta_trim_job(void *context, const _Atomic bool *stopping)
{
    MetaStore *store = context;
    Diag diag = {0};
    TrimReport report;
    (void)stopping;
    if (meta_trim(store, store->retention_us, &diag, &report) != OK)
        LOG_WARN("meta", "the metadata journal could not be trimmed: %s", diag.message);
    else if (report.objects_deleted > 0 || report.images_deleted > 0)
        LOG_INFO("meta", "trimmed journal_objects=%" PRIu64 " images=%u first_sequence=%" PRIu64, report.objects_deleted, report.images_deleted,
                 report.first_sequence);
    return TRIM_EVERY_US;
}
