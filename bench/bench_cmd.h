/* The commands of iad-bench; each is one file cmd_<name>.c. */
#ifndef IAD_BENCH_CMD_H
#define IAD_BENCH_CMD_H

#include "base/app.h"
#include "base/status.h"

int iad_cmd_run(iad_app *app, int argc, char **argv, iad_err *err);
/* run with a --task other than detect; kind: iad_ask_kind of bench/reasoning/asktask.h. */
int iad_cmd_run_questions(iad_app *app, int argc, char **argv, int kind, iad_err *err);
int iad_cmd_score(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_presets(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_report(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_compare(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_leaderboard(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_leak(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_words(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_speed(iad_app *app, int argc, char **argv, iad_err *err);

#endif
