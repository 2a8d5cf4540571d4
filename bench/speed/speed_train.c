#include "bench/speed/speed_train.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/progress.h"
#include "bench/probe/probe.h"
#include "bench/speed/askpython.h"
#include "bench/speed/trainrecords.h"
#include "runtime/model/newmodel.h"
#include "train/model/trainmodel.h"
#include "train/param/optimizer.h"
#include "train/run/ceiling.h"

enum { MAX_BATCH = 64, FORMATS = 2, THEIRS = 3, ANSWER_MAX = 1 << 16, PROBE_ROWS = 2048 };

static const iad_dtype formats[FORMATS] = {IAD_F32, IAD_BF16};
static const char *const format_names[FORMATS] = {"f32", "bf16"};

static const iad_speed_case cases[] = {
    {2, 112, 0, 0, 0}, {2, 112, 0, 1, 0}, {5, 112, 0, 0, 0}, {5, 112, 0, 1, 0}, {2, 224, 0, 0, 0}, {2, 224, 0, 1, 0},
    {5, 224, 0, 0, 0}, {5, 224, 0, 1, 0}, {2, 112, 1, 0, 0}, {5, 224, 1, 0, 0}, {5, 224, 0, 1, 1},
};
enum { CASES = sizeof cases / sizeof *cases };

/* Of one case in one number format. */
typedef struct reached {
    double seconds, flops;
    double ce, map;      /* of the checkpoint's weights */
    int64_t rows, patches;
    size_t peak;         /* device memory */
} reached;

typedef struct theirs {
    double seconds, ce, map;
} theirs;

typedef struct results {
    reached ours[CASES][FORMATS];
    theirs other[CASES][THEIRS]; /* f32, bf16 (autocast), bf16-pure; seconds 0: not there */
    double product[FORMATS];     /* FLOP/s of oneDNN's bare product, best of all tries */
    int ran;
    char version[128];
} results;

/* ---- ours ---- */

typedef struct trainer {
    iad_device *device;
    iad_queue *queue;
    iad_comm *comm;
    iad_params *params;
    iad_optimizer *optimizer;
    iad_train_model *model;
    iad_sample samples[MAX_BATCH];
    const iad_sample *list[MAX_BATCH];
    int n;
} trainer;

static int is_processor(const iad_speed_train_options *o) { return strncmp(o->device, "cuda", 4) != 0; }

static void trainer_deinit(trainer *t) {
    for (int i = 0; i < t->n; i++) iad_sample_deinit(&t->samples[i]);
    iad_train_model_free(t->model);
    iad_optimizer_free(t->optimizer);
    iad_params_free(t->params);
    if (t->queue) t->device->ops->queue_free(t->queue);
    iad_device_free(t->device);
    iad_comm_free(t->comm);
}

static iad_status trainer_init(trainer *t, const iad_speed_train_options *o, const iad_checkpoint *checkpoint, const iad_speed_case *c,
                               iad_dtype compute, iad_err *err) {
    const iad_model_config *config = iad_checkpoint_config(checkpoint);
    const char *freeze[3], *unfreeze[] = {"visual.merger.*"};
    iad_param_rules rules = {.freeze = freeze, .unfreeze = unfreeze, .n_unfreeze = c->tower ? 0 : 1};
    if (!c->tower) freeze[rules.n_freeze++] = "visual.*";
    if (!c->paper && config->paper.fusion != IAD_FUSION_OFF) freeze[rules.n_freeze++] = "iadgpt.*";
    iad_optimizer_options update = iad_optimizer_defaults();
    const iad_train_model_options options = {.compute = compute, .map = iad_map_options_default(), .map_weight = c->maps, .fusion = c->paper,
                                             .compression = c->paper};
    IAD_TRY(iad_device_new(o->device, o->threads, &t->device, err));
    IAD_TRY(t->device->ops->queue_new(t->device, &t->queue, err));
    IAD_TRY(iad_comm_self_new(&t->comm, err));
    IAD_TRY(iad_params_load(checkpoint, t->device, &rules, &t->params, err));
    IAD_TRY(iad_optimizer_new(t->params, t->comm, &update, &t->optimizer, err));
    IAD_TRY(iad_train_model_new(t->params, &options, &t->model, err));
    while (t->n < o->batch) {
        t->list[t->n] = &t->samples[t->n];
        t->n++;
        IAD_TRY(iad_speed_record(config, c, t->n - 1, o->answer, &t->samples[t->n - 1], err));
    }
    return IAD_OK;
}

