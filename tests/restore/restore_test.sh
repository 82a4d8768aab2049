#!/bin/bash
# A cluster goes back: a meta directory put back under a server, restores to a moment and from saved directories, volumes that
# were copied earlier or lost their metadata, a restore that was cut short; and merak image, fsck, upgrade-check on the way.
. "$(dirname "$0")/../load/lib.sh"

volume=$work/data/volume
meta=$work/data/meta
start() { start_server --set edit_log_port=0 --set enable_compaction=false "$@"; }

# tool EXIT_CODE ARGUMENTS...: output in $reply
tool() {
    local expected=$1 code
    shift
    reply=$("$MERAK" "$@" 2>&1)
    code=$?
    checks=$((checks + 1))
    [ "$code" -eq "$expected" ] || die "merak $* ended with $code:
$reply"
}
fsck() { tool "$1" fsck --volume "file://$volume"; }
entry_of_image() { sql -e "alter system create image" | cut -f1; }
refuses_to_start() {
    "$MERAK" server --data-dir "$work/data" --set query_port=0 --set http_port=0 --set edit_log_port=0 > "$work/ready" 2> "$work/stderr" &&
        die "it started"
    reply=$(cat "$work/stderr")
    has "$1"
}

start
sql -e "create database d; use d;
create table t (k int, v bigint) duplicate key(k) distributed by hash(k) buckets 2;
create table p (k int not null, v bigint) primary key(k) distributed by hash(k) buckets 1;
create view w as select sum(v) from t;
create materialized view m refresh deferred manual as select k, sum(v) as s, count(*) as c from t group by k;
insert into t values (1, 10), (2, 20); insert into p values (1, 1), (2, 2); update p set v = 5 where k = 1;
refresh materialized view m with sync mode" > /dev/null
image=$(entry_of_image)
[ -f "$meta/image/v2/image.$image" ] && [ -f "$meta/image/starmgr/image.$image" ] && [ -f "$meta/image/ROLE" ] || die "no mirror"
cp -r "$meta" "$work/saved"
moment=$(date -u '+%Y-%m-%d %H:%M:%S.%6N')
sleep 0.1
sql -e "use d; insert into t values (3, 30); refresh materialized view m with sync mode; create table later (k int); drop table p" > /dev/null
stop_server -KILL
fsck 0
has "0 problems"

# ---- an older directory is put back: the volume is followed, and the way back is named ----
rm -r "$meta"
cp -r "$work/saved" "$meta"
start
query "select count(*), sum(v) from d.t" 3,60
note=$(sql -e "show frontends" | cut -f14)
reply=$note
has "the volume is at incarnation 1"
command=$(printf '%s' "$note" | sed -n 's/.*run: merak \(.*\)/\1/p')
stop_server
# shellcheck disable=SC2086
tool 0 $command
has "as incarnation 2"
start
query "select count(*), sum(v) from d.t" 2,30
query "select v from d.p order by k" "5;2"
query "show tables from d like 'later'" ""
query "select * from d.w" 30
# a view went back together with what it was computed from
query "select sum(s) from d.m" 30
sql -e "refresh materialized view d.m with sync mode" > /dev/null
query "select last_refresh_state from information_schema.materialized_views where table_name = 'm'" SKIPPED
sql -e "insert into d.t values (7, 70); insert into d.p values (9, 9)"
query "select sum(v) from d.t" 100
[ "$(sql -e 'show frontends' | cut -f7)" = LEADER ] || die "it does not lead"
stop_server
fsck 0
has "incarnation 2:"

# ---- a moment: by entry and by time; incarnations can be gone back to ----
tool 0 restore --volume "file://$volume" --to-time "$moment"
has "incarnation 3"
start
query "select sum(v) from d.t" 30
query "select count(*) from d.p" 2
sql -e "insert into d.t values (8, 80)"
last=$(sql -e "alter system create image" | cut -f1)
sql -e "truncate table d.t"
query "select count(*) from d.t" 0
stop_server
tool 0 restore --volume "file://$volume" --to-entry "$last"
start
query "select sum(v) from d.t" 110
# questions about the past find the incarnation that was alive then
query "select sum(v) from d.t for version as of $last" 110
query "set time_zone = '+00:00'; select sum(v) from d.t for timestamp as of '$moment'" 30
sql -e "set time_zone = '+00:00'; create table d.of_then clone d.t for timestamp as of '$moment'"
query "select sum(v) from d.of_then" 30
sql -e "drop table d.of_then force"
stop_server
for entry in x 0 -5 5x; do
    tool 1 restore --volume "file://$volume" --to-entry "$entry"
    has "'$entry' is not an entry's number"
