/* A small HTTP client over plain sockets, which can also misbehave. One connection, used by one thread. */
#ifndef IAD_TEST_SERVE_CLIENT_H
#define IAD_TEST_SERVE_CLIENT_H

#include "tests/unit/iad_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

typedef struct client {
    int port, fd;
    iad_buf in, body;   /* bytes that came; the body of the last reply, chunks joined */
    int status;         /* of the last reply; 0: the connection ended before one */
} client;

static inline void client_init(client *c, int port) {
    *c = (client){.port = port, .fd = -1};
    iad_buf_init(&c->in, 64 << 20);
    iad_buf_init(&c->body, 64 << 20);
}

static inline void client_close(client *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    iad_buf_reset(&c->in);
}

static inline void client_deinit(client *c) {
    client_close(c);
    iad_buf_deinit(&c->in);
    iad_buf_deinit(&c->body);
}

static inline int client_connect(client *c) {
    if (c->fd >= 0) return 1;
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && connect(c->fd, (const struct sockaddr *)&address, sizeof address) == 0) return 1;
    client_close(c);
    return 0;
}

/* 0: the other side has closed. */
static inline int client_send(client *c, const void *bytes, size_t n) {
    const char *p = bytes;
    while (n > 0) {
        const ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0) return 0;
        p += sent;
        n -= (size_t)sent;
    }
    return 1;
}

/* More bytes; 0: the end. */
static inline int client_more(client *c) {
    char block[1 << 16];
    const ssize_t got = recv(c->fd, block, sizeof block, 0);
    return got > 0 && iad_buf_add(&c->in, block, (size_t)got, NULL) == IAD_OK;
}

static inline void client_eat(client *c, size_t n) {
    memmove(c->in.data, c->in.data + n, c->in.len - n + 1);
    c->in.len -= n;
}

static inline int client_take_bytes(client *c, size_t n) {
    while (c->in.len < n)
        if (!client_more(c)) return 0;
    if (iad_buf_add(&c->body, c->in.data, n, NULL) != IAD_OK) return 0;
    client_eat(c, n);
    return 1;
}

static inline int client_line(client *c, char *line, size_t size) {
    char *end;
    while (c->in.len == 0 || (end = strstr(c->in.data, "\r\n")) == NULL)
        if (!client_more(c)) return 0;
    const size_t n = (size_t)(end - c->in.data);
    snprintf(line, size, "%.*s", (int)n, c->in.data);
    client_eat(c, n + 2);
    return 1;
}

/* Reads one reply; events: stop after so many bytes of a stream (0: all). 1 when it came whole. */
static inline int client_reply(client *c, size_t events) {
    char line[4096];
    long length = -1;
    int chunked = 0, closing = 0;
    c->status = 0;
    iad_buf_reset(&c->body);
    if (!client_line(c, line, sizeof line) || sscanf(line, "HTTP/1.1 %d", &c->status) != 1) return 0;
    while (client_line(c, line, sizeof line) && *line) {
        if (strncasecmp(line, "Content-Length: ", 16) == 0) length = strtol(line + 16, NULL, 10);
        if (strncasecmp(line, "Transfer-Encoding: chunked", 26) == 0) chunked = 1;
        if (strncasecmp(line, "Connection: close", 17) == 0) closing = 1;
    }
    while (chunked) {
        if (!client_line(c, line, sizeof line)) return 0;
        const size_t n = strtoul(line, NULL, 16);
        if (n > 0 && !client_take_bytes(c, n)) return 0;
        if (!client_line(c, line, sizeof line)) return 0;
        if (n == 0) break;
        if (events && c->body.len >= events) return 0;
    }
    const int whole = chunked || (length >= 0 && client_take_bytes(c, (size_t)length));
    if (closing) client_close(c);
    return whole;
}

/* A request with a body (NULL: none) and its reply, on the open connection when there is one. */
static inline int client_ask(client *c, const char *method, const char *path, const char *type, const void *body, size_t n) {
    char head[1024];
    for (int attempt = 0; attempt < 2; attempt++) {
        const int fresh = c->fd < 0;
        if (!client_connect(c)) return 0;
        int size = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\n", method, path, c->port);
        if (type) size += snprintf(head + size, sizeof head - (size_t)size, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, n);
        size += snprintf(head + size, sizeof head - (size_t)size, "\r\n");
        if (client_send(c, head, (size_t)size) && (n == 0 || client_send(c, body, n)) && client_reply(c, 0)) return 1;
        client_close(c);
        if (fresh || c->status) return 0; /* an idle connection may have been closed: once more on a new one */
    }
    return 0;
}

#endif
