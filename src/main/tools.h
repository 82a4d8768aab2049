#pragma once
/* Commands that look at or change a volume without a server: merak image, fsck, restore, upgrade-check. */

#include "main/config.h"
#include "meta/state_copy.h"

enum { TOOL_MOVES_MAX = 64 };

typedef struct ToolArguments {
    const char *volume_url;
    const char *meta_dir;
    const char *into_url;
    const char *snapshot;
    const char *to_entry;
    const char *to_time;
    const char *format;
    const char *cluster_snapshot; /* a file cluster_snapshot.yaml */
    const char *positional; /* the first argument without a name */
    bool is_quick;
    const char *moves[TOOL_MOVES_MAX]; /* --map-volume NAME=URL */
    uint32_t move_count;
    Config *config; /* what S3 needs to be reached: --conf, --set, the environment */
} ToolArguments;

/* takes: names of what the command takes, with a space behind each. argv[first] is the first argument. */
Status tool_read_arguments(ToolArguments *out, const char *takes, int argc, char **argv, int first, Diag *diag);
/* file://, s3:// or a path; unless it may be new, a directory has to be there. The caller closes it. */
Status tool_open_volume(const ToolArguments *arguments, const char *url, bool may_be_new, Diag *diag, Volume **out_volume);
/* A meta directory, which has to be there. The caller closes it. */
Status tool_open_directory(const char *path, Diag *diag, Volume **out_directory);
/* What --map-volume says, for as long as the arena lasts. */
VolumeMove *tool_moves(const ToolArguments *arguments, Arena *arena);
/* The catalog with storage volumes where --map-volume says. */
Status tool_move_volumes(const ToolArguments *arguments, CatalogSnapshot **in_out_catalog, Diag *diag);
/* At most one line a second on standard error, and none in the first. */
typedef struct ToolProgress {
    const char *what;
    int64_t started_us, said_us;
    uint64_t done, total;
} ToolProgress;
void tool_progress(ToolProgress *progress, uint64_t done);

/* Exit codes: 0 good, 1 something is wrong and was said. */
int tool_image(const char *verb, const ToolArguments *arguments, Diag *diag);
int tool_fsck(const ToolArguments *arguments, Diag *diag);
int tool_restore(const ToolArguments *arguments, Diag *diag);
int tool_upgrade_check(const ToolArguments *arguments, Diag *diag);
/* The command of that name; -1: there is none. */
int tool_run(int argc, char **argv);
