/* A program run and watched: time, processor time, memory of it and its children. */
#ifndef IAD_SPEED_MEASURECHILD_H
#define IAD_SPEED_MEASURECHILD_H

#include <stddef.h>

#include "base/status.h"

typedef struct iad_child_cost {
    double wall_s, cpu_s; /* cpu: user and system, with its children */
    double peak_bytes;    /* of the proportional set sizes of the whole family, looked at twenty times a second */
    int code;             /* exit code, -1 when a signal ended it */
} iad_child_cost;

/* Runs words[0] (a path, or a name in PATH) with the words behind it, NULL ends them; what it prints goes to the file `log` (NULL: nowhere). Errors:
 * IAD_ERR_IO (it cannot be started). */
iad_status iad_child_measure(const char *const *words, const char *log, iad_child_cost *cost, iad_err *err);

/* Starts a program that serves; stop it with iad_child_stop (SIGTERM, waits). */
iad_status iad_child_start(const char *const *words, const char *log, int *pid, iad_err *err);
void iad_child_stop(int pid);

/* Path of the program `name` that lies beside this one ("../tests/x" is fine too); out [size]. Errors: IAD_ERR_IO, IAD_ERR_LIMIT. */
iad_status iad_child_beside(const char *name, char *out, size_t size, iad_err *err);

/* Processor seconds of this thread. */
double iad_thread_seconds(void);

#endif
