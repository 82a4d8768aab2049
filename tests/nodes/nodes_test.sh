#!/bin/bash
# Two frontends on one volume: what holds for the cluster is the same through both. Connections, KILL, endpoints of the metadata,
# restores that the other node follows.
. "$(dirname "$0")/../load/lib.sh"

pids=() ports=() https=() sleeper=
stop_all() {
    [ -n "$sleeper" ] && kill "$sleeper" 2>/dev/null
    for n in 0 1 2; do [ -n "${pids[$n]:-}" ] && kill -KILL "${pids[$n]}" 2>/dev/null && wait "${pids[$n]}" 2>/dev/null; done
    cleanup
}
trap stop_all EXIT

start_node() {
    local n=$1
    : > "$work/ready$n"
    "$MERAK" server --data-dir "$work/node$n" --set home_volume="file://$work/shared" --set query_port=0 --set http_port=0 --set edit_log_port=$((9010 + n)) \
        > "$work/ready$n" 2> "$work/stderr$n" &
    pids[n]=$!
    for _ in $(seq 200); do
        grep -q '^merak ready' "$work/ready$n" && break
        sleep 0.05
    done
    ports[n]=$(sed -n 's/.*query_port=\([0-9]*\).*/\1/p' "$work/ready$n")
    https[n]=$(sed -n 's/.*http_port=\([0-9]*\).*/\1/p' "$work/ready$n")
    [ -n "${https[$n]}" ] || { cat "$work/stderr$n"; die "node $n did not start"; }
}
at() { query_port=${ports[$1]} url=http://127.0.0.1:${https[$1]}; }
# await SQL EXPECTED: up to 10 s
await() {
    local got
    for _ in $(seq 100); do
        got=$(sql -e "$1" 2>&1 | tr '\t\n' ',;')
        [ "${got%;}" = "$2" ] && break
        sleep 0.1
    done
    query "$1" "$2"
}
refused() { # SQL TEXT
    reply=$(sql -e "$1" 2>&1)
    has "$2"
}
# head PATH [curl options]: the headers in $reply
head_of() {
    local path=$1
    shift
    reply=$(curl -s -i "$@" "$url$path" | tr -d '\r')
}

start_node 0
start_node 1
at 1
sql -e "create database d; create table d.t (k int) duplicate key(k); insert into d.t values (1), (2); create user other identified by ''; create user third identified by ''"
await "select count(*) from d.t" 2
for n in 0 1; do # both are counted by both
    at $n
    for _ in $(seq 100); do
        http GET /api/health
        case $reply in *'"online_backend_num":2}'*) break ;; esac
        sleep 0.1
    done
    has '"total_backend_num":2,"online_backend_num":2}'
done

# ---- connections of both nodes, seen and ended through either ----

sleeping() { # NODE USER
    mariadb -h127.0.0.1 -P"${ports[$1]}" -u"$2" -e "select sleep(60)" > "$work/slept" 2>&1 &
    sleeper=$!
}
ids() { sql -e "show full processlist" | awk -F'\t' '$9 == "select sleep(60)" {print $1}'; }
await_sleeper() {
    for _ in $(seq 100); do
        id=$(ids)
        [ -n "$id" ] && break
        sleep 0.1
    done
    checks=$((checks + 1))
    [ -n "$id" ] || die "the other node's statement is not shown"
}
ended() { # TEXT
    wait "$sleeper"
    sleeper=
    reply=$(cat "$work/slept")
    has "$1"
}
for pair in "0 1" "1 0"; do
    read -r far near <<< "$pair"
    sleeping "$far" root
    at "$near"
    await_sleeper
    reply=$(mariadb -h127.0.0.1 -P"$query_port" -uother -N -B -e "show processlist")
    case $reply in *root*) die "a user sees others' connections" ;; esac
    reply=$(mariadb -h127.0.0.1 -P"$query_port" -uother -e "kill $id" 2>&1)
    has "not owner of thread $id"
    sql -e "kill query $id"
    ended "interrupted"
    sleeping "$far" other
    await_sleeper
    mariadb -h127.0.0.1 -P"$query_port" -uother -e "kill $id"
    ended "ERROR"
