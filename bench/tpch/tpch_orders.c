#include "tpch/tpch_tables.h"
#include "tpch/tpch_words.h"

/* Rows of orders and lineitem. Both walk over the same orders: an order's total and status follow
 * from its line items, and these hang on the order's key, date and number of lines. Dates are days
 * since 1992-01-01. */

enum {
    LAST_ORDER_DAY = TPCH_DAYS - 152, /* so that the last receipt still lies in 1998 */
    TODAY = 1263,                     /* 1995-06-17, the day at which the data is looked at */
    LINES_PER_ORDER_MAX = 7,
};

/* What an order and its line items share. */
typedef struct OrderLine {
    int64_t part;
    int64_t quantity;
    int64_t discount; /* percent, as is tax */
    int64_t tax;
    int64_t price_cents;
    int64_t ship_day;
} OrderLine;

/* Only 8 of 32 keys are used: two zero bits are put in above the lowest three. */
static uint64_t order_key(int64_t index)
{
    uint64_t number = (uint64_t)index;
    return (number >> 3 << 5) | (number & 7);
}

static OrderLine order_line_draw(const TpchContext *context, StreamSet *set, int64_t order_day)
{
    OrderLine line;
    line.quantity = stream_draw(&set->at[STREAM_LINE_QUANTITY], 1, 50);
    line.discount = stream_draw(&set->at[STREAM_LINE_DISCOUNT], 0, 10);
    line.tax = stream_draw(&set->at[STREAM_LINE_TAX], 0, 8);
    line.part = stream_draw(&set->at[STREAM_LINE_PART], 1, context->scale.num_parts);
    line.price_cents = part_price_cents(line.part) * line.quantity;
    line.ship_day = order_day + stream_draw(&set->at[STREAM_LINE_SHIP_DATE], 1, 121);
    return line;
}

/* Every third customer has no orders: a draw that hits one moves up, or down at the end. */
static int64_t order_customer(RandomStream *stream, int64_t num_customers)
{
    int64_t customer = stream_draw(stream, 1, num_customers);
    int64_t step = 1;
    while (customer % 3 == 0) {
        customer += step;
        if (customer > num_customers)
            customer = num_customers;
        step = -step;
    }
    return customer;
}

/* Draws the order's lines; returns its status. */
static char order_total(const TpchContext *context, StreamSet *set, int64_t order_day,
                        int64_t *out_total_cents)
{
    int64_t num_lines = stream_draw(&set->at[STREAM_ORDER_LINES], 1, LINES_PER_ORDER_MAX);
    int64_t num_shipped = 0;
    int64_t total = 0;
    for (int64_t i = 0; i < num_lines; i++) {
        OrderLine line = order_line_draw(context, set, order_day);
        total += line.price_cents * (100 - line.discount) / 100 * (100 + line.tax) / 100;
        num_shipped += line.ship_day <= TODAY;
    }
    *out_total_cents = total;
    if (num_shipped == num_lines)
        return 'F';
    return num_shipped > 0 ? 'P' : 'O';
}

static char *order_row(const TpchContext *context, StreamSet *set, int64_t index, char *at)
{
    const TpchScale *scale = &context->scale;
    int64_t day = stream_draw(&set->at[STREAM_ORDER_DATE], 0, LAST_ORDER_DAY);
    int64_t total_cents;
    char status = order_total(context, set, day, &total_cents);
    at = put_uint_field(at, order_key(index));
    int64_t customer = order_customer(&set->at[STREAM_ORDER_CUSTOMER], scale->num_customers);
    at = put_uint_field(at, (uint64_t)customer);
    at = put_char(put_char(at, status), '|');
    at = put_money_field(at, total_cents);
    at = put_date_field(at, &context->dates, day);
    at = put_choice(at, &set->at[STREAM_ORDER_PRIORITY], order_priorities, NUM_PRIORITIES);
    int64_t clerk = stream_draw(&set->at[STREAM_ORDER_CLERK], 1, scale->num_clerks);
    at = put_padded(put_text(at, "Clerk#"), (uint64_t)clerk, 9);
    at = put_text(at, "|0|");
    at = put_comment(at, &context->text, &set->at[STREAM_ORDER_COMMENT], 19, 78);
    return put_text(at, "|\n");
}

