#include "format/parquet/parquet_leaf.h"

/* Rows of one leaf column, across its pages. */

static uint32_t leaf_width(const LeafReader *leaf)
{
    return phys_width(leaf->node->value_type.phys);
}

void parquet_leaf_init(LeafReader *leaf, const ParquetFile *file, uint32_t group, uint32_t index, MemTracker *tracker)
{
    *leaf = (LeafReader){.file = file,
                         .node = file->leaves[index],
                         .chunk = &file->groups[group].columns[index],
                         .group = group,
                         .tracker = tracker,
                         .unread = (uint64_t)file->groups[group].columns[index].value_count};
    arena_init(&leaf->batch, tracker);
    arena_init(&leaf->kept, tracker);
}

static void free_retired(LeafReader *leaf)
{
    for (uint32_t i = 0; i < leaf->retired.count; i++) {
        if (leaf->spare.data == NULL) {
            leaf->spare = leaf->retired.items[i];
            continue;
        }
        buffer_free(&leaf->retired.items[i]);
    }
    memset(&leaf->retired, 0, sizeof(leaf->retired));
}

void parquet_leaf_close(LeafReader *leaf)
{
    free_retired(leaf);
    buffer_free(&leaf->body);
    buffer_free(&leaf->spare);
    buffer_free(&leaf->dictionary_body);
    buffer_free(&leaf->dictionary_values);
    buffer_free(&leaf->window.buffer);
    bytebuf_deinit(&leaf->previous);
    arena_deinit(&leaf->kept);
    arena_deinit(&leaf->batch);
}

Status parquet_leaf_error(const LeafReader *leaf, Status code, Diag *diag, const char *what)
{
    return diag_raise(diag, code, "%s: row group %u, column %.*s: %s", leaf->file->source.name, leaf->group, SV_ARGS(leaf->node->name), what);
}

void parquet_leaf_begin(LeafReader *leaf)
{
    free_retired(leaf);
    arena_reset(&leaf->batch);
}

/* ---- columns outside of groups: a level says whether there is a value ---- */

typedef struct FlatRead {
    uint32_t rows, done;
    char *data;      /* values of rows; NULL while all are codes */
    uint32_t *codes; /* NULL: values */
    uint8_t *nulls;  /* NULL: none so far */
} FlatRead;

static void *leaf_alloc(LeafReader *leaf, uint32_t rows, uint32_t width)
{
    return arena_alloc_aligned(&leaf->batch, (size_t)rows * width + LEAF_SLACK_BYTES, LEAF_SLACK_BYTES);
}

/* Marks the NULLs of the next rows; out_values: how many are none. */
static Status read_nulls(LeafReader *leaf, FlatRead *read, uint32_t count, uint32_t *out_values, Diag *diag)
{
    uint8_t highest = leaf->node->max_def;
    *out_values = count;
    if (highest == 0 || hybrid_skip_run(&leaf->defs, count, highest))
        return OK;
    if (!hybrid_read(&leaf->defs, count, 1, leaf->level_block))
        return parquet_leaf_error(leaf, ERR_CORRUPT, diag, "the levels of a page are damaged");
    uint32_t values = 0;
    for (uint32_t i = 0; i < count; i++)
        values += leaf->level_block[i] == highest;
    if (values == count)
        return OK;
    if (read->nulls == NULL)
        read->nulls = memset(leaf_alloc(leaf, read->rows, 1), 0, (size_t)read->rows + LEAF_SLACK_BYTES);
    for (uint32_t i = 0; i < count; i++)
        read->nulls[read->done + i] = leaf->level_block[i] != highest;
    *out_values = values;
    return OK;
}

/* values dense ones at the begin of count places go to where there is no NULL; NULLs get zeros. */
#define SPREAD(T)                                                    \
    for (uint32_t i = count, from = values; i > from;) {             \
        i--;                                                         \
        T value = ((T *)data)[from > 0 ? from - 1 : 0], zero = {0};  \
        ((T *)data)[i] = nulls[i] != 0 ? zero : value;               \
        from -= nulls[i] == 0;                                       \
    }

