#include "crash_states/record.h"

/* The __wrap functions stand before the system calls of src/volume/local.c. Descriptors of the volume are followed
 * from open to close; all others pass. */

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"

enum { DESCRIPTORS = 4096, ROOT_BYTES = 256 };

typedef enum FollowedKind { FOLLOW_NOTHING, FOLLOW_ROOT, FOLLOW_FILE, FOLLOW_DIRECTORY } FollowedKind;

typedef struct Followed {
    FollowedKind kind;
    uint32_t inode;
    uint64_t written;
    StrView path;
} Followed;

static struct {
    Mutex lock; /* guards the rest */
    bool is_on;
    char root[ROOT_BYTES];
    Arena arena;
    ARRAY_OF(FileOp) ops;
    uint32_t inodes;
    Followed followed[DESCRIPTORS];
} state;

static StrView keep(const void *data, size_t length)
{
    return strview_n(arena_strndup(&state.arena, data, length), length);
}

static void note(FileOp op)
{
    if (state.is_on)
        ARRAY_PUSH(&state.arena, &state.ops, op);
}

void record_begin(const char *root)
{
    static bool is_made;
    if (!is_made)
        mutex_init(&state.lock);
    is_made = true;
    LOCK_GUARD(&state.lock);
    arena_init(&state.arena, NULL);
    memset(&state.ops, 0, sizeof(state.ops));
    memset(state.followed, 0, sizeof(state.followed));
    snprintf(state.root, sizeof(state.root), "%s", root);
    state.inodes = 0;
    state.is_on = true;
}

void record_end(void)
{
    LOCK_GUARD(&state.lock);
    state.is_on = false;
    arena_deinit(&state.arena);
}

uint32_t record_count(void)
{
    LOCK_GUARD(&state.lock);
    return state.ops.count;
}

void record_take(FileLog *out)
{
    LOCK_GUARD(&state.lock);
    arena_init(&out->arena, NULL);
    out->count = state.ops.count;
    out->items = ARENA_NEW_ARRAY(&out->arena, FileOp, out->count + 1);
    for (uint32_t i = 0; i < out->count; i++) {
        FileOp *op = &out->items[i];
        *op = state.ops.items[i];
        op->path = strview_n(arena_strndup(&out->arena, op->path.data, op->path.length), op->path.length);
        op->data = strview_n(arena_strndup(&out->arena, op->data.data, op->data.length), op->data.length);
    }
}

static Followed *followed(int fd)
{
    static Followed nothing;
    return fd >= 0 && fd < DESCRIPTORS && state.is_on ? &state.followed[fd] : &nothing;
}

/* ---- the system calls ---- */

int __real_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_close(int fd);
int __wrap_close(int fd);
ssize_t __real_write(int fd, const void *data, size_t length);
ssize_t __wrap_write(int fd, const void *data, size_t length);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_linkat(int old_directory, const char *old_path, int directory, const char *path, int flags);
int __wrap_linkat(int old_directory, const char *old_path, int directory, const char *path, int flags);
int __real_unlinkat(int directory, const char *path, int flags);
int __wrap_unlinkat(int directory, const char *path, int flags);
int __real_mkdirat(int directory, const char *path, mode_t mode);
int __wrap_mkdirat(int directory, const char *path, mode_t mode);

static mode_t mode_argument(va_list arguments, int flags)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_argument(arguments, flags);
    va_end(arguments);
    int fd = __real_open(path, flags, mode);
    if (fd < 0 || fd >= DESCRIPTORS || !state.is_on)
        return fd;
    size_t above = (size_t)(strrchr(state.root, '/') - state.root);
    LOCK_GUARD(&state.lock);
    if (strcmp(path, state.root) == 0)
        state.followed[fd] = (Followed){.kind = FOLLOW_ROOT, .path = STR_VIEW(".")};
    else if (strlen(path) == above && strncmp(path, state.root, above) == 0)
        state.followed[fd] = (Followed){.kind = FOLLOW_DIRECTORY, .path = STR_VIEW("..")};
    return fd;
}

int __wrap_openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_argument(arguments, flags);
    va_end(arguments);
    int fd = __real_openat(directory, path, flags, mode);
    if (fd < 0 || fd >= DESCRIPTORS || followed(directory)->kind != FOLLOW_ROOT)
        return fd;
    LOCK_GUARD(&state.lock);
    if ((flags & O_TMPFILE) == O_TMPFILE)
        state.followed[fd] = (Followed){.kind = FOLLOW_FILE, .inode = ++state.inodes};
    else if ((flags & O_DIRECTORY) != 0)
        state.followed[fd] = (Followed){.kind = FOLLOW_DIRECTORY, .path = keep(path, strlen(path))};
    return fd;
}

int __wrap_close(int fd)
{
    if (followed(fd)->kind != FOLLOW_NOTHING) {
        LOCK_GUARD(&state.lock);
        *followed(fd) = (Followed){0};
    }
    return __real_close(fd);
}

ssize_t __wrap_write(int fd, const void *data, size_t length)
{
    ssize_t count = __real_write(fd, data, length);
    if (count > 0 && followed(fd)->kind == FOLLOW_FILE) {
        LOCK_GUARD(&state.lock);
        Followed *file = followed(fd);
        note((FileOp){.kind = FILE_WRITE, .inode = file->inode, .offset = file->written, .data = keep(data, (size_t)count)});
        file->written += (uint64_t)count;
    }
    return count;
}

/* Nothing is really synced: it is the log that counts. */
int __wrap_fsync(int fd)
{
    Followed file = *followed(fd);
    if (file.kind == FOLLOW_NOTHING)
        return __real_fsync(fd);
    LOCK_GUARD(&state.lock);
    note((FileOp){.kind = file.kind == FOLLOW_FILE ? FILE_SYNC : DIR_SYNC, .inode = file.inode, .path = file.path});
    return 0;
}

int __wrap_linkat(int old_directory, const char *old_path, int directory, const char *path, int flags)
{
    static const char prefix[] = "/proc/self/fd/";
    int result = __real_linkat(old_directory, old_path, directory, path, flags);
    if (result != 0 || followed(directory)->kind != FOLLOW_ROOT || strncmp(old_path, prefix, sizeof(prefix) - 1) != 0)
        return result;
    LOCK_GUARD(&state.lock);
    const Followed *file = followed((int)strtol(old_path + sizeof(prefix) - 1, NULL, 10));
    note((FileOp){.kind = NAME_LINK, .inode = file->inode, .path = keep(path, strlen(path))});
    return result;
}

int __wrap_unlinkat(int directory, const char *path, int flags)
{
    int result = __real_unlinkat(directory, path, flags);
    if (result == 0 && followed(directory)->kind == FOLLOW_ROOT) {
        LOCK_GUARD(&state.lock);
        note((FileOp){.kind = NAME_UNLINK, .path = keep(path, strlen(path))});
    }
    return result;
}

int __wrap_mkdirat(int directory, const char *path, mode_t mode)
{
    int result = __real_mkdirat(directory, path, mode);
    if (result == 0 && followed(directory)->kind == FOLLOW_ROOT) {
        LOCK_GUARD(&state.lock);
        note((FileOp){.kind = NAME_MAKE_DIR, .path = keep(path, strlen(path))});
    }
    return result;
}

void record_unsynced_directory(const char *path)
{
    char whole[ROOT_BYTES * 2];
    LOCK_GUARD(&state.lock);
    snprintf(whole, sizeof(whole), "%s/%s", state.root, path);
    if (mkdir(whole, 0750) == 0)
        note((FileOp){.kind = NAME_MAKE_DIR, .path = keep(path, strlen(path))});
}
