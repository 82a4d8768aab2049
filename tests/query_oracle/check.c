#include "query_oracle/query_oracle.h"

/* Oracles: two or more texts that must give the same set of rows. */

#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_ROWS = 5, LOST_CONNECTION = 2013, SERVER_GONE = 2006, INTERNAL_ERROR = 1105 };

typedef struct RowSet {
    const char **rows; /* sorted */
    uint32_t count;
} RowSet;

static int compare_rows(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sums of DOUBLE and quotients may differ in their last digits. */
static void cell_print(StrView cell, ByteBuf *out)
{
    char *end = NULL;
    double value = cell.length > 0 && cell.length < 40 && memchr(cell.data, '.', cell.length) != NULL ? strtod(cell.data, &end) : 0;
    if (end != NULL && end == cell.data + cell.length)
        bytebuf_printf(out, "%.9g", value);
    else
        bytebuf_append_view(out, cell);
}

static RowSet row_set(const Cells *cells, Arena *arena)
{
    RowSet set = {.rows = ARENA_NEW_ARRAY(arena, const char *, cells->rows + 1), .count = cells->rows};
    for (uint32_t r = 0; r < cells->rows; r++) {
        AUTO_BYTEBUF row = {0};
        for (uint32_t c = 0; c < cells->columns; c++) {
            cell_print(cells->values[(size_t)r * cells->columns + c], &row);
            bytebuf_append_char(&row, '|');
        }
        set.rows[r] = arena_strndup(arena, row.data == NULL ? "" : row.data, row.length);
    }
    qsort(set.rows, set.count, sizeof(*set.rows), compare_rows);
    return set;
}

static bool sets_equal(const RowSet *a, const RowSet *b)
{
    bool equal = a->count == b->count;
    for (uint32_t i = 0; equal && i < a->count; i++)
        equal = strcmp(a->rows[i], b->rows[i]) == 0;
    return equal;
}

static void print_extra(const char *who, const RowSet *of, const RowSet *other)
{
    uint32_t shown = 0;
    for (uint32_t i = 0, j = 0; i < of->count && shown < SHOWN_ROWS;) {
        int order = j < other->count ? strcmp(of->rows[i], other->rows[j]) : -1;
        if (order < 0)
            printf("    only %s: %s\n", who, of->rows[i]), shown++;
        i += order <= 0;
        j += order >= 0;
    }
}

/* No defect: a value out of range, a limit. Everything else that a generated query meets is one. */
static bool is_refusal(const Answer *answer)
{
    return answer->error_number != LOST_CONNECTION && answer->error_number != SERVER_GONE && answer->error_number != INTERNAL_ERROR;
}

typedef struct Question {
    const char *connection;
    const char *sql;
} Question;

static void note_difference(const char *oracle, const Question *a, const Question *b, const RowSet *first, const RowSet *second)
{
    printf("FAIL %s: %u rows and %u rows\n  %s: %s;\n  %s: %s;\n", oracle, first->count, second->count, a->connection, a->sql, b->connection,
           b->sql);
    print_extra("first", first, second);
    print_extra("second", second, first);
}

static bool ask(Checker *checker, const Question *question, Arena *arena, RowSet *out)
{
    client_choose(checker->client, question->connection);
    Answer answer = client_run(checker->client, question->sql, arena);
    if (!answer.is_error) {
        *out = row_set(&answer.cells, arena);
        return true;
    }
    if (is_refusal(&answer)) {
        checker->refused++;
        if (checker->is_verbose)
            printf("refused: %s\n  %s;\n", answer.message, question->sql);
    } else {
        checker->failed++;
        printf("FAIL %d %s\n  %s: %s;\n", answer.error_number, answer.message, question->connection, question->sql);
    }
    return false;
}

static void compare(Checker *checker, const char *oracle, const Question *questions, uint32_t count)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    RowSet first, other;
    if (!ask(checker, &questions[0], &arena, &first))
        return;
    for (uint32_t i = 1; i < count; i++) {
        if (!ask(checker, &questions[i], &arena, &other))
            continue;
        bool equal = sets_equal(&first, &other);
        checker->passed += equal;
        checker->failed += !equal;
        if (!equal)
            note_difference(oracle, &questions[0], &questions[i], &first, &other);
    }
}

/* The same text with every worker, with one, and with all operators spilling. */
void check_settings(Checker *checker)
{
    AUTO_BYTEBUF text = {0};
    AUTO_BYTEBUF sql = {0};
    query_print(checker->generator, &text);
    layout_print(&sql, bytebuf_view(&text), (int)draw(checker->generator, LAYOUTS));
    compare(checker, "settings", (Question[]){{"default", sql.data}, {"one worker", sql.data}, {"spilling", sql.data}}, 3);
}

