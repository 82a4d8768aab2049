CREATE MATERIALIZED VIEW v_q01 REFRESH DEFERRED MANUAL AS
SELECT l_returnflag, l_linestatus, l_shipdate, sum(l_quantity) AS quantity, sum(l_extendedprice) AS price,
       sum(l_extendedprice * (1 - l_discount)) AS discounted, sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS charged,
       sum(l_discount) AS discount, count(*) AS orders
FROM lineitem
GROUP BY l_returnflag, l_linestatus, l_shipdate
