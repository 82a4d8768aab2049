#pragma once
/* Rows on disk: what operators write when their memory is used up, and read back.
 *
 * A query has one spill file, unlinked at open, so that a crash leaves nothing. A stream is a list of
 * blocks in it: batches in the wire form, compressed with LZ4, with a checksum. Appending is
 * thread-safe; after spill_stream_finish() any number of readers may read, each on its own thread.
 * Freeing a stream gives its blocks back to the file system. Memory of streams and readers is charged
 * to the operator they are for. */

#include "exec/exec_int.h"

enum {
    SPILL_FANOUT = 16,
    SPILL_MIN_ROWS = 256, /* fewer are not worth writing */
    SPILL_BATCH_ROWS = CHUNK_ROWS < 256 ? CHUNK_ROWS : 256,
    SPILL_READ_ROWS = CHUNK_ROWS < 1024 ? CHUNK_ROWS : 1024,
    SPILL_MAX_LEVEL = 6
};

typedef struct SpillStream SpillStream;
typedef struct SpillReader SpillReader;

SpillStream *spill_stream_new(ExecContext *exec, const PhysNode *node, const Type *types, uint32_t count);
void spill_stream_free(SpillStream *stream);
Status spill_stream_append(SpillStream *stream, const Vector *const *columns, Rows rows);
/* All rows of a store (its first columns), in order. */
Status spill_stream_append_store(SpillStream *stream, const ColumnStore *store);
Status spill_stream_finish(SpillStream *stream);
uint64_t spill_stream_rows(const SpillStream *stream);
/* About what the rows take in memory. */
int64_t spill_stream_bytes(const SpillStream *stream);

/* Chunks have up to capacity rows (SPILL_BATCH_ROWS .. CHUNK_ROWS). */
Status spill_reader_open(SpillStream *stream, uint32_t capacity, SpillReader **out_reader);
void spill_reader_close(SpillReader *reader);
/* NULL at the end. The chunk is dense and flat, valid until the next call. */
Status spill_reader_next(SpillReader *reader, Chunk **out_chunk);
Status spill_reader_rewind(SpillReader *reader);

/* Splits rows by their hashes over SPILL_FANOUT streams; another level splits differently. */
uint32_t spill_partition(uint64_t hash, uint32_t level);
Status spill_split(SpillStream *const *streams, const Vector *const *columns, Rows rows, const uint64_t *hashes, uint32_t level);
void spill_free_all(SpillStream **streams, uint32_t count);

/* ---- when to spill ---- */

/* Bytes of state that a blocking operator may hold before it spills; INT64_MAX: no bound, 0: as little as
 * it can. Divides the query's limit among the operators that live at the same time. */
int64_t spill_allowance(const ExecContext *exec, const PhysNode *node);
/* Should a worker with this much state of its own write it out? */
bool spill_wanted(ExecContext *exec, const PhysNode *node, int64_t worker_bytes);
void spill_prepare(ExecContext *exec);  /* at the start of a query, */
void spill_clean_up(ExecContext *exec); /* and at its end */
