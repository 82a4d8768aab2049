#include "query_oracle/query_oracle.h"

/* Random expressions of a kind. Everything in them is exact, so that no result depends on the order of rows. */

ValueKind random_kind(Generator *g)
{
    return (ValueKind)draw(g, VALUE_KINDS);
}

void scope_join(Scope *scope, const Scope *other)
{
    for (uint32_t i = 0; i < other->count && scope->count < SCOPE_MAX; i++)
        scope->columns[scope->count++] = other->columns[i];
}

static bool column_print(Generator *g, const Scope *scope, ValueKind kind, ByteBuf *sql)
{
    if (scope->count == 0)
        return false;
    uint32_t start = draw(g, scope->count);
    for (uint32_t i = 0; i < scope->count; i++) {
        const ScopeColumn *column = &scope->columns[(start + i) % scope->count];
        if (column->kind == kind) {
            bytebuf_append_text(sql, column->text);
            return true;
        }
    }
    return false;
}

static void typed_literal_print(Generator *g, ValueKind kind, ByteBuf *sql)
{
    static const char *const casts[VALUE_KINDS] = {[KIND_DATE] = "DATE", [KIND_DATETIME] = "DATETIME", [KIND_DOUBLE] = "DOUBLE"};
    if (casts[kind] != NULL)
        bytebuf_append_text(sql, "CAST(");
    literal_print(g, sql, kind, 30);
    if (casts[kind] != NULL)
        bytebuf_printf(sql, " AS %s)", casts[kind]);
}

static void leaf_print(Generator *g, const Scope *scope, ValueKind kind, ByteBuf *sql)
{
    static const char *const type_names[VALUE_KINDS] = {
        "INT", "BIGINT", "DOUBLE", "DECIMAL(18, 3)", "VARCHAR", "DATE", "DATETIME", "BOOLEAN",
    };
    if (lucky(g, 4))
        bytebuf_printf(sql, "CAST(NULL AS %s)", type_names[kind]);
    else if (lucky(g, 20) || !column_print(g, scope, kind, sql))
        typed_literal_print(g, kind, sql);
}

/* A pattern of a family of expressions: %i, %d, ... stand for expressions of a kind, %p for a predicate, %s for one of the same kind. */
static void pattern_print(Generator *g, const Scope *scope, ValueKind self, const char *pattern, int depth, ByteBuf *sql)
{
    static const char letters[] = "ibfdtaeo"; /* by ValueKind */
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p != '$') {
            bytebuf_append_char(sql, *p);
            continue;
        }
        p++;
        if (*p == 'p')
            predicate_print(g, scope, depth - 1, sql);
        else if (*p == 's')
            expression_print(g, scope, self, depth - 1, sql);
        else if (*p == 'n')
            bytebuf_printf(sql, "%u", draw(g, 6));
        else
            expression_print(g, scope, (ValueKind)(strchr(letters, *p) - letters), depth - 1, sql);
    }
}

