/* The HTTP client against a scripted server: answers, caps, deadlines, refusals, error classes. */
#include "tests/unit/iad_test.h"

#include <zlib.h>

#include "base/http/http.h"
#include "base/http/netguard.h"
#include "base/http/proxyenv.h"
#include "tests/unit/http/loopserver.h"

static loopserver server;
static char *bomb; /* gzip of 8 MiB of zeros */
static size_t n_bomb;

static void make_bomb(void) {
    static char zeros[1 << 20];
    z_stream z = {0};
    bomb = iad_alloc(1 << 20, 1);
    assert_non_null(bomb);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = (Bytef *)bomb;
    z.avail_out = 1 << 20;
    for (int i = 0; i < 8; i++) {
        z.next_in = (Bytef *)zeros;
        z.avail_in = sizeof zeros;
        assert_int_not_equal(deflate(&z, i == 7 ? Z_FINISH : Z_NO_FLUSH), Z_STREAM_ERROR);
    }
    n_bomb = z.total_out;
    deflateEnd(&z);
}

static void answer(loopserver *self, int fd, const char *request) {
    char text[9000];
    const char *path = strchr(request, ' ') ? strchr(request, ' ') + 1 : "";
    (void)self;
    if (request[0] == 0x16) path = "/garbage ";
    if (!strncmp(path, "/ok ", 4)) {
        loopserver_text(
            fd, "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nX-Robots-Tag: noai\r\nx-robots-tag:  a: b \r\nContent-Length: 5\r\n\r\nhello");
    } else if (!strncmp(path, "/retry ", 7)) {
        loopserver_text(fd, "HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
    } else if (!strncmp(path, "/redirect ", 10)) {
        loopserver_text(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
    } else if (!strncmp(path, "/endless ", 9)) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\n\r\n");
        memset(text, 'x', sizeof text);
        for (int i = 0; i < 10000; i++) loopserver_send(fd, text, sizeof text);
    } else if (!strncmp(path, "/claims ", 8)) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nx");
    } else if (!strncmp(path, "/short ", 7)) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    } else if (!strncmp(path, "/bomb ", 6)) {
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", n_bomb);
        loopserver_text(fd, text);
        loopserver_send(fd, bomb, n_bomb);
    } else if (!strncmp(path, "/stall ", 7)) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
        sleep(8);
    } else if (!strncmp(path, "/echo ", 6)) {
        size_t n = strlen(request);
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%.8000s", n, request);
        loopserver_text(fd, text);
    } else if (!strncmp(path, "/cookie ", 8)) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nSet-Cookie: BAIDUID=abc; path=/\r\nContent-Length: 0\r\n\r\n");
    } else if (!strncmp(path, "/garbage ", 9)) {
        loopserver_text(fd, "\1\2\3 this is not HTTP\r\n\r\n");
    } else if (!strncmp(path, "/headers ", 9)) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < 3000; i++) loopserver_text(fd, "X-Long: 0123456789012345678901234567890123456789\r\n");
        loopserver_text(fd, "\r\n");
    } else if (!strncmp(path, "/early ", 7)) {
        loopserver_text(fd, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\nok");
    }
}

/* What came of the last request. */
typedef struct outcome {
    iad_http_error error;
    int status, calls;
    double retry;
    size_t n_headers;
    char body[9000], tag[2][64], location[64], message[256];
} outcome;

static void keep(void *user, const iad_http_answer *a) {
    outcome *o = user;
    o->calls++;
    o->error = a->error;
    o->status = a->status;
    o->retry = a->retry_after_s;
    o->n_headers = a->n_headers;
    snprintf(o->body, sizeof o->body, "%s", iad_buf_str(a->body));
    snprintf(o->message, sizeof o->message, "%s", a->message);
    for (size_t i = 0; i < 2; i++) {
        const char *value = iad_http_header_get(a, "X-ROBOTS-TAG", i);
        snprintf(o->tag[i], sizeof o->tag[i], "%s", value ? value : "");
    }
    const char *location = iad_http_header_get(a, "location", 0);
    snprintf(o->location, sizeof o->location, "%s", location ? location : "");
}

static int refuse(void *user, const iad_http_answer *so_far) {
    (void)user;
    return iad_http_header_get(so_far, "x-robots-tag", 0) != NULL;
}

