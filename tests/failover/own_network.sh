#!/usr/bin/env bash
# Runs a command in a network of its own: own_network.sh COMMAND ...  Packet filters, links and names of namespaces that it makes
# are seen by nobody else, and all of them and every process it started are gone when it ends or is killed, however that happens.
# FAILOVER_OWN_NETWORK tells the command so. Where the kernel allows no such thing the command runs as it is, without that word.
set -eu
if [ "${1:-}" = --inside ]; then # the first process of the new namespaces; with it the others go
    shift
    mount -t tmpfs none /run
    ip link set lo up
    export FAILOVER_OWN_NETWORK=1
    "$@"
    exit
fi
namespaces=(--net --mount --pid --fork --kill-child=KILL --mount-proc)
[ "$(id -u)" -eq 0 ] || namespaces=(--user --map-root-user "${namespaces[@]}")
if unshare "${namespaces[@]}" sh -c 'mount -t tmpfs none /run && ip link set lo up' 2>/dev/null; then
    exec unshare "${namespaces[@]}" "$0" --inside "$@"
fi
unset FAILOVER_OWN_NETWORK
exec "$@"
