#pragma once
/* New delete vectors: in the reference when they are small, else as objects of the volume that their segment is in. */

#include "meta/store.h"
#include "storage/delete_vector.h"

/* The reference's parts are in arena. Nothing is published here. */
Status delete_vector_store(MetaStore *store, Volume *volume, const SegmentRef *segment, const DeleteVector *vector, Arena *arena,
                           Diag *diag, DeleteVectorRef *out);
