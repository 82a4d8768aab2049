#include "load/partition_step.h"

#include "types/datetime.h"
#include "types/number_text.h"

bool step_unit_parse(StrView word, StepUnit *out)
{
    static const struct {
        const char *name;
        StepUnit unit;
    } units[] = {{"second", STEP_SECOND}, {"minute", STEP_MINUTE}, {"hour", STEP_HOUR},       {"day", STEP_DAY},  {"week", STEP_WEEK},
                 {"month", STEP_MONTH},   {"quarter", STEP_QUARTER}, {"year", STEP_YEAR}};
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strview_equal_ci(word, strview(units[i].name))) {
            *out = units[i].unit;
            return true;
        }
    }
    return false;
}

static bool parse_interval(const AstExpr *interval, PartitionStep *out)
{
    return interval->kind == AST_INTERVAL && interval->left != NULL && int64_parse(interval->left->text, &out->count) &&
           out->count > 0 && step_unit_parse(interval->text, &out->unit);
}

/* time_slice(dt, 3, 'day', 'floor') is INTERVAL 3 DAY, too. */
static bool parse_slice(const AstExpr *const *arguments, uint32_t count, PartitionStep *out)
{
    if (arguments[1]->kind != AST_INTEGER)
        return parse_interval(arguments[1], out) && (count == 2 || strview_equal_ci(arguments[2]->text, STR_VIEW("floor")));
    return count >= 3 && int64_parse(arguments[1]->text, &out->count) && out->count > 0 && step_unit_parse(arguments[2]->text, &out->unit) &&
           (count == 3 || strview_equal_ci(arguments[3]->text, STR_VIEW("floor")));
}

static bool is_column(const AstExpr *expr, StrView *out_column)
{
    if (expr->kind != AST_NAME)
        return false;
    *out_column = expr->name.parts[expr->name.count - 1];
    return true;
}

Status partition_expr_parse(const AstExpr *expr, Diag *diag, PartitionStep *out_step, StrView *out_column)
{
    *out_step = (PartitionStep){.unit = STEP_NONE, .count = 1};
    if (is_column(expr, out_column))
        return OK;
    StrView function = expr->kind == AST_CALL ? expr->name.parts[expr->name.count - 1] : STR_VIEW("");
    const AstExpr *const *arguments = (const AstExpr *const *)expr->arguments.items;
    if (strview_equal_ci(function, STR_VIEW("date_trunc")) && expr->arguments.count == 2 && is_column(arguments[1], out_column)) {
        if (arguments[0]->kind != AST_STRING || !step_unit_parse(arguments[0]->text, &out_step->unit))
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Unsupported date_trunc format %.*s.",
                         SV_ARGS(arguments[0]->text));
        return OK;
    }
    if (strview_equal_ci(function, STR_VIEW("time_slice")) && expr->arguments.count >= 2 && is_column(arguments[0], out_column)) {
        out_step->is_slice = true;
        if (!parse_slice(arguments, expr->arguments.count, out_step))
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Unsupported time_slice in the partition expression.");
        return OK;
    }
    *out_column = (StrView){NULL, 0};
    return OK;
}

/* ---- arithmetic ---- */

