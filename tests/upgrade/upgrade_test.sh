#!/bin/bash
# Upgrades that can be taken back: OLD and NEXT are this version and one that writes a higher format level.
#   upgrade_test.sh OLD NEXT ORDERS LEVEL     LEVEL: of OLD
# One server forward and back, ADMIN FINALIZE UPGRADE, an older binary that refuses; then three frontends on one volume, replaced one
# by one in several orders, forward and back again, while rows are inserted, loaded under labels, updated by their keys and whole
# columns of them, and a view is refreshed, through all of them.
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

pids=() ports=() http_ports=() writers=()
stop_all() {
    for n in "${writers[@]}"; do kill "$n" 2>/dev/null; done
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
    http_ports[n]=$(sed -n 's/.*http_port=\([0-9]*\).*/\1/p' "$work/ready$n")
    [ -n "${ports[$n]}" ] || { cat "$work/stderr$n"; die "node $n did not start"; }
    echo "${ports[*]} ${http_ports[*]}" > "$work/ports.new"
    mv "$work/ports.new" "$work/ports"
}
replace_node() {
    kill -TERM "${pids[$2]}"
    wait "${pids[$2]}"
    start_node "$1" "$2"
}

running() { [ -d "$work" ] && [ ! -e "$work/stop" ]; }
# through N SQL: by another node for each number
through() {
    local port
    read -r -a port < "$work/ports"
    [ "${#port[@]}" -eq 6 ] && timeout 15 mariadb -h127.0.0.1 -P"${port[$(($1 % 3))]}" -uroot -N -B -e "$2" 2> "$work/trouble.$BASHPID"
}
# load N [LAST]: three rows under the label of the number; the answer
load() {
    local port
    read -r -a port < "$work/ports"
    [ "${#port[@]}" -eq 6 ] && printf '%d,1\n%d,2\n%d,%d\n' "$1" "$1" "$1" "${2:-3}" |
        timeout 15 curl -s --location-trusted -u root: -H 'Expect: 100-continue' -H "label:of_$1" -H 'column_separator:,' -T - \
            "http://127.0.0.1:${port[$((3 + $1 % 3))]}/api/d/loaded/_stream_load"
}
# Numbers go through changing nodes; those that were acknowledged are noted.
insert_rows() {
    local i=0
    while running; do
        i=$((i + 1))
        through $i "insert into d.log values ($i)" && echo "$i" >> "$work/done"
    done
}
load_rows() {
    local i=0
    while running; do
        i=$((i + 1))
        load $i > "$work/answers/$i"
        grep -q '"Status": "Success"' "$work/answers/$i" && echo "$i" >> "$work/loaded"
    done
}
upsert_rows() {
    local i=0
    while running; do
        i=$((i + 1))
        through $i "insert into d.keyed (k, v) values ($((i % 20)), $i)" && echo "$((i % 20)) $i" >> "$work/upserted"
        through $i "set partial_update_mode = 'column'; update d.keyed set w = $i where k < 10" && echo "$i" > "$work/updated"
    done
}
refresh_view() {
    local i=0
    while running; do
        i=$((i + 1))
        through $i "refresh materialized view d.sums with sync mode" > "$work/refresh" && echo "$i" >> "$work/refreshed"
        sleep 0.2
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
        check_loads "$n"
        check_keys "$n"
    done
    check_labels
}
# Loads are there as a whole, once.
check_loads() {
    local missing
    query "select count(*) from (select n, count(*) c, sum(part) s from d.loaded group by n having c <> 3 or s <> 6) x" 0
    sort "$work/loaded" > "$work/acknowledged"
    sql -e "select distinct n from d.loaded" | sort > "$work/there"
    missing=$(comm -23 "$work/acknowledged" "$work/there" | wc -l)
    checks=$((checks + 1))
    [ "$missing" -eq 0 ] || die "$missing acknowledged loads are missing on node $1"
}
# A key has what was acknowledged last, or something newer.
check_keys() {
    local pairs updated
    pairs=$(awk '{ if ($2 > last[$1]) last[$1] = $2 } END { for (k in last) printf "%s(%d,%d)", n++ ? "," : "", k, last[k] }' "$work/upserted")
    updated=$(cat "$work/updated")
    query "select count(*) - count(distinct k) from d.keyed" 0
    query "select count(*) from (values $pairs) a(k, v) left join d.keyed b on a.k = b.k where b.v is null or b.v < a.v or b.v % 20 <> b.k" 0
    query "select count(*) from d.keyed where k < 10 and w < ${updated:-0}" 0
}
# What was loaded by one version is known by its label to the other: the same request hears the same answer, another one a refusal.
check_labels() {
    local n
    for n in $(head -2 "$work/loaded") $(tail -2 "$work/loaded"); do
        reply=$(load "$n")
        checks=$((checks + 1))
        [ "$reply" = "$(cat "$work/answers/$n")" ] || die "label of_$n again: $reply
first it was $(cat "$work/answers/$n")"
        reply=$(load "$n" 4)
        has "Label Already Exists"
    done
}

mkdir "$work/answers"
touch "$work"/{done,loaded,upserted,updated,refreshed}
for n in 0 1 2; do start_node "$old" "$n"; done
query_port=${ports[1]}
sql -e "create database d; use d; create table log (n int) duplicate key(n); create table loaded (n int, part int) duplicate key(n);
create table keyed (k int not null, v int, w int default '0') primary key(k) distributed by hash(k) buckets 2;
insert into keyed select generate_series, generate_series, 0 from table(generate_series(0, 19));
create materialized view sums refresh manual as select part, count(*) c, sum(n) s from loaded group by part" || die "tables"
for what in insert_rows load_rows upsert_rows refresh_view; do
    $what &
    writers+=($!)
done
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
wait "${writers[@]}"
check_rows
sql -e "refresh materialized view d.sums with sync mode" > "$work/refresh" || die "refresh"
query "select count(*) from d.sums a join (select part, count(*) c, sum(n) s from d.loaded group by part) b on a.part = b.part and a.c = b.c and a.s = b.s" 3
for what in done loaded upserted refreshed; do
    checks=$((checks + 1))
    [ "$(wc -l < "$work/$what")" -gt 5 ] || die "only $(wc -l < "$work/$what") are $what"
done
echo "$tried orders, $(wc -l < "$work/done") rows, $(wc -l < "$work/loaded") loads, $(wc -l < "$work/upserted") upserts, $(wc -l < "$work/refreshed") refreshes"
echo "$checks passed, 0 failed"
