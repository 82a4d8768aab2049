#include "types/datetime.h"

/* Civil dates by the era method (400-year cycles); text scanning without locale or libc time. */

#include <stdio.h>

int32_t date_from_civil(int32_t year, int32_t month, int32_t day)
{
    int32_t y = month <= 2 ? year - 1 : year;
    int32_t era = (y >= 0 ? y : y - 399) / 400;
    uint32_t year_of_era = (uint32_t)(y - era * 400);
    uint32_t shifted = (uint32_t)(month > 2 ? month - 3 : month + 9);
    uint32_t day_of_year = (153 * shifted + 2) / 5 + (uint32_t)day - 1;
    uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int32_t)day_of_era - 719468;
}

void date_to_civil(int32_t days, int32_t *year, int32_t *month, int32_t *day)
{
    int32_t z = days + 719468;
    int32_t era = (z >= 0 ? z : z - 146096) / 146097;
    uint32_t day_of_era = (uint32_t)(z - era * 146097);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int32_t)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int32_t)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int32_t)year_of_era + era * 400 + (*month <= 2);
}

int32_t days_in_month(int32_t year, int32_t month)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && is_leap);
}

bool civil_is_valid(const CivilTime *t)
{
    return t->year >= 0 && t->year <= 9999 && t->month >= 1 && t->month <= 12 && t->day >= 1 &&
           t->day <= days_in_month(t->year, t->month) && t->hour >= 0 && t->hour < 24 &&
           t->minute >= 0 && t->minute < 60 && t->second >= 0 && t->second < 60 &&
           t->microsecond >= 0 && t->microsecond < 1000000;
}

int64_t datetime_from_civil(const CivilTime *t)
{
    int64_t days = date_from_civil(t->year, t->month, t->day);
    int64_t seconds = days * 86400 + t->hour * 3600 + t->minute * 60 + t->second;
    return seconds * US_PER_SECOND + t->microsecond;
}

CivilTime datetime_to_civil(int64_t value)
{
    CivilTime t;
    int32_t days = datetime_date(value);
    int64_t rest = value - days * US_PER_DAY;
    date_to_civil(days, &t.year, &t.month, &t.day);
    t.microsecond = (int32_t)(rest % US_PER_SECOND);
    int32_t seconds = (int32_t)(rest / US_PER_SECOND);
    t.hour = seconds / 3600;
    t.minute = seconds / 60 % 60;
    t.second = seconds % 60;
    return t;
}

bool date_add_months(int32_t days, int64_t months, int32_t *out)
{
    int32_t year, month, day;
    if (months > 120000 || months < -120000)
        return false;
    date_to_civil(days, &year, &month, &day);
    int64_t total = (int64_t)year * 12 + month - 1 + months;
    if (total < 0 || total >= 120000)
        return false;
    year = (int32_t)(total / 12);
    month = (int32_t)(total % 12) + 1;
    int last = days_in_month(year, month);
    *out = date_from_civil(year, month, MIN(day, last));
    return true;
}

/* Reads up to max_digits; returns how many. */
static size_t scan_number(StrView text, size_t *at, size_t max_digits, int32_t *out)
{
    size_t count = 0;
    int32_t value = 0;
    while (*at < text.length && count < max_digits && text.data[*at] >= '0' &&
           text.data[*at] <= '9') {
        value = value * 10 + (text.data[*at] - '0');
        (*at)++;
        count++;
    }
    *out = value;
    return count;
}

static int32_t two_digit_year(int32_t year)
{
    return year < 70 ? 2000 + year : 1900 + year;
}

static bool is_blank_or_mark(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c > ' ' && c < 0x7F && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'));
}

enum { DATE_FIELDS = 7 };

/* Reads up to seven numbers, each with any marks behind it: "2024-1-5 7:30", "2024.01.05T07.30". Text of
 * digits alone (or with a T or a fraction) is cut by width: year of 4 digits, or 2 when their number is
 * neither 4, 8, nor 14 and more; then pairs. Blanks are allowed behind the day only. What comes after
 * the numbers is not looked at. Returns how many there are. */
