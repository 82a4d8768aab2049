#!/bin/bash
# Transactions over HTTP: states and answers of every step, several loads and tables, timeouts, what a crash leaves.
. "$(dirname "$0")/lib.sh"
start_server
sql -e "create database d; use d;
create table a (id int, v varchar(10)) duplicate key(id) distributed by hash(id) buckets 2;
create table b (id int not null, v int) primary key(id) distributed by hash(id) buckets 2"

# txn OP LABEL [table] [body] [header ...]
txn() {
    local op=$1 label=$2 table=${3:-} body=${4:-} headers=() header method=POST
    shift $(($# < 4 ? $# : 4))
    for header in "$@"; do headers+=(-H "$header"); done
    [ -n "$table" ] && headers+=(-H "table: $table")
    if [ "$op" = load ]; then
        reply=$(printf '%b' "$body" | curl -s --location-trusted -u root: -H 'Expect: 100-continue' -H 'db: d' -H "label: $label" -H 'column_separator: ,' "${headers[@]}" -T - "$url/api/transaction/load")
    else
        reply=$(curl -s -u root: -X $method -H 'db: d' -H "label: $label" "${headers[@]}" "$url/api/transaction/$op")
    fi
}
status() { has "\"Status\": \"$1\""; }
same() { checks=$((checks + 1)); [ "$reply" = "$first" ] || die "not the first answer: $reply"; }
state() { http GET "/api/d/get_load_state?label=$1"; has "\"state\":\"$2\""; }

txn begin one a; status OK; has '"BeginTxnTimeMs"'; state one PREPARE
txn begin one a; status LABEL_ALREADY_EXISTS; has '"ExistingJobStatus": "RUNNING"'
txn load one a '1,x\n2,y\n'; status OK; has '"NumberLoadedRows": 2'; has '"Seq": 0'
txn load one a '3,z\n'; status OK
query 'select count(*) from d.a' '0'
txn commit one; first=$reply; status OK; has '"NumberLoadedRows": 3'; state one VISIBLE
query 'select * from d.a order by id' '1,x;2,y;3,z'
query "select TABLE_NAME, TYPE, SINK_ROWS from information_schema.loads where LABEL = 'one'" 'a,STREAM_LOAD,3'
txn commit one; same
txn load one a '4,w\n'; status TXN_NOT_EXISTS
txn rollback one; status FAILED
txn begin one; status LABEL_ALREADY_EXISTS; has '"ExistingJobStatus": "FINISHED"'

txn begin two a; txn load two a '9,q\n'; status OK
txn rollback two; status OK; txn rollback two; status OK; txn commit two; status FAILED
txn load two a '9,q\n'; status TXN_NOT_EXISTS
query 'select count(*) from d.a' '3'
txn begin two; status OK; txn rollback two; status OK

txn load never a '1,x\n'; status FAILED; txn commit never; status FAILED; txn rollback never; status FAILED
txn begin empty; txn commit empty; status INTERNAL_ERROR
txn begin bad none; status FAILED; has 'unknown table'
reply=$(curl -s -u root: -X POST -H 'db: nowhere' -H 'label: x' "$url/api/transaction/begin"); has 'unknown database'
txn begin 'a b'; status FAILED; has 'Label format error'
txn begin late a '' 'timeout: soon'; status FAILED; has 'Invalid timeout'

# two tables at once; later loads replace the rows of earlier ones
txn begin both
txn load both a '10,m\n'; status OK
txn load both b '1,1\n2,2\n'; status OK
txn load both b '2,20\n3,30\n'; status OK
query 'select count(*) from d.b' '0'
txn prepare both; status OK; has '"NumberLoadedRows": 5'; state both PREPARED
txn load both a '11,n\n'; status FAILED
txn commit both; status OK
query 'select * from d.b order by id' '1,1;2,20;3,30'
query 'select count(*) from d.a where id >= 10' '1'

# a part that fails takes the transaction with it
txn begin fails; txn load fails a '1,ok\n'; status OK
txn load fails a 'x,toolong\n1,abcdefghijklmn\n'; status FAILED; has ErrorURL
txn commit fails; status FAILED
query 'select count(*) from d.a' '4'

# cancel, timeouts
txn begin stop; http POST /api/d/stop/_cancel; has '"status":"OK"'; txn commit stop; status FAILED
http POST /api/d/nothing/_cancel; has 'does not exist'
txn begin idle a '' 'idle_transaction_timeout: 1'; txn load idle a '1,x\n'; status OK
txn begin short a '' 'timeout: 1'
sleep 3.2
state idle UNKNOWN; state short UNKNOWN
txn commit idle; status FAILED

# a crash: nothing of an open transaction stays, labels of committed ones do
txn begin lost; txn load lost a '100,l\n'; status OK
stop_server -KILL
start_server
query 'select count(*) from d.a' '4'
txn commit lost; status FAILED; txn begin one; status LABEL_ALREADY_EXISTS; txn commit both; status OK
query 'select count(*) from d.a' '4'
txn begin lost; status OK; txn load lost a '100,l\n'; txn commit lost; status OK
query 'select count(*) from d.a' '5'
# prepared transactions survive crashes, with what they replace and delete
txn begin kept; txn load kept a '200,k\n201,k\n'; txn load kept b '1,100\n4,400\n'; status OK
txn load kept b '3,1\n' 'columns: id, __op'; status OK
txn prepare kept; status OK; txn prepare kept; status OK
txn begin dropped; txn load dropped a '300,d\n'; txn prepare dropped; status OK
txn begin brief a '' 'prepared_timeout: 1'; txn load brief a '400,d\n'; txn prepare brief; status OK
sql -e 'admin vacuum' > /dev/null
stop_server -KILL
start_server --set lake_autovacuum_grace_period_minutes=0
state kept PREPARED; state dropped PREPARED
txn begin kept; status LABEL_ALREADY_EXISTS; has '"ExistingJobStatus": "RUNNING"'
txn load kept a '1,x\n'; status FAILED; has 'already prepared'
sql -e 'insert into d.b values (1, 5), (3, 5); admin vacuum' > /dev/null
query 'select * from d.b order by id' '1,5;2,20;3,5'
txn rollback dropped; status OK; txn commit dropped; status FAILED
txn commit kept; first=$reply; status OK; has '"NumberLoadedRows": 5'; txn commit kept; same
stop_server -KILL
start_server --set lake_autovacuum_grace_period_minutes=0
txn commit kept; same
sql -e 'admin vacuum' > /dev/null
query 'select * from d.b order by id' '1,100;2,20;4,400'
query 'select id from d.a where id >= 200' '200;201'
sleep 2.2; state brief UNKNOWN
stop_server -KILL
start_server
state kept VISIBLE; state dropped UNKNOWN; state brief UNKNOWN
query 'select id from d.a where id >= 200' '200;201'
query 'select * from d.b order by id' '1,100;2,20;4,400'
txn begin partial; txn load partial b '1,7\n' 'partial_update: true' 'columns: id, v' 'merge_condition: v'; status OK
txn prepare partial; status FAILED; has 'prepared, only committed'; txn commit partial; status OK
done_testing
