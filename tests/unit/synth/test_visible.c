/* The visible mask against the plain reading of its rule, pixel by pixel; which defects are enough; what hangs over the object's edge
 * (synth-data 1.1, 1.6). */
#include "synth/defect/visible.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "tests/unit/iad_test.h"

/* ---- the rule, slowly ---- */

typedef struct grid {
    int w, h;
    uint8_t *px;
} grid;

static grid new_grid(int w, int h) { return (grid){w, h, iad_calloc((size_t)w * (size_t)h, 1)}; }

static int at(const grid *g, int x, int y) { return x >= 0 && y >= 0 && x < g->w && y < g->h && g->px[y * g->w + x]; }

/* 1 where a (all 0) or every (all 1) pixel of the square of this radius is set; what lies outside is not. */
static grid square(const grid *g, int r, int all) {
    grid out = new_grid(g->w, g->h);
    for (int y = 0; y < g->h; y++)
        for (int x = 0; x < g->w; x++) {
            int n = 0;
            for (int v = -r; v <= r; v++)
                for (int u = -r; u <= r; u++) n += at(g, x + u, y + v);
            out.px[y * g->w + x] = all ? n == (2 * r + 1) * (2 * r + 1) : n > 0;
        }
    return out;
}

/* Closing on a plane that goes on beyond the picture. */
static grid closed(const grid *g, int r) {
    grid wide = new_grid(g->w + 4 * r, g->h + 4 * r), out = new_grid(g->w, g->h);
    for (int y = 0; y < g->h; y++)
        for (int x = 0; x < g->w; x++) wide.px[(y + 2 * r) * wide.w + x + 2 * r] = g->px[y * g->w + x];
    grid grown = square(&wide, r, 0), shrunk = square(&grown, r, 1);
    for (int y = 0; y < g->h; y++)
        for (int x = 0; x < g->w; x++) out.px[y * g->w + x] = shrunk.px[(y + 2 * r) * wide.w + x + 2 * r];
    free(wide.px);
    free(grown.px);
    free(shrunk.px);
    return out;
}

static int sum_of_differences(const iad_image *a, const iad_image *b, int x, int y) {
    int d = 0;
    for (int c = 0; c < a->channels; c++) d += abs(iad_image_at(a, x, y)[c] - iad_image_at(b, x, y)[c]);
    return d;
}

static grid plain_mask(const iad_image *a, const iad_image *b, const grid *near, int tol, int smooth) {
    int w = a->width, h = a->height;
    grid over = new_grid(w, h), seen = new_grid(w, h);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int sum = 0, n = 0, r = smooth ? 1 : 0;
            for (int v = y - r; v <= y + r; v++)
                for (int u = x - r; u <= x + r; u++)
                    if (u >= 0 && v >= 0 && u < w && v < h) sum += sum_of_differences(a, b, u, v), n++;
            over.px[y * w + x] = sum > tol * a->channels * n;
        }
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int on = 0, n = 0;
            for (int v = y - 2; v <= y + 2; v++)
                for (int u = x - 2; u <= x + 2; u++)
                    if (u >= 0 && v >= 0 && u < w && v < h) on += at(&over, u, v), n++;
            seen.px[y * w + x] = 2 * on > n && at(near, x, y);
        }
    free(over.px);
    grid out = closed(&seen, (w < h ? w : h) / 256);
    free(seen.px);
    for (int i = 0; i < w * h; i++) out.px[i] &= near->px[i];
    return out;
}

static grid grid_of(const iad_image *mask) {
    grid g = new_grid(mask->width, mask->height);
    for (int i = 0; i < g.w * g.h; i++) g.px[i] = mask->px[i] != 0;
    return g;
}

/* ---- pictures ---- */

static void noise(iad_image *p, int w, int h, int channels, uint64_t seed, int lo, int hi) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    assert_ok(iad_image_init(p, w, h, channels, &err));
    for (int i = 0; i < w * h * channels; i++) p->px[i] = (uint8_t)iad_rng_int(&rng, lo, hi);
}

static void disc(iad_image *mask, int w, int h, double share) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_image_init(mask, w, h, 1, &err));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double dx = (x - w / 2.0) / w, dy = (y - h / 2.0) / h;
            *iad_image_at(mask, x, y) = dx * dx + dy * dy < share * share ? 255 : 0;
        }
}

typedef struct setting {
    int w, h, channels, grow, smooth, tol, tol_beside, with_object, strength;
    iad_rect pasted;
} setting;

