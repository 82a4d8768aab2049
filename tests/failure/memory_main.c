/* Statements that need more memory than they may use: each either succeeds or fails with MEMORY_LIMIT, and its peak
 * is at most a tenth above its limit, and a block of an arena for each of the two workers. Once without spilling, once with it, when fewer may fail.
 *
 *     merak-memory [--all]      --all: prints the peak of each */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "failure/fixture.h"
#include "session/audit.h"

enum { LIMIT_BYTES = 24 << 20, MOST_BYTES = LIMIT_BYTES / 10 * 11 + 2 * ARENA_BLOCK_BYTES, ROWS = 400000 };

static const char *const statements[] = {
    "SELECT k, count(*), sum(v) FROM big GROUP BY k",
    "SELECT s, count(*), max(t) FROM big GROUP BY s",
    "SELECT count(DISTINCT k), count(DISTINCT s) FROM big",
    "SELECT v % 10, count(DISTINCT s) FROM big GROUP BY v % 10",
    "SELECT array_length(array_agg(s)) FROM big",
    "SELECT length(group_concat(s)) FROM big",
    "SELECT v % 7, array_length(array_agg_distinct(k)) FROM big GROUP BY v % 7",
    "SELECT percentile_cont(v, 0.5), bitmap_count(bitmap_agg(k)) FROM big",
    "SELECT * FROM big ORDER BY s DESC, k",
    "SELECT * FROM big ORDER BY t LIMIT 300000",
    "SELECT count(*) FROM big a JOIN big b ON a.k = b.k",
    "SELECT count(*), max(a.t), max(b.t) FROM big a JOIN big b ON a.s = b.s",
    "SELECT count(*) FROM big a LEFT JOIN big b ON a.k = b.k + 7 WHERE b.t IS NULL OR b.t > a.t",
    "SELECT count(*) FROM big a WHERE k NOT IN (SELECT v FROM big WHERE v IS NOT NULL)",
    "SELECT count(*) FROM big a JOIN big b ON a.k < b.k AND b.k < 40 AND length(a.t) < length(b.t)",
    "SELECT count(*) FROM (SELECT row_number() OVER (PARTITION BY v % 5 ORDER BY s) r, t FROM big) w WHERE r > 3 AND t > 'a'",
    "SELECT count(*) FROM (SELECT sum(v) OVER (ORDER BY k) r, lag(t, 3) OVER (ORDER BY k) l FROM big) w WHERE r > 3 AND l > 'a'",
    "SELECT count(*) FROM (SELECT k, s FROM big UNION SELECT k + 1, t FROM big) u",
    "SELECT count(*) FROM (SELECT s, t FROM big INTERSECT SELECT t, s FROM big) u",
    "WITH c AS (SELECT k, s, t FROM big) SELECT count(*) FROM c a JOIN c b ON a.k = b.k",
    "SELECT max(length(repeat(s, 20000))) FROM big",
    "SELECT max(length(concat(repeat(t, 1000), repeat(s, 3000)))) FROM big",
    "SELECT max(array_length(array_generate(1, k % 20000 + 1000))) FROM big",
    "SELECT max(array_length(split(repeat(concat(s, ','), 300), ','))) FROM big",
    "SELECT max(length(rpad(s, 500000, t))) FROM big",
    "SELECT max(length(json_array_text)) FROM (SELECT cast(json_object('a', repeat(t, 2000)) AS STRING) json_array_text FROM big) j",
    "SELECT count(u) FROM big, unnest(array_generate(1, 3000)) x(u) WHERE k < 3000",
    "SELECT array_length(array_sort(array_agg(concat(s, t)))) FROM big",
    "SELECT length(lower(group_concat(t))), md5(group_concat(s)) FROM big",
    "SELECT count(*) FROM (SELECT k, s, t, v FROM big GROUP BY ROLLUP(k, s, t, v)) g",
};

typedef struct Run {
    Status status;
    long long peak;
    char message[1100];
} Run;

static uint32_t passed, failed;

/* MemCostBytes of the newest line. */
static long long peak_of(const Fixture *f)
{
    char path[120];
    static char line[16384], newest[16384];
    snprintf(path, sizeof(path), "%s/fe.audit.log", f->directory);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        memcpy(newest, line, sizeof(line));
    if (file != NULL)
        fclose(file);
    const char *at = strstr(newest, "|MemCostBytes=");
    return at == NULL ? -1 : strtoll(at + strlen("|MemCostBytes="), NULL, 10);
}

static Run run(Fixture *f, const char *sql)
{
    Run result = {0};
    Diag diag = {0};
    result.status = fixture_run(f, sql, NULL, &diag);
    result.peak = peak_of(f);
    snprintf(result.message, sizeof(result.message), "%s", diag.message);
    return result;
}

static void check(Fixture *f, const char *sql, const char *mode, bool prints)
{
    Run result = run(f, sql);
    bool is_good = (result.status == OK || result.status == ERR_MEMORY_LIMIT) && result.peak >= 0 && result.peak <= MOST_BYTES;
    if (prints || !is_good)
        printf("%5.1f %% %s, %s: %s%s\n", (double)result.peak * 100 / LIMIT_BYTES, sql, mode, result.status == OK ? "done" : result.message,
               is_good ? "" : " (FAILED)");
    is_good ? passed++ : failed++;
}

static void set_up(Fixture *f, const char *sql)
{
    Run result = run(f, sql);
    if (result.status == OK)
        return;
    fprintf(stderr, "%s: %s\n", sql, result.message);
    exit(2);
}

int main(int argc, char **argv)
{
    bool prints = argc > 1 && strcmp(argv[1], "--all") == 0;
    Fixture f;
    Diag diag = {0};
    char text[600];
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 2;
    fixture_open(&f, false);
    if (audit_open(f.directory, 1 << 30, &diag, &f.instance.audit) != OK)
        return 2;
    set_up(&f, "CREATE TABLE big (k INT, s VARCHAR(60), t VARCHAR(60), v BIGINT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 2");
    snprintf(text, sizeof(text), "INSERT INTO big SELECT g, concat('some text ', g), concat('other ', g * 7 %% 1000003, ' words'), g * 3 "
                                 "FROM TABLE(generate_series(1, %d)) t(g)", ROWS);
    set_up(&f, text);
    snprintf(text, sizeof(text), "SET query_mem_limit = %d", LIMIT_BYTES);
    set_up(&f, text);
    set_up(&f, "SET enable_spill = false");
    for (size_t i = 0; i < COUNT_OF(statements); i++)
        check(&f, statements[i], "without spilling", prints);
    set_up(&f, "SET enable_spill = true");
    for (size_t i = 0; i < COUNT_OF(statements); i++)
        check(&f, statements[i], "with spilling", prints);
    struct AuditLog *log = f.instance.audit;
    fixture_close(&f);
    audit_close(log);
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
