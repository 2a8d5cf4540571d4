#include <stddef.h>
#include <stdint.h>

#include "manifests/leaderboard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    iad_leaderboard board;
    if (iad_leaderboard_parse(&board, (const char *)data, size, "fuzz", &err) == IAD_OK) {
        (void)iad_leaderboard_find(&board, "A", NULL, "D", "mean", 1, "m");
        iad_leaderboard_deinit(&board);
    }
    return 0;
}
