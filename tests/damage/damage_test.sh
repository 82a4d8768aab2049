#!/bin/bash
# Damage on a server's volume: a flipped byte, a cut, a missing object. Whatever happens to an object of data, the
# server starts, names the object in the error and in SHOW PROC '/quarantine', and serves the other tables; damage
# to the journal refuses the start with the object's name and changes nothing.
. "$(dirname "$0")/../load/lib.sh"

objects() { (cd "$work/data/volume" && find data -name "*.$1" | sort); }

# flip FILE OFFSET MASK
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "$(printf '\\x%02x' $((byte ^ $3)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

fails_naming() {
    reply=$(sql -e "$1" 2>&1) && die "$1 answered: $reply"
    has "$2"
}

start_quiet() { start_server --set enable_compaction=false; }

# damaged OBJECT QUERY WHAT...: starts on a volume whose object was changed by the command, and puts it back
damaged() {
    local object=$1 query=$2 file=$work/data/volume/$1
    shift 2
    cp "$file" "$work/good"
    "$@"
    start_quiet
    query "select sum(v) from d.b" 500500
    fails_naming "$query" "$object"
    reply=$(sql -e "show proc '/quarantine'"); has "$object"
    stop_server
    cp "$work/good" "$file"
}

start_quiet
sql -e "create database d; use d; set enable_spill=false;
create table a (k int, s varchar(40), v bigint) duplicate key(k) distributed by random buckets 1;
create table b (v bigint) duplicate key(v) distributed by random buckets 1;
create table k (k int not null, v bigint) primary key(k) distributed by hash(k) buckets 1;
insert into a select generate_series, md5(generate_series), generate_series * 3 from table(generate_series(1, 3000))"
of_a=$(objects seg)
sql -e "use d; insert into b select generate_series from table(generate_series(1, 1000));
insert into k select generate_series, generate_series from table(generate_series(1, 40000));
delete from k where k % 7 = 1 or k % 11 = 2"
of_k=$(objects del)
[ -n "$of_a" ] && [ -n "$of_k" ] || die "there are no objects to damage"
query "select count(*), sum(v) from d.a" 3000,13504500
stop_server

file_a=$work/data/volume/$of_a
size=$(stat -c %s "$file_a")
ask_a="select count(k), count(s), sum(v), min(s) from d.a"
for i in 0 1 2 3 4 5 6 7; do
    masks=(1 128 255)
    damaged "$of_a" "$ask_a" flip "$file_a" $(((size - 1) * i / 7)) "${masks[i % 3]}"
done
damaged "$of_a" "$ask_a" truncate -s $((size / 2)) "$file_a"
damaged "$of_a" "$ask_a" truncate -s 0 "$file_a"
damaged "$of_a" "$ask_a" rm "$file_a"
file_k=$work/data/volume/$of_k
damaged "$of_k" "select count(*) from d.k where v > 0" flip "$file_k" 20 255
damaged "$of_k" "select count(*) from d.k where v > 0" rm "$file_k"

# what comes back is released
mv "$file_a" "$work/good"
start_quiet
for _ in $(seq 100); do # found without a query
    reply=$(sql -e "show proc '/quarantine'")
    case $reply in *"$of_a"*) break ;; esac
    sleep 0.05
done
has "$of_a"
has "the object is missing"
fails_naming "$ask_a" "$of_a"
mv "$work/good" "$file_a"
query "show proc '/quarantine'" ""
query "select count(*), sum(v) from d.a" 3000,13504500
stop_server

# a snapshot is tested as it lies there, whatever the server remembers of it
start_quiet
sql -e "create snapshot kept"
reply=$(sql -e "admin test snapshot kept")
has "35167	0" # rows, problems
image=$(sql -e "show snapshots" | cut -f8)
cp "$work/data/volume/$image" "$work/good"
flip "$work/data/volume/$image" 300 1
fails_naming "admin test snapshot kept" "$image"
rm "$work/data/volume/$image"
fails_naming "admin test snapshot kept" "$image"
cp "$work/good" "$work/data/volume/$image"
query "select count(*), sum(v) from d.a" 3000,13504500
mv "$file_a" "$work/good"
reply=$(sql -e "admin test snapshot kept" 2>&1); has "$of_a"
mv "$work/good" "$file_a"
reply=$(sql -e "admin test snapshot kept"); has "35167	0"
sql -e "drop snapshot kept"
stop_server

# the journal
for batch in $(cd "$work/data/volume" && find meta -type f | sort | sed -n '1p;2p;5p'); do
    file=$work/data/volume/$batch
    cp "$file" "$work/good"
    flip "$file" $(($(stat -c %s "$file") / 2)) 1
    before=$(cd "$work/data/volume" && find . -type f | sort | xargs md5sum | md5sum)
    reply=$("$MERAK" server --data-dir "$work/data" --set query_port=0 --set http_port=0 2>&1) && die "it started on a damaged $batch"
    has "$batch"
    reply=$(cd "$work/data/volume" && find . -type f | sort | xargs md5sum | md5sum)
    has "$before"
    cp "$work/good" "$file"
done
start_quiet
query "select count(*), sum(v) from d.a" 3000,13504500
stop_server
echo "$checks passed, 0 failed"
