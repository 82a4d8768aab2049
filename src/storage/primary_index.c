#include "storage/primary_index.h"

/* Open addressing with linear probing. A slot is 24 bytes: the key's hash and a packed location, 40 bits of
 * segment id and 24 bits of row. Removed keys keep their slot with location GONE, so that probing goes on. */

#include <xxhash.h>

#include "base/hash.h"
#include "base/thread.h"
#include "storage/delete_vector.h"

enum { LOCKS = 64, FIRST_SLOTS = 64, ROW_BITS = 24 };
static const uint64_t GONE = UINT64_MAX;

typedef struct Slot {
    KeyHash key;
    uint64_t location; /* 0: empty */
} Slot;

struct PrimaryIndex {
    PrimaryIndex *next; /* of the server's, newest first */
    MemTracker *memory;
    uint64_t tablet_id;
    uint64_t fingerprint;
    Slot *slots;
    uint64_t capacity; /* power of two */
    uint64_t used;     /* slots that are not empty */
};

struct PrimaryIndexes {
    MemTracker memory;
    int64_t limit_bytes;
    Mutex locks[LOCKS]; /* of tables */
    Mutex lock;         /* guards idle */
    PrimaryIndex *idle;
};

PrimaryIndexes *primary_indexes_open(MemTracker *memory, int64_t limit_bytes)
{
    PrimaryIndexes *indexes = mem_alloc_zero(sizeof(*indexes));
    mem_tracker_init(&indexes->memory, memory, "primary_index", 0);
    indexes->limit_bytes = limit_bytes;
    for (uint32_t i = 0; i < LOCKS; i++)
        mutex_init(&indexes->locks[i]);
    mutex_init(&indexes->lock);
    return indexes;
}

void primary_index_drop(PrimaryIndex *index)
{
    if (index == NULL)
        return;
    mem_release(index->memory, (int64_t)(index->capacity * sizeof(Slot)));
    mem_free(index->slots);
    mem_free(index);
}

void primary_indexes_close(PrimaryIndexes *indexes)
{
    if (indexes == NULL)
        return;
    while (indexes->idle != NULL) {
        PrimaryIndex *index = indexes->idle;
        indexes->idle = index->next;
        primary_index_drop(index);
    }
    for (uint32_t i = 0; i < LOCKS; i++)
        mutex_deinit(&indexes->locks[i]);
    mutex_deinit(&indexes->lock);
    mem_free(indexes);
}

void primary_indexes_lock(PrimaryIndexes *indexes, uint64_t table_id)
{
    mutex_lock(&indexes->locks[hash_u64(table_id) % LOCKS]);
}

void primary_indexes_unlock(PrimaryIndexes *indexes, uint64_t table_id)
{
    mutex_unlock(&indexes->locks[hash_u64(table_id) % LOCKS]);
}

/* A bit a lock; taken in ascending order, so that two of these don't wait for each other. */
uint64_t primary_indexes_lock_all(PrimaryIndexes *indexes, const uint64_t *table_ids, uint32_t count)
{
    uint64_t wanted = 0;
    for (uint32_t i = 0; i < count; i++)
        wanted |= 1ull << (hash_u64(table_ids[i]) % LOCKS);
    for (uint32_t i = 0; i < LOCKS; i++) {
        if ((wanted >> i & 1) != 0)
            mutex_lock(&indexes->locks[i]);
    }
    return wanted;
}

void primary_indexes_unlock_all(PrimaryIndexes *indexes, uint64_t locked)
{
    for (uint32_t i = 0; i < LOCKS; i++) {
        if ((locked >> i & 1) != 0)
            mutex_unlock(&indexes->locks[i]);
    }
}

/* ---- keys ---- */

static void put_key_part(const VectorView *view, Type type, uint32_t row, ByteBuf *bytes)
{
    bool is_null = view_is_null(view, row);
    bytebuf_put_u8(bytes, is_null);
    if (is_null)
        return;
    uint32_t at = view_index(view, row);
    if (type.phys == PHYS_STR) {
        const Str *text = &((const Str *)view->data)[at];
        bytebuf_put_u32(bytes, text->length);
        bytebuf_append(bytes, str_data(text), text->length);
        return;
    }
    uint32_t width = phys_width((PhysKind)type.phys);
    bytebuf_append(bytes, (const char *)view->data + (size_t)at * width, width);
}

