/* The batch service: files, and batches that work through one. Everything is in memory. */
#ifndef IAD_TEST_ENDPOINTBATCH_H
#define IAD_TEST_ENDPOINTBATCH_H

#include "tests/endpoint/endpointwork.h"

enum { IAD_EP_MAX_FILES = 4096, IAD_EP_MAX_LINES = 50000, IAD_EP_MAX_LINE = 6 << 20, IAD_EP_MAX_FILE = 500 << 20 };

typedef struct iad_ep_batches iad_ep_batches;

/* One line of a batch that was worked. Charged when kind is -1 or of family ANSWER or FLOW (flows do not exist in files: the answer is whole). */
typedef struct iad_ep_batch_line {
    const char *custom_id;
    const iad_ep_work *work;
    int kind;
    int64_t completion;
} iad_ep_batch_line;

typedef struct iad_ep_batch_hooks {
    void *user;
    int (*draw)(void *user, uint64_t body); /* the kind that this request meets now */
    void (*worked)(void *user, const iad_ep_batch_line *line);
} iad_ep_batch_hooks;

/* seconds: from creation to the end. ends: how the first batches end, in order ("completed", "failed", "expired": half of the lines
 * are worked); later ones are completed. */
iad_status iad_ep_batches_new(const iad_ep_rules *rules, const iad_ep_batch_hooks *hooks, double seconds, const iad_strings *ends,
                              iad_ep_batches **batches, iad_err *err);
void iad_ep_batches_free(iad_ep_batches *batches);

/* Answers a request to /files... or /batches... at time `now`: *status and a body. For POST /files, `bytes` is the content of the part
 * named file and `name` its name. */
iad_status iad_ep_batches_answer(iad_ep_batches *batches, double now, const char *method, const char *path, const char *name, const char *bytes,
                                 size_t n, int *status, iad_buf *out, iad_err *err);

#endif
