/* One test per row of what breaks in practice: a real crawl of a small scripted web. */
#include "tests/unit/crawl/crawl_fixture.h"



#include "base/file.h"
#include "crawl/session/crawlplan.h"
#include "crawl/session/crawlrun.h"
#include "manifests/query.h"
#include "tests/unit/http/loopserver.h"

static loopserver server;
static iad_buf pictures[24]; /* JPEGs; the even ones 400 pixels, the odd ones 500 */
static iad_buf png;
static char heads[200][300];  /* the requests' first bytes */
static atomic_int n_heads, captcha, engine_pages;
static char said[4000];

static void send_file(int fd, const char *type, const iad_buf *body, size_t n) {
    char head[200];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, body->len);
    loopserver_text(fd, head);
    loopserver_send(fd, body->data, n);
}

static int is(const char *path, const char *what) {
    return !strncmp(path, what, strlen(what));
}

static void search_page(int fd, const char *path) {
    char html[9000], head[200];
    int first = (int)strtol(strstr(path, "first=") + 6, NULL, 10);
    size_t n = 0;
    if (atomic_load(&captcha) > 0 && atomic_fetch_sub(&captcha, 1) > 0) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html><div class=\"captcha-container\"></div></html>");
        return;
    }
    atomic_fetch_add(&engine_pages, 1);
    html[0] = 0;
    for (int i = first; i < first + 3 && i <= 6; i++)
        n += (size_t)snprintf(html + n, sizeof html - n,
                              "<li><a class=\"iusc\" m=\"{&quot;murl&quot;:&quot;http://127.0.0.1:%d/good/%d.jpg&quot;}\"></a></li>", server.port, i);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", n);
    loopserver_text(fd, head);
    loopserver_text(fd, html);
}

