#!/bin/bash
# Upgrades that can be taken back: OLD and NEXT are this version and one that writes a higher format level.
#   upgrade_test.sh OLD NEXT ORDERS LEVEL     LEVEL: of OLD
# One server forward and back, ADMIN FINALIZE UPGRADE, an older binary that refuses; then three frontends on one volume, replaced one
# by one in several orders while rows are inserted through all of them, forward and back again.
old=$1 next=$2 orders=$3 level=$4
. "$(dirname "$0")/../load/lib.sh"
old=$(realpath "$old") next=$(realpath "$next")

# ---- one server ----

sum_of_volume() { (cd "$work/data/volume" && find . -type f | sort | xargs md5sum | md5sum); }
run() { MERAK=$1; start_server --set enable_compaction=false; }
refused() {
    local before after
    before=$(sum_of_volume)
    "$old" server --data-dir "$work/data" --set query_port=0 --set http_port=0 > "$work/ready" 2> "$work/stderr" && die "the old version started"
    after=$(sum_of_volume)
    reply=$(cat "$work/stderr")
    has "this version reads up to $level"
    checks=$((checks + 1))
    [ "$before" = "$after" ] || die "the old version has changed the volume"
}

run "$old"
sql -e "create database d; create table d.t (k int, v string) duplicate key(k); create table d.p (k int not null, v int) primary key(k);
insert into d.t values (1, 'old'); insert into d.p values (1, 1)"
sql -e "alter system create image" > "$work/image"
stop_server
run "$next"
query "select * from d.t" "1,old"
sql -e "insert into d.t values (2, 'next'); update d.p set v = 2 where k = 1; create table d.made_by_next (k int)"
http GET /metrics
has "merak_format_level $level"
[ "$level" -gt 1 ] || has "merak_load_inline_total 0"
sql -e "alter system create image" > "$work/image"
stop_server -KILL
run "$old" # not finalized: going back is replacing the binary
query "select * from d.t order by k" "1,old;2,next"
query "select * from d.p" "1,2"
sql -e "insert into d.t values (3, 'old again'); insert into d.made_by_next values (1)"
stop_server
run "$next"
query "select count(*) from d.t" 3
sql -e "admin finalize upgrade"
http GET /metrics
has "merak_format_level $((level + 1))"
stop_server -KILL
refused # nothing was written at the new level yet, but the cluster says so
run "$next"
sql -e "insert into d.t values (4, 'finalized'); insert into d.t values (4, 'again'); delete from d.t where v = 'again'; alter table d.t add column c int; insert into d.p values (2, 2)"
sql -e "admin finalize upgrade" # again: nothing happens
http GET /metrics
checks=$((checks + 1))
[[ $reply != *"merak_load_inline_total 0"* ]] || die "no small segment went into the catalog"
stop_server -KILL
refused
reply=$("$old" upgrade-check --volume "file://$work/data/volume" 2>&1) && die "upgrade-check of the old version accepts it"
has "this version"
reply=$("$next" upgrade-check --volume "file://$work/data/volume" 2>&1) || die "upgrade-check of the next version: $reply"
run "$next"
query "select k, v from d.t order by k" "1,old;2,next;3,old again;4,finalized"
query "select * from d.p order by k" "1,2;2,2"
sql -e "alter system create image" > "$work/image"
stop_server
refused # an image of the higher level

# ---- three frontends ----

pids=() ports=() writer=
stop_all() {
    [ -n "$writer" ] && kill "$writer" 2>/dev/null
    for n in 0 1 2; do [ -n "${pids[$n]:-}" ] && kill -KILL "${pids[$n]}" 2>/dev/null && wait "${pids[$n]}" 2>/dev/null; done
    cleanup
}
trap stop_all EXIT

# start_node BINARY N
start_node() {
    local binary=$1 n=$2
    : > "$work/ready$n"
    "$binary" server --data-dir "$work/node$n" --set home_volume="file://$work/shared" --set query_port=0 --set http_port=0 \
        > "$work/ready$n" 2> "$work/stderr$n" &
    pids[n]=$!
    for _ in $(seq 200); do
        grep -q '^merak ready' "$work/ready$n" && break
        sleep 0.05
    done
    ports[n]=$(sed -n 's/.*query_port=\([0-9]*\).*/\1/p' "$work/ready$n")
    [ -n "${ports[$n]}" ] || { cat "$work/stderr$n"; die "node $n did not start"; }
    echo "${ports[*]}" > "$work/ports"
}
replace_node() {
    kill -TERM "${pids[$2]}"
    wait "${pids[$2]}"
    start_node "$1" "$2"
}

# Inserts numbers through changing nodes; those that were acknowledged are noted.
insert_rows() {
    local i=0 port
    while [ -d "$work" ] && [ ! -e "$work/stop" ]; do
        i=$((i + 1))
        read -r -a port < "$work/ports"
        [ "${#port[@]}" -eq 3 ] || continue
        timeout 15 mariadb -h127.0.0.1 -P"${port[$((i % 3))]}" -uroot -e "insert into d.log values ($i)" 2>/dev/null && echo "$i" >> "$work/done"
    done
}
# Every row that was acknowledged is there once, on every node.
check_rows() {
    local n missing
    for n in 0 1 2; do
        query_port=${ports[$n]}
        sort "$work/done" > "$work/acknowledged" # before the rows are read: others follow
        query "select count(*) - count(distinct n) from d.log" 0
        sql -e "select n from d.log" | sort > "$work/there"
        missing=$(comm -23 "$work/acknowledged" "$work/there" | wc -l)
        checks=$((checks + 1))
        [ "$missing" -eq 0 ] || die "$missing acknowledged rows are missing on node $n"
    done
}

: > "$work/done"
for n in 0 1 2; do start_node "$old" "$n"; done
query_port=${ports[1]}
sql -e "create database d; create table d.log (n int) duplicate key(n)"
insert_rows &
writer=$!
tried=0
for order in "0 1 2" "2 1 0" "1 2 0" "0 2 1" "1 0 2" "2 0 1"; do
    [ "$tried" -lt "$orders" ] || break
    tried=$((tried + 1))
    read -r a b c <<< "$order"
    replace_node "$next" "$a"
    replace_node "$next" "$b"
    query_port=${ports[$a]}
    reply=$(sql -e "admin finalize upgrade" 2>&1)
    has "runs an older version"
    replace_node "$next" "$c"
    check_rows
    for n in $order; do replace_node "$old" "$n"; done
    check_rows
done
for n in 0 1 2; do replace_node "$next" "$n"; done
query_port=${ports[2]}
for _ in $(seq 50); do # the last one has to say that it is new
    reply=$(sql -e "admin finalize upgrade" 2>&1) && break
    sleep 0.1
done
checks=$((checks + 1))
[ -z "$reply" ] || die "finalize: $reply"
sleep 1
touch "$work/stop"
wait "$writer"
check_rows
checks=$((checks + 1))
[ "$(wc -l < "$work/done")" -gt 20 ] || die "only $(wc -l < "$work/done") rows were inserted"
echo "$tried orders, $(wc -l < "$work/done") rows"
echo "$checks passed, 0 failed"
