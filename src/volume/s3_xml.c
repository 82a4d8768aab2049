#include "volume/s3_xml.h"

/* A scanner from tag to tag. Attributes, comments, declarations and processing instructions are stepped over. */

void xml_reader_init(XmlReader *reader, StrView text)
{
    *reader = (XmlReader){.text = text};
}

void xml_reader_deinit(XmlReader *reader)
{
    bytebuf_deinit(&reader->value);
}

static XmlEvent malformed(XmlReader *reader)
{
    reader->is_malformed = true;
    return XML_DONE;
}

static StrView rest_of(const XmlReader *reader)
{
    return strview_n(reader->text.data + reader->at, reader->text.length - reader->at);
}

static void append_code_point(ByteBuf *out, uint32_t code)
{
    if (code < 0x80) {
        bytebuf_append_char(out, (char)code);
        return;
    }
    uint32_t extra = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
    bytebuf_append_char(out, (char)(leads[extra] | code >> (6 * extra)));
    while (extra-- > 0)
        bytebuf_append_char(out, (char)(0x80 | ((code >> (6 * extra)) & 0x3F)));
}

/* "#10", "#x1F" */
static bool number_entity(StrView name, ByteBuf *out)
{
    uint32_t code = 0;
    bool is_hex = name.length > 2 && name.data[1] == 'x';
    size_t first = is_hex ? 2 : 1;
    if (name.length <= first)
        return false;
    for (size_t i = first; i < name.length; i++) {
        char c = name.data[i];
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : (c | 32) >= 'a' && (c | 32) <= 'f' ? (uint32_t)((c | 32) - 'a') + 10 : 99;
        if (digit >= (is_hex ? 16u : 10u))
            return false;
        code = code * (is_hex ? 16 : 10) + digit;
        if (code > 0x10FFFF)
            return false;
    }
    append_code_point(out, code);
    return true;
}

static bool append_entity(StrView name, ByteBuf *out)
{
    static const struct {
        const char *name;
        char character;
    } entities[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < COUNT_OF(entities); i++) {
        if (!strview_is(name, entities[i].name))
            continue;
        bytebuf_append_char(out, entities[i].character);
        return true;
    }
    return name.length > 1 && name.data[0] == '#' && number_entity(name, out);
}

static bool append_text(StrView text, ByteBuf *out)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != '&') {
            bytebuf_append_char(out, text.data[i]);
            continue;
        }
        StrView name = strview_n(text.data + i + 1, text.length - i - 1);
        size_t end = strview_find(name, STR_VIEW(";"));
        if (end == SIZE_MAX || !append_entity(strview_n(name.data, end), out))
            return false;
        i += end + 1;
    }
    return out->length <= XML_TEXT_BYTES;
}

static StrView name_of(StrView tag)
{
    size_t length = 0;
    while (length < tag.length && strchr(" \t\r\n/", tag.data[length]) == NULL)
        length++;
    return strview_n(tag.data, length);
}

/* The next tag without its brackets, and the text in front of it. Declarations are skipped. False: no more. */
static bool next_tag(XmlReader *reader, StrView *out_text, StrView *out_tag)
{
    for (;;) {
        StrView rest = rest_of(reader);
        size_t open = strview_find(rest, STR_VIEW("<"));
        if (open == SIZE_MAX)
            return false;
        *out_text = strview_n(rest.data, open);
        StrView tag = strview_n(rest.data + open + 1, rest.length - open - 1);
        bool is_comment = strview_starts_with(tag, STR_VIEW("!--"));
        size_t close = strview_find(tag, is_comment ? STR_VIEW("-->") : STR_VIEW(">"));
        if (close == SIZE_MAX)
            return false;
        reader->at += open + 1 + close + (is_comment ? 3 : 1);
        *out_tag = strview_n(tag.data, close);
        if (!is_comment && !strview_starts_with(tag, STR_VIEW("?")) && !strview_starts_with(tag, STR_VIEW("!")))
            return true;
    }
}

XmlEvent xml_reader_next(XmlReader *reader, StrView *out_name)
{
    bool was_opened = false; /* the tag before was an opening one */
    StrView text, tag;
    while (!reader->is_malformed && next_tag(reader, &text, &tag)) {
        if (strview_starts_with(tag, STR_VIEW("/"))) {
            StrView name = name_of(strview_n(tag.data + 1, tag.length - 1));
            if (reader->depth == 0 || !strview_equal(name, reader->path[reader->depth - 1]))
                return malformed(reader);
            reader->depth--;
            *out_name = name;
            bytebuf_clear(&reader->value);
            if (was_opened && !append_text(text, &reader->value))
                return malformed(reader);
            return was_opened ? XML_LEAF : XML_END;
        }
        StrView name = name_of(tag);
        if (name.length == 0 || reader->depth == XML_MOST_DEPTH)
            return malformed(reader);
        if (strview_ends_with(tag, STR_VIEW("/"))) {
            *out_name = name;
            bytebuf_clear(&reader->value);
            return XML_LEAF;
        }
        reader->path[reader->depth++] = name;
        was_opened = true;
    }
    return reader->depth > 0 ? malformed(reader) : XML_DONE;
}
