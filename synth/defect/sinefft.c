#include "synth/defect/sinefft.h"

#include <string.h>

#include "synth/defect/sinefft_run.h"

#define L IAD_SINE_LANES
#define ROW IAD_SINE_BLOCK
#define INLINE static inline __attribute__((always_inline))
/* The rows of a step never overlap, or they are the same row: nothing for the compiler to check. */
#if defined(__clang__)
#define LANEWISE _Pragma("clang loop vectorize(assume_safety)")
#pragma clang diagnostic ignored "-Wpass-failed" /* builds that do not vectorise need no word about it */
#else
#define LANEWISE _Pragma("GCC ivdep")
#endif

/* One row of work: real parts at [0, L), imaginary parts at [L, 2 L). Every loop over l is a vector operation. */

INLINE void radix2(const float *x, size_t step, float *y, size_t out, const float *w) {
    const float *b = x + step;
    float *z = y + out;
    float c = w[0], s = w[1];
    LANEWISE
    for (int l = 0; l < L; l++) {
        float dr = x[l] - b[l], di = x[L + l] - b[L + l];
        y[l] = x[l] + b[l];
        y[L + l] = x[L + l] + b[L + l];
        z[l] = dr * c - di * s;
        z[L + l] = dr * s + di * c;
    }
}

INLINE void radix3(const float *x, size_t step, float *y, size_t out, const float *w) {
    const float half = 0.5f, sine = 0.866025403784438647f;
    const float *x1 = x + step, *x2 = x + 2 * step;
    float *y1 = y + out, *y2 = y + 2 * out;
    float c1 = w[0], s1 = w[1], c2 = w[2], s2 = w[3];
    LANEWISE
    for (int l = 0; l < L; l++) {
        float ar = x1[l] + x2[l], ai = x1[L + l] + x2[L + l];
        float br = (x1[l] - x2[l]) * sine, bi = (x1[L + l] - x2[L + l]) * sine;
        float mr = x[l] - ar * half, mi = x[L + l] - ai * half;
        float pr = mr + bi, pi = mi - br, qr = mr - bi, qi = mi + br;
        y[l] = x[l] + ar;
        y[L + l] = x[L + l] + ai;
        y1[l] = pr * c1 - pi * s1;
        y1[L + l] = pr * s1 + pi * c1;
        y2[l] = qr * c2 - qi * s2;
        y2[L + l] = qr * s2 + qi * c2;
    }
}

INLINE void radix4(const float *x, size_t step, float *y, size_t out, const float *w) {
    const float *x1 = x + step, *x2 = x + 2 * step, *x3 = x + 3 * step;
    float *y1 = y + out, *y2 = y + 2 * out, *y3 = y + 3 * out;
    float c1 = w[0], s1 = w[1], c2 = w[2], s2 = w[3], c3 = w[4], s3 = w[5];
    LANEWISE
    for (int l = 0; l < L; l++) {
        float ar = x[l] + x2[l], ai = x[L + l] + x2[L + l], br = x[l] - x2[l], bi = x[L + l] - x2[L + l];
        float cr = x1[l] + x3[l], ci = x1[L + l] + x3[L + l], dr = x1[l] - x3[l], di = x1[L + l] - x3[L + l];
        float pr = br + di, pi = bi - dr, qr = ar - cr, qi = ai - ci, rr = br - di, ri = bi + dr;
        y[l] = ar + cr;
        y[L + l] = ai + ci;
        y1[l] = pr * c1 - pi * s1;
        y1[L + l] = pr * s1 + pi * c1;
        y2[l] = qr * c2 - qi * s2;
        y2[L + l] = qr * s2 + qi * c2;
        y3[l] = rr * c3 - ri * s3;
        y3[L + l] = rr * s3 + ri * c3;
    }
}

INLINE void radix5(const float *x, size_t step, float *y, size_t out, const float *w) {
    const float ca = 0.309016994374947424f, cb = -0.809016994374947424f, sa = 0.951056516295153572f, sb = 0.587785252292473129f;
    const float *x1 = x + step, *x2 = x + 2 * step, *x3 = x + 3 * step, *x4 = x + 4 * step;
    float *y1 = y + out, *y2 = y + 2 * out, *y3 = y + 3 * out, *y4 = y + 4 * out;
    LANEWISE
    for (int l = 0; l < L; l++) {
        float ar = x1[l] + x4[l], ai = x1[L + l] + x4[L + l], br = x2[l] + x3[l], bi = x2[L + l] + x3[L + l];
        float cr = x1[l] - x4[l], ci = x1[L + l] - x4[L + l], dr = x2[l] - x3[l], di = x2[L + l] - x3[L + l];
        float er = x[l] + (ar * ca + br * cb), ei = x[L + l] + (ai * ca + bi * cb);
        float fr = x[l] + (ar * cb + br * ca), fi = x[L + l] + (ai * cb + bi * ca);
        float gr = cr * sa + dr * sb, gi = ci * sa + di * sb, hr = cr * sb - dr * sa, hi = ci * sb - di * sa;
        float pr = er + gi, pi = ei - gr, qr = fr + hi, qi = fi - hr, rr = fr - hi, ri = fi + hr, tr = er - gi, ti = ei + gr;
        y[l] = x[l] + (ar + br);
        y[L + l] = x[L + l] + (ai + bi);
        y1[l] = pr * w[0] - pi * w[1];
        y1[L + l] = pr * w[1] + pi * w[0];
        y2[l] = qr * w[2] - qi * w[3];
        y2[L + l] = qr * w[3] + qi * w[2];
        y3[l] = rr * w[4] - ri * w[5];
        y3[L + l] = rr * w[5] + ri * w[4];
        y4[l] = tr * w[6] - ti * w[7];
        y4[L + l] = tr * w[7] + ti * w[6];
    }
}

