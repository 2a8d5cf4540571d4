/* The commands of iad-manifest; each is one file cmd_<name>.c. */
#ifndef IAD_MANIFESTS_CMD_H
#define IAD_MANIFESTS_CMD_H

#include <jansson.h>

#include "base/app.h"
#include "base/appprint.h"
#include "base/buf.h"
#include "base/status.h"
#include "manifests/manifest.h"

int iad_cmd_init(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_ingest(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_check(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_stats(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_show(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_refs(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_merge(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_export(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_gallery(iad_app *app, int argc, char **argv, iad_err *err);

/* ---- what they share (cmd_common.c) ---- */

/* -1 when there are between lo and hi operands, else IAD_EXIT_USAGE with a message. */
int iad_cmd_operands(const iad_strings *operands, size_t lo, size_t hi, const char *what, iad_err *err);
/* Ends the run row with the exit code's word and the counts (stolen). On a failure of the command itself its error
 * stays in *err. */
void iad_cmd_end_run(iad_manifest *manifest, int64_t run_id, int code, json_t *counts);

#endif
