#include "func/families.h"

/* Calendar functions beside the parts and arithmetic of date.c: differences by name of the unit, slices,
 * weeks in all modes, days of the week, other systems' formats, time zones. */

#include <ctype.h>
#include <stdio.h>

#include "func/shape.h"
#include "types/datetime.h"
#include "types/time_zone.h"

static int32_t weekday(int32_t days) /* Monday 0 */
{
    return ((days + 3) % 7 + 7) % 7;
}

typedef enum Unit { UNIT_YEAR, UNIT_QUARTER, UNIT_MONTH, UNIT_WEEK, UNIT_DAY, UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND,
                    UNIT_MILLISECOND, UNIT_MICROSECOND, UNIT_NONE } Unit;
static const struct {
    const char *name;
    int32_t months;
    int64_t us;
} units[] = {{"year", 12, 0},       {"quarter", 3, 0},     {"month", 1, 0},       {"week", 0, 7 * US_PER_DAY},
             {"day", 0, US_PER_DAY}, {"hour", 0, 3600 * US_PER_SECOND}, {"minute", 0, 60 * US_PER_SECOND},
             {"second", 0, US_PER_SECOND}, {"millisecond", 0, 1000}, {"microsecond", 0, 1}};

static Unit unit_of(StrView name)
{
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strview_equal_ci(name, strview(units[i].name)))
            return (Unit)i;
    }
    return UNIT_NONE;
}

/* Whole months from low to high. The last day of a month counts as any later day of the other month. */
static int64_t whole_months(int64_t high, int64_t low)
{
    CivilTime h = datetime_to_civil(high);
    CivilTime l = datetime_to_civil(low);
    int64_t total = (int64_t)(h.year - l.year) * 12 + h.month - l.month;
    int32_t h_day = h.day;
    int32_t l_last = days_in_month(l.year, l.month);
    if (h.day == days_in_month(h.year, h.month))
        h_day = MAX(h.day, l_last);
    int64_t h_rest = h_day * US_PER_DAY + (high - datetime_date(high) * US_PER_DAY);
    int64_t l_rest = l.day * US_PER_DAY + (low - datetime_date(low) * US_PER_DAY);
    return total - (h_rest < l_rest);
}
DEFINE_ROWWISE(date_diff_kernel, {
    Unit unit = unit_of(ARG_VIEW(0));
    int64_t a = ARG(1, int64_t);
    int64_t b = ARG(2, int64_t);
    if ((context->session->flags & FUNC_SESSION_TRINO) != 0) {
        a = ARG(2, int64_t);
        b = ARG(1, int64_t);
    }
    if (unit == UNIT_NONE)
        return RAISE(context->diag, INVALID_ARGUMENT, "type column should be one of day/hour/minute/second/millisecond/week/month/quarter/year, got '%.*s'",
                     SV_ARGS(ARG_VIEW(0)));
    if (units[unit].months > 0)
        RESULT(int64_t) = (a >= b ? whole_months(a, b) : -whole_months(b, a)) / units[unit].months;
    else
        RESULT(int64_t) = (a - b) / units[unit].us;
})

