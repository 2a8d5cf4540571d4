/* Event files for TensorBoard: the bytes of data/events.tfevents, which the tensorboard package reads as below (its own reader was asked once). */
#include "tests/unit/train/params_fixture.h"

#include "train/run/tbevents.h"

static void golden_file(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    char dir[] = "/tmp/iad_tb_XXXXXX", path[200];
    iad_tb_writer *w;
    assert_non_null(mkdtemp(dir));
    assert_ok(iad_tb_open(dir, 1700000000.5, 300, &w, &err));
    const iad_tb_scalar a[] = {{"loss/ce", 2.5}, {"loss/dice", 0.125}, {"rate", 1e-5}}, b[] = {{"loss/ce", (double)NAN}, {"größe", -1}};
    assert_ok(iad_tb_add(w, 1700000001.25, 300, a, 3, &err));
    assert_ok(iad_tb_add(w, 1700000002.0, 70000000000, b, 2, &err));
    assert_ok(iad_tb_add(w, 1700000003.0, 70000000001, NULL, 0, &err));
    char longest[IAD_TB_MAX_TAG + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_fails(IAD_ERR_ARG, iad_tb_add(w, 0, 0, &(iad_tb_scalar){longest, 1}, 1, &err)); /* nothing is written of it */
    assert_ok(iad_tb_close(w, &err));
    snprintf(path, sizeof path, "%s/events.out.tfevents.1700000000.iadgpt.300", dir);
    iad_map got, want;
    assert_ok(iad_map_open(&got, path, &err));
    assert_ok(iad_map_open(&want, IAD_TEST_DATA "/events.tfevents", &err));
    assert_int_equal(want.n, got.n);
    assert_memory_equal(want.data, got.data, got.n);
    iad_map_close(&want);
    iad_map_close(&got);
    pf_remove(dir);
}

static void failures(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_tb_writer *w;
    assert_fails(IAD_ERR_IO, iad_tb_open("/dev/null/x", 0, 0, &w, &err));
    assert_null(w);
    assert_fails(IAD_ERR_ARG, iad_tb_open("/tmp", (double)NAN, 0, &w, &err));
    assert_ok(iad_tb_close(NULL, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(golden_file), cmocka_unit_test(failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
