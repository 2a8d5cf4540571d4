#include "synth/defect/blend.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "synth/defect/poisson_solvers.h"

#define WHOLE 1000000     /* opacity 1 */
#define MAX_FEATHER 10000 /* sigma of 10 pixels */
#define MAX_RADIUS 30
#define UNIT 65536        /* sum of the feather's weights */

static const char *const NAMES[] = {"hard", "feather", "poisson", "mixed"};

const char *iad_blend_name(iad_blend_mode mode) { return (unsigned)mode < 4 ? NAMES[mode] : "?"; }

int iad_blend_parse(const char *name, iad_blend_mode *mode) {
    for (int i = 0; i < 4; i++) {
        if (name == NULL || strcmp(name, NAMES[i]) != 0) continue;
        *mode = (iad_blend_mode)i;
        return 1;
    }
    return 0;
}

static void blend_hard(iad_image *picture, const iad_defect_layer *layer, int opacity) {
    const int64_t whole = 255 * (int64_t)WHOLE;
    int w = layer->content.width, channels = picture->channels;
    for (int y = 0; y < layer->content.height; y++) {
        uint8_t *to = iad_image_at(picture, layer->x, layer->y + y);
        const uint8_t *from = iad_image_at(&layer->content, 0, y), *cover = iad_image_at(&layer->cover, 0, y);
        for (int x = 0; x < w; x++, to += channels, from += channels) {
            int64_t part = (int64_t)cover[x] * opacity;
            if (part == 0) continue;
            if (part == whole) { /* nothing of the picture is left: mostly whole runs */
                int run = 1;
                while (x + run < w && cover[x + run] == 255) run++;
                memcpy(to, from, (size_t)run * (size_t)channels);
                x += run - 1;
                to += (run - 1) * channels;
                from += (run - 1) * channels;
                continue;
            }
            for (int c = 0; c < channels; c++) to[c] = (uint8_t)((to[c] * (whole - part) + from[c] * part + whole / 2) / whole);
        }
    }
}

/* Whole-numbered weights of a Gaussian, whose sum is UNIT; weight[0] is the middle. */
static int feather_weights(int feather, int weight[MAX_RADIUS + 1]) {
    double sigma = feather / 1000.0, value[MAX_RADIUS + 1], sum = 0;
    int radius = (3 * feather + 999) / 1000, rest = UNIT;
    for (int i = 0; i <= radius; i++) {
        value[i] = feather > 0 ? iad_exp(-0.5 * i * i / (sigma * sigma)) : 1;
        sum += i == 0 ? value[i] : 2 * value[i];
    }
    for (int i = radius; i > 0; i--) {
        weight[i] = (int)(value[i] / sum * UNIT + 0.5);
        rest -= 2 * weight[i];
    }
    weight[0] = rest;
    return radius;
}

static int clamp_int(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }

/* The cover at a pixel of the picture: 0 outside of the layer; beyond the picture's edge it goes on as at the edge. */
static int cover_at(const iad_image *picture, const iad_defect_layer *layer, int x, int y) {
    x = clamp_int(x, 0, picture->width - 1) - layer->x;
    y = clamp_int(y, 0, picture->height - 1) - layer->y;
    return x < 0 || y < 0 || x >= layer->cover.width || y >= layer->cover.height ? 0 : *iad_image_at(&layer->cover, x, y);
}

