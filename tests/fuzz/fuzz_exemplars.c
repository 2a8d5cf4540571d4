/* The head of an exemplar file: whatever the bytes say, the parser answers, and what it accepts fills the file exactly. */
#include "runtime/engine/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err = IAD_ERR_NONE;
    iad_snapshot snapshot;
    if (iad_snapshot_parse(data, size, "fuzz", &snapshot, &err) != IAD_OK) return 0;
    if (snapshot.data > size || snapshot.line.n_row < 0) __builtin_trap();
    iad_snapshot_deinit(&snapshot);
    return 0;
}
