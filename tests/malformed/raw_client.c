#include "malformed/raw_client.h"

/* Sockets without a client library, each wait with a bound. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/environment.h"

enum { QUIET_MS = 25, GREETING_MS = 10000, DEADLINE_US = 20000000, REPLY_MOST = 4 << 20 };

uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*state >> 33) % limit);
}

static int open_connection(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* One read of what is there within `ms`; false at the end of the stream or without anything. */
static bool read_some(int fd, int ms, ByteBuf *out, bool *out_ended)
{
    char piece[8192];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, ms) <= 0)
        return false;
    ssize_t count = recv(fd, piece, sizeof(piece), 0);
    *out_ended = count <= 0;
    if (count > 0 && out->length < REPLY_MOST)
        bytebuf_append(out, piece, (size_t)count);
    return count > 0;
}

/* The server may answer, or close, before all is sent. */
static void send_all(int fd, const RawRequest *request, ByteBuf *reply)
{
    size_t step = request->bytewise ? 1 : 65536;
    bool ended = false;
    for (size_t at = 0; at < request->bytes.length && !ended;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN | POLLOUT};
        if (poll(&wait, 1, QUIET_MS * 40) <= 0)
            return;
        if ((wait.revents & POLLIN) != 0)
            (void)read_some(fd, 0, reply, &ended);
        if ((wait.revents & POLLOUT) == 0)
            continue;
        ssize_t sent = send(fd, request->bytes.data + at, MIN(step, request->bytes.length - at), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0)
            return;
        at += (size_t)sent;
    }
}

static bool read_to_end(int fd, ByteBuf *reply)
{
    int64_t deadline = env_monotonic_us(environment_real()) + DEADLINE_US;
    bool ended = false;
    while (!ended && env_monotonic_us(environment_real()) < deadline)
        (void)read_some(fd, QUIET_MS, reply, &ended);
    return ended;
}

bool raw_exchange(int port, const RawRequest *request, ByteBuf *out_reply)
{
    int fd = open_connection(port);
    bool is_right = true, ended = false;
    if (fd < 0)
        return false;
    send_all(fd, request, out_reply);
    switch (request->ending) {
    case RAW_WAIT:
        if (request->is_greeted && out_reply->length == 0)
            (void)read_some(fd, GREETING_MS, out_reply, &ended);
        while (!ended && read_some(fd, QUIET_MS, out_reply, &ended)) {
        }
        break;
    case RAW_HALF_CLOSE:
        shutdown(fd, SHUT_WR);
        is_right = read_to_end(fd, out_reply);
        break;
    case RAW_RESET: {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        break;
    }
    case RAW_CLOSE:
    case RAW_ENDINGS:
        break;
    }
    close(fd);
    return is_right;
}

/* False: the stream has ended. */
static bool pass_on(int from, int to, ByteBuf *kept)
{
    char piece[8192];
    ssize_t count = recv(from, piece, sizeof(piece), 0);
    if (count <= 0)
        return false;
    if (kept != NULL)
        bytebuf_append(kept, piece, (size_t)count);
    return send(to, piece, (size_t)count, MSG_NOSIGNAL) == count;
}

static void *relay_thread(void *argument)
{
    Relay *relay = argument;
    int client = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = open_connection(relay->server_port);
    struct pollfd wait[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    while (client >= 0 && server >= 0 && poll(wait, 2, 30000) > 0) {
        if (wait[0].revents != 0 && !pass_on(client, server, &relay->sent))
            break;
        if (wait[1].revents != 0 && !pass_on(server, client, NULL))
            break;
    }
    if (client >= 0)
        close(client);
    if (server >= 0)
        close(server);
    return NULL;
}

bool relay_open(Relay *relay, int server_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    *relay = (Relay){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .server_port = server_port};
    if (relay->listener < 0 || bind(relay->listener, (const struct sockaddr *)&address, length) != 0 ||
        listen(relay->listener, 1) != 0 || getsockname(relay->listener, (struct sockaddr *)&address, &length) != 0)
        return false;
    relay->port = ntohs(address.sin_port);
    return pthread_create(&relay->thread, NULL, relay_thread, relay) == 0;
}

void relay_finish(Relay *relay)
{
    pthread_join(relay->thread, NULL);
    close(relay->listener);
}
