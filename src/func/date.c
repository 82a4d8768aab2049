#include "func/families.h"

/* Date and time functions: parts, arithmetic by units, differences, truncation, formatting. */

#include <stdio.h>

#include "func/civil.h"
#include "func/shape.h"
#include "types/datetime.h"
#include "types/time_zone.h"

static int32_t weekday(int32_t days) /* Monday 0 */
{
    return (int32_t)(((uint32_t)days + (uint32_t)CIVIL_SHIFT + 2) % 7);
}
static int32_t day_of_year(int32_t days, const CivilTime *t)
{
    return days - date_from_civil(t->year, 1, 1) + 1;
}
/* ISO 8601 week number. */
static int32_t iso_week(int32_t days, int32_t *out_year)
{
    int32_t thursday = days - weekday(days) + 3;
    int32_t year, month, day;
    date_to_civil(thursday, &year, &month, &day);
    *out_year = year;
    return (thursday - date_from_civil(year, 1, 1)) / 7 + 1;
}
/* Weeks start on Sunday; days before the first Sunday are week 0 (mode 0 of MySQL). */
static int32_t sunday_week(int32_t days, const CivilTime *t)
{
    int32_t first = date_from_civil(t->year, 1, 1);
    int32_t first_sunday = first + (6 - weekday(first)) % 7;
    return days < first_sunday ? 0 : (days - first_sunday) / 7 + 1;
}
static int32_t iso_week_only(int32_t days)
{
    int32_t year;
    return iso_week(days, &year);
}
/* Each part over DATE, x days, and over DATETIME, x microseconds. */
#define PART(NAME, OF_DAYS)                                    \
    DEFINE_UNARY(NAME##_of_date, int32_t, int32_t, OF_DAYS(x)) \
    DEFINE_UNARY(NAME##_kernel, int64_t, int32_t, OF_DAYS(civil_days(x)))
#define QUARTER(days) ((civil_month(days) + 2) / 3)
#define DAY_OF_YEAR(days) ((days)-civil_year_first(days) + 1)
#define DAY_OF_WEEK(days) ((weekday(days) + 1) % 7 + 1)
#define DAY_OF_WEEK_ISO(days) (weekday(days) + 1)
#define TO_DAYS(days) ((days)-MIN_DATE)
PART(year, civil_year)
PART(quarter, QUARTER)
PART(month, civil_month)
PART(day, civil_day)
PART(dayofweek, DAY_OF_WEEK)
PART(weekday, weekday)
PART(dayofweek_iso, DAY_OF_WEEK_ISO)
PART(dayofyear, DAY_OF_YEAR)
PART(to_days, TO_DAYS)
DEFINE_UNARY(hour_kernel, int64_t, int32_t, civil_in_day(x) / (3600 * US_PER_SECOND))
DEFINE_UNARY(minute_kernel, int64_t, int32_t, civil_in_day(x) / (60 * US_PER_SECOND) % 60)
DEFINE_UNARY(second_kernel, int64_t, int32_t, civil_in_day(x) / US_PER_SECOND % 60)
DEFINE_UNARY(microsecond_kernel, int64_t, int32_t, civil_in_day(x) % US_PER_SECOND)
DEFINE_ROWWISE(weekofyear_kernel, { RESULT(int32_t) = iso_week_only(civil_days(ARG(0, int64_t))); })

/* Units of arithmetic and truncation. */
typedef enum Unit { UNIT_YEAR, UNIT_QUARTER, UNIT_MONTH, UNIT_WEEK, UNIT_DAY, UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND,
                    UNIT_MILLISECOND, UNIT_MICROSECOND, UNIT_NONE } Unit;

static int64_t unit_us(Unit unit)
{
    switch (unit) {
    case UNIT_WEEK:
        return 7 * US_PER_DAY;
    case UNIT_DAY:
        return US_PER_DAY;
    case UNIT_HOUR:
        return 3600 * US_PER_SECOND;
    case UNIT_MINUTE:
        return 60 * US_PER_SECOND;
    case UNIT_SECOND:
        return US_PER_SECOND;
    case UNIT_MILLISECOND:
        return 1000;
    default:
        return 1;
    }
}

static int unit_months(Unit unit)
{
    return unit == UNIT_YEAR ? 12 : unit == UNIT_QUARTER ? 3 : unit == UNIT_MONTH ? 1 : 0;
}

static bool add_units(int64_t value, Unit unit, int64_t amount, int64_t *out)
{
    int months = unit_months(unit);
    if (months == 0) {
        int64_t delta;
        return !__builtin_mul_overflow(amount, unit_us(unit), &delta) && !__builtin_add_overflow(value, delta, out) &&
               datetime_in_range(*out);
    }
    int32_t days = datetime_date(value);
    int32_t moved;
    if (amount > 120000 || amount < -120000 || !date_add_months(days, amount * months, &moved))
        return false;
    *out = value + ((int64_t)moved - days) * US_PER_DAY;
    return datetime_in_range(*out);
}

/* code: unit * 2 + (1 when subtracting) */
DEFINE_ROWWISE(add_units_kernel, {
    int code = context->binding->def->code;
    int64_t amount = ARG(1, int32_t);
    int64_t result;
    if (add_units(ARG(0, int64_t), (Unit)(code / 2), code % 2 != 0 ? -amount : amount, &result))
        RESULT(int64_t) = result;
    else
        RESULT_NULL();
})
DEFINE_ROWWISE(add_days_to_date_kernel, {
    int code = context->binding->def->code;
    int64_t amount = ARG(1, int32_t);
    int64_t result;
    if (add_units(ARG(0, int32_t) * US_PER_DAY, (Unit)(code / 2), code % 2 != 0 ? -amount : amount, &result))
        RESULT(int32_t) = datetime_date(result);
    else
        RESULT_NULL();
})

static Status bind_add_units(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    bool keeps_date = request->types[0].kind == TYPE_DATE && def->code / 2 <= UNIT_DAY;
    Type *types = bind_argument_array(request, out);
    types[0] = type_of(keeps_date ? TYPE_DATE : TYPE_DATETIME);
    types[1] = type_of(TYPE_INT);
    out->result = types[0];
    out->kernel = keeps_date ? add_days_to_date_kernel : add_units_kernel;
    return OK;
}

/* Whole units from b to a, as StarRocks counts them: complete months and years only. */
static int64_t diff_units(int64_t a, int64_t b, Unit unit)
{
    int months = unit_months(unit);
    if (months == 0)
        return (a - b) / unit_us(unit);
    CivilTime x = datetime_to_civil(a);
    CivilTime y = datetime_to_civil(b);
    int64_t total = (int64_t)(x.year - y.year) * 12 + x.month - y.month;
    int64_t a_rest = a - (int64_t)date_from_civil(x.year, x.month, 1) * US_PER_DAY;
    int64_t b_rest = b - (int64_t)date_from_civil(y.year, y.month, 1) * US_PER_DAY;
    if (total > 0 && a_rest < b_rest)
        total--;
    else if (total < 0 && a_rest > b_rest)
        total++;
    return total / months;
}
DEFINE_ROWWISE(diff_units_kernel, {
    RESULT(int64_t) = diff_units(ARG(0, int64_t), ARG(1, int64_t), (Unit)context->binding->def->code);
})
DEFINE_BINARY(datediff_kernel, int64_t, int64_t, int32_t, (uint32_t)civil_days(x) - (uint32_t)civil_days(y))

DEFINE_BINARY(datediff_dates, int32_t, int32_t, int32_t, (uint32_t)x - (uint32_t)y) /* NULL rows hold anything */

static const char *const unit_names[] = {"year", "quarter", "month", "week", "day", "hour", "minute", "second",
                                         "millisecond", "microsecond"};

static Unit unit_of_name(StrView name)
{
    for (size_t i = 0; i < COUNT_OF(unit_names); i++) {
        if (strview_equal_ci(name, strview(unit_names[i])))
            return (Unit)i;
    }
    return UNIT_NONE;
}

static int32_t truncate_days(int32_t days, Unit unit)
{
    int32_t month = civil_month(days);
    switch (unit) {
    case UNIT_YEAR:
        return civil_year_first(days);
    case UNIT_QUARTER:
        return date_from_civil(civil_year(days), (month - 1) / 3 * 3 + 1, 1);
    case UNIT_MONTH:
        return days - civil_day(days) + 1;
    case UNIT_WEEK:
        return days - weekday(days);
    default:
        return days;
    }
}
static int64_t truncate_to(int64_t value, Unit unit)
{
    if (unit <= UNIT_DAY)
        return truncate_days(civil_days(value), unit) * US_PER_DAY;
    return value - civil_in_day(value) % unit_us(unit);
}
/* The units that have loops of their own, over days and over microseconds. */
#define TRUNCATION(NAME, UNIT)                                                                          \
    KERNEL_CLONES static void NAME##_days(const int64_t *values, uint32_t count, int32_t *restrict out) \
    {                                                                                                   \
        for (uint32_t i = 0; i < count; i++)                                                            \
            out[i] = truncate_days(civil_days(values[i]), UNIT);                                        \
    }                                                                                                   \
    KERNEL_CLONES static void NAME##_us(const int64_t *values, uint32_t count, int64_t *restrict out)   \
    {                                                                                                   \
        for (uint32_t i = 0; i < count; i++)                                                            \
            out[i] = truncate_to(values[i], UNIT);                                                      \
    }
TRUNCATION(year, UNIT_YEAR)
TRUNCATION(month, UNIT_MONTH)
TRUNCATION(week, UNIT_WEEK)
TRUNCATION(to_day, UNIT_DAY)
TRUNCATION(to_hour, UNIT_HOUR)
TRUNCATION(to_minute, UNIT_MINUTE)

/* All rows of a flat vector to one unit; false: not one of those. */
static bool truncate_dense(const int64_t *values, uint32_t count, Unit unit, Vector *out)
{
    static const struct {
        Unit unit;
        void (*days)(const int64_t *values, uint32_t count, int32_t *out);
        void (*us)(const int64_t *values, uint32_t count, int64_t *out);
    } loops[] = {{UNIT_YEAR, year_days, year_us},    {UNIT_MONTH, month_days, month_us},    {UNIT_WEEK, week_days, week_us},
                 {UNIT_DAY, to_day_days, to_day_us}, {UNIT_HOUR, to_hour_days, to_hour_us}, {UNIT_MINUTE, to_minute_days, to_minute_us}};
    for (size_t i = 0; i < COUNT_OF(loops); i++) {
        if (loops[i].unit != unit)
            continue;
        if (out->type.kind == TYPE_DATE)
            loops[i].days(values, count, out->data);
        else
            loops[i].us(values, count, out->data);
        return true;
    }
    return false;
}

static Status bad_unit(FuncContext *context, StrView name)
{
    return RAISE(context->diag, INVALID_ARGUMENT, "date_trunc function can't support argument \"%.*s\"", SV_ARGS(name));
}

DEFINE_ROWWISE(date_trunc_rows, {
    Unit unit = unit_of_name(ARG_VIEW(0));
    if (unit == UNIT_NONE)
        return bad_unit(context, ARG_VIEW(0));
    int64_t value = truncate_to(ARG(1, int64_t), unit);
    if (out->type.kind == TYPE_DATE)
        RESULT(int32_t) = civil_days(value);
    else
        RESULT(int64_t) = value;
})
static Status date_trunc_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    VectorView name = vector_view(arguments[0]);
    VectorView values = vector_view(arguments[1]);
    bool is_dense = rows.sel == NULL && values.codes == NULL && !values.is_constant && name.is_constant && !view_is_null(&name, 0);
    Unit unit = is_dense ? unit_of_name(str_view(&((const Str *)name.data)[view_index(&name, 0)])) : UNIT_NONE;
    if (is_dense && truncate_dense(values.data, rows.count, unit, out))
        return OK;
    return date_trunc_rows(context, arguments, count, rows, out);
}

static Status bind_date_trunc(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    types[0] = type_varchar(0);
    out->result = type_of(request->types[1].kind == TYPE_DATE ? TYPE_DATE : TYPE_DATETIME);
    types[1] = type_of(TYPE_DATETIME);
    out->kernel = date_trunc_kernel;
    return OK;
}

static const char *const month_names[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
static const char *const day_names[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

/* A number that is not negative, with zeros before it up to the width. */
static void append_digits(ByteBuf *out, int value, int width)
{
    char digits[12];
    int at = (int)sizeof(digits);
    for (uint32_t rest = (uint32_t)value; rest > 0 || (int)sizeof(digits) - at < width; rest /= 10)
        digits[--at] = (char)('0' + rest % 10);
    bytebuf_append(out, digits + at, sizeof(digits) - (size_t)at);
}

static void append_time(ByteBuf *out, int hour, const CivilTime *t)
{
    append_digits(out, hour, 2);
    bytebuf_append_char(out, ':');
    append_digits(out, t->minute, 2);
    bytebuf_append_char(out, ':');
    append_digits(out, t->second, 2);
}

static void format_one(char code, int64_t value, const CivilTime *t, ByteBuf *out)
{
    int32_t days = datetime_date(value);
    int hour12 = t->hour % 12 == 0 ? 12 : t->hour % 12;
    int32_t iso_year;
    switch (code) {
    case 'Y':
        append_digits(out, t->year, 4);
        return;
    case 'y':
        append_digits(out, t->year % 100, 2);
        return;
    case 'm':
        append_digits(out, t->month, 2);
        return;
    case 'c':
        append_digits(out, t->month, 1);
        return;
    case 'd':
        append_digits(out, t->day, 2);
        return;
    case 'e':
        append_digits(out, t->day, 1);
        return;
    case 'H':
        append_digits(out, t->hour, 2);
        return;
    case 'k':
        append_digits(out, t->hour, 1);
        return;
    case 'h':
    case 'I':
        append_digits(out, hour12, 2);
        return;
    case 'l':
        append_digits(out, hour12, 1);
        return;
    case 'i':
        append_digits(out, t->minute, 2);
        return;
    case 's':
    case 'S':
        append_digits(out, t->second, 2);
        return;
    case 'f':
        append_digits(out, t->microsecond, 6);
        return;
    case 'p':
        bytebuf_append_text(out, t->hour < 12 ? "AM" : "PM");
        return;
    case 'T':
        append_time(out, t->hour, t);
        return;
    case 'r':
        append_time(out, hour12, t);
        bytebuf_append_text(out, t->hour < 12 ? " AM" : " PM");
        return;
    case 'M':
        bytebuf_append_text(out, month_names[t->month - 1]);
        return;
    case 'b':
        bytebuf_append(out, month_names[t->month - 1], 3);
        return;
    case 'W':
        bytebuf_append_text(out, day_names[weekday(days)]);
        return;
    case 'a':
        bytebuf_append(out, day_names[weekday(days)], 3);
        return;
    case 'w':
        append_digits(out, (weekday(days) + 1) % 7, 1);
        return;
    case 'j':
        append_digits(out, day_of_year(days, t), 3);
        return;
    case 'U':
        append_digits(out, sunday_week(days, t), 2);
        return;
    case 'u':
    case 'v':
        append_digits(out, iso_week(days, &iso_year), 2);
        return;
    case 'x':
        (void)iso_week(days, &iso_year);
        append_digits(out, iso_year, 4);
        return;
    default:
        bytebuf_append_char(out, code);
        return;
    }
}

static void format_datetime(int64_t value, StrView format, ByteBuf *out)
{
    CivilTime t = datetime_to_civil(value);
    for (size_t i = 0; i < format.length; i++) {
        if (format.data[i] == '%' && i + 1 < format.length)
            format_one(format.data[++i], value, &t, out);
        else
            bytebuf_append_char(out, format.data[i]);
    }
}

/* The short names that StarRocks takes for common formats. */
static StrView format_alias(StrView format)
{
    if (strview_is(format, "yyyyMMdd"))
        return STR_VIEW("%Y%m%d");
    if (strview_is(format, "yyyy-MM-dd"))
        return STR_VIEW("%Y-%m-%d");
    if (strview_is(format, "yyyy-MM-dd HH:mm:ss"))
        return STR_VIEW("%Y-%m-%d %H:%i:%s");
    return format;
}
enum { LONGEST_FORMATTED = 128 };
static Status date_format_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    VectorView values = vector_view(arguments[0]);
    VectorView formats = vector_view(arguments[1]);
    AUTO_BYTEBUF text = {0};
    (void)count;
    for (FUNC_ROWS(context, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        const Str *format = &((const Str *)formats.data)[view_index(&formats, row)];
        bytebuf_clear(&text);
        format_datetime(((const int64_t *)values.data)[view_index(&values, row)], format_alias(str_view(format)), &text);
        if (text.length == 0 || text.length > LONGEST_FORMATTED)
            RESULT_NULL();
        else
            result_text(context, out, row, text.data, text.length);
    }
    return OK;
}

/* Only the parts of a time have a meaning here; hours may be more than 23. */
DEFINE_ROWWISE(time_format_kernel, {
    int64_t us = ARG(0, int64_t);
    AUTO_BYTEBUF text = {0};
    if (us < 0 || us >= 100 * US_PER_DAY) {
        RESULT_NULL();
        continue;
    }
    format_datetime(us % US_PER_DAY, ARG_VIEW(1), &text);
    result_text(context, out, row, text.data == NULL ? "" : text.data, text.length);
})

static bool scan_digits(StrView text, size_t *at, size_t most, int32_t *out)
{
    size_t first = *at;
    *out = 0;
    while (*at < text.length && *at - first < most && text.data[*at] >= '0' && text.data[*at] <= '9')
        *out = *out * 10 + (text.data[(*at)++] - '0');
    return *at > first;
}

static bool scan_month_name(StrView text, size_t *at, int32_t *out)
{
    for (int32_t m = 0; m < 12; m++) {
        StrView name = strview(month_names[m]);
        StrView rest = strview_n(text.data + *at, text.length - *at);
        bool is_full = strview_starts_with_ci(rest, name);
        if (is_full || strview_starts_with_ci(rest, strview_n(name.data, 3))) {
            *at += is_full ? name.length : 3;
            *out = m + 1;
            return true;
        }
    }
    return false;
}

static bool parse_one(char code, StrView text, size_t *at, CivilTime *t)
{
    int32_t number;
    switch (code) {
    case 'Y':
        return scan_digits(text, at, 4, &t->year);
    case 'y':
        if (!scan_digits(text, at, 2, &number))
            return false;
        t->year = number < 70 ? 2000 + number : 1900 + number;
        return true;
    case 'm':
    case 'c':
        return scan_digits(text, at, 2, &t->month);
    case 'd':
    case 'e':
        return scan_digits(text, at, 2, &t->day);
    case 'H':
    case 'k':
    case 'h':
    case 'I':
    case 'l':
        return scan_digits(text, at, 2, &t->hour);
    case 'i':
        return scan_digits(text, at, 2, &t->minute);
    case 's':
    case 'S':
        return scan_digits(text, at, 2, &t->second);
    case 'f': {
        size_t first = *at;
        if (!scan_digits(text, at, 6, &t->microsecond))
            return false;
        for (size_t n = *at - first; n < 6; n++)
            t->microsecond *= 10;
        return true;
    }
    case 'M':
    case 'b':
        return scan_month_name(text, at, &t->month);
    case 'T':
        return parse_one('H', text, at, t) && *at < text.length && text.data[(*at)++] == ':' &&
               parse_one('i', text, at, t) && *at < text.length && text.data[(*at)++] == ':' && parse_one('s', text, at, t);
    case 'p':
        if (text.length - *at < 2)
            return false;
        if ((text.data[*at] | 0x20) == 'p' && t->hour < 12)
            t->hour += 12;
        *at += 2;
        return true;
    default:
        return *at < text.length && text.data[(*at)++] == code;
    }
}

static bool parse_by_format(StrView text, StrView format, int64_t *out)
{
    CivilTime t = {.month = 1, .day = 1};
    size_t at = 0;
    text = strview_trim(text);
    for (size_t i = 0; i < format.length; i++) {
        if (format.data[i] == ' ') {
            while (at < text.length && text.data[at] == ' ')
                at++;
        } else if (format.data[i] == '%' && i + 1 < format.length) {
            if (at >= text.length || !parse_one(format.data[++i], text, &at, &t))
                return false;
        } else if (at >= text.length || text.data[at++] != format.data[i]) {
            return false;
        }
    }
    if (!civil_is_valid(&t))
        return false;
    *out = datetime_from_civil(&t);
    return true;
}
DEFINE_ROWWISE(str_to_date_kernel, {
    int64_t value;
    if (!parse_by_format(ARG_VIEW(0), format_alias(ARG_VIEW(1)), &value))
        RESULT_NULL();
    else if (out->type.kind == TYPE_DATE)
        RESULT(int32_t) = datetime_date(value);
    else
        RESULT(int64_t) = value;
})

DEFINE_ROWWISE(dayname_kernel, {
    const char *name = day_names[weekday(datetime_date(ARG(0, int64_t)))];
    result_text(context, out, row, name, strlen(name));
})
DEFINE_ROWWISE(monthname_kernel, {
    CivilTime t = datetime_to_civil(ARG(0, int64_t));
    result_text(context, out, row, month_names[t.month - 1], strlen(month_names[t.month - 1]));
})
DEFINE_ROWWISE(from_days_kernel, {
    int64_t days = (int64_t)ARG(0, int32_t) + MIN_DATE;
    if (date_in_range(days))
        RESULT(int32_t) = (int32_t)days;
    else
        RESULT_NULL();
})
DEFINE_ROWWISE(to_date_kernel, { RESULT(int32_t) = datetime_date(ARG(0, int64_t)); })
DEFINE_ROWWISE(to_datetime_kernel, { RESULT(int64_t) = ARG(0, int64_t); })
DEFINE_ROWWISE(time_to_sec_kernel, { RESULT(int64_t) = ARG(0, int64_t) / US_PER_SECOND; })
DEFINE_ROWWISE(timediff_kernel, { RESULT(int64_t) = ARG(0, int64_t) - ARG(1, int64_t); })

/* Session-bound: the statement's start, in the session's zone (offset in seconds). */
int64_t func_to_local(const FuncSession *session, int64_t utc_us)
{
    return session->zone != NULL ? time_zone_to_local(session->zone, utc_us) : utc_us + session->zone_offset_us;
}
int64_t func_to_utc(const FuncSession *session, int64_t local_us)
{
    return session->zone != NULL ? time_zone_to_utc(session->zone, local_us) : local_us - session->zone_offset_us;
}
static int64_t local_now(const FuncContext *context)
{
    return func_to_local(context->session, context->session->now_us);
}
static Status now_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)arguments;
    (void)count;
    int code = context->binding->def->code; /* 0 now, 1 utc, 2 current_date, 3 current_time, 4 utc_time */
    int64_t now = code == 1 || code == 4 ? context->session->now_us : local_now(context);
    now -= now % US_PER_SECOND;
    for (FOR_ROWS(rows, i, row)) {
        if (code == 2)
            ((int32_t *)out->data)[row] = datetime_date(now);
        else
            ((int64_t *)out->data)[row] = code >= 3 ? now - datetime_date(now) * US_PER_DAY : now;
    }
    return OK;
}
static Status unix_now_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)arguments;
    (void)count;
    for (FOR_ROWS(rows, i, row))
        ((int64_t *)out->data)[row] = context->session->now_us / US_PER_SECOND;
    return OK;
}
DEFINE_ROWWISE(unix_timestamp_kernel, {
    int64_t value = func_to_utc(context->session, ARG(0, int64_t));
    RESULT(int64_t) = value < 0 ? 0 : value / US_PER_SECOND;
})
DEFINE_ROWWISE(from_unixtime_kernel, {
    int64_t seconds = ARG(0, int64_t);
    AUTO_BYTEBUF text = {0};
    if (seconds < 0 || seconds > INT64_C(253402243199)) {
        RESULT_NULL();
        continue;
    }
    int64_t value = func_to_local(context->session, seconds * US_PER_SECOND);
    format_datetime(value, count > 1 ? format_alias(ARG_VIEW(1)) : STR_VIEW("%Y-%m-%d %H:%i:%s"), &text);
    result_text(context, out, row, text.data, text.length);
})

