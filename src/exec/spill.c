#include "exec/spill.h"

/* Streams and their readers.
 *
 * A stream gathers batches until BLOCK_BYTES are full, compresses them and appends the block to the query's
 * file. The list of blocks stays in memory: 32 bytes for about 20 KB. */

#include "base/hash.h"
#include "codec/compress.h"
#include "exec/spill_file.h"
#include "vector/wire.h"

enum { BLOCK_BYTES = 32 * 1024, ROW_OVERHEAD_BYTES = 8 };

typedef struct SpillBlock {
    uint64_t offset;
    uint64_t checksum; /* of the stored bytes */
    uint32_t stored_length;
    uint32_t plain_length;
    uint8_t codec;
} SpillBlock;

struct SpillStream {
    ExecContext *exec;
    const PhysNode *node;
    MemTracker *memory;
    const Type *types;
    uint32_t column_count;
    Mutex lock; /* guards all below until the stream is finished */
    ByteBuf pending;
    ByteBuf packed; /* scratch of compression */
    int64_t charged_bytes;
    SpillBlock *blocks;
    uint32_t block_count, block_capacity;
    uint64_t row_count;
    int64_t plain_bytes;
    uint32_t string_columns;
};

SpillStream *spill_stream_new(ExecContext *exec, const PhysNode *node, const Type *types, uint32_t count)
{
    SpillStream *stream = mem_alloc_zero(sizeof(*stream));
    *stream = (SpillStream){.exec = exec, .node = node, .memory = node_memory(exec, node), .types = types, .column_count = count};
    for (uint32_t i = 0; i < count; i++)
        stream->string_columns += types[i].phys == PHYS_STR;
    mutex_init(&stream->lock);
    return stream;
}

/* Keeps the operator's account equal to what the stream holds. */
static void account(SpillStream *stream)
{
    int64_t held = (int64_t)(stream->pending.capacity + stream->packed.capacity + stream->block_capacity * sizeof(SpillBlock));
    mem_charge(stream->memory, held - stream->charged_bytes);
    stream->charged_bytes = held;
}

void spill_stream_free(SpillStream *stream)
{
    if (stream == NULL)
        return;
    for (uint32_t i = 0; i < stream->block_count; i++)
        spill_file_discard(stream->exec->spill_file, stream->blocks[i].offset, stream->blocks[i].stored_length);
    mem_release(stream->memory, stream->charged_bytes);
    bytebuf_deinit(&stream->pending);
    bytebuf_deinit(&stream->packed);
    mem_free(stream->blocks);
    mutex_deinit(&stream->lock);
    mem_free(stream);
}

void spill_free_all(SpillStream **streams, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        spill_stream_free(streams[i]);
        streams[i] = NULL;
    }
}

static Status query_file(ExecContext *exec, SpillFile **out_file)
{
    LOCK_GUARD(&exec->spill_lock);
    if (exec->spill_file == NULL)
        TRY(spill_file_open(exec->options->spill, exec->options->memory, exec->diag, &exec->spill_file));
    *out_file = exec->spill_file;
    return OK;
}

/* Lock held. */
static Status write_block(SpillStream *stream)
{
    SpillFile *file;
    if (stream->pending.length == 0)
        return OK;
    TRY(query_file(stream->exec, &file));
    if (stream->block_count == stream->block_capacity) {
        stream->block_capacity = MAX(stream->block_capacity * 2, 16u);
        stream->blocks = mem_realloc(stream->blocks, stream->block_capacity * sizeof(SpillBlock));
    }
    SpillBlock *block = &stream->blocks[stream->block_count];
    bytebuf_clear(&stream->packed);
    block->codec = (uint8_t)compress_append(CODEC_LZ4, bytebuf_view(&stream->pending), &stream->packed);
    block->plain_length = (uint32_t)stream->pending.length;
    block->stored_length = (uint32_t)stream->packed.length;
    block->checksum = checksum_bytes(stream->packed.data, stream->packed.length);
    TRY(spill_file_append(file, bytebuf_view(&stream->packed), stream->exec->diag, &block->offset));
    stream->block_count++;
    atomic_fetch_add_explicit(&stream->exec->spilled[stream->node->id], (int64_t)stream->packed.length, memory_order_relaxed);
    bytebuf_clear(&stream->pending);
    account(stream);
    return OK;
}

Status spill_stream_append(SpillStream *stream, const Vector *const *columns, Rows rows)
{
    LOCK_GUARD(&stream->lock);
    uint16_t positions[SPILL_BATCH_ROWS];
    for (uint32_t first = 0; first < rows.count; first += SPILL_BATCH_ROWS) {
        Rows part = {positions, MIN(rows.count - first, (uint32_t)SPILL_BATCH_ROWS)};
        for (uint32_t i = 0; i < part.count; i++)
            positions[i] = (uint16_t)rows_at(rows, first + i);
        if (first == 0 && part.count == rows.count)
            part = rows;
        size_t before = stream->pending.length;
        wire_write(columns, stream->column_count, part, &stream->pending);
        stream->plain_bytes += (int64_t)(stream->pending.length - before);
        stream->row_count += part.count;
        if (stream->pending.length >= BLOCK_BYTES)
            TRY(write_block(stream));
    }
    return OK;
}

