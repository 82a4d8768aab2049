#!/bin/bash
# Tables in storage volumes beside the home volume, a directory and a bucket: loads, changes, compaction, vacuum, restarts; keys
# that are altered under a running server; the cache. Runs under with_service.sh.
. "$(dirname "$0")/../load/lib.sh"

start() { start_server --set lake_autovacuum_grace_period_minutes=0 --set object_storage_retry_timeout_ms=2000 "$@"; }
objects_in() { find "$work/elsewhere" -name '*.seg' -o -name '*.del' | wc -l; }
list() { curl -s "$S3_ENDPOINT/_stats"; }

start
sql -e "create storage volume folder type = local locations = ('file://$work/elsewhere') properties ('enabled' = 'true');
create storage volume bucket type = s3 locations = ('s3://$S3_BUCKET/volumes') properties ('enabled' = 'true', 'aws.s3.endpoint' = '$S3_ENDPOINT',
  'aws.s3.region' = '${S3_REGION:-}', 'aws.s3.access_key' = '$S3_ACCESS_KEY', 'aws.s3.secret_key' = '$S3_SECRET_KEY')" || die "volumes"
reply=$(sql -e "create storage volume wrong type = s3 locations = ('s3://$S3_BUCKET/x') properties ('aws.s3.endpoint' = '$S3_ENDPOINT',
  'aws.s3.access_key' = '$S3_ACCESS_KEY', 'aws.s3.secret_key' = 'wrong')" 2>&1)
has "SignatureDoesNotMatch"

# Keys of the environment, which this server lacks: a warning, for other nodes may have them.
reply=$(sql -vv -e "create storage volume far type = s3 locations = ('s3://$S3_BUCKET/far') properties ('aws.s3.endpoint' = '$S3_ENDPOINT',
  'aws.s3.use_aws_sdk_default_behavior' = 'true', 'enabled' = 'true')" 2>&1)
has "warning: the storage volume can't be used from here"
has "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not in the environment of the server"
stop_server
export AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY AWS_REGION=${S3_REGION:-us-east-1}
start
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION
reply=$(sql -vv -e "alter storage volume far set ('enabled' = 'true')" 2>&1)
checks=$((checks + 1))
[[ $reply != *warning* ]] || die "keys of the environment: $reply"
sql -e "create database far; create table far.t (k int) duplicate key(k) properties ('storage_volume' = 'far'); insert into far.t select generate_series from table(generate_series(1, 50000))" || die "keys of the environment"
query "select count(*) from far.t" 50000
sql -e "drop database far force; drop storage volume far; admin vacuum" > "$work/vacuum" || die "drop far"
stop_server
start

for volume in folder bucket; do
    sql -e "create database $volume properties ('storage_volume' = '$volume'); use $volume;
create table d (k int, v bigint) duplicate key(k) distributed by hash(k) buckets 2;
create table p (k int not null, v bigint) primary key(k) distributed by hash(k) buckets 2;
insert into d select generate_series, generate_series from table(generate_series(1, 50000));
insert into p select generate_series, generate_series from table(generate_series(1, 50000));
delete from p where k % 7 = 1 or k % 11 = 2;
update p set v = -1 where k % 13 = 3;
begin; insert into p values (100001, 1); insert into p values (100002, 2); commit;
insert into d values (7, 7)" || die "statements in $volume"
    reply=$(sql -e "show create table $volume.d"); has "\"storage_volume\" = \"$volume\""
