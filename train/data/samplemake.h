/* From a row of the manifest's tasks to a sample. In two steps, because every rank needs the first of all records of a batch (their cost follows
 * from it) and the second only of its own: texts and shapes, which need the database and the tokenizer, then pixels.
 *
 * The text is what inference renders: the chat template with the default system message, pictures where the question has "<image>", the prompt up to
 * "<|im_start|>assistant\n"; then the answer, <|im_end|> and a line break. The answer's tokens and <|im_end|> are predicted, nothing else. Later
 * turns of a dialogue follow in the same way. Boxes are written in pixels of the resized picture. */
#ifndef IAD_TRAIN_SAMPLEMAKE_H
#define IAD_TRAIN_SAMPLEMAKE_H

#include "manifests/manifest.h"
#include "runtime/model/config.h"
#include "runtime/token/tokenizer.h"
#include "synth/recipe/picturestore.h"
#include "train/data/sample.h"

#define IAD_SAMPLE_MAX_TEXT (4u << 20) /* bytes of a question or answer with its boxes written out */
#define IAD_SAMPLE_MAX_TURNS 64        /* questions of one dialogue */
#define IAD_SAMPLE_MAX_MASK_SCALE 16

/* Belongs to one thread: manifest, pictures and scratch are that thread's own. All borrowed. */
typedef struct iad_sample_maker {
    const iad_model_config *config;
    const iad_tokenizer *tokenizer;
    iad_token_scratch *scratch;
    iad_manifest *manifest;
    iad_picture_loader *pictures; /* of a store whose max_side is IAD_WORK_MAX_SIDE */
    iad_preprocess_options image; /* iad_preprocess_of_config */
    int mask_scale;               /* cells of the mask per merged token and axis, 1..IAD_SAMPLE_MAX_MASK_SCALE */
    int64_t max_rows;             /* of the language model; longer records are refused */
    double retention;             /* of compressed pictures; 1: none is compressed */
    int compress;                 /* 1: references 2..k of stage-3 records (and the query, if the model says so) are compressed against the first */
} iad_sample_maker;

/* Everything but patches' rows and the mask: a picture's sizes are those of the manifest. sample->mask_h and mask_w are set where the map may be
 * supervised (stage 3, a query, words of both classes). *sample is initialised here. Errors name the task: IAD_ERR_NOT_FOUND, IAD_ERR_FORMAT
 * (marks and pictures differ in number, spans, boxes or turns that are none), IAD_ERR_LIMIT (rows). */
iad_status iad_sample_texts(iad_sample_maker *maker, int64_t task_id, int replayed, iad_sample *sample, iad_err *err);
/* Adds the pixels and the mask to what iad_sample_texts made; where the query's mask is unknown, the words go and the map stays unsupervised.
 * Errors as iad_picture_load's; on failure the sample is still to be freed by the caller. */
iad_status iad_sample_pixels(iad_sample_maker *maker, iad_sample *sample, iad_err *err);

/* Share of non-zero mask pixels in each cell of a grid of h x w cells that covers the mask: cells[h * w], exact area averages. */
void iad_sample_mask_average(const iad_image *mask, int h, int w, float *cells);

#endif
