#pragma once
/* SQL text to syntax trees. Errors carry line and column, in StarRocks' wording. Thread-safe. */

#include "sql/ast.h"

typedef struct ParseOptions {
    bool pipes_as_concat; /* sql_mode PIPES_AS_CONCAT: || joins strings */
} ParseOptions;

/* All statements of a text, empty ones left out. Trees and names point into text and arena. */
Status sql_parse(StrView text, const ParseOptions *options, Arena *arena, Diag *diag,
                 AstStatements *out_statements);
/* One expression, as in a load's `where`. */
Status sql_parse_expression(StrView text, Arena *arena, Diag *diag, AstExpr **out_expr);
/* `a, b, tmp, c = tmp + 1`: names[i] with values[i] NULL for plain columns. */
Status sql_parse_column_mapping(StrView text, Arena *arena, Diag *diag, AstStrList *out_names,
                                AstExprList *out_values);
bool sql_is_reserved(StrView word);
/* Line (from 1) and column (from 0) of a byte offset. */
void sql_position(StrView text, uint32_t offset, uint32_t *out_line, uint32_t *out_column);
