#pragma once
/* Calendar arithmetic and text of DATE and DATETIME (proleptic Gregorian, years 0 to 9999). */

#include "types/type.h"

enum { MIN_DATE = -719528 /* 0000-01-01 */, MAX_DATE = 2932896 /* 9999-12-31 */ };
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (INT64_C(86400) * US_PER_SECOND)

typedef struct CivilTime {
    int32_t year, month, day;
    int32_t hour, minute, second, microsecond;
} CivilTime;

int32_t date_from_civil(int32_t year, int32_t month, int32_t day); /* no checks */
void date_to_civil(int32_t days, int32_t *year, int32_t *month, int32_t *day);
bool civil_is_valid(const CivilTime *time);
int64_t datetime_from_civil(const CivilTime *time);
CivilTime datetime_to_civil(int64_t value);
int32_t days_in_month(int32_t year, int32_t month);
static inline int32_t datetime_date(int64_t value)
{
    return (int32_t)(value >= 0 ? value / US_PER_DAY : -((-value + US_PER_DAY - 1) / US_PER_DAY));
}
static inline bool date_in_range(int64_t days)
{
    return days >= MIN_DATE && days <= MAX_DATE;
}
static inline bool datetime_in_range(int64_t value)
{
    return value >= MIN_DATE * US_PER_DAY && value < (MAX_DATE + 1) * US_PER_DAY;
}
/* Clamps the day to the length of the month; false when the year leaves 0..9999. */
bool date_add_months(int32_t days, int64_t months, int32_t *out);
/* 'YYYY-MM-DD', 'YYYY/M/D', 'YYYYMMDD', 'YYMMDD' and with a time part ' HH:MM[:SS[.ffffff]]', 'T'. */
bool datetime_parse(StrView text, CivilTime *out);
bool date_parse(StrView text, int32_t *out_days);
bool datetime_parse_us(StrView text, int64_t *out_value);
/* 20240131, 240131, 20240131123059 */
bool datetime_from_number(int64_t number, CivilTime *out);
size_t date_print(int32_t days, char *out);     /* 10 bytes, not terminated */
size_t datetime_print(int64_t value, char *out); /* 19 or 26 bytes */
size_t time_print(int64_t us, char *out);        /* at most 24 bytes */
