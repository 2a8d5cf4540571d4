/* The exemplar sets of a server: in memory, and in a folder when there is one. All functions may be called from any thread. */
#ifndef IAD_SERVE_SETSTORE_H
#define IAD_SERVE_SETSTORE_H

#include <pthread.h>

#include "base/log.h"
#include "runtime/serve/setfile.h"

enum { IAD_STORE_MAX_SETS = 100000 };

typedef struct iad_setstore {
    iadgpt_engine *engine;
    const char *dir;           /* NULL: in memory only */
    int dir_lock;              /* of the folder: one server at a time */
    pthread_mutex_t lock, loading;
    iad_set **sets;            /* in order of creation */
    size_t n, cap;
} iad_setstore;

/* Reads and verifies every set of the folder; what is damaged or belongs to another model is logged and left alone. Errors: IAD_ERR_IO,
 * IAD_ERR_EXISTS (another server has the folder). Close also after a failure. */
iad_status iad_setstore_open(iad_setstore *store, iadgpt_engine *engine, const char *dir, const iad_log *log, iad_err *err);
void iad_setstore_close(iad_setstore *store);

/* The set of this id, held until iad_setstore_release; NULL when there is none. */
iad_set *iad_setstore_hold(iad_setstore *store, const char *id);
void iad_setstore_release(iad_setstore *store, iad_set *set); /* NULL is fine */
/* Its exemplars, read from the folder when they are not in memory; valid as long as the set is held. */
iad_status iad_setstore_exemplars(iad_setstore *store, iad_set *set, const iadgpt_exemplars **exemplars, iad_err *err);

/* Takes over a reference of exemplars. *set is held; *existed: it was there, and nothing has changed. */
iad_status iad_setstore_add(iad_setstore *store, iadgpt_exemplars *exemplars, const char *name, const char *category, iad_set **set, int *existed,
                            iad_err *err);
/* Adds scores (of pictures that are not counted yet) and writes the file; target_fpr 0: as it was. */
iad_status iad_setstore_calibrate(iad_setstore *store, iad_set *set, const iad_set_score *scores, size_t n, double target_fpr, double confidence,
                                  iad_err *err);
/* The verdict's threshold and the range of maps. */
void iad_setstore_verdict(iad_setstore *store, const iad_set *set, int *has_threshold, double *threshold, int *has_range, float *lo, float *hi);
/* IAD_ERR_NOT_FOUND when there is none. Who holds it keeps it. */
iad_status iad_setstore_delete(iad_setstore *store, const char *id, iad_err *err);

iad_status iad_setstore_json(iad_setstore *store, const iad_set *set, iad_buf *out, iad_err *err);
iad_status iad_setstore_list(iad_setstore *store, iad_buf *out, iad_err *err);

#endif
