#include "types/time_zone.h"

/* Reads compiled zone files (RFC 8536, version 2 and up: 64-bit transitions). Zones are read once and
 * kept in a list; a process meets a few of the some 600. Beyond the last transition of the file the last
 * offset stays in force. Files are checked: a wrong one is no zone. */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/thread.h"

enum { MAX_FILE_BYTES = 1 << 20, HEADER_BYTES = 44, NAME_BYTES = 64 };

struct TimeZone {
    struct TimeZone *next;
    char name[NAME_BYTES];
    uint32_t count;
    int64_t *moments;    /* UTC seconds, ascending */
    int32_t *offsets;    /* from moments[i] on, seconds east */
    int32_t first_offset; /* before the first */
};

static TimeZone *known;
static Mutex known_lock = MUTEX_INIT;

static uint32_t big_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static int64_t big_i64(const uint8_t *p)
{
    return (int64_t)((uint64_t)big_u32(p) << 32 | big_u32(p + 4));
}

typedef struct ZoneCounts {
    uint32_t is_ut, is_std, leaps, times, types, chars;
} ZoneCounts;

static bool read_counts(const uint8_t *header, ZoneCounts *out)
{
    *out = (ZoneCounts){big_u32(header + 20), big_u32(header + 24), big_u32(header + 28),
                        big_u32(header + 32), big_u32(header + 36), big_u32(header + 40)};
    return memcmp(header, "TZif", 4) == 0 && header[4] >= '2' && out->times < 100000 && out->types > 0 && out->types < 256 &&
           out->leaps < 1000 && out->chars < 10000 && out->is_ut <= out->types && out->is_std <= out->types;
}

static size_t block_bytes(const ZoneCounts *counts, size_t time_bytes)
{
    return counts->times * (time_bytes + 1) + counts->types * (size_t)6 + counts->chars + counts->leaps * (time_bytes + 4) +
           counts->is_std + counts->is_ut;
}

static bool decode(const uint8_t *data, size_t length, TimeZone *zone)
{
    ZoneCounts counts;
    if (length < HEADER_BYTES || !read_counts(data, &counts))
        return false;
    size_t at = HEADER_BYTES + block_bytes(&counts, 4); /* the 32-bit block is skipped */
    if (at > length || length - at < HEADER_BYTES || !read_counts(data + at, &counts))
        return false;
    at += HEADER_BYTES;
    if (block_bytes(&counts, 8) > length - at)
        return false;
    const uint8_t *times = data + at;
    const uint8_t *indexes = times + counts.times * (size_t)8;
    const uint8_t *types = indexes + counts.times;
    zone->count = counts.times;
    zone->moments = mem_alloc(sizeof(int64_t) * MAX(counts.times, 1u));
    zone->offsets = mem_alloc(sizeof(int32_t) * MAX(counts.times, 1u));
    zone->first_offset = (int32_t)big_u32(types);
    for (uint32_t i = 0; i < counts.times; i++) {
        if (indexes[i] >= counts.types)
            return false;
        zone->moments[i] = big_i64(times + i * (size_t)8);
        zone->offsets[i] = (int32_t)big_u32(types + indexes[i] * (size_t)6);
    }
    return true;
}

static bool read_file(const char *name, TimeZone *zone)
{
    char path[NAME_BYTES + 40];
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    uint8_t *data = mem_alloc(MAX_FILE_BYTES);
    size_t length = 0;
    ssize_t got = 0;
    while (length < MAX_FILE_BYTES && (got = read(file, data + length, MAX_FILE_BYTES - length)) > 0)
        length += (size_t)got;
    (void)close(file);
    bool ok = got == 0 && decode(data, length, zone);
    mem_free(data);
    return ok;
}

static bool fixed_offset(StrView name, int32_t *out)
{
    int32_t parts[2] = {0, 0};
    int part = 0;
    uint32_t digits = 0;
    if (name.length < 2 || (name.data[0] != '+' && name.data[0] != '-'))
        return false;
    for (size_t i = 1; i < name.length; i++) {
        char c = name.data[i];
        if (c == ':' && part == 0 && digits > 0) {
            part = 1;
            digits = 0;
            continue;
        }
        if (c < '0' || c > '9' || ++digits > 2)
            return false;
        parts[part] = parts[part] * 10 + (c - '0');
    }
    *out = (parts[0] * 3600 + parts[1] * 60) * (name.data[0] == '-' ? -1 : 1);
    return digits > 0 && parts[0] <= 14 && parts[1] < 60;
}

static bool is_plain_name(StrView name)
{
    if (name.length == 0 || name.length >= NAME_BYTES || name.data[0] == '/' || name.data[0] == '.')
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' ||
                  c == '+';
        if (!ok)
            return false;
    }
    return true;
}

static bool fill_zone(StrView name, TimeZone *zone)
{
    if (fixed_offset(name, &zone->first_offset))
        return true;
    bool is_china = strview_equal_ci(name, STR_VIEW("CST")); /* as StarRocks reads it */
    bool is_zero = strview_equal_ci(name, STR_VIEW("UTC")) || strview_equal_ci(name, STR_VIEW("GMT")) || strview_is(name, "Z");
    if (is_china)
        zone->first_offset = 8 * 3600;
    return is_china || is_zero || (is_plain_name(name) && read_file(zone->name, zone));
}

const TimeZone *time_zone_find(StrView name)
{
    if (name.length >= NAME_BYTES)
        return NULL;
    LOCK_GUARD(&known_lock);
    for (TimeZone *zone = known; zone != NULL; zone = zone->next) {
        if (strview_equal(strview(zone->name), name))
            return zone;
    }
    TimeZone *zone = mem_alloc_zero(sizeof(*zone));
    memcpy(zone->name, name.data, name.length);
    if (!fill_zone(name, zone)) {
        mem_free(zone->moments);
        mem_free(zone->offsets);
        mem_free(zone);
        return NULL;
    }
    zone->next = known;
    known = zone;
    return zone;
}

static int64_t floor_seconds(int64_t us)
{
    return us >= 0 ? us / US_PER_SECOND : -((-us + US_PER_SECOND - 1) / US_PER_SECOND);
}

static int32_t offset_at(const TimeZone *zone, int64_t utc_seconds)
{
    uint32_t low = 0;
    uint32_t high = zone->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (zone->moments[middle] <= utc_seconds)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? zone->first_offset : zone->offsets[low - 1];
}

int64_t time_zone_to_local(const TimeZone *zone, int64_t utc_us)
{
    return utc_us + offset_at(zone, floor_seconds(utc_us)) * US_PER_SECOND;
}

int64_t time_zone_to_utc(const TimeZone *zone, int64_t local_us)
{
    int64_t local = floor_seconds(local_us);
    int32_t before = offset_at(zone, local - 86400);
    int32_t after = offset_at(zone, local + 86400);
    bool fits_before = offset_at(zone, local - before) == before;
    bool fits_after = offset_at(zone, local - after) == after;
    int32_t offset = fits_before || !fits_after ? before : after;
    return local_us - offset * US_PER_SECOND;
}
