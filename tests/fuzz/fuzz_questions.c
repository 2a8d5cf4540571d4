/* Question files: the first byte decides whether the rest is read as visa_dr.json, test_data.json or mmad.json. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "bench/reasoning/askmmad.h"
#include "bench/reasoning/askvisadr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err = IAD_ERR_NONE;
    iad_asks asks = {0};
    char key[65];
    if (size == 0) return 0;
    const char *text = (const char *)data + 1;
    const iad_visa_dr_options visa = {.root = "nowhere", .low = 1, .published = data[0] & 4};
    const iad_mmad_options mmad = {.root = "nowhere", .shots = 2, .similar = data[0] & 4};
    iad_status status;
    if (data[0] % 4 == 0) status = iad_asks_visa_dr(&asks, text, size - 1, "fuzz", &visa, &err);
    else if (data[0] % 4 == 1) status = iad_asks_visa_dr_detection(&asks, text, size - 1, "fuzz", &visa, &err);
    else status = iad_asks_mmad(&asks, text, size - 1, "fuzz", &mmad, &err);
    if (status != IAD_OK && !err.msg[0]) abort();
    for (size_t i = 0; i < asks.n; i++) {
        const iad_ask *a = &asks.items[i];
        if (!a->id || !a->text || !a->kind || !a->category || !a->image || a->path || a->previous >= (int64_t)i) abort();
        if (a->n_options && (!a->reference || a->reference[0] < 'A' || (size_t)(a->reference[0] - 'A') >= a->n_options)) abort();
    }
    if (asks.n && iad_asks_key(&asks, key, &err) != IAD_OK) abort();
    iad_asks_deinit(&asks);
    return 0;
}
