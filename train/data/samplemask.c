#include "train/data/samplemake.h"

/* The part of pixel `at` that lies in [from, to). */
static double overlap(int at, double from, double to) {
    double lo = from > at ? from : at, hi = to < at + 1 ? to : at + 1;
    return hi > lo ? hi - lo : 0;
}

void iad_sample_mask_average(const iad_image *mask, int h, int w, float *cells) {
    double step_y = (double)mask->height / h, step_x = (double)mask->width / w;
    for (int cy = 0; cy < h; cy++)
        for (int cx = 0; cx < w; cx++) {
            double y0 = cy * step_y, y1 = (cy + 1) * step_y, x0 = cx * step_x, x1 = (cx + 1) * step_x, sum = 0;
            for (int y = (int)y0; y < mask->height && y < y1; y++) {
                double row = 0;
                for (int x = (int)x0; x < mask->width && x < x1; x++)
                    if (mask->px[(size_t)y * (size_t)mask->width + (size_t)x]) row += overlap(x, x0, x1);
                sum += row * overlap(y, y0, y1);
            }
            double share = sum / (step_x * step_y);
            cells[(size_t)cy * (size_t)w + (size_t)cx] = share > 1 ? 1 : (float)share;
        }
}
