#include "train/data/order.h"

#include "base/rng.h"

/* ---- the permutation ---- */

enum { ROUNDS = 6 };

/* The key of one epoch's permutation, and the halves that its numbers are cut into. */
typedef struct feistel {
    uint64_t key[ROUNDS];
    int half;         /* bits of each half */
    uint64_t n;
} feistel;

static feistel feistel_of(uint64_t seed, int stage, uint64_t epoch, uint64_t n) {
    feistel f = {.half = 1, .n = n};
    while (f.half < 31 && ((uint64_t)1 << (2 * f.half)) < n) f.half++;
    iad_rng rng;
    iad_rng_init(&rng, iad_rng_subseed(seed, "train/order", (uint64_t)stage), epoch);
    for (int r = 0; r < ROUNDS; r++) f.key[r] = iad_rng_u64(&rng);
    return f;
}

/* The finaliser of SplitMix64: every input bit reaches every output bit. */
static uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* A Feistel network is a bijection of 2^(2 half) numbers whatever its round function; walking its cycle until the value is below n makes it one of
 * [0, n), in fewer than four steps in the mean. */
static uint64_t feistel_at(const feistel *f, uint64_t i) {
    uint64_t mask = ((uint64_t)1 << f->half) - 1;
    do {
        uint64_t left = i >> f->half, right = i & mask;
        for (int r = 0; r < ROUNDS; r++) {
            uint64_t next = left ^ (mixed(right ^ f->key[r]) & mask);
            left = right;
            right = next;
        }
        i = left << f->half | right;
    } while (i >= f->n);
    return i;
}

uint64_t iad_order_permute(uint64_t seed, int stage, uint64_t epoch, uint64_t n, uint64_t i) {
    if (n == 0 || n > (uint64_t)1 << 62 || i >= n) return i; /* outside of the contract: nothing to permute, and nothing to walk for ever */
    feistel f = feistel_of(seed, stage, epoch, n);
    return feistel_at(&f, i);
}

void iad_order_batch(uint64_t seed, int stage, uint64_t n, int64_t step, int batch, uint64_t *index) {
    uint64_t at = (uint64_t)step * (uint64_t)batch, epoch = at / n;
    feistel f = feistel_of(seed, stage, epoch, n);
    for (int i = 0; i < batch; i++, at++) {
        if (at / n != epoch) {
            epoch = at / n;
            f = feistel_of(seed, stage, epoch, n);
        }
        index[i] = feistel_at(&f, at % n);
    }
}

/* ---- ranks ---- */

void iad_order_split(const double *cost, int n, int world, int *owner) {
    /* Quadratic in n and world: a global batch has tens of items. Loads are summed anew, so that no memory is needed. */
    for (int i = 0; i < n; i++) owner[i] = -1;
    for (int done = 0; done < n; done++) {
        int longest = -1, least = 0;
        double least_load = 0;
        for (int i = 0; i < n; i++)
            if (owner[i] < 0 && (longest < 0 || cost[i] > cost[longest])) longest = i;
        for (int rank = 0; rank < world; rank++) {
            double load = 0;
            for (int i = 0; i < n; i++)
                if (owner[i] == rank) load += cost[i];
            if (rank == 0 || load < least_load) {
                least = rank;
                least_load = load;
            }
        }
        owner[longest] = least;
    }
}

int iad_order_pack(const double *cost, int n, double budget, int most, int *batch_of) {
    int batches = 0, items = 0;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        if (items == 0 || items == most || sum + cost[i] > budget) {
            batches++;
            items = 0;
            sum = 0;
        }
        batch_of[i] = batches - 1;
        items++;
        sum += cost[i];
    }
    return batches;
}
