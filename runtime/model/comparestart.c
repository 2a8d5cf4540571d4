#include "runtime/model/comparestart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"

static const double PI = 3.14159265358979323846;
static const double CONSTANT = 30;   /* of the tower's last channel; the coefficients of a patch have squares that sum to about 100 */
static const double USUAL_SUM = 100;
static const double STEEP = 20;      /* slope of the gate: silu(-STEEP x) / STEEP is nearly relu(-x) */
static const double LIFT = 4;        /* keeps features in the straight part of the merger's GELU, and is the token's constant */
static const double TOKEN_SCALE = 2.3, TOKEN_RMS = 0.8;
static const double OTHERS = 0.1;    /* what the merger's random units write, of what they were drawn for */
static const double SHARPNESS[] = {200, 500, 1200}; /* logit of a perfect match, by head */
static const double KEY_BIAS = 5;
static const double UNIT_GATE = 2, UNIT_UP = 1 / 13.0, UNIT_DOWN = 0.02;

static double frequency(const iad_cosine_filter *f) { return sqrt((double)(f->v * f->v + f->h * f->h)); }

/* Bands of a coefficient that is no mean: colour, four octaves, and of luminance three directions. */
static int band(const iad_cosine_filter *f) {
    double at = frequency(f);
    int octave = at < 1.5 ? 0 : at < 3 ? 1 : at < 5 ? 2 : 3;
    /* thirds of a right angle: tan 30 and tan 60 degrees */
    int direction = f->colour ? 0 : (double)f->v < 0.57735026918962576 * f->h ? 0 : (double)f->v < 1.7320508075688772 * f->h ? 1 : 2;
    return (f->colour * 4 + octave) * 3 + direction;
}

static double tower_scale(const iad_compare_start *s) { return sqrt((CONSTANT * CONSTANT + USUAL_SUM) / s->config->vision.hidden); }

static int is_mean(const iad_cosine_filter *f) { return f->v == 0 && f->h == 0; }

iad_status iad_compare_start_init(iad_compare_start *start, const iad_model_config *config, const iad_cosine_filter *filters, iad_err *err) {
    enum { BANDS = 3 * 4 * 3 };
    const iad_vision_config *v = &config->vision;
    const iad_text_config *t = &config->text;
    int feature_of_band[BANDS], n_coefficient = v->hidden - 1, n_mean = 0;
    *start = (iad_compare_start){.config = config, .filters = filters};
    start->feature_of = iad_alloc((size_t)(n_coefficient > 0 ? n_coefficient : 1), sizeof *start->feature_of);
    if (!start->feature_of) return IAD_NOMEM(err, "first weights");
    for (int b = 0; b < BANDS; b++) feature_of_band[b] = -1;
    for (int i = 0; i < n_coefficient; i++)
        if (is_mean(&filters[i])) start->feature_of[i] = n_mean++;
    start->n_feature = n_mean;
    for (int i = 0; i < n_coefficient; i++) {
        if (!is_mean(&filters[i])) {
            int *feature = &feature_of_band[band(&filters[i])];
            if (*feature < 0) *feature = start->n_feature++;
            start->feature_of[i] = *feature;
        }
        start->size[start->feature_of[i]]++;
    }
    int n = start->n_feature, content = t->head_dim - 2 * t->mrope_section[0], merged = v->merge * v->merge * v->hidden;
    if (content < n) return IAD_FAIL(err, IAD_ERR_ARG, "%d features do not fit heads of %d with %d time pairs", n, t->head_dim, t->mrope_section[0]);
    if (t->hidden < n + 2) return IAD_FAIL(err, IAD_ERR_ARG, "%d features do not fit tokens of width %d", n, t->hidden);
    if (t->intermediate < 2 * n) return IAD_FAIL(err, IAD_ERR_ARG, "%d features do not fit %d units of a layer", n, t->intermediate);
    if (v->intermediate < n_coefficient - n_mean)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d coefficients do not fit %d units of a block", n_coefficient - n_mean, v->intermediate);
    if (merged < n) return IAD_FAIL(err, IAD_ERR_ARG, "%d features do not fit %d units of the merger", n, merged);
    return IAD_OK;
}

