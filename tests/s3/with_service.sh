#!/usr/bin/env bash
# Runs a command beside an S3 service in memory: with_service.sh MERAK-S3D COMMAND ...; the environment tells it where.
# S3_DELAY_US and S3_BYTES_PER_SECOND make the service slower.
set -eu
export S3_BUCKET=bucket S3_ACCESS_KEY=key S3_SECRET_KEY=secret-of-the-tests
coproc "$1" 0 "$S3_BUCKET" "$S3_ACCESS_KEY" "$S3_SECRET_KEY" "${S3_SEED:-1}" "${S3_DELAY_US:-0}" "${S3_BYTES_PER_SECOND:-0}"
read -r port <&"${COPROC[0]}"
export S3_ENDPOINT=http://${S3_LISTEN:-127.0.0.1}:$port
shift
"$@"
