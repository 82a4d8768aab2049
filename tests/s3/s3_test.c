/* S3 volumes against the service of this folder: what every volume promises, and each way in which a service may
 * misbehave. Every test has a service of its own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/memory.h"
#include "s3/s3_service.h"
#include "volume/s3.h"

typedef struct Fixture {
    S3Service *service;
    Volume *volume;
    char endpoint[64];
    S3Options options;
} Fixture;

static int open_fixture(void **state)
{
    Fixture *f = mem_alloc_zero(sizeof(*f));
    Diag diag = {0};
    S3ServiceOptions options = {.bucket = "bucket", .access_key = "key", .secret_key = "secret", .seed = 1};
    assert_int_equal(s3_service_start(&options, &diag, &f->service), OK);
    snprintf(f->endpoint, sizeof(f->endpoint), "http://127.0.0.1:%u", s3_service_port(f->service));
    f->options = (S3Options){.endpoint = f->endpoint, .bucket = "bucket", .prefix = "a/path", .access_key = "key", .secret_key = "secret",
                             .path_style = -1, .request_timeout_ms = 500, .retry_timeout_ms = 3000};
    if (volume_open_s3(&f->options, environment_real(), &diag, &f->volume) != OK)
        fail_msg("%s", diag.message);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    Fixture *f = *state;
    volume_close(f->volume);
    s3_service_stop(f->service);
    mem_free(f);
    return 0;
}

static void add_size(void *context, const char *path, uint64_t size)
{
    assert_non_null(strchr(path, '/'));
    *(uint64_t *)context += size;
}

static void assert_content(Volume *v, const char *path, const char *content)
{
    AUTO_BYTEBUF bytes = {0};
    Diag diag = {0};
    if (volume_get(v, path, &bytes, &diag) != OK)
        fail_msg("%s", diag.message);
    assert_true(strview_is(bytebuf_view(&bytes), content));
}

static void promises_are_kept(void **state)
{
    Volume *v = ((Fixture *)*state)->volume;
    Diag diag = {0};
    AUTO_BYTEBUF bytes = {0};
    VolumeObject *object = NULL;
    VolumeWriter *writer;
    uint64_t total = 0;
    assert_string_equal(v->url, "s3://bucket/a/path");
    assert_int_equal(volume_put_if_absent(v, "a/one", STR_VIEW("first"), &diag), OK);
    assert_int_equal(volume_put_if_absent(v, "a/one", STR_VIEW("second"), NULL), ERR_OBJECT_EXISTS);
    assert_content(v, "a/one", "first");
    assert_int_equal(volume_put_if_absent(v, "a/empty", STR_VIEW(""), &diag), OK);
    assert_content(v, "a/empty", "");
    assert_int_equal(volume_get(v, "a/none", &bytes, NULL), ERR_NO_SUCH_OBJECT);
    assert_int_equal(volume_open_object(v, "none", NULL, &object), ERR_NO_SUCH_OBJECT);
    assert_null(object); /* callers close what they were given, also after an error */
    assert_int_equal(volume_put(v, "../one", STR_VIEW("x"), NULL), ERR_IO);
    assert_int_equal(v->ops->open_writer(v, "a/b/two", &diag, &writer), OK);
    assert_int_equal(v->ops->append(writer, "12", 2, &diag), OK);
    assert_int_equal(volume_open_object(v, "a/b/two", NULL, &object), ERR_NO_SUCH_OBJECT);
    assert_int_equal(v->ops->append(writer, "345", 3, &diag), OK);
    assert_int_equal(v->ops->commit(writer, &diag), OK);
    assert_int_equal(v->ops->open_writer(v, "a/b/three", &diag, &writer), OK);
    v->ops->abort(writer);
    assert_int_equal(volume_flush(v, &diag), OK);
    assert_int_equal(v->ops->list(v, "a", add_size, &total, &diag), OK);
    assert_int_equal(total, 10);
    assert_int_equal(volume_open_object(v, "a/b/two", &diag, &object), OK);
    assert_int_equal(volume_remove(v, "a/b/two", &diag), OK);
    volume_close_object(object);
    assert_int_equal(volume_open_object(v, "a/b/two", NULL, &object), ERR_NO_SUCH_OBJECT);
    assert_int_equal(volume_remove(v, "a/b/two", &diag), OK);
}

