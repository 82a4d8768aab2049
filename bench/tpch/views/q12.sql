CREATE MATERIALIZED VIEW v_q12 REFRESH DEFERRED MANUAL AS
SELECT l_shipmode, date_trunc('year', l_receiptdate) AS receipt_year,
       sum(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) AS high_lines,
       sum(CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END) AS low_lines
FROM orders, lineitem
WHERE o_orderkey = l_orderkey AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate
GROUP BY l_shipmode, date_trunc('year', l_receiptdate)
