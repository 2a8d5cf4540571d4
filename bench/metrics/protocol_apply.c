#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "base/image/resize.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/pixelmetrics.h"
#include "bench/metrics/positives.h"
#include "bench/metrics/protocol.h"

static iad_status check_finite(const iad_plane *map, const char *name, iad_err *err) {
    size_t n = (size_t)map->width * (size_t)map->height;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(map->px[i]))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: score %g at x=%zu y=%zu of the map is not a finite number", name,
                            (double)map->px[i], i % (size_t)map->width, i / (size_t)map->width);
    return IAD_OK;
}

static iad_status map_nearest(const iad_plane *src, int width, int height, iad_plane *dst, iad_err *err) {
    IAD_TRY(iad_plane_init(dst, width, height, err));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int64_t sx = (int64_t)x * src->width / width, sy = (int64_t)y * src->height / height;
            dst->px[(size_t)y * (size_t)width + (size_t)x] = src->px[(size_t)sy * (size_t)src->width + (size_t)sx];
        }
    return IAD_OK;
}

static iad_status resample_map(const iad_protocol *p, const iad_plane *src, int width, int height, iad_plane *dst, iad_err *err) {
    if (src->width == width && src->height == height) {
        IAD_TRY(iad_plane_init(dst, width, height, err));
        memcpy(dst->px, src->px, (size_t)width * (size_t)height * sizeof *dst->px);
        return IAD_OK;
    }
    switch (p->interp) {
    case IAD_MAP_BILINEAR: return iad_plane_bilinear(src, width, height, 0, dst, err);
    case IAD_MAP_BILINEAR_ALIGN: return iad_plane_bilinear(src, width, height, 1, dst, err);
    case IAD_MAP_BICUBIC: return iad_plane_bicubic(src, width, height, dst, err);
    case IAD_MAP_NEAREST: return map_nearest(src, width, height, dst, err);
    }
    return IAD_FAIL(err, IAD_ERR_ARG, "map interpolation %d", (int)p->interp);
}

/* Reflection without the edge pixel: -1 is 1, n is n - 2. */
static int reflect(int i, int n) { return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i; }

/* torchvision's gaussian_blur: normalised weights exp(-x^2 / 2 sigma^2), both axes, reflecting borders. */
static iad_status blur_reflect(iad_plane *plane, int k, double sigma, iad_err *err) {
    const int w = plane->width, h = plane->height, half = k / 2;
    if (k < 1 || k > 63 || !(k & 1)) return IAD_FAIL(err, IAD_ERR_ARG, "Gaussian kernel of %d pixels", k);
    if (w <= half || h <= half) return IAD_FAIL(err, IAD_ERR_ARG, "a map of %d x %d is too small for a kernel of %d", w, h, k);
    double weight[63], sum = 0;
    for (int i = 0; i < k; i++) sum += weight[i] = iad_exp(-0.5 * (i - half) * (i - half) / (sigma * sigma));
    for (int i = 0; i < k; i++) weight[i] /= sum;
    double *rows = iad_alloc((size_t)w * (size_t)h, sizeof *rows);
    if (!rows) return IAD_NOMEM(err, "smoothing");
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double v = 0;
            for (int i = 0; i < k; i++) v += weight[i] * (double)plane->px[(size_t)y * (size_t)w + (size_t)reflect(x + i - half, w)];
            rows[(size_t)y * (size_t)w + (size_t)x] = v;
        }
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double v = 0;
            for (int i = 0; i < k; i++) v += weight[i] * rows[(size_t)reflect(y + i - half, h) * (size_t)w + (size_t)x];
            plane->px[(size_t)y * (size_t)w + (size_t)x] = (float)v;
        }
    free(rows);
    return IAD_OK;
}

static iad_status smooth(const iad_protocol *p, iad_plane *map, iad_err *err) {
    switch (p->smoothing) {
    case IAD_SMOOTH_NONE: return IAD_OK;
    case IAD_SMOOTH_SCIPY: return iad_plane_gaussian(map, p->sigma, err);
    case IAD_SMOOTH_KERNEL: return iad_plane_gaussian_kernel(map, p->kernel, p->sigma, err);
    case IAD_SMOOTH_KERNEL_REFLECT: return blur_reflect(map, p->kernel, p->sigma, err);
    }
    return IAD_FAIL(err, IAD_ERR_ARG, "smoothing %d", (int)p->smoothing);
}

