#!/usr/bin/env bash
# A server whose volume lies on an S3 service: MERAK, S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY and S3_SECRET_KEY from the
# environment, the path in the bucket from the data directory. Arguments are those of merak.
set -eu
directory=
for ((i = 1; i < $#; i++)); do
    [ "${!i}" = --data-dir ] && j=$((i + 1)) && directory=${!j}
done
[ "$1" = fsck ] && directory=${3%/volume} # fsck --volume DIRECTORY/volume
export MERAK_CLOUD_NATIVE_STORAGE_TYPE=S3 MERAK_AWS_S3_ENDPOINT=$S3_ENDPOINT MERAK_AWS_S3_PATH=$S3_BUCKET/${directory//[^A-Za-z0-9]/-}
export MERAK_AWS_S3_REGION=${S3_REGION:-}
export MERAK_AWS_S3_ACCESS_KEY=$S3_ACCESS_KEY MERAK_AWS_S3_SECRET_KEY=$S3_SECRET_KEY
[ "$1" = fsck ] && exec "$MERAK" fsck --volume "s3://$MERAK_AWS_S3_PATH"
exec "$MERAK" "$@"
