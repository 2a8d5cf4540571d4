/* Building the model: describe the exemplars, learn from them what normal variation is, fill the bank. */
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/patchnn/pn_model.h"
#include "bench/patchnn/pn_probe.h"

#define PARTNERS 4        /* other exemplars to which each one is compared */
#define EVERY 2           /* patches that take part in learning: every second on both axes */
#define APART_STEPS 8     /* within one picture, only patches at least so many steps apart are compared */

const iad_pn_params *iad_pn_default_params(void) {
    static const iad_pn_params params = {
        .work_side = 256, .grid_step = 4, .levels = 3, .smooth_sigma = 0.7, .pool_sigma = 2.0, .shrink = 0.03, .noise = 0.001,
        .radius = 16.0, .rotate_gain = 0.1, .corr_low = 0.45, .corr_high = 0.65,
    };
    return &params;
}

/* What only the building needs. */
typedef struct builder {
    iad_patchnn *model;
    iad_pn_picture *pictures; /* [n] */
    iad_pn_grid *grids;       /* [n] */
    float *difference;        /* [n_difference][dims] in the first space */
    size_t n_difference, cap_difference;
    double correlation[IAD_PATCHNN_MAX_EXEMPLARS * PARTNERS];
    int n_correlation;
} builder;

static iad_status fill_bank(builder *b, int e, iad_err *err) {
    const iad_pn_space *space = &b->model->space;
    const iad_pn_grid *grid = b->grids + e;
    int n = grid->width * grid->height, row_dims = iad_pn_row_dims(space->dims);
    int16_t *rows = iad_alloc_aligned((size_t)n * (size_t)row_dims, sizeof *rows);
    if (!rows) return IAD_NOMEM(err, "the bank of patches");
    for (int i = 0; i < n; i++)
        iad_pn_space_quantise(space, grid->v + (ptrdiff_t)i * space->dims, rows + (ptrdiff_t)i * row_dims, row_dims);
    iad_pn_bank_deinit(&b->model->exemplars[e].bank);
    iad_status status = iad_pn_bank_init(&b->model->exemplars[e].bank, rows, n, space->dims, err);
    free(rows);
    return status;
}

static iad_status fill_banks(builder *b, iad_err *err) {
    iad_pn_space_fit_range(&b->model->space, b->grids, b->model->n);
    for (int e = 0; e < b->model->n; e++) IAD_TRY(fill_bank(b, e, err));
    return IAD_OK;
}

static iad_status keep_difference(builder *b, const float *one, const float *other, iad_err *err) {
    size_t dims = (size_t)b->model->space.dims;
    IAD_TRY(iad_grow((void **)&b->difference, &b->cap_difference, (b->n_difference + 1) * dims, sizeof *b->difference, (size_t)1 << 28,
                     "differences between exemplars", err));
    float *out = b->difference + b->n_difference++ * dims;
    for (size_t k = 0; k < dims; k++) out[k] = (one[k] - other[k]) * b->model->space.weight[k];
    return IAD_OK;
}

/* Matches exemplar i, turned as the alignment says, to exemplar j. */
static iad_status compare_pair(builder *b, int i, int j, const iad_pn_alignment *alignment, iad_err *err) {
    const iad_patchnn *model = b->model;
    size_t dims = (size_t)model->space.dims;
    iad_pn_probe probe = {0};
    IAD_TRY(iad_pn_probe_init(&probe, b->pictures + i, alignment->degrees, &model->params, &model->space, EVERY, err));
    int32_t *square = iad_alloc((size_t)probe.n_inside + 1, sizeof *square), *index = iad_alloc((size_t)probe.n_inside + 1, sizeof *index);
    iad_status status = square && index ? IAD_OK : IAD_NOMEM(err, "matches between exemplars");
    if (status == IAD_OK) model->kernels->search(&model->exemplars[j].bank, probe.rows, probe.n_inside, square, index);
    for (int k = 0; status == IAD_OK && k < probe.n_inside; k++)
        status = keep_difference(b, probe.grid.v + (size_t)probe.inside[k] * dims, b->grids[j].v + (size_t)index[k] * dims, err);
    free(square);
    free(index);
    iad_pn_probe_deinit(&probe);
    return status;
}

static iad_status compare_exemplars(builder *b, iad_err *err) {
    const iad_patchnn *model = b->model;
    int n = model->n, partners = n - 1 < PARTNERS ? n - 1 : PARTNERS;
    for (int i = 0; i < n; i++) {
        for (int k = 1; k <= partners; k++) {
            int j = (i + k) % n;
            iad_pn_alignment alignment;
            IAD_TRY(iad_pn_align(&model->fft, model->templates + j, 1, b->pictures + i, &model->params, &alignment, err));
            b->correlation[b->n_correlation++] = alignment.correlation;
            IAD_TRY(compare_pair(b, i, j, &alignment, err));
        }
    }
    return IAD_OK;
}

