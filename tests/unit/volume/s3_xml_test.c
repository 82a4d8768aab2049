/* The XML of S3 answers: nesting, entities, what is skipped, what is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "volume/s3_xml.h"

/* "path/of/leaf=value;" of every leaf, "<name>;" of every end; "!" at the end of what is malformed. */
static void assert_events(const char *text, const char *expected)
{
    XmlReader reader;
    StrView name;
    XmlEvent event;
    AUTO_BYTEBUF out = {0};
    xml_reader_init(&reader, strview(text));
    while ((event = xml_reader_next(&reader, &name)) != XML_DONE) {
        for (uint32_t i = 0; i < reader.depth; i++)
            bytebuf_printf(&out, "%.*s/", SV_ARGS(reader.path[i]));
        if (event == XML_LEAF)
            bytebuf_printf(&out, "%.*s=%.*s;", SV_ARGS(name), SV_ARGS(bytebuf_view(&reader.value)));
        else
            bytebuf_printf(&out, "<%.*s>;", SV_ARGS(name));
    }
    bytebuf_append_text(&out, reader.is_malformed ? "!" : "");
    assert_string_equal(out.data == NULL ? "" : out.data, expected);
    xml_reader_deinit(&reader);
}

static void answers_are_read(void **state)
{
    (void)state;
    assert_events("<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code><Message/></Error>", "Error/Code=NoSuchKey;Error/Message=;<Error>;");
    assert_events("<L xmlns=\"x\"><!-- a <b> --><C a='1'><Key>a&amp;b&#x41;&#66;&lt;</Key></C></L>", "L/C/Key=a&bAB<;L/<C>;<L>;");
    assert_events("<A>\xC3\xA4&#228;&#x20AC;&#x1F600;</A>", "A=\xC3\xA4\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80;");
    assert_events("", "");
}

static void damage_is_refused(void **state)
{
    (void)state;
    assert_events("<A><B></A>", "!");
    assert_events("</A>", "!");
    assert_events("<A>&nothing;</A>", "!");
    assert_events("<A>&#x110000;</A>", "!");
    assert_events("<A>&#;</A>", "!");
    assert_events("<A><B>1</B>", "A/B=1;!");
    assert_events("<A><B>1</B", "!");
    assert_events("<a><a><a><a><a><a><a><a><a>", "!");
    assert_events("<>", "!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_are_read), cmocka_unit_test(damage_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
