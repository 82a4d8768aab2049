/* Parser and printer: statements that must parse and as what, statements that must not and where,
 * precedence, positions, limits, and print-parse-print. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

#include <cmocka.h>

#include "sql/ast_command.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/unparse.h"

static AstStatement *parse_one(const char *text, Arena *arena)
{
    Diag diag = {0};
    AstStatements list = {0};
    Status status = sql_parse(strview(text), NULL, arena, &diag, &list);
    if (status != OK || list.count != 1)
        fail_msg("%s\n  %s", text, diag.message);
    return list.items[0];
}

static void expect_error(const char *text, const char *part)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Diag diag = {0};
    AstStatements list = {0};
    assert_int_not_equal(sql_parse(strview(text), NULL, &arena, &diag, &list), OK);
    if (strstr(diag.message, part) == NULL)
        fail_msg("%s\n  has: %s\n  not: %s", text, diag.message, part);
}

/* The printed form, whose parentheses show how the text was understood. */
static void expect_expr(const char *text, const char *printed)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Diag diag = {0};
    AstExpr *expr;
    if (sql_parse_expression(strview(text), &arena, &diag, &expr) != OK)
        fail_msg("%s\n  %s", text, diag.message);
    AUTO_BYTEBUF out = {0};
    sql_print_expr(expr, &out);
    assert_string_equal(out.data, printed);
}

