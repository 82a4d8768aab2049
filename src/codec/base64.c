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

/* 64: not of the alphabet. */
static uint32_t value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_decode(StrView text, ByteBuf *out)
{
    if (text.length % 4 != 0)
        return false;
    size_t padding = text.length == 0 ? 0 : (size_t)(text.data[text.length - 1] == '=') + (text.data[text.length - 2] == '=');
    bytebuf_reserve(out, text.length / 4 * 3 + 1);
    char *to = out->data + out->length;
    for (size_t at = 0; at < text.length; at += 4) {
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
