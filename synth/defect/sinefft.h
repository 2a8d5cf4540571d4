/* Discrete sine transform DST-I of many columns at once, in float, with the same bits on every machine: our own mixed-radix FFT whose
 * vector lanes are columns, so that the width of the registers never changes the order of a sum. */
#ifndef IAD_SYNTH_SINEFFT_H
#define IAD_SYNTH_SINEFFT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_SINE_LANES 16                     /* complex numbers side by side */
#define IAD_SINE_BLOCK (2 * IAD_SINE_LANES)   /* columns of one block: real parts, then imaginary parts */
#define IAD_SINE_MAX (1 << 17)                /* longest transform */
#define IAD_SINE_RADIX 61                     /* largest prime done as a butterfly */

/* An FFT of one length. */
typedef struct iad_fft_plan {
    int length, stages;
    int radix[24];
    float *twiddle;   /* per stage, [m][radix - 1] pairs (cos, -sin); owned */
    float *roots;     /* cos and sin of 2 pi i / p of odd radices above 5, one table after the other; owned */
    size_t root_at[24];
} iad_fft_plan;

typedef struct iad_sine_plan {
    int n, m;           /* n values, m = n + 1 */
    int chirp;          /* length of the convolution when m has a large prime factor (Bluestein), else 0 */
    float *sines;       /* [m] sin(pi j / m) */
    float *chirps;      /* [m] pairs exp(-i pi j^2 / m); [chirp] pairs: transform of the kernel, scaled */
    float *kernel;
    iad_fft_plan fft;
    float *work;        /* scratch of one block: 2 * max(m, chirp) * IAD_SINE_BLOCK floats */
} iad_sine_plan;

/* Number of floating operations per column that a transform of n values takes, roughly; to choose the cheaper axis. */
double iad_sine_cost(int n);
/* n in 1..IAD_SINE_MAX. Errors: IAD_ERR_ARG, IAD_ERR_NOMEM. The plan is all zero then. */
iad_status iad_sine_plan_init(iad_sine_plan *plan, int n, iad_err *err);
void iad_sine_plan_deinit(iad_sine_plan *plan);

/* One block of IAD_SINE_BLOCK columns, in place: a[n] rows at a distance of `stride` floats become
 * scale * sum_j a[j] sin(pi (j+1)(k+1) / (n+1)). wide 1: registers of 256 bits where the machine has them (the same bits). */
void iad_sine_block(const iad_sine_plan *plan, float *a, size_t stride, float scale, int wide);

#endif
