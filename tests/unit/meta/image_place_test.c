/* checksum.<entry>: what it says comes back; with any bit flipped, cut anywhere or longer, it says nothing, for trimming deletes by it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "meta/image_place.h"

static const ImagePlace PLACE = {3735928559u, 4711, INT64_C(1700000000000000)};

static void what_is_written_is_read(void **state)
{
    (void)state;
    AUTO_BYTEBUF text = {0};
    ImagePlace place;
    image_place_write(&PLACE, &text);
    assert_true(image_place_read(bytebuf_view(&text), &place));
    assert_int_equal(place.checksum, PLACE.checksum);
    assert_int_equal(place.next_sequence, PLACE.next_sequence);
    assert_int_equal(place.time_us, PLACE.time_us);
    assert_true(image_place_matches(bytebuf_view(&text), &PLACE));
}

static void every_flip_and_every_cut_is_found(void **state)
{
    (void)state;
    AUTO_BYTEBUF text = {0};
    ImagePlace place;
    image_place_write(&PLACE, &text);
    for (size_t i = 0; i < text.length; i++) {
        for (int bit = 0; bit < 8; bit++) {
            text.data[i] = (char)(text.data[i] ^ 1 << bit);
            assert_false(image_place_read(bytebuf_view(&text), &place));
            assert_false(image_place_matches(bytebuf_view(&text), &PLACE));
            text.data[i] = (char)(text.data[i] ^ 1 << bit);
        }
        assert_false(image_place_read(strview_n(text.data, i), &place));
    }
    bytebuf_append_char(&text, '\n');
    assert_false(image_place_read(bytebuf_view(&text), &place));
    assert_false(image_place_matches(bytebuf_view(&text), &PLACE));
}

static void earlier_forms_say_nothing_but_match(void **state)
{
    (void)state;
    ImagePlace place;
    StrView earlier = STR_VIEW("3735928559\nsequence=4711 time=1700000000000000\n"), alone = STR_VIEW("3735928559\n");
    assert_false(image_place_read(earlier, &place));
    assert_false(image_place_read(alone, &place));
    assert_true(image_place_matches(earlier, &PLACE));
    assert_true(image_place_matches(alone, &PLACE));
    assert_false(image_place_matches(STR_VIEW("3735928558\n"), &PLACE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_flip_and_every_cut_is_found),
        cmocka_unit_test(earlier_forms_say_nothing_but_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