done
tool 1 restore --volume "file://$volume" --to-entry 99999999
has "there is no entry 99999999: incarnation 4 ends at entry"
tool 1 restore --volume "file://$volume" --to-time '2100-01-01 00:00:00'
has "is in the future"
tool 1 restore --volume "file://$volume" --to-time '2000-01-01 00:00:00'
has "nothing is known of that time: the cluster began at"
tool 1 restore --volume "file://$volume"
tool 1 restore --volume "file://$work/nowhere" --to-entry 5

# ---- a snapshot of the cluster ----
start
sql -e "create snapshot kept; create snapshot small for table d.t; drop table d.t"
stop_server
tool 1 restore --volume "file://$volume" --snapshot small
has "RESTORE TABLE"
tool 1 restore --volume "file://$volume" --snapshot nothing
tool 0 restore --volume "file://$volume" --snapshot kept
start
query "select sum(v) from d.t" 110
stop_server
fsck 0

# ---- into another volume ----
mkdir -p "$work/other"
tool 0 restore --volume "file://$volume" --into "file://$work/other/volume"
tool 1 restore --volume "file://$volume" --into "file://$work/other/volume"
has "holds a cluster already"
mv "$work/data" "$work/first"
mkdir "$work/data"
mv "$work/other/volume" "$volume"
fsck 0
has "0 unreferenced"
start
query "select sum(v) from d.t" 110
sql -e "insert into d.t values (9, 90)"
query "select sum(v) from d.t" 200
stop_server
rm -r "$work/data"
mv "$work/first" "$work/data"

# ---- the opening of an incarnation was cut short before its record: the next start finishes it ----
newest=$(ls "$volume/meta/incarnation" | sort -n | tail -1)
tool 0 restore --volume "file://$volume" --to-entry "$last"
rm "$volume/meta/incarnation/$((newest + 1))"
start
query "select sum(v) from d.t" 110
stop_server
[ -f "$volume/meta/incarnation/$((newest + 1))" ] || die "the record is not there"
checks=$((checks + 1))

# ---- a restore a generation ----
start
sql -e "insert into d.t values (10, 1000)"
stop_server
rm -r "$meta"
cp -r "$work/saved" "$meta"
start --set restore_meta_dir=one
query "select sum(v) from d.t" 30
sql -e "insert into d.t values (11, 1)"
stop_server
rm -r "$meta"
cp -r "$work/saved" "$meta"
start --set restore_meta_dir=one
query "select sum(v) from d.t" 31
stop_server -KILL

# ---- a volume that was copied before the directory ----
start
cp -r "$volume" "$work/older"
sql -e "create table d.newer (k int)"
sql -e "alter system create image"
sql -e "create table d.newest (k int)"
stop_server
mv "$volume" "$work/current"
cp -r "$work/older" "$volume"
refuses_to_start "meta_dir_ahead=replay"
start --set meta_dir_ahead=replay
query "show tables from d like 'newe%'" "newer;newest"
query "select sum(v) from d.t" 31
stop_server
fsck 0

# ---- a volume that lost its metadata is seeded ----
rm -r "$volume/meta"
start
query "show tables from d like 'newe%'" "newer;newest"
query "select sum(v) from d.t" 31
sql -e "insert into d.t values (12, 100)"
query "select sum(v) from d.t" 131
stop_server
fsck 1 # the images of snapshots were in the volume only
has "/snapshot/"
has "2 problems"
start
sql -e "drop snapshot kept; drop snapshot small"
stop_server
fsck 0

# ---- another cluster's directory ----
mv "$work/data" "$work/first"
start
stop_server
cp -r "$meta" "$work/foreign"
rm -r "$work/data"
mv "$work/first" "$work/data"
rm -r "$meta"
cp -r "$work/foreign" "$meta"
refuses_to_start "is of cluster"
rm -r "$meta"

