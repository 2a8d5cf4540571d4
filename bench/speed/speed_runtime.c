#include "bench/speed/speed_runtime.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "bench/probe/probe.h"
#include "bench/speed/askpython.h"
#include "runtime/iadgpt.h"
#include "runtime/model/checkpoint.h"

enum { MAX_SHOTS = 16, FORMATS = 3, ANSWER_MAX = 1 << 16, MEMORY_BYTES = 1 << 30 };

static const char *const format_names[FORMATS] = {"bf16", "int8", "f32"};
static const double format_bytes[FORMATS] = {2, 1, 4};

typedef struct machine {
    double product[FORMATS]; /* FLOP/s of the bare product, best of all tries */
    double read;             /* bytes/s */
} machine;

/* What one number format reached; seconds, minima over the repeats. */
typedef struct reached {
    double load, first, following, vision, prefill, preprocess, token, compressed_first, compressed_following;
    int64_t prompt, reused; /* tokens of a query, and of its shared prefix */
    uint64_t weights, peak, resident;
} reached;

typedef struct baseline {
    int ran;
    double first, following, processor, token;
    char version[128];
} baseline;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void keep_min(double *best, double value) {
    if (*best == 0 || value < *best) *best = value;
}

static iad_status check(iadgpt_status status, const iadgpt_error *error, iad_err *err) {
    return status == IADGPT_OK
               ? IAD_OK
               : IAD_FAIL(err, status == IADGPT_ERR_ARG ? IAD_ERR_ARG : IAD_ERR_INTERNAL, "%s", error->message);
}

/* ---- the machine ---- */

/* Called between the other measurements too: clocks and neighbours change, and the best is what the machine can do. */
static iad_status measure_machine(const iad_speed_runtime_options *o, const iad_model_config *config, machine *m,
                                  iad_err *err) {
    iad_device *device = NULL;
    IAD_TRY(iad_device_cpu_new(o->threads, IAD_CPU_AUTO, &device, err));
    const iad_dtype storage[FORMATS] = {IAD_BF16, IAD_I8, IAD_F32};
    iad_status status = IAD_OK;
    for (int i = 0; i < FORMATS && status == IAD_OK; i++) {
        iad_probe_product_result r;
        status =
            iad_probe_product(device, storage[i], 1024, config->text.hidden, config->text.intermediate, 3, &r, err);
        if (status == IAD_OK && r.rate * 1e9 > m->product[i]) m->product[i] = r.rate * 1e9;
    }
    double rate = 0;
    if (status == IAD_OK) status = iad_probe_read(device, MEMORY_BYTES, 3, &rate, err);
    if (rate * 1e9 > m->read) m->read = rate * 1e9;
    iad_device_free(device);
    return status;
}

/* ---- floating point operations (a multiply-add counts twice) ---- */

static double vision_flop(const iad_vision_config *v, int side) {
    double g = side / v->patch, p = g * g, t = p / (v->merge * v->merge), c = v->hidden, wide = c * v->merge * v->merge;
    double w = v->window / v->patch, windows = 0;
    for (double y = 0; y < g; y += w)
        for (double x = 0; x < g; x += w) {
            double n = fmin(w, g - y) * fmin(w, g - x);
            windows += n * n;
        }
    double flop = 2 * p * v->in_channels * v->temporal * v->patch * v->patch * c;
    flop += v->depth * 2 * p * (4 * c * c + 3 * c * v->intermediate);
    flop += (v->depth - v->n_fullatt) * 4 * c * windows + v->n_fullatt * 4 * c * p * p;
    return flop + 2 * t * (wide * wide + wide * v->out_hidden);
}

/* n new rows behind `past` rows. */
static double text_flop(const iad_text_config *t, double past, double n) {
    double d = t->hidden, kv = (double)t->kv_heads * t->head_dim, all = past + n;
    return t->layers * 2 * n * (2 * d * d + 2 * d * kv + 3 * d * t->intermediate) +
           t->layers * 2 * d * (all * (all + 1) - past * (past + 1)) + 2 * d * t->vocab;
}

