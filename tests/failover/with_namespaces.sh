#!/usr/bin/env bash
# Runs a command beside three network namespaces on a bridge, hosts of their own: with_namespaces.sh COMMAND ...; needs root and
# iproute2. The environment tells the command where, and a service started by it to listen on the bridge. All of it stands in a
# network of its own, so that nothing is left when it is killed.
set -eu
[ -n "${FAILOVER_OWN_NETWORK:-}${OWN_NETWORK_IS_TRIED:-}" ] || OWN_NETWORK_IS_TRIED=1 exec "$(dirname "$0")/own_network.sh" "$0" "$@"
name=mk$(($$ % 100000))n
network=10.$((100 + $$ % 100)).$((RANDOM % 250))
remove() {
    for i in 0 1 2; do
        ip netns del "$name$i" 2>/dev/null || true
        ip link del "$name$i" 2>/dev/null || true
    done
    ip link del "${name}b" 2>/dev/null || true
}
trap remove EXIT
ip link add "${name}b" type bridge
ip addr add "$network.1/24" dev "${name}b"
ip link set "${name}b" up
for i in 0 1 2; do
    ip netns add "$name$i"
    ip link add "$name$i" type veth peer name eth0 netns "$name$i"
    ip link set "$name$i" master "${name}b" up
    ip -n "$name$i" link set lo up
    ip -n "$name$i" addr add "$network.$((10 + i))/24" dev eth0
    ip -n "$name$i" link set eth0 up
done
export FAILOVER_NETWORK=$network FAILOVER_NAMESPACE=$name S3_LISTEN=$network.1
"$@"
