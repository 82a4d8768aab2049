#!/bin/bash
# The service misbehaves in a random schedule under a server that loads and reads: errors are clear, what was acknowledged is
# there once, what was refused or unknown is there once or not at all, and no read ever gives wrong rows.
#   chaos_test.sh [SECONDS] [SEED]         runs under with_service.sh
. "$(dirname "$0")/../load/lib.sh"
seconds=${1:-15} seed=${2:-$RANDOM}
RANDOM=$seed
echo "chaos: $seconds seconds, seed $seed"

faults() { curl -s -o /dev/null --data-binary "$1" "$S3_ENDPOINT/_fault"; }
start_server --set cloud_native_storage_type=S3 --set "aws_s3_path=$S3_BUCKET/chaos" --set "aws_s3_endpoint=$S3_ENDPOINT" \
    --set "aws_s3_access_key=$S3_ACCESS_KEY" --set "aws_s3_secret_key=$S3_SECRET_KEY" --set object_storage_request_timeout_ms=1000 \
    --set object_storage_retry_timeout_ms=4000 --set lake_autovacuum_grace_period_minutes=0
sql -e "create database d; use d;
create table t (k bigint, v bigint, s varchar(40)) duplicate key(k) distributed by hash(k) buckets 2;
create table p (k bigint not null, v bigint) primary key(k) distributed by hash(k) buckets 1;
create table big (k bigint, s varchar(60)) duplicate key(k) distributed by hash(k) buckets 2;
insert into big select generate_series, concat('row ', generate_series * 37) from table(generate_series(1, 300000))" || die "tables"
# Once without faults: what every later answer must be.
big=$(sql -e "select count(*), sum(k), sum(length(s)), count(distinct s) from d.big")

deadline=$((SECONDS + seconds))
running() { [ $SECONDS -lt $deadline ]; }

misbehave() {
    local actions=(500 503 reset reset-after half short flip hang:300 hang:1500 slow:20000 late:200 409 429)
    local ops=(PUT GET '*' PART LIST DELETE) rules
    while running; do
        rules=
        for _ in 1 2 3; do
            rules+="${ops[RANDOM % 6]} * 1 0 0.$((RANDOM % 5 + 1)) ${actions[RANDOM % ${#actions[@]}]}"$'\n'
        done
        [ $((RANDOM % 12)) = 0 ] && rules='* * 1 0 1 503'
        faults "$rules"
        sleep "1.$((RANDOM % 9))"
    done
    faults ''
}

# Loads of ten rows under a label; what the answer says goes into a file.
load_rows() {
    local n=0 label answer
    while running; do
        n=$((n + 1)) label=w$1_$n
        answer=$(for i in 0 1 2 3 4 5 6 7 8 9; do echo "$(($1 * 1000000 + n * 10 + i)),$(((($1 * 1000000 + n * 10 + i)) * 3)),row $(($1 * 1000000 + n * 10 + i))"; done |
            curl -s --max-time 90 --location-trusted -u root: -H 'Expect: 100-continue' -H "label:$label" -H 'column_separator:,' -T - "$url/api/d/t/_stream_load")
        case $answer in
            *'"Status": "Success"'*) echo "$n" >> "$work/done.$1" ;;
            *) echo "$n $(printf '%s' "$answer" | tr '\n' ' ')" >> "$work/failed.$1" ;;
        esac
    done
}

upsert() {
    local n=0
    while running; do
        n=$((n + 1))
        sql -e "insert into d.p values ($((n % 50)), $n)" > "$work/out.p" 2>&1 && echo "$((n % 50)) $n" >> "$work/upserted"
    done
}

# Rows carry their own proof.
read_rows() {
    local reply
    while running; do
        [ $((RANDOM % 2)) = 0 ] && sql -e "admin clear datacache" > /dev/null 2>&1
        reply=$(sql -e "select count(*) from d.t where v <> k * 3 or s <> concat('row ', k)" 2>&1)
        case $reply in 0) echo >> "$work/read" ;; ERROR*) echo "$reply" >> "$work/errors" ;; *) echo "t: $reply" >> "$work/wrong" ;; esac
        reply=$(sql -e "select count(*), sum(k), sum(length(s)), count(distinct s) from d.big" 2>&1)
        case $reply in "$big") echo >> "$work/read" ;; ERROR*) echo "$reply" >> "$work/errors" ;; *) echo "big: $reply" >> "$work/wrong" ;; esac
    done
}

touch "$work"/{read,errors,wrong,upserted}
misbehave & load_rows 1 & load_rows 2 & upsert & read_rows &
wait $(jobs -p | grep -v "^$server\$")
faults ''
[ -s "$work/wrong" ] && die "wrong rows: $(head -3 "$work/wrong")"
kill -0 "$server" || die "the server is gone"

# The service is well again: so is the server, also after a restart that has only the bucket.
check_all() {
    for w in 1 2; do
        [ -f "$work/done.$w" ] || die "writer $w got nothing done"
        while read -r n; do echo "($((w * 1000000 + n * 10)))"; done < "$work/done.$w" | paste -sd, > "$work/keys"
        query "select count(*) from (values $(cat "$work/keys")) a(k) left join (select k, count(*) c from d.t group by k) b on a.k = b.k where b.c is null or b.c <> 1" 0
    done
    query "select count(*) from (select k, count(*) c from d.t group by k having c > 1) x" 0
    query "select count(*) from (select floor(k / 10) g, count(*) c from d.t group by floor(k / 10) having c <> 10) x" 0
    query "select count(*) from d.t where v <> k * 3 or s <> concat('row ', k)" 0
    awk '{ if ($2 > last[$1]) last[$1] = $2 } END { for (k in last) printf "(%d,%d)\n", k, last[k] }' "$work/upserted" | paste -sd, > "$work/keys"
    [ ! -s "$work/keys" ] || query "select count(*) from (values $(cat "$work/keys")) a(k, v) left join d.p b on a.k = b.k where b.v is null or b.v < a.v" 0
    query "select count(*), sum(k), sum(length(s)), count(distinct s) from d.big" "$(echo "$big" | tr '\t' ',')"
}
for _ in $(seq 60); do sql -e "insert into d.p values (1000, 0)" > "$work/out" 2>&1 && break; sleep 1; done
check_all
tries=$(curl -s "$url/metrics" | awk '/^merak_s3_requests_total/ { r = $2 } /^merak_s3_retries_total/ { t = $2 } END { printf "%d requests, %d of them again\n", r, t }')
stop_server -KILL
rm -rf "$work/data"
start_server --set cloud_native_storage_type=S3 --set "aws_s3_path=$S3_BUCKET/chaos" --set "aws_s3_endpoint=$S3_ENDPOINT" \
    --set "aws_s3_access_key=$S3_ACCESS_KEY" --set "aws_s3_secret_key=$S3_SECRET_KEY"
check_all
echo "$(cat "$work"/done.* | wc -l) loads done, $(cat "$work"/failed.* 2>/dev/null | wc -l) failed; $(wc -l < "$work/upserted") upserts; $(wc -l < "$work/read") reads right, $(wc -l < "$work/errors") with an error; $tries"
grep -q "$S3_SECRET_KEY" "$work"/errors "$work"/failed.* 2>/dev/null && die "a key stands in an error"
done_testing
