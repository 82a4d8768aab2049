#include "query_oracle/query_oracle.h"

/* Random FROM clauses and queries. Every query names its columns x0, x1, ... and has one right answer as a set of rows. */

#include <stdio.h>

enum { LARGE_TABLE = TABLES - 1, JOINED_MAX = 3 };

static void scope_add(Scope *scope, const char *alias, const char *column, ValueKind kind)
{
    if (scope->count == SCOPE_MAX)
        return;
    AUTO_BYTEBUF name = {0};
    bytebuf_printf(&name, "%s.%s", alias, column);
    CHECK(name.length < NAME_MAX_BYTES);
    memcpy(scope->columns[scope->count].text, name.data, name.length + 1);
    scope->columns[scope->count++].kind = kind;
}

static void table_scope(const TestTable *table, const char *alias, Scope *out)
{
    out->count = 0;
    scope_add(out, alias, "id", KIND_INT);
    for (uint32_t c = 1; c < table->column_count; c++) {
        AUTO_BYTEBUF column = {0};
        bytebuf_printf(&column, "c%u", c);
        scope_add(out, alias, column.data, table->columns[c].kind);
    }
}

/* takes_any: arguments of any kind, else integers or decimals; keeps_kind: the result has the argument's. */
static const struct {
    const char *text;
    bool takes_any, keeps_kind;
} whole_aggregates[] = {
    {"count(*)", true, false},           {"count($)", true, false},           {"count(DISTINCT $)", true, false},
    {"count(DISTINCT $, $)", true, false}, {"min($)", true, true},              {"max($)", true, true},
    {"sum($)", false, false},            {"sum(DISTINCT $)", false, false},   {"avg($)", false, false},
    {"avg(DISTINCT $)", false, false},   {"bitmap_union_count(to_bitmap(abs(CAST($ AS INT))))", false, false},
    {"array_length(array_agg($))", true, false}, {"array_join(array_sort(array_agg(CAST($ AS VARCHAR))), ',')", true, false},
    {"group_concat(DISTINCT CAST($ AS VARCHAR) ORDER BY 1)", true, false},
};

/* out_kind: of the result, or VALUE_KINDS where it is none of ours. */
static void aggregate_print(Generator *g, const Scope *scope, int depth, ValueKind *out_kind, ByteBuf *sql)
{
    uint32_t form = draw(g, COUNT_OF(whole_aggregates));
    ValueKind kind = whole_aggregates[form].takes_any ? random_kind(g) : lucky(g, 50) ? KIND_INT : KIND_DECIMAL;
    for (const char *p = whole_aggregates[form].text; *p != '\0'; p++) {
        if (*p == '$')
            expression_print(g, scope, kind, depth, sql);
        else
            bytebuf_append_char(sql, *p);
    }
    *out_kind = whole_aggregates[form].keeps_kind ? kind : VALUE_KINDS;
}

/* SELECT ... AS d0, ... of one small table; grouped by the first column, or not. */
static void block_print(Generator *g, ValueKind *in_out_kinds, uint32_t count, bool is_grouped, ByteBuf *sql)
{
    Scope inner;
    AUTO_BYTEBUF alias = {0};
    uint32_t t = draw(g, LARGE_TABLE);
    bytebuf_printf(&alias, "i%u", g->next_alias++);
    table_scope(&g->tables[t], alias.data, &inner);
    bytebuf_append_text(sql, "SELECT ");
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_append_text(sql, i == 0 ? "" : ", ");
        if (is_grouped && i > 0)
            aggregate_print(g, &inner, 1, &in_out_kinds[i], sql);
        else
            expression_print(g, &inner, in_out_kinds[i], 1, sql);
        bytebuf_printf(sql, " AS d%u", i);
    }
    bytebuf_printf(sql, " FROM @%u@ %s WHERE ", t, alias.data);
    predicate_print(g, &inner, 1, sql);
    bytebuf_append_text(sql, is_grouped ? " GROUP BY 1" : "");
}

static void numbered_scope(const ValueKind *kinds, uint32_t count, const char *alias, Scope *out)
{
    out->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        AUTO_BYTEBUF name = {0};
        bytebuf_printf(&name, "d%u", i);
        if (kinds[i] < VALUE_KINDS)
            scope_add(out, alias, name.data, kinds[i]);
    }
}

static void block_or_set_print(Generator *g, ValueKind *in_out_kinds, uint32_t count, ByteBuf *sql)
{
    static const char *const operators[] = {" UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT "};
    bool is_grouped = lucky(g, 50);
    for (uint32_t i = 0; i < count; i++)
        in_out_kinds[i] = random_kind(g);
    block_print(g, in_out_kinds, count, is_grouped, sql);
    if (is_grouped || lucky(g, 60))
        return;
    bytebuf_append_text(sql, operators[draw(g, COUNT_OF(operators))]);
    block_print(g, in_out_kinds, count, false, sql);
}

