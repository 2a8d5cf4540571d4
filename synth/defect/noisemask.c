#include "synth/defect/noisemask.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { UNIT = 1000000, TRIES = 16 };

/* 2^k cells, k uniform in 0..most, each axis on its own. */
static iad_perlin draw_noise(iad_rng *rng, int most) {
    iad_perlin p;
    p.seed = iad_rng_u64(rng) >> 2; /* fits a JSON integer */
    p.cells_x = 1 << iad_rng_int(rng, 0, most);
    p.cells_y = 1 << iad_rng_int(rng, 0, most);
    p.angle = iad_rng_int(rng, -90000, 90000);
    return p;
}

static iad_status plane_of(const iad_noise_mask *m, iad_plane *plane, iad_err *err) {
    IAD_TRY(iad_perlin_noise(&m->noise[0], (int)m->w, (int)m->h, plane, err));
    iad_status status = IAD_OK;
    if (m->variant) {
        iad_plane second;
        status = iad_perlin_noise(&m->noise[1], (int)m->w, (int)m->h, &second, err);
        size_t n = (size_t)m->w * (size_t)m->h;
        for (size_t i = 0; status == IAD_OK && i < n; i++) {
            int larger = second.px[i] > plane->px[i];
            if (larger == (m->variant == 1)) plane->px[i] = second.px[i]; /* above the threshold in either one: the larger; in both: the smaller */
        }
        if (status == IAD_OK) iad_plane_deinit(&second);
    }
    if (status == IAD_OK && m->island)
        for (int y = 0; y < (int)m->h; y++)
            for (int x = 0; x < (int)m->w; x++) {
                double dx = (2 * x + 1) / (double)m->w - 1, dy = (2 * y + 1) / (double)m->h - 1, r = dx * dx + dy * dy;
                plane->px[(size_t)y * (size_t)m->w + (size_t)x] -= (float)(r >= 1 ? 10 : 2 * r * r);
            }
    if (status != IAD_OK) iad_plane_deinit(plane);
    return status;
}

static int by_value(const void *a, const void *b) {
    float p = *(const float *)a, q = *(const float *)b;
    return (p > q) - (p < q);
}

/* The threshold above which `area` of the box's values lie, from up to 4,096 of them. */
static iad_status threshold_for(const iad_noise_mask *m, double area, int64_t *threshold, iad_err *err) {
    iad_plane plane;
    IAD_TRY(plane_of(m, &plane, err));
    size_t n = (size_t)m->w * (size_t)m->h, step = n / 4096 + 1, count = 0;
    float *values = iad_alloc(n / step + 1, sizeof *values);
    if (values) {
        for (size_t i = step / 2; i < n; i += step) values[count++] = plane.px[i];
        qsort(values, count, sizeof *values, by_value);
        double share = area / (double)n;
        size_t at = (size_t)((1 - (share > 0.9 ? 0.9 : share)) * (double)count);
        *threshold = (int64_t)floor((double)values[at < count ? at : count - 1] * UNIT);
    }
    free(values);
    iad_plane_deinit(&plane);
    return values ? IAD_OK : IAD_NOMEM(err, "a noise mask");
}

static iad_status draw_island(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, iad_noise_mask *m, iad_err *err) {
    double area = iad_defect_area(scene, size, rng);
    int w, h, x, y;
    iad_defect_box(scene, rng, 2.2 * area, &w, &h);
    if (w < 6) w = 6;
    if (h < 6) h = 6;
    m->noise[0] = draw_noise(rng, 3);
    m->noise[1] = draw_noise(rng, 3);
    m->variant = (int)iad_rng_below(rng, 3);
    IAD_TRY(iad_defect_place(scene, rng, w, h, NULL, 0.5, &x, &y, err));
    m->island = 1;
    m->x = x;
    m->y = y;
    m->w = w;
    m->h = h;
    return threshold_for(m, area, &m->threshold, err);
}

