/* A scripted HTTP server for unit tests: one thread per connection, one request per connection, on 127.0.0.1. */
#ifndef IAD_TEST_LOOPSERVER_H
#define IAD_TEST_LOOPSERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

typedef struct loopserver {
    int fd, port;
    atomic_int requests;
    /* Answers a request whose head (and body as far as it came with it) is `request`; writes to fd and returns. */
    void (*answer)(struct loopserver *server, int fd, const char *request);
} loopserver;

typedef struct loopserver_client {
    loopserver *server;
    int fd;
} loopserver_client;

static inline void loopserver_send(int fd, const void *bytes, size_t n) {
    const char *p = bytes;
    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0) return;
        p += sent;
        n -= (size_t)sent;
    }
}

static inline void loopserver_text(int fd, const char *text) {
    loopserver_send(fd, text, strlen(text));
}

static inline void *loopserver_serve(void *user) {
    loopserver_client client = *(loopserver_client *)user;
    free(user);
    char request[8192];
    size_t n = 0;
    while (n < sizeof request - 1) {
        ssize_t got = recv(client.fd, request + n, sizeof request - 1 - n, 0);
        if (got <= 0) break;
        n += (size_t)got;
        if (request[0] == 0x16) break; /* a TLS greeting */
        request[n] = 0;
        char *end = strstr(request, "\r\n\r\n"), *length = strcasestr(request, "content-length:");
        if (end && n >= (size_t)(end + 4 - request) + (length && length < end ? (size_t)strtoul(length + 15, NULL, 10) : 0)) break;
    }
    request[n] = 0;
    if (n) {
        atomic_fetch_add(&client.server->requests, 1);
        client.server->answer(client.server, client.fd, request);
    }
    close(client.fd);
    return NULL;
}

static inline void *loopserver_accept(void *user) {
    loopserver *server = user;
    for (;;) {
        int fd = accept(server->fd, NULL, NULL);
        if (fd < 0) return NULL;
        loopserver_client *client = iad_alloc(1, sizeof *client);
        if (!client) return NULL;
        *client = (loopserver_client){server, fd};
        pthread_t thread;
        if (pthread_create(&thread, NULL, loopserver_serve, client) == 0) pthread_detach(thread);
    }
}

/* 1 when it runs. It lives until the process ends. */
static inline int loopserver_start(loopserver *server, void (*answer)(loopserver *, int, const char *)) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    pthread_t thread;
    server->answer = answer;
    atomic_init(&server->requests, 0);
    server->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (server->fd < 0 || bind(server->fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(server->fd, 64) != 0) return 0;
    if (getsockname(server->fd, (struct sockaddr *)&address, &n) != 0) return 0;
    server->port = ntohs(address.sin_port);
    if (pthread_create(&thread, NULL, loopserver_accept, server) != 0) return 0;
    pthread_detach(thread);
    return 1;
}

#endif
