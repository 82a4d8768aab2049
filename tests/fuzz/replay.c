/* Runs a fuzz target on the files of its corpus without a fuzzing engine: replay NAME FILE ...
 *
 * The target aborts, or a sanitizer ends the process, where an input is not handled; each file runs in a child
 * process, so that the others are still counted. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

enum { SECONDS_MAX = 60 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "re");
    long size = file != NULL && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (size < 0) {
        perror(path);
        return EXIT_FAILURE;
    }
    rewind(file);
    uint8_t *data = mem_alloc((size_t)size + 1);
    size_t length = fread(data, 1, (size_t)size, file);
    fclose(file);
    /* Its exact size on the heap, so that a read past the end is seen. */
    uint8_t *exact = mem_realloc(data, length == 0 ? 1 : length);
    int result = LLVMFuzzerTestOneInput(exact, length);
    mem_free(exact);
    return result == 0 || result == -1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_in_child(const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(SECONDS_MAX);
        exit(run_file(path)); /* exit, not _exit: leaks are looked for */
    }
    int state = -1;
    if (pid < 0 || waitpid(pid, &state, 0) != pid)
        return EXIT_FAILURE;
    if (state == 0)
        return EXIT_SUCCESS;
    printf("FAIL %s: %s %d\n", path, WIFSIGNALED(state) ? "signal" : "exit code",
           WIFSIGNALED(state) ? WTERMSIG(state) : WEXITSTATUS(state));
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        if (run_in_child(argv[i]) == EXIT_SUCCESS)
            passed++;
        else
            failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
