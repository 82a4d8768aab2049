#include "sql/unparse.h"

/* Queries and relations to text, on one line. */

static void text(ByteBuf *out, const char *literal)
{
    bytebuf_append_text(out, literal);
}

static void print_names(const AstStrList *names, ByteBuf *out)
{
    bytebuf_append_char(out, '(');
    for (uint32_t i = 0; i < names->count; i++) {
        if (i > 0)
            text(out, ", ");
        sql_print_identifier(names->items[i], out);
    }
    bytebuf_append_char(out, ')');
}

static void print_list(const AstExprList *list, ByteBuf *out)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0)
            text(out, ", ");
        sql_print_expr(list->items[i], out);
    }
}

static void print_rows(const AstRowList *rows, ByteBuf *out)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        text(out, i > 0 ? ", (" : "(");
        print_list(&rows->items[i], out);
        bytebuf_append_char(out, ')');
    }
}

static void print_pairs(const AstStrList *keys, const AstStrList *values, ByteBuf *out)
{
    bytebuf_append_char(out, '(');
    for (uint32_t i = 0; i < keys->count; i++) {
        if (i > 0)
            text(out, ", ");
        sql_print_string(keys->items[i], out);
        text(out, " = ");
        sql_print_string(values->items[i], out);
    }
    bytebuf_append_char(out, ')');
}

static void print_items(const AstSelectItems *items, ByteBuf *out)
{
    for (uint32_t i = 0; i < items->count; i++) {
        if (i > 0)
            text(out, ", ");
        sql_print_expr(items->items[i].expr, out);
        if (items->items[i].alias.length > 0) {
            text(out, " AS ");
            sql_print_quoted_identifier(items->items[i].alias, out);
        }
    }
}

static void print_alias(const AstRelation *relation, ByteBuf *out)
{
    if (relation->alias.length > 0) {
        text(out, " AS ");
        sql_print_identifier(relation->alias, out);
    }
    if (relation->column_aliases.count > 0)
        print_names(&relation->column_aliases, out);
}

static void print_table(const AstRelation *relation, ByteBuf *out)
{
    sql_print_name(&relation->name, out);
    if (relation->as_of != NULL) {
        text(out, relation->is_as_of_version ? " FOR VERSION AS OF " : " FOR TIMESTAMP AS OF ");
        sql_print_expr(relation->as_of, out);
    }
    if (relation->partitions.count > 0) {
        text(out, relation->is_temporary_partition ? " TEMPORARY PARTITION " : " PARTITION ");
        print_names(&relation->partitions, out);
    }
    if (relation->tablets.count > 0) {
        text(out, " TABLET (");
        print_list(&relation->tablets, out);
        bytebuf_append_char(out, ')');
    }
    if (relation->is_sample) {
        text(out, " SAMPLE ");
        print_pairs(&relation->file_keys, &relation->file_values, out);
    }
    print_alias(relation, out);
    if (relation->table_hint.length > 0) {
        text(out, " [");
        bytebuf_append_view(out, relation->table_hint);
        bytebuf_append_char(out, ']');
    }
}

static void print_function(const AstRelation *relation, ByteBuf *out)
{
    if (relation->is_lateral)
        text(out, "LATERAL ");
    if (relation->call == NULL) {
        text(out, "FILES");
        print_pairs(&relation->file_keys, &relation->file_values, out);
    } else if (relation->call->kind == AST_CALL) {
        text(out, "TABLE(");
        sql_print_expr(relation->call, out);
        bytebuf_append_char(out, ')');
    } else {
        sql_print_expr(relation->call, out);
    }
    print_alias(relation, out);
}

static void print_pivot(const AstRelation *relation, ByteBuf *out)
{
    const AstPivot *pivot = relation->pivot;
    bool is_list = pivot->columns.count > 1;
    sql_print_relation(relation->left, out);
    text(out, " PIVOT (");
    print_items(&pivot->aggregates, out);
    text(out, is_list ? " FOR (" : " FOR ");
    print_list(&pivot->columns, out);
    text(out, is_list ? ") IN (" : " IN (");
    print_items(&pivot->values, out);
    text(out, "))");
    print_alias(relation, out);
}

