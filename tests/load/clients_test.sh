#!/bin/bash
# How clients send bodies, and what stays of those that vanish: chunks, 100-continue, HTTP/1.0, kept connections,
# silence, kills, cancels, labels across restarts.
. "$(dirname "$0")/lib.sh"
start_server --set enable_compaction=false
sql -e "create database d; use d; create table t (id int, v varchar(20)) duplicate key(id) distributed by hash(id) buckets 2"
path=/api/d/t/_stream_load
raw() { # raw REQUEST: sends the bytes, prints the answer
    exec 7<> "/dev/tcp/127.0.0.1/$http_port"
    printf '%b' "$1" >&7
    reply=$(timeout "${2:-5}" cat <&7)
    exec 7<&- 7>&-
}
auth='Authorization: Basic cm9vdDo='
put() { reply=$(curl -s --location-trusted -u root: -H 'column_separator: ,' "$@" "$url$path"); }

# with and without 100-continue, with a length and in chunks
printf '1,a\n' > "$work/one"
put -H 'Expect: 100-continue' -T "$work/one"; ok
put -H 'Expect:' -T "$work/one"; ok
put -X PUT -d '1,a'; ok
put -H 'Transfer-Encoding: chunked' -H 'Expect: 100-continue' -T - < "$work/one"; ok
raw "PUT $path HTTP/1.1\r\nHost: h\r\n$auth\r\ncolumn_separator: ,\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n1,a\n"; has 'HTTP/1.1 100'; has 'HTTP/1.1 200'; ok
raw "PUT $path HTTP/1.0\r\n$auth\r\ncolumn_separator: ,\r\nContent-Length: 4\r\n\r\n1,a\n"; has ' 200 OK'; ok
raw "PUT $path HTTP/1.1\r\nHost: h\r\n$auth\r\ncolumn_separator: ,\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n1,\r\n2\r\na\n\r\n0\r\n\r\n"; ok
query 'select id, v, count(*) from d.t group by id, v' '1,a,7'

# two loads on one connection
reply=$(curl -s -v -u root: -H 'column_separator: ,' -T "$work/one" "$url$path" --next -s -v -u root: -H 'column_separator: ,' -T "$work/one" "$url$path" 2>&1)
has 'Re-using existing connection'; ok
query 'select count(*) from d.t' '9'

# a refused login is told before the body is sent
reply=$(curl -s -v -u root:wrong -H 'Expect: 100-continue' -T "$work/one" "$url$path" 2>&1); has '401'
case $reply in *'100 Continue'*) die "the body was asked for" ;; esac

running() { curl -s "$url/metrics" | sed -n 's/^merak_stream_load_running //p'; }
wait_for() { # wait_for COMMAND EXPECTED
    for _ in $(seq 100); do [ "$($1)" = "$2" ] && return; sleep 0.1; done
    die "$1 is $($1), expected $2"
}
objects() { find "$work/data/volume" -name '*.seg' | wc -l; }

# a client that vanishes in the middle: no row, no label, the label can be used again
seq 400000 | sed 's/$/,row/' > "$work/many"
before=$(objects)
# A body in halves, so that rows are already with the workers when the client is killed.
curl -s -u root: -H 'column_separator: ,' -H 'label: gone' -H 'Transfer-Encoding: chunked' -T - "$url$path" < <(cat "$work/many"; sleep 5) > /dev/null &
client=$!
wait_for running 1
http GET '/api/d/get_load_state?label=gone'; has '"state":"PREPARE"'
kill -KILL $client; wait $client 2> /dev/null
wait_for running 0
http GET '/api/d/get_load_state?label=gone'; has '"state":"UNKNOWN"'
query 'select count(*) from d.t' '9'
checks=$((checks + 1)); [ "$(objects)" = "$before" ] || die "objects stay behind: $before before, $(objects) now"
put -H 'label: gone' -T "$work/one"; ok

# a client that falls silent is dropped after the load's timeout
raw "PUT $path HTTP/1.1\r\nHost: h\r\n$auth\r\nlabel: silent\r\ntimeout: 1\r\ncolumn_separator: ,\r\nContent-Length: 100\r\n\r\n1,a\n" 10
wait_for running 0
http GET '/api/d/get_load_state?label=silent'; has '"state":"UNKNOWN"'

# one that trickles is told
reply=$( (for _ in 1 2 3 4 5 6; do printf '1,a\n'; sleep 0.4; done) | curl -s -u root: -H 'column_separator: ,' -H 'timeout: 1' -H 'Transfer-Encoding: chunked' -T - "$url$path"); bad 'timed out after 1 seconds'

# a load that is cancelled
(cat "$work/many"; sleep 1; printf '1,x\n') | curl -s -u root: -H 'column_separator: ,' -H 'label: stopped' -H 'Transfer-Encoding: chunked' -T - "$url$path" > "$work/stopped" &
client=$!
wait_for running 1
http POST /api/d/stopped/_cancel; has '"status":"OK"'
wait $client; reply=$(cat "$work/stopped"); bad 'cancelled'

# the same label at the same time, afterwards, and after a crash
(printf '5,a\n'; sleep 1) | curl -s -u root: -H 'column_separator: ,' -H 'label: twice' -H 'Transfer-Encoding: chunked' -T - "$url$path" > "$work/first" &
client=$!
wait_for running 1
put -H 'label: twice' -T "$work/one"; has '"Status": "Label Already Exists"'; has '"ExistingJobStatus": "RUNNING"'; has '"TxnId": -1'
wait $client; reply=$(cat "$work/first"); ok
printf '5,a\n' > "$work/five"; printf '6,a\n' > "$work/six"
for round in before after; do
    put -H 'label: twice' -T "$work/five"; ok
    checks=$((checks + 1))
    [ "$reply" = "$(cat "$work/first")" ] || die "the first answer again: $reply"
    put -H 'label: twice' -T "$work/six"; has '"Status": "Label Already Exists"'; has '"ExistingJobStatus": "FINISHED"'
    has 'Label [twice] has already been used.'
    http GET '/api/d/get_load_state?label=twice'; has '"state":"VISIBLE"'
    http GET '/api/d/_load_info?label=twice'; has '"state":"FINISHED"'
    [ $round = before ] && { stop_server -KILL; start_server; }
done
query 'select count(*) from d.t where id = 5' '1'

# the order of the answer's members
put -T "$work/one"
names=$(printf '%s' "$reply" | sed -n 's/^ *"\([A-Za-z]*\)":.*/\1/p' | tr '\n' ' ')
checks=$((checks + 1))
[ "$names" = "TxnId Label Status Message NumberTotalRows NumberLoadedRows NumberFilteredRows NumberUnselectedRows LoadBytes LoadTimeMs BeginTxnTimeMs StreamLoadPlanTimeMs ReadDataTimeMs WriteDataTimeMs CommitAndPublishTimeMs " ] || die "members: $names"
reply=$(curl -s -u root: -T "$work/one" "$url/api/nowhere/t/_stream_load"); bad 'unknown database, database=nowhere'
reply=$(curl -s -u root: -T "$work/one" "$url/api/d/nothing/_stream_load"); bad 'unknown table, table=nothing'
done_testing
