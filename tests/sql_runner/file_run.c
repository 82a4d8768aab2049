#include "sql_runner/file_run.h"

/* A fresh server and a fresh database for each file, so that files depend on nothing and may run side by side. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/strmap.h"
#include "sql_runner/compare.h"

enum { RETRY_MS = 20000, RETRY_PAUSE_MS = 50, SHOWN_LINES = 40, DATABASE_BYTES = 64 };

typedef struct FileRun {
    const RunOptions *options;
    Script script;
    Arena *arena;
    ServerProcess server;
    Client *client;
    StrMap variables;
    char database[DATABASE_BYTES];
    FileResult *result;
} FileRun;

static void show_indented(ByteBuf *out, StrView text, const char *indent)
{
    while (text.length > 0) {
        const char *newline = memchr(text.data, '\n', text.length);
        size_t length = newline == NULL ? text.length : (size_t)(newline - text.data);
        bytebuf_printf(out, "%s%.*s\n", indent, (int)length, text.data);
        size_t used = newline == NULL ? length : length + 1;
        text = strview_n(text.data + used, text.length - used);
    }
}

static void show_lines(ByteBuf *out, const Lines *lines)
{
    for (uint32_t i = 0; i < lines->count && i < SHOWN_LINES; i++)
        bytebuf_printf(out, "    %.*s\n", SV_ARGS(lines->items[i]));
    if (lines->count > SHOWN_LINES)
        bytebuf_printf(out, "    ... %u lines\n", lines->count);
}

static void show_cells(ByteBuf *out, const Cells *cells)
{
    for (uint32_t row = 0; row < cells->rows && row < SHOWN_LINES; row++) {
        bytebuf_append_text(out, "    ");
        for (uint32_t c = 0; c < cells->columns; c++)
            bytebuf_printf(out, "%s%.*s", c == 0 ? "" : "\t", SV_ARGS(cells->values[(size_t)row * cells->columns + c]));
        bytebuf_append_char(out, '\n');
    }
    if (cells->rows > SHOWN_LINES)
        bytebuf_printf(out, "    ... %u rows\n", cells->rows);
}

static ByteBuf *fail(FileRun *run, const Record *record, const char *what)
{
    ByteBuf *report = &run->result->report;
    run->result->failed++;
    bytebuf_printf(report, "%s:%d: %s\n", run->script.path, record->line, what);
    if (record->text != NULL && record->kind != RECORD_LOAD && record->kind != RECORD_HTTP)
        show_indented(report, strview(record->text), "  ");
    return report;
}

/* Puts the values of ${name} in. */
static const char *fill_in(const FileRun *run, const char *text)
{
    AUTO_BYTEBUF out = {0};
    if (text == NULL || strstr(text, "${") == NULL)
        return text;
    while (*text != '\0') {
        const char *end = strncmp(text, "${", 2) == 0 ? strchr(text, '}') : NULL;
        const char *value = end == NULL ? NULL : strmap_get(&run->variables, strview_n(text + 2, (size_t)(end - text) - 2));
        if (value == NULL) {
            bytebuf_append_char(&out, *text++);
            continue;
        }
        bytebuf_append_text(&out, value);
        text = end + 1;
    }
    return arena_strndup(run->arena, out.data == NULL ? "" : out.data, out.length);
}

static Lines fill_in_lines(const FileRun *run, const Lines *lines)
{
    Lines filled = {0};
    for (uint32_t i = 0; i < lines->count; i++) {
        const char *line = arena_strndup(run->arena, lines->items[i].data, lines->items[i].length);
        ARRAY_PUSH(run->arena, &filled, strview(fill_in(run, line)));
    }
    return filled;
}

static void set_variable(FileRun *run, const char *name, const char *value)
{
    strmap_set(&run->variables, strview(name), arena_strdup(run->arena, value));
}

static void check_error(FileRun *run, const Record *record, const Answer *answer)
{
    const char *pattern = fill_in(run, record->pattern);
    if (!answer->is_error) {
        bytebuf_printf(fail(run, record, "an error was expected"), "  expected: %s\n", pattern);
        return;
    }
    bool is_number = record->error_number == 0 || record->error_number == answer->error_number;
    if (is_number && (*pattern == '\0' || pattern_matches(pattern, strview(answer->message)))) {
        run->result->passed++;
        return;
    }
    ByteBuf *report = fail(run, record, "another error was expected");
    if (record->error_number != 0)
        bytebuf_printf(report, "  expected: %d %s\n", record->error_number, pattern);
    else
        bytebuf_printf(report, "  expected: %s\n", pattern);
    bytebuf_printf(report, "  got:      %d %s\n", answer->error_number, answer->message);
}