static iad_http *client(int open, const char *connect_to) {
    iad_err err;
    iad_http *http = NULL;
    iad_strings to = {0};
    if (connect_to) assert_ok(iad_strings_add(&to, connect_to, &err));
    iad_http_options options = {.user_agent = "test/1 (+mailto:a@example.org)", .no_proxy = 1, .allow_private = open, .connect_to = &to};
    assert_ok(iad_http_new(&options, &http, &err));
    iad_strings_deinit(&to);
    return http;
}

static void fetch(iad_http *http, iad_http_request request, const char *path, outcome *o) {
    iad_err err;
    char url[256];
    if (*path == '/') snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
    else snprintf(url, sizeof url, "%s", path);
    memset(o, 0, sizeof *o);
    request.url = url;
    request.done = keep;
    request.user = o;
    assert_ok(iad_http_start(http, &request, &err));
    while (iad_http_active(http)) assert_ok(iad_http_poll(http, 500, &err));
    assert_int_equal(o->calls, 1);
}

static void test_answers(void **state) {
    (void)state;
    iad_http *http = client(1, NULL);
    outcome o;
    const iad_http_request plain = {.connect_s = 5};
    fetch(http, plain, "/ok", &o);
    assert_int_equal(o.error, IAD_HTTP_NONE);
    assert_int_equal(o.status, 200);
    assert_string_equal(o.body, "hello");
    assert_string_equal(o.tag[0], "noai");
    assert_string_equal(o.tag[1], "a: b");
    assert_int_equal(o.n_headers, 4);
    assert_true(o.retry < 0);
    fetch(http, plain, "/retry", &o);
    assert_int_equal(o.status, 503);
    assert_close(o.retry, 7, 0);
    fetch(http, plain, "/redirect", &o);
    assert_int_equal(o.status, 302);
    assert_string_equal(o.location, "/ok");
    fetch(http, plain, "/early", &o);
    assert_int_equal(o.status, 200);
    assert_int_equal(o.n_headers, 2);
    static const char *const headers[] = {"Content-Type: application/json", "Authorization: Bearer k"};
    fetch(http, (iad_http_request){.body = "{\"a\":1}", .n_body = 7, .headers = headers, .n_headers = 2}, "/echo", &o);
    assert_non_null(strstr(o.body, "POST /echo HTTP/1.1"));
    assert_non_null(strstr(o.body, "Authorization: Bearer k"));
    assert_non_null(strstr(o.body, "User-Agent: test/1 (+mailto:a@example.org)"));
    assert_non_null(strstr(o.body, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(o.body, "Cookie"));
    iad_http_free(http);
}

static void test_caps(void **state) {
    (void)state;
    iad_http *http = client(1, NULL);
    outcome o;
    fetch(http, (iad_http_request){.max_bytes = 100000}, "/endless", &o);
    assert_int_equal(o.error, IAD_HTTP_TOO_BIG);
    fetch(http, (iad_http_request){.max_bytes = 100000}, "/claims", &o);
    assert_int_equal(o.error, IAD_HTTP_TOO_BIG);
    fetch(http, (iad_http_request){.max_bytes = 100000, .decompress = 1}, "/bomb", &o);
    assert_int_equal(o.error, IAD_HTTP_TOO_BIG);
    fetch(http, (iad_http_request){.max_bytes = 100000}, "/bomb", &o); /* not asked to inflate: small */
    assert_int_equal(o.error, IAD_HTTP_NONE);
    fetch(http, (iad_http_request){0}, "/headers", &o);
    assert_int_equal(o.error, IAD_HTTP_TOO_BIG);
    fetch(http, (iad_http_request){0}, "/short", &o);
    assert_int_equal(o.error, IAD_HTTP_BROKEN);
    fetch(http, (iad_http_request){0}, "/garbage", &o);
    assert_int_equal(o.error, IAD_HTTP_BROKEN);
    fetch(http, (iad_http_request){.on_head = refuse}, "/ok", &o);
    assert_int_equal(o.error, IAD_HTTP_REFUSED);
    assert_string_equal(o.body, "");
    assert_string_equal(o.tag[0], "noai");
    iad_http_free(http);
}

static void test_deadlines(void **state) {
    (void)state;
    iad_http *http = client(1, NULL);
    outcome o;
    fetch(http, (iad_http_request){.total_s = 0.5}, "/stall", &o);
    assert_int_equal(o.error, IAD_HTTP_TIMEOUT);
    fetch(http, (iad_http_request){.stall_s = 1}, "/stall", &o);
    assert_int_equal(o.error, IAD_HTTP_SLOW);
    iad_http_free(http);
}

static void test_refusals(void **state) {
    (void)state;
    iad_err err;
    iad_http *http = client(0, NULL);
    outcome o;
    char url[100];
    int before = atomic_load(&server.requests);
    fetch(http, (iad_http_request){0}, "/ok", &o);
    assert_int_equal(o.error, IAD_HTTP_ADDRESS);
    snprintf(url, sizeof url, "http://2130706433:%d/ok", server.port); /* 127.0.0.1 as one number */
    fetch(http, (iad_http_request){0}, url, &o);
    assert_int_equal(o.error, IAD_HTTP_ADDRESS);
    snprintf(url, sizeof url, "http://localhost:%d/ok", server.port); /* by name: seen when it is resolved */
    fetch(http, (iad_http_request){0}, url, &o);
    assert_int_equal(o.error, IAD_HTTP_ADDRESS);
    fetch(http, (iad_http_request){0}, "file:///etc/passwd", &o);
    assert_int_equal(o.error, IAD_HTTP_BAD_URL);
    assert_int_equal(atomic_load(&server.requests), before);
    static const char *const split[] = {"A: b\r\nC: d"};
    assert_fails(IAD_ERR_ARG, iad_http_start(http, &(iad_http_request){.url = "http://a/", .headers = split, .n_headers = 1, .done = keep}, &err));
    iad_http_free(http);

    http = client(1, NULL);
    fetch(http, (iad_http_request){0}, "http://127.0.0.1:1/", &o);
    assert_int_equal(o.error, IAD_HTTP_CONNECT);
    fetch(http, (iad_http_request){0}, "http://no-such-host.invalid/", &o);
    assert_int_equal(o.error, IAD_HTTP_DNS);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/garbage", server.port);
    fetch(http, (iad_http_request){0}, url, &o);
    assert_int_equal(o.error, IAD_HTTP_TLS);
    assert_true(strlen(o.message) > 0);
    iad_http_free(http);
}

/* Any name at the test server; an open host by name. */
static void test_connect_to(void **state) {
    (void)state;
    iad_err err;
    char to[64];
    snprintf(to, sizeof to, "::127.0.0.1:%d", server.port);
    outcome o;
    iad_strings hosts = {0}, list = {0};
    assert_ok(iad_strings_add(&hosts, "*.shop.test", &err));
    assert_ok(iad_strings_add(&list, to, &err));
    iad_http *http = NULL;
    iad_http_options options = {.user_agent = "t", .no_proxy = 1, .allow_hosts = &hosts, .connect_to = &list};
    assert_ok(iad_http_new(&options, &http, &err));
    fetch(http, (iad_http_request){0}, "http://img.shop.test/echo", &o);
    assert_int_equal(o.error, IAD_HTTP_NONE);
    assert_non_null(strstr(o.body, "Host: img.shop.test"));
    fetch(http, (iad_http_request){0}, "http://other.test/echo", &o);
    assert_int_equal(o.error, IAD_HTTP_ADDRESS);
    iad_http_free(http);
    iad_strings_deinit(&hosts);
    iad_strings_deinit(&list);
}

static void test_cookies(void **state) {
    (void)state;
    iad_err err;
    iad_http *http = client(1, NULL);
    iad_http_jar *jar = NULL;
    outcome o;
    assert_ok(iad_http_jar_new(&jar, &err));
    fetch(http, (iad_http_request){.jar = jar}, "/cookie", &o);
    fetch(http, (iad_http_request){.jar = jar}, "/echo", &o);
    assert_non_null(strstr(o.body, "Cookie: BAIDUID=abc"));
    fetch(http, (iad_http_request){0}, "/echo", &o);
    assert_null(strstr(o.body, "BAIDUID"));
    iad_http_free(http);
    iad_http_jar_free(jar);
}

static void test_many_and_cancel(void **state) {
    (void)state;
    iad_err err;
    iad_http *http = client(1, NULL);
    static outcome o[64];
    char url[100];
    memset(o, 0, sizeof o);
    for (int i = 0; i < 64; i++) {
        snprintf(url, sizeof url, "http://127.0.0.1:%d/%s", server.port, i % 2 ? "ok" : "stall");
        assert_ok(iad_http_start(http, &(iad_http_request){.url = url, .done = keep, .user = &o[i]}, &err));
    }
    for (;;) {
        int done = 0;
        for (int i = 1; i < 64; i += 2) done += o[i].calls;
        if (done == 32) break;
        assert_ok(iad_http_poll(http, 200, &err));
    }
    assert_int_equal(iad_http_active(http), 32);
    iad_http_cancel_all(http);
    assert_int_equal(iad_http_active(http), 0);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(o[i].calls, 1);
        assert_int_equal(o[i].error, i % 2 ? IAD_HTTP_NONE : IAD_HTTP_CANCELLED);
    }
    iad_http_free(http);
}

