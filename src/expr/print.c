#include "expr/expr.h"

/* Expression text for EXPLAIN: operators in infix form, casts as CAST(x AS T), columns by name. */

static void print_constant(const Expr *expr, ByteBuf *out)
{
    const Datum *value = &expr->constant.value;
    bool is_quoted = !value->is_null && (type_is_string(expr->type) || type_is_date(expr->type));
    if (value->is_null) {
        bytebuf_append_text(out, "NULL");
        return;
    }
    if (expr->type.kind == TYPE_BOOLEAN) {
        bytebuf_append_text(out, value->i64 != 0 ? "TRUE" : "FALSE");
        return;
    }
    if (is_quoted)
        bytebuf_append_char(out, '\'');
    datum_print(expr->type, value, out);
    if (is_quoted)
        bytebuf_append_char(out, '\'');
}

static void print_list(const Expr *expr, uint32_t first, const char *separator, ByteBuf *out)
{
    for (uint32_t i = first; i < expr->argument_count; i++) {
        if (i > first)
            bytebuf_append_text(out, separator);
        expr_print(expr->arguments[i], out);
    }
}

static const char *infix_symbol(const char *name)
{
    static const struct {
        const char *name;
        const char *symbol;
    } symbols[] = {{"eq", "="},        {"ne", "!="},      {"lt", "<"},
                   {"le", "<="},       {"gt", ">"},       {"ge", ">="},
                   {"eq_for_null", "<=>"}, {"add", "+"},  {"subtract", "-"},
                   {"multiply", "*"},  {"divide", "/"},   {"int_divide", "DIV"},
                   {"mod", "%"},       {"like", "LIKE"},  {"regexp", "REGEXP"}};
    for (size_t i = 0; i < COUNT_OF(symbols); i++) {
        if (strcmp(symbols[i].name, name) == 0)
            return symbols[i].symbol;
    }
    return NULL;
}

static void print_operand(const Expr *expr, ByteBuf *out)
{
    bool needs_parentheses = expr->kind == EXPR_AND || expr->kind == EXPR_OR ||
                             (expr->kind == EXPR_CALL && !expr->call.is_cast &&
                              infix_symbol(expr->call.binding->def->name) != NULL);
    if (needs_parentheses)
        bytebuf_append_char(out, '(');
    expr_print(expr, out);
    if (needs_parentheses)
        bytebuf_append_char(out, ')');
}

static void print_call(const Expr *expr, ByteBuf *out)
{
    if (expr->call.is_cast) {
        bytebuf_append_text(out, "CAST(");
        expr_print(expr->arguments[0], out);
        bytebuf_append_text(out, " AS ");
        type_print_sql(expr->type, out);
        bytebuf_append_char(out, ')');
        return;
    }
    const char *name = expr->call.binding->def->name;
    const char *symbol = infix_symbol(name);
    if (symbol != NULL && expr->argument_count == 2) {
        print_operand(expr->arguments[0], out);
        bytebuf_printf(out, " %s ", symbol);
        print_operand(expr->arguments[1], out);
        return;
    }
    if (strcmp(name, "is_null") == 0 || strcmp(name, "is_not_null") == 0) {
        print_operand(expr->arguments[0], out);
        bytebuf_append_text(out, name[3] == 'n' && name[4] == 'o' ? " IS NOT NULL" : " IS NULL");
        return;
    }
    bytebuf_printf(out, strcmp(name, "not") == 0 ? "NOT (" : "%s(", name);
    print_list(expr, 0, ", ", out);
    bytebuf_append_char(out, ')');
}

static void print_case(const Expr *expr, ByteBuf *out)
{
    bytebuf_append_text(out, "CASE");
    uint32_t i = 0;
    for (; i + 1 < expr->argument_count; i += 2) {
        bytebuf_append_text(out, " WHEN ");
        expr_print(expr->arguments[i], out);
        bytebuf_append_text(out, " THEN ");
        expr_print(expr->arguments[i + 1], out);
    }
    if (i < expr->argument_count) {
        bytebuf_append_text(out, " ELSE ");
        expr_print(expr->arguments[i], out);
    }
    bytebuf_append_text(out, " END");
}

static void print_junction(const Expr *expr, const char *word, ByteBuf *out)
{
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (i > 0)
            bytebuf_append_text(out, word);
        print_operand(expr->arguments[i], out);
    }
}

void expr_print(const Expr *expr, ByteBuf *out)
{
    switch ((ExprKind)expr->kind) {
    case EXPR_CONSTANT:
        print_constant(expr, out);
        return;
    case EXPR_COLUMN:
        bytebuf_printf(out, "%u: %.*s", expr->column.id, SV_ARGS(expr->column.name));
        return;
    case EXPR_CALL:
        print_call(expr, out);
        return;
    case EXPR_AND:
        print_junction(expr, " AND ", out);
        return;
    case EXPR_OR:
        print_junction(expr, " OR ", out);
        return;
    case EXPR_CASE:
        print_case(expr, out);
        return;
    case EXPR_IN:
        print_operand(expr->arguments[0], out);
        bytebuf_append_text(out, expr->is_negated ? " NOT IN (" : " IN (");
        print_list(expr, 1, ", ", out);
        bytebuf_append_char(out, ')');
        return;
    case EXPR_ARGUMENT:
        bytebuf_append_view(out, expr->column.name);
        return;
    case EXPR_LAMBDA:
        bytebuf_append_text(out, "(...) -> ");
        expr_print(expr->arguments[0], out);
        return;
    case EXPR_PARAMETER:
        bytebuf_append_char(out, '?');
        return;
    case EXPR_SUBQUERY:
        bytebuf_append_text(out, "(subquery)");
        return;
    }
    UNREACHABLE();
}
