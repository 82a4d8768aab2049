#!/bin/bash
# Properties of Stream Load, one after the other, on a running server.
. "$(dirname "$0")/lib.sh"
start_server
sql -e "create database d; use d;
create table t (id int not null, name varchar(20), price decimal(10,2)) duplicate key(id) distributed by hash(id) buckets 3;
create table p (id int not null, day date not null, v int) duplicate key(id) partition by range(day)
  (partition p1 values less than ('2024-02-01'), partition p2 values less than ('2024-03-01')) distributed by hash(id) buckets 2;
create table k (id int not null, a int, b varchar(10) default 'new', c bigint not null) primary key(id) distributed by hash(id) buckets 2;
create table g (id int, s bigint sum, m int max) aggregate key(id) distributed by hash(id) buckets 1;
create table n (id int, j json, l array<int>, m map<varchar(10),int>, s struct<x int, y varchar(5)>) duplicate key(id) distributed by hash(id) buckets 1;
create table z (id int, at datetime) duplicate key(id) distributed by hash(id) buckets 1"

# separators and quoting
load t '1\x012\x013.5\n' 'column_separator: \x01'; ok
query 'select * from d.t order by id' '1,2,3.50'
load t '2||x||1\r\r3||y||2\r\r' 'column_separator: ||' 'row_delimiter: \r\r'; ok
load t '4,"a,b\nc ""d""",1\n5, \\N ,2\n' 'column_separator: ,' 'enclose: "' 'trim_space: true'; ok
query "select id, replace(name, '\n', '/'), price from d.t where id > 3 order by id" '4,a,b/c "d",1.00;5,NULL,2.00'
load t 'id,name,price\n6,x\\,y,1\n' 'column_separator: ,' 'escape: \' 'skip_header: 1'; ok
query 'select name from d.t where id = 6' 'x,y'
load t '7,skipped,1.005,end\n' 'column_separator: ,' 'columns: id, ignored, price, rest, name = upper(concat(rest\, "!"))'; ok
query 'select * from d.t where id = 7' '7,END!,1.01'
load t '8,a,1\n9,b,2\n' 'column_separator: ,' 'where: id > 8'; ok; has '"NumberUnselectedRows": 1'

# rejected rows: counts, reasons, lines
load t 'head\n10,a,1\nx,a,1\n\n11,a,1\n12,a\n' 'column_separator: ,' 'skip_header: 1' 'max_filter_ratio: 0.4'
bad 'too many filtered rows'; has '"NumberTotalRows": 4'; has '"NumberFilteredRows": 2'
errors; has 'Line: 3. Row: x,a,1'; has 'Line: 6. Row: 12,a'
load t 'x,a,1\n11,a,1\n' 'column_separator: ,' 'max_filter_ratio: 0.5' 'log_rejected_record_num: 100'; ok; has '"NumberFilteredRows": 1'; has '"NumberLoadedRows": 1'
load t '13,a,zz\n' 'column_separator: ,'; ok
query 'select price from d.t where id = 13' 'NULL'
load t '14,a,zz\n' 'column_separator: ,' 'strict_mode: true'; bad 'too many filtered rows'

# bad values
for header in 'timeout: soon' 'max_filter_ratio: 2' 'strict_mode: perhaps' 'skip_header: x' 'trim_space: 7' 'load_mem_limit: much' \
    'log_rejected_record_num: x' 'format: xml' 'compression: rar' 'enclose: ""' 'timezone: Moon/Base' 'partial_update: true' \
    'merge_condition: price' 'negative: true' 'partitions: nowhere' 'temporary_partitions: t' 'columns: id, id' 'columns: id, x = nothing + 1' \
    'label: a b' 'merge_commit_interval_ms: x' 'envelope: letter'; do
    load t '1,a,1\n' 'column_separator: ,' "$header" "format: $([ "${header%%:*}" = envelope ] && echo json || echo csv)"
    has '"Status": "Fail"'
