/* Training records as files for other programs: one common frame per record (task_export_frame.h), pictures as files (task_export_pictures.h), one
 * writer per format (task_export_writers.h). */
#ifndef IAD_SYNTH_TASK_EXPORT_H
#define IAD_SYNTH_TASK_EXPORT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "manifests/manifest.h"

typedef enum iad_export_format {
    IAD_EXPORT_LLAVA = 0,  /* <name>.json: one array */
    IAD_EXPORT_QWEN,       /* <name>.json, or .jsonl */
    IAD_EXPORT_LLAMA,      /* <name>.json and dataset_info.json */
    IAD_EXPORT_SWIFT,      /* <name>.jsonl */
    IAD_EXPORT_WEBDATASET, /* <name>-000000.tar ... */
    IAD_EXPORT_HF,         /* metadata.jsonl beside the pictures: the "imagefolder" layout of Hugging Face datasets */
    IAD_EXPORT_MMAD,       /* <name>.json keyed by the query's path */
    IAD_EXPORT_GRPO        /* <name>.jsonl, or .json with jsonl = 0 */
} iad_export_format;
/* 0: no such format. Names: llava | qwen | llama-factory | ms-swift | webdataset | hf | mmad | grpo. */
int iad_export_format_parse(const char *name, iad_export_format *format);

typedef enum iad_export_files {
    IAD_EXPORT_REFERENCE = 0, /* a real picture without changes stays where it is, the record names its absolute path */
    IAD_EXPORT_COPY,
    IAD_EXPORT_HARDLINK,
    IAD_EXPORT_SYMLINK,
    IAD_EXPORT_RENDER /* every picture goes through the same decoder, work size and encoder: nothing tells real from made */
} iad_export_files;
/* none | copy | hardlink | symlink | render */
int iad_export_files_parse(const char *name, iad_export_files *files);

#define IAD_EXPORT_MIN_PIXELS (64 * 28 * 28)
#define IAD_EXPORT_MAX_PIXELS (1280 * 28 * 28)

typedef struct iad_task_export {
    iad_manifest *manifest;
    const char *out; /* folder, made where it is not there */
    iad_export_format format;
    iad_export_files files;
    int stage;                  /* 0..3 */
    int eval;                   /* 1: records of part eval (no replay), else train */
    uint64_t seed;              /* of the replay's choice */
    double replay;              /* share of the earlier stage; < 0: iad_replay_share */
    size_t limit;               /* at most so many records; 0: all */
    int64_t shard_bytes;        /* webdataset: a shard is closed when it is larger */
    int min_pixels, max_pixels; /* of what the model sees */
    int max_side;               /* work size of rendered pictures */
    int images_key;             /* qwen: 1 "images" for several pictures, 0 always "image" */
    int jsonl;                  /* qwen, grpo: lines instead of one array */
    const atomic_int *stop;     /* may be NULL */
    void (*progress)(void *user, size_t done, size_t total);
    void (*trouble)(void *user, const char *message);
    void *user;
} iad_task_export;

typedef struct iad_export_counts {
    size_t records, written, refused, unfit; /* unfit: nothing that the format can hold (mmad: no options) */
    size_t rendered, linked, present, masks; /* picture files made, copied or linked, found; masks written */
    size_t shards;
} iad_export_counts;

/* Writes the records of a stage. Result files appear under their names when they are complete; picture files that are there are left, so a killed
 * call is simply repeated. A record that cannot be told safely (marks within an answer, special tokens of the model, broken text or boxes) or whose
 * picture is gone is refused: counted and told to trouble. Errors: IAD_ERR_NOT_FOUND (no records), IAD_ERR_FORMAT (canonical questions with different
 * meanings of Yes), IAD_ERR_ARG, IAD_ERR_IO, IAD_ERR_INTERRUPTED. */
iad_status iad_task_export_run(const iad_task_export *run, iad_export_counts *counts, iad_err *err);

#endif
