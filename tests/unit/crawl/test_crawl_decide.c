/* Which hits are kept: a function of what is known, whatever the order in which it was learnt. */
#include "tests/unit/crawl/crawl_fixture.h"

#include "crawl/session/crawlrows.h"
#include "crawl/session/decide.h"
#include "manifests/query.h"

static iad_manifest *m;
static int n_pages;

static void sql(const char *text) {
    iad_err err;
    assert_ok(iad_query_exec(m, text, &err));
}

static int setup(void **state) {
    iad_err err;
    (void)state;
    n_pages = 0;
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, &m, &err));
    sql("INSERT INTO dataset(id,name,root,licence,redistributable,commercial,origin) VALUES(1,'web','.','',0,0,'web');"
        "INSERT INTO category(id,dataset_id,name,display) VALUES(1,1,'a','a'),(2,1,'b','b');"
        "INSERT INTO crawl_query(id,category_id,engine,variant,text,lang,filters,next_at,state) "
        "VALUES(1,1,'bing',0,'a','en','',1,'todo'),(2,2,'bing',0,'b','en','',1,'todo')");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    iad_manifest_close(m);
    return 0;
}

/* One hit on a page of its own; returns its address's id. */
static int64_t hit(int category, iad_hit h) {
    iad_err err;
    iad_hits hits = {0};
    int fresh;
    int64_t id = 0;
    iad_page_row page = {.query_id = category, .category_id = category, .number = n_pages++, .http = 200};
    assert_ok(iad_hits_add(&hits, &h, &err));
    assert_ok(iad_page_row_add(m, &page, &hits, h.site != NULL, &fresh, &err));
    iad_hits_deinit(&hits);
    assert_ok(iad_query_scalar(m, "SELECT url_id FROM crawl_hit ORDER BY id DESC LIMIT 1", 0, &id, &err));
    return id;
}

static int64_t plain(int category, const char *url) {
    return hit(category, (iad_hit){.image_url = url});
}

static void done(int64_t url, iad_outcome error, int64_t target, int64_t picture) {
    iad_err err;
    iad_fetch_facts facts = {.http = 200, .length = -1, .optout = error == IAD_OUT_OPTOUT ? "noai" : NULL};
    assert_ok(iad_url_row_fetched(m, url, IAD_URL_DONE, error, NULL, target, &facts, &err));
    if (picture) assert_ok(iad_url_row_picture(m, url, picture, &err));
}

static int64_t picture(int side, uint64_t seed) {
    iad_err err;
    iad_judgement j;
    iad_judge_options options = IAD_JUDGE_OPTIONS;
    int64_t id = 0;
    iad_buf jpeg = fixture_jpeg(side, side, seed);
    options.min_bytes = 1;
    assert_ok(iad_judge_picture(jpeg.data, jpeg.len, &options, &j, &err));
    assert_int_equal(j.outcome, IAD_OUT_OK);
    assert_ok(iad_picture_row_add(m, &j, (int64_t)jpeg.len, "images/x.jpg", (int64_t)jpeg.len, &id, &err));
    iad_judgement_deinit(&j);
    iad_buf_deinit(&jpeg);
    return id;
}

/* The states of a category's hits as letters: Untouched Waiting Held Kept Spare Double Rejected Failed. */
static const char *decide(int category, int64_t target, iad_doubles *shared, int check_pages) {
    static char text[64];
    iad_err err;
    iad_doubles *own = NULL;
    iad_decision d;
    iad_decide_rules rules = {.min_side = 256, .target = target, .max_aspect = 3, .optout_hosts = 2, .check_pages = check_pages};
    if (!shared) assert_ok(iad_doubles_new(&own, &err));
    assert_ok(iad_decide_category(m, category, &rules, shared ? shared : own, 1, &d, &err));
    for (size_t i = 0; i < d.n; i++) text[i] = "UWHKSDRF"[d.items[i].state];
    text[d.n] = 0;
    assert_ok(iad_decision_store(m, &d, &err));
    iad_decision_deinit(&d);
    iad_doubles_free(own);
    return text;
}

