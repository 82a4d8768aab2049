#pragma once
/* The volume that holds the journal, as the configuration names it. */

#include "main/config.h"
#include "volume/volume.h"

/* local_directory: of a LOCAL volume. */
Status home_volume_open(const Config *config, const char *local_directory, Diag *diag, Volume **out_volume);
