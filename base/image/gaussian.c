/* Smoothing of float planes: columns first, then rows, as scipy.ndimage.gaussian_filter does it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/gaussian_lines.h"

enum { LANES = IAD_GAUSSIAN_LANES };

typedef enum border { BORDER_REFLECT, BORDER_ZERO } border;

/* Half-sample symmetric continuation (d c b a | a b c d | d c b a), any number of times over. */
static int reflect(int i, int n) {
    int period = 2 * n, r = i % period;
    if (r < 0) r += period;
    return r < n ? r : period - 1 - r;
}

/* Fills the 2 * radius entries around the `length` that stand in the middle. */
static void extend(double *in, int length, int radius, border mode) {
    for (int i = -radius; i < length + radius; i++) {
        if (i == 0) i = length; /* what lies between is there already */
        double *to = in + ((size_t)i + (size_t)radius) * LANES;
        if (i >= length + radius) break;
        if (mode == BORDER_ZERO)
            memset(to, 0, LANES * sizeof *to);
        else
            memcpy(to, in + ((size_t)reflect(i, length) + (size_t)radius) * LANES, LANES * sizeof *to);
    }
}

static void smooth_columns(iad_plane *plane, iad_gaussian_kernel kernel, iad_gaussian_job *job, double *in, float *out, border mode) {
    const size_t width = (size_t)plane->width;
    job->length = plane->height;
    for (size_t x = 0; x < width; x += LANES) {
        const size_t n = width - x < LANES ? width - x : LANES;
        double *to = in + (size_t)job->radius * LANES;
        for (int y = 0; y < plane->height; y++, to += LANES) {
            const float *from = plane->px + (size_t)y * width + x;
            for (size_t k = 0; k < n; k++) to[k] = from[k];
            for (size_t k = n; k < LANES; k++) to[k] = 0.0;
        }
        extend(in, plane->height, job->radius, mode);
        job->out = n == LANES ? plane->px + x : out;
        job->out_stride = n == LANES ? width : LANES;
        kernel(job);
        if (n < LANES)
            for (int y = 0; y < plane->height; y++)
                memcpy(plane->px + (size_t)y * width + x, out + (size_t)y * LANES, n * sizeof *out);
    }
}

static void smooth_rows(iad_plane *plane, iad_gaussian_kernel kernel, iad_gaussian_job *job, double *in, float *out, border mode) {
    const size_t width = (size_t)plane->width, height = (size_t)plane->height;
    job->length = plane->width;
    job->out = out;
    job->out_stride = LANES;
    for (size_t y = 0; y < height; y += LANES) {
        const size_t n = height - y < LANES ? height - y : LANES;
        double *middle = in + (size_t)job->radius * LANES;
        /* Eight columns of all lines at a time: the written part stays in the first-level cache. */
        for (size_t x = 0; x < width; x += 8) {
            const size_t m = width - x < 8 ? width - x : 8;
            for (size_t k = 0; k < LANES; k++) {
                const float *from = plane->px + (y + (k < n ? k : n - 1)) * width + x;
                for (size_t i = 0; i < m; i++) middle[(x + i) * LANES + k] = from[i];
            }
        }
        extend(in, plane->width, job->radius, mode);
        kernel(job);
        for (size_t x = 0; x < width; x += 8) {
            const size_t m = width - x < 8 ? width - x : 8;
            for (size_t k = 0; k < n; k++) {
                float *to = plane->px + (y + k) * width + x;
                for (size_t i = 0; i < m; i++) to[i] = out[(x + i) * LANES + k];
            }
        }
    }
}

static iad_status smooth(iad_gaussian_kernel kernel, iad_plane *plane, const double *weight, int radius, border mode, iad_err *err) {
    const size_t longest = (size_t)(plane->width > plane->height ? plane->width : plane->height);
    double *in = iad_alloc_aligned((longest + 2 * (size_t)radius) * LANES, sizeof *in);
    float *out = iad_alloc_aligned(longest * LANES, sizeof *out);
    iad_status status = IAD_OK;
    if (in && out) {
        iad_gaussian_job job = {.in = in, .weight = weight, .radius = radius};
        smooth_columns(plane, kernel, &job, in, out, mode);
        smooth_rows(plane, kernel, &job, in, out, mode);
    } else {
        status = IAD_NOMEM(err, "lines of a Gaussian filter");
    }
    free(in);
    free(out);
    return status;
}

static iad_gaussian_kernel best_kernel(void) {
    iad_gaussian_kernel kernel = iad_gaussian_lines_avx512();
    if (!kernel) kernel = iad_gaussian_lines_avx2();
    return kernel ? kernel : iad_gaussian_lines_scalar;
}

static iad_status plane_check(const iad_plane *plane, double sigma, iad_err *err) {
    if (!plane->px || plane->width < 1 || plane->height < 1) return IAD_FAIL(err, IAD_ERR_ARG, "Gaussian filter: empty plane");
    if (isnan(sigma)) return IAD_FAIL(err, IAD_ERR_ARG, "Gaussian filter: sigma is not a number");
    if (sigma > IAD_GAUSSIAN_MAX_SIGMA)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "Gaussian filter: sigma %g is more than %g", sigma, IAD_GAUSSIAN_MAX_SIGMA);
    return IAD_OK;
}

iad_status iad_plane_gaussian_with(iad_gaussian_kernel kernel, iad_plane *plane, double sigma, iad_err *err) {
    IAD_TRY(plane_check(plane, sigma, err));
    if (sigma <= 1e-15) return IAD_OK; /* scipy's own threshold */
    int radius = (int)(4.0 * sigma + 0.5);
    double *weight = iad_alloc((size_t)radius + 1, sizeof *weight);
    if (!weight) return IAD_NOMEM(err, "Gaussian weights");
    iad_status status = iad_gaussian_weights(sigma, radius, weight, err);
    if (status == IAD_OK) status = smooth(kernel, plane, weight, radius, BORDER_REFLECT, err);
    free(weight);
    return status;
}

iad_status iad_plane_gaussian(iad_plane *plane, double sigma, iad_err *err) {
    return iad_plane_gaussian_with(best_kernel(), plane, sigma, err);
}

iad_status iad_plane_gaussian_kernel(iad_plane *plane, int k, double sigma, iad_err *err) {
    IAD_TRY(plane_check(plane, sigma, err));
    if (k < 1 || k > 63 || k % 2 == 0) return IAD_FAIL(err, IAD_ERR_ARG, "Gaussian kernel of %d taps: want an odd number, 1..63", k);
    if (sigma < 0.05) return IAD_FAIL(err, IAD_ERR_ARG, "Gaussian kernel: sigma %g is below 0.05", sigma);
    /* The normalised k x k kernel is the product of two normalised 1-D ones, so two passes do. */
    double weight[32];
    IAD_TRY(iad_gaussian_weights(sigma, k / 2, weight, err));
    return smooth(best_kernel(), plane, weight, k / 2, BORDER_ZERO, err);
}
