-- Shapes of queries over the tables of TPC-H, one thing each, to find the slow ones: `run.mjs --shapes`. A name stands before each, and
-- behind some the words of another engine.

-- group strings
select l_shipmode, l_shipinstruct, count(*), sum(l_quantity) from lineitem group by 1, 2;

-- group many strings
select count(*) from (select l_comment, count(*) c from lineitem group by 1) x where c > 3;

-- group ints 1.5M
select max(c), sum(s) from (select l_orderkey, count(*) c, sum(l_quantity) s from lineitem group by 1) x;

-- group two keys 6M
select max(c) from (select l_orderkey, l_linenumber, count(*) c from lineitem group by 1, 2) x;

-- count distinct int
select count(distinct l_partkey), count(distinct l_suppkey) from lineitem;

-- count distinct string
select count(distinct l_comment) from lineitem;

-- count distinct by group
select l_shipmode, count(distinct l_partkey) from lineitem group by 1;

-- min max string
select min(l_comment), max(l_comment) from lineitem;

-- like
select count(*) from lineitem where l_comment like '%special%requests%';

-- like prefix
select count(*) from lineitem where l_comment like 'fur%';

-- like suffix
select count(*) from orders where o_comment like '%deposits';

-- regexp
select count(*) from orders where regexp(o_comment, 'spec[a-z]+ req');
-- in duckdb
select count(*) from orders where regexp_matches(o_comment, 'spec[a-z]+ req');

-- regexp_replace
select max(length(regexp_replace(o_comment, '[aeiou]', ''))) from orders;
-- in duckdb
select max(length(regexp_replace(o_comment, '[aeiou]', '', 'g'))) from orders;

-- substr upper
select count(distinct upper(substr(l_comment, 1, 4))) from lineitem;

-- length concat
select sum(length(concat(l_comment, l_shipmode))) from lineitem;

-- replace
select sum(length(replace(l_comment, 'e', 'xyz'))) from lineitem;

-- split
select count(*) from orders where split_part(o_clerk, '#', 2) = '000000951';

-- date trunc
select date_format(date_trunc('month', l_shipdate), '%Y-%m-%d') m, count(*) from lineitem group by 1;
-- in duckdb
select strftime(date_trunc('month', l_shipdate), '%Y-%m-%d') m, count(*) from lineitem group by 1;

-- year extract
select year(l_shipdate) y, month(l_shipdate) m, sum(l_extendedprice) from lineitem group by 1, 2;

-- date diff
select sum(datediff(l_receiptdate, l_shipdate)) from lineitem;
-- in duckdb
select sum(date_diff('day', l_shipdate, l_receiptdate)) from lineitem;

-- date format
select date_format(l_shipdate, '%Y-%m') m, count(*) from lineitem group by 1;
-- in duckdb
select strftime(l_shipdate, '%Y-%m') m, count(*) from lineitem group by 1;

-- case sums
select sum(case when l_quantity < 10 then l_extendedprice when l_quantity < 30 then l_discount else l_tax end) from
  lineitem;

-- in list ints
select count(*) from lineitem where l_partkey in (1,5,77,1234,55555,99999,100000,150000,199999,42);

-- in list strings
select count(*) from lineitem where l_shipmode in ('AIR','MAIL','SHIP') and l_shipinstruct not in ('NONE');

-- between decimals
select count(*) from lineitem where l_extendedprice between 10000.5 and 20000.25 and l_discount > 0.03;

-- or predicates
select count(*) from lineitem where l_quantity < 3 or l_partkey < 100 or l_suppkey = 77 or l_comment like 'a%';

-- decimal math
select sum(l_extendedprice * (1 - l_discount) * (1 + l_tax) / 3) from lineitem;

-- double math
select sum(sqrt(l_partkey) * ln(l_suppkey) + power(l_linenumber, 2)) from lineitem;

-- order by limit
select l_orderkey, l_extendedprice from lineitem order by l_extendedprice desc, l_orderkey limit 10;

-- order by string limit
select l_comment from lineitem order by l_comment limit 5;

-- sort all ints
select max(r) from (select row_number() over (order by l_extendedprice, l_orderkey) r from lineitem) x;

-- sort all strings
select max(r) from (select row_number() over (order by l_comment) r from lineitem) x;

-- rank per group
select count(*) from (select rank() over (partition by l_suppkey order by l_extendedprice desc) r from lineitem) x
  where r <= 3;

-- lag per group
select sum(d) from (select l_extendedprice - lag(l_extendedprice) over (partition by l_suppkey order by l_shipdate,
  l_orderkey, l_linenumber) d from lineitem) x;

