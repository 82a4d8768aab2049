/* Any bytes as the answer of an S3 service. */

#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "volume/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    XmlReader reader;
    StrView name;
    char *copy = mem_alloc(size + 1); /* so that reads beyond are seen */
    memcpy(copy, data, size);
    char *exact = mem_realloc(copy, size > 0 ? size : 1);
    xml_reader_init(&reader, strview_n(exact, size));
    while (xml_reader_next(&reader, &name) != XML_DONE) {
        if (name.data < exact || name.data + name.length > exact + size || reader.depth > XML_MOST_DEPTH)
            abort();
    }
    xml_reader_deinit(&reader);
    mem_free(exact);
    return 0;
}