void key_hashes(const Vector *const *keys, uint32_t key_count, uint32_t row_count, KeyHash *out_hashes)
{
    AUTO_BYTEBUF bytes = {0};
    VectorView *views = mem_alloc_zero((key_count + 1) * sizeof(*views));
    for (uint32_t k = 0; k < key_count; k++)
        views[k] = vector_view(keys[k]);
    for (uint32_t row = 0; row < row_count; row++) {
        bytebuf_clear(&bytes);
        for (uint32_t k = 0; k < key_count; k++)
            put_key_part(&views[k], keys[k]->type, row, &bytes);
        XXH128_hash_t hash = XXH3_128bits(bytes.data, bytes.length);
        out_hashes[row] = (KeyHash){hash.low64, hash.high64};
    }
    mem_free(views);
}

/* ---- the table ---- */

static uint64_t pack(RowLocation location)
{
    return location.segment_id << ROW_BITS | location.row;
}

static RowLocation unpack(uint64_t location)
{
    if (location == 0 || location == GONE)
        return (RowLocation){0, 0};
    return (RowLocation){location >> ROW_BITS, (uint32_t)(location & ((1u << ROW_BITS) - 1))};
}

static Slot *find_slot(Slot *slots, uint64_t capacity, KeyHash key)
{
    uint64_t at = key.low & (capacity - 1);
    while (slots[at].location != 0 && (slots[at].key.low != key.low || slots[at].key.high != key.high))
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static void grow(PrimaryIndex *index)
{
    uint64_t live = 0;
    for (uint64_t i = 0; i < index->capacity; i++)
        live += index->slots[i].location != 0 && index->slots[i].location != GONE;
    uint64_t capacity = FIRST_SLOTS;
    while (capacity < live * 3)
        capacity *= 2;
    Slot *slots = mem_alloc_zero(capacity * sizeof(*slots));
    for (uint64_t i = 0; i < index->capacity; i++) {
        if (index->slots[i].location != 0 && index->slots[i].location != GONE)
            *find_slot(slots, capacity, index->slots[i].key) = index->slots[i];
    }
    mem_charge(index->memory, (int64_t)(capacity * sizeof(Slot)) - (int64_t)(index->capacity * sizeof(Slot)));
    mem_free(index->slots);
    index->slots = slots;
    index->capacity = capacity;
    index->used = live;
}

RowLocation primary_index_set(PrimaryIndex *index, KeyHash key, RowLocation location)
{
    if (index->used * 4 >= index->capacity * 3)
        grow(index);
    Slot *slot = find_slot(index->slots, index->capacity, key);
    RowLocation old = unpack(slot->location);
    index->used += slot->location == 0;
    *slot = (Slot){key, pack(location)};
    return old;
}

RowLocation primary_index_find(const PrimaryIndex *index, KeyHash key)
{
    return index->capacity == 0 ? (RowLocation){0, 0} : unpack(find_slot(index->slots, index->capacity, key)->location);
}

RowLocation primary_index_remove(PrimaryIndex *index, KeyHash key)
{
    if (index->capacity == 0)
        return (RowLocation){0, 0};
    Slot *slot = find_slot(index->slots, index->capacity, key);
    RowLocation old = unpack(slot->location);
    if (slot->location != 0)
        slot->location = GONE;
    return old;
}

/* ---- building ---- */

static uint64_t fingerprint_of(const SegmentRef *segments, uint32_t count)
{
    uint64_t sum = count;
    for (uint32_t i = 0; i < count; i++)
        sum += hash_u64(segments[i].id);
    return sum;
}

static Status read_page(PrimaryIndex *index, Segment *segment, const PrimaryIndexInput *input, uint32_t page, uint32_t first_row,
                        const DeleteVector *deletes, Arena *arena, Diag *diag)
{
    uint32_t rows = segment_page_rows(segment, page);
    Vector *columns = ARENA_NEW_ARRAY(arena, Vector, input->key_count);
    const Vector **keys = ARENA_NEW_ARRAY(arena, const Vector *, input->key_count);
    for (uint32_t k = 0; k < input->key_count; k++) {
        int position = segment_find_column(segment, input->keys[k].unique_id);
        if (position < 0)
            return RAISE(diag, CORRUPT, "segment in object \"%.*s\" lacks a key column", SV_ARGS(segment_path(segment)));
        TRY(segment_read(segment, page, position, input->keys[k].type, arena, diag, &columns[k]));
        keys[k] = &columns[k];
    }
    KeyHash *hashes = ARENA_NEW_ARRAY(arena, KeyHash, rows);
    key_hashes(keys, input->key_count, rows, hashes);
    for (uint32_t row = 0; row < rows; row++) {
        if (!delete_vector_has(deletes, first_row + row))
            (void)primary_index_set(index, hashes[row], (RowLocation){segment_id(segment), first_row + row});
    }
    return OK;
}

static Status read_segment(PrimaryIndex *index, const PrimaryIndexInput *input, const SegmentRef *ref, Arena *arena, Diag *diag)
{
    Segment *segment;
    DeleteVector deletes;
    AUTO_ARENA kept;
    arena_init(&kept, index->memory);
    if (ref->row_count > 1u << ROW_BITS)
        return RAISE(diag, NOT_SUPPORTED, "a segment of %llu rows in a table with unique keys", (unsigned long long)ref->row_count);
    TRY(delete_vector_load(input->volume, ref, &kept, diag, &deletes));
    TRY(segment_open(input->volume, ref, diag, &segment));
    Status status = OK;
    uint32_t first_row = 0;
    for (uint32_t page = 0; page < segment_page_count(segment) && status == OK; page++) {
        arena_reset(arena);
        status = segment_row_count(segment) != ref->row_count
                     ? RAISE(diag, CORRUPT, "segment in object \"%.*s\" has other rows than metadata says", SV_ARGS(ref->path))
                     : read_page(index, segment, input, page, first_row, &deletes, arena, diag);
        first_row += segment_page_rows(segment, page);
    }
    segment_close(segment);
    return status;
}

static Status build(PrimaryIndexes *indexes, const PrimaryIndexInput *input, Diag *diag, PrimaryIndex **out_index)
{
    AUTO_ARENA arena;
    arena_init(&arena, &indexes->memory);
    PrimaryIndex *index = mem_alloc_zero(sizeof(*index));
    index->memory = &indexes->memory;
    index->tablet_id = input->tablet_id;
    grow(index);
    for (uint32_t s = 0; s < input->segment_count; s++) {
        Status status = read_segment(index, input, &input->segments[s], &arena, diag);
        if (status == OK && mem_over_limit(&indexes->memory))
            status = RAISE(diag, MEMORY_LIMIT, "the index of the keys of tablet %llu needs more memory than there is",
                           (unsigned long long)input->tablet_id);
        if (status != OK) {
            primary_index_drop(index);
            return status;
        }
    }
    *out_index = index;
    return OK;
}

PrimaryIndex *primary_index_take(PrimaryIndexes *indexes, const PrimaryIndexInput *input)
{
    uint64_t fingerprint = fingerprint_of(input->segments, input->segment_count);
    PrimaryIndex *found = NULL;
    mutex_lock(&indexes->lock);
    for (PrimaryIndex **link = &indexes->idle; *link != NULL && found == NULL; link = &(*link)->next) {
        if ((*link)->tablet_id != input->tablet_id)
            continue;
        found = *link;
        *link = found->next;
        break;
    }
    mutex_unlock(&indexes->lock);
    if (found != NULL && found->fingerprint == fingerprint)
        return found;
    primary_index_drop(found);
    return NULL;
}

Status primary_index_get(PrimaryIndexes *indexes, const PrimaryIndexInput *input, Diag *diag, PrimaryIndex **out_index)
{
    *out_index = primary_index_take(indexes, input);
    return *out_index != NULL ? OK : build(indexes, input, diag, out_index);
}

void primary_index_put_back(PrimaryIndexes *indexes, PrimaryIndex *index, const SegmentRef *segments, uint32_t segment_count)
{
    index->fingerprint = fingerprint_of(segments, segment_count);
    LOCK_GUARD(&indexes->lock);
    index->next = indexes->idle;
    indexes->idle = index;
    while (indexes->limit_bytes > 0 && mem_used(&indexes->memory) > indexes->limit_bytes && indexes->idle != NULL) {
        PrimaryIndex **last = &indexes->idle;
        while ((*last)->next != NULL)
            last = &(*last)->next;
        PrimaryIndex *oldest = *last;
        *last = NULL;
        primary_index_drop(oldest);
    }
}