static iad_train_sums no_sums(void) {
    return (iad_train_sums){.map_min = {INFINITY, INFINITY}, .map_max = {-INFINITY, -INFINITY}};
}

/* The rate is 0, so that every step sees the same weights; the update does all of its work nevertheless. */
static iad_status one_step(trainer *t, int answer, int maps, const iad_map_range *range, iad_train_sums *sums, iad_err *err) {
    iad_step_result update;
    *sums = no_sums();
    IAD_TRY(iad_params_zero_grad(t->params, t->queue, err));
    IAD_TRY(iad_train_model_run(t->model, t->queue, t->list, t->n, 1.0 / ((double)t->n * answer), maps ? 1.0 / t->n : 0, range, sums, err));
    IAD_TRY(iad_optimizer_step(t->optimizer, t->queue, 0, 1, &update, err));
    if (update.skipped) return IAD_FAIL(err, IAD_ERR_INTERNAL, "a step whose gradient is not finite");
    return iad_train_model_refresh(t->model, t->queue, 0, err);
}

static iad_status measure_case(trainer *t, const iad_speed_train_options *o, const iad_speed_case *c, reached *r, iad_err *err) {
    iad_train_sums sums = no_sums();
    iad_map_range range = {.hi = {1, 1}};
    if (c->maps) {
        IAD_TRY(iad_train_model_eval(t->model, t->queue, t->list, t->n, NULL, &sums, err));
        for (int k = 0; k < 2; k++) range.lo[k] = sums.map_min[k], range.hi[k] = sums.map_max[k];
    }
    for (int repeat = 0; repeat <= o->repeats; repeat++) {
        double start = iad_clock();
        IAD_TRY(one_step(t, o->answer, c->maps, &range, &sums, err));
        double seconds = iad_clock() - start;
        if (repeat > 0 && (r->seconds == 0 || seconds < r->seconds)) r->seconds = seconds; /* the first one grows buffers */
    }
    iad_device_memory memory;
    iad_device_memory_get(t->device, &memory);
    r->flops = sums.flops, r->rows = sums.n_row, r->patches = sums.n_patch, r->peak = memory.peak;
    r->ce = sums.ce / sums.n_token;
    r->map = c->maps ? (sums.focal + sums.dice) / sums.n_map : 0;
    return IAD_OK;
}

static iad_status measure_ours(const iad_speed_train_options *o, const iad_checkpoint *checkpoint, results *all, iad_err *err) {
    for (int f = 0; f < FORMATS; f++)
        for (int i = 0; i < CASES; i++) {
            trainer t = {0};
            iad_status status = trainer_init(&t, o, checkpoint, &cases[i], formats[f], err);
            if (status == IAD_OK) status = measure_case(&t, o, &cases[i], &all->ours[i][f], err);
            trainer_deinit(&t);
            if (status != IAD_OK) return iad_err_prefix(err, "%d pictures of %d pixels, %s", cases[i].pictures, cases[i].side, format_names[f]);
        }
    return IAD_OK;
}

/* ---- the machine ---- */

/* The bare product that steps are measured by: on a processor oneDNN's of the language model's widest layer, by the rows of a case; on a card that
 * of its own library. Called between the other measurements too: clocks and neighbours change, and the best is what the machine can do. */
static iad_status measure_product(const iad_speed_train_options *o, iad_device *device, const iad_model_config *config, iad_dtype format,
                                  double *rate, iad_err *err) {
    if (is_processor(o)) {
        iad_probe_product_result r;
        IAD_TRY(iad_probe_product(device, format, PROBE_ROWS, config->text.hidden, 2 * (int64_t)config->text.intermediate, 10, &r, err));
        *rate = r.rate * 1e9;
        return IAD_OK;
    }
    iad_queue *queue = NULL;
    IAD_TRY(device->ops->queue_new(device, &queue, err));
    iad_status status = iad_train_ceiling(queue, format, rate, err);
    device->ops->queue_free(queue);
    return status;
}