static int day_of_name(StrView name)
{
    static const char *const names[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    for (int d = 0; d < 7; d++) {
        StrView full = strview(names[d]);
        if (strview_equal(name, full) || strview_equal(name, strview_n(full.data, 3)) || strview_equal(name, strview_n(full.data, 2)))
            return d;
    }
    return -1;
}
/* code: 1 next, -1 previous */
DEFINE_ROWWISE(next_day_kernel, {
    int code = context->binding->def->code;
    int32_t days = datetime_date(ARG(0, int64_t));
    int wanted = day_of_name(ARG_VIEW(1));
    if (wanted < 0)
        return RAISE(context->diag, INVALID_ARGUMENT, "%.*s not supported in %s dow_string", SV_ARGS(ARG_VIEW(1)),
                     context->binding->def->name);
    int32_t step = code > 0 ? (wanted - weekday(days) + 7) % 7 : (weekday(days) - wanted + 7) % 7;
    days += (step == 0 ? 7 : step) * code;
    if (date_in_range(days))
        RESULT(int32_t) = days;
    else
        RESULT_NULL();
})

DEFINE_ROWWISE(last_day_kernel, {
    CivilTime t = datetime_to_civil(ARG(0, int64_t));
    Unit unit = count > 1 ? unit_of(ARG_VIEW(1)) : UNIT_MONTH;
    if (unit > UNIT_MONTH)
        return RAISE(context->diag, INVALID_ARGUMENT, "avaiable data_part parameter is year/month/quarter, got '%.*s'",
                     SV_ARGS(ARG_VIEW(1)));
    int32_t month = unit == UNIT_YEAR ? 12 : unit == UNIT_QUARTER ? (t.month + 2) / 3 * 3 : t.month;
    RESULT(int32_t) = date_from_civil(t.year, month, days_in_month(t.year, month));
})

DEFINE_ROWWISE(makedate_kernel, {
    int32_t year = ARG(0, int32_t);
    int32_t day = ARG(1, int32_t);
    bool is_leap = days_in_month(MAX(year, 0), 2) == 29;
    if (year < 0 || year > 9999 || day <= 0 || day > 365 + is_leap)
        RESULT_NULL();
    else
        RESULT(int32_t) = date_from_civil(year, 1, 1) + day - 1;
})

/* ---- weeks: the eight modes of MySQL ---- */
static int32_t year_days(int32_t year)
{
    return 337 + days_in_month(year, 2);
}
static int32_t week_of(int32_t days, uint32_t mode, bool with_year, int32_t *out_year)
{
    bool from_monday = (mode & 1) != 0;
    bool keeps_year = (mode & 2) != 0 || with_year;
    bool by_first_day = ((mode & 4) != 0) == from_monday; /* week 1 begins in the year; else it has 4 days in it */
    int32_t month;
    int32_t day;
    date_to_civil(days, out_year, &month, &day);
    int32_t first = date_from_civil(*out_year, 1, 1);
    int32_t start = from_monday ? weekday(first) : (weekday(first) + 1) % 7;
    bool belongs_before = by_first_day ? start != 0 : start >= 4;
    if (month == 1 && day <= 7 - start) {
        if (!keeps_year && belongs_before)
            return 0;
        if (belongs_before) {
            keeps_year = true;
            int32_t length = year_days(--*out_year);
            first -= length;
            start = (start + 53 * 7 - length) % 7;
        }
    }
    belongs_before = by_first_day ? start != 0 : start >= 4;
    int32_t passed = belongs_before ? days - (first + (7 - start)) : days - (first - start);
    if (keeps_year && passed >= 52 * 7) {
        int32_t next = (start + year_days(*out_year)) % 7;
        if (by_first_day ? next == 0 : next < 4) {
            ++*out_year;
            return 1;
        }
    }
    return passed / 7 + 1;
}
/* code: 0 week, 1 yearweek */
DEFINE_ROWWISE(week_kernel, {
    bool with_year = context->binding->def->code == 1;
    int32_t year;
    uint32_t mode = count > 1 ? (uint32_t)ARG(1, int32_t) & 7 : 0;
    int32_t week = week_of(datetime_date(ARG(0, int64_t)), mode, with_year, &year);
    RESULT(int32_t) = with_year ? year * 100 + week : week;
})

/* ---- slices: periods counted from 0001-01-01 00:00:00 ---- */
#define SLICE_EPOCH (-719162 * US_PER_DAY)
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}
/* First moment of slice number n of that many units; false: outside of the calendar. */
static bool slice_start(int64_t number, int64_t amount, Unit unit, int64_t *out)
{
    int64_t steps;
    if (__builtin_mul_overflow(number, amount, &steps))
        return false;
    if (units[unit].months == 0)
        return !__builtin_mul_overflow(steps, units[unit].us, out) && !__builtin_add_overflow(*out, SLICE_EPOCH, out) &&
               datetime_in_range(*out);
    int64_t months;
    if (__builtin_mul_overflow(steps, (int64_t)units[unit].months, &months) || months < 0 || months >= 9999 * 12)
        return false;
    *out = date_from_civil((int32_t)(months / 12) + 1, (int32_t)(months % 12) + 1, 1) * US_PER_DAY;
    return true;
}
/* Arguments: time, amount, unit, 'floor' or 'ceil' */
DEFINE_ROWWISE(slice_kernel, {
    bool is_date = out->type.kind == TYPE_DATE;
    int64_t value = is_date ? ARG(0, int32_t) * US_PER_DAY : ARG(0, int64_t);
    int64_t amount = ARG(1, int32_t);
    Unit unit = unit_of(ARG_VIEW(2));
    bool is_ceil = strview_equal_ci(ARG_VIEW(3), STR_VIEW("ceil"));
    if (value < SLICE_EPOCH)
        return RAISE(context->diag, INVALID_ARGUMENT, "time used with time_slice can't before 0001-01-01 00:00:00");
    if (is_date && unit > UNIT_DAY)
        return RAISE(context->diag, INVALID_ARGUMENT, "can't use time_slice for date with time(hour/minute/second)");
    CivilTime t = datetime_to_civil(value);
    int64_t passed = units[unit].months > 0 ? ((t.year - 1) * INT64_C(12) + t.month - 1) / units[unit].months
                                            : floor_div(value - SLICE_EPOCH, units[unit].us);
    int64_t result;
    if (!slice_start(passed / amount + is_ceil, amount, unit, &result))
        RESULT_NULL();
    else if (is_date)
        RESULT(int32_t) = datetime_date(result);
    else
        RESULT(int64_t) = result;
})

