#pragma once
/* Does a volume refuse to create an object that exists? On one that does not, two leaders could both believe that they append. */

#include "volume/volume.h"

/* VOLUME_UNSAFE: it does not. Any other error: nothing is known. */
Status volume_probe(Volume *volume, Diag *diag);