#define DF(NAME, FLAGS, MIN_ARGS, MAX_ARGS, ...)                                                     \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | (FLAGS), .min_arguments = MIN_ARGS, \
     .max_arguments = MAX_ARGS, .overloads = (const FuncOverload[]){__VA_ARGS__},                    \
     .overload_count = sizeof((const FuncOverload[]){__VA_ARGS__}) / sizeof(FuncOverload), .group = "date"}
#define PARTF(NAME, KERNEL) DF(NAME, 0, 1, 1, {"A", 'i', KERNEL, NULL})
#define DATE_PARTF(NAME, KERNEL, DATE_KERNEL) DF(NAME, 0, 1, 1, {"A", 'i', KERNEL, NULL}, {"a", 'i', DATE_KERNEL, NULL})
#define ADD_UNITSF(NAME, CODE)                                                                       \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 2, .max_arguments = 2, \
     .bind = bind_add_units, .code = CODE, .group = "date"}
#define UNITS(NAME, UNIT)                                                                            \
    ADD_UNITSF(NAME "s_add", (UNIT) * 2), ADD_UNITSF(NAME "s_sub", (UNIT) * 2 + 1),                  \
        {.name = NAME "s_diff", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 2, .max_arguments = 2, \
         .overloads = (const FuncOverload[]){{"AA", 'l', diff_units_kernel, NULL}}, .overload_count = 1, .code = UNIT, .group = "date"}
