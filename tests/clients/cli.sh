#!/usr/bin/env bash
# The mariadb command line as a person uses it.
set -u
passed=0 failed=0
sql() { mariadb --no-defaults -h 127.0.0.1 -P "$MERAK_PORT" -u root "$@" 2>&1; }
check() { # name, expected pattern, output
    if grep -qE -- "$2" <<<"$3"; then
        passed=$((passed + 1)) && echo "ok $1"
    else
        failed=$((failed + 1)) && printf 'FAIL %s: no "%s" in: %s\n' "$1" "$2" "$(head -c 400 <<<"$3")"
    fi
}
check status 'Server version:.*8\.0\.33' "$(sql -e '\s')"
check database 'Query OK' "$(sql -vvv -e 'CREATE DATABASE cli')"
check use '^cli$' "$(sql cli -N -e 'SELECT DATABASE()')"
check table 'Query OK' "$(sql cli -vvv -e 'CREATE TABLE t (a INT, b VARCHAR(20)) DUPLICATE KEY (a)')"
check rehash 'Tables_in_cli' "$(sql --auto-rehash cli -e 'SHOW TABLES')"
check insert 'Query OK, 3 rows affected' "$(sql cli -vvv -e "INSERT INTO t VALUES (1, 'eins'), (2, NULL), (3, 'drei')")"
check rows '3 rows in set' "$(sql cli -vvv -e 'SELECT * FROM t ORDER BY a')"
check nulls '^2	NULL$' "$(sql cli -N -e 'SELECT * FROM t WHERE b IS NULL')"
check several '^1$' "$(sql cli -N -e 'SELECT 1; SELECT 2; SELECT 3' | tail -3 | head -1)"
check syntax 'ERROR 1064 \(42000\).*line 1, column' "$(sql cli -e 'SELECT FROM WHERE')"
check missing 'ERROR 5502|ERROR 1146' "$(sql cli -e 'SELECT * FROM nowhere')"
check unknown_database "ERROR 1049 \(42000\).*Unknown database 'nowhere'" "$(sql nowhere -e 'SELECT 1')"
check wrong_user 'ERROR 1045 \(28000\).*Access denied' "$(mariadb --no-defaults -h 127.0.0.1 -P "$MERAK_PORT" -u nobody -e 'SELECT 1' 2>&1)"
check tls 'TLSv1\.[23]|TLS_' "$(sql --ssl -e 'SHOW STATUS LIKE "Ssl_version"; \s')"
check big '^100000$' "$(sql cli -N -e 'SELECT generate_series FROM TABLE(generate_series(1, 100000))' | wc -l)"
check vertical '\*+ 1\. row' "$(sql cli -e 'SELECT 1 AS one\G')"
check batch '^6$' "$(printf 'USE cli;\nSELECT sum(a) FROM t;\n' | sql -N)"
sql cli -e 'SELECT sleep(20)' >/tmp/merak-cli-$$ 2>&1 &
for _ in $(seq 50); do
    id=$(sql -N -e 'SHOW PROCESSLIST' | awk -F'\t' '/sleep\(20\)/ {print $1}' | head -1)
    [ -n "$id" ] && break
    sleep 0.1
done
check kill 'Query OK' "$(sql -vvv -e "KILL QUERY $id")"
wait $!
check killed 'ERROR' "$(cat /tmp/merak-cli-$$)"
rm -f /tmp/merak-cli-$$
# Users of both plugins. The first login of caching_sha2_password is the full exchange, the second the fast one.
check create_users 'Query OK' "$(sql -vvv -e "CREATE USER cli_native IDENTIFIED BY 'canary-1'; CREATE USER cli_sha2 IDENTIFIED WITH caching_sha2_password BY 'canary-2'")"
as() { user=$1; shift; mariadb --no-defaults -h 127.0.0.1 -P "$MERAK_PORT" -u "$user" "$@" 2>&1; }
check native_user "^'cli_native'@'%'\$" "$(as cli_native -pcanary-1 -N -e 'SELECT current_user()')"
check sha2_user "^'cli_sha2'@'%'\$" "$(as cli_sha2 -pcanary-2 -N -e 'SELECT current_user()')"
check sha2_again "^'cli_sha2'@'%'\$" "$(as cli_sha2 -pcanary-2 -N -e 'SELECT current_user()')"
check sha2_tls "^'cli_sha2'@'%'\$" "$(as cli_sha2 -pcanary-2 --ssl -N -e 'SELECT current_user()')"
check sha2_wrong 'ERROR 1045.*using password: YES' "$(as cli_sha2 -pcanary-1 -N -e 'SELECT 1')"
check sha2_none 'ERROR 1045.*using password: NO' "$(as cli_sha2 -N -e 'SELECT 1')"
check refused 'ERROR 5203 \(42000\).*Access denied' "$(as cli_sha2 -pcanary-2 -e 'SET GLOBAL query_timeout = 5')"
# The last: root gets a password, keeps it for the clients that follow only while this runs.
check set_password 'Query OK' "$(sql -vvv -e "SET PASSWORD = PASSWORD('canary-7')")"
check without_password 'ERROR 1045' "$(sql -e 'SELECT 1')"
with() { mariadb --no-defaults -h 127.0.0.1 -P "$MERAK_PORT" -u root "$@" 2>&1; }
check wrong_password 'ERROR 1045.*using password: YES' "$(with -pcanary-8 -e 'SELECT 1')"
check right_password '^1$' "$(with -pcanary-7 -N -e 'SELECT 1')"
check switched_plugin '^1$' "$(with -pcanary-7 --default-auth=caching_sha2_password -N -e 'SELECT 1')"
check hidden '0' "$(with -pcanary-7 -N -e "SHOW PROCESSLIST" | grep -c canary)"
check alter_user 'Query OK' "$(with -pcanary-7 -vvv -e "ALTER USER root IDENTIFIED BY ''")"
check password_gone '^1$' "$(sql -N -e 'SELECT 1')"
echo "$passed passed, $failed failed"
