#include "crash_states/states.h"

/* First every change before the cut is marked when a later sync made it durable; then the log is played again with
 * the changes that survive. A file is there when its name and all directories above it are. */

#include <stdlib.h>

#include "base/strmap.h"

enum { PIECE_BYTES = 512 };

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static StrView parent_of(StrView path)
{
    size_t length = path.length;
    while (length > 0 && path.data[length - 1] != '/')
        length--;
    return length == 0 ? STR_VIEW(".") : strview_n(path.data, length - 1);
}

static void mark_durable(const FileLog *log, const Cut *cut, bool *is_durable)
{
    for (uint32_t i = 0; i < cut->at; i++) {
        const FileOp *sync = &log->items[i];
        if ((sync->kind == FILE_SYNC && cut->lies.forgets_file_syncs) || (sync->kind == DIR_SYNC && cut->lies.forgets_directory_syncs) ||
            (sync->kind != FILE_SYNC && sync->kind != DIR_SYNC))
            continue;
        for (uint32_t j = 0; j < i; j++) {
            const FileOp *op = &log->items[j];
            bool is_name = op->kind == NAME_LINK || op->kind == NAME_UNLINK || op->kind == NAME_MAKE_DIR;
            if (sync->kind == FILE_SYNC ? op->kind == FILE_WRITE && op->inode == sync->inode
                                        : is_name && strview_equal(parent_of(op->path), sync->path))
                is_durable[j] = true;
        }
    }
}

typedef struct Play {
    const Cut *cut;
    uint64_t random;
    Arena arena;
    StrMap names; /* path to inode + 1; (void *)1: gone */
    StrMap directories;
    ByteBuf *files; /* by inode */
} Play;

static void put_data(Play *play, const FileOp *op, size_t from, size_t length)
{
    ByteBuf *file = &play->files[op->inode];
    size_t end = (size_t)op->offset + from + length;
    if (end > file->length) {
        bytebuf_reserve(file, end - file->length);
        memset(file->data + file->length, 0, end - file->length);
        file->length = end;
    }
    memcpy(file->data + op->offset + from, op->data.data + from, length);
}

static void play_write(Play *play, const FileOp *op, bool is_durable)
{
    if (is_durable || play->cut->mode != CUT_RANDOM) {
        put_data(play, op, 0, op->data.length);
        return;
    }
    for (size_t at = 0; at < op->data.length; at += PIECE_BYTES) {
        size_t length = MIN(op->data.length - at, (size_t)PIECE_BYTES);
        if (next_random(&play->random) % 10 < 7)
            put_data(play, op, at, length);
    }
}

static bool survives(Play *play, const FileOp *op, bool is_durable)
{
    bool is_data = op->kind == FILE_WRITE;
    switch (play->cut->mode) {
    case CUT_ALL:
        return true;
    case CUT_NAMES:
        return is_durable || !is_data;
    case CUT_DATA:
        return is_durable || is_data;
    case CUT_RANDOM:
        return is_durable || next_random(&play->random) % 2 == 0;
    case CUT_NOTHING_UNSYNCED:
    case CUT_MODES:
        break;
    }
    return is_durable;
}

static void play_op(Play *play, const FileOp *op, bool is_durable)
{
    if (op->kind == FILE_SYNC || op->kind == DIR_SYNC || !survives(play, op, is_durable))
        return;
    if (op->kind == FILE_WRITE)
        play_write(play, op, is_durable);
    else if (op->kind == NAME_MAKE_DIR)
        strmap_set(&play->directories, op->path, play);
    else
        strmap_set(&play->names, op->path, (void *)(op->kind == NAME_LINK ? (uintptr_t)op->inode + 2 : (uintptr_t)1));
}

static bool is_reachable(const Play *play, StrView path)
{
    for (StrView parent = parent_of(path); !strview_is(parent, "."); parent = parent_of(parent)) {
        if (strmap_get(&play->directories, parent) == NULL)
            return false;
    }
    return true;
}

static void put_files(Play *play, Volume *volume)
{
    Diag diag = {0};
    for (uint32_t i = 0; i < play->names.capacity; i++) {
        const StrMapSlot *slot = &play->names.slots[i];
        uintptr_t inode = (uintptr_t)slot->value;
        if (slot->key.data == NULL || inode < 2 || !is_reachable(play, slot->key))
            continue;
        const char *path = arena_strndup(&play->arena, slot->key.data, slot->key.length);
        StrView bytes = bytebuf_view(&play->files[inode - 2]);
        if (volume_put(volume, path, bytes.data == NULL ? STR_VIEW("") : bytes, &diag) != OK)
            abort();
    }
    if (volume_flush(volume, &diag) != OK)
        abort();
}

Volume *state_build(const FileLog *log, Cut cut, const Environment *environment)
{
    Play play = {.cut = &cut, .random = cut.seed * 1000003 + cut.at};
    uint32_t inodes = 1;
    for (uint32_t i = 0; i < log->count; i++)
        inodes = MAX(inodes, log->items[i].inode + 1);
    arena_init(&play.arena, NULL);
    strmap_init(&play.names, &play.arena, false);
    strmap_init(&play.directories, &play.arena, false);
    play.files = ARENA_NEW_ARRAY(&play.arena, ByteBuf, inodes);
    bool *is_durable = ARENA_NEW_ARRAY(&play.arena, bool, cut.at + 1);
    mark_durable(log, &cut, is_durable);
    for (uint32_t i = 0; i < cut.at; i++)
        play_op(&play, &log->items[i], is_durable[i]);
    Volume *volume = volume_open_memory(environment);
    put_files(&play, volume);
    for (uint32_t i = 0; i < inodes; i++)
        bytebuf_deinit(&play.files[i]);
    arena_deinit(&play.arena);
    return volume;
}