static int64_t floor_to(int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

static int64_t unit_us(StepUnit unit)
{
    return unit == STEP_SECOND   ? US_PER_SECOND
           : unit == STEP_MINUTE ? 60 * US_PER_SECOND
           : unit == STEP_HOUR   ? 3600 * US_PER_SECOND
           : unit == STEP_WEEK   ? 7 * US_PER_DAY
                                 : US_PER_DAY;
}

static int64_t unit_months(StepUnit unit)
{
    return unit == STEP_YEAR ? 12 : unit == STEP_QUARTER ? 3 : unit == STEP_MONTH ? 1 : 0;
}

static int64_t as_us(Type type, Datum value)
{
    return type.kind == TYPE_DATE ? value.i64 * US_PER_DAY : value.i64;
}

static Datum from_us(Type type, int64_t us)
{
    return datum_i64(type.kind == TYPE_DATE ? datetime_date(us) : us);
}

static int64_t floor_months(int64_t us, int64_t months, bool is_slice)
{
    int32_t year, month, day;
    date_to_civil(datetime_date(us), &year, &month, &day);
    int64_t number = (int64_t)year * 12 + month - 1;
    int64_t origin = is_slice ? 12 : 0;
    number = floor_to(number - origin, months) + origin;
    return date_from_civil((int32_t)(number / 12), (int32_t)(number % 12) + 1, 1) * US_PER_DAY;
}

Datum step_floor(const PartitionStep *step, Type type, Datum value)
{
    if (step->unit == STEP_NONE)
        return value;
    if (step->unit == STEP_NUMBER)
        return datum_i64(floor_to(value.i64, step->count));
    int64_t us = as_us(type, value);
    int64_t count = step->is_slice ? step->count : 1;
    if (unit_months(step->unit) > 0)
        return from_us(type, floor_months(us, unit_months(step->unit) * count, step->is_slice));
    int64_t unit = unit_us(step->unit) * count;
    int64_t origin = 0;
    if (step->is_slice)
        origin = date_from_civil(1, 1, 1) * US_PER_DAY;
    else if (step->unit == STEP_WEEK)
        origin = -3 * US_PER_DAY; /* a Monday */
    return from_us(type, floor_to(us - origin, unit) + origin);
}

Datum step_next(const PartitionStep *step, Type type, Datum start)
{
    if (step->unit == STEP_NUMBER)
        return datum_i64(start.i64 + step->count);
    int64_t us = as_us(type, start);
    int64_t months = unit_months(step->unit) * step->count;
    if (months == 0)
        return from_us(type, us + unit_us(step->unit) * step->count);
    int32_t days = MAX_DATE;
    int64_t time = us - floor_to(us, US_PER_DAY);
    if (!date_add_months(datetime_date(us), months, &days))
        days = MAX_DATE;
    return from_us(type, days * US_PER_DAY + time);
}

/* ---- names ---- */

static void week_of(int64_t us, int32_t *out_year, int32_t *out_week)
{
    int32_t days = datetime_date(us);
    int32_t year, month, day;
    int32_t thursday = (int32_t)floor_to(days + 3, 7) - 3 + 3;
    date_to_civil(thursday, &year, &month, &day);
    *out_year = year;
    *out_week = (thursday - date_from_civil(year, 1, 1)) / 7 + 1;
}

void step_name(const PartitionStep *step, Type type, Datum start, ByteBuf *out)
{
    if (step->unit == STEP_NUMBER) {
        bytebuf_printf(out, "p%s%lld", start.i64 < 0 ? "_" : "", (long long)(start.i64 < 0 ? -start.i64 : start.i64));
        return;
    }
    int64_t us = as_us(type, start);
    CivilTime t = datetime_to_civil(us);
    if (step->unit == STEP_WEEK && !step->is_slice) {
        int32_t year, week;
        week_of(us, &year, &week);
        bytebuf_printf(out, "p%04d_%02d", year, week);
        return;
    }
    bytebuf_printf(out, "p%04d", t.year);
    if (step->unit != STEP_YEAR)
        bytebuf_printf(out, "%02d", t.month);
    bool has_minute = step->unit == STEP_SECOND || step->unit == STEP_MINUTE;
    bool has_hour = has_minute || step->unit == STEP_HOUR;
    if (has_hour || step->unit == STEP_DAY || step->unit == STEP_WEEK || step->unit == STEP_QUARTER)
        bytebuf_printf(out, "%02d", t.day);
    if (has_hour)
        bytebuf_printf(out, "%02d", t.hour);
    if (has_minute)
        bytebuf_printf(out, "%02d", t.minute);
    if (step->unit == STEP_SECOND)
        bytebuf_printf(out, "%02d", t.second);
}

static void put_value(Type type, const Datum *value, ByteBuf *out)
{
    AUTO_BYTEBUF text = {0};
    if (value->is_null) {
        bytebuf_append_text(out, "NULL");
        return;
    }
    datum_print(type, value, &text);
    if (text.length > 0 && text.data[0] == '-')
        bytebuf_append_char(out, '_');
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
            bytebuf_append_char(out, (char)c);
            continue;
        }
        if (c == '-' || c == ':' || c == ' ' || c == '*')
            continue;
        /* Other characters as their number; those beyond ASCII take several bytes. */
        uint32_t code = c;
        uint32_t more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0;
        code = more == 0 ? c : c & (0x3Fu >> more);
        for (; more > 0 && i + 1 < text.length; more--)
            code = code << 6 | ((unsigned char)text.data[++i] & 0x3F);
        bytebuf_printf(out, "%x", code);
    }
}

void list_partition_name(const TableSchema *schema, const Datum *values, ByteBuf *out)
{
    bytebuf_append_char(out, 'p');
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        if (i > 0)
            bytebuf_append_char(out, '_');
        put_value(schema->partition_types[i], &values[i], out);
    }
}
