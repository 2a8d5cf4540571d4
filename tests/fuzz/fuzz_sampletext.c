/* Anomaly spans, NUL, normal spans, NUL, question, NUL, answer: what the trainer makes of a record's columns. Whatever is accepted keeps its
 * promises: one row
 * per picture, targets that are the next token, marked words behind nothing but inside the prompt, weights that add up. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/token/bpe_train.h"
#include "train/data/sampletext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(iad_status status) {
    if (status != IAD_OK) abort();
}

static const iad_tokenizer *tokenizer(void) {
    static iad_tokenizer *tok;
    if (tok) return tok;
    char dir[] = "/tmp/iad-fuzz-XXXXXX", path[IAD_PATH_MAX];
    static const char *const files[] = {"tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json"},
        text[] = "a defect or abnormal region: normal, abnormal\n";
    iad_bpe_train *train;
    if (!mkdtemp(dir)) abort();
    must(iad_bpe_train_new(&train, NULL));
    for (int i = 0; i < 3; i++) must(iad_bpe_train_add(train, text, strlen(text), NULL));
    must(iad_bpe_train_run(train, &(iad_bpe_options){.vocab_size = 300}, NULL));
    must(iad_bpe_train_write(train, dir, NULL));
    iad_bpe_train_free(train);
    must(iad_tokenizer_load(dir, &tok, NULL));
    for (int i = 0; i < 4; i++) {
        must(iad_path_join(path, sizeof path, dir, files[i], NULL));
        remove(path);
    }
    remove(dir);
    return tok;
}

static size_t marks(const char *text) {
    size_t n = 0;
    for (; (text = strstr(text, "<image>")) != NULL; text += 7) n++;
    return n;
}

static void check_words(iad_map_words *words, const iad_token_writer *w, size_t n_prompt) {
    double sum[2] = {0, 0};
    iad_map_words_weigh(words, 4);
    for (int i = 0; i < words->n; i++) {
        if (words->position[i] >= n_prompt || words->position[i] >= w->ids.n) abort();
        sum[words->row_class[i]] += words->weight[i];
    }
    for (int c = 0; c < 2; c++)
        if (words->n_place[c] > 0 && fabs(sum[c] - 0.25) > 1e-4) abort();
}

static void try_record(const char *anomaly, const char *normal, const char *question, const char *answer) {
    static const iad_paper_config paper = {.n_anomaly_words = 2, .n_normal_words = 1, .anomaly_words = {"defect", "abnormal"},
                                           .normal_words = {"normal"}, .n_map_layers = 4};
    iad_word_spans spans = {0};
    iad_map_words words = {0};
    iad_token_scratch *scratch;
    iad_token_writer w;
    must(iad_token_scratch_new(&scratch, NULL));
    must(iad_token_writer_init(&w, tokenizer(), scratch, 5, NULL));
    iad_status status = iad_word_spans_parse(anomaly, 0, question, &spans, NULL);
    if (status == IAD_OK) status = iad_word_spans_parse(normal, 1, question, &spans, NULL);
    if (status == IAD_OK) status = iad_token_writer_question(&w, question, &spans, &paper, &words, NULL);
    size_t n_prompt = w.ids.n;
    if (status == IAD_OK) {
        if (w.n_image != marks(question)) abort();
        for (size_t i = 0; i < n_prompt; i++)
            if (w.target[i] != -1) abort();
        for (size_t i = 0; i < w.n_image; i++)
            if (w.ids.ids[w.image_at[i]] != w.chat.image_pad) abort();
        check_words(&words, &w, n_prompt);
        status = iad_token_writer_answer(&w, answer, NULL);
    }
    if (status == IAD_OK) {
        if (marks(answer) > 0 || w.target[n_prompt - 1] != w.ids.ids[n_prompt]) abort();
        size_t n = 0;
        for (size_t i = 0; i < w.ids.n; i++) {
            if (w.target[i] < 0) continue;
            if (i + 1 >= w.ids.n || w.target[i] != w.ids.ids[i + 1]) abort();
            n++;
        }
        if (w.ids.n < n_prompt + n) abort();
        must(iad_token_writer_question(&w, "And?", NULL, NULL, NULL, NULL)); /* a later turn */
    }
    iad_map_words_deinit(&words);
    iad_word_spans_deinit(&spans);
    iad_token_writer_deinit(&w);
    iad_token_scratch_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = iad_alloc(size + 4, 1);
    if (!copy) return 0;
    if (size) memcpy(copy, data, size);
    memset(copy + size, 0, 4);
    const char *part[4];
    part[0] = copy;
    for (int i = 1; i < 4; i++) {
        const char *end = part[i - 1] + strlen(part[i - 1]);
        part[i] = end < copy + size + 3 ? end + 1 : end;
    }
    try_record(part[0], part[1], part[2], part[3]);
    free(copy);
    return 0;
}
