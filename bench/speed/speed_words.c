#include "bench/speed/speed_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "bench/speed/askpython.h"
#include "bench/words/words.h"

enum { PATH_SIZE = 1024, MAX_BYTES = 1 << 24, MAX_ANSWER = 1 << 16 };

/* Texts of from..to sentences, as answers about a part are. */
typedef struct text_kind {
    const char *name;
    int n, from, to;
} text_kind;
static const text_kind kinds[] = {{"one sentence", 1024, 1, 1}, {"1 to 8 sentences", 512, 1, 8}, {"25 sentences, cut off", 96, 25, 25}};

typedef struct bench {
    const iad_speed_words_options *options;
    FILE *out;
    char dir[PATH_SIZE], texts[PATH_SIZE], vectors[PATH_SIZE];
    iad_words *words;
    int dim;
} bench;

typedef struct cost {
    double wall_s, cpu_s;
} cost;

static double seconds_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static iad_status add_sentence(iad_buf *text, iad_rng *rng, iad_err *err) {
    static const char *const parts[] = {"screw", "bottle", "capsule", "circuit board", "gear", "bearing", "cable", "carpet", "zipper", "housing",
                                        "gasket", "lens"};
    static const char *const verbs[] = {"shows", "has", "exhibits", "seems to have", "clearly has", "does not have"};
    static const char *const shapes[] = {"a small", "a long, thin", "a 3.5 mm wide", "an irregular", "a barely visible", "a deep"};
    static const char *const defects[] = {"scratch", "dent", "crack", "chip", "stain", "hole", "bend", "burr", "discoloration", "short circuit",
                                          "fold", "tear"};
    static const char *const places[] = {"at the upper left", "near the centre", "along the rim", "on the thread", "at the lower right corner",
                                         "close to pin 3"};
    return iad_buf_addf(text, err, "The %s %s %s %s %s.", parts[iad_rng_below(rng, 12)], verbs[iad_rng_below(rng, 6)], shapes[iad_rng_below(rng, 6)],
                        defects[iad_rng_below(rng, 12)], places[iad_rng_below(rng, 6)]);
}

/* A text per line, into `text` and the file. */
static iad_status make_texts(const bench *b, const text_kind *kind, iad_buf *text, iad_err *err) {
    iad_rng rng;
    iad_rng_init(&rng, 3, (uint64_t)(kind - kinds));
    for (int i = 0; i < kind->n; i++) {
        int n = iad_rng_int(&rng, kind->from, kind->to);
        for (int k = 0; k < n; k++) {
            if (k) IAD_TRY(iad_buf_add_str(text, " ", err));
            IAD_TRY(add_sentence(text, &rng, err));
        }
        IAD_TRY(iad_buf_add_str(text, "\n", err));
    }
    return iad_file_write(b->texts, text->data, text->len, err);
}

static iad_status run_ours(const bench *b, const char *const *texts, size_t n, float *vectors, cost *best, iad_words_tally *tally, iad_err *err) {
    *best = (cost){INFINITY, INFINITY};
    for (int i = 0; i <= b->options->repeats; i++) { /* the first one warms up */
        double wall = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        *tally = (iad_words_tally){0};
        IAD_TRY(iad_words_embed(b->words, texts, n, NULL, vectors, tally, err));
        wall = seconds_of(CLOCK_MONOTONIC) - wall;
        cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        if (i && wall < best->wall_s) best->wall_s = wall;
        if (i && cpu < best->cpu_s) best->cpu_s = cpu;
    }
    return IAD_OK;
}

/* *there = 0: the package is not there, or failed. */
static iad_status run_theirs(const bench *b, size_t n_float, char name[100], float *vectors, cost *best, int *there, iad_err *err) {
    char threads[20], repeats[20];
    iad_buf answer;
    uint8_t *bytes;
    size_t n;
    *there = 0;
    if (!b->options->python) return IAD_OK;
    snprintf(threads, sizeof threads, "%d", b->options->threads);
    snprintf(repeats, sizeof repeats, "%d", b->options->repeats);
    const char *const command[] = {b->options->python, b->options->baseline, b->options->model, b->texts, b->vectors, threads, repeats, NULL};
    iad_buf_init(&answer, MAX_ANSWER);
    iad_status status = iad_ask_python(command, &answer, there, err);
    if (*there) *there = sscanf(iad_buf_str(&answer), "result %99s %lf %lf", name, &best->wall_s, &best->cpu_s) == 3;
    iad_buf_deinit(&answer);
    if (status != IAD_OK || !*there) return status;
    IAD_TRY(iad_file_read(b->vectors, n_float * sizeof(float), &bytes, &n, err));
    if (n == n_float * sizeof(float)) memcpy(vectors, bytes, n);
    else *there = 0;
    free(bytes);
    return IAD_OK;
}