static iad_status blend_feather(iad_image *picture, const iad_defect_layer *layer, const iad_blend *blend, iad_err *err) {
    int weight[MAX_RADIUS + 1], radius = feather_weights(blend->feather, weight), channels = picture->channels;
    int bw = layer->content.width, bh = layer->content.height;
    int x0 = clamp_int(layer->x - radius, 0, picture->width), x1 = clamp_int(layer->x + bw + radius, 0, picture->width);
    int y0 = clamp_int(layer->y - radius, 0, picture->height), y1 = clamp_int(layer->y + bh + radius, 0, picture->height);
    int w = x1 - x0, rows = y1 - y0 + 2 * radius, line_w = w + 2 * radius;
    uint32_t *across = iad_alloc((size_t)w * (size_t)rows, sizeof(uint32_t)); /* cover smoothed along x, times UNIT / 256 */
    int *line = iad_alloc((size_t)line_w, sizeof(int));
    if (across == NULL || line == NULL) {
        free(across);
        free(line);
        return IAD_NOMEM(err, "feathered cover");
    }
    for (int r = 0; r < rows; r++) {
        for (int i = 0; i < line_w; i++) line[i] = cover_at(picture, layer, x0 - radius + i, y0 - radius + r);
        for (int x = 0; x < w; x++) {
            int sum = weight[0] * line[x + radius];
            for (int k = 1; k <= radius; k++) sum += weight[k] * (line[x + radius - k] + line[x + radius + k]);
            across[(size_t)r * (size_t)w + (size_t)x] = (uint32_t)(sum + 128) >> 8;
        }
    }
    const int64_t whole = 255 * (int64_t)UNIT * 256 * 1000; /* of a pixel wholly covered at opacity 1 (opacity in 1/1000 of WHOLE below) */
    for (int y = y0; y < y1; y++) {
        const uint32_t *mid = across + (size_t)(y - y0 + radius) * (size_t)w;
        uint8_t *to = iad_image_at(picture, x0, y);
        int from_y = clamp_int(y - layer->y, 0, bh - 1);
        for (int x = 0; x < w; x++, to += channels) {
            int64_t sum = (int64_t)weight[0] * mid[x];
            for (int k = 1; k <= radius; k++) sum += (int64_t)weight[k] * (mid[x - (ptrdiff_t)k * w] + (int64_t)mid[x + (ptrdiff_t)k * w]);
            int64_t part = sum * blend->opacity / 1000; /* at most 255 2^24 1000, about 4e12 */
            if (part == 0) continue;
            const uint8_t *from = iad_image_at(&layer->content, clamp_int(x0 + x - layer->x, 0, bw - 1), from_y);
            for (int c = 0; c < channels; c++) to[c] = (uint8_t)((to[c] * (whole - part) + from[c] * part + whole / 2) / whole);
        }
    }
    free(across);
    free(line);
    return IAD_OK;
}

/* What the wanted field has more than the picture's own, summed over one neighbour of each of n samples: the gradient of the content where it is the
 * larger one in size, else nothing. s and t: the samples, s1 and t1: their neighbours. */
static void add_larger(const uint8_t *s, const uint8_t *s1, const uint8_t *t, const uint8_t *t1, int n, int16_t *restrict sum) {
    for (int i = 0; i < n; i++) {
        int16_t own = (int16_t)(t[i] - t1[i]), other = (int16_t)(s[i] - s1[i]);
        int16_t own_size = (int16_t)(own < 0 ? -own : own), other_size = (int16_t)(other < 0 ? -other : other);
        int16_t more = (int16_t)(other - own), mask = (int16_t)-(other_size > own_size);
        sum[i] = (int16_t)(sum[i] + (more & mask));
    }
}

/* div of the wanted field minus the picture's own: 4 u - sum of u for u = result - picture. Gradients are differences to each neighbour.
 * sums: scratch for a row. */
static void mixed_field(const iad_image *content, const iad_image *picture, int x0, int y0, int16_t *sums, float *div) {
    int w = content->width, h = content->height, channels = content->channels, n = (w - 2) * channels;
    size_t area = (size_t)w * (size_t)h, across = (size_t)w * (size_t)channels, down = (size_t)picture->width * (size_t)channels;
    for (int y = 1; y < h - 1; y++) {
        const uint8_t *s = iad_image_at(content, 1, y), *t = iad_image_at(picture, x0 + 1, y0 + y);
        memset(sums, 0, (size_t)n * sizeof *sums);
        add_larger(s, s - channels, t, t - channels, n, sums);
        add_larger(s, s + channels, t, t + channels, n, sums);
        add_larger(s, s - across, t, t - down, n, sums);
        add_larger(s, s + across, t, t + down, n, sums);
        for (int c = 0; c < channels; c++) {
            float *row = div + (size_t)c * area + (size_t)y * (size_t)w + 1;
            for (int x = 0; x < w - 2; x++) row[x] = (float)sums[x * channels + c];
        }
    }
}

/* Perez et al., "Poisson Image Editing", SIGGRAPH 2003. Solved for a difference, which is smooth and needs few digits: POISSON for result minus
 * content (harmonic; picture minus content on the boundary), MIXED for result minus picture (zero on the boundary). */
