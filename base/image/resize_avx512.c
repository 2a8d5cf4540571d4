/* Resize kernel for AVX-512 with VNNI: 64 lines at a time, four taps of 16 lines per instruction.
 *
 * A 22-bit weight is three signed base-256 digits; vpdpbusd multiplies unsigned pixels with signed digits and adds four
 * products, modulo 2^32. The digit sums are put together at the end: exact modulo 2^32, and the true sum fits an int32. */
#include "base/image/resize_pass.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline)) TARGET

enum { LANES = 64, QUAD = LANES * 4 };

/* Four vectors A B C D hold the 64 lines. Their 128-bit lane l carries lines 16 l + 4 v + 0..3 (v = 0 for A ...), which is the
 * order in which the two saturating packs at the end put the results into lines 0..63. */
typedef struct cursor {
    const uint8_t *line[LANES];
} cursor;

INLINE __m512i load4(const cursor *c, int row, size_t at) {
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const void *)(c->line[row] + at)));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(c->line[row + 16] + at)), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(c->line[row + 32] + at)), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(c->line[row + 48] + at)), 3);
}

/* 16 bytes of every line -> four quads of one channel. */
INLINE void regroup_grey(const cursor *c, size_t at, uint8_t *const quad[4]) {
    for (int v = 0; v < 4; v++) {
        __m512i r0 = load4(c, 4 * v, at), r1 = load4(c, 4 * v + 1, at);
        __m512i r2 = load4(c, 4 * v + 2, at), r3 = load4(c, 4 * v + 3, at);
        __m512i t0 = _mm512_unpacklo_epi32(r0, r1), t1 = _mm512_unpacklo_epi32(r2, r3);
        __m512i t2 = _mm512_unpackhi_epi32(r0, r1), t3 = _mm512_unpackhi_epi32(r2, r3);
        _mm512_store_si512(quad[0] + 64 * v, _mm512_unpacklo_epi64(t0, t1));
        _mm512_store_si512(quad[1] + 64 * v, _mm512_unpackhi_epi64(t0, t1));
        _mm512_store_si512(quad[2] + 64 * v, _mm512_unpacklo_epi64(t2, t3));
        _mm512_store_si512(quad[3] + 64 * v, _mm512_unpackhi_epi64(t2, t3));
    }
}

/* 12 bytes (16 are read) of every line -> one quad of each of three channels. */
INLINE void regroup_rgb(const cursor *c, size_t at, uint8_t *quad) {
    const __m512i split = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1));
    for (int v = 0; v < 4; v++) {
        __m512i r0 = _mm512_shuffle_epi8(load4(c, 4 * v, at), split), r1 = _mm512_shuffle_epi8(load4(c, 4 * v + 1, at), split);
        __m512i r2 = _mm512_shuffle_epi8(load4(c, 4 * v + 2, at), split), r3 = _mm512_shuffle_epi8(load4(c, 4 * v + 3, at), split);
        __m512i t0 = _mm512_unpacklo_epi32(r0, r1), t1 = _mm512_unpacklo_epi32(r2, r3);
        __m512i t2 = _mm512_unpackhi_epi32(r0, r1), t3 = _mm512_unpackhi_epi32(r2, r3);
        _mm512_store_si512(quad + 64 * v, _mm512_unpacklo_epi64(t0, t1));
        _mm512_store_si512(quad + QUAD + 64 * v, _mm512_unpackhi_epi64(t0, t1));
        _mm512_store_si512(quad + 2 * QUAD + 64 * v, _mm512_unpacklo_epi64(t2, t3));
    }
}

/* Puts the three digit sums together and drops the fixed-point bits. */
INLINE __m512i finish(__m512i d0, __m512i d1, __m512i d2) {
    __m512i v = _mm512_add_epi32(d1, _mm512_slli_epi32(d2, 8));
    v = _mm512_add_epi32(d0, _mm512_slli_epi32(v, 8));
    return _mm512_srai_epi32(v, IAD_RESIZE_BITS);
}