static void compare(const setting *s, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    iad_image before, after, geom, object, vis;
    iad_foreground fg = {0};
    iad_visible_facts facts;
    iad_rng rng;
    iad_rng_init(&rng, seed, 1);
    noise(&before, s->w, s->h, s->channels, seed, 60, 190);
    assert_ok(iad_image_copy(&before, &after, &err));
    assert_ok(iad_image_init(&geom, s->w, s->h, 1, &err));
    assert_ok(iad_image_init(&vis, s->w, s->h, 1, &err));
    disc(&object, s->w, s->h, 0.3);
    if (s->with_object) assert_ok(iad_foreground_from_mask(&object, &fg, &err));
    iad_rect box = {s->pasted.x0 - s->grow < 0 ? 0 : s->pasted.x0 - s->grow, s->pasted.y0 - s->grow < 0 ? 0 : s->pasted.y0 - s->grow,
                    s->pasted.x1 + s->grow > s->w ? s->w : s->pasted.x1 + s->grow, s->pasted.y1 + s->grow > s->h ? s->h : s->pasted.y1 + s->grow};
    for (int y = box.y0; y < box.y1; y++)
        for (int x = box.x0; x < box.x1; x++) {
            int inside = x >= s->pasted.x0 && x < s->pasted.x1 && y >= s->pasted.y0 && y < s->pasted.y1;
            if (inside && (x / 7 + y / 5) % 6) *iad_image_at(&geom, x, y) = 255;
            /* strong, faint and no change side by side */
            int change = s->strength * ((x - box.x0) / 4 % 4) / 3 * iad_rng_int(&rng, 0, 2) / 2;
            for (int c = 0; c < s->channels; c++) iad_image_at(&after, x, y)[c] = (uint8_t)(iad_image_at(&after, x, y)[c] + change);
        }
    const iad_visible_rule rule = {s->tol, s->tol_beside, s->smooth, 0.25, 24, 4.0};
    assert_ok(iad_visible_mask(&before, &after, &geom, s->with_object ? &fg : NULL, box, s->grow, &rule, &vis, &facts, &err));

    grid pasted = grid_of(&geom), near = square(&pasted, s->grow, 0), want = plain_mask(&before, &after, &near, s->tol, s->smooth);
    if (s->with_object) {
        grid on = grid_of(&object), reach = square(&on, (s->w < s->h ? s->w : s->h) * 2 / 100, 0);
        grid much = plain_mask(&before, &after, &near, s->tol_beside, s->smooth);
        for (int i = 0; i < s->w * s->h; i++) want.px[i] = want.px[i] && (reach.px[i] || much.px[i]);
        free(on.px);
        free(reach.px);
        free(much.px);
    }
    int64_t area = 0, geom_area = 0, sum = 0, most = 0;
    iad_rect seen = {s->w, s->h, 0, 0};
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            int i = y * s->w + x, d = sum_of_differences(&before, &after, x, y);
            if (vis.px[i] != (want.px[i] ? 255 : 0)) fail_msg("%dx%d, seed %llu: pixel %d,%d", s->w, s->h, (unsigned long long)seed, x, y);
            geom_area += geom.px[i] != 0;
            if (!want.px[i]) continue;
            area++;
            sum += d;
            most = d > most ? d : most;
            seen = (iad_rect){x < seen.x0 ? x : seen.x0, y < seen.y0 ? y : seen.y0, x + 1 > seen.x1 ? x + 1 : seen.x1,
                              y + 1 > seen.y1 ? y + 1 : seen.y1};
        }
    assert_int_equal(facts.vis_area, area);
    assert_int_equal(facts.geom_area, geom_area);
    if (area) {
        assert_close(facts.delta_mean, (double)sum / ((double)s->channels * (double)area), 1e-9);
        assert_close(facts.delta_max, (double)most / s->channels, 1e-9);
        assert_memory_equal(&facts.box, &seen, sizeof seen);
    }
    assert_int_equal(facts.enough, area >= 24 && (double)area >= 0.25 * (double)geom_area && facts.delta_mean >= 4);
    free(pasted.px);
    free(near.px);
    free(want.px);
    iad_foreground_deinit(&fg);
    iad_image_deinit(&before);
    iad_image_deinit(&after);
    iad_image_deinit(&geom);
    iad_image_deinit(&object);
    iad_image_deinit(&vis);
}

