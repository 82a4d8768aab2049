#include "func/families.h"

/* Joda-style patterns: runs of one letter are a field, quotes keep text, the rest stands for itself. */

#include <ctype.h>
#include <stdio.h>

#include "func/shape.h"
#include "types/datetime.h"

static const char *const month_names[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
static const char *const day_names[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

typedef struct JodaTime {
    CivilTime t;
    int32_t days, weekday, week, week_year; /* ISO */
    int32_t zone_minutes;
} JodaTime;

static void put_number(ByteBuf *out, int64_t number, size_t width)
{
    bytebuf_printf(out, "%0*lld", (int)MIN(width, (size_t)20), (long long)number);
}

static void put_year(ByteBuf *out, int32_t year, size_t width)
{
    if (width == 2)
        put_number(out, year % 100, 2);
    else
        put_number(out, year, width);
}

static void put_name(ByteBuf *out, const char *name, size_t width)
{
    bytebuf_append(out, name, width >= 4 ? strlen(name) : 3);
}

static void put_zone(ByteBuf *out, int32_t minutes, size_t width)
{
    int32_t size = minutes < 0 ? -minutes : minutes;
    bytebuf_printf(out, "%c%02d%s%02d", minutes < 0 ? '-' : '+', size / 60, width > 1 ? ":" : "", size % 60);
}

static void put_fraction(ByteBuf *out, int32_t microsecond, size_t width)
{
    char digits[8];
    snprintf(digits, sizeof(digits), "%06d", microsecond % 1000000);
    bytebuf_append(out, digits, MIN(width, (size_t)6));
    for (size_t i = 6; i < MIN(width, (size_t)9); i++)
        bytebuf_append_char(out, '0');
}

/* False: no letter of a field. */
static bool put_field(char letter, size_t width, const JodaTime *time, ByteBuf *out)
{
    const CivilTime *t = &time->t;
    switch (letter) {
    case 'G':
        bytebuf_append_text(out, "AD");
        return true;
    case 'C':
        put_number(out, t->year / 100, width);
        return true;
    case 'y':
    case 'Y':
        put_year(out, t->year, width);
        return true;
    case 'x':
        put_year(out, time->week_year, width);
        return true;
    case 'w':
        put_number(out, time->week, width);
        return true;
    case 'e':
        put_number(out, time->weekday + 1, width);
        return true;
    case 'E':
        put_name(out, day_names[time->weekday], width);
        return true;
    case 'D':
        put_number(out, time->days - date_from_civil(t->year, 1, 1) + 1, width);
        return true;
    case 'M':
        if (width >= 3)
            put_name(out, month_names[t->month - 1], width);
        else
            put_number(out, t->month, width);
        return true;
    case 'd':
        put_number(out, t->day, width);
        return true;
    case 'a':
        bytebuf_append_text(out, t->hour < 12 ? "AM" : "PM");
        return true;
    case 'K':
        put_number(out, t->hour % 12, width);
        return true;
    case 'h':
        put_number(out, t->hour % 12 == 0 ? 12 : t->hour % 12, width);
        return true;
    case 'H':
        put_number(out, t->hour, width);
        return true;
    case 'k':
        put_number(out, t->hour == 0 ? 24 : t->hour, width);
        return true;
    case 'm':
        put_number(out, t->minute, width);
        return true;
    case 's':
        put_number(out, t->second, width);
        return true;
    case 'S':
        put_fraction(out, t->microsecond, width);
        return true;
    case 'Z':
    case 'z':
        put_zone(out, time->zone_minutes, width);
        return true;
    default:
        return false;
    }
}

/* Takes quoted text or a run of one letter from at on; out_text: literal bytes (when the letter is 0). */
static size_t next_part(StrView pattern, size_t at, char *out_letter, StrView *out_text)
{
    size_t end = at + 1;
    *out_letter = '\0';
    if (pattern.data[at] == '\'') {
        while (end < pattern.length && pattern.data[end] != '\'')
            end++;
        *out_text = end == at + 1 ? STR_VIEW("'") : strview_n(pattern.data + at + 1, end - at - 1);
        return MIN(end + 1, pattern.length);
    }
    if (isalpha((unsigned char)pattern.data[at])) {
        *out_letter = pattern.data[at];
        while (end < pattern.length && pattern.data[end] == pattern.data[at])
            end++;
    }
    *out_text = strview_n(pattern.data + at, end - at);
    return end;
}

static JodaTime joda_time(int64_t value, const FuncSession *session)
{
    JodaTime time = {.t = datetime_to_civil(value), .days = datetime_date(value)};
    int32_t month;
    int32_t day;
    time.weekday = ((time.days + 3) % 7 + 7) % 7;
    int32_t thursday = time.days - time.weekday + 3;
    date_to_civil(thursday, &time.week_year, &month, &day);
    time.week = (thursday - date_from_civil(time.week_year, 1, 1)) / 7 + 1;
    time.zone_minutes = (int32_t)((value - func_to_utc(session, value)) / (60 * US_PER_SECOND));
    return time;
}

DEFINE_ROWWISE(format_kernel, {
    AUTO_BYTEBUF text = {0};
    StrView pattern = ARG_VIEW(1);
    JodaTime time = joda_time(ARG(0, int64_t), context->session);
    for (size_t at = 0; at < pattern.length;) {
        char letter;
        StrView part;
        at = next_part(pattern, at, &letter, &part);
        if (letter == '\0' || !put_field(letter, part.length, &time, &text))
            bytebuf_append_view(&text, part);
    }
    if (pattern.length == 0)
        RESULT_NULL();
    else
        result_text(context, out, row, text.data, text.length);
})

static bool take_digits(StrView text, size_t *at, size_t most, int32_t *out)
{
    size_t first = *at;
    *out = 0;
    while (*at < text.length && *at - first < most && isdigit((unsigned char)text.data[*at]))
        *out = *out * 10 + (text.data[(*at)++] - '0');
    return *at > first;
}

static bool take_name(StrView text, size_t *at, const char *const *names, int count, int32_t *out)
{
    StrView rest = strview_n(text.data + *at, text.length - *at);
    for (int n = 0; n < count; n++) {
        StrView name = strview(names[n]);
        bool is_full = strview_starts_with_ci(rest, name);
        if (!is_full && !strview_starts_with_ci(rest, strview_n(name.data, 3)))
            continue;
        *at += is_full ? name.length : 3;
        *out = n + 1;
        return true;
    }
    return false;
}

static bool take_zone(StrView text, size_t *at, int32_t *out_minutes, bool *out_has)
{
    int32_t hours;
    int32_t minutes = 0;
    char sign = *at < text.length ? text.data[*at] : '\0';
    *out_has = true;
    *out_minutes = 0;
    if (sign == 'Z')
        return ++*at > 0;
    if (sign != '+' && sign != '-')
        return false;
    ++*at;
    if (!take_digits(text, at, 2, &hours))
        return false;
    if (*at < text.length && text.data[*at] == ':')
        ++*at;
    (void)take_digits(text, at, 2, &minutes);
    *out_minutes = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
    return true;
}

typedef struct JodaParsed {
    CivilTime t;
    bool is_pm, has_zone;
    int32_t zone_minutes;
} JodaParsed;

static bool parse_field(char letter, size_t width, StrView text, size_t *at, JodaParsed *p)
{
    int32_t ignored;
    switch (letter) {
    case 'y':
    case 'Y':
    case 'x':
        if (!take_digits(text, at, width == 2 ? 2 : 4, &p->t.year))
            return false;
        if (width == 2)
            p->t.year += p->t.year < 70 ? 2000 : 1900;
        return true;
    case 'M':
        return width >= 3 ? take_name(text, at, month_names, 12, &p->t.month) : take_digits(text, at, 2, &p->t.month);
    case 'd':
        return take_digits(text, at, 2, &p->t.day);
    case 'E':
        return take_name(text, at, day_names, 7, &ignored);
    case 'H':
    case 'K':
    case 'h':
    case 'k':
        return take_digits(text, at, 2, &p->t.hour);
    case 'm':
        return take_digits(text, at, 2, &p->t.minute);
    case 's':
        return take_digits(text, at, 2, &p->t.second);
    case 'S': {
        size_t first = *at;
        if (!take_digits(text, at, 6, &p->t.microsecond))
            return false;
        for (size_t n = *at - first; n < 6; n++)
            p->t.microsecond *= 10;
        (void)take_digits(text, at, 3, &ignored);
        return true;
    }
    case 'a':
        if (text.length - *at < 2)
            return false;
        p->is_pm = (text.data[*at] | 0x20) == 'p';
        *at += 2;
        return true;
    case 'Z':
    case 'z':
        return take_zone(text, at, &p->zone_minutes, &p->has_zone);
    default:
        return false;
    }
}

static bool parse_joda(const FuncSession *session, StrView text, StrView pattern, int64_t *out)
{
    JodaParsed p = {.t = {.year = 1970, .month = 1, .day = 1}};
    size_t at = 0;
    for (size_t i = 0; i < pattern.length;) {
        char letter;
        StrView part;
        i = next_part(pattern, i, &letter, &part);
        if (letter != '\0') {
            if (at > text.length || !parse_field(letter, part.length, text, &at, &p))
                return false;
            continue;
        }
        if (!strview_starts_with(strview_n(text.data + at, text.length - at), part))
            return false;
        at += part.length;
    }
    if (p.is_pm && p.t.hour < 12)
        p.t.hour += 12;
    if (at != text.length || !civil_is_valid(&p.t))
        return false;
    *out = datetime_from_civil(&p.t);
    if (p.has_zone)
        *out = func_to_local(session, *out - p.zone_minutes * 60 * US_PER_SECOND);
    return datetime_in_range(*out);
}
DEFINE_ROWWISE(parse_kernel, {
    int64_t value;
    if (parse_joda(context->session, ARG_VIEW(0), ARG_VIEW(1), &value))
        RESULT(int64_t) = value;
    else
        RESULT_NULL();
})

#define JODA(NAME, SIGNATURE, RESULT_LETTER, KERNEL)                                                 \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_SESSION_BOUND, .min_arguments = 2, \
     .max_arguments = 2, .overloads = (const FuncOverload[]){{SIGNATURE, RESULT_LETTER, KERNEL, NULL}}, .overload_count = 1, .group = "date"}
static const FuncDef defs[] = {
    JODA("jodatime_format", "AS", 'S', format_kernel),
    JODA("format_datetime", "AS", 'S', format_kernel),
    JODA("str_to_jodatime", "SS", 'A', parse_kernel),
    JODA("parse_datetime", "SS", 'A', parse_kernel),
};
const FuncTable func_table_joda = {defs, COUNT_OF(defs)};
