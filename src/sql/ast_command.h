#pragma once
/* The syntax tree of statements about views, users, jobs, volumes and administration.
 *
 * Statements with few parts share AstCommand: `what` names the statement by its words, upper case
 * and with single blanks, and the table below says which fields each fills. Memory rules as in
 * ast.h. Absent parts are zero.
 *
 * what                                        fields
 * BEGIN, COMMIT, ... and SET, SHOW, USE, KILL, DESCRIBE: in ast.h, not here
 * DROP MATERIALIZED VIEW                      name, if_exists
 * CANCEL REFRESH MATERIALIZED VIEW            name, is_force
 * VERIFY MATERIALIZED VIEW                    name
 * ALTER VIEW SECURITY                         name, text NONE | INVOKER
 * ALTER DATABASE QUOTA                        name, text DATA | REPLICA, text2 amount
 * ALTER DATABASE SET                          name, properties
 * RECOVER DATABASE | TABLE | PARTITION        name (database or table), text partition, number id, name2 AS
 * CREATE INDEX, DROP INDEX                    index (name), name table, if_not_exists, if_exists
 * CANCEL ALTER TABLE                          text COLUMN | ROLLUP | OPTIMIZE | MATERIALIZED VIEW, name, values job ids
 * CREATE | ALTER | DROP STORAGE VOLUME        name, if_*, text TYPE, names LOCATIONS, text2 comment, properties
 * SET DEFAULT STORAGE VOLUME                  name
 * CREATE | ALTER | DROP WAREHOUSE             name, if_*, text comment or words, properties
 * SUSPEND | RESUME WAREHOUSE                  name, if_exists
 * CREATE | ALTER | DROP CATALOG               name, if_*, text comment, properties
 * CREATE | ALTER | DROP RESOURCE              name, properties
 * CREATE | ALTER RESOURCE GROUP               name, if_not_exists, or_replace, text "" | ADD | DROP | DROP ALL | WITH,
 *                                             rows classifiers, values classifier ids, properties
 * DROP RESOURCE GROUP                         name, if_exists
 * DROP USER                                   user, if_exists
 * CREATE | ALTER | DROP ROLE                  names, if_*, text comment
 * EXECUTE AS                                  user, flag: WITH NO REVERT
 * PAUSE | RESUME | STOP ROUTINE LOAD          name
 * CANCEL LOAD, CANCEL EXPORT                  name database, where
 * ALTER LOAD                                  name label, properties
 * EXPORT TABLE                                name, partitions, names columns, text path, properties, broker,
 *                                             properties2 of the broker
 * DROP TASK                                   name, is_force, if_exists; SUSPEND TASK, RESUME TASK: name
 * ALTER TASK                                  name, if_exists, text SUSPEND | RESUME | SET, properties
 * CREATE PIPE                                 name, or_replace, if_not_exists, properties, text comment, inner INSERT
 * ALTER PIPE                                  name, text SET | SUSPEND | RESUME | RETRY ALL | RETRY FILE, text2 file, properties
 * DROP PIPE                                   name, if_exists
 * CACHE SELECT                                inner query, properties
 * CREATE REPOSITORY                           name, flag READ ONLY, broker, text location, properties
 * DROP REPOSITORY                             name
 * BACKUP, RESTORE                             name label, text repository, objects, name2 database, properties
 * CANCEL BACKUP, CANCEL RESTORE               name database
 * CREATE | DROP SNAPSHOT                      name, if_*, text comment, properties, text2 CLUSTER | DATABASE | TABLE, name2 of it
 * ADMIN TEST SNAPSHOT                         text name
 * CLONE TABLE | DATABASE                      name, name2 the new one, if_not_exists, text snapshot, or values[0] VERSION (flag) or TIMESTAMP
 * RESTORE CLUSTER | DATABASE | TABLE          name, partitions, name2 AS, text snapshot name, or values[0] TIMESTAMP
 * ADMIN SET REPLICA STATUS                    properties
 * ADMIN SET PARTITION VERSION                 name, partitions, number
 * ADMIN SET CLUSTER                           text READ ONLY | READ WRITE, number TIMEOUT
 * ADMIN SET AUTOMATED CLUSTER SNAPSHOT ON     text volume, values[0] interval; ... OFF: nothing
 * ADMIN SET BACKEND CONFIG                    text node, properties
 * ADMIN REPAIR TABLE, ADMIN CANCEL REPAIR TABLE  name, partitions, properties
 * ADMIN CHECK TABLET                          values ids, properties
 * ADMIN VACUUM                                name, partitions, flag: ALL
 * ADMIN CLEAR DATACACHE                       nothing
 * ADMIN SKIP COMMITTED TRANSACTION            number
 * ADMIN FINALIZE UPGRADE                      nothing
 * ADMIN EXECUTE ON                            text node, text2 script
 * ALTER SYSTEM ADD | DROP | MODIFY | DECOMMISSION | CANCEL DECOMMISSION ...
 *                                             text FRONTEND | FOLLOWER | OBSERVER | BACKEND | COMPUTE NODE | BROKER,
 *                                             names host:port, text2 broker or new host, is_force, properties
 * ALTER SYSTEM CREATE IMAGE                   nothing
 * ADD | DELETE SQLBLACKLIST                   names patterns, values ids
 * ADD | DELETE BACKEND BLACKLIST              values ids
 * ADD | DELETE COMPUTE NODE BLACKLIST         values ids
 * INSTALL PLUGIN, UNINSTALL PLUGIN            text, properties
 * CREATE FILE, DROP FILE                      text, name2 database, properties
 * CREATE | DROP FUNCTION                      name, flag GLOBAL, or_replace, if_*, types, columns, properties, text body
 * CREATE | DROP | REFRESH | CANCEL REFRESH DICTIONARY  name, name2 source, names words, properties
 * REFRESH EXTERNAL TABLE                      name, partitions
 * REFRESH CONNECTIONS                         is_force
 * ANALYZE PROFILE                             text query id, values plan nodes
 * CREATE | ALTER | DROP SECURITY INTEGRATION, CREATE | ALTER | DROP GROUP PROVIDER  name, if_*, properties
 * CALL                                        name, values
 * HELP                                        text
 * A statement of the dialect that is rarer than these is AST_STATEMENT_OTHER. */

