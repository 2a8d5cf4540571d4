/* The index against comparing everything with everything. */
#include "tests/unit/iad_test.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "crawl/hash/hamming.h"
#include "crawl/hash/hamming_scan.h"

typedef struct pair {
    uint32_t a, b;
    int distance;
} pair;

typedef struct pairs {
    pair *items;
    size_t n, cap;
} pairs;

static iad_status keep(void *user, uint32_t a, uint32_t b, int distance, iad_err *err) {
    pairs *list = user;
    void *block = list->items;
    IAD_TRY(iad_grow(&block, &list->cap, list->n + 1, sizeof *list->items, 1u << 24, "pairs", err));
    list->items = block;
    list->items[list->n++] = (pair){a, b, distance};
    return IAD_OK;
}

static int by_pair(const void *x, const void *y) {
    const pair *p = x, *q = y;
    if (p->a != q->a) return (p->a > q->a) - (p->a < q->a);
    return (p->b > q->b) - (p->b < q->b);
}

static int distance_of(const uint64_t *a, const uint64_t *b, int words) {
    int distance = 0;
    for (int w = 0; w < words; w++) distance += __builtin_popcountll(a[w] ^ b[w]);
    return distance;
}

/* n codes: random ones, copies of earlier ones with up to `flips` bits changed, and a share that differ in their low bits only. */
static uint64_t *make_codes(int words, size_t n, int flips, double narrow, uint64_t seed) {
    uint64_t *codes = iad_alloc(n * (size_t)words, sizeof *codes);
    assert_non_null(codes);
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    for (size_t i = 0; i < n; i++) {
        uint64_t *code = codes + i * (size_t)words;
        for (int w = 0; w < words; w++) code[w] = iad_rng_u64(&rng);
        if (iad_rng_chance(&rng, narrow))
            for (int w = 0; w < words; w++) code[w] &= 0x0000000f0000003f;
        else if (i && iad_rng_chance(&rng, 0.5)) {
            memcpy(code, codes + (size_t)iad_rng_below(&rng, (uint32_t)i) * (size_t)words, (size_t)words * sizeof *code);
            for (int k = iad_rng_int(&rng, 0, flips); k > 0; k--) {
                const uint32_t bit = iad_rng_below(&rng, 64u * (uint32_t)words);
                code[bit / 64] ^= (uint64_t)1 << (bit % 64);
            }
        }
    }
    return codes;
}

static iad_hamming *make_index(int words, const uint64_t *codes, size_t n, size_t at_once) {
    iad_err err = IAD_ERR_NONE;
    iad_hamming *index;
    assert_ok(iad_hamming_new(words, &index, &err));
    assert_ok(iad_hamming_add_many(index, codes, at_once, &err));
    for (size_t i = at_once; i < n; i++) assert_ok(iad_hamming_add(index, codes + i * (size_t)words, &err));
    assert_int_equal(iad_hamming_count(index), n);
    return index;
}

static void check_join(int words, size_t n, int flips, double narrow, int radius, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    uint64_t *codes = make_codes(words, n, flips, narrow, seed);
    iad_hamming *index = make_index(words, codes, n, n / 2);
    pairs want = {0}, got = {0};
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++) {
            const int distance = distance_of(codes + a * (size_t)words, codes + b * (size_t)words, words);
            if (distance <= radius) assert_ok(keep(&want, (uint32_t)a, (uint32_t)b, distance, &err));
        }
    assert_ok(iad_hamming_join(index, radius, keep, &got, &err));
    qsort(got.items, got.n, sizeof *got.items, by_pair);
    assert_int_equal(got.n, want.n);
    for (size_t i = 0; i < got.n; i++) {
        assert_int_equal(got.items[i].a, want.items[i].a);
        assert_int_equal(got.items[i].b, want.items[i].b);
        assert_int_equal(got.items[i].distance, want.items[i].distance);
    }
    assert_true(want.n > 0); /* the codes were made so */
    free(want.items);
    free(got.items);
    free(codes);
    iad_hamming_free(index);
}

static void all_pairs_of_64_bits(void **state) {
    (void)state;
    static const int radius[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 13};
    for (size_t i = 0; i < sizeof radius / sizeof *radius; i++) check_join(1, 3000, 10, 0.0, radius[i], i);
    check_join(1, 2500, 9, 0.3, 7, 77); /* crowded buckets */
    check_join(1, 1200, 9, 1.0, 7, 78); /* so crowded that the column is read */
    check_join(1, 200, 5, 0.0, 64, 79);
}

