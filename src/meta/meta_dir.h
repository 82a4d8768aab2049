#pragma once
/* The meta directory: a copy of the metadata in the layout that operators know, on a node's own disk.
 *
 *   image/ROLE, image/VERSION           who the node is, which cluster this is
 *   image/v2/image.<entry>              images as they lie in the volume, and checksum.<entry>
 *   image/starmgr/image.<entry>         a line that says that image.<entry> covers tablets too
 *   image/incarnation.<k>               the records of all incarnations
 *   bdb/<sequence>.jdb                  the journal behind the older of the images (journal_range.h)
 *
 * Carried away it is a complete backup of the metadata; put back, a start compares it with the volume. The directory is
 * a Volume of its own here. A copy is behind the volume by what was appended since the last update. */

#include "meta/incarnation.h"
#include "meta/transfer.h"

typedef struct MetaDir MetaDir;

typedef struct MetaDirNode {
    const char *host;
    uint32_t edit_log_port;
} MetaDirNode;

/* What a directory holds. */
typedef struct MetaDirState {
    Incarnation incarnation; /* number 0: there is no metadata in it */
    uint64_t image_entry;    /* of the newest image; 0: none */
    uint64_t last_sequence;  /* newest journal object in it; 0: none behind the image */
    uint64_t last_entry;     /* the state that it leads to */
} MetaDirState;

/* What image/starmgr/image.<entry> says. */
void meta_print_star_image(uint64_t entry_id, ByteBuf *out);

Status meta_dir_look(Volume *directory, Diag *diag, MetaDirState *out_state);
/* Puts what the directory holds where it would lie in a volume. What is there stays, and must be the same. */
Status meta_dir_copy(Volume *directory, Volume *to, Diag *diag);
/* The state that the directory leads to; all of it is checked. */
Status meta_dir_content(Volume *directory, Diag *diag, ImageContent *out_content);

/* The folder's name as the command line takes it. */
const char *meta_dir_folder(const Volume *directory);
/* What the directory leads to becomes the next incarnation of transfer->from, which may have no metadata at all, or begins
 * transfer->into. The transfer's store is filled in. */
Status meta_dir_restore(Volume *directory, const Transfer *transfer, Diag *diag, TransferReport *out_report);

typedef struct MetaDirStart {
    bool replays_ahead;      /* meta_dir_ahead = replay */
    const char *generation;  /* restore_meta_dir; empty: none */
    OtherVolumesOptions volumes;
} MetaDirStart;

/* Before the store is opened: restores once a generation, seeds a volume without metadata, refuses a directory that is
 * ahead of the volume. out_note: what the operator should know, empty when all is as it should be. */
Status meta_dir_start(Volume *directory, Volume *volume, const MetaDirStart *options, Diag *diag, MetaDirState *out_state, ByteBuf *out_note);
/* After it was opened: says when the volume is ahead, and keeps what was found as found.<entry>/. */
Status meta_dir_compare(Volume *directory, MetaStore *store, const MetaDirState *found, const char *volume_url, Diag *diag, ByteBuf *out_note);

/* Keeps the directory like the store. Neither is owned. */
MetaDir *meta_dir_open(Volume *directory, MetaStore *store, const MetaDirNode *node);
void meta_dir_close(MetaDir *mirror);
Status meta_dir_update(MetaDir *mirror, Diag *diag);
/* The scheduler's job. */
int64_t meta_dir_job(void *mirror, const _Atomic bool *stopping);
