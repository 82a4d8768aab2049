#!/usr/bin/env bash
# clang-tidy without its summary: tools/check/tidy.sh "FLAGS" FILE ...
set -u
flags=$1
shift
# shellcheck disable=SC2086 # flags are words
clang-tidy -quiet "$@" -- $flags 2>/dev/null
