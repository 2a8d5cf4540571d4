/* VisA-D&R: dialogues about defects (visa_dr.json), and the detection question on the pictures of test_data.json. */
#ifndef IAD_BENCH_ASKVISADR_H
#define IAD_BENCH_ASKVISADR_H

#include "bench/reasoning/asklist.h"

/* The detection question of the published evaluation (Anomaly-OV, section 4): other words would measure another thing. Yes means defective. */
#define IAD_VISA_DR_QUESTION "Are there any defects for the object in the image? Please reply with 'Yes' or 'No'."

typedef struct iad_visa_dr_options {
    const char *root;      /* folder of the pictures */
    const char *question;  /* of the detection list; NULL: IAD_VISA_DR_QUESTION */
    const char *exemplars; /* folder with one folder of good pictures per class, NULL: none are shown */
    int shots;             /* 0..IAD_ASK_MAX_SHOTS; the first so many files by name */
    int low;               /* so many first questions of a dialogue are low-level, when the record has no "types" of its own; 1 */
    int published;         /* 1: without pcb2 and pcb4, as the authors' scripts */
} iad_visa_dr_options;

/* Text of visa_dr.json: a list of records as manifests/ingest/dialogue_record.h reads them, each {"image": "VisA/<class>/...", "questions": [..],
 * answers in one of several forms}; optionally "types": ["low", "complex", ..], one per question. Turns of one picture follow each other, earlier
 * ones with the model's own answers. Ids: "<image>#<turn from 0>", further dialogues about a picture "<image>#2.<turn>". `name` is used in messages.
 * Errors name the record: IAD_ERR_FORMAT, IAD_ERR_LIMIT. */
iad_status iad_asks_visa_dr(iad_asks *asks, const char *text, size_t n, const char *name, const iad_visa_dr_options *options, iad_err *err);
/* Text of test_data.json: a list of {"image", "anomaly": true|false|0|1}. Ids: "<image>#detection". */
iad_status iad_asks_visa_dr_detection(iad_asks *asks, const char *text, size_t n, const char *name, const iad_visa_dr_options *options, iad_err *err);

#endif
