#!/usr/bin/env bash
# Starts a server on ./merak-data, loads the sample databases when they are not there, and says what to type next.
# Stops with Ctrl-C. MERAK_DATA_DIR, MERAK_QUERY_PORT and MERAK_HTTP_PORT change where.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
data=${MERAK_DATA_DIR:-$root/merak-data}
unset MERAK_DATA_DIR
ready=$(mktemp)
server=
trap 'rm -f "$ready"; [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true' EXIT

"$root/build/release/merak" server --data-dir "$data" >"$ready" &
server=$!
trap 'kill -TERM "$server" 2>/dev/null' INT TERM
until grep -q '^merak ready' "$ready"; do
  kill -0 "$server" 2>/dev/null || { echo "the server did not start; see $data/log" >&2; exit 1; }
  sleep 0.05
done
query_port=$(sed -n 's/.*query_port=\([0-9]*\).*/\1/p' "$ready")
http_port=$(sed -n 's/.*http_port=\([0-9]*\).*/\1/p' "$ready")
sql() { mariadb --no-defaults --protocol=tcp -h 127.0.0.1 -P "$query_port" -u root --skip-ssl -N "$@"; }

# A database is complete when its load was; one that was cut short is loaded again.
if [ "$(sql -e "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'shop' AND table_name = 'loaded'")" = 0 ]; then
  echo "loading the sample database shop ..."
  sql -e "DROP DATABASE IF EXISTS shop FORCE"
  sql <"$root/tools/sample/shop.sql"
  sql -e "CREATE TABLE shop.loaded (k INT) DUPLICATE KEY (k)"
fi
if [ "$(sql -e "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'tpch' AND table_name = 'loaded'")" = 0 ]; then
  echo "loading the sample database tpch (scale 0.05) ..."
  sql -e "DROP DATABASE IF EXISTS tpch FORCE; CREATE DATABASE tpch"
  sql tpch <"$root/bench/tpch/schema.sql"
  "$root/build/release/merak-tpch" --sf 0.05 --load "http://127.0.0.1:$http_port" --database tpch >/dev/null
  sql -e "CREATE TABLE tpch.loaded (k INT) DUPLICATE KEY (k)"
fi

cat <<TEXT

Merak serves on port $query_port (MySQL protocol) and $http_port (HTTP). In another terminal:

  mariadb -h 127.0.0.1 -P $query_port -u root shop

  SELECT c.country, count(*) AS orders, sum(o.amount) AS amount
  FROM orders o JOIN customers c USING (customer_id) GROUP BY c.country ORDER BY amount DESC;

  SELECT page, count(*), round(avg(milliseconds)) FROM events GROUP BY page ORDER BY 2 DESC;

A view that computes what changed and nothing else, and says so before:

  INSERT INTO orders VALUES (900001, 7, 7, 1, 19.95, '2024-03-05 10:00:00');
  EXPLAIN REFRESH MATERIALIZED VIEW sales_by_month;
  REFRESH MATERIALIZED VIEW sales_by_month WITH SYNC MODE;

Load a file of your own:

  curl --location-trusted -u root: -H "column_separator:," -T products.csv \\
    http://127.0.0.1:$http_port/api/shop/products/_stream_load

The data is in $data; Ctrl-C stops the server.
TEXT
status=0
wait "$server" || status=$?
while kill -0 "$server" 2>/dev/null; do # a signal ended the wait; the server stops now
  status=0
  wait "$server" || status=$?
done
server=
exit "$status"
