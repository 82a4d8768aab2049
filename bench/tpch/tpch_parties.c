#include "tpch/tpch_tables.h"
#include "tpch/tpch_words.h"

/* Rows of region, nation, supplier and customer. */

char *region_generate(const TpchContext *context, int64_t first, int64_t count, char *at)
{
    static const StreamId ids[] = {STREAM_REGION_COMMENT};
    StreamSet set;
    stream_set_open(&set, ids, COUNT_OF(ids), (uint64_t)first - 1);
    for (int64_t key = first; key < first + count; key++, stream_set_next_row(&set)) {
        at = put_uint_field(at, (uint64_t)key - 1);
        at = put_text_field(at, region_names[key - 1]);
        at = put_comment(at, &context->text, &set.at[STREAM_REGION_COMMENT], 28, 115);
        at = put_text(at, "|\n");
    }
    return at;
}

char *nation_generate(const TpchContext *context, int64_t first, int64_t count, char *at)
{
    static const StreamId ids[] = {STREAM_NATION_COMMENT};
    StreamSet set;
    stream_set_open(&set, ids, COUNT_OF(ids), (uint64_t)first - 1);
    for (int64_t key = first; key < first + count; key++, stream_set_next_row(&set)) {
        at = put_uint_field(at, (uint64_t)key - 1);
        at = put_text_field(at, nations[key - 1].name);
        at = put_uint_field(at, (uint64_t)nations[key - 1].region);
        at = put_comment(at, &context->text, &set.at[STREAM_NATION_COMMENT], 28, 115);
        at = put_text(at, "|\n");
    }
    return at;
}

/* Ten suppliers in ten thousand have a customer's remark written over their comment: "Customer",
 * a gap of the original text, then "Complaints" or "Recommends". Whether they do or not, every
 * supplier draws for it. */
static void supplier_remark(StreamSet *set, char *comment, int64_t length)
{
    enum { HEAD_BYTES = 9, TAIL_BYTES = 10 };
    bool chosen = stream_draw(&set->at[STREAM_REMARK_CHOICE], 1, 10000) <= 10;
    bool complaint = stream_draw(&set->at[STREAM_REMARK_KIND], 0, 100) < 50;
    int64_t slack = length - HEAD_BYTES - TAIL_BYTES;
    int64_t gap = stream_draw(&set->at[STREAM_REMARK_GAP], 0, slack);
    int64_t offset = stream_draw(&set->at[STREAM_REMARK_OFFSET], 0, slack - gap);
    if (!chosen)
        return;
    memcpy(comment + offset, "Customer ", HEAD_BYTES);
    memcpy(comment + offset + HEAD_BYTES + gap, complaint ? "Complaints" : "Recommends",
           TAIL_BYTES);
}

static char *supplier_row(const TpchContext *context, StreamSet *set, int64_t key, char *at)
{
    at = put_uint_field(at, (uint64_t)key);
    at = put_text(at, "Supplier#");
    at = put_char(put_padded(at, (uint64_t)key, 9), '|');
    at = put_char(put_address(at, &set->at[STREAM_SUPPLIER_ADDRESS]), '|');
    int64_t nation = stream_draw(&set->at[STREAM_SUPPLIER_NATION], 0, NUM_NATIONS - 1);
    at = put_uint_field(at, (uint64_t)nation);
    at = put_char(put_phone(at, &set->at[STREAM_SUPPLIER_PHONE], nation), '|');
    at = put_money_field(at, stream_draw(&set->at[STREAM_SUPPLIER_BALANCE], -99999, 999999));
    char *comment = at;
    at = put_comment(at, &context->text, &set->at[STREAM_SUPPLIER_COMMENT], 25, 100);
    supplier_remark(set, comment, at - comment);
    return put_text(at, "|\n");
}

char *supplier_generate(const TpchContext *context, int64_t first, int64_t count, char *at)
{
    static const StreamId ids[] = {
        STREAM_SUPPLIER_ADDRESS, STREAM_SUPPLIER_NATION,  STREAM_SUPPLIER_PHONE,
        STREAM_SUPPLIER_BALANCE, STREAM_SUPPLIER_COMMENT, STREAM_REMARK_GAP,
        STREAM_REMARK_KIND,      STREAM_REMARK_CHOICE,    STREAM_REMARK_OFFSET,
    };
    StreamSet set;
    stream_set_open(&set, ids, COUNT_OF(ids), (uint64_t)first - 1);
    for (int64_t key = first; key < first + count; key++, stream_set_next_row(&set))
        at = supplier_row(context, &set, key, at);
    return at;
}

static char *customer_row(const TpchContext *context, StreamSet *set, int64_t key, char *at)
{
    at = put_uint_field(at, (uint64_t)key);
    at = put_text(at, "Customer#");
    at = put_char(put_padded(at, (uint64_t)key, 9), '|');
    at = put_char(put_address(at, &set->at[STREAM_CUSTOMER_ADDRESS]), '|');
    int64_t nation = stream_draw(&set->at[STREAM_CUSTOMER_NATION], 0, NUM_NATIONS - 1);
    at = put_uint_field(at, (uint64_t)nation);
    at = put_char(put_phone(at, &set->at[STREAM_CUSTOMER_PHONE], nation), '|');
    at = put_money_field(at, stream_draw(&set->at[STREAM_CUSTOMER_BALANCE], -99999, 999999));
    at = put_choice(at, &set->at[STREAM_CUSTOMER_SEGMENT], market_segments, NUM_SEGMENTS);
    at = put_comment(at, &context->text, &set->at[STREAM_CUSTOMER_COMMENT], 29, 116);
    return put_text(at, "|\n");
}

char *customer_generate(const TpchContext *context, int64_t first, int64_t count, char *at)
{
    static const StreamId ids[] = {
        STREAM_CUSTOMER_ADDRESS, STREAM_CUSTOMER_NATION,  STREAM_CUSTOMER_PHONE,
        STREAM_CUSTOMER_BALANCE, STREAM_CUSTOMER_SEGMENT, STREAM_CUSTOMER_COMMENT,
    };
    StreamSet set;
    stream_set_open(&set, ids, COUNT_OF(ids), (uint64_t)first - 1);
    for (int64_t key = first; key < first + count; key++, stream_set_next_row(&set))
        at = customer_row(context, &set, key, at);
    return at;
}
