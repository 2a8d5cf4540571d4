#include "tests/fuzz/adapter_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    af_run(iad_anomaly_instruct_mvtec_scan_tree, data, size);
    return af_run(iad_anomaly_instruct_scan_tree, data, size);
}
