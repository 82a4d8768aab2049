/* Planning time with many candidate views; see README.md. */

#include <stdio.h>
#include <stdlib.h>

#include "view_rewrite/test_views.h"

enum { VIEWS = 100, ROUNDS = 200, LIMIT_US = 5000 };

static const char *const tables[] = {
    "CREATE TABLE lineitem (l_orderkey BIGINT NOT NULL, l_partkey INT NOT NULL, l_suppkey INT NOT NULL, l_linenumber INT NOT "
    "NULL, l_quantity DECIMAL(15, 2) NOT NULL, "
    "l_extendedprice DECIMAL(15, 2) NOT NULL, l_discount DECIMAL(15, 2) NOT NULL, l_tax DECIMAL(15, 2) NOT NULL, l_returnflag "
    "CHAR(1) NOT NULL, "
    "l_linestatus CHAR(1) NOT NULL, l_shipdate DATE NOT NULL, l_commitdate DATE NOT NULL, l_receiptdate DATE NOT NULL, "
    "l_shipinstruct CHAR(25) NOT NULL, "
    "l_shipmode CHAR(10) NOT NULL, l_comment VARCHAR(44) NOT NULL) DUPLICATE KEY(l_orderkey)",
    "CREATE TABLE orders (o_orderkey BIGINT NOT NULL, o_custkey INT NOT NULL, o_orderstatus CHAR(1) NOT NULL, o_totalprice "
    "DECIMAL(15, 2) NOT NULL, o_orderdate DATE NOT NULL, "
    "o_orderpriority CHAR(15) NOT NULL, o_clerk CHAR(15) NOT NULL, o_shippriority INT NOT NULL, o_comment VARCHAR(79) NOT NULL) "
    "DUPLICATE KEY(o_orderkey)",
    "CREATE TABLE customer (c_custkey INT NOT NULL, c_name VARCHAR(25) NOT NULL, c_address VARCHAR(40) NOT NULL, c_nationkey INT "
    "NOT NULL, c_phone CHAR(15) NOT NULL, "
    "c_acctbal DECIMAL(15, 2) NOT NULL, c_mktsegment CHAR(10) NOT NULL, c_comment VARCHAR(117) NOT NULL) DUPLICATE KEY(c_custkey)",
    "CREATE TABLE supplier (s_suppkey INT NOT NULL, s_name CHAR(25) NOT NULL, s_address VARCHAR(40) NOT NULL, s_nationkey INT NOT "
    "NULL, s_phone CHAR(15) NOT NULL, "
    "s_acctbal DECIMAL(15, 2) NOT NULL, s_comment VARCHAR(101) NOT NULL) DUPLICATE KEY(s_suppkey)",
    "CREATE TABLE nation (n_nationkey INT NOT NULL, n_name CHAR(25) NOT NULL, n_regionkey INT NOT NULL, n_comment VARCHAR(152)) "
    "DUPLICATE KEY(n_nationkey)",
    "CREATE TABLE region (r_regionkey INT NOT NULL, r_name CHAR(25) NOT NULL, r_comment VARCHAR(152)) DUPLICATE KEY(r_regionkey)",
};

typedef struct Shape {
    const char *name;
    const char *query;
    const char *view; /* %u: makes each view another one */
} Shape;

#define DISCOUNTED "l_extendedprice * (1 - l_discount)"
#define Q5_JOIN "customer, orders, lineitem, supplier, nation, region WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey AND " \
    "c_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey"

