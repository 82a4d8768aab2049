#!/usr/bin/env bash
# Lines that the tests of a coverage build ran, a line a folder of src/: tools/coverage.sh build/coverage
# build/coverage/files.txt has the files, least covered first.
set -eu
build=$1
find "$build/src" -name '*.gcda' | sort | while read -r data; do
  gcov -n -o "$(dirname "$data")" "$data" 2>/dev/null
done | awk '
  /^File / { gsub(/\047/, "", $2); file = $2; next }
  /^Lines executed:/ && file ~ /^src\/.*\.c$/ { split($0, part, /[:% ]/); n = $NF; ran = part[3] * n / 100; if (!(file in lines)) { lines[file] = n; hit[file] = ran } file = "" }
  END { for (f in lines) printf "%5.1f%% %6d %s\n", 100 * hit[f] / (lines[f] ? lines[f] : 1), lines[f], f }
' | sort -n >"$build/files.txt"
awk '
  { split($3, part, "/"); p = $1; sub("%", "", p); lines[part[2]] += $2; hit[part[2]] += p * $2 / 100; all += $2; ran += p * $2 / 100 }
  END { for (f in lines) printf "%-10s %6.1f%% of %6d lines\n", f, 100 * hit[f] / lines[f], lines[f] | "sort"; close("sort")
        printf "%-10s %6.1f%% of %6d lines\n", "all", 100 * ran / (all ? all : 1), all }
' "$build/files.txt"
