#include "mv/lineage.h"

#include "plan/logical_walk.h"
#include "sql/parser.h"
#include "types/datetime.h"

enum { MOST_EQUAL = 64 };

/* ---- walking ---- */

typedef struct ScanWalk {
    void (*visit)(void *context, LogicalNode *scan);
    void *context;
} ScanWalk;

static void walk_expr(void *context, Expr **expr)
{
    ScanWalk *walk = context;
    for (uint32_t i = 0; i < (*expr)->argument_count; i++)
        walk_expr(context, &(*expr)->arguments[i]);
    if ((*expr)->kind == EXPR_SUBQUERY)
        mv_each_scan((*expr)->subquery.query->root, walk->visit, walk->context);
}

void mv_each_scan(LogicalNode *node, void (*visit)(void *context, LogicalNode *scan), void *context)
{
    ScanWalk walk = {visit, context};
    if (node->kind == LOGICAL_SCAN)
        visit(context, node);
    node_each_expr(node, walk_expr, &walk);
    if (node->kind == LOGICAL_CTE_REF)
        mv_each_scan(node->cte_ref.cte->query->root, visit, context);
    for (uint32_t i = 0; i < node->child_count; i++)
        mv_each_scan(node->children[i], visit, context);
}

typedef struct ScanList {
    Arena *arena;
    ARRAY_OF(MvScan) all;
} ScanList;

/* A CTE that is used twice is met twice. */
static void add_scan(void *context, LogicalNode *scan)
{
    ScanList *list = context;
    for (uint32_t i = 0; i < list->all.count; i++) {
        if (list->all.items[i].node == scan)
            return;
    }
    MvScan entry = {.node = scan, .table = scan->scan.table};
    ARRAY_PUSH(list->arena, &list->all, entry);
}

Status mv_bind(const CatalogSnapshot *snapshot, StrView query, StrView database, MvBoundView *view)
{
    return mv_bind_more(snapshot, query, database, (ColumnIds){1}, view);
}

Status mv_bind_more(const CatalogSnapshot *snapshot, StrView query, StrView database, ColumnIds ids, MvBoundView *view)
{
    AstStatements statements = {0};
    view->analyze = (AnalyzeContext){.arena = view->arena, .diag = view->diag, .catalog = snapshot, .session = view->session,
                                     .database = database, .ids = ids, .reads_stored = true};
    TRY(sql_parse(query, NULL, view->arena, view->diag, &statements));
    if (statements.count != 1 || statements.items[0]->kind != AST_STATEMENT_QUERY)
        return RAISE(view->diag, INTERNAL, "the definition of the materialized view is not a query");
    TRY(analyze_query(&view->analyze, statements.items[0]->query, query, &view->query));
    ScanList list = {.arena = view->arena};
    mv_each_scan(view->query->root, add_scan, &list);
    view->scans = list.all.items;
    view->scan_count = list.all.count;
    return OK;
}

Status mv_output(const MvDefinition *definition, const MvBoundView *view, uint32_t column, uint32_t *out)
{
    StrView name = column < definition->output_count ? definition->outputs[column] : STR_VIEW("");
    const BoundQuery *query = view->query;
    *out = definition->places != NULL && column < definition->output_count ? definition->places[column] : column;
    if (*out < query->column_count && strview_equal_ci(query->root->columns[*out].name, name))
        return OK;
    for (uint32_t i = 0; i < query->column_count; i++) {
        if (strview_equal_ci(query->root->columns[i].name, name)) {
            *out = i;
            return OK;
        }
    }
    return RAISE(view->diag, ANALYSIS, "Getting analyzing error. Detail message: the query no longer yields the column '%.*s'.", SV_ARGS(name));
}

/* ---- expressions ---- */

typedef struct Replacement {
    Arena *arena;
    const Expr *from;
    Expr *to;
    bool found;
} Replacement;

static Expr *replace_equal(void *context, Expr *node)
{
    Replacement *replacement = context;
    if (!expr_equal(node, replacement->from))
        return node;
    replacement->found = true;
    return replacement->to;
}

