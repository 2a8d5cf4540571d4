/* Preprocessing against transformers' slow image processor (Pillow 13) and against the published formulas. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/image/resize.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "runtime/model/preprocess.h"
#include "runtime/tensor/dtype.h"

#define WIDE 12845056

/* The picture that the golden values were made from. */
static void make_picture(int h, int w, int k, int channels, iad_image *image) {
    iad_err err;
    assert_ok(iad_image_init(image, w, h, channels, &err));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < channels; c++)
                iad_image_at(image, x, y)[c] = (uint8_t)((7 * y + 13 * x + 31 * c + 17 * k + 5 * ((x * y) % 11)) & 255);
}

static void hex_of(const void *bytes, size_t n, char text[65]) {
    uint8_t digest[IAD_SHA256_BYTES];
    iad_err err;
    assert_ok(iad_sha256_bytes(bytes, n, digest, &err));
    iad_hex(digest, sizeof digest, text);
}

static void sizes(void **state) {
    (void)state;
    static const struct {
        int h, w;
        int64_t min, max;
        int h2, w2;
    } golden[] = {
        {42, 70, 3136, WIDE, 56, 56},
        {70, 98, 3136, WIDE, 56, 112},
        {28, 574, 3136, WIDE, 28, 560},
        {350, 350, 3136, WIDE, 336, 336},
        {434, 434, 3136, WIDE, 448, 448},
        {462, 462, 3136, WIDE, 448, 448},
        {630, 630, 3136, WIDE, 616, 616},
        {256, 256, 3136, WIDE, 252, 252},
        {512, 512, 3136, WIDE, 504, 504},
        {900, 900, 3136, WIDE, 896, 896},
        {1024, 1024, 3136, WIDE, 1036, 1036},
        {20, 20, 3136, WIDE, 56, 56},
        {3000, 4000, 3136, WIDE, 2996, 4004},
        {1024, 1024, 3136, 1003520, 980, 980},
        {3000, 4000, 3136, 1003520, 840, 1148},
        {224, 224, 200704, WIDE, 448, 448},
        {512, 512, 64 * 784, 1280 * 784, 504, 504},
        {1024, 1024, 64 * 784, 1280 * 784, 980, 980},
        {230, 630, 64 * 784, 1280 * 784, 224, 616},
        {1, 200, 3136, WIDE, 28,
         196}, /* 1:200 is still allowed; the short side is raised before the area is looked at */
        {471, 471, 200704, 200704, 420, 420},
        {478, 478, 200704, 200704, 420, 420},
        {1000, 1000, 200704, 200704, 448, 448},
        {100, 10000, 3136, 3136, 28, 560}, /* the short side is kept at one token */
    };
    iad_err err;
    int h, w;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        assert_ok(iad_smart_resize(golden[i].h, golden[i].w, 28, golden[i].min, golden[i].max, &h, &w, &err));
        if (h != golden[i].h2 || w != golden[i].w2)
            fail_msg("%d x %d -> %d x %d, expected %d x %d", golden[i].h, golden[i].w, h, w, golden[i].h2,
                     golden[i].w2);
        assert_ok(iad_smart_resize(golden[i].w, golden[i].h, 28, golden[i].min, golden[i].max, &w, &h, &err));
        assert_int_equal(golden[i].h2, h);
    }
    assert_fails(IAD_ERR_LIMIT, iad_smart_resize(10, 2001, 28, 3136, WIDE, &h, &w, &err));
    assert_non_null(strstr(err.msg, "2001 x 10"));
    assert_fails(IAD_ERR_ARG, iad_smart_resize(0, 5, 28, 3136, WIDE, &h, &w, &err));
    assert_fails(IAD_ERR_ARG, iad_smart_resize(5, 5, 28, 3136, 3135, &h, &w, &err));
    assert_fails(IAD_ERR_LIMIT, iad_smart_resize(60000, 60000, 28, 1, INT64_MAX, &h, &w, &err));
}

