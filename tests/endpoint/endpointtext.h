/* Texts about a picture: true sentences of a facts file where its category has some, and sentences about what was measured in the pixels. */
#ifndef IAD_TEST_ENDPOINTTEXT_H
#define IAD_TEST_ENDPOINTTEXT_H

#include "base/buf.h"
#include "base/image/image.h"

enum { IAD_EP_SHAPE, IAD_EP_MATERIAL, IAD_EP_DETAILS, IAD_EP_ASPECTS };

typedef struct iad_ep_look { /* what was seen of a picture */
    uint64_t hash;           /* of the pixels */
    int width, height;
    int brightness, contrast, fill; /* 0..3 each: mean, spread, how much differs from the border */
} iad_ep_look;

iad_status iad_ep_look_at(const iad_image *image, iad_ep_look *look, iad_err *err);

typedef struct iad_ep_fact {
    char *category; /* lower case, '_' as blanks */
    int aspect;
    char *text;
} iad_ep_fact;

typedef struct iad_ep_facts { /* zero-initialise */
    iad_ep_fact *items;
    size_t n, cap;
} iad_ep_facts;

/* TSV without a header: category, aspect (overall, material, structure), text. Errors: IAD_ERR_NOT_FOUND, IAD_ERR_FORMAT (names the
 * line), IAD_ERR_NOMEM. */
iad_status iad_ep_facts_load(iad_ep_facts *facts, const char *path, iad_err *err);
void iad_ep_facts_deinit(iad_ep_facts *facts);

/* Lower case and '_' as blanks, cut to size. */
void iad_ep_name_plain(char *out, size_t size, const char *name);

/* Appends one text; the same picture and `draw` give the same. `category` is plain. With facts for it: those, and as many sentences of
 * ours as 18 words need; else some 60 words (Chinese: 70 characters). */
iad_status iad_ep_text_add(iad_buf *out, const iad_ep_facts *facts, const iad_ep_look *look, const char *category, int aspect, int zh, uint64_t draw,
                           iad_err *err);

int iad_ep_words(const char *text);

#endif
