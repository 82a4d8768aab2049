/* Any bytes as blocks of each encoding: the first byte chooses it, the next four say how many values or bytes
 * come out. What an encoder makes of the bytes decodes to them. */

#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "codec/alp.h"
#include "codec/bitpack.h"
#include "codec/compress.h"
#include "codec/fsst.h"
#include "codec/intpack.h"

enum { HEAD_BYTES = 5, MOST_PLAIN = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decoders may read that many bytes behind the block, but not use them. */
static uint8_t *with_slack(StrView bytes)
{
    uint8_t *copy = mem_alloc_zero(bytes.length + BITPACK_SLACK);
    if (bytes.length > 0)
        memcpy(copy, bytes.data, bytes.length);
    return copy;
}

static void decode_integers(uint8_t choice, uint32_t count, StrView bytes)
{
    static const IntEncoding encodings[] = {INT_PACKED, INT_SCALED, INT_DELTA, INT_RUNS, INT_PATCHED};
    uint8_t *copy = with_slack(bytes);
    int64_t *out = mem_alloc(INTPACK_MAX_VALUES * sizeof(*out) + 64);
    ByteReader reader = byte_reader(copy, bytes.length);
    if (choice % 6 == 5)
        (void)alp_decode(&reader, count % ALP_MAX_VALUES + 1, (double *)(void *)out);
    else
        (void)intpack_decode(encodings[choice % 6], &reader, count % INTPACK_MAX_VALUES + 1, 1u << (choice / 6 % 4), out);
    mem_free(out);
    mem_free(copy);
}

static void round_trip(StrView bytes)
{
    uint32_t count = (uint32_t)MIN(bytes.length / sizeof(int64_t), (size_t)INTPACK_MAX_VALUES);
    if (count == 0)
        return;
    int64_t *values = mem_alloc(count * sizeof(*values));
    int64_t *out = mem_alloc(count * sizeof(*out) + 64);
    memcpy(values, bytes.data, count * sizeof(*values));
    AUTO_BYTEBUF packed = {0};
    IntEncoding encoding = intpack_encode(values, count, &packed);
    uint8_t *copy = with_slack(bytebuf_view(&packed));
    ByteReader reader = byte_reader(copy, packed.length);
    if (!intpack_decode(encoding, &reader, count, 8, out) || memcmp(values, out, count * sizeof(*values)) != 0)
        abort();
    mem_free(copy);
    mem_free(values);
    mem_free(out);
}

static void decode_compressed(uint8_t choice, uint32_t plain, StrView bytes)
{
    Diag diag = {0};
    plain %= MOST_PLAIN;
    char *out = mem_alloc(plain + 1);
    (void)(decompress((Codec)(choice % 4), bytes, out, plain, &diag) == OK);
    mem_free(out);
    AUTO_BYTEBUF packed = {0};
    Codec codec = compress_append((Codec)(choice % 3), bytes, &packed);
    char *again = mem_alloc(bytes.length + 1);
    if (decompress(codec, bytebuf_view(&packed), again, bytes.length, &diag) != OK || memcmp(again, bytes.data, bytes.length) != 0)
        abort();
    mem_free(again);
}

static void decode_strings(uint32_t split, StrView bytes)
{
    FsstTable *table = mem_alloc(sizeof(*table));
    Diag diag = {0};
    size_t head = bytes.length == 0 ? 0 : split % bytes.length;
    if (fsst_load_table(strview_n(bytes.data, head), table, &diag) == OK) {
        enum { ROOM = 4096 };
        uint32_t count = (uint32_t)MIN((bytes.length - head) / 2, (size_t)ROOM);
        uint16_t *codes = mem_alloc(count * sizeof(*codes) + 1);
        uint8_t *out = mem_alloc(ROOM + FSST_SYMBOL_BYTES);
        uint32_t *starts = mem_alloc((count + 1) * sizeof(*starts));
        for (uint32_t i = 0; i < count; i++)
            codes[i] = (uint16_t)(load_u16(bytes.data + head + 2 * i) % FSST_MAX_SYMBOLS);
        (void)fsst_decode(table, codes, count, out, ROOM, starts);
        (void)fsst_decode_one(table, codes, count, out, ROOM);
        mem_free(codes);
        mem_free(out);
        mem_free(starts);
    }
    mem_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES)
        return 0;
    StrView bytes = strview_n((const char *)data + HEAD_BYTES, size - HEAD_BYTES);
    uint32_t count = load_u32(data + 1);
    switch (data[0] % 4) {
    case 0:
        decode_integers(data[0] / 4, count, bytes);
        break;
    case 1:
        round_trip(bytes);
        break;
    case 2:
        decode_compressed(data[0] / 4, count, bytes);
        break;
    default:
        decode_strings(count, bytes);
        break;
    }
    return 0;
}