/* A single exemplar is compared with itself, away from the place. */
static iad_status compare_within(builder *b, iad_err *err) {
    const iad_patchnn *model = b->model;
    const iad_pn_grid *grid = b->grids;
    const iad_pn_bank *bank = &model->exemplars[0].bank;
    int dims = model->space.dims;
    for (int y = 0; y < grid->height; y += EVERY) {
        for (int x = 0; x < grid->width; x += EVERY) {
            const int16_t *query = bank->rows + (ptrdiff_t)(y * grid->width + x) * bank->row_dims;
            int32_t best = INT32_MAX, norm = bank->norm[y * grid->width + x];
            int at = -1;
            for (int v = 0; v < grid->height; v++) {
                for (int part = 0; part < 2; part++) {
                    int near = abs(v - y) < APART_STEPS;
                    int from = part ? (near ? x + APART_STEPS : grid->width) : 0, to = part || !near ? grid->width : x - APART_STEPS + 1;
                    for (int u = from; u < to; u++) {
                        int32_t d = model->kernels->window(bank, query, norm, v * grid->width + u, 1);
                        if (d < best) best = d, at = v * grid->width + u;
                    }
                }
            }
            if (at >= 0) IAD_TRY(keep_difference(b, grid->v + (ptrdiff_t)(y * grid->width + x) * dims, grid->v + (ptrdiff_t)at * dims, err));
        }
    }
    return IAD_OK;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

static iad_status learn(builder *b, iad_err *err) {
    iad_patchnn *model = b->model;
    iad_pn_space_init(&model->space, b->grids, model->n, model->n_planes, &model->params);
    IAD_TRY(fill_banks(b, err));
    IAD_TRY(model->n > 1 ? compare_exemplars(b, err) : compare_within(b, err));
    if (b->n_correlation > 0)
        model->alignment = iad_pn_ramp(median(b->correlation, b->n_correlation), model->params.corr_low, model->params.corr_high);
    IAD_TRY(iad_pn_space_whiten(&model->space, b->difference, b->n_difference, &model->params, err));
    return fill_banks(b, err);
}

static iad_status take_exemplars(builder *b, const iad_image *exemplars, iad_err *err) {
    iad_patchnn *model = b->model;
    for (int e = 0; e < model->n; e++) {
        iad_pn_exemplar *x = model->exemplars + e;
        iad_status status = iad_pn_picture_init(b->pictures + e, exemplars + e, model->params.work_side, model->n_planes, err);
        if (status == IAD_OK) status = iad_pn_template_init(model->templates + e, &model->fft, b->pictures + e, &model->params, err);
        if (status == IAD_OK) status = iad_pn_describe(b->pictures + e, &model->params, b->grids + e, err);
        if (status != IAD_OK) return iad_err_prefix(err, "exemplar %d", e + 1);
        *x = (iad_pn_exemplar){b->pictures[e].width, b->pictures[e].height, b->grids[e].width, b->grids[e].height,
                               b->grids[e].step_x, b->grids[e].step_y, {0}};
    }
    return IAD_OK;
}

void iad_patchnn_free(iad_patchnn *model) {
    if (!model) return;
    for (int e = 0; e < model->n; e++) {
        if (model->templates) iad_pn_template_deinit(model->templates + e);
        if (model->exemplars) iad_pn_bank_deinit(&model->exemplars[e].bank);
    }
    free(model->templates);
    free(model->exemplars);
    free(model);
}

/* Colour counts only when every exemplar shows it. */
static int common_planes(const iad_image *exemplars, int n) {
    for (int e = 0; e < n; e++)
        if (!exemplars[e].px || !iad_pn_picture_has_colour(exemplars + e)) return 1;
    return 3;
}

iad_status iad_patchnn_new_with(const iad_image *exemplars, int n, const iad_pn_params *params, int force_scalar, iad_patchnn **out,
                                iad_err *err) {
    *out = NULL;
    if (!exemplars || n < 1 || n > IAD_PATCHNN_MAX_EXEMPLARS)
        return IAD_FAIL(err, IAD_ERR_ARG, "patchnn: %d exemplars, 1..%d wanted", n, IAD_PATCHNN_MAX_EXEMPLARS);
    iad_patchnn *model = iad_calloc(1, sizeof *model);
    if (!model) return IAD_NOMEM(err, "a patchnn model");
    model->params = *params;
    model->kernels = force_scalar ? &iad_pn_kernels_scalar : iad_pn_kernels_best();
    model->n = n;
    model->n_planes = common_planes(exemplars, n);
    iad_pn_fft_init(&model->fft);
    model->templates = iad_calloc((size_t)n, sizeof *model->templates);
    model->exemplars = iad_calloc((size_t)n, sizeof *model->exemplars);
    builder b = {.model = model, .pictures = iad_calloc((size_t)n, sizeof *b.pictures), .grids = iad_calloc((size_t)n, sizeof *b.grids)};
    iad_status status = model->templates && model->exemplars && b.pictures && b.grids ? IAD_OK : IAD_NOMEM(err, "a patchnn model");
    if (status == IAD_OK) status = take_exemplars(&b, exemplars, err);
    if (status == IAD_OK) status = learn(&b, err);
    for (int e = 0; e < n; e++) {
        if (b.pictures) iad_pn_picture_deinit(b.pictures + e);
        if (b.grids) iad_pn_grid_deinit(b.grids + e);
    }
    free(b.pictures);
    free(b.grids);
    free(b.difference);
    if (status == IAD_OK) *out = model;
    else iad_patchnn_free(model);
    return status;
}