/* Any odd radix p: sums and differences of the pairs (r, p - r) first. */
INLINE void radix_odd(const float *x, size_t step, float *y, size_t out, const float *w, int p, const float *root) {
    float plus[IAD_SINE_RADIX / 2][ROW], minus[IAD_SINE_RADIX / 2][ROW];
    int half = p / 2;
    float all[ROW];
    LANEWISE
    for (int l = 0; l < ROW; l++) all[l] = x[l];
    for (int r = 1; r <= half; r++) {
        const float *a = x + (size_t)r * step, *b = x + (size_t)(p - r) * step;
        LANEWISE
        for (int l = 0; l < ROW; l++) {
            plus[r - 1][l] = a[l] + b[l];
            minus[r - 1][l] = a[l] - b[l];
            all[l] += plus[r - 1][l];
        }
    }
    LANEWISE
    for (int l = 0; l < ROW; l++) y[l] = all[l];
    for (int k = 1; k <= half; k++) {
        float even[ROW], odd[ROW];
        LANEWISE
        for (int l = 0; l < ROW; l++) even[l] = x[l], odd[l] = 0;
        for (int r = 1, at = k; r <= half; r++, at = at + k >= p ? at + k - p : at + k) {
            float c = root[at], s = root[p + at];
            LANEWISE
            for (int l = 0; l < ROW; l++) {
                even[l] += plus[r - 1][l] * c;
                odd[l] += minus[r - 1][l] * s;
            }
        }
        float *first = y + (size_t)k * out, *second = y + (size_t)(p - k) * out;
        float c1 = w[2 * k - 2], s1 = w[2 * k - 1], c2 = w[2 * (p - k) - 2], s2 = w[2 * (p - k) - 1];
        LANEWISE
        for (int l = 0; l < L; l++) {
            float pr = even[l] + odd[L + l], pi = even[L + l] - odd[l], qr = even[l] - odd[L + l], qi = even[L + l] + odd[l];
            first[l] = pr * c1 - pi * s1;
            first[L + l] = pr * s1 + pi * c1;
            second[l] = qr * c2 - qi * s2;
            second[L + l] = qr * s2 + qi * c2;
        }
    }
}

/* Stockham's self-sorting form, decimation in frequency: no bit reversal. */
INLINE float *fft_body(const iad_fft_plan *fft, float *restrict a, float *restrict b) {
    const float *w = fft->twiddle;
    size_t side = 1;
    float *from = a, *to = b;
    for (int i = 0, n = fft->length; i < fft->stages; n /= fft->radix[i++]) {
        int p = fft->radix[i], m = n / p;
        size_t step = side * (size_t)m * ROW, out = side * ROW;
        for (int j = 0; j < m; j++, w += 2 * (p - 1)) {
            for (size_t q = 0; q < side; q++) {
                const float *x = from + (q + side * (size_t)j) * ROW;
                float *y = to + (q + side * (size_t)p * (size_t)j) * ROW;
                if (p == 4) radix4(x, step, y, out, w);
                else if (p == 2) radix2(x, step, y, out, w);
                else if (p == 3) radix3(x, step, y, out, w);
                else if (p == 5) radix5(x, step, y, out, w);
                else radix_odd(x, step, y, out, w, p, fft->roots + fft->root_at[i]);
            }
        }
        side *= (size_t)p;
        float *t = from;
        from = to;
        to = t;
    }
    return from;
}

/* Bluestein: the transform of m values as a convolution of length plan->chirp. The second FFT stands in for the inverse one:
 * conjugated going in and coming out. */
