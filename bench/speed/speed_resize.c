#include "bench/speed/speed_resize.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/image/gaussian_lines.h"
#include "base/image/resize_pass.h"
#include "bench/speed/askpython.h"

enum { MAX_CASES = 32, ANSWER_MAX = 1 << 16 };
#define BUDGET_S 0.4 /* per case and kernel: as many runs as fit, at least 3 */

typedef struct speed_case {
    int in_w, in_h, out_w, out_h, channels;
    iad_filter filter;
} speed_case;

static const struct { int in_w, in_h, out_w, out_h; } sizes[] = {
    {1024, 1024, 224, 224}, {1024, 1024, 336, 336}, {1024, 1024, 448, 448}, {1024, 1024, 518, 518}, {4000, 3000, 448, 448}, {224, 224, 1024, 1024}};

static size_t all_cases(speed_case cases[MAX_CASES]) {
    size_t n = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int channels = 3; channels >= 1; channels -= 2)
            for (int f = 0; f < 2; f++)
                cases[n++] = (speed_case){sizes[i].in_w, sizes[i].in_h, sizes[i].out_w, sizes[i].out_h, channels,
                                          f ? IAD_FILTER_BILINEAR : IAD_FILTER_BICUBIC};
    return n;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint32_t noise(uint32_t i) {
    i = (i ^ 61u ^ (i >> 16)) * 9u;
    i = (i ^ (i >> 4)) * 0x27d4eb2du;
    return i ^ (i >> 15);
}

/* ---- ours ---- */

static iad_status time_resize(const iad_resize_kernel *kernel, const iad_image *src, const speed_case *c, double *best, iad_err *err) {
    const double start = now();
    *best = 1e30;
    for (int runs = 0; runs < 3 || now() - start < BUDGET_S; runs++) {
        iad_image dst;
        double t = now();
        IAD_TRY(iad_resize_with(kernel, src, c->out_w, c->out_h, c->filter, &dst, err));
        t = now() - t;
        iad_image_deinit(&dst);
        if (t < *best) *best = t;
    }
    return IAD_OK;
}

static iad_status time_gaussian(iad_gaussian_kernel kernel, double *best, iad_err *err) {
    iad_plane plane;
    IAD_TRY(iad_plane_init(&plane, 518, 518, err));
    for (uint32_t i = 0; i < 518 * 518; i++) plane.px[i] = (float)(noise(i) >> 8) * 0x1p-24f;
    const double start = now();
    iad_status status = IAD_OK;
    *best = 1e30;
    for (int runs = 0; status == IAD_OK && (runs < 3 || now() - start < BUDGET_S); runs++) {
        double t = now();
        status = iad_plane_gaussian_with(kernel, &plane, 4.0, err);
        t = now() - t;
        if (t < *best) *best = t;
    }
    iad_plane_deinit(&plane);
    return status;
}

/* ---- theirs ---- */

static const char snippet[] =
    "import time\n"
    "def best(f):\n"
    "    b, s, n = 1e9, time.perf_counter(), 0\n"
    "    while n < 3 or time.perf_counter() - s < 0.4:\n"
    "        t = time.perf_counter(); f(); b = min(b, time.perf_counter() - t); n += 1\n"
    "    return b\n"
    "try:\n"
    "    import PIL\n"
    "    from PIL import Image\n"
    "    print('version Pillow', PIL.__version__)\n"
    "    def case(i, w, h, ow, oh, c, f):\n"
    "        g = Image.effect_noise((w, h), 90)\n"
    "        m = g if c == 1 else Image.merge('RGB', [g, Image.effect_noise((w, h), 90), Image.effect_noise((w, h), 90)])\n"
    "        print('resize', i, best(lambda: m.resize((ow, oh), f)))\n"
    "except ImportError:\n"
    "    def case(*a): pass\n";

static const char snippet_scipy[] =
    "try:\n"
    "    import numpy, scipy\n"
    "    from scipy.ndimage import gaussian_filter\n"
    "    print('version scipy', scipy.__version__)\n"
    "    a = numpy.random.default_rng(0).random((518, 518)).astype('float32')\n"
    "    print('gaussian 0', best(lambda: gaussian_filter(a, 4)))\n"
    "except ImportError:\n"
    "    pass\n";

typedef struct theirs {
    double resize[MAX_CASES], gaussian; /* seconds, 0: not measured */
} theirs;