/* Every size gives multiples of 28 within the limits, and a size that fits already is left alone. */
static void sizes_hold(void **state) {
    (void)state;
    iad_rng rng;
    iad_err err;
    iad_rng_init(&rng, 5, 0);
    for (int i = 0; i < 20000; i++) {
        const int h = iad_rng_int(&rng, 1, 5000), w = iad_rng_int(&rng, 1, 5000);
        int h2, w2, h3, w3;
        const iad_status status = iad_smart_resize(h, w, 28, 200704, 1003520, &h2, &w2, &err);
        if ((h > w ? h : w) > 200 * (h > w ? w : h)) {
            assert_int_equal(IAD_ERR_LIMIT, status);
            continue;
        }
        assert_int_equal(IAD_OK, status);
        assert_true(h2 >= 28 && w2 >= 28 && h2 % 28 == 0 && w2 % 28 == 0);
        if (h2 > 28 && w2 > 28) assert_true((int64_t)h2 * w2 <= 1003520);
        assert_true((int64_t)h2 * w2 >= 200704 * 7 / 8);
        if ((int64_t)h2 * w2 < 200704 || (int64_t)h2 * w2 > 1003520) continue;
        assert_ok(iad_smart_resize(h2, w2, 28, 200704, 1003520, &h3, &w3, &err));
        assert_true(h2 == h3 && w2 == w3);
    }
}

static void pixels(void **state) {
    (void)state;
    static const struct {
        int h, w, grey;
        int64_t min, max;
        int gh, gw;
        const char *f32, *bf16;
    } golden[] = {
        {140, 196, 0, 3136, WIDE, 10, 14, "691598505d04f250bf24d56831a64dd4599c7c217aaef67e9efb4af0c987e185",
         "71946b4eea28be872adab8a0004fc9f4b440a02e222641528a0dc61d55b46c44"},
        {196, 112, 0, 3136, WIDE, 14, 8, "da408f72b291fcae0d4c8043562d14941ed654391f9b4bf4a096ab76aeecd028",
         "028d14c04ba9405b1a0735d01cf811a27747b62f3542b65fbcd2558f18683373"},
        {101, 75, 0, 3136, WIDE, 8, 6, "2c9de3724f1da27fae9f16035c469113d45ad963ffa90426e644634700e440f1",
         "4af1c97cc050a0f0a050c62f3e437ce2eb6319ba978ae672d1e56ce60818be96"},
        {300, 200, 0, 3136, 50176, 18, 12, "73d40f5f38418a978971110851cb36b2e6358ba9769e93b87b6b6444df1a8fb0",
         "557588d319c0b8cd5382f4aadf1b4eebe806e1dd9236d0a25fc280b9f78bec1a"},
        {20, 20, 0, 3136, WIDE, 4, 4, "d9e8124d377f9217d9033074cc5fa3c03c15530bbe8ab53cd0b524c16413b38e",
         "9d604f6f69a206732b756583ac5b21b268658172be31984d6d16982b4a3a405e"},
        {64, 90, 1, 50176, WIDE, 14, 20, "c1ed8c49e7162c70125985e3374fc5e88a707c8a42e7505e23adc1d361711b7f",
         "828433494f5c1d98cad6d55c40ecd8560fff6828aece3d0f0d7cec1c196600da"},
    };
    iad_err err;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
        for (int pass = 0; pass < 4; pass++) {
            iad_image image;
            iad_patches patches;
            char hex[65];
            iad_preprocess_options options = iad_preprocess_defaults();
            options.min_pixels = golden[i].min;
            options.max_pixels = golden[i].max;
            options.pillow13 = 1;
            options.bf16 = pass & 1;
            options.threads = pass & 2 ? 3 : 1;
            make_picture(golden[i].h, golden[i].w, 0, golden[i].grey ? 1 : 3, &image);
            assert_ok(iad_preprocess(&image, &options, &patches, &err));
            assert_int_equal(golden[i].gh, patches.gh);
            assert_int_equal(golden[i].gw, patches.gw);
            assert_int_equal(patches.gh * patches.gw, patches.n_row);
            assert_int_equal(1176, patches.n_col);
            assert_int_equal(golden[i].h, patches.size.source_h);
            assert_int_equal(patches.gh * 14, patches.size.resized_h);
            const size_t n = (size_t)patches.n_row * (size_t)patches.n_col;
            if (options.bf16) {
                assert_null(patches.rows);
                hex_of(patches.rows16, n * 2, hex);
            } else hex_of(patches.rows, n * 4, hex);
            if (strcmp(hex, options.bf16 ? golden[i].bf16 : golden[i].f32))
                fail_msg("picture %zu, pass %d: %s", i, pass, hex);
            iad_patches_deinit(&patches);
            iad_image_deinit(&image);
        }
}

