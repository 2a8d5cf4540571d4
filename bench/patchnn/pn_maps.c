/* The two distance maps of a query. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/patchnn/pn_model.h"
#include "bench/patchnn/pn_probe.h"

double iad_pn_ramp(double v, double low, double high) {
    double t = (v - low) / (high - low);
    t = t < 0.0 ? 0.0 : t > 1.0 ? 1.0 : t;
    return t * t * (3.0 - 2.0 * t);
}

/* Scratch of one query: distances on a probe's canvas. */
typedef struct canvas {
    iad_pn_probe probe;
    int32_t *square;          /* [inside] */
    float *anywhere, *in_place; /* [cells]; HUGE_VALF outside */
} canvas;

static void canvas_deinit(canvas *c) {
    iad_pn_probe_deinit(&c->probe);
    free(c->square);
    free(c->anywhere);
    free(c->in_place);
    *c = (canvas){0};
}

static iad_status canvas_init(canvas *c, const iad_patchnn *model, const iad_pn_picture *query, double degrees, iad_err *err) {
    *c = (canvas){0};
    IAD_TRY(iad_pn_probe_init(&c->probe, query, degrees, &model->params, &model->space, 1, err));
    size_t cells = (size_t)c->probe.grid.width * (size_t)c->probe.grid.height;
    c->square = iad_alloc(cells, sizeof *c->square);
    c->anywhere = iad_alloc(cells, sizeof *c->anywhere);
    c->in_place = iad_alloc(cells, sizeof *c->in_place);
    return c->square && c->anywhere && c->in_place ? IAD_OK : IAD_NOMEM(err, "a query's distances");
}

static int32_t squared_norm(const int16_t *v, int n) {
    int32_t sum = 0;
    for (int i = 0; i < n; i++) sum += (int32_t)v[i] * v[i];
    return sum;
}

static int clamp_low(double v) { return v < 0.0 ? 0 : (int)ceil(v); }
static int clamp_high(double v, int n) { return v > n - 1 ? n - 1 : (int)floor(v); }

/* Nearest patch of the exemplar within the radius of the place where the alignment puts a cell. */
static int32_t place_distance(const iad_patchnn *model, const iad_pn_exemplar *e, const iad_pn_alignment *alignment, const canvas *c, int i) {
    const iad_pn_grid *grid = &c->probe.grid;
    int cell = c->probe.inside[i];
    double x = (cell % grid->width + 0.5) * grid->step_x - 0.5 * c->probe.turn.width + alignment->dx + 0.5 * e->width;
    double y = (cell / grid->width + 0.5) * grid->step_y - 0.5 * c->probe.turn.height + alignment->dy + 0.5 * e->height;
    double radius = model->params.radius;
    int x0 = clamp_low((x - radius) / e->step_x - 0.5), x1 = clamp_high((x + radius) / e->step_x - 0.5, e->grid_width);
    int y0 = clamp_low((y - radius) / e->step_y - 0.5), y1 = clamp_high((y + radius) / e->step_y - 0.5, e->grid_height);
    if (x0 > x1 || y0 > y1) return c->square[i]; /* off the exemplar: the place says nothing */
    const int16_t *row = c->probe.rows + (ptrdiff_t)i * e->bank.row_dims;
    int32_t norm = squared_norm(row, e->bank.row_dims), best = INT32_MAX;
    for (int v = y0; v <= y1; v++) {
        int32_t d = model->kernels->window(&e->bank, row, norm, v * e->grid_width + x0, x1 - x0 + 1);
        if (d < best) best = d;
    }
    return best;
}

static void measure(const iad_patchnn *model, int e, const iad_pn_alignment *alignment, int placed, canvas *c) {
    const iad_pn_exemplar *exemplar = model->exemplars + e;
    size_t cells = (size_t)c->probe.grid.width * (size_t)c->probe.grid.height;
    for (size_t i = 0; i < cells; i++) c->anywhere[i] = c->in_place[i] = HUGE_VALF;
    model->kernels->search(&exemplar->bank, c->probe.rows, c->probe.n_inside, c->square, NULL);
    for (int i = 0; i < c->probe.n_inside; i++) {
        int cell = c->probe.inside[i];
        c->anywhere[cell] = (float)(sqrt((double)c->square[i]) / model->space.scale);
        if (placed) c->in_place[cell] = (float)(sqrt((double)place_distance(model, exemplar, alignment, c, i)) / model->space.scale);
    }
}

