#include "format/parquet/parquet_nested.h"

/* A node has a slot for each value of what is around it: the entries of any leaf below it whose repetition level is at most that of
 * the nearest repeated node around (rep) and whose definition level says that that node has an element (def). The slot is NULL
 * where the definition level stays below the node's own. An array's slot takes further entries, those of its own repetition
 * level, and each that is defined is an element. So every level is one pass over one leaf's levels, and a leaf's values fill the
 * slots in order. All leaves have to agree on how many slots there are. */

typedef struct Scope {
    uint8_t def, rep;
    uint32_t slots;
} Scope;

static const LeafBatch *batch_of(const NestedRead *read, const ParquetNode *node)
{
    return &read->batches[node->first_leaf - read->first_leaf];
}

static Status damaged(const NestedRead *read, const ParquetNode *node)
{
    const LeafReader *leaf = &read->leaves[node->first_leaf - read->first_leaf];
    return parquet_leaf_error(leaf, ERR_CORRUPT, read->diag, "its levels do not agree with those of the columns beside it");
}

static void *alloc_values(const NestedRead *read, uint32_t count, uint32_t width)
{
    return arena_alloc_aligned(read->arena, (size_t)count * width + LEAF_SLACK_BYTES, LEAF_SLACK_BYTES);
}

static Status check_room(const NestedRead *read, uint64_t bytes)
{
    MemTracker *tracker = read->leaves[0].tracker;
    return tracker == NULL ? OK : mem_check_room(tracker, (int64_t)bytes, read->diag);
}

#define FILL_SLOTS(T)                                                                        \
    for (uint32_t i = 0; i < batch->count; i++) {                                            \
        if (batch->defs[i] < scope.def)                                                      \
            continue;                                                                        \
        if (slot == scope.slots)                                                             \
            return damaged(read, node);                                                      \
        bool is_null = batch->defs[i] < node->max_def;                                       \
        T zero = {0};                                                                        \
        ((T *)out->data)[slot] = is_null ? zero : ((const T *)batch->values)[value];         \
        nulls[slot++] = is_null;                                                             \
        value += !is_null;                                                                   \
    }

static Status fill_leaf(const NestedRead *read, const ParquetNode *node, Scope scope, Vector *out)
{
    const LeafBatch *batch = batch_of(read, node);
    uint32_t width = phys_width(node->value_type.phys), slot = 0, value = 0;
    TRY(check_room(read, (uint64_t)scope.slots * (width + 1)));
    uint8_t *nulls = alloc_values(read, scope.slots, 1);
    *out = (Vector){.type = node->value_type, .form = VECTOR_FLAT, .capacity = scope.slots, .nulls = nulls};
    out->data = alloc_values(read, scope.slots, width);
    if (width == 1) {
        FILL_SLOTS(uint8_t)
    } else if (width == 4) {
        FILL_SLOTS(uint32_t)
    } else if (width == 8) {
        FILL_SLOTS(uint64_t)
    } else {
        FILL_SLOTS(Str)
    }
    if (value == slot)
        out->nulls = NULL;
    return slot == scope.slots ? OK : damaged(read, node);
}

static Status assemble(const NestedRead *read, const ParquetNode *node, Scope scope, Vector *out);

static Status fill_struct(const NestedRead *read, const ParquetNode *node, Scope scope, Vector *out)
{
    const LeafBatch *batch = batch_of(read, node);
    uint32_t slot = 0, null_count = 0;
    uint8_t *nulls = alloc_values(read, scope.slots, 1);
    *out = (Vector){.form = VECTOR_FLAT, .capacity = scope.slots, .child_count = node->child_count};
    for (uint32_t i = 0; i < batch->count; i++) {
        if (batch->reps[i] > scope.rep || batch->defs[i] < scope.def)
            continue;
        if (slot == scope.slots)
            return damaged(read, node);
        nulls[slot] = batch->defs[i] < node->max_def;
        null_count += nulls[slot++];
    }
    if (slot != scope.slots)
        return damaged(read, node);
    out->nulls = null_count > 0 ? nulls : NULL;
    out->children = ARENA_NEW_ARRAY(read->arena, Vector, node->child_count);
    for (uint32_t c = 0; c < node->child_count; c++)
        TRY(assemble(read, &node->children[c], scope, &out->children[c]));
    return OK;
}

