/* The words whose attention to the query's picture makes the maps: which rows they are, and how much each counts. Inference looks for the model's
 * own words in the question; training may name places in it. Both end here, so that a map is the same thing in both. */
#ifndef IAD_ENGINE_MAPWORDS_H
#define IAD_ENGINE_MAPWORDS_H

#include "runtime/model/config.h"
#include "runtime/token/chat.h"

/* Zero-initialise. Arrays of n entries, owned. */
typedef struct iad_map_words {
    size_t *position;  /* compact */
    int *row_class;    /* 0 anomaly, 1 normal */
    float *weight;     /* after iad_map_words_weigh: those of a class add up to 1 / (map layers) */
    int n;
    int n_place[2];    /* words of each class; each counts the same, whatever its number of tokens */
    size_t cap[3];
} iad_map_words;
void iad_map_words_deinit(iad_map_words *words);

/* The word at bytes begin .. end - 1 of text item `item` of message `message`. Errors: those of iad_chat_span. */
iad_status iad_map_words_add(iad_map_words *words, const iad_chat_tokens *tokens, size_t message, size_t item, size_t begin, size_t end,
                             int row_class, iad_err *err);
/* All places of the config's words in that text (`text` is what was rendered there), as whole words; anomaly words first, each class in its order. */
iad_status iad_map_words_find(iad_map_words *words, const iad_paper_config *paper, const iad_chat_tokens *tokens, size_t message, size_t item,
                              const char *text, iad_err *err);
/* Once, when all are there. */
void iad_map_words_weigh(iad_map_words *words, int n_map_layers);

#endif
