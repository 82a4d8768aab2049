#pragma once
/* The little XML that S3 services answer with: elements with text, read one element with text after the other.
 *
 * No namespaces, no entities but the five of XML and numbers. Malformed input ends the reading; nothing outside
 * of the text is read. */

#include "base/bytes.h"

enum { XML_MOST_DEPTH = 8, XML_TEXT_BYTES = 4096 };
typedef struct XmlReader {
    StrView text;
    size_t at;
    uint32_t depth;
    StrView path[XML_MOST_DEPTH]; /* names of the open elements, the outermost first */
    bool is_malformed;
    ByteBuf value; /* of the element that ended last, entities replaced */
} XmlReader;

void xml_reader_init(XmlReader *reader, StrView text);
void xml_reader_deinit(XmlReader *reader);
typedef enum XmlEvent {
    XML_LEAF, /* an element without elements in it: its name is name, its text is value */
    XML_END,  /* the end of one that had some */
    XML_DONE,
} XmlEvent;
XmlEvent xml_reader_next(XmlReader *reader, StrView *out_name);
