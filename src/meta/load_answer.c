#include "meta/load_answer.h"

/* A JSON object. Names in it need no escapes: what would, is left out. */

#include "codec/json_text.h"

enum { REPLY_NUMBERS = 8 };

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

/* In the order in which they are stored. */
static void list_numbers(LoadReplyFacts *reply, int64_t *out[REPLY_NUMBERS])
{
    int64_t *numbers[REPLY_NUMBERS] = {&reply->total_rows, &reply->unselected_rows, &reply->bytes,    &reply->load_us,
                                       &reply->plan_us,    &reply->read_us,         &reply->write_us, &reply->commit_began_us};
    memcpy(out, numbers, sizeof(numbers));
}

static void print_reply(const LoadReplyFacts *reply, ByteBuf *out)
{
    LoadReplyFacts copy = *reply;
    int64_t *numbers[REPLY_NUMBERS];
    if (reply->kind == LOAD_REPLY_NONE)
        return;
    list_numbers(&copy, numbers);
    bytebuf_printf(out, "\"reply\":[%d", (int)reply->kind);
    for (size_t i = 0; i < REPLY_NUMBERS; i++)
        bytebuf_printf(out, ",%lld", (long long)MAX(*numbers[i], (int64_t)0));
    bytebuf_printf(out, "],\"request\":\"%016llx\",", (unsigned long long)reply->request);
    print_text("error_url", reply->error_url, out);
}

void load_answer_print(const LoadAnswer *answer, ByteBuf *out)
{
    bytebuf_append_char(out, '{');
    print_text("type", answer->type, out);
    print_text("table", answer->table, out);
    print_text("user", answer->user, out);
    print_reply(&answer->reply, out);
    bytebuf_printf(out, "\"loaded_rows\":%lld,\"filtered_rows\":%lld}", (long long)answer->loaded_rows, (long long)answer->filtered_rows);
}

static int64_t number_of(StrView digits)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits.length && i < 18 && digits.data[i] >= '0' && digits.data[i] <= '9'; i++)
        value = value * 10 + (digits.data[i] - '0');
    return value;
}

static uint64_t hex_of(StrView digits)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.length && i < 16; i++) {
        char c = digits.data[i];
        value = value << 4 | (uint64_t)(c >= '0' && c <= '9' ? c - '0' : ((c | 0x20) - 'a' + 10) & 15);
    }
    return value;
}

static void parse_reply(StrView array, LoadReplyFacts *reply)
{
    size_t at = 0;
    StrView element;
    int64_t *numbers[REPLY_NUMBERS];
    if (json_kind(array) != JSON_TEXT_ARRAY || !json_next_element(array, &at, &element))
        return;
    int64_t kind = number_of(element);
    list_numbers(reply, numbers);
    for (size_t i = 0; i < REPLY_NUMBERS && json_next_element(array, &at, &element); i++)
        *numbers[i] = number_of(element);
    if (kind == LOAD_REPLY_LOAD || kind == LOAD_REPLY_COMMIT)
        reply->kind = (LoadReplyKind)kind;
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
        else if (strview_is(key, "reply"))
            parse_reply(value, &out_answer->reply);
        else if (strview_is(key, "request"))
            out_answer->reply.request = hex_of(inner);
        else if (strview_is(key, "error_url"))
            out_answer->reply.error_url = inner;
    }
}
