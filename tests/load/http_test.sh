#!/bin/bash
# The HTTP interfaces beside loading: health, metrics, tables, SQL, and what is refused how.
. "$(dirname "$0")/lib.sh"
start_server
sql -e "create database d; use d;
create table t (id int not null comment 'the id', price decimal(10,2), l array<int>, m map<varchar(5),decimal(6,1)>, s struct<a int>, name varchar(20)) duplicate key(id) distributed by hash(id) buckets 1;
insert into t values (1, 1.5, [1,null], map{'k':2.5}, row(7), 'x'), (2, null, null, null, null, null);
create user u identified by 'secret'" 2>/dev/null || sql -e "select 1" > /dev/null || die "no tables"
is() { checks=$((checks + 1)); [ "$status" = "$1" ] || die "status $status, expected $1: $reply"; }

http GET /api/health; is 200; has '"status":"OK"'; has '"online_backend_num":1'
http GET /api/bootstrap; is 200; has '"status":"OK","msg":"Success"'
known=$(curl -s -o /dev/null -D - "$url/check" | tr -d '\r')
known="cluster_id=$(sed -n 's/^cluster_id: //Ip' <<< "$known")&token=$(sed -n 's/^token: //Ip' <<< "$known")"
http GET "/api/bootstrap?$known"; is 200; has '"status":"OK"'; has "\"queryPort\":$query_port"; has '"replayedJournalId":'
http GET "/api/bootstrap?${known}0"; is 200; has '{"status":"FAILED","msg":"invalid cluster id or token"}'
http GET "/api/bootstrap?cluster_id=1"; has '"status":"FAILED"'
http GET /api/d/t/_schema; is 200; has '"keysType":"DUP_KEYS"'; has '{"name":"id","type":"int","comment":"the id"'; has '"precision":"10","scale":"2"'
http GET /api/d/t/_count; is 200; has '{"size":2,"status":200}'
http GET /api/d/none/_count; is 404; has 'Table [none] does not exists'
http GET /api/none/t/_schema; is 404; has 'Database [none] does not exists'
http GET '/api/_get_ddl?db=d&table=t'; is 200; has '"TABLE":["CREATE TABLE'
http GET '/api/_get_ddl?db=d&table=t%60;drop%20table%20d.t'; is 400
http GET /api/query_detail; is 200; has '[]'

# metrics: every sample has HELP and TYPE before it, names are legal, none comes twice
http GET /metrics; is 200; has starrocks_fe_connection_total; has merak_memory_used_bytes
problem=$(printf '%s\n' "$reply" | awk '
    /^# HELP / { if (help[$3]++) print "HELP twice: " $3; if (NF < 4) print "no text: " $0; next }
    /^# TYPE / { if (!help[$3]) print "TYPE before HELP: " $3; if ($4 !~ /^(counter|gauge|histogram|summary|untyped)$/) print "type: " $0; type[$3] = $4; next }
    /^$/ { next }
    !/^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^}]*\})? [-+0-9.eE]+$/ { print "sample: " $0; next }
    { name = $1; base = name; sub(/\{.*/, "", base); sub(/_(bucket|sum|count)$/, "", base); full = name; sub(/\{.*/, "", full);
      if (!(full in type) && !(base in type)) print "no TYPE: " name; if (seen[name]++) print "twice: " name }')
[ -z "$problem" ] || die "metrics: $problem"

# methods, paths, logins
http DELETE /api/health; is 405; has 'HTTP method is not allowed.'
http GET /api/nothing; is 404; has '{"status":"FAILED","code":"1","msg":"Not implemented","message":"Not implemented"}'
reply=$(curl -s -w '\n%{http_code}' -X POST "$url/api/v1/catalogs/default_catalog/sql" -d '{"query":"select 1"}'); has 'Need auth information.'; has 401
reply=$(curl -s -w '\n%{http_code}' -u nobody:x -H 'Expect: 100-continue' -T /etc/hostname "$url/api/d/t/_stream_load"); has '"Status":"FAILED"'; has "Access denied for user 'nobody'"; has 401
reply=$(curl -s -D - -o /dev/null "$url/api/d/t/_count"); has 'WWW-Authenticate: Basic realm=""'

# SQL
ask() { http POST "/api/v1/catalogs/default_catalog/${2:-databases/d/}sql" -H 'Content-Type: application/json' -d "$1"; }
ask '{"query":"select id, price, l, m, s, name from t order by id;"}'; is 200
has '{"connectionId":'; has '{"name":"price","type":"decimal(10, 2)"}'; has '"type":"map<varchar(5),DECIMAL32(6,1)>"'; has '"type":"struct<`a` int(11)>"'
has '{"data":[1,1.50,[1, null],{"k": "2.5"},{"a": 7},"x"]}'; has '{"data":[2,null,null,null,null,null]}'; has '"returnRows":2'
ask '{"query":"select 1 as x","onlyOutputResultRaw":true}' ''
checks=$((checks + 1)); [ "${reply%$'\n'}" = '{"meta":[{"name":"x","type":"tinyint(4)"}]}
{"data":[1]}' ] || die "raw: $reply"
ask '{"query":"show variables like \"query_timeout\"","sessionVariables":{"query_timeout":77}}'
has '"data":[{"Variable_name":"query_timeout","Value":"77"}],"statistics":{'
ask '{"query":"select 1; select 2"}'; is 400; has 'http query does not support execute multiple query'
ask '{"query":"select \";\" /* ; */ as x; -- end"}'; is 200; has '{"data":[";"]}'
ask '{"query":"set x = 1"}'; is 403; has 'http query only support SELECT, SHOW, EXPLAIN, DESC, KILL statement'
ask '{"sessionVariables":{}}'; is 400; has 'query can not be empty'
ask '{"query": "select 1;":"xxx"}'; is 400; has 'malformed json [ {'
ask '{"query":"select from t"}'; is 500; has 'Getting syntax error at line 1'
ask '{"query":"kill 314159265432222"}'; is 500; has 'Unknown thread id: 314159265432222'
done_testing
