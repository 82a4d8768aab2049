/* Damage to spill files: every byte of a block flipped, and a file that is cut short. Each is found; no wrong row gets out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "exec/spill.h"

enum { ROWS = 60000, VALUES_A_CHUNK = CHUNK_ROWS < 256 ? CHUNK_ROWS : 256, TRIED = 3000 };

typedef struct Fixture {
    char directory[64];
    SpillArea *area;
    MemTracker memory, node_memory;
    _Atomic int64_t spilled;
    ExecOptions options;
    ExecContext exec;
    Diag diag;
    PhysNode node;
    Type types[2];
    SpillStream *stream;
    int fd;
} Fixture;

/* Spill files have no name: the descriptor of the one in the directory. */
static int find_file(const char *directory)
{
    char link[320], target[400];
    int found = -1;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        snprintf(link, sizeof(link), "/proc/self/fd/%s", entry->d_name);
        ssize_t length = readlink(link, target, sizeof(target) - 1);
        if (length <= 0)
            continue;
        target[length] = '\0';
        if (strncmp(target, directory, strlen(directory)) == 0)
            found = (int)strtol(entry->d_name, NULL, 10);
    }
    closedir(dir);
    return found;
}

static void append_rows(Fixture *f)
{
    uint64_t state = 1;
    for (uint32_t done = 0; done < ROWS; done += VALUES_A_CHUNK) {
        AUTO_ARENA arena;
        Vector columns[2];
        const Vector *pointers[2] = {&columns[0], &columns[1]};
        arena_init(&arena, NULL);
        for (int c = 0; c < 2; c++)
            vector_init(&columns[c], &arena, f->types[c], VALUES_A_CHUNK);
        for (uint32_t i = 0; i < VALUES_A_CHUNK; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            Datum number = datum_i64(done + i), text = datum_str(strview(arena_printf(&arena, "%016llx", (unsigned long long)state)));
            vector_put(&columns[0], &arena, i, &number);
            vector_put(&columns[1], &arena, i, &text);
        }
        assert_int_equal(spill_stream_append(f->stream, pointers, (Rows){NULL, VALUES_A_CHUNK}), OK);
    }
    assert_int_equal(spill_stream_finish(f->stream), OK);
}

static void open_fixture(Fixture *f)
{
    memset(f, 0, sizeof(*f));
    snprintf(f->directory, sizeof(f->directory), "/tmp/merak-spill-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    assert_int_equal(spill_area_open(f->directory, 0, &f->diag, &f->area), OK);
    mem_tracker_init(&f->memory, mem_process_tracker(), "query", 0);
    mem_tracker_init(&f->node_memory, &f->memory, "node", 0);
    f->options = (ExecOptions){.spill = f->area, .memory = &f->memory};
    f->exec.options = &f->options;
    f->exec.diag = &f->diag;
    f->exec.memories = &f->node_memory;
    f->exec.spilled = &f->spilled;
    mutex_init(&f->exec.spill_lock);
    f->types[0] = type_of(TYPE_BIGINT);
    f->types[1] = type_of(TYPE_VARCHAR);
    f->stream = spill_stream_new(&f->exec, &f->node, f->types, 2);
    append_rows(f);
    f->fd = find_file(f->directory);
    assert_true(f->fd >= 0);
}

static void close_fixture(Fixture *f)
{
    spill_stream_free(f->stream);
    spill_clean_up(&f->exec);
    mutex_deinit(&f->exec.spill_lock);
    spill_area_close(f->area);
    rmdir(f->directory);
}

/* Every row that gets out is right; whether all did. */
static Status read_all(Fixture *f, uint64_t *out_rows)
{
    SpillReader *reader;
    Chunk *chunk;
    Status status = spill_reader_open(f->stream, CHUNK_ROWS, &reader);
    *out_rows = 0;
    diag_reset(&f->diag);
    while (status == OK && (status = spill_reader_next(reader, &chunk)) == OK && chunk != NULL) {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        for (uint32_t i = 0; i < chunk->row_count; i++)
            assert_int_equal(vector_get(&chunk->columns[0], i, &arena).i64, (*out_rows)++);
    }
    spill_reader_close(reader);
    return status;
}

static void every_flipped_byte_is_found(void **state)
{
    static const unsigned char flips[] = {0x01, 0x80, 0xff};
    (void)state;
    Fixture f;
    uint64_t rows;
    open_fixture(&f);
    off_t size = lseek(f.fd, 0, SEEK_END);
    assert_true(size > 256 * 1024);
    assert_int_equal(read_all(&f, &rows), OK);
    assert_int_equal(rows, ROWS - ROWS % VALUES_A_CHUNK + (ROWS % VALUES_A_CHUNK > 0 ? VALUES_A_CHUNK : 0));
    for (int i = 0; i < TRIED; i++) {
        unsigned char byte, flipped;
        off_t at = i < TRIED / 2 ? i : size * i / TRIED; /* the first one by one, then far and wide */
        assert_int_equal(pread(f.fd, &byte, 1, at), 1);
        flipped = (unsigned char)(byte ^ flips[i % 3]);
        assert_int_equal(pwrite(f.fd, &flipped, 1, at), 1);
        if (i % 16 == 0 || i < 200)
            assert_int_equal(read_all(&f, &rows), ERR_CORRUPT);
        assert_int_equal(pwrite(f.fd, &byte, 1, at), 1);
    }
    assert_int_equal(read_all(&f, &rows), OK);
    close_fixture(&f);
}

static void a_file_that_is_cut_short_is_found(void **state)
{
    (void)state;
    Fixture f;
    uint64_t rows;
    open_fixture(&f);
    off_t size = lseek(f.fd, 0, SEEK_END);
    for (off_t length = size - 1; length > 0; length = length * 3 / 4) {
        assert_int_equal(ftruncate(f.fd, length), 0);
        assert_int_not_equal(read_all(&f, &rows), OK);
        assert_true(f.diag.message[0] != '\0');
    }
    close_fixture(&f);
}

int main(void)
{
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(a_file_that_is_cut_short_is_found),
    };
    return cmocka_run_group_tests_name("exec.spill_flip", tests, NULL, NULL);
}
