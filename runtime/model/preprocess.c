#include "runtime/model/preprocess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/resize.h"
#include "base/pool.h"
#include "runtime/tensor/dtype.h"

iad_preprocess_options iad_preprocess_defaults(void) {
    iad_preprocess_options options = {
        .min_pixels = 3136, .max_pixels = 12845056, .patch = 14, .temporal = 2, .merge = 2, .threads = 1,
        .mean = {0.48145466f, 0.4578275f, 0.40821073f},
        .std = {0.26862954f, 0.26130258f, 0.27577711f},
    };
    return options;
}

iad_preprocess_options iad_preprocess_of_config(const iad_model_config *config) {
    iad_preprocess_options options = iad_preprocess_defaults();
    options.height = config->paper.image_height;
    options.width = config->paper.image_width;
    options.min_pixels = config->preproc.min_pixels;
    options.max_pixels = config->preproc.max_pixels;
    for (int i = 0; i < 3; i++) {
        options.mean[i] = (float)config->preproc.mean[i];
        options.std[i] = (float)config->preproc.std[i];
    }
    options.patch = config->vision.patch;
    options.temporal = config->vision.temporal;
    options.merge = config->vision.merge;
    return options;
}

void iad_patches_deinit(iad_patches *patches) {
    free(patches->rows);
    free(patches->rows16);
    memset(patches, 0, sizeof *patches);
}

/* nearbyint follows the rounding mode of the thread, which is half to even unless a caller changed it; this does not
 * depend on it. */
static double round_half_even(double x) {
    double low = floor(x), rest = x - low;
    if (rest < 0.5 || (rest == 0.5 && fmod(low, 2.0) == 0.0)) return low;
    return low + 1.0;
}

static double at_least(double x, double low) { return x < low ? low : x; }

iad_status iad_smart_resize(int h, int w, int factor, int64_t min_pixels, int64_t max_pixels, int *h2, int *w2,
                            iad_err *err) {
    if (h < 1 || w < 1) return IAD_FAIL(err, IAD_ERR_ARG, "picture of %d x %d pixels", w, h);
    if (factor < 1) return IAD_FAIL(err, IAD_ERR_ARG, "resize factor %d is below 1", factor);
    if (min_pixels < 1 || max_pixels < min_pixels)
        return IAD_FAIL(err, IAD_ERR_ARG, "pixel bounds %lld..%lld", (long long)min_pixels, (long long)max_pixels);
    double dh = h, dw = w, f = factor, high, wide;
    if ((h > w ? dh / dw : dw / dh) > IAD_PREPROCESS_MAX_RATIO)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "picture of %d x %d pixels: one side is more than %g times the other", w, h,
                        IAD_PREPROCESS_MAX_RATIO);
    high = at_least(round_half_even(dh / f) * f, f);
    wide = at_least(round_half_even(dw / f) * f, f);
    if (high * wide > (double)max_pixels) {
        double b = sqrt(dh * dw / (double)max_pixels);
        high = at_least(floor(dh / b / f) * f, f);
        wide = at_least(floor(dw / b / f) * f, f);
    } else if (high * wide < (double)min_pixels) {
        double b = sqrt((double)min_pixels / (dh * dw));
        high = ceil(dh * b / f) * f;
        wide = ceil(dw * b / f) * f;
    }
    if (high * wide > (double)IAD_PREPROCESS_MAX_PIXELS || high > IAD_IMAGE_MAX_SIDE || wide > IAD_IMAGE_MAX_SIDE)
        return IAD_FAIL(err, IAD_ERR_LIMIT,
                        "picture of %d x %d pixels would be resized to %.0f x %.0f; at most %lld pixels and %d a side",
                        w, h, wide, high, (long long)IAD_PREPROCESS_MAX_PIXELS, IAD_IMAGE_MAX_SIDE);
    *h2 = (int)high;
    *w2 = (int)wide;
    return IAD_OK;
}

static iad_status check_options(const iad_preprocess_options *o, iad_err *err) {
    const int sizes[3] = {o->patch, o->temporal, o->merge};
    const char *const names[3] = {"patch size", "temporal patch size", "merge size"};
    for (int i = 0; i < 3; i++)
        if (sizes[i] < 1 || sizes[i] > IAD_PREPROCESS_MAX_PATCH)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s %d is not 1..%d", names[i], sizes[i], IAD_PREPROCESS_MAX_PATCH);
    if ((int64_t)3 * o->temporal * o->patch * o->patch > IAD_PREPROCESS_MAX_ROW)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "patches of %d x %d x %d have more than %d values", o->temporal, o->patch,
                        o->patch, IAD_PREPROCESS_MAX_ROW);
    for (int c = 0; c < 3; c++)
        if (!(o->std[c] > 0) || !isfinite(o->std[c]) || !isfinite(o->mean[c]))
            return IAD_FAIL(err, IAD_ERR_ARG, "normalisation of channel %d: mean %g, std %g", c, (double)o->mean[c],
                            (double)o->std[c]);
    return IAD_OK;
}

