/* The training-free scorer: what it must find, what it must not depend on, and sizes that nobody expects. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/pool.h"
#include "base/rng.h"
#include "bench/patchnn/patchnn.h"

/* A plate with stripes, a bright disc and grain: an object that can be aligned. `shift` moves the disc, `seed` draws the grain. */
static iad_image part(int width, int height, int channels, int shift, uint64_t seed) {
    iad_image image = {0};
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    assert_ok(iad_image_init(&image, width, height, channels, &err));
    iad_rng_init(&rng, seed, 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double dx = x - width / 2.0 - shift, dy = y - height / 2.0, r = sqrt(dx * dx + dy * dy);
            int v = 90 + ((x / 9) % 2) * 25 + (r < height / 4.0 ? 70 : 0) + iad_rng_int(&rng, -4, 4);
            for (int c = 0; c < channels; c++) *(iad_image_at(&image, x, y) + c) = (uint8_t)(v + 8 * c);
        }
    return image;
}

static void blob(iad_image *image, int cx, int cy, int radius) {
    for (int y = cy - radius; y <= cy + radius; y++)
        for (int x = cx - radius; x <= cx + radius; x++)
            if ((x - cx) * (x - cx) + (y - cy) * (y - cy) <= radius * radius)
                for (int c = 0; c < image->channels; c++) *(iad_image_at(image, x, y) + c) = 12;
}

static iad_patchnn *model_of(const iad_image *exemplars, int n, int scalar) {
    iad_err err = IAD_ERR_NONE;
    iad_patchnn *model = NULL;
    iad_patchnn_options options = {.force_scalar = scalar, .work_side = IAD_SANITIZED ? 128 : 0};
    assert_ok(iad_patchnn_new(exemplars, n, &options, &model, &err));
    return model;
}

static double score_of(const iad_patchnn *model, const iad_image *query, iad_plane *map) {
    iad_err err = IAD_ERR_NONE;
    double score = NAN;
    assert_ok(iad_patchnn_score(model, query, &score, map, &err));
    assert_true(isfinite(score) && score >= 0);
    return score;
}

static void test_a_blob_is_found_where_it_is(void **state) {
    (void)state;
    iad_image exemplars[2] = {part(256, 192, 1, 0, 1), part(256, 192, 1, 3, 2)}, good = part(256, 192, 1, 1, 3), bad = part(256, 192, 1, 1, 3);
    iad_plane map = {0};
    blob(&bad, 180, 60, 9);
    iad_patchnn *model = model_of(exemplars, 2, 0);
    double same = score_of(model, &exemplars[0], NULL), normal = score_of(model, &good, NULL), anomalous = score_of(model, &bad, &map);
    assert_true(same <= normal);
    assert_true(anomalous > 1.5 * normal);
    int at = 0;
    for (int i = 0; i < map.width * map.height; i++)
        if (map.px[i] > map.px[at]) at = i;
    double x = (at % map.width + 0.5) * 256 / map.width, y = (at / map.width + 0.5) * 192 / map.height;
    assert_true(fabs(x - 180) < 24 && fabs(y - 60) < 24);
    iad_plane_deinit(&map);
    iad_patchnn_free(model);
    iad_image_deinit(&bad);
    iad_image_deinit(&good);
    for (int i = 0; i < 2; i++) iad_image_deinit(&exemplars[i]);
}

static void test_kernels_agree_to_the_bit(void **state) {
    (void)state;
    iad_image exemplars[3] = {part(200, 150, 3, 0, 4), part(150, 200, 3, 2, 5), part(97, 131, 1, 0, 6)}, query = part(210, 160, 3, 5, 7);
    blob(&query, 50, 50, 6);
    iad_patchnn *fast = model_of(exemplars, 3, 0), *plain = model_of(exemplars, 3, 1);
    iad_plane a = {0}, b = {0};
    double x = score_of(fast, &query, &a), y = score_of(plain, &query, &b);
    assert_memory_equal(&x, &y, sizeof x);
    assert_int_equal(a.width, b.width);
    assert_int_equal(a.height, b.height);
    assert_memory_equal(a.px, b.px, (size_t)a.width * (size_t)a.height * sizeof(float));
    iad_plane_deinit(&a);
    iad_plane_deinit(&b);
    iad_patchnn_free(fast);
    iad_patchnn_free(plain);
    iad_image_deinit(&query);
    for (int i = 0; i < 3; i++) iad_image_deinit(&exemplars[i]);
}

