#pragma once
/* The bound, logical form of a query: what the analyzer makes and the planner rewrites.
 *
 * A tree of LogicalNode in the statement arena. Every column that a node produces has a ColumnId
 * that is unique in the statement; a node's columns[] are what its parent may use. Scalar
 * expressions live in FILTER, PROJECT, JOIN and so on; aggregates and window calls have nodes of
 * their own. Subqueries stay as EXPR_SUBQUERY inside expressions, holding a BoundQuery; a column id
 * that occurs in a subquery but is not produced in it is a correlated one. */

#include "expr/expr.h"

typedef struct LogicalNode LogicalNode;
typedef struct BoundQuery BoundQuery;

/* Behind the last column of a table: where the row lies, a BIGINT that DELETE reads. */
#define ROW_LOCATION_NAME "__row_location"

typedef struct LogicalColumn {
    ColumnId id;
    Type type;
    bool is_nullable;
    StrView name; /* as the client sees it at the root: original text of the select item or alias */
    StrView table_name;    /* alias; for result metadata */
    StrView origin_table;  /* for result metadata; empty when computed */
    StrView origin_column;
    StrView database;
} LogicalColumn;

typedef enum LogicalKind {
    LOGICAL_SCAN,           /* a base table */
    LOGICAL_SYSTEM_SCAN,    /* a connector's table: information_schema, FILES() */
    LOGICAL_VALUES,         /* constant rows; one row without columns for a missing FROM */
    LOGICAL_PROJECT,
    LOGICAL_FILTER,
    LOGICAL_JOIN,
    LOGICAL_AGGREGATE,      /* DISTINCT is an aggregate without calls */
    LOGICAL_WINDOW,
    LOGICAL_SORT,           /* with limit: top-N */
    LOGICAL_LIMIT,
    LOGICAL_SET,            /* UNION ALL / INTERSECT / EXCEPT (UNION DISTINCT = aggregate over UNION ALL) */
    LOGICAL_TABLE_FUNCTION, /* lateral over its child */
    LOGICAL_CTE_REF,        /* one use of a CTE */
    LOGICAL_RECURSIVE,      /* WITH RECURSIVE: the first child's rows, then those of the second until there are none */
    LOGICAL_WORKING_TABLE,  /* below its second child: the rows of the step before */
    LOGICAL_ASSERT_ONE_ROW, /* raises when its child yields a second row; pads to one row of NULLs */
    LOGICAL_EMPTY,          /* planner: no rows */
} LogicalKind;

typedef enum JoinKind {
    JOIN_INNER,
    JOIN_LEFT,
    JOIN_RIGHT,
    JOIN_FULL,
    JOIN_CROSS,
    JOIN_LEFT_SEMI,
    JOIN_LEFT_ANTI,
    JOIN_RIGHT_SEMI,
    JOIN_RIGHT_ANTI,
    JOIN_NULL_AWARE_LEFT_ANTI, /* NOT IN */
    JOIN_LEFT_MARK,            /* adds a BOOLEAN column: TRUE, FALSE or NULL (IN semantics) */
    JOIN_LEFT_SINGLE,          /* LEFT, but a second match raises */
    JOIN_ASOF_INNER,           /* of the right rows that match, the one whose side of the one inequality is nearest */
    JOIN_ASOF_LEFT,
} JoinKind;

typedef enum SetKind { SET_UNION_ALL, SET_INTERSECT, SET_EXCEPT } SetKind;

typedef struct AggCall {
    ColumnId id; /* of its result */
    const FuncBinding *binding;
    Expr **arguments;
    uint32_t argument_count;
    bool is_distinct;
    Expr *filter; /* NULL: none */
    struct SortKey *order; /* ORDER BY inside the call */
    uint32_t order_count;
} AggCall;

typedef struct SortKey {
    Expr *expr;
    bool is_descending;
    bool nulls_first;
} SortKey;

typedef enum FrameBound {
    FRAME_UNBOUNDED_PRECEDING,
    FRAME_PRECEDING,
    FRAME_CURRENT_ROW,
    FRAME_FOLLOWING,
    FRAME_UNBOUNDED_FOLLOWING,
} FrameBound;

typedef struct WindowFrame {
    bool is_rows; /* else RANGE */
    uint8_t start; /* FrameBound */
    uint8_t end;
    int64_t start_offset;
    int64_t end_offset;
} WindowFrame;

typedef struct WindowCall {
    ColumnId id;
    const FuncBinding *binding; /* FUNC_WINDOW or FUNC_AGGREGATE */
    Expr **arguments;
    uint32_t argument_count;
    bool is_distinct;
    bool ignore_nulls;
    WindowFrame frame;
} WindowCall;

