#include "format/segment_int.h"

/* Opening segments over a mapped object, and what the footer says of them. Every length is compared with
 * what is left before it is used. Pages are read in segment_pages.c. */

#include <stdio.h>

#include "base/hash.h"
#include "base/thread.h"
#include "volume/guard.h"
#include "volume/quarantine.h"

static _Atomic bool ignores_checksums;

void segment_ignore_checksums(bool ignore)
{
    atomic_store(&ignores_checksums, ignore);
}

bool segment_is_same_sum(uint64_t found, uint64_t expected)
{
    return found == expected || atomic_load_explicit(&ignores_checksums, memory_order_relaxed);
}

/* To the statement, and to the quarantine for those who look later. */
static Status tell_damage(const Segment *s, const Diag *damage, Diag *diag)
{
    if (s->volume != NULL)
        quarantine_note(s->volume, s->ref.path, damage->message);
    return diag_raise(diag, ERR_CORRUPT, "%s", damage->message);
}

Status segment_check_sum(const Segment *s, const CheckedBytes *bytes, Diag *diag)
{
    uint64_t found = checksum_bytes(s->data + bytes->offset, bytes->length);
    if (segment_is_same_sum(found, bytes->checksum))
        return OK;
    if (volume_reread(s->object, s->ref.offset + bytes->offset, bytes->length)) { /* a cache's damage is not the object's */
        found = checksum_bytes(s->data + bytes->offset, bytes->length);
        if (segment_is_same_sum(found, bytes->checksum))
            return OK;
    }
    uint32_t id = s->columns[bytes->column].unique_id;
    Diag own = {0};
    status_ignore(RAISE(&own, CORRUPT,
                        "segment in object \"%.*s\" at offset %llu is damaged: %s %u of column %u: checksum %016llx, should be %016llx",
                        SV_ARGS(s->ref.path), (unsigned long long)(s->ref.offset + bytes->offset), bytes->what, bytes->number, id,
                        (unsigned long long)found, (unsigned long long)bytes->checksum));
    return tell_damage(s, &own, diag);
}

Status segment_corrupt(const Segment *s, uint64_t offset, int column, const char *what, Diag *diag)
{
    Diag own = {0};
    char where[32] = "";
    if (column >= 0)
        snprintf(where, sizeof(where), "column %u: ", s->columns[column].unique_id);
    status_ignore(RAISE(&own, CORRUPT, "segment in object \"%.*s\" at offset %llu is damaged: %s%s", SV_ARGS(s->ref.path),
                        (unsigned long long)(s->ref.offset + offset), where, what));
    return tell_damage(s, &own, diag);
}

/* The tail behind is what decoders may read beyond a page. */
_Static_assert((int)SEGMENT_TAIL_BYTES >= (int)BITPACK_SLACK, "unpacking reads behind the packed bytes");
static bool is_inside(const Segment *s, uint64_t offset, uint64_t length)
{
    return offset <= s->length - SEGMENT_TAIL_BYTES && length <= s->length - SEGMENT_TAIL_BYTES - offset;
}

static void widen_total(PageStats *total, const PageInfo *info)
{
    if (!total->has_bounds || info->min.i128 < total->min.i128)
        total->min = info->min;
    if (!total->has_bounds || info->max.i128 > total->max.i128)
        total->max = info->max;
    total->has_bounds = true;
}