static void print_join_hint(const AstRelation *join, ByteBuf *out)
{
    if (join->join_hint.length == 0)
        return;
    bytebuf_append_char(out, '[');
    sql_print_identifier(join->join_hint, out);
    if (join->skew_column != NULL) {
        bytebuf_append_char(out, '|');
        sql_print_expr(join->skew_column, out);
        bytebuf_append_char(out, '(');
        print_list(&join->skew_values, out);
        bytebuf_append_char(out, ')');
    }
    text(out, "] ");
}

static void print_join(const AstRelation *join, ByteBuf *out)
{
    static const char *const words[] = {
        [AST_JOIN_INNER] = " INNER JOIN ",
        [AST_JOIN_LEFT] = " LEFT OUTER JOIN ",
        [AST_JOIN_RIGHT] = " RIGHT OUTER JOIN ",
        [AST_JOIN_FULL] = " FULL OUTER JOIN ",
        [AST_JOIN_CROSS] = " CROSS JOIN ",
        [AST_JOIN_LEFT_SEMI] = " LEFT SEMI JOIN ",
        [AST_JOIN_RIGHT_SEMI] = " RIGHT SEMI JOIN ",
        [AST_JOIN_LEFT_ANTI] = " LEFT ANTI JOIN ",
        [AST_JOIN_RIGHT_ANTI] = " RIGHT ANTI JOIN ",
        [AST_JOIN_NULL_AWARE_ANTI] = " NULL AWARE LEFT ANTI JOIN ",
        [AST_JOIN_ASOF_INNER] = " ASOF INNER JOIN ",
        [AST_JOIN_ASOF_LEFT] = " ASOF LEFT JOIN ",
    };
    sql_print_relation(join->left, out);
    text(out, words[join->join_kind]);
    print_join_hint(join, out);
    bool is_nested = join->right->kind == AST_JOIN;
    text(out, is_nested ? "(" : "");
    sql_print_relation(join->right, out);
    text(out, is_nested ? ")" : "");
    if (join->on != NULL) {
        text(out, " ON ");
        sql_print_expr(join->on, out);
    }
    if (join->using_columns.count > 0) {
        text(out, " USING ");
        print_names(&join->using_columns, out);
    }
}

void sql_print_relation(const AstRelation *relation, ByteBuf *out)
{
    switch ((AstRelationKind)relation->kind) {
    case AST_TABLE:
        print_table(relation, out);
        return;
    case AST_DERIVED:
    case AST_VALUES:
        text(out, relation->is_lateral ? "LATERAL (" : "(");
        if (relation->query != NULL)
            sql_print_query(relation->query, out);
        bytebuf_append_char(out, ')');
        print_alias(relation, out);
        return;
    case AST_JOIN:
        print_join(relation, out);
        return;
    case AST_TABLE_FUNCTION:
        print_function(relation, out);
        return;
    case AST_PIVOT_TABLE:
        print_pivot(relation, out);
        return;
    }
}

static void print_group(const AstSelect *select, ByteBuf *out)
{
    static const char *const openings[] = {
        [AST_GROUP_PLAIN] = "", [AST_GROUP_ROLLUP] = "ROLLUP (", [AST_GROUP_CUBE] = "CUBE (",
        [AST_GROUP_SETS] = "GROUPING SETS (", [AST_GROUP_ALL] = "ALL"};
    if (!select->has_group)
        return;
    text(out, " GROUP BY ");
    text(out, openings[select->group_kind]);
    if (select->group_kind == AST_GROUP_SETS)
        print_rows(&select->grouping_sets, out);
    else
        print_list(&select->group, out);
    if (select->group_kind != AST_GROUP_PLAIN && select->group_kind != AST_GROUP_ALL)
        bytebuf_append_char(out, ')');
}

static void print_hints(const AstSelect *select, ByteBuf *out)
{
    for (uint32_t i = 0; i < select->hint_names.count; i++) {
        text(out, i == 0 ? "/*+ SET_VAR(" : ", ");
        sql_print_identifier(select->hint_names.items[i], out);
        text(out, " = ");
        sql_print_string(select->hint_values.items[i], out);
    }
    if (select->hint_names.count > 0)
        text(out, ") */ ");
    for (uint32_t i = 0; i < select->hint_assignments.count; i++) {
        const AstExpr *assignment = select->hint_assignments.items[i];
        text(out, i == 0 ? "/*+ SET_USER_VARIABLE(" : ", ");
        bytebuf_printf(out, "@`%.*s` = ", SV_ARGS(assignment->text));
        sql_print_expr(assignment->left, out);
    }
    if (select->hint_assignments.count > 0)
        text(out, ") */ ");
}

