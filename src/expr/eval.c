#include "expr/eval.h"

/* Compiling and running expression lists.
 *
 * Compilation hashes sub-expressions so that equal ones share a node. Running a call node: evaluate
 * arguments, unite their nulls when the function asks for it, call the kernel once. Two shortcuts
 * keep repeated work away: constant arguments only -> one row; one dictionary argument beside
 * constants -> the function runs on the dictionary's entries and the result keeps the codes; one
 * that fails on an entry runs on the rows. */

#include "base/hash.h"
#include "expr/eval_int.h"

static bool is_lambda_call(const Expr *expr)
{
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (expr->arguments[i]->kind == EXPR_LAMBDA)
            return true;
    }
    return false;
}

static bool dictionary_friendly(const Expr *expr)
{
    if (expr->kind == EXPR_IN)
        return true;
    if (expr->kind != EXPR_CALL || is_lambda_call(expr) || type_is_nested(expr->type))
        return false;
    return (expr->call.binding->flags & FUNC_VOLATILE) == 0;
}

static EvalNode *find_node(const Evaluator *ev, const Expr *expr)
{
    for (uint32_t i = 0; i < ev->node_count; i++) {
        if (expr_equal(ev->nodes[i]->expr, expr))
            return ev->nodes[i];
    }
    return NULL;
}

static void register_node(Evaluator *ev, EvalNode *node)
{
    if (ev->node_count == ev->node_capacity)
        ev->nodes = arena_grow(&ev->arena, ev->nodes, sizeof(EvalNode *), ev->node_count,
                               &ev->node_capacity);
    ev->nodes[ev->node_count++] = node;
}

static Status open_call(Evaluator *ev, EvalNode *node)
{
    const FuncBinding *binding = node->expr->call.binding;
    node->context = (FuncContext){.binding = binding,
                                  .session = ev->session,
                                  .arena = &ev->results,
                                  .diag = ev->diag,
                                  .call_lambda = eval_call_lambda,
                                  .lambda_context = node};
    if (binding->open != NULL)
        TRY(binding->open(&node->context, &node->context.state));
    return OK;
}

static Status compile(Evaluator *ev, const Expr *expr, uint32_t depth, EvalNode **out_node);

static Status compile_arguments(Evaluator *ev, EvalNode *node, uint32_t depth)
{
    const Expr *expr = node->expr;
    /* The constants of an IN list become a set, not nodes. */
    node->argument_count = expr->kind == EXPR_IN ? 1 : expr->argument_count;
    node->arguments = ARENA_NEW_ARRAY(&ev->arena, EvalNode *, node->argument_count);
    node->argument_values = ARENA_NEW_ARRAY(&ev->arena, const Vector *, node->argument_count);
    for (uint32_t i = 0; i < node->argument_count; i++) {
        if (expr->arguments[i]->kind != EXPR_LAMBDA) {
            TRY(compile(ev, expr->arguments[i], depth + 1, &node->arguments[i]));
            continue;
        }
        if (node->lambdas == NULL)
            node->lambdas = ARENA_NEW_ARRAY(&ev->arena, EvalLambda *, expr->argument_count);
        TRY(eval_lambda_open(ev, expr->arguments[i], &node->lambdas[i]));
    }
    return OK;
}

static Status compile_node(Evaluator *ev, EvalNode *node, uint32_t depth)
{
    const Expr *expr = node->expr;
    switch ((ExprKind)expr->kind) {
    case EXPR_CONSTANT:
        vector_set_constant(&node->out, &ev->arena, expr->type, &expr->constant.value);
        node->is_constant = true;
        return OK;
    case EXPR_COLUMN:
        return OK;
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_CASE:
        node->sel_true = ARENA_NEW_ARRAY(&ev->arena, uint16_t, CHUNK_ROWS);
        node->sel_rest = ARENA_NEW_ARRAY(&ev->arena, uint16_t, CHUNK_ROWS);
        break;
    case EXPR_IN:
        node->in_set = in_set_build(&ev->arena, expr);
        break;
    case EXPR_CALL:
        break;
    case EXPR_LAMBDA:
    case EXPR_ARGUMENT:
    case EXPR_PARAMETER:
    case EXPR_SUBQUERY:
        return RAISE(ev->diag, INTERNAL, "expression kind %u can't be evaluated", expr->kind);
    }
    TRY(compile_arguments(ev, node, depth));
    vector_init(&node->out, &ev->arena, expr->type, CHUNK_ROWS);
    node->may_use_dictionary = dictionary_friendly(expr);
    arena_init(&node->dict_arena, ev->arena.tracker);
    return expr->kind == EXPR_CALL ? open_call(ev, node) : OK;
}