INLINE float *chirp_body(const iad_sine_plan *plan, float *a, float *b) {
    int m = plan->m, length = plan->chirp;
    for (int j = 0; j < m; j++) {
        float c = plan->chirps[2 * j], s = plan->chirps[2 * j + 1], *x = a + (size_t)j * ROW;
        LANEWISE
        for (int l = 0; l < L; l++) {
            float re = x[l] * c - x[L + l] * s, im = x[l] * s + x[L + l] * c;
            x[l] = re;
            x[L + l] = im;
        }
    }
    memset(a + (size_t)m * ROW, 0, (size_t)(length - m) * ROW * sizeof(float));
    float *x = fft_body(&plan->fft, a, b), *other = x == a ? b : a;
    for (int j = 0; j < length; j++) {
        float c = plan->kernel[2 * j], s = plan->kernel[2 * j + 1], *row = x + (size_t)j * ROW;
        LANEWISE
        for (int l = 0; l < L; l++) {
            float re = row[l] * c - row[L + l] * s, im = row[l] * s + row[L + l] * c;
            row[l] = re;
            row[L + l] = -im;
        }
    }
    x = fft_body(&plan->fft, x, other);
    for (int j = 0; j < m; j++) {
        float c = plan->chirps[2 * j], s = plan->chirps[2 * j + 1], *row = x + (size_t)j * ROW;
        LANEWISE
        for (int l = 0; l < L; l++) {
            float re = row[l] * c + row[L + l] * s, im = row[l] * s - row[L + l] * c;
            row[l] = re;
            row[L + l] = im;
        }
    }
    return x;
}

/* DST-I by a Fourier transform of the same length m: with y_j = sin(pi j/m)(f_j + f_(m-j)) + (f_j - f_(m-j)) / 2, the imaginary part of
 * Y_k is the coefficient 2k and its real part the difference of the coefficients 2k+1 and 2k-1. Two real columns share a complex one. */
INLINE void sine_body(const iad_sine_plan *plan, float *a, size_t stride, float scale) {
    int m = plan->m;
    float *work = plan->work, *scratch = work + (size_t)(plan->chirp > m ? plan->chirp : m) * ROW;
    LANEWISE
    for (int l = 0; l < ROW; l++) work[l] = 0;
    for (int j = 1; j <= m - j; j++) {
        float sine = plan->sines[j];
        const float *f = a + (size_t)(j - 1) * stride, *g = a + (size_t)(m - j - 1) * stride;
        float *y = work + (size_t)j * ROW, *z = work + (size_t)(m - j) * ROW;
        LANEWISE
        for (int l = 0; l < ROW; l++) {
            float even = (f[l] + g[l]) * sine, odd = (f[l] - g[l]) * 0.5f;
            y[l] = even + odd;
            z[l] = even - odd;
        }
    }
    const float *x = plan->chirp > 0 ? chirp_body(plan, work, scratch) : fft_body(&plan->fft, work, scratch);
    float sum[ROW], half = 0.5f * scale;
    LANEWISE
    for (int l = 0; l < ROW; l++) {
        sum[l] = x[l] * half;
        a[l] = sum[l];
    }
    for (int k = 1; 2 * k <= m - 1; k++) {
        const float *y = x + (size_t)k * ROW, *z = x + (size_t)(m - k) * ROW;
        float *even = a + (size_t)(2 * k - 1) * stride, *odd = a + (size_t)(2 * k) * stride;
        LANEWISE
        for (int l = 0; l < L; l++) {
            even[l] = (z[L + l] - y[L + l]) * half;
            even[L + l] = (y[l] - z[l]) * half;
        }
        if (2 * k + 1 > m - 1) break;
        LANEWISE
        for (int l = 0; l < ROW; l++) {
            sum[l] += (y[l] + z[l]) * half;
            odd[l] = sum[l];
        }
    }
}

static float *fft_narrow(const iad_fft_plan *fft, float *a, float *b) { return fft_body(fft, a, b); }
static void sine_narrow(const iad_sine_plan *plan, float *a, size_t stride, float scale) { sine_body(plan, a, stride, scale); }

#if defined(__x86_64__)
/* No fma in the target: products and sums are rounded one by one, as in the narrow form. */
__attribute__((target("avx2"))) static float *fft_wide(const iad_fft_plan *fft, float *a, float *b) { return fft_body(fft, a, b); }
__attribute__((target("avx2"))) static void sine_wide(const iad_sine_plan *plan, float *a, size_t stride, float scale) {
    sine_body(plan, a, stride, scale);
}
#endif

float *iad_fft_run(const iad_fft_plan *fft, float *a, float *b, int wide) {
#if defined(__x86_64__)
    if (wide && __builtin_cpu_supports("avx2")) return fft_wide(fft, a, b);
#endif
    (void)wide;
    return fft_narrow(fft, a, b);
}

void iad_sine_block(const iad_sine_plan *plan, float *a, size_t stride, float scale, int wide) {
#if defined(__x86_64__)
    if (wide && __builtin_cpu_supports("avx2")) {
        sine_wide(plan, a, stride, scale);
        return;
    }
#endif
    (void)wide;
    sine_narrow(plan, a, stride, scale);
}
