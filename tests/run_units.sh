#!/usr/bin/env bash
# Runs unit test binaries side by side: tests/run_units.sh BINARY ...
# Shows the output of those that fail. Last line: N passed, N failed, counted in test functions.
set -u
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export scratch

run_one() {
  local log=$scratch/${1//\//_}.log
  "$1" >"$log" 2>&1
  echo "$?" >"$log.status"
}
export -f run_one
printf '%s\n' "$@" | xargs -r -P "${JOBS:-2}" -I{} bash -c 'run_one {}'

passed=0 failed=0
for binary in "$@"; do
  log=$scratch/${binary//\//_}.log
  status=$(cat "$log.status" 2>/dev/null || echo 1)
  good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
  bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test(s).*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
  [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1 # it crashed
  passed=$((passed + good)) failed=$((failed + bad))
  if [ "$status" -ne 0 ]; then
    echo "== $binary (exit code $status)"
    grep -v '^\[       OK \]\|^\[ RUN      \]' "$log" | tail -60
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