typedef struct shared_run {
    const iad_patchnn *model;
    iad_image *queries;
    double scores[8];
} shared_run;

static void score_one(void *user, size_t i, int thread) {
    shared_run *run = user;
    iad_err err = IAD_ERR_NONE;
    (void)thread;
    if (iad_patchnn_score(run->model, &run->queries[i], &run->scores[i], NULL, &err) != IAD_OK) run->scores[i] = NAN;
}

static void test_one_model_serves_many_threads(void **state) {
    (void)state;
    iad_image exemplar = part(128, 128, 1, 0, 8), queries[8];
    for (int i = 0; i < 8; i++) queries[i] = part(128, 128, 1, i, 20 + (uint64_t)i);
    iad_patchnn *model = model_of(&exemplar, 1, 0);
    shared_run alone = {.model = model, .queries = queries}, together = alone;
    iad_parallel_for(8, 1, score_one, &alone);
    iad_parallel_for(8, 4, score_one, &together);
    assert_memory_equal(alone.scores, together.scores, sizeof alone.scores);
    assert_true(isfinite(alone.scores[7]));
    iad_patchnn_free(model);
    for (int i = 0; i < 8; i++) iad_image_deinit(&queries[i]);
    iad_image_deinit(&exemplar);
}

static void test_odd_sizes(void **state) {
    (void)state;
    static const int sizes[][3] = {{1, 1, 1}, {7, 900, 1}, {900, 7, 3}, {2, 3, 3}, {33, 31, 1}};
    for (size_t e = 0; e < 5; e++) {
        iad_image exemplar = part(sizes[e][0], sizes[e][1], sizes[e][2], 0, 30);
        iad_patchnn *model = model_of(&exemplar, 1, 0);
        for (size_t q = 0; q < 5; q++) {
            iad_image query = part(sizes[q][0], sizes[q][1], sizes[q][2], 0, 31);
            iad_plane map = {0};
            score_of(model, &query, &map);
            assert_true(map.width >= 1 && map.height >= 1);
            for (int i = 0; i < map.width * map.height; i++) assert_true(isfinite((double)map.px[i]));
            iad_plane_deinit(&map);
            iad_image_deinit(&query);
        }
        iad_patchnn_free(model);
        iad_image_deinit(&exemplar);
    }
}

static void test_many_exemplars_and_bad_arguments(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image exemplars[16], flat = {0};
    for (int i = 0; i < 16; i++) exemplars[i] = part(60 + 5 * i, 90 - 3 * i, i % 2 ? 3 : 1, 0, 40 + (uint64_t)i);
    iad_patchnn *model = model_of(exemplars, 16, 0);
    assert_ok(iad_image_init(&flat, 64, 64, 1, &err));
    assert_true(score_of(model, &flat, NULL) > score_of(model, &exemplars[3], NULL));
    iad_patchnn_free(model);
    model = model_of(&flat, 1, 0); /* nothing varies in this exemplar */
    assert_close(score_of(model, &flat, NULL), 0, 1e-6);
    iad_patchnn_free(model);
    iad_patchnn_free(NULL);
    assert_fails(IAD_ERR_ARG, iad_patchnn_new(exemplars, 0, NULL, &model, &err));
    assert_fails(IAD_ERR_ARG, iad_patchnn_new(exemplars, IAD_PATCHNN_MAX_EXEMPLARS + 1, NULL, &model, &err));
    assert_fails(IAD_ERR_ARG, iad_patchnn_new(exemplars, 1, &(iad_patchnn_options){.work_side = 1}, &model, &err));
    iad_image empty = {0};
    assert_fails(IAD_ERR_ARG, iad_patchnn_new(&empty, 1, NULL, &model, &err));
    iad_image_deinit(&flat);
    for (int i = 0; i < 16; i++) iad_image_deinit(&exemplars[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_blob_is_found_where_it_is), cmocka_unit_test(test_kernels_agree_to_the_bit),
        cmocka_unit_test(test_one_model_serves_many_threads), cmocka_unit_test(test_odd_sizes),
        cmocka_unit_test(test_many_exemplars_and_bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