/* Bytes that one token of an answer must read. */
static double token_bytes(const iad_text_config *t, double element, double kv_element, double tokens) {
    double d = t->hidden, kv = (double)t->kv_heads * t->head_dim;
    return element * (t->layers * (2 * d * d + 2 * d * kv + 3 * d * t->intermediate) + d * t->vocab) +
           t->layers * 2 * kv * kv_element * tokens;
}

/* ---- our engine ---- */

static void paint(uint8_t *px, int side, int k) {
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            for (int c = 0; c < 3; c++) *px++ = (uint8_t)(7 * y + 13 * x + 31 * c + 17 * k + 5 * ((x * y) % 11));
}

/* Largest resident set since the last call, bytes; 0 where the system does not say. Mapped pages of the checkpoint
 * count. */
static uint64_t resident_peak(int reset) {
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmHWM:", 6)) kib = strtoull(line + 6, NULL, 10);
    if (f) fclose(f);
    int fd = reset ? open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        if (write(fd, "5", 1) != 1) kib = 0;
        close(fd);
    }
    return kib * 1024;
}

static iad_status one_repeat(const iad_speed_runtime_options *o, iadgpt_session *session,
                             const iadgpt_picture *pictures, double retention, reached *r, iad_err *err) {
    iadgpt_error error = {0};
    iadgpt_settings settings;
    iadgpt_settings_defaults(&settings);
    settings.image_height = settings.image_width = o->side;
    settings.retention = retention;
    iadgpt_exemplars *exemplars = NULL;
    iadgpt_result result;
    int whole = retention >= 1;
    double start = now();
    IAD_TRY(check(iadgpt_exemplars_prepare(session, pictures, o->shots, &settings, &exemplars, &error), &error, err));
    iad_status status = check(iadgpt_inspect(session, exemplars, &pictures[o->shots], 1, &result, &error), &error, err);
    keep_min(whole ? &r->first : &r->compressed_first, now() - start);
    for (int i = 0; i < 2 && status == IAD_OK; i++) {
        start = now();
        status = check(iadgpt_inspect(session, exemplars, &pictures[o->shots], 1, &result, &error), &error, err);
        keep_min(whole ? &r->following : &r->compressed_following, now() - start);
        if (!whole) continue;
        keep_min(&r->vision, 1e-3 * result.timings.vision);
        keep_min(&r->prefill, 1e-3 * result.timings.prefill);
        keep_min(&r->preprocess, 1e-3 * result.timings.preprocess);
        r->prompt = result.timings.prompt_tokens;
        r->reused = result.timings.reused_tokens;
    }
    if (whole && status == IAD_OK && o->answer > 0) {
        iadgpt_generate_options words;
        iadgpt_generate_defaults(&words);
        words.max_tokens = o->answer;
        words.temperature = 1; /* a greedy random model repeats itself and would be stopped */
        words.seed = 1;
        iadgpt_answer answer;
        status = check(iadgpt_generate(session, &words, &answer, &error), &error, err);
        if (status == IAD_OK && answer.timings.generated_tokens > 0)
            keep_min(&r->token, 1e-3 * answer.timings.decode / (double)answer.timings.generated_tokens);
    }
    iadgpt_exemplars_free(exemplars);
    return status;
}

static iad_status measure_format(const iad_speed_runtime_options *o, int format, const iadgpt_picture *pictures,
                                 reached *r, iad_err *err) {
    iadgpt_error error = {0};
    iadgpt_engine_options options;
    iadgpt_engine_defaults(&options);
    options.threads = o->threads;
    options.weights = options.vision_weights = format_names[format];
    options.exemplar_cache = 0; /* every preparation is a first one */
    iadgpt_engine *engine = NULL;
    iadgpt_session *session = NULL;
    resident_peak(1);
    double start = now();
    IAD_TRY(check(iadgpt_engine_open(o->model, &options, &engine, &error), &error, err));
    r->load = now() - start;
    iad_status status = check(iadgpt_session_new(engine, &session, &error), &error, err);
    int repeats = format == FORMATS - 1 ? 1 : o->repeats; /* f32 is shown for its size only, and slow */
    for (int i = 0; i < repeats && status == IAD_OK; i++) status = one_repeat(o, session, pictures, 1.0, r, err);
    iadgpt_memory memory;
    iadgpt_engine_memory(engine, &memory);
    r->weights = memory.weights;
    r->peak = memory.peak;
    r->resident = resident_peak(0);
    if (status == IAD_OK && format != FORMATS - 1) status = one_repeat(o, session, pictures, 0.2, r, err);
    iadgpt_session_free(session);
    iadgpt_engine_close(engine);
    return status;
}