static void test_addresses(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int is_public;
    } known[] = {{"8.8.8.8", 1},
                 {"127.0.0.1", 0},
                 {"10.1.2.3", 0},
                 {"172.16.0.1", 0},
                 {"172.32.0.1", 1},
                 {"192.168.1.1", 0},
                 {"169.254.169.254", 0},
                 {"100.64.0.1", 0},
                 {"100.128.0.1", 1},
                 {"0.0.0.0", 0},
                 {"224.0.0.1", 0},
                 {"255.255.255.255", 0},
                 {"198.18.0.1", 0},
                 {"192.0.0.8", 0},
                 {"0x7f.1", 0},
                 {"017700000001", 0},
                 {"::1", 0},
                 {"::", 0},
                 {"fe80::1", 0},
                 {"fd00::1", 0},
                 {"::ffff:10.0.0.1", 0},
                 {"::ffff:8.8.8.8", 1},
                 {"64:ff9b::7f00:1", 0},
                 {"2002:7f00:1::", 0},
                 {"2606:4700::1", 1},
                 {"2001:db8::1", 0},
                 {"ff02::1", 0},
                 {"2001::1", 0},
                 {"example.com", -1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (iad_net_public_text(known[i].text) != known[i].is_public) fail_msg("%s", known[i].text);
    assert_int_equal(iad_net_match("*.a.com", "b.A.com"), 1);
    assert_int_equal(iad_net_match("*.a.com", "a.com"), 0);
    assert_int_equal(iad_net_match("a.com", "A.com"), 1);
    assert_int_equal(iad_net_match("a.com", "ba.com"), 0);
    assert_int_equal(iad_proxy_excluded("localhost, .a.com,b.org", "x.a.com"), 1);
    assert_int_equal(iad_proxy_excluded("localhost, .a.com,b.org", "b.org"), 1);
    assert_int_equal(iad_proxy_excluded("localhost, .a.com,b.org", "ab.org"), 0);
    assert_int_equal(iad_proxy_excluded("*", "ab.org"), 1);
}

static void test_proxy(void **state) {
    (void)state;
    iad_err err;
    char url[64];
    outcome o;
    iad_http *http = NULL;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", server.port);
    setenv("http_proxy", url, 1);
    assert_ok(iad_http_new(&(iad_http_options){.user_agent = "t"}, &http, &err));
    fetch(http, (iad_http_request){0}, "http://example.com/ok", &o); /* the proxy gets the whole URL as its path */
    assert_int_equal(o.error, IAD_HTTP_BROKEN);
    fetch(http, (iad_http_request){0}, "http://10.0.0.1/ok", &o);
    assert_int_equal(o.error, IAD_HTTP_ADDRESS);
    iad_http_free(http);
    unsetenv("http_proxy");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),  cmocka_unit_test(test_caps),    cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_connect_to), cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_many_and_cancel), cmocka_unit_test(test_addresses), cmocka_unit_test(test_proxy)};
    make_bomb();
    if (!loopserver_start(&server, answer)) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
