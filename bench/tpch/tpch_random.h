#pragma once
/* The random streams of the TPC-H data generator.
 *
 * Every column draws from a stream of its own: x' = 16807 x mod (2^31 - 1), from a fixed seed. A row
 * owns a fixed number of draws of each stream, used or not, so that row n starts at
 * seed * (16807^draws)^n and any range of rows can be made alone. One thread a stream set. */

#include <stdint.h>

/* Order and number follow the published list of streams; gaps are streams without a column. */
typedef enum StreamId {
    STREAM_PART_MANUFACTURER,
    STREAM_PART_BRAND,
    STREAM_PART_TYPE,
    STREAM_PART_SIZE,
    STREAM_PART_CONTAINER,
    STREAM_TEXT_POOL,
    STREAM_PART_COMMENT,
    STREAM_PARTSUPP_QUANTITY,
    STREAM_PARTSUPP_COST,
    STREAM_PARTSUPP_COMMENT,
    STREAM_ORDER_CLERK,
    STREAM_ORDER_COMMENT,
    STREAM_ORDER_DATE,
    STREAM_LINE_QUANTITY,
    STREAM_LINE_DISCOUNT,
    STREAM_LINE_TAX,
    STREAM_LINE_INSTRUCTION,
    STREAM_LINE_MODE,
    STREAM_LINE_PART,
    STREAM_LINE_SUPPLIER,
    STREAM_LINE_SHIP_DATE,
    STREAM_LINE_COMMIT_DATE,
    STREAM_LINE_RECEIPT_DATE,
    STREAM_LINE_RETURN_FLAG,
    STREAM_LINE_COMMENT,
    STREAM_CUSTOMER_ADDRESS,
    STREAM_CUSTOMER_NATION,
    STREAM_CUSTOMER_PHONE,
    STREAM_CUSTOMER_BALANCE,
    STREAM_CUSTOMER_SEGMENT,
    STREAM_CUSTOMER_COMMENT,
    STREAM_SUPPLIER_ADDRESS,
    STREAM_SUPPLIER_NATION,
    STREAM_SUPPLIER_PHONE,
    STREAM_SUPPLIER_BALANCE,
    STREAM_SUPPLIER_COMMENT,
    STREAM_PART_NAME,
    STREAM_ORDER_PRIORITY,
    STREAM_ORDER_CUSTOMER,
    STREAM_NATION_COMMENT,
    STREAM_REGION_COMMENT,
    STREAM_ORDER_LINES,
    STREAM_REMARK_GAP,
    STREAM_REMARK_KIND,
    STREAM_REMARK_CHOICE,
    STREAM_REMARK_OFFSET,
    STREAM_COUNT
} StreamId;

enum { RANDOM_MODULUS = 2147483647, RANDOM_MULTIPLIER = 16807 };

typedef struct RandomStream {
    uint32_t value;          /* last draw */
    uint32_t row_value;      /* value at the start of the current row */
    uint32_t row_multiplier; /* 16807^draws of a row */
} RandomStream;

/* The streams a table draws from, together at one row. */
typedef struct StreamSet {
    RandomStream at[STREAM_COUNT]; /* only those of ids are set */
    const StreamId *ids;
    uint32_t num_ids;
} StreamSet;

/* a * b mod (2^31 - 1), for factors below the modulus: a power of two is 1 under it, so the high
 * half of the product is simply added to the low half. */
static inline uint32_t random_multiply(uint32_t a, uint32_t b)
{
    uint64_t product = (uint64_t)a * b;
    uint32_t sum = (uint32_t)(product & RANDOM_MODULUS) + (uint32_t)(product >> 31);
    return sum >= RANDOM_MODULUS ? sum - RANDOM_MODULUS : sum;
}

uint32_t random_power(uint32_t base, uint64_t exponent);
uint32_t random_seed(StreamId id);

/* Places the streams of ids at a row, counted from 0. ids must outlive the set. */
void stream_set_open(StreamSet *set, const StreamId *ids, uint32_t num_ids, uint64_t row);
void stream_set_next_row(StreamSet *set);

/* A value of [0, range), computed through double as the official generator does. A negative range
 * yields (range, 0]: see stream_draw_bits. */
static inline int64_t random_scale(uint32_t value, double range)
{
    return (int64_t)((double)value / (double)RANDOM_MODULUS * range);
}

/* Uniform in [low, high]. */
static inline int64_t stream_draw(RandomStream *stream, int64_t low, int64_t high)
{
    stream->value = random_multiply(stream->value, RANDOM_MULTIPLIER);
    return low + random_scale(stream->value, (double)(high - low + 1));
}

/* Thirty random bits for five characters. The official range, 0 to 2^31 - 1, has a size that
 * overflows 32 bits, so all its draws are negative; the data depends on it. */
static inline int64_t stream_draw_bits(RandomStream *stream)
{
    stream->value = random_multiply(stream->value, RANDOM_MULTIPLIER);
    return random_scale(stream->value, -2147483648.0);
}
