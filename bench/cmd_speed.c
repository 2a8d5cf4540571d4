/* iad-bench speed WHAT: our code beside what a user would run instead, in one run on this machine. */
#include <stdio.h>
#include <string.h>

#include "bench/bench_cmd.h"
#include "bench/speed/speed_ingest.h"
#include "bench/speed/speed_metrics.h"
#include "bench/speed/speed_resize.h"
#include "bench/speed/speed_runtime.h"

int iad_cmd_speed(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *python = "python3", *root = NULL, *model = NULL, *baseline = "bench/speed/runtime_baseline.py";
    int64_t maps = 115, size = 518, repeats = 3, shots = 4, side = 448, answer = 32;
    int no_baseline = 0;
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "python", .value = &python, .meta = "FILE", .help = "interpreter with numpy, scikit-learn (metrics), Pillow (resize) or transformers (runtime)"},
        {.kind = IAD_ARG_INT, .name = "maps", .value = &maps, .meta = "N", .help = "metrics: number of maps", .lo = 1, .hi = 10000},
        {.kind = IAD_ARG_INT, .name = "size", .value = &size, .meta = "PX", .help = "metrics: side of a map", .lo = 16, .hi = 4096},
        {.kind = IAD_ARG_STRING, .name = "root", .value = &root, .meta = "DIR", .help = "ingest: folder in MVTec layout"},
        {.kind = IAD_ARG_STRING, .name = "model", .value = &model, .meta = "DIR", .help = "runtime: checkpoint with a tokenizer (iadgpt new-model)"},
        {.kind = IAD_ARG_STRING, .name = "baseline", .value = &baseline, .meta = "FILE", .help = "runtime: script that runs transformers"},
        {.kind = IAD_ARG_FLAG, .name = "no-baseline", .value = &no_baseline, .help = "runtime: our engine alone"},
        {.kind = IAD_ARG_INT, .name = "repeats", .value = &repeats, .meta = "N", .help = "runtime: repeats, of which the best counts", .lo = 1, .hi = 100},
        {.kind = IAD_ARG_INT, .name = "shots", .value = &shots, .meta = "K", .help = "runtime: good pictures", .lo = 1, .hi = 16},
        {.kind = IAD_ARG_INT, .name = "side", .value = &side, .meta = "PX", .help = "runtime: side of the pictures, a multiple of 28", .lo = 56, .hi = 1792},
        {.kind = IAD_ARG_INT, .name = "answer", .value = &answer, .meta = "N", .help = "runtime: tokens of an answer", .lo = 0, .hi = 4096},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "speed", .usage = "metrics|resize|ingest|runtime [options]",
                              .help = "metrics: exact pixel metrics beside scikit-learn's AUROC alone\n"
                                      "resize:  our resampling beside Pillow's, one thread\n"
                                      "ingest:  ingest of --root beside bare decoding of the same files\n"
                                      "runtime: queries and answers of --model beside transformers, and beside what this machine can do"};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        const char *what = operands.n == 1 ? operands.items[0] : "";
        iad_status status;
        if (!strcmp(what, "metrics")) status = iad_speed_metrics(stdout, python, (int)maps, (int)size, err);
        else if (!strcmp(what, "resize")) status = iad_speed_resize(stdout, python, err);
        else if (!strcmp(what, "ingest")) status = root ? iad_speed_ingest(stdout, root, err) : IAD_FAIL(err, IAD_ERR_ARG, "--root DIR is missing");
        else if (!strcmp(what, "runtime")) {
            const iad_speed_runtime_options options = {.model = model, .python = no_baseline ? NULL : python, .baseline = baseline, .threads = (int)app->threads,
                                                       .repeats = (int)repeats, .shots = (int)shots, .side = (int)(side / 28 * 28), .answer = (int)answer};
            status = model ? iad_speed_runtime(stdout, &options, err) : IAD_FAIL(err, IAD_ERR_ARG, "--model DIR is missing");
        } else status = IAD_FAIL(err, IAD_ERR_ARG, "one of metrics, resize, ingest, runtime is wanted");
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
