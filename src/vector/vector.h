#pragma once
/* Vectors and chunks: the columnar batches that all operators exchange.
 *
 * A vector holds up to CHUNK_ROWS values of one column in one of three forms:
 *   FLAT        data[row], nulls[row]
 *   CONSTANT    data[0], nulls[0] for every row
 *   DICTIONARY  dictionary->data[codes[row]]; NULL when nulls[row] of this vector is set or the
 *               dictionary's own entry is null. The dictionary is a FLAT vector of dict_size values.
 * A chunk is vectors with one row count and an optional selection: the rows that are alive, as
 * ascending positions. Kernels write results at the positions of the rows they read, so that a
 * selection never forces a copy; positions outside the selection hold garbage.
 *
 * Nulls are bytes, 1 = NULL; a NULL pointer means no row is null. Values under a null are garbage
 * for fixed widths, but a Str there is always a valid reference and a ListEntry has length 0.
 *
 * Life time: a chunk, and all that it points to, is valid until the call that passed it returns.
 * Who keeps it longer copies (see row.h, column_store.h). One thread at a time. */

#include "types/datum.h"
#include "types/type.h"

#ifndef CHUNK_ROWS
#define CHUNK_ROWS 4096
#endif
_Static_assert((CHUNK_ROWS & (CHUNK_ROWS - 1)) == 0 && CHUNK_ROWS <= 65536,
               "selections are 16-bit positions");

typedef enum VectorForm { VECTOR_FLAT, VECTOR_CONSTANT, VECTOR_DICTIONARY } VectorForm;

typedef struct Vector {
    Type type;
    uint8_t form; /* VectorForm */
    void *data;
    uint8_t *nulls;          /* NULL: none */
    const uint32_t *codes;   /* DICTIONARY */
    const struct Vector *dictionary;
    uint32_t dict_size;
    uint64_t dict_id;        /* not 0: same id = same dictionary contents, results may be cached */
    struct Vector *children; /* LIST 1, MAP 2, STRUCT n */
    uint32_t child_count;
    uint32_t child_rows;     /* LIST, MAP: values in the children */
    uint32_t first;          /* STRUCT: where in the children row 0 is (not 0 in slices) */
    /* Own storage of vectors made by vector_init(): data and nulls point here when written. */
    void *data_buffer;
    uint8_t *nulls_buffer;
    uint32_t capacity; /* rows the buffers hold */
} Vector;

/* The rows a kernel works on: count positions from sel, or 0 .. count-1 when sel is NULL. */
typedef struct Rows {
    const uint16_t *sel;
    uint32_t count;
} Rows;

static inline uint32_t rows_at(Rows rows, uint32_t i)
{
    return rows.sel == NULL ? i : rows.sel[i];
}
/* for (FOR_ROWS(rows, i, row)) body, with row the position. */
#define FOR_ROWS(rows, i, row)                                                             \
    uint32_t i = 0, row = (rows).count > 0 ? rows_at((rows), 0) : 0; i < (rows).count;     \
    i++, row = i < (rows).count ? rows_at((rows), i) : 0

typedef struct Chunk {
    Vector *columns;
    uint32_t column_count;
    uint32_t row_count;    /* physical rows */
    const uint16_t *sel;   /* NULL: all rows alive */
    uint32_t selected;     /* valid when sel is set */
    const uint16_t *dropped; /* see chunk_is_nearly_whole() */
    uint32_t dropped_count;
    const uint64_t *dropped_bits; /* the same as bits, from the first row on; NULL: they are in the list alone */
} Chunk;

static inline Rows chunk_rows(const Chunk *chunk)
{
    return chunk->sel == NULL ? (Rows){NULL, chunk->row_count} : (Rows){chunk->sel, chunk->selected};
}
/* Does sel leave out a few rows only, those at dropped, which hold values as the others do? Loops over all rows that see to the
 * few afterwards beat loops over a selection then. Who narrows sel need not care: the counts tell. */
