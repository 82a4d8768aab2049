#!/usr/bin/env bash
# Runs harnesses one after the other: tests/run_harnesses.sh NAME ...
#
# Each is `make harness-NAME`; every line "N passed, N failed" of its output counts. One that ends with an error
# without saying what failed, or that counts nothing, is one failure. The output of those that fail is shown;
# all of it is kept in build/test/NAME.log. The last line is the sum alone.
set -u
cd "$(dirname "$0")/.." || exit 2
mkdir -p build/test
passed=0 failed=0
for name in "$@"; do
  log=build/test/$name.log start=$SECONDS status=0
  echo "== $name"
  ${MAKE:-make} --no-print-directory -s -j"${JOBS:-2}" "harness-$name" >"$log" 2>&1 </dev/null || status=$?
  read -r good bad < <(awk '/^[0-9]+ passed, [0-9]+ failed$/ { p += $1; f += $3 } END { print p + 0, f + 0 }' "$log")
  [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$good" -eq 0 ]; } && bad=1
  passed=$((passed + good)) failed=$((failed + bad))
  [ "$bad" -ne 0 ] && tail -n 200 "$log"
  echo "   $name: $good passed, $bad failed ($((SECONDS - start)) s)"
done
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