static void spread(void *data, const uint8_t *nulls, uint32_t values, uint32_t count, uint32_t width)
{
    if (values == count)
        return;
    if (width == 1) {
        SPREAD(uint8_t)
    } else if (width == 4) {
        SPREAD(uint32_t)
    } else if (width == 8) {
        SPREAD(uint64_t)
    } else {
        SPREAD(Str)
    }
}

/* Codes become values: a page came that has none. */
static void decode_codes(LeafReader *leaf, FlatRead *read)
{
    uint32_t width = leaf_width(leaf);
    read->data = leaf_alloc(leaf, read->rows, width);
    if (read->codes != NULL && leaf->dictionary.dict_size > 0)
        parquet_gather(read->data, leaf->dictionary.data, read->codes, read->done, width);
    for (uint32_t i = 0; i < read->done && read->nulls != NULL && width == sizeof(Str); i++) {
        if (read->nulls[i] != 0)
            memset(read->data + (size_t)i * width, 0, width);
    }
    read->codes = NULL;
}

/* Strings with few entries stay codes: functions then run once an entry. */
static bool stays_coded(const LeafReader *leaf, const FlatRead *read)
{
    return parquet_page_has_codes(leaf) && leaf->node->value_type.phys == PHYS_STR && leaf->dictionary.dict_size > 0 &&
           leaf->dictionary.dict_size <= MOST_CODED_ENTRIES && read->data == NULL;
}

static Status read_part(LeafReader *leaf, FlatRead *read, Diag *diag)
{
    uint32_t count = MIN(read->rows - read->done, leaf->page_left), values;
    TRY(read_nulls(leaf, read, count, &values, diag));
    const uint8_t *nulls = read->nulls == NULL ? NULL : read->nulls + read->done;
    if (stays_coded(leaf, read)) {
        if (read->codes == NULL)
            read->codes = leaf_alloc(leaf, read->rows, sizeof(*read->codes));
        TRY(parquet_codes_read(leaf, values, read->codes + read->done, diag));
        spread(read->codes + read->done, nulls, values, count, sizeof(*read->codes));
    } else {
        uint32_t width = leaf_width(leaf);
        if (read->data == NULL)
            decode_codes(leaf, read);
        TRY(parquet_values_read(leaf, values, read->data + (size_t)read->done * width, diag));
        spread(read->data + (size_t)read->done * width, nulls, values, count, width);
    }
    leaf->page_left -= count;
    read->done += count;
    return OK;
}

Status parquet_leaf_read_flat(LeafReader *leaf, uint32_t rows, Vector *out, Diag *diag)
{
    FlatRead read = {.rows = rows};
    while (read.done < rows) {
        TRY(parquet_next_page(leaf, diag));
        TRY(read_part(leaf, &read, diag));
    }
    *out = (Vector){.type = leaf->node->value_type, .form = VECTOR_FLAT, .data = read.data, .nulls = read.nulls, .capacity = rows};
    if (read.codes != NULL) {
        out->form = VECTOR_DICTIONARY;
        out->codes = read.codes;
        out->dictionary = &leaf->dictionary;
        out->dict_size = leaf->dictionary.dict_size;
        out->dict_id = leaf->dictionary.dict_id;
    }
    return OK;
}

/* ---- nested columns ---- */

typedef struct LevelRead {
    uint8_t *defs, *reps;
    char *values;
    uint32_t count, capacity; /* levels */
    uint32_t value_count, value_capacity;
    uint32_t rows; /* begun */
} LevelRead;

static Status grow(LeafReader *leaf, uint32_t wanted, uint32_t width, uint32_t used, uint32_t *capacity, void **data, Diag *diag)
{
    uint64_t next = MAX((uint64_t)wanted, (uint64_t)*capacity * 2);
    if (next > INT32_MAX)
        return parquet_leaf_error(leaf, ERR_LIMIT_EXCEEDED, diag, "the lists of one chunk have too many values");
    if (leaf->tracker != NULL)
        TRY(mem_check_room(leaf->tracker, (int64_t)(next * width), diag));
    void *grown = leaf_alloc(leaf, (uint32_t)next, width);
    if (used > 0)
        memcpy(grown, *data, (size_t)used * width);
    *data = grown;
    *capacity = (uint32_t)next;
    return OK;
}

