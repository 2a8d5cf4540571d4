#include "synth/defect/sinefft.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "synth/defect/sinefft_run.h"

#define PI 3.141592653589793

/* Radices of n: 4 first, then 2, 3, 5 and primes in order. Returns their number, 0 when a prime above IAD_SINE_RADIX is left. */
static int split(int n, int radix[24]) {
    int stages = 0;
    while (n % 4 == 0) radix[stages++] = 4, n /= 4;
    for (int p = 2; n > 1; p++) {
        if (p > IAD_SINE_RADIX) return 0;
        while (n % p == 0) radix[stages++] = p, n /= p;
    }
    return stages;
}

/* Operations per complex number of a stage. */
static double radix_cost(int p) {
    return p == 2 ? 8 : p == 3 ? 14 : p == 4 ? 14 : p == 5 ? 20 : 10 + 2.2 * p;
}

static double fft_cost(int n) {
    int radix[24], stages = split(n, radix);
    double sum = 0;
    for (int i = 0; i < stages; i++) sum += radix_cost(radix[i]);
    return stages == 0 && n > 1 ? 1e30 : sum * n;
}

/* The cheapest length of at least n with prime factors 2, 3 and 5 only. */
static int convolution_length(int n) {
    int best = 0;
    double best_cost = 1e30;
    for (int i = n; i <= 2 * n; i++) {
        int rest = i;
        while (rest % 2 == 0) rest /= 2;
        while (rest % 3 == 0) rest /= 3;
        while (rest % 5 == 0) rest /= 5;
        if (rest != 1) continue;
        double cost = fft_cost(i);
        if (cost < best_cost) best = i, best_cost = cost;
        if (i > n + n / 4) break;
    }
    return best;
}

double iad_sine_cost(int n) {
    int m = n + 1, length = convolution_length(2 * m - 1);
    double direct = fft_cost(m), chirp = 2 * fft_cost(length) + 18.0 * length;
    return (direct <= chirp ? direct : chirp) / 2 + 8.0 * m;
}

static void fft_deinit(iad_fft_plan *fft) {
    free(fft->twiddle);
    free(fft->roots);
    memset(fft, 0, sizeof *fft);
}

static iad_status fft_init(iad_fft_plan *fft, int length, iad_err *err) {
    memset(fft, 0, sizeof *fft);
    fft->length = length;
    fft->stages = split(length, fft->radix);
    size_t twiddles = 0, roots = 0;
    for (int i = 0, n = length; i < fft->stages; n /= fft->radix[i++]) {
        int p = fft->radix[i];
        twiddles += 2 * (size_t)(n / p) * (size_t)(p - 1);
        fft->root_at[i] = roots;
        if (p > 5) roots += 2 * (size_t)p;
    }
    fft->twiddle = iad_alloc_aligned(twiddles + 1, sizeof(float));
    fft->roots = iad_alloc_aligned(roots + 1, sizeof(float));
    if (fft->twiddle == NULL || fft->roots == NULL) {
        fft_deinit(fft);
        return IAD_NOMEM(err, "sine transform");
    }
    float *w = fft->twiddle;
    for (int i = 0, n = length; i < fft->stages; n /= fft->radix[i++]) {
        int p = fft->radix[i], m = n / p;
        for (int j = 0; j < m; j++) {
            for (int k = 1; k < p; k++) {
                double angle = 2 * PI * (double)((int64_t)j * k % n) / n;
                *w++ = (float)iad_cos(angle);
                *w++ = (float)-iad_sin(angle);
            }
        }
        float *root = fft->roots + fft->root_at[i];
        for (int k = 0; p > 5 && k < p; k++) {
            root[k] = (float)iad_cos(2 * PI * k / p);
            root[p + k] = (float)iad_sin(2 * PI * k / p);
        }
    }
    return IAD_OK;
}

void iad_sine_plan_deinit(iad_sine_plan *plan) {
    fft_deinit(&plan->fft);
    free(plan->sines);
    free(plan->chirps);
    free(plan->kernel);
    free(plan->work);
    memset(plan, 0, sizeof *plan);
}

/* exp(-i pi j^2 / m); j^2 is reduced in whole numbers first. */
static void chirp_at(int64_t j, int m, double *re, double *im) {
    double angle = PI * (double)(j * j % (2 * (int64_t)m)) / m;
    *re = iad_cos(angle);
    *im = -iad_sin(angle);
}

/* The kernel is transformed by the very FFT that the blocks use, in lane 0. */
static void make_chirps(iad_sine_plan *plan) {
    int m = plan->m, length = plan->chirp;
    float *block = plan->work;
    memset(block, 0, (size_t)length * IAD_SINE_BLOCK * sizeof(float));
    for (int j = 0; j < m; j++) {
        double re, im;
        chirp_at(j, m, &re, &im);
        plan->chirps[2 * j] = (float)re;
        plan->chirps[2 * j + 1] = (float)im;
        int mirror = (length - j) % length;
        block[(size_t)j * IAD_SINE_BLOCK] = block[(size_t)mirror * IAD_SINE_BLOCK] = (float)re;
        block[(size_t)j * IAD_SINE_BLOCK + IAD_SINE_LANES] = block[(size_t)mirror * IAD_SINE_BLOCK + IAD_SINE_LANES] = (float)-im;
    }
    const float *out = iad_fft_run(&plan->fft, block, block + (size_t)length * IAD_SINE_BLOCK, 0);
    for (int j = 0; j < length; j++) {
        plan->kernel[2 * j] = out[(size_t)j * IAD_SINE_BLOCK] / (float)length;
        plan->kernel[2 * j + 1] = out[(size_t)j * IAD_SINE_BLOCK + IAD_SINE_LANES] / (float)length;
    }
}

iad_status iad_sine_plan_init(iad_sine_plan *plan, int n, iad_err *err) {
    memset(plan, 0, sizeof *plan);
    if (n < 1 || n > IAD_SINE_MAX) return IAD_FAIL(err, IAD_ERR_ARG, "sine transform of %d values (1..%d)", n, IAD_SINE_MAX);
    int m = n + 1, length = convolution_length(2 * m - 1);
    plan->n = n;
    plan->m = m;
    if (fft_cost(m) > 2 * fft_cost(length) + 18.0 * length) plan->chirp = length;
    int longest = plan->chirp > m ? plan->chirp : m;
    iad_status status = fft_init(&plan->fft, plan->chirp > 0 ? plan->chirp : m, err);
    plan->sines = iad_alloc_aligned((size_t)m, sizeof(float));
    plan->chirps = iad_alloc_aligned(2 * (size_t)m, sizeof(float));
    plan->kernel = iad_alloc_aligned(2 * (size_t)plan->chirp + 1, sizeof(float));
    plan->work = iad_alloc_aligned(2 * (size_t)longest * IAD_SINE_BLOCK, sizeof(float));
    if (status == IAD_OK && (plan->sines == NULL || plan->chirps == NULL || plan->kernel == NULL || plan->work == NULL))
        status = IAD_NOMEM(err, "sine transform");
    if (status != IAD_OK) {
        iad_sine_plan_deinit(plan);
        return status;
    }
    for (int j = 0; j < m; j++) plan->sines[j] = (float)iad_sin(PI * (j <= m - j ? j : m - j) / m);
    if (plan->chirp > 0) make_chirps(plan);
    return IAD_OK;
}
