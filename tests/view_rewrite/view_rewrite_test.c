/* Each query is planned with views as candidates and without, and must yield the same rows. Directed cases say besides
 * whether the query is answered from the view. Then come random definitions and random queries that are like them, over
 * small tables full of NULLs and duplicates.
 *
 *   merak-view-rewrite ROUNDS SEED [-v] */

#include <stdio.h>
#include <stdlib.h>

#include "view_rewrite/test_views.h"

typedef struct Test {
    TestViews views;
    bool is_verbose;
    uint32_t passed, failed, rewritten;
} Test;

static void must(Test *test, const char *sql)
{
    test_views_must(&test->views, sql);
}

static void drop_views(Test *test)
{
    test_views_drop(&test->views);
}

/* False: the definition is none; random ones may be wrong. */
static bool make_view(Test *test, const char *definition, const char *properties)
{
    Diag diag = {0};
    bool is_made = test_views_make(&test->views, definition, properties, &diag);
    if (!is_made && test->is_verbose)
        printf("no view: %s: %s\n", definition, diag.message);
    return is_made;
}

static void lines_free(TestRun *run)
{
    for (uint32_t i = 0; i < run->line_count; i++)
        mem_free(run->lines[i]);
    run->line_count = 0;
}

static bool same_lines(const TestRun *a, const TestRun *b)
{
    bool same = a->line_count == b->line_count;
    for (uint32_t i = 0; same && i < a->line_count; i++)
        same = strcmp(a->lines[i], b->lines[i]) == 0;
    return same;
}

static void print_lines(const char *title, const TestRun *run)
{
    printf("  %s: %u rows\n", title, run->line_count);
    for (uint32_t i = 0; i < run->line_count && i < 12; i++)
        printf("    %s\n", run->lines[i]);
}

/* wanted: 1 answered from a view, 0 not, -1 either. */
static void check(Test *test, const char *sql, int wanted)
{
    static char *with_items[MAX_TEST_ROWS], *without_items[MAX_TEST_ROWS];
    AUTO_BYTEBUF trace = {0};
    TestRun with = {.with_views = true, .trace = &trace, .lines = with_items}, without = {.lines = without_items};
    Diag diag = {0}, plain_diag = {0};
    Status plain = test_views_run(&test->views, sql, &without, &plain_diag);
    Status status = test_views_run(&test->views, sql, &with, &diag);
    uint32_t used = with.used;
    bool good = plain == status && same_lines(&with, &without) && (wanted < 0 || (used > 0) == (wanted == 1));
    test->passed += good;
    test->failed += !good;
    test->rewritten += used > 0;
    if (!good || test->is_verbose) {
        printf("%s: %s (%s)\n", good ? "ok" : "FAILED", sql, used > 0 ? "from a view" : "not from a view");
        printf("  %s%s%s\n", trace.data == NULL ? "" : trace.data, plain == OK ? "" : plain_diag.message, status == OK ? "" : diag.message);
    }
    if (!good && !same_lines(&with, &without)) {
        print_lines("with views", &with);
        print_lines("without", &without);
    }
    lines_free(&with);
    lines_free(&without);
}

/* ---- directed cases ---- */

typedef struct Case {
    const char *view; /* NULL: that of the case before */
    const char *query;
    int wanted;
} Case;

