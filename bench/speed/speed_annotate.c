#include "bench/speed/speed_annotate.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/image/decode.h"
#include "base/image/encode.h"
#include "base/rng.h"
#include "bench/speed/measurechild.h"

enum { CONCURRENCY = 64, LATENCY_MS = 50, PATH_SIZE = 1024, MAX_JPEG = 1 << 22, MAX_TEXT = 1 << 20, WAIT_STEPS = 100 };

typedef struct bench {
    const iad_speed_annotate_options *options;
    FILE *out;
    char dir[PATH_SIZE], annotate[PATH_SIZE], manifest[PATH_SIZE], endpoint[PATH_SIZE], pictures[PATH_SIZE], url[64];
    int server, keep;
} bench;

static iad_status beside_us(const char *name, char out[PATH_SIZE], iad_err *err) {
    IAD_TRY(iad_child_beside(name, out, PATH_SIZE, err));
    return iad_file_exists(out) ? IAD_OK : IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s is not built", out);
}

/* ---- pictures ---- */

/* A coarse pattern, different in every picture. */
static iad_status write_picture(const bench *b, int at, iad_err *err) {
    const iad_jpeg_options jpeg = {.quality = 90, .subsample = 1};
    const int side = b->options->side;
    char name[40], path[2 * PATH_SIZE];
    iad_image image;
    iad_rng rng;
    iad_buf bytes;
    IAD_TRY(iad_image_init(&image, side, side, 3, err));
    iad_rng_init(&rng, 11, (uint64_t)at);
    uint8_t tones[8][8];
    for (int i = 0; i < 64; i++) tones[i / 8][i % 8] = (uint8_t)iad_rng_below(&rng, 256);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) memset(iad_image_at(&image, x, y), tones[y * 8 / side][x * 8 / side], 3);
    iad_buf_init(&bytes, MAX_JPEG);
    snprintf(name, sizeof name, "%07d.jpg", at);
    iad_status status = iad_encode_jpeg(&image, &jpeg, &bytes, err);
    if (status == IAD_OK) status = iad_path_join(path, sizeof path, b->pictures, name, err);
    if (status == IAD_OK) status = iad_file_write(path, bytes.data, bytes.len, err);
    iad_buf_deinit(&bytes);
    iad_image_deinit(&image);
    return status;
}

/* Processor seconds to read, decode and encode all of them: what any client that sends its own JPEGs must do. */
static iad_status recode_all(const bench *b, double *seconds, iad_err *err) {
    const iad_jpeg_options jpeg = {.quality = 90, .subsample = 1};
    const double start = iad_thread_seconds();
    for (int i = 0; i < b->options->pictures; i++) {
        char name[40], path[2 * PATH_SIZE];
        iad_image image;
        iad_buf bytes;
        snprintf(name, sizeof name, "%07d.jpg", i);
        IAD_TRY(iad_path_join(path, sizeof path, b->pictures, name, err));
        IAD_TRY(iad_image_load(path, NULL, &image, NULL, err));
        iad_buf_init(&bytes, MAX_JPEG);
        const iad_status status = iad_encode_jpeg(&image, &jpeg, &bytes, err);
        iad_buf_deinit(&bytes);
        iad_image_deinit(&image);
        if (status != IAD_OK) return status;
    }
    *seconds = iad_thread_seconds() - start;
    return IAD_OK;
}

static iad_status make_pictures(bench *b, iad_err *err) {
    static const char *const levels[] = {"set", "part", "train", "good"};
    char root[PATH_SIZE], db[PATH_SIZE], log[PATH_SIZE], path[PATH_SIZE];
    iad_text_copy(path, sizeof path, b->dir);
    for (int i = 0; i < 4; i++) {
        IAD_TRY(iad_path_join(b->pictures, sizeof b->pictures, path, levels[i], err));
        if (mkdir(b->pictures, 0777)) return IAD_FAIL(err, IAD_ERR_IO, "%s cannot be made", b->pictures);
        iad_text_copy(path, sizeof path, b->pictures);
    }
    for (int i = 0; i < b->options->pictures; i++) IAD_TRY(write_picture(b, i, err));
    snprintf(root, sizeof root, "%.900s/set", b->dir);
    snprintf(db, sizeof db, "%.900s/set.db", b->dir);
    snprintf(log, sizeof log, "%.900s/ingest.log", b->dir);
    const char *const words[] = {b->manifest, "ingest", "--db", db, "--adapter", "mvtec", "--name", "speed", "--option", "set=none", root, NULL};
    iad_child_cost cost;
    IAD_TRY(iad_child_measure(words, log, &cost, err));
    return cost.code == 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "iad-manifest ended with %d: see %s", cost.code, log);
}

