/* Pictures with the texts that describe them, in the forms that trainers of vision-language models read. */
#ifndef IAD_MANIFESTS_EXPORT_CAPTIONS_H
#define IAD_MANIFESTS_EXPORT_CAPTIONS_H

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"
#include "manifests/manifest.h"

typedef enum iad_caption_format {
    IAD_CAPTIONS_LLAVA = 0, /* one JSON list: {id, image, conversations: [human, gpt], source} */
    IAD_CAPTIONS_MESSAGES,  /* JSON lines: {messages: [user, assistant], images: [path], source} */
    IAD_CAPTIONS_JSONL,     /* JSON lines: {image, category, aspect, lang, text, source} */
    IAD_CAPTIONS_TSV        /* dataset path sha256 category aspect lang text model prompt answer; tabs and line ends in cells become spaces */
} iad_caption_format;

typedef struct iad_caption_export {
    iad_caption_format format;
    const char *dataset;           /* NULL: all */
    const iad_strings *categories; /* names; NULL or empty: all */
    int answers_only;              /* 1: only texts that came from an answer of iad-annotate */
} iad_caption_export;

/* Appends the captions of pictures that are no doubles, by data set, path, language, aspect. A picture is named DATASET/PATH, as iad_export_run
 * writes the files. `source` holds image_sha256, prompt (id@version), model and answer (the unit, "" for texts of other origin), so that every line
 * can be traced and withdrawn. *n: captions. Errors: IAD_ERR_NOT_FOUND (data set, category), IAD_ERR_FORMAT (a text that is not UTF-8),
 * IAD_ERR_LIMIT. */
iad_status iad_export_captions(iad_manifest *manifest, const iad_caption_export *options, iad_buf *out, int64_t *n, iad_err *err);

/* "captions.json", "captions.messages.jsonl", "captions.jsonl", "captions.tsv". */
const char *iad_export_captions_name(iad_caption_format format);

#endif
