/* The run behind iadgpt inspect. */
#ifndef IAD_PROGRAM_INSPECTRUN_H
#define IAD_PROGRAM_INSPECTRUN_H

#include "runtime/program/engineoptions.h"

typedef struct iad_inspect_args {
    iad_engine_args engine;
    iad_settings_args settings;
    iad_strings normals, calibrate;
    const char *exemplars, *calibration, *calibration_out, *out, *map_dir, *overlay_dir, *range;
    double threshold; /* NaN: none */
    double target_fpr, confidence, box_threshold;
    int64_t batch, max_tokens, limit;
    int zero_shot, explain, raw_map;
} iad_inspect_args;

/* Arguments are checked already. Returns an exit code. */
int iad_inspect_run(iad_app *app, const iad_inspect_args *args, const iad_strings *queries, iad_err *err);

#endif
