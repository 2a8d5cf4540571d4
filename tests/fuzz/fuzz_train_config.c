/* Training configs: whatever is read must be written back to the same text for ever. */
#include <stdlib.h>
#include <string.h>

#include "train/run/trainconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err = IAD_ERR_NONE;
    iad_train_config config, again;
    iad_buf a, b;
    if (iad_train_config_parse((const char *)data, size, "fuzz", &config, &err) != IAD_OK) return 0;
    iad_buf_init(&a, 1u << 20);
    iad_buf_init(&b, 1u << 20);
    if (iad_train_config_format(&config, &a, &err) != IAD_OK) abort();
    if (iad_train_config_parse(iad_buf_str(&a), a.len, "again", &again, &err) != IAD_OK) abort();
    if (iad_train_config_format(&again, &b, &err) != IAD_OK || strcmp(iad_buf_str(&a), iad_buf_str(&b)) != 0) abort();
    iad_buf_deinit(&a);
    iad_buf_deinit(&b);
    return 0;
}
