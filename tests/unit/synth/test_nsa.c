/* NSA: what it draws (ranges and shares of 10,000 draws), where it lands, and what it refuses. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/image/image.h"
#include "base/json.h"
#include "base/rng.h"
#include "synth/defect/defect.h"

#define DRAWS 10000

static const iad_defect_size PUBLISHED = {1, 0, 0};

static void noise(iad_image *image, int w, int h, int channels, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    iad_rng_init(&rng, seed, 3);
    assert_ok(iad_image_init(image, w, h, channels, &err));
    for (size_t i = 0; i < (size_t)w * (size_t)h * (size_t)channels; i++) image->px[i] = (uint8_t)iad_rng_int(&rng, 0, 255);
}

/* An ellipse in the middle, its axes `share` of the picture's sides. */
static void object(iad_foreground *fg, int w, int h, double share) {
    iad_err err = IAD_ERR_NONE;
    iad_image mask;
    assert_ok(iad_image_init(&mask, w, h, 1, &err));
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            double u = (2.0 * x - w + 1) / (w * share), v = (2.0 * y - h + 1) / (h * share);
            if (u * u + v * v < 1) *iad_image_at(&mask, x, y) = 255;
        }
    }
    assert_ok(iad_foreground_from_mask(&mask, fg, &err));
    iad_image_deinit(&mask);
}

static int64_t number(const json_t *patch, const char *key) {
    const json_t *v = json_object_get(patch, key);
    assert_true(json_is_integer(v));
    return json_integer_value(v);
}

static json_t *draw(const iad_defect_scene *scene, const iad_defect_size *size, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    json_t *params = NULL;
    assert_ok(iad_defect_nsa.draw(scene, size, &rng, &params, &err));
    return params;
}

static void check_inside(const iad_defect_scene *scene, const json_t *p) {
    const iad_image *src = scene->src != NULL ? scene->src : scene->dst;
    assert_true(number(p, "x") >= 0 && number(p, "y") >= 0 && number(p, "w") >= 1 && number(p, "h") >= 1);
    assert_true(number(p, "x") + number(p, "w") <= scene->dst->width && number(p, "y") + number(p, "h") <= scene->dst->height);
    assert_true(number(p, "sx") >= 0 && number(p, "sy") >= 0 && number(p, "sw") >= 1 && number(p, "sh") >= 1);
    assert_true(number(p, "sx") + number(p, "sw") <= src->width && number(p, "sy") + number(p, "sh") <= src->height);
}