static Status bind_slice(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    bool is_date = def->code == 1 || request->types[0].kind == TYPE_DATE;
    const Datum *const *constants = request->constants;
    bool ok = constants[1] != NULL && type_is_integer(request->types[1]) && constants[2] != NULL && constants[3] != NULL;
    if (!ok)
        return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: %s requires second parameter must be a constant interval.",
                     def->name);
    Unit unit = unit_of(str_view(&constants[2]->str));
    if (constants[1]->i64 <= 0 || constants[1]->i64 > INT32_MAX)
        return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: %s requires second parameter must be greater than 0.", def->name);
    StrView side = str_view(&constants[3]->str);
    if (unit > UNIT_MICROSECOND || (!strview_equal_ci(side, STR_VIEW("floor")) && !strview_equal_ci(side, STR_VIEW("ceil"))))
        return bind_error(request);
    Type *types = bind_argument_array(request, out);
    types[0] = type_of(is_date ? TYPE_DATE : TYPE_DATETIME);
    types[1] = type_of(TYPE_INT);
    out->result = types[0];
    out->kernel = slice_kernel;
    return OK;
}

/* ---- seconds and texts ---- */
DEFINE_ROWWISE(sec_to_time_kernel, {
    int64_t most = 839 * 3600 - 1 + 3600;
    RESULT(int64_t) = MAX(MIN(ARG(0, int64_t), most), -most) * US_PER_SECOND;
})
DEFINE_ROWWISE(iso8601_kernel, {
    char text[40];
    CivilTime t = datetime_to_civil(ARG(0, int64_t));
    int length = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06d", t.year, t.month, t.day, t.hour, t.minute, t.second,
                          t.microsecond);
    result_text(context, out, row, text, (size_t)length);
})
DEFINE_ROWWISE(iso8601_date_kernel, {
    char text[16];
    size_t length = date_print(ARG(0, int32_t), text);
    result_text(context, out, row, text, length);
})

/* Teradata formats: yyyy mm dd hh hh24 mi ss am pm, punctuation. */
static int32_t take_number(StrView text, size_t *at, size_t most)
{
    size_t first = *at;
    int32_t number = 0;
    while (*at < text.length && *at - first < most && isdigit((unsigned char)text.data[*at]))
        number = number * 10 + (text.data[(*at)++] - '0');
    return *at == first ? -1 : number;
}
static bool starts(StrView format, size_t at, const char *word)
{
    return strview_starts_with(strview_n(format.data + at, format.length - at), strview(word));
}
/* 1 parsed, 0 the text does not fit, -1 the format is wrong */
static int parse_tera(StrView text, StrView format, CivilTime *t)
{
    size_t at = 0;
    bool fits = true;
    *t = (CivilTime){.month = 1, .day = 1};
    for (size_t f = 0; f < format.length;) {
        const char *const words[] = {"yyyy", "mm", "dd", "hh24", "hh", "mi", "ss", "am", "pm"};
        int32_t *const fields[] = {&t->year, &t->month, &t->day, &t->hour, &t->hour, &t->minute, &t->second};
        size_t w = 0;
        while (w < COUNT_OF(words) && !starts(format, f, words[w]))
            w++;
        if (w < COUNT_OF(fields)) {
            int32_t number = fits ? take_number(text, &at, w == 0 ? 4 : 2) : 0;
            fits = fits && number >= 0;
            *fields[w] = MAX(number, 0);
            f += strlen(words[w]);
        } else if (w < COUNT_OF(words)) {
            bool is_same = fits && strview_starts_with_ci(strview_n(text.data + at, text.length - at), strview(words[w]));
            fits = is_same;
            at += is_same ? 2 : 0;
            if (is_same && words[w][0] == 'p' && t->hour < 12)
                t->hour += 12;
            f += 2;
        } else if (isalnum((unsigned char)format.data[f]) && !starts(format, f, "y")) {
            return -1;
        } else if (isalnum((unsigned char)format.data[f])) {
            fits = false; /* yy and the like */
            f++;
        } else {
            fits = fits && at < text.length && text.data[at] == format.data[f];
            at += fits;
            f++;
        }
    }
    return fits && civil_is_valid(t);
}
DEFINE_ROWWISE(tera_kernel, {
    CivilTime t;
    int outcome = parse_tera(ARG_VIEW(0), ARG_VIEW(1), &t);
    if (outcome < 0)
        return RAISE(context->diag, INVALID_ARGUMENT, "The format parameter %.*s is invalid format", SV_ARGS(ARG_VIEW(1)));
    if (outcome == 0)
        RESULT_NULL();
    else if (out->type.kind == TYPE_DATE)
        RESULT(int32_t) = datetime_date(datetime_from_civil(&t));
    else
        RESULT(int64_t) = datetime_from_civil(&t);
})

