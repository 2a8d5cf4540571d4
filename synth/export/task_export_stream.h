/* Large result files: written bit by bit under a temporary name, seen only when complete. */
#ifndef IAD_SYNTH_TASK_EXPORT_STREAM_H
#define IAD_SYNTH_TASK_EXPORT_STREAM_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/file.h"
#include "base/status.h"

typedef struct iad_export_stream {
    FILE *file;
    char path[IAD_PATH_MAX], temporary[IAD_PATH_MAX];
    uint64_t bytes;
} iad_export_stream;

/* path's temporary name is path + ".part"; what an earlier call left there is written over. */
iad_status iad_export_stream_open(iad_export_stream *stream, const char *path, iad_err *err);
iad_status iad_export_stream_add(iad_export_stream *stream, const void *bytes, size_t n, iad_err *err);
/* Flushes to disk and gives the file its name. On failure the temporary file is removed. */
iad_status iad_export_stream_finish(iad_export_stream *stream, iad_err *err);
/* Gives up: the temporary file is removed. Fine on a zeroed or finished stream. */
void iad_export_stream_drop(iad_export_stream *stream);

/* JSON values one by one: an array over several lines, or one value a line. */
typedef struct iad_export_json {
    iad_export_stream stream;
    int lines;
    size_t n;
} iad_export_json;
iad_status iad_export_json_open(iad_export_json *json, const char *path, int lines, iad_err *err);
/* Takes the value (decrefs it in any case); NULL is IAD_ERR_NOMEM. Members keep their order, non-ASCII text stays UTF-8. */
iad_status iad_export_json_add(iad_export_json *json, json_t *value, iad_err *err);
iad_status iad_export_json_finish(iad_export_json *json, iad_err *err);

#endif
