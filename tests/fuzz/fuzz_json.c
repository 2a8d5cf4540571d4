/* JSON text: parse, write canonically, parse again: the second text must equal the first. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *root = NULL, *again = NULL;
    iad_err err = IAD_ERR_NONE;
    if (iad_json_parse((const char *)data, size, 64, "fuzz", &root, &err) != IAD_OK) return 0;
    iad_buf one, two;
    iad_buf_init(&one, 1u << 24);
    iad_buf_init(&two, 1u << 24);
    if (iad_json_canonical(root, &one, &err) == IAD_OK) {
        if (iad_json_parse(one.data, one.len, 64, "again", &again, &err) != IAD_OK) abort();
        if (iad_json_canonical(again, &two, &err) != IAD_OK || one.len != two.len || memcmp(one.data, two.data, one.len)) abort();
    }
    const char *text;
    int64_t number;
    iad_json_string(root, "a", "fuzz", &text, &err);
    iad_json_int(root, "b", 0, 10, "fuzz", &number, &err);
    iad_buf_deinit(&one);
    iad_buf_deinit(&two);
    json_decref(again);
    json_decref(root);
    return 0;
}
