#include "synth/render/shade.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "synth/render/render_math.h"

/* Heights in fixed point: sums of integers do not depend on their order, so a running sum is exact. */
#define FIXED 65536.0f
#define MAX_SLOPE 4.0f
#define MAX_LIGHT 6.0f
#define SHADOW_STEPS 28
#define FINE_REACH 0.012f /* of the fine occlusion scale */

/* Mean over a window of 2 r + 1, border replicated; `step` is the distance between neighbours of a line. */
static void box_line(const int32_t *in, int32_t *out, int n, int step, int r) {
    int64_t sum = 0;
    for (int i = -r; i <= r; i++) sum += in[(size_t)(i < 0 ? 0 : i >= n ? n - 1 : i) * (size_t)step];
    int count = 2 * r + 1;
    for (int i = 0; i < n; i++) {
        out[(size_t)i * (size_t)step] = (int32_t)(sum / count);
        int add = i + r + 1, drop = i - r;
        sum += in[(size_t)(add >= n ? n - 1 : add) * (size_t)step];
        sum -= in[(size_t)(drop < 0 ? 0 : drop) * (size_t)step];
    }
}

/* Two box passes per axis: a tent-like window of reach 2 r. In place; scratch has the same size. */
static void smooth_plane(int32_t *plane, int32_t *scratch, int side, int r) {
    for (int pass = 0; pass < 2; pass++) {
        for (int y = 0; y < side; y++)
            box_line(plane + (size_t)y * (size_t)side, scratch + (size_t)y * (size_t)side, side, 1, r);
        for (int x = 0; x < side; x++) box_line(scratch + x, plane + x, side, side, r);
    }
}

/* Plane at picture resolution read at supersampled position, bilinear. */
static float read_plane(const int32_t *plane, int side, int gx, int gy) {
    float fx = ((float)gx + 0.5f) / IAD_SHADE_SUPER - 0.5f, fy = ((float)gy + 0.5f) / IAD_SHADE_SUPER - 0.5f;
    int x0 = rm_floor(fx), y0 = rm_floor(fy);
    float kx = fx - (float)x0, ky = fy - (float)y0;
    int x1 = x0 + 1 < side ? x0 + 1 : side - 1, y1 = y0 + 1 < side ? y0 + 1 : side - 1;
    if (x0 < 0) x0 = 0;
    if (y0 < 0) y0 = 0;
    const int32_t *r0 = plane + (size_t)y0 * (size_t)side, *r1 = plane + (size_t)y1 * (size_t)side;
    return rm_mix(rm_mix((float)r0[x0], (float)r0[x1], kx), rm_mix((float)r1[x0], (float)r1[x1], kx), ky) *
           (1.0f / FIXED);
}

/* Share of the key light that reaches the point, by marching over the heights towards the light. */
static float shadow_at(const iad_light *light, const iad_surface *grid, int w, int gx, int gy, float z_top) {
    float z = grid[(size_t)gy * (size_t)w + (size_t)gx].z;
    float horizontal = rm_len(light->x, light->y);
    if (horizontal < 1e-3f) return 1.0f;
    float rise = light->z / horizontal; /* height gained per unit of way */
    float dx = light->x / horizontal, dy = light->y / horizontal;
    float unit = 2.0f / (float)w, way = 1.5f, blocked = 0;
    for (int i = 0; i < SHADOW_STEPS; i++) {
        float t = way * unit, ray = z + t * rise + 0.002f, soft = t * light->spread + unit;
        if (ray - 0.5f * soft > z_top) break; /* no height of this scene reaches the cone any more */
        int px = rm_floor((float)gx + 0.5f + dx * way), py = rm_floor((float)gy + 0.5f + dy * way);
        if (px < 0 || py < 0 || px >= w || py >= w) break;
        float over = grid[(size_t)py * (size_t)w + (size_t)px].z - ray;
        float k = rm_sat(over / soft + 0.5f);
        if (k > blocked) blocked = k;
        if (blocked >= 1.0f) break;
        way = way * 1.12f + 0.6f;
    }
    return 1.0f - blocked * blocked * (3.0f - 2.0f * blocked);
}