static const Case cases[] = {
    /* rows as they are */
    {"SELECT k, g, v FROM t WHERE v > 5", "SELECT k, v FROM t WHERE v > 5", 1},
    {NULL, "SELECT k, v FROM t WHERE v > 7", 1},
    {NULL, "SELECT k, v FROM t WHERE v >= 5", 0},
    {NULL, "SELECT k, v FROM t WHERE v = 9", 1},
    {NULL, "SELECT k, v FROM t WHERE v IN (6, 9)", 1},
    {NULL, "SELECT k, v FROM t WHERE v IN (5, 9)", 0},
    {NULL, "SELECT k, v FROM t WHERE v IN (5, 9) AND v > 5", 1},
    {NULL, "SELECT k, v FROM t WHERE v BETWEEN 6 AND 8 AND g = 1", 1},
    {NULL, "SELECT k, v FROM t WHERE 6 < v", 1},
    {NULL, "SELECT k, v FROM t", 0},
    {NULL, "SELECT k, p FROM t WHERE v > 6", 0},
    {NULL, "SELECT k + v AS x FROM t WHERE v > 6 AND k IS NOT NULL", 1},
    {NULL, "SELECT g, count(*), sum(v) FROM t WHERE v > 6 GROUP BY g", 1},
    {NULL, "SELECT count(*) FROM t WHERE v > 6 AND g IN (SELECT k FROM u)", 1},
    {NULL, "SELECT * FROM (SELECT k, v FROM t WHERE v > 6 ORDER BY v, k LIMIT 3) x", 1},
    {NULL, "SELECT a.k, b.k FROM t a JOIN t b ON a.k = b.k WHERE a.v > 5 AND b.v > 6", 1},
    {NULL, "SELECT k, v FROM t WHERE v > 5 OR g = 1", 0},
    {NULL, "SELECT k, v FROM t WHERE (v > 5 AND g = 1) OR (v > 6 AND g = 2)", 1},
    {NULL, "SELECT k, v FROM t PARTITION (t) WHERE v > 5", 0},
    {"SELECT k, v FROM t WHERE g <> 2 AND d >= '2024-01-02'", "SELECT k, v FROM t WHERE g = 1 AND d > '2024-01-02'", 0},
    {"SELECT k, g, d, v FROM t WHERE g <> 2 AND d >= '2024-01-02'", "SELECT k, v FROM t WHERE g = 1 AND d > '2024-01-02'", 1},
    {NULL, "SELECT k, v FROM t WHERE g > 2 AND d = date '2024-01-03'", 1},
    {NULL, "SELECT k, v FROM t WHERE g IN (1, 3) AND d >= '2024-01-02'", 1},
    {NULL, "SELECT k, v FROM t WHERE g IN (1, 2) AND d >= '2024-01-02'", 0},
    {"SELECT k, v FROM t WHERE g = 1", "SELECT k, g, v FROM t WHERE g = 1 AND v > 2", 1}, /* g is a constant */
    {"SELECT k, v FROM t WHERE g = 1 OR v = 2", "SELECT k, v FROM t WHERE g = 1 OR v = 2", 1},
    {NULL, "SELECT k FROM t WHERE v = 2", 1},
    {NULL, "SELECT k FROM t WHERE g = 1", 0},
    {"SELECT k, abs(v) AS a FROM t WHERE abs(v) < 8", "SELECT k FROM t WHERE abs(v) < 4", 1},
    {NULL, "SELECT abs(v) + 1 AS b FROM t WHERE abs(v) < 8", 1},
    {NULL, "SELECT k FROM t WHERE v < 4", 0},
    {"SELECT k, rand() AS r FROM t", "SELECT k FROM t", 0},
    {"SELECT k, now() AS r FROM t", "SELECT k FROM t", 0},
    /* text is compared as text of any length */
    {"SELECT name, k, stddev(w) AS x FROM u GROUP BY name, k", "SELECT k, stddev(w) FROM u WHERE name = 'n1' GROUP BY k", 1},
    {NULL, "SELECT k, stddev(w) FROM u WHERE name > 'n1' GROUP BY k", 0},
    {"SELECT k, w FROM u WHERE name = 'n1'", "SELECT k, name FROM u WHERE name = 'n1'", 1}, /* name is a constant */
    /* joins */
    {"SELECT t.k, t.v, u.name, u.w FROM t JOIN u ON t.k = u.k", "SELECT t.v, u.name FROM t JOIN u ON t.k = u.k", 1},
    {NULL, "SELECT t.v, u.name FROM u JOIN t ON u.k = t.k WHERE u.k > 2", 1},
    {NULL, "SELECT t.v, u.name FROM t, u WHERE u.k = t.k AND t.v = u.w", 1},
    {NULL, "SELECT t.v, u.name FROM t LEFT JOIN u ON u.k = t.k", 0},
    {NULL, "SELECT u.name, count(*), sum(t.v) FROM t JOIN u ON t.k = u.k GROUP BY u.name", 1},
    {NULL, "SELECT t.v, u.name, x.name FROM t JOIN u ON t.k = u.k JOIN u x ON x.w = t.v", 1},
    {NULL, "SELECT t.g, u.name FROM t JOIN u ON t.k = u.k", 0},
    {NULL, "SELECT t.v, u.name FROM t JOIN u ON t.k = u.w", 0},
    {NULL, "SELECT t.v FROM t", 0},
    {"SELECT t.k, t.v, u.name FROM t LEFT JOIN u ON t.k = u.k", "SELECT t.v, u.name FROM t LEFT JOIN u ON t.k = u.k", 1},
    {NULL, "SELECT t.v, u.name FROM t LEFT JOIN u ON t.k = u.k WHERE t.v > 3", 1},
    {NULL, "SELECT u.name, count(*) FROM t LEFT JOIN u ON t.k = u.k GROUP BY u.name", 1},
    {NULL, "SELECT t.v, u.name FROM t JOIN u ON t.k = u.k", 0},
    {NULL, "SELECT t.v FROM t LEFT JOIN u ON t.k = u.w", 0},
    {"SELECT t.k, count(u.k) AS c, count(*) AS n FROM t LEFT JOIN u ON t.k = u.k GROUP BY t.k",
     "SELECT count(u.k), count(*) FROM t LEFT JOIN u ON t.k = u.k", 1},
    /* groups */
    {"SELECT g, d, sum(v) AS s, count(v) AS c, count(*) AS n, min(p) AS lo, max(p) AS hi FROM t GROUP BY g, d",
     "SELECT g, d, sum(v), count(*) FROM t GROUP BY g, d", 1},
    {NULL, "SELECT d, g, max(p) FROM t GROUP BY d, g", 1},
    {NULL, "SELECT g, sum(v), count(v), count(*), min(p), max(p), avg(v) FROM t GROUP BY g", 1},
    {NULL, "SELECT sum(v), count(v), count(*), min(p), avg(v) FROM t", 1},
    {NULL, "SELECT sum(v), count(v), count(*), min(p), avg(v) FROM t WHERE g = 77", 1},
    {NULL, "SELECT g, sum(v) FROM t WHERE d >= '2024-01-03' GROUP BY g", 1},
    {NULL, "SELECT g, sum(v) FROM t WHERE d >= '2024-01-03' GROUP BY g HAVING sum(v) > 10", 1},
    {NULL, "SELECT g, sum(v) FROM t WHERE v > 1 GROUP BY g", 0},
    {NULL, "SELECT g, sum(k) FROM t GROUP BY g", 0},
    {NULL, "SELECT g, avg(p) FROM t GROUP BY g", 0},
    {NULL, "SELECT count(DISTINCT g), count(DISTINCT d), min(g), max(d) FROM t", 1},
    {NULL, "SELECT g, count(DISTINCT d) FROM t GROUP BY g", 1},
    {NULL, "SELECT g, count(DISTINCT v) FROM t GROUP BY g", 0},
    {NULL, "SELECT DISTINCT g FROM t", 1},
    {NULL, "SELECT DISTINCT g, d FROM t WHERE g > 1", 1},
    {NULL, "SELECT g + 1 AS x, sum(v) FROM t GROUP BY g + 1", 1},
    {NULL, "SELECT date_trunc('month', d) AS m, sum(v) FROM t GROUP BY 1", 1},
    {NULL, "SELECT g, d, sum(v) FROM t GROUP BY ROLLUP (g, d)", 1},
    {NULL, "SELECT g, grouping(g), count(*), avg(v) FROM t GROUP BY CUBE (g, d)", 1},
    {NULL, "SELECT d, sum(v) FROM t WHERE g = 2 GROUP BY d", 1},
    {NULL, "SELECT x.g, x.s, u.name FROM (SELECT g, sum(v) AS s FROM t GROUP BY g) x JOIN u ON u.k = x.g", 1},
    {NULL, "SELECT u.name, sum(t.v) FROM t JOIN u ON t.g = u.k GROUP BY u.name", 1}, /* more tables than the view */
    {NULL, "SELECT u.name, t.g, sum(v), count(*), avg(v), max(u.w) FROM t JOIN u ON t.g = u.k WHERE u.w > 1 GROUP BY u.name, t.g", 1},
    {NULL, "SELECT count(*), sum(v), count(DISTINCT u.name) FROM t JOIN u ON t.g > u.k", 1},
    {NULL, "SELECT count(*), sum(v) FROM t JOIN u ON t.g = u.k AND u.name = 'none'", 1},
    {NULL, "SELECT g, sum(u.w) FROM t JOIN u ON t.g = u.k GROUP BY g", 0},
    {NULL, "SELECT g, count(u.w) FROM t JOIN u ON t.g = u.k GROUP BY g", 0},
    {NULL, "SELECT g, sum(v) FROM t JOIN u ON t.v = u.k GROUP BY g", 0},
    {NULL, "SELECT g, sum(v) FROM t JOIN u ON t.g + t.v = u.k GROUP BY g", 0},
    {NULL, "SELECT g, d, sum(v) FROM t, u GROUP BY g, d", 1},
    /* conditions of aggregates that are the same for a whole group */
    {NULL, "SELECT d, sum(IF(g = 1, v, 0)), count(IF(g > 2, v, NULL)), count_if(g = 3), count_if(g IS NULL) FROM t GROUP BY d", 1},
    {NULL, "SELECT sum(CASE WHEN g = 1 THEN v WHEN g = 2 THEN 0 ELSE 1 END), sum(CASE WHEN d > '2024-01-20' THEN 1 ELSE 0 END) FROM t", 1},
    {NULL, "SELECT count_if(g = 1), sum(IF(g = 1, v, 0)), count(IF(g = 1, 'x', NULL)) FROM t WHERE g = 77", 1},
    {NULL, "SELECT d, sum(v) FILTER (WHERE g = 1), count(*) FILTER (WHERE g = 1), min(p) FILTER (WHERE g < 3) FROM t GROUP BY d", 1},
    {NULL, "SELECT count(*) FILTER (WHERE g = 77), avg(v) FILTER (WHERE g > 1), count(DISTINCT d) FILTER (WHERE g = 2) FROM t", 0},
    {NULL, "SELECT count(*) FILTER (WHERE g = 77), avg(v) FILTER (WHERE g > 1), max(d) FILTER (WHERE g = 2) FROM t", 1},
    {NULL, "SELECT u.name, sum(IF(u.w > 2, v, 0)) FROM t JOIN u ON t.g = u.k GROUP BY u.name", 1},
    {NULL, "SELECT d, sum(IF(v > 5, v, 0)) FROM t GROUP BY d", 0},
    {NULL, "SELECT d, sum(IF(g = 1, v + 1, 0)) FROM t GROUP BY d", 0},
    {NULL, "SELECT d, sum(IF(g = 1, v, 7)) FROM t GROUP BY d", 0},
    {NULL, "SELECT d, sum(v) FILTER (WHERE v > 3) FROM t GROUP BY d", 0},
    {NULL, "SELECT k FROM t WHERE v > (SELECT avg(v) FROM t)", 1},
    {NULL, "SELECT g, sum(v), rank() OVER (ORDER BY sum(v)) FROM t GROUP BY g", 1},
    {NULL, "SELECT g FROM t", 0},
    {"SELECT g, sum(p) AS s, count(p) AS c, avg(p) AS a FROM t GROUP BY g", "SELECT g, avg(p), sum(p) / count(p) FROM t GROUP BY g", 1},
    {NULL, "SELECT avg(p) FROM t", 1},
    {NULL, "SELECT avg(p) FROM t WHERE g > 1", 1},
    {"SELECT g, avg(v) AS a, stddev(v) AS sd, count(DISTINCT v) AS dv FROM t GROUP BY g",
     "SELECT g, stddev(v), avg(v), count(DISTINCT v) FROM t GROUP BY g", 1},
    {NULL, "SELECT g, stddev(v) FROM t WHERE g IN (1, 2) GROUP BY g", 1},
    {NULL, "SELECT stddev(v) FROM t", 0},
    {NULL, "SELECT count(DISTINCT v) FROM t WHERE g = 1", 0},
    {NULL, "SELECT g, stddev(v) FROM t WHERE g = 1 GROUP BY g", 1},
    {"SELECT sum(v) AS s, count(*) AS n FROM t", "SELECT sum(v), count(*) FROM t", 1},
    {NULL, "SELECT sum(v) FROM t WHERE g = 1", 0},
    {NULL, "SELECT g, sum(v) FROM t GROUP BY g", 0},
    {NULL, "SELECT sum(v) FROM t WHERE 1 = 0", 0},
    {"SELECT g, sum(v) AS s FROM t WHERE v > 2 GROUP BY g", "SELECT sum(v) FROM t WHERE v > 2", 1},
    {NULL, "SELECT sum(v) FROM t WHERE v > 3", 0},
    {"SELECT g, sum(v) AS s FROM t GROUP BY g HAVING sum(v) > 20", "SELECT g, sum(v) FROM t GROUP BY g HAVING sum(v) > 20", 1},
    {NULL, "SELECT g, sum(v) FROM t GROUP BY g HAVING sum(v) > 40", 1},
    {NULL, "SELECT g, sum(v) FROM t GROUP BY g", 0},
    {"SELECT g, sum(v) / count(*) AS r FROM t GROUP BY g", "SELECT g, sum(v) / count(*) FROM t GROUP BY g", 1},
    {NULL, "SELECT g, sum(v) FROM t GROUP BY g", 0},
    {"SELECT u.name, t.g, sum(t.v) AS s, count(*) AS n FROM t JOIN u ON t.k = u.k GROUP BY u.name, t.g",
     "SELECT u.name, sum(t.v) FROM t JOIN u ON t.k = u.k GROUP BY u.name", 1},
    {NULL, "SELECT t.g, count(*) FROM u JOIN t ON t.k = u.k WHERE u.name LIKE 'n1%' GROUP BY t.g", 1},
    {NULL, "SELECT t.g, count(*) FROM u JOIN t ON t.k = u.k WHERE u.w > 1 GROUP BY t.g", 0},
    {NULL, "SELECT t.g, count(*) FROM t GROUP BY t.g", 0},
    {"SELECT t.k, t.g, sum(t.v) AS s FROM t JOIN u ON t.k = u.k GROUP BY t.k, t.g",
     "SELECT u.k, sum(t.v) FROM t JOIN u ON t.k = u.k GROUP BY u.k", 1},
    {NULL, "SELECT u.k, sum(t.v) FROM t JOIN u ON t.k = u.k AND u.k = t.g GROUP BY u.k", 1},
    {"SELECT g, bitmap_union(to_bitmap(v)) AS b, hll_union(hll_hash(v)) AS h FROM t GROUP BY g",
     "SELECT bitmap_union_count(to_bitmap(v)), hll_union_agg(hll_hash(v)) FROM t", 1},
    {NULL, "SELECT g, bitmap_union_count(to_bitmap(v)) FROM t GROUP BY g", 1},
    {"SELECT g, hll_union(hll_hash(s)) AS hs, hll_union(hll_hash(v)) AS hv FROM t GROUP BY g",
     "SELECT g, ndv(s), approx_count_distinct(s) FROM t GROUP BY g", 1},
    {NULL, "SELECT ndv(s) FROM t WHERE g = 77", 1},
    {NULL, "SELECT ndv(s), hll_union_agg(hll_hash(v)) FROM t", 1},
    {NULL, "SELECT ndv(v) FROM t", 0}, /* of numbers the hashes are others */
    {"SELECT g, sum(v) AS s FROM t GROUP BY g ORDER BY s", "SELECT g, sum(v) FROM t GROUP BY g", 1},
    {"WITH x AS (SELECT g, v FROM t WHERE v > 1) SELECT g, sum(v) AS s FROM x GROUP BY g", "SELECT sum(v) FROM t WHERE v > 1", 1},
    {"SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v, g, p) AS r FROM t",
     "SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v, g, p) FROM t", 1},
    {NULL, "SELECT k FROM (SELECT k, row_number() OVER (PARTITION BY k ORDER BY v, g, p) AS r FROM t) x WHERE r = 1", 1},
    {"SELECT k, v FROM t UNION ALL SELECT k, w FROM u", "SELECT k, v FROM t UNION ALL SELECT k, w FROM u", 1},
    {"SELECT k, v FROM t LIMIT 3", "SELECT k FROM t", 0},
    {"SELECT DISTINCT g, d FROM t", "SELECT DISTINCT d FROM t", 1},
    {NULL, "SELECT g, d FROM t GROUP BY g, d", 1},
    {NULL, "SELECT count(DISTINCT g) FROM t", 1},
    {NULL, "SELECT count(*) FROM t", 0},
    /* conditions that the query does not have: those rows come from the tables */
    {"SELECT g, s, sum(v) AS sv, count(*) AS n, min(v) AS lo FROM t WHERE d < '2024-01-25' GROUP BY g, s",
     "SELECT g, sum(v), count(*), min(v) FROM t GROUP BY g", 1},
    {NULL, "SELECT s, sum(v) FROM t WHERE g = 1 GROUP BY s", 1},
    {NULL, "SELECT g, s, count(*) FROM t GROUP BY g, s", 1},
    {NULL, "SELECT g, avg(v), count(*) FROM t WHERE d < '2024-01-25' GROUP BY g", 0},
    {NULL, "SELECT g, sum(v) FROM t WHERE d >= '2024-01-25' GROUP BY g", 0},
    {NULL, "SELECT u.name, sum(t.v) FROM t JOIN u ON t.g = u.k GROUP BY u.name", 1},
    /* units of time */
    {"SELECT date_trunc('day', x) AS day, g, sum(v) AS s, count(*) AS n FROM e GROUP BY 1, 2",
     "SELECT date_trunc('month', x), "
     "sum(v) FROM e GROUP BY 1",
     1},
    {NULL, "SELECT date_trunc('week', x), g, sum(v) FROM e GROUP BY 1, 2", 1},
    {NULL, "SELECT date_trunc('hour', x), sum(v) FROM e GROUP BY 1", 0},
    {NULL, "SELECT g, sum(v) FROM e WHERE x >= '2024-01-03' AND x < '2024-02-01 00:00:00' GROUP BY g", 1},
    {NULL, "SELECT g, sum(v) FROM e WHERE x >= '2024-01-03 06:00:00' GROUP BY g", 1},
    {NULL, "SELECT g, sum(v) FROM e WHERE x > '2024-01-03' GROUP BY g", 1},
    {NULL,
     "SELECT date_trunc('day', x), g, sum(v), count(*) FROM e WHERE x > '2024-01-03 12:00:00' AND x <= '2024-01-20 03:00:00' GROUP BY 1, 2",
     1},
    {NULL, "SELECT date_trunc('month', x), sum(v) FROM e WHERE x < '2024-01-20 03:00:00' AND g = 1 GROUP BY 1", 1},
    {NULL, "SELECT sum(v) FROM e WHERE x > '2024-01-03 12:00:00' AND x <= '2024-01-03 18:00:00'", 0},
    {NULL, "SELECT sum(v) FROM e WHERE x > '2024-01-03 12:00:00' AND x < '2024-01-04'", 0},
    {NULL, "SELECT sum(e.v) FROM e JOIN u ON u.k = e.g WHERE x > '2024-01-03 12:00:00' AND u.w > 2", 1},
    {NULL, "SELECT sum(v) FROM e WHERE x > '2024-01-03 12:00:00' AND v > 7", 0},
    {NULL, "SELECT date_trunc('year', x), count(*) FROM e WHERE x < '2024-01-20' OR x >= '2024-02-02' GROUP BY 1", 1},
    {"SELECT date_trunc('year', d) AS y, g, sum(v) AS s FROM t GROUP BY 1, 2",
     "SELECT g, sum(v) FROM t WHERE d >= date '2024-01-01' AND d < date '2024-01-01' + interval 1 year GROUP BY g", 1},
    {NULL, "SELECT g, sum(v) FROM t WHERE d >= '2024-01-01 00:00:00' GROUP BY g", 1},
    {NULL, "SELECT g, sum(v) FROM t WHERE d >= '2024-01-01 00:00:01' GROUP BY g", 1},
    {"SELECT date_trunc('week', x) AS week, sum(v) AS s FROM e GROUP BY 1", "SELECT date_trunc('month', x), sum(v) FROM e GROUP BY 1", 0},
    {NULL, "SELECT sum(v) FROM e WHERE x >= '2024-01-08'", 1}, /* a Monday */
    {NULL, "SELECT sum(v) FROM e WHERE x >= '2024-01-09'", 1},
    /* conditions that say more than they seem to */
    {"SELECT k, g, v FROM t WHERE g IS NOT NULL", "SELECT k FROM t WHERE g > 1", 1},
    {NULL, "SELECT t.k FROM t JOIN u ON t.g = u.k WHERE u.w > 1", 1},
    {NULL, "SELECT k FROM t WHERE g IS NULL", 0},
    {NULL, "SELECT k FROM t WHERE coalesce(g, 1) = 1", 0},
};

