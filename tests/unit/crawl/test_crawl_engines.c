/* Engines: requests, answers in the recorded form (data/), blocks, ends, and answers that are not what they should be. */
#include "tests/unit/iad_test.h"

#include "base/file.h"
#include "crawl/engine/baidu_url.h"
#include "crawl/engine/searchengine.h"
#include "crawl/engine/laxjson.h"
#include "crawl/engine/urllist.h"

static char *fixture(const char *name, size_t *n) {
    iad_err err;
    char path[4096];
    uint8_t *data = NULL;
    snprintf(path, sizeof path, "%s/%s", IAD_TEST_DATA, name);
    assert_ok(iad_file_read(path, 1 << 20, &data, n, &err));
    return (char *)data;
}

static void parse(const iad_engine *engine, int status, const char *body, size_t n, const char *last, iad_page *page) {
    iad_err err;
    iad_reply reply = {.status = status, .body = body, .n = n, .last_url = last};
    if (status == 302) reply.location = "https://wappass.baidu.com/static/captcha/?x=1";
    assert_ok(engine->parse(engine, &reply, page, &err));
}

static void state_of(const iad_engine *engine, int status, const char *body, iad_page_state wanted) {
    iad_page page;
    parse(engine, status, body, strlen(body), NULL, &page);
    if (page.state != wanted) fail_msg("%s, status %d, '%.60s': state %d (%s)", engine->name, status, body, page.state, page.why);
    iad_page_deinit(&page);
}

static char *request(const iad_engine *engine, const char *text, int64_t at, const iad_search_filters *filters) {
    iad_err err;
    iad_buf url;
    iad_buf_init(&url, 8192);
    iad_search search = {engine->base, text, "en-US", filters, at};
    assert_ok(engine->request(engine, &search, &url, &err));
    char *result = iad_buf_take(&url, NULL);
    assert_non_null(result);
    return result;
}

static void contains(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("'%s' is not in '%s'", part, text);
}

static void test_requests(void **state) {
    (void)state;
    iad_search_filters f = IAD_SEARCH_FILTERS;
    f.licence = "share-commercial";
    f.colour = "red";
    char *url = request(&iad_engine_bing, "hex nut & bolt", 36, &f);
    contains(url, "https://www.bing.com/images/async?q=hex%20nut%20%26%20bolt&first=36&count=35&async=1&mkt=en-US&adlt=moderate&qft=");
    contains(url, "+filterui:photo-photo+filterui:imagesize-custom_400_400+filterui:license-L2_L3_L4+filterui:color2-FGcls_RED");
    free(url);
    f.min_side = 1200;
    url = request(&iad_engine_baidu, "六角螺母", 90, &f);
    contains(url, "https://image.baidu.com/search/acjson?tn=resultjson_com&");
    contains(url, "&word=%E5%85%AD%E8%A7%92%E8%9E%BA%E6%AF%8D&");
    contains(url, "&lm=7&");
    contains(url, "&z=9");
    contains(url, "&ic=1&");
    contains(url, "&pn=90&rn=30&gsm=5a");
    free(url);
    url = request(&iad_engine_openverse, "hex nut", 2, &f);
    contains(url, "https://api.openverse.org/v1/images/?q=hex%20nut&page=2&page_size=20&category=photograph&license_type=commercial");
    free(url);
    assert_int_equal(iad_engine_bing.next(&iad_engine_bing, 1, 33), 34);
    assert_int_equal(iad_engine_baidu.next(&iad_engine_baidu, 30, 12), 60);
    assert_ptr_equal(iad_engine_find("baidu"), &iad_engine_baidu);
    assert_null(iad_engine_find("google"));
}

