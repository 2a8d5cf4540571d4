/* The learning rate of a step. */
#include <math.h>

#include "base/fmath.h"
#include "train/param/optimizer.h"

double iad_rate_at(int64_t t, int64_t n, double peak, double end, double warmup) {
    double w = ceil(warmup * (double)n - 1e-9); /* whole steps; 0.07 * 100 is 7, not 8 */
    if ((double)t < w) return peak * (double)t / w;
    if (t >= n) return end;
    double progress = ((double)t - w) / ((double)n - w);
    return end + (peak - end) * 0.5 * (1 + iad_cos(3.14159265358979323846 * progress));
}
