#include "recovery/workload.h"

/* Rows carry who wrote them, in which operation, and how many rows the operation has, so that a part of one shows. */

#include <stdio.h>

static const char *const table_definitions[] = {
    "CREATE DATABASE kill_loop",
    "CREATE TABLE kill_loop.loads (writer INT, op INT, n INT, total INT, day DATE) DUPLICATE KEY (writer, op) "
    "PARTITION BY date_trunc('day', day) DISTRIBUTED BY HASH(n) BUCKETS 3",
    "CREATE TABLE kill_loop.inserts (writer INT, op INT, n INT, total INT) DUPLICATE KEY (writer, op) DISTRIBUTED BY HASH(n) BUCKETS 2",
    "CREATE TABLE kill_loop.left_side (writer INT, op INT, n INT, total INT) DUPLICATE KEY (writer, op) DISTRIBUTED BY HASH(n) BUCKETS 2",
    "CREATE TABLE kill_loop.right_side (writer INT, op INT, n INT, total INT) DUPLICATE KEY (writer, op) DISTRIBUTED BY HASH(n) BUCKETS 1",
    "CREATE TABLE kill_loop.upserts (id INT, op INT) PRIMARY KEY (id) DISTRIBUTED BY HASH(id) BUCKETS 2",
    "CREATE TABLE kill_loop.merges (id INT, op INT) PRIMARY KEY (id) DISTRIBUTED BY HASH(id) BUCKETS 2",
    "CREATE TABLE kill_loop.merged_loads (writer INT, op INT, n INT, total INT, day DATE) DUPLICATE KEY (writer, op) DISTRIBUTED BY HASH(n) BUCKETS 2",
    "CREATE TABLE kill_loop.columns (id INT, op INT, filler BIGINT) PRIMARY KEY (id) DISTRIBUTED BY HASH(id) BUCKETS 1",
    "INSERT INTO kill_loop.columns SELECT g, -1, g * 7919 % 1000003 FROM TABLE(generate_series(0, 19999)) s(g)",
    "CREATE MATERIALIZED VIEW kill_loop.insert_sums AS SELECT writer, op, sum(n), sum(total) FROM kill_loop.inserts GROUP BY writer, op",
};

Status workload_create_tables(int query_port, Diag *diag)
{
    MYSQL *mysql = peer_connect(query_port, NULL);
    if (mysql == NULL)
        return RAISE(diag, NETWORK, "no connection to the server");
    Status status = OK;
    for (size_t i = 0; i < COUNT_OF(table_definitions) && status == OK; i++) {
        if (peer_run(mysql, table_definitions[i]) != OUTCOME_DONE)
            status = RAISE(diag, INTERNAL, "%s: %s", table_definitions[i], mysql_error(mysql));
    }
    mysql_close(mysql);
    return status;
}

void writer_label(const Writer *writer, uint32_t operation, char out_label[64])
{
    snprintf(out_label, 64, "w%d_%u", writer->number, operation);
}

void writer_body(const Writer *writer, uint32_t operation, ByteBuf *out)
{
    uint32_t rows = writer->operations[operation].rows;
    for (uint32_t n = 0; n < rows; n++)
        bytebuf_printf(out, "%d,%u,%u,%u,2026-01-0%u\n", writer->number, operation, n, rows, 1 + n % 4);
}

static void insert_text(const Writer *writer, const char *table, const char *label, uint32_t operation, ByteBuf *out)
{
    uint32_t rows = writer->operations[operation].rows;
    bytebuf_printf(out, "INSERT INTO %s %s VALUES ", table, label);
    for (uint32_t n = 0; n < rows; n++)
        bytebuf_printf(out, "%s(%d,%u,%u,%u)", n == 0 ? "" : ",", writer->number, operation, n, rows);
    bytebuf_append_char(out, '\0');
}

static Outcome run_insert(const Writer *writer, MYSQL *mysql, const char *table, const char *label, uint32_t operation)
{
    AUTO_BYTEBUF sql = {0};
    insert_text(writer, table, label, operation, &sql);
    return peer_run(mysql, (const char *)sql.data);
}

static Outcome do_insert(const Writer *writer, MYSQL *mysql, uint32_t operation)
{
    char label[64], clause[96];
    writer_label(writer, operation, label);
    snprintf(clause, sizeof(clause), "WITH LABEL %s", label);
    return run_insert(writer, mysql, "inserts", clause, operation);
}