static void run_statement(FileRun *run, const Record *record)
{
    Answer answer = client_run(run->client, fill_in(run, record->text), run->arena);
    if (record->expects_error) {
        check_error(run, record, &answer);
        return;
    }
    if (answer.is_error)
        bytebuf_printf(fail(run, record, "the statement failed"), "  got: %d %s\n", answer.error_number, answer.message);
    else
        run->result->passed++;
}

static bool answer_is_expected(const FileRun *run, const Record *record, const Answer *answer, const Lines *expected)
{
    if (answer->is_error || strlen(record->argument) != answer->cells.columns)
        return false;
    return cells_match(&answer->cells, expected, record->argument, record->sort, run->arena);
}

static void run_query(FileRun *run, const Record *record)
{
    const char *sql = fill_in(run, record->text);
    Lines expected = fill_in_lines(run, &record->expected);
    Answer answer = client_run(run->client, sql, run->arena);
    for (int waited = 0; record->retries && waited < RETRY_MS && !answer_is_expected(run, record, &answer, &expected);
         waited += RETRY_PAUSE_MS) {
        env_sleep_us(environment_real(), RETRY_PAUSE_MS * 1000);
        answer = client_run(run->client, sql, run->arena);
    }
    if (answer_is_expected(run, record, &answer, &expected)) {
        run->result->passed++;
        return;
    }
    if (answer.is_error) {
        bytebuf_printf(fail(run, record, "the query failed"), "  got: %d %s\n", answer.error_number, answer.message);
        return;
    }
    ByteBuf *report;
    if (strlen(record->argument) != answer.cells.columns) {
        report = fail(run, record, "the query has another number of columns");
        bytebuf_printf(report, "  types %s name %zu columns, the answer has %u\n", record->argument, strlen(record->argument),
                       answer.cells.columns);
    } else {
        report = fail(run, record, "the rows are not as expected");
        bytebuf_append_text(report, "  expected:\n");
        show_lines(report, &expected);
    }
    bytebuf_append_text(report, "  got:\n");
    show_cells(report, &answer.cells);
}

static void run_let(FileRun *run, const Record *record)
{
    Answer answer = client_run(run->client, fill_in(run, record->text), run->arena);
    if (answer.is_error) {
        bytebuf_printf(fail(run, record, "the query failed"), "  got: %d %s\n", answer.error_number, answer.message);
    } else if (answer.cells.rows == 0 || answer.cells.columns == 0) {
        fail(run, record, "the query has no rows");
    } else {
        set_variable(run, record->argument, arena_strndup(run->arena, answer.cells.values[0].data, answer.cells.values[0].length));
        run->result->passed++;
    }
}

/* The value of a key as text: numbers as printed. */
static const char *reply_value(json_t *reply, const char *key, Arena *arena)
{
    json_t *value = json_object_get(reply, key);
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        return arena_printf(arena, "%lld", (long long)json_integer_value(value));
    return value == NULL ? "(absent)" : "(another type)";
}

/* A line "Key value", or "Key ~pattern". */
static bool reply_line_matches(json_t *reply, StrView line, Arena *arena)
{
    const char *text = arena_strndup(arena, line.data, line.length);
    const char *blank = strpbrk(text, " \t");
    const char *value = blank == NULL ? "" : blank + 1;
    const char *key = blank == NULL ? text : arena_strndup(arena, text, (size_t)(blank - text));
    const char *got = reply_value(reply, key, arena);
    return *value == '~' ? pattern_matches(value + 1, strview(got)) : strcmp(value, got) == 0;
}

/* A table alone is one of the file's database. */
static const char *load_url(const FileRun *run, const char *table)
{
    const char *dot = strchr(table, '.');
    StrView database = dot == NULL ? strview(run->database) : strview_n(table, (size_t)(dot - table));
    return arena_printf(run->arena, "http://127.0.0.1:%d/api/%.*s/%s/_stream_load", run->server.http_port, SV_ARGS(database),
                        dot == NULL ? table : dot + 1);
}

