#pragma once
/* Checkpoints: images of the published state in the volume, so that a start reads a short journal.
 *
 * An image is written from a snapshot, beside the commits. meta/<incarnation>/image/image.<entry> is the object,
 * checksum.<entry> beside it has its CRC-32 in decimal, for people. A start takes the newest image that is sound; a
 * damaged one is named, and the one before serves as long as the journal reaches from it. */

#include "meta/store.h"

typedef struct CheckpointLimits { /* whichever comes first makes a checkpoint due */
    uint64_t objects; /* of the journal behind the newest image */
    uint64_t bytes;
    int64_t age_us; /* of the newest image, when there is something behind it */
} CheckpointLimits;

enum { IMAGE_PATH_BYTES = 96 };

typedef struct ImageReport {
    uint64_t entry_id;
    char object[IMAGE_PATH_BYTES];
    uint32_t checksum;
    uint64_t bytes;
} ImageReport;

/* Returns once the image is durable. Several calls in the same state are one image. */
Status meta_create_image(MetaStore *store, Diag *diag, ImageReport *out_report);
void meta_set_checkpoint_limits(MetaStore *store, const CheckpointLimits *limits);
/* The scheduler's job: makes an image when one is due and this node leads. */
int64_t meta_checkpoint_job(void *store, const _Atomic bool *stopping);
/* Entry of the newest image that this node made or began with; 0: none. */
uint64_t meta_image_entry(MetaStore *store);
void image_path(char out[IMAGE_PATH_BYTES], uint64_t incarnation, const char *kind, uint64_t entry_id);
/* The entries of all images of the incarnation, the newest first; in arena. */
Status image_list(Volume *volume, uint64_t incarnation, Arena *arena, Diag *diag, uint64_t **out_entries, uint32_t *out_count);

/* ---- trim.c ---- */

typedef struct TrimReport {
    uint32_t images_kept, images_deleted;
    uint64_t objects_deleted; /* of the journal */
    uint64_t first_sequence;  /* that is left */
} TrimReport;

enum { RETENTION_HOURS = 72 };
/* Deletes images that are older than the retention, but for the newest two and the newest of the older ones; of those
 * within it one an hour stays. Then the journal before the oldest that is kept, as far as that one is old enough. The leader's. */
Status meta_trim(MetaStore *store, int64_t retention_us, Diag *diag, TrimReport *out_report);
void meta_set_retention(MetaStore *store, int64_t retention_us);
int64_t meta_trim_job(void *store, const _Atomic bool *stopping);
