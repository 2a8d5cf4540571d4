/* tokenizer.json, a NUL byte, a text: load, encode in both ways, decode; offsets stay in the text. Bytes without a NUL are taken as
 * text for a tokenizer trained at the start. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/token/bpe_train.h"
#include "runtime/token/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(iad_status status) {
    if (status != IAD_OK) abort();
}

static iad_tokenizer *trained(void) {
    static iad_tokenizer *tok;
    if (tok) return tok;
    char dir[] = "/tmp/iad-fuzz-XXXXXX", path[IAD_PATH_MAX];
    iad_bpe_train *train;
    const char *text = "the defect in the normal image is not normal: e\xCC\x81 e\xCC\x81 12 12  \n  \n";
    iad_bpe_options options = {.vocab_size = 300};
    if (!mkdtemp(dir)) abort();
    must(iad_bpe_train_new(&train, NULL));
    must(iad_bpe_train_add(train, text, strlen(text), NULL));
    must(iad_bpe_train_add(train, text, strlen(text), NULL));
    must(iad_bpe_train_run(train, &options, NULL));
    must(iad_bpe_train_write(train, dir, NULL));
    iad_bpe_train_free(train);
    must(iad_tokenizer_load(dir, &tok, NULL));
    static const char *const files[] = {"tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json"};
    for (int i = 0; i < 4; i++) {
        must(iad_path_join(path, sizeof path, dir, files[i], NULL));
        remove(path);
    }
    remove(dir);
    return tok;
}

static void try_text(const iad_tokenizer *tok, const char *text, size_t n) {
    iad_token_scratch *scratch;
    iad_token_list one = {0}, two = {0};
    iad_err err = IAD_ERR_NONE;
    iad_buf out, again;
    iad_buf_init(&out, 1u << 26);
    iad_buf_init(&again, 1u << 26);
    must(iad_token_scratch_new(&scratch, NULL));
    for (int flags = 0; flags < 2; flags++) {
        one.n = two.n = 0;
        if (iad_tokenizer_encode(tok, scratch, text, n, flags | IAD_TOKEN_OFFSETS, &one, &err) != IAD_OK) break;
        must(iad_tokenizer_encode(tok, scratch, text, n, flags, &two, &err)); /* the second from the word cache */
        if (one.n != two.n || (one.n && memcmp(one.ids, two.ids, one.n * sizeof *one.ids))) abort();
        for (size_t i = 0; i < one.n; i++)
            if (one.ids[i] < 0 || one.ids[i] >= iad_tokenizer_size(tok) || one.begin[i] > one.end[i] || one.end[i] > n) abort();
        iad_buf_reset(&out);
        must(iad_tokenizer_decode(tok, one.ids, one.n, 0, &out, &err));
    }
    iad_token_list_deinit(&one);
    iad_token_list_deinit(&two);
    iad_buf_deinit(&out);
    iad_buf_deinit(&again);
    iad_token_scratch_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    iad_err err = IAD_ERR_NONE;
    if (!end) {
        try_text(trained(), (const char *)data, size);
        return 0;
    }
    iad_tokenizer *tok;
    if (iad_tokenizer_load_bytes((const char *)data, (size_t)(end - data), "fuzz", &tok, &err) != IAD_OK) return 0;
    try_text(tok, (const char *)end + 1, size - (size_t)(end - data) - 1);
    iad_tokenizer_free(tok);
    return 0;
}
