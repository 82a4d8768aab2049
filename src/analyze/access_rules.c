#include "analyze/authorize.h"

/* Which privilege each kind of statement needs. What is not in a table needs OPERATE on SYSTEM, so that a statement that
 * someone forgets here is refused rather than allowed. */

#include "sql/ast_command.h"

#define P(name) PRIVILEGE_BIT(name)

typedef struct StatementRule {
    uint8_t kind; /* AstKind */
    AccessRule rule;
} StatementRule;

static const StatementRule statement_rules[] = {
    {AST_STATEMENT_QUERY, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_EXPLAIN, {ACCESS_FREE, 0, 0}}, /* of its inner statement */
    {AST_STATEMENT_TRACE, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_INSERT, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_UPDATE, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_DELETE, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_MERGE, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_CREATE_DATABASE, {ACCESS_ON_CATALOG, OBJECT_CATALOG, P(CREATE_DATABASE)}},
    {AST_STATEMENT_DROP_DATABASE, {ACCESS_ON_DATABASE, OBJECT_DATABASE, P(DROP)}},
    {AST_STATEMENT_ALTER_DATABASE, {ACCESS_ON_DATABASE, OBJECT_DATABASE, P(ALTER)}},
    {AST_STATEMENT_CREATE_TABLE, {ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_TABLE)}},
    {AST_STATEMENT_DROP_TABLE, {ACCESS_ON_TABLE, OBJECT_TABLE, P(DROP)}},
    {AST_STATEMENT_TRUNCATE, {ACCESS_ON_TABLE, OBJECT_TABLE, P(DELETE)}},
    {AST_STATEMENT_ALTER_TABLE, {ACCESS_ON_TABLE, OBJECT_TABLE, P(ALTER)}},
    {AST_STATEMENT_CREATE_VIEW, {ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_VIEW)}},
    {AST_STATEMENT_ALTER_VIEW, {ACCESS_ON_TABLE, OBJECT_VIEW, P(ALTER)}},
    {AST_STATEMENT_DROP_VIEW, {ACCESS_ON_TABLE, OBJECT_VIEW, P(DROP)}},
    {AST_STATEMENT_CREATE_MV, {ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_MATERIALIZED_VIEW)}},
    {AST_STATEMENT_ALTER_MV, {ACCESS_ON_TABLE, OBJECT_MATERIALIZED_VIEW, P(ALTER)}},
    {AST_STATEMENT_REFRESH_MV, {ACCESS_ON_TABLE, OBJECT_MATERIALIZED_VIEW, P(REFRESH)}},
    {AST_STATEMENT_USE, {ACCESS_FREE, 0, 0}}, /* session_use() asks */
    {AST_STATEMENT_SET, {ACCESS_FREE, 0, 0}}, /* GLOBAL: see below */
    {AST_STATEMENT_DESCRIBE, {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {AST_STATEMENT_KILL, {ACCESS_FREE, 0, 0}}, /* own connections, or OPERATE */
    {AST_STATEMENT_BEGIN, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_COMMIT, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_ROLLBACK, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_PREPARE, {ACCESS_FREE, 0, 0}}, /* asks when it is executed */
    {AST_STATEMENT_EXECUTE, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_DEALLOCATE, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_NO_OPERATION, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_SUBMIT_TASK, {ACCESS_FREE, 0, 0}}, /* its statement, now and when it runs */
    {AST_STATEMENT_ANALYZE, {ACCESS_ON_TABLE, OBJECT_TABLE, P(SELECT)}},
    {AST_STATEMENT_STATISTICS, {ACCESS_ON_TABLE, OBJECT_TABLE, P(SELECT)}},
    {AST_STATEMENT_USER, {ACCESS_FREE, 0, 0}}, /* GRANT on SYSTEM, or oneself: where they run */
    {AST_STATEMENT_GRANT, {ACCESS_FREE, 0, 0}},
    {AST_STATEMENT_ADMIN_SET_CONFIG, {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE)}},
};

typedef struct WordsRule {
    const char *what; /* AstCommand.what or AstShow.what; a * at the end: whatever follows */
    AccessRule rule;
} WordsRule;

