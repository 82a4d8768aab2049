#pragma once
/* Syntax tree to SQL text: names back-quoted where the parser needs it, only the parentheses that
 * precedence asks for. Printing, parsing and printing again gives the same text. */

#include "sql/ast.h"

void sql_print_expr(const AstExpr *expr, ByteBuf *out);
void sql_print_query(const AstQuery *query, ByteBuf *out);
void sql_print_relation(const AstRelation *relation, ByteBuf *out);
void sql_print_order(const AstOrder *order, ByteBuf *out); /* the items, without ORDER BY */
void sql_print_name(const AstName *name, ByteBuf *out);
/* With back-quotes only if it is reserved or has other characters than letters, digits and _. */
void sql_print_identifier(StrView name, ByteBuf *out);
void sql_print_quoted_identifier(StrView name, ByteBuf *out); /* always with back-quotes */
void sql_print_string(StrView text, ByteBuf *out);            /* 'text', escaped as the lexer reads it */