static void expressions_print_as_understood(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a+b*c", "a + b * c"},
        {"(a+b)*c", "(a + b) * c"},
        {"a-(b-c)", "a - (b - c)"},
        {"(a-b)-c", "a - b - c"},
        {"a or b and not c = 1", "a OR b AND NOT c = 1"},
        {"(a or b) and c", "(a OR b) AND c"},
        {"not (a and b)", "NOT (a AND b)"},
        {"! a = b", "(NOT a) = b"},
        {"- - 1", "-(-1)"},
        {"a between 1 and 2 and b", "a BETWEEN 1 AND 2 AND b"},
        {"a not in (1, 2)", "a NOT IN (1, 2)"},
        {"(a, b) in ((1, 2))", "(a, b) IN ((1, 2))"},
        {"a is not null", "a IS NOT NULL"},
        {"a is distinct from b", "NOT a <=> b"},
        {"a rlike 'x'", "a REGEXP 'x'"},
        {"a like 'x' escape '|'", "a LIKE 'x' ESCAPE '|'"},
        {"a | b & c", "a | (b & c)"},
        {"5 DIV 2 mod 3", "5 DIV 2 % 3"},
        {"a || b", "a OR b"},
        {"x'0aFF'", "x'0aff'"},
        {"date '2020-01-01'", "DATE '2020-01-01'"},
        {"extract(year from d)", "year(d)"},
        {"trim(leading 'x' from s)", "ltrim(s, 'x')"},
        {"substring(s from 2 for 3)", "substring(s, 2, 3)"},
        {"position('a' in s)", "locate('a', s)"},
        {"current_date", "current_date()"},
        {"date_add(d, interval 1 day)", "date_add(d, INTERVAL 1 day)"},
        {"d + interval (n + 1) month", "d + INTERVAL (n + 1) month"},
        {"count(distinct a, b)", "count(DISTINCT a, b)"},
        {"group_concat(distinct a order by b desc separator '-')",
         "group_concat(DISTINCT a ORDER BY b DESC SEPARATOR '-')"},
        {"lag(a ignore nulls, 2) over (partition by b order by c rows between 1 preceding and current row)",
         "lag(a, 2) IGNORE NULLS OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)"},
        {"case a when 1 then 'x' else 'y' end", "CASE a WHEN 1 THEN 'x' ELSE 'y' END"},
        {"array_map(x -> x + 1, [1, 2])", "array_map((x) -> x + 1, [1, 2])"},
        {"map{1: 'a', 2: 'b'}[1]", "map{1: 'a', 2: 'b'}[1]"},
        {"a[1].b", "a[1].b"},
        {"`select`.`a b`", "`select`.`a b`"},
        {"@x := 1", "@`x` := 1"},
        {"@@session.sql_mode", "@@session.sql_mode"},
        {"cast(a as decimal(10, 2))", "CAST(a AS decimal(10, 2))"},
        {"'it''s \\\\ \\n'", "'it\\'s \\\\ \\n'"},
        {"if(a, left(b, 1), 2)", "if(a, left(b, 1), 2)"},
        {"t.1a", "t.`1a`"},
        {"99999999999999999999999999", "99999999999999999999999999"},
        {"f(start => 2)", "f(start => 2)"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_expr(cases[i][0], cases[i][1]);
}

static void statements_have_their_kind(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        AstKind kind;
    } cases[] = {
        {"select 1", AST_STATEMENT_QUERY},
        {"/*!40101 SET NAMES utf8 */", AST_STATEMENT_SET},
        {"with a as (select 1) select * from a", AST_STATEMENT_QUERY},
        {"(select 1) union all (select 2) order by 1 limit 1, 2", AST_STATEMENT_QUERY},
        {"insert into t(a, b) values (1, default), (2, 3)", AST_STATEMENT_INSERT},
        {"insert overwrite t partition(p1) with label l select * from s", AST_STATEMENT_INSERT},
        {"insert into blackhole() select 1", AST_STATEMENT_INSERT},
        {"insert into files('path' = 's3://b/c', 'format' = 'parquet') select 1", AST_STATEMENT_INSERT},
        {"update t set a = a + 1, b = default from s where t.k = s.k", AST_STATEMENT_UPDATE},
        {"delete from t using s where t.k = s.k", AST_STATEMENT_DELETE},
        {"merge into t using s on t.k = s.k when matched then update set a = 1 when not matched then insert *",
         AST_STATEMENT_MERGE},
        {"create temporary table if not exists t (k int not null auto_increment, v int sum default '0')",
         AST_STATEMENT_CREATE_TABLE},
        {"create table t as select 1", AST_STATEMENT_CREATE_TABLE},
        {"create table t like s", AST_STATEMENT_CREATE_TABLE},
        {"create materialized view v refresh deferred async every(interval 1 hour) as select 1",
         AST_STATEMENT_CREATE_MV},
        {"alter materialized view v active with no_validation", AST_STATEMENT_ALTER_MV},
        {"refresh materialized view v partition start('a') end('b') force with sync mode",
         AST_STATEMENT_REFRESH_MV},
        {"alter table t add column c int after b, drop column d", AST_STATEMENT_ALTER_TABLE},
        {"alter table t replace partition (p) with temporary partition (q)", AST_STATEMENT_ALTER_TABLE},
        {"create user 'u'@'%' identified by 'p' default role r", AST_STATEMENT_USER},
        {"grant select, insert on all tables in database d to role r with grant option", AST_STATEMENT_GRANT},
        {"revoke r from user 'u'@'h'", AST_STATEMENT_GRANT},
        {"create routine load d.j on t columns(a, b = a + 1) properties('x' = '1') from kafka('k' = 'v')",
         AST_STATEMENT_LOAD},
        {"load label d.l (data infile('a') into table t format as 'csv' (a, b) set (c = a)) with broker ('k' = 'v')",
         AST_STATEMENT_LOAD},
        {"submit task d.x schedule every(interval 1 minute) as insert into t select 1", AST_STATEMENT_SUBMIT_TASK},
        {"analyze full table t (a, b) with sync mode", AST_STATEMENT_ANALYZE},
        {"analyze table t update histogram on a with 10 buckets", AST_STATEMENT_ANALYZE},
        {"drop stats t", AST_STATEMENT_STATISTICS},
        {"kill analyze 3", AST_STATEMENT_STATISTICS},
        {"trace logs mv select 1", AST_STATEMENT_TRACE},
        {"explain refresh materialized view v", AST_STATEMENT_EXPLAIN},
        {"explain verbose select 1", AST_STATEMENT_EXPLAIN},
        {"begin work", AST_STATEMENT_BEGIN},
        {"start transaction with label l", AST_STATEMENT_BEGIN},
        {"set role all except a, b", AST_STATEMENT_SET},
        {"set global x = 1, @a = 2, @@session.y = on", AST_STATEMENT_SET},
        {"show full tables from d like 'a%'", AST_STATEMENT_SHOW},
        {"show partitions from d.t where PartitionName = 'p' order by 1 limit 2", AST_STATEMENT_SHOW},
        {"show grants for 'u'@'h'", AST_STATEMENT_SHOW},
        {"desc t all", AST_STATEMENT_DESCRIBE},
        {"admin set frontend config ('a' = 'b')", AST_STATEMENT_ADMIN_SET_CONFIG},
        {"prepare s from select ?, ?", AST_STATEMENT_PREPARE},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        const AstStatement *statement = parse_one(cases[i].text, &arena);
        if (statement->kind != cases[i].kind)
            fail_msg("%s: kind %d", cases[i].text, statement->kind);
    }
}

