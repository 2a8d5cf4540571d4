/* iad-train inspect: a record as the model takes it, or what a run's folder holds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "train/data/sampleprint.h"
#include "train/run/stagerun.h"
#include "train/run/storedrun.h"
#include "train/train_cmd.h"

typedef struct options {
    const char *db, *model, *config, *run;
    iad_strings tasks;
} options;

static const char help[] =
    "With --db, --model, --config and --task: prints records as the model will see them: pictures with their\n"
    "sizes, the text with what is predicted and which words' attention is supervised, the mask as a small grid.\n"
    "With --run: what the newest checkpoint of a run is.";

/* ---- records ---- */

static iad_status print_records(const options *o, iad_loader *loader, const iad_model_config *model, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, 1u << 24);
    iad_status status = IAD_OK;
    for (size_t i = 0; i < o->tasks.n && status == IAD_OK; i++) {
        int64_t id = 0;
        iad_sample sample = {0};
        status = iad_parse_i64(o->tasks.items[i], 1, INT64_MAX, "--task", &id, err);
        if (status == IAD_OK) status = iad_loader_sample(loader, id, &sample, err);
        if (status == IAD_OK) status = iad_sample_print(&sample, model, iad_loader_tokenizer(loader), -1, &text, err);
        if (status == IAD_OK) status = iad_buf_add_str(&text, "\n", err);
        iad_sample_deinit(&sample);
    }
    if (status == IAD_OK) fputs(iad_buf_str(&text), stdout);
    iad_buf_deinit(&text);
    return status;
}

static iad_status inspect_records(const options *o, iad_err *err) {
    iad_train_config config;
    iad_model_config model;
    iad_loader *loader = NULL;
    char dir[IAD_PATH_MAX];
    int exact;
    IAD_TRY(iad_train_config_load(o->config, &config, err));
    IAD_TRY(iad_stage_init_dir(o->model, dir, sizeof dir, &exact, err));
    IAD_TRY(iad_model_config_load(dir, &model, err));
    IAD_TRY(iad_train_config_adjust(&config, &model, err));
    const iad_loader_options loading = {.db = o->db,
                                        .model_dir = dir,
                                        .stage = config.stage,
                                        .seed = config.seed,
                                        .replay_share = config.replay,
                                        .part = "train",
                                        .batch = 1,
                                        .world = 1,
                                        .threads = 1,
                                        .ahead = 1,
                                        .picture_budget = (size_t)64 << 20,
                                        .mask_scale = config.map_scale,
                                        .max_rows = config.max_rows,
                                        .retention = -1,
                                        .compress = config.model.compression};
    iad_status status = iad_loader_new(&loading, &model, &loader, err);
    if (status == IAD_OK) status = print_records(o, loader, &model, err);
    iad_loader_free(loader);
    return status;
}

/* ---- runs ---- */

/* The state alone would do, but only reading everything tells whether it is whole. */
static iad_status inspect_run(iad_app *app, const options *o, iad_err *err) {
    iad_stored_run stored;
    const iad_train_state *s = &stored.state;
    iad_status status = iad_stored_run_open(&stored, o->run, o->model, -1, (int)app->threads, err);
    if (status == IAD_OK) {
        if (stored.note[0]) IAD_WARN(&app->log, "%s", stored.note);
        printf("stage %d, step %" PRId64 " of %" PRId64 ", seed %" PRIu64 "\n", s->stage, s->step, s->steps, s->seed);
        printf("records seen %" PRId64 ", left out %" PRId64 ", updates skipped %" PRId64 "\n", s->samples, s->broken, s->clock.skipped_total);
        if (s->has_map_range)
            printf("maps scaled by %g to %g (anomaly), %g to %g (normal)\n", s->map_lo[0], s->map_hi[0], s->map_lo[1], s->map_hi[1]);
        printf("config %s\nrecords %s\nversion %s\nchecksums hold\n", s->config_sha256, s->data_sha256, s->build);
    }
    iad_stored_run_close(&stored);
    return status;
}

static iad_status inspect(iad_app *app, const options *o, iad_err *err) {
    if (o->run && !o->db) return inspect_run(app, o, err);
    if (!o->db || !o->model || !o->config || o->tasks.n == 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "either --run, or --db, --model, --config and --task");
    return inspect_records(o, err);
}

int iad_cmd_train_inspect(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &o.db, .meta = "FILE", .help = "the manifest"},
        {.kind = IAD_ARG_LIST, .name = "task", .value = &o.tasks, .meta = "ID", .help = "number of a record"},
        {.kind = IAD_ARG_STRING, .name = "model", .value = &o.model, .meta = "DIR", .help = "model folder, or OUT of a stage: sizes, tokenizer"},
        {.kind = IAD_ARG_STRING, .name = "config", .value = &o.config, .meta = "FILE", .help = "hyper-parameters of the stage"},
        {.kind = IAD_ARG_STRING, .name = "run", .value = &o.run, .meta = "DIR",
         .help = "OUT of a run (--model: the folder it began with, while it is unfinished)"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "inspect", .usage = "[options]", .help = help};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "\"%.80s\": only options are taken", operands.items[0]));
    if (code < 0) code = iad_app_exit_code(inspect(app, &o, err));
    iad_strings_deinit(&operands);
    iad_strings_deinit(&o.tasks);
    return code;
}
