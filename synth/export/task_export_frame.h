/* One record in the form that all writers share: messages with finished box texts, picture files, extras. */
#ifndef IAD_SYNTH_TASK_EXPORT_FRAME_H
#define IAD_SYNTH_TASK_EXPORT_FRAME_H

#include <jansson.h>

#include "synth/export/task_export_pictures.h"
#include "synth/task/boxslots.h"
#include "synth/task/taskview.h"

#define IAD_EXPORT_MAX_PICTURES 64

typedef struct iad_export_frame {
    iad_task_view view;
    char id[32]; /* "t" and the row's number */
    iad_export_picture pictures[IAD_EXPORT_MAX_PICTURES];
    size_t n_pictures;
    char mask[IAD_PATH_MAX];       /* relative; "" when there is none or nobody knows it */
    json_t *messages;              /* array of texts: question, answer, question ... */
    json_t *ref, *bbox, *image_id; /* ms-swift: one for each placeholder, in order of the texts */
    json_t *extras;                /* object: mask, query_pos, spans ... */
} iad_export_frame;

/* Fills *frame (owned; iad_export_frame_deinit also after failure). IAD_ERR_FORMAT: the record cannot be told safely; IAD_ERR_NOT_FOUND,
 * IAD_ERR_EXISTS: a picture is not what it was. Those three refuse one record, anything else ends the export. */
iad_status iad_export_frame_load(iad_export_pictures *pictures, int64_t task_id, int replayed, iad_export_frame *frame, iad_err *err);
void iad_export_frame_deinit(iad_export_frame *frame);

/* What no exported text may hold: special tokens of the model and marks of other media; with `mark` also ms-swift's placeholders. NULL: none. */
const char *iad_export_forbidden(const char *text, int mark);
/* Number of "<image>" in text. */
size_t iad_export_count_marks(const char *text);

#endif