static void test_bing_page(void **state) {
    (void)state;
    size_t n;
    char *body = fixture("bing_async.html", &n);
    iad_page page;
    parse(&iad_engine_bing, 200, body, n, NULL, &page);
    assert_int_equal(page.state, IAD_PAGE_OK);
    assert_int_equal(page.hits.n, 4);
    assert_int_equal(page.bad_items, 2); /* one with broken JSON, one without an address */
    const iad_hit *h = page.hits.items;
    assert_string_equal(h[0].image_url, "https://shop.example.com/img/hex-nut.webp?w=1200&h=800");
    assert_string_equal(h[0].page_url, "https://shop.example.com/hex-nut");
    assert_string_equal(h[0].title, "Steel hex nut M8");
    assert_string_equal(h[0].key, "0A1B2C");
    assert_string_equal(h[0].site, "shop.example.com");
    assert_int_equal(h[0].width, 1200);
    assert_int_equal(h[0].height, 800);
    assert_string_equal(h[0].format, "jpeg");
    assert_string_equal(h[1].image_url, "http://parts.example.org/a b.jpg");
    assert_string_equal(h[1].title, "from the caption");
    assert_int_equal(h[1].width, 0);
    assert_string_equal(h[2].key, "ffee");
    assert_string_equal(h[3].image_url, "https://cdn.example.net/六角.png");
    iad_page_deinit(&page);
    parse(&iad_engine_bing, 200, body, n, "https://cdn.example.net/六角.png", &page);
    assert_int_equal(page.state, IAD_PAGE_END);
    iad_page_deinit(&page);
    free(body);
}

static void test_bing_blocks_and_ends(void **state) {
    (void)state;
    state_of(&iad_engine_bing, 200, "", IAD_PAGE_END);
    state_of(&iad_engine_bing, 200, "<div>no results</div>", IAD_PAGE_END);
    state_of(&iad_engine_bing, 200, "<html><div class=\"captcha-container\">prove it</div></html>", IAD_PAGE_BLOCKED);
    state_of(&iad_engine_bing, 200, "<a class=\"iusc\" m=\"{broken\">", IAD_PAGE_BROKEN);
    state_of(&iad_engine_bing, 429, "", IAD_PAGE_BLOCKED);
    state_of(&iad_engine_bing, 403, "", IAD_PAGE_BLOCKED);
    state_of(&iad_engine_bing, 202, "", IAD_PAGE_BLOCKED); /* DuckDuckGo's way of a captcha */
    state_of(&iad_engine_bing, 302, "", IAD_PAGE_BLOCKED);
    state_of(&iad_engine_bing, 500, "", IAD_PAGE_BROKEN);
}

static void test_baidu_page(void **state) {
    (void)state;
    size_t n;
    char *body = fixture("baidu_acjson.json", &n);
    iad_page page;
    parse(&iad_engine_baidu, 200, body, n, NULL, &page);
    assert_int_equal(page.state, IAD_PAGE_OK);
    assert_int_equal(page.available, 1987);
    assert_int_equal(page.hits.n, 5);
    const iad_hit *h = page.hits.items;
    assert_string_equal(h[0].image_url, "http://pic.example.cn/photo/hex_nut.jpg");
    assert_string_equal(h[0].page_url, "http://www.example.cn/item/1.html");
    assert_string_equal(h[0].title, "M8 'best' nut");
    assert_string_equal(h[0].key, "123,456");
    assert_int_equal(h[0].width, 800);
    assert_string_equal(h[1].image_url, "https://img.example.com/nut.png?x=1&y=2"); /* out of the wrapper that expires */
    assert_string_equal(h[1].title, "bold title");
    assert_string_equal(h[2].image_url, "http://origin.example.cn/real.jpg");       /* not Baidu's cached copy, which comes first */
    assert_int_equal(h[2].thumbnail, 0);
    assert_string_equal(h[3].image_url, "https://img0.baidu.com/it/u=7,8&fm=253");
    assert_int_equal(h[3].thumbnail, 1);
    assert_int_equal(h[3].width, 0);                                                /* the size of the original says nothing about the copy */
    assert_int_equal(h[4].advert, 1);
    iad_page_deinit(&page);
    free(body);
}

