#include "bench/metrics/rankcount.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/hugeblock.h"
#include "bench/metrics/rankkeys.h"

/* Chosen by counting cache misses and by time, see SPEED.md. */
#define COARSE_BITS 16    /* at most; fewer when they separate the parts as well: the table should stay in cache */
#define COARSE_MIN_BITS 12
#define PART_KEYS 512u    /* keys per part, at least: 2 KiB of keys, 4 KiB of table, 4 KiB of counters */
#define PARTS 1024u       /* more keys make larger parts, not more of them */
#define PART_FILL 4096u   /* pixels per buffer */
#define FINE_PER_KEY 2u   /* table cells per key, at least */
#define MAX_PARTS 4096u
#define BLOCK 2048u       /* pixels converted at a time */
#define DIRECT_KEYS 4096u /* up to this many keys everything stays in cache without buffers */
#define MAX_STEPS 16u     /* more keys than this in some table cell: the part bisects within the cell */

/* Shifted keys: key - base with base below the first key, clamped to [0, top], so that 0 means "below all keys" and
 * top "above all keys". */
typedef struct part {
    uint32_t start;     /* first shifted key of the part */
    uint32_t shift;     /* table cell = (x - start) >> shift */
    uint32_t first, n;  /* keys of the part */
    uint32_t crowd;     /* most keys in one table cell; above MAX_STEPS the part bisects */
    size_t table;       /* into fine[] */
} part;

struct iad_rank_plan {
    size_t k;
    uint32_t base, top;
    uint32_t coarse_shift;
    uint32_t n_parts;
    uint32_t *keys;   /* [k + MAX_STEPS + 1] shifted, sentinels behind */
    uint16_t *coarse; /* [2^COARSE_BITS] part of a coarse cell */
    part *parts;
    uint16_t *fine;   /* keys of the part that lie below a table cell */
};

struct iad_rank_counter {
    const iad_rank_plan *plan;
    uint32_t *slots;     /* [2k + 1] */
    uint64_t pending;    /* values since the last finish */
    uint32_t **cursor;   /* [n_parts] where the next pixel of a part goes */
    uint32_t **begin;    /* [n_parts] first pixel in the buffer */
    uint32_t *buffer;    /* [n_parts][PART_FILL] */
    uint32_t *block;     /* [BLOCK] */
    uint32_t min_key, max_key;
};

static uint32_t bits_for(uint32_t span) {
    uint32_t bits = 0;
    while (bits < 32 && span >> bits) bits++;
    return bits;
}

static void build_part(iad_rank_plan *plan, part *p, size_t *fine_used, uint32_t end_key) {
    /* Smallest power of two of cells that is at least FINE_PER_KEY per key, and no finer than one key value. */
    uint32_t width_bits = bits_for(end_key - p->start);
    uint32_t cell_bits = p->n ? bits_for(p->n) + bits_for(FINE_PER_KEY) - 1 : 0;
    p->shift = width_bits > cell_bits ? width_bits - cell_bits : 0;
    size_t cells = ((size_t)(end_key - p->start) >> p->shift) + 2;
    p->table = *fine_used;
    uint16_t *table = plan->fine + p->table;
    uint32_t i = 0, worst = 0;
    const uint32_t *keys = plan->keys + p->first;
    for (size_t c = 0; c < cells; c++) {
        uint64_t from = (uint64_t)p->start + ((uint64_t)c << p->shift);
        uint32_t before = i;
        while (i < p->n && keys[i] < from) i++;
        if (i - before > worst) worst = i - before;
        table[c] = (uint16_t)i;
    }
    p->crowd = worst > MAX_STEPS || p->n > UINT16_MAX ? MAX_STEPS + 1 : worst;
    *fine_used += cells;
}

/* Fewest bits of a coarse cell number with which no cell holds much more than one part's keys. */
static uint32_t coarse_bits(const uint32_t *keys, size_t k, uint32_t span_bits, uint32_t target) {
    uint32_t bits = COARSE_MIN_BITS;
    for (; bits < COARSE_BITS && bits < span_bits; bits++) {
        const uint32_t shift = span_bits - bits;
        uint32_t cell = keys[0] >> shift, n = 0, most = 0;
        for (size_t i = 0; i < k; i++) {
            if (keys[i] >> shift != cell) {
                cell = keys[i] >> shift;
                n = 0;
            }
            if (++n > most) most = n;
        }
        if (most <= target / 2) break;
    }
    return bits;
}

