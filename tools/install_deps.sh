#!/usr/bin/env bash
# Installs the Debian packages that are missing. Usage: tools/install_deps.sh [build] [test] [check]; nothing: all.
# Does nothing, and needs no network, when all are there.
set -eu
build="gcc make pkg-config binutils liblz4-dev libzstd-dev libsnappy-dev libxxhash-dev libuv1-dev libssl-dev libmicrohttpd-dev libjansson-dev libyaml-dev
  libpcre2-dev libcurl4-openssl-dev zlib1g-dev libbz2-dev libroaring-dev ccache curl mariadb-client"
test="libcmocka-dev libmariadb-dev"
check="clang clang-format clang-tidy shellcheck python3"
# What harnesses of their own need: a file tests/*/packages.txt, one name a line.
here=$(cd "$(dirname "$0")/.." && pwd)
test="$test $(cat "$here"/tests/*/packages.txt 2>/dev/null | grep -v '^#' || true)"

wanted=
for group in "${@:-build test check}"; do
  for name in $group; do
    case $name in
      build) wanted="$wanted $build" ;;
      test) wanted="$wanted $test" ;;
      check) wanted="$wanted $check" ;;
      *) echo "no such group of packages: $name" >&2; exit 2 ;;
    esac
  done
done

missing=
for package in $wanted; do
  dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "these packages are missing, and there is no apt-get to install them:$missing" >&2
  exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
  as_root=sudo
  command -v sudo >/dev/null || { echo "run as root: apt-get install$missing" >&2; exit 1; }
fi
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -o Acquire::Retries=3 -qq update
# shellcheck disable=SC2086 # names are words
$as_root apt-get -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 -qq -y --no-install-recommends install $missing >/dev/null
echo "installed"
