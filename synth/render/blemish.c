#include "synth/render/blemish.h"

#include "base/fmath.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"
#include "synth/render/scene.h"

#define FAR_AWAY 9.0f

static void step(float *x, float *y, double heading, float length) {
    *x += length * (float)iad_cos(heading);
    *y += length * (float)iad_sin(heading);
}

static void grow(float *x0, float *y0, float *x1, float *y1, float x, float y, float room) {
    *x0 = rm_min(*x0, x - room);
    *y0 = rm_min(*y0, y - room);
    *x1 = rm_max(*x1, x + room);
    *y1 = rm_max(*y1, y + room);
}

void iad_stroke_make(iad_stroke *stroke, iad_rng *rng, float x, float y, float turns, float length, float width,
                     float wobble) {
    int n = 6 + (int)(wobble * 12.0f);
    if (n > IAD_STROKE_POINTS) n = IAD_STROKE_POINTS;
    double heading = turns * 6.283185307179586, bend = iad_rng_normal(rng) * 0.25 * wobble;
    stroke->n = n;
    stroke->width = width;
    stroke->x0 = stroke->y0 = 99;
    stroke->x1 = stroke->y1 = -99;
    for (int i = 0; i < n; i++) {
        stroke->px[i] = x;
        stroke->py[i] = y;
        grow(&stroke->x0, &stroke->y0, &stroke->x1, &stroke->y1, x, y, 4 * width);
        step(&x, &y, heading, length / (float)(n - 1));
        bend = 0.8 * bend + iad_rng_normal(rng) * 0.22 * wobble;
        heading += bend;
        heading += iad_rng_normal(rng) * 0.03;
    }
}

float iad_stroke_at(const iad_stroke *stroke, float x, float y, float *along) {
    *along = 0;
    if (stroke->n < 2 || x < stroke->x0 || y < stroke->y0 || x > stroke->x1 || y > stroke->y1) return FAR_AWAY;
    float best = 1e9f;
    for (int i = 0; i + 1 < stroke->n; i++) {
        float t;
        float d = rm_segment(x, y, stroke->px[i], stroke->py[i], stroke->px[i + 1], stroke->py[i + 1], &t);
        if (d < best) {
            best = d;
            *along = ((float)i + t) / (float)(stroke->n - 1);
        }
    }
    float taper = rm_smooth(-0.08f, 0.18f, *along) * rm_smooth(1.05f, 0.75f, *along);
    float k = best / (stroke->width * (0.25f + 0.75f * taper));
    return k > FAR_AWAY ? FAR_AWAY : k;
}

static void add_segment(iad_crack *crack, float ax, float ay, float bx, float by, float wa, float wb) {
    if (crack->n == IAD_CRACK_SEGMENTS) return;
    int i = crack->n++;
    crack->ax[i] = ax;
    crack->ay[i] = ay;
    crack->bx[i] = bx;
    crack->by[i] = by;
    crack->wa[i] = wa;
    crack->wb[i] = wb;
    grow(&crack->x0, &crack->y0, &crack->x1, &crack->y1, ax, ay, 4 * wa);
    grow(&crack->x0, &crack->y0, &crack->x1, &crack->y1, bx, by, 4 * wa);
}

/* One ragged line of `n` pieces; ends at (*x, *y). */
static void add_line(iad_crack *crack, iad_rng *rng, float *x, float *y, double heading, float length, float wa,
                     float wb, int n) {
    double drift = 0;
    for (int i = 0; i < n; i++) {
        float bx = *x, by = *y, ka = (float)i / (float)n, kb = (float)(i + 1) / (float)n;
        drift = 0.6 * drift + 0.35 * iad_rng_normal(rng);
        step(&bx, &by, heading + drift, length / (float)n * iad_dice_range(rng, 0.7f, 1.3f));
        add_segment(crack, *x, *y, bx, by, rm_mix(wa, wb, ka) * iad_dice_range(rng, 0.75f, 1.25f), rm_mix(wa, wb, kb));
        *x = bx;
        *y = by;
    }
}

void iad_crack_make(iad_crack *crack, iad_rng *rng, float x, float y, float turns, float length, float width,
                    int branches) {
    crack->n = 0;
    crack->x0 = crack->y0 = 99;
    crack->x1 = crack->y1 = -99;
    double heading = turns * 6.283185307179586;
    float ex = x, ey = y;
    add_line(crack, rng, &ex, &ey, heading, length, width, 0.25f * width, 14);
    int trunk = crack->n;
    for (int i = 0; i < branches; i++) {
        int from = iad_rng_int(rng, 2, trunk - 3);
        float bx = crack->ax[from], by = crack->ay[from], side = iad_rng_chance(rng, 0.5) ? 1.0f : -1.0f;
        float angle = side * iad_dice_range(rng, 0.4f, 1.0f);
        float part = iad_dice_range(rng, 0.15f, 0.4f);
        add_line(crack, rng, &bx, &by, heading + angle, length * part, 0.65f * crack->wa[from], 0.15f * width, 6);
    }
}

float iad_crack_at(const iad_crack *crack, float x, float y) {
    if (crack->n == 0 || x < crack->x0 || y < crack->y0 || x > crack->x1 || y > crack->y1) return FAR_AWAY;
    float best = FAR_AWAY;
    for (int i = 0; i < crack->n; i++) {
        float t;
        float d = rm_segment(x, y, crack->ax[i], crack->ay[i], crack->bx[i], crack->by[i], &t);
        best = rm_min(best, d - rm_mix(crack->wa[i], crack->wb[i], t));
    }
    return best;
}

void iad_blob_make(iad_blob *blob, iad_rng *rng, float x, float y, float radius, float aspect, float ragged) {
    double turn = iad_rng_unit(rng) * 6.283185307179586;
    float root = sqrtf(aspect);
    blob->x = x;
    blob->y = y;
    blob->c = (float)iad_cos(turn);
    blob->s = (float)iad_sin(turn);
    blob->rx = radius * root;
    blob->ry = radius / root;
    blob->ragged = ragged;
    blob->detail = iad_dice_range(rng, 1.0f, 1.8f);
    blob->seed = iad_rng_u32(rng);
}

float iad_blob_at(const iad_blob *blob, float x, float y) {
    if (blob->rx <= 0) return FAR_AWAY;
    float dx = x - blob->x, dy = y - blob->y;
    float u = (blob->c * dx + blob->s * dy) / blob->rx, v = (blob->c * dy - blob->s * dx) / blob->ry;
    if (u * u + v * v > 9.0f) return FAR_AWAY;
    float n = iad_noise_fbm(blob->seed, u * blob->detail, v * blob->detail, 4);
    return rm_len(u, v) * (1.0f + 0.75f * blob->ragged * n);
}