/* (SELECT ...) alias */
static void derived_print(Generator *g, const char *alias, Scope *out, ByteBuf *sql)
{
    ValueKind kinds[3] = {0};
    uint32_t count = 1 + draw(g, 3);
    bytebuf_append_char(sql, '(');
    block_or_set_print(g, kinds, count, sql);
    bytebuf_printf(sql, ") %s", alias);
    numbered_scope(kinds, count, alias, out);
}

/* WITH cte_0 AS (...), cte_1 AS (... that may read cte_0 ...): until the end of the query they can be read. */
static void ctes_print(Generator *g, ByteBuf *sql)
{
    uint32_t count = 1 + draw(g, CTES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        ValueKind *kinds = g->ctes[i];
        bytebuf_printf(sql, "%scte_%u AS (", i == 0 ? "WITH " : ", ", i);
        if (i > 0 && lucky(g, 50)) {
            memcpy(kinds, g->ctes[0], sizeof(g->ctes[0]));
            bytebuf_append_text(sql, "SELECT x.d0, x.d1, y.d2 FROM cte_0 x JOIN cte_0 y ON x.d0 = y.d0");
        } else {
            block_or_set_print(g, kinds, CTE_COLUMNS, sql);
        }
        bytebuf_append_text(sql, ") ");
    }
    g->cte_count = count;
}

static void source_print(Generator *g, bool is_large, Scope *out, ByteBuf *sql)
{
    AUTO_BYTEBUF alias = {0};
    bytebuf_printf(&alias, "a%u", g->next_alias++);
    if (!is_large && g->cte_count > 0 && lucky(g, 50)) {
        uint32_t cte = draw(g, g->cte_count);
        numbered_scope(g->ctes[cte], CTE_COLUMNS, alias.data, out);
        bytebuf_printf(sql, "cte_%u %s", cte, alias.data);
        return;
    }
    if (!is_large && lucky(g, 20)) {
        derived_print(g, alias.data, out, sql);
        return;
    }
    uint32_t t = is_large ? LARGE_TABLE : draw(g, LARGE_TABLE);
    table_scope(&g->tables[t], alias.data, out);
    bytebuf_printf(sql, "@%u@ %s", t, alias.data);
}

/* left.x = right.y of one kind; of a large right side only by its id, which is unique. */
static bool equality_print(Generator *g, const Scope *left, const Scope *right, bool is_large, ByteBuf *sql)
{
    uint32_t start = draw(g, left->count);
    const ScopeColumn *r = &right->columns[is_large ? 0 : draw(g, right->count)];
    for (uint32_t i = 0; i < left->count; i++) {
        const ScopeColumn *l = &left->columns[(start + i) % left->count];
        if (l->kind == r->kind) {
            bytebuf_printf(sql, "%s = %s", l->text, r->text);
            return true;
        }
    }
    return false;
}

static void join_print(Generator *g, Scope *scope, bool *in_out_large, ByteBuf *sql)
{
    static const char *const kinds[] = {
        " JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL OUTER JOIN ", " LEFT SEMI JOIN ", " LEFT ANTI JOIN ",
    };
    Scope right, both = *scope;
    AUTO_BYTEBUF source = {0};
    AUTO_BYTEBUF condition = {0};
    bool is_large = !*in_out_large && lucky(g, 10);
    uint32_t kind = draw(g, COUNT_OF(kinds));
    source_print(g, is_large, &right, &source);
    if (right.count == 0 || scope->count == 0)
        return;
    scope_join(&both, &right);
    if (!equality_print(g, scope, &right, is_large, &condition)) {
        if (is_large || *in_out_large)
            return;
        bytebuf_append_text(&condition, "true");
    }
    if (lucky(g, 30)) {
        bool allowed = g->allows_subqueries;
        g->allows_subqueries = false;
        bytebuf_append_text(&condition, " AND ");
        predicate_print(g, &both, 1, &condition);
        g->allows_subqueries = allowed;
    }
    bytebuf_printf(sql, "%s%s ON %s", kinds[kind], source.data, condition.data);
    if (kind < 4)
        *scope = both;
    *in_out_large |= is_large;
}

