/* The scripted endpoint's own promises: quotas, which request meets which fault, texts that differ and stay the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/endpoint/endpointquota.h"
#include "tests/endpoint/endpointwork.h"

static void test_quota(void **state) {
    (void)state;
    iad_ep_quota q = {.requests = 3, .tokens = 100, .concurrency = 2, .window_s = 10};
    assert_int_equal(iad_ep_quota_ask(&q, 0, 40), IAD_EP_WITHIN);
    assert_int_equal(iad_ep_quota_ask(&q, 1, 40), IAD_EP_WITHIN);
    assert_int_equal(iad_ep_quota_ask(&q, 2, 1), IAD_EP_OVER_CONCURRENCY);
    iad_ep_quota_end(&q);
    assert_int_equal(iad_ep_quota_ask(&q, 3, 21), IAD_EP_OVER_TOKENS);
    assert_int_equal(iad_ep_quota_ask(&q, 3, 20), IAD_EP_WITHIN);
    iad_ep_quota_end(&q);
    assert_int_equal(iad_ep_quota_ask(&q, 9.9, 0), IAD_EP_OVER_REQUESTS);
    assert_int_equal(iad_ep_quota_ask(&q, 10, 40), IAD_EP_WITHIN); /* the first has left the window */
    assert_int_equal(q.broken, 3);
    assert_int_equal(q.most_running, 2);
    iad_ep_quota_deinit(&q);
}

static void test_draw(void **state) {
    (void)state;
    static iad_ep_script script = {.seed = 5, .attempts = 2};
    const int rate = iad_ep_kind_find("rate"), key = iad_ep_kind_find("key");
    iad_err err = IAD_ERR_NONE;
    assert_int_equal(iad_ep_shares_parse("all,rate=100", &script, &err), IAD_OK);
    assert_int_equal(iad_ep_order_parse("key:7:2", &script, &err), IAD_OK);
    int met[IAD_EP_MAX_KINDS] = {0}, plain = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        const int kind = iad_ep_script_draw(&script, 100, i * 0x9e3779b97f4a7c15u, 1);
        if (kind < 0)
            plain++;
        else
            met[kind]++;
    }
    for (int k = 0; k < iad_ep_n_kinds; k++) {
        if (iad_ep_kinds[k].family == IAD_EP_STOP)
            assert_int_equal(met[k], 0);
        else if (k == rate)
            assert_in_range(met[k], 1800, 2200);
        else
            assert_in_range(met[k], 30, 95);
    }
    assert_true(plain > 14000);
    for (uint64_t i = 0; i < 1000; i++) assert_int_equal(iad_ep_script_draw(&script, 100, i * 0x9e3779b97f4a7c15u, 2), -1);
    assert_int_equal(iad_ep_script_draw(&script, 6, 1, 2), -1);
    assert_int_equal(iad_ep_script_draw(&script, 8, 1, 2), key);
    assert_int_equal(iad_ep_shares_parse("nonsense=3", &script, &err), IAD_ERR_ARG);
    assert_int_equal(iad_ep_order_parse("rate:1", &script, &err), IAD_ERR_ARG);
}

static void test_texts(void **state) {
    (void)state;
    const iad_ep_facts none = {0};
    char *texts[200];
    for (uint64_t i = 0; i < 200; i++) {
        const iad_ep_look look = {.hash = i * 77, .width = 100, .height = 100};
        iad_buf text, again;
        iad_buf_init(&text, 4096);
        iad_buf_init(&again, 4096);
        assert_int_equal(iad_ep_text_add(&text, &none, &look, "hex bolt", (int)(i % 3), 0, 0, NULL), IAD_OK);
        assert_int_equal(iad_ep_text_add(&again, &none, &look, "hex bolt", (int)(i % 3), 0, 0, NULL), IAD_OK);
        assert_string_equal(iad_buf_str(&text), iad_buf_str(&again));
        assert_in_range(iad_ep_words(iad_buf_str(&text)), 40, 80);
        assert_non_null(strstr(text.data, "hex bolt"));
        iad_buf_deinit(&again);
        texts[i] = iad_buf_take(&text, NULL);
        for (uint64_t k = 0; k < i; k++) assert_string_not_equal(texts[k], texts[i]);
    }
    for (int i = 0; i < 200; i++) free(texts[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_quota), cmocka_unit_test(test_draw), cmocka_unit_test(test_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