static void long_lists_come_in_pages(void **state)
{
    Volume *v = ((Fixture *)*state)->volume;
    Diag diag = {0};
    char path[64];
    uint64_t total = 0;
    for (int i = 0; i < 350; i++) {
        snprintf(path, sizeof(path), "data/%d", i);
        assert_int_equal(volume_put(v, path, STR_VIEW("x"), &diag), OK);
    }
    assert_int_equal(v->ops->list(v, "data", add_size, &total, &diag), OK);
    assert_int_equal(total, 350);
}

/* 20 MB of a pattern. */
static Status write_large(Volume *v, const char *path, Diag *diag)
{
    VolumeWriter *writer;
    char block[10000];
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (char)('a' + i % 26);
    TRY(v->ops->open_writer(v, path, diag, &writer));
    for (int i = 0; i < 2000; i++) {
        Status status = v->ops->append(writer, block, sizeof(block), diag);
        if (status != OK) {
            v->ops->abort(writer);
            return status;
        }
    }
    return v->ops->commit(writer, diag);
}

static void large_objects_go_in_parts(void **state)
{
    Fixture *f = *state;
    Diag diag = {0};
    AUTO_BYTEBUF bytes = {0};
    s3_service_faults(f->service, "PART * 2 1 1 reset-after\nCOMPLETE * 1 1 1 reset-after\n");
    if (write_large(f->volume, "data/large", &diag) != OK)
        fail_msg("%s", diag.message);
    assert_int_equal(volume_get(f->volume, "data/large", &bytes, &diag), OK);
    assert_int_equal(bytes.length, 20000000);
    for (size_t i = 0; i < bytes.length; i += 9973)
        assert_int_equal(bytes.data[i], 'a' + i % 10000 % 26);
    assert_int_equal(s3_service_uploads(f->service), 0);
}

static void parts_of_a_failed_upload_are_removed(void **state)
{
    Fixture *f = *state;
    AUTO_BYTEBUF bytes = {0};
    s3_service_faults(f->service, "PART * 2 0 1 403\n");
    assert_int_equal(write_large(f->volume, "data/large", NULL), ERR_IO);
    assert_int_equal(s3_service_uploads(f->service), 0);
    assert_int_equal(volume_get(f->volume, "data/large", &bytes, NULL), ERR_NO_SUCH_OBJECT);
}

static void answers_that_ask_for_it_are_tried_again(void **state)
{
    static const char *const faults[] = {"PUT * 1 2 1 503", "PUT * 1 1 1 500", "PUT * 1 1 1 409", "PUT * 1 1 1 reset",
                                         "PUT * 1 1 1 429", "PUT * 1 1 1 hang:900", "PUT * 1 2 1 502"};
    Fixture *f = *state;
    char path[32];
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        Diag diag = {0};
        snprintf(path, sizeof(path), "x/%zu", i);
        s3_service_faults(f->service, faults[i]);
        if (volume_put_if_absent(f->volume, path, STR_VIEW("mine"), &diag) != OK)
            fail_msg("%s: %s", faults[i], diag.message);
        assert_content(f->volume, path, "mine");
    }
}

/* The put took effect, its answer got lost: the retry is refused, and finds its own bytes. */
static void a_refusal_may_be_ones_own_success(void **state)
{
    Fixture *f = *state;
    Diag diag = {0};
    s3_service_faults(f->service, "PUT x/ 1 1 1 reset-after");
    assert_int_equal(volume_put_if_absent(f->volume, "x/1", STR_VIEW("mine"), &diag), OK);
    s3_service_faults(f->service, "PUT x/ 1 1 1 late:100");
    assert_int_equal(volume_put_if_absent(f->volume, "x/2", STR_VIEW("mine"), &diag), OK);
    assert_int_equal(volume_put_if_absent(f->volume, "x/2", STR_VIEW("other"), NULL), ERR_OBJECT_EXISTS);
}

static void damaged_answers_are_asked_for_again(void **state)
{
    static const char *const faults[] = {"GET * 1 1 1 half", "GET * 1 2 1 short", "GET * 1 1 1 reset", "GET * 1 3 1 503", "GET * 1 1 1 slow:2",
                                         "GET * 1 1 1 flip"};
    Fixture *f = *state;
    Diag diag = {0};
    assert_int_equal(volume_put_if_absent(f->volume, "x/1", STR_VIEW("twenty bytes in all."), &diag), OK);
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        s3_service_faults(f->service, faults[i]);
        assert_content(f->volume, "x/1", "twenty bytes in all.");
    }
}

