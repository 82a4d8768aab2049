#pragma once
/* Layout constants of segments; only for src/format. */

#include "codec/bitpack.h"
#include "codec/compress.h"
#include "format/segment.h"

enum { SEGMENT_VERSION = 1, SEGMENT_TAIL_BYTES = 32, BOUND_BYTES = 64 };
static const char segment_magic[8] = {'M', 'R', 'K', 'S', 'E', 'G', '0', '1'};

/* Tail, the last 32 bytes: footer length u64, footer checksum u64, version u32, 4 zero bytes, magic. */

typedef enum PageEncoding {
    PAGE_PACKED = 1,     /* frame of reference: i64 base, u8 width, packed differences */
    PAGE_DICTIONARY = 2, /* u8 width, packed codes into the row group's dictionary */
    PAGE_STRINGS = 3,    /* u8 codec, u32 plain length, u8 length width, packed lengths, bytes */
    PAGE_PLAIN = 4,      /* u8 codec, u32 plain length, fixed-width values */
    PAGE_NULL = 5,       /* every value is NULL: no bytes */
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

typedef struct DictionaryInfo {
    uint64_t offset; /* 0 length: none */
    uint32_t length;
    uint32_t count;
    uint64_t checksum;
} DictionaryInfo;
