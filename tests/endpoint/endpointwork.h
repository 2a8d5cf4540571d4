/* A chat completion from its body to its answer, without network: what was asked, whether a service would take it, and the answer in
 * each of its kinds. */
#ifndef IAD_TEST_ENDPOINTWORK_H
#define IAD_TEST_ENDPOINTWORK_H

#include "tests/endpoint/endpointfault.h"
#include "tests/endpoint/endpointtext.h"

enum {
    IAD_EP_MAX_BODY = 16 << 20,
    IAD_EP_MAX_ANSWER = 1 << 20,
    IAD_EP_MAX_DATA_URI = 10485760,
    IAD_EP_MAX_NAMES = 24,
    IAD_EP_NAME = 48,
    IAD_EP_FEW_TOKENS = 1280
};

typedef enum iad_ep_type { IAD_EP_STRING, IAD_EP_BOOL, IAD_EP_NUMBER, IAD_EP_ARRAY } iad_ep_type;

typedef struct iad_ep_work {
    char model[128], category[128];
    int wants_json, zh, stream;
    uint64_t body, seed; /* body: first bytes of its SHA-256 */
    iad_ep_look look;
    int pictures;
    int ratings; /* a judge's prompt: so many numbers are wanted on the first line */
    struct {
        char name[IAD_EP_NAME], first[IAD_EP_NAME];
        iad_ep_type type;
    } keys[IAD_EP_MAX_NAMES]; /* first: of an enum */
    int n_keys;
    int64_t image_tokens, text_tokens, max_tokens;
} iad_ep_work;

typedef struct iad_ep_rules {
    const char *model; /* that is served; "" serves any name */
    const iad_ep_facts *facts;
    int blind; /* 1: pictures are not decoded, their bytes decide */
    int cell;  /* pixels of a token's side: 28 or 32 */
} iad_ep_rules;

/* Reads a body. *fault: -1, or the kind of family INPUT or STOP that a service would answer with (no such model, no picture that can be
 * read, a side of ten pixels or less, an aspect above 200, a data URI above 10 MiB, json_object without the word JSON). Errors:
 * IAD_ERR_FORMAT (not such a body), IAD_ERR_NOMEM. */
iad_status iad_ep_work_read(const iad_ep_rules *rules, const char *bytes, size_t n, iad_ep_work *work, int *fault, iad_err *err);

/* Writes the answer's body; kind: -1 or one of family ANSWER. *completion: the tokens that it is charged for. */
iad_status iad_ep_work_answer(const iad_ep_rules *rules, const iad_ep_work *work, int kind, int64_t number, iad_buf *out, int64_t *completion,
                              iad_err *err);

/* Writes the body of an error. */
iad_status iad_ep_error_body(const iad_ep_kind *kind, int64_t number, iad_buf *out, iad_err *err);

#endif
