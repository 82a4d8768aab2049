#!/usr/bin/env bash
# Runs commands and adds up their lines "N passed, N failed": tests/sum_lines.sh COMMAND ...
set -u
passed=0 failed=0
for command in "$@"; do
  status=0
  out=$(bash -c "$command" 2>&1) || status=$?
  grep -v '^[0-9]* passed, [0-9]* failed$' <<<"$out"
  read -r good bad < <(awk '/^[0-9]+ passed, [0-9]+ failed$/ { p += $1; f += $3 } END { print p + 0, f + 0 }' <<<"$out")
  [ "$bad" -eq 0 ] && [ "$status" -ne 0 ] && bad=1
  passed=$((passed + good)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
