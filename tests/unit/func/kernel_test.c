#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "func/bitmap_value.h"
#include "func/function.h"
#include "func/tdigest.h"
#include "types/decimal256.h"

/* Every scalar kernel of the registry against itself: what it gives for a chunk must be what it gives row by
 * row, whatever the form of the arguments (flat, constant, dictionary), the NULLs, the selection and the size.
 * Values under a NULL are poison. Functions that bind by themselves are tried with many types of arguments.
 *
 * A data set is VARIANTS rows; row r of a chunk is row r % VARIANTS of it. SEED sets the values. */

enum { VARIANTS = 61, MOST_ARGUMENTS = 4, ROUNDS = 6, SIZES = 9 };

typedef enum NullMode { NULLS_NONE, NULLS_SOME, NULLS_ALL } NullMode;

static uint64_t seed;
static uint64_t next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 33;
}
static uint32_t below(uint32_t limit)
{
    return (uint32_t)(next_random() % limit);
}

/* ---- values ---- */
static const char *const texts[] = {"", "a", "abc", "abcdefghijklmnopqrstuvwxyz0123456789", "123", "-1.5", "1e3", "2024-02-29",
                                    "2024-01-31 12:34:56.5", "12:34:56", "{\"a\": 1, \"b\": [1, 2]}", "$.a", "$.b[0]", "%", "a%", "[a-c]+",
                                    "(", "\xC3\xA9\xE4\xB8\xAD", "\xFF\xFE bad", "http://u@h.com:80/p?q=1#r", "day", "month", "floor",
                                    "Mon", "UTC", "+08:00", "%Y-%m-%d", "yyyy-MM-dd", ",", "a,b,c", "616263", "YWJj", "hex", "  blank  ",
                                    "true", "9223372036854775807", "99999999999999999999999999999999999999", "[1,2,3]"};

static Datum random_text(Arena *arena)
{
    const char *text = texts[below(COUNT_OF(texts))];
    return datum_str(strview(arena_strdup(arena, text)));
}

static Int128 random_integer(int bits)
{
    Int128 most = (Int128)(((UInt128)1 << (bits - 1)) - 1);
    switch (below(8)) {
    case 0:
        return most;
    case 1:
        return -most - 1;
    case 2:
        return 0;
    default:
        return (Int128)below(17) - 5;
    }
}

static Int128 random_unscaled(uint8_t precision)
{
    Int128 limit = 1;
    for (uint8_t i = 0; i < precision; i++)
        limit *= 10;
    return below(4) == 0 ? limit - 1 : below(4) == 0 ? 1 - limit : (Int128)below(100000) % limit - MIN((Int128)500, limit - 1);
}

static double random_double(void)
{
    static const double special[] = {0, -0.0, 1, -1, 0.5, 1e308, -1e308, 1e-300, 123456.789};
    return below(2) == 0 ? special[below(COUNT_OF(special))] : (double)below(2000) / 16 - 50;
}

static Datum random_value(Type type, Arena *arena);

static Datum random_list(Type type, Arena *arena)
{
    DatumList *list = ARENA_NEW(arena, DatumList);
    uint32_t parts = type.nested->count;
    uint32_t entries = type.kind == TYPE_STRUCT ? 1 : below(4);
    list->count = entries * parts;
    list->items = ARENA_NEW_ARRAY(arena, Datum, MAX(list->count, 1u));
    for (uint32_t i = 0; i < list->count; i++) {
        bool is_key = type.kind == TYPE_MAP && i % 2 == 0;
        list->items[i] = is_key || below(5) > 0 ? random_value(type.nested->types[i % parts], arena) : datum_null();
        if (is_key) /* keys differ */
            list->items[i] = type_is_string(type.nested->types[0]) ? datum_str(strview(arena_printf(arena, "k%u", i))) : datum_i64(i);
    }
    return (Datum){.list = list};
}

