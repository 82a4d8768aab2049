/* What a label keeps about its load: printed and read again, other forms, names that would need escapes. */

#include "meta/load_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void answer_survives_its_text(void **state)
{
    (void)state;
    LoadAnswer in = {STR_VIEW("INSERT"), STR_VIEW("t"), STR_VIEW("root"), 12, 3, {0}}, out;
    AUTO_BYTEBUF text = {0};
    load_answer_print(&in, &text);
    load_answer_parse(bytebuf_view(&text), &out);
    assert_true(strview_is(out.type, "INSERT") && strview_is(out.table, "t") && strview_is(out.user, "root"));
    assert_int_equal(out.loaded_rows, 12);
    assert_int_equal(out.filtered_rows, 3);
}

static void facts_of_a_reply_survive_too(void **state)
{
    (void)state;
    LoadAnswer in = {.type = STR_VIEW("STREAM_LOAD"),
                     .loaded_rows = 1,
                     .reply = {LOAD_REPLY_COMMIT, 0x00ab00000000cdefu, 2, 3, 4, 5, 6, 7, 8, 1700000000000000, STR_VIEW("http://h/e?file=x")}},
               out;
    AUTO_BYTEBUF text = {0};
    load_answer_print(&in, &text);
    load_answer_parse(bytebuf_view(&text), &out);
    assert_true(strview_equal(out.reply.error_url, in.reply.error_url));
    in.reply.error_url = out.reply.error_url = (StrView){0};
    assert_memory_equal(&in.reply, &out.reply, sizeof(in.reply));
    load_answer_parse(STR_VIEW("{\"loaded_rows\":5,\"reply\":[7,1,2]}"), &out); /* a kind that is not known */
    assert_int_equal(out.reply.kind, LOAD_REPLY_NONE);
    load_answer_parse(STR_VIEW("{\"reply\":[1"), &out);
    assert_int_equal(out.reply.kind, LOAD_REPLY_NONE);
}

static void answers_of_other_forms_are_read(void **state)
{
    (void)state;
    LoadAnswer out;
    load_answer_parse(STR_VIEW("VISIBLE"), &out);
    assert_true(strview_is(out.type, "INSERT") && out.table.data == NULL);
    load_answer_parse(STR_VIEW("{\"loaded_rows\":5,\"filtered_rows\":0}"), &out);
    assert_true(strview_is(out.type, "STREAM_LOAD"));
    assert_int_equal(out.loaded_rows, 5);
    load_answer_parse(STR_VIEW("{\"loaded_rows\":"), &out);
    assert_int_equal(out.loaded_rows, 0);
}

static void names_that_need_escapes_are_left_out(void **state)
{
    (void)state;
    LoadAnswer in = {.type = STR_VIEW("INSERT"), .table = STR_VIEW("a\"b"), .loaded_rows = 1}, out;
    AUTO_BYTEBUF text = {0};
    load_answer_print(&in, &text);
    load_answer_parse(bytebuf_view(&text), &out);
    assert_null(out.table.data);
    assert_int_equal(out.loaded_rows, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_survives_its_text),
        cmocka_unit_test(facts_of_a_reply_survive_too),
        cmocka_unit_test(answers_of_other_forms_are_read),
        cmocka_unit_test(names_that_need_escapes_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
