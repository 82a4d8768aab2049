#include "tpch/tpch_format.h"

/* Numbers, dates, telephone numbers and addresses as text. */

static const char address_letters[] =
    "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,";

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && year % 4 == 0);
}

void date_table_init(DateTable *table)
{
    int year = 1992, month = 1, day = 1;
    for (int i = 0; i < TPCH_DAYS; i++) {
        char *at = put_padded(table->text[i], (uint64_t)year, 4);
        at = put_padded(put_char(at, '-'), (uint64_t)month, 2);
        put_padded(put_char(at, '-'), (uint64_t)day, 2);
        if (++day <= month_days(year, month))
            continue;
        day = 1;
        if (++month > 12) {
            month = 1;
            year++;
        }
    }
}

char *put_uint(char *at, uint64_t value)
{
    return put_padded(at, value, 1);
}

char *put_padded(char *at, uint64_t value, int digits)
{
    char text[20];
    int used = 0;
    for (; value > 0 || used < digits; value /= 10)
        text[sizeof(text) - (size_t)++used] = (char)('0' + value % 10);
    return put_bytes(at, text + sizeof(text) - used, (size_t)used);
}

char *put_money(char *at, int64_t cents)
{
    if (cents < 0) {
        at = put_char(at, '-');
        cents = -cents;
    }
    at = put_uint(at, (uint64_t)cents / 100);
    return put_padded(put_char(at, '.'), (uint64_t)cents % 100, 2);
}

char *put_phone(char *at, RandomStream *stream, int64_t nation)
{
    at = put_char(put_padded(at, (uint64_t)nation + 10, 2), '-');
    at = put_char(put_uint(at, (uint64_t)stream_draw(stream, 100, 999)), '-');
    at = put_char(put_uint(at, (uint64_t)stream_draw(stream, 100, 999)), '-');
    return put_uint(at, (uint64_t)stream_draw(stream, 1000, 9999));
}

char *put_address(char *at, RandomStream *stream)
{
    int64_t length = stream_draw(stream, 10, TPCH_ADDRESS_MAX_BYTES);
    int64_t bits = 0;
    for (int64_t i = 0; i < length; i++) {
        if (i % 5 == 0)
            bits = stream_draw_bits(stream);
        at = put_char(at, address_letters[bits & 63]);
        bits >>= 6;
    }
    return at;
}
