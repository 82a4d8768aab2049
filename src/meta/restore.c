#include "meta/restore.h"

/* The order in which an incarnation is opened: the lead is claimed (so that the next entry id is known), the image is put
 * under the next incarnation's folder, the closing entry is appended with the next one's record in it, the record is put.
 * Until the closing entry is durable the old incarnation goes on as if nothing had been; from then on whoever starts puts
 * the record if it is not there. */

#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/log.h"
#include "meta/image_place.h"
#include "meta/store_int.h"

/* Of a volume that lost its metadata nobody knows which ids its objects carry. */
static const uint64_t SEED_ID_GAP = (uint64_t)1 << 32;

void meta_content(MetaStore *store, ImageContent *out_content)
{
    LOCK_GUARD(&store->lock);
    const Journal *journal = &store->journal;
    out_content->catalog = catalog_ref(store->published);
    out_content->head = (ImageHead){store->published->entry_id, journal->incarnation, journal->next_sequence, journal->previous_hash,
                                    journal->epoch, journal->epoch_writer, env_wall_us(journal->volume->environment)};
    out_content->label_count = label_set_list(store->labels, out_content->head.entry_id, &out_content->arena, &out_content->labels);
    out_content->kept = store->kept;
    out_content->kept_count = store->kept_count;
}

static Status put_state(Volume *volume, const ImageContent *state, Diag *diag)
{
    AUTO_BYTEBUF image = {0};
    AUTO_BYTEBUF sum = {0};
    char path[IMAGE_PATH_BYTES], sum_path[IMAGE_PATH_BYTES];
    image_write(state, &image);
    image_path(path, state->head.incarnation, "image", state->head.entry_id);
    image_path(sum_path, state->head.incarnation, "checksum", state->head.entry_id);
    image_place_write(&(ImagePlace){image_checksum(bytebuf_view(&image)), state->head.next_sequence, state->head.time_us}, &sum);
    FAULT("restore.before_image", diag);
    TRY(volume_put_if_absent(volume, path, bytebuf_view(&image), diag));
    return volume_put_if_absent(volume, sum_path, bytebuf_view(&sum), diag);
}

static Status open_next(MetaStore *old, ImageContent *state, const char *generation, Diag *diag, RestoreReport *out_report)
{
    Journal *journal = &old->journal;
    AUTO_BYTEBUF record = {0};
    Incarnation next = journal->record;
    next.number = journal->incarnation + 1;
    next.parent = journal->incarnation;
    next.entry_id = journal->next_entry_id;
    next.time_us = env_wall_us(journal->volume->environment);
    snprintf(next.generation, sizeof(next.generation), "%s", generation);
    incarnation_write(&next, &record);
    *out_report = (RestoreReport){next.number, next.entry_id, state->head.entry_id};
    state->head = (ImageHead){next.entry_id, next.number, 1, journal->previous_hash, 0, 0, next.time_us};
    state->catalog->entry_id = next.entry_id;
    state->catalog->next_id = MAX(state->catalog->next_id, old->published->next_id);
    TRY(put_state(journal->volume, state, diag));
    FAULT("restore.before_close", diag);
    TRY(journal_close_incarnation(journal, bytebuf_view(&record), diag));
    FAULT("restore.after_close", diag);
    return incarnation_put(journal->volume, next.number, bytebuf_view(&record), diag);
}

Status meta_open_next(Volume *volume, ImageContent *state, const char *generation, Diag *diag, RestoreReport *out_report)
{
    MetaStore *old;
    TRY(meta_store_open(volume, diag, &old));
    Status status = old->journal.is_leading ? open_next(old, state, generation, diag, out_report)
                                            : RAISE(diag, IO, "nothing can be written to volume \"%s\"", volume->url);
    meta_store_close(old);
    return status;
}

Status meta_seed(Volume *volume, Volume *from, ImageContent *state, Diag *diag)
{
    AUTO_BYTEBUF bytes = {0};
    Incarnation record;
    state->catalog->next_id += SEED_ID_GAP;
    TRY(put_state(volume, state, diag));
    for (uint64_t number = state->head.incarnation; number >= 1; number--) { /* the first comes last: without it there is none */
        TRY(incarnation_get(from, number, diag, &bytes, &record));
        TRY(incarnation_put(volume, number, bytebuf_view(&bytes), diag));
    }
    return OK;
}