static void answer(loopserver *self, int fd, const char *request) {
    char text[400];
    const char *path = strchr(request, ' ') ? strchr(request, ' ') + 1 : "";
    int slot = atomic_fetch_add(&n_heads, 1), number = (int)strtol(path + strcspn(path, "0123456789"), NULL, 10);
    if (slot < 200) snprintf(heads[slot], sizeof heads[slot], "%.299s", request);
    (void)self;
    if (is(path, "/robots.txt")) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nUser-agent: *\nDisallow: /private/\n");
    } else if (is(path, "/images/async")) {
        search_page(fd, path);
    } else if (is(path, "/good/")) {
        send_file(fd, "image/jpeg", &pictures[number % 24], pictures[number % 24].len);
    } else if (is(path, "/gone")) {
        loopserver_text(fd, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    } else if (is(path, "/down")) {
        loopserver_text(fd, "HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    } else if (is(path, "/forbidden")) {
        loopserver_text(fd, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    } else if (is(path, "/html")) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: image/jpeg\r\n\r\n<html>hotlinking is not allowed</html>");
    } else if (is(path, "/stand-in/")) {
        send_file(fd, "image/jpeg", &pictures[20], pictures[20].len);
    } else if (is(path, "/wrong")) {
        send_file(fd, "text/html", &png, png.len);
    } else if (is(path, "/gif")) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nGIF89a and so on");
    } else if (is(path, "/half")) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        loopserver_send(fd, pictures[1].data, pictures[1].len / 2);
    } else if (is(path, "/huge")) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        loopserver_send(fd, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0\xa8\x05\x0d\x4f", 33);
    } else if (is(path, "/endless")) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        for (int i = 0; i < 4000; i++) loopserver_send(fd, pictures[2].data, pictures[2].len);
    } else if (is(path, "/drip")) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        for (int i = 0; i < 300; i++) {
            loopserver_send(fd, pictures[3].data + i * 40, 40);
            usleep(20000);
        }
    } else if (is(path, "/hop/")) {
        snprintf(text, sizeof text, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: %s%d\r\nContent-Length: 0\r\n\r\n",
                 number > 1 ? "/hop/" : "/good/", number > 1 ? number - 1 : 5);
        loopserver_text(fd, text);
    } else if (is(path, "/circle")) {
        loopserver_text(fd, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /circle?again\r\nContent-Length: 0\r\n\r\n");
    } else if (is(path, "/login")) {
        loopserver_text(fd, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /html\r\nContent-Length: 0\r\n\r\n");
    } else if (is(path, "/inside")) {
        loopserver_text(fd, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n");
    } else if (is(path, "/to-file")) {
        loopserver_text(fd, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
    } else if (is(path, "/optout")) {
        loopserver_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Robots-Tag: noai\r\nContent-Length: 9999999\r\n\r\n");
    } else {
        send_file(fd, "image/jpeg", &pictures[number % 24], pictures[number % 24].len);
    }
}

/* ---- one crawl ---- */

static void remember(void *user, const char *text) {
    size_t n = strlen(said);
    (void)user;
    snprintf(said + n, sizeof said - n, "%s\n", text);
}

static iad_manifest *m;
static char folder[] = "/tmp/iad-crawl-test-XXXXXX";

static iad_crawl_options options(void) {
    static iad_strings hosts;
    iad_err err;
    if (!hosts.n) assert_ok(iad_strings_add(&hosts, "127.0.0.1", &err));
    iad_crawl_options o = iad_crawl_options_default();
    o.out = folder;
    o.contact = "mailto:test@example.org";
    o.allow_hosts = &hosts;
    o.no_proxy = 1;
    o.host_delay_s = 0;
    o.host_connections = 4;
    o.backoff_s = 0.01;
    o.total_s = 2;
    o.connect_s = 2;
    o.max_bytes = 1 << 20;
    o.judge.min_bytes = 100;
    o.park_after = 1000;
    o.rules.optout_hosts = 0;
    o.say = remember;
    return o;
}

static int setup(void **state) {
    iad_err err;
    (void)state;
    atomic_store(&n_heads, 0);
    atomic_store(&captcha, 0);
    said[0] = 0;
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, &m, &err));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    iad_manifest_close(m);
    return 0;
}

/* Crawls these paths of the server (or whole addresses), as a list. */
static iad_crawl_counts crawl(const char *const *paths, const iad_crawl_options *o) {
    iad_err err;
    iad_crawl_counts counts;
    iad_buf list;
    char file[200];
    int64_t *ids, bad;
    size_t n;
    iad_buf_init(&list, 1 << 20);
    for (; *paths; paths++) {
        if (**paths == '/') assert_ok(iad_buf_addf(&list, &err, "http://127.0.0.1:%d%s\n", server.port, *paths));
        else assert_ok(iad_buf_addf(&list, &err, "%s\n", *paths));
    }
    snprintf(file, sizeof file, "%s/list.txt", folder);
    assert_ok(iad_file_write(file, list.data, list.len, &err));
    iad_crawl_plan plan = {.target = 0};
    assert_ok(iad_crawl_plan_urls(m, o, &plan, file, &ids, &n, &bad, &err));
    assert_ok(iad_crawl_run(m, o, ids, n, &counts, &err));
    free(ids);
    iad_buf_deinit(&list);
    return counts;
}

static int64_t count(const char *sql) {
    iad_err err;
    int64_t n = -1;
    assert_ok(iad_query_scalar(m, sql, -1, &n, &err));
    return n;
}

static void verdict_is(const char *path, const char *wanted) {
    iad_err err;
    iad_query q;
    char text[200] = "nothing";
    assert_ok(iad_query_open_text(&q, m, "hit", "SELECT verdict||coalesce('/'||reason,'') FROM crawl_hit WHERE raw_url LIKE '%'||?", &err));
    iad_query_text(&q, path);
    if (iad_query_next(&q)) snprintf(text, sizeof text, "%.190s", iad_query_col_text(&q, 0));
    assert_ok(iad_query_close(&q, &err));
    if (strcmp(text, wanted) != 0) fail_msg("%s: %s, wanted %s", path, text, wanted);
}

static int asked(const char *path) {
    char line[300];
    int n = 0;
    snprintf(line, sizeof line, "GET %s ", path);
    for (int i = 0; i < atomic_load(&n_heads) && i < 200; i++) n += !strncmp(heads[i], line, strlen(line));
    return n;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static iad_crawl_counts search(iad_crawl_options *o, int64_t target) {
    static const char *const engines[] = {"bing", NULL};
    iad_err err;
    iad_crawl_counts counts;
    iad_products products;
    iad_strings urls = {0};
    char base[64];
    int64_t *ids;
    snprintf(base, sizeof base, "bing=http://127.0.0.1:%d", server.port);
    assert_ok(iad_strings_add(&urls, base, &err));
    assert_ok(iad_products_builtin(&products, &err));
    o->engine_urls = &urls;
    o->engine_delay_lo_s = o->engine_delay_hi_s = 0.01;
    o->block_pause_s = 0;
    o->variants = 1;
    const iad_product *one = &products.items[0];
    iad_crawl_plan plan = {.engines = engines, .target = target};
    assert_ok(iad_crawl_plan_products(m, o, &plan, &one, 1, &ids, &err));
    assert_ok(iad_crawl_run(m, o, ids, 1, &counts, &err));
    free(ids);
    iad_products_deinit(&products);
    iad_strings_deinit(&urls);
    return counts;
}

/* ---- the rows ---- */

static void test_fewer_than_asked(void **state) {
    (void)state;
    iad_crawl_options o = options();
    iad_crawl_counts c = search(&o, 50);
    assert_int_equal(c.kept, 6);
    assert_int_equal(c.shortfall, 44); /* told, no failure */
    assert_int_equal(count("SELECT count(*) FROM crawl_goal WHERE state='short' AND kept=6"), 1);
    assert_int_equal(count("SELECT count(*) FROM crawl_query WHERE state='done'"), 1);
}

static void test_exactly_what_is_asked(void **state) {
    (void)state;
    iad_crawl_options o = options();
    iad_crawl_counts c = search(&o, 4);
    assert_int_equal(c.kept, 4);
    assert_int_equal(count("SELECT count(*) FROM crawl_url WHERE state='done'"), 4); /* not one more was fetched */
    assert_int_equal(count("SELECT count(*) FROM image WHERE part='train' AND label='unknown' AND exemplar_ok=0"), 4);
}

static void test_block_that_looks_like_success(void **state) {
    (void)state;
    iad_crawl_options o = options();
    atomic_store(&captcha, 1000);
    atomic_store(&engine_pages, 0);
    iad_crawl_counts c = search(&o, 4);
    assert_int_equal(c.engines_blocked, 1);
    assert_int_equal(1000 - atomic_load(&captcha), 3); /* three strikes, no fourth request */
    assert_non_null(strstr(said, "given up"));
    assert_int_equal(count("SELECT count(*) FROM crawl_query WHERE state IN('todo','active')"), 1); /* kept for later */
    assert_int_equal(count("SELECT strikes FROM crawl_engine"), 3);
    atomic_store(&captcha, 0);
    c = search(&o, 4);
    assert_int_equal(c.engines_blocked, 0);
    assert_int_equal(c.kept, 4);
}

static void test_dead_links(void **state) {
    (void)state;
    iad_crawl_options o = options();
    char closed[64];
    snprintf(closed, sizeof closed, "http://127.0.0.1:1/x.jpg");
    crawl(LIST("/good/1", "/gone", "http://no-such-host.invalid/x.jpg", closed, "/down", "/private/1"), &o);
    verdict_is("/good/1", "kept");
    verdict_is("/gone", "failed/http_4xx");
    verdict_is(".invalid/x.jpg", "failed/dns");
    verdict_is(":1/x.jpg", "failed/connect");
    verdict_is("/down", "failed/http_5xx");
    verdict_is("/private/1", "failed/robots");
    assert_int_equal(asked("/private/1"), 0);
}

static void test_hot_link_protection(void **state) {
    (void)state;
    iad_crawl_options o = options();
    iad_err err;
    iad_buf list;
    char file[200];
    int64_t *ids, bad;
    size_t n;
    iad_crawl_counts counts;
    iad_buf_init(&list, 10000);
    assert_ok(iad_buf_add_str(&list, "url\tpage_url\n", &err));
    for (int i = 0; i < 3; i++) assert_ok(iad_buf_addf(&list, &err, "http://127.0.0.1:%d/stand-in/%d\thttp://shop.test/%d\n", server.port, i, i));
    assert_ok(iad_buf_addf(&list, &err, "http://127.0.0.1:%d/forbidden\thttp://shop.test/8\nhttp://127.0.0.1:%d/html\thttp://shop.test/9\n",
                           server.port, server.port));
    snprintf(file, sizeof file, "%s/pages.tsv", folder);
    assert_ok(iad_file_write(file, list.data, list.len, &err));
    iad_crawl_plan plan = {.target = 0};
    assert_ok(iad_crawl_plan_urls(m, &o, &plan, file, &ids, &n, &bad, &err));
    assert_ok(iad_crawl_run(m, &o, ids, n, &counts, &err));
    free(ids);
    iad_buf_deinit(&list);
    for (int i = 0; i < 3; i++) {
        char path[40];
        snprintf(path, sizeof path, "/stand-in/%d", i);
        verdict_is(path, "rejected/placeholder");
    }
    verdict_is("/forbidden", "failed/http_4xx");
    verdict_is("/html", "rejected/not_image");
    for (int i = 0; i < atomic_load(&n_heads) && i < 200; i++) assert_null(strcasestr(heads[i], "\r\nreferer:"));
}

static void test_wrong_extension_and_type(void **state) {
    (void)state;
    iad_crawl_options o = options();
    crawl(LIST("/wrong.jpg"), &o);
    verdict_is("/wrong.jpg", "kept");
    assert_int_equal(count("SELECT count(*) FROM crawl_picture WHERE format='png' AND path LIKE 'images/%.png'"), 1);
    assert_int_equal(count("SELECT count(*) FROM crawl_url WHERE content_type='text/html' AND picture_id IS NOT NULL"), 1);
}

static void test_unsupported_formats(void **state) {
    (void)state;
    iad_crawl_options o = options();
    crawl(LIST("/gif"), &o);
    verdict_is("/gif", "rejected/unsupported");
    assert_int_equal(count("SELECT count(*) FROM crawl_picture WHERE format='gif'"), 1); /* counted */
    for (int i = 0; i < atomic_load(&n_heads); i++)
        if (!strncmp(heads[i], "GET /gif ", 9)) assert_non_null(strstr(heads[i], "Accept: image/jpeg,"));
}

static void test_truncated(void **state) {
    (void)state;
    iad_crawl_options o = options();
    crawl(LIST("/half"), &o);
    verdict_is("/half", "rejected/truncated");
}

static void test_bombs(void **state) {
    (void)state;
    iad_crawl_options o = options();
    crawl(LIST("/huge", "/endless"), &o);
    verdict_is("/huge", "rejected/too_big");
    verdict_is("/endless", "failed/too_big");
}

static void test_print_shop_pictures(void **state) {
    (void)state;
    iad_err err;
    iad_crawl_options o = options();
    char path[4096];
    uint8_t *data;
    size_t n;
    static const char *const files[] = {"cmyk.jpg", "exif.jpg", "rgb16.png"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/../../codec/data/%s", IAD_TEST_DATA, files[i]);
        if (!iad_file_exists(path)) continue;
        assert_ok(iad_file_read(path, 1 << 24, &data, &n, &err));
        iad_buf kept = pictures[21 + i];
        iad_buf_init(&pictures[21 + i], 1 << 24);
        assert_ok(iad_buf_add(&pictures[21 + i], data, n, &err));
        free(data);
        iad_buf_deinit(&kept);
    }
    o.rules.min_side = 1;
    crawl(LIST("/good/21", "/good/22", "/good/23"), &o);
    assert_int_equal(count("SELECT count(*) FROM crawl_picture WHERE error='decode'"), 0);
    assert_int_equal(count("SELECT count(*) FROM crawl_picture WHERE channels=4"), 1);                  /* as stored, though the pixels are RGB */
    assert_true(count("SELECT count(*) FROM crawl_picture WHERE orientation BETWEEN 2 AND 8") >= 1); /* noted; the bytes stay */
    assert_int_equal(count("SELECT count(*) FROM crawl_picture WHERE path IS NOT NULL AND stored_sha256<>sha256"), 0);
}

static void test_redirects(void **state) {
    (void)state;
    iad_crawl_options o = options();
    crawl(LIST("/hop/3", "/hop/9", "/circle", "/login", "/inside"), &o);
    verdict_is("/hop/3", "kept");
    verdict_is("/hop/9", "failed/redirect_loop");
    verdict_is("/circle", "failed/redirect_loop");
    verdict_is("/login", "rejected/not_image");
    verdict_is("/inside", "failed/address");
    assert_int_equal(count("SELECT count(*) FROM image WHERE source_url LIKE '%/hop/3'"), 1);
}

static void test_slow_for_ever(void **state) {
    (void)state;
    iad_crawl_options o = options();
    o.tries = 1;
    crawl(LIST("/drip"), &o);
    verdict_is("/drip", "failed/timeout");
}

static void test_no_retry_storm(void **state) {
    (void)state;
    iad_crawl_options o = options();
    crawl(LIST("/gone", "/forbidden", "/down"), &o);
    assert_int_equal(asked("/gone"), 1);
    assert_int_equal(asked("/forbidden"), 1);
    assert_int_equal(asked("/down"), 3);
    assert_int_equal(count("SELECT tries FROM crawl_url WHERE url LIKE '%/down'"), 3);
}

static void test_odd_addresses(void **state) {
    (void)state;
    iad_crawl_options o = options();
    crawl(LIST("/good/1 \xe4\xba\xa7 x.jpg", "/good/2%zz\"<>.jpg#top"), &o);
    verdict_is("x.jpg", "kept");
    verdict_is(".jpg#top", "kept");
    assert_int_equal(asked("/good/1%20%E4%BA%A7%20x.jpg"), 1);
    assert_int_equal(asked("/good/2%25zz%22%3C%3E.jpg"), 1);
}

static void test_names_and_resume(void **state) {
    (void)state;
    iad_crawl_options o = options();
    const char *const list[] = {"/a/7/photo.jpg", "/b/8/photo.jpg", "/c/9/photo.jpg", NULL};
    crawl(list, &o);
    assert_int_equal(count("SELECT count(DISTINCT path) FROM image"), 3); /* by content, not by name */
    int before = atomic_load(&n_heads);
    crawl(list, &o);
    assert_int_equal(atomic_load(&n_heads), before); /* nothing is sent twice */
    assert_int_equal(count("SELECT count(*) FROM crawl_hit"), 3);
    /* A file that a power failure took is noticed and fetched again. */
    iad_err err;
    iad_query q;
    char path[400] = "";
    assert_ok(iad_query_open_text(&q, m, "p", "SELECT path FROM crawl_picture LIMIT 1", &err));
    if (iad_query_next(&q)) snprintf(path, sizeof path, "%s/%s", folder, iad_query_col_text(&q, 0));
    assert_ok(iad_query_close(&q, &err));
    assert_int_equal(unlink(path), 0);
    crawl(list, &o);
    assert_int_equal(iad_file_exists(path), 1);
    assert_int_equal(count("SELECT count(*) FROM crawl_hit WHERE verdict='kept'"), 3);
}

static void test_other_schemes(void **state) {
    (void)state;
    iad_crawl_options o = options();
    crawl(LIST("file:///etc/passwd", "ftp://127.0.0.1/x.jpg", "/to-file"), &o);
    verdict_is("/etc/passwd", "failed/scheme");
    verdict_is("ftp://127.0.0.1/x.jpg", "failed/scheme");
    verdict_is("/to-file", "failed/scheme");
}

static void test_opt_out_before_the_body(void **state) {
    (void)state;
    iad_crawl_options o = options();
    iad_crawl_counts c = crawl(LIST("/optout"), &o);
    verdict_is("/optout", "failed/optout");
    assert_true(c.bytes < 1000);
    assert_int_equal(count("SELECT count(*) FROM crawl_url WHERE optout='noai' AND error='optout'"), 1);
}

/* Private addresses are refused unless they are allowed; a contact is demanded. */
static void test_refusals(void **state) {
    (void)state;
    iad_err err;
    iad_crawl_counts counts;
    iad_crawl_options o = options();
    o.allow_hosts = NULL;
    crawl(LIST("/good/1"), &o);
    verdict_is("/good/1", "failed/address");
    assert_int_equal(atomic_load(&n_heads), 0);
    o.contact = NULL;
    assert_fails(IAD_ERR_ARG, iad_crawl_run(m, &o, NULL, 0, &counts, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_fewer_than_asked, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_exactly_what_is_asked, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_block_that_looks_like_success, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_dead_links, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_hot_link_protection, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_wrong_extension_and_type, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_unsupported_formats, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_bombs, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_print_shop_pictures, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_redirects, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_slow_for_ever, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_no_retry_storm, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_odd_addresses, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_names_and_resume, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_other_schemes, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_opt_out_before_the_body, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_refusals, setup, teardown)};
    iad_err err;
    if (!mkdtemp(folder) || !loopserver_start(&server, answer)) return 1;
    for (int i = 0; i < 24; i++) pictures[i] = fixture_jpeg(i % 2 ? 500 : 400, i % 2 ? 500 : 400, (uint64_t)i + 100);
    iad_image image = fixture_picture(420, 420, 1000);
    iad_buf_init(&png, 1 << 22);
    if (iad_encode_png(&image, 1, &png, &err) != IAD_OK) return 1;
    iad_image_deinit(&image);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
