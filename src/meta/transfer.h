#pragma once
/* A state of a cluster begins the next incarnation: of the volume that it lies in, or of another one, to which its objects are
 * copied as far as they are missing there. Its other storage volumes may lie elsewhere from then on. */

#include "meta/other_volume.h"
#include "meta/restore.h"
#include "meta/state_copy.h"

typedef struct Transfer {
    MetaStore *store;    /* that the state is of */
    Volume *from, *into; /* the same: nothing is copied */
    const VolumeMove *moves;
    uint32_t move_count;
    const char *generation;        /* kept in the record of the incarnation; may be empty */
    OtherVolumesOptions volumes;   /* how they are opened; store, home and catalog are filled in */
    const _Atomic bool *cancelled; /* may be NULL */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void (*missing)(void *context, StrView path); /* objects that are nowhere; may be NULL: that is an error */
    void *context;
} Transfer;

typedef struct TransferReport {
    RestoreReport restored;
    StateCopyReport copied;
} TransferReport;

/* state->catalog is changed. Into another volume every storage volume has to be moved, for two clusters can't share one. */
Status meta_transfer(const Transfer *transfer, ImageContent *state, Diag *diag, TransferReport *out_report);
