#pragma once
/* Time zones: fixed offsets ("+08:00") and names of the system's zone database. */

#include "types/datetime.h"

typedef struct TimeZone TimeZone;

/* NULL: no such zone. What is returned lives as long as the process; any thread. */
const TimeZone *time_zone_find(StrView name);
int64_t time_zone_to_local(const TimeZone *zone, int64_t utc_us);
/* Of the two UTC times of a local time that occurs twice the earlier; of one that is skipped, the time
 * as far behind the gap as it lies in it. */
int64_t time_zone_to_utc(const TimeZone *zone, int64_t local_us);
