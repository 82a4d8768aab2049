#include "storage/primary_index.h"

/* Open addressing with linear probing. A slot is 16 bytes: one half of the key's hash, and packed behind it 24 bits of the other
 * half, which say where to look first, the segment's number in the index, and the row. Removed keys keep their slot with
 * segment 0 and row 1, so that probing goes on. Many keys at once are hashed first, their slots fetched ahead. What does not
 * fit into the memory limit lies in an unlinked file of the cache folder. */

#include "base/hash.h"
#include "base/mapping.h"
#include "base/thread.h"
#include "storage/delete_vector.h"

enum {
    LOCKS = 64,
    FIRST_SLOTS = 64,
    ROW_BITS = 24,
    SEGMENT_BITS = 16,
    LOW_BITS = 24,
    AHEAD = 12,
    MOST_SEGMENTS = (1 << SEGMENT_BITS) - 1,
    MOST_USED_SEGMENTS = MOST_SEGMENTS / 2, /* when an index is taken or built; the rest is for what comes */
    LARGE_BATCH = 64,    /* a batch of a 64th of the tablet's rows or more is not worth an index */
    FILE_SHARE = 16,    /* files may take so many times the memory limit */
};
#define ROW_MASK ((1ull << ROW_BITS) - 1)
#define SEGMENT_MASK ((uint64_t)MOST_SEGMENTS)
#define PLACE_MASK ((1ull << (ROW_BITS + SEGMENT_BITS)) - 1)
#define GONE 1ull /* as a place: no segment, row 1 */

typedef struct Slot {
    uint64_t tag;   /* high half of the key's hash */
    uint64_t place; /* row, segment, low bits of the hash's other half; 0: empty */
} Slot;

struct PrimaryIndex {
    PrimaryIndex *next; /* of the server's, newest first */
    PrimaryIndexes *indexes;
    uint64_t tablet_id;
    uint64_t fingerprint;
    Mapping mapping; /* of slots */
    Slot *slots;
    bool is_in_file;
    uint64_t capacity; /* power of two */
    uint64_t used;     /* slots that are not empty */
    bool keeps_gone;       /* removed keys must stay known */
    uint64_t *segment_ids; /* by number; 0 is no segment */
    uint32_t segment_count;
    uint32_t segment_room;
};

struct PrimaryIndexes {
    MemTracker memory;
    int64_t limit_bytes;
    _Atomic int64_t file_bytes;
    char *folder;       /* for what is beyond the limit; NULL: none */
    Mutex locks[LOCKS]; /* of tables */
    Mutex lock;         /* guards idle */
    PrimaryIndex *idle;
};

PrimaryIndexes *primary_indexes_open(MemTracker *memory, int64_t limit_bytes, const char *folder)
{
    PrimaryIndexes *indexes = mem_alloc_zero(sizeof(*indexes));
    mem_tracker_init(&indexes->memory, memory, "primary_index", 0);
    indexes->limit_bytes = limit_bytes;
    indexes->folder = folder == NULL ? NULL : mem_strdup(folder);
    for (uint32_t i = 0; i < LOCKS; i++)
        mutex_init(&indexes->locks[i]);
    mutex_init(&indexes->lock);
    return indexes;
}

static void drop_slots(PrimaryIndexes *indexes, Mapping *mapping, bool is_in_file)
{
    if (is_in_file)
        atomic_fetch_sub(&indexes->file_bytes, (int64_t)mapping->bytes);
    else
        mem_release(&indexes->memory, (int64_t)mapping->bytes);
    mapping_close(mapping);
}

