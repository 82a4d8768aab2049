#include "job/delete_vector_store.h"

#include "base/fault.h"

Status delete_vector_store(MetaStore *store, Volume *volume, const SegmentRef *segment, const DeleteVector *vector, Arena *arena,
                           Diag *diag, DeleteVectorRef *out)
{
    AUTO_BYTEBUF bytes = {0};
    TRY(volume_by_id(volume, segment->volume_id, diag, &volume));
    delete_vector_encode(vector, &bytes);
    *out = (DeleteVectorRef){.id = meta_new_id(store), .count = vector->count};
    if (out->id == 0)
        return RAISE(diag, IO, "no ids can be had for new objects: the metadata journal can't be written");
    FAULT("deletes.before_put", diag);
    if (bytes.length <= DELETE_VECTOR_INLINE_BYTES) {
        out->bytes = strview_n(arena_strndup(arena, bytes.data, bytes.length), bytes.length);
        return OK;
    }
    char path[META_OBJECT_PATH_BYTES];
    meta_object_path(store, out->id, "del", path);
    out->path = strview(arena_strdup(arena, path));
    return volume_put(volume, path, bytebuf_view(&bytes), diag);
}
