#include "manifests/nhsum.h"

#include <string.h>

#include "base/rng.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define GROUPS_AT_ONCE 128

void iad_nhsum_key_init(iad_nhsum_key *key) {
    iad_rng rng;
    iad_rng_init(&rng, 0x6e68736d6b657931u, 0); /* "nhsmkey1" */
    for (size_t i = 0; i < sizeof key->words / sizeof *key->words; i++) key->words[i] = iad_rng_u32(&rng);
}

static uint32_t get_u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_u64(uint8_t *p, uint64_t value) {
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(value >> (8 * i));
}

typedef void (*block_sums)(const iad_nhsum_key *key, const uint8_t *block, uint8_t *sums);

static void block_scalar(const iad_nhsum_key *key, const uint8_t *block, uint8_t *sums) {
    for (int pass = 0; pass < IAD_NHSUM_PASSES; pass++) {
        const uint32_t *k = key->words + pass * IAD_NHSUM_SHIFT;
        uint64_t sum = 0;
        for (int i = 0; i < IAD_NHSUM_BLOCK / 4; i += 2)
            sum += (uint64_t)(get_u32(block + 4 * i) + k[i]) * (get_u32(block + 4 * i + 4) + k[i + 1]);
        put_u64(sums + 8 * pass, sum);
    }
}

#if defined(__x86_64__)
/* Even words stand in the low, odd words in the high halves of 64-bit lanes: one shift brings them together. */
__attribute__((target("avx2"))) static void block_avx2(const iad_nhsum_key *key, const uint8_t *block, uint8_t *sums) {
    __m256i total[IAD_NHSUM_PASSES];
    for (int pass = 0; pass < IAD_NHSUM_PASSES; pass++) total[pass] = _mm256_setzero_si256();
    for (int i = 0; i < IAD_NHSUM_BLOCK / 4; i += 8) {
        __m256i data = _mm256_loadu_si256((const __m256i *)(const void *)(block + 4 * i));
        for (int pass = 0; pass < IAD_NHSUM_PASSES; pass++) {
            __m256i k = _mm256_loadu_si256((const __m256i *)(const void *)(key->words + i + pass * IAD_NHSUM_SHIFT));
            __m256i sum = _mm256_add_epi32(data, k);
            total[pass] = _mm256_add_epi64(total[pass], _mm256_mul_epu32(sum, _mm256_srli_epi64(sum, 32)));
        }
    }
    for (int pass = 0; pass < IAD_NHSUM_PASSES; pass++) {
        uint64_t lanes[4];
        _mm256_storeu_si256((__m256i *)(void *)lanes, total[pass]);
        put_u64(sums + 8 * pass, lanes[0] + lanes[1] + lanes[2] + lanes[3]);
    }
}
#endif

static void run(block_sums of_block, const iad_nhsum_key *key, const uint8_t *bytes, size_t n, uint8_t *sums) {
    for (; n >= IAD_NHSUM_BLOCK; n -= IAD_NHSUM_BLOCK, bytes += IAD_NHSUM_BLOCK, sums += IAD_NHSUM_BYTES)
        of_block(key, bytes, sums);
    if (n == 0) return;
    uint8_t last[IAD_NHSUM_BLOCK] = {0};
    memcpy(last, bytes, n);
    of_block(key, last, sums);
}

void iad_nhsum_scalar(const iad_nhsum_key *key, const uint8_t *bytes, size_t n, uint8_t *sums) {
    run(block_scalar, key, bytes, n, sums);
}

void iad_nhsum(const iad_nhsum_key *key, const uint8_t *bytes, size_t n, uint8_t *sums) {
    block_sums best = block_scalar;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) best = block_avx2;
#endif
    run(best, key, bytes, n, sums);
}

iad_status iad_nhsum_hash(const iad_nhsum_key *key, iad_sha256 *hash, const uint8_t *bytes, size_t n, iad_err *err) {
    uint8_t sums[GROUPS_AT_ONCE * IAD_NHSUM_BYTES];
    for (size_t at = 0; at < n;) {
        size_t part = n - at < GROUPS_AT_ONCE * IAD_NHSUM_BLOCK ? n - at : GROUPS_AT_ONCE * IAD_NHSUM_BLOCK;
        size_t groups = (part + IAD_NHSUM_BLOCK - 1) / IAD_NHSUM_BLOCK;
        iad_nhsum(key, bytes + at, part, sums);
        IAD_TRY(iad_sha256_add(hash, sums, groups * IAD_NHSUM_BYTES, err));
        at += part;
    }
    return IAD_OK;
}
