#include "tpch/tpch_tables.h"
#include "tpch/tpch_words.h"

/* Rows of part and partsupp. Each part is offered by four suppliers, spread over all of them. */

enum { SUPPLIERS_PER_PART = 4, NAME_COLORS = 5 };

int64_t part_supplier(const TpchScale *scale, int64_t part, int64_t slot)
{
    int64_t total = scale->num_suppliers;
    int64_t stride = total / SUPPLIERS_PER_PART + (part - 1) / total;
    return (part + slot * stride) % total + 1;
}

int64_t part_price_cents(int64_t part)
{
    return 90000 + part / 10 % 20001 + part % 1000 * 100;
}

/* A name is the first five colours of a shuffled list. The shuffle only ever swaps a place with a
 * later one, so it stops once these five are known; the row's other draws are skipped. */
static char *put_part_name(char *at, RandomStream *stream)
{
    uint8_t order[NUM_COLORS];
    for (int i = 0; i < NUM_COLORS; i++)
        order[i] = (uint8_t)i;
    for (int i = 0; i < NAME_COLORS; i++) {
        int64_t other = stream_draw(stream, i, NUM_COLORS - 1);
        uint8_t picked = order[other];
        order[other] = order[i];
        order[i] = picked;
        at = put_char(put_text(at, part_colors[picked]), i + 1 < NAME_COLORS ? ' ' : '|');
    }
    return at;
}

static char *put_part_type(char *at, RandomStream *stream)
{
    int64_t type = stream_draw(stream, 1, NUM_TYPE_CLASSES * NUM_TYPE_FINISHES * NUM_TYPE_METALS);
    int64_t index = type - 1;
    int64_t finish = index / NUM_TYPE_METALS;
    at = put_char(put_text(at, type_classes[finish / NUM_TYPE_FINISHES]), ' ');
    at = put_char(put_text(at, type_finishes[finish % NUM_TYPE_FINISHES]), ' ');
    return put_text_field(at, type_metals[index % NUM_TYPE_METALS]);
}

static char *put_part_container(char *at, RandomStream *stream)
{
    int64_t index = stream_draw(stream, 1, NUM_CONTAINER_SIZES * NUM_CONTAINER_KINDS) - 1;
    at = put_char(put_text(at, container_sizes[index / NUM_CONTAINER_KINDS]), ' ');
    return put_text_field(at, container_kinds[index % NUM_CONTAINER_KINDS]);
}

static char *part_row(const TpchContext *context, StreamSet *set, int64_t key, char *at)
{
    at = put_uint_field(at, (uint64_t)key);
    at = put_part_name(at, &set->at[STREAM_PART_NAME]);
    int64_t maker = stream_draw(&set->at[STREAM_PART_MANUFACTURER], 1, 5);
    int64_t brand = stream_draw(&set->at[STREAM_PART_BRAND], 1, 5);
    at = put_uint_field(put_text(at, "Manufacturer#"), (uint64_t)maker);
    at = put_uint_field(put_text(at, "Brand#"), (uint64_t)(maker * 10 + brand));
    at = put_part_type(at, &set->at[STREAM_PART_TYPE]);
    at = put_uint_field(at, (uint64_t)stream_draw(&set->at[STREAM_PART_SIZE], 1, 50));
    at = put_part_container(at, &set->at[STREAM_PART_CONTAINER]);
    at = put_money_field(at, part_price_cents(key));
    at = put_comment(at, &context->text, &set->at[STREAM_PART_COMMENT], 5, 22);
    return put_text(at, "|\n");
}

char *part_generate(const TpchContext *context, int64_t first, int64_t count, char *at)
{
    static const StreamId ids[] = {
        STREAM_PART_NAME, STREAM_PART_MANUFACTURER, STREAM_PART_BRAND,   STREAM_PART_TYPE,
        STREAM_PART_SIZE, STREAM_PART_CONTAINER,    STREAM_PART_COMMENT,
    };
    StreamSet set;
    stream_set_open(&set, ids, COUNT_OF(ids), (uint64_t)first - 1);
    for (int64_t key = first; key < first + count; key++, stream_set_next_row(&set))
        at = part_row(context, &set, key, at);
    return at;
}

static char *partsupp_rows(const TpchContext *context, StreamSet *set, int64_t part, char *at)
{
    for (int64_t slot = 0; slot < SUPPLIERS_PER_PART; slot++) {
        at = put_uint_field(at, (uint64_t)part);
        at = put_uint_field(at, (uint64_t)part_supplier(&context->scale, part, slot));
        at = put_uint_field(at, (uint64_t)stream_draw(&set->at[STREAM_PARTSUPP_QUANTITY], 1, 9999));
        at = put_money_field(at, stream_draw(&set->at[STREAM_PARTSUPP_COST], 100, 100000));
        at = put_comment(at, &context->text, &set->at[STREAM_PARTSUPP_COMMENT], 49, 198);
        at = put_text(at, "|\n");
    }
    return at;
}

char *partsupp_generate(const TpchContext *context, int64_t first, int64_t count, char *at)
{
    static const StreamId ids[] = {STREAM_PARTSUPP_QUANTITY, STREAM_PARTSUPP_COST,
                                   STREAM_PARTSUPP_COMMENT};
    StreamSet set;
    stream_set_open(&set, ids, COUNT_OF(ids), (uint64_t)first - 1);
    for (int64_t part = first; part < first + count; part++, stream_set_next_row(&set))
        at = partsupp_rows(context, &set, part, at);
    return at;
}