static iad_status blend_gradients(iad_image *picture, const iad_defect_layer *layer, const iad_blend *blend, iad_err *err) {
    const iad_image *content = &layer->content;
    int w = content->width, h = content->height, channels = picture->channels, mixed = blend->mode == IAD_BLEND_MIXED;
    size_t area = (size_t)w * (size_t)h, all = area * (size_t)channels;
    if (w < 3 || h < 3) return IAD_OK; /* nothing but border */
    uint8_t *inside = iad_calloc(area, 1);
    float *value = iad_alloc_aligned(all, sizeof(float)), *div = mixed ? iad_alloc_aligned(all, sizeof(float)) : NULL;
    int16_t *sums = mixed ? iad_alloc((size_t)w * (size_t)channels, sizeof(int16_t)) : NULL;
    iad_status status = IAD_OK;
    if (inside == NULL || value == NULL || (mixed && (div == NULL || sums == NULL))) {
        status = IAD_NOMEM(err, "Poisson blend");
        goto done;
    }
    for (int y = 1; y < h - 1; y++)
        for (int x = 1; x < w - 1; x++) inside[(size_t)y * (size_t)w + (size_t)x] = *iad_image_at(&layer->cover, x, y) >= 128;
    if (mixed) {
        memset(value, 0, all * sizeof(float));
        memset(div, 0, all * sizeof(float));
        mixed_field(content, picture, layer->x, layer->y, sums, div);
    } else {
        for (int y = 0; y < h; y++) {
            const uint8_t *s = iad_image_at(content, 0, y), *t = iad_image_at(picture, layer->x, layer->y + y);
            float *row = value + (size_t)y * (size_t)w;
            for (int c = 0; c < channels; c++)
                for (int x = 0; x < w; x++) row[(size_t)c * area + (size_t)x] = (float)(t[x * channels + c] - s[x * channels + c]);
        }
    }
    status = iad_poisson_planes(channels, w, h, inside, div, value, err);
    if (status != IAD_OK) goto done;
    float opacity = (float)blend->opacity / (float)WHOLE;
    for (int y = 1; y < h - 1; y++) {
        const uint8_t *s = iad_image_at(content, 0, y);
        uint8_t *t = iad_image_at(picture, layer->x, layer->y + y);
        for (int x = 1; x < w - 1; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            if (!inside[i]) continue;
            for (int c = 0; c < channels; c++) {
                int old = t[x * channels + c];
                float v = value[(size_t)c * area + i] + (float)(mixed ? old : s[x * channels + c]);
                v = v < 0 ? 0 : v > 255 ? 255 : v;
                t[x * channels + c] = (uint8_t)((float)old + opacity * (v - (float)old) + 0.5f);
            }
        }
    }
done:
    free(inside);
    free(value);
    free(div);
    free(sums);
    return status;
}

iad_status iad_blend_layer(iad_image *picture, const iad_defect_layer *layer, const iad_blend *blend, iad_err *err) {
    const iad_image *content = &layer->content, *cover = &layer->cover;
    if (picture->px == NULL || content->px == NULL || cover->px == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "blend: a picture is empty");
    if ((picture->channels != 1 && picture->channels != 3) || content->channels != picture->channels || cover->channels != 1)
        return IAD_FAIL(err, IAD_ERR_ARG, "blend: picture of %d, content of %d, cover of %d channels", picture->channels, content->channels,
                        cover->channels);
    int w = content->width, h = content->height;
    if (cover->width != w || cover->height != h)
        return IAD_FAIL(err, IAD_ERR_ARG, "blend: content of %d x %d, cover of %d x %d", w, h, cover->width, cover->height);
    if (layer->x < 0 || layer->y < 0 || w > picture->width || h > picture->height || layer->x > picture->width - w || layer->y > picture->height - h)
        return IAD_FAIL(err, IAD_ERR_ARG, "blend: box of %d x %d at (%d, %d) leaves the picture of %d x %d", w, h, layer->x, layer->y, picture->width,
                        picture->height);
    if (blend->opacity < 0 || blend->opacity > WHOLE) return IAD_FAIL(err, IAD_ERR_ARG, "blend: opacity %d of 0..%d", blend->opacity, WHOLE);
    if (blend->feather < 0 || blend->feather > MAX_FEATHER)
        return IAD_FAIL(err, IAD_ERR_ARG, "blend: feather %d of 0..%d", blend->feather, MAX_FEATHER);
    if (blend->opacity == 0 && (unsigned)blend->mode < 4) return IAD_OK;
    switch (blend->mode) {
    case IAD_BLEND_HARD: blend_hard(picture, layer, blend->opacity); return IAD_OK;
    case IAD_BLEND_FEATHER: return blend_feather(picture, layer, blend, err);
    case IAD_BLEND_POISSON:
    case IAD_BLEND_MIXED: return blend_gradients(picture, layer, blend, err);
    }
    return IAD_FAIL(err, IAD_ERR_ARG, "blend: mode %d", (int)blend->mode);
}
