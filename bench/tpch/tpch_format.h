#pragma once
/* Writing fields of a .tbl row. Each function writes at `at`, without a bounds check, and returns
 * the place behind what it wrote; tables state how many bytes a key can take at most. */

#include <stdint.h>
#include <string.h>

#include "tpch/tpch_random.h"

enum { TPCH_DATE_BYTES = 10, TPCH_DAYS = 2557, TPCH_ADDRESS_MAX_BYTES = 40 };

/* "1992-01-01" and the days after it, each of TPCH_DATE_BYTES. Fill it before the first date. */
typedef struct DateTable {
    char text[TPCH_DAYS][TPCH_DATE_BYTES];
} DateTable;
void date_table_init(DateTable *table);

char *put_uint(char *at, uint64_t value);
char *put_padded(char *at, uint64_t value, int digits); /* zeros to the left */
char *put_money(char *at, int64_t cents);
char *put_phone(char *at, RandomStream *stream, int64_t nation);
char *put_address(char *at, RandomStream *stream);

static inline char *put_char(char *at, char c)
{
    *at = c;
    return at + 1;
}

static inline char *put_bytes(char *at, const char *data, size_t length)
{
    memcpy(at, data, length);
    return at + length;
}

static inline char *put_text(char *at, const char *text)
{
    return put_bytes(at, text, strlen(text));
}

/* A field of text and the separator behind it. */
static inline char *put_text_field(char *at, const char *text)
{
    return put_char(put_text(at, text), '|');
}

static inline char *put_uint_field(char *at, uint64_t value)
{
    return put_char(put_uint(at, value), '|');
}

static inline char *put_money_field(char *at, int64_t cents)
{
    return put_char(put_money(at, cents), '|');
}

static inline char *put_date_field(char *at, const DateTable *dates, int64_t day)
{
    return put_char(put_bytes(at, dates->text[day], TPCH_DATE_BYTES), '|');
}

/* One of a list of equally likely texts. */
static inline char *put_choice(char *at, RandomStream *stream, const char *const *list, int count)
{
    return put_text_field(at, list[stream_draw(stream, 1, count) - 1]);
}
