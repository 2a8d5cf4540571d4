/* The questions of a benchmark in one form, wherever they come from: pictures, words, what is right. Readers: askvisadr.h, askmmad.h, askmanifest.h.
 */
#ifndef IAD_BENCH_ASKLIST_H
#define IAD_BENCH_ASKLIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "bench/reasoning/answerbox.h"
#include "manifests/arena.h"

#define IAD_ASK_MAX 4000000u             /* questions of one list */
#define IAD_ASK_MAX_TEXT (1024u * 1024u) /* bytes of one question, option or answer */
#define IAD_ASK_MAX_SHOTS 16
#define IAD_ASK_MAX_FILE (1024u * 1024u * 1024u)

typedef struct iad_ask {
    const char *id; /* unique in the list, stable: answers are found by it */
    const char *dataset, *category;
    const char *image;          /* as the source names it */
    const char *path;           /* the file; NULL: it is not there */
    const char *kind;           /* "detection", "low", "complex", "boxes", "loss", or MMAD's type */
    const char *lead, *middle;  /* words before the exemplars, and between them and the picture; "": none. First turn only */
    const char *text;           /* the question as it is asked */
    const char *reference;      /* right answer in words, or the letter of the right option; NULL: none is known */
    const char *const *options; /* [n_options] texts of A, B ... */
    size_t n_options;
    const char *const *shown; /* [n_shown] files of exemplars, NULL entries never */
    size_t n_shown;
    int anomalous;               /* 1, 0; -1 unknown */
    int64_t previous;            /* the question whose turn comes before this one in the same dialogue; -1: first turn */
    int64_t task_id;             /* row of the manifest, 0: none */
    const iad_answer_box *boxes; /* [n_boxes] true boxes in pixels of the picture; "boxes" only */
    size_t n_boxes;
    int width, height; /* of the picture, 0: not known yet */
    int faulty;        /* 1: the data set is known to show the wrong picture here */
} iad_ask;

typedef struct iad_asks {
    iad_ask *items;
    size_t n, cap;
    iad_arena arena;               /* owns every text above */
    iad_strings notes;             /* what a reader of the result should know */
    size_t missing, missing_shown; /* pictures and exemplars that are not there, by question */
} iad_asks;

void iad_asks_deinit(iad_asks *asks); /* safe on an all-zero struct and twice */

/* Appends a question whose texts already belong to the arena. Errors: IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_asks_add(iad_asks *asks, const iad_ask *ask, iad_err *err);
/* Copies into the arena. *out NULL for NULL. */
iad_status iad_asks_text(iad_asks *asks, const char *text, const char **out, iad_err *err);
iad_status iad_asks_textf(iad_asks *asks, iad_err *err, const char **out, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
iad_status iad_asks_note(iad_asks *asks, iad_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Ids in order, each once. Errors: IAD_ERR_FORMAT names one that is there twice. */
iad_status iad_asks_check(const iad_asks *asks, iad_err *err);

/* The file of a picture that a list names: `listed` below root/<one of folders> ("" is the root itself; NULL ends), then the same without its first
 * component. *path stays NULL when it is nowhere; unsafe names and files outside of root (links) count as nowhere. */
iad_status iad_asks_locate(iad_asks *asks, const char *root, const char *const *folders, const char *listed, const char **path, iad_err *err);

/* SHA-256 (hex) of everything that decides the answers: ids, files' names, words, exemplars, in order. */
iad_status iad_asks_key(const iad_asks *asks, char hex[65], iad_err *err);

#endif
