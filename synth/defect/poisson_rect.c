#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "synth/defect/poisson_solvers.h"
#include "synth/defect/sinefft.h"

#define INLINE static inline __attribute__((always_inline))
#define LINES 16 /* tridiagonal systems side by side */
#define TILE 16  /* pixels of a side when a picture is turned */

/* One problem. The transform runs down columns: rows are its index, columns its lanes. When it runs along x, everything is turned. */
typedef struct rect_job {
    int planes, w, h;  /* with the boundary */
    int rows, columns; /* of the inside, as the transform sees it */
    int turned;
    size_t stride;     /* columns rounded up to whole blocks */
    const float *div;
    float *value;
    float *grid;       /* [planes][rows][stride] */
    double *pivot;     /* [columns][LINES] */
    double *line;      /* [columns][LINES] */
    double *angle;     /* [rows] 2 + (2 - 2 cos(pi k / (rows + 1))), k from 1 */
    iad_sine_plan plan;
} rect_job;

static void job_deinit(rect_job *job) {
    free(job->grid);
    free(job->pivot);
    free(job->line);
    free(job->angle);
    iad_sine_plan_deinit(&job->plan);
}

static iad_status job_init(rect_job *job, iad_err *err) {
    job->turned = iad_sine_cost(job->w - 2) * (job->h - 2) < iad_sine_cost(job->h - 2) * (job->w - 2);
    job->rows = (job->turned ? job->w : job->h) - 2;
    job->columns = (job->turned ? job->h : job->w) - 2;
    job->stride = ((size_t)job->columns + IAD_SINE_BLOCK - 1) / IAD_SINE_BLOCK * IAD_SINE_BLOCK;
    IAD_TRY(iad_sine_plan_init(&job->plan, job->rows, err));
    job->grid = iad_alloc_aligned((size_t)job->planes * (size_t)job->rows * job->stride, sizeof(float));
    job->pivot = iad_alloc_aligned((size_t)job->columns * LINES, sizeof(double));
    job->line = iad_alloc_aligned((size_t)job->columns * LINES, sizeof(double));
    job->angle = iad_alloc_aligned((size_t)job->rows, sizeof(double));
    if (job->grid == NULL || job->pivot == NULL || job->line == NULL || job->angle == NULL) {
        job_deinit(job);
        return IAD_NOMEM(err, "Poisson equation");
    }
    for (int k = 0; k < job->rows; k++) {
        double s = iad_sin(3.141592653589793 * (k + 1) / (2.0 * (job->rows + 1)));
        job->angle[k] = 2 + 4 * s * s;
    }
    return IAD_OK;
}

/* Boundary value beside the inside pixel (row, column) of the turned view; side 0 up, 1 down, 2 left, 3 right. */
static inline float edge(const rect_job *job, const float *value, int side, int at) {
    size_t w = (size_t)job->w, h = (size_t)job->h, i = (size_t)at + 1;
    if (job->turned) side ^= 2;
    if (side == 0) return value[i];
    if (side == 1) return value[(h - 1) * w + i];
    if (side == 2) return value[i * w];
    return value[i * w + w - 1];
}

/* Right-hand side with the boundary brought over. */
static void load_full(const rect_job *job, int plane) {
    size_t area = (size_t)job->w * (size_t)job->h, w = (size_t)job->w;
    const float *value = job->value + (size_t)plane * area, *div = job->div + (size_t)plane * area;
    float *grid = job->grid + (size_t)plane * (size_t)job->rows * job->stride;
    if (!job->turned) {
        for (int r = 0; r < job->rows; r++) {
            float *row = grid + (size_t)r * job->stride;
            memcpy(row, div + ((size_t)r + 1) * w + 1, (size_t)job->columns * sizeof(float));
            memset(row + job->columns, 0, (job->stride - (size_t)job->columns) * sizeof(float));
        }
    } else {
        for (int r0 = 0; r0 < job->rows; r0 += TILE) {
            int r1 = r0 + TILE < job->rows ? r0 + TILE : job->rows;
            for (int c = 0; c < job->columns; c++) {
                const float *from = div + ((size_t)c + 1) * w + 1;
                for (int r = r0; r < r1; r++) grid[(size_t)r * job->stride + (size_t)c] = from[r];
            }
            for (int r = r0; r < r1; r++)
                memset(grid + (size_t)r * job->stride + job->columns, 0, (job->stride - (size_t)job->columns) * sizeof(float));
        }
    }
    for (int c = 0; c < job->columns; c++) {
        grid[c] += edge(job, value, 0, c);
        grid[(size_t)(job->rows - 1) * job->stride + (size_t)c] += edge(job, value, 1, c);
    }
    for (int r = 0; r < job->rows; r++) {
        grid[(size_t)r * job->stride] += edge(job, value, 2, r);
        grid[(size_t)r * job->stride + (size_t)job->columns - 1] += edge(job, value, 3, r);
    }
}

