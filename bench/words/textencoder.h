/* The encoders BERT (Devlin et al. 2018) and MPNet (Song et al. 2020) over runtime/ops.h on the processor. Internal to bench/words.
 *
 * Texts lie behind each other without padding. One thread works on a bundle of texts from beginning to end with a worker of its own, so
 * that threads never wait for each other; the weights are packed once for all. */
#ifndef IAD_WORDS_TEXTENCODER_H
#define IAD_WORDS_TEXTENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "bench/words/sbertconfig.h"
#include "runtime/device.h"
#include "runtime/tensor/safetensors.h"

typedef struct iad_text_encoder iad_text_encoder; /* immutable */
typedef struct iad_text_worker iad_text_worker;   /* scratch of one thread */

/* Weights of dir (safetensors, one file or shards); names may begin with "bert." or "mpnet.". max_tokens: of one text, at most
 * iad_encoder_max_tokens. Errors: those of iad_st_set_open; FORMAT (a tensor that is missing or of another shape, named), NOMEM. */
iad_status iad_text_encoder_open(const char *dir, const iad_encoder_config *config, int max_tokens, iad_cpu_isa isa, iad_text_encoder **encoder,
                                 iad_err *err);
/* The same from weights that the caller keeps open meanwhile. */
iad_status iad_text_encoder_new(const iad_st_set *weights, const char *where, const iad_encoder_config *config, int max_tokens, iad_cpu_isa isa,
                                iad_text_encoder **encoder, iad_err *err);
void iad_text_encoder_free(iad_text_encoder *encoder); /* NULL is fine */
uint64_t iad_text_encoder_parameters(const iad_text_encoder *encoder);

/* Room for bundles of `tokens` tokens in all. */
iad_status iad_text_worker_new(const iad_text_encoder *encoder, size_t tokens, iad_text_worker **worker, iad_err *err);
void iad_text_worker_free(iad_text_worker *worker); /* NULL is fine */

/* n texts of length[i] tokens (1..max_tokens, their sum within the worker's), ids one behind the other, each below the vocabulary's size.
 * *hidden: the last layer [sum of lengths][dim], valid until the next call. */
iad_status iad_text_encoder_run(const iad_text_encoder *encoder, iad_text_worker *worker, const int32_t *ids, const int *length, size_t n,
                                const float **hidden, iad_err *err);

#endif
