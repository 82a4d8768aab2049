#pragma once
/* Writing: the tree of columns, and one leaf column of the row group that is being made. Of the folder.
 *
 * A leaf gathers levels and values of a page. Values are codes of the dictionary while it pays, else plain bytes. A page that is full is
 * encoded, compressed and kept, until the row group is written: then the dictionary goes first. */

#include "format/parquet/parquet_int.h"

/* What values are between vectors and bytes: integers and bits of floats as 64 bits, or bytes. */
typedef enum ValueClass { VALUE_BITS, VALUE_WORD, VALUE_BYTES } ValueClass;

typedef struct Dictionary {
    uint32_t *slots; /* code + 1 by hash; 0: free */
    uint32_t slot_count;
    uint32_t count;
    int64_t *words;  /* entries of VALUE_WORD */
    ByteBuf bytes;   /* entries of VALUE_BYTES */
    uint32_t *ends;  /* where they end in bytes */
    uint32_t capacity;
    bool is_given_up;
} Dictionary;

typedef struct ValueBounds {
    bool has_any, has_nan, is_cut;
    int64_t low, high;
    double low_float, high_float;
    Int128 low_wide, high_wide;
    ByteBuf low_text, high_text;
} ValueBounds;

typedef struct ColumnWriter {
    const struct WriteNode *node;
    uint8_t codec;
    /* the page */
    ByteBuf defs, reps; /* a byte an entry; reps only where there are any */
    uint32_t entries, null_count;
    uint32_t *codes; /* values, while there is a dictionary */
    uint32_t code_count, code_capacity;
    ByteBuf plain;   /* values, when there is none; bits of booleans a byte each */
    /* the column chunk */
    ByteBuf pages;   /* encoded */
    uint64_t plain_length; /* of pages, with headers */
    uint64_t entry_count, chunk_nulls;
    Dictionary dictionary;
    ValueBounds bounds;
    bool has_coded_page, has_plain_page;
    ByteBuf scratch;
} ColumnWriter;

typedef enum WriteKind { WRITE_LEAF, WRITE_LIST, WRITE_MAP, WRITE_STRUCT } WriteKind;

typedef struct WriteNode {
    StrView name;
    Type type;
    uint8_t kind; /* WriteKind */
    uint8_t max_def, max_rep; /* of the node when it is there; of entries of lists and maps one deeper */
    bool is_required;         /* keys of maps */
    struct WriteNode *children;
    uint32_t child_count;
    /* leaves */
    ColumnWriter *writer;
    uint8_t physical, meaning, value_class, width;
} WriteNode;

/* parquet_write_schema.c */
Status parquet_write_tree(const Type *types, const StrView *names, uint32_t count, Arena *arena, Diag *diag, WriteNode *out_root,
                          uint32_t *out_leaves);
/* The schema as the footer has it: a list of elements. */
uint32_t parquet_count_elements(const WriteNode *node);
void parquet_put_elements(const WriteNode *node, bool is_root, ByteBuf *out);

/* parquet_column_writer.c */
void parquet_column_init(ColumnWriter *column, const WriteNode *node, uint8_t codec);
void parquet_column_deinit(ColumnWriter *column);
/* Memory that it holds. */
uint64_t parquet_column_memory(const ColumnWriter *column);
/* An entry of nested columns; a value follows when def is the leaf's. */
void parquet_column_level(ColumnWriter *column, uint8_t rep, uint8_t def);
void parquet_column_words(ColumnWriter *column, const int64_t *words, uint32_t count);
void parquet_column_bits(ColumnWriter *column, const uint8_t *bits, uint32_t count);
void parquet_column_bytes(ColumnWriter *column, const StrView *values, uint32_t count);
/* Ends the page when it is full, or whatever its size. */
Status parquet_column_page(ColumnWriter *column, bool is_last, Diag *diag);
/* The dictionary page, if there is one. */
Status parquet_column_dictionary(ColumnWriter *column, ByteBuf *out, uint64_t *out_plain, Diag *diag);
/* Makes it ready for the next row group. */
void parquet_column_reset(ColumnWriter *column);

/* parquet_write_bounds.c */
void parquet_bounds_words(ValueBounds *bounds, const WriteNode *node, const int64_t *words, uint32_t count);
void parquet_bounds_bytes(ValueBounds *bounds, const WriteNode *node, StrView value);
/* The statistics of a column chunk as the struct that the footer has. */
void parquet_put_statistics(const ColumnWriter *column, ByteBuf *out);
void parquet_bounds_reset(ValueBounds *bounds);

/* parquet_write_levels.c: rows of a vector into the leaves of its node. */
Status parquet_write_vector(const WriteNode *node, const Vector *vector, Rows rows, Diag *diag);

/* parquet_codec.c */
Status parquet_compress(uint8_t codec, StrView plain, ByteBuf *out, Diag *diag);