static void rows_and_table(void **state) {
    (void)state;
    static const float row0[4] = {-1.792263f, -1.602483f, -1.412703f, -1.222924f},
                       row5[4] = {-0.776592f, -0.581491f, -0.386390f, -0.191289f};
    iad_err err;
    iad_image image;
    iad_patches patches;
    iad_preprocess_options options = iad_preprocess_defaults();
    make_picture(140, 196, 0, 3, &image);
    assert_ok(iad_preprocess(&image, &options, &patches, &err));
    for (int i = 0; i < 4; i++) {
        assert_close((double)patches.rows[i], (double)row0[i], 1e-6);
        assert_close((double)patches.rows[5 * 1176 + 588 + i], (double)row5[i], 1e-6);
    }
    iad_patches_deinit(&patches);
    iad_image_deinit(&image);
    /* ends of the normalisation table */
    static const float ends[6] = {-1.7922626f, 1.9303361f, -1.7520971f, 2.0748837f, -1.4802198f, 2.145897f};
    for (int v = 0; v < 2; v++) {
        assert_ok(iad_image_init(&image, 28, 28, 3, &err));
        memset(image.px, v ? 255 : 0, 28 * 28 * 3);
        assert_ok(iad_preprocess_rows(&image, &options, &patches, &err));
        for (int c = 0; c < 3; c++) assert_true(patches.rows[c * 392] == ends[2 * c + v]);
        iad_patches_deinit(&patches);
        iad_image_deinit(&image);
    }
}

/* Any patch, temporal and merge size against the definition. */
static void definition(void **state) {
    (void)state;
    static const int shapes[][3] = {{14, 2, 2}, {5, 1, 3}, {4, 3, 1}, {1, 1, 1}, {8, 2, 4}};
    iad_err err;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const int p = shapes[k][0], t = shapes[k][1], m = shapes[k][2], f = p * m;
        iad_image image;
        iad_patches got;
        iad_preprocess_options options = iad_preprocess_defaults();
        options.patch = p;
        options.temporal = t;
        options.merge = m;
        make_picture(3 * f, 2 * f, 3, 3, &image);
        assert_ok(iad_preprocess_rows(&image, &options, &got, &err));
        assert_int_equal(3 * t * p * p, got.n_col);
        for (int64_t n = 0; n < got.n_row; n++)
            for (int j = 0; j < got.n_col; j++) {
                const int block = (int)n / (m * m), y = block / 2 * m + (int)n / m % m, x = block % 2 * m + (int)n % m;
                const int c = j / (t * p * p), py = j / p % p, px = j % p;
                const float v = (float)(iad_image_at(&image, x * p + px, y * p + py)[c] / 255.0);
                assert_close((double)got.rows[n * got.n_col + j], (double)((v - options.mean[c]) / options.std[c]),
                             3e-7);
            }
        iad_patches_deinit(&got);
        iad_image_deinit(&image);
    }
}

static void explicit_size(void **state) {
    (void)state;
    iad_err err;
    iad_image image, a, b;
    iad_resize_record size;
    iad_preprocess_options options = iad_preprocess_defaults();
    options.height = options.width = 448;
    make_picture(61, 333, 1, 3, &image);
    assert_ok(iad_preprocess_u8(&image, &options, &a, &err));
    assert_ok(iad_resize(&image, 448, 448, IAD_FILTER_BICUBIC, &b, &err));
    assert_int_equal(448, a.width);
    assert_memory_equal(a.px, b.px, 448 * 448 * 3);
    iad_image_deinit(&a);
    iad_image_deinit(&b);
    iad_image_deinit(&image);
    options.height = 350; /* 12.5 tokens: to the even 12 */
    options.width = 434;  /* 15.5: to 16 */
    assert_ok(iad_preprocess_size(61, 333, &options, &size, &err));
    assert_true(size.resized_h == 336 && size.resized_w == 448 && size.source_h == 61 && size.source_w == 333);
    options.width = 0;
    assert_fails(IAD_ERR_ARG, iad_preprocess_size(61, 333, &options, &size, &err));
    options = iad_preprocess_defaults();
    options.std[1] = 0;
    assert_fails(IAD_ERR_ARG, iad_preprocess_size(61, 333, &options, &size, &err));
    options = iad_preprocess_defaults();
    options.patch = 0;
    assert_fails(IAD_ERR_ARG, iad_preprocess_size(61, 333, &options, &size, &err));
    options = iad_preprocess_defaults();
    options.patch = options.temporal = 256;
    assert_fails(IAD_ERR_LIMIT, iad_preprocess_size(61, 333, &options, &size, &err));
}

