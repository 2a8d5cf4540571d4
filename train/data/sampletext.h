/* A dialogue written token by token as inference renders it, with what is to be predicted (samplemake.h). */
#ifndef IAD_TRAIN_SAMPLETEXT_H
#define IAD_TRAIN_SAMPLETEXT_H

#include "runtime/engine/mapwords.h"

#define IAD_SAMPLE_MAX_SPANS 256 /* marked words of one question */

/* Marked words of a question: bytes place[2 i] .. place[2 i + 1] - 1. Zero-initialise. */
typedef struct iad_word_spans {
    size_t *place; /* [2 n] */
    int *row_class;
    size_t n, cap, cap_class;
} iad_word_spans;
/* Adds the spans of a column, [[begin, end, "word"], ...]; NULL and "": none. Errors: IAD_ERR_FORMAT (not inside the text), IAD_ERR_LIMIT. */
iad_status iad_word_spans_parse(const char *json, int row_class, const char *text, iad_word_spans *spans, iad_err *err);
void iad_word_spans_deinit(iad_word_spans *spans);

typedef struct iad_token_writer {
    const iad_tokenizer *tokenizer;
    iad_token_scratch *scratch;
    iad_chat_ids chat;
    iad_token_list ids;  /* compact */
    int32_t *target;     /* [cap_target], ids.n of them in use */
    size_t cap_target;
    size_t *image_at;    /* [max_image] compact positions of the pictures so far */
    size_t n_image, max_image;
} iad_token_writer;
iad_status iad_token_writer_init(iad_token_writer *writer, const iad_tokenizer *tokenizer, iad_token_scratch *scratch, size_t max_image,
                                 iad_err *err);
void iad_token_writer_deinit(iad_token_writer *writer); /* safe on an all-zero struct */

/* A user's message with pictures where the text has "<image>", up to the beginning of the answer; the first one behind the default system message.
 * words (NULL: not wanted) gets the rows of the marked words, or, when the text behind the pictures is a canonical question, those that inference
 * would look at; not yet weighed. Errors: IAD_ERR_FORMAT (more marks than pictures; a span across a mark). */
iad_status iad_token_writer_question(iad_token_writer *writer, const char *text, const iad_word_spans *spans, const iad_paper_config *paper,
                                     iad_map_words *words, iad_err *err);
/* The answer with its end; its tokens and <|im_end|> are targets. IAD_ERR_FORMAT: it has an "<image>". */
iad_status iad_token_writer_answer(iad_token_writer *writer, const char *text, iad_err *err);

#endif