/* Elements of an array that is made of the row in front of it. */
static void unnest_print(Generator *g, Scope *scope, ByteBuf *sql)
{
    ValueKind kind = (ValueKind)draw(g, KIND_TEXT + 1);
    AUTO_BYTEBUF alias = {0};
    bytebuf_printf(&alias, "u%u", g->next_alias++);
    bool allowed = g->allows_subqueries;
    g->allows_subqueries = false;
    bytebuf_append_text(sql, " CROSS JOIN unnest([");
    expression_print(g, scope, kind, 1, sql);
    bytebuf_append_text(sql, ", ");
    expression_print(g, scope, kind, 1, sql);
    bytebuf_printf(sql, "]) %s(v)", alias.data);
    g->allows_subqueries = allowed;
    scope_add(scope, alias.data, "v", kind);
}

void from_print(Generator *g, Scope *out_scope, ByteBuf *sql)
{
    bool is_large = lucky(g, 15);
    source_print(g, is_large, out_scope, sql);
    for (uint32_t i = 0, count = draw(g, JOINED_MAX); i < count && (!is_large || i == 0); i++)
        join_print(g, out_scope, &is_large, sql);
    if (lucky(g, 7))
        unnest_print(g, out_scope, sql);
}

static void columns_print(Generator *g, const Scope *scope, const ValueKind *kinds, uint32_t count, ByteBuf *sql)
{
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_append_text(sql, i == 0 ? "" : ", ");
        expression_print(g, scope, kinds[i], 2, sql);
        bytebuf_printf(sql, " AS x%u", i);
    }
}

static void where_print(Generator *g, const Scope *scope, ByteBuf *sql)
{
    if (lucky(g, 20))
        return;
    bytebuf_append_text(sql, " WHERE ");
    predicate_print(g, scope, 3, sql);
}

static void select_print(Generator *g, const ValueKind *kinds, uint32_t count, ByteBuf *sql)
{
    Scope scope;
    AUTO_BYTEBUF from = {0};
    from_print(g, &scope, &from);
    bytebuf_printf(sql, "SELECT %s", lucky(g, 25) ? "DISTINCT " : "");
    columns_print(g, &scope, kinds, count, sql);
    bytebuf_printf(sql, " FROM %s", from.data);
    where_print(g, &scope, sql);
}

static uint32_t random_kinds(Generator *g, ValueKind *out_kinds)
{
    uint32_t count = 1 + draw(g, 4);
    for (uint32_t i = 0; i < count; i++)
        out_kinds[i] = random_kind(g);
    return count;
}

static void plain_print(Generator *g, ByteBuf *sql)
{
    ValueKind kinds[4] = {0};
    uint32_t count = random_kinds(g, kinds);
    select_print(g, kinds, count, sql);
}

static void set_operation_print(Generator *g, ByteBuf *sql)
{
    static const char *const operators[] = {" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT "};
    ValueKind kinds[4] = {0};
    uint32_t count = random_kinds(g, kinds);
    select_print(g, kinds, count, sql);
    for (uint32_t i = 0, more = 1 + draw(g, 2); i < more; i++) {
        bytebuf_append_text(sql, operators[draw(g, COUNT_OF(operators))]);
        select_print(g, kinds, count, sql);
    }
}

static void top_print(Generator *g, ByteBuf *sql)
{
    ValueKind kinds[4] = {0};
    uint32_t count = random_kinds(g, kinds);
    select_print(g, kinds, count, sql);
    bytebuf_append_text(sql, " ORDER BY ");
    for (uint32_t i = 0; i < count; i++)
        bytebuf_printf(sql, "%sx%u%s%s", i == 0 ? "" : ", ", i, lucky(g, 50) ? " DESC" : "", lucky(g, 30) ? " NULLS LAST" : "");
    bytebuf_printf(sql, " LIMIT %u", draw(g, 30));
    if (lucky(g, 30))
        bytebuf_printf(sql, " OFFSET %u", draw(g, 10));
}

static void grouping_print(Generator *g, uint32_t keys, ByteBuf *sql)
{
    static const char *const forms[] = {" GROUP BY ", " GROUP BY ROLLUP (", " GROUP BY CUBE ("};
    uint32_t form = keys == 0 ? 0 : lucky(g, 70) ? 0 : 1 + draw(g, 2);
    for (uint32_t i = 0; i < keys; i++)
        bytebuf_printf(sql, "%s%u", i == 0 ? forms[form] : ", ", i + 1);
    bytebuf_append_text(sql, form == 0 ? "" : ")");
}

