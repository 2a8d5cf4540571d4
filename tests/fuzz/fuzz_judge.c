/* Bytes that came in answer to the request for a picture: kind, EXIF texts, outcome. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crawl/judge/judge.h"
#include "crawl/judge/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    iad_judgement judgement;
    iad_exif_text text;
    const char *name = NULL;
    iad_judge_options options = IAD_JUDGE_OPTIONS;
    options.min_bytes = 1;
    options.max_pixels = 1 << 16; /* the decoders have targets of their own */
    if (iad_body_sniff(data, size, &name) == IAD_BODY_EMPTY && size) abort();
    if (!name) abort();
    iad_exif_text_read(data, size, &text);
    if (iad_judge_picture(data, size, &options, &judgement, &err) == IAD_OK) {
        if (judgement.outcome == IAD_OUT_OK && !judgement.has_pixels) abort();
        iad_judgement_deinit(&judgement);
    }
    return 0;
}