static void all_pairs_of_256_bits(void **state) {
    (void)state;
    static const int radius[] = {0, 1, 3, 7, 24, 30, 31, 32, 60};
    for (size_t i = 0; i < sizeof radius / sizeof *radius; i++) check_join(4, 2000, 40, 0.0, radius[i], i);
    check_join(4, 1500, 40, 0.3, 31, 77);
    check_join(4, 1000, 40, 1.0, 31, 78);
    check_join(4, 100, 40, 0.0, 256, 79);
}

static void check_find(int words, size_t n, int flips, double narrow, int radius, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    uint64_t *codes = make_codes(words, n, flips, narrow, seed);
    iad_hamming *index = make_index(words, codes, n, n / 2);
    iad_hamming_hits hits = {0};
    for (size_t q = 0; q < n; q += n / 40) {
        const uint64_t *code = codes + q * (size_t)words;
        assert_ok(iad_hamming_find(index, code, radius, &hits, &err));
        size_t at = 0;
        for (size_t i = 0; i < n; i++) {
            const int distance = distance_of(code, codes + i * (size_t)words, words);
            if (distance > radius) continue;
            assert_true(at < hits.n);
            assert_int_equal(hits.items[at].position, i);
            assert_int_equal(hits.items[at].distance, distance);
            at++;
        }
        assert_int_equal(at, hits.n);
    }
    iad_hamming_hits_deinit(&hits);
    free(codes);
    iad_hamming_free(index);
}

/* 12000 codes of which half are added one by one: tables are made several times and there is a rest that is in none. */
static void near_codes_of_one(void **state) {
    (void)state;
    for (int radius = 0; radius <= 9; radius += 3) check_find(1, 12000, 10, 0.0, radius, 3);
    for (int radius = 3; radius <= 40; radius += 7) check_find(4, 12000, 45, 0.0, radius, 4);
    check_find(1, 12000, 10, 0.5, 7, 5);
    check_find(4, 12000, 40, 0.5, 31, 6);
    check_find(4, 300, 40, 0.0, 31, 7); /* no table yet */
}

static void codes_come_back(void **state) {
    (void)state;
    uint64_t *codes = make_codes(4, 500, 9, 0.0, 8), back[4];
    iad_hamming *index = make_index(4, codes, 500, 0);
    for (uint32_t i = 0; i < 500; i++) {
        iad_hamming_get(index, i, back);
        assert_memory_equal(back, codes + 4 * i, sizeof back);
    }
    free(codes);
    iad_hamming_free(index);
}

static iad_status refuse(void *user, uint32_t a, uint32_t b, int distance, iad_err *err) {
    (void)a, (void)b, (void)distance;
    ++*(int *)user;
    return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "enough");
}

static void bad_calls(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_hamming *index;
    iad_hamming_hits hits = {0};
    const uint64_t same[3] = {5, 5, 5};
    int calls = 0;
    assert_fails(IAD_ERR_ARG, iad_hamming_new(2, &index, &err));
    assert_ok(iad_hamming_new(1, &index, &err));
    assert_ok(iad_hamming_find(index, same, 7, &hits, &err));
    assert_int_equal(hits.n, 0);
    assert_ok(iad_hamming_join(index, 7, refuse, &calls, &err));
    assert_fails(IAD_ERR_ARG, iad_hamming_find(index, same, 65, &hits, &err));
    assert_fails(IAD_ERR_ARG, iad_hamming_find(index, same, -1, &hits, &err));
    assert_fails(IAD_ERR_ARG, iad_hamming_join(index, 65, refuse, &calls, &err));
    assert_ok(iad_hamming_add_many(index, same, 3, &err));
    assert_fails(IAD_ERR_INTERRUPTED, iad_hamming_join(index, 0, refuse, &calls, &err));
    assert_int_equal(calls, 1);
    iad_hamming_hits_deinit(&hits);
    iad_hamming_free(index);
    iad_hamming_free(NULL);
}

static void scans_agree(void **state) {
    (void)state;
    uint64_t words[100];
    iad_rng rng;
    iad_rng_init(&rng, 1, 9);
    for (size_t i = 0; i < 100; i++) words[i] = iad_rng_u64(&rng);
    for (size_t n = 0; n <= 70; n++) {
        const uint64_t word = iad_rng_u64(&rng);
        const int want = iad_hamming_scan_plain(word, words + n % 7, n);
        assert_int_equal(want == 65, n == 0);
        if (iad_hamming_has_popcnt()) assert_int_equal(want, iad_hamming_scan_popcnt(word, words + n % 7, n));
        if (iad_hamming_has_avx512()) assert_int_equal(want, iad_hamming_scan_avx512(word, words + n % 7, n));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_of_64_bits), cmocka_unit_test(all_pairs_of_256_bits), cmocka_unit_test(near_codes_of_one),
        cmocka_unit_test(codes_come_back),      cmocka_unit_test(bad_calls),             cmocka_unit_test(scans_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
