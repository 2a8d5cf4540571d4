/* Hostile .npy maps. */
#include "bench/metrics/mapreader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_plane plane;
    if (iad_mapreader_npy(data, size, "fuzz", &plane, NULL) == IAD_OK) {
        iad_buf out;
        iad_buf_init(&out, 64u << 20);
        if (iad_mapreader_encode_npy(&plane, &out, NULL) == IAD_OK) {
            iad_plane again;
            if (iad_mapreader_npy(out.data, out.len, "fuzz", &again, NULL) != IAD_OK) __builtin_trap();
            if (again.width != plane.width || again.height != plane.height) __builtin_trap();
            iad_plane_deinit(&again);
        }
        iad_buf_deinit(&out);
        iad_plane_deinit(&plane);
    }
    if (iad_mapreader_decode(data, size, "fuzz", &plane, NULL) == IAD_OK) iad_plane_deinit(&plane);
    return 0;
}
