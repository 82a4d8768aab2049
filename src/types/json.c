#include "types/json.h"

/* The text is checked as a whole first, so that the recursion below is bounded by JSON_MAX_DEPTH and
 * meets valid values only; numbers and escapes are checked on the way. */

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "codec/json_text.h"
#include "types/number_text.h"

typedef struct Member {
    StrView key; /* unescaped */
    StrView value;
    size_t order;
} Member;

static bool put_value(StrView value, ByteBuf *out);

static bool put_string(StrView inner, ByteBuf *out)
{
    if (inner.length == 0 || memchr(inner.data, '\\', inner.length) == NULL) {
        json_quote(inner, out);
        return true;
    }
    AUTO_BYTEBUF plain = {0};
    bool ok = json_unescape(inner, &plain);
    if (ok)
        json_quote(bytebuf_view(&plain), out);
    return ok;
}

static bool put_number(StrView text, ByteBuf *out)
{
    int64_t integer;
    double number;
    if (int64_parse(text, &integer)) {
        int64_print(integer, out);
        return true;
    }
    bool is_negative = text.data[0] == '-';
    bool is_plain = memchr(text.data, '.', text.length) == NULL && memchr(text.data, 'e', text.length) == NULL &&
                    memchr(text.data, 'E', text.length) == NULL;
    StrView largest = STR_VIEW("18446744073709551615");
    if (is_plain && !is_negative && text.length == largest.length && memcmp(text.data, largest.data, text.length) <= 0) {
        bytebuf_append_view(out, text);
        return true;
    }
    if (is_plain && !is_negative && text.length < largest.length && text.data[0] != '0') {
        bytebuf_append_view(out, text);
        return true;
    }
    if (!double_parse(text, &number) || !isfinite(number))
        return false;
    double_print(number == 0 ? 0 : number, out); /* -0 is 0 */
    return true;
}

static bool put_array(StrView value, ByteBuf *out)
{
    size_t at = 0;
    StrView element;
    bytebuf_append_char(out, '[');
    for (bool is_first = true; json_next_element(value, &at, &element); is_first = false) {
        if (!is_first)
            bytebuf_append_text(out, ", ");
        if (!put_value(element, out))
            return false;
    }
    bytebuf_append_char(out, ']');
    return true;
}

static int compare_members(const void *a, const void *b)
{
    const Member *x = a, *y = b;
    int order = strview_compare(x->key, y->key);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static bool put_members(const Member *members, size_t count, ByteBuf *out)
{
    bytebuf_append_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strview_equal(members[i].key, members[i - 1].key))
            continue;
        if (i > 0)
            bytebuf_append_text(out, ", ");
        json_quote(members[i].key, out);
        bytebuf_append_text(out, ": ");
        if (!put_value(members[i].value, out))
            return false;
    }
    bytebuf_append_char(out, '}');
    return true;
}

/* "\u0061" and "a" are one key. */
static bool unescape_key(Arena *arena, StrView *in_out_key)
{
    StrView key = *in_out_key;
    if (key.length == 0 || memchr(key.data, '\\', key.length) == NULL)
        return true;
    AUTO_BYTEBUF plain = {0};
    bool ok = json_unescape(key, &plain);
    *in_out_key = strview_n(ok ? arena_strndup(arena, plain.data, plain.length) : "", ok ? plain.length : 0);
    return ok;
}

static bool put_object(StrView value, ByteBuf *out)
{
    AUTO_ARENA keys;
    arena_init(&keys, NULL);
    bool ok = true;
    Member few[16];
    Member *members = few;
    size_t count = 0, capacity = COUNT_OF(few), at = 0;
    Member next;
    while (json_next_member(value, &at, &next.key, &next.value)) {
        if (count == capacity) {
            capacity *= 2;
            Member *more = mem_alloc(capacity * sizeof(*more));
            memcpy(more, members, count * sizeof(*more));
            if (members != few)
                mem_free(members);
            members = more;
        }
        ok = ok && unescape_key(&keys, &next.key);
        next.order = count;
        members[count++] = next;
    }
    if (count > 1)
        qsort(members, count, sizeof(*members), compare_members);
    ok = ok && put_members(members, count, out);
    if (members != few)
        mem_free(members);
    return ok;
}

static bool put_value(StrView value, ByteBuf *out)
{
    switch (json_kind(value)) {
    case JSON_TEXT_OBJECT:
        return put_object(value, out);
    case JSON_TEXT_ARRAY:
        return put_array(value, out);
    case JSON_TEXT_STRING:
        return put_string((StrView){value.data + 1, value.length - 2}, out);
    case JSON_TEXT_NUMBER:
        return put_number(value, out);
    case JSON_TEXT_NULL:
    case JSON_TEXT_BOOLEAN:
        bytebuf_append_view(out, value);
        return true;
    case JSON_TEXT_INVALID:
        break;
    }
    return false;
}

bool json_canonical(StrView text, ByteBuf *out)
{
    size_t at = 0, before = out->length;
    StrView span;
    bool ok = json_value(text, &at, &span) != JSON_TEXT_INVALID && json_skip_blanks(text, at) == text.length &&
              put_value(span, out);
    if (!ok)
        out->length = before;
    return ok;
}