/* A run of points of one row, an array per quantity, so that the compiler can shade several at once. */
#define RUN 64
typedef struct point_run {
    float x[RUN], nx[RUN], ny[RUN], nz[RUN]; /* position, normal */
    float lit[RUN], open[RUN];               /* shares of the key light and of the rest that arrive */
    float red[RUN], green[RUN], blue[RUN], metal[RUN], rough[RUN], glow[RUN];
    float out[3][RUN];
} point_run;

/* Clamping by arithmetic: a comparison would keep compilers from shading several points at once. */
static inline float positive(float x) { return 0.5f * (x + fabsf(x)); }
static inline float capped(float x, float most) { return x - positive(x - most); }
static inline float unit(float x) { return capped(positive(x), 1.0f); }

static inline float softbox(const iad_softbox *box, float x, float y, float z, float rough) {
    float w = box->soft + 0.7f * rough * rough;
    float cap = 1.0f - box->cosine;
    float d = x * box->x + y * box->y + z * box->z;
    float k = unit((d - box->cosine + w) / (w + capped(w, cap)));
    return box->power * (k * k * (3.0f - 2.0f * k)) * cap / (cap + 0.6f * w);
}

/* What a mirror-like direction sees, blurred by roughness: a vertical gradient and the softboxes. */
static inline float surroundings(const iad_light *light, float x, float y, float z, float rough) {
    float t = unit((z + 0.3f + 0.5f * rough) / (1.3f + 0.5f * rough));
    float v = rm_mix(light->env_low, light->env_high, t * t * (3.0f - 2.0f * t));
    /* one by one: a loop in here would keep the compiler from vectorizing the loop round it */
    v += softbox(&light->box[0], x, y, z, rough);
    v += softbox(&light->box[1], x, y, z, rough);
    return v + softbox(&light->box[2], x, y, z, rough);
}

/* Fills p->out for points at height y of the picture. Straight-line arithmetic: no branch depends on a point. */
static void shade_run(const iad_light *light, float y, point_run *p) {
    const iad_light l = *light;
    float vy0 = -y * l.perspective;
    for (int i = 0; i < RUN; i++) {
        float x = p->x[i], nx = p->nx[i], ny = p->ny[i], nz = p->nz[i], rough = p->rough[i], metal = p->metal[i],
              open = p->open[i];
        float lit = p->lit[i] * positive(1.0f + x * l.falloff_x + y * l.falloff_y);
        float direct = positive(nx * l.x + ny * l.y + nz * l.z) * lit;
        float vx = -x * l.perspective;
        float vz = 1.0f / sqrtf(vx * vx + vy0 * vy0 + 1.0f);
        vx *= vz;
        float vy = vy0 * vz;
        float nv = nx * vx + ny * vy + nz * vz;
        float mirror = surroundings(&l, 2 * nv * nx - vx, 2 * nv * ny - vy, 2 * nv * nz - vz, rough) * open;
        /* Half vector of light and view; GGX lobe with a cheap visibility term. */
        float hx = l.x + vx, hy = l.y + vy, hz = l.z + vz;
        float hl = 1.0f / sqrtf(hx * hx + hy * hy + hz * hz);
        float nh = positive(nx * hx + ny * hy + nz * hz) * hl;
        float a = rough * rough + 0.15f * l.spread;
        float a2 = a * a, q = nh * nh * (a2 - 1.0f) + 1.0f;
        float lh = (l.x * hx + l.y * hy + l.z * hz) * hl;
        float gloss = direct * a2 / (q * q * 4.0f * (lh * lh * (1.0f - 0.5f * a) + 0.5f * a));
        float grazing = 1.0f - unit(nv), g2 = grazing * grazing, fresnel = g2 * g2 * grazing * (1.0f - 0.7f * rough);
        float up = 0.5f + 0.5f * nz, matt = 1.0f - metal, low = 0.04f * matt, glow = p->glow[i];
        float fr = low + p->red[i] * metal, fg = low + p->green[i] * metal, fb = low + p->blue[i] * metal;
        fr += (1.0f - fr) * fresnel;
        fg += (1.0f - fg) * fresnel;
        fb += (1.0f - fb) * fresnel;
        float dr = matt * (l.key[0] * direct + rm_mix(l.ground[0], l.sky[0], up) * open) + glow;
        float dg = matt * (l.key[1] * direct + rm_mix(l.ground[1], l.sky[1], up) * open) + glow;
        float db = matt * (l.key[2] * direct + rm_mix(l.ground[2], l.sky[2], up) * open) + glow;
        p->out[0][i] = capped(p->red[i] * dr + fr * (l.key[0] * gloss + mirror), MAX_LIGHT);
        p->out[1][i] = capped(p->green[i] * dg + fg * (l.key[1] * gloss + mirror), MAX_LIGHT);
        p->out[2][i] = capped(p->blue[i] * db + fb * (l.key[2] * gloss + mirror), MAX_LIGHT);
    }
}

