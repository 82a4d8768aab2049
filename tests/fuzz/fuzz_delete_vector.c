/* Any bytes as a stored delete vector, with a right checksum: the first four are the rows of its segment, the
 * next four how many of them metadata says are deleted. */

#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "storage/delete_vector.h"

enum { HEAD_BYTES = 8, MOST_ROWS = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES)
        return 0;
    AUTO_ARENA arena;
    AUTO_BYTEBUF bytes = {0};
    arena_init(&arena, NULL);
    bytebuf_append(&bytes, data + HEAD_BYTES, size - HEAD_BYTES);
    bytebuf_put_u64(&bytes, checksum_bytes(bytes.data, bytes.length));
    DeleteVectorRef deletes = {.id = 2, .count = load_u32(data + 4), .bytes = bytebuf_view(&bytes)};
    SegmentRef segment = {.id = 1, .path = STR_VIEW("s"), .row_count = load_u32(data) % MOST_ROWS, .deletes = &deletes};
    DeleteVector vector;
    Diag diag = {0};
    if (delete_vector_load(NULL, &segment, &arena, &diag, &vector) != OK)
        return 0;
    /* What was read is written and read back. */
    AUTO_BYTEBUF again = {0};
    DeleteVector other;
    delete_vector_encode(&vector, &again);
    deletes.bytes = bytebuf_view(&again);
    if (delete_vector_load(NULL, &segment, &arena, &diag, &other) != OK || other.count != vector.count)
        abort();
    return 0;
}
