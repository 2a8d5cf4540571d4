#include "bench/reasoning/scoresbert.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/jsonwrite.h"
#include "bench/words/words.h"

static int wanted(const iad_scorebook *book, size_t i) {
    const iad_ask *ask = &book->asks->items[i];
    return book->said->items[i].text && ask->reference && (strcmp(ask->kind, "low") == 0 || strcmp(ask->kind, "complex") == 0);
}

/* Answers and references in turn. */
static size_t collect(const iad_scorebook *book, const char **texts) {
    size_t n = 0;
    for (size_t i = 0; i < book->asks->n; i++) {
        if (!wanted(book, i)) continue;
        if (texts) texts[n] = book->said->items[i].text, texts[n + 1] = book->asks->items[i].reference;
        n += 2;
    }
    return n;
}

static iad_status embed(iad_scorebook *book, const iad_words *words, const atomic_int *stop, size_t n, iad_words_tally *tally, iad_err *err) {
    int dim = iad_words_info_get(words)->dim;
    const char **texts = iad_alloc(n, sizeof *texts);
    float *vectors = iad_alloc(n, (size_t)dim * sizeof *vectors);
    iad_status status = texts && vectors ? IAD_OK : IAD_NOMEM(err, "sentence embeddings");
    if (status == IAD_OK) {
        collect(book, texts);
        status = iad_words_embed(words, texts, n, stop, vectors, tally, err);
    }
    const float *v = vectors;
    for (size_t i = 0; i < book->asks->n && status == IAD_OK; i++) {
        if (!wanted(book, i)) continue;
        book->items[i].sbert = iad_words_cosine(v, v + dim, dim);
        v += 2 * dim;
    }
    free(texts);
    free(vectors);
    return status;
}

iad_status iad_score_sbert(iad_scorebook *book, const char *dir, int threads, const atomic_int *stop, json_t *results, iad_err *err) {
    iad_words *words = NULL;
    iad_words_tally tally = {0};
    size_t n = collect(book, NULL);
    IAD_TRY(iad_words_open(dir, threads, &words, err));
    const iad_words_info *info = iad_words_info_get(words);
    iad_status status = n ? embed(book, words, stop, n, &tally, err) : IAD_OK;
    json_t *object = NULL;
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_str(&w, "model", info->name);
    iad_jsonw_int(&w, "dim", info->dim);
    iad_jsonw_int(&w, "max_pieces", info->max_pieces);
    iad_jsonw_int(&w, "texts", (long long)n);
    iad_jsonw_int(&w, "truncated", (long long)tally.truncated);
    iad_words_close(words);
    iad_status made = iad_jsonw_finish(&w, &object, status == IAD_OK ? err : NULL);
    if (made == IAD_OK && json_object_set_new(results, "sbert", object) != 0) made = IAD_NOMEM(err, "the results");
    if (status == IAD_OK && tally.truncated)
        status = iad_scorebook_note(book, err, "SBERT: %llu of %zu texts are longer than the model takes and were cut",
                                    (unsigned long long)tally.truncated, n);
    return status == IAD_OK ? made : status;
}
