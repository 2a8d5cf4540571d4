#include "runtime/engine/mapwords.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void iad_map_words_deinit(iad_map_words *words) {
    free(words->position);
    free(words->row_class);
    free(words->weight);
    *words = (iad_map_words){0};
}

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* The next place of `word` as a whole word, or NULL. */
static const char *find_word(const char *text, const char *from, const char *word) {
    size_t n = strlen(word);
    for (const char *at = strstr(from, word); at != NULL; at = strstr(at + 1, word))
        if ((at == text || !is_letter(at[-1])) && !is_letter(at[n])) return at;
    return NULL;
}

static iad_status add_row(iad_map_words *words, size_t position, int row_class, float weight, iad_err *err) {
    void *arrays[3] = {words->position, words->row_class, words->weight};
    const size_t sizes[3] = {sizeof(size_t), sizeof(int), sizeof(float)};
    iad_status status = IAD_OK;
    for (int i = 0; i < 3 && status == IAD_OK; i++) status = iad_grow(&arrays[i], &words->cap[i], (size_t)words->n + 1, sizes[i], 1 << 16,
                                                                      "the rows of the maps", err);
    words->position = arrays[0];
    words->row_class = arrays[1];
    words->weight = arrays[2];
    if (status != IAD_OK) return status;
    words->position[words->n] = position;
    words->row_class[words->n] = row_class;
    words->weight[words->n++] = weight;
    return IAD_OK;
}

iad_status iad_map_words_add(iad_map_words *words, const iad_chat_tokens *tokens, size_t message, size_t item, size_t begin, size_t end,
                             int row_class, iad_err *err) {
    size_t first, count;
    IAD_TRY(iad_chat_span(tokens, message, item, begin, end, &first, &count, err));
    for (size_t i = 0; i < count; i++) IAD_TRY(add_row(words, first + i, row_class, 1.0f / (float)count, err));
    words->n_place[row_class]++;
    return IAD_OK;
}

iad_status iad_map_words_find(iad_map_words *words, const iad_paper_config *paper, const iad_chat_tokens *tokens, size_t message, size_t item,
                              const char *text, iad_err *err) {
    for (int row_class = 0; row_class < 2; row_class++) {
        int n_word = row_class == 0 ? paper->n_anomaly_words : paper->n_normal_words;
        for (int i = 0; i < n_word; i++) {
            const char *word = row_class == 0 ? paper->anomaly_words[i] : paper->normal_words[i];
            for (const char *at = find_word(text, text, word); at != NULL; at = find_word(text, at + 1, word))
                IAD_TRY(iad_map_words_add(words, tokens, message, item, (size_t)(at - text), (size_t)(at - text) + strlen(word), row_class, err));
        }
    }
    return IAD_OK;
}

void iad_map_words_weigh(iad_map_words *words, int n_map_layers) {
    for (int i = 0; i < words->n; i++) words->weight[i] /= (float)words->n_place[words->row_class[i]] * (float)n_map_layers;
}