static int box_radius(float reach, int side, int least) {
    int r = (int)(reach * 0.25f * (float)side + 0.5f);
    return r < least ? least : r;
}

static float coarse_reach_of(const iad_scene *scene) { return rm_max(scene->occlusion_radius, 0.02f); }

iad_shade_rect iad_shade_reach(const iad_scene *scene, iad_shade_rect changed, float low, float high, int side) {
    int reach = 2; /* normals and bilinear reading */
    if (scene->occlusion > 0) reach += 2 * box_radius(coarse_reach_of(scene), side, 2) + 2;
    if (scene->shadow > 0) {
        float climb =
            scene->light.z / rm_max(rm_len(scene->light.x, scene->light.y), 1e-3f) - 0.5f * scene->light.spread;
        float flat = (high - low) / rm_max(climb, 0.05f);
        int shadow = flat < 2 ? (int)(flat * 0.5f * (float)side) + 4 : side;
        if (shadow > side) shadow = side;
        if (shadow > reach) reach = shadow;
    }
    changed.x0 = changed.x0 > reach ? changed.x0 - reach : 0;
    changed.y0 = changed.y0 > reach ? changed.y0 - reach : 0;
    changed.x1 = changed.x1 + reach < side ? changed.x1 + reach : side;
    changed.y1 = changed.y1 + reach < side ? changed.y1 + reach : side;
    return changed;
}

typedef struct light_job {
    const iad_scene *scene;
    const iad_surface *grid;
    const int32_t *fine, *coarse; /* smoothed heights; fine is NULL without occlusion */
    int side, w;
    float z_top, coarse_reach;
} light_job;

/* Normal, occlusion and shadow of grid point (x, y) into place i of the run. */
static inline void prepare_point(const light_job *job, int x, int y, int i, point_run *run) {
    const iad_scene *scene = job->scene;
    int w = job->w;
    const iad_surface *s = job->grid + (size_t)y * (size_t)w + (size_t)x;
    float per_slope = (float)w * 0.25f; /* 1 / (two grid steps) */
    float sx = (s[x + 1 < w ? 1 : 0].z - s[x > 0 ? -1 : 0].z) * per_slope + s->sx;
    float sy = (s[y + 1 < w ? w : 0].z - s[y > 0 ? -w : 0].z) * per_slope + s->sy;
    sx = rm_clamp(sx, -MAX_SLOPE, MAX_SLOPE);
    sy = rm_clamp(sy, -MAX_SLOPE, MAX_SLOPE);
    float nz = 1.0f / sqrtf(sx * sx + sy * sy + 1.0f), open = 1.0f, lit = 1.0f;
    if (job->fine) {
        float depth = rm_max(0, read_plane(job->fine, job->side, x, y) - s->z) * (0.35f / FINE_REACH) +
                      rm_max(0, read_plane(job->coarse, job->side, x, y) - s->z) / job->coarse_reach;
        open = 1.0f / (1.0f + scene->occlusion * depth);
    }
    if (scene->shadow > 0)
        lit = 1.0f - scene->shadow * (1.0f - shadow_at(&scene->light, job->grid, w, x, y, job->z_top));
    run->x[i] = ((float)x + 0.5f) * 2.0f / (float)w - 1.0f;
    run->nx[i] = -sx * nz;
    run->ny[i] = -sy * nz;
    run->nz[i] = nz;
    run->lit[i] = lit * (1.0f - s->dark);
    run->open[i] = open * (1.0f - s->dark);
    run->red[i] = s->r;
    run->green[i] = s->g;
    run->blue[i] = s->b;
    run->metal[i] = s->metal;
    run->rough[i] = s->rough;
    run->glow[i] = s->glow;
}