char *orders_generate(const TpchContext *context, int64_t first, int64_t count, char *at)
{
    static const StreamId ids[] = {
        STREAM_ORDER_DATE,    STREAM_ORDER_CUSTOMER, STREAM_ORDER_PRIORITY, STREAM_ORDER_CLERK,
        STREAM_ORDER_COMMENT, STREAM_ORDER_LINES,    STREAM_LINE_QUANTITY,  STREAM_LINE_DISCOUNT,
        STREAM_LINE_TAX,      STREAM_LINE_PART,      STREAM_LINE_SHIP_DATE,
    };
    StreamSet set;
    stream_set_open(&set, ids, COUNT_OF(ids), (uint64_t)first - 1);
    for (int64_t index = first; index < first + count; index++, stream_set_next_row(&set))
        at = order_row(context, &set, index, at);
    return at;
}

static char *put_line_flags(char *at, StreamSet *set, int64_t ship_day, int64_t receipt_day)
{
    char flag = 'N';
    if (receipt_day <= TODAY)
        flag = stream_draw(&set->at[STREAM_LINE_RETURN_FLAG], 1, 2) == 1 ? 'R' : 'A';
    at = put_char(put_char(at, flag), '|');
    return put_char(put_char(at, ship_day <= TODAY ? 'F' : 'O'), '|');
}

static char *line_row(const TpchContext *context, StreamSet *set, int64_t order_day,
                      int64_t line_number, char *at)
{
    const DateTable *dates = &context->dates;
    OrderLine line = order_line_draw(context, set, order_day);
    int64_t slot = stream_draw(&set->at[STREAM_LINE_SUPPLIER], 0, 3);
    int64_t commit_day = order_day + stream_draw(&set->at[STREAM_LINE_COMMIT_DATE], 30, 90);
    int64_t receipt_day = line.ship_day + stream_draw(&set->at[STREAM_LINE_RECEIPT_DATE], 1, 30);
    at = put_uint_field(at, (uint64_t)line.part);
    at = put_uint_field(at, (uint64_t)part_supplier(&context->scale, line.part, slot));
    at = put_uint_field(at, (uint64_t)line_number);
    at = put_uint_field(at, (uint64_t)line.quantity);
    at = put_money_field(at, line.price_cents);
    at = put_money_field(at, line.discount);
    at = put_money_field(at, line.tax);
    at = put_line_flags(at, set, line.ship_day, receipt_day);
    at = put_date_field(at, dates, line.ship_day);
    at = put_date_field(at, dates, commit_day);
    at = put_date_field(at, dates, receipt_day);
    at = put_choice(at, &set->at[STREAM_LINE_INSTRUCTION], ship_instructions, NUM_INSTRUCTIONS);
    at = put_choice(at, &set->at[STREAM_LINE_MODE], ship_modes, NUM_MODES);
    at = put_comment(at, &context->text, &set->at[STREAM_LINE_COMMENT], 10, 43);
    return put_text(at, "|\n");
}

static char *line_rows(const TpchContext *context, StreamSet *set, int64_t index, char *at)
{
    uint64_t key = order_key(index);
    int64_t order_day = stream_draw(&set->at[STREAM_ORDER_DATE], 0, LAST_ORDER_DAY);
    int64_t num_lines = stream_draw(&set->at[STREAM_ORDER_LINES], 1, LINES_PER_ORDER_MAX);
    for (int64_t number = 1; number <= num_lines; number++) {
        at = put_uint_field(at, key);
        at = line_row(context, set, order_day, number, at);
    }
    return at;
}

char *lineitem_generate(const TpchContext *context, int64_t first, int64_t count, char *at)
{
    static const StreamId ids[] = {
        STREAM_ORDER_DATE,       STREAM_ORDER_LINES,       STREAM_LINE_QUANTITY,
        STREAM_LINE_DISCOUNT,    STREAM_LINE_TAX,          STREAM_LINE_PART,
        STREAM_LINE_SHIP_DATE,   STREAM_LINE_SUPPLIER,     STREAM_LINE_COMMIT_DATE,
        STREAM_LINE_RECEIPT_DATE, STREAM_LINE_RETURN_FLAG, STREAM_LINE_INSTRUCTION,
        STREAM_LINE_MODE,        STREAM_LINE_COMMENT,
    };
    StreamSet set;
    stream_set_open(&set, ids, COUNT_OF(ids), (uint64_t)first - 1);
    for (int64_t index = first; index < first + count; index++, stream_set_next_row(&set))
        at = line_rows(context, &set, index, at);
    return at;
}
