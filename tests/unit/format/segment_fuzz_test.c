/* The segment reader against wrong bytes behind right checksums: the stored corpus, and changed copies of
 * small segments, whose footers are kept plain so that changes reach what they say. */

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/log.h"
#include "codec/compress.h"
#include "fuzz/fuzz_segment.c"
#include "unit/format/segment_samples.h"

enum { TAIL_BYTES = 32, ROUNDS = 1500 };

static void read_file(const char *path, ByteBuf *out)
{
    char block[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (size_t got; (got = fread(block, 1, sizeof(block), file)) > 0;)
        bytebuf_append(out, block, got);
    fclose(file);
}

static void corpus_is_survived(void **state)
{
    (void)state;
    static const char folder[] = "tests/fuzz/corpus/segment";
    DIR *directory = opendir(folder);
    uint32_t files = 0;
    if (directory == NULL)
        skip(); /* not run from the top folder */
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[512];
        AUTO_BYTEBUF bytes = {0};
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        read_file(path, &bytes);
        assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)bytes.data, bytes.length), 0);
        files++;
    }
    closedir(directory);
    assert_true(files > 0);
}

/* The same segment with its footer stored plain. */
static void with_plain_footer(const ByteBuf *segment, ByteBuf *out)
{
    const char *tail = segment->data + segment->length - TAIL_BYTES;
    uint64_t length = load_u64(tail);
    const char *footer = tail - length;
    uint64_t plain_length = load_u64(footer + 1);
    char *plain = mem_alloc(plain_length);
    assert_int_equal(decompress((Codec)footer[0], strview_n(footer + 9, length - 9), plain, plain_length, NULL), OK);
    bytebuf_append(out, segment->data, (size_t)(footer - segment->data));
    bytebuf_put_u8(out, CODEC_NONE);
    bytebuf_put_u64(out, plain_length);
    bytebuf_append(out, plain, plain_length);
    bytebuf_put_u64(out, plain_length + 9);
    bytebuf_append(out, tail + 8, TAIL_BYTES - 8);
    mem_free(plain);
}

static void change_some(ByteBuf *bytes, size_t from, Random *random)
{
    uint64_t changes = random_next(random) % 4 + 1;
    for (uint64_t i = 0; i < changes; i++) {
        size_t at = from + random_next(random) % (bytes->length - from);
        static const uint8_t edges[] = {0, 1, 0x7F, 0x80, 0xFF, 64, 12};
        bytes->data[at] = random_next(random) % 2 == 0 ? (char)edges[random_next(random) % sizeof(edges)] : (char)random_next(random);
    }
}

static void changed_segments_are_survived(void **state)
{
    static const uint32_t sizes[] = {3, 60, 5000};
    (void)state;
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        AUTO_BYTEBUF packed = {0};
        AUTO_BYTEBUF plain = {0};
        SegmentRef ref;
        Diag diag = {0};
        Random random = {s};
        assert_int_equal(sample_write(sizes[s], &packed, &ref, &diag), OK);
        with_plain_footer(&packed, &plain);
        size_t footer = plain.length - TAIL_BYTES - load_u64(plain.data + plain.length - TAIL_BYTES);
        for (uint32_t round = 0; round < (sizes[s] > 1000 ? ROUNDS / 20 : ROUNDS); round++) {
            AUTO_BYTEBUF bytes = {0};
            bytebuf_append_view(&bytes, bytebuf_view(&plain));
            change_some(&bytes, round % 2 == 0 ? 0 : footer, &random);
            assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)bytes.data, bytes.length), 0);
        }
    }
}

/* Changes the heads of pages: encoding, widths, counts. */
static void changed_pages_are_survived(void **state)
{
    (void)state;
    AUTO_BYTEBUF packed = {0};
    SegmentRef ref;
    Diag diag = {0};
    Random random = {77};
    Segment *segment;
    assert_int_equal(sample_write(9000, &packed, &ref, &diag), OK);
    Volume *volume = volume_open_memory(environment_real());
    assert_int_equal(volume_put(volume, "data/1/sample.seg", bytebuf_view(&packed), &diag), OK);
    assert_int_equal(segment_open(volume, &ref, &diag, &segment), OK);
    for (uint32_t round = 0; round < 150; round++) {
        AUTO_BYTEBUF bytes = {0};
        bytebuf_append_view(&bytes, bytebuf_view(&packed));
        for (uint32_t page = 0; page < segment_page_count(segment); page++) {
            for (int c = 0; c < SAMPLE_COLUMNS; c++) {
                uint64_t at = segment_page_offset(segment, page, c) + random_next(&random) % 24;
                if (at < bytes.length && random_next(&random) % 2 == 0)
                    bytes.data[at] = (char)random_next(&random);
            }
        }
        assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)bytes.data, bytes.length), 0);
    }
    segment_close(segment);
    volume_close(volume);
}

int main(void)
{
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK) /* a line for each damage */
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpus_is_survived),
        cmocka_unit_test(changed_segments_are_survived),
        cmocka_unit_test(changed_pages_are_survived),
    };
    return cmocka_run_group_tests_name("format.segment_fuzz", tests, NULL, NULL);
}