static void open_tables(Test *test)
{
    fixture_open(&test->views.fixture, false);
    must(test,
         "CREATE TABLE t (k INT, g INT, d DATE, v INT, p DECIMAL(12, 2), s VARCHAR(10)) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 2");
    must(test, "CREATE TABLE u (k INT NOT NULL, name VARCHAR(10), w INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1");
    must(test, "INSERT INTO t SELECT IF(x % 13 = 0, NULL, x % 9), IF(x % 7 = 0, NULL, x % 5), IF(x % 11 = 0, NULL, date_add('2024-01-01', "
               "x % 40)), "
               "IF(x % 5 = 3, NULL, (x * 37) % 23), IF(x % 6 = 0, NULL, (x * 17 % 1000) / 100), concat('s', x % 4) "
               "FROM (SELECT generate_series AS x FROM TABLE(generate_series(1, 400))) y");
    must(test, "INSERT INTO t SELECT k, g, d, v, p, s FROM t WHERE v < 4");
    must(test, "CREATE TABLE e (x DATETIME, g INT, v INT) DUPLICATE KEY(x) DISTRIBUTED BY HASH(g) BUCKETS 1");
    must(test, "INSERT INTO e SELECT IF(x % 50 = 0, NULL, date_add('2024-01-01', INTERVAL x * 5 HOUR)), x % 3, x FROM (SELECT "
        "generate_series AS x FROM TABLE(generate_series(1, 300))) y");
    must(test, "INSERT INTO u SELECT x % 10, concat('n', x % 6), IF(x % 4 = 0, NULL, x % 8) FROM (SELECT generate_series AS x FROM "
               "TABLE(generate_series(1, 24))) y");
}

