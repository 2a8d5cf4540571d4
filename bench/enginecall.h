/* What all users of the engine in this folder share: opening it as the command line says, and its errors as ours. */
#ifndef IAD_BENCH_ENGINECALL_H
#define IAD_BENCH_ENGINECALL_H

#include "base/status.h"
#include "bench/scorer.h"
#include "runtime/iadgpt.h"

/* IAD_OK, or the matching code with the engine's message. */
iad_status iad_engine_call(iadgpt_status status, const iadgpt_error *error, iad_err *err);

/* --image-size: NULL (as the checkpoint says), "native" (smart resize) or "WIDTHxHEIGHT" into the settings. Errors: IAD_ERR_ARG. */
iad_status iad_engine_image_size(const char *text, iadgpt_settings *settings, iad_err *err);

/* An engine with one session. */
typedef struct iad_engine_use {
    iadgpt_engine *engine;
    iadgpt_session *session;
    iadgpt_settings settings;
    char key[65]; /* of the empty exemplar set: names model, number formats, tokenizer and settings at once */
} iad_engine_use;

/* Opens options->model; options->stopped is polled meanwhile. *use is initialised here, deinit also after a failure. Errors: the engine's. */
iad_status iad_engine_use_init(iad_engine_use *use, const iad_scorer_options *options, iad_err *err);
void iad_engine_use_deinit(iad_engine_use *use);

#endif