static bool run_of(const Writer *writer, MYSQL *mysql, const char *before, uint32_t operation, const char *after)
{
    char sql[160];
    snprintf(sql, sizeof(sql), "%s%d AND op = %u%s", before, writer->number, operation, after);
    return peer_run(mysql, sql) == OUTCOME_DONE;
}

/* Rows that are copied within the transaction and deleted again. */
static bool write_sides(const Writer *writer, MYSQL *mysql, uint32_t operation)
{
    return run_insert(writer, mysql, "left_side", "", operation) == OUTCOME_DONE &&
           run_of(writer, mysql, "INSERT INTO right_side SELECT writer, op, n + 1000, total FROM left_side WHERE writer = ", operation, "") &&
           run_of(writer, mysql, "INSERT INTO right_side SELECT writer, op, n - 1000, total FROM right_side WHERE writer = ", operation, "") &&
           run_of(writer, mysql, "DELETE FROM right_side WHERE writer = ", operation, " AND n >= 1000");
}

/* Before COMMIT is sent nothing can have happened. */
static Outcome do_transaction(const Writer *writer, MYSQL *mysql, uint32_t operation)
{
    if (peer_run(mysql, "BEGIN") != OUTCOME_DONE || !write_sides(writer, mysql, operation))
        return OUTCOME_REFUSED;
    if (operation % 7 == 6)
        return peer_run(mysql, "ROLLBACK") == OUTCOME_DONE ? OUTCOME_REFUSED : OUTCOME_REFUSED;
    return peer_run(mysql, "COMMIT");
}

static Outcome do_upsert(MYSQL *mysql, uint32_t operation)
{
    AUTO_BYTEBUF sql = {0};
    bytebuf_printf(&sql, "INSERT INTO upserts VALUES ");
    for (int id = 0; id < PK_KEYS; id++)
        bytebuf_printf(&sql, "%s(%d,%u)", id == 0 ? "" : ",", id, operation);
    bytebuf_append_char(&sql, '\0');
    return peer_run(mysql, (const char *)sql.data);
}

static Outcome do_merge(MYSQL *mysql, uint32_t operation)
{
    char sql[400];
    snprintf(sql, sizeof(sql), "MERGE INTO merges USING (SELECT g AS id, %u AS op FROM TABLE(generate_series(0, 19)) t(g)) s ON merges.id = s.id "
             "WHEN MATCHED AND s.id >= 10 THEN DELETE WHEN MATCHED THEN UPDATE SET op = s.op "
             "WHEN NOT MATCHED THEN INSERT (id, op) VALUES (s.id, s.op)", operation);
    return peer_run(mysql, sql);
}

static Outcome do_columns(MYSQL *mysql, uint32_t operation)
{
    char sql[160];
    if (peer_run(mysql, "SET partial_update_mode = 'column'") != OUTCOME_DONE)
        return OUTCOME_REFUSED;
    snprintf(sql, sizeof(sql), "UPDATE columns SET op = %u WHERE id %% 200 = 9", operation);
    return peer_run(mysql, sql);
}

/* Four operations a table: created, widened, filled, dropped. The next one is only sent when the last one was done. */
static Outcome do_ddl(const Writer *writer, MYSQL *mysql, uint32_t operation)
{
    static const char *const steps[] = {
        "CREATE TABLE ddl_%d_%u (a INT) DUPLICATE KEY (a) DISTRIBUTED BY HASH(a) BUCKETS 1",
        "ALTER TABLE ddl_%d_%u ADD COLUMN b INT DEFAULT \"7\"",
        "INSERT INTO ddl_%d_%u VALUES (1, 2), (3, 4)",
        "DROP TABLE ddl_%d_%u FORCE",
    };
    char sql[160];
    uint32_t step = operation % COUNT_OF(steps);
    if (step > 0 && writer->operations[operation - 1].outcome != OUTCOME_DONE)
        return OUTCOME_REFUSED;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(sql, sizeof(sql), steps[step], writer->number, operation / (uint32_t)COUNT_OF(steps));
#pragma GCC diagnostic pop
    return peer_run(mysql, sql);
}

static void note_problem(Writer *writer, const char *what, const NumberRow *row)
{
    snprintf(writer->problem, sizeof(writer->problem), "%s: %lld %lld %lld %lld", what, (long long)row->cells[0], (long long)row->cells[1],
             (long long)row->cells[2], (long long)row->cells[3]);
}

