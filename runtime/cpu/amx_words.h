/* The words of AMX that the kernels over tiles share. Included only where IAD_AMX. */
#ifndef IAD_CPU_AMX_WORDS_H
#define IAD_CPU_AMX_WORDS_H

#include <stdint.h>

/* The assembler's words instead of intrinsics: those of gcc 12 do not say which memory they read. */
#define TILE_LOAD(tile, at, stride) __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(at), "r"(stride) : "memory")
#define TILE_STORE(tile, at, stride) __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(at), "r"(stride) : "memory")
#define TILE_ZERO(tile) __asm__ volatile("tilezero %tmm" #tile)
#define TILE_DOT(sum, x, w) __asm__ volatile("tdpbf16ps %tmm" #w ", %tmm" #x ", %tmm" #sum)
#define TILE_RELEASE __asm__ volatile("tilerelease") /* or every switch of threads would save the tiles */
#define ALWAYS static inline __attribute__((always_inline))

/* What LDTILECFG reads. */
typedef struct iad_amx_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t line_bytes[16];
    uint8_t lines[16];
} iad_amx_config;

/* Eight tile registers of 16 lines of 64 bytes, for blocks of n rows, 1..32: 0 and 1 are sums of the first 16 rows, 2 and 3 of the others; 4 and,
 * above 16 rows, 5 hold rows of x; the rest, weights. */
static inline void iad_amx_configure(int n) {
    int upper = n > 16 ? 16 : n, lower = n > 16 ? n - 16 : n;
    iad_amx_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.line_bytes[i] = 64;
        config.lines[i] = 16;
    }
    config.lines[0] = config.lines[1] = config.lines[4] = (uint8_t)upper;
    config.lines[2] = config.lines[3] = (uint8_t)lower;
    if (n > 16) config.lines[5] = (uint8_t)lower;
    __asm__ volatile("ldtilecfg %0" : : "m"(config));
}

#endif