static void windows(void **state) {
    (void)state;
    static const int32_t order[35] = {0,  1, 2, 3,  7,  8,  9,  10, 14, 15, 16, 17, 21, 22, 23, 24, 4, 5,
                                      6, 11, 12, 13, 18, 19, 20, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34};
    static const int32_t cu[5] = {0, 64, 112, 128, 140};
    iad_err err;
    iad_windows w;
    assert_ok(iad_window_plan(10, 14, 2, 112, 14, &w, &err));
    assert_true(w.lh == 5 && w.lw == 7 && w.n_token == 35 && w.n_window == 4);
    assert_memory_equal(order, w.order, sizeof order);
    assert_memory_equal(cu, w.cu, sizeof cu);
    int32_t row[140], col[140];
    iad_vision_positions(&w, 2, row, col);
    for (int i = 0; i < 140; i++) {
        assert_int_equal(order[i / 4] / 7 * 2 + i / 2 % 2, row[i]);
        assert_int_equal(order[i / 4] % 7 * 2 + i % 2, col[i]);
    }
    iad_patch_positions(10, 14, 2, row, col);
    for (int i = 0; i < 140; i++) assert_true(row[i] == i / 28 * 2 + i / 2 % 2 && col[i] == i / 4 % 7 * 2 + i % 2);
    iad_windows_deinit(&w);
    assert_ok(iad_window_plan(32, 32, 2, 112, 14, &w, &err));
    assert_int_equal(16, w.n_window);
    for (int i = 0; i <= 16; i++) assert_int_equal(64 * i, w.cu[i]);
    iad_windows_deinit(&w);
    assert_ok(iad_window_plan(36, 24, 2, 112, 14, &w, &err));
    assert_int_equal(15, w.n_window);
    for (int i = 0; i <= 12; i++) assert_int_equal(64 * i, w.cu[i]);
    for (int i = 13; i <= 15; i++) assert_int_equal(768 + 32 * (i - 12), w.cu[i]);
    iad_windows_deinit(&w);
    assert_fails(IAD_ERR_ARG, iad_window_plan(9, 14, 2, 112, 14, &w, &err));
    assert_fails(IAD_ERR_ARG, iad_window_plan(10, 14, 2, 27, 14, &w, &err));
    assert_fails(IAD_ERR_LIMIT, iad_window_plan(1 << 20, 1 << 20, 2, 112, 14, &w, &err));
}

/* Against the published way: pad the grid to whole windows with -1, cut, drop the padding and the empty windows. */
static void windows_by_padding(void **state) {
    (void)state;
    iad_rng rng;
    iad_err err;
    iad_rng_init(&rng, 9, 0);
    for (int round = 0; round < 600; round++) {
        const int merge = iad_rng_int(&rng, 1, 3), patch = iad_rng_int(&rng, 1, 16), lh = iad_rng_int(&rng, 1, 24),
                  lw = iad_rng_int(&rng, 1, 24);
        const int window = iad_rng_int(&rng, merge * patch, 9 * merge * patch), side = window / merge / patch;
        const int ph = lh + side - lh % side, pw = lw + side - lw % side; /* a whole window more when it fits already */
        iad_windows w;
        assert_ok(iad_window_plan(lh * merge, lw * merge, merge, window, patch, &w, &err));
        int n = 0, k = 0;
        for (int wy = 0; wy < ph / side; wy++)
            for (int wx = 0; wx < pw / side; wx++) {
                const int before = n;
                for (int i = 0; i < side * side; i++) {
                    const int y = wy * side + i / side, x = wx * side + i % side;
                    if (y < lh && x < lw) assert_int_equal(y * lw + x, w.order[n++]);
                }
                if (n > before) assert_int_equal(n * merge * merge, w.cu[++k]);
            }
        assert_int_equal(n, w.n_token);
        assert_int_equal(k, w.n_window);
        iad_windows_deinit(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),          cmocka_unit_test(sizes_hold),         cmocka_unit_test(pixels),
        cmocka_unit_test(rows_and_table), cmocka_unit_test(definition),         cmocka_unit_test(explicit_size),
        cmocka_unit_test(windows),        cmocka_unit_test(windows_by_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
