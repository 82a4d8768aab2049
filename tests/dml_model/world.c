#include "dml_model/world.h"

/* Running operations and comparing tables. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_DIFFERENCES = 6, SHOWN_BYTES = 200, CLIENT_ERRORS = 2000, CLIENT_ERRORS_END = 3000 };

uint32_t pick(World *world, uint32_t count)
{
    return (uint32_t)(random_next(&world->random) % count);
}

bool chance(World *world, uint32_t percent)
{
    return pick(world, 100) < percent;
}

static void note(World *world, const char *text, const char *more)
{
    AUTO_BYTEBUF line = {0};
    bytebuf_printf(&line, "%s%s", text, more);
    if (world->log != NULL)
        fprintf(world->log, "%s\n", line.data);
    char **place = &world->history[world->history_count++ % HISTORY_LINES];
    mem_free(*place);
    *place = mem_strdup(line.data);
}

void world_fail(World *world, const char *what, const char *detail)
{
    world->failures++;
    printf("FAIL world %d, operation %llu: %s: %s\n", world->number, (unsigned long long)world->operations, what, detail);
    if (world->failures > 1) /* what follows is mostly a consequence */
        return;
    uint32_t first = world->history_count > HISTORY_LINES ? world->history_count - HISTORY_LINES : 0;
    for (uint32_t i = first; i < world->history_count; i++)
        printf("    %.*s\n", SHOWN_BYTES, world->history[i % HISTORY_LINES]);
    fflush(stdout);
}

RefTable *world_touch(World *world, uint32_t slot)
{
    if (world->after[slot] == NULL)
        world->after[slot] = ref_copy(world->tables[slot]);
    return world->after[slot];
}

void world_settle(World *world, bool is_done)
{
    if (world->is_cut)
        return; /* world_verify() does it */
    for (uint32_t i = 0; i < WORLD_TABLES; i++) {
        if (world->after[i] == NULL)
            continue;
        ref_free(is_done ? world->tables[i] : world->after[i]);
        if (is_done)
            world->tables[i] = world->after[i];
        world->after[i] = NULL;
    }
}

static bool is_lost(const Answer *answer)
{
    return answer->error_number >= CLIENT_ERRORS && answer->error_number < CLIENT_ERRORS_END;
}

/* The server says that it does not know, or is going down. */
static bool is_unknown(const char *text)
{
    return strstr(text, "ask by label") != NULL || strstr(text, "shutting down") != NULL || strstr(text, "is stopping") != NULL;
}

bool world_run(World *world, const char *sql)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    note(world, "", sql);
    Answer answer = client_run(world->client, sql, &arena);
    if (!answer.is_error)
        return true;
    if (is_lost(&answer) || is_unknown(answer.message))
        world->is_cut = true;
    else
        world_fail(world, answer.message, sql);
    return false;
}

/* Nobody else writes here, so that a conflict can only come from compaction between BEGIN and the first write, which
 * rows without keys don't survive. It is a retryable answer, and a rare one. */
bool world_commit(World *world)
{
    enum { CONFLICTS_MAX = 3 };
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    note(world, "", "COMMIT");
    Answer answer = client_run(world->client, "COMMIT", &arena);
    if (!answer.is_error)
        return true;
    bool is_conflict = strstr(answer.message, "conflicts with another one") != NULL;
    if (is_lost(&answer) || is_unknown(answer.message))
        world->is_cut = true;
    else if (!is_conflict || ++world->conflicts > CONFLICTS_MAX)
        world_fail(world, answer.message, "COMMIT");
    return false;
}

bool world_load(World *world, const RefTable *table, const Lines *headers, const ByteBuf *body, Arena *arena)
{
    AUTO_BYTEBUF reply = {0};
    const char *url = arena_printf(arena, "http://127.0.0.1:%d/api/dml_model/%s/_stream_load", world->http_port, table->name);
    HttpRequest request = {"PUT", url, headers, body->data};
    AUTO_BYTEBUF line = {0};
    for (uint32_t i = 0; i < headers->count; i++)
        bytebuf_printf(&line, " [%.*s]", SV_ARGS(headers->items[i]));
    bytebuf_printf(&line, " %s", body->data);
    note(world, arena_printf(arena, "load into %s", table->name), line.data);
    long status = http_run(&request, &reply);
    bool is_done = status == 200 && strstr(reply.data, "\"Success\"") != NULL;
    if (!is_done && (status != 200 || is_unknown(reply.data)))
        world->is_cut = true;
    else if (!is_done)
        world_fail(world, "a load failed", reply.data);
    return is_done;
}

