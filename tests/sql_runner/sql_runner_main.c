/* merak-sqltest: runs sqllogictest files against merak servers that it starts itself.
 *
 * Files are taken from a list by as many threads as --jobs says; each has its own server. What failed is printed a
 * file at a time; the last line is "N passed, N failed", counted in records. */

#include <curl/curl.h>
#include <mysql.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/environment.h"
#include "sql_runner/file_run.h"

enum { JOBS_MAX = 64 };

typedef struct Suite {
    RunOptions options;
    const char **paths;
    int count;
    bool is_verbose;
    pthread_mutex_t lock; /* guards what follows and standard output */
    int next;
    int passed;
    int failed;
} Suite;

static int usage(void)
{
    fputs("usage: merak-sqltest [--server FILE] [--jobs N] [--name CONFIGURATION] [--set KEY=VALUE ...]\n"
          "                     [--session STATEMENT ...] [--start-seconds N] [--max-failures N] [--verbose] FILE ...\n",
          stderr);
    return 2;
}

static const char *take_path(Suite *suite)
{
    pthread_mutex_lock(&suite->lock);
    const char *path = suite->next < suite->count ? suite->paths[suite->next++] : NULL;
    pthread_mutex_unlock(&suite->lock);
    return path;
}

static void *run_files(void *argument)
{
    Suite *suite = argument;
    for (const char *path; (path = take_path(suite)) != NULL;) {
        FileResult result;
        int64_t start = env_monotonic_us(environment_real());
        run_file(path, &suite->options, &result);
        double seconds = (double)(env_monotonic_us(environment_real()) - start) / 1e6;
        pthread_mutex_lock(&suite->lock);
        suite->passed += result.passed;
        suite->failed += result.failed;
        if (result.report.length > 0)
            printf("%.*s", SV_ARGS(bytebuf_view(&result.report)));
        if (suite->is_verbose)
            printf("%s: %d passed, %d failed (%.1f s)\n", path, result.passed, result.failed, seconds);
        fflush(stdout);
        pthread_mutex_unlock(&suite->lock);
        bytebuf_deinit(&result.report);
    }
    mysql_thread_end();
    return NULL;
}

static bool apply_option(Suite *suite, const char *name, const char *value, int *out_jobs)
{
    RunOptions *options = &suite->options;
    if (strcmp(name, "--server") == 0)
        options->server.binary = value;
    else if (strcmp(name, "--jobs") == 0)
        *out_jobs = (int)strtol(value, NULL, 10);
    else if (strcmp(name, "--name") == 0)
        options->name = value;
    else if (strcmp(name, "--start-seconds") == 0)
        options->server.start_seconds = (int)strtol(value, NULL, 10);
    else if (strcmp(name, "--max-failures") == 0)
        options->max_failures = (int)strtol(value, NULL, 10);
    else if (strcmp(name, "--set") == 0 && options->server.setting_count < SERVER_SETTINGS_MAX)
        options->server.settings[options->server.setting_count++] = value;
    else if (strcmp(name, "--session") == 0 && options->statement_count < SERVER_SETTINGS_MAX)
        options->statements[options->statement_count++] = value;
    else
        return false;
    return true;
}

/* Returns the number of jobs, or 0 when the arguments make no sense. */
static int parse_arguments(Suite *suite, int argc, char **argv)
{
    int jobs = 2;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0)
            suite->paths[suite->count++] = argv[i];
        else if (strcmp(argv[i], "--verbose") == 0)
            suite->is_verbose = true;
        else if (i + 1 >= argc || !apply_option(suite, argv[i], argv[i + 1], &jobs))
            return 0;
        else
            i++;
    }
    return suite->count == 0 || jobs < 1 || jobs > JOBS_MAX ? 0 : jobs;
}

int main(int argc, char **argv)
{
    Suite suite = {.options = {.name = "default", .max_failures = 10, .server = {.binary = "build/release/merak", .start_seconds = 30}},
                   .lock = PTHREAD_MUTEX_INITIALIZER,
                   .paths = mem_alloc_zero(sizeof(char *) * (size_t)argc)};
    int jobs = parse_arguments(&suite, argc, argv);
    if (jobs == 0) {
        mem_free(suite.paths);
        return usage();
    }
    pthread_t threads[JOBS_MAX];
    mysql_library_init(0, NULL, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (int i = 0; i < jobs; i++)
        CHECK(pthread_create(&threads[i], NULL, run_files, &suite) == 0);
    for (int i = 0; i < jobs; i++)
        pthread_join(threads[i], NULL);
    curl_global_cleanup();
    mysql_library_end();
    mem_free(suite.paths);
    printf("%d passed, %d failed\n", suite.passed, suite.failed);
    return suite.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