/* Textures, a picture of 640 x 480. */
static void published_statistics(void **state) {
    (void)state;
    iad_image dst, src;
    noise(&dst, 640, 480, 1, 1);
    noise(&src, 640, 480, 1, 2);
    iad_defect_scene scene = {.dst = &dst, .src = &src};
    int counts[6] = {0}, patches = 0, ellipses = 0, at_high = 0, below_median = 0, scale_low = 0, scale_high = 0, scales = 0;
    double half_sum[2] = {0}, place_x = 0, place_y = 0, source_x = 0, scale_below_one = 0;
    int places = 0;
    for (int i = 0; i < DRAWS; i++) {
        json_t *params = draw(&scene, &PUBLISHED, (uint64_t)i);
        json_t *list = json_object_get(params, "patches");
        assert_in_range(json_array_size(list), 1, 4);
        counts[json_array_size(list)]++;
        for (size_t k = 0; k < json_array_size(list); k++) {
            const json_t *p = json_array_get(list, k);
            check_inside(&scene, p);
            double sw = (double)number(p, "sw"), sh = (double)number(p, "sh"), w = (double)number(p, "w"), h = (double)number(p, "h");
            double half_w = sw / 640 / 2, half_h = sh / 480 / 2;
            assert_true(half_w >= 0.03 - 0.5 / 640 && half_w <= 0.40 + 0.5 / 640 && half_h >= 0.03 - 0.5 / 480 && half_h <= 0.40 + 0.5 / 480);
            half_sum[0] += half_w;
            half_sum[1] += half_h;
            at_high += half_w > 0.4 - 1e-9;
            below_median += half_w < 0.03 + 0.05 * 1.67834699;
            patches++;
            size_t e = json_array_size(json_object_get(p, "ellipses"));
            assert_true(e == 0 || e == 5);
            ellipses += e == 5;
            if (w < 640 && h < 480) { /* aspect kept */
                double scale = w / sw;
                assert_true(scale > 0.5 - 0.6 / sw && scale < 2 + 1.6 / sw);
                assert_close(h / sh, scale, 1.7 / sw + 1.7 / sh);
            }
            if (half_w < 0.2 && half_h < 0.2) { /* no clipping by the picture up to twice the size */
                scales++;
                scale_low += fabs(w / sw - 0.5) < 0.55 / sw;
                scale_high += fabs(w - 2 * sw) < 1.5;
                scale_below_one += w < sw;
            }
            if (w < 600 && h < 440) {
                places++;
                place_x += (double)number(p, "x") / (640 - w);
                place_y += (double)number(p, "y") / (480 - h);
                source_x += (double)number(p, "sx") / (640 - sw);
            }
        }
        json_decref(params);
    }
    /* First always, three more with p = 1/2: 1, 3, 3, 1 eighths. */
    assert_close((double)counts[1] / DRAWS, 0.125, 0.015);
    assert_close((double)counts[2] / DRAWS, 0.375, 0.02);
    assert_close((double)counts[3] / DRAWS, 0.375, 0.02);
    assert_close((double)counts[4] / DRAWS, 0.125, 0.015);
    /* Gamma(2, 0.05) + 0.03, clipped at 0.40: mean 0.13 less the tail, median, share of the clipped. */
    assert_close(half_sum[0] / patches, 0.1297, 0.002);
    assert_close(half_sum[1] / patches, 0.1297, 0.002);
    assert_close((double)below_median / patches, 0.5, 0.015);
    assert_close((double)at_high / patches, 0.0051, 0.003);
    assert_int_equal(ellipses, 0); /* published: rectangles */
    /* N(1, 0.5) clipped to 0.5..2. The rounding of sizes adds some to what looks like the lower limit. */
    assert_close((double)scale_low / scales, 0.1587 + 0.006, 0.02);
    assert_close((double)scale_high / scales, 0.0235, 0.005);
    assert_close(scale_below_one / scales, 0.5, 0.02);
    assert_close(place_x / places, 0.5, 0.01);
    assert_close(place_y / places, 0.5, 0.01);
    assert_close(source_x / places, 0.5, 0.01);
    iad_image_deinit(&dst);
    iad_image_deinit(&src);
}

static double share(const iad_foreground *fg, int64_t x0, int64_t y0, int64_t w, int64_t h, const iad_image *cover) {
    int64_t on = 0, all = 0;
    for (int64_t y = 0; y < h; y++) {
        for (int64_t x = 0; x < w; x++) {
            if (cover != NULL && *iad_image_at(cover, (int)x, (int)y) == 0) continue;
            all++;
            on += *iad_image_at(&fg->mask, (int)(x0 + x), (int)(y0 + y)) != 0;
        }
    }
    return (double)on / (double)all;
}