void iad_compare_start_deinit(iad_compare_start *start) { free(start->feature_of); }

double iad_compare_direction(const iad_compare_start *start, int k, int i) {
    int width = start->config->text.hidden;
    return iad_cos(PI * (i + 0.5) * (k + 1) / width) * sqrt(2.0 / width);
}

/* The tensor at hand: [rows][cols] (vectors: one column), of which elements first .. first + n - 1 lie in values. */
typedef struct piece {
    uint64_t first;
    size_t n;
    float *values;
    int cols;
} piece;

static void set(piece p, int row, int col, double value) {
    uint64_t e = (uint64_t)row * (uint64_t)p.cols + (uint64_t)col;
    if (e >= p.first && e - p.first < p.n) p.values[e - p.first] = (float)value;
}
static void set_row(piece p, int row, double value) {
    for (int c = 0; c < p.cols; c++) set(p, row, c, value);
}

/* Dimension of a head that holds content c: those behind the time pairs (i, i + head_dim / 2). */
static int content_at(const iad_text_config *t, int c) {
    int per_half = t->head_dim / 2 - t->mrope_section[0];
    return c < per_half ? t->mrope_section[0] + c : t->head_dim / 2 + t->mrope_section[0] + c - per_half;
}

static void block(const iad_compare_start *s, const char *name, piece p) {
    const iad_vision_config *v = &s->config->vision;
    int unit = 0;
    if (strcmp(name, "attn.proj.bias") == 0) {
        p.cols = 1;
        set(p, v->hidden - 1, 0, CONSTANT);
        return;
    }
    for (int i = 0; i < v->hidden - 1; i++) {
        if (is_mean(&s->filters[i])) continue;
        if (strcmp(name, "mlp.gate_proj.weight") == 0) {
            p.cols = v->hidden;
            set_row(p, unit, 0);
            set(p, unit, i, -STEEP);
        } else if (strcmp(name, "mlp.up_proj.weight") == 0) {
            p.cols = v->hidden;
            set_row(p, unit, 0);
        } else if (strcmp(name, "mlp.up_proj.bias") == 0) {
            p.cols = 1;
            set(p, unit, 0, 1);
        } else if (strcmp(name, "mlp.down_proj.weight") == 0) {
            p.cols = v->intermediate;
            for (int r = 0; r < v->hidden; r++) set(p, r, unit, r == i ? 2 * tower_scale(s) / STEEP : 0);
        }
        unit++;
    }
}

static void merger(const iad_compare_start *s, const char *name, piece p) {
    const iad_vision_config *v = &s->config->vision;
    int patches = v->merge * v->merge, width = patches * v->hidden;
    if (strcmp(name, "0.weight") == 0) {
        p.cols = width;
        for (int f = 0; f < s->n_feature; f++) set_row(p, f, 0);
        for (int i = 0; i < v->hidden - 1; i++)
            for (int k = 0; k < patches; k++)
                set(p, s->feature_of[i], k * v->hidden + i, tower_scale(s) / (patches * sqrt((double)s->size[s->feature_of[i]])));
    } else if (strcmp(name, "0.bias") == 0) {
        p.cols = 1;
        for (int f = 0; f < s->n_feature; f++) set(p, f, 0, LIFT);
    } else if (strcmp(name, "2.weight") == 0) {
        p.cols = width;
        for (size_t i = 0; i < p.n; i++) p.values[i] *= (float)OTHERS;
        for (int r = 0; r < v->out_hidden; r++)
            for (int f = 0; f < s->n_feature; f++) set(p, r, f, TOKEN_SCALE * iad_compare_direction(s, f, r));
    } else if (strcmp(name, "2.bias") == 0) {
        p.cols = 1;
        for (int r = 0; r < v->out_hidden; r++) {
            double sum = iad_compare_direction(s, s->n_feature, r);
            for (int f = 0; f < s->n_feature; f++) sum -= iad_compare_direction(s, f, r);
            set(p, r, 0, TOKEN_SCALE * LIFT * sum);
        }
    }
}

