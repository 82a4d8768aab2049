#pragma once
/* The contract of SQL functions: how one is declared, found, bound to argument types and run.
 *
 * Registration: src/func/registry.c lists the tables of all families. A FuncDef is static and
 * immutable. Binding happens once a call in the analyzer: func_resolve() picks an overload (least
 * implicit-cast cost) or asks the definition's own bind() and yields a FuncBinding: the types to
 * cast the arguments to, the result type, the kernel. Kernels run a chunk at a time.
 *
 * Kernel rules. out comes reset (vector_reset): FLAT, own buffers for CHUNK_ROWS rows, no nulls.
 * A kernel writes only the positions in rows, may turn out into CONSTANT or DICTIONARY form, and
 * may allocate result bytes from context->arena (valid until the next chunk). With
 * FUNC_NULL_IF_ANY_NULL the evaluator has already put the union of the argument nulls into out
 * before the call: the kernel may compute garbage there but must not raise for those rows. A kernel
 * never sees rows outside its Rows. It must accept every vector form (func/shape.h helps). */

#include "vector/vector.h"

/* What a statement fixes for its functions. Never ambient. */
typedef struct FuncSession {
    int64_t now_us;              /* statement start, UTC microseconds */
    int64_t zone_offset_us;      /* of the session time zone, east of UTC, at now_us */
    const struct TimeZone *zone; /* types/time_zone.h; NULL: zone_offset_us at all times */
    StrView database;
    StrView user;         /* 'root'@'%' */
    StrView current_role;
    const StrView *roles; /* active, directly or through others */
    uint32_t role_count;
    StrView catalog;
    StrView version;      /* current_version() */
    StrView host;
    uint64_t connection_id;
    StrView query_id;
    StrView last_query_id;
    /* The profile of a query that was kept and that the user may see; NULL: there are none. */
    bool (*find_profile)(void *context, StrView query_id, Arena *arena, StrView *out_text);
    void *profile_context;
    const struct DictionarySource *dictionaries; /* func/dictionary.h; NULL: there are none here */
    uint64_t random_seed;
    uint32_t group_concat_max_bytes;
    const _Atomic bool *cancelled; /* for functions that wait; NULL: nobody can */
    int64_t deadline_us;           /* monotonic; 0: none */
    int64_t timeout_seconds;       /* that the deadline came from, for messages */
    bool is_insert;                /* of a statement that writes */
    uint32_t flags; /* FUNC_SESSION_* */
} FuncSession;

#define FUNC_TIMEOUT_TEXT "%s reached its timeout of %lld seconds, please increase the '%s_timeout' session variable and retry"
#define FUNC_TIMEOUT_ARGS(session)                                                                                         \
    (session)->is_insert ? "Insert" : "Query", (long long)(session)->timeout_seconds, (session)->is_insert ? "insert" : "query"

enum {
    FUNC_SESSION_THROW = 1 << 0,           /* ALLOW_THROW_EXCEPTION: bad casts raise, not NULL */
    FUNC_SESSION_OVERFLOW_ERROR = 1 << 1,  /* ERROR_IF_OVERFLOW */
    FUNC_SESSION_PIPES_AS_CONCAT = 1 << 2,
    FUNC_SESSION_TRINO = 1 << 3,           /* sql_dialect = 'trino': date_diff() and date_add() as there */
    FUNC_SESSION_CASE_UTF8 = 1 << 4,       /* lower_upper_support_utf8: letters beyond ASCII have a case */
    FUNC_SESSION_DECIMAL_DOUBLE = 1 << 5,  /* decimal_overflow_to_double: products of more than 38 digits are DOUBLE */
};

typedef struct FuncContext {
    const struct FuncBinding *binding;
    const FuncSession *session;
    Arena *arena;  /* results; reset by the evaluator before each chunk */
    Diag *diag;
    void *state;   /* per thread, made by binding->open; NULL else */
    /* Calls a lambda argument (array_map and friends): evaluates its body over row_count rows of
     * inputs (FLAT); parent_rows[i] is the row of the call's chunk that row i belongs to, for
     * captured columns. out is made by the callee and valid until the kernel returns. */
    Status (*call_lambda)(struct FuncContext *context, uint32_t argument, const Vector *const *inputs,
                          uint32_t input_count, const uint32_t *parent_rows, uint32_t row_count,
                          Vector *out);
    void *lambda_context; /* the evaluator's own */
    const ArenaBlock *newest_block; /* of the arena, when memory was looked at last */
    bool is_over_memory;  /* the kernel stopped short of its last row; whoever called it raises */
} FuncContext;