/* ---- time zones ---- */
DEFINE_ROWWISE(convert_tz_kernel, {
    const TimeZone *from = time_zone_find(ARG_VIEW(1));
    const TimeZone *to = time_zone_find(ARG_VIEW(2));
    if (from == NULL || to == NULL) {
        RESULT_NULL();
        continue;
    }
    int64_t value = time_zone_to_local(to, time_zone_to_utc(from, ARG(0, int64_t)));
    if (datetime_in_range(value))
        RESULT(int64_t) = value;
    else
        RESULT_NULL();
})
/* to_datetime(number[, digits of the fraction]); code: 1 in the session's zone */
DEFINE_ROWWISE(to_datetime_kernel, {
    int64_t value = ARG(0, int64_t);
    int32_t digits = count > 1 ? ARG(1, int32_t) : 0;
    int64_t scale = digits == 0 ? US_PER_SECOND : digits == 3 ? 1000 : 1;
    bool ok = (digits == 0 || digits == 3 || digits == 6) && !__builtin_mul_overflow(value, scale, &value) &&
              datetime_in_range(value);
    if (ok && context->binding->def->code == 1)
        value = func_to_local(context->session, value);
    if (ok && datetime_in_range(value))
        RESULT(int64_t) = value;
    else
        RESULT_NULL();
})

#define CF(NAME, FLAGS, MIN_ARGS, MAX_ARGS, CODE, ...)                                               \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | (FLAGS), .min_arguments = MIN_ARGS, \
     .max_arguments = MAX_ARGS, .code = CODE, .overloads = (const FuncOverload[]){__VA_ARGS__},      \
     .overload_count = sizeof((const FuncOverload[]){__VA_ARGS__}) / sizeof(FuncOverload), .group = "date"}
static const FuncDef defs[] = {
    CF("date_diff", FUNC_CAN_RAISE, 3, 3, 0, {"SAA", 'l', date_diff_kernel, NULL}),
    CF("next_day", FUNC_CAN_RAISE, 2, 2, 1, {"AS", 'a', next_day_kernel, NULL}),
    CF("previous_day", FUNC_CAN_RAISE, 2, 2, -1, {"AS", 'a', next_day_kernel, NULL}),
    CF("last_day", FUNC_CAN_RAISE, 1, 2, 0, {"A", 'a', last_day_kernel, NULL}, {"AS", 'a', last_day_kernel, NULL}),
    CF("makedate", 0, 2, 2, 0, {"ii", 'a', makedate_kernel, NULL}),
    CF("week", 0, 1, 2, 0, {"A", 'i', week_kernel, NULL}, {"Ai", 'i', week_kernel, NULL}),
    CF("yearweek", 0, 1, 2, 1, {"A", 'i', week_kernel, NULL}, {"Ai", 'i', week_kernel, NULL}),
    {.name = "time_slice", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_CAN_RAISE, .min_arguments = 4,
     .max_arguments = 4, .bind = bind_slice, .group = "date"},
    {.name = "date_slice", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_CAN_RAISE, .min_arguments = 4,
     .max_arguments = 4, .bind = bind_slice, .code = 1, .group = "date"},
    CF("sec_to_time", 0, 1, 1, 0, {"l", 'T', sec_to_time_kernel, NULL}),
    CF("to_iso8601", 0, 1, 1, 0, {"A", 'S', iso8601_kernel, NULL}, {"a", 'S', iso8601_date_kernel, NULL}),
    CF("to_tera_date", FUNC_CAN_RAISE, 2, 2, 0, {"SS", 'a', tera_kernel, NULL}),
    CF("to_tera_timestamp", FUNC_CAN_RAISE, 2, 2, 0, {"SS", 'A', tera_kernel, NULL}),
    CF("convert_tz", 0, 3, 3, 0, {"ASS", 'A', convert_tz_kernel, NULL}),
    CF("to_datetime", FUNC_SESSION_BOUND, 1, 2, 1, {"l", 'A', to_datetime_kernel, NULL}, {"li", 'A', to_datetime_kernel, NULL}),
    CF("to_datetime_ntz", 0, 1, 2, 0, {"l", 'A', to_datetime_kernel, NULL}, {"li", 'A', to_datetime_kernel, NULL}),
};
const FuncTable func_table_calendar = {defs, COUNT_OF(defs)};
