#include <stdint.h>
#include <stdlib.h>

#include "manifests/ingest/boxtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err = IAD_ERR_NONE;
    iad_boxtext boxes;
    iad_status status = iad_boxtext_parse(&boxes, (const char *)data, size, "open,short,mousebite", "boxes", &err);
    for (size_t i = 0; i < boxes.n && status == IAD_OK; i++)
        if (!(boxes.items[i].x0 < boxes.items[i].x1) || !(boxes.items[i].y0 < boxes.items[i].y1)) abort();
    iad_boxtext_deinit(&boxes);
    return 0;
}