static void test_baidu_blocks(void **state) {
    (void)state;
    iad_page page;
    state_of(&iad_engine_baidu, 200, "{\"antiFlag\":1,\"message\":\"Forbid spider access\"}", IAD_PAGE_BLOCKED);
    state_of(&iad_engine_baidu, 302, "", IAD_PAGE_BLOCKED);
    state_of(&iad_engine_baidu, 200, "<!DOCTYPE html><title>verify</title>", IAD_PAGE_BLOCKED);
    state_of(&iad_engine_baidu, 200, "  \n", IAD_PAGE_BLOCKED);
    state_of(&iad_engine_baidu, 200, "{\"queryEnc\":\"x\"}", IAD_PAGE_BROKEN);
    state_of(&iad_engine_baidu, 200, "{\"data\":[{}]}", IAD_PAGE_END);
    state_of(&iad_engine_baidu, 200, "{\"data\":[", IAD_PAGE_BROKEN);
    /* One item that is no JSON costs itself only. */
    static const char torn[] =
        "{\"listNum\":9,\"data\":[{\"objURL\":\"http://a.example/1.jpg\"},{\"objURL\":oops},{\"objURL\":\"http://a.example/3.jpg\"},{}";
    parse(&iad_engine_baidu, 200, torn, strlen(torn), NULL, &page);
    assert_int_equal(page.state, IAD_PAGE_OK);
    assert_int_equal(page.hits.n, 2);
    assert_int_equal(page.bad_items, 1);
    iad_page_deinit(&page);
}

static void test_baidu_addresses(void **state) {
    (void)state;
    iad_err err;
    static const struct {
        const char *from, *to;
    } known[] = {
        {"ippr_z2C$qAzdH3FAzdH3F", "http://"}, {"ipprf_z2C$qAzdH3FAzdH3Ftg_z&e3Bv54AzdH3F", "https://in.com/"}, {"http://plain/x", "http://plain/x"}};
    iad_buf out;
    iad_buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        iad_buf_reset(&out);
        assert_ok(iad_baidu_url_decode(known[i].from, &out, &err));
        assert_string_equal(iad_buf_str(&out), known[i].to);
    }
    iad_buf_reset(&out);
    assert_ok(iad_baidu_url_unwrap("https://gimg2.baidu.com/image_search/src=http%3A%2F%2Fa.b%2Fc.jpg&refer=http%3A%2F%2Fa.b&sec=1", &out, &err));
    assert_string_equal(iad_buf_str(&out), "http://a.b/c.jpg");
    iad_buf_reset(&out);
    assert_ok(iad_baidu_url_unwrap("https://gimg2.baidu.com/image_search/src=%2F%2Fa.b%2Fc.jpg&refer=x", &out, &err));
    assert_string_equal(iad_buf_str(&out), "http://a.b/c.jpg");
    iad_buf_reset(&out);
    assert_ok(iad_baidu_url_unwrap("http://a.b/image_search/src=x", &out, &err));
    assert_string_equal(iad_buf_str(&out), "http://a.b/image_search/src=x");
    iad_buf_deinit(&out);
    assert_int_equal(iad_baidu_url_is_copy("https://img1.baidu.com/it/u=1,2&fm=26"), 1);
    assert_int_equal(iad_baidu_url_is_copy("http://ss0.bdimg.com/x"), 1);
    assert_int_equal(iad_baidu_url_is_copy("http://notbdimg.com/x"), 0);
}

static void test_openverse_page(void **state) {
    (void)state;
    size_t n;
    char *body = fixture("openverse.json", &n);
    iad_page page;
    parse(&iad_engine_openverse, 200, body, n, NULL, &page);
    assert_int_equal(page.hits.n, 2);
    assert_int_equal(page.bad_items, 1);
    assert_string_equal(page.hits.items[0].licence, "by-sa 4.0");
    assert_string_equal(page.hits.items[0].creator, "A. Person");
    assert_string_equal(page.hits.items[0].licence_url, "https://creativecommons.org/licenses/by-sa/4.0/");
    assert_int_equal(page.hits.items[0].width, 2048);
    assert_string_equal(page.hits.items[1].licence, "cc0");
    iad_page_deinit(&page);
    free(body);
    state_of(&iad_engine_openverse, 404, "{}", IAD_PAGE_END);
    state_of(&iad_engine_openverse, 200, "{\"results\":[]}", IAD_PAGE_END);
    state_of(&iad_engine_openverse, 429, "", IAD_PAGE_BLOCKED);
    state_of(&iad_engine_openverse, 200, "<html>", IAD_PAGE_BROKEN);
}

