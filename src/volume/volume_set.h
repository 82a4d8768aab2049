#pragma once
/* The volumes of a cluster by id: the home volume, which is 0, and others, opened when they are first needed and open
 * until the end. Every volume of a set knows it (volume_by_id()). Thread-safe. */

#include "volume/volume.h"

typedef struct VolumeOpener {
    void *context;
    Status (*open)(void *context, uint32_t id, Diag *diag, Volume **out_volume);
    /* Looks whether the volume's keys have changed since, at most once a second. */
    void (*renew)(void *context, Volume *volume);
} VolumeOpener;

VolumeSet *volume_set_open(Volume *home, const VolumeOpener *opener);
/* Closes all but the home volume. */
void volume_set_close(VolumeSet *set);
Status volume_set_get(VolumeSet *set, uint32_t id, Diag *diag, Volume **out_volume);
/* Makes what was written to any of them durable. */
Status volume_set_flush(VolumeSet *set, Diag *diag);
