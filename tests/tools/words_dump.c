/* words_dump MODEL ids|hidden|vectors < TEXTS: what our encoder makes of texts, for tests/parity/sbert_reference.py. TEXTS are bytes that end in
 * a zero each. ids: a line of numbers per text. hidden: f32 [pieces][dim] of the last layer, text after text. vectors: f32 [dim] per text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/words/textencoder.h"
#include "bench/words/wordpiece.h"
#include "bench/words/words.h"

#define MOST_BYTES (256u << 20)

static void must(iad_status status, const iad_err *err) {
    if (status == IAD_OK) return;
    fprintf(stderr, "words_dump: %s\n", err->msg);
    exit(1);
}

static void dump_pieces(const char *dir, int max_pieces, int hidden, const char *const *texts, size_t n, iad_err *err) {
    iad_sbert_config sbert;
    iad_encoder_config config;
    iad_wordpiece *wordpiece;
    iad_text_encoder *encoder = NULL;
    iad_text_worker *worker = NULL;
    iad_pieces pieces = {0};
    must(iad_sbert_config_load(dir, &sbert, &config, err), err);
    must(iad_wordpiece_load(dir, iad_encoder_kind_name(config.kind), &wordpiece, err), err);
    if (hidden) must(iad_text_encoder_open(dir, &config, max_pieces, IAD_CPU_AUTO, &encoder, err), err);
    if (hidden) must(iad_text_worker_new(encoder, (size_t)max_pieces, &worker, err), err);
    for (size_t i = 0; i < n; i++) {
        int truncated;
        pieces.n = 0;
        must(iad_wordpiece_encode(wordpiece, texts[i], strlen(texts[i]), (size_t)max_pieces, &pieces, &truncated, err), err);
        if (hidden) {
            const float *rows;
            int length = (int)pieces.n;
            must(iad_text_encoder_run(encoder, worker, pieces.ids, &length, 1, &rows, err), err);
            fwrite(rows, sizeof *rows, pieces.n * (size_t)config.dim, stdout);
        } else
            for (size_t k = 0; k < pieces.n; k++) printf("%d%c", (int)pieces.ids[k], k + 1 < pieces.n ? ' ' : '\n');
    }
    iad_pieces_deinit(&pieces);
    iad_text_worker_free(worker);
    iad_text_encoder_free(encoder);
    iad_wordpiece_free(wordpiece);
}

int main(int argc, char **argv) {
    iad_err err = IAD_ERR_NONE;
    char *bytes = iad_alloc(MOST_BYTES, 1);
    const char **texts = NULL;
    iad_words *words;
    if (argc != 3 || !bytes) return fprintf(stderr, "usage: words_dump MODEL ids|hidden|vectors < TEXTS\n"), 2;
    size_t n = fread(bytes, 1, MOST_BYTES - 1, stdin), n_text = 0, cap = 0;
    bytes[n] = 0;
    for (size_t at = 0; at < n; at += strlen(bytes + at) + 1) {
        must(iad_grow((void **)&texts, &cap, n_text + 1, sizeof *texts, SIZE_MAX / 8, "texts", &err), &err);
        texts[n_text++] = bytes + at;
    }
    must(iad_words_open(argv[1], 0, &words, &err), &err);
    const iad_words_info *info = iad_words_info_get(words);
    if (strcmp(argv[2], "vectors")) dump_pieces(argv[1], info->max_pieces, !strcmp(argv[2], "hidden"), texts, n_text, &err);
    else {
        float *vectors = iad_alloc(n_text * (size_t)info->dim, sizeof *vectors);
        if (!vectors) return 1;
        must(iad_words_embed(words, texts, n_text, NULL, vectors, NULL, &err), &err);
        fwrite(vectors, sizeof *vectors, n_text * (size_t)info->dim, stdout);
        free(vectors);
    }
    iad_words_close(words);
    free(texts);
    free(bytes);
    return 0;
}