/* Offsets and lengths of an array or map whose elements are those of repeated. null_below: a definition level that is less is NULL. */
static Status fill_entries(const NestedRead *read, const ParquetNode *repeated, Scope scope, uint8_t null_below, Vector *out)
{
    const LeafBatch *batch = batch_of(read, repeated);
    uint32_t slot = 0, elements = 0, null_count = 0;
    TRY(check_room(read, (uint64_t)scope.slots * (sizeof(ListEntry) + 1)));
    uint8_t *nulls = alloc_values(read, scope.slots, 1);
    ListEntry *entries = alloc_values(read, scope.slots, sizeof(*entries));
    for (uint32_t i = 0; i < batch->count; i++) {
        uint8_t def = batch->defs[i], rep = batch->reps[i];
        if (rep > repeated->max_rep || def < scope.def)
            continue;
        if (rep <= scope.rep) {
            if (slot == scope.slots)
                return damaged(read, repeated);
            entries[slot] = (ListEntry){elements, 0};
            nulls[slot] = def < null_below;
            null_count += nulls[slot++];
        }
        if (def < repeated->max_def)
            continue;
        if (slot == 0)
            return damaged(read, repeated);
        entries[slot - 1].length++;
        elements++;
    }
    if (slot != scope.slots)
        return damaged(read, repeated);
    *out = (Vector){.form = VECTOR_FLAT, .data = entries, .nulls = null_count > 0 ? nulls : NULL, .capacity = slot, .child_rows = elements};
    return OK;
}

/* What a node is without its repetition. */
static Status assemble_plain(const NestedRead *read, const ParquetNode *node, Type type, Scope scope, Vector *out);

static Status fill_array(const NestedRead *read, const ParquetNode *repeated, Scope scope, uint8_t null_below, Type type, Vector *out)
{
    TRY(fill_entries(read, repeated, scope, null_below, out));
    Scope inner = {repeated->max_def, repeated->max_rep, out->child_rows};
    out->child_count = 1;
    out->children = ARENA_NEW_ARRAY(read->arena, Vector, 1);
    if (repeated->is_wrapper)
        TRY(assemble(read, &repeated->children[0], inner, &out->children[0]));
    else
        TRY(assemble_plain(read, repeated, type.nested->types[0], inner, &out->children[0]));
    return OK;
}

static Status fill_map(const NestedRead *read, const ParquetNode *node, Scope scope, Vector *out)
{
    const ParquetNode *entry = &node->children[0];
    TRY(fill_entries(read, entry, scope, node->max_def, out));
    Scope inner = {entry->max_def, entry->max_rep, out->child_rows};
    out->child_count = 2;
    out->children = ARENA_NEW_ARRAY(read->arena, Vector, 2);
    for (uint32_t c = 0; c < 2; c++)
        TRY(assemble(read, &entry->children[c], inner, &out->children[c]));
    return OK;
}

static Status assemble_plain(const NestedRead *read, const ParquetNode *node, Type type, Scope scope, Vector *out)
{
    if (node->child_count == 0)
        return fill_leaf(read, node, scope, out);
    if (node->meaning == MEANS_LIST)
        TRY(fill_array(read, &node->children[0], scope, node->max_def, type, out));
    else if (node->meaning == MEANS_MAP)
        TRY(fill_map(read, node, scope, out));
    else
        TRY(fill_struct(read, node, scope, out));
    out->type = type;
    return OK;
}

static Status assemble(const NestedRead *read, const ParquetNode *node, Scope scope, Vector *out)
{
    if (!node->is_bare)
        return assemble_plain(read, node, node->type, scope, out);
    TRY(fill_array(read, node, scope, scope.def, node->type, out));
    out->type = node->type;
    return OK;
}

Status parquet_assemble(const NestedRead *read, const ParquetNode *node, uint32_t rows, Vector *out)
{
    return assemble(read, node, (Scope){0, 0, rows}, out);
}
