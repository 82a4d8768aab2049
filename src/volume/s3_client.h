#pragma once
/* Requests to one bucket of an S3 service: signed, retried, checked.
 *
 * Retries: transport errors and the statuses that ask for it (408, 429, 500, 502, 503, 504, and 409 of conditional
 * puts), with exponential back-off and full jitter, until retry_timeout_ms are over. Every operation here may be
 * repeated; what that means for its answer, the function says. Thread-safe. Keys are paths below the prefix. */

#include "base/environment.h"
#include "base/status.h"
#include "volume/s3_sign.h"

typedef struct S3Client S3Client;

typedef struct S3Options {
    const char *endpoint; /* "http://host:port", or a host; empty: AWS' of the region */
    const char *region;   /* empty: us-east-1 */
    const char *bucket;
    const char *prefix; /* "a/b"; may be empty */
    const char *access_key, *secret_key, *session_token;
    /* 1: https://endpoint/bucket/key; 0: https://bucket.endpoint/key; -1: by the endpoint's name */
    int path_style;
    int64_t connect_timeout_ms;
    int64_t request_timeout_ms; /* of one try; 0: 15 s; bodies extend it */
    int64_t retry_timeout_ms;   /* of all tries; 0: 30 s */
    const char *ca_file;
} S3Options;

typedef struct S3Stats {
    uint64_t requests; /* tries included */
    uint64_t retries;
    uint64_t failures; /* operations that gave up */
    uint64_t read_bytes, written_bytes;
} S3Stats;

Status s3_client_open(const S3Options *options, const Environment *environment, Diag *diag, S3Client **out_client);
void s3_client_close(S3Client *client);
void s3_client_stats(const S3Client *client, S3Stats *out_stats);
/* New keys, as from a rotation: for all requests from now on. */
void s3_client_set_credentials(S3Client *client, const S3Credentials *credentials);

/* OBJECT_EXISTS when another's bytes are there. The same bytes count as ours: an answer may have got lost. */
Status s3_put_if_absent(S3Client *client, const char *key, StrView bytes, Diag *diag);
/* The whole object; lengths are compared, and the MD5 sum where the service tells it. */
Status s3_get(S3Client *client, const char *key, ByteBuf *out_bytes, Diag *diag);
/* length bytes from offset, all of them or an error. out_total: of the object; may be NULL. */
Status s3_get_range(S3Client *client, const char *key, uint64_t offset, uint64_t length, ByteBuf *out_bytes, uint64_t *out_total,
                    Diag *diag);
/* At most length bytes from the end. */
Status s3_get_tail(S3Client *client, const char *key, uint64_t length, ByteBuf *out_bytes, uint64_t *out_total, Diag *diag);
Status s3_remove(S3Client *client, const char *key, Diag *diag);
/* At most S3_MOST_DELETES at once. out_failed: by position; the error is of the first. */
enum { S3_MOST_DELETES = 1000 };
Status s3_remove_many(S3Client *client, const char *const *keys, uint32_t count, bool *out_failed, Diag *diag);
/* Keys that begin with prefix, in order. */
Status s3_list(S3Client *client, const char *prefix, void (*visit)(void *context, const char *key, uint64_t size), void *context,
               Diag *diag);
/* The same with more of what the service tells. */
typedef struct S3Listed {
    const char *key;
    uint64_t size;
    const char *modified; /* "2024-08-15T20:47:02.000Z"; may be empty */
} S3Listed;
Status s3_list_objects(S3Client *client, const char *prefix, void (*visit)(void *context, const S3Listed *object), void *context, Diag *diag);

/* Objects in parts: each but the last of S3_LEAST_PART bytes at least. Nothing is there before s3_upload_complete(). */
enum { S3_LEAST_PART = 5 << 20, S3_MOST_PARTS = 10000, S3_UPLOAD_ID_BYTES = 1024 };
Status s3_upload_begin(S3Client *client, const char *key, char out_id[S3_UPLOAD_ID_BYTES], Diag *diag);
/* number: from 1. etag: what s3_upload_complete() wants of each part. */
enum { S3_ETAG_BYTES = 128 };
Status s3_upload_part(S3Client *client, const char *key, const char *id, uint32_t number, StrView bytes, char out_etag[S3_ETAG_BYTES],
                      Diag *diag);
Status s3_upload_complete(S3Client *client, const char *key, const char *id, const char (*etags)[S3_ETAG_BYTES], uint32_t count,
                          uint64_t length, Diag *diag);
Status s3_upload_abort(S3Client *client, const char *key, const char *id, Diag *diag);
