/* The commands of iad-manifest; each is one file cmd_<name>.c. */
#ifndef IAD_MANIFESTS_CMD_H
#define IAD_MANIFESTS_CMD_H

#include "base/app.h"
#include "base/status.h"

int iad_cmd_init(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_ingest(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_check(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_stats(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_show(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_refs(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_merge(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_export(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_gallery(iad_app *app, int argc, char **argv, iad_err *err);

#endif