#define NOWF(NAME, RESULT_LETTER, CODE)                                                              \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_SESSION_BOUND | FUNC_NEVER_NULL, .min_arguments = 0, .max_arguments = 1, \
     .overloads = (const FuncOverload[]){{"", RESULT_LETTER, now_kernel, NULL}, {"i", RESULT_LETTER, now_kernel, NULL}}, .overload_count = 2, .code = CODE, .group = "date"}
static const FuncDef defs[] = {
    DATE_PARTF("year", year_kernel, year_of_date),
    DATE_PARTF("quarter", quarter_kernel, quarter_of_date),
    DATE_PARTF("month", month_kernel, month_of_date),
    DATE_PARTF("day", day_kernel, day_of_date),
    DATE_PARTF("dayofmonth", day_kernel, day_of_date),
    PARTF("hour", hour_kernel),
    PARTF("minute", minute_kernel),
    PARTF("second", second_kernel),
    PARTF("microsecond", microsecond_kernel),
    DATE_PARTF("dayofweek", dayofweek_kernel, dayofweek_of_date),
    DATE_PARTF("weekday", weekday_kernel, weekday_of_date),
    DATE_PARTF("dayofweek_iso", dayofweek_iso_kernel, dayofweek_iso_of_date),
    DATE_PARTF("day_of_week_iso", dayofweek_iso_kernel, dayofweek_iso_of_date),
    DATE_PARTF("dayofyear", dayofyear_kernel, dayofyear_of_date),
    PARTF("weekofyear", weekofyear_kernel),
    PARTF("week_iso", weekofyear_kernel),
    DATE_PARTF("to_days", to_days_kernel, to_days_of_date),
    UNITS("year", UNIT_YEAR),
    UNITS("quarter", UNIT_QUARTER),
    UNITS("month", UNIT_MONTH),
    UNITS("week", UNIT_WEEK),
    UNITS("day", UNIT_DAY),
    UNITS("hour", UNIT_HOUR),
    UNITS("minute", UNIT_MINUTE),
    UNITS("second", UNIT_SECOND),
    UNITS("millisecond", UNIT_MILLISECOND),
    UNITS("microsecond", UNIT_MICROSECOND),
    ADD_UNITSF("add_months", UNIT_MONTH * 2),
    ADD_UNITSF("date_add", UNIT_DAY * 2),
    ADD_UNITSF("adddate", UNIT_DAY * 2),
    ADD_UNITSF("date_sub", UNIT_DAY * 2 + 1),
    ADD_UNITSF("subdate", UNIT_DAY * 2 + 1),
    DF("datediff", 0, 2, 2, {"AA", 'i', datediff_kernel, NULL}, {"aa", 'i', datediff_dates, NULL}),
    {.name = "date_trunc",
     .kind = FUNC_SCALAR,
     .flags = FUNC_NULL_IF_ANY_NULL | FUNC_CAN_RAISE,
     .min_arguments = 2,
     .max_arguments = 2,
     .bind = bind_date_trunc,
     .group = "date"},
    DF("date_format", 0, 2, 2, {"AS", 'S', date_format_kernel, NULL}),
    DF("time_format", 0, 2, 2, {"TS", 'S', time_format_kernel, NULL}),
    DF("strftime", 0, 2, 2, {"AS", 'S', date_format_kernel, NULL}),
    DF("str_to_date", 0, 2, 2, {"SS", 'A', str_to_date_kernel, NULL}),
    DF("str2date", 0, 2, 2, {"SS", 'a', str_to_date_kernel, NULL}),
    DF("dayname", 0, 1, 1, {"A", 'S', dayname_kernel, NULL}),
    DF("monthname", 0, 1, 1, {"A", 'S', monthname_kernel, NULL}),
    DF("from_days", 0, 1, 1, {"i", 'a', from_days_kernel, NULL}),
    DF("to_date", 0, 1, 1, {"A", 'a', to_date_kernel, NULL}),
    DF("date", 0, 1, 1, {"A", 'a', to_date_kernel, NULL}),
    DF("timestamp", 0, 1, 1, {"A", 'A', to_datetime_kernel, NULL}),
    DF("time_to_sec", 0, 1, 1, {"T", 'l', time_to_sec_kernel, NULL}),
    DF("timediff", 0, 2, 2, {"AA", 'T', timediff_kernel, NULL}),
    NOWF("now", 'A', 0),
    NOWF("current_timestamp", 'A', 0),
    NOWF("localtime", 'A', 0),
    NOWF("localtimestamp", 'A', 0),
    NOWF("utc_timestamp", 'A', 1),
    NOWF("curdate", 'a', 2),
    NOWF("current_date", 'a', 2),
    NOWF("curtime", 'T', 3),
    NOWF("utc_time", 'T', 4),
    NOWF("current_time", 'T', 3),
    {.name = "unix_timestamp",
     .kind = FUNC_SCALAR,
     .flags = FUNC_NULL_IF_ANY_NULL | FUNC_SESSION_BOUND,
     .min_arguments = 0,
     .max_arguments = 1,
     .overloads = (const FuncOverload[]){{"", 'l', unix_now_kernel, NULL}, {"A", 'l', unix_timestamp_kernel, NULL}},
     .overload_count = 2,
     .group = "date"},
    DF("from_unixtime", FUNC_SESSION_BOUND, 1, 2, {"l", 'S', from_unixtime_kernel, NULL}, {"lS", 'S', from_unixtime_kernel, NULL}),
};
const FuncTable func_table_date = {defs, COUNT_OF(defs)};
