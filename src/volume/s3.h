#pragma once
/* A path in a bucket of an S3 service as a volume. */

#include "volume/block_cache.h"
#include "volume/s3_client.h"
#include "volume/volume.h"

/* Probes that put-if-absent excludes before it returns. */
Status volume_open_s3(const S3Options *options, const Environment *environment, Diag *diag, Volume **out_volume);
/* Reads of data objects go through the cache from now on, which outlives the volume's use. identity: of what the
 * volume holds, so that what an earlier cluster left at the same address is not taken for this one's. Once, before
 * data is read. */
void volume_s3_use_cache(Volume *volume, BlockCache *cache, uint64_t identity);
void volume_s3_stats(const Volume *volume, S3Stats *out_stats);
bool volume_is_s3(const Volume *volume);
S3Client *volume_s3_client(Volume *volume);