static Status compile(Evaluator *ev, const Expr *expr, uint32_t depth, EvalNode **out_node)
{
    if (depth >= 2000)
        return RAISE(ev->diag, LIMIT_EXCEEDED, "expression is nested more than %u levels deep", depth);
    EvalNode *known = expr_is_deterministic(expr) ? find_node(ev, expr) : NULL;
    if (known != NULL) {
        *out_node = known;
        return OK;
    }
    EvalNode *node = ARENA_NEW(&ev->arena, EvalNode);
    node->expr = expr;
    TRY(compile_node(ev, node, depth));
    register_node(ev, node);
    *out_node = node;
    return OK;
}

Status eval_compile(Evaluator *ev, const Expr *expr, EvalNode **out_node)
{
    return compile(ev, expr, 0, out_node);
}

Status evaluator_open(const Expr *const *exprs, uint32_t count, const FuncSession *session,
                      MemTracker *tracker, Diag *diag, Evaluator **out_evaluator)
{
    Evaluator *ev = mem_alloc_zero(sizeof(*ev));
    arena_init(&ev->arena, tracker);
    arena_init(&ev->results, tracker);
    ev->session = session;
    ev->diag = diag;
    ev->next_epoch = 1;
    ev->root_count = count;
    ev->roots = ARENA_NEW_ARRAY(&ev->arena, EvalNode *, count);
    ev->can_run_whole = true;
    for (uint32_t i = 0; i < count; i++) {
        Status status = compile(ev, exprs[i], 0, &ev->roots[i]);
        if (status != OK) {
            evaluator_close(ev);
            return status;
        }
        ev->can_run_whole &= !expr_can_raise(exprs[i]) && expr_is_deterministic(exprs[i]);
    }
    *out_evaluator = ev;
    return OK;
}

static void close_node(EvalNode *node)
{
    if (node->expr->kind == EXPR_CALL && node->context.state != NULL &&
        node->expr->call.binding->close != NULL)
        node->expr->call.binding->close(node->context.state);
    for (uint32_t i = 0; node->lambdas != NULL && i < node->argument_count; i++) {
        if (node->lambdas[i] != NULL)
            evaluator_close(node->lambdas[i]->body);
    }
    arena_deinit(&node->dict_arena);
}

void evaluator_close(Evaluator *ev)
{
    if (ev == NULL)
        return;
    for (uint32_t i = 0; i < ev->node_count; i++)
        close_node(ev->nodes[i]);
    arena_deinit(&ev->results);
    arena_deinit(&ev->arena);
    mem_free(ev);
}

static bool is_fresh(const Evaluator *ev, const EvalNode *node)
{
    for (uint32_t i = ev->epoch_depth; i > 0; i--) {
        if (ev->epochs[i - 1] == node->epoch)
            return true;
    }
    return false;
}

/* Puts the union of the arguments' nulls into out. True: every row is NULL, nothing to compute. */
static bool unite_nulls(EvalNode *node, Rows rows, Arena *arena)
{
    for (uint32_t a = 0; a < node->argument_count; a++) {
        const Vector *value = node->argument_values[a];
        if (value == NULL || (value->nulls == NULL && value->form != VECTOR_DICTIONARY))
            continue;
        VectorView view = vector_view(value);
        if (view.is_constant) {
            if (view.nulls != NULL && view.nulls[0] != 0) {
                Vector null;
                vector_make_constant_null(&null, arena, node->out.type);
                vector_reference(&node->out, &null);
                return true;
            }
            continue;
        }
        if (view.nulls == NULL && view.row_nulls == NULL)
            continue;
        uint8_t *nulls = vector_nulls(&node->out);
        if (rows.sel == NULL && view.codes == NULL) {
            for (uint32_t i = 0; i < rows.count; i++)
                nulls[i] |= view.nulls[i];
            continue;
        }
        for (FOR_ROWS(rows, i, row))
            nulls[row] |= view_is_null(&view, row);
    }
    return false;
}

static Status run_kernel(EvalNode *node, const Vector *const *values, Rows rows, Vector *out)
{
    if (node->expr->kind == EXPR_IN) {
        eval_in(node, values[0], rows, out);
        return OK;
    }
    Status status = node->expr->call.binding->kernel(&node->context, values, node->argument_count, rows, out);
    if (status != OK || !node->context.is_over_memory)
        return status;
    node->context.is_over_memory = false;
    return RAISE(node->context.diag, MEMORY_LIMIT, "Memory of query exceed limit: %s() needs more", node->expr->call.binding->def->name);
}

static uint32_t call_flags(const EvalNode *node)
{
    return node->expr->kind == EXPR_CALL ? node->expr->call.binding->flags : 0;
}

/* What names the result on the argument's dictionary; 0: it can't be kept, since another argument is constant in this chunk only. */
static uint64_t kept_dict_id(const EvalNode *node, uint32_t argument)
{
    for (uint32_t a = 0; a < node->argument_count; a++) {
        if (a != argument && (node->arguments[a] == NULL || !node->arguments[a]->is_constant))
            return 0;
    }
    return node->argument_values[argument]->dict_id;
}