/* NULL: from does not occur in it. */
static Expr *replaced(Arena *arena, const Expr *expr, const Expr *from, Expr *to)
{
    Replacement replacement = {arena, from, to, false};
    Expr *copy = expr_rewrite(expr_clone(arena, expr), replace_equal, &replacement);
    return replacement.found ? copy : NULL;
}

typedef struct ColumnSearch {
    const LogicalNode *node;
    bool all, any;
} ColumnSearch;

static int column_at(const LogicalNode *node, ColumnId id)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (node->columns[i].id == id)
            return (int)i;
    }
    return -1;
}

static bool look_at_column(void *context, Expr *node)
{
    ColumnSearch *search = context;
    if (node->kind == EXPR_COLUMN) {
        bool is_there = column_at(search->node, node->column.id) >= 0;
        search->all &= is_there;
        search->any |= is_there;
    }
    return true;
}

static bool covers(const LogicalNode *node, Expr *expr)
{
    ColumnSearch search = {node, true, false};
    expr_walk(expr, look_at_column, &search);
    return search.all && search.any;
}

/* ---- tracing ---- */

typedef struct Trace {
    MvBoundView *view;
    uint32_t dim;
} Trace;

static bool trace(const Trace *t, LogicalNode *node, Expr *expr, bool is_main);

typedef struct Substitution {
    const LogicalNode *node;
    Expr *const *exprs; /* one a column of the node; NULL: there is none */
    bool failed;
} Substitution;

static Expr *substitute_column(void *context, Expr *node)
{
    Substitution *substitution = context;
    if (node->kind != EXPR_COLUMN)
        return node;
    int at = column_at(substitution->node, node->column.id);
    if (at < 0 || substitution->exprs[at] == NULL) {
        substitution->failed = true;
        return node;
    }
    return substitution->exprs[at];
}

/* Goes on in the child with the columns written as what they are computed from. */
static bool trace_computed(const Trace *t, LogicalNode *node, Expr *const *exprs, LogicalNode *child, Expr *expr, bool is_main)
{
    Substitution substitution = {node, exprs, false};
    Expr *below = expr_rewrite(expr_clone(t->view->arena, expr), substitute_column, &substitution);
    return !substitution.failed && trace(t, child, below, is_main);
}

static bool trace_aggregate(const Trace *t, LogicalNode *node, Expr *expr, bool is_main)
{
    if (node->aggregate.sets != NULL)
        return false;
    Expr **exprs = ARENA_NEW_ARRAY(t->view->arena, Expr *, MAX(node->column_count, 1u));
    for (uint32_t g = 0; g < node->aggregate.group_count; g++) {
        int at = column_at(node, node->aggregate.group_ids[g]);
        if (at >= 0)
            exprs[at] = node->aggregate.groups[g];
    }
    return trace_computed(t, node, exprs, node->children[0], expr, is_main);
}

static Expr **column_exprs(const Trace *t, const LogicalNode *from, const ColumnId *ids, uint32_t count)
{
    Expr **exprs = ARENA_NEW_ARRAY(t->view->arena, Expr *, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        int at = column_at(from, ids[i]);
        if (at >= 0)
            exprs[i] = expr_column(t->view->arena, ids[i], from->columns[at].type, from->columns[at].is_nullable, from->columns[at].name);
    }
    return exprs;
}

static bool trace_set(const Trace *t, LogicalNode *node, Expr *expr, bool is_main)
{
    bool all = true;
    for (uint32_t i = 0; i < node->child_count; i++) {
        Expr **exprs = column_exprs(t, node->children[i], node->set.inputs[i], node->column_count);
        all &= trace_computed(t, node, exprs, node->children[i], expr, is_main);
    }
    return all;
}

/* Rows of one value of the expression never share a window with others. */
static bool window_keeps(const LogicalNode *node, const Expr *expr)
{
    for (uint32_t i = 0; i < node->window.partition_count; i++) {
        if (expr_equal(node->window.partition[i], expr))
            return true;
    }
    if (expr->kind == EXPR_COLUMN)
        return false;
    bool all = expr->argument_count > 0;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        all &= expr->arguments[i]->kind == EXPR_CONSTANT || window_keeps(node, expr->arguments[i]);
    return all;
}

/* ---- joins ---- */

typedef struct Equality {
    Expr *from, *to; /* where from has a value, rows that matter have the same in to */
} Equality;