iad_status iad_noise_mask_draw(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, iad_noise_mask *m, iad_err *err) {
    for (int i = 0; i < TRIES; i++) {
        iad_image cover;
        int64_t area;
        *m = (iad_noise_mask){0};
        if (size->published) {
            m->noise[0] = draw_noise(rng, 5);
            m->noise[1] = draw_noise(rng, 5);
            m->threshold = UNIT / 2;
            m->w = scene->dst->width;
            m->h = scene->dst->height;
        } else return draw_island(scene, size, rng, m, err); /* placed on the object, its threshold made for its area */
        IAD_TRY(iad_noise_mask_cover(scene, m, &cover, &area, err));
        iad_image_deinit(&cover);
        if (area > 0) return IAD_OK;
    }
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no noise on the object");
}

iad_status iad_noise_mask_cover(const iad_defect_scene *scene, const iad_noise_mask *m, iad_image *cover, int64_t *area, iad_err *err) {
    iad_plane plane;
    *area = 0;
    IAD_TRY(plane_of(m, &plane, err));
    iad_status status = iad_image_init_raw(cover, (int)m->w, (int)m->h, 1, err);
    float threshold = (float)((double)m->threshold / UNIT);
    for (int y = 0; status == IAD_OK && y < (int)m->h; y++)
        for (int x = 0; x < (int)m->w; x++) {
            size_t i = (size_t)y * (size_t)m->w + (size_t)x;
            int on = plane.px[i] > threshold && (!scene->fg || *iad_image_at(&scene->fg->mask, (int)m->x + x, (int)m->y + y));
            cover->px[i] = on ? 255 : 0;
            *area += on;
        }
    iad_plane_deinit(&plane);
    return status;
}

int iad_noise_mask_json(const iad_noise_mask *m, json_t *params) {
    json_t *noise = json_array();
    for (int i = 0; i < 2; i++)
        json_array_append_new(noise,
                              json_pack("[I,i,i,i]", (json_int_t)m->noise[i].seed, m->noise[i].cells_x, m->noise[i].cells_y, m->noise[i].angle));
    return json_object_set_new(params, "noise", noise) == 0 && json_object_set_new(params, "variant", json_integer(m->variant)) == 0 &&
           json_object_set_new(params, "threshold", json_integer(m->threshold)) == 0 &&
           json_object_set_new(params, "island", json_integer(m->island)) == 0 && json_object_set_new(params, "x", json_integer(m->x)) == 0 &&
           json_object_set_new(params, "y", json_integer(m->y)) == 0 && json_object_set_new(params, "w", json_integer(m->w)) == 0 &&
           json_object_set_new(params, "h", json_integer(m->h)) == 0;
}

iad_status iad_noise_mask_parse(const iad_defect_scene *scene, const json_t *params, iad_noise_mask *m, iad_err *err) {
    const json_t *noise = json_object_get(params, "noise");
    int64_t variant, island;
    *m = (iad_noise_mask){0};
    if (json_array_size(noise) != 2) return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"noise\" is no list of two");
    for (size_t i = 0; i < 2; i++) {
        const json_t *one = json_array_get(noise, i);
        int64_t v[4] = {-1, 0, 0, 0};
        for (size_t k = 0; k < 4 && json_is_integer(json_array_get(one, k)); k++) v[k] = json_integer_value(json_array_get(one, k));
        if (json_array_size(one) != 4 || v[0] < 0 || v[1] < 1 || v[1] > 32 || v[2] < 1 || v[2] > 32 || v[3] < -180000 || v[3] > 180000)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"noise\" holds no seed, cells and angle");
        m->noise[i] = (iad_perlin){(uint64_t)v[0], (int)v[1], (int)v[2], (int)v[3]};
    }
    IAD_TRY(iad_defect_param(params, "variant", 0, 2, &variant, err));
    IAD_TRY(iad_defect_param(params, "island", 0, 1, &island, err));
    IAD_TRY(iad_defect_param(params, "threshold", -20 * (int64_t)UNIT, 20 * (int64_t)UNIT, &m->threshold, err));
    IAD_TRY(iad_defect_param(params, "w", 1, scene->dst->width, &m->w, err));
    IAD_TRY(iad_defect_param(params, "h", 1, scene->dst->height, &m->h, err));
    IAD_TRY(iad_defect_param(params, "x", 0, scene->dst->width - m->w, &m->x, err));
    IAD_TRY(iad_defect_param(params, "y", 0, scene->dst->height - m->h, &m->y, err));
    m->variant = (int)variant;
    m->island = (int)island;
    return IAD_OK;
}