iad_status iad_preprocess_size(int h, int w, const iad_preprocess_options *options, iad_resize_record *size,
                               iad_err *err) {
    IAD_TRY(check_options(options, err));
    iad_resize_record record = {h, w, 0, 0};
    int want_h = h, want_w = w;
    if (h < 1 || w < 1) return IAD_FAIL(err, IAD_ERR_ARG, "picture of %d x %d pixels", w, h);
    if (options->height || options->width) {
        want_h = options->height;
        want_w = options->width;
        if (want_h < 1 || want_w < 1)
            return IAD_FAIL(err, IAD_ERR_ARG, "wanted size %d x %d: give both sides, or none", want_w, want_h);
    }
    IAD_TRY(iad_smart_resize(want_h, want_w, options->patch * options->merge, options->min_pixels, options->max_pixels,
                             &record.resized_h, &record.resized_w, err));
    *size = record;
    return IAD_OK;
}

iad_status iad_preprocess_u8(const iad_image *image, const iad_preprocess_options *options, iad_image *resized,
                             iad_err *err) {
    iad_resize_record size = {0};
    iad_image rgb = {0};
    memset(resized, 0, sizeof *resized);
    if (!image->px) return IAD_FAIL(err, IAD_ERR_ARG, "empty picture");
    IAD_TRY(iad_preprocess_size(image->height, image->width, options, &size, err));
    const iad_image *source = image;
    if (image->channels == 1) {
        IAD_TRY(iad_image_to_rgb(image, &rgb, err));
        source = &rgb;
    }
    iad_status status;
    if (size.resized_h == size.source_h && size.resized_w == size.source_w)
        status = iad_image_copy(source, resized, err);
    else if (options->pillow13)
        status = iad_resize_pillow13(source, size.resized_w, size.resized_h, IAD_FILTER_BICUBIC, resized, err);
    else
        status = iad_resize(source, size.resized_w, size.resized_h, IAD_FILTER_BICUBIC, resized, err);
    iad_image_deinit(&rgb);
    return status;
}

/* ---- rows ---- */

typedef struct row_job {
    const iad_image *image;
    iad_patches *patches;
    int patch, temporal, merge;
    float table[3][256]; /* normalised value of every byte */
    uint16_t table16[3][256];
} row_job;

/* Patch (y, x) of the picture as row n. The same picture stands for all frames. */
static void fill_row_f32(const row_job *job, int y, int x, int64_t n) {
    const int p = job->patch, channels = job->image->channels, frame = p * p;
    float *row = job->patches->rows + n * job->patches->n_col;
    for (int c = 0; c < 3; c++) {
        const float *table = job->table[c];
        float *first = row + (size_t)c * (size_t)(job->temporal * frame), *dst = first;
        for (int py = 0; py < p; py++) {
            const uint8_t *src = iad_image_at(job->image, x * p, y * p + py) + (channels == 3 ? c : 0);
            for (int px = 0; px < p; px++) *dst++ = table[src[px * channels]];
        }
        for (int t = 1; t < job->temporal; t++)
            memcpy(first + (size_t)t * (size_t)frame, first, (size_t)frame * sizeof *first);
    }
}

static void fill_row_bf16(const row_job *job, int y, int x, int64_t n) {
    const int p = job->patch, channels = job->image->channels, frame = p * p;
    uint16_t *row = job->patches->rows16 + n * job->patches->n_col;
    for (int c = 0; c < 3; c++) {
        const uint16_t *table = job->table16[c];
        uint16_t *first = row + (size_t)c * (size_t)(job->temporal * frame), *dst = first;
        for (int py = 0; py < p; py++) {
            const uint8_t *src = iad_image_at(job->image, x * p, y * p + py) + (channels == 3 ? c : 0);
            for (int px = 0; px < p; px++) *dst++ = table[src[px * channels]];
        }
        for (int t = 1; t < job->temporal; t++)
            memcpy(first + (size_t)t * (size_t)frame, first, (size_t)frame * sizeof *first);
    }
}

/* One line of merge blocks. */
static void fill_blocks(void *user, size_t by, int thread) {
    const row_job *job = user;
    const int m = job->merge, lw = job->patches->gw / m;
    int64_t n = (int64_t)by * lw * m * m;
    (void)thread;
    for (int bx = 0; bx < lw; bx++)
        for (int dy = 0; dy < m; dy++)
            for (int dx = 0; dx < m; dx++, n++) {
                if (job->patches->rows) fill_row_f32(job, (int)by * m + dy, bx * m + dx, n);
                else fill_row_bf16(job, (int)by * m + dy, bx * m + dx, n);
            }
}