static void attention(const iad_compare_start *s, const char *name, piece p) {
    const iad_text_config *t = &s->config->text;
    int d = t->head_dim, times = t->mrope_section[0], group = t->heads / t->kv_heads, q = strncmp(name, "q_proj", 6) == 0;
    int weight = strcmp(name + 6, ".weight") == 0;
    for (int h = 0; h < (q ? group : 1); h++) {
        double sharp = SHARPNESS[(size_t)h % (sizeof SHARPNESS / sizeof *SHARPNESS)];
        p.cols = weight ? t->hidden : 1;
        for (int r = 0; r < d; r++) set_row(p, h * d + r, 0);
        if (weight) {
            /* keys have the constant, too, so that angles between them tell sizes; values have not: it stays, as the measure of the differences */
            int value = strncmp(name, "v_proj", 6) == 0, n = s->n_feature + (!value && d - 2 * times > s->n_feature);
            for (int c = 0; c < n; c++)
                for (int i = 0; i < t->hidden; i++)
                    set(p, h * d + (value ? c : content_at(t, c)), i, iad_compare_direction(s, c, i) * (q ? sharp * sqrt((double)d) / t->hidden : 1));
        } else if (strncmp(name, "v_proj", 6) != 0) {
            /* the product of both is -bias * cos(angle) per time pair, lowest inside a picture, where the angle is 0 */
            for (int r = 0; r < times; r++) set(p, h * d + r, 0, q ? (0.3 * sharp + 20) * sqrt((double)d) / (times * KEY_BIAS) : -KEY_BIAS);
        }
    }
}

static void subtract(const iad_compare_start *s, piece p) {
    const iad_text_config *t = &s->config->text;
    int group = t->heads / t->kv_heads, d = t->head_dim;
    p.cols = t->heads * d;
    for (int r = 0; r < t->hidden; r++)
        for (int h = 0; h < group; h++)
            for (int c = 0; c < d; c++) set(p, r, h * d + c, c < s->n_feature ? -TOKEN_RMS / group * iad_compare_direction(s, c, r) : 0);
}

static void sizes(const iad_compare_start *s, const char *name, piece p) {
    const iad_text_config *t = &s->config->text;
    for (int u = 0; u < 2 * s->n_feature; u++)
        for (int i = 0; i < t->hidden; i++) {
            if (strcmp(name, "gate_proj.weight") == 0) {
                p.cols = t->hidden;
                set(p, u, i, (u % 2 ? -UNIT_GATE : UNIT_GATE) * iad_compare_direction(s, u / 2, i));
            } else if (strcmp(name, "up_proj.weight") == 0) {
                p.cols = t->hidden;
                set(p, u, i, UNIT_UP * iad_compare_direction(s, s->n_feature, i));
            } else {
                p.cols = t->intermediate;
                set(p, i, u, UNIT_DOWN * iad_compare_direction(s, s->n_feature + 1, i));
            }
        }
}

void iad_compare_start_apply(const iad_compare_start *start, const char *name, uint64_t first, size_t n, float *values) {
    static const char of_block[] = "visual.blocks.0.", of_merger[] = "visual.merger.mlp.";
    static const char of_attention[] = "model.layers.0.self_attn.", of_mlp[] = "model.layers.0.mlp.";
    const iad_vision_config *v = &start->config->vision;
    piece p = {first, n, values, 1};
    if (strcmp(name, "visual.patch_embed.proj.weight") == 0) {
        p.cols = v->in_channels * v->temporal * v->patch * v->patch;
        set_row(p, v->hidden - 1, 0);
    } else if (strncmp(name, of_block, sizeof of_block - 1) == 0) {
        block(start, name + sizeof of_block - 1, p);
    } else if (strncmp(name, of_merger, sizeof of_merger - 1) == 0) {
        merger(start, name + sizeof of_merger - 1, p);
    } else if (strncmp(name, of_attention, sizeof of_attention - 1) == 0) {
        const char *tail = name + sizeof of_attention - 1;
        if (strcmp(tail, "o_proj.weight") == 0) subtract(start, p);
        else attention(start, tail, p);
    } else if (strncmp(name, of_mlp, sizeof of_mlp - 1) == 0) {
        sizes(start, name + sizeof of_mlp - 1, p);
    }
}
