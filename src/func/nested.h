#pragma once
/* What the families over ARRAY, MAP and STRUCT share: reading the list of a row, building result lists.
 * Only for src/func.
 *
 * Result lists are appended to the child vector of out: list_push() or list_push_range() for each
 * element, then list_end() with the number of children before the row. The evaluator gives kernels a
 * fresh out, so growth in context->arena is safe. */

#include "func/shape.h"

typedef struct ListSlice {
    const Vector *child;
    uint32_t offset, length;
} ListSlice;

static inline ListSlice list_at(const VectorView *view, uint32_t row)
{
    ListEntry entry = ((const ListEntry *)view->data)[view_index(view, row)];
    return (ListSlice){&view->values->children[0], entry.offset, entry.length};
}
static inline Datum list_get(const ListSlice *list, uint32_t i, Arena *arena)
{
    return vector_get(list->child, list->offset + i, arena);
}
static inline void list_push(Vector *out, Arena *arena, const Datum *value)
{
    vector_reserve_children(out, arena, out->child_rows + 1);
    vector_put(&out->children[0], arena, out->child_rows++, value);
}
static inline void list_end(Vector *out, uint32_t row, uint32_t first)
{
    ((ListEntry *)out->data)[row] = (ListEntry){first, out->child_rows - first};
    if (out->nulls != NULL)
        out->nulls[row] = 0;
}
/* Appends elements from .. from+count-1; same element type. */
void list_push_range(Vector *out, Arena *arena, const ListSlice *list, uint32_t from, uint32_t count);
/* All elements of a slice as datums of the arena. */
Datum *list_items(const ListSlice *list, Arena *arena);
Type element_type(Type array); /* BOOLEAN for NULL */
/* Arguments first .. last become arrays of one element type; false: some is no array. */
bool bind_same_arrays(const FuncBindRequest *request, uint32_t first, uint32_t end, Type *types, Type *out_element);

/* A set of datums of one type, for distinct, intersect and overlap. */
typedef struct DatumSet {
    Type type;
    Arena *arena;
    Datum *items;      /* in order of insertion */
    uint32_t count, capacity;
    uint32_t *slots;   /* index + 1 */
    uint32_t slot_mask;
} DatumSet;
void datum_set_init(DatumSet *set, Type type, Arena *arena, uint32_t expected);
bool datum_set_add(DatumSet *set, const Datum *value); /* false: was in */
/* Place in items; UINT32_MAX: not in. */
uint32_t datum_set_find(const DatumSet *set, const Datum *value);
bool datum_set_has(const DatumSet *set, const Datum *value);
uint64_t datum_hash(Type type, const Datum *value);