/* Index of the only argument that is no constant, when that is a small dictionary; else -1. */
static int dictionary_argument(const EvalNode *node, Rows rows)
{
    int found = -1;
    for (uint32_t a = 0; a < node->argument_count; a++) {
        const Vector *value = node->argument_values[a];
        if (value->form == VECTOR_CONSTANT)
            continue;
        if (found >= 0 || value->form != VECTOR_DICTIONARY)
            return -1;
        found = (int)a;
    }
    if (found < 0)
        return -1;
    const Vector *value = node->argument_values[found];
    /* Rows that are NULL beside the entries stay NULL, which is only right where NULL gives NULL. */
    if (value->nulls != NULL && node->expr->kind == EXPR_CALL && (call_flags(node) & FUNC_NULL_IF_ANY_NULL) == 0)
        return -1;
    uint64_t dict_id = kept_dict_id(node, (uint32_t)found);
    bool is_cached = dict_id != 0 && dict_id == node->cached_dict_id;
    bool pays = value->dict_size <= rows.count / 2 ||
                (dict_id != 0 && value->dict_size <= EVAL_DICTIONARY_LIMIT && value->dict_size <= 4 * CHUNK_ROWS);
    return is_cached || pays ? found : -1;
}

/* Runs the function on dictionary entries first .. first+count-1 into dict_result. */
static Status run_on_entries(EvalNode *node, uint32_t argument, uint32_t first, uint32_t count,
                             Vector *part)
{
    const Vector *values[FUNC_MAX_FIXED_ARGS + 1];
    const Vector *dictionary = node->argument_values[argument]->dictionary;
    Vector slice = *dictionary;
    vector_advance(&slice, first);
    for (uint32_t a = 0; a < node->argument_count; a++)
        values[a] = a == argument ? &slice : node->argument_values[a];
    vector_reset(part);
    if ((call_flags(node) & FUNC_NULL_IF_ANY_NULL) != 0 && slice.nulls != NULL)
        memcpy(vector_nulls(part), slice.nulls, count);
    return run_kernel(node, values, (Rows){NULL, count}, part);
}

static Status fill_dictionary_result(EvalNode *node, uint32_t argument)
{
    const Vector *value = node->argument_values[argument];
    uint32_t size = value->dict_size;
    arena_reset(&node->dict_arena);
    vector_init(&node->dict_result, &node->dict_arena, node->expr->type, MAX(size, 1u));
    Vector part;
    vector_init(&part, &node->dict_arena, node->expr->type, CHUNK_ROWS);
    Arena *saved = node->context.arena;
    node->context.arena = &node->dict_arena;
    Status status = OK;
    for (uint32_t first = 0; first < size && status == OK; first += CHUNK_ROWS) {
        uint32_t count = MIN(size - first, (uint32_t)CHUNK_ROWS);
        status = run_on_entries(node, argument, first, count, &part);
        if (status == OK)
            vector_gather(&part, (Rows){NULL, count}, NULL, first, &node->dict_result);
    }
    node->context.arena = saved;
    node->cached_dict_id = status == OK ? kept_dict_id(node, argument) : 0;
    return status;
}

/* A function that fails on an entry may never see a row of it: then the rows are asked, from now on. */
static Status try_dictionary(EvalNode *node, uint32_t argument)
{
    if ((call_flags(node) & FUNC_CAN_RAISE) == 0)
        return fill_dictionary_result(node, argument);
    Diag unheard = {0};
    Diag *saved = node->context.diag;
    node->context.diag = &unheard;
    Status status = fill_dictionary_result(node, argument);
    node->context.diag = saved;
    node->may_use_dictionary = status == OK;
    return OK;
}

static Status eval_on_dictionary(EvalNode *node, uint32_t argument, Rows rows)
{
    const Vector *value = node->argument_values[argument];
    uint64_t dict_id = kept_dict_id(node, argument);
    if (dict_id == 0 || dict_id != node->cached_dict_id)
        TRY(try_dictionary(node, argument));
    if (!node->may_use_dictionary)
        return OK;
    Vector *out = &node->out;
    if (value->nulls != NULL) { /* nulls of rows, beside those of entries */
        uint8_t *nulls = vector_nulls(out);
        for (FOR_ROWS(rows, i, row))
            nulls[row] = value->nulls[row];
    }
    out->form = VECTOR_DICTIONARY;
    out->codes = value->codes;
    out->dictionary = &node->dict_result;
    out->dict_size = value->dict_size;
    out->dict_id = 0;
    out->data = NULL;
    return OK;
}