typedef struct Leaf {
    LogicalNode *node;
    bool is_extended; /* an outer join fills its columns with NULLs */
} Leaf;

typedef struct Region {
    Arena *arena;
    ARRAY_OF(Equality) equalities;
    ARRAY_OF(Leaf) leaves;
} Region;

static bool is_equality(const Expr *expr)
{
    return expr->kind == EXPR_CALL && !expr->call.is_cast && expr->argument_count == 2 && strcmp(expr->call.binding->def->name, "eq") == 0;
}

static void add_equality(Region *region, Expr *from, Expr *to)
{
    Equality equality = {from, to};
    ARRAY_PUSH(region->arena, &region->equalities, equality);
}

static void add_conjunct(Region *region, const Expr *expr)
{
    for (uint32_t i = 0; expr->kind == EXPR_AND && i < expr->argument_count; i++)
        add_conjunct(region, expr->arguments[i]);
    if (!is_equality(expr))
        return;
    add_equality(region, expr->arguments[0], expr->arguments[1]);
    add_equality(region, expr->arguments[1], expr->arguments[0]);
}

/* From the side that is kept to the other, only. */
static void add_outer_conjunct(Region *region, const LogicalNode *kept, const LogicalNode *other, const Expr *expr)
{
    if (!is_equality(expr))
        return;
    for (uint32_t i = 0; i < 2; i++) {
        if (covers(kept, expr->arguments[i]) && covers(other, expr->arguments[1 - i]))
            add_equality(region, expr->arguments[i], expr->arguments[1 - i]);
    }
}

static void collect(Region *region, LogicalNode *node, bool is_extended);

static void collect_join(Region *region, LogicalNode *node, bool is_extended)
{
    LogicalNode *left = node->children[0], *right = node->children[1];
    JoinKind kind = (JoinKind)node->join.kind;
    bool is_inner = kind == JOIN_INNER || kind == JOIN_CROSS;
    bool keeps_left = kind == JOIN_LEFT || kind == JOIN_LEFT_SEMI || kind == JOIN_LEFT_ANTI || kind == JOIN_LEFT_SINGLE;
    bool keeps_right = kind == JOIN_RIGHT || kind == JOIN_RIGHT_SEMI || kind == JOIN_RIGHT_ANTI;
    for (uint32_t i = 0; i < node->join.count; i++) {
        if (is_inner)
            add_conjunct(region, node->join.conjuncts[i]);
        else if (keeps_left || keeps_right)
            add_outer_conjunct(region, keeps_left ? left : right, keeps_left ? right : left, node->join.conjuncts[i]);
    }
    collect(region, left, is_extended || !(is_inner || keeps_left || kind == JOIN_NULL_AWARE_LEFT_ANTI || kind == JOIN_LEFT_MARK));
    collect(region, right, is_extended || !(is_inner || keeps_right));
}

static void collect(Region *region, LogicalNode *node, bool is_extended)
{
    if (node->kind == LOGICAL_JOIN) {
        collect_join(region, node, is_extended);
    } else if (node->kind == LOGICAL_FILTER) {
        for (uint32_t i = 0; i < node->filter.count; i++)
            add_conjunct(region, node->filter.conjuncts[i]);
        collect(region, node->children[0], is_extended);
    } else {
        Leaf leaf = {node, is_extended};
        ARRAY_PUSH(region->arena, &region->leaves, leaf);
    }
}

/* The expression and what it equals, each over other columns. */
static uint32_t equal_exprs(const Region *region, Expr *expr, Expr *out[MOST_EQUAL])
{
    uint32_t count = 0;
    out[count++] = expr;
    for (uint32_t at = 0; at < count; at++) {
        for (uint32_t i = 0; i < region->equalities.count && count < MOST_EQUAL; i++) {
            const Equality *equality = &region->equalities.items[i];
            Expr *other = replaced(region->arena, out[at], equality->from, equality->to);
            bool is_known = other == NULL;
            for (uint32_t k = 0; k < count && !is_known; k++)
                is_known = expr_equal(out[k], other);
            if (!is_known)
                out[count++] = other;
        }
    }
    return count;
}