void primary_index_drop(PrimaryIndex *index)
{
    if (index == NULL)
        return;
    drop_slots(index->indexes, &index->mapping, index->is_in_file);
    mem_free(index->segment_ids);
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
    mem_free(indexes->folder);
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

/* ---- segments ---- */

uint32_t primary_index_segment(PrimaryIndex *index, uint64_t segment_id)
{
    for (uint32_t i = index->segment_count; i > 1; i--) {
        if (index->segment_ids[i - 1] == segment_id)
            return i - 1;
    }
    CHECK(index->segment_count <= MOST_SEGMENTS); /* primary_index_take() leaves room */
    if (index->segment_count == index->segment_room) {
        index->segment_room = index->segment_room * 2 + 16;
        index->segment_ids = mem_realloc(index->segment_ids, index->segment_room * sizeof(uint64_t));
    }
    index->segment_ids[index->segment_count] = segment_id;
    return index->segment_count++;
}

uint32_t primary_index_segment_count(const PrimaryIndex *index)
{
    return index->segment_count;
}

uint64_t primary_index_segment_id(const PrimaryIndex *index, uint32_t segment)
{
    return index->segment_ids[segment];
}

/* ---- the table ---- */

static inline RowPlace unpack(uint64_t place)
{
    return (place & SEGMENT_MASK << ROW_BITS) == 0
               ? (RowPlace){0, 0}
               : (RowPlace){(uint32_t)(place >> ROW_BITS & SEGMENT_MASK), (uint32_t)(place & ROW_MASK)};
}

static inline uint64_t low_bits(KeyHash key)
{
    return key.low << (ROW_BITS + SEGMENT_BITS);
}

/* The low bits first; tables of more slots than these can tell apart take bits of the tag as well. */
static inline uint64_t first_slot(uint64_t place, uint64_t tag, uint64_t capacity)
{
    return (place >> (ROW_BITS + SEGMENT_BITS) | tag << LOW_BITS) & (capacity - 1);
}

static inline Slot *find_slot(Slot *slots, uint64_t capacity, uint64_t place, uint64_t tag)
{
    uint64_t at = first_slot(place, tag, capacity);
    while (slots[at].place != 0 && (slots[at].tag != tag || (slots[at].place & ~PLACE_MASK) != (place & ~PLACE_MASK)))
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool is_beyond_limit(const PrimaryIndexes *indexes, size_t bytes)
{
    return bytes > 1 << 16 && indexes->limit_bytes > 0 && mem_used(&indexes->memory) + (int64_t)bytes > indexes->limit_bytes;
}

static bool files_are_full(const PrimaryIndexes *indexes, size_t bytes)
{
    return indexes->folder == NULL || atomic_load(&indexes->file_bytes) + (int64_t)bytes > indexes->limit_bytes * FILE_SHARE;
}

/* In a file where memory is short, if there is one to be had. */
static void open_slots(PrimaryIndexes *indexes, size_t bytes, Mapping *out, bool *out_in_file)
{
    *out_in_file = is_beyond_limit(indexes, bytes) && !files_are_full(indexes, bytes) && mapping_open(out, bytes, indexes->folder, NULL) == OK;
    if (*out_in_file) {
        atomic_fetch_add(&indexes->file_bytes, (int64_t)bytes);
        return;
    }
    Status status = mapping_open(out, bytes, NULL, NULL);
    CHECK(status == OK);
    mem_charge(&indexes->memory, (int64_t)bytes);
}

void primary_index_reserve(PrimaryIndex *index, uint64_t more)
{
    Mapping mapping;
    bool is_in_file;
    if ((index->used + more) * 4 <= index->capacity * 3)
        return;
    uint64_t live = 0;
    uint64_t least = index->keeps_gone ? GONE : GONE + 1;
    for (uint64_t i = 0; i < index->capacity; i++)
        live += (index->slots[i].place & PLACE_MASK) >= least;
    uint64_t capacity = FIRST_SLOTS;
    while (capacity * 3 < (live + more) * 5) /* room to grow, too */
        capacity *= 2;
    open_slots(index->indexes, capacity * sizeof(Slot), &mapping, &is_in_file);
    Slot *slots = mapping.data;
    for (uint64_t i = 0; i < index->capacity; i++) {
        const Slot *old = &index->slots[i];
        if ((old->place & PLACE_MASK) >= least)
            *find_slot(slots, capacity, old->place, old->tag) = *old;
    }
    drop_slots(index->indexes, &index->mapping, index->is_in_file);
    index->mapping = mapping;
    index->is_in_file = is_in_file;
    index->slots = slots;
    index->capacity = capacity;
    index->used = live;
}

static inline RowPlace put(PrimaryIndex *index, KeyHash key, uint64_t place)
{
    Slot *slot = find_slot(index->slots, index->capacity, low_bits(key), key.high);
    RowPlace old = unpack(slot->place);
    index->used += slot->place == 0;
    *slot = (Slot){key.high, low_bits(key) | place};
    return old;
}

static inline void fetch(const PrimaryIndex *index, KeyHash key)
{
    __builtin_prefetch(&index->slots[first_slot(low_bits(key), key.high, index->capacity)], 1);
}

void primary_index_fetch(const PrimaryIndex *index, KeyHash key)
{
    if (index->capacity > 0)
        fetch(index, key);
}

void primary_index_put_rows(PrimaryIndex *index, const KeyHash *keys, uint32_t count, RowPlace first, RowPlace *out_old)
{
    primary_index_reserve(index, count);
    for (uint32_t i = 0; i < MIN(count, (uint32_t)AHEAD); i++)
        fetch(index, keys[i]);
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            fetch(index, keys[i + AHEAD]);
        RowPlace old = put(index, keys[i], (uint64_t)first.segment << ROW_BITS | (first.row + i));
        if (out_old != NULL)
            out_old[i] = old;
    }
}

RowPlace primary_index_put(PrimaryIndex *index, KeyHash key, RowPlace place)
{
    primary_index_reserve(index, 1);
    return put(index, key, (uint64_t)place.segment << ROW_BITS | place.row);
}

RowPlace primary_index_put_gone(PrimaryIndex *index, KeyHash key)
{
    primary_index_reserve(index, 1);
    index->keeps_gone = true;
    return put(index, key, GONE);
}

RowPlace primary_index_look_up(const PrimaryIndex *index, KeyHash key)
{
    return index->capacity == 0 ? (RowPlace){0, 0} : unpack(find_slot(index->slots, index->capacity, low_bits(key), key.high)->place);
}

bool primary_index_has(const PrimaryIndex *index, KeyHash key)
{
    return index->capacity > 0 && find_slot(index->slots, index->capacity, low_bits(key), key.high)->place != 0;
}

RowPlace primary_index_take_out(PrimaryIndex *index, KeyHash key)
{
    if (index->capacity == 0)
        return (RowPlace){0, 0};
    Slot *slot = find_slot(index->slots, index->capacity, low_bits(key), key.high);
    RowPlace old = unpack(slot->place);
    if (slot->place != 0)
        slot->place = low_bits(key) | GONE;
    return old;
}

static RowLocation location_of(const PrimaryIndex *index, RowPlace place)
{
    return (RowLocation){index->segment_ids[place.segment], place.row};
}

RowLocation primary_index_set(PrimaryIndex *index, KeyHash key, RowLocation location)
{
    RowPlace place = {primary_index_segment(index, location.segment_id), location.row};
    return location_of(index, primary_index_put(index, key, place));
}

RowLocation primary_index_find(const PrimaryIndex *index, KeyHash key)
{
    return location_of(index, primary_index_look_up(index, key));
}

RowLocation primary_index_remove(PrimaryIndex *index, KeyHash key)
{
    return location_of(index, primary_index_take_out(index, key));
}

PrimaryIndex *primary_index_new(PrimaryIndexes *indexes, uint64_t tablet_id)
{
    PrimaryIndex *index = mem_alloc_zero(sizeof(*index));
    index->indexes = indexes;
    index->tablet_id = tablet_id;
    (void)primary_index_segment(index, 0); /* number 0 */
    return index;
}

/* ---- building ---- */

static uint64_t fingerprint_of(const SegmentRef *segments, uint32_t count)
{
    uint64_t sum = count;
    for (uint32_t i = 0; i < count; i++)
        sum += hash_u64(segments[i].id);
    return sum;
}

static Status put_page(void *context, const KeyPage *page, Diag *diag)
{
    PrimaryIndex *index = context;
    RowPlace first = {primary_index_segment(index, page->segment_id), page->first_row};
    (void)diag;
    if (page->deletes->words == NULL) {
        primary_index_put_rows(index, page->keys, page->count, first, NULL);
        return OK;
    }
    primary_index_reserve(index, page->count);
    for (uint32_t i = 0; i < page->count; i++) {
        if (!delete_vector_has(page->deletes, first.row + i))
            (void)put(index, page->keys[i], (uint64_t)first.segment << ROW_BITS | (first.row + i));
    }
    return OK;
}

static uint64_t live_rows(const PrimaryIndexInput *input)
{
    uint64_t rows = 0;
    for (uint32_t s = 0; s < input->segment_count; s++)
        rows += segment_live_rows(&input->segments[s]);
    return rows;
}

static Status build(PrimaryIndexes *indexes, const PrimaryIndexInput *input, Diag *diag, PrimaryIndex **out_index)
{
    for (uint32_t s = 0; s < input->segment_count; s++) {
        if (input->segments[s].row_count > ROW_MASK || input->segment_count > MOST_USED_SEGMENTS)
            return RAISE(diag, NOT_SUPPORTED, "a tablet of a table with unique keys has a segment of %llu rows, or more than %d segments",
                         (unsigned long long)input->segments[s].row_count, MOST_USED_SEGMENTS);
    }
    PrimaryIndex *index = primary_index_new(indexes, input->tablet_id);
    Status status = OK;
    primary_index_reserve(index, live_rows(input));
    for (uint32_t s = 0; s < input->segment_count && status == OK; s++) {
        status = key_pages_read(input, s, put_page, index, diag);
        if (status == OK && mem_over_limit(&indexes->memory))
            status = RAISE(diag, MEMORY_LIMIT, "the index of the keys of tablet %llu needs more memory than there is",
                           (unsigned long long)input->tablet_id);
    }
    if (status != OK)
        primary_index_drop(index);
    else
        *out_index = index;
    return status;
}

static PrimaryIndex *take_idle(PrimaryIndexes *indexes, uint64_t tablet_id)
{
    LOCK_GUARD(&indexes->lock);
    for (PrimaryIndex **link = &indexes->idle; *link != NULL; link = &(*link)->next) {
        PrimaryIndex *found = *link;
        if (found->tablet_id != tablet_id)
            continue;
        *link = found->next;
        return found;
    }
    return NULL;
}

bool primary_index_is_there(PrimaryIndexes *indexes, uint64_t tablet_id)
{
    LOCK_GUARD(&indexes->lock);
    for (const PrimaryIndex *index = indexes->idle; index != NULL; index = index->next) {
        if (index->tablet_id == tablet_id)
            return true;
    }
    return false;
}

PrimaryIndex *primary_index_take(PrimaryIndexes *indexes, const PrimaryIndexInput *input)
{
    PrimaryIndex *found = take_idle(indexes, input->tablet_id);
    if (found != NULL && found->fingerprint == fingerprint_of(input->segments, input->segment_count) &&
        found->segment_count < MOST_USED_SEGMENTS)
        return found;
    primary_index_drop(found);
    return NULL;
}

Status primary_index_get(PrimaryIndexes *indexes, const PrimaryIndexInput *input, Diag *diag, PrimaryIndex **out_index)
{
    *out_index = primary_index_take(indexes, input);
    return *out_index != NULL ? OK : build(indexes, input, diag, out_index);
}

Status primary_index_get_for(PrimaryIndexes *indexes, const PrimaryIndexInput *input, uint64_t batch_rows, Diag *diag,
                             PrimaryIndex **out_index)
{
    uint64_t rows = live_rows(input);
    size_t bytes = (rows + batch_rows) * 3 * sizeof(Slot);
    *out_index = primary_index_take(indexes, input);
    if (*out_index != NULL || (rows > 0 && batch_rows * LARGE_BATCH >= rows) || (is_beyond_limit(indexes, bytes) && files_are_full(indexes, bytes)))
        return OK;
    return build(indexes, input, diag, out_index);
}

void primary_index_put_back(PrimaryIndexes *indexes, PrimaryIndex *index, const SegmentRef *segments, uint32_t segment_count)
{
    if (index == NULL)
        return;
    index->fingerprint = fingerprint_of(segments, segment_count);
    LOCK_GUARD(&indexes->lock);
    index->next = indexes->idle;
    indexes->idle = index;
    while (indexes->limit_bytes > 0 && indexes->idle != NULL &&
           (mem_used(&indexes->memory) > indexes->limit_bytes || atomic_load(&indexes->file_bytes) > indexes->limit_bytes * FILE_SHARE)) {
        PrimaryIndex **last = &indexes->idle;
        while ((*last)->next != NULL)
            last = &(*last)->next;
        PrimaryIndex *oldest = *last;
        *last = NULL;
        primary_index_drop(oldest);
    }
}

void primary_index_rename(PrimaryIndexes *indexes, uint64_t tablet_id, uint64_t old_id, uint64_t new_id)
{
    LOCK_GUARD(&indexes->lock);
    for (PrimaryIndex *index = indexes->idle; index != NULL; index = index->next) {
        if (index->tablet_id != tablet_id)
            continue;
        for (uint32_t i = 1; i < index->segment_count; i++) {
            if (index->segment_ids[i] == old_id)
                index->segment_ids[i] = new_id;
        }
        index->fingerprint += hash_u64(new_id) - hash_u64(old_id);
        return;
    }
}

/* ---- compaction ---- */

/* The rows that are not deleted, as far as they lie one behind the other. */
static void put_moved(PrimaryIndex *index, const PrimaryIndexMove *move)
{
    static const DeleteVector none;
    const DeleteVector *deletes = move->deletes == NULL ? &none : move->deletes;
    uint32_t rows = (uint32_t)move->merged->row_count;
    uint32_t segment = primary_index_segment(index, move->merged->id);
    for (uint32_t first = 0, end; first < rows; first = end + 1) {
        for (end = first; end < rows && !delete_vector_has(deletes, end);)
            end++;
        if (end > first)
            primary_index_put_rows(index, move->keys + first, end - first, (RowPlace){segment, first}, NULL);
    }
}

void primary_index_follow(PrimaryIndexes *indexes, const PrimaryIndexMove *move)
{
    PrimaryIndex *index = take_idle(indexes, move->tablet_id);
    if (index == NULL)
        return;
    if (index->fingerprint != fingerprint_of(move->before, move->before_count) || index->segment_count > MOST_USED_SEGMENTS) {
        primary_index_drop(index);
        return;
    }
    if (move->merged != NULL)
        put_moved(index, move);
    primary_index_put_back(indexes, index, move->after, move->after_count);
}