static void test_rule(void **state) {
    (void)state;
    static const setting settings[] = {
        {64, 48, 3, 0, 1, 3, 12, 0, 40, {10, 8, 50, 40}},     {64, 48, 1, 0, 1, 3, 12, 0, 40, {0, 0, 64, 48}},
        {64, 48, 3, 0, 0, 1, 1, 0, 9, {0, 20, 33, 48}},       {64, 48, 3, 3, 1, 3, 12, 1, 30, {2, 2, 60, 46}},
        {301, 270, 3, 6, 1, 3, 12, 1, 40, {0, 0, 180, 150}},  {301, 270, 1, 2, 1, 3, 12, 1, 25, {150, 100, 301, 270}},
        {270, 560, 3, 4, 1, 3, 255, 1, 60, {0, 200, 270, 460}}, {540, 600, 3, 2, 1, 3, 12, 1, 35, {400, 450, 540, 600}},
        {33, 20, 3, 0, 1, 3, 12, 1, 60, {31, 0, 33, 3}},      {64, 48, 3, 0, 1, 3, 12, 1, 0, {10, 8, 50, 40}}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        for (uint64_t seed = 1; seed < 4; seed++) compare(&settings[i], seed);
}

/* One flat change of `by` levels in a square of the background or of the object. */
static int64_t seen_area(int by, int x0, const iad_visible_rule *rule, int *enough) {
    iad_err err = IAD_ERR_NONE;
    iad_image before, after, geom, object, vis;
    iad_foreground fg;
    iad_visible_facts facts;
    noise(&before, 200, 200, 3, 5, 100, 100);
    assert_ok(iad_image_copy(&before, &after, &err));
    assert_ok(iad_image_init(&geom, 200, 200, 1, &err));
    assert_ok(iad_image_init(&vis, 200, 200, 1, &err));
    disc(&object, 200, 200, 0.2);
    assert_ok(iad_foreground_from_mask(&object, &fg, &err));
    for (int y = 90; y < 110; y++)
        for (int x = x0; x < x0 + 20; x++) {
            *iad_image_at(&geom, x, y) = 255;
            for (int c = 0; c < 3; c++) iad_image_at(&after, x, y)[c] = (uint8_t)(100 + by);
        }
    assert_ok(iad_visible_mask(&before, &after, &geom, &fg, (iad_rect){x0, 90, x0 + 20, 110}, 0, rule, &vis, &facts, &err));
    *enough = facts.enough;
    iad_foreground_deinit(&fg);
    iad_image_deinit(&before);
    iad_image_deinit(&after);
    iad_image_deinit(&geom);
    iad_image_deinit(&object);
    iad_image_deinit(&vis);
    return facts.vis_area;
}

/* A faint change of the background is no defect, a plain one is; on the object both are. */
static void test_beside_the_object(void **state) {
    (void)state;
    iad_visible_rule rule = IAD_VISIBLE_DEFAULT;
    int enough;
    assert_true(seen_area(8, 90, &rule, &enough) > 380 && enough);
    assert_true(seen_area(8, 10, &rule, &enough) == 0 && !enough);
    assert_true(seen_area(40, 10, &rule, &enough) > 370 && enough);
    assert_true(seen_area(3, 90, &rule, &enough) == 0 && !enough);
    rule.tol_beside = 255;
    assert_true(seen_area(40, 10, &rule, &enough) == 0 && !enough);
    rule.min_mean = 9;
    assert_true(seen_area(8, 90, &rule, &enough) > 380 && !enough);
    rule = IAD_VISIBLE_DEFAULT;
    rule.min_pixels = 500;
    assert_true(seen_area(8, 90, &rule, &enough) > 380 && !enough);
}

static void test_refused(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image p, other, geom, vis;
    iad_visible_facts facts;
    noise(&p, 20, 20, 3, 1, 0, 255);
    noise(&other, 20, 21, 3, 1, 0, 255);
    assert_ok(iad_image_init(&geom, 20, 20, 1, &err));
    assert_ok(iad_image_init(&vis, 20, 20, 1, &err));
    iad_visible_rule rule = IAD_VISIBLE_DEFAULT;
    assert_fails(IAD_ERR_ARG, iad_visible_mask(&p, &other, &geom, NULL, (iad_rect){0, 0, 5, 5}, 0, &rule, &vis, &facts, &err));
    assert_fails(IAD_ERR_ARG, iad_visible_mask(&p, &p, &geom, NULL, (iad_rect){0, 0, 21, 5}, 0, &rule, &vis, &facts, &err));
    assert_fails(IAD_ERR_ARG, iad_visible_mask(&p, &p, &geom, NULL, (iad_rect){0, 0, 5, 5}, -1, &rule, &vis, &facts, &err));
    rule.tol_beside = 2;
    assert_fails(IAD_ERR_ARG, iad_visible_mask(&p, &p, &geom, NULL, (iad_rect){0, 0, 5, 5}, 0, &rule, &vis, &facts, &err));
    rule = IAD_VISIBLE_DEFAULT;
    assert_ok(iad_visible_mask(&p, &p, &geom, NULL, (iad_rect){5, 5, 5, 9}, 0, &rule, &vis, &facts, &err)); /* nothing changed */
    assert_true(facts.vis_area == 0 && !facts.enough);
    iad_image_deinit(&p);
    iad_image_deinit(&other);
    iad_image_deinit(&geom);
    iad_image_deinit(&vis);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rule), cmocka_unit_test(test_beside_the_object), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
