#include "bench/metrics/checksum64.h"

#include <string.h>

static uint64_t word_at(const uint8_t *p) {
    uint64_t w = 0;
    for (int i = 0; i < 8; i++) w |= (uint64_t)p[i] << (8 * i);
    return w;
}

static uint64_t mix(uint64_t h, uint64_t w) {
    h = (h ^ w) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

/* Four independent lanes of multiply and shift over 8-byte words, folded with the length. */
uint64_t iad_checksum64(const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    uint64_t lane[4] = {0x243f6a8885a308d3u, 0x13198a2e03707344u, 0xa4093822299f31d0u, 0x082efa98ec4e6c89u};
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        for (size_t l = 0; l < 4; l++) lane[l] = mix(lane[l], word_at(p + i + 8 * l));
    uint8_t rest[32] = {0};
    if (i < n) memcpy(rest, p + i, n - i);
    uint64_t h = mix(0x452821e638d01377u, n);
    for (size_t l = 0; l < 4; l++) h = mix(h, mix(lane[l], word_at(rest + 8 * l)));
    return mix(h, h >> 32);
}