static Datum random_sketch(Type type, Arena *arena)
{
    AUTO_BYTEBUF bytes = {0};
    if (type.kind == TYPE_BITMAP) {
        AUTO_BITMAP *bitmap = bitmap_new();
        for (uint32_t i = below(5); i > 0; i--)
            bitmap_add(bitmap, below(3) == 0 ? UINT64_C(1) << 40 : below(20));
        bitmap_encode(bitmap, &bytes);
    } else if (type.kind == TYPE_PERCENTILE) {
        TDigest digest;
        tdigest_begin(&digest, 0);
        for (uint32_t i = below(5); i > 0; i--)
            tdigest_add(&digest, arena, random_double(), 1);
        tdigest_encode(&digest, &bytes);
    } else {
        bytebuf_put_u8(&bytes, 0); /* an HLL of nothing */
    }
    return datum_str(strview_n(arena_strndup(arena, bytes.data, bytes.length), bytes.length));
}

static Datum random_value(Type type, Arena *arena)
{
    static const int bits[] = {[TYPE_TINYINT] = 8, [TYPE_SMALLINT] = 16, [TYPE_INT] = 32, [TYPE_BIGINT] = 64, [TYPE_LARGEINT] = 128};
    static const char *const documents[] = {"null", "1", "\"a\"", "{\"a\": 1, \"b\": [1, 2]}", "[1, 2, 3]", "1.5", "true", "{}"};
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        return datum_i64(below(2));
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_LARGEINT:
        return (Datum){.i128 = random_integer(bits[type.kind])};
    case TYPE_DECIMAL:
        if (type_is_wide_decimal(type))
            return (Datum){.str = int256_str(arena, below(9) == 0 ? int256_power10(75) : int256_of(random_integer(128)))};
        return (Datum){.i128 = random_unscaled(type.precision)};
    case TYPE_FLOAT:
        return datum_f64((double)(float)(random_double() / 1e280));
    case TYPE_DOUBLE:
        return datum_f64(random_double());
    case TYPE_DATE:
        return datum_i64(below(8) == 0 ? 2932896 : below(8) == 0 ? -719528 : (int64_t)below(40000) - 10000);
    case TYPE_DATETIME:
        return datum_i64(((int64_t)below(40000) - 10000) * INT64_C(86400000000) + (int64_t)below(86400) * 1000000);
    case TYPE_TIME:
        return datum_i64(((int64_t)below(200000) - 100000) * 1000000);
    case TYPE_JSON:
        return datum_str(strview(documents[below(COUNT_OF(documents))]));
    case TYPE_BITMAP:
    case TYPE_HLL:
    case TYPE_PERCENTILE:
        return random_sketch(type, arena);
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
        return random_list(type, arena);
    default:
        return random_text(arena);
    }
}

/* ---- vectors ---- */
static void poison(Vector *vector, uint32_t row)
{
    PhysKind phys = (PhysKind)vector->type.phys;
    if (phys == PHYS_STR)
        ((Str *)vector->data)[row] = str_make("\xFF\x80poison under a NULL", 21);
    else if (phys < PHYS_STR && phys != PHYS_BOOL)
        memset((uint8_t *)vector->data + (size_t)row * phys_width(phys), below(2) == 0 ? 0x7F : 0x80, phys_width(phys));
    vector_set_null(vector, row);
}

static void put_value(Vector *vector, Arena *arena, uint32_t row, const Datum *value)
{
    if (value->is_null) {
        vector_put(vector, arena, row, value); /* an empty list, a valid string */
        poison(vector, row);
    } else {
        vector_put(vector, arena, row, value);
    }
}

