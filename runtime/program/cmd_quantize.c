/* iadgpt quantize: a checkpoint whose matrices are stored in 8 bits, one scale per output channel. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/progress.h"
#include "runtime/cpu/pack.h"
#include "runtime/model/checkpoint.h"
#include "runtime/program/program.h"
#include "runtime/tensor/stwriter.h"
#include "runtime/token/tokenizer_copy.h"

enum { CHUNK_BYTES = 8 << 20, COPY_BYTES = 8 << 20, MAX_NAME = 300 };

typedef struct options {
    const char *model, *out;
    int64_t shard_mib;
    int vision, force;
} options;

typedef struct job {
    iad_app *app;
    const options *options;
    const iad_checkpoint *checkpoint;
    iad_st_writer *writer;
    iad_progress progress;
    size_t n_quantised;
    /* which tensors: filled from iad_model_tensors in the same order */
    iad_tensor_role *role;
    size_t n, cap;
} job;

static iad_status see_role(void *user, const iad_tensor_spec *spec, iad_err *err) {
    job *j = user;
    if (!iad_checkpoint_get(j->checkpoint, spec->name)) return IAD_OK; /* an addition that this checkpoint lacks */
    IAD_TRY(iad_grow((void **)&j->role, &j->cap, j->n + 1, sizeof *j->role, 1000000, "tensors", err));
    j->role[j->n++] = spec->role;
    return IAD_OK;
}

static int wanted(const job *j, const iad_tensor_view *view, iad_tensor_role role) {
    if (role != IAD_ROLE_LINEAR && role != IAD_ROLE_HEAD) return 0;
    if (view->dtype == IAD_I8 || strncmp(view->name, "iadgpt.", 7) == 0) return 0;
    return j->options->vision || strncmp(view->name, "visual.", 7) != 0;
}

static iad_status declare(job *j, iad_err *err) {
    char scale[MAX_NAME];
    for (size_t i = 0; i < j->n; i++) {
        const iad_tensor_view *v = iad_checkpoint_at(j->checkpoint, i);
        int q = wanted(j, v, j->role[i]);
        IAD_TRY(iad_st_writer_declare(j->writer, v->name, q ? IAD_I8 : v->dtype, v->rank, v->shape, err));
        if (!q && v->dtype != IAD_I8) continue;
        if (snprintf(scale, sizeof scale, "%s_scale", v->name) >= (int)sizeof scale)
            return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: name too long", v->name);
        IAD_TRY(iad_st_writer_declare(j->writer, scale, IAD_F32, 1, v->shape, err));
        j->n_quantised++;
    }
    return IAD_OK;
}

static iad_status advance(job *j, iad_err *err) {
    iad_progress_add(&j->progress, (iad_st_writer_written(j->writer) >> 20) - j->progress.done, 0);
    return atomic_load(&j->app->stop) ? IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted; nothing was left behind") : IAD_OK;
}

static iad_status write_as_is(job *j, const iad_tensor_view *v, iad_err *err) {
    const char *at = v->data;
    for (size_t left = v->bytes; left;) {
        size_t n = left < COPY_BYTES ? left : COPY_BYTES;
        IAD_TRY(iad_st_writer_write(j->writer, at, n, err));
        IAD_TRY(advance(j, err));
        at += n;
        left -= n;
    }
    return IAD_OK;
}

/* A stretch of rows being quantised on several threads. */
typedef struct stretch {
    const iad_tensor_view *view;
    size_t first, n_in;
    float *wide; /* [threads][n_in] */
    int8_t *q;   /* [rows][n_in] */
    float *scale;
    atomic_size_t bad; /* 1 + row that holds a value that is not finite */
} stretch;