/* ---- comparing ---- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_cells(ByteBuf *line, const RefTable *table, const Row *row)
{
    for (uint32_t c = 0; c < table->column_count; c++) {
        bytebuf_append_text(line, c == 0 ? "" : "|");
        cell_print(line, table->columns[c].kind, row->cells[c]);
    }
}

static char **expected_lines(const RefTable *table, const Where *where, Arena *arena, uint32_t *out_count)
{
    char **lines = ARENA_NEW_ARRAY(arena, char *, table->row_count + 1);
    uint32_t count = 0;
    AUTO_BYTEBUF line = {0};
    for (uint32_t i = 0; i < table->row_count; i++) {
        if (!where_holds(where, &table->rows[i]))
            continue;
        bytebuf_clear(&line);
        print_cells(&line, table, &table->rows[i]);
        lines[count++] = arena_strdup(arena, line.data);
    }
    qsort(lines, count, sizeof(*lines), compare_lines);
    *out_count = count;
    return lines;
}

static char **found_lines(const Cells *cells, Arena *arena)
{
    char **lines = ARENA_NEW_ARRAY(arena, char *, cells->rows + 1);
    AUTO_BYTEBUF line = {0};
    for (uint32_t r = 0; r < cells->rows; r++) {
        bytebuf_clear(&line);
        for (uint32_t c = 0; c < cells->columns; c++) {
            bytebuf_append_text(&line, c == 0 ? "" : "|");
            bytebuf_append_view(&line, cells->values[r * cells->columns + c]);
        }
        lines[r] = arena_strdup(arena, line.data);
    }
    qsort(lines, cells->rows, sizeof(*lines), compare_lines);
    return lines;
}

/* Both are sorted. */
static const char *describe(char **expected, uint32_t expected_count, char **found, uint32_t found_count, Arena *arena)
{
    AUTO_BYTEBUF text = {0};
    uint32_t shown = 0, e = 0, f = 0;
    bytebuf_printf(&text, "%u rows, %u expected", found_count, expected_count);
    while ((e < expected_count || f < found_count) && shown < SHOWN_DIFFERENCES) {
        int order = e == expected_count ? 1 : f == found_count ? -1 : strcmp(expected[e], found[f]);
        if (order != 0) {
            bytebuf_printf(&text, "\n    %s %s", order < 0 ? "missing" : "found  ", order < 0 ? expected[e] : found[f]);
            shown++;
        }
        e += order <= 0;
        f += order >= 0;
    }
    return shown == 0 ? NULL : arena_strdup(arena, text.data);
}

static void select_text(const RefTable *table, const Where *where, ByteBuf *sql)
{
    bytebuf_append_text(sql, "SELECT ");
    for (uint32_t c = 0; c < table->column_count; c++)
        bytebuf_printf(sql, "%s%s", c == 0 ? "" : ", ", table->columns[c].name);
    bytebuf_printf(sql, " FROM %s%s", table->name, where->count > 0 ? " WHERE " : "");
    where_print(sql, table, where);
}

bool world_compare(World *world, const RefTable *table, const Where *where, bool is_quiet)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    AUTO_BYTEBUF sql = {0};
    uint32_t expected_count;
    select_text(table, where, &sql);
    Answer answer = client_run(world->client, sql.data, &arena);
    world->comparisons++;
    if (answer.is_error && is_lost(&answer)) {
        world->is_cut = true;
        return true;
    }
    const char *difference = answer.message;
    if (!answer.is_error) {
        char **expected = expected_lines(table, where, &arena, &expected_count);
        difference = describe(expected, expected_count, found_lines(&answer.cells, &arena), answer.cells.rows, &arena);
    }
    if (difference != NULL && !is_quiet)
        note(world, "differs: ", sql.data);
    if (difference != NULL && !is_quiet)
        world_fail(world, sql.data, difference);
    return difference == NULL;
}

