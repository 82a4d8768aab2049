#pragma once
/* The eight tables of TPC-H: their keys, columns and row generators.
 *
 * A generator writes the rows of a range of keys as lines of fields, each followed by '|'. A key is
 * a row, but an order for lineitem and a part for partsupp. Any range can be made alone, by any
 * thread: a TpchContext is only read. */

#include "tpch/tpch_format.h"
#include "tpch/tpch_text.h"

/* Numbers of rows at a scale. */
typedef struct TpchScale {
    int64_t num_parts;
    int64_t num_suppliers;
    int64_t num_customers;
    int64_t num_orders;
    int64_t num_clerks;
} TpchScale;

typedef struct TpchContext {
    TpchScale scale;
    TextPool text;
    DateTable dates;
} TpchContext;

/* Writes keys first .. first + count - 1, counted from 1; returns the end of what it wrote. */
typedef char *(*TpchGenerator)(const TpchContext *context, int64_t first, int64_t count, char *at);

typedef struct TpchTable {
    const char *name;
    const char *columns; /* comma-separated */
    int64_t (*num_keys)(const TpchScale *scale);
    TpchGenerator generate;
    size_t key_max_bytes; /* what one key can take at most */
} TpchTable;

enum { TPCH_NUM_TABLES = 8 };
extern const TpchTable tpch_tables[TPCH_NUM_TABLES];

/* NULL if there is none. */
const TpchTable *tpch_table_find(const char *name);

/* `text` is 0.001 to 0.999 or a whole number from 1 to 10000. */
Status tpch_scale_parse(const char *text, TpchScale *out_scale, Diag *diag);

/* Puts a comment of min to max bytes. */
static inline char *put_comment(char *at, const TextPool *pool, RandomStream *stream, int min,
                                int max)
{
    int64_t offset = stream_draw(stream, 0, TEXT_POOL_BYTES - max);
    int64_t length = stream_draw(stream, min, max);
    return put_bytes(at, text_pool_data(pool) + offset, (size_t)length);
}

/* The key of a part's supplier, slot 0 to 3. */
int64_t part_supplier(const TpchScale *scale, int64_t part, int64_t slot);
int64_t part_price_cents(int64_t part);

char *region_generate(const TpchContext *context, int64_t first, int64_t count, char *at);
char *nation_generate(const TpchContext *context, int64_t first, int64_t count, char *at);
char *supplier_generate(const TpchContext *context, int64_t first, int64_t count, char *at);
char *customer_generate(const TpchContext *context, int64_t first, int64_t count, char *at);
char *part_generate(const TpchContext *context, int64_t first, int64_t count, char *at);
char *partsupp_generate(const TpchContext *context, int64_t first, int64_t count, char *at);
char *orders_generate(const TpchContext *context, int64_t first, int64_t count, char *at);
char *lineitem_generate(const TpchContext *context, int64_t first, int64_t count, char *at);