static int64_t count(const char *text) {
    iad_err err;
    int64_t n = -1;
    assert_ok(iad_query_scalar(m, text, -1, &n, &err));
    return n;
}

static void test_before_download(void **state) {
    (void)state;
    plain(1, "http://a.test/1.jpg");
    hit(1, (iad_hit){.image_url = "http://a.test/2.jpg", .width = 100, .height = 900}); /* too small as claimed */
    hit(1, (iad_hit){.image_url = "http://a.test/3.jpg", .width = 300, .height = 1000});
    hit(1, (iad_hit){.image_url = "file:///etc/passwd"});
    hit(1, (iad_hit){.image_url = "http://a.test/5.jpg", .advert = 1});
    hit(1, (iad_hit){.image_url = "http://a.test/6.jpg", .thumbnail = 1});
    plain(1, "HTTP://A.test:80/1.jpg#x"); /* the first one, written otherwise */
    hit(1, (iad_hit){.image_url = "http://a.test/8.jpg", .key = "k"});
    hit(1, (iad_hit){.image_url = "http://b.test/8.jpg", .key = "k"}); /* the engine says: the same picture */
    assert_string_equal(decide(1, 5, NULL, 0), "URRFRRHUH");
    assert_int_equal(count("SELECT count(*) FROM crawl_hit WHERE reason='scheme'"), 1);
    assert_int_equal(count("SELECT count(*) FROM crawl_hit WHERE reason='too_small'"), 1);
    assert_int_equal(count("SELECT count(*) FROM crawl_hit WHERE reason='aspect'"), 1);
}

static void test_keys_after_failures(void **state) {
    (void)state;
    int64_t first = hit(1, (iad_hit){.image_url = "http://a.test/1.jpg", .key = "k"});
    hit(1, (iad_hit){.image_url = "http://b.test/1.jpg", .key = "k"});
    hit(1, (iad_hit){.image_url = "http://c.test/1.jpg", .key = "k"});
    plain(1, "http://a.test/1.jpg");
    done(first, IAD_OUT_HTTP_4XX, 0, 0);
    assert_string_equal(decide(1, 5, NULL, 0), "FUHF"); /* the next address of the same picture gets its chance */
    done(first, IAD_OUT_OK, 0, picture(400, 1));
    assert_string_equal(decide(1, 5, NULL, 0), "KDDD");
}

static void test_redirects(void **state) {
    (void)state;
    int64_t a = plain(1, "http://a.test/1"), b = plain(1, "http://a.test/2"), c = plain(1, "http://a.test/loop");
    done(a, IAD_OUT_OK, b, 0);
    done(c, IAD_OUT_OK, c, 0);
    assert_string_equal(decide(1, 5, NULL, 0), "UUF");
    done(b, IAD_OUT_OK, 0, picture(400, 1));
    assert_string_equal(decide(1, 5, NULL, 0), "KDF");
    assert_int_equal(count("SELECT count(*) FROM crawl_hit WHERE reason='redirect_loop'"), 1);
}

static void test_target_and_spare(void **state) {
    (void)state;
    char url[64];
    for (int i = 0; i < 4; i++) {
        snprintf(url, sizeof url, "http://h%d.test/1.jpg", i);
        done(plain(1, url), IAD_OUT_OK, 0, picture(300 + i, (uint64_t)i));
    }
    assert_string_equal(decide(1, 2, NULL, 0), "KKSS");
    sql("INSERT INTO crawl_rejection(sha256,reason,at) SELECT sha256,'ugly','now' FROM crawl_picture WHERE id=1");
    assert_string_equal(decide(1, 2, NULL, 0), "RKKS"); /* a spare one steps in, nothing is fetched */
    assert_int_equal(count("SELECT count(*) FROM crawl_hit WHERE reason='refused'"), 1);
}

