#!/bin/bash
# Many clients insert a row each while every put takes 20 ms: commits share puts, and small loads have no objects of their own.
#   commit_test.sh BENCH [SECONDS] [LEAST_A_SECOND]         runs under with_service.sh
. "$(dirname "$0")/../load/lib.sh"
bench=$1 seconds=${2:-4} least=${3:-300}

faults() { curl -s -o /dev/null --data-binary "$1" "$S3_ENDPOINT/_fault"; }
metric() { curl -s "$url/metrics" | sed -n "s/^$1 //p"; }
start_server --set cloud_native_storage_type=S3 --set "aws_s3_path=$S3_BUCKET/commit" --set "aws_s3_endpoint=$S3_ENDPOINT" \
    --set "aws_s3_access_key=$S3_ACCESS_KEY" --set "aws_s3_secret_key=$S3_SECRET_KEY"
faults 'PUT * 1 0 1 hang:20'
reply=$("$bench" --port "$query_port" --clients 64 --seconds "$seconds")
faults ''
echo "$reply"
has ", 0 failed"
rate=$(sed -n 's/.* \([0-9]*\) a second.*/\1/p' <<< "$reply")
batches=$(metric merak_journal_batches_total) entries=$(metric merak_journal_entries_total)
objects=$(metric merak_load_objects_total) inlined=$(metric merak_load_inline_total)
echo "$entries entries in $batches puts, $objects objects of loads"
checks=$((checks + 4))
[ "$rate" -ge "$least" ] || die "$rate a second"
[ "$entries" -ge $((batches * 20)) ] || die "$entries entries in $batches batches"
[ $((objects * 20)) -le "$inlined" ] || die "$objects objects, $inlined small loads"
rows=$(sql -e "select count(*) from commit_bench.t")
[ "$rows" = "$inlined" ] || [ "$objects" -gt 0 ] || die "$rows rows of $inlined loads"
query "select count(*) - count(distinct k, n) from commit_bench.t" 0
done_testing
