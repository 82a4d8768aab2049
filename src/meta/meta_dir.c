#include "meta/meta_dir.h"

/* Reading a meta directory, and what a start makes of one. Keeping one is in meta_mirror.c. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "meta/checkpoint.h"
#include "meta/journal_int.h"
#include "meta/journal_range.h"
#include "meta/meta_dir_int.h"

/* ---- reading ---- */

static Status read_record(Volume *directory, uint64_t number, ByteBuf *out_bytes, Incarnation *out, Diag *diag)
{
    char path[META_DIR_PATH_BYTES];
    snprintf(path, sizeof(path), "image/incarnation.%" PRIu64, number);
    TRY(volume_get(directory, path, out_bytes, diag));
    return incarnation_read(bytebuf_view(out_bytes), path, diag, out);
}

static Status newest_record(Volume *directory, Diag *diag, Incarnation *out)
{
    *out = (Incarnation){0};
    for (;;) {
        AUTO_BYTEBUF bytes = {0};
        Incarnation next;
        Diag missing = {0};
        Status status = read_record(directory, out->number + 1, &bytes, &next, &missing);
        if (status == ERR_NO_SUCH_OBJECT)
            return OK;
        if (status != OK)
            return diag_raise(diag, status, "%s", missing.message);
        *out = next;
    }
}

static void note_number(void *context, const char *path, uint64_t size)
{
    MetaDirNumbers *numbers = context;
    (void)size;
    const char *name = strrchr(path, '/');
    name = name == NULL ? path : name + 1;
    if (strncmp(name, "image.", 6) == 0)
        name += 6;
    else if (strstr(name, ".jdb") == NULL)
        return;
    char *end;
    uint64_t number = strtoull(name, &end, 10);
    if (end != name && (*end == '\0' || strcmp(end, ".jdb") == 0))
        ARRAY_PUSH(numbers->arena, &numbers->all, number);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

Status meta_dir_numbers(Volume *directory, const char *folder, MetaDirNumbers *out, Diag *diag)
{
    TRY(directory->ops->list(directory, folder, note_number, out, diag));
    if (out->all.count > 1)
        qsort(out->all.items, out->all.count, sizeof(uint64_t), ascending);
    return OK;
}

void meta_dir_range_path(char out[META_DIR_PATH_BYTES], uint64_t first_sequence)
{
    snprintf(out, META_DIR_PATH_BYTES, "bdb/%012" PRIu64 ".jdb", first_sequence);
}

static Status note_last(void *context, uint64_t sequence, StrView object, Diag *diag)
{
    MetaDirState *state = context;
    if (object.length < JOURNAL_HEADER_BYTES)
        return RAISE(diag, CORRUPT, "journal object %" PRIu64 " in the meta directory is cut short", sequence);
    state->last_sequence = sequence;
    state->last_entry = load_u64(object.data + 24) + load_u32(object.data + 12) - 1;
    return OK;
}

Status meta_dir_look(Volume *directory, Diag *diag, MetaDirState *out_state)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    *out_state = (MetaDirState){0};
    TRY(newest_record(directory, diag, &out_state->incarnation));
    if (out_state->incarnation.number == 0)
        return OK;
    MetaDirNumbers images = {.arena = &arena}, ranges = {.arena = &arena};
    TRY(meta_dir_numbers(directory, "image/v2", &images, diag));
    TRY(meta_dir_numbers(directory, "bdb", &ranges, diag));
    if (images.all.count > 0)
        out_state->image_entry = out_state->last_entry = images.all.items[images.all.count - 1];
    if (ranges.all.count == 0)
        return OK;
    char path[META_DIR_PATH_BYTES];
    AUTO_BYTEBUF bytes = {0};
    meta_dir_range_path(path, ranges.all.items[ranges.all.count - 1]);
    TRY(volume_get(directory, path, &bytes, diag));
    TRY(journal_range_read(bytebuf_view(&bytes), path, note_last, out_state, diag));
    out_state->last_entry = MAX(out_state->last_entry, out_state->image_entry);
    return OK;
}

/* ---- copying to where it lies in a volume ---- */

typedef struct Copy {
    Volume *to;
    uint64_t incarnation;
} Copy;

static Status put_same(Volume *to, const char *path, StrView bytes, Diag *diag)
{
    Diag trouble = {0};
    Status status = volume_put_if_absent(to, path, bytes, &trouble);
    if (status != ERR_OBJECT_EXISTS)
        return status == OK ? OK : diag_raise(diag, status, "%s", trouble.message);
    AUTO_BYTEBUF there = {0};
    TRY(volume_get(to, path, &there, diag));
    if (strview_equal(bytebuf_view(&there), bytes))
        return OK;
    return RAISE(diag, CORRUPT, "object \"%s\" of the volume is not the one in the meta directory: they are of different histories", path);
}