Status spill_stream_append_store(SpillStream *stream, const ColumnStore *store)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, MAX(store->column_count, 1u));
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(store->column_count, 1u));
    for (uint32_t c = 0; c < store->column_count; c++)
        pointers[c] = &columns[c];
    for (uint64_t first = 0; first < store->row_count; first += CHUNK_ROWS) {
        Chunk chunk;
        TRY(exec_check(stream->exec));
        column_store_slice(store, first, (uint32_t)MIN(store->row_count - first, (uint64_t)CHUNK_ROWS), columns, &chunk);
        TRY(spill_stream_append(stream, pointers, chunk_rows(&chunk)));
    }
    return OK;
}

Status spill_stream_finish(SpillStream *stream)
{
    LOCK_GUARD(&stream->lock);
    TRY(write_block(stream));
    bytebuf_deinit(&stream->pending);
    bytebuf_deinit(&stream->packed);
    stream->pending = stream->packed = (ByteBuf){0};
    account(stream);
    return OK;
}

uint64_t spill_stream_rows(const SpillStream *stream)
{
    return stream == NULL ? 0 : stream->row_count;
}

int64_t spill_stream_bytes(const SpillStream *stream)
{
    if (stream == NULL)
        return 0;
    return stream->plain_bytes + (int64_t)stream->row_count * (ROW_OVERHEAD_BYTES + 12 * stream->string_columns);
}

/* ---- readers ---- */

struct SpillReader {
    SpillStream *stream;
    uint32_t next_block;
    uint32_t capacity;
    Arena arena; /* the chunk's vectors */
    Arena heap;  /* nested values of the chunk */
    Chunk chunk;
    Buffer stored, plain;
    ByteReader bytes;
};

Status spill_reader_open(SpillStream *stream, uint32_t capacity, SpillReader **out_reader)
{
    SpillReader *reader = mem_alloc_zero(sizeof(*reader));
    reader->stream = stream;
    reader->capacity = capacity;
    reader->stored.tracker = reader->plain.tracker = stream->memory;
    arena_init(&reader->arena, stream->memory);
    arena_init(&reader->heap, stream->memory);
    reader->chunk = (Chunk){.column_count = stream->column_count};
    reader->chunk.columns = ARENA_NEW_ARRAY(&reader->arena, Vector, MAX(stream->column_count, 1u));
    for (uint32_t c = 0; c < stream->column_count; c++)
        vector_init(&reader->chunk.columns[c], &reader->arena, stream->types[c], capacity);
    *out_reader = reader;
    return OK;
}

void spill_reader_close(SpillReader *reader)
{
    if (reader == NULL)
        return;
    buffer_free(&reader->stored);
    buffer_free(&reader->plain);
    arena_deinit(&reader->heap);
    arena_deinit(&reader->arena);
    mem_free(reader);
}

Status spill_reader_rewind(SpillReader *reader)
{
    reader->next_block = 0;
    reader->bytes = (ByteReader){0};
    return OK;
}

static Status make_room(Buffer *buffer, size_t length, Diag *diag)
{
    if (length <= buffer->size)
        return OK;
    MemTracker *tracker = buffer->tracker;
    buffer_free(buffer);
    return buffer_alloc(buffer, tracker, align_up(length, 4096), diag);
}

static Status read_block(SpillReader *reader)
{
    const SpillStream *stream = reader->stream;
    const SpillBlock *block = &stream->blocks[reader->next_block++];
    Diag *diag = stream->exec->diag;
    TRY(make_room(&reader->stored, block->stored_length, diag));
    TRY(make_room(&reader->plain, block->plain_length, diag));
    TRY(spill_file_read(stream->exec->spill_file, block->offset, reader->stored.data, block->stored_length, diag));
    if (checksum_bytes(reader->stored.data, block->stored_length) != block->checksum)
        return RAISE(diag, CORRUPT, "a block of a spill file does not have its checksum");
    StrView stored = {(const char *)reader->stored.data, block->stored_length};
    TRY(decompress((Codec)block->codec, stored, reader->plain.data, block->plain_length, diag));
    reader->bytes = byte_reader(reader->plain.data, block->plain_length);
    return OK;
}

Status spill_reader_next(SpillReader *reader, Chunk **out_chunk)
{
    *out_chunk = NULL;
    arena_reset(&reader->heap);
    chunk_reset(&reader->chunk);
    if (wire_peek_rows(&reader->bytes) == 0) {
        if (reader->next_block == reader->stream->block_count)
            return OK;
        TRY(exec_check(reader->stream->exec));
        TRY(read_block(reader));
    }
    for (;;) {
        uint32_t rows = wire_peek_rows(&reader->bytes);
        if (rows == 0 || reader->chunk.row_count + rows > reader->capacity)
            break;
        TRY(wire_read(&reader->bytes, &reader->chunk, &reader->heap, reader->stream->exec->diag));
    }
    if (reader->chunk.row_count == 0)
        return RAISE(reader->stream->exec->diag, CORRUPT, "a block of a spill file holds a batch that is too long");
    *out_chunk = &reader->chunk;
    return OK;
}