static void run_cases(Test *test)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (cases[i].view != NULL) {
            drop_views(test);
            if (!make_view(test, cases[i].view, "")) {
                printf("FAILED: no view %s\n", cases[i].view);
                test->failed++;
            }
        }
        check(test, cases[i].query, cases[i].wanted);
    }
    drop_views(test);
}

/* Half of the view is fresh: the other half comes from the tables. */
static void run_partial(Test *test)
{
    static const char *const queries[] = {"SELECT g, sum(v), count(*) FROM t GROUP BY g", "SELECT g, d, sum(v) FROM t GROUP BY g, d",
                                          "SELECT g, sum(v) FROM t WHERE v < 7 GROUP BY g", "SELECT sum(v) FROM t WHERE g = 1"};
    if (!make_view(
            test, "SELECT date_trunc('month', d) AS m, g, d, sum(v) AS s, count(*) AS n FROM t WHERE d IS NOT NULL GROUP BY 1, 2, 3",
            "PARTITION BY RANGE(m) (PARTITION jan VALUES LESS THAN ('2024-02-01'), PARTITION feb VALUES LESS THAN ('2025-02-01'))")) {
        test->failed++;
        return;
    }
    must(test, "DELETE FROM mv0 WHERE m >= '2024-02-01'");
    test->views.items[0].partitions = "jan";
    test->views.items[0].rest = "SELECT date_trunc('month', d) AS m, g, d, sum(v) AS s, count(*) AS n FROM t WHERE d IS NOT NULL AND d >= "
                          "'2024-02-01' GROUP BY 1, 2, 3";
    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        AUTO_BYTEBUF sql = {0};
        bytebuf_append_text(&sql, queries[i]);
        check(test, sql.data, i == 2 ? 0 : 1);
    }
    check(test, "SELECT g, sum(v), count(*) FROM t WHERE d IS NOT NULL GROUP BY g", 1);
    check(test, "SELECT g, sum(v) FROM t WHERE d < '2024-01-20' GROUP BY g", 1); /* which d IS NOT NULL follows from */
    check(test, "SELECT g, d, sum(v) FROM t WHERE d > '2024-01-29' GROUP BY g, d", 1);
    check(test, "SELECT sum(v) FROM t WHERE d < '2024-02-03' AND g = 1", 1);
    drop_views(test);
}

