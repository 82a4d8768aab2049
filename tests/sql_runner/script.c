#include "sql_runner/script.h"

/* Reading: lines first, then records, each up to an empty line. A load's body may hold empty lines, so that it
 * goes up to the next ----. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct ScriptParser {
    const char *path;
    Arena *arena;
    Lines lines;
    uint32_t at;
    StrView configuration;
    Records *records;
    Diag *diag;
} ScriptParser;

#define DIVIDER STR_VIEW("----")

static Status read_file(const char *path, ByteBuf *out, Diag *diag)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return RAISE(diag, IO, "cannot open %s: %s", path, strerror(errno));
    char block[8192];
    for (size_t length; (length = fread(block, 1, sizeof(block), file)) > 0;)
        bytebuf_append(out, block, length);
    fclose(file);
    return OK;
}

static void split_lines(StrView text, Arena *arena, Lines *out)
{
    while (text.length > 0) {
        const char *newline = memchr(text.data, '\n', text.length);
        size_t length = newline == NULL ? text.length : (size_t)(newline - text.data);
        ARRAY_PUSH(arena, out, strview_n(text.data, length));
        size_t used = newline == NULL ? length : length + 1;
        text = strview_n(text.data + used, text.length - used);
    }
}

static void split_words(StrView text, Arena *arena, Lines *out)
{
    for (size_t i = 0; i < text.length;) {
        while (i < text.length && text.data[i] == ' ')
            i++;
        size_t start = i;
        while (i < text.length && text.data[i] != ' ')
            i++;
        if (i > start)
            ARRAY_PUSH(arena, out, strview_n(text.data + start, i - start));
    }
}

static bool at_end(const ScriptParser *parser)
{
    return parser->at == parser->lines.count;
}

static StrView line_here(const ScriptParser *parser)
{
    return parser->lines.items[parser->at];
}

/* Lines up to an empty one, or to ---- where that divides. */
static Lines take_block(ScriptParser *parser, bool stops_at_divider)
{
    Lines block = {0};
    for (; !at_end(parser) && line_here(parser).length > 0; parser->at++) {
        if (stops_at_divider && strview_equal(line_here(parser), DIVIDER))
            break;
        ARRAY_PUSH(parser->arena, &block, line_here(parser));
    }
    return block;
}

static bool take_divider(ScriptParser *parser)
{
    if (at_end(parser) || !strview_equal(line_here(parser), DIVIDER))
        return false;
    parser->at++;
    return true;
}

static const char *join_lines(const Lines *lines, Arena *arena)
{
    AUTO_BYTEBUF text = {0};
    for (uint32_t i = 0; i < lines->count; i++) {
        if (i > 0)
            bytebuf_append_char(&text, '\n');
        bytebuf_append_view(&text, lines->items[i]);
    }
    return arena_strndup(arena, text.data == NULL ? "" : text.data, text.length);
}

/* The body of a load: all lines up to the next ----, empty ones too. */
static const char *take_body(ScriptParser *parser)
{
    Lines body = {0};
    for (; !at_end(parser) && !strview_equal(line_here(parser), DIVIDER); parser->at++)
        ARRAY_PUSH(parser->arena, &body, line_here(parser));
    const char *text = join_lines(&body, parser->arena);
    return body.count == 0 ? text : arena_printf(parser->arena, "%s\n", text);
}

static Status bad_line(const ScriptParser *parser, int line, const char *what)
{
    return RAISE(parser->diag, BAD_VALUE, "%s:%d: %s", parser->path, line, what);
}

/* What stands behind the first n words, blanks trimmed. */
static const char *rest_after(StrView line, int words, Arena *arena)
{
    size_t i = 0;
    for (int word = 0; word < words; word++) {
        while (i < line.length && line.data[i] != ' ')
            i++;
        while (i < line.length && line.data[i] == ' ')
            i++;
    }
    return arena_strndup(arena, line.data + i, line.length - i);
}

/* `statement error 1064 near .*` */
static void parse_expected_error(Record *record, const Lines *words, StrView line, Arena *arena)
{
    int skipped = 2;
    record->expects_error = true;
    if (words->count > 2) {
        StrView word = words->items[2];
        char *end;
        long number = strtol(arena_strndup(arena, word.data, word.length), &end, 10);
        if (*end == '\0' && number >= 1000 && number <= 9999) {
            record->error_number = (int)number;
            skipped = 3;
        }
    }
    record->pattern = rest_after(line, skipped, arena);
}

