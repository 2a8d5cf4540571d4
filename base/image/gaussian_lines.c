/* One axis of a Gaussian over 32 lines: the scalar oracle and its SIMD variants. Lanes are lines, so the operations on one
 * pixel and their order are the same in all of them, and so are the bits. No FMA: it would round once where scipy rounds twice. */
#include "base/image/gaussian_lines.h"

enum { LANES = IAD_GAUSSIAN_LANES };

void iad_gaussian_lines_scalar(const iad_gaussian_job *job) {
    for (int i = 0; i < job->length; i++)
        for (int k = 0; k < LANES; k++) {
            const double *center = job->in + ((size_t)i + (size_t)job->radius) * LANES + (size_t)k;
            double sum = *center * job->weight[0];
            for (int j = job->radius; j >= 1; j--) sum += (center[-j * LANES] + center[j * LANES]) * job->weight[j];
            job->out[(size_t)i * job->out_stride + (size_t)k] = (float)sum;
        }
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2"))) static void lines_avx2(const iad_gaussian_job *job) {
    for (int i = 0; i < job->length; i++) {
        const double *center = job->in + ((size_t)i + (size_t)job->radius) * LANES;
        __m256d sum[LANES / 4], w = _mm256_set1_pd(job->weight[0]);
        for (int v = 0; v < LANES / 4; v++) sum[v] = _mm256_mul_pd(_mm256_load_pd(center + 4 * v), w);
        for (int j = job->radius; j >= 1; j--) {
            const double *left = center - (size_t)j * LANES, *right = center + (size_t)j * LANES;
            w = _mm256_set1_pd(job->weight[j]);
            for (int v = 0; v < LANES / 4; v++) {
                __m256d both = _mm256_add_pd(_mm256_load_pd(left + 4 * v), _mm256_load_pd(right + 4 * v));
                sum[v] = _mm256_add_pd(sum[v], _mm256_mul_pd(both, w));
            }
        }
        float *out = job->out + (size_t)i * job->out_stride;
        for (int v = 0; v < LANES / 4; v++) _mm_storeu_ps(out + 4 * v, _mm256_cvtpd_ps(sum[v]));
    }
}

__attribute__((target("avx512f"))) static void lines_avx512(const iad_gaussian_job *job) {
    for (int i = 0; i < job->length; i++) {
        const double *center = job->in + ((size_t)i + (size_t)job->radius) * LANES;
        __m512d sum[LANES / 8], w = _mm512_set1_pd(job->weight[0]);
        for (int v = 0; v < LANES / 8; v++) sum[v] = _mm512_mul_pd(_mm512_load_pd(center + 8 * v), w);
        for (int j = job->radius; j >= 1; j--) {
            const double *left = center - (size_t)j * LANES, *right = center + (size_t)j * LANES;
            w = _mm512_set1_pd(job->weight[j]);
            for (int v = 0; v < LANES / 8; v++) {
                __m512d both = _mm512_add_pd(_mm512_load_pd(left + 8 * v), _mm512_load_pd(right + 8 * v));
                sum[v] = _mm512_add_pd(sum[v], _mm512_mul_pd(both, w));
            }
        }
        float *out = job->out + (size_t)i * job->out_stride;
        for (int v = 0; v < LANES / 8; v++) _mm256_storeu_ps(out + 8 * v, _mm512_cvtpd_ps(sum[v]));
    }
}

iad_gaussian_kernel iad_gaussian_lines_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") ? lines_avx2 : NULL;
}

iad_gaussian_kernel iad_gaussian_lines_avx512(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") ? lines_avx512 : NULL;
}
#else
iad_gaussian_kernel iad_gaussian_lines_avx2(void) { return NULL; }
iad_gaussian_kernel iad_gaussian_lines_avx512(void) { return NULL; }
#endif
