#!/bin/bash
# Everything local is gone, and every answer of the service takes 20 ms: a fresh node reads a journal of many objects ahead and serves
# soon; nothing is missing.
#   start_test.sh [OBJECTS] [MOST_MS]         runs under with_service.sh, or with_ceph.sh, which takes its own time
. "$(dirname "$0")/../load/lib.sh"
objects=${1:-400} most_ms=${2:-4000}

faults() { curl -s -o /dev/null --data-binary "$1" "$S3_ENDPOINT/_fault"; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
start() {
    start_server --set cloud_native_storage_type=S3 --set "aws_s3_path=$S3_BUCKET/start" --set "aws_s3_endpoint=$S3_ENDPOINT" --set "aws_s3_region=${S3_REGION:-}" \
        --set "aws_s3_access_key=$S3_ACCESS_KEY" --set "aws_s3_secret_key=$S3_SECRET_KEY" --set checkpoint_journal_objects=1000000 \
        --set checkpoint_interval_seconds=86400
}

start
sql -e "create database d; create table d.t (k int, v int) duplicate key(k) distributed by hash(k) buckets 1"
(for i in $(seq "$objects"); do echo "insert into d.t values ($i, $i * 2);"; done) | sql || die "inserts"
http GET /metrics
batches=$(sed -n 's/^merak_journal_batches_total //p' <<< "$reply")
checks=$((checks + 1))
[ "$batches" -ge "$objects" ] || die "only $batches journal objects"
stop_server -KILL
rm -rf "$work/data"
faults '* * 1 0 1 hang:20'
began=$(now_ms)
start
took=$(($(now_ms) - began))
checks=$((checks + 1))
[ "$took" -le "$most_ms" ] || die "the start took $took ms"
query "select count(*), sum(v) from d.t" "$objects,$((objects * (objects + 1)))"
sql -e "insert into d.t values (0, 0)"
query "select count(*) from d.t" $((objects + 1))
faults ''
echo "$batches journal objects: a fresh node serves after $took ms"
done_testing
