#include "session/session_int.h"

/* Hints that set variables for one statement: SET_VAR(name = value) and SET_USER_VARIABLE(@name = expression). They
 * stand in the first SELECT of a query or behind INSERT; what the session had comes back when the statement ends. */

typedef struct Hints {
    const AstStrList *names, *values;
    const AstExprList *assignments;
} Hints;

typedef struct SavedVariable {
    StrView name;
    bool is_user;
    bool was_set, was_null;
    const char *value;
    const char *type;
} SavedVariable;

static Hints hints_of(const AstStatement *statement)
{
    static const AstStrList no_names;
    static const AstExprList no_assignments;
    if (statement->kind == AST_STATEMENT_EXPLAIN && statement->inner != NULL)
        statement = statement->inner;
    const AstQuery *query = statement->kind == AST_STATEMENT_QUERY ? statement->query : NULL;
    while (query != NULL && query->kind == AST_QUERY_SET)
        query = query->left;
    if (query != NULL && query->kind == AST_QUERY_SELECT)
        return (Hints){&query->select.hint_names, &query->select.hint_values, &query->select.hint_assignments};
    if (statement->kind == AST_STATEMENT_INSERT)
        return (Hints){&statement->insert->hint_names, &statement->insert->hint_values, &no_assignments};
    return (Hints){&no_names, &no_names, &no_assignments};
}

static SavedVariable save(StatementContext *context, StrView name, bool is_user)
{
    SavedVariable saved = {.name = name, .is_user = is_user};
    for (const Variable *v = context->session->variables; v != NULL && !saved.was_set; v = v->next) {
        if (v->is_user != is_user || !strview_equal_ci(name, strview(v->name)))
            continue;
        saved.was_set = true;
        saved.was_null = v->is_null;
        saved.value = arena_strdup(&context->arena, v->value);
        saved.type = v->type == NULL ? NULL : arena_strdup(&context->arena, v->type);
    }
    return saved;
}

static void restore(StatementContext *context, const SavedVariable *saved)
{
    Session *session = context->session;
    Type type;
    if (!saved->was_set) {
        variable_unset(session, saved->name, saved->is_user);
        return;
    }
    variable_set(session, saved->name, saved->is_user, saved->was_null ? NULL : saved->value);
    if (saved->type != NULL && type_parse(strview(saved->type), &context->arena, NULL, &type) == OK)
        variable_set_type(session, saved->name, type);
}

/* Sets what the hints say; *in_out_count variables were saved before it. */
static Status set_hinted(StatementContext *context, const Hints *hints, StrView source, SavedVariable *saved, uint32_t *in_out_count)
{
    for (uint32_t i = 0; i < hints->names->count; i++) {
        StrView name = hints->names->items[i];
        if (!variable_is_known(name))
            return RAISE(context->diag, UNKNOWN_VARIABLE, "Unknown system variable '%.*s'", SV_ARGS(name));
        saved[(*in_out_count)++] = save(context, name, false);
        StrView value = hints->values->items[i];
        variable_set(context->session, name, false, arena_strndup(&context->arena, value.data, value.length));
    }
    for (uint32_t i = 0; i < hints->assignments->count; i++) {
        const AstExpr *assignment = hints->assignments->items[i];
        Type type;
        Datum value;
        AUTO_BYTEBUF text = {0};
        TRY(evaluate_value(context, assignment->left, source, &type, &value));
        datum_print(type, &value, &text);
        saved[(*in_out_count)++] = save(context, assignment->text, true);
        variable_set(context->session, assignment->text, true, value.is_null ? NULL : text.data == NULL ? "" : text.data);
        variable_set_type(context->session, assignment->text, type);
    }
    return OK;
}

Status run_with_hints(StatementContext *context, const AstStatement *statement,
                      Status (*run)(StatementContext *context, const AstStatement *statement))
{
    Hints hints = hints_of(statement);
    uint32_t most = hints.names->count + hints.assignments->count;
    uint32_t count = 0;
    if (most == 0)
        return run(context, statement);
    SavedVariable *saved = ARENA_NEW_ARRAY(&context->arena, SavedVariable, most);
    Status status = set_hinted(context, &hints, statement->source, saved, &count);
    session_refresh_functions(context);
    if (status == OK)
        status = run(context, statement);
    while (count > 0)
        restore(context, &saved[--count]);
    return status;
}
