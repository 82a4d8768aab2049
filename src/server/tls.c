#include "server/tls.h"

/* OpenSSL with memory BIOs. TLS 1.2 and later. The key pair is written with mode 0600 when it has to
 * be made, which takes a tenth of a second and happens at the first TLS connection. */

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

struct TlsContext {
    SSL_CTX *ssl;
};

struct TlsStream {
    SSL *ssl;
    BIO *in;
    BIO *out;
    ByteBuf output;
};

static Status write_pem(const char *path, X509 *certificate, EVP_PKEY *key, Diag *diag)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return RAISE(diag, TLS, "could not write \"%s\": %m", path);
    BIO *file = BIO_new_fd(fd, BIO_CLOSE);
    int ok = certificate != NULL ? PEM_write_bio_X509(file, certificate)
                                 : PEM_write_bio_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    BIO_free(file);
    return ok == 1 ? OK : RAISE(diag, TLS, "could not write \"%s\"", path);
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3650L * 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"merak", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
    return certificate;
}

static Status make_key_pair(const char *certificate_path, const char *key_path, Diag *diag)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL)
        return RAISE(diag, TLS, "could not make a TLS key");
    X509 *certificate = make_certificate(key);
    Status status = write_pem(key_path, NULL, key, diag);
    if (status == OK)
        status = write_pem(certificate_path, certificate, NULL, diag);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return status;
}

Status tls_context_open(const char *directory, Diag *diag, TlsContext **out_context)
{
    char certificate[4200];
    char key[4200];
    snprintf(certificate, sizeof(certificate), "%s/server.crt", directory);
    snprintf(key, sizeof(key), "%s/server.key", directory);
    mkdir(directory, 0700);
    if (access(key, R_OK) != 0)
        TRY(make_key_pair(certificate, key, diag));
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    if (SSL_CTX_use_certificate_chain_file(ssl, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1) {
        SSL_CTX_free(ssl);
        return RAISE(diag, TLS, "could not load the TLS key pair \"%s\"", key);
    }
    *out_context = mem_alloc_zero(sizeof(TlsContext));
    (*out_context)->ssl = ssl;
    return OK;
}

void tls_context_close(TlsContext *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->ssl);
    mem_free(context);
}

Status tls_stream_open(TlsContext *context, Diag *diag, TlsStream **out_stream)
{
    TlsStream *stream = mem_alloc_zero(sizeof(*stream));
    stream->ssl = SSL_new(context->ssl);
    if (stream->ssl == NULL) {
        mem_free(stream);
        return RAISE(diag, TLS, "could not open a TLS session");
    }
    stream->in = BIO_new(BIO_s_mem());
    stream->out = BIO_new(BIO_s_mem());
    SSL_set_bio(stream->ssl, stream->in, stream->out);
    SSL_set_accept_state(stream->ssl);
    *out_stream = stream;
    return OK;
}

void tls_stream_close(TlsStream *stream)
{
    if (stream == NULL)
        return;
    SSL_free(stream->ssl);
    bytebuf_deinit(&stream->output);
    mem_free(stream);
}

static void collect_output(TlsStream *stream)
{
    char bytes[8192];
    int n;
    while ((n = BIO_read(stream->out, bytes, sizeof(bytes))) > 0)
        bytebuf_append(&stream->output, bytes, (size_t)n);
}

static bool is_fatal(TlsStream *stream, int result)
{
    int error = SSL_get_error(stream->ssl, result);
    ERR_clear_error();
    return error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
}

bool tls_stream_receive(TlsStream *stream, StrView wire, ByteBuf *out_plain)
{
    if (BIO_write(stream->in, wire.data, (int)wire.length) != (int)wire.length)
        return false;
    bool is_alive = true;
    if (!SSL_is_init_finished(stream->ssl)) {
        int result = SSL_do_handshake(stream->ssl);
        is_alive = result == 1 || !is_fatal(stream, result);
    }
    while (is_alive && SSL_is_init_finished(stream->ssl)) {
        char plain[8192];
        int n = SSL_read(stream->ssl, plain, sizeof(plain));
        if (n <= 0) {
            is_alive = !is_fatal(stream, n);
            break;
        }
        bytebuf_append(out_plain, plain, (size_t)n);
    }
    collect_output(stream);
    return is_alive;
}

bool tls_stream_send(TlsStream *stream, StrView plain)
{
    while (plain.length > 0) {
        int part = (int)MIN(plain.length, (size_t)16384);
        int n = SSL_write(stream->ssl, plain.data, part);
        if (n <= 0)
            return false;
        plain.data += n;
        plain.length -= (size_t)n;
        collect_output(stream);
    }
    return true;
}

ByteBuf *tls_stream_output(TlsStream *stream)
{
    return &stream->output;
}
