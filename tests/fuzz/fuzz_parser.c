/* Any bytes are parsed; what parses is printed, and what was printed must parse and print the same. */

#include <stdint.h>
#include <stdlib.h>

#include "sql/parser.h"
#include "sql/unparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const AstQuery *first_query(StrView text, Arena *arena)
{
    AstStatements list = {0};
    if (sql_parse(text, NULL, arena, NULL, &list) != OK || list.count == 0)
        return NULL;
    return list.items[0]->kind == AST_STATEMENT_QUERY ? list.items[0]->query : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    const AstQuery *query = first_query(strview_n((const char *)data, size), &arena);
    if (query == NULL)
        return 0;
    AUTO_BYTEBUF printed = {0};
    AUTO_BYTEBUF again = {0};
    sql_print_query(query, &printed);
    /* Parentheses that printing adds may pass the depth limit: then there is nothing to compare. */
    query = first_query(bytebuf_view(&printed), &arena);
    if (query == NULL)
        return 0;
    sql_print_query(query, &again);
    if (!strview_equal(bytebuf_view(&printed), bytebuf_view(&again)))
        abort();
    return 0;
}
