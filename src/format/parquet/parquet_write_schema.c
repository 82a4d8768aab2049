#include "format/parquet/parquet_column_writer.h"

/* Our types as Parquet's: physical type, logical type, and levels. */

#include "format/parquet/parquet_thrift.h"

enum { WIDE_BYTES = 16 };

typedef struct LeafForm {
    uint8_t physical, meaning, value_class, width;
} LeafForm;

static const LeafForm leaf_forms[TYPE_KIND_COUNT] = {
    [TYPE_NULL] = {PARQUET_BOOLEAN, MEANS_NOTHING, VALUE_BITS, 0},
    [TYPE_BOOLEAN] = {PARQUET_BOOLEAN, MEANS_NOTHING, VALUE_BITS, 0},
    [TYPE_TINYINT] = {PARQUET_INT32, MEANS_SIGNED, VALUE_WORD, 4},
    [TYPE_SMALLINT] = {PARQUET_INT32, MEANS_SIGNED, VALUE_WORD, 4},
    [TYPE_INT] = {PARQUET_INT32, MEANS_SIGNED, VALUE_WORD, 4},
    [TYPE_BIGINT] = {PARQUET_INT64, MEANS_SIGNED, VALUE_WORD, 8},
    [TYPE_LARGEINT] = {PARQUET_FIXED, MEANS_DECIMAL, VALUE_BYTES, WIDE_BYTES},
    [TYPE_FLOAT] = {PARQUET_FLOAT, MEANS_NOTHING, VALUE_WORD, 4},
    [TYPE_DOUBLE] = {PARQUET_DOUBLE, MEANS_NOTHING, VALUE_WORD, 8},
    [TYPE_CHAR] = {PARQUET_BYTE_ARRAY, MEANS_STRING, VALUE_BYTES, 0},
    [TYPE_VARCHAR] = {PARQUET_BYTE_ARRAY, MEANS_STRING, VALUE_BYTES, 0},
    [TYPE_VARBINARY] = {PARQUET_BYTE_ARRAY, MEANS_NOTHING, VALUE_BYTES, 0},
    [TYPE_DATE] = {PARQUET_INT32, MEANS_DATE, VALUE_WORD, 4},
    [TYPE_DATETIME] = {PARQUET_INT64, MEANS_TIMESTAMP, VALUE_WORD, 8},
    [TYPE_TIME] = {PARQUET_INT64, MEANS_TIME, VALUE_WORD, 8},
    [TYPE_JSON] = {PARQUET_BYTE_ARRAY, MEANS_JSON, VALUE_BYTES, 0},
};

static bool leaf_form(Type type, LeafForm *out)
{
    if (type.kind == TYPE_DECIMAL && !type_is_wide_decimal(type)) {
        *out = type.precision <= 9    ? (LeafForm){PARQUET_INT32, MEANS_DECIMAL, VALUE_WORD, 4}
               : type.precision <= 18 ? (LeafForm){PARQUET_INT64, MEANS_DECIMAL, VALUE_WORD, 8}
                                      : (LeafForm){PARQUET_FIXED, MEANS_DECIMAL, VALUE_BYTES, WIDE_BYTES};
        return true;
    }
    if (type.kind == TYPE_DECIMAL || type.kind >= TYPE_BITMAP)
        return false;
    *out = leaf_forms[type.kind];
    return true;
}

typedef struct TreeBuild {
    Arena *arena;
    Diag *diag;
    uint32_t leaves;
} TreeBuild;

