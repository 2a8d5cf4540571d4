#include "bench/speed/speed_crawl.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "bench/speed/barejpeg.h"
#include "bench/speed/measurechild.h"
#include "crawl/hash/hamming.h"

enum { SMALL_SIDE = 256, THREADS_OF_THEIRS = 32, MAX_TEXT = 1 << 26, PATH_SIZE = 1024, WAIT_STEPS = 3000, MAX_FILES = 1 << 20 };

typedef struct bench {
    const iad_speed_crawl_options *options;
    FILE *out;
    char dir[PATH_SIZE], crawl[PATH_SIZE], web[PATH_SIZE], list[PATH_SIZE];
    int server;
} bench;

/* ---- the place ---- */

static iad_status start_web(bench *b, iad_err *err) {
    char ready[PATH_SIZE], plan[PATH_SIZE], pictures[20], side[20];
    IAD_TRY(iad_path_join(ready, sizeof ready, b->dir, "ready", err));
    IAD_TRY(iad_path_join(plan, sizeof plan, b->dir, "plan.tsv", err));
    snprintf(pictures, sizeof pictures, "%d", b->options->pictures);
    snprintf(side, sizeof side, "%d", b->options->side);
    const char *const words[] = {b->web,   "--categories", "1",  "--pictures", pictures, "--hosts", "1",       "--pattern", "",  "--plain",
                                 "--warm", "--side",       side, "--cache",    "8192",   "--plan",  "--ready", ready,       NULL};
    IAD_TRY(iad_child_start(words, plan, &b->server, err));
    for (int i = 0; i < WAIT_STEPS && !iad_file_exists(ready); i++) {
        const struct timespec pause = {0, 100000000};
        nanosleep(&pause, NULL);
    }
    if (!iad_file_exists(ready)) return IAD_FAIL(err, IAD_ERR_IO, "%s does not answer", b->web);
    /* The addresses stand in the plan, column 10. */
    uint8_t *text;
    size_t n;
    IAD_TRY(iad_file_read(plan, MAX_TEXT, &text, &n, err));
    iad_buf list;
    iad_buf_init(&list, MAX_TEXT);
    iad_status status = IAD_OK;
    for (char *line = (char *)text, *end; status == IAD_OK && (end = memchr(line, '\n', n - (size_t)(line - (char *)text))); line = end + 1) {
        *end = '\0';
        char *cell = strstr(line, "\thttp://"), *stop = cell ? strchr(cell + 1, '\t') : NULL;
        if (stop) status = iad_buf_addf(&list, err, "%.*s\n", (int)(stop - cell - 1), cell + 1);
    }
    if (status == IAD_OK) status = iad_path_join(b->list, sizeof b->list, b->dir, "list.txt", err);
    if (status == IAD_OK) status = iad_file_write(b->list, list.data, list.len, err);
    iad_buf_deinit(&list);
    free(text);
    return status;
}

/* ---- the two programs ---- */

/* Ours; small: pictures are resized and encoded again as theirs are. */
static iad_status run_ours(bench *b, const char *name, int small, iad_child_cost *cost, iad_err *err) {
    char db[PATH_SIZE], out[PATH_SIZE], log[PATH_SIZE], threads[20], side[20];
    snprintf(db, sizeof db, "%.900s/%s.db", b->dir, name);
    snprintf(out, sizeof out, "%.900s/%s", b->dir, name);
    snprintf(log, sizeof log, "%.900s/%s.log", b->dir, name);
    snprintf(threads, sizeof threads, "%d", b->options->threads);
    snprintf(side, sizeof side, "%d", small ? SMALL_SIDE : 0);
    const char *const words[] = {b->crawl,
                                 "run",
                                 "--db",
                                 db,
                                 "--out",
                                 out,
                                 "--contact",
                                 "bench@localhost",
                                 "--urls",
                                 b->list,
                                 "--target",
                                 "0",
                                 "--allow-private",
                                 "--robots",
                                 "ignore",
                                 "--host-delay",
                                 "0",
                                 "--host-connections",
                                 "64",
                                 "--connections",
                                 "64",
                                 "--max-side",
                                 side,
                                 "--quality",
                                 "95",
                                 "--min-side",
                                 "64",
                                 "--min-bytes",
                                 "1",
                                 "--threads",
                                 threads,
                                 "--quiet",
                                 NULL};
    IAD_TRY(iad_child_measure(words, log, cost, err));
    if (cost->code == 0 || cost->code == 3) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "iad-crawl ended with %d: see %s", cost->code, log);
}

