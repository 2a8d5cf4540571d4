/* The reply of an inspection. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/html.h"
#include "base/image/encode.h"
#include "base/json.h"
#include "runtime/engine/mapping.h"
#include "runtime/program/engineoptions.h"
#include "runtime/program/program.h"
#include "runtime/serve/servejob.h"

enum { MAX_REPLY = 1 << 30, MAX_BOXES = 8 };

/* What the replies of one job share. */
typedef struct reply {
    iad_serve *serve;
    const iad_job *job;
    const iadgpt_exemplars *exemplars;
    int has_threshold, has_range;
    double threshold;
    float lo, hi;
} reply;

/* ---- maps ---- */

static void extremes(const iadgpt_result *r, float *lo, float *hi) {
    *lo = INFINITY;
    *hi = -INFINITY;
    for (int i = 0; i < r->grid_height * r->grid_width; i++) {
        *lo = fminf(*lo, r->anomaly[i]);
        *hi = fmaxf(*hi, r->anomaly[i]);
    }
}

/* v -> 0..1 in place. */
static void scale(iad_plane *plane, float lo, float hi) {
    const double span = (double)hi - (double)lo;
    for (size_t i = 0; i < (size_t)plane->width * (size_t)plane->height; i++) {
        const double t = span > 0 ? ((double)plane->px[i] - (double)lo) / span : 0;
        plane->px[i] = (float)(t > 1 ? 1 : t > 0 ? t : 0);
    }
}

static iad_status add_png(const iad_plane *plane, iad_buf *out, iad_err *err) {
    iad_image16 image;
    iad_buf png;
    IAD_TRY(iad_image16_init(&image, plane->width, plane->height, err));
    for (size_t i = 0; i < (size_t)plane->width * (size_t)plane->height; i++) image.px[i] = (uint16_t)(plane->px[i] * 65535.0 + 0.5);
    iad_buf_init(&png, MAX_REPLY);
    iad_status status = iad_encode_png16(&image, -1, &png, err);
    if (status == IAD_OK) status = iad_buf_add_str(out, ",\"png\":\"", err);
    if (status == IAD_OK) status = iad_html_data_uri(out, "image/png", png.data, png.len, err);
    if (status == IAD_OK) status = iad_buf_add_str(out, "\"", err);
    iad_buf_deinit(&png);
    iad_image16_deinit(&image);
    return status;
}

static iad_status add_boxes(const iad_plane *plane, double threshold, iad_buf *out, iad_err *err) {
    iad_map_box_options options = iad_map_box_defaults((float)threshold);
    iad_map_box *boxes = NULL;
    size_t n = 0;
    options.max_boxes = MAX_BOXES;
    IAD_TRY(iad_map_boxes(plane, &options, &boxes, &n, err));
    iad_status status = iad_buf_add_str(out, "},\"boxes\":[", err);
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        const iad_box *b = &boxes[i].box;
        status = iad_buf_addf(out, err, "%s{\"x0\":%d,\"y0\":%d,\"x1\":%d,\"y1\":%d,\"peak\":%.9g}", i ? "," : "", b->x0, b->y0, b->x1, b->y1,
                              (double)boxes[i].peak);
    }
    free(boxes);
    return status == IAD_OK ? iad_buf_add_str(out, "]", err) : status;
}

static iad_status add_map(const reply *y, const iadgpt_result *r, iad_buf *out, iad_err *err) {
    const iad_inspect_body *in = &y->job->inspect;
    float least, most, lo, hi;
    if (!r->anomaly) return iad_buf_add_str(out, ",\"map\":null,\"boxes\":null", err);
    extremes(r, &least, &most);
    lo = in->range == IAD_RANGE_FIXED ? (float)in->lo : in->range == IAD_RANGE_AUTO && y->has_range ? y->lo : least;
    hi = in->range == IAD_RANGE_FIXED ? (float)in->hi : in->range == IAD_RANGE_AUTO && y->has_range ? y->hi : most;
    IAD_TRY(iad_buf_addf(out, err, ",\"map\":{\"grid\":[%d,%d],\"min\":%.9g,\"max\":%.9g,\"lo\":%.9g,\"hi\":%.9g", r->grid_width, r->grid_height,
                         (double)least, (double)most, (double)lo, (double)hi));
    if (in->maps & IAD_INSPECT_GRID) {
        IAD_TRY(iad_buf_add_str(out, ",\"f32\":\"", err));
        IAD_TRY(iad_base64(out, r->anomaly, (size_t)r->grid_height * (size_t)r->grid_width * sizeof *r->anomaly, err));
        IAD_TRY(iad_buf_add_str(out, "\"", err));
    }
    const iad_resize_record size = {.source_h = r->source_height, .source_w = r->source_width, .resized_h = r->resized_height,
                                    .resized_w = r->resized_width};
    iad_plane plane;
    IAD_TRY(iad_map_to_picture(r->anomaly, r->grid_height, r->grid_width, &size, &plane, err));
    scale(&plane, lo, hi);
    iad_status status = in->maps & IAD_INSPECT_PNG ? add_png(&plane, out, err) : IAD_OK;
    if (status == IAD_OK) status = add_boxes(&plane, in->box_threshold, out, err);
    iad_plane_deinit(&plane);
    return status;
}

