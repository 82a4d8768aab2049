#!/bin/bash
# Every fault point that the source names is passed by a scenario. Usage: check_points.sh PROGRAM (of a build with faults)
cd "$(dirname "$0")/../.." || exit 1
grep -rhoE 'FAULT(_STEP)?\("[^"]*"' src | sed 's/.*("//; s/"//' | sort -u > "${TMPDIR:-/tmp}/merak-points.$$"
output=$("$1" --list-points)
status=$?
missed=$(printf '%s\n' "$output" | sed -n 's/^point //p' | sort -u | comm -23 "${TMPDIR:-/tmp}/merak-points.$$" -)
count=$(wc -l < "${TMPDIR:-/tmp}/merak-points.$$")
rm -f "${TMPDIR:-/tmp}/merak-points.$$"
printf '%s\n' "$output" | grep -v '^point '
for point in $missed; do echo "no scenario passes the fault point \"$point\""; done
missed_count=$(printf '%s' "$missed" | grep -c .)
echo "$((count - missed_count)) passed, $missed_count failed"
[ "$status" -eq 0 ] && [ "$missed_count" -eq 0 ]