static void grouped_print(Generator *g, ByteBuf *sql)
{
    Scope scope;
    AUTO_BYTEBUF from = {0};
    uint32_t keys = draw(g, 4), calls = 1 + draw(g, 3);
    ValueKind kinds[4] = {random_kind(g), random_kind(g), random_kind(g), random_kind(g)}, ignored;
    from_print(g, &scope, &from);
    bytebuf_append_text(sql, "SELECT ");
    columns_print(g, &scope, kinds, keys, sql);
    for (uint32_t i = 0; i < calls; i++) {
        bytebuf_append_text(sql, keys + i == 0 ? "" : ", ");
        aggregate_print(g, &scope, 1, &ignored, sql);
        bytebuf_printf(sql, " AS x%u", keys + i);
    }
    bytebuf_printf(sql, " FROM %s", from.data);
    where_print(g, &scope, sql);
    grouping_print(g, keys, sql);
    if (lucky(g, 20))
        bytebuf_printf(sql, " HAVING count(*) > 0 QUALIFY rank() OVER (ORDER BY x%u) < 5", keys + calls - 1);
    else if (lucky(g, 30)) {
        bytebuf_append_text(sql, " HAVING count(*) > 1 OR ");
        aggregate_print(g, &scope, 1, &ignored, sql);
        bytebuf_append_text(sql, " IS NULL");
    }
}

/* Over one table, whose id makes the order total where the function needs it. */
static void window_print(Generator *g, ByteBuf *sql)
{
    static const char *const of_ties[] = {"rank()", "dense_rank()", "count(*)", "sum($)", "min($)", "max($)", "count($)"};
    static const char *const of_rows[] = {
        "row_number()", "lag($, 1)", "lead($, 2)", "first_value($)", "last_value($)", "sum($)", "min($)", "ntile(3)",
    };
    static const char *const frames[] = {
        "", "", " ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING", " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    };
    Scope scope;
    uint32_t t = draw(g, TABLES);
    table_scope(&g->tables[t], "w", &scope);
    bytebuf_append_text(sql, "SELECT w.id AS x0");
    for (uint32_t i = 1; i < 3; i++) {
        bool is_total = lucky(g, 50), has_frame = false;
        const char *call = is_total ? of_rows[draw(g, COUNT_OF(of_rows))] : of_ties[draw(g, COUNT_OF(of_ties))];
        bytebuf_append_text(sql, ", ");
        for (const char *p = call; *p != '\0'; p++) {
            if (*p == '$')
                expression_print(g, &scope, KIND_INT, 1, sql);
            else
                bytebuf_append_char(sql, *p);
        }
        has_frame = is_total && strchr(call, '$') != NULL && call[1] != 'a' && call[1] != 'e';
        bytebuf_append_text(sql, " OVER (PARTITION BY ");
        expression_print(g, &scope, random_kind(g), 1, sql);
        bytebuf_append_text(sql, " ORDER BY ");
        expression_print(g, &scope, random_kind(g), 1, sql);
        bytebuf_printf(sql, "%s%s) AS x%u", is_total ? " DESC, w.id" : "", has_frame ? frames[draw(g, COUNT_OF(frames))] : "", i);
    }
    bytebuf_printf(sql, " FROM @%u@ w", t);
    where_print(g, &scope, sql);
}

/* Functions whose value is the same for rows that are equal in the order, over any FROM. */
static void ranks_print(Generator *g, ByteBuf *sql)
{
    static const char *const calls[] = {"rank()", "dense_rank()", "count(*)", "sum($)", "max($)", "cume_dist()", "percent_rank()"};
    Scope scope;
    AUTO_BYTEBUF from = {0};
    const char *call = calls[draw(g, COUNT_OF(calls))];
    from_print(g, &scope, &from);
    bytebuf_append_text(sql, "SELECT ");
    expression_print(g, &scope, random_kind(g), 1, sql);
    bytebuf_append_text(sql, " AS x0, ");
    for (const char *p = call; *p != '\0'; p++) {
        if (*p == '$')
            expression_print(g, &scope, KIND_INT, 1, sql);
        else
            bytebuf_append_char(sql, *p);
    }
    bytebuf_append_text(sql, " OVER (PARTITION BY ");
    expression_print(g, &scope, random_kind(g), 1, sql);
    bytebuf_append_text(sql, " ORDER BY ");
    expression_print(g, &scope, random_kind(g), 1, sql);
    bytebuf_printf(sql, ") AS x1 FROM %s", from.data);
    where_print(g, &scope, sql);
    if (lucky(g, 30))
        bytebuf_append_text(sql, " QUALIFY x1 > 1");
}

void query_print(Generator *g, ByteBuf *sql)
{
    static void (*const shapes[])(Generator *, ByteBuf *) = {plain_print,   set_operation_print, top_print,  grouped_print,
                                                             grouped_print, window_print,        ranks_print};
    if (lucky(g, 20))
        ctes_print(g, sql);
    shapes[draw(g, COUNT_OF(shapes))](g, sql);
    g->cte_count = 0;
}
