/* Conversions: every 16-bit pattern, every vector form against the scalar one, rounding and NaN. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/rng.h"
#include "runtime/tensor/tensor.h"

static uint32_t bits_of(float v) {
    uint32_t u;
    memcpy(&u, &v, 4);
    return u;
}

static float float_of(uint32_t u) {
    float v;
    memcpy(&v, &u, 4);
    return v;
}

static void all_16_bit_patterns(void **state) {
    (void)state;
    static uint16_t in[65537], back[65536];
    static float fast[65536], slow[65536];
    for (int kind = 0; kind < 2; kind++) {
        uint8_t *odd = (uint8_t *)in + 1; /* not aligned */
        for (uint32_t i = 0; i < 65536; i++) memcpy(odd + 2 * i, &(uint16_t){(uint16_t)i}, 2);
        if (kind) iad_f16_to_f32_array(odd, 65536, fast), iad_f16_to_f32_scalar(odd, 65536, slow);
        else iad_bf16_to_f32_array(odd, 65536, fast), iad_bf16_to_f32_scalar(odd, 65536, slow);
        assert_memory_equal(fast, slow, sizeof fast);
        if (kind) iad_f32_to_f16_array(fast, 65536, back);
        else iad_f32_to_bf16_array(fast, 65536, back);
        for (uint32_t i = 0; i < 65536; i++) {
            if (isnan(fast[i])) assert_true(isnan(kind ? iad_f16_to_f32(back[i]) : iad_bf16_to_f32(back[i])));
            else assert_int_equal(back[i], i);
        }
    }
}

static void rounding(void **state) {
    (void)state;
    assert_int_equal(iad_f32_to_bf16(float_of(0x3f808000u)), 0x3f80); /* tie to even, down */
    assert_int_equal(iad_f32_to_bf16(float_of(0x3f818000u)), 0x3f82); /* tie to even, up */
    assert_int_equal(iad_f32_to_bf16(float_of(0x3f808001u)), 0x3f81);
    assert_int_equal(iad_f32_to_bf16(float_of(0x7f7fffffu)), 0x7f80);
    assert_int_equal(iad_f32_to_bf16(float_of(0x7f800001u)), 0x7fc0); /* a NaN whose upper part looks like infinity */
    assert_int_equal(iad_f32_to_bf16(float_of(0xffffffffu)), 0xffff);
    assert_int_equal(iad_f32_to_f16(65519.9f), 0x7bff);
    assert_int_equal(iad_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(iad_f32_to_f16(0x1p-24f), 1);
    assert_int_equal(iad_f32_to_f16(0x1p-25f), 0);
    assert_int_equal(iad_f32_to_f16(float_of(bits_of(0x1p-25f) + 1)), 1);
    assert_int_equal(iad_f32_to_f16(-0x1.8p-24f), 0x8002);
    assert_true(iad_f16_to_f32(0x3555) == 0.333251953125f);
    assert_true(iad_f8_e4m3_to_f32(0x7e) == 448.0f && isnan(iad_f8_e4m3_to_f32(0x7f)) && iad_f8_e4m3_to_f32(0x81) == -0x1p-9f);
    assert_true(iad_f8_e4m3_to_f32(0x38) == 1.0f && iad_f8_e4m3_to_f32(0x08) == 0x1p-6f);
    assert_true(iad_f8_e5m2_to_f32(0x7b) == 57344.0f && isinf(iad_f8_e5m2_to_f32(0x7c)) && iad_f8_e5m2_to_f32(1) == 0x1p-16f);
}

static void vector_is_scalar(void **state) {
    (void)state;
    enum { N = 100003 };
    static float in[N];
    static uint16_t fast[N], slow[N];
    iad_rng rng;
    iad_rng_init(&rng, 7, 0);
    for (int i = 0; i < N; i++) {
        uint32_t u = iad_rng_u32(&rng);
        if (i % 2) u = (u & 0x807fffffu) | (100u + u % 47u) << 23; /* also exponents around the f16 range */
        if (i % 5 == 0) u &= 0xffff8000u;                          /* ties */
        in[i] = float_of(u);
    }
    for (size_t n = N - 40; n <= N; n += 13) {
        iad_f32_to_bf16_array(in, n, fast), iad_f32_to_bf16_scalar(in, n, slow);
        assert_memory_equal(fast, slow, 2 * n);
        iad_f32_to_f16_array(in, n, fast), iad_f32_to_f16_scalar(in, n, slow);
        assert_memory_equal(fast, slow, 2 * n);
    }
}

static void by_kind(void **state) {
    (void)state;
    iad_err err;
    double d[3] = {1.5, -2.25, 1e-3};
    uint16_t h[3];
    float f[3];
    assert_ok(iad_dtype_convert(IAD_F64, d, 3, IAD_BF16, h, &err));
    assert_ok(iad_dtype_to_f32(IAD_BF16, h, 3, f, &err));
    assert_true(f[0] == 1.5f && f[1] == -2.25f);
    assert_fails(IAD_ERR_UNSUPPORTED, iad_dtype_to_f32(IAD_I32, d, 1, f, &err));
    iad_dtype kind;
    for (int i = 0; i < IAD_DTYPE_COUNT; i++)
        assert_true(iad_dtype_find(iad_dtype_name((iad_dtype)i), &kind) && (int)kind == i && iad_dtype_size(kind));
    assert_false(iad_dtype_find("F4", &kind));
    uint64_t bytes;
    assert_fails(IAD_ERR_LIMIT, iad_tensor_bytes("t", IAD_F32, 3, (int64_t[]){1ll << 40, 1ll << 40, 0}, &bytes, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_16_bit_patterns), cmocka_unit_test(rounding), cmocka_unit_test(vector_is_scalar),
                                       cmocka_unit_test(by_kind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