/* Each query names what only a part of an operation can show. */
static bool read_once(Writer *writer, MYSQL *mysql)
{
    static const struct {
        const char *what, *sql;
    } checks[] = {
        {"a part of a load", "SELECT writer, op, count(*), max(total) FROM loads GROUP BY writer, op HAVING count(*) <> max(total)"},
        {"a part of an INSERT", "SELECT writer, op, count(*), max(total) FROM inserts GROUP BY writer, op HAVING count(*) <> max(total)"},
        {"one side of a transaction",
         "SELECT coalesce(l.writer, r.writer), coalesce(l.op, r.op), l.c, r.c FROM (SELECT writer, op, count(*) AS c FROM left_side GROUP BY "
         "writer, op) l FULL JOIN (SELECT writer, op, count(*) AS c FROM right_side GROUP BY writer, op) r ON l.writer = r.writer AND l.op = "
         "r.op WHERE l.c IS NULL OR r.c IS NULL OR l.c <> r.c"},
        {"some keys of an upsert", "SELECT min(op), max(op), count(*), 0 FROM upserts HAVING min(op) <> max(op) OR count(*) NOT IN (0, 10)"},
        {"some keys of a MERGE", "SELECT min(op), max(op), count(*), 0 FROM merges HAVING min(op) <> max(op) OR count(*) NOT IN (0, 10, 20)"},
        {"a part of a merged load", "SELECT writer, op, count(*), max(total) FROM merged_loads GROUP BY writer, op HAVING count(*) <> max(total)"},
        {"some rows of an update of columns", "SELECT min(op), max(op), count(*), 0 FROM columns WHERE id % 200 = 9 HAVING min(op) <> max(op) OR "
         "count(*) <> 100"},
        {"a roll-up without its table's rows", "SELECT writer, op, sum(total), sum(n) FROM inserts GROUP BY writer, op HAVING sum(n) <> "
         "(sqrt(sum(total)) - 1) * sqrt(sum(total)) / 2"},
    };
    NumberRow *rows;
    uint32_t count;
    if (!peer_rows(mysql, checks[writer->reads % COUNT_OF(checks)].sql, &rows, &count))
        return false;
    if (count > 0 && writer->problem[0] == '\0')
        note_problem(writer, checks[writer->reads % COUNT_OF(checks)].what, &rows[0]);
    mem_free(rows);
    writer->reads++;
    return true;
}

static Outcome do_operation(Writer *writer, MYSQL *mysql, uint32_t operation)
{
    char label[64];
    AUTO_BYTEBUF body = {0};
    switch (writer->kind) {
    case WRITER_STREAM_LOAD:
        writer_label(writer, operation, label);
        writer_body(writer, operation, &body);
        return peer_load(writer->http_port, "kill_loop", "loads", label, bytebuf_view(&body)).outcome;
    case WRITER_INSERT:
        return do_insert(writer, mysql, operation);
    case WRITER_TRANSACTION:
        return do_transaction(writer, mysql, operation);
    case WRITER_UPSERT:
        return do_upsert(mysql, operation);
    case WRITER_MERGE:
        return do_merge(mysql, operation);
    case WRITER_COLUMNS:
        return do_columns(mysql, operation);
    case WRITER_MERGED_LOAD:
        writer_body(writer, operation, &body);
        return peer_load(writer->http_port, "kill_loop", "merged_loads", NULL, bytebuf_view(&body)).outcome;
    case WRITER_DDL:
        return do_ddl(writer, mysql, operation);
    case WRITER_READER:
    case WRITER_KINDS:
        break;
    }
    return OUTCOME_REFUSED;
}

void writer_main(void *argument)
{
    Writer *writer = argument;
    Random random = {writer->seed};
    MYSQL *mysql = peer_connect(writer->query_port, "kill_loop");
    bool is_alive = mysql != NULL;
    while (is_alive && writer->kind == WRITER_READER)
        is_alive = read_once(writer, mysql);
    while (is_alive && writer->count < OPERATIONS_MAX) {
        uint32_t operation = writer->count++;
        Operation *noted = &writer->operations[operation];
        *noted = (Operation){.rows = 1 + (uint32_t)(random_next(&random) % 40), .outcome = OUTCOME_UNKNOWN};
        noted->outcome = do_operation(writer, mysql, operation);
        is_alive = noted->outcome != OUTCOME_UNKNOWN && mysql_ping(mysql) == 0;
    }
    if (mysql != NULL)
        mysql_close(mysql);
    mysql_thread_end();
}