static bool trace_region(const Trace *t, LogicalNode *node, Expr *expr, bool is_main)
{
    Region region = {.arena = t->view->arena};
    Expr *equal[MOST_EQUAL];
    bool found = false;
    collect(&region, node, false);
    uint32_t count = equal_exprs(&region, expr, equal);
    for (uint32_t l = 0; l < region.leaves.count; l++) {
        const Leaf *leaf = &region.leaves.items[l];
        if (covers(leaf->node, expr)) {
            found = !(is_main && leaf->is_extended) && trace(t, leaf->node, expr, is_main);
            continue;
        }
        for (uint32_t i = 1; i < count; i++) {
            if (covers(leaf->node, equal[i]) && trace(t, leaf->node, equal[i], false))
                break;
        }
    }
    return found;
}

/* ---- scans ---- */

static MvScan *scan_of(const Trace *t, const LogicalNode *node)
{
    for (uint32_t i = 0; i < t->view->scan_count; i++) {
        if (t->view->scans[i].node == node)
            return &t->view->scans[i];
    }
    return NULL;
}

typedef struct OneColumn {
    ColumnId id;
    uint32_t count; /* different ones */
} OneColumn;

static bool find_column(void *context, Expr *node)
{
    OneColumn *one = context;
    if (node->kind == EXPR_COLUMN && node->column.id != one->id) {
        one->id = node->column.id;
        one->count++;
    }
    return true;
}

static bool trace_scan(const Trace *t, LogicalNode *node, Expr *expr, bool is_main)
{
    MvScan *scan = scan_of(t, node);
    const TableSchema *schema = node->scan.table->schema;
    OneColumn one = {0};
    expr_walk(expr, find_column, &one);
    int at = one.count == 1 ? column_at(node, one.id) : -1;
    if (scan == NULL || at < 0 || node->scan.partition_ids != NULL || (table_has_ranges(schema) && schema->partition_column_count != 1))
        return false;
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        bool is_plain;
        if (table_partition_column(schema, i, &is_plain) != (int)node->scan.ordinals[at])
            continue;
        if (scan->exprs == NULL) {
            scan->exprs = ARENA_NEW_ARRAY(t->view->arena, Expr *, t->view->partition_count);
            scan->base_columns = ARENA_NEW_ARRAY(t->view->arena, uint32_t, t->view->partition_count);
        }
        scan->exprs[t->dim] = expr;
        scan->base_columns[t->dim] = i;
        scan->is_main |= is_main;
        return true;
    }
    return false;
}

static bool trace(const Trace *t, LogicalNode *node, Expr *expr, bool is_main)
{
    switch ((LogicalKind)node->kind) {
    case LOGICAL_SCAN:
        return trace_scan(t, node, expr, is_main);
    case LOGICAL_PROJECT:
        return trace_computed(t, node, node->project.exprs, node->children[0], expr, is_main);
    case LOGICAL_AGGREGATE:
        return trace_aggregate(t, node, expr, is_main);
    case LOGICAL_FILTER:
    case LOGICAL_JOIN:
        return trace_region(t, node, expr, is_main);
    case LOGICAL_WINDOW:
        return window_keeps(node, expr) && trace(t, node->children[0], expr, is_main);
    case LOGICAL_SORT:
        return node->sort.limit < 0 && node->sort.offset <= 0 && trace(t, node->children[0], expr, is_main);
    case LOGICAL_SET:
        return trace_set(t, node, expr, is_main);
    case LOGICAL_TABLE_FUNCTION:
        return covers(node->children[0], expr) && trace(t, node->children[0], expr, is_main);
    case LOGICAL_CTE_REF: {
        if (node->cte_ref.cte->use_count != 1)
            return false;
        LogicalNode *root = node->cte_ref.cte->query->root;
        return trace_computed(t, node, column_exprs(t, root, node->cte_ref.inputs, node->column_count), root, expr, is_main);
    }
    default:
        return false;
    }
}

/* ---- what a value stands for ---- */

static const Expr *literal_of(const Expr *expr)
{
    while (expr->kind == EXPR_CALL && expr->call.is_cast)
        expr = expr->arguments[0];
    return expr;
}