static const Shape shapes[] = {
    {"Q1",
     "SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price, sum(" DISCOUNTED ") "
     "AS sum_disc_price, "
     "sum(" DISCOUNTED " * (1 + l_tax)) AS sum_charge, avg(l_quantity) AS avg_qty, avg(l_extendedprice) AS avg_price, "
     "avg(l_discount) AS avg_disc, count(*) AS count_order "
     "FROM lineitem WHERE l_shipdate <= date '1998-12-01' - interval '90' day GROUP BY l_returnflag, l_linestatus ORDER BY "
     "l_returnflag, l_linestatus",
     "SELECT l_returnflag, l_linestatus, l_shipdate, sum(l_quantity) AS q, sum(l_extendedprice) AS p, sum(" DISCOUNTED ") AS d, "
     "sum(" DISCOUNTED " * (1 + l_tax)) AS c, "
     "sum(l_discount) AS t, count(*) AS n FROM lineitem WHERE l_partkey >= %u - 100 AND l_shipdate < '2000-01-01' GROUP BY "
     "l_returnflag, l_linestatus, l_shipdate"},
    {"Q3",
     "SELECT l_orderkey, sum(" DISCOUNTED ") AS revenue, o_orderdate, o_shippriority FROM customer, orders, lineitem WHERE "
     "c_mktsegment = 'BUILDING' AND c_custkey = o_custkey "
     "AND l_orderkey = o_orderkey AND o_orderdate < date '1995-03-15' AND l_shipdate > date '1995-03-15' GROUP BY l_orderkey, "
     "o_orderdate, o_shippriority "
     "ORDER BY revenue DESC, o_orderdate LIMIT 10",
     "SELECT l_orderkey, o_orderdate, o_shippriority, c_mktsegment, sum(" DISCOUNTED ") AS r FROM customer, orders, lineitem "
     "WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey "
     "AND o_orderdate < date '1995-03-15' AND l_shipdate > date '1995-03-15' AND o_custkey >= %u - 100 GROUP BY l_orderkey, "
     "o_orderdate, o_shippriority, c_mktsegment"},
    {"Q5",
     "SELECT n_name, sum(" DISCOUNTED ") AS revenue FROM " Q5_JOIN " AND r_name = 'ASIA' AND o_orderdate >= date '1994-01-01' AND "
     "o_orderdate < date '1994-01-01' + interval '1' year "
     "GROUP BY n_name ORDER BY revenue DESC",
     "SELECT n_name, r_name, o_orderdate, sum(" DISCOUNTED ") AS r FROM " Q5_JOIN " AND s_suppkey >= %u - 100 GROUP BY n_name, "
     "r_name, o_orderdate"},
    {"Q12",
     "SELECT l_shipmode, sum(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) AS high_line_count, "
     "sum(CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END) AS low_line_count FROM "
     "orders, lineitem "
     "WHERE o_orderkey = l_orderkey AND l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate "
     "AND l_receiptdate >= date '1994-01-01' AND l_receiptdate < date '1994-01-01' + interval '1' year GROUP BY l_shipmode ORDER "
     "BY l_shipmode",
     "SELECT l_shipmode, l_receiptdate, sum(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) AS h, "
     "sum(CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END) AS l FROM orders, lineitem "
     "WHERE o_orderkey = l_orderkey AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate AND o_custkey >= %u - 100 "
     "GROUP BY l_shipmode, l_receiptdate"},
};

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t median_us(TestViews *views, const char *query, bool with_views, uint32_t *out_used)
{
    int64_t times[ROUNDS];
    for (uint32_t i = 0; i < ROUNDS; i++) {
        Diag diag = {0};
        TestRun run = {.with_views = with_views, .only_plans = true};
        if (test_views_run(views, query, &run, &diag) != OK) {
            fprintf(stderr, "%s: %s\n", query, diag.message);
            exit(1);
        }
        times[i] = run.planning_us;
        *out_used = run.used;
    }
    qsort(times, ROUNDS, sizeof(*times), compare);
    return times[ROUNDS / 2];
}

/* The last view of each shape has no condition of its own, so that it fits. */
static void make_views(TestViews *views)
{
    for (uint32_t i = 0; i < VIEWS; i++) {
        const Shape *shape = &shapes[i % COUNT_OF(shapes)];
        char sql[2048], plain[2048];
        Diag diag = {0};
        const char *number = strstr(shape->view, "%u");
        uint32_t chosen = i < VIEWS - COUNT_OF(shapes) ? i + 101 : 0;
        snprintf(sql, sizeof(sql), "%.*s%u%s", (int)(number - shape->view), shape->view, chosen, number + 2);
        char *condition = chosen == 0 ? strstr(sql, ">= 0 - 100") : NULL;
        snprintf(plain, sizeof(plain), "%s", sql);
        if (condition != NULL) { /* o_custkey >= 0 - 100 becomes o_custkey = o_custkey */
            size_t start = (size_t)(condition - sql), word = start - 1;
            while (word > 0 && sql[word - 1] != ' ')
                word--;
            snprintf(plain, sizeof(plain), "%.*s1 = 1%s", (int)word, sql, condition + strlen(">= 0 - 100"));
        }
        if (!test_views_make(views, plain, "", &diag)) {
            fprintf(stderr, "%s: %s\n", plain, diag.message);
            exit(1);
        }
    }
}

int main(void)
{
    static TestViews views;
    bool is_good = true;
    fixture_open(&views.fixture, false);
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        test_views_must(&views, tables[i]);
    make_views(&views);
    printf("query  without ms  with %d views ms  more ms  from a view\n", VIEWS);
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        uint32_t none, used;
        int64_t without = median_us(&views, shapes[i].query, false, &none), with = median_us(&views, shapes[i].query, true, &used);
        printf("%-6s %10.3f %18.3f %8.3f  "
            "%s\n", shapes[i].name, (double)without / 1000, (double)with / 1000, (double)(with - without) / 1000, used > 0 ? "yes" : "no");
        is_good &= used > 0 && with - without < LIMIT_US;
    }
    test_views_drop(&views);
    fixture_close(&views.fixture);
    return is_good ? 0 : 1;
}
