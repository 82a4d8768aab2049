#include "storage/delete_vector.h"

#include "base/hash.h"
#include "base/memory.h"
#include "storage/row_bitmap.h"
#include "vector/selection.h"
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

uint32_t delete_vector_add_bits(DeleteVector *vector, Arena *arena, uint32_t first, const uint64_t *bits, uint32_t count)
{
    uint32_t before = vector->count;
    uint32_t words = first < vector->rows ? (MIN(count, vector->rows - first) + 63) / 64 : 0;
    for (uint32_t w = 0; w < words; w++) {
        uint32_t row = first + w * 64;
        uint64_t word = bits[w] & (count - w * 64 >= 64 ? UINT64_MAX : (1ull << (count % 64)) - 1);
        if (word == 0)
            continue;
        make_words(vector, arena);
        if (row % 64 != 0 || row + 64 > vector->rows) {
            for (; word != 0; word &= word - 1)
                (void)delete_vector_add(vector, arena, row + (uint32_t)__builtin_ctzll(word));
            continue;
        }
        vector->count += (uint32_t)__builtin_popcountll(word & ~vector->words[row / 64]);
        vector->words[row / 64] |= word;
    }
    return vector->count - before;
}

/* The bits of 64 rows from any row on; bits behind the last row are 0 or another row's. */
static uint64_t dead_bits(const DeleteVector *vector, uint32_t row)
{
    const uint64_t *word = &vector->words[row / 64];
    uint64_t low = *word >> (row % 64);
    bool crosses = row % 64 != 0 && row / 64 < vector->rows / 64;
    return crosses ? low | word[1] << (64 - row % 64) : low;
}

uint32_t delete_vector_alive(const DeleteVector *vector, uint32_t first, uint32_t count, uint16_t *out)
{
    uint32_t alive = 0;
    uint32_t row = 0;
    for (uint64_t dead = 0; row + SELECTION_STEP <= count; row += SELECTION_STEP, dead >>= SELECTION_STEP) {
        if (row % 64 == 0)
            dead = dead_bits(vector, first + row);
        alive += selection_put(&out[alive], row, (uint8_t)~dead);
    }
    for (; row < count; row++) {
        out[alive] = (uint16_t)row;
        alive += !delete_vector_has(vector, first + row);
    }
    return alive;
}

/* ---- lists ---- */

enum { LIST_STEP = 4096 };

void delete_list_make(const DeleteVector *vector, Arena *arena, DeleteList *out)
{
    uint32_t steps = vector->rows / LIST_STEP + 1;
    uint32_t found = 0;
    *out = (DeleteList){.rows = ARENA_NEW_ARRAY(arena, uint16_t, vector->count + 1), .starts = ARENA_NEW_ARRAY(arena, uint32_t, steps + 1)};
    for (uint32_t w = 0; vector->words != NULL && w < vector->rows / 64 + 1; w++) {
        if (w % (LIST_STEP / 64) == 0)
            out->starts[w / (LIST_STEP / 64)] = found;
        for (uint64_t bits = vector->words[w]; bits != 0 && found < vector->count; bits &= bits - 1)
            out->rows[found++] = (uint16_t)(w * 64 % LIST_STEP + (uint32_t)__builtin_ctzll(bits));
    }
    out->starts[steps] = found;
}

uint32_t delete_list_slice(const DeleteList *list, uint32_t first, uint32_t count, uint16_t *buffer, const uint16_t **out_rows)
{
    uint32_t found = 0;
    uint32_t step = first / LIST_STEP;
    if (first % LIST_STEP == 0 && count == LIST_STEP) {
        *out_rows = &list->rows[list->starts[step]];
        return list->starts[step + 1] - list->starts[step];
    }
    for (*out_rows = buffer; step * LIST_STEP < first + count; step++) {
        for (uint32_t at = list->starts[step]; at < list->starts[step + 1]; at++) {
            uint32_t row = step * LIST_STEP + list->rows[at];
            if (row >= first && row < first + count)
                buffer[found++] = (uint16_t)(row - first);
        }
    }
    return found;
}

static Status decode(StrView bytes, const SegmentRef *segment, Arena *arena, Diag *diag, DeleteVector *out)
{
    bool is_whole = bytes.length > sizeof(uint64_t) &&
                    load_u64(bytes.data + bytes.length - sizeof(uint64_t)) == checksum_bytes(bytes.data, bytes.length - sizeof(uint64_t));
    if (is_whole)
        make_words(out, arena);
    if (!is_whole || !row_bitmap_read(strview_n(bytes.data, bytes.length - sizeof(uint64_t)), out->words, out->rows, &out->count))
        return RAISE(diag, CORRUPT, "the delete vector of segment %llu in object \"%.*s\" is damaged",
                     (unsigned long long)segment->id, SV_ARGS(segment->path));
    if (out->count != segment->deletes->count)
        return RAISE(diag, CORRUPT, "the delete vector of segment %llu holds %u rows, metadata says %llu",
                     (unsigned long long)segment->id, out->count, (unsigned long long)segment->deletes->count);
    return OK;
}

static Status load_object(Volume *volume, const SegmentRef *segment, Arena *arena, Diag *diag, DeleteVector *out)
{
    StrView name = segment->deletes->path;
    AUTO_BYTEBUF bytes = {0};
    AUTO_ARENA names;
    arena_init(&names, NULL);
    const char *path = arena_strndup(&names, name.data, name.length);
    Status status = volume_get(volume, path, &bytes, diag);
    if (status == OK) {
        Diag trouble = {0};
        status = decode(bytebuf_view(&bytes), segment, arena, &trouble, out);
        if (status == ERR_CORRUPT && volume->ops->forget != NULL) { /* a cache's damage is not the object's */
            volume_forget(volume, path);
            bytebuf_clear(&bytes);
            diag_reset(&trouble);
            TRY(volume_get(volume, path, &bytes, diag));
            status = decode(bytebuf_view(&bytes), segment, arena, &trouble, out);
        }
        if (status != OK)
            status = diag_raise(diag, status, "%s", trouble.message);
        if (status == ERR_CORRUPT)
            diag_add_context(diag, "object \"%s\"", path);
    }
    return status;
}

Status delete_vector_load_past(Volume *volume, const SegmentRef *segment, Arena *arena, Diag *diag, DeleteVector *out)
{
    *out = (DeleteVector){.rows = (uint32_t)segment->row_count};
    if (segment->deletes == NULL)
        return OK;
    if (segment->deletes->bytes.length > 0)
        return decode(segment->deletes->bytes, segment, arena, diag, out);
    TRY(volume_by_id(volume, segment->volume_id, diag, &volume));
    return load_object(volume, segment, arena, diag, out);
}

Status delete_vector_load(Volume *volume, const SegmentRef *segment, Arena *arena, Diag *diag, DeleteVector *out)
{
    Status status = delete_vector_load_past(volume, segment, arena, diag, out);
    bool is_object = segment->deletes != NULL && segment->deletes->bytes.length == 0;
    if (is_object && (status == ERR_CORRUPT || status == ERR_NO_SUCH_OBJECT)) {
        const char *what = status == ERR_CORRUPT ? "the delete vector is damaged" : "the object is missing";
        TRY(volume_by_id(volume, segment->volume_id, diag, &volume));
        quarantine_note(volume, segment->deletes->path, what);
    }
    return status;
}

void delete_vector_encode(const DeleteVector *vector, ByteBuf *out)
{
    size_t begin = out->length;
    row_bitmap_append(vector->words, vector->words == NULL ? 0 : vector->rows, out);
    bytebuf_put_u64(out, checksum_bytes(out->data + begin, out->length - begin));
}
