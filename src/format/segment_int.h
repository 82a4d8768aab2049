#pragma once
/* Layout constants of segments; only for src/format. */

#include "base/format_level.h"
#include "base/thread.h"
#include "codec/bitpack.h"
#include "codec/compress.h"
#include "codec/fsst.h"
#include "codec/intpack.h"
#include "format/segment.h"
#include "format/segment_filter.h"

enum { SEGMENT_VERSION = 2, SEGMENT_TAIL_BYTES = 32, BOUND_BYTES = 64 };
static const char segment_magic[8] = {'M', 'R', 'K', 'S', 'E', 'G', '0', '1'};

/* Tail, the last 32 bytes: footer length u64, footer checksum u64, version u32, its check u32, magic. The check tells versions that
 * are read from each other: no checksum is over the tail. */
static inline uint32_t segment_version_check(uint32_t version)
{
    return version <= SEGMENT_VERSION ? 0 : ~version;
}

typedef enum PageEncoding {
    PAGE_PACKED = INT_PACKED, /* this and the four others of integers: see codec/intpack.h */
    PAGE_DICTIONARY = 2, /* u8 width, packed codes into the row group's dictionary */
    PAGE_STRINGS = 3,    /* u8 codec, u32 plain length, u8 length width, packed lengths, bytes */
    PAGE_PLAIN = 4,      /* u8 codec, u32 plain length, fixed-width values */
    PAGE_NULL = 5,       /* every value is NULL: no bytes */
    PAGE_SYMBOLS = 6,    /* u32 plain length, u32 codes, u8 width, packed codes a string, packed codes */
    PAGE_SCALED = INT_SCALED,
    PAGE_DELTA = INT_DELTA,
    PAGE_RUNS = INT_RUNS,
    PAGE_PATCHED = INT_PATCHED,
    PAGE_ALP = 11, /* see codec/alp.h */
} PageEncoding;

/* A page: u8 encoding, u8 has_nulls, [null bitmap], then what the encoding says; checksum is in the footer. */
typedef struct PageInfo {
    uint64_t offset;
    uint32_t length;
    uint32_t null_count;
    uint64_t checksum;
    bool has_bounds;
    Datum min, max;
} PageInfo;

/* What the pages of a row group share: a dictionary, or a symbol table, which several row groups may name. */
typedef struct DictionaryInfo {
    uint64_t offset;
    uint32_t length; /* 0: neither */
    uint32_t count;  /* entries of a dictionary; 0: a symbol table */
    uint64_t checksum;
} DictionaryInfo;

/* The filter of a page; length 0: it holds no value. */
typedef struct FilterInfo {
    uint64_t offset;
    uint32_t length;
    uint64_t checksum;
} FilterInfo;

/* ---- strings of one column while it is written (segment_strings.c) ---- */

typedef enum StringForm { STRINGS_PLAIN, STRINGS_DICTIONARY, STRINGS_SYMBOLS } StringForm;

typedef struct StringWriter {
    FsstEncoder *encoder; /* of the latest symbol table */
    double expected;      /* plain bytes a code, where it was learned */
    DictionaryInfo table; /* where it is stored; length 0: not yet */
    uint32_t *codes;      /* ROW_GROUP_PAGES * SEGMENT_PAGE_ROWS dictionary codes */
    bool has_given_up;    /* symbols did not pay; they are not tried again in this segment */
    bool is_hurried;      /* quickly rather than well */
    ByteBuf symbols;      /* codes of a page, u16 each */
    StringForm form;      /* of the row group */
    const Str *values;
    uint32_t entries; /* of its dictionary */
    int64_t *numbers; /* scratch of SEGMENT_PAGE_ROWS */
} StringWriter;

void string_writer_deinit(StringWriter *writer);
/* Chooses writer->form for a row group, whose values stay where they are until its pages are written. shared gets
 * what these share; empty: nothing, or the table that writer->table names. */
void string_writer_begin(StringWriter *writer, const Str *values, uint32_t rows, Arena *arena, ByteBuf *shared);
/* The body of a page of what string_writer_begin() got last: rows first .. first+count-1. */
void string_writer_page(StringWriter *writer, uint32_t first, uint32_t count, ByteBuf *out);

/* ---- open segments (segment_reader.c; pages: segment_pages.c) ---- */

typedef struct ColumnReader {
    uint32_t unique_id;
    Type type;   /* as the table sees it */
    Type stored; /* nested ones: VARBINARY */
    PageInfo *pages;
    PageStats total; /* of all pages; bounds of integers only */
    DictionaryInfo *dictionaries; /* a row group */
    _Atomic(Vector *) *loaded;    /* decoded dictionaries */
    _Atomic(FsstTable *) *tables; /* decoded symbol tables; neighbours may share one */
    SegmentFilterSpec filter;     /* kind 0: none */
    FilterInfo *filters;          /* by page */
    _Atomic uint32_t *checked;    /* by page: mark of the last check; checking twice is harmless */
} ColumnReader;

struct Segment {
    Arena arena;
    Volume *volume;
    VolumeObject *object;
    Volume inline_volume; /* of a segment without an object: its bytes are a copy in arena */
    VolumeObject inline_object;
    SegmentRef ref;
    const uint8_t *data; /* of the segment within the object */
    size_t length;
    uint64_t row_count;
    uint32_t page_count;
    uint32_t *page_rows;
    uint32_t group_count;
    uint32_t column_count;
    ColumnReader *columns;
    _Atomic uint8_t epoch;    /* not 0 */
    _Atomic uint32_t faults;  /* volume_guard_faults() when the object was last known to be whole */
    _Atomic bool is_cut_short; /* bytes were missing: zeros stand for them now, and nothing of it may be used */
    Mutex lock; /* guards the arena once the segment is open (dictionaries) */
};

/* Bytes that the footer has a checksum of; what and number name them in errors. */
typedef struct CheckedBytes {
    uint64_t offset;
    uint32_t length;
    uint64_t checksum;
    int column;
    const char *what;
    uint32_t number;
} CheckedBytes;
/* Bytes are readable from pin to unpin; offsets count from the segment's first byte. */
Status segment_pin(const Segment *s, uint64_t offset, uint64_t length, Diag *diag);
void segment_unpin(const Segment *s, uint64_t offset, uint64_t length);
Status segment_check_sum(const Segment *s, const CheckedBytes *bytes, Diag *diag);
bool segment_is_same_sum(uint64_t found, uint64_t expected);
/* column -1: of the whole segment. */
Status segment_corrupt(const Segment *s, uint64_t offset, int column, const char *what, Diag *diag);
Status segment_verify_filters(Segment *s, Diag *diag);
/* No memory is taken for sizes that bytes could hardly stand for. */
bool segment_is_plausible(uint64_t plain_length, uint64_t stored_length);