/* One output sample of 64 lines: count quads from `first` on, `step` bytes apart in a ring of mask + 1 quads. */
INLINE __m512i sample(const uint8_t *ring, int first, int count, int mask, size_t step, const uint32_t *word) {
    const __m512i zero = _mm512_setzero_si512();
    __m512i a0 = _mm512_set1_epi32(1 << (IAD_RESIZE_BITS - 1)), b0 = a0, c0 = a0, d0 = a0;
    __m512i a1 = zero, b1 = zero, c1 = zero, d1 = zero, a2 = zero, b2 = zero, c2 = zero, d2 = zero;
    for (int q = 0; q < count; q++, word += 3) {
        const uint8_t *at = ring + (size_t)((first + q) & mask) * step;
        __m512i w0 = _mm512_set1_epi32((int)word[0]), w1 = _mm512_set1_epi32((int)word[1]), w2 = _mm512_set1_epi32((int)word[2]);
        __m512i a = _mm512_load_si512(at), b = _mm512_load_si512(at + 64);
        __m512i c = _mm512_load_si512(at + 128), d = _mm512_load_si512(at + 192);
        a0 = _mm512_dpbusd_epi32(a0, a, w0), b0 = _mm512_dpbusd_epi32(b0, b, w0);
        c0 = _mm512_dpbusd_epi32(c0, c, w0), d0 = _mm512_dpbusd_epi32(d0, d, w0);
        a1 = _mm512_dpbusd_epi32(a1, a, w1), b1 = _mm512_dpbusd_epi32(b1, b, w1);
        c1 = _mm512_dpbusd_epi32(c1, c, w1), d1 = _mm512_dpbusd_epi32(d1, d, w1);
        a2 = _mm512_dpbusd_epi32(a2, a, w2), b2 = _mm512_dpbusd_epi32(b2, b, w2);
        c2 = _mm512_dpbusd_epi32(c2, c, w2), d2 = _mm512_dpbusd_epi32(d2, d, w2);
    }
    __m512i ab = _mm512_packs_epi32(finish(a0, a1, a2), finish(b0, b1, b2));
    __m512i cd = _mm512_packs_epi32(finish(c0, c1, c2), finish(d0, d1, d2));
    return _mm512_packus_epi16(ab, cd);
}

/* 64 lines that are pages apart are more streams than the processor's own prefetching follows: a fifth of the time. */
enum { FAR_APART = 4096, AHEAD = 448 };

INLINE void prefetch(const cursor *c, size_t at) {
    for (int i = 0; i < LANES; i++) _mm_prefetch((const char *)((uintptr_t)c->line[i] + at + AHEAD), _MM_HINT_T0);
}

TARGET static void run(const iad_resize_job *job) {
    const iad_packed_axis *axis = job->axis;
    const int channels = job->channels, mask = job->ring_quads - 1, granule = channels == 1 ? 4 : 1;
    const size_t step = (size_t)QUAD * (size_t)channels, bytes = (size_t)job->length * (size_t)channels;
    const size_t granule_bytes = (size_t)granule * 4 * (size_t)channels;
    const __mmask64 keep = job->lines == LANES ? ~0ull : (1ull << job->lines) - 1;
    const int far_apart = job->src_stride >= FAR_APART;
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
            if (far_apart && at % 64 < granule_bytes) prefetch(&whole, at);
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
            __m512i v = sample(job->ring + (size_t)c * QUAD, first, count, mask, step, axis->word[x]);
            if (keep == ~0ull)
                _mm512_storeu_si512(dst, v);
            else
                _mm512_mask_storeu_epi8(dst, keep, v);
        }
    }
}

const iad_resize_kernel *iad_resize_avx512(void) {
    static const iad_resize_kernel kernel = {"avx512", LANES, QUAD, IAD_PACK_BYTES, run};
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512vnni")
               ? &kernel
               : NULL;
}
#else
const iad_resize_kernel *iad_resize_avx512(void) { return NULL; }
#endif
