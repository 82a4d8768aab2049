#pragma once
/* Going back: a state of a cluster (from an image, a moment of the journal, a saved meta directory) becomes the beginning
 * of its next incarnation. Nothing is deleted: what is abandoned stays where it is, and can be gone back to. */

#include "meta/image.h"

/* The state that a store holds, as an image would; for stores that were opened to look at a moment, too. */
void meta_content(MetaStore *store, ImageContent *out_content);

typedef struct RestoreReport {
    uint64_t incarnation; /* the new one */
    uint64_t entry_id;    /* that it begins with */
    uint64_t from_entry;  /* the state's own */
} RestoreReport;

/* Closes the newest incarnation of the volume and opens the next one with the state. generation: kept in its record, may
 * be empty. A crash at any place leaves either the old incarnation or the new one. */
Status meta_open_next(Volume *volume, ImageContent *state, const char *generation, Diag *diag, RestoreReport *out_report);
/* A volume without metadata gets the incarnations up to that of the state, and the state as an image: meta_open_next()
 * goes on from there. records: of `from`. */
Status meta_seed(Volume *volume, Volume *from, ImageContent *state, Diag *diag);
