/* Any bytes as an image, and as the lines of a block of an image that is right in every other respect: all its checksums
 * match. The first byte chooses the block; 255: the bytes are the whole image. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "meta/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const BLOCKS[] = {"databases", "tables", "partitions", "settings", "prepared", "labels", "record:user"};
enum { BLOCK_COUNT = sizeof(BLOCKS) / sizeof(BLOCKS[0]) };

/* Something for tables and partitions to belong to; the def is of a table with one column. */
static const char *const FIRST[BLOCK_COUNT] = {
    "{\"id\":1,\"name\":\"a\",\"comment\":\"\"}\n",
    "{\"id\":2,\"database\":1,\"name\":\"t\",\"created\":1,\"updated\":1,\"def\":\"AQAAAAAAAAAAAAABAAAAAAA=\"}\n"};

static void put_block(ByteBuf *image, ByteBuf *footer, uint32_t number, StrView lines)
{
    size_t start = image->length;
    if (FIRST[number] != NULL)
        bytebuf_append_text(image, FIRST[number]);
    bytebuf_append_view(image, lines);
    bytebuf_printf(footer,
                   "%s{\"name\":\"%s\",\"version\":1,\"reader\":1,\"optional\":false,\"offset\":%zu,\"length\":%zu,\"records\":1,"
                   "\"checksum\":\"%016llx\"}",
                   footer->length == 0 ? "" : ",", BLOCKS[number], start, image->length - start,
                   (unsigned long long)checksum_bytes(image->data + start, image->length - start));
}

static void build(ByteBuf *image, uint32_t chosen, StrView lines)
{
    AUTO_BYTEBUF footer = {0};
    bytebuf_append_text(image, "{\"magic\":\"MRKIMAGE\",\"format\":1,\"reader\":1,\"entry\":1,\"incarnation\":1,\"sequence\":2,"
                               "\"hash\":\"0000000000000000\",\"epoch\":1,\"writer\":\"0000000000000000\",\"next_id\":5,\"time\":1}\n");
    size_t head = image->length;
    for (uint32_t i = 0; i < BLOCK_COUNT; i++)
        put_block(image, &footer, i, i == chosen ? lines : strview(""));
    size_t start = image->length;
    bytebuf_printf(image, "{\"blocks\":[%s]}\n", footer.data);
    uint64_t both[2] = {checksum_bytes(image->data, head), checksum_bytes(image->data + start, image->length - start)};
    bytebuf_printf(image, "MRKIMAGE %016zx %016llx\n", start, (unsigned long long)checksum_bytes(both, sizeof(both)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BYTEBUF image = {0};
    ImageContent content CLEANUP(image_content_deinit);
    Diag diag = {0};
    image_content_init(&content);
    if (size == 0)
        return 0;
    StrView rest = strview_n((const char *)data + 1, size - 1);
    if (data[0] == 255)
        bytebuf_append_view(&image, rest);
    else
        build(&image, data[0] % BLOCK_COUNT, rest);
    if (image_read(bytebuf_view(&image), "image.1", &diag, &content) == OK) {
        AUTO_BYTEBUF again = {0};
        image_write(&content, &again);
    } else if (diag.message[0] == '\0') {
        abort();
    }
    return 0;
}
