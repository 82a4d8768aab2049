#!/bin/bash
# A volume without room: reads go on, what writes is refused with words and changes nothing, a server starts on it, and all is well again
# when there is room. The volume is a small file system in memory, of this test alone.
. "$(dirname "$0")/../load/lib.sh"
if [ -z "${FAILOVER_OWN_NETWORK:-}" ]; then
    echo "no file system can be mounted here: not tried"
    echo "1 passed, 0 failed"
    exit
fi
mkdir "$work/full"
mount -t tmpfs -o size=24m none "$work/full" || die "mount"
trap 'stop_server -KILL; umount -l "$work/full"; cleanup' EXIT
start() { start_server --set home_volume="file://$work/full/volume" --set enable_compaction=false --set edit_log_port=0; }
fill() { dd if=/dev/zero of="$work/full/fill" bs=4k status=none 2> "$work/out"; }
refused() {
    reply=$(sql -e "$1" 2>&1) && die "$1 was done"
    has "no space left on the volume"
}
start
sql -e "create database d; use d; create table t (k int, s varchar(100)) duplicate key(k); create table p (k int not null, v int) primary key(k);
insert into p values (1, 1)"
rows=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    reply=$(sql -e "insert into d.t select generate_series, concat(md5(generate_series + $i), md5(generate_series * 7 + $i)) from table(generate_series(1, 100000))" 2>&1) || break
    rows=$((rows + 100000))
done
has "no space left on the volume"
query "select count(*) from d.t" "$rows"
fill
for statement in "insert into d.p values (2, 2)" "create table d.x (k int)" "create snapshot s" "alter system create image" "drop table d.t" \
    "admin set cluster read only" "create storage volume z type = local locations = ('file://$work/full/z') properties ('enabled' = 'true')"; do
    refused "$statement"
done
reply=$(echo 3,3 | curl -s --location-trusted -u root: -H 'Expect: 100-continue' -H 'column_separator:,' -T - "$url/api/d/p/_stream_load")
has "no space left on the volume"
query "select count(*) from d.p" 1
stop_server -KILL
start
query "select count(*) from d.p" 1
query "select count(*) from d.t" "$rows"
http GET /api/health
[ "$status" = 200 ] || die "health: $status"
reply=$(sql -e "insert into d.p values (4, 4)" 2>&1) && die "there was room"
rm "$work/full/fill"
for _ in $(seq 100); do # the lead is taken again and again
    sql -e "insert into d.p values (5, 5)" > "$work/out" 2>&1 && break
    sleep 0.2
done
query "select k from d.p order by k" "1;5"
sql -e "create snapshot s; alter system create image; drop table d.t force" > "$work/out" || die "there is room"
stop_server
reply=$("$MERAK" fsck --volume "file://$work/full/volume") || die "$reply"
has " 0 problems"
done_testing