/* The same for div = 0, already transformed: a column has its first and last pixel only, whose transforms are plain sines; the first and the
 * last column are transformed as a block of their own and added. `pair` is
 * scratch: [rows][IAD_SINE_BLOCK], then two rows for sums and differences of a column's ends. */
static void load_edges(const rect_job *job, int plane, float *pair, int wide) {
    const float *value = job->value + (size_t)plane * (size_t)job->w * (size_t)job->h;
    float *grid = job->grid + (size_t)plane * (size_t)job->rows * job->stride;
    float *spare = pair + (size_t)job->rows * IAD_SINE_BLOCK;
    for (int c = 0; c < job->columns; c++) {
        float up = edge(job, value, 0, c), down = edge(job, value, 1, c);
        spare[c] = up + down;
        spare[job->stride + (size_t)c] = up - down;
    }
    for (size_t c = (size_t)job->columns; c < job->stride; c++) spare[c] = spare[job->stride + c] = 0;
    for (int k = 0; k < job->rows; k++) {
        float *row = grid + (size_t)k * job->stride;
        const float *ends = spare + (k % 2 == 0 ? 0 : job->stride);
        float sine = job->plan.sines[k + 1];
        for (size_t c = 0; c < job->stride; c++) row[c] = ends[c] * sine;
    }
    memset(pair, 0, (size_t)job->rows * IAD_SINE_BLOCK * sizeof(float));
    for (int r = 0; r < job->rows; r++) {
        pair[(size_t)r * IAD_SINE_BLOCK] = edge(job, value, 2, r);
        pair[(size_t)r * IAD_SINE_BLOCK + 1] = edge(job, value, 3, r);
    }
    iad_sine_block(&job->plan, pair, IAD_SINE_BLOCK, 1.0f, wide);
    for (int k = 0; k < job->rows; k++) {
        grid[(size_t)k * job->stride] += pair[(size_t)k * IAD_SINE_BLOCK];
        grid[(size_t)k * job->stride + (size_t)job->columns - 1] += pair[(size_t)k * IAD_SINE_BLOCK + 1];
    }
}

static void store(const rect_job *job, int plane) {
    size_t area = (size_t)job->w * (size_t)job->h, w = (size_t)job->w;
    float *value = job->value + (size_t)plane * area;
    const float *grid = job->grid + (size_t)plane * (size_t)job->rows * job->stride;
    if (!job->turned) {
        for (int r = 0; r < job->rows; r++)
            memcpy(value + ((size_t)r + 1) * w + 1, grid + (size_t)r * job->stride, (size_t)job->columns * sizeof(float));
        return;
    }
    for (int r0 = 0; r0 < job->rows; r0 += TILE) {
        int r1 = r0 + TILE < job->rows ? r0 + TILE : job->rows;
        for (int c = 0; c < job->columns; c++) {
            float *to = value + ((size_t)c + 1) * w + 1;
            for (int r = r0; r < r1; r++) to[r] = grid[(size_t)r * job->stride + (size_t)c];
        }
    }
}

