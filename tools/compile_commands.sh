#!/usr/bin/env bash
# A compilation database on standard output: tools/compile_commands.sh "COMMAND" FILE ...
set -eu
command=$1
shift
separator='['
for file in "$@"; do
  printf '%s\n  {"directory": "%s", "file": "%s", "command": "%s -c %s"}' "$separator" "$PWD" "$file" "$command" "$file"
  separator=,
done
printf '\n]\n'