static void run_load(FileRun *run, const Record *record)
{
    static StrView success[] = {{"Status Success", sizeof("Status Success") - 1}};
    AUTO_BYTEBUF text = {0};
    Lines headers = fill_in_lines(run, &record->headers), expected = fill_in_lines(run, &record->expected);
    ARRAY_PUSH(run->arena, &headers, STR_VIEW("Expect: 100-continue"));
    if (expected.count == 0)
        expected = (Lines){.items = success, .count = 1};
    HttpRequest request = {.method = "PUT", .url = load_url(run, fill_in(run, record->argument)), .headers = &headers,
                           .body = fill_in(run, record->text)};
    long http_status = http_run(&request, &text);
    json_t *reply = json_loadb(text.data == NULL ? "" : text.data, text.length, 0, NULL);
    bool matches = http_status == 200 && reply != NULL;
    for (uint32_t i = 0; matches && i < expected.count; i++)
        matches = reply_line_matches(reply, expected.items[i], run->arena);
    json_decref(reply);
    if (matches) {
        run->result->passed++;
        return;
    }
    ByteBuf *report = fail(run, record, "the load did not answer as expected");
    bytebuf_append_text(report, "  expected:\n");
    show_lines(report, &expected);
    bytebuf_printf(report, "  got: HTTP %ld\n", http_status);
    show_indented(report, bytebuf_view(&text), "    ");
}

static void run_http(FileRun *run, const Record *record)
{
    AUTO_BYTEBUF text = {0};
    Lines headers = fill_in_lines(run, &record->headers), expected = fill_in_lines(run, &record->expected);
    HttpRequest request = {.method = record->text, .headers = &headers,
                           .url = arena_printf(run->arena, "http://127.0.0.1:%d%s", run->server.http_port,
                                               fill_in(run, record->argument))};
    long http_status = http_run(&request, &text);
    bool matches = http_status == record->error_number;
    for (uint32_t i = 0; matches && i < expected.count; i++)
        matches = pattern_matches(arena_strndup(run->arena, expected.items[i].data, expected.items[i].length), bytebuf_view(&text));
    if (matches) {
        run->result->passed++;
        return;
    }
    ByteBuf *report = fail(run, record, "the request was not answered as expected");
    bytebuf_printf(report, "  expected: HTTP %d\n", record->error_number);
    show_lines(report, &expected);
    bytebuf_printf(report, "  got: HTTP %ld\n", http_status);
    show_indented(report, bytebuf_view(&text), "    ");
}

/* With the folders above it. */
static bool write_file(const char *path, StrView bytes)
{
    char folder[1024];
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return false;
    }
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return false;
    bool is_written = fwrite(bytes.data, 1, bytes.length, file) == bytes.length;
    return (fclose(file) == 0) && is_written;
}

/* Of a path from the folder of the test. */
static bool read_beside(const FileRun *run, const char *name, ByteBuf *out)
{
    const char *slash = strrchr(run->script.path, '/');
    int folder = slash == NULL ? 0 : (int)(slash - run->script.path) + 1;
    FILE *file = fopen(arena_printf(run->arena, "%.*s%s", folder, run->script.path, name), "re");
    char block[8192];
    if (file == NULL)
        return false;
    for (size_t length; (length = fread(block, 1, sizeof(block), file)) > 0;)
        bytebuf_append(out, block, length);
    fclose(file);
    return true;
}

static void run_file_record(FileRun *run, const Record *record)
{
    const char *path = arena_printf(run->arena, "%s/files/%s", run->server.folder, fill_in(run, record->argument));
    StrView other = record->words.count > 2 ? record->words.items[2] : STR_VIEW("");
    const char *target = fill_in(run, arena_strndup(run->arena, other.data, other.length));
    AUTO_BYTEBUF bytes = {0};
    bool is_made;
    if (strview_is(record->words.items[0], "link"))
        is_made = symlink(target, path) == 0;
    else if (strview_is(record->words.items[0], "copy"))
        is_made = read_beside(run, target, &bytes) && write_file(path, bytebuf_view(&bytes));
    else
        is_made = write_file(path, strview(record->text));
    if (is_made)
        run->result->passed++;
    else
        bytebuf_printf(fail(run, record, "the file cannot be made"), "  got: %s\n", strerror(errno));
}

static void connect_client(FileRun *run)
{
    char port[16];
    run->client = client_open(run->server.query_port, run->database, run->options->statements, run->options->statement_count);
    snprintf(port, sizeof(port), "%d", run->server.query_port);
    set_variable(run, "query_port", port);
    snprintf(port, sizeof(port), "%d", run->server.http_port);
    set_variable(run, "http_port", port);
}