static const WordsRule command_rules[] = {
    {"DROP MATERIALIZED VIEW", {ACCESS_ON_TABLE, OBJECT_MATERIALIZED_VIEW, P(DROP)}},
    {"CANCEL REFRESH MATERIALIZED VIEW", {ACCESS_ON_TABLE, OBJECT_MATERIALIZED_VIEW, P(REFRESH)}},
    {"VERIFY MATERIALIZED VIEW", {ACCESS_ON_TABLE, OBJECT_MATERIALIZED_VIEW, P(SELECT)}},
    {"ALTER VIEW SECURITY", {ACCESS_ON_TABLE, OBJECT_VIEW, P(ALTER)}},
    {"ALTER DATABASE*", {ACCESS_ON_DATABASE, OBJECT_DATABASE, P(ALTER)}},
    {"RECOVER DATABASE", {ACCESS_ON_CATALOG, OBJECT_CATALOG, P(CREATE_DATABASE)}},
    {"RECOVER TABLE", {ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_TABLE)}},
    {"RECOVER PARTITION", {ACCESS_ON_TABLE, OBJECT_TABLE, P(ALTER)}},
    {"CREATE INDEX", {ACCESS_ON_TABLE, OBJECT_TABLE, P(ALTER)}},
    {"DROP INDEX", {ACCESS_ON_TABLE, OBJECT_TABLE, P(ALTER)}},
    {"CANCEL ALTER TABLE", {ACCESS_ON_TABLE, OBJECT_TABLE, P(ALTER)}},
    {"CREATE STORAGE VOLUME", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(CREATE_STORAGE_VOLUME)}},
    {"ALTER STORAGE VOLUME", {ACCESS_ON_NAMED, OBJECT_STORAGE_VOLUME, P(ALTER)}},
    {"DROP STORAGE VOLUME", {ACCESS_ON_NAMED, OBJECT_STORAGE_VOLUME, P(DROP)}},
    {"SET DEFAULT STORAGE VOLUME", {ACCESS_ON_NAMED, OBJECT_STORAGE_VOLUME, P(ALTER)}},
    {"CREATE WAREHOUSE", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(CREATE_WAREHOUSE)}},
    {"ALTER WAREHOUSE", {ACCESS_ON_NAMED, OBJECT_WAREHOUSE, P(ALTER)}},
    {"SUSPEND WAREHOUSE", {ACCESS_ON_NAMED, OBJECT_WAREHOUSE, P(ALTER)}},
    {"RESUME WAREHOUSE", {ACCESS_ON_NAMED, OBJECT_WAREHOUSE, P(ALTER)}},
    {"DROP WAREHOUSE", {ACCESS_ON_NAMED, OBJECT_WAREHOUSE, P(DROP)}},
    {"CREATE CATALOG", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(CREATE_EXTERNAL_CATALOG)}},
    {"ALTER CATALOG", {ACCESS_ON_NAMED, OBJECT_CATALOG, P(ALTER)}},
    {"DROP CATALOG", {ACCESS_ON_NAMED, OBJECT_CATALOG, P(DROP)}},
    {"CREATE RESOURCE", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(CREATE_RESOURCE)}},
    {"ALTER RESOURCE", {ACCESS_ON_NAMED, OBJECT_RESOURCE, P(ALTER)}},
    {"DROP RESOURCE", {ACCESS_ON_NAMED, OBJECT_RESOURCE, P(DROP)}},
    {"CREATE RESOURCE GROUP", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(CREATE_RESOURCE_GROUP)}},
    {"ALTER RESOURCE GROUP", {ACCESS_ON_NAMED, OBJECT_RESOURCE_GROUP, P(ALTER)}},
    {"DROP RESOURCE GROUP", {ACCESS_ON_NAMED, OBJECT_RESOURCE_GROUP, P(DROP)}},
    {"DROP USER", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(GRANT)}},
    {"CREATE ROLE", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(GRANT)}},
    {"ALTER ROLE", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(GRANT)}},
    {"DROP ROLE", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(GRANT)}},
    {"EXECUTE AS", {ACCESS_FREE, 0, 0}}, /* IMPERSONATE: where it runs */
    {"CREATE FUNCTION", {ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_FUNCTION)}},
    {"CREATE PIPE", {ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_PIPE)}},
    {"CREATE DICTIONARY", {ACCESS_IN_DATABASE, OBJECT_DATABASE, P(CREATE_TABLE)}},
    {"EXPORT TABLE", {ACCESS_ON_TABLE, OBJECT_TABLE, P(EXPORT)}},
    {"REFRESH EXTERNAL TABLE", {ACCESS_ON_TABLE, OBJECT_TABLE, P(ALTER)}},
    {"CREATE REPOSITORY", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"DROP REPOSITORY", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"BACKUP*", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"CANCEL BACKUP", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"RESTORE*", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}}, /* from a snapshot, too */
    {"CANCEL RESTORE", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"CREATE SNAPSHOT", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"DROP SNAPSHOT", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"ALTER SYSTEM*", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(NODE)}},
    {"INSTALL PLUGIN", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(PLUGIN)}},
    {"UNINSTALL PLUGIN", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(PLUGIN)}},
    {"CREATE FILE", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(FILE)}},
    {"DROP FILE", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(FILE)}},
    {"ADD SQLBLACKLIST", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(BLACKLIST)}},
    {"DELETE SQLBLACKLIST", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(BLACKLIST)}},
    {"ADD BACKEND BLACKLIST", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(BLACKLIST)}},
    {"DELETE BACKEND BLACKLIST", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(BLACKLIST)}},
    {"ADD COMPUTE NODE BLACKLIST", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(BLACKLIST)}},
    {"DELETE COMPUTE NODE BLACKLIST", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(BLACKLIST)}},
    {"CREATE SECURITY INTEGRATION", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(SECURITY)}},
    {"ALTER SECURITY INTEGRATION", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(SECURITY)}},
    {"DROP SECURITY INTEGRATION", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(SECURITY)}},
    {"CREATE GROUP PROVIDER", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(SECURITY)}},
    {"ALTER GROUP PROVIDER", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(SECURITY)}},
    {"DROP GROUP PROVIDER", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(SECURITY)}},
    {"DROP TASK", {ACCESS_FREE, 0, 0}}, /* one's own, or OPERATE: where they run */
    {"ALTER TASK", {ACCESS_FREE, 0, 0}},
    {"SUSPEND TASK", {ACCESS_FREE, 0, 0}},
    {"RESUME TASK", {ACCESS_FREE, 0, 0}},
    {"CACHE SELECT", {ACCESS_FREE, 0, 0}}, /* its query */
    {"ANALYZE PROFILE", {ACCESS_FREE, 0, 0}}, /* of one's own queries, or OPERATE */
    {"HELP", {ACCESS_FREE, 0, 0}},
};

