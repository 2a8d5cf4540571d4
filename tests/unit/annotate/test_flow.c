/* Quotas, ramp, concurrency, over a simulated clock. */
#include "tests/unit/iad_test.h"

#include "annotate/client/flow.h"

/* Runs `seconds` of a service that answers after `latency`; returns the most requests and tokens that any minute holds. */
static void drive(const iad_flow_options *o, double seconds, double latency, double tokens, double *most_requests, double *most_tokens, int *sent) {
    static double starts[200000], ends[200000];
    iad_flow f;
    int n = 0, done = 0;
    iad_flow_init(&f, o, 0);
    for (double now = 0; now < seconds; now += 0.005) {
        while (done < n && ends[done] <= now) {
            iad_flow_end(&f, tokens, tokens, IAD_LVLM_OK, -1, now);
            done++;
        }
        while (n < 200000 && iad_flow_wait(&f, now) == 0) {
            iad_flow_start(&f, tokens, now);
            starts[n] = now;
            ends[n++] = now + latency;
        }
        assert_true(f.open <= o->concurrency);
    }
    *most_requests = 0;
    for (int i = 0, j = 0; i < n; i++) {
        while (starts[i] - starts[j] >= 60) j++;
        if (i - j + 1 > *most_requests) *most_requests = i - j + 1;
    }
    *most_tokens = *most_requests * tokens;
    *sent = n;
}

static void test_quotas(void **state) {
    (void)state;
    double requests, tokens;
    int sent;
    drive(&(iad_flow_options){.rpm = 1200, .concurrency = 64}, 240, 0.5, 10, &requests, &tokens, &sent);
    assert_true(requests <= 1200);
    assert_true(requests > 1100); /* and used */
    drive(&(iad_flow_options){.tpm = 1000000, .concurrency = 64}, 240, 0.5, 1750, &requests, &tokens, &sent);
    assert_true(tokens <= 1000000);
    assert_true(tokens > 920000);
    drive(&(iad_flow_options){.tpm = 20000, .concurrency = 64}, 240, 0.5, 1750, &requests, &tokens, &sent);
    assert_true(tokens <= 20000); /* few large requests */
    assert_true(sent > 20);
}

static void test_ramp(void **state) {
    (void)state;
    double requests, tokens;
    int slow, fast;
    drive(&(iad_flow_options){.rpm = 1200, .ramp_s = 60, .concurrency = 64}, 10, 0.1, 10, &requests, &tokens, &slow);
    drive(&(iad_flow_options){.rpm = 1200, .concurrency = 64}, 10, 0.1, 10, &requests, &tokens, &fast);
    assert_true(slow * 4 < fast); /* the first ten seconds: a tenth of the rate, growing */
}

static void test_concurrency(void **state) {
    (void)state;
    iad_flow f;
    iad_flow_init(&f, &(iad_flow_options){.concurrency = 64}, 0);
    assert_close(f.limit, 4, 0);
    for (int i = 0; i < 100; i++) {
        iad_flow_start(&f, 1, 0);
        iad_flow_end(&f, 1, 1, IAD_LVLM_OK, -1, 0);
    }
    assert_close(f.limit, 64, 0);
    iad_flow_start(&f, 1, 0);
    iad_flow_end(&f, 1, 0, IAD_LVLM_RATE, 5, 0);
    assert_close(f.limit, 32, 0);
    assert_close(iad_flow_wait(&f, 1), 4, 1e-9); /* Retry-After holds everybody */
    assert_close(iad_flow_wait(&f, 6), 0, 0);
    for (int i = 0; i < 20; i++) {
        iad_flow_start(&f, 1, 6);
        iad_flow_end(&f, 1, 1, IAD_LVLM_OK, -1, 6);
    }
    assert_close(f.limit, 33, 0); /* one per twenty */
    for (int i = 0; i < 20; i++) {
        iad_flow_start(&f, 1, 6);
        iad_flow_end(&f, 1, 0, IAD_LVLM_BURST, -1, 6);
    }
    assert_close(f.limit, 1, 0);
    assert_close(f.factor, 0.02, 0);
    iad_flow_start(&f, 1, 7);
    assert_true(iad_flow_wait(&f, 7) < 0); /* one is open */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_quotas), cmocka_unit_test(test_ramp), cmocka_unit_test(test_concurrency)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
