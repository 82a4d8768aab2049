#pragma once
/* A path in a bucket of an S3 service as a volume. */

#include "volume/s3_client.h"
#include "volume/volume.h"

/* Probes that put-if-absent excludes before it returns. */
Status volume_open_s3(const S3Options *options, const Environment *environment, Diag *diag, Volume **out_volume);