void check_layouts(Checker *checker)
{
    AUTO_BYTEBUF text = {0};
    ByteBuf sql[LAYOUTS] = {0};
    Question questions[LAYOUTS];
    query_print(checker->generator, &text);
    for (int i = 0; i < LAYOUTS; i++) {
        layout_print(&sql[i], bytebuf_view(&text), i);
        questions[i] = (Question){"default", sql[i].data};
    }
    compare(checker, "layouts", questions, LAYOUTS);
    for (int i = 0; i < LAYOUTS; i++)
        bytebuf_deinit(&sql[i]);
}

static void compare_texts(Checker *checker, const char *oracle, const ByteBuf *first, const ByteBuf *second)
{
    AUTO_BYTEBUF a = {0};
    AUTO_BYTEBUF b = {0};
    int layout = (int)draw(checker->generator, LAYOUTS);
    layout_print(&a, bytebuf_view(first), layout);
    layout_print(&b, bytebuf_view(second), layout);
    compare(checker, oracle, (Question[]){{"default", a.data}, {"default", b.data}}, 2);
}

void check_count(Checker *checker)
{
    AUTO_BYTEBUF from = {0};
    AUTO_BYTEBUF where = {0};
    AUTO_BYTEBUF first = {0};
    AUTO_BYTEBUF second = {0};
    Scope scope;
    from_print(checker->generator, &scope, &from);
    predicate_print(checker->generator, &scope, 3, &where);
    bytebuf_printf(&first, "SELECT count(*) FROM %s WHERE %s", from.data, where.data);
    bytebuf_printf(&second, "SELECT coalesce(sum(CASE WHEN %s THEN 1 ELSE 0 END), 0) FROM %s", where.data, from.data);
    compare_texts(checker, "count", &first, &second);
}

/* SELECT head FROM from [WHERE|HAVING p] tail for the three values of p, joined by an operator. */
static void thirds_print(const char *head, const char *word, const char *predicate, const char *tail, const char *joint, ByteBuf *sql)
{
    bytebuf_printf(sql, "SELECT %s %s %s%s%sSELECT %s %s (NOT %s)%s%sSELECT %s %s (%s) IS NULL%s", head, word, predicate, tail, joint, head, word,
                   predicate, tail, joint, head, word, predicate, tail);
}

typedef struct Parts {
    Scope scope;
    ByteBuf from, where, key, value, head;
} Parts;

static void parts_open(Parts *parts, Generator *g)
{
    *parts = (Parts){0};
    from_print(g, &parts->scope, &parts->from);
    predicate_print(g, &parts->scope, 2, &parts->where);
    expression_print(g, &parts->scope, random_kind(g), 2, &parts->key);
    expression_print(g, &parts->scope, lucky(g, 50) ? KIND_INT : KIND_DECIMAL, 1, &parts->value);
}

static void parts_close(Parts *parts)
{
    ByteBuf *bufs[] = {&parts->from, &parts->where, &parts->key, &parts->value, &parts->head};
    for (size_t i = 0; i < COUNT_OF(bufs); i++)
        bytebuf_deinit(bufs[i]);
}

static void rows_in_parts(Checker *checker, Parts *parts, bool is_distinct)
{
    AUTO_BYTEBUF whole = {0};
    AUTO_BYTEBUF thirds = {0};
    bytebuf_printf(&parts->head, "%s%s AS x0, %s AS x1 FROM %s", is_distinct ? "DISTINCT " : "", parts->key.data, parts->value.data,
                   parts->from.data);
    bytebuf_printf(&whole, "SELECT %s", parts->head.data);
    thirds_print(parts->head.data, "WHERE", parts->where.data, "", is_distinct ? " UNION " : " UNION ALL ", &thirds);
    compare_texts(checker, is_distinct ? "parts of distinct rows" : "parts of rows", &whole, &thirds);
}

/* Aggregates of the whole, and aggregates of the three parts put together. */
static void aggregates_in_parts(Checker *checker, Parts *parts, bool is_grouped)
{
    AUTO_BYTEBUF whole = {0};
    AUTO_BYTEBUF thirds = {0};
    AUTO_BYTEBUF inner = {0};
    const char *tail = is_grouped ? " GROUP BY 1" : "";
    bytebuf_printf(&parts->head, "%s AS x0, count(*) AS x1, count(%s) AS x2, sum(%s) AS x3, min(%s) AS x4, max(%s) AS x5 FROM %s",
                   is_grouped ? parts->key.data : "1", parts->value.data, parts->value.data, parts->value.data, parts->value.data,
                   parts->from.data);
    bytebuf_printf(&whole, "SELECT %s%s", parts->head.data, tail);
    thirds_print(parts->head.data, "WHERE", parts->where.data, tail, " UNION ALL ", &inner);
    bytebuf_printf(&thirds, "SELECT %s, sum(x1), sum(x2), sum(x3), min(x4), max(x5) FROM (%s) u%s", is_grouped ? "x0" : "1", inner.data, tail);
    compare_texts(checker, "parts of aggregates", &whole, &thirds);
}

