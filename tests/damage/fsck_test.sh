#!/bin/bash
# merak fsck finds every change: of each object of a cluster and of its backup, images, checksums, journal, records of incarnations,
# snapshots, segments and delete vectors, bytes are flipped and ends cut off; fsck ends with 1 and names the object, and never anything else.
#   fsck_test.sh [FLIPS]     flips in each object
. "$(dirname "$0")/../load/lib.sh"
flips=${1:-3}

start_server --set edit_log_port=0 --set enable_compaction=false
sql -e "create storage volume safe type = LOCAL locations = ('file://$work/backup') properties ('enabled' = 'true');
create database d; use d; create table a (k int, s varchar(40)) duplicate key(k) distributed by hash(k) buckets 1;
create table p (k int not null, v bigint) primary key(k) distributed by hash(k) buckets 1;
insert into a select generate_series, md5(generate_series) from table(generate_series(1, 3000));
insert into p select generate_series, generate_series from table(generate_series(1, 40000)); delete from p where k % 7 = 1 or k % 11 = 2;
alter system create image; create snapshot kept; insert into a values (0, ''); backup cluster to safe" > "$work/report"
backup=$(grep -o "file://$work/backup[^[:space:]]*" "$work/report" | head -1)
[ -n "$backup" ] || die "no backup: $(cat "$work/report")"
stop_server

# flip FILE OFFSET MASK
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "$(printf '\\x%02x' $((byte ^ $3)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
# found VOLUME OBJECT WHAT: fsck names it
found() {
    local code
    reply=$("$MERAK" fsck --volume "$1" 2>&1)
    code=$?
    [ "$code" = 1 ] || die "$3 of $2: fsck ended with $code
$reply"
    has "$2"
}
masks=(1 128 255 64)
for volume in "file://$work/data/volume" "$backup"; do
    reply=$("$MERAK" fsck --volume "$volume") || die "$reply"
    has " 0 problems"
    folder=${volume#file://}
    [ "$(cd "$folder" && find meta data -type f | wc -l)" -gt 4 ] || die "there is little in $volume"
    for object in $(cd "$folder" && find meta data -type f | sort); do
        file=$folder/$object
        size=$(stat -c %s "$file")
        cp "$file" "$work/good"
        count=$flips
        [ "$count" -lt "$size" ] || count=$size
        for ((i = 0; i < count; i++)); do
            at=$((count == 1 ? 0 : (size - 1) * i / (count - 1)))
            flip "$file" $at "${masks[i % 4]}"
            found "$volume" "$object" "a flip at $at"
            cp "$work/good" "$file"
        done
        for length in 0 $((size / 2)) $((size - 1)); do
            truncate -s "$length" "$file"
            found "$volume" "$object" "a cut at $length"
            cp "$work/good" "$file"
        done
        case $object in data/* | */snapshot/*)
            rm "$file"
            found "$volume" "$object" "the loss"
            cp "$work/good" "$file"
            ;;
        esac
    done
done
reply=$("$MERAK" fsck --volume "file://$work/data/volume") || die "$reply"

# ---- cluster_snapshot.yaml: it is understood as it stands, or refused with words; what it restores is a sound cluster ----
path=$(cd "$work/data/volume" && find meta -name '*.image' -path '*snapshot*')
cat > "$work/good" <<END
cluster_snapshot:
    cluster_snapshot_path: file://$work/data/volume/$path
    storage_volume_name: builtin_storage_volume
storage_volumes:
  - {name: safe, type: LOCAL, location: "file://$work/backup", comment: "of the tests"}
END
size=$(stat -c %s "$work/good")
restored=0
for ((i = 0; i < flips * 12; i++)); do
    cp "$work/good" "$work/cluster_snapshot.yaml"
    flip "$work/cluster_snapshot.yaml" $(((size - 1) * i / (flips * 12 - 1))) "${masks[i % 4]}"
    reply=$("$MERAK" restore --cluster-snapshot "$work/cluster_snapshot.yaml" 2>&1 < /dev/null)
    code=$?
    [ "$code" -le 1 ] && [ -n "$reply" ] || die "flip $i of cluster_snapshot.yaml: $code: $reply"
    restored=$((restored + (code == 0)))
    checks=$((checks + 1))
done
[ "$restored" -lt $((flips * 12)) ] || die "every flip was restored"
cuts=$((flips * 4 < size ? flips * 4 : size)) # cut off: nothing is restored but from a file that says where from
for ((i = 0; i < cuts; i++)); do
    head -c $(((size - 1) * i / (cuts - 1))) "$work/good" > "$work/cluster_snapshot.yaml"
    reply=$("$MERAK" restore --cluster-snapshot "$work/cluster_snapshot.yaml" 2>&1 < /dev/null)
    code=$?
    [ "$code" -le 1 ] && [ -n "$reply" ] || die "cluster_snapshot.yaml cut off: $code: $reply"
    [ "$code" = 1 ] || grep -q "cluster_snapshot_path: file://$work/data/volume/$path\$" "$work/cluster_snapshot.yaml" || die "restored from $(cat "$work/cluster_snapshot.yaml")"
    checks=$((checks + 1))
done
reply=$("$MERAK" fsck --volume "file://$work/data/volume") || die "$reply"
done_testing