static void test_copies(void **state) {
    (void)state;
    iad_err err;
    done(plain(1, "http://a.test/small.jpg"), IAD_OUT_OK, 0, picture(300, 5));
    done(plain(1, "http://a.test/other.jpg"), IAD_OUT_OK, 0, picture(400, 6));
    done(plain(1, "http://b.test/large.jpg"), IAD_OUT_OK, 0, picture(600, 5)); /* the larger copy is kept in place of the first */
    done(plain(2, "http://c.test/foreign.jpg"), IAD_OUT_OK, 0, picture(450, 5));
    assert_string_equal(decide(1, 5, NULL, 0), "DKK");
    assert_int_equal(count("SELECT of_hit FROM crawl_hit WHERE id=1"), 3);
    assert_string_equal(decide(2, 5, NULL, 0), "K"); /* seen alone */
    iad_doubles *all = NULL;
    assert_ok(iad_doubles_new(&all, &err));
    assert_string_equal(decide(1, 5, all, 0), "DKK");
    assert_string_equal(decide(2, 5, all, 0), "D");
    iad_doubles_free(all);
    assert_int_equal(count("SELECT of_hit FROM crawl_hit WHERE id=4"), 3); /* what is kept, not what was first */
    assert_int_equal(count("SELECT count(*) FROM crawl_hit WHERE reason='other_category'"), 1);
    assert_string_equal(decide(2, 5, NULL, 0), "D"); /* and it stays so while categories are looked at one by one */
}

