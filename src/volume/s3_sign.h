#pragma once
/* AWS Signature Version 4. Keys never leave this file but as signatures. */

#include "base/bytes.h"
#include "base/status.h"

typedef struct S3Credentials {
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* NULL or empty: none */
} S3Credentials;

/* name in lower case. */
typedef struct SignedHeader {
    const char *name;
    StrView value;
} SignedHeader;

typedef struct SignedParameter {
    StrView name, value; /* plain */
} SignedParameter;

typedef struct SignRequest {
    const S3Credentials *credentials;
    const char *region;
    const char *service; /* "s3" */
    const char *method;
    StrView path; /* as it stands in the URL: percent-encoded */
    const SignedParameter *parameters;
    uint32_t parameter_count;
    const SignedHeader *headers; /* host among them, but neither date nor those of the payload and the token */
    uint32_t header_count;
    StrView body;
    int64_t time_us; /* since 1970 UTC */
} SignRequest;

enum { MOST_PARAMETERS = 8, MOST_SIGNED_HEADERS = 12, SIGN_TIME_BYTES = 17, SHA256_HEX_BYTES = 65 };
typedef struct Signature {
    char time[SIGN_TIME_BYTES];       /* x-amz-date */
    char payload[SHA256_HEX_BYTES];   /* x-amz-content-sha256 */
    char signature[SHA256_HEX_BYTES]; /* alone, for tests */
    ByteBuf authorization;            /* of the caller, who frees it */
} Signature;

void s3_sign(const SignRequest *request, Signature *out);
/* Percent-encodes all but unreserved characters; slashes stay when keep_slash is set. */
void s3_encode(StrView text, bool keep_slash, ByteBuf *out);
/* The query string as it is signed, which is also one that may be sent. */
void s3_query(const SignedParameter *parameters, uint32_t count, ByteBuf *out);
