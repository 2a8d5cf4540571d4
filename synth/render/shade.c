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
        for (int y = 0; y < side; y++) box_line(plane + (size_t)y * (size_t)side, scratch + (size_t)y * (size_t)side, side, 1, r);
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
    return rm_mix(rm_mix((float)r0[x0], (float)r0[x1], kx), rm_mix((float)r1[x0], (float)r1[x1], kx), ky) * (1.0f / FIXED);
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
        float t = way * unit, ray = z + t * rise + 0.002f;
        if (ray > z_top) break;
        int px = rm_floor((float)gx + 0.5f + dx * way), py = rm_floor((float)gy + 0.5f + dy * way);
        if (px < 0 || py < 0 || px >= w || py >= w) break;
        float over = grid[(size_t)py * (size_t)w + (size_t)px].z - ray;
        float k = rm_sat(over / (t * light->spread + unit) + 0.5f);
        if (k > blocked) blocked = k;
        if (blocked >= 1.0f) break;
        way = way * 1.12f + 0.6f;
    }
    return 1.0f - blocked * blocked * (3.0f - 2.0f * blocked);
}

/* What a mirror-like direction sees, blurred by roughness: a vertical gradient and the softboxes. */
static float surroundings(const iad_light *light, float x, float y, float z, float rough) {
    float v = rm_mix(light->env_low, light->env_high, rm_smooth(-0.3f - 0.5f * rough, 1.0f, z));
    for (int i = 0; i < light->boxes; i++) {
        const iad_softbox *box = &light->box[i];
        float w = box->soft + 0.7f * rough * rough;
        float cap = 1.0f - box->cosine;
        float d = x * box->x + y * box->y + z * box->z;
        v += box->power * rm_smooth(box->cosine - w, box->cosine + rm_min(w, cap), d) * cap / (cap + 0.6f * w);
    }
    return v;
}

/* s at (x, y) with normal (nx, ny, nz), share `lit` of the key light and `open` of the rest. */
static void shade_point(const iad_light *light, const iad_surface *s, float x, float y, float nx, float ny, float nz, float lit,
                        float open, float *out) {
    open *= 1.0f - s->dark;
    lit *= (1.0f - s->dark) * rm_max(0, 1.0f + x * light->falloff_x + y * light->falloff_y);
    float nl = nx * light->x + ny * light->y + nz * light->z;
    float direct = nl > 0 ? nl * lit : 0;
    float up = 0.5f + 0.5f * nz;
    float vx = -x * light->perspective, vy = -y * light->perspective;
    float vz = 1.0f / sqrtf(vx * vx + vy * vy + 1.0f);
    vx *= vz;
    vy *= vz;
    float nv = nx * vx + ny * vy + nz * vz;
    float mirror = surroundings(light, 2 * nv * nx - vx, 2 * nv * ny - vy, 2 * nv * nz - vz, s->rough) * open;
    /* Half vector of light and view. */
    float hx = light->x + vx, hy = light->y + vy, hz = light->z + vz;
    float hl = 1.0f / sqrtf(hx * hx + hy * hy + hz * hz);
    float nh = (nx * hx + ny * hy + nz * hz) * hl;
    float a = s->rough * s->rough + 0.15f * light->spread;
    float a2 = a * a, q = nh * nh * (a2 - 1.0f) + 1.0f;
    float lh = (light->x * hx + light->y * hy + light->z * hz) * hl;
    float gloss = nh > 0 ? direct * a2 / (q * q * 4.0f * (lh * lh * (1.0f - 0.5f * a) + 0.5f * a)) : 0;
    float grazing = 1.0f - rm_sat(nv), g2 = grazing * grazing, fresnel = g2 * g2 * grazing * (1.0f - 0.7f * s->rough);
    const float base[3] = {s->r, s->g, s->b};
    for (int i = 0; i < 3; i++) {
        float f0 = rm_mix(0.04f, base[i], s->metal);
        float f = f0 + (1.0f - f0) * fresnel;
        float ambient = rm_mix(light->ground[i], light->sky[i], up) * open;
        float diffuse = base[i] * (1.0f - s->metal) * (light->key[i] * direct + ambient);
        float shine = f * (light->key[i] * gloss + mirror);
        float v = diffuse + shine + base[i] * s->glow;
        out[i] = v > MAX_LIGHT ? MAX_LIGHT : v;
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
        float flat = (high - low) * rm_len(scene->light.x, scene->light.y) / rm_max(scene->light.z, 0.05f);
        int shadow = (int)(flat * 0.5f * (float)side) + 3;
        if (shadow > side) shadow = side;
        if (shadow > reach) reach = shadow;
    }
    changed.x0 = changed.x0 > reach ? changed.x0 - reach : 0;
    changed.y0 = changed.y0 > reach ? changed.y0 - reach : 0;
    changed.x1 = changed.x1 + reach < side ? changed.x1 + reach : side;
    changed.y1 = changed.y1 + reach < side ? changed.y1 + reach : side;
    return changed;
}