static Status put_batch(void *context, uint64_t sequence, StrView object, Diag *diag)
{
    const Copy *copy = context;
    char path[JOURNAL_PATH_BYTES];
    journal_batch_path(path, copy->incarnation, sequence);
    return put_same(copy->to, path, object, diag);
}

static Status copy_image(Volume *directory, const Copy *copy, uint64_t entry_id, Diag *diag)
{
    static const char *const KINDS[] = {"image", "checksum"};
    for (int i = 0; i < 2; i++) {
        char from[META_DIR_PATH_BYTES], path[IMAGE_PATH_BYTES];
        AUTO_BYTEBUF bytes = {0};
        Diag trouble = {0};
        snprintf(from, sizeof(from), "image/v2/%s.%" PRIu64, KINDS[i], entry_id);
        image_path(path, copy->incarnation, KINDS[i], entry_id);
        TRY(volume_get(directory, from, &bytes, diag));
        Status status = volume_put_if_absent(copy->to, path, bytebuf_view(&bytes), &trouble);
        if (status != OK && status != ERR_OBJECT_EXISTS) /* one of the same entry is as good */
            return diag_raise(diag, status, "%s", trouble.message);
    }
    return OK;
}

static Status copy_records(Volume *directory, const Copy *copy, Diag *diag)
{
    for (uint64_t number = 1; number <= copy->incarnation; number++) {
        char path[INCARNATION_PATH_BYTES];
        AUTO_BYTEBUF bytes = {0};
        Incarnation record;
        TRY(read_record(directory, number, &bytes, &record, diag));
        incarnation_path(path, number);
        TRY(put_same(copy->to, path, bytebuf_view(&bytes), diag));
    }
    return OK;
}

Status meta_dir_copy(Volume *directory, Volume *to, Diag *diag)
{
    AUTO_ARENA arena;
    Incarnation newest;
    arena_init(&arena, NULL);
    TRY(newest_record(directory, diag, &newest));
    Copy copy = {to, newest.number};
    MetaDirNumbers images = {.arena = &arena}, ranges = {.arena = &arena};
    TRY(meta_dir_numbers(directory, "image/v2", &images, diag));
    TRY(meta_dir_numbers(directory, "bdb", &ranges, diag));
    for (uint32_t i = 0; i < images.all.count; i++)
        TRY(copy_image(directory, &copy, images.all.items[i], diag));
    for (uint32_t i = 0; i < ranges.all.count; i++) {
        char path[META_DIR_PATH_BYTES];
        AUTO_BYTEBUF bytes = {0};
        meta_dir_range_path(path, ranges.all.items[i]);
        TRY(volume_get(directory, path, &bytes, diag));
        TRY(journal_range_read(bytebuf_view(&bytes), path, put_batch, &copy, diag));
    }
    return copy_records(directory, &copy, diag);
}

static Status read_copy(Volume *memory, Diag *diag, ImageContent *out_content)
{
    MetaStore *store;
    TRY(meta_store_open_as(memory, &(MetaOpen){.is_read_only = true}, diag, &store));
    meta_content(store, out_content);
    image_keep_blocks(&out_content->arena, out_content->kept, out_content->kept_count, &out_content->kept);
    meta_store_close(store);
    return OK;
}

Status meta_dir_content(Volume *directory, Diag *diag, ImageContent *out_content)
{
    Volume *memory = volume_open_memory(directory->environment);
    Status status = meta_dir_copy(directory, memory, diag);
    if (status == OK)
        status = read_copy(memory, diag, out_content);
    if (status == ERR_NO_SUCH_OBJECT) {
        diag_reset(diag);
        status = RAISE(diag, NO_SUCH_OBJECT, "there is no metadata in meta directory \"%s\"", directory->url);
    } else if (status != OK) {
        diag_add_context(diag, "meta directory \"%s\"", directory->url);
    }
    volume_close(memory);
    return status;
}

/* ---- what a start makes of it ---- */

static void log_missing(void *context, StrView path)
{
    uint64_t *count = context;
    if ((*count)++ < 20)
        LOG_ERROR("restore", "object \"%.*s\" is missing: what needs it fails and says so", SV_ARGS(path));
}

/* A volume without metadata gets that of the directory. */
static Status seed(Volume *directory, Volume *volume, ImageContent *content, Diag *diag)
{
    Volume *memory = volume_open_memory(directory->environment);
    Status status = meta_dir_copy(directory, memory, diag);
    if (status == OK)
        status = meta_seed(volume, memory, content, diag);
    volume_close(memory);
    return status;
}

