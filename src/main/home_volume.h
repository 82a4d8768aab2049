#pragma once
/* The volume that holds the journal, as the configuration names it. */

#include "main/config.h"
#include "volume/block_cache.h"
#include "volume/volume.h"

/* local_directory: of a LOCAL volume. */
Status home_volume_open(const Config *config, const char *local_directory, Diag *diag, Volume **out_volume);
Status open_block_cache(const Config *config, const char *directory, Diag *diag, BlockCache **out_cache);
/* For a remote home volume whose newest incarnation is known. */
Status home_volume_use_cache(Volume *volume, uint64_t incarnation, BlockCache *cache, Diag *diag);