static Status parse_statement(ScriptParser *parser, Record *record, const Lines *words, StrView line)
{
    record->kind = RECORD_STATEMENT;
    if (words->count < 2)
        return bad_line(parser, record->line, "statement needs ok or error");
    if (strview_is(words->items[1], "error"))
        parse_expected_error(record, words, line, parser->arena);
    else if (!strview_is(words->items[1], "ok"))
        return bad_line(parser, record->line, "statement needs ok or error");
    Lines sql = take_block(parser, false);
    record->text = join_lines(&sql, parser->arena);
    return OK;
}

static Status parse_query(ScriptParser *parser, Record *record, const Lines *words, StrView line)
{
    record->kind = RECORD_QUERY;
    if (words->count > 1 && strview_is(words->items[1], "error"))
        return bad_line(parser, record->line, "an error is expected with statement error");
    record->argument = words->count > 1 ? arena_strndup(parser->arena, words->items[1].data, words->items[1].length) : "";
    for (uint32_t i = 2; i < words->count; i++) {
        StrView word = words->items[i];
        if (strview_is(word, "rowsort"))
            record->sort = SORT_ROWS;
        else if (strview_is(word, "valuesort"))
            record->sort = SORT_VALUES;
        else if (strview_is(word, "retry"))
            record->retries = true;
        else if (!strview_is(word, "nosort"))
            return bad_line(parser, record->line, "a query is followed by nosort, rowsort, valuesort or retry");
    }
    (void)line;
    Lines sql = take_block(parser, true);
    record->text = join_lines(&sql, parser->arena);
    if (!take_divider(parser))
        return bad_line(parser, record->line, "a query needs ---- and its rows");
    record->expected = take_block(parser, false);
    return OK;
}

/* `load TABLE`, headers, ----, body, ----, lines of the reply. */
static Status parse_load(ScriptParser *parser, Record *record, const Lines *words)
{
    record->kind = RECORD_LOAD;
    if (words->count != 2)
        return bad_line(parser, record->line, "load needs a table");
    record->argument = arena_strndup(parser->arena, words->items[1].data, words->items[1].length);
    record->headers = take_block(parser, true);
    if (!take_divider(parser))
        return bad_line(parser, record->line, "a load needs ---- and its body");
    record->text = take_body(parser);
    if (!take_divider(parser))
        return bad_line(parser, record->line, "the body of a load ends with ----");
    record->expected = take_block(parser, false);
    return OK;
}

/* `http METHOD PATH [STATUS]`, headers, ----, patterns of the reply. */
static Status parse_http(ScriptParser *parser, Record *record, const Lines *words)
{
    record->kind = RECORD_HTTP;
    if (words->count < 3)
        return bad_line(parser, record->line, "http needs a method and a path");
    record->text = arena_strndup(parser->arena, words->items[1].data, words->items[1].length);
    record->argument = arena_strndup(parser->arena, words->items[2].data, words->items[2].length);
    record->error_number = 200;
    if (words->count > 3)
        record->error_number = (int)strtol(arena_strndup(parser->arena, words->items[3].data, words->items[3].length), NULL, 10);
    record->headers = take_block(parser, true);
    if (take_divider(parser))
        record->expected = take_block(parser, false);
    return OK;
}

/* `file NAME`, the body up to ----; `copy NAME PATH`, from the folder of the test; `link NAME TARGET`. */
static Status parse_file(ScriptParser *parser, Record *record, const Lines *words)
{
    bool has_body = strview_is(words->items[0], "file");
    record->kind = RECORD_FILE;
    if (words->count != (has_body ? 2u : 3u))
        return bad_line(parser, record->line, "file needs a name; copy and link need a name and a path");
    record->argument = arena_strndup(parser->arena, words->items[1].data, words->items[1].length);
    record->words = *words;
    if (!has_body)
        return OK;
    record->text = take_body(parser);
    return take_divider(parser) ? OK : bad_line(parser, record->line, "the body of a file ends with ----");
}

static Status parse_let(ScriptParser *parser, Record *record, const Lines *words)
{
    record->kind = RECORD_LET;
    if (words->count != 2)
        return bad_line(parser, record->line, "let needs a name");
    record->argument = arena_strndup(parser->arena, words->items[1].data, words->items[1].length);
    Lines sql = take_block(parser, false);
    record->text = join_lines(&sql, parser->arena);
    return OK;
}