done
check() {
    for volume in folder bucket; do
        query "select count(*), sum(v) from $volume.d" 50001,1250025007
        query "select count(*), sum(v), sum(k) from $volume.p" "$1"
    done
}
expected=$(sql -e "create table folder.q (k int not null, v bigint) primary key(k) distributed by hash(k) properties ('storage_volume' = 'builtin_storage_volume');
insert into folder.q select generate_series, generate_series from table(generate_series(1, 50000));
delete from folder.q where k % 7 = 1 or k % 11 = 2; update folder.q set v = -1 where k % 13 = 3; insert into folder.q values (100001, 1), (100002, 2);
select count(*), sum(v), sum(k) from folder.q" | tr '\t' ',')
check "$expected"
[ "$(objects_in)" -gt 3 ] || die "nothing lies in the directory"

stop_server -KILL
start
check "$expected"
rm -rf "$work/data/cache"
stop_server
start
check "$expected"

# Compaction writes into the table's volume, vacuum deletes there.
noise="select cast(murmur_hash3_32(generate_series) as int), 0 from table(generate_series(1, 10000))" # too many bytes for the catalog
for _ in 1 2 3; do sql -e "insert into folder.d $noise; insert into bucket.d $noise"; done
before=$(objects_in)
sql -e "alter table folder.d compact; alter table bucket.d compact"
for _ in $(seq 100); do
    sql -e "admin vacuum" > "$work/vacuum"
    [ "$(objects_in)" -lt "$before" ] && break
    sleep 0.2
done
[ "$(objects_in)" -lt "$before" ] || die "compaction and vacuum left $(objects_in) of $before objects"
checks=$((checks + 1))
for volume in folder bucket; do
    query "select count(*), sum(v) from $volume.d" 80001,1250025007
    query "select count(*), sum(v), sum(k) from $volume.p" "$expected"
done

# Wrong keys are not taken, unless the volume is disabled at once. Those that stop being right are an error that says so; right ones
# are taken up without a restart.
reply=$(sql -e "admin clear datacache"); has "KB"
reply=$(sql -e "alter storage volume bucket set ('aws.s3.secret_key' = 'wrong')" 2>&1); has "SignatureDoesNotMatch"
sql -e "alter storage volume bucket set ('aws.s3.secret_key' = 'wrong', 'enabled' = 'false')" || die "alter, disabled"
sleep 1.2
reply=$(sql -e "select sum(v) from bucket.d" 2>&1); has "SignatureDoesNotMatch"
sql -e "alter storage volume bucket set ('aws.s3.secret_key' = '$S3_SECRET_KEY', 'enabled' = 'true')" || die "alter, enabled"
sleep 1.2
query "select count(*), sum(v) from bucket.d" 80001,1250025007
reply=$(sql -e "desc storage volume bucket"); has '"aws.s3.secret_key":"******"'
grep -rq "$S3_SECRET_KEY" "$work/data/log" && die "the key stands in the log"

# Bytes that were checked once are checked again when they had to be fetched again.
sql -e "admin clear datacache" > /dev/null
curl -s -o /dev/null --data-binary "GET data/ 1 3 1 flip" "$S3_ENDPOINT/_fault"
query "select count(*), sum(v) from bucket.d" 80001,1250025007
query "select count(*), sum(v), sum(k) from bucket.p" "$expected"
curl -s -o /dev/null --data-binary "" "$S3_ENDPOINT/_fault"

# A warmed cache serves without the service.
reply=$(sql -e "admin clear datacache; cache select * from bucket.d"); has "KB"
before=$(curl -s "$url/metrics" | grep '^merak_datacache_fetches_total')
query "select count(*), sum(v) from bucket.d" 80001,1250025007
after=$(curl -s "$url/metrics" | grep '^merak_datacache_fetches_total')
[ "$before" = "$after" ] || die "the cache was warm, and yet: $before, then $after"
reply=$(sql -e "explain analyze select sum(v) from bucket.d"); has "CompressedBytesReadRemote=0"

reply=$(sql -e "drop storage volume bucket" 2>&1); has "is referenced by dbs or tables"
sql -e "drop database bucket force; drop database folder force; drop storage volume bucket; admin vacuum" > "$work/vacuum" || die "drop"
for _ in $(seq 50); do [ "$(objects_in)" = 0 ] && break; sql -e "admin vacuum" > "$work/vacuum"; sleep 0.2; done
[ "$(objects_in)" = 0 ] || die "$(objects_in) objects of dropped tables are left"
done_testing
