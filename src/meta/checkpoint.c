#include "meta/checkpoint.h"

/* Making and finding images. Images are found by a listing: a stale one costs a longer replay, and a journal that does
 * not reach back that far is a hole that the replay names. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/log.h"
#include "meta/image_place.h"
#include "meta/store_int.h"

enum { LOOK_US = 1000000 };

void image_path(char out[IMAGE_PATH_BYTES], uint64_t incarnation, const char *kind, uint64_t entry_id)
{
    snprintf(out, IMAGE_PATH_BYTES, "meta/%" PRIu64 "/image/%s.%" PRIu64, incarnation, kind, entry_id);
}

/* ---- making ---- */

static Status take_cut(MetaStore *store, ImageContent *content, uint64_t *out_seen_bytes, Diag *diag)
{
    LOCK_GUARD(&store->lock);
    if (!store->journal.is_leading || store->follows)
        return RAISE(diag, RETRY, "this node does not lead: images are made by the leader");
    if (store->cut.entry_id != store->published->entry_id)
        return RAISE(diag, RETRY, "the metadata journal is being read: try again");
    content->catalog = catalog_ref(store->published);
    content->head = store->cut;
    *out_seen_bytes = store->journal.seen_bytes;
    return OK;
}

static Status put_checksum(const MetaStore *store, const ImageHead *head, const ImageReport *report, Diag *diag)
{
    char path[IMAGE_PATH_BYTES];
    AUTO_BYTEBUF text = {0};
    Diag trouble = {0};
    image_path(path, store->journal.incarnation, "checksum", report->entry_id);
    image_place_write(&(ImagePlace){report->checksum, head->next_sequence, head->time_us}, &text);
    Status status = volume_put_if_absent(store->journal.volume, path, bytebuf_view(&text), &trouble);
    return status == OK || status == ERR_OBJECT_EXISTS ? OK : diag_raise(diag, status, "%s", trouble.message);
}

/* What is there has the same state; unless it is damaged, it is as good. */
static Status use_existing(const MetaStore *store, StrView image, ImageReport *report, Diag *diag)
{
    AUTO_BYTEBUF found = {0};
    ImageContent content CLEANUP(image_content_deinit);
    Diag trouble = {0};
    image_content_init(&content);
    TRY(volume_get(store->journal.volume, report->object, &found, diag));
    Status status = image_read(bytebuf_view(&found), report->object, &trouble, &content);
    if (status != OK) {
        LOG_ERROR("meta", "replacing an image: %s", trouble.message);
        char sum[IMAGE_PATH_BYTES];
        image_path(sum, store->journal.incarnation, "checksum", report->entry_id);
        Diag unused = {0};
        status_ignore(volume_remove(store->journal.volume, sum, &unused));
        TRY(volume_remove(store->journal.volume, report->object, diag));
        return volume_put_if_absent(store->journal.volume, report->object, image, diag);
    }
    report->checksum = image_checksum(bytebuf_view(&found));
    report->bytes = found.length;
    return OK;
}

static Status put_image(const MetaStore *store, const ImageHead *head, StrView image, ImageReport *report, Diag *diag)
{
    Diag trouble = {0};
    FAULT("image.before_put", diag);
    Status status = volume_put_if_absent(store->journal.volume, report->object, image, &trouble);
    if (status == ERR_OBJECT_EXISTS)
        TRY(use_existing(store, image, report, diag));
    else if (status != OK)
        return diag_raise(diag, status, "%s", trouble.message);
    FAULT("image.after_put", diag);
    return put_checksum(store, head, report, diag);
}

static void note_image(MetaStore *store, const ImageContent *content, uint64_t seen_bytes)
{
    LOCK_GUARD(&store->lock);
    store->image_entry_id = content->head.entry_id;
    store->image_sequence = content->head.next_sequence;
    store->image_bytes = seen_bytes;
    store->image_time_us = content->head.time_us;
}

static Status make_image(MetaStore *store, ImageContent *content, Diag *diag, ImageReport *out_report)
{
    AUTO_BYTEBUF image = {0};
    uint64_t seen_bytes = 0;
    TRY(take_cut(store, content, &seen_bytes, diag));
    content->head.time_us = env_wall_us(store->journal.volume->environment);
    content->label_count = label_set_list(store->labels, content->head.entry_id, &content->arena, &content->labels);
    content->kept = store->kept;
    content->kept_count = store->kept_count;
    image_write(content, &image);
    *out_report = (ImageReport){.entry_id = content->head.entry_id, .checksum = image_checksum(bytebuf_view(&image)), .bytes = image.length};
    image_path(out_report->object, content->head.incarnation, "image", content->head.entry_id);
    TRY(put_image(store, &content->head, bytebuf_view(&image), out_report, diag));
    note_image(store, content, seen_bytes);
    return OK;
}

