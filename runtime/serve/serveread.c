/* A body becomes a request: parsed, its exemplar set found, its pictures decoded. On reader threads, so that sessions wait for nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/engine/engine.h"
#include "runtime/serve/servejob.h"

int64_t iad_picture_tokens(const iad_serve *s, const iad_image *image, const iad_preprocess_options *options) {
    iad_resize_record size;
    if (iad_preprocess_size(image->height, image->width, options, &size, NULL) != IAD_OK) return 0; /* the engine says why */
    return (int64_t)(size.resized_h / s->side) * (size.resized_w / s->side);
}

static void check_tokens(const iad_serve *s, const iad_source *source, const iad_image *image, const iad_preprocess_options *options,
                         iad_fault *fault) {
    const int64_t tokens = iad_picture_tokens(s, image, options), most = s->options.limits.picture_tokens;
    if (tokens > most)
        iad_fault_set(fault, 400, "limit", source->param, "%s: %lld tokens at the size that the model would see, at most %lld (--max-picture-tokens)",
                      source->param, (long long)tokens, (long long)most);
}

/* Pictures with their own faults; room for pixels is that of the whole request. */
static void decode_all(iad_job *job, const iad_source *sources, size_t n, const iad_preprocess_options *options, int64_t *room, iad_image *images,
                       iad_fault *faults) {
    const iad_serve *s = job->serve;
    for (size_t i = 0; i < n; i++) {
        iad_err err = IAD_ERR_NONE;
        if (atomic_load(&job->cancel)) return;
        const iad_status status = iad_source_decode(&sources[i], &s->options.allow_dirs, &s->options.limits, room, &images[i], &err);
        iad_fault_from(&faults[i], status, &err, sources[i].param);
        if (status != IAD_OK) continue;
        job->pixels += (int64_t)images[i].width * images[i].height;
        check_tokens(s, &sources[i], &images[i], options, &faults[i]);
        if (faults[i].status) iad_image_deinit(&images[i]);
    }
}

static iad_status decode(iad_job *job, const iad_source *images, size_t n_images, const iad_source *good, size_t n_good,
                         const iad_preprocess_options *options, iad_err *err) {
    int64_t room = 4 * job->serve->options.limits.pixels;
    job->images = iad_calloc(n_images, sizeof *job->images);
    job->image_faults = iad_calloc(n_images, sizeof *job->image_faults);
    job->good = iad_calloc(n_good, sizeof *job->good);
    iad_fault *good_faults = iad_calloc(n_good, sizeof *good_faults);
    if (!job->images || !job->image_faults || !job->good || !good_faults) {
        free(good_faults);
        return IAD_NOMEM(err, "the pictures");
    }
    job->n_images = n_images;
    job->n_good = n_good;
    decode_all(job, good, n_good, options, &room, job->good, good_faults);
    decode_all(job, images, n_images, options, &room, job->images, job->image_faults);
    for (size_t i = 0; i < n_good && !job->fault.status; i++) job->fault = good_faults[i]; /* a set wants all of them */
    free(good_faults);
    return IAD_OK;
}

/* As the engine will resolve them; a fault of the settings is the request's. */
static iad_status image_options(iad_job *job, const iadgpt_settings *settings, iad_preprocess_options *options, iad_err *err) {
    iad_request request;
    iad_status status = iad_request_init(&request, job->serve->engine, settings, err);
    if (status == IAD_OK) *options = request.image;
    iad_request_deinit(&request);
    return status;
}

static void find_set(iad_job *job, const char *id, const char *param) {
    if (!id || job->fault.status) return;
    job->set = iad_setstore_hold(&job->serve->store, id);
    if (!job->set) iad_fault_set(&job->fault, 404, "not_found", param, "there is no exemplar set \"%.40s\"", id);
}

/* The sizes of a stored set's pictures stand in what is known of it. */
static void sizes_of_set(const iad_job *job, iadgpt_settings *settings) {
    settings->image_width = job->set->info.image_width;
    settings->image_height = job->set->info.image_height;
}

static iad_status read_chat(iad_job *job, iad_err *err) {
    iad_chat_body *c = &job->chat;
    iad_preprocess_options options;
    IAD_TRY(iad_chat_body_read(&job->place, job->body.data, job->body.len, job->serve->options.name, &job->serve->options.limits, c, err));
    iad_buf_deinit(&job->body); /* the JSON holds its own copies */
    find_set(job, c->exemplar_set, "iad.exemplar_set");
    if (job->fault.status) return IAD_OK;
    iadgpt_settings sizes = c->settings;
    if (job->set) sizes_of_set(job, &sizes);
    IAD_TRY(image_options(job, &sizes, &options, err));
    IAD_TRY(decode(job, c->sources, c->n_sources, NULL, 0, &options, err));
    for (size_t i = 0; i < c->n_sources && !job->fault.status; i++) job->fault = job->image_faults[i];
    return IAD_OK;
}

static iad_status read_inspect(iad_job *job, iad_err *err) {
    iad_inspect_body *in = &job->inspect;
    iad_preprocess_options options;
    IAD_TRY(iad_inspect_body_read(&job->place, job->body.data, job->body.len, job->multipart ? &job->parts : NULL, &job->serve->options.limits, in,
                                  err));
    iad_buf_deinit(&job->body);
    find_set(job, in->exemplar_set, "exemplar_set");
    if (job->fault.status) return IAD_OK;
    iadgpt_settings sizes = in->settings;
    if (job->set) sizes_of_set(job, &sizes);
    IAD_TRY(image_options(job, &sizes, &options, err));
    return decode(job, in->images, in->n_images, in->good, in->n_good, &options, err);
}

static iad_status read_set(iad_job *job, iad_err *err) {
    iad_set_body *b = &job->addition;
    iad_preprocess_options options;
    const int addition = job->route == IAD_ROUTE_SET_CALIBRATE;
    if (addition) find_set(job, job->id, NULL);
    if (job->fault.status) return IAD_OK;
    IAD_TRY(iad_set_body_read(&job->place, job->body.data, job->body.len, job->multipart ? &job->parts : NULL, addition, &job->serve->options.limits,
                              b, err));
    iad_buf_deinit(&job->body);
    iadgpt_settings sizes = b->settings;
    if (job->set) sizes_of_set(job, &sizes);
    IAD_TRY(image_options(job, &sizes, &options, err));
    IAD_TRY(decode(job, b->calibration, b->n_calibration, b->images, b->n_images, &options, err));
    for (size_t i = 0; i < b->n_calibration && !job->fault.status; i++) job->fault = job->image_faults[i];
    return IAD_OK;
}

int iad_job_read(iad_job *job) {
    iad_err err = IAD_ERR_NONE;
    iad_status status = IAD_OK;
    if (!atomic_load(&job->cancel))
        status = job->route == IAD_ROUTE_CHAT ? read_chat(job, &err) : job->route == IAD_ROUTE_INSPECT ? read_inspect(job, &err)
            : read_set(job, &err);
    if (status == IAD_ERR_NOT_FOUND) iad_fault_set(&job->fault, 404, "not_found", job->place.param, "%s", err.msg);
    else iad_fault_from(&job->fault, status, &err, job->place.param);
    if (atomic_load(&job->cancel)) iad_job_cancelled(job, &job->fault);
    if (!job->fault.status) return 1;
    const iad_fault fault = job->fault;
    iad_job_refuse(job, &fault);
    return 0;
}
