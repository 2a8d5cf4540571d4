/* robots.txt, opt-outs, waiting times, queues per owner. */
#include "tests/unit/iad_test.h"

#include "crawl/polite/backoff.h"
#include "crawl/polite/hostqueue.h"
#include "crawl/polite/optout.h"
#include "crawl/polite/robots.h"

#define TOKEN "iadgpt-crawl"

static int allowed(const char *text, const char *target) {
    iad_err err;
    iad_robots robots;
    assert_ok(iad_robots_parse(text, strlen(text), TOKEN, &robots, &err));
    int yes = iad_robots_allowed(&robots, target);
    /* What is kept of it must mean the same. */
    iad_buf kept;
    iad_robots again;
    iad_buf_init(&kept, 1 << 20);
    assert_ok(iad_robots_text(&robots, TOKEN, &kept, &err));
    assert_ok(iad_robots_parse(iad_buf_str(&kept), kept.len, TOKEN, &again, &err));
    if (iad_robots_allowed(&again, target) != yes) fail_msg("kept rules differ: %s", iad_buf_str(&kept));
    iad_robots_deinit(&again);
    iad_robots_deinit(&robots);
    iad_buf_deinit(&kept);
    return yes;
}

static void test_robots_rules(void **state) {
    (void)state;
    static const struct {
        const char *text, *target;
        int allowed;
    } cases[] = {
        {"", "/a", 1},
        {"User-agent: *\nDisallow: /", "/a", 0},
        {"User-agent: *\nDisallow: /", "/robots.txt", 1},
        {"User-agent: *\nDisallow:", "/a", 1},
        {"Disallow: /\nUser-agent: *\nDisallow: /b", "/a", 1}, /* rules before any group are nobody's */
        {"User-agent: *\nDisallow: /\n\nUser-agent: iadgpt-crawl\nDisallow: /x", "/a", 1},
        {"User-agent: IADGPT-Crawl/9.9 (x)\r\nDisallow: /a\r\n", "/a", 0},
        {"User-agent: iadgpt\nDisallow: /a", "/a", 1}, /* another product */
        {"User-agent: other\nUser-agent: iadgpt-crawl\nDisallow: /a", "/a/b", 0},
        {"User-agent: iadgpt-crawl\nDisallow: /a\nUser-agent: x\nDisallow: /\nUser-agent: iadgpt-crawl\nDisallow: /b", "/b", 0}, /* groups merge */
        {"User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", 1},
        {"User-agent: *\nAllow: /p\nDisallow: /p", "/p", 1}, /* a tie */
        {"User-agent: *\nDisallow: /p\nAllow: /p", "/p", 1},
        {"User-agent: *\nDisallow: /*.gif$", "/x/y.gif", 0},
        {"User-agent: *\nDisallow: /*.gif$", "/x/y.gif?z", 1},
        {"User-agent: *\nDisallow: /*/private*/x", "/a/private9/x", 0},
        {"User-agent: *\nDisallow: /a%3cd.html", "/a%3Cd.html", 0},
        {"User-agent: *\nDisallow: /a%2Db", "/a-b", 0},
        {"User-agent: *\nDisallow: /\xc3\xa9", "/%C3%A9t", 0},
        {"User-agent: *\nDisallow: /a # comment", "/a", 0},
        {"user-agent:*\ndisallow:/a", "/a", 0},
        {"\xef\xbb\xbfUser-agent: *\nDisallow: /a", "/a", 0},
        {"<html>User-agent: * Disallow: /</html>", "/a", 1},
        {"User-agent: *\rDisallow: /a\rAllow: /", "/a", 0},
        {"User-agent: *\nDisallow: /fish*", "/fish.html", 0},
        {"User-agent: *\nDisallow: /fish$", "/fish", 0},
        {"User-agent: *\nDisallow: /fish$", "/fishes", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (allowed(cases[i].text, cases[i].target) != cases[i].allowed) fail_msg("case %zu: %s -> %s", i, cases[i].text, cases[i].target);
}

static void test_robots_limits(void **state) {
    (void)state;
    iad_err err;
    iad_robots robots;
    static const char delay[] = "User-agent: *\nCrawl-delay: 2.5\nDisallow: /x";
    assert_ok(iad_robots_parse(delay, strlen(delay), TOKEN, &robots, &err));
    assert_close(robots.delay, 2.5, 0);
    iad_robots_deinit(&robots);
    static const char long_delay[] = "User-agent: *\nCrawl-delay: 86400";
    assert_ok(iad_robots_parse(long_delay, strlen(long_delay), TOKEN, &robots, &err));
    assert_close(robots.delay, IAD_ROBOTS_MAX_DELAY, 0);
    iad_robots_deinit(&robots);
    /* Patterns made to take for ever: many stars are no trouble; what is too much work counts as forbidden. */
    static char stars[1100] = "User-agent: *\nDisallow: /", tail[1700] = "User-agent: *\nDisallow: /*", path[8001] = "/";
    for (int i = 0; i < 500; i++) memcpy(stars + 25 + 2 * i, "*a", 2);
    memcpy(stars + 25 + 1000, "b$", 2);
    memset(tail + 26, 'a', 1500);
    tail[1526] = 'b';
    memset(path + 1, 'a', 7999);
    assert_int_equal(allowed(stars, path), 1);
    assert_int_equal(allowed(tail, path), 0);
    assert_int_equal(iad_robots_meaning(200), 1);
    assert_int_equal(iad_robots_meaning(404), 0);
    assert_int_equal(iad_robots_meaning(503), -1);
    assert_int_equal(iad_robots_meaning(0), -1);
}

static void test_optout_headers(void **state) {
    (void)state;
    static const struct {
        const char *value, *found;
    } cases[] = {{"noai", "noai"}, {"NoIndex, nofollow", "noindex"}, {"all", NULL}, {"none", "noindex"}, {"iadgpt-crawl: noimageai", "noimageai"},
                 {"otherbot: noai", NULL}, {"otherbot: noai, iadgpt-crawl: noai", "noai"}, {"otherbot: nofollow, noai", NULL},
                 {"unavailable_after: 25 Jun 2030 15:00:00 PST, noai", "noai"}, {"unavailable_after: Sat, 25 Jun 2030 15:00:00 PST", NULL},
                 {"max-snippet: 20, noindex", "noindex"}, {"", NULL}, {",,,", NULL}, {"noaix", NULL}, {" noml ", "noml"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = iad_optout_header(cases[i].value, TOKEN, IAD_OPTOUT_ALL);
        if ((found == NULL) != (cases[i].found == NULL) || (found && strcmp(found, cases[i].found) != 0))
            fail_msg("%s -> %s", cases[i].value, found ? found : "nothing");
    }
    assert_null(iad_optout_header("noindex", TOKEN, IAD_OPTOUT_NOAI));
    iad_err err;
    unsigned words;
    assert_ok(iad_optout_parse("noai,noindex", &words, &err));
    assert_int_equal(words, IAD_OPTOUT_NOAI | IAD_OPTOUT_NOINDEX);
    assert_ok(iad_optout_parse("none", &words, &err));
    assert_int_equal(words, 0);
    assert_fails(IAD_ERR_ARG, iad_optout_parse("noai,nothing", &words, &err));
    const iad_http_header headers[] = {{"X-Robots-Tag", "nofollow"}, {"x-robots-tag", "noai"}, {"TDM-Reservation", "1"}};
    iad_http_answer answer = {.headers = headers, .n_headers = 3};
    assert_string_equal(iad_optout_answer(&answer, TOKEN, IAD_OPTOUT_ALL), "noai");
    assert_string_equal(iad_optout_answer(&answer, TOKEN, IAD_OPTOUT_TDM), "tdm-reservation");
    assert_null(iad_optout_answer(&answer, TOKEN, 0));
}

static void test_optout_pages(void **state) {
    (void)state;
    static const char yes[] = "<html><head><META NAME='Robots' CONTENT='index, NOAI'></head>";
    static const char own[] = "<meta content=\"noindex\" name=\"iadgpt-crawl\"><p>";
    static const char other[] = "<meta name=\"otherbot\" content=\"noai\"><body>noai<meta name=robots content=follow>";
    static const char tdm[] = "<meta name=\"tdm-reservation\" content=\"1\">";
    assert_string_equal(iad_optout_page(yes, strlen(yes), TOKEN, IAD_OPTOUT_ALL), "noai");
    assert_string_equal(iad_optout_page(own, strlen(own), TOKEN, IAD_OPTOUT_ALL), "noindex");
    assert_null(iad_optout_page(other, strlen(other), TOKEN, IAD_OPTOUT_ALL));
    assert_string_equal(iad_optout_page(tdm, strlen(tdm), TOKEN, IAD_OPTOUT_ALL), "tdm-reservation");
    assert_null(iad_optout_page("", 0, TOKEN, IAD_OPTOUT_ALL));
}

static void test_backoff(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 1, 1);
    for (int i = 0; i < 1000; i++) {
        double wait = iad_backoff_wait(IAD_OUT_TIMEOUT, 1 + i % 12, 1, -1, &rng);
        assert_true(wait >= 0 && wait <= IAD_BACKOFF_CAP && (i % 12 || wait <= 1));
    }
    assert_close(iad_backoff_wait(IAD_OUT_HTTP_5XX, 1, 1, 7, &rng), 7, 0);
    assert_close(iad_backoff_wait(IAD_OUT_HTTP_429, 1, 1, 1e9, &rng), IAD_RETRY_AFTER_MAX, 0);
    assert_int_equal(iad_backoff_tries(IAD_OUT_HTTP_4XX, 3), 1);
    assert_int_equal(iad_backoff_tries(IAD_OUT_TLS, 3), 1);
    assert_int_equal(iad_backoff_tries(IAD_OUT_ROBOTS, 3), 1);
    assert_int_equal(iad_backoff_tries(IAD_OUT_TIMEOUT, 3), 3);
    assert_int_equal(iad_backoff_tries(IAD_OUT_HTTP_5XX, 3), 3);
    assert_int_equal(iad_backoff_tries(IAD_OUT_DNS, 3), 2);
    for (int i = 0; i < IAD_N_OUTCOMES; i++) assert_int_equal(iad_outcome_parse(iad_outcome_name((iad_outcome)i)), i);
    assert_int_equal(iad_outcome_parse("nonsense"), IAD_N_OUTCOMES);
}

static void test_hostqueue(void **state) {
    (void)state;
    iad_err err;
    iad_hostqueue *q = NULL;
    iad_host_limits limits = {.connections = 2, .delay = 1, .quiet = 10};
    assert_ok(iad_hostqueue_new(&limits, &q, &err));
    int items[8];
    double wait;
    for (int i = 0; i < 4; i++) assert_ok(iad_hostqueue_add(q, "a.com", &items[i], 0, &err));
    assert_ok(iad_hostqueue_add(q, "b.com", &items[4], 20, &err));
    assert_null(iad_hostqueue_take(q, 9, &wait));
    assert_close(wait, 1, 1e-9);
    assert_ptr_equal(iad_hostqueue_take(q, 10, &wait), &items[0]);
    assert_null(iad_hostqueue_take(q, 10.5, &wait));
    assert_close(wait, 0.5, 1e-9);
    assert_ptr_equal(iad_hostqueue_take(q, 11, &wait), &items[1]);
    assert_null(iad_hostqueue_take(q, 15, &wait)); /* two are running */
    assert_close(wait, 5, 1e-9);                   /* b.com's item */
    iad_hostqueue_done(q, "a.com");
    assert_ptr_equal(iad_hostqueue_take(q, 15, &wait), &items[2]);
    iad_hostqueue_done(q, "a.com");
    iad_hostqueue_pause(q, "a.com", 30);
    assert_ptr_equal(iad_hostqueue_take(q, 25, &wait), &items[4]);
    assert_null(iad_hostqueue_take(q, 25, &wait));
    assert_close(wait, 5, 1e-9);
    assert_int_equal(iad_hostqueue_waiting(q), 1);
    assert_int_equal(iad_hostqueue_running(q), 2);
    assert_ptr_equal(iad_hostqueue_drop(q, "a.com"), &items[3]);
    assert_null(iad_hostqueue_drop(q, "a.com"));
    /* A robots.txt that wants more time gets it. */
    iad_hostqueue_slow(q, "a.com", 5);
    for (int i = 5; i < 7; i++) assert_ok(iad_hostqueue_add(q, "a.com", &items[i], 0, &err));
    assert_ptr_equal(iad_hostqueue_take(q, 40, &wait), &items[5]);
    iad_hostqueue_done(q, "a.com");
    assert_null(iad_hostqueue_take(q, 44, &wait));
    assert_ptr_equal(iad_hostqueue_take(q, 45, &wait), &items[6]);
    iad_hostqueue_free(q);
}

/* Ten thousand items of two hundred owners: per owner never two beginnings within the delay, and all come out. */
static void test_hostqueue_rates(void **state) {
    (void)state;
    iad_err err;
    iad_hostqueue *q = NULL;
    iad_host_limits limits = {.connections = 3, .delay = 0.1};
    iad_rng rng;
    static struct {
        int owner;
        double not_before;
    } items[10000];
    double last[200], now = 0, wait;
    int running[200] = {0}, out = 0;
    char name[20];
    iad_rng_init(&rng, 3, 3);
    assert_ok(iad_hostqueue_new(&limits, &q, &err));
    for (int i = 0; i < 200; i++) last[i] = -1;
    for (int i = 0; i < 10000; i++) {
        items[i].owner = (int)iad_rng_below(&rng, 200);
        items[i].not_before = iad_rng_chance(&rng, 0.2) ? iad_rng_range(&rng, 0, 5) : 0;
        snprintf(name, sizeof name, "h%d", items[i].owner);
        assert_ok(iad_hostqueue_add(q, name, &items[i], items[i].not_before, &err));
    }
    while (out < 10000) {
        void *taken = iad_hostqueue_take(q, now, &wait);
        if (taken) {
            int i = (int)(((char *)taken - (char *)items) / (long)sizeof items[0]), o = items[i].owner;
            if (now - last[o] < 0.1 - 1e-9 || now < items[i].not_before) fail_msg("owner %d: %g after %g", o, now, last[o]);
            assert_true(++running[o] <= 3);
            last[o] = now;
            out++;
            continue;
        }
        for (int o = 0; o < 200; o++)
            if (running[o] && iad_rng_chance(&rng, 0.5)) {
                snprintf(name, sizeof name, "h%d", o);
                iad_hostqueue_done(q, name);
                running[o]--;
            }
        now += wait < 1e8 ? wait : 0.01;
    }
    assert_int_equal(iad_hostqueue_waiting(q), 0);
    iad_hostqueue_free(q);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_robots_rules),   cmocka_unit_test(test_robots_limits),
                                       cmocka_unit_test(test_optout_headers), cmocka_unit_test(test_optout_pages),
                                       cmocka_unit_test(test_backoff),        cmocka_unit_test(test_hostqueue),
                                       cmocka_unit_test(test_hostqueue_rates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