iad_status iad_shade(const iad_scene *scene, const iad_surface *grid, int side, iad_shade_rect rect, float *radiance, iad_err *err) {
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
    float fine_reach = 0.012f, coarse_reach = coarse_reach_of(scene);
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
        smooth_plane(fine, scratch, side, box_radius(fine_reach, side, 1));
        smooth_plane(coarse, scratch, side, box_radius(coarse_reach, side, 2));
    }
    for (int y = rect.y0; y < rect.y1; y++) {
        float *row = radiance + ((size_t)y * (size_t)side + (size_t)rect.x0) * 3;
        memset(row, 0, (size_t)(rect.x1 - rect.x0) * 3 * sizeof *row);
    }
    float per_slope = (float)w * 0.25f; /* 1 / (two grid steps) */
    for (int y = rect.y0 * IAD_SHADE_SUPER; y < rect.y1 * IAD_SHADE_SUPER; y++) {
        const iad_surface *row = grid + (size_t)y * (size_t)w;
        const iad_surface *above = y > 0 ? row - w : row, *below = y + 1 < w ? row + w : row;
        for (int x = rect.x0 * IAD_SHADE_SUPER; x < rect.x1 * IAD_SHADE_SUPER; x++) {
            const iad_surface *s = row + x;
            float sx = (row[x + 1 < w ? x + 1 : x].z - row[x > 0 ? x - 1 : x].z) * per_slope + s->sx;
            float sy = (below[x].z - above[x].z) * per_slope + s->sy;
            sx = rm_clamp(sx, -MAX_SLOPE, MAX_SLOPE);
            sy = rm_clamp(sy, -MAX_SLOPE, MAX_SLOPE);
            float nz = 1.0f / sqrtf(sx * sx + sy * sy + 1.0f), open = 1.0f, lit = 1.0f;
            if (occluded) {
                float depth = rm_max(0, read_plane(fine, side, x, y) - s->z) / fine_reach * 0.35f +
                              rm_max(0, read_plane(coarse, side, x, y) - s->z) / coarse_reach;
                open = 1.0f / (1.0f + scene->occlusion * depth);
            }
            if (scene->shadow > 0) lit = 1.0f - scene->shadow * (1.0f - shadow_at(&scene->light, grid, w, x, y, z_top));
            float light[3];
            float px = ((float)x + 0.5f) * 2.0f / (float)w - 1.0f, py = ((float)y + 0.5f) * 2.0f / (float)w - 1.0f;
            shade_point(&scene->light, s, px, py, -sx * nz, -sy * nz, nz, lit, open, light);
            float *out = radiance + ((size_t)(y / IAD_SHADE_SUPER) * (size_t)side + (size_t)(x / IAD_SHADE_SUPER)) * 3;
            for (int i = 0; i < 3; i++) out[i] += 0.25f * light[i];
        }
    }
    free(fine);
    free(coarse);
    free(scratch);
    return IAD_OK;
}