/* Without a server the rest of the file can't run. */
static bool run_restart(FileRun *run, const Record *record)
{
    Diag diag = {0};
    client_close(run->client);
    run->client = NULL;
    Status status = server_stop(&run->server, record->has_kill, &diag);
    if (status == OK)
        status = server_start(&run->server, &diag);
    if (status != OK) {
        bytebuf_printf(fail(run, record, "the restart failed"), "  got: %s\n", diag.message);
        return false;
    }
    connect_client(run);
    run->result->passed++;
    return true;
}

static bool run_record(FileRun *run, const Record *record)
{
    switch (record->kind) {
    case RECORD_STATEMENT: run_statement(run, record); break;
    case RECORD_QUERY: run_query(run, record); break;
    case RECORD_LET: run_let(run, record); break;
    case RECORD_LOAD: run_load(run, record); break;
    case RECORD_HTTP: run_http(run, record); break;
    case RECORD_FILE: run_file_record(run, record); break;
    case RECORD_RESTART: return run_restart(run, record);
    case RECORD_CONNECTION: client_choose(run->client, fill_in(run, record->argument)); break;
    case RECORD_HALT: return false;
    case RECORD_LOOP:
    case RECORD_LOOP_END: break;
    }
    if (!server_is_alive(&run->server)) {
        bytebuf_append_text(fail(run, record, "the server died here"), "");
        return false;
    }
    return run->result->failed < run->options->max_failures;
}

/* Records [from, to); false: stop. */
static bool run_block(FileRun *run, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const Record *record = &run->script.records.items[i];
        if (record->kind != RECORD_LOOP) {
            if (!run_record(run, record))
                return false;
            continue;
        }
        for (uint32_t w = 0; w < record->words.count; w++) {
            set_variable(run, record->argument, arena_strndup(run->arena, record->words.items[w].data, record->words.items[w].length));
            if (!run_block(run, i + 1, record->end))
                return false;
        }
        i = record->end;
    }
    return true;
}

/* tests/sql/tables/alter.test -> test_alter */
static void name_database(FileRun *run)
{
    const char *slash = strrchr(run->script.path, '/');
    const char *name = slash == NULL ? run->script.path : slash + 1;
    snprintf(run->database, sizeof(run->database), "test_%.*s", (int)strcspn(name, "."), name);
}

static bool make_database(FileRun *run)
{
    Client *first = client_open(run->server.query_port, NULL, NULL, 0);
    Answer answer = client_run(first, arena_printf(run->arena, "CREATE DATABASE `%s`", run->database), run->arena);
    client_close(first);
    if (answer.is_error)
        bytebuf_printf(&run->result->report, "%s: cannot create the database: %s\n", run->script.path, answer.message);
    return !answer.is_error;
}

static void report_server(FileRun *run, const Diag *diag)
{
    run->result->failed++;
    bytebuf_printf(&run->result->report, "%s: %s\n", run->script.path, diag->message);
    show_indented(&run->result->report, strview(server_last_words(&run->server, run->arena)), "    | ");
}

static void run_with_server(FileRun *run, Diag *diag)
{
    if (server_start(&run->server, diag) != OK || !make_database(run)) {
        if (run->server.pid != 0)
            status_ignore(server_stop(&run->server, true, NULL)); /* what matters is that it did not start */
        report_server(run, diag);
        return;
    }
    connect_client(run);
    set_variable(run, "db", run->database);
    set_variable(run, "files", arena_printf(run->arena, "%s/files", run->server.folder));
    run_block(run, 0, run->script.records.count);
    client_close(run->client);
    if (run->server.pid == 0)
        return;
    if (server_stop(&run->server, false, diag) != OK || server_check(&run->server, diag) != OK)
        report_server(run, diag);
}

void run_file(const char *path, const RunOptions *options, FileResult *out_result)
{
    Diag diag = {0};
    AUTO_ARENA arena = {0};
    arena_init(&arena, NULL);
    *out_result = (FileResult){0};
    FileRun run = {.options = options, .arena = &arena, .result = out_result};
    strmap_init(&run.variables, &arena, false);
    if (script_read(path, strview(options->name), &arena, &run.script, &diag) != OK ||
        server_open(&run.server, &options->server, &diag) != OK) {
        out_result->failed = 1;
        bytebuf_printf(&out_result->report, "%s\n", diag.message);
        return;
    }
    name_database(&run);
    run_with_server(&run, &diag);
    server_close(&run.server);
}
