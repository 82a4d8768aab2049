/* Signatures against the examples that AWS publishes for S3; the canonical forms of odd names. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "volume/s3_sign.h"

static const S3Credentials keys = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL};
static const SignedHeader host = {"host", {"examplebucket.s3.amazonaws.com", sizeof("examplebucket.s3.amazonaws.com") - 1}};

static SignRequest example(const char *method, const char *path)
{
    return (SignRequest){.credentials = &keys, .region = "us-east-1", .service = "s3", .method = method, .path = strview(path),
                         .time_us = (int64_t)1369353600 * 1000000};
}

static void assert_signature(const SignRequest *request, const char *expected)
{
    Signature signature = {0};
    s3_sign(request, &signature);
    assert_string_equal(signature.time, "20130524T000000Z");
    assert_string_equal(signature.signature, expected);
    assert_true(strview_ends_with(bytebuf_view(&signature.authorization), strview(expected)));
    assert_int_equal(strview_find(bytebuf_view(&signature.authorization), strview(keys.secret_key)), SIZE_MAX);
    bytebuf_deinit(&signature.authorization);
}

static void a_range_of_an_object(void **state)
{
    const SignedHeader headers[] = {host, {"range", STR_VIEW("bytes=0-9")}};
    SignRequest request = example("GET", "/test.txt");
    (void)state;
    request.headers = headers;
    request.header_count = 2;
    assert_signature(&request, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void a_put(void **state)
{
    const SignedHeader headers[] = {
        {"x-amz-storage-class", STR_VIEW("REDUCED_REDUNDANCY")}, {"date", STR_VIEW("Fri, 24 May 2013 00:00:00 GMT")}, host};
    SignRequest request = example("PUT", "/test%24file.text");
    (void)state;
    request.headers = headers;
    request.header_count = 3;
    request.body = STR_VIEW("Welcome to Amazon S3.");
    assert_signature(&request, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static void bare_and_unsorted_parameters(void **state)
{
    const SignedParameter bare[] = {{STR_VIEW("lifecycle"), STR_VIEW("")}};
    const SignedParameter list[] = {{STR_VIEW("prefix"), STR_VIEW("J")}, {STR_VIEW("max-keys"), STR_VIEW("2")}};
    SignRequest request = example("GET", "/");
    (void)state;
    request.headers = &host;
    request.header_count = 1;
    request.parameters = bare;
    request.parameter_count = 1;
    assert_signature(&request, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    request.parameters = list;
    request.parameter_count = 2;
    assert_signature(&request, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void names_are_encoded_once(void **state)
{
    AUTO_BYTEBUF out = {0};
    const SignedParameter parameters[] = {{STR_VIEW("prefix"), STR_VIEW("a/b c+\xC3\xA4~")}, {STR_VIEW("delete"), STR_VIEW("")}};
    (void)state;
    s3_encode(STR_VIEW("a/b c%_-.~"), true, &out);
    assert_string_equal(out.data, "a/b%20c%25_-.~");
    bytebuf_clear(&out);
    s3_query(parameters, 2, &out);
    assert_string_equal(out.data, "delete=&prefix=a%2Fb%20c%2B%C3%A4~");
}

static void a_session_token_is_signed(void **state)
{
    S3Credentials session = {keys.access_key, keys.secret_key, "a token"};
    SignRequest request = example("GET", "/");
    Signature signature = {0};
    (void)state;
    request.credentials = &session;
    request.headers = &host;
    request.header_count = 1;
    s3_sign(&request, &signature);
    assert_true(strview_find(bytebuf_view(&signature.authorization),
                             STR_VIEW("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,")) != SIZE_MAX);
    bytebuf_deinit(&signature.authorization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_of_an_object),      cmocka_unit_test(a_put),
        cmocka_unit_test(bare_and_unsorted_parameters), cmocka_unit_test(names_are_encoded_once),
        cmocka_unit_test(a_session_token_is_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