static Status read_page_infos(Segment *s, ColumnReader *column, ByteReader *footer, Diag *diag)
{
    bool is_integer = type_default_phys(column->stored) <= PHYS_I128;
    column->total = (PageStats){.row_count = (uint32_t)MIN(s->row_count, (uint64_t)UINT32_MAX)};
    column->pages = ARENA_NEW_ARRAY(&s->arena, PageInfo, s->page_count);
    column->checked = arena_alloc_zero(&s->arena, sizeof(*column->checked) * MAX(s->page_count, 1u));
    for (uint32_t p = 0; p < s->page_count; p++) {
        PageInfo *info = &column->pages[p];
        info->offset = byte_reader_u64(footer);
        info->length = byte_reader_u32(footer);
        info->null_count = byte_reader_u32(footer);
        info->checksum = byte_reader_u64(footer);
        info->has_bounds = byte_reader_u8(footer) != 0;
        if (footer->failed || !is_inside(s, info->offset, info->length) ||
            info->null_count > s->page_rows[p])
            return segment_corrupt(s, s->length, -1, "a page lies outside", diag);
        column->total.null_count += info->null_count;
        if (!info->has_bounds)
            continue;
        TRY(datum_decode(column->stored, footer, &s->arena, diag, &info->min));
        TRY(datum_decode(column->stored, footer, &s->arena, diag, &info->max));
        if (info->min.is_null || info->max.is_null)
            return segment_corrupt(s, s->length, -1, "a page's bounds are NULL", diag);
        if (is_integer)
            widen_total(&column->total, info);
    }
    return OK;
}

static Status read_dictionary_infos(Segment *s, ColumnReader *column, ByteReader *footer, Diag *diag)
{
    StrView bytes = byte_reader_sized(footer);
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    column->dictionaries = ARENA_NEW_ARRAY(&s->arena, DictionaryInfo, s->group_count);
    column->loaded = arena_alloc_zero(&s->arena, sizeof(*column->loaded) * MAX(s->group_count, 1u));
    column->tables = arena_alloc_zero(&s->arena, sizeof(*column->tables) * MAX(s->group_count, 1u));
    for (uint32_t g = 0; g < s->group_count; g++) {
        DictionaryInfo *info = &column->dictionaries[g];
        info->offset = byte_reader_u64(&reader);
        info->length = byte_reader_u32(&reader);
        info->count = byte_reader_u32(&reader);
        info->checksum = byte_reader_u64(&reader);
        if (reader.failed || !is_inside(s, info->offset, info->length))
            return segment_corrupt(s, s->length, -1, "a dictionary lies outside", diag);
    }
    return OK;
}

static Status read_page_rows(Segment *s, ByteReader *footer, Diag *diag)
{
    uint64_t total = 0;
    s->page_rows = ARENA_NEW_ARRAY(&s->arena, uint32_t, s->page_count);
    for (uint32_t p = 0; p < s->page_count; p++) {
        s->page_rows[p] = byte_reader_u32(footer);
        total += s->page_rows[p];
        if (s->page_rows[p] == 0 || s->page_rows[p] > SEGMENT_PAGE_ROWS)
            return segment_corrupt(s, s->length, -1, "a page has an impossible row count", diag);
    }
    s->group_count = (s->page_count + ROW_GROUP_PAGES - 1) / ROW_GROUP_PAGES;
    return total == s->row_count ? OK : segment_corrupt(s, s->length, -1, "row counts do not add up", diag);
}

/* No memory is taken for sizes that bytes could hardly stand for. */
bool segment_is_plausible(uint64_t plain_length, uint64_t stored_length)
{
    enum { MOST_TIMES = 16384, ALWAYS = 1 << 16 };
    return plain_length <= (uint64_t)1 << 30 && plain_length <= stored_length * MOST_TIMES + ALWAYS;
}

