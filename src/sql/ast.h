#pragma once
/* The syntax tree. Plain structs in the statement arena, names as written (quotes removed), every
 * node with its byte range in the statement text. Made by sql/parser.h, read-only afterwards. */

#include "base/arena.h"
#include "base/bytes.h"
#include "types/type.h"

typedef struct AstExpr AstExpr;
typedef struct AstQuery AstQuery;
typedef struct AstRelation AstRelation;

typedef struct AstExprList {
    AstExpr **items;
    uint32_t count;
    uint32_t capacity;
} AstExprList;

/* catalog.db.table.column: up to 4 parts. */
typedef struct AstName {
    StrView parts[4];
    uint32_t count;
} AstName;

typedef enum AstExprKind {
    AST_NULL,
    AST_BOOL,
    AST_INTEGER,   /* text: digits */
    AST_DECIMAL,   /* text: digits with a point */
    AST_DOUBLE,    /* text: with exponent */
    AST_STRING,    /* text: the value */
    AST_BINARY,    /* X'..': text: the bytes */
    AST_TYPED,     /* DATE '..': text + type */
    AST_NAME,
    AST_STAR,      /* * or name.*; except: left-out columns */
    AST_UNARY,     /* op: "-", "+", "~", "NOT" */
    AST_BINARY_OP, /* op: the symbol or word, upper case */
    AST_IS_NULL,
    AST_IS_BOOL,   /* IS [NOT] TRUE/FALSE: flag is the value */
    AST_IN_LIST,
    AST_IN_QUERY,  /* arguments: left side columns */
    AST_EXISTS,
    AST_BETWEEN,
    AST_LIKE,      /* op "LIKE", "REGEXP"; third argument: escape */
    AST_CASE,      /* operand (may be NULL) in left; arguments when/then..., else_value */
    AST_CAST,      /* left, type */
    AST_CALL,      /* name, arguments, call; else_value: the FILTER condition */
    AST_INTERVAL,  /* left, text: unit */
    AST_SUBQUERY,
    AST_LAMBDA,    /* names: parameters; left: body */
    AST_ARRAY,     /* type set when written ARRAY<T>[...] */
    AST_MAP,       /* key, value alternate */
    AST_ROW,       /* (a, b) */
    AST_SUBSCRIPT, /* left[arguments[0]] or slice with two */
    AST_FIELD,     /* left.text */
    AST_PARAMETER, /* index */
    AST_USER_VARIABLE,
    AST_ASSIGNMENT, /* @x := left */
    AST_SYSTEM_VARIABLE, /* text name; op: scope "", "global", "session" */
    AST_NAMED_ARGUMENT,  /* f(text => left) */
    AST_DEFAULT,         /* the word DEFAULT in VALUES and UPDATE ... SET */
} AstExprKind;

typedef struct AstOrderItem {
    AstExpr *expr;
    bool is_descending;
    bool has_nulls; /* NULLS FIRST or LAST was written */
    bool nulls_first;
} AstOrderItem;

typedef struct AstOrder {
    AstOrderItem *items;
    uint32_t count;
    uint32_t capacity;
    bool is_all;
} AstOrder;

typedef struct AstFrameBound {
    uint8_t kind; /* 0 unbounded preceding, 1 preceding, 2 current row, 3 following, 4 unbounded following */
    AstExpr *offset;
} AstFrameBound;

typedef struct AstWindow {
    AstExprList partition;
    AstOrder order;
    bool has_frame;
    bool is_rows;
    AstFrameBound start, end;
} AstWindow;

struct AstExpr {
    uint8_t kind;
    bool is_negated; /* NOT IN, NOT LIKE, IS NOT ..., NOT EXISTS, NOT BETWEEN */
    bool flag;       /* value of AST_BOOL; TRY_CAST; parenthesised name */
    bool has_type;
    uint32_t begin, end; /* bytes of the statement text */
    uint32_t index;
    StrView text;
    StrView op;
    AstExpr *left;
    AstExprList arguments;
    AstExpr *else_value;
    AstName name; /* AST_NAME, AST_STAR qualifier, AST_CALL function name */
    StrView *names; /* lambda parameters, EXCEPT columns */
    uint32_t name_count;
    Type type;
    AstQuery *query;
    struct AstCall *call;
};

