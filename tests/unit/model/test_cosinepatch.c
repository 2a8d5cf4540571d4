/* Cosine patches: orthogonal filters, the gain of each, any piece of the tensor, refusals. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "runtime/model/cosinepatch.h"
#include "runtime/model/newmodel.h"

static void mini(iad_model_config *config, iad_cosine_filter *filters) {
    iad_err err = IAD_ERR_NONE;
    assert_int_equal(iad_newmodel_config("mini", config, &err), IAD_OK);
    assert_int_equal(iad_cosine_filters(&config->vision, filters, &err), IAD_OK);
}

static void filters_are_orthogonal(void **state) {
    (void)state;
    iad_model_config config;
    iad_cosine_filter filters[IAD_COSINE_MAX_FILTERS];
    mini(&config, filters);
    const iad_vision_config *v = &config.vision;
    size_t n = (size_t)(3 * v->temporal * v->patch * v->patch);
    float *all = iad_alloc((size_t)v->hidden * n, sizeof *all);
    assert_non_null(all);
    iad_cosine_patch(v, filters, 0, (size_t)v->hidden * n, all);
    for (int a = 0; a < v->hidden; a++)
        for (int b = a; b < v->hidden; b++) {
            double sum = 0;
            for (size_t i = 0; i < n; i++) sum += (double)all[(size_t)a * n + i] * all[(size_t)b * n + i];
            /* frames share a still picture: the response to it has length gain, the filter itself gain / sqrt(frames) */
            double want = a == b ? filters[a].gain * filters[a].gain / v->temporal : 0;
            assert_true(fabs(sum - want) < 1e-5 * (filters[a].gain * filters[b].gain + 1));
        }
    assert_int_equal(filters[0].colour, 0);
    assert_int_equal(filters[0].v + filters[0].h, 0);
    assert_true(filters[0].gain < filters[v->hidden - 1].gain); /* means are large, fine detail is small */
    float piece[1001];
    iad_cosine_patch(v, filters, 777, 1001, piece);
    assert_memory_equal(piece, all + 777, sizeof piece);
    free(all);
}

static void towers_that_cannot_are_refused(void **state) {
    (void)state;
    iad_model_config config;
    iad_cosine_filter filters[IAD_COSINE_MAX_FILTERS];
    iad_err err = IAD_ERR_NONE;
    mini(&config, filters);
    config.vision.hidden = 3 * 14 * 14 + 1;
    assert_int_equal(iad_cosine_filters(&config.vision, filters, &err), IAD_ERR_ARG);
    assert_non_null(strstr(err.msg, "588"));
    mini(&config, filters);
    config.vision.in_channels = 1;
    assert_int_equal(iad_cosine_filters(&config.vision, filters, &err), IAD_ERR_ARG);
    mini(&config, filters);
    config.vision.patch = 33;
    assert_int_equal(iad_cosine_filters(&config.vision, filters, &err), IAD_ERR_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(filters_are_orthogonal), cmocka_unit_test(towers_that_cannot_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
