#pragma once
/* One character of UTF-8, read and written. */

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at text, its code in out_code; 0: no valid character. */
static inline size_t utf8_decode(const char *text, size_t length, uint32_t *out_code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = length > 0 ? (unsigned char)text[0] : 0xFF;
    size_t bytes = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF8 ? 4 : 0;
    if (bytes == 0 || bytes > length)
        return 0;
    uint32_t code = bytes == 1 ? first : first & (0x7Fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if (((unsigned char)text[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)text[i] & 0x3F);
    }
    *out_code = code;
    return code < least[bytes] || code > 0x10FFFF ? 0 : bytes;
}

/* Bytes written, 1 to 4; code is at most 0x10FFFF. */
static inline size_t utf8_encode(uint32_t code, char *out)
{
    size_t bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = bytes - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(bytes == 1 ? code : (0xF00u >> bytes & 0xFF) | code);
    return bytes;
}
