#include "io/tcp.h"

/* A non-blocking socket and poll(), in slices so that a cancelled caller is heard. */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

enum { SLICE_MS = 100, NAME_BYTES = 320 };

struct TcpStream {
    int fd;
    char name[NAME_BYTES]; /* for messages */
};

static Status broken(const TcpStream *stream, Diag *diag, const char *what)
{
    return RAISE(diag, NETWORK, "connection to %s: %s", stream->name, what);
}

/* Until the socket is ready for the events. */
static Status wait_ready(const TcpStream *stream, short events, const TcpWait *wait, Diag *diag)
{
    for (;;) {
        if (wait->cancelled != NULL && atomic_load(wait->cancelled))
            return RAISE(diag, CANCELLED, "the statement was cancelled");
        if (wait->is_lost != NULL && wait->is_lost(wait->context))
            return broken(stream, diag, "given up");
        int64_t left_us = wait->deadline_us - env_monotonic_us(environment_real());
        if (left_us <= 0)
            return broken(stream, diag, "no answer in time");
        struct pollfd poll_fd = {.fd = stream->fd, .events = events};
        int ready = poll(&poll_fd, 1, (int)MIN(left_us / 1000 + 1, (int64_t)SLICE_MS));
        if (ready > 0)
            return OK;
        if (ready < 0 && errno != EINTR)
            return broken(stream, diag, strerror(errno));
    }
}

static Status finish_connect(TcpStream *stream, const struct addrinfo *address, const TcpWait *wait, Diag *diag)
{
    int one = 1, error = 0;
    socklen_t length = sizeof(error);
    stream->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0)
        return broken(stream, diag, strerror(errno));
    setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(stream->fd, address->ai_addr, address->ai_addrlen) == 0)
        return OK;
    if (errno != EINPROGRESS)
        return broken(stream, diag, strerror(errno));
    TRY(wait_ready(stream, POLLOUT, wait, diag));
    getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error == 0 ? OK : broken(stream, diag, strerror(error));
}

Status tcp_connect(const char *host, uint16_t port, const TcpWait *wait, Diag *diag, TcpStream **out_stream)
{
    char service[8];
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    snprintf(service, sizeof(service), "%u", port);
    if (host[0] >= '0' && host[0] <= '9')
        wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV; /* also while no network is up but loopback */
    int result = getaddrinfo(host, service, &wanted, &found);
    if (result != 0)
        return RAISE(diag, NETWORK, "host %s can't be found: %s", host, gai_strerror(result));
    TcpStream *stream = mem_alloc_zero(sizeof(*stream));
    snprintf(stream->name, sizeof(stream->name), "%.256s:%u", host, port);
    Status status = finish_connect(stream, found, wait, diag);
    freeaddrinfo(found);
    if (status != OK) {
        tcp_close(stream);
        return status;
    }
    *out_stream = stream;
    return OK;
}

void tcp_close(TcpStream *stream)
{
    if (stream == NULL)
        return;
    if (stream->fd >= 0)
        close(stream->fd);
    mem_free(stream);
}

Status tcp_send(TcpStream *stream, StrView bytes, const TcpWait *wait, Diag *diag)
{
    while (bytes.length > 0) {
        ssize_t sent = send(stream->fd, bytes.data, bytes.length, MSG_NOSIGNAL);
        if (sent > 0)
            bytes = strview_n(bytes.data + sent, bytes.length - (size_t)sent);
        else if (errno == EAGAIN)
            TRY(wait_ready(stream, POLLOUT, wait, diag));
        else if (errno != EINTR)
            return broken(stream, diag, strerror(errno));
    }
    return OK;
}

Status tcp_receive(TcpStream *stream, void *out_bytes, size_t length, const TcpWait *wait, Diag *diag)
{
    char *at = out_bytes;
    while (length > 0) {
        ssize_t got = recv(stream->fd, at, length, 0);
        if (got == 0)
            return broken(stream, diag, "closed by the other side");
        if (got > 0) {
            at += got;
            length -= (size_t)got;
        } else if (errno == EAGAIN) {
            TRY(wait_ready(stream, POLLIN, wait, diag));
        } else if (errno != EINTR) {
            return broken(stream, diag, strerror(errno));
        }
    }
    return OK;
}
