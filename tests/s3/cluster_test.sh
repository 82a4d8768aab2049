#!/bin/bash
# A server on a bucket: what was acknowledged is there after kill -9 and the loss of the local directory; a second server
# takes over when the first is killed; keys are shown nowhere; a service that is wrong for us is refused with the reason. Runs under with_service.sh.
. "$(dirname "$0")/../load/lib.sh"

keys=(--set "cloud_native_storage_type=S3" --set "aws_s3_path=$S3_BUCKET/a/cluster" --set "aws_s3_endpoint=$S3_ENDPOINT"
    --set "aws_s3_access_key=$S3_ACCESS_KEY" --set "aws_s3_secret_key=$S3_SECRET_KEY" --set enable_compaction=false
    --set "aws_s3_region=${S3_REGION:-}")
# A real service does not misbehave on order.
can_fail=$(curl -s "$S3_ENDPOINT/_stats" | grep -c '^requests')
faults() { [ "$can_fail" = 0 ] || curl -s -o /dev/null --data-binary "$1" "$S3_ENDPOINT/_fault"; }

# refused TEXT [arguments]: the server does not start, and says so
refused() {
    local text=$1
    shift
    reply=$(timeout 20 "$MERAK" server --data-dir "$work/refused" --set query_port=0 --set http_port=0 "${keys[@]}" "$@" 2>&1)
    has "$text"
}

start_server "${keys[@]}"
sql -e "create database d; use d; create table t (k int, v bigint) primary key(k) distributed by hash(k) buckets 3;
insert into t select generate_series, generate_series from table(generate_series(1, 100000)); delete from t where k % 10 = 0"
query "select count(*), sum(v) from d.t" 90000,4500000000
load t '200001,7\n200002,8\n' 'column_separator: ,'
ok
reply=$(sql -e "show storage volumes; desc storage volume builtin_storage_volume; admin show frontend config like 'aws%'")
has "s3://$S3_BUCKET/a/cluster"
has '******'
case $reply in *"$S3_SECRET_KEY"*) die "a key is shown: $reply" ;; esac
stop_server -KILL
grep -rq "$S3_SECRET_KEY" "$work/data" "$work/ready" "$work/stderr" && die "the key stands in a file of the server"

rm -rf "$work/data"
start_server "${keys[@]}"
query "select count(*), sum(v), max(k) from d.t" 90002,4500000015,200002
sql -e "insert into d.t values (10, 10)"

# A second server on the same path is one cluster with the first, and goes on alone when that is killed.
first=$server first_query=$query_port
mv "$work/data" "$work/first"
start_server "${keys[@]}"
second=$server second_query=$query_port
query "select count(*), sum(v) from d.t" 90003,4500000025
sql -e "insert into d.t values (20, 20)"
query_port=$first_query
query "select count(*), sum(v) from d.t" 90004,4500000045
kill -KILL "$first"; wait "$first" 2>/dev/null
query_port=$second_query server=$second
for _ in $(seq 60); do
    reply=$(sql -e "insert into d.t values (30, 30)" 2>&1) && break
    sleep 0.5
done
query "select count(*), sum(v) from d.t" 90005,4500000075

# The service fails for a while: statements wait for it, none is lost or doubled.
faults "* * 1 40 0.5 503
PUT * 1 10 0.3 reset-after"
for k in 1 2 3 4 5 6 7 8; do sql -e "insert into d.t values (${k}00000000, $k)" || die "insert $k"; done
faults ""
query "select count(*) from d.t" 90013
stop_server

refused "SignatureDoesNotMatch" --set aws_s3_secret_key=wrong
refused "NoSuchBucket" --set aws_s3_path=elsewhere/x
refused "needs aws_s3_access_key" --set aws_s3_access_key=
refused "an S3 volume must be a bucket" --set aws_s3_path=
refused "cloud_native_storage_type must be" --set cloud_native_storage_type=HDFS
faults "PUT * 1 0 1 noexclude"
[ "$can_fail" = 1 ] || "$here/../s3/make_bucket.py" versioning \
    '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>'
refused "versioning is enabled"
case $reply in *"$S3_SECRET_KEY"*) die "a key is shown: $reply" ;; esac
done_testing
