#!/bin/bash
# FILES() of a bucket: INSERT INTO FILES() of CSV and Parquet, small and in parts, read back; patterns, lists, partitions; wrong keys;
# no key in the logs; nothing left of a statement that fails. Runs under with_service.sh.
. "$(dirname "$0")/../load/lib.sh"

start_server --set object_storage_retry_timeout_ms=2000
keys="'aws.s3.endpoint' = '$S3_ENDPOINT', 'aws.s3.region' = '${S3_REGION:-}', 'aws.s3.access_key' = '$S3_ACCESS_KEY', 'aws.s3.secret_key' = '$S3_SECRET_KEY'"
files() { echo "files('path' = 's3://$S3_BUCKET/in/$1', $keys, $2)"; }

sql -e "create database d; create table d.t (k int, s string, v decimal(10, 2), day date)
duplicate key(k) distributed by hash(k) buckets 2;
insert into d.t select generate_series, concat('text ', generate_series), generate_series / 4, date_add('2024-01-01', generate_series % 3)
from table(generate_series(1, 200000))" || die "the table"
expected=$(sql -e "select count(*), sum(k), sum(v), sum(length(s)) from d.t" | tr '\t' ',')

for format in csv parquet; do
    sql -e "insert into $(files "$format/all_" "'format' = '$format'") select * from d.t" || die "unload of $format"
    sql -e "insert into $(files "$format/p/" "'format' = '$format', 'partition_by' = 'day'") select * from d.t where k <= 9" || die "partitions of $format"
    sql -e "create table d.$format like d.t; insert into d.$format select * from $(files "$format/all*.$format" "'format' = '$format'")" || die "load of $format"
    query "select count(*), sum(k), sum(v), sum(length(s)) from d.$format" "$expected"
    query "select day, count(*) from $(files "$format/p/*/*" "'format' = '$format', 'columns_from_path' = 'day'") group by day order by day" \
        "2024-01-01,3;2024-01-02,3;2024-01-03,3"
done
query "select count(*) > 20000, count(distinct path) = count(*) from $(files "{csv,parquet}/all*" "'list_files_only' = 'true'") where size > 100000" 0,1
query "select replace(path, 's3://$S3_BUCKET/in/', ''), is_dir from $(files csv/p/ "'list_files_only' = 'true'") order by path" \
    "csv/p/day=2024-01-01,1;csv/p/day=2024-01-02,1;csv/p/day=2024-01-03,1"
query "select count(*), sum(is_dir) from $(files csv/p "'list_files_only' = 'true', 'list_recursively' = 'true'")" 7,4
query "select modification_time from $(files csv/p/day=2024-01-01/ "'list_files_only' = 'true'")" "2025-01-02 03:04:05"

# Parts: 40 MB in one file, which is read in ranges.
sql -e "insert into $(files "big/" "'format' = 'csv', 'single' = 'true'") select k, repeat(s, 16) from d.t" || die "a big file"
query "select count(*), sum(\$1), count(distinct \$2) from $(files big/ "'format' = 'csv'")" 200000,20000100000,200000
query "select count(*), max(size) > 30000000 from $(files big/ "'list_files_only' = 'true'")" 1,1

reply=$(sql -e "select * from $(files nothing* "'format' = 'csv'")" 2>&1); has "No files were found"
reply=$(sql -e "select * from files('path' = 's3://$S3_BUCKET/in/*', 'format' = 'csv', 'aws.s3.endpoint' = '$S3_ENDPOINT', 'aws.s3.access_key' = '$S3_ACCESS_KEY',
  'aws.s3.secret_key' = 'wrong')" 2>&1); has "SignatureDoesNotMatch"
reply=$(sql -e "insert into $(files broken/ "'format' = 'csv'") select assert_true(k < 199990) from d.t" 2>&1); has "ERROR"
reply=$(sql -e "select * from $(files broken/ "'list_files_only' = 'true'")" 2>&1); has "No files were found"
grep -rq "$S3_SECRET_KEY" "$work/data/log" && die "the key stands in the log"
grep -rq "insert into files" "$work/data/log" || die "the log does not tell of the statement"
checks=$((checks + 1))
stop_server
echo "$checks passed, 0 failed"
