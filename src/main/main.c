/* The command line: `merak server`, `merak version`, and the commands of tools.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/format_level.h"
#include "base/memory.h"
#include "main/node.h"
#include "main/tools.h"
#include "main/version.h"
#include "meta/image.h"
#include "meta/journal.h"

static int usage(FILE *out)
{
    fputs("usage: merak server [--conf FILE] [--data-dir DIR] [--set key=value ...]\n"
          "       merak image list|inspect|verify|dump --volume URL [--format json|ddl] [IMAGE]\n"
          "       merak fsck --volume URL [--quick] [--map-volume NAME=URL ...]\n"
          "       merak restore --volume URL [--meta-dir DIR | --to-entry N | --to-time T | --snapshot NAME] [--into URL] [--map-volume "
          "NAME=URL ...]\n"
          "       merak restore --cluster-snapshot FILE [--volume URL]\n"
          "       merak upgrade-check --volume URL | --meta-dir DIR [--map-volume NAME=URL ...]\n"
          "       merak version\n",
          out);
    return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_version(void)
{
    printf("merak %s (%s)\nformat levels 1 to %u: journal up to %u, image up to %u; writes the level of the cluster\n", MERAK_VERSION, __VERSION__,
           format_level_supported(), format_version_readable(JOURNAL_FORMAT), format_version_readable(IMAGE_FORMAT));
    return EXIT_SUCCESS;
}

/* Returns the argument's value and moves past it, or NULL. */
static const char *take_value(int argc, char **argv, int *at, Diag *diag)
{
    if (*at + 1 < argc)
        return argv[++*at];
    status_ignore(RAISE(diag, BAD_VALUE, "%s needs a value", argv[*at]));
    return NULL;
}

static Status apply_role(const char *role, Diag *diag)
{
    if (strcmp(role, "all") == 0 || strcmp(role, "fe") == 0)
        return OK;
    return RAISE(diag, NOT_SUPPORTED, "--role %s is not supported: this version runs the roles 'all' and 'fe' (which computes too)", role);
}

static Status apply_argument(Config *config, int argc, char **argv, int *at, Diag *diag)
{
    const char *name = argv[*at];
    bool is_conf = strcmp(name, "--conf") == 0, is_set = strcmp(name, "--set") == 0;
    bool is_directory = strcmp(name, "--data-dir") == 0, is_role = strcmp(name, "--role") == 0;
    if (!is_conf && !is_set && !is_directory && !is_role)
        return RAISE(diag, BAD_VALUE, "unknown argument '%s'", name);
    const char *value = take_value(argc, argv, at, diag);
    if (value == NULL)
        return diag->code;
    if (is_role)
        return apply_role(value, diag);
    if (is_directory)
        return config_set(config, "data_dir", strlen("data_dir"), value, diag);
    return is_set ? config_set_pair(config, value, diag) : OK;
}

/* Files first, whatever the order of arguments, so that --set wins. */
static Status load_files(Config *config, int argc, char **argv, Diag *diag)
{
    for (int i = 2; i + 1 < argc; i++)
        if (strcmp(argv[i], "--conf") == 0)
            TRY(config_load_file(config, argv[i + 1], diag));
    return config_load_environment(config, environ, diag);
}

static Status run_server(int argc, char **argv, Diag *diag)
{
    Config *config;
    mem_keep_freed();
    TRY(config_open(diag, &config));
    Status status = load_files(config, argc, argv, diag);
    for (int i = 2; status == OK && i < argc; i++)
        status = apply_argument(config, argc, argv, &i, diag);
    if (status == OK)
        status = node_run(config, diag);
    config_close(config);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)
        return print_version();
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (strcmp(argv[1], "server") != 0) {
        int code = tool_run(argc, argv);
        return code < 0 ? usage(stderr) : code;
    }
    Diag diag = {0};
    if (run_server(argc, argv, &diag) == OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "merak: %s\n", diag.message);
    return EXIT_FAILURE;
}
