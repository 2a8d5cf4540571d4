/* What answers that are no answers mean: every row of the services' error tables. */
#include "tests/unit/iad_test.h"

#include "annotate/client/lvlmerror.h"

typedef struct row {
    int status;
    const char *code, *message;
    iad_lvlm_class class;
    iad_lvlm_action action;
} row;

static const row rows[] = {
    {200, "", "", IAD_LVLM_OK, IAD_LVLM_TAKE},
    /* requests per minute or second */
    {429, "limit_requests", "", IAD_LVLM_RATE, IAD_LVLM_BACK_OFF},
    {429, "LimitRequests", "", IAD_LVLM_RATE, IAD_LVLM_BACK_OFF},
    {429, "Throttling.RateQuota", "", IAD_LVLM_RATE, IAD_LVLM_BACK_OFF},
    {429, "rate_limit_exceeded", "", IAD_LVLM_RATE, IAD_LVLM_BACK_OFF},
    {429, "", "Too Many Requests", IAD_LVLM_RATE, IAD_LVLM_BACK_OFF},
    /* growth */
    {429, "limit_burst_rate", "", IAD_LVLM_BURST, IAD_LVLM_BACK_OFF},
    {429, "Throttling.BurstRate", "", IAD_LVLM_BURST, IAD_LVLM_BACK_OFF},
    /* in general */
    {429, "Throttling", "", IAD_LVLM_RATE, IAD_LVLM_BACK_OFF},
    {429, "Throttling.Concurrency", "", IAD_LVLM_RATE, IAD_LVLM_BACK_OFF},
    /* tokens per minute, and the same codes for a plan that is used up */
    {429, "insufficient_quota", "You exceeded your current token limit", IAD_LVLM_RATE, IAD_LVLM_BACK_OFF},
    {429, "Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit.", IAD_LVLM_RATE, IAD_LVLM_BACK_OFF},
    {429, "insufficient_quota", "The quota has been exhausted", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    {429, "Throttling.AllocationQuota", "Free allocated quota exceeded.", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    /* account, key, model */
    {429, "CommodityNotPurchased", "", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    {429, "PrepaidBillOverdue", "", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    {429, "PostpaidBillOverdue", "", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    {400, "Arrearage", "", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    {403, "AllocationQuota.FreeTierOnly", "", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    {403, "AccessDenied.Unpurchased", "", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    {403, "Endpoint.AccessDenied", "", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    {401, "", "Incorrect API key provided", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    {401, "whatever", "", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    {404, "model_not_found", "", IAD_LVLM_ACCOUNT, IAD_LVLM_STOP},
    /* content filter */
    {400, "data_inspection_failed", "", IAD_LVLM_FILTERED, IAD_LVLM_CROP},
    {400, "DataInspectionFailed", "", IAD_LVLM_FILTERED, IAD_LVLM_CROP},
    {400, "IPInfringementSuspect", "", IAD_LVLM_FILTERED, IAD_LVLM_CROP},
    {400, "FaqRuleBlocked", "", IAD_LVLM_FILTERED, IAD_LVLM_CROP},
    {400, "CustomRoleBlocked", "", IAD_LVLM_FILTERED, IAD_LVLM_CROP},
    /* the picture */
    {400, "InvalidParameter", "The image length and width do not meet the model restrictions", IAD_LVLM_INPUT, IAD_LVLM_REENCODE},
    {400, "invalid_parameter_error", "Failed to decode the image during the data inspection.", IAD_LVLM_INPUT, IAD_LVLM_REENCODE},
    {400, "InvalidParameter", "Exceeded limit on max bytes per data-uri item : 10485760", IAD_LVLM_INPUT, IAD_LVLM_REENCODE},
    {400, "InvalidParameter", "Wrong Content-Type of multimodal url", IAD_LVLM_INPUT, IAD_LVLM_REENCODE},
    {413, "", "Payload too large", IAD_LVLM_INPUT, IAD_LVLM_REENCODE},
    /* our bug */
    {400, "InvalidParameter", "temperature must be a float", IAD_LVLM_BUG, IAD_LVLM_COUNT},
    {422, "", "Unprocessable", IAD_LVLM_BUG, IAD_LVLM_COUNT},
    /* passes by itself */
    {408, "", "", IAD_LVLM_TRANSIENT, IAD_LVLM_RETRY},
    {500, "", "", IAD_LVLM_TRANSIENT, IAD_LVLM_RETRY},
    {500, "InternalError.Algo", "", IAD_LVLM_TRANSIENT, IAD_LVLM_RETRY},
    {502, "", "<html>bad gateway</html>", IAD_LVLM_TRANSIENT, IAD_LVLM_RETRY},
    {503, "ModelServiceFailed", "", IAD_LVLM_TRANSIENT, IAD_LVLM_RETRY},
    {504, "RequestTimeOut", "", IAD_LVLM_TRANSIENT, IAD_LVLM_RETRY},
    {400, "RequestTimeOut", "", IAD_LVLM_TRANSIENT, IAD_LVLM_RETRY},
    {0, "", "connection reset", IAD_LVLM_TRANSIENT, IAD_LVLM_RETRY},
    /* an error in an envelope of 200 */
    {200, "InternalError", "", IAD_LVLM_TRANSIENT, IAD_LVLM_RETRY}};

static void test_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        iad_lvlm_verdict v = iad_lvlm_classify(rows[i].status, rows[i].code, rows[i].message);
        if (v.class != rows[i].class || v.action != rows[i].action)
            fail_msg("%d %s \"%s\": %s, action %d", rows[i].status, rows[i].code, rows[i].message, iad_lvlm_class_name(v.class), v.action);
    }
}

static void read_body(const char *body, const char *code, const char *message) {
    char c[96], m[400];
    iad_lvlm_error_body(body, strlen(body), c, m);
    assert_string_equal(c, code);
    assert_string_equal(m, message);
}

static void test_bodies(void **state) {
    (void)state;
    read_body("{\"error\":{\"code\":\"limit_requests\",\"message\":\"slow down\",\"type\":\"x\"}}", "limit_requests", "slow down");
    read_body("{\"code\":\"Arrearage\",\"message\":\"pay\",\"request_id\":\"7\"}", "Arrearage", "pay");
    read_body("{\"error\":\"no such thing\"}", "", "no such thing");
    read_body("{\"error\":{\"code\":null,\"type\":\"insufficient_quota\",\"message\":\"m\"}}", "insufficient_quota", "m");
    read_body("{\"error\":{\"code\":500,\"type\":\"server\",\"message\":\"m\"}}", "server", "m");
    read_body("<html>bad\ngateway</html>", "", "<html>bad gateway</html>");
    read_body("", "", "");
}

static void test_waits(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 1, 2);
    double most = 0;
    for (int i = 0; i < 2000; i++) {
        double w = iad_lvlm_wait(IAD_LVLM_RATE, 1, -1, 1, &rng);
        assert_true(w >= 0 && w < 1);
        w = iad_lvlm_wait(IAD_LVLM_BURST, 1, -1, 1, &rng);
        if (w > most) most = w;
        assert_true(w < 5);
        assert_true(iad_lvlm_wait(IAD_LVLM_TRANSIENT, 30, -1, 1, &rng) < 60);
    }
    assert_true(most > 4); /* bursts have five times the base */
    assert_close(iad_lvlm_wait(IAD_LVLM_RATE, 1, 7, 1, &rng), 7, 0);
    assert_close(iad_lvlm_wait(IAD_LVLM_RATE, 1, 21 * 86400, 1, &rng), 300, 0); /* 21 days were seen: clamped */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_bodies), cmocka_unit_test(test_waits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