/* One argument: `values` repeated over count rows in the given form. */
static void fill_vector(Vector *vector, Arena *arena, Type type, VectorForm form, const Datum *values, uint32_t count)
{
    if (form == VECTOR_CONSTANT) {
        *vector = (Vector){0};
        vector_set_constant(vector, arena, type, &values[0]);
        return;
    }
    uint32_t rows = form == VECTOR_FLAT ? MAX(count, 1u) : VARIANTS;
    vector_init(vector, arena, type, rows);
    for (uint32_t r = 0; r < rows; r++)
        put_value(vector, arena, r, &values[r % VARIANTS]);
    if (form == VECTOR_FLAT)
        return;
    Vector *entries = ARENA_NEW(arena, Vector);
    uint32_t *codes = ARENA_NEW_ARRAY(arena, uint32_t, MAX(count, 1u));
    *entries = *vector;
    for (uint32_t r = 0; r < count; r++)
        codes[r] = r % VARIANTS;
    *vector = (Vector){.type = type, .form = VECTOR_DICTIONARY, .codes = codes, .dictionary = entries, .dict_size = VARIANTS};
}

/* ---- a call ---- */
typedef struct Case {
    const FuncBinding *binding;
    FuncSession session;
    Arena arena; /* of the data */
    Arena results;
    Diag diag;
    void *state;
    Datum values[MOST_ARGUMENTS][VARIANTS];
    Datum expected[VARIANTS];
    bool fails[VARIANTS];
} Case;

static Status run(Case *test, const Vector *const *arguments, Rows rows, Vector *out)
{
    const FuncBinding *binding = test->binding;
    FuncContext context = {.binding = binding, .session = &test->session, .arena = &test->results, .diag = &test->diag, .state = test->state};
    test->diag = (Diag){0};
    for (uint32_t a = 0; a < binding->argument_count && (binding->flags & FUNC_NULL_IF_ANY_NULL) != 0; a++) {
        VectorView view = vector_view(arguments[a]);
        for (FOR_ROWS(rows, i, row)) {
            if (view_is_null(&view, row))
                vector_set_null(out, row);
        }
    }
    return binding->kernel(&context, arguments, binding->argument_count, rows, out);
}

/* The rows one at a time. */
static void expect_rows(Case *test, uint32_t constants)
{
    uint32_t count = test->binding->argument_count;
    for (uint32_t r = 0; r < VARIANTS; r++) {
        Vector vectors[MOST_ARGUMENTS];
        const Vector *arguments[MOST_ARGUMENTS];
        Vector out;
        arena_reset(&test->results);
        for (uint32_t a = 0; a < count; a++) {
            const Datum *value = &test->values[a][(constants >> a & 1) != 0 ? 0 : r];
            vector_init(&vectors[a], &test->results, test->binding->argument_types[a], 1);
            put_value(&vectors[a], &test->results, 0, value);
            arguments[a] = &vectors[a];
        }
        vector_init(&out, &test->results, test->binding->result, 1);
        test->fails[r] = run(test, arguments, (Rows){NULL, 1}, &out) != OK;
        if (test->fails[r])
            continue;
        Datum value = vector_get(&out, 0, &test->results);
        test->expected[r] = datum_copy(&test->arena, test->binding->result, &value);
    }
}

static bool same_datum(Type type, const Datum *a, const Datum *b)
{
    if (a->is_null || b->is_null)
        return a->is_null == b->is_null;
    if (type_is_float(type) && a->f64 != a->f64)
        return b->f64 != b->f64;
    AUTO_BYTEBUF x = {0};
    AUTO_BYTEBUF y = {0};
    datum_encode(type, a, &x);
    datum_encode(type, b, &y);
    return strview_equal(bytebuf_view(&x), bytebuf_view(&y));
}

static void describe(const Case *test, ByteBuf *out)
{
    bytebuf_printf(out, "%s(", test->binding->def->name);
    for (uint32_t a = 0; a < test->binding->argument_count; a++) {
        if (a > 0)
            bytebuf_append_text(out, ", ");
        type_print_sql(test->binding->argument_types[a], out);
    }
    bytebuf_append_text(out, ") -> ");
    type_print_sql(test->binding->result, out);
}

