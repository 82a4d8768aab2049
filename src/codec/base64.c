#include "codec/base64.h"

/* Three bytes to four characters by table, and back; strict about length, padding and alphabet. */

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_append(StrView bytes, ByteBuf *out)
{
    bytebuf_reserve(out, (bytes.length + 2) / 3 * 4);
    const uint8_t *from = (const uint8_t *)bytes.data;
    char *to = out->data + out->length;
    size_t at = 0;
    for (; at + 3 <= bytes.length; at += 3, to += 4) {
        uint32_t word = (uint32_t)from[at] << 16 | (uint32_t)from[at + 1] << 8 | from[at + 2];
        to[0] = ALPHABET[word >> 18];
        to[1] = ALPHABET[word >> 12 & 63];
        to[2] = ALPHABET[word >> 6 & 63];
        to[3] = ALPHABET[word & 63];
    }
    if (at < bytes.length) {
        bool has_two = at + 2 == bytes.length;
        uint32_t word = (uint32_t)from[at] << 16 | (has_two ? (uint32_t)from[at + 1] << 8 : 0);
        to[0] = ALPHABET[word >> 18];
        to[1] = ALPHABET[word >> 12 & 63];
        to[2] = '=';
        if (has_two)
            to[2] = ALPHABET[word >> 6 & 63];
        to[3] = '=';
        to += 4;
    }
    out->length = (size_t)(to - out->data);
    *to = '\0';
}

/* By character: its value and one more; 0: not of the alphabet. */
static const uint8_t VALUES[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11,
    ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
    ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33,
    ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44,
    ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55,
    ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* 64 or more: not of the alphabet. */
static inline uint32_t value_of(char c)
{
    return (uint32_t)VALUES[(uint8_t)c] - 1;
}

bool base64_decode(StrView text, ByteBuf *out)
{
    if (text.length % 4 != 0)
        return false;
    size_t padding = text.length == 0 ? 0 : (size_t)(text.data[text.length - 1] == '=') + (text.data[text.length - 2] == '=');
    bytebuf_reserve(out, text.length / 4 * 3 + 1);
    char *to = out->data + out->length;
    size_t at = 0;
    for (; at + 4 < text.length; at += 4, to += 3) {
        const char *from = text.data + at;
        uint32_t a = value_of(from[0]), b = value_of(from[1]), c = value_of(from[2]), d = value_of(from[3]);
        if ((a | b | c | d) > 63)
            return false;
        uint32_t word = a << 18 | b << 12 | c << 6 | d;
        to[0] = (char)(word >> 16);
        to[1] = (char)(word >> 8);
        to[2] = (char)word;
    }
    for (; at < text.length; at += 4) {
        uint32_t digits[4];
        size_t fill = at + 4 == text.length ? padding : 0;
        for (size_t i = 0; i < 4; i++)
            digits[i] = i < 4 - fill ? value_of(text.data[at + i]) : 0;
        if ((digits[0] | digits[1] | digits[2] | digits[3]) > 63)
            return false;
        uint32_t word = digits[0] << 18 | digits[1] << 12 | digits[2] << 6 | digits[3];
        *to++ = (char)(word >> 16);
        if (fill < 2)
            *to++ = (char)(word >> 8);
        if (fill < 1)
            *to++ = (char)word;
    }
    *to = '\0';
    out->length = (size_t)(to - out->data);
    return true;
}
