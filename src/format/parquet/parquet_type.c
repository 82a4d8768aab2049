#include "format/parquet/parquet_int.h"

/* The type of ours for each physical type with its meaning: what StarRocks detects, except that unsigned integers get a type
 * that holds them, and ENUM is text. */

static void take(ParquetNode *leaf, Type type, ParquetConvert convert)
{
    leaf->type = leaf->value_type = type;
    leaf->convert = (uint8_t)convert;
}

static void type_decimal_leaf(ParquetNode *leaf, ParquetConvert convert)
{
    if (leaf->precision < 1 || leaf->precision > DECIMAL_MAX_PRECISION || leaf->scale < 0 || leaf->scale > leaf->precision) {
        leaf->problem = "it is a decimal of more than 38 digits";
        return;
    }
    if (convert == CONVERT_FIXED_DECIMAL && leaf->fixed_length > 16) {
        leaf->problem = "it is a decimal of more than 16 bytes";
        return;
    }
    take(leaf, type_decimal((uint8_t)leaf->precision, (uint8_t)leaf->scale), convert);
}

static void type_int32(ParquetNode *leaf)
{
    switch (leaf->meaning) {
    case MEANS_DATE:
        take(leaf, type_of(TYPE_DATE), CONVERT_DATE);
        return;
    case MEANS_DECIMAL:
        type_decimal_leaf(leaf, CONVERT_INTEGER);
        return;
    case MEANS_TIME:
        take(leaf, type_of(TYPE_TIME), CONVERT_MICROSECONDS);
        return;
    case MEANS_UNSIGNED:
        if (leaf->bit_width < 32)
            take(leaf, type_of(TYPE_INT), CONVERT_COPY);
        else
            take(leaf, type_of(TYPE_BIGINT), CONVERT_INTEGER);
        return;
    default:
        take(leaf, type_of(TYPE_INT), CONVERT_COPY);
    }
}

static void type_int64(ParquetNode *leaf)
{
    switch (leaf->meaning) {
    case MEANS_DECIMAL:
        type_decimal_leaf(leaf, CONVERT_INTEGER);
        return;
    case MEANS_TIME:
        take(leaf, type_of(TYPE_TIME), CONVERT_MICROSECONDS);
        return;
    case MEANS_TIMESTAMP:
        take(leaf, type_of(TYPE_DATETIME), CONVERT_DATETIME);
        return;
    case MEANS_UNSIGNED:
        take(leaf, type_of(TYPE_LARGEINT), CONVERT_INTEGER);
        return;
    default:
        take(leaf, type_of(TYPE_BIGINT), CONVERT_COPY);
    }
}

static Type binary_type(void)
{
    Type type = type_of(TYPE_VARBINARY);
    type.length = VARCHAR_MAX_BYTES;
    return type;
}

static void type_byte_array(ParquetNode *leaf)
{
    if (leaf->meaning == MEANS_STRING || leaf->meaning == MEANS_ENUM)
        take(leaf, type_varchar(VARCHAR_MAX_BYTES), CONVERT_STRING);
    else if (leaf->meaning == MEANS_JSON)
        take(leaf, type_of(TYPE_JSON), CONVERT_JSON);
    else if (leaf->meaning == MEANS_DECIMAL)
        type_decimal_leaf(leaf, CONVERT_BINARY_DECIMAL);
    else
        take(leaf, binary_type(), CONVERT_STRING);
}

static void type_fixed(ParquetNode *leaf)
{
    if (leaf->meaning == MEANS_DECIMAL)
        type_decimal_leaf(leaf, CONVERT_FIXED_DECIMAL);
    else if (leaf->meaning == MEANS_UUID && leaf->fixed_length == 16)
        take(leaf, type_varchar(36), CONVERT_UUID);
    else if (leaf->meaning == MEANS_FLOAT16 && leaf->fixed_length == 2)
        take(leaf, type_of(TYPE_FLOAT), CONVERT_FLOAT16);
    else
        take(leaf, binary_type(), CONVERT_FIXED_STRING);
}

void parquet_leaf_type(ParquetNode *leaf)
{
    switch ((ParquetPhysical)leaf->physical) {
    case PARQUET_BOOLEAN:
        take(leaf, type_of(TYPE_BOOLEAN), CONVERT_BOOL);
        return;
    case PARQUET_INT32:
        type_int32(leaf);
        return;
    case PARQUET_INT64:
        type_int64(leaf);
        return;
    case PARQUET_INT96:
        take(leaf, type_of(TYPE_DATETIME), CONVERT_INT96);
        return;
    case PARQUET_FLOAT:
        take(leaf, type_of(TYPE_FLOAT), CONVERT_COPY);
        return;
    case PARQUET_DOUBLE:
        take(leaf, type_of(TYPE_DOUBLE), CONVERT_COPY);
        return;
    case PARQUET_BYTE_ARRAY:
        type_byte_array(leaf);
        return;
    case PARQUET_FIXED:
        type_fixed(leaf);
        return;
    }
}