static void report(const Case *test, uint32_t row, const Datum *got)
{
    AUTO_BYTEBUF text = {0};
    describe(test, &text);
    bytebuf_printf(&text, ", row %u:", row);
    for (uint32_t a = 0; a < test->binding->argument_count; a++) {
        const Datum *value = &test->values[a][row % VARIANTS];
        bytebuf_append_char(&text, ' ');
        datum_print(test->binding->argument_types[a], value, &text);
    }
    bytebuf_append_text(&text, ": got ");
    datum_print(test->binding->result, got, &text);
    bytebuf_append_text(&text, ", expected ");
    datum_print(test->binding->result, &test->expected[row % VARIANTS], &text);
    fail_msg("%s", text.data);
}

static void check_chunk(Case *test, const Vector *const *arguments, Rows rows)
{
    Vector out;
    vector_init(&out, &test->results, test->binding->result, CHUNK_ROWS);
    Status status = run(test, arguments, rows, &out);
    bool may_fail = false;
    for (FOR_ROWS(rows, i, row))
        may_fail |= test->fails[row % VARIANTS];
    if ((status != OK) != may_fail) {
        AUTO_BYTEBUF text = {0};
        describe(test, &text);
        fail_msg("%s %s a chunk, but %s for its rows", text.data, status != OK ? "fails for" : "accepts", may_fail ? "fails" : "does not fail");
    }
    if (status != OK)
        return;
    for (FOR_ROWS(rows, n, at)) {
        Datum got = vector_get(&out, at, &test->results);
        if (!same_datum(test->binding->result, &got, &test->expected[at % VARIANTS]))
            report(test, at, &got);
    }
}

static void fill_values(Case *test, NullMode nulls)
{
    for (uint32_t a = 0; a < test->binding->argument_count; a++) {
        for (uint32_t r = 0; r < VARIANTS; r++) {
            bool is_null = nulls == NULLS_ALL || (nulls == NULLS_SOME && below(4) == 0);
            test->values[a][r] = is_null ? datum_null() : random_value(test->binding->argument_types[a], &test->arena);
        }
    }
}

/* Constants that are NULL never reach a kernel that gives NULL for NULL. */
static bool has_null_constant(const Case *test, uint32_t constants)
{
    for (uint32_t a = 0; a < test->binding->argument_count; a++) {
        if ((constants >> a & 1) != 0 && test->values[a][0].is_null && (test->binding->flags & FUNC_NULL_IF_ANY_NULL) != 0)
            return true;
    }
    return false;
}

static Rows select_rows(uint32_t kind, uint32_t size, uint16_t *positions)
{
    uint32_t count = 0;
    if (kind == 0)
        return (Rows){NULL, size};
    for (uint32_t r = kind == 1 ? below(3) : size; r < size; r += 1 + below(5))
        positions[count++] = (uint16_t)r;
    return (Rows){positions, count};
}

static void check_round(Case *test, uint32_t round)
{
    static const uint32_t sizes[SIZES] = {65, 64, 63, 1, 0, CHUNK_ROWS, 64, CHUNK_ROWS - 1, 200};
    static uint16_t positions[CHUNK_ROWS];
    uint32_t count = test->binding->argument_count;
    Vector vectors[MOST_ARGUMENTS];
    const Vector *arguments[MOST_ARGUMENTS];
    uint32_t constants = 0;
    arena_reset(&test->arena);
    fill_values(test, (NullMode)(round % 3));
    VectorForm forms[MOST_ARGUMENTS];
    for (uint32_t a = 0; a < count; a++) {
        forms[a] = round < 3 ? (VectorForm)round : (VectorForm)below(3);
        constants |= forms[a] == VECTOR_CONSTANT ? 1u << a : 0;
    }
    uint32_t all = count == 0 ? 0 : (1u << count) - 1;
    if (has_null_constant(test, constants))
        return;
    expect_rows(test, constants);
    for (uint32_t n = 0; n < 3; n++) {
        uint32_t size = constants == all ? 1 : sizes[(round * 3 + n) % SIZES];
        arena_reset(&test->results);
        for (uint32_t a = 0; a < count; a++) {
            fill_vector(&vectors[a], &test->results, test->binding->argument_types[a], forms[a], test->values[a], size);
            arguments[a] = &vectors[a];
        }
        check_chunk(test, arguments, select_rows(constants == all ? 0 : (round + n) % 3, size, positions));
    }
}

