#!/usr/bin/env bash
# Compares what merak-tpch generates with the md5 sums of the official files.
# Usage: tests/tpch_md5.sh [SCALE ...]   (default 0.01; sums are known for 0.01, 0.1 and 1)
# Runs with one and with three threads, which must not make a difference. Needs `make tpch`.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
program=${MERAK_TPCH:-$root/build/release/merak-tpch}
[ -x "$program" ] || { echo "no $program: run make tpch" >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

check() { # name, status
  if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $1"; fi
}

compare_scale() { # scale, threads
  local out=$scratch/sf$1 known=0 sum file
  "$program" --sf "$1" --out "$out" --threads "$2" >/dev/null
  check "generate scale $1 with $2 threads" $?
  while read -r sum file; do
    [ "${file%%/*}" = "sf$1" ] || continue
    known=$((known + 1))
    (cd "$scratch" && echo "$sum  $file" | md5sum --status -c 2>/dev/null)
    check "$file with $2 threads" $?
  done <"$root/bench/tpch/md5sums"
  [ "$known" -eq 8 ]
  check "sums of eight tables are known at scale $1" $?
  rm -rf "$out"
}

refuse() { # what is wrong, arguments ...
  local what=$1 status=0
  shift
  "$program" "$@" >/dev/null 2>"$scratch/error" || status=$?
  [ "$status" -ne 0 ] && [ "$status" -le 2 ] && [ -s "$scratch/error" ]
  check "refuses $what" $?
}

for scale in "${@:-0.01}"; do
  compare_scale "$scale" 1
  compare_scale "$scale" 3
done
refuse "a fraction above 1" --sf 1.5 --out "$scratch/x"
refuse "a scale of 0" --sf 0 --out "$scratch/x"
refuse "an unknown table" --out "$scratch/x" --table item
refuse "no destination" --sf 0.01
refuse "a folder that cannot be made" --sf 0.01 --out "$scratch/error/x"
refuse "a server that is not there" --sf 0.01 --load http://127.0.0.1:1 --table region

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
