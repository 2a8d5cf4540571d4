/* A small two-dimensional Fourier transform for the registration: size is a power of two, split real and imaginary planes. */
#ifndef IAD_BENCH_PATCHNN_PN_FFT_H
#define IAD_BENCH_PATCHNN_PN_FFT_H

#define IAD_PN_FFT_SIZE 64

/* Twiddle factors; filled once per object that needs them. */
typedef struct iad_pn_fft {
    float c[IAD_PN_FFT_SIZE / 2], s[IAD_PN_FFT_SIZE / 2];
} iad_pn_fft;

void iad_pn_fft_init(iad_pn_fft *fft);

/* In place, unnormalised: re, im [64][64]. The result is TRANSPOSED ([kx][ky]), so that forward, product and inverse come back in
 * order: forward(64x64) -> transposed spectrum; inverse(transposed spectrum) -> picture order, times 64 * 64. */
void iad_pn_fft_forward(const iad_pn_fft *fft, float *re, float *im);
void iad_pn_fft_inverse(const iad_pn_fft *fft, float *re, float *im);

#endif
