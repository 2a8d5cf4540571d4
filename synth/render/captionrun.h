/* Captions of rendered pictures from the renderer's own facts: what stage 1 learns from. Good pictures only: a caption says what the product is. */
#ifndef IAD_RENDER_CAPTIONRUN_H
#define IAD_RENDER_CAPTIONRUN_H

#include <stdatomic.h>

#include "base/buf.h"
#include "manifests/manifest.h"
#include "synth/render/facts.h"
#include "synth/task/templates.h"

#define IAD_CAPTION_MODEL "renderer" /* column `model` of the captions */

/* The built-in phrasings of captions (render/captions/<name>.txt): sections [caption <family>_<aspect> <lang>] with answers only. */
iad_status iad_caption_templates(iad_templates **templates, iad_err *err);

/* One caption: a phrasing of section [caption <family>_<aspect> <lang>], drawn by `seed`, filled with the facts. Appended to *text.
 * IAD_ERR_NOT_FOUND: no such section. */
iad_status iad_caption_text(const iad_templates *templates, const iad_render_facts *facts, const char *family, const char *aspect, const char *lang,
                            uint64_t seed, iad_buf *text, iad_err *err);

typedef struct iad_caption_counts {
    size_t pictures;  /* good ones of the data set */
    size_t captioned; /* had none of ours, and have now */
    size_t present;   /* had them */
    size_t foreign;   /* of a category that no family has */
    size_t added;     /* rows */
} iad_caption_counts;

/* Captions every good picture of the data set in each aspect that its family's phrasings have (three), in one transaction. What a picture gets
 * depends on its path and the render's seed alone; pictures that have captions of this model are left as they are. Errors: IAD_ERR_NOT_FOUND (the
 * data set; a folder without render.json), IAD_ERR_UNSUPPORTED (another renderer), IAD_ERR_DB, IAD_ERR_INTERRUPTED (nothing is kept). */
iad_status iad_caption_run(iad_manifest *manifest, const char *dataset, const atomic_int *stop, iad_caption_counts *counts, iad_err *err);

#endif
