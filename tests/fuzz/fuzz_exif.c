/* The parser of EXIF blocks. */
#include <stdint.h>
#include <stdlib.h>

#include "base/image/exif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int orientation = iad_exif_orientation(data, size);
    if (orientation < 0 || orientation > 8) abort();
    return 0;
}