typedef struct AstCall {
    bool is_distinct;
    bool ignore_nulls;
    bool is_star; /* count(*) */
    AstOrder order;
    AstExpr *separator;
    AstWindow *window;
} AstCall;

typedef enum AstRelationKind {
    AST_TABLE,
    AST_DERIVED,        /* (query) alias */
    AST_JOIN,
    AST_TABLE_FUNCTION, /* unnest(..), generate_series(..), TABLE(f(..)), FILES(..) */
    AST_VALUES,
    AST_PIVOT_TABLE, /* left, pivot */
} AstRelationKind;

typedef enum AstJoinKind {
    AST_JOIN_INNER,
    AST_JOIN_LEFT,
    AST_JOIN_RIGHT,
    AST_JOIN_FULL,
    AST_JOIN_CROSS,
    AST_JOIN_LEFT_SEMI,
    AST_JOIN_RIGHT_SEMI,
    AST_JOIN_LEFT_ANTI,
    AST_JOIN_RIGHT_ANTI,
    AST_JOIN_NULL_AWARE_ANTI,
    AST_JOIN_ASOF_INNER,
    AST_JOIN_ASOF_LEFT,
} AstJoinKind;

typedef struct AstStrList {
    StrView *items;
    uint32_t count;
    uint32_t capacity;
} AstStrList;

typedef struct AstRowList {
    AstExprList *items;
    uint32_t count;
    uint32_t capacity;
} AstRowList;

struct AstRelation {
    uint8_t kind;
    uint8_t join_kind;
    bool is_lateral;
    uint32_t begin, end;
    AstName name;
    StrView alias;
    AstStrList column_aliases;
    AstStrList partitions;
    AstExprList tablets;
    AstQuery *query;
    AstExpr *call; /* table function */
    AstStrList file_keys, file_values; /* FILES("k" = "v") */
    AstRowList rows;
    AstRelation *left, *right;
    AstExpr *on;
    AstStrList using_columns;
    StrView join_hint;
    AstExpr *skew_column;    /* [skew|t.c(v, ...)] */
    AstExprList skew_values;
    StrView table_hint;      /* _META_ and the like */
    AstExpr *as_of;          /* FOR VERSION | TIMESTAMP AS OF */
    bool is_as_of_version;
    bool is_temporary_partition;
    bool is_sample;          /* SAMPLE, TABLESAMPLE; options in file_keys, file_values */
    struct AstPivot *pivot;
};

typedef struct AstSelectItem {
    AstExpr *expr;
    StrView alias;
} AstSelectItem;

typedef struct AstSelectItems {
    AstSelectItem *items;
    uint32_t count;
    uint32_t capacity;
} AstSelectItems;

/* PIVOT (aggregates FOR columns IN (values)). */
typedef struct AstPivot {
    AstSelectItems aggregates;
    AstExprList columns;
    AstSelectItems values; /* an AST_ROW each with several columns */
} AstPivot;

typedef enum AstGroupKind {
    AST_GROUP_PLAIN,
    AST_GROUP_ROLLUP,
    AST_GROUP_CUBE,
    AST_GROUP_SETS,
    AST_GROUP_ALL, /* GROUP BY ALL */
} AstGroupKind;

typedef struct AstSelect {
    bool is_distinct;
    AstSelectItems items;
    AstRelation *from; /* NULL: none */
    AstExpr *where;
    uint8_t group_kind;
    bool has_group;
    AstExprList group;
    AstRowList grouping_sets;
    AstExpr *having;
    AstExpr *qualify;
    AstStrList hint_names, hint_values; /* SET_VAR; SET_USER_VARIABLE has names with @ */
    AstExprList hint_assignments;       /* SET_USER_VARIABLE(@a = expr): AST_ASSIGNMENT */
} AstSelect;

typedef enum AstQueryKind { AST_QUERY_SELECT, AST_QUERY_SET, AST_QUERY_VALUES } AstQueryKind;
typedef enum AstSetKind { AST_UNION, AST_INTERSECT, AST_EXCEPT } AstSetKind;

typedef struct AstCte {
    StrView name;
    AstStrList columns;
    AstQuery *query;
} AstCte;

typedef struct AstCtes {
    AstCte *items;
    uint32_t count;
    uint32_t capacity;
    bool is_recursive;
} AstCtes;

