CREATE MATERIALIZED VIEW v_q03 ORDER BY (c_mktsegment) REFRESH DEFERRED MANUAL AS
SELECT c_mktsegment, l_orderkey, o_orderdate, o_shippriority, sum(l_extendedprice * (1 - l_discount)) AS revenue
FROM customer, orders, lineitem
WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate < date '1995-03-15' AND l_shipdate > date '1995-03-15'
GROUP BY c_mktsegment, l_orderkey, o_orderdate, o_shippriority