static Status read_filter_infos(Segment *s, ByteReader *body, Diag *diag)
{
    uint64_t at = byte_reader_varint(body);
    SegmentFilterSpec filter = {.kind = byte_reader_u8(body)};
    filter.gram = byte_reader_u8(body);
    filter.ignores_case = byte_reader_u8(body) != 0;
    if (body->failed || at >= s->column_count)
        return segment_corrupt(s, s->length, -1, "a filter is of no column", diag);
    bool is_known = filter.kind == SEGMENT_FILTER_VALUES || (filter.kind == SEGMENT_FILTER_GRAMS && filter.gram > 0);
    if (!is_known)
        return OK; /* of a later version: it is not used */
    ColumnReader *column = &s->columns[at];
    column->filters = ARENA_NEW_ARRAY(&s->arena, FilterInfo, s->page_count);
    for (uint32_t p = 0; p < s->page_count; p++) {
        FilterInfo *info = &column->filters[p];
        info->offset = byte_reader_u64(body);
        info->length = byte_reader_u32(body);
        info->checksum = byte_reader_u64(body);
        if (body->failed || !is_inside(s, info->offset, info->length))
            return segment_corrupt(s, s->length, -1, "a filter lies outside", diag);
    }
    filter.unique_id = column->unique_id;
    column->filter = filter;
    return OK;
}

/* Behind the columns; segments that have none may end before. */
static Status read_filters(Segment *s, ByteReader *footer, Diag *diag)
{
    uint64_t count = byte_reader_left(footer) > 0 ? byte_reader_varint(footer) : 0;
    for (uint64_t i = 0; i < count && !footer->failed; i++) {
        StrView bytes = byte_reader_sized(footer);
        ByteReader body = byte_reader(bytes.data, bytes.length);
        if (!footer->failed)
            TRY(read_filter_infos(s, &body, diag));
    }
    return OK;
}

const SegmentFilterSpec *segment_filter(const Segment *s, int column)
{
    return s->columns[column].filter.kind == 0 ? NULL : &s->columns[column].filter;
}

static Status read_footer(Segment *s, ByteReader *footer, Diag *diag)
{
    uint64_t columns = byte_reader_varint(footer);
    s->row_count = byte_reader_varint(footer);
    uint64_t pages = byte_reader_varint(footer);
    if (footer->failed || columns > byte_reader_left(footer) || pages > byte_reader_left(footer) / 4)
        return segment_corrupt(s, s->length, -1, "the footer is cut short", diag);
    s->column_count = (uint32_t)columns;
    s->page_count = (uint32_t)pages;
    TRY(read_page_rows(s, footer, diag));
    s->columns = ARENA_NEW_ARRAY(&s->arena, ColumnReader, columns);
    for (uint32_t c = 0; c < s->column_count; c++) {
        ColumnReader *column = &s->columns[c];
        column->unique_id = (uint32_t)byte_reader_varint(footer);
        TRY(type_decode(footer, &s->arena, diag, &column->type));
        column->stored = type_is_nested(column->type) ? type_of(TYPE_VARBINARY) : column->type;
        TRY(read_dictionary_infos(s, column, footer, diag));
        TRY(read_page_infos(s, column, footer, diag));
    }
    TRY(read_filters(s, footer, diag));
    return footer->failed ? segment_corrupt(s, s->length, -1, "the footer is cut short", diag) : OK;
}

Status segment_pin(const Segment *s, uint64_t offset, uint64_t length, Diag *diag)
{
    Status status = volume_pin(s->object, s->ref.offset + offset, length, diag);
    if (status == ERR_NO_SUCH_OBJECT)
        quarantine_note(s->volume, s->ref.path, "the object is missing");
    return status;
}

void segment_unpin(const Segment *s, uint64_t offset, uint64_t length)
{
    volume_unpin(s->object, s->ref.offset + offset, length);
}

static Status check_filter(const Segment *s, uint32_t page, int column, Diag *diag)
{
    const FilterInfo *info = &s->columns[column].filters[page];
    CheckedBytes bytes = {info->offset, info->length, info->checksum, column, "filter of page", page};
    return info->length == 0 ? OK : segment_check_sum(s, &bytes, diag);
}

