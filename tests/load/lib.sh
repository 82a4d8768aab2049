# Helpers of the load tests: a server of their own, Stream Load through curl, checks that stop at the first failure.
# Needs curl and the mariadb client. Usage: `. lib.sh; start_server; ...`

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MERAK=${MERAK:-$here/../../build/release/merak}
work=$(mktemp -d "${TMPDIR:-/tmp}/merak-load.XXXXXX")
server=
reply=
checks=0

stop_server() {
    [ -n "$server" ] && kill "${1:--TERM}" "$server" 2>/dev/null && wait "$server" 2>/dev/null
    server=
}
cleanup() {
    stop_server -KILL
    rm -rf "$work"
}
trap cleanup EXIT

# Keeps the data of the one before.
start_server() {
    : > "$work/ready"
    "$MERAK" server --data-dir "$work/data" --set query_port=0 --set http_port=0 "$@" > "$work/ready" 2> "$work/stderr" &
    server=$!
    for _ in $(seq 200); do
        grep -q '^merak ready' "$work/ready" && break
        sleep 0.05
    done
    query_port=$(sed -n 's/.*query_port=\([0-9]*\).*/\1/p' "$work/ready")
    http_port=$(sed -n 's/.*http_port=\([0-9]*\).*/\1/p' "$work/ready")
    [ -n "$http_port" ] || { cat "$work/stderr"; die "the server did not start"; }
    url=http://127.0.0.1:$http_port
}

die() {
    echo "FAILED at line ${BASH_LINENO[${#BASH_LINENO[@]}-2]} of $(basename "$0"): $1" >&2
    echo "$((checks > 0 ? checks - 1 : 0)) passed, 1 failed"
    exit 1
}

sql() { mariadb -h127.0.0.1 -P"$query_port" -uroot -N -B "$@"; }

# query SQL EXPECTED: rows joined by ";", cells by ","
query() {
    local got
    got=$(sql -e "$1" 2>&1 | tr '\t\n' ',;')
    checks=$((checks + 1))
    [ "${got%;}" = "$2" ] || die "$1
  expected $2
  got      ${got%;}"
}

# http METHOD PATH [curl options]: the body in $reply, the status in $status
http() {
    local method=$1 path=$2
    shift 2
    reply=$(curl -s -u root: -X "$method" -o - -w '\n%{http_code}' "$@" "$url$path")
    status=${reply##*$'\n'}
    reply=${reply%$'\n'*}
}

# load TABLE BODY [header ...]: into database d
load() {
    local table=$1 body=$2 headers=() header
    shift 2
    for header in "$@"; do headers+=(-H "$header"); done
    reply=$(printf '%b' "$body" | curl -s --location-trusted -u root: -H 'Expect: 100-continue' "${headers[@]}" -T - "$url/api/d/$table/_stream_load")
}

# has TEXT: $reply contains it
has() {
    checks=$((checks + 1))
    case $reply in *"$1"*) ;; *) die "no '$1' in
$reply" ;; esac
}
ok() { has '"Status": "Success"'; }
bad() {
    has '"Status": "Fail"'
    has "$1"
}
# The rows in the ErrorURL of $reply.
errors() { reply=$(curl -s "$(printf '%s' "$reply" | sed -n 's/.*"ErrorURL": "\(.*\)".*/\1/p')"); }
done_testing() { echo "$checks passed, 0 failed"; }
