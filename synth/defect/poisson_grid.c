#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "synth/defect/poisson_solvers.h"

#define INLINE static inline __attribute__((always_inline))
#define LEVELS 20
#define SWEEPS 2        /* before and after the coarser grid */
#define COARSEST_SWEEPS 6
#define CHUNK 16

/* One grid. Even and odd columns of a row are stored apart, so that the pixels of one colour of the chess board, and each of their neighbours,
 * are runs of memory: a row is pad, even columns, pad, pad, odd columns, pad. */
typedef struct grid_level {
    int w, h;
    int half;        /* even columns, with two pads; a row has twice that */
    float *v, *f;    /* solution and right-hand side, [h][2 half] */
    float *r;        /* residual of the red pixels, [h][half] */
    float *in;       /* 1/4 inside, 0 outside, where v is 0 as well, [h][2 half] */
    int *lo, *hi;    /* pairs of columns lo..hi-1 of each row hold all that is inside */
    float *wide;     /* two rows of columns in their order, [2][2 half] */
} grid_level;

typedef struct grid_job {
    int levels;
    grid_level level[LEVELS];
    size_t size;       /* floats of a picture of level 0, a multiple of CHUNK */
    float *x, *p, *q;  /* solution, direction, its image; stored as level 0 is */
} grid_job;

static void job_deinit(grid_job *job) {
    for (int i = 0; i < job->levels; i++) {
        grid_level *g = &job->level[i];
        free(g->v);
        free(g->f);
        free(g->r);
        free(g->in);
        free(g->lo);
        free(g->hi);
        free(g->wide);
    }
    free(job->x);
    free(job->p);
    free(job->q);
}

static inline size_t cell(const grid_level *g, int x, int y) {
    return (size_t)y * 2 * (size_t)g->half + (size_t)(x % 2 * g->half + 1 + x / 2);
}

static iad_status level_init(grid_job *job, int w, int h, iad_err *err) {
    grid_level *g = &job->level[job->levels++];
    memset(g, 0, sizeof *g);
    g->w = w;
    g->h = h;
    g->half = (w + 1) / 2 + 2;
    size_t all = ((size_t)h * 2 * (size_t)g->half + CHUNK - 1) / CHUNK * CHUNK;
    g->v = iad_calloc(all, sizeof(float));
    g->f = iad_calloc(all, sizeof(float));
    g->r = iad_calloc(all / 2, sizeof(float));
    g->in = iad_calloc(all, sizeof(float));
    g->lo = iad_calloc((size_t)h, sizeof(int));
    g->hi = iad_calloc((size_t)h, sizeof(int));
    g->wide = iad_calloc(4 * (size_t)g->half, sizeof(float));
    if (g->v == NULL || g->f == NULL || g->r == NULL || g->in == NULL || g->lo == NULL || g->hi == NULL || g->wide == NULL)
        return IAD_NOMEM(err, "Poisson equation");
    return IAD_OK;
}

/* Fills lo and hi from in; returns how many pixels are inside. */
static int64_t level_spans(grid_level *g) {
    int64_t count = 0;
    for (int y = 0; y < g->h; y++) {
        int lo = g->half, hi = 0;
        for (int x = 0; x < g->w; x++) {
            if (!(g->in[cell(g, x, y)] > 0)) continue;
            count++;
            if (x / 2 < lo) lo = x / 2;
            hi = x / 2 + 1;
        }
        g->lo[y] = hi > 0 ? lo : 0;
        g->hi[y] = hi;
    }
    return count;
}

/* A coarse pixel stands on every second fine one and is inside when all nine fine pixels around it are: what the coarse grid can
 * express then vanishes outside, and a correction never reaches over a boundary. */
static int64_t coarsen(const grid_level *fine, grid_level *coarse) {
    for (int y = 1; y < coarse->h - 1; y++) {
        for (int x = 1; x < coarse->w - 1; x++) {
            float all = 0.25f;
            for (int i = -1; i <= 1; i++) {
                for (int j = -1; j <= 1; j++) {
                    float one = fine->in[cell(fine, 2 * x + j, 2 * y + i)];
                    all = one < all ? one : all;
                }
            }
            coarse->in[cell(coarse, x, y)] = all;
        }
    }
    return level_spans(coarse);
}

