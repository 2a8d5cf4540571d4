#include "base/http/httploop.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/progress.h"

enum { MAX_EVENTS = 64 };

static int watch(CURL *easy, curl_socket_t fd, int what, void *user, void *known) {
    iad_http_loop *loop = user;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL); /* a closed socket has left by itself */
        return 0;
    }
    struct epoll_event event = {.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0),
                                .data.fd = fd};
    int op = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(loop->epoll, op, fd, &event) != 0) { /* a number that came back for another socket */
        if (errno != ENOENT && errno != EEXIST) return -1;
        op = errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        if (epoll_ctl(loop->epoll, op, fd, &event) != 0) return -1;
    }
    curl_multi_assign(loop->multi, fd, loop);
    return 0;
}

static int set_clock(CURLM *multi, long ms, void *user) {
    iad_http_loop *loop = user;
    (void)multi;
    loop->due = ms < 0 ? -1 : iad_clock() + (double)ms / 1000;
    return 0;
}

iad_status iad_http_loop_init(iad_http_loop *loop, CURLM *multi, iad_err *err) {
    *loop = (iad_http_loop){.multi = multi, .epoll = epoll_create1(EPOLL_CLOEXEC), .event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .due = -1};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = loop->event};
    if (loop->epoll < 0 || loop->event < 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->event, &event) != 0) {
        const int why = errno;
        iad_http_loop_deinit(loop);
        return IAD_FAIL(err, IAD_ERR_IO, "an HTTP client cannot wait for sockets: %s", strerror(why));
    }
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_clock);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
    return IAD_OK;
}

void iad_http_loop_deinit(iad_http_loop *loop) {
    if (loop->epoll >= 0) close(loop->epoll);
    if (loop->event >= 0) close(loop->event);
    *loop = (iad_http_loop){.epoll = -1, .event = -1, .due = -1};
}

static iad_status act(iad_http_loop *loop, curl_socket_t fd, int what, iad_err *err) {
    int running;
    const CURLMcode code = curl_multi_socket_action(loop->multi, fd, what, &running);
    return code == CURLM_OK ? IAD_OK : IAD_FAIL(err, IAD_ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
}

iad_status iad_http_loop_due(iad_http_loop *loop, iad_err *err) {
    if (loop->due < 0 || loop->due > iad_clock()) return IAD_OK;
    loop->due = -1; /* libcurl sets it anew when it wants more */
    return act(loop, CURL_SOCKET_TIMEOUT, 0, err);
}

iad_status iad_http_loop_wait(iad_http_loop *loop, int timeout_ms, iad_err *err) {
    struct epoll_event events[MAX_EVENTS];
    if (loop->due >= 0) {
        const double left = 1000 * (loop->due - iad_clock());
        if (left < timeout_ms) timeout_ms = left > 0 ? (int)left + 1 : 0;
    }
    const int n = epoll_wait(loop->epoll, events, MAX_EVENTS, timeout_ms);
    if (n < 0 && errno != EINTR) return IAD_FAIL(err, IAD_ERR_INTERNAL, "waiting for sockets: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        const uint32_t came = events[i].events;
        uint64_t times;
        if (events[i].data.fd == loop->event) {
            if (read(loop->event, &times, sizeof times) < 0) {} /* another wait may have emptied it */
            continue;
        }
        IAD_TRY(act(loop, events[i].data.fd,
                    (came & EPOLLIN ? CURL_CSELECT_IN : 0) | (came & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                        (came & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
                    err));
    }
    return iad_http_loop_due(loop, err);
}

void iad_http_loop_wake(iad_http_loop *loop) {
    const uint64_t once = 1;
    if (write(loop->event, &once, sizeof once) < 0) {} /* full: it is awake */
}
