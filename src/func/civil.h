#pragma once
/* Parts of dates without branches, for loops over many: the day number is moved to years that begin with March and to a
 * multiple of 400 years before the first, so that all is unsigned, and each quotient is a multiplication. Any value may come in:
 * of days out of range the parts mean nothing. Only for src/func. */

#include "types/datetime.h"

enum { CIVIL_ERA_YEARS = 400, CIVIL_SHIFT = 719468 + 146097 };

typedef struct CivilMarch {
    uint32_t year;        /* from March, counted from the shift */
    uint32_t day_of_year; /* from March, 0 */
    uint32_t month, day;  /* 3 .. 14; 0 .. 30 */
} CivilMarch;

static inline CivilMarch civil_march(int32_t days)
{
    uint32_t n = ((uint32_t)days + (uint32_t)CIVIL_SHIFT) * 4 + 3;
    uint32_t century = n / 146097;
    uint32_t quarters = (n % 146097) | 3; /* 4 * day of the century + 3 */
    uint32_t year = quarters / 1461;
    uint32_t day_of_year = quarters % 1461 / 4;
    uint32_t m = day_of_year * 5 + 461; /* 153 days are five months, from March */
    uint32_t month = m / 153;
    return (CivilMarch){century * 100 + year, day_of_year, month, m % 153 / 5};
}

static inline int32_t civil_year(int32_t days)
{
    CivilMarch c = civil_march(days);
    return (int32_t)(c.year + (c.day_of_year >= 306)) - CIVIL_ERA_YEARS;
}
static inline int32_t civil_month(int32_t days)
{
    CivilMarch c = civil_march(days);
    return (int32_t)(c.month - (c.day_of_year >= 306 ? 12 : 0));
}
static inline int32_t civil_day(int32_t days)
{
    return (int32_t)civil_march(days).day + 1;
}
/* The first of March of a year, counted as CivilMarch counts. */
static inline int32_t civil_march_first(uint32_t year)
{
    return (int32_t)(year * 365 + year / 4 - year / 100 + year / 400 - (uint32_t)CIVIL_SHIFT);
}
static inline int32_t civil_year_first(int32_t days)
{
    CivilMarch c = civil_march(days);
    uint32_t year = c.year - (c.day_of_year < 306); /* the March before the January */
    return civil_march_first(year) + 306;
}

/* DATETIME to its day, also before 1970. */
static inline int32_t civil_days(int64_t us)
{
    return (int32_t)((us - (us < 0 ? US_PER_DAY - 1 : 0)) / US_PER_DAY);
}
static inline int64_t civil_in_day(int64_t us)
{
    return us - (int64_t)civil_days(us) * US_PER_DAY;
}