static iad_status run_theirs(bench *b, iad_child_cost *cost, int *there, char result[200], iad_err *err) {
    char out[PATH_SIZE], log[PATH_SIZE], side[20], processes[20], threads[20];
    *there = 0;
    if (!b->options->python) return IAD_OK;
    snprintf(out, sizeof out, "%.900s/theirs", b->dir);
    snprintf(log, sizeof log, "%.900s/theirs.log", b->dir);
    snprintf(side, sizeof side, "%d", SMALL_SIDE);
    snprintf(processes, sizeof processes, "%d", b->options->threads);
    snprintf(threads, sizeof threads, "%d", THREADS_OF_THEIRS);
    const char *const words[] = {b->options->python, b->options->baseline, b->list, out, side, processes, threads, NULL};
    IAD_TRY(iad_child_measure(words, log, cost, err));
    uint8_t *text;
    size_t n;
    if (cost->code != 0 || iad_file_read(log, MAX_TEXT, &text, &n, NULL) != IAD_OK) return IAD_OK;
    char *line = memmem(text, n, "result ", 7);
    if (line) *there = sscanf(line, "result %199[^\n]", result) == 1;
    free(text);
    return IAD_OK;
}

/* ---- bare decoding ---- */

/* Processor seconds of one thread to decode every JPEG below dir, files in memory; their number. */
static iad_status decode_all(const char *dir, double *seconds, size_t *n_files, iad_err *err) {
    iad_strings files = {0};
    uint8_t *row = iad_alloc(IAD_BARE_ROW_BYTES, 1);
    iad_status status = row ? iad_dir_walk(dir, MAX_FILES, &files, err) : IAD_NOMEM(err, "a row of pixels");
    *seconds = 0;
    *n_files = 0;
    for (size_t i = 0; status == IAD_OK && i < files.n; i++) {
        char path[2 * PATH_SIZE];
        uint8_t *bytes;
        size_t n;
        if (!iad_text_ends(files.items[i], ".jpg") && !iad_text_ends(files.items[i], ".jpeg")) continue;
        if ((status = iad_path_join(path, sizeof path, dir, files.items[i], err)) != IAD_OK) break;
        if ((status = iad_file_read(path, IAD_IMAGE_MAX_FILE_BYTES, &bytes, &n, err)) != IAD_OK) break;
        const double start = iad_thread_seconds();
        if (!iad_bare_jpeg(bytes, n, row)) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a JPEG", files.items[i]);
        *seconds += iad_thread_seconds() - start;
        ++*n_files;
        free(bytes);
    }
    iad_strings_deinit(&files);
    free(row);
    return status;
}

/* ---- hashes ---- */

static iad_status count(void *user, uint32_t x, uint32_t y, int distance, iad_err *err) {
    (void)x, (void)y, (void)distance, (void)err;
    ++*(size_t *)user;
    return IAD_OK;
}

static iad_status time_join(FILE *out, int words, int radius, int n, iad_err *err) {
    uint64_t *codes = iad_alloc((size_t)n * (size_t)words, sizeof *codes);
    iad_hamming *index = NULL;
    if (!codes) return IAD_NOMEM(err, "hashes");
    iad_rng rng;
    iad_rng_init(&rng, 1, (uint64_t)words);
    for (size_t i = 0; i < (size_t)n * (size_t)words; i++) codes[i] = iad_rng_u64(&rng);
    for (int i = 0; i < n / 100; i++) { /* some near ones: another's hash, with fewer bits changed than the radius */
        uint64_t *to = codes + (size_t)iad_rng_below(&rng, (uint32_t)n) * (size_t)words,
                 *from = codes + (size_t)iad_rng_below(&rng, (uint32_t)n) * (size_t)words;
        memmove(to, from, (size_t)words * sizeof *to);
        for (int k = 0; k < radius * 3 / 4; k++) {
            const uint32_t bit = iad_rng_below(&rng, 64u * (uint32_t)words);
            to[bit / 64] ^= (uint64_t)1 << (bit % 64);
        }
    }
    size_t pairs = 0;
    const double start = iad_thread_seconds();
    iad_status status = iad_hamming_new(words, &index, err);
    if (status == IAD_OK) status = iad_hamming_add_many(index, codes, (size_t)n, err);
    if (status == IAD_OK) status = iad_hamming_join(index, radius, count, &pairs, err);
    const double joined = iad_thread_seconds();
    iad_hamming_hits hits = {0};
    const int asked = n < 2000 ? n : 2000;
    for (int i = 0; status == IAD_OK && i < asked; i++) status = iad_hamming_find(index, codes + (size_t)i * (size_t)words, radius, &hits, err);
    if (status == IAD_OK)
        fprintf(out, "%4d bits  within %2d  %8.2f s  %8zu pairs  %8.1f us to ask for one\n", 64 * words, radius, joined - start, pairs,
                1e6 * (iad_thread_seconds() - joined) / asked);
    iad_hamming_hits_deinit(&hits);
    iad_hamming_free(index);
    free(codes);
    return status;
}