/* Whatever becomes known first, the end is the same. */
static void test_order_of_answers(void **state) {
    (void)state;
    int64_t urls[6], pictures[6];
    char url[64], first[64] = "";
    for (int i = 0; i < 6; i++) {
        snprintf(url, sizeof url, "http://h%d.test/1.jpg", i);
        urls[i] = plain(1, url);
        pictures[i] = picture(300 + 20 * i, (uint64_t)(i % 3));
    }
    static const int orders[][6] = {{0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {2, 5, 0, 3, 1, 4}};
    for (int o = 0; o < 3; o++) {
        sql("UPDATE crawl_url SET state='active',picture_id=NULL; UPDATE crawl_hit SET verdict='new',reason=NULL,of_hit=NULL,alike=NULL");
        for (int i = 0; i < 6; i++) {
            done(urls[orders[o][i]], IAD_OUT_OK, 0, pictures[orders[o][i]]);
            decide(1, 3, NULL, 0);
        }
        const char *last = decide(1, 3, NULL, 0);
        if (!o) memcpy(first, last, 7);
        assert_string_equal(first, last);
    }
    assert_string_equal(first, "DDDKKK");
}

static void test_placeholder(void **state) {
    (void)state;
    int64_t same = picture(400, 9);
    char url[64], page[64];
    for (int i = 0; i < 3; i++) {
        snprintf(url, sizeof url, "http://cdn.shop.test/%d.jpg", i);
        snprintf(page, sizeof page, "http://shop.test/%d.html", i);
        done(hit(1, (iad_hit){.image_url = url, .page_url = page}), IAD_OUT_OK, 0, same);
        assert_string_equal(decide(1, 5, NULL, 0), i == 0 ? "K" : i == 1 ? "KD" : "RRR");
    }
    assert_int_equal(count("SELECT count(*) FROM crawl_hit WHERE reason='placeholder'"), 3);
}

static void test_optouts(void **state) {
    (void)state;
    int64_t a = plain(1, "http://x.owner.test/1.jpg"), b = plain(1, "http://y.owner.test/2.jpg"), c = plain(1, "http://owner.test/3.jpg");
    int64_t d = plain(1, "http://owner.test/4.jpg");
    (void)d;
    done(a, IAD_OUT_OPTOUT, 0, 0);
    done(b, IAD_OUT_OK, 0, picture(400, 1));
    assert_string_equal(decide(1, 5, NULL, 0), "FKUU");
    done(c, IAD_OUT_OPTOUT, 0, 0); /* the second: the owner is left alone, also with what was there before */
    assert_string_equal(decide(1, 5, NULL, 0), "FFFF");
    assert_int_equal(count("SELECT count(*) FROM crawl_hit WHERE reason='optout'"), 4);
}

static void test_pages_first(void **state) {
    (void)state;
    int64_t a = hit(1, (iad_hit){.image_url = "http://a.test/1.jpg", .page_url = "http://a.test/1.html", .site = "x"});
    hit(1, (iad_hit){.image_url = "http://b.test/1.jpg", .page_url = "http://b.test/1.html", .site = "x"});
    assert_int_equal(count("SELECT count(*) FROM crawl_url WHERE kind='page'"), 2);
    assert_string_equal(decide(1, 5, NULL, 1), "UU");
    done(count("SELECT id FROM crawl_url WHERE url='http://b.test/1.html'"), IAD_OUT_OPTOUT, 0, 0);
    done(count("SELECT id FROM crawl_url WHERE url='http://a.test/1.html'"), IAD_OUT_HTTP_4XX, 0, 0); /* a page that is gone says nothing */
    done(a, IAD_OUT_OK, 0, picture(400, 1));
    assert_string_equal(decide(1, 5, NULL, 1), "KF");
}

static void test_leaks(void **state) {
    (void)state;
    iad_err err;
    iad_leak_list *leaks = NULL;
    iad_doubles *doubles = NULL;
    iad_decision d;
    done(plain(1, "http://a.test/1.jpg"), IAD_OUT_OK, 0, picture(400, 1));
    done(plain(1, "http://a.test/2.jpg"), IAD_OUT_OK, 0, picture(400, 2));
    /* The first one, recompressed and larger, is a test picture. */
    int64_t bench = picture(520, 1);
    char text[600];
    snprintf(
        text, sizeof text,
        "INSERT INTO dataset(id,name,root,licence,redistributable,commercial,origin) VALUES(2,'mvtec','m','',0,0,'real');"
        "INSERT INTO image(dataset_id,path,sha256,pixel_sha256,phash,phash_turns,width,height,part,label) SELECT 2,'t.png',sha256,pixel_sha256,%lld,"
        "substr(leak_hash,9),width,height,'test','normal' FROM crawl_picture WHERE id=%lld",
        0LL, (long long)bench);
    sql(text);
    /* phash: the first eight bytes, little endian, as a number */
    iad_query q;
    uint8_t leak[32];
    uint64_t hash = 0;
    assert_ok(iad_query_open_text(&q, m, "p", "SELECT leak_hash FROM crawl_picture ORDER BY id DESC LIMIT 1", &err));
    assert_true(iad_query_next(&q) && iad_query_col_bytes(&q, 0, leak, 32));
    assert_ok(iad_query_close(&q, &err));
    for (int i = 0; i < 8; i++) hash |= (uint64_t)leak[i] << (8 * i);
    snprintf(text, sizeof text, "UPDATE image SET phash=%lld", (long long)(int64_t)hash);
    sql(text);
    assert_ok(iad_leak_list_new(&leaks, &err));
    assert_ok(iad_leak_list_add(leaks, m, &err));
    assert_int_equal(iad_leak_list_count(leaks), 1);
    assert_ok(iad_doubles_new(&doubles, &err));
    iad_decide_rules rules = {.min_side = 256, .target = 5, .max_aspect = 3, .leaks = leaks};
    assert_ok(iad_decide_category(m, 1, &rules, doubles, 1, &d, &err));
    assert_int_equal(d.items[0].state, IAD_HIT_REJECTED);
    assert_int_equal(d.items[0].reason, IAD_OUT_LEAK);
    assert_int_equal(d.items[1].state, IAD_HIT_KEPT);
    iad_decision_deinit(&d);
    iad_doubles_free(doubles);
    iad_leak_list_free(leaks);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_before_download, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_keys_after_failures, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_redirects, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_target_and_spare, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_copies, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_order_of_answers, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_placeholder, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_optouts, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_pages_first, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_leaks, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