struct AstQuery {
    uint8_t kind;
    uint8_t set_kind;
    bool is_all;
    uint32_t begin, end;
    AstCtes ctes;
    AstSelect select;
    AstQuery *left, *right; /* set operation */
    AstRowList rows;
    AstOrder order;
    AstExpr *limit, *offset;
    struct AstOutfile *outfile; /* INTO OUTFILE; NULL: none */
};

typedef struct AstProperties {
    AstStrList keys;
    AstStrList values;
} AstProperties;

typedef struct AstOutfile {
    StrView path;
    StrView format; /* empty: CSV */
    AstProperties properties;
} AstOutfile;

typedef struct AstColumn {
    StrView name;
    Type type;
    bool has_type;
    StrView aggregate; /* SUM, REPLACE, ...; empty */
    bool is_key;
    bool has_nullability, is_nullable;
    uint8_t default_kind; /* 0 none, 1 literal, 2 CURRENT_TIMESTAMP, 3 function call, 4 NULL */
    StrView default_text;
    bool is_auto_increment;
    AstExpr *generated;
    StrView comment;
    /* Aggregate state column: `c avg(int)`: the function's name is in aggregate, has_type is false. */
    Type *state_types;
    bool *state_nullable;
    uint32_t state_count;
} AstColumn;

typedef struct AstColumns {
    AstColumn *items;
    uint32_t count;
    uint32_t capacity;
} AstColumns;

typedef struct AstIndex {
    StrView name;
    AstStrList columns;
    StrView kind; /* BITMAP, NGRAMBF, GIN, VECTOR */
    StrView comment;
    AstProperties properties;
} AstIndex;

typedef struct AstIndexes {
    AstIndex *items;
    uint32_t count;
    uint32_t capacity;
} AstIndexes;

typedef enum AstPartitionKind {
    AST_PARTITION_LESS_THAN, /* bounds; empty: MAXVALUE */
    AST_PARTITION_FIXED,     /* [("a"), ("b")) */
    AST_PARTITION_RANGE,     /* START END EVERY */
    AST_PARTITION_LIST,      /* rows */
} AstPartitionKind;

typedef struct AstPartition {
    uint8_t kind;
    bool if_not_exists;
    bool is_temporary;
    StrView name;
    AstExprList low, high; /* bounds; an AST_NAME "MAXVALUE" is unbounded */
    AstRowList rows;       /* list values */
    AstExpr *start, *stop, *every; /* every: AST_INTERVAL or integer */
    AstProperties properties;
} AstPartition;

typedef struct AstPartitions {
    AstPartition *items;
    uint32_t count;
    uint32_t capacity;
} AstPartitions;

typedef enum AstPartitionScheme {
    AST_UNPARTITIONED,
    AST_RANGE_PARTITIONED,
    AST_LIST_PARTITIONED,
    AST_EXPRESSION_PARTITIONED,
} AstPartitionScheme;

typedef struct AstRollup {
    StrView name;
    AstStrList columns;
    AstStrList keys; /* DUPLICATE KEY (..) */
    StrView from;
    AstProperties properties;
} AstRollup;

typedef struct AstRollups {
    AstRollup *items;
    uint32_t count;
    uint32_t capacity;
} AstRollups;

typedef struct AstCreateTable {
    AstName name;
    bool if_not_exists;
    bool is_temporary;
    bool is_external;
    AstColumns columns;
    AstIndexes indexes;
    StrView engine;
    StrView key_kind; /* DUPLICATE, AGGREGATE, UNIQUE, PRIMARY; empty */
    AstStrList keys;
    StrView comment;
    uint8_t partition_scheme;
    AstExprList partition_exprs;
    AstPartitions partitions;
    bool has_distribution;
    bool is_random;
    AstStrList bucket_columns;
    uint32_t buckets; /* 0: automatic */
    AstStrList sort_columns;
    AstOrder sort_order; /* the same with ASC and DESC */
    struct AstRollups *rollups;
    AstProperties properties;
    AstQuery *as_query;   /* CTAS */
    AstStrList as_columns; /* column names of CTAS */
    bool is_like;
    AstName like;
} AstCreateTable;

