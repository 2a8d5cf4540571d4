#include "synth/export/task_export_stream.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

iad_status iad_export_stream_open(iad_export_stream *stream, const char *path, iad_err *err) {
    *stream = (iad_export_stream){0};
    if (snprintf(stream->path, sizeof stream->path, "%s", path) >= (int)sizeof stream->path ||
        snprintf(stream->temporary, sizeof stream->temporary, "%s.part", path) >= (int)sizeof stream->temporary)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s...: the path is too long", path);
    stream->file = fopen(stream->temporary, "wb");
    return stream->file ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "%s: cannot write: %m", stream->temporary);
}

iad_status iad_export_stream_add(iad_export_stream *stream, const void *bytes, size_t n, iad_err *err) {
    if (n && fwrite(bytes, 1, n, stream->file) != n) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot write: %m", stream->temporary);
    stream->bytes += n;
    return IAD_OK;
}

iad_status iad_export_stream_finish(iad_export_stream *stream, iad_err *err) {
    int bad = fflush(stream->file) != 0 || fsync(fileno(stream->file)) != 0;
    bad |= fclose(stream->file) != 0;
    stream->file = NULL;
    if (!bad && rename(stream->temporary, stream->path) == 0) return IAD_OK;
    iad_status status = IAD_FAIL(err, IAD_ERR_IO, "%s: cannot write: %m", stream->path);
    unlink(stream->temporary);
    return status;
}

void iad_export_stream_drop(iad_export_stream *stream) {
    if (!stream->file) return;
    fclose(stream->file);
    stream->file = NULL;
    unlink(stream->temporary);
}

iad_status iad_export_json_open(iad_export_json *json, const char *path, int lines, iad_err *err) {
    json->lines = lines;
    json->n = 0;
    return iad_export_stream_open(&json->stream, path, err);
}

iad_status iad_export_json_add(iad_export_json *json, json_t *value, iad_err *err) {
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    if (!text) return IAD_NOMEM(err, "a record as JSON");
    const char *before = json->lines ? "" : json->n ? ",\n" : "[\n";
    iad_status status = iad_export_stream_add(&json->stream, before, strlen(before), err);
    if (status == IAD_OK) status = iad_export_stream_add(&json->stream, text, strlen(text), err);
    if (status == IAD_OK && json->lines) status = iad_export_stream_add(&json->stream, "\n", 1, err);
    free(text);
    json->n++;
    return status;
}

iad_status iad_export_json_finish(iad_export_json *json, iad_err *err) {
    const char *end = json->lines ? "" : json->n ? "\n]\n" : "[]\n";
    IAD_TRY(iad_export_stream_add(&json->stream, end, strlen(end), err));
    return iad_export_stream_finish(&json->stream, err);
}