/* (angle_k) F_c - F_(c-1) - F_(c+1) = D_c along every row k, LINES rows at a time; in double, since the lowest rows are nearly singular. */
INLINE void systems(const rect_job *job) {
    double *pivot = job->pivot, *line = job->line;
    int columns = job->columns;
    for (int k0 = 0; k0 < job->rows; k0 += LINES) {
        int lines = job->rows - k0 < LINES ? job->rows - k0 : LINES;
        double diagonal[LINES];
        for (int l = 0; l < LINES; l++) diagonal[l] = job->angle[k0 + (l < lines ? l : 0)];
        for (int l = 0; l < LINES; l++) pivot[l] = 1 / diagonal[l];
        for (int c = 1; c < columns; c++)
            for (int l = 0; l < LINES; l++) pivot[c * LINES + l] = 1 / (diagonal[l] - pivot[(c - 1) * LINES + l]);
        for (int plane = 0; plane < job->planes; plane++) {
            float *grid = job->grid + ((size_t)plane * (size_t)job->rows + (size_t)k0) * job->stride;
            double held[LINES] = {0};
            for (int c = 0; c < columns; c++) {
                float in[LINES] = {0};
                for (int l = 0; l < lines; l++) in[l] = grid[(size_t)l * job->stride + (size_t)c];
                for (int l = 0; l < LINES; l++) held[l] = ((double)in[l] + held[l]) * pivot[c * LINES + l];
                memcpy(line + c * LINES, held, sizeof held);
            }
            memset(held, 0, sizeof held);
            for (int c = columns - 1; c >= 0; c--) {
                float out[LINES];
                for (int l = 0; l < LINES; l++) {
                    held[l] = line[c * LINES + l] + pivot[c * LINES + l] * held[l];
                    out[l] = (float)held[l];
                }
                for (int l = 0; l < lines; l++) grid[(size_t)l * job->stride + (size_t)c] = out[l];
            }
        }
    }
}

static void systems_narrow(const rect_job *job) { systems(job); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) static void systems_wide(const rect_job *job) { systems(job); }
#endif

static void run_systems(const rect_job *job, int wide) {
#if defined(__x86_64__)
    if (wide && __builtin_cpu_supports("avx2")) {
        systems_wide(job);
        return;
    }
#endif
    (void)wide;
    systems_narrow(job);
}

iad_status iad_poisson_rect(int planes, int w, int h, const float *div, float *value, int wide, iad_err *err) {
    if (planes < 1 || planes > 4 || w < 3 || h < 3 || w > IAD_SINE_MAX || h > IAD_SINE_MAX)
        return IAD_FAIL(err, IAD_ERR_ARG, "Poisson equation on a box of %d x %d, %d planes", w, h, planes);
    rect_job job = {.planes = planes, .w = w, .h = h, .div = div, .value = value};
    IAD_TRY(job_init(&job, err));
    float *pair = NULL;
    if (div == NULL) {
        pair = iad_alloc_aligned((size_t)job.rows * IAD_SINE_BLOCK + 2 * job.stride, sizeof(float));
        if (pair == NULL) {
            job_deinit(&job);
            return IAD_NOMEM(err, "Poisson equation");
        }
    }
    for (int plane = 0; plane < planes; plane++) {
        float *grid = job.grid + (size_t)plane * (size_t)job.rows * job.stride;
        if (div == NULL) {
            load_edges(&job, plane, pair, wide);
            continue;
        }
        load_full(&job, plane);
        for (size_t c = 0; c < job.stride; c += IAD_SINE_BLOCK) iad_sine_block(&job.plan, grid + c, job.stride, 1.0f, wide);
    }
    run_systems(&job, wide);
    for (int plane = 0; plane < planes; plane++) {
        float *grid = job.grid + (size_t)plane * (size_t)job.rows * job.stride;
        for (size_t c = 0; c < job.stride; c += IAD_SINE_BLOCK)
            iad_sine_block(&job.plan, grid + c, job.stride, 2.0f / (float)(job.rows + 1), wide);
        store(&job, plane);
    }
    free(pair);
    job_deinit(&job);
    return IAD_OK;
}