static Status build(TreeBuild *tree, StrView name, Type type, const WriteNode *parent, uint32_t depth, WriteNode *out)
{
    static const StrView map_names[] = {{"key", 3}, {"value", 5}}, list_names[] = {{"element", 7}};
    LeafForm form = {0};
    if (depth > PARQUET_MOST_DEPTH / 2)
        return RAISE(tree->diag, LIMIT_EXCEEDED, "column %.*s is nested too deeply for a Parquet file", SV_ARGS(name));
    *out = (WriteNode){.name = {arena_strndup(tree->arena, name.data, name.length), name.length}, .type = type};
    out->is_required = parent->kind == WRITE_MAP && parent->child_count == 0; /* the key, which comes first */
    bool is_entry = parent->kind == WRITE_LIST || parent->kind == WRITE_MAP;
    out->max_def = (uint8_t)(parent->max_def + is_entry + !out->is_required);
    out->max_rep = (uint8_t)(parent->max_rep + is_entry);
    if (!type_is_nested(type)) {
        if (!leaf_form(type, &form)) {
            AUTO_BYTEBUF text = {0};
            type_print_sql(type, &text);
            return RAISE(tree->diag, NOT_SUPPORTED, "column %.*s: type %s cannot be written to a Parquet file", SV_ARGS(name), text.data);
        }
        out->kind = WRITE_LEAF;
        out->physical = form.physical;
        out->meaning = form.meaning;
        out->value_class = form.value_class;
        out->width = form.width;
        tree->leaves++;
        return OK;
    }
    const StrView *names = type.kind == TYPE_ARRAY ? list_names : type.kind == TYPE_MAP ? map_names : type.nested->names;
    out->kind = type.kind == TYPE_ARRAY ? WRITE_LIST : type.kind == TYPE_MAP ? WRITE_MAP : WRITE_STRUCT;
    out->children = ARENA_NEW_ARRAY(tree->arena, WriteNode, type.nested->count);
    for (uint32_t i = 0; i < type.nested->count; i++) {
        TRY(build(tree, names[i], type.nested->types[i], out, depth + 1, &out->children[i]));
        out->child_count++;
    }
    return OK;
}

Status parquet_write_tree(const Type *types, const StrView *names, uint32_t count, Arena *arena, Diag *diag, WriteNode *out_root,
                          uint32_t *out_leaves)
{
    TreeBuild tree = {arena, diag, 0};
    *out_root = (WriteNode){.name = STR_VIEW("schema"), .kind = WRITE_STRUCT};
    out_root->children = ARENA_NEW_ARRAY(arena, WriteNode, count);
    for (uint32_t i = 0; i < count; i++) {
        TRY(build(&tree, names[i], type_copy(arena, types[i]), out_root, 0, &out_root->children[i]));
        out_root->child_count++;
    }
    *out_leaves = tree.leaves;
    return OK;
}

/* ---- the footer's elements ---- */

enum { CONVERTED_UTF8 = 0, CONVERTED_MAP = 1, CONVERTED_LIST = 3, CONVERTED_DECIMAL = 5, CONVERTED_DATE = 6, CONVERTED_INT_8 = 15, CONVERTED_JSON = 19 };
enum { LOGICAL_STRING = 1, LOGICAL_MAP = 2, LOGICAL_LIST = 3, LOGICAL_DECIMAL = 5, LOGICAL_DATE = 6, LOGICAL_TIME = 7, LOGICAL_TIMESTAMP = 8,
       LOGICAL_INTEGER = 10, LOGICAL_JSON = 12 };

uint32_t parquet_count_elements(const WriteNode *node)
{
    uint32_t count = node->kind == WRITE_LIST || node->kind == WRITE_MAP ? 2 : 1;
    for (uint32_t i = 0; i < node->child_count; i++)
        count += parquet_count_elements(&node->children[i]);
    return count;
}

static void put_empty_logical(ThriftWriter *element, int32_t id)
{
    ThriftWriter logical = thrift_begin(element, 10), empty = thrift_begin(&logical, id);
    thrift_end(&empty);
    thrift_end(&logical);
}

static void put_logical_decimal(ThriftWriter *element, int32_t precision, int32_t scale)
{
    ThriftWriter logical = thrift_begin(element, 10), decimal = thrift_begin(&logical, LOGICAL_DECIMAL);
    thrift_put_i32(&decimal, 1, scale);
    thrift_put_i32(&decimal, 2, precision);
    thrift_end(&decimal);
    thrift_end(&logical);
}

/* Local time in microseconds. */
static void put_logical_time(ThriftWriter *element, int32_t id)
{
    ThriftWriter logical = thrift_begin(element, 10), time = thrift_begin(&logical, id);
    thrift_put_bool(&time, 1, false);
    ThriftWriter unit = thrift_begin(&time, 2), micros = thrift_begin(&unit, PARQUET_MICROS);
    thrift_end(&micros);
    thrift_end(&unit);
    thrift_end(&time);
    thrift_end(&logical);
}