static const char *const common[] = {
    "CASE WHEN $p THEN $s ELSE $s END", "CASE WHEN $p THEN $s WHEN $p THEN $s END", "coalesce($s, $s)", "if($p, $s, $s)",
    "nullif($s, $s)", "ifnull($s, $s)", "greatest($s, $s)", "least($s, $s)",
};
static const char *const of_int[] = {
    "($s % 7)", "CAST(length($t) AS INT)", "year($a)", "month($e)", "dayofweek($a)", "($s & 255)", "($s | 3)", "CAST($o AS INT)",
    "CAST(datediff($a, $a) AS INT)", "CAST(sign($d) AS INT)", "hour($e)", "CAST(locate('a', $t) AS INT)",
    "(-(CAST(($i % 1000) AS INT)) & 1023)",
};
static const char *const of_bigint[] = {
    "($i + $i)", "($i - $i)", "($i * $i)", "abs($i)", "CAST($d AS BIGINT)", "($b % 1000 * 3)", "char_length($t)",
    "CAST(floor($f) AS BIGINT)", "(CAST($i AS BIGINT) * 2 + 1)",
};
static const char *const of_double[] = {
    "CAST($i AS DOUBLE)", "(CAST($i % 100 AS DOUBLE) * 0.25)", "abs($s)", "(-$s)", "CAST(ceil($f) AS DOUBLE)",
    "CAST($d * 8 AS BIGINT) / 8",
};
static const char *const of_decimal[] = {
    "CAST($i AS DECIMAL(18, 3))", "CAST(round($d, 1) AS DECIMAL(18, 3))", "CAST(abs($d) AS DECIMAL(18, 3))",
    "CAST($d + $d AS DECIMAL(18, 3))", "CAST(truncate($d, 0) AS DECIMAL(18, 3))",
};
static const char *const of_text[] = {
    "concat($t, $t)", "substr($t, 1, $n)", "upper($t)", "lower($t)", "left($t, $n)", "right($t, $n)", "CAST($i AS VARCHAR)",
    "CAST($a AS VARCHAR)", "replace($t, 'a', 'bc')", "trim($t)", "lpad($t, $n, '*')", "reverse($t)", "CAST($d AS VARCHAR)",
    "concat_ws('-', $t, $t)", "date_format($e, '%Y-%m')",
};
static const char *const of_date[] = {
    "date_add($a, INTERVAL $n DAY)", "CAST(date_trunc('month', $a) AS DATE)", "last_day($a)", "CAST($e AS DATE)",
    "CAST(date_sub($a, INTERVAL $n MONTH) AS DATE)", "CAST(months_add($a, $n) AS DATE)",
};
static const char *const of_datetime[] = {
    "date_trunc('hour', $e)", "date_add($e, INTERVAL $n HOUR)", "CAST($a AS DATETIME)", "date_trunc('year', $e)",
};
static const char *const of_boolean[] = {"($p)", "CAST($i % 2 AS BOOLEAN)"};

void expression_print(Generator *g, const Scope *scope, ValueKind kind, int depth, ByteBuf *sql)
{
    static const struct {
        const char *const *patterns;
        uint32_t count;
    } own[VALUE_KINDS] = {
        {of_int, COUNT_OF(of_int)},   {of_bigint, COUNT_OF(of_bigint)}, {of_double, COUNT_OF(of_double)},     {of_decimal, COUNT_OF(of_decimal)},
        {of_text, COUNT_OF(of_text)}, {of_date, COUNT_OF(of_date)},     {of_datetime, COUNT_OF(of_datetime)}, {of_boolean, COUNT_OF(of_boolean)},
    };
    if (depth <= 0 || lucky(g, 35))
        leaf_print(g, scope, kind, sql);
    else if (lucky(g, 40))
        pattern_print(g, scope, kind, common[draw(g, kind == KIND_BOOLEAN ? 4 : COUNT_OF(common))], depth, sql);
    else
        pattern_print(g, scope, kind, own[kind].patterns[draw(g, own[kind].count)], depth, sql);
}

static void comparison_print(Generator *g, const Scope *scope, int depth, ByteBuf *sql)
{
    static const char *const operators[] = {"=", "=", "<>", "<", "<=", ">", ">=", "<=>"};
    ValueKind left = random_kind(g);
    bool is_number = left <= KIND_DECIMAL;
    ValueKind right = is_number && lucky(g, 30) ? (ValueKind)draw(g, KIND_DECIMAL + 1) : left;
    bytebuf_append_char(sql, '(');
    expression_print(g, scope, left, depth - 1, sql);
    bytebuf_printf(sql, " %s ", operators[draw(g, COUNT_OF(operators))]);
    expression_print(g, scope, right, depth - 1, sql);
    bytebuf_append_char(sql, ')');
}

