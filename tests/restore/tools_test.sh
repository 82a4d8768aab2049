#!/bin/bash
# Every tool on a cluster that is up and on one that is down, with storage volumes beside the home volume: image, fsck, upgrade-check and
# restore, in place, into another volume, and from a meta directory; what can't be meant is refused. With S3_ENDPOINT and its like in the
# environment (tests/s3/with_service.sh, with_ceph.sh) the home volume and one of the others lie there.
. "$(dirname "$0")/../load/lib.sh"

keys=()
if [ -n "${S3_ENDPOINT:-}" ]; then
    base=s3://$S3_BUCKET/tools
    keys=(--set "aws_s3_endpoint=$S3_ENDPOINT" --set "aws_s3_access_key=$S3_ACCESS_KEY" --set "aws_s3_secret_key=$S3_SECRET_KEY"
        --set "aws_s3_region=${S3_REGION:-}")
    second="type = S3 locations = ('$base/second') properties ('enabled' = 'true', 'aws.s3.endpoint' = '$S3_ENDPOINT',
        'aws.s3.region' = '${S3_REGION:-}', 'aws.s3.access_key' = '$S3_ACCESS_KEY', 'aws.s3.secret_key' = '$S3_SECRET_KEY')"
else
    base=file://$work
    second="type = LOCAL locations = ('$base/second') properties ('enabled' = 'true')"
fi
home=$base/home
start() { start_server --set edit_log_port=0 --set home_volume="$home" --set enable_compaction=false "${keys[@]}" "$@"; }

# tool EXIT_CODE ARGUMENTS...: output in $reply
tool() {
    local expected=$1 code
    shift
    reply=$("$MERAK" "$@" "${keys[@]}" 2>&1)
    code=$?
    checks=$((checks + 1))
    [ "$code" -eq "$expected" ] || die "merak $* ended with $code:
$reply"
}
# rows SUFFIX-OF-HOME EXPECTED: what a server on it answers
rows() { query "select (select count(*) from d.home), (select count(*) from d.first), (select count(*) from d.second), (select s from d.m)" "$1"; }

start
sql -e "create storage volume first type = LOCAL locations = ('file://$work/first') properties ('enabled' = 'true');
create storage volume second $second; create database d; use d;
create table home (k int, s string) duplicate key(k);
create table first (k int, s string) duplicate key(k) properties ('storage_volume' = 'first');
create table second (k int not null, s string) primary key(k) properties ('storage_volume' = 'second');
create view v as select count(*) as c from first; create materialized view m refresh manual as select count(*) as s from second" || die "tables"
for table in home first second; do sql -e "insert into d.$table select generate_series, md5(generate_series) from table(generate_series(1, 5000))"; done
sql -e "refresh materialized view d.m with sync mode; alter system create image" > "$work/image"
image=$(tail -1 "$work/image" | cut -f1)
cp -r "$work/data/meta" "$work/saved"
sql -e "create snapshot kept; insert into d.first select generate_series, md5(-generate_series) from table(generate_series(1, 5000)); drop table d.home"
moves=(--map-volume "first=file://$work/first")

# look: what only reads, whether the cluster is up or down
look() {
    tool 0 image list --volume "$home"
    has "image.$image"
    tool 0 image inspect --volume "$home" "image.$image"
    tool 0 image verify --volume "$home"
    tool 0 image dump --volume "$home" --format ddl "image.$image"
    has "CREATE TABLE \`home\`"
    tool 0 fsck --volume "$home"
    has "1 snapshots"
    has " 0 problems"
    tool 0 fsck --quick --volume "$home"
    has " 0 problems"
    tool 0 upgrade-check --volume "$home"
    has "all of them bind"
    tool 0 upgrade-check --meta-dir "$work/saved"
    has "all of them bind"
    # where a volume lies now has to be right
    tool 0 fsck --volume "$home" "${moves[@]}"
    tool 1 fsck --volume "$home" --map-volume "first=file://$work/nowhere"
    has "there is no directory $work/nowhere"
    tool 1 upgrade-check --volume "$home" --map-volume "first=file://$work/nowhere"
    has "1 storage volumes can't be opened"
    tool 1 upgrade-check --meta-dir "$work/saved" --map-volume "first=file://$work/nowhere"
    has "there is no directory"
    # a copy of a moment, of a snapshot and of a meta directory
    for how in "--snapshot kept" "--to-entry $image" "--meta-dir $work/saved"; do
        n=$((n + 1))
        # shellcheck disable=SC2086
        tool 0 restore --volume "$home" $how --into "$base/copy$n" --map-volume "first=file://$work/first$n" --map-volume "second=$base/second$n"
        case $reply in *missing*) die "restore $how: $reply" ;; esac
        tool 0 fsck --volume "$base/copy$n"
        has " 0 problems"
        has " 0 unreferenced"
        copies+=("$n")
    done
}
n=0 copies=()
look
stop_server -KILL
look
rows_then=5000,5000,5000,5000
[ "${#copies[@]}" = 6 ] || die "copies"
mv "$work/data" "$work/data.own"
for n in 1 3 6; do # every way once, made of an open and of a closed cluster
    start --set home_volume="$base/copy$n"
    rows "$rows_then"
    sql -e "insert into d.first values (7, ''); insert into d.second values (9001, '')"
    query "select count(*) from d.first" 5001
    stop_server
    rm -rf "$work/data"