iad_status iad_preprocess_rows(const iad_image *resized, const iad_preprocess_options *options, iad_patches *patches,
                               iad_err *err) {
    memset(patches, 0, sizeof *patches);
    IAD_TRY(check_options(options, err));
    const int factor = options->patch * options->merge;
    if (!resized->px || resized->width < 1 || resized->height < 1 || (resized->channels != 1 && resized->channels != 3))
        return IAD_FAIL(err, IAD_ERR_ARG, "empty picture");
    if (resized->width % factor || resized->height % factor)
        return IAD_FAIL(err, IAD_ERR_ARG, "picture of %d x %d pixels: sides are not multiples of %d", resized->width,
                        resized->height, factor);
    if ((int64_t)resized->width * resized->height > IAD_PREPROCESS_MAX_PIXELS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "picture of %d x %d pixels: at most %lld pixels", resized->width,
                        resized->height, (long long)IAD_PREPROCESS_MAX_PIXELS);
    row_job job = {.image = resized,
                   .patches = patches,
                   .patch = options->patch,
                   .temporal = options->temporal,
                   .merge = options->merge};
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) {
            float scaled = (float)(v * (1.0 / 255.0)), centred = scaled - options->mean[c];
            job.table[c][v] = centred / options->std[c];
            job.table16[c][v] = iad_f32_to_bf16(job.table[c][v]);
        }
    iad_patches made = {.gh = resized->height / options->patch, .gw = resized->width / options->patch};
    made.size = (iad_resize_record){resized->height, resized->width, resized->height, resized->width};
    made.n_row = (int64_t)made.gh * made.gw;
    made.n_col = 3 * options->temporal * options->patch * options->patch;
    size_t n = (size_t)made.n_row * (size_t)made.n_col;
    if (options->bf16) made.rows16 = iad_alloc_aligned(n, sizeof *made.rows16);
    else made.rows = iad_alloc_aligned(n, sizeof *made.rows);
    if (!made.rows && !made.rows16) return IAD_NOMEM(err, "patches of a picture");
    *patches = made;
    iad_parallel_for((size_t)(made.gh / options->merge), options->threads < 1 ? 1 : options->threads, fill_blocks,
                     &job);
    return IAD_OK;
}

iad_status iad_preprocess(const iad_image *image, const iad_preprocess_options *options, iad_patches *patches,
                          iad_err *err) {
    iad_image resized = {0};
    memset(patches, 0, sizeof *patches);
    IAD_TRY(iad_preprocess_u8(image, options, &resized, err));
    iad_status status = iad_preprocess_rows(&resized, options, patches, err);
    if (status == IAD_OK) {
        patches->size.source_h = image->height;
        patches->size.source_w = image->width;
    }
    iad_image_deinit(&resized);
    return status;
}

/* ---- windows ---- */

void iad_windows_deinit(iad_windows *windows) {
    free(windows->order);
    free(windows->cu);
    memset(windows, 0, sizeof *windows);
}

iad_status iad_window_plan(int gh, int gw, int merge, int window, int patch, iad_windows *windows, iad_err *err) {
    memset(windows, 0, sizeof *windows);
    if (gh < 1 || gw < 1 || merge < 1 || patch < 1 || window < 1 || gh % merge || gw % merge)
        return IAD_FAIL(err, IAD_ERR_ARG, "windows of %d over a grid of %d x %d patches of %d, merged by %d", window,
                        gw, gh, patch, merge);
    if ((int64_t)gh * gw > IAD_PREPROCESS_MAX_PIXELS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "grid of %d x %d patches", gw, gh);
    const int side = window / merge / patch, lh = gh / merge, lw = gw / merge;
    if (side < 1)
        return IAD_FAIL(err, IAD_ERR_ARG, "window of %d pixels is smaller than a token of %d", window, merge * patch);
    const int down = (lh - 1) / side + 1, across = (lw - 1) / side + 1;
    iad_windows made = {.lh = lh, .lw = lw, .n_token = lh * lw, .n_window = down * across};
    made.order = iad_alloc((size_t)made.n_token, sizeof *made.order);
    made.cu = iad_alloc((size_t)made.n_window + 1, sizeof *made.cu);
    if (!made.order || !made.cu) {
        iad_windows_deinit(&made);
        return IAD_NOMEM(err, "attention windows");
    }
    int n = 0, k = 0;
    made.cu[0] = 0;
    for (int i = 0; i < down; i++)
        for (int j = 0; j < across; j++) {
            const int y0 = i * side, x0 = j * side, y1 = side < lh - y0 ? y0 + side : lh,
                      x1 = side < lw - x0 ? x0 + side : lw;
            for (int y = y0; y < y1; y++)
                for (int x = x0; x < x1; x++) made.order[n++] = y * lw + x;
            made.cu[++k] = n * merge * merge;
        }
    *windows = made;
    return IAD_OK;
}

void iad_vision_positions(const iad_windows *windows, int merge, int32_t *row, int32_t *col) {
    for (int i = 0; i < windows->n_token; i++) {
        const int y = windows->order[i] / windows->lw * merge, x = windows->order[i] % windows->lw * merge;
        for (int dy = 0; dy < merge; dy++)
            for (int dx = 0; dx < merge; dx++) {
                *row++ = y + dy;
                *col++ = x + dx;
            }
    }
}

void iad_patch_positions(int gh, int gw, int merge, int32_t *row, int32_t *col) {
    for (int y = 0; y < gh; y += merge)
        for (int x = 0; x < gw; x += merge)
            for (int dy = 0; dy < merge; dy++)
                for (int dx = 0; dx < merge; dx++) {
                    *row++ = y + dy;
                    *col++ = x + dx;
                }
}
