#include "bench/metrics/positives.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "bench/metrics/eachpicture.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/regions.h"

/* What one picture gives; regions are numbered from 0 here. */
typedef struct picture_part {
    uint64_t *pairs, *holes;
    size_t n, n_holes;
    uint32_t *area;
    size_t n_regions;
    uint32_t pixels;
    int source_regions, lost;
} picture_part;

typedef struct collect {
    const iad_map_source *source;
    int connectivity, want_holes;
    iad_positives *out;
} collect;

static uint64_t pair_of(float score, uint32_t region) { return (uint64_t)iad_float_key(score) << 32 | region; }

static iad_status take_pairs(const iad_map_view *view, size_t item, const iad_regions *r, int want_holes, picture_part *part,
                             iad_err *err) {
    part->n_regions = r->n_regions;
    part->n = (size_t)r->pixels;
    part->pairs = iad_alloc(part->n, sizeof *part->pairs);
    if (!part->pairs) return IAD_NOMEM(err, "defect pixels");
    size_t n = 0;
    for (size_t i = 0; i < r->n_runs; i++) {
        const iad_run *run = r->runs + i;
        const float *row = view->map + (size_t)run->y * (size_t)view->width;
        for (int x = run->x0; x < run->x1; x++) {
            if (!isfinite(row[x]))
                return iad_view_not_finite(view, item, (size_t)(row + x - view->map), err);
            part->pairs[n++] = pair_of(row[x], run->region);
        }
    }
    if (!want_holes) return IAD_OK;
    iad_hole *holes = NULL;
    size_t n_holes = 0, cap = 0;
    iad_status status = iad_regions_holes(r, view->width, &holes, &n_holes, &cap, err);
    if (status == IAD_OK) {
        part->holes = iad_alloc(n_holes, sizeof *part->holes);
        if (!part->holes) status = IAD_NOMEM(err, "hole pixels");
        for (size_t i = 0; i < n_holes && status == IAD_OK; i++)
            part->holes[i] = pair_of(view->map[holes[i].pixel], holes[i].region);
        part->n_holes = n_holes;
    }
    free(holes);
    return status;
}

static iad_status take_picture(collect *c, size_t item, const iad_map_view *view, picture_part *part, iad_err *err) {
    char label[200];
    iad_view_label(view, item, label, sizeof label);
    part->pixels = (uint32_t)view->width * (uint32_t)view->height;
    part->source_regions = view->source_regions;
    if (!view->mask) {
        if (view->label == 1) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: labelled anomalous, but it has no mask", label);
        return IAD_OK;
    }
    iad_regions r = {0};
    iad_status status = iad_regions_label(&r, view->mask, view->width, view->height, c->connectivity, err);
    if (status == IAD_OK && r.pixels && view->label == 0)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: labelled normal, but its mask has %llu defect pixels", label,
                          (unsigned long long)r.pixels);
    if (status == IAD_OK && r.pixels) {
        status = take_pairs(view, item, &r, c->want_holes, part, err);
        part->area = r.area;
        r.area = NULL;
    }
    part->lost = !r.pixels && (view->label == 1 || view->source_regions > 0);
    iad_regions_deinit(&r);
    return status;
}

static iad_status work(void *user, size_t item, int thread, void *result, iad_err *err) {
    (void)thread;
    collect *c = user;
    iad_map_view view;
    IAD_TRY(iad_view_get(c->source, item, 0, &view, err));
    iad_status status = take_picture(c, item, &view, result, err);
    iad_view_release(c->source, &view);
    return status;
}

static iad_status append(uint64_t **to, size_t *n, size_t *cap, const uint64_t *from, size_t count, uint64_t base, iad_err *err) {
    IAD_TRY(iad_grow((void **)to, cap, *n + count, sizeof **to, IAD_PIXEL_MAX_POSITIVES, "defect pixels of a set", err));
    for (size_t i = 0; i < count; i++) (*to)[*n + i] = from[i] + base;
    *n += count;
    return IAD_OK;
}

