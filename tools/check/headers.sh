#!/usr/bin/env bash
# Every header compiles alone: tools/check/headers.sh COMPILER FLAG ...
# Names of the headers are read from standard input, as they are included.
set -u
compiler=$1
shift
export compiler
status=0
try() {
  local header=$1
  shift
  printf '#include "%s"\n' "$header" | "$compiler" "$@" -fsyntax-only -x c - 2>&1 | head -5
  return "${PIPESTATUS[1]}"
}
export -f try
while read -r header; do printf '%s\0' "$header"; done |
  xargs -0 -P "${JOBS:-2}" -I{} bash -c 'out=$(try "$@") || { printf "%s does not compile alone (%s)\n%s\n" "$1" "$compiler" "$out"; exit 1; }' _ {} "$@" || status=1
exit "$status"
