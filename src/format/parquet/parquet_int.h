#pragma once
/* What the parts of the Parquet reader share: the schema tree, the footer, and the decoding of one leaf column. */

#include "format/parquet/parquet.h"

typedef enum ParquetPhysical {
    PARQUET_BOOLEAN = 0,
    PARQUET_INT32 = 1,
    PARQUET_INT64 = 2,
    PARQUET_INT96 = 3,
    PARQUET_FLOAT = 4,
    PARQUET_DOUBLE = 5,
    PARQUET_BYTE_ARRAY = 6,
    PARQUET_FIXED = 7,
} ParquetPhysical;

typedef enum ParquetEncoding {
    PARQUET_PLAIN = 0,
    PARQUET_PLAIN_DICTIONARY = 2,
    PARQUET_RLE = 3,
    PARQUET_BIT_PACKED = 4,
    PARQUET_DELTA_BINARY_PACKED = 5,
    PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
    PARQUET_DELTA_BYTE_ARRAY = 7,
    PARQUET_RLE_DICTIONARY = 8,
    PARQUET_BYTE_STREAM_SPLIT = 9,
} ParquetEncoding;

typedef enum ParquetCodec {
    PARQUET_CODEC_NONE = 0,
    PARQUET_CODEC_SNAPPY = 1,
    PARQUET_CODEC_GZIP = 2,
    PARQUET_CODEC_LZO = 3,
    PARQUET_CODEC_BROTLI = 4,
    PARQUET_CODEC_LZ4_FRAMED = 5,
    PARQUET_CODEC_ZSTD = 6,
    PARQUET_CODEC_LZ4 = 7,
} ParquetCodec;

typedef enum ParquetRepetition { PARQUET_REQUIRED = 0, PARQUET_OPTIONAL = 1, PARQUET_REPEATED = 2 } ParquetRepetition;

/* What a column means beyond its physical type, from the logical type or the older converted type. */
typedef enum ParquetMeaning {
    MEANS_NOTHING,
    MEANS_STRING,
    MEANS_ENUM,
    MEANS_JSON,
    MEANS_BSON,
    MEANS_UUID,
    MEANS_FLOAT16,
    MEANS_DECIMAL,
    MEANS_DATE,
    MEANS_TIME,
    MEANS_TIMESTAMP,
    MEANS_SIGNED,
    MEANS_UNSIGNED,
    MEANS_LIST,
    MEANS_MAP,
    MEANS_NULL,
    MEANS_UNKNOWN, /* a logical type that is newer than this reader */
} ParquetMeaning;

typedef enum ParquetUnit { PARQUET_MILLIS = 1, PARQUET_MICROS = 2, PARQUET_NANOS = 3 } ParquetUnit;

/* From raw values to those of a vector. */
typedef enum ParquetConvert {
    CONVERT_COPY,          /* as they are */
    CONVERT_BOOL,
    CONVERT_DATE,          /* as they are, in range */
    CONVERT_INTEGER,       /* INT32 or INT64, signed or not, to an integer or decimal of any width */
    CONVERT_MICROSECONDS,  /* times multiplier / divisor: TIME */
    CONVERT_DATETIME,      /* the same, in range, perhaps by time zone */
    CONVERT_INT96,
    CONVERT_FIXED_DECIMAL,
    CONVERT_BINARY_DECIMAL,
    CONVERT_FLOAT16,
    CONVERT_STRING,        /* of bounded length */
    CONVERT_FIXED_STRING,
    CONVERT_UUID,
    CONVERT_JSON,
} ParquetConvert;

typedef struct ParquetNode {
    StrView name;
    struct ParquetNode *children;
    uint32_t child_count; /* 0: a leaf */
    uint32_t first_leaf, leaf_count;
    uint8_t physical, repetition, meaning, unit;
    bool is_signed, is_instant;
    uint8_t max_def, max_rep;
    int32_t fixed_length;
    int32_t precision, scale, bit_width;
    uint8_t convert; /* of leaves */
    bool is_wrapper; /* the middle level of a list */
    bool is_bare;    /* repeated outside of a list or map: an array of itself */
    Type value_type; /* of leaves: of one value, repeated or not */
    Type type;       /* TYPE_NULL: see problem */
    const char *problem;
} ParquetNode;

typedef struct ParquetStatistics {
    bool has_null_count, has_old_bounds, has_min, has_max;
    int64_t null_count;
    StrView min, max;
} ParquetStatistics;

typedef struct ColumnChunk {
    uint8_t physical, codec;
    bool is_here; /* in this file */
    int64_t value_count;
    uint64_t offset, length; /* dictionary and pages */
    ParquetStatistics statistics;
} ColumnChunk;

typedef struct RowGroup {
    uint64_t row_count;
    ColumnChunk *columns; /* a leaf each */
} RowGroup;

struct ParquetFile {
    Arena arena;
    ParquetSource source;
    const TimeZone *zone;
    ParquetNode root;
    const ParquetNode **leaves;
    uint32_t leaf_count;
    RowGroup *groups;
    uint32_t group_count;
    uint64_t row_count;
};

/* One field of the schema, in the order of the file. */
typedef struct SchemaElement {
    StrView name;
    int32_t physical, fixed_length, repetition, child_count, converted, scale, precision;
    uint8_t meaning; /* of the logical type; MEANS_NOTHING: there is none */
    uint8_t unit;
    bool is_signed, is_instant;
    int32_t bit_width;
} SchemaElement;

enum { PARQUET_MOST_DEPTH = 32, PARQUET_MOST_LEAVES = 100000 };

/* parquet_footer.c: the footer's bytes live as long as the file. */
Status parquet_read_footer(ParquetFile *file, StrView bytes, Diag *diag);
/* parquet_schema.c */
Status parquet_build_schema(ParquetFile *file, const SchemaElement *elements, uint32_t count, Diag *diag);
/* parquet_type.c: the type of ours that a leaf has, and how its values become it. */
void parquet_leaf_type(ParquetNode *leaf);

/* ---- bytes of column chunks: parquet_bytes.c ---- */

/* Bytes of column chunks that lie close together are read at once. */
typedef struct ByteGroup {
    uint64_t offset, length;
    Buffer buffer;
    bool is_loaded;
} ByteGroup;

typedef struct ByteWindow {
    ByteGroup *group; /* NULL: a window of its own */
    uint64_t at, end; /* in the file: what is next, and where the column chunk ends */
    Buffer buffer;
    uint64_t buffer_at, buffer_length;
} ByteWindow;

typedef struct ByteRange {
    uint64_t offset, length;
    ByteWindow *window;
} ByteRange;

/* Sets up the windows; reorders ranges. groups: room for count of them. */
void parquet_plan_reads(ByteRange *ranges, uint32_t count, ByteGroup *groups, uint32_t *out_group_count);
/* The next length bytes, with slack behind them; valid until the next call. length is within the column chunk. */
Status parquet_window_get(const ParquetFile *file, ByteWindow *window, uint64_t length, MemTracker *tracker, Diag *diag, const uint8_t **out);
/* What is there already. */
uint64_t parquet_window_ready(const ByteWindow *window);

/* ---- codecs: parquet_codec.c ---- */
const char *parquet_codec_name(uint8_t codec);
bool parquet_codec_is_known(uint8_t codec);
/* out has plain_length bytes and slack. False: damaged, or of another length. */
bool parquet_decompress(uint8_t codec, StrView bytes, void *out, size_t plain_length);
/* Can so few bytes be that many? Asked before memory is taken for them. */
bool parquet_is_plausible(uint8_t codec, StrView bytes, size_t plain_length);