struct LogicalNode {
    uint8_t kind; /* LogicalKind */
    uint32_t child_count;
    LogicalNode **children;
    LogicalColumn *columns; /* what it produces */
    uint32_t column_count;
    double estimated_rows; /* planner; < 0 unknown */
    struct PhysNode *phys; /* planner: the scan that was built for it */
    union {
        struct {
            const struct CatalogDatabase *database;
            const struct CatalogTable *table;
            uint32_t *ordinals;           /* table column of columns[i] */
            ColumnId first_id;            /* id of table column 0; the others follow */
            const uint64_t *partition_ids; /* PARTITION (p, ...) hint; NULL: all */
            uint32_t partition_id_count;
            const uint64_t *tablet_ids;
            uint32_t tablet_id_count;
            const struct SegmentRef *segments; /* these and no others, of whichever partitions; NULL: all */
            uint32_t segment_count;
            StrView alias;
            bool is_historic; /* AS OF: the table is not the current one */
            Expr **conjuncts; /* planner: pushed down */
            uint32_t conjunct_count;
        } scan;
        struct {
            const struct ConnectorTable *table;
            uint32_t *ordinals;
            StrView alias;
            Expr **conjuncts;
            uint32_t conjunct_count;
        } system_scan;
        struct {
            Expr ***rows; /* rows[r][c], constant or session-bound expressions */
            uint32_t row_count;
        } values;
        struct {
            Expr **exprs; /* one a column; a plain EXPR_COLUMN keeps its id */
        } project;
        struct {
            Expr **conjuncts;
            uint32_t count;
        } filter;
        struct {
            uint8_t kind; /* JoinKind */
            Expr **conjuncts; /* ON, USING; for MARK and NULL_AWARE: the IN comparisons first */
            uint32_t count;
            uint32_t in_count; /* how many of them are the IN comparisons */
            ColumnId mark;    /* JOIN_LEFT_MARK */
            StrView hint;     /* BROADCAST, SHUFFLE, ... as written */
            bool is_straight; /* a hint forbids reordering */
        } join;
        struct {
            Expr **groups;      /* group i yields column group_ids[i] */
            ColumnId *group_ids;
            uint32_t group_count;
            AggCall *calls;
            uint32_t call_count;
            /* Grouping sets: set s groups by those i with sets[s] bit i set; others are NULL. NULL:
             * one set of all. */
            const uint64_t *sets;
            uint32_t set_count;
            ColumnId *grouping_ids;      /* GROUPING()/GROUPING_ID() results: */
            const uint64_t *grouping_masks; /* value of result g for set s: [g * set_count + s] */
            uint32_t grouping_count;
        } aggregate;
        struct {
            Expr **partition;
            uint32_t partition_count;
            SortKey *order;
            uint32_t order_count;
            WindowCall *calls;
            uint32_t call_count;
        } window;
        struct {
            SortKey *keys;
            uint32_t count;
            int64_t limit; /* -1: none */
            int64_t offset;
        } sort;
        struct {
            int64_t limit; /* -1: only offset */
            int64_t offset;
        } limit;
        struct {
            uint8_t kind; /* SetKind */
            ColumnId **inputs; /* inputs[child][c]: the child's column behind column c */
        } set;
        struct {
            const FuncBinding *binding;
            Expr **arguments;
            uint32_t argument_count;
            bool is_outer; /* LEFT JOIN unnest(...) ON true: a row of NULLs when there is none */
            uint32_t first_output; /* columns[first_output..] are the function's, before: the child's */
        } table_function;
        struct {
            struct BoundCte *cte;
            ColumnId *inputs; /* column of the CTE's query behind columns[i] */
        } cte_ref;
        struct {
            struct Recursion *recursion;
            ColumnId **inputs; /* as in set */
            bool is_distinct;  /* UNION: rows that were there before are left out */
        } recursive;
        struct {
            struct Recursion *recursion;
            uint32_t *ordinals; /* column of the LOGICAL_RECURSIVE behind columns[i] */
        } working_table;
    };
};

typedef struct Recursion {
    struct Recursion *outer; /* analyzer: of the recursive member that it stands in */
    StrView name;
    uint32_t id;             /* numbered with the CTEs */
    uint32_t use_count;      /* references that the analyzer has bound */
    LogicalColumn *columns;
    uint32_t column_count;
    double estimated_rows;   /* planner: of one step */
    int64_t max_levels;      /* steps, the first one included */
    bool raises;             /* where there are more; else they are left out */
} Recursion;

typedef struct BoundCte {
    StrView name;
    uint32_t id;
    BoundQuery *query;
    uint32_t use_count;
    bool reads_working_table; /* of a recursion around it: other rows in each step, so it stands at each use */
} BoundCte;

/* A whole query: its tree and the columns in order. */
struct BoundQuery {
    LogicalNode *root;
    LogicalColumn *columns;
    uint32_t column_count;
    BoundCte **ctes; /* of this query, in order of definition */
    uint32_t cte_count;
    ColumnId *outer_columns; /* correlated ids, without duplicates */
    uint32_t outer_count;
};

/* Makes ids for one statement. */
typedef struct ColumnIds {
    ColumnId next; /* starts at 1 */
} ColumnIds;
static inline ColumnId column_ids_next(ColumnIds *ids)
{
    return ids->next++;
}
