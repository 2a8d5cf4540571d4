/* The commands of iad-annotate; each is one function of a file cmd_annotate_<name>.c of this folder. */
#ifndef IAD_ANNOTATE_CMD_ANNOTATE_H
#define IAD_ANNOTATE_CMD_ANNOTATE_H

#include "annotate/work/annotaterun.h"
#include "base/app.h"
#include "base/buf.h"
#include "manifests/manifest.h"

int iad_cmd_annotate_run(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_annotate_status(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_annotate_cost(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_annotate_report(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_annotate_show(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_annotate_accept(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_annotate_reject(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_annotate_export(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_annotate_batch(iad_app *app, int argc, char **argv, iad_err *err);

/* ---- what run and batch share ---- */

typedef struct iad_annotate_settings {
    iad_annotate_options o;
    const char *db, *profile, *mode, *lang, *prompts_dir, *key_env, *key_file, *parts, *prices;
    iad_strings prompts, categories;
    int64_t concurrency, tries, rounds, quality;
    double price_in, price_out, batch_price; /* -1: from the table */
    int no_probe, no_feedback;
    iad_prompts all;
    const iad_prompt **chosen;
    iad_secret key;
} iad_annotate_settings;
iad_annotate_settings iad_annotate_settings_default(void);
/* Fills settings->o out of the rest. */
iad_status iad_annotate_settle(iad_annotate_settings *settings, iad_app *app, iad_err *err);
void iad_annotate_settings_deinit(iad_annotate_settings *settings);
/* Writes the options that both have into table (room for IAD_ANNOTATE_MAX_ARGS, ended); the two helps are those of --tries and --timeout. */
#define IAD_ANNOTATE_MAX_ARGS 40
size_t iad_annotate_args(iad_annotate_settings *settings, const char *tries_help, const char *timeout_help, iad_arg table[IAD_ANNOTATE_MAX_ARGS]);

#endif
