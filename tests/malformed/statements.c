#include "malformed/malformed.h"

/* Statements with words left out, doubled, exchanged, replaced by others, or with bytes changed. They end with a
 * result or with an error that has a text; the session goes on. */

#include <stdio.h>
#include <string.h>

static const char *const statements[] = {
    "SELECT k, count(*) c, sum(v) FROM t WHERE s LIKE 'a%' AND d > '2024-01-01' GROUP BY k HAVING c > 0 ORDER BY 2 DESC LIMIT 3",
    "SELECT a.k, row_number() OVER (PARTITION BY a.s ORDER BY a.v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t a LEFT JOIN t b ON a.k = b.k",
    "WITH x AS (SELECT k FROM t UNION ALL SELECT 1) SELECT * FROM x WHERE k IN (SELECT max(k) FROM t) OR EXISTS (SELECT 1 FROM t WHERE t.k = x.k)",
    "SELECT CASE WHEN k > 1 THEN 'a' ELSE s END, cast(v AS DECIMAL(20, 3)), date_add(d, INTERVAL 1 MONTH), array_map(x -> x + 1, [1, 2]) FROM t",
    "CREATE TABLE IF NOT EXISTS made (k INT, d DATE DEFAULT '2024-01-01', v DECIMAL(10, 2) COMMENT 'c') DUPLICATE KEY(k) PARTITION BY RANGE(d) "
    "(PARTITION p VALUES LESS THAN ('2025-01-01')) DISTRIBUTED BY HASH(k) BUCKETS 1 PROPERTIES ('replication_num' = '1')",
    "INSERT INTO scratch (k, s) VALUES (1, 'x'), (2, NULL), (3 + 4, concat('a', 'b'))",
    "INSERT INTO scratch WITH LABEL l1 SELECT k, s FROM t WHERE k < 10",
    "ALTER TABLE scratch ADD COLUMN n INT DEFAULT '5' AFTER k",
    "SELECT s, grouping(s), sum(v) FROM t GROUP BY CUBE(s, k)",
    "SELECT * FROM t, unnest([1, 2, 3]) u(x) WHERE u.x = t.k",
    "SELECT group_concat(DISTINCT s ORDER BY k SEPARATOR ','), ndv(k), percentile_approx(v, 0.5) FROM t",
    "SELECT json_query(parse_json('{\"a\": [1, {\"b\": null}]}'), '$.a[1].b'), map{1: 'x'}[1], regexp_extract('foo123', '([a-z]+)(\\\\d+)', 2)",
    "SHOW FULL COLUMNS FROM t LIKE 'k%'",
    "EXPLAIN VERBOSE SELECT * FROM t JOIN t b USING (k)",
    "DELETE FROM scratch WHERE k BETWEEN 1 AND 2",
    "CREATE VIEW IF NOT EXISTS w (a, b) AS SELECT k, s FROM t",
    "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.columns WHERE TABLE_SCHEMA = 'm' ORDER BY ORDINAL_POSITION",
    "SET query_timeout = 10, @x = 5; SELECT @x, @@query_timeout",
    "SELECT -9223372036854775808, 1e308 * 10, 0x41, '\\'', \"\\\"\", `k` FROM `t` LIMIT 1, 2 -- comment",
    "TRUNCATE TABLE scratch; DROP TABLE IF EXISTS made FORCE",
};

static const char *const words[] = {"SELECT", "FROM", "(", ")", ",", "NULL", "'", "\"", "`", "*", ";", "/*", "--", "INTERVAL", "OVER", "JOIN",
                                    "99999999999999999999999999999999999999999", "1e999", ".", "::", "->", "@@", "?", "\xC3\x28", "x'zz'",
                                    "''", "t.t.t.t", "AS", "IN", "BETWEEN", "CASE", "END", "GROUP BY", "[", "]", "{", "}", "-", "\\"};

enum { MOST_PARTS = 200 };

static uint32_t split(StrView text, StrView parts[MOST_PARTS])
{
    uint32_t count = 0;
    for (size_t at = 0; at < text.length && count < MOST_PARTS;) {
        size_t end = at + strcspn(text.data + at, " ,()'");
        end = end == at ? at + 1 : end;
        parts[count++] = strview_n(text.data + at, end - at);
        at = end;
    }
    return count;
}

static void mutate_words(Trial *trial, StrView text, ByteBuf *out)
{
    StrView parts[MOST_PARTS];
    uint32_t count = split(text, parts);
    for (uint32_t changes = 1 + trial_below(trial, 3); changes > 0 && count > 1; changes--) {
        uint32_t at = trial_below(trial, count), other = trial_below(trial, count);
        switch (trial_below(trial, 4)) {
        case 0:
            parts[at].length = 0;
            break;
        case 1:
            parts[at] = parts[other];
            break;
        case 2:
            parts[at] = strview(words[trial_below(trial, COUNT_OF(words))]);
            break;
        default:
            count = at + 1; /* cut off */
            break;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        bytebuf_append_view(out, parts[i]);
}

const char *statement_run(Trial *trial, StrView sql)
{
    if (trial->client == NULL) {
        trial->client = peer_connect(trial->server.query_port, "m");
        if (trial->client == NULL)
            return "no connection";
        (void)mysql_set_server_option(trial->client, MYSQL_OPTION_MULTI_STATEMENTS_ON);
        (void)peer_run(trial->client, "SET query_timeout = 10");
    }
    int failed = mysql_real_query(trial->client, sql.data, sql.length);
    while (failed == 0) {
        MYSQL_RES *result = mysql_store_result(trial->client);
        if (result != NULL)
            mysql_free_result(result);
        if (mysql_errno(trial->client) != 0 || !mysql_more_results(trial->client))
            break;
        failed = mysql_next_result(trial->client) > 0;
    }
    unsigned int number = mysql_errno(trial->client);
    trial->refused += number != 0;
    if (number >= 2000 && number < 3000)
        return "the connection was lost";
    if (number != 0 && mysql_error(trial->client)[0] == '\0')
        return "an error without a text";
    return number != 0 && strstr(mysql_error(trial->client), "internal check") != NULL ? "an internal check failed" : NULL;
}

void statement_close(Trial *trial)
{
    if (trial->client != NULL)
        mysql_close(trial->client);
    trial->client = NULL;
}

void statement_cases(Trial *trial, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        AUTO_BYTEBUF sql = {0};
        StrView text = strview(statements[i % COUNT_OF(statements)]);
        if (trial_below(trial, 4) == 0)
            mutate_bytes(trial, text, &sql);
        else
            mutate_words(trial, text, &sql);
        bytebuf_append_char(&sql, ' ');
        const char *problem = statement_run(trial, bytebuf_view(&sql));
        trial_case(trial, "statements", i, problem, bytebuf_view(&sql));
        if (problem != NULL)
            statement_close(trial);
    }
    statement_close(trial);
}
