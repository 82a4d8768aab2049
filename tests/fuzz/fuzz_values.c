/* Any bytes as the text of a value: the first chooses a type. What parses prints, and what was printed is the
 * same value. Type names are read and printed as well. */

#include <stdint.h>
#include <stdlib.h>

#include "types/datetime.h"
#include "types/datum.h"
#include "types/decimal.h"
#include "types/number_text.h"
#include "types/time_zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Type chosen_type(uint8_t choice, Arena *arena)
{
    static const TypeKind kinds[] = {TYPE_BOOLEAN, TYPE_TINYINT, TYPE_SMALLINT, TYPE_INT, TYPE_BIGINT, TYPE_LARGEINT, TYPE_FLOAT,
                                     TYPE_DOUBLE, TYPE_DATE, TYPE_DATETIME, TYPE_JSON, TYPE_TIME};
    if (choice < COUNT_OF(kinds))
        return type_of(kinds[choice]);
    if (choice < 64)
        return type_decimal(18, 4);
    if (choice < 128)
        return type_decimal(38, 9);
    return choice < 192 ? type_decimal(60, 20) : type_array(arena, type_of(TYPE_INT));
}

static void check_value(Type type, StrView text, Arena *arena)
{
    Datum value, again;
    AUTO_BYTEBUF printed = {0};
    AUTO_BYTEBUF encoded = {0};
    if (datum_parse(type, text, arena, NULL, &value) != OK || value.is_null)
        return;
    datum_print(type, &value, &printed);
    datum_encode(type, &value, &encoded);
    ByteReader reader = byte_reader(encoded.data, encoded.length);
    if (datum_decode(type, &reader, arena, NULL, &again) != OK || byte_reader_left(&reader) != 0)
        abort();
    if (type_is_nested(type) || type_is_float(type) || type.kind == TYPE_TIME)
        return; /* their text is not meant to be read back: rounded, or without quotes */
    if (datum_parse(type, bytebuf_view(&printed), arena, NULL, &again) != OK || datum_compare(type, &value, &again) != 0)
        abort();
}

static void check_type_name(StrView text, Arena *arena)
{
    Type type, again;
    AUTO_BYTEBUF printed = {0};
    AUTO_BYTEBUF stored = {0};
    if (type_parse(text, arena, NULL, &type) != OK)
        return;
    type_print_sql(type, &printed);
    type_encode(type, &stored);
    ByteReader reader = byte_reader(stored.data, stored.length);
    if (type_decode(&reader, arena, NULL, &again) != OK || !type_equal(type, again))
        abort();
    if (type_parse(bytebuf_view(&printed), arena, NULL, &again) != OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    StrView text = strview_n((const char *)data + 1, size - 1);
    CivilTime time;
    int64_t number;
    double real;
    Type decoded;
    ByteReader reader = byte_reader(text.data, text.length);
    check_value(chosen_type(data[0], &arena), text, &arena);
    check_type_name(text, &arena);
    (void)datetime_parse(text, &time);
    (void)double_parse(text, &real);
    (void)time_zone_find(text);
    if (int64_parse(text, &number))
        (void)datetime_from_number(number, &time);
    if (type_decode(&reader, &arena, NULL, &decoded) == OK) {
        Datum value;
        (void)datum_decode(decoded, &reader, &arena, NULL, &value);
    }
    return 0;
}
