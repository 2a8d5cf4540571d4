/* Modules that stand beside the programs and are loaded by those that need them. */
#ifndef IAD_TRAIN_COMMMODULE_H
#define IAD_TRAIN_COMMMODULE_H

#include "base/status.h"

/* The table that `file` exports as `symbol`, from IAD_MPI_MODULE_DIR, else from ../lib/iadgpt beside the program; loaded until the process ends.
 * IAD_ERR_NOT_FOUND: no such file (says where, and that a build with `needs` installed has it); IAD_ERR_UNSUPPORTED: it cannot be loaded. */
iad_status iad_comm_module_open(const char *file, const char *needs, const char *symbol, const void **table, iad_err *err);

#endif