static bool constant_text(const Expr *expr, StrView *out)
{
    expr = literal_of(expr);
    if (expr->kind != EXPR_CONSTANT || expr->constant.value.is_null || expr->type.phys != PHYS_STR)
        return false;
    *out = str_view(&expr->constant.value.str);
    return true;
}

/* Casts between dates keep what the values stand for. */
static const Expr *without_casts(const Expr *expr)
{
    while (expr->kind == EXPR_CALL && expr->call.is_cast && type_is_date(expr->type) && type_is_date(expr->arguments[0]->type))
        expr = expr->arguments[0];
    return expr;
}

static bool step_of(const Expr *expr, PartitionStep *out)
{
    StrView unit;
    Datum count;
    expr = without_casts(expr);
    *out = (PartitionStep){.unit = STEP_NONE, .count = 1};
    if (expr->kind == EXPR_COLUMN)
        return true;
    if (expr->kind != EXPR_CALL || expr->call.is_cast)
        return false;
    const char *name = expr->call.binding->def->name;
    if (strcmp(name, "date_trunc") == 0)
        return constant_text(expr->arguments[0], &unit) && step_unit_parse(unit, &out->unit);
    if (strcmp(name, "str2date") == 0 || strcmp(name, "str_to_date") == 0 || strcmp(name, "to_date") == 0 || strcmp(name, "date") == 0) {
        out->unit = STEP_DAY;
        return true;
    }
    if (strcmp(name, "time_slice") != 0 || !expr_is_constant(literal_of(expr->arguments[1]), &count) || count.is_null)
        return false;
    out->is_slice = true;
    out->count = count.i64;
    return constant_text(expr->arguments[2], &unit) && step_unit_parse(unit, &out->unit);
}

static bool is_monotonic(const Expr *expr)
{
    PartitionStep step;
    expr = without_casts(expr);
    if (expr->kind == EXPR_COLUMN)
        return true;
    if (!step_of(expr, &step))
        return false;
    const Expr *inner = strcmp(expr->call.binding->def->name, "date_trunc") == 0 ? expr->arguments[1] : expr->arguments[0];
    return is_monotonic(inner);
}

static Expr *fill_constant(void *constant, Expr *node)
{
    return node->kind == EXPR_COLUMN ? constant : node;
}

static Datum date_as(Type from, Type to, Datum value)
{
    if (from.kind == to.kind)
        return value;
    return datum_i64(to.kind == TYPE_DATE ? datetime_date(value.i64) : value.i64 * US_PER_DAY);
}

/* date_trunc() of the column, and casts between dates: there may be very many values. False: something else. */
static bool truncated_value(const Expr *expr, Type type, const Datum *value, Datum *out)
{
    PartitionStep step;
    if (!type_is_date(expr->type))
        return false;
    if (expr->kind == EXPR_COLUMN) {
        *out = *value;
        return expr->type.kind == type.kind && !value->is_null && value->i64 >= (type.kind == TYPE_DATE ? MIN_DATE : MIN_DATE * US_PER_DAY);
    }
    if (expr->kind != EXPR_CALL || (!expr->call.is_cast && strcmp(expr->call.binding->def->name, "date_trunc") != 0))
        return false;
    const Expr *inner = expr->arguments[expr->call.is_cast ? 0 : 1];
    if (!truncated_value(inner, type, value, out))
        return false;
    if (!expr->call.is_cast) {
        if (!step_of(expr, &step))
            return false;
        *out = step_floor(&step, inner->type, *out);
    }
    *out = date_as(inner->type, expr->type, *out);
    return true;
}

Status mv_value(const MvBoundView *view, const Expr *expr, Type type, const Datum *value, Datum *out)
{
    if (expr->kind == EXPR_COLUMN) {
        *out = *value;
        return OK;
    }
    if (truncated_value(expr, type, value, out))
        return OK;
    Expr *copy = expr_clone(view->arena, expr), *filled = expr_constant(view->arena, type, *value);
    copy = expr_rewrite(copy, fill_constant, filled);
    TRY(expr_fold(view->arena, view->session, copy, view->diag, &copy));
    if (!expr_is_constant(copy, out))
        return RAISE(view->diag, ANALYSIS, "Getting analyzing error. Detail message: the partition expression can't be computed for a partition value "
                     "of the base table.");
    return OK;
}

/* ---- the partition columns of a view ---- */

