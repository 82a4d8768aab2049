#include "analyze/authorize.h"

/* A row a kind of statement. What is not listed touches nothing that belongs to somebody (SET of a session, BEGIN, EXPLAIN
 * of a query, whose tables are asked for), or asks where it is bound. */

typedef enum Scope {
    ON_SERVER,
    ON_DATABASE,      /* the name is a database's */
    ON_OBJECT,        /* the name is a table's or view's */
    ON_CREATED_TABLE, /* the name stands in another part of the tree */
    ON_VIEW,
} Scope;

typedef struct Rule {
    uint8_t kind; /* AstKind */
    uint8_t action;
    uint8_t scope;
} Rule;

static const Rule rules[] = {
    {AST_STATEMENT_CREATE_DATABASE, AUTHORIZE_CREATE, ON_DATABASE}, {AST_STATEMENT_DROP_DATABASE, AUTHORIZE_DROP, ON_DATABASE},
    {AST_STATEMENT_ALTER_DATABASE, AUTHORIZE_ALTER, ON_DATABASE},   {AST_STATEMENT_CREATE_TABLE, AUTHORIZE_CREATE, ON_CREATED_TABLE},
    {AST_STATEMENT_DROP_TABLE, AUTHORIZE_DROP, ON_OBJECT},          {AST_STATEMENT_TRUNCATE, AUTHORIZE_DELETE, ON_OBJECT},
    {AST_STATEMENT_ALTER_TABLE, AUTHORIZE_ALTER, ON_OBJECT},        {AST_STATEMENT_CREATE_VIEW, AUTHORIZE_CREATE, ON_VIEW},
    {AST_STATEMENT_ALTER_VIEW, AUTHORIZE_ALTER, ON_VIEW},           {AST_STATEMENT_DROP_VIEW, AUTHORIZE_DROP, ON_OBJECT},
    {AST_STATEMENT_DESCRIBE, AUTHORIZE_SELECT, ON_OBJECT},          {AST_STATEMENT_ANALYZE, AUTHORIZE_SELECT, ON_OBJECT},
    {AST_STATEMENT_KILL, AUTHORIZE_OPERATE, ON_SERVER},             {AST_STATEMENT_ADMIN_SET_CONFIG, AUTHORIZE_OPERATE, ON_SERVER},
    {AST_STATEMENT_COMMAND, AUTHORIZE_OPERATE, ON_SERVER},          {AST_STATEMENT_USER, AUTHORIZE_OPERATE, ON_SERVER},
    {AST_STATEMENT_GRANT, AUTHORIZE_OPERATE, ON_SERVER},
};

static bool sets_global(const AstStatement *statement)
{
    for (uint32_t i = 0; i < statement->settings.count; i++) {
        if (strview_is(statement->settings.items[i].scope, "global"))
            return true;
    }
    return false;
}

static void name_target(const AstName *name, StrView current, AuthorizeTarget *out)
{
    if (name->count == 0)
        return;
    out->database = name->count >= 2 ? name->parts[name->count - 2] : current;
    out->object = name->parts[name->count - 1];
}

bool authorize_target(const AstStatement *statement, StrView current, AuthorizeTarget *out)
{
    *out = (AuthorizeTarget){.action = AUTHORIZE_OPERATE};
    if (statement->kind == AST_STATEMENT_SET)
        return sets_global(statement);
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        const Rule *rule = &rules[i];
        if (rule->kind != statement->kind)
            continue;
        out->action = (AuthorizeAction)rule->action;
        if (rule->scope == ON_DATABASE && statement->name.count > 0)
            out->database = statement->name.parts[statement->name.count - 1];
        else if (rule->scope != ON_SERVER && rule->scope != ON_DATABASE)
            name_target(rule->scope == ON_OBJECT ? &statement->name
                        : rule->scope == ON_VIEW ? &statement->view->name
                                                 : &statement->create_table->name,
                        current, out);
        return true;
    }
    return false;
}

Status authorize_statement(const AnalyzeContext *context, const AstStatement *statement)
{
    AuthorizeTarget target;
    if (context->authorizer == NULL || !authorize_target(statement, context->database, &target))
        return OK;
    return context->authorizer->check(context->authorizer->context, target.action, target.database, target.object, context->diag);
}