static iad_status emit(void *user, size_t item, void *result, iad_status status, const iad_err *item_err, iad_err *err) {
    collect *c = user;
    iad_positives *out = c->out;
    const picture_part *part = result;
    if (status != IAD_OK) {
        if (err) *err = *item_err;
        return status;
    }
    out->pixels[item] = part->pixels;
    out->total_pixels += part->pixels;
    out->has_defect[item] = part->n > 0;
    out->defect_pictures += part->n > 0;
    out->lost_pictures += part->lost != 0;
    if (part->source_regions > 0) {
        out->source_regions += (uint64_t)part->source_regions;
        if ((uint64_t)part->source_regions > part->n_regions)
            out->lost_regions += (uint64_t)part->source_regions - part->n_regions;
    }
    if (!part->n) return IAD_OK;
    uint64_t base = out->n_regions;
    IAD_TRY(append(&out->pairs, &out->n, &out->cap, part->pairs, part->n, base, err));
    IAD_TRY(append(&out->holes, &out->n_holes, &out->cap_holes, part->holes, part->n_holes, base, err));
    size_t want = out->n_regions + part->n_regions;
    IAD_TRY(iad_grow((void **)&out->area, &out->cap_area, want, sizeof *out->area, UINT32_MAX - 1, "regions", err));
    IAD_TRY(iad_grow((void **)&out->picture, &out->cap_picture, want, sizeof *out->picture, UINT32_MAX - 1, "regions", err));
    memcpy(out->area + out->n_regions, part->area, part->n_regions * sizeof *part->area);
    for (size_t i = out->n_regions; i < want; i++) out->picture[i] = (uint32_t)item;
    out->n_regions = want;
    return IAD_OK;
}

static void drop(void *user, void *result) {
    (void)user;
    picture_part *part = result;
    free(part->pairs);
    free(part->holes);
    free(part->area);
}

iad_status iad_positives_collect(const iad_map_source *source, int connectivity, int want_holes, int n_threads,
                                 iad_positives *out, iad_err *err) {
    *out = (iad_positives){0};
    if (source->count > IAD_MAPSET_MAX_PICTURES)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%zu pictures in one set, at most %u", source->count, IAD_MAPSET_MAX_PICTURES);
    out->n_pictures = source->count;
    out->has_defect = iad_calloc(source->count, 1);
    out->pixels = iad_calloc(source->count, sizeof *out->pixels);
    if (!out->has_defect || !out->pixels) return IAD_NOMEM(err, "picture list");
    collect c = {source, connectivity, want_holes, out};
    iad_pool_job job = {.work = work, .emit = emit, .drop = drop, .user = &c, .result_size = sizeof(picture_part)};
    return iad_pool_run(&job, source->count, n_threads, 0, NULL, err);
}

void iad_positives_deinit(iad_positives *p) {
    free(p->pairs);
    free(p->area);
    free(p->picture);
    free(p->holes);
    free(p->has_defect);
    free(p->pixels);
    *p = (iad_positives){0};
}

/* Least significant digit radix sort, 11 bits at a time, all histograms in one read; digits that never vary are skipped. */
#define DIGIT 11
iad_status iad_sort_u64(uint64_t *values, size_t n, int low_bit, iad_err *err) {
    if (n < 2) return IAD_OK;
    const int digits = (64 - low_bit + DIGIT - 1) / DIGIT;
    uint64_t *spare = iad_alloc(n, sizeof *spare);
    size_t(*histogram)[1 << DIGIT] = iad_calloc((size_t)digits, sizeof *histogram);
    if (!spare || !histogram) {
        free(spare);
        free(histogram);
        return IAD_NOMEM(err, "sorting");
    }
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < digits; d++) histogram[d][values[i] >> (low_bit + d * DIGIT) & ((1 << DIGIT) - 1)]++;
    uint64_t *from = values, *to = spare;
    for (int d = 0; d < digits; d++) {
        size_t *h = histogram[d], sum = 0;
        if (h[from[0] >> (low_bit + d * DIGIT) & ((1 << DIGIT) - 1)] == n) continue;
        for (size_t b = 0; b < 1 << DIGIT; b++) {
            size_t count = h[b];
            h[b] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++) to[h[from[i] >> (low_bit + d * DIGIT) & ((1 << DIGIT) - 1)]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != values) memcpy(values, from, n * sizeof *values);
    free(spare);
    free(histogram);
    return IAD_OK;
}

iad_status iad_positives_sort(iad_positives *p, iad_err *err) {
    IAD_TRY(iad_sort_u64(p->pairs, p->n, 32, err));
    return iad_sort_u64(p->holes, p->n_holes, 32, err);
}

iad_status iad_positives_distinct(const iad_positives *p, uint32_t **keys, uint32_t **count, size_t *k, iad_err *err) {
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) n += !i || p->pairs[i] >> 32 != p->pairs[i - 1] >> 32;
    *keys = iad_alloc(n, sizeof **keys);
    *count = iad_calloc(n, sizeof **count);
    *k = n;
    if (!*keys || !*count) {
        free(*keys);
        free(*count);
        *keys = *count = NULL;
        return IAD_NOMEM(err, "distinct scores");
    }
    size_t at = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (i && p->pairs[i] >> 32 != p->pairs[i - 1] >> 32) at++;
        (*keys)[at] = (uint32_t)(p->pairs[i] >> 32);
        (*count)[at]++;
    }
    return IAD_OK;
}