static Status transfer_content(const Transfer *transfer, ImageContent *content, Diag *diag, TransferReport *out_report)
{
    Transfer own = *transfer;
    TRY(meta_store_open_as(own.from, &(MetaOpen){.is_read_only = true}, diag, &own.store));
    Status status = meta_transfer(&own, content, diag, out_report);
    meta_store_close(own.store);
    return status;
}

Status meta_dir_restore(Volume *directory, const Transfer *transfer, Diag *diag, TransferReport *out_report)
{
    Volume *volume = transfer->from;
    ImageContent content CLEANUP(image_content_deinit);
    Incarnation newest;
    MetaDirState state;
    image_content_init(&content);
    TRY(meta_dir_look(directory, diag, &state));
    TRY(incarnation_newest(volume, diag, &newest));
    if (newest.number != 0 && state.incarnation.number != 0 && strcmp(newest.cluster, state.incarnation.cluster) != 0)
        return RAISE(diag, BAD_VALUE, "meta directory \"%s\" is of cluster %u, volume \"%s\" of cluster %u", directory->url,
                     incarnation_cluster_id(&state.incarnation), volume->url, incarnation_cluster_id(&newest));
    if (newest.number == 0 && transfer->into != volume)
        return RAISE(diag, BAD_VALUE, "volume \"%s\" holds no metadata: restore the meta directory in it first, then copy it", volume->url);
    TRY(meta_dir_content(directory, diag, &content));
    if (newest.number == 0)
        TRY(seed(directory, volume, &content, diag));
    return transfer_content(transfer, &content, diag, out_report);
}

static Status was_restored(Volume *volume, const char *generation, bool *out_was, Diag *diag)
{
    *out_was = false;
    for (uint64_t number = 1;; number++) {
        Incarnation record;
        Diag missing = {0};
        Status status = incarnation_get(volume, number, &missing, NULL, &record);
        if (status == ERR_NO_SUCH_OBJECT)
            return OK;
        if (status != OK)
            return diag_raise(diag, status, "%s", missing.message);
        *out_was |= strcmp(record.generation, generation) == 0;
    }
}

static Status is_there(Volume *volume, const char *path, bool *out_is, Diag *diag)
{
    VolumeObject *object;
    Diag missing = {0};
    Status status = volume_open_object(volume, path, &missing, &object);
    *out_is = status == OK;
    if (status == OK)
        volume_close_object(object);
    return status == OK || status == ERR_NO_SUCH_OBJECT ? OK : diag_raise(diag, status, "%s", missing.message);
}

/* Does the volume lead at least to where the directory does? An image of the same or a later entry covers what is gone
 * from the journal. */
static Status is_ahead(const MetaDirState *state, const Incarnation *newest, Volume *volume, bool *out_ahead, Diag *diag)
{
    AUTO_ARENA arena;
    uint64_t *entries = NULL;
    uint32_t count = 0;
    bool has_last = true;
    char path[JOURNAL_PATH_BYTES];
    arena_init(&arena, NULL);
    *out_ahead = state->incarnation.number > newest->number;
    if (state->incarnation.number != newest->number)
        return OK;
    TRY(image_list(volume, newest->number, &arena, diag, &entries, &count));
    if (count > 0 && entries[0] >= state->last_entry)
        return OK;
    if (state->last_sequence > 0) {
        journal_batch_path(path, newest->number, state->last_sequence);
        TRY(is_there(volume, path, &has_last, diag));
        *out_ahead = !has_last;
        return OK;
    }
    *out_ahead = state->image_entry > 0; /* and the volume has no such image */
    return OK;
}

static Status handle_ahead(Volume *directory, Volume *volume, const MetaDirState *state, bool replays, Diag *diag)
{
    if (!replays)
        return RAISE(diag, CORRUPT,
                     "meta_dir \"%s\" is at incarnation %" PRIu64 ", entry %" PRIu64 " (journal object %" PRIu64
                     "), and volume \"%s\" does not reach that far: "
                     "it lacks the newest entries. Start with the whole volume, with meta_dir_ahead=replay to put back into the volume what the "
                     "directory has, or without the directory to do without them",
                     directory->url, state->incarnation.number, state->last_entry, state->last_sequence, volume->url);
    LOG_WARN("meta", "meta_dir_ahead=replay: what \"%s\" has beyond the volume is put back", directory->url);
    return meta_dir_copy(directory, volume, diag);
}

