/* The commands of iad-train; each is one file cmd_<name>.c. */
#ifndef IAD_TRAIN_CMD_H
#define IAD_TRAIN_CMD_H

#include "base/app.h"
#include "base/status.h"

/* Beside those of base/app.h. */
enum {
    IAD_EXIT_DIVERGED = 4, /* losses or gradients that are not finite, several steps in a row */
    IAD_EXIT_REQUEUE = 75  /* told to go by SIGTERM or SIGUSR1: saved, the same command goes on */
};

int iad_cmd_train_run(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_train_plan(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_train_export(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_train_inspect(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_train_curve(iad_app *app, int argc, char **argv, iad_err *err);

#endif
