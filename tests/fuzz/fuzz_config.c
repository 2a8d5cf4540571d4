/* Hostile config.json, generation_config.json and preprocessor_config.json (parts divided by a zero byte). What is accepted must
 * survive writing and reading, and the table of its tensors must add up. */
#include <string.h>

#include "runtime/model/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *part[3] = {NULL, NULL, NULL};
    size_t n[3] = {0, 0, 0}, at = 0;
    for (int i = 0; i < 3 && at <= size; i++) {
        const uint8_t *end = i < 2 && at < size ? memchr(data + at, 0, size - at) : NULL;
        n[i] = end ? (size_t)(end - data) - at : size - at;
        if (n[i]) part[i] = (const char *)data + at;
        at += n[i] + 1;
    }
    static iad_model_config config, again;
    if (iad_model_config_parse(part[0], n[0], part[1], n[1], part[2], n[2], "fuzz", &config, NULL) != IAD_OK) return 0;
    uint64_t tensors, parameters;
    iad_model_count(&config, 1, &tensors, &parameters, NULL);
    if (!tensors || parameters > (uint64_t)INT64_MAX / 8) __builtin_trap();
    iad_buf text[3];
    for (int i = 0; i < 3; i++) iad_buf_init(&text[i], 1u << 24);
    for (int layout = 0; layout < 2; layout++) {
        for (int i = 0; i < 3; i++) iad_buf_reset(&text[i]);
        if (iad_model_config_format(&config, (iad_config_layout)layout, "float32", &text[0], &text[1], &text[2], NULL) != IAD_OK) __builtin_trap();
        if (iad_model_config_parse(text[0].data, text[0].len, text[1].data, text[1].len, text[2].data, text[2].len, "again", &again, NULL) != IAD_OK)
            __builtin_trap();
        if (again.text.hidden != config.text.hidden || again.vision.n_fullatt != config.vision.n_fullatt ||
            again.paper.n_taps != config.paper.n_taps ||
            again.text.rms_eps != config.text.rms_eps || again.ids.n_eos != config.ids.n_eos)
            __builtin_trap();
    }
    for (int i = 0; i < 3; i++) iad_buf_deinit(&text[i]);
    return 0;
}
