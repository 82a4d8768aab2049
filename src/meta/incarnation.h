#pragma once
/* Incarnations: the lives of a cluster. A restore does not rewind a journal; it closes it with an entry behind which
 * nothing may follow, and opens the next incarnation, which begins with an image. Object names carry the incarnation, entry
 * ids go on from the closing entry, and so what was abandoned can be neither read nor overwritten by mistake.
 *
 * meta/incarnation/<k> is a line of JSON and a line with its checksum, put if absent, found by asking for k + 1. */

#include "volume/volume.h"

enum { INCARNATION_TOKEN_BYTES = 37, INCARNATION_PATH_BYTES = 64, CLUSTER_NAME_BYTES = 33, GENERATION_BYTES = 65 };

typedef struct Incarnation {
    uint64_t number;
    uint64_t parent;   /* 0: none */
    uint64_t entry_id; /* the image that it begins with; 0: with nothing */
    int64_t time_us;
    char cluster[CLUSTER_NAME_BYTES];   /* the same for all incarnations; a secret: only who reads the volume knows it */
    char generation[GENERATION_BYTES];  /* of restore_meta_dir; empty: none */
} Incarnation;

/* The cluster as a number that may be shown. */
uint32_t incarnation_cluster_id(const Incarnation *incarnation);
/* What the cluster's nodes show each other, in the form of a UUID; the secret can't be told from it. */
void incarnation_token(const Incarnation *incarnation, char out[INCARNATION_TOKEN_BYTES]);
/* The file image/VERSION of a meta directory. */
void incarnation_print_version(const Incarnation *incarnation, ByteBuf *out);
void incarnation_path(char out[INCARNATION_PATH_BYTES], uint64_t number);
void incarnation_write(const Incarnation *incarnation, ByteBuf *out);
Status incarnation_read(StrView bytes, const char *path, Diag *diag, Incarnation *out);
/* NO_SUCH_OBJECT: there is none of that number. out_bytes may be NULL. */
Status incarnation_get(Volume *volume, uint64_t number, Diag *diag, ByteBuf *out_bytes, Incarnation *out);
/* The newest; number 0: the volume holds no metadata. */
Status incarnation_newest(Volume *volume, Diag *diag, Incarnation *out);
/* Durable on return; that it is there already is success. */
Status incarnation_put(Volume *volume, uint64_t number, StrView bytes, Diag *diag);
/* Which of the first `newest` was alive at that entry or, entry_id 0, at that time. */
Status incarnation_of_moment(Volume *volume, uint64_t newest, uint64_t entry_id, int64_t time_us, Diag *diag, uint64_t *out_number);