static void groups_in_parts(Checker *checker, Parts *parts)
{
    static const char *const conditions[] = {"(sum(%s) > 3)", "(min(%s) < 0)", "(max(%s) = count(*))", "(count(%s) BETWEEN 1 AND 4)"};
    AUTO_BYTEBUF whole = {0};
    AUTO_BYTEBUF thirds = {0};
    AUTO_BYTEBUF having = {0};
    for (const char *p = conditions[draw(checker->generator, COUNT_OF(conditions))]; *p != '\0'; p++) {
        if (*p == '%' && p[1] == 's')
            bytebuf_append_view(&having, bytebuf_view(&parts->value)), p++;
        else
            bytebuf_append_char(&having, *p);
    }
    bytebuf_printf(&parts->head, "%s AS x0, max(%s) AS x1 FROM %s GROUP BY 1", parts->key.data, parts->value.data, parts->from.data);
    bytebuf_printf(&whole, "SELECT %s", parts->head.data);
    thirds_print(parts->head.data, "HAVING", having.data, "", " UNION ALL ", &thirds);
    compare_texts(checker, "parts of groups", &whole, &thirds);
}

void check_partitions(Checker *checker)
{
    Parts parts;
    uint32_t form = draw(checker->generator, 5);
    parts_open(&parts, checker->generator);
    if (form < 2)
        rows_in_parts(checker, &parts, form == 1);
    else if (form < 4)
        aggregates_in_parts(checker, &parts, form == 3);
    else
        groups_in_parts(checker, &parts);
    parts_close(&parts);
}

/* What a query gives is what a table has that was made of it. */
void check_table(Checker *checker)
{
    AUTO_BYTEBUF text = {0};
    AUTO_BYTEBUF sql = {0};
    AUTO_BYTEBUF table = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    query_print(checker->generator, &text);
    layout_print(&sql, bytebuf_view(&text), (int)draw(checker->generator, LAYOUTS));
    bytebuf_printf(&table, "DROP TABLE IF EXISTS made FORCE; CREATE TABLE made AS %s", sql.data);
    RowSet ignored;
    if (ask(checker, &(Question){"default", table.data}, &arena, &ignored))
        compare(checker, "table", (Question[]){{"default", sql.data}, {"default", "SELECT * FROM made"}}, 2);
}

/* A query inside another, as a CTE that is used twice, and as a view, whose text the server writes anew. */
void check_forms(Checker *checker)
{
    AUTO_BYTEBUF text = {0};
    AUTO_BYTEBUF sql = {0};
    AUTO_BYTEBUF derived = {0};
    AUTO_BYTEBUF cte = {0};
    AUTO_BYTEBUF twice = {0};
    AUTO_BYTEBUF view = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    query_print(checker->generator, &text);
    layout_print(&sql, bytebuf_view(&text), (int)draw(checker->generator, LAYOUTS));
    bytebuf_printf(&derived, "SELECT * FROM (%s) q", sql.data);
    bytebuf_printf(&cte, "WITH w AS (%s) SELECT * FROM w UNION ALL SELECT * FROM w", sql.data);
    bytebuf_printf(&twice, "(%s) UNION ALL (%s)", sql.data, sql.data);
    bytebuf_printf(&view, "CREATE OR REPLACE VIEW v AS %s", sql.data);
    RowSet ignored;
    compare(checker, "twice", (Question[]){{"default", twice.data}, {"default", cte.data}}, 2);
    if (ask(checker, &(Question){"default", view.data}, &arena, &ignored))
        compare(checker, "forms", (Question[]){{"default", sql.data}, {"default", derived.data}, {"default", "SELECT * FROM v"}}, 3);
}

bool check_self(void)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    StrView cells[] = {STR_VIEW("1"), STR_VIEW("a"), STR_VIEW("2"), STR_VIEW("b")}, swapped[] = {STR_VIEW("2"), STR_VIEW("b"), STR_VIEW("1"), STR_VIEW("a")};
    StrView other[] = {STR_VIEW("1"), STR_VIEW("b"), STR_VIEW("2"), STR_VIEW("a")};
    RowSet a = row_set(&(Cells){2, 2, cells}, &arena), b = row_set(&(Cells){2, 2, swapped}, &arena);
    RowSet c = row_set(&(Cells){2, 2, other}, &arena), d = row_set(&(Cells){2, 1, cells}, &arena);
    return sets_equal(&a, &b) && !sets_equal(&a, &c) && !sets_equal(&a, &d);
}
