#pragma once
/* Whether whoever runs a statement may do what it does. authorize_statement() knows which privilege each kind of
 * statement needs, as far as its words tell (access_rules.c); queries, INSERT, UPDATE and DELETE ask for each table that
 * they touch when they are bound. A context without rights is one of our own, which may everything. */

#include "analyze/analyze.h"

/* At least one of the privileges on the object; else the refusal, which names it by title. */
Status authorize(const AnalyzeContext *context, const AccessObject *object, PrivilegeSet any_of, StrView title);
Status authorize_system(const AnalyzeContext *context, PrivilegeSet any_of);
/* Asks as for the kind that the table is: TABLE, VIEW. */
Status authorize_table(const AnalyzeContext *context, PrivilegeSet any_of, const CatalogDatabase *database, const CatalogTable *table);
/* Of the catalog or a system database; one that does not exist passes: whoever needs it says so. */
Status authorize_database(const AnalyzeContext *context, PrivilegeSet any_of, StrView name);
/* To USE it: any privilege on the database or on something in it. */
Status authorize_use(const AnalyzeContext *context, StrView database);
AccessObject access_table_object(const CatalogDatabase *database, const CatalogTable *table);
bool access_sees_table(const AccessRights *rights, const CatalogDatabase *database, const CatalogTable *table);

/* FILES(): of its properties, where the files are. */
Status authorize_file_properties(const AnalyzeContext *context, const AstStrList *keys, const AstStrList *values);
Status authorize_files(const AnalyzeContext *context, StrView path);

/* What a kind of statement needs. */
typedef enum AccessScope {
    ACCESS_FREE,          /* nothing that belongs to somebody, or it asks while it is bound or run */
    ACCESS_ON_SYSTEM,
    ACCESS_ON_CATALOG,    /* the one that there is */
    ACCESS_ON_DATABASE,   /* the name is a database's */
    ACCESS_IN_DATABASE,   /* the database of the name */
    ACCESS_ON_TABLE,      /* the name is a table's or view's */
    ACCESS_ON_NAMED,      /* another object with a name */
} AccessScope;

typedef struct AccessRule {
    uint8_t scope; /* AccessScope */
    uint8_t kind;  /* ObjectKind, for ACCESS_ON_NAMED, and for the title of a table that does not exist */
    PrivilegeSet any_of;
} AccessRule;

typedef struct AuthorizeTarget {
    AccessRule rule;
    StrView database, object;
} AuthorizeTarget;

/* What the statement itself needs; a statement that no rule knows needs OPERATE on SYSTEM. current: the session's database. */
void authorize_target(const AstStatement *statement, StrView current, AuthorizeTarget *out_target);
/* Another object that it touches, with its privilege; false: there is none. */
bool authorize_second_target(const AstStatement *statement, const AuthorizeTarget *first, AuthorizeTarget *out_target);
Status authorize_statement(const AnalyzeContext *context, const AstStatement *statement);
