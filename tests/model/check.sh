#!/bin/bash
# Checks the journal model with spin: the protocol as it is must hold, each wrong variant must fail. check.sh [long]
set -u
model=$(cd "$(dirname "$0")" && pwd)/journal.pml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
command -v spin >/dev/null || { echo "spin is not installed (make deps)"; exit 1; }
passed=0
failed=0
states=0

# check EXPECTED OPTIONS: EXPECTED is "holds" or "fails".
check() {
    local expected=$1 found
    shift
    if ! { spin "$@" -a "$model" && gcc -O1 -w -DSAFETY -DCOLLAPSE -o pan pan.c; } >log 2>&1; then
        found="is not accepted by spin"
    else
        ./pan -m100000 -E -n >log 2>&1
        found=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log | head -1)
        states=$(awk -v a="$states" -v b="${found:-0}" 'BEGIN { printf "%.0f", a + b }')
        if grep -q 'errors: 0' log && ! grep -q 'max search depth too small' log; then found=holds
        elif grep -q 'assertion violated' log; then found=fails
        else found="was not searched"; fi
    fi
    if [ "$found" = "$expected" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "journal.pml $*: $found, but it must be that it $expected"
        grep -E 'error|violated' log | head -3
    fi
}

check holds -DBATCHES=4
check holds -DBATCHES=4 -DCRASHES=0 -DGIVEUP=2
check holds -DBATCHES=4 -DCRASHES=0 -DTRIM=1
check holds -DBATCHES=3 -DTRIM=1
check holds -DBATCHES=4 -DCRASHES=0 -DVACUUM=1
check holds -DBATCHES=3 -DVACUUM=1
check holds -DBATCHES=3 -DCRASHES=0 -DRESTORE=1
check fails -DBATCHES=4 -DCOMPARE=0 -DGIVEUP=2
check fails -DBATCHES=4 -DGIVEUP=1
check fails -DBATCHES=4 -DCRASHES=0 -DFENCE=0
check fails -DBATCHES=4 -DCRASHES=0 -DTRIM=1 -DTRIMCHECK=0
check fails -DBATCHES=4 -DCRASHES=0 -DTRIM=1 -DREADCHECK=0
check fails -DBATCHES=4 -DCRASHES=0 -DTRIM=1 -DPREDECESSOR=1
check fails -DBATCHES=5 -DCRASHES=0 -DVACUUM=1 -DPLANNED=0
check fails -DBATCHES=3 -DCRASHES=0 -DRESTORE=1 -DCLOSED=0
check fails -DBATCHES=4 -DCRASHES=0 -DTRIM=1 -DTIMED=1 -DAGE=0
check holds -DBATCHES=4 -DCRASHES=0 -DHANDOVER=2
check holds -DBATCHES=3 -DCRASHES=0 -DOBSERVER=1 -DHANDOVER=1
check fails -DBATCHES=4 -DCRASHES=0 -DOBSERVER=1 -DGIVEUP=1
if [ "${1:-}" = long ]; then
    check holds -DBATCHES=3 -DTRIM=1 -DTIMED=1
    check holds -DBATCHES=3 -DOBSERVER=1 -DHANDOVER=1
    check fails -DBATCHES=4 -DCRASHES=0 -DTRIM=1 -DTIMED=1 -DSLOW=1
    check fails -DBATCHES=4 -DCRASHES=0 -DTRIM=1 -DTIMED=1 -DNOTELATE=1
fi
echo "$states states explored"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