static void check_binding(const FuncBinding *binding)
{
    Case *test = mem_alloc_zero(sizeof(Case));
    test->binding = binding;
    test->session = (FuncSession){.now_us = INT64_C(1700000000000000), .database = STR_VIEW("d"), .user = STR_VIEW("'root'@'%'"),
                                  .current_role = STR_VIEW("root"), .catalog = STR_VIEW("default_catalog"), .version = STR_VIEW("1"),
                                  .host = STR_VIEW("h"), .query_id = STR_VIEW("q"), .last_query_id = STR_VIEW("l"),
                                  .random_seed = 1, .group_concat_max_bytes = 1024};
    arena_init(&test->arena, NULL);
    arena_init(&test->results, NULL);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        FuncContext context = {.binding = binding, .session = &test->session, .arena = &test->results, .diag = &test->diag};
        if (binding->open != NULL)
            assert_int_equal(binding->open(&context, &test->state), OK);
        check_round(test, round);
        if (binding->close != NULL)
            binding->close(test->state);
    }
    arena_deinit(&test->results);
    arena_deinit(&test->arena);
    mem_free(test);
}

/* ---- which calls ---- */
static Status no_lambda(void *context, uint32_t argument, const Type *parameters, uint32_t count, Type *out_result)
{
    (void)context;
    (void)argument;
    (void)parameters;
    (void)count;
    (void)out_result;
    return ERR_ANALYSIS;
}

static bool try_call(const FuncDef *def, const Type *types, uint32_t count, Arena *arena)
{
    static const FuncSession session = {.group_concat_max_bytes = 1024};
    Diag diag = {0};
    const Datum *constants[MOST_ARGUMENTS] = {0};
    FuncBindRequest request = {.name = strview(def->name), .types = types, .constants = constants, .count = count,
                               .session = &session, .arena = arena, .diag = &diag, .bind_lambda = no_lambda};
    FuncBinding binding;
    if (func_resolve(&request, &binding) != OK || binding.kernel == NULL)
        return false;
    for (uint32_t a = 0; a < count; a++) { /* what an implicit cast would make */
        if (binding.argument_types[a].kind == TYPE_NULL || binding.argument_types[a].kind == TYPE_FUNCTION)
            return false;
    }
    check_binding(&binding);
    return true;
}

static uint32_t type_list(Arena *arena, Type *out)
{
    uint32_t n = 0;
    Type parts[] = {type_of(TYPE_INT), type_varchar(0)};
    StrView names[] = {STR_VIEW("a"), STR_VIEW("b")};
    for (int kind = TYPE_BOOLEAN; kind <= TYPE_DOUBLE; kind++)
        out[n++] = type_of((TypeKind)kind);
    out[n++] = type_decimal(9, 2);
    out[n++] = type_decimal(30, 4);
    out[n++] = type_decimal(50, 10);
    out[n++] = type_varchar(0);
    out[n++] = type_of(TYPE_DATE);
    out[n++] = type_of(TYPE_DATETIME);
    out[n++] = type_of(TYPE_JSON);
    out[n++] = type_of(TYPE_BITMAP);
    out[n++] = type_of(TYPE_HLL);
    out[n++] = type_of(TYPE_PERCENTILE);
    out[n++] = type_array(arena, type_of(TYPE_INT));
    out[n++] = type_array(arena, type_of(TYPE_DOUBLE));
    out[n++] = type_array(arena, type_varchar(0));
    out[n++] = type_array(arena, type_array(arena, type_of(TYPE_BIGINT)));
    out[n++] = type_map(arena, type_of(TYPE_INT), type_varchar(0));
    out[n++] = type_struct(arena, parts, names, 2);
    return n;
}