-- running sum
select max(s) from (select sum(l_quantity) over (partition by l_suppkey order by l_shipdate, l_orderkey, l_linenumber)
  s from lineitem) x;

-- join big
select count(*), sum(o_totalprice) from lineitem join orders on l_orderkey = o_orderkey;

-- join big strings
select count(*) from orders o1 join orders o2 on o1.o_comment = o2.o_comment;

-- left join
select count(*), count(o_orderkey) from customer left join orders on c_custkey = o_custkey and o_comment not like
  '%special%requests%';

-- semi join
select count(*) from orders where o_orderkey in (select l_orderkey from lineitem where l_quantity > 49);

-- anti join
select count(*) from customer where c_custkey not in (select o_custkey from orders);

-- range join
select count(*) from part p join nation n on p.p_size between n.n_nationkey and n.n_nationkey + 1;

-- self join range
select count(*) from supplier a join supplier b on a.s_nationkey = b.s_nationkey and a.s_acctbal < b.s_acctbal;

-- full join
select count(*) from (select * from customer where c_custkey % 2 = 0) a full join (select * from customer where
  c_custkey % 3 = 0) b on a.c_custkey = b.c_custkey;

-- cross small
select count(*), sum(n1.n_nationkey * p_size) from part cross join nation n1;

-- correlated
select count(*) from lineitem l where l_quantity < (select 0.2 * avg(l_quantity) from lineitem where l_partkey =
  l.l_partkey);

-- union all
select count(*) from (select l_orderkey from lineitem union all select o_orderkey from orders) x;

-- union distinct
select count(*) from (select l_partkey from lineitem union select p_partkey from part) x;

-- intersect
select count(*) from (select l_suppkey from lineitem intersect select s_suppkey from supplier) x;

-- rollup
select count(*) from (select l_returnflag, l_linestatus, l_shipmode, sum(l_quantity) from lineitem group by
  rollup(l_returnflag, l_linestatus, l_shipmode)) x;

-- cube
select count(*) from (select l_returnflag, l_linestatus, l_shipmode, sum(l_quantity) from lineitem group by
  cube(l_returnflag, l_linestatus, l_shipmode)) x;

-- avg stddev
select avg(l_extendedprice), stddev_samp(l_quantity), variance_samp(l_discount) from lineitem;
-- in duckdb
select avg(l_extendedprice), stddev_samp(l_quantity), var_samp(l_discount) from lineitem;

-- approx distinct
select approx_count_distinct(l_orderkey) > 1000000 from lineitem;

-- array agg
select max(array_length(s)) from (select array_agg(l_partkey) s from lineitem group by l_suppkey) x;
-- in duckdb
select max(len(s)) from (select array_agg(l_partkey) s from lineitem group by l_suppkey) x;

-- percentile
select percentile_cont(l_extendedprice, 0.9) from lineitem;
-- in duckdb
select quantile_cont(l_extendedprice, 0.9) from lineitem;

-- median group
select max(m) from (select percentile_cont(l_extendedprice, 0.5) m from lineitem group by l_shipmode) x;
-- in duckdb
select max(m) from (select quantile_cont(l_extendedprice, 0.5) m from lineitem group by l_shipmode) x;

-- any value distinct rows
select count(*) from (select distinct l_shipdate, l_shipmode, l_returnflag from lineitem) x;

-- max by
select max_by(l_orderkey, l_extendedprice) from lineitem;

-- coalesce nullif
select sum(coalesce(nullif(l_linenumber, 1), 7)) from lineitem;

-- if and mod
select sum(if(l_orderkey % 3 = 0, l_partkey % 7, l_suppkey % 11)) from lineitem;
-- in duckdb
select sum(case when l_orderkey % 3 = 0 then l_partkey % 7 else l_suppkey % 11 end) from lineitem;

-- unnest
select count(*), sum(x) from orders, unnest(split(o_comment, ' ')) as t(w), unnest([1,2]) as u(x);
-- in duckdb
select count(*), sum(x) from (select unnest(string_split(o_comment, ' ')) w from orders) t, (select unnest([1,2]) x) u;

-- cte twice
with x as (select l_suppkey s, sum(l_extendedprice) r from lineitem group by 1) select count(*) from x where r >
  (select avg(r) * 1.1 from x);

-- exists neq
select count(*) from lineitem l1 where exists (select 1 from lineitem l2 where l2.l_orderkey = l1.l_orderkey and
  l2.l_suppkey <> l1.l_suppkey) and l_quantity > 45;