/* ---- random ones ---- */

static uint32_t pick(Random *random, uint32_t count)
{
    return (uint32_t)(random_next(random) % count);
}

#define ONE_OF(random, list) ((list)[pick((random), COUNT_OF(list))])

static const char *const single[] = {"t.k", "t.g", "t.d", "t.v", "t.p", "t.s"};
static const char *const joined[] = {"t.k", "t.g", "t.d", "t.v", "t.p", "t.s", "u.k", "u.name", "u.w"};
static const char *const group_exprs[] = {"t.g", "t.k", "t.d", "t.s", "t.g + 1", "date_trunc('month', t.d)", "coalesce(t.g, 0)", "t.v % 3"};
static const char *const joined_groups[] = {"t.g", "u.k", "t.k", "u.name", "u.w", "t.d", "t.s", "t.g + u.w"};
static const char *const aggregates[] = {"count(*)",
                                         "count(t.v)",
                                         "sum(t.v)",
                                         "min(t.v)",
                                         "max(t.p)",
                                         "sum(t.p)",
                                         "count(t.p)",
                                         "avg(t.v)",
                                         "count(DISTINCT t.g)",
                                         "sum(t.v + t.g)",
                                         "max(t.d)",
                                         "count(DISTINCT t.v)",
                                         "avg(t.p)",
                                         "min(t.s)",
                                         "sum(IF(t.g = 1, t.v, 0))",
                                         "count_if(t.g > 1)",
                                         "sum(CASE WHEN t.k = 3 THEN 1 WHEN t.g IS NULL THEN t.v END)",
                                         "sum(t.v) FILTER (WHERE t.g < 3)",
                                         "count(*) FILTER (WHERE t.k > 4)",
                                         "count(IF(t.g = 2, t.v, NULL))"};