iad_status iad_rank_plan_new(const uint32_t *keys, size_t k, iad_rank_plan **out, iad_err *err) {
    *out = NULL;
    if (!k || k > UINT32_MAX / 4) return IAD_FAIL(err, IAD_ERR_ARG, "%zu keys to rank against", k);
    for (size_t i = 1; i < k; i++)
        if (keys[i] <= keys[i - 1]) return IAD_FAIL(err, IAD_ERR_INTERNAL, "rank keys are not ascending");
    if (keys[0] < IAD_FLOAT_KEY_MIN || keys[k - 1] > IAD_FLOAT_KEY_MAX)
        return IAD_FAIL(err, IAD_ERR_INTERNAL, "rank keys are not finite");
    iad_rank_plan *plan = iad_calloc(1, sizeof *plan);
    if (!plan) return IAD_NOMEM(err, "rank plan");
    plan->k = k;
    plan->base = keys[0] - 1;
    plan->top = keys[k - 1] - plan->base + 1;
    uint32_t target = PART_KEYS;
    if (k <= DIRECT_KEYS) target = (uint32_t)k;
    else if (k / PARTS > target) target = (uint32_t)(k / PARTS);
    plan->keys = iad_huge_alloc(k + MAX_STEPS + 1, sizeof *plan->keys, 0);
    if (!plan->keys) {
        iad_rank_plan_free(plan);
        return IAD_NOMEM(err, "rank plan");
    }
    for (size_t i = 0; i < k; i++) plan->keys[i] = keys[i] - plan->base;
    for (size_t i = 0; i < MAX_STEPS + 1; i++) plan->keys[k + i] = UINT32_MAX;
    const uint32_t span_bits = bits_for(plan->top), bits = coarse_bits(plan->keys, k, span_bits, target);
    plan->coarse_shift = span_bits > bits ? span_bits - bits : 0;
    size_t n_coarse = ((size_t)plan->top >> plan->coarse_shift) + 1;
    plan->coarse = iad_alloc(n_coarse, sizeof *plan->coarse);
    plan->parts = iad_calloc(MAX_PARTS, sizeof *plan->parts);
    /* Cells of a part: at most 2 * FINE_PER_KEY per key (rounding to a power of two) and two more. */
    plan->fine = iad_huge_alloc(2 * FINE_PER_KEY * k + 4 * MAX_PARTS, sizeof *plan->fine, 0);
    if (!plan->coarse || !plan->parts || !plan->fine) {
        iad_rank_plan_free(plan);
        return IAD_NOMEM(err, "rank plan");
    }

    uint32_t n_parts = 0, i = 0;
    size_t fine_used = 0;
    part *p = plan->parts;
    *p = (part){0, 0, 0, 0, 0, 0};
    for (size_t c = 0; c < n_coarse; c++) {
        uint64_t end = (uint64_t)(c + 1) << plan->coarse_shift;
        plan->coarse[c] = (uint16_t)n_parts;
        while (i < k && plan->keys[i] < end) i++;
        p->n = i - p->first;
        int last = c + 1 == n_coarse;
        if (last || p->n >= target) {
            build_part(plan, p, &fine_used, end > UINT32_MAX ? UINT32_MAX : (uint32_t)end);
            n_parts++;
            if (!last) *++p = (part){(uint32_t)end, 0, i, 0, 0, 0};
        }
    }
    plan->n_parts = n_parts;
    *out = plan;
    return IAD_OK;
}

void iad_rank_plan_free(iad_rank_plan *plan) {
    if (!plan) return;
    free(plan->keys);
    free(plan->coarse);
    free(plan->parts);
    free(plan->fine);
    free(plan);
}

iad_status iad_rank_counter_new(const iad_rank_plan *plan, iad_rank_counter **out, iad_err *err) {
    iad_rank_counter *counter = *out = iad_calloc(1, sizeof *counter);
    if (!counter) return IAD_NOMEM(err, "rank counter");
    counter->plan = plan;
    counter->min_key = UINT32_MAX;
    counter->slots = iad_huge_alloc(2 * plan->k + 1, sizeof *counter->slots, 1);
    counter->cursor = iad_calloc(plan->n_parts, sizeof *counter->cursor);
    counter->begin = iad_calloc(plan->n_parts, sizeof *counter->begin);
    counter->buffer = iad_huge_alloc((size_t)plan->n_parts * PART_FILL, sizeof *counter->buffer, 0);
    counter->block = iad_alloc_aligned(BLOCK, sizeof *counter->block);
    if (!counter->slots || !counter->cursor || !counter->begin || !counter->buffer || !counter->block) {
        iad_rank_counter_free(counter);
        *out = NULL;
        return IAD_NOMEM(err, "rank counter");
    }
    for (uint32_t p = 0; p < plan->n_parts; p++)
        counter->begin[p] = counter->cursor[p] = counter->buffer + (size_t)p * PART_FILL + (p * 16u) % PART_FILL;
    return IAD_OK;
}

void iad_rank_counter_free(iad_rank_counter *counter) {
    if (!counter) return;
    free(counter->slots);
    free(counter->cursor);
    free(counter->begin);
    free(counter->buffer);
    free(counter->block);
    free(counter);
}

