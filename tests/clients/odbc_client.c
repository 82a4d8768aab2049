/* MariaDB Connector/ODBC through unixODBC: types, parameters, errors, catalogue, big results, cancel. */

#include <sql.h>
#include <sqlext.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed;
static SQLHENV environment;

static void check(const char *name, bool is_right, const char *seen)
{
    if (is_right)
        passed++;
    else
        failed++;
    printf(is_right ? "ok %s\n" : "FAIL %s: %s\n", name, seen);
}

static const char *why(SQLSMALLINT kind, SQLHANDLE handle, char state[6])
{
    static char text[512];
    SQLINTEGER number;
    SQLSMALLINT length;
    text[0] = '\0';
    SQLGetDiagRec(kind, handle, 1, (SQLCHAR *)state, &number, (SQLCHAR *)text, sizeof(text), &length);
    return text;
}

static bool logs_in(const char *user, const char *password)
{
    SQLHDBC connection;
    char text[320];
    SQLAllocHandle(SQL_HANDLE_DBC, environment, &connection);
    snprintf(text, sizeof(text), "DRIVER=%s;SERVER=127.0.0.1;PORT=%s;UID=%s;PWD=%s", getenv("ODBC_DRIVER"), getenv("MERAK_PORT"), user, password);
    bool is_in = SQL_SUCCEEDED(SQLDriverConnect(connection, NULL, (SQLCHAR *)text, SQL_NTS, NULL, 0, NULL, SQL_DRIVER_NOPROMPT));
    if (is_in)
        SQLDisconnect(connection);
    SQLFreeHandle(SQL_HANDLE_DBC, connection);
    return is_in;
}

static SQLHDBC connect_to(const char *database)
{
    SQLHDBC connection;
    char text[256], state[6] = "";
    SQLAllocHandle(SQL_HANDLE_DBC, environment, &connection);
    snprintf(text, sizeof(text), "DRIVER=%s;SERVER=127.0.0.1;PORT=%s;UID=root;DATABASE=%s", getenv("ODBC_DRIVER"), getenv("MERAK_PORT"), database);
    SQLRETURN code = SQLDriverConnect(connection, NULL, (SQLCHAR *)text, SQL_NTS, NULL, 0, NULL, SQL_DRIVER_NOPROMPT);
    check("connect", SQL_SUCCEEDED(code), SQL_SUCCEEDED(code) ? "" : why(SQL_HANDLE_DBC, connection, state));
    return connection;
}

static bool run(SQLHSTMT statement, const char *sql)
{
    SQLFreeStmt(statement, SQL_CLOSE);
    return SQL_SUCCEEDED(SQLExecDirect(statement, (SQLCHAR *)(unsigned long)sql, SQL_NTS));
}

static const char *text_of(SQLHSTMT statement, SQLUSMALLINT column)
{
    static char value[256];
    SQLLEN length;
    snprintf(value, sizeof(value), "(none)");
    if (SQL_SUCCEEDED(SQLGetData(statement, column, SQL_C_CHAR, value, sizeof(value), &length)) && length == SQL_NULL_DATA)
        snprintf(value, sizeof(value), "NULL");
    return value;
}

static void check_value(SQLHSTMT statement, const char *sql, const char *expected)
{
    char name[300];
    bool is_there = run(statement, sql) && SQL_SUCCEEDED(SQLFetch(statement));
    const char *seen = is_there ? text_of(statement, 1) : "no row";
    snprintf(name, sizeof(name), "%.200s", sql);
    check(name, strcmp(seen, expected) == 0, seen);
}