static Status reserve(LeafReader *leaf, LevelRead *read, uint32_t levels, uint32_t values, Diag *diag)
{
    void *data = read->defs;
    uint32_t capacity = read->capacity;
    if (read->count + levels > read->capacity) {
        TRY(grow(leaf, read->count + levels, 1, read->count, &capacity, &data, diag));
        read->defs = data;
        data = read->reps;
        capacity = read->capacity;
        TRY(grow(leaf, read->count + levels, 1, read->count, &capacity, &data, diag));
        read->reps = data;
        read->capacity = capacity;
    }
    data = read->values;
    if (read->value_count + values > read->value_capacity) {
        TRY(grow(leaf, read->value_count + values, leaf_width(leaf), read->value_count, &read->value_capacity, &data, diag));
        read->values = data;
    }
    return OK;
}

static Status read_level(LeafReader *leaf, HybridReader *levels, uint8_t highest, uint32_t count, uint8_t *out, Diag *diag)
{
    uint8_t found = 0;
    if (highest == 0) {
        memset(out, 0, count);
        return OK;
    }
    bool is_right = hybrid_read(levels, count, 1, out);
    for (uint32_t i = 0; i < count && is_right; i++)
        found = out[i] > found ? out[i] : found;
    return is_right && found <= highest ? OK : parquet_leaf_error(leaf, ERR_CORRUPT, diag, "the levels of a page are damaged");
}

/* Decodes the next levels; none are left when the column chunk ends. */
static Status fill_block(LeafReader *leaf, Diag *diag)
{
    leaf->block_at = leaf->block_count = 0;
    if (leaf->page_left == 0 && leaf->unread == 0)
        return OK;
    TRY(parquet_next_page(leaf, diag));
    uint32_t count = MIN(leaf->page_left, (uint32_t)MIN(LEVEL_BLOCK, CHUNK_ROWS));
    TRY(read_level(leaf, &leaf->reps, leaf->node->max_rep, count, leaf->block_reps, diag));
    TRY(read_level(leaf, &leaf->defs, leaf->node->max_def, count, leaf->block_defs, diag));
    leaf->page_left -= count;
    leaf->block_count = count;
    return OK;
}

/* How many levels of the block belong to the rows that are wanted. */
static uint32_t levels_of_rows(const LeafReader *leaf, LevelRead *read, uint32_t rows, uint32_t *out_values)
{
    uint32_t at = leaf->block_at, values = 0;
    for (; at < leaf->block_count; at++) {
        bool begins = leaf->block_reps[at] == 0;
        if (begins && read->rows == rows)
            break;
        read->rows += begins;
        values += leaf->block_defs[at] == leaf->node->max_def;
    }
    *out_values = values;
    return at - leaf->block_at;
}

Status parquet_leaf_read_levels(LeafReader *leaf, uint32_t rows, LeafBatch *out, Diag *diag)
{
    LevelRead read = {0};
    for (;;) {
        uint32_t values;
        if (leaf->block_at == leaf->block_count)
            TRY(fill_block(leaf, diag));
        uint32_t levels = levels_of_rows(leaf, &read, rows, &values);
        if (levels == 0)
            break;
        TRY(reserve(leaf, &read, levels, values, diag));
        memcpy(read.defs + read.count, leaf->block_defs + leaf->block_at, levels);
        memcpy(read.reps + read.count, leaf->block_reps + leaf->block_at, levels);
        TRY(parquet_values_read(leaf, values, read.values + (size_t)read.value_count * leaf_width(leaf), diag));
        read.count += levels;
        read.value_count += values;
        leaf->block_at += levels;
    }
    if (read.rows != rows || (read.count > 0 && read.reps[0] != 0))
        return parquet_leaf_error(leaf, ERR_CORRUPT, diag, "it has fewer rows than its row group");
    *out = (LeafBatch){read.defs, read.reps, read.count, read.values};
    return OK;
}
