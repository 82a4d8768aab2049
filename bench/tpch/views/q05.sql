CREATE MATERIALIZED VIEW v_q05 REFRESH DEFERRED MANUAL AS
SELECT n_name, r_name, date_trunc('year', o_orderdate) AS order_year, sum(l_extendedprice * (1 - l_discount)) AS revenue
FROM customer, orders, lineitem, supplier, nation, region
WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey AND c_nationkey = s_nationkey
  AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey
GROUP BY n_name, r_name, date_trunc('year', o_orderdate)
