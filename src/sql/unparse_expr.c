#include "sql/unparse.h"

/* Expressions to text. A node that binds less than its place is put in parentheses; operands of
 * bit operators and predicates are always primaries or in parentheses, which needs no table of the
 * finer levels. */

#include "sql/keywords.h"

/* From loose to tight. */
enum { BIND_OR, BIND_AND, BIND_NOT, BIND_PREDICATE, BIND_BITS, BIND_ADD, BIND_MULTIPLY, BIND_UNARY,
       BIND_PRIMARY };

static void print_at(const AstExpr *expr, int level, ByteBuf *out);

static void text(ByteBuf *out, const char *literal)
{
    bytebuf_append_text(out, literal);
}

void sql_print_quoted_identifier(StrView name, ByteBuf *out)
{
    bytebuf_append_char(out, '`');
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] == '`')
            bytebuf_append_char(out, '`');
        bytebuf_append_char(out, name.data[i]);
    }
    bytebuf_append_char(out, '`');
}

void sql_print_identifier(StrView name, ByteBuf *out)
{
    if (sql_needs_quotes(name))
        sql_print_quoted_identifier(name, out);
    else
        bytebuf_append_view(out, name);
}

void sql_print_name(const AstName *name, ByteBuf *out)
{
    for (uint32_t i = 0; i < name->count; i++) {
        if (i > 0)
            bytebuf_append_char(out, '.');
        sql_print_identifier(name->parts[i], out);
    }
}

/* A backslash in front of % and _ is kept by the lexer, so it is not doubled. */
void sql_print_string(StrView value, ByteBuf *out)
{
    bytebuf_append_char(out, '\'');
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];
        bool is_pattern = i + 1 < value.length && (value.data[i + 1] == '%' || value.data[i + 1] == '_');
        if (c == '\'')
            text(out, "\\'");
        else if (c == '\\' && is_pattern)
            bytebuf_append_char(out, c);
        else if (c == '\\')
            text(out, "\\\\");
        else if (c == '\n')
            text(out, "\\n");
        else if (c == '\r')
            text(out, "\\r");
        else if (c == '\0')
            text(out, "\\0");
        else
            bytebuf_append_char(out, c);
    }
    bytebuf_append_char(out, '\'');
}

static void print_list(const AstExprList *list, ByteBuf *out)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0)
            text(out, ", ");
        sql_print_expr(list->items[i], out);
    }
}