static void list_print(Generator *g, const Scope *scope, int depth, ByteBuf *sql)
{
    ValueKind kind = random_kind(g);
    bytebuf_append_char(sql, '(');
    expression_print(g, scope, kind, depth - 1, sql);
    bytebuf_append_text(sql, lucky(g, 30) ? " NOT IN (" : " IN (");
    for (uint32_t i = 0, count = 1 + draw(g, 4); i < count; i++) {
        bytebuf_append_text(sql, i == 0 ? "" : ", ");
        if (lucky(g, 8))
            bytebuf_append_text(sql, "NULL");
        else
            typed_literal_print(g, kind, sql);
    }
    bytebuf_append_text(sql, "))");
}

/* The tables that are small enough for a subquery that may run as a nested loop. */
static uint32_t small_table(Generator *g)
{
    return draw(g, TABLES - 1);
}

static void inner_scope(Generator *g, uint32_t t, const char *alias, Scope *out)
{
    out->count = 0;
    for (uint32_t c = 0; c < g->tables[t].column_count; c++) {
        ScopeColumn *column = &out->columns[out->count++];
        AUTO_BYTEBUF name = {0};
        bytebuf_printf(&name, c == 0 ? "%s.id" : "%s.c%u", alias, c);
        strncpy(column->text, name.data, NAME_MAX_BYTES - 1);
        column->text[NAME_MAX_BYTES - 1] = '\0';
        column->kind = g->tables[t].columns[c].kind;
    }
}

/* alias.column = outer column of the same kind, where there is one. */
static void correlation_print(Generator *g, const Scope *outer, const Scope *inner, ByteBuf *sql)
{
    const ScopeColumn *column = &inner->columns[draw(g, inner->count)];
    bytebuf_printf(sql, "%s = ", column->text);
    if (!column_print(g, outer, column->kind, sql))
        typed_literal_print(g, column->kind, sql);
}

/* What may follow the conditions of an EXISTS or IN subquery over one column. */
static const char *subquery_tail(Generator *g, bool is_exists)
{
    static const char *const tails[] = {" GROUP BY 1", " GROUP BY 1 HAVING count(*) > 1", " LIMIT 1"};
    return lucky(g, 75) ? "" : tails[draw(g, is_exists ? 3 : 2)];
}

/* The conditions of a subquery: they may compare with the columns around it in any way, and may ask further subqueries. */
static void subquery_where_print(Generator *g, const Scope *outer, const Scope *inner, ByteBuf *sql)
{
    bool saved = g->allows_subqueries;
    Scope visible = *inner;
    if (lucky(g, 60))
        correlation_print(g, outer, inner, sql);
    else
        bytebuf_append_text(sql, "true");
    if (lucky(g, 25))
        scope_join(&visible, outer);
    g->allows_subqueries = lucky(g, 20);
    bytebuf_append_text(sql, " AND ");
    predicate_print(g, &visible, 1, sql);
    g->allows_subqueries = saved;
}