static void print_condition(const char *word, const AstExpr *condition, ByteBuf *out)
{
    if (condition == NULL)
        return;
    text(out, word);
    sql_print_expr(condition, out);
}

static void print_select(const AstSelect *select, ByteBuf *out)
{
    text(out, "SELECT ");
    print_hints(select, out);
    text(out, select->is_distinct ? "DISTINCT " : "");
    print_items(&select->items, out);
    if (select->from != NULL) {
        text(out, " FROM ");
        sql_print_relation(select->from, out);
    }
    print_condition(" WHERE ", select->where, out);
    print_group(select, out);
    print_condition(" HAVING ", select->having, out);
    print_condition(" QUALIFY ", select->qualify, out);
}

static void print_ctes(const AstCtes *ctes, ByteBuf *out)
{
    text(out, ctes->is_recursive ? "WITH RECURSIVE " : "WITH ");
    for (uint32_t i = 0; i < ctes->count; i++) {
        if (i > 0)
            text(out, ", ");
        sql_print_identifier(ctes->items[i].name, out);
        if (ctes->items[i].columns.count > 0)
            print_names(&ctes->items[i].columns, out);
        text(out, " AS (");
        sql_print_query(ctes->items[i].query, out);
        bytebuf_append_char(out, ')');
    }
    bytebuf_append_char(out, ' ');
}

static bool has_own_clauses(const AstQuery *query)
{
    return query->ctes.count > 0 || query->order.count > 0 || query->limit != NULL || query->offset != NULL ||
           query->outfile != NULL;
}

/* INTERSECT binds more than UNION and EXCEPT; all chain to the left. */
static bool needs_parentheses(const AstQuery *parent, const AstQuery *side, bool is_right)
{
    if (has_own_clauses(side))
        return true;
    if (side->kind != AST_QUERY_SET)
        return false;
    return is_right ? !(side->set_kind == AST_INTERSECT && parent->set_kind != AST_INTERSECT)
                    : parent->set_kind == AST_INTERSECT && side->set_kind != AST_INTERSECT;
}

static void print_side(const AstQuery *parent, const AstQuery *side, bool is_right, ByteBuf *out)
{
    bool wrapped = needs_parentheses(parent, side, is_right);
    text(out, wrapped ? "(" : "");
    sql_print_query(side, out);
    text(out, wrapped ? ")" : "");
}

static void print_body(const AstQuery *query, ByteBuf *out)
{
    static const char *const words[] = {
        [AST_UNION] = " UNION ", [AST_INTERSECT] = " INTERSECT ", [AST_EXCEPT] = " EXCEPT "};
    switch ((AstQueryKind)query->kind) {
    case AST_QUERY_SELECT:
        print_select(&query->select, out);
        return;
    case AST_QUERY_VALUES:
        text(out, "VALUES ");
        print_rows(&query->rows, out);
        return;
    case AST_QUERY_SET:
        print_side(query, query->left, false, out);
        text(out, words[query->set_kind]);
        text(out, query->is_all ? "ALL " : "");
        print_side(query, query->right, true, out);
        return;
    }
}

void sql_print_query(const AstQuery *query, ByteBuf *out)
{
    if (query->ctes.count > 0)
        print_ctes(&query->ctes, out);
    print_body(query, out);
    if (query->order.count > 0) {
        text(out, " ORDER BY ");
        sql_print_order(&query->order, out);
    }
    print_condition(" LIMIT ", query->limit, out);
    print_condition(" OFFSET ", query->offset, out);
    if (query->outfile != NULL) {
        text(out, " INTO OUTFILE ");
        sql_print_string(query->outfile->path, out);
        if (query->outfile->format.length > 0) {
            text(out, " FORMAT AS ");
            sql_print_identifier(query->outfile->format, out);
        }
        if (query->outfile->properties.keys.count > 0) {
            text(out, " PROPERTIES ");
            print_pairs(&query->outfile->properties.keys, &query->outfile->properties.values, out);
        }
    }
}
