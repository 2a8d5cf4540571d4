/* Resize kernel for AVX2: 32 lines at a time, two taps of 8 lines per instruction.
 *
 * A 22-bit weight is a low part of 12 signed bits and a high part; vpmaddwd multiplies 16-bit pixels with either and adds two
 * products. The sums are exact modulo 2^32 and the true sum fits an int32. */
#include "base/image/resize_pass.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline)) TARGET

enum { LANES = 32, QUAD = LANES * 8 }; /* a quad: pixels 0 and 2 of all lines as 16-bit pairs, then pixels 1 and 3 */

/* Four vectors hold the 32 lines; 128-bit lane l of vector v carries lines 16 l + 4 v + 0..3: the order in which the two
 * saturating packs at the end put the results into lines 0..31. */
typedef struct cursor {
    const uint8_t *line[LANES];
} cursor;

INLINE __m256i load2(const cursor *c, int row, size_t at) {
    __m256i v = _mm256_castsi128_si256(_mm_loadu_si128((const void *)(c->line[row] + at)));
    return _mm256_inserti128_si256(v, _mm_loadu_si128((const void *)(c->line[row + 16] + at)), 1);
}

INLINE void put(uint8_t *quad, int v, __m256i bytes) {
    const __m256i even = _mm256_set1_epi16(0xff);
    _mm256_store_si256((void *)(quad + 64 * v), _mm256_and_si256(bytes, even));
    _mm256_store_si256((void *)(quad + 64 * v + 32), _mm256_srli_epi16(bytes, 8));
}

/* 16 bytes of every line -> four quads of one channel. */
INLINE void regroup_grey(const cursor *c, size_t at, uint8_t *const quad[4]) {
    for (int v = 0; v < 4; v++) {
        __m256i r0 = load2(c, 4 * v, at), r1 = load2(c, 4 * v + 1, at);
        __m256i r2 = load2(c, 4 * v + 2, at), r3 = load2(c, 4 * v + 3, at);
        __m256i t0 = _mm256_unpacklo_epi32(r0, r1), t1 = _mm256_unpacklo_epi32(r2, r3);
        __m256i t2 = _mm256_unpackhi_epi32(r0, r1), t3 = _mm256_unpackhi_epi32(r2, r3);
        put(quad[0], v, _mm256_unpacklo_epi64(t0, t1));
        put(quad[1], v, _mm256_unpackhi_epi64(t0, t1));
        put(quad[2], v, _mm256_unpacklo_epi64(t2, t3));
        put(quad[3], v, _mm256_unpackhi_epi64(t2, t3));
    }
}

/* 12 bytes (16 are read) of every line -> one quad of each of three channels. */
INLINE void regroup_rgb(const cursor *c, size_t at, uint8_t *quad) {
    const __m256i split = _mm256_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1, 0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8,
                                           11, -1, -1, -1, -1);
    for (int v = 0; v < 4; v++) {
        __m256i r0 = _mm256_shuffle_epi8(load2(c, 4 * v, at), split), r1 = _mm256_shuffle_epi8(load2(c, 4 * v + 1, at), split);
        __m256i r2 = _mm256_shuffle_epi8(load2(c, 4 * v + 2, at), split), r3 = _mm256_shuffle_epi8(load2(c, 4 * v + 3, at), split);
        __m256i t0 = _mm256_unpacklo_epi32(r0, r1), t1 = _mm256_unpacklo_epi32(r2, r3);
        __m256i t2 = _mm256_unpackhi_epi32(r0, r1), t3 = _mm256_unpackhi_epi32(r2, r3);
        put(quad, v, _mm256_unpacklo_epi64(t0, t1));
        put(quad + QUAD, v, _mm256_unpackhi_epi64(t0, t1));
        put(quad + 2 * QUAD, v, _mm256_unpacklo_epi64(t2, t3));
    }
}

INLINE __m256i dot(__m256i sum, __m256i pixels, __m256i weights) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pixels, weights));
}

INLINE __m256i finish(__m256i low, __m256i high) {
    return _mm256_srai_epi32(_mm256_add_epi32(low, _mm256_slli_epi32(high, 12)), IAD_RESIZE_BITS);
}