static const char *const more_tables[] = {" JOIN u y ON y.k = t.g", " JOIN u y ON y.w = t.k", " JOIN u y ON y.k = t.v",
                                          " JOIN u y ON y.k > t.k AND y.w = 2"};
static const char *const more_calls[] = {"max(y.w)", "count(DISTINCT y.name)", "sum(y.w)", "sum(IF(y.w > 2, t.v, 0))"};
static const char *const conditions[] = {"t.v > 3",
                                         "t.v > 8",
                                         "t.v >= 3",
                                         "t.v < 20",
                                         "t.v BETWEEN 3 AND 15",
                                         "t.g = 1",
                                         "t.g IN (1, 2)",
                                         "t.g IN (1, 2, 3)",
                                         "t.g <> 2",
                                         "t.g IS NOT NULL",
                                         "t.g IS NULL",
                                         "t.d >= '2024-01-10'",
                                         "t.d > '2024-01-20'",
                                         "t.d < '2024-02-01'",
                                         "t.s = 's1'",
                                         "t.s LIKE 's%'",
                                         "t.g = t.k",
                                         "t.v > 3 OR t.g = 1",
                                         "t.v > 8 OR t.g = 1",
                                         "coalesce(t.v, 9) > 5",
                                         "NOT (t.v > 3)",
                                         "t.p > 1.5",
                                         "t.p > 4.00",
                                         "t.k = t.g AND t.v > 3",
                                         "(t.v > 8 AND t.g = 1) OR (t.v > 5 AND t.g = 2)"};