/* Number of keys of the part below x, by bisection: for parts whose keys crowd into one table cell. */
static inline uint32_t lower_bound(const uint32_t *keys, uint32_t n, uint32_t x) {
    uint32_t i = 0;
    while (n) {
        uint32_t half = n / 2;
        if (keys[i + half] < x) {
            i += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return i;
}

static void rank_part(iad_rank_counter *counter, const part *p, const uint32_t *values, size_t n) {
    const iad_rank_plan *plan = counter->plan;
    const uint32_t *keys = plan->keys + p->first;
    const uint16_t *table = plan->fine + p->table;
    uint32_t *slots = counter->slots + 2 * (size_t)p->first;
    const uint32_t start = p->start, shift = p->shift;
    if (p->crowd > MAX_STEPS) {
        for (size_t q = 0; q < n; q++) {
            uint32_t x = values[q], cell = (x - start) >> shift, i;
            if (p->n > UINT16_MAX) i = lower_bound(keys, p->n, x); /* the table cannot hold such an index */
            else i = table[cell] + lower_bound(keys + table[cell], (uint32_t)table[cell + 1] - table[cell], x);
            slots[2 * (size_t)i + (keys[i] == x)]++;
        }
        return;
    }
    for (size_t q = 0; q < n; q++) {
        uint32_t x = values[q], i = table[(x - start) >> shift];
        i += keys[i] < x;
        uint32_t key = keys[i];
        while (__builtin_expect(key < x, 0)) key = keys[++i]; /* few cells hold two keys or more */
        slots[2 * (size_t)i + (key == x)]++;
    }
}

static void scatter(iad_rank_counter *counter, const uint32_t *restrict block, size_t n) {
    const iad_rank_plan *plan = counter->plan;
    const uint16_t *restrict coarse = plan->coarse;
    const uint32_t shift = plan->coarse_shift;
    uint32_t **restrict cursor = counter->cursor;
    for (size_t i = 0; i < n; i++) {
        uint32_t x = block[i], p = coarse[x >> shift];
        uint32_t *at = cursor[p];
        *at++ = x;
        cursor[p] = at;
        if (__builtin_expect(((uintptr_t)at & (PART_FILL * sizeof *at - 1)) == 0, 0)) {
            uint32_t *begin = counter->begin[p];
            rank_part(counter, plan->parts + p, begin, (size_t)(at - begin));
            cursor[p] = counter->begin[p] = at - PART_FILL;
        }
    }
}

static int not_finite(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x7f800000u) == 0x7f800000u;
}

size_t iad_rank_add(iad_rank_counter *counter, const float *values, size_t n) {
    const iad_rank_plan *plan = counter->plan;
    counter->pending += n;
    for (size_t done = 0; done < n;) {
        size_t part_n = n - done < BLOCK ? n - done : BLOCK;
        iad_key_range range = {counter->min_key, counter->max_key, 0};
        iad_keys_shifted(values + done, part_n, plan->base, plan->top, counter->block, &range);
        if (range.bad) {
            for (size_t i = 0; i < part_n; i++)
                if (not_finite(values[done + i])) return done + i;
        }
        counter->min_key = range.min;
        counter->max_key = range.max;
        if (plan->n_parts == 1) rank_part(counter, plan->parts, counter->block, part_n);
        else scatter(counter, counter->block, part_n);
        done += part_n;
    }
    return n;
}

size_t iad_rank_add_scalar(iad_rank_counter *counter, const float *values, size_t n) {
    const iad_rank_plan *plan = counter->plan;
    counter->pending += n;
    for (size_t i = 0; i < n; i++) {
        if (not_finite(values[i])) return i;
        uint32_t key = iad_float_key(values[i]);
        if (key < counter->min_key) counter->min_key = key;
        if (key > counter->max_key) counter->max_key = key;
        uint32_t x = key <= plan->base ? 0 : key - plan->base > plan->top ? plan->top : key - plan->base;
        uint32_t at = lower_bound(plan->keys, (uint32_t)plan->k, x);
        counter->slots[2 * (size_t)at + (at < plan->k && plan->keys[at] == x)]++;
    }
    return n;
}

uint64_t iad_rank_room(const iad_rank_counter *counter) { return UINT32_MAX - counter->pending; }

void iad_rank_finish(iad_rank_counter *counter, uint64_t *slots, uint32_t *min_key, uint32_t *max_key) {
    const iad_rank_plan *plan = counter->plan;
    for (uint32_t p = 0; p < plan->n_parts; p++) {
        rank_part(counter, plan->parts + p, counter->begin[p], (size_t)(counter->cursor[p] - counter->begin[p]));
        counter->begin[p] = counter->cursor[p];
    }
    size_t n = 2 * plan->k + 1;
    for (size_t i = 0; i < n; i++) slots[i] += counter->slots[i];
    memset(counter->slots, 0, n * sizeof *counter->slots);
    counter->pending = 0;
    if (counter->min_key < *min_key) *min_key = counter->min_key;
    if (counter->max_key > *max_key) *max_key = counter->max_key;
}
