#include "main/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/environment.h"
#include "base/log.h"

enum { PROGRESS_US = 1000000 };

Status tool_read_arguments(ToolArguments *out, int argc, char **argv, int first, Diag *diag)
{
    const struct {
        const char *name;
        const char **value;
    } NAMED[] = {
        {"--volume", &out->volume_url}, {"--meta-dir", &out->meta_dir}, {"--into", &out->into_url}, {"--snapshot", &out->snapshot},
        {"--to-entry", &out->to_entry}, {"--to-time", &out->to_time},   {"--format", &out->format},
    };
    *out = (ToolArguments){0};
    for (int i = first; i < argc; i++) {
        const char **value = NULL;
        for (size_t n = 0; n < sizeof(NAMED) / sizeof(NAMED[0]); n++) {
            if (strcmp(argv[i], NAMED[n].name) == 0)
                value = NAMED[n].value;
        }
        if (value != NULL && i + 1 == argc)
            return RAISE(diag, BAD_VALUE, "%s needs a value", argv[i]);
        if (value != NULL)
            *value = argv[++i];
        else if (strcmp(argv[i], "--quick") == 0)
            out->is_quick = true;
        else if (argv[i][0] == '-' || out->positional != NULL)
            return RAISE(diag, BAD_VALUE, "unknown argument '%s'", argv[i]);
        else
            out->positional = argv[i];
    }
    return out->volume_url != NULL ? OK : RAISE(diag, BAD_VALUE, "--volume URL is needed");
}

Status tool_open_volume(const char *url, Diag *diag, Volume **out_volume)
{
    static const char SCHEME[] = "file://";
    const char *path = strncmp(url, SCHEME, strlen(SCHEME)) == 0 ? url + strlen(SCHEME) : url;
    struct stat info;
    if (strstr(path, "://") != NULL)
        return RAISE(diag, BAD_VALUE, "volume '%s' is of an unknown kind", url);
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return RAISE(diag, NO_SUCH_OBJECT, "there is no volume at '%s'", path);
    return volume_open_local(path, environment_real(), diag, out_volume);
}

void tool_progress(ToolProgress *progress, uint64_t done)
{
    int64_t now = env_monotonic_us(environment_real());
    progress->done = done;
    if (progress->started_us == 0)
        progress->started_us = progress->said_us = now;
    if (now - progress->said_us < PROGRESS_US)
        return;
    progress->said_us = now;
    fprintf(stderr, "%s: %llu of %llu, %lld s\n", progress->what, (unsigned long long)done, (unsigned long long)progress->total,
            (long long)(now - progress->started_us) / 1000000);
}

int tool_run(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const ToolArguments *arguments, Diag *diag);
    } TOOLS[] = {{"fsck", tool_fsck}, {"restore", tool_restore}, {"upgrade-check", tool_upgrade_check}};
    ToolArguments arguments;
    Diag diag = {0};
    int code = -1;
    log_set_level(LOG_LEVEL_WARN);
    bool is_image = strcmp(argv[1], "image") == 0;
    for (size_t i = 0; i < sizeof(TOOLS) / sizeof(TOOLS[0]); i++) {
        if (strcmp(argv[1], TOOLS[i].name) == 0)
            code = tool_read_arguments(&arguments, argc, argv, 2, &diag) == OK ? TOOLS[i].run(&arguments, &diag) : EXIT_FAILURE;
    }
    if (is_image && argc < 3)
        status_ignore(RAISE(&diag, BAD_VALUE, "merak image needs one of list, inspect, verify, dump"));
    else if (is_image && tool_read_arguments(&arguments, argc, argv, 3, &diag) == OK)
        code = tool_image(argv[2], &arguments, &diag);
    if (diag_has_error(&diag)) {
        fprintf(stderr, "merak: %s\n", diag.message);
        return EXIT_FAILURE;
    }
    return code;
}