static void print_row(const bench *b, const char *what, int n, const cost *c, const char *rest) {
    fprintf(b->out, "  %-40s %10.1f %16.1f %s\n", what, n / c->wall_s, n / c->cpu_s, rest);
}

static iad_status measure_texts(const bench *b, const text_kind *kind, char *text, float *ours, float *theirs, iad_err *err) {
    const size_t n_float = (size_t)kind->n * (size_t)b->dim;
    const char *texts[1024];
    char rest[100], name[100];
    cost our_cost, their_cost;
    iad_words_tally tally;
    int there;
    for (int i = 0; i < kind->n; i++) {
        texts[i] = text;
        text = strchr(text, '\n');
        *text++ = 0;
    }
    IAD_TRY(run_ours(b, texts, (size_t)kind->n, ours, &our_cost, &tally, err));
    fprintf(b->out, "%s: %d texts, %.1f pieces each\n", kind->name, kind->n, (double)tally.pieces / kind->n);
    snprintf(rest, sizeof rest, "%llu truncated", (unsigned long long)tally.truncated);
    print_row(b, "iad_words", kind->n, &our_cost, rest);
    IAD_TRY(run_theirs(b, n_float, name, theirs, &their_cost, &there, err));
    if (there) {
        double worst = 0;
        for (size_t i = 0; i < n_float; i++) worst = fmax(worst, fabs((double)ours[i] - (double)theirs[i]));
        snprintf(rest, sizeof rest, "largest difference %.2g", worst);
        print_row(b, name, kind->n, &their_cost, rest);
        fprintf(b->out, "  %-40s %10.2f %16.2f\n", "ratio", their_cost.wall_s / our_cost.wall_s, their_cost.cpu_s / our_cost.cpu_s);
    } else if (b->options->python) fprintf(b->out, "  sentence-transformers is not there, or failed\n");
    fflush(b->out);
    return IAD_OK;
}

static iad_status measure(bench *b, iad_err *err) {
    IAD_TRY(iad_words_open(b->options->model, b->options->threads, &b->words, err));
    const iad_words_info *info = iad_words_info_get(b->words);
    b->dim = info->dim;
    fprintf(b->out, "%s (%s, %d layers, %d wide, at most %d pieces), %d threads, best of %d\n", info->name, info->kind, info->n_layer, info->dim,
            info->max_pieces, b->options->threads, b->options->repeats);
    fprintf(b->out, "  %-40s %10s %16s\n", "", "texts/s", "per processor s");
    iad_status status = IAD_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && status == IAD_OK; i++) {
        const size_t n_float = (size_t)kinds[i].n * (size_t)b->dim;
        float *ours = iad_alloc(n_float, sizeof *ours), *theirs = iad_alloc(n_float, sizeof *theirs);
        iad_buf text;
        iad_buf_init(&text, MAX_BYTES);
        status = ours && theirs ? make_texts(b, &kinds[i], &text, err) : IAD_NOMEM(err, "embeddings");
        if (status == IAD_OK) status = measure_texts(b, &kinds[i], text.data, ours, theirs, err);
        iad_buf_deinit(&text);
        free(ours);
        free(theirs);
    }
    return status;
}

iad_status iad_speed_words(FILE *out, const iad_speed_words_options *options, iad_err *err) {
    bench b = {.options = options, .out = out};
    const char *tmp = getenv("TMPDIR");
    snprintf(b.dir, sizeof b.dir, "%.900s/iad-speed-words-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(b.dir)) return IAD_FAIL(err, IAD_ERR_IO, "no scratch folder %s", b.dir);
    snprintf(b.texts, sizeof b.texts, "%.950s/texts.txt", b.dir);
    snprintf(b.vectors, sizeof b.vectors, "%.950s/vectors.f32", b.dir);
    const iad_status status = measure(&b, err);
    iad_words_close(b.words);
    remove(b.texts);
    remove(b.vectors);
    remove(b.dir);
    return status;
}