/* ---- programs ---- */

static iad_status start_endpoint(bench *b, iad_err *err) {
    char ready[PATH_SIZE], latency[20];
    uint8_t *text;
    size_t n;
    int port = 0;
    snprintf(ready, sizeof ready, "%.900s/ready", b->dir);
    snprintf(latency, sizeof latency, "%d", LATENCY_MS);
    const char *const words[] = {b->endpoint, "--blind", "--latency", latency, "--ready", ready, NULL};
    IAD_TRY(iad_child_start(words, "/dev/null", &b->server, err));
    for (int i = 0; i < WAIT_STEPS && !iad_file_exists(ready); i++) {
        const struct timespec pause = {0, 100000000};
        nanosleep(&pause, NULL);
    }
    IAD_TRY(iad_file_read(ready, MAX_TEXT, &text, &n, err));
    const int there = sscanf((const char *)text, "port=%d", &port) == 1;
    free(text);
    snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d/v1", port);
    return there ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "%s does not answer", b->endpoint);
}

static iad_status run_ours(bench *b, iad_child_cost *cost, iad_err *err) {
    char db[PATH_SIZE], log[PATH_SIZE], concurrency[20], threads[20];
    snprintf(db, sizeof db, "%.900s/set.db", b->dir);
    snprintf(log, sizeof log, "%.900s/ours.log", b->dir);
    snprintf(concurrency, sizeof concurrency, "%d", CONCURRENCY);
    snprintf(threads, sizeof threads, "%d", b->options->threads);
    const char *const words[] = {
        b->annotate, "run",   "--db",          db,          "--url",   b->url,      "--model", "scripted-vl",  "--profile", "dashscope",
        "--mode",    "split", "--concurrency", concurrency, "--rpm",   "100000000", "--tpm",   "100000000000", "--ramp",    "0",
        "--audit",   "0",     "--threads",     threads,     "--quiet", NULL};
    IAD_TRY(iad_child_measure(words, log, cost, err));
    return cost->code == 0 || cost->code == 3 ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "iad-annotate ended with %d: see %s", cost->code, log);
}

static iad_status run_theirs(bench *b, iad_child_cost *cost, char result[100], int *answers, double *seconds, iad_err *err) {
    char out[PATH_SIZE], log[PATH_SIZE], concurrency[20];
    uint8_t *text;
    size_t n;
    *answers = 0;
    if (!b->options->python) return IAD_OK;
    snprintf(out, sizeof out, "%.900s/theirs.jsonl", b->dir);
    snprintf(log, sizeof log, "%.900s/theirs.log", b->dir);
    snprintf(concurrency, sizeof concurrency, "%d", CONCURRENCY);
    const char *const words[] = {b->options->python, b->options->baseline, b->url, b->pictures, out, concurrency, NULL};
    IAD_TRY(iad_child_measure(words, log, cost, err));
    if (iad_file_read(log, MAX_TEXT, &text, &n, NULL) != IAD_OK) return IAD_OK;
    const char *line = memmem(text, n, "result ", 7);
    if (!line || sscanf(line, "result %99s %d %lf", result, answers, seconds) != 3) *answers = 0;
    free(text);
    return IAD_OK;
}

/* The texts that the manifest has, without the head line. */
static iad_status count_answers(const bench *b, int64_t *answers, iad_err *err) {
    char db[PATH_SIZE], log[PATH_SIZE];
    uint8_t *text;
    size_t n;
    iad_child_cost cost;
    snprintf(db, sizeof db, "%.900s/set.db", b->dir);
    snprintf(log, sizeof log, "%.900s/export.jsonl", b->dir);
    const char *const words[] = {b->annotate, "export", "--db", db, "--format", "tsv", "--quiet", NULL};
    IAD_TRY(iad_child_measure(words, log, &cost, err));
    IAD_TRY(iad_file_read(log, (size_t)1 << 30, &text, &n, err));
    *answers = 0;
    for (size_t i = 0; i < n; i++) *answers += text[i] == '\n';
    free(text);
    return IAD_OK;
}

