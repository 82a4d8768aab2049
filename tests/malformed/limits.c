#include "malformed/malformed.h"

/* Input that is right or nearly so, but far too much of it: deep, long, wide, or small and growing. It is answered,
 * with a result or an error, in bounded time and memory. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/environment.h"

/* The server has a limit of 1 GiB; a query is looked at between chunks of rows, which may be large themselves. */
enum { BOMB_BYTES = 512 << 20, PIECE_BYTES = 1 << 20, ANSWER_SECONDS = 20, MEMORY_GB = 2, SLOW_MEMORY_GB = 8 };

typedef struct RepeatedSql {
    const char *name;
    const char *before, *repeated, *between, *after; /* repeated is put count times */
    uint32_t count;
    const char *closing; /* put count times as well */
} RepeatedSql;

static const RepeatedSql repeated[] = {
    {"IN list", "SELECT count(*) FROM t WHERE k IN (", "123456", ",", ")", 1000000, ""},
    {"IN list of texts", "SELECT count(*) FROM t WHERE s IN (", "'abcdef'", ",", ")", 300000, ""},
    {"OR terms", "SELECT count(*) FROM t WHERE ", "k = 5", " OR ", "", 50000, ""},
    {"AND terms", "SELECT count(*) FROM t WHERE ", "k <> 5", " AND ", "", 50000, ""},
    {"sum of terms", "SELECT ", "1", "+", "", 100000, ""},
    {"sum of columns", "SELECT count(", "k", "+", ") FROM t", 20000, ""},
    {"parentheses", "SELECT ", "(", "", "1", 10000, ")"},
    {"open parentheses", "SELECT ", "(", "", "", 1000000, ""},
    {"negations", "SELECT ", "- ", "", "1", 100000, ""},
    {"NOT", "SELECT ", "NOT ", "", "1", 100000, ""},
    {"nested calls", "SELECT ", "abs(", "", "1", 10000, ")"},
    {"nested CASE", "SELECT ", "CASE WHEN 1 THEN ", "", "1", 10000, " END"},
    {"nested subqueries", "SELECT * FROM ", "(SELECT * FROM ", "", "t", 10000, ") x"},
    {"nested scalar subqueries", "SELECT ", "(SELECT ", "", "1", 10000, ")"},
    {"nested arrays", "SELECT ", "[", "", "1", 10000, "]"},
    {"nested types", "SELECT CAST(NULL AS ", "ARRAY<", "", "INT", 10000, ">"},
    {"joins", "SELECT count(*) FROM t t0", " JOIN t USING (k)", "", "", 63, ""},
    {"cross joins", "SELECT count(*) FROM t", ", t", "", "", 5000, ""},
    {"UNION", "", "SELECT 1", " UNION ALL ", "", 5000, ""},
    {"selected columns", "SELECT ", "k", ",", " FROM t LIMIT 1", 20000, ""},
    {"ORDER BY", "SELECT k FROM t ORDER BY ", "k", ",", "", 20000, ""},
    {"GROUP BY CUBE", "SELECT count(*) FROM t GROUP BY CUBE(", "k", ",", ")", 64, ""},
    {"arguments", "SELECT concat(", "'a'", ",", ")", 50000, ""},
    {"dotted name", "SELECT ", "a", ".", "", 20000, ""},
    {"long name", "SELECT `", "name", "", "`", 250000, ""},
    {"long literal", "SELECT length('", "sixteen letters ", "", "')", 2000000, ""},
    {"long number", "SELECT ", "1234567890", "", "", 100000, ""},
    {"percent signs", "SELECT repeat('a', 1000) LIKE '", "%a", "", "b'", 5000, ""},
    {"comments", "SELECT ", "/* c */", "", "1", 100000, ""},
    {"open comments", "SELECT 1 ", "/* ", "", "", 100000, ""},
    {"statements", "", "SELECT 1", ";", "", 2000, ""},
    {"parameters without values", "SELECT ", "?", ",", "", 70000, ""},
    {"VALUES", "INSERT INTO scratch VALUES ", "(1, 'x')", ",", "", 50000, ""},
    {"CTEs", "WITH a AS (SELECT 1) ", ", b AS (SELECT 1)", "", " SELECT 1", 5000, ""},
    {"lambda depth", "SELECT ", "array_map(x -> ", "", "1", 500, ", [1])"},
};

