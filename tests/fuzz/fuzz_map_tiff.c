/* Hostile TIFF maps. */
#include "bench/metrics/mapreader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_plane plane;
    if (iad_mapreader_tiff(data, size, "fuzz", &plane, NULL) == IAD_OK) iad_plane_deinit(&plane);
    else if (plane.px) __builtin_trap();
    return 0;
}