/* One output sample of 32 lines: count quads from `first` on, `step` bytes apart in a ring of mask + 1 quads. */
INLINE __m256i sample(const uint8_t *ring, int first, int count, int mask, size_t step, const uint32_t *word) {
    __m256i low[4], high[4];
    for (int v = 0; v < 4; v++) {
        low[v] = _mm256_set1_epi32(1 << (IAD_RESIZE_BITS - 1));
        high[v] = _mm256_setzero_si256();
    }
    for (int q = 0; q < count; q++, word += 4) {
        const uint8_t *at = ring + (size_t)((first + q) & mask) * step;
        for (int half = 0; half < 2; half++) { /* pixels 0 and 2, then 1 and 3 */
            __m256i wl = _mm256_set1_epi32((int)word[2 * half]), wh = _mm256_set1_epi32((int)word[2 * half + 1]);
            for (int v = 0; v < 4; v++) {
                __m256i px = _mm256_load_si256((const void *)(at + 64 * v + 32 * half));
                low[v] = dot(low[v], px, wl);
                high[v] = dot(high[v], px, wh);
            }
        }
    }
    __m256i ab = _mm256_packs_epi32(finish(low[0], high[0]), finish(low[1], high[1]));
    __m256i cd = _mm256_packs_epi32(finish(low[2], high[2]), finish(low[3], high[3]));
    return _mm256_packus_epi16(ab, cd);
}

TARGET static void run(const iad_resize_job *job) {
    const iad_packed_axis *axis = job->axis;
    const int channels = job->channels, mask = job->ring_quads - 1, granule = channels == 1 ? 4 : 1;
    const size_t step = (size_t)QUAD * (size_t)channels, bytes = (size_t)job->length * (size_t)channels;
    const size_t granule_bytes = (size_t)granule * 4 * (size_t)channels;
    cursor whole, tail;
    uint8_t end[LANES][16]; /* the last few bytes of each line, so that no load leaves it */
    size_t end_at = SIZE_MAX;
    for (int i = 0; i < LANES; i++) {
        whole.line[i] = job->src + (size_t)(i < job->lines ? i : job->lines - 1) * job->src_stride;
        tail.line[i] = end[i];
    }

    int made = axis->first[job->x0] / granule * granule;
    uint8_t *dst = job->dst;
    for (int x = job->x0; x < job->x1; x++) {
        const int first = axis->first[x], count = axis->count[x];
        while (made < first + count) {
            size_t at = (size_t)(made / granule) * granule_bytes;
            const cursor *from = &whole;
            if (at + 16 > bytes) {
                if (end_at != at) {
                    memset(end, 0, sizeof end);
                    for (int i = 0; i < LANES; i++) memcpy(end[i], whole.line[i] + at, bytes - at);
                    end_at = at;
                }
                from = &tail;
                at = 0;
            }
            if (channels == 1) {
                uint8_t *quad[4];
                for (int k = 0; k < 4; k++) quad[k] = job->ring + (size_t)((made + k) & mask) * QUAD;
                regroup_grey(from, at, quad);
            } else {
                regroup_rgb(from, at, job->ring + (size_t)(made & mask) * step);
            }
            made += granule;
        }
        for (int c = 0; c < channels; c++, dst += job->dst_stride) {
            __m256i v = sample(job->ring + (size_t)c * QUAD, first, count, mask, step, axis->word[x]);
            if (job->lines == LANES) {
                _mm256_storeu_si256((void *)dst, v);
            } else {
                uint8_t part[LANES];
                _mm256_storeu_si256((void *)part, v);
                memcpy(dst, part, (size_t)job->lines);
            }
        }
    }
}

const iad_resize_kernel *iad_resize_avx2(void) {
    static const iad_resize_kernel kernel = {"avx2", LANES, QUAD, IAD_PACK_PAIRS, run};
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") ? &kernel : NULL;
}
#else
const iad_resize_kernel *iad_resize_avx2(void) { return NULL; }
#endif