/* An object: three patches, half of the source patch and a quarter of the cover on it, resized by 0.7..1.3. */
static void object_constraints(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image dst, src;
    noise(&dst, 256, 200, 3, 1);
    noise(&src, 200, 256, 3, 2); /* another size: cut in proportion */
    iad_foreground fg, src_fg;
    object(&fg, 256, 200, 0.6);
    object(&src_fg, 200, 256, 0.7);
    iad_defect_scene scene = {.dst = &dst, .src = &src, .fg = &fg, .src_fg = &src_fg};
    int counts[5] = {0}, low = 0, high = 0, n = 0;
    const int draws = 3000;
    for (int i = 0; i < draws; i++) {
        json_t *params = draw(&scene, &PUBLISHED, (uint64_t)i), *list = json_object_get(params, "patches");
        assert_in_range(json_array_size(list), 1, 3);
        counts[json_array_size(list)]++;
        iad_defect_layers layers;
        if (i < 300) assert_ok(iad_defect_nsa.layers(&scene, params, &layers, &err));
        for (size_t k = 0; k < json_array_size(list); k++) {
            const json_t *p = json_array_get(list, k);
            check_inside(&scene, p);
            double scale = (double)number(p, "w") / 256 / ((double)number(p, "sw") / 200), slack = 2.0 / (double)number(p, "sw");
            if (number(p, "w") < 256) assert_true(scale > 0.7 - slack && scale < 1.3 + slack);
            n++;
            low += scale < 0.75;
            high += scale > 1.25;
            assert_true(share(&src_fg, number(p, "sx"), number(p, "sy"), number(p, "sw"), number(p, "sh"), NULL) > 0.5 - 0.03);
            if (i >= 300) continue;
            assert_int_equal(layers.n, json_array_size(list));
            assert_true(share(&fg, layers.items[k].x, layers.items[k].y, number(p, "w"), number(p, "h"), &layers.items[k].cover) > 0.25 - 0.04);
        }
        if (i < 300) iad_defect_layers_deinit(&layers);
        json_decref(params);
    }
    assert_close((double)counts[1] / draws, 0.25, 0.03);
    assert_close((double)counts[2] / draws, 0.5, 0.03);
    assert_close((double)counts[3] / draws, 0.25, 0.03);
    assert_close((double)low / n, 0.3085, 0.05); /* P(N(1, 0.5) < 0.75); places that fit prefer the smaller ones a little */
    assert_close((double)high / n, 0.3085, 0.05);

    /* The source's object is a dot: half a patch never lies on it. */
    iad_foreground dot;
    object(&dot, 200, 256, 0.02);
    scene.src_fg = &dot;
    iad_rng rng;
    iad_rng_init(&rng, 1, 1);
    json_t *params = NULL;
    assert_fails(IAD_ERR_NOT_FOUND, iad_defect_nsa.draw(&scene, &PUBLISHED, &rng, &params, &err));
    assert_null(params);
    scene.src_fg = &fg; /* of another size */
    assert_fails(IAD_ERR_ARG, iad_defect_nsa.draw(&scene, &PUBLISHED, &rng, &params, &err));
    iad_foreground_deinit(&dot);
    iad_foreground_deinit(&fg);
    iad_foreground_deinit(&src_fg);
    iad_image_deinit(&dst);
    iad_image_deinit(&src);
}

/* Own sizes: the cover's area is what was asked for. */
static void wished_areas(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image dst;
    noise(&dst, 500, 300, 1, 1);
    iad_foreground fg;
    object(&fg, 500, 300, 0.5);
    iad_defect_scene scene = {.dst = &dst, .fg = &fg};
    iad_defect_size size = {0, 0.01, 0.02};
    int good = 0, n = 0, small = 0;
    for (int i = 0; i < 1000; i++) {
        json_t *params = draw(&scene, &size, (uint64_t)i);
        iad_defect_layers layers;
        assert_ok(iad_defect_nsa.layers(&scene, params, &layers, &err));
        for (int k = 0; k < layers.n; k++) {
            const iad_image *cover = &layers.items[k].cover;
            int64_t area = 0;
            for (int j = 0; j < cover->width * cover->height; j++) area += cover->px[j] != 0;
            double part = (double)area / (double)fg.area;
            n++;
            good += part > 0.0085 && part < 0.0235; /* sides are whole pixels */
            small += part < 0.01414;
        }
        iad_defect_layers_deinit(&layers);
        json_decref(params);
    }
    assert_true(good > n * 95 / 100);
    assert_close((double)small / n, 0.5, 0.06); /* log-uniform */
    iad_foreground_deinit(&fg);
    iad_image_deinit(&dst);
}

static void same_seed_same_layers(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image dst, src;
    noise(&dst, 151, 203, 3, 1);
    noise(&src, 170, 150, 3, 2);
    iad_defect_scene scene = {.dst = &dst, .src = &src};
    char *last = NULL;
    for (uint64_t seed = 0; seed < 40; seed++) {
        json_t *a = draw(&scene, &PUBLISHED, seed), *b = draw(&scene, &PUBLISHED, seed);
        assert_true(json_equal(a, b));
        char *text = json_dumps(a, JSON_COMPACT | JSON_SORT_KEYS);
        assert_true(last == NULL || strcmp(last, text) != 0);
        json_t *again = json_loads(text, 0, NULL); /* as a database gives it back */
        iad_defect_layers one, two;
        assert_ok(iad_defect_nsa.layers(&scene, a, &one, &err));
        assert_ok(iad_defect_nsa.layers(&scene, again, &two, &err));
        assert_int_equal(one.n, two.n);
        for (int k = 0; k < one.n; k++) {
            size_t n = (size_t)one.items[k].content.width * (size_t)one.items[k].content.height;
            assert_int_equal(one.items[k].content.channels, 3);
            assert_int_equal(one.items[k].cover.channels, 1);
            assert_memory_equal(one.items[k].content.px, two.items[k].content.px, 3 * n);
            assert_memory_equal(one.items[k].cover.px, two.items[k].cover.px, n);
        }
        iad_defect_layers_deinit(&one);
        iad_defect_layers_deinit(&two);
        free(last);
        last = text;
        json_decref(a);
        json_decref(b);
        json_decref(again);
    }
    free(last);
    iad_image_deinit(&dst);
    iad_image_deinit(&src);
}

