#pragma once
/* Server-side TLS over memory buffers (OpenSSL); the caller moves the bytes. Loop thread only. */

#include "base/bytes.h"
#include "base/status.h"

typedef struct TlsContext TlsContext;
typedef struct TlsStream TlsStream;

/* Loads directory/server.crt and server.key; makes a self-signed pair on first use. */
Status tls_context_open(const char *directory, Diag *diag, TlsContext **out_context);
void tls_context_close(TlsContext *context);
Status tls_stream_open(TlsContext *context, Diag *diag, TlsStream **out_stream);
void tls_stream_close(TlsStream *stream);
/* Takes bytes from the wire; appends decrypted ones to out_plain. False: the connection is broken. */
bool tls_stream_receive(TlsStream *stream, StrView wire, ByteBuf *out_plain);
/* Encrypts; false when broken. */
bool tls_stream_send(TlsStream *stream, StrView plain);
/* Bytes that have to go to the wire; cleared by the caller. */
ByteBuf *tls_stream_output(TlsStream *stream);