static const char *const texts[] = {
    "SELECT length(repeat('x', 2000000000))",
    "SELECT length(rpad('x', 2000000000, 'y'))",
    "SELECT length(lpad('x', 2000000000, 'y'))",
    "SELECT length(space(2000000000))",
    "SELECT length(repeat('x', 9223372036854775807))",
    "SELECT count(concat(repeat('x', 1000000), repeat('y', 1000000))) FROM TABLE(generate_series(1, 2000))",
    "SELECT length(replace(repeat('x', 1000000), 'x', repeat('y', 1000000)))",
    "SELECT length(group_concat(repeat('x', 100000))) FROM TABLE(generate_series(1, 20000))",
    "SELECT array_length(array_agg(repeat('x', 100000))) FROM TABLE(generate_series(1, 20000))",
    "SELECT count(*) FROM TABLE(generate_series(1, 9223372036854775807)) LIMIT 1",
    "SELECT array_length(array_generate(1, 9223372036854775807))",
    "SELECT array_length(array_repeat(1, 2000000000))",
    "SELECT repeat('a', 5000) REGEXP '(a+)+$b'",
    "SELECT repeat('a', 100000) REGEXP '(a|aa)*(a|aa)*(a|aa)*c'",
    "SELECT 'a' REGEXP repeat('(', 10000)",
    "SELECT 'a' REGEXP '(((((((((a{1,1000}){1,1000}){1,1000}){1,1000}){1,1000})))))'",
    "SELECT regexp_replace(repeat('a', 100000), '', repeat('b', 10000))",
    "SELECT length(parse_json(concat(repeat('[', 100000), repeat(']', 100000))))",
    "SELECT parse_json(concat(repeat('{\"a\":', 100000), '1', repeat('}', 100000)))",
    "SELECT json_query(parse_json('{}'), concat('$', repeat('.a', 100000)))",
    "SELECT split(repeat(',', 1000000), ',')[1]",
    "SELECT get_json_string('{\"a\": 1}', repeat('$.a', 10000))",
    "SELECT date_add('2024-01-01', INTERVAL 9223372036854775807 DAY)",
    "SELECT cast(repeat('9', 1000000) AS DECIMAL(38, 0)), cast(repeat('9', 1000000) AS DOUBLE)",
};

/* The peak counts from here on. */
static void reset_peak(const Trial *trial)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)trial->server.pid);
    FILE *file = fopen(path, "we");
    if (file != NULL) {
        fputs("5", file);
        fclose(file);
    }
}

static const char *check_memory(const Trial *trial, bool is_slow)
{
    char path[64], line[128];
    long peak_kb = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)trial->server.pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            peak_kb = strtol(line + 6, NULL, 10);
    }
    if (file != NULL)
        fclose(file);
    return peak_kb > (is_slow ? (long)SLOW_MEMORY_GB : (long)MEMORY_GB) << 20 ? "more memory than the limit" : NULL;
}

static void check_statement(Trial *trial, const char *name, StrView sql, uint32_t number, bool is_slow)
{
    reset_peak(trial);
    int64_t begin = env_monotonic_us(environment_real());
    const char *problem = statement_run(trial, sql);
    int64_t seconds = (env_monotonic_us(environment_real()) - begin) / 1000000;
    if (problem == NULL && seconds > (is_slow ? 10 * ANSWER_SECONDS : ANSWER_SECONDS))
        problem = "it took too long";
    if (problem == NULL)
        problem = check_memory(trial, is_slow);
    trial_case(trial, "limits", number, problem, strview(name));
    if (problem != NULL)
        statement_close(trial);
}