#define GOOD "\"sx\":3,\"sy\":4,\"sw\":10,\"sh\":12"

static iad_status parse(const iad_defect_scene *scene, const char *text, iad_defect_layers *layers, iad_err *err) {
    json_t *params = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(params);
    iad_status status = iad_defect_nsa.layers(scene, params, layers, err);
    json_decref(params);
    return status;
}

/* A piece at its own size is the source's pixels; a grey scene gets no colour; without a source the picture is its own. */
static void layers_hold_the_source(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image dst, src;
    noise(&dst, 40, 30, 3, 1);
    noise(&src, 25, 50, 3, 2);
    iad_defect_scene scene = {.dst = &dst, .src = &src};
    const char *text = "{\"patches\":[{" GOOD ",\"x\":30,\"y\":18,\"w\":10,\"h\":12,\"ellipses\":[]}]}";
    for (int own = 0; own < 2; own++) {
        iad_defect_layers layers;
        scene.src = own ? NULL : &src;
        assert_ok(parse(&scene, text, &layers, &err));
        assert_int_equal(layers.n, 1);
        const iad_defect_layer *layer = &layers.items[0];
        assert_int_equal(layer->x, 30);
        assert_int_equal(layer->y, 18);
        for (int y = 0; y < 12; y++) {
            assert_memory_equal(iad_image_at(&layer->content, 0, y), iad_image_at(own ? &dst : &src, 3, 4 + y), 30);
            for (int x = 0; x < 10; x++) assert_int_equal(*iad_image_at(&layer->cover, x, y), 255);
        }
        iad_defect_layers_deinit(&layers);
    }
    scene.grey = 1;
    iad_defect_layers layers;
    assert_ok(parse(&scene, text, &layers, &err));
    for (int i = 0; i < 120; i++) {
        const uint8_t *px = layers.items[0].content.px + 3 * i;
        assert_true(px[0] == px[1] && px[1] == px[2]);
    }
    iad_defect_layers_deinit(&layers);
    /* One circle in the middle, five times. */
    const char *round = "{\"patches\":[{" GOOD ",\"x\":0,\"y\":0,\"w\":20,\"h\":20,\"ellipses\":["
                        "[500000,500000,250000,250000,0],[500000,500000,250000,250000,9],[500000,500000,250000,250000,90000],"
                        "[500000,500000,250000,250000,0],[500000,500000,250000,250000,0]]}]}";
    assert_ok(parse(&scene, round, &layers, &err));
    for (int y = 0; y < 20; y++) {
        for (int x = 0; x < 20; x++) {
            double d = hypot(x - 9.5, y - 9.5);
            if (fabs(d - 5) > 0.01) assert_int_equal(*iad_image_at(&layers.items[0].cover, x, y), d < 5 ? 255 : 0);
        }
    }
    iad_defect_layers_deinit(&layers);
    iad_image_deinit(&dst);
    iad_image_deinit(&src);
}