static void what_does_not_end_is_given_up(void **state)
{
    Fixture *f = *state;
    Diag diag = {0};
    AUTO_BYTEBUF bytes = {0};
    s3_service_faults(f->service, "* * 1 0 1 503");
    assert_int_equal(volume_put_if_absent(f->volume, "x/1", STR_VIEW("x"), &diag), ERR_IO);
    assert_non_null(strstr(diag.message, "SlowDown"));
    assert_null(strstr(diag.message, "secret"));
    s3_service_faults(f->service, "GET * 1 0 1 hang:700");
    diag_reset(&diag);
    assert_int_equal(volume_get(f->volume, "x/1", &bytes, &diag), ERR_IO);
    s3_service_faults(f->service, "");
    assert_int_equal(volume_put_if_absent(f->volume, "x/1", STR_VIEW("x"), &diag), OK);
}

/* At most 1 / (1 - p) tries an operation, and some luck. */
static void retries_are_bounded(void **state)
{
    Fixture *f = *state;
    char path[32];
    s3_service_faults(f->service, "* * 1 0 0.3 503");
    uint64_t before = s3_service_requests(f->service);
    for (int i = 0; i < 60; i++) {
        Diag diag = {0};
        snprintf(path, sizeof(path), "x/%d", i);
        if (volume_put_if_absent(f->volume, path, STR_VIEW("x"), &diag) != OK)
            fail_msg("%s", diag.message);
    }
    assert_in_range(s3_service_requests(f->service) - before, 60, 60 * 17 / 10);
}

static void services_that_do_not_exclude_are_refused(void **state)
{
    Fixture *f = *state;
    Volume *other;
    Diag diag = {0};
    s3_service_faults(f->service, "PUT * 1 0 1 noexclude");
    assert_int_equal(volume_open_s3(&f->options, environment_real(), &diag, &other), ERR_VOLUME_UNSAFE);
    assert_non_null(strstr(diag.message, "versioning"));
}

static void wrong_keys_and_buckets_are_told(void **state)
{
    Fixture *f = *state;
    Volume *other;
    Diag diag = {0};
    S3Options options = f->options;
    options.secret_key = "not-the-one";
    assert_int_equal(volume_open_s3(&options, environment_real(), &diag, &other), ERR_IO);
    assert_non_null(strstr(diag.message, "SignatureDoesNotMatch"));
    assert_null(strstr(diag.message, "not-the-one"));
    options = f->options;
    options.bucket = "another";
    diag_reset(&diag);
    assert_int_equal(volume_open_s3(&options, environment_real(), &diag, &other), ERR_IO);
    assert_non_null(strstr(diag.message, "NoSuchBucket"));
    options = f->options;
    options.endpoint = "ftp://x";
    assert_int_equal(volume_open_s3(&options, environment_real(), NULL, &other), ERR_BAD_VALUE);
    options.bucket = "";
    assert_int_equal(volume_open_s3(&options, environment_real(), NULL, &other), ERR_BAD_VALUE);
}

static void batches_are_deleted_at_once(void **state)
{
    Fixture *f = *state;
    S3Client *client;
    Diag diag = {0};
    const char *keys[] = {"x/1", "x/none", "x/2&"};
    bool failed[3];
    uint64_t total = 0;
    assert_int_equal(s3_client_open(&f->options, environment_real(), &diag, &client), OK);
    assert_int_equal(s3_put_if_absent(client, "x/1", STR_VIEW("1"), &diag), OK);
    assert_int_equal(s3_put_if_absent(client, "x/3", STR_VIEW("1"), &diag), OK);
    assert_int_equal(s3_remove_many(client, keys, 3, failed, &diag), OK);
    assert_int_equal(s3_list(client, "x/", add_size, &total, &diag), OK);
    assert_int_equal(total, 1);
    s3_client_close(client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(promises_are_kept),
        TEST(long_lists_come_in_pages),
        TEST(large_objects_go_in_parts),
        TEST(parts_of_a_failed_upload_are_removed),
        TEST(answers_that_ask_for_it_are_tried_again),
        TEST(a_refusal_may_be_ones_own_success),
        TEST(damaged_answers_are_asked_for_again),
        TEST(what_does_not_end_is_given_up),
        TEST(retries_are_bounded),
        TEST(services_that_do_not_exclude_are_refused),
        TEST(wrong_keys_and_buckets_are_told),
        TEST(batches_are_deleted_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
