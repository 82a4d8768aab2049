#!/usr/bin/env python3
"""Makes the bucket that S3_* of the environment name, by a signed request of its own; arguments name a sub-resource and its
body: `make_bucket.py versioning '<VersioningConfiguration>..</VersioningConfiguration>'` sets it on the bucket."""
import datetime
import hashlib
import hmac
import os
import sys
import urllib.request


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def put(resource, body):
    endpoint, bucket, region = os.environ["S3_ENDPOINT"], os.environ["S3_BUCKET"], os.environ.get("S3_REGION", "us-east-1")
    host = endpoint.split("//")[1]
    now = datetime.datetime.utcnow().strftime("%Y%m%dT%H%M%SZ")
    payload = hashlib.sha256(body.encode()).hexdigest()
    query = resource + "=" if resource else ""
    canonical = "\n".join(["PUT", "/" + bucket, query, f"host:{host}", f"x-amz-content-sha256:{payload}", f"x-amz-date:{now}", "",
                           "host;x-amz-content-sha256;x-amz-date", payload])
    scope = f"{now[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + os.environ["S3_SECRET_KEY"]).encode()
    for part in [now[:8], region, "s3", "aws4_request"]:
        key = sign(key, part)
    request = urllib.request.Request(f"{endpoint}/{bucket}" + ("?" + query if query else ""), data=body.encode(), method="PUT", headers={
        "x-amz-date": now, "x-amz-content-sha256": payload, "Content-Type": "",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={os.environ['S3_ACCESS_KEY']}/{scope}, "
                         f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={sign(key, text).hex()}"})
    urllib.request.urlopen(request, timeout=60).read()


put(*sys.argv[1:3]) if len(sys.argv) > 2 else put("", "")
