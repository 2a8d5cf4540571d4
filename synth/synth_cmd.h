/* The commands of iad-synth; each is one file cmd_<name>.c. */
#ifndef IAD_SYNTH_CMD_H
#define IAD_SYNTH_CMD_H

#include "base/app.h"
#include "base/status.h"
#include "manifests/manifest.h"

int iad_cmd_render(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_caption(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_anomalies(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_preview(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_files(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_tasks(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_export_tasks(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_show(iad_app *app, int argc, char **argv, iad_err *err);

/* Captions a data set and prints the summary: for caption, and for render --captions. */
iad_status iad_synth_caption(iad_app *app, iad_manifest *manifest, const char *dataset, iad_err *err);

#endif
