/* iadgpt inspect: pictures against pictures of good parts. See inspectrun.c for the run itself. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runtime/program/inspectrun.h"
#include "runtime/program/program.h"

static iad_status check(const iad_inspect_args *o, const iad_strings *queries, iad_err *err) {
    if ((o->normals.n > 0) + (o->exemplars != NULL) + o->zero_shot != 1)
        return IAD_FAIL(err, IAD_ERR_ARG, "give the good pictures by one of --normal PATH, --exemplars FILE or --zero-shot");
    if (!isnan(o->threshold) + (o->calibration != NULL) + (o->calibrate.n > 0) > 1)
        return IAD_FAIL(err, IAD_ERR_ARG, "--threshold, --calibration and --calibrate exclude each other");
    if (o->calibration_out && !o->calibrate.n) return IAD_FAIL(err, IAD_ERR_ARG, "--calibration-out needs --calibrate");
    if (!queries->n && !o->calibrate.n) return IAD_FAIL(err, IAD_ERR_ARG, "which pictures? inspect ... QUERY...");
    if (o->explain && o->batch > 1) return IAD_FAIL(err, IAD_ERR_ARG, "--explain goes with --batch 1 only");
    const iad_settings_args *s = &o->settings;
    if (o->exemplars && (s->image_size || s->min_pixels || s->max_pixels || s->retention != 0 || s->similarity || s->compress_query || s->question ||
                         s->yes_means))
        return IAD_FAIL(err, IAD_ERR_ARG, "the settings of pictures and question are in the exemplar file; give them to prepare");
    return IAD_OK;
}

int iad_cmd_inspect(iad_app *app, int argc, char **argv, iad_err *err) {
    iad_inspect_args o = {.threshold = NAN, .target_fpr = 0.05, .confidence = 0.95, .box_threshold = 0.5, .range = "run", .batch = 1,
                          .max_tokens = 64};
    iad_engine_args_init(&o.engine);
    iad_settings_args_init(&o.settings);
    enum { OWN = 19 };
    const char *threshold = NULL;
    iad_arg table[OWN + IAD_ENGINE_ROWS + IAD_SETTINGS_ROWS + 1] = {
        {.kind = IAD_ARG_LIST, .name = "normal", .value = &o.normals, .meta = "PATH,...",
         .help = "pictures of good parts: files, folders, quoted patterns; at most 16; may be repeated"},
        {.kind = IAD_ARG_STRING, .name = "exemplars", .value = &o.exemplars, .meta = "FILE", .help = "exemplar file of prepare instead"},
        {.kind = IAD_ARG_FLAG, .name = "zero-shot", .value = &o.zero_shot, .help = "no good pictures at all"},
        {.kind = IAD_ARG_STRING, .name = "threshold", .value = &threshold, .meta = "SCORE",
         .help = "anomalous when the score is above; without any threshold the verdict is null"},
        {.kind = IAD_ARG_STRING, .name = "calibration", .value = &o.calibration, .meta = "FILE", .help = "take the threshold from this file"},
        {.kind = IAD_ARG_LIST, .name = "calibrate", .value = &o.calibrate, .meta = "DIR",
         .help = "make the threshold from good pictures, none of which is an exemplar"},
        {.kind = IAD_ARG_FLOAT, .name = "target-fpr", .value = &o.target_fpr, .meta = "SHARE",
         .help = "with --calibrate: largest share of good parts called anomalous", .flo = 1e-6, .fhi = 0.999999},
        {.kind = IAD_ARG_FLOAT, .name = "confidence", .value = &o.confidence, .meta = "P",
         .help = "with --calibrate: probability that the share is kept", .flo = 1e-6, .fhi = 0.999999},
        {.kind = IAD_ARG_STRING, .name = "calibration-out", .value = &o.calibration_out, .meta = "FILE", .help = "keep the calibration"},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &o.out, .meta = "FILE",
         .help = "JSON lines go here instead of stdout; pictures that are in it already are not inspected again"},
        {.kind = IAD_ARG_STRING, .name = "map", .value = &o.map_dir, .meta = "DIR",
         .help = "write anomaly maps as 16-bit PNG, and maps.json with their scale and exact values"},
        {.kind = IAD_ARG_STRING, .name = "overlay", .value = &o.overlay_dir, .meta = "DIR",
         .help = "write the pictures with heat map, boxes and score"},
        {.kind = IAD_ARG_STRING, .name = "map-range", .value = &o.range, .meta = "run|calibration|LO:HI",
         .help = "values that count as 0 and 1 in maps and boxes: extremes of this run, of the calibration, or fixed"},
        {.kind = IAD_ARG_FLOAT, .name = "box-threshold", .value = &o.box_threshold, .meta = "T",
         .help = "boxes stand where the map, scaled to 0..1, is above", .flo = 1e-9, .fhi = 1},
        {.kind = IAD_ARG_FLAG, .name = "raw-map", .value = &o.raw_map,
         .help = "put the map's exact values into the lines on stdout too (in --out they always are)"},
        {.kind = IAD_ARG_FLAG, .name = "explain", .value = &o.explain, .help = "let the model answer in words"},
        {.kind = IAD_ARG_INT, .name = "max-tokens", .value = &o.max_tokens, .meta = "N",
         .help = "with --explain: at most so many", .lo = 1, .hi = 32768},
        {.kind = IAD_ARG_INT, .name = "batch", .value = &o.batch, .meta = "N",
         .help = "pictures in one pass; the scores do not depend on it, the speed may", .lo = 1, .hi = 64},
        {.kind = IAD_ARG_INT, .name = "limit", .value = &o.limit, .meta = "N",
         .help = "inspect at most N pictures, 0 for all", .lo = 0, .hi = 1000000000}};
    int n = OWN + iad_engine_args_rows(&o.engine, table + OWN);
    n += iad_settings_args_rows(&o.settings, table + n);
    table[n] = (iad_arg){.kind = IAD_ARG_END};
    const iad_command self = {.name = "inspect", .usage = "--model DIR (--normal PATH | --exemplars FILE) [options] QUERY...",
                              .help = "One JSON line per picture: score (0..1, higher is more anomalous), verdict, boxes in pixels of the picture as "
                                      "it is,\n"
                                      "times. QUERY is a file, a folder or a quoted pattern. With --map-range run the scale of maps and boxes is "
                                      "known only\n"
                                      "when the last picture is done, so the lines on stdout come at the end; with any other range they come at "
                                      "once.\n"
                                      "A broken picture gives a line with \"error\", exit code 3, and the rest goes on. Interrupted, what is "
                                      "finished is\n"
                                      "written; with --out the same command goes on from there."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && threshold && iad_parse_f64(threshold, -1e300, 1e300, "--threshold", &o.threshold, err) != IAD_OK) code = IAD_EXIT_USAGE;
    if (code < 0) {
        iad_status status = check(&o, &operands, err);
        code = status == IAD_OK ? iad_inspect_run(app, &o, &operands, err) : iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    iad_strings_deinit(&o.normals);
    iad_strings_deinit(&o.calibrate);
    iad_engine_args_deinit(&o.engine);
    return code;
}
