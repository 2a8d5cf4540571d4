/* iad-train run: one stage, from its beginning or from where it stopped. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifests/manifest.h"
#include "train/comm/comm_loopback.h"
#include "train/comm/comm_nccl.h"
#include "train/comm/launch.h"
#include "train/run/stageranks.h"
#include "train/train_cmd.h"

typedef struct options {
    const char *config, *db, *init, *out, *device, *rendezvous, *comm;
    int64_t stage, steps, batch, seed, loader_threads, rank, world, local_rank;
    double epochs, rate, deadline;
} options;

static const char help[] =
    "Trains one stage on the records of a manifest (iad-synth tasks) and leaves checkpoints, metrics.jsonl,\n"
    "metrics.csv, TensorBoard events and, at the end, OUT/model: a folder that iadgpt and transformers load. The\n"
    "same command goes on where it stopped, at any number of ranks. Stage 2 starts from stage 1's OUT, stage 3\n"
    "from stage 2's. Start it under mpirun or srun --mpi=pmi2 for several processes. SIGINT, SIGTERM and SIGUSR1\n"
    "save after the step at hand; after the latter two the exit code is 75. Exit codes: 0 done, 1 failed, 2 wrong\n"
    "usage, 3 done but records were left out, 4 diverged, 75 told to go, 130 interrupted.";

/* The command line over the file. */
static iad_status take_options(const options *o, iad_train_config *config, iad_err *err) {
    IAD_TRY(iad_train_config_load(o->config, config, err));
    if (o->stage && config->stage != (int)o->stage)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s is a config of stage %d, not %d", o->config, config->stage, (int)o->stage);
    if (o->steps > 0) config->steps = o->steps;
    if (o->epochs > 0) {
        config->epochs = o->epochs;
        config->steps = 0;
    }
    if (o->batch > 0) config->batch = (int)o->batch;
    if (o->seed >= 0) config->seed = (uint64_t)o->seed;
    if (o->rate > 0) config->rate = o->rate;
    return IAD_OK;
}

static const char nccl_prefix[] = "nccl:"; /* of --comm; behind it the meeting file */

static iad_status open_ranks(iad_app *app, const options *o, iad_comm **comm, iad_err *err) {
    const iad_launch_flags flags = {(int)o->rank, (int)o->world, (int)o->local_rank, o->rendezvous};
    iad_launch launch;
    char text[256];
    IAD_TRY(iad_launch_find(&flags, NULL, NULL, &launch, err));
    if (launch.note[0]) IAD_WARN(&app->log, "%s", launch.note);
    if (o->comm) launch.transport = IAD_TRANSPORT_NCCL;
    if (o->comm) IAD_TRY(iad_comm_nccl_new(&launch, o->comm + sizeof nccl_prefix - 1, o->deadline, comm, err));
    else IAD_TRY(iad_comm_new(&launch, o->deadline, comm, err));
    iad_launch_describe(&launch, text, sizeof text);
    if (launch.world > 1) IAD_INFO(&app->log, "%s", text);
    return IAD_OK;
}

/* Rank 0 notes the run in the manifest: tool, command line, config, how it ended. */
static iad_status begin_row(iad_app *app, const options *o, const iad_train_config *config, int64_t *id, iad_err *err) {
    iad_manifest *manifest = NULL;
    iad_buf text;
    iad_buf_init(&text, 1u << 20);
    iad_status status = iad_train_config_format(config, &text, err);
    if (status == IAD_OK) status = iad_manifest_open(o->db, IAD_MANIFEST_WRITE, &manifest, err);
    if (status == IAD_OK) status = iad_run_begin(manifest, "iad-train run", app->version, app->argv_text, iad_buf_str(&text), config->seed, id, err);
    iad_manifest_close(manifest);
    iad_buf_deinit(&text);
    return status;
}

static iad_status end_row(const options *o, int64_t id, iad_status status, const iad_stage_result *r, iad_err *err) {
    iad_manifest *manifest = NULL;
    char counts[200];
    snprintf(counts, sizeof counts,
             "{\"broken\":%" PRId64 ",\"samples\":%" PRId64 ",\"skipped\":%" PRId64 ",\"step\":%" PRId64 ",\"steps\":%" PRId64 "}", r->broken,
             r->samples, r->skipped, r->step, r->steps);
    IAD_TRY(iad_manifest_open(o->db, IAD_MANIFEST_WRITE, &manifest, err));
    const char *word = status == IAD_ERR_INTERRUPTED ? "interrupted" : status != IAD_OK ? "failed" : r->broken ? "partial" : "ok";
    iad_status ended = iad_run_end(manifest, id, word, counts, err);
    iad_manifest_close(manifest);
    return ended;
}

static int exit_code(const iad_app *app, iad_status status, const iad_stage_result *r) {
    if (r->diverged) return IAD_EXIT_DIVERGED;
    if (status == IAD_ERR_INTERRUPTED && atomic_load(&app->stop) != SIGINT) return IAD_EXIT_REQUEUE; /* also on ranks that others told */
    if (status == IAD_OK && r->broken) return IAD_EXIT_PARTIAL;
    return iad_app_exit_code(status);
}

/* *world: logical ranks of this process, 0 without --comm loopback. They are no part of a job of processes. */
static iad_status logical_ranks(const options *o, int *world, iad_err *err) {
    iad_launch launch;
    *world = 0;
    if (!o->comm || strncmp(o->comm, nccl_prefix, sizeof nccl_prefix - 1) == 0) return IAD_OK;
    IAD_TRY(iad_loopback_parse(o->comm, world, err));
    if (o->rank >= 0 || o->world >= 0 || o->local_rank >= 0 || o->rendezvous)
        return IAD_FAIL(err, IAD_ERR_ARG, "--comm %s is one process: --rank, --world, --local-rank and --rdzv do not go with it", o->comm);
    IAD_TRY(iad_launch_find(NULL, NULL, NULL, &launch, err));
    if (launch.world > 1) return IAD_FAIL(err, IAD_ERR_ARG, "--comm %s in a job of %d processes: start it once", o->comm, launch.world);
    return IAD_OK;
}

