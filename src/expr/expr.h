#pragma once
/* Bound expressions: typed trees over columns of a statement.
 *
 * Made by the analyzer in the statement arena, rewritten by the planner, read-only once execution
 * starts. Every column that any operator produces has a ColumnId that is unique in the statement;
 * before execution the planner sets slot: the position in the input chunk of the operator that
 * evaluates the expression. Aggregates and window calls are not expressions here: the analyzer
 * gives their results column ids. */

#include "func/function.h"

typedef uint32_t ColumnId; /* 0: none */

typedef enum ExprKind {
    EXPR_CONSTANT,
    EXPR_COLUMN,
    EXPR_CALL,       /* function, operator or cast: binding + arguments */
    EXPR_AND,        /* n-ary, three-valued, short-circuit by selection */
    EXPR_OR,
    EXPR_CASE,       /* arguments: when1, then1, when2, then2, ..., [else]; also IF, COALESCE, IFNULL, NULLIF */
    EXPR_IN,         /* arguments[0] IN constants arguments[1..]; all of the same type */
    EXPR_LAMBDA,     /* arguments[0] is the body; parameters are EXPR_ARGUMENTs with the ids below */
    EXPR_ARGUMENT,   /* a lambda's parameter inside its body: column.id and name; becomes a column when compiled */
    EXPR_PARAMETER,  /* ? of a prepared statement, replaced before planning */
    EXPR_SUBQUERY,   /* only between analyzer and planner */
} ExprKind;

typedef enum SubqueryKind {
    SUBQUERY_SCALAR, /* one column, at most one row */
    SUBQUERY_EXISTS,
    SUBQUERY_IN,     /* arguments[..] IN (subquery columns) */
} SubqueryKind;

typedef struct Expr Expr;
struct Expr {
    uint8_t kind; /* ExprKind */
    bool is_nullable;
    bool is_negated; /* IN, EXISTS */
    uint8_t subquery_kind;
    Type type;
    uint32_t argument_count;
    Expr **arguments;
    union {
        struct {
            Datum value;
        } constant;
        struct {
            ColumnId id;
            uint32_t slot;
            StrView name; /* for EXPLAIN and errors */
        } column;
        struct {
            const FuncBinding *binding;
            bool is_cast;
            bool is_implicit; /* cast added by the analyzer */
        } call;
        struct {
            uint32_t parameter_count;
            ColumnId *parameters;
            Type *parameter_types;
        } lambda;
        struct {
            uint32_t index;
        } parameter;
        struct {
            struct BoundQuery *query; /* analyze/bound.h */
        } subquery;
    };
};

Expr *expr_constant(Arena *arena, Type type, Datum value);
Expr *expr_bool(Arena *arena, bool value);
Expr *expr_null(Arena *arena, Type type);
Expr *expr_column(Arena *arena, ColumnId id, Type type, bool is_nullable, StrView name);
Expr *expr_call(Arena *arena, const FuncBinding *binding, Expr **arguments, uint32_t count);
/* Resolves name over the arguments' types, adds casts. */
Status expr_call_by_name(Arena *arena, const FuncSession *session, const char *name, Expr **arguments,
                         uint32_t count, Diag *diag, Expr **out_expr);
/* Returns the expression itself when the type is equal already (phys included). */
Status expr_cast(Arena *arena, Expr *expr, Type target, bool is_implicit, Diag *diag, Expr **out_expr);
/* TRY_CAST: a bad value is NULL in any mode. */
Status expr_try_cast(Arena *arena, Expr *expr, Type target, Diag *diag, Expr **out_expr);
Expr *expr_and(Arena *arena, Expr **terms, uint32_t count); /* 1 term: itself; flattens nested ANDs */
Expr *expr_or(Arena *arena, Expr **terms, uint32_t count);
Status expr_not(Arena *arena, const FuncSession *session, Expr *expr, Diag *diag, Expr **out_expr);

bool expr_equal(const Expr *a, const Expr *b); /* same kind, type, functions, columns, constants */
uint64_t expr_hash(const Expr *expr);
Expr *expr_clone(Arena *arena, const Expr *expr); /* deep, shares bindings and names */
bool expr_is_constant(const Expr *expr, Datum *out_value);
bool expr_is_deterministic(const Expr *expr);
bool expr_can_raise(const Expr *expr);
/* Calls visit for each node, parents first; false from visit stops descending. */
void expr_walk(Expr *expr, bool (*visit)(void *context, Expr *node), void *context);
/* Replaces nodes bottom-up by what replace returns (itself: keep). */
Expr *expr_rewrite(Expr *expr, Expr *(*replace)(void *context, Expr *node), void *context);
/* Constant folding and simple algebra (x AND true, NOT NOT x, CASE with constant condition). A
 * fold that would raise is left in place. */
Status expr_fold(Arena *arena, const FuncSession *session, Expr *expr, Diag *diag, Expr **out_expr);
/* StarRocks-like text for EXPLAIN. */
void expr_print(const Expr *expr, ByteBuf *out);
