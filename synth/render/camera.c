#include "synth/render/camera.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "synth/render/render_math.h"

#define CURVE 2048 /* table steps of the tone curve over 0..1 */
#define MAX_TAPS 15

/* Straight up to the knee, then bending towards 1: highlights keep some drawing. */
static float shoulder(float x) {
    const float knee = 0.72f, room = 1.0f - knee;
    if (x <= knee) return x;
    float over = (x - knee) / room;
    return knee + room * over / (1.0f + over);
}

/* sRGB coding of i / CURVE. */
static void make_curve(float *curve) {
    for (int i = 0; i <= CURVE + 1; i++) {
        double v = i > CURVE ? 1.0 : (double)i / CURVE;
        curve[i] = (float)(255.0 * (v <= 0.0031308 ? 12.92 * v : 1.055 * iad_pow(v, 1.0 / 2.4) - 0.055));
    }
}

static int make_taps(float sigma, float *taps) {
    int r = (int)(2.5f * sigma + 1.0f);
    if (r > MAX_TAPS / 2) r = MAX_TAPS / 2;
    float sum = 0;
    for (int i = -r; i <= r; i++) {
        taps[i + r] = (float)iad_exp(-0.5 * (double)(i * i) / ((double)sigma * sigma));
        sum += taps[i + r];
    }
    for (int i = 0; i <= 2 * r; i++) taps[i] /= sum;
    return r;
}

/* One axis of the lens blur; `step` pixels between neighbours. */
static void blur_axis(const float *in, float *out, int side, const float *taps, int r, int vertical) {
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            float sum[3] = {0, 0, 0};
            for (int i = -r; i <= r; i++) {
                int px = vertical ? x : x + i, py = vertical ? y + i : y;
                px = px < 0 ? 0 : px >= side ? side - 1 : px;
                py = py < 0 ? 0 : py >= side ? side - 1 : py;
                const float *p = in + ((size_t)py * (size_t)side + (size_t)px) * 3;
                float k = taps[i + r];
                sum[0] += k * p[0];
                sum[1] += k * p[1];
                sum[2] += k * p[2];
            }
            float *o = out + ((size_t)y * (size_t)side + (size_t)x) * 3;
            o[0] = sum[0];
            o[1] = sum[1];
            o[2] = sum[2];
        }
    }
}

iad_status iad_camera_expose(const iad_camera *camera, const float *radiance, int side, float *coded, iad_err *err) {
    size_t values = (size_t)side * (size_t)side * 3;
    float sigma = camera->blur * 0.001f * (float)side;
    float *curve = iad_alloc(CURVE + 2, sizeof *curve);
    float *half = iad_alloc(values, sizeof *half);
    if (!curve || !half) {
        free(curve);
        free(half);
        return IAD_NOMEM(err, "a rendered picture");
    }
    make_curve(curve);
    if (sigma > 0.15f) {
        float taps[MAX_TAPS];
        int r = make_taps(sigma, taps);
        blur_axis(radiance, half, side, taps, r, 0);
        blur_axis(half, coded, side, taps, r, 1);
    } else {
        for (size_t i = 0; i < values; i++) coded[i] = radiance[i];
    }
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            float *p = coded + ((size_t)y * (size_t)side + (size_t)x) * 3;
            float u = ((float)x + 0.5f) * 2.0f / (float)side - 1.0f - camera->shift_x;
            float v = ((float)y + 0.5f) * 2.0f / (float)side - 1.0f - camera->shift_y;
            float gain = camera->exposure * (1.0f - camera->vignette * 0.5f * (u * u + v * v));
            if (camera->grey) p[0] = p[1] = p[2] = 0.2126f * p[0] + 0.7152f * p[1] + 0.0722f * p[2];
            for (int i = 0; i < 3; i++) {
                float t = rm_sat(shoulder(rm_max(p[i] * gain, 0))) * CURVE;
                int k = (int)t;
                p[i] = rm_mix(curve[k], curve[k + 1], t - (float)k);
            }
        }
    }
    free(curve);
    free(half);
    return IAD_OK;
}

/* Sum of four uniforms, scaled to variance 1. */
static float noise_of(uint32_t h) {
    int sum = (int)(h & 255) + (int)(h >> 8 & 255) + (int)(h >> 16 & 255) + (int)(h >> 24) - 510;
    return (float)sum * (1.0f / 147.8f);
}

iad_status iad_camera_develop(const iad_camera *camera, const float *coded, int side, uint32_t seed, iad_image *picture,
                              iad_err *err) {
    IAD_TRY(iad_image_init(picture, side, side, 3, err));
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            size_t at = ((size_t)y * (size_t)side + (size_t)x) * 3;
            float luma = noise_of(rm_hash(x, y, seed));
            for (int i = 0; i < 3; i++) {
                float v = coded[at + (size_t)i];
                float own = camera->grey ? 0 : noise_of(rm_hash(x, y, seed + 1u + (uint32_t)i));
                /* After the tone curve shot noise is nearly flat; shadows carry a little more read noise. */
                float sd = camera->noise * (1.0f + 0.4f * rm_bump(v / 128.0f));
                v += sd * (camera->grey ? luma : 0.6f * luma + 0.8f * own) + 0.5f;
                picture->px[at + (size_t)i] = (uint8_t)rm_clamp(v, 0, 255);
            }
        }
    }
    return IAD_OK;
}
