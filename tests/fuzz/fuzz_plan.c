/* Any bytes as one statement: parsed, bound against a few tables and planned, as EXPLAIN does. It ends with a
 * plan or with an error that has a text. */

#include <stdint.h>
#include <stdlib.h>

#include "failure/fixture.h"
#include "sql/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Fixture fixture;

static void close_fixture(void)
{
    fixture_close(&fixture);
}

/* Nothing but a plain EXPLAIN of one query: it changes nothing and runs nothing. */
static bool is_explained_query(StrView text)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    AstStatements list = {0};
    if (sql_parse(text, NULL, &arena, NULL, &list) != OK || list.count != 1)
        return false;
    const AstStatement *statement = list.items[0];
    return statement->kind == AST_STATEMENT_EXPLAIN && !strview_equal_ci(statement->text, STR_VIEW("ANALYZE")) &&
           statement->inner != NULL && statement->inner->kind == AST_STATEMENT_QUERY;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (fixture.session == NULL) {
        fixture_open(&fixture, false);
        (void)atexit(close_fixture);
    }
    AUTO_BYTEBUF sql = {0};
    AUTO_BYTEBUF out = {0};
    Diag diag = {0};
    bytebuf_append_text(&sql, "EXPLAIN ");
    for (size_t i = 0; i < size; i++)
        bytebuf_append_char(&sql, data[i] == 0 ? ' ' : (char)data[i]);
    if (!is_explained_query(bytebuf_view(&sql)))
        return 0;
    if (fixture_run(&fixture, sql.data, &out, &diag) != OK && (diag.message[0] == '\0' || diag.code == ERR_INTERNAL))
        abort();
    return 0;
}
