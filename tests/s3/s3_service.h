#pragma once
/* A small S3 service in memory, for tests: path-style addresses, signatures checked, conditional puts that exclude,
 * ranges, lists in pages, batch deletes, uploads in parts; and misbehaviour on order.
 *
 * Faults are lines "OP KEY NTH TIMES PROBABILITY ACTION"; the first that fits a request decides. OP: PUT GET DELETE
 * LIST DELETES CREATE PART COMPLETE or *. KEY: a part of the key, or *. NTH: fits from the n-th such request on.
 * TIMES: so often; 0: for ever. ACTION:
 *   400..599    answers that status instead of acting
 *   reset       cuts the connection without acting;  reset-after  acts, then cuts
 *   hang:MS     acts after a wait
 *   late:MS     cuts now, acts later
 *   half        cuts in the midst of the body;  short  half of the body with a length that fits
 *   flip        a bit of the body is another one
 *   slow:BYTES  that many bytes of the body a second
 *   noexclude   takes a conditional put as a plain one */

#include "base/status.h"

typedef struct S3Service S3Service;

typedef struct S3ServiceOptions {
    uint16_t port; /* 0: a free one */
    const char *bucket, *access_key, *secret_key;
    uint64_t seed;
    int64_t delay_us; /* before every answer */
    uint64_t bytes_per_second; /* of a body; 0: no limit */
} S3ServiceOptions;

Status s3_service_start(const S3ServiceOptions *options, Diag *diag, S3Service **out_service);
void s3_service_stop(S3Service *service);
uint16_t s3_service_port(const S3Service *service);
void s3_service_faults(S3Service *service, const char *lines);
uint64_t s3_service_requests(const S3Service *service);
uint32_t s3_service_objects(S3Service *service);
uint32_t s3_service_uploads(S3Service *service); /* begun and neither completed nor ended */