void sql_print_order(const AstOrder *order, ByteBuf *out)
{
    for (uint32_t i = 0; i < order->count; i++) {
        const AstOrderItem *item = &order->items[i];
        if (i > 0)
            text(out, ", ");
        if (item->expr == NULL)
            text(out, "ALL");
        else
            sql_print_expr(item->expr, out);
        if (item->is_descending)
            text(out, " DESC");
        if (item->has_nulls)
            text(out, item->nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
}

static int operator_binding(StrView op)
{
    if (strview_is(op, "OR"))
        return BIND_OR;
    if (strview_is(op, "AND"))
        return BIND_AND;
    if (strview_is(op, "+") || strview_is(op, "-"))
        return BIND_ADD;
    if (strview_is(op, "*") || strview_is(op, "/") || strview_is(op, "%") || strview_is(op, "DIV"))
        return BIND_MULTIPLY;
    static const char *const comparisons[] = {"=", "!=", "<", "<=", ">", ">=", "<=>"};
    for (size_t i = 0; i < COUNT_OF(comparisons); i++) {
        if (strview_is(op, comparisons[i]))
            return BIND_PREDICATE;
    }
    return BIND_BITS;
}

static int binding(const AstExpr *expr)
{
    switch ((AstExprKind)expr->kind) {
    case AST_BINARY_OP:
        return strview_is(expr->op, "||") ? BIND_PRIMARY : operator_binding(expr->op);
    case AST_UNARY:
        return strview_is(expr->op, "NOT") ? BIND_NOT : BIND_UNARY;
    case AST_IS_NULL:
    case AST_IS_BOOL:
    case AST_IN_LIST:
    case AST_IN_QUERY:
    case AST_BETWEEN:
    case AST_LIKE:
        return BIND_PREDICATE;
    case AST_LAMBDA:
    case AST_ASSIGNMENT:
    case AST_NAMED_ARGUMENT:
    case AST_INTERVAL: /* INTERVAL a + 1 DAY reads on to the unit */
        return BIND_OR - 1;
    default:
        return BIND_PRIMARY;
    }
}

static void print_binary(const AstExpr *expr, ByteBuf *out)
{
    if (strview_is(expr->op, "||")) { /* means OR without PIPES_AS_CONCAT */
        text(out, "concat(");
        print_list(&expr->arguments, out);
        bytebuf_append_char(out, ')');
        return;
    }
    int level = binding(expr);
    bool is_logic = level == BIND_OR || level == BIND_AND;
    bool is_arithmetic = level == BIND_ADD || level == BIND_MULTIPLY;
    const AstExpr *left = expr->arguments.items[0];
    const AstExpr *right = expr->arguments.items[1];
    /* AND and OR associate, so both sides may be of their level. */
    print_at(left, is_logic || is_arithmetic ? level : level == BIND_PREDICATE ? BIND_BITS : BIND_UNARY, out);
    bytebuf_append_char(out, ' ');
    bytebuf_append_view(out, expr->op);
    bytebuf_append_char(out, ' ');
    if (right->kind == AST_INTERVAL && level == BIND_ADD)
        sql_print_expr(right, out);
    else
        print_at(right, is_logic ? level : is_arithmetic ? level + 1 : level == BIND_PREDICATE ? BIND_BITS : BIND_UNARY, out);
}

static void print_unary(const AstExpr *expr, ByteBuf *out)
{
    if (strview_is(expr->op, "NOT")) {
        text(out, "NOT ");
        print_at(expr->left, BIND_NOT, out);
        return;
    }
    bytebuf_append_view(out, expr->op);
    /* - -1: two signs together begin a comment. */
    print_at(expr->left, expr->left->kind == AST_UNARY ? BIND_PRIMARY : BIND_UNARY, out);
}

static void print_frame_bound(const AstFrameBound *bound, ByteBuf *out)
{
    static const char *const words[] = {"UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW", " FOLLOWING",
                                        "UNBOUNDED FOLLOWING"};
    if (bound->kind == 1 || bound->kind == 3)
        sql_print_expr(bound->offset, out);
    text(out, words[bound->kind]);
}

static void print_window(const AstWindow *window, ByteBuf *out)
{
    const char *gap = "";
    text(out, " OVER (");
    if (window->partition.count > 0) {
        text(out, "PARTITION BY ");
        print_list(&window->partition, out);
        gap = " ";
    }
    if (window->order.count > 0) {
        text(out, gap);
        text(out, "ORDER BY ");
        sql_print_order(&window->order, out);
        gap = " ";
    }
    if (window->has_frame) {
        text(out, gap);
        text(out, window->is_rows ? "ROWS BETWEEN " : "RANGE BETWEEN ");
        print_frame_bound(&window->start, out);
        text(out, " AND ");
        print_frame_bound(&window->end, out);
    }
    bytebuf_append_char(out, ')');
}

/* Any word may name a function, so its name is quoted only for odd characters. */
static void print_function_name(const AstName *name, ByteBuf *out)
{
    for (uint32_t i = 0; i < name->count; i++) {
        StrView part = name->parts[i];
        bool is_plain = sql_keyword_find(part) != NULL;
        if (i > 0)
            bytebuf_append_char(out, '.');
        if (is_plain && i + 1 == name->count)
            bytebuf_append_view(out, part);
        else
            sql_print_identifier(part, out);
    }
}

static void print_call(const AstExpr *expr, ByteBuf *out)
{
    const AstCall *call = expr->call;
    print_function_name(&expr->name, out);
    bytebuf_append_char(out, '(');
    if (call->is_star)
        bytebuf_append_char(out, '*');
    if (call->is_distinct)
        text(out, "DISTINCT ");
    print_list(&expr->arguments, out);
    if (call->order.count > 0) {
        text(out, " ORDER BY ");
        sql_print_order(&call->order, out);
    }
    if (call->separator != NULL) {
        text(out, " SEPARATOR ");
        sql_print_expr(call->separator, out);
    }
    bytebuf_append_char(out, ')');
    if (call->ignore_nulls)
        text(out, " IGNORE NULLS");
    if (expr->else_value != NULL) {
        text(out, " FILTER (WHERE ");
        sql_print_expr(expr->else_value, out);
        bytebuf_append_char(out, ')');
    }
    if (call->window != NULL)
        print_window(call->window, out);
}

static void print_case(const AstExpr *expr, ByteBuf *out)
{
    text(out, "CASE");
    if (expr->left != NULL) {
        bytebuf_append_char(out, ' ');
        sql_print_expr(expr->left, out);
    }
    for (uint32_t i = 0; i + 1 < expr->arguments.count; i += 2) {
        text(out, " WHEN ");
        sql_print_expr(expr->arguments.items[i], out);
        text(out, " THEN ");
        sql_print_expr(expr->arguments.items[i + 1], out);
    }
    if (expr->else_value != NULL) {
        text(out, " ELSE ");
        sql_print_expr(expr->else_value, out);
    }
    text(out, " END");
}

static void print_type(const Type *type, ByteBuf *out)
{
    type_print_sql(*type, out);
}

static void print_predicate(const AstExpr *expr, ByteBuf *out)
{
    print_at(expr->left, BIND_BITS, out);
    switch ((AstExprKind)expr->kind) {
    case AST_IS_NULL:
        text(out, expr->is_negated ? " IS NOT NULL" : " IS NULL");
        return;
    case AST_IS_BOOL:
        text(out, expr->is_negated ? " IS NOT " : " IS ");
        text(out, expr->flag ? "TRUE" : "FALSE");
        return;
    default:
        break;
    }
    text(out, expr->is_negated ? " NOT " : " ");
    switch ((AstExprKind)expr->kind) {
    case AST_IN_LIST:
        text(out, "IN (");
        print_list(&expr->arguments, out);
        bytebuf_append_char(out, ')');
        return;
    case AST_IN_QUERY:
        text(out, "IN (");
        sql_print_query(expr->query, out);
        bytebuf_append_char(out, ')');
        return;
    case AST_BETWEEN:
        text(out, "BETWEEN ");
        print_at(expr->arguments.items[0], BIND_BITS, out);
        text(out, " AND ");
        print_at(expr->arguments.items[1], BIND_BITS, out);
        return;
    default:
        bytebuf_append_view(out, expr->op);
        bytebuf_append_char(out, ' ');
        print_at(expr->arguments.items[0], BIND_BITS, out);
        if (expr->arguments.count > 1) {
            text(out, " ESCAPE ");
            print_at(expr->arguments.items[1], BIND_BITS, out);
        }
    }
}

static void print_binary_bytes(StrView bytes, ByteBuf *out)
{
    text(out, "x'");
    for (size_t i = 0; i < bytes.length; i++)
        bytebuf_printf(out, "%02x", (unsigned)(unsigned char)bytes.data[i]);
    bytebuf_append_char(out, '\'');
}

static void print_names(const StrView *names, uint32_t count, ByteBuf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            text(out, ", ");
        sql_print_identifier(names[i], out);
    }
}

static void print_star(const AstExpr *expr, ByteBuf *out)
{
    sql_print_name(&expr->name, out);
    text(out, expr->name.count > 0 ? ".*" : "*");
    if (expr->name_count == 0)
        return;
    text(out, " EXCLUDE (");
    print_names(expr->names, expr->name_count, out);
    bytebuf_append_char(out, ')');
}

static void print_collection(const AstExpr *expr, ByteBuf *out)
{
    bool is_map = expr->kind == AST_MAP;
    if (expr->has_type)
        print_type(&expr->type, out);
    else if (is_map)
        text(out, "map");
    bytebuf_append_char(out, is_map ? '{' : '[');
    for (uint32_t i = 0; i < expr->arguments.count; i++) {
        if (i > 0)
            text(out, is_map && i % 2 == 1 ? ": " : ", ");
        sql_print_expr(expr->arguments.items[i], out);
    }
    bytebuf_append_char(out, is_map ? '}' : ']');
}

static void print_lambda(const AstExpr *expr, ByteBuf *out)
{
    bytebuf_append_char(out, '(');
    print_names(expr->names, expr->name_count, out);
    text(out, ") -> ");
    sql_print_expr(expr->left, out);
}

static void print_subscript(const AstExpr *expr, ByteBuf *out)
{
    print_at(expr->left, BIND_PRIMARY, out);
    bytebuf_append_char(out, '[');
    for (uint32_t i = 0; i < expr->arguments.count; i++) {
        if (i > 0)
            bytebuf_append_char(out, ':');
        if (expr->arguments.items[i] != NULL)
            sql_print_expr(expr->arguments.items[i], out);
    }
    bytebuf_append_char(out, ']');
}

static void print_in_parentheses(const char *before, const AstQuery *query, ByteBuf *out)
{
    text(out, before);
    bytebuf_append_char(out, '(');
    sql_print_query(query, out);
    bytebuf_append_char(out, ')');
}

/* The kinds that hold a text. */
static bool print_leaf(const AstExpr *expr, ByteBuf *out)
{
    switch ((AstExprKind)expr->kind) {
    case AST_NULL:
        text(out, "NULL");
        return true;
    case AST_BOOL:
        text(out, expr->flag ? "TRUE" : "FALSE");
        return true;
    case AST_INTEGER:
    case AST_DECIMAL:
    case AST_DOUBLE:
        bytebuf_append_view(out, expr->text);
        return true;
    case AST_STRING:
        sql_print_string(expr->text, out);
        return true;
    case AST_BINARY:
        print_binary_bytes(expr->text, out);
        return true;
    case AST_TYPED:
        text(out, expr->type.kind == TYPE_DATE ? "DATE " : "DATETIME ");
        sql_print_string(expr->text, out);
        return true;
    case AST_NAME:
        sql_print_name(&expr->name, out);
        return true;
    case AST_PARAMETER:
        bytebuf_append_char(out, '?');
        return true;
    case AST_DEFAULT:
        text(out, "DEFAULT");
        return true;
    case AST_USER_VARIABLE:
        bytebuf_printf(out, "@`%.*s`", SV_ARGS(expr->text));
        return true;
    case AST_SYSTEM_VARIABLE:
        bytebuf_printf(out, "@@%.*s%s%.*s", SV_ARGS(expr->op), expr->op.length > 0 ? "." : "",
                       SV_ARGS(expr->text));
        return true;
    default:
        return false;
    }
}

/* Would the lexer or the parser take a point behind it for its own? */
static bool takes_points(const AstExpr *expr)
{
    return expr->kind == AST_NAME || expr->kind == AST_SYSTEM_VARIABLE || expr->kind == AST_USER_VARIABLE ||
           expr->kind == AST_INTEGER || expr->kind == AST_DECIMAL || expr->kind == AST_DOUBLE;
}

static void print_wrapped(const AstExpr *expr, ByteBuf *out)
{
    switch ((AstExprKind)expr->kind) {
    case AST_CAST:
        text(out, expr->flag ? "TRY_CAST(" : "CAST(");
        sql_print_expr(expr->left, out);
        text(out, " AS ");
        print_type(&expr->type, out);
        bytebuf_append_char(out, ')');
        return;
    case AST_INTERVAL:
        text(out, "INTERVAL ");
        print_at(expr->left, BIND_UNARY, out);
        bytebuf_append_char(out, ' ');
        bytebuf_append_view(out, expr->text);
        return;
    case AST_ROW:
        bytebuf_append_char(out, '(');
        print_list(&expr->arguments, out);
        bytebuf_append_char(out, ')');
        return;
    case AST_FIELD:
        print_at(expr->left, takes_points(expr->left) ? BIND_PRIMARY + 1 : BIND_PRIMARY, out);
        bytebuf_append_char(out, '.');
        sql_print_identifier(expr->text, out);
        return;
    case AST_ASSIGNMENT:
        bytebuf_printf(out, "@`%.*s` := ", SV_ARGS(expr->text));
        sql_print_expr(expr->left, out);
        return;
    case AST_NAMED_ARGUMENT:
        sql_print_identifier(expr->text, out);
        text(out, " => ");
        sql_print_expr(expr->left, out);
        return;
    case AST_SUBQUERY:
        print_in_parentheses("", expr->query, out);
        return;
    case AST_EXISTS:
        print_in_parentheses("EXISTS ", expr->query, out);
        return;
    default:
        return;
    }
}

void sql_print_expr(const AstExpr *expr, ByteBuf *out)
{
    if (print_leaf(expr, out))
        return;
    switch ((AstExprKind)expr->kind) {
    case AST_STAR:
        print_star(expr, out);
        return;
    case AST_UNARY:
        print_unary(expr, out);
        return;
    case AST_BINARY_OP:
        print_binary(expr, out);
        return;
    case AST_IS_NULL:
    case AST_IS_BOOL:
    case AST_IN_LIST:
    case AST_IN_QUERY:
    case AST_BETWEEN:
    case AST_LIKE:
        print_predicate(expr, out);
        return;
    case AST_CASE:
        print_case(expr, out);
        return;
    case AST_CALL:
        print_call(expr, out);
        return;
    case AST_ARRAY:
    case AST_MAP:
        print_collection(expr, out);
        return;
    case AST_LAMBDA:
        print_lambda(expr, out);
        return;
    case AST_SUBSCRIPT:
        print_subscript(expr, out);
        return;
    default:
        print_wrapped(expr, out);
    }
}

static void print_at(const AstExpr *expr, int level, ByteBuf *out)
{
    bool needs_parentheses = binding(expr) < level;
    if (needs_parentheses)
        bytebuf_append_char(out, '(');
    sql_print_expr(expr, out);
    if (needs_parentheses)
        bytebuf_append_char(out, ')');
}