static void put_logical_integer(ThriftWriter *element, int8_t bits)
{
    ThriftWriter logical = thrift_begin(element, 10), integer = thrift_begin(&logical, LOGICAL_INTEGER);
    thrift_put_byte(&integer, 1, bits);
    thrift_put_bool(&integer, 2, true);
    thrift_end(&integer);
    thrift_end(&logical);
}

static void put_meaning(const WriteNode *node, ThriftWriter *element)
{
    static const int8_t bits[TYPE_KIND_COUNT] = {[TYPE_TINYINT] = 8, [TYPE_SMALLINT] = 16, [TYPE_INT] = 32, [TYPE_BIGINT] = 64};
    bool is_largeint = node->type.kind == TYPE_LARGEINT;
    int32_t precision = is_largeint ? DECIMAL_MAX_PRECISION : node->type.precision, scale = is_largeint ? 0 : node->type.scale;
    switch (node->meaning) {
    case MEANS_STRING:
        thrift_put_i32(element, 6, CONVERTED_UTF8);
        put_empty_logical(element, LOGICAL_STRING);
        return;
    case MEANS_JSON:
        thrift_put_i32(element, 6, CONVERTED_JSON);
        put_empty_logical(element, LOGICAL_JSON);
        return;
    case MEANS_DATE:
        thrift_put_i32(element, 6, CONVERTED_DATE);
        put_empty_logical(element, LOGICAL_DATE);
        return;
    case MEANS_DECIMAL:
        thrift_put_i32(element, 6, CONVERTED_DECIMAL);
        thrift_put_i32(element, 7, scale);
        thrift_put_i32(element, 8, precision);
        put_logical_decimal(element, precision, scale);
        return;
    case MEANS_TIME:
        put_logical_time(element, LOGICAL_TIME);
        return;
    case MEANS_TIMESTAMP:
        put_logical_time(element, LOGICAL_TIMESTAMP);
        return;
    case MEANS_SIGNED:
        thrift_put_i32(element, 6, CONVERTED_INT_8 + __builtin_ctz((unsigned)bits[node->type.kind]) - 3);
        put_logical_integer(element, bits[node->type.kind]);
        return;
    default:
        return;
    }
}

static void put_entry_group(StrView name, uint32_t children, ByteBuf *out)
{
    ThriftWriter element = {.out = out};
    thrift_put_i32(&element, 3, PARQUET_REPEATED);
    thrift_put_binary(&element, 4, name);
    thrift_put_i32(&element, 5, (int32_t)children);
    thrift_end(&element);
}

void parquet_put_elements(const WriteNode *node, bool is_root, ByteBuf *out)
{
    ThriftWriter element = {.out = out};
    bool has_entries = node->kind == WRITE_LIST || node->kind == WRITE_MAP;
    if (node->kind == WRITE_LEAF) {
        thrift_put_i32(&element, 1, node->physical);
        if (node->physical == PARQUET_FIXED)
            thrift_put_i32(&element, 2, node->width);
    }
    if (!is_root)
        thrift_put_i32(&element, 3, node->is_required ? PARQUET_REQUIRED : PARQUET_OPTIONAL);
    thrift_put_binary(&element, 4, node->name);
    if (node->kind != WRITE_LEAF)
        thrift_put_i32(&element, 5, has_entries ? 1 : (int32_t)node->child_count);
    if (node->kind == WRITE_LEAF)
        put_meaning(node, &element);
    if (has_entries) {
        thrift_put_i32(&element, 6, node->kind == WRITE_LIST ? CONVERTED_LIST : CONVERTED_MAP);
        put_empty_logical(&element, node->kind == WRITE_LIST ? LOGICAL_LIST : LOGICAL_MAP);
    }
    thrift_end(&element);
    if (has_entries)
        put_entry_group(node->kind == WRITE_LIST ? STR_VIEW("list") : STR_VIEW("key_value"), node->child_count, out);
    for (uint32_t i = 0; i < node->child_count; i++)
        parquet_put_elements(&node->children[i], false, out);
}