#include "sql/ast.h"

/* 'name'@'host' */
typedef struct AstUserName {
    StrView name;
    StrView host;    /* empty: % */
    bool is_domain;  /* 'name'@['domain'] */
    bool is_current; /* CURRENT_USER() */
} AstUserName;

typedef struct AstUserNames {
    AstUserName *items;
    uint32_t count;
    uint32_t capacity;
} AstUserNames;

/* An object of BACKUP and RESTORE. */
typedef struct AstBackupObject {
    StrView kind; /* TABLE, VIEW, MATERIALIZED VIEW, FUNCTION, EXTERNAL CATALOG; with name empty: ALL of them */
    StrView name;
    StrView alias;
    AstStrList partitions;
} AstBackupObject;

typedef struct AstBackupObjects {
    AstBackupObject *items;
    uint32_t count;
    uint32_t capacity;
} AstBackupObjects;

typedef struct AstTypeList {
    Type *items;
    uint32_t count;
    uint32_t capacity;
} AstTypeList;

typedef struct AstCommand {
    StrView what;
    AstName name;
    AstName name2;
    StrView text;
    StrView text2;
    StrView broker;
    bool if_exists, if_not_exists, or_replace, is_force, flag, has_number;
    uint64_t number;
    AstUserName *user;
    AstStrList names;
    AstStrList partitions;
    AstExprList values;
    AstRowList rows;
    AstProperties properties;
    AstProperties properties2;
    AstBackupObjects objects;
    AstColumns columns;
    AstTypeList types;
    AstIndex index;
    AstStatement *inner;
    AstExpr *where;
    AstOrder order;
    AstExpr *limit;
} AstCommand;

typedef enum AstRefreshScheme {
    AST_REFRESH_NONE, /* no REFRESH clause */
    AST_REFRESH_MANUAL,
    AST_REFRESH_ASYNC,    /* event triggered, or with every: periodical */
    AST_REFRESH_SCHEDULE, /* the word SCHEDULE; every is given */
    AST_REFRESH_INCREMENTAL,
} AstRefreshScheme;

typedef struct AstRefresh {
    uint8_t scheme; /* AstRefreshScheme */
    bool is_immediate, is_deferred; /* neither: default */
    bool has_start;
    StrView start;  /* START("...") */
    AstExpr *every; /* AST_INTERVAL */
} AstRefresh;

/* CREATE MATERIALIZED VIEW. `table` has name, columns (names and comments), indexes, comment,
 * partition expressions, distribution, sort columns, properties, as_query. */
typedef struct AstMaterializedView {
    AstCreateTable table;
    AstRefresh refresh;
    bool has_partition;
    StrView query_text;
    bool or_replace;
} AstMaterializedView;

typedef struct AstAlterView {
    AstName name;
    bool if_exists;
    /* "RENAME" new_name; "SWAP" new_name; "REFRESH" refresh; "SET" properties; "ACTIVE"
     * no_validation; "INACTIVE"; "ADD COLUMN" text, expr, default_text; "DROP COLUMN" text; "ORDER BY" names;
     * "COMMENT" text; "TABLE" actions: clauses shared with ALTER TABLE */
    StrView action;
    AstName new_name;
    AstRefresh refresh;
    AstProperties properties;
    bool no_validation;
    StrView text;
    AstExpr *expr;
    StrView default_text;
    AstStrList names;
    AstAlterActions actions;
} AstAlterView;