static iad_status measure(bench *b, iad_err *err) {
    const int n = b->options->pictures;
    const double capacity = 1000.0 * CONCURRENCY / LATENCY_MS;
    iad_child_cost ours, theirs;
    char result[100] = "";
    int there;
    int64_t texts;
    double recode, seconds = 0;
    IAD_TRY(make_pictures(b, err));
    IAD_TRY(recode_all(b, &recode, err));
    IAD_TRY(start_endpoint(b, err));
    IAD_TRY(run_ours(b, &ours, err));
    IAD_TRY(count_answers(b, &texts, err));
    if (texts < 3 * (int64_t)n)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "iad-annotate has %lld texts of %d pictures: see %s", (long long)texts, n, b->dir);
    IAD_TRY(run_theirs(b, &theirs, result, &there, &seconds, err));
    fprintf(b->out, "%d JPEGs of %d x %d, %d at a time, answers after %d ms: %.0f a second at most\n", n, b->options->side, b->options->side,
            CONCURRENCY, LATENCY_MS, capacity);
    fprintf(b->out, "%-44s %9s %9s %14s %9s\n", "", "per s", "share", "ms processor", "memory");
    fprintf(b->out, "%-44s %9.1f %8.1f%% %14.4f %6.0f MB\n", "iad-annotate", n / ours.wall_s, 100 * n / ours.wall_s / capacity, 1000 * ours.cpu_s / n,
            ours.peak_bytes / 1e6);
    fprintf(b->out, "%-44s %9s %9s %14.4f\n", "  reading, decoding, encoding alone", "", "", 1000 * recode / n);
    const double bare = ours.cpu_s - recode > 0 ? ours.cpu_s - recode : 0;
    fprintf(b->out, "%-44s %9s %9s %14.4f   %.1f %% of a core at %.1f per s\n", "  the rest", "", "", 1000 * bare / n, 100 * bare / ours.wall_s,
            n / ours.wall_s);
    if (there == n) {
        fprintf(b->out, "%-44s %9.1f %8.1f%% %14.4f %6.0f MB\n", result, n / seconds, 100 * n / seconds / capacity, 1000 * theirs.cpu_s / n,
                theirs.peak_bytes / 1e6);
        fprintf(b->out, "%-44s %9.2f %9s %14.2f\n", "ratio, with our decoding and encoding", seconds > 0 ? seconds / ours.wall_s : 0, "",
                theirs.cpu_s / ours.cpu_s);
        if (bare > 0) fprintf(b->out, "%-44s %9s %9s %14.2f\n", "ratio, without (theirs sends files as they lie)", "", "", theirs.cpu_s / bare);
    } else if (b->options->python) {
        b->keep = 1;
        fprintf(b->out, "openai is not there, or failed: see %s/theirs.log\n", b->dir);
    }
    return IAD_OK;
}

static int drop(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info, (void)kind, (void)place;
    return remove(path);
}

iad_status iad_speed_annotate(FILE *out, const iad_speed_annotate_options *options, iad_err *err) {
    bench b = {.options = options, .out = out};
    const char *tmp = getenv("TMPDIR");
    IAD_TRY(beside_us("iad-annotate", b.annotate, err));
    IAD_TRY(beside_us("iad-manifest", b.manifest, err));
    IAD_TRY(beside_us("../tests/iad_endpoint", b.endpoint, err));
    snprintf(b.dir, sizeof b.dir, "%.900s/iad-speed-annotate-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(b.dir)) return IAD_FAIL(err, IAD_ERR_IO, "no scratch folder %s", b.dir);
    const iad_status status = measure(&b, err);
    iad_child_stop(b.server);
    if (status == IAD_OK && !b.keep) nftw(b.dir, drop, 16, FTW_DEPTH | FTW_PHYS); /* after a failure it is kept for a look */
    return status;
}