void operation_read(World *world)
{
    const RefTable *table = world->tables[pick(world, WORLD_TABLES)];
    Where where = {0};
    if (chance(world, 80))
        where = random_where(world, table, true);
    (void)world_compare(world, table, &where, false);
}

/* ---- lives ---- */

static void make_tables(World *world)
{
    for (uint32_t i = 0; i < WORLD_TABLES && !world->is_cut; i++) {
        AUTO_BYTEBUF sql = {0};
        if (world->tables[i] != NULL)
            continue;
        RefTable *table = random_table(world, &sql);
        if (world_run(world, sql.data))
            world->tables[i] = table;
        else
            ref_free(table);
    }
}

static void operate(World *world)
{
    uint32_t kind = pick(world, 100);
    world->operations++;
    if (kind < 58)
        operation_rows(world);
    else if (kind < 70)
        operation_merge(world);
    else if (kind < 82)
        operation_table(world);
    else
        operation_read(world);
}

void world_main(void *argument)
{
    World *world = argument;
    const char *database = "dml_model";
    world->client = client_open(world->query_port, database, NULL, 0);
    make_tables(world);
    while (!world->is_cut && world->failures == 0 && env_monotonic_us(environment_real()) < world->end_us)
        operate(world);
    client_close(world->client);
    world->client = NULL;
}

/* An empty table looks the same with other columns. */
static bool has_columns(World *world, const RefTable *table)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Answer answer = client_run(world->client, arena_printf(&arena, "DESC %s", table->name), &arena);
    bool is_same = !answer.is_error && answer.cells.rows == table->column_count;
    for (uint32_t c = 0; c < table->column_count && is_same; c++)
        is_same = strview_is(answer.cells.values[c * answer.cells.columns], table->columns[c].name);
    return is_same;
}

/* Tables that the last operation touched hold all of it or nothing. */
static bool all_hold(World *world, bool is_after)
{
    static const Where everything = {0};
    for (uint32_t i = 0; i < WORLD_TABLES; i++) {
        const RefTable *table = is_after ? world->after[i] : world->tables[i];
        if (world->after[i] != NULL && (!has_columns(world, table) || !world_compare(world, table, &everything, true)))
            return false;
    }
    return true;
}

static void find_out(World *world)
{
    bool is_after = false;
    world->is_cut = false;
    if (!all_hold(world, false))
        is_after = all_hold(world, true);
    world_settle(world, is_after);
}

/* A cut inside an exchange leaves its temporary partition, with which the rows of a table can't be written again. */
static void drop_left_partition(World *world, const RefTable *table)
{
    AUTO_BYTEBUF sql = {0};
    if (table->parts != PARTS_RANGE)
        return;
    bytebuf_printf(&sql, "ALTER TABLE %s DROP TEMPORARY PARTITION IF EXISTS tp", table->name);
    (void)world_run(world, sql.data);
}

void world_verify(World *world)
{
    static const Where everything = {0};
    world->client = client_open(world->query_port, "dml_model", NULL, 0);
    note(world, "-- a new life of the server", "");
    find_out(world);
    for (uint32_t i = 0; i < WORLD_TABLES; i++) {
        if (world->tables[i] == NULL)
            continue;
        (void)world_compare(world, world->tables[i], &everything, false);
        drop_left_partition(world, world->tables[i]);
    }
    client_close(world->client);
    world->client = NULL;
}

void world_open(World *world, int number, uint64_t seed, const char *log_folder)
{
    char path[512];
    *world = (World){.number = number, .random = {seed * 1000 + (uint64_t)number}};
    snprintf(path, sizeof(path), "%s/world%d.sql", log_folder == NULL ? "" : log_folder, number);
    if (log_folder != NULL)
        world->log = fopen(path, "w");
}

void world_close(World *world)
{
    for (uint32_t i = 0; i < WORLD_TABLES; i++) {
        ref_free(world->tables[i]);
        ref_free(world->after[i]);
    }
    for (uint32_t i = 0; i < HISTORY_LINES; i++)
        mem_free(world->history[i]);
    if (world->log != NULL)
        fclose(world->log);
}
