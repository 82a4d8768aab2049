/* The audit log: one line a statement whatever its text, and a new file behind the limit. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/audit.h"

static uint32_t read_lines(const char *path, char *last, size_t capacity)
{
    uint32_t lines = 0;
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(last, (int)capacity, file) != NULL)
        lines += strchr(last, '\n') != NULL;
    if (file != NULL)
        fclose(file);
    return lines;
}

static void a_line_a_statement(void **state)
{
    (void)state;
    char folder[] = "/tmp/merak-audit-XXXXXX", path[128], old[128];
    static char last[20000];
    Diag diag = {0};
    AuditLog *log;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/fe.audit.log", folder);
    snprintf(old, sizeof(old), "%s/fe.audit.log.1", folder);
    assert_int_equal(audit_open(folder, 2000, &diag, &log), OK);
    AuditRecord record = {.client = STR_VIEW("10.0.0.1"), .user = STR_VIEW("root"), .database = STR_VIEW("d|b"), .query_id = STR_VIEW("q-1"),
                          .statement = STR_VIEW("SELECT 1\n|FROM t"), .statement_id = 7, .is_query = true, .error_name = "",
                          .time_ms = 12, .returned_rows = 3, .peak_bytes = 4096,
                          .scanned_rows = 70, .scanned_bytes = 900, .resource_group = STR_VIEW("default_wg")};
    audit_write(log, &record);
    assert_int_equal(read_lines(path, last, sizeof(last)), 1);
    assert_non_null(strstr(last, "|Client=10.0.0.1|User=root|"));
    assert_non_null(strstr(last, "|Db=d b|State=EOF|ErrorCode=|Time=12|"));
    assert_non_null(strstr(last, "|ScanBytes=900|ScanRows=70|ReturnRows=3|"));
    assert_non_null(strstr(last, "|StmtId=7|QueryId=q-1|IsQuery=true|"));
    assert_non_null(strstr(last, "|Stmt=SELECT 1  FROM t|"));
    for (int i = 0; i < 20; i++)
        audit_write(log, &record);
    assert_true(read_lines(old, last, sizeof(last)) > 0);
    assert_true(read_lines(path, last, sizeof(last)) < 21);
    static char large[100000];
    memset(large, 'x', sizeof(large));
    record.statement = strview_n(large, sizeof(large));
    audit_write(log, &record);
    assert_true(read_lines(path, last, sizeof(last)) > 0);
    assert_true(strlen(last) < 10000);
    audit_close(log);
    audit_write(NULL, &record);
    unlink(path);
    unlink(old);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_line_a_statement)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