/* SHOW statements that list objects show those that the user may see, and need nothing. */
static const WordsRule show_rules[] = {
    {"CREATE TABLE", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"CREATE VIEW", {ACCESS_ON_TABLE, OBJECT_VIEW, PRIVILEGE_ANY}},
    {"CREATE MATERIALIZED VIEW", {ACCESS_ON_TABLE, OBJECT_MATERIALIZED_VIEW, PRIVILEGE_ANY}},
    {"CREATE DATABASE", {ACCESS_ON_DATABASE, OBJECT_DATABASE, PRIVILEGE_ANY}},
    {"CREATE SCHEMA", {ACCESS_ON_DATABASE, OBJECT_DATABASE, PRIVILEGE_ANY}},
    {"CREATE CATALOG", {ACCESS_FREE, 0, 0}},
    {"COLUMNS", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"FIELDS", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"INDEX", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"INDEXES", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"KEY", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"KEYS", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"PARTITIONS", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"TEMPORARY PARTITIONS", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"TABLETS", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"TABLET", {ACCESS_ON_TABLE, OBJECT_TABLE, PRIVILEGE_ANY}},
    {"FRONTENDS", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE) | P(NODE)}},
    {"BACKENDS", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE) | P(NODE)}},
    {"COMPUTE NODES", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE) | P(NODE)}},
    {"BROKER", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE) | P(NODE)}},
    {"PLUGINS", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(PLUGIN)}},
    {"SQLBLACKLIST", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(BLACKLIST)}},
    {"BACKEND BLACKLIST", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(BLACKLIST)}},
    {"COMPUTE NODE BLACKLIST", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(BLACKLIST)}},
    {"REPOSITORIES", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"SNAPSHOT", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"SNAPSHOTS", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"BACKUP", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"RESTORE", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(REPOSITORY)}},
    {"FILE", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(FILE)}},
    {"USERS", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(GRANT)}},
    {"ROLES", {ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(GRANT)}},
    {"GRANTS", {ACCESS_FREE, 0, 0}}, /* one's own, or GRANT on SYSTEM: where they run */
    {"AUTHENTICATION", {ACCESS_FREE, 0, 0}},
    {"PROPERTY", {ACCESS_FREE, 0, 0}},
    {"PRIVILEGES", {ACCESS_FREE, 0, 0}},
    {"DATABASES", {ACCESS_FREE, 0, 0}},
    {"SCHEMAS", {ACCESS_FREE, 0, 0}},
    {"TABLES", {ACCESS_FREE, 0, 0}},
    {"VIEWS", {ACCESS_FREE, 0, 0}},
    {"OPEN TABLES", {ACCESS_FREE, 0, 0}},
    {"TABLE STATUS", {ACCESS_FREE, 0, 0}},
    {"MATERIALIZED VIEW", {ACCESS_FREE, 0, 0}},
    {"MATERIALIZED VIEWS", {ACCESS_FREE, 0, 0}},
    {"DYNAMIC PARTITION TABLES", {ACCESS_FREE, 0, 0}},
    {"DATA", {ACCESS_FREE, 0, 0}}, /* of a table: any privilege on it */
    {"ALTER*", {ACCESS_FREE, 0, 0}},
    {"ANALYZE*", {ACCESS_FREE, 0, 0}},
    {"STATS META", {ACCESS_FREE, 0, 0}},
    {"HISTOGRAM META", {ACCESS_FREE, 0, 0}},
    {"LOAD", {ACCESS_FREE, 0, 0}},
    {"EXPORT", {ACCESS_FREE, 0, 0}},
    {"DELETE", {ACCESS_FREE, 0, 0}},
    {"ROUTINE LOAD", {ACCESS_FREE, 0, 0}},
    {"ROUTINE LOAD TASK", {ACCESS_FREE, 0, 0}},
    {"TRANSACTION", {ACCESS_FREE, 0, 0}},
    {"PIPES", {ACCESS_FREE, 0, 0}},
    {"DICTIONARY", {ACCESS_FREE, 0, 0}},
    {"FUNCTIONS", {ACCESS_FREE, 0, 0}},
    {"FUNCTION STATUS", {ACCESS_FREE, 0, 0}},
    {"PROCEDURE STATUS", {ACCESS_FREE, 0, 0}},
    {"TRIGGERS", {ACCESS_FREE, 0, 0}},
    {"EVENTS", {ACCESS_FREE, 0, 0}},
    {"ENGINES", {ACCESS_FREE, 0, 0}},
    {"STORAGE ENGINES", {ACCESS_FREE, 0, 0}},
    {"CHARSET", {ACCESS_FREE, 0, 0}},
    {"CHARACTER SET", {ACCESS_FREE, 0, 0}},
    {"COLLATION", {ACCESS_FREE, 0, 0}},
    {"VARIABLES", {ACCESS_FREE, 0, 0}},
    {"STATUS", {ACCESS_FREE, 0, 0}},
    {"WARNINGS", {ACCESS_FREE, 0, 0}},
    {"ERRORS", {ACCESS_FREE, 0, 0}},
    {"COUNT*", {ACCESS_FREE, 0, 0}}, /* of warnings and errors */
    {"PROCESSLIST", {ACCESS_FREE, 0, 0}}, /* one's own connections, or OPERATE: all */
    {"PROFILELIST", {ACCESS_FREE, 0, 0}},
    {"RUNNING QUERIES", {ACCESS_FREE, 0, 0}},
    {"CATALOGS", {ACCESS_FREE, 0, 0}},
    {"STORAGE VOLUMES", {ACCESS_FREE, 0, 0}},
    {"RESOURCES", {ACCESS_FREE, 0, 0}},
    {"RESOURCE GROUP*", {ACCESS_FREE, 0, 0}},
    {"USAGE RESOURCE GROUPS", {ACCESS_FREE, 0, 0}},
    {"WAREHOUSES", {ACCESS_FREE, 0, 0}},
    {"TASKS", {ACCESS_FREE, 0, 0}},
};

