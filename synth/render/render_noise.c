#include "synth/render/render_noise.h"

#include "synth/render/render_math.h"

/* Eight unit gradients picked by the top three bits of the hash (a table, because a branch on noise mispredicts). */
static const float gradient[8][2] = {{1, 0},
                                     {-1, 0},
                                     {0, 1},
                                     {0, -1},
                                     {0.70710678f, 0.70710678f},
                                     {-0.70710678f, 0.70710678f},
                                     {0.70710678f, -0.70710678f},
                                     {-0.70710678f, -0.70710678f}};

static inline float corner(uint32_t h, float x, float y) {
    const float *g = gradient[h >> 29];
    return g[0] * x + g[1] * y;
}

static inline float fade(float t) { return t * t * t * (t * (t * 6.0f - 15.0f) + 10.0f); }

static inline float noise(uint32_t seed, float x, float y) {
    int ix = rm_floor(x), iy = rm_floor(y);
    float fx = x - (float)ix, fy = y - (float)iy;
    float a = corner(rm_hash(ix, iy, seed), fx, fy);
    float b = corner(rm_hash(ix + 1, iy, seed), fx - 1.0f, fy);
    float c = corner(rm_hash(ix, iy + 1, seed), fx, fy - 1.0f);
    float d = corner(rm_hash(ix + 1, iy + 1, seed), fx - 1.0f, fy - 1.0f);
    float u = fade(fx), v = fade(fy);
    return 1.5f * rm_mix(rm_mix(a, b, u), rm_mix(c, d, u), v);
}

float iad_noise(uint32_t seed, float x, float y) { return noise(seed, x, y); }

float iad_noise_fbm(uint32_t seed, float x, float y, int octaves) {
    float sum = 0, weight = 1, total = 0;
    for (int i = 0; i < octaves; i++) {
        sum += weight * noise(seed + (uint32_t)i * 0x51ed270bu, x, y);
        total += weight;
        weight *= 0.5f;
        /* A turn by atan(3/4) between octaves hides the lattice. */
        float nx = 1.6f * x - 1.2f * y + 17.3f;
        y = 1.2f * x + 1.6f * y - 5.7f;
        x = nx;
    }
    return 1.3f * sum / total;
}

float iad_noise_line(uint32_t seed, float x) {
    int i = rm_floor(x);
    float f = x - (float)i;
    float u = f * f * (3.0f - 2.0f * f);
    return 2.0f * rm_mix(rm_hash01(i, 0, seed), rm_hash01(i + 1, 0, seed), u) - 1.0f;
}

void iad_noise_cells(uint32_t seed, float x, float y, iad_noise_cell *cell) {
    int ix = rm_floor(x), iy = rm_floor(y);
    float near = 1e9f, next = 1e9f;
    cell->id = 0;
    cell->dx = cell->dy = 0;
    for (int j = -1; j <= 1; j++) {
        for (int i = -1; i <= 1; i++) {
            uint32_t h = rm_hash(ix + i, iy + j, seed);
            float px = (float)(ix + i) + (float)(h & 0xffff) * (1.0f / 65536.0f);
            float py = (float)(iy + j) + (float)(h >> 16) * (1.0f / 65536.0f);
            float d = rm_sq(x - px) + rm_sq(y - py);
            if (d < near) {
                next = near;
                near = d;
                cell->id = h * 0x9e3779b1u;
                cell->dx = x - px;
                cell->dy = y - py;
            } else if (d < next) {
                next = d;
            }
        }
    }
    cell->near = sqrtf(near);
    cell->next = sqrtf(next);
}
