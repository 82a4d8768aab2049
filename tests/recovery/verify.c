#include "recovery/verify.h"

/* An operation without an answer may be there or not, but it must stay what it is found to be, and its label must tell. */

#include <stdio.h>
#include <string.h>

static void fail(Verification *v, const Writer *writer, uint32_t operation, const char *what, int64_t found, int64_t expected)
{
    v->failures++;
    printf("FAIL writer %d operation %u: %s (found %lld, expected %lld)\n", writer->number, operation, what, (long long)found,
           (long long)expected);
}

/* A repeated label gets the first answer while the load is there, and loads when it is not. */
static void repeat_load(Writer *writer, uint32_t operation, bool is_present, Verification *v)
{
    char label[64], state[40];
    AUTO_BYTEBUF body = {0};
    writer_label(writer, operation, label);
    writer_body(writer, operation, &body);
    peer_load_state(writer->http_port, "kill_loop", label, state);
    v->checks += 2;
    if ((strcmp(state, "VISIBLE") == 0) != is_present) {
        printf("label %s is %s, state \"%s\"\n", label, is_present ? "there" : "not there", state);
        fail(v, writer, operation, "get_load_state is wrong", is_present, !is_present);
    }
    LoadReply reply = peer_load(writer->http_port, "kill_loop", "loads", label, bytebuf_view(&body));
    bool is_right = strcmp(reply.status, "Success") == 0 && reply.loaded == writer->operations[operation].rows;
    if (!is_right) {
        printf("repeating label %s: status \"%s\", existing \"%s\"\n", label, reply.status, reply.existing);
        fail(v, writer, operation, "a repeated label got another answer", is_present, !is_present);
    }
    writer->operations[operation].outcome = OUTCOME_DONE;
}

static void verify_count(Writer *writer, uint32_t operation, int64_t found, Verification *v)
{
    Operation *op = &writer->operations[operation];
    bool was_unknown = op->outcome == OUTCOME_UNKNOWN;
    v->checks++;
    if (was_unknown) {
        *(found == 0 ? &v->unknown_absent : &v->unknown_present) += 1;
        if (found != 0 && found != op->rows)
            fail(v, writer, operation, "a part of it is there", found, op->rows);
        op->outcome = found == 0 ? OUTCOME_REFUSED : OUTCOME_DONE;
    } else if (found != (op->outcome == OUTCOME_DONE ? (int64_t)op->rows : 0)) {
        fail(v, writer, operation, op->outcome == OUTCOME_DONE ? "acknowledged, but not there as it was" : "refused, but there", found,
             op->outcome == OUTCOME_DONE ? (int64_t)op->rows : 0);
    }
    bool repeats = writer->kind == WRITER_STREAM_LOAD && !op->is_settled && (was_unknown || operation % 16 == 0);
    if (repeats && (was_unknown || op->outcome == OUTCOME_DONE))
        repeat_load(writer, operation, found != 0, v);
    op->is_settled = true;
}

/* Rows a operation in a table, and that row numbers are 0 .. rows - 1. */
static void verify_table(Writer *writer, MYSQL *mysql, const char *table, Verification *v)
{
    char sql[256];
    NumberRow *rows;
    uint32_t count;
    snprintf(sql, sizeof(sql), "SELECT op, count(*), sum(n), max(total) FROM %s WHERE writer = %d GROUP BY op", table, writer->number);
    if (!peer_rows(mysql, sql, &rows, &count)) {
        printf("%s: %s\n", sql, mysql_error(mysql));
        fail(v, writer, 0, "the table can't be read", 0, 0);
        return;
    }
    int64_t *found = mem_alloc_zero(OPERATIONS_MAX * sizeof(*found));
    for (uint32_t i = 0; i < count; i++) {
        int64_t op = rows[i].cells[0], number = rows[i].cells[1];
        if (op < 0 || op >= writer->count)
            fail(v, writer, (uint32_t)op, "nobody wrote it", number, 0);
        else
            found[op] = number;
        if (rows[i].cells[2] != number * (number - 1) / 2)
            fail(v, writer, (uint32_t)op, "its rows are not what was written", rows[i].cells[2], number * (number - 1) / 2);
    }
    for (uint32_t op = 0; op < writer->count; op++)
        verify_count(writer, op, found[op], v);
    mem_free(found);
    mem_free(rows);
}

