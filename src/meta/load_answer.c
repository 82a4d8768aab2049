#include "meta/load_answer.h"

/* A JSON object. Names in it need no escapes: what would, is left out. */

#include "codec/json_text.h"

static bool is_plain(StrView text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == '"' || text.data[i] == '\\')
            return false;
    }
    return text.length > 0;
}

static void print_text(const char *name, StrView value, ByteBuf *out)
{
    if (is_plain(value))
        bytebuf_printf(out, "\"%s\":\"%.*s\",", name, SV_ARGS(value));
}

void load_answer_print(const LoadAnswer *answer, ByteBuf *out)
{
    bytebuf_append_char(out, '{');
    print_text("type", answer->type, out);
    print_text("table", answer->table, out);
    print_text("user", answer->user, out);
    bytebuf_printf(out, "\"loaded_rows\":%lld,\"filtered_rows\":%lld}", (long long)answer->loaded_rows, (long long)answer->filtered_rows);
}

static int64_t number_of(StrView digits)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits.length && i < 18 && digits.data[i] >= '0' && digits.data[i] <= '9'; i++)
        value = value * 10 + (digits.data[i] - '0');
    return value;
}

void load_answer_parse(StrView text, LoadAnswer *out_answer)
{
    size_t at = 0;
    StrView key, value;
    *out_answer = (LoadAnswer){.type = STR_VIEW("INSERT")};
    if (json_kind(text) != JSON_TEXT_OBJECT)
        return;
    out_answer->type = STR_VIEW("STREAM_LOAD"); /* answers without a type */
    while (json_next_member(text, &at, &key, &value)) {
        StrView inner = value.length >= 2 && value.data[0] == '"' ? strview_n(value.data + 1, value.length - 2) : (StrView){0};
        if (strview_is(key, "loaded_rows"))
            out_answer->loaded_rows = number_of(value);
        else if (strview_is(key, "filtered_rows"))
            out_answer->filtered_rows = number_of(value);
        else if (strview_is(key, "type"))
            out_answer->type = inner;
        else if (strview_is(key, "table"))
            out_answer->table = inner;
        else if (strview_is(key, "user"))
            out_answer->user = inner;
    }
}