/* Gauss-Seidel on the pixels of one column parity in one row. */
INLINE void relax_row(const grid_level *g, int y, int odd) {
    size_t stride = 2 * (size_t)g->half, at = (size_t)y * stride + (odd ? (size_t)g->half : 0) + 1;
    int lo = g->lo[y], n = g->hi[y] - lo;
    if (n <= 0) return;
    at += (size_t)lo;
    size_t beside = (size_t)y * stride + (odd ? 0 : (size_t)g->half) + 1 + (size_t)lo;
    float *restrict v = g->v + at;
    const float *restrict left = g->v + beside - (odd ? 0 : 1), *restrict right = left + 1, *restrict up = g->v + at - stride;
    const float *restrict down = g->v + at + stride, *restrict f = g->f + at;
    const float *restrict in = g->in + at;
    for (int i = 0; i < n; i++) v[i] = (f[i] + ((left[i] + right[i]) + (up[i] + down[i]))) * in[i];
}

/* colour 0 red: x + y even. */
INLINE void relax(const grid_level *g, int colour) {
    for (int y = 1; y < g->h - 1; y++) relax_row(g, y, (y + colour) & 1);
}

/* Residual of the red pixels; that of the black ones is zero after their turn. */
INLINE void residual(const grid_level *g) {
    size_t stride = 2 * (size_t)g->half;
    for (int y = 1; y < g->h - 1; y++) {
        int odd = y & 1, lo = g->lo[y], n = g->hi[y] - lo;
        if (n <= 0) continue;
        size_t at = (size_t)y * stride + (odd ? (size_t)g->half : 0) + 1 + (size_t)lo;
        size_t beside = (size_t)y * stride + (odd ? 0 : (size_t)g->half) + 1 + (size_t)lo;
        float *restrict r = g->r + (size_t)y * (size_t)g->half + 1 + (size_t)lo;
        const float *v = g->v + at, *left = g->v + beside - (odd ? 0 : 1), *right = left + 1, *up = v - stride, *down = v + stride;
        const float *f = g->f + at;
        const float *restrict in = g->in + at;
        for (int i = 0; i < n; i++) r[i] = ((f[i] + ((left[i] + right[i]) + (up[i] + down[i]))) - 4 * v[i]) * (4 * in[i]);
    }
}

/* Full weighting of the residual, times 4 for the doubled spacing; the four direct neighbours are black and have none. */
INLINE void restrict_down(const grid_level *fine, const grid_level *coarse) {
    size_t half = (size_t)fine->half, stride = 2 * (size_t)coarse->half;
    for (int y = 1; y < coarse->h - 1; y++) {
        int lo = coarse->lo[y] * 2, hi = coarse->hi[y] * 2;
        if (hi > coarse->w) hi = coarse->w;
        const float *mid = fine->r + 2 * (size_t)y * half + 1, *up = mid - half, *down = mid + half;
        float *restrict row = fine->wide;
        for (int x = lo > 0 ? lo : 1; x < hi; x++) row[x] = mid[x] + ((up[x - 1] + up[x]) + (down[x - 1] + down[x])) * 0.25f;
        float *even = coarse->f + (size_t)y * stride + 1, *odd = even + coarse->half;
        for (int i = coarse->lo[y]; i < coarse->hi[y]; i++) {
            even[i] = row[2 * i];
            odd[i] = row[2 * i + 1];
        }
    }
}

/* Linear interpolation of the correction onto the red pixels, the transpose of restrict_down; the black ones are next to be relaxed from these. */
INLINE void prolong(const grid_level *coarse, const grid_level *fine) {
    size_t stride = 2 * (size_t)coarse->half;
    float *above = fine->wide, *below = fine->wide + 2 * (size_t)fine->half;
    int n = coarse->w;
    memset(above, 0, 2 * (size_t)fine->half * sizeof(float));
    for (int y = 0; y < coarse->h; y++) {
        memset(below, 0, (size_t)(n + 2) * sizeof(float));
        if (y + 1 < coarse->h && coarse->hi[y + 1] > 0) {
            const float *even = coarse->v + (size_t)(y + 1) * stride + 1, *odd = even + coarse->half;
            for (int i = coarse->lo[y + 1]; i < coarse->hi[y + 1]; i++) {
                below[2 * i] = even[i];
                below[2 * i + 1] = odd[i];
            }
        }
        float *restrict same = fine->v + cell(fine, 0, 2 * y);
        for (int x = 0; x < n; x++) same[x] += above[x];
        if (2 * y + 1 < fine->h) {
            float *restrict next = fine->v + cell(fine, 1, 2 * y + 1);
            for (int x = 0; x < n - 1; x++) next[x] += ((above[x] + above[x + 1]) + (below[x] + below[x + 1])) * 0.25f;
        }
        float *t = above;
        above = below;
        below = t;
    }
}

