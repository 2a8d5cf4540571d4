/* Hostile metrics.jsonl: what is accepted is drawn, on both scales, without a figure that is none. */
#include <string.h>

#include "train/run/curveplot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_curve_run run;
    iad_buf svg;
    int drawn;
    if (iad_curve_run_parse((const char *)data, size, "fuzz", "fuzz", &run, NULL) != IAD_OK) return 0;
    iad_buf_init(&svg, (size_t)256 << 20);
    for (int m = 0; m < IAD_CURVE_METRICS; m++)
        for (int log_scale = 0; log_scale < 2; log_scale++) {
            const iad_curve_plot plot = {.runs = &run, .n_run = 1, .metric = (iad_curve_metric)m,
                                         .eval = m == IAD_CURVE_CE ? IAD_CURVE_EVAL_CE : -1, .title = "t",
                                         .factor = 1, .log_scale = log_scale, .smooth = m % 3 - 1, .width = 640, .height = 240, .classes = "plot"};
            if (iad_curve_plot_add(&plot, &svg, &drawn, NULL) != IAD_OK) __builtin_trap();
        }
    if (strstr(iad_buf_str(&svg), "nan") || strstr(iad_buf_str(&svg), "inf")) __builtin_trap();
    iad_buf_deinit(&svg);
    iad_curve_run_deinit(&run);
    return 0;
}
