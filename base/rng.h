/* Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011): a stream is a pure function of (seed, stream),
 * the same on every machine, whatever the order or the thread. */
#ifndef IAD_BASE_RNG_H
#define IAD_BASE_RNG_H

#include <stdint.h>
#include <stddef.h>

typedef struct iad_rng {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4];
    int used; /* words of `block` already handed out */
} iad_rng;

/* Different `stream` numbers of one seed give independent sequences. */
void iad_rng_init(iad_rng *rng, uint64_t seed, uint64_t stream);

/* Sub-seed: first 8 bytes (little endian) of SHA-256(master || 0 || name || 0 || ordinal), all little endian. */
uint64_t iad_rng_subseed(uint64_t master, const char *name, uint64_t ordinal);

uint32_t iad_rng_u32(iad_rng *rng);
uint64_t iad_rng_u64(iad_rng *rng);
/* Uniform integer in 0..n-1, unbiased (Lemire). n = 0 gives 0. */
uint32_t iad_rng_below(iad_rng *rng, uint32_t n);
/* Uniform integer in lo..hi inclusive. */
int iad_rng_int(iad_rng *rng, int lo, int hi);
/* Uniform double in [0, 1), 53 bits. */
double iad_rng_unit(iad_rng *rng);
/* Uniform double in [lo, hi). */
double iad_rng_range(iad_rng *rng, double lo, double hi);
/* Standard normal, by the sum-free Box-Muller with base/fmath.h: same bits on every machine. */
double iad_rng_normal(iad_rng *rng);
/* 1 with probability p. */
int iad_rng_chance(iad_rng *rng, double p);
/* Fisher-Yates permutation of 0..n-1 into order. */
void iad_rng_shuffle(iad_rng *rng, uint32_t *order, uint32_t n);

#endif