Status meta_create_image(MetaStore *store, Diag *diag, ImageReport *out_report)
{
    ImageContent content CLEANUP(image_content_deinit);
    image_content_init(&content);
    LOCK_GUARD(&store->image_lock);
    return make_image(store, &content, diag, out_report);
}

void meta_set_checkpoint_limits(MetaStore *store, const CheckpointLimits *limits)
{
    LOCK_GUARD(&store->lock);
    store->limits = *limits;
}

uint64_t meta_image_entry(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    return store->image_entry_id;
}

static bool is_due(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    if (!store->journal.is_leading || store->follows || store->is_appending || store->cut.next_sequence <= store->image_sequence)
        return false;
    int64_t age_us = env_wall_us(store->journal.volume->environment) - store->image_time_us;
    return store->cut.next_sequence - store->image_sequence >= store->limits.objects ||
           store->journal.seen_bytes - store->image_bytes >= store->limits.bytes || age_us >= store->limits.age_us;
}

int64_t meta_checkpoint_job(void *context, const _Atomic bool *stopping)
{
    Diag diag = {0};
    ImageReport report;
    (void)stopping;
    if (!is_due(context))
        return LOOK_US;
    if (meta_create_image(context, &diag, &report) == OK)
        LOG_INFO("meta", "checkpoint object=%s bytes=%" PRIu64, report.object, report.bytes);
    else
        LOG_WARN("meta", "no checkpoint could be made: %s", diag.message);
    return LOOK_US;
}

/* ---- finding ---- */

typedef struct Listing {
    Arena *arena;
    ARRAY_OF(uint64_t) entries;
} Listing;

static void note_object(void *context, const char *path, uint64_t size)
{
    Listing *listing = context;
    (void)size;
    const char *name = strrchr(path, '/');
    name = name == NULL ? path : name + 1;
    char *end;
    if (strncmp(name, "image.", 6) != 0 || name[6] < '0' || name[6] > '9')
        return;
    uint64_t entry = strtoull(name + 6, &end, 10);
    if (*end == '\0')
        ARRAY_PUSH(listing->arena, &listing->entries, entry);
}

static int newest_first(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left < *right) - (*left > *right);
}

Status image_list(Volume *volume, uint64_t incarnation, Arena *arena, Diag *diag, uint64_t **out_entries, uint32_t *out_count)
{
    Listing listing = {.arena = arena};
    char folder[IMAGE_PATH_BYTES];
    snprintf(folder, sizeof(folder), "meta/%" PRIu64 "/image", incarnation);
    TRY(volume->ops->list(volume, folder, note_object, &listing, diag));
    if (listing.entries.count > 1)
        qsort(listing.entries.items, listing.entries.count, sizeof(uint64_t), newest_first);
    *out_entries = listing.entries.items;
    *out_count = listing.entries.count;
    return OK;
}

static Status read_one(const MetaStore *store, uint64_t entry_id, const char *path, Diag *diag, ImageContent *content)
{
    AUTO_BYTEBUF image = {0};
    TRY(volume_get(store->journal.volume, path, &image, diag));
    TRY(image_read(bytebuf_view(&image), path, diag, content));
    if (store->options.until_time_us != 0 && content->head.time_us > store->options.until_time_us)
        return ERR_RETRY; /* sound, but later than what is wanted */
    if (content->head.entry_id != entry_id || content->head.incarnation != store->journal.incarnation)
        return RAISE(diag, CORRUPT, "image \"%s\" belongs to another place (incarnation %" PRIu64 ", entry %" PRIu64 ")", path,
                     content->head.incarnation, content->head.entry_id);
    return OK;
}

/* The store goes on from the image. */
static void begin_with(MetaStore *store, ImageContent *content)
{
    const ImageHead *head = &content->head;
    Journal *journal = &store->journal;
    catalog_unref(store->published);
    store->published = catalog_ref(content->catalog);
    journal->next_sequence = head->next_sequence;
    journal->next_entry_id = head->entry_id + 1;
    journal->previous_hash = head->previous_hash;
    journal->epoch = head->epoch;
    journal->epoch_writer = head->epoch_writer;
    store->image_entry_id = head->entry_id;
    store->image_sequence = head->next_sequence;
    store->image_time_us = head->time_us;
    for (uint32_t i = 0; i < content->label_count; i++)
        label_set_add(store->labels, &content->labels[i], head->entry_id);
    label_set_settle(store->labels, head->entry_id);
    image_keep_blocks(&store->kept_arena, content->kept, content->kept_count, &store->kept);
    store->kept_count = content->kept_count;
    LOG_INFO("meta", "image loaded entry=%" PRIu64 " incarnation=%" PRIu64, head->entry_id, head->incarnation);
}