/* The rule of the CPU's packing (runtime/cpu/pack.h), so that a stored int8 model computes what --weights int8 makes of the original. */
static void quantise_row(void *user, size_t i, int thread) {
    stretch *s = user;
    float *wide = s->wide + (size_t)thread * s->n_in, factor = 0;
    int8_t *q = s->q + i * s->n_in;
    iad_status status = iad_tensor_to_f32(s->view, (s->first + i) * s->n_in, s->n_in, wide, NULL);
    float scale = status == IAD_OK ? iad_quant_scale(iad_quant_max_abs(wide, s->n_in), &factor) : NAN;
    if (!isfinite(scale)) {
        atomic_store(&s->bad, s->first + i + 1);
        return;
    }
    s->scale[s->first + i] = scale;
    for (size_t k = 0; k < s->n_in; k++) {
        float r = nearbyintf(wide[k] * factor);
        q[k] = (int8_t)(r > 127 ? 127 : r < -127 ? -127 : r);
    }
}

static iad_status write_quantised(job *j, const iad_tensor_view *v, iad_err *err) {
    size_t n_out = (size_t)v->shape[0], n_in = iad_tensor_count(v) / (n_out ? n_out : 1), rows = n_in ? CHUNK_BYTES / n_in : 1;
    int threads = (int)j->app->threads;
    if (rows == 0) rows = 1;
    if (rows > n_out) rows = n_out;
    stretch s = {.view = v, .n_in = n_in};
    s.wide = iad_alloc((size_t)threads * n_in, sizeof(float));
    s.q = iad_alloc(rows * n_in, 1);
    s.scale = iad_alloc(n_out, sizeof(float));
    iad_status status = s.wide && s.q && s.scale ? IAD_OK : IAD_NOMEM(err, v->name);
    for (; s.first < n_out && status == IAD_OK; s.first += rows) {
        size_t n = n_out - s.first < rows ? n_out - s.first : rows;
        iad_parallel_for(n, threads, quantise_row, &s);
        size_t bad = atomic_load(&s.bad);
        if (bad) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: row %zu holds a value that is not finite", v->name, bad - 1);
        if (status == IAD_OK) status = iad_st_writer_write(j->writer, s.q, n * n_in, err);
        if (status == IAD_OK) status = advance(j, err);
    }
    if (status == IAD_OK) status = iad_st_writer_write(j->writer, s.scale, n_out * sizeof(float), err);
    free(s.wide);
    free(s.q);
    free(s.scale);
    return status;
}

static iad_status write_scale_of(job *j, const iad_tensor_view *v, iad_err *err) {
    char name[MAX_NAME];
    snprintf(name, sizeof name, "%s_scale", v->name);
    const iad_tensor_view *scale = iad_checkpoint_get(j->checkpoint, name);
    if (!scale) return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: tensor vanished after opening", name);
    return write_as_is(j, scale, err);
}

static iad_status write_all(job *j, iad_err *err) {
    IAD_TRY(iad_st_writer_begin(j->writer, err));
    iad_progress_start(&j->progress, "writing (MiB)", iad_st_writer_total(j->writer) >> 20, j->app->quiet);
    iad_status status = IAD_OK;
    for (size_t i = 0; i < j->n && status == IAD_OK; i++) {
        const iad_tensor_view *v = iad_checkpoint_at(j->checkpoint, i);
        if (wanted(j, v, j->role[i])) status = write_quantised(j, v, err);
        else status = write_as_is(j, v, err);
        if (status == IAD_OK && v->dtype == IAD_I8) status = write_scale_of(j, v, err);
    }
    iad_progress_end(&j->progress);
    return status == IAD_OK ? iad_st_writer_finish(j->writer, err) : status;
}

static iad_status copy_file(const char *from_dir, const char *to_dir, const char *name, iad_err *err) {
    char from[IAD_PATH_MAX], to[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(from, sizeof from, from_dir, name, err));
    IAD_TRY(iad_path_join(to, sizeof to, to_dir, name, err));
    if (!iad_file_exists(from)) return IAD_OK;
    iad_map map = {0};
    IAD_TRY(iad_map_open(&map, from, err));
    iad_status status = iad_file_write(to, map.data, map.n, err);
    iad_map_close(&map);
    return status;
}

