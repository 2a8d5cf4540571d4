/* The frame of every program: subcommands, common options, interrupt flag, exit codes. Used by programs only. */
#ifndef IAD_BASE_APP_H
#define IAD_BASE_APP_H

#include <stdatomic.h>
#include <stdio.h>

#include "base/args.h"
#include "base/log.h"
#include "base/status.h"

enum { IAD_EXIT_OK = 0, IAD_EXIT_FAILED = 1, IAD_EXIT_USAGE = 2, IAD_EXIT_PARTIAL = 3, IAD_EXIT_INTERRUPTED = 130 };

/* What a running command sees. The common options are parsed for every subcommand. */
typedef struct iad_app {
    const char *program; /* "iad-bench" */
    const char *command; /* "run" */
    const char *version;
    char *argv_text;     /* the whole command line, shell-quoted, owned by the frame */
    int64_t threads;     /* --threads, default: processors that this process may use; 1..256 */
    int quiet, verbose;  /* --quiet, --verbose */
    iad_log log;         /* to stderr, level from quiet/verbose */
    atomic_int stop;     /* becomes the signal's number at SIGINT, SIGTERM or SIGUSR1: finish the item at hand, save, return
                          * IAD_ERR_INTERRUPTED */
} iad_app;

typedef struct iad_command {
    const char *name, *summary;
    const char *usage; /* "[options] ROOT" */
    const char *help;  /* paragraph, may be NULL */
    /* argv[0] is the command's name. Returns an exit code; errors go to *err and are printed by the frame.
     * A command parses with iad_app_parse. */
    int (*run)(iad_app *app, int argc, char **argv, iad_err *err);
} iad_command;

/* Common main(): prints help or version, installs the interrupt thread (no signal handler, no global: a second SIGINT
 * ends the process at once), runs the command, prints the error, returns the exit code. */
int iad_app_main(int argc, char **argv, const char *program, const char *version, const char *summary,
                 const iad_command *commands);

/* For commands: parses `table` plus the common options (--threads --quiet --verbose --help). Returns -1 to go on, else the exit
 * code to return at once (0 after --help, IAD_EXIT_USAGE with *err set). */
int iad_app_parse(iad_app *app, const iad_command *self, int argc, char **argv, const iad_arg *table, iad_strings *operands, iad_err *err);

/* Maps a status to the exit code: OK 0, ARG 2, INTERRUPTED 130, else 1. */
int iad_app_exit_code(iad_status status);

#endif
