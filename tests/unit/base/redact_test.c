#include "base/redact.h"

/* Keys in statements that are shown. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void check(const char *sql, const char *expected)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    StrView shown = redact_keys(strview(sql), &arena);
    if (!strview_is(shown, expected))
        fail_msg("got %.*s", SV_ARGS(shown));
}

static void hides_keys(void **state)
{
    (void)state;
    check("SELECT 1", "SELECT 1");
    check("FILES(\"aws.s3.secret_key\" = abc, `x` = y)", "FILES(\"aws.s3.secret_key\" = ***, `x` = y)");
    check("FILES(`aws.s3.access_key`=`abc`)", "FILES(`aws.s3.access_key`=`***`)");
    check("\"aws.s3.access_key\"=abc", "\"aws.s3.access_key\"=***");
    check("FILES(\"aws.s3.secret_key\" = \"abc\", \"x\" = \"y\")", "FILES(\"aws.s3.secret_key\" = \"***\", \"x\" = \"y\")");
    check("'AWS.S3.ACCESS_KEY'='a\\'b','aws.s3.secret_key'\n=\n'c'", "'AWS.S3.ACCESS_KEY'='***','aws.s3.secret_key'\n=\n'***'");
    check("\"aws.s3.session_token\" = \"cut", "\"aws.s3.session_token\" = \"***");
    check("SELECT access_key FROM t WHERE secret_key = 'x'", "SELECT access_key FROM t WHERE secret_key = 'x'");
    check("\"secret_key\" =", "\"secret_key\" =");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hides_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
