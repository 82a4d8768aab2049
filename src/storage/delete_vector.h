#pragma once
/* Delete vectors: which rows of a segment are gone. In memory a bit a row; stored as a portable roaring
 * bitmap with a checksum behind it, inline in metadata when small, else in an object of its own. */

#include "base/arena.h"
#include "types/segment_ref.h"
#include "volume/volume.h"

enum { DELETE_VECTOR_INLINE_BYTES = 512 };

typedef struct DeleteVector {
    uint64_t *words; /* NULL: no row is deleted */
    uint32_t rows;
    uint32_t count;
} DeleteVector;

static inline bool delete_vector_has(const DeleteVector *vector, uint32_t row)
{
    return vector->words != NULL && (vector->words[row / 64] >> (row % 64) & 1) != 0;
}

/* Rows first .. first + count - 1 that are not deleted, counted from first. out: room for count. */
uint32_t delete_vector_alive(const DeleteVector *vector, uint32_t first, uint32_t count, uint16_t *out);
/* Bits of the rows from first on, the lowest first; NULL: they lie across words. */
static inline const uint64_t *delete_vector_bits(const DeleteVector *vector, uint32_t first)
{
    return vector->words != NULL && first % 64 == 0 ? &vector->words[first / 64] : NULL;
}
/* The deleted rows, ascending, each counted from the last multiple of 4,096. */
typedef struct DeleteList {
    uint16_t *rows;
    uint32_t *starts; /* of each 4,096 rows in the list, and where it ends */
} DeleteList;
void delete_list_make(const DeleteVector *vector, Arena *arena, DeleteList *out);
/* Which of the rows first .. first + count - 1 it holds, counted from first, and how many: in the list itself, or in
 * buffer, which has room for count. The vector has these rows. */
uint32_t delete_list_slice(const DeleteList *list, uint32_t first, uint32_t count, uint16_t *buffer, const uint16_t **out_rows);
/* What the segment's reference names; words stay NULL when that is nothing. CORRUPT when damaged. */
Status delete_vector_load(Volume *volume, const SegmentRef *segment, Arena *arena, Diag *diag, DeleteVector *out);
/* The same of a reference that metadata no longer has: its object may be gone, which is no damage. */
Status delete_vector_load_past(Volume *volume, const SegmentRef *segment, Arena *arena, Diag *diag, DeleteVector *out);
/* False: the row was deleted already, or the segment has no such row. */
bool delete_vector_add(DeleteVector *vector, Arena *arena, uint32_t row);
/* The rows first .. first + count - 1 whose bits are set; how many were not deleted before. */
uint32_t delete_vector_add_bits(DeleteVector *vector, Arena *arena, uint32_t first, const uint64_t *bits, uint32_t count);
void delete_vector_encode(const DeleteVector *vector, ByteBuf *out);
