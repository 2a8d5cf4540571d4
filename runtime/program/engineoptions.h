/* The options that all commands over a loaded model share, and what they open. */
#ifndef IAD_PROGRAM_ENGINEOPTIONS_H
#define IAD_PROGRAM_ENGINEOPTIONS_H

#include "base/app.h"
#include "base/buf.h"
#include "base/progress.h"
#include "runtime/iadgpt.h"
#include "runtime/program/picturelist.h"

typedef struct iad_engine_args {
    const char *model, *device, *weights, *vision_weights, *fusion;
    iad_strings map_layers;
} iad_engine_args;
enum { IAD_ENGINE_ROWS = 6 };
void iad_engine_args_init(iad_engine_args *args);
void iad_engine_args_deinit(iad_engine_args *args);
/* Writes IAD_ENGINE_ROWS rows of an option table; returns their number. */
int iad_engine_args_rows(iad_engine_args *args, iad_arg *rows);

typedef struct iad_settings_args {
    const char *image_size, *similarity, *question, *yes_means;
    int64_t min_pixels, max_pixels;
    double retention;
    int compress_query;
} iad_settings_args;
enum { IAD_SETTINGS_ROWS = 8, IAD_SIZE_ROWS = 3 };
void iad_settings_args_init(iad_settings_args *args);
/* The first IAD_SIZE_ROWS rows are the picture sizes alone. */
int iad_settings_args_rows(iad_settings_args *args, iad_arg *rows);
iad_status iad_settings_args_resolve(const iad_settings_args *args, iadgpt_settings *settings, iad_err *err);

/* A model with one session. Zero-initialise; close also after a failure. */
typedef struct iad_opened {
    iad_app *app;
    iadgpt_engine *engine;
    iadgpt_session *session;
    iad_progress progress;
} iad_opened;
iad_status iad_opened_open(iad_opened *opened, iad_app *app, const iad_engine_args *args, iad_err *err);
void iad_opened_close(iad_opened *opened);

/* Loads and prepares the good pictures that the operands name: 1..16. Any that cannot be read is a failure. */
iad_status iad_prepare_normals(iad_opened *opened, const iad_strings *normals, const iadgpt_settings *settings, iadgpt_exemplars **exemplars,
                               iad_err *err);

/* {"key": "..", "k": 4, ...}, appended without a line end. */
iad_status iad_exemplars_json(const iadgpt_exemplars *exemplars, iad_buf *out, iad_err *err);
/* {"preprocess_ms": .., ...} */
iad_status iad_timings_json(const iadgpt_timings *timings, iad_buf *out, iad_err *err);

#endif