static void commands_have_their_name(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"drop materialized view if exists v", "DROP MATERIALIZED VIEW"},
        {"cancel refresh materialized view v force", "CANCEL REFRESH MATERIALIZED VIEW"},
        {"verify materialized view v", "VERIFY MATERIALIZED VIEW"},
        {"create storage volume v type = s3 locations = ('s3://b') properties ('a' = 'b')", "CREATE STORAGE VOLUME"},
        {"set v as default storage volume", "SET DEFAULT STORAGE VOLUME"},
        {"create resource group g to (user = 'u', query_type in ('select')) with ('cpu_weight' = '1')",
         "CREATE RESOURCE GROUP"},
        {"alter resource group g drop (1, 2)", "ALTER RESOURCE GROUP"},
        {"drop user 'u'", "DROP USER"},
        {"create role a, b", "CREATE ROLE"},
        {"execute as u with no revert", "EXECUTE AS"},
        {"pause routine load for d.j", "PAUSE ROUTINE LOAD"},
        {"export table t to 's3://x' properties ('a' = 'b') with broker", "EXPORT TABLE"},
        {"create pipe p as insert into t select * from files('path' = 'x')", "CREATE PIPE"},
        {"alter pipe p retry all", "ALTER PIPE"},
        {"backup snapshot d.s to r on (table t partition (p), t2)", "BACKUP"},
        {"restore snapshot d.s from r on (table t as t2) properties ('a' = 'b')", "RESTORE"},
        {"create snapshot s", "CREATE SNAPSHOT"},
        {"restore table d.t as d.t2 from snapshot s", "RESTORE TABLE"},
        {"restore database d to timestamp '2026-01-01 00:00:00'", "RESTORE DATABASE"},
        {"recover partition p from t", "RECOVER PARTITION"},
        {"admin set replica status properties ('tablet_id' = '1')", "ADMIN SET REPLICA STATUS"},
        {"admin set automated cluster snapshot on storage volume v", "ADMIN SET AUTOMATED CLUSTER SNAPSHOT ON"},
        {"admin set cluster read only", "ADMIN SET CLUSTER"},
        {"alter system add compute node 'h:1', 'h:2'", "ALTER SYSTEM ADD"},
        {"alter system create image", "ALTER SYSTEM CREATE IMAGE"},
        {"add sqlblacklist 'select .*'", "ADD SQLBLACKLIST"},
        {"delete sqlblacklist 1, 2", "DELETE SQLBLACKLIST"},
        {"cache select a from t properties ('verbose' = 'true')", "CACHE SELECT"},
        {"create index i on t (a) using bitmap comment 'c'", "CREATE INDEX"},
        {"cancel alter table column from t", "CANCEL ALTER TABLE"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        const AstStatement *statement = parse_one(cases[i][0], &arena);
        assert_int_equal(statement->kind, AST_STATEMENT_COMMAND);
        if (!strview_is(statement->command->what, cases[i][1]))
            fail_msg("%s: %.*s", cases[i][0], SV_ARGS(statement->command->what));
    }
}

static void errors_name_place_and_input(void **state)
{
    (void)state;
    expect_error("select array1 in () from sc2 order by 1", "at line 1, column 18. Detail message: No viable statement for input 'in ()'.");
    expect_error("select t.a from t left join s where s.a = t.a", "column 30. Detail message: Unexpected input 'where', the most similar input is {'ON', 'USING'}.");
    expect_error("select 1\nselect 2", "line 2, column 0. Detail message: Unexpected input 'select', the most similar input is {<EOF>, ';'}.");
    expect_error("select 'abc", "unterminated string");
    expect_error("select * from", "Unexpected input '<EOF>'");
    expect_error("select count(distinct a) filter (where b) from t", "Aggregation filter does not support COUNT DISTINCT.");
    expect_error("select default from t", "a legal identifier");
    expect_error("create table t (a int not null as (b))", "Generated Column must be nullable column.");
    expect_error("selec 1", "Unexpected input 'selec'");
    expect_error("create table t (a bigint null auto_increment)", "AUTO_INCREMENT column a must be NOT NULL.");
}

static void depth_is_bounded(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    AUTO_BYTEBUF text = {0};
    bytebuf_append_text(&text, "select ");
    for (int i = 0; i < DEEP; i++)
        bytebuf_append_char(&text, '(');
    expect_error(text.data, "nested more than");
    bytebuf_clear(&text);
    bytebuf_append_text(&text, "select 1");
    for (int i = 0; i < DEEP; i++)
        bytebuf_append_text(&text, "+1");
    expect_error(text.data, "operators in a row");
    bytebuf_clear(&text);
    bytebuf_append_text(&text, "select 1 from t where a = 0");
    for (int i = 0; i < DEEP; i++)
        bytebuf_append_text(&text, " or a = 1");
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    const AstStatement *statement = parse_one(text.data, &arena);
    assert_string_equal(statement->query->select.where->op.data, "OR");
}

