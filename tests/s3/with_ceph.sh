#!/usr/bin/env bash
# Runs a command beside a Ceph cluster of one monitor, one store and one gateway, in a folder of its own and on free
# ports: with_ceph.sh COMMAND ...; the environment tells the command where. Needs ceph-mon, ceph-osd, radosgw, ceph-common and
# ceph-base. S3_STORE=memstore keeps objects in memory.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/merak-ceph.XXXXXX")
conf=$work/ceph.conf
stop() {
    for pid in "$work"/run/*.pid; do
        [ -f "$pid" ] && kill -KILL "$(cat "$pid")" 2>/dev/null
    done
    rm -rf "$work"
}
trap stop EXIT

read -r mon_2 mon_1 port < <(python3 -c '
import socket
sockets = [socket.socket() for _ in range(3)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])')
mkdir -p "$work"/{mon,osd,run,log}
fsid=$(cat /proc/sys/kernel/random/uuid)
cat > "$conf" <<END
[global]
fsid = $fsid
mon_host = [v2:127.0.0.1:$mon_2,v1:127.0.0.1:$mon_1]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = true
mon_allow_pool_size_one = true
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
run_dir = $work/run
admin_socket = $work/run/\$name.asok
pid_file = $work/run/\$name.pid
log_file = $work/log/\$name.log
keyring = $work/keyring
[mon]
mon_data = $work/mon
mon_cluster_log_file = $work/log/cluster.log
mon_data_avail_crit = 1
mon_data_avail_warn = 2
[osd]
osd_data = $work/osd
osd_objectstore = ${S3_STORE:-bluestore}
bluestore_block_size = 10737418240
bluestore_block_create = true
bluestore_cache_autotune = false
bluestore_cache_size = 134217728
memstore_device_bytes = 4294967296
[client.rgw]
rgw_frontends = beast endpoint=${S3_LISTEN:-127.0.0.1}:$port tcp_nodelay=1
rgw_thread_pool_size = 32
rgw_dns_name = localhost
rgw_run_sync_thread = false
END

start() {
    key() { ceph-authtool "$work/keyring" --gen-key "$@"; }
    ceph-authtool --create-keyring "$work/keyring" --gen-key -n mon. --cap mon 'allow *'
    key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
    key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
    key -n client.rgw --cap mon 'allow rw' --cap osd 'allow rwx'
    monmaptool --create --addv a "[v2:127.0.0.1:$mon_2,v1:127.0.0.1:$mon_1]" --fsid "$fsid" "$work/monmap"
    ceph-mon -c "$conf" --mkfs -i a --monmap "$work/monmap" --keyring "$work/keyring"
    ceph-mon -c "$conf" -i a
    ceph -c "$conf" auth import -i "$work/keyring"
    local osd
    osd=$(cat /proc/sys/kernel/random/uuid)
    ceph -c "$conf" osd new "$osd"
    ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$osd"
    ceph-osd -c "$conf" -i 0
    for _ in $(seq 100); do
        ceph -c "$conf" osd stat | grep -q '1 up' && break
        sleep 0.2
    done
    radosgw -c "$conf" -n client.rgw
    for _ in $(seq 300); do
        curl -s -o /dev/null "http://${S3_LISTEN:-127.0.0.1}:$port/" && break
        sleep 0.2
    done
    radosgw-admin -c "$conf" user create --uid=test --display-name=test --access-key=testkey --secret-key=secret-of-the-tests
}
start > "$work/start.log" 2>&1 || { cat "$work/start.log"; echo "0 passed, 1 failed"; exit 1; }
export S3_ENDPOINT=http://${S3_LISTEN:-127.0.0.1}:$port S3_BUCKET=bucket S3_ACCESS_KEY=testkey S3_SECRET_KEY=secret-of-the-tests S3_REGION=default
export CEPH_CONF_OF_TEST=$conf
"$(dirname "$0")/make_bucket.py"
"$@"
