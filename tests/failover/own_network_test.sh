#!/usr/bin/env bash
# What runs in own_network.sh leaves nothing behind: packet filters, links, names of namespaces and processes are gone when it has
# ended, when it or what it runs was killed, and when its whole group was killed or asked to end.
set -u
here=$(dirname "$0")
work=$(mktemp -d "${TMPDIR:-/tmp}/merak-own-network.XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
check() { # check WHAT COMMAND ...
    local what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAIL $what"; fi
}
name=mko$(($$ % 100000))
cat > "$work/litter.sh" <<SCRIPT
[ -n "\${FAILOVER_OWN_NETWORK:-}" ] || { echo none > "$work/ready"; exit 0; }
iptables -w -I INPUT -i lo -p tcp --dport 65333 -j DROP || exit 1
ip netns add $name || exit 1
ip link add $name type bridge || exit 1
setsid sleep 100.$$ &
echo ready > "$work/ready"
[ "\$1" = ends ] || wait
SCRIPT
state() { # of the machine, without the counters that move
    iptables -S 2>&1 | grep 65333
    ip -o link 2>&1 | grep -o "$name"
    ls /run/netns 2>/dev/null | grep "$name"
    pgrep -f "^sleep 100\.$$\$"
}
await() { # await COMMAND ...
    for _ in $(seq 100); do
        "$@" && return
        sleep 0.05
    done
    return 1
}
is_clean() { [ -z "$(state)" ]; }
is_running() { pgrep -f "^sleep 100\.$$\$" > /dev/null; }
for way in ends outer inner group asked; do
    rm -f "$work/ready"
    setsid "$here/own_network.sh" bash "$work/litter.sh" "$way" > "$work/out" 2>&1 &
    outer=$!
    check "$way: it runs" await test -s "$work/ready"
    [ "$(cat "$work/ready" 2>/dev/null)" = none ] && echo "no namespaces here: nothing to leave behind" && break
    [ "$way" = ends ] || check "$way: a process of it is seen" await is_running
    check "$way: its packet filters are its own" test -z "$(iptables -S 2>/dev/null | grep 65333)"
    case $way in
        ends) ;;
        outer) kill -KILL "$outer" ;;
        inner) kill -KILL "$(pgrep -f "^bash $work/litter.sh")" ;;
        group) kill -KILL -- "-$outer" ;;
        asked) kill -TERM -- "-$outer" ;;
    esac
    wait "$outer" 2>/dev/null
    check "$way: nothing is left" await is_clean
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