typedef struct AstInsert {
    AstName table;
    AstProperties files; /* INSERT INTO FILES(...) */
    bool is_files;
    bool is_overwrite;
    bool by_name;
    StrView label;
    AstStrList columns;
    bool has_columns;
    AstStrList partitions;
    AstExprList partition_values; /* PARTITION (k = v): values; partitions has the column names */
    bool is_temporary_partition;
    bool is_blackhole; /* INTO BLACKHOLE() */
    AstStrList hint_names, hint_values; /* SET_VAR */
    AstProperties properties;
    AstQuery *query;
} AstInsert;

typedef struct AstView {
    AstName name;
    bool or_replace, if_not_exists;
    AstStrList columns, comments;
    StrView comment;
    AstQuery *query;
    StrView query_text;
    StrView security; /* NONE, INVOKER; empty: not written */
    AstProperties properties;
} AstView;

typedef struct AstAlterAction {
    /* "RENAME", "ADD COLUMN", "DROP COLUMN", "MODIFY COLUMN", "RENAME COLUMN", "ADD PARTITION",
     * "DROP PARTITION", "RENAME PARTITION", "RENAME ROLLUP", "SET", "SWAP", "COMMENT", "ORDER BY",
     * "DISTRIBUTED", "COMPACT", "ADD ROLLUP", "DROP ROLLUP", "ADD INDEX", "DROP INDEX",
     * "MODIFY PARTITION" (names empty: all), "REPLACE PARTITION" (names by names2), "COLUMN COMMENT",
     * "COLUMN DEFAULT", "ADD FIELD" and "DROP FIELD" (name: column, names: path), "OPTIMIZE" (layout:
     * keys, partitions, distribution, order), "TRUNCATE PARTITION", "SPLIT TABLET", "MERGE TABLET",
     * "AUTO_INCREMENT" (number), "OTHER" */
    StrView kind;
    StrView name, new_name;
    AstColumns columns;
    StrView after; /* column, or FIRST */
    bool is_first;
    bool if_exists, is_force, is_temporary;
    AstPartitions partitions;
    AstStrList names;
    AstProperties properties;
    AstIndex index;
    StrView rollup;     /* TO, FROM, IN roll-up */
    StrView text;       /* COMMENT, COLUMN COMMENT, COMPACT: BASE or CUMULATIVE */
    AstStrList names2;
    AstRollups rollups; /* ADD ROLLUP */
    AstName other;      /* SWAP WITH, RENAME: the whole name */
    struct AstCreateTable *layout;
    AstExpr *where;     /* DROP PARTITIONS WHERE */
    AstExprList numbers;
} AstAlterAction;

typedef struct AstAlterActions {
    AstAlterAction *items;
    uint32_t count;
    uint32_t capacity;
} AstAlterActions;

typedef struct AstSetItem {
    /* "session", "global", "user" (@x), "names", "password", "catalog", "role", "transaction", ... */
    StrView scope;
    StrView name;
    AstExpr *value; /* NULL: DEFAULT */
    /* "password": user (NULL: own), text, flag: text is a hash. "property": user, properties.
     * "role", "default role": text LIST | ALL | NONE | DEFAULT | ALL EXCEPT, names, user.
     * "names": text2 collation. "transaction": text the words. "warehouse", "catalog": name. */
    struct AstUserName *user;
    StrView text, text2;
    bool flag;
    AstStrList names;
    AstProperties properties;
} AstSetItem;

typedef struct AstSetItems {
    AstSetItem *items;
    uint32_t count;
    uint32_t capacity;
} AstSetItems;

typedef struct AstShow {
    StrView what; /* "TABLES", "CREATE TABLE", "VARIABLES", ... upper case, one blank between words */
    AstName name; /* table, view, ... */
    StrView database; /* FROM/IN db */
    StrView pattern;  /* LIKE */
    bool has_pattern;
    bool is_full;
    bool is_global;
    AstExpr *where;
    AstOrder order;
    AstExpr *limit, *offset;
    StrView text;    /* SHOW PROC 'text', FOR user of PROCESSLIST, a role, a group, a warehouse, ... */
    StrView catalog; /* FROM catalog.db, FROM catalog */
    bool is_all, is_builtin, is_temporary, is_verbose;
    struct AstUserName *user; /* SHOW GRANTS FOR, SHOW PROPERTY FOR, SHOW AUTHENTICATION FOR */
    bool is_role;             /* SHOW GRANTS FOR ROLE text */
    AstStrList partitions;
    AstExprList values;       /* tablet ids, job ids */
    AstProperties properties;
} AstShow;