/* Children of nested results grow in the arena of results, so they must not survive its reset. */
void eval_reset_out(Evaluator *ev, EvalNode *node)
{
    if (node->out.child_count > 0 || type_is_nested(node->expr->type))
        vector_init(&node->out, &ev->results, node->expr->type, CHUNK_ROWS);
    else
        vector_reset(&node->out);
}

static bool all_constant(const EvalNode *node)
{
    for (uint32_t a = 0; a < node->argument_count; a++) {
        if (node->argument_values[a] == NULL || node->argument_values[a]->form != VECTOR_CONSTANT)
            return false;
    }
    return (call_flags(node) & FUNC_VOLATILE) == 0 && node->lambdas == NULL;
}

static Status eval_call(Evaluator *ev, EvalNode *node, Rows rows)
{
    for (uint32_t a = 0; a < node->argument_count; a++) {
        if (node->arguments[a] != NULL)
            TRY(eval_node(ev, node->arguments[a], rows, &node->argument_values[a]));
    }
    if (node->lambdas != NULL)
        TRY(eval_lambda_captures(ev, node, rows));
    eval_reset_out(ev, node);
    bool is_constant = node->argument_count > 0 && all_constant(node);
    Rows work = is_constant ? (Rows){NULL, 1} : rows;
    if (!is_constant && node->may_use_dictionary && node->argument_count <= FUNC_MAX_FIXED_ARGS) {
        int argument = dictionary_argument(node, rows);
        bool null_constant = false; /* a NULL constant beside it goes the general way */
        for (uint32_t a = 0; a < node->argument_count; a++) {
            const Vector *value = node->argument_values[a];
            null_constant |= value->form == VECTOR_CONSTANT && value->nulls != NULL && value->nulls[0];
        }
        if (argument >= 0 && !null_constant) {
            TRY(eval_on_dictionary(node, (uint32_t)argument, rows));
            if (node->may_use_dictionary)
                return OK;
            eval_reset_out(ev, node);
        }
    }
    if ((call_flags(node) & FUNC_NULL_IF_ANY_NULL) != 0 && unite_nulls(node, work, &ev->results))
        return OK;
    TRY(run_kernel(node, node->argument_values, work, &node->out));
    if (is_constant && node->out.form == VECTOR_FLAT)
        node->out.form = VECTOR_CONSTANT;
    return OK;
}

Status eval_node(Evaluator *ev, EvalNode *node, Rows rows, const Vector **out)
{
    *out = &node->out;
    if (node->is_constant)
        return OK;
    if (node->expr->kind == EXPR_COLUMN) {
        ENSURE(node->expr->column.slot < ev->input->column_count, ev->diag);
        *out = &ev->input->columns[node->expr->column.slot];
        return OK;
    }
    if (is_fresh(ev, node))
        return OK;
    uint64_t epoch = ev->epochs[ev->epoch_depth - 1];
    switch ((ExprKind)node->expr->kind) {
    case EXPR_CALL:
    case EXPR_IN:
        TRY(eval_call(ev, node, rows));
        break;
    case EXPR_AND:
    case EXPR_OR:
        TRY(eval_and_or(ev, node, rows));
        break;
    case EXPR_CASE:
        TRY(eval_case(ev, node, rows));
        break;
    case EXPR_CONSTANT:
    case EXPR_COLUMN:
    case EXPR_LAMBDA:
    case EXPR_ARGUMENT:
    case EXPR_PARAMETER:
    case EXPR_SUBQUERY:
        UNREACHABLE();
    }
    node->epoch = epoch;
    return OK;
}

Status eval_narrower(Evaluator *ev, EvalNode *node, Rows rows, const Vector **out)
{
    if (ev->epoch_depth == EVAL_MAX_DEPTH)
        return RAISE(ev->diag, LIMIT_EXCEEDED, "conditions are nested more than %d levels deep",
                     EVAL_MAX_DEPTH);
    ev->epochs[ev->epoch_depth++] = ev->next_epoch++;
    Status status = eval_node(ev, node, rows, out);
    ev->epoch_depth--;
    return status;
}

bool evaluator_can_run_whole(const Evaluator *ev)
{
    return ev->can_run_whole;
}

bool evaluator_runs_whole(const Evaluator *ev, const Chunk *input)
{
    return ev->can_run_whole && chunk_is_nearly_whole(input);
}

Status evaluator_run(Evaluator *ev, const Chunk *input, const Vector **out_columns)
{
    arena_reset(&ev->results);
    ev->input = input;
    ev->epoch_depth = 1;
    ev->epochs[0] = ev->next_epoch++;
    Rows rows = evaluator_runs_whole(ev, input) ? (Rows){NULL, input->row_count} : chunk_rows(input);
    for (uint32_t i = 0; i < ev->root_count; i++)
        TRY(eval_node(ev, ev->roots[i], rows, &out_columns[i]));
    return OK;
}
