/* Radix-2 transform of 64 x 64: butterflies run over whole rows, so that the inner loop is contiguous. */
#include "bench/patchnn/pn_fft.h"

#include <stddef.h>

#include "base/fmath.h"

#define N IAD_PN_FFT_SIZE

void iad_pn_fft_init(iad_pn_fft *fft) {
    for (int k = 0; k < N / 2; k++) {
        double angle = 2.0 * 3.14159265358979323846 * k / N;
        fft->c[k] = (float)iad_cos(angle);
        fft->s[k] = (float)iad_sin(angle);
    }
}

static void swap_rows(float *a, float *b) {
    for (int x = 0; x < N; x++) {
        float t = a[x];
        a[x] = b[x];
        b[x] = t;
    }
}

/* Transforms every column (decimation in time). sign -1: forward, +1: inverse. */
static void columns(const iad_pn_fft *fft, float *re, float *im, float sign) {
    for (int i = 1, j = 0; i < N; i++) {
        int bit = N >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            swap_rows(re + (size_t)i * N, re + (size_t)j * N);
            swap_rows(im + (size_t)i * N, im + (size_t)j * N);
        }
    }
    for (int span = 1; span < N; span *= 2) {
        for (int k = 0; k < span; k++) {
            float c = fft->c[k * (N / 2 / span)], s = sign * fft->s[k * (N / 2 / span)];
            for (int top = k; top < N; top += 2 * span) {
                float *restrict ar = re + (size_t)top * N, *restrict ai = im + (size_t)top * N;
                float *restrict br = re + (size_t)(top + span) * N, *restrict bi = im + (size_t)(top + span) * N;
                for (int x = 0; x < N; x++) {
                    float tr = c * br[x] - s * bi[x], ti = c * bi[x] + s * br[x];
                    br[x] = ar[x] - tr;
                    bi[x] = ai[x] - ti;
                    ar[x] += tr;
                    ai[x] += ti;
                }
            }
        }
    }
}

static void transpose(float *p) {
    for (int y = 0; y < N; y++) {
        for (int x = y + 1; x < N; x++) {
            float t = p[y * N + x];
            p[y * N + x] = p[x * N + y];
            p[x * N + y] = t;
        }
    }
}

static void both_axes(const iad_pn_fft *fft, float *re, float *im, float sign) {
    columns(fft, re, im, sign);
    transpose(re);
    transpose(im);
    columns(fft, re, im, sign);
}

void iad_pn_fft_forward(const iad_pn_fft *fft, float *re, float *im) { both_axes(fft, re, im, -1.0f); }
void iad_pn_fft_inverse(const iad_pn_fft *fft, float *re, float *im) { both_axes(fft, re, im, 1.0f); }