static Status restore_at_start(Volume *directory, Volume *volume, const MetaDirStart *options, bool is_empty, Diag *diag, ByteBuf *out_note)
{
    uint64_t missing = 0;
    TransferReport report;
    Transfer transfer = {.from = volume,
                         .into = volume,
                         .generation = options->generation,
                         .volumes = options->volumes,
                         .missing = log_missing,
                         .context = &missing};
    TRY(meta_dir_restore(directory, &transfer, diag, &report));
    bytebuf_printf(out_note, "restored from meta_dir: entry %" PRIu64 ", incarnation %" PRIu64 "%s", report.restored.from_entry,
                   report.restored.incarnation, is_empty ? "; the volume had no metadata" : "");
    if (missing > 0)
        bytebuf_printf(out_note, "; %" PRIu64 " objects are missing", missing);
    return OK;
}

Status meta_dir_start(Volume *directory, Volume *volume, const MetaDirStart *options, Diag *diag, MetaDirState *out_state, ByteBuf *out_note)
{
    Incarnation newest;
    bool was = false, ahead = false;
    Diag trouble = {0};
    TRY(incarnation_newest(volume, diag, &newest));
    Status looked = meta_dir_look(directory, &trouble, out_state);
    bool has_generation = options->generation[0] != '\0';
    if (has_generation)
        TRY(was_restored(volume, options->generation, &was, diag));
    if (looked != OK && (newest.number == 0 || (has_generation && !was)))
        return diag_raise(diag, looked, "%s", trouble.message);
    if (looked != OK) {
        bytebuf_printf(out_note, "meta_dir could not be read and is written anew: %s", trouble.message);
        *out_state = (MetaDirState){0};
        return OK;
    }
    if (out_state->incarnation.number == 0 && has_generation && !was)
        return RAISE(diag, BAD_VALUE, "restore_meta_dir=%s: there is no metadata in \"%s\"", options->generation, directory->url);
    if (out_state->incarnation.number == 0 || (newest.number == 0 && was))
        return OK;
    if ((has_generation && !was) || newest.number == 0)
        return restore_at_start(directory, volume, options, newest.number == 0, diag, out_note);
    if (strcmp(newest.cluster, out_state->incarnation.cluster) != 0)
        return RAISE(diag, BAD_VALUE, "meta_dir \"%s\" is of cluster %u, volume \"%s\" of cluster %u", directory->url,
                     incarnation_cluster_id(&out_state->incarnation), volume->url, incarnation_cluster_id(&newest));
    TRY(is_ahead(out_state, &newest, volume, &ahead, diag));
    return ahead ? handle_ahead(directory, volume, out_state, options->replays_ahead, diag) : OK;
}

typedef struct Keep {
    Volume *directory;
    uint64_t entry_id;
    Status status;
    Diag *diag;
} Keep;

static void keep_object(void *context, const char *path, uint64_t size)
{
    Keep *keep = context;
    char copy[META_DIR_PATH_BYTES];
    AUTO_BYTEBUF bytes = {0};
    Diag trouble = {0};
    (void)size;
    if (keep->status != OK)
        return;
    if (snprintf(copy, sizeof(copy), "found/%" PRIu64 "/%s", keep->entry_id, path) >= (int)sizeof(copy))
        return; /* a name that is none of ours */
    keep->status = volume_get(keep->directory, path, &bytes, keep->diag);
    if (keep->status == OK && volume_put(keep->directory, copy, bytebuf_view(&bytes), &trouble) == ERR_OBJECT_EXISTS)
        return;
    if (keep->status == OK && trouble.message[0] != '\0')
        keep->status = diag_raise(keep->diag, trouble.code, "%s", trouble.message);
}

Status meta_dir_compare(Volume *directory, MetaStore *store, const MetaDirState *found, const char *volume_url, Diag *diag, ByteBuf *out_note)
{
    uint64_t end = meta_journal_entries(store);
    if (meta_is_leading(store))
        end--; /* the entry of this start */
    if (found->incarnation.number == 0 || out_note->length > 0 || found->last_entry >= end)
        return OK;
    Keep keep = {.directory = directory, .entry_id = found->last_entry, .diag = diag};
    TRY(directory->ops->list(directory, "image", keep_object, &keep, diag));
    TRY(keep.status);
    TRY(directory->ops->list(directory, "bdb", keep_object, &keep, diag));
    TRY(keep.status);
    bytebuf_printf(out_note,
                   "meta_dir was at incarnation %" PRIu64 ", entry %" PRIu64 "; the volume is at incarnation %" PRIu64 ", entry %" PRIu64
                   " and is followed. To go back, stop all servers and run: merak restore --volume %s --meta-dir %s/found/%" PRIu64,
                   found->incarnation.number, found->last_entry, meta_incarnation(store), end, volume_url, meta_dir_folder(directory),
                   found->last_entry);
    return OK;
}

/* The folder as a command takes it. */
const char *meta_dir_folder(const Volume *directory)
{
    return strncmp(directory->url, "file://", 7) == 0 ? directory->url + 7 : directory->url;
}