/* config.json last: it makes the folder a model. */
static iad_status copy_rest(const options *o, iad_err *err) {
    iad_err no_tokenizer = IAD_ERR_NONE;
    iad_status status = iad_tokenizer_copy(o->model, o->out, &no_tokenizer);
    if (status != IAD_OK && status != IAD_ERR_NOT_FOUND) {
        if (err) *err = no_tokenizer;
        return status;
    }
    IAD_TRY(copy_file(o->model, o->out, "generation_config.json", err));
    IAD_TRY(copy_file(o->model, o->out, "preprocessor_config.json", err));
    return copy_file(o->model, o->out, "config.json", err);
}

static iad_status convert(job *j, iad_err *err) {
    IAD_TRY(iad_model_tensors(iad_checkpoint_config(j->checkpoint), 1, see_role, j, err));
    for (size_t i = 0; i < j->n; i++)
        if (i >= iad_checkpoint_count(j->checkpoint))
            return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: fewer tensors than the config names", j->options->model);
    IAD_TRY(iad_st_writer_new_dir(j->options->out, (uint64_t)j->options->shard_mib << 20, &j->writer, err));
    IAD_TRY(declare(j, err));
    IAD_TRY(write_all(j, err));
    return copy_rest(j->options, err);
}

static iad_status quantize(iad_app *app, const options *o, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, o->out, "config.json", err));
    if (iad_file_exists(path)) {
        /* One inside the other both ways: the same folder. A model below the first one is a folder of its own. */
        if (iad_path_inside(o->model, o->out) && iad_path_inside(o->out, o->model))
            return IAD_FAIL(err, IAD_ERR_ARG, "--out must be another folder than --model");
        if (!o->force) return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: a model is there already; --force replaces it", o->out);
    }
    iad_checkpoint *checkpoint = NULL;
    iad_checkpoint_info info;
    IAD_TRY(iad_checkpoint_open(o->model, &checkpoint, &info, err));
    job j = {.app = app, .options = o, .checkpoint = checkpoint};
    iad_status status = convert(&j, err);
    uint64_t total = j.writer ? iad_st_writer_total(j.writer) : 0;
    iad_st_writer_free(j.writer);
    iad_checkpoint_close(checkpoint);
    free(j.role);
    if (status != IAD_OK) return status;
    fprintf(stderr, "tensors=%zu quantised=%zu bytes_before=%llu bytes=%llu dir=%s\n", j.n, j.n_quantised, (unsigned long long)info.bytes,
            (unsigned long long)total, o->out);
    return IAD_OK;
}

int iad_cmd_quantize(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "model", .value = &o.model, .meta = "DIR", .help = "the model to read", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &o.out, .meta = "DIR", .help = "folder for the new model", .required = 1},
        {.kind = IAD_ARG_FLAG, .name = "vision", .value = &o.vision, .help = "the vision tower too (its first layer never)"},
        {.kind = IAD_ARG_INT, .name = "shard-mib", .value = &o.shard_mib, .meta = "N",
         .help = "largest weight file in MiB, 0 for one file", .lo = 0, .hi = 1 << 20},
        {.kind = IAD_ARG_FLAG, .name = "force", .value = &o.force, .help = "replace a model that is there"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "quantize", .usage = "--model DIR --out DIR [options]",
                              .help = "Stores every matrix of the language model and its head as 8-bit integers with one scale per output channel\n"
                                      "(symmetric, scale = largest magnitude / 127): half the disk and reading of bf16. Embeddings, norms and biases "
                                      "stay\n"
                                      "as they are; so does the head of a model that shares it with the embeddings. Memory stays small whatever the "
                                      "size."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "unexpected word \"%s\"", operands.items[0]));
    if (code < 0) code = iad_app_exit_code(quantize(app, &o, err));
    iad_strings_deinit(&operands);
    return code;
}