done
mv "$work/data.own" "$work/data"

# ---- in place, under a server that runs: it commits nothing any more, and says why ----
start
query "select count(*) from d.first" 10000
tool 0 restore --volume "$home" --to-entry "$image"
has "as incarnation 2"
reply=$(sql -e "insert into d.first values (8, '')" 2>&1) && die "a server of a closed incarnation has committed"
for _ in $(seq 100); do # it notices without being asked to write, too
    reply=$(sql -e "select count(*) from d.first" 2>&1) || break
    sleep 0.1
done
has "incarnation 1 of the cluster has ended, for it was restored: start this server again"
http GET /api/health
[ "$status" = 503 ] || die "health: $status"
reply=$(echo 9,x | curl -s --location-trusted -u root: -H 'Expect: 100-continue' -H 'column_separator:,' -T - "$url/api/d/first/_stream_load")
has "has ended"
stop_server -KILL
start
rows "$rows_then"
tool 0 restore --volume "$home" --snapshot kept
has "as incarnation 3"
stop_server -KILL
start
rows "$rows_then"
sql -e "insert into d.first values (8, '')"
stop_server
# ---- in place, when it is down: the snapshot, which the directory knows nothing of, stays ----
tool 0 restore --volume "$home" --meta-dir "$work/saved"
has "as incarnation 4"
start
rows "$rows_then"
query "select snapshot_name from information_schema.cluster_snapshots" kept
stop_server
tool 0 fsck --volume "$home"
has "1 snapshots"
has " 0 problems"
# one of the other volumes was moved meanwhile
cp -r "$work/first" "$work/first.moved"
mv "$work/first" "$work/first.away"
tool 0 restore --volume "$home" --meta-dir "$work/saved" --map-volume "first=file://$work/first.moved"
case $reply in *missing*) die "$reply" ;; esac
start
rows "$rows_then"
sql -e "insert into d.first values (10, '')"
query "select count(*) from d.first" 5001
stop_server
tool 0 fsck --volume "$home"
# one of its objects is gone: it is named
victim=$(find "$work/first.moved" -name '*.seg' | sort | head -1)
mv "$victim" "$work/victim"
tool 0 restore --volume "$home" --meta-dir "$work/saved" --map-volume "first=file://$work/first.moved"
has "missing: data/"
mv "$work/victim" "$victim"

# ---- the metadata of the volume is lost: a server that has the directory puts it back ----
if [ -z "${S3_ENDPOINT:-}" ]; then
    rm -r "$work/home/meta" "$work/data/meta" "$work/first.moved"
    mv "$work/first.away" "$work/first"
    cp -r "$work/saved" "$work/data/meta"
    start
    rows "$rows_then"
    reply=$(sql -e "show frontends")
    has "the volume had no metadata"
    stop_server
fi

# ---- what can't be meant ----
tool 1 upgrade-check --volume "$home" --meta-dir "$work/saved"
has "only one of"
tool 1 upgrade-check --meta-dir "$work/nowhere"
has "there is no meta directory"
tool 1 upgrade-check
has "--volume URL is needed"
mkdir "$work/nothing"
tool 1 upgrade-check --meta-dir "$work/nothing"
has "there is no metadata"
tool 1 upgrade-check --volume "$base/empty"
tool 1 fsck --volume "$home" --snapshot kept
has "unknown argument '--snapshot'"
tool 1 fsck --volume "$home" --map-volume third=file:///x
has "no storage volume 'third'"
tool 1 fsck --volume "$home" --map-volume first=ftp://x
has "s3://.. and file:///.. are possible"
tool 1 image list --volume "$home" --into "$base/x"
has "unknown argument '--into'"
tool 1 image list
has "--volume URL is needed"
tool 1 image verify --volume "$home" image.999999
tool 1 restore --volume "$home" --quick
has "unknown argument '--quick'"
tool 1 restore --meta-dir "$work/saved"
has "--volume URL is needed"
tool 1 restore --volume "$home" --meta-dir "$work/nowhere"
has "there is no meta directory"
tool 1 restore --volume "$home" --meta-dir "$work/saved" --to-entry 5
has "only one of"
tool 1 restore --volume "$home" --meta-dir "$work/saved" --into "$base/copy1"
has "holds a cluster already"
tool 1 restore --volume "$base/empty2" --meta-dir "$work/saved" --into "$base/empty3"
tool 1 restore --volume "$home" --into "$base/copy9"
has "where shall storage volume"
tool 1 server --data-dir "$work/another" --set query_port=0 --set http_port=0 --set home_volume=file://relative
has "'file://relative' is not an absolute directory"
done_testing