# ---- the tools find what is wrong ----
start
sql -e "create table d.large (s string); insert into d.large select md5(generate_series) from table(generate_series(1, 3000))" # an object of its own
sql -e "alter system create image"
stop_server
tool 0 upgrade-check --volume "file://$volume"
has "all of them bind"
tool 0 image verify --volume "file://$volume"
tool 0 image list --volume "file://$volume"
newest_image=$(printf '%s' "$reply" | head -1 | cut -f4)
tool 0 image inspect --volume "file://$volume"
has '"name":"tables"'
tool 0 image dump --volume "file://$volume" --format ddl
has "CREATE VIEW \`w\`"
tool 1 image inspect --volume "file://$volume" image.1
segment=$(cd "$volume" && find data -name '*.seg' | sort | tail -1)
cp "$volume/$segment" "$work/good"
printf 'x' | dd of="$volume/$segment" bs=1 seek=40 conv=notrunc status=none
fsck 1
has "$segment"
rm "$volume/$segment"
fsck 1
has "MISSING"
cp "$work/good" "$volume/$segment"
fsck 0
printf 'x' | dd of="$volume/$newest_image" bs=1 seek=300 conv=notrunc status=none
fsck 1
has "$newest_image"
tool 1 image verify --volume "file://$volume"
has "$newest_image"

# ---- other storage volumes: checked, moved with --map-volume, backed up ----
rm -rf "$work/data" "$work/side" "$work/backup"
start
sql -e "create database d; use d;
create storage volume side type = LOCAL locations = ('file://$work/side') properties ('enabled' = 'true');
create storage volume safe type = LOCAL locations = ('file://$work/backup') properties ('enabled' = 'true');
create table home (k int, pad varchar(40)) duplicate key(k); insert into home select generate_series, md5(generate_series) from table(generate_series(1, 20000));
create table away (k int not null, v int, pad varchar(40)) primary key(k) properties ('storage_volume' = 'side');
insert into away select generate_series, 1, md5(generate_series) from table(generate_series(1, 20000));
delete from away where k = 2; create user u identified by 'u';
create materialized view m refresh manual as select sum(v) as s from away; refresh materialized view m with sync mode"
sql -e "create snapshot kept; use d; insert into away values (100003, 30, '')"
stop_server
fsck 0
has "1 snapshots"
has " 0 unreferenced"
has "0 problems"
victim=$(find "$work/side" -name '*.seg' | head -1)
cp "$victim" "$work/victim"
printf 'X' | dd of="$victim" bs=1 seek=20 conv=notrunc 2>/dev/null
fsck 1
has "DAMAGED"
rm "$victim"
fsck 1
has "MISSING"
mv "$work/victim" "$victim"
object=$(find "$volume/meta" -name '*.image' -path '*snapshot*' | head -1)
cp "$object" "$work/victim"
printf 'X' | dd of="$object" bs=1 seek=200 conv=notrunc 2>/dev/null
fsck 1
has "DAMAGED"
mv "$work/victim" "$object"
fsck 0

# a copy needs places of its own
tool 1 restore --volume "file://$volume" --into "file://$work/copy"
has "Two clusters can't share it"
tool 1 restore --volume "file://$volume" --into "file://$work/copy" --map-volume nonsense
has "not NAME=URL"
rm -rf "$work/copy"
tool 0 restore --volume "file://$volume" --into "file://$work/copy" --map-volume "side=file://$work/side2" --map-volume "safe=file://$work/safe2"
mv "$work/data" "$work/first"
mkdir "$work/data"
mv "$work/copy" "$volume"
fsck 0
has " 0 unreferenced"
start
query "select sum(v) from d.away" 20029
query "select count(*) from information_schema.cluster_snapshots" 0
sql -e "admin set frontend config ('lake_autovacuum_grace_period_minutes' = '0'); insert into d.away values (100005, 50, ''); delete from d.away where k = 1; alter table d.away compact; admin vacuum; admin vacuum"
query "select sum(v) from d.away" 20078
stop_server
rm -rf "$work/data"
mv "$work/first" "$work/data"
fsck 0 # the copy deleted nothing here
has "0 problems"
# where everything was copied by hand, --map-volume alone says so
cp -r "$work/side" "$work/side3"
cp -r "$volume" "$work/moved"
mv "$work/side" "$work/side.away"
tool 0 restore --volume "file://$work/moved" --to-entry "$("$MERAK" fsck --quick --volume "file://$work/moved" | sed -n 's/.*journal to entry \([0-9]*\).*/\1/p' | tail -1)" --map-volume "side=file://$work/side3"
mv "$work/side.away" "$work/side"
tool 0 fsck --volume "file://$work/moved"

