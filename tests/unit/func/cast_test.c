/* Casts a chunk at a time do what casts of single values do: all pairs of number types, texts, dates; values at the edges of what
 * fits, random ones, NULLs; dense, selected, constant and dictionary vectors. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/environment.h"
#include "func/json_value.h"
#include "func/function.h"
#include "types/decimal.h"

enum { ROWS = 512 };

static Type decimal(uint8_t precision, uint8_t scale)
{
    return type_decimal(precision, scale);
}

static uint32_t all_types(Type *out)
{
    Type all[] = {type_of(TYPE_TINYINT), type_of(TYPE_SMALLINT), type_of(TYPE_INT),      type_of(TYPE_BIGINT), type_of(TYPE_LARGEINT),
                  type_of(TYPE_FLOAT),   type_of(TYPE_DOUBLE),   decimal(5, 0),          decimal(9, 2),        decimal(9, 9),
                  decimal(12, 2),        decimal(18, 0),         decimal(18, 6),         decimal(18, 17),      decimal(20, 3),
                  decimal(30, 25),       decimal(38, 0),         decimal(38, 10),        decimal(38, 38),      type_varchar(0),
                  type_varchar(4),       type_of(TYPE_DATE),     type_of(TYPE_DATETIME), type_of(TYPE_BOOLEAN)};
    memcpy(out, all, sizeof(all));
    return COUNT_OF(all);
}

static Int128 random_wide(Random *random)
{
    Int128 value = (Int128)((UInt128)random_next(random) << 64 | random_next(random));
    return value >> random_next(random) % 127;
}

/* Powers of ten and of two, and what lies beside them; halves of what is dropped. */
static Int128 edge(Random *random)
{
    static const int8_t beside[] = {-1, 0, 1};
    Int128 base = random_next(random) % 2 == 0 ? decimal_powers[random_next(random) % 38] : (Int128)1 << random_next(random) % 126;
    base = random_next(random) % 4 == 0 ? base / 2 : base;
    base += beside[random_next(random) % 3];
    return random_next(random) % 2 == 0 ? base : -base;
}

static Int128 number_below(Random *random, Int128 most)
{
    for (;;) {
        Int128 value = random_next(random) % 2 == 0 ? edge(random) : random_wide(random);
        if (value <= most && value >= -most)
            return value;
    }
}

static Datum text_value(Random *random, Arena *arena)
{
    static const char *const strange[] = {"",
                                          " 12 ",
                                          "-",
                                          "+7",
                                          "1.",
                                          ".5",
                                          "-0",
                                          "-0.0",
                                          "1e3",
                                          "007",
                                          "abc",
                                          "1..2",
                                          "99999999999999999999",
                                          "9999999999999999999",
                                          "-9223372036854775808",
                                          "-1.5x",
                                          "2024-02-29",
                                          "0.000000000000000001",
                                          "12345678901234567890.5",
                                          "\xc3\xa4"};
    char text[64];
    if (random_next(random) % 4 == 0)
        return datum_str(strview(strange[random_next(random) % COUNT_OF(strange)]));
    int64_t whole = (int64_t)number_below(random, INT64_MAX);
    int digits = (int)(random_next(random) % 20);
    bool has_point = random_next(random) % 2 == 0;
    int length = has_point ? snprintf(text, sizeof(text), "%lld.%0*llu", (long long)whole, MAX(digits, 1),
                                      (unsigned long long)(random_next(random) % 100))
                           : snprintf(text, sizeof(text), "%lld", (long long)whole);
    return datum_str(strview_n(arena_strndup(arena, text, (size_t)length), (size_t)length));
}

static Datum value_of(Type type, Random *random, Arena *arena)
{
    Datum out = datum_i64(0);
    if (random_next(random) % 9 == 0)
        return datum_null();
    switch ((TypeKind)type.kind) {
    case TYPE_TINYINT:
        return datum_i64((int8_t)random_next(random));
    case TYPE_SMALLINT:
        return datum_i64((int16_t)random_next(random));
    case TYPE_INT:
        return datum_i64((int64_t)number_below(random, INT32_MAX));
    case TYPE_BIGINT:
        return datum_i64((int64_t)number_below(random, INT64_MAX));
    case TYPE_DECIMAL:
        out.i128 = number_below(random, decimal_max(type.precision));
        return out;
    case TYPE_LARGEINT:
        out.i128 = random_next(random) % 2 == 0 ? edge(random) : random_wide(random);
        return out;
    case TYPE_FLOAT:
        return datum_f64((double)(float)(random_next(random) % 2 == 0 ? (double)edge(random) / 1000 : (double)random_wide(random)));
    case TYPE_DOUBLE:
        return datum_f64(random_next(random) % 2 == 0 ? (double)edge(random) / 1000 : (double)random_wide(random) / 3);
    case TYPE_VARCHAR:
        return text_value(random, arena);
    case TYPE_DATE:
        return datum_i64((int64_t)(random_next(random) % 3000000) - 700000);
    case TYPE_DATETIME:
        return datum_i64(((int64_t)(random_next(random) % 200000) - 60000) * 86400000000 + (int64_t)(random_next(random) % 86400000000));
    default:
        return datum_i64((int64_t)(random_next(random) % 2));
    }
}