/* `loop NAME FROM TO` (without TO) and `foreach NAME WORD ...`. */
static Status parse_loop(ScriptParser *parser, Record *record, const Lines *words)
{
    bool counts = strview_is(words->items[0], "loop");
    record->kind = RECORD_LOOP;
    if (words->count < 3 || (counts && words->count != 4))
        return bad_line(parser, record->line, "loop needs a name, a first and a last number; foreach a name and words");
    record->argument = arena_strndup(parser->arena, words->items[1].data, words->items[1].length);
    if (!counts) {
        for (uint32_t i = 2; i < words->count; i++)
            ARRAY_PUSH(parser->arena, &record->words, words->items[i]);
        return OK;
    }
    long from = strtol(words->items[2].data, NULL, 10), to = strtol(words->items[3].data, NULL, 10);
    for (long i = from; i < to; i++)
        ARRAY_PUSH(parser->arena, &record->words, strview(arena_printf(parser->arena, "%ld", i)));
    return OK;
}

static Status close_loop(ScriptParser *parser, Record *record)
{
    record->kind = RECORD_LOOP_END;
    for (uint32_t i = parser->records->count; i-- > 0;) {
        Record *opening = &parser->records->items[i];
        if (opening->kind == RECORD_LOOP && opening->end == 0) {
            opening->end = parser->records->count;
            return OK;
        }
    }
    return bad_line(parser, record->line, "endloop without loop");
}

static Status parse_record(ScriptParser *parser, Record *record, const Lines *words, StrView line)
{
    StrView word = words->items[0];
    if (strview_is(word, "statement"))
        return parse_statement(parser, record, words, line);
    if (strview_is(word, "query"))
        return parse_query(parser, record, words, line);
    if (strview_is(word, "load"))
        return parse_load(parser, record, words);
    if (strview_is(word, "http"))
        return parse_http(parser, record, words);
    if (strview_is(word, "file") || strview_is(word, "copy") || strview_is(word, "link"))
        return parse_file(parser, record, words);
    if (strview_is(word, "let"))
        return parse_let(parser, record, words);
    if (strview_is(word, "loop") || strview_is(word, "foreach"))
        return parse_loop(parser, record, words);
    if (strview_is(word, "endloop"))
        return close_loop(parser, record);
    if (strview_is(word, "restart")) {
        record->kind = RECORD_RESTART;
        record->has_kill = words->count > 1 && strview_is(words->items[1], "kill");
        return OK;
    }
    if (strview_is(word, "connection") && words->count == 2) {
        record->kind = RECORD_CONNECTION;
        record->argument = arena_strndup(parser->arena, words->items[1].data, words->items[1].length);
        return OK;
    }
    if (strview_is(word, "halt")) {
        record->kind = RECORD_HALT;
        return OK;
    }
    return bad_line(parser, record->line, "unknown record");
}

/* `skipif NAME` and `onlyif NAME` before a record. */
static bool is_condition(const ScriptParser *parser, const Lines *words, bool *in_out_skipped)
{
    bool skips = strview_is(words->items[0], "skipif"), only = strview_is(words->items[0], "onlyif");
    if ((!skips && !only) || words->count != 2)
        return false;
    bool is_here = strview_equal(words->items[1], parser->configuration);
    if (is_here == skips)
        *in_out_skipped = true;
    return true;
}

static Status parse_records(ScriptParser *parser)
{
    bool skipped = false;
    while (!at_end(parser)) {
        StrView line = line_here(parser);
        Record record = {.line = (int)++parser->at};
        if (line.length == 0 || line.data[0] == '#')
            continue;
        Lines words = {0};
        split_words(line, parser->arena, &words);
        if (words.count == 0)
            return bad_line(parser, record.line, "a line of blanks");
        if (is_condition(parser, &words, &skipped))
            continue;
        TRY(parse_record(parser, &record, &words, line));
        if (!skipped)
            ARRAY_PUSH(parser->arena, parser->records, record);
        skipped = false;
    }
    for (uint32_t i = 0; i < parser->records->count; i++) {
        if (parser->records->items[i].kind == RECORD_LOOP && parser->records->items[i].end == 0)
            return bad_line(parser, parser->records->items[i].line, "loop without endloop");
    }
    return OK;
}

Status script_read(const char *path, StrView configuration, Arena *arena, Script *out_script, Diag *diag)
{
    AUTO_BYTEBUF bytes = {0};
    TRY(read_file(path, &bytes, diag));
    StrView text = strview_n(arena_strndup(arena, bytes.data == NULL ? "" : bytes.data, bytes.length), bytes.length);
    *out_script = (Script){.path = path};
    ScriptParser parser = {.path = path, .arena = arena, .configuration = configuration, .records = &out_script->records, .diag = diag};
    split_lines(text, arena, &parser.lines);
    return parse_records(&parser);
}
