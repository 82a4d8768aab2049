#include "tpch/tpch_random.h"

/* Seeds and draws a row of each stream. Streams of line items hold the draws of the seven lines an
 * order can have; streams of partsupp those of a part's four suppliers. */

typedef struct StreamSeed {
    uint32_t seed;
    uint32_t draws_per_row;
} StreamSeed;

static const StreamSeed stream_seeds[STREAM_COUNT] = {
    [STREAM_PART_MANUFACTURER] = {1, 1},
    [STREAM_PART_BRAND] = {46831694, 1},
    [STREAM_PART_TYPE] = {1841581359, 1},
    [STREAM_PART_SIZE] = {1193163244, 1},
    [STREAM_PART_CONTAINER] = {727633698, 1},
    [STREAM_TEXT_POOL] = {933588178, 1},
    [STREAM_PART_COMMENT] = {804159733, 2},
    [STREAM_PARTSUPP_QUANTITY] = {1671059989, 4},
    [STREAM_PARTSUPP_COST] = {1051288424, 4},
    [STREAM_PARTSUPP_COMMENT] = {1961692154, 8},
    [STREAM_ORDER_CLERK] = {1171034773, 1},
    [STREAM_ORDER_COMMENT] = {276090261, 2},
    [STREAM_ORDER_DATE] = {1066728069, 1},
    [STREAM_LINE_QUANTITY] = {209208115, 7},
    [STREAM_LINE_DISCOUNT] = {554590007, 7},
    [STREAM_LINE_TAX] = {721958466, 7},
    [STREAM_LINE_INSTRUCTION] = {1371272478, 7},
    [STREAM_LINE_MODE] = {675466456, 7},
    [STREAM_LINE_PART] = {1808217256, 7},
    [STREAM_LINE_SUPPLIER] = {2095021727, 7},
    [STREAM_LINE_SHIP_DATE] = {1769349045, 7},
    [STREAM_LINE_COMMIT_DATE] = {904914315, 7},
    [STREAM_LINE_RECEIPT_DATE] = {373135028, 7},
    [STREAM_LINE_RETURN_FLAG] = {717419739, 7},
    [STREAM_LINE_COMMENT] = {1095462486, 14},
    [STREAM_CUSTOMER_ADDRESS] = {881155353, 9},
    [STREAM_CUSTOMER_NATION] = {1489529863, 1},
    [STREAM_CUSTOMER_PHONE] = {1521138112, 3},
    [STREAM_CUSTOMER_BALANCE] = {298370230, 1},
    [STREAM_CUSTOMER_SEGMENT] = {1140279430, 1},
    [STREAM_CUSTOMER_COMMENT] = {1335826707, 2},
    [STREAM_SUPPLIER_ADDRESS] = {706178559, 9},
    [STREAM_SUPPLIER_NATION] = {110356601, 1},
    [STREAM_SUPPLIER_PHONE] = {884434366, 3},
    [STREAM_SUPPLIER_BALANCE] = {962338209, 1},
    [STREAM_SUPPLIER_COMMENT] = {1341315363, 2},
    [STREAM_PART_NAME] = {709314158, 92},
    [STREAM_ORDER_PRIORITY] = {591449447, 1},
    [STREAM_ORDER_CUSTOMER] = {851767375, 1},
    [STREAM_NATION_COMMENT] = {606179079, 2},
    [STREAM_REGION_COMMENT] = {1500869201, 2},
    [STREAM_ORDER_LINES] = {1434868289, 1},
    [STREAM_REMARK_GAP] = {263032577, 1},
    [STREAM_REMARK_KIND] = {753643799, 1},
    [STREAM_REMARK_CHOICE] = {202794285, 1},
    [STREAM_REMARK_OFFSET] = {715851524, 1},
};

uint32_t random_power(uint32_t base, uint64_t exponent)
{
    uint32_t result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = random_multiply(result, base);
        base = random_multiply(base, base);
    }
    return result;
}

uint32_t random_seed(StreamId id)
{
    return stream_seeds[id].seed;
}

void stream_set_open(StreamSet *set, const StreamId *ids, uint32_t num_ids, uint64_t row)
{
    set->ids = ids;
    set->num_ids = num_ids;
    for (uint32_t i = 0; i < num_ids; i++) {
        const StreamSeed *seed = &stream_seeds[ids[i]];
        RandomStream *stream = &set->at[ids[i]];
        stream->row_multiplier = random_power(RANDOM_MULTIPLIER, seed->draws_per_row);
        stream->row_value = random_multiply(seed->seed, random_power(stream->row_multiplier, row));
        stream->value = stream->row_value;
    }
}

void stream_set_next_row(StreamSet *set)
{
    for (uint32_t i = 0; i < set->num_ids; i++) {
        RandomStream *stream = &set->at[set->ids[i]];
        stream->row_value = random_multiply(stream->row_value, stream->row_multiplier);
        stream->value = stream->row_value;
    }
}