static void read_answer(FILE *out, char *answer, theirs *t) {
    char *rest = NULL;
    for (char *line = strtok_r(answer, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        unsigned i;
        double s;
        if (sscanf(line, "resize %u %lf", &i, &s) == 2 && i < MAX_CASES) t->resize[i] = s;
        else if (sscanf(line, "gaussian %u %lf", &i, &s) == 2) t->gaussian = s;
        else if (!strncmp(line, "version ", 8)) fprintf(out, "# %s\n", line + 8);
    }
}

static iad_status measure_theirs(FILE *out, const char *python, const speed_case *cases, size_t n, theirs *t, iad_err *err) {
    iad_buf program, answer;
    int ok = 0;
    iad_buf_init(&program, ANSWER_MAX);
    iad_buf_init(&answer, ANSWER_MAX);
    iad_status status = iad_buf_add_str(&program, snippet, err);
    for (size_t i = 0; i < n && status == IAD_OK; i++)
        status = iad_buf_addf(&program, err, "case(%zu, %d, %d, %d, %d, %d, %d)\n", i, cases[i].in_w, cases[i].in_h, cases[i].out_w,
                              cases[i].out_h, cases[i].channels, cases[i].filter == IAD_FILTER_BICUBIC ? 3 : 2);
    if (status == IAD_OK) status = iad_buf_add_str(&program, snippet_scipy, err);
    if (status == IAD_OK) status = iad_ask_python((const char *[]){python, "-c", iad_buf_str(&program), NULL}, &answer, &ok, err);
    if (status == IAD_OK && !ok) fprintf(out, "# %s could not be run\n", python);
    if (status == IAD_OK && answer.len) read_answer(out, answer.data, t);
    iad_buf_deinit(&program);
    iad_buf_deinit(&answer);
    return status;
}

/* ---- the table ---- */

static void print_ratio(FILE *out, double their, double our) {
    if (their > 0.0)
        fprintf(out, "  %8.2f %6.1fx\n", their * 1e3, their / our);
    else
        fprintf(out, "  %8s %7s\n", "-", "-");
}

iad_status iad_speed_resize(FILE *out, const char *python, iad_err *err) {
    speed_case cases[MAX_CASES];
    const size_t n = all_cases(cases);
    const iad_resize_kernel *const kernels[] = {iad_resize_avx512(), iad_resize_avx2(), NULL};
    theirs t = {.gaussian = 0.0};
    fprintf(out, "# best of the runs that fit %.1f s, one thread, ms; ratio: theirs / the first of ours that runs here\n", BUDGET_S);
    if (python) IAD_TRY(measure_theirs(out, python, cases, n, &t, err));
    fprintf(out, "%-34s %8s %8s %8s  %8s %7s\n", "case", "avx512", "avx2", "scalar", "theirs", "ratio");
    for (size_t i = 0; i < n; i++) {
        const speed_case *c = &cases[i];
        iad_image src;
        IAD_TRY(iad_image_init(&src, c->in_w, c->in_h, c->channels, err));
        const size_t bytes = (size_t)c->in_w * (size_t)c->in_h * (size_t)c->channels;
        for (size_t k = 0; k < bytes; k++) src.px[k] = (uint8_t)(noise((uint32_t)k) >> 24);
        fprintf(out, "%4dx%-4d > %4dx%-4d %-4s %-9s", c->in_w, c->in_h, c->out_w, c->out_h, c->channels == 3 ? "RGB" : "grey",
                c->filter == IAD_FILTER_BICUBIC ? "bicubic" : "bilinear");
        double first = 0.0;
        iad_status status = IAD_OK;
        for (int k = 0; k < 3 && status == IAD_OK; k++) {
            double best = 0.0;
            if (k < 2 && !kernels[k]) {
                fprintf(out, " %8s", "-");
                continue;
            }
            status = time_resize(kernels[k], &src, c, &best, err);
            if (first == 0.0) first = best;
            fprintf(out, " %8.2f", best * 1e3);
        }
        iad_image_deinit(&src);
        if (status != IAD_OK) return status;
        print_ratio(out, t.resize[i], first);
        fflush(out);
    }
    const iad_gaussian_kernel filters[] = {iad_gaussian_lines_avx512(), iad_gaussian_lines_avx2(), iad_gaussian_lines_scalar};
    fprintf(out, "%-34s", "gaussian sigma 4, 518x518");
    double first = 0.0;
    for (int k = 0; k < 3; k++) {
        double best = 0.0;
        if (!filters[k]) {
            fprintf(out, " %8s", "-");
            continue;
        }
        IAD_TRY(time_gaussian(filters[k], &best, err));
        if (first == 0.0) first = best;
        fprintf(out, " %8.2f", best * 1e3);
    }
    print_ratio(out, t.gaussian, first);
    return IAD_OK;
}