static Status load_one(MetaStore *store, uint64_t entry_id, ImageSearch *search, Diag *diag)
{
    char path[IMAGE_PATH_BYTES];
    ImageContent content CLEANUP(image_content_deinit);
    Diag trouble = {0};
    image_content_init(&content);
    image_path(path, store->journal.incarnation, "image", entry_id);
    Status status = read_one(store, entry_id, path, &trouble, &content);
    if (status == OK) {
        begin_with(store, &content);
        catalog_unref(content.catalog); /* the store's is the only reference: the replay changes it in place */
        content.catalog = NULL;
        return OK;
    }
    if (status == ERR_FORMAT_TOO_NEW) /* a step back would lose what this version can't read */
        return diag_raise(diag, status, "%s", trouble.message);
    if (status == ERR_RETRY)
        return status;
    LOG_ERROR("meta", "an image can't be used: %s", trouble.message);
    search->is_unread |= status != ERR_CORRUPT; /* also listed, and not there: the listing is stale */
    bytebuf_printf(&search->damaged, "%s%s", search->damaged.length == 0 ? "" : "; ", trouble.message);
    return status;
}

/* Images before the incarnation's own beginning are of openings that came to nothing. */
static bool is_wanted(const MetaStore *store, uint64_t entry_id)
{
    uint64_t until = store->options.until_entry;
    if (store->options.from_oldest_image)
        return entry_id == store->journal.record.entry_id;
    return entry_id >= store->journal.record.entry_id && (until == 0 || entry_id <= until);
}

Status store_load_image(MetaStore *store, ImageSearch *search, Diag *diag)
{
    AUTO_ARENA arena;
    uint64_t *entries = NULL;
    uint32_t count = 0;
    arena_init(&arena, NULL);
    store->image_time_us = env_wall_us(store->journal.volume->environment);
    FAULT("image.list", diag);
    TRY(image_list(store->journal.volume, store->journal.incarnation, &arena, diag, &entries, &count));
    for (uint32_t i = 0; i < count; i++) {
        if (!is_wanted(store, entries[i]))
            continue;
        search->newest_entry_id = MAX(search->newest_entry_id, entries[i]);
        Status status = load_one(store, entries[i], search, diag);
        if (status == OK || status == ERR_FORMAT_TOO_NEW)
            return status;
    }
    if (store->journal.record.entry_id == 0)
        return OK;
    return RAISE(diag, CORRUPT, "no sound image is left of incarnation %" PRIu64 ", which began with one of entry %" PRIu64 ": %s",
                 store->journal.incarnation, store->journal.record.entry_id, search->damaged.length == 0 ? "all are missing" : search->damaged.data);
}

static bool lists_newer_image(const MetaStore *store, const ImageSearch *search)
{
    AUTO_ARENA arena;
    uint64_t *entries = NULL;
    uint32_t count = 0;
    Diag unused = {0};
    arena_init(&arena, NULL);
    if (image_list(store->journal.volume, store->journal.incarnation, &arena, &unused, &entries, &count) != OK)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (is_wanted(store, entries[i]))
            return entries[i] > search->newest_entry_id;
    }
    return false;
}

/* Is there an image now that was not there when the search began? A listing may leave out what is young. */
static bool has_newer_image(const MetaStore *store, const ImageSearch *search)
{
    enum { LISTINGS = 6 };
    for (int listing = 0; listing < LISTINGS; listing++) {
        if (lists_newer_image(store, search))
            return true;
    }
    return false;
}

/* Of an error that may be due to images that could not be read: it may pass. */
static Status unread(Diag *diag)
{
    Diag cause = *diag;
    diag_reset(diag);
    return diag_raise(diag, ERR_IO, "%s", cause.message);
}

Status store_check_reached(MetaStore *store, const ImageSearch *search, Status status, Diag *diag)
{
    uint64_t last = store->journal.next_entry_id - 1;
    if (status == OK && last < search->newest_entry_id)
        status = RAISE(diag, CORRUPT, "the metadata journal ends at entry %" PRIu64 ", but there is an image of entry %" PRIu64, last,
                       search->newest_entry_id);
    if (status != OK && search->damaged.length > 0)
        diag_add_context(diag, "the state can't be had without what is damaged (%s)", search->damaged.data);
    if (status == ERR_CORRUPT)
        store->was_overtaken = !store->options.from_oldest_image && (search->is_unread || has_newer_image(store, search));
    return status == ERR_CORRUPT && search->is_unread ? unread(diag) : status;
}
