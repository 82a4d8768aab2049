#!/bin/bash
# S3 over TLS: the home volume and another storage volume behind certificates of an authority of our own; without it, and with a
# certificate for another host, the server says what is wrong and does not start. Runs under with_service.sh.
. "$(dirname "$0")/../load/lib.sh"

# certificate NAME SUBJECT_ALT_NAME
certificate() {
    openssl req -newkey rsa:2048 -nodes -keyout "$work/$1.key" -out "$work/$1.csr" -subj "/CN=$1" 2>/dev/null &&
        printf 'subjectAltName=%s\n' "$2" > "$work/$1.ext" &&
        openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -extfile "$work/$1.ext" \
            -out "$work/$1.pem" 2>/dev/null || die "no certificate"
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" -days 2 -subj /CN=authority 2>/dev/null || die "no authority"
certificate good IP:127.0.0.1
certificate other DNS:elsewhere.example
here=$(cd "$(dirname "$0")" && pwd)
fronts=()
stop_fronts() {
    kill "${fronts[@]}" 2>/dev/null
    cleanup
}
trap stop_fronts EXIT
# front NAME: its port in $port
front() {
    "$here/tls_front.py" "$work/$1.pem" "$work/$1.key" "${S3_ENDPOINT##*:}" > "$work/$1.port" &
    fronts+=($!)
    for _ in $(seq 200); do
        [ -s "$work/$1.port" ] && break
        sleep 0.05
    done
    port=$(cat "$work/$1.port")
    [ -n "$port" ] || die "no front"
}
front good
good=$port
front other
other=$port

on_s3() { # PORT
    echo "--set cloud_native_storage_type=S3 --set aws_s3_path=$S3_BUCKET/tls --set aws_s3_endpoint=https://127.0.0.1:$1 --set aws_s3_access_key=$S3_ACCESS_KEY
--set aws_s3_secret_key=$S3_SECRET_KEY --set object_storage_retry_timeout_ms=2000"
}
refused() { # TEXT ARGUMENTS...
    local text=$1
    shift
    "$MERAK" server --data-dir "$work/refused" --set query_port=0 --set http_port=0 "$@" > "$work/ready" 2> "$work/stderr" && die "it started"
    reply=$(cat "$work/stderr")
    has "$text"
}

# shellcheck disable=SC2046 # words
refused certificate $(on_s3 "$good")
# shellcheck disable=SC2046
refused "127.0.0.1" $(on_s3 "$other") --set aws_s3_ca_file="$work/ca.pem"
# shellcheck disable=SC2046
refused "$work/nothing.pem" $(on_s3 "$good") --set aws_s3_ca_file="$work/nothing.pem"
for round in 1 2; do
    # shellcheck disable=SC2046
    start_server $(on_s3 "$good") --set aws_s3_ca_file="$work/ca.pem"
    if [ "$round" = 1 ]; then
        sql -e "create database d; use d; create table t (k int, v varchar(40)) duplicate key(k);
insert into t select generate_series, md5(generate_series) from table(generate_series(1, 20000));
create storage volume side type = s3 locations = ('s3://$S3_BUCKET/side') properties ('enabled' = 'true', 'aws.s3.endpoint' = 'https://127.0.0.1:$good',
  'aws.s3.access_key' = '$S3_ACCESS_KEY', 'aws.s3.secret_key' = '$S3_SECRET_KEY');
create table away (k int, v varchar(40)) duplicate key(k) properties ('storage_volume' = 'side'); insert into away select k, v from t" || die "statements"
        reply=$(sql -e "create storage volume wrong type = s3 locations = ('s3://$S3_BUCKET/x') properties ('aws.s3.endpoint' = 'https://127.0.0.1:$other',
  'aws.s3.access_key' = '$S3_ACCESS_KEY', 'aws.s3.secret_key' = '$S3_SECRET_KEY')" 2>&1)
        has "127.0.0.1"
    fi
    query "select count(*), min(v) from d.t" "$(sql -e 'select count(*), min(v) from d.away' | tr '\t' ',')"
    query "select count(*) from d.away" 20000
    stop_server
done
# shellcheck disable=SC2046
reply=$("$MERAK" fsck --volume "s3://$S3_BUCKET/tls" $(on_s3 "$good") --set aws_s3_ca_file="$work/ca.pem" 2>&1) || die "fsck: $reply"
has "0 problems"
echo "$checks passed, 0 failed"
