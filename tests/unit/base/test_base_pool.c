/* The ordered pool: order, failures, interruption, nothing leaked, nothing lost. */
#include "tests/unit/iad_test.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/pool.h"

typedef struct run {
    size_t next;        /* item that emit expects */
    size_t fail_work, fail_emit, stop_at;
    size_t failures;
    atomic_int stop;
    atomic_long live;   /* results not yet dropped */
} run;

typedef struct result {
    size_t *value;
} result;

static iad_status work(void *user, size_t item, int thread, void *out, iad_err *err) {
    run *r = user;
    (void)thread;
    if (item % 7 == 3) usleep(200); /* let others overtake */
    if (item == r->fail_work) return IAD_FAIL(err, IAD_ERR_FORMAT, "item %zu is bad", item);
    size_t *value = iad_alloc(1, sizeof *value);
    if (!value) return IAD_NOMEM(err, "a value");
    *value = item * item;
    ((result *)out)->value = value;
    atomic_fetch_add(&r->live, 1);
    return IAD_OK;
}

static iad_status emit(void *user, size_t item, void *out, iad_status status, const iad_err *item_err, iad_err *err) {
    run *r = user;
    if (item != r->next++) return IAD_FAIL(err, IAD_ERR_INTERNAL, "order");
    if (status != IAD_OK) {
        r->failures++;
        return strstr(item_err->msg, "is bad") ? IAD_OK : IAD_FAIL(err, IAD_ERR_INTERNAL, "message");
    }
    if (*((result *)out)->value != item * item) return IAD_FAIL(err, IAD_ERR_INTERNAL, "value");
    if (item == r->stop_at) atomic_store(&r->stop, 1);
    if (item == r->fail_emit) return IAD_FAIL(err, IAD_ERR_IO, "disk full");
    return IAD_OK;
}

static void drop(void *user, void *out) {
    run *r = user;
    result *res = out;
    if (res->value) atomic_fetch_sub(&r->live, 1);
    free(res->value);
}

static const int thread_counts[] = {1, 2, 8, 33};

static iad_status go(run *r, size_t n, int threads, iad_err *err) {
    iad_pool_job job = {.work = work, .emit = emit, .drop = drop, .user = r, .result_size = sizeof(result)};
    return iad_pool_run(&job, n, threads, 0, &r->stop, err);
}

static void test_order_and_item_failure(void **state) {
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        iad_err err = IAD_ERR_NONE;
        run r = {.fail_work = 50, .fail_emit = SIZE_MAX, .stop_at = SIZE_MAX};
        assert_ok(go(&r, 500, thread_counts[t], &err));
        assert_int_equal(r.next, 500);
        assert_int_equal(r.failures, 1);
        assert_int_equal(atomic_load(&r.live), 0);
    }
}

static void test_emit_failure_stops(void **state) {
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        iad_err err = IAD_ERR_NONE;
        run r = {.fail_work = SIZE_MAX, .fail_emit = 77, .stop_at = SIZE_MAX};
        assert_fails(IAD_ERR_IO, go(&r, 500, thread_counts[t], &err));
        assert_string_equal(err.msg, "disk full");
        assert_int_equal(r.next, 78);
        assert_int_equal(atomic_load(&r.live), 0);
    }
}

static void test_interrupt_keeps_order(void **state) {
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        iad_err err = IAD_ERR_NONE;
        run r = {.fail_work = SIZE_MAX, .fail_emit = SIZE_MAX, .stop_at = 60};
        assert_fails(IAD_ERR_INTERRUPTED, go(&r, 5000, thread_counts[t], &err));
        assert_in_range(r.next, 61, 1000);
        assert_int_equal(atomic_load(&r.live), 0);
    }
}

static void test_empty_and_bad_arguments(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    run r = {.fail_work = SIZE_MAX, .fail_emit = SIZE_MAX, .stop_at = SIZE_MAX};
    assert_ok(go(&r, 0, 4, &err));
    assert_fails(IAD_ERR_ARG, go(&r, 5, 0, &err));
    assert_fails(IAD_ERR_ARG, go(&r, 5, 1000, &err));
    assert_in_range(iad_cpu_count(), 1, 256);
}

static void square(void *user, size_t i, int thread) {
    (void)thread;
    ((unsigned *)user)[i] += (unsigned)(i * i + 1);
}

static void test_parallel_for(void **state) {
    (void)state;
    static unsigned values[10007];
    for (int threads = 1; threads <= 9; threads += 4) {
        memset(values, 0, sizeof values);
        iad_parallel_for(10007, threads, square, values);
        for (size_t i = 0; i < 10007; i++) assert_int_equal(values[i], (unsigned)(i * i + 1));
    }
    iad_parallel_for(0, 4, square, values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_item_failure), cmocka_unit_test(test_emit_failure_stops),
        cmocka_unit_test(test_interrupt_keeps_order),  cmocka_unit_test(test_empty_and_bad_arguments),
        cmocka_unit_test(test_parallel_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