static void test_urllists(void **state) {
    (void)state;
    iad_err err;
    static const struct {
        const char *text;
        size_t hits, bad;
    } lists[] = {{"# list\nhttp://a/1.jpg\r\n\nhttp://a/2.jpg", 2, 0},
                 {"\xef\xbb\xbfurl\tcategory\twidth\nhttp://a/1.jpg\thex_nut\t800\nhttp://a/2.jpg\n\thex_nut\t1\n", 1, 2},
                 {"{\"url\":\"http://a/1.jpg\",\"category\":\"hex_nut\",\"width\":800}\n{broken\n[1]\n{\"url\":\"http://a/2.jpg\"}\n", 2, 2},
                 {"", 0, 0}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        iad_urllist_header header = {0};
        iad_page page;
        size_t at = 0, n = strlen(lists[i].text);
        assert_ok(iad_urllist_read(lists[i].text, n, &at, 100, &header, &page, &err));
        if (page.hits.n != lists[i].hits || page.bad_items != lists[i].bad)
            fail_msg("list %zu: %zu hits, %zu bad", i, page.hits.n, page.bad_items);
        if (i == 1 || i == 2) {
            assert_string_equal(page.hits.items[0].category, "hex_nut");
            assert_int_equal(page.hits.items[0].width, 800);
        }
        assert_int_equal(page.state, IAD_PAGE_END);
        iad_page_deinit(&page);
    }
    iad_urllist_header header = {0};
    iad_page page;
    size_t at = 0;
    assert_fails(IAD_ERR_FORMAT, iad_urllist_read("name\tsize\n", 10, &at, 100, &header, &page, &err));
    /* In pieces. */
    static const char text[] = "http://a/1\nhttp://a/2\nhttp://a/3\n";
    at = 0;
    memset(&header, 0, sizeof header);
    for (int i = 0; i < 3; i++) {
        assert_ok(iad_urllist_read(text, strlen(text), &at, 1, &header, &page, &err));
        assert_int_equal(page.hits.n, 1);
        assert_int_equal(page.state, i == 2 ? IAD_PAGE_END : IAD_PAGE_OK);
        iad_page_deinit(&page);
    }
}

static void test_lax_json(void **state) {
    (void)state;
    iad_err err;
    static const struct {
        const char *from, *to;
    } cases[] = {{"{\"a\":\"it\\'s\"}", "{\"a\":\"it's\"}"},
                 {"{\"a\":\"x\ty\"}", "{\"a\":\"x\\u0009y\"}"},
                 {"{\"a\":\"\xff\"}", "{\"a\":\"\xef\xbf\xbd\"}"},
                 {"{\"a\":\"\\u0000\\ud800x\\ud83d\\ude00\\/\"}", "{\"a\":\"\\ufffd\\ufffdx\\ud83d\\ude00\\/\"}"},
                 {"{\"a\":\"\\", "{\"a\":\""}};
    iad_buf out;
    iad_buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_buf_reset(&out);
        assert_ok(iad_laxjson_repair(cases[i].from, strlen(cases[i].from), &out, &err));
        assert_string_equal(iad_buf_str(&out), cases[i].to);
    }
    iad_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_requests), cmocka_unit_test(test_bing_page), cmocka_unit_test(test_bing_blocks_and_ends),
                                       cmocka_unit_test(test_baidu_page), cmocka_unit_test(test_baidu_blocks), cmocka_unit_test(test_baidu_addresses),
                                       cmocka_unit_test(test_openverse_page), cmocka_unit_test(test_urllists), cmocka_unit_test(test_lax_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
