/* The body of an error: always a class, always valid text. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/client/lvlmerror.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {0, 200, 400, 401, 403, 404, 408, 413, 418, 429, 500, 503};
    char code[96], message[400];
    iad_lvlm_error_body((const char *)data, size, code, message);
    if (iad_utf8_valid(code, strlen(code)) != strlen(code) || iad_utf8_valid(message, strlen(message)) != strlen(message)) abort();
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        iad_lvlm_verdict v = iad_lvlm_classify(statuses[i], code, message);
        if ((int)v.class < 0 || v.class >= IAD_LVLM_N_CLASSES) abort();
        if ((v.class == IAD_LVLM_OK) != (v.action == IAD_LVLM_TAKE)) abort();
    }
    return 0;
}
