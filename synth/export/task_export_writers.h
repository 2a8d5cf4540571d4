/* Writers: each turns frames into one format's files. */
#ifndef IAD_SYNTH_TASK_EXPORT_WRITERS_H
#define IAD_SYNTH_TASK_EXPORT_WRITERS_H

#include "synth/export/task_export_frame.h"
#include "synth/export/task_export_stream.h"

typedef struct iad_export_writer {
    const iad_task_export *run;
    iad_export_counts *counts;
    char name[64];           /* "stage2", "stage3-eval" */
    char base[IAD_PATH_MAX]; /* the export's folder, absolute */
    iad_export_json json;    /* formats of one file */
    iad_export_stream tar;   /* webdataset: the present shard */
    json_t *by_path;         /* mmad */
    size_t in_shard;
    iad_buf bytes;
} iad_export_writer;

iad_status iad_export_writer_open(iad_export_writer *writer, const iad_task_export *run, iad_export_counts *counts, iad_err *err);
/* One record; one that the format cannot hold is counted as unfit. */
iad_status iad_export_writer_add(iad_export_writer *writer, const iad_export_frame *frame, iad_err *err);
/* Gives the files their names. */
iad_status iad_export_writer_finish(iad_export_writer *writer, iad_err *err);
/* Frees everything; unfinished files are removed. */
void iad_export_writer_drop(iad_export_writer *writer);

/* Formats with files of their own. */
iad_status iad_export_shard_add(iad_export_writer *writer, const iad_export_frame *frame, iad_err *err);
iad_status iad_export_shard_finish(iad_export_writer *writer, iad_err *err);
iad_status iad_export_mmad_add(iad_export_writer *writer, const iad_export_frame *frame, iad_err *err);
iad_status iad_export_mmad_finish(iad_export_writer *writer, iad_err *err);

/* The picture's path as the format wants it: as it is, or absolute. NULL when memory is out. */
json_t *iad_export_path_json(const iad_export_writer *writer, const char *path, int absolute);
/* [{"from": "human", "value": ...}, ...] */
json_t *iad_export_conversations(const iad_export_frame *frame);

#endif
