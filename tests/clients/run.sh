#!/usr/bin/env bash
# Starts a server of its own and runs the clients that are named against it:
#   tests/clients/run.sh BINARY CLIENT...      (cli, pymysql, odbc, jdbc, node)
# A client that is not installed has failed. The last line is "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
binary=$1
shift
folder=$(mktemp -d "${TMPDIR:-/tmp}/merak-clients-XXXXXX")
server=
cleanup() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    rm -rf "$folder"
}
trap cleanup EXIT
"$binary" server --data-dir "$folder/data" --set query_port=0 --set http_port=0 >"$folder/out" 2>"$folder/err" &
server=$!
for _ in $(seq 100); do
    grep -q '^merak ready' "$folder/out" && break
    sleep 0.05
done
port=$(sed -n 's/^merak ready query_port=\([0-9]*\).*/\1/p' "$folder/out")
[ -n "$port" ] || { echo "FAIL the server did not start"; cat "$folder/err"; echo "0 passed, 1 failed"; exit 1; }
export MERAK_PORT=$port
passed=0 failed=0
for client in "$@"; do
    case $client in
        cli) bash "$here/cli.sh" ;;
        pymysql) /usr/bin/python3 "$here/pymysql_client.py" ;;
        odbc) "${ODBC_CLIENT:-build/release/merak-odbc-client}" ;;
        jdbc) java -cp "$(ls /usr/share/java/mariadb-java-client.jar)" "$here/JdbcClient.java" ;;
        node) NODE_PATH="$NODE_CLIENTS/node_modules" node "$here/node_client.js" ;;
    esac >"$folder/log" 2>&1
    grep -v '^ok ' "$folder/log" | grep -v 'passed, .* failed$' | sed "s/^/$client: /" | head -40
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$folder/log" | tail -1)
    [ -n "$counts" ] || { echo "FAIL $client did not finish"; counts="0 1"; }
    echo "$client: ${counts% *} passed, ${counts#* } failed"
    passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
done
kill -0 "$server" 2>/dev/null || { echo "FAIL the server is gone"; failed=$((failed + 1)); }
# The clients' passwords are all called canary: nothing that is written, data, journal or log, may hold one.
if grep -rlaE 'canary-[0-9]' "$folder/data" "$folder/out" "$folder/err"; then
    echo "FAIL a password was written there"
    failed=$((failed + 1))
else
    passed=$((passed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