done
load t '20,a,1\n' 'column_separator: ,' 'load_mem_limit: 1073741824' 'timeout: 60' 'enable_merge_commit: true' 'merge_commit_interval_ms: 10'; ok

# compression
printf '30,a,1\n31,b,2\n' > "$work/rows"
gzip -k "$work/rows"; bzip2 -k "$work/rows"; zstd -q -k "$work/rows"; lz4 -q "$work/rows" "$work/rows.lz4"
cat "$work/rows.bz2" > "$work/twice.bz2"; sed s/3/4/ "$work/rows" | bzip2 >> "$work/twice.bz2"
python3 -c "import zlib; open('$work/rows.deflate', 'wb').write(zlib.compress(open('$work/rows', 'rb').read()))"
for pair in gzip:rows.gz bz2:rows.bz2 zstd:rows.zst lz4_frame:rows.lz4 deflate:rows.deflate bz2:twice.bz2; do
    [ -s "$work/${pair#*:}" ] || die "could not make ${pair#*:}"
    reply=$(curl -s -u root: -H 'column_separator: ,' -H "compression: ${pair%%:*}" -T "$work/${pair#*:}" "$url/api/d/t/_stream_load")
    ok
done
query 'select id, count(*) from d.t where id >= 30 group by id order by id' '30,6;31,6;40,1;41,1'
for file in rows.gz rows.bz2 rows.zst rows.lz4; do
    head -c 20 "$work/$file" > "$work/cut"
    reply=$(curl -s -u root: -H 'column_separator: ,' -H "compression: $(case $file in *.gz) echo gzip;; *.bz2) echo bz2;; *.zst) echo zstd;; *) echo lz4_frame;; esac)" -T "$work/cut" "$url/api/d/t/_stream_load")
    has '"Status": "Fail"'
done

# partitions
load p '1,2024-01-05,1\n2,2024-02-05,2\n' 'column_separator: ,' 'partitions: p1'; bad 'too many filtered rows'
load p '1,2024-01-05,1\n' 'column_separator: ,' 'partitions: p1, p2'; ok
load p '3,2030-01-05,1\n' 'column_separator: ,'; bad 'too many filtered rows'; errors; has 'out of partition ranges'

# many partitions and buckets at once, rows in no order; a range made by hand between them
sql -e "create table d.many (day date, id int, v varchar(10)) duplicate key(day) partition by date_trunc('day', day) distributed by hash(id) buckets 7;
create table d.lists (city varchar(10), id int) duplicate key(city) partition by list(city) (partition pa values in ('a', 'b'), partition pc values in ('c')) distributed by hash(id) buckets 3"
body=$(for i in $(seq 3000); do echo "2024-$((i * 7 % 12 + 1))-$((i * 11 % 28 + 1)),$i,v$i"; done)
load many "$body\n" 'column_separator: ,'; ok; has '"NumberLoadedRows": 3000'
query 'select count(*), count(distinct day), sum(id) from d.many' "3000,84,4501500"
query "select day, count(*), sum(id) from d.many where day = '2024-08-12' group by day" "$(awk 'BEGIN { for (i = 1; i <= 3000; i++) if (i * 7 % 12 + 1 == 8 && i * 11 % 28 + 1 == 12) { n++; s += i } printf "2024-08-12,%d,%d", n, s }')"
load lists 'a,1\nc,2\nb,3\nx,4\na,5\n' 'column_separator: ,' 'max_filter_ratio: 0.5'; ok; has '"NumberFilteredRows": 1'
query "select city, count(*) from d.lists group by city order by city" 'a,2;b,1;c,1'

# time zones
load z '1\n' 'columns: id, at = from_unixtime(id)' 'timezone: +08:00'; ok
load z '2\n' 'columns: id, at = from_unixtime(id)' 'timezone: UTC'; ok
query 'select id, at from d.z order by id' '1,1970-01-01 08:00:01;2,1970-01-01 00:00:02'