iad_status iad_shade(const iad_scene *scene, const iad_surface *grid, int side, iad_shade_rect rect, float *radiance,
                     iad_err *err) {
    int w = side * IAD_SHADE_SUPER;
    size_t pixels = (size_t)side * (size_t)side;
    int32_t *fine = iad_alloc(pixels, sizeof *fine), *coarse = iad_alloc(pixels, sizeof *coarse);
    int32_t *scratch = iad_alloc(pixels, sizeof *scratch);
    if (!fine || !coarse || !scratch) {
        free(fine);
        free(coarse);
        free(scratch);
        return IAD_NOMEM(err, "a rendered picture");
    }
    float z_top = -10.0f;
    for (size_t i = 0; i < pixels * IAD_SHADE_SUPER * IAD_SHADE_SUPER; i++) z_top = rm_max(z_top, grid[i].z);
    float coarse_reach = coarse_reach_of(scene);
    int occluded = scene->occlusion > 0;
    if (occluded) {
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                const iad_surface *p = grid + (size_t)y * 2 * (size_t)w + (size_t)x * 2;
                float z = 0.25f * (p[0].z + p[1].z + p[w].z + p[w + 1].z);
                fine[(size_t)y * (size_t)side + (size_t)x] = (int32_t)(rm_clamp(z, -4, 4) * FIXED);
            }
        }
        memcpy(coarse, fine, pixels * sizeof *fine);
        smooth_plane(fine, scratch, side, box_radius(FINE_REACH, side, 1));
        smooth_plane(coarse, scratch, side, box_radius(coarse_reach, side, 2));
    }
    for (int y = rect.y0; y < rect.y1; y++) {
        float *row = radiance + ((size_t)y * (size_t)side + (size_t)rect.x0) * 3;
        memset(row, 0, (size_t)(rect.x1 - rect.x0) * 3 * sizeof *row);
    }
    light_job job = {scene, grid, occluded ? fine : NULL, coarse, side, w, z_top, coarse_reach};
    point_run run;
    memset(&run, 0, sizeof run);
    for (int y = rect.y0 * IAD_SHADE_SUPER; y < rect.y1 * IAD_SHADE_SUPER; y++) {
        float *out = radiance + (size_t)(y / IAD_SHADE_SUPER) * (size_t)side * 3;
        int end = rect.x1 * IAD_SHADE_SUPER;
        for (int from = rect.x0 * IAD_SHADE_SUPER; from < end; from += RUN) {
            int n = end - from < RUN ? end - from : RUN;
            for (int i = 0; i < n; i++) prepare_point(&job, from + i, y, i, &run);
            shade_run(&scene->light, ((float)y + 0.5f) * 2.0f / (float)w - 1.0f, &run);
            for (int i = 0; i < n; i++) {
                float *pixel = out + (from + i) / IAD_SHADE_SUPER * 3;
                for (int c = 0; c < 3; c++) pixel[c] += 0.25f * run.out[c][i];
            }
        }
    }
    free(fine);
    free(coarse);
    free(scratch);
    return IAD_OK;
}