typedef struct Shape {
    bool has_ranges, has_lists;
    const Expr *expr;
} Shape;

static Status check_main(MvBoundView *view, const MvScan *scan, uint32_t dim, Shape *shape)
{
    const TableSchema *schema = scan->table->schema;
    PartitionStep step, base_step = {0};
    bool is_plain, base_is_list = !table_has_ranges(schema);
    int column = table_partition_column(schema, scan->base_columns[dim], &is_plain);
    const Expr *expr = scan->exprs[dim];
    if (!step_of(expr, &step) || !is_monotonic(expr) || column < 0)
        return RAISE(view->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view partition function must be date_trunc, "
                     "str2date or time_slice of a partition column of its base table.");
    if (!is_plain && base_is_list) { /* one of several columns, by an expression */
        AstExpr *ast;
        StrView name;
        TRY(sql_parse_expression(schema->partition_exprs[scan->base_columns[dim]], view->arena, view->diag, &ast));
        TRY(partition_expr_parse(ast, view->diag, &base_step, &name));
        if (name.length == 0)
            return RAISE(view->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view partition column in partition exp must be "
                         "base table partition column.");
    }
    bool stands_for_range = step.unit != STEP_NONE || base_step.unit != STEP_NONE;
    shape->has_ranges |= !base_is_list || (stands_for_range && view->partition_count == 1);
    shape->has_lists |= base_is_list && !(stands_for_range && view->partition_count == 1);
    view->is_plain[dim] &= without_casts(expr)->kind == EXPR_COLUMN;
    view->steps[dim] = step;
    return OK;
}

static Status check_shape(MvBoundView *view)
{
    bool has_main = false;
    Shape shape = {0};
    for (uint32_t i = 0; i < view->scan_count; i++) {
        MvScan *scan = &view->scans[i];
        scan->is_ref = scan->exprs != NULL;
        for (uint32_t d = 0; d < view->partition_count && scan->exprs != NULL; d++)
            scan->is_ref &= scan->exprs[d] != NULL;
        scan->is_main &= scan->is_ref;
        has_main |= scan->is_main;
        for (uint32_t d = 0; d < view->partition_count && scan->is_main; d++)
            TRY(check_main(view, scan, d, &shape));
    }
    if (!has_main)
        return RAISE(view->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view partition column in partition exp must be base "
                     "table partition column.");
    if (shape.has_ranges && (shape.has_lists || view->partition_count > 1))
        return RAISE(view->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view related base table partition columns only "
                     "supports single column.");
    view->is_range = shape.has_ranges;
    return OK;
}

/* PARTITION BY date_trunc('month', dt): rows lie by dt, in partitions of months. str2date() of a text column names the
 * values as they are. */
static Status partition_expr(MvBoundView *view, const TableSchema *schema, const MvDefinition *definition, uint32_t dim, Expr **out)
{
    AstExpr *ast;
    const LogicalColumn *column = &view->query->root->columns[view->partition_outputs[dim]];
    *out = expr_column(view->arena, column->id, column->type, column->is_nullable, column->name);
    TRY(sql_parse_expression(definition->partition_texts[dim], view->arena, view->diag, &ast));
    bool is_text_date = ast->kind == AST_CALL && strview_equal_ci(ast->name.parts[ast->name.count - 1], STR_VIEW("str2date"));
    if (ast->kind == AST_NAME || is_text_date)
        return OK;
    LogicalColumn *columns = ARENA_NEW_ARRAY(view->arena, LogicalColumn, schema->column_count);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        uint32_t output;
        TRY(mv_output(definition, view, c, &output));
        columns[c] = view->query->root->columns[output];
        columns[c].name = schema->columns[c].name;
    }
    TRY(analyze_scalar(&view->analyze, ast, definition->partition_texts[dim], columns, schema->column_count, out));
    return expr_cast(view->arena, *out, column->type, true, view->diag, out);
}