# BACKUP
start
sql -e "backup cluster as first to safe" > "$work/report"
location=$(cut -f2 "$work/report")
copied=$(cut -f5 "$work/report")
[ "$copied" -ge 2 ] || die "nothing was copied"
sql -e "backup cluster as again to safe" > "$work/report"
checks=$((checks + 1))
[ "$(cut -f5 "$work/report")" = 0 ] || die "what was there was copied again"
sql -e "insert into d.home select generate_series, md5(-generate_series) from table(generate_series(1, 20000)); backup database d as just_d to safe" > "$work/report"
checks=$((checks + 1))
[ "$(cut -f5 "$work/report")" = 1 ] || die "more than the new object was copied: $(cat "$work/report")"
sql -e "backup snapshot kept as of_kept to safe; backup table d.home to safe" > "$work/report"
reply=$(sql -e "backup cluster to nowhere" 2>&1)
has "Unknown storage volume"
reply=$(sql -e "backup snapshot nothing to safe" 2>&1)
has "Unknown snapshot"
reply=$(sql -e "backup cluster to builtin_storage_volume" 2>&1)
has "other than that of the cluster"
query "select count(*) from d.away" 20000
reply=$(sql -e "show backup")
has "FINISHED"
has "0 of 0 objects"
has "first"
sql -e "backup cluster as last to safe" > "$work/report"
stop_server
fsck 0
tool 0 fsck --volume "$location"
has "0 problems"
# all is lost but the backup: a server starts on it
mv "$work/data" "$work/first"
mv "$work/side" "$work/side.away"
start_server --set edit_log_port=0 --set home_volume="$location"
query "select sum(v) from d.away" 20029
query "select count(*) from d.home" 40000
query "select s from d.m" 19999
sql -e "insert into d.away values (100007, 70, ''); insert into d.home values (9, '')"
query "select sum(v) from d.away" 20099
stop_server
tool 0 fsck --volume "$location"
# and any of the backups can be gone back to
tool 0 restore --volume "$location" --snapshot first
start_server --set edit_log_port=0 --set home_volume="$location"
query "select count(*) from d.home" 20000
query "show tables from d" "away;home;m"
stop_server
tool 0 restore --volume "$location" --snapshot of_kept
start_server --set edit_log_port=0 --set home_volume="$location"
query "select sum(v) from d.away" 19999
stop_server
rm -rf "$work/data"
mv "$work/first" "$work/data"
mv "$work/side.away" "$work/side"
start
reply=$(sql -e "backup cluster to safe" 2>&1)
has "a cluster of its own"
query "select sum(v) from d.away" 20029

# ---- cluster_snapshot.yaml ----
path=$(sql -e "select storage_path from information_schema.cluster_snapshots where snapshot_name = 'kept'")
stop_server
cp -r "$work/side" "$work/side4"
cat > "$work/cluster_snapshot.yaml" <<END
# as StarRocks' operators write it
cluster_snapshot:
    cluster_snapshot_path: file://$volume/$path
    storage_volume_name: builtin_storage_volume
frontends:
  - host: 10.1.2.3
    edit_log_port: 9010
    type: follower
  - {host: 10.1.2.4, edit_log_port: 9010, type: observer}
compute_nodes:
  - host: 10.1.2.5
    heartbeat_service_port: 9050
storage_volumes:
  - name: side
    type: LOCAL
    location: "file://$work/side4"
    comment: moved
END
start_server --set edit_log_port=0 --set restore_cluster_snapshot="$work/cluster_snapshot.yaml"
query "select sum(v) from d.away" 19999
query "select count(*) from d.home" 20000
reply=$(sql -e "show frontends")
has "10.1.2.3"
has "10.1.2.4"
reply=$(sql -e "desc storage volume side")
has "side4"
has "moved"
sql -e "insert into d.away values (100008, 80, '')"
stop_server
start_server --set edit_log_port=0 --set restore_cluster_snapshot="$work/cluster_snapshot.yaml" # once a file
query "select sum(v) from d.away" 20079
stop_server
fsck 0
tool 0 restore --cluster-snapshot "$work/cluster_snapshot.yaml"
start
query "select sum(v) from d.away" 19999
stop_server
printf 'cluster_snapshot:\n  cluster_snapshot_path: [1' > "$work/cluster_snapshot.yaml"
tool 1 restore --cluster-snapshot "$work/cluster_snapshot.yaml"
has "cluster_snapshot.yaml, line"
printf 'cluster_snapshot:\n  cluster_snapshot_path: file://%s/meta/image/none\n' "$volume" > "$work/cluster_snapshot.yaml"
tool 1 restore --cluster-snapshot "$work/cluster_snapshot.yaml"
has "there is no snapshot of the cluster at"
done_testing
