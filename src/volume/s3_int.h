#pragma once
/* One signed request with its retries: what the operations of s3_client.h are made of. */

#include "io/http_client.h"
#include "volume/s3_client.h"

typedef struct S3Request {
    const char *method;
    const char *key; /* NULL: the bucket itself */
    SignedParameter parameters[MOST_PARAMETERS];
    uint32_t parameter_count;
    const char *header_name; /* one more header that is signed; NULL: none */
    const char *header_value;
    const char *second_name, *second_value;
    StrView body;
    uint64_t most_bytes; /* of the answer */
    bool is_conditional; /* 409 asks for another try */
    uint32_t tries;      /* out: how many there were */
} S3Request;

/* OK with any answer that is no reason to try again. */
Status s3_request(S3Client *client, S3Request *request, Diag *diag, HttpResponse *response);
/* The error that an answer stands for. */
Status s3_answer_error(const S3Client *client, const S3Request *request, const HttpResponse *response, Diag *diag);
StrView s3_prefix(const S3Client *client);
bool s3_is_error_code(const HttpResponse *response, const char *code);