static void put_repeated(const RepeatedSql *form, ByteBuf *out)
{
    bytebuf_append_text(out, form->before);
    for (uint32_t i = 0; i < form->count; i++) {
        if (i > 0)
            bytebuf_append_text(out, form->between);
        bytebuf_append_text(out, form->repeated);
    }
    bytebuf_append_text(out, form->after);
    for (uint32_t i = 0; i < form->count && form->closing[0] != '\0'; i++)
        bytebuf_append_text(out, form->closing);
}

/* BOMB_BYTES of one character, compressed to a thousandth. */
static void put_bomb(char letter, ByteBuf *out)
{
    z_stream stream = {0};
    AUTO_BYTEBUF plain = {0};
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return;
    bytebuf_reserve(&plain, PIECE_BYTES);
    memset(plain.data, letter, PIECE_BYTES);
    for (uint32_t left = BOMB_BYTES / PIECE_BYTES; left > 0; left--) {
        stream.next_in = (Bytef *)plain.data;
        stream.avail_in = PIECE_BYTES;
        do {
            bytebuf_reserve(out, PIECE_BYTES);
            stream.next_out = (Bytef *)out->data + out->length;
            stream.avail_out = PIECE_BYTES;
            (void)deflate(&stream, left == 1 ? Z_FINISH : Z_NO_FLUSH);
            out->length += PIECE_BYTES - stream.avail_out;
        } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
}

static void check_load(Trial *trial, const char *name, const char *properties, StrView body, uint32_t number, bool is_slow)
{
    AUTO_BYTEBUF bytes = {0};
    AUTO_BYTEBUF reply = {0};
    bytebuf_printf(&bytes, "PUT /api/m/loaded/_stream_load HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cm9vdDo=\r\nConnection: close\r\n"
                           "%sContent-Length: %zu\r\n\r\n", properties, body.length);
    bytebuf_append_view(&bytes, body);
    RawRequest request = {bytebuf_view(&bytes), RAW_HALF_CLOSE, false, false};
    reset_peak(trial);
    bool is_ended = raw_exchange(trial->server.http_port, &request, &reply);
    const char *problem = !is_ended ? "the server did not end the connection"
                          : strview_find(bytebuf_view(&reply), STR_VIEW("\"Status\"")) == SIZE_MAX ? "the load has no status"
                                                                                                : check_memory(trial, is_slow);
    trial_case(trial, "limits", number, problem, strview(name));
}

static void load_cases(Trial *trial, uint32_t number, bool is_slow)
{
    AUTO_BYTEBUF body = {0};
    put_bomb('0', &body);
    check_load(trial, "gzip bomb of one row", "compression: gzip\r\n", bytebuf_view(&body), number, is_slow);
    check_load(trial, "gzip bomb of JSON", "compression: gzip\r\nformat: json\r\n", bytebuf_view(&body), number + 1, is_slow);
    bytebuf_clear(&body);
    put_bomb('\n', &body);
    check_load(trial, "gzip bomb of empty rows", "compression: gzip\r\n", bytebuf_view(&body), number + 2, is_slow);
    bytebuf_clear(&body);
    for (int i = 0; i < 100000; i++)
        bytebuf_append_text(&body, "{\"k\":[");
    check_load(trial, "nested JSON", "format: json\r\n", bytebuf_view(&body), number + 3, is_slow);
    bytebuf_clear(&body);
    bytebuf_append_text(&body, "columns: k, s = ");
    for (int i = 0; i < 5000; i++)
        bytebuf_append_char(&body, '(');
    bytebuf_append_text(&body, "1\r\n");
    check_load(trial, "nested mapping", body.data, STR_VIEW("1\ta\n"), number + 4, is_slow);
}

void limit_cases(Trial *trial, bool is_slow)
{
    uint32_t number = 0;
    for (size_t i = 0; i < COUNT_OF(repeated); i++) {
        AUTO_BYTEBUF sql = {0};
        put_repeated(&repeated[i], &sql);
        check_statement(trial, repeated[i].name, bytebuf_view(&sql), number++, is_slow);
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        check_statement(trial, texts[i], strview(texts[i]), number++, is_slow);
    statement_close(trial);
    load_cases(trial, number, is_slow);
}
