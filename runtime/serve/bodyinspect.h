/* The bodies of POST /v1/inspect, /v1/exemplars and /v1/exemplars/ID/calibration. */
#ifndef IAD_SERVE_BODYINSPECT_H
#define IAD_SERVE_BODYINSPECT_H

#include "runtime/serve/bodypicture.h"

enum { IAD_INSPECT_GRID = 1, IAD_INSPECT_PNG = 2 };
typedef enum iad_map_range { IAD_RANGE_AUTO, IAD_RANGE_PICTURE, IAD_RANGE_FIXED } iad_map_range;
enum { IAD_SET_MAX_NAME = 200, IAD_MAX_GOOD = 16 };

typedef struct iad_inspect_body {
    json_t *root;              /* owned */
    iad_source *images, *good; /* owned */
    size_t n_images, n_good;
    const char *exemplar_set;  /* NULL: good or zero_shot */
    int zero_shot, words, stream, maps;
    iadgpt_settings settings;
    int has_threshold;
    double threshold, box_threshold, lo, hi;
    iad_map_range range;
    int64_t max_tokens;
} iad_inspect_body;

/* json[n], or the parts of a multipart body (json is not looked at then). Errors as iad_chat_body_read; free with _deinit, also after a failure. */
iad_status iad_inspect_body_read(iad_body *body, const char *json, size_t n, const iad_parts *parts, const iad_serve_limits *limits,
                                 iad_inspect_body *inspect, iad_err *err);
void iad_inspect_body_deinit(iad_inspect_body *inspect);

/* A new exemplar set, or (name NULL) further pictures for one. */
typedef struct iad_set_body {
    json_t *root;                     /* owned */
    iad_source *images, *calibration; /* owned; of an addition `calibration` holds them all */
    size_t n_images, n_calibration;
    const char *name, *category;      /* category "" when missing */
    double target_fpr, confidence;
    int has_target;                   /* 1: one of the two was given */
    iadgpt_settings settings;
} iad_set_body;
iad_status iad_set_body_read(iad_body *body, const char *json, size_t n, const iad_parts *parts, int addition, const iad_serve_limits *limits,
                             iad_set_body *set, iad_err *err);
void iad_set_body_deinit(iad_set_body *set);

/* Shared with chats: "exemplar_set" (16 hexadecimal digits); "image_size", "min_pixels", "max_pixels". */
iad_status iad_body_set_id(iad_body *body, const json_t *object, const char *prefix, const char **id, iad_err *err);
iad_status iad_body_sizes(iad_body *body, const json_t *object, const char *prefix, iadgpt_settings *settings, iad_err *err);

#endif
