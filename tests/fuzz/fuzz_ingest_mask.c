/* A mask file of any kind: decoded, fitted, classified, made into a row. */
#include <stdlib.h>

#include "manifests/ingest/ingest_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err = IAD_ERR_NONE;
    iad_mask_file file;
    if (iad_mask_decode(data, size, "mask", &file, &err) != IAD_OK) return 0;
    int resized;
    iad_mask_values values;
    iad_mask_row row;
    if ((int64_t)file.values.width * file.values.height < 4000000 && iad_mask_fit(&file.values, 40, 30, &resized, &err) == IAD_OK) {
        iad_mask_classify(&file.values, "{\"1\":\"one\",\"255\":\"all\"}", &values);
        if (iad_mask_make_row(&file.values, "{\"1\":\"one\",\"255\":\"all\"}", &values, IAD_MASK_EXACT, &row, &err) == IAD_OK) {
            if (row.width != 40 || row.height != 30 || row.area > 1200 || (row.area == 0) != (values.kind == IAD_MASK_EMPTY)) abort();
            iad_mask_row_deinit(&row);
        }
    }
    iad_mask_file_deinit(&file);
    return 0;
}
