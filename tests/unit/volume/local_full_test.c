/* A local volume whose file system writes few bytes at once, is full, or breaks: objects are whole, or there is none and the error
 * says why; and afterwards it goes on. The calls of write() in this program come here first. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "volume/volume.h"

enum { ALL = 1 << 30, BODY_BYTES = 5000 };

static size_t most_bytes = ALL; /* of a call */
static int64_t room = ALL;      /* bytes until error */
static int error_then = ENOSPC;
static bool interrupts; /* every second call */

ssize_t write(int fd, const void *data, size_t length)
{
    static unsigned calls;
    bool is_object = fd > STDERR_FILENO;
    if (is_object && interrupts && ++calls % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    if (is_object && room <= 0) {
        errno = error_then;
        return -1;
    }
    size_t count = is_object ? MIN(length, MIN(most_bytes, (size_t)room)) : length;
    ssize_t written = syscall(SYS_write, fd, data, count);
    if (is_object && written > 0)
        room -= written;
    return written;
}

typedef struct Fixture {
    Volume *volume;
    char directory[64], body[BODY_BYTES];
} Fixture;

static void open_fixture(Fixture *f)
{
    Diag diag = {0};
    snprintf(f->directory, sizeof(f->directory), "/tmp/merak-full.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    assert_int_equal(volume_open_local(f->directory, environment_real(), &diag, &f->volume), OK);
    for (int i = 0; i < BODY_BYTES; i++)
        f->body[i] = (char)('a' + i % 23);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static void close_fixture(Fixture *f)
{
    volume_close(f->volume);
    assert_int_equal(nftw(f->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void be_well(void)
{
    most_bytes = ALL;
    room = ALL;
    interrupts = false;
}

static Status stream(Fixture *f, const char *path, Diag *diag)
{
    VolumeWriter *writer;
    TRY(f->volume->ops->open_writer(f->volume, path, diag, &writer));
    Status status = OK;
    for (int at = 0; at < BODY_BYTES && status == OK; at += 1000)
        status = f->volume->ops->append(writer, f->body + at, 1000, diag);
    if (status == OK)
        return f->volume->ops->commit(writer, diag);
    f->volume->ops->abort(writer);
    return status;
}

static Status store(Fixture *f, int way, const char *path, Diag *diag)
{
    StrView body = strview_n(f->body, BODY_BYTES);
    return way == 0 ? f->volume->ops->put(f->volume, path, body, diag)
           : way == 1 ? f->volume->ops->put_if_absent(f->volume, path, body, diag) : stream(f, path, diag);
}

static void check_whole(Fixture *f, const char *path)
{
    Diag diag = {0};
    AUTO_BYTEBUF bytes = {0};
    assert_int_equal(f->volume->ops->get(f->volume, path, &bytes, &diag), OK);
    assert_int_equal(bytes.length, BODY_BYTES);
    assert_memory_equal(bytes.data, f->body, BODY_BYTES);
}

static void short_and_interrupted_writes_make_whole_objects(void **state)
{
    static const char *const paths[] = {"data/1/a.seg", "meta/1/b", "data/1/c.seg"};
    Fixture f;
    Diag diag = {0};
    (void)state;
    open_fixture(&f);
    for (int way = 0; way < 3; way++) {
        most_bytes = (size_t)(3 + way * 7);
        interrupts = way % 2 == 0;
        assert_int_equal(store(&f, way, paths[way], &diag), OK);
        be_well();
        assert_int_equal(f.volume->ops->flush(f.volume, &diag), OK);
        check_whole(&f, paths[way]);
    }
    close_fixture(&f);
}

static void check_refused(Fixture *f, int way, int64_t bytes, int error)
{
    Diag diag = {0};
    AUTO_BYTEBUF nothing = {0};
    room = bytes;
    error_then = error;
    Status status = store(f, way, "data/1/x.seg", &diag);
    be_well();
    assert_int_equal(status, error == ENOSPC ? ERR_NO_SPACE : ERR_IO);
    assert_true(diag.message[0] != '\0');
    Diag unheard = {0};
    assert_int_equal(f->volume->ops->get(f->volume, "data/1/x.seg", &nothing, &unheard), ERR_NO_SUCH_OBJECT);
    diag_reset(&diag);
    assert_int_equal(store(f, way, "data/1/x.seg", &diag), OK);
    check_whole(f, "data/1/x.seg");
    assert_int_equal(f->volume->ops->remove(f->volume, "data/1/x.seg", &diag), OK);
}

static void a_full_or_broken_disk_leaves_nothing(void **state)
{
    static const int64_t rooms[] = {0, 1, 999, 1000, 4999};
    Fixture f;
    (void)state;
    open_fixture(&f);
    for (int way = 0; way < 3; way++) {
        for (size_t r = 0; r < COUNT_OF(rooms); r++) {
            check_refused(&f, way, rooms[r], ENOSPC);
            check_refused(&f, way, rooms[r], EIO);
        }
    }
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_and_interrupted_writes_make_whole_objects),
        cmocka_unit_test(a_full_or_broken_disk_leaves_nothing),
    };
    return cmocka_run_group_tests_name("volume.local_full", tests, NULL, NULL);
}
