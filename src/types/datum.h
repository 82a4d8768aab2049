#pragma once
/* One value outside a vector: constants, bounds of partitions and zone maps, defaults.
 * Strings and nested parts point into the arena of whoever made the datum. */

#include "types/str.h"
#include "types/type.h"

typedef struct Datum {
    bool is_null;
    union {
        int64_t i64;  /* BOOLEAN .. BIGINT, DATE, DATETIME, TIME, DECIMAL up to 18 digits */
        Int128 i128;  /* LARGEINT, DECIMAL beyond 18 digits (i64 is its low half) */
        double f64;   /* FLOAT, DOUBLE */
        Str str;
        const struct DatumList *list; /* ARRAY, MAP (keys, values alternate), STRUCT */
    };
} Datum;

typedef struct DatumList {
    uint32_t count;
    Datum *items;
} DatumList;

static inline Datum datum_null(void)
{
    return (Datum){.is_null = true};
}
static inline Datum datum_i64(int64_t value)
{
    return (Datum){.i128 = value}; /* sign-extended, so that i128 is valid as well */
}
static inline Datum datum_f64(double value)
{
    return (Datum){.f64 = value};
}
static inline Datum datum_str(StrView text)
{
    return (Datum){.str = str_make(text.data, text.length)};
}
/* Integers of every width keep i128 sign-extended, so one comparison serves all. Both of type. NULL
 * sorts first. */
int datum_compare(Type type, const Datum *a, const Datum *b);
Datum datum_copy(Arena *arena, Type type, const Datum *datum);
/* Text as a client sees it (no quotes); NULL prints "NULL". */
void datum_print(Type type, const Datum *datum, ByteBuf *out);
/* Parses text of a literal of that type (strict: the whole text must be a value). */
Status datum_parse(Type type, StrView text, Arena *arena, Diag *diag, Datum *out_datum);
void datum_encode(Type type, const Datum *datum, ByteBuf *out);
Status datum_decode(Type type, ByteReader *reader, Arena *arena, Diag *diag, Datum *out_datum);