# JSON
load n '{"id":1,"j":{"a":[1,"x"]},"l":[1,null,3],"m":{"k":5},"s":{"x":1,"y":"ab"}}\n{"id":2}' 'format: json'; ok; has '"NumberLoadedRows": 2'
query 'select * from d.n order by id' '1,{"a": [1, "x"]},[1,null,3],{"k":5},{"x":1,"y":"ab"};2,NULL,NULL,NULL,NULL'
load t '[{"a":{"b":[{"id":50}]},"n":"q"},{"a":{"b":[{"id":51}]}}]' 'format: json' 'strip_outer_array: true' 'jsonpaths: ["$.a.b[0].id", "$.n"]' 'columns: id, name'; ok
load t '{"data":[{"id":52},{"id":53}]}' 'format: json' 'strip_outer_array: true' 'json_root: $.data' 'ignore_json_size: true' 'columns: id'; ok
query 'select id, name from d.t where id between 50 and 53 order by id' '50,q;51,NULL;52,NULL;53,NULL'
load t '[{"id":1}]' 'format: json' 'columns: id'; bad 'strip_outer_array'
load n '{"id":10.9}{"id":-2147483648.7}{"id":1e3}{"id":2147483648.0}' 'format: json' 'columns: id'; ok
query 'select id from d.n where id > 2 or id < 0 or id is null order by id' 'NULL;-2147483648;10;1000'
load t '{"id":1' 'format: json' 'columns: id'; bad 'JSON'

# keys: partial updates, conditions, deletes, change events
load k '1,1,a,1\n2,2,b,2\n' 'column_separator: ,'; ok
load k '1,10\n3,30\n' 'column_separator: ,' 'columns: id, a' 'partial_update: true'; ok
query 'select * from d.k order by id' '1,10,a,1;2,2,b,2;3,30,new,0'
load k '5\n' 'columns: a' 'partial_update: true'; bad 'key columns'
load k '1,9,x,9\n2,1,y,3\n4,4,z,4\n4,2,w,5\n' 'column_separator: ,' 'merge_condition: a'; ok
query 'select * from d.k order by id' '1,10,a,1;2,2,b,2;3,30,new,0;4,4,z,4'
load k '4,5,z5,5\n3,30,same,1\n' 'column_separator: ,' 'merge_condition: a'; ok
query 'select * from d.k where id > 2 order by id' '3,30,same,1;4,5,z5,5'
load k '3,29\n4,6\n' 'column_separator: ,' 'columns: id, a' 'partial_update: true' 'merge_condition: a'; ok
query 'select * from d.k where id > 2 order by id' '3,30,same,1;4,6,z5,5'
load k '1,1\n' 'column_separator: ,' 'columns: id, a' 'partial_update: true' 'merge_condition: c'; bad 'Merge condition column c does not exist'
load k '1,1,a,1\n' 'column_separator: ,' 'merge_condition: id'; bad 'Merge condition column id should not be primary key!'
sql -e 'insert into d.k properties("merge_condition" = "a") values (4, 5, "low", 1), (2, 3, "high", 1)'
query 'select * from d.k where id in (2, 4) order by id' '2,3,high,1;4,6,z5,5'
load k '2,1\n3,0\n' 'column_separator: ,' 'columns: id, op, a = 7, c = 7, __op = op'; ok
query 'select id, a from d.k order by id' '1,10;3,7;4,6'
load k '{"payload":{"before":null,"after":{"id":9,"a":1,"b":"e","c":1},"op":"c"}}{"before":{"id":1},"after":null,"op":"d"}' 'format: json' 'envelope: debezium' 'max_filter_ratio: 1'; ok
query 'select id from d.k where id in (1, 9)' '9'

# aggregate tables
load g '1,10,5\n' 'column_separator: ,'; ok
load g '1,3,7\n' 'column_separator: ,' 'negative: true'; ok
load g '1,2,1\n' 'column_separator: ,' 'columns: id, x, m, s = x * 2' 'negative: true'; ok
query 'select * from d.g' '1,3,7'
done_testing
