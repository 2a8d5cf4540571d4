/* One stored exemplar set: what ID.json says about the ID.iadx beside it. */
#ifndef IAD_SERVE_SETFILE_H
#define IAD_SERVE_SETFILE_H

#include "base/buf.h"
#include "runtime/iadgpt.h"

enum { IAD_SET_MAX_SCORES = 1 << 20 };

typedef struct iad_set_score { /* of a good picture that is no exemplar */
    char picture[65];          /* its key */
    double score;
    float lo, hi;              /* extremes of its map; lo > hi: there was none */
} iad_set_score;

typedef struct iad_set {
    char id[17];
    char *name, *category;     /* owned */
    int64_t created;           /* Unix seconds */
    char key[65];
    iadgpt_exemplars_info info;
    double target_fpr, confidence;
    iad_set_score *scores;     /* [n_scores] in order of arrival, owned */
    size_t n_scores, cap_scores;
    /* of the store: */
    iadgpt_exemplars *exemplars; /* NULL: not in memory */
    int users, deleted;
} iad_set;

void iad_set_clear(iad_set *set);
/* Hexadecimal digits that name this set: a hash over key, name and category. */
iad_status iad_set_make_id(iad_set *set, iad_err *err);
/* The file. */
iad_status iad_set_write(const iad_set *set, iad_buf *out, iad_err *err);
/* Reads one; `where` is used in messages. All zero after a failure. Errors: IAD_ERR_FORMAT, IAD_ERR_LIMIT. */
iad_status iad_set_read(const char *text, size_t n, const char *where, iad_set *set, iad_err *err);

/* What the calibration pictures say together. *reached: 0 as long as there are too few. */
iad_status iad_set_threshold(const iad_set *set, int *reached, double *threshold, double *confidence, iad_err *err);
/* Extremes of their maps; 0 when there are none. */
int iad_set_map_range(const iad_set *set, float *lo, float *hi);
/* The set as routes show it. */
iad_status iad_set_json(const iad_set *set, iad_buf *out, iad_err *err);

#endif
