#pragma once
/* The compact protocol of Thrift, in which Parquet writes its footer and its page headers.
 *
 * A struct is fields, each a type and a number, until a stop; numbers are zigzag varints. Reading never
 * goes outside of the bytes: what is cut short or of another type than expected sets failed, and everything
 * after reads as zero. Test it once after a struct. */

#include "base/bytes.h"

typedef enum ThriftType {
    THRIFT_STOP = 0,
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
    THRIFT_UUID = 13,
} ThriftType;

typedef struct ThriftField {
    int32_t id; /* set to 0 before the first field of a struct: numbers are stored as differences */
    uint8_t type;
} ThriftField;

/* The next field of a struct; false at its end, or when the bytes are bad. */
bool thrift_next(ByteReader *reader, ThriftField *field);
/* The value of a field that was just read. */
int64_t thrift_integer(ByteReader *reader, ThriftField field);
int32_t thrift_i32(ByteReader *reader, ThriftField field);
bool thrift_bool(ByteReader *reader, ThriftField field);
StrView thrift_binary(ByteReader *reader, ThriftField field);
/* Steps into a struct: whether the field is one. */
bool thrift_enter(ByteReader *reader, ThriftField field);
/* Length of a list, whose elements have to be of that type. */
uint32_t thrift_list(ByteReader *reader, ThriftField field, ThriftType element);
StrView thrift_element_binary(ByteReader *reader);
void thrift_skip(ByteReader *reader, ThriftField field);

/* ---- writing ---- */
typedef struct ThriftWriter {
    ByteBuf *out;
    int32_t last_id;
} ThriftWriter;

void thrift_put_i32(ThriftWriter *writer, int32_t id, int32_t value);
void thrift_put_i64(ThriftWriter *writer, int32_t id, int64_t value);
void thrift_put_byte(ThriftWriter *writer, int32_t id, int8_t value);
void thrift_put_bool(ThriftWriter *writer, int32_t id, bool value);
void thrift_put_binary(ThriftWriter *writer, int32_t id, StrView value);
/* Begins a struct that is a field; id 0: an element of a list. thrift_end() closes it. */
ThriftWriter thrift_begin(ThriftWriter *writer, int32_t id);
void thrift_end(ThriftWriter *writer);
void thrift_put_list(ThriftWriter *writer, int32_t id, ThriftType element, uint32_t count);
void thrift_put_element_i32(ThriftWriter *writer, int32_t value);
void thrift_put_element_binary(ThriftWriter *writer, StrView value);