/* Value of a canvas map at the place of query cell (x, y): bilinear. */
static float take_back(const canvas *c, const float *map, const iad_pn_maps *maps, const iad_pn_picture *query, int x, int y) {
    const iad_pn_grid *grid = &c->probe.grid;
    if (c->probe.turn.degrees == 0.0) return map[y * grid->width + x];
    double cx, cy;
    iad_pn_turn_apply(&c->probe.turn, (x + 0.5) * query->width / maps->width - 0.5, (y + 0.5) * query->height / maps->height - 0.5, &cx, &cy);
    double u = (cx + 0.5) / grid->step_x - 0.5, v = (cy + 0.5) / grid->step_y - 0.5;
    u = u < 0.0 ? 0.0 : u > grid->width - 1 ? grid->width - 1 : u;
    v = v < 0.0 ? 0.0 : v > grid->height - 1 ? grid->height - 1 : v;
    int x0 = (int)u, y0 = (int)v, x1 = x0 + 1 < grid->width ? x0 + 1 : x0, y1 = y0 + 1 < grid->height ? y0 + 1 : y0;
    float fx = (float)(u - x0), fy = (float)(v - y0);
    const float *p = map + (ptrdiff_t)y0 * grid->width, *q = map + (ptrdiff_t)y1 * grid->width;
    float sum = 0.0f;
    if (fx < 1.0f && fy < 1.0f) sum += (1.0f - fx) * (1.0f - fy) * p[x0];
    if (fx > 0.0f) sum += fx * (1.0f - fy) * p[x1];
    if (fy > 0.0f) sum += (1.0f - fx) * fy * q[x0];
    if (fx > 0.0f && fy > 0.0f) sum += fx * fy * q[x1];
    return sum;
}

static void merge(const canvas *c, const iad_pn_picture *query, int placed, iad_pn_maps *maps) {
    for (int y = 0; y < maps->height; y++) {
        for (int x = 0; x < maps->width; x++) {
            size_t i = (size_t)y * (size_t)maps->width + (size_t)x;
            float a = take_back(c, c->anywhere, maps, query, x, y);
            if (a < maps->anywhere[i]) maps->anywhere[i] = a;
            if (!placed) continue;
            float p = take_back(c, c->in_place, maps, query, x, y);
            if (p < maps->in_place[i]) maps->in_place[i] = p;
        }
    }
}

static iad_status maps_alloc(iad_pn_maps *maps, int width, int height, iad_err *err) {
    size_t n = (size_t)width * (size_t)height;
    maps->width = width;
    maps->height = height;
    maps->anywhere = iad_alloc(n, sizeof *maps->anywhere);
    maps->in_place = iad_alloc(n, sizeof *maps->in_place);
    if (!maps->anywhere || !maps->in_place) return IAD_NOMEM(err, "a query's maps");
    for (size_t i = 0; i < n; i++) maps->anywhere[i] = maps->in_place[i] = HUGE_VALF;
    return IAD_OK;
}

/* All exemplars that want the query turned by the same angle share one canvas. */
static iad_status visit(const iad_patchnn *model, const iad_pn_picture *query, const iad_pn_alignment *alignment, int first, iad_pn_maps *maps,
                        iad_err *err) {
    canvas c = {0};
    iad_status status = canvas_init(&c, model, query, alignment[first].degrees, err);
    for (int e = first; status == IAD_OK && e < model->n; e++) {
        if (alignment[e].degrees != alignment[first].degrees) continue;
        int placed = alignment[e].correlation >= model->params.corr_low;
        measure(model, e, &alignment[e], placed, &c);
        merge(&c, query, placed, maps);
    }
    canvas_deinit(&c);
    return status;
}

static int angle_seen(const iad_pn_alignment *alignment, int e) {
    for (int i = 0; i < e; i++)
        if (alignment[i].degrees == alignment[e].degrees) return 1;
    return 0;
}

void iad_pn_maps_deinit(iad_pn_maps *maps) {
    free(maps->anywhere);
    free(maps->in_place);
    *maps = (iad_pn_maps){0};
}

iad_status iad_pn_maps_init(const iad_patchnn *model, const iad_image *query, iad_pn_maps *maps, iad_err *err) {
    *maps = (iad_pn_maps){0};
    iad_pn_picture picture = {0};
    iad_pn_alignment alignment[IAD_PATCHNN_MAX_EXEMPLARS];
    IAD_TRY(iad_pn_picture_init(&picture, query, model->params.work_side, model->n_planes, err));
    iad_status status = iad_pn_align(&model->fft, model->templates, model->n, &picture, &model->params, alignment, err);
    int width, height;
    iad_pn_describe_size(&picture, &model->params, &width, &height);
    if (status == IAD_OK) status = maps_alloc(maps, width, height, err);
    double most = -1.0;
    for (int e = 0; status == IAD_OK && e < model->n; e++) {
        maps->correlation[e] = alignment[e].correlation;
        maps->degrees[e] = alignment[e].degrees;
        if (alignment[e].correlation > most) most = alignment[e].correlation;
        if (!angle_seen(alignment, e)) status = visit(model, &picture, alignment, e, maps, err);
    }
    if (status == IAD_OK) {
        double own = iad_pn_ramp(most, model->params.corr_low, model->params.corr_high);
        maps->alignment = own > model->alignment ? own : model->alignment;
        for (size_t i = 0; i < (size_t)width * (size_t)height; i++)
            if (maps->in_place[i] == HUGE_VALF) maps->in_place[i] = maps->anywhere[i];
    } else iad_pn_maps_deinit(maps);
    iad_pn_picture_deinit(&picture);
    return status;
}
