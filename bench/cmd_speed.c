/* iad-bench speed WHAT: our code beside what a user would run instead, in one run on this machine. */
#include <stdio.h>
#include <string.h>

#include "bench/bench_cmd.h"
#include "bench/speed/speed_annotate.h"
#include "bench/speed/speed_crawl.h"
#include "bench/speed/speed_gradients.h"
#include "bench/speed/speed_ingest.h"
#include "bench/speed/speed_metrics.h"
#include "bench/speed/speed_resize.h"
#include "bench/speed/speed_runtime.h"
#include "bench/speed/speed_synth.h"
#include "bench/speed/speed_train.h"
#include "bench/speed/speed_words.h"

int iad_cmd_speed(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *python = "python3", *root = NULL, *model = NULL, *baseline = NULL, *crawl = NULL, *web = NULL, *device = "cpu";
    int64_t maps = 115, size = 518, repeats = 0, shots = 4, side = 0, answer = 32, pictures = -1, records = 800000, floor = 0,
            batch = 8, hashes = 1000000;
    int no_baseline = 0;
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "python", .value = &python, .meta = "FILE", 
         .help = "interpreter with numpy, scikit-learn (metrics), Pillow (resize, synth), OpenCV (synth), transformers (runtime, train), img2dataset "
                 "(crawl), openai (annotate) or sentence-transformers (words)"},
        {.kind = IAD_ARG_INT, .name = "maps", .value = &maps, .meta = "N", .help = "metrics: number of maps", .lo = 1, .hi = 10000},
        {.kind = IAD_ARG_INT, .name = "size", .value = &size, .meta = "PX", .help = "metrics: side of a map", .lo = 16, .hi = 4096},
        {.kind = IAD_ARG_STRING, .name = "root", .value = &root, .meta = "DIR", .help = "ingest: folder in MVTec layout"},
        {.kind = IAD_ARG_STRING, .name = "model", .value = &model, .meta = "DIR", 
         .help = "runtime: checkpoint with a tokenizer (iadgpt new-model); train: any checkpoint [a random small one]; words: sentence-transformers "
                 "folder"},
        {.kind = IAD_ARG_STRING, .name = "baseline", .value = &baseline, .meta = "FILE", 
         .help = "runtime, synth, train, crawl, annotate, words: script to compare with [bench/speed/<what>_baseline.py]"},
        {.kind = IAD_ARG_FLAG, .name = "no-baseline", .value = &no_baseline, .help = "runtime, synth, train, crawl, annotate, words: ours alone"},
        {.kind = IAD_ARG_INT, .name = "repeats", .value = &repeats, .meta = "N", 
         .help = "runtime, train, words: repeats, of which the best counts [3], gradients likewise [20]; synth: whose mean counts [200]", .lo = 1,
         .hi = 100000},
        {.kind = IAD_ARG_INT, .name = "shots", .value = &shots, .meta = "K", .help = "runtime: good pictures", .lo = 1, .hi = 16},
        {.kind = IAD_ARG_INT, .name = "side", .value = &side, .meta = "PX",
         .help = "side of the pictures; runtime: a multiple of 28 [448]; synth: up to 1024 [1024]; crawl: width [1024]; annotate: [112]", .lo = 64,
         .hi = 1792},
        {.kind = IAD_ARG_INT, .name = "answer", .value = &answer, .meta = "N", .help = "runtime, train: tokens of an answer", .lo = 0, .hi = 4096},
        {.kind = IAD_ARG_STRING, .name = "device", .value = &device, .meta = "NAME", .help = "train: where it computes: cpu, cuda, cuda:N"},
        {.kind = IAD_ARG_INT, .name = "batch", .value = &batch, .meta = "N", .help = "train: records of a step", .lo = 1, .hi = 64},
        {.kind = IAD_ARG_INT, .name = "pictures", .value = &pictures, .meta = "N",
         .help = "synth: pictures of the manifest that records are made from, 0: none [100000]; crawl: addresses of the list [1000]; annotate: "
                 "pictures [5000]", .lo = 0, .hi = 10000000},
        {.kind = IAD_ARG_INT, .name = "hashes", .value = &hashes, .meta = "N",
         .help = "crawl: hashes to join with themselves, 0: none", .lo = 0, .hi = 100000000},
        {.kind = IAD_ARG_STRING, .name = "crawl", .value = &crawl, .meta = "FILE", .help = "crawl: the crawler [iad-crawl beside this program]"},
        {.kind = IAD_ARG_STRING, .name = "web", .value = &web, .meta = "FILE", .help = "crawl: the server [../tests/iad_web beside this program]"},
        {.kind = IAD_ARG_INT, .name = "records", .value = &records, .meta = "N", .help = "synth: records to make", .lo = 1, .hi = 100000000},
        {.kind = IAD_ARG_INT, .name = "floor", .value = &floor, .meta = "N",
         .help = "synth: fail when fewer pictures a second of processor time get a defect, JPEG to JPEG; 0: never", .lo = 0, .hi = 100000},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "speed", .usage = "metrics|resize|ingest|runtime|synth|gradients|train|crawl|annotate|words [options]",
                              .help = "metrics: exact pixel metrics beside scikit-learn's AUROC alone\n"
                                      "resize:  our resampling beside Pillow's, one thread\n"
                                      "ingest:  ingest of --root beside bare decoding of the same files\n"
                                      "runtime: queries and answers of --model beside transformers, and beside what this machine can do\n"
                                      "synth:   recipes, pictures with defects and training records, beside the codec alone, Pillow and OpenCV\n"
                                      "gradients: the trainer's matrix products beside oneDNN, its attention and update\n"
                                      "train:   whole steps of training beside transformers with torch, on the same records\n"
                                      "crawl:   a list of pictures on loopback beside img2dataset and beside libjpeg; joins of hashes\n"
                                      "annotate: pictures through the scripted endpoint beside the openai package\n"
                                      "words:   sentence embeddings of --model beside sentence-transformers"};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        const char *what = operands.n == 1 ? operands.items[0] : "";
        iad_status status;
        if (!strcmp(what, "metrics")) status = iad_speed_metrics(stdout, python, (int)maps, (int)size, err);
        else if (!strcmp(what, "resize")) status = iad_speed_resize(stdout, python, err);
        else if (!strcmp(what, "ingest")) status = root ? iad_speed_ingest(stdout, root, err) : IAD_FAIL(err, IAD_ERR_ARG, "--root DIR is missing");
        else if (!strcmp(what, "runtime")) {
            const iad_speed_runtime_options options = {.model = model, .python = no_baseline ? NULL : python,
                                                       .baseline = baseline ? baseline : "bench/speed/runtime_baseline.py",
                                                       .threads = (int)app->threads, .repeats = repeats ? (int)repeats : 3, .shots = (int)shots,
                                                       .side = side ? (int)(side / 28 * 28) : 448, .answer = (int)answer};
            status = model ? iad_speed_runtime(stdout, &options, err) : IAD_FAIL(err, IAD_ERR_ARG, "--model DIR is missing");
        } else if (!strcmp(what, "synth")) {
            const iad_speed_synth_options options = {.python = no_baseline ? NULL : python,
                                                     .baseline = baseline ? baseline : "bench/speed/synth_baseline.py",
                                                     .side = side ? (int)side : 1024, .repeats = repeats ? (int)repeats : 200,
                                                     .pictures = pictures < 0 ? 100000 : (int)pictures, .records = (int)records,
                                                     .threads = (int)app->threads, .floor = (int)floor};
            status = options.side > 1024 ? IAD_FAIL(err, IAD_ERR_ARG, "--side %d: at most 1024", options.side)
                : iad_speed_synth(stdout, &options, err);
        } else if (!strcmp(what, "gradients")) status = iad_speed_gradients(stdout, (int)app->threads, repeats ? (int)repeats : 20, err);
        else if (!strcmp(what, "train")) {
            const iad_speed_train_options options = {.model = model, .python = no_baseline ? NULL : python,
                                                     .baseline = baseline ? baseline : "bench/speed/train_baseline.py", .device = device,
                                                     .threads = (int)app->threads,
                                                     .repeats = repeats ? (int)repeats : 3, .batch = (int)batch, .answer = (int)answer};
            status = iad_speed_train(stdout, &options, err);
        } else if (!strcmp(what, "crawl")) {
            const iad_speed_crawl_options options = {.python = no_baseline ? NULL : python,
                                                     .baseline = baseline ? baseline : "bench/speed/crawl_baseline.py", .crawl = crawl, .web = web,
                                                     .pictures = pictures < 0 ? 1000 : (int)pictures, .side = side ? (int)side : 1024,
                                                     .hashes = (int)hashes, .threads = (int)app->threads};
            status = options.pictures < 1 || options.pictures > 20000 ? IAD_FAIL(err, IAD_ERR_ARG, "--pictures %d: 1 to 20000", options.pictures)
                                                                      : iad_speed_crawl(stdout, &options, err);
        } else if (!strcmp(what, "annotate")) {
            const iad_speed_annotate_options options = {.python = no_baseline ? NULL : python,
                                                        .baseline = baseline ? baseline : "bench/speed/annotate_baseline.py",
                                                        .pictures = pictures < 0 ? 5000 : (int)pictures, .side = side ? (int)side : 112,
                                                        .threads = (int)app->threads};
            status = options.pictures < 64 || options.pictures > 1000000
                ? IAD_FAIL(err, IAD_ERR_ARG, "--pictures %d: 64 to 1000000", options.pictures)
                                                                         : iad_speed_annotate(stdout, &options, err);
        } else if (!strcmp(what, "words")) {
            const iad_speed_words_options options = {.model = model, .python = no_baseline ? NULL : python,
                                                     .baseline = baseline ? baseline : "bench/speed/words_baseline.py", .threads = (int)app->threads,
                                                     .repeats = repeats ? (int)repeats : 3};
            status = model ? iad_speed_words(stdout, &options, err) : IAD_FAIL(err, IAD_ERR_ARG, "--model DIR is missing");
        } else status = IAD_FAIL(err, IAD_ERR_ARG,
                                 "one of metrics, resize, ingest, runtime, synth, gradients, train, crawl, annotate, words is wanted");
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