/* REFRESH MATERIALIZED VIEW v [PARTITION START (..) END (..) | PARTITION (rows)] [FORCE] [STRICT] [CASCADE]
 * [WITH SYNC|ASYNC MODE] [WITH PRIORITY n] */
typedef struct AstRefreshView {
    AstName name;
    bool is_force, is_strict, is_cascade, has_range, is_sync, is_async;
    StrView start, end;
    AstRowList rows; /* values of list partitions */
    bool has_priority;
    uint64_t priority;
} AstRefreshView;

typedef struct AstTask {
    AstName name; /* count 0: to be generated */
    bool is_scheduled;
    StrView start;
    AstExpr *every;
    AstProperties properties;
    AstStatement *inner;
    StrView inner_text;
} AstTask;

/* CREATE USER and ALTER USER. */
typedef struct AstUser {
    AstUserName user;
    bool is_alter, if_exists, if_not_exists;
    bool has_password, is_hash; /* BY PASSWORD '*..' or WITH plugin AS '..' */
    StrView plugin, password;
    StrView role_mode; /* DEFAULT ROLE: "", "LIST", "ALL", "NONE" */
    AstStrList roles;
    AstProperties properties;
    StrView comment;
} AstUser;

/* GRANT and REVOKE of privileges and of roles. */
typedef struct AstGrant {
    bool is_revoke;
    bool is_roles;          /* names are roles */
    AstStrList names;       /* privileges as words ("CREATE TABLE") */
    StrView object_kind;    /* TABLE, VIEW, MATERIALIZED VIEW, DATABASE, SYSTEM, ...: singular; "" when not written */
    bool is_all;            /* ON ALL TABLES ... */
    bool in_all_databases;  /* ... IN ALL DATABASES */
    AstStrList databases;   /* ... IN DATABASE a, b */
    AstName *objects;
    uint32_t object_count;
    AstStrList signatures;  /* argument lists of functions, one an object */
    AstUserNames object_users; /* IMPERSONATE ON USER u */
    AstUserNames users;     /* grantees */
    AstStrList roles;
    bool with_grant_option;
} AstGrant;

typedef struct AstDataSource {
    bool is_negative;
    AstStrList paths;
    StrView from_table; /* DATA FROM TABLE */
    StrView table;
    AstStrList partitions;
    bool is_temporary_partition;
    StrView column_separator, row_delimiter;
    AstStrList columns;      /* names[i] with values[i] NULL for plain columns; SET (..) appended */
    AstExprList values;
    bool has_columns;
    AstExpr *where;
    StrView format;
    AstProperties format_properties;
    AstStrList path_columns; /* COLUMNS FROM PATH AS */
} AstDataSource;

typedef struct AstDataSources {
    AstDataSource *items;
    uint32_t count;
    uint32_t capacity;
} AstDataSources;

/* CREATE ROUTINE LOAD, ALTER ROUTINE LOAD (one source), LOAD LABEL (broker load). */
typedef struct AstLoad {
    bool is_routine, is_alter;
    AstName name; /* job or label */
    AstDataSources sources;
    AstProperties properties;
    bool has_broker;
    StrView source; /* KAFKA, PULSAR; or broker or resource name */
    bool is_resource;
    AstProperties source_properties;
} AstLoad;

/* ANALYZE and statistics jobs. */
typedef struct AstAnalyze {
    /* "ANALYZE", "UPDATE HISTOGRAM", "DROP HISTOGRAM", "CREATE ANALYZE", "DROP ANALYZE",
     * "DROP ALL ANALYZE", "DROP STATS", "DROP MULTIPLE COLUMNS STATS", "KILL ANALYZE" */
    StrView action;
    AstName table;  /* database alone for CREATE ANALYZE ... DATABASE; count 0: everything */
    bool is_database;
    bool is_sample, is_full, is_sync, is_async, all_columns, predicate_columns, multiple_columns;
    AstExprList columns;
    AstStrList partitions;
    uint64_t buckets;
    uint64_t job_id;
    AstProperties properties;
} AstAnalyze;

typedef struct AstMergeAction {
    bool is_matched, by_source;
    AstExpr *condition;
    StrView action; /* UPDATE, DELETE, INSERT, DO NOTHING */
    bool is_star;   /* UPDATE SET *, INSERT * */
    AstStrList columns;
    AstExprList values;
} AstMergeAction;

typedef struct AstMerge {
    AstName table;
    StrView alias;
    AstRelation *source;
    AstExpr *on;
    struct {
        AstMergeAction *items;
        uint32_t count;
        uint32_t capacity;
    } actions;
} AstMerge;
