#include "train/run/stagerun.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/sha256.h"
#include "manifests/manifest.h"
#include "synth/task/replay.h"
#include "train/run/ceiling.h"
#include "train/run/stagestate.h"

/* ---- where a model comes from ---- */

iad_status iad_stage_init_dir(const char *init, char *dir, size_t size, int *exact, iad_err *err) {
    char path[IAD_PATH_MAX];
    *exact = 0;
    IAD_TRY(iad_path_join(path, sizeof path, init, "config.json", err));
    if (iad_file_exists(path)) {
        if ((size_t)snprintf(dir, size, "%s", init) >= size) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: name too long", init);
        return IAD_OK;
    }
    IAD_TRY(iad_path_join(dir, size, init, "model", err));
    IAD_TRY(iad_path_join(path, sizeof path, dir, "config.json", err));
    if (!iad_file_exists(path))
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: neither a model folder (no config.json) nor a finished stage (no model/config.json)", init);
    int64_t step = -1;
    IAD_TRY(iad_train_store_latest(init, &step, err));
    *exact = step >= 0;
    return IAD_OK;
}

/* ---- what a run is known by ---- */

static iad_status add_id(void *user, int64_t task_id, int replayed, iad_err *err) {
    uint8_t bytes[9];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)task_id >> (8 * i));
    bytes[8] = (uint8_t)replayed;
    return iad_sha256_add(user, bytes, sizeof bytes, err);
}

/* The records of the stage by their numbers: a manifest that grew since is another run. */
static iad_status digest_records(const iad_stage *stage, char hex[65], iad_err *err) {
    iad_manifest *manifest = NULL;
    iad_sha256 hash;
    double share = stage->config->replay < 0 ? iad_replay_share(stage->config->stage) : stage->config->replay;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = iad_manifest_open(stage->o->db, IAD_MANIFEST_READ, &manifest, err);
    if (status == IAD_OK) status = iad_stage_each(manifest, stage->config->stage, stage->config->seed, share, add_id, &hash, err);
    iad_manifest_close(manifest);
    return iad_sha256_end_hex(&hash, status, hex, err);
}

static iad_status identify(iad_stage *stage, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, 1u << 20);
    iad_status status = iad_train_config_format(stage->config, &text, err);
    if (status == IAD_OK) status = iad_sha256_hex(iad_buf_str(&text), strlen(iad_buf_str(&text)), stage->state.config_sha256, err);
    if (status == IAD_OK) status = digest_records(stage, stage->state.data_sha256, err);
    snprintf(stage->state.build, sizeof stage->state.build, "%s", IAD_VERSION);
    if (status == IAD_OK) status = iad_comm_agree(stage->comm, "the training config", iad_buf_str(&text), err);
    if (status == IAD_OK) status = iad_comm_agree(stage->comm, "the records of the manifest", stage->state.data_sha256, err);
    if (status == IAD_OK) status = iad_comm_agree(stage->comm, "the build", stage->state.build, err);
    iad_buf_deinit(&text);
    return status;
}

/* ---- opening ---- */

static iad_status open_model(iad_stage *stage, iad_err *err) {
    const iad_train_config *c = stage->config;
    const char *patterns[2 * IAD_TRAIN_MAX_PATTERNS];
    const iad_param_rules rules = iad_train_config_rules(c, patterns);
    IAD_TRY(iad_stage_init_dir(stage->o->init, stage->model_dir, sizeof stage->model_dir, &stage->exact, err));
    IAD_TRY(iad_checkpoint_open(stage->model_dir, &stage->checkpoint, NULL, err));
    IAD_TRY(iad_params_load(stage->checkpoint, stage->device, &rules, &stage->params, err));
    IAD_TRY(iad_train_config_adjust(c, &stage->params->config, err));
    return iad_optimizer_new(stage->params, stage->comm, &c->optimizer, &stage->optimizer, err);
}

static iad_status open_loader(iad_stage *stage, const char *part, int batch, iad_loader **loader, iad_err *err) {
    const iad_train_config *c = stage->config;
    const char *tasks[IAD_TRAIN_MAX_PATTERNS];
    for (int i = 0; i < c->tasks.n; i++) tasks[i] = c->tasks.text[i];
    const iad_loader_options options = {.db = stage->o->db,
                                        .model_dir = stage->model_dir,
                                        .stage = c->stage,
                                        .seed = c->seed,
                                        .replay_share = c->replay,
                                        .tasks = c->tasks.n ? tasks : NULL,
                                        .n_task = c->tasks.n,
                                        .part = part,
                                        .batch = batch,
                                        .rank = stage->comm->rank,
                                        .world = stage->comm->world,
                                        .threads = stage->o->loader_threads,
                                        .ahead = 2,
                                        .picture_budget = (size_t)512 << 20,
                                        .mask_scale = c->map_scale,
                                        .max_rows = c->max_rows,
                                        .retention = -1,
                                        .compress = c->model.compression};
    return iad_loader_new(&options, &stage->params->config, loader, err);
}

