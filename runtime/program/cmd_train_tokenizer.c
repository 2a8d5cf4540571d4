/* iadgpt train-tokenizer: a small byte-level BPE in the format of a checkpoint. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "runtime/program/modeltokenizer.h"
#include "runtime/program/program.h"
#include "runtime/token/bpe_train.h"

typedef struct options {
    int64_t vocab, min_count;
    const char *out;
    iad_strings words;
    int builtin;
} options;

static iad_status train(iad_app *app, const options *o, const iad_strings *files, iad_err *err) {
    if (files->n == 0 && !o->builtin) return IAD_FAIL(err, IAD_ERR_ARG, "which texts? train-tokenizer --out DIR TEXTFILE..., or --builtin");
    if (files->n && o->builtin) return IAD_FAIL(err, IAD_ERR_ARG, "--builtin and text files exclude each other");
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, o->out, "config.json", err));
    iad_model_config config;
    int has_model = iad_file_exists(path);
    if (has_model) IAD_TRY(iad_model_config_load(o->out, &config, err));
    if (!has_model && o->vocab == 0) return IAD_FAIL(err, IAD_ERR_ARG, "--vocab is needed: %s holds no model that would say it", o->out);
    iad_model_tokenizer_info info;
    IAD_TRY(iad_model_tokenizer_train(has_model ? &config : NULL, o->vocab, o->min_count, files, &o->words, o->out, &info, err));
    if (has_model) IAD_INFO(&app->log, "the added tokens have the ids of %s", path);
    fprintf(stderr, "base=%d size=%d files=%zu dir=%s\n", info.base, info.size, files->n, o->out);
    return IAD_OK;
}

int iad_cmd_train_tokenizer(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "out", .value = &o.out, .meta = "DIR",
         .help = "folder for the four files; with a model in it, the ids become the model's", .required = 1},
        {.kind = IAD_ARG_INT, .name = "vocab", .value = &o.vocab, .meta = "N",
         .help = "ids in all, 22 added tokens included; 0: as the model in DIR has them", .lo = 0, .hi = IAD_BPE_MAX_VOCAB},
        {.kind = IAD_ARG_INT, .name = "min-count", .value = &o.min_count, .meta = "N",
         .help = "a pair is merged when it occurs so often; 0: 2, or 1 with --builtin", .lo = 0, .hi = 1000000000},
        {.kind = IAD_ARG_LIST, .name = "word", .value = &o.words, .meta = "WORD",
         .help = "must become one token; a leading space counts; may be repeated"},
        {.kind = IAD_ARG_FLAG, .name = "builtin", .value = &o.builtin, .help = "train on the built-in text"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "train-tokenizer", .usage = "--out DIR [options] TEXTFILE...",
                              .help = "Trains a byte-level BPE on texts. Yes, No, \" normal\", \" defect\" and \" abnormal\" always become single "
                                      "tokens:\n"
                                      "the score and the maps rest on them. Deterministic; the order of the files does not matter."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = iad_app_exit_code(train(app, &o, &operands, err));
    iad_strings_deinit(&operands);
    iad_strings_deinit(&o.words);
    return code;
}
