#pragma once
/* Prepared transactions: their rows lie in segments that no table names yet, and wait, across restarts, for the
 * commit or the rollback. Immutable; shared by the snapshots that know them. */

#include <stdatomic.h>

#include "base/arena.h"
#include "types/segment_ref.h"

/* What a load wrote at once for a tablet, in the order of its rows. */
typedef struct PreparedFlush {
    uint64_t partition_id, tablet_id;
    bool has_segment;
    SegmentRef segment;
    StrView deleted; /* hashes of keys to delete before it, 16 bytes each */
} PreparedFlush;

typedef struct PreparedTable {
    uint64_t table_id;
    PreparedFlush *flushes;
    uint32_t count;
} PreparedTable;

typedef struct PreparedTransaction {
    _Atomic uint32_t references;
    Arena arena;
    uint64_t database_id;
    uint64_t id;
    StrView label;
    bool is_multi;
    int64_t time_us, timeout_us; /* wall clock of the prepare */
    uint64_t total_rows, loaded_rows, filtered_rows, unselected_rows, bytes;
    PreparedTable *tables;
    uint32_t table_count;
} PreparedTransaction;

PreparedTransaction *prepared_new(void);
void prepared_unref(PreparedTransaction *prepared);
void prepared_encode(const PreparedTransaction *prepared, ByteBuf *out);
Status prepared_decode(ByteReader *reader, Diag *diag, PreparedTransaction **out);
