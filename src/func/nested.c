#include "func/nested.h"

/* Shared parts of the families over nested types. */

#include "base/hash.h"

void list_push_range(Vector *out, Arena *arena, const ListSlice *list, uint32_t from, uint32_t count)
{
    Vector *child = &out->children[0];
    vector_reserve_children(out, arena, out->child_rows + count);
    uint32_t width = phys_width(child->type.phys);
    if (list->child->form != VECTOR_FLAT || width == 0 || child->child_count > 0) {
        for (uint32_t i = 0; i < count; i++) {
            Datum value = list_get(list, from + i, arena);
            vector_put(child, arena, out->child_rows++, &value);
        }
        return;
    }
    uint32_t begin = list->offset + from;
    memcpy((char *)child->data + (size_t)out->child_rows * width, (const char *)list->child->data + (size_t)begin * width,
           (size_t)count * width);
    if (list->child->nulls != NULL)
        memcpy(vector_nulls(child) + out->child_rows, list->child->nulls + begin, count);
    else if (child->nulls != NULL)
        memset(child->nulls + out->child_rows, 0, count);
    out->child_rows += count;
}

Datum *list_items(const ListSlice *list, Arena *arena)
{
    Datum *items = ARENA_NEW_ARRAY(arena, Datum, MAX(list->length, 1u));
    for (uint32_t i = 0; i < list->length; i++)
        items[i] = list_get(list, i, arena);
    return items;
}

Type element_type(Type array)
{
    if (array.kind != TYPE_ARRAY || array.nested->types[0].kind == TYPE_NULL)
        return type_of(TYPE_BOOLEAN);
    return array.nested->types[0];
}

bool bind_same_arrays(const FuncBindRequest *request, uint32_t first, uint32_t end, Type *types, Type *out_element)
{
    Type common = type_of(TYPE_NULL);
    for (uint32_t i = first; i < end; i++) {
        if (request->types[i].kind == TYPE_NULL)
            continue;
        if (request->types[i].kind != TYPE_ARRAY ||
            type_common(common, request->types[i].nested->types[0], request->arena, request->diag, &common) != OK)
            return false;
    }
    if (common.kind == TYPE_NULL)
        common = type_of(TYPE_BOOLEAN);
    common.phys = (uint8_t)type_default_phys(common);
    for (uint32_t i = first; i < end; i++)
        types[i] = type_array(request->arena, common);
    *out_element = common;
    return true;
}

uint64_t datum_hash(Type type, const Datum *value)
{
    if (value->is_null)
        return 0x5bd1e995u;
    if (type.phys == PHYS_STR)
        return hash_bytes(str_data(&value->str), value->str.length);
    if (type.phys == PHYS_F32 || type.phys == PHYS_F64) {
        double number = value->f64 == 0 ? 0 : value->f64;
        uint64_t bits;
        memcpy(&bits, &number, sizeof(bits));
        return hash_u64(bits);
    }
    if (!type_is_nested(type))
        return hash_combine((uint64_t)value->i128, (uint64_t)(value->i128 >> 64));
    uint64_t hash = value->list->count;
    for (uint32_t i = 0; i < value->list->count; i++)
        hash = hash_combine(hash, datum_hash(type.nested->types[i % type.nested->count], &value->list->items[i]));
    return hash;
}

void datum_set_init(DatumSet *set, Type type, Arena *arena, uint32_t expected)
{
    uint32_t slots = 8;
    while (slots < expected * 2)
        slots *= 2;
    *set = (DatumSet){.type = type, .arena = arena, .slot_mask = slots - 1};
    set->slots = ARENA_NEW_ARRAY(arena, uint32_t, slots);
}

static uint32_t find_slot(const DatumSet *set, const Datum *value)
{
    uint32_t slot = (uint32_t)datum_hash(set->type, value) & set->slot_mask;
    while (set->slots[slot] != 0) {
        const Datum *other = &set->items[set->slots[slot] - 1];
        if (other->is_null == value->is_null && datum_compare(set->type, other, value) == 0)
            break;
        slot = (slot + 1) & set->slot_mask;
    }
    return slot;
}

static void grow_slots(DatumSet *set)
{
    set->slot_mask = set->slot_mask * 2 + 1;
    set->slots = ARENA_NEW_ARRAY(set->arena, uint32_t, set->slot_mask + 1);
    for (uint32_t i = 0; i < set->count; i++)
        set->slots[find_slot(set, &set->items[i])] = i + 1;
}

bool datum_set_add(DatumSet *set, const Datum *value)
{
    uint32_t slot = find_slot(set, value);
    if (set->slots[slot] != 0)
        return false;
    if (set->count == set->capacity)
        set->items = arena_grow(set->arena, set->items, sizeof(Datum), set->count, &set->capacity);
    set->items[set->count++] = *value;
    set->slots[slot] = set->count;
    if (set->count * 2 > set->slot_mask)
        grow_slots(set);
    return true;
}

uint32_t datum_set_find(const DatumSet *set, const Datum *value)
{
    return set->slots[find_slot(set, value)] - 1;
}

bool datum_set_has(const DatumSet *set, const Datum *value)
{
    return set->slots[find_slot(set, value)] != 0;
}