/* Replaces *image by its resampled version. */
static iad_status resample_mask(iad_image *image, int width, int height, iad_mask_resample how, iad_err *err) {
    static const iad_filter filters[] = {IAD_FILTER_BILINEAR, IAD_FILTER_NEAREST_CV, IAD_FILTER_NEAREST_PIL};
    if (image->width == width && image->height == height) return IAD_OK;
    iad_image next;
    IAD_TRY(iad_resize(image, width, height, filters[how], &next, err));
    iad_image_deinit(image);
    *image = next;
    return IAD_OK;
}

/* Centre crop as torchvision: the offset is rounded half to even. */
static iad_status crop_mask(iad_image *image, int width, int height, iad_err *err) {
    if (image->width == width && image->height == height) return IAD_OK;
    if (image->width < width || image->height < height)
        return IAD_FAIL(err, IAD_ERR_ARG, "cannot crop %d x %d out of %d x %d", width, height, image->width, image->height);
    int left = (int)rint((image->width - width) / 2.0), top = (int)rint((image->height - height) / 2.0);
    iad_image next;
    IAD_TRY(iad_image_init(&next, width, height, 1, err));
    for (int y = 0; y < height; y++) memcpy(iad_image_at(&next, 0, y), iad_image_at(image, left, top + y), (size_t)width);
    iad_image_deinit(image);
    *image = next;
    return IAD_OK;
}

static iad_status shape_mask(const iad_protocol *p, iad_image *mask, int width, int height, iad_err *err) {
    const iad_mask_rule *rule = &p->mask;
    if (rule->short_side && p->size_rule == IAD_SIZE_FIXED) {
        /* The shorter side becomes `side`, the longer one int(side * long / short). */
        int side = width < height ? width : height, w = side, h = side;
        if (mask->width > mask->height) w = (int)((int64_t)side * mask->width / mask->height);
        else h = (int)((int64_t)side * mask->height / mask->width);
        IAD_TRY(resample_mask(mask, w, h, rule->last, err));
        return crop_mask(mask, width, height, err);
    }
    if (p->size_rule == IAD_SIZE_FIXED && rule->via > 0) IAD_TRY(resample_mask(mask, rule->via, rule->via, rule->resample, err));
    if (p->size_rule == IAD_SIZE_FIXED && rule->crop > 0) IAD_TRY(crop_mask(mask, rule->crop, rule->crop, err));
    return resample_mask(mask, width, height, rule->last, err);
}

static iad_status apply_mask(const iad_protocol *p, const iad_image *stored, const char *name, iad_eval_picture *out, iad_err *err) {
    if (stored->channels != 1) return IAD_FAIL(err, IAD_ERR_ARG, "%s: a mask must have one channel", name);
    size_t n = (size_t)stored->width * (size_t)stored->height;
    for (size_t i = 0; i < n; i++) out->odd_values += stored->px[i] != 0 && stored->px[i] != 255;
    uint64_t regions;
    IAD_TRY(iad_mask_regions(stored->px, stored->width, stored->height, p->connectivity, &regions, err));
    out->source_regions = regions > INT32_MAX ? INT32_MAX : (int)regions;
    IAD_TRY(iad_image_copy(stored, &out->mask, err));
    if (p->mask.binarise_first)
        for (size_t i = 0; i < n; i++) out->mask.px[i] = out->mask.px[i] ? 255 : 0;
    IAD_TRY(shape_mask(p, &out->mask, out->map.width, out->map.height, err));
    n = (size_t)out->mask.width * (size_t)out->mask.height;
    int max = 0;
    for (size_t i = 0; i < n; i++)
        if (out->mask.px[i] > max) max = out->mask.px[i];
    const double level = p->mask.relative_to_max ? max * p->mask.above : 255 * p->mask.above;
    for (size_t i = 0; i < n; i++) out->mask.px[i] = out->mask.px[i] > level;
    IAD_TRY(iad_mask_regions(out->mask.px, out->mask.width, out->mask.height, p->connectivity, &regions, err));
    out->regions = regions > INT32_MAX ? INT32_MAX : (int)regions;
    return IAD_OK;
}

static iad_status target_size(const iad_protocol *p, const iad_plane *map, const iad_image *mask, int picture_width,
                              int picture_height, const char *name, int *width, int *height, iad_err *err) {
    switch (p->size_rule) {
    case IAD_SIZE_FIXED:
        *width = p->width;
        *height = p->height;
        break;
    case IAD_SIZE_MAP:
        *width = map->width;
        *height = map->height;
        break;
    case IAD_SIZE_MASK:
        *width = mask ? mask->width : picture_width;
        *height = mask ? mask->height : picture_height;
        if (*width <= 0 || *height <= 0)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: protocol %s needs the size of the picture", name, p->name);
    }
    if (*width < 1 || *height < 1 || *width > IAD_PROTOCOL_MAX_SIDE || *height > IAD_PROTOCOL_MAX_SIDE)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: evaluation size %d x %d, at most %d", name, *width, *height, IAD_PROTOCOL_MAX_SIDE);
    return IAD_OK;
}

