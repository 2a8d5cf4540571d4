/* A multipart body means the same wherever the network cuts it: every cut into two pieces goes through libmicrohttpd's own reader. The reader
 * wants a connection, so one request is made for its header; the bodies come from here. */
#include "tests/unit/iad_test.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/serve/bodypicture.h"

#define EDGE "----edge"
static const char body[] = "--" EDGE "\r\nContent-Disposition: form-data; name=\"options\"\r\n\r\n{\"words\": true}\r\n"
                           "--" EDGE "\r\nContent-Disposition: form-data; name=\"images\"; filename=\"a.png\"\r\nContent-Type: "
                                     "image/png\r\n\r\nfirst\r\n-picture\r\n"
                           "--" EDGE "\r\nContent-Disposition: form-data; name=\"images\"; filename=\"a.png\"\r\nContent-Type: "
                                     "image/png\r\n\r\nsecond\r\n"
                           "--" EDGE "\r\nContent-Disposition: form-data; name=\"images\"; filename=\"empty.png\"\r\n\r\n\r\n"
                           "--" EDGE "--\r\n";

typedef struct result {
    size_t cuts, wrong, first_wrong;
} result;

static enum MHD_Result take_part(void *user, enum MHD_ValueKind kind, const char *key, const char *file, const char *type, const char *coding,
                                 const char *bytes, uint64_t at, size_t n) {
    iad_err err = IAD_ERR_NONE;
    (void)kind, (void)type, (void)coding;
    return iad_parts_take(user, key, file, bytes, at, n, 1 << 20, &err) == IAD_OK ? MHD_YES : MHD_NO;
}

static int part_is(const iad_part *part, const char *field, const char *file, const char *bytes) {
    return strcmp(part->field, field) == 0 && strcmp(part->file ? part->file : "", file) == 0 && strcmp(part->bytes, bytes) == 0 &&
        part->n == strlen(bytes);
}

static int right(struct MHD_Connection *connection, size_t cut) {
    iad_parts parts = {0};
    struct MHD_PostProcessor *post = MHD_create_post_processor(connection, 1024, take_part, &parts);
    int ok = post != NULL && MHD_post_process(post, body, cut) == MHD_YES && MHD_post_process(post, body + cut, sizeof body - 1 - cut) == MHD_YES;
    ok = (!post || MHD_destroy_post_processor(post) == MHD_YES) && ok;
    ok = ok && parts.n == 4 && part_is(&parts.items[0], "options", "", "{\"words\": true}") &&
        part_is(&parts.items[1], "images", "a.png", "first\r\n-picture") &&
         part_is(&parts.items[2], "images", "a.png", "second") && part_is(&parts.items[3], "images", "empty.png", "");
    iad_parts_deinit(&parts);
    return ok;
}

static enum MHD_Result answer(void *user, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *data, size_t *size, void **state) {
    (void)url, (void)method, (void)version, (void)data, (void)size, (void)state;
    result *r = user;
    for (size_t cut = 1; cut < sizeof body - 1; cut++, r->cuts++)
        if (!right(connection, cut) && r->wrong++ == 0) r->first_wrong = cut;
    return MHD_NO; /* nobody waits for an answer */
}

static void test_every_cut(void **state) {
    (void)state;
    result r = {0};
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, &r, MHD_OPTION_SOCK_ADDR,
                                                 (const struct sockaddr *)&any, MHD_OPTION_END);
    assert_non_null(daemon);
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons(MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port)};
    static const char head[] =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=" EDGE "\r\nContent-Length: 1\r\n\r\n";
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, head, sizeof head - 1, 0), sizeof head - 1);
    char end;
    assert_true(recv(fd, &end, 1, 0) <= 0); /* closed: all cuts are done */
    close(fd);
    MHD_stop_daemon(daemon);
    assert_int_equal(r.cuts, sizeof body - 2);
    if (r.wrong)
        fail_msg("%zu of %zu cuts give other parts; the first after %zu bytes, before \"%.20s\"", r.wrong, r.cuts, r.first_wrong,
                 body + r.first_wrong);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