Status mv_trace(MvBoundView *view, const TableSchema *schema, const MvDefinition *definition)
{
    uint32_t count = view->partition_count = definition->partition_count;
    view->partition_outputs = ARENA_NEW_ARRAY(view->arena, uint32_t, MAX(count, 1u));
    view->steps = ARENA_NEW_ARRAY(view->arena, PartitionStep, MAX(count, 1u));
    view->is_plain = ARENA_NEW_ARRAY(view->arena, bool, MAX(count, 1u));
    for (uint32_t d = 0; d < count; d++) {
        Expr *expr;
        Trace t = {view, d};
        TRY(mv_output(definition, view, definition->partition_columns[d], &view->partition_outputs[d]));
        TRY(partition_expr(view, schema, definition, d, &expr));
        view->is_plain[d] = true;
        if (!trace(&t, view->query->root, expr, true))
            return RAISE(view->diag, ANALYSIS, "Getting analyzing error. Detail message: Materialized view partition column in partition exp must be "
                         "base table partition column.");
    }
    return count == 0 ? OK : check_shape(view);
}

/* ---- bases ---- */

typedef struct UsedColumns {
    MvBoundView *view;
    const LogicalNode *scan;
    uint8_t *used; /* by ordinal */
} UsedColumns;

static void use_columns_of(UsedColumns *used, LogicalNode *node);

static void use_expr(void *context, Expr **expr)
{
    UsedColumns *used = context;
    if ((*expr)->kind == EXPR_COLUMN) {
        int at = column_at(used->scan, (*expr)->column.id);
        if (at >= 0 && used->scan->scan.ordinals[at] < used->scan->scan.table->schema->column_count)
            used->used[used->scan->scan.ordinals[at]] = 1;
    }
    for (uint32_t i = 0; i < (*expr)->argument_count; i++)
        use_expr(context, &(*expr)->arguments[i]);
    if ((*expr)->kind == EXPR_SUBQUERY)
        use_columns_of(used, (*expr)->subquery.query->root);
}

static void use_id(UsedColumns *used, ColumnId id)
{
    Expr column = {.kind = EXPR_COLUMN, .column = {.id = id}};
    Expr *expr = &column;
    use_expr(used, &expr);
}

static void use_columns_of(UsedColumns *used, LogicalNode *node)
{
    node_each_expr(node, use_expr, used);
    for (uint32_t c = 0; node->kind == LOGICAL_SET && c < node->child_count; c++) {
        for (uint32_t i = 0; i < node->column_count; i++)
            use_id(used, node->set.inputs[c][i]);
    }
    for (uint32_t c = 0; node->kind == LOGICAL_RECURSIVE && c < node->child_count; c++) {
        for (uint32_t i = 0; i < node->column_count; i++)
            use_id(used, node->recursive.inputs[c][i]);
    }
    if (node->kind == LOGICAL_CTE_REF) {
        for (uint32_t i = 0; i < node->column_count; i++)
            use_id(used, node->cte_ref.inputs[i]);
        use_columns_of(used, node->cte_ref.cte->query->root);
    }
    for (uint32_t i = 0; i < node->child_count; i++)
        use_columns_of(used, node->children[i]);
}

typedef struct BaseList {
    ARRAY_OF(MvBase) all;
} BaseList;

static MvBase *base_of(BaseList *list, Arena *arena, const CatalogDatabase *database, const CatalogTable *table)
{
    for (uint32_t i = 0; i < list->all.count; i++) {
        if (list->all.items[i].id == table->id)
            return &list->all.items[i];
    }
    MvBase base = {.id = table->id, .database = database->name, .name = table->name};
    base.kind = (uint8_t)(table->schema->kind == TABLE_VIEW                ? MV_BASE_VIEW
                          : table->schema->kind == TABLE_MATERIALIZED_VIEW ? MV_BASE_MATERIALIZED_VIEW
                                                                           : MV_BASE_TABLE);
    if (base.kind == MV_BASE_VIEW)
        base.view_sql = table->schema->view_sql;
    ARRAY_PUSH(arena, &list->all, base);
    return &list->all.items[list->all.count - 1];
}