static iad_status open_data(iad_stage *stage, iad_err *err) {
    const iad_train_config *c = stage->config;
    IAD_TRY(open_loader(stage, "train", c->batch, &stage->loader, err));
    stage->state.steps = c->steps > 0 ? c->steps : iad_loader_steps(stage->loader, c->epochs);
    if (c->eval_every == 0) return IAD_OK;
    iad_status status = open_loader(stage, "eval", c->batch, &stage->held_out, err);
    if (status != IAD_ERR_NOT_FOUND) return status;
    IAD_WARN(stage->o->log, "no held-out records of stage %d: nothing to evaluate on (iad-synth tasks --part eval makes some)", c->stage);
    if (err) *err = IAD_ERR_NONE;
    return IAD_OK;
}

/* From OUT's newest checkpoint, if it has one: the same config and records, or a refusal. */
static iad_status resume(iad_stage *stage, iad_err *err) {
    const iad_stage_options *o = stage->o;
    int64_t step = -1;
    char note[512] = "";
    IAD_TRY(iad_train_store_latest(o->out, &step, err));
    if (step < 0) {
        if (stage->exact) IAD_TRY(iad_train_store_load(o->init, -1, stage->comm, stage->queue, stage->params, NULL, NULL, note, sizeof note, err));
        if (*note && o->log) IAD_WARN(o->log, "%s", note);
        return IAD_OK;
    }
    iad_train_state stored;
    IAD_TRY(iad_train_store_load(o->out, -1, stage->comm, stage->queue, stage->params, stage->optimizer, &stored, note, sizeof note, err));
    if (*note) IAD_WARN(o->log, "%s", note);
    if (stored.stage != stage->config->stage) return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: holds a run of stage %d", o->out, stored.stage);
    if (strcmp(stored.config_sha256, stage->state.config_sha256) != 0)
        return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: holds a run with another training config; another --out, or the config it began with", o->out);
    if (strcmp(stored.data_sha256, stage->state.data_sha256) != 0)
        return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: holds a run on other records: the manifest has changed since", o->out);
    if (strcmp(stored.build, stage->state.build) != 0)
        IAD_WARN(o->log, "%s: began with version %s; the rest may differ in the last bits", o->out, stored.build);
    stored.steps = stage->state.steps;
    snprintf(stored.build, sizeof stored.build, "%s", stage->state.build);
    stage->state = stored;
    iad_optimizer_clock_set(stage->optimizer, &stored.clock);
    return IAD_OK;
}

/* The config beside the checkpoints: what the weights in them are to be read with. */
static iad_status note_config(const iad_stage *stage, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_buf text;
    iad_buf_init(&text, 1u << 20);
    iad_status status = iad_train_config_format(stage->config, &text, err);
    if (status == IAD_OK) status = iad_buf_add_str(&text, "\n", err);
    if (status == IAD_OK) status = iad_path_join(path, sizeof path, stage->o->out, IAD_STAGE_CONFIG, err);
    if (status == IAD_OK) status = iad_file_write(path, iad_buf_str(&text), strlen(iad_buf_str(&text)), err);
    iad_buf_deinit(&text);
    return status;
}

static iad_status open_stage(iad_stage *stage, iad_err *err) {
    const iad_stage_options *o = stage->o;
    const iad_train_config *c = stage->config;
    stage->state = (iad_train_state){.stage = c->stage, .seed = c->seed};
    IAD_TRY(iad_device_new(o->device, o->threads, &stage->device, err));
    IAD_TRY(stage->device->ops->queue_new(stage->device, &stage->queue, err));
    IAD_TRY(open_model(stage, err));
    IAD_TRY(open_data(stage, err));
    IAD_TRY(identify(stage, err));
    const iad_train_store_options keep = {.dir = o->out, .keep = c->keep, .keep_every = c->keep_every, .async = 1};
    IAD_TRY(iad_train_store_open(&keep, stage->comm, &stage->store, err));
    IAD_TRY(resume(stage, err));
    IAD_TRY(iad_train_model_new(stage->params, &c->model, &stage->model, err));
    IAD_TRY(iad_train_ceiling(stage->queue, c->model.compute, &stage->ceiling, err));
    IAD_TRY(iad_comm_fold(stage->comm, &stage->ceiling, 1, IAD_FOLD_SUM, err));
    if (stage->comm->rank != 0) return IAD_OK;
    IAD_TRY(note_config(stage, err));
    return iad_step_log_open(o->out, stage->state.step, o->quiet, &stage->log, err);
}