bool segment_page_may_hold(Segment *s, uint32_t page, int column, const uint64_t *hashes, uint32_t count, bool all)
{
    const FilterInfo *info = &s->columns[column].filters[page];
    Diag told = {0}; /* of damage, to the quarantine; the page itself is read then */
    if (segment_pin(s, info->offset, info->length, &told) != OK)
        return true;
    volume_guard_begin();
    bool is_sound = check_filter(s, page, column, &told) == OK;
    bool may_hold = all;
    for (uint32_t i = 0; i < count && may_hold == all; i++)
        may_hold = segment_filter_has(s->data + info->offset, info->length, hashes[i]);
    is_sound &= volume_guard_end();
    segment_unpin(s, info->offset, info->length);
    return may_hold || !is_sound;
}

Status segment_verify_filters(Segment *s, Diag *diag)
{
    for (uint32_t c = 0; c < s->column_count; c++) {
        for (uint32_t p = 0; p < s->page_count && s->columns[c].filter.kind != 0; p++) {
            const FilterInfo *info = &s->columns[c].filters[p];
            TRY(segment_pin(s, info->offset, info->length, diag));
            Status status = check_filter(s, p, (int)c, diag);
            segment_unpin(s, info->offset, info->length);
            TRY(status);
        }
    }
    return OK;
}

/* The tail is pinned. */
static Status check_tail(const Segment *s, Diag *diag)
{
    const uint8_t *tail = s->data + s->length - SEGMENT_TAIL_BYTES;
    uint64_t length = load_u64(tail);
    if (memcmp(tail + 24, segment_magic, sizeof(segment_magic)) != 0)
        return segment_corrupt(s, s->length - 8, -1, "it does not end like a segment", diag);
    if (load_u32(tail + 16) > format_version_readable(SEGMENT_VERSION))
        return RAISE(diag, FORMAT_TOO_NEW, "segment in object \"%.*s\" has format %u, this version reads up to %u",
                     SV_ARGS(s->ref.path), load_u32(tail + 16), format_version_readable(SEGMENT_VERSION));
    if (load_u32(tail + 16) == 0 || load_u32(tail + 20) != segment_version_check(load_u32(tail + 16)))
        return segment_corrupt(s, s->length - 16, -1, "its tail is not valid", diag);
    if (length > s->length - SEGMENT_TAIL_BYTES || length < 9)
        return segment_corrupt(s, s->length - SEGMENT_TAIL_BYTES, -1, "the footer length is impossible", diag);
    return OK;
}

/* Footer and tail are pinned. */
static Status decode_footer(Segment *s, const uint8_t *footer, uint64_t length, Diag *diag)
{
    const uint8_t *tail = s->data + s->length - SEGMENT_TAIL_BYTES;
    uint64_t offset = (uint64_t)(footer - s->data);
    bool is_good = segment_is_same_sum(checksum_bytes(footer, length), load_u64(tail + 8));
    if (!is_good && volume_reread(s->object, s->ref.offset + offset, length + SEGMENT_TAIL_BYTES))
        is_good = segment_is_same_sum(checksum_bytes(footer, length), load_u64(tail + 8));
    if (!is_good)
        return segment_corrupt(s, offset, -1, "the footer's checksum does not match", diag);
    uint64_t plain_length = load_u64(footer + 1);
    if (!segment_is_plausible(plain_length, length))
        return segment_corrupt(s, offset, -1, "the footer is too long", diag);
    char *plain = mem_alloc(plain_length + 1);
    Status status = decompress((Codec)footer[0], strview_n((const char *)footer + 9, length - 9), plain, plain_length, diag);
    ByteReader reader = byte_reader(plain, plain_length);
    if (status == OK)
        status = read_footer(s, &reader, diag);
    mem_free(plain);
    return status;
}

static Status open_footer(Segment *s, Diag *diag)
{
    uint64_t tail = s->length - SEGMENT_TAIL_BYTES;
    if (s->length < SEGMENT_TAIL_BYTES)
        return segment_corrupt(s, 0, -1, "it is cut short", diag);
    TRY(segment_pin(s, tail, SEGMENT_TAIL_BYTES, diag));
    Status status = check_tail(s, diag);
    uint64_t length = load_u64(s->data + tail);
    segment_unpin(s, tail, SEGMENT_TAIL_BYTES);
    TRY(status);
    TRY(segment_pin(s, tail - length, length + SEGMENT_TAIL_BYTES, diag));
    status = decode_footer(s, s->data + tail - length, length, diag);
    segment_unpin(s, tail - length, length + SEGMENT_TAIL_BYTES);
    return status;
}

