#pragma once
/* Every change of a local volume's directory, in order, with its data: what a power cut may leave is made from it.
 *
 * The linker puts record.c between the volume and the system calls that it makes (--wrap), so that the code under
 * test is what ships. */

#include "base/arena.h"
#include "base/bytes.h"

typedef enum FileOpKind {
    FILE_WRITE,    /* to the file `inode` at offset */
    FILE_SYNC,     /* of the file */
    NAME_LINK,     /* path now names inode */
    NAME_UNLINK,   /* path names nothing */
    NAME_MAKE_DIR, /* path is a directory */
    DIR_SYNC,      /* the names in directory path */
} FileOpKind;

typedef struct FileOp {
    FileOpKind kind;
    uint32_t inode;
    uint64_t offset;
    StrView path; /* relative to the volume; "." for its root, ".." above it */
    StrView data;
} FileOp;

typedef struct FileLog {
    Arena arena;
    FileOp *items;
    uint32_t count;
} FileLog;

/* From now on, changes of the volume whose directory is `root` are written down. One at a time. */
void record_begin(const char *root);
void record_end(void);
/* How many there are; what happened before is below it. */
uint32_t record_count(void);
/* A copy of the log; arena_deinit(&out->arena). */
void record_take(FileLog *out);
/* As if a process had made the directory and ended before it was synced. */
void record_unsynced_directory(const char *path);