static size_t scan_fields(StrView text, int32_t *values, size_t *out_year_digits)
{
    size_t digits = 0;
    while (digits < text.length && ((text.data[digits] >= '0' && text.data[digits] <= '9') || text.data[digits] == 'T'))
        digits++;
    bool by_width = digits == text.length || text.data[digits] == '.';
    size_t width = by_width && digits != 4 && digits != 8 && digits < 14 ? 2 : 4;
    size_t at = 0;
    size_t field = 0;
    while (at < text.length && field < DATE_FIELDS && text.data[at] >= '0' && text.data[at] <= '9') {
        size_t first = at;
        size_t got = scan_number(text, &at, field == 6 || by_width ? width : 7, &values[field]);
        if (field == 0)
            *out_year_digits = got;
        for (size_t n = got; field == 6 && n < 6; n++)
            values[6] *= 10;
        width = 2;
        field++;
        if (at == first || at == text.length)
            break;
        if (field == 3 && text.data[at] == 'T') {
            at++;
            continue;
        }
        if (field == 6) { /* only a fraction may come */
            if (text.data[at] != '.')
                break;
            at++;
            width = 6;
            continue;
        }
        for (; field < DATE_FIELDS && at < text.length && is_blank_or_mark(text.data[at]); at++) {
            bool is_blank = text.data[at] == ' ' || (text.data[at] >= '\t' && text.data[at] <= '\r');
            if (is_blank && field != 3)
                return 0;
        }
    }
    return field;
}

bool datetime_parse(StrView text, CivilTime *out)
{
    int32_t values[DATE_FIELDS] = {0};
    size_t year_digits = 0;
    while (text.length > 0 && (text.data[0] == ' ' || (text.data[0] >= '\t' && text.data[0] <= '\r'))) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && (text.data[text.length - 1] == ' ' || (text.data[text.length - 1] >= '\t' && text.data[text.length - 1] <= '\r')))
        text.length--;
    size_t fields = scan_fields(text, values, &year_digits);
    if (fields < 3)
        return false;
    if (year_digits == 2)
        values[0] = two_digit_year(values[0]);
    *out = (CivilTime){values[0], values[1], values[2], values[3], values[4], values[5], values[6]};
    return civil_is_valid(out);
}

/* The form nearly every file has: YYYY-MM-DD. */
static bool parse_plain_date(const char *s, int32_t *out)
{
    int32_t d[8];
    static const uint8_t places[] = {0, 1, 2, 3, 5, 6, 8, 9};
    for (int i = 0; i < 8; i++) {
        d[i] = s[places[i]] - '0';
        if (d[i] < 0 || d[i] > 9)
            return false;
    }
    if (s[4] != '-' || s[7] != '-')
        return false;
    int32_t year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3];
    int32_t month = d[4] * 10 + d[5];
    int32_t day = d[6] * 10 + d[7];
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *out = date_from_civil(year, month, day);
    return true;
}

bool date_parse(StrView text, int32_t *out_days)
{
    if (text.length == 10 && parse_plain_date(text.data, out_days))
        return true;
    CivilTime t;
    if (!datetime_parse(text, &t))
        return false;
    *out_days = date_from_civil(t.year, t.month, t.day);
    return true;
}

bool datetime_parse_us(StrView text, int64_t *out_value)
{
    CivilTime t;
    if (!datetime_parse(text, &t))
        return false;
    *out_value = datetime_from_civil(&t);
    return true;
}

bool datetime_from_number(int64_t number, CivilTime *out)
{
    *out = (CivilTime){0};
    if (number < 101)
        return false;
    int64_t date = number;
    if (number > 99999999) {
        int64_t time = number % 1000000;
        date = number / 1000000;
        out->hour = (int32_t)(time / 10000);
        out->minute = (int32_t)(time / 100 % 100);
        out->second = (int32_t)(time % 100);
    }
    if (date < 1000000)
        date += date < 700000 ? 20000000 : 19000000;
    out->year = (int32_t)(date / 10000);
    out->month = (int32_t)(date / 100 % 100);
    out->day = (int32_t)(date % 100);
    return date <= 99991231 && civil_is_valid(out);
}

static void put_digits(char *out, int32_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

size_t date_print(int32_t days, char *out)
{
    int32_t year, month, day;
    date_to_civil(days, &year, &month, &day);
    put_digits(out, year, 4);
    out[4] = '-';
    put_digits(out + 5, month, 2);
    out[7] = '-';
    put_digits(out + 8, day, 2);
    return 10;
}

size_t datetime_print(int64_t value, char *out)
{
    CivilTime t = datetime_to_civil(value);
    date_print(datetime_date(value), out);
    out[10] = ' ';
    put_digits(out + 11, t.hour, 2);
    out[13] = ':';
    put_digits(out + 14, t.minute, 2);
    out[16] = ':';
    put_digits(out + 17, t.second, 2);
    if (t.microsecond == 0)
        return 19;
    out[19] = '.';
    put_digits(out + 20, t.microsecond, 6);
    return 26;
}

size_t time_print(int64_t us, char *out)
{
    int64_t seconds = (us < 0 ? -us : us) / US_PER_SECOND;
    int written = snprintf(out, 24, "%s%02lld:%02lld:%02lld", us < 0 ? "-" : "",
                           (long long)(seconds / 3600 % 100000000), (long long)(seconds / 60 % 60),
                           (long long)(seconds % 60));
    return (size_t)MIN(written, 23);
}