static iad_status measure_machine(const iad_speed_train_options *o, const iad_model_config *config, results *all, iad_err *err) {
    iad_device *device = NULL;
    IAD_TRY(iad_device_new(o->device, o->threads, &device, err));
    iad_status status = IAD_OK;
    for (int f = 0; f < FORMATS && status == IAD_OK; f++) {
        double rate = 0;
        status = measure_product(o, device, config, formats[f], &rate, err);
        if (status == IAD_OK && rate > all->product[f]) all->product[f] = rate;
    }
    iad_device_free(device);
    return status;
}

/* ---- theirs ---- */

static void take_line(const char *line, results *all) {
    int pictures, side, tower, maps;
    char format[16];
    theirs t;
    static const char *const names[THEIRS] = {"f32", "bf16", "bf16-pure"};
    if (!strncmp(line, "version ", 8)) snprintf(all->version, sizeof all->version, "%s", line + 8);
    if (sscanf(line, "step %d:%d:%d:%d %15s %lf %lf %lf", &pictures, &side, &tower, &maps, format, &t.seconds, &t.ce, &t.map) != 8) return;
    for (int i = 0; i < CASES; i++)
        for (int k = 0; k < THEIRS; k++)
            if (!cases[i].paper && cases[i].pictures == pictures && cases[i].side == side && cases[i].tower == tower && cases[i].maps == maps &&
                !strcmp(format, names[k]))
                all->other[i][k] = t;
}