/* Looks at the memory limit; false: it is exceeded. */
bool func_look_at_memory(FuncContext *context);
static inline bool func_goes_on(FuncContext *context)
{
    return LIKELY(context->arena->blocks == context->newest_block) || func_look_at_memory(context);
}
/* The same for lists: their children double, so that room for that must be there when they are nearly full. */
bool func_look_at_lists(FuncContext *context, const Vector *out);
static inline bool func_list_goes_on(FuncContext *context, const Vector *out)
{
    return LIKELY(out->child_count == 0) || func_look_at_lists(context, out);
}
/* FOR_ROWS of kernels that put results into the arena: stops when memory runs out. */
#define FUNC_ROWS(context, rows, i, row)                                                                  \
    uint32_t i = 0, row = (rows).count > 0 ? rows_at((rows), 0) : 0; i < (rows).count && func_goes_on(context); \
    i++, row = i < (rows).count ? rows_at((rows), i) : 0
#define LIST_ROWS(context, out, rows, i, row)                                                                 \
    uint32_t i = 0, row = (rows).count > 0 ? rows_at((rows), 0) : 0;                                          \
    i < (rows).count &&func_goes_on(context) && ((out)->child_count == 0 || func_list_goes_on(context, out)); \
    i++, row = i < (rows).count ? rows_at((rows), i) : 0

typedef Status (*ScalarKernel)(FuncContext *context, const Vector *const *arguments, uint32_t count,
                               Rows rows, Vector *out);

typedef enum FuncKind { FUNC_SCALAR, FUNC_AGGREGATE, FUNC_WINDOW, FUNC_TABLE } FuncKind;

enum {
    FUNC_NULL_IF_ANY_NULL = 1 << 0, /* evaluator unites nulls, kernel need not look */
    FUNC_VOLATILE = 1 << 1,         /* rand(), uuid(): never folded, differs per row */
    FUNC_SESSION_BOUND = 1 << 2,    /* now(), database(): constant within a statement */
    FUNC_CAN_RAISE = 1 << 3,        /* may fail on some values: never evaluated early */
    FUNC_NEVER_NULL = 1 << 4,       /* result is never NULL */
    FUNC_COMMUTATIVE = 1 << 5,
    FUNC_HIDDEN = 1 << 6,           /* internal: operators, casts; not in SHOW FUNCTIONS */
    FUNC_ORDER_SENSITIVE = 1 << 7,  /* aggregate takes ORDER BY (group_concat, array_agg) */
    FUNC_IGNORES_DISTINCT = 1 << 8, /* min, max, any_value, bitmap_union */
    FUNC_CHEAP = 1 << 9,            /* a few cycles a row: predicate ordering */
    FUNC_EXPENSIVE = 1 << 10,       /* regular expressions, JSON, LIKE */
    FUNC_STATE_UNTYPED = 1 << 11,   /* aggregate whose states do not depend on the types of its arguments */
};

enum { FUNC_ORDER_DESCENDING = 1, FUNC_ORDER_NULLS_FIRST = 2 };
enum { FUNC_MAX_FIXED_ARGS = 8, FUNC_ANY_ARGUMENTS = 255 };

/* Aggregates. States of one group lie in one row, this one's at row + offset, 16-byte aligned. */
typedef struct AggContext {
    const struct FuncBinding *binding;
    const FuncSession *session;
    Arena *arena;   /* lives as long as the states: strings, lists, sets */
    Diag *diag;
} AggContext;

typedef struct AggKernel {
    uint32_t state_bytes; /* multiple of 8; zero bytes are the initial state unless init is set */
    void (*init)(AggContext *context, uint8_t *state);
    /* Row rows_at(rows, i) goes into the state at groups[i] + offset. */
    Status (*update)(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                     uint8_t *const *groups, uint32_t offset);
    /* All rows into one state (no GROUP BY, window frames). */
    Status (*update_one)(AggContext *context, const Vector *const *arguments, uint32_t count,
                         Rows rows, uint8_t *state);
    /* targets[i] + offset takes in sources[i] + offset. The source is not used afterwards, but its
     * arena lives on. */
    Status (*merge)(AggContext *context, uint8_t *const *sources, uint8_t *const *targets,
                    uint32_t count, uint32_t offset);
    /* Writes rows first .. first+count-1 of out (reset, own buffers). */
    Status (*finish)(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset,
                     uint32_t first, Vector *out);
    /* NULL when the state is plain bytes without pointers. */
    void (*serialize)(AggContext *context, const uint8_t *state, ByteBuf *out);
    Status (*deserialize)(AggContext *context, ByteReader *reader, uint8_t *state);
    /* Frees what is not in the arena (bitmaps of a library); NULL: nothing. */
    void (*destroy)(AggContext *context, uint8_t *state);
    /* For sliding window frames: takes rows out again; NULL when not invertible. */
    Status (*retract)(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                      uint8_t *state);
    bool is_extreme; /* plain bytes, which no row changes that does not count in a larger set of rows */
} AggKernel;