/* ---- partitions ---- */

uint32_t spill_partition(uint64_t hash, uint32_t level)
{
    return (uint32_t)(hash_u64(hash ^ (uint64_t)(level + 1) * 0xC2B2AE3D27D4EB4Fu) >> 60);
}

Status spill_split(SpillStream *const *streams, const Vector *const *columns, Rows rows, const uint64_t *hashes, uint32_t level)
{
    uint8_t target[CHUNK_ROWS];
    uint16_t sel[CHUNK_ROWS];
    uint32_t counts[SPILL_FANOUT] = {0}, starts[SPILL_FANOUT];
    for (FOR_ROWS(rows, i, row)) {
        target[i] = (uint8_t)spill_partition(hashes[row], level);
        counts[target[i]]++;
    }
    for (uint32_t p = 0, sum = 0; p < SPILL_FANOUT; p++) {
        starts[p] = sum;
        sum += counts[p];
        counts[p] = 0;
    }
    for (FOR_ROWS(rows, j, from))
        sel[starts[target[j]] + counts[target[j]]++] = (uint16_t)from;
    for (uint32_t p = 0; p < SPILL_FANOUT; p++) {
        if (counts[p] > 0)
            TRY(spill_stream_append(streams[p], columns, (Rows){sel + starts[p], counts[p]}));
    }
    return OK;
}

/* ---- budgets ---- */

enum { SOFT_PERCENT = 50, FORCED_BYTES = 16 * 1024, PROCESS_PERCENT = 75, PROCESS_MIN_BYTES = 8 * 1024 * 1024 };

static uint32_t weight(const PhysNode *node)
{
    switch ((PhysKindOfNode)node->kind) {
    case PHYS_NODE_HASH_JOIN:
    case PHYS_NODE_NESTED_LOOP_JOIN:
    case PHYS_NODE_AGGREGATE:
    case PHYS_NODE_SORT:
    case PHYS_NODE_WINDOW:
    case PHYS_NODE_RECURSIVE:
        return 1;
    case PHYS_NODE_CTE_ANCHOR:
        return node->child_count - 1;
    default:
        return 0;
    }
}

/* Most blocking operators on a way from node down; fills shares on the way back. */
static uint32_t share_out(ExecContext *exec, const PhysNode *node, uint32_t above)
{
    uint32_t own = weight(node);
    uint32_t below = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        uint32_t child = share_out(exec, node->children[i], above + own);
        below = MAX(below, child);
    }
    exec->spill_divisors[node->id] = MAX(above + own + below, 1u);
    return own + below;
}

void spill_prepare(ExecContext *exec)
{
    uint32_t count = exec->plan->node_count + 1;
    mutex_init(&exec->spill_lock);
    exec->spilled = ARENA_NEW_ARRAY(&exec->arena, _Atomic int64_t, count);
    exec->spill_divisors = ARENA_NEW_ARRAY(&exec->arena, uint32_t, count);
    share_out(exec, exec->plan->root, 0);
}

void spill_clean_up(ExecContext *exec)
{
    spill_file_close(exec->spill_file);
    mutex_deinit(&exec->spill_lock);
}

int64_t spill_allowance(const ExecContext *exec, const PhysNode *node)
{
    if (exec->options->spill == NULL || exec->options->spill_mode == SPILL_OFF)
        return INT64_MAX;
    if (exec->options->spill_mode == SPILL_FORCE)
        return FORCED_BYTES;
    int64_t limit = atomic_load_explicit(&exec->options->memory->limit_bytes, memory_order_relaxed);
    return limit <= 0 ? INT64_MAX : limit / 100 * SOFT_PERCENT / exec->spill_divisors[node->id];
}

/* The process is near its limit, and this operator holds enough to be worth it. */
static bool process_is_short(const MemTracker *query, int64_t worker_bytes)
{
    if (worker_bytes < PROCESS_MIN_BYTES)
        return false;
    for (const MemTracker *t = query->parent; t != NULL; t = t->parent) {
        int64_t limit = atomic_load_explicit(&t->limit_bytes, memory_order_relaxed);
        if (limit > 0 && mem_used(t) > limit / 100 * PROCESS_PERCENT)
            return true;
    }
    return false;
}

bool spill_wanted(ExecContext *exec, const PhysNode *node, int64_t worker_bytes)
{
    if (exec->options->spill == NULL || exec->options->spill_mode == SPILL_OFF)
        return false;
    return worker_bytes > spill_allowance(exec, node) / exec->worker_count ||
           process_is_short(exec->options->memory, worker_bytes);
}
