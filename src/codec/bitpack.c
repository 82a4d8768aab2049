#include "codec/bitpack.h"

/* One unaligned 8-byte load, shift and mask a value; widths above 56 bits are stored as 64. */

static uint32_t stored_width(uint32_t width)
{
    return width > 56 ? 64 : width;
}

void bitpack_append(ByteBuf *out, const int64_t *values, uint32_t count, int64_t base, uint32_t width)
{
    width = stored_width(width);
    size_t bytes = bitpack_bytes(count, width);
    bytebuf_reserve(out, bytes + 8);
    uint8_t *start = (uint8_t *)out->data + out->length;
    memset(start, 0, bytes + 8);
    for (uint32_t i = 0; i < count && width > 0; i++) {
        uint64_t value = (uint64_t)values[i] - (uint64_t)base;
        size_t bit = (size_t)i * width;
        uint64_t word = load_u64(start + bit / 8) | value << (bit % 8);
        memcpy(start + bit / 8, &word, sizeof(word));
    }
    out->length += bytes;
}

#define UNPACK(T)                                                                          \
    for (uint32_t i = 0; i < count; i++) {                                                 \
        size_t bit = (size_t)i * width;                                                    \
        ((T *)out)[i] = (T)((uint64_t)base + ((load_u64(in + bit / 8) >> (bit % 8)) & mask)); \
    }

KERNEL_CLONES void bitpack_unpack(const uint8_t *in, uint32_t count, uint32_t width, int64_t base,
                                  uint32_t out_width, void *restrict out)
{
    width = stored_width(width);
    uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
    switch (out_width) {
    case 1:
        UNPACK(uint8_t)
        return;
    case 2:
        UNPACK(uint16_t)
        return;
    case 4:
        UNPACK(uint32_t)
        return;
    default:
        UNPACK(uint64_t)
        return;
    }
}