static iad_status measure_theirs(const iad_speed_train_options *o, const char *model, const iad_model_config *config, results *all, iad_err *err) {
    enum { N = 8 };
    char numbers[4][16], layers[16 * IAD_CFG_MAX_TAPS] = "", shapes[CASES][40];
    const char *words[N + 1 + CASES + 1] = {o->python, o->baseline, model};
    const int values[4] = {o->threads, o->repeats, o->batch, o->answer};
    int at = 3;
    for (int i = 0; i < 4; i++) snprintf(numbers[i], sizeof numbers[i], "%d", values[i]), words[at++] = numbers[i];
    words[at++] = is_processor(o) ? "cpu" : o->device;
    size_t n = 0;
    for (int i = 0; i < config->paper.n_map_layers; i++)
        n += (size_t)snprintf(layers + n, sizeof layers - n, "%s%d", i ? "," : "", config->paper.map_layers[i]);
    words[at++] = layers;
    for (int i = 0; i < CASES; i++) {
        if (cases[i].paper) continue;
        snprintf(shapes[i], sizeof shapes[i], "%d:%d:%d:%d", cases[i].pictures, cases[i].side, cases[i].tower, cases[i].maps);
        words[at++] = shapes[i];
    }
    iad_buf answer;
    iad_buf_init(&answer, ANSWER_MAX);
    iad_status status = iad_ask_python(words, &answer, &all->ran, err);
    char *rest = NULL;
    for (char *line = answer.data ? strtok_r(answer.data, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) take_line(line, all);
    iad_buf_deinit(&answer);
    return status;
}

/* ---- the tables ---- */

static void number(FILE *out, int width, int digits, double value) {
    if (isfinite(value) && value > 0) fprintf(out, " %*.*f", width, digits, value);
    else fprintf(out, " %*s", width, "-");
}

static void print_steps(FILE *out, const iad_speed_train_options *o, const results *all) {
    fprintf(out, "# %s: bare product (%s) f32 %.0f, bf16 %.0f GFLOP/s; %d threads; best of %d steps\n", o->device,
            is_processor(o) ? "oneDNN" : "its library", all->product[0] * 1e-9, all->product[1] * 1e-9, o->threads, o->repeats);
    fprintf(out, "# steps of %d records with %d supervised tokens each; rows are those of the language model; share: of that product;\n"
                 "# torch in samples/s: bf16 by autocast, and with weights and states in pure bf16; ratio: ours / theirs; diff: of the losses\n",
            o->batch, o->answer);
    fprintf(out, "%-40s %-5s %9s %9s %8s %6s %8s %9s %6s %9s %6s %8s\n", "", "", "samples/s", "rows/s", "GFLOP/s", "share", "MiB", "torch", "ratio",
            "pure", "ratio", "diff");
    for (int f = 0; f < FORMATS; f++)
        for (int i = 0; i < CASES; i++) {
            const iad_speed_case *c = &cases[i];
            const reached *r = &all->ours[i][f];
            const theirs *t = &all->other[i][f], *pure = f == 1 ? &all->other[i][2] : NULL;
            char name[64];
            snprintf(name, sizeof name, "%d x %d px, tower %s%s%s", c->pictures, c->side, c->tower ? "trained" : "frozen", c->maps ? ", maps" : "",
                     c->paper ? ", fusion, 20 %" : "");
            fprintf(out, "%-40s %-5s", name, format_names[f]);
            number(out, 9, 2, o->batch / r->seconds);
            number(out, 9, 0, (double)r->rows / r->seconds);
            number(out, 8, 0, r->flops / r->seconds * 1e-9);
            number(out, 6, 2, r->flops / r->seconds / all->product[f]);
            number(out, 8, 0, (double)r->peak / 1048576);
            number(out, 9, 2, t->seconds > 0 ? o->batch / t->seconds : 0);
            number(out, 6, 2, t->seconds / r->seconds);
            number(out, 9, 2, pure && pure->seconds > 0 ? o->batch / pure->seconds : 0);
            number(out, 6, 2, pure ? pure->seconds / r->seconds : 0);
            if (t->seconds > 0) fprintf(out, " %8.1e\n", fabs(r->ce + r->map - t->ce - t->map));
            else fprintf(out, " %8s\n", "-");
        }
    if (all->ran) fprintf(out, "# %s\n", all->version);
    else fprintf(out, "# transformers: no baseline (%s)\n", o->python ? "it could not be run" : "no interpreter given");
}

/* A random model in a folder of its own, when none was given. */
static iad_status make_model(char *dir, iad_err *err) {
    iad_model_config config;
    IAD_TRY(iad_newmodel_config("small", &config, err));
    const iad_newmodel_options options = {.seed = 1, .dtype = IAD_F32};
    if (!mkdtemp(dir)) return IAD_FAIL(err, IAD_ERR_IO, "%s: %s", dir, strerror(errno));
    return iad_model_new(&config, &options, dir, NULL, NULL, err);
}

static void remove_model(const char *dir) {
    static const char *const files[] = {"config.json", "generation_config.json", "preprocessor_config.json", "model.safetensors"};
    char path[IAD_PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (iad_path_join(path, sizeof path, dir, files[i], NULL) == IAD_OK) unlink(path);
    rmdir(dir);
}

static iad_status measure_all(FILE *out, const iad_speed_train_options *o, const char *model, results *all, iad_err *err) {
    iad_checkpoint *checkpoint = NULL;
    IAD_TRY(iad_checkpoint_open(model, &checkpoint, NULL, err));
    const iad_model_config *config = iad_checkpoint_config(checkpoint);
    iad_status status = measure_machine(o, config, all, err);
    if (status == IAD_OK) status = measure_ours(o, checkpoint, all, err);
    if (status == IAD_OK) status = measure_machine(o, config, all, err);
    if (status == IAD_OK && o->python) status = measure_theirs(o, model, config, all, err);
    if (status == IAD_OK) print_steps(out, o, all);
    iad_checkpoint_close(checkpoint);
    return status;
}

iad_status iad_speed_train(FILE *out, const iad_speed_train_options *o, iad_err *err) {
    if (o->batch < 1 || o->batch > MAX_BATCH) return IAD_FAIL(err, IAD_ERR_ARG, "--batch: 1 to %d", MAX_BATCH);
    if (o->answer < 8 || o->answer > 1024) return IAD_FAIL(err, IAD_ERR_ARG, "--answer: 8 to 1024 tokens");
    char dir[] = "/tmp/iad-speed-XXXXXX";
    results *all = iad_calloc(1, sizeof *all);
    if (!all) return IAD_NOMEM(err, "results");
    iad_status status = o->model ? IAD_OK : make_model(dir, err);
    if (status == IAD_OK) status = measure_all(out, o, o->model ? o->model : dir, all, err);
    if (!o->model) remove_model(dir);
    free(all);
    return status;
}