static void subquery_print(Generator *g, const Scope *scope, ByteBuf *sql)
{
    static const char *const comparisons[] = {"<=", "=", "<>", ">"};
    AUTO_BYTEBUF alias = {0};
    Scope inner;
    uint32_t t = small_table(g), form = draw(g, 7);
    bytebuf_printf(&alias, "s%u", g->next_alias++);
    inner_scope(g, t, alias.data, &inner);
    const ScopeColumn *column = &inner.columns[draw(g, inner.count)], *second = &inner.columns[draw(g, inner.count)];
    AUTO_BYTEBUF value = {0};
    bytebuf_printf(&value, "SELECT %s(%s) FROM @%u@ %s WHERE ", lucky(g, 50) ? "min" : "max", column->text, t, alias.data);
    bytebuf_append_char(sql, '(');
    if (form < 2) {
        bytebuf_printf(sql, "%sEXISTS (SELECT 1 FROM @%u@ %s WHERE ", form == 0 ? "" : "NOT ", t, alias.data);
    } else if (form == 2) {
        expression_print(g, scope, column->kind, 1, sql);
        bytebuf_printf(sql, "%s IN (SELECT %s FROM @%u@ %s WHERE ", lucky(g, 40) ? " NOT" : "", column->text, t, alias.data);
    } else if (form == 3) {
        bytebuf_append_char(sql, '(');
        expression_print(g, scope, column->kind, 0, sql);
        bytebuf_append_text(sql, ", ");
        expression_print(g, scope, second->kind, 0, sql);
        bytebuf_printf(sql, ")%s IN (SELECT %s, %s FROM @%u@ %s WHERE ", lucky(g, 40) ? " NOT" : "", column->text, second->text, t, alias.data);
    } else if (form == 4) {
        expression_print(g, scope, column->kind, 1, sql);
        bytebuf_printf(sql, " %s (%s", comparisons[draw(g, COUNT_OF(comparisons))], value.data);
    } else if (form == 5) {
        bytebuf_printf(sql, "(%s", value.data);
    } else {
        expression_print(g, scope, column->kind, 0, sql);
        bytebuf_printf(sql, " >= (SELECT %s FROM @%u@ %s WHERE ", column->text, t, alias.data);
    }
    subquery_where_print(g, scope, &inner, sql);
    if (form < 3)
        bytebuf_append_text(sql, subquery_tail(g, form < 2));
    if (form == 6)
        bytebuf_printf(sql, " ORDER BY %s.id%s LIMIT 1", alias.data, lucky(g, 50) ? " DESC" : "");
    bytebuf_append_char(sql, ')');
    if (form == 5) {
        bytebuf_append_text(sql, " BETWEEN ");
        typed_literal_print(g, column->kind, sql);
        bytebuf_append_text(sql, " AND ");
        expression_print(g, scope, column->kind, 0, sql);
    }
    bytebuf_append_char(sql, ')');
}

static void test_print(Generator *g, const Scope *scope, int depth, ByteBuf *sql)
{
    static const char *const patterns[] = {
        "($t LIKE 'a%')", "($t LIKE '%b%')", "($t NOT LIKE '_')", "($i BETWEEN -3 AND 9)",
        "($a BETWEEN '2021-03-01' AND '2023-06-30')", "($t BETWEEN 'a' AND 'w2')", "($o IS TRUE)", "($o)", "($d NOT BETWEEN -1 AND 1)",
        "($e > $a)", "starts_with($t, 'a')", "($i + $i > $i)",
    };
    if (lucky(g, 30)) {
        bytebuf_append_char(sql, '(');
        expression_print(g, scope, random_kind(g), depth - 1, sql);
        bytebuf_append_text(sql, lucky(g, 50) ? " IS NULL)" : " IS NOT NULL)");
    } else {
        pattern_print(g, scope, KIND_BOOLEAN, patterns[draw(g, COUNT_OF(patterns))], depth, sql);
    }
}

void predicate_print(Generator *g, const Scope *scope, int depth, ByteBuf *sql)
{
    uint32_t dice = draw(g, 100);
    if (depth > 0 && dice < 35) {
        bytebuf_append_char(sql, '(');
        predicate_print(g, scope, depth - 1, sql);
        bytebuf_append_text(sql, lucky(g, 50) ? " AND " : " OR ");
        predicate_print(g, scope, depth - 1, sql);
        bytebuf_append_char(sql, ')');
    } else if (depth > 0 && dice < 42) {
        bytebuf_append_text(sql, "(NOT ");
        predicate_print(g, scope, depth - 1, sql);
        bytebuf_append_char(sql, ')');
    } else if (dice < 70) {
        comparison_print(g, scope, depth, sql);
    } else if (dice < 80) {
        list_print(g, scope, depth, sql);
    } else if (dice < 90 && g->allows_subqueries) {
        subquery_print(g, scope, sql);
    } else {
        test_print(g, scope, depth, sql);
    }
}