/* ---- replies ---- */

static iad_status add_result(const reply *y, size_t i, const iad_scored *scored, iad_buf *out, iad_err *err) {
    const iadgpt_result *r = &scored->result;
    const char *name = y->job->inspect.images[i].name;
    const int verdict = y->has_threshold ? iad_verdict(r->score, y->threshold) : -1;
    IAD_TRY(iad_buf_addf(out, err, "%s{\"index\":%zu,\"name\":", i ? ",\n" : "", i));
    IAD_TRY(name ? iad_json_name(name, out, err) : iad_buf_add_str(out, "null", err));
    if (scored->fault.status) {
        IAD_TRY(iad_buf_add_str(out, ",\"error\":", err));
        IAD_TRY(iad_fault_json(&scored->fault, out, err));
        return iad_buf_add_str(out, "}", err);
    }
    IAD_TRY(iad_buf_addf(out, err, ",\"score\":%.17g,\"verdict\":%s,\"logit_yes\":%.9g,\"logit_no\":%.9g,\"size\":[%d,%d],\"resized\":[%d,%d]",
                         r->score, verdict < 0 ? "null" : verdict ? "\"anomalous\"" : "\"normal\"", (double)r->logit_yes, (double)r->logit_no,
                         r->source_width, r->source_height, r->resized_width, r->resized_height));
    IAD_TRY(add_map(y, r, out, err));
    iadgpt_timings timings = r->timings;
    if (scored->words) {
        IAD_TRY(iad_buf_add_str(out, ",\"words\":", err));
        IAD_TRY(iad_text_json(scored->words, scored->n_words, out, err));
        IAD_TRY(iad_buf_addf(out, err, ",\"finish\":\"%s\"", scored->finish));
        timings.decode = scored->decode.decode;
        timings.generated_tokens = scored->decode.generated_tokens;
    }
    IAD_TRY(iad_buf_addf(out, err, ",\"batch\":%d", scored->batch));
    IAD_TRY(iad_timings_add(&timings, out, err));
    return iad_buf_add_str(out, "}", err);
}

static iad_status add_all(const reply *y, const iad_scored *scored, iad_buf *out, iad_err *err) {
    iadgpt_exemplars_info info;
    iadgpt_exemplars_describe(y->exemplars, &info);
    IAD_TRY(iad_buf_add_str(out, "{\"object\":\"iad.inspection\",\"model\":", err));
    IAD_TRY(iad_json_quote(y->serve->options.name, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"created\":%lld,\"exemplars\":{\"id\":", (long long)time(NULL)));
    IAD_TRY(y->job->set ? iad_buf_addf(out, err, "\"%s\"", y->job->set->id) : iad_buf_add_str(out, "null", err));
    IAD_TRY(iad_buf_addf(out, err, ",\"key\":\"%s\",\"k\":%d,\"tokens\":%lld},\"threshold\":", iadgpt_exemplars_key(y->exemplars), info.k,
                         (long long)info.tokens));
    IAD_TRY(iad_json_f64(y->has_threshold ? y->threshold : NAN, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"results\":[", err));
    for (size_t i = 0; i < y->job->n_images; i++) IAD_TRY(add_result(y, i, &scored[i], out, err));
    return iad_buf_add_str(out, "]}", err);
}

iad_status iad_inspect_reply(iad_serve *s, const iad_job *job, const iadgpt_exemplars *exemplars, const iad_scored *scored, iad_buf *out,
                             iad_err *err) {
    reply y = {.serve = s, .job = job, .exemplars = exemplars};
    if (job->set) iad_setstore_verdict(&s->store, job->set, &y.has_threshold, &y.threshold, &y.has_range, &y.lo, &y.hi);
    if (job->inspect.has_threshold) {
        y.has_threshold = 1;
        y.threshold = job->inspect.threshold;
    }
    return add_all(&y, scored, out, err);
}
