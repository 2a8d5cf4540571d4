#include "base/rng.h"

#include <math.h>
#include <string.h>

#include "base/fmath.h"
#include "base/sha256.h"

/* Philox 4x32-10: constants and rounds of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011. */
static void philox(const uint32_t key_in[2], const uint32_t counter[4], uint32_t out[4]) {
    uint32_t k0 = key_in[0], k1 = key_in[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c0 = n0;
        c1 = (uint32_t)p1;
        c2 = n2;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void iad_rng_init(iad_rng *rng, uint64_t seed, uint64_t stream) {
    rng->key[0] = (uint32_t)seed;
    rng->key[1] = (uint32_t)(seed >> 32);
    rng->counter[0] = rng->counter[1] = 0;
    rng->counter[2] = (uint32_t)stream;
    rng->counter[3] = (uint32_t)(stream >> 32);
    memset(rng->block, 0, sizeof rng->block);
    rng->used = 4;
}

static void put_le64(uint8_t *at, uint64_t value) {
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)(value >> (8 * i));
}

uint64_t iad_rng_subseed(uint64_t master, const char *name, uint64_t ordinal) {
    uint8_t bytes[8 + 1 + 256 + 1 + 8], digest[IAD_SHA256_BYTES] = {0};
    size_t len = strnlen(name, 256);
    put_le64(bytes, master);
    bytes[8] = 0;
    memcpy(bytes + 9, name, len);
    bytes[9 + len] = 0;
    put_le64(bytes + 10 + len, ordinal);
    iad_sha256_bytes(bytes, 18 + len, digest, NULL);
    uint64_t seed = 0;
    for (int i = 7; i >= 0; i--) seed = seed << 8 | digest[i];
    return seed;
}

uint32_t iad_rng_u32(iad_rng *rng) {
    if (rng->used == 4) {
        philox(rng->key, rng->counter, rng->block);
        if (++rng->counter[0] == 0) rng->counter[1]++;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

uint64_t iad_rng_u64(iad_rng *rng) {
    uint64_t low = iad_rng_u32(rng);
    return low | (uint64_t)iad_rng_u32(rng) << 32;
}

uint32_t iad_rng_below(iad_rng *rng, uint32_t n) {
    if (n == 0) return 0;
    uint64_t product = (uint64_t)iad_rng_u32(rng) * n;
    if ((uint32_t)product < n) {
        uint32_t threshold = -n % n;
        while ((uint32_t)product < threshold) product = (uint64_t)iad_rng_u32(rng) * n;
    }
    return (uint32_t)(product >> 32);
}

int iad_rng_int(iad_rng *rng, int lo, int hi) {
    return hi <= lo ? lo : (int)(lo + (int64_t)iad_rng_below(rng, (uint32_t)((int64_t)hi - lo + 1)));
}

double iad_rng_unit(iad_rng *rng) { return (double)(iad_rng_u64(rng) >> 11) * 0x1p-53; }

double iad_rng_range(iad_rng *rng, double lo, double hi) { return lo + (hi - lo) * iad_rng_unit(rng); }

double iad_rng_normal(iad_rng *rng) {
    double radius = sqrt(-2.0 * iad_log(1.0 - iad_rng_unit(rng)));
    return radius * iad_cos(6.283185307179586 * iad_rng_unit(rng));
}

int iad_rng_chance(iad_rng *rng, double p) { return iad_rng_unit(rng) < p; }

void iad_rng_shuffle(iad_rng *rng, uint32_t *order, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = iad_rng_below(rng, i), t = order[i - 1];
        order[i - 1] = order[k];
        order[k] = t;
    }
}
