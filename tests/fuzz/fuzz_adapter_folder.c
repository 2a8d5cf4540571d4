#include "manifests/ingest/folder_scan.h"
#include "tests/fuzz/adapter_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return af_run(iad_folder_scan_tree, data, size);
}