static void hostile_parameters(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image dst;
    noise(&dst, 40, 30, 3, 1);
    iad_defect_scene scene = {.dst = &dst};
    const char *const bad[] = {
        "[]",
        "7",
        "{}",
        "{\"patches\":{}}",
        "{\"patches\":[]}",
        "{\"patches\":[1]}",
        "{\"patches\":[{" GOOD "}]}",
        "{\"patches\":[{" GOOD ",\"x\":31,\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{" GOOD ",\"x\":0,\"y\":19,\"w\":10,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{" GOOD ",\"x\":-1,\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{" GOOD ",\"x\":0,\"y\":0,\"w\":0,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{" GOOD ",\"x\":0,\"y\":0,\"w\":41,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{" GOOD ",\"x\":0,\"y\":0,\"w\":10.5,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{" GOOD ",\"x\":\"0\",\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{" GOOD ",\"x\":9223372036854775807,\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{\"sx\":31,\"sy\":0,\"sw\":10,\"sh\":12,\"x\":0,\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{\"sx\":0,\"sy\":0,\"sw\":10,\"sh\":31,\"x\":0,\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{\"sx\":0,\"sy\":0,\"sw\":-9223372036854775808,\"sh\":1,\"x\":0,\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[]}]}",
        "{\"patches\":[{" GOOD ",\"x\":0,\"y\":0,\"w\":10,\"h\":12}]}",
        "{\"patches\":[{" GOOD ",\"x\":0,\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[[1,2,3,4,5]]}]}",
        "{\"patches\":[{" GOOD ",\"x\":0,\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[1,2,3,4,5]}]}",
        "{\"patches\":[{" GOOD ",\"x\":0,\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[[0,0,0,1000,0],[0,0,1000,1000,0],[0,0,1000,1000,0],"
        "[0,0,1000,1000,0],[0,0,1000,1000,0]]}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        iad_defect_layers layers;
        assert_fails(IAD_ERR_FORMAT, parse(&scene, bad[i], &layers, &err));
        assert_int_equal(layers.n, 0);
        assert_null(layers.items[0].content.px);
    }
    /* A good patch before the bad one is freed (sanitizers would tell); more than four are too many. */
    iad_defect_layers layers;
    const char *patch = "{" GOOD ",\"x\":0,\"y\":0,\"w\":10,\"h\":12,\"ellipses\":[]}";
    char text[1024];
    snprintf(text, sizeof text, "{\"patches\":[%s,{}]}", patch);
    assert_fails(IAD_ERR_FORMAT, parse(&scene, text, &layers, &err));
    assert_int_equal(layers.n, 0);
    snprintf(text, sizeof text, "{\"patches\":[%s,%s,%s,%s,%s]}", patch, patch, patch, patch, patch);
    assert_fails(IAD_ERR_FORMAT, parse(&scene, text, &layers, &err));
    snprintf(text, sizeof text, "{\"patches\":[%s,%s,%s,%s]}", patch, patch, patch, patch);
    assert_ok(parse(&scene, text, &layers, &err));
    assert_int_equal(layers.n, 4);
    iad_defect_layers_deinit(&layers);
    iad_image grey;
    noise(&grey, 40, 30, 1, 1);
    scene.src = &grey;
    assert_fails(IAD_ERR_ARG, parse(&scene, text, &layers, &err));
    iad_image_deinit(&grey);
    iad_image_deinit(&dst);
}

/* Pictures of a few pixels: a refusal or layers inside, never anything else. */
static void tiny_pictures(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int w = 1; w < 24; w += 3) {
        for (int h = 1; h < 24; h += 3) {
            iad_image dst;
            noise(&dst, w, h, 1, 1);
            iad_defect_scene scene = {.dst = &dst};
            for (int own = 0; own < 2; own++) {
                iad_defect_size size = {own, 0.01, 0.5};
                iad_rng rng;
                iad_rng_init(&rng, (uint64_t)(w * 100 + h), 0);
                json_t *params = NULL;
                iad_status status = iad_defect_nsa.draw(&scene, &size, &rng, &params, &err);
                if (status == IAD_ERR_NOT_FOUND) continue;
                assert_int_equal(status, IAD_OK);
                iad_defect_layers layers;
                assert_ok(iad_defect_nsa.layers(&scene, params, &layers, &err));
                iad_defect_layers_deinit(&layers);
                json_decref(params);
            }
            iad_image_deinit(&dst);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_statistics),  cmocka_unit_test(object_constraints),     cmocka_unit_test(wished_areas),
        cmocka_unit_test(same_seed_same_layers), cmocka_unit_test(layers_hold_the_source), cmocka_unit_test(hostile_parameters),
        cmocka_unit_test(tiny_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
