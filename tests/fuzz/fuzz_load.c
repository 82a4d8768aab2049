/* Any bytes as a Stream Load: lines `name: value` up to a blank one are its properties, the rest is the body,
 * handed over in two pieces. The answer is JSON with a status, in any case. */

#include <stdint.h>
#include <stdlib.h>

#include "codec/json_text.h"
#include "failure/fixture.h"

enum { LOADS_A_SERVER = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Fixture fixture;

static void close_fixture(void)
{
    fixture_close(&fixture);
}

static uint32_t loads;

typedef struct Properties {
    StrView text;
} Properties;

static StrView find_property(void *context, const char *name)
{
    StrView left = ((const Properties *)context)->text;
    while (left.length > 0) {
        const char *end = memchr(left.data, '\n', left.length);
        size_t length = end == NULL ? left.length : (size_t)(end - left.data);
        const char *colon = memchr(left.data, ':', length);
        if (colon != NULL && strview_is(strview_n(left.data, (size_t)(colon - left.data)), name))
            return strview_trim(strview_n(colon + 1, length - (size_t)(colon + 1 - left.data)));
        size_t step = MIN(length + 1, left.length);
        left = strview_n(left.data + step, left.length - step);
    }
    return (StrView){NULL, 0};
}

static void run(Properties *properties, StrView body, const char *table)
{
    const Instance *i = &fixture.instance;
    StreamLoadOptions options = {.store = i->store, .volume = fixture.volume, .tracker = mem_process_tracker(), .hub = fixture.hub,
                                 .increments = i->increments, .keys = i->keys, .database = STR_VIEW("d"),
                                 .table = strview(table), .user = STR_VIEW("root"), .error_url = STR_VIEW("http://e/"),
                                 .property = find_property, .property_context = properties};
    AUTO_BYTEBUF reply = {0};
    StreamLoad *load = stream_load_begin(&options);
    (void)stream_load_feed(load, body.data, body.length / 2);
    (void)stream_load_feed(load, body.data + body.length / 2, body.length - body.length / 2);
    stream_load_finish(load, &reply);
    size_t at = 0;
    StrView span;
    if (json_value(bytebuf_view(&reply), &at, &span) != JSON_TEXT_OBJECT || strview_find(span, STR_VIEW("\"Status\"")) == SIZE_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (loads++ % LOADS_A_SERVER == 0) {
        if (fixture.session != NULL)
            fixture_close(&fixture);
        else
            (void)atexit(close_fixture);
        fixture_open(&fixture, false);
    }
    StrView text = strview_n((const char *)data, size);
    size_t end = strview_find(text, STR_VIEW("\n\n"));
    size_t body_at = end == SIZE_MAX ? size : end + 2;
    Properties properties = {strview_n(text.data, end == SIZE_MAX ? size : end)};
    static const char *const tables[] = {"dup", "pk", "auto_made"};
    run(&properties, strview_n(text.data + body_at, size - body_at), tables[size % COUNT_OF(tables)]);
    return 0;
}
