/* Hostile safetensors files: what is accepted can be read to its last byte and found by name. */
#include "runtime/tensor/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_st_file *file;
    if (iad_st_parse(data, size, "fuzz", &file, NULL) != IAD_OK) return 0;
    size_t total = 0;
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < iad_st_count(file); i++) {
        const iad_tensor_view *view = iad_st_at(file, i);
        const uint8_t *bytes = view->data;
        for (size_t k = 0; k < view->bytes; k++) sum = (uint8_t)(sum + bytes[k]);
        total += view->bytes;
        if (iad_st_find(file, view->name) != view || iad_tensor_count(view) * iad_dtype_size(view->dtype) != view->bytes) __builtin_trap();
    }
    if (total > size) __builtin_trap();
    iad_st_close(file);
    return 0;
}
