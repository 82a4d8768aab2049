#pragma once
/* A table as a stream of chunks, generated ahead by several threads.
 *
 * Threads take ranges of keys in turn and fill a ring of buffers; the one reader gets the chunks in
 * order. Memory is bounded by the ring. Everything is called by one thread, the reader. */

#include "base/bytes.h"
#include "tpch/tpch_tables.h"

typedef struct TpchSource TpchSource;

/* table and context must outlive the source. */
Status tpch_source_open(const TpchTable *table, const TpchContext *context, uint32_t num_threads,
                        TpchSource **out_source, Diag *diag);
/* The next whole lines; empty at the end. Valid until the next call. */
StrView tpch_source_next(TpchSource *source);
void tpch_source_close(TpchSource *source); /* at any time; NULL does nothing */