/* Table functions (unnest, generate_series, json_each): one input row yields some output rows. */
typedef struct TableKernel {
    /* How many rows input row `row` yields. */
    Status (*count)(FuncContext *context, const Vector *const *arguments, uint32_t count,
                    uint32_t row, uint64_t *out_rows);
    /* Writes rows skip .. skip+limit-1 of the yield of `row` at out[c] from position offset on. */
    Status (*produce)(FuncContext *context, const Vector *const *arguments, uint32_t count,
                      uint32_t row, uint64_t skip, uint32_t limit, uint32_t offset, Vector *out);
} TableKernel;

typedef struct FuncBinding {
    const struct FuncDef *def;
    uint32_t argument_count;
    const Type *argument_types; /* cast arguments to these */
    Type result;
    const Type *table_columns; /* FUNC_TABLE: output columns */
    const StrView *table_names;
    uint32_t table_column_count;
    uint32_t flags; /* def->flags, possibly refined */
    ScalarKernel kernel;
    const AggKernel *aggregate;
    const TableKernel *table;
    const void *data; /* made by bind() in the statement arena; immutable */
    /* Per-thread state of a scalar kernel (compiled patterns, generators). */
    Status (*open)(FuncContext *context, void **out_state);
    void (*close)(void *state);
} FuncBinding;

typedef struct FuncBindRequest {
    StrView name;
    const Type *types;             /* of the arguments; TYPE_NULL for a NULL literal */
    const Datum *const *constants; /* value where the argument is a constant, else NULL */
    uint32_t count;
    bool is_distinct;
    /* FUNC_ORDER_SENSITIVE aggregates: the last order_count arguments are the keys of ORDER BY, with
     * FUNC_ORDER_* flags each; they apply DISTINCT themselves. */
    uint32_t order_count;
    const uint8_t *order_flags;
    bool has_separator; /* SEPARATOR text of group_concat */
    StrView separator;
    const FuncSession *session;
    Arena *arena;
    Diag *diag;
    /* Lambdas: types[i].kind == TYPE_FUNCTION; bind_lambda(context, i, parameter types, n, &result)
     * makes the analyzer bind the body and tells its type. */
    Status (*bind_lambda)(void *context, uint32_t argument, const Type *parameters, uint32_t count,
                          Type *out_result);
    void *lambda_context;
} FuncBindRequest;

/* One overload, by type letters: b BOOLEAN, t TINYINT, s SMALLINT, i INT, l BIGINT, L LARGEINT,
 * f FLOAT, d DOUBLE, S VARCHAR, B VARBINARY, a DATE, A DATETIME, T TIME, J JSON. A trailing '*'
 * repeats the last argument any number of times (once at least). */
typedef struct FuncOverload {
    const char *arguments;
    char result;
    ScalarKernel kernel;
    const AggKernel *aggregate;
} FuncOverload;

typedef struct FuncDef {
    const char *name; /* lower case */
    FuncKind kind;
    uint32_t flags;
    uint8_t min_arguments;
    uint8_t max_arguments; /* 255: any number */
    const FuncOverload *overloads; /* tried when bind is NULL */
    uint32_t overload_count;
    /* Fills everything of out_binding that func_resolve() did not (def, flags, argument_count are set). */
    Status (*bind)(const FuncBindRequest *request, const struct FuncDef *def,
                   FuncBinding *out_binding);
    const char *description; /* one sentence; this and the example come from docs.def */
    const char *example;     /* what follows SELECT */
    const char *example_result; /* as a client prints it */
    const char *group;       /* "string", "date", ... */
    int code;                /* for bind(): which of a family */
} FuncDef;

/* The tables of the families; registry.c gathers them. */
typedef struct FuncTable {
    const FuncDef *defs;
    uint32_t count;
} FuncTable;

/* Another FuncBinding of the same function for narrower (or wider) physical arguments and result, as
 * the planner proved them: +, -, *, comparisons, and aggregates. False when there is no such kernel. */
bool func_rebind(const FuncBinding *binding, const Type *argument_types, Type result, Arena *arena,
                 FuncBinding *out_binding);

/* All registered definitions, sorted by name. */
const FuncDef *const *func_all(uint32_t *out_count);
/* NULL when the name is unknown. Aliases are definitions of their own. */
const FuncDef *func_find(StrView name);
/* Picks an overload or runs bind(). Errors as StarRocks: "No matching function with signature:
 * foo(varchar, int)". */
Status func_resolve(const FuncBindRequest *request, FuncBinding *out_binding);

/* Casts. target.phys is honoured. is_try: a bad value is NULL in any mode. */
Status cast_resolve(Type source, Type target, bool is_try, Arena *arena, Diag *diag,
                    FuncBinding *out_binding);
/* Cost of an implicit conversion; 0 same type, -1 not allowed. */
int cast_implicit_cost(Type source, Type target);
/* The type both sides of CASE, UNION, IN, COALESCE are cast to (StarRocks' rules). */
Status type_common(Type a, Type b, Arena *arena, Diag *diag, Type *out_type);
/* The type two sides of a comparison are cast to (string against number differs from CASE). */
Status type_common_comparison(Type a, Type b, Arena *arena, Diag *diag, Type *out_type);
