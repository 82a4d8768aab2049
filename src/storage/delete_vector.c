#include "storage/delete_vector.h"

#include <roaring/roaring.h>

#include "base/hash.h"
#include "volume/quarantine.h"

static void make_words(DeleteVector *vector, Arena *arena)
{
    if (vector->words == NULL)
        vector->words = ARENA_NEW_ARRAY(arena, uint64_t, (size_t)vector->rows / 64 + 1);
}

bool delete_vector_add(DeleteVector *vector, Arena *arena, uint32_t row)
{
    if (row >= vector->rows)
        return false;
    make_words(vector, arena);
    uint64_t bit = 1ull << (row % 64);
    if ((vector->words[row / 64] & bit) != 0)
        return false;
    vector->words[row / 64] |= bit;
    vector->count++;
    return true;
}

static bool add_row(uint32_t row, void *opaque)
{
    DeleteVector *vector = opaque;
    return delete_vector_add(vector, NULL, row);
}

static Status decode(StrView bytes, const SegmentRef *segment, Arena *arena, Diag *diag, DeleteVector *out)
{
    roaring_bitmap_t *bitmap = NULL;
    if (bytes.length > sizeof(uint64_t) &&
        load_u64(bytes.data + bytes.length - sizeof(uint64_t)) == checksum_bytes(bytes.data, bytes.length - sizeof(uint64_t)))
        bitmap = roaring_bitmap_portable_deserialize_safe(bytes.data, bytes.length - sizeof(uint64_t));
    if (bitmap == NULL)
        return RAISE(diag, CORRUPT, "the delete vector of segment %llu in object \"%.*s\" is damaged",
                     (unsigned long long)segment->id, SV_ARGS(segment->path));
    make_words(out, arena);
    bool fits = roaring_bitmap_is_empty(bitmap) || roaring_bitmap_maximum(bitmap) < out->rows;
    if (fits)
        (void)roaring_iterate(bitmap, add_row, out);
    roaring_bitmap_free(bitmap);
    if (fits && out->count != segment->deletes->count)
        return RAISE(diag, CORRUPT, "the delete vector of segment %llu holds %u rows, metadata says %llu",
                     (unsigned long long)segment->id, out->count, (unsigned long long)segment->deletes->count);
    return fits ? OK : RAISE(diag, CORRUPT, "the delete vector of segment %llu names rows that it does not have",
                             (unsigned long long)segment->id);
}

static Status load_object(Volume *volume, const SegmentRef *segment, Arena *arena, Diag *diag, DeleteVector *out)
{
    StrView name = segment->deletes->path;
    AUTO_BYTEBUF bytes = {0};
    AUTO_ARENA names;
    arena_init(&names, NULL);
    const char *path = arena_strndup(&names, name.data, name.length);
    TRY(volume_by_id(volume, segment->volume_id, diag, &volume));
    Status status = volume_get(volume, path, &bytes, diag);
    if (status == OK) {
        status = decode(bytebuf_view(&bytes), segment, arena, diag, out);
        if (status == ERR_CORRUPT)
            diag_add_context(diag, "object \"%s\"", path);
    }
    if (status == ERR_CORRUPT || status == ERR_NO_SUCH_OBJECT)
        quarantine_note(volume, name, status == ERR_CORRUPT ? "the delete vector is damaged" : "the object is missing");
    return status;
}

Status delete_vector_load(Volume *volume, const SegmentRef *segment, Arena *arena, Diag *diag, DeleteVector *out)
{
    *out = (DeleteVector){.rows = (uint32_t)segment->row_count};
    if (segment->deletes == NULL)
        return OK;
    if (segment->deletes->bytes.length > 0)
        return decode(segment->deletes->bytes, segment, arena, diag, out);
    return load_object(volume, segment, arena, diag, out);
}

void delete_vector_encode(const DeleteVector *vector, ByteBuf *out)
{
    roaring_bitmap_t *bitmap = roaring_bitmap_create();
    for (uint32_t w = 0; vector->words != NULL && w < vector->rows / 64 + 1; w++) {
        for (uint64_t bits = vector->words[w]; bits != 0; bits &= bits - 1)
            roaring_bitmap_add(bitmap, w * 64 + (uint32_t)__builtin_ctzll(bits));
    }
    roaring_bitmap_run_optimize(bitmap);
    size_t begin = out->length;
    size_t size = roaring_bitmap_portable_size_in_bytes(bitmap);
    bytebuf_reserve(out, size);
    out->length += roaring_bitmap_portable_serialize(bitmap, out->data + begin);
    roaring_bitmap_free(bitmap);
    bytebuf_put_u64(out, checksum_bytes(out->data + begin, size));
}
