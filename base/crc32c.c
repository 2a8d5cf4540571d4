#include "base/crc32c.h"

#include <string.h>

#define POLYNOMIAL 0x82F63B78u /* reflected */
#define SLICES 8u
#define SHORT 8192u /* bytes below which making the tables costs more than it saves */

/* One byte into the register, bit by bit. */
static uint32_t push_byte(uint32_t state, uint8_t byte) {
    state ^= byte;
    for (int bit = 0; bit < 8; bit++) state = state >> 1 ^ (POLYNOMIAL & (0u - (state & 1u)));
    return state;
}

/* table[k][b]: what byte b does to the register when k more bytes follow it. Made on the stack of each call: 2048 entries are quickly
 * filled beside the megabytes that need them, and nothing is shared. */
static void fill_tables(uint32_t table[SLICES][256]) {
    for (uint32_t b = 0; b < 256; b++) table[0][b] = push_byte(0, (uint8_t)b);
    for (uint32_t b = 0; b < 256; b++)
        for (uint32_t k = 1; k < SLICES; k++) table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
}

static uint32_t push_slices(uint32_t state, const uint8_t *p, size_t n) {
    uint32_t table[SLICES][256];
    fill_tables(table);
    for (; n >= SLICES; p += SLICES, n -= SLICES) {
        uint32_t low = state ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        state = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^ table[3][p[4]] ^
                table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    for (; n; n--) state = table[0][(state ^ *p++) & 255] ^ state >> 8;
    return state;
}

uint32_t iad_crc32c_plain(uint32_t crc, const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    uint32_t state = ~crc;
    if (n >= SHORT) return ~push_slices(state, p, n);
    for (; n; n--) state = push_byte(state, *p++);
    return ~state;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const uint8_t *p, size_t n) {
    uint64_t state = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        state = _mm_crc32_u64(state, word);
    }
    for (; n; n--) state = _mm_crc32_u8((uint32_t)state, *p++);
    return ~(uint32_t)state;
}

uint32_t iad_crc32c(uint32_t crc, const void *bytes, size_t n) {
    return __builtin_cpu_supports("sse4.2") ? crc_sse42(crc, bytes, n) : iad_crc32c_plain(crc, bytes, n);
}
#else
uint32_t iad_crc32c(uint32_t crc, const void *bytes, size_t n) { return iad_crc32c_plain(crc, bytes, n); }
#endif