static bool same(Type type, const Datum *a, const Datum *b)
{
    if (a->is_null || b->is_null)
        return a->is_null == b->is_null;
    if (type.kind == TYPE_DOUBLE || type.kind == TYPE_FLOAT)
        return memcmp(&a->f64, &b->f64, sizeof(double)) == 0;
    return datum_compare(type, a, b) == 0;
}

typedef struct Pair {
    Type source, target;
    FuncBinding binding;
    FuncContext context;
    FuncSession session;
    Arena arena;
    Vector in;
    const Datum *values;
    Diag diag;
} Pair;

static void show(const Pair *pair, uint32_t row, const Datum *is, const Datum *wanted)
{
    AUTO_BYTEBUF text = {0};
    type_print_sql(pair->source, &text);
    bytebuf_append_text(&text, " ");
    datum_print(pair->source, &pair->values[row], &text);
    bytebuf_append_text(&text, " -> ");
    type_print_sql(pair->target, &text);
    bytebuf_append_text(&text, ": ");
    is->is_null ? bytebuf_append_text(&text, "NULL") : datum_print(pair->target, is, &text);
    bytebuf_append_text(&text, ", wanted ");
    wanted->is_null ? bytebuf_append_text(&text, "NULL") : datum_print(pair->target, wanted, &text);
    fail_msg("%s", text.data);
}

/* in: the rows of pair->values in some form; origin: which value a row has. */
static void check_form(Pair *pair, const Vector *in, Rows rows, const uint32_t *origin)
{
    Vector out;
    vector_init(&out, &pair->arena, pair->target, CHUNK_ROWS);
    VectorView view = vector_view(in);
    for (FOR_ROWS(rows, i, row)) {
        if (view_is_null(&view, row))
            vector_nulls(&out)[row] = 1;
    }
    if (pair->binding.kernel(&pair->context, &in, 1, rows, &out) != OK)
        fail_msg("%s", pair->diag.message);
    for (FOR_ROWS(rows, i, row)) {
        const Datum *value = &pair->values[origin == NULL ? row : origin[row]];
        Datum is = vector_get(&out, row, &pair->arena);
        Datum wanted;
        if (!cast_datum(pair->source, pair->target, value, &pair->arena, &wanted))
            wanted = datum_null();
        if (pair->target.kind == TYPE_FLOAT)
            wanted.f64 = (double)(float)wanted.f64;
        if (!same(pair->target, &is, &wanted))
            show(pair, origin == NULL ? row : origin[row], &is, &wanted);
    }
}

static void check_pair(Pair *pair, Random *random)
{
    uint16_t sel[ROWS];
    uint32_t codes[ROWS];
    uint32_t zeros[ROWS] = {0};
    uint32_t selected = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        codes[i] = (uint32_t)(random_next(random) % ROWS);
        if (random_next(random) % 3 == 0)
            sel[selected++] = (uint16_t)i;
    }
    check_form(pair, &pair->in, (Rows){NULL, ROWS}, NULL);
    check_form(pair, &pair->in, (Rows){sel, selected}, NULL);
    Vector dictionary = {.type = pair->source, .form = VECTOR_DICTIONARY, .codes = codes, .dictionary = &pair->in, .dict_size = ROWS};
    check_form(pair, &dictionary, (Rows){NULL, ROWS}, codes);
    Vector constant = pair->in;
    constant.form = VECTOR_CONSTANT;
    if (!pair->values[0].is_null)
        check_form(pair, &constant, (Rows){NULL, 1}, zeros);
    /* none of them NULL, and each fits: the loop alone */
    Datum *good = ARENA_NEW_ARRAY(&pair->arena, Datum, ROWS);
    uint32_t count = 0;
    Vector dense;
    vector_init(&dense, &pair->arena, pair->source, CHUNK_ROWS);
    for (uint32_t i = 0; i < ROWS; i++) {
        Datum unused;
        if (pair->values[i].is_null || !cast_datum(pair->source, pair->target, &pair->values[i], &pair->arena, &unused))
            continue;
        good[count] = pair->values[i];
        vector_put(&dense, &pair->arena, count, &good[count]);
        count++;
    }
    const Datum *all = pair->values;
    pair->values = good;
    check_form(pair, &dense, (Rows){NULL, count}, NULL);
    pair->values = all;
}

static void chunks_are_cast_as_values_are(void **state)
{
    (void)state;
    Type types[32];
    Random random = {20261128};
    uint32_t count = all_types(types);
    uint32_t pairs = 0;
    for (uint32_t s = 0; s < count; s++) {
        for (uint32_t t = 0; t < count; t++) {
            Pair pair = {.source = types[s], .target = types[t]};
            arena_init(&pair.arena, NULL);
            Datum *values = ARENA_NEW_ARRAY(&pair.arena, Datum, ROWS);
            pair.context = (FuncContext){.binding = &pair.binding, .session = &pair.session, .arena = &pair.arena, .diag = &pair.diag};
            vector_init(&pair.in, &pair.arena, pair.source, CHUNK_ROWS);
            for (uint32_t i = 0; i < ROWS; i++) {
                values[i] = value_of(pair.source, &random, &pair.arena);
                vector_put(&pair.in, &pair.arena, i, &values[i]);
            }
            pair.values = values;
            if (cast_resolve(pair.source, pair.target, true, &pair.arena, &pair.diag, &pair.binding) == OK) {
                check_pair(&pair, &random);
                pairs++;
            }
            arena_deinit(&pair.arena);
        }
    }
    assert_true(pairs > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chunks_are_cast_as_values_are)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
