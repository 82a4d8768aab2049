#pragma once
/* SQL types. A Type is a 16-byte value; nested types point to immutable children that live as long
 * as whoever made them (statement arena, catalog node).
 *
 * kind, precision, scale and length say what the user sees. phys says how values are laid out in a
 * vector: normally type_default_phys(), narrower where the planner proved that the range fits
 * (DECIMAL(30,4) in PHYS_I64, BIGINT in PHYS_I32). Value units: DATE days since 1970-01-01,
 * DATETIME microseconds since 1970-01-01 00:00 (local, no zone), TIME microseconds, DECIMAL the
 * unscaled integer (beyond 38 digits as in decimal256.h), JSON its text in StarRocks' print form, BITMAP/HLL/PERCENTILE serialised bytes. */

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

typedef enum TypeKind {
    TYPE_NULL = 0, /* of an untyped NULL literal */
    TYPE_BOOLEAN = 1,
    TYPE_TINYINT = 2,
    TYPE_SMALLINT = 3,
    TYPE_INT = 4,
    TYPE_BIGINT = 5,
    TYPE_LARGEINT = 6,
    TYPE_FLOAT = 7,
    TYPE_DOUBLE = 8,
    TYPE_DECIMAL = 9,
    TYPE_CHAR = 10,
    TYPE_VARCHAR = 11, /* STRING is VARCHAR(65533) */
    TYPE_VARBINARY = 12,
    TYPE_DATE = 13,
    TYPE_DATETIME = 14,
    TYPE_TIME = 15, /* results only */
    TYPE_JSON = 16,
    TYPE_ARRAY = 17,
    TYPE_MAP = 18,
    TYPE_STRUCT = 19,
    TYPE_BITMAP = 20,
    TYPE_HLL = 21,
    TYPE_PERCENTILE = 22,
    TYPE_FUNCTION = 23, /* a lambda, only as an argument */
    TYPE_KIND_COUNT
} TypeKind;

typedef enum PhysKind {
    PHYS_BOOL = 0, /* uint8_t 0 or 1 */
    PHYS_I8 = 1,
    PHYS_I16 = 2,
    PHYS_I32 = 3,
    PHYS_I64 = 4,
    PHYS_I128 = 5,
    PHYS_F32 = 6,
    PHYS_F64 = 7,
    PHYS_STR = 8,    /* Str */
    PHYS_LIST = 9,   /* ListEntry into children[0] */
    PHYS_MAP = 10,   /* ListEntry into children[0] (keys) and children[1] (values) */
    PHYS_STRUCT = 11, /* no data of its own: children only */
    PHYS_KIND_COUNT
} PhysKind;

typedef __int128 Int128;
typedef unsigned __int128 UInt128;

typedef struct ListEntry {
    uint32_t offset;
    uint32_t length;
} ListEntry;

struct TypeChildren;
typedef struct Type {
    uint8_t kind; /* TypeKind */
    uint8_t phys; /* PhysKind */
    uint8_t precision; /* DECIMAL 1..38; DATETIME 0 or 6 */
    uint8_t scale;     /* DECIMAL */
    uint32_t length;   /* CHAR, VARCHAR, VARBINARY: most bytes; 0 no limit */
    const struct TypeChildren *nested; /* ARRAY 1, MAP 2, STRUCT n; VARBINARY that is a state; NULL else */
} Type;
_Static_assert(sizeof(Type) == 16, "Type is passed by value");

typedef struct TypeChildren {
    uint32_t count;
    const Type *types;
    const StrView *names; /* STRUCT field names; NULL for ARRAY and MAP */
} TypeChildren;

/* Up to 38 digits a DECIMAL is an integer of 32 to 128 bits; beyond see decimal256.h. */
enum { DECIMAL_MAX_PRECISION = 38, DECIMAL_WIDE_PRECISION = 76, VARCHAR_MAX_BYTES = 1048576, STRING_BYTES = 65533 };

/* A simple type of that kind with default phys; not for DECIMAL and nested ones. */
Type type_of(TypeKind kind);
Type type_decimal(uint8_t precision, uint8_t scale);
Type type_varchar(uint32_t length);
Type type_array(Arena *arena, Type element);
Type type_map(Arena *arena, Type key, Type value);
Type type_struct(Arena *arena, const Type *types, const StrView *names, uint32_t count);
/* A state of an aggregate function, as VARBINARY: function and the types of the call's arguments. It is stored, compared and
 * sent as any VARBINARY; what it is a state of goes along with the type, and decides what may be done with it. */
Type type_state(Arena *arena, StrView function, const Type *arguments, uint32_t count);
bool type_is_state(Type type);
StrView type_state_function(Type type);
const Type *type_state_arguments(Type type, uint32_t *out_count);
/* Both no states, or states of one function and equal arguments. */
bool type_same_state(Type a, Type b);
/* "avg(int(11))", and the way back. */
void type_state_print(Type type, ByteBuf *out);
Status type_state_parse(StrView text, Arena *arena, Diag *diag, Type *out_type);
/* Copies nested parts into arena. */
Type type_copy(Arena *arena, Type type);

PhysKind type_default_phys(Type type);
uint32_t phys_width(PhysKind phys); /* bytes a value; 8 for LIST and MAP, 0 for STRUCT */

/* Logical equality: phys is ignored, VARCHAR lengths count. */
bool type_equal(Type a, Type b);
bool type_is_integer(Type type);  /* TINYINT .. LARGEINT */
bool type_is_numeric(Type type);  /* BOOLEAN .. DECIMAL */
bool type_is_wide_decimal(Type type); /* DECIMAL of 39 to 76 digits */
bool type_is_string(Type type);   /* CHAR, VARCHAR */
bool type_is_float(Type type);    /* FLOAT, DOUBLE */
bool type_is_date(Type type);     /* DATE, DATETIME */
bool type_is_nested(Type type);   /* ARRAY, MAP, STRUCT */
bool type_is_comparable(Type type);

/* "decimal(15,2)", "varchar(25)", "array<int(11)>" as DESC prints them. */
void type_print(Type type, ByteBuf *out);
/* "DECIMAL(15,2)" as SHOW CREATE and error texts print them. */
void type_print_sql(Type type, ByteBuf *out);
/* Parses what either of the two prints. */
Status type_parse(StrView text, Arena *arena, Diag *diag, Type *out_type);

/* Stored form: varint kind, then what the kind needs. Reading checks everything. */
void type_encode(Type type, ByteBuf *out);
Status type_decode(ByteReader *reader, Arena *arena, Diag *diag, Type *out_type);
