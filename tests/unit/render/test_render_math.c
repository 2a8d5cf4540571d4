/* The inline arithmetic and the noise against exact functions and their own promises. */
#include "tests/unit/iad_test.h"

#include "base/fmath.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

static void test_angle(void **state) {
    (void)state;
    for (int i = -400; i <= 400; i++) {
        double turn = i / 800.0;
        float x = (float)iad_cos(turn * 6.283185307179586), y = (float)iad_sin(turn * 6.283185307179586);
        double got = rm_angle(y, x), off = got - turn;
        if (off > 0.5) off -= 1;
        if (off < -0.5) off += 1;
        assert_close(off, 0, 3e-7);
        assert_close(rm_angle(3 * y, 3 * x), got, 1e-7);
    }
    assert_close(rm_angle(0, 0), 0, 0);
}

static void test_wave(void **state) {
    (void)state;
    for (int i = -500; i <= 500; i++) {
        double t = i / 173.0;
        assert_close(rm_wave((float)t), iad_sin(t * 6.283185307179586), 2e-3);
    }
    assert_close(rm_wave(0.25f), 1, 1e-6);
    assert_close(rm_wave(0.5f), 0, 1e-6);
}

static void test_shapes(void **state) {
    (void)state;
    assert_int_equal(-2, rm_floor(-1.5f));
    assert_int_equal(-1, rm_floor(-1.0f));
    assert_int_equal(1, rm_floor(1.99f));
    assert_close(rm_smooth(1, 3, 0.5f), 0, 0);
    assert_close(rm_smooth(1, 3, 2), 0.5, 1e-6);
    assert_close(rm_smooth(3, 1, 0.5f), 1, 0);
    assert_close(rm_bump(0), 1, 0);
    assert_close(rm_bump(-1), 0, 0);
    assert_close(rm_box(3, 0, 1, 1, 0.2f), 2, 1e-6);
    assert_close(rm_box(0, 0, 1, 2, 0), -1, 1e-6);
    float t;
    assert_close(rm_segment(0.5f, 2, 0, 0, 1, 0, &t), 2, 1e-6);
    assert_close(t, 0.5, 1e-6);
    assert_close(rm_segment(-3, 4, 0, 0, 1, 0, &t), 5, 1e-6);
    assert_close(t, 0, 0);
}

static void test_noise(void **state) {
    (void)state;
    double sum = 0, square = 0, low = 9, high = -9, step = 0;
    const int n = 40000;
    for (int i = 0; i < n; i++) {
        float x = (float)(i % 200) * 0.37f - 30, y = (float)(i / 200) * 0.41f - 30;
        double v = iad_noise(5, x, y), f = iad_noise_fbm(5, x, y, 4), near = iad_noise(5, x + 0.001f, y);
        sum += v;
        square += v * v;
        low = f < low ? f : low;
        high = f > high ? f : high;
        step = v - near > step ? v - near : step;
    }
    assert_close(sum / n, 0, 0.02);
    assert_true(square / n > 0.05 && square / n < 0.5);
    assert_true(low > -1.6 && low < -0.5 && high < 1.6 && high > 0.5);
    assert_true(step < 0.02); /* continuous */
    assert_close(iad_noise(5, 3, -7), 0, 1e-6); /* gradient noise vanishes on its lattice */
    assert_true(iad_noise(5, 0.3f, 0.6f) != iad_noise(6, 0.3f, 0.6f));
    for (int i = 0; i < 1000; i++) {
        float v = iad_noise_line(3, (float)i * 0.31f - 100);
        assert_true(v >= -1 && v <= 1);
    }
}

static void test_cells(void **state) {
    (void)state;
    for (int i = 0; i < 2000; i++) {
        float x = (float)(i % 50) * 0.13f - 3, y = (float)(i / 50) * 0.17f - 3;
        iad_noise_cell c, again;
        iad_noise_cells(9, x, y, &c);
        assert_true(c.near >= 0 && c.near <= c.next && c.near < 1.5f);
        assert_close(rm_len(c.dx, c.dy), c.near, 1e-6);
        /* standing on the point itself */
        iad_noise_cells(9, x - c.dx, y - c.dy, &again);
        assert_close(again.near, 0, 1e-5);
        assert_int_equal(c.id, again.id);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_angle), cmocka_unit_test(test_wave),
                                       cmocka_unit_test(test_shapes), cmocka_unit_test(test_noise),
                                       cmocka_unit_test(test_cells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