static void positions_are_offsets(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    const char *text = "select  a + 1 , count( * ) from t";
    const AstStatement *statement = parse_one(text, &arena);
    const AstExpr *first = statement->query->select.items.items[0].expr;
    const AstExpr *second = statement->query->select.items.items[1].expr;
    assert_int_equal(first->begin, 8);
    assert_int_equal(first->end, 13);
    assert_int_equal(second->begin, 16);
    assert_int_equal(second->end, 26);
}

static void queries_print_to_a_fixed_point(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "select distinct a as x, t.* exclude (b) from d.t as t where a > 1 group by a having count(*) > 1 order by 1 desc nulls last limit 5 offset 2",
        "select a from t union all select b from s intersect select c from u",
        "(select a from t union select b from s) intersect select c from u",
        "(select a from t order by a limit 1) union all (select 1)",
        "with recursive c(n) as (select 1 union all select n + 1 from c where n < 5) select * from c",
        "select * from a join b on a.x = b.x left semi join [broadcast] c using (x, y)",
        "select * from a, b cross join lateral unnest(a.x) as u(y)",
        "select * from a join (b join c on b.x = c.x) on a.x = b.x",
        "select * from table(generate_series(1, 5))",
        "select * from files('path' = 's3://x', 'format' = 'parquet')",
        "select * from t partition (p1, p2) tablet (1, 2) [_META_]",
        "select * from t pivot (sum(a) as s for b in (1 as one, 2)) as p",
        "select a, b from t group by grouping sets ((a), (a, b), ())",
        "select a from t group by all",
        "select /*+ SET_VAR(query_timeout = 5) */ 1",
        "select a from o asof left join p on o.k = p.k and o.t >= p.t",
        "values (1, 'a'), (2, 'b')",
        "select row_number() over (partition by a order by b) as r from t qualify r = 1",
        "select * from t where exists (select 1 from s where s.a = t.a) and a not in (select b from s)",
        "select * from a join [skew|a.x(1, 2)] b on a.x = b.x",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        AUTO_BYTEBUF first = {0};
        AUTO_BYTEBUF second = {0};
        sql_print_query(parse_one(cases[i], &arena)->query, &first);
        sql_print_query(parse_one(first.data, &arena)->query, &second);
        assert_string_equal(first.data, second.data);
    }
}

static void mapping_of_load_columns(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Diag diag = {0};
    AstStrList names = {0};
    AstExprList values = {0};
    assert_int_equal(sql_parse_column_mapping(STR_VIEW("c1, c2, tmp, x = tmp + 1"), &arena, &diag, &names, &values), OK);
    assert_int_equal(names.count, 4);
    assert_null(values.items[2]);
    assert_int_equal(values.items[3]->kind, AST_BINARY_OP);
}

static void materialized_view_parts(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    const AstMaterializedView *mv =
        parse_one("create materialized view if not exists d.v (a comment 'x', b) comment 'c' "
                  "partition by date_trunc('day', a) distributed by hash(b) buckets 3 order by (a) "
                  "refresh immediate async start('2026-01-01 00:00:00') every(interval 5 minute) "
                  "properties ('k' = 'v') as select a, b from t", &arena)->mv;
    assert_true(mv->table.if_not_exists);
    assert_int_equal(mv->table.columns.count, 2);
    assert_true(mv->has_partition);
    assert_int_equal(mv->table.buckets, 3);
    assert_int_equal(mv->refresh.scheme, AST_REFRESH_ASYNC);
    assert_true(mv->refresh.is_immediate);
    assert_true(strview_is(mv->refresh.start, "2026-01-01 00:00:00"));
    assert_int_equal(mv->refresh.every->kind, AST_INTERVAL);
    assert_true(strview_is(mv->query_text, "select a, b from t"));
}

static void keywords_are_sorted(void **state)
{
    (void)state;
    size_t count;
    const SqlKeyword *words = sql_keywords(&count);
    assert_true(count > 300);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            assert_true(strcasecmp(words[i - 1].word, words[i].word) < 0);
        assert_ptr_equal(sql_keyword_find(strview(words[i].word)), &words[i]);
    }
    assert_true(sql_is_reserved(STR_VIEW("select")));
    assert_false(sql_is_reserved(STR_VIEW("status")));
    assert_false(sql_needs_quotes(STR_VIEW("user_id")));
    assert_true(sql_needs_quotes(STR_VIEW("a b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_print_as_understood),
        cmocka_unit_test(statements_have_their_kind),
        cmocka_unit_test(commands_have_their_name),
        cmocka_unit_test(errors_name_place_and_input),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(positions_are_offsets),
        cmocka_unit_test(queries_print_to_a_fixed_point),
        cmocka_unit_test(mapping_of_load_columns),
        cmocka_unit_test(materialized_view_parts),
        cmocka_unit_test(keywords_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
