/* Hostile modules.json, 1_Pooling/config.json, sentence_bert_config.json and config.json, divided by zero bytes. What is accepted keeps to the
 * bounds that the encoder relies on. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/words/sbertconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { PARTS = 4 };
    static iad_sbert_config config;
    iad_encoder_config encoder;
    for (int i = 0; i < PARTS; i++) {
        const uint8_t *end = i + 1 < PARTS && size ? memchr(data, 0, size) : NULL;
        size_t n = end ? (size_t)(end - data) : size;
        const char *text = n ? (const char *)data : "";
        memset(&config, 0, sizeof config);
        if (i == 0 && iad_sbert_modules_parse(text, n, "fuzz", &config, NULL) == IAD_OK)
            if ((*config.encoder && !iad_path_safe(config.encoder)) || (*config.pooling_dir && !iad_path_safe(config.pooling_dir))) abort();
        if (i == 1 && iad_sbert_pooling_parse(text, n, 384, "fuzz", &config, NULL) == IAD_OK && config.pooling >= IAD_POOL_KINDS) abort();
        if (i == 2 && iad_sbert_limits_parse(text, n, "fuzz", &config, NULL) == IAD_OK && config.max_pieces < 0) abort();
        if (i == 3 && iad_encoder_config_parse(text, n, "fuzz", &encoder, NULL) == IAD_OK)
            if (encoder.dim < 1 || encoder.dim > 8192 || encoder.n_head < 1 || encoder.dim % encoder.n_head || encoder.dim / encoder.n_head > 256 ||
                iad_encoder_max_tokens(&encoder) < 3 || encoder.vocab < 1 || encoder.n_layer < 1)
                abort();
        size_t used = n < size ? n + 1 : size;
        data += used;
        size -= used;
    }
    return 0;
}