static void close_inline(VolumeObject *object)
{
    (void)object; /* goes with the segment's arena */
}

/* The catalog that the reference points into may go before the segment. */
static void open_inline(Segment *s, const Volume *home)
{
    static const VolumeOps ops = {.close_object = close_inline};
    const StrView *bytes = &s->ref.bytes;
    s->inline_volume = (Volume){.ops = &ops, .environment = home->environment, .url = "catalog"};
    s->volume = &s->inline_volume;
    s->inline_object = (VolumeObject){s->volume, (const uint8_t *)arena_strndup(&s->arena, bytes->data, bytes->length), bytes->length};
    s->object = &s->inline_object;
    s->ref.bytes = (StrView){0};
    s->ref.path = strview(arena_printf(&s->arena, "(in the catalog) %llu", (unsigned long long)s->ref.id));
}

static Status open_stored(Segment *s, Diag *diag)
{
    const SegmentRef *ref = &s->ref;
    char path[4096];
    if (ref->path.length >= sizeof(path))
        return RAISE(diag, CORRUPT, "object path of %zu bytes is too long", ref->path.length);
    memcpy(path, ref->path.data, ref->path.length);
    path[ref->path.length] = '\0';
    s->ref.path = strview_n(arena_strndup(&s->arena, path, ref->path.length), ref->path.length);
    TRY(volume_by_id(s->volume, ref->volume_id, diag, &s->volume));
    Status status = volume_open_object(s->volume, path, diag, &s->object);
    if (status == ERR_NO_SUCH_OBJECT)
        quarantine_note(s->volume, ref->path, "the object is missing");
    return status;
}

Status segment_open(Volume *volume, const SegmentRef *ref, Diag *diag, Segment **out_segment)
{
    Segment *s = mem_alloc_zero(sizeof(*s));
    arena_init(&s->arena, NULL);
    mutex_init(&s->lock);
    s->ref = *ref;
    s->volume = volume;
    atomic_store(&s->faults, volume_guard_faults());
    Status status = OK;
    if (segment_is_inline(ref))
        open_inline(s, volume);
    else
        status = open_stored(s, diag);
    if (status == OK && (ref->offset > s->object->size || ref->length > s->object->size - ref->offset))
        status = segment_corrupt(s, 0, -1, "the object is shorter than the segment", diag);
    if (status == OK) {
        s->data = s->object->data + ref->offset;
        s->length = ref->length;
        atomic_store(&s->epoch, 1);
        volume_guard_begin();
        status = open_footer(s, diag);
        if (!volume_guard_end())
            status = segment_corrupt(s, 0, -1, "the object became shorter", diag);
    }
    if (status != OK) {
        segment_close(s);
        return status;
    }
    *out_segment = s;
    return OK;
}

void segment_prepare(Volume *volume, const SegmentRef *ref)
{
    enum { FOOTER_GUESS = 64 << 10 };
    char path[1024];
    if (segment_is_inline(ref) || volume_by_id(volume, ref->volume_id, NULL, &volume) != OK || volume->ops->prepare == NULL || ref->path.length >= sizeof(path))
        return;
    memcpy(path, ref->path.data, ref->path.length);
    path[ref->path.length] = '\0';
    uint64_t guess = MIN(ref->length, (uint64_t)FOOTER_GUESS);
    volume->ops->prepare(volume, path, ref->offset + ref->length - guess, guess);
}