static void types(SQLHSTMT statement)
{
    static const char *const values[][2] = {
        {"SELECT CAST(-128 AS TINYINT)", "-128"},
        {"SELECT CAST(9223372036854775807 AS BIGINT)", "9223372036854775807"},
        {"SELECT CAST('-170141183460469231731687303715884105728' AS LARGEINT)", "-170141183460469231731687303715884105728"},
        {"SELECT CAST(1234.5678 AS DECIMAL(20,4))", "1234.5678"},
        {"SELECT CAST(1.5 AS DOUBLE)", "1.5"},
        {"SELECT 'abc'", "abc"},
        {"SELECT CAST('2026-02-28' AS DATE)", "2026-02-28"},
        {"SELECT [1,2,NULL]", "[1,2,null]"},
        {"SELECT NULL", "NULL"},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        check_value(statement, values[i][0], values[i][1]);
}

static void parameters(SQLHSTMT statement)
{
    SQLINTEGER number = 41;
    char text[] = "it's \\ text";
    SQLLEN number_length = 0, text_length = SQL_NTS;
    SQLFreeStmt(statement, SQL_CLOSE);
    SQLPrepare(statement, (SQLCHAR *)"SELECT ? + 1, ?", SQL_NTS);
    SQLBindParameter(statement, 1, SQL_PARAM_INPUT, SQL_C_SLONG, SQL_INTEGER, 0, 0, &number, 0, &number_length);
    SQLBindParameter(statement, 2, SQL_PARAM_INPUT, SQL_C_CHAR, SQL_VARCHAR, sizeof(text), 0, text, sizeof(text), &text_length);
    for (int i = 0; i < 2; i++) {
        char expected[20];
        bool is_there = SQL_SUCCEEDED(SQLExecute(statement)) && SQL_SUCCEEDED(SQLFetch(statement));
        snprintf(expected, sizeof(expected), "%d", (int)number + 1);
        check("prepared number", is_there && strcmp(text_of(statement, 1), expected) == 0, "other");
        check("prepared text", is_there && strcmp(text_of(statement, 2), text) == 0, "other");
        SQLCloseCursor(statement);
        number++;
    }
    SQLFreeStmt(statement, SQL_RESET_PARAMS);
}

static void errors(SQLHSTMT statement)
{
    char state[6] = "";
    check("error of a table", !run(statement, "SELECT * FROM nowhere"), "none");
    const char *text = why(SQL_HANDLE_STMT, statement, state);
    check("state of a table", strcmp(state, "42S02") == 0 && strstr(text, "nowhere") != NULL, text);
    check("error of syntax", !run(statement, "SELEC 1"), "none");
    check_value(statement, "SELECT 'after errors'", "after errors");
}

static void catalogue(SQLHSTMT statement)
{
    bool found = false;
    run(statement, "CREATE TABLE t (a INT, b VARCHAR(10)) DUPLICATE KEY (a)");
    SQLFreeStmt(statement, SQL_CLOSE);
    SQLTables(statement, (SQLCHAR *)"odbc_client", SQL_NTS, NULL, 0, (SQLCHAR *)"%", SQL_NTS, (SQLCHAR *)"TABLE", SQL_NTS);
    while (SQL_SUCCEEDED(SQLFetch(statement)))
        found |= strcmp(text_of(statement, 3), "t") == 0;
    check("SQLTables", found, "no table t");
}

static void big(SQLHSTMT statement)
{
    long count = 0;
    run(statement, "SELECT generate_series FROM TABLE(generate_series(1, 300000))");
    while (SQL_SUCCEEDED(SQLFetch(statement)))
        count++;
    check("many rows", count == 300000, "other");
}

/* Both plugins; the first login of caching_sha2_password is the full exchange, the second the fast one. */
static void logins(SQLHSTMT statement)
{
    run(statement, "CREATE USER odbc_native IDENTIFIED BY 'canary-1'");
    run(statement, "CREATE USER odbc_sha2 IDENTIFIED WITH caching_sha2_password BY 'canary-2'");
    check("login native", logs_in("odbc_native", "canary-1"), "refused");
    check("first login sha2", logs_in("odbc_sha2", "canary-2"), "refused");
    check("second login sha2", logs_in("odbc_sha2", "canary-2"), "refused");
    check("wrong password", !logs_in("odbc_sha2", "canary-3") && !logs_in("odbc_native", "canary-3"), "let in");
}

int main(void)
{
    SQLHSTMT statement;
    SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &environment);
    SQLSetEnvAttr(environment, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
    SQLHDBC connection = connect_to("");
    SQLAllocHandle(SQL_HANDLE_STMT, connection, &statement);
    check("database", run(statement, "CREATE DATABASE odbc_client"), "");
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    SQLDisconnect(connection);
    connection = connect_to("odbc_client");
    SQLAllocHandle(SQL_HANDLE_STMT, connection, &statement);
    types(statement);
    parameters(statement);
    errors(statement);
    catalogue(statement);
    big(statement);
    logins(statement);
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    SQLDisconnect(connection);
    SQLFreeHandle(SQL_HANDLE_DBC, connection);
    SQLFreeHandle(SQL_HANDLE_ENV, environment);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