/* ---- all of it ---- */

static void print_row(FILE *out, const char *name, const iad_child_cost *cost, int n) {
    fprintf(out, "%-40s %8.1f %10.1f s %8.0f MB\n", name, n / cost->wall_s, cost->cpu_s, cost->peak_bytes / 1e6);
}

static iad_status measure(bench *b, iad_err *err) {
    const int n = b->options->pictures;
    iad_child_cost ours, theirs, kept;
    char result[200] = "";
    int there;
    IAD_TRY(start_web(b, err));
    IAD_TRY(run_ours(b, "ours", 1, &ours, err));
    IAD_TRY(run_theirs(b, &theirs, &there, result, err));
    IAD_TRY(run_ours(b, "kept", 0, &kept, err));
    fprintf(b->out, "%d JPEGs of %d x %d over loopback, %d threads\n%-40s %8s %12s %11s\n", n, b->options->side, b->options->side * 3 / 4,
            b->options->threads, "", "per s", "processor", "memory");
    print_row(b->out, "iad-crawl, resized to 256", &ours, n);
    if (there) {
        print_row(b->out, result, &theirs, n);
        fprintf(b->out, "%-40s %8.1f %10.1f   %8.2f\n", "ratio (memory: ours / theirs)", theirs.wall_s / ours.wall_s, theirs.cpu_s / ours.cpu_s,
                ours.peak_bytes / theirs.peak_bytes);
    } else if (b->options->python) fprintf(b->out, "img2dataset is not there, or failed: see %s/theirs.log\n", b->dir);
    print_row(b->out, "iad-crawl, files as they come", &kept, n);
    double bare;
    size_t files;
    char folder[PATH_SIZE];
    IAD_TRY(iad_path_join(folder, sizeof folder, b->dir, "kept", err));
    IAD_TRY(decode_all(folder, &bare, &files, err));
    if (files != (size_t)n) return IAD_FAIL(err, IAD_ERR_FORMAT, "iad-crawl kept %zu of %d pictures: see %s", files, n, b->dir);
    fprintf(b->out, "%-40s %8.1f %10.1f s\n", "libjpeg alone, one thread", n / bare, bare);
    fprintf(b->out, "%-40s %8.2f\n", "processor time, libjpeg / iad-crawl", bare / kept.cpu_s);
    return IAD_OK;
}

static int drop(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info, (void)kind, (void)place;
    return remove(path);
}

iad_status iad_speed_crawl(FILE *out, const iad_speed_crawl_options *options, iad_err *err) {
    bench b = {.options = options, .out = out};
    const char *tmp = getenv("TMPDIR");
    snprintf(b.dir, sizeof b.dir, "%.900s/iad-speed-crawl-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(b.dir)) return IAD_FAIL(err, IAD_ERR_IO, "no scratch folder %s", b.dir);
    if (options->crawl) iad_text_copy(b.crawl, sizeof b.crawl, options->crawl);
    else IAD_TRY(iad_child_beside("iad-crawl", b.crawl, PATH_SIZE, err));
    if (options->web) iad_text_copy(b.web, sizeof b.web, options->web);
    else IAD_TRY(iad_child_beside("../tests/iad_web", b.web, PATH_SIZE, err));
    iad_status status = IAD_OK;
    if (options->hashes) fprintf(out, "%d hashes joined with themselves, one thread\n", options->hashes);
    if (options->hashes) status = time_join(out, 1, 4, options->hashes, err);
    if (status == IAD_OK && options->hashes) status = time_join(out, 1, 7, options->hashes, err);
    if (status == IAD_OK && options->hashes) status = time_join(out, 4, 31, options->hashes, err);
    if (status == IAD_OK) status = measure(&b, err);
    iad_child_stop(b.server);
    if (status == IAD_OK) nftw(b.dir, drop, 16, FTW_DEPTH | FTW_PHYS); /* after a failure it is kept for a look */
    return status;
}
