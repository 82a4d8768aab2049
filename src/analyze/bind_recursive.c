#include "analyze/analyze_int.h"

/* WITH RECURSIVE name AS (anchor UNION [ALL] member): the member names the CTE, and reads the rows of the step before there.
 *
 * The types of the columns are those that the anchor's and the member's have in common. The member's depend on the
 * columns' own (n + 1 is wider than n), so it is bound again until they stay; where they keep growing it is cast. */

enum { TYPE_ROUNDS = 8, DEFAULT_LEVELS = 5 };

static bool session_value(AnalyzeContext *context, const char *name, Datum *out, Type *out_type)
{
    return context->variable != NULL &&
           context->variable(context->variable_context, STR_VIEW(""), strview(name), context->arena, out_type, out) && !out->is_null;
}

static bool session_flag(AnalyzeContext *context, const char *name)
{
    Datum value;
    Type type;
    if (!session_value(context, name, &value, &type))
        return true;
    if (!type_is_string(type))
        return value.i64 != 0;
    StrView text = str_view(&value.str);
    return !strview_equal_ci(text, STR_VIEW("false")) && !strview_equal_ci(text, STR_VIEW("off")) && !strview_is(text, "0");
}

static Recursion *new_recursion(AnalyzeContext *context, const LogicalNode *anchor)
{
    const AstCte *cte = context->recursive_cte;
    Recursion *recursion = ARENA_NEW(context->arena, Recursion);
    Datum value;
    Type type;
    recursion->name = cte->name;
    recursion->id = context->next_cte_id++;
    recursion->max_levels = DEFAULT_LEVELS;
    if (session_value(context, "recursive_cte_max_depth", &value, &type) && type_is_integer(type))
        recursion->max_levels = MAX(value.i64, 1);
    recursion->raises = session_flag(context, "recursive_cte_throw_limit_exception");
    recursion->column_count = anchor->column_count;
    recursion->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(anchor->column_count, 1u));
    for (uint32_t i = 0; i < anchor->column_count; i++) {
        StrView name = i < cte->columns.count ? cte->columns.items[i] : anchor->columns[i].name;
        recursion->columns[i] = (LogicalColumn){.id = column_ids_next(&context->ids), .type = anchor->columns[i].type,
                                                .is_nullable = true, .name = name};
        if (recursion->columns[i].type.kind == TYPE_NULL)
            recursion->columns[i].type = type_of(TYPE_BOOLEAN);
    }
    return recursion;
}

LogicalNode *working_table(AnalyzeContext *context, Recursion *recursion)
{
    LogicalNode *node = new_node(context, LOGICAL_WORKING_TABLE, NULL);
    recursion->use_count++;
    node->working_table.recursion = recursion;
    node->working_table.ordinals = ARENA_NEW_ARRAY(context->arena, uint32_t, MAX(recursion->column_count, 1u));
    node->column_count = recursion->column_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(recursion->column_count, 1u));
    for (uint32_t i = 0; i < recursion->column_count; i++) {
        node->working_table.ordinals[i] = i;
        node->columns[i] = recursion->columns[i];
        node->columns[i].id = column_ids_next(&context->ids);
    }
    return node;
}

uint32_t count_working_tables(const AnalyzeContext *context)
{
    uint32_t count = 0;
    for (const Recursion *r = context->recursion; r != NULL; r = r->outer)
        count += r->use_count;
    return count;
}

/* Types that both sides fit in; out_same: they are the recursion's already. */
static Status widen(AnalyzeContext *context, const Recursion *recursion, const LogicalNode *anchor, const LogicalNode *member,
                    Type *types, bool *out_same)
{
    *out_same = true;
    for (uint32_t i = 0; i < recursion->column_count; i++) {
        TRY(type_common(anchor->columns[i].type, member->columns[i].type, context->arena, context->diag, &types[i]));
        if (types[i].kind == TYPE_NULL)
            types[i] = type_of(TYPE_BOOLEAN);
        *out_same &= type_equal(types[i], recursion->columns[i].type);
    }
    return OK;
}

static Status bind_member(AnalyzeContext *context, Scope *outer, ScopeCte *ctes, const AstQuery *ast, StrView source,
                          const LogicalNode *anchor, Recursion *recursion, LogicalNode **out)
{
    Type *types = ARENA_NEW_ARRAY(context->arena, Type, MAX(recursion->column_count, 1u));
    ScopeCte own = {ctes, recursion->name, NULL, recursion};
    bool same = false;
    for (uint32_t round = 0; round < TYPE_ROUNDS && !same; round++) {
        for (uint32_t i = 0; round > 0 && i < recursion->column_count; i++)
            recursion->columns[i].type = types[i];
        recursion->use_count = 0;
        recursion->outer = context->recursion;
        context->recursion = recursion;
        Status status = bind_set_side(context, outer, &own, ast->right, source, out);
        context->recursion = recursion->outer;
        TRY(status);
        if (recursion->use_count == 0)
            return OK;
        if ((*out)->column_count != recursion->column_count)
            return analyze_error(context, source, ast->begin, "Operands of a set operation must have the same number of columns");
        TRY(widen(context, recursion, anchor, *out, types, &same));
    }
    return OK;
}

static Status check_allowed(AnalyzeContext *context, StrView name)
{
    if (session_flag(context, "enable_recursive_cte"))
        return OK;
    return RAISE(context->diag, ANALYSIS,
                 "Getting analyzing error. Detail message: '%.*s' names itself, but enable_recursive_cte is false.", SV_ARGS(name));
}

Status bind_recursive(AnalyzeContext *context, Scope *outer, ScopeCte *ctes, const AstQuery *ast, StrView source, LogicalNode **out)
{
    LogicalNode *sides[2];
    TRY(bind_set_side(context, outer, ctes, ast->left, source, &sides[0]));
    Recursion *recursion = new_recursion(context, sides[0]);
    TRY(bind_member(context, outer, ctes, ast, source, sides[0], recursion, &sides[1]));
    if (recursion->use_count == 0) /* it does not name itself */
        return bind_set(context, outer, ctes, ast, source, out);
    TRY(check_allowed(context, recursion->name));
    uint32_t count = recursion->column_count;
    Type *types = ARENA_NEW_ARRAY(context->arena, Type, MAX(count, 1u));
    LogicalNode *node = new_node(context, LOGICAL_RECURSIVE, sides[0]);
    node->child_count = 2;
    node->recursive.recursion = recursion;
    node->recursive.is_distinct = !ast->is_all;
    node->recursive.inputs = ARENA_NEW_ARRAY(context->arena, ColumnId *, 2);
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(count, 1u));
    node->column_count = count;
    for (uint32_t i = 0; i < count; i++) {
        types[i] = recursion->columns[i].type;
        node->columns[i] = recursion->columns[i];
    }
    for (uint32_t s = 0; s < 2; s++) {
        TRY(cast_side(context, sides[s], types, &node->children[s]));
        node->recursive.inputs[s] = ARENA_NEW_ARRAY(context->arena, ColumnId, MAX(count, 1u));
        for (uint32_t i = 0; i < count; i++)
            node->recursive.inputs[s][i] = node->children[s]->columns[i].id;
    }
    *out = node;
    return OK;
}
