#include "exec/spill_file.h"

/* Spill files are unnamed temporary files; where the file system has none, a named file is unlinked at
 * once. What is appended waits in a buffer of WRITE_BYTES; a read of bytes that are still there takes them
 * from it. Discarded ranges are punched out of the file. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/thread.h"

enum { WRITE_BYTES = 256 * 1024, PATH_BYTES = 4096 };

struct SpillArea {
    char directory[PATH_BYTES];
    int64_t limit_bytes; /* 0: none */
    _Atomic int64_t used_bytes;
    _Atomic uint64_t next_name;
};

struct SpillFile {
    SpillArea *area;
    int fd;
    Mutex lock; /* guards all below */
    Buffer buffer;
    size_t buffered;
    uint64_t written; /* bytes in the file; the buffer follows */
    int64_t charged;  /* of the area */
};

/* Removes what an earlier process may have left. */
static void clear_directory(const char *directory)
{
    DIR *dir = opendir(directory);
    if (dir == NULL)
        return;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strncmp(entry->d_name, "spill-", 6) == 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
}

Status spill_area_open(const char *directory, int64_t limit_bytes, Diag *diag, SpillArea **out_area)
{
    if (strlen(directory) + 64 > PATH_BYTES)
        return RAISE(diag, IO, "the path of the spill directory is too long");
    if (mkdir(directory, 0750) != 0 && errno != EEXIST)
        return RAISE(diag, IO, "could not make the spill directory \"%s\": %m", directory);
    SpillArea *area = mem_alloc_zero(sizeof(*area));
    memcpy(area->directory, directory, strlen(directory) + 1);
    area->limit_bytes = limit_bytes;
    clear_directory(directory);
    *out_area = area;
    return OK;
}

void spill_area_close(SpillArea *area)
{
    mem_free(area);
}

int64_t spill_area_used(const SpillArea *area)
{
    return area == NULL ? 0 : atomic_load(&area->used_bytes);
}

static int open_unnamed(SpillArea *area)
{
    int fd = open(area->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%.4000s/spill-%llu", area->directory,
             (unsigned long long)atomic_fetch_add(&area->next_name, 1));
    fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        unlink(path);
    return fd;
}

Status spill_file_open(SpillArea *area, MemTracker *memory, Diag *diag, SpillFile **out_file)
{
    SpillFile *file = mem_alloc_zero(sizeof(*file));
    file->area = area;
    Status status = buffer_alloc(&file->buffer, memory, WRITE_BYTES, diag);
    if (status == OK) {
        file->fd = open_unnamed(area);
        if (file->fd < 0)
            status = RAISE(diag, IO, "could not create a spill file in \"%s\": %m", area->directory);
    }
    if (status != OK) {
        buffer_free(&file->buffer);
        mem_free(file);
        return status;
    }
    mutex_init(&file->lock);
    *out_file = file;
    return OK;
}

void spill_file_close(SpillFile *file)
{
    if (file == NULL)
        return;
    close(file->fd);
    atomic_fetch_sub(&file->area->used_bytes, file->charged);
    buffer_free(&file->buffer);
    mutex_deinit(&file->lock);
    mem_free(file);
}

static Status write_error(const SpillFile *file, Diag *diag)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return RAISE(diag, NO_SPACE, "could not spill: no space left in \"%s\"", file->area->directory);
    return RAISE(diag, IO, "could not write a spill file in \"%s\": %m", file->area->directory);
}

static Status write_at(SpillFile *file, const void *data, size_t length, Diag *diag)
{
    const char *at = data;
    int64_t used = atomic_fetch_add(&file->area->used_bytes, (int64_t)length) + (int64_t)length;
    file->charged += (int64_t)length;
    if (file->area->limit_bytes > 0 && used > file->area->limit_bytes)
        return RAISE(diag, NO_SPACE, "Spill of queries exceed limit. Used: %lld, Limit: %lld", (long long)used,
                     (long long)file->area->limit_bytes);
    FAULT("spill.write", diag);
    while (length > 0) {
        ssize_t count = pwrite(file->fd, at, length, (off_t)file->written);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return write_error(file, diag);
        at += count;
        length -= (size_t)count;
        file->written += (uint64_t)count;
    }
    return OK;
}

Status spill_file_append(SpillFile *file, StrView bytes, Diag *diag, uint64_t *out_offset)
{
    LOCK_GUARD(&file->lock);
    *out_offset = file->written + file->buffered;
    if (file->buffered + bytes.length > file->buffer.size) {
        size_t buffered = file->buffered;
        file->buffered = 0;
        TRY(write_at(file, file->buffer.data, buffered, diag));
    }
    if (bytes.length > file->buffer.size)
        return write_at(file, bytes.data, bytes.length, diag);
    memcpy(file->buffer.data + file->buffered, bytes.data, bytes.length);
    file->buffered += bytes.length;
    return OK;
}

/* Blocks are whole in the buffer or whole in the file. */
static bool read_buffered(SpillFile *file, uint64_t offset, void *out, size_t length)
{
    LOCK_GUARD(&file->lock);
    if (offset < file->written || offset - file->written + length > file->buffered)
        return false;
    memcpy(out, file->buffer.data + (offset - file->written), length);
    return true;
}

Status spill_file_read(SpillFile *file, uint64_t offset, void *out, size_t length, Diag *diag)
{
    char *at = out;
    if (read_buffered(file, offset, out, length))
        return OK;
    FAULT("spill.read", diag);
    while (length > 0) {
        ssize_t count = pread(file->fd, at, length, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return RAISE(diag, IO, "could not read a spill file in \"%s\": %m", file->area->directory);
        if (count == 0)
            return RAISE(diag, CORRUPT, "a spill file in \"%s\" is shorter than what was written", file->area->directory);
        at += count;
        offset += (uint64_t)count;
        length -= (size_t)count;
    }
    return OK;
}

void spill_file_discard(SpillFile *file, uint64_t offset, size_t length)
{
    LOCK_GUARD(&file->lock);
    if (offset >= file->written)
        return;
    /* The range is not read again; a file system that can't punch keeps it until the file is closed. */
    if (fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length) != 0)
        return;
    file->charged -= (int64_t)length;
    atomic_fetch_sub(&file->area->used_bytes, (int64_t)length);
}
