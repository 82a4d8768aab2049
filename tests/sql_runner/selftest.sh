#!/usr/bin/env bash
# Shows that the SQL test runner can fail: every record of tests/sql_runner/failing must, with its file and line.
# Usage: tests/sql_runner/selftest.sh RUNNER SERVER
set -u
runner=$1 server=$2 folder=tests/sql_runner/failing
passed=0 failed=0

expect() { # what, file, number of failing records
  local out status=0
  out=$("$runner" --server "$server" "$folder/$2" 2>&1) || status=$?
  if [ "$status" -ne 0 ] && [ "$(tail -1 <<<"$out")" = "0 passed, $3 failed" ] && grep -q "^$folder/$2:[0-9]*: " <<<"$out"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAIL %s (exit code %s)\n%s\n' "$1" "$status" "$out"
  fi
}

expect "rows that differ" rows.test 5
expect "errors" errors.test 5
expect "loads and requests" requests.test 4
expect "a record that does not exist" syntax.test 1
out=$("$runner" --server /bin/false "$folder/rows.test" 2>&1)
if [ $? -ne 0 ] && grep -q "did not get ready" <<<"$out"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL a server that does not start: $out"; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
