#include "storage/key_pages.h"

/* One integer column is hashed without going through bytes: most keys are that. */

#include <xxhash.h>

/* ---- hashes ---- */

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

/* Both halves of one integer, each a one-to-one mixture: different keys never meet. */
static inline KeyHash hash_integer(uint64_t value)
{
    uint64_t low = (value ^ 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    uint64_t high = (value + 0x632BE59BD9B4E019u) * 0x9FB21C651E98DF25u;
    return (KeyHash){low ^ low >> 32, high ^ high >> 29};
}

void key_hashes_of_integers(const int64_t *values, uint32_t count, KeyHash *out_hashes)
{
    for (uint32_t i = 0; i < count; i++)
        out_hashes[i] = hash_integer((uint64_t)values[i]);
}

#define HASH_ALL(type)                                                                        \
    for (uint32_t row = 0; row < row_count; row++)                                            \
        out_hashes[row] = hash_integer((uint64_t)((const type *)keys[0]->data)[row])

/* One integer column without NULLs: a single multiplication a half. */
static bool hash_integers(const Vector *const *keys, uint32_t key_count, uint32_t row_count, KeyHash *out_hashes)
{
    if (key_count != 1 || keys[0]->form != VECTOR_FLAT || keys[0]->nulls != NULL)
        return false;
    switch ((PhysKind)keys[0]->type.phys) {
    case PHYS_I32:
        HASH_ALL(int32_t);
        return true;
    case PHYS_I64:
        HASH_ALL(int64_t);
        return true;
    default:
        return false;
    }
}

/* Values of either form and with or without a null mask have one hash. */
static bool hash_integer_views(const VectorView *view, Type type, uint32_t row_count, KeyHash *out_hashes)
{
    if (type.phys != PHYS_I32 && type.phys != PHYS_I64)
        return false;
    for (uint32_t row = 0; row < row_count; row++) {
        uint32_t at = view_index(view, row);
        if (view_is_null(view, row))
            out_hashes[row] = (KeyHash){0x8F3A5C2D1E4B6978u, 0x5A17C9E3F2B40D61u};
        else if (type.phys == PHYS_I32)
            out_hashes[row] = hash_integer((uint64_t)((const int32_t *)view->data)[at]);
        else
            out_hashes[row] = hash_integer((uint64_t)((const int64_t *)view->data)[at]);
    }
    return true;
}

void key_hashes(const Vector *const *keys, uint32_t key_count, uint32_t row_count, KeyHash *out_hashes)
{
    AUTO_BYTEBUF bytes = {0};
    if (hash_integers(keys, key_count, row_count, out_hashes))
        return;
    VectorView *views = mem_alloc_zero((key_count + 1) * sizeof(*views));
    for (uint32_t k = 0; k < key_count; k++)
        views[k] = vector_view(keys[k]);
    bool is_done = key_count == 1 && hash_integer_views(&views[0], keys[0]->type, row_count, out_hashes);
    for (uint32_t row = 0; row < row_count && !is_done; row++) {
        bytebuf_clear(&bytes);
        for (uint32_t k = 0; k < key_count; k++)
            put_key_part(&views[k], keys[k]->type, row, &bytes);
        XXH128_hash_t hash = XXH3_128bits(bytes.data, bytes.length);
        out_hashes[row] = (KeyHash){hash.low64, hash.high64};
    }
    mem_free(views);
}

/* ---- pages ---- */

static Status read_keys(const PrimaryIndexInput *input, Segment *segment, uint32_t page, Arena *arena, Diag *diag, KeyHash *out)
{
    Vector *columns = ARENA_NEW_ARRAY(arena, Vector, MAX(input->key_count, 1u));
    const Vector **keys = ARENA_NEW_ARRAY(arena, const Vector *, MAX(input->key_count, 1u));
    for (uint32_t k = 0; k < input->key_count; k++) {
        int position = segment_find_column(segment, input->keys[k].unique_id);
        if (position < 0)
            return RAISE(diag, CORRUPT, "segment in object \"%.*s\" lacks a key column", SV_ARGS(segment_path(segment)));
        TRY(segment_read(segment, page, position, input->keys[k].type, arena, diag, &columns[k]));
        keys[k] = &columns[k];
    }
    key_hashes(keys, input->key_count, segment_page_rows(segment, page), out);
    return OK;
}

static Status read_pages(const PrimaryIndexInput *input, Segment *segment, KeyPage *page,
                         Status (*visit)(void *context, const KeyPage *page, Diag *diag), void *context, Diag *diag)
{
    const SegmentRef *ref = &input->segments[page->segment];
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    if (segment_row_count(segment) != ref->row_count)
        return RAISE(diag, CORRUPT, "segment in object \"%.*s\" has other rows than metadata says", SV_ARGS(ref->path));
    for (uint32_t number = 0; number < segment_page_count(segment); number++) {
        arena_reset(&arena);
        page->count = segment_page_rows(segment, number);
        if (page->first_row + page->count > ref->row_count)
            return RAISE(diag, CORRUPT, "segment in object \"%.*s\" has more rows than metadata says", SV_ARGS(ref->path));
        KeyHash *keys = arena_alloc(&arena, (page->count + 1) * sizeof(KeyHash));
        TRY(read_keys(input, segment, number, &arena, diag, keys));
        page->keys = keys;
        TRY(visit(context, page, diag));
        page->first_row += page->count;
    }
    return OK;
}

Status key_pages_read(const PrimaryIndexInput *input, uint32_t segment, Status (*visit)(void *context, const KeyPage *page, Diag *diag),
                      void *context, Diag *diag)
{
    const SegmentRef *ref = &input->segments[segment];
    Segment *opened;
    DeleteVector deletes;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    TRY(delete_vector_load(input->volume, ref, &arena, diag, &deletes));
    TRY(segment_open(input->volume, ref, diag, &opened));
    KeyPage page = {.segment_id = ref->id, .segment = segment, .deletes = &deletes};
    Status status = read_pages(input, opened, &page, visit, context, diag);
    segment_close(opened);
    return status;
}

static Status keep_page(void *context, const KeyPage *page, Diag *diag)
{
    KeyHash *all = context;
    (void)diag;
    memcpy(all + page->first_row, page->keys, page->count * sizeof(KeyHash));
    return OK;
}

Status key_pages_load(const PrimaryIndexInput *input, uint32_t segment, Arena *arena, Diag *diag, const KeyHash **out_keys)
{
    KeyHash *all = arena_alloc(arena, (input->segments[segment].row_count + 1) * sizeof(KeyHash));
    *out_keys = all;
    return key_pages_read(input, segment, keep_page, all, diag);
}
