/* New exemplar sets, and good pictures that set their thresholds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "runtime/engine/engine.h"
#include "runtime/program/calibratefile.h"
#include "runtime/program/program.h"
#include "runtime/serve/servejob.h"

static iadgpt_picture picture_of(const iad_image *image) { return (iadgpt_picture){image->width, image->height, image->channels, image->px}; }

/* The key by which a picture is counted once. */
static iad_status key_of(const iadgpt_exemplars *exemplars, const iadgpt_picture *picture, iad_set_score *score, iad_err *err) {
    iad_resize_record size;
    iad_hash key;
    IAD_TRY(iad_picture_key(picture, &exemplars->request, NULL, &key, &size, err));
    iad_hex(key.bytes, sizeof key.bytes, score->picture);
    return IAD_OK;
}

static iad_status check(const iadgpt_exemplars *exemplars, const iadgpt_picture *picture, const char *param, iad_err *err) {
    int is = 0;
    IAD_TRY(iad_is_exemplar(exemplars, picture, &is, err));
    return is ? IAD_FAIL(err, IAD_ERR_ARG, "%s is one of the set's own pictures: its score is too good to set a threshold by", param) : IAD_OK;
}

static void take(const iad_scored *scored, iad_set_score *score) {
    const iadgpt_result *r = &scored->result;
    score->score = r->score;
    score->lo = INFINITY;
    score->hi = -INFINITY;
    for (int i = 0; r->anomaly && i < r->grid_width * r->grid_height; i++) {
        score->lo = fminf(score->lo, r->anomaly[i]);
        score->hi = fmaxf(score->hi, r->anomaly[i]);
    }
}

/* Scores the job's calibration pictures; *fault when one of them spoils it. */
static iad_status score_good(iad_serve *s, iadgpt_session *session, iad_job *job, const iadgpt_exemplars *exemplars, iad_set_score *scores,
                             iad_fault *fault, iad_err *err) {
    const size_t n = job->n_images;
    iadgpt_picture *pictures = iad_calloc(n, sizeof *pictures);
    const char **params = iad_calloc(n, sizeof *params);
    iad_scored *scored = iad_calloc(n, sizeof *scored);
    iad_status status = pictures && params && scored ? IAD_OK : IAD_NOMEM(err, "the good pictures");
    for (size_t i = 0; i < n && status == IAD_OK && !fault->status; i++) {
        params[i] = job->addition.calibration[i].param;
        pictures[i] = picture_of(&job->images[i]);
        iad_status bad = check(exemplars, &pictures[i], params[i], err);
        if (bad == IAD_OK) bad = key_of(exemplars, &pictures[i], &scores[i], err);
        iad_fault_from(fault, bad, err, params[i]);
    }
    if (status == IAD_OK && !fault->status) status = iad_score_all(s, session, exemplars, pictures, params, n, scored, err);
    for (size_t i = 0; i < n && status == IAD_OK && !fault->status; i++) {
        *fault = scored[i].fault;
        if (!fault->status) take(&scored[i], &scores[i]);
    }
    if (scored) iad_scored_clear(scored, n);
    free(scored);
    free(params);
    free(pictures);
    return status;
}

static iad_status calibrate(iad_serve *s, iadgpt_session *session, iad_job *job, const iadgpt_exemplars *exemplars, iad_set_score **scores,
                            iad_fault *fault, iad_err *err) {
    *scores = iad_calloc(job->n_images, sizeof **scores);
    if (!*scores) return IAD_NOMEM(err, "the scores");
    return job->n_images ? score_good(s, session, job, exemplars, *scores, fault, err) : IAD_OK;
}

static iad_status reply_to(iad_serve *s, iad_job *job, int status, iad_err *err) {
    iad_buf out;
    iad_buf_init(&out, 1 << 20);
    iad_status done = iad_setstore_json(&s->store, job->set, &out, err);
    if (done == IAD_OK) done = iad_buf_add_str(&out, "\n", err);
    if (done == IAD_OK) iad_job_answer(job, status, &out);
    iad_buf_deinit(&out);
    return done;
}

/* The good pictures are scored before the set is stored: a set is there with its threshold, or not at all. */
static iad_status make(iad_serve *s, iadgpt_session *session, iad_job *job, iad_fault *fault, iad_err *err) {
    const iad_set_body *b = &job->addition;
    iadgpt_picture good[IAD_MAX_GOOD];
    iadgpt_exemplars *exemplars = NULL;
    iadgpt_error error;
    iad_set_score *scores = NULL;
    int existed = 0;
    for (size_t i = 0; i < job->n_good; i++) good[i] = picture_of(&job->good[i]);
    IAD_TRY(iad_from_public(iadgpt_exemplars_prepare(session, good, (int32_t)job->n_good, &b->settings, &exemplars, &error), &error, err));
    iad_status status = calibrate(s, session, job, exemplars, &scores, fault, err);
    if (status != IAD_OK || fault->status) iadgpt_exemplars_free(exemplars);
    else {
        status = iad_setstore_add(&s->store, exemplars, b->name, b->category, &job->set, &existed, err);
        if (status == IAD_OK && (job->n_images || b->has_target))
            status = iad_setstore_calibrate(&s->store, job->set, scores, job->n_images, !existed || b->has_target ? b->target_fpr : 0, b->confidence,
                                            err);
        if (status == IAD_OK) status = reply_to(s, job, existed ? 200 : 201, err);
    }
    free(scores);
    return status;
}

static iad_status add(iad_serve *s, iadgpt_session *session, iad_job *job, iad_fault *fault, iad_err *err) {
    const iad_set_body *b = &job->addition;
    const iadgpt_exemplars *exemplars = NULL;
    iad_set_score *scores = NULL;
    IAD_TRY(iad_setstore_exemplars(&s->store, job->set, &exemplars, err));
    iad_status status = calibrate(s, session, job, exemplars, &scores, fault, err);
    if (status == IAD_OK && !fault->status)
        status = iad_setstore_calibrate(&s->store, job->set, scores, job->n_images, b->has_target ? b->target_fpr : 0, b->confidence, err);
    if (status == IAD_OK && !fault->status) status = reply_to(s, job, 200, err);
    free(scores);
    return status;
}

void iad_answer_set(iad_serve *s, iadgpt_session *session, iad_job *job) {
    iad_fault fault = {.status = 0};
    iad_err err = IAD_ERR_NONE;
    const iad_status status = job->route == IAD_ROUTE_SET_NEW ? make(s, session, job, &fault, &err) : add(s, session, job, &fault, &err);
    iad_fault_from(&fault, status, &err, NULL);
    if (fault.status) iad_job_refuse(job, &fault);
}
