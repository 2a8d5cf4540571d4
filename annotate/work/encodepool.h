/* Worker threads that turn pictures into request bodies. */
#ifndef IAD_ANNOTATE_ENCODEPOOL_H
#define IAD_ANNOTATE_ENCODEPOOL_H

#include "annotate/client/chatrequest.h"
#include "annotate/work/worksource.h"

typedef struct iad_job {
    iad_work work;
    iad_chat_form form;
    iad_buf body; /* of the request */
    char colour[16];
    iad_status status; /* of making it */
    iad_err err;
    int tries, attempts; /* on trouble since the last success of any kind; requests in all */
    double next_at, started, foreseen;
    struct iad_job *next;
} iad_job;
iad_job *iad_job_new(void);
void iad_job_free(iad_job *job);

typedef struct iad_encode_pool iad_encode_pool;
/* wake(user) is called from workers when a body is ready. */
iad_status iad_encode_pool_new(const iad_profile *profile, const char *model, int64_t max_pixels, int quality, int threads, void (*wake)(void *user),
                               void *user, iad_encode_pool **pool, iad_err *err);
void iad_encode_pool_give(iad_encode_pool *pool, iad_job *job);
iad_job *iad_encode_pool_take(iad_encode_pool *pool); /* NULL: none is ready */
/* Waits for the workers; jobs inside are freed. */
void iad_encode_pool_free(iad_encode_pool *pool);

#endif
