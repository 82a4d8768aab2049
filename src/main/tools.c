#include "main/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/log.h"
#include "main/home_volume.h"

enum { PROGRESS_US = 1000000 };

static Status add_move(ToolArguments *out, const char *move, Diag *diag)
{
    const char *equals = strchr(move, '=');
    if (equals == NULL || equals == move || equals[1] == '\0')
        return RAISE(diag, BAD_VALUE, "--map-volume '%s' is not NAME=URL", move);
    if (out->move_count == TOOL_MOVES_MAX)
        return RAISE(diag, BAD_VALUE, "--map-volume is given more than %d times", TOOL_MOVES_MAX);
    out->moves[out->move_count++] = move;
    return OK;
}

/* takes: the names, with a space behind each. */
static bool is_taken(const char *takes, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strstr(takes, name); at != NULL; at = strstr(at + 1, name)) {
        if (at[length] == ' ')
            return true;
    }
    return false;
}

Status tool_read_arguments(ToolArguments *out, const char *takes, int argc, char **argv, int first, Diag *diag)
{
    const char *file = NULL, *pair = NULL, *move = NULL;
    const struct {
        const char *name;
        const char **value;
    } NAMED[] = {
        {"--volume", &out->volume_url},
        {"--meta-dir", &out->meta_dir},
        {"--into", &out->into_url},
        {"--snapshot", &out->snapshot},
        {"--to-entry", &out->to_entry},
        {"--to-time", &out->to_time},
        {"--format", &out->format},
        {"--conf", &file},
        {"--set", &pair},
        {"--map-volume", &move},
        {"--cluster-snapshot", &out->cluster_snapshot},
    };
    for (int i = first; i < argc; i++) {
        const char **value = NULL;
        for (size_t n = 0; n < sizeof(NAMED) / sizeof(NAMED[0]); n++) {
            if (strcmp(argv[i], NAMED[n].name) == 0 && is_taken(takes, argv[i]))
                value = NAMED[n].value;
        }
        if (value != NULL && i + 1 == argc)
            return RAISE(diag, BAD_VALUE, "%s needs a value", argv[i]);
        if (value != NULL)
            *value = argv[++i];
        if (value == &pair)
            TRY(config_set_pair(out->config, pair, diag));
        else if (value == &file)
            TRY(config_load_file(out->config, file, diag));
        else if (value == &move)
            TRY(add_move(out, move, diag));
        else if (value != NULL)
            continue;
        else if (strcmp(argv[i], "--quick") == 0 && is_taken(takes, argv[i]))
            out->is_quick = true;
        else if (argv[i][0] == '-' || out->positional != NULL || !is_taken(takes, "IMAGE"))
            return RAISE(diag, BAD_VALUE, "unknown argument '%s'", argv[i]);
        else
            out->positional = argv[i];
    }
    /* a restore of a directory needs somewhere to go */
    bool is_needless = out->cluster_snapshot != NULL || (out->meta_dir != NULL && !is_taken(takes, "--into"));
    return out->volume_url != NULL || is_needless ? OK : RAISE(diag, BAD_VALUE, "--volume URL is needed");
}

Status tool_open_volume(const ToolArguments *arguments, const char *url, bool may_be_new, Diag *diag, Volume **out_volume)
{
    static const char SCHEME[] = "file://";
    const char *path = strncmp(url, SCHEME, strlen(SCHEME)) == 0 ? url + strlen(SCHEME) : url;
    struct stat info;
    AUTO_BYTEBUF whole = {0};
    bool is_local = strstr(path, "://") == NULL;
    if (is_local && !may_be_new && (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)))
        return RAISE(diag, NO_SUCH_OBJECT, "there is no volume at '%s'", path);
    bytebuf_printf(&whole, "%s%s", is_local ? SCHEME : "", path);
    TRY(config_set(arguments->config, "home_volume", strlen("home_volume"), whole.data, diag));
    return home_volume_open(arguments->config, "", diag, out_volume);
}

Status tool_open_directory(const char *path, Diag *diag, Volume **out_directory)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return RAISE(diag, NO_SUCH_OBJECT, "there is no meta directory at '%s'", path);
    return volume_open_local(path, environment_real(), diag, out_directory);
}

VolumeMove *tool_moves(const ToolArguments *arguments, Arena *arena)
{
    VolumeMove *moves = ARENA_NEW_ARRAY(arena, VolumeMove, TOOL_MOVES_MAX);
    for (uint32_t i = 0; i < arguments->move_count; i++) {
        const char *text = arguments->moves[i], *equals = strchr(text, '=');
        moves[i] = (VolumeMove){.name = strview_n(text, (size_t)(equals - text)), .location = strview(equals + 1)};
    }
    return moves;
}

Status tool_move_volumes(const ToolArguments *arguments, CatalogSnapshot **in_out_catalog, Diag *diag)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    VolumeMove *moves = tool_moves(arguments, &arena);
    for (uint32_t i = 0; i < arguments->move_count; i++)
        TRY(meta_move_volume(in_out_catalog, &moves[i], diag));
    return OK;
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

typedef struct Tool {
    const char *name;
    int (*run)(const ToolArguments *arguments, Diag *diag);
    const char *takes;
} Tool;

#define EVERY "--volume --conf --set "

static int run_tool(const Tool *tool, int argc, char **argv, Diag *diag)
{
    ToolArguments arguments = {0};
    bool is_image = tool->run == NULL;
    if (is_image && argc < 3) {
        status_ignore(RAISE(diag, BAD_VALUE, "merak image needs one of list, inspect, verify, dump"));
        return EXIT_FAILURE;
    }
    if (config_open(diag, &arguments.config) != OK)
        return EXIT_FAILURE;
    int code = EXIT_FAILURE;
    if (config_load_environment(arguments.config, environ, diag) == OK &&
        tool_read_arguments(&arguments, tool->takes, argc, argv, is_image ? 3 : 2, diag) == OK)
        code = is_image ? tool_image(argv[2], &arguments, diag) : tool->run(&arguments, diag);
    config_close(arguments.config);
    return code;
}

int tool_run(int argc, char **argv)
{
    static const Tool TOOLS[] = {
        {"image", NULL, EVERY "--format IMAGE "},
        {"fsck", tool_fsck, EVERY "--quick --map-volume "},
        {"restore", tool_restore, EVERY "--meta-dir --into --snapshot --to-entry --to-time --map-volume --cluster-snapshot "},
        {"upgrade-check", tool_upgrade_check, EVERY "--meta-dir --map-volume "},
    };
    Diag diag = {0};
    int code = -1;
    log_set_level(LOG_LEVEL_WARN);
    for (size_t i = 0; i < sizeof(TOOLS) / sizeof(TOOLS[0]); i++) {
        if (strcmp(argv[1], TOOLS[i].name) == 0)
            code = run_tool(&TOOLS[i], argc, argv, &diag);
    }
    if (!diag_has_error(&diag))
        return code;
    fprintf(stderr, "merak: %s\n", diag.message);
    return EXIT_FAILURE;
}
