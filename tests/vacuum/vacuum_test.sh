#!/bin/bash
# Vacuum without a grace period under snapshots, clones, long queries and loads that go on: nothing that is needed goes, and at the end,
# when nothing holds anything, nothing else is left.
#   vacuum_test.sh [ROUNDS] [SEED]
. "$(dirname "$0")/../load/lib.sh"
rounds=${1:-2} seed=${2:-$RANDOM}
RANDOM=$seed
echo "vacuum: $rounds rounds, seed $seed"

names() { (cd "$work/data/volume" && find data -name '*.seg' -o -name '*.del'); }
objects() { find "$work/data/volume/data" -name '*.seg' -o -name '*.del' | wc -l; }
sum_of() { sql -e "select count(*), sum(k), sum(murmur_hash3_32(s)) from $1" 2>&1 | tr '\t' ','; }
fill() { echo "select generate_series + $1, md5(generate_series * $RANDOM) from table(generate_series(1, $2))"; }
start() { start_server --set lake_autovacuum_grace_period_minutes=0; }

start
sql -e "create database d; use d;
create table t (k bigint, s varchar(40)) duplicate key(k) distributed by hash(k) buckets 2;
create table p (k bigint not null, s varchar(40)) primary key(k) distributed by hash(k) buckets 2;
create table h (k bigint, s varchar(40)) duplicate key(k) distributed by hash(k) buckets 1;
insert into t $(fill 0 5000); insert into p $(fill 0 5000)" || die "tables"

# Rows come, go and are merged; vacuum runs all the time.
change() {
    local from=$((RANDOM % 20 * 1000))
    case $((RANDOM % 6)) in
        0) sql -e "insert into d.t $(fill $from 3000); insert into d.p $(fill $from 3000)" ;;
        1) sql -e "delete from d.p where k % 7 = $((RANDOM % 7)) or k % 5 = 1; delete from d.t where k < $from" ;;
        2) sql -e "insert overwrite d.t $(fill $from 4000)" ;;
        3) sql -e "update d.p set s = md5(k + $RANDOM) where k % 3 = $((RANDOM % 3))" ;;
        4) sql -e "alter table d.t compact; alter table d.p compact" ;;
        5) sql -e "truncate table d.t; insert into d.t $(fill 0 2500)" ;;
    esac || die "a change failed"
}
vacuum_always() { while [ -d "$work" ] && [ ! -e "$work/stop" ]; do sql -e "admin vacuum" > /dev/null 2> "$work/vacuum_error" || true; sleep 0.05; done; }
vacuum_always &
vacuum=$!

# A query reads a table that no snapshot has and that is emptied meanwhile: its objects stay while it runs, and go then. (What is mapped
# outlives its name on a local volume; so the names are looked at.)
long_query() {
    local before query object
    names | sort > "$work/before"
    sql -e "insert into d.h $(fill 0 4000)" || die "h"
    names | sort | comm -13 "$work/before" - > "$work/held" # or of a merge
    before=$(sum_of d.h)
    sql -e "select count(*), sum(k), sum(murmur_hash3_32(s)) from d.h join (select sleep(3) as x) late on k + 1 > x - 5" > "$work/long" 2>&1 &
    query=$!
    sleep 0.7 # it has begun
    sql -e "truncate table d.h"
    for _ in 1 2 3 4; do
        sql -e "admin vacuum" > /dev/null
        kill -0 $query 2> /dev/null || break
        while read -r object; do
            [ -e "$work/data/volume/$object" ] || grep -q . "$work/long" || echo "$object was deleted under a query" >> "$work/wrong"
        done < "$work/held"
        looks=$((looks + 1))
    done
    wait $query
    reply=$(tr '\t' ',' < "$work/long")
    [ "$reply" = "$before" ] || echo "a query answered $reply, not $before" >> "$work/wrong"
    [ ! -e "$work/wrong" ] || die "$(cat "$work/wrong")"
    checks=$((checks + 1))
}

looks=0
declare -A expected
for round in $(seq "$rounds"); do
    sql -e "create table d.c$round clone d.p" || die "pins"
    for table in t p; do
        sql -e "create snapshot $table$round for table d.$table" || die "pins"
        expected[s$round.$table]=$(sum_of "d.$table")
    done
    expected[c$round]=${expected[s$round.p]}
    long_query
    for _ in 1 2 3 4 5; do change; done
    for clone in $(seq "$round"); do query "select count(*), sum(k), sum(murmur_hash3_32(s)) from d.c$clone" "${expected[c$clone]}"; done
    if [ $((round % 2)) = 1 ]; then # from here on the snapshots are those of the images
        stop_server -KILL
        start
    fi
done
for round in $(seq "$rounds"); do
    for table in t p; do
        reply=$(sql -e "admin test snapshot $table$round" | cut -f5)
        checks=$((checks + 1))
        [ "$reply" = 0 ] || die "snapshot $table$round has $reply problems"
        sql -e "restore table d.$table from snapshot $table$round as back_$table" || die "restore of $table$round"
        query "select count(*), sum(k), sum(murmur_hash3_32(s)) from d.back_$table" "${expected[s$round.$table]}"
        sql -e "drop table d.back_$table force"
    done
done

# Nothing holds anything any more: what is left is what the tables have.
held=$(objects)
[ "$looks" -ge "$rounds" ] || die "only $looks looks at what queries held"
for round in $(seq "$rounds"); do sql -e "drop snapshot t$round; drop snapshot p$round; drop table d.c$round force"; done
last_t=$(sum_of d.t) last_p=$(sum_of d.p)
sql -e "alter table d.t compact; alter table d.p compact"
touch "$work/stop"
wait $vacuum
for _ in 1 2 3 4 5 6; do sql -e "admin vacuum" > /dev/null; sleep 0.3; done
checks=$((checks + 1))
[ "$(objects)" -lt "$held" ] || die "$(objects) objects are left of $held"
query "select count(*), sum(k), sum(murmur_hash3_32(s)) from d.t" "$last_t"
query "select count(*), sum(k), sum(murmur_hash3_32(s)) from d.p" "$last_p"
left=$(objects)
stop_server
reply=$("$MERAK" fsck --volume "file://$work/data/volume" 2>&1) || die "$reply"
has " 0 unreferenced objects"
echo "$held objects while they were held, $left at the end"
done_testing
