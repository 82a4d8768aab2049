#pragma once
/* Layout constants of segments; only for src/format. */

#include "codec/bitpack.h"
#include "codec/compress.h"
#include "codec/fsst.h"
#include "codec/intpack.h"
#include "format/segment.h"

enum { SEGMENT_VERSION = 2, SEGMENT_TAIL_BYTES = 32, BOUND_BYTES = 64 };
static const char segment_magic[8] = {'M', 'R', 'K', 'S', 'E', 'G', '0', '1'};

/* Tail, the last 32 bytes: footer length u64, footer checksum u64, version u32, 4 zero bytes, magic. */

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

/* ---- strings of one column while it is written (segment_strings.c) ---- */

typedef struct StringWriter {
    FsstEncoder *encoder; /* of the latest symbol table */
    double expected;      /* plain bytes a code, where it was learned */
    DictionaryInfo table; /* where it is stored; length 0: not yet */
    uint32_t *codes;      /* ROW_GROUP_PAGES * SEGMENT_PAGE_ROWS dictionary codes */
    bool has_given_up;    /* symbols did not pay; they are not tried again in this segment */
    ByteBuf symbols;      /* codes of a page, u16 each */
} StringWriter;

typedef enum StringForm { STRINGS_PLAIN, STRINGS_DICTIONARY, STRINGS_SYMBOLS } StringForm;

void string_writer_deinit(StringWriter *writer);
/* Chooses the form of a row group. shared gets what its pages share; empty: nothing, or the table that
 * writer->table names. *out_entries: of the dictionary. */
StringForm string_writer_begin(StringWriter *writer, const Str *values, uint32_t rows, Arena *arena, ByteBuf *shared,
                               uint32_t *out_entries);
/* The body of a page in that form. numbers: scratch of SEGMENT_PAGE_ROWS. */
void string_writer_page(StringWriter *writer, StringForm form, const Str *values, uint32_t first, uint32_t count,
                        uint32_t entries, int64_t *numbers, ByteBuf *out);