void segment_close(Segment *s)
{
    if (s == NULL)
        return;
    volume_close_object(s->object);
    mutex_deinit(&s->lock);
    arena_deinit(&s->arena);
    mem_free(s);
}

uint64_t segment_id(const Segment *s)
{
    return s->ref.id;
}

bool segment_is_remote(const Segment *s)
{
    return volume_can_prefetch(s->volume);
}

StrView segment_path(const Segment *s)
{
    return s->ref.path;
}

bool segment_is_unchanged(Segment *s)
{
    return !atomic_load(&s->is_cut_short) && volume_object_is_unchanged(s->object);
}

void segment_set_epoch(Segment *s, uint8_t epoch)
{
    atomic_store_explicit(&s->epoch, MAX(epoch, 1), memory_order_relaxed);
}

uint64_t segment_row_count(const Segment *s)
{
    return s->row_count;
}

uint64_t segment_memory_bytes(Segment *s)
{
    LOCK_GUARD(&s->lock);
    return sizeof(*s) + s->arena.total_bytes;
}

void segment_column_stats(const Segment *s, int column, PageStats *out)
{
    *out = s->columns[column].total;
}

uint32_t segment_page_count(const Segment *s)
{
    return s->page_count;
}

uint32_t segment_page_rows(const Segment *s, uint32_t page)
{
    return s->page_rows[page];
}

uint32_t segment_column_count(const Segment *s)
{
    return s->column_count;
}

Type segment_column_type(const Segment *s, int column)
{
    return s->columns[column].type;
}

int segment_find_column(const Segment *s, uint32_t unique_id)
{
    for (uint32_t c = 0; c < s->column_count; c++) {
        if (s->columns[c].unique_id == unique_id)
            return (int)c;
    }
    return -1;
}

void segment_page_stats(const Segment *s, uint32_t page, int column, PageStats *out)
{
    const PageInfo *info = &s->columns[column].pages[page];
    *out = (PageStats){info->has_bounds, info->min, info->max, info->null_count, s->page_rows[page]};
}

uint32_t segment_dictionary_size(const Segment *s, int column)
{
    uint32_t most = 0;
    for (uint32_t g = 0; g < s->group_count; g++) {
        if (s->columns[column].dictionaries[g].count == 0)
            return 0;
        most = MAX(most, s->columns[column].dictionaries[g].count);
    }
    return most;
}

uint64_t segment_page_bytes(const Segment *s, uint32_t page, int column)
{
    return s->columns[column].pages[page].length;
}

uint64_t segment_page_offset(const Segment *s, uint32_t page, int column)
{
    return s->columns[column].pages[page].offset;
}

uint32_t segment_page_encoding(const Segment *s, uint32_t page, int column)
{
    const PageInfo *info = &s->columns[column].pages[page];
    return info->length == 0 ? 0 : s->data[info->offset] % SEGMENT_ENCODINGS;
}

const char *segment_encoding_name(uint32_t encoding)
{
    static const char *const names[SEGMENT_ENCODINGS] = {
        [PAGE_PACKED] = "packed", [PAGE_DICTIONARY] = "dictionary", [PAGE_STRINGS] = "strings", [PAGE_PLAIN] = "plain",
        [PAGE_NULL] = "null", [PAGE_SYMBOLS] = "symbols", [PAGE_SCALED] = "scaled", [PAGE_DELTA] = "delta",
        [PAGE_RUNS] = "runs", [PAGE_PATCHED] = "patched", [PAGE_ALP] = "alp",
    };
    return encoding < SEGMENT_ENCODINGS && names[encoding] != NULL ? names[encoding] : "unknown";
}

uint64_t segment_dictionary_bytes(const Segment *s, int column)
{
    uint64_t total = 0;
    const DictionaryInfo *infos = s->columns[column].dictionaries;
    for (uint32_t g = 0; g < s->group_count; g++)
        total += g > 0 && infos[g].offset == infos[g - 1].offset ? 0 : infos[g].length;
    return total;
}