static int run(iad_app *app, const options *o, iad_err *err) {
    iad_train_config config;
    iad_comm *comm = NULL;
    iad_stage_result result = {0};
    int64_t row = 0;
    int logical = 0;
    iad_status status = take_options(o, &config, err);
    if (status == IAD_OK) status = logical_ranks(o, &logical, err);
    if (status == IAD_OK) status = logical ? iad_comm_self_new(&comm, err) : open_ranks(app, o, &comm, err);
    if (status == IAD_OK && comm->rank == 0) status = begin_row(app, o, &config, &row, err);
    if (status == IAD_OK) {
        const iad_stage_options stage = {.config = &config,
                                         .db = o->db,
                                         .init = o->init,
                                         .out = o->out,
                                         .device = o->device,
                                         .threads = (int)app->threads,
                                         .loader_threads = (int)o->loader_threads,
                                         .comm = comm,
                                         .quiet = app->quiet,
                                         .log = &app->log,
                                         .stop = &app->stop};
        status = logical ? iad_stage_run_ranks(&stage, logical, o->deadline, &result, err) : iad_stage_run(&stage, &result, err);
        if (comm->rank == 0) {
            iad_err row_err = IAD_ERR_NONE;
            if (end_row(o, row, status, &result, &row_err) != IAD_OK) IAD_WARN(&app->log, "the run's row: %s", row_err.msg);
            fprintf(stderr,
                    "iad-train run: stage=%d first=%" PRId64 " step=%" PRId64 " steps=%" PRId64 " samples=%" PRId64 " broken=%" PRId64
                    " skipped=%" PRId64 " loss=%.4f seconds=%.1f\n",
                    config.stage, result.first_step, result.step, result.steps, result.samples, result.broken, result.skipped, result.loss,
                    result.seconds);
        }
    }
    iad_comm_free(comm);
    return exit_code(app, status, &result);
}

int iad_cmd_train_run(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {.device = "cpu", .loader_threads = 1, .seed = -1, .rank = -1, .world = -1, .local_rank = -1};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "config", .value = &o.config, .meta = "FILE", .help = "hyper-parameters (train/configs)", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "db", .value = &o.db, .meta = "FILE", .help = "the manifest", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "init", .value = &o.init, .meta = "DIR", .help = "model folder, or OUT of the stage before", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &o.out, .meta = "DIR", .help = "checkpoints, logs, model", .required = 1},
        {.kind = IAD_ARG_INT, .name = "stage", .value = &o.stage, .meta = "N", .help = "refuse a config of another stage", .lo = 1, .hi = 3},
        {.kind = IAD_ARG_INT, .name = "steps", .value = &o.steps, .meta = "N", .help = "instead of the config's", .lo = 1, .hi = INT64_MAX},
        {.kind = IAD_ARG_FLOAT, .name = "epochs", .value = &o.epochs, .meta = "X", .help = "instead of the config's", .flo = 1e-9, .fhi = 1e6},
        {.kind = IAD_ARG_INT, .name = "batch", .value = &o.batch, .meta = "N",
         .help = "records of a step over all ranks, instead of the config's", .lo = 1, .hi = IAD_TRAIN_MAX_BATCH},
        {.kind = IAD_ARG_FLOAT, .name = "rate", .value = &o.rate, .meta = "X",
         .help = "learning rate, instead of the config's", .flo = 1e-12, .fhi = 10},
        {.kind = IAD_ARG_INT, .name = "seed", .value = &o.seed, .meta = "N", .help = "instead of the config's", .lo = 0, .hi = INT64_MAX},
        {.kind = IAD_ARG_STRING, .name = "device", .value = &o.device, .meta = "NAME", .help = "where it computes"},
        {.kind = IAD_ARG_INT, .name = "loader-threads", .value = &o.loader_threads, .meta = "N",
         .help = "threads that prepare records", .lo = 1, .hi = 256},
        {.kind = IAD_ARG_STRING, .name = "comm", .value = &o.comm, .meta = "HOW",
         .help = "loopback:N: ranks as threads of this process (CPU); nccl:FILE: one rank per card, FILE is where they meet"},
        {.kind = IAD_ARG_INT, .name = "rank", .value = &o.rank, .meta = "N",
         .help = "of this process, where no launcher tells", .lo = 0, .hi = 1 << 20},
        {.kind = IAD_ARG_INT, .name = "world", .value = &o.world, .meta = "N", .help = "number of processes", .lo = 1, .hi = 1 << 20},
        {.kind = IAD_ARG_INT, .name = "local-rank", .value = &o.local_rank, .meta = "N", .help = "rank on this machine", .lo = 0, .hi = 1 << 20},
        {.kind = IAD_ARG_STRING, .name = "rdzv", .value = &o.rendezvous, .meta = "HOST:PORT", .help = "where rank 0 is met"},
        {.kind = IAD_ARG_FLOAT, .name = "deadline", .value = &o.deadline, .meta = "S",
         .help = "seconds to wait for other ranks, 0: the default", .flo = 0, .fhi = 1e6},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "run", .usage = "[options]", .help = help};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "\"%.80s\": only options are taken", operands.items[0]));
    if (code < 0) code = run(app, &o, err);
    iad_strings_deinit(&operands);
    return code;
}
