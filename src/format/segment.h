#pragma once
/* Segments: our immutable columnar files. See README.md in this folder for the layout.
 *
 * Rows come in row groups of ROW_GROUP_PAGES pages; a page is up to CHUNK_ROWS rows of one column and
 * decodes alone. Zone maps (min, max, null count) exist a page; dictionaries a row group and column. */

#include "expr/eval.h"
#include "types/filter_spec.h"
#include "types/segment_ref.h"
#include "volume/volume.h"

/* A page is a chunk when it is read. */
enum { SEGMENT_PAGE_ROWS = CHUNK_ROWS < 4096 ? CHUNK_ROWS : 4096, ROW_GROUP_PAGES = 16 };

typedef struct SegmentColumn {
    uint32_t unique_id;
    Type type;
} SegmentColumn;

/* ---- writing ---- */
typedef struct SegmentWriter SegmentWriter;
/* sink gets the bytes in order; offsets in the file count from the first of them. */
typedef Status (*SegmentSink)(void *context, const void *data, size_t length, Diag *diag);
Status segment_writer_open(const SegmentColumn *columns, uint32_t count, SegmentSink sink, void *context, Diag *diag,
                           SegmentWriter **out_writer);
/* Before the first row: filters that pages get. Those of columns that the segment lacks are left out. */
void segment_writer_filter(SegmentWriter *writer, const SegmentFilterSpec *specs, uint32_t count);
/* Before the first rows: strings are packed quickly instead of well, for a segment that is merged before long. */
void segment_writer_hurry(SegmentWriter *writer);
/* columns[c] holds row_count values, dense; any form. Rows are taken in order. */
Status segment_writer_append(SegmentWriter *writer, const Vector *const *columns, uint32_t row_count);
Status segment_writer_finish(SegmentWriter *writer, uint64_t *out_length, uint64_t *out_rows);
void segment_writer_close(SegmentWriter *writer);

/* ---- reading ---- */
typedef struct Segment Segment;
Status segment_open(Volume *volume, const SegmentRef *ref, Diag *diag, Segment **out_segment);
/* Begins to fetch what segment_open() will need, where the volume is remote. */
void segment_prepare(Volume *volume, const SegmentRef *ref);
void segment_close(Segment *segment);
uint64_t segment_id(const Segment *segment); /* of the reference it was opened with */
StrView segment_path(const Segment *segment);
/* Whether the object is as it was when the segment was opened; false also after a read found bytes missing. */
bool segment_is_unchanged(Segment *segment);
/* Pages are checked against their checksums when they are first read, and again in every later epoch. */
void segment_set_epoch(Segment *segment, uint8_t epoch);
uint64_t segment_row_count(const Segment *segment);
/* Memory that it holds now: footer, dictionaries, symbol tables; not the mapped bytes. */
uint64_t segment_memory_bytes(Segment *segment);
uint32_t segment_page_count(const Segment *segment);
uint32_t segment_page_rows(const Segment *segment, uint32_t page);
uint32_t segment_column_count(const Segment *segment);
Type segment_column_type(const Segment *segment, int column); /* as it was written */
/* Position of the column by unique id, or -1: the segment is older than the column. */
int segment_find_column(const Segment *segment, uint32_t unique_id);
typedef struct PageStats {
    bool has_bounds;
    Datum min, max; /* of non-null values; strings may be cut (max rounded up) */
    uint32_t null_count;
    uint32_t row_count;
} PageStats;
/* The filter that a column has, or NULL. */
const SegmentFilterSpec *segment_filter(const Segment *segment, int column);
/* Can the page hold one of the hashes (all: all of them)? True when its filter is damaged. */
bool segment_page_may_hold(Segment *segment, uint32_t page, int column, const uint64_t *hashes, uint32_t count, bool all);
void segment_page_stats(const Segment *segment, uint32_t page, int column, PageStats *out_stats);
/* Of the whole column; bounds of integers only. */
void segment_column_stats(const Segment *segment, int column, PageStats *out_stats);
/* Decodes into memory of arena, or into vectors that live as long as the segment. target.phys may be
 * narrower than the default where the values fit. */
Status segment_read(Segment *segment, uint32_t page, int column, Type target, Arena *arena, Diag *diag, Vector *out);
/* The same when only some rows are looked at: the others may hold anything that is valid to copy. */
typedef struct SegmentRead {
    uint32_t page;
    int column;
    Type type;
    Rows rows;
    Arena *arena;
    Diag *diag;
} SegmentRead;
Status segment_read_rows(Segment *segment, const SegmentRead *read, Vector *out);
/* Begins to fetch pages that will be read, of one row group, where the volume is remote; columns of -1 are left out. */
enum { MOST_PREFETCH_COLUMNS = 256 };
void segment_prefetch(const Segment *segment, uint32_t first_page, uint32_t last_page, const int *columns, uint32_t column_count);
bool segment_is_remote(const Segment *segment);
/* Entries of the largest dictionary of a column; 0: a row group has none. */
uint32_t segment_dictionary_size(const Segment *segment, int column);
uint64_t segment_page_bytes(const Segment *segment, uint32_t page, int column);
/* For tools: where a page begins, what it is encoded as, and bytes beside the pages (dictionaries, symbol tables). */
enum { SEGMENT_ENCODINGS = 16 };
uint64_t segment_page_offset(const Segment *segment, uint32_t page, int column);
uint32_t segment_page_encoding(const Segment *segment, uint32_t page, int column);
const char *segment_encoding_name(uint32_t encoding);
uint64_t segment_dictionary_bytes(const Segment *segment, int column);
/* Reads every byte and checks every checksum. */
Status segment_verify(Segment *segment, Diag *diag);
/* Test hook: wrong checksums are let pass, so that fuzzing gets behind them. */
void segment_ignore_checksums(bool ignore);