/* One V-cycle from zero: v = about the solution for f. What goes up mirrors what goes down, so that the whole is a symmetric operator. */
INLINE void cycle(const grid_job *job) {
    for (int down = 0; down < job->levels - 1; down++) {
        const grid_level *g = &job->level[down];
        memset(g->v, 0, (size_t)g->h * 2 * (size_t)g->half * sizeof(float));
        for (int i = 0; i < SWEEPS; i++) relax(g, 0), relax(g, 1);
        residual(g);
        restrict_down(g, g + 1);
    }
    const grid_level *last = &job->level[job->levels - 1];
    memset(last->v, 0, (size_t)last->h * 2 * (size_t)last->half * sizeof(float));
    for (int i = 0; i < COARSEST_SWEEPS; i++) relax(last, 0), relax(last, 1);
    for (int i = 0; i < COARSEST_SWEEPS; i++) relax(last, 1), relax(last, 0);
    for (int up = job->levels - 2; up >= 0; up--) {
        const grid_level *g = &job->level[up];
        prolong(g + 1, g);
        for (int i = 0; i < SWEEPS; i++) relax(g, 1), relax(g, 0);
    }
}

/* Sum of products: CHUNK partial sums in double, added in order. n is a multiple of CHUNK. */
INLINE double product(const float *a, const float *b, size_t n) {
    double part[CHUNK] = {0}, sum = 0;
    for (size_t i = 0; i < n; i += CHUNK)
        for (int l = 0; l < CHUNK; l++) part[l] += (double)a[i + (size_t)l] * (double)b[i + (size_t)l];
    for (int l = 0; l < CHUNK; l++) sum += part[l];
    return sum;
}

INLINE float largest(const float *a, size_t n) {
    float most[CHUNK] = {0}, top = 0;
    for (size_t i = 0; i < n; i += CHUNK) {
        for (int l = 0; l < CHUNK; l++) {
            float d = a[i + (size_t)l];
            d = d < 0 ? -d : d;
            most[l] = d > most[l] ? d : most[l];
        }
    }
    for (int l = 0; l < CHUNK; l++) top = most[l] > top ? most[l] : top;
    return top;
}

/* out = 4 p - (sum of p's neighbours), 0 outside. */
INLINE void apply(const grid_level *g, const float *p, float *out) {
    size_t stride = 2 * (size_t)g->half;
    for (int y = 1; y < g->h - 1; y++) {
        for (int odd = 0; odd < 2; odd++) {
            int lo = g->lo[y], n = g->hi[y] - lo;
            size_t at = (size_t)y * stride + (odd ? (size_t)g->half : 0) + 1 + (size_t)lo;
            size_t beside = (size_t)y * stride + (odd ? 0 : (size_t)g->half) + 1 + (size_t)lo;
            float *restrict to = out + at;
            const float *v = p + at, *left = p + beside - (odd ? 0 : 1), *right = left + 1, *up = v - stride, *down = v + stride;
            const float *restrict in = g->in + at;
            for (int i = 0; i < n; i++) to[i] = (4 * v[i] - ((left[i] + right[i]) + (up[i] + down[i]))) * (4 * in[i]);
        }
    }
}

/* Conjugate gradients with the V-cycle as preconditioner. The top level's f is the residual. What the V-cycle makes of the residual is, within a
 * small factor, the error that is left. */