typedef enum AstKind {
    AST_STATEMENT_QUERY,
    AST_STATEMENT_EXPLAIN, /* text: level ("", ANALYZE, VERBOSE, COSTS, LOGICAL, ...); inner */
    AST_STATEMENT_INSERT,
    AST_STATEMENT_UPDATE,
    AST_STATEMENT_DELETE,
    AST_STATEMENT_CREATE_DATABASE,
    AST_STATEMENT_DROP_DATABASE,
    AST_STATEMENT_ALTER_DATABASE,
    AST_STATEMENT_CREATE_TABLE,
    AST_STATEMENT_DROP_TABLE,
    AST_STATEMENT_TRUNCATE,
    AST_STATEMENT_ALTER_TABLE,
    AST_STATEMENT_CREATE_VIEW,
    AST_STATEMENT_ALTER_VIEW,
    AST_STATEMENT_DROP_VIEW,
    AST_STATEMENT_USE,
    AST_STATEMENT_SET,
    AST_STATEMENT_SHOW,
    AST_STATEMENT_DESCRIBE,
    AST_STATEMENT_KILL,
    AST_STATEMENT_BEGIN,
    AST_STATEMENT_COMMIT,
    AST_STATEMENT_ROLLBACK,
    AST_STATEMENT_ANALYZE,
    AST_STATEMENT_ADMIN_SET_CONFIG,
    AST_STATEMENT_PREPARE,
    AST_STATEMENT_EXECUTE,
    AST_STATEMENT_DEALLOCATE,
    AST_STATEMENT_NO_OPERATION, /* accepted and answered OK: SYNC, LOCK TABLES, ... */
    AST_STATEMENT_OTHER,        /* known by its words, not run: text has them */
    /* The trees of these are in ast_command.h. */
    AST_STATEMENT_COMMAND,
    AST_STATEMENT_CREATE_MV,
    AST_STATEMENT_ALTER_MV,
    AST_STATEMENT_REFRESH_MV,
    AST_STATEMENT_SUBMIT_TASK,
    AST_STATEMENT_USER,
    AST_STATEMENT_GRANT, /* GRANT and REVOKE */
    AST_STATEMENT_LOAD,
    AST_STATEMENT_STATISTICS, /* every ANALYZE but the plain one of a table */
    AST_STATEMENT_MERGE,
    AST_STATEMENT_TRACE,      /* text: level, comment: module; inner */
} AstKind;

typedef struct AstStatement {
    uint8_t kind;
    uint32_t begin, end;
    StrView source; /* the whole input text; begin and end index it */
    uint32_t parameter_count;
    AstQuery *query;
    struct AstStatement *inner; /* EXPLAIN, PREPARE */
    AstCreateTable *create_table;
    AstInsert *insert;
    AstView *view;
    AstShow *show;
    AstAlterActions actions;
    AstSetItems settings;
    AstName name;
    StrView text;
    bool if_exists, if_not_exists, is_force, flag;
    AstProperties properties;
    AstStrList names;
    uint64_t number;
    StrView comment;
    AstExprList values;       /* EXECUTE ... USING, KILL */
    AstStrList set_columns;   /* UPDATE */
    AstRelation *from;        /* UPDATE ... FROM, DELETE ... USING */
    AstExpr *where;
    AstCtes ctes;
    StrView alias;            /* of the table of UPDATE and DELETE */
    struct AstCommand *command;
    struct AstMaterializedView *mv;
    struct AstAlterView *alter_mv;
    struct AstRefreshView *refresh_mv;
    struct AstTask *task;
    struct AstUser *user;
    struct AstGrant *grant;
    struct AstLoad *load;
    struct AstAnalyze *analyze;
    struct AstMerge *merge;
} AstStatement;

typedef struct AstStatements {
    AstStatement **items;
    uint32_t count;
    uint32_t capacity;
} AstStatements;

#define AST_PUSH(arena, list, value)                                                          \
    do {                                                                                      \
        if ((list)->count == (list)->capacity)                                                \
            (list)->items = arena_grow((arena), (list)->items, sizeof(*(list)->items),        \
                                       (list)->count, &(list)->capacity);                     \
        (list)->items[(list)->count++] = (value);                                             \
    } while (0)
