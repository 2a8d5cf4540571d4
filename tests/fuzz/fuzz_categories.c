#include <stddef.h>
#include <stdint.h>

#include "manifests/categories.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    iad_products products;
    if (iad_products_parse(&products, (const char *)data, size, "fuzz", &err) == IAD_OK) {
        (void)iad_products_find(&products, "hex_bolt");
        iad_products_deinit(&products);
    }
    return 0;
}
