#include "manifests/ingest/loco_config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err = IAD_ERR_NONE;
    json_t *values = NULL;
    if (iad_loco_config_parse((const char *)data, size, "config", &values, &err) == IAD_OK) json_decref(values);
    return 0;
}
