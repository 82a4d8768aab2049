/* Freed memory stays with the process until it has been idle for two runs of the job. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "job/memory_trim.h"

enum { BLOCKS = 200, BLOCK_BYTES = 1 << 20 };

static long resident_pages(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &total, &resident), 2);
    fclose(file);
    return resident;
}

static void gives_back_when_idle(void **state)
{
    (void)state;
    static void *blocks[BLOCKS];
    const _Atomic bool stopping = false;
    MemoryTrim trim = {0};
    mem_keep_freed();
    long before = resident_pages();
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = memset(mem_alloc(BLOCK_BYTES), 1, BLOCK_BYTES);
    mem_charge(mem_process_tracker(), BLOCKS);
    for (int i = 0; i < BLOCKS; i++)
        mem_free(blocks[i]);
    long freed = resident_pages();
    (void)memory_trim_run(&trim, &stopping); /* something has changed since the last run */
    assert_true(resident_pages() > before + (freed - before) / 2);
    (void)memory_trim_run(&trim, &stopping);
    assert_true(resident_pages() < before + (freed - before) / 4);
    mem_release(mem_process_tracker(), BLOCKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gives_back_when_idle)};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)tests; /* their allocators keep what is freed in quarantine */
    return 0;
#else
    return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
