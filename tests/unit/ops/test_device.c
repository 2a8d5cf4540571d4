/* Devices by name, memory and its counters, transfers. */
#include "tests/unit/ops/ops_fixture.h"

#include "runtime/cpu/cpu_device.h"

static void test_names(void **state) {
    (void)state;
    static const char *const bad[] = {"", "CPU", "cpu0", "cuda:", "cuda:x", "cuda:64", "cuda:-1", "cuda0", "gpu", "reference "};
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    assert_ok(iad_device_new("cpu", 2, &device, &err));
    assert_string_equal(device->ops->name, "cpu");
    assert_int_equal(iad_cpu_threads(device), 2);
    assert_int_not_equal(iad_cpu_isa_of(device), IAD_CPU_AUTO);
    iad_device_free(device);
    assert_ok(iad_device_new("cpu", 0, &device, &err));
    assert_true(iad_cpu_threads(device) >= 1);
    iad_device_free(device);
    assert_ok(iad_device_new("reference", 7, &device, &err));
    assert_string_equal(device->ops->name, "reference");
    assert_int_equal(iad_cpu_threads(device), 1);
    iad_device_free(device);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(IAD_ERR_ARG, iad_device_new(bad[i], 0, &device, &err));
        assert_null(device);
    }
    assert_fails(IAD_ERR_ARG, iad_device_new("cpu", -1, &device, &err));
    assert_fails(IAD_ERR_ARG, iad_device_new("cpu", 257, &device, &err));
    assert_fails(IAD_ERR_ARG, iad_device_cpu_new(1, (iad_cpu_isa)9, &device, &err));
    iad_device_free(NULL);
}

static void test_memory(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    for (int d = 0; d < f.n; d++) {
        iad_device *device = f.d[d].device;
        const iad_ops *ops = device->ops;
        iad_err err = IAD_ERR_NONE;
        iad_device_memory memory;
        void *small, *large, *none;
        assert_ok(ops->alloc(device, 1000, &small, &err));
        assert_ok(ops->alloc(device, 5000000, &large, &err));
        assert_ok(ops->alloc(device, 0, &none, &err));
        assert_true((uintptr_t)small % 64 == 0 && (uintptr_t)large % 64 == 0 && (uintptr_t)none % 64 == 0);
        memset(small, 1, 1000);
        memset(large, 2, 5000000);
        iad_device_memory_get(device, &memory);
        assert_true(memory.now >= 5001000 && memory.now < 5001000 + 1024 && memory.peak == memory.now);
        ops->release(device, large);
        iad_device_memory_get(device, &memory);
        assert_true(memory.now < 3000 && memory.peak >= 5001000);
        ops->release(device, small);
        ops->release(device, none);
        ops->release(device, NULL);
        iad_device_memory_get(device, &memory);
        assert_int_equal(memory.now, 0);
        assert_fails(IAD_ERR_NOMEM, ops->alloc(device, SIZE_MAX - 10, &large, &err));
        assert_fails(IAD_ERR_NOMEM, ops->alloc(device, SIZE_MAX / 4, &large, &err));
    }
    fixture_close(&f);
}

static void test_transfers(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    for (int d = 0; d < f.n; d++) {
        const iad_ops *ops = f.d[d].device->ops;
        iad_err err = IAD_ERR_NONE;
        static const char text[] = "some bytes";
        char back[sizeof text], zeros[sizeof text] = {0};
        void *data, *borrowed;
        assert_ok(ops->alloc(f.d[d].device, sizeof text, &data, &err));
        assert_ok(ops->upload(f.d[d].queue, data, text, sizeof text, &err));
        assert_ok(ops->download(f.d[d].queue, back, data, sizeof text, &err));
        assert_memory_equal(back, text, sizeof text);
        assert_ok(ops->zero(f.d[d].queue, data, sizeof text, &err));
        assert_ok(ops->download(f.d[d].queue, back, data, sizeof text, &err));
        assert_memory_equal(back, zeros, sizeof text);
        assert_ok(ops->upload(f.d[d].queue, NULL, NULL, 0, &err));
        assert_ok(ops->borrow(f.d[d].device, text, sizeof text, &borrowed, &err));
        assert_ok(ops->download(f.d[d].queue, back, borrowed, sizeof text, &err));
        assert_memory_equal(back, text, sizeof text);
        ops->unborrow(f.d[d].device, borrowed);
        ops->release(f.d[d].device, data);
    }
    fixture_close(&f);
}

static void test_scratch(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    for (int d = 0; d < f.n && f.d[d].is_cpu; d++) {
        iad_err err = IAD_ERR_NONE;
        void *a, *b, *c;
        assert_ok(iad_cpu_scratch(f.d[d].queue, 4, 100, &a, &err));
        assert_ok(iad_cpu_scratch(f.d[d].queue, 4, 50, &b, &err));
        assert_ptr_equal(a, b);
        assert_ok(iad_cpu_scratch(f.d[d].queue, 5, 50, &c, &err));
        assert_ptr_not_equal(a, c);
        assert_ok(iad_cpu_scratch(f.d[d].queue, 4, 3 << 20, &b, &err));
        memset(b, 1, 3 << 20);
        assert_fails(IAD_ERR_NOMEM, iad_cpu_scratch(f.d[d].queue, 4, SIZE_MAX / 4, &b, &err));
        assert_ok(iad_cpu_scratch(f.d[d].queue, 4, 10, &b, &err));
        assert_fails(IAD_ERR_INTERNAL, iad_cpu_scratch(f.d[d].queue, 8, 10, &b, &err));
    }
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_transfers),
        cmocka_unit_test(test_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
