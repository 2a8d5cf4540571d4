/* The commands of iad-crawl; each is one file cmd_crawl_<name>.c of this folder. */
#ifndef IAD_CRAWL_CMD_CRAWL_H
#define IAD_CRAWL_CMD_CRAWL_H

#include "base/app.h"
#include "base/buf.h"
#include "manifests/manifest.h"

int iad_cmd_crawl_run(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_crawl_retry(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_crawl_status(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_crawl_report(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_crawl_gallery(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_crawl_reject(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_crawl_export(iad_app *app, int argc, char **argv, iad_err *err);

#endif