static const char *const joined_conditions[] = {
    "u.w > 2", "u.w > 4", "u.name = 'n1'", "u.name IN ('n1', 'n2')", "t.v > 3",           "t.v > 8", "t.g = u.k", "t.v > u.w", "u.k > 3",
    "t.k > 3", "t.k = 4", "u.k = 4",       "t.g IS NOT NULL",        "t.d > '2024-01-20'"};

typedef struct Spec {
    bool is_join, is_grouped, has_having;
    const char *from, *more;
    const char *conditions[4];
    const char *columns[6]; /* or groups */
    const char *calls[5];
    uint32_t condition_count, column_count, call_count;
} Spec;

static const char *random_from(Random *random, bool is_join)
{
    static const char *const joins[] = {"t JOIN u ON t.k = u.k", "u JOIN t ON u.k = t.k", "t, u WHERE t.k = u.k",
                                        "t LEFT JOIN u ON t.k = u.k"};
    return is_join ? ONE_OF(random, joins) : "t";
}

static const char *random_condition(Random *random, bool is_join)
{
    return is_join ? ONE_OF(random, joined_conditions) : ONE_OF(random, conditions);
}

static const char *random_column(Random *random, const Spec *spec)
{
    if (spec->is_grouped)
        return spec->is_join ? ONE_OF(random, joined_groups) : ONE_OF(random, group_exprs);
    return spec->is_join ? ONE_OF(random, joined) : ONE_OF(random, single);
}

static void random_spec(Random *random, bool is_join, Spec *spec)
{
    *spec = (Spec){.is_join = is_join, .is_grouped = pick(random, 3) > 0, .from = random_from(random, is_join)};
    spec->has_having = spec->is_grouped && pick(random, 12) == 0;
    spec->condition_count = pick(random, 3);
    spec->column_count = spec->is_grouped ? pick(random, 4) : 1 + pick(random, 5);
    spec->call_count = spec->is_grouped ? 1 + pick(random, 4) : 0;
    for (uint32_t i = 0; i < spec->condition_count; i++)
        spec->conditions[i] = random_condition(random, is_join);
    for (uint32_t i = 0; i < spec->column_count; i++)
        spec->columns[i] = random_column(random, spec);
    for (uint32_t i = 0; i < spec->call_count; i++)
        spec->calls[i] = ONE_OF(random, aggregates);
}

