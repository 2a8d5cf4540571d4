/* Small float arithmetic for surface functions: inline, without libm, so that every machine computes the same bits
 * (only + - * / and sqrt, which IEEE 754 rounds correctly; the build forbids contraction). */
#ifndef IAD_RENDER_MATH_H
#define IAD_RENDER_MATH_H

#include <math.h>
#include <stdint.h>

#define RM_TURN 6.28318530718f /* radians per turn; angles in surface functions are in turns where the name says so */

static inline float rm_min(float a, float b) { return a < b ? a : b; }
static inline float rm_max(float a, float b) { return a > b ? a : b; }
static inline float rm_abs(float x) { return x < 0 ? -x : x; }
static inline float rm_clamp(float x, float lo, float hi) { return rm_min(rm_max(x, lo), hi); }
static inline float rm_sat(float x) { return rm_clamp(x, 0.0f, 1.0f); }
static inline float rm_mix(float a, float b, float k) { return a + (b - a) * k; }
static inline float rm_sq(float x) { return x * x; }
static inline float rm_len(float x, float y) { return sqrtf(x * x + y * y); }

/* 0 at and before a, 1 at and after b (b < a turns it round), cubic between. */
static inline float rm_smooth(float a, float b, float x) {
    float t = rm_sat((x - a) / (b - a));
    return t * t * (3.0f - 2.0f * t);
}

/* 1 at t = 0, 0 from |t| = 1 on, smooth: stands for a Gaussian with finite support. */
static inline float rm_bump(float t) {
    float k = 1.0f - t * t;
    return k <= 0 ? 0.0f : k * k;
}

static inline int rm_floor(float x) {
    int i = (int)x;
    return i - (x < (float)i);
}

static inline float rm_frac(float x) { return x - (float)rm_floor(x); }

/* 0..1..0 with period 1, linear: 0 at integers. */
static inline float rm_triangle(float x) { return 1.0f - rm_abs(2.0f * rm_frac(x) - 1.0f); }

/* sin(2 pi t) to about 1e-3: two parabolas with a correction, exact zeros and peaks. */
static inline float rm_wave(float t) {
    float u = 2.0f * rm_frac(t + 0.5f) - 1.0f; /* -1..1 */
    float y = 4.0f * u * (1.0f - rm_abs(u));
    return 0.225f * (y * rm_abs(y) - y) + y;
}

/* Angle of (x, y) in turns, -0.5..0.5, to about 1e-7. */
static inline float rm_angle(float y, float x) {
    float ax = rm_abs(x), ay = rm_abs(y);
    float lo = rm_min(ax, ay), hi = rm_max(ax, ay);
    if (hi == 0) return 0;
    float t = lo / hi, q = t * t;
    /* Least-squares fit of atan(t) / (2 pi t) in q = t^2 on [0, 1]; error below 1e-7 of a turn. */
    float a = -0.00526876184f + q * 0.00105966555f;
    a = 0.0125730966f + q * a;
    a = -0.0210018666f + q * a;
    a = 0.0315077154f + q * a;
    a = -0.0530240622f + q * a;
    a = t * (0.159154246f + q * a);
    if (ay > ax) a = 0.25f - a;
    if (x < 0) a = 0.5f - a;
    return y < 0 ? -a : a;
}

/* Signed distance to a rectangle of half sizes hx, hy with corner radius r, centred at 0. */
static inline float rm_box(float x, float y, float hx, float hy, float r) {
    float qx = rm_abs(x) - hx + r, qy = rm_abs(y) - hy + r;
    float out = rm_len(rm_max(qx, 0), rm_max(qy, 0));
    return out + rm_min(rm_max(qx, qy), 0) - r;
}

/* Distance to the segment a-b; *t is the position along it, 0..1. */
static inline float rm_segment(float x, float y, float ax, float ay, float bx, float by, float *t) {
    float dx = bx - ax, dy = by - ay, l = dx * dx + dy * dy;
    float k = l > 0 ? rm_sat(((x - ax) * dx + (y - ay) * dy) / l) : 0;
    *t = k;
    return rm_len(x - ax - k * dx, y - ay - k * dy);
}

/* Well-mixed 32 bits of a lattice point. */
static inline uint32_t rm_hash(int32_t x, int32_t y, uint32_t seed) {
    uint32_t h = seed + (uint32_t)x * 0x9e3779b1u + (uint32_t)y * 0x85ebca77u;
    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    h ^= h >> 12;
    h *= 0x297a2d39u;
    h ^= h >> 15;
    return h;
}

/* Uniform in [0, 1), 24 bits. */
static inline float rm_hash01(int32_t x, int32_t y, uint32_t seed) {
    return (float)(rm_hash(x, y, seed) >> 8) * (1.0f / 16777216.0f);
}

#endif
