#!/bin/bash
# Loads that commit together: one transaction and one label, each load judged by itself, labels of their own,
# loads that do not wait, cancelling, a table that is altered or dropped meanwhile, a stop and a kill.
. "$(dirname "$0")/lib.sh"
start_server
sql -e "create database d; use d;
create table t (id int, v int) duplicate key(id);
create table p (id int not null, v int default '7', w int as (v * 2)) primary key(id);
create table parts (id int, dt date) duplicate key(id) partition by date_trunc('day', dt)"
merge=('column_separator: ,' 'enable_merge_commit: true' 'merge_commit_interval_ms: 400' 'merge_commit_parallel: 4')
async=("${merge[@]}" 'merge_commit_async: true')

# together COUNT TABLE BODY-FORMAT [header ...]: answers in $work/one.N
together() {
    local count=$1 table=$2 format=$3 clients=() i
    shift 3
    for i in $(seq "$count"); do
        # shellcheck disable=SC2059
        (load "$table" "$(printf "$format" "$i")" "${merge[@]}" "$@"; printf '%s\n' "$reply" > "$work/one.$i") &
        clients+=($!)
    done
    wait "${clients[@]}"
}
# distinct MEMBER EXPECTED: how many values the answers have
distinct() {
    local got
    got=$(sed -n "s/^ *\"$1\": *//p" "$work"/one.* | sort -u | wc -l)
    checks=$((checks + 1))
    [ "$got" = "$2" ] || die "$got values of $1, expected $2: $(cat "$work"/one.*)"
}

# one transaction, one label, one segment
together 12 t '%d,1\n'
distinct TxnId 1; distinct Label 1; distinct Status 1
reply=$(cat "$work/one.3"); ok; has '"Label": "merge_commit_'; has '"NumberLoadedRows": 1,'
query 'select count(*), sum(v), count(distinct id) from d.t' '12,12,12'
query "select count(*), max(SINK_ROWS), max(TABLE_NAME) from information_schema.loads where TYPE = 'MERGE_COMMIT' and LABEL like 'merge_commit_%'" '1,12,t'
query "select num_segment from information_schema.be_tablets b join information_schema.tables_config c on b.table_id = c.table_id where c.table_name = 't'" '1'
label=$(sed -n 's/.*"Label": "\(.*\)",/\1/p' "$work/one.3")
http GET "/api/d/get_load_state?label=$label"; has '"state":"VISIBLE"'

# a load that is refused takes no other with it, and brings no row in
rm "$work"/one.*
together 3 t '2%d,1\n' &
others=$!
load t '30,1\nx,y,z\n' "${merge[@]}"; bad 'too many filtered rows'
wait $others
query 'select count(*) from d.t where id between 21 and 30' '3'

# other properties, other batch
rm "$work"/one.*
together 2 t '4%d,1\n' 'where: id > 0' &
others=$!
load t '43,1\n' "${merge[@]}"; ok
wait $others
printf '%s\n' "$reply" > "$work/one.3"
distinct TxnId 2

# labels of clients are used by the same commit, and their answers kept
rm "$work"/one.*
together 1 t '5%d,1\n' 'label: mine' &
others=$!
load t '52,1\n' "${merge[@]}"; ok
wait $others
first=$(cat "$work/one.1"); reply=$first; ok; has '"Label": "mine"'
printf '%s\n' "$reply" >> "$work/one.2"
load t '51,1' "${merge[@]}" 'label: mine'
checks=$((checks + 1)); [ "$reply" = "$first" ] || die "not the first answer: $reply"
load t '53,1\n' "${merge[@]}" 'label: mine'; has '"Status": "Label Already Exists"'
query 'select count(*) from d.t where id between 51 and 53' '2'

# keys, defaults, generated columns, deletes, partial and conditional updates: the last one counts
load p '1,1\n2,2\n' "${merge[@]}" 'columns: id, v'; ok
load p '1\n3\n' "${merge[@]}" 'columns: id' 'partial_update: true'; ok
query 'select * from d.p order by id' '1,1,2;2,2,4;3,7,14'
load p '2,9,1\n4,4,0\n' "${merge[@]}" 'columns: id, v, __op'; ok
rm "$work"/one.*
together 5 p '1,%d\n' 'columns: id, v' 'merge_condition: v'
query 'select * from d.p order by id' '1,5,10;3,7,14;4,4,8'

# partitions that rows need
load parts '1,2024-01-01\n2,2024-01-02\n' "${merge[@]}"; ok
load parts '3,2024-01-01\n' "${merge[@]}"; ok
query 'select dt, count(*) from d.parts where dt is not null group by dt order by dt' '2024-01-01,2;2024-01-02,1'

# one that does not wait is told at once and there later; its label is taken from the first
load t '60,1\n' "${async[@]}" 'label: later'; ok; first=$reply
query 'select count(*) from d.t where id = 60' '0'
load t '60,1\n' "${async[@]}" 'label: later'; has '"ExistingJobStatus": "RUNNING"'
http GET '/api/d/get_load_state?label=later'; has '"state":"PREPARE"'
reply=$(sql -e "show proc '/transactions/d/running'"); has 'later'; has 'merge_commit_'; has 'PREPARE'
sleep 0.6
query "show proc '/transactions/d/running'" ''
query 'select count(*) from d.t where id = 60' '1'
load t '60,1\n' "${async[@]}" 'label: later'
checks=$((checks + 1)); [ "$reply" = "$first" ] || die "not the first answer: $reply"

# a batch that is cancelled
load t '70,1\n' "${async[@]}" 'merge_commit_interval_ms: 60000'; ok
label=$(printf '%s' "$reply" | sed -n 's/.*"Label": "\(.*\)",/\1/p')
http POST "/api/d/$label/_cancel"; has '"status":"OK"'
sleep 0.5
http GET "/api/d/get_load_state?label=$label"; has '"state":"UNKNOWN"'

# a table that is altered or dropped meanwhile
load t '80,1\n' "${async[@]}"; ok
sql -e "alter table d.t add column w int default '3'"
load t '81,1,2\n' "${merge[@]}"; ok
query 'select id, v, w from d.t where id between 80 and 81 order by id' '80,1,3;81,1,2'
sql -e 'create table d.gone (id int) duplicate key(id)'
load gone '1\n' "${async[@]}" 'label: lost'; ok
sql -e 'drop table d.gone force'
sleep 0.6
http GET '/api/d/get_load_state?label=lost'; has '"state":"UNKNOWN"'
query "select count(*) from information_schema.loads where TYPE = 'MERGE_COMMIT' and STATE = 'CANCELLED' and TABLE_NAME = 'gone'" '1'

# a stop commits what waits; a kill loses it whole or not at all
load t '90,1\n' "${async[@]}" 'columns: id, v' 'merge_commit_interval_ms: 50000'; ok
stop_server
start_server
query 'select count(*) from d.t where id in (70, 90)' '1'
load t '91,1\n92,1\n' "${async[@]}" 'columns: id, v' 'merge_commit_interval_ms: 50000' 'label: cut'; ok
stop_server -KILL
start_server
query 'select count(*) from d.t where id in (91, 92)' '0'
http GET '/api/d/get_load_state?label=cut'; has '"state":"UNKNOWN"'
load t '91,1\n92,1\n' "${merge[@]}" 'columns: id, v' 'label: cut'; ok
query 'select count(*) from d.t where id in (91, 92)' '2'

load t '1,1\n' 'column_separator: ,' 'enable_merge_commit: true' 'merge_commit_interval_ms: no'; bad 'Invalid merge_commit_interval_ms'
done_testing