/* sql: least and greatest operation that a key has, and how many keys there are: least or most. */
static void verify_keys(Writer *writer, MYSQL *mysql, const char *sql, int64_t least, int64_t most, Verification *v)
{
    NumberRow *rows;
    uint32_t count;
    int64_t acknowledged = -1;
    for (uint32_t op = 0; op < writer->count; op++)
        acknowledged = writer->operations[op].outcome == OUTCOME_DONE ? (int64_t)op : acknowledged;
    v->checks++;
    if (!peer_rows(mysql, sql, &rows, &count) || count != 1) {
        fail(v, writer, 0, "the table can't be read", 0, 0);
    } else if ((rows[0].cells[2] != (acknowledged < 0 && rows[0].cells[2] == 0 ? 0 : least) && rows[0].cells[2] != most) ||
               rows[0].cells[0] != rows[0].cells[1]) {
        fail(v, writer, (uint32_t)rows[0].cells[1], "some keys only", rows[0].cells[0], rows[0].cells[1]);
    } else if (rows[0].cells[2] > 0 && (rows[0].cells[1] < acknowledged || rows[0].cells[1] >= writer->count)) {
        fail(v, writer, (uint32_t)rows[0].cells[1], "an older value than the acknowledged one", rows[0].cells[1], acknowledged);
    }
    mem_free(rows);
}

/* A roll-up read by its name is its table, whether it has followed yet or not. */
static void verify_rollup(const Writer *writer, MYSQL *mysql, Verification *v)
{
    int64_t wrong = -1;
    v->checks++;
    if (!peer_number(mysql, "SELECT count(*) FROM (SELECT writer, op, sum(n) s, sum(total) t FROM inserts GROUP BY writer, op) a FULL JOIN "
                     "insert_sums [_SYNC_MV_] b ON a.writer = b.writer AND a.op = b.op "
                     "WHERE a.s IS NULL OR b.mv_sum_n IS NULL OR a.s <> b.mv_sum_n OR a.t <> b.mv_sum_total", &wrong) || wrong != 0)
        fail(v, writer, 0, "the roll-up is not its table", wrong, 0);
}

/* The table of the last operations; all older ones are dropped, unless a step was not done. */
static void verify_ddl(Writer *writer, MYSQL *mysql, Verification *v)
{
    for (uint32_t first = 0; first < writer->count; first += 4) {
        const Operation *steps = &writer->operations[first];
        char sql[200];
        int64_t is_there = 0, total = 0;
        if (steps[0].is_settled)
            continue;
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'kill_loop' AND table_name = 'ddl_%d_%u'",
                 writer->number, first / 4);
        v->checks++;
        if (!peer_number(mysql, sql, &is_there))
            fail(v, writer, first, "information_schema can't be read", 0, 0);
        Outcome created = steps[0].outcome;
        Outcome dropped = first + 3 < writer->count ? steps[3].outcome : OUTCOME_REFUSED;
        if (created == OUTCOME_DONE && dropped == OUTCOME_REFUSED && is_there == 0)
            fail(v, writer, first, "the table was created, but is gone", 0, 1);
        if ((created == OUTCOME_REFUSED || dropped == OUTCOME_DONE) && is_there != 0)
            fail(v, writer, first, "the table must not be there", 1, 0);
        snprintf(sql, sizeof(sql), "SELECT sum(a + b) FROM ddl_%d_%u", writer->number, first / 4);
        bool is_filled = first + 2 < writer->count && steps[2].outcome == OUTCOME_DONE;
        if (is_there != 0 && is_filled && (!peer_number(mysql, sql, &total) || total != 10))
            fail(v, writer, first + 2, "its rows are not there", total, 10);
        writer->operations[first].is_settled = true;
    }
    writer->count = (writer->count + 3) / 4 * 4; /* the next life begins a new table */
}

void verify_writer(Writer *writer, MYSQL *mysql, Verification *v)
{
    switch (writer->kind) {
    case WRITER_STREAM_LOAD:
        verify_table(writer, mysql, "loads", v);
        break;
    case WRITER_INSERT:
        verify_table(writer, mysql, "inserts", v);
        verify_rollup(writer, mysql, v);
        break;
    case WRITER_TRANSACTION: {
        /* The first look settles what was unknown; the second table must say the same. */
        verify_table(writer, mysql, "left_side", v);
        verify_table(writer, mysql, "right_side", v);
        break;
    }
    case WRITER_UPSERT:
        verify_keys(writer, mysql, "SELECT min(op), max(op), count(*) FROM upserts", PK_KEYS, PK_KEYS, v);
        break;
    case WRITER_MERGE:
        verify_keys(writer, mysql, "SELECT min(op), max(op), count(*) FROM merges", 10, 20, v);
        break;
    case WRITER_COLUMNS:
        verify_keys(writer, mysql, "SELECT min(op), max(op), count(*) FROM columns WHERE id % 200 = 9", 100, 100, v);
        break;
    case WRITER_MERGED_LOAD:
        verify_table(writer, mysql, "merged_loads", v);
        break;
    case WRITER_DDL:
        verify_ddl(writer, mysql, v);
        break;
    case WRITER_READER:
    case WRITER_KINDS:
        v->checks += writer->reads;
        if (writer->problem[0] != '\0')
            fail(v, writer, 0, writer->problem, 0, 0);
        writer->problem[0] = '\0';
        writer->reads = 0;
        break;
    }
}
