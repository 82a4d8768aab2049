/* merak-tpch: makes TPC-H data, to files or straight into a server.
 *
 * Tables are made one after another, each by all threads. What was done is told on standard output,
 * a line a table; errors go to standard error, with exit status 1, or 2 for a wrong command line. */

#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/environment.h"
#include "base/thread.h"
#include "tpch/tpch_output.h"

typedef struct TpchOptions {
    const char *scale;
    const char *directory; /* NULL: load */
    uint32_t num_threads;
    const TpchTable *tables[TPCH_NUM_TABLES];
    int num_tables;
    TpchServer server;
    bool help;
} TpchOptions;

static const char usage_text[] =
    "Usage: merak-tpch --sf SCALE (--out DIR | --load URL --database NAME) [options]\n"
    "\n"
    "Makes the tables of TPC-H, byte-equal to those of the official generator.\n"
    "\n"
    "  --sf SCALE        0.001 to 0.999, or a whole number (1 is about 1 GB); default 1\n"
    "  --out DIR         write DIR/region.tbl and so on\n"
    "  --load URL        load by Stream Load into the server at http://HOST:PORT\n"
    "  --database NAME   the database whose tables are loaded; default tpch\n"
    "  --user NAME       default root\n"
    "  --password TEXT   default empty\n"
    "  --table NAME      only this table; may be repeated\n"
    "  --threads N       default: the number of processors\n"
    "  --help\n";

enum TpchOption {
    OPTION_SCALE = 1,
    OPTION_OUT,
    OPTION_LOAD,
    OPTION_DATABASE,
    OPTION_USER,
    OPTION_PASSWORD,
    OPTION_TABLE,
    OPTION_THREADS,
    OPTION_HELP,
};

static const struct option option_list[] = {
    {"sf", required_argument, NULL, OPTION_SCALE},
    {"out", required_argument, NULL, OPTION_OUT},
    {"load", required_argument, NULL, OPTION_LOAD},
    {"database", required_argument, NULL, OPTION_DATABASE},
    {"user", required_argument, NULL, OPTION_USER},
    {"password", required_argument, NULL, OPTION_PASSWORD},
    {"table", required_argument, NULL, OPTION_TABLE},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static Status option_set_table(TpchOptions *options, const char *name, Diag *diag)
{
    const TpchTable *table = tpch_table_find(name);
    if (table == NULL)
        return RAISE(diag, INVALID_ARGUMENT, "TPC-H has no table \"%s\"", name);
    for (int i = 0; i < options->num_tables; i++) {
        if (options->tables[i] == table)
            return OK;
    }
    options->tables[options->num_tables++] = table;
    return OK;
}

static Status option_set_threads(TpchOptions *options, const char *text, Diag *diag)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || number < 1 || number > 64)
        return RAISE(diag, INVALID_ARGUMENT, "--threads \"%s\" is not a number from 1 to 64", text);
    options->num_threads = (uint32_t)number;
    return OK;
}

static Status option_set(TpchOptions *options, int option, const char *value, Diag *diag)
{
    switch (option) {
    case OPTION_SCALE:
        options->scale = value;
        return OK;
    case OPTION_OUT:
        options->directory = value;
        return OK;
    case OPTION_LOAD:
        options->server.url = value;
        return OK;
    case OPTION_DATABASE:
        options->server.database = value;
        return OK;
    case OPTION_USER:
        options->server.user = value;
        return OK;
    case OPTION_PASSWORD:
        options->server.password = value;
        return OK;
    case OPTION_TABLE:
        return option_set_table(options, value, diag);
    case OPTION_THREADS:
        return option_set_threads(options, value, diag);
    case OPTION_HELP:
        options->help = true;
        return OK;
    default:
        return RAISE(diag, INVALID_ARGUMENT, "wrong option; see merak-tpch --help");
    }
}

static Status options_parse(TpchOptions *options, int argc, char **argv, Diag *diag)
{
    *options = (TpchOptions){
        .scale = "1",
        .num_threads = cpu_count(),
        .server = {.database = "tpch", .user = "root", .password = ""},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", option_list, NULL)) != -1)
        TRY(option_set(options, option, optarg, diag));
    if (options->help)
        return OK;
    if (optind < argc)
        return RAISE(diag, INVALID_ARGUMENT, "unexpected argument \"%s\"", argv[optind]);
    if ((options->directory == NULL) == (options->server.url == NULL))
        return RAISE(diag, INVALID_ARGUMENT, "give one of --out and --load");
    if (options->num_tables > 0)
        return OK;
    while (options->num_tables < TPCH_NUM_TABLES) {
        options->tables[options->num_tables] = &tpch_tables[options->num_tables];
        options->num_tables++;
    }
    return OK;
}

static Status table_deliver(const TpchOptions *options, const TpchTable *table, TpchSource *source,
                            uint64_t *out_bytes, Diag *diag)
{
    if (options->directory != NULL)
        return tpch_write_file(table, source, options->directory, out_bytes, diag);
    AUTO_BYTEBUF reply = {0};
    Status status = tpch_load_server(table, source, &options->server, &reply, out_bytes, diag);
    if (reply.length > 0)
        printf("%s\n", reply.data);
    return status;
}

static Status table_run(const TpchOptions *options, const TpchContext *context,
                        const TpchTable *table, Diag *diag)
{
    int64_t start_us = env_monotonic_us(environment_real());
    TpchSource *source = NULL;
    TRY(tpch_source_open(table, context, options->num_threads, &source, diag));
    uint64_t bytes = 0;
    Status status = table_deliver(options, table, source, &bytes, diag);
    tpch_source_close(source);
    TRY(status);
    double seconds = (double)(env_monotonic_us(environment_real()) - start_us) / 1e6;
    double megabytes = (double)bytes / 1e6;
    printf("%-8s %10.1f MB %8.2f s %8.1f MB/s\n", table->name, megabytes, seconds,
           megabytes / seconds);
    fflush(stdout);
    return OK;
}

static Status tables_run(const TpchOptions *options, TpchContext *context, Diag *diag)
{
    TRY(tpch_scale_parse(options->scale, &context->scale, diag));
    date_table_init(&context->dates);
    TRY(text_pool_init(&context->text, options->num_threads, diag));
    Status status = OK;
    for (int i = 0; i < options->num_tables && status == OK; i++)
        status = table_run(options, context, options->tables[i], diag);
    text_pool_deinit(&context->text);
    return status;
}

static int fail(const Diag *diag, int exit_status)
{
    fprintf(stderr, "merak-tpch: %s\n", diag->message);
    return exit_status;
}

int main(int argc, char **argv)
{
    Diag diag = {0};
    TpchOptions options;
    if (options_parse(&options, argc, argv, &diag) != OK)
        return fail(&diag, 2);
    if (options.help) {
        fputs(usage_text, stdout);
        return 0;
    }
    if (options.server.url != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        fputs("merak-tpch: could not start the HTTP client\n", stderr);
        return 1;
    }
    TpchContext *context = mem_alloc_zero(sizeof(*context));
    Status status = tables_run(&options, context, &diag);
    mem_free(context);
    return status == OK ? 0 : fail(&diag, 1);
}