done
refused "kill 12345678" "Unknown thread id: 12345678"
refused "kill $(((200 << 24) + 1))" "Unknown thread id"
sql -e "show processlist" > "$work/list"
checks=$((checks + 1))
[ "$(cut -f1 "$work/list" | sort | uniq -d | wc -l)" = 0 ] || die "two connections have the same id"

# ---- what frontends are asked about their metadata ----

image=$(sql -e "alter system create image" | cut -f1)
for n in 0 1; do
    at "$n"
    await "select count(*) from d.t" 2
    head_of /info
    has "200 OK"
    has "\"imageJournalId\":$image,"
    head_of "/info?subdir=/starmgr"
    has "\"imageJournalId\":$image,"
    head_of "/info?subdir=/nothing"
    has "404"
    head_of /check
    has "cluster_id: "
    has "run_mode: shared_data"
    token=$(printf '%s' "$reply" | sed -n 's/^token: //p')
    head_of /version
    has "token=$token"
    has "runMode=shared_data"
    checks=$((checks + 1))
    cmp -s <(curl -s "$url/version") "$work/node$n/meta/image/VERSION" || die "/version is not the file VERSION"
    head_of "/role?host=127.0.0.1&port=9010"
    has "role: FOLLOWER"
    has "name: "
    head_of "/role?host=127.0.0.1&port=1"
    has "role: UNKNOWN"
    head_of /role
    has "400"
    head_of /journal_id
    has "id: "
    # an image has all users and keys in it
    head_of "/image?version=$image"
    has "401"
    head_of "/image?version=$image" -u other:
    has "403"
    head_of "/info" -u other:
    has "403"
    head_of "/image" -u root:
    has "400"
    head_of "/image?version=$((image + 100000))" -u root:
    has "404"
    curl -s -u root: "$url/image?version=$image" > "$work/image"
    checks=$((checks + 1))
    cmp -s "$work/image" "$work/node0/meta/image/v2/image.$image" || cmp -s "$work/image" "$work/node1/meta/image/v2/image.$image" ||
        die "/image is not the image"
    head_of "/image?version=$image&subdir=/starmgr" -u root:
    has "image.$image"
done

# ---- a restore that is asked for at one node, followed by the other ----

at 0
sql -e "create snapshot s; truncate table d.t; create table d.later (k int); drop user third"
at 1
await "select count(*) from d.t" 0
sql -e "restore cluster from snapshot s"
for n in 0 1; do
    at "$n"
    await "select count(*) from d.t" 2
    query "show tables from d" t
    reply=$(mariadb -h127.0.0.1 -P"$query_port" -uthird -e "select 1" 2>&1)
    has 1
done
at 1
sql -e "insert into d.t values (3)"
at 0
await "select count(*) from d.t" 3

# ---- a node that is awaited as an observer is one, also without its disk, and never leads ----

sql -e "alter system add observer '127.0.0.1:9012'"
role_of_third() { sql -e "show frontends" 2>&1 | awk '$3 == 9012 { print $7 }' | sort -u; } # another port, another line
start_node 2
for lost in no yes; do
    at 1
    for _ in $(seq 100); do [ "$(role_of_third)" = OBSERVER ] && sql -e "show frontends" | grep -q "9012.*true.true" && break; sleep 0.1; done
    checks=$((checks + 1))
    [ "$(role_of_third)" = OBSERVER ] || die "the third node is $(role_of_third)"
    at 2
    sql -e "insert into d.t values (4)"
    await "select count(*) from d.t" 4
    sql -e "delete from d.t where k = 4"
    [ "$lost" = no ] || break
    kill -KILL "${pids[2]}"
    wait "${pids[2]}" 2>/dev/null
    rm -rf "$work/node2"
    start_node 2
done
for n in 0 1; do
    kill -KILL "${pids[$n]}"
    wait "${pids[$n]}" 2>/dev/null
done
sleep 2
at 2
query "select count(*) from d.t" 3
reply=$(sql -e "insert into d.t values (5)" 2>&1)
has "no leader can be reached"
start_node 0
at 2
for _ in $(seq 100); do
    sql -e "insert into d.t values (6)" > "$work/out" 2>&1 && break
    sleep 0.1
done
await "select count(*) from d.t" 4
echo "$checks passed, 0 failed"