/* A mask may be a scaled copy of the picture's frame, but not of another shape: more than a pixel off is another frame. */
static int same_aspect(int aw, int ah, int bw, int bh) {
    return fabs((double)aw * bh / bw - ah) <= 1 || fabs((double)bw * ah / aw - bh) <= 1;
}

iad_status iad_protocol_apply(const iad_protocol *p, const iad_plane *map, const iad_image *mask, int picture_width,
                              int picture_height, const char *name, iad_eval_picture *out, iad_err *err) {
    *out = (iad_eval_picture){0};
    if (!name) name = "picture";
    IAD_TRY(check_finite(map, name, err));
    if (mask && picture_width > 0 && picture_height > 0) {
        out->size_mismatch = mask->width != picture_width || mask->height != picture_height;
        if (!same_aspect(mask->width, mask->height, picture_width, picture_height))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the mask is %d x %d, but the picture %d x %d", name, mask->width,
                            mask->height, picture_width, picture_height);
    }
    int width = 0, height = 0;
    IAD_TRY(target_size(p, map, mask, picture_width, picture_height, name, &width, &height, err));
    iad_status status = resample_map(p, map, width, height, &out->map, err);
    if (status == IAD_OK) status = smooth(p, &out->map, err);
    if (status == IAD_OK && mask) status = apply_mask(p, mask, name, out, err);
    if (status != IAD_OK) iad_eval_picture_deinit(out);
    return status;
}

void iad_eval_picture_deinit(iad_eval_picture *picture) {
    iad_plane_deinit(&picture->map);
    iad_image_deinit(&picture->mask);
}

iad_map_view iad_eval_picture_view(const iad_eval_picture *picture, int label, const char *name) {
    return (iad_map_view){.map = picture->map.px, .mask = picture->mask.px, .width = picture->map.width,
                          .height = picture->map.height, .label = label,
                          .source_regions = picture->mask.px ? picture->source_regions : -1, .name = name};
}

/* Mean of the `top` largest values, in double, from the largest down. */
static iad_status mean_of_top(const iad_plane *map, size_t top, double *mean, iad_err *err) {
    size_t n = (size_t)map->width * (size_t)map->height;
    if (top < 1) top = 1;
    if (top > n) top = n;
    uint64_t *keys = iad_alloc(n, sizeof *keys);
    if (!keys) return IAD_NOMEM(err, "image score");
    for (size_t i = 0; i < n; i++) keys[i] = (uint64_t)iad_float_key(map->px[i]) << 32;
    iad_status status = iad_sort_u64(keys, n, 32, err);
    double sum = 0;
    for (size_t i = 0; i < top && status == IAD_OK; i++) sum += (double)iad_key_float((uint32_t)(keys[n - 1 - i] >> 32));
    *mean = sum / (double)top;
    free(keys);
    return status;
}

iad_status iad_protocol_image_score(const iad_protocol *p, const iad_plane *native, const iad_plane *evaluated,
                                    double model, double *score, iad_err *err) {
    const iad_plane *map = p->score_native ? native : evaluated;
    int needs_model = p->score_rule != IAD_SCORE_MAX && p->score_rule != IAD_SCORE_TOP_SHARE;
    if (needs_model && !isfinite(model))
        return IAD_FAIL(err, IAD_ERR_ARG, "protocol %s needs the model's own image score", p->name);
    if (p->score_rule == IAD_SCORE_MODEL) {
        *score = model;
        return IAD_OK;
    }
    if (!map || !map->px) return IAD_FAIL(err, IAD_ERR_ARG, "protocol %s needs a map for the image score", p->name);
    size_t n = (size_t)map->width * (size_t)map->height, top = 1;
    if (p->score_rule == IAD_SCORE_TOP_SHARE) top = (size_t)((double)n * p->score_share);
    if (p->score_rule == IAD_SCORE_TOP_MIX) top = (size_t)p->score_top;
    double value = -INFINITY;
    if (top > 1) IAD_TRY(mean_of_top(map, top, &value, err));
    else
        for (size_t i = 0; i < n; i++) value = fmax(value, (double)map->px[i]);
    switch (p->score_rule) {
    case IAD_SCORE_TOP_MIX: *score = (1 - p->score_mix) * model + p->score_mix * value; break;
    case IAD_SCORE_HARMONIC: *score = 1 / (1 / value + 1 / model); break;
    case IAD_SCORE_MAX_PLUS: *score = model + value; break;
    default: *score = value;
    }
    return IAD_OK;
}