/* The same type everywhere, and each type followed by integers or by texts. */
static uint32_t check_bound(const FuncDef *def, Arena *arena)
{
    Type list[40];
    uint32_t count = type_list(arena, list);
    uint32_t calls = 0;
    Type rest[] = {type_of(TYPE_INT), type_varchar(0)};
    for (uint32_t n = def->min_arguments; n <= MIN(def->max_arguments, (uint8_t)(def->min_arguments + 1)) && n <= MOST_ARGUMENTS; n++) {
        for (uint32_t t = 0; t < count; t++) {
            for (uint32_t r = 0; r <= COUNT_OF(rest); r++) {
                Type types[MOST_ARGUMENTS];
                for (uint32_t a = 0; a < n; a++)
                    types[a] = a == 0 || r == COUNT_OF(rest) ? list[t] : rest[r];
                if (n < 2 && r < COUNT_OF(rest))
                    continue;
                calls += try_call(def, types, n, arena);
                if (n > 0 && type_is_nested(list[t])) { /* array and element, map and key */
                    for (uint32_t a = 1; a < n; a++)
                        types[a] = list[t].nested->types[0];
                    calls += r == 0 && n > 1 ? try_call(def, types, n, arena) : 0;
                }
            }
            if (n == 0)
                break;
        }
    }
    return calls;
}

static uint32_t check_function(const FuncDef *def, Arena *arena)
{
    uint32_t calls = 0;
    if (def->bind != NULL)
        return check_bound(def, arena);
    for (uint32_t o = 0; o < def->overload_count; o++) {
        static const struct {
            char letter;
            TypeKind kind;
        } letters[] = {{'b', TYPE_BOOLEAN}, {'t', TYPE_TINYINT}, {'s', TYPE_SMALLINT}, {'i', TYPE_INT},  {'l', TYPE_BIGINT},
                       {'L', TYPE_LARGEINT}, {'f', TYPE_FLOAT}, {'d', TYPE_DOUBLE}, {'B', TYPE_VARBINARY}, {'a', TYPE_DATE},
                       {'A', TYPE_DATETIME}, {'T', TYPE_TIME}, {'J', TYPE_JSON}, {'S', TYPE_VARCHAR}};
        Type types[MOST_ARGUMENTS];
        uint32_t count = 0;
        for (const char *c = def->overloads[o].arguments; *c != '\0' && count < MOST_ARGUMENTS; c++) {
            for (size_t l = 0; l < COUNT_OF(letters); l++) {
                if (letters[l].letter == *c)
                    types[count] = type_of(letters[l].kind);
            }
            if (*c == '*')
                types[count] = types[count - 1];
            count++;
        }
        calls += try_call(def, types, count, arena);
    }
    return calls;
}

/* What can't be compared: values that differ each time, and what waits. Calls that always need constants or
 * lambdas are tested by SQL. */
static bool is_skipped(const FuncDef *def)
{
    return def->kind != FUNC_SCALAR || (def->flags & FUNC_VOLATILE) != 0 || strcmp(def->name, "sleep") == 0;
}

static void test_all(void **state)
{
    uint32_t count;
    uint32_t calls = 0;
    uint32_t functions = 0;
    const FuncDef *const *all = func_all(&count);
    const char *only = getenv("FUNCTION");
    const char *given = getenv("SEED");
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        if (is_skipped(all[i]) || (only != NULL && strcmp(only, all[i]->name) != 0))
            continue;
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        seed = given != NULL ? strtoull(given, NULL, 10) : 1;
        uint32_t tried = check_function(all[i], &arena);
        calls += tried;
        functions += tried > 0;
    }
    printf("%u calls of %u functions\n", calls, functions);
    assert_true(only != NULL || functions > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