static inline bool chunk_is_nearly_whole(const Chunk *chunk)
{
    return chunk->dropped != NULL && chunk->sel != NULL && chunk->selected + chunk->dropped_count == chunk->row_count;
}
static inline uint32_t chunk_alive(const Chunk *chunk)
{
    return chunk->sel == NULL ? chunk->row_count : chunk->selected;
}

/* Allocates own buffers for capacity rows in arena (64-byte aligned, slack behind) and makes the
 * vector FLAT without nulls. Nested types get child vectors (grown by vector_reserve_children). */
void vector_init(Vector *vector, Arena *arena, Type type, uint32_t capacity);
/* Back to FLAT on the own buffers, no nulls: what an evaluator does before each kernel. */
void vector_reset(Vector *vector);
/* The null mask for writing: the own buffer, zeroed for capacity rows at the first call after reset. */
uint8_t *vector_nulls(Vector *vector);
void vector_set_null(Vector *vector, uint32_t row);
/* CONSTANT form of a datum; its bytes must outlive the vector's use. */
void vector_set_constant(Vector *vector, Arena *arena, Type type, const Datum *datum);
void vector_make_constant_null(Vector *vector, Arena *arena, Type type);
/* References another vector's contents (shallow). */
static inline void vector_reference(Vector *target, const Vector *source)
{
    void *data_buffer = target->data_buffer;
    uint8_t *nulls_buffer = target->nulls_buffer;
    uint32_t capacity = target->capacity;
    *target = *source;
    target->data_buffer = data_buffer;
    target->nulls_buffer = nulls_buffer;
    target->capacity = capacity;
}
/* Makes a FLAT vector begin at row first of what it was: a slice without copying. */
static inline void vector_advance(Vector *vector, uint32_t first)
{
    if (vector->data != NULL)
        vector->data = (char *)vector->data + (size_t)first * phys_width((PhysKind)vector->type.phys);
    if (vector->nulls != NULL)
        vector->nulls += first;
    if (vector->type.phys == PHYS_STRUCT)
        vector->first += first;
}
/* Grows child buffers of a LIST/MAP vector to hold at least rows values, keeping contents. */
void vector_reserve_children(Vector *vector, Arena *arena, uint32_t rows);

/* Reads any form: value of row is at data + index(row) * width, index = codes[row], row or 0. */
typedef struct VectorView {
    const void *data;
    const uint8_t *nulls;       /* indexed like data; NULL none */
    const uint8_t *row_nulls;   /* indexed by row (DICTIONARY only); NULL none */
    const uint32_t *codes;      /* NULL: identity or constant */
    const Vector *values;       /* the flat vector (for children of nested types) */
    bool is_constant;
} VectorView;
VectorView vector_view(const Vector *vector);
static inline uint32_t view_index(const VectorView *view, uint32_t row)
{
    return view->codes != NULL ? view->codes[row] : view->is_constant ? 0 : row;
}
static inline bool view_is_null(const VectorView *view, uint32_t row)
{
    return (view->row_nulls != NULL && view->row_nulls[row] != 0) ||
           (view->nulls != NULL && view->nulls[view_index(view, row)] != 0);
}
bool vector_has_nulls(const Vector *vector, Rows rows);

/* Writes a flat copy of the selected rows at the same positions into out (own buffers). Strings are
 * not copied, only their references. */
void vector_flatten(const Vector *vector, Rows rows, Arena *arena, Vector *out);
/* Gathers rows to positions offset.. of out (dense); strings copied into heap when not NULL. */
void vector_gather(const Vector *vector, Rows rows, Arena *heap, uint32_t offset, Vector *out);
Datum vector_get(const Vector *vector, uint32_t row, Arena *arena);
/* Grows nested children out of arena; strings are referenced. */
void vector_put(Vector *vector, Arena *arena, uint32_t row, const Datum *datum);

void chunk_init(Chunk *chunk, Arena *arena, const Type *types, uint32_t column_count);
void chunk_reset(Chunk *chunk);
/* Drops unselected rows by gathering; the result is dense. */
void chunk_compact(Chunk *chunk, Arena *arena, Chunk *out);
/* Debug builds: counts, code bounds, selection order, null masks. */
void chunk_verify(const Chunk *chunk);