static bool words_match(StrView what, const char *words)
{
    size_t length = strlen(words);
    bool is_prefix = words[length - 1] == '*';
    return is_prefix ? strview_starts_with(what, strview_n(words, length - 1)) : strview_is(what, words);
}

static AccessRule rule_of_words(StrView what, const WordsRule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (words_match(what, rules[i].what))
            return rules[i].rule;
    }
    return (AccessRule){ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE)};
}

static AccessRule rule_of(const AstStatement *statement)
{
    if (statement->kind == AST_STATEMENT_COMMAND)
        return rule_of_words(statement->command->what, command_rules, COUNT_OF(command_rules));
    if (statement->kind == AST_STATEMENT_SHOW)
        return rule_of_words(statement->show->what, show_rules, COUNT_OF(show_rules));
    if (statement->kind == AST_STATEMENT_DESCRIBE && strview_is(statement->text, "STORAGE VOLUME"))
        return (AccessRule){ACCESS_ON_NAMED, OBJECT_STORAGE_VOLUME, PRIVILEGE_ANY};
    if (statement->kind == AST_STATEMENT_DESCRIBE && strview_is(statement->text, "FILES"))
        return (AccessRule){ACCESS_FREE, 0, 0}; /* asks when it is run */
    for (size_t i = 0; i < COUNT_OF(statement_rules); i++) {
        if (statement_rules[i].kind == statement->kind)
            return statement_rules[i].rule;
    }
    return (AccessRule){ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE)};
}