INLINE int solve(const grid_job *job, float tolerance) {
    const grid_level *top = &job->level[0];
    size_t n = job->size;
    float *x = job->x, *p = job->p, *q = job->q, *r = top->f, *z = top->v;
    memset(x, 0, n * sizeof(float));
    double before = 0;
    int count = 0;
    while (count < IAD_POISSON_CYCLES) {
        cycle(job);
        count++;
        double rz = product(r, z, n);
        if (!(rz > 0)) break;
        float most = largest(z, n), beta = before > 0 ? (float)(rz / before) : 0.0f;
        if (count == 1) memcpy(p, z, n * sizeof(float));
        else
            for (size_t i = 0; i < n; i++) p[i] = z[i] + beta * p[i];
        apply(top, p, q);
        double curve = product(p, q, n);
        if (!(curve > 0)) break;
        float alpha = (float)(rz / curve);
        for (size_t i = 0; i < n; i++) x[i] += alpha * p[i];
        for (size_t i = 0; i < n; i++) r[i] -= alpha * q[i];
        before = rz;
        if (most < tolerance) break;
    }
    return count;
}

static int solve_narrow(const grid_job *job, float tolerance) { return solve(job, tolerance); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) static int solve_wide(const grid_job *job, float tolerance) { return solve(job, tolerance); }
#endif

static int run(const grid_job *job, float tolerance, int wide) {
#if defined(__x86_64__)
    if (wide && __builtin_cpu_supports("avx2")) return solve_wide(job, tolerance);
#endif
    (void)wide;
    return solve_narrow(job, tolerance);
}

static iad_status job_init(grid_job *job, int w, int h, const uint8_t *inside, iad_err *err) {
    IAD_TRY(level_init(job, w, h, err));
    grid_level *g = &job->level[0];
    job->size = ((size_t)h * 2 * (size_t)g->half + CHUNK - 1) / CHUNK * CHUNK;
    job->x = iad_calloc(job->size, sizeof(float));
    job->p = iad_calloc(job->size, sizeof(float));
    job->q = iad_calloc(job->size, sizeof(float));
    if (job->x == NULL || job->p == NULL || job->q == NULL) return IAD_NOMEM(err, "Poisson equation");
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) g->in[cell(g, x, y)] = inside[(size_t)y * (size_t)w + (size_t)x] ? 0.25f : 0.0f;
    level_spans(g);
    while (job->levels < LEVELS) {
        g = &job->level[job->levels - 1];
        if (g->w < 5 || g->h < 5) break;
        IAD_TRY(level_init(job, (g->w + 1) / 2, (g->h + 1) / 2, err));
        if (coarsen(g, g + 1) == 0) break;
    }
    return IAD_OK;
}

/* The residual of zero inside: right-hand side with the boundary brought over. */
static void load(const grid_job *job, const uint8_t *inside, const float *div, const float *value) {
    const grid_level *g = &job->level[0];
    size_t w = (size_t)g->w;
    for (int y = 1; y < g->h - 1; y++) {
        for (int x = 1; x < g->w - 1; x++) {
            size_t i = (size_t)y * w + (size_t)x;
            if (!inside[i]) continue;
            float f = div != NULL ? div[i] : 0.0f;
            if (!inside[i - 1]) f += value[i - 1];
            if (!inside[i + 1]) f += value[i + 1];
            if (!inside[i - w]) f += value[i - w];
            if (!inside[i + w]) f += value[i + w];
            g->f[cell(g, x, y)] = f;
        }
    }
}

iad_status iad_poisson_grid(int planes, int w, int h, const uint8_t *inside, const float *div, float *value, float tolerance, int wide, int *cycles,
                            iad_err *err) {
    if (planes < 1 || w < 3 || h < 3 || w > 65500 || h > 65500)
        return IAD_FAIL(err, IAD_ERR_ARG, "Poisson equation on a box of %d x %d, %d planes", w, h, planes);
    grid_job job = {0};
    iad_status status = job_init(&job, w, h, inside, err);
    const grid_level *top = &job.level[0];
    int most = 0;
    for (int plane = 0; status == IAD_OK && plane < planes; plane++) {
        size_t from = (size_t)plane * (size_t)w * (size_t)h;
        load(&job, inside, div != NULL ? div + from : NULL, value + from);
        int count = run(&job, tolerance, wide);
        if (count > most) most = count;
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                size_t i = (size_t)y * (size_t)w + (size_t)x;
                if (inside[i]) value[from + i] = job.x[cell(top, x, y)];
            }
        }
    }
    if (cycles != NULL) *cycles = most;
    job_deinit(&job);
    return status;
}
