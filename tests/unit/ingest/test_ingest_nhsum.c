/* Block sums: the fast form against the plain one, sums against the formula written out once more, and what a change does. */
#include "base/rng.h"
#include "manifests/identity.h"
#include "manifests/nhsum.h"
#include "tests/unit/iad_test.h"

enum { MOST = 5 * IAD_NHSUM_BLOCK + 7 };

static void fill(uint8_t *bytes, size_t n, uint64_t seed) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)iad_rng_u32(&rng);
}

static void formula(void **state) {
    (void)state;
    iad_nhsum_key key;
    uint8_t bytes[MOST], sums[6 * IAD_NHSUM_BYTES];
    iad_nhsum_key_init(&key);
    fill(bytes, sizeof bytes, 1);
    iad_nhsum(&key, bytes, sizeof bytes, sums);
    for (size_t block = 0; block < 6; block++)
        for (size_t pass = 0; pass < IAD_NHSUM_PASSES; pass++) {
            uint64_t want = 0, got = 0;
            for (size_t pair = 0; pair < IAD_NHSUM_BLOCK / 8; pair++) {
                uint32_t word[2] = {0, 0};
                for (size_t b = 0; b < 8; b++) {
                    size_t at = block * IAD_NHSUM_BLOCK + 8 * pair + b;
                    if (at < sizeof bytes) word[b / 4] |= (uint32_t)bytes[at] << (8 * (b % 4));
                }
                uint32_t even = word[0] + key.words[2 * pair + 4 * pass], odd = word[1] + key.words[2 * pair + 1 + 4 * pass];
                want += (uint64_t)even * odd;
            }
            for (size_t b = 0; b < 8; b++) got |= (uint64_t)sums[block * IAD_NHSUM_BYTES + 8 * pass + b] << (8 * b);
            assert_true(want == got);
        }
}

static void fast_is_plain(void **state) {
    (void)state;
    iad_nhsum_key key;
    uint8_t bytes[MOST + 1], fast[6 * IAD_NHSUM_BYTES], plain[6 * IAD_NHSUM_BYTES];
    iad_nhsum_key_init(&key);
    fill(bytes, sizeof bytes, 2);
    for (size_t n = 0; n <= MOST; n += n < 20 || (n > 1000 && n < 1060) ? 1 : 37)
        for (size_t shift = 0; shift < 2; shift++) { /* unaligned too */
            memset(fast, 0, sizeof fast);
            memset(plain, 0, sizeof plain);
            iad_nhsum(&key, bytes + shift, n, fast);
            iad_nhsum_scalar(&key, bytes + shift, n, plain);
            assert_memory_equal(fast, plain, sizeof fast);
        }
}

/* Every single-bit change of a block changes every sum of it: a product of which one factor changes by a power of two changes
 * unless the other factor is a multiple of 2^32 / that power. */
static void one_bit(void **state) {
    (void)state;
    iad_nhsum_key key;
    uint8_t bytes[IAD_NHSUM_BLOCK], before[IAD_NHSUM_BYTES], after[IAD_NHSUM_BYTES];
    iad_nhsum_key_init(&key);
    fill(bytes, sizeof bytes, 3);
    iad_nhsum(&key, bytes, sizeof bytes, before);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        iad_nhsum(&key, bytes, sizeof bytes, after);
        assert_memory_not_equal(before, after, IAD_NHSUM_BYTES);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

/* Whole digests; the numbers come from a program in another language that reads only the key from here. */
static void digests(void **state) {
    (void)state;
    static const struct {
        int width, height, channels;
        const char *hex;
    } cases[] = {{37, 61, 1, "a56913ffc737a6416efec1353068d860055102bf7323854ccfaaa61a86d1c4a3"},
                 {100, 70, 3, "2e079230036140b87706c6620dc61b75c34fb33036ddb6fa648c5282b882f17a"}};
    for (size_t k = 0; k < 2; k++) {
        iad_err err = IAD_ERR_NONE;
        iad_image image;
        uint8_t digest[32];
        char hex[65];
        assert_ok(iad_image_init(&image, cases[k].width, cases[k].height, cases[k].channels, &err));
        for (int i = 0; i < cases[k].width * cases[k].height * cases[k].channels; i++) image.px[i] = (uint8_t)(i * 7 + i / 13);
        assert_ok(iad_pixel_sha256(&image, digest, &err));
        iad_hex(digest, 32, hex);
        assert_string_equal(cases[k].hex, hex);
        iad_image_deinit(&image);
    }
}

/* A grey picture, its RGB copy, and that copy with one coloured pixel at the very end; sizes around the block. */
static void colourless(void **state) {
    (void)state;
    for (int width = 1; width < 40000; width = width * 3 + 5) {
        iad_err err = IAD_ERR_NONE;
        iad_image grey, rgb;
        uint8_t a[32], b[32], c[32];
        assert_ok(iad_image_init(&grey, width, 1, 1, &err));
        fill(grey.px, (size_t)width, (uint64_t)width);
        assert_ok(iad_image_to_rgb(&grey, &rgb, &err));
        assert_ok(iad_pixel_sha256(&grey, a, &err));
        assert_ok(iad_pixel_sha256(&rgb, b, &err));
        rgb.px[3 * (size_t)width - 1] ^= 1;
        assert_ok(iad_pixel_sha256(&rgb, c, &err));
        assert_memory_equal(a, b, 32);
        assert_memory_not_equal(a, c, 32);
        iad_image_deinit(&grey);
        iad_image_deinit(&rgb);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(formula), cmocka_unit_test(fast_is_plain), cmocka_unit_test(one_bit),
                                       cmocka_unit_test(digests), cmocka_unit_test(colourless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