/* Where in the tree the name stands. */
static const AstName *name_of(const AstStatement *statement)
{
    switch ((AstKind)statement->kind) {
    case AST_STATEMENT_CREATE_TABLE:
        return &statement->create_table->name;
    case AST_STATEMENT_CREATE_VIEW:
    case AST_STATEMENT_ALTER_VIEW:
        return &statement->view->name;
    case AST_STATEMENT_CREATE_MV:
        return &statement->mv->table.name;
    case AST_STATEMENT_ALTER_MV:
        return &statement->alter_mv->name;
    case AST_STATEMENT_REFRESH_MV:
        return &statement->refresh_mv->name;
    case AST_STATEMENT_STATISTICS:
        return &statement->analyze->table;
    case AST_STATEMENT_COMMAND:
        return &statement->command->name;
    case AST_STATEMENT_SHOW:
        return &statement->show->name;
    default:
        return &statement->name;
    }
}

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
    out->database = current;
    if (name->count == 0)
        return;
    if (out->rule.scope == ACCESS_ON_DATABASE) {
        out->database = name->parts[name->count - 1];
        return;
    }
    out->object = name->parts[name->count - 1];
    if (name->count >= 2)
        out->database = name->parts[name->count - 2];
}

void authorize_target(const AstStatement *statement, StrView current, AuthorizeTarget *out)
{
    *out = (AuthorizeTarget){.rule = rule_of(statement)};
    const AstName *name = name_of(statement);
    if (statement->kind == AST_STATEMENT_SET && sets_global(statement))
        out->rule = (AccessRule){ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE)};
    if (statement->kind == AST_STATEMENT_SHOW && statement->show->database.length > 0)
        current = statement->show->database; /* FROM t FROM db */
    if (statement->kind == AST_STATEMENT_COMMAND && statement->command->flag && strview_is(statement->command->what, "CREATE FUNCTION"))
        out->rule = (AccessRule){ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(CREATE_GLOBAL_FUNCTION)};
    if (out->rule.scope == ACCESS_ON_TABLE && name->count == 0)
        out->rule = (AccessRule){ACCESS_ON_SYSTEM, OBJECT_SYSTEM, P(OPERATE)}; /* of everything: ANALYZE jobs */
    name_target(name, current, out);
}

/* The storage volume that CREATE TABLE or DATABASE names. */
static StrView volume_of(const AstStatement *statement)
{
    const AstProperties *properties = statement->kind == AST_STATEMENT_CREATE_TABLE      ? &statement->create_table->properties
                                      : statement->kind == AST_STATEMENT_CREATE_DATABASE ? &statement->properties
                                                                                         : NULL;
    for (uint32_t i = 0; properties != NULL && i < properties->keys.count; i++) {
        if (strview_equal_ci(properties->keys.items[i], STR_VIEW("storage_volume")))
            return properties->values.items[i];
    }
    return (StrView){0};
}

bool authorize_second_target(const AstStatement *statement, const AuthorizeTarget *first, AuthorizeTarget *out)
{
    *out = *first;
    const AstName *other = NULL;
    for (uint32_t i = 0; statement->kind == AST_STATEMENT_ALTER_TABLE && i < statement->actions.count; i++) {
        if (strview_is(statement->actions.items[i].kind, "SWAP"))
            other = &statement->actions.items[i].other;
    }
    if (statement->kind == AST_STATEMENT_ALTER_MV && strview_is(statement->alter_mv->action, "SWAP"))
        other = &statement->alter_mv->new_name;
    if (other != NULL && other->count > 0) {
        name_target(other, first->database, out);
        return true;
    }
    StrView volume = volume_of(statement);
    if (volume.length > 0) {
        *out = (AuthorizeTarget){.rule = {ACCESS_ON_NAMED, OBJECT_STORAGE_VOLUME, P(USAGE)}, .object = volume};
        return true;
    }
    bool is_partition = statement->kind == AST_STATEMENT_COMMAND && strview_is(statement->command->what, "RECOVER PARTITION");
    out->rule.any_of = P(INSERT); /* its rows come back */
    return is_partition;
}