/* A query that is like the view, but not quite. */
static void derive(Random *random, const Spec *view, Spec *query)
{
    *query = *view;
    if (pick(random, 4) == 0)
        query->from = random_from(random, view->is_join);
    if (pick(random, 2) == 0)
        query->conditions[query->condition_count++] = random_condition(random, view->is_join);
    if (pick(random, 8) == 0 && query->condition_count > 0)
        query->condition_count--;
    if (query->is_grouped && pick(random, 2) == 0 && query->column_count > 0)
        query->column_count--;
    if (query->is_grouped && pick(random, 5) == 0)
        query->columns[query->column_count++] = random_column(random, query);
    for (uint32_t i = 0; i < query->call_count; i++) {
        if (pick(random, 6) == 0)
            query->calls[i] = ONE_OF(random, aggregates);
    }
    if (!query->is_grouped && pick(random, 3) == 0) { /* groups over rows */
        query->is_grouped = true;
        query->column_count = pick(random, query->column_count + 1);
        query->calls[query->call_count++] = ONE_OF(random, aggregates);
    }
    if (query->is_grouped && pick(random, 3) == 0 && strstr(query->from, "WHERE") == NULL) {
        query->more = ONE_OF(random, more_tables);
        if (query->call_count < 5 && pick(random, 3) == 0)
            query->calls[query->call_count++] = ONE_OF(random, more_calls);
    }
    query->has_having ^= query->is_grouped && pick(random, 8) == 0;
}

static void print_spec(const Spec *spec, ByteBuf *sql)
{
    bytebuf_append_text(sql, "SELECT");
    for (uint32_t i = 0; i < spec->column_count; i++)
        bytebuf_printf(sql, "%s %s AS c%u", i == 0 ? "" : ",", spec->columns[i], i);
    for (uint32_t i = 0; i < spec->call_count; i++)
        bytebuf_printf(sql, "%s %s AS a%u", i + spec->column_count == 0 ? "" : ",", spec->calls[i], i);
    bytebuf_printf(sql, " FROM %s%s", spec->from, spec->more == NULL ? "" : spec->more);
    for (uint32_t i = 0; i < spec->condition_count; i++)
        bytebuf_printf(sql, " %s (%s)", i == 0 && strstr(spec->from, "WHERE") == NULL ? "WHERE" : "AND", spec->conditions[i]);
    for (uint32_t i = 0; i < spec->column_count && spec->is_grouped; i++)
        bytebuf_printf(sql, "%s %s", i == 0 ? " GROUP BY" : ",", spec->columns[i]);
    if (spec->has_having)
        bytebuf_append_text(sql, " HAVING count(*) > 2");
}

static void run_random(Test *test, uint32_t rounds, uint64_t seed)
{
    enum { VIEWS = 3, QUERIES = 12 };
    Random random = {seed};
    for (uint32_t round = 0; round < rounds; round++) {
        if (round % 100 == 99) { /* what was dropped is remembered, and slows down */
            fixture_close(&test->views.fixture);
            open_tables(test);
        }
        bool is_join = pick(&random, 2) == 0;
        Spec specs[VIEWS], derived;
        for (uint32_t v = 0; v < VIEWS; v++) {
            AUTO_BYTEBUF definition = {0};
            random_spec(&random, is_join, &specs[v]);
            print_spec(&specs[v], &definition);
            (void)make_view(test, definition.data, "");
            if (test->is_verbose)
                printf("view: %s\n", definition.data);
        }
        for (uint32_t q = 0; q < QUERIES; q++) {
            AUTO_BYTEBUF query = {0};
            derive(&random, &specs[pick(&random, VIEWS)], &derived);
            print_spec(&derived, &query);
            uint32_t failed = test->failed;
            check(test, query.data, -1);
            if (test->failed > failed)
                printf("  round %u of seed %llu\n", round, (unsigned long long)seed);
        }
        drop_views(test);
    }
}

int main(int argc, char **argv)
{
    static Test test;
    test.is_verbose = argc > 3 && strcmp(argv[3], "-v") == 0;
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    open_tables(&test);
    run_cases(&test);
    run_partial(&test);
    uint32_t directed = test.rewritten;
    run_random(&test, rounds, seed);
    uint32_t random = test.rewritten - directed;
    fixture_close(&test.views.fixture);
    printf("%u random queries were answered from views\n", random);
    if (rounds > 0 && random < rounds) {
        printf("FAILED: too few\n");
        test.failed++;
    }
    printf("%u passed, %u failed\n", test.passed, test.failed);
    return test.failed > 0 || test.passed == 0;
}