static void add_used(MvBoundView *view, BaseList *list, const LogicalNode *scan)
{
    const TableSchema *schema = scan->scan.table->schema;
    UsedColumns used = {view, scan, ARENA_NEW_ARRAY(view->arena, uint8_t, MAX(schema->column_count, 1u))};
    MvBase *base = base_of(list, view->arena, scan->scan.database, scan->scan.table);
    use_columns_of(&used, view->query->root);
    for (uint32_t i = 0; i < view->query->column_count; i++)
        use_id(&used, view->query->root->columns[i].id);
    for (uint32_t i = 0; i < base->column_count; i++) {
        for (uint32_t c = 0; c < schema->column_count; c++)
            used.used[c] |= schema->columns[c].unique_id == base->column_ids[i];
    }
    base->column_ids = ARENA_NEW_ARRAY(view->arena, uint32_t, MAX(schema->column_count, 1u));
    base->column_names = ARENA_NEW_ARRAY(view->arena, StrView, MAX(schema->column_count, 1u));
    base->column_count = 0;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (used.used[c] == 0)
            continue;
        base->column_ids[base->column_count] = schema->columns[c].unique_id;
        base->column_names[base->column_count++] = schema->columns[c].name;
    }
}

/* ---- views that the text names ---- */

typedef struct NameWalk {
    MvBoundView *view;
    const CatalogSnapshot *snapshot;
    StrView database;
    BaseList *list;
    uint32_t depth;
} NameWalk;

static void walk_names(NameWalk *walk, StrView sql);

/* Words of the text that name a plain view. A name that means something else costs nothing but a needless base. */
static void look_up(NameWalk *walk, StrView database_name, StrView name)
{
    const CatalogDatabase *database = catalog_database(walk->snapshot, database_name);
    const CatalogTable *table = database == NULL ? NULL : catalog_table(database, name);
    if (table == NULL || table->schema->kind != TABLE_VIEW || walk->depth > 32)
        return;
    base_of(walk->list, walk->view->arena, database, table);
    NameWalk inner = *walk;
    inner.database = table->schema->view_database;
    inner.depth++;
    walk_names(&inner, table->schema->view_sql);
}

static void walk_relation(NameWalk *walk, const AstRelation *relation);

static void walk_expr_names(NameWalk *walk, const AstExpr *expr);

static void walk_query(NameWalk *walk, const AstQuery *query)
{
    if (query == NULL)
        return;
    for (uint32_t i = 0; i < query->ctes.count; i++)
        walk_query(walk, query->ctes.items[i].query);
    walk_query(walk, query->left);
    walk_query(walk, query->right);
    walk_relation(walk, query->select.from);
    for (uint32_t i = 0; i < query->select.items.count; i++)
        walk_expr_names(walk, query->select.items.items[i].expr);
    walk_expr_names(walk, query->select.where);
    walk_expr_names(walk, query->select.having);
}

static void walk_expr_names(NameWalk *walk, const AstExpr *expr)
{
    if (expr == NULL)
        return;
    walk_query(walk, expr->query);
    walk_expr_names(walk, expr->left);
    walk_expr_names(walk, expr->else_value);
    for (uint32_t i = 0; i < expr->arguments.count; i++)
        walk_expr_names(walk, expr->arguments.items[i]);
}

static void walk_relation(NameWalk *walk, const AstRelation *relation)
{
    if (relation == NULL)
        return;
    if (relation->kind == AST_TABLE && relation->name.count > 0)
        look_up(walk, relation->name.count >= 2 ? relation->name.parts[relation->name.count - 2] : walk->database,
                relation->name.parts[relation->name.count - 1]);
    walk_query(walk, relation->query);
    walk_relation(walk, relation->left);
    walk_relation(walk, relation->right);
    walk_expr_names(walk, relation->on);
}

static void walk_names(NameWalk *walk, StrView sql)
{
    AstStatements statements = {0};
    Diag unheard = {0};
    if (sql_parse(sql, NULL, walk->view->arena, &unheard, &statements) == OK && statements.count == 1 &&
        statements.items[0]->kind == AST_STATEMENT_QUERY)
        walk_query(walk, statements.items[0]->query);
}

void mv_list_bases(MvBoundView *view, const CatalogSnapshot *snapshot, StrView query, StrView database, MvDefinition *definition)
{
    BaseList list = {0};
    NameWalk walk = {view, snapshot, database, &list, 0};
    for (uint32_t i = 0; i < view->scan_count; i++)
        add_used(view, &list, view->scans[i].node);
    walk_names(&walk, query);
    definition->bases = list.all.items;
    definition->base_count = list.all.count;
}