/* ---- theirs ---- */

static iad_status run_python(const iad_speed_runtime_options *o, int64_t text_tokens, iad_buf *answer, int *ok,
                             iad_err *err) {
    const long long numbers[] = {o->threads, o->repeats, o->shots + 1, o->side, (long long)text_tokens, o->answer};
    enum { N = sizeof numbers / sizeof *numbers };
    char texts[N][24];
    const char *words[3 + N + 1] = {o->python, o->baseline, o->model};
    for (int i = 0; i < N; i++) {
        snprintf(texts[i], sizeof texts[i], "%lld", numbers[i]);
        words[3 + i] = texts[i];
    }
    return iad_ask_python(words, answer, ok, err);
}

static iad_status measure_theirs(const iad_speed_runtime_options *o, int64_t text_tokens, baseline *b, iad_err *err) {
    iad_buf answer;
    iad_buf_init(&answer, ANSWER_MAX);
    iad_status status = run_python(o, text_tokens, &answer, &b->ran, err);
    char *rest = NULL;
    for (char *line = answer.data ? strtok_r(answer.data, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        char key[32];
        double value;
        if (sscanf(line, "%31s %lf", key, &value) == 2) {
            if (!strcmp(key, "first")) b->first = value;
            else if (!strcmp(key, "following")) b->following = value;
            else if (!strcmp(key, "processor")) b->processor = value;
            else if (!strcmp(key, "token")) b->token = value;
        }
        if (!strncmp(line, "version ", 8)) snprintf(b->version, sizeof b->version, "%s", line + 8);
    }
    iad_buf_deinit(&answer);
    return status;
}

/* ---- the tables ---- */

static void print_tables(FILE *out, const iad_speed_runtime_options *o, const iad_model_config *config,
                         const machine *m, const reached r[FORMATS], const baseline *b) {
    double picture = vision_flop(&config->vision, o->side);
    fprintf(out,
            "# %d text layers, %d vision blocks, hidden %d, vocabulary %d; %d + 1 pictures of %dx%d, %lld prompt "
            "tokens of which %lld are shared; %d threads\n",
            config->text.layers, config->vision.depth, config->text.hidden, config->text.vocab, o->shots, o->side,
            o->side, (long long)r[0].prompt, (long long)r[0].reused, o->threads);
    fprintf(
        out,
        "# this machine: bare product bf16 %.0f GFLOP/s, int8 %.0f GOP/s, f32 %.0f GFLOP/s; reading memory %.1f GB/s\n",
        m->product[0] * 1e-9, m->product[1] * 1e-9, m->product[2] * 1e-9, m->read * 1e-9);
    fprintf(out, "%-44s %12s %12s %12s %14s\n", "", "ours bf16", "ours int8", "ours f32", "transformers");
    const struct {
        const char *name;
        size_t at;
        double theirs;
    } rows[] = {{"load, s", offsetof(reached, load), 0}, /* theirs maps the file and reads it in the first query */
                {"first query, s", offsetof(reached, first), b->first},
                {"following query, s", offsetof(reached, following), b->following},
                {"  pictures to patches, s", offsetof(reached, preprocess), b->processor},
                {"  vision tower, s", offsetof(reached, vision), 0},
                {"  language model, s", offsetof(reached, prefill), 0},
                {"first query, 20 % of tokens kept, s", offsetof(reached, compressed_first), 0},
                {"following query, 20 % of tokens kept, s", offsetof(reached, compressed_following), 0},
                {"a token of the answer, s", offsetof(reached, token), b->token}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fprintf(out, "%-44s", rows[i].name);
        for (int f = 0; f < FORMATS; f++) {
            double v;
            memcpy(&v, (const char *)&r[f] + rows[i].at, sizeof v);
            if (v > 0) fprintf(out, " %12.4f", v);
            else fprintf(out, " %12s", "-");
        }
        if (rows[i].theirs > 0) fprintf(out, " %14.4f\n", rows[i].theirs);
        else fprintf(out, " %14s\n", "-");
    }
    const char *const names[] = {"first query, rate / bare product",
                                 "vision tower, rate / bare product",
                                 "language model, rate / bare product",
                                 "answer, bytes read / reading memory",
                                 "first query, times bf16",
                                 "following query, times bf16",
                                 "first query, transformers / ours",
                                 "following query, transformers / ours",
                                 "answer, transformers / ours",
                                 "held on the device / packed weights",
                                 "more than the packed weights, MiB",
                                 "resident at most, MiB"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fprintf(out, "%-44s", names[i]);
        for (int f = 0; f < FORMATS; f++) {
            const reached *x = &r[f];
            double past = (double)x->reused, rest = (double)(x->prompt - x->reused),
                   all = (o->shots + 1) * picture + text_flop(&config->text, 0, (double)x->prompt);
            double values[] = {all / x->first / m->product[f],
                               picture / x->vision / m->product[f],
                               text_flop(&config->text, past, rest) / x->prefill / m->product[f],
                               token_bytes(&config->text, format_bytes[f], f == 2 ? 4 : 2, (double)x->prompt) /
                                   x->token / m->read,
                               r[0].first / x->first,
                               r[0].following / x->following,
                               b->first / x->first,
                               b->following / x->following,
                               b->token / x->token,
                               (double)x->peak / (double)x->weights,
                               (double)(x->peak - x->weights) / 1048576,
                               (double)x->resident / 1048576};
            if (isfinite(values[i]) && values[i] > 0) fprintf(out, i >= 10 ? " %12.0f" : " %12.3f", values[i]);
            else fprintf(out, " %12s", "-");
        }
        fputc('\n', out);
    }
    if (b->ran) fprintf(out, "# %s\n", b->version);
    else fprintf(out, "# transformers: no baseline (%s)\n", o->python ? "it could not be run" : "no interpreter given");
}

iad_status iad_speed_runtime(FILE *out, const iad_speed_runtime_options *o, iad_err *err) {
    if (o->shots < 1 || o->shots > MAX_SHOTS) return IAD_FAIL(err, IAD_ERR_ARG, "--shots: 1 to %d", MAX_SHOTS);
    iad_model_config config;
    IAD_TRY(iad_model_config_load(o->model, &config, err));
    machine m = {.read = 0};
    reached r[FORMATS] = {{0}};
    baseline b = {0};
    size_t bytes = (size_t)o->side * (size_t)o->side * 3;
    uint8_t *pixels = iad_alloc((size_t)o->shots + 1, bytes);
    if (pixels == NULL) return IAD_NOMEM(err, "pictures");
    iadgpt_picture pictures[MAX_SHOTS + 1];
    for (int i = 0; i <= o->shots; i++) {
        pictures[i] =
            (iadgpt_picture){.width = o->side, .height = o->side, .channels = 3, .pixels = pixels + (size_t)i * bytes};
        paint(pixels + (size_t)i * bytes, o->side, i);
    }
    iad_status status = measure_machine(o, &config, &m, err);
    for (int f = 0; f < FORMATS && status == IAD_OK; f++) {
        status = measure_format(o, f, pictures, &r[f], err);
        if (status == IAD_OK) status = measure_machine(o, &config, &m, err);
    }
    int64_t tokens = (int64_t)(o->side / config.vision.patch / config.vision.merge) *
                     (o->side / config.vision.patch / config.vision.merge);
    int64_t text_tokens = r[0].prompt - (o->shots + 1) * (tokens + 2);
    if (status == IAD_OK && o->python != NULL) status = measure_theirs(o, text_tokens, &b, err);
    if (status == IAD_OK) print_tables(out, o, &config, &m, r, &b);
    free(pixels);
    return status;
}
