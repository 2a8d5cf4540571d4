/* Tar archives with the same bytes everywhere: POSIX ustar, regular files only, time 0, owner 0, mode 0644. */
#ifndef IAD_SYNTH_TASK_EXPORT_TAR_H
#define IAD_SYNTH_TASK_EXPORT_TAR_H

#include "synth/export/task_export_stream.h"

#define IAD_EXPORT_TAR_BLOCK 512
#define IAD_EXPORT_TAR_MAX_NAME 100

/* Adds a member. Errors: IAD_ERR_ARG (name empty, too long or unsafe), IAD_ERR_LIMIT (8 GiB and more), IAD_ERR_IO. */
iad_status iad_export_tar_add(iad_export_stream *tar, const char *name, const void *bytes, uint64_t n, iad_err *err);
/* The two empty blocks of the end; the stream is not finished yet. */
iad_status iad_export_tar_end(iad_export_stream *tar, iad_err *err);

#endif
