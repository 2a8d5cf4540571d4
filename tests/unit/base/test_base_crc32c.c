/* CRC-32C against the values of RFC 3720 B.4 and, on every length and cut, the instruction against the portable code. */
#include "tests/unit/iad_test.h"

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/rng.h"

static void known_values(void **state) {
    (void)state;
    uint8_t bytes[32];
    uint32_t (*const versions[])(uint32_t, const void *, size_t) = {iad_crc32c, iad_crc32c_plain};
    for (int v = 0; v < 2; v++) {
        assert_int_equal(0, versions[v](0, "", 0));
        assert_int_equal(0xE3069283u, versions[v](0, "123456789", 9));
        memset(bytes, 0, sizeof bytes);
        assert_int_equal(0x8A9136AAu, versions[v](0, bytes, 32));
        memset(bytes, 0xff, sizeof bytes);
        assert_int_equal(0x62A8AB43u, versions[v](0, bytes, 32));
        for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
        assert_int_equal(0x46DD794Eu, versions[v](0, bytes, 32));
        for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(31 - i);
        assert_int_equal(0x113FDB5Cu, versions[v](0, bytes, 32));
    }
}

static void lengths_and_cuts(void **state) {
    (void)state;
    enum { N = 20000 };
    iad_rng rng;
    uint8_t *bytes = iad_alloc(N + 8, 1);
    assert_non_null(bytes);
    iad_rng_init(&rng, 5, 0);
    for (int i = 0; i < N + 8; i++) bytes[i] = (uint8_t)iad_rng_u32(&rng);
    for (size_t n = 0; n < 70; n++)
        for (size_t at = 0; at < 8; at++) assert_int_equal(iad_crc32c_plain(0, bytes + at, n), iad_crc32c(0, bytes + at, n));
    uint32_t whole = iad_crc32c(0, bytes, N);
    assert_int_equal(whole, iad_crc32c_plain(0, bytes, N)); /* the long way, by slices */
    for (size_t cut = 1; cut < N; cut += 997) {
        assert_int_equal(whole, iad_crc32c(iad_crc32c(0, bytes, cut), bytes + cut, N - cut));
        assert_int_equal(whole, iad_crc32c_plain(iad_crc32c_plain(0, bytes, cut), bytes + cut, N - cut));
    }
    bytes[N / 2] ^= 4;
    assert_int_not_equal(whole, iad_crc32c(0, bytes, N));
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values), cmocka_unit_test(lengths_and_cuts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