static iad_status close_stage(iad_stage *stage, iad_status status, iad_err *err) {
    iad_status closed = iad_train_store_close(stage->store, status == IAD_OK ? err : NULL);
    iad_step_log_close(stage->log);
    iad_train_model_free(stage->model);
    iad_loader_free(stage->held_out);
    iad_loader_free(stage->loader);
    iad_optimizer_free(stage->optimizer);
    iad_params_free(stage->params);
    iad_checkpoint_close(stage->checkpoint);
    if (stage->queue) stage->device->ops->queue_free(stage->queue);
    iad_device_free(stage->device);
    return status != IAD_OK ? status : closed;
}

/* ---- the run ---- */

static iad_status save(iad_stage *stage, iad_err *err) {
    return iad_train_store_save(stage->store, stage->queue, stage->params, stage->optimizer, &stage->state, err);
}

static iad_status finish(iad_stage *stage, iad_err *err) {
    char dir[IAD_PATH_MAX];
    IAD_TRY(save(stage, err));
    IAD_TRY(iad_train_store_wait(stage->store, err));
    IAD_TRY(iad_path_join(dir, sizeof dir, stage->o->out, "model", err));
    iad_status status = IAD_OK;
    if (stage->comm->rank == 0)
        status = iad_train_store_export(stage->params, stage->queue, stage->model_dir, dir, stage->config->export_dtype, (uint64_t)4 << 30, 1,
                                        stage->o->stop, err);
    /* The others wait here, and hear how it ended. */
    double code = (double)status;
    iad_status folded = iad_comm_fold(stage->comm, &code, 1, IAD_FOLD_MAX, status == IAD_OK ? err : NULL);
    if (status != IAD_OK) return status;
    if (folded != IAD_OK || code == IAD_OK) return folded;
    return IAD_FAIL(err, (iad_status)code, "rank 0 could not write %s", dir);
}

static iad_status steps(iad_stage *stage, iad_stage_result *result, iad_err *err) {
    iad_train_state *s = &stage->state;
    int64_t saved = s->step;
    while (s->step < s->steps) {
        int stop = 0;
        IAD_TRY(iad_stage_step(stage, result, &stop, err));
        if (stop && s->step < s->steps) {
            IAD_TRY(save(stage, err));
            IAD_TRY(iad_train_store_wait(stage->store, err));
            return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "stopped after step %" PRId64 " of %" PRId64 ", saved; the same command goes on", s->step,
                            s->steps);
        }
        if (s->step - saved >= stage->config->save_every && s->step < s->steps) {
            IAD_TRY(save(stage, err));
            saved = s->step;
        }
    }
    return IAD_OK;
}

/* A finished stage: nothing to do, unless its export is missing (a call that was killed in between). */
static int is_finished(const iad_stage *stage) {
    char path[IAD_PATH_MAX];
    return stage->state.step >= stage->state.steps && iad_path_join(path, sizeof path, stage->o->out, "model/config.json", NULL) == IAD_OK &&
           iad_file_exists(path);
}

iad_status iad_stage_run(const iad_stage_options *options, iad_stage_result *result, iad_err *err) {
    iad_stage stage = {.o = options, .config = options->config, .comm = options->comm};
    double start = iad_clock();
    *result = (iad_stage_result){0};
    iad_status status = open_stage(&stage, err);
    if (status == IAD_OK) {
        result->first_step = stage.state.step;
        if (options->comm->rank == 0)
            IAD_INFO(options->log, "stage %d: %" PRId64 " records, %" PRId64 " steps of %d, from step %" PRId64 "; products reach %.0f GFLOP/s",
                     stage.config->stage, iad_loader_count(stage.loader), stage.state.steps, stage.config->batch, stage.state.step,
                     1e-9 * stage.ceiling);
        if (!is_finished(&stage)) {
            status = steps(&stage, result, err);
            if (status == IAD_OK) status = finish(&stage, err);
        }
        result->step = stage.state.step;
        result->steps = stage.state.steps;
        result->samples = stage.state.samples;
        result->broken = stage.state.broken;
        result->skipped = stage.state.clock.skipped_total;
        result->loss = stage.n_recent ? stage.recent / (double)stage.n_recent : 0;
    }
    if (status != IAD_OK && status != IAD_ERR_INTERRUPTED && options->comm->world > 1) iad_comm_abort(options->comm, err ? err->msg : "failed");
    status = close_stage(&stage, status, err);
    result->seconds = iad_clock() - start;
    return status;
}
